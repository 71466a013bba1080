"""Prices -> a daily panel -> one row of named features per (origin, zone). Pure: frames in, frames out.

An *origin* is a day at whose end a forecast is made: its own price is known, the next day's is not. Every
feature looks backwards only; tests replace all later prices by noise and find the matrix unchanged.
Prices are INR per 100 eggs; changes and spreads are differences of natural logarithms (0.01 is about 1 %).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from necc import units
from necc.errors import NoDataError, UsageError
from necc.records import Section

INPUT_FILL_DAYS = 7  # the protocol's limit; a longer silence is a gap, not an unchanged price
LOOKBACKS = (1, 2, 3, 5, 7, 14, 28)
LEADERS = ("barwala", "ajmer")  # they move about a day before the others
LEADER_LOOKBACKS = (1, 2, 3, 7)
WEEK = 7
SAME_SEASON_DAYS = 52 * WEEK  # a year in whole weeks: the weekday stays the same
PAST_YEARS = 5
SMOOTHING_DAYS = 7  # a past season is read as the mean over a week, not from one day's step
LONGEST_HORIZON_DAYS = SAME_SEASON_DAYS - SMOOTHING_DAYS  # beyond it, last year's change is not over yet
LONG_WINDOW = 365
VOLATILITY_WINDOW = 91
LARGEST_STEP = 0.10  # log; larger one-day moves are mostly typing errors and would rule a mean of sizes
LONGEST_REST = 60  # days; beyond this "has not moved for long" says no more
HARMONICS = (1, 2)
YEAR_DAYS = 365.25
PRICE_COLUMNS = ("date", "zone", "section", "price")

Frames = dict[str, pd.DataFrame]


def _descriptions() -> dict[str, str]:
    spans = {days: "1 day" if days == 1 else f"{days} days" for days in LOOKBACKS}
    leaders = " and ".join(name.capitalize() for name in LEADERS)
    waves = {1: "one wave", 2: "two waves"}
    return {
        **{f"change_{d}d": f"log change of the zone over the last {spans[d]}" for d in LOOKBACKS},
        **{f"national_{d}d": f"median over zones of their log change over {spans[d]}" for d in LOOKBACKS},
        **{f"leaders_{d}d": f"mean log change of {leaders} over {spans[d]}" for d in LEADER_LOOKBACKS},
        "national_mean_1d": "mean over zones of the one-day log change, each cut at ±0.10",
        "rising_1d": "share of zones (0..1) that rose on the origin day",
        "falling_1d": "share of zones (0..1) that fell on the origin day",
        "rising_7d": "mean of rising_1d over 7 days",
        "falling_7d": "mean of falling_1d over 7 days",
        "spread": "log price of the zone minus the median over zones of that day",
        "spread_vs_28d": "spread minus its own mean over the last 28 days",
        "spread_vs_365d": "spread minus its own mean over the last 365 days",
        "leader_spread_vs_28d": f"log price minus the mean of {leaders}, less its own 28-day mean",
        "level_vs_365d": "log price of the zone minus its own mean over the last 365 days",
        "national_vs_365d": "median over zones of level_vs_365d",
        "year_over_year": "log change of the zone over 364 days (52 weeks)",
        "volatility_28d": "mean absolute one-day log change of the zone, each cut at ±0.10, over 28 days",
        "volatility_91d": "the same over 91 days",
        "moves_28d": "share of the last 28 days (0..1) on which the zone's price moved",
        "rest_days": "days since the zone's price last moved, at most 60",
        "last_move": "size of that last move, log change",
        "price_age_days": "days since the zone's price was last printed: 0 to 7",
        "weekday": "weekday of the origin: 0 Monday to 6 Sunday",
        **{f"season_sin_{k}": f"sine of the origin's day of the year, {waves[k]} a year" for k in HARMONICS},
        **{f"season_cos_{k}": f"cosine of the same, {waves[k]} a year" for k in HARMONICS},
        "moves_on_target": "share of that weekday's last 52 occurrences on which the zone moved, target's weekday",
        "moves_expected": "sum of such shares over the days from the origin to the target",
        "last_year_change": "log change of the zone over the same horizon, 364 days earlier, mean of 7 origins",
        "national_last_year_change": "median over zones of last_year_change",
        "national_past_years_change": "mean of the same over up to 5 past years",
    }


FEATURES: Mapping[str, str] = _descriptions()


@dataclass(frozen=True)
class Panel:
    """One live series per zone. Grain: one row per calendar day, one column per zone slug.

    Args:
        observed: prices as printed, INR per 100 eggs; missing is missing.
        section: the section that each observed price stands in, None where there is none.
        notes: what was decided about the series, one line each (a zone that changed its section).
    """

    observed: pd.DataFrame
    section: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def filled(self) -> pd.DataFrame:
        """The prices with gaps of at most 7 days filled forward: for inputs, never for targets."""
        return self.observed.ffill(limit=INPUT_FILL_DAYS)

    @property
    def log_filled(self) -> pd.DataFrame:
        """Natural logarithms of the filled prices."""
        return self.filled.apply(np.log)

    @property
    def filled_section(self) -> pd.DataFrame:
        """The section that each filled price stands in."""
        return self.section.ffill(limit=INPUT_FILL_DAYS)


def panel(prices: pd.DataFrame, until: dt.date | None = None) -> Panel:
    """Make the daily panel from a long frame shaped like `necc.prices()`.

    Where a zone is printed in two sections, its series is spliced: the suggested price on days that have
    one, else the prevailing one. A splice is told in `notes`.

    Args:
        prices: columns date, zone, section, price (INR per 100 eggs); others are ignored.
        until: the last day of the panel; later prices are left out, and the days up to it are all there.

    Raises:
        NoDataError: no price on or before `until`.
        UsageError: a column is missing, the unit is another one, a price is not positive or comes twice.
    """
    table = _checked(prices)
    if until is not None:
        table = table[table["date"] <= pd.Timestamp(until)]
    if table.empty:
        raise NoDataError(f"no price on or before {until or 'any day'}: scrape some first")
    ranked = table.sort_values(["zone", "date", "section"], ascending=[True, True, False])
    single = ranked.drop_duplicates(["zone", "date"])  # "suggested" sorts after "prevailing"
    days = pd.date_range(single["date"].min(), until or single["date"].max(), name="date", unit="ns")
    observed, section = (_wide(single, name).reindex(days) for name in ("price", "section"))
    return Panel(observed, section.astype(object).where(observed.notna(), None), _splices(single))


def _wide(single: pd.DataFrame, column: str) -> pd.DataFrame:
    return single.pivot(index="date", columns="zone", values=column)  # noqa: PD010 - nothing to aggregate


def _checked(prices: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in PRICE_COLUMNS if name not in prices]
    if missing:
        raise UsageError(f"prices: wanted the columns {', '.join(PRICE_COLUMNS)}; missing {', '.join(missing)}")
    unit = units.label(units.STORED_UNIT)
    if "unit" in prices and not prices["unit"].isin([unit]).all():
        raise UsageError(f"prices: wanted the unit {unit} in every row")
    table = prices[list(PRICE_COLUMNS)].dropna(subset=["price"])
    table = table.assign(date=pd.to_datetime(table["date"]).dt.as_unit("ns"), price=table["price"].astype(float))
    if not table["section"].isin(list(Section)).all():
        raise UsageError(f"prices: wanted section {' or '.join(Section)} in every row")
    if (table["price"] <= 0).any():
        raise UsageError("prices: wanted every price above 0")
    if table.duplicated(["date", "zone", "section"]).any():
        raise UsageError("prices: wanted one price per date, zone and section; some come twice")
    return table


def _splices(single: pd.DataFrame) -> tuple[str, ...]:
    spans = single.groupby(["zone", "section"])["date"].agg(["min", "max"]).reset_index().sort_values("min")
    lives = {str(zone): part for zone, part in spans.groupby("zone") if len(part) > 1}
    return tuple(
        f"{zone}: sections spliced as one series: "
        + ", ".join(f"{row.section} {row.min:%Y-%m-%d} to {row.max:%Y-%m-%d}" for row in part.itertuples())
        for zone, part in lives.items()
    )


def matrix(
    series: Panel, origins: Iterable[dt.date], horizon_days: int, *, daily: Frames | None = None
) -> pd.DataFrame:
    """One row per (origin, zone) that has a price of at most 7 days before; the columns are FEATURES.

    Args:
        series: the panel; what lies after an origin is not looked at.
        origins: days of the panel.
        horizon_days: 1 to 357; the last two groups of features know how far the target is.
        daily: what `daily_features(series)` gave, to reuse it over horizons.

    Returns:
        A float32 frame indexed by (origin, zone), sorted; NaN where the look-back is not covered.
    """
    frames = {**(daily or daily_features(series)), **horizon_features(series, horizon_days)}
    if not 1 <= horizon_days <= LONGEST_HORIZON_DAYS:
        raise UsageError(f"horizon_days={horizon_days}: wanted 1 to {LONGEST_HORIZON_DAYS}")
    days = pd.DatetimeIndex(list(origins), name="origin")
    places = series.observed.index.get_indexer(days)
    if (places < 0).any():
        raise UsageError("origins: wanted days of the panel")
    has_price = series.filled.to_numpy()[places] > 0
    columns = {name: frames[name].to_numpy()[places][has_price].astype(np.float32) for name in FEATURES}
    index = pd.MultiIndex.from_product([days, series.observed.columns], names=["origin", "zone"])
    return pd.DataFrame(columns, index=index[has_price.ravel()])


def daily_features(series: Panel) -> Frames:
    """The features that do not depend on the horizon, each as days × zones."""
    log = series.log_filled
    step = log.diff()
    own = {f"change_{days}d": log.diff(days) for days in LOOKBACKS}
    return {
        **own,
        **{f"national_{days}d": _national(own[f"change_{days}d"]) for days in LOOKBACKS},
        **_leaders(log),
        **_breadth(step),
        **_levels(log),
        **_habits(step),
        "price_age_days": _age(series.observed),
        **_calendar(log),
    }


def horizon_features(series: Panel, horizon_days: int) -> Frames:
    """The features of a target so many days after the origin, each as days × zones, at the origin's row."""
    log = series.log_filled
    rates = _weekday_rates(log.diff())
    past = log.diff(horizon_days).rolling(SMOOTHING_DAYS, min_periods=1).mean()
    # `past` stands at the end of its span; half the smoothing later it is centred on the day of that year.
    later = horizon_days + SMOOTHING_DAYS // 2
    earlier = [past.shift(SAME_SEASON_DAYS * years - later) for years in range(1, PAST_YEARS + 1)]
    nationals = [_national(frame) for frame in earlier]
    mean_of_years = pd.concat([frame.iloc[:, 0] for frame in nationals], axis=1).mean(axis=1)
    return {
        "moves_on_target": rates[(horizon_days - 1) % WEEK],
        "moves_expected": _total(rates, horizon_days),
        "last_year_change": earlier[0],
        "national_last_year_change": nationals[0],
        "national_past_years_change": _spread_out(mean_of_years, log),
    }


