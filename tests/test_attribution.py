"""What each group of features adds to a forecast: fair, complete, and blind to what comes later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from necc import attribution
from necc.errors import NoDataError
from necc.examples import LARGEST_CHANGE, Floats
from necc.feature_table import FEATURES, GROUPS
from necc.features import Daily
from necc.forecast_store import ModelRun
from necc.learn import Anchor, Recipe
from necc.panel import panel
from necc.predict import Model
from tests.test_predict import made_up_market, without

ORIGIN = pd.Timestamp("2022-10-02")  # 640 days from the first
BOTH_ENDS = Recipe(anchors_days=(1, 30), calibrated_days=(1, 30))
RUN = ModelRun("by hand", "1", dt.date(2021, 1, 1), ORIGIN.date(), (1,), 6, 1, (), {}, 0)
Law = Callable[[pd.DataFrame], Floats]


class Estimator:
    """Predicts what a law says of the features."""

    def __init__(self, law: Law) -> None:
        self.predict = law


def model_of(law: Law, weights: tuple[float, float] = (1.0, 1.0)) -> Model:
    """A model that needs no training: the same law one day and thirty days ahead."""
    anchors = [
        Anchor(days, Estimator(law), None, weight, None, None, 0) for days, weight in zip((1, 30), weights, strict=True)
    ]
    return Model(RUN, BOTH_ENDS, tuple(anchors))


def line(**slopes: float) -> Law:
    """A straight line in these features."""
    return lambda rows: np.asarray(sum(slope * rows[name].to_numpy(float) for name, slope in slopes.items()))


@pytest.fixture(scope="module")
def daily() -> Daily:
    return Daily(panel(made_up_market(), until=ORIGIN.date()))


# --- the sum itself ---------------------------------------------------------------------------------


def test_a_left_glove_is_worth_more_than_two_right_ones() -> None:
    """Glove game: only a pair has a worth. Player 0 has the left glove, 1 and 2 a right one each."""
    pairs = [0.0 if glove & 1 == 0 or glove & 6 == 0 else 1.0 for glove in range(8)]
    assert attribution.shapley(np.array(pairs)) == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_a_sum_of_separate_worths_is_given_to_each() -> None:
    alone = np.array([3.0, -2.0, 0.0, 7.5, 0.25])
    worth = np.array([100 + sum(alone[place] for place in range(5) if sets >> place & 1) for sets in range(32)])
    assert attribution.shapley(worth) == pytest.approx(alone)


@pytest.mark.parametrize("seed", range(5))
def test_the_shares_are_complete_symmetric_and_nothing_for_who_adds_nothing(seed: int) -> None:
    sets, luck = np.arange(32), np.random.default_rng(seed).normal(size=32)
    worth = luck[sets & ~4]  # player 2 changes nothing
    one_and_four = (sets >> 1 & 1) + (sets >> 4 & 1)
    worth = worth[(sets & ~18) | np.array([0, 2, 18])[one_and_four]]  # it only counts how many of 1 and 4 are in
    shares = attribution.shapley(worth)
    assert shares.sum() == pytest.approx(worth[31] - worth[0])
    assert shares[2] == 0
    assert shares[1] == pytest.approx(shares[4])
    assert len(set(shares.round(9))) == 4


# --- of a forecast ----------------------------------------------------------------------------------


def test_a_group_that_nothing_uses_gets_nothing(daily: Daily) -> None:
    law = line(change_7d=0.4, sun_cos_1=0.01)
    found = attribution.attribute(model_of(law), daily, "delhi", ORIGIN, 14)
    assert list(found.contributions) == list(GROUPS)
    assert [found.contributions[group] for group in ("neighbours", "level", "zone habit")] == [0, 0, 0]
    assert min(abs(found.contributions[group]) for group in ("momentum", "season")) > 0.01


def test_a_forecast_by_one_feature_is_counted_by_hand(daily: Daily) -> None:
    found = attribution.attribute(model_of(line(change_7d=0.4)), daily, "delhi", ORIGIN, 30)
    price = daily.series.observed["delhi"]
    change = (price / price.shift(7)).map(np.log)
    usual = (price.iloc[-1] * np.exp(0.4 * change[found.usual_days])).mean()
    forecast = price.iloc[-1] * np.exp(0.4 * change.iloc[-1])
    assert (found.usual, found.forecast) == pytest.approx((usual, forecast), rel=1e-6)
    assert found.contributions["momentum"] == pytest.approx(forecast - usual, rel=1e-4)
    assert found.features["change_7d"] == pytest.approx(change.iloc[-1], rel=1e-5)
    assert found.usual_features["change_7d"] == pytest.approx(change[found.usual_days].mean(), rel=1e-4)


@pytest.mark.parametrize("horizon_days", [1, 12, 30])
def test_the_contributions_add_up_where_groups_depend_on_each_other(daily: Daily, horizon_days: int) -> None:
    def law(rows: pd.DataFrame) -> Floats:
        return np.asarray(rows["change_7d"] * (1 + rows["sun_cos_1"]) + rows["level_vs_91d"] * rows["rising_7d"])

    found = attribution.attribute(model_of(law, (0.5, 1.0)), daily, "pune", ORIGIN, horizon_days)
    assert found.usual + sum(found.contributions.values()) == pytest.approx(found.forecast, abs=1e-9)
    weight = 0.5 + 0.5 * (horizon_days - 1) / 29
    change = law(attribution.zone_rows(daily, "pune", found.usual_days[:0], ORIGIN, 1))[0]
    assert found.forecast == pytest.approx(daily.series.observed["pune"].iloc[-1] * np.exp(weight * change), rel=1e-6)


def test_a_change_is_cut_as_the_model_cuts_it(daily: Daily) -> None:
    found = attribution.attribute(model_of(lambda rows: np.full(len(rows), 2.0)), daily, "delhi", ORIGIN, 7)
    assert found.forecast == pytest.approx(daily.series.observed["delhi"].iloc[-1] * np.exp(LARGEST_CHANGE))
    assert set(found.contributions.values()) == {0.0}


def test_without_trust_nothing_moves_it(daily: Daily) -> None:
    found = attribution.attribute(model_of(line(change_7d=1.0), (0.0, 0.0)), daily, "delhi", ORIGIN, 14)
    assert found.forecast == found.usual == daily.series.observed["delhi"].iloc[-1]
    assert set(found.contributions.values()) == {0.0}


def test_later_prices_change_nothing() -> None:
    market = made_up_market()
    noise = np.random.default_rng(3).uniform(50, 2000, len(market))
    noisy = market.assign(price=market["price"].where(market["date"] <= ORIGIN, noise))
    law = line(change_7d=0.4, national_gap_7d=0.2, level_vs_91d=-0.1, rest_days=0.001, sun_cos_1=0.01)
    found, other = (
        attribution.attribute(model_of(law), Daily(panel(prices)), "delhi", ORIGIN, 14) for prices in (market, noisy)
    )
    assert other.contributions == found.contributions
    assert (other.usual, other.forecast) == (found.usual, found.forecast)


# --- the usual day ----------------------------------------------------------------------------------


def test_usual_days_are_of_one_whole_year_and_every_weekday(daily: Daily) -> None:
    days = attribution.usual_days(daily, "delhi", ORIGIN)
    assert (len(days), days[0], days[-1]) == (100, ORIGIN - pd.Timedelta(days=365), ORIGIN - pd.Timedelta(days=1))
    assert set(days.day_of_week) == set(range(7))
    assert set(np.diff(days).astype("timedelta64[D]").astype(int)) == {3, 4}


def test_a_young_zone_is_compared_with_the_days_it_has() -> None:
    prices = without(made_up_market(), "pune", dt.date(2021, 1, 1), dt.date(2022, 9, 1))
    days = attribution.usual_days(Daily(panel(prices, until=ORIGIN.date())), "pune", ORIGIN)
    assert days.tolist() == pd.date_range("2022-09-02", "2022-10-01").tolist()


def test_a_zone_of_one_day_cannot_be_compared() -> None:
    prices = without(made_up_market(), "pune", dt.date(2021, 1, 1), dt.date(2022, 10, 1))
    with pytest.raises(NoDataError, match="pune: no day before 2022-10-02 to compare its forecast with"):
        attribution.usual_days(Daily(panel(prices, until=ORIGIN.date())), "pune", ORIGIN)


def test_every_feature_stands_in_one_of_the_groups() -> None:
    assert {feature.group for feature in FEATURES.values()} == set(GROUPS)
