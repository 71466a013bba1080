"""Forecasts are kept once and never changed, and read back as they were made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import psycopg
import pytest
from pandas.testing import assert_frame_equal

from necc.config import DEMO_LABEL, Settings
from necc.errors import NoDataError, UnknownZoneError, UsageError
from necc.forecast_store import KEPT_COLUMNS, ModelRun, Saved, already_issued, forecasts, save, track_record
from tests.hand_made import Book, typed_out

ISSUED = dt.date(2025, 6, 5)
COLUMNS = {
    "date": "datetime64[ns]",
    "zone": "string",
    "zone_name": "string",
    "section": "string",
    "issued_on": "datetime64[ns]",
    "horizon_days": "int64",
    "price": "float64",
    "lower_80": "float64",
    "upper_80": "float64",
    "lower_95": "float64",
    "upper_95": "float64",
    "naive_price": "float64",
    "actual_price": "float64",
    "model": "string",
    "is_naive_fallback": "bool",
    "unit": "string",
    "flag": "string",
}
RUN = ModelRun(
    name="pooled-boosting",
    version="0123456789abcdef",
    training_from=dt.date(2022, 2, 1),
    training_cutoff=ISSUED,
    horizons_days=(1, 2),
    zones_count=2,
    rows_count=1000,
    features=("change_1d", "weekday"),
    scores={"skill_1d": 0.05, "calibration_from": "2024-06-05"},
    duration_ms=1234,
)
BANDS = {"lower_95": 480.0, "lower_80": 490.25, "upper_80": 530.0, "upper_95": 540.0}


def made(
    price: float = 512.34, issued_on: dt.date = ISSUED, zones: tuple[str, ...] = ("delhi", "pune")
) -> pd.DataFrame:
    """Two days ahead for each zone."""
    rows = [
        {"zone": zone, "section": "suggested", "issued_on": issued_on, "target_date": issued_on + dt.timedelta(ahead)}
        for zone in zones
        for ahead in (1, 2)
    ]
    frame = pd.DataFrame(rows).assign(predicted_price=price, naive_price=510.0, **BANDS)
    return frame.assign(last_price_on=issued_on)  # one column more than is kept


def expected(price: float = 512.34, model: str = RUN.version, flag: str = "") -> pd.DataFrame:
    """What `forecasts` gives of `made`."""
    rows = [
        (
            f"2025-06-0{5 + ahead}",
            zone,
            name,
            "suggested",
            ISSUED,
            ahead,
            price,
            490.25,
            530.0,
            480.0,
            540.0,
            510.0,
            None,
        )
        + (f"pooled-boosting {model}", False, "INR per 100 eggs", flag)
        for zone, name in (("delhi", "Delhi"), ("pune", "Pune"))
        for ahead in (1, 2)
    ]
    return typed_out(COLUMNS, rows)


@pytest.fixture
def book(embedded_settings: Settings) -> Book:
    """A database with one price."""
    book = Book(embedded_settings)
    book.quotes("delhi", "suggested", "2025-06-05", [510])
    return book


@pytest.fixture
def connection(book: Book) -> Iterator[psycopg.Connection[Any]]:
    assert book.settings.database_url
    with psycopg.connect(book.settings.database_url, autocommit=True) as connection:
        yield connection


# --- keeping --------------------------------------------------------------------------------------


def test_what_is_kept_is_read_back(settings: Settings) -> None:
    """On each kind of server."""
    Book(settings).quotes("delhi", "suggested", "2025-06-05", [510])
    assert settings.database_url
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        assert save(connection, RUN, made()) == Saved(model_runs=1, predictions=4)
    frame = forecasts(settings=settings)
    assert_frame_equal(frame, expected(), check_exact=True)
    assert frame.attrs == {"is_demo": False}


def test_the_training_is_kept(book: Book, connection: psycopg.Connection[Any]) -> None:
    save(connection, RUN, made())
    kept = book.execute(
        """select model_name, model_version, training_from, training_cutoff, horizons_days, zones_count, rows_count,
                  features, scores, duration_ms from nec_model_runs"""
    )
    assert kept == [
        (RUN.name, RUN.version, RUN.training_from, ISSUED, [1, 2], 2, 1000, list(RUN.features), dict(RUN.scores), 1234)
    ]
    assert book.execute("select distinct model_name, model_version, is_naive_fallback from nec_predictions") == [
        (RUN.name, RUN.version, False)
    ]


def test_a_second_save_inserts_nothing_and_changes_nothing(book: Book, connection: psycopg.Connection[Any]) -> None:
    save(connection, RUN, made())
    before = book.execute("select * from nec_predictions order by id")
    assert save(connection, replace(RUN, rows_count=1), made(price=500.0)) == Saved(0, 0)
    assert book.execute("select * from nec_predictions order by id") == before
    assert book.execute("select rows_count from nec_model_runs") == [(1000,)]


def test_what_is_new_is_added(connection: psycopg.Connection[Any]) -> None:
    save(connection, RUN, made(zones=("delhi",)))
    assert save(connection, RUN, made()) == Saved(0, 2)
    assert save(connection, RUN, made(issued_on=dt.date(2025, 6, 6))) == Saved(0, 4)


def test_an_unknown_zone_keeps_nothing(book: Book, connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(UnknownZoneError, match="'atlantis'"):
        save(connection, RUN, made(zones=("delhi", "atlantis")))
    assert book.execute("select (select count(*) from nec_model_runs), (select count(*) from nec_predictions)") == [
        (0, 0)
    ]


def test_a_forecast_that_contradicts_itself_keeps_nothing(book: Book, connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="ck_nec_predictions_interval"):
        save(connection, RUN, made(price=600.0))
    assert book.execute("select count(*) from nec_model_runs") == [(0,)]


def test_a_missing_column_is_named(connection: psycopg.Connection[Any]) -> None:
    assert len(KEPT_COLUMNS) == 10
    with pytest.raises(UsageError, match="missing naive_price"):
        save(connection, RUN, made().drop(columns="naive_price"))


def test_what_is_issued_already_is_known(connection: psycopg.Connection[Any]) -> None:
    assert not already_issued(connection, RUN.name, RUN.version, ISSUED)
    save(connection, RUN, made())
    assert already_issued(connection, RUN.name, RUN.version, ISSUED)
    assert not already_issued(connection, RUN.name, RUN.version, dt.date(2025, 6, 6))
    assert not already_issued(connection, RUN.name, "another", ISSUED)
    assert not already_issued(connection, "another", RUN.version, ISSUED)


# --- reading --------------------------------------------------------------------------------------


def test_the_newest_issue_is_read_unless_a_day_is_asked_for(book: Book, connection: psycopg.Connection[Any]) -> None:
    save(connection, RUN, made(issued_on=dt.date(2025, 6, 4)))
    save(connection, RUN, made())
    assert set(forecasts(settings=book.settings)["issued_on"]) == {pd.Timestamp(ISSUED)}
    earlier = forecasts(issued_on="2025-06-04", settings=book.settings)
    assert set(earlier["issued_on"]) == {pd.Timestamp("2025-06-04")}


def test_of_two_versions_of_one_day_the_later_is_read(book: Book, connection: psycopg.Connection[Any]) -> None:
    save(connection, RUN, made())
    save(connection, replace(RUN, version="0000"), made(price=500.0))
    frame = forecasts(settings=book.settings)
    assert_frame_equal(frame, expected(500.0, "0000"), check_exact=True)


def instead(made: pd.DataFrame) -> pd.DataFrame:
    """Naive's price in place of Delhi's first day."""
    return made.iloc[:1].assign(predicted_price=510.0)


def keep_with_fallback(connection: psycopg.Connection[Any]) -> None:
    """Both in one transaction, as an issue is kept: the moment of writing does not tell them apart."""
    with connection.transaction():
        save(connection, RUN, made())
        save(connection, replace(RUN, name="naive-fallback"), instead(made()), is_naive_fallback=True)


def test_what_is_given_instead_is_read_and_says_so(book: Book, connection: psycopg.Connection[Any]) -> None:
    keep_with_fallback(connection)
    frame = forecasts(settings=book.settings)
    assert frame["price"].tolist() == [510.0, 512.34, 512.34, 512.34]
    assert frame["is_naive_fallback"].tolist() == [True, False, False, False]
    assert frame["flag"].tolist() == ["naive was closer lately", "", "", ""]
    assert frame["model"].iloc[0] == f"naive-fallback {RUN.version}"


def test_the_model_s_own_forecast_stands_beside_what_is_given(book: Book, connection: psycopg.Connection[Any]) -> None:
    keep_with_fallback(connection)
    kept = book.execute(
        """select model_name, predicted_price::float8, is_naive_fallback from nec_predictions
           join nec_zones z on z.id = zone_id where slug = 'delhi' and horizon_days = 1 order by model_name"""
    )
    assert kept == [("naive-fallback", 510.0, True), (RUN.name, 512.34, False)]


def test_a_later_issue_of_the_model_goes_before_an_earlier_fallback(
    book: Book, connection: psycopg.Connection[Any]
) -> None:
    keep_with_fallback(connection)
    save(connection, replace(RUN, version="0000"), made(price=500.0))
    assert_frame_equal(forecasts(settings=book.settings), expected(500.0, "0000"), check_exact=True)


def test_the_track_record_is_every_issue_at_one_horizon(book: Book, connection: psycopg.Connection[Any]) -> None:
    keep_with_fallback(connection)
    save(connection, replace(RUN, version="0000"), made(price=500.0, issued_on=dt.date(2025, 6, 6)))
    book.quotes("delhi", "suggested", "2025-06-06", [515])
    book.execute("select fill_nec_prediction_actuals('2025-06-07')")
    frame = track_record("delhi", horizon_days=1, unit="egg", settings=book.settings)
    assert [f"{day:%m-%d}" for day in frame["date"]] == ["06-06", "06-07"]
    assert frame["price"].tolist() == pytest.approx([5.1, 5.0])  # what was given, not what the model said
    assert frame["actual_price"].tolist() == pytest.approx([5.15, float("nan")], nan_ok=True)
    assert frame.dtypes.astype(str).to_dict() == COLUMNS
    days = track_record(start="2025-06-08", end="2025-06-08", horizon_days=2, settings=book.settings)
    assert days[["zone", "issued_on"]].values.tolist() == [  # noqa: PD011
        ["delhi", pd.Timestamp("2025-06-06")],
        ["pune", pd.Timestamp("2025-06-06")],
    ]


@pytest.mark.parametrize("horizon_days", [0, 31])
def test_a_horizon_that_is_never_forecast_is_refused(book: Book, horizon_days: int) -> None:
    with pytest.raises(UsageError, match=f"horizon_days={horizon_days}: wanted 1 to 30"):
        track_record(horizon_days=horizon_days, settings=book.settings)


def test_zones_and_unit_are_chosen(book: Book, connection: psycopg.Connection[Any]) -> None:
    save(connection, RUN, made())
    frame = forecasts(["Delhi (CC)"], unit="tray30", settings=book.settings)
    assert set(frame["zone"]) == {"delhi"}
    assert set(frame["unit"]) == {"INR per tray (30)"}
    row = frame.iloc[0]
    assert (row["naive_price"], row["lower_95"], row["upper_95"]) == (153.0, 144.0, 162.0)
    assert (row["lower_80"], row["upper_80"], row["price"]) == pytest.approx((147.075, 159.0, 153.702))


def test_what_came_stands_beside_it(book: Book, connection: psycopg.Connection[Any]) -> None:
    save(connection, RUN, made())
    book.quotes("delhi", "suggested", "2025-06-06", [515])
    book.execute("select fill_nec_prediction_actuals('2025-06-06')")
    frame = forecasts("delhi", unit="egg", settings=book.settings)
    assert frame["actual_price"].tolist() == pytest.approx([5.15, float("nan")], nan_ok=True)


def test_a_demo_database_says_so_in_every_row(embedded_settings: Settings) -> None:
    Book(embedded_settings).quotes("delhi", "suggested", "2025-06-05", [510], source="demo")
    assert embedded_settings.database_url
    with psycopg.connect(embedded_settings.database_url, autocommit=True) as connection:
        save(connection, RUN, made())
    frame = forecasts(settings=embedded_settings)
    assert_frame_equal(frame, expected(flag=DEMO_LABEL), check_exact=True)
    assert frame.attrs == {"is_demo": True}


@pytest.mark.parametrize(("zones", "day"), [("namakkal", None), (None, "2025-06-04"), ([], None)])
def test_nothing_issued_is_an_empty_frame_of_the_same_shape(
    book: Book, connection: psycopg.Connection[Any], zones: str | list[str] | None, day: str | None
) -> None:
    save(connection, RUN, made())
    frame = forecasts(zones, day, settings=book.settings)
    assert_frame_equal(frame, typed_out(COLUMNS, []))


def test_before_the_first_prediction_it_says_what_to_do(book: Book) -> None:
    with pytest.raises(NoDataError, match="no forecasts stored yet in database .*: run `necc predict`"):
        forecasts(settings=book.settings)
    with pytest.raises(NoDataError, match="run `necc predict`"):
        track_record(settings=book.settings)


@pytest.mark.parametrize(
    ("zone", "day", "unit"), [(None, "yesterday", "egg"), (None, None, "kg"), ("Atlantis", None, "egg")]
)
def test_a_bad_question_is_refused(book: Book, zone: str | None, day: str | None, unit: str) -> None:
    with pytest.raises(UsageError, match="yesterday|kg|Atlantis"):
        forecasts(zone, day, unit=unit, settings=book.settings)