def _spread_out(national: pd.Series, like: pd.DataFrame) -> pd.DataFrame:
    """One number a day, repeated for every zone."""
    values = np.repeat(national.to_numpy(dtype=float)[:, None], like.shape[1], axis=1)
    return pd.DataFrame(values, index=like.index, columns=like.columns)


def _national(frame: pd.DataFrame) -> pd.DataFrame:
    """The median over zones: one mistyped price does not move it."""
    return _spread_out(frame.median(axis=1), frame)


def _leaders(log: pd.DataFrame) -> Frames:
    mean = log.reindex(columns=list(LEADERS)).mean(axis=1)
    return {
        **{f"leaders_{days}d": _spread_out(mean.diff(days), log) for days in LEADER_LOOKBACKS},
        "leader_spread_vs_28d": _against_own_mean(log.sub(mean, axis=0), 28),
    }


def _breadth(step: pd.DataFrame) -> Frames:
    priced = step.notna().sum(axis=1).replace(0, np.nan)
    rising = _spread_out((step > 0).sum(axis=1) / priced, step)
    falling = _spread_out((step < 0).sum(axis=1) / priced, step)
    return {
        "national_mean_1d": _spread_out(step.clip(-LARGEST_STEP, LARGEST_STEP).mean(axis=1), step),
        "rising_1d": rising,
        "falling_1d": falling,
        "rising_7d": rising.rolling(WEEK, min_periods=1).mean(),
        "falling_7d": falling.rolling(WEEK, min_periods=1).mean(),
    }


