"""What was known when: prices as they stood at a past moment; on each kind of server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from necc import analyse
from necc.embedded import Cluster
from tests.hand_made import Book, book_on

INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))


def june(day: int, hour: int = 9, minute: int = 0) -> dt.datetime:
    """A time of June 2024 in UTC; 9 UTC is half past two in the afternoon in India."""
    return dt.datetime(2024, 6, day, hour, minute, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def book(server: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Read only. Namakkal in June 2024; every change was made at 9 UTC of a day.

    1 June: 500, seen on the 1st; corrected to 510 on the 3rd and to 505 on the 5th.
    2 June: 501, seen on the 2nd; removed on the 4th.
    3 June: 502, seen late, on the 6th.
    4 June: 503, seen on the 4th; removed on the 5th; 504, seen on the 7th.
    5 June: 5000, seen and held on the 5th; corrected to 505 and released on the 6th.
    Mumbai: 700 seen on the 8th at 18:29 UTC, 701 seen a minute later, which is the 9th in India.
    Delhi, 1 June: suggested 600 seen on the 1st; prevailing 590 first seen on the 4th.
    """
    with book_on(server, template, tmp_path_factory.mktemp("asof")) as book:
        zone = ("namakkal", "suggested")
        book.quotes(*zone, "2024-06-01", [500], seen_at=june(1))
        book.quotes(*zone, "2024-06-02", [501], seen_at=june(2))
        book.correct(*zone, "2024-06-01", 510, at=june(3))
        book.quotes(*zone, "2024-06-04", [503], seen_at=june(4))
        book.remove("namakkal", "2024-06-02", at=june(4))
        book.remove("namakkal", "2024-06-04", at=june(5))
        book.correct(*zone, "2024-06-01", 505, at=june(5))
        book.quotes(*zone, "2024-06-05", [5000], seen_at=june(5))
        book.problem(*zone, "2024-06-05", "typo", "held", found_at=june(5), released_at=june(6))
        book.correct(*zone, "2024-06-05", 505, at=june(6))
        book.quotes(*zone, "2024-06-03", [502], seen_at=june(6))
        book.quotes(*zone, "2024-06-04", [504], seen_at=june(7))
        book.quotes("mumbai", "suggested", "2024-06-08", [700], seen_at=june(8, 18, 29))
        book.quotes("mumbai", "suggested", "2024-06-09", [701], seen_at=june(8, 18, 30))
        book.quotes("delhi", "suggested", "2024-06-01", [600], seen_at=june(1))
        book.quotes("delhi", "prevailing", "2024-06-01", [590], seen_at=june(4))
        yield book


def known(book: Book, as_of: Any, zone: str = "namakkal") -> dict[int, float]:
    """Day of June -> price, as known at a moment."""
    frame = analyse.prices(zone, as_of=as_of, settings=book.settings)
    return dict(zip(frame["date"].dt.day, frame["price"], strict=True))


@pytest.mark.parametrize(
    ("day", "prices"),
    [
        (1, {1: 500}),
        (2, {1: 500, 2: 501}),
        (3, {1: 510, 2: 501}),
        (4, {1: 510, 4: 503}),
        (5, {1: 505}),  # 5000 is there and held
        (6, {1: 505, 3: 502, 5: 505}),
        (7, {1: 505, 3: 502, 4: 504, 5: 505}),
    ],
)
def test_the_prices_known_at_the_end_of_a_day(book: Book, day: int, prices: dict[int, float]) -> None:
    assert known(book, f"2024-06-{day:02d}") == prices


def test_nothing_was_known_before_the_first_page(book: Book) -> None:
    frame = analyse.prices(as_of="2024-05-31", settings=book.settings)
    assert_frame_equal(frame, analyse.prices(start="2024-07-01", settings=book.settings))
    assert frame.empty


def test_a_change_counts_from_its_very_moment(book: Book) -> None:
    moment = june(3)
    assert known(book, moment - dt.timedelta(microseconds=1))[1] == 500
    assert known(book, moment)[1] == 510


