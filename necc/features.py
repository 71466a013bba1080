"""A daily panel -> one row of named features per (origin, zone). Pure: frames in, frames out.

An *origin* is a day at whose end a forecast is made: its own price is known, the next day's is not. Every
feature looks backwards only; tests replace all later prices by noise and find the matrix unchanged. The calendars
of the sun and the moon are known ahead, so features of the season may speak of the target day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc import habits, lunar, neighbours, season
from necc.errors import UsageError
from necc.feature_table import (
    CHANGE_DAYS,
    FEATURES,
    INDEX_DAYS,
    LEADER_DAYS,
    LEVEL_DAYS,
    NEIGHBOUR_DAYS,
    PREMIUM_DAYS,
    SPREAD_DAYS,
    TREND_DAYS,
    WAVES,
)
from necc.grids import Grid, change, later, mean_of_zones, mean_over, median_of_zones, trend
from necc.panel import Panel
from necc.records import Section

LEADERS = ("barwala", "ajmer")  # they move about a day before the others
SAME_SEASON_DAYS = 52 * 7  # a year in whole weeks: the weekday stays the same
LONGEST_HORIZON_DAYS = SAME_SEASON_DAYS - 7  # beyond it, last year's change is not over yet
LARGEST_STEP = 0.10  # log; larger one-day moves are mostly typing errors and would rule a mean of sizes
LEAST_INDEX_DAYS = 365  # one whole season, or the mean would tell of the season and not of the years
YEAR_DAYS = 365.25
MONTHS = 12

Grids = dict[str, Grid]  # days × zones; or one number a day, for all zones


class Daily:
    """What the features of every horizon share, computed once per panel.

    Args:
        series: the panel.
    """

    def __init__(self, series: Panel) -> None:
        self.series = series
        self.days = pd.DatetimeIndex(series.observed.index)
        self.zones = [str(zone) for zone in series.observed.columns]
        self.log: Grid = series.log_filled.to_numpy(dtype=float)
        self.moved = habits.moved(self.log)
        self.national = season.index(self.log, LARGEST_STEP)
        self.past = season.PastYears(self.days, self.national)
        ahead = pd.date_range(self.days[0], self.days[-1] + pd.Timedelta(days=LONGEST_HORIZON_DAYS))
        self.observance = lunar.observance(ahead)
        self.grids = self._grids()
        self._horizons: dict[int, Grids] = {}

    def _grids(self) -> Grids:
        changes = {days: change(self.log, days) for days in CHANGE_DAYS}
        levels = _levels(self.log)
        return {
            **_momentum(self.log, changes),
            **_nation(self.log, changes),
            **_neighbours(self.log, self.zones, changes),
            **levels,
            **_premiums(levels, self.series.filled_section.to_numpy()),
            **_index_levels(self.national),
            **habits.features(self.series, self.log, self.moved, LARGEST_STEP),
            **self._waves(),
        }

    def _waves(self) -> Grids:
        """The season as sines and cosines, by the sun, by the moon and by the calendar month."""
        turns = {
            "sun": self.days.day_of_year.to_numpy() / YEAR_DAYS,
            "moon": lunar.lunar_position(self.days) / MONTHS,
            "month": ((self.days.day - 1) / self.days.days_in_month).to_numpy(),
        }
        made: Grids = {}
        for name, turn in turns.items():
            for wave in WAVES[name]:
                made[f"{name}_sin_{wave}"] = np.sin(2 * np.pi * wave * turn)
                made[f"{name}_cos_{wave}"] = np.cos(2 * np.pi * wave * turn)
        return made

    def horizon(self, horizon_days: int) -> Grids:
        """The features of a target so many days after the origin, at the origin's row."""
        if horizon_days not in self._horizons:
            self._horizons[horizon_days] = {
                **season.features(self.past, horizon_days),
                **self._observances(horizon_days),
                **habits.horizon_features(self.days, self.moved, horizon_days),
                "last_year_change": self._last_year(horizon_days),
            }
        return self._horizons[horizon_days]

    def _observances(self, horizon_days: int) -> dict[str, Grid]:
        today, made = len(self.days), {}
        for name in self.observance:
            line = self.observance[name].to_numpy()
            total = np.concatenate([[0.0], np.cumsum(line)])
            on_the_way = (total[1 + horizon_days :][:today] - total[1:][:today]) / horizon_days
            made[f"{name}_now"] = line[:today]
            made[f"{name}_to_target"] = line[horizon_days:][:today] - line[:today]
            made[f"{name}_on_the_way"] = on_the_way - line[:today]
        return made

    def _last_year(self, horizon_days: int) -> Grid:
        """Read as the mean of 7 origins, centred on the origin of a year ago."""
        smooth = mean_over(change(self.log, horizon_days), 7, least=1)
        return later(smooth, SAME_SEASON_DAYS - horizon_days - 3)


