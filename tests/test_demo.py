"""The made-up pages: the real page's layout over real HTTP, labelled on every page, nothing after today."""

from __future__ import annotations

import datetime as dt
import math
import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from necc import demo
from necc.config import DEMO_LABEL, SHEET_PATH
from necc.demo_table import ZONES
from necc.errors import UsageError
from necc.parse import read_sheet
from necc.records import Month, Report, Sheet

FIRST, TODAY = dt.date(2009, 1, 1), dt.date(2024, 3, 10)
NO_CELL = "-"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with demo.serve(TODAY) as base_url:
        yield base_url + SHEET_PATH


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as opened:
        yield opened


def form(month: str, year: str, report: str = "DailyReport") -> dict[str, str]:
    return {"ddlMonth": month, "ddlYear": year, "rblReportType": report, "btnReport": "Get Sheet"}


def post(client: httpx.Client, url: str, month: str, year: str, report: str = "DailyReport") -> Sheet:
    response = client.post(url, data=form(month, year, report))
    assert response.status_code == 200
    return read_sheet(response.content)


def test_a_later_today_changes_no_past_sheet(client: httpx.Client) -> None:
    with demo.serve(dt.date(2024, 3, 10)) as early, demo.serve(dt.date(2024, 11, 2)) as late:
        for month in ("01", "02"):
            pages = [client.post(base + SHEET_PATH, data=form(month, "2024")).content for base in (early, late)]
            assert pages[0] == pages[1]
        march = [post(client, base + SHEET_PATH, "03", "2024") for base in (early, late)]
    for row, later in zip(march[0].rows, march[1].rows, strict=True):
        assert row.cells[:10] == later.cells[:10]
        assert set(row.cells[10:]) == {NO_CELL} != set(later.cells[10:])


def test_every_month_is_served_with_the_prices_of_the_generator(client: httpx.Client, site: str) -> None:
    texts = iter([str(cell.price) if cell.price else " - " for cell in demo.prices(FIRST, TODAY)])
    for month in Month(2009, 1).through(Month.of(TODAY)):
        page = client.post(site, data=form(f"{month.month:02d}", str(month.year))).text
        assert f"<th>{month.days}</th>                            <th>Average</th>" in page
        rows = [re.findall(r"<td>([^<]*)</td>", line) for line in page.splitlines() if "<td>" in line]
        rows = [row[:-1] for row in rows if len(row) == month.days + 1]
        assert len(rows) == 34
        for day in range(min(month.days, (TODAY - month.first_day).days + 1)):
            assert [row[day] for row in rows] == [next(texts) for _ in ZONES]
    assert next(texts, None) is None


@pytest.mark.parametrize(("year", "days"), [(2024, 29), (2023, 28)])
def test_a_february_is_read_as_it_was_made(client: httpx.Client, site: str, year: int, days: int) -> None:
    sheet = post(client, site, "02", str(year))
    assert (sheet.report, sheet.form_report) == (Report.DAILY, Report.DAILY)
    assert (sheet.year, sheet.month) == (year, 2)
    assert sheet.columns == tuple(range(1, days + 1))
    read = [
        (dt.date(year, 2, day), row.section, row.label, int(cell))
        for day in sheet.columns
        for row in sheet.rows
        for cell in [row.cells[day - 1]]
        if cell != NO_CELL
    ]
    assert read == [cell for cell in demo.prices(dt.date(year, 2, 1), dt.date(year, 2, days)) if cell.price]


@pytest.mark.parametrize("month", range(1, 13))
def test_average_is_the_mean_of_the_printed_cells(client: httpx.Client, site: str, month: int) -> None:
    sheet = post(client, site, f"{month:02d}", "2023")
    for row in sheet.rows:
        prices = [int(cell) for cell in row.cells if cell != NO_CELL]
        assert float(row.average) == pytest.approx(sum(prices) / len(prices), abs=0.0051)


def test_a_typing_error_is_in_the_printed_average(client: httpx.Client, site: str) -> None:
    error = demo.typing_errors(dt.date(2023, 1, 1), dt.date(2023, 12, 31))[0]
    month = Month.of(error.date)
    sheet = post(client, site, f"{month.month:02d}", "2023")
    row = next(row for row in sheet.rows if row.label == error.label)
    assert int(row.cells[error.date.day - 1]) == error.printed != error.meant
    prices = [int(cell) for cell in row.cells]
    assert math.isclose(float(row.average), sum(prices) / month.days, abs_tol=0.0051)


def test_current_month_ends_today(client: httpx.Client, site: str) -> None:
    sheet = read_sheet(client.get(site).content)
    assert (sheet.year, sheet.month) == (TODAY.year, TODAY.month)
    for row in sheet.rows:
        assert all(cell.isdigit() for cell in row.cells[: TODAY.day])
        assert set(row.cells[TODAY.day :]) == {NO_CELL}


