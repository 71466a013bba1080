"""What every forecast has to beat: naive, seasonal naive and drift, each with intervals. Pure.

A baseline is judged as fairly as the model: its intervals are the quantiles of its own errors, log, of all zones
and of every origin of the last three years whose price had come.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from necc.grids import Grid, change, later
from necc.intervals import LEVELS
from necc.panel import Panel

SAME_WEEKDAY_DAYS = 364
THREE_YEARS_DAYS = 1095
NAIVE, SEASONAL, DRIFT = "naive", "seasonal naive", "drift"


def _naive(log: Grid, horizon_days: int) -> Grid:
    """The price stays."""
    return np.zeros_like(log)


def _seasonal(log: Grid, horizon_days: int) -> Grid:
    """The price of the target's day 52 weeks before."""
    return later(log, SAME_WEEKDAY_DAYS - horizon_days) - log


def _drift(log: Grid, horizon_days: int) -> Grid:
    """The mean daily change of three years goes on."""
    return change(log, THREE_YEARS_DAYS) / THREE_YEARS_DAYS * horizon_days


BASELINES = {NAIVE: _naive, SEASONAL: _seasonal, DRIFT: _drift}


def forecasts(series: Panel, name: str, origins: pd.DatetimeIndex, horizon_days: int) -> Mapping[str, Grid]:
    """One baseline at these origins, log changes: `predicted` and the four bounds, each origins × zones."""
    log = series.log_filled.to_numpy(dtype=float)
    expected = BASELINES[name](log, horizon_days)
    observed = np.log(series.observed.to_numpy(dtype=float))
    error = np.full_like(log, np.nan)  # at the origin's row; known so many days later
    error[:-horizon_days] = observed[horizon_days:] - log[:-horizon_days] - expected[:-horizon_days]
    places = series.observed.index.get_indexer(origins)
    reach = np.stack([_quantiles(error[max(0, at - THREE_YEARS_DAYS) : at - horizon_days + 1]) for at in places])
    made = {"predicted": expected[places]}
    return made | {level: expected[places] + reach[:, [place]] for place, level in enumerate(LEVELS)}


def _quantiles(errors: Grid) -> Grid:
    known = errors[~np.isnan(errors)]
    return np.quantile(known, list(LEVELS.values())) if len(known) else np.full(len(LEVELS), np.nan)
