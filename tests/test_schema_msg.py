"""File 50: conversations, who takes part in them, messages, and what is unread for whom."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, person, refused, value
from tests.schema_soc_rows import (
    IN_THE_TRASH,
    OUT_OF_THE_TRASH,
    group,
    insert,
    meanwhile,
    message,
    offenders,
    unread,
)

FOR_EVERYONE = f"is_deleted_for_everyone = true, {IN_THE_TRASH}"
FOR_NOBODY = f"is_deleted_for_everyone = false, {OUT_OF_THE_TRASH}"
WRONG: dict[str, LiteralString] = {
    "unread": """
        select p.user_id, p.unread_count from msg_participants p
        where p.unread_count <> (select count(*) from msg_messages m
            where m.conversation_id = p.conversation_id and m.seq_no > p.last_read_seq_no
                and m.sender_id is distinct from p.user_id and not m.is_deleted_for_everyone)
            or (p.unread_count > 0 and not p.is_active)""",
    "numbers": """
        select c.id from msg_conversations c join msg_messages m on m.conversation_id = c.id
        where m.seq_no > c.last_seq_no""",
    "preview": """
        select c.id from msg_conversations c left join lateral (
            select m.* from msg_messages m where m.conversation_id = c.id and not m.is_deleted
            order by m.created_at desc, m.seq_no desc limit 1) m on true
        where (c.last_message_at, c.last_message_preview) is distinct from (m.created_at, m.content)""",
}


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def people(connection: Connection) -> list[UUID]:
    return [person(connection) for _ in range(3)]


def preview(connection: Connection, conversation: UUID) -> tuple[str | None, str | None]:
    """Year and text of what stands in the list of conversations."""
    query = """select extract(year from last_message_at at time zone 'UTC')::text, last_message_preview
        from msg_conversations where id = %s"""
    found = connection.execute(query, [conversation]).fetchone()
    assert found is not None
    return found[0], found[1]


def change(connection: Connection, table: str, row: UUID, assignment: str) -> None:
    connection.execute(f"update {table} set {assignment} where id = %s".encode(), [row])


def take_part(connection: Connection, conversation: UUID, user: UUID, assignment: str) -> None:
    """Change a person's row in a conversation."""
    statement = f"update msg_participants set {assignment} where conversation_id = %s and user_id = %s"
    connection.execute(statement.encode(), [conversation, user])


def read(connection: Connection, conversation: UUID | None, user: UUID | None) -> int:
    return int(value(connection, "select mark_messages_as_read(%s, %s)", conversation, user))


# ---------------------------------------------------------------------------------------------
# Unread


def test_a_message_is_unread_for_the_others_until_they_read(connection: Connection, people: list[UUID]) -> None:
    asha, bina, chand = people
    talk = group(connection, *people)
    first = message(connection, talk, asha)
    message(connection, talk, bina)
    message(connection, talk, None, "Asha has joined", type="system")
    assert unread(connection, talk, *people) == [2, 2, 3]

    assert read(connection, talk, bina) == 2
    assert unread(connection, talk, *people) == [2, 0, 3]
    receipts = "select array_agg(user_id) from msg_read_receipts where message_id = %s"
    assert value(connection, receipts, first) == [bina]
    state = "select last_read_at is not null and last_read_seq_no = 3 from msg_participants where user_id = %s"
    assert (value(connection, state, bina), value(connection, state, chand)) == (True, False)

    assert read(connection, talk, bina) == 0
    message(connection, talk, chand)
    assert unread(connection, talk, *people) == [3, 1, 3]
    assert read(connection, talk, bina) == 1


def test_only_who_takes_part_can_read(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people[:2])
    message(connection, talk, people[0])
    for conversation, user in ((talk, people[2]), (uuid4(), people[0]), (None, people[0]), (talk, None), (None, None)):
        assert read(connection, conversation, user) == 0
    take_part(connection, talk, people[1], "is_active = false")
    assert read(connection, talk, people[1]) == 0
    assert value(connection, "select count(*) from msg_read_receipts") == 0


