"""A panel -> what a horizon is learnt from: features of a day, and the changes of prices that followed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc import features
from necc.features import Daily
from necc.grids import mean_of_zones

LARGEST_CHANGE = 0.35  # log; larger changes within 30 days were typing errors, or once in 15 years

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """What one horizon is learnt from. Grain: one row per (origin, zone), or per origin, whose target is known.

    Args:
        rows: the features.
        change: log change from the origin's (filled) price to the target's observed one, cut at ±0.35.
        origin: day number of each row's origin.
    """

    rows: pd.DataFrame
    change: Floats
    origin: Numbers

    def where(self, keep: npt.NDArray[np.bool_]) -> Examples:
        """The examples that are kept."""
        return Examples(self.rows[keep], self.change[keep], self.origin[keep])

    def known_on(self, day: int, horizon_days: int) -> Examples:
        """Those whose target has come by that day, a day number."""
        return self.where(self.origin + horizon_days <= day)


def of_zones(daily: Daily, horizon_days: int, origins: pd.DatetimeIndex) -> Examples:
    """One per (origin, zone): `features.matrix`, and the zone's change."""
    rows = features.matrix(daily, origins, horizon_days)
    day, zone = (rows.index.get_level_values(name) for name in ("origin", "zone"))
    places = daily.days.get_indexer(day), daily.series.observed.columns.get_indexer(zone)
    change = _changes(daily, horizon_days)[places]
    known = ~np.isnan(change)
    return Examples(rows[known], change[known], day_numbers(day)[known])


def of_days(daily: Daily, horizon_days: int, origins: pd.DatetimeIndex) -> Examples:
    """One per origin: `features.of_days`, and the mean of the zones' changes."""
    change = mean_of_zones(_changes(daily, horizon_days))[daily.days.get_indexer(origins)]
    known = ~np.isnan(change)
    days = origins[known]
    return Examples(features.of_days(daily, days, horizon_days), change[known], day_numbers(days))


def _changes(daily: Daily, horizon_days: int) -> Floats:
    """Days × zones. Targets are observed prices of the section that the origin's price stands in."""
    series = daily.series
    same = series.section.shift(-horizon_days) == series.filled_section
    return cut((series.observed.apply(np.log).shift(-horizon_days) - series.log_filled).where(same).to_numpy())


def cut(changes: Floats) -> Floats:
    """Changes as they are learnt and predicted."""
    return np.clip(changes, -LARGEST_CHANGE, LARGEST_CHANGE)


def day_numbers(days: pd.Index[Any]) -> Numbers:
    """Days since 1970-01-01."""
    return np.asarray(pd.DatetimeIndex(days).as_unit("s").asi8 // 86_400, dtype=np.int64)
