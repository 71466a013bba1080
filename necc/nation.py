"""How far the whole market moves: one number a day, learnt from days like today. Pure.

Most of what a price does in a month, all prices do. Of such months there are few: a hundred thousand rows of
(origin, zone) are but two thousand days, and neighbouring ones share their news. So the nation has a model of its
own, small: the change that followed days like this one, alike in season, level and momentum.

Two kernels say how alike two days are, and the mean of their answers counts. One falls with the squared distance, and
is smooth; the other with the sum of the distances in each feature, and lets an answer bend at a single day, as trees
do. Over 2012-04..2023-02, each year forecast by a model of all the others, the mean skill of the whole model was .232
at 14 days with the first alone, .229 with the second, .234 with both; refitted yearly over 2014-04..2023-02 it was
.210, .212 and .214.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.validation import check_is_fitted

from necc.columns import moments, standard
from necc.feature_table import FEATURES, OBSERVANCES

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

# One number a day, the same for all zones. What past years did (`past_years_by_sun` and its like) is left out: those
# are eight answers at most, and the model has the years themselves. With them skill at 30 days was .309, without .321.
# Over 2012-04..2023-02, each year forecast by a model of all the others, skill at 7, 14 and 30 days was .205, .256 and
# .340 without the premium of prevailing prices over suggested ones, .215, .266 and .343 with it; refitted yearly over
# 2014-04..2023-02 .189, .233 and .326, and .196, .242 and .329. With the changes of that premium beside it, or with
# north against south, consuming against laying markets or any single zone instead, 14 days were level or lower. The
# day of the month raised 7 and 14 days by .002 and lowered 30 by .001, the mean volatility raised them by .001, .002
# and .001. The fasts of the southern months raised them by .003, .003 and .005, finer waves of the moon by nothing.
ONE_A_DAY = (
    "national_", "rising_", "falling_", "leaders_", "premium_", "below_high", "above_low", "mean_volatility_",
    "sun_", "moon_", "month_", *OBSERVANCES,
)  # fmt: skip
OF_A_ZONE = ("_gap_", "_spread_")
NATIONAL = tuple(
    name for name in FEATURES if name.startswith(ONE_A_DAY) and not any(part in name for part in OF_A_ZONE)
)
LARGEST_DEVIATION = 3.0  # standard deviations
# How far apart two days are hangs more on the season than on the level: a year of high prices is like no other, and of
# such years a model has few. With 1 for all, skill at 14 days was .234 instead of .243 over 2012-04..2023-02, .214
# instead of .222 when refitted yearly; at 30 days .322 instead of .331, and .313 instead of .320. From 1.5 to 2 for the
# one and from .35 to .7 for the other skill changes by .003 at most.
COUNTS = {"season": 1.5, "level": 0.5, "month_sin_1": 0.7, "month_cos_1": 0.7}  # by group, or by name
WEIGHTS = np.array([COUNTS.get(name, COUNTS.get(FEATURES[name].group, 1.0)) for name in NATIONAL])


class NationalDays(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Feature matrix -> one row of NATIONAL per day, in standard deviations, each by how much it counts.

    A day is a level of the matrix' index, its first.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn the means and deviations over days."""
        self.mean_, self.deviation_ = moments(_of_days(X))
        return self

    def transform(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """Days in the order in which they first come; missing values stand at the mean."""
        check_is_fitted(self)
        return np.asarray(WEIGHTS * standard(_of_days(X), self.mean_, self.deviation_, LARGEST_DEVIATION))


class NationalMove(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The mean log change over zones, by kernel ridge regression on NATIONAL; all rows of a day get the same answer.

    Neighbouring days share their news: told to one model, each would count as news of its own. So there are several
    models, each of every so manieth day, and the mean of their answers counts. Told every third day alone, the whole
    model had skill of .228, .276 and .348 at 7, 14 and 30 days in the mean over which third it was (each year of
    2012-04..2023-02 forecast by a model of all the others); of every day, by five models, .229, .277 and .349, and it
    hangs on no choice of days. Three models with a penalty of .3 are level, and take longer.

    From half to twice `nearness` and `sharpness` all is one: skill at 7 to 30 days changes by .002 at most. With twice
    the penalty it was .002 and .003 lower at 7 and 14 days, and .001 higher at 30.

    Args:
        nearness: how fast a day counts less the less it is alike: exp(-nearness × squared distance), in standard
            deviations, for the smooth kernel.
        sharpness: exp(-sharpness × sum of distances), for the other.
        penalty: how little a single day is believed.
        models: how many, each told every so manieth day.
    """

    def __init__(
        self, nearness: float = 0.007, sharpness: float = 0.01, penalty: float = 0.18, models: int = 5
    ) -> None:
        self.nearness = nearness
        self.sharpness = sharpness
        self.penalty = penalty
        self.models = models

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from a frame of `features.matrix` or `features.of_days` and the log changes that followed."""
        change = day_means(number_of_day(X), y)
        self.usual_ = float(change.mean())
        self.days_ = NationalDays().fit(X)
        days, more = self.days_.transform(X), change - self.usual_
        places = [slice(first, None, self.models) for first in range(min(self.models, len(days)))]
        # Side by side in memory, as a saved model finds them: otherwise sums come in another order.
        parts = [(np.ascontiguousarray(days[place]), more[place]) for place in places]
        self.smooth_, self.sharp_ = (
            [KernelRidge(kernel=kind, gamma=width, alpha=self.penalty).fit(*part) for part in parts]
            for kind, width in (("rbf", self.nearness), ("laplacian", self.sharpness))
        )
        return self

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """The expected log change of the nation, for each row."""
        check_is_fitted(self)
        days = self.days_.transform(X)
        made = np.mean([kernel.predict(days) for kernel in (*self.smooth_, *self.sharp_)], axis=0)
        return np.asarray((self.usual_ + made)[number_of_day(X)])


def number_of_day(X: pd.DataFrame) -> Numbers:  # noqa: N803 - scikit-learn's name
    """Of each row the number of its day, in the order in which days first come."""
    day, _ = pd.factorize(X.index.get_level_values(0))
    return np.asarray(day, dtype=np.int64)


def _of_days(X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
    """Of each day the national features, from the first of its rows."""
    is_first = ~X.index.get_level_values(0).duplicated()
    return X.loc[is_first, list(NATIONAL)].to_numpy(dtype=np.float64)


def day_means(day: Numbers, values: Floats) -> Floats:
    """The mean of each day's rows."""
    return np.asarray(np.bincount(day, weights=values) / np.bincount(day))


def beside_the_nation(X: pd.DataFrame, y: Floats) -> Floats:  # noqa: N803 - scikit-learn's name
    """What each zone did more than the mean of the day's zones."""
    day = number_of_day(X)
    return np.asarray(y - day_means(day, y)[day])
