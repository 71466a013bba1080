"""nec_monthly_averages and nec_yoy_comparison: counted by hand, and against a recomputation of random prices."""

from __future__ import annotations

import calendar
import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, page, problem, refresh, series, value, zone

HALF_A_PAISA = Decimal("0.005")
Row = dict[str, Any]


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        connection.execute("set local necc.today = '2025-06-30'")
        yield connection
        connection.rollback()


def month(connection: Connection, view: str, slug: str, year: int, month: int) -> Row | None:
    query = f"select to_jsonb(v) from {view} v where zone_id = %s and year = %s and month = %s"
    row: Row | None = value(connection, query, zone(connection, slug), year, month)
    return row


def average(connection: Connection, slug: str, year: int, number: int) -> Row:
    row = month(connection, "nec_monthly_averages", slug, year, number)
    assert row is not None
    return row


def yoy(connection: Connection, slug: str, year: int, number: int) -> Row:
    row = month(connection, "nec_yoy_comparison", slug, year, number)
    assert row is not None
    return row


def part(row: Row, series: str, *names: str) -> list[Any]:
    return [row[f"{series}_{name}"] for name in names]


def test_an_empty_database_has_empty_views(connection: Connection) -> None:
    refresh(connection)
    refresh(connection)
    assert value(connection, "select count(*) from nec_monthly_averages") == 0
    assert value(connection, "select count(*) from nec_yoy_comparison") == 0


def test_a_month_counts_what_each_section_quotes(connection: Connection) -> None:
    series(connection, "pune", "2024-02-01", [400, None, 410.5, 400])
    series(connection, "pune", "2024-02-02", [390, None, None, 380, 385], section="prevailing")
    refresh(connection)
    row = average(connection, "pune", 2024, 2)

    names = ("days_count", "average", "min", "max", "first_date", "last_date", "last_price")
    assert part(row, "suggested", *names) == [3, 403.5, 400, 410.5, "2024-02-01", "2024-02-04", 400]
    assert part(row, "prevailing", *names) == [3, 385, 380, 390, "2024-02-02", "2024-02-06", 385]
    assert part(row, "reference", *names) == [6, 394.25, 380, 410.5, "2024-02-01", "2024-02-06", 385]
    assert (row["reference_section"], row["is_complete"], row["is_current"]) == ("mixed", False, False)
    assert (row["period_start"], row["period_end"], row["days_in_month"]) == ("2024-02-01", "2024-02-29", 29)
    assert value(connection, "select count(*) from nec_monthly_averages") == 1


@pytest.mark.parametrize("section", ["suggested", "prevailing"])
@pytest.mark.parametrize(("days", "is_complete"), [(30, True), (27, True), (26, False)])
def test_a_month_is_complete_with_at_most_three_days_missing(
    connection: Connection, section: str, days: int, is_complete: bool
) -> None:
    series(connection, "pune", "2025-06-01", [500] * days, section=section)
    other = "prevailing" if section == "suggested" else "suggested"
    series(connection, "pune", "2025-06-20", [490] * 11, section=other)  # the two together miss none
    refresh(connection)
    row = average(connection, "pune", 2025, 6)
    assert (row["is_complete"], row["is_current"]) == (is_complete, True)


def test_held_cells_are_not_counted_until_they_are_released(connection: Connection) -> None:
    series(connection, "pune", "2024-02-01", [400, 410, 900])
    series(connection, "pune", "2024-02-03", [420], section="prevailing")
    series(connection, "surat", "2024-02-01", [700])
    zone_id = zone(connection, "pune")
    held = problem(connection, zone_id, "2024-02-03")
    problem(connection, zone_id, "2024-02-02", verdict="flagged")
    problem(connection, zone_id, "2024-02-01", verdict="rejected")
    whole_line = problem(connection, zone(connection, "surat"), None, page_id=page(connection, dt.date(2024, 2, 1)))
    refresh(connection)

    row = average(connection, "pune", 2024, 2)
    assert part(row, "suggested", "days_count", "average", "max", "last_date", "last_price") == [
        2, 405, 410, "2024-02-02", 410]  # fmt: skip
    assert part(row, "reference", "days_count", "max", "last_price") == [3, 420, 420]
    assert row["reference_section"] == "mixed"
    assert month(connection, "nec_monthly_averages", "surat", 2024, 2) is None

    release = (
        "update nec_price_problems set released_at = now(), released_by = 'x', release_reason = 'y' where id = any (%s)"
    )
    connection.execute(release, [[held, whole_line]])
    refresh(connection)
    assert part(average(connection, "pune", 2024, 2), "suggested", "days_count", "average") == [3, 570]
    assert part(average(connection, "surat", 2024, 2), "suggested", "days_count", "average") == [1, 700]


