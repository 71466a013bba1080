"""Every feature says what it says, on series that can be counted by hand, and none looks ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from math import log

import numpy as np
import pandas as pd
import pytest

from necc import features
from necc.errors import NoDataError, UsageError
from necc.features import FEATURES, Panel, matrix, panel

START = "2021-01-04"  # a Monday
Prices = Sequence[float | None]


def long(series: Mapping[str, Prices], start: str = START, section: str = "suggested") -> pd.DataFrame:
    """Prices day by day from `start` on, as `necc.prices()` gives them; None leaves a day out."""
    rows = [
        (day, zone, section, float(price))
        for zone, prices in series.items()
        for day, price in zip(pd.date_range(start, periods=len(prices)), prices, strict=True)
        if price is not None
    ]
    return pd.DataFrame(rows, columns=["date", "zone", "section", "price"])


def value(series: Panel, name: str, nth_day: int, zone: str = "namakkal", horizon: int = 1) -> float:
    """One feature of one zone at the panel's nth day, counted from 0."""
    day = series.observed.index[nth_day]
    return float(matrix(series, [day], horizon).loc[(day, zone), name])


def counting(days: int) -> Panel:
    """Namakkal at 100, 101, 102, ..."""
    return panel(long({"namakkal": [100.0 + day for day in range(days)]}))


# --- the panel ------------------------------------------------------------------------------------


def test_the_panel_has_every_day_and_fills_nothing() -> None:
    made = panel(long({"namakkal": [400, None, 402], "delhi": [None, 500, None]}), until=dt.date(2021, 1, 7))
    assert made.observed.index.equals(pd.date_range(START, "2021-01-07"))
    assert made.observed["namakkal"].tolist() == pytest.approx([400, np.nan, 402, np.nan], nan_ok=True)
    assert made.section["delhi"].tolist() == [None, "suggested", None, None]
    assert made.notes == ()


def test_at_most_seven_days_are_filled_for_inputs() -> None:
    made = panel(long({"namakkal": [400], "delhi": [500] * 9}))
    assert made.filled["namakkal"].notna().tolist() == [True] * 8 + [False]
    assert value(made, "price_age_days", 7) == 7
    assert "namakkal" not in matrix(made, [made.observed.index[8]], 1).index.get_level_values("zone")


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


# --- what the features say ------------------------------------------------------------------------


def test_the_matrix_has_the_described_features_in_their_order() -> None:
    made = counting(40)
    rows = matrix(made, made.observed.index[-2:], 7)
    assert list(rows.columns) == list(FEATURES)
    assert rows.index.names == ["origin", "zone"]
    assert rows.index.get_level_values("origin").tolist() == made.observed.index[-2:].tolist()
    assert set(rows.dtypes) == {np.dtype("float32")}
    assert all(len(text) > 10 for text in FEATURES.values())
    assert {*features.daily_features(made), *features.horizon_features(made, 7)} == set(FEATURES)


@pytest.mark.parametrize("days", features.LOOKBACKS)
def test_changes_of_a_counting_series(days: int) -> None:
    made = counting(40)
    assert value(made, f"change_{days}d", 30) == pytest.approx(log(130 / (130 - days)), rel=1e-5)
    assert np.isnan(value(made, f"change_{days}d", days - 1))


def test_national_change_is_the_median_over_zones() -> None:
    made = panel(long({"namakkal": [400, 440], "delhi": [500, 505], "pune": [300, 300]}))
    assert value(made, "national_1d", 1) == pytest.approx(log(505 / 500), rel=1e-5)


def test_leaders_are_averaged_and_compared_with() -> None:
    made = panel(long({"namakkal": [400] * 20, "barwala": [400] * 19 + [420], "ajmer": [400] * 19 + [380]}))
    assert value(made, "leaders_1d", 19) == pytest.approx((log(420 / 400) + log(380 / 400)) / 2, rel=1e-4)
    now = -(log(420 / 400) + log(380 / 400)) / 2
    assert value(made, "leader_spread_vs_28d", 19) == pytest.approx(now - now / 20, rel=1e-4)


def test_without_leaders_their_features_are_missing() -> None:
    assert np.isnan(value(counting(40), "leaders_1d", 30))


def test_shares_of_rising_and_falling_zones() -> None:
    made = panel(long({"a": [100, 101], "b": [100, 102], "c": [100, 99], "d": [100, 100], "namakkal": [100, None]}))
    # Namakkal's price is one day old: filled, so it counts among the five, and as resting.
    assert value(made, "rising_1d", 1, "a") == pytest.approx(2 / 5)
    assert value(made, "falling_1d", 1, "a") == pytest.approx(1 / 5)
    assert value(made, "rising_7d", 1, "a") == pytest.approx(2 / 5)  # the first day has no change


