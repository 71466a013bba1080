"""Databases with rows in every table."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg import errors, sql

from tests.schema_all_rows import ROWS
from tests.schema_rows import Connection
from tests.schema_world import PAIRS, Row, World

Statement = tuple[sql.Composed, list[Any]]

# Rows that triggers make, beside a person, a business or an organization.
COMPANIONS = {
    "usr_privacy_settings", "usr_preferences", "usr_completeness_checks", "usr_stats", "ntf_preferences",
    "biz_contact_info", "biz_stats", "org_contact_info", "org_stats", "org_membership_history",
}  # fmt: skip
POLL = {"post_type": "poll", "content": "Rates?", "poll_options": '["up", "down"]'}


def new_row(world: World, table: str, given: Mapping[str, Any] | None = None) -> Statement:
    """The statement for one more row."""
    row = ROWS[table](world) | dict(given or {})
    if table in world.ids:
        row = {"id": world.new_id()} | row
        world.ids[table].append(row["id"])
    return insertion(table, row)


def new_person(world: World, user: UUID | None = None) -> list[Statement]:
    """The statements for one more person."""
    return [new_row(world, "auth.users", {"id": user} if user else None), new_row(world, "profiles")]


def insertion(table: str, row: Row) -> Statement:
    """One row as a statement; a value may be an expression."""
    names, values = list(row), list(row.values())
    statement = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(v if isinstance(v, sql.Composable) else sql.Placeholder() for v in values),
    )
    return statement, [v for v in values if not isinstance(v, sql.Composable)]


def fill(connection: Connection, world: World, people: int = 3) -> None:
    """At least one row in every table, and some people to have them."""
    world.look(connection)
    for _ in range(people):
        for statement in new_person(world):
            connection.execute(*statement)
    someone = world.ids["profiles"][0]
    for role in world.ids["ref_roles"]:
        connection.execute(*new_row(world, "usr_profile_roles", {"profile_id": someone, "role_id": role}))
    connection.execute(*new_row(world, "soc_posts", {"author_type": "individual", "author_id": someone} | POLL))
    for table in ROWS:
        if table not in ("auth.users", "profiles", "usr_profile_roles"):
            _insert_somewhere(connection, world, table)


def _insert_somewhere(connection: Connection, world: World, table: str) -> None:
    """One more row, elsewhere if there is one like it already or if it would refer to itself."""
    for _ in range(20):
        with contextlib.suppress(errors.UniqueViolation, errors.CheckViolation), connection.transaction():
            connection.execute(*new_row(world, table))
            break
        world.look(connection)
    else:
        raise AssertionError(f"{table}: there is no place for one more row")
    if table in PAIRS:
        world.look(connection)
