"""Log prices -> what each zone's neighbours did. Pure; every row looks backwards only.

Who is whose neighbour is learnt from the prices, anew every day: zones that rose and fell together over the last
year or so, and zones that moved a day or two before. So the same code serves any set of zones.
Grids are days × zones of natural logarithms; a missing price is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from necc.grids import Grid, change

MEMORY_HALF_LIFE_DAYS = 180  # pairs of zones change their habits over years, not weeks
SMALLEST_DEVIATION = 1e-6  # log; keeps the division defined where a zone never moved
LIKENESS_POWER = 6  # most correlations are near .8: the power tells the near ones from the rest
LEAD_POWER = 4
SECOND_DAY_SHARE = 0.5  # a move two days ago tells half as much as yesterday's


@dataclass(frozen=True)
class Weights:
    """Who counts for whom on one day: zones × zones, rows sum to 1 (or to 0 where nobody counts)."""

    alike: Grid
    ahead: Grid


@dataclass
class Memory:
    """Exponentially weighted products of changes; `learn` takes one day, `weights` says what it means."""

    together: Grid
    before: Grid

    @classmethod
    def empty(cls, zones: int) -> Memory:
        """Nothing seen yet."""
        return cls(np.zeros((zones, zones)), np.zeros((zones, zones)))

    def learn(self, three_days: Grid, today: Grid, lagged: Grid) -> None:
        """Take in one day: changes over three days, today's, and those of the two days before, per zone."""
        share = 1 - 0.5 ** (1 / MEMORY_HALF_LIFE_DAYS)
        self.together += share * (np.outer(three_days, three_days) - self.together)
        self.before += share * (np.outer(today, lagged) - self.before)

    def weights(self, priced: npt.NDArray[np.bool_]) -> Weights:
        """Weights over the zones that have a price."""
        deviation = np.sqrt(np.diag(self.together)) + SMALLEST_DEVIATION
        scale = np.outer(deviation, deviation)
        alike = np.clip(self.together / scale, 0, None) ** LIKENESS_POWER
        ahead = np.clip(self.before / scale, 0, None)
        ahead = (ahead / (ahead.max(axis=1, keepdims=True) + SMALLEST_DEVIATION)) ** LEAD_POWER
        return Weights(_shares(alike, priced), _shares(ahead, priced))


def _shares(weights: Grid, priced: npt.NDArray[np.bool_]) -> Grid:
    others = weights * priced
    np.fill_diagonal(others, 0)
    return np.asarray(others / (others.sum(axis=1, keepdims=True) + 1e-12))


def daily_weights(log: Grid, largest_step: float) -> list[Weights]:
    """The weights known at the end of each day."""
    step = np.clip(_known(change(log, 1)), -largest_step, largest_step)
    three = np.clip(_known(change(log, 3)), -1.5 * largest_step, 1.5 * largest_step)
    lagged = np.zeros_like(step)
    lagged[1:] = step[:-1]
    lagged[2:] += SECOND_DAY_SHARE * step[:-2]
    memory, found = Memory.empty(log.shape[1]), []
    for day in range(len(log)):
        memory.learn(three[day], step[day], lagged[day])
        found.append(memory.weights(~np.isnan(log[day])))
    return found


def alike(weights: list[Weights], values: Grid) -> Grid:
    """The mean of the neighbours' values, zones alike."""
    return np.stack([day.alike @ row for day, row in zip(weights, _known(values), strict=True)])


def ahead(weights: list[Weights], values: Grid) -> Grid:
    """The mean of the values of the zones that move first."""
    return np.stack([day.ahead @ row for day, row in zip(weights, _known(values), strict=True)])


def _known(values: Grid) -> Grid:
    return np.where(np.isnan(values), 0.0, values)
