"""The order of the steps of a scraping run, and nothing else: sheet after sheet, then refresh the views."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import psycopg

from necc import db, migrate, pages, runlog, store
from necc.config import DEMO_LABEL, Settings
from necc.errors import DatabaseError, FetchError, NeccError, NoDataError, UsageError
from necc.migrate import DeployReport
from necc.parse import PARSER_VERSION
from necc.records import Month, Report, SheetKey
from necc.sheets import SheetDesk, SheetResult, read_default
from necc.tally import ScrapeReport

log = logging.getLogger("necc.pipeline")

EVENING = dt.time(20)  # India: by then the day's prices are out (source.md 1.7)
REREAD_UNTIL_DAY = 10  # the source still corrects the previous month until about then
FAILURES_IN_A_ROW = 3  # a source that fails so often is down: stop asking
Progress = Callable[[SheetResult], None]


def default_keys(today: dt.date) -> list[SheetKey]:
    """The current month, and the previous one while the source still corrects it."""
    month = Month.of(today)
    months = [month.plus(-1), month] if today.day <= REREAD_UNTIL_DAY else [month]
    return [SheetKey.daily(m) for m in months]


def keys_between(first: Month, last: Month, reports: Sequence[Report], today: dt.date) -> list[SheetKey]:
    """The sheets of a range of months, oldest first.

    Raises:
        UsageError: the range is empty or reaches into the future.
    """
    if first > last:
        raise UsageError(f"from {first} to {last}: wanted the earlier month first")
    if last > Month.of(today):
        raise UsageError(f"month {last} lies in the future: in India it is {today}")
    keys = [SheetKey.daily(m) for m in first.through(last)] if Report.DAILY in reports else []
    if Report.MONTHLY in reports:
        keys += [SheetKey.averages(year) for year in range(first.year, last.year + 1)]
    return keys


def scrape(
    settings: Settings,
    keys: Sequence[SheetKey],
    *,
    mode: str = "MANUAL",
    resume: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ScrapeReport:
    """Bring the sheets into the database and refresh the views if anything changed.

    One row of `nec_scraper_logs` tells what happened; each sheet's outcome is in `nec_source_pages`.
    A dry run does the same and rolls everything back.

    Returns:
        The report; failures of sheets are in `errors`, and decide the exit code.

    Raises:
        LockedError: another run works on this database.
        DatabaseError: the database cannot be used; what was stored before stays.
    """
    with ExitStack() as stack:
        settings = stack.enter_context(_with_source(settings))
        connection = stack.enter_context(_ready_connection(settings))
        stack.enter_context(runlog.lock(connection))
        if dry_run:
            stack.enter_context(connection.transaction(force_rollback=True))
        done = {SheetKey.daily(month) for month in pages.complete_months(connection)} if resume else set()
        wanted = [key for key in keys if key not in done or key == keys[-1]]
        report = _report_for(settings, keys, len(keys) - len(wanted), dry_run)
        _run(connection, settings, wanted, report, mode=mode, progress=progress)
        return report


def _report_for(settings: Settings, keys: Sequence[SheetKey], skipped: int, dry_run: bool) -> ScrapeReport:
    first, last = (str(keys[0]), str(keys[-1])) if keys else ("", "")
    return ScrapeReport("", first, last, is_dry_run=dry_run, is_demo=settings.demo, skipped=skipped)


def _run(
    connection: psycopg.Connection[Any],
    settings: Settings,
    keys: Sequence[SheetKey],
    report: ScrapeReport,
    *,
    mode: str,
    progress: Progress | None,
) -> None:
    reader = f"{PARSER_VERSION}+{store.aliases_digest(connection)}"
    first, last = _span(keys)
    run = runlog.open_run(connection, mode=mode, first=first, last=last, reader=reader)
    report.execution_id = run.execution_id
    try:
        _take_all(connection, settings, keys, report, run, reader, progress)
        _refresh(connection, report)
    except NeccError as error:
        report.errors.append(error)
    except psycopg.Error as error:
        reason = str(error).partition("\n")[0]
        report.errors.append(DatabaseError(f"the database failed: {reason}; what was stored before stays"))
    except BaseException as error:
        report.errors.append(_interruption(error))
        raise
    finally:
        if not connection.closed and not connection.broken:
            _close(run, report)


def _take_all(
    connection: psycopg.Connection[Any],
    settings: Settings,
    keys: Sequence[SheetKey],
    report: ScrapeReport,
    run: runlog.RunLog,
    reader: str,
    progress: Progress | None,
) -> None:
    from necc.fetch import SourceClient

    source, today = ("demo" if settings.demo else "scraped"), settings.today()
    with SourceClient(settings) as client:
        desk = SheetDesk(connection, client, run, source=source, today=today, reader=reader)
        report.seconds = desk.seconds
        desk.default = read_default(client)
        failures = 0
        for key in keys:
            result = desk.take(key)
            report.sheets.append(result)
            if result.error:
                report.errors.append(result.error)
            if progress:
                progress(result)
            run.beat()
            failures = failures + 1 if isinstance(result.error, FetchError) else 0
            if failures >= FAILURES_IN_A_ROW:
                raise FetchError(f"{failures} sheets in a row did not answer: stopped; run again with --resume")
    if SheetKey.daily(Month.of(today)) in keys:
        _look_for_todays_price(connection, settings, report)


def _look_for_todays_price(connection: psycopg.Connection[Any], settings: Settings, report: ScrapeReport) -> None:
    today = settings.today()
    if store.has_price_on(connection, today):
        return
    if settings.now().time() < EVENING:
        report.notes.append(f"the prices of {today} are not out yet; they usually are by early afternoon in India")
        return
    report.errors.append(NoDataError(f"no price for {today} after {EVENING:%H:%M} in India: look at the source"))


def _refresh(connection: psycopg.Connection[Any], report: ScrapeReport) -> None:
    if report.counts.changed and not report.is_dry_run:
        started = time.perf_counter()
        store.refresh_views(connection)
        report.seconds["refresh"] = time.perf_counter() - started
        report.is_refreshed = True


def _interruption(error: BaseException) -> NeccError:
    name = type(error).__name__
    return NeccError(f"the run ended early: {name}: {error}" if str(error) else f"the run ended early: {name}")


def _close(run: runlog.RunLog, report: ScrapeReport) -> None:
    zones = frozenset().union(*(sheet.zones for sheet in report.sheets))
    run.close(
        status=report.status,
        exit_code=report.exit_code,
        counts=report.counts,
        problems=report.verdicts,
        sheets=len(report.sheets),
        zones=len(zones),
        unknown_labels=report.unknown_labels,
        errors=[{"kind": type(error).__name__, "message": str(error)} for error in report.errors],
    )


def _span(keys: Sequence[SheetKey]) -> tuple[dt.date, dt.date]:
    firsts = [dt.date(key.year, key.month or 1, 1) for key in keys]
    lasts = [dt.date(key.year, key.month or 12, 1) for key in keys]
    return min(firsts), max(lasts)


def deploy(settings: Settings) -> DeployReport:
    """Bring the database to this version's schema and reference data, all or nothing.

    Raises:
        DatabaseError: as `migrate.deploy` does.
    """
    # What a server of our own was not set up with is nobody's task to add: no news for an analyst.
    level = logging.WARNING if settings.database_url else logging.INFO
    with db.connect(settings) as connection:
        return migrate.deploy(connection, warnings_at=level)


@contextmanager
def _with_source(settings: Settings) -> Iterator[Settings]:
    """In demo mode the made-up pages are served on loopback, so that the same path runs."""
    if not settings.demo:
        yield settings
        return
    from necc import demo

    with demo.serve(settings.today()) as base_url:
        yield replace(settings, base_url=base_url, pause_s=0.0)


@contextmanager
def _ready_connection(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a deployed database that holds no prices of the other kind."""
    with db.connect(settings, autocommit=True) as connection:
        if not migrate.is_deployed(connection):
            if settings.database_url:
                raise DatabaseError("the database has no necc schema of this version: run `necc db deploy` first")
            deploy(settings)
        _refuse_mixing(connection, settings)
        yield connection


def _refuse_mixing(connection: psycopg.Connection[Any], settings: Settings) -> None:
    kinds = store.kinds_of_prices(connection)
    if "demo" in kinds and not settings.demo:
        raise DatabaseError(f"this database holds {DEMO_LABEL}: real prices go into another one")
    if "real" in kinds and settings.demo:
        raise DatabaseError(f"this database holds real prices: {DEMO_LABEL} never goes into it")
