from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from necc import catalog
from necc.embedded import Cluster
from tests.conftest import create_database

Connection = psycopg.Connection[Any]

SHOP = """
create table shops (id int constraint pk_shops primary key, name text not null default 'x')
"""


@pytest.fixture(scope="module")
def connection(server: Cluster) -> Iterator[Connection]:
    """To one empty database for the whole file: every test undoes what it does."""
    create_database(server, "catalog_tests")
    with psycopg.connect(server.url("catalog_tests"), autocommit=True) as opened:
        yield opened
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute("drop database catalog_tests")


def _lines(connection: Connection, statements: str) -> tuple[str, ...]:
    """The snapshot after some statements, which are undone again."""
    with connection.transaction(force_rollback=True):
        connection.execute(statements.encode())
        return catalog.snapshot(connection)


def _changes(connection: Connection, here: str, files: str) -> list[str]:
    return catalog.differences(_lines(connection, here), _lines(connection, files))


def test_describes_a_table_in_sorted_lines(connection: Connection) -> None:
    lines = _lines(connection, SHOP)
    assert list(lines) == sorted(lines)
    assert set(lines) >= {
        "table public.shops: permanent",
        "column public.shops.id: integer not null",
        "column public.shops.name: text not null default 'x'::text",
        "constraint pk_shops on public.shops: PRIMARY KEY (id)",
        "index public.pk_shops: CREATE UNIQUE INDEX pk_shops ON public.shops USING btree (id)",
    }


def test_equal_schemas_have_equal_digests(connection: Connection) -> None:
    first, second = _lines(connection, SHOP), _lines(connection, SHOP)  # the second with other OIDs
    assert catalog.digest(first) == catalog.digest(second)
    assert catalog.digest(first) != catalog.digest(_lines(connection, ""))
    assert catalog.differences(first, second) == []


def test_a_column_added_later_counts_as_created(connection: Connection) -> None:
    whole = "create table t (id int, added text not null default 'a', name text)"
    grown = "create table t (id int, name text); alter table t add column added text not null default 'a'"
    shrunk = "create table t (id int, gone date, added text not null default 'a', name text);" + (
        "alter table t drop column gone"
    )
    assert _changes(connection, grown, whole) == []
    assert _changes(connection, shrunk, whole) == []


def test_the_owner_and_the_session_make_no_difference(connection: Connection) -> None:
    schema = """
    create schema auth;
    create table auth.t (id int, at timestamptz default '2025-01-01 00:00+00', gap interval default '1 day 2:00');
    create view public.v as select id from auth.t;
    create function public.f() returns int language sql as 'select 1';
    alter default privileges in schema public grant select on tables to public;
    alter default privileges revoke execute on functions from public;
    """
    plain = _lines(connection, schema)
    session = """
    create role "Catalog's owner" superuser;
    set local role "Catalog's owner";
    set local timezone to 'Asia/Kolkata';
    set local datestyle to 'German';
    set local intervalstyle to 'iso_8601';
    set local quote_all_identifiers to on;
    set local search_path to auth;
    """
    with connection.transaction(force_rollback=True):
        connection.execute(session)
        assert catalog.differences(_lines(connection, schema), plain) == []
        assert connection.execute("show timezone").fetchone() == ("Asia/Kolkata",)


def test_what_an_extension_owns_is_left_out(connection: Connection) -> None:
    assert _changes(connection, "create extension citext", "") == []


def test_an_extension_that_the_files_stand_on_is_missed(connection: Connection) -> None:
    assert _changes(connection, "", "create extension unaccent") == [
        "extension unaccent: missing here, in public in the files"
    ]


def test_whoever_asks_sees_the_privileges_that_the_deploying_role_gives(connection: Connection) -> None:
    schema = """
    create table public.schema_versions (file text);
    alter default privileges in schema public grant select on tables to public;
    """
    owned = "create role deployer; grant create on schema public to deployer; set local role deployer;" + schema
    assert _changes(connection, owned + "reset role; revoke create on schema public from deployer", schema) == []


def test_partitions_come_and_go(connection: Connection) -> None:
    parent = "create table logs (day date not null) partition by range (day);"
    month = "create table logs_2025 partition of logs for values from ('2025-01-01') to ('2026-01-01')"
    assert _changes(connection, parent + month, parent) == []
    assert _changes(connection, parent, "") != []


def test_a_filled_view_is_the_same_view(connection: Connection) -> None:
    view = "create materialized view totals as select 1 as one with no data;"
    assert _changes(connection, view + "refresh materialized view totals", view) == []


