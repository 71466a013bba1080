"""A straight line through the features: the season beyond what was seen, and far prices pulled home. Pure.

As scikit-learn wants transformers and estimators: fit, transform, predict, get_params, clone. The loss is the
absolute error, as the forecasts are judged by it.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from necc.columns import moments, standard

Floats = npt.NDArray[np.float64]

SEASON = tuple(f"{name}_{wave}_{k}" for name in ("sun", "moon") for wave in ("sin", "cos") for k in (1, 2))
# A high price falls in March and not in September: what these say depends on the season.
DEPENDS_ON_SEASON = ("national_level_vs_365d", "national_level_vs_28d", "level_vs_365d", "national_trend_5d")
LARGEST_DEVIATION = 4.0  # standard deviations; a typing error is no better informed than that
SMALLEST_RESIDUAL = 0.1  # of the mean size of a change: nearer ones weigh no more, or one row would rule
WEEKDAYS = 7
WEEKDAY_WEIGHT = 0.3  # against a standard deviation: a habit of one day is a small thing


class SeasonalTerms(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Feature matrix -> standardised columns, weekdays one by one, and products of season and level."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn the means and deviations of the columns."""
        self.mean_, self.deviation_ = moments(X.to_numpy())
        self.columns_ = list(X.columns)
        return self

    def transform(self, X: pd.DataFrame) -> npt.NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
        """Missing values stand at the mean; the columns must be those of fit."""
        check_is_fitted(self)
        values = X[self.columns_].to_numpy(dtype=np.float32)
        made = standard(values, self.mean_, self.deviation_, LARGEST_DEVIATION)
        place = {name: number for number, name in enumerate(self.columns_)}
        season = made[:, [place[name] for name in SEASON]]
        products = [season * made[:, [place[name]]] for name in DEPENDS_ON_SEASON]
        weekday = X["weekday"].to_numpy()[:, None] == np.arange(WEEKDAYS)
        return np.concatenate([made, (WEEKDAY_WEIGHT * weekday).astype(np.float32), *products], axis=1)


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


def line(penalty: float) -> Pipeline:
    """From a matrix of `features.matrix` to the line's medians."""
    return make_pipeline(SeasonalTerms(), AbsoluteRidge(penalty))