def test_a_later_month_of_the_year_has_no_price(client: httpx.Client, site: str) -> None:
    sheet = post(client, site, "04", "2024")
    assert (sheet.year, sheet.month, len(sheet.columns)) == (2024, 4, 30)
    assert {cell for row in sheet.rows for cell in (*row.cells, row.average)} == {NO_CELL}


def test_a_month_without_its_zero_gives_a_blank_sheet(client: httpx.Client, site: str) -> None:
    sheet = post(client, site, "2", "2024")
    assert (sheet.month, len(sheet.rows)) == (2, 34)
    assert {cell for row in sheet.rows for cell in row.cells} == {NO_CELL}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        form("13", "2023"),
        form("05", "2008"),
        form("05", "2025"),
        form("05", ""),
        form("05", "2023", "Daily Rate Sheet"),
        form("", "2023"),
    ],
)
def test_a_request_that_makes_no_sense_gets_the_current_month(
    client: httpx.Client, site: str, fields: dict[str, str]
) -> None:
    assert client.post(site, data=fields).content == client.get(site).content


def test_monthly_averages_are_those_of_the_daily_sheets(client: httpx.Client, site: str) -> None:
    sheet = post(client, site, "", "2023", "MonthlyReport")
    assert (sheet.report, sheet.form_report, sheet.year) == (Report.MONTHLY, Report.MONTHLY, 2023)
    assert sheet.columns == tuple(range(1, 13))
    for month in (1, 2, 12):
        daily = post(client, site, f"{month:02d}", "2023")
        assert [row.cells[month - 1] for row in sheet.rows] == [row.average for row in daily.rows]


def test_monthly_averages_stop_with_today(client: httpx.Client, site: str) -> None:
    sheet = post(client, site, "", "2024", "MonthlyReport")
    march = read_sheet(client.get(site).content)
    assert [row.cells[2] for row in sheet.rows] == [row.average for row in march.rows]
    assert {cell for row in sheet.rows for cell in row.cells[3:]} == {NO_CELL}


def test_every_page_says_that_it_is_made_up(client: httpx.Client, site: str) -> None:
    forms = [form("02", "2024"), form("2", "2024"), form("04", "2024"), form("", "2023", "MonthlyReport")]
    pages = [client.get(site)] + [client.post(site, data=fields) for fields in forms]
    for page in pages:
        assert DEMO_LABEL in page.text
        assert "They are no prices of NECC" in (read_sheet(page.content).notice or "")


def test_page_has_the_oddities_of_the_real_one(client: httpx.Client, site: str) -> None:
    response = client.post(site, data=form("02", "2024"))
    assert response.headers["content-type"] == "text/html; charset=UTF-8"
    page = response.content.decode("utf-8")
    assert page.startswith(" <html>") and page.endswith("</body>")
    assert page.count("<table") == 3 and 'border="1px"' in page
    assert "<td align='left'>Ranchi  (CC)</td>" in page
    years = re.findall(r"value='(\d{4})'", page)
    assert years == [str(year) for year in range(2024, 2008, -1)]


@pytest.mark.parametrize("path", ["/robots.txt", "/", "/home/index"])
def test_other_paths_are_not_found(client: httpx.Client, site: str, path: str) -> None:
    for method in ("GET", "POST"):
        assert client.request(method, site.removesuffix(SHEET_PATH) + path).status_code == 404


def ask_bytes(base_url: str, request: bytes) -> bytes:
    """The whole answer to a request that no well-behaved client would send or show."""
    address = httpx.URL(base_url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as caller:
        caller.sendall(request)
        with caller.makefile("rb") as answer:
            return answer.read()


def test_head_has_the_size_and_no_body(client: httpx.Client, site: str) -> None:
    answer = ask_bytes(site, b"HEAD /home/eggprice HTTP/1.1\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and body == b""
    assert f"Content-Length: {len(client.get(site).content)}".encode() in head


def test_server_is_gone_afterwards_and_quiet(capfd: pytest.CaptureFixture[str], client: httpx.Client) -> None:
    with demo.serve(TODAY) as base_url:
        assert base_url.startswith("http://127.0.0.1:")
        assert client.get(base_url + SHEET_PATH, headers={"Connection": "close"}).status_code == 200
    with pytest.raises(httpx.ConnectError):
        client.get(base_url + SHEET_PATH)
    assert capfd.readouterr() == ("", "")


def test_a_broken_answer_is_logged_not_printed(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with demo.serve(TODAY) as base_url:
        request = b"POST /home/eggprice HTTP/1.1\r\nContent-Length: many\r\n\r\n"
        assert ask_bytes(base_url, request) == b""
    assert "a request was not answered" in caplog.text
    assert capfd.readouterr() == ("", "")


def test_no_site_before_the_first_price() -> None:
    with pytest.raises(UsageError, match="there are none before 2009-01-01"), demo.serve(dt.date(2008, 1, 1)):
        pass
