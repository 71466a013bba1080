"""A panel -> fitted estimators, and the errors of forecasts that were not learnt from. Pure.

One pooled model per anchor horizon predicts the *change* of the logarithm of the price, for all zones together, and
within it one the mean change of all: the first is told some of the days, the second each of them.
Trees on price levels cannot go beyond what they have seen; on changes they can.

The newest five years serve twice. First they are left out, fold by fold: a trial model, fitted on what lies before
a fold, shows on the fold how wrong such forecasts are and how far to trust them. Then the models that predict
are fitted on everything up to the cut-off. Same input, same output: each fit runs on one thread, and several at a
time in processes of their own. Threads would share the filters of Python's warnings, which scikit-learn sets anew
in each fit: two at once lose them, and every warning is shown from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from necc import examples
from necc.errors import NoDataError, UsageError
from necc.examples import Examples, Floats, cut, day_numbers
from necc.features import Daily
from necc.intervals import Scores

HORIZONS_DAYS = tuple(range(1, 31))
MIN_EXAMPLES = 200  # (origin, zone) pairs of one horizon; fewer teach the trees nothing
WARM_UP_DAYS = 400  # the first origins lack a year of look-back; a third of the history if that is less
# Not at all, half or whole. Steps of a tenth, up to 1.3, followed the noise of their span: over 2020-04..2023-02
# they made skill at 14 days .196 where the whole change had .214, and .316 instead of .322 at 30 days.
WEIGHTS = (0.0, 0.5, 1.0)
# The part of the view by nation and zones grows with the days ahead: none for tomorrow, two fifths at 3 days, from 6
# days on this. Over 2012-04..2023-02, each year forecast by a model of all the others, skill at 7, 14 and 30 days was
# .218, .275 and .341 with .8; .220, .279 and .342 with .9; .221, .280 and .340 with all. Refitted yearly over
# 2014-04..2023-02 it was .200, .253 and .327; .200, .254 and .326; .200, .254 and .323. A whole part for tomorrow would
# halve the skill there.
LARGEST_NATION = 0.9
DAYS_TO_ALL_NATION = 5
# The part of `moves` by days ahead, straight lines between. Over the same years, each left out, it raised skill from
# .226 to .245 at 3 days, from .212 to .219 at 5 and from .202 to .205 at 7; refitted yearly from .201 to .210 at 5 days
# and from .187 to .189 at 7. Ten days ahead, when no zone rests, it gained .001, and was not worth the time.
MOVES = {1: 0.8, 3: 0.7, 5: 0.4, 7: 0.2, 10: 0.0}
# How wild a market is, trees learn from single episodes. With half a line beside them the loss of the inner bounds at
# 7, 14 and 30 days was less by .8, .8 and 1.3 % over the same years, of the outer ones by 1.5, 1.9 and 2.5 %; at 3 days
# by .1 and .8 %. A day ahead it was 1 % more: half the prices rest, and of that trees know more.
LINE_OF_SPREAD, FIRST_DAY_OF_LINE = 0.5, 3
# A trial's model is up to twenty months old when it forecasts, and knew fewer years than the one that predicts: a week
# ahead and further, its scores are a little too large. Over 2014-04..2023-02, refitted every year and used for half of
# it, the 80 % interval of 7, 14 and 30 days held .817, .822 and .827 with the whole scores, .802, .804 and .806 with
# this share, and the loss of the inner bounds was .2, .2 and .6 % less. One and three days ahead it is level.
TRIAL_SHARE, FIRST_DAY_OF_SHARE = 0.95, 7


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; part of its version.

    Args:
        anchors_days: horizons with a model of their own, ascending, from 1 to 30; between them, straight lines.
        calibrated_days: the anchors whose errors are recorded.
        model: arguments of `model.ChangeModel`.
        spread: arguments of `spread.SpreadModel`.
        origin_step_days: every so manieth day is an origin of training; the nation is told of each. 3 and 7 share no
            divisor, so that every weekday comes up as often. Every second day, from 10 days ahead on, lowered skill
            over 2014-04..2023-02, refitted every half year, from .256 to .251 at 14 days and from .337 to .331 at 30,
            and the 80 % interval held .79 and .77 instead of .82 and .80: the closer the examples lie, the less they
            leave to the spread.
        trial_step_days: the same in the trials, and of the origins whose errors are recorded.
        calibration_days: the newest span, left out of the trials; a third of the history if that is less.
        folds: parts of that span, each with a trial of its own.
    """

    anchors_days: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 14, 21, 30)
    calibrated_days: tuple[int, ...] = (1, 3, 7, 14, 30)
    model: dict[str, Any] = field(default_factory=dict)
    spread: dict[str, Any] = field(default_factory=dict)
    origin_step_days: int = 3
    trial_step_days: int = 5
    calibration_days: int = 1826
    folds: int = 3

    def __post_init__(self) -> None:
        ends = (HORIZONS_DAYS[0], HORIZONS_DAYS[-1])
        for name in ("anchors_days", "calibrated_days"):
            days = getattr(self, name)
            if days[:1] + days[-1:] != ends or list(days) != sorted(set(days)):
                raise UsageError(f"{name}={days}: wanted ascending days from {ends[0]} to {ends[1]}")
        if not set(self.calibrated_days) <= set(self.anchors_days):
            raise UsageError(f"calibrated_days={self.calibrated_days}: wanted days of {self.anchors_days}")