def test_a_deleted_message_is_unread_for_nobody(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people)
    message(connection, talk, people[1])
    sent = message(connection, talk, people[0])
    read(connection, talk, people[1])
    assert unread(connection, talk, *people) == [1, 0, 2]

    change(connection, "msg_messages", sent, IN_THE_TRASH)  # the others still see it
    assert unread(connection, talk, *people) == [1, 0, 2]
    change(connection, "msg_messages", sent, FOR_EVERYONE)
    assert unread(connection, talk, *people) == [1, 0, 1]
    change(connection, "msg_messages", sent, FOR_NOBODY)
    assert unread(connection, talk, *people) == [1, 0, 2]
    change(connection, "msg_messages", sent, FOR_EVERYONE)
    connection.execute("delete from msg_messages where id = %s", [sent])
    assert unread(connection, talk, *people) == [1, 0, 1]
    connection.execute("delete from msg_messages")
    assert unread(connection, talk, *people) == [0, 0, 0]


def test_a_number_is_never_given_twice(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people[:2])
    gone = message(connection, talk, people[0], seq_no=7)
    read(connection, talk, people[1])
    connection.execute("delete from msg_messages where id = %s", [gone])
    again = message(connection, talk, people[0])
    assert value(connection, "select seq_no from msg_messages where id = %s", again) == 2
    assert unread(connection, talk, people[1]) == [1]
    refused(connection, errors.CheckViolation, "update msg_messages set seq_no = 1 where id = %s", again)


def test_nothing_is_unread_from_before_one_joined_or_while_one_was_away(
    connection: Connection, people: list[UUID]
) -> None:
    asha, bina, chand = people
    talk = group(connection, asha, bina)
    message(connection, talk, asha)
    old = message(connection, talk, asha)
    insert(connection, "msg_participants", conversation_id=talk, user_id=chand, unread_count=9, last_read_seq_no=9)
    assert unread(connection, talk, bina, chand) == [2, 0]
    message(connection, talk, asha)
    take_part(connection, talk, bina, "is_active = false")
    message(connection, talk, asha)
    change(connection, "msg_messages", old, FOR_EVERYONE)
    assert unread(connection, talk, bina, chand) == [0, 2]
    left = "select left_at is not null, last_read_seq_no from msg_participants where user_id = %s"
    assert connection.execute(left, [bina]).fetchone() == (True, 4)

    take_part(connection, talk, bina, "is_active = true")
    message(connection, talk, asha)
    assert unread(connection, talk, bina, chand) == [1, 3]
    state = """select left_at is null, joined_at = now(), joined_seq_no, last_read_seq_no
        from msg_participants where user_id = %s"""
    assert connection.execute(state, [bina]).fetchone() == (True, True, 4, 4)


def test_what_is_read_moves_within_what_one_may_see(connection: Connection, people: list[UUID]) -> None:
    asha, bina, chand = people
    talk = group(connection, asha, bina)
    message(connection, talk, asha)
    insert(connection, "msg_participants", conversation_id=talk, user_id=chand)
    for _ in range(3):
        message(connection, talk, asha)
    take_part(connection, talk, chand, "last_read_seq_no = 2")
    assert unread(connection, talk, chand) == [2]
    take_part(connection, talk, chand, "last_read_seq_no = 99, joined_seq_no = 0")
    assert unread(connection, talk, chand) == [0]
    with pytest.raises(errors.CheckViolation), connection.transaction():
        take_part(connection, talk, chand, "last_read_seq_no = 0")
    take_part(connection, talk, chand, "last_read_seq_no = 1, is_muted = true")
    assert unread(connection, talk, chand) == [3]
    with pytest.raises(errors.CheckViolation), connection.transaction():
        take_part(connection, talk, chand, f"user_id = '{uuid4()}'")


def test_a_recount_mends_what_was_written_past_the_triggers(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people)
    message(connection, talk, people[0])
    assert value(connection, "select recount_unread_counts()") == 0
    take_part(connection, talk, people[2], "unread_count = 7")
    take_part(connection, talk, people[0], "unread_count = 1")
    assert value(connection, "select recount_unread_counts()") == 2
    assert unread(connection, talk, *people) == [0, 1, 1]
    assert value(connection, "select recount_unread_counts()") == 0


# ---------------------------------------------------------------------------------------------
# The list of conversations


