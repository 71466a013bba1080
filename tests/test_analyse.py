"""The reading functions over a few prices that were typed out by hand."""

from __future__ import annotations

import datetime as dt
import doctest
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import necc
from necc import analyse, reading, units
from necc.config import Settings
from necc.embedded import Cluster
from necc.errors import DatabaseError, NoDataError, UnknownZoneError, UsageError
from tests.hand_made import SEEN, Book, book_on, typed_out

COLUMNS = {
    "date": "datetime64[ns]",
    "zone": "string",
    "zone_name": "string",
    "section": "string",
    "price": "float64",
    "unit": "string",
    "flag": "string",
}
PER_100 = "INR per 100 eggs"
LATER = dt.datetime(2024, 6, 2, 9, tzinfo=dt.UTC)
Row = tuple[object, ...]


def jabalpur(day: str, section: str, price: float, flag: str = "") -> Row:
    return (day, "jabalpur", "Jabalpur", section, price, PER_100, flag)


def namakkal(day: str, price: float, flag: str = "") -> Row:
    return (day, "namakkal", "Namakkal", "suggested", price, PER_100, flag)


def write_plain(book: Book) -> None:
    """Namakkal 400..403.25 over a leap day, Jabalpur's two lives, Delhi in both sections on one day."""
    book.quotes("namakkal", "suggested", "2024-02-28", [400, 401, 402, 403.25])
    book.quotes("jabalpur", "prevailing", "2020-09-29", [390, 391])
    book.quotes("jabalpur", "suggested", "2020-10-01", [392])
    book.quotes("delhi", "suggested", "2021-01-01", [501])
    book.quotes("delhi", "prevailing", "2021-01-01", [500])


DELHI: list[Row] = [
    ("2021-01-01", "delhi", "Delhi", "prevailing", 500, PER_100, ""),
    ("2021-01-01", "delhi", "Delhi", "suggested", 501, PER_100, ""),
]

Clusters = Callable[[str], Cluster]
Templates = Callable[[Cluster], str]


