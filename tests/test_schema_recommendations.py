"""File 999, recommendations: who is put forward to whom, why, and who never is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, person, value
from tests.schema_soc_rows import connect, insert
from tests.schema_usr_rows import profile_role


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def recommended(connection: Connection, profile: UUID, limit: int | None = 10) -> list[tuple[Any, ...]]:
    """(who, mutual connections, reason) in order."""
    query = "select profile_id, mutual_count, reason from get_connection_recommendations(%s, %s)"
    return connection.execute(query, [profile, limit]).fetchall()


def live_in(connection: Connection, state: str, *people: UUID) -> None:
    connection.execute("update profiles set location_state = %s where id = any (%s)", [state, list(people)])


def acquaintance(connection: Connection, me: UUID, other: UUID, mutual: int = 1) -> None:
    """Let two people share so many connections."""
    for _ in range(mutual):
        between = person(connection)
        connect(connection, me, between)
        connect(connection, between, other)


def test_who_shares_most_comes_first_then_the_same_role_then_the_same_state(connection: Connection) -> None:
    me, close, near, colleague, neighbour, stranger = (person(connection) for _ in range(6))
    acquaintance(connection, me, close, 3)
    acquaintance(connection, me, near)
    for someone in (me, colleague, close):
        profile_role(connection, someone, "farmer", is_primary=True)
    profile_role(connection, stranger, "farmer")  # not the primary one
    live_in(connection, "Tamil Nadu", me, neighbour, colleague)
    wanted = [
        (close, 3, "mutual_connections"),
        (near, 1, "mutual_connections"),
        (colleague, 0, "same_role"),
        (neighbour, 0, "same_location"),
    ]
    assert recommended(connection, me) == wanted
    assert recommended(connection, me, 0) == recommended(connection, me, -5) == wanted[:1]
    for _, _, reason in wanted:  # the table of suggestions takes each of them
        insert(connection, "soc_connection_suggestions", profile_id=person(connection),
               suggested_profile_id=me, reason=reason)  # fmt: skip


def test_the_stronger_profile_comes_first_where_as_many_are_shared(connection: Connection) -> None:
    me = person(connection)
    weak, strong = sorted(person(connection) for _ in range(2))  # by their ids it would be the other way round
    live_in(connection, "Kerala", me, weak, strong)
    connection.execute("update profiles set headline = 'Layers', bio = repeat('Eggs ', 20) where id = %s", [strong])
    assert [row[0] for row in recommended(connection, me)] == [strong, weak]


def test_a_newcomer_without_role_or_state_gets_nobody(connection: Connection) -> None:
    me = person(connection)
    live_in(connection, "Kerala", person(connection))
    profile_role(connection, person(connection), is_primary=True)
    assert recommended(connection, me) == []


def test_the_limit_stays_within_bounds(connection: Connection) -> None:
    me = person(connection)
    live_in(connection, "Kerala", me, *(person(connection) for _ in range(101)))
    limits = {None: 10, 0: 1, -5: 1, 3: 3, 1000: 100}
    assert {limit: len(recommended(connection, me, limit)) for limit in limits} == limits
    assert me not in {row[0] for row in recommended(connection, me, 100)}


EXCLUSIONS = ["accepted", "pending", "asked by them", "declined", "dismissed", "blocks", "is blocked", "banned",
              "is_public", "allow_discovery", "private", "connections"]  # fmt: skip


@pytest.mark.parametrize("why", EXCLUSIONS)
def test_who_is_known_or_hides_is_left_out(connection: Connection, why: str) -> None:
    me, other, control = (person(connection) for _ in range(3))
    live_in(connection, "Kerala", me, other, control)
    profile_role(connection, me, is_primary=True)
    profile_role(connection, other, is_primary=True)
    acquaintance(connection, me, other)
    assert recommended(connection, me) == [(other, 1, "mutual_connections"), (control, 0, "same_location")]
    exclude(connection, me, other, why)
    assert recommended(connection, me) == [(control, 0, "same_location")]


def exclude(connection: Connection, me: UUID, other: UUID, why: str) -> None:
    """Give one reason not to put somebody forward."""
    if why in ("accepted", "pending", "declined"):
        connect(connection, me, other, why)
    elif why == "asked by them":
        connect(connection, other, me, "pending")
    elif why == "dismissed":
        insert(connection, "soc_connection_suggestions", profile_id=me, suggested_profile_id=other,
               reason="algorithm", status="dismissed")  # fmt: skip
    elif "block" in why:
        pair = (other, me) if why == "blocks" else (me, other)
        insert(connection, "soc_blocks", blocker_id=pair[0], blocked_id=pair[1])
    elif why == "banned":
        insert(connection, "adm_banned_users", profile_id=other, reason="Spam", ban_type="permanent")
    elif why == "is_public":
        connection.execute("update profiles set is_public = false where id = %s", [other])
    elif why == "allow_discovery":
        connection.execute("update usr_privacy_settings set allow_discovery = false where profile_id = %s", [other])
    else:
        query = "update usr_privacy_settings set profile_visibility = %s where profile_id = %s"
        connection.execute(query, [why, other])


def test_a_pending_suggestion_or_another_person_s_dismissal_does_not_matter(connection: Connection) -> None:
    me, other = person(connection), person(connection)
    live_in(connection, "Kerala", me, other)
    for whose, whom, status in ((me, other, "pending"), (other, me, "dismissed")):
        insert(connection, "soc_connection_suggestions", profile_id=whose, suggested_profile_id=whom,
               reason="algorithm", status=status)  # fmt: skip
    assert recommended(connection, me) == [(other, 0, "same_location")]
    assert value(connection, "select count(*) from get_connection_recommendations(%s)", other) == 0
