"""What we believe of a sheet's cells. Pure: rows in, prices and problems out; nothing is repaired.

A damaged cell is rejected (recorded, not stored). A row that contradicts its own printed average is
flagged: its prices are stored and shown, with the flag.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from necc.records import MISSING, Month, Problem, Quote, Section, Sheet, SheetRow, Verdict

DAMAGED_CELL = "damaged_cell"
EMPTY_CELL = "empty_cell"
IMPOSSIBLE_PRICE = "impossible_price"
ROW_SHAPE = "row_shape"
PRINTED_AVERAGE = "printed_average"
MONTHLY_AVERAGE = "monthly_average"
UNKNOWN_LABEL = "unknown_label"

PRICE = re.compile(r"[0-9]{2,4}(\.[0-9]{1,2})?")
AVERAGE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,2})?")
HIGHEST_PRICE = 5000  # INR per 100 eggs; the highest ever printed was 890, a typing error (until 2025-06)
AVERAGE_TOLERANCE = Decimal("0.01")  # averages have two decimals; one wrong rupee in 31 days moves them 0.03
# How far a damaged cell's true price may lie outside of those before and after it. Of 185 465 real prices
# 2009-01..2025-06, 99.2 % lie within; for the others a flag too many does no harm.
IMPLIED_PRICE_SLACK = Decimal("0.03")
RAW_TEXT_LIMIT = 200  # characters of a damaged text that are kept; the raw page has all of it


class PrintedAverage(NamedTuple):
    """One cell of a yearly sheet. `average` is INR per 100 eggs, None where the cell cannot be read."""

    section: Section
    label: str
    month: int
    average: Decimal | None


class _Row(NamedTuple):
    """A row's cells, judged one by one."""

    quotes: list[Quote]
    rejected: list[Problem]


def judge(sheet: Sheet, month: Month) -> tuple[list[Quote], list[Problem]]:
    """Judge a daily sheet of which identity.check_claims has proven that it is this month's.

    Columns beyond the month's last day are not read: check_claims has found them empty.

    Returns:
        The readable prices in the sheet's order, and what is doubtful: at most one problem per rule,
        section, label and date; `date` is None where the whole line is meant.
    """
    dates = [month.first_day.replace(day=day) for day in range(1, month.days + 1)]
    quotes: list[Quote] = []
    problems: list[Problem] = []
    for row in sheet.rows:
        if len(row.cells) != len(sheet.columns):
            problems.append(_wrong_shape(row, len(sheet.columns)))
            continue
        judged = _judge_cells(row, dates)
        quotes += judged.quotes
        problems += _against_average(row, judged)
    return quotes, problems


def judge_averages(sheet: Sheet) -> list[PrintedAverage]:
    """The printed averages of a yearly sheet; months without one are left out."""
    return [
        PrintedAverage(row.section, row.label, month, _average(text))
        for row in sheet.rows
        if len(row.cells) == len(sheet.columns)
        for month, text in zip(sheet.columns, row.cells, strict=True)
        if text != MISSING
    ]


def average_problems(sheet: Sheet, year: int) -> list[Problem]:
    """The rows and cells of a yearly sheet that cannot be read; a cell's date is its month's first day."""
    damaged = [
        _rejected(row, dt.date(year, month, 1), text, EMPTY_CELL if not text else DAMAGED_CELL, "no average")
        for row in sheet.rows
        if len(row.cells) == len(sheet.columns)
        for month, text in zip(sheet.columns, row.cells, strict=True)
        if text != MISSING and _average(text) is None
    ]
    width = len(sheet.columns)
    return damaged + [_wrong_shape(row, width) for row in sheet.rows if len(row.cells) != width]


def average_mismatch(label: str, section: Section, month: Month, printed: Decimal, own: float) -> Problem:
    """The yearly sheet prints another average than the stored prices of the month have."""
    detail = f"the yearly sheet prints {printed} for {month}, the stored prices average {own:.2f}"
    return Problem(label, section, month.first_day, str(printed), MONTHLY_AVERAGE, Verdict.FLAGGED, detail, printed)


def is_readable(text: str) -> bool:
    """Whether a cell's text is a price that may be stored."""
    return bool(PRICE.fullmatch(text)) and 0 < Decimal(text) <= HIGHEST_PRICE


def unknown_label(row: SheetRow) -> Problem:
    """A line whose zone is in no alias: nothing of it can be stored."""
    count = sum(1 for text in row.cells if PRICE.fullmatch(text))
    detail = f"zone {row.label!r} is in no alias: {count} prices of this line are not stored"
    return Problem(row.label, row.section, None, _bounded(row.label), UNKNOWN_LABEL, Verdict.REJECTED, detail)


