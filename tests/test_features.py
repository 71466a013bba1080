"""Every feature says what it says, on series that can be counted by hand, and none looks ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from math import log

import numpy as np
import pandas as pd
import pytest

from necc.errors import UsageError
from necc.feature_table import CHANGE_DAYS, FEATURES, GROUPS
from necc.features import Daily, matrix, of_days
from necc.panel import Panel, panel
from tests.series import long


def daily(prices: pd.DataFrame) -> Daily:
    return Daily(panel(prices))


def value(made: Daily, name: str, nth_day: int, zone: str = "namakkal", horizon: int = 1) -> float:
    """One feature of one zone at the panel's nth day, counted from 0."""
    day = made.days[nth_day]
    return float(matrix(made, [day], horizon)[name].loc[(day, zone)])


def counting(days: int) -> Daily:
    """Namakkal at 100, 101, 102, ..."""
    return daily(long({"namakkal": [100.0 + day for day in range(days)]}))


# --- what the features say ------------------------------------------------------------------------


def test_the_matrix_has_the_described_features_in_their_order() -> None:
    made = counting(40)
    rows = matrix(made, made.days[-2:], 7)
    assert list(rows.columns) == list(FEATURES)
    assert rows.index.names == ["origin", "zone"]
    assert rows.index.get_level_values("origin").tolist() == made.days[-2:].tolist()
    assert set(rows.dtypes) == {np.dtype("float32")}
    assert {*made.grids, *made.horizon(7)} == set(FEATURES)


def test_every_feature_is_described() -> None:
    assert {feature.group for feature in FEATURES.values()} == set(GROUPS)
    for name, feature in FEATURES.items():
        assert len(feature.text) > 10, name
        assert feature.look_back_days >= 0, name
        known = {"log", "share", "days", "moves", "inr_per_100_eggs", "weekday", "wave", "degree"}
        assert feature.unit in known, name


@pytest.mark.parametrize("days", CHANGE_DAYS)
def test_changes_of_a_counting_series(days: int) -> None:
    made = counting(70)
    assert value(made, f"change_{days}d", 60) == pytest.approx(log(160 / (160 - days)), rel=1e-5)
    assert np.isnan(value(made, f"change_{days}d", days - 1))


def test_national_change_is_the_median_over_zones() -> None:
    made = daily(long({"namakkal": [400, 440], "delhi": [500, 505], "pune": [300, 300]}))
    assert value(made, "national_1d", 1) == pytest.approx(log(505 / 500), rel=1e-5)


def test_leaders_are_averaged_and_compared_with() -> None:
    made = daily(long({"namakkal": [400] * 20, "barwala": [400] * 19 + [420], "ajmer": [400] * 19 + [380]}))
    assert value(made, "leaders_1d", 19) == pytest.approx((log(420 / 400) + log(380 / 400)) / 2, rel=1e-4)
    now = -(log(420 / 400) + log(380 / 400)) / 2
    assert value(made, "leaders_spread_vs_28d", 19) == pytest.approx(now - now / 20, rel=1e-4)


def test_without_leaders_their_features_are_missing() -> None:
    assert np.isnan(value(counting(40), "leaders_1d", 30))


def test_shares_of_rising_and_falling_zones() -> None:
    made = daily(long({"a": [100, 101], "b": [100, 102], "c": [100, 99], "d": [100, 100], "namakkal": [100, None]}))
    # Namakkal's price is one day old: filled, so it counts among the five, and as resting.
    assert value(made, "rising_1d", 1, "a") == pytest.approx(2 / 5)
    assert value(made, "falling_1d", 1, "a") == pytest.approx(1 / 5)
    assert value(made, "rising_7d", 1, "a") == pytest.approx(2 / 5)  # the first day has no change


def test_the_zone_lags_behind_the_nation() -> None:
    made = daily(long({"namakkal": [400, 400], "delhi": [500, 505], "pune": [300, 306]}))
    assert value(made, "national_gap_1d", 1) == pytest.approx(log(505 / 500), rel=1e-4)
    assert value(made, "national_gap_1d", 1, "pune") == pytest.approx(log(505 / 500) - log(306 / 300), rel=1e-4)


def test_a_wild_step_is_cut_in_means_only() -> None:
    made = daily(long({"a": [100, 200], "b": [100, 100]}))
    assert value(made, "national_mean_1d", 1, "a") == pytest.approx(0.05)
    assert value(made, "change_1d", 1, "a") == pytest.approx(log(2))


