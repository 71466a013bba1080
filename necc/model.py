"""Estimators of the log change of a price, as scikit-learn wants them: fit, predict, get_params, clone.

Their loss is the absolute error, as the forecasts are judged by it. A straight line carries the season beyond what
was seen and pulls far prices home; trees, fitted on what the line leaves, know thresholds, weekdays, who follows
whom. For weeks ahead the move of the whole market is told apart from what a zone does beside it.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils.validation import check_is_fitted

from necc.nation import NationalMove, beside_the_nation, moments

Floats = npt.NDArray[np.float64]

SEASON = tuple(f"{name}_{wave}_{k}" for name in ("sun", "moon") for wave in ("sin", "cos") for k in (1, 2))
# A high price falls in March and not in September: what these say depends on the season.
DEPENDS_ON_SEASON = ("national_level_vs_365d", "national_level_vs_28d", "level_vs_365d", "national_trend_5d")
LARGEST_DEVIATION = 4.0  # standard deviations; a typing error is no better informed than that
SMALLEST_RESIDUAL = 0.1  # of the mean size of a change: nearer ones weigh no more, or one row would rule
# A forecast of a smaller change is one of none: prices move in steps, or rest. At this one skill rose by .014 a day
# ahead and by .003 three days ahead, in each of three spans of three years; from a week on it makes no difference.
SMALLEST_CHANGE = 0.004
# The model learns from the years themselves: with what eight of them did beside it, it took single ones for the rule.
NOT_LEARNT = ("last_year_", "recent_years_", "past_years_", "rose_by_", "to_normal_")
WEEKDAYS = 7
WEEKDAY_WEIGHT = 0.3  # against a standard deviation: a habit of one day is a small thing


class SeasonalTerms(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Feature matrix -> standardised columns, weekdays one by one, and products of season and level."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn the means and deviations of the columns."""
        self.mean_, self.deviation_ = moments(X.to_numpy(dtype=np.float64))
        self.columns_ = list(X.columns)
        return self

    def transform(self, X: pd.DataFrame) -> npt.NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
        """Missing values stand at the mean; the columns must be those of fit."""
        check_is_fitted(self)
        values = (X[self.columns_].to_numpy(dtype=np.float32) - self.mean_) / self.deviation_
        standard = np.nan_to_num(np.clip(values, -LARGEST_DEVIATION, LARGEST_DEVIATION)).astype(np.float32)
        place = {name: number for number, name in enumerate(self.columns_)}
        season = standard[:, [place[name] for name in SEASON]]
        products = [season * standard[:, [place[name]]] for name in DEPENDS_ON_SEASON]
        weekday = X["weekday"].to_numpy()[:, None] == np.arange(WEEKDAYS)
        return np.concatenate([standard, WEEKDAY_WEIGHT * weekday, *products], axis=1).astype(np.float32)


