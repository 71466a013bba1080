"""How far the whole market moves: one number a day, learnt from days like today. Pure.

Most of what a price does in a month, all prices do. Of such months there are few: a hundred thousand rows of
(origin, zone) are but two thousand days, and neighbouring ones share their news. So the nation has a model of its
own, smooth and small: the change that followed days like this one, alike in season, level and momentum.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.validation import check_is_fitted

from necc.columns import moments, standard
from necc.feature_table import FEATURES, OBSERVANCES

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

# One number a day, the same for all zones. What past years did (`past_years_by_sun` and its like) is left out: those
# are eight answers at most, and the model has the years themselves. With them skill at 30 days was .309, without .321.
ONE_A_DAY = ("national_", "rising_", "falling_", "leaders_", "below_high", "above_low", "sun_", "moon_", *OBSERVANCES)
OF_A_ZONE = ("_gap_", "_spread_")
NATIONAL = tuple(
    name for name in FEATURES if name.startswith(ONE_A_DAY) and not any(part in name for part in OF_A_ZONE)
)
LARGEST_DEVIATION = 3.0  # standard deviations


class NationalMove(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The mean log change over zones, by kernel ridge regression on NATIONAL.

    A day is a level of the matrix' index, its first; all rows of a day get the same answer.

    Args:
        nearness: how fast a day counts less the less it is alike: exp(-nearness × squared distance), in standard
            deviations. From .003 to .008 all is one: the skill at 14 and 30 days changes by .004 at most.
        penalty: how little a single day is believed. Half of it is as good, twice as much takes .01.
    """

    def __init__(self, nearness: float = 0.005, penalty: float = 1.0) -> None:
        self.nearness = nearness
        self.penalty = penalty

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from a matrix of `features.matrix` and the log changes that followed."""
        day, values = _days(X)
        self.mean_, self.deviation_ = moments(values)
        change = day_means(day, y)
        self.usual_ = float(change.mean())
        self.kernel_ = KernelRidge(kernel="rbf", gamma=self.nearness, alpha=self.penalty)
        self.kernel_.fit(self._standard(values), change - self.usual_)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """The expected log change of the nation, for each row."""
        check_is_fitted(self)
        day, values = _days(X)
        return np.asarray((self.usual_ + self.kernel_.predict(self._standard(values)))[day])

    def _standard(self, values: Floats) -> Floats:
        return standard(values, self.mean_, self.deviation_, LARGEST_DEVIATION)


def _days(X: pd.DataFrame) -> tuple[Numbers, Floats]:  # noqa: N803 - scikit-learn's name
    """Of each row the number of its day; of each day the national features."""
    day, days = pd.factorize(X.index.get_level_values(0))
    first = np.zeros(len(days), dtype=np.int64)
    first[day[::-1]] = np.arange(len(day))[::-1]
    return np.asarray(day, dtype=np.int64), X[list(NATIONAL)].to_numpy()[first].astype(np.float64)


def day_means(day: Numbers, values: Floats) -> Floats:
    """The mean of each day's rows."""
    return np.asarray(np.bincount(day, weights=values) / np.bincount(day))


def beside_the_nation(X: pd.DataFrame, y: Floats) -> Floats:  # noqa: N803 - scikit-learn's name
    """What each zone did more than the mean of the day's zones."""
    day, _ = pd.factorize(X.index.get_level_values(0))
    return np.asarray(y - day_means(np.asarray(day), y)[day])
