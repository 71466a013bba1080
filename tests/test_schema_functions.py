"""Every function is called with normal, unknown, missing, empty and extreme arguments: none of them is broken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from necc.config import data_folder
from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, series, zone

DEFINED = re.compile(r"^create or replace (?:function|procedure) ([\w.]+)\(", re.MULTILINE)
EXTREMES = {
    "text": ["", " ", "namakkal", "x" * 100_000, "நாமக்கல்", "'; drop table nec_prices; --", "suggested"],
    "uuid": [str(uuid4()), "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "date": ["2024-02-29", "infinity", "-infinity", "4713-01-01 BC", "5874897-12-31"],
    "integer": ["0", "-1", "2147483647", "-2147483648"],
    "numeric": ["0", "-5", "NaN", "Infinity", "1e30", "545.55"],
    "boolean": ["true", "false"],
    "jsonb": ["{}", "[]", "null", '"x"', '{"email_verified": [1]}'],
    "timestamp with time zone": ["infinity", "-infinity", "2024-02-29 12:00+05:30"],
    "regclass": ["nec_prices", "soc_posts"],
    "bigint": ["0", "-1", "9223372036854775807", "-9223372036854775808"],
    "double precision": ["0", "-1.5", "NaN", "Infinity", "1e300"],
    "text[]": ["{}"],
}
CALLED_AT_DEPLOYMENT = {
    "finish_table",
    "keep_count",
    "keep_profile_derived",
    "attach_entity",
    "ensure_materialized_view",
    "grant_module_privileges",
}
TAKES_SQL = {"delete_in_batches"}  # its text is a condition: a nonsense one is answered by the parser


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        series(connection, "namakkal", "2024-02-01", [500, 505])
        yield connection
        connection.rollback()


def functions(connection: Connection) -> dict[str, list[str]]:
    """Name -> types of the parameters, of every function of the files that is no trigger."""
    text = "".join(file.read_text(encoding="utf-8") for file in data_folder("schema").glob("*.sql"))
    query = """
        select case when pronamespace = 'auth'::regnamespace then 'auth.' else '' end || proname,
            array(select format_type(t, null) from unnest(proargtypes) with ordinality a (t, n) order by n)
        from pg_proc where pronamespace in ('public'::regnamespace, 'auth'::regnamespace)
            and prorettype <> 'trigger'::regtype and prokind = 'f'"""
    found = dict(connection.execute(query).fetchall())
    names = set(DEFINED.findall(text))
    assert names - set(found) - CALLED_AT_DEPLOYMENT == {name for name in names if name.startswith("trg_fn_")} | {
        "update_updated_at_column"
    }
    return {name: found[name] for name in sorted(names & set(found))}


def argument_lists(types: list[str], a_zone: str) -> list[list[str | None]]:
    """All missing; all empty or extreme in turn; each alone missing or extreme beside normal ones."""
    pools: list[list[str | None]] = [[*EXTREMES[kind], *([a_zone] if kind == "uuid" else []), None] for kind in types]
    normal = [pool[-2] for pool in pools]
    lists: list[list[str | None]] = [[None] * len(types), normal]
    for turn in range(max((len(pool) for pool in pools), default=0)):
        lists.append([pool[turn % len(pool)] for pool in pools])
    for position, pool in enumerate(pools):
        lists += [[*normal[:position], choice, *normal[position + 1 :]] for choice in pool]
    return lists


def test_no_function_is_broken(connection: Connection) -> None:
    broken, calls = [], 0
    for name, types in functions(connection).items():
        # as text: Python has no day after the year 9999
        statement = f"select answer::text from {name}({', '.join(f'%s::{kind}' for kind in types)}) answer"
        for arguments in argument_lists(types, str(zone(connection, "namakkal"))):
            calls += 1
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(statement, arguments).fetchall()
            except psycopg.Error as error:
                # a refusal of the data (22, 23) or of the state (55) is an answer; a broken body (42) is none
                if (error.sqlstate or "")[:2] not in {"22", "23", "55"} and name not in TAKES_SQL:
                    broken.append((name, arguments, str(error)))
    assert broken == []
    assert calls > 100


def test_a_broken_function_would_be_found(connection: Connection) -> None:
    connection.execute("""
        create or replace function nec_source_rank(p_source text) returns int language plpgsql immutable
        as $$ begin return (select rank from nec_ranks where source = p_source); end $$""")
    with pytest.raises(AssertionError, match="nec_ranks"):
        test_no_function_is_broken(connection)
