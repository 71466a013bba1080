"""nec_prices and what its triggers keep: provenance, revisions, the zones' first and last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, act_as, page, person, refused, run, upsert, value, zone

DAY = dt.date(2024, 2, 5)
SEEN = dt.datetime(2024, 2, 5, 9, tzinfo=dt.UTC)
OTHER = {"suggested": "prevailing", "prevailing": "suggested"}

each_section = pytest.mark.parametrize("section", OTHER)


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def stored(connection: Connection, columns: str, slug: str = "namakkal", day: dt.date = DAY) -> tuple[Any, ...] | None:
    query = f"select {columns} from nec_prices where zone_id = %s and date = %s"
    return connection.execute(query, [zone(connection, slug), day]).fetchone()


def revisions(connection: Connection, columns: str = "section, old_price, new_price") -> list[tuple[Any, ...]]:
    return connection.execute(f"select {columns} from nec_price_revisions order by id").fetchall()


def span(connection: Connection, slug: str) -> tuple[Any, ...] | None:
    query = "select first_price_on::text, last_price_on::text from nec_zones where slug = %s"
    return connection.execute(query, [slug]).fetchone()


def test_the_parts_of_the_date_are_the_dates_own(connection: Connection) -> None:
    upsert(connection, "namakkal", "2025-11-30", 560)
    assert stored(connection, "year, month, day_of_month", day=dt.date(2025, 11, 30)) == (2025, 11, 30)
    refused(connection, errors.GeneratedAlways, "update nec_prices set year = 1999")


@pytest.mark.parametrize("order", [("suggested", "prevailing"), ("prevailing", "suggested")])
def test_the_sections_leave_each_other_alone(connection: Connection, order: tuple[str, str]) -> None:
    prices = {"suggested": 560, "prevailing": 561}
    for section in order:
        assert upsert(connection, "namakkal", DAY, prices[section], section=section) == "inserted"
        assert upsert(connection, "namakkal", DAY, None, section=section) == "unchanged"

    assert stored(connection, "suggested_price, prevailing_price") == (560, 561)
    assert stored(connection, "suggested_revision_no, prevailing_revision_no") == (1, 1)
    assert revisions(connection) == []


@each_section
def test_a_price_knows_where_it_is_from(connection: Connection, section: str) -> None:
    backfill = run(connection, "BACKFILL")
    upsert(connection, "namakkal", DAY, 560, section=section, run_id=backfill)
    upsert(connection, "namakkal", DAY, 561, section=OTHER[section], source="manual")

    own, others = (f"{s}_source, {s}_run_id" for s in (section, OTHER[section]))
    assert stored(connection, f"{own}, {others}, scraper_mode") == ("scraped", backfill, "manual", None, "BACKFILL")
    upsert(connection, "namakkal", DAY, 562, section=OTHER[section], source="manual")  # its neighbour stays scraped
    assert stored(connection, f"{own}, {others}, scraper_mode") == ("scraped", backfill, "manual", None, "BACKFILL")
    upsert(connection, "namakkal", DAY, 562, section=section, source="manual")
    assert stored(connection, f"{own}, {others}, scraper_mode") == ("manual", None, "manual", None, None)


@each_section
def test_a_higher_source_is_kept_unless_forced(connection: Connection, section: str) -> None:
    def write(price: float, source: str, *, force: bool = False) -> str:
        return upsert(connection, "namakkal", DAY, price, section=section, source=source, force=force)

    tries = [
        (500, "scraped"),
        (500, "scraped"),
        (505, "imported"),
        (510, "scraped"),
        (510, "manual"),
        (500, "imported"),
    ]
    answers = [write(price, source) for price, source in tries]
    answers += [write(510, "scraped"), write(520, "scraped", force=True)]

    assert answers == [
        "inserted",
        "unchanged",
        "updated",
        "kept_higher",
        "updated",
        "kept_higher",
        "unchanged",
        "updated",
    ]
    assert revisions(connection) == [(section, 500, 505), (section, 505, 510), (section, 510, 520)]
    assert stored(connection, f"{section}_price, {section}_revision_no, {section}_source") == (520, 4, "scraped")


@pytest.mark.parametrize("arguments", ["null, null", "'middle', 'scraped'", "'suggested', 'rumour'"])
def test_the_upsert_says_what_it_wants(connection: Connection, arguments: str) -> None:
    section, source = arguments.split(", ")
    query = f"select upsert_nec_price(%s, %s, {section}, 500, {source})"
    refused(connection, errors.InvalidParameterValue, query, zone(connection, "namakkal"), DAY)
    refused(connection, errors.InvalidParameterValue, "select upsert_nec_price(null, null, null, null, null)")


@each_section
@pytest.mark.parametrize("price", [-5, 0, 5000.01, 99999, float("nan")])
def test_an_impossible_price_is_refused(connection: Connection, section: str, price: float) -> None:
    with pytest.raises(errors.CheckViolation), connection.transaction():
        upsert(connection, "namakkal", DAY, price, section=section)
    assert upsert(connection, "namakkal", DAY, 5000, section=section) == "inserted"


@pytest.mark.parametrize(
    "values",
    [
        "null, null, null, null, null",
        "null, 'scraped', null, null, null",
        "500, null, null, null, null",
        "500, 'guess', null, null, null",
        "500, 'scraped', null, 0, null",
        "500, 'manual', null, null, 'CRON'",
        "500, 'scraped', null, null, 'SOMETIMES'",
    ],
)
@each_section
def test_a_row_that_contradicts_itself_is_refused(connection: Connection, section: str, values: str) -> None:
    query = f"""
        insert into nec_prices (zone_id, date, {section}_price, {section}_source, {section}_run_id,
            {section}_revision_no, scraper_mode) values (%s, %s, {values})"""
    refused(connection, errors.CheckViolation, query, zone(connection, "namakkal"), DAY)


def test_a_price_keeps_its_zone_and_day(connection: Connection) -> None:
    upsert(connection, "namakkal", DAY, 560)
    refused(connection, errors.CheckViolation, "update nec_prices set date = date + 1")
    refused(connection, errors.CheckViolation, "update nec_prices set zone_id = %s", zone(connection, "pune"))
    refused(connection, errors.ObjectNotInPrerequisiteState, "truncate nec_prices cascade")
    refused(connection, errors.IntegrityError, "delete from nec_zones where slug = 'namakkal'")


@pytest.mark.parametrize(("days_ahead", "is_allowed"), [(0, True), (1, True), (2, False), (4000, False)])
def test_a_price_lies_at_most_one_day_ahead(connection: Connection, days_ahead: int, is_allowed: bool) -> None:
    connection.execute("set local necc.today = '2024-02-05'")
    if is_allowed:
        assert upsert(connection, "namakkal", DAY + dt.timedelta(days_ahead), 500) == "inserted"
    else:
        with pytest.raises(errors.CheckViolation) as caught, connection.transaction():
            upsert(connection, "namakkal", DAY + dt.timedelta(days_ahead), 500)
        assert "2024-02-06" in str(caught.value)


@each_section
def test_a_revision_says_what_was_known_when(connection: Connection, section: str) -> None:
    someone, first, second = person(connection), run(connection), run(connection)
    upsert(connection, "namakkal", DAY, 500, section=section, run_id=first)
    connection.execute(f"update nec_prices set {section}_observed_at = %s", [SEEN])
    last_seen = SEEN + dt.timedelta(days=3)
    page(connection, DAY, run_id=first, outcome="unchanged", seen_at=last_seen)
    page(connection, DAY, run_id=second, seen_at=SEEN + dt.timedelta(days=4))  # the one that brings the correction
    page(connection, DAY, run_id=first, outcome="refused", seen_at=SEEN + dt.timedelta(days=5))
    page(connection, DAY, run_id=first, report="monthly", seen_at=SEEN + dt.timedelta(days=5))
    page(connection, dt.date(2024, 3, 5), run_id=first, seen_at=SEEN + dt.timedelta(days=5))

    act_as(connection, someone)
    connection.execute("set local necc.reason = 'misprint'")
    assert upsert(connection, "namakkal", DAY, 505, section=section, source="imported", run_id=second) == "updated"

    columns = (
        "section, old_price, new_price, first_seen_at, last_seen_at, old_source, new_source, run_id, changed_by, reason"
    )
    assert revisions(connection, columns) == [
        (section, 500, 505, SEEN, last_seen, "scraped", "imported", second, someone, "misprint")
    ]


@each_section
def test_a_changed_price_is_first_seen_now_unless_it_says_when(connection: Connection, section: str) -> None:
    columns = f"{section}_revision_no, {section}_observed_at = now(), {section}_observed_at"
    query = f"""insert into nec_prices (zone_id, date, {section}_price, {section}_source, {section}_observed_at)
        values (%s, %s, 500, 'manual', %s)"""
    connection.execute(query, [zone(connection, "namakkal"), DAY, SEEN])
    assert stored(connection, columns) == (1, False, SEEN)

    connection.execute(f"update nec_prices set {section}_price = 505")
    found = stored(connection, columns)
    assert found is not None
    assert found[:2] == (2, True)
    later = SEEN + dt.timedelta(days=1)
    connection.execute(f"update nec_prices set {section}_price = 510, {section}_observed_at = %s", [later])
    assert stored(connection, columns) == (3, False, later)
    upsert(connection, "namakkal", DAY, 515, section=section, source="manual")
    found = stored(connection, columns)
    assert found is not None
    assert found[:2] == (4, True)


def test_a_page_seen_after_the_change_says_nothing_of_the_old_price(connection: Connection) -> None:
    upsert(connection, "namakkal", DAY, 500)
    connection.execute("update nec_prices set suggested_observed_at = %s", [SEEN])
    for days in (1, 3):
        page(connection, DAY, seen_at=SEEN + dt.timedelta(days))
    change = "update nec_prices set suggested_price = 505, suggested_observed_at = %s"
    connection.execute(change, [SEEN + dt.timedelta(2)])
    assert revisions(connection, "last_seen_at") == [(SEEN + dt.timedelta(1),)]


def test_a_price_that_no_page_showed_was_last_seen_when_first_seen(connection: Connection) -> None:
    upsert(connection, "namakkal", DAY, 500, source="manual")
    act_as(connection, "00000000-0000-4000-8000-000000000000")  # nobody's id
    upsert(connection, "namakkal", DAY, 505, source="manual")

    rows = revisions(connection, "first_seen_at = last_seen_at, run_id, changed_by, reason")
    assert rows == [(True, None, None, None)]


def test_only_a_changed_section_is_revised(connection: Connection) -> None:
    upsert(connection, "namakkal", DAY, 500)
    upsert(connection, "namakkal", DAY, 400, section="prevailing")
    upsert(connection, "pune", DAY, 600)
    connection.execute("update nec_prices set suggested_price = suggested_price, suggested_source = 'manual'")
    assert revisions(connection) == []

    connection.execute("update nec_prices set suggested_price = 510, prevailing_price = prevailing_price")
    assert sorted(revisions(connection)) == [("suggested", 500, 510), ("suggested", 600, 510)]


@each_section
def test_a_removed_section_and_a_deleted_row_are_revised(connection: Connection, section: str) -> None:
    other = OTHER[section]
    upsert(connection, "namakkal", DAY, 500, section=section, run_id=run(connection))
    upsert(connection, "namakkal", DAY, 400, section=other, source="manual")

    connection.execute(f"update nec_prices set {section}_price = null")
    provenance = ", ".join(f"{section}_{name}" for name in ("source", "run_id", "observed_at", "revision_no"))
    assert stored(connection, provenance) == (None,) * 4
    assert stored(connection, f"{other}_price, scraper_mode") == (400, None)
    connection.execute("delete from nec_prices")

    assert revisions(connection) == [(section, 500, None), (other, 400, None)]
    assert revisions(connection, "new_source, last_seen_at = first_seen_at") == [(None, True), (None, True)]


def test_updated_at_follows_the_prices_only(connection: Connection) -> None:
    upsert(connection, "namakkal", DAY, 500)
    connection.execute("update nec_prices set updated_at = '2020-01-01'")
    connection.execute("update nec_prices set suggested_source = 'manual', suggested_price = 500.00")
    assert stored(connection, "updated_at < '2020-01-03'") == (True,)

    connection.execute("update nec_prices set suggested_price = 501")
    assert stored(connection, "updated_at < '2020-01-03'") == (False,)


def test_a_run_may_go_and_its_prices_stay(connection: Connection) -> None:
    first = run(connection)
    upsert(connection, "namakkal", DAY, 500, run_id=first)
    upsert(connection, "namakkal", DAY, 505, run_id=first)
    connection.execute("delete from nec_scraper_logs")
    assert stored(connection, "suggested_price, suggested_run_id") == (505, None)
    assert revisions(connection, "new_price, run_id") == [(505, None)]


def test_a_zone_knows_its_first_and_last_day(connection: Connection) -> None:
    stamp = value(connection, "select updated_at from nec_zones where slug = 'pune'")
    days = ("2024-02-03", "2024-02-05", "2024-02-01", "2024-02-04")
    for slug, day in [*(("pune", day) for day in days), ("surat", "2023-12-31")]:
        upsert(connection, slug, day, 500)
    assert span(connection, "pune") == ("2024-02-01", "2024-02-05")
    assert span(connection, "surat") == ("2023-12-31", "2023-12-31")
    assert span(connection, "namakkal") == (None, None)

    connection.execute("delete from nec_prices where date in ('2024-02-01', '2023-12-31')")
    assert span(connection, "pune") == ("2024-02-03", "2024-02-05")
    assert span(connection, "surat") == (None, None)
    connection.execute("delete from nec_prices where date > '2024-02-03'")
    assert span(connection, "pune") == ("2024-02-03", "2024-02-03")
    assert value(connection, "select updated_at from nec_zones where slug = 'pune'") == stamp


def test_a_load_is_one_statement_for_many_zones(connection: Connection) -> None:
    statement = """
        insert into nec_prices (zone_id, date, suggested_price, suggested_source)
        select z.id, date '2023-12-31' + d, 500, 'imported' from nec_zones z, generate_series(1, 31) d
        on conflict (zone_id, date) do update set suggested_price = excluded.suggested_price + 1"""
    for _ in range(2):
        connection.execute(statement)

    assert (
        value(
            connection,
            "select count(*) from nec_zones where first_price_on = '2024-01-01' and last_price_on = '2024-01-31'",
        )
        == 37
    )
    assert (
        value(connection, "select count(*) from nec_price_revisions where old_price = 500 and new_price = 501")
        == 37 * 31
    )
    assert stored(connection, "suggested_price, suggested_revision_no", day=dt.date(2024, 1, 9)) == (
        Decimal("501.00"),
        2,
    )