def test_a_line_is_held_on_every_day_of_its_month_and_on_no_other(connection: Connection) -> None:
    series(connection, "pune", "2024-01-31", [400] * 31)
    problem(connection, zone(connection, "pune"), None, page_id=page(connection, dt.date(2024, 2, 1)))
    refresh(connection)
    counted = {number: month(connection, "nec_monthly_averages", "pune", 2024, number) for number in (1, 2, 3)}
    assert {number: row and row["suggested_days_count"] for number, row in counted.items()} == {1: 1, 2: None, 3: 1}


def test_a_problem_of_the_yearly_sheet_holds_no_day(connection: Connection) -> None:
    series(connection, "pune", "2024-02-01", [400])
    yearly = page(connection, dt.date(2024, 2, 1), report="monthly")
    problem(connection, zone(connection, "pune"), None, page_id=yearly)
    problem(connection, zone(connection, "pune"), "2024-02-01", page_id=yearly)
    refresh(connection)
    assert average(connection, "pune", 2024, 2)["suggested_average"] == 400


def test_a_month_stands_beside_the_same_month_a_year_earlier(connection: Connection) -> None:
    series(connection, "pune", "2023-02-01", [400] * 27 + [None])
    series(connection, "pune", "2024-02-01", [450] * 29)  # a leap year: the 29th counts on its side
    series(connection, "pune", "2024-03-01", [450] * 31)
    refresh(connection)

    names = ("average", "previous_average", "change", "change_pct", "days_count", "previous_days_count")
    row = yoy(connection, "pune", 2024, 2)
    assert part(row, "suggested", *names) == [450, 400, 50, 12.5, 29, 27]
    assert part(row, "reference", *names) == [450, 400, 50, 12.5, 29, 27]
    assert part(row, "prevailing", *names) == [None, None, None, None, 0, 0]
    assert (row["is_mixed_section"], row["is_partial"], row["period_start"]) == (False, False, "2024-02-01")
    assert part(yoy(connection, "pune", 2024, 3), "suggested", *names) == [450, None, None, None, 31, 0]
    assert part(yoy(connection, "pune", 2023, 2), "suggested", *names) == [400, None, None, None, 27, 0]


def test_another_section_is_not_like_for_like(connection: Connection) -> None:
    series(connection, "jabalpur", "2019-11-01", [400] * 30, section="prevailing")
    series(connection, "jabalpur", "2020-11-01", [500] * 30)
    series(connection, "jabalpur", "2021-11-01", [550] * 30)
    refresh(connection)

    row = yoy(connection, "jabalpur", 2020, 11)
    assert row["is_mixed_section"] is True
    assert part(row, "reference", "average", "previous_average", "change", "change_pct") == [500, 400, 100, None]
    assert part(row, "suggested", "previous_average", "change_pct") == [None, None]
    assert part(row, "prevailing", "average", "previous_average", "change_pct") == [None, 400, None]
    after = yoy(connection, "jabalpur", 2021, 11)
    assert (after["is_mixed_section"], after["reference_change_pct"]) == (False, 10)


def test_the_running_month_is_compared_on_the_same_days(connection: Connection) -> None:
    series(connection, "pune", "2024-06-01", [400] * 10 + [500] * 20)
    series(connection, "pune", "2024-06-01", [300] * 5 + [360] * 25, section="prevailing")
    series(connection, "pune", "2025-06-01", [440] * 10)
    series(connection, "pune", "2025-06-01", [330] * 5, section="prevailing")
    refresh(connection)

    row = yoy(connection, "pune", 2025, 6)
    names = ("average", "previous_average", "change_pct", "days_count", "previous_days_count")
    assert row["is_partial"] is True
    assert part(row, "suggested", *names) == [440, 400, 10, 10, 10]
    assert part(row, "prevailing", *names) == [330, 300, 10, 5, 5]
    assert part(row, "reference", *names) == [440, 400, 10, 10, 10]
    assert yoy(connection, "pune", 2024, 6)["is_partial"] is False


