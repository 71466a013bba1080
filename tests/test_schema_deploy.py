"""The files as a deployment: again and again, by an ordinary owner, by two at once, with a changed view."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any, LiteralString, cast

import psycopg
import pytest
from psycopg import errors, sql

from necc import catalog
from necc.config import data_folder
from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import refresh, refused, series

Connection = psycopg.Connection[Any]
ROLES = ("app_ro", "app_rw", "app_scraper", "nec_analyst")
FILES = """
    00_extensions.sql 01_core_and_ref.sql 10_usr_core.sql 11_usr_roles.sql 12_usr_professional.sql 13_usr_skills.sql
    20_biz_core.sql 21_biz_details.sql 30_org_core.sql 31_org_membership.sql 32_org_structure.sql
    40_soc_posts.sql 41_soc_connections.sql 50_msg_core.sql 60_evt_core.sql 70_ntf_core.sql 80_res_core.sql
    90_anl_core.sql 100_nec_core.sql 110_adm_core.sql 120_job_core.sql 130_mkt_core.sql
    900_utilities.sql 999_functions.sql
    01_reference_data.sql
"""
SKIPPED = re.compile(r"already exists, skipping|pg_stat_statements is not preloaded by this server: skipped")


def files() -> list[Path]:
    numbered = sorted(data_folder("schema").glob("[0-9]*.sql"), key=lambda path: int(path.name.split("_")[0]))
    return numbered + sorted(data_folder("seeds").glob("*.sql"))


def run_file(connection: Connection, text: str) -> None:
    connection.execute(text)


def apply_all(connection: Connection) -> list[str]:
    """Run every file and give what the server said meanwhile."""
    said: list[str] = []

    def note(diagnostic: errors.Diagnostic) -> None:
        said.append(str(diagnostic.message_primary))

    connection.add_notice_handler(note)
    for path in files():
        run_file(connection, path.read_text(encoding="utf-8"))
    connection.remove_notice_handler(note)
    return said


def all_rows(connection: Connection) -> dict[str, list[str]]:
    """Every row of every table as text, the time of its last change included."""
    tables = connection.execute(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('public', 'auth')"
    ).fetchall()
    return {name: sorted(row[0] for row in connection.execute(f"select t::text from {name} t")) for (name,) in tables}


def test_the_files_are_those_of_the_list() -> None:
    """Both runners take what the folders hold, so a file that was left behind would be missed by nobody else."""
    assert [path.name for path in files()] == FILES.split()
    assert sorted(path.name for path in data_folder("schema").glob("*.sql")) == sorted(FILES.split()[:-1])


def test_a_second_and_a_third_pass_change_nothing(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        first = apply_all(connection)
        connection.commit()
        catalogue, rows = catalog.snapshot(connection), all_rows(connection)
        connection.commit()

        for _ in range(2):
            said = apply_all(connection)
            connection.commit()
            assert [line for line in said if not SKIPPED.search(line)] == []

        assert all(SKIPPED.search(line) for line in first)
        assert catalog.differences(catalog.snapshot(connection), catalogue) == []
        assert all_rows(connection) == rows


@contextmanager
def a_cluster_without_our_roles(server: Cluster, database: str, *, rights: LiteralString) -> Iterator[Connection]:
    """Acts, in a transaction that is rolled back, as an ordinary owner on a server that knows none of our roles."""
    with psycopg.connect(database) as connection:
        for role in ROLES:
            rename = sql.SQL("alter role {} rename to {}")
            connection.execute(rename.format(sql.Identifier(role), sql.Identifier(f"{role}_away")))
        connection.execute("create role plain_owner " + rights)
        connection.execute(
            sql.SQL("alter database {} owner to plain_owner").format(sql.Identifier(connection.info.dbname))
        )
        connection.execute("alter schema public owner to pg_database_owner")
        connection.execute("set local role plain_owner")
        yield connection
        connection.rollback()


@pytest.mark.usefixtures("template")  # the roles are there, whichever test comes first
def test_an_owner_who_may_make_roles_needs_no_superuser(server: Cluster, empty_database: str) -> None:
    with a_cluster_without_our_roles(server, empty_database, rights="createrole") as connection:
        said = apply_all(connection)

        assert [line for line in said if not SKIPPED.search(line)] == []
        roles = connection.execute("select rolname, rolcanlogin from pg_roles where rolname = any (%s)", [list(ROLES)])
        assert sorted(roles.fetchall()) == [(role, False) for role in ROLES]
        connection.execute("set local role nec_analyst")
        assert connection.execute("select count(*) from nec_zones").fetchone() == (37,)
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("delete from nec_zones")


@pytest.mark.usefixtures("template")
def test_an_owner_who_may_not_make_roles_is_warned_and_deploys(server: Cluster, empty_database: str) -> None:
    with a_cluster_without_our_roles(server, empty_database, rights="nocreaterole") as connection:
        said = apply_all(connection)

        warnings = [line for line in said if not SKIPPED.search(line)]
        assert [line.split()[1] for line in warnings] == list(ROLES)
        assert connection.execute("select count(*) from nec_zones").fetchone() == (37,)

        connection.execute("reset role")
        for role in ROLES:
            connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        connection.execute("set local role plain_owner")
        apply_all(connection)
        connection.execute("reset role")
        connection.execute("set local role app_ro")
        assert connection.execute("select count(*) from nec_zones").fetchone() == (37,)


def test_two_databases_may_make_the_roles_at_once(server: Cluster) -> None:
    text = (data_folder("schema") / "00_extensions.sql").read_text(encoding="utf-8")
    for role in ROLES:
        text = text.replace(role, f"race_{role}")
    barrier = Barrier(3)

    def deploy(url: str) -> None:
        with psycopg.connect(url) as connection:
            barrier.wait(timeout=60)
            run_file(connection, text)

    with ExitStack() as databases:
        temporary = contextmanager(cast(Callable[[Cluster, str], Iterator[str]], temporary_database))
        urls = [databases.enter_context(temporary(server, "template1")) for _ in range(3)]
        with ThreadPoolExecutor(len(urls)) as threads:
            list(threads.map(deploy, urls))
        with psycopg.connect(urls[0]) as connection:
            made = connection.execute("select count(*) from pg_roles where rolname like 'race\\_%'").fetchone()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for role in ROLES:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(f"race_{role}")))

    assert made == (4,)


def test_a_dump_restores_to_the_same_schema(
    server: Cluster, database: str, empty_database: str, tmp_path: Path
) -> None:
    with psycopg.connect(database) as connection:
        series(connection, "namakkal", "2024-02-01", [500, 505])
        refresh(connection)
    dump = tmp_path / "dump.sql"
    with dump.open("w", encoding="utf-8") as file:
        subprocess.run([server.bin_dir / "pg_dump", "--dbname", database], stdout=file, check=True)
    restore: list[str | Path] = [
        server.bin_dir / "psql",
        "-X",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-f",
        dump,
        empty_database,
    ]
    subprocess.run(restore, stdout=subprocess.DEVNULL, check=True)

    with psycopg.connect(database) as here, psycopg.connect(empty_database) as there:
        assert catalog.differences(catalog.snapshot(here), catalog.snapshot(there)) == []
        assert all_rows(here) == all_rows(there)


def views(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    query = "select relname::text, oid::int from pg_class where relkind = 'm' and relname = any (%s)"
    return dict(connection.execute(query, [list(names)]).fetchall())


def test_a_materialized_view_is_made_again_only_when_its_definition_changes(database: str) -> None:
    with psycopg.connect(database) as connection:
        call = "call ensure_materialized_view('nec_base', %s, 'Test.', 'nec_top')"
        connection.execute(call, ["select 1 as x"])
        connection.execute("call ensure_materialized_view('nec_top', 'select x from nec_base', 'Test.')")
        before = views(connection, ["nec_base", "nec_top"])

        connection.execute(call, ["select 1 as x"])
        assert views(connection, ["nec_base", "nec_top"]) == before

        connection.execute(call, ["select 2 as x"])
        after = views(connection, ["nec_base", "nec_top"])
        assert set(after) == {"nec_base"}
        assert after["nec_base"] != before["nec_base"]
        assert connection.execute("select x from nec_base").fetchone() == (2,)
        connection.rollback()


def test_a_changed_monthly_view_takes_the_yearly_one_along(database: str) -> None:
    text = (data_folder("schema") / "100_nec_core.sql").read_text(encoding="utf-8")
    names = ["nec_monthly_averages", "nec_yoy_comparison"]
    with psycopg.connect(database) as connection:
        before = views(connection, names)
        run_file(connection, text.replace(">= m.period_end - m.period_start + 1 - 3", ">= 28"))

        after = views(connection, names)
        assert set(after) == set(names)
        assert not set(after.values()) & set(before.values())
        granted = "select has_table_privilege('app_ro', 'nec_yoy_comparison', 'select')"
        assert connection.execute(granted).fetchone() == (True,)
        run_file(connection, text)
        connection.rollback()


def test_the_ledger_refuses_nonsense(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("insert into schema_versions (file, sha256) values ('schema/x.sql', repeat('0', 64))")
        for change in ("sha256 = 'x'", "duration_ms = -1", "file = ''", "applied_at = null"):
            refused(connection, errors.IntegrityError, "update schema_versions set " + change)
        connection.rollback()
