"""Errors of past forecasts -> how far an interval must reach today. Pure; adaptive conformal prediction.

A *score* is the error of a forecast that was not learnt from, divided by the spread expected of it. The quantiles
of the scores of the last five years make an interval. Where too many prices lately fell outside, the quantile
itself is moved a step at a time, each bound by itself: so the promised share holds over the long run whatever
the market does, and falls may reach further than rises.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEVELS = {"lower_95": 0.025, "lower_80": 0.1, "upper_80": 0.9, "upper_95": 0.975}
# Of a level, per origin: a market that changed is followed within a year. With twice as much, inner bounds followed
# the noise: over 2014-04..2023-02, refitted every half year, their loss was 1.6 % more at 14 days and 2.6 % at 30, and
# no less at 1, 3 and 7 days. Outer ones go to their end where all prices of a day fall outside: with a quarter of the
# step the 95 % interval of 30 days held .951 there, not .942. But then a calm market was followed too slowly: over
# 2023-04..2025-05 it held .970 at 7 days, not .955.
STEP = 0.01
# Five years instead of three: the loss of the bounds is less at each horizon, if by .5 % at most, and the 95 % interval
# of 30 days held .91 to .98 in each single year instead of .89 to .98.
WINDOW_DAYS = 1826
MIN_SCORES = 100
OUTERMOST = 0.002  # an adapted level stays inside: a quantile beyond the outermost score is not known

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Scores of one horizon. Grain: one per (origin, zone), sorted by origin.

    Args:
        origin: day number of each forecast's origin.
        value: the error over its spread; below zero where the price came in lower.
        horizon_days: how far ahead; a score is known so many days after its origin.
    """

    origin: Numbers
    value: Floats
    horizon_days: int

    def joined(self, other: Scores) -> Scores:
        """These and later ones."""
        return Scores(
            np.concatenate([self.origin, other.origin]), np.concatenate([self.value, other.value]), self.horizon_days
        )

    def between(self, first: int, last: int) -> Floats:
        """The values of the origins from `first` to `last`."""
        begin, end = np.searchsorted(self.origin, [first, last + 1])
        return self.value[begin:end]


def bounds(scores: Scores, days: Sequence[int], *, step: float = STEP, window_days: int = WINDOW_DAYS) -> Floats:
    """How far the intervals of forecasts made on these days reach, in spreads.

    Args:
        scores: known or not yet known on a day: what is not yet known then is not looked at.
        days: day numbers, ascending.
        step: of the levels; 0 for plain split-conformal intervals.
        window_days: how long a score counts.

    Returns:
        days × LEVELS, ascending, the lower ones ≤ 0 ≤ the upper ones; NaN before anything is known.
    """
    walk = _Walk(scores, step, window_days)
    origins, made = deque(np.unique(scores.origin).tolist()), []
    for day in days:
        while origins and origins[0] <= day:
            walk.pass_origin(int(origins.popleft()))
        made.append(walk.quantiles(day))
    return np.stack(made)


class _Walk:
    """One pass through the origins: each leaves its quantiles, and moves the levels once its prices are in."""

    def __init__(self, scores: Scores, step: float, window_days: int) -> None:
        self.scores = scores
        self.step = step
        self.window_days = window_days
        self.wanted = np.array(list(LEVELS.values()))
        self.levels = self.wanted.copy()
        self.open: deque[tuple[int, Floats]] = deque()

    def pass_origin(self, origin: int) -> None:
        self.open.append((origin, self.quantiles(origin)))

    def quantiles(self, day: int) -> Floats:
        self._learn(day)
        known = self.scores.between(day - self.window_days, day - self.scores.horizon_days)
        if len(known) < MIN_SCORES:
            return np.full(len(self.levels), np.nan)
        found = np.sort(np.quantile(known, self.levels))
        half = len(found) // 2
        return np.concatenate([np.minimum(found[:half], 0), np.maximum(found[half:], 0)])

    def _learn(self, day: int) -> None:
        """Take in the origins whose prices have come: a level rises where too few scores lay below it."""
        while self.open and self.open[0][0] + self.scores.horizon_days <= day:
            origin, reach = self.open.popleft()
            came = self.scores.between(origin, origin)
            if np.isnan(reach).any():
                continue
            below = (came[:, None] <= reach).mean(axis=0)
            self.levels = np.clip(self.levels + self.step * (self.wanted - below), OUTERMOST, 1 - OUTERMOST)
