"""A feature matrix: which columns are learnt from, on one scale, and which zone a row is of. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

# The model learns from the years themselves: with what eight of them did beside it, it took single ones for the rule.
NOT_LEARNT = ("last_year_", "recent_years_", "past_years_", "rose_by_", "to_normal_")


def learnt(X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
    """The columns of a feature matrix that a change is learnt from."""
    return X[[name for name in X.columns if not str(name).startswith(NOT_LEARNT)]]


def known_columns(X: pd.DataFrame) -> list[str]:  # noqa: N803 - scikit-learn's name
    """The columns with any value: a short history has no past years, and trees cannot bin nothing."""
    return [str(name) for name in X.columns[X.notna().any()]]


def zones_of(X: pd.DataFrame) -> list[str]:  # noqa: N803 - scikit-learn's name
    """The names in the level `zone` of the index, sorted."""
    return sorted(set(X.index.get_level_values("zone")))


def numbers_of_zones(X: pd.DataFrame, zones: list[str]) -> Numbers:  # noqa: N803 - scikit-learn's name
    """Of each row the place of its zone among these; −1 is one that is not among them."""
    return np.asarray(pd.Index(zones).get_indexer(X.index.get_level_values("zone")), dtype=np.int64)


def moments(values: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """The mean and the standard deviation of what is known of each column; 1 where that does not vary."""
    made = np.array([_moments(column[~np.isnan(column)].astype(np.float64)) for column in values.T])
    mean, deviation = made.reshape(-1, 2).T
    return mean, np.where(deviation > 0, deviation, 1.0)


def _moments(known: Floats) -> tuple[float, float]:
    """Column by column: a whole matrix in double precision, and what is computed on the way, is what memory ends by."""
    return (float(known.mean()), float(known.std())) if len(known) else (0.0, 1.0)


def standard(values: npt.NDArray[Any], mean: Floats, deviation: Floats, largest: float) -> npt.NDArray[Any]:
    """In standard deviations from the mean, cut at the largest, as precise as the values; a missing one is 0."""
    made = (values - mean.astype(values.dtype)) / deviation.astype(values.dtype)
    return np.asarray(np.nan_to_num(np.clip(made, -largest, largest, out=made), copy=False))
