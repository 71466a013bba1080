"""The figures of a backtest, counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from necc.errors import UsageError
from necc.skill import COLUMNS, same_cells, scores
from tests.series import long


def frame(errors: list[float], naive_errors: list[float], first: str = "2024-01-03") -> pd.DataFrame:
    """Weekly origins of one zone, all prices 400; the 80 % interval reaches 10 to each side, the 95 % one 20."""
    count = len(errors)
    actual = np.full(count, 400.0)
    predicted = actual + errors
    return pd.DataFrame(
        {
            "origin": pd.date_range(first, periods=count, freq="7D"),
            "zone": "delhi",
            "section": "suggested",
            "horizon": 7,
            "model": "made",
            "predicted": predicted,
            "lower_80": predicted - 10,
            "upper_80": predicted + 10,
            "lower_95": predicted - 20,
            "upper_95": predicted + 20,
            "actual": actual,
            "naive": actual + naive_errors,
        }
    )


def test_the_figures_count() -> None:
    made = scores(frame([5, -5, 15, -25], [10, -10, 30, -50])).iloc[0]
    assert made["cells"] == 4
    assert (made["mae"], made["naive_mae"], made["skill"]) == (12.5, 25, 0.5)
    assert (made["coverage_80"], made["coverage_95"]) == (0.5, 0.75)
    assert (made["width_80"], made["width_95"]) == (20, 40)
    assert made["pinball_50"] == 6.25
    assert np.isnan(made["mase"])


def test_pinball_losses_of_the_bounds() -> None:
    """The lower bound lies 10 below: the loss is a tenth of the way up to the price."""
    made = scores(frame([0, 0], [1, 1])).iloc[0]
    assert made["pinball_10"] == pytest.approx(1)
    assert made["pinball_90"] == pytest.approx(1)


def test_mase_is_in_one_day_changes_known_at_the_origin() -> None:
    """The price moves by 2 a day until the origin, and by 100 after it."""
    prices = long({"delhi": [400.0 + 2 * day for day in range(10)] + [518.0, 618.0]}, "2024-01-01")
    made = scores(frame([5], [10], "2024-01-10"), prices=prices).iloc[0]
    assert made["mase"] == pytest.approx(2.5)


def test_a_year_runs_from_april_to_march() -> None:
    table = pd.concat([frame([1], [2], day) for day in ("2024-03-27", "2024-04-03", "2025-01-01")])
    assert scores(table, ["year"])[["year", "cells"]].to_numpy().tolist() == [[2023, 1], [2024, 2]]
    assert scores(table, ["quarter"])["quarter"].tolist() == [1, 2]


def test_the_band_encloses_the_skill_and_is_the_same_again() -> None:
    rng = np.random.default_rng(0)
    naive = rng.normal(0, 20, 100)
    table = frame(list(naive * rng.uniform(0.2, 1.2, 100)), list(naive))
    made = scores(table).iloc[0]
    assert made["skill_low"] < made["skill"] < made["skill_high"]
    assert made["skill_high"] - made["skill_low"] < 0.3
    assert scores(table).iloc[0].equals(made)


def test_no_error_of_naive_is_no_skill() -> None:
    made = scores(frame([1, 1], [0, 0])).iloc[0]
    assert made[["skill", "skill_low", "skill_high"]].isna().all()


def test_a_row_per_model_and_group_in_order() -> None:
    table = pd.concat([frame([1], [2]), frame([1], [2]).assign(model="another", zone="pune")])
    made = scores(table, ["horizon", "zone"])
    assert list(made.columns) == ["model", "horizon", "zone", *COLUMNS]
    assert made["model"].tolist() == ["another", "made"]


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(UsageError, match="wanted some of horizon, zone"):
        scores(frame([1], [2]), ["moon"])


def test_models_compare_where_each_of_them_has_forecast() -> None:
    weekly = frame([5, 5, 5, 5], [10, 10, 10, 10])
    seldom = weekly.iloc[[0, 2]].assign(model="seldom")
    late = weekly.iloc[1:].assign(model="late")
    kept = same_cells(pd.concat([weekly, seldom, late]))
    assert kept["origin"].unique().tolist() == [pd.Timestamp("2024-01-17")]
    assert sorted(kept["model"]) == ["late", "made", "seldom"]
