"""Pages -> sheets: compared whole with what was put into them; broken ones are refused, never guessed."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from necc.errors import NeccError, SheetRefusedError, SourceChangedError
from necc.parse import read_sheet
from necc.records import Month, Report, Section, Sheet
from necc.validate import judge, judge_averages
from tests import sheets

PAGES = Path(__file__).parent / "pages"
FEBRUARY = Month(2024, 2)
PAGE = sheets.daily_page(FEBRUARY)
SMALL_PAGE = sheets.daily_page(FEBRUARY, sheets.lines(FEBRUARY, zones=[sheets.ZONES[0], sheets.ZONES[-1]]))


def golden(name: str) -> list[dict[str, str]]:
    with (PAGES / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def page(name: str) -> Sheet:
    return read_sheet((PAGES / name).read_bytes())


@pytest.mark.parametrize("path", sorted(PAGES.glob("20*.html")), ids=lambda path: path.stem)
def test_a_recorded_page_gives_exactly_its_prices(path: Path) -> None:
    sheet = read_sheet(path.read_bytes())
    assert sheet.year and sheet.month
    quotes, _ = judge(sheet, Month(sheet.year, sheet.month))
    found = [(q.section, q.label, q.date, q.price) for q in quotes]
    wanted = [
        (Section(row["section"]), row["label"], dt.date.fromisoformat(row["date"]), Decimal(row["price"]))
        for row in golden(f"{path.stem}.prices.csv")
    ]
    assert len(wanted) >= 56
    assert found == wanted


def test_what_a_daily_page_says_of_itself() -> None:
    sheet = page("2019-07.html")
    assert (sheet.report, sheet.form_report, sheet.year, sheet.month) == (Report.DAILY, Report.DAILY, 2019, 7)
    assert sheet.columns == tuple(range(1, 32))
    assert sheet.notice == sheets.NOTICE


def test_labels_stay_as_printed_and_one_name_may_stand_in_both_sections() -> None:
    assert [(row.section.value, row.label) for row in page("2019-07.html").rows] == [
        ("suggested", "Ajmer"),
        ("suggested", "Jabalpur"),
        ("suggested", "Patna Road & Co"),
        ("suggested", "Warangal"),
        ("suggested", "Surat"),
        ("prevailing", "Jabalpur"),
        ("prevailing", "Ranchi  (CC)"),
    ]


def test_cells_and_average_are_texts_as_printed() -> None:
    surat = next(row for row in page("2019-07.html").rows if row.label == "Surat")
    assert (surat.cells[0], surat.cells[-1], surat.average) == ("350", "350.5", "350.02")
    dashes = page("2019-07.html").rows[1]
    assert (set(dashes.cells), dashes.average) == ({"-"}, "-")


def test_a_yearly_sheet() -> None:
    sheet = page("averages-2020.html")
    assert (sheet.report, sheet.form_report, sheet.year) == (Report.MONTHLY, Report.MONTHLY, 2020)
    assert sheet.columns == tuple(range(1, 13))
    wanted = [
        (Section(row["section"]), row["label"], int(row["month"]), Decimal(row["average"]))
        for row in golden("averages-2020.csv")
    ]
    assert [tuple(average) for average in judge_averages(sheet)] == wanted


@pytest.mark.parametrize(
    "header",
    [
        ["Zone / Month", *map(str, range(1, 13))],
        ["Zone /  MONTH", *(f"{n:02d}" for n in range(1, 13)), "Yearly Avg."],
        ["Zone/Month", "January", "February", "March", "April", "May", "June", "Jul", "Aug"],
    ],
)
def test_a_yearly_header_may_have_numbers_or_names_and_no_average(header: list[str]) -> None:
    months = [n for n, name in enumerate(header) if n and "Avg" not in name]
    line = sheets.Line(Section.SUGGESTED, "Ajmer", ("400.50",) * len(months), "400.50")
    body = sheets.averages_page(2020, [line], header=header)
    if "Avg" not in header[-1]:
        body = body.replace(b"<td>400.50</td></tr>", b"</tr>")  # the builder prints the average of the line
    sheet = read_sheet(body)
    assert sheet.columns == tuple(months)
    assert sheet.rows[0].cells == ("400.50",) * len(months)
    assert sheet.rows[0].average == ("400.50" if "Avg" in header[-1] else "")


def test_headings_are_known_in_any_case_and_spacing() -> None:
    body = PAGE.replace(b"NECC SUGGESTED EGG PRICES", b"Necc  suggested\n egg Prices")
    assert read_sheet(body).rows == read_sheet(PAGE).rows


def test_a_nested_tag_and_a_comment_in_a_cell_do_not_change_its_text() -> None:
    price = sheets.price(0, FEBRUARY.first_day)
    body = PAGE.replace(b"<td>%d</td>" % price, b"<td><b>%d</b><!-- 7 --></td>" % price, 1)
    assert body != PAGE
    assert read_sheet(body).rows == read_sheet(PAGE).rows


def test_a_comment_alone_is_no_price() -> None:
    price = sheets.price(0, FEBRUARY.first_day)
    body = PAGE.replace(b"<td>%d</td>" % price, b"<td><!--%d--></td>" % price, 1)
    assert body != PAGE
    assert read_sheet(body).rows[0].cells[0] == ""


@pytest.mark.parametrize(
    ("heading", "notice"),
    [
        ("TITLE (PC)", None),
        ("TITLE (PC)<br>", None),
        ("TITLE (PC)<br>\r\n  (“Be   <i>careful</i>.”)", "(“Be careful.”)"),
        ("TITLE (PC)<br>Without brackets.", "Without brackets."),
        ("TITLE (PC) (“No break.”)", "(“No break.”)"),
    ],
)
def test_the_notice_is_what_follows_the_title(heading: str, notice: str | None) -> None:
    start, end = PAGE.index(b"<h5>"), PAGE.index(b"</h5>")
    assert read_sheet(PAGE[:start] + b"<h5>" + heading.encode() + PAGE[end:]).notice == notice


def test_what_the_form_does_not_say_is_none() -> None:
    body = PAGE.replace(b'selected="selected"', b"").replace(b'checked="checked"', b"")
    sheet = read_sheet(body)
    assert (sheet.year, sheet.month, sheet.form_report) == (None, None, None)
    twice = PAGE.replace(b'<option   value="03">', b'<option selected value="03">')
    assert twice != PAGE
    assert read_sheet(twice).month is None
    both = PAGE.replace(b'value="MonthlyReport"', b'value="MonthlyReport" checked')
    assert both != PAGE
    assert read_sheet(both).form_report is None


CUT = "the page is cut"


@pytest.mark.parametrize("kept", ["<html>", 'id="pan2"', "<th>15</th>", "<td>", "Prevailing", "</tbody>"])
def test_a_cut_page_is_refused(kept: str) -> None:
    body = PAGE[: PAGE.rindex(kept.encode()) + len(kept)]
    with pytest.raises(SheetRefusedError, match=CUT):
        read_sheet(body)


def test_a_page_cut_behind_its_table_is_whole() -> None:
    body = PAGE[: PAGE.rindex(b"</table>") + len(b"</table>")]
    assert read_sheet(body).rows == read_sheet(PAGE).rows


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'id="pan2"', b'id="pan3"', "no panel"),
        (b"Name Of Zone / Day", b"Name Of Zone", "table header"),
        (b"<th>7</th>", b"<th>8</th>", "table columns"),
        (b"<th>7</th>", b"", "table columns"),
        (b"<th>Average</th>", b"<th>30</th>", "table columns"),
        (b"Prevailing Prices", b"Other Prices", "section heading"),
        (b"Prevailing Prices", b"NECC Suggested egg prices", "section headings found"),
        (b"<td align='left'>Pune</td>", b"<td align='left'>AJMER </td>", "stands 2 times"),
        (b"<td align='left'>Pune</td>", b"<td align='left'>&nbsp;</td>", "wanted a name"),
        (b"<td align='left'>Pune</td>", b"<td align='left'>" + b"x" * 81 + b"</td>", "wanted a name"),
    ],
)
def test_another_layout_is_told(old: bytes, new: bytes, message: str) -> None:
    assert old in PAGE
    with pytest.raises(SourceChangedError, match=message):
        read_sheet(PAGE.replace(old, new))


def test_rows_without_a_section_heading_are_not_guessed() -> None:
    start = PAGE.index(b'<tr>\n<td align="left" colspan')
    end = PAGE.index(b"</tr>", start) + len(b"</tr>")
    with pytest.raises(SourceChangedError, match="before any section heading"):
        read_sheet(PAGE[:start] + PAGE[end:])


def test_a_lost_heading_does_not_move_rows_into_the_other_section() -> None:
    start = PAGE.rindex(b'<tr>\n<td align="left" colspan')
    end = PAGE.index(b"</tr>", start) + len(b"</tr>")
    with pytest.raises(SourceChangedError, match="headings found: suggested"):
        read_sheet(PAGE[:start] + PAGE[end:])


def test_a_table_of_headings_only_is_told() -> None:
    with pytest.raises(SourceChangedError, match="names no zone"):
        read_sheet(sheets.daily_page(FEBRUARY, []))


def test_a_row_that_broken_tags_hide_is_noticed() -> None:
    body = PAGE.replace(b"<tr align=\"center\">\n<td align='left'>Pune", b"<td align='left'>Pune")
    assert body != PAGE
    with pytest.raises(SourceChangedError, match="its rows are damaged"):
        read_sheet(body)


def test_an_empty_table_is_told() -> None:
    body = b"<html><body><div id=pan2><table></table></div></body>"
    with pytest.raises(SourceChangedError, match="table is empty"):
        read_sheet(body)
    with pytest.raises(SourceChangedError, match="no table in panel"):
        read_sheet(b"<html><body><div id=pan2></div><table></table></body>")


def test_another_page_with_status_200_is_a_changed_source() -> None:
    with pytest.raises(SourceChangedError, match="no panel"):
        read_sheet(b"<html><body><h1>Maintenance</h1></body></html>")


def is_storable(sheet: Sheet) -> bool:
    """No text may hold what PostgreSQL cannot store."""
    texts = [sheet.notice or "", *(text for row in sheet.rows for text in (row.label, *row.cells, row.average))]
    return all("\x00" not in text and text.encode() is not None for text in texts)


def read_or_refuse(body: bytes) -> Sheet | None:
    try:
        sheet = read_sheet(body)
    except NeccError:
        return None
    assert is_storable(sheet)
    return sheet


def test_what_postgresql_cannot_store_is_replaced() -> None:
    sheet = read_sheet(SMALL_PAGE.replace(b">Ajmer<", b">Aj\x00mer \xff<"))
    assert sheet.rows[0].label == "Aj\ufffdmer \ufffd"


def test_a_page_cut_anywhere_gives_no_other_prices() -> None:
    whole = read_sheet(SMALL_PAGE).rows
    table_end = SMALL_PAGE.rindex(b"</table")
    for size in range(0, len(SMALL_PAGE), 97):
        sheet = read_or_refuse(SMALL_PAGE[:size])
        assert (sheet is not None) == (size > table_end + len("</table"))
        assert sheet is None or sheet.rows == whole


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    read_or_refuse(noise)
    read_or_refuse(b"<?xml " + noise + b' id="pan2" </table>')


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=12), st.integers(0, len(SMALL_PAGE)), st.integers(0, 40))
def test_noise_inside_a_page_breaks_nothing_but_the_page(noise: bytes, start: int, lost: int) -> None:
    read_or_refuse(SMALL_PAGE[:start] + noise + SMALL_PAGE[start + lost :])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, SMALL_PAGE.count(b"<") - 1))
def test_a_deleted_tag_moves_no_price(number: int) -> None:
    """Whatever tag is lost: a price that is read without a problem is the one that was printed."""
    start = [place for place, byte in enumerate(SMALL_PAGE) if byte == ord("<")][number]
    end = SMALL_PAGE.index(b">", start) + 1
    sheet = read_or_refuse(SMALL_PAGE[:start] + SMALL_PAGE[end:])
    if sheet:
        quotes, problems = judge(sheet, FEBRUARY)
        doubtful = {(problem.section, problem.label) for problem in problems}
        true, _ = judge(read_sheet(SMALL_PAGE), FEBRUARY)
        assert {quote for quote in quotes if (quote.section, quote.label) not in doubtful} <= set(true)
