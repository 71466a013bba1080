"""Counters and pairs x_type, x_id as the schema declares them: kept, checked and cleaned up by their triggers."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, person, refused, value, wait_for_a_lock
from tests.schema_soc_rows import meanwhile

TABLES = """
    create table nec_hens (id uuid primary key default gen_random_uuid(), name text,
        eggs_count int not null default 0 check (eggs_count >= 0), updated_at timestamptz default 'epoch');
    create table nec_eggs (id int primary key, hen_id uuid, nest text, is_broken boolean not null default false);
    create table nec_notes (id int primary key, about_type text, about_id uuid,
        is_deleted boolean not null default false, deleted_at timestamptz);
    call finish_table('nec_hens');
    call keep_count('nec_eggs', 'nec_hens', 'eggs_count', 'r.hen_id', 'not r.is_broken');
"""


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        connection.execute(TABLES)
        yield connection
        connection.rollback()


def hen(connection: Connection) -> UUID:
    found: UUID = value(connection, "insert into nec_hens (name) values ('Asha') returning id")
    return found


def eggs(connection: Connection, of: UUID) -> int:
    return int(value(connection, "select eggs_count from nec_hens where id = %s", of))


def test_a_counter_follows_inserts_moves_states_and_deletions(connection: Connection) -> None:
    one, other = hen(connection), hen(connection)
    connection.execute("insert into nec_eggs (id, hen_id) select n, %s from generate_series(1, 3) n", [one])
    assert (eggs(connection, one), eggs(connection, other)) == (3, 0)
    connection.execute("update nec_eggs set hen_id = %s where id = 1", [other])
    assert (eggs(connection, one), eggs(connection, other)) == (2, 1)
    connection.execute("update nec_eggs set is_broken = true where id in (1, 2)")
    assert (eggs(connection, one), eggs(connection, other)) == (1, 0)
    connection.execute("update nec_eggs set is_broken = false, hen_id = %s where id = 2", [other])
    assert (eggs(connection, one), eggs(connection, other)) == (1, 1)
    connection.execute("delete from nec_eggs")
    assert (eggs(connection, one), eggs(connection, other)) == (0, 0)


def test_a_row_without_parent_counts_for_nobody(connection: Connection) -> None:
    one = hen(connection)
    connection.execute("insert into nec_eggs (id, hen_id) values (1, null), (2, gen_random_uuid()), (3, %s)", [one])
    connection.execute("delete from nec_hens where id = %s", [one])
    connection.execute("update nec_eggs set is_broken = true")
    assert value(connection, "select count(*) from nec_eggs") == 3


def test_a_counter_that_has_drifted_below_its_rows_refuses(connection: Connection) -> None:
    one = hen(connection)
    connection.execute("insert into nec_eggs (id, hen_id) values (1, %s)", [one])
    connection.execute("update nec_hens set eggs_count = 0")
    refused(connection, errors.CheckViolation, "delete from nec_eggs")


def test_counting_leaves_updated_at_alone(connection: Connection) -> None:
    one = hen(connection)
    connection.execute("insert into nec_eggs (id, hen_id) values (1, %s)", [one])
    moved = "select updated_at <> 'epoch' from nec_hens where id = %s"
    assert value(connection, moved, one) is False
    connection.execute("update nec_hens set name = 'Usha'")
    assert value(connection, moved, one) is True


def test_the_trigger_waits_for_the_columns_it_reads_only(connection: Connection) -> None:
    columns = """select array_agg(attname::text order by attname) from pg_trigger t, unnest(tgattr::int2[]) n
        join pg_attribute on attnum = n and attrelid = 'nec_eggs'::regclass where tgrelid = 'nec_eggs'::regclass"""
    assert value(connection, columns) == ["hen_id", "is_broken"]


def note(connection: Connection, number: int, kind: str | None, about: UUID | None) -> None:
    connection.execute("insert into nec_notes (id, about_type, about_id) values (%s, %s, %s)", [number, kind, about])


def test_a_pair_refers_to_something_that_exists(connection: Connection) -> None:
    connection.execute("call attach_entity('nec_notes', 'about', 'delete', 'individual')")
    someone = person(connection)
    note(connection, 1, "individual", someone)
    note(connection, 2, "system", UUID(int=7))  # a kind without a table is for the CHECK to refuse
    note(connection, 3, None, None)
    insert = "insert into nec_notes (id, about_type, about_id) values (4, 'individual', gen_random_uuid())"
    refused(connection, errors.ForeignKeyViolation, insert)
    refused(connection, errors.ForeignKeyViolation, "update nec_notes set about_id = gen_random_uuid() where id = 1")


@pytest.mark.parametrize(
    ("when_gone", "left"),
    [
        ("delete", []),
        ("soft_delete", [("individual", True)]),
        ("forget", [(None, False)]),
        ("keep", [("individual", False)]),
    ],
)
def test_what_happens_to_the_row_when_the_other_is_deleted(
    connection: Connection, when_gone: str, left: list[tuple[str | None, bool]]
) -> None:
    connection.execute("call attach_entity('nec_notes', 'about', %s, 'individual')", [when_gone])
    someone = person(connection)
    note(connection, 1, "individual", someone)
    connection.execute("delete from profiles where id = %s", [someone])
    assert connection.execute("select about_type, is_deleted from nec_notes").fetchall() == left


def test_a_pair_may_forbid_the_deletion(connection: Connection) -> None:
    connection.execute("call attach_entity('nec_notes', 'about', 'restrict', 'individual')")
    someone, other = person(connection), person(connection)
    note(connection, 1, "individual", someone)
    connection.execute("delete from profiles where id = %s", [other])
    error = refused(connection, errors.ForeignKeyViolation, "delete from profiles where id = %s", someone)
    assert error.diag.table_name == "nec_notes"


REPORT = "insert into adm_moderation_queue (content_type, content_id, reason) values ('profile', %s, 'Spam')"
GO = "delete from auth.users where id = %s"


def test_who_goes_waits_for_whoever_refers_to_them_and_takes_that_along(deployed: str) -> None:
    with (
        psycopg.connect(deployed, autocommit=True) as watcher,
        psycopg.connect(deployed) as reporting,
        psycopg.connect(deployed) as going,
    ):
        someone = person(watcher)
        reporting.execute(REPORT, [someone])
        with meanwhile(lambda: going.execute(GO, [someone])):
            wait_for_a_lock(watcher, going)
            reporting.commit()
        going.commit()

        assert value(watcher, "select count(*) from adm_moderation_queue where content_id = %s", someone) == 0


def test_who_refers_to_somebody_going_waits_and_is_refused(deployed: str) -> None:
    with (
        psycopg.connect(deployed, autocommit=True) as watcher,
        psycopg.connect(deployed) as going,
        psycopg.connect(deployed) as reporting,
    ):
        someone = person(watcher)
        going.execute(GO, [someone])
        with pytest.raises(errors.ForeignKeyViolation), meanwhile(lambda: reporting.execute(REPORT, [someone])):
            wait_for_a_lock(watcher, reporting)
            going.commit()


def test_declarations_that_cannot_be_right_are_refused(connection: Connection) -> None:
    call = "call attach_entity('nec_notes', 'about', 'ignore', 'individual')"
    refused(connection, errors.InvalidParameterValue, call)
    long = f"call keep_count('nec_eggs', 'nec_hens', 'eggs_count', 'r.hen_id', 'true', 'id', '{'x' * 40}')"
    refused(connection, errors.NameTooLong, long)


def test_a_name_too_long_for_a_trigger_does_without_the_parent(connection: Connection) -> None:
    connection.execute(f"alter table nec_hens add {'e' * 40}_count int not null default 0")
    connection.execute(f"call keep_count('nec_eggs', 'nec_hens', '{'e' * 40}_count', 'r.hen_id')")
    made = value(connection, "select tgname::text from pg_trigger where tgname ~ 'eeee'")
    assert made == f"trg_nec_eggs_counts_{'e' * 40}"
