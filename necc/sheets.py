"""One sheet's way: request, archive, read, prove, store. Each step's outcome is kept with the raw page."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from necc import identity, pages, parse, store, validate
from necc.errors import FetchError, NeccError, SourceChangedError, UnknownLabelError
from necc.records import Month, Outcome, Page, Problem, Quote, Report, Sheet, SheetKey

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

    from necc.fetch import SourceClient
    from necc.runlog import RunLog

AVERAGE_TOLERANCE = 0.51  # the yearly sheet prints means of declared days, rounded (schema.md 5.3)


@dataclass(frozen=True)
class SheetResult:
    """What became of one sheet. `error` is set when the run's exit code must tell of it."""

    key: SheetKey
    outcome: Outcome
    detail: str = ""
    error: NeccError | None = None
    counts: store.Counts = field(default_factory=store.Counts)
    problems: tuple[Problem, ...] = ()
    unknown_labels: tuple[str, ...] = ()
    zones: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class _Reading:
    """A sheet that has proven to be the one asked for."""

    quotes: list[Quote]
    problems: list[Problem]
    zones: dict[str, UUID]
    notice: str | None
    unknown_labels: tuple[str, ...] = ()


class SheetDesk:
    """Takes sheets one after another; knows what is stored, so that a wrong page is recognised."""

    def __init__(
        self,
        connection: Connection[Any],
        client: SourceClient,
        run: RunLog,
        *,
        source: str,
        today: dt.date,
        reader: str,
    ) -> None:
        self.connection = connection
        self.client = client
        self.run = run
        self.source = source
        self.today = today
        self.reader = reader
        self.seen = pages.stored_pages(connection)
        self.default: Sheet | None = None
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def take(self, key: SheetKey) -> SheetResult:
        """Bring one sheet from the source into the database.

        Returns:
            What became of it; a refused or failed sheet is a result, not an exception.

        Raises:
            BlockedError: the source refuses us; the run must stop.
        """
        try:
            with self._timed("fetch"):
                page = self.client.sheet(key)
        except FetchError as error:
            return self._failed(key, error)
        known = self.seen.get(key)
        if known and known.sha256 == page.sha256 and known.reader == self.reader:
            return self._unchanged(key, page, known)
        with self._timed("archive"), self.connection.transaction():
            page_id = pages.archive(self.connection, self.run.run_id, key, page)
        try:
            with self._timed("read and prove"):
                reading = self._prove(key, page)
        except NeccError as error:
            pages.finish_page(self.connection, page_id, Outcome.REFUSED, detail=str(error))
            return SheetResult(key, Outcome.REFUSED, str(error), error)
        with self._timed("store"):
            return self._keep(key, page_id, page, reading)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - started

    def _failed(self, key: SheetKey, error: FetchError) -> SheetResult:
        page = error.page or Page(self.client.url, dt.datetime.now(dt.UTC), 0, "", b"")
        with self.connection.transaction():
            page_id = pages.archive(self.connection, self.run.run_id, key, page)
            pages.finish_page(self.connection, page_id, Outcome.FAILED, detail=str(error))
        return SheetResult(key, Outcome.FAILED, str(error), error)

    def _unchanged(self, key: SheetKey, page: Page, known: pages.StoredPage) -> SheetResult:
        pages.seen_again(self.connection, known.page_id, page.fetched_at)
        error = _unknown_labels_error(key, known.unknown_labels)
        return SheetResult(key, Outcome.UNCHANGED, error=error, unknown_labels=known.unknown_labels)

    def _prove(self, key: SheetKey, page: Page) -> _Reading:
        sheet = parse.read_sheet(page.body)
        identity.check_claims(sheet, key)
        if key.report is Report.MONTHLY or key.month is None:
            return self._cross_check(key, sheet)
        month = Month(key.year, key.month)
        reading = self._judge(sheet, month)
        identity.check_days(reading.quotes, month, self.today)
        cells = _cells(reading)
        self.known_months.check_not_another(month, cells)
        self.known_months.check_boundary(month, cells)
        return reading

    def _judge(self, sheet: Sheet, month: Month) -> _Reading:
        quotes, problems = validate.judge(sheet, month)
        zones = store.zone_ids(self.connection, (row.label for row in sheet.rows))
        unknown = [row for row in sheet.rows if row.label not in zones]
        kept = [quote for quote in quotes if quote.label in zones]
        _refuse_two_lines_for_one_zone(kept, zones)
        return _Reading(
            quotes=kept,
            problems=[p for p in problems if p.label in zones] + [validate.unknown_label(r) for r in unknown],
            zones=zones,
            notice=sheet.notice,
            unknown_labels=tuple(sorted({row.label for row in unknown})),
        )

    def _cross_check(self, key: SheetKey, sheet: Sheet) -> _Reading:
        """Compare the yearly sheet's averages with our own monthly means; nothing of it becomes a price."""
        zones = store.zone_ids(self.connection, (row.label for row in sheet.rows))
        ours = store.monthly_means(self.connection, key.year)
        problems = [p for p in validate.average_problems(sheet, key.year) if p.label in zones]
        for section, label, month, printed in validate.judge_averages(sheet):
            own = ours.get((zones[label], section, month)) if label in zones else None
            if own is not None and printed is not None and abs(own - float(printed)) > AVERAGE_TOLERANCE:
                problem = validate.average_mismatch(label, section, Month(key.year, month), printed, own)
                problems.append(problem)
        unknown = [row for row in sheet.rows if row.label not in zones]
        problems += [validate.unknown_label(row) for row in unknown]
        labels = tuple(sorted({row.label for row in unknown}))
        return _Reading([], problems, zones, sheet.notice, labels)

    def _keep(self, key: SheetKey, page_id: UUID, page: Page, reading: _Reading) -> SheetResult:
        """Store a proven sheet whole, in one transaction."""
        with self.connection.transaction():
            counts = store.upsert_quotes(
                self.connection,
                reading.quotes,
                reading.zones,
                source=self.source,
                run_id=self.run.run_id,
                mode=self.run.mode,
                observed_at=page.fetched_at,
            )
            store.record_problems(self.connection, self.run.run_id, page_id, reading.problems, reading.zones)
            outcome = Outcome.STORED if counts.changed else Outcome.UNCHANGED
            pages.finish_page(self.connection, page_id, outcome, notice=reading.notice, reader=self.reader)
        if key.month is not None:
            self.known_months.add(Month(key.year, key.month), _cells(reading))
        return SheetResult(
            key,
            outcome,
            error=_unknown_labels_error(key, reading.unknown_labels),
            counts=counts,
            problems=tuple(reading.problems),
            unknown_labels=reading.unknown_labels,
            zones=frozenset(reading.zones[quote.label] for quote in reading.quotes),
        )

    @cached_property
    def known_months(self) -> identity.KnownMonths:
        """Every stored month's cells, and the default page's."""
        known = identity.KnownMonths()
        for month, cells in store.stored_cells(self.connection).items():
            known.add(month, cells)
        if self.default and self.default.year and self.default.month:
            month = Month(self.default.year, self.default.month)
            known.add(month, _cells(self._judge(self.default, month)))
        return known


