"""Daily prices -> a trained model -> forecasts 1 to 30 days ahead, with intervals, beside naive. Pure.

One pooled model per anchor horizon predicts the *change* of the logarithm of the price from the origin to
the target, for all zones together; horizons in between are interpolated. Trees on price levels cannot go
beyond what they have seen, trees on changes can. Intervals are split-conformal: a first model, fitted
without the newest span, shows on that span how wrong such forecasts are; the errors are scaled by how much
each zone has moved lately. The same span says how far to trust each anchor: its changes are multiplied by a weight
between 0 (naive) and 1. The model that predicts is then fitted on everything up to the cut-off.

For speed only every third day serves as an origin of training (3 and 7 share no divisor, so that every
weekday comes up as often). Same input, same output: each fit runs on one thread, several side by side.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc import features
from necc.errors import NoDataError, UsageError
from necc.features import FEATURES, INPUT_FILL_DAYS, Panel
from necc.forecast_store import ModelRun

log = logging.getLogger("necc.predict")

MODEL_NAME = "pooled-boosting"
HORIZONS_DAYS = tuple(range(1, 31))
MIN_HISTORY_DAYS = 400  # a year for the season, and something to learn from besides
MIN_ZONE_PRICES = 90  # fewer do not show how much a zone moves
MIN_EXAMPLES = 200  # (origin, zone) pairs of one horizon; fewer teach the trees nothing
LARGEST_CHANGE = 0.35  # log; larger changes within 30 days were typing errors, or once in 15 years
LEVELS = {"lower_95": 0.025, "lower_80": 0.1, "upper_80": 0.9, "upper_95": 0.975}
LEAST_SHARE_OF_MEDIAN_SCALE = 0.25  # a zone that rested lately still may move
WEIGHTS = np.linspace(0, 1, 11)  # finer steps would only follow the noise of one span
SMALLEST_SCALE = 1e-4  # log; keeps the division defined where no zone moved for months
SMALLEST_PRICE = 0.01  # what the table's two decimals can hold above zero

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; part of its version.

    Args:
        anchors_days: horizons with a model of their own, ascending, from 1 to 30.
        iterations: trees per horizon.
        learning_rate: how far each tree goes.
        leaves: leaves per tree.
        smallest_leaf: examples in a leaf.
        feature_share: share of the features that each split may look at.
        origin_step_days: every so manieth day is an origin of training.
        calibration_days: the newest span, left out of the first fit; a third of the history if that is less.
    """

    anchors_days: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 14, 21, 30)
    iterations: int = 100
    learning_rate: float = 0.1
    leaves: int = 8
    smallest_leaf: int = 100
    feature_share: float = 0.3
    origin_step_days: int = 3
    calibration_days: int = 730
    seed: int = 0

    def __post_init__(self) -> None:
        anchors = self.anchors_days
        ends = (HORIZONS_DAYS[0], HORIZONS_DAYS[-1])
        if anchors[:1] + anchors[-1:] != ends or list(anchors) != sorted(set(anchors)):
            raise UsageError(f"anchors_days={anchors}: wanted ascending days from {ends[0]} to {ends[1]}")


@dataclass(frozen=True)
class Examples:
    """What one horizon is learnt from. Grain: one row per (origin, zone) whose target is known.

    Args:
        rows: the feature matrix.
        change: log change from the origin's (filled) price to the target's observed one, cut at ±0.35.
        scale: how much the zone moved lately, mean absolute log change per day.
        target: the target day.
    """

    rows: pd.DataFrame
    change: Floats
    scale: Floats
    target: pd.DatetimeIndex

    def where(self, keep: npt.NDArray[np.bool_]) -> Examples:
        """The examples that are kept."""
        return Examples(self.rows[keep], self.change[keep], self.scale[keep], self.target[keep])


