"""Deployments of small made-up schemas, and of the project's own, into empty databases."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from necc import catalog, migrate, sqlfiles
from necc.config import data_folder
from necc.errors import DatabaseError
from necc.migrate import DeployReport

Connection = psycopg.Connection[Any]

LEDGER = """-- the ledger
create table if not exists schema_versions (
    file text primary key, sha256 char(64) not null, applied_at timestamptz not null,
    duration_ms int not null, applied_by text not null
);
"""
ZONES = "create table if not exists zones (id int primary key, name text not null);\n"
PRICES = "create table if not exists prices (zone_id int references zones, price int);\n"
SEEDS = (
    "insert into zones (id, name) values (1, 'Kolkata'), (2, 'சென்னை')"
    " on conflict (id) do update set name = excluded.name;\n"
)
# Where the kind of server can make no difference.
embedded_only = pytest.mark.parametrize("server", ["embedded"], indirect=True)
ALL = ("schema/00_ledger.sql", "schema/20_zones.sql", "schema/100_prices.sql", "seeds/01_zones.sql")


class Project:
    """A folder of made-up schema and seed files: zones (20), then prices (100), which refer to them."""

    def __init__(self, folder: Path) -> None:
        self.schema = folder / "schema"
        self.seeds = folder / "seeds"
        self.write("schema/00_ledger.sql", LEDGER)
        self.write("schema/20_zones.sql", ZONES)
        self.write("schema/100_prices.sql", PRICES)
        self.write("seeds/01_zones.sql", SEEDS)

    def write(self, name: str, text: str) -> None:
        path = self.schema.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def deploy(self, connection: Connection) -> DeployReport:
        return migrate.deploy(connection, schema_dir=self.schema, seeds_dir=self.seeds)

    def is_deployed(self, connection: Connection) -> bool:
        return migrate.is_deployed(connection, schema_dir=self.schema, seeds_dir=self.seeds)

    def pending(self, connection: Connection) -> tuple[str, ...]:
        return migrate.pending(connection, schema_dir=self.schema, seeds_dir=self.seeds)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "a project")


@pytest.fixture
def connection(empty_database: str) -> Iterator[Connection]:
    with psycopg.connect(empty_database, autocommit=True) as opened:
        yield opened


def _rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def _state(connection: Connection) -> tuple[object, ...]:
    """All that a deployment may change in a made-up project: catalogue, ledger and rows."""
    ledger = "select * from schema_versions order by file"
    return (
        catalog.snapshot(connection),
        _rows(connection, ledger),
        _rows(connection, "select * from zones order by id"),
    )


def _tables(connection: Connection) -> list[str]:
    return [name for (name,) in _rows(connection, "select tablename from pg_tables where schemaname = 'public'")]


def _scratch_databases(connection: Connection) -> list[tuple[Any, ...]]:
    return _rows(connection, "select datname from pg_database where datname like 'necc_scratch%'")


# --- the order, and the second time ---------------------------------------------------------------------


def test_applies_all_files_in_numeric_order(connection: Connection, project: Project) -> None:
    report = project.deploy(connection)
    assert report.applied == ALL
    assert report.unchanged == ()
    assert report.duration_ms > 0
    assert _rows(connection, "select * from zones order by id") == [(1, "Kolkata"), (2, "சென்னை")]


@embedded_only
def test_the_ledger_tells_file_checksum_and_who(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    ledger = _rows(connection, "select file, sha256, applied_by from schema_versions order by applied_at")
    texts = (LEDGER, ZONES, PRICES, SEEDS)
    user = connection.info.user
    assert ledger == [(f, sha256(t.encode()).hexdigest(), user) for f, t in zip(ALL, texts, strict=True)]
    assert _rows(connection, "select count(*) from schema_versions where applied_at > now()") == [(0,)]


def test_a_second_deployment_changes_nothing(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    before = _state(connection)
    report = project.deploy(connection)
    assert (report.applied, report.unchanged) == ((), ALL)
    assert _state(connection) == before


def test_the_project_itself_deploys_twice(connection: Connection) -> None:
    first = migrate.deploy(connection)
    before = (catalog.digest(catalog.snapshot(connection)), _row_counts(connection))
    connection.execute("update schema_versions set sha256 = repeat('0', 64)")  # all files changed
    second = migrate.deploy(connection)
    assert first.applied == second.applied
    assert (catalog.digest(catalog.snapshot(connection)), _row_counts(connection)) == before
    assert migrate.deploy(connection).applied == ()
    assert set(first.applied) == {
        *(f"schema/{path.name}" for path in data_folder("schema").glob("[0-9]*.sql")),
        *(f"seeds/{path.name}" for path in data_folder("seeds").glob("[0-9]*.sql")),
    }


@embedded_only
def test_a_column_added_in_the_middle_of_the_projects_tables_arrives(connection: Connection, tmp_path: Path) -> None:
    """It stands last where the table existed, so nothing may be made in the order of the columns."""
    schema = Path(shutil.copytree(data_folder("schema"), tmp_path / "schema"))
    migrate.deploy(connection, schema_dir=schema)
    file = schema / "100_nec_core.sql"
    text = file.read_text(encoding="utf-8")
    for table in ("nec_zones", "nec_prices"):
        create, finish = f"create table if not exists {table} (\n", f"call finish_table('{table}'"
        assert (text.count(create), text.count(finish)) == (1, 1)
        text = text.replace(create, f"{create}    made_up text,\n")
        text = text.replace(finish, f"alter table {table} add column if not exists made_up text;\n{finish}")
    file.write_text(text, encoding="utf-8")
    assert migrate.deploy(connection, schema_dir=schema).applied == ("schema/100_nec_core.sql",)


def _row_counts(connection: Connection) -> dict[str, int]:
    places = _rows(
        connection,
        """
        select oid::regclass::text from pg_class where relkind in ('r', 'm')
        and relnamespace in (select oid from pg_namespace where nspname in ('public', 'auth'))
        """,
    )
    return {place: _rows(connection, f"select count(*) from {place}")[0][0] for (place,) in places}


@embedded_only
@pytest.mark.parametrize("autocommit", [True, False])
def test_any_idle_connection_will_do(empty_database: str, project: Project, *, autocommit: bool) -> None:
    with psycopg.connect(empty_database, autocommit=autocommit, row_factory=dict_row) as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.read_only = True
        assert project.deploy(connection).applied == ALL
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert project.is_deployed(connection)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with psycopg.connect(empty_database) as other:
        assert len(_rows(other, "select * from zones")) == 2


@embedded_only
def test_refuses_a_connection_in_a_transaction(connection: Connection, project: Project) -> None:
    with connection.transaction(), pytest.raises(DatabaseError, match="without a transaction.*INTRANS"):
        project.deploy(connection)
    connection.close()
    with pytest.raises(DatabaseError, match="open connection"):
        project.deploy(connection)


@embedded_only
def test_settings_of_session_and_files_do_not_matter(connection: Connection, project: Project) -> None:
    connection.execute("create schema elsewhere; set search_path to elsewhere; set client_encoding to 'LATIN1'")
    project.write(
        "schema/20_zones.sql", "set local search_path to elsewhere;\n" + ZONES.replace("zones", "public.zones")
    )
    project.deploy(connection)
    assert sorted(_tables(connection)) == ["prices", "schema_versions", "zones"]
    assert _rows(connection, "show client_encoding") == [("LATIN1",)]
    connection.execute("set client_encoding to 'UTF8'")
    assert _rows(connection, "select name from public.zones where id = 2") == [("சென்னை",)]


@embedded_only
def test_pending_and_is_deployed_follow_the_files(connection: Connection, project: Project) -> None:
    assert not project.is_deployed(connection)
    assert project.pending(connection) == ALL
    project.deploy(connection)
    assert project.is_deployed(connection)
    assert project.pending(connection) == ()
    project.write("seeds/01_zones.sql", SEEDS.replace("Kolkata", "Howrah"))
    assert not project.is_deployed(connection)
    assert project.pending(connection) == ("seeds/01_zones.sql",)


def test_two_deployments_at_once_apply_once(empty_database: str, project: Project) -> None:
    project.write("schema/20_zones.sql", ZONES + "select pg_sleep(0.2);\n")
    reports: list[DeployReport] = []

    def run() -> None:
        with psycopg.connect(empty_database) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            reports.append(project.deploy(connection))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(report.applied) for report in reports) == [0, 0, 0, 4]


# --- a file that fails ----------------------------------------------------------------------------------

BROKEN = {
    "syntax": ("-- Namakkal: நாமக்கல்\nselect 1;\n\ncreate table broken (\n    id int,,\n);\n", 5, "syntax error"),
    "unknown column": ("select 'சென்னை';\nselect 1;\nselect id,\n    nam from zones;\n", 4, 'column "nam"'),
    "duplicate": (
        "create table b (id int); -- one; two\n/* ; */ select ';', $x$ ; $x$, E'\\';';\n\ncreate table b (id int);",
        4,
        'relation "b" already exists',
    ),
    "not null": ("select 1;\n\n-- a comment\ninsert into zones\nvalues (9, null);\n", 4, "null value in column"),
    "raised": (
        "create table b (id int);\ndo $$\nbegin\n  raise exception 'no zone' using hint = 'add it';\nend $$;",
        2,
        "no zone (add it; PL/pgSQL function inline_code_block line 3 at RAISE)",
    ),
    "function body": (
        "create function f() returns int language sql as\n$$\n    select nam from zones\n$$;",
        3,
        'column "nam" does not exist',
    ),
    "only line": ("selec 1", 1, "syntax error"),
}


@pytest.mark.parametrize(("text", "line", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_named_with_its_line(
    connection: Connection, project: Project, text: str, line: int, message: str
) -> None:
    project.write("schema/100_prices.sql", text)
    with pytest.raises(DatabaseError) as caught:
        project.deploy(connection)
    told = str(caught.value)
    assert told.startswith(f"schema/100_prices.sql line {line}: {message}"), told
    assert told.endswith("; nothing was changed")
    assert "\n" not in told
    assert _tables(connection) == []


def test_a_broken_file_leaves_a_deployed_database_as_it_was(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    before = _state(connection)
    project.write("schema/20_zones.sql", ZONES + "alter table zones add column if not exists state text;\n")
    project.write("seeds/01_zones.sql", "delete from zones;\nselect 1 / 0;\n")
    with pytest.raises(DatabaseError, match=r"^seeds/01_zones.sql line 2: division by zero; nothing"):
        project.deploy(connection)
    assert _state(connection) == before
    assert _scratch_databases(connection) == []
    assert connection.info.transaction_status.name == "IDLE"


@embedded_only
@pytest.mark.parametrize("word", ["commit", "ROLLBACK", "Begin"])
def test_a_file_may_not_end_the_transaction(connection: Connection, project: Project, word: str) -> None:
    project.write("schema/100_prices.sql", f"{PRICES}\n -- all done\n {word};\n")
    with pytest.raises(DatabaseError, match=rf"^schema/100_prices.sql line 4: `{word.lower()}` in a file"):
        project.deploy(connection)
    assert _tables(connection) == []


@embedded_only
def test_a_failing_commit_is_an_error_too(connection: Connection, project: Project) -> None:
    deferred = "create table if not exists prices (zone_id int references zones initially deferred);"
    project.write("schema/100_prices.sql", deferred + "insert into prices values (77);")
    with pytest.raises(DatabaseError, match=r"not deployed: insert or update on table .prices."):
        project.deploy(connection)
    assert _tables(connection) == []


@embedded_only
def test_a_missing_ledger_is_an_error(connection: Connection, project: Project) -> None:
    project.write("schema/00_ledger.sql", "select 1;")
    with pytest.raises(DatabaseError, match='not deployed: relation "public.schema_versions" does not exist'):
        project.deploy(connection)


@embedded_only
def test_an_ended_session_blames_no_line(connection: Connection, project: Project) -> None:
    project.write("schema/100_prices.sql", "select 1;\nselect pg_terminate_backend(pg_backend_pid());\n")
    with pytest.raises(DatabaseError, match=r"^schema/100_prices.sql: terminating connection"):
        project.deploy(connection)


KILLED = """
import sys, pathlib, psycopg
from necc import migrate
url, schema, seeds = sys.argv[1:]
with psycopg.connect(url, application_name="to be killed") as connection:
    migrate.deploy(connection, schema_dir=pathlib.Path(schema), seeds_dir=pathlib.Path(seeds))
