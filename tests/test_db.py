"""Connections: which server, what a session is, reading, and that no password gets out."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from necc import db, pgbinaries
from necc.config import INDIA, Settings
from necc.embedded import Cluster
from necc.errors import DatabaseError, UsageError
from tests.conftest import QUICK, bin_dir_of

SECRET = "tell-nobody"  # in every test URL: it must never come out


@pytest.fixture
def plain(tmp_path: Path, empty_database: str) -> Settings:
    """Settings for an empty database on each server."""
    return Settings(home=tmp_path, database_url=empty_database)


@pytest.fixture
def quick(tmp_path: Path, clusters: Callable[[str], Cluster]) -> Settings:
    """Settings for the embedded server's maintenance database: for tests that write nothing."""
    return Settings(home=tmp_path, database_url=clusters("embedded").url("postgres"))


def value(connection: psycopg.Connection[tuple[object, ...]], query: str) -> object:
    found = connection.execute(query).fetchone()
    assert found is not None
    return found[0]


# -- sessions ------------------------------------------------------------------------------------------


def test_a_session_is_in_utc_and_names_itself(plain: Settings) -> None:
    with db.connect(plain) as connection:
        assert value(connection, "show timezone") == "UTC"
        assert value(connection, "show application_name") == "necc"
        assert value(connection, "show client_encoding") == "UTF8"
        assert value(connection, "select coalesce(current_setting('necc.today', true), '')") == ""


def test_a_fixed_today_is_the_day_in_india(plain: Settings) -> None:
    evening = dt.datetime(2025, 6, 30, 18, 31, tzinfo=dt.UTC)
    with db.connect(replace(plain, fixed_now=evening)) as connection:
        assert value(connection, "select current_setting('necc.today')") == "2025-07-01"


def test_a_connection_commits_when_told_or_at_once(plain: Settings) -> None:
    with db.connect(plain) as connection:
        connection.execute("create table eggs (n int)")
        connection.commit()
        connection.execute("insert into eggs values (1)")
        connection.rollback()
    with db.connect(plain, autocommit=True) as connection:
        connection.execute("insert into eggs values (2)")
        with db.connect(plain) as other:
            assert value(other, "select array_agg(n) from eggs") == [2]


def test_what_the_url_says_of_the_session_is_kept(quick: Settings) -> None:
    named = replace(quick, database_url=f"{quick.database_url}&application_name=mine&connect_timeout=3")
    with db.connect(named) as connection:
        assert value(connection, "show application_name") == "mine"
        assert connection.info.get_parameters()["connect_timeout"] == "3"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "PostgreSQL"])
