"""A raw page -> what it prints. Pure: it judges no price and does not ask whether the right sheet came.

The layout is proven while it is read. What is not understood is an error, never a guess: the table is
found by its panel, its columns by their header texts, sections by their headings, and the number of
cells read must equal the number of cells in the source text, so that none is lost silently.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from bs4.exceptions import ParserRejectedMarkup
from bs4.filter import SoupStrainer

from necc.errors import SheetRefusedError, SourceChangedError
from necc.records import Report, Section, Sheet, SheetRow

PARSER_VERSION = "1"  # stored with every page; raise it when the same page would be read differently
PANEL_ID = "pan2"
PANEL = re.compile(rf"""\bid\s*=\s*["']?{PANEL_ID}\b""", re.IGNORECASE)
TABLE_END = re.compile(r"</table\b", re.IGNORECASE)
CELL_START = re.compile(r"<t[dh]\b", re.IGNORECASE)
CELLS = ("td", "th")
ROW_GROUPS = ("thead", "tbody", "tfoot")
TITLE = re.compile(r"/ ?(day|month)$", re.IGNORECASE)
AVERAGE = re.compile(r"\b(average|avg)\b", re.IGNORECASE)
QUOTED_PARAGRAPH = re.compile(r"\(\s*[“”\"„«'‘].*", re.DOTALL)
SECTIONS = {
    "necc suggested egg prices": Section.SUGGESTED,
    "prevailing prices": Section.PREVAILING,
}
REPORTS = {"DailyReport": Report.DAILY, "MonthlyReport": Report.MONTHLY}
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST_LABEL = 80  # characters; the longest that was ever printed has 15
DAY_COUNTS = range(28, 32)
MONTH_COUNTS = range(1, 13)


class _Needed(SoupStrainer):
    """Keeps what is read, at the top of the tree, so that the rest of the page is never built."""

    def allow_tag_creation(self, nsprefix: str | None, name: str, attrs: Mapping[str, str] | None) -> bool:
        """Asked for tags outside of what is kept already."""
        return name in ("h5", "select", "input") or (attrs or {}).get("id") == PANEL_ID

    def allow_string_creation(self, string: str) -> bool:
        """Asked for texts outside of what is kept already."""
        return False


def read_sheet(body: bytes) -> Sheet:
    """Read a page of the price sheet, daily or monthly.

    Args:
        body: the answer as received. Bytes that are not UTF-8 become replacement characters.

    Returns:
        The sheet as printed: rows in the page's order, labels and cells as texts.

    Raises:
        SheetRefusedError: the page ends before its price table does.
        SourceChangedError: the page is complete, but its layout is not the known one.
    """
    text = body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
    table_text = _price_table_text(text)
    soup = _soup(text)
    lines = list(_lines(_price_table(soup)))
    _refuse_lost_cells(table_text, lines)
    if not lines:
        raise SourceChangedError("the price table is empty; the page's layout has changed")
    report, columns, has_average = _read_header(lines[0])
    return Sheet(
        report=report,
        year=_selected(soup, "ddlYear"),
        month=_selected(soup, "ddlMonth"),
        columns=columns,
        rows=_read_rows(lines[1:], has_average=has_average),
        notice=_notice(soup),
        form_report=_form_report(soup),
    )


def _price_table_text(text: str) -> str:
    """The source text of the price table; a table without its end tag was cut on the way."""
    panel = PANEL.search(text)
    if not panel and "</body" in text.lower():
        raise SourceChangedError(f"no panel {PANEL_ID!r} on the page; the page's layout has changed")
    end = TABLE_END.search(text, panel.end()) if panel else None
    if not panel or not end:
        raise SheetRefusedError(f"the page is cut: {len(text)} characters, and the price table does not end")
    return text[panel.end() : end.start()]


def _soup(text: str) -> BeautifulSoup:
    try:
        # The leading tag: text that begins like XML would only draw a warning.
        return BeautifulSoup(f"<html>{text}", "lxml", parse_only=_Needed())
    except ParserRejectedMarkup as error:
        raise SourceChangedError(f"the page cannot be read as HTML: {error}") from error


def _price_table(soup: BeautifulSoup) -> Tag:
    panel = soup.find(id=PANEL_ID, recursive=False)
    table = panel.find("table") if panel else None
    if not table:
        raise SourceChangedError(f"no table in panel {PANEL_ID!r}; the page's layout has changed")
    return table


def _lines(table: Tag) -> Iterator[list[str]]:
    """The texts of each row that has cells, header included."""
    for part in table.contents:
        if isinstance(part, Tag) and part.name in ROW_GROUPS:
            yield from _lines(part)
        elif isinstance(part, Tag) and part.name == "tr":
            cells = [_text(cell) for cell in part.contents if isinstance(cell, Tag) and cell.name in CELLS]
            if cells:
                yield cells


