"""A backtest's long frame -> how good it was, beside naive. Pure.

The figures are means over the cells of a group. skill = 1 - MAE / MAE of naive on the same cells: 0 is naive, 1 is
perfect. Bands come from a block bootstrap over origins: neighbouring origins share their news, so whole blocks of
them are drawn, not single cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

from necc.errors import UsageError
from necc.panel import panel

GROUPS = ("horizon", "zone", "section", "year", "quarter")
BLOCK_ORIGINS = 8  # two months of weekly origins: longer than the longest horizon
DRAWS = 500
BAND = (0.05, 0.95)
COLUMNS = (
    "cells", "mae", "naive_mae", "skill", "skill_low", "skill_high", "mase",
    "pinball_10", "pinball_50", "pinball_90", "coverage_80", "coverage_95", "width_80", "width_95",
)  # fmt: skip

Floats = npt.NDArray[np.float64]


def scores(
    frame: pd.DataFrame, by: Sequence[str] = ("horizon",), *, prices: pd.DataFrame | None = None, seed: int = 0
) -> pd.DataFrame:
    """The figures per model and group.

    Args:
        frame: what `backtest` gives.
        by: of GROUPS; `year` runs from April to March and is named by its first, both are of the origin.
        prices: the frame that was given to `backtest`, for MASE; without it MASE is missing.
        seed: of the bootstrap.

    Returns:
        One row per model and group, sorted: model, the groups, COLUMNS. mae, widths and pinball losses in INR per
        100 eggs; skill_low and skill_high enclose nine tenths of the bootstrap's draws; mase is the mean of the
        errors over the zone's mean one-day change up to the origin.

    Raises:
        UsageError: an unknown group.
    """
    if not set(by) <= set(GROUPS):
        raise UsageError(f"by={tuple(by)}: wanted some of {', '.join(GROUPS)}")
    table = frame.assign(**_periods(frame["origin"]), scale=_scale(frame, prices))
    keys = ["model", *by]
    rows = [
        {**dict(zip(keys, names, strict=True)), **_figures(part, seed)}
        for names, part in table.groupby(keys, observed=True, sort=True)
    ]
    return pd.DataFrame(rows, columns=[*keys, *COLUMNS])


def same_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of what every model has forecast: only there do their scores compare.

    Args:
        frame: what `backtest` gives; a model may have forecast on fewer days than another.
    """
    models = frame.groupby(["origin", "zone", "section", "horizon"])["model"].transform("nunique")
    return frame[models == frame["model"].nunique()]


def _periods(origin: pd.Series[pd.Timestamp]) -> dict[str, pd.Series[int]]:
    return {"year": origin.dt.year - (origin.dt.month < 4).astype(int), "quarter": origin.dt.quarter}


def _scale(frame: pd.DataFrame, prices: pd.DataFrame | None) -> Floats:
    """The zone's mean absolute one-day change up to the origin, INR per 100 eggs."""
    if prices is None:
        return np.full(len(frame), np.nan)
    observed = panel(prices).observed
    mean = observed.diff().abs().expanding().mean().ffill()
    places = (mean.index.get_indexer(pd.Index(frame["origin"])), mean.columns.get_indexer(pd.Index(frame["zone"])))
    return np.asarray(mean.to_numpy(dtype=float)[places])


def _figures(part: pd.DataFrame, seed: int) -> dict[str, float]:
    actual = part["actual"]
    mae = float(mean_absolute_error(actual, part["predicted"]))
    naive_mae = float(mean_absolute_error(actual, part["naive"]))
    low, high = _band(part, seed)
    return {
        "cells": len(part),
        "mae": mae,
        "naive_mae": naive_mae,
        "skill": 1 - mae / naive_mae if naive_mae else np.nan,
        "skill_low": low,
        "skill_high": high,
        "mase": float(((actual - part["predicted"]).abs() / part["scale"]).mean()),
        **{
            f"pinball_{level}": float(mean_pinball_loss(actual, part[column], alpha=level / 100))
            for level, column in ((10, "lower_80"), (50, "predicted"), (90, "upper_80"))
        },
        **{f"coverage_{level}": _coverage(part, level) for level in (80, 95)},
        **{f"width_{level}": float((part[f"upper_{level}"] - part[f"lower_{level}"]).mean()) for level in (80, 95)},
    }


def _coverage(part: pd.DataFrame, level: int) -> float:
    return float(part["actual"].between(part[f"lower_{level}"], part[f"upper_{level}"]).mean())


def _band(part: pd.DataFrame, seed: int) -> tuple[float, float]:
    """The skill's band: circular blocks of consecutive origins, drawn with replacement."""
    errors = pd.DataFrame(
        {
            "own": (part["actual"] - part["predicted"]).abs(),
            "naive": (part["actual"] - part["naive"]).abs(),
            "origin": part["origin"],
        }
    )
    sums = errors.groupby("origin")[["own", "naive"]].sum().to_numpy()
    count, length = len(sums), min(BLOCK_ORIGINS, len(sums))
    begin = np.random.default_rng(seed).integers(0, count, (DRAWS, -(-count // length)))
    drawn = (begin[:, :, None] + np.arange(length)).reshape(DRAWS, -1)[:, :count] % count
    own, naive = sums[drawn].sum(axis=1).T
    skills = 1 - own / np.where(naive > 0, naive, np.nan)
    low, high = np.nanquantile(skills, BAND) if np.isfinite(skills).any() else (np.nan, np.nan)
    return float(low), float(high)