@dataclass(frozen=True)
class Anchor:
    """What was learnt for one horizon.

    Args:
        horizon_days: how far ahead.
        change: the fitted `ChangeModel`.
        spread: the fitted `SpreadModel`.
        weight: what its changes are multiplied by: 0 is naive; None where the horizon is not calibrated.
        scores: errors over spreads in the calibration span; None likewise.
        skill: 1 less its mean absolute error there over naive's, in log change; None likewise.
        rows_count: examples that it was fitted on.
    """

    horizon_days: int
    change: Any
    spread: Any
    weight: float | None
    scores: Scores | None
    skill: float | None
    rows_count: int


def nation_part(horizon_days: int) -> float:
    """How much of a forecast comes from the model of the nation, 0 to 1."""
    return min(LARGEST_NATION, (horizon_days - 1) / DAYS_TO_ALL_NATION)


def moves_part(horizon_days: int) -> float:
    """How much of a forecast comes from the model of moves, 0 to 1."""
    return float(np.interp(horizon_days, list(MOVES), list(MOVES.values())))


def learn(daily: Daily, recipe: Recipe, jobs: int | None = None) -> list[Anchor]:
    """One anchor after the other; so many at a time, or as many as there are processors to use.

    Raises:
        NoDataError: too few examples.
    """
    import joblib

    count = min(jobs or joblib.cpu_count(), len(recipe.anchors_days))
    tasks = (joblib.delayed(_learn_one)(daily, recipe, horizon) for horizon in recipe.anchors_days)
    return list(joblib.Parallel(n_jobs=count)(tasks))


def _learn_one(daily: Daily, recipe: Recipe, horizon: int) -> Anchor:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):  # or sums would come in any order
        known = examples.of_zones(daily, horizon, _origins(daily, recipe.origin_step_days))
        _refuse_few(known, horizon, "examples")
        days = examples.of_days(daily, horizon, _origins(daily, 1))
        change, spread = _fit(known, days, recipe, horizon)
        weight, scores, skill = _calibrate(daily, days, recipe, horizon)
    return Anchor(horizon, change, spread, weight, scores, skill, len(known.change))


def _fit(known: Examples, days: Examples, recipe: Recipe, horizon: int) -> tuple[Any, Any]:
    """A model of the change, and one of the spread, of one horizon."""
    from necc.model import ChangeModel

    change = ChangeModel(**_arguments(recipe, horizon)).fit(known.rows, known.change, (days.rows, days.change))
    return change, _spread(known, change, recipe, horizon)


def _arguments(recipe: Recipe, horizon: int) -> dict[str, Any]:
    """Of the model of one horizon; what the recipe says comes first."""
    return {"moves": moves_part(horizon), "nation": nation_part(horizon), **recipe.model}


