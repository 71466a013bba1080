"""Made-up demo data, served on loopback in the layout of the real page, so that the whole way can be walked.

The prices are of demo_prices: a past day never changes, whatever day is today. Nothing is revised after it
was printed and no zone is late: a page depends on the day alone, never on the hour.
"""

from __future__ import annotations

import datetime as dt
import html
import logging
import re
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from necc.config import DEMO_LABEL, SHEET_PATH
from necc.demo_prices import FIRST_DAY, DemoPrice, TypingError, prices, printed, typing_errors
from necc.demo_table import ZONES
from necc.records import FIRST_YEAR, Month, Section

__all__ = ["DemoPrice", "Site", "TypingError", "prices", "serve", "typing_errors"]

log = logging.getLogger("necc.demo")

LOOPBACK = "127.0.0.1"
IDLE_S = 30.0  # a connection that asks nothing for so long is closed
SHUTDOWN_POLL_S = 0.05
NO_CELL = " - "  # what the sheet prints where it has no price, or not yet
MONTHS = range(1, 13)
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
TITLES = {Section.SUGGESTED: "NECC SUGGESTED EGG PRICES", Section.PREVAILING: "Prevailing Prices"}
NOTICE = (
    "These prices are made up by the demo of the program necc, from statistics and a fixed series of random "
    "numbers. They are no prices of NECC, nobody ever traded at them, and nothing may be decided by them. "
    "This paragraph stands where the real page prints its own clarification."
)


