"""Made-up pages in the format of the source, for tests: no price, and not the notice, is a real one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from necc.records import Month, Report, Section

NOTICE = "(“Made-up notice for tests. These numbers mean nothing; whoever passes them on must say so.”)"
DASH = " - "
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
HEADINGS = {Section.SUGGESTED: "NECC SUGGESTED EGG PRICES", Section.PREVAILING: "Prevailing Prices"}
ZONES = tuple(
    [(Section.SUGGESTED, label) for label in ("Ajmer", "Barwala", "Chittoor", "Delhi (CC)", "Namakkal", "Pune")]
    + [(Section.SUGGESTED, label) for label in ("Surat", "Warangal")]
    + [(Section.PREVAILING, label) for label in ("Bhopal", "Luknow (CC)", "Patna", "Ranchi  (CC)")]
)
REPORT_VALUES = {Report.DAILY: "DailyReport", Report.MONTHLY: "MonthlyReport"}


@dataclass(frozen=True)
class Line:
    """One zone's row as printed; `average` None means the true mean of the cells that are numbers."""

    section: Section
    label: str
    cells: tuple[str, ...]
    average: str | None = None

    @classmethod
    def of(cls, section: Section, label: str, prices: Iterable[int | None], average: str | None = None) -> Line:
        return cls(section, label, tuple(DASH if p is None else str(p) for p in prices), average)

    @property
    def printed_average(self) -> str:
        if self.average is not None:
            return self.average
        numbers = [Decimal(text) for text in self.cells if text.replace(".", "", 1).isdigit()]
        return f"{sum(numbers) / len(numbers):.2f}" if numbers else DASH

    def with_cell(self, column: int, text: str) -> Line:
        """The row with one cell damaged (column 1 is the first day), its printed average as before."""
        cells = (*self.cells[: column - 1], text, *self.cells[column:])
        return Line(self.section, self.label, cells, self.printed_average)


def price(zone_number: int, day: dt.date) -> int:
    """INR per 100 eggs: moves little from day to day, and no month looks like another."""
    ordinal = day.toordinal()
    return 400 + 7 * zone_number + abs(ordinal % 364 - 182) // 2 + (ordinal - dt.date(2009, 1, 1).toordinal()) // 30


def lines(month: Month, *, until: int = 31, zones: Sequence[tuple[Section, str]] = ZONES) -> list[Line]:
    """A month of made-up prices; days after `until` are not printed yet."""
    days = [month.first_day.replace(day=day) for day in range(1, month.days + 1)]
    return [
        Line.of(section, label, [price(number, day) if day.day <= until else None for day in days])
        for number, (section, label) in enumerate(zones)
    ]


def cells(month: Month, *, until: int = 31) -> Mapping[tuple[str, int], float]:
    """The same prices as identity.KnownMonths takes them; the zone's key is its label."""
    return {
        (line.label, day): float(text)
        for line in lines(month, until=until)
        for day, text in enumerate(line.cells, start=1)
        if text != DASH
    }


def daily_page(
    month: Month,
    rows: Sequence[Line] | None = None,
    *,
    shown: Month | None = None,
    columns: int | None = None,
    report: Report = Report.DAILY,
    notice: str | None = NOTICE,
) -> bytes:
    """A sheet of days. `shown` is the month that the form claims, `report` the choice that it claims."""
    width = columns or month.days
    header = ["Name Of Zone / Day", *map(str, range(1, width + 1)), "Average"]
    body = [
        Line(row.section, row.label, (*row.cells, *[DASH] * (width - month.days)), row.printed_average)
        for row in (lines(month) if rows is None else rows)
    ]
    claimed = shown or month
    return page(header, body, year=str(claimed.year), month=f"{claimed.month:02d}", report=report, notice=notice)


