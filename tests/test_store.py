"""Rows as they end up: section-safe, idempotent, with revisions; the SQL function and the loader agree."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from necc import pages, runlog, store
from necc.config import Settings
from necc.errors import LockedError
from necc.records import Month, Outcome, Page, Problem, Quote, Section, SheetKey, Verdict

DAY = dt.date(2024, 2, 5)
SEEN = dt.datetime(2024, 2, 5, 9, tzinfo=dt.UTC)
KEY = SheetKey.daily(Month(2024, 2))
Write = Callable[[Section, str, str], str]


@pytest.fixture
def connection(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    assert settings.database_url
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def run(connection: psycopg.Connection[Any]) -> runlog.RunLog:
    return runlog.open_run(
        connection, mode="MANUAL", first=dt.date(2024, 2, 1), last=dt.date(2024, 2, 1), reader="test"
    )


@pytest.fixture
def zone(connection: psycopg.Connection[Any]) -> uuid.UUID:
    return store.zone_ids(connection, ["Jabalpur"])["Jabalpur"]


@pytest.fixture(params=["loader", "function"])
def write(
    request: pytest.FixtureRequest,
    connection: psycopg.Connection[Any],
    run: runlog.RunLog,
    zone: uuid.UUID,
) -> Write:
    """Both ways to write a price: the set-wise loader and the SQL function."""

    def by_loader(section: Section, price: str, source: str) -> str:
        quote = Quote("Jabalpur", section, DAY, Decimal(price))
        counts = store.upsert_quotes(
            connection,
            [quote],
            {"Jabalpur": zone},
            source=source,
            run_id=run.run_id,
            mode="MANUAL",
            observed_at=SEEN,
        )
        return next(name for name in ("inserted", "updated", "unchanged", "kept_higher") if getattr(counts, name))

    def by_function(section: Section, price: str, source: str) -> str:
        query = "select upsert_nec_price(%s, %s, %s, %s, %s, %s)"
        row = connection.execute(query, [zone, DAY, str(section), Decimal(price), source, run.run_id]).fetchone()
        assert row
        return str(row[0])

    return by_loader if request.param == "loader" else by_function


SUGGESTED, PREVAILING = Section.SUGGESTED, Section.PREVAILING


@pytest.mark.parametrize(
    ("steps", "outcomes", "prices", "revisions"),
    [
        pytest.param([(SUGGESTED, "500", "scraped")], ["inserted"], ("500", None), 0, id="first price"),
        pytest.param([(SUGGESTED, "500", "scraped")] * 2, ["inserted", "unchanged"], ("500", None), 0, id="twice"),
        pytest.param(
            [(SUGGESTED, "500", "scraped"), (SUGGESTED, "505.5", "scraped")],
            ["inserted", "updated"],
            ("505.5", None),
            1,
            id="corrected",
        ),
        pytest.param(
            [(PREVAILING, "560", "scraped"), (SUGGESTED, "561", "scraped")],
            ["inserted", "inserted"],
            ("561", "560"),
            0,
            id="the other section stays",
        ),
        pytest.param(
            [(SUGGESTED, "500", "manual"), (SUGGESTED, "510", "imported"), (SUGGESTED, "520", "scraped")],
            ["inserted", "kept_higher", "kept_higher"],
            ("500", None),
            0,
            id="manual outranks imported outranks scraped",
        ),
        pytest.param(
            [(SUGGESTED, "500", "scraped"), (SUGGESTED, "510", "imported"), (SUGGESTED, "520", "manual")],
            ["inserted", "updated", "updated"],
            ("520", None),
            2,
            id="a higher source wins",
        ),
    ],
)
def test_a_price_is_written_by_the_rules(
    write: Write,
    connection: psycopg.Connection[Any],
    steps: list[tuple[Section, str, str]],
    outcomes: list[str],
    prices: tuple[str | None, str | None],
    revisions: int,
) -> None:
    assert [write(*step) for step in steps] == outcomes
    row = connection.execute("select suggested_price, prevailing_price from nec_prices").fetchone()
    assert row == tuple(None if price is None else Decimal(price) for price in prices)
    assert connection.execute("select count(*) from nec_price_revisions").fetchone() == (revisions,)


def test_a_revision_tells_what_stood_before(write: Write, connection: psycopg.Connection[Any]) -> None:
    write(SUGGESTED, "519", "scraped")
    write(SUGGESTED, "547", "scraped")
    row = connection.execute(
        "select section, date, old_price, new_price, old_source, new_source from nec_price_revisions"
    ).fetchone()
    assert row == ("suggested", DAY, Decimal(519), Decimal(547), "scraped", "scraped")
    assert connection.execute("select suggested_revision_no from nec_prices").fetchone() == (2,)


def page(body: bytes = b"<html>page</html>") -> Page:
    return Page("http://127.0.0.1/home/eggprice", SEEN, 200, "text/html", body)


def problem(text: str = "5l0", rule: str = "damaged_cell") -> Problem:
    return Problem("Jabalpur", SUGGESTED, DAY, text, rule, Verdict.REJECTED, "not a price")


def open_problems(connection: psycopg.Connection[Any]) -> list[Any]:
    query = "select raw_text, rule from nec_price_problems where released_at is null order by 1"
    return connection.execute(query).fetchall()


def test_an_archived_page_is_unread_until_it_is_finished(
    connection: psycopg.Connection[Any], run: runlog.RunLog
) -> None:
    page_id = pages.archive(connection, run.run_id, KEY, page())
    assert pages.stored_pages(connection) == {}
    pages.finish_page(connection, page_id, Outcome.STORED, notice="a notice", reader="r1")
    assert pages.stored_pages(connection)[KEY].sha256 == page().sha256
    assert pages.archive(connection, run.run_id, KEY, page()) == page_id
    assert pages.stored_pages(connection) == {}


def test_the_archived_body_comes_back_whole(connection: psycopg.Connection[Any], run: runlog.RunLog) -> None:
    import zlib

    body = "₹ “notice” ".encode() * 100
    pages.archive(connection, run.run_id, KEY, page(body))
    row = connection.execute("select body, byte_count from nec_source_pages").fetchone()
    assert row is not None
    assert (zlib.decompress(row[0]), row[1]) == (body, len(body))


def test_the_next_sheet_releases_what_it_no_longer_shows(
    connection: psycopg.Connection[Any], run: runlog.RunLog, zone: uuid.UUID
) -> None:
    zones = {"Jabalpur": zone}
    first = pages.archive(connection, run.run_id, KEY, page(b"first"))
    store.record_problems(connection, run.run_id, first, [problem()], zones)
    assert open_problems(connection) == [("5l0", "damaged_cell")]
    second = pages.archive(connection, run.run_id, KEY, page(b"second"))
    store.record_problems(connection, run.run_id, second, [], zones)
    assert open_problems(connection) == []
    store.record_problems(connection, run.run_id, first, [problem()], zones)
    assert open_problems(connection) == [("5l0", "damaged_cell")]


def test_what_a_person_released_stays_released_while_the_text_is_the_same(
    connection: psycopg.Connection[Any], run: runlog.RunLog, zone: uuid.UUID
) -> None:
    zones = {"Jabalpur": zone}
    first = pages.archive(connection, run.run_id, KEY, page(b"first"))
    store.record_problems(connection, run.run_id, first, [problem()], zones)
    connection.execute(
        "update nec_price_problems set released_at = now(), released_by = 'asha', release_reason = 'seen in print'"
    )
    second = pages.archive(connection, run.run_id, KEY, page(b"second"))
    store.record_problems(connection, run.run_id, second, [problem()], zones)
    assert open_problems(connection) == []
    third = pages.archive(connection, run.run_id, KEY, page(b"third"))
    store.record_problems(connection, run.run_id, third, [problem("5i0")], zones)
    assert open_problems(connection) == [("5i0", "damaged_cell")]


def test_only_one_run_holds_the_lock(connection: psycopg.Connection[Any], settings: Settings) -> None:
    assert settings.database_url
    with (
        psycopg.connect(settings.database_url, autocommit=True) as other,
        runlog.lock(connection),
        pytest.raises(LockedError, match="another necc scrape"),
        runlog.lock(other),
    ):
        pass
    with psycopg.connect(settings.database_url, autocommit=True) as other, runlog.lock(other):
        pass


def test_a_run_that_died_is_marked_abandoned(connection: psycopg.Connection[Any], run: runlog.RunLog) -> None:
    runlog.open_run(connection, mode="CRON", first=DAY, last=DAY, reader="test")
    rows = connection.execute("select mode, status from nec_scraper_logs order by started_at").fetchall()
    assert rows == [("MANUAL", "abandoned"), ("CRON", "running")]


def test_complete_months_have_their_last_day_and_no_refused_cell(
    connection: psycopg.Connection[Any], run: runlog.RunLog, zone: uuid.UUID
) -> None:
    zones = {"Jabalpur": zone}
    page_id = pages.archive(connection, run.run_id, KEY, page())
    pages.finish_page(connection, page_id, Outcome.STORED, reader="r1")
    assert pages.complete_months(connection) == set()
    quote = Quote("Jabalpur", SUGGESTED, dt.date(2024, 2, 29), Decimal(500))
    store.upsert_quotes(
        connection, [quote], zones, source="scraped", run_id=run.run_id, mode="MANUAL", observed_at=SEEN
    )
    assert pages.complete_months(connection) == {Month(2024, 2)}
    store.record_problems(connection, run.run_id, page_id, [problem()], zones)
    assert pages.complete_months(connection) == set()
