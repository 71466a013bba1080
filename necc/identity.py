"""Proof that a sheet is the one that was asked for, before anything of it is stored. Pure.

The source sometimes answers with another month's table and status 200 (source.md 1.3). No single sign
is enough: the form may echo the month asked for above a wrong table. So four kinds of sign are checked:
what the page claims, which days have prices, whether the cells are another known month's, and whether
the prices join up with those of the neighbouring months.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from necc.errors import NoDataError, SheetRefusedError, StalePageError, UsageError
from necc.records import MISSING, Month, Quote, Sheet, SheetKey

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Prices = npt.NDArray[np.float64]

Cells = Mapping[tuple[Any, int], float]  # (zone, any hashable; day of the month) -> INR per 100 eggs

WIDEST_MONTH = 31
LAST_DAYS = 3  # one day may be missing altogether: nothing was published on 2010-01-31
LEAST_SHARE_AT_END = 0.5  # of the zones; lowest seen 0.84, March 2020, of 198 months (2009-01..2025-06)
SPARE_MONTHS, SPARE_ZONES = 64, 4  # room to grow without copying at each step

# Cells of two different months that are equal in place, among the cells that both have. Of the 198
# months 2009-01..2025-06, each with each: at most 13 % of a whole month; of any 10 days in a row at most
# 22 %, of 5 days 28 %, of 3 days 32 %, of one day 38 % (34 cells). So few cells prove less.
EQUAL_CELLS_LIMITS = ((300, 0.30), (30, 0.60))  # from so many shared cells on: the highest share allowed

# How far prices may move between the last priced day of one known month and the first of the next one:
# the median over the zones of (higher / lower - 1). Months that join (one day apart): at most 3.3 % in
# 197 boundaries. The other rows are 12-20 % above the largest move over that many days, or fewer, in the
# whole history: 2 days 0.29, 7 days 0.53, 31 days 0.74, 90 days 1.12, 365 days 1.35, 5 years 1.80,
# 10 years 2.11, 16.5 years 2.64. (Not at month ends, one day reached 0.19 in the lockdown of April 2020.)
MOVE_LIMITS = (
    (1, 0.04),
    (2, 0.35),
    (7, 0.60),
    (31, 0.85),
    (90, 1.25),
    (365, 1.60),
    (1826, 2.10),
    (3652, 2.50),
    (6026, 3.00),
)
LEAST_ZONES = 5  # a median over fewer zones proves nothing


def check_claims(sheet: Sheet, key: SheetKey) -> None:
    """What the page says of itself must be what was asked for.

    A short month may have 31 columns if the surplus ones hold only dashes.

    Raises:
        StalePageError: another month, year or report, or columns of another month.
    """
    if sheet.report != key.report or sheet.form_report != key.report:
        claimed = f"a {sheet.report} table under the form's {sheet.form_report or 'unreadable'} choice"
        raise StalePageError(f"asked for sheet {key}, a {key.report} one, the page shows {claimed}")
    shown = (sheet.year, sheet.month if key.month else None)
    if shown != (key.year, key.month):
        raise StalePageError(f"asked for sheet {key}, the page's form shows {_shown(*shown)}")
    if key.month:
        _check_columns(sheet, Month(key.year, key.month))


def _shown(year: int | None, month: int | None) -> str:
    return "-".join(part for part in (f"{year or '????'}", f"{month:02d}" if month else "") if part)


def _check_columns(sheet: Sheet, month: Month) -> None:
    width = len(sheet.columns)
    if width == month.days:
        return
    surplus = [row.cells[month.days :] for row in sheet.rows if len(row.cells) == width]
    if width != WIDEST_MONTH or any(text != MISSING for cells in surplus for text in cells):
        raise StalePageError(f"{month} has {month.days} days, the page's table has prices or columns for {width}")


def check_days(quotes: Sequence[Quote], month: Month, today: dt.date) -> None:
    """A past month has prices up to its end; the current one has none beyond tomorrow.

    Args:
        quotes: the month's readable prices.
        month: the month asked for.
        today: the day in India. Tomorrow's price may be printed in the evening.

    Raises:
        UsageError: the month lies in the future.
        NoDataError: a past month without any price.
        StalePageError: a past month whose prices end too early: most likely the current month's table.
        SheetRefusedError: prices for days that nobody can know yet.
    """
    if month > Month.of(today):
        raise UsageError(f"month {month} lies in the future: in India it is {today}")
    if month == Month.of(today):
        _check_no_future_day(quotes, month, today)
    elif not quotes:
        raise NoDataError(f"the sheet of {month} is blank: no price for a month that is over")
    else:
        _check_last_days(quotes, month)


def _check_no_future_day(quotes: Sequence[Quote], month: Month, today: dt.date) -> None:
    last = max((quote.date for quote in quotes), default=today)
    if last > today + dt.timedelta(days=1):
        raise SheetRefusedError(f"the sheet of {month} has prices up to {last}, but in India it is {today}")


def _check_last_days(quotes: Sequence[Quote], month: Month) -> None:
    first_late_day = month.last_day - dt.timedelta(days=LAST_DAYS - 1)
    zones = {(quote.section, quote.label) for quote in quotes}
    late = {(quote.section, quote.label) for quote in quotes if quote.date >= first_late_day}
    if len(late) < LEAST_SHARE_AT_END * len(zones):
        raise StalePageError(
            f"the sheet of {month} has prices for {len(zones)} zones, but from {first_late_day} on for only "
            f"{len(late)}: not a month that is over"
        )


@dataclass(frozen=True)
class _Ends:
    """A month's first and last price of each zone, and on which days of the calendar any zone has one."""

    first_day: dt.date
    last_day: dt.date
    first: Prices
    last: Prices


