"""`necc db verify` and `necc db diff`: what a database is, against what it ought to be, a line per difference."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from necc import migrate
from necc.embedded import Cluster
from necc.errors import DatabaseError
from tests.command import Run, command_on
from tests.conftest import temporary_database
from tests.test_migrate import ZONES, Project, _rows, _scratch_databases, embedded_only

Connection = psycopg.Connection[Any]


@pytest.fixture
def project(tmp_path: Any) -> Project:
    return Project(tmp_path / "a project")


@pytest.fixture
def connection(empty_database: str) -> Iterator[Connection]:
    with psycopg.connect(empty_database, autocommit=True) as opened:
        yield opened


def verify(project: Project, connection: Connection) -> list[str]:
    return migrate.verify(connection, schema_dir=project.schema, seeds_dir=project.seeds)


@pytest.fixture
def necc(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command on a fresh deployed database; gives code, stdout, stderr."""
    return command_on(database, tmp_path, monkeypatch, capsys)


# --- against the files ----------------------------------------------------------------------------------


def test_a_deployed_database_is_what_the_files_say(connection: Connection, project: Project) -> None:
    project.write("schema/upgrades/001_never.sql", "select 1 / 0;")
    project.deploy(connection)
    project.write("schema/upgrades/001_never.sql", "-- it ran as it then was")
    assert verify(project, connection) == []
    assert _scratch_databases(connection) == []


def test_each_difference_is_a_line(connection: Connection, project: Project) -> None:
    project.write("schema/30_old.sql", "select 1;")
    project.deploy(connection)
    connection.execute("""
        alter table prices alter price type numeric(8, 2);
        alter table prices drop constraint prices_zone_id_fkey;
        create index idx_by_hand on zones (name);
        comment on table zones is 'By hand.';
    """)
    (project.schema / "30_old.sql").unlink()
    project.write("schema/20_zones.sql", ZONES + "create or replace view v as select 1 as x;")
    project.write("seeds/02_new.sql", "select 1;")
    found = verify(project, connection)
    assert [line.split(" of ")[0] if line.startswith("grant") else line for line in found[:-1]] == [
        "file schema/20_zones.sql: applied here with other content",
        "file seeds/02_new.sql: never applied here",
        "file schema/30_old.sql: applied here, not among the files",
        "column prices.price: numeric(8,2) here, integer in the files",
        "column v.x: missing here, integer in the files",
        "comment on table zones: By hand. here, not in the files",
        "constraint prices_zone_id_fkey on prices: missing here,"
        " FOREIGN KEY (zone_id) REFERENCES public.zones(id) in the files",
        found[7],
        "index idx_by_hand: CREATE INDEX idx_by_hand ON public.zones USING btree (name) here, not in the files",
    ]
    assert found[7].startswith("grant on view v to the owner: missing here, DELETE, INSERT, ")
    assert found[-1].startswith("view v: missing here, permanent, definition ")


@embedded_only
def test_an_empty_database_lacks_everything(connection: Connection, project: Project) -> None:
    found = verify(project, connection)
    assert "file schema/00_ledger.sql: never applied here" in found
    assert "column zones.name: missing here, text not null in the files" in found
    assert _tables(connection) == []


def _tables(connection: Connection) -> list[tuple[Any, ...]]:
    return _rows(connection, "select tablename from pg_tables where schemaname = 'public'")


@embedded_only
def test_where_no_database_may_be_created_it_says_so(
    connection: Connection, empty_database: str, project: Project
) -> None:
    project.deploy(connection)
    role = f"reader_of_{connection.info.dbname}"
    connection.execute(f"create role {role} login password 'x'; grant select on schema_versions to {role}".encode())
    try:
        with (
            psycopg.connect(make_conninfo(empty_database, user=role, password="x"), autocommit=True) as reader,
            pytest.raises(DatabaseError, match="not compared with the files: permission denied to create database"),
        ):
            verify(project, reader)
    finally:
        connection.execute(f"drop owned by {role}; drop role {role}".encode())


@embedded_only
def test_files_that_cannot_be_built_are_an_error(connection: Connection, project: Project) -> None:
    project.deploy(connection)
    project.write("schema/20_zones.sql", "select 1 / 0;")
    with pytest.raises(DatabaseError, match=r"^schema/20_zones.sql line 1: division by zero"):
        verify(project, connection)
    assert _scratch_databases(connection) == []


# --- on the command line --------------------------------------------------------------------------------


def test_verify_prints_and_exits_1_where_something_differs(necc: Run, database: str) -> None:
    assert necc("db", "verify") == (0, "the database is what the files say\n", "")
    with psycopg.connect(database) as connection:
        connection.execute("alter table nec_zones drop column sort_order cascade")
        connection.execute("alter table nec_prices disable trigger trg_nec_prices_updated")
    code, out, _ = necc("db", "verify")
    assert code == 1
    lines = out.splitlines()
    assert "column nec_zones.sort_order: missing here, integer not null default 0 in the files" in lines
    assert any(line.startswith("trigger trg_nec_prices_updated on nec_prices: ") for line in lines)
    code, out, _ = necc("db", "verify", "--json")
    assert code == 1
    assert json.loads(out) == {"is_same": False, "differences": lines}


@embedded_only
def test_diff_names_the_sides(necc: Run, server: Cluster, database: str, template: str) -> None:
    for other in temporary_database(server, template):
        assert necc("db", "diff", database, other) == (0, "both have the same schema\n", "")
        with psycopg.connect(other) as connection:
            connection.execute("create table nec_more (id int); alter table nec_zones alter district set default 'x'")
            connection.execute("drop index idx_nec_zone_aliases_zone")
        code, out, _ = necc("db", "diff", database, other)
        assert code == 1
        assert "column nec_more.id: missing in A, integer in B" in out.splitlines()
        assert "column nec_zones.district: text in A, text default 'x'::text in B" in out.splitlines()
        assert "(zone_id) in A, not in B" in out
        code, out, _ = necc("db", "diff", other, database, "--json")
        assert "column nec_more.id: integer in A, not in B" in json.loads(out)["differences"]


@embedded_only
def test_diff_of_two_versions_says_that_it_is_one(necc: Run, database: str, clusters: Callable[[str], Cluster]) -> None:
    code, _, err = necc("db", "diff", database, clusters("postgresql15").url("postgres"))
    assert (code, err) == (
        1,
        "necc: A is PostgreSQL 18, B is 15: they word some definitions differently\n",
    )


@embedded_only
def test_diff_never_shows_a_password(necc: Run, database: str) -> None:
    code, out, err = necc("db", "diff", database, "postgresql://asha:s3cret@127.0.0.1:1/eggs")
    assert (code, out) == (1, "")
    assert "cannot connect to postgresql://asha:***@127.0.0.1:1/eggs" in err


@embedded_only
def test_diff_says_which_url_is_wrong(necc: Run, database: str) -> None:
    for urls, name in ((("mysql://x", database), "URL_A"), ((database, "host=x"), "URL_B")):
        code, _, err = necc("db", "diff", *urls)
        assert (code, err.startswith(f"necc: {name}: wanted postgresql://")) == (2, True), err


@embedded_only
def test_index_prints_the_map(necc: Run) -> None:
    code, out, _ = necc("db", "index")
    assert code == 0
    assert out.startswith("# The schema\n")
    assert "| `nec_zones` | " in out
