"""The functions and views that read prices: the newest, the trend, the board, sections, and what is held."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, page, problem, refused, series, value, zone


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        connection.execute("set local necc.today = '2024-02-10'")
        yield connection
        connection.rollback()


def rows(connection: Connection, query: str, *params: object) -> list[tuple[Any, ...]]:
    return connection.execute(query, params).fetchall()


def latest(connection: Connection, slug: str) -> list[tuple[Any, ...]]:
    columns = "date::text, suggested_price, prevailing_price, section, days_old"
    return rows(connection, f"select {columns} from get_latest_nec_price(%s)", zone(connection, slug))


def test_today_is_indias(connection: Connection) -> None:
    connection.execute("set local necc.today = ''")
    now = value(connection, "select now()")
    assert value(connection, "select nec_today()") == now.astimezone(dt.timezone(dt.timedelta(hours=5.5))).date()
    for time_zone in ("UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"):
        connection.execute("select set_config('TimeZone', %s, true)", [time_zone])
        assert value(connection, "select nec_today() = (now() at time zone 'Asia/Kolkata')::date") is True
    connection.execute("set local necc.today = '2024-02-30'")
    refused(connection, errors.DatetimeFieldOverflow, "select nec_today()")


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2024-02-09 18:29:59+00", "2024-02-09"),
        ("2024-02-09 18:30+00", "2024-02-10"),  # midnight in India
        ("2024-02-09 18:45+00", "2024-02-10"),
        ("2024-02-10 18:29+00", "2024-02-10"),
    ],
)
def test_the_day_begins_at_midnight_in_india(connection: Connection, moment: str, day: str) -> None:
    series(connection, "pune", "2024-02-08", [400, 405])
    pune = zone(connection, "pune")
    connection.execute("set local necc.today = ''")
    connection.execute(f"""
        create schema clock;
        create function clock.now() returns timestamptz language sql stable as $$ select timestamptz '{moment}' $$;
        set local search_path = clock, pg_catalog, public""")  # it is asked before the server's own clock

    assert value(connection, "select nec_today()::text") == day
    assert value(connection, "select max(date)::text from get_nec_price_trend(%s, 3)", pune) == day
    assert value(connection, "select days_old from get_latest_nec_price(%s)", pune) == int(day[-2:]) - 9


def test_the_newest_price_skips_days_without_one(connection: Connection) -> None:
    series(connection, "pune", "2024-02-01", [400, 405])
    series(connection, "pune", "2024-02-03", [390, None], section="prevailing")
    assert latest(connection, "pune") == [("2024-02-03", None, 390, "prevailing", 7)]
    assert latest(connection, "surat") == []
    assert rows(connection, "select * from get_latest_nec_price(%s)", uuid4()) == []
    assert rows(connection, "select * from get_latest_nec_price(null)") == []


def test_the_newest_price_is_not_a_held_one(connection: Connection) -> None:
    series(connection, "pune", "2024-02-01", [400, 405, 900])
    series(connection, "pune", "2024-02-02", [300], section="prevailing")
    problem(connection, zone(connection, "pune"), "2024-02-03", section=None)
    assert latest(connection, "pune") == [("2024-02-02", 405, 300, "suggested", 8)]
    problem(connection, zone(connection, "pune"), "2024-02-02")
    assert latest(connection, "pune") == [("2024-02-02", None, 300, "prevailing", 8)]


def test_the_trend_has_a_row_for_every_day_and_a_change_in_the_first(connection: Connection) -> None:
    series(connection, "pune", "2024-02-06", [400, None, 410, 410, 400])
    series(connection, "pune", "2024-02-01", [200], section="prevailing")
    series(connection, "pune", "2024-02-10", [250], section="prevailing")
    columns = (
        "date::text, suggested_price, suggested_change, suggested_change_pct, prevailing_change, prevailing_change_pct"
    )

    trend = rows(connection, f"select {columns} from get_nec_price_trend(%s, 4)", zone(connection, "pune"))

    assert trend == [
        ("2024-02-07", None, None, None, None, None),
        ("2024-02-08", 410, 10, Decimal("2.5"), None, None),
        ("2024-02-09", 410, 0, 0, None, None),
        ("2024-02-10", 400, -10, Decimal("-2.44"), 50, 25),
    ]


@pytest.mark.parametrize(
    ("days", "count"), [(None, 30), (1, 1), (30, 30), (0, 1), (-7, 1), (3660, 3660), (10**9, 3660)]
)
def test_the_trend_has_as_many_days_as_asked_for(connection: Connection, days: int | None, count: int) -> None:
    query = "select count(*) from get_nec_price_trend(%s, %s)"
    assert value(connection, query, zone(connection, "pune"), days) == count
    assert value(connection, query, uuid4(), days) == 0
    assert value(connection, "select count(*) from get_nec_price_trend(null)") == 0


def board(connection: Connection, slug: str, day: str | None) -> list[tuple[Any, ...]]:
    columns = "section, price, price_date::text, days_old, is_stale, change"
    return rows(connection, f"select {columns} from get_nec_daily_board(%s) where zone = %s", day, slug)


def test_the_board_shows_the_last_known_price_with_its_day(connection: Connection) -> None:
    series(connection, "pune", "2024-02-01", [400, 410, None])
    series(connection, "pune", "2024-02-02", [300], section="prevailing")
    series(connection, "jabalpur", "2024-02-01", [500, 505], section="prevailing")
    series(connection, "jabalpur", "2024-02-10", [510])
    series(connection, "asansol", "2024-02-10", [510])

    assert board(connection, "pune", None) == [("suggested", 410, "2024-02-02", 8, True, 10)]
    assert board(connection, "pune", "2024-02-09") == [("suggested", 410, "2024-02-02", 7, False, 10)]
    assert board(connection, "pune", "2024-02-01") == [("suggested", 400, "2024-02-01", 0, False, None)]
    assert board(connection, "jabalpur", "2024-02-10") == [("suggested", 510, "2024-02-10", 0, False, None)]
    assert board(connection, "surat", None) == [(None, None, None, None, True, None)]
    assert board(connection, "asansol", None) == []  # the source no longer quotes it
    assert value(connection, "select count(*) from get_nec_daily_board()") == 34


def test_the_board_shows_no_held_price(connection: Connection) -> None:
    series(connection, "pune", "2024-02-07", [400, 404, 900, 410])
    problem(connection, zone(connection, "pune"), "2024-02-09")
    assert board(connection, "pune", "2024-02-09") == [("suggested", 404, "2024-02-08", 1, False, 4)]
    assert board(connection, "pune", None) == [("suggested", 410, "2024-02-10", 0, False, 6)]


def test_the_national_average_is_over_the_zones_that_quote(connection: Connection) -> None:
    series(connection, "pune", "2024-02-10", [400])
    series(connection, "surat", "2024-02-10", [405])
    series(connection, "namakkal", "2024-02-10", [900])
    series(connection, "asansol", "2024-02-10", [100])  # retired
    series(connection, "patna", "2024-02-10", [501], section="prevailing")
    problem(connection, zone(connection, "namakkal"), "2024-02-10")
    query = "select average, zones_count from get_nec_national_average(%s, %s)"

    assert rows(connection, query, "2024-02-10", "suggested") == [(Decimal("402.5"), 2)]
    assert rows(connection, query, "2024-02-10", "prevailing") == [(501, 1)]
    assert rows(connection, query, "2024-02-10", None) == [(Decimal("435.33"), 3)]
    assert rows(connection, query, "2024-02-11", "suggested") == [(None, 0)]
    assert rows(connection, query, "2024-02-10", "middle") == [(None, 0)]
    assert rows(connection, query, None, None) == [(None, 0)]


def test_a_zone_may_have_several_lives(connection: Connection) -> None:
    for first in ("2023-01-01", "2023-02-16"):  # 45 days after 2 January: the same life
        series(connection, "jabalpur", first, [400, 401], section="prevailing")
    series(connection, "jabalpur", "2023-04-04", [402], section="prevailing")  # 46 days after 17 February: another
    series(connection, "jabalpur", "2023-04-05", [500, 501, 502])

    columns = "zone_name, section, first_date::text, last_date::text, days"
    assert rows(connection, f"select {columns} from nec_zone_sections where zone = 'jabalpur' order by 3") == [
        ("Jabalpur", "prevailing", "2023-01-01", "2023-02-17", 4),
        ("Jabalpur", "prevailing", "2023-04-04", "2023-04-04", 1),
        ("Jabalpur", "suggested", "2023-04-05", "2023-04-07", 3),
    ]


def quotes(connection: Connection, slug: str) -> list[tuple[Any, ...]]:
    columns = "date::text, section, price, is_held, rules, is_demo"
    return rows(connection, f"select {columns} from nec_v_price_quotes where zone = %s order by 1, 2 desc", slug)


def test_a_quote_tells_what_is_known_against_it(connection: Connection) -> None:
    series(connection, "pune", "2024-01-31", [400, 410, 420])
    series(connection, "pune", "2024-02-01", [300], section="prevailing")
    pune, february = zone(connection, "pune"), dt.date(2024, 2, 1)
    problem(connection, pune, "2024-02-01", rule="jump")
    problem(connection, pune, "2024-02-01", rule="band", verdict="flagged")
    problem(connection, pune, "2024-02-01", rule="band", verdict="flagged", page_id=page(connection, february))
    problem(connection, pune, None, rule="average", verdict="flagged", page_id=page(connection, february))
    problem(connection, pune, None, rule="yearly", page_id=page(connection, february, report="monthly"))
    problem(connection, pune, None, rule="nowhere")
    problem(connection, None, "2024-02-02", rule="unknown_label")

    assert quotes(connection, "pune") == [
        ("2024-01-31", "suggested", 400, False, None, False),
        ("2024-02-01", "suggested", 410, True, ["average", "band", "jump"], False),
        ("2024-02-01", "prevailing", 300, False, None, False),
        ("2024-02-02", "suggested", 420, False, ["average"], False),
    ]
    connection.execute(
        "update nec_price_problems set released_at = now(), released_by = 'somebody', release_reason = 'true price'"
    )
    assert {(held, rules) for _, _, _, held, rules, _ in quotes(connection, "pune")} == {(False, None)}
    refused(connection, errors.CheckViolation, "update nec_price_problems set release_reason = null")


def test_a_made_up_price_says_so(connection: Connection) -> None:
    series(connection, "pune", "2024-02-01", [400])
    connection.execute("update nec_prices set suggested_source = 'demo'")
    assert quotes(connection, "pune") == [("2024-02-01", "suggested", 400, False, None, True)]
    query = "select zone_name, source, run_id, observed_at = now(), revision_no from nec_v_price_quotes"
    assert rows(connection, query) == [("Pune", "demo", None, True, 1)]
