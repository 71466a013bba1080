"""Rows of posts, the network and conversations for the tests, written in the test's own transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql

from tests.schema_rows import Connection, value

IN_THE_TRASH = "is_deleted = true, deleted_at = now()"
OUT_OF_THE_TRASH = "is_deleted = false, deleted_at = null"


def insert(connection: Connection, table: str, /, **columns: Any) -> UUID:
    """Insert one row and give its id."""
    statement = sql.SQL("insert into {} ({}) values ({}) returning id").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() * len(columns)),
    )
    row = connection.execute(statement, list(columns.values())).fetchone()
    assert row is not None
    made: UUID = row[0]
    return made


def post(connection: Connection, author: UUID, author_type: str = "individual", **columns: Any) -> UUID:
    """A public post."""
    content = {"author_type": author_type, "author_id": author, "content": "Rates are up"}
    return insert(connection, "soc_posts", **content | columns)


def share(connection: Connection, author: UUID, shared: UUID | None) -> UUID:
    """A post that passes another one on."""
    return post(connection, author, post_type="shared", content=None, shared_post_id=shared)


def comment(connection: Connection, post_id: UUID, author: UUID, parent: UUID | None = None) -> UUID:
    """A comment on a post, or a reply to one."""
    columns = {"post_id": post_id, "profile_id": author, "parent_id": parent, "content": "Here too"}
    return insert(connection, "soc_post_comments", **columns)


def like(connection: Connection, post_id: UUID, person: UUID) -> UUID:
    """A like of a post."""
    return insert(connection, "soc_post_likes", post_id=post_id, profile_id=person)


def connect(connection: Connection, one: UUID, other: UUID, status: str = "accepted") -> UUID:
    """A connection for which the first person asked."""
    first, second = sorted((one, other))
    columns = {"profile_id_1": first, "profile_id_2": second, "status": status, "requested_by": one}
    return insert(connection, "soc_connections", **columns)


def follow(connection: Connection, follower: tuple[str, UUID], following: tuple[str, UUID]) -> UUID:
    """A follow between two of ("individual" | "business" | "organization", id)."""
    columns = {"follower_type": follower[0], "follower_id": follower[1]}
    columns |= {"following_type": following[0], "following_id": following[1]}
    return insert(connection, "soc_follows", **columns)


def group(connection: Connection, *people: UUID) -> UUID:
    """A group in which these people take part."""
    made = insert(connection, "msg_conversations", is_group=True, group_name="Layers", created_by=people[0])
    for person in people:
        insert(connection, "msg_participants", conversation_id=made, user_id=person)
    return made


def message(
    connection: Connection, conversation: UUID, sender: UUID | None, content: str = "Hello", **more: Any
) -> UUID:
    """A message of a participant."""
    columns = {"conversation_id": conversation, "sender_id": sender, "content": content}
    return insert(connection, "msg_messages", **columns | more)


def unread(connection: Connection, conversation: UUID, *people: UUID) -> list[int | None]:
    """The unread counters of people in a conversation, None for who is no participant."""
    query = "select unread_count from msg_participants where conversation_id = %s and user_id = %s"
    return [value(connection, query, conversation, person) for person in people]


def offenders(connection: Connection, query: LiteralString) -> list[tuple[Any, ...]]:
    """The rows that a query for offenders finds."""
    return connection.execute(query).fetchall()


@contextmanager
def meanwhile(act: Callable[[], object]) -> Iterator[threading.Thread]:
    """Run `act` in a thread beside the block, and wait for it afterwards; what it raises is raised here."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            act()
        except BaseException as failure:  # reraised in the test's own thread
            failures.append(failure)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(timeout=30)
    assert not thread.is_alive()
    if failures:
        raise failures[0]
