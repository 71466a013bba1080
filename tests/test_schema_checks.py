"""Every CHECK refuses something, and no column takes anything whatever: tried with rows in every table."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import psycopg
import pytest
from psycopg import errors, sql

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_fill import fill
from tests.schema_rows import Connection
from tests.schema_world import World

# Values that hardly a column is made for, by type. A CHECK that refuses none of them, nor NULL, refuses nothing: it may
# have been written so that it is NULL, and not false, for what it should refuse.
NONSENSE = {
    "text": ("''", "' '", "'?'", "'9'"),
    "character": ("'?'",),
    "integer": ("-1", "0", "2147483647"),
    "bigint": ("-1",),
    "numeric": ("-1", "'NaN'", "100000"),
    "boolean": ("true", "false"),
    "date": ("'infinity'", "'0001-01-01'", "'2199-01-01'"),
    "timestamp with time zone": ("'infinity'", "'-infinity'"),
    "time without time zone": ("'00:00'",),
    "jsonb": ("'\"x\"'", "'[7]'", "'{\"x\": 1}'"),
    "text[]": ("'{a,null}'", "array_fill('x'::text, array[1000])"),
    "integer[]": ("'{}'", "'{1,null}'"),
    "bytea": ("'x'",),
    "uuid": ("gen_random_uuid()",),
}
# What a column for people's texts and numbers refuses.
TOO_MUCH = {
    "text": ("repeat('x', 100001)",),
    "integer": ("-1",),
    "bigint": ("-1",),
    "numeric": ("-1", "'NaN'"),
}
REFUSALS = (errors.CheckViolation, errors.NotNullViolation, errors.DataError)
# Columns that may take more.
FREE = re.compile(
    r"""
    ref_\w+\.(description|icon|template|action_url_pattern|sort_order)  # written by the seeds and by the staff
    | nec_zones\.(description|state|district|city|sort_order) | nec_zone_aliases\.source
    | nec_(source_pages|scraper_logs|price_problems|price_revisions|model_runs)\.\w+  # as the source and the system are
    | schema_versions\.(file|applied_by)
    | ref_job_categories\.(path|level) | msg_participants\.joined_seq_no  # a trigger writes them, whatever is asked for
    | email_queue\.body_(html|text)  # half a million characters
    | \w+\.(display_order|latitude|longitude)
    """,
    re.VERBOSE,
)


class Check(NamedTuple):
    """A CHECK of a table, with the columns that it looks at and their types."""

    name: str
    table: str
    condition: str
    types: dict[str, str]


@pytest.fixture(scope="module")
def filled(clusters: Callable[[str], Cluster], templates: Callable[[Cluster], str]) -> Iterator[Connection]:
    cluster = clusters("embedded")
    for url in temporary_database(cluster, templates(cluster)):
        with psycopg.connect(url) as connection:
            fill(connection, World(7))
            connection.commit()
            yield connection


@pytest.fixture
def connection(filled: Connection) -> Iterator[Connection]:
    yield filled
    filled.rollback()


def checks(connection: Connection) -> list[Check]:
    query = """
        select k.conname, k.conrelid::regclass::text, pg_get_expr(k.conbin, k.conrelid),
            jsonb_object_agg(quote_ident(a.attname), format_type(a.atttypid, null))
        from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
        where k.contype = 'c' and k.connamespace in ('public'::regnamespace, 'auth'::regnamespace)
        group by k.oid
        order by 2, 1"""
    return [Check(*row) for row in connection.execute(query)]


def refuses_something(connection: Connection, check: Check) -> bool:
    """Whether a row of the table would be refused with nonsense in one of the columns that it looks at, or in all."""
    said = [f"'{word}'" for word in re.findall(r"'((?:[^']|'')+)'::text", check.condition)]
    said += [f"repeat('x', {limit} + 1)" for limit in re.findall(r"length\(\S+\) <= (\d+)", check.condition)]
    pools = {
        column: (column, "null", *NONSENSE.get(kind, ()), *(said if kind == "text" else ()), *_others(check, column))
        for column, kind in check.types.items()
    }
    single = [{column: new} for column, pool in pools.items() for new in pool]
    several = (dict(zip(pools, news, strict=True)) for news in itertools.product(*pools.values()))
    return _refuses_one(connection, check, single) or _refuses_one(connection, check, several)


def _others(check: Check, column: str) -> list[str]:
    return [other for other, kind in check.types.items() if other != column and kind == check.types[column]]


def _refuses_one(connection: Connection, check: Check, changes: Iterable[dict[str, str]]) -> bool:
    rows = " union all ".join(f"select {_changed(check, change)} from a_row" for change in changes)
    try:
        with connection.transaction():
            row = connection.execute(f"""
                with a_row as (select * from {check.table} limit 1)
                select bool_or(({check.condition}) is false) from ({rows}) r""").fetchone()
    except errors.DataError:  # refused as well, and louder
        return True
    return row is not None and row[0] is True


def _changed(check: Check, change: dict[str, str]) -> str:
    columns = ((column, change.get(column, column)) for column in check.types)
    return ", ".join(f"({new})::{check.types[column]} as {column}" for column, new in columns)


def test_every_check_refuses_something(connection: Connection) -> None:
    found = checks(connection)

    assert len(found) > 800
    assert [check.name for check in found if not refuses_something(connection, check)] == []


def test_a_check_that_is_null_for_what_it_should_refuse_is_found(connection: Connection) -> None:
    connection.execute("alter table tags add constraint ck_asleep check (name in ('Feed', null) or name is null)")
    asleep = next(check for check in checks(connection) if check.name == "ck_asleep")

    assert not refuses_something(connection, asleep)


def takes_too_much(connection: Connection, tables: str = ".") -> list[str]:
    """Columns that take a text of any length, a blank one where one is needed, a number below zero, or NaN."""
    query = """
        select c.relname, a.attname, format_type(a.atttypid, null), a.attnotnull
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
            and a.attgenerated = '' and a.attidentity = '' and c.relname ~ %s"""
    return [
        f"{table}.{column} = {new}"
        for table, column, kind, is_needed in connection.execute(query, [tables]).fetchall()
        for new in (*TOO_MUCH.get(kind, ()), *(("' '",) if kind == "text" and is_needed else ()))
        if not FREE.fullmatch(f"{table}.{column}") and _takes(connection, table, column, new)
    ]


def _takes(connection: Connection, table: str, column: str, new: str) -> bool:
    """Whether a row of a table may have a value; it keeps its own."""
    change = sql.SQL("update {0} set {1} = {2} where ctid = (select ctid from {0} limit 1)").format(
        sql.Identifier(table), sql.Identifier(column), sql.SQL(new)
    )
    try:
        with connection.transaction(force_rollback=True):
            assert connection.execute(change).rowcount == 1
    except REFUSALS:
        return False
    return True


def test_every_text_has_a_limit_and_every_number_a_floor(connection: Connection) -> None:
    assert takes_too_much(connection) == []


@pytest.mark.parametrize(
    ("table", "column", "found"),
    [
        ("biz_profiles", "about", ["biz_profiles.about = repeat('x', 100001)"]),
        ("mkt_products", "price", ["mkt_products.price = -1", "mkt_products.price = 'NaN'"]),
    ],
)
def test_a_column_that_takes_too_much_is_found(
    connection: Connection, table: str, column: str, found: list[str]
) -> None:
    connection.execute(f"alter table {table} drop constraint ck_{table}_{column}")

    assert takes_too_much(connection, f"^{table}$") == found


def unnamed_values(connection: Connection) -> list[str]:
    """Columns that may have one of a list of values, with those that their comment does not name."""
    query = """
        select k.conrelid::regclass::text || '.' || a.attname, pg_get_expr(k.conbin, k.conrelid),
            col_description(a.attrelid, a.attnum)
        from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
        where k.contype = 'c' and k.connamespace in ('public'::regnamespace, 'auth'::regnamespace)
        order by 1"""
    return [
        f"{column}: {word}"
        for column, condition, comment in connection.execute(query).fetchall()
        for listed in re.findall(r"= ANY \(ARRAY\[(.*?)\]", condition)
        for word in re.findall(r"'([^']*)'", listed)
        if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", comment)
    ]


def test_a_column_s_comment_names_every_value_that_it_may_have(connection: Connection) -> None:
    assert unnamed_values(connection) == []
    connection.execute("comment on column nec_price_problems.verdict is 'rejected or flaggeddown.'")
    assert unnamed_values(connection) == ["nec_price_problems.verdict: held", "nec_price_problems.verdict: flagged"]
