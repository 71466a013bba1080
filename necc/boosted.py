"""A straight line, and trees on what it leaves: the season is carried on, thresholds and weekdays are known. Pure."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils.validation import check_is_fitted

from necc.columns import known_columns, learnt
from necc.linear import line

Floats = npt.NDArray[np.float64]


class BoostedLine(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The conditional median of a log change, by a line with absolute loss and trees fitted on its residuals.

    Args:
        penalty: of the line, see `AbsoluteRidge`.
        iterations: trees.
        learning_rate: how far each tree goes.
        leaves: leaves per tree.
        smallest_leaf: examples in a leaf.
        feature_share: share of the features that each split may look at.
        seed: of that choice.
    """

    def __init__(
        self,
        penalty: float = 1200.0,
        iterations: int = 40,
        learning_rate: float = 0.1,
        leaves: int = 8,
        smallest_leaf: int = 150,
        feature_share: float = 0.3,
        seed: int = 0,
    ) -> None:
        self.penalty = penalty
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.smallest_leaf = smallest_leaf
        self.feature_share = feature_share
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from a matrix of `features.matrix` and the log changes that followed."""
        change, told = np.asarray(y, dtype=np.float64), learnt(X)
        self.line_ = line(self.penalty).fit(told, change)
        said = self.line_.predict(told)
        self.columns_ = known_columns(told)
        self.trees_ = self._new_trees().fit(_with(X[self.columns_], said), change - said)
        self.n_features_in_ = X.shape[1]
        return self

    def _new_trees(self) -> HistGradientBoostingRegressor:
        return HistGradientBoostingRegressor(
            loss="absolute_error",
            learning_rate=self.learning_rate,
            max_iter=self.iterations,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.smallest_leaf,
            max_features=self.feature_share,
            early_stopping=False,
            random_state=self.seed,
        )

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """The expected log change of each row."""
        check_is_fitted(self)
        said = self.line_.predict(learnt(X))
        return np.asarray(said + self.trees_.predict(_with(X[self.columns_], said)))


def _with(X: pd.DataFrame, said: Floats) -> npt.NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
    """The features, and last what the line says."""
    return np.column_stack([X.to_numpy(dtype=np.float32), said.astype(np.float32)])
