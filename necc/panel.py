"""Long prices -> one live series per zone on a complete axis of days. Pure: frames in, frames out.

Prices are INR per 100 eggs. What is missing is missing; a filled value is only ever an input.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from necc import units
from necc.errors import NoDataError, UsageError
from necc.records import Section

INPUT_FILL_DAYS = 7  # the protocol's limit; a longer silence is a gap, not an unchanged price
PRICE_COLUMNS = ("date", "zone", "section", "price")


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
