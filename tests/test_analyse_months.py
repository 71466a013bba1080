"""Monthly averages and year over year, on numbers that can be counted by hand; on each kind of server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from necc import analyse
from necc.embedded import Cluster
from necc.errors import UsageError
from tests.hand_made import Book, book_on, typed_out

TODAY = "2024-03-10"
PER_100 = "INR per 100 eggs"
MONTHLY = {
    "date": "datetime64[ns]",
    "zone": "string",
    "zone_name": "string",
    "section": "string",
    "price": "float64",
    "min_price": "float64",
    "max_price": "float64",
    "last_price": "float64",
    "days_count": "int64",
    "is_complete": "bool",
    "is_current": "bool",
    "unit": "string",
    "flag": "string",
}
YOY = {
    "date": "datetime64[ns]",
    "zone": "string",
    "zone_name": "string",
    "section": "string",
    "price": "float64",
    "previous_price": "float64",
    "change": "float64",
    "change_pct": "float64",
    "days_count": "int64",
    "previous_days_count": "int64",
    "is_partial": "bool",
    "is_mixed_section": "bool",
    "unit": "string",
    "flag": "string",
}
Row = tuple[object, ...]


@pytest.fixture(scope="module")
def book(server: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Read only. In India it is 10 March 2024.

    Namakkal, suggested: 28 days of February 2023 at 400; March 2023 ten days at 400, then 21 at 900;
    February 2024 28 days at 440 and the leap day at 469, so (28 * 440 + 469) / 29 = 441 on average;
    March 2024 ten days at 420, the last of them held at 4200.
    Jabalpur: October 2019 prevailing at 350 and 351; October 2020 first prevailing 360, then suggested 370, 372.
    Mumbai: April 2022, fifteen days prevailing at 500, then fifteen suggested at 520.
    """
    with book_on(server, template, tmp_path_factory.mktemp("months")) as book:
        book.quotes("namakkal", "suggested", "2023-02-01", [400] * 38 + [900] * 21)
        book.quotes("namakkal", "suggested", "2024-02-01", [440] * 28 + [469] + [420] * 9 + [4200])
        book.problem("namakkal", "suggested", "2024-03-10", "typo", "held")
        book.quotes("jabalpur", "prevailing", "2019-10-01", [350, 351])
        book.quotes("jabalpur", "prevailing", "2020-10-01", [360])
        book.quotes("jabalpur", "suggested", "2020-10-02", [370, 372])
        book.quotes("mumbai", "prevailing", "2022-04-01", [500] * 15)
        book.quotes("mumbai", "suggested", "2022-04-16", [520] * 15)
        book.refresh(TODAY)
        yield book


def namakkal(*values: object) -> list[Row]:
    """The same numbers as suggested and as reference price: the zone has no other section."""
    month, *numbers = values
    return [(month, "namakkal", "Namakkal", section, *numbers, PER_100, "") for section in ("reference", "suggested")]


def jabalpur(month: str, section: str, *numbers: object, flag: str = "") -> Row:
    return (month, "jabalpur", "Jabalpur", section, *numbers, PER_100, flag)


def test_monthly_averages_of_every_series(book: Book) -> None:
    frame = analyse.monthly(["namakkal", "jabalpur"], settings=book.settings)
    rows = [
        jabalpur("2019-10-01", "prevailing", 350.5, 350, 351, 351, 2, False, False),
        jabalpur("2019-10-01", "reference", 350.5, 350, 351, 351, 2, False, False),
        jabalpur("2020-10-01", "prevailing", 360, 360, 360, 360, 1, False, False),
        # (360 + 370 + 372) / 3 = 367.33
        jabalpur("2020-10-01", "reference", 367.33, 360, 372, 372, 3, False, False, flag="mixed sections"),
        jabalpur("2020-10-01", "suggested", 371, 370, 372, 372, 2, False, False),
        *namakkal("2023-02-01", 400, 400, 400, 400, 28, True, False),
        # (10 * 400 + 21 * 900) / 31 = 738.71
        *namakkal("2023-03-01", 738.71, 400, 900, 900, 31, True, False),
        *namakkal("2024-02-01", 441, 440, 469, 469, 29, True, False),
        *namakkal("2024-03-01", 420, 420, 420, 420, 9, False, True),
    ]
    assert_frame_equal(frame, typed_out(MONTHLY, rows), check_exact=True)
    assert frame.attrs == {"is_demo": False, "held_cells": 1}