def read_default(client: SourceClient) -> Sheet:
    """The page that the source shows unasked: the current month. A cut page is asked for again, twice.

    Raises:
        SheetRefusedError: the page was cut each time.
        SourceChangedError: the page has an unknown layout.
    """
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

    from necc.errors import SheetRefusedError

    retrying = Retrying(stop=stop_after_attempt(3), retry=retry_if_exception_type(SheetRefusedError), reraise=True)
    return retrying(lambda: parse.read_sheet(client.default_page().body))


def _cells(reading: _Reading) -> dict[tuple[UUID, int], float]:
    return {(reading.zones[q.label], q.date.day): float(q.price) for q in reading.quotes}


def _refuse_two_lines_for_one_zone(quotes: Iterable[Quote], zones: dict[str, UUID]) -> None:
    """Two labels of one zone in one section would overwrite each other's prices."""
    first_label: dict[tuple[UUID, str, dt.date], str] = {}
    for quote in quotes:
        key = (zones[quote.label], quote.section, quote.date)
        other = first_label.setdefault(key, quote.label)
        if other != quote.label:
            raise SourceChangedError(
                f"the sheet prints one zone twice among the {quote.section} prices, as {other!r} and as "
                f"{quote.label!r}: correct the alias table"
            )


def _unknown_labels_error(key: SheetKey, labels: tuple[str, ...]) -> UnknownLabelError | None:
    if not labels:
        return None
    names = ", ".join(repr(label) for label in labels)
    return UnknownLabelError(
        f"sheet {key}: {names} in no alias: add it to nec_zone_aliases and scrape again; known zones are stored"
    )