@pytest.mark.parametrize(
    ("as_of", "price"),
    [
        ("2024-06-02", 500),
        (dt.date(2024, 6, 2), 500),
        (pd.Timestamp("2024-06-02"), 500),  # midnight without a zone is the day, to its end
        ("2024-06-03T14:29", 500),  # a time without a zone is India's
        ("2024-06-03T14:30", 510),
        ("2024-06-03T09:00+00:00", 510),
        (pd.Timestamp("2024-06-03 14:30", tz="Asia/Kolkata"), 510),
        (dt.datetime(2024, 6, 3, 0, 0, tzinfo=INDIA), 500),  # with a zone midnight is the moment
        ("2024-06-03", 510),
    ],
)
def test_a_day_means_its_end_in_india(book: Book, as_of: Any, price: float) -> None:
    assert known(book, as_of)[1] == price


def test_a_day_ends_at_half_past_six_in_the_evening_utc(book: Book) -> None:
    assert known(book, "2024-06-08", "mumbai") == {8: 700}
    assert known(book, "2024-06-09", "mumbai") == {8: 700, 9: 701}


def test_sections_become_known_one_by_one(book: Book) -> None:
    early = analyse.prices("delhi", as_of="2024-06-03", settings=book.settings)
    assert early[["section", "price"]].to_numpy().tolist() == [["suggested", 600.0]]
    later = analyse.prices("delhi", as_of="2024-06-04", settings=book.settings)
    assert later[["section", "price"]].to_numpy().tolist() == [["prevailing", 590.0], ["suggested", 600.0]]


def test_holds_are_those_of_the_moment(book: Book) -> None:
    held = [
        analyse.prices("namakkal", as_of=f"2024-06-{day:02d}", settings=book.settings).attrs["held_cells"]
        for day in (4, 5, 6)
    ]
    assert held == [0, 1, 0]


def test_range_section_unit_and_clean_work_as_ever(book: Book) -> None:
    frame = analyse.prices(
        "namakkal", "2024-06-02", "2024-06-02", section="suggested", unit="egg", as_of=june(2), settings=book.settings
    )
    assert frame[["date", "price", "unit"]].to_numpy().tolist() == [[pd.Timestamp("2024-06-02"), 5.01, "INR per egg"]]
    assert analyse.prices(section="prevailing", as_of=june(2), settings=book.settings).empty


def test_as_of_today_is_what_is_stored(embedded_settings: Any) -> None:
    """Both queries must mean the same by doubts, whole lines and sections."""
    book = Book(embedded_settings)
    book.quotes("namakkal", "suggested", "2024-02-27", [400, 401, 402, 403])
    book.quotes("namakkal", "prevailing", "2024-02-28", [390, 391])
    book.quotes("jabalpur", "prevailing", "2024-02-28", [380, 381])
    line, averages = book.page(2024, 2), book.page(2024, None)
    book.problem("namakkal", "suggested", None, "printed_average", "flagged", page_id=line)
    book.problem("namakkal", "suggested", "2024-02-28", "stale", "flagged")
    book.problem("namakkal", None, "2024-02-29", "both", "flagged")
    book.problem("jabalpur", "prevailing", "2024-02-28", "damaged", "rejected")
    book.problem("jabalpur", "prevailing", "2024-02-29", "typo", "held")
    book.problem("jabalpur", "prevailing", None, "printed_month", "flagged", page_id=averages)
    now = analyse.prices(settings=embedded_settings)
    then = analyse.prices(as_of=dt.datetime.now(dt.UTC), settings=embedded_settings)
    assert_frame_equal(then, now)
    assert then.attrs == now.attrs == {"is_demo": False, "held_cells": 1, "flagged_cells": 5}
    assert now["flag"].tolist() == [
        "damaged",
        "printed_average",
        "",
        "printed_average, stale",
        "both",
        "both, printed_average",
        "",
    ]