@dataclass(frozen=True)
class Issue:
    """The forecasts of one day.

    Args:
        issued_on: the day at whose end they are made.
        frame: long: zone, section, issued_on, target_date, horizon_days, predicted_price, lower_80,
            upper_80, lower_95, upper_95, naive_price (INR per 100 eggs, to 0.01), last_price_on (the day of
            naive's price). Sorted by zone and target.
        not_predicted: zone -> why it has no forecast, one line each.
        notes: what was decided about the series (spliced sections).
    """

    issued_on: dt.date
    frame: pd.DataFrame
    not_predicted: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A trained model: one estimator per anchor, and how wrong such estimators were.

    Args:
        run: what `forecast_store.save` keeps of it: name, version, training span, features, scores.
        recipe: how it was trained.
        estimators: fitted scikit-learn regressors, one per anchor.
        weights: per anchor, how far its changes are trusted: 0 is naive.
        errors: anchors × LEVELS: quantiles of the scaled errors.
    """

    run: ModelRun
    recipe: Recipe
    estimators: tuple[Any, ...]
    weights: Floats
    errors: Floats

    def predict(self, prices: pd.DataFrame, issued_on: dt.date) -> Issue:
        """Forecast every zone with a price within 7 days up to `issued_on`; later prices are not looked at.

        Raises:
            NoDataError: no zone can be predicted.
            UsageError: the model was trained with prices later than `issued_on`.
        """
        if issued_on < self.run.training_cutoff:
            raise UsageError(
                f"issued_on={issued_on}: the model knows prices up to {self.run.training_cutoff}; train an earlier one"
            )
        series = features.panel(prices, until=issued_on)
        refused = _not_predicted(series)
        zones = [str(zone) for zone in series.observed.columns if zone not in refused]
        if not zones:
            raise NoDataError(
                f"no zone has a price within {INPUT_FILL_DAYS} days up to {issued_on};"
                f" the newest is of {_last_days(series).max():%Y-%m-%d}: scrape first"
            )
        for zone, reason in refused.items():
            log.info("zone %s is not predicted: %s", zone, reason)
        daily = features.daily_features(series)
        changes = self._changes(series, zones, daily)
        bounds = self.errors[None] * _scale(daily).iloc[-1][zones].to_numpy()[:, None, None]
        return Issue(issued_on, _frame(series, zones, self.recipe, changes, bounds), refused, series.notes)

    def _changes(self, series: Panel, zones: list[str], daily: features.Frames) -> Floats:
        """Zones × anchors: the log changes expected from the panel's last day."""
        origin, columns = series.observed.index[-1:], []
        for estimator, horizon in zip(self.estimators, self.recipe.anchors_days, strict=True):
            rows = features.matrix(series, origin, horizon, daily=daily).droplevel("origin").loc[zones]
            columns.append(_cut(estimator.predict(rows.to_numpy())))
        return np.stack(columns, axis=1) * self.weights