def _against_own_mean(frame: pd.DataFrame, days: int) -> pd.DataFrame:
    return frame - frame.rolling(days, min_periods=days // 2).mean()


def _levels(log: pd.DataFrame) -> Frames:
    spread = log.sub(log.median(axis=1), axis=0)
    level = _against_own_mean(log, LONG_WINDOW)
    return {
        "spread": spread,
        "spread_vs_28d": _against_own_mean(spread, 28),
        "spread_vs_365d": _against_own_mean(spread, LONG_WINDOW),
        "level_vs_365d": level,
        "national_vs_365d": _national(level),
        "year_over_year": log.diff(SAME_SEASON_DAYS),
    }


def _habits(step: pd.DataFrame) -> Frames:
    size = step.abs().clip(upper=LARGEST_STEP)
    moved = step.notna() & (step != 0)
    day_number = pd.DataFrame(
        np.arange(len(step))[:, None] * np.ones(step.shape[1]), index=step.index, columns=step.columns
    )
    rest = day_number - day_number.where(moved).ffill()
    return {
        "volatility_28d": size.rolling(28, min_periods=14).mean(),
        "volatility_91d": size.rolling(VOLATILITY_WINDOW, min_periods=28).mean(),
        "moves_28d": moved.astype(float).where(step.notna()).rolling(28, min_periods=14).mean(),
        "rest_days": rest.clip(upper=LONGEST_REST),
        "last_move": step.where(moved).ffill(),
    }


def _age(observed: pd.DataFrame) -> pd.DataFrame:
    day_number = pd.Series(np.arange(len(observed), dtype=float), index=observed.index)
    last = observed.notna().mul(day_number, axis=0).where(observed.notna()).ffill()
    return last.rsub(day_number, axis=0)


def _calendar(log: pd.DataFrame) -> Frames:
    days = pd.DatetimeIndex(log.index)
    turn = 2 * np.pi * days.day_of_year.to_numpy() / YEAR_DAYS
    series = {"weekday": days.day_of_week.to_numpy()}
    for k in HARMONICS:
        series[f"season_sin_{k}"] = np.sin(k * turn)
        series[f"season_cos_{k}"] = np.cos(k * turn)
    return {name: _spread_out(pd.Series(values), log) for name, values in series.items()}


def _weekday_rates(step: pd.DataFrame) -> list[pd.DataFrame]:
    """For 1 to 7 days ahead: how often the zone moved on that weekday, last 52 of them, known at the origin."""
    moved = (step != 0).astype(float).where(step.notna())
    on_weekday = moved.groupby(pd.DatetimeIndex(step.index).day_of_week)
    rate = on_weekday.rolling(SAME_SEASON_DAYS // WEEK, min_periods=8).mean().droplevel(0).sort_index()
    return [rate.shift(WEEK - ahead) for ahead in range(1, WEEK + 1)]


def _total(rates: list[pd.DataFrame], horizon_days: int) -> pd.DataFrame:
    weeks, rest = divmod(horizon_days, WEEK)
    counts = [weeks + (ahead < rest) for ahead in range(WEEK)]
    total = rates[0] * counts[0]
    for rate, count in zip(rates[1:], counts[1:], strict=True):
        total = total + rate * count
    return total
