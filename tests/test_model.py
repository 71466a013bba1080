"""The estimators learn what they should, keep scikit-learn's rules, and do not lose their heads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone

from necc.boosted import BoostedLine
from necc.columns import learnt
from necc.feature_table import FEATURES
from necc.linear import AbsoluteRidge, SeasonalTerms
from necc.model import SMALLEST_CHANGE, ChangeModel
from necc.spread import TELLS_SPREAD, SpreadModel

ROWS = 1500


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    table = pd.DataFrame(rng.normal(0, 1, (ROWS, len(FEATURES))).astype(np.float32), columns=list(FEATURES))
    return table.assign(weekday=rng.integers(0, 7, ROWS).astype(np.float32))


def test_the_line_has_absolute_loss() -> None:
    """One value in five is far off: the median stays on the line, the mean does not."""
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1, (2000, 2)).astype(np.float32)
    wild = np.where(np.arange(2000) % 5 == 0, 8.0, 0.0)
    model = AbsoluteRidge(penalty=0.01, passes=20).fit(rows, (3 * rows[:, 0] - rows[:, 1] + 0.5 + wild).astype(float))
    assert model.coef_ == pytest.approx([3, -1], abs=0.1)
    assert model.intercept_ == pytest.approx(0.5, abs=0.15)


def test_a_penalty_draws_the_line_to_naive() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1, (500, 1)).astype(np.float32)
    sizes = [
        AbsoluteRidge(penalty).fit(rows, (2.0 * rows[:, 0]).astype(float)).coef_[0] for penalty in (0, 500, 50_000)
    ]
    assert sizes[0] == pytest.approx(2, rel=1e-3)
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] < 0.1


def test_terms_are_standardised_and_missing_is_the_mean(rows: pd.DataFrame) -> None:
    shifted = rows.assign(spread=rows["spread"] * 3 + 7)
    shifted.loc[0, "spread"] = np.nan
    shifted.loc[1, "spread"] = 1e6
    terms = SeasonalTerms().fit(shifted.iloc[2:]).transform(shifted)
    column = terms[:, list(rows.columns).index("spread")]
    assert column[2:].mean() == pytest.approx(0, abs=0.01)
    assert column[2:].std() == pytest.approx(1, abs=0.01)
    assert column[:2].tolist() == [0, 4]


def test_the_season_turns_the_effect_of_a_level(rows: pd.DataFrame) -> None:
    change = (rows["sun_cos_1"] * rows["national_level_vs_365d"]).to_numpy(dtype=float)
    model = ChangeModel(penalty=10).fit(rows, change)
    assert np.corrcoef(model.predict(rows), change)[0, 1] > 0.95


def test_trees_see_what_the_line_leaves(rows: pd.DataFrame) -> None:
    change = np.where(rows["change_1d"].abs() > 1, 0.02, 0.0)
    one, many = (BoostedLine(iterations=trees, smallest_leaf=20).fit(rows, change).predict(rows) for trees in (1, 60))
    assert np.abs(change - many).mean() < 0.3 * np.abs(change - one).mean()


def test_a_change_smaller_than_a_step_is_none(rows: pd.DataFrame) -> None:
    change = 0.01 * rows["change_1d"].to_numpy(dtype=float)
    made = ChangeModel(penalty=1).fit(rows, change).predict(rows)
    rests = made == 0
    assert 0.2 < rests.mean() < 0.5  # 31 % of a normal distribution lie within 0.4 of its deviation
    assert np.abs(change[rests]).max() < 0.006
    assert np.abs(made[~rests]).min() >= SMALLEST_CHANGE


def test_the_nation_and_its_zones_add_up(rows: pd.DataFrame) -> None:
    """Half of the change is the day's, half the zone's own; in nothing else do the days differ."""
    days = rows.set_axis(pd.MultiIndex.from_product([range(ROWS // 3), list("abc")], names=["origin", "zone"]))
    days = (days * np.float32(0)).assign(
        national_7d=np.repeat(days["national_7d"].to_numpy()[::3], 3), change_7d=days["change_7d"]
    )
    own = days["change_7d"] - days.groupby("origin")["change_7d"].transform("mean")
    change = (0.02 * days["national_7d"] + 0.02 * own).to_numpy(dtype=float)
    model = ChangeModel(nation=1, penalty=10).fit(days, change)
    assert np.corrcoef(model.zones_.predict(learnt(days)), own)[0, 1] > 0.8
    assert np.corrcoef(model.nation_.predict(days), days["national_7d"])[0, 1] > 0.9
    made, turns = model.predict(days), model.turns_.predict(days)
    told = model.nation_.predict(days) + model.zones_.predict(learnt(days)) + turns
    assert made == pytest.approx(np.where(np.abs(told) < SMALLEST_CHANGE, 0, told))
    assert np.corrcoef(made, change)[0, 1] > 0.9


def test_the_nation_is_learnt_from_the_days_it_is_told(rows: pd.DataFrame) -> None:
    """The rows know every third day, the nation all; what followed turns from day to day."""
    days = rows.set_axis(pd.MultiIndex.from_product([range(ROWS // 3), list("abc")], names=["origin", "zone"]))
    days = days.assign(national_7d=np.repeat(days["national_7d"].to_numpy()[::3], 3))
    change = (0.02 * days["national_7d"]).to_numpy(dtype=float)
    some = days.index.get_level_values("origin") % 3 == 0
    told = days.groupby("origin").first()
    model = ChangeModel(nation=1, penalty=10).fit(days[some], change[some], (told, -change[::3]))
    assert np.corrcoef(model.nation_.predict(days), change)[0, 1] < -0.9
    assert sum(len(kernel.X_fit_) for kernel in model.nation_.smooth_) == len(told)


def test_moves_count_beside_the_line(rows: pd.DataFrame) -> None:
    days = rows.set_axis(pd.MultiIndex.from_product([range(ROWS // 3), list("abc")], names=["origin", "zone"]))
    change = np.where(days["change_1d"] > 0.3, 0.02, 0.0)
    line, moves, both = (ChangeModel(moves=part, chances=10).fit(days, change).predict(days) for part in (0, 1, 0.5))
    assert np.abs(change - moves).mean() < 0.3 * np.abs(change - line).mean()
    far = (np.abs(line) > 0.01) & (moves > 0.01)  # none is cut off as too small
    assert both[far] == pytest.approx((line[far] + moves[far]) / 2)


def test_what_past_years_did_is_not_learnt(rows: pd.DataFrame) -> None:
    change = rows["past_years_by_sun"].to_numpy(dtype=float) * 0.05
    made = ChangeModel(penalty=1).fit(rows, change).predict(rows)
    shuffled = rows.assign(past_years_by_sun=rows["past_years_by_sun"].to_numpy()[::-1])
    assert np.array_equal(ChangeModel(penalty=1).fit(shuffled, change).predict(rows), made)


def test_columns_without_a_value_do_no_harm(rows: pd.DataFrame) -> None:
    bare = rows.assign(past_years_by_sun=np.float32(np.nan))
    change = rows["change_1d"].to_numpy(dtype=float)
    assert np.isfinite(ChangeModel().fit(bare, change).predict(bare)).all()
    assert np.isfinite(SpreadModel(iterations=2).fit(bare, change).predict(bare)).all()


def test_the_spread_follows_the_size_of_errors(rows: pd.DataFrame) -> None:
    rng = np.random.default_rng(3)
    wide = (rows["volatility_28d"] > 0).to_numpy()
    model = SpreadModel(smallest_leaf=50).fit(rows, rng.normal(0, 1, ROWS) * np.where(wide, 3.0, 1.0))
    found = model.predict(rows)
    assert 2 < np.median(found[wide]) / np.median(found[~wide]) < 4


def test_the_line_of_the_spread_goes_on_where_trees_end() -> None:
    """Errors grow with the volatility; of months wilder than those learnt from trees say what the wildest one said."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.normal(0, 1, (20_000, len(TELLS_SPREAD))), columns=list(TELLS_SPREAD))
    volatility = rows["volatility_28d"].to_numpy()
    error = 0.01 * np.exp(0.5 * volatility) * rng.normal(0, 1, len(rows))
    known, beyond = volatility < 1, volatility > 2
    trees, line = (SpreadModel(line=part).fit(rows[known], error[known]).predict(rows[beyond]) for part in (0, 1))
    came = float(np.quantile(np.abs(error[beyond]), 0.8))
    assert 1.3 * np.median(trees) < np.median(line) < came


