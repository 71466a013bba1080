"""The estimator of the log change of a price, as scikit-learn wants it: fit, predict, get_params, clone. Pure.

Its loss is the absolute error, as the forecasts are judged by it. A straight line carries the season beyond what was
seen and pulls far prices home. From some days ahead on the move of the whole market is told apart from what each zone
does beside it; for few days ahead, whether a price moves is told apart from how far. Trees of changes as a further view
were tried too: beside the others they add nothing, from a day to a month ahead.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from necc.columns import learnt
from necc.linear import line
from necc.moves import PriceMoves
from necc.nation import NationalMove, beside_the_nation
from necc.turns import ZoneTurns

Floats = npt.NDArray[np.float64]

# A forecast of a smaller change is one of none: prices move in steps, or rest. At this one skill rose by .014 a day
# ahead and by .003 three days ahead, in each of three spans of three years; from a week on it makes no difference.
SMALLEST_CHANGE = 0.004


class ChangeModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The log change over one horizon, for all zones together.

    Three views, and how much each counts hangs on the horizon: a line; the move of the nation, with a line and the
    turns of the zone for what it does beside it; whether a price moves at all, and how far.

    Args:
        moves: the part of the third view, 0 to 1.
        nation: the part of the second view in what is left, 0 to 1.
        penalty: of the lines, see `AbsoluteRidge`.
        chances: trees that say whether a price moves.
        seed: of the features that they may look at.
    """

    def __init__(
        self,
        moves: float = 0.0,
        nation: float = 0.0,
        penalty: float = 1200.0,
        chances: int = 80,
        seed: int = 0,
    ) -> None:
        self.moves = moves
        self.nation = nation
        self.penalty = penalty
        self.chances = chances
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
        y: Floats,
        days: tuple[pd.DataFrame, Floats] | None = None,
    ) -> Self:
        """Learn from a matrix of `features.matrix` and the log changes that followed.

        Args:
            X: one row per (origin, zone).
            y: one per row.
            days: what the nation is learnt from: a frame of `features.of_days`, and the mean log changes that
                followed; X and y if not given.
        """
        change, told = np.asarray(y, dtype=np.float64), learnt(X)
        self.line_ = line(self.penalty).fit(told, change)
        if self.nation:
            self.nation_ = NationalMove().fit(*(days or (X, change)))
            own = beside_the_nation(X, change)
            self.zones_ = line(self.penalty).fit(told, own)
            self.turns_ = ZoneTurns().fit(X, own - self.zones_.predict(told))
        if self.moves:
            self.moves_ = PriceMoves(self.chances, self.seed).fit(X, change)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """The expected log change of each row; one too small for a step of the price is 0."""
        check_is_fitted(self)
        told = learnt(X)
        made = np.asarray(self.line_.predict(told))
        if self.nation:
            apart = self.nation_.predict(X) + self.zones_.predict(told) + self.turns_.predict(X)
            made = (1 - self.nation) * made + self.nation * apart
        if self.moves:
            made = (1 - self.moves) * made + self.moves * self.moves_.predict(X)
        return np.asarray(np.where(np.abs(made) < SMALLEST_CHANGE, 0.0, made))