def test_the_newest_visible_message_stands_in_the_list(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people)
    assert preview(connection, talk) == (None, None)
    first = message(connection, talk, people[0], "One", created_at="2021-01-01 UTC")
    second = message(connection, talk, people[1], " Two" + "o" * 300 + " ", created_at="2022-01-01 UTC")
    message(connection, talk, people[0], "Late", created_at="2020-01-01 UTC")
    assert preview(connection, talk) == ("2022", "Two" + "o" * 197)

    change(connection, "msg_messages", second, "content = 'Two'")
    assert preview(connection, talk) == ("2022", "Two")
    change(connection, "msg_messages", second, IN_THE_TRASH)
    assert preview(connection, talk) == ("2021", "One")
    change(connection, "msg_messages", second, OUT_OF_THE_TRASH)
    assert preview(connection, talk) == ("2022", "Two")
    connection.execute("delete from msg_messages where id = %s", [second])
    change(connection, "msg_messages", first, FOR_EVERYONE)
    assert preview(connection, talk) == ("2020", "Late")
    change(connection, "msg_messages", first, f"content = null, {FOR_NOBODY}, type = 'image'")
    assert preview(connection, talk) == ("2021", "[image]")
    connection.execute("delete from msg_messages")
    assert preview(connection, talk) == (None, None)


def test_a_message_is_not_sent_in_the_future(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people)
    message(connection, talk, people[0], "Ahead", created_at="2100-01-01 UTC")
    message(connection, talk, people[0], "Now")
    assert preview(connection, talk)[1] == "Now"
    assert (
        value(connection, "select count(*) from msg_messages where created_at between now() and clock_timestamp()") == 2
    )


# ---------------------------------------------------------------------------------------------
# Who may do what, and who outlives whom


def test_only_active_participants_write(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people[:2])
    sent = message(connection, talk, people[1])
    take_part(connection, talk, people[1], "is_active = false, left_at = now()")
    for sender, error in (
        (people[2], errors.CheckViolation),
        (people[1], errors.CheckViolation),
        (None, errors.CheckViolation),
    ):
        with pytest.raises(error), connection.transaction():
            message(connection, talk, sender)
    with pytest.raises(errors.ForeignKeyViolation), connection.transaction():
        message(connection, uuid4(), people[0])
    for assignment in ("sender_id = null", f"sender_id = '{people[0]}'", f"conversation_id = '{uuid4()}'"):
        with pytest.raises(errors.CheckViolation), connection.transaction():
            change(connection, "msg_messages", sent, assignment)


def test_a_conversation_and_its_messages_outlive_the_people(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people)
    sent = message(connection, talk, people[0])
    insert(connection, "msg_reactions", message_id=sent, user_id=people[1], reaction="wow")
    read(connection, talk, people[1])
    connection.execute("delete from profiles where id = any (%s)", [people[:2]])

    kept = "select created_by is null, last_message_preview from msg_conversations where id = %s"
    assert connection.execute(kept, [talk]).fetchone() == (True, "Hello")
    assert value(connection, "select sender_id is null from msg_messages where id = %s", sent) is True
    assert unread(connection, talk, *people) == [None, None, 1]
    connection.execute("delete from msg_conversations where id = %s", [talk])
    left = "select (select count(*) from msg_messages) + (select count(*) from msg_participants)"
    assert value(connection, left) == 0


def test_an_answer_stands_in_the_same_conversation(connection: Connection, people: list[UUID]) -> None:
    talk, elsewhere = group(connection, *people), group(connection, *people)
    first = message(connection, talk, people[0])
    answer = message(connection, talk, people[1], reply_to_message_id=first)
    passed_on = message(connection, elsewhere, people[1], forwarded_from_message_id=first)
    with pytest.raises(errors.ForeignKeyViolation), connection.transaction():
        message(connection, elsewhere, people[1], reply_to_message_id=first)
    connection.execute("delete from msg_messages where id = %s", [first])
    orphans = """select count(*) from msg_messages where id = any (%s) and conversation_id = any (%s)
        and reply_to_message_id is null and forwarded_from_message_id is null"""
    assert value(connection, orphans, [answer, passed_on], [talk, elsewhere]) == 2


def test_two_people_have_one_direct_conversation(connection: Connection, people: list[UUID]) -> None:
    opened = "select open_direct_conversation(%s, %s)"
    talk = value(connection, opened, people[0], people[1])
    take_part(connection, talk, people[0], "is_active = false")
    assert value(connection, opened, people[1], people[0]) == talk
    message(connection, talk, people[0])
    assert unread(connection, talk, *people) == [0, 1, None]

    with pytest.raises(errors.CheckViolation) as caught, connection.transaction():
        insert(connection, "msg_participants", conversation_id=talk, user_id=people[2])
    assert caught.value.diag.constraint_name == "ck_msg_participants_two"
    joins = "insert into msg_participants (conversation_id, user_id) values (%s, %s)"
    refused(connection, errors.UniqueViolation, joins, talk, people[0])
    refused(connection, errors.InvalidParameterValue, opened, people[0], people[0])
    refused(connection, errors.ForeignKeyViolation, opened, people[0], uuid4())
    assert value(connection, opened, people[0], None) is None


