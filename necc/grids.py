"""Small sums over days × zones: every one looks backwards only. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Grid = npt.NDArray[np.float64]  # days × zones, or days alone


def change(values: Grid, days: int) -> Grid:
    """What was added over so many days; NaN in the first ones."""
    made = np.full_like(values, np.nan)
    made[days:] = values[days:] - values[:-days]
    return made


def later(values: Grid, days: int) -> Grid:
    """The values so many days earlier, at today's row."""
    made = np.full_like(values, np.nan)
    made[days:] = values[: max(len(values) - days, 0)]
    return made


def mean_over(values: Grid, days: int, *, least: int | None = None) -> Grid:
    """The mean over the last days, today included; NaN where fewer than `least` are known (half by default)."""
    rolled = _pandas(values).rolling(days, min_periods=max(1, days // 2) if least is None else least).mean()
    return np.asarray(rolled.to_numpy(dtype=float))


def trend(values: Grid, half_life_days: float) -> Grid:
    """The exponentially weighted mean."""
    return np.asarray(_pandas(values).ewm(halflife=half_life_days).mean().to_numpy(dtype=float))


def mean_of_zones(grid: Grid) -> Grid:
    """One number a day: the mean of the zones that are known."""
    return pd.DataFrame(grid).mean(axis=1).to_numpy()


def median_of_zones(grid: Grid) -> Grid:
    """One number a day: the median of the zones that are known."""
    return pd.DataFrame(grid).median(axis=1).to_numpy()


def _pandas(values: Grid) -> pd.DataFrame | pd.Series[float]:
    return pd.Series(values) if values.ndim == 1 else pd.DataFrame(values)
