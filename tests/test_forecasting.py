"""The steps of a forecast in their order, on a real database: predicted, kept, met by its price, scored, judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest

from necc import fallback, forecasting, predict, scorecard
from necc.config import INDIA, NAIVE_FALLBACK, Settings
from necc.embedded import Cluster
from necc.errors import NoDataError
from necc.forecast_store import ModelRun, forecasts, save
from tests.hand_made import Book, book_on
from tests.test_predict import trained_quickly

ZONES = ("ajmer", "barwala", "chennai", "delhi", "namakkal", "pune")
FIRST_DAY = dt.date(2023, 1, 1)
DAYS = 780
LAST_DAY = FIRST_DAY + dt.timedelta(days=DAYS - 1)
AT_NOON = dt.datetime.combine(LAST_DAY, dt.time(12), INDIA)
LOST = ("delhi", "suggested", 3)  # where naive was closer
OLD = ModelRun(predict.MODEL_NAME, "an old version", FIRST_DAY, FIRST_DAY, (3,), 6, 1, (), {}, 0)


def write_market(book: Book) -> None:
    """Six zones that follow one drift with a long memory, each with steps of its own."""
    rng = np.random.default_rng(5)
    drift = np.zeros(DAYS)
    for today in range(1, DAYS):
        drift[today] = 0.9 * drift[today - 1] + rng.normal(0, 0.003)
    own = rng.normal(0, 0.002, (DAYS, len(ZONES)))
    prices = (450 * np.exp(np.cumsum(drift[:, None] + own, axis=0))).round(2)
    for zone, series in zip(ZONES, prices.T, strict=True):
        book.quotes(zone, "suggested", FIRST_DAY.isoformat(), series.tolist())


def old_forecasts() -> pd.DataFrame:
    """A forecast a week for half a year, three days ahead: far off in Delhi, naive itself in Pune."""
    issues = [LAST_DAY - dt.timedelta(days=3 + 7 * back) for back in range(26)]
    rows = [{"zone": zone, "issued_on": day} for zone in ("delhi", "pune") for day in issues]
    frame = pd.DataFrame(rows).assign(section="suggested", naive_price=450.0)
    frame["target_date"] = [day + dt.timedelta(days=3) for day in frame["issued_on"]]
    frame["predicted_price"] = np.where(frame["zone"] == "delhi", 2000.0, 450.0)
    return frame.assign(lower_80=1.0, lower_95=1.0, upper_80=3000.0, upper_95=3000.0)


def connected(book: Book) -> psycopg.Connection[Any]:
    assert book.settings.database_url
    return psycopg.connect(book.settings.database_url, autocommit=True)


@pytest.fixture(scope="module", autouse=True)
def quick_training() -> Iterator[None]:
    with trained_quickly():
        yield


@pytest.fixture(scope="module")
def book(
    tmp_path_factory: pytest.TempPathFactory,
    clusters: Callable[[str], Cluster],
    templates: Callable[[Cluster], str],
) -> Iterator[Book]:
    """Two years of prices; the tests below go on from each other, in their order.

    The server ends whoever leaves a transaction open meanwhile: nobody may train in one.
    """
    cluster = clusters("embedded")
    with book_on(cluster, templates(cluster), tmp_path_factory.mktemp("forecasting")) as book:
        write_market(book)
        impatient = f"{book.settings.database_url}&options=-c%20idle_in_transaction_session_timeout%3D100ms"
        yield Book(replace(book.settings, fixed_now=AT_NOON, database_url=impatient))


def test_before_the_first_forecast_there_is_nothing_to_score(book: Book) -> None:
    with pytest.raises(NoDataError, match="run `necc predict`"):
        forecasting.score(book.settings)


def test_past_days_are_replayed_by_one_model_that_knew_no_later_price(book: Book) -> None:
    assert forecasting.replay(book.settings, days_back=(20, 40)) == 2 * 30 * len(ZONES)
    runs = book.execute("select model_name, training_cutoff from nec_model_runs")
    assert runs == [(predict.MODEL_NAME, LAST_DAY - dt.timedelta(days=40))]
    issues = book.execute("select distinct issued_on from nec_predictions order by 1")
    assert issues == [(LAST_DAY - dt.timedelta(days=back),) for back in (40, 20)]
    assert forecasting.replay(book.settings, days_back=(40, 20)) == 0


def test_what_came_is_filled_in_and_told_by_horizon(book: Book) -> None:
    report = forecasting.score(book.settings)
    assert report.filled == (30 + 20) * len(ZONES)
    assert report.card["horizon_days"].tolist() == [*range(1, 31)]
    assert report.card["forecasts_count"].tolist() == [12] * 20 + [6] * 10
    assert report.naive_won == {}
    assert f"prices that came up to {LAST_DAY}: 300 filled in or corrected" in report.summary
    assert f"{predict.MODEL_NAME}: 300 forecasts scored, 300 of them written after their day" in report.summary
    assert [line.split()[:2] for line in report.summary.splitlines()[4:]] == [
        *(["1", "12"], ["3", "12"], ["7", "12"], ["14", "12"], ["30", "6"])
    ]
    again = forecasting.score(book.settings)
    assert (again.filled, again.summary.splitlines()[1:]) == (0, report.summary.splitlines()[1:])


def test_a_price_after_the_day_asked_for_is_not_filled_in(book: Book) -> None:
    book.execute("update nec_predictions set actual_price = null, actual_filled_at = null")
    early = forecasting.score(book.settings, up_to=LAST_DAY - dt.timedelta(days=39))
    assert (early.filled, early.card["horizon_days"].tolist()) == (len(ZONES), [1])
    assert f"{1:12d} {6:10d}" in early.summary
    assert forecasting.score(book.settings).filled == 300 - len(ZONES)


def test_where_naive_won_its_price_is_given_and_the_model_s_is_kept(book: Book) -> None:
    with connected(book) as connection:
        save(connection, OLD, old_forecasts())
    report = forecasting.score(book.settings)
    assert report.naive_won == {"delhi": "3"}
    assert report.summary.splitlines()[-2:] == [
        "naive was closer than the model over the last 26 weeks, days ahead:",
        "  delhi 3",
    ]
    issue = forecasting.predict(book.settings)
    assert (issue.predictions, dict(issue.given_instead)) == (30 * len(ZONES), {"delhi": "3"})
    assert issue.summary.splitlines()[-2:] == [
        "naive's price is given where it was closer over the last 26 weeks, days ahead:",
        "  delhi 3",
    ]
    given = forecasts(settings=book.settings)
    naive = given[given["is_naive_fallback"]]
    assert [tuple(row) for row in naive[fallback.CELL].to_numpy()] == [LOST]
    assert naive["price"].tolist() == naive["naive_price"].tolist()
    assert len(given) == 30 * len(ZONES)
    kept = book.execute(
        """select model_name, is_naive_fallback, count(*) from nec_predictions where issued_on = %s
           group by 1, 2 order by 1""",
        LAST_DAY,
    )
    assert kept == [(NAIVE_FALLBACK, True, 1), (predict.MODEL_NAME, False, 30 * len(ZONES))]


def test_the_same_prices_are_not_forecast_twice(book: Book) -> None:
    issue = forecasting.predict(book.settings)
    assert (issue.is_new, issue.predictions, dict(issue.given_instead)) == (False, 0, {})


def test_the_model_goes_on_being_measured_where_naive_is_given(book: Book) -> None:
    """The price comes: both forecasts of that day are scored, each under its own name."""
    day = LAST_DAY + dt.timedelta(days=3)
    book.quotes("delhi", "suggested", day.isoformat(), [455])
    forecasting.score(book.settings, up_to=day)
    scored = book.execute(
        """select model_name, forecasts_count, round(skill, 6) = 0 from nec_v_forecast_scores
           where zone = 'delhi' and horizon_days = 3
             and model_version = (select model_version from nec_predictions where is_naive_fallback)
           order by model_name"""
    )
    assert [row[:2] for row in scored] == [(NAIVE_FALLBACK, 1), (predict.MODEL_NAME, 1)]
    assert scored[0][2] in {True, None}  # naive is as good as naive


@pytest.mark.parametrize(("weeks_back", "won"), [(13, {"delhi": "3"}), (14, {})])
def test_a_past_issue_is_judged_by_what_was_known_then(book: Book, weeks_back: int, won: dict[str, str]) -> None:
    """Half of the weekly record lies after a day 13 weeks back: what remains is just enough."""
    day = LAST_DAY - dt.timedelta(weeks=weeks_back)
    with connected(book) as connection:
        record = scorecard.record(connection, predict.MODEL_NAME, day, days=fallback.WINDOW_DAYS)
    assert fallback.described(fallback.naive_won(record)) == won


def test_too_short_a_history_is_named(embedded_settings: Settings) -> None:
    Book(embedded_settings).quotes("delhi", "suggested", "2024-01-01", [500] * 100)
    with pytest.raises(NoDataError, match="prices of 40 days up to 2024-02-09: wanted 730 to replay forecasts"):
        forecasting.replay(replace(embedded_settings, fixed_now=AT_NOON))
