"""Prices and origins -> what would have been forecast, beside the baselines and what came. Pure but for a folder.

Rolling origin: at each origin a forecast knows the prices up to that day and nothing else. Models are refitted
every 26 weeks; in between they stay. A zone is scored at an origin if its prices reach three years back and it
has one of at most 7 days before; only printed prices of the same section are targets.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from necc import baselines, predict, rivals, workers
from necc.errors import NoDataError, UsageError
from necc.features import Daily
from necc.intervals import LEVELS
from necc.learn import HORIZONS_DAYS, Recipe
from necc.panel import Panel, panel
from necc.splits import Block, RollingOrigin

OWN = predict.MODEL_NAME
MODELS = (OWN, *baselines.BASELINES)
SCORED_HORIZONS_DAYS = (1, 3, 7, 14, 30)
MIN_HISTORY_DAYS = 1095
KEYS = ["origin", "zone", "section", "horizon"]
AMOUNTS = ["predicted", "lower_80", "upper_80", "lower_95", "upper_95", "actual", "naive"]
COLUMNS = [*KEYS, "model", *AMOUNTS]


def backtest(
    prices: pd.DataFrame,
    origins: Iterable[dt.date],
    horizons: Sequence[int] = SCORED_HORIZONS_DAYS,
    *,
    models: Sequence[str] = MODELS,
    refit_weeks: int = 26,
    min_history_days: int = MIN_HISTORY_DAYS,
    not_targets: pd.DataFrame | None = None,
    recipe: Recipe | None = None,
    rival_step: int = rivals.ORIGIN_STEP,
    jobs: int = 1,
    dask: str | None = None,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Forecast past days as they would have been forecast then.

    Args:
        prices: a long frame shaped like `necc.prices()`, in INR per 100 eggs.
        origins: days at whose end forecasts are made; their prices must be in the frame.
        horizons: days ahead, 1 to 30.
        models: of MODELS, and of `rivals.RIVALS`: AutoETS, AutoARIMA, Theta and MSTL of statsforecast (extra `bench`).
        refit_weeks: how long a trained model serves.
        min_history_days: a zone whose first price is younger at an origin is not scored there.
        not_targets: columns date and zone: prices known to be mistyped; they are not scored.
        recipe: how the model is trained.
        rival_step: RIVALS forecast at every so manieth origin, the first one included.
        jobs: models trained at a time, each in a process of its own.
        dask: the address of a dask cluster that trains them instead (extra `cluster`); only one that is trusted.
        folder: keeps what each model forecast, so that a run that was stopped goes on where it was.
        progress: called with the models trained and all models.

    Returns:
        One row per origin, zone, horizon and model, sorted so: origin, zone, section, horizon (days), model,
        predicted, lower_80, upper_80, lower_95, upper_95, actual, naive; INR per 100 eggs.

    Raises:
        UsageError: a horizon, a model or an origin that cannot be.
        MissingExtraError: a model or a cluster whose library is not installed.
        NoDataError: too short a history before the first origin.
        ClusterError: the cluster cannot be reached, or its workers are installed otherwise than this machine.
    """
    _refuse_unknown(horizons, models)
    rivals.refuse_missing(models)
    splitter = RollingOrigin(origins, horizon_days=max(horizons), refit_weeks=refit_weeks)
    series = panel(prices)
    if not splitter.origins.isin(series.observed.index).all():
        raise UsageError(f"origins: wanted days from {series.observed.index[0]:%Y-%m-%d} to the last price")
    cells = _cells(series, splitter.origins, horizons, min_history_days, not_targets)
    if cells.empty:
        raise NoDataError(f"no zone with {min_history_days} days of history at any origin, and a price to compare with")
    pieces: list[workers.Piece] = list(rivals.fits(series, cells, models, rival_step))
    if OWN in models:
        known = prices[["date", "zone", "section", "price"]]
        pieces[:0] = [_Trained(known, block, recipe or Recipe()) for block in splitter.blocks()]
    made = workers.run(pieces, jobs=jobs, dask=dask, folder=folder, progress=progress)
    parts = [_on_cells(pd.concat(made, ignore_index=True), cells)] if made else []
    parts += [_baseline(series, cells, name, horizons) for name in baselines.BASELINES if name in models]
    return _sorted(pd.concat(parts, ignore_index=True))


