"""Prices and origins -> what would have been forecast, beside the baselines and what came. Pure but for a folder.

Rolling origin: at each origin a forecast knows the prices up to that day and nothing else. Models are refitted
every 26 weeks; in between they stay. A zone is scored at an origin if its prices reach three years back and it
has one of at most 7 days before; only printed prices of the same section are targets.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from necc import baselines, predict
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
    jobs: int = 1,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Forecast past days as they would have been forecast then.

    Args:
        prices: a long frame shaped like `necc.prices()`, in INR per 100 eggs.
        origins: days at whose end forecasts are made; their prices must be in the frame.
        horizons: days ahead, 1 to 30.
        models: of MODELS.
        refit_weeks: how long a trained model serves.
        min_history_days: a zone whose first price is younger at an origin is not scored there.
        not_targets: columns date and zone: prices known to be mistyped; they are not scored.
        recipe: how the model is trained.
        jobs: blocks trained at a time, each in a process of its own.
        folder: keeps each finished block, so that a run that was stopped goes on where it was.
        progress: called with the blocks done and all blocks.

    Returns:
        One row per origin, zone, horizon and model, sorted so: origin, zone, section, horizon (days), model,
        predicted, lower_80, upper_80, lower_95, upper_95, actual, naive; INR per 100 eggs.

    Raises:
        UsageError: a horizon, a model or an origin that cannot be.
        NoDataError: too short a history before the first origin.
    """
    _refuse_unknown(horizons, models)
    splitter = RollingOrigin(origins, horizon_days=max(horizons), refit_weeks=refit_weeks)
    series = panel(prices)
    if not splitter.origins.isin(series.observed.index).all():
        raise UsageError(f"origins: wanted days from {series.observed.index[0]:%Y-%m-%d} to the last price")
    cells = _cells(series, splitter.origins, horizons, min_history_days, not_targets)
    if cells.empty:
        raise NoDataError(f"no zone with {min_history_days} days of history at any origin, and a price to compare with")
    parts = [_baseline(series, cells, name, horizons) for name in baselines.BASELINES if name in models]
    if OWN in models:
        blocks = _Blocks(prices, recipe or Recipe(), folder)
        parts.append(_on_cells(blocks.run(splitter.blocks(), jobs, progress), cells))
    return _sorted(pd.concat(parts, ignore_index=True))


def _refuse_unknown(horizons: Sequence[int], models: Sequence[str]) -> None:
    if not horizons or not set(horizons) <= set(HORIZONS_DAYS):
        raise UsageError(f"horizons={tuple(horizons)}: wanted days from {HORIZONS_DAYS[0]} to {HORIZONS_DAYS[-1]}")
    unknown = sorted(set(models) - set(MODELS))
    if unknown or not models:
        raise UsageError(f"model {', '.join(unknown) or '(none)'}: wanted some of {', '.join(MODELS)}")


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
                    "origin": origins[at],
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
    return cells.merge(made, on=["origin", "zone", "horizon"], how="inner", validate="one_to_one").assign(model=OWN)


class _Blocks:
    """Trains and forecasts block by block, or reads what an earlier run has left."""

    def __init__(self, prices: pd.DataFrame, recipe: Recipe, folder: Path | None) -> None:
        self.prices = prices[["date", "zone", "section", "price"]]
        self.recipe = recipe
        self.folder = folder

    def run(self, blocks: list[Block], jobs: int, progress: Callable[[int, int], None] | None) -> pd.DataFrame:
        import joblib

        threads = None if jobs == 1 else 1
        tasks = (joblib.delayed(self._one)(block, threads) for block in blocks)
        found: list[pd.DataFrame] = []
        for part in joblib.Parallel(n_jobs=jobs, return_as="generator")(tasks):
            found.append(part)
            if progress:
                progress(len(found), len(blocks))
        return pd.concat(found, ignore_index=True)

    def _one(self, block: Block, threads: int | None) -> pd.DataFrame:
        kept = self._file(block)
        if kept is not None and kept.exists():
            found: pd.DataFrame = pd.read_csv(kept, parse_dates=["origin"])
            return found
        made = self._forecast(block, threads)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            partial = kept.with_suffix(".part")
            made.to_csv(partial, index=False)
            partial.replace(kept)
        return made

    def _forecast(self, block: Block, threads: int | None) -> pd.DataFrame:
        model = predict.train(self.prices, block.cutoff.date(), recipe=self.recipe, jobs=threads)
        known = Daily(panel(self.prices, until=block.origins[-1].date()))
        made = model.forecasts(known, list(block.origins))
        names = {"issued_on": "origin", "horizon_days": "horizon", "predicted_price": "predicted"}
        shaped: pd.DataFrame = made.rename(columns=names)[["origin", "zone", "horizon", "predicted", *LEVELS]]
        return shaped

    def _file(self, block: Block) -> Path | None:
        if self.folder is None:
            return None
        version = predict.version_of(self.prices, block.origins[-1].date(), recipe=self.recipe)
        days = hashlib.sha256(repr([str(day) for day in block.origins]).encode()).hexdigest()[:8]
        return self.folder / f"{version}-{block.cutoff:%Y-%m-%d}-{days}.csv"
