"""How each zone moves: how often, how far, on which weekday, and since when not. Pure; backwards only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc.grids import Grid, change, later, mean_of_zones, mean_over
from necc.panel import Panel

WEEK = 7
OCCURRENCES = (52, 12)  # of a weekday: a year, and a quarter where the zone has changed its days
LONGEST_REST = 60  # days; beyond this "has not moved for long" says no more
LONGEST_RUN = 10  # moves in one direction
USUAL_MOVE_DAYS = 180
MULTIPLE = 5  # most markets move in steps of five rupees


def moved(log: Grid) -> Grid:
    """1 where the price moved, 0 where it did not, NaN where that is not known."""
    step = change(log, 1)
    return np.where(np.isnan(step), np.nan, (step != 0).astype(float))


def directions(step: Grid) -> dict[str, Grid]:
    """Rises less falls over some days, and the present run of moves in one direction."""
    sign = np.sign(np.nan_to_num(step))
    return {
        **{f"net_moves_{days}d": mean_over(sign, days, least=1) * days for days in (3, 7, 28)},
        "run": np.clip(_runs(sign), -LONGEST_RUN, LONGEST_RUN),
    }


def _runs(sign: Grid) -> Grid:
    """Moves in a row of the same direction, signed; days without a move do not end a run."""
    made, run = np.zeros_like(sign), np.zeros(sign.shape[1])
    for day, today in enumerate(sign):
        run = np.where(today == 0, run, np.where(today == np.sign(run), run + today, today))
        made[day] = run
    return made


def features(series: Panel, log: Grid, has_moved: Grid, largest_step: float) -> dict[str, Grid]:
    """The habits that do not depend on the horizon."""
    step = change(log, 1)
    size = np.abs(np.clip(step, -largest_step, largest_step))
    days = pd.DatetimeIndex(series.observed.index)
    did = has_moved == 1
    national = np.abs(mean_of_zones(np.clip(step, -largest_step, largest_step)))
    usual = pd.DataFrame(np.where(did, size, np.nan)).rolling(USUAL_MOVE_DAYS, min_periods=5).median()
    volatility = {span: mean_over(size, span) for span in (28, 91)}
    return {
        **{f"volatility_{span}d": grid for span, grid in volatility.items()},
        "mean_volatility_91d": mean_of_zones(volatility[91]),
        **{f"moves_{span}d": mean_over(has_moved, span) for span in (28, 91)},
        "national_volatility_14d": mean_over(national, 14),
        "rest_days": np.minimum(_since(did), LONGEST_REST),
        "last_move": pd.DataFrame(np.where(did, step, np.nan)).ffill().to_numpy(),
        "usual_move": usual.to_numpy(),
        "price_age_days": _since(series.observed.notna().to_numpy()),
        "past_multiple": np.mod(series.filled.to_numpy(dtype=float), MULTIPLE),
        "weekday": days.day_of_week.to_numpy(dtype=float),
    }


def _since(marked: npt.NDArray[np.bool_]) -> Grid:
    """Days since the last marked day, today being 0."""
    number = np.arange(len(marked), dtype=float)[:, None]
    return np.asarray(number - pd.DataFrame(np.where(marked, number, np.nan)).ffill().to_numpy())


def horizon_features(days: pd.DatetimeIndex, has_moved: Grid, horizon_days: int) -> dict[str, Grid]:
    """How likely the zone is to move on the target's weekday, and how often until then."""
    made: dict[str, Grid] = {}
    for count in OCCURRENCES:
        rates = _weekday_rates(days, has_moved, count)
        on_target = rates[(horizon_days - 1) % WEEK]
        weeks, rest = divmod(horizon_days, WEEK)
        made[f"moves_on_target_{count}w"] = on_target
        made[f"moves_expected_{count}w"] = np.sum(
            [rate * (weeks + (ahead < rest)) for ahead, rate in enumerate(rates)], axis=0
        )
        made[f"national_moves_on_target_{count}w"] = mean_of_zones(on_target)
    return made


def _weekday_rates(days: pd.DatetimeIndex, has_moved: Grid, count: int) -> list[Grid]:
    """For 1 to 7 days ahead: how often the zone moved on that weekday, the last `count` of them."""
    on_weekday = pd.DataFrame(has_moved, index=days).groupby(days.day_of_week)
    rate = on_weekday.rolling(count, min_periods=4).mean().droplevel(0).sort_index().to_numpy()
    return [later(rate, WEEK - ahead) for ahead in range(1, WEEK + 1)]