def train(prices: pd.DataFrame, cutoff: dt.date, *, recipe: Recipe | None = None) -> Model:
    """Train on every price up to and including `cutoff`; later ones change nothing.

    Args:
        prices: a long frame shaped like `necc.prices()`, in INR per 100 eggs.
        cutoff: the last day whose prices are known.
        recipe: how; the default is the one that was measured.

    Raises:
        NoDataError: the history up to the cut-off is too short.
        UsageError: the frame is not one of prices per 100 eggs.
    """
    started = time.perf_counter()
    recipe = recipe or Recipe()
    series = features.panel(prices, until=cutoff)
    priced_days = _priced_days(series)
    known = _examples(series, recipe)
    split = pd.Timestamp(cutoff) - pd.Timedelta(days=min(recipe.calibration_days, priced_days // 3))
    trial = _fit([part.where(np.asarray(part.target <= split)) for part in known], recipe)
    fresh = [part.where(np.asarray(part.rows.index.get_level_values("origin") > split)) for part in known]
    weights, errors, scores = _calibrate(trial, fresh, recipe)
    estimators = _fit(known, recipe)
    run = ModelRun(
        name=MODEL_NAME,
        version=_version(series, cutoff, recipe),
        training_from=series.observed.index[0].date(),
        training_cutoff=cutoff,
        horizons_days=HORIZONS_DAYS,
        zones_count=series.observed.shape[1],
        rows_count=sum(len(part.change) for part in known),
        features=tuple(FEATURES),
        scores={**scores, "calibration_from": str(split.date() + dt.timedelta(days=1))},
        duration_ms=round(1000 * (time.perf_counter() - started)),
    )
    log.info("trained %s %s on %d rows in %d ms", run.name, run.version, run.rows_count, run.duration_ms)
    return Model(run, recipe, estimators, weights, errors)


def version_of(prices: pd.DataFrame, cutoff: dt.date, *, recipe: Recipe | None = None) -> str:
    """The version that `train` would give its model, without training.

    Raises:
        NoDataError, UsageError: as `train` does for the frame.
    """
    return _version(features.panel(prices, until=cutoff), cutoff, recipe or Recipe())


def _version(series: Panel, cutoff: dt.date, recipe: Recipe) -> str:
    """A hash of the code, the estimators' code (by its release), features, recipe, cut-off and prices."""
    import sklearn

    digest = hashlib.sha256()
    for path in (features.__file__, __file__):
        digest.update(Path(path).read_text(encoding="utf-8").encode())  # line ends do not count
    digest.update(repr((sklearn.__version__, tuple(FEATURES), asdict(recipe), cutoff.isoformat())).encode())
    digest.update(repr((tuple(series.observed.columns), series.observed.index[0])).encode())
    digest.update(series.observed.to_numpy(dtype=float).tobytes())
    digest.update(repr(series.section.to_numpy().tolist()).encode())
    return digest.hexdigest()[:16]


def _priced_days(series: Panel) -> int:
    """How many days have a price of any zone."""
    days = int(series.observed.notna().any(axis=1).sum())
    if days < MIN_HISTORY_DAYS:
        until = series.observed.index[-1]
        raise NoDataError(
            f"prices of {days} days up to {until:%Y-%m-%d}: wanted {MIN_HISTORY_DAYS} or more"
            " to predict; scrape earlier months first"
        )
    return days


def _last_days(series: Panel) -> pd.Series[Any]:
    """The day of each zone's last price."""
    return series.observed.apply(pd.Series.last_valid_index)


def _not_predicted(series: Panel) -> dict[str, str]:
    today, last, count = series.observed.index[-1], _last_days(series), series.observed.count()
    reasons = {}
    for zone in series.observed.columns:
        if (today - last[zone]).days > INPUT_FILL_DAYS:
            reasons[str(zone)] = (
                f"last price on {last[zone]:%Y-%m-%d}, more than {INPUT_FILL_DAYS} days before {today:%Y-%m-%d}"
            )
        elif count[zone] < MIN_ZONE_PRICES:
            reasons[str(zone)] = f"only {count[zone]} prices, wanted {MIN_ZONE_PRICES}"
    return reasons


def _scale(daily: features.Frames) -> pd.DataFrame:
    """Days × zones: the mean size of a day's move over 91 days, not below a quarter of the median zone's."""
    size = daily["volatility_91d"]
    median = size.median(axis=1)
    known: pd.DataFrame = size.apply(lambda column: column.fillna(median))
    return known.clip(lower=median * LEAST_SHARE_OF_MEDIAN_SCALE, axis=0).clip(lower=SMALLEST_SCALE)


def _examples(series: Panel, recipe: Recipe) -> list[Examples]:
    daily = features.daily_features(series)
    scale = _scale(daily)
    origins = pd.DatetimeIndex(series.observed.index[::-1][:: recipe.origin_step_days][::-1])
    return [_example(series, origins, horizon, daily, scale) for horizon in recipe.anchors_days]


def _example(
    series: Panel, origins: pd.DatetimeIndex, horizon: int, daily: features.Frames, scale: pd.DataFrame
) -> Examples:
    """Targets are observed prices of the section that the origin's price stands in."""
    same = series.section.shift(-horizon) == series.filled_section
    change = (series.observed.apply(np.log).shift(-horizon) - series.log_filled).where(same)
    rows = features.matrix(series, origins, horizon, daily=daily)
    day, zone = (rows.index.get_level_values(name) for name in ("origin", "zone"))
    places = (series.observed.index.get_indexer(day), series.observed.columns.get_indexer(zone))
    changes = change.to_numpy()[places]
    target = pd.DatetimeIndex(day) + pd.Timedelta(days=horizon)
    known = Examples(rows, _cut(changes), scale.to_numpy()[places], target)
    return known.where(~np.isnan(changes) & ~np.isnan(known.scale))


def _cut(changes: Floats) -> Floats:
    return np.clip(changes, -LARGEST_CHANGE, LARGEST_CHANGE)


def _fit(parts: Sequence[Examples], recipe: Recipe) -> tuple[Any, ...]:
    """One estimator per anchor; as many fits at a time as there are processors to use."""
    import joblib

    for part, horizon in zip(parts, recipe.anchors_days, strict=True):
        if len(part.change) < MIN_EXAMPLES:
            raise NoDataError(
                f"only {len(part.change)} examples of {horizon} days ahead, wanted {MIN_EXAMPLES}: scrape more months"
            )
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        return tuple(pool.map(partial(_fit_one, recipe=recipe), parts))


def _fit_one(part: Examples, *, recipe: Recipe) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    estimator = HistGradientBoostingRegressor(
        loss="absolute_error",
        learning_rate=recipe.learning_rate,
        max_iter=recipe.iterations,
        max_leaf_nodes=recipe.leaves,
        min_samples_leaf=recipe.smallest_leaf,
        max_features=recipe.feature_share,
        early_stopping=False,
        random_state=recipe.seed,
    )
    with threadpool_limits(limits=1, user_api="openmp"):  # sums over threads would come in any order
        return estimator.fit(part.rows.to_numpy(), part.change)


def _calibrate(
    trial: Sequence[Any], fresh: Sequence[Examples], recipe: Recipe
) -> tuple[Floats, Floats, dict[str, float | str]]:
    """On days the trial never saw: per anchor its weight, the quantiles of its errors, and its bare skill."""
    weights: list[float] = []
    quantiles: list[Floats] = []
    scores: dict[str, float | str] = {}
    for estimator, part, horizon in zip(trial, fresh, recipe.anchors_days, strict=True):
        if len(part.change) < MIN_EXAMPLES:
            raise NoDataError(f"only {len(part.change)} examples to calibrate with, wanted {MIN_EXAMPLES}")
        made = _cut(estimator.predict(part.rows.to_numpy()))
        weight = _weight(made, part.change)
        weights.append(weight)
        quantiles.append(_quantiles((part.change - weight * made) / part.scale))
        scores |= {f"skill_{horizon}d": _skill(made, part.change), f"weight_{horizon}d": weight}
    return np.array(weights), np.stack(quantiles), scores


def _weight(made: Floats, change: Floats) -> float:
    """The share of the predicted changes that comes closest to what came; the smallest one of equals."""
    losses = [float(np.abs(change - weight * made).mean()) for weight in WEIGHTS]
    return round(float(WEIGHTS[int(np.argmin(losses))]), 1)


def _skill(made: Floats, change: Floats) -> float:
    """1 less the mean absolute error over that of naive, in log change; 0 where nothing moved."""
    naive = float(np.abs(change).mean())
    return round(1 - float(np.abs(change - made).mean()) / naive, 4) if naive else 0.0


def _quantiles(scaled: Floats) -> Floats:
    """The LEVELS of the errors, moved outwards for the finite sample, the lower ones ≤ 0 ≤ the upper ones."""
    found = np.quantile(scaled, [level + (level - 0.5) / len(scaled) for level in LEVELS.values()])
    return np.concatenate([np.minimum(found[:2], 0), np.maximum(found[2:], 0)])


def _between_anchors(anchors_days: Sequence[int], values: Floats) -> Floats:
    """(..., anchors) -> (..., 30): straight lines between the anchors, in log change."""
    weights = np.stack([np.interp(HORIZONS_DAYS, anchors_days, row) for row in np.eye(len(anchors_days))])
    return np.asarray(values @ weights)


def _frame(series: Panel, zones: list[str], recipe: Recipe, changes: Floats, bounds: Floats) -> pd.DataFrame:
    """Zones × anchors changes and zones × anchors × LEVELS bounds, as prices in a long frame."""
    origin = series.observed.index[-1]
    naive = series.filled.iloc[-1][zones].to_numpy()[:, None]
    change = _between_anchors(recipe.anchors_days, changes)
    shifts = _between_anchors(recipe.anchors_days, np.moveaxis(bounds, 2, 0))
    horizons = np.tile(HORIZONS_DAYS, len(zones))
    repeat = partial(np.repeat, repeats=len(HORIZONS_DAYS))
    frame = pd.DataFrame(
        {
            "zone": repeat(zones),
            "section": repeat(series.filled_section.iloc[-1][zones].to_numpy()),
            "issued_on": origin,
            "target_date": origin + pd.to_timedelta(horizons, unit="D"),
            "horizon_days": horizons,
            "predicted_price": _price(naive * np.exp(change)),
            **{name: _price(naive * np.exp(change + shift)) for name, shift in zip(LEVELS, shifts, strict=True)},
            "naive_price": repeat(_price(naive)),
            "last_price_on": repeat(_last_days(series)[zones].to_numpy()),
        }
    )
    return frame.astype(dict.fromkeys(("issued_on", "target_date", "last_price_on"), "datetime64[ns]"))


def _price(values: Floats) -> Floats:
    return np.maximum(np.round(values, 2), SMALLEST_PRICE).ravel()