BASE = """
create schema auth;
create table shops (id int constraint pk_shops primary key, n int, name text);
create view names as select id, name from shops;
create materialized view totals as select count(*) as total from shops;
create sequence tickets;
create domain code as text constraint ck_code check (value <> '');
create type size as enum ('small', 'large');
create function f(a int default 1) returns int language sql stable as 'select a';
create function noted() returns trigger language plpgsql as 'begin return new; end';
create trigger trg before insert on shops for each row execute function noted();
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("alter table shops alter n type bigint", "column shops.n: bigint here, integer in the files"),
        ("alter table shops drop name cascade", "column shops.name: missing here, text in the files"),
        ("alter table shops add more date", "column shops.more: date here, not in the files"),
        ("alter table shops alter n set not null", "column shops.n: integer not null here"),
        ("alter table shops alter n set default 7", "column shops.n: integer default 7 here"),
        (
            "alter table shops alter id add generated always as identity",
            "column shops.id: integer not null generated always as identity here",
        ),
        (
            "alter table shops add twice int generated always as (n * 2) stored",
            "column shops.twice: integer generated (s) as (n * 2) here, not in the files",
        ),
        ("alter table shops add constraint ck check (n > 0)", "constraint ck on shops: CHECK ((n > 0)) here"),
        (
            "alter table shops add constraint ck check (n > 0) not valid",
            "constraint ck on shops: CHECK ((n > 0)) NOT VALID",
        ),
        ("alter domain code drop constraint ck_code", "constraint ck_code on code: missing here"),
        ("create index idx on shops (n) where n > 1", "index idx: CREATE INDEX idx ON public.shops"),
        ("alter table shops disable trigger trg", "trigger trg on shops: CREATE TRIGGER trg"),
        ("drop trigger trg on shops", "trigger trg on shops: missing here"),
        (
            "create or replace function f(a int default 1) returns int language sql stable as 'select a + 0'",
            "function f(integer): (a integer DEFAULT 1), returns integer, sql, stable",
        ),
        (
            "alter function f volatile",
            "function f(integer): (a integer DEFAULT 1), returns integer, sql, vol",
        ),
        ("alter function f security definer", "function f(integer): (a integer DEFAULT 1), returns integer"),
        ("alter function f set search_path = public", "function f(integer): (a integer DEFAULT 1)"),
        ("create function f(a text) returns int language sql as 'select 2'", "function f(pg_catalog.text): "),
        ("create or replace view names as select id, upper(name) as name from shops", "view names: "),
        (
            "drop materialized view totals; create materialized view totals as select 1::bigint as total",
            "materialized view totals: ",
        ),
        ("alter sequence tickets increment 2", "sequence tickets: permanent, bigint start 1 step 2"),
        ("alter type size add value 'huge'", "type size: enum 'small', 'large', 'huge' here"),
        ("alter domain code set not null", "type code: domain over text not null here"),
        (
            "comment on column shops.n is E'how\nmany'",
            r"comment on table column shops.n: how\nmany here, not",
        ),
        ("comment on function f is 'one'", "comment on function f(integer): one here, not in the files"),
        ("comment on schema auth is 'people'", "comment on schema auth: people here, not in the files"),
        ("grant select on shops to public", "grant on table shops to public: SELECT here, not in the files"),
        ("grant update (n) on shops to public", "grant on table column shops.n to public: UPDATE here"),
        ("revoke execute on function f from public", "grant on function f(integer) to public: missing here"),
        (
            "grant usage on schema auth to public",
            "grant on schema auth to public: USAGE here, not in the files",
        ),
        (
            "alter default privileges in schema public grant select on tables to public",
            "default privileges in public on tables to public: SELECT here, not in the files",
        ),
        ("alter table shops enable row level security", "table shops: permanent, row security here"),
        (
            "create policy own on shops using (n = 1)",
            "policy own on shops: permissive * to public using (n = 1)",
        ),
        ("create rule keep as on delete to shops do instead nothing", "rule keep on shops: CREATE RULE keep"),
        ("create statistics st on id, n from shops", "statistics st: CREATE STATISTICS public.st"),
        (
            "create text search configuration plain (copy = simple)",
            "text search configuration plain: 1 simple",
        ),
        ("create table auth.users (id int)", "table auth.users: permanent here, not in the files"),
        ("drop schema auth", "schema auth: missing here, present in the files"),
    ],
)
def test_every_change_is_told(connection: Connection, change: str, told: str) -> None:
    found = _changes(connection, BASE + ";" + change, BASE)
    assert any(line.startswith(told) for line in found), found


def test_sees_uncommitted_changes_and_leaves_the_transaction(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("create table t (id int)")
        assert "table public.t: permanent" in catalog.snapshot(connection)
        connection.execute("insert into t values (1)")
    assert "table public.t: permanent" not in catalog.snapshot(connection)


def test_differences_are_readable_without_a_database() -> None:
    here = ("column public.nec_zones.x: text", "table auth.users: permanent", "table public.a: permanent")
    files = ("column public.nec_zones.x: integer", "table public.a: permanent", "view public.v: permanent")
    assert catalog.differences(here, files) == [
        "column nec_zones.x: text here, integer in the files",
        "table auth.users: permanent here, not in the files",
        "view v: missing here, permanent in the files",
    ]


def test_a_difference_in_a_long_description_is_cut_to_its_place() -> None:
    start, end = "a" * 300, "z" * 300
    (told,) = catalog.differences([f"index i: {start}here{end}"], [f"index i: {start}there{end}"])
    assert told == f"index i: …{'a' * 40}here{'z' * 116}… here, …{'a' * 40}there{'z' * 115}… in the files"
    (told,) = catalog.differences([f"index i: {start}"], [])
    assert told == f"index i: {'a' * 160}… here, not in the files"
    assert catalog.differences(["index i: x"], ["index i: " + start])[0].startswith("index i: x here, aaa")