def averages_page(year: int, rows: Sequence[Line], *, header: Sequence[str] | None = None) -> bytes:
    """A yearly sheet of monthly averages; the browser leaves the month of the form alone."""
    titles = header or ["Name Of Zone / Month", *MONTH_NAMES, "Average"]
    return page(titles, rows, year=str(year), month="01", report=Report.MONTHLY, notice=NOTICE)


def page(
    header: Sequence[str],
    rows: Sequence[Line],
    *,
    year: str,
    month: str,
    report: Report,
    notice: str | None,
    headings: Mapping[Section, str] = HEADINGS,
) -> bytes:
    """The whole page with the quirks of the real one: broken nesting, a stray tag, no end of the html."""
    months = _options([f"{number:02d}" for number in range(1, 13)], month, '"')
    years = _options([str(number) for number in range(2026, 2008, -1)], year, "'")
    radios = "\n".join(_radio(kind, is_checked=kind is report) for kind in Report)
    clarification = "" if notice is None else f"<br>\r\n                    \r\n                    {notice}"
    text = f""" <html>
 <script language="javascript" type="text/javascript">
    function printing() {{ first = "<!--startprint-->"; last = "<!--endprint-->"; return false; }}
    </script>
</head>
<body style="margin: 0px; padding: 0px;">
    <div id="Div1" class="HeaderBar">
        <table border="0" cellpadding="0" cellspacing="0" style="width: 95%">
            <tr><td align="center"><h3>A MADE-UP COMMITTEE</h3></td></tr>
            <tr><td align="center">
                    <h5>MADE-UP PRICES AT PRODUCTION (PC) AND CONSUMPTION CENTRES (CC){clarification}</h5><br><br>
            </td></tr>
            <tr><td align="right">&nbsp; &nbsp;<a id="HomeLink" href="/home/index">Home Page</a></td></tr>
        </table>
        <div id="Panel1" class="Panel" style="width:980px;">
            <div id="divPage">
                <table style="width: 856px">
                    <form action="/home/eggprice" method="Post" class="form-group">
                        <tr>
                            <th class="Label">Month :</th>
                            <td><select name="ddlMonth" id="ddlMonth">{months}</select></td>
                            <th class="Label">Year :</th>
                            <td><select name="ddlYear" id="ddlYear">{years}</select></td>
                        </tr>
                        <tr>
                            <th class="Label">Select Type Of Sheet </th>
                            <td><span id="rblReportType">{radios}</span></td>
                            <td><input type="submit" name="btnReport" value="Get Sheet" id="btnReport" /></td>
                        </tr>
                    </form>
                </table>
            </div>
            <div id="pan2" class="Panel" style="width:960px;">
                <table border="1px" width="95%">
                    <tbody>
                        <tr align="center">{"".join(f"<th>{text}</th>" for text in header)}</tr>
{_body(rows, headings)}
                                                </tr>
                    </tbody>
                </table>
                <br><br><br>
            </div>
        </div>
    </div>
</body>"""
    return text.encode()


def _options(values: Iterable[str], chosen: str, quote: str) -> str:
    marks = {value: 'selected="selected"' if value == chosen else " " for value in values}
    return "\n".join(f"<option {mark} value={quote}{value}{quote}>{value}</option>" for value, mark in marks.items())


def _radio(report: Report, *, is_checked: bool) -> str:
    checked = 'checked="checked"' if is_checked else ""
    value = REPORT_VALUES[report]
    return f'<input id="ReportType" type="radio" name="rblReportType" value="{value}" {checked} /><br />'


def _body(rows: Sequence[Line], headings: Mapping[Section, str]) -> str:
    parts = []
    for section, heading in headings.items():
        parts.append(f'<tr>\n<td align="left" colspan="302 " style="font-weight: bold;  ">{heading}</td>\n</tr>')
        for row in rows:
            if row.section is section:
                texts = "".join(f"<td>{text}</td>" for text in (*row.cells, row.printed_average))
                parts.append(f"<tr align=\"center\">\n<td align='left'>{row.label}</td>{texts}</tr>")
    return "\n".join(parts)
