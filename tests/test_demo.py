"""The made-up prices: like the real ones in their statistics, fixed for ever, and labelled on every page."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
import socket
from collections.abc import Iterator

import httpx
import numpy as np
import pandas as pd
import pytest

from necc import demo
from necc.config import DEMO_LABEL, SHEET_PATH
from necc.demo_prices import printed
from necc.demo_table import LINKS, SEASON, ZONES
from necc.errors import UsageError
from necc.parse import read_sheet
from necc.records import Month, Report, Section, Sheet

FIRST, LAST = dt.date(2009, 1, 1), dt.date(2026, 12, 31)
TODAY = dt.date(2024, 3, 10)
RECENT = "2021-01-01"  # several of the statistics were taken from 2021 on
YEARS = 18.0
DAYS = pd.date_range(FIRST, LAST)
NO_CELL = "-"


@pytest.fixture(scope="module")
def cells() -> tuple[demo.DemoPrice, ...]:
    return demo.prices(FIRST, LAST)


@pytest.fixture(scope="module")
def shown(cells: tuple[demo.DemoPrice, ...]) -> pd.DataFrame:
    """Every printed price, a row per day and a column per zone; missing is NaN."""
    table = np.reshape([cell.price or np.nan for cell in cells], (-1, len(ZONES)))
    return pd.DataFrame(table, DAYS, [zone.label for zone in ZONES])


@pytest.fixture(scope="module")
def meant(shown: pd.DataFrame) -> pd.DataFrame:
    """The same without the typing errors."""
    table = shown.copy()
    for error in demo.typing_errors(FIRST, LAST):
        table.loc[pd.Timestamp(error.date), error.label] = error.meant
    return table


@pytest.fixture(scope="module")
def steps(meant: pd.DataFrame) -> pd.DataFrame:
    return meant.diff().iloc[1:]


@pytest.fixture(scope="module")
def national(meant: pd.DataFrame) -> pd.Series[float]:
    """The log of the geometric mean over the zones."""
    return meant.apply(np.log).mean(axis=1)


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


# --- how the prices move -----------------------------------------------------------------------------


def test_zones_are_those_of_the_sheet() -> None:
    sections = [zone.section for zone in ZONES]
    assert sections == [Section.SUGGESTED] * 24 + [Section.PREVAILING] * 10
    assert len({zone.label for zone in ZONES}) == 34
    assert "Ranchi  (CC)" in [zone.label for zone in ZONES]


def test_level_rises_from_about_200_to_about_575(meant: pd.DataFrame) -> None:
    yearly = meant.mean(axis=1).groupby(DAYS.year).mean()
    assert 200 < yearly[2009] < 260
    assert 530 < yearly[2025] < 610
    assert meant.min().min() > 130 and meant.max().max() < 1000


def test_trend_and_season(national: pd.Series[float]) -> None:
    months = national.groupby([DAYS.year, DAYS.month]).mean()
    years = np.arange(len(months)) / 12
    trend = np.polyfit(years, months, 1)[0]
    assert trend == pytest.approx(0.053, abs=0.006)
    season = (months - trend * years).groupby(level=1).mean()
    found = np.exp(season - season.mean())
    assert np.corrcoef(found, SEASON)[0, 1] > 0.97
    assert np.abs(found - np.array(SEASON)).max() < 0.05


def test_daily_returns_keep_their_direction_for_some_days(national: pd.Series[float]) -> None:
    returns = national.diff()
    assert returns.std() == pytest.approx(0.0115, abs=0.002)
    found = [returns.autocorr(lag) for lag in range(1, 6)]
    assert found == pytest.approx([0.70, 0.53, 0.32, 0.15, 0.05], abs=0.13)
    assert found[:2] == pytest.approx([0.70, 0.53], abs=0.05)


def test_weekly_returns(national: pd.Series[float]) -> None:
    returns = national.resample("W").mean().diff()
    assert returns.std() == pytest.approx(0.05, abs=0.005)
    assert returns.autocorr(1) == pytest.approx(0.35, abs=0.08)


def test_rises_are_many_and_small_falls_fewer_and_bigger(steps: pd.DataFrame) -> None:
    recent = steps.loc[RECENT:].to_numpy()
    rises, falls = recent[recent > 0], recent[recent < 0]
    assert len(rises) / (len(rises) + len(falls)) == pytest.approx(0.647, abs=0.02)
    assert rises.mean() == pytest.approx(8, abs=1)
    assert falls.mean() == pytest.approx(-15, abs=1.5)


def test_zones_change_on_their_weekdays(steps: pd.DataFrame) -> None:
    found = (steps != 0).groupby(DAYS.day_of_week[1:]).mean().to_numpy()
    wanted = np.array([zone.change_pct for zone in ZONES]).T / 100
    assert np.abs(found - wanted).mean() < 0.02
    assert np.abs(found - wanted).max() < 0.08
    namakkal = found[:, [zone.label for zone in ZONES].index("Namakkal")]
    assert namakkal[[0, 3, 5]].min() > 1.5 * namakkal[[1, 2, 4, 6]].max()


def test_days_are_lively_or_quiet(steps: pd.DataFrame) -> None:
    shares = (steps != 0).mean(axis=1)
    wanted = [0.09, 0.26, 0.41, 0.59, 0.85]
    assert shares.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).tolist() == pytest.approx(wanted, abs=0.07)


def test_most_movers_of_a_day_go_the_same_way(steps: pd.DataFrame) -> None:
    rises, falls = (steps > 0).sum(axis=1), (steps < 0).sum(axis=1)
    assert np.maximum(rises, falls).sum() / (rises + falls).sum() == pytest.approx(0.9, abs=0.04)


def test_next_change_has_mostly_the_same_sign(steps: pd.DataFrame) -> None:
    signs = [np.sign(steps[label][steps[label] != 0].dropna()) for label in steps]
    same = [(sign.to_numpy()[1:] == sign.to_numpy()[:-1]).mean() for sign in signs]
    assert np.mean(same) == pytest.approx(0.76, abs=0.05)


def test_premiums(meant: pd.DataFrame, national: pd.Series[float]) -> None:
    ratios = meant.apply(np.log).sub(national, axis=0)
    wanted = np.log([zone.premium for zone in ZONES])
    assert np.abs(ratios.mean() - (wanted - wanted.mean())).max() < 0.02
    assert np.median([ratios[label].autocorr(1) for label in ratios]) == pytest.approx(0.9, abs=0.03)
    spread = ratios.loc[RECENT:].std() / [zone.premium_sd for zone in ZONES]
    assert 0.7 < spread.median() < 1.3


def test_zones_move_together(meant: pd.DataFrame) -> None:
    weekly = meant.apply(np.log).iloc[::7].diff().corr().to_numpy()
    assert np.median(weekly[np.triu_indices(len(ZONES), 1)]) == pytest.approx(0.82, abs=0.06)


def test_premiums_of_a_region_stray_together(meant: pd.DataFrame) -> None:
    alike = meant.apply(np.log).sub(meant.apply(np.log).median(axis=1), axis=0).corr().to_numpy()
    regions = np.array([zone.region for zone in ZONES])
    same = regions[:, None] == regions
    others = ~np.eye(len(ZONES), dtype=bool)
    assert np.median(alike[same & others]) > 0.35
    assert np.median(alike[~same]) < 0.1


def test_multiples_of_five(meant: pd.DataFrame) -> None:
    found = (meant.loc[RECENT:] % 5 == 0).mean()
    assert np.abs(found - [zone.fives for zone in ZONES]).max() < 0.08


def test_links_are_exact(shown: pd.DataFrame) -> None:
    assert LINKS["Chittoor"] == ("Chennai (CC)", -7)
    assert LINKS["Warangal"] == ("Hyderabad", 2)
    assert LINKS["E.Godavari"] == ("W.Godavari", 0)
    assert LINKS["Patna"] == ("Muzaffurpur (CC)", 0)
    for follower, (leader, offset) in LINKS.items():
        both = shown[[follower, leader]].dropna()
        assert len(both) > 6500
        assert (both[follower] - both[leader] == offset).all()


def test_a_few_cells_are_missing(shown: pd.DataFrame) -> None:
    assert 4 <= shown.isna().sum().sum() <= 20  # 11 are expected


def test_about_four_typing_errors_a_year(shown: pd.DataFrame) -> None:
    errors = demo.typing_errors(FIRST, LAST)
    days = pd.DataFrame(errors).groupby("label").date
    spells = days.apply(lambda dates: (pd.to_datetime(dates).diff() != pd.Timedelta(days=1)).sum())
    assert 3 < spells.sum() / YEARS < 5.5
    assert spells[["Ajmer", "Nagpur"]].sum() > 0.5 * spells.sum()
    assert 1 < len(errors) / spells.sum() < 2
    for error in errors:
        assert shown.loc[pd.Timestamp(error.date), error.label] == error.printed
        assert abs(error.printed - error.meant) == 100 or (error.printed - error.meant) % 90 == 0


def test_no_month_looks_like_another_or_jumps_from_the_one_before() -> None:
    """The checks that prove a page's identity must let the made-up pages through for years to come."""
    last = dt.date(2032, 12, 31)
    days = pd.date_range(FIRST, last)
    table = pd.DataFrame(printed(last), days).replace(0, np.nan)
    change = table.pct_change(fill_method=None).median(axis=1).abs()
    assert change[days.day == 1].max() < 0.04
    months = list(Month(2009, 1).through(Month(2032, 12)))
    sheets = [table.loc[str(month.first_day) : str(month.last_day)].to_numpy() for month in months]
    for gap in (1, 12):
        for sheet, later in zip(sheets, sheets[gap:], strict=False):
            rows = min(len(sheet), len(later))
            assert (sheet[:rows] == later[:rows]).mean() < 0.2