def _text(cell: Tag) -> str:
    """The cell's text. Nearly all cells hold one plain string, which is read without a search."""
    content = cell.contents
    if len(content) == 1 and type(content[0]) is NavigableString:
        return str(content[0]).strip()
    return cell.get_text().strip()


def _refuse_lost_cells(table_text: str, lines: list[list[str]]) -> None:
    """Broken tags could hide a row from the reader, and with it prices or the heading of a section."""
    printed, read = len(CELL_START.findall(table_text)), sum(map(len, lines))
    if printed != read:
        raise SourceChangedError(f"the price table has {printed} cells, {read} can be read: its rows are damaged")


def _read_header(header: list[str]) -> tuple[Report, tuple[int, ...], bool]:
    """Which sheet it is, its days or months, and whether a column of averages follows them."""
    title = TITLE.search(_collapsed(header[0]))
    if not title:
        raise SourceChangedError(f"table header {header[0]!r}: wanted a text that ends in '/ Day' or '/ Month'")
    is_daily = title[1].lower() == "day"
    has_average = bool(AVERAGE.search(header[-1]))
    names = header[1:-1] if has_average else header[1:]
    columns = tuple(_day(name) if is_daily else _month(name) for name in names)
    counts = DAY_COUNTS if is_daily else MONTH_COUNTS
    is_known = columns == tuple(range(1, len(columns) + 1)) and len(columns) in counts
    if not is_known or (is_daily and not has_average):
        raise SourceChangedError(f"table columns {_shortened(header[1:])}: wanted 1, 2, 3, ... and the average")
    return (Report.DAILY if is_daily else Report.MONTHLY), columns, has_average


def _day(name: str) -> int:
    return int(name) if re.fullmatch(r"[0-9]{1,2}", name) else 0


def _month(name: str) -> int:
    """A month's number from its name or number: the yearly sheet's wording was never seen."""
    start = name[:3].lower()
    return MONTH_NAMES.index(start) + 1 if start in MONTH_NAMES else _day(name)


def _read_rows(lines: list[list[str]], *, has_average: bool) -> tuple[SheetRow, ...]:
    rows: list[SheetRow] = []
    sections: list[Section] = []
    for line in lines:
        if len(line) == 1:
            sections.append(_section(line[0]))
        elif not sections:
            raise SourceChangedError(f"row {line[0]!r} stands before any section heading")
        else:
            cells, average = (line[1:-1], line[-1]) if has_average else (line[1:], "")
            rows.append(SheetRow(sections[-1], line[0], tuple(cells), average))
    _refuse_wrong_rows(rows, sections)
    return tuple(rows)


def _section(heading: str) -> Section:
    section = SECTIONS.get(_collapsed(heading).lower())
    if not section:
        raise SourceChangedError(f"section heading {_shortened([heading])} is not known")
    return section


def _refuse_wrong_rows(rows: list[SheetRow], sections: list[Section]) -> None:
    """Without both headings in their places, one section's prices would be taken for the other's."""
    if sorted(sections) != sorted(Section):
        found = ", ".join(sections) or "none"
        raise SourceChangedError(f"section headings found: {found}; wanted each of {', '.join(Section)} once")
    if not rows:
        raise SourceChangedError("the price table names no zone; the page's layout has changed")
    labels = Counter((row.section, _collapsed(row.label).lower()) for row in rows)
    for (section, label), count in labels.items():
        if count > 1 or not 0 < len(label) <= LONGEST_LABEL:
            raise SourceChangedError(
                f"zone {_shortened([label])} stands {count} times in {section}: wanted a name, once"
            )


def _selected(soup: BeautifulSoup, name: str) -> int | None:
    """The number of the one option that the form shows as chosen."""
    select = soup.find("select", attrs={"name": name}, recursive=False)
    chosen = select.find_all("option", selected=True) if select else []
    values = [str(option.get("value") or option.get_text()).strip() for option in chosen]
    return int(values[0]) if len(values) == 1 and re.fullmatch(r"[0-9]{1,4}", values[0]) else None


def _form_report(soup: BeautifulSoup) -> Report | None:
    checked = soup.find_all("input", attrs={"name": "rblReportType"}, checked=True, recursive=False)
    return REPORTS.get(str(checked[0].get("value"))) if len(checked) == 1 else None


def _notice(soup: BeautifulSoup) -> str | None:
    """The source's clarification: what follows the title in the heading, else what stands there in quotes."""
    for heading in soup.find_all("h5", recursive=False):
        title_end = heading.find("br")
        rest = title_end.next_siblings if title_end else ()
        quoted = QUOTED_PARAGRAPH.search(heading.get_text())
        paragraph = "".join(part.get_text() for part in rest).strip() or (quoted[0] if quoted else "")
        if paragraph:
            return _collapsed(paragraph)
    return None


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _shortened(texts: list[str]) -> str:
    """For a message: what was found, at most so much of it that the line stays readable."""
    return repr(_collapsed(" ".join(texts))[:80])