def _wrong_shape(row: SheetRow, width: int) -> Problem:
    found = len(row.cells)
    detail = f"the line has {found} cells where the header has {width} columns: none of it can be dated"
    return _rejected(row, None, " | ".join(row.cells), ROW_SHAPE, detail)


def _judge_cells(row: SheetRow, dates: Sequence[dt.date]) -> _Row:
    judged = _Row([], [])
    for date, text in zip(dates, row.cells, strict=False):
        if text == MISSING:
            continue
        price = Decimal(text) if PRICE.fullmatch(text) else None
        if price is not None and 0 < price <= HIGHEST_PRICE:
            judged.quotes.append(Quote(row.label, row.section, date, price))
        else:
            judged.rejected.append(_rejected_cell(row, date, text, price))
    return judged


def _rejected_cell(row: SheetRow, date: dt.date, text: str, price: Decimal | None) -> Problem:
    if price is not None:
        detail = f"{price} is not a price: wanted more than 0 and at most {HIGHEST_PRICE}"
        return _rejected(row, date, text, IMPOSSIBLE_PRICE, detail, price)
    if not text:
        return _rejected(row, date, text, EMPTY_CELL, "the cell is empty: neither a price nor a dash")
    detail = "not a price: wanted 2 to 4 digits, perhaps with decimals, or a dash"
    return _rejected(row, date, text, DAMAGED_CELL, detail)


def _against_average(row: SheetRow, judged: _Row) -> list[Problem]:
    """The rejected cells, with the price that the average implies, and the row's flag if it has earned one."""
    count, average = len(judged.quotes), _average(row.average)
    if not count:
        is_odd = average is not None and not judged.rejected
        return judged.rejected + ([_flag(row, f"an average of {average}, but no price")] if is_odd else [])
    if average is None:
        text = repr(_bounded(row.average))
        return [*judged.rejected, _flag(row, f"{count} prices, but an average that cannot be read: {text}")]
    mean = sum((quote.price for quote in judged.quotes), Decimal(0)) / count
    if abs(mean - average) <= AVERAGE_TOLERANCE:
        return judged.rejected
    if judged.rejected:
        return _explained_by_rejected(row, judged, average, mean)
    return [_flag(row, f"the line prints an average of {average}, its {count} prices average {mean:.2f}")]


def _explained_by_rejected(row: SheetRow, judged: _Row, average: Decimal, mean: Decimal) -> list[Problem]:
    """The average counts the rejected cells too: what must they have held, and can that be?

    If not, another cell of the row is wrong as well, though it looks like a price.
    """
    count, lost = len(judged.quotes), len(judged.rejected)
    implied = average + (average - mean) * count / lost
    near = [price for problem in judged.rejected for price in _prices_beside(problem, judged.quotes)]
    hint = f"; the line's average of {average} implies {implied:.0f} here" if lost == 1 else ""
    explained = [replace(problem, detail=problem.detail + hint) for problem in judged.rejected]
    if min(near) * (1 - IMPLIED_PRICE_SLACK) <= implied <= max(near) * (1 + IMPLIED_PRICE_SLACK):
        return explained
    detail = (
        f"the line prints an average of {average}, its {count} readable prices average {mean:.2f}: "
        f"the rejected cells would have to hold {implied:.0f}, beside {min(near)} to {max(near)}"
    )
    return [*explained, _flag(row, detail)]


def _prices_beside(problem: Problem, quotes: Sequence[Quote]) -> list[Decimal]:
    """The last readable price before a rejected cell and the first one after it."""
    before = [quote.price for quote in quotes if problem.date and quote.date < problem.date]
    after = [quote.price for quote in quotes if problem.date and quote.date > problem.date]
    return before[-1:] + after[:1]


def _average(text: str) -> Decimal | None:
    return Decimal(text) if AVERAGE.fullmatch(text) else None


def _flag(row: SheetRow, detail: str) -> Problem:
    raw_text = _bounded(row.average)
    return Problem(row.label, row.section, None, raw_text, PRINTED_AVERAGE, Verdict.FLAGGED, detail)


def _rejected(
    row: SheetRow, date: dt.date | None, text: str, rule: str, detail: str, price: Decimal | None = None
) -> Problem:
    return Problem(row.label, row.section, date, _bounded(text), rule, Verdict.REJECTED, detail, price)


def _bounded(text: str) -> str:
    return text if len(text) <= RAW_TEXT_LIMIT else text[: RAW_TEXT_LIMIT - 1] + "…"