def test_each_view_of_the_spread_is_what_four_of_five_errors_stay_below(rows: pd.DataFrame) -> None:
    error = np.random.default_rng(3).normal(0, 0.02, ROWS) * np.exp(0.5 * rows["usual_move"].to_numpy(dtype=float))
    trees, both, line = (SpreadModel(line=part).fit(rows, error).predict(rows) for part in (0, 0.5, 1))
    for spread in (trees, both, line):
        assert (np.abs(error) < spread).mean() == pytest.approx(0.8, abs=0.03)
    assert both == pytest.approx(np.sqrt(trees * line))


def test_the_spread_is_above_zero_where_no_price_moved_and_where_little_is_known(rows: pd.DataFrame) -> None:
    bare = rows.assign(volatility_91d=np.float32(np.nan))
    still = SpreadModel(line=0.5).fit(bare, np.zeros(ROWS)).predict(bare)
    assert (still > 0).all()
    assert np.isfinite(still).all()


@pytest.mark.parametrize("model", [ChangeModel(moves=0.5, nation=0.5, chances=3), SpreadModel(iterations=3)])
def test_estimators_are_cloned_and_fit_alike(model: BaseEstimator, rows: pd.DataFrame) -> None:
    days = rows.set_axis(pd.MultiIndex.from_product([range(ROWS // 3), list("abc")], names=["origin", "zone"]))
    change = days["change_1d"].to_numpy(dtype=float)
    once, again = clone(model).fit(days, change).predict(days), model.fit(days, change).predict(days)
    assert clone(model).get_params() == model.get_params()
    assert np.array_equal(once, again)
