"""Where naive has been closer than the model of late, naive's price is given instead. Pure.

The rule looks at one zone, section and horizon at a time, over the target days of the last 26 weeks. It judges
the model by its own forecasts: those are kept under the model's name whatever is given, and what is given
instead is kept beside them under NAIVE_FALLBACK. So the model's record goes on while naive is given, and the
model comes back by itself as soon as it is the closer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from necc.config import NAIVE_FALLBACK
from necc.forecast_store import ModelRun

WINDOW_DAYS = 26 * 7
# Forecasts made on neighbouring days share most of their days: twenty of them, 30 days ahead, tell little more than
# one. So weeks are counted, not forecasts: half of the window, which somebody who predicts once a week reaches too.
MIN_WEEKS = 13
CELL = ["zone", "section", "horizon_days"]
LOWER, UPPER = ["lower_80", "lower_95"], ["upper_80", "upper_95"]


def naive_won(record: pd.DataFrame) -> pd.DataFrame:
    """The cells (zone, section, horizon) in which naive was closer than the model; a draw is the model's.

    Args:
        record: one row per cell: CELL, weeks_count (weeks with a target day that has met its price), mae and
            naive_mae of the model's own forecasts over the last WINDOW_DAYS, as `scorecard.record` gives it.

    Returns:
        CELL of those with MIN_WEEKS or more, sorted.
    """
    is_known, is_lost = record["weeks_count"] >= MIN_WEEKS, record["mae"] > record["naive_mae"]
    return record.loc[is_known & is_lost, CELL].sort_values(CELL, ignore_index=True)


def given_instead(made: pd.DataFrame, won: pd.DataFrame) -> pd.DataFrame:
    """The forecasts to give instead of the model's: naive's price, in the model's interval.

    The interval is stretched where it does not hold naive's price, never narrowed: it keeps what the model's promises.

    Args:
        made: a model's forecasts, as `forecast_store.save` takes them, with `horizon_days`. Not changed.
        won: the cells that naive won.

    Returns:
        As `made`, the rows of these cells only.
    """
    cells = pd.MultiIndex.from_frame(made[CELL]).isin(pd.MultiIndex.from_frame(won[CELL]))
    rows = made[cells].reset_index(drop=True)
    naive = rows["naive_price"].to_numpy()[:, None]
    rows[LOWER], rows[UPPER] = np.minimum(rows[LOWER], naive), np.maximum(rows[UPPER], naive)
    return rows.assign(predicted_price=rows["naive_price"])


def run_of(model: ModelRun, instead: pd.DataFrame) -> ModelRun:
    """What is kept of the rule: the model it stands in for (by its version too) and what it asked for."""
    rule: dict[str, float | str] = {"instead_of": model.name, "window_days": WINDOW_DAYS, "min_weeks": MIN_WEEKS}
    horizons = tuple(sorted({int(days) for days in instead["horizon_days"]}))
    return replace(model, name=NAIVE_FALLBACK, horizons_days=horizons, features=(), scores=rule, duration_ms=0)


def described(won: pd.DataFrame) -> dict[str, str]:
    """Zone -> how many days ahead naive won, as "1 to 3, 7"."""
    by_zone = won.groupby("zone", sort=True)["horizon_days"]
    return {str(zone): _spans(sorted({int(days) for days in horizons})) for zone, horizons in by_zone}


def _spans(days: Sequence[int]) -> str:
    ends = [0, *(place for place, (one, other) in enumerate(pairwise(days), start=1) if other > one + 1), len(days)]
    spans = [(days[first], days[last - 1]) for first, last in pairwise(ends)]
    return ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in spans)