def test_the_usual_spellings_of_a_url_are_understood(quick: Settings, scheme: str) -> None:
    assert quick.database_url is not None
    spelled = replace(quick, database_url=quick.database_url.replace("postgresql", scheme, 1))
    assert db.server_url(spelled) == quick.database_url
    with db.connect(spelled) as connection:
        assert value(connection, "select 1") == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"mysql://me:{SECRET}@host/db", "wanted postgresql://.*, found 'mysql'"),
        (f"host=x password={SECRET}", "wanted postgresql://.*, found 'no scheme'"),
        (f"postgresql://me:{SECRET}%zz@host/db", "write special characters"),
        (f"postgresql://me:{SECRET}@host/db?nonsense=1", "cannot be read"),
    ],
)
def test_a_url_that_is_none_is_a_usage_error(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        db.connect(Settings(home=tmp_path, database_url=url))
    assert_one_safe_line(caught.value)


def test_an_old_server_is_refused(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgbinaries, "MIN_MAJOR", 99)
    with pytest.raises(DatabaseError, match=r"wanted PostgreSQL 99 or later, found 18\."):
        db.connect(quick)


def test_a_session_that_cannot_be_prepared_is_refused(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class BadDay(dt.date):
        def isoformat(self) -> str:
            return "2025\0"  # no text for PostgreSQL

    monkeypatch.setattr(Settings, "today", lambda _: BadDay(2025, 1, 1))
    with pytest.raises(DatabaseError, match="cannot use postgresql://necc@.*NUL"):
        db.connect(replace(quick, fixed_now=dt.datetime(2025, 1, 1, tzinfo=INDIA)))


# -- what cannot be reached ----------------------------------------------------------------------------


def assert_one_safe_line(error: BaseException) -> None:
    """The message is one line, and the password is neither there nor in the whole traceback."""
    assert "\n" not in str(error)
    assert SECRET not in "".join(traceback.format_exception(error))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nobody_at_the_address_is_one_clear_line(tmp_path: Path) -> None:
    port = closed_port()
    settings = Settings(home=tmp_path, database_url=f"postgres://me:{SECRET}@127.0.0.1:{port}/eggs")
    shown = rf"cannot connect to postgresql://me:\*\*\*@127.0.0.1:{port}/eggs: .*refused. Does it run"
    with pytest.raises(DatabaseError, match=shown) as caught:
        db.connect(settings)
    assert_one_safe_line(caught.value)


def test_a_password_of_one_letter_is_not_spelt_by_gaps(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=f"postgres://me:o@127.0.0.1:{closed_port()}/eggs")
    with pytest.raises(DatabaseError, match="connection to server") as caught:
        db.connect(settings)
    assert "me:o" not in str(caught.value)


def test_a_server_that_never_answers_costs_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "CONNECT_TIMEOUT_S", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://me:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/eggs"
        began = time.monotonic()
        with pytest.raises(DatabaseError, match="timeout") as caught:
            db.read_frame(Settings(home=tmp_path, database_url=url), "select 1")
    assert 1 < time.monotonic() - began < 20
    assert_one_safe_line(caught.value)


def test_a_wrong_password_is_one_clear_line(quick: Settings) -> None:
    assert quick.database_url is not None
    host = quote(str(conninfo_to_dict(quick.database_url)["host"]), safe="")
    for url in (
        f"postgresql://necc:{SECRET}@/postgres?host={host}",
        f"postgresql://necc@/postgres?password={SECRET}&host={host}",
    ):
        with pytest.raises(DatabaseError, match="password authentication failed") as caught:
            db.connect(replace(quick, database_url=url))
        assert_one_safe_line(caught.value)
        assert "Does it run" not in str(caught.value)


def test_a_missing_database_is_one_clear_line(quick: Settings) -> None:
    assert quick.database_url is not None
    url = quick.database_url.replace("/postgres?", "/no_such?")
    with pytest.raises(DatabaseError, match='database "no_such" does not exist') as caught:
        db.connect(replace(quick, database_url=url))
    assert_one_safe_line(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pw@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://me:p@w/x@host/db", "postgresql://me:***@host/db"),
        ("postgresql://:pw@host/db", "postgresql://:***@host/db"),
        ("postgresql:///db?user=me&password=pw&host=h", "postgresql:///db?user=me&password=***&host=h"),
        ("postgresql://h/db?sslpassword=pw", "postgresql://h/db?sslpassword=***"),
        ("host=h password='p w' user=me", "host=h password=*** user=me"),
    ],
)
def test_a_shown_url_hides_its_password(url: str, shown: str) -> None:
    assert db.redacted(url) == shown


# -- reading -------------------------------------------------------------------------------------------


def test_rows_are_read_with_named_parameters(plain: Settings) -> None:
    query = "select n, n * 1.5 as price from generate_series(1, 3) n where n >= :least order by n"
    frame = db.read_frame(plain, query, {"least": 2})
    assert frame.to_dict("list") == {"n": [2, 3], "price": [3.0, 4.5]}


def test_no_rows_keep_their_columns(plain: Settings) -> None:
    assert list(db.read_frame(plain, "select 1 as a, 'x' as b where false").columns) == ["a", "b"]


def test_reading_cannot_write(plain: Settings) -> None:
    with pytest.raises(DatabaseError, match="refused to read: cannot execute .* in a read-only transaction"):
        db.read_frame(plain, "create table eggs (n int)")


def test_reading_is_done_as_the_analyst_where_there_is_one(
    plain: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under another name: on a shared server a schema has made the real role already."""
    assert db.READER_ROLE == "nec_analyst"
    monkeypatch.setattr(db, "READER_ROLE", "test_analyst")
    caplog.set_level("DEBUG", "necc.db")
    query = "select current_user::text as who"
    assert db.read_frame(plain, query)["who"].tolist() == ["necc"]
    assert 'reading without the role test_analyst: role "test_analyst" does not exist' in caplog.text
    with db.connect(plain, autocommit=True) as connection:
        connection.execute("create role test_analyst")
        try:
            assert db.read_frame(plain, query)["who"].tolist() == ["test_analyst"]
        finally:
            connection.execute("drop role test_analyst")


def test_a_missing_table_says_what_to_do(plain: Settings) -> None:
    with pytest.raises(DatabaseError, match='"nec_eggs" does not exist.*necc db deploy') as caught:
        db.read_frame(plain, "select * from nec_eggs")
    assert "\n" not in str(caught.value)


def test_a_missing_parameter_is_one_clear_line(plain: Settings) -> None:
    with pytest.raises(DatabaseError, match="refused to read: .*'least'") as caught:
        db.read_frame(plain, "select :least")
    assert "\n" not in str(caught.value)


def test_a_connection_is_closed_after_reading(plain: Settings) -> None:
    query = "select count(*) as n from pg_stat_activity where datname = current_database()"
    for _ in range(3):
        assert db.read_frame(plain, query)["n"].tolist() == [1]


# -- our own server ------------------------------------------------------------------------------------

USER = f"""
import sys
from pathlib import Path
from necc import db, embedded
from necc.config import Settings
embedded.START_TIMEOUT_S = 120
settings = Settings(home=Path(sys.argv[1]), demo=sys.argv[2] == "demo")
db._clusters[settings.home, db.pgbinaries.find()] = embedded.Cluster(settings.home, options={QUICK!r})
with db.connect(settings) as connection:
    print(connection.info.dbname, connection.info.backend_pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def own_home(open_folder: Path) -> Iterator[Path]:
    home = open_folder / "own"
    yield home
    Cluster(home, bin_dir_of("embedded")).stop()


def use(home: Path, kind: str = "real") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USER, str(home), kind]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def end(user: subprocess.Popen[str]) -> list[str]:
    said, _ = user.communicate()
    assert user.returncode == 0
    return said.split()


def test_processes_at_once_start_one_server_and_make_each_database_once(own_home: Path) -> None:
    users = [use(own_home), use(own_home), use(own_home, "demo"), use(own_home, "demo")]
    assert [end(user)[0] for user in users] == ["necc", "necc", "necc_demo", "necc_demo"]
    assert not Cluster(own_home).status().running


def test_a_process_holds_the_server_once_until_it_ends(own_home: Path) -> None:
    user = use(own_home)
    assert user.stdout is not None
    assert user.stdout.readline().startswith("necc ")
    status = Cluster(own_home).status()
    assert (status.running, status.clients) == (True, 1)
    end(user)
    assert not Cluster(own_home).status().running


def test_threads_at_once_share_one_hold(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(own_home, options=QUICK)
    settings = Settings(home=own_home)
    monkeypatch.setattr(db, "_clusters", {(own_home, cluster.bin_dir): cluster})
    urls: list[str] = []
    threads = [threading.Thread(target=lambda: urls.append(db.server_url(settings))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert urls == [cluster.url("necc")] * 4
    assert cluster.status().clients == 1
    assert cluster.stop()
    with db.connect(settings) as connection:  # started again, and looked whether the database is there
        assert connection.info.dbname == "necc"
    assert cluster.stop()


def test_a_url_given_means_no_server_of_ours(quick: Settings) -> None:
    with pytest.raises(UsageError, match="DATABASE_URL is set"):
        db.own_cluster(quick)
    assert db.described(replace(quick, database_url=f"postgresql://me:{SECRET}@h/db")) == "postgresql://me:***@h/db"


def test_our_own_database_is_described_without_starting_it(own_home: Path) -> None:
    said = db.described(Settings(home=own_home, demo=True))
    assert said == f"necc_demo of the embedded PostgreSQL in {own_home / 'pg18'}"
    assert not own_home.exists()


def test_named_programs_are_used(own_home: Path) -> None:
    folder = bin_dir_of("postgresql15")
    cluster = db.own_cluster(Settings(home=own_home, pg_bin=folder))
    assert (cluster.bin_dir, cluster.data_dir) == (folder, own_home / "pg15")


def test_psql_runs_on_the_database(quick: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    assert db.psql(quick, ["-X", "-A", "-t", "-c", "select current_database(), 6 * 7"]) == 0
    assert capfd.readouterr().out == "postgres|42\n"
    assert db.psql(quick, ["-X", "-v", "ON_ERROR_STOP=1", "-q", "-c", "select 1/0"]) == 1


# -- the guard of the tests ----------------------------------------------------------------------------


def test_the_tests_reach_loopback_and_unix_sockets_only(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client.connect(str(tmp_path / "s"))
    with socket.socket() as outside:
        outside.settimeout(1)
        for reach in (outside.connect, outside.connect_ex):
            with pytest.raises(RuntimeError, match="only loopback is allowed"):
                reach(("192.0.2.1", 80))
        with pytest.raises(RuntimeError, match="only loopback is allowed"):
            outside.sendto(b"x", ("192.0.2.1", 53))
    with pytest.raises(RuntimeError, match="only loopback is allowed"):
        socket.create_connection(("necc.invalid", 80), timeout=1)


def test_the_tests_see_no_settings_of_this_machine() -> None:
    ours = [name for name in os.environ if name.startswith(("NECC_", "PG")) or name == "DATABASE_URL"]
    assert set(ours) <= {"NECC_REAL_DATA", "NECC_TEST_PG_BIN"}


def test_importing_db_is_light() -> None:
    script = "import sys, necc.db; print([m for m in ('pandas', 'sqlalchemy', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
