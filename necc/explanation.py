"""One forecast, explained: the shape of the answer, and its words for people and for machines. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from necc import units
from necc.analogues import ANY_TWO_DAYS
from necc.attribution import Attribution
from necc.config import DEMO_LABEL
from necc.feature_table import FEATURES

HARDLY = 0.5  # INR per 100 eggs: a group that moved a forecast by less is named without a number
# One number of each group, for a picture of the day. It is not the reason: a group has dozens, and counts as a whole.
FACTS = {
    "momentum": ("change_7d", "its price over 7 days"),
    "neighbours": ("national_gap_7d", "all zones over 7 days, less this one"),
    "level": ("level_vs_365d", "its price against the mean of 365 days"),
    "zone habit": ("rest_days", "days since its price moved"),
    "season": ("past_years_by_sun", "all zones over the same days of past years"),
}


@dataclass(frozen=True)
class Explanation:
    """Why a model forecast what it did. Amounts are INR per 100 eggs, days are days in India.

    Args:
        zone: slug.
        zone_name: as shown.
        section: the one that its price stands in.
        issued_on: the day at whose end the forecast is made.
        target_date: the day that is forecast.
        horizon_days: how far ahead that is.
        price: the price that the forecast starts from; naive's forecast.
        forecast: the model's.
        lower_80: lower end of its 80 % interval.
        upper_80: upper end.
        usual: what the model would have said from the same price on a usual day.
        usual_days: how many past days stand for the usual one.
        usual_from: the first of them.
        usual_to: the last.
        reasons: one row per group of features, largest first: group, contribution, fact (one number of the group,
            and in brackets what it usually is), unit, flag. The contributions and `usual` add up to `forecast`.
        situations: closest past ones first: date, price, target_date, price_later, change, change_pct, distance
            (0: the same; 1.4: two days at random), unit, flag.
        searched_days: how many past days were searched for them.
        searched_from: the first of them; None where there was none.
        searched_to: the last.
        starts: which price the forecast starts from where that is an older or a doubted one, else ''.
        model: name and version.
        is_demo: it is made from made-up prices.
        is_naive_given: naive's price is given instead, as it was closer over the last 26 weeks.
    """

    zone: str
    zone_name: str
    section: str
    issued_on: dt.date
    target_date: dt.date
    horizon_days: int
    price: float
    forecast: float
    lower_80: float
    upper_80: float
    usual: float
    usual_days: int
    usual_from: dt.date
    usual_to: dt.date
    reasons: pd.DataFrame
    situations: pd.DataFrame
    searched_days: int
    searched_from: dt.date | None
    searched_to: dt.date | None
    starts: str
    model: str
    is_demo: bool
    is_naive_given: bool = False

    @property
    def summary(self) -> str:
        """The explanation in sentences and two small tables."""
        moved, followed = " ".join(_moved(self)), " ".join(_followed(self))
        tables = ["", *_reasons(self), "", *_situations(self), followed, ""]
        return "\n".join([*_headline(self), moved, *tables, *_end(self)])

    @property
    def words(self) -> str:
        """The summary without its tables, a line per sentence: `reasons` and `situations` may be shown beside it."""
        return "\n".join([*_headline(self), *_moved(self), *_followed(self), *_end(self)])

    def as_dict(self) -> dict[str, object]:
        """The explanation for machines: dates as text, frames as lists of rows, what is not known as null."""
        told = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {**told, "unit": units.label(units.STORED_UNIT)}


def facts(found: Attribution) -> dict[str, str]:
    """Group -> one number of it on the day, and in brackets its mean over the usual days."""
    return {
        group: f"{words}: {_fact(name, found.features[name])} ({_fact(name, found.usual_features[name])})"
        for group, (name, words) in FACTS.items()
    }


def _fact(name: str, value: float) -> str:
    if value != value:
        return "not known"
    return f"{signed(100 * float(np.expm1(value)))} %" if FEATURES[name].unit == "log" else f"{value:.0f}"


def _headline(told: Explanation) -> Iterator[str]:
    yield (
        f"{told.zone_name} ({told.section}), {_days(told.horizon_days)} from {told.issued_on}:"
        f" {_price(told.price)} → {_price(told.forecast)} ({signed(told.forecast - told.price)}),"
        f" 80 % interval {_price(told.lower_80)} to {_price(told.upper_80)}; {units.label(units.STORED_UNIT)}."
    )
    if told.starts:
        yield f"It starts from {told.starts}."
    if told.is_naive_given:
        yield (
            f"Naive's price, {_price(told.price)}, is given instead: it was closer over the last 26 weeks."
            " Explained is the model's own forecast."
        )


def _moved(told: Explanation) -> Iterator[str]:
    amounts = dict(zip(told.reasons["group"], told.reasons["contribution"], strict=True))
    moved = [f"{group} {signed(amount)}" for group, amount in amounts.items() if abs(amount) >= HARDLY]
    hardly = [str(group) for group, amount in amounts.items() if abs(amount) < HARDLY]
    if not moved:
        said = f"No group of features moved it by {HARDLY} or more"
    else:
        said = ", ".join(moved)
        said = said[0].upper() + said[1:]
    if moved and hardly:
        said += f"; {_and(hardly)} hardly moved it"
    yield f"{said}."
    yield f"Measured from a usual day, on which the model expects {signed(told.usual - told.price)}."


def _reasons(told: Explanation) -> Iterator[str]:
    yield f"  {'what moved it':16} {'INR':>7}   one number of it (usually)"
    for row in told.reasons.to_dict("records"):
        yield f"  {row['group']:16} {signed(row['contribution']):>7}   {row['fact']}"
    span = f"mean of {told.usual_days} days of this zone, {told.usual_from} to {told.usual_to}"
    yield f"  {'a usual day':16} {signed(told.usual - told.price):>7}   {span}"
    yield f"  {'together':16} {signed(told.forecast - told.price):>7}"


def _situations(told: Explanation) -> Iterator[str]:
    rows = told.situations
    if rows.empty:
        return
    yield (
        f"Closest of {told.searched_days:,d} past days, {told.searched_from} to {told.searched_to}"
        f" (distance 0: the same, {ANY_TWO_DAYS:.1f}: two days at random):"
    )
    yield f"  {'date':10} {'price':>8} {_days(told.horizon_days) + ' later':>14} {'change':>9} {'%':>7} {'distance':>9}"
    for row in rows.to_dict("records"):
        yield (
            f"  {row['date']:%Y-%m-%d} {row['price']:8.1f} {row['price_later']:14.1f}"
            f" {signed(row['change']):>9} {signed(row['change_pct']):>7} {row['distance']:9.2f}"
        )


def _followed(told: Explanation) -> Iterator[str]:
    moved = told.situations["change_pct"]
    if moved.empty:
        yield "No past day lies far enough back to compare this one with."
        return
    ends = sorted({moved.min(), moved.max()})  # one, where there is one situation
    counts = {"fell": (moved < 0).sum(), "rose": (moved > 0).sum(), "stayed": (moved == 0).sum()}
    closest = "closest past day" if len(moved) == 1 else f"{len(moved)} closest past days"
    span = " to ".join(f"{signed(share)} %" for share in ends)
    prices = " to ".join(_price(told.price * (1 + share / 100)) for share in ends)
    yield (
        f"In the {_days(told.horizon_days)} after the {closest} the price changed by {span}:"
        f" it {', '.join(f'{verb} {_times(count)}' for verb, count in counts.items() if count)}."
    )
    yield f"From {_price(told.price)} that would be {prices}."


def _end(told: Explanation) -> Iterator[str]:
    yield f"This says what moved the model ({told.model}), not what moves the market."
    if told.is_demo:
        yield f"It is made from {DEMO_LABEL}."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _price(amount: float) -> str:
    return f"{amount:.1f}".removesuffix(".0")


def signed(amount: float) -> str:
    """With its sign, to 0.1; what rounds to nothing has none."""
    return f"{amount:+.1f}".replace("-", "−") if round(amount, 1) else "0.0"


def _plain(value: Any) -> object:
    if isinstance(value, pd.DataFrame):
        return [{str(name): _plain(cell) for name, cell in row.items()} for row in value.to_dict("records")]
    if isinstance(value, dt.date):
        return f"{value:%Y-%m-%d}"
    return round(value, 4) if isinstance(value, float) else value
