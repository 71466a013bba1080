"""The command as people and cron use it: output, exit codes, one line for each mistake."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import psycopg
import pytest

from necc import __version__, cli
from necc.config import Settings
from necc.forecast_store import save
from necc.runlog import lock
from tests.command import Run, command_on
from tests.hand_made import Book
from tests.site import altered
from tests.test_forecast_store import RUN, made
from tests.test_pipeline import TODAY

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def necc(embedded_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command on a fresh database in the middle of March 2024; gives code, stdout, stderr."""
    return command_on(embedded_settings.database_url, embedded_settings.home, monkeypatch, capsys, TODAY)


def commands(group: click.Group = cli.cli, prefix: str = "necc") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        found.append((f"{prefix} {name}", command))
        if isinstance(command, click.Group):
            found += commands(command, f"{prefix} {name}")
    return found


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_has_help_and_stands_in_the_readme(name: str, command: click.Command) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert command.help
    assert all(p.help for p in command.params if isinstance(p, click.Option) and p.name != "report")
    group, _, last = name.rpartition(" ")
    assert f"`{name}`" in readme or (f"`{group}`" in readme and f"`{last}`" in readme), name


def test_the_log_of_a_command_ends_with_it(necc: Run) -> None:
    logger = logging.getLogger("necc")
    before = list(logger.handlers), logger.propagate, logger.level
    assert necc("-v", "db", "url")[0] == 0
    assert (logger.handlers, logger.propagate, logger.level) == before


def test_the_version_is_the_changelogs_first(necc: Run) -> None:
    match = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert match
    assert match[1] == __version__
    assert necc("--version") == (0, f"necc, version {__version__}\n", "")


def test_scrape_prints_its_outcome_and_repeats_quietly(necc: Run) -> None:
    code, out, err = necc("--demo", "scrape", "--from", "2024-01", "--to", "2024-02")
    assert code == 0
    assert "2 stored" in out
    assert "made-up demo data" in out
    assert "sheet 2024-01: stored" in err
    code, out, _ = necc("--demo", "scrape", "--from", "2024-01", "--to", "2024-02", "--json")
    outcome = json.loads(out)
    assert (code, outcome["sheets"], outcome["is_refreshed"]) == (0, {"unchanged": 2}, False)
    assert necc("-q", "--demo", "scrape", "--month", "2024-02")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["scrape", "--month", "2024-13"], "month 2024-13: wanted YYYY-MM"),
        (["scrape", "--month", "Feb 2024"], "month 'Feb 2024': wanted YYYY-MM"),
        (["scrape", "--month", "2008-12"], "from 2009-01 on"),
        (["scrape", "--month", "2024-04"], "lies in the future"),
        (["scrape", "--from", "2024-02", "--to", "2024-01"], "wanted the earlier month first"),
        (["scrape", "--to", "2024-01"], "--to needs --from"),
        (["scrape", "--month", "2024-01", "--all"], "choose one of"),
        (["scrape", "--nonsense"], "No such option"),
        (["predict", "--as-of", "yesterday"], "wanted YYYY-MM-DD"),
        (["predict", "--replay", "--as-of", "2024-03-01"], "choose one of --replay and --as-of"),
        (["score", "--up-to", "tomorrow"], "wanted YYYY-MM-DD"),
        (["backtest", "--horizons", "1,week"], "--horizons 1,week: wanted days from 1 to 30, commas between"),
        (["backtest", "--horizons", "7,31"], "--horizons 7,31: wanted days from 1 to 30"),
        (["backtest", "--horizons", "0"], "--horizons 0: wanted days from 1 to 30"),
        (["backtest", "--from", "2024-02"], "day '2024-02': wanted YYYY-MM-DD"),
        (["backtest", "--origins", "hourly"], "'hourly' is not one of 'weekly', 'monthly'"),
        (["backtest", "--figure", "errors.png"], "--figure errors.png: wanted a file that ends in .html"),
        (["backtest", "--figure", "no/such/folder/errors.html"], "in a folder that is there"),
        (["quickstart", "--months", "0"], "wanted 1 or more"),
        (["lab", "--port", "80"], "wanted 1024 to 65535"),
    ],
)
def test_a_wrong_request_is_one_line_and_code_2(necc: Run, arguments: list[str], line: str) -> None:
    code, out, err = necc(*arguments)
    assert (code, out) == (2, "")
    assert line in err
    assert "Traceback" not in err


def test_score_before_any_price_or_forecast_is_code_3(necc: Run, embedded_settings: Settings) -> None:
    code, out, err = necc("score")
    assert (code, out) == (3, "")
    assert "no prices stored yet" in err
    Book(embedded_settings).quotes("delhi", "suggested", "2024-03-01", [510])
    code, out, err = necc("score")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "run `necc predict`" in err


