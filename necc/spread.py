"""How wrong a forecast may be, from what the market was like when it was made. Pure."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils.validation import check_is_fitted

from necc.columns import known_columns, moments, standard
from necc.linear import LARGEST_DEVIATION, AbsoluteRidge

Floats = npt.NDArray[np.float64]

# What tells a quiet month from a wild one; few, so that the trees do not learn single episodes by heart.
TELLS_SPREAD = (
    "volatility_28d", "volatility_91d", "national_volatility_14d", "moves_28d", "usual_move", "rest_days",
    "change_3d", "national_mean_7d", "national_trend_5d", "national_trend_15d", "rising_3d", "falling_3d",
    "national_gap_7d", "spread_vs_28d", "national_level_vs_28d", "national_level_vs_365d", "below_high", "above_low",
    "moves_on_target_52w", "moves_expected_12w", "to_normal_by_sun", "past_years_by_sun", "rose_by_sun",
    "sun_sin_1", "sun_cos_1", "sun_sin_2", "sun_cos_2",
)  # fmt: skip
# What the line of the spread is told: how much prices moved lately, and the season.
MOVED_LATELY = (
    "volatility_28d", "volatility_91d", "national_volatility_14d", "moves_28d", "usual_move", "rest_days",
    "sun_sin_1", "sun_cos_1", "sun_sin_2", "sun_cos_2",
)  # fmt: skip
SPREAD_QUANTILE = 0.8  # of the sizes of errors: what the narrower interval is made of
SMALL_ERROR = 0.25  # of the mean size: what is added before the logarithm, which 0 has not
SMALLEST_SPREAD = 1e-4  # log; keeps the division defined where no zone moved for months


class SpreadModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """How wrong a forecast may be: the size of error, log, that four of five such forecasts stay below.

    Two views: trees; and a line of few features, for the logarithm of the size. Of wild months there are few, and
    trees take single ones for the rule; the line cannot.

    Only its shape matters: how wide the intervals are is set afterwards, on errors of forecasts not learnt from.

    Args:
        line: the part of the line, 0 to 1, in logarithms.
        iterations: trees.
        learning_rate: how far each tree goes.
        smallest_leaf: examples in a leaf.
        seed: of the trees.
    """

    def __init__(
        self,
        line: float = 0.0,
        iterations: int = 40,
        learning_rate: float = 0.1,
        smallest_leaf: int = 300,
        seed: int = 0,
    ) -> None:
        self.line = line
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.smallest_leaf = smallest_leaf
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from a matrix of `features.matrix` and the errors that were made."""
        size = np.abs(np.asarray(y, dtype=np.float64))
        self.columns_ = known_columns(X[list(TELLS_SPREAD)])
        self.trees_ = self._new_trees().fit(X[self.columns_].to_numpy(), size)
        self.floor_ = max(SMALLEST_SPREAD, 0.25 * float(np.quantile(size, SPREAD_QUANTILE)))
        if self.line:
            self._fit_line(X, size)
        return self

    def _new_trees(self) -> Any:
        return HistGradientBoostingRegressor(
            loss="quantile",
            quantile=SPREAD_QUANTILE,
            learning_rate=self.learning_rate,
            max_iter=self.iterations,
            max_leaf_nodes=8,
            min_samples_leaf=self.smallest_leaf,
            early_stopping=False,
            random_state=self.seed,
        )

    def _fit_line(self, X: pd.DataFrame, size: Floats) -> None:  # noqa: N803 - scikit-learn's name
        """Scaled as the trees are, that spreads of one size mean the same at all horizons."""
        self.mean_, self.deviation_ = moments(X[list(MOVED_LATELY)].to_numpy(dtype=np.float64))
        added = max(SMALLEST_SPREAD, SMALL_ERROR * float(size.mean()))
        self.line_ = AbsoluteRidge().fit(self._standard(X), np.log(size + added))
        self.scale_ = float(np.quantile(size / np.exp(self.line_.predict(self._standard(X))), SPREAD_QUANTILE))

    def _standard(self, X: pd.DataFrame) -> npt.NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
        values = X[list(MOVED_LATELY)].to_numpy(dtype=np.float64)
        return standard(values, self.mean_, self.deviation_, LARGEST_DEVIATION).astype(np.float32)

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """Log, above zero; a zone that rested lately still may move."""
        check_is_fitted(self)
        trees = np.maximum(self.trees_.predict(X[self.columns_].to_numpy()), self.floor_)
        if not self.line:
            return np.asarray(trees)
        line = np.maximum(self.scale_ * np.exp(self.line_.predict(self._standard(X))), self.floor_)
        return np.asarray(trees ** (1 - self.line) * line**self.line)
