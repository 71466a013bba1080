"""The shapes that pass between the stages, with their units.

Prices are INR per 100 eggs (= paise per egg), as printed. Business dates are plain dates in India.
"""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from necc.errors import UsageError

FIRST_YEAR = 2009  # the source's archive begins with January 2009
MISSING = "-"  # how the source prints that there is no price


class Section(StrEnum):
    """Where the sheet prints a quote. It belongs to (zone, day), never to the zone."""

    SUGGESTED = "suggested"
    PREVAILING = "prevailing"


class Report(StrEnum):
    """The two sheets: one month of days, or one year of monthly averages."""

    DAILY = "daily"
    MONTHLY = "monthly"


class Verdict(StrEnum):
    """What became of a doubtful cell: not stored, stored but hidden, or stored and shown with a flag."""

    REJECTED = "rejected"
    HELD = "held"
    FLAGGED = "flagged"


class Outcome(StrEnum):
    """What became of one sheet of a run."""

    STORED = "stored"  # something of it was new
    UNCHANGED = "unchanged"  # read and proven, nothing new
    REFUSED = "refused"  # not the sheet asked for, or contradicts what is known: nothing kept
    FAILED = "failed"  # not fetched or not read to the end


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month of the archive, from 2009-01 on."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and self.year >= FIRST_YEAR):
            found = f"{self.year:04d}-{self.month:02d}"
            raise UsageError(f"month {found}: wanted YYYY-MM from {FIRST_YEAR}-01 on")

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read 'YYYY-MM'.

        Raises:
            UsageError: the text is not a month of the archive.
        """
        match = re.fullmatch(r"(\d{4})-(\d{2})", text.strip())
        if not match:
            raise UsageError(f"month {text!r}: wanted YYYY-MM, for example 2024-02")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: dt.date) -> Month:
        """The month that a day lies in."""
        return cls(day.year, day.month)

    @property
    def days(self) -> int:
        """How many days the month has."""
        return calendar.monthrange(self.year, self.month)[1]

    @property
    def first_day(self) -> dt.date:
        """The first day of the month."""
        return dt.date(self.year, self.month, 1)

    @property
    def last_day(self) -> dt.date:
        """The last day of the month."""
        return dt.date(self.year, self.month, self.days)

    def plus(self, months: int) -> Month:
        """The month so many months later (earlier if negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    def through(self, last: Month) -> Iterator[Month]:
        """Every month from this one to `last`, both included, in order."""
        month = self
        while month <= last:
            yield month
            month = month.plus(1)


@dataclass(frozen=True, order=True)
class SheetKey:
    """Which sheet: a daily one has a month, a monthly-average one only a year."""

    report: Report
    year: int
    month: int | None

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}" if self.month else f"averages {self.year:04d}"

    @classmethod
    def daily(cls, month: Month) -> SheetKey:
        """The sheet of days of one month."""
        return cls(Report.DAILY, month.year, month.month)

    @classmethod
    def averages(cls, year: int) -> SheetKey:
        """The sheet of monthly averages of one year."""
        return cls(Report.MONTHLY, year, None)


@dataclass(frozen=True)
class Page:
    """One answer of the source, bytes as received."""

    url: str
    fetched_at: dt.datetime
    http_status: int
    content_type: str
    body: bytes

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the body: the page's identity in the archive."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class SheetRow:
    """One zone's line of a sheet: texts as printed, blanks collapsed at the ends only."""

    section: Section
    label: str
    cells: tuple[str, ...]
    average: str


@dataclass(frozen=True)
class Sheet:
    """A parsed page: what it says it is, and its lines. Columns are days 1..N or months 1..12.

    `report` is what the table's header says; `form_report`, `year` and `month` are what the form above
    the table shows as chosen, None where it shows nothing that can be read.
    """

    report: Report
    year: int | None
    month: int | None
    columns: tuple[int, ...]
    rows: tuple[SheetRow, ...]
    notice: str | None
    form_report: Report | None = None


@dataclass(frozen=True)
class Quote:
    """One price as printed: INR per 100 eggs, in force on `date` in India."""

    label: str
    section: Section
    date: dt.date
    price: Decimal


@dataclass(frozen=True)
class Problem:
    """Something doubtful on a sheet. `date` is None when it concerns the whole line of the month."""

    label: str
    section: Section | None
    date: dt.date | None
    raw_text: str
    rule: str
    verdict: Verdict
    detail: str
    price: Decimal | None = None