def test_a_month_of_both_sections_is_like_none(connection: Connection) -> None:
    for year in (2022, 2023):
        series(connection, "pune", f"{year}-05-01", [400] * 15)
        series(connection, "pune", f"{year}-05-16", [420] * 16, section="prevailing")
    series(connection, "pune", "2024-06-01", [400] * 5)
    series(connection, "pune", "2024-06-06", [420] * 5, section="prevailing")
    series(connection, "pune", "2025-06-01", [440] * 10)
    refresh(connection)

    first, second, running = (yoy(connection, "pune", *month) for month in ((2022, 5), (2023, 5), (2025, 6)))
    assert first["is_mixed_section"] is False  # there is nothing to compare it with
    for row in (second, running):
        assert (row["is_mixed_section"], row["reference_change_pct"]) == (True, None)
    assert part(running, "reference", "previous_average", "previous_days_count") == [410, 10]


def test_the_next_month_is_partial_before_it_begins(connection: Connection) -> None:
    connection.execute("set local necc.today = '2025-05-31'")
    series(connection, "pune", "2024-06-01", [400, 410] + [500] * 28)
    series(connection, "pune", "2025-06-01", [440])  # tomorrow's price is out in the evening
    refresh(connection)

    assert average(connection, "pune", 2025, 6)["is_current"] is False
    row = yoy(connection, "pune", 2025, 6)
    assert row["is_partial"] is True
    assert part(row, "suggested", "previous_average", "change_pct", "previous_days_count") == [400, 10, 1]


@pytest.mark.parametrize(("today", "days"), [("2025-02-28", 28), ("2024-02-29", 29)])
def test_the_running_february_minds_leap_years(connection: Connection, today: str, days: int) -> None:
    year = int(today[:4])
    connection.execute("select set_config('necc.today', %s, true)", [today])
    series(
        connection, "pune", f"{year - 1}-02-01", [400] * 28 + [900]
    )  # 900 is on the 29th of 2024, on 1 March of 2023
    series(connection, "pune", f"{year}-02-01", [440] * days)
    refresh(connection)

    names = ("average", "previous_average", "change_pct", "days_count", "previous_days_count")
    assert part(yoy(connection, "pune", year, 2), "suggested", *names) == [440, 400, 10, days, 28]


def random_prices(rng: random.Random) -> dict[tuple[str, str, dt.date], Decimal]:
    """Two zones over three years, with holes, moving between the sections."""
    prices = {}
    for slug in ("pune", "jabalpur"):
        for number in range(3 * 365):
            day = dt.date(2022, 3, 1) + dt.timedelta(number)
            for section in ("suggested", "prevailing"):
                if rng.random() < (0.8 if (section == "suggested") == (day.year > 2022) else 0.1):
                    prices[slug, section, day] = Decimal(rng.randrange(30000, 60000)) / 100
    return prices


def recomputed(prices: dict[tuple[str, str, dt.date], Decimal]) -> dict[tuple[str, str, int, int], Decimal]:
    months: dict[tuple[str, str, int, int], list[Decimal]] = defaultdict(list)
    days = {(slug, day) for slug, _, day in prices}
    for (slug, section, day), price in prices.items():
        months[slug, section, day.year, day.month].append(price)
    for slug, day in days:
        reference = prices.get((slug, "suggested", day)) or prices[slug, "prevailing", day]
        months[slug, "reference", day.year, day.month].append(reference)
    return {key: sum(values, Decimal()) / len(values) for key, values in months.items()}


def test_the_views_equal_a_recomputation_of_random_prices(connection: Connection) -> None:
    prices = random_prices(random.Random(20240229))
    days = [dt.date(2022, 3, 1) + dt.timedelta(number) for number in range(3 * 365)]
    for slug, section in {(slug, section) for slug, section, _ in prices}:
        series(connection, slug, str(days[0]), [prices.get((slug, section, day)) for day in days], section=section)
    refresh(connection)
    means = recomputed(prices)

    compared = 0
    for (slug, section, year, number), mean in means.items():
        row = yoy(connection, slug, year, number)
        found = average(connection, slug, year, number)
        assert abs(Decimal(str(found[f"{section}_average"])) - mean) <= HALF_A_PAISA
        assert found["days_in_month"] == calendar.monthrange(year, number)[1]
        before = means.get((slug, section, year - 1, number))
        assert (row[f"{section}_previous_average"] is None) == (before is None)
        if before is not None and row[f"{section}_change_pct"] is not None:
            assert abs(Decimal(str(row[f"{section}_change_pct"])) - 100 * (mean / before - 1)) <= HALF_A_PAISA
            assert abs(Decimal(str(row[f"{section}_change"])) - (mean - before)) <= HALF_A_PAISA
            compared += 1
    assert compared > 80