def test_year_over_year_of_every_series(book: Book) -> None:
    frame = analyse.yoy(["namakkal", "jabalpur"], settings=book.settings)
    none, nan = 0, np.nan
    rows = [
        jabalpur("2019-10-01", "prevailing", 350.5, nan, nan, nan, 2, none, False, False),
        jabalpur("2019-10-01", "reference", 350.5, nan, nan, nan, 2, none, False, False),
        # 360 / 350.5 - 1 = 2.71 %
        jabalpur("2020-10-01", "prevailing", 360, 350.5, 9.5, 2.71, 1, 2, False, False),
        jabalpur("2020-10-01", "reference", 367.33, 350.5, 16.83, nan, 3, 2, False, True, flag="not like for like"),
        jabalpur("2020-10-01", "suggested", 371, nan, nan, nan, 2, none, False, False),
        *namakkal("2023-02-01", 400, nan, nan, nan, 28, none, False, False),
        *namakkal("2023-03-01", 738.71, nan, nan, nan, 31, none, False, False),
        # a leap year's 29 days beside 28: 41 / 400 = 10.25 %
        *namakkal("2024-02-01", 441, 400, 41, 10.25, 29, 28, False, False),
        # the running month ends on the 9th (the 10th is held), so nine days of last year count
        *namakkal("2024-03-01", 420, 400, 20, 5, 9, 9, True, False),
    ]
    assert_frame_equal(frame, typed_out(YOY, rows), check_exact=True)
    assert frame.attrs == {"is_demo": False, "held_cells": 1}


def test_one_series_is_that_part_of_all(book: Book) -> None:
    for reader in (analyse.monthly, analyse.yoy):
        whole = reader("jabalpur", settings=book.settings)
        for section, rows in (("suggested", 1), ("prevailing", 2), ("reference", 2)):
            part = reader("jabalpur", section=section, settings=book.settings)
            assert_frame_equal(part, whole[whole["section"] == section].reset_index(drop=True))
            assert len(part) == rows


def test_a_series_is_complete_by_its_own_days(book: Book) -> None:
    frame = analyse.monthly("mumbai", settings=book.settings)
    columns = ["section", "price", "days_count", "is_complete"]
    assert frame[columns].to_numpy().tolist() == [
        ["prevailing", 500.0, 15, False],
        ["reference", 510.0, 30, True],
        ["suggested", 520.0, 15, False],
    ]


def test_months_are_in_the_range_by_their_first_day(book: Book) -> None:
    for reader in (analyse.monthly, analyse.yoy):
        frame = reader("namakkal", "2023-02-02", "2024-02-01", section="suggested", settings=book.settings)
        assert frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2023-03-01", "2024-02-01"]
        frame = reader("namakkal", "2024-02", "2024-02", section="suggested", settings=book.settings)
        assert frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2024-02-01"]


def test_amounts_change_with_the_unit_and_percentages_do_not(book: Book) -> None:
    ask: dict[str, Any] = {"section": "reference", "unit": "egg", "settings": book.settings}
    month = analyse.monthly("namakkal", "2024-02", "2024-02", **ask)
    numbers = month[["price", "min_price", "max_price", "last_price"]]
    assert numbers.to_numpy().tolist() == [[4.41, 4.4, 4.69, 4.69]]
    year = analyse.yoy("namakkal", "2024-02", "2024-02", **ask)
    numbers = year[["price", "previous_price", "change", "change_pct"]]
    assert numbers.to_numpy().tolist() == [[4.41, 4.0, 0.41, 10.25]]
    assert month["unit"].tolist() == year["unit"].tolist() == ["INR per egg"]


@pytest.mark.parametrize(
    ("zones", "start", "end", "section", "monthly", "yoy"),
    [
        ("namakkal", "2024-03", "2024-03", None, 1, 1),
        ("namakkal", "2024-03", "2024-03", "reference", 1, 1),
        ("namakkal", "2024-03", "2024-03", "prevailing", 0, 0),
        ("namakkal", "2024-02", "2024-02", None, 0, 0),
        ("namakkal", "2025-03", "2025-03", None, 0, 1),  # it is missing from the year before
    ],
)
def test_held_cells_are_counted_where_they_are_missed(
    book: Book, zones: str, start: str | None, end: str | None, section: str | None, monthly: int, yoy: int
) -> None:
    counts = [
        reader(zones, start, end, section=section, settings=book.settings).attrs["held_cells"]
        for reader in (analyse.monthly, analyse.yoy)
    ]
    assert counts == [monthly, yoy]


def test_columns_and_types_do_not_depend_on_the_number_of_rows(book: Book) -> None:
    for reader, columns in ((analyse.monthly, MONTHLY), (analyse.yoy, YOY)):
        for start, rows in (("2024-04", 0), ("2024-03", 1)):
            frame = reader(start=start, section="suggested", settings=book.settings)
            assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == columns
            assert (len(frame), type(frame.index)) == (rows, pd.RangeIndex)


def test_an_unknown_section_names_the_three(book: Book) -> None:
    for reader in (analyse.monthly, analyse.yoy):
        with pytest.raises(UsageError, match="'paper': wanted suggested, prevailing, reference, or None for all"):
            reader(section="paper", settings=book.settings)
