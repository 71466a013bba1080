"""schema/run-schema.sh, the deployment with psql alone: as whole as `necc db deploy`, and of one mind with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from necc import catalog, migrate
from necc.config import data_folder
from necc.embedded import Cluster
from tests.test_migrate import ALL, SEEDS, ZONES, Project, _row_counts, _rows, _state, _wait, embedded_only

Connection = psycopg.Connection[Any]
SCRIPT = data_folder("schema") / "run-schema.sh"
SECRET = "s3cret'pass word"

VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE", "passfile": "PGPASSFILE"}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "it's a project")
    shutil.copy(SCRIPT, made.schema)
    return made


@pytest.fixture
def connection(empty_database: str) -> Iterator[Connection]:
    with psycopg.connect(empty_database, autocommit=True) as opened:
        yield opened


def environment(server: Cluster, url: str, **more: str) -> dict[str, str]:
    """What a shell has in which PG* variables say where."""
    parts = conninfo_to_dict(url)
    own = {VARIABLES[name]: str(value) for name, value in parts.items() if name in VARIABLES}
    return {"PATH": f"{server.bin_dir}:{os.environ['PATH']}", **own, **more}


@pytest.fixture
def run(server: Cluster, empty_database: str, project: Project) -> Run:
    """Run the made-up project's own copy of the script, from another folder."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [project.schema / "run-schema.sh", *arguments],
            cwd="/",
            env=environment(server, empty_database, **more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    return run


def _succeeded(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _failed(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    assert (done.returncode, done.stdout) == (code, ""), done
    return done.stderr


# --- the same work, the same ledger ---------------------------------------------------------------------


def test_applies_all_files_in_numeric_order_once(connection: Connection, project: Project, run: Run) -> None:
    assert _succeeded(run()) == [*(f"applied {file}" for file in ALL), "4 files applied, 0 unchanged"]
    before = _state(connection)
    again = run()
    assert _succeeded(again) == ["0 files applied, 4 unchanged"]
    assert again.stderr == ""
    assert _state(connection) == before
    assert _rows(connection, "select name from zones order by id") == [("Kolkata",), ("சென்னை",)]


def test_what_one_deployed_is_up_to_date_for_the_other(connection: Connection, project: Project, run: Run) -> None:
    project.write("schema/upgrades/001_never.sql", "select 1 / 0;")
    _succeeded(run())
    with_psql = _ledger(connection)
    assert project.is_deployed(connection)
    assert project.deploy(connection).applied == ()

    connection.execute("drop table zones, prices, schema_versions")
    project.deploy(connection)
    assert _ledger(connection) == with_psql
    assert _succeeded(run()) == ["0 files applied, 5 unchanged"]


def _ledger(connection: Connection) -> list[tuple[Any, ...]]:
    """What both write alike: who, what, that the time is past and the duration is one."""
    return _rows(
        connection,
        "select file, sha256, applied_by, applied_at <= now(), duration_ms between 0 and 60000"
        " from schema_versions order by applied_at, file",
    )


def test_the_project_itself_three_times(
    server: Cluster, template: str, connection: Connection, empty_database: str
) -> None:
    def run(*arguments: str) -> list[str]:
        return _succeeded(
            subprocess.run(
                [SCRIPT, *arguments],
                env=environment(server, empty_database),
                capture_output=True,
                text=True,
                check=False,
            )
        )

    applied = [line.removeprefix("applied ") for line in run()[:-1]]
    assert migrate.is_deployed(connection)
    with psycopg.connect(server.url(template)) as by_the_other:
        before = (catalog.snapshot(by_the_other), _row_counts(by_the_other))
    assert catalog.digest(catalog.snapshot(connection)) == catalog.digest(before[0])
    for _ in range(2):
        connection.execute("update schema_versions set sha256 = repeat('0', 64)")  # all files changed
        assert run("--unchecked")[:-1] == [f"applied {file}" for file in applied]
    assert catalog.differences(catalog.snapshot(connection), before[0]) == []
    assert _row_counts(connection) == before[1]
    assert migrate.deploy(connection).applied == ()


@embedded_only
def test_waits_for_a_deployment_that_is_under_way(connection: Connection, project: Project, run: Run) -> None:
    waiting = "select from pg_stat_activity where application_name = 'run-schema.sh' and wait_event_type = 'Lock'"
    done: list[subprocess.CompletedProcess[str]] = []
    thread = threading.Thread(target=lambda: done.append(run()))
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [migrate.DEPLOY_LOCK])
        thread.start()
        with psycopg.connect(connection.info.dsn, password=connection.info.password, autocommit=True) as other:
            _wait(lambda: bool(_rows(other, waiting)))
        assert done == []
    thread.join()
    assert _succeeded(done[0])[-1] == "4 files applied, 0 unchanged"


# --- an error undoes everything -------------------------------------------------------------------------

BROKEN = {
    "syntax": ("-- நாமக்கல்\nselect 1;\n\ncreate table broken (\n    id int,,\n);\n".encode(), 6, "syntax error"),
    "duplicate": (b"create table b (id int);\n\ncreate table b (id int);", 3, 'relation "b" already exists'),
    "raised": (b"do $$\nbegin\n  raise exception 'no zone';\nend $$;", 4, "no zone"),
    "commit": (b"begin;\nselect 1;\ncommit;\n", 3, "may not end the transaction that all files share"),
    "not UTF-8": (b"select 1;\nselect '\xe9';", 2, "invalid byte sequence"),
    "psql": (b"select 1;\n\\nonsense\n", 2, "invalid command \\nonsense"),
}


@pytest.mark.parametrize(("content", "line", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_named_with_its_line(
    connection: Connection, project: Project, run: Run, content: bytes, line: int, message: str
) -> None:
    (project.schema / "100_prices.sql").write_bytes(content)
    told = _failed(run())
    assert f"psql:schema/100_prices.sql:{line}: " in told
    assert message in told
    assert told.splitlines()[-1] == "run-schema.sh: not deployed; nothing was changed"
    assert _tables(connection) == []


@embedded_only
def test_the_failing_statement_is_shown(project: Project, run: Run) -> None:
    project.write("schema/20_zones.sql", ZONES + "insert into zones\nvalues (9, null);\n")
    told = _failed(run())
    assert "STATEMENT:  insert into zones\nvalues (9, null);" in told


@embedded_only
def test_a_rollback_in_a_file_leaves_nothing(connection: Connection, project: Project, run: Run) -> None:
    project.write("schema/20_zones.sql", ZONES + "rollback;\ncreate table stray (id int);")
    assert "schema/20_zones.sql: it ended the transaction that all files share" in _failed(run())
    assert _tables(connection) == []


@embedded_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stopped_script_stops_psql_and_leaves_nothing(
    server: Cluster, empty_database: str, connection: Connection, project: Project, number: signal.Signals
) -> None:
    project.write("schema/20_zones.sql", ZONES + "select pg_sleep(300);")
    sessions = "select from pg_stat_activity where application_name = 'run-schema.sh' and datname = current_database()"
    with subprocess.Popen(
        [project.schema / "run-schema.sh"],
        env=environment(server, empty_database),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as script:
        try:
            _wait(lambda: bool(_rows(connection, sessions + " and wait_event = 'PgSleep'")))
            script.send_signal(number)
            out, told = script.communicate(timeout=60)
        finally:
            script.kill()
    assert (script.returncode, out) == (1, "")
    assert "psql:schema/20_zones.sql:" in told
    assert told.splitlines()[-1].startswith("run-schema.sh: stopped: nothing was changed")
    _wait(lambda: not _rows(connection, sessions))
    assert _tables(connection) == []


@embedded_only
def test_a_failing_commit_and_a_missing_ledger_are_errors(connection: Connection, project: Project, run: Run) -> None:
    deferred = "create table if not exists prices (zone_id int references zones initially deferred);"
    project.write("schema/100_prices.sql", deferred + "insert into prices values (77);")
    assert 'insert or update on table "prices" violates' in _failed(run())
    project.write("schema/00_ledger.sql", "select 1;")
    assert 'relation "public.schema_versions" does not exist' in _failed(run())
    assert _tables(connection) == []


def test_a_broken_file_leaves_a_deployed_database_as_it_was(connection: Connection, project: Project, run: Run) -> None:
    _succeeded(run())
    before = _state(connection)
    project.write("schema/20_zones.sql", ZONES + "alter table zones add column if not exists state text;\n")
    project.write("seeds/01_zones.sql", "delete from zones;\nselect 1 / 0;\n")
    assert "psql:seeds/01_zones.sql:2: ERROR:  division by zero" in _failed(run("--unchecked"))
    assert _state(connection) == before


def _tables(connection: Connection) -> list[tuple[Any, ...]]:
    return _rows(connection, "select tablename from pg_tables where schemaname = 'public'")


# --- a deployed database, and what only `necc db deploy` can do -------------------------------------------


def test_a_changed_file_wants_the_comparison(connection: Connection, project: Project, run: Run) -> None:
    _succeeded(run())
    before = _state(connection)
    project.write("schema/100_prices.sql", "create table if not exists prices (price numeric not null);")
    project.write("schema/upgrades/001_prices.sql", "alter table if exists prices alter price type numeric;")
    told = _failed(run())
    assert "deployed: schema/upgrades/001_prices.sql, schema/100_prices.sql. Only `necc db deploy` can" in told
    assert _state(connection) == before


@embedded_only
def test_changed_seeds_need_none(connection: Connection, project: Project, run: Run) -> None:
    _succeeded(run())
    project.write("seeds/01_zones.sql", SEEDS.replace("Kolkata", "Howrah"))
    assert _succeeded(run()) == ["applied seeds/01_zones.sql", "1 files applied, 3 unchanged"]
    assert ("Howrah",) in _rows(connection, "select name from zones")


@embedded_only
def test_unchecked_it_upgrades_in_the_same_order(connection: Connection, project: Project, run: Run) -> None:
    _succeeded(run())
    (project.schema / "100_prices.sql").rename(project.schema / "110_prices.sql")
    project.write("schema/110_prices.sql", "create table if not exists prices (zone_id int, price numeric);")
    project.write("schema/upgrades/10_second.sql", "alter table prices alter price type numeric;")
    project.write(
        "schema/upgrades/9_first.sql",
        "delete from schema_versions where file = 'schema/100_prices.sql';"
        " alter table prices drop constraint prices_zone_id_fkey;",
    )
    done = run("--unchecked")
    assert _succeeded(done) == [
        "applied schema/upgrades/9_first.sql",
        "applied schema/upgrades/10_second.sql",
        "applied schema/110_prices.sql",
        "3 files applied, 3 unchanged",
    ]
    assert "WARNING:  the result is not compared with a fresh build of the files: `necc db verify`" in done.stderr
    assert project.is_deployed(connection)
    project.write("schema/upgrades/9_first.sql", "select 1 / 0;")
    done = run()
    assert _succeeded(done) == ["0 files applied, 6 unchanged"]
    assert "WARNING:  schema/upgrades/9_first.sql was changed after it ran here" in done.stderr


@embedded_only
def test_a_database_of_a_newer_version_is_refused(connection: Connection, project: Project, run: Run) -> None:
    project.write("schema/120_newer.sql", "create table newer (id int);")
    _succeeded(run())
    before = _state(connection)
    (project.schema / "120_newer.sql").unlink()
    project.write("schema/20_zones.sql", ZONES + "drop table newer;")
    assert "was deployed with schema/120_newer.sql, which is not among these files" in _failed(run("--unchecked"))
    assert _state(connection) == before


# --- who, where, and the password -------------------------------------------------------------------------


@pytest.fixture
def owner(connection: Connection) -> Iterator[str]:
    """The owner of the database, a role without any privilege of the cluster; its password is SECRET."""
    name, role = connection.info.dbname, f"owner_of_{connection.info.dbname}"
    connection.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(role), SECRET))
    connection.execute(f"alter database {name} owner to {role}".encode())
    yield role
    connection.execute(f"alter database {name} owner to current_user".encode())
    connection.execute(f"drop owned by {role}; drop role {role}".encode())


SPY = """#!/usr/bin/env bash
printf '%s\\n' "$@" >"$SPIED"
printf 'password %s\\n' "${PGPASSWORD+set}" >>"$SPIED"
exec "$REAL_PSQL" "$@"
"""


@pytest.mark.parametrize("server", ["postgresql15"], indirect=True)  # as on RDS
@pytest.mark.usefixtures("template")  # the roles of the schema are there
def test_an_ordinary_owner_deploys_with_the_password_hidden(
    server: Cluster, connection: Connection, owner: str, tmp_path: Path
) -> None:
    spy = tmp_path / "bin" / "psql"
    spy.parent.mkdir()
    spy.write_text(SPY)
    spy.chmod(0o755)
    info = connection.info
    spied, real = tmp_path / "spied", str(server.bin_dir / "psql")
    done = subprocess.run(
        ["bash", "-x", SCRIPT, info.host, owner, SECRET, info.dbname],
        env={"PATH": f"{spy.parent}:{os.environ['PATH']}", "SPIED": str(spied), "REAL_PSQL": real, "PGPORT": "5432"},
        capture_output=True,
        text=True,
    )
    assert _succeeded(done)[0] == "applied schema/00_extensions.sql"
    assert SECRET not in done.stdout + done.stderr
    assert "run-schema.sh: warning: a password among the arguments can be seen" in done.stderr
    assert spied.read_text().splitlines() == ["-X", "-q", "-w", "password set"]
    assert _rows(connection, "select distinct applied_by from schema_versions") == [(owner,)]
    assert migrate.is_deployed(connection)


@embedded_only
def test_a_wrong_password_is_an_error_that_does_not_show_it(
    connection: Connection, owner: str, run: Run, server: Cluster
) -> None:
    told = _failed(run(connection.info.host, owner, "wr0ng", connection.info.dbname))
    assert "password authentication failed" in told
    assert "wr0ng" not in told


@embedded_only
@pytest.mark.parametrize(
    ("arguments", "database", "message"),
    [
        (["localhost", "asha"], "eggs", "usage: run-schema.sh"),
        (["--nonsense"], "eggs", "usage: run-schema.sh"),
        (["h", "u", "p", "d", "more"], "eggs", "usage: run-schema.sh"),
        ([], "", "which database? Set PGDATABASE"),
        (["localhost", "asha", SECRET, ""], "", "which database?"),
        ([], f"postgresql://asha:{SECRET}@localhost/eggs", "by its name alone"),
    ],
)
def test_a_wrong_request_is_code_2(run: Run, arguments: list[str], database: str, message: str) -> None:
    told = _failed(run(*arguments, PGDATABASE=database), 2)
    assert message in told
    assert SECRET not in told


# --- folders ------------------------------------------------------------------------------------------------


@embedded_only
def test_unusable_folders_are_refused(connection: Connection, project: Project, run: Run) -> None:
    project.write("schema/020_other.sql", "select 1;")
    assert "schema/020_other.sql and schema/20_zones.sql have the same number: their order is" in _failed(run())
    (project.schema / "020_other.sql").rename(project.schema / "30_other's.sql")
    assert "schema/30_other's.sql: a quote or backslash in the name of a file" in _failed(run())
    (project.schema / "30_other's.sql").unlink()
    project.write("seeds/zones.sql", "select 1;")
    (project.seeds / "01_zones.sql").unlink()
    told = _failed(run())
    assert "warning: seeds/zones.sql has no number in front: it is not applied" in told
    assert "a project/seeds: wanted files such as seeds/00_name.sql" in told
    shutil.rmtree(project.seeds)
    assert "a project/seeds: wanted the numbered SQL files of seeds/" in _failed(run())
    assert _tables(connection) == []


@embedded_only
def test_a_folder_of_another_name_and_a_missing_psql_are_refused(project: Project, run: Run, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "readlink"):
        (tools / name).symlink_to(shutil.which(name) or name)
    assert "no psql: install the PostgreSQL client" in _failed(run(PATH=str(tools)))
    project.schema.rename(project.schema.with_name("sql"))
    project.schema = project.schema.with_name("sql")
    assert "wanted in a folder named schema" in _failed(run())


@embedded_only
def test_file_names_may_hold_blanks_and_signs(connection: Connection, project: Project, run: Run) -> None:
    project.write("schema/30_a $$ 100% `name` :x.sql", "create table odd (id int);")
    assert _succeeded(run())[-1] == "5 files applied, 0 unchanged"
    assert project.is_deployed(connection)
    assert project.deploy(connection).applied == ()
