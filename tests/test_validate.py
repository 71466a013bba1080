"""Cells -> prices and problems: numbers that can be counted by hand."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from necc import validate
from necc.parse import read_sheet
from necc.records import Month, Problem, Quote, Report, Section, Sheet, SheetRow, Verdict

PAGES = Path(__file__).parent / "pages"
FEBRUARY = Month(2023, 2)  # 28 days
FLAT = ("400",) * 28


def sheet_of(*rows: SheetRow, columns: int = 28, report: Report = Report.DAILY) -> Sheet:
    return Sheet(report, 2023, 2, tuple(range(1, columns + 1)), rows, None, report)


def row(*cells: str, average: str = "400.00", label: str = "Pune") -> SheetRow:
    return SheetRow(Section.SUGGESTED, label, cells, average)


def judge(*rows: SheetRow) -> tuple[list[Quote], list[Problem]]:
    return validate.judge(sheet_of(*rows), FEBRUARY)


def with_cell(text: str, average: str = "400.00") -> SheetRow:
    return row("400", text, *FLAT[2:], average=average)


def test_a_sound_row_gives_its_prices_with_their_days() -> None:
    quotes, problems = judge(row("390", "410.50", *["-"] * 26, average="400.25"))
    assert problems == []
    assert quotes == [
        Quote("Pune", Section.SUGGESTED, dt.date(2023, 2, 1), Decimal("390")),
        Quote("Pune", Section.SUGGESTED, dt.date(2023, 2, 2), Decimal("410.50")),
    ]


def test_a_row_of_dashes_gives_nothing() -> None:
    assert judge(row(*["-"] * 28, average="-")) == ([], [])


@pytest.mark.parametrize(
    "text", ["5l0", "55000", "NA", "4", "0", "-400", "4,00", "400.123", "400.", "4 00", "--", "४००"]
)
def test_a_damaged_cell_is_rejected_and_the_rest_of_its_row_kept(text: str) -> None:
    quotes, problems = judge(with_cell(text))
    assert [quote.date.day for quote in quotes] == [1, *range(3, 29)]
    (problem,) = problems
    assert (problem.rule, problem.verdict, problem.raw_text) == ("damaged_cell", Verdict.REJECTED, text)
    assert (problem.label, problem.section, problem.date) == ("Pune", Section.SUGGESTED, dt.date(2023, 2, 2))
    assert problem.price is None


def test_an_empty_cell_is_rejected_under_its_own_name() -> None:
    _, problems = judge(with_cell(""))
    assert [(p.rule, p.verdict, p.raw_text) for p in problems] == [("empty_cell", Verdict.REJECTED, "")]


@pytest.mark.parametrize("text", ["00", "00.00", "5001", "9999.99"])
def test_an_impossible_price_is_rejected(text: str) -> None:
    quotes, problems = judge(with_cell(text))
    assert len(quotes) == 27
    assert [(p.rule, p.verdict, p.price) for p in problems] == [("impossible_price", Verdict.REJECTED, Decimal(text))]


@pytest.mark.parametrize("text", ["10", "1000", "5000"])
def test_an_unusual_price_is_stored(text: str) -> None:
    average = f"{(Decimal(text) + 27 * 400) / 28:.2f}"
    quotes, problems = judge(with_cell(text, average))
    assert (len(quotes), problems) == (28, [])


def test_a_row_with_a_cell_too_few_or_too_many_is_rejected_whole() -> None:
    quotes, problems = judge(row(*FLAT[1:], label="Surat"), row(*FLAT, "400"), row(*FLAT, label="Vizag"))
    assert {quote.label for quote in quotes} == {"Vizag"}
    assert [(p.label, p.rule, p.verdict, p.date) for p in problems] == [
        ("Surat", "row_shape", Verdict.REJECTED, None),
        ("Pune", "row_shape", Verdict.REJECTED, None),
    ]
    assert "27 cells where the header has 28" in problems[0].detail


@pytest.mark.parametrize(
    ("cell", "average", "is_flagged"),
    [
        ("400", "400.01", False),
        ("400", "399.99", False),
        ("400", "400.02", True),
        ("401", "400.04", False),  # 400.0357
        ("401", "400.00", True),
        ("500", "400.00", True),  # a hundred too much
        ("040", "400.00", True),  # swapped digits
    ],
)
def test_a_row_that_contradicts_its_average_is_flagged_and_kept(cell: str, average: str, is_flagged: bool) -> None:
    quotes, problems = judge(with_cell(cell, average))
    assert len(quotes) == 28
    wanted = [("printed_average", Verdict.FLAGGED, None, average)] if is_flagged else []
    assert [(p.rule, p.verdict, p.date, p.raw_text) for p in problems] == wanted


def test_the_flag_says_both_numbers() -> None:
    _, (problem,) = judge(with_cell("428"))
    assert problem.detail == "the line prints an average of 400.00, its 28 prices average 401.00"


@pytest.mark.parametrize("average", ["-", "", "4OO.00", "nan"])
def test_prices_beside_an_unreadable_average_are_flagged(average: str) -> None:
    quotes, problems = judge(row(*FLAT, average=average))
    assert len(quotes) == 28
    assert [(p.rule, p.verdict, p.raw_text) for p in problems] == [("printed_average", Verdict.FLAGGED, average)]


def test_an_unreadable_average_hides_no_damaged_cell() -> None:
    _, problems = judge(with_cell("x", "-"))
    assert [p.rule for p in problems] == ["damaged_cell", "printed_average"]


def test_an_average_without_any_price_is_flagged() -> None:
    quotes, problems = judge(row(*["-"] * 28, average="400.00"))
    assert quotes == []
    assert [(p.rule, p.verdict) for p in problems] == [("printed_average", Verdict.FLAGGED)]


def test_the_average_tells_what_a_damaged_cell_held() -> None:
    """27 cells of 400 and an average of 400.25 over 28: the lost one is 407."""
    _, (problem,) = judge(with_cell("4z7", "400.25"))
    assert problem.rule == "damaged_cell"
    assert problem.detail.endswith("the line's average of 400.25 implies 407 here")


def test_an_average_that_leaves_the_damaged_cell_out_is_in_order() -> None:
    _, (problem,) = judge(with_cell("4z8", "400.00"))
    assert "implies" not in problem.detail


@pytest.mark.parametrize(("wrong", "is_flagged"), [("413", True), ("412", False), ("387", True), ("388", False)])
def test_a_wrong_price_cannot_hide_behind_a_damaged_cell(wrong: str, is_flagged: bool) -> None:
    """True prices are 400. With 413 in place of one, the lost cell would have to hold 387: 3 % are 388 to 412."""
    quotes, problems = judge(row("400", "4z0", *FLAT[3:], wrong))
    assert len(quotes) == 27
    rules = ["damaged_cell", "printed_average"] if is_flagged else ["damaged_cell"]
    assert [p.rule for p in problems] == rules


def test_a_damaged_cell_is_compared_with_its_neighbours_not_with_the_whole_row() -> None:
    """The row climbs from 400 to 454, so that 60 too much on one day would drown in its range."""
    climbing = [str(400 + 2 * day) for day in range(28)]
    cells = [*climbing[:9], "4l8", *climbing[10:]]
    assert [p.rule for p in judge(row(*cells, average="427.00"))[1]] == ["damaged_cell"]
    cells[20] = "460"  # 440 in truth; the lost cell would have to hold 398, beside 416 and 420
    assert [p.rule for p in judge(row(*cells, average="427.00"))[1]] == ["damaged_cell", "printed_average"]


def test_many_damaged_cells_explain_an_average_together() -> None:
    """Two of 28 are lost; an average of 400.50 asks for 407 each, one of 401 for 414: 3 % are 412."""
    cells = ("x", "y", *FLAT[2:])
    problems = judge(row(*cells, average="400.50"))[1]
    assert [p.rule for p in problems] == ["damaged_cell"] * 2
    assert not any("implies" in p.detail for p in problems)  # which of the two held what cannot be known
    assert [p.rule for p in judge(row(*cells, average="401.00"))[1]] == ["damaged_cell"] * 2 + ["printed_average"]


def test_damaged_cells_alone_earn_no_flag() -> None:
    _, problems = judge(row("x", *["-"] * 27, average="400.00"))
    assert [p.rule for p in problems] == ["damaged_cell"]


def test_surplus_columns_of_a_short_month_are_not_read() -> None:
    cells = (*FLAT, "-", "-", "-")
    quotes, problems = validate.judge(sheet_of(row(*cells), columns=31), FEBRUARY)
    assert (len(quotes), problems) == (28, [])
    assert quotes[-1].date == dt.date(2023, 2, 28)


def test_both_sections_of_one_label_are_kept() -> None:
    suggested = row(*FLAT, label="Jabalpur")
    prevailing = SheetRow(Section.PREVAILING, "Jabalpur", FLAT, "400.00")
    quotes, _ = judge(suggested, prevailing)
    assert [(q.section, q.date.day) for q in quotes if q.date.day == 1] == [("suggested", 1), ("prevailing", 1)]


def test_the_damaged_page_gives_exactly_its_problems() -> None:
    _, problems = validate.judge(read_sheet((PAGES / "2020-09_damaged.html").read_bytes()), Month(2020, 9))
    found = [
        (p.section, p.label, str(p.date or ""), p.raw_text, p.rule, p.verdict, str(p.price or "")) for p in problems
    ]
    with (PAGES / "2020-09_damaged.problems.csv").open(newline="", encoding="utf-8") as file:
        wanted = [tuple(line.values()) for line in csv.DictReader(file)]
    assert found == wanted


def test_no_two_problems_of_a_page_share_their_key() -> None:
    """The database keeps one row per page, label, date, section and rule."""
    _, problems = validate.judge(read_sheet((PAGES / "2020-09_damaged.html").read_bytes()), Month(2020, 9))
    keys = {(p.label, p.date, p.section, p.rule) for p in problems}
    assert len(keys) == len(problems) == 14


def test_an_unknown_label_says_how_many_prices_are_lost() -> None:
    problem = validate.unknown_label(row("400", "x", "-", "401", label="Newtown"))
    assert (problem.label, problem.section, problem.date) == ("Newtown", Section.SUGGESTED, None)
    assert (problem.rule, problem.verdict) == ("unknown_label", Verdict.REJECTED)
    assert "2 prices" in problem.detail


def test_a_long_damaged_text_is_shortened() -> None:
    _, problems = judge(with_cell("9" * 10_000))
    assert len(problems[0].raw_text) == 200
    assert problems[0].raw_text.endswith("9…")


def test_averages_of_a_yearly_sheet_and_what_cannot_be_read_of_them() -> None:
    yearly = sheet_of(
        row("400.50", "-", "4OO.50"),
        row("400.50", label="Surat"),
        row("", "90.00", "100.25", label="Vizag"),
        columns=3,
        report=Report.MONTHLY,
    )
    assert validate.judge_averages(yearly) == [
        (Section.SUGGESTED, "Pune", 1, Decimal("400.50")),
        (Section.SUGGESTED, "Pune", 3, None),
        (Section.SUGGESTED, "Vizag", 1, None),
        (Section.SUGGESTED, "Vizag", 2, Decimal("90.00")),
        (Section.SUGGESTED, "Vizag", 3, Decimal("100.25")),
    ]
    assert [(p.label, p.date, p.rule) for p in validate.average_problems(yearly, 2023)] == [
        ("Pune", dt.date(2023, 3, 1), "damaged_cell"),
        ("Vizag", dt.date(2023, 1, 1), "empty_cell"),
        ("Surat", None, "row_shape"),
    ]


def test_a_monthly_mean_that_differs_from_the_yearly_sheet() -> None:
    problem = validate.average_mismatch("Pune", Section.SUGGESTED, FEBRUARY, Decimal("401.25"), 400.0)
    assert (problem.rule, problem.verdict, problem.date) == ("monthly_average", Verdict.FLAGGED, FEBRUARY.first_day)
    assert problem.raw_text == "401.25"
    assert problem.detail == "the yearly sheet prints 401.25 for 2023-02, the stored prices average 400.00"
