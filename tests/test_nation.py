"""The nation's model sees days and not rows, answers all zones of a day alike, and knows its features' kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from necc.feature_table import FEATURES
from necc.features import Daily, matrix, of_days
from necc.nation import NATIONAL, NationalMove, beside_the_nation
from necc.panel import panel
from tests.series import long

DAYS, ZONES = 400, ("a", "b", "c")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Three zones a day; the national features are one number a day, the others are not."""
    rng = np.random.default_rng(5)
    index = pd.MultiIndex.from_product([range(DAYS), ZONES], names=["origin", "zone"])
    table = pd.DataFrame(rng.normal(0, 1, (len(index), len(FEATURES))), index=index, columns=list(FEATURES))
    table[list(NATIONAL)] = np.repeat(rng.normal(0, 1, (DAYS, len(NATIONAL))), len(ZONES), axis=0)
    return table.astype(np.float32)


def test_national_features_are_one_number_a_day_and_the_others_are_not() -> None:
    rng = np.random.default_rng(2)
    walks = 300 + np.cumsum(rng.integers(-5, 6, (3, 500)), axis=1)
    made = Daily(panel(long({zone: walk.astype(float).tolist() for zone, walk in zip(ZONES, walks, strict=True)})))
    spread = matrix(made, made.days[420:430], 14).groupby("origin").agg(np.ptp)
    same = set(spread.columns[(spread.fillna(0) == 0).all()])
    assert set(NATIONAL) <= same
    assert set(NATIONAL) <= set(of_days(made, made.days[420:430], 14).columns) <= same
    past_years = {name for name in same if name.endswith(("_by_sun", "_by_moon"))}
    assert past_years <= same - set(NATIONAL)
    assert {"change_1d", "national_gap_3d", "leaders_spread_vs_28d", "last_year_change"}.isdisjoint(NATIONAL)


def test_days_alike_are_followed_by_like_changes(rows: pd.DataFrame) -> None:
    """What followed is a turn of the season, known on the even days; the odd days are asked."""
    turn = np.repeat(np.linspace(0, 6 * np.pi, DAYS), len(ZONES))
    calm = rows * np.float32(0)
    calm["sun_sin_1"], calm["sun_cos_1"] = np.sin(turn).astype(np.float32), np.cos(turn).astype(np.float32)
    change = 0.1 * np.where(np.sin(turn) * np.cos(turn) > 0, 1.0, -1.0)  # no straight line of the two says it
    even = rows.index.get_level_values("origin").to_numpy() % 2 == 0
    made = NationalMove(nearness=0.3, sharpness=0.3, penalty=0.1).fit(calm[even], change[even]).predict(calm[~even])
    assert np.corrcoef(made, change[~even])[0, 1] > 0.8