# --- a past day never changes ------------------------------------------------------------------------


@pytest.mark.parametrize("last", [dt.date(2009, 1, 1), dt.date(2012, 2, 29), dt.date(2016, 12, 31)])
def test_a_longer_range_changes_no_day(last: dt.date, cells: tuple[demo.DemoPrice, ...]) -> None:
    short = demo.prices(FIRST, last)
    assert cells[: len(short)] == short
    assert len(short) == ((last - FIRST).days + 1) * 34


def test_typing_errors_look_the_same_on_their_own_day() -> None:
    errors = demo.typing_errors(FIRST, LAST)
    for error in errors[::30]:
        assert error[:4] in demo.prices(error.date, error.date)
        assert error in demo.typing_errors(error.date, error.date)


def test_prices_are_these_for_ever(cells: tuple[demo.DemoPrice, ...]) -> None:
    """A change here changes the past of every demo database: it needs a new seed and a word to the users."""
    text = ",".join(str(cell.price) for cell in cells if cell.date < dt.date(2026, 1, 1))
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "a26e76371c37790142b70c5dd96f145990b38a066d3a46eebb8f102e7e6a5aa6"
    )


def test_a_later_today_changes_no_past_sheet(client: httpx.Client) -> None:
    with demo.serve(dt.date(2024, 3, 10)) as early, demo.serve(dt.date(2024, 11, 2)) as late:
        for month in ("01", "02"):
            pages = [client.post(base + SHEET_PATH, data=form(month, "2024")).content for base in (early, late)]
            assert pages[0] == pages[1]
        march = [post(client, base + SHEET_PATH, "03", "2024") for base in (early, late)]
    for row, later in zip(march[0].rows, march[1].rows, strict=True):
        assert row.cells[:10] == later.cells[:10]
        assert set(row.cells[10:]) == {NO_CELL} != set(later.cells[10:])


def test_ranges_that_cannot_be_made() -> None:
    with pytest.raises(UsageError, match="there are none before 2009-01-01"):
        demo.prices(dt.date(2008, 12, 31), TODAY)
    with pytest.raises(UsageError, match="the first day is after the last"):
        demo.prices(dt.date(2024, 1, 2), dt.date(2024, 1, 1))
    with pytest.raises(UsageError, match="there are none before 2009-01-01"), demo.serve(dt.date(2008, 1, 1)):
        pass


# --- the pages ---------------------------------------------------------------------------------------


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
