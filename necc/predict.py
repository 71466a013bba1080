"""Daily prices -> a trained model -> forecasts 1 to 30 days ahead, with intervals, beside naive. Pure.

`learn` fits the models, `intervals` says how far the bounds reach; here they meet. Forecasts of later days than
the cut-off also learn, from the errors since then, how wide their intervals must be.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from necc import examples, features, intervals, learn, panel, versions
from necc.config import DEMO_LABEL
from necc.errors import NoDataError, UsageError
from necc.examples import Floats
from necc.feature_table import FEATURES
from necc.features import Daily
from necc.forecast_store import ModelRun
from necc.intervals import LEVELS
from necc.learn import HORIZONS_DAYS, Anchor, Recipe
from necc.panel import INPUT_FILL_DAYS, Panel

log = logging.getLogger("necc.predict")

MODEL_NAME = "pooled-changes"
MIN_HISTORY_DAYS = 400  # a year for the season, and something to learn from besides
MIN_ZONE_PRICES = 90  # fewer do not show how much a zone moves
SMALLEST_PRICE = 0.01  # what the table's two decimals can hold above zero


@dataclass(frozen=True)
class Issue:
    """The forecasts of one day.

    Args:
        issued_on: the day at whose end they are made.
        frame: long: zone, section, issued_on, target_date, horizon_days, predicted_price, lower_95,
            lower_80, upper_80, upper_95, naive_price (INR per 100 eggs, to 0.01), last_price_on (the day of
            naive's price). Sorted by zone and target.
        not_predicted: zone -> why it has no forecast, one line each.
        notes: what was decided about the series (spliced sections).
        starts: zone -> what its forecast starts from, where that is an older price or a doubted one.
    """

    issued_on: dt.date
    frame: pd.DataFrame
    not_predicted: Mapping[str, str]
    notes: tuple[str, ...]
    starts: Mapping[str, str]


@dataclass(frozen=True)
class Model:
    """A trained model.

    Args:
        run: what `forecast_store.save` keeps of it: name, version, training span, features, scores.
        recipe: how it was trained.
        anchors: what was learnt, one per anchor horizon.
    """

    run: ModelRun
    recipe: Recipe
    anchors: tuple[Anchor, ...]

    def predict(self, prices: pd.DataFrame, issued_on: dt.date) -> Issue:
        """Forecast every zone with a price within 7 days up to `issued_on`; later prices are not looked at.

        Raises:
            NoDataError: no zone can be predicted.
            UsageError: the model was trained with prices later than `issued_on`.
        """
        self._refuse_learnt_days(issued_on)
        series = panel.panel(prices, until=issued_on)
        refused = _not_predicted(series)
        for zone, reason in refused.items():
            log.info("zone %s is not predicted: %s", zone, reason)
        if len(refused) == series.observed.shape[1]:
            raise NoDataError(
                f"no zone has a price within {INPUT_FILL_DAYS} days up to {issued_on};"
                f" the newest is of {_last_days(series).max():%Y-%m-%d}: scrape first"
            )
        frame = self.forecasts(Daily(series), [pd.Timestamp(issued_on)])
        kept = frame[~frame["zone"].isin(refused)].reset_index(drop=True)
        return Issue(issued_on, kept, refused, series.notes, _starts(prices, kept))

    def _refuse_learnt_days(self, issued_on: dt.date) -> None:
        if issued_on < self.run.training_cutoff:
            raise UsageError(
                f"issued_on={issued_on}: the model knows prices up to {self.run.training_cutoff}; train an earlier one"
            )

    def forecasts(self, daily: Daily, origins: Sequence[pd.Timestamp]) -> pd.DataFrame:
        """The frame of an `Issue`, of several days at once: each row knows nothing after its own origin.

        Args:
            daily: of a panel that reaches to the last origin or beyond.
            origins: ascending, from the cut-off on.
        """
        from threadpoolctl import threadpool_limits

        self._refuse_learnt_days(origins[0].date())
        days = pd.DatetimeIndex(list(origins))
        with threadpool_limits(limits=1):  # the same sums on any machine; for so few rows, threads would rather wait
            parts = [_expected(daily, anchor, days) for anchor in self.anchors]
            reach = self._reach(daily, days)
        keys = parts[0][0]
        changes, spreads = (np.stack([part[place] for part in parts], axis=1) for place in (1, 2))
        reach = reach[days.get_indexer(keys.get_level_values("origin"))]
        trusted, shifts = (self._all_days(values) for values in (self.weights() * changes, spreads[:, None] * reach))
        return _frame(daily, keys, trusted, shifts)

    def _all_days(self, values: Floats) -> Floats:
        return learn.between(self.recipe.anchors_days, values, HORIZONS_DAYS)

    def _at_anchors(self, values: Floats) -> Floats:
        """From the calibrated horizons to all anchors."""
        return learn.between(self.recipe.calibrated_days, values, self.recipe.anchors_days)

    def weights(self) -> Floats:
        """What the changes of each anchor are multiplied by."""
        return self._at_anchors(np.array([anchor.weight for anchor in self.anchors if anchor.weight is not None]))

    def _reach(self, daily: Daily, days: pd.DatetimeIndex) -> Floats:
        """Origins × LEVELS × anchors: how many spreads the bounds lie away."""
        numbers, made = examples.day_numbers(days).tolist(), []
        for anchor in self.anchors:
            if anchor.scores is not None and anchor.weight is not None:
                since = self._scores_since(daily, anchor, anchor.weight, days[-1])
                made.append(intervals.bounds(anchor.scores.joined(since), numbers))
        return self._at_anchors(np.stack(made, axis=2))

    def _scores_since(self, daily: Daily, anchor: Anchor, weight: float, last: pd.Timestamp) -> intervals.Scores:
        """Scores of the model itself, from the cut-off on, on days whose prices have come."""
        first = pd.Timestamp(self.run.training_cutoff)
        end = last - pd.Timedelta(days=anchor.horizon_days)
        days = pd.date_range(first, max(first, end), freq=f"{self.recipe.trial_step_days}D")
        known = examples.of_zones(daily, anchor.horizon_days, pd.DatetimeIndex(days[days <= end]))
        if not len(known.change):
            return intervals.Scores(known.origin, known.change, anchor.horizon_days)
        error = known.change - weight * examples.cut(anchor.change.predict(known.rows))
        return intervals.Scores(known.origin, error / anchor.spread.predict(known.rows), anchor.horizon_days)


def _expected(daily: Daily, anchor: Anchor, days: pd.DatetimeIndex) -> tuple[pd.MultiIndex, Floats, Floats]:
    rows = features.matrix(daily, days, anchor.horizon_days)
    index = pd.MultiIndex.from_tuples(rows.index, names=rows.index.names)
    return index, examples.cut(anchor.change.predict(rows)), anchor.spread.predict(rows)


def train(prices: pd.DataFrame, cutoff: dt.date, *, recipe: Recipe | None = None, jobs: int | None = None) -> Model:
    """Train on every price up to and including `cutoff`; later ones change nothing.

    Args:
        prices: a long frame shaped like `necc.prices()`, in INR per 100 eggs.
        cutoff: the last day whose prices are known.
        recipe: how; the default is the one that was measured.
        jobs: fits at a time; as many as there are processors if not given. The result is the same.

    Raises:
        NoDataError: the history up to the cut-off is too short.
        UsageError: the frame is not one of prices per 100 eggs.
    """
    started = time.perf_counter()
    recipe = recipe or Recipe()
    series = panel.panel(prices, until=cutoff)
    _refuse_short(series)
    daily = Daily(series)
    anchors = tuple(learn.learn(daily, recipe, jobs))
    run = ModelRun(
        name=MODEL_NAME,
        version=versions.of_panel(series, cutoff, recipe),
        training_from=series.observed.index[0].date(),
        training_cutoff=cutoff,
        horizons_days=HORIZONS_DAYS,
        zones_count=series.observed.shape[1],
        rows_count=sum(anchor.rows_count for anchor in anchors),
        features=tuple(FEATURES),
        scores=_scores(daily, recipe, anchors),
        duration_ms=round(1000 * (time.perf_counter() - started)),
    )
    log.info("trained %s %s on %d rows in %d ms", run.name, run.version, run.rows_count, run.duration_ms)
    return Model(run, recipe, anchors)


def _scores(daily: Daily, recipe: Recipe, anchors: Sequence[Anchor]) -> dict[str, float | str]:
    first_fresh = learn.splits_at(daily, recipe)[0].date() + dt.timedelta(days=1)
    scores: dict[str, float | str] = {"calibration_from": str(first_fresh)}
    for anchor in anchors:
        if anchor.skill is not None and anchor.weight is not None:
            scores |= {f"skill_{anchor.horizon_days}d": anchor.skill, f"weight_{anchor.horizon_days}d": anchor.weight}
    return scores


def version_of(prices: pd.DataFrame, cutoff: dt.date, *, recipe: Recipe | None = None) -> str:
    """The version that `train` would give its model, without training.

    Raises:
        NoDataError, UsageError: as `train` does for the frame.
    """
    return versions.of_panel(panel.panel(prices, until=cutoff), cutoff, recipe or Recipe())


def _refuse_short(series: Panel) -> None:
    days = int(series.observed.notna().any(axis=1).sum())
    if days < MIN_HISTORY_DAYS:
        until = series.observed.index[-1]
        raise NoDataError(
            f"prices of {days} days up to {until:%Y-%m-%d}: wanted {MIN_HISTORY_DAYS} or more"
            " to predict; scrape earlier months first"
        )


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


def _starts(prices: pd.DataFrame, frame: pd.DataFrame) -> dict[str, str]:
    first = frame.drop_duplicates("zone")
    flags = prices["flag"].astype(str) if "flag" in prices else pd.Series("", index=prices.index)
    named = (
        prices[["zone", "section", "date"]].assign(doubt=flags.map(_doubt)).rename(columns={"date": "last_price_on"})
    )
    told = first.merge(named, how="left", on=["zone", "section", "last_price_on"])
    price = "its price of " + told["last_price_on"].dt.strftime("%Y-%m-%d")
    older = price.where(told["last_price_on"] < told["issued_on"], "")
    said = older.where(told["doubt"].eq(""), price + ", flagged: " + told["doubt"])
    return {zone: text for zone, text in zip(told["zone"], said, strict=True) if text}


def _doubt(flag: str) -> str:
    """The rules that doubt a price; that it is made up is no doubt."""
    return ", ".join(rule for rule in flag.split(", ") if rule not in {"", DEMO_LABEL})


def _frame(daily: Daily, keys: pd.MultiIndex, changes: Floats, shifts: Floats) -> pd.DataFrame:
    """Rows × 30 changes and rows × LEVELS × 30 shifts, log, as prices in a long frame."""
    origin, zone = (pd.Index(keys.get_level_values(name)) for name in ("origin", "zone"))
    places = (daily.days.get_indexer(pd.DatetimeIndex(origin)), daily.series.observed.columns.get_indexer(zone))
    naive = daily.series.filled.to_numpy(dtype=float)[places][:, None]
    age = daily.grids["price_age_days"][places]
    repeat = partial(np.repeat, repeats=len(HORIZONS_DAYS))
    horizons = np.tile(HORIZONS_DAYS, len(keys))
    issued = pd.DatetimeIndex(repeat(origin.to_numpy()))
    frame = pd.DataFrame(
        {
            "zone": repeat(zone.to_numpy()),
            "section": repeat(daily.series.filled_section.to_numpy()[places]),
            "issued_on": issued,
            "target_date": issued + pd.to_timedelta(horizons, unit="D"),
            "horizon_days": horizons,
            "predicted_price": _price(naive * np.exp(changes)),
            **{name: _price(naive * np.exp(changes + shifts[:, place])) for place, name in enumerate(LEVELS)},
            "naive_price": repeat(_price(naive)),
            "last_price_on": issued - pd.to_timedelta(repeat(age), unit="D"),
        }
    )
    return frame.astype(dict.fromkeys(("issued_on", "target_date", "last_price_on"), "datetime64[ns]"))


def _price(values: Floats) -> Floats:
    return np.maximum(np.round(values, 2), SMALLEST_PRICE).ravel()
