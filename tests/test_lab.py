"""The workbench from nothing, on made-up demo data; and what JupyterLab is started with."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from necc import db, lab
from necc.config import DEMO_LABEL, INDIA, Settings
from necc.errors import DatabaseError, UsageError

NOW = dt.datetime(2024, 3, 15, 12, tzinfo=INDIA)
MONTHS = 27
NOTEBOOKS = [
    "00_start_here",
    "01_monthly_averages",
    "02_year_over_year",
    "03_price_predictions",
    "04_forecast_accuracy",
]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> lab.Workbench:
    """The first quickstart of a machine whose network is closed."""
    settings = Settings(home=tmp_path_factory.mktemp("quick start"), offline=True, fixed_now=NOW)
    return lab.quickstart(settings, months=MONTHS, say=said.append)


def test_it_says_in_one_line_that_the_data_are_made_up(bench: lab.Workbench, said: list[str]) -> None:
    assert bench.settings.demo
    assert [line for line in said if "does not answer" in line] == [
        f"https://www.e2necc.com does not answer within 5 s: using {DEMO_LABEL} instead"
    ]


def test_prices_views_and_predictions_are_there(bench: lab.Workbench) -> None:
    assert (bench.scraped.exit_code, bench.scraped.outcomes) == (0, {"stored": MONTHS})
    with db.connect(bench.settings) as connection:
        assert connection.info.dbname == "necc_demo"
        months = "select count(distinct (year, month)) from nec_monthly_averages"
        assert connection.execute(months).fetchone() == (MONTHS,)
        horizons = "select min(horizon_days), max(horizon_days), count(distinct zone_id) from nec_predictions"
        assert connection.execute(horizons).fetchone() == (1, 30, 34)


def test_each_notebook_is_a_report_that_says_it_is_made_up(bench: lab.Workbench) -> None:
    assert [result.path.stem for result in bench.reports] == NOTEBOOKS
    for result in bench.reports:
        page = result.path.read_text(encoding="utf-8")
        assert DEMO_LABEL in page, result.name
        assert str(bench.settings.home) not in page, result.name


def test_a_second_quickstart_changes_nothing(bench: lab.Workbench) -> None:
    def state() -> tuple[object, ...]:
        with db.connect(bench.settings) as connection:
            query = """select (select max(updated_at) from nec_prices), (select count(*) from nec_prices),
                (select count(*) from nec_predictions), (select count(*) from nec_model_runs)"""
            row = connection.execute(query).fetchone()
            assert row
            return row

    before = state()
    written = {result.path: result.path.stat().st_mtime_ns for result in bench.reports}
    said: list[str] = []
    again = lab.quickstart(replace(bench.settings, demo=False), months=MONTHS, say=said.append)
    assert state() == before
    assert again.scraped.outcomes == {"unchanged": 1}
    assert {result.path: result.path.stat().st_mtime_ns for result in again.reports} == written


def test_demo_and_real_prices_have_databases_of_their_own(bench: lab.Workbench) -> None:
    real, demo = db.server_url(replace(bench.settings, demo=False)), db.server_url(bench.settings)
    with psycopg.connect(real) as one, psycopg.connect(demo) as other:
        assert (one.info.dbname, other.info.dbname) == ("necc", "necc_demo")


def test_a_kernel_reads_as_an_analyst_and_writes_nothing(embedded_settings: Settings) -> None:
    settings = Settings.load(lab.kernel_environment(embedded_settings))
    session = "select current_user::text as role, current_setting('transaction_read_only') as read_only"
    assert db.read_frame(settings, session).values.tolist() == [["nec_analyst", "on"]]
    for statement in (
        "insert into nec_annotations (date, title, content) values ('2024-02-01', 'Heat', 'Hot.') returning 1",
        "with gone as (delete from nec_zones returning 1) select count(*) from gone",
        "create table mine (id int)",
        "select refresh_nec_monthly_averages()",
        "select full_name from profiles",
    ):
        with pytest.raises(DatabaseError, match="read-only transaction|permission denied"):
            db.read_frame(settings, statement)


Started = list[tuple[str, list[str], Mapping[str, str]]]


@pytest.fixture
def started() -> Started:
    return []


@pytest.fixture
def run(started: Started) -> Callable[..., None]:
    def note(program: str, command: list[str], environment: Mapping[str, str]) -> None:
        started.append((program, command, environment))

    return note


def test_jupyterlab_listens_on_this_machine_only(tmp_path: Path, started: Started, run: Callable[..., None]) -> None:
    settings = Settings(home=tmp_path, demo=True)
    lab.open_lab(settings, port=8888, open_browser=False, run=run)
    ((program, command, environment),) = started
    assert program == sys.executable
    assert "--ServerApp.ip=127.0.0.1" in command
    assert not any("token" in word or "password" in word for word in command)
    assert (environment["NECC_DEMO"], environment["NECC_HOME"]) == ("1", str(tmp_path))


def test_a_port_that_is_none_is_refused(tmp_path: Path, run: Callable[..., None]) -> None:
    with pytest.raises(UsageError, match="wanted 1024 to 65535"):
        lab.open_lab(Settings(home=tmp_path), port=70000, open_browser=False, run=run)


def test_an_installed_package_opens_copies_that_stay_as_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "_data" / "notebooks"
    installed.mkdir(parents=True)
    (installed / "00_start_here.ipynb").write_text("original", encoding="utf-8")
    monkeypatch.setattr(lab, "data_folder", lambda name: installed)
    settings = Settings(home=tmp_path / "home")
    folder = lab.notebooks_to_open(settings)
    (folder / "00_start_here.ipynb").write_text("edited", encoding="utf-8")
    assert lab.notebooks_to_open(settings) == folder
    assert (folder / "00_start_here.ipynb").read_text(encoding="utf-8") == "edited"
