"""Months, sheet keys and pages: counted by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necc.errors import UsageError
from necc.records import FIRST_YEAR, Month, Page, Report, Section, SheetKey

MONTHS = st.builds(Month, st.integers(FIRST_YEAR, 2200), st.integers(1, 12))


def test_a_month_is_read_and_written_alike() -> None:
    month = Month.parse(" 2024-02 ")
    assert (month.year, month.month, str(month)) == (2024, 2, "2024-02")


@pytest.mark.parametrize(
    "text", ["2024-2", "2024-13", "2024-00", "2008-12", "24-02", "2024/02", "2024-02-01", "", "february"]
)
def test_a_bad_month_is_one_line_that_says_the_form(text: str) -> None:
    with pytest.raises(UsageError, match="wanted YYYY-MM") as caught:
        Month.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("year", "month"), [(2024, 0), (2024, 13), (2008, 12), (2024, -1)])
def test_no_month_outside_the_archive_can_be_made(year: int, month: int) -> None:
    with pytest.raises(UsageError, match="from 2009-01 on"):
        Month(year, month)


@pytest.mark.parametrize(
    ("text", "days"),
    [("2023-02", 28), ("2024-02", 29), ("2100-02", 28), ("2024-04", 30), ("2024-12", 31)],
)
def test_a_month_knows_its_days(text: str, days: int) -> None:
    month = Month.parse(text)
    assert month.days == days
    assert (month.first_day.day, month.last_day.day) == (1, days)
    assert (Month.of(month.first_day), Month.of(month.last_day)) == (month, month)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2024-01", 0, "2024-01"),
        ("2024-12", 1, "2025-01"),
        ("2024-01", -1, "2023-12"),
        ("2024-03", 12, "2025-03"),
        ("2024-03", -27, "2021-12"),
        ("2009-02", -1, "2009-01"),
    ],
)
def test_months_are_counted_over_years(start: str, months: int, end: str) -> None:
    assert Month.parse(start).plus(months) == Month.parse(end)


def test_before_the_archive_there_is_no_month() -> None:
    with pytest.raises(UsageError, match="month 2008-12"):
        Month(2009, 1).plus(-1)


@given(MONTHS, st.integers(0, 500))
def test_going_there_and_back_is_the_same_month(month: Month, months: int) -> None:
    later = month.plus(months)
    assert later.plus(-months) == month
    assert sum(1 for _ in month.through(later)) == months + 1


@given(MONTHS)
def test_the_next_month_begins_the_day_after(month: Month) -> None:
    assert month.plus(1).first_day - month.last_day == dt.timedelta(days=1)


def test_a_range_has_both_ends_in_order() -> None:
    months = Month(2023, 11).through(Month(2024, 2))
    assert [str(month) for month in months] == ["2023-11", "2023-12", "2024-01", "2024-02"]
    assert list(Month(2024, 2).through(Month(2024, 2))) == [Month(2024, 2)]
    assert list(Month(2024, 3).through(Month(2024, 2))) == []


def test_months_are_ordered_by_time() -> None:
    assert sorted([Month(2024, 1), Month(2023, 12), Month(2023, 2)]) == [
        Month(2023, 2),
        Month(2023, 12),
        Month(2024, 1),
    ]


def test_a_sheet_key_says_which_sheet() -> None:
    daily, averages = SheetKey.daily(Month(2024, 2)), SheetKey.averages(2024)
    assert daily == SheetKey(Report.DAILY, 2024, 2)
    assert averages == SheetKey(Report.MONTHLY, 2024, None)
    assert (str(daily), str(averages)) == ("2024-02", "averages 2024")
    assert sorted([averages, SheetKey.averages(2023), daily]) == [daily, SheetKey.averages(2023), averages]


def test_a_page_is_known_by_its_bytes() -> None:
    page = Page("https://example.invalid", dt.datetime(2025, 1, 1, tzinfo=dt.UTC), 200, "text/html", b"abc")
    assert page.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert dataclasses.replace(page, body=b"abd").sha256 != page.sha256


def test_records_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Month(2024, 1).year = 2025  # type: ignore[misc]


def test_the_words_of_the_database_are_the_words_of_the_records() -> None:
    assert [str(section) for section in Section] == ["suggested", "prevailing"]
    assert [str(report) for report in Report] == ["daily", "monthly"]