def test_spread_against_its_own_past() -> None:
    made = daily(long({"a": [100] * 27 + [110], "b": [100] * 28, "c": [100] * 28}))
    assert value(made, "spread", 27, "a") == pytest.approx(log(1.1), rel=1e-5)
    assert value(made, "spread_vs_28d", 27, "a") == pytest.approx(log(1.1) * 27 / 28, rel=1e-5)


def test_the_premium_of_prevailing_prices_over_suggested_ones() -> None:
    """Prevailing prices rise by 10 and 20 %, a suggested one by 5 %; a zone counts where it stands on the day."""
    suggested = long({"namakkal": [100] * 28, "delhi": [100] * 27 + [105], "pune": [100] * 28})
    prevailing = long({"kanpur": [100] * 27 + [110], "indore": [100] * 27 + [120]}, section="prevailing")
    made = daily(pd.concat([suggested, prevailing]))
    over = (log(1.1) + log(1.2)) / 2 - log(1.05) / 3
    assert value(made, "premium_vs_28d", 27) == pytest.approx(over * 27 / 28, rel=1e-5)
    moved = suggested.assign(section=np.where(suggested["date"] == suggested["date"].max(), "prevailing", "suggested"))
    made = daily(pd.concat([moved[moved["zone"] == "delhi"], suggested[suggested["zone"] != "delhi"], prevailing]))
    over = (log(1.1) + log(1.2) + log(1.05)) / 3
    assert value(made, "premium_vs_28d", 27) == pytest.approx(over * 27 / 28, rel=1e-5)


def test_where_all_prices_are_suggested_there_is_no_premium() -> None:
    assert np.isnan(value(counting(40), "premium_vs_28d", 30))


def test_level_against_the_year() -> None:
    made = daily(long({"a": [100] * 364 + [110]}))
    assert value(made, "level_vs_365d", 364, "a") == pytest.approx(log(1.1) * 364 / 365, rel=1e-4)
    assert value(made, "national_level_vs_365d", 364, "a") == pytest.approx(log(1.1) * 364 / 365, rel=1e-4)
    assert value(made, "year_over_year", 364, "a") == pytest.approx(log(1.1), rel=1e-5)


def test_the_index_against_the_years() -> None:
    """Two zones rise by 5 % on day 399; before day 364 there is no year to compare with."""
    rising = [100.0] * 399 + [105.0] * 2
    made = daily(long({"a": rising, "b": rising}))
    for days in (1095, 1826):
        assert value(made, f"national_index_vs_{days}d", 399, "a") == pytest.approx(log(1.05) * 399 / 400, rel=1e-4)
        assert value(made, f"national_index_vs_{days}d", 364, "a") == 0
        assert np.isnan(value(made, f"national_index_vs_{days}d", 363, "a"))


def test_rest_and_last_move() -> None:
    made = daily(long({"namakkal": [100] * 5 + [98] * 70}))
    assert np.isnan(value(made, "rest_days", 4))
    assert [value(made, "rest_days", day) for day in (5, 6, 9, 74)] == [0, 1, 4, 60]
    assert value(made, "last_move", 30) == pytest.approx(log(0.98), rel=1e-5)


def test_how_often_and_how_much_a_zone_moves() -> None:
    made = daily(long({"namakkal": [100.0, 101.0] * 60}))  # moves every day by log 1.01
    assert value(made, "moves_28d", 110) == 1
    assert value(made, "volatility_28d", 110) == pytest.approx(log(1.01), rel=1e-4)
    assert value(made, "volatility_91d", 110) == pytest.approx(log(1.01), rel=1e-4)


