"""The scorecard over a few forecasts whose every error was typed out by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
from pandas.testing import assert_frame_equal

from necc.config import DEMO_LABEL, Settings
from necc.embedded import Cluster
from necc.errors import DatabaseError, NoDataError, UnknownZoneError, UsageError
from necc.forecast_store import ModelRun, save
from necc.scorecard import fill_actuals, record, scores
from tests.hand_made import Book, book_on, typed_out
from tests.test_forecast_store import RUN

MEASURES = {
    "forecasts_count": "int64",
    "replayed_count": "int64",
    "mae": "float64",
    "naive_mae": "float64",
    "skill": "float64",
    "coverage_80": "float64",
    "coverage_95": "float64",
    "mean_width_80": "float64",
    "mean_width_95": "float64",
    "unit": "string",
    "flag": "string",
}
COLUMNS = {
    "date": "datetime64[ns]",
    "zone": "string",
    "zone_name": "string",
    "section": "string",
    "model": "string",
    "horizon_days": "int64",
    **MEASURES,
}
PER_100 = "INR per 100 eggs"
NAMAKKAL = ("namakkal", "Namakkal", "suggested", "pooled-boosting")
LATER = replace(RUN, version="0002")
Connection = psycopg.Connection[Any]


def forecast(issued_on: str, ahead: int, price: float, naive: float, *, zone: str = "namakkal") -> pd.DataFrame:
    """One forecast, ± 5 at 80 % and ± 10 at 95 %."""
    day = dt.date.fromisoformat(issued_on)
    keys = {"zone": zone, "section": "suggested", "issued_on": day, "target_date": day + dt.timedelta(days=ahead)}
    bounds = {"lower_80": price - 5, "upper_80": price + 5, "lower_95": price - 10, "upper_95": price + 10}
    return pd.DataFrame([{**keys, "predicted_price": price, "naive_price": naive, **bounds}])


def keep(connection: Connection, *made: pd.DataFrame, run: ModelRun = RUN, fallback: bool = False) -> None:
    save(connection, run, pd.concat(made), is_naive_fallback=fallback)


def connected(book: Book) -> Connection:
    assert book.settings.database_url
    return psycopg.connect(book.settings.database_url, autocommit=True)


@pytest.fixture(scope="module")
def book(
    tmp_path_factory: pytest.TempPathFactory,
    clusters: Callable[[str], Cluster],
    templates: Callable[[Cluster], str],
) -> Iterator[Book]:
    """Namakkal at 400, 404, 410 and 409 around the end of January, Delhi at 500; read only.

    One day ahead the model is off by 2, 0 and 12 where naive is off by 4, 6 and 1; the second version's two
    days ahead is off by 3 where naive is off by 9. Delhi never moves, and has a forecast that no price has met.
    """
    cluster = clusters("embedded")
    with book_on(cluster, templates(cluster), tmp_path_factory.mktemp("scores")) as book:
        book.quotes("namakkal", "suggested", "2024-01-30", [400, 404, 410, 409])
        book.quotes("delhi", "suggested", "2024-01-30", [500, 500])
        with connected(book) as connection:
            keep(connection, forecast("2024-01-30", 1, 402, 400), forecast("2024-01-31", 1, 410, 404))
            keep(connection, forecast("2024-02-01", 1, 421, 410))  # February weighs twice what January does
            keep(connection, forecast("2024-01-31", 2, 412, 400), run=LATER)
            keep(connection, forecast("2024-01-30", 1, 503, 500, zone="delhi"))
            keep(connection, forecast("2024-01-31", 1, 500, 500, zone="delhi"))
            naive = replace(LATER, name="naive-fallback")
            keep(connection, forecast("2024-02-01", 1, 410, 410), run=naive, fallback=True)
            assert fill_actuals(connection, dt.date(2024, 2, 2)) == 6
        yield book


def row(*values: object, widths: tuple[float, float] = (10, 20), replayed: int | None = None) -> tuple[object, ...]:
    """Keys and measures typed out; all were written long after their day."""
    *keys, count, mae, naive, skill, inside_80, inside_95 = values
    return (*keys, count, count, mae, naive, skill, inside_80, inside_95, *widths, PER_100, "")


def test_one_row_per_month_zone_section_model_and_horizon(book: Book) -> None:
    expected = typed_out(
        COLUMNS,
        [
            row("2024-01-01", "delhi", "Delhi", "suggested", "pooled-boosting", 1, 1, 3, 0, None, 1, 1),
            row("2024-01-01", *NAMAKKAL, 1, 1, 2, 4, 0.5, 1, 1),
            row("2024-02-01", "namakkal", "Namakkal", "suggested", "naive-fallback", 1, 1, 1, 1, 0, 1, 1),
            row("2024-02-01", *NAMAKKAL, 1, 2, 6, 3.5, 1 - 12 / 7, 0.5, 0.5),
            row("2024-02-01", *NAMAKKAL, 2, 1, 3, 9, 1 - 3 / 9, 1, 1),
        ],
    )
    found = scores(settings=book.settings)
    assert_frame_equal(found, expected, rtol=1e-12)
    assert found.attrs == {"is_demo": False}


def test_what_is_not_told_apart_is_pooled_by_the_number_of_forecasts(book: Book) -> None:
    found = scores("Namakkal", by=("model", "horizon_days"), settings=book.settings)
    columns = {name: COLUMNS[name] for name in ("model", "horizon_days")} | MEASURES
    expected = [
        row("naive-fallback", 1, 1, 1, 1, 0, 1, 1),
        row("pooled-boosting", 1, 3, 14 / 3, 11 / 3, 1 - 14 / 11, 2 / 3, 2 / 3),
        row("pooled-boosting", 2, 1, 3, 9, 1 - 3 / 9, 1, 1),
    ]
    assert_frame_equal(found, typed_out(columns, expected), rtol=1e-12)


@pytest.mark.parametrize(
    ("by", "columns", "rows"),
    [
        ("zone", ["zone", "zone_name"], 2),
        ("model_version", ["model_version"], 2),
        (("horizon_days", "date"), ["date", "horizon_days"], 3),
    ],
)
def test_the_keys_asked_for_come_first(book: Book, by: str, columns: list[str], rows: int) -> None:
    found = scores(by=by, settings=book.settings)
    assert list(found) == [*columns, *MEASURES]
    assert len(found) == rows


def test_months_zones_and_section_are_chosen(book: Book) -> None:
    def count(*args: Any, **options: Any) -> int:
        return int(scores(*args, settings=book.settings, **options)["forecasts_count"].sum())

    assert count() == 6
    assert count(start="2024-02") == 4
    assert count(end="2024-01") == 2
    assert count(["delhi"]) == 1
    assert (count(section="suggested"), count(section="prevailing")) == (6, 0)


def test_errors_and_widths_come_in_the_unit(book: Book) -> None:
    found = scores("delhi", unit="tray30", settings=book.settings).iloc[0]
    assert (found["mae"], found["mean_width_80"], found["mean_width_95"]) == pytest.approx((0.9, 3.0, 6.0))
    assert (found["unit"], found["coverage_80"]) == ("INR per tray (30)", 1.0)


def test_no_score_is_an_empty_frame_of_the_same_shape(book: Book) -> None:
    assert_frame_equal(scores("pune", settings=book.settings), typed_out(COLUMNS, []))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "state"}, "wanted one or more of date, zone, section, model, model_version, horizon_days"),
        ({"by": ()}, "wanted one or more of"),
        ({"unit": "kg"}, "kg"),
        ({"section": "reference"}, "reference"),
        ({"start": "yesterday"}, "yesterday"),
    ],
)
def test_a_bad_question_is_refused(book: Book, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        scores(settings=book.settings, **options)


def test_an_unknown_zone_is_refused(book: Book) -> None:
    with pytest.raises(UnknownZoneError):
        scores("Atlantis", settings=book.settings)


# --- the record of the last weeks -----------------------------------------------------------------------


def known(book: Book, up_to: str, days: int = 182) -> list[tuple[object, ...]]:
    with connected(book) as connection:
        frame = record(connection, "pooled-boosting", dt.date.fromisoformat(up_to), days=days)
    return list(frame.itertuples(index=False, name=None))


def test_the_record_is_the_model_s_own_by_cell(book: Book) -> None:
    assert known(book, "2024-02-02") == [
        ("delhi", "suggested", 1, 1, 1, 3.0, 0.0),
        ("namakkal", "suggested", 1, 3, 1, pytest.approx(14 / 3), pytest.approx(11 / 3)),
        ("namakkal", "suggested", 2, 1, 1, 3.0, 9.0),
    ]


def test_the_record_holds_no_target_day_after_its_last_nor_before_its_first(book: Book) -> None:
    assert [values[:4] for values in known(book, "2024-02-01")] == [
        ("delhi", "suggested", 1, 1),
        ("namakkal", "suggested", 1, 2),
    ]
    assert [values[:4] for values in known(book, "2024-02-02", days=2)] == [
        ("namakkal", "suggested", 1, 2),
        ("namakkal", "suggested", 2, 1),
    ]
    assert known(book, "2024-01-30") == []


# --- filling in -----------------------------------------------------------------------------------------


@pytest.fixture
def fresh(embedded_settings: Settings) -> Book:
    """Prices, and no forecast yet."""
    book = Book(embedded_settings)
    book.quotes("namakkal", "suggested", "2024-01-30", [400, 404])
    return book


def test_a_price_is_filled_in_once_and_again_when_it_is_revised(fresh: Book) -> None:
    last = dt.date(2024, 2, 29)
    with connected(fresh) as connection:
        keep(connection, forecast("2024-01-30", 1, 402, 400), forecast("2024-01-30", 2, 402, 400))
        assert fill_actuals(connection, dt.date(2024, 1, 30)) == 0
        assert [fill_actuals(connection, last), fill_actuals(connection, last)] == [1, 0]
        assert scores(settings=fresh.settings)["mae"].tolist() == [2]
        fresh.quotes("namakkal", "suggested", "2024-01-31", [407])
        fresh.quotes("namakkal", "prevailing", "2024-02-01", [500])  # of the other section
        assert [fill_actuals(connection, last), fill_actuals(connection, last)] == [1, 0]
        assert scores(settings=fresh.settings)["mae"].tolist() == [5]


def test_weeks_are_counted_not_forecasts(fresh: Book) -> None:
    fresh.quotes("namakkal", "suggested", "2024-02-01", [404] * 14)
    with connected(fresh) as connection:
        keep(
            connection, *(forecast(f"2024-02-{day:02d}", 1, 402, 400) for day in range(4, 13))
        )  # a Monday to a Tuesday
        fill_actuals(connection, dt.date(2024, 2, 29))
        found = record(connection, "pooled-boosting", dt.date(2024, 2, 29), days=182)
    assert found[["forecasts_count", "weeks_count"]].values.tolist() == [[9, 2]]  # noqa: PD011


def test_before_the_first_forecast_it_says_what_to_do(fresh: Book) -> None:
    with pytest.raises(NoDataError, match="no forecasts stored yet in database .*: run `necc predict`"):
        scores(settings=fresh.settings)


def test_a_forecast_written_before_its_day_is_not_called_replayed(fresh: Book) -> None:
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    with connected(fresh) as connection:
        keep(connection, forecast((tomorrow - dt.timedelta(days=1)).isoformat(), 1, 402, 400))
    fresh.execute("update nec_predictions set actual_price = 402, actual_filled_at = now()")
    assert scores(settings=fresh.settings)["replayed_count"].tolist() == [0]


def test_a_demo_database_says_so_in_every_row(embedded_settings: Settings) -> None:
    book = Book(embedded_settings)
    book.quotes("namakkal", "suggested", "2024-01-30", [400, 404], source="demo")
    with connected(book) as connection:
        keep(connection, forecast("2024-01-30", 1, 402, 400))
        fill_actuals(connection, dt.date(2024, 2, 29))
    found = scores(settings=embedded_settings)
    assert found["flag"].tolist() == [DEMO_LABEL]
    assert found.attrs == {"is_demo": True}


def test_a_database_without_schema_is_named(empty_database: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="necc db deploy"):
        scores(settings=Settings(home=tmp_path, database_url=empty_database))
