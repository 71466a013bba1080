"""Settings: flag over environment over .env over default; India's day; bad values."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from necc import config
from necc.config import INDIA, Settings
from necc.errors import UsageError


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the project's, whose .env would be read."""
    monkeypatch.chdir(tmp_path)


def write_dotenv(text: str) -> None:
    Path(".env").write_text(text, encoding="utf-8")


def test_the_defaults() -> None:
    settings = Settings.load({})
    assert settings == Settings(home=config.default_home())
    assert (settings.database_url, settings.pg_bin, settings.base_url) == (None, None, "https://www.e2necc.com")
    assert (settings.pause_s, settings.offline, settings.demo, settings.fixed_now) == (2.0, False, False, None)


def test_every_variable_is_read() -> None:
    settings = Settings.load(
        {
            "NECC_HOME": "/data/eggs",
            "DATABASE_URL": "postgresql://h/db",
            "NECC_PG_BIN": "/opt/pg/bin",
            "NECC_BASE_URL": "http://127.0.0.1:8000/",
            "NECC_USER_AGENT": "me",
            "NECC_PAUSE_S": "0.5",
            "NECC_OFFLINE": "yes",
            "NECC_DEMO": "1",
            "NECC_TODAY": "2025-06-30",
        }
    )
    assert settings == Settings(
        home=Path("/data/eggs"),
        database_url="postgresql://h/db",
        pg_bin=Path("/opt/pg/bin"),
        base_url="http://127.0.0.1:8000",
        user_agent="me",
        pause_s=0.5,
        offline=True,
        demo=True,
        fixed_now=dt.datetime(2025, 6, 30, 12, tzinfo=INDIA),
    )


def test_flag_over_environment_over_dotenv_over_default() -> None:
    write_dotenv("NECC_USER_AGENT=file\nNECC_PAUSE_S=3\nNECC_BASE_URL=http://file\nexport NECC_DEMO=1\n")
    environ = {"NECC_USER_AGENT": "environment", "NECC_PAUSE_S": "4"}
    settings = Settings.load(environ, user_agent="flag", pause_s=None)
    assert settings.user_agent == "flag"
    assert settings.pause_s == 4.0
    assert (settings.base_url, settings.demo) == ("http://file", True)
    assert settings.offline is False


def test_an_empty_variable_undoes_the_file() -> None:
    write_dotenv("DATABASE_URL=postgresql://file/db\nNECC_DEMO=1\nNECC_PAUSE_S=9\n")
    settings = Settings.load({"DATABASE_URL": "", "NECC_DEMO": "", "NECC_PAUSE_S": ""})
    assert (settings.database_url, settings.demo, settings.pause_s) == (None, False, 2.0)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECC_USER_AGENT", "process")
    assert Settings.load().user_agent == "process"
    assert Settings.load({}).user_agent == ""


def test_a_flag_that_is_false_counts() -> None:
    assert Settings.load({"NECC_DEMO": "1"}, demo=False).demo is False
    assert Settings.load({"NECC_DEMO": "1"}, demo=None).demo is True


def test_a_dotenv_that_cannot_be_read_is_said() -> None:
    Path(".env").write_bytes(b"NECC_USER_AGENT=\xff\xfe\n")
    with pytest.raises(UsageError, match=r"the file \.env of this folder cannot be read") as caught:
        Settings.load({})
    assert "\n" not in str(caught.value)


# -- paths ---------------------------------------------------------------------------------------------


def test_a_relative_path_is_made_absolute_and_a_tilde_means_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    settings = Settings.load({"NECC_HOME": "with space", "NECC_PG_BIN": "~/pg/bin"})
    assert (settings.home, settings.pg_bin) == (tmp_path / "with space", Path("/home/me/pg/bin"))


def test_the_tilde_of_an_unknown_user_is_refused() -> None:
    with pytest.raises(UsageError, match="NECC_HOME='~no.such.user/eggs': wanted a folder, found no such user"):
        Settings.load({"NECC_HOME": "~no.such.user/eggs"})


@pytest.mark.parametrize("root", [True, False])
def test_root_keeps_its_data_where_a_service_account_can_reach(root: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/me/data")
    assert config.default_home() == Path("/var/lib/necc" if root else "/home/me/data/necc")


def test_demo_data_have_a_database_of_their_own() -> None:
    assert Settings.load({}).database_name == "necc"
    assert Settings.load({}, demo=True).database_name == "necc_demo"


def test_a_data_folder_lies_in_the_wheel_or_beside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "necc"
    package.mkdir(parents=True)
    monkeypatch.setattr(config, "__file__", str(package / "config.py"))
    assert config.data_folder("schema") == tmp_path / "site" / "schema"
    (package / "_data" / "schema").mkdir(parents=True)
    assert config.data_folder("schema") == package / "_data" / "schema"


# -- bad values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NECC_PAUSE_S", "soon"),
        ("NECC_PAUSE_S", "-1"),
        ("NECC_PAUSE_S", "nan"),
        ("NECC_PAUSE_S", "inf"),
        ("NECC_OFFLINE", "maybe"),
        ("NECC_DEMO", "2"),
        ("NECC_TODAY", "yesterday"),
        ("NECC_TODAY", "30-06-2025"),
        ("NECC_TODAY", "2025-02-30"),
        ("NECC_TODAY", "2025-06-30T25:00"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"{name}='{value}': wanted") as caught:
        Settings.load({name: value})
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("word", ["1", "true", "YES", " on "])
def test_a_switch_is_on(word: str) -> None:
    assert Settings.load({"NECC_OFFLINE": word}).offline is True


@pytest.mark.parametrize("word", ["0", "False", "no", "OFF", " "])
def test_a_switch_is_off(word: str) -> None:
    assert Settings.load({"NECC_OFFLINE": word}).offline is False


# -- today ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "today", "utc"),
    [
        ("2025-06-30", "2025-06-30", "2025-06-30T06:30"),
        ("20250630", "2025-06-30", "2025-06-30T06:30"),
        ("2025-06-30T20:30", "2025-06-30", "2025-06-30T15:00"),
        ("2025-06-30 23:59:59", "2025-06-30", "2025-06-30T18:29"),
        ("2025-06-30T18:29:59+00:00", "2025-06-30", "2025-06-30T18:29"),
        ("2025-06-30T18:30Z", "2025-07-01", "2025-06-30T18:30"),
        ("2024-02-29T00:00", "2024-02-29", "2024-02-28T18:30"),
        ("2024-12-31T23:00-08:00", "2025-01-01", "2025-01-01T07:00"),
    ],
)
def test_today_can_be_set_and_is_the_day_in_india(text: str, today: str, utc: str) -> None:
    settings = Settings.load({"NECC_TODAY": text})
    assert settings.today() == dt.date.fromisoformat(today)
    assert settings.now().astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M") == utc


def test_now_is_the_clock_with_indias_zone() -> None:
    before = dt.datetime.now(dt.UTC)
    now = Settings.load({}).now()
    assert now.utcoffset() == dt.timedelta(hours=5, minutes=30)
    assert before <= now <= dt.datetime.now(dt.UTC)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_today_does_not_depend_on_the_machines_zone(zone: str) -> None:
    script = (
        "import datetime as dt; from necc.config import Settings\n"
        "settings = Settings.load({})\n"
        "fixed = Settings.load({'NECC_TODAY': '2025-06-30T18:30Z'})\n"
        "india = dt.datetime.now(dt.UTC) + dt.timedelta(hours=5, minutes=30)\n"
        "print(fixed.today(), settings.today() == india.date() or india.time() < dt.time(0, 1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2025-07-01 True\n"