def mondays_only(weeks: int) -> Daily:
    """Moves on Mondays and on no other day."""
    return daily(long({"namakkal": [100.0 + day // 7 for day in range(7 * weeks)]}))


@pytest.mark.parametrize(
    ("weekday", "horizon", "on_target", "expected"),
    [(6, 1, 1, 1), (6, 2, 0, 1), (6, 8, 1, 2), (6, 30, 0, 5), (0, 1, 0, 0), (0, 7, 1, 1), (2, 5, 1, 1), (2, 4, 0, 0)],
)
def test_weekday_habits_of_a_zone(weekday: int, horizon: int, on_target: float, expected: float) -> None:
    made, day = mondays_only(12), 7 * 11 + weekday
    assert value(made, "weekday", day) == weekday
    for weeks in (52, 12):
        assert value(made, f"moves_on_target_{weeks}w", day, horizon=horizon) == on_target
        assert value(made, f"moves_expected_{weeks}w", day, horizon=horizon) == expected
        assert value(made, f"national_moves_on_target_{weeks}w", day, horizon=horizon) == on_target


def test_the_mean_volatility_is_one_number_a_day_over_zones() -> None:
    """One zone doubles and halves, cut at .10 each time; one rests; one moves by 1 % each day."""
    steps = [100 * 2.0 ** (day % 2) for day in range(100)]
    made = daily(long({"a": steps, "b": [100] * 100, "namakkal": [100 * 1.01**day for day in range(100)]}))
    assert value(made, "mean_volatility_91d", 99) == pytest.approx((0.10 + log(1.01)) / 3, rel=1e-4)
    assert value(made, "mean_volatility_91d", 99, "b") == value(made, "mean_volatility_91d", 99)


def test_the_season_of_a_day() -> None:
    made = daily(long({"a": [100] * 365}))
    turn = 2 * np.pi * 100 / 365.25  # 10 April, the 100th day of 2021, is the panel's day 96
    names = ("sun_sin_1", "sun_cos_1", "sun_sin_2", "sun_cos_2")
    wanted = [np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)]
    assert [value(made, name, 96, "a") for name in names] == pytest.approx(wanted, rel=1e-5)


def test_the_moon_of_a_day() -> None:
    """The lunisolar year 2021 began with the new moon of 12 April; on the 13th at noon it is a day old."""
    made = daily(long({"a": [100] * 100}))
    age = 28 / 24 / 29.6 / 12
    assert value(made, "moon_sin_1", 99, "a") == pytest.approx(np.sin(2 * np.pi * age), abs=2e-3)
    assert value(made, "moon_cos_1", 99, "a") == pytest.approx(1, abs=2e-3)


def test_the_day_of_the_month() -> None:
    """The panel's day 28 is 1 February 2021, its day 35 the 8th: a quarter of that month has passed."""
    made = daily(long({"a": [100] * 40}))
    assert (value(made, "month_sin_1", 28, "a"), value(made, "month_cos_1", 28, "a")) == (0, 1)
    assert value(made, "month_sin_1", 35, "a") == pytest.approx(1)
    assert value(made, "month_cos_1", 35, "a") == pytest.approx(0, abs=1e-6)


def test_an_observance_at_the_target_and_on_the_way() -> None:
    """Ramadan began in India on 14 April 2021, the panel's day 100, and lasted for 30 days."""
    made = daily(long({"a": [100] * 130}))
    assert value(made, "ramadan_now", 90, "a", horizon=30) == 0
    assert value(made, "ramadan_to_target", 90, "a", horizon=30) == 1
    assert value(made, "ramadan_on_the_way", 90, "a", horizon=30) == pytest.approx(21 / 30)
    assert value(made, "ramadan_now", 115, "a", horizon=30) == 1
    assert value(made, "ramadan_to_target", 115, "a", horizon=30) == -1


def test_last_year_over_the_same_horizon() -> None:
    prices = [100 + (day % 50) for day in range(800)]
    made = daily(long({"a": prices, "b": prices, "c": [100] * 800}))
    origins = range(780 - 364 - 3, 780 - 364 + 4)
    wanted = float(np.mean([log(prices[origin + 5] / prices[origin]) for origin in origins]))
    assert value(made, "last_year_change", 780, "a", horizon=5) == pytest.approx(wanted, rel=1e-4)
    assert value(made, "last_year_change", 780, "c", horizon=5) == 0


def test_without_a_year_of_history_last_year_is_missing() -> None:
    assert np.isnan(value(counting(40), "last_year_change", 39))


def test_what_past_years_did_from_here_by_the_sun() -> None:
    """Prices that rise by 0.1 % a day from the 100th to the 200th day of each year, and fall back after it."""
    days = pd.date_range("2018-01-01", "2021-12-31").day_of_year.to_numpy()
    level = np.interp(days, [100, 200, 300], [0.0, 0.1, 0.0])
    made = daily(long({"a": (400 * np.exp(level)).tolist()}, "2018-01-01"))
    origin = int((pd.Timestamp("2021-06-01") - pd.Timestamp("2018-01-01")).days)
    for name in ("last_year_by_sun", "recent_years_by_sun", "past_years_by_sun"):
        assert value(made, name, origin, "a", horizon=14) == pytest.approx(0.014, rel=1e-3)
    assert value(made, "rose_by_sun", origin, "a", horizon=14) == 1
    assert value(made, "to_normal_by_sun", origin, "a", horizon=14) == pytest.approx(0.014, abs=5e-3)


def test_zones_that_move_together_are_neighbours() -> None:
    rng = np.random.default_rng(2)
    north, south = rng.normal(0, 0.01, (2, 300)).cumsum(axis=1)
    log_prices = {"delhi": north, "ludhiana": north * 1.01, "chennai": south, "mysuru": south * 0.99}
    made = daily(long({zone: (400 * np.exp(line)).tolist() for zone, line in log_prices.items()}))
    assert value(made, "neighbours_7d", 299, "delhi") == pytest.approx(
        value(made, "change_7d", 299, "ludhiana"), rel=0.02
    )
    assert value(made, "neighbours_gap_7d", 299, "delhi") == pytest.approx((north[299] - north[292]) * 0.01, rel=0.3)


def test_a_zone_that_moves_a_day_before_is_ahead() -> None:
    rng = np.random.default_rng(2)
    first, other = rng.normal(0, 0.01, (2, 301)).cumsum(axis=1)
    log_prices = {"barwala": first[1:], "delhi": first[:-1], "chennai": other[1:]}
    made = daily(long({zone: (400 * np.exp(line)).tolist() for zone, line in log_prices.items()}))
    assert value(made, "ahead_1d", 299, "delhi") == pytest.approx(first[300] - first[299], rel=0.02)


def test_a_run_of_moves_in_one_direction() -> None:
    made = daily(long({"a": [100, 101, 101, 102, 103, 102, 101]}))
    assert [value(made, "run", day, "a") for day in range(7)] == [0, 1, 1, 2, 3, -1, -2]
    assert value(made, "net_moves_3d", 5, "a") == 1
    assert value(made, "past_multiple", 4, "a") == 3


Rows = Callable[[Daily, list[dt.date], int], pd.DataFrame]


@pytest.mark.parametrize("rows", [matrix, of_days])
@pytest.mark.parametrize("horizon", [0, 358])
def test_a_horizon_that_cannot_be_is_refused(rows: Rows, horizon: int) -> None:
    with pytest.raises(UsageError, match=f"horizon_days={horizon}: wanted 1 to 357"):
        rows(counting(40), [], horizon)


@pytest.mark.parametrize("rows", [matrix, of_days])
def test_an_origin_outside_the_panel_is_refused(rows: Rows) -> None:
    with pytest.raises(UsageError, match="days of the panel"):
        rows(counting(40), [dt.date(2020, 1, 1)], 1)


# --- no feature looks ahead -----------------------------------------------------------------------

CUTOFF = pd.Timestamp("2023-03-01")
Build = Callable[[Panel], pd.DataFrame]


def leaking_features(build: Build, prices: pd.DataFrame) -> list[str]:
    """The columns that change where prices after CUTOFF are cut off, replaced by noise or joined by a new zone."""
    rng = np.random.default_rng(1)
    later = prices["date"] > CUTOFF
    noise = prices.assign(price=prices["price"].where(~later, rng.uniform(50, 2000, len(prices))))
    new_zone = prices[later & (prices["zone"] == "barwala")].assign(zone="atlantis")
    shown = build(panel(prices))
    leaking: set[str] = set()
    for other in (prices[~later], noise, pd.concat([prices, new_zone])):
        again = build(panel(other))
        assert again.index.equals(shown.index)
        leaking |= {str(name) for name in shown if not shown[name].equals(again[name])}
    return sorted(leaking)


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    """Five zones on random walks, with a gap in one of them."""
    rng = np.random.default_rng(7)
    zones = ("ajmer", "barwala", "delhi", "namakkal", "pune")
    walks = {zone: (450 + rng.integers(-4, 5, 900).cumsum()).astype(float).tolist() for zone in zones}
    walks["pune"][700:720] = [None] * 20
    return long(walks)


def up_to_cutoff(series: Panel, horizon: int) -> pd.DataFrame:
    return matrix(Daily(series), pd.date_range("2022-12-01", CUTOFF), horizon)


@pytest.mark.parametrize("horizon", [1, 7, 30, 357])
def test_no_feature_looks_ahead(market: pd.DataFrame, horizon: int) -> None:
    assert leaking_features(lambda series: up_to_cutoff(series, horizon), market) == []


def test_a_feature_that_looks_one_day_ahead_is_caught(market: pd.DataFrame) -> None:
    def with_tomorrow(series: Panel) -> pd.DataFrame:
        rows = up_to_cutoff(series, 7)
        ahead = series.log_filled.diff().shift(-1).stack(future_stack=True)  # noqa: PD013
        return rows.assign(tomorrow=ahead.reindex(rows.index.set_names(["date", "zone"])).to_numpy())

    assert leaking_features(with_tomorrow, market) == ["tomorrow"]


def test_a_window_centred_on_the_origin_is_caught(market: pd.DataFrame) -> None:
    def centred(series: Panel) -> pd.DataFrame:
        mean = series.filled.rolling(3, center=True, min_periods=1).mean()
        return pd.DataFrame({zone: mean.loc[:CUTOFF, zone] for zone in ("barwala", "delhi")})

    assert leaking_features(centred, market) == ["barwala", "delhi"]
