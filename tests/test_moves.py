"""First whether a price moves, then how far: the median of both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from necc.feature_table import FEATURES
from necc.moves import FEWEST_MOVES, PriceMoves, Rises

ORIGINS, ZONES = 1000, ("ajmer", "barwala", "namakkal")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    index = pd.MultiIndex.from_product([range(ORIGINS), ZONES], names=["origin", "zone"])
    table = rng.normal(0, 1, (len(index), len(FEATURES))).astype(np.float32)
    return pd.DataFrame(table, index, columns=list(FEATURES)).assign(weekday=3.0)


def with_chance(rows: pd.DataFrame, chance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rises of 1 to 3 %, each as likely, on a share of the rows; else nothing moves."""
    rng = np.random.default_rng(5)
    return np.where(rng.random(len(rows)) < chance, rng.uniform(0.01, 0.03, len(rows)), 0.0)


def test_the_forecast_is_the_median_of_rest_and_rise(rows: pd.DataFrame) -> None:
    """With a chance of .8, half of the changes lie below the rise that three of eight rises stay below: 1.75 %."""
    certain, likely, seldom = (rows["change_1d"] > 1, rows["change_1d"].abs() <= 1, rows["change_1d"] < -1)
    change = with_chance(rows, np.select([certain, likely, seldom], [1.0, 0.8, 0.1]))
    made = PriceMoves().fit(rows, change).predict(rows)
    assert np.median(made[certain]) == pytest.approx(0.02, abs=0.002)
    assert np.median(made[likely]) == pytest.approx(0.0175, abs=0.002)
    assert np.mean(made[seldom] == 0) > 0.95


def test_a_larger_move_is_told_from_a_small_one(rows: pd.DataFrame) -> None:
    size = 0.02 + 0.01 * np.clip(rows["spread_vs_28d"].to_numpy(dtype=float), -1, 1)
    moving = rows["change_1d"].to_numpy() > 0
    made = PriceMoves().fit(rows, np.where(moving, size, 0.0)).predict(rows)
    assert np.abs(made[moving] - size[moving]).mean() < 0.003
    assert np.abs(made[~moving]).mean() < 0.002


def test_a_fall_is_a_rise_turned_over(rows: pd.DataFrame) -> None:
    change = with_chance(rows, np.where(rows["change_1d"] > 0, 0.9, 0.2))
    made = PriceMoves().fit(rows, change).predict(rows)
    assert (made > 0).any()
    assert np.array_equal(PriceMoves().fit(rows, -change).predict(rows), -made)


def test_each_zone_has_habits_of_its_own(rows: pd.DataFrame) -> None:
    zone = rows.index.get_level_values("zone")
    model = PriceMoves().fit(rows, with_chance(rows, np.where(zone == "barwala", 0.9, 0.1)))
    made = model.predict(rows)
    assert np.mean(made[zone == "barwala"] > 0) > 0.9
    assert np.mean(made[zone != "barwala"] > 0) < 0.1
    stranger = rows.head(5).set_axis(pd.MultiIndex.from_product([range(5), ["delhi"]], names=["origin", "zone"]))
    assert np.isfinite(model.predict(stranger)).all()


@pytest.mark.parametrize("moves", [0, FEWEST_MOVES - 1])
def test_from_too_few_moves_nothing_is_learnt(rows: pd.DataFrame, moves: int) -> None:
    change = np.where(np.arange(len(rows)) < moves, 0.02, 0.0)
    assert (Rises().fit(rows, change).predict(rows) == 0).all()
