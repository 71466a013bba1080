"""Origins -> blocks between refits, as a scikit-learn splitter. Pure; nothing is random."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc.errors import UsageError

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Origins that are forecast by one model.

    Args:
        cutoff: the last day that the model knows: the first origin.
        origins: ascending, from the cut-off on.
    """

    cutoff: pd.Timestamp
    origins: pd.DatetimeIndex


class RollingOrigin:
    """Train on what was known at a refit, test on the origins up to the next; the training span only grows.

    Args:
        origins: the days at whose end forecasts are made.
        horizon_days: a row belongs to the training part only if its target had come by the refit.
        refit_weeks: a model serves the origins of so many weeks.
    """

    def __init__(self, origins: Iterable[dt.date], *, horizon_days: int = 30, refit_weeks: int = 26) -> None:
        self.origins = pd.DatetimeIndex(sorted({pd.Timestamp(day) for day in origins}))
        self.horizon_days = horizon_days
        self.refit_weeks = refit_weeks
        if not len(self.origins):
            raise UsageError("origins: wanted one day or more")
        if horizon_days < 1 or refit_weeks < 1:
            raise UsageError(f"horizon_days={horizon_days}, refit_weeks={refit_weeks}: wanted 1 or more")

    def blocks(self) -> list[Block]:
        """The blocks, ascending."""
        number = (self.origins - self.origins[0]).days // (7 * self.refit_weeks)
        parts = [self.origins[number == block] for block in np.unique(number)]
        return [Block(part[0], part) for part in parts]

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: N803
        """How many blocks there are."""
        return len(self.blocks())

    def split(
        self,
        X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
        y: object = None,
        groups: object = None,
    ) -> Iterator[tuple[Places, Places]]:
        """Row numbers to train and to test on, block by block.

        Args:
            X: a matrix with a level `origin` in its index, as `features.matrix` gives it.
            y: not looked at.
            groups: not looked at.
        """
        origin = pd.DatetimeIndex(X.index.get_level_values("origin"))
        for block in self.blocks():
            known = np.asarray(origin + pd.Timedelta(days=self.horizon_days) <= block.cutoff)
            yield np.flatnonzero(known), np.flatnonzero(np.asarray(origin.isin(block.origins)))