def _refuse_unknown(horizons: Sequence[int], models: Sequence[str]) -> None:
    if not horizons or not set(horizons) <= set(HORIZONS_DAYS):
        raise UsageError(f"horizons={tuple(horizons)}: wanted days from {HORIZONS_DAYS[0]} to {HORIZONS_DAYS[-1]}")
    known = (*MODELS, *rivals.RIVALS)
    unknown = sorted(set(models) - set(known))
    if unknown or not models:
        raise UsageError(f"model {', '.join(unknown) or '(none)'}: wanted some of {', '.join(known)}")


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[COLUMNS].sort_values([*KEYS, "model"], ignore_index=True)


def _cells(
    series: Panel,
    origins: pd.DatetimeIndex,
    horizons: Sequence[int],
    min_history_days: int,
    not_targets: pd.DataFrame | None,
) -> pd.DataFrame:
    """What is scored: KEYS, actual and naive."""
    observed, marked = series.observed, _marked(series, not_targets)
    first = observed.index[observed.notna().to_numpy().argmax(axis=0)]
    young = first + pd.Timedelta(days=min_history_days)
    is_old = np.asarray(origins)[:, None] >= young.to_numpy()[None]
    made = []
    for horizon in horizons:
        same = series.section.shift(-horizon) == series.filled_section
        actual = observed.mask(marked).shift(-horizon).where(same).loc[origins]
        scored = actual.notna().to_numpy() & is_old & series.filled.loc[origins].notna().to_numpy()
        at, zone = np.nonzero(scored)
        made.append(
            pd.DataFrame(
                {
                    "origin": origins[at].as_unit("ns"),
                    "zone": observed.columns[zone],
                    "section": series.filled_section.loc[origins].to_numpy()[scored],
                    "horizon": horizon,
                    "actual": actual.to_numpy()[scored],
                    "naive": series.filled.loc[origins].to_numpy()[scored],
                }
            )
        )
    return pd.concat(made, ignore_index=True)


def _marked(series: Panel, not_targets: pd.DataFrame | None) -> pd.DataFrame:
    marked = pd.DataFrame(False, index=series.observed.index, columns=series.observed.columns)
    if not_targets is not None:
        for day, zone in zip(pd.to_datetime(not_targets["date"]), not_targets["zone"], strict=True):
            if day in marked.index and zone in marked.columns:
                marked.loc[day, zone] = True
    return marked


def _baseline(series: Panel, cells: pd.DataFrame, name: str, horizons: Sequence[int]) -> pd.DataFrame:
    origins = pd.DatetimeIndex(cells["origin"].unique()).sort_values()
    parts = []
    for horizon in horizons:
        part = cells[cells["horizon"] == horizon]
        made = baselines.forecasts(series, name, origins, horizon)
        zones = series.observed.columns.get_indexer(pd.Index(part["zone"]))
        places = (origins.get_indexer(pd.Index(part["origin"])), zones)
        amounts = {column: part["naive"].to_numpy() * np.exp(grid[places]) for column, grid in made.items()}
        parts.append(part.assign(model=name, **amounts))
    # A baseline may look back further than a zone goes, and know no error of its own yet.
    return pd.concat(parts).dropna(subset=["predicted", *LEVELS])


def _on_cells(made: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    return cells.merge(made, on=["origin", "zone", "horizon"], how="inner", validate="one_to_many")


@dataclass(frozen=True)
class _Trained:
    """A block's training and forecasts; a `workers.Piece`."""

    prices: pd.DataFrame
    block: Block
    recipe: Recipe

    libraries = ("ephem", "hijridate")

    @property
    def name(self) -> str:
        version = predict.version_of(self.prices, self.block.origins[-1].date(), recipe=self.recipe)
        days = hashlib.sha256(repr([str(day) for day in self.block.origins]).encode()).hexdigest()[:8]
        return f"{version}-{self.block.cutoff:%Y-%m-%d}-{days}"

    def make(self, threads: int | None) -> pd.DataFrame:
        model = predict.train(self.prices, self.block.cutoff.date(), recipe=self.recipe, jobs=threads)
        known = Daily(panel(self.prices, until=self.block.origins[-1].date()))
        made = model.forecasts(known, list(self.block.origins))
        names = {"issued_on": "origin", "horizon_days": "horizon", "predicted_price": "predicted"}
        shaped = made.rename(columns=names).assign(model=OWN)
        return shaped[["model", "origin", "zone", "horizon", "predicted", *LEVELS]]
