"""What another library would have forecast: four models of statsforecast, each zone by itself. Pure.

Extra `bench`. They are used as that library's users use them: on prices, not on changes or logarithms; on the last
three years (on all of the history one AutoARIMA takes most of a minute); with the season of a week, MSTL also
with that of a year. Gaps of at most 7 days are filled as for every forecast here; what is still missing is left out,
so that the days beside a longer gap stand next to each other.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc.errors import MissingExtraError
from necc.learn import HORIZONS_DAYS
from necc.panel import Panel

RIVALS = ("AutoETS", "AutoARIMA", "Theta", "MSTL")
WINDOW_DAYS = 1095
ORIGIN_STEP = 8  # they are fitted anew, zone by zone, at every origin: on all of them for hours
WEEK_DAYS, YEAR_DAYS = 7, 365
# Two seasons, and enough to tell one from chance; with fewer days they fail, each in its own way.
LEAST_DAYS = {"AutoETS": 5 * WEEK_DAYS, "AutoARIMA": 5 * WEEK_DAYS, "Theta": 5 * WEEK_DAYS, "MSTL": 2 * YEAR_DAYS}
# Here and there.
NAMES = {"predicted": "mean", "lower_80": "lo-80", "upper_80": "hi-80", "lower_95": "lo-95", "upper_95": "hi-95"}

Floats = npt.NDArray[np.float64]


def refuse_missing(models: Sequence[str]) -> None:
    """Say at once that the library is not there.

    Raises:
        MissingExtraError: one of RIVALS is among the models, and statsforecast is not installed.
    """
    asked = [name for name in RIVALS if name in models]
    if asked and find_spec("statsforecast") is None:
        raise MissingExtraError(f"{', '.join(asked)} of statsforecast", "bench")


@dataclass(frozen=True)
class Fit:
    """One model at one origin; a `workers.Piece`.

    Args:
        model: of RIVALS.
        origin: the last day that it knows.
        window: filled prices of WINDOW_DAYS days up to the origin, a column per zone; INR per 100 eggs.
    """

    model: str
    origin: pd.Timestamp
    window: pd.DataFrame

    libraries = ("statsforecast",)

    @property
    def name(self) -> str:
        """Of the file that keeps it."""
        digest = hashlib.sha256(self.window.to_numpy(dtype=float).tobytes())
        digest.update(repr((tuple(self.window.columns), self.model, version("statsforecast"))).encode())
        return f"{self.model}-{digest.hexdigest()[:16]}-{self.origin:%Y-%m-%d}"

    def make(self, threads: int | None) -> pd.DataFrame:
        """Its forecasts: model, origin, zone, horizon, predicted and the four bounds; a zone it fails on has none."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):  # on more, small matrices only wait for each other
            series = {str(zone): column.dropna().to_numpy() for zone, column in self.window.items()}
            parts = [_forecast(self.model, values).assign(zone=zone) for zone, values in series.items()]
        return pd.concat(parts, ignore_index=True).assign(model=self.model, origin=self.origin)


def fits(series: Panel, cells: pd.DataFrame, models: Sequence[str], step: int = ORIGIN_STEP) -> list[Fit]:
    """What has to be fitted to forecast the zones of every so manieth origin.

    Args:
        series: the prices.
        cells: columns origin and zone: what is scored.
        models: those of RIVALS are taken.
        step: 1 is every origin; the first one is always taken.
    """
    made = []
    filled, zones = series.filled, cells.groupby("origin")["zone"].unique()
    for origin in sorted(zones.index)[::step]:
        window = filled.loc[:origin, sorted(zones[origin])].iloc[-WINDOW_DAYS:]
        for name in [name for name in RIVALS if name in models]:
            long_enough = window.loc[:, window.count() >= LEAST_DAYS[name]]
            made += [Fit(name, origin, long_enough)] if len(long_enough.columns) else []
    return made


def _forecast(model: str, values: Floats) -> pd.DataFrame:
    """Horizon, predicted and the bounds; no row where the model gives no number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a search that did not end, a division by the spread of a flat series
        told = _model(model).forecast(values, len(HORIZONS_DAYS), level=[80, 95])
    amounts = {name: np.asarray(told[there], dtype=float) for name, there in NAMES.items()}
    return pd.DataFrame({"horizon": HORIZONS_DAYS, **amounts}).dropna()


def _model(name: str) -> Any:
    from statsforecast import models

    if name == "AutoETS":
        return models.AutoETS(season_length=WEEK_DAYS)
    if name == "AutoARIMA":
        # Candidates are compared by conditional sums of squares, as R's auto.arima does by itself on so long a series;
        # the chosen one is fitted in full.
        return models.AutoARIMA(season_length=WEEK_DAYS, approximation=True)
    if name == "Theta":
        return models.Theta(season_length=WEEK_DAYS)
    return models.MSTL(season_length=[WEEK_DAYS, YEAR_DAYS])