"""


@embedded_only
def test_killed_halfway_leaves_nothing(connection: Connection, project: Project, empty_database: str) -> None:
    project.write("schema/100_prices.sql", PRICES + "select pg_sleep(1);\n")
    arguments = [empty_database, str(project.schema), str(project.seeds)]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments])
    asleep = "select from pg_stat_activity where application_name = 'to be killed' and wait_event = 'PgSleep'"
    _wait(lambda: bool(_rows(connection, asleep)))
    process.kill()
    process.wait()
    _wait(lambda: not _rows(connection, "select from pg_stat_activity where application_name = 'to be killed'"))
    assert _tables(connection) == []
    assert project.deploy(connection).applied == ALL


def _wait(ready: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


# --- changed files --------------------------------------------------------------------------------------


def test_a_changed_file_is_applied_again(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    added = "create table if not exists zones (id int primary key, state text default 'x', name text not null);\n"
    project.write("schema/20_zones.sql", added + "alter table zones add column if not exists state text default 'x';")
    report = project.deploy(connection)
    assert report.applied == ("schema/20_zones.sql",)
    assert report.unchanged == ("schema/00_ledger.sql", "schema/100_prices.sql", "seeds/01_zones.sql")
    assert _rows(connection, "select state from zones") == [("x",), ("x",)]
    assert _scratch_databases(connection) == []
    assert project.deploy(connection).applied == ()


@embedded_only
def test_a_new_file_in_between_is_applied(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    project.write("schema/30_states.sql", "create table if not exists states (id int);")
    assert project.deploy(connection).applied == ("schema/30_states.sql",)


@embedded_only
def test_changed_seeds_need_no_comparison(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    connection.execute("create table made_by_hand (id int)")
    project.write("seeds/01_zones.sql", SEEDS.replace("Kolkata", "Howrah"))
    assert project.deploy(connection).applied == ("seeds/01_zones.sql",)
    assert ("Howrah",) in _rows(connection, "select name from zones")


def test_what_applying_again_cannot_change_is_refused(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    before = _state(connection)
    project.write("schema/100_prices.sql", "create table if not exists prices (price numeric(8,2) not null);")
    with pytest.raises(DatabaseError, match=r"nothing was changed.*schema/upgrades/") as caught:
        project.deploy(connection)
    assert [line.strip() for line in str(caught.value).splitlines()[1:]] == [
        "column prices.price: integer here, numeric(8,2) not null in the files",
        "column prices.zone_id: integer here, not in the files",
        "constraint prices_zone_id_fkey on prices: FOREIGN KEY (zone_id) REFERENCES public.zones(id) here,"
        " not in the files",
    ]
    assert _state(connection) == before
    assert _scratch_databases(connection) == []


UPGRADE = """
alter table if exists prices alter price type numeric(8,2), alter price set not null;
alter table if exists prices drop column if exists zone_id;
"""


def test_an_upgrade_file_settles_it_once(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    project.write("schema/100_prices.sql", "create table if not exists prices (price numeric(8,2) not null);")
    project.write("schema/upgrades/001_prices.sql", UPGRADE)
    assert project.pending(connection) == ("schema/upgrades/001_prices.sql", "schema/100_prices.sql")
    assert project.deploy(connection).applied == ("schema/upgrades/001_prices.sql", "schema/100_prices.sql")
    assert project.is_deployed(connection)
    report = project.deploy(connection)
    assert report.applied == ()
    assert "schema/upgrades/001_prices.sql" in report.unchanged


@embedded_only
def test_upgrades_run_in_numeric_order(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    project.write("schema/upgrades/10_second.sql", "insert into log values ('second'); drop table log;")
    project.write("schema/upgrades/9_first.sql", "create table log (word text);")
    assert project.deploy(connection).applied == ("schema/upgrades/9_first.sql", "schema/upgrades/10_second.sql")


@embedded_only
def test_a_fresh_database_notes_upgrades_without_running_them(connection: Connection, project: Project) -> None:
    project.write("schema/upgrades/001_never.sql", "select 1 / 0;")
    assert project.pending(connection) == ALL
    report = project.deploy(connection)
    assert (report.applied, report.unchanged) == (ALL, ("schema/upgrades/001_never.sql",))
    assert project.is_deployed(connection)
    assert project.deploy(connection).applied == ()


@embedded_only
def test_an_edited_upgrade_is_not_run_again(
    connection: Connection, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.write("schema/upgrades/001_never.sql", "select 1;")
    project.deploy(connection)
    project.write("schema/upgrades/001_never.sql", "select 1 / 0;")
    assert project.deploy(connection).applied == ()
    assert "schema/upgrades/001_never.sql was changed after it ran here" in caplog.text


@embedded_only
def test_an_upgrade_that_leads_elsewhere_is_refused(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    before = _state(connection)
    project.write("schema/upgrades/001_odd.sql", "alter table prices add odd int;")
    with pytest.raises(DatabaseError, match="column prices.odd: integer here, not in the files"):
        project.deploy(connection)
    assert _state(connection) == before


def test_a_new_role_in_a_changed_file_does_not_block(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    role = f"made_up_{connection.info.dbname}"
    project.write("schema/20_zones.sql", f"{ZONES} create role {role}; grant select on zones to {role};")
    try:
        connection.execute("set statement_timeout = '10s'")  # a wait for the scratch build would end here
        assert project.deploy(connection).applied == ("schema/20_zones.sql",)
    finally:
        connection.execute(f"drop owned by {role}; drop role {role}".encode())


# --- older, newer and foreign databases -----------------------------------------------------------------


@embedded_only
def test_a_database_of_a_newer_version_is_refused(connection: Connection, project: Project) -> None:
    project.write("schema/120_newer.sql", "create table newer (id int);")
    project.deploy(connection)
    before = _state(connection)
    (project.schema / "120_newer.sql").unlink()
    project.write("schema/20_zones.sql", ZONES + "drop table newer;")
    assert not project.is_deployed(connection)
    with pytest.raises(DatabaseError, match=r"schema/120_newer.sql, which this version of necc does not have"):
        project.deploy(connection)
    assert _state(connection) == before


@embedded_only
def test_an_upgrade_may_rename_a_file(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    (project.schema / "100_prices.sql").rename(project.schema / "110_prices.sql")
    rename = "update schema_versions set file = 'schema/110_prices.sql' where file = 'schema/100_prices.sql';"
    project.write("schema/upgrades/001_rename.sql", rename)
    assert project.deploy(connection).applied == ("schema/upgrades/001_rename.sql",)
    assert project.is_deployed(connection)


def test_an_old_server_is_refused() -> None:
    with pytest.raises(DatabaseError, match=r"PostgreSQL 15 or newer; this server is 14\.11"):
        migrate._refuse_old(140011)
    migrate._refuse_old(150000)


@embedded_only
def test_leftovers_of_killed_deployments_are_dropped(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    alive = f"necc_scratch_{connection.info.backend_pid}_alive"
    connection.execute("create database necc_scratch_999999999_dead")
    connection.execute(f"create database {alive}".encode())
    try:
        project.write("schema/20_zones.sql", ZONES + "select 1;")
        project.deploy(connection)
        assert _scratch_databases(connection) == [(alive,)]
    finally:
        connection.execute(f"drop database {alive}".encode())


@pytest.fixture
def plain_owner(connection: Connection, empty_database: str) -> Iterator[str]:
    """The URL of the database as its owner, a role without any privilege of the cluster."""
    name = connection.info.dbname
    connection.execute(f"create role owner_of_{name} login password 'secret'".encode())
    connection.execute(f"alter database {name} owner to owner_of_{name}".encode())
    yield make_conninfo(empty_database, user=f"owner_of_{name}", password="secret")
    connection.execute(f"alter database {name} owner to current_user".encode())
    connection.execute(f"drop owned by owner_of_{name}; drop role owner_of_{name}".encode())


@embedded_only
def test_without_the_right_to_create_databases_a_warning_stands_for_the_comparison(
    plain_owner: str, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(plain_owner) as connection:
        project.deploy(connection)
        project.write("schema/20_zones.sql", ZONES + "alter table zones add column if not exists state text;")
        assert project.deploy(connection).applied == ("schema/20_zones.sql",)
    assert "not compared with a fresh build of the files: permission denied to create database" in caplog.text


def test_with_that_right_an_ordinary_owner_compares(connection: Connection, plain_owner: str, project: Project) -> None:
    connection.execute(f"alter role owner_of_{connection.info.dbname} createdb".encode())
    with psycopg.connect(plain_owner) as owned:
        project.deploy(owned)
        project.write("schema/100_prices.sql", "create table if not exists prices (zone_id text, price int);")
        with pytest.raises(DatabaseError, match="column prices.zone_id: integer here, text in the files"):
            project.deploy(owned)


@embedded_only
def test_one_may_not_read_the_ledger(connection: Connection, plain_owner: str, project: Project) -> None:
    project.deploy(connection)
    with psycopg.connect(plain_owner) as owned, pytest.raises(DatabaseError, match="permission denied for table"):
        project.is_deployed(owned)


# --- folders --------------------------------------------------------------------------------------------


@embedded_only
def test_a_missing_folder_is_an_error(connection: Connection, project: Project, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"no folder .*/nowhere: wanted the numbered SQL files of seeds/"):
        migrate.deploy(connection, schema_dir=project.schema, seeds_dir=tmp_path / "nowhere")
    assert _tables(connection) == []


def test_a_folder_without_numbered_files_is_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "zones.sql").write_text("select 1;")
    (tmp_path / "INDEX.md").write_text("no SQL")
    with pytest.raises(DatabaseError, match=r"no numbered SQL file in .*: wanted files such as schema/00_name\.sql"):
        sqlfiles.read_folder(tmp_path, "schema")
    assert caplog.messages == ["schema/zones.sql has no number in front: it is not applied"]


def test_two_files_with_one_number_are_an_error(project: Project) -> None:
    project.write("schema/020_other.sql", "select 1;")
    with pytest.raises(DatabaseError, match=r"schema/020_other.sql and schema/20_zones.sql have the same number"):
        sqlfiles.read_folder(project.schema, "schema")


def test_a_file_that_is_not_utf8_is_named(project: Project) -> None:
    (project.schema / "30_latin.sql").write_bytes(b"select 1;\nselect '\xe9';\n")
    with pytest.raises(DatabaseError, match=r"^schema/30_latin.sql line 2: not UTF-8 text"):
        sqlfiles.read_folder(project.schema, "schema")


def test_statements_begin_at_their_first_word() -> None:
    text = "-- a; b\nselect 1;\n\n/* c;\n */ select ';', \"d;\", $$ e; $$, $f$ $$; $f$\n;;\n-- end\n"
    assert list(sqlfiles.statements(text)) == [
        (2, "select 1;"),
        (5, "select ';', \"d;\", $$ e; $$, $f$ $$; $f$\n;"),
    ]


@embedded_only
def test_notices_go_to_the_log_by_weight(
    connection: Connection, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    says = "drop table if exists nothing; do $$ begin raise notice 'by the way'; raise warning 'look here'; end $$;"
    project.write("schema/20_zones.sql", ZONES + ZONES + says)
    with caplog.at_level(logging.DEBUG, logger="necc.migrate"):
        project.deploy(connection)
    levels = {record.getMessage(): record.levelname for record in caplog.records}
    assert levels['relation "zones" already exists, skipping'] == "DEBUG"
    assert levels['table "nothing" does not exist, skipping'] == "DEBUG"
    assert (levels["by the way"], levels["look here"]) == ("INFO", "WARNING")
