"""One series per zone on every day; nothing is filled but inputs, and a splice is told."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from necc.errors import NoDataError, UsageError
from necc.panel import panel
from tests.series import START, long


def test_the_panel_has_every_day_and_fills_nothing() -> None:
    made = panel(long({"namakkal": [400, None, 402], "delhi": [None, 500, None]}), until=dt.date(2021, 1, 7))
    assert made.observed.index.equals(pd.date_range(START, "2021-01-07"))
    assert made.observed["namakkal"].tolist() == pytest.approx([400, float("nan"), 402, float("nan")], nan_ok=True)
    assert made.section["delhi"].tolist() == [None, "suggested", None, None]
    assert made.notes == ()


def test_at_most_seven_days_are_filled_for_inputs() -> None:
    made = panel(long({"namakkal": [400], "delhi": [500] * 9}))
    assert made.filled["namakkal"].notna().tolist() == [True] * 8 + [False]


def test_two_sections_become_one_series_and_a_note() -> None:
    lives = [
        long({"jabalpur": [390, 391, 392]}, "2020-09-28", "prevailing"),
        long({"jabalpur": [395, 396]}, "2020-10-01"),
    ]
    made = panel(pd.concat(lives))
    assert made.observed["jabalpur"].tolist() == [390, 391, 392, 395, 396]
    assert made.section["jabalpur"].tolist() == ["prevailing"] * 3 + ["suggested"] * 2
    assert made.notes == (
        "jabalpur: sections spliced as one series: prevailing 2020-09-28 to 2020-09-30,"
        " suggested 2020-10-01 to 2020-10-02",
    )


def test_on_a_day_in_both_sections_the_suggested_price_counts() -> None:
    both = pd.concat([long({"delhi": [500]}, section="prevailing"), long({"delhi": [501]})])
    for rows in (both, both[::-1]):
        made = panel(rows)
        assert made.observed["delhi"].tolist() == [501]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("price", -1.0, "above 0"),
        ("section", "reference", "suggested or prevailing"),
        ("unit", "INR per egg", "INR per 100 eggs"),
        ("date", pd.Timestamp(START), "come twice"),
    ],
)
def test_a_frame_that_is_no_frame_of_prices_is_refused(
    column: str, value: str | float | pd.Timestamp, message: str
) -> None:
    prices = long({"namakkal": [400, 401]})
    prices[column] = value
    with pytest.raises(UsageError, match=message):
        panel(prices)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UsageError, match="missing section"):
        panel(long({"namakkal": [400]}).drop(columns="section"))


def test_no_price_before_the_day_is_no_data() -> None:
    with pytest.raises(NoDataError, match="no price on or before 2020-12-31"):
        panel(long({"namakkal": [400]}), until=dt.date(2020, 12, 31))
