"""What may be asked of the stored prices, and the one shape in which every answer comes.

A frame has the same columns and types whether it holds no row, one or many: `date` is datetime64[ns]
without a zone (a day in India), texts are pandas' "string", prices float64, counts int64, switches bool.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from necc import units
from necc.config import INDIA
from necc.errors import UsageError
from necc.records import Month, Section

DATE: Final = "datetime64[ns]"
TEXT: Final = "string"
PRICE: Final = "float64"
COUNT: Final = "int64"
SWITCH: Final = "bool"
PERCENT = DEGREES = PRICE
SECTIONS = tuple(str(section) for section in Section)
REFERENCE = "reference"  # the suggested price where there is one, else the prevailing one
SERIES = (*SECTIONS, REFERENCE)

KEYS = {"date": DATE, "zone": TEXT, "zone_name": TEXT, "section": TEXT}
LABELS = {"unit": TEXT, "flag": TEXT}
PRICES = {**KEYS, "price": PRICE, **LABELS}
MONTHLY = {
    **KEYS,
    "price": PRICE,
    "min_price": PRICE,
    "max_price": PRICE,
    "last_price": PRICE,
    "days_count": COUNT,
    "is_complete": SWITCH,
    "is_current": SWITCH,
    **LABELS,
}
YOY = {
    **KEYS,
    "price": PRICE,
    "previous_price": PRICE,
    "change": PRICE,
    "change_pct": PERCENT,
    "days_count": COUNT,
    "previous_days_count": COUNT,
    "is_partial": SWITCH,
    "is_mixed_section": SWITCH,
    **LABELS,
}
ZONES = {
    "zone": TEXT,
    "zone_name": TEXT,
    "zone_type": TEXT,
    "state": TEXT,
    "district": TEXT,
    "city": TEXT,
    "latitude": DEGREES,
    "longitude": DEGREES,
    "is_active": SWITCH,
    "first_price_on": DATE,
    "last_price_on": DATE,
    "section": TEXT,
    "labels": TEXT,
    "flag": TEXT,
}
# The columns that are amounts of money: what `unit` converts.
AMOUNTS = frozenset({"price", "min_price", "max_price", "last_price", "previous_price", "change"})
END_OF_DAY = dt.time.max

Day = str | dt.date | np.datetime64  # a pandas Timestamp is a date too
Zones = str | Iterable[str] | None


@dataclass(frozen=True)
class Ask:
    """A proven question: which days, both included (None: without end), which section, in which unit."""

    start: dt.date | None
    end: dt.date | None
    section: str | None
    unit: str

    @classmethod
    def read(cls, start: Day | None, end: Day | None, section: str | None, unit: str, known: tuple[str, ...]) -> Ask:
        """Prove what a caller asks, before any database is opened.

        Raises:
            UsageError: a bad date, an unknown section or unit, or a range that ends before it starts.
        """
        units.factor(unit)
        if section is not None and section not in known:
            raise UsageError(f"unknown section {section!r}: wanted {', '.join(known)}, or None for all")
        first, last = _first_day(start), _last_day(end)
        if first and last and last < first:
            raise UsageError(f"end={last} is before start={first}: both are inclusive, earliest first")
        return cls(first, last, section and str(section), unit)


def instant(as_of: Day) -> dt.datetime:
    """The moment meant: a day means its end in India, a time without a zone is India's.

    Raises:
        UsageError: not a date and not a time.
    """
    moment = _moment("as_of", as_of)
    if moment.tzinfo:
        return moment
    is_day = moment.time() == dt.time.min
    return dt.datetime.combine(moment, END_OF_DAY if is_day else moment.time(), INDIA)


def shape(frame: pd.DataFrame, columns: Mapping[str, str], **attrs: object) -> pd.DataFrame:
    """These columns in this order with these types, numbered from 0, with `attrs`.

    Args:
        frame: at least these columns, already sorted.
        columns: name and dtype of each column.
        attrs: goes into the frame's `attrs`.
    """
    tidy = frame[list(columns)].astype(dict(columns)).reset_index(drop=True)
    tidy.attrs.update(attrs)
    return tidy


def in_unit(frame: pd.DataFrame, columns: Iterable[str], unit: str) -> pd.DataFrame:
    """The frame with these prices per 100 eggs turned into `unit`, and the `unit` column that says so."""
    converted = {name: units.convert(frame[name].astype(PRICE), unit) for name in columns}
    return frame.assign(**converted, unit=units.label(unit))


def _first_day(value: Day | None) -> dt.date | None:
    month = _month(value)
    return month.first_day if month else _day("start", value)


def _last_day(value: Day | None) -> dt.date | None:
    month = _month(value)
    return month.last_day if month else _day("end", value)


def _month(value: Day | None) -> Month | None:
    is_month = isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}", value)
    return Month.parse(str(value)) if is_month else None


def _day(name: str, value: Day | None) -> dt.date | None:
    if value is None:
        return None
    moment = _moment(name, value)
    return (moment.astimezone(INDIA) if moment.tzinfo else moment).date()


def _moment(name: str, value: Day) -> dt.datetime:
    try:
        if isinstance(value, str):
            return dt.datetime.fromisoformat(value)
        if isinstance(value, dt.date | np.datetime64) and not pd.isna(value):
            moment: dt.datetime = pd.Timestamp(value).to_pydatetime(warn=False)
            return moment
    except ValueError:
        pass
    raise UsageError(f"{name}={value!r}: wanted a day as YYYY-MM-DD, a date or a Timestamp") from None
