"""A forecast -> how much each group of features moved it, in INR per 100 eggs. Pure: exact Shapley values.

A group that is left out takes the values of past days of the same zone, and the forecasts that follow are averaged.
What a group adds depends on which others are there already, so it is averaged over every order in which they may
come. It tells what moved the model; what moves the market nobody knows.
"""

# Five groups make 32 sets, so nothing has to be sampled. The library for such values, shap, knows single columns:
# it would need a masker of ours for the groups and for the two models that a day between anchors is read from, and
# brings a compiler with it (numba, llvmlite) for the sum that stands in `shapley`.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc import examples, features, learn
from necc.errors import NoDataError
from necc.feature_table import FEATURES, GROUPS
from necc.features import Daily
from necc.predict import Model

# Whole years, or the usual day would have a season of its own; few, as the market of ten years ago was another one.
USUAL_YEARS = 3
YEAR_DAYS = 365
USUAL_DAYS = 100  # one in eleven of three years: every weekday as often

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Attribution:
    """What moved one forecast: `forecast` is `usual` and the sum of the contributions.

    Args:
        forecast: the model's, INR per 100 eggs, not rounded.
        usual: its mean forecast from the same price, had the features been those of a usual day.
        contributions: group of features -> what it added, INR per 100 eggs.
        usual_days: the past days that stand for a usual one.
        features: the features at the day of issue, those of the target's horizon.
        usual_features: their means over the usual days; NaN where none knows them.
    """

    forecast: float
    usual: float
    contributions: Mapping[str, float]
    usual_days: pd.DatetimeIndex
    features: Mapping[str, float]
    usual_features: Mapping[str, float]


def attribute(model: Model, daily: Daily, zone: str, origin: pd.Timestamp, horizon_days: int) -> Attribution:
    """Explain the model's own forecast of a zone, made at the end of `origin`; later days are not looked at.

    Args:
        model: a trained one.
        daily: of a panel that reaches to the origin or beyond.
        zone: a slug of the panel, with a price of at most 7 days before the origin.
        origin: the day of issue.
        horizon_days: 1 to 30.

    Raises:
        NoDataError: the zone has no earlier day to compare with.
    """
    usual = usual_days(daily, zone, origin)
    worth = _worth(model, daily, zone, usual, origin, horizon_days)
    rows = zone_rows(daily, zone, usual, origin, horizon_days)
    added = dict(zip(GROUPS, shapley(worth).tolist(), strict=True))
    today, means = (dict(line) for line in (rows.iloc[-1], rows.iloc[:-1].mean()))
    return Attribution(float(worth[-1]), float(worth[0]), added, usual, today, means)


def usual_days(daily: Daily, zone: str, origin: pd.Timestamp) -> pd.DatetimeIndex:
    """Past days with a price of the zone, evenly spread over the three years before the origin, or what there is.

    Raises:
        NoDataError: there is none.
    """
    today = int(daily.days.get_indexer(pd.DatetimeIndex([origin]))[0])
    known = today - min(learn.WARM_UP_DAYS, today // 3)
    span = min(known // YEAR_DAYS, USUAL_YEARS) * YEAR_DAYS or known
    priced = ~np.isnan(daily.log[today - span : today, daily.zones.index(zone)])
    places = today - span + np.flatnonzero(priced)
    if not len(places):
        raise NoDataError(f"{zone}: no day before {origin:%Y-%m-%d} to compare its forecast with")
    even = np.linspace(0, len(places) - 1, min(USUAL_DAYS, len(places))).round().astype(int)
    return pd.DatetimeIndex(daily.days[places[even]])


def zone_rows(daily: Daily, zone: str, past: pd.DatetimeIndex, origin: pd.Timestamp, horizon_days: int) -> pd.DataFrame:
    """The features of a zone: a row for each of these past days, and last the origin's.

    Args:
        daily: of a panel that reaches to the origin or beyond.
        zone: a slug of the panel, with a price of at most 7 days before each of the days.
        past: days before the origin.
        origin: the day that they are compared with.
        horizon_days: 1 to 30.
    """
    rows = features.matrix(daily, [*past, origin], horizon_days)
    return rows[rows.index.get_level_values("zone") == zone].droplevel("zone")


def shapley(worth: Floats) -> Floats:
    """What each player adds, on average over all orders in which they may come.

    Args:
        worth: of every set of players; bit i of a set's place tells whether player i is in it.
    """
    players, sets = len(worth).bit_length() - 1, np.arange(len(worth))
    added = []
    for player in range(players):
        without = sets[sets >> player & 1 == 0]
        orders = np.array([1 / (players * comb(players - 1, int(others).bit_count())) for others in without])
        added.append(orders @ (worth[without | 1 << player] - worth[without]))
    return np.array(added)


def _worth(
    model: Model, daily: Daily, zone: str, usual: pd.DatetimeIndex, origin: pd.Timestamp, horizon_days: int
) -> Floats:
    """The mean forecast of each set of groups: those in it as at the origin, the others as on each usual day."""
    change: Floats = np.zeros(2 ** len(GROUPS) * len(usual))
    for anchor, share in zip(model.anchors, _shares(model, horizon_days), strict=True):
        if share:
            rows = zone_rows(daily, zone, usual, origin, anchor.horizon_days)
            change += share * examples.cut(anchor.change.predict(_mixed(rows, zone)))
    start = float(daily.series.filled[zone].loc[origin])
    return np.asarray(start * np.exp(change).reshape(2 ** len(GROUPS), -1).mean(axis=1))


def _shares(model: Model, horizon_days: int) -> Floats:
    """What the change of each anchor counts for at a horizon: its weight, and how near it lies."""
    at = model.recipe.anchors_days
    near = learn.between(at, np.eye(len(at)), [horizon_days])[:, 0]
    return model.weights() * near


def _mixed(rows: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Sets × days before the last: the features of the set's groups as in the last row, the others as they were."""
    values = rows.to_numpy()
    group = np.array([GROUPS.index(FEATURES[name].group) for name in rows.columns])
    is_in = np.arange(2 ** len(GROUPS))[:, None] >> group & 1 == 1
    made = np.where(is_in[:, None, :], values[-1], values[:-1])
    table = made.reshape(-1, values.shape[1])
    index = pd.MultiIndex.from_product([range(len(table)), [zone]], names=["origin", "zone"])
    return pd.DataFrame(table, index, rows.columns)