def test_the_answer_is_the_mean_of_a_smooth_one_and_one_that_bends_at_a_day(rows: pd.DataFrame) -> None:
    """One day rose in a calm year: between it and its neighbours the sharp kernel falls off at once."""
    calm = rows * np.float32(0)
    calm["moon_sin_1"] = np.repeat(np.linspace(-1, 1, DAYS), len(ZONES)).astype(np.float32)
    change = np.where(rows.index.get_level_values("origin") == DAYS // 2, 0.1, 0.0)
    model = NationalMove(nearness=5, sharpness=5, penalty=0.01, models=1).fit(calm, change)
    made = model.predict(calm)[:: len(ZONES)]
    (one,), (other,) = model.smooth_, model.sharp_
    smooth, sharp = (model.usual_ + kernel.predict(kernel.X_fit_) for kernel in (one, other))
    assert made == pytest.approx((smooth + sharp) / 2)
    assert sharp[DAYS // 2] > 2 * smooth[DAYS // 2] > 0


@pytest.mark.parametrize(("feature", "is_nearer"), [("sun_sin_1", False), ("national_level_vs_365d", True)])
def test_days_of_another_season_are_further_apart_than_days_of_another_level(
    rows: pd.DataFrame, feature: str, is_nearer: bool
) -> None:
    """What followed one day is believed of a day that differs from it in one feature, by a standard deviation."""
    calm = rows * np.float32(0)
    for name in (feature, "national_7d"):
        calm[name] = rows[name]
    change = np.where(rows.index.get_level_values("origin") == 0, 0.1, 0.0)
    model = NationalMove(nearness=0.5, sharpness=0.5).fit(calm, change)
    first = calm.iloc[:1]
    asked = pd.concat([first.assign(**{name: first[name] + calm[name].std()}) for name in (feature, "national_7d")])
    other, momentum = model.predict(asked.set_axis(pd.MultiIndex.from_tuples([(1, "a"), (2, "a")])))
    assert bool(other > momentum) is is_nearer


def test_all_zones_of_a_day_get_one_answer_whoever_is_asked(rows: pd.DataFrame) -> None:
    change = rows["national_1d"].to_numpy(dtype=float)
    model = NationalMove().fit(rows, change)
    made = pd.Series(model.predict(rows), index=rows.index)
    assert made.groupby("origin").nunique().eq(1).all()
    assert np.corrcoef(made, change)[0, 1] > 0.5
    some = rows.sample(frac=0.4, random_state=1)  # in any order
    assert model.predict(some) == pytest.approx(made.loc[some.index].to_numpy())


def test_several_models_share_the_days_and_answer_by_their_mean(rows: pd.DataFrame) -> None:
    """Each is what it would be if it had been told its own days alone, but for their common scale."""
    change = rows["national_1d"].to_numpy(dtype=float)
    model = NationalMove(models=3).fit(rows, change)
    days = model.days_.transform(rows)
    for kernels in (model.smooth_, model.sharp_):
        for first, kernel in enumerate(kernels):
            assert np.array_equal(kernel.X_fit_, days[first::3])
            assert np.corrcoef(kernel.predict(kernel.X_fit_), change[:: len(ZONES)][first::3])[0, 1] > 0.5
    every = np.mean([kernel.predict(days) for kernel in (*model.smooth_, *model.sharp_)], axis=0)
    assert model.predict(rows)[:: len(ZONES)] == pytest.approx(model.usual_ + every)


def test_fewer_days_than_models_are_enough(rows: pd.DataFrame) -> None:
    few = rows.iloc[: 2 * len(ZONES)]
    assert np.isfinite(NationalMove(models=5).fit(few, np.zeros(len(few))).predict(few)).all()


def test_a_row_a_day_says_the_same_as_a_row_a_zone(rows: pd.DataFrame) -> None:
    change = rows["national_1d"].to_numpy(dtype=float)
    days = rows.groupby("origin").first()
    told = NationalMove().fit(days, change[:: len(ZONES)])
    assert told.predict(rows) == pytest.approx(NationalMove().fit(rows, change).predict(rows))


def test_a_day_with_many_zones_counts_no_more(rows: pd.DataFrame) -> None:
    change = rows["national_1d"].to_numpy(dtype=float)
    twice, heavy = pd.concat([rows, rows.iloc[:300]]), np.concatenate([change, change[:300]])
    once = NationalMove().fit(rows, change).predict(rows)
    assert NationalMove().fit(twice, heavy).predict(rows) == pytest.approx(once)


def test_missing_values_stand_at_the_mean(rows: pd.DataFrame) -> None:
    change = rows["national_1d"].to_numpy(dtype=float)
    gaps = rows.assign(national_index_vs_1826d=np.float32(np.nan))
    gaps.iloc[:60, list(gaps.columns).index("national_7d")] = np.nan
    model = NationalMove().fit(gaps, change)
    assert np.isfinite(model.predict(gaps)).all()
    mean = np.float32(model.days_.mean_[NATIONAL.index("national_7d")])
    filled = gaps.assign(national_7d=gaps["national_7d"].fillna(mean))
    assert model.predict(filled) == pytest.approx(model.predict(gaps), abs=1e-5)


def test_beside_the_nation_is_what_a_zone_did_more_than_the_mean(rows: pd.DataFrame) -> None:
    found = beside_the_nation(rows.iloc[:6], np.array([1.0, 2.0, 6.0, 0.0, 0.0, 3.0]))
    assert found.tolist() == [-2, -1, 3, -1, -1, 2]