def matrix(daily: Daily, origins: Iterable[dt.date], horizon_days: int) -> pd.DataFrame:
    """One row per (origin, zone) that has a price of at most 7 days before; the columns are FEATURES.

    Args:
        daily: of the panel; what lies after an origin is not looked at.
        origins: days of the panel.
        horizon_days: 1 to 357; some features know how far the target is.

    Returns:
        A float32 frame indexed by (origin, zone), sorted; NaN where the look-back is not covered.

    Raises:
        UsageError: a horizon out of range, an origin outside the panel.
    """
    days, places, grids = _asked(daily, origins, horizon_days)
    has_price = ~np.isnan(daily.log[places])
    values: npt.NDArray[np.float32] = np.empty((int(has_price.sum()), len(FEATURES)), dtype=np.float32)
    origin_of_row = np.nonzero(has_price)[0]
    for column, name in enumerate(FEATURES):
        rows = grids[name][places]
        values[:, column] = rows[has_price] if rows.ndim > 1 else rows[origin_of_row]
    index = pd.MultiIndex.from_product([days, daily.series.observed.columns], names=["origin", "zone"])
    return pd.DataFrame(values, index=index[has_price.ravel()], columns=list(FEATURES))


def of_days(daily: Daily, origins: Iterable[dt.date], horizon_days: int) -> pd.DataFrame:
    """One row per origin: the features of `matrix` that all zones share, whether or not any has a price.

    Args and errors are those of `matrix`.

    Returns:
        A float32 frame indexed by origin; NaN where the look-back is not covered.
    """
    days, places, grids = _asked(daily, origins, horizon_days)
    columns = {name: grids[name][places] for name in FEATURES if grids[name].ndim == 1}
    return pd.DataFrame(columns, index=days).astype(np.float32)


def _asked(
    daily: Daily, origins: Iterable[dt.date], horizon_days: int
) -> tuple[pd.DatetimeIndex, npt.NDArray[np.intp], Mapping[str, Grid]]:
    """The origins, their rows in the grids, and the grids."""
    if not 1 <= horizon_days <= LONGEST_HORIZON_DAYS:
        raise UsageError(f"horizon_days={horizon_days}: wanted 1 to {LONGEST_HORIZON_DAYS}")
    days = pd.DatetimeIndex(list(origins), name="origin")
    places = daily.days.get_indexer(days)
    if (places < 0).any():
        raise UsageError("origins: wanted days of the panel")
    return days, places, daily.grids | daily.horizon(horizon_days)


def _momentum(log: Grid, changes: Mapping[int, Grid]) -> Grids:
    step = change(log, 1)
    cut = np.clip(np.nan_to_num(step), -LARGEST_STEP, LARGEST_STEP)
    return {
        **{f"change_{days}d": made for days, made in changes.items()},
        **{f"trend_{days}d": trend(cut, days) for days in TREND_DAYS},
        **habits.directions(step),
    }


def _nation(log: Grid, changes: Mapping[int, Grid]) -> Grids:
    """The median over zones: one mistyped price does not move it; the mean knows a little more."""
    step = change(log, 1)
    mean = {days: mean_of_zones(np.clip(changes[days], -limit, limit)) for days, limit in _MEAN_LIMITS.items()}
    shares = {"rising": _share(step > 0, step), "falling": _share(step < 0, step)}
    return {
        **{f"national_{days}d": median_of_zones(made) for days, made in changes.items()},
        **{f"national_mean_{days}d": line for days, line in mean.items()},
        "national_turn_1d": change(mean[1], 1),
        **{f"national_trend_{days}d": trend(np.nan_to_num(mean[1]), days) for days in TREND_DAYS},
        **{f"{name}_{days}d": mean_over(line, days, least=1) for name, line in shares.items() for days in (1, 3, 7)},
    }