@pytest.mark.parametrize(
    ("table", "assignment"),
    [
        ("msg_conversations", "is_group = false, group_name = null"),
        ("msg_conversations", "group_name = null"),
        ("msg_conversations", "group_name = ' '"),
        ("msg_conversations", "direct_key = 'x'"),
        ("msg_conversations", "description = repeat('x', 501)"),
        ("msg_conversations", "last_message_at = null"),
        ("msg_participants", "unread_count = -1"),
        ("msg_participants", "muted_until = now()"),
        ("msg_participants", "left_at = now()"),
        ("msg_messages", "content = null"),
        ("msg_messages", "content = repeat('x', 5001)"),
        ("msg_messages", "type = 'fax'"),
        ("msg_messages", "is_deleted = true"),
        ("msg_messages", "is_deleted_for_everyone = true"),
        ("msg_messages", "reply_to_message_id = id"),
        ("msg_reactions", "reaction = 'shrug'"),
    ],
)
def test_nonsense_is_refused(connection: Connection, people: list[UUID], table: str, assignment: str) -> None:
    talk = group(connection, *people)
    insert(
        connection, "msg_reactions", message_id=message(connection, talk, people[0]), user_id=people[0], reaction="sad"
    )
    refused(connection, errors.CheckViolation, f"update {table} set {assignment}")


def test_news_is_no_edit(connection: Connection, people: list[UUID]) -> None:
    talk = group(connection, *people)
    connection.execute("update msg_conversations set updated_at = '2020-01-01'")
    connection.execute("update msg_participants set updated_at = '2020-01-01'")
    message(connection, talk, people[0])
    read(connection, talk, people[1])
    edited = """select count(*) from (select updated_at from msg_conversations union all
        select updated_at from msg_participants) t where updated_at > '2020-01-02'"""
    assert value(connection, edited) == 0
    connection.execute("update msg_conversations set group_name = 'Broilers'")
    assert value(connection, edited) == 1


# ---------------------------------------------------------------------------------------------
# Anything, also in two sessions


def right(connection: Connection) -> bool:
    wrong = {name: found for name, query in WRONG.items() if (found := offenders(connection, query))}
    assert wrong == {}
    return True


def anything(connection: Connection, chance: random.Random, talk: UUID, people: list[UUID]) -> None:
    """One act of somebody in a conversation."""
    someone = chance.choice(people)
    some = "(select id from msg_messages where conversation_id = %s order by random() limit 1)"
    acts: list[Callable[[], object]] = [
        lambda: message(connection, talk, someone, f"{chance.random()}"),
        lambda: message(connection, talk, someone, "Late", created_at=f"20{chance.randint(10, 20)}-01-01"),
        lambda: read(connection, talk, someone),
        lambda: take_part(connection, talk, someone, "is_active = not is_active, left_at = null"),
        lambda: take_part(connection, talk, someone, "last_read_seq_no = joined_seq_no"),
        lambda: connection.execute(f"update msg_messages set {FOR_EVERYONE} where id = {some}".encode(), [talk]),
        lambda: connection.execute(f"update msg_messages set {FOR_NOBODY} where id = {some}".encode(), [talk]),
        lambda: connection.execute(f"update msg_messages set {IN_THE_TRASH} where id = {some}".encode(), [talk]),
        lambda: connection.execute(f"delete from msg_messages where id = {some}".encode(), [talk]),
        lambda: insert(connection, "msg_participants", conversation_id=talk, user_id=someone),
        lambda: connection.execute(
            "delete from msg_participants where user_id = %s and %s", [someone, chance.random() < 0.3]
        ),
    ]
    chance.choices(acts, weights=[6, 2, 3, 2, 2, 2, 2, 1, 1, 1, 1])[0]()


def some_of_anything(connection: Connection, seed: int, times: int, talk: UUID, people: list[UUID]) -> int:
    chance, done = random.Random(seed), 0
    for _ in range(times):
        try:
            with connection.transaction():
                anything(connection, chance, talk, people)
            done += 1
        except (errors.CheckViolation, errors.UniqueViolation):
            pass  # who has left cannot write, and joins once
    return done