class KnownMonths:
    """The prices of all known months in memory, so that a wrong page is recognised by its content.

    A zone is any hashable key, the same for the same zone in every month. A month that is added again
    replaces what was known of it, and is never compared with itself.
    """

    def __init__(self) -> None:
        self._zones: dict[Hashable, int] = {}
        self._slots: dict[Month, int] = {}
        self._order: list[Month] = []
        self._ends: dict[Month, _Ends] = {}
        self._cube: Prices | None = None  # months x zones x days, NaN where there is no price

    def add(self, month: Month, cells: Cells) -> None:
        """Know this month's prices from now on. A month without prices proves nothing and is not kept."""
        if not cells:
            return
        grid = self._grid(cells)
        if month not in self._slots:
            self._slots[month] = len(self._slots)
            insort(self._order, month)
        self._room_for(grid.shape[0])[self._slots[month], : grid.shape[0]] = grid
        self._ends[month] = _ends(month, grid)

    def check_not_another(self, month: Month, cells: Cells) -> None:
        """No other known month has these cells.

        Raises:
            StalePageError: too many cells are equal to another month's, which is named.
        """
        import numpy as np

        if self._cube is None or not cells:
            return
        grid = self._grid(cells)
        cube = self._room_for(grid.shape[0])[: len(self._slots), : grid.shape[0]]
        equal = np.count_nonzero(cube == grid, axis=(1, 2))
        shared = np.count_nonzero(~(np.isnan(cube) | np.isnan(grid)), axis=(1, 2))
        for other, slot in self._slots.items():
            if other != month and equal[slot] > _most_equal(int(shared[slot])):
                raise StalePageError(
                    f"asked for {month}, the page has the prices of {other}: {equal[slot]} of "
                    f"{shared[slot]} cells are equal"
                )

    def check_boundary(self, month: Month, cells: Cells) -> None:
        """The prices join up with those of the nearest known months, before and after.

        Raises:
            SheetRefusedError: the median zone moved further than prices do in that time.
        """
        if not cells:
            return
        ends = _ends(month, self._grid(cells))
        for other in self._neighbours(month):
            known = self._ends[other]
            earlier, later = (known, ends) if other < month else (ends, known)
            gap_days = (later.first_day - earlier.last_day).days
            move = _median_move(earlier.last, later.first)
            limit = _most_moved(gap_days)
            if move is not None and move > limit:
                raise SheetRefusedError(
                    f"the prices of {month} do not join up with {other}: the median zone moves "
                    f"{move:.1%} between {earlier.last_day} and {later.first_day}, wanted {limit:.1%} at most"
                )

    def _neighbours(self, month: Month) -> Iterator[Month]:
        position = bisect_left(self._order, month)
        if position > 0:
            yield self._order[position - 1]
        after = position + 1 if month in self._slots else position
        if after < len(self._order):
            yield self._order[after]

    def _grid(self, cells: Cells) -> Prices:
        """Zones x days; zones not met before get the next rows."""
        import numpy as np

        rows = [self._zones.setdefault(zone, len(self._zones)) for zone, _ in cells]
        grid = np.full((len(self._zones), WIDEST_MONTH), np.nan)
        grid[rows, [day - 1 for _, day in cells]] = list(cells.values())
        return grid

    def _room_for(self, zones: int) -> Prices:
        """The cube, grown if it has no room for so many zones or for all months."""
        import numpy as np

        old = self._cube
        months = len(self._slots)
        if old is not None and old.shape[0] >= months and old.shape[1] >= zones:
            return old
        grown = np.full((months + SPARE_MONTHS, zones + SPARE_ZONES, WIDEST_MONTH), np.nan)
        if old is not None:
            grown[: old.shape[0], : old.shape[1]] = old
        self._cube = grown
        return grown


def _ends(month: Month, grid: Prices) -> _Ends:
    import numpy as np

    has_price = ~np.isnan(grid)
    days = np.flatnonzero(has_price.any(axis=0))
    zones = np.arange(grid.shape[0])
    first = has_price.argmax(axis=1)
    last = WIDEST_MONTH - 1 - has_price[:, ::-1].argmax(axis=1)
    start = month.first_day.toordinal()
    return _Ends(
        first_day=dt.date.fromordinal(start + int(days[0])),
        last_day=dt.date.fromordinal(start + int(days[-1])),
        first=grid[zones, first],
        last=grid[zones, last],
    )


def _most_equal(shared: int) -> float:
    """How many of so many shared cells may be equal by chance."""
    return next((share * shared for least, share in EQUAL_CELLS_LIMITS if shared >= least), float(shared))


def _median_move(before: Prices, after: Prices) -> float | None:
    """Median over the zones that both have of higher / lower - 1; None if they are too few."""
    import numpy as np

    zones = min(len(before), len(after))  # a zone met later has a row in the later array only
    ratios = after[:zones] / before[:zones]
    ratios = ratios[~np.isnan(ratios)]
    if len(ratios) < LEAST_ZONES:
        return None
    ratio = float(np.median(ratios))
    return max(ratio, 1 / ratio) - 1


def _most_moved(gap_days: int) -> float:
    """The limit for so many days, in between the rows of the table by a straight line."""
    import numpy as np

    days, limits = zip(*MOVE_LIMITS, strict=True)
    return float(np.interp(gap_days, days, limits))