class AbsoluteRidge(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A linear model with absolute loss and a ridge penalty, by iteratively reweighted least squares.

    Args:
        penalty: of a squared coefficient, in rows: it counts as much as so many examples without news. The same for
            a short history as for a long one, so that few examples learn little. 0 is no penalty.
        passes: reweightings.
    """

    def __init__(self, penalty: float = 1200.0, passes: int = 6) -> None:
        self.penalty = penalty
        self.passes = passes

    def fit(self, X: npt.NDArray[np.float32], y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Fit; columns should be of like size, as the penalty is one for all."""
        rows = np.asarray(X, dtype=np.float32)
        target = np.asarray(y, dtype=np.float64)
        smallest = SMALLEST_RESIDUAL * max(float(np.abs(target).mean()), 1e-12)
        weight = np.ones(len(target))
        for _ in range(self.passes):
            self._solve(rows, target, weight / weight.mean())
            weight = 1 / np.maximum(np.abs(target - self.predict(rows)), smallest)
        return self

    def _solve(self, rows: npt.NDArray[np.float32], target: Floats, weight: Floats) -> None:
        means = np.average(rows, axis=0, weights=weight)
        centre = float(np.average(target, weights=weight))
        centred = rows - means.astype(np.float32)
        weighted = centred * weight[:, None].astype(np.float32)
        gram = (centred.T @ weighted).astype(np.float64) + self.penalty * np.eye(rows.shape[1])
        moment = (weighted.T @ (target - centre).astype(np.float32)).astype(np.float64)
        self.coef_: Floats = np.asarray(np.linalg.solve(gram, moment), dtype=np.float64)
        self.intercept_ = centre - float(means @ self.coef_)

    def predict(self, X: npt.NDArray[np.float32]) -> Floats:  # noqa: N803 - scikit-learn's name
        """The conditional medians."""
        check_is_fitted(self)
        return np.asarray(np.asarray(X, dtype=np.float32) @ self.coef_.astype(np.float32) + self.intercept_)


class ChangeModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The log change over one horizon, for all zones together.

    Two views: a line with trees on what it leaves; and the move of the nation with a line for what a zone does
    beside it.

    Args:
        nation: the part of the second view, 0 to 1.
        stretch: what the expected changes are multiplied by.
        penalty: of the linear models.
        iterations: trees.
        learning_rate: how far each tree goes.
        leaves: leaves per tree.
        smallest_leaf: examples in a leaf.
        feature_share: share of the features that each split may look at.
        seed: of that choice.
    """

    def __init__(
        self,
        nation: float = 0.0,
        stretch: float = 1.0,
        penalty: float = 1200.0,
        iterations: int = 60,
        learning_rate: float = 0.1,
        leaves: int = 8,
        smallest_leaf: int = 150,
        feature_share: float = 0.3,
        seed: int = 0,
    ) -> None:
        self.nation = nation
        self.stretch = stretch
        self.penalty = penalty
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.smallest_leaf = smallest_leaf
        self.feature_share = feature_share
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from a matrix of `features.matrix` and the log changes that followed."""
        change = np.asarray(y, dtype=np.float64)
        self.terms_ = SeasonalTerms().fit(_learnt(X))
        terms = self.terms_.transform(X)
        self.linear_ = AbsoluteRidge(self.penalty).fit(terms, change)
        line = self.linear_.predict(terms)
        self.columns_ = _known_columns(_learnt(X))
        self.corrections_ = self._new_trees().fit(_with(X[self.columns_], line), change - line)
        if self.nation:
            self.nation_ = NationalMove().fit(X, change)
            self.zones_ = AbsoluteRidge(self.penalty).fit(terms, beside_the_nation(X, change))
        self.n_features_in_ = X.shape[1]
        return self

    def _new_trees(self) -> Any:
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
        """The expected log change of each row; one too small for a step of the price is 0."""
        check_is_fitted(self)
        terms = self.terms_.transform(X)
        line = self.linear_.predict(terms)
        made = line + self.corrections_.predict(_with(X[self.columns_], line))
        if self.nation:
            apart = self.nation_.predict(X) + self.zones_.predict(terms)
            made = (1 - self.nation) * made + self.nation * apart
        made = self.stretch * made
        return np.asarray(np.where(np.abs(made) < SMALLEST_CHANGE, 0.0, made))


def _learnt(X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
    return X[[name for name in X.columns if not str(name).startswith(NOT_LEARNT)]]


def _known_columns(X: pd.DataFrame) -> list[str]:  # noqa: N803 - scikit-learn's name
    """The columns with any value: a short history has no past years, and trees cannot bin nothing."""
    return [str(name) for name in X.columns[X.notna().any()]]


def _with(X: pd.DataFrame, line: Floats) -> npt.NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
    """The features, and last what the line says."""
    return np.column_stack([X.to_numpy(dtype=np.float32), line.astype(np.float32)])


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
        self.columns_ = _known_columns(X[list(TELLS_SPREAD)])
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
        values = (X[list(MOVED_LATELY)].to_numpy(dtype=np.float64) - self.mean_) / self.deviation_
        return np.nan_to_num(np.clip(values, -LARGEST_DEVIATION, LARGEST_DEVIATION)).astype(np.float32)

    def predict(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """Log, above zero; a zone that rested lately still may move."""
        check_is_fitted(self)
        trees = np.maximum(self.trees_.predict(X[self.columns_].to_numpy()), self.floor_)
        if not self.line:
            return np.asarray(trees)
        line = np.maximum(self.scale_ * np.exp(self.line_.predict(self._standard(X))), self.floor_)
        return np.asarray(trees ** (1 - self.line) * line**self.line)
