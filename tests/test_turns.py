"""What a zone does beside the nation is learnt zone by zone, from days that are alike for all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from necc.feature_table import FEATURES
from necc.nation import NATIONAL
from necc.turns import ZoneTurns

DAYS, ZONES = 300, ("ajmer", "barwala", "namakkal")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Three zones a day; a fast begins and ends, all else rests."""
    index = pd.MultiIndex.from_product([range(DAYS), ZONES], names=["origin", "zone"])
    table = pd.DataFrame(0.0, index=index, columns=list(FEATURES)).astype(np.float32)
    fasting = np.repeat(np.arange(DAYS) // 20 % 2, len(ZONES))
    return table.assign(sawan_now=fasting.astype(np.float32))


@pytest.fixture(scope="module")
def came(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The fast empties the markets of Ajmer and fills those of Namakkal."""
    side = rows.index.get_level_values("zone").map({"ajmer": -0.03, "barwala": 0.0, "namakkal": 0.03}).to_numpy()
    return np.asarray(side * rows["sawan_now"].to_numpy(), dtype=float)


def of(rows: pd.DataFrame, made: npt.NDArray[np.float64], zone: str, fasting: float) -> float:
    asked = (rows.index.get_level_values("zone") == zone) & (rows["sawan_now"] == fasting)
    return float(made[asked].mean())


def test_each_zone_has_its_own_answer_to_days_alike(rows: pd.DataFrame, came: npt.NDArray[np.float64]) -> None:
    half = rows.index.get_level_values("origin") < DAYS // 2
    made = ZoneTurns().fit(rows[half], came[half]).predict(rows[~half])
    rest = rows[~half]
    assert of(rest, made, "ajmer", 1) == pytest.approx(-0.03, rel=0.3)
    assert of(rest, made, "namakkal", 1) == pytest.approx(0.03, rel=0.3)
    assert of(rest, made, "barwala", 1) == pytest.approx(0, abs=1e-9)
    assert abs(of(rest, made, "ajmer", 0)) < 0.006


def test_an_unknown_zone_and_unknown_days_do_what_is_expected(
    rows: pd.DataFrame, came: npt.NDArray[np.float64]
) -> None:
    known = rows.index.get_level_values("zone") != "namakkal"
    made = ZoneTurns().fit(rows[known], came[known]).predict(rows)
    assert (made[~known] == 0).all()
    seldom = known | (rows.index.get_level_values("origin") < 30)  # ten days of a fast
    young = ZoneTurns().fit(rows[seldom], came[seldom]).predict(rows)
    assert 0 < of(rows, young, "namakkal", 1) < 0.01
    assert made[known] == pytest.approx(young[known])


def test_rows_may_come_in_any_order(rows: pd.DataFrame, came: npt.NDArray[np.float64]) -> None:
    order = np.random.default_rng(3).permutation(len(rows))
    made = ZoneTurns().fit(rows, came).predict(rows)
    assert ZoneTurns().fit(rows.iloc[order], came[order]).predict(rows.iloc[order]) == pytest.approx(made[order])


def test_only_what_is_the_same_for_all_zones_is_looked_at(rows: pd.DataFrame, came: npt.NDArray[np.float64]) -> None:
    others = [name for name in FEATURES if name not in NATIONAL]
    noise = np.random.default_rng(4).normal(0, 1, (len(rows), len(others))).astype(np.float32)
    noisy = rows.copy()
    noisy[others] = noise
    assert np.array_equal(ZoneTurns().fit(noisy, came).predict(noisy), ZoneTurns().fit(rows, came).predict(rows))
