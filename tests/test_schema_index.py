"""The map of the schema and the golden catalogue are those of the files, on every server."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import psycopg
import pytest

from necc import catalog, schema_index
from necc.embedded import Cluster
from necc.schema_index import module_of, read, render
from tests import schema_docs
from tests.conftest import temporary_database
from tests.test_migrate import embedded_only

Connection = psycopg.Connection[Any]

SHOP = """
    create schema auth;
    create table auth.users (id int primary key);
    comment on table auth.users is 'One row per person | or robot.';
    create table biz_shops (id int primary key references auth.users, keeper_id int not null references auth.users);
    create table biz_eggs (
        id int primary key, shop_id int references biz_shops, previous_id int unique references biz_eggs
    );
    create table odd (id int);
    create view biz_v_eggs as select id from biz_eggs;
    comment on view biz_v_eggs is E'All\\neggs. [definition 0123456789abcdef]';
    create function biz_f(a int default 1) returns int language sql security definer as 'select 1';
    create function trg_fn_biz() returns trigger language plpgsql as 'begin return null; end';
    create trigger trg_eggs after insert or update of shop_id on biz_eggs for each row execute function trg_fn_biz();
    create trigger trg_all before delete on biz_eggs for each statement execute function trg_fn_biz();
"""
WANTED = """
| `biz_eggs` | 3 |  |
| `biz_shops` | 2 |  |
    biz_eggs |o--o| biz_eggs : "previous_id"
    biz_shops |o--o{ biz_eggs : "shop_id"
    "auth.users" ||--o| biz_shops : "id"
    "auth.users" ||--o{ biz_shops : "keeper_id"
| `auth.users` | 1 | One row per person \\| or robot. |
    odd
| `biz_v_eggs` | plain | All eggs. |
| `biz_f(a integer DEFAULT 1)` | `integer` |  Runs with its owner's rights. |
| `biz_eggs` | `trg_all` | before delete, per statement | `trg_fn_biz` |
|  | `trg_eggs` | after insert or update of shop_id | `trg_fn_biz` |
"""


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[Connection]:
    for url in temporary_database(server, template):
        with psycopg.connect(url) as connection:
            yield connection


@pytest.mark.parametrize("path", [schema_docs.INDEX, schema_docs.GOLDEN], ids=lambda path: str(path.name))
@embedded_only
def test_what_is_written_from_the_catalogue_is_up_to_date(deployed: Connection, path: Path) -> None:
    wanted = schema_docs.written(deployed)[path].splitlines()
    found = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    changes = list(unified_diff(found, wanted, "in the repository", "of the files", n=0, lineterm=""))
    assert not changes, f"{path.name} is stale: run `make docs` and commit it\n" + "\n".join(changes[:40])


def test_the_map_is_the_same_on_every_server(deployed: Connection) -> None:
    assert render(read(deployed)) == schema_docs.INDEX.read_text(encoding="utf-8")


def test_the_map_knows_every_table(deployed: Connection) -> None:
    text = render(read(deployed))
    tables = deployed.execute(
        """select case schemaname when 'auth' then 'auth.' else '' end || tablename
           from pg_tables where schemaname in ('public', 'auth')"""
    ).fetchall()
    assert [name for (name,) in tables if f"\n| `{name}` | " not in text] == []
    assert '    profiles ||..o{ soc_posts : "author"' in text
    assert "| keeps `soc_posts.likes_count` |" in text


def test_a_change_shows_in_both(deployed: Connection) -> None:
    before = schema_docs.written(deployed)
    with deployed.transaction(force_rollback=True):
        deployed.execute("alter table nec_zones alter column district set default 'x'")
        deployed.execute("comment on table nec_zones is 'One row per place.'")
        after = schema_docs.written(deployed)
    assert "| One row per place. |\n" in after[schema_docs.INDEX]
    changed = set(after[schema_docs.GOLDEN].splitlines()) - set(before[schema_docs.GOLDEN].splitlines())
    assert changed == {"column,nec_zones.district,text default 'x'::text"}


@embedded_only
def test_draws_and_lists_what_there_is(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute(SHOP.encode())
        lines = render(read(connection)).splitlines()
    assert [line for line in WANTED.splitlines() if line and line not in lines] == []
    assert lines.count("```mermaid") == 3


def test_modules_are_told_by_prefix() -> None:
    names = ("auth.users", "schema_versions", "profiles", "ref_states", "nec_zones", "tags", "audit_log", "newsletter")
    assert [module_of(name) for name in names] == ["auth", "auth", "ref", "ref", "nec", "", "", ""]
    assert set(schema_index.PREFIXES) <= set(schema_index.MODULES)


def test_the_golden_catalogue_tells_kind_and_name() -> None:
    lines = ["index public.idx_a: CREATE INDEX, b", "materialized view public.m: permanent", "comment on table x: y"]
    assert schema_docs.golden(lines) == (
        'kind,name,description\nindex,idx_a,"CREATE INDEX, b"\nmaterialized view,m,permanent\n'
    )


@embedded_only
def test_no_two_lines_of_the_golden_catalogue_are_of_one_thing(deployed: Connection) -> None:
    lines = [line for line in catalog.snapshot(deployed) if not line.startswith("comment on ")]
    assert len({schema_docs._cells(line)[:2] for line in lines}) == len(lines)
