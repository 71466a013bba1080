"""The national price index -> what past years did from the same season on, by the sun and by the moon. Pure.

The index is the running sum of the mean one-day log change over zones, so that a zone that begins or stops makes
no step. Past years are read as means over a week; a year counts only where that week was over at the origin.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc import lunar

Line = npt.NDArray[np.float64]  # one number per day of the panel

YEARS = 8  # further back the market was another one
RECENT_YEARS = 3
YEAR_DAYS = 365.25
SMOOTHING_DAYS = 7
HALF_WEEK = SMOOTHING_DAYS // 2
HALF_YEAR = 183
AHEAD_YEARS = 2  # the calendars are known ahead: targets may lie beyond the panel


def index(log: npt.NDArray[np.float64], largest_step: float) -> Line:
    """The national index, log, 0 on the first day; each zone's step is cut at ± `largest_step`."""
    step = np.zeros_like(log)
    step[1:] = np.clip(log[1:] - log[:-1], -largest_step, largest_step)
    known = ~np.isnan(step)
    counts = np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.cumsum(np.where(known, step, 0).sum(axis=1) / counts))


class PastYears:
    """Where the same day stood in each past year, counted by the solar or by the lunisolar year."""

    def __init__(self, days: pd.DatetimeIndex, national: Line) -> None:
        self.count = len(days)
        around = pd.Series(national).rolling(SMOOTHING_DAYS, center=True, min_periods=1)
        self.smooth = around.mean().to_numpy()
        year = pd.Series(national).rolling(2 * HALF_YEAR - 1, center=True)
        self.ratio = self.smooth - year.mean().to_numpy()
        self.level = national - pd.Series(national).rolling(365, min_periods=180).mean().to_numpy()
        ahead = pd.date_range(days[0], days[-1] + pd.DateOffset(years=AHEAD_YEARS))
        self.lunar = lunar.lunar_years(ahead)

    def same_day(self, ahead: int, years: int, *, by_moon: bool) -> npt.NDArray[np.int64]:
        """For each day of the panel: the day so many years before the one that lies `ahead` days later."""
        day = np.arange(self.count) + ahead
        if not by_moon:
            return np.asarray(day - round(YEAR_DAYS * years))
        place = np.interp(self.lunar[day] - years, self.lunar, np.arange(len(self.lunar)), left=-1e6)
        return np.round(place).astype(np.int64)

    def changes(self, horizon_days: int, *, by_moon: bool) -> npt.NDArray[np.float64]:
        """Years × days: log change of the index over the same season's horizon, NaN where it is not all past."""
        made = []
        for years in range(1, YEARS + 1):
            begin, end = (self.same_day(ahead, years, by_moon=by_moon) for ahead in (0, horizon_days))
            is_past = (begin >= 0) & (end + HALF_WEEK <= np.arange(self.count))
            made.append(self._read(self.smooth, end, is_past) - self._read(self.smooth, begin, is_past))
        return np.stack(made)

    def normal_level(self, horizon_days: int, *, by_moon: bool) -> Line:
        """Mean over past years of the target day's level against the year around it."""
        made = []
        for years in range(1, YEARS + 1):
            end = self.same_day(horizon_days, years, by_moon=by_moon)
            made.append(self._read(self.ratio, end, (end >= 0) & (end + HALF_YEAR <= np.arange(self.count))))
        return _mean(np.stack(made))

    @staticmethod
    def _read(values: Line, place: npt.NDArray[np.int64], keep: npt.NDArray[np.bool_]) -> Line:
        return np.where(keep, values[np.where(keep, place, 0)], np.nan)


def _mean(values: npt.NDArray[np.float64]) -> Line:
    """The mean over years of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def features(past: PastYears, horizon_days: int) -> dict[str, Line]:
    """The season's features of one horizon, one number a day for all zones."""
    made: dict[str, Line] = {}
    for name, by_moon in (("sun", False), ("moon", True)):
        changes = past.changes(horizon_days, by_moon=by_moon)
        rose = np.where(np.isnan(changes), np.nan, changes > 0)
        made |= {
            f"last_year_by_{name}": changes[0],
            f"recent_years_by_{name}": _mean(changes[:RECENT_YEARS]),
            f"past_years_by_{name}": _mean(changes),
            f"rose_by_{name}": _mean(rose),
            f"to_normal_by_{name}": past.normal_level(horizon_days, by_moon=by_moon) - past.level,
        }
    return made
