"""Whether a price moves in the next days, which way, and how far. Pure.

Prices are set, not traded: on more than half of all days a zone's price rests. What it does next hangs on the weekday,
on who moved today and on how long it has rested. So for a few days ahead the question is first *whether*, then *how
far*: a classifier says how likely a move is, and a line with trees, learnt from moves alone, how far one goes. The
forecast is the median of such a mixture: no change unless a move is likelier than not; and the surer it is, the nearer
to a typical one.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import check_is_fitted

from necc.boosted import BoostedLine
from necc.columns import known_columns, numbers_of_zones, zones_of

Floats = npt.NDArray[np.float64]

# Who moved today and who follows whom, the zone's own habit, the season in outline. With all features skill was .186 at
# 1 day and .247 at 3, with these .184 and .249, in half the time.
TELLS_MOVES = (
    "ahead_1d", "ahead_3d", "ahead_gap_1d", "neighbours_1d", "neighbours_2d", "neighbours_gap_1d",
    "leaders_1d", "leaders_2d", "leaders_3d", "leaders_5d", "leaders_7d", "leaders_gap_1d", "leaders_gap_2d",
    "leaders_gap_3d", "leaders_spread_vs_28d", "leaders_spread_vs_91d", "spread", "spread_vs_28d", "spread_vs_365d",
    "rising_1d", "rising_3d", "rising_7d", "falling_1d", "falling_3d", "falling_7d", "national_mean_1d",
    "national_mean_3d", "national_mean_7d", "national_turn_1d", "national_5d", "national_14d", "national_28d",
    "national_trend_2d", "national_trend_5d", "national_volatility_14d", "change_1d", "run", "rest_days",
    "net_moves_3d", "net_moves_7d", "usual_move", "moves_28d", "moves_91d", "volatility_28d", "past_multiple",
    "moves_on_target_52w", "moves_on_target_12w", "moves_expected_52w", "moves_expected_12w",
    "national_moves_on_target_52w", "level_vs_365d", "national_level_vs_365d", "national_level_vs_28d", "below_high",
    "above_low", "sun_sin_1", "sun_cos_1", "sun_sin_2", "sun_cos_2", "moon_sin_1", "moon_cos_1", "moon_sin_2",
    "moon_cos_2", "weekday",
)  # fmt: skip
SMALLEST_MOVE = 0.002  # log: a rupee on 500; less is no step of a price
FEWEST_MOVES = 100  # fewer teach nothing: none is expected
# Moves are half of the rows, and learnt with a quarter of the penalty: what is left to say is only how far.
SIZE_PENALTY, SIZE_TREES, SIZE_RATE = 300.0, 20, 0.15
RATIO_SHARES = np.linspace(0, 1, 101)


class Rises(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The median log change where a rise is likelier than not, else 0. Falls are the rises of what is turned over.

    The names of the zones are a level of the matrix' index, `zone`: each has habits of its own.

    Args:
        iterations: trees of the classifier.
        learning_rate: how far each tree goes.
        leaves: leaves per tree.
        smallest_leaf: examples in a leaf.
        feature_share: share of the features that each split may look at.
        bins: values of a feature that are told apart; few, as prices move in steps.
        seed: of the choice of features.
    """

    def __init__(
        self,
        iterations: int = 80,
        learning_rate: float = 0.07,
        leaves: int = 20,
        smallest_leaf: int = 120,
        feature_share: float = 0.3,
        bins: int = 64,
        seed: int = 0,
    ) -> None:
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.smallest_leaf = smallest_leaf
        self.feature_share = feature_share
        self.bins = bins
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from columns of `features.matrix` and the log changes that followed."""
        rose = np.asarray(y) > SMALLEST_MOVE
        self.is_known_ = bool(min(rose.sum(), (~rose).sum()) >= FEWEST_MOVES)
        self.n_features_in_ = X.shape[1]
        if self.is_known_:
            self.zones_ = zones_of(X)
            self.columns_ = known_columns(X)
            self.chance_ = self._new_classifier().fit(self._rows(X), rose)
            self.size_ = BoostedLine(SIZE_PENALTY, SIZE_TREES, SIZE_RATE, seed=self.seed).fit(X[rose], y[rose])
            self.ratios_ = np.quantile(y[rose] / self._typical(X[rose]), RATIO_SHARES)
        return self

    def _new_classifier(self) -> Any:
        return HistGradientBoostingClassifier(
            learning_rate=self.learning_rate,
            max_iter=self.iterations,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.smallest_leaf,
            max_features=self.feature_share,
            max_bins=self.bins,
            early_stopping=False,
            random_state=self.seed,
        )

    def _rows(self, X: pd.DataFrame) -> npt.NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
        """The features, and last the number of the zone; −1 is one that was not learnt."""
        zone = numbers_of_zones(X, self.zones_)
        return np.column_stack([X[self.columns_].to_numpy(dtype=np.float32), zone.astype(np.float32)])

    def _typical(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """How far a rise goes, by the median; all are rises."""
        return np.maximum(self.size_.predict(X), SMALLEST_MOVE)

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """The medians, 0 or more."""
        check_is_fitted(self)
        made = np.zeros(len(X))
        if not self.is_known_:
            return made
        chance = self.chance_.predict_proba(self._rows(X))[:, 1]
        likely = chance > 0.5
        if likely.any():
            # Half of the mixture lies below: all that is no rise, and this share of the rises.
            below = 1 - 0.5 / chance[likely]
            made[likely] = self._typical(X[likely]) * np.interp(below, RATIO_SHARES, self.ratios_)
        return made


class PriceMoves(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The median log change over one short horizon, for all zones together: rises less falls.

    Args:
        iterations: trees of each classifier.
        seed: of the choice of features.
    """

    def __init__(self, iterations: int = 80, seed: int = 0) -> None:
        self.iterations = iterations
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from a matrix of `features.matrix` and the log changes that followed."""
        change, told = np.asarray(y, dtype=np.float64), X[list(TELLS_MOVES)]
        self.rises_, self.falls_ = (
            Rises(self.iterations, seed=self.seed).fit(told, direction * change) for direction in (1, -1)
        )
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """The expected log change of each row; 0 where neither direction is likelier than not."""
        check_is_fitted(self)
        told = X[list(TELLS_MOVES)]
        return self.rises_.predict(told) - self.falls_.predict(told)