def _origins(daily: Daily, step_days: int) -> pd.DatetimeIndex:
    """Counted back from the last day, so that the newest examples are always among them."""
    days = daily.days[min(WARM_UP_DAYS, len(daily.days) // 3) :]
    return pd.DatetimeIndex(days[::-1][::step_days][::-1])


def _refuse_few(known: Examples, horizon: int, what: str) -> None:
    if len(known.change) < MIN_EXAMPLES:
        raise NoDataError(
            f"only {len(known.change)} {what} of {horizon} days ahead, wanted {MIN_EXAMPLES}: scrape more months"
        )


def splits_at(daily: Daily, recipe: Recipe) -> list[pd.Timestamp]:
    """The last known day of each trial, ascending."""
    priced = daily.days[daily.series.observed.notna().any(axis=1)]
    span = min(recipe.calibration_days, len(priced) // 3)
    return [
        daily.days[-1] - pd.Timedelta(days=span * (recipe.folds - fold) // recipe.folds) for fold in range(recipe.folds)
    ]


def _calibrate(
    daily: Daily, days: Examples, recipe: Recipe, horizon: int
) -> tuple[float | None, Scores | None, float | None]:
    """The weight, the scores and the bare skill on days that the trials never saw."""
    if horizon not in recipe.calibrated_days:
        return None, None, None
    known = examples.of_zones(daily, horizon, _origins(daily, recipe.trial_step_days))
    splits = day_numbers(pd.DatetimeIndex(splits_at(daily, recipe)))
    ends = [*splits[1:], day_numbers(daily.days[-1:])[0]]
    parts = [_trial(known, days, recipe, horizon, split, end) for split, end in zip(splits, ends, strict=True)]
    made, spread = (np.concatenate([part[place] for part in parts]) for place in (1, 2))
    came = np.concatenate([part[0].change for part in parts])
    origin = np.concatenate([part[0].origin for part in parts])
    if len(came) < MIN_EXAMPLES:
        raise NoDataError(f"only {len(came)} examples to calibrate with, wanted {MIN_EXAMPLES}")
    weight, share = _weight(made, came), TRIAL_SHARE if horizon >= FIRST_DAY_OF_SHARE else 1.0
    return weight, Scores(origin, share * (came - weight * made) / spread, horizon), _skill(made, came)


def _trial(
    known: Examples, days: Examples, recipe: Recipe, horizon: int, split: int, end: int
) -> tuple[Examples, Floats, Floats]:
    """The examples of one fold, with the changes and the spreads that a model of the days before expects."""
    before, days_before = (part.known_on(split, horizon) for part in (known, days))
    fold = known.where((known.origin > split) & (known.origin <= end))
    _refuse_few(before, horizon, "examples to try with")
    change, spread = _fit(before, days_before, recipe, horizon)
    return fold, cut(change.predict(fold.rows)), spread.predict(fold.rows)


def _spread(known: Examples, change: Any, recipe: Recipe, horizon: int) -> Any:
    """Learnt from what the model of the change leaves of its own examples; what the recipe says comes first."""
    from necc.spread import SpreadModel

    line = LINE_OF_SPREAD if horizon >= FIRST_DAY_OF_LINE else 0.0
    left = known.change - cut(change.predict(known.rows))
    return SpreadModel(**{"line": line, **recipe.spread}).fit(known.rows, left)


def _weight(made: Floats, came: Floats) -> float:
    """The multiple of the predicted changes that comes closest to what came; the smallest one of equals."""
    losses = [float(np.abs(came - weight * made).mean()) for weight in WEIGHTS]
    return WEIGHTS[int(np.argmin(losses))]


def _skill(made: Floats, came: Floats) -> float:
    """1 less the mean absolute error over that of naive, in log change; 0 where nothing moved."""
    naive = float(np.abs(came).mean())
    return round(1 - float(np.abs(came - made).mean()) / naive, 4) if naive else 0.0


def between(at_days: Sequence[int], values: Floats, days: Sequence[int]) -> Floats:
    """(..., len(at_days)) -> (..., len(days)): straight lines between the horizons given."""
    weights = np.stack([np.interp(days, at_days, row) for row in np.eye(len(at_days))])
    return np.asarray(values @ weights)