def test_score_fills_in_what_came_and_prints_the_scorecard(necc: Run, embedded_settings: Settings) -> None:
    book = Book(embedded_settings)
    book.quotes("delhi", "suggested", "2024-03-01", [510], source="demo")
    book.quotes("pune", "suggested", "2024-03-02", [514, 510], source="demo")
    assert embedded_settings.database_url
    with psycopg.connect(embedded_settings.database_url) as connection:
        save(connection, RUN, made(issued_on=dt.date(2024, 3, 1)))
    code, out, err = necc("score", "--up-to", "2024-03-02", "--json")
    outcome = json.loads(out)
    assert (code, err, outcome["up_to"], outcome["filled"], outcome["is_demo"]) == (0, "", "2024-03-02", 1, True)
    (score,) = outcome["scores"]
    assert (score["model"], score["horizon_days"], score["mae"]) == ("pooled-boosting", 1, 1.66)
    assert (score["skill"], score["coverage_80"]) == (pytest.approx(0.585), 1.0)
    code, out, _ = necc("score")
    assert code == 0
    assert out.splitlines() == [
        "prices that came up to 2024-03-15: 1 filled in or corrected",
        "",
        "pooled-boosting: 2 forecasts scored, 2 of them written after their day; errors in INR per 100 eggs",
        "  days ahead  forecasts  skill over naive    error   naive's   inside 80 %   inside 95 %",
        "           1          1            +0.585     1.66      4.00        100.0%        100.0%",
        "",
        "they are made from made-up demo data",
    ]
    code, out, _ = necc("score", "--json")
    outcome = json.loads(out)
    assert (outcome["filled"], [score["skill"] for score in outcome["scores"]]) == (0, [pytest.approx(0.585), None])


def test_score_with_no_price_met_yet_says_so(necc: Run, embedded_settings: Settings) -> None:
    Book(embedded_settings).quotes("delhi", "suggested", "2024-03-01", [510])
    assert embedded_settings.database_url
    with psycopg.connect(embedded_settings.database_url) as connection:
        save(connection, RUN, made(issued_on=dt.date(2024, 3, 1)))
    code, out, _ = necc("score")
    assert (code, out.splitlines()[1:]) == (0, ["no forecast has met its price yet"])


def test_an_unreachable_database_is_one_line_without_its_password(necc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://asha:s3cret@127.0.0.1:1/eggs")
    code, out, err = necc("scrape", "--month", "2024-02")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "s3cret" not in err


def test_a_held_lock_is_code_6(necc: Run, embedded_settings: Settings) -> None:
    assert embedded_settings.database_url
    with psycopg.connect(embedded_settings.database_url, autocommit=True) as other, lock(other):
        code, _, err = necc("--demo", "scrape", "--month", "2024-02")
    assert (code, err) == (
        6,
        "necc: another necc scrape is working on this database: wait until it is done\n",
    )


def test_a_page_that_is_no_sheet_is_code_4(necc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def maintenance(asked: str, text: str) -> tuple[int, str]:
        return 200, "<html><body>maintenance</body></html>"

    with altered(TODAY, maintenance) as url:
        monkeypatch.setenv("NECC_BASE_URL", url)
        monkeypatch.setenv("NECC_PAUSE_S", "0")
        code, out, err = necc("scrape", "--month", "2024-02")
    assert code == 4
    assert "none read" in out
    assert len([line for line in err.splitlines() if line.startswith("necc: ")]) == 1


def test_demo_data_goes_to_a_named_database_only_when_asked_on_the_command_line(
    necc: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NECC_DEMO", "1")
    code, _, err = necc("quickstart")
    assert (code, err) == (
        2,
        "necc: DATABASE_URL gets made-up demo data only with --demo, not by NECC_DEMO\n",
    )


def test_quickstart_does_not_fill_a_named_database_with_demo_data(necc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECC_OFFLINE", "1")
    code, _, err = necc("quickstart")
    assert code == 1
    assert "only with --demo" in err


def test_deploy_says_what_it_applied(necc: Run, monkeypatch: pytest.MonkeyPatch, empty_database: str) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    code, out, _ = necc("db", "deploy")
    assert (code, "applied schema/00_extensions.sql" in out) == (0, True)
    code, out, _ = necc("db", "deploy")
    assert (code, out.startswith("0 files applied")) == (0, True)


def test_an_unforeseen_error_is_one_line(necc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_chosen_keys", lambda *a, **k: 1 / 0)
    code, _, err = necc("scrape")
    assert (code, err) == (
        1,
        "necc: unexpected ZeroDivisionError: division by zero (run again with -v for details)\n",
    )


def test_what_the_server_refuses_is_one_line(
    necc: Run, monkeypatch: pytest.MonkeyPatch, embedded_settings: Settings
) -> None:
    def change_a_log(*_: object, **__: object) -> None:
        with psycopg.connect(str(embedded_settings.database_url)) as connection:
            connection.execute("set role app_rw")
            connection.execute("do 'begin delete from audit_log; end'")  # the server adds where it was, in more lines

    monkeypatch.setattr(cli, "_chosen_keys", change_a_log)
    code, _, err = necc("scrape")
    assert (code, err) == (1, "necc: the database failed: permission denied for table audit_log\n")


def test_the_embedded_server_from_the_command_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("a home")
    environment = {**os.environ, "NECC_HOME": str(home)}
    environment.pop("DATABASE_URL", None)

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "necc", "db", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    assert "PostgreSQL runs" in run("start")
    try:
        assert json.loads(run("status", "--json"))["running"] is True
        assert run("psql", "-Atc", "select current_database()") == "necc\n"
        url = run("url").strip()
        with psycopg.connect(url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        assert run("stop") == "stopped\n"
    assert json.loads(run("status", "--json"))["running"] is False
    assert run("stop") == "was not running\n"
