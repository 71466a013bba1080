"""What each zone does beside the nation on days like today. Pure.

A fast empties the markets of the north and not those of the south; one zone follows a rise at once, another after a
week. What days like today did to each zone is learnt zone by zone, from the same days and by the same likeness as the
move of the nation: what the zone's own price says stands in a line, this is what the line leaves.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.validation import check_is_fitted

from necc.columns import numbers_of_zones, zones_of
from necc.nation import NationalDays, number_of_day

Floats = npt.NDArray[np.float64]


class ZoneTurns(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The log change of each zone beside the nation's, by kernel ridge regression on the nation's features.

    The names of the zones are a level of the matrix' index, `zone`. A zone that was not learnt, and a day on which a
    zone had no price, count as doing what is expected of them already.

    Over 2012-04..2023-02, each year forecast by a model of all the others, it raised skill at 7, 14 and 30 days from
    .187, .245 and .332 to .201, .256 and .340; refitted yearly over 2014-04..2023-02 from .174, .222 and .319 to .186,
    .232 and .326.

    Args:
        nearness: see `nation.NationalMove`, its smooth kernel; with the sharp one all is one.
        penalty: how little a single day is believed: ten times less than of the nation, as one zone is noisier than
            the mean of all. From 1 to 10 skill at 7 days changes by .002, at 14 and 30 by .001.
    """

    def __init__(self, nearness: float = 0.007, penalty: float = 3.0) -> None:
        self.nearness = nearness
        self.penalty = penalty

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from a matrix of `features.matrix` and what the zones did more than was expected of them."""
        self.days_ = NationalDays().fit(X)
        days = self.days_.transform(X)
        self.zones_ = zones_of(X)
        came = np.zeros((len(days), len(self.zones_)))
        came[number_of_day(X), numbers_of_zones(X, self.zones_)] = y
        self.kernel_ = KernelRidge(kernel="rbf", gamma=self.nearness, alpha=self.penalty).fit(days, came)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """The expected log change of each row beside what is expected already."""
        check_is_fitted(self)
        zone = numbers_of_zones(X, self.zones_)
        made = self.kernel_.predict(self.days_.transform(X))[number_of_day(X), zone]
        return np.where(zone >= 0, made, 0.0)
