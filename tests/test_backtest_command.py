"""`necc backtest` on made-up prices: the right days, a table, JSON, a figure, and on from where it was."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from necc import analyse, forecasting, predict
from necc.embedded import Cluster
from tests.command import Run, command_on
from tests.hand_made import Book, book_on

ZONES = ("barwala", "delhi", "namakkal")
FIRST_DAY = dt.date(2021, 1, 1)
DAYS = 1190  # three years of history, and three months to forecast
LAST_DAY = FIRST_DAY + dt.timedelta(days=DAYS - 1)  # 2024-04-04
ASKED = ["--demo", "backtest", "--origins", "monthly", "--horizons", "1,7"]


def write_market(book: Book) -> None:
    rng = np.random.default_rng(5)
    drift = np.zeros(DAYS)
    for today in range(1, DAYS):
        drift[today] = 0.9 * drift[today - 1] + rng.normal(0, 0.003)
    own = rng.normal(0, 0.002, (DAYS, len(ZONES)))
    prices = (450 * np.exp(np.cumsum(drift[:, None] + own, axis=0))).round(2)
    for zone, series in zip(ZONES, prices.T, strict=True):
        book.quotes(zone, "suggested", FIRST_DAY.isoformat(), series.tolist(), source="demo")


@pytest.fixture(scope="module")
def book(
    tmp_path_factory: pytest.TempPathFactory,
    clusters: Callable[[str], Cluster],
    templates: Callable[[Cluster], str],
) -> Iterator[Book]:
    cluster = clusters("embedded")
    with book_on(cluster, templates(cluster), tmp_path_factory.mktemp("backtest")) as book:
        write_market(book)
        yield book


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for all tests: the first one trains."""
    return str(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def necc(book: Book, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_on(book.settings.database_url, book.settings.home, monkeypatch, capsys, LAST_DAY)


def test_a_backtest_is_told_as_json_and_table_and_drawn_and_resumed(
    necc: Run, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "errors.html"
    asked = [*ASKED, "--resume", kept]
    code, out, err = necc(*asked, "--json", "--figure", str(page))
    assert code == 0, err
    told = json.loads(out)
    assert (told["first"], told["last"], told["origins"]) == ("2024-01-03", "2024-03-06", 3)
    assert (told["rhythm"], told["unit"], told["is_demo"]) == ("monthly", "INR per 100 eggs", True)
    models = ["drift", "naive", predict.MODEL_NAME, "seasonal naive"]
    cells = {(row["model"], row["horizon"]): row["cells"] for row in told["scores"]}
    all_of_them = {(model, days): 3 * len(ZONES) for model in models for days in (1, 7)}
    assert cells == all_of_them | {("drift", 7): 2 * len(ZONES)}  # on the first day it knew no error of its own
    assert {row["zone"] for row in told["by_zone"]} == set(ZONES)
    assert [row["year"] for row in told["by_year"]] == [2023, 2023]
    assert err.splitlines() == ["model 1 of 1: trained, and its days forecast", f"wrote {page}"]
    assert "made-up demo data" in page.read_text(encoding="utf-8")

    monkeypatch.setattr(predict, "train", lambda *given, **options: pytest.fail("it was trained before"))
    code, out, _ = necc(*asked)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("forecasts of 3 zones as they would have been made on 3 days from 2024-01-03")
    assert lines[-1] == "they are made from made-up demo data"
    assert [line for line in lines if line in models] == models
    skill = next(row["skill"] for row in told["scores"] if (row["model"], row["horizon"]) == (predict.MODEL_NAME, 7))
    row = lines[lines.index(predict.MODEL_NAME) + 3]
    assert row.split()[:3] == ["7", str(3 * len(ZONES)), f"{skill:+.3f}"]


def test_statsforecast_stands_beside_on_the_same_cells(necc: Run, kept: str, tmp_path: Path) -> None:
    pytest.importorskip("statsforecast", reason="the extra bench is not installed")
    page = tmp_path / "errors.html"
    asked = [*ASKED, "--resume", kept, "--with", "statsforecast"]
    code, out, err = necc(*asked, "--json", "--figure", str(page))
    assert code == 0, err
    told = json.loads(out)
    models = ["AutoARIMA", "AutoETS", "MSTL", "Theta", "drift", "naive", predict.MODEL_NAME, "seasonal naive"]
    # The first day alone is an eighth one; on it drift knew no error of 7 days ahead.
    assert [(row["model"], row["horizon"], row["cells"]) for row in told["beside"]] == [(name, 1, 3) for name in models]
    assert {row["model"] for row in told["scores"]} == set(models[4:])
    assert "Theta" in page.read_text(encoding="utf-8")
    code, out, err = necc(*asked)
    lines = out.splitlines()
    row = lines[lines.index("skill over naive where all of these forecast, days ahead:") + 2]
    assert row.split() == ["AutoARIMA", f"{told['beside'][0]['skill']:+.3f}"]
    assert err.splitlines() == ["model 5 of 5: trained, and its days forecast"]


@pytest.mark.parametrize(
    ("arguments", "missing", "code", "line"),
    [
        (
            ["--with", "statsforecast"],
            "statsforecast",
            2,
            "AutoETS, AutoARIMA, Theta, MSTL of statsforecast needs more",
        ),
        (["--dask", "127.0.0.1:8786"], "distributed", 2, "dask at 127.0.0.1:8786 needs more"),
        (["--dask", "nowhere"], None, 1, "dask at nowhere: no scheduler answers: missing port number"),
        (["--dask", "127.0.0.1:8786", "--jobs", "2"], None, 2, "choose one of --jobs and --dask"),
    ],
)
def test_what_helpers_are_missing_is_one_line(
    necc: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], missing: str | None, code: int, line: str
) -> None:
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    elif code == 1:
        pytest.importorskip("distributed", reason="the extra cluster is not installed")
    found, out, err = necc(*ASKED, *arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert line in err


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--from", "2024-02-01", "--to", "2024-02-06"], 2, "no Wednesday from 2024-02-01 to 2024-02-06"),
        (["--from", "2024-03-01", "--to", "2024-02-01"], 2, "no Wednesday from 2024-03-01 to 2024-02-01"),
        (
            ["--origins", "monthly", "--from", "2024-02-08", "--to", "2024-02-20"],
            2,
            "no first Wednesday of a month from 2024-02-08",
        ),
        (["--to", "2024-05-01"], 2, "origins: wanted days from 2021-01-01 to the last price"),
        (["--from", "2023-01-01", "--to", "2023-02-01"], 3, "no zone with 1095 days of history at any origin"),
    ],
)
def test_a_range_that_cannot_be_is_one_line(necc: Run, arguments: list[str], code: int, line: str) -> None:
    found, out, err = necc("backtest", *arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert line in err


def test_the_default_span_is_a_year_whose_prices_have_come(book: Book) -> None:
    prices = analyse.prices(settings=book.settings)
    long_ago = prices.assign(date=prices["date"].where(prices.index > 0, prices["date"] - np.timedelta64(2000, "D")))
    for frame, first in ((prices, "2024-01-03"), (long_ago, "2023-03-08")):
        found = forecasting._origins(frame, None, None, "weekly", 30)
        assert [str(found[place].date()) for place in (0, -1)] == [first, "2024-02-28"]
        assert set(found.day_name()) == {"Wednesday"}
