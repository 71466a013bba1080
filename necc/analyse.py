"""The stored prices as tidy frames: one row per zone, date and section, the unit in every row.

Every function reads only. Nothing is filled in, adjusted or repaired: cells that are held are hidden and
counted (`frame.attrs["held_cells"]`), doubtful ones are shown with their `flag`, and made-up prices say so
in every row (`frame.attrs["is_demo"]`). Frames are sorted by zone, date and section.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import TypedDict, cast

import pandas as pd

from necc import db, frames, queries, reading
from necc.config import Settings
from necc.frames import Ask, Day, Zones
from necc.reading import Reader

log = logging.getLogger("necc.analyse")

NO_NOTICE = "no notice read yet"


class Status(TypedDict):
    """What a database holds, for the head of a notebook or report. Counts are of cells, held ones too."""

    database: str  # 'real', 'demo' (made-up prices) or 'empty'
    prices: int
    zones: int
    first_price_on: dt.date | None
    last_price_on: dt.date | None
    held_cells: int
    flagged_cells: int
    last_run_started_at: dt.datetime | None  # UTC
    last_run_status: str | None


def prices(
    zones: Zones = None,
    start: Day | None = None,
    end: Day | None = None,
    *,
    section: str | None = None,
    unit: str = "per_100",
    clean: bool = False,
    as_of: Day | None = None,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """The quoted prices, one row per zone, day and section.

    Args:
        zones: one or several zones by slug, name, alias or printed label; None for all.
        start: first day (in India), included; 'YYYY-MM' is the first day of that month.
        end: last day, included; 'YYYY-MM' is the last day of that month.
        section: 'suggested' or 'prevailing'; None for both.
        unit: per_100, egg, dozen, tray30, peti210 or box180.
        clean: leave out the flagged cells too.
        as_of: what was known then, with the prices, holds and flags of that moment. A day means its end in
            India (midnight without a zone is such a day); a time without a zone is India's.
        settings: which database; by default what the environment says.

    Returns:
        date (in force, India), zone (slug), zone_name, section, price (in `unit`), unit (in words), flag
        (rules that doubt the cell, separated by ', '; '' for none). attrs: is_demo, held_cells (hidden),
        flagged_cells (shown with their flag, or left out by `clean`).

    Raises:
        UsageError: a bad date, section or unit; UnknownZoneError names close matches.
        NoDataError: no price at all is stored yet.
        DatabaseError: the database cannot be reached, or has no tables yet.

    Example:
        >>> february = necc.prices("Namakkal", "2024-02", "2024-02", unit="egg")
        >>> february[["date", "section", "price", "unit"]]
                date    section  price         unit
        0 2024-02-28  suggested   4.00  INR per egg
        1 2024-02-29  suggested   4.01  INR per egg
    """
    ask = Ask.read(start, end, section, unit, frames.SECTIONS)
    moment = {} if as_of is None else {"as_of": frames.instant(as_of)}
    reader = Reader.open(settings, zones)
    rows = reader.rows(queries.PRICES_AS_OF if moment else queries.PRICES, ask, **moment)
    held, flagged = rows["is_held"].astype(bool), rows["is_flagged"].astype(bool)
    shown = rows[~held & ~flagged] if clean else rows[~held]
    counts = {"held_cells": int(held.sum()), "flagged_cells": int((flagged & ~held).sum())}
    return _tidy(shown, frames.PRICES, ask, reader, counts)


def monthly(
    zones: Zones = None,
    start: Day | None = None,
    end: Day | None = None,
    *,
    section: str | None = None,
    unit: str = "per_100",
    settings: Settings | None = None,
) -> pd.DataFrame:
    """The averages of the days quoted in each month, one row per zone, month and series.

    Args:
        zones: one or several zones by slug, name, alias or printed label; None for all.
        start: a month is in the range when its first day is: from this day on.
        end: up to this day, included.
        section: 'suggested', 'prevailing' or 'reference' (each day's suggested price where there is one,
            else the prevailing one); None for all three.
        unit: per_100, egg, dozen, tray30, peti210 or box180.
        settings: which database; by default what the environment says.

    Returns:
        date (the month's first day), zone, zone_name, section, price (the average), min_price, max_price,
        last_price (of the last quoted day), days_count (days with a price), is_complete (at most three days
        of this series missing), is_current (the month still runs), unit, flag ('mixed sections' where
        the reference series changes its section within the month). Held cells are in no average;
        attrs: is_demo, held_cells (left out).

    Raises:
        UsageError, NoDataError, DatabaseError: as `prices` does.
    """
    ask = Ask.read(start, end, section, unit, frames.SERIES)
    reader = Reader.open(settings, zones)
    rows, held = reader.rows(queries.MONTHLY, ask), reader.rows(queries.HELD_CELLS, ask, years_back=0)
    return _tidy(rows, frames.MONTHLY, ask, reader, {"held_cells": int(held["held_cells"].iloc[0])})


def yoy(
    zones: Zones = None,
    start: Day | None = None,
    end: Day | None = None,
    *,
    section: str | None = None,
    unit: str = "per_100",
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Each month's average beside that of the same month a year earlier, one row per zone, month and series.

    The running month is compared over the same days of both years: the first to the last one quoted.

    Args:
        zones: one or several zones by slug, name, alias or printed label; None for all.
        start: a month is in the range when its first day is: from this day on.
        end: up to this day, included.
        section: 'suggested', 'prevailing' or 'reference'; None for all three.
        unit: per_100, egg, dozen, tray30, peti210 or box180.
        settings: which database; by default what the environment says.

    Returns:
        date (the month's first day), zone, zone_name, section, price (this year's average), previous_price,
        change (in `unit`), change_pct (percent), days_count, previous_days_count, is_partial (the running
        month), is_mixed_section, unit, flag ('not like for like' where the reference series compares
        different sections: change_pct is then missing). Missing where no price is a year older.
        attrs: is_demo, held_cells (left out of either year).

    Raises:
        UsageError, NoDataError, DatabaseError: as `prices` does.

    Example:
        >>> february = necc.yoy("Namakkal", "2024-02", "2024-02", section="suggested")
        >>> february[["date", "price", "previous_price", "change", "change_pct"]]
                date  price  previous_price  change  change_pct
        0 2024-02-01  400.5           380.0    20.5        5.39
    """
    ask = Ask.read(start, end, section, unit, frames.SERIES)
    reader = Reader.open(settings, zones)
    rows, held = reader.rows(queries.YOY, ask), reader.rows(queries.HELD_CELLS, ask, years_back=1)
    return _tidy(rows, frames.YOY, ask, reader, {"held_cells": int(held["held_cells"].iloc[0])})


def zones(*, settings: Settings | None = None) -> pd.DataFrame:
    """The markets, one row per zone, also before any price is stored.

    Returns:
        zone (slug), zone_name, zone_type (production_center or consumption_center: what the place is, never
        where it is printed), state, district, city, latitude, longitude (degrees, town centre), is_active,
        first_price_on, last_price_on, section (of the latest price; '' without one), labels (every name
        that finds the zone, separated by ', '), flag. attrs: is_demo.

    Raises:
        DatabaseError: the database cannot be reached, or has no tables yet.
    """
    settings = settings or Settings.load()
    holdings = reading.holdings(settings)
    rows = db.read_frame(settings, queries.ZONES, {"demo_label": holdings.label})
    return frames.shape(rows, frames.ZONES, is_demo=holdings.is_demo)


def notice(*, settings: Settings | None = None) -> str:
    """The source's clarification as printed on the page read last, word for word.

    Whoever passes the prices on passes it on with them. Before a page is read: 'no notice read yet'.

    Raises:
        DatabaseError: the database cannot be reached, or has no tables yet.
    """
    settings = settings or Settings.load()
    reading.holdings(settings)
    found = db.read_frame(settings, queries.NOTICE, {})
    return NO_NOTICE if found.empty else str(found["notice"].iloc[0])


def status(*, settings: Settings | None = None) -> Status:
    """What the database holds and how the last run ended, for the head of a notebook; empty is fine.

    Raises:
        DatabaseError: the database cannot be reached, or has no tables yet.
    """
    settings = settings or Settings.load()
    holdings = reading.holdings(settings)
    found = db.read_frame(settings, queries.STATUS, {}).astype(object).to_dict("records")[0]
    values = {str(name): None if pd.isna(value) else value for name, value in found.items()}
    return cast(Status, {"database": holdings.kind, **values})


def _tidy(
    rows: pd.DataFrame, columns: Mapping[str, str], ask: Ask, reader: Reader, counts: Mapping[str, int]
) -> pd.DataFrame:
    """The answer in its unit and shape; what is hidden is said aloud."""
    if counts["held_cells"]:
        log.warning("held cells hidden: %d (doubtful prices that nobody has released)", counts["held_cells"])
    amounts = [name for name in columns if name in frames.AMOUNTS]
    return frames.shape(frames.in_unit(rows, amounts, ask.unit), columns, is_demo=reader.holdings.is_demo, **counts)