@pytest.fixture(scope="module")
def book(clusters: Clusters, templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """The plain prices; read only."""
    cluster = clusters("embedded")
    with book_on(cluster, templates(cluster), tmp_path_factory.mktemp("plain")) as book:
        write_plain(book)
        yield book


@pytest.fixture(scope="module")
def bare(clusters: Clusters, templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Tables without a price; read only."""
    cluster = clusters("embedded")
    with book_on(cluster, templates(cluster), tmp_path_factory.mktemp("bare")) as book:
        yield book


@pytest.fixture(scope="module")
def nothing(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """A database without tables."""
    with book_on(clusters("embedded"), "template1", tmp_path_factory.mktemp("nothing")) as book:
        yield book


def expect(frame: pd.DataFrame, rows: list[Row]) -> None:
    assert_frame_equal(frame, typed_out(COLUMNS, rows), check_exact=True)


# Shape -------------------------------------------------------------------------------------------


def test_every_price_once_sorted_by_zone_date_and_section(book: Book) -> None:
    frame = analyse.prices(settings=book.settings)
    expect(
        frame,
        [
            *DELHI,
            jabalpur("2020-09-29", "prevailing", 390),
            jabalpur("2020-09-30", "prevailing", 391),
            jabalpur("2020-10-01", "suggested", 392),
            namakkal("2024-02-28", 400),
            namakkal("2024-02-29", 401),
            namakkal("2024-03-01", 402),
            namakkal("2024-03-02", 403.25),
        ],
    )
    assert frame.attrs == {"is_demo": False, "held_cells": 0, "flagged_cells": 0}


@pytest.mark.parametrize(("start", "rows"), [("2024-03-03", 0), ("2024-03-02", 1), ("2009-01-01", 9)])
def test_columns_and_types_do_not_depend_on_the_number_of_rows(book: Book, start: str, rows: int) -> None:
    frame = analyse.prices(start=start, settings=book.settings)
    assert frame.index.equals(pd.RangeIndex(rows))
    assert isinstance(frame.index, pd.RangeIndex)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS


def test_an_answer_may_be_changed_by_its_owner(book: Book) -> None:
    """Warnings are errors here: the frame is no slice of another one."""
    frame = analyse.prices("namakkal", settings=book.settings)
    frame["price"] = 0.0
    frame.loc[0, "flag"] = "mine"
    assert analyse.prices("namakkal", settings=book.settings)["price"].tolist() == [400, 401, 402, 403.25]


# What is asked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-02-29", "2024-03-01"),
        (dt.date(2024, 2, 29), dt.date(2024, 3, 1)),
        (dt.datetime(2024, 2, 29, 23), dt.datetime(2024, 3, 1, 1)),  # noqa: DTZ001 - analysts do pass such
        (pd.Timestamp("2024-02-29"), pd.Timestamp("2024-03-01")),
        (np.datetime64("2024-02-29"), np.datetime64("2024-03-01")),
        # 18:30 UTC is midnight in India
        (pd.Timestamp("2024-02-28T18:30Z"), pd.Timestamp("2024-03-01T18:29Z")),
    ],
    ids=["text", "date", "datetime", "timestamp", "numpy", "instant"],
)
def test_start_and_end_are_both_included(book: Book, start: Any, end: Any) -> None:
    frame = analyse.prices(start=start, end=end, settings=book.settings)
    expect(frame, [namakkal("2024-02-29", 401), namakkal("2024-03-01", 402)])


def test_a_month_means_its_first_or_its_last_day(book: Book) -> None:
    frame = analyse.prices(start="2024-02", end="2024-02", settings=book.settings)
    expect(frame, [namakkal("2024-02-28", 400), namakkal("2024-02-29", 401)])


def test_one_section_is_not_the_other(book: Book) -> None:
    before = analyse.prices("jabalpur", section="prevailing", settings=book.settings)
    expect(before, [jabalpur("2020-09-29", "prevailing", 390), jabalpur("2020-09-30", "prevailing", 391)])
    after = analyse.prices("jabalpur", section="suggested", settings=book.settings)
    expect(after, [jabalpur("2020-10-01", "suggested", 392)])


@pytest.mark.parametrize(("unit", "price"), [("egg", 4.0325), ("dozen", 48.39), ("peti210", 846.825)])
def test_the_unit_is_converted_and_said(book: Book, unit: str, price: float) -> None:
    frame = analyse.prices(start="2024-03-02", unit=unit, settings=book.settings)
    assert frame.loc[0, "price"] == pytest.approx(price, rel=1e-15)
    assert frame.loc[0, "unit"] == units.LABELS[unit]


@pytest.mark.parametrize(
    ("names", "zones"),
    [
        ("namakkal", ["namakkal"]),
        ("  NAMAKKAL ", ["namakkal"]),
        (["Delhi (CC)"], ["delhi"]),
        ("Bangalore", ["bengaluru"]),
        ("east-godavari", ["east-godavari"]),
        ("E.Godavari", ["east-godavari"]),
        ("Luknow  (CC)", ["lucknow"]),
        (("Mysore", "mysuru", "Mysuru"), ["mysuru"]),
        ([], []),
    ],
)
def test_a_zone_is_found_by_slug_name_alias_or_label(bare: Book, names: Any, zones: list[str]) -> None:
    assert reading.slugs(bare.settings, names) == zones


def test_zones_may_come_from_a_generator(book: Book) -> None:
    names = (name for name in ["namakkal", "Delhi (CC)"])
    frame = analyse.prices(names, settings=book.settings)
    assert frame["zone"].unique().tolist() == ["delhi", "namakkal"]


def test_no_zone_asked_for_is_no_row(book: Book) -> None:
    expect(analyse.prices([], settings=book.settings), [])


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("Namakal", "Namakkal"),
        ("bangalor", "Bengaluru"),  # close to an alias: the zone's own name is said
        ("east godavri", "East Godavari"),
        ("Delhi (OD)", "Delhi"),  # a suffix is part of a label
    ],
)
def test_an_unknown_zone_names_close_ones(book: Book, name: str, close: str) -> None:
    with pytest.raises(UnknownZoneError) as caught:
        analyse.prices(["namakkal", name], settings=book.settings)
    assert caught.value.name == name
    assert caught.value.close[0] == close
    assert 1 <= len(caught.value.close) <= 3
    assert len(set(caught.value.close)) == len(caught.value.close)


@pytest.mark.parametrize("name", ["", "zzzz", "x'; drop table nec_prices; --", ":zones", "100%"])
def test_a_name_like_no_zone_points_to_the_list(book: Book, name: str) -> None:
    with pytest.raises(UnknownZoneError, match=r"see necc\.zones\(\)"):
        analyse.monthly(name, settings=book.settings)
    assert len(analyse.prices(settings=book.settings)) == 9


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ({"start": "2024-13-01"}, "start='2024-13-01': wanted a day as YYYY-MM-DD"),
        ({"end": "2024-13"}, "month 2024-13: wanted YYYY-MM"),
        ({"end": "yesterday"}, "end='yesterday'"),
        ({"start": pd.NaT}, "start=NaT"),
        ({"start": 20240201}, "start=20240201"),
        ({"as_of": "soon"}, "as_of='soon'"),
        ({"start": "2024-03-01", "end": "2024-02-29"}, "end=2024-02-29 is before start=2024-03-01"),
        ({"section": "reference"}, "unknown section 'reference': wanted suggested, prevailing, or None"),
        ({"unit": "kg"}, "unknown unit 'kg'"),
    ],
)
def test_a_bad_question_is_told_before_a_database_is_opened(ask: dict[str, Any], message: str, tmp_path: Any) -> None:
    nowhere = Settings(home=tmp_path, database_url="postgresql://127.0.0.1:1/none")
    with pytest.raises(UsageError) as caught:
        analyse.prices(**ask, settings=nowhere)
    assert str(caught.value).startswith(message)


def test_something_that_is_no_name_is_refused(book: Book) -> None:
    names: Any = ["namakkal", 7]
    with pytest.raises(UsageError, match="zone 7: wanted a name"):
        analyse.prices(names, settings=book.settings)


# Doubtful cells ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def doubtful(server: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """The plain prices with doubts, on each kind of server; read only."""
    with book_on(server, template, tmp_path_factory.mktemp("doubtful")) as book:
        write_plain(book)
        write_doubts(book)
        yield book


def write_doubts(book: Book) -> None:
    """One cell held, one flagged twice, one released, and Jabalpur's whole line of September doubted."""
    line = book.page(2020, 9)
    averages = book.page(2024, None)
    book.problem("namakkal", "suggested", "2024-02-28", "typo", "held")
    book.problem("namakkal", "suggested", "2024-02-29", "stale", "flagged")
    book.problem("namakkal", "suggested", "2024-02-29", "far_from_others", "flagged")
    book.problem("namakkal", "suggested", "2024-03-01", "typo", "held", released_at=LATER)
    book.problem("namakkal", "prevailing", "2024-03-02", "other_section", "held")
    book.problem("namakkal", "suggested", None, "printed_month", "flagged", page_id=averages)
    book.problem("jabalpur", "prevailing", None, "printed_average", "flagged", page_id=line)


DOUBTED = [
    *DELHI,
    jabalpur("2020-09-29", "prevailing", 390, "printed_average"),
    jabalpur("2020-09-30", "prevailing", 391, "printed_average"),
    jabalpur("2020-10-01", "suggested", 392),
    namakkal("2024-02-29", 401, "far_from_others, stale"),
    namakkal("2024-03-01", 402),
    namakkal("2024-03-02", 403.25),
]


def test_held_cells_are_hidden_and_counted_flagged_ones_shown(doubtful: Book, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "necc"):
        frame = analyse.prices(settings=doubtful.settings)
    expect(frame, DOUBTED)
    assert frame.attrs == {"is_demo": False, "held_cells": 1, "flagged_cells": 3}
    assert caplog.messages == ["held cells hidden: 1 (doubtful prices that nobody has released)"]


def test_clean_leaves_flagged_cells_out_too(doubtful: Book) -> None:
    frame = analyse.prices(clean=True, settings=doubtful.settings)
    expect(frame, [row for row in DOUBTED if not row[-1]])
    assert frame.attrs == {"is_demo": False, "held_cells": 1, "flagged_cells": 3}


def test_only_the_cells_asked_for_are_counted(doubtful: Book, caplog: pytest.LogCaptureFixture) -> None:
    frame = analyse.prices("jabalpur", section="suggested", settings=doubtful.settings)
    assert frame.attrs == {"is_demo": False, "held_cells": 0, "flagged_cells": 0}
    assert caplog.messages == []


def test_made_up_prices_say_so_in_every_row(embedded_settings: Settings) -> None:
    settings = embedded_settings
    book = Book(settings)
    book.quotes("namakkal", "suggested", "2024-02-01", [400, 401], source="demo")
    book.problem("namakkal", "suggested", "2024-02-02", "stale", "flagged")
    book.refresh("2024-03-01")
    frame = analyse.prices(settings=settings)
    expect(
        frame,
        [
            namakkal("2024-02-01", 400, "made-up demo data"),
            namakkal("2024-02-02", 401, "made-up demo data, stale"),
        ],
    )
    clean = analyse.prices(clean=True, settings=settings)
    assert clean["price"].tolist() == [400]
    for answer in (frame, clean, analyse.monthly(settings=settings), analyse.yoy(settings=settings)):
        assert answer.attrs["is_demo"] is True
        assert answer["flag"].str.startswith("made-up demo data").all()
    zones = analyse.zones(settings=settings).set_index("zone")
    assert (zones.loc["namakkal", "flag"], zones.loc["delhi", "flag"]) == ("made-up demo data", "")
    none = analyse.prices(start="2024-05-01", settings=settings)
    assert (len(none), none.attrs["is_demo"]) == (0, True)
    assert analyse.status(settings=settings)["database"] == "demo"


# Zones, notice, status ---------------------------------------------------------------------------

ZONE_COLUMNS = {
    "zone": "string",
    "zone_name": "string",
    "zone_type": "string",
    "state": "string",
    "district": "string",
    "city": "string",
    "latitude": "float64",
    "longitude": "float64",
    "is_active": "bool",
    "first_price_on": "datetime64[ns]",
    "last_price_on": "datetime64[ns]",
    "section": "string",
    "labels": "string",
    "flag": "string",
}


def test_zones_one_row_each_with_or_without_prices(embedded_settings: Settings) -> None:
    book = Book(embedded_settings)
    write_plain(book)
    book.execute("delete from nec_prices using nec_zones z where z.id = zone_id and slug = 'delhi'")
    book.execute("delete from nec_price_revisions")
    book.execute("delete from nec_zones where slug not in ('jabalpur', 'namakkal')")
    book.execute("delete from nec_zone_aliases where alias_key not in ('jabalpur', 'namakkal')")
    book.execute("update nec_zones set zone_type = 'production_center', state = 'S', district = 'D', city = 'C'")
    book.execute("update nec_zones set latitude = 23.5, longitude = 79.25")
    book.execute(
        "insert into nec_zones (name, slug, zone_type, state, is_active)"
        " values ('Anytown', 'anytown', 'consumption_center', 'T', false)"
    )
    book.execute(
        "insert into nec_zone_aliases (alias, zone_id) select 'Anytown (CC)', id from nec_zones where slug = 'anytown'"
    )
    place = ("production_center", "S", "D", "C", 23.5, 79.25, True)
    rows: list[Row] = [
        ("anytown", "Anytown", "consumption_center", "T", None, None, np.nan, np.nan, False)
        + (None, None, "", "Anytown, Anytown (CC)", ""),
        ("jabalpur", "Jabalpur", *place, "2020-09-29", "2020-10-01", "suggested", "Jabalpur", ""),
        ("namakkal", "Namakkal", *place, "2024-02-28", "2024-03-02", "suggested", "Namakkal", ""),
    ]
    frame = analyse.zones(settings=book.settings)
    assert_frame_equal(frame, typed_out(ZONE_COLUMNS, rows), check_exact=True)
    assert frame.attrs == {"is_demo": False}


def test_the_notice_is_the_one_of_the_page_read_last(embedded_settings: Settings) -> None:
    book = Book(embedded_settings)
    assert analyse.notice(settings=book.settings) == "no notice read yet"
    book.page(2024, 2, notice="  A made-up notice,\n word for word.", seen_at=LATER)
    book.page(2024, 3, notice="An older one.", seen_at=SEEN)
    book.page(2024, 4, notice=None, seen_at=LATER + dt.timedelta(days=1))
    assert analyse.notice(settings=book.settings) == "  A made-up notice,\n word for word."


def test_the_status_of_a_database(doubtful: Book) -> None:
    for start, execution, state in ((SEEN, "a", "failed"), (LATER, "b", "partial")):
        doubtful.execute(
            "insert into nec_scraper_logs (execution_id, mode, status, started_at, finished_at)"
            " values (%s, 'MANUAL', %s, %s, now()) on conflict do nothing",
            *(execution, state, start),
        )
    assert analyse.status(settings=doubtful.settings) == {
        "database": "real",
        "prices": 9,
        "zones": 3,
        "first_price_on": dt.date(2020, 9, 29),
        "last_price_on": dt.date(2024, 3, 2),
        "held_cells": 1,
        "flagged_cells": 3,
        "last_run_started_at": LATER,
        "last_run_status": "partial",
    }


# Empty databases ---------------------------------------------------------------------------------

READERS: list[Callable[..., Any]] = [analyse.prices, analyse.monthly, analyse.yoy]
OTHERS: list[Callable[..., Any]] = [analyse.zones, analyse.notice, analyse.status]


@pytest.mark.parametrize("reader", READERS)
def test_no_price_at_all_is_an_error(bare: Book, reader: Callable[..., Any]) -> None:
    with pytest.raises(NoDataError, match=r"no prices stored yet in database book_bare\d: run `necc scrape`"):
        reader(settings=bare.settings)


def test_zones_and_status_are_there_before_any_price(bare: Book) -> None:
    zones = analyse.zones(settings=bare.settings)
    assert "namakkal" in set(zones["zone"])
    assert zones["section"].unique().tolist() == [""]
    assert {name: str(dtype) for name, dtype in zones.dtypes.items()} == ZONE_COLUMNS
    assert analyse.status(settings=bare.settings) == {
        "database": "empty",
        "prices": 0,
        "zones": 0,
        "first_price_on": None,
        "last_price_on": None,
        "held_cells": 0,
        "flagged_cells": 0,
        "last_run_started_at": None,
        "last_run_status": None,
    }


@pytest.mark.parametrize("reader", [*READERS, *OTHERS])
def test_a_database_without_tables_says_what_to_do(nothing: Book, reader: Callable[..., Any]) -> None:
    with pytest.raises(DatabaseError, match="The schema is missing or old: run `necc db deploy`"):
        reader(settings=nothing.settings)


# Documentation -----------------------------------------------------------------------------------


@pytest.fixture
def documented(embedded_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database that the examples speak of is the one of the environment."""
    book = Book(embedded_settings)
    book.quotes("namakkal", "suggested", "2024-02-28", [400, 401, 402, 403])
    book.quotes("namakkal", "suggested", "2023-02-01", [380] * 28)
    book.refresh("2024-03-10")
    assert embedded_settings.database_url
    monkeypatch.setenv("DATABASE_URL", embedded_settings.database_url)
    yield


@pytest.mark.usefixtures("documented")
def test_the_examples_of_the_documentation_work() -> None:
    for module in (analyse, units):
        names = {"necc": necc, "units": units}
        result = doctest.testmod(module, globs=names, optionflags=doctest.NORMALIZE_WHITESPACE)
        assert (result.attempted > 0, result.failed) == (True, 0)