def test_a_wild_step_is_cut_in_means_only() -> None:
    made = panel(long({"a": [100, 200], "b": [100, 100]}))
    assert value(made, "national_mean_1d", 1, "a") == pytest.approx(0.05)
    assert value(made, "change_1d", 1, "a") == pytest.approx(log(2))


def test_spread_against_its_own_past() -> None:
    made = panel(long({"a": [100] * 27 + [110], "b": [100] * 28, "c": [100] * 28}))
    assert value(made, "spread", 27, "a") == pytest.approx(log(1.1), rel=1e-5)
    assert value(made, "spread_vs_28d", 27, "a") == pytest.approx(log(1.1) * 27 / 28, rel=1e-5)


def test_level_against_the_year() -> None:
    made = panel(long({"a": [100] * 364 + [110]}))
    assert value(made, "level_vs_365d", 364, "a") == pytest.approx(log(1.1) * 364 / 365, rel=1e-4)
    assert value(made, "national_vs_365d", 364, "a") == pytest.approx(log(1.1) * 364 / 365, rel=1e-4)
    assert value(made, "year_over_year", 364, "a") == pytest.approx(log(1.1), rel=1e-5)


def test_rest_and_last_move() -> None:
    made = panel(long({"namakkal": [100] * 5 + [98] * 70}))
    assert np.isnan(value(made, "rest_days", 4))
    assert [value(made, "rest_days", day) for day in (5, 6, 9, 74)] == [0, 1, 4, 60]
    assert value(made, "last_move", 30) == pytest.approx(log(0.98), rel=1e-5)


def test_how_often_and_how_much_a_zone_moves() -> None:
    made = panel(long({"namakkal": [100.0, 101.0] * 60}))  # moves every day by log 1.01
    assert value(made, "moves_28d", 110) == 1
    assert value(made, "volatility_28d", 110) == pytest.approx(log(1.01), rel=1e-4)
    assert value(made, "volatility_91d", 110) == pytest.approx(log(1.01), rel=1e-4)


def mondays_only(weeks: int) -> Panel:
    """Moves on Mondays and on no other day."""
    return panel(long({"namakkal": [100.0 + day // 7 for day in range(7 * weeks)]}))


@pytest.mark.parametrize(
    ("weekday", "horizon", "on_target", "expected"),
    [(6, 1, 1, 1), (6, 2, 0, 1), (6, 8, 1, 2), (6, 30, 0, 5), (0, 1, 0, 0), (0, 7, 1, 1), (2, 5, 1, 1), (2, 4, 0, 0)],
)
def test_weekday_habits_of_a_zone(weekday: int, horizon: int, on_target: float, expected: float) -> None:
    made, day = mondays_only(12), 7 * 11 + weekday
    assert value(made, "weekday", day) == weekday
    assert value(made, "moves_on_target", day, horizon=horizon) == on_target
    assert value(made, "moves_expected", day, horizon=horizon) == expected


def test_the_season_of_a_day() -> None:
    made = panel(long({"a": [100] * 365}))
    turn = 2 * np.pi * 100 / 365.25  # 10 April, the 100th day of 2021, is the panel's day 96
    names = ("season_sin_1", "season_cos_1", "season_sin_2", "season_cos_2")
    wanted = [np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)]
    assert [value(made, name, 96, "a") for name in names] == pytest.approx(wanted, rel=1e-5)


def test_last_year_over_the_same_horizon() -> None:
    prices = [100 + (day % 50) for day in range(800)]
    made = panel(long({"a": prices, "b": prices, "c": [100] * 800}))
    origins = range(780 - 364 - 3, 780 - 364 + 4)
    wanted = float(np.mean([log(prices[origin + 5] / prices[origin]) for origin in origins]))
    assert value(made, "last_year_change", 780, "a", horizon=5) == pytest.approx(wanted, rel=1e-4)
    assert value(made, "last_year_change", 780, "c", horizon=5) == 0
    assert value(made, "national_last_year_change", 780, "c", horizon=5) == pytest.approx(wanted, rel=1e-4)
    earlier = [log(prices[origin - 364 + 5] / prices[origin - 364]) for origin in origins]
    both = (wanted + float(np.mean(earlier))) / 2
    assert value(made, "national_past_years_change", 780, "c", horizon=5) == pytest.approx(both, rel=1e-4)


def test_without_a_year_of_history_last_year_is_missing() -> None:
    assert np.isnan(value(counting(40), "last_year_change", 39))


@pytest.mark.parametrize("horizon", [0, 358])
def test_a_horizon_that_cannot_be_is_refused(horizon: int) -> None:
    with pytest.raises(UsageError, match=f"horizon_days={horizon}: wanted 1 to 357"):
        matrix(counting(40), [], horizon)


def test_an_origin_outside_the_panel_is_refused() -> None:
    with pytest.raises(UsageError, match="days of the panel"):
        matrix(counting(40), [dt.date(2020, 1, 1)], 1)


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
    return matrix(series, pd.date_range("2022-12-01", CUTOFF), horizon)


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
