"""Blocks of origins between refits: what is trained on had come, and every origin is tested once."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from necc.errors import UsageError
from necc.splits import RollingOrigin

WEDNESDAYS = pd.date_range("2023-04-05", periods=60, freq="W-WED")


def rows() -> pd.DataFrame:
    days = pd.date_range("2022-01-01", "2024-06-30", name="origin")
    index = pd.MultiIndex.from_product([days, ["delhi", "pune"]], names=["origin", "zone"])
    return pd.DataFrame({"x": np.arange(len(index), dtype=float)}, index=index)


def test_a_block_lasts_for_26_weeks_and_begins_with_its_cutoff() -> None:
    blocks = RollingOrigin(WEDNESDAYS).blocks()
    assert [len(block.origins) for block in blocks] == [26, 26, 8]
    assert [str(block.cutoff.date()) for block in blocks] == ["2023-04-05", "2023-10-04", "2024-04-03"]
    assert np.concatenate([block.origins for block in blocks]).tolist() == WEDNESDAYS.to_numpy().tolist()


def test_origins_come_in_any_order_and_count_once() -> None:
    days = [dt.date(2023, 4, 12), dt.date(2023, 4, 5), dt.date(2023, 4, 12)]
    assert RollingOrigin(days).origins.tolist() == [pd.Timestamp("2023-04-05"), pd.Timestamp("2023-04-12")]


def test_training_rows_had_met_their_price() -> None:
    table = rows()
    splitter = RollingOrigin(WEDNESDAYS, horizon_days=30)
    origin = table.index.get_level_values("origin")
    tested = []
    for block, (train, test) in zip(splitter.blocks(), splitter.split(table), strict=True):
        assert origin[train].max() == block.cutoff - pd.Timedelta(days=30)
        assert set(origin[test]) == set(block.origins)
        tested += test.tolist()
    assert len(tested) == len(set(tested)) == 2 * len(WEDNESDAYS)


def test_scikit_learn_takes_it_as_a_splitter() -> None:
    table = rows()
    splitter = RollingOrigin(WEDNESDAYS, horizon_days=7)
    assert splitter.get_n_splits() == 3
    found = cross_val_score(LinearRegression(), table, 2 * table["x"], cv=splitter)
    assert found == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("origins", "weeks", "message"), [([], 26, "one day or more"), (WEDNESDAYS, 0, "refit_weeks=0: wanted 1 or more")]
)
def test_what_cannot_be_split_is_refused(origins: pd.DatetimeIndex, weeks: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RollingOrigin(origins, refit_weeks=weeks)