@contextmanager
def serve(today: dt.date) -> Iterator[str]:
    """Answer on loopback like the real site on `today`: no price after that day is printed.

    Yields:
        The base URL, with a port that was free.

    Raises:
        UsageError: `today` is before 2009-01-01.
    """
    server = _Server((LOOPBACK, 0), partial(_Handler, Site(today).answer))
    thread = threading.Thread(target=server.serve_forever, args=(SHUTDOWN_POLL_S,), daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Site:
    """All sheets as they stand on one day in India.

    Args:
        today: the last day that has prices.

    Raises:
        UsageError: the day is before 2009-01-01.
    """

    def __init__(self, today: dt.date) -> None:
        self.today = today
        self._rows: list[list[int]] = printed(today).tolist()

    def answer(self, form: Mapping[str, str]) -> str:
        """The page for a form's fields: the sheet, or the current month where they make no sense.

        A month of one digit gives that month's sheet without any price, as the real site probably does.
        """
        year, month = form.get("ddlYear", ""), form.get("ddlMonth", "")
        report = form.get("rblReportType")
        if year in self._years():
            if report == "MonthlyReport":
                return self.averages(int(year))
            if report == "DailyReport" and re.fullmatch(r"0?[1-9]|1[0-2]", month):
                return self.daily(Month(int(year), int(month)), is_blank=len(month) == 1)
        return self.daily(Month.of(self.today))

    def daily(self, month: Month, *, is_blank: bool = False) -> str:
        """The sheet of one month: a column for each of its days, then the average."""
        days = [month.first_day + dt.timedelta(days=offset) for offset in range(month.days)]
        table = [[] if is_blank else self._prices(day) for day in days]
        lines = [_line([row[at] if row else None for row in table]) for at in range(len(ZONES))]
        heads = ["Name Of Zone / Day", *(str(day.day) for day in days), "Average"]
        return _page(_form(self._years(), month.year, month.month, is_daily=True), heads, lines)

    def averages(self, year: int) -> str:
        """The sheet of one year: each month's average, then the average of those."""
        means = [self._month_means(Month(year, month)) for month in MONTHS]
        lines = [_line([row[at] for row in means]) for at in range(len(ZONES))]
        heads = ["Name Of Zone / Month", *MONTH_NAMES, "Average"]
        return _page(_form(self._years(), year, 1, is_daily=False), heads, lines)

    def _years(self) -> list[str]:
        return [str(year) for year in range(self.today.year, FIRST_YEAR - 1, -1)]

    def _prices(self, day: dt.date) -> list[int | None]:
        if day > self.today:
            return [None] * len(ZONES)
        return [price or None for price in self._rows[(day - FIRST_DAY).days]]

    def _month_means(self, month: Month) -> list[float | None]:
        table = [self._prices(month.first_day + dt.timedelta(days=offset)) for offset in range(month.days)]
        return [_mean(column) for column in zip(*table, strict=True)]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _line(values: Sequence[float | None]) -> list[str]:
    """The cells of one zone and their mean, as printed: whole prices, averages with two decimals."""
    return [_cell(value) for value in [*values, _mean(values)]]


def _cell(value: float | None) -> str:
    if value is None:
        return NO_CELL
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def _page(form: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """The whole page, with the oddities of the real one: no doctype, no start of the head, no end of html."""
    columns = "".join(f"<th>{head}</th>" for head in heads[1:-1])
    return f""" <html>
 <script type="text/javascript">
    function sheetOnly() {{ return document.body.innerHTML.split("<!--startprint-->").pop(); }}
    </script>
</head>
<body>
    <div id="Div1" class="HeaderBar">
        <table border="0" width="95%">
            <tr><td align="center"><h3>{DEMO_LABEL.upper()}</h3></td></tr>
            <tr>
                <td align="center">
                    <h5>EGG PRICES OF PRODUCTION CENTRES (PC) AND CONSUMPTION CENTRES (CC): {DEMO_LABEL}<br>

                    (\N{LEFT DOUBLE QUOTATION MARK}{NOTICE}\N{RIGHT DOUBLE QUOTATION MARK})</h5><br><br>
                </td>
            </tr>
        </table>
        <div id="Panel1" class="Panel">
            <div id="divPage">
{form}
            </div>
            <div id="pan2" class="Panel">
                <table border="1px" width="95%">
                    <tbody>
                        <tr align="center">
                            <th>{heads[0]}</th>
                            {columns}                            <th>{heads[-1]}</th>
                        </tr>
{_body(lines)}
                        </tr>
                    </tbody>
                </table>
                <br><br><br>
            </div>
        </div>
    </div>
</body>"""


def _body(lines: Sequence[Sequence[str]]) -> str:
    """The sections with their zones, in the sheet's order."""
    rows, section = [], None
    for zone, cells in zip(ZONES, lines, strict=True):
        if zone.section is not section:
            section = zone.section
            rows.append(f'<tr><td align="left" colspan="302 ">{TITLES[section]}</td></tr>')
        tail = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f"<tr align=\"center\"><td align='left'>{html.escape(zone.label)}</td>{tail}</tr>")
    return "\n".join(rows)


def _form(years: Sequence[str], year: int, month: int, *, is_daily: bool) -> str:
    """The form as it stands after a request: what was asked is selected and checked."""
    months = _options([f"{number:02d}" for number in MONTHS], f"{month:02d}", '"')
    checks = ('checked="checked" ', "") if is_daily else ("", 'checked="checked" ')
    return f"""                <table>
                    <form action="{SHEET_PATH}" method="Post" class="form-group">
                        <tr>
                            <th class="Label">Month :</th>
                            <td><select name="ddlMonth" id="ddlMonth">{months}</select></td>
                            <th class="Label">Year :</th>
                            <td><select name="ddlYear" id="ddlYear">{_options(years, str(year), "'")}</select></td>
                        </tr>
                        <tr>
                            <th class="Label">Select Type Of Sheet </th>
                            <td>
                                <span id="rblReportType">
                                    {_radio("DailyReport", checks[0])}
                                    <label for="rblReportType_0">Daily Rate Sheet</label><br />
                                    {_radio("MonthlyReport", checks[1])}
                                    <label for="rblReportType_1">Monthly Avg. Sheet</label>
                                </span>
                            </td>
                            <td><input type="submit" name="btnReport" value="Get Sheet" id="btnReport" /></td>
                        </tr>
                    </form>
                </table>"""


def _radio(value: str, check: str) -> str:
    return f'<input id="ReportType" type="radio" name="rblReportType" value="{value}" {check}/>'


def _options(values: Iterable[str], chosen: str, quote: str) -> str:
    marks = {chosen: 'selected="selected"'}
    return "".join(f"<option {marks.get(value, ' ')} value={quote}{value}{quote}>{value}</option>" for value in values)


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Bind without asking any name server what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Log what broke an answer; http.server would print it."""
        log.warning("demo server: a request was not answered", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    disable_nagle_algorithm = True  # else each body waits 40 ms until the client has acknowledged the head

    def __init__(self, answer: Callable[[Mapping[str, str]], str], *args: Any) -> None:
        self._answer = answer
        super().__init__(*args)

    def do_GET(self) -> None:  # noqa: N802, http.server finds its methods by these names
        self._send({})

    def do_HEAD(self) -> None:  # noqa: N802
        self._send({})

    def do_POST(self) -> None:  # noqa: N802
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fields = parse_qs(sent.decode("utf-8", "replace"))
        self._send({name: values[-1] for name, values in fields.items()})

    def _send(self, form: Mapping[str, str]) -> None:
        is_sheet = urlsplit(self.path).path.rstrip("/") == SHEET_PATH
        body = (self._answer(form) if is_sheet else f"<html><body>{DEMO_LABEL}: not found</body></html>").encode()
        self.send_response(HTTPStatus.OK if is_sheet else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the name is http.server's
        """Say nothing: the client's side logs its requests."""