@pytest.fixture
def committed(deployed: str) -> Iterator[tuple[UUID, list[UUID]]]:
    """A group and its people that other sessions see too."""
    with psycopg.connect(deployed, autocommit=True) as connection:
        people = [person(connection) for _ in range(4)]
        yield group(connection, *people), people
        connection.execute("delete from auth.users where id = any (%s)", [people])
        connection.execute("delete from msg_conversations")


def test_every_counter_is_right_after_anything(connection: Connection) -> None:
    people = [person(connection) for _ in range(4)]
    assert some_of_anything(connection, 1, 400, group(connection, *people), people) > 200
    assert value(connection, "select sum(unread_count) from msg_participants") > 0
    assert right(connection)


def test_every_counter_is_right_after_anything_in_two_sessions(
    deployed: str, committed: tuple[UUID, list[UUID]]
) -> None:
    with psycopg.connect(deployed, autocommit=True) as one, psycopg.connect(deployed, autocommit=True) as other:
        for session in (one, other):
            session.execute("set deadlock_timeout = '20ms'")
        with meanwhile(lambda: some_of_anything(other, 2, 150, *committed)):
            some_of_anything(one, 3, 150, *committed)
        assert right(one)


@contextmanager
def waiting(deployed: str, statement: str, params: dict[str, UUID]) -> Iterator[None]:
    """Run a statement in another session, which waits for the block; the block is over before it is."""
    asked = "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s"
    with (
        psycopg.connect(deployed, autocommit=True) as session,
        psycopg.connect(deployed, autocommit=True) as watcher,
        meanwhile(lambda: session.execute(statement.encode(), params)),
    ):
        until = time.monotonic() + 20
        while not value(watcher, asked, session.info.backend_pid):
            assert time.monotonic() < until, "it did not wait"
            time.sleep(0.01)
        yield


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select mark_messages_as_read(%(talk)s, %(bina)s)", [0, 1, 1]),  # it was not there when she began to read
        ("update msg_participants set is_active = false where user_id = %(bina)s", [0, 0, 1]),
        ("insert into msg_messages (conversation_id, sender_id, content) values (%(talk)s, %(bina)s, 'x')", [1, 1, 2]),
        ("insert into msg_participants (conversation_id, user_id) values (%(talk)s, %(dora)s)", [0, 1, 1]),
    ],
    ids=["reads", "leaves", "writes", "joins"],
)
def test_who_acts_while_a_message_is_being_written_waits_and_loses_none(
    deployed: str, committed: tuple[UUID, list[UUID]], statement: str, expected: list[int]
) -> None:
    talk, (asha, bina, chand, dora) = committed
    with psycopg.connect(deployed) as writer:
        writer.execute("delete from msg_participants where user_id = %s", [dora])
        writer.commit()
        message(writer, talk, asha)
        with waiting(deployed, statement, {"talk": talk, "bina": bina, "dora": dora}):
            writer.commit()
        assert unread(writer, talk, asha, bina, chand) == expected
        assert unread(writer, talk, dora)[0] in (None, 0)
        assert right(writer)


def test_who_reads_while_a_message_is_being_deleted_gets_no_receipt_for_it(
    deployed: str, committed: tuple[UUID, list[UUID]]
) -> None:
    talk, (asha, bina, *_) = committed
    with psycopg.connect(deployed) as deleter:
        gone, kept = message(deleter, talk, asha), message(deleter, talk, asha)
        deleter.commit()
        deleter.execute("delete from msg_messages where id = %s", [gone])
        reads = "select mark_messages_as_read(%(talk)s, %(bina)s)"
        with waiting(deployed, reads, {"talk": talk, "bina": bina}):
            deleter.commit()
        assert value(deleter, "select array_agg(message_id) from msg_read_receipts") == [kept]
        assert unread(deleter, talk, bina) == [0]
        assert right(deleter)


def test_who_has_just_left_cannot_write(deployed: str, committed: tuple[UUID, list[UUID]]) -> None:
    talk, (asha, *_) = committed
    write = "insert into msg_messages (conversation_id, sender_id, content) values (%(talk)s, %(asha)s, 'x')"
    with psycopg.connect(deployed) as leaver:
        take_part(leaver, talk, asha, "is_active = false")
        with pytest.raises(errors.CheckViolation), waiting(deployed, write, {"talk": talk, "asha": asha}):
            leaver.commit()