_MEAN_LIMITS = {1: LARGEST_STEP, 3: 1.5 * LARGEST_STEP, 7: 2 * LARGEST_STEP}


def _neighbours(log: Grid, zones: list[str], changes: Mapping[int, Grid]) -> Grids:
    leaders = [zones.index(name) for name in LEADERS if name in zones]
    lead = mean_of_zones(log[:, leaders]) if leaders else np.full(len(log), np.nan)
    weights = neighbours.daily_weights(log, LARGEST_STEP)
    near = {days: neighbours.alike(weights, changes[days]) for days in NEIGHBOUR_DAYS}
    first = {days: neighbours.ahead(weights, np.clip(changes[days], -0.15, 0.15)) for days in (1, 3)}
    near_level = log - neighbours.alike(weights, log)
    made: Grids = {
        **{f"national_gap_{days}d": median_of_zones(changes[days])[:, None] - changes[days] for days in CHANGE_DAYS},
        **{f"leaders_{days}d": change(lead, days) for days in LEADER_DAYS},
        **{f"leaders_gap_{days}d": change(lead, days)[:, None] - changes[days] for days in LEADER_DAYS},
        **{f"neighbours_{days}d": grid for days, grid in near.items()},
        **{f"neighbours_gap_{days}d": grid - changes[days] for days, grid in near.items()},
        **{f"ahead_{days}d": grid for days, grid in first.items()},
        **{f"ahead_gap_{days}d": grid - changes[days] for days, grid in first.items()},
        **{f"neighbours_spread_vs_{days}d": near_level - mean_over(near_level, days) for days in (28, 182)},
    }
    lead_spread = log - lead[:, None]
    return made | {f"leaders_spread_vs_{days}d": lead_spread - mean_over(lead_spread, days) for days in (28, 91)}


def _levels(log: Grid) -> Grids:
    spread = log - median_of_zones(log)[:, None]
    levels = {days: log - mean_over(log, days) for days in LEVEL_DAYS}
    year = pd.DataFrame(log).rolling(365, min_periods=100)
    last_year = change(log, SAME_SEASON_DAYS)
    return {
        "spread": spread,
        **{f"spread_vs_{days}d": spread - mean_over(spread, days) for days in SPREAD_DAYS},
        **{f"level_vs_{days}d": grid for days, grid in levels.items()},
        **{f"national_level_vs_{days}d": median_of_zones(grid) for days, grid in levels.items()},
        "year_over_year": last_year,
        "national_year_over_year": median_of_zones(last_year),
        "below_high": median_of_zones(log - year.max().to_numpy()),
        "above_low": median_of_zones(log - year.min().to_numpy()),
    }


def _premiums(levels: Grids, section: npt.NDArray[np.object_]) -> Grids:
    """What markets pay over what NECC suggests, against what is usual: where eggs are short, markets know it first."""
    paid, suggested = section == Section.PREVAILING, section == Section.SUGGESTED
    made: Grids = {}
    for days in PREMIUM_DAYS:
        spread = levels[f"spread_vs_{days}d"]
        over, under = (mean_of_zones(np.where(marked, spread, np.nan)) for marked in (paid, suggested))
        made[f"premium_vs_{days}d"] = over - under
    return made


def _index_levels(national: Grid) -> Grids:
    """Where the market stands among the years: zones that began lately are in it from their first day."""
    return {
        f"national_index_vs_{days}d": national - mean_over(national, days, least=LEAST_INDEX_DAYS)
        for days in INDEX_DAYS
    }


def _share(marked: npt.NDArray[np.bool_], step: Grid) -> Grid:
    """The share of the zones with a change known that are marked, per day."""
    known = (~np.isnan(step)).sum(axis=1)
    return np.where(known > 0, marked.sum(axis=1) / np.maximum(known, 1), np.nan)
