"""Files 40 and 41: posts and what is done with them, connections, follows, blocks, and all their counters."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, business, organization, person, refused, value, wait_for_a_lock
from tests.schema_soc_rows import (
    IN_THE_TRASH,
    OUT_OF_THE_TRASH,
    comment,
    connect,
    follow,
    insert,
    like,
    meanwhile,
    offenders,
    post,
    share,
)

COUNTERS: dict[str, LiteralString] = {
    "soc_posts": """
        select p.id from soc_posts p
        where likes_count <> (select count(*) from soc_post_likes l where l.post_id = p.id)
            or comments_count <> (select count(*) from soc_post_comments c where c.post_id = p.id and not c.is_deleted)
            or shares_count <> (select count(*) from soc_posts s where s.shared_post_id = p.id and not s.is_deleted)
            or is_flagged <> exists (select from soc_post_reports r where r.post_id = p.id and r.status = 'pending')""",
    "soc_post_comments": """
        select c.id from soc_post_comments c
        where likes_count <> (select count(*) from soc_comment_likes l where l.comment_id = c.id)""",
    "usr_stats": """
        select s.profile_id from usr_stats s
        where posts_count <> (select count(*) from soc_posts p
                where (p.author_type, p.author_id) = ('individual', s.profile_id) and not p.is_deleted)
            or comments_count <> (select count(*) from soc_post_comments c
                where c.profile_id = s.profile_id and not c.is_deleted)
            or likes_given_count <> (select count(*) from soc_post_likes l where l.profile_id = s.profile_id)
            or likes_received_count <> (select count(*) from soc_post_likes l join soc_posts p on p.id = l.post_id
                where (p.author_type, p.author_id) = ('individual', s.profile_id))""",
    "biz_stats": """
        select s.business_id from biz_stats s where posts_count <> (select count(*) from soc_posts p
            where (p.author_type, p.author_id) = ('business', s.business_id) and not p.is_deleted)""",
    "org_stats": """
        select s.organization_id from org_stats s where posts_count <> (select count(*) from soc_posts p
            where (p.author_type, p.author_id) = ('organization', s.organization_id) and not p.is_deleted)""",
    "profiles": """
        select p.id from profiles p
        where connections_count <> (select count(*) from soc_connections c
                where p.id in (c.profile_id_1, c.profile_id_2) and c.status = 'accepted')
            or followers_count <> (select count(*) from soc_follows f
                where (f.following_type, f.following_id) = ('individual', p.id))
            or following_count <> (select count(*) from soc_follows f
                where (f.follower_type, f.follower_id) = ('individual', p.id))""",
    "biz_profiles": """
        select b.id from biz_profiles b where followers_count <> (select count(*) from soc_follows f
            where (f.following_type, f.following_id) = ('business', b.id))""",
    "org_profiles": """
        select o.id from org_profiles o where followers_count <> (select count(*) from soc_follows f
            where (f.following_type, f.following_id) = ('organization', o.id))""",
    "pairs that dangle": """
        select f.id from soc_follows f
        cross join lateral (values (follower_type, follower_id), (following_type, following_id)) e (kind, id)
        where not exists (select from profiles p where e.kind = 'individual' and p.id = e.id)
            and not exists (select from biz_profiles b where e.kind = 'business' and b.id = e.id)
            and not exists (select from org_profiles o where e.kind = 'organization' and o.id = e.id)
        union all
        select p.id from soc_posts p where not p.is_deleted
            and not exists (select from profiles f where p.author_type = 'individual' and f.id = p.author_id)
            and not exists (select from biz_profiles b where p.author_type = 'business' and b.id = p.author_id)
            and not exists (select from org_profiles o where p.author_type = 'organization' and o.id = p.author_id)""",
}


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def right(connection: Connection) -> bool:
    """Whether every counter equals its recount."""
    wrong = {name: found for name, query in COUNTERS.items() if (found := offenders(connection, query))}
    assert wrong == {}
    return True


def counts(connection: Connection, table: str, row: UUID, *columns: str) -> tuple[int, ...]:
    """Counters of one row, in the order asked for."""
    key = {"usr_stats": "profile_id", "biz_stats": "business_id", "org_stats": "organization_id"}.get(table, "id")
    query = f"select {', '.join(f'{column}_count' for column in columns)} from {table} where {key} = %s"
    found = connection.execute(query.encode(), [row]).fetchone()
    assert found is not None
    return tuple(found)


def received(connection: Connection, someone: UUID) -> int:
    return counts(connection, "usr_stats", someone, "likes_received")[0]


# ---------------------------------------------------------------------------------------------
# Posts, likes, comments


def test_a_post_counts_for_its_author_while_it_is_not_in_the_trash(connection: Connection) -> None:
    someone = person(connection)
    authors = [
        ("individual", "usr_stats", someone),
        ("business", "biz_stats", business(connection, someone)),
        ("organization", "org_stats", organization(connection, someone)),
    ]
    for kind, stats, author in authors:
        made = post(connection, author, kind)
        assert counts(connection, stats, author, "posts") == (1,)
        connection.execute(f"update soc_posts set {IN_THE_TRASH} where id = %s".encode(), [made])
        assert counts(connection, stats, author, "posts") == (0,)
        connection.execute(f"update soc_posts set {OUT_OF_THE_TRASH} where id = %s".encode(), [made])
        connection.execute("delete from soc_posts where id = %s", [post(connection, author, kind)])
        assert counts(connection, stats, author, "posts") == (1,)
    has_posts = "select has_posts from usr_completeness_checks where profile_id = %s"
    assert value(connection, has_posts, someone) is True
    connection.execute(f"update soc_posts set {IN_THE_TRASH} where author_id = %s".encode(), [someone])
    assert value(connection, has_posts, someone) is False


def test_likes_are_given_and_received(connection: Connection) -> None:
    author, other, fan = person(connection), person(connection), person(connection)
    liked, farm = post(connection, author), post(connection, business(connection, author), "business")
    given = like(connection, liked, fan)
    like(connection, farm, fan)  # nobody in person receives it
    assert counts(connection, "soc_posts", liked, "likes") == (1,)
    assert counts(connection, "usr_stats", fan, "likes_given", "likes_received") == (2, 0)
    assert received(connection, author) == 1

    connection.execute("update soc_post_likes set post_id = %s where id = %s", [post(connection, other), given])
    assert (received(connection, author), received(connection, other)) == (0, 1)
    connection.execute("update soc_post_likes set post_id = %s where id = %s", [liked, given])
    connection.execute(f"update soc_posts set {IN_THE_TRASH} where id = %s".encode(), [liked])
    assert received(connection, author) == 1  # the likes are still there, and the post may come back
    connection.execute("delete from soc_post_likes where id = %s", [given])
    assert (received(connection, author), received(connection, other)) == (0, 0)
    assert right(connection)


@pytest.mark.parametrize("gone", ["post", "fan", "both", "author"])
def test_cascades_take_every_like_from_every_counter(connection: Connection, gone: str) -> None:
    author, fan, other = person(connection), person(connection), person(connection)
    liked, kept = post(connection, author), post(connection, author)
    for each in (liked, kept):
        like(connection, each, fan)
        like(connection, each, other)
        insert(connection, "soc_comment_likes", comment_id=comment(connection, each, fan), profile_id=other)
    if gone in ("post", "both"):
        connection.execute("delete from soc_posts where id = %s", [liked])
    if gone in ("fan", "both"):
        connection.execute("delete from profiles where id = %s", [fan])
    if gone == "author":
        connection.execute("delete from profiles where id = %s", [author])
    else:
        assert received(connection, author) == {"post": 2, "fan": 2, "both": 1}[gone]
    assert right(connection)


def test_comments_and_shares_count_while_they_are_visible(connection: Connection) -> None:
    author, other = person(connection), person(connection)
    first, second = post(connection, author), post(connection, author)
    made, shared = comment(connection, first, other), share(connection, other, first)
    assert counts(connection, "soc_posts", first, "comments", "shares") == (1, 1)
    for table, row in (("soc_post_comments", made), ("soc_posts", shared)):
        connection.execute(f"update {table} set {IN_THE_TRASH} where id = %s".encode(), [row])
    assert counts(connection, "soc_posts", first, "comments", "shares") == (0, 0)
    assert counts(connection, "usr_stats", other, "comments", "posts") == (0, 0)
    for table, row, key in (("soc_post_comments", made, "post_id"), ("soc_posts", shared, "shared_post_id")):
        connection.execute(f"update {table} set {OUT_OF_THE_TRASH}, {key} = %s where id = %s".encode(), [second, row])
    assert counts(connection, "soc_posts", second, "comments", "shares") == (1, 1)
    connection.execute("delete from soc_posts where id = %s", [second])
    assert value(connection, "select shared_post_id is null from soc_posts where id = %s", shared) is True
    assert right(connection)


def test_a_thread_stays_together(connection: Connection) -> None:
    author = person(connection)
    first, second = post(connection, author), post(connection, author)
    top = comment(connection, first, author)
    reply = comment(connection, first, author, top)
    comment(connection, first, author, reply)
    parent = "select post_id from soc_post_comments where id = %s"

    refused(
        connection, errors.ForeignKeyViolation, "update soc_post_comments set post_id = %s where id = %s", second, reply
    )
    other = comment(connection, first, author)
    refused(
        connection, errors.CheckViolation, "update soc_post_comments set parent_id = %s where id = %s", other, reply
    )
    with pytest.raises(errors.ForeignKeyViolation), connection.transaction():
        comment(connection, second, author, top)

    connection.execute("update soc_post_comments set post_id = %s where id = %s", [second, top])
    assert value(connection, parent, reply) == second
    assert counts(connection, "soc_posts", second, "comments") == (3,)
    connection.execute("delete from soc_post_comments where id = %s", [top])
    assert counts(connection, "soc_posts", second, "comments") == (0,)
    assert right(connection)


def test_a_post_keeps_its_author_and_goes_into_the_trash_with_them(connection: Connection) -> None:
    author, other = person(connection), person(connection)
    made = post(connection, author)
    move = "update soc_posts set author_id = %s where id = %s"
    assert "author" in str(refused(connection, errors.CheckViolation, move, other, made))
    with pytest.raises(errors.ForeignKeyViolation), connection.transaction():
        post(connection, uuid4())

    post(connection, business(connection, other), "business")
    post(connection, organization(connection, other), "organization")
    for table in ("profiles", "biz_profiles", "org_profiles"):
        connection.execute(f"delete from {table} where id in (select author_id from soc_posts)".encode())
    in_the_trash = "select count(*) from soc_posts where is_deleted and deleted_at = now()"
    assert value(connection, in_the_trash) == 3
    undelete = f"update soc_posts set {OUT_OF_THE_TRASH} where id = %s"
    refused(connection, errors.ForeignKeyViolation, undelete, made)


def test_being_liked_is_not_being_edited(connection: Connection) -> None:
    author = person(connection)
    made = post(connection, author)
    connection.execute("update soc_posts set updated_at = '2020-01-01'")
    like(connection, made, author)
    comment(connection, made, author)
    insert(connection, "soc_post_reports", post_id=made, reporter_id=author, reason="spam")
    edited = "select updated_at > '2020-01-02' from soc_posts where id = %s"
    assert value(connection, edited, made) is False
    connection.execute("update soc_posts set content = 'Rates are down' where id = %s", [made])
    assert value(connection, edited, made) is True


def test_a_post_is_found_by_its_words_without_accents(connection: Connection) -> None:
    made = post(connection, person(connection), content="Rates in Nāmakkal")
    found = "select id from soc_posts where search @@ websearch_to_tsquery('simple', %s)"
    assert value(connection, found, "namakkal rates") == made
    assert value(connection, found, "pune") is None


def test_a_post_is_flagged_while_a_report_is_pending(connection: Connection) -> None:
    author, other = person(connection), person(connection)
    first, second = post(connection, author), post(connection, author)
    flagged = "select array_agg(id) from soc_posts where is_flagged"
    one = insert(connection, "soc_post_reports", post_id=first, reporter_id=other, reason="spam")
    insert(connection, "soc_post_reports", post_id=first, reporter_id=author, reason="other", description="no egg")
    decide = "update soc_post_reports set status = 'dismissed', reviewed_at = now(), reviewed_by = %s where id = %s"
    connection.execute(decide, [author, one])
    assert value(connection, flagged) == [first]
    connection.execute("update soc_post_reports set post_id = %s where reporter_id = %s", [second, author])
    assert value(connection, flagged) == [second]
    connection.execute("delete from soc_post_reports where reporter_id = %s", [author])
    assert value(connection, flagged) is None

    connection.execute("delete from profiles where id = %s", [author])  # the decision outlives who made it
    assert (
        value(connection, "select status from soc_post_reports where reviewed_by is null and id = %s", one)
        == "dismissed"
    )


def test_a_poll_takes_votes_for_its_choices_while_it_is_open(connection: Connection) -> None:
    author, voter = person(connection), person(connection)
    poll = post(connection, author, post_type="poll", poll_options='["up", "down"]')
    vote = "insert into soc_poll_votes (post_id, profile_id, option_index) values (%s, %s, %s)"
    refused(connection, errors.CheckViolation, vote, post(connection, author), voter, 0)
    refused(connection, errors.CheckViolation, vote, poll, voter, -7)
    refused(connection, errors.CheckViolation, vote, poll, voter, 2)
    refused(connection, errors.ForeignKeyViolation, vote, uuid4(), voter, 0)
    options = 'update soc_posts set poll_options = \'["up", "same", "down"]\' where id = %s'
    connection.execute(options, [poll])
    connection.execute(vote, [poll, voter, 2])
    refused(connection, errors.CheckViolation, options.replace("same", "flat"), poll)
    connection.execute("update soc_poll_votes set option_index = 0 where profile_id = %s", [voter])
    refused(
        connection, errors.CheckViolation, "update soc_poll_votes set option_index = 3 where profile_id = %s", voter
    )
    refused(connection, errors.UniqueViolation, vote, poll, voter, 1)

    connection.execute("update soc_posts set poll_ends_at = now() - interval '1 day' where id = %s", [poll])
    refused(connection, errors.CheckViolation, vote, poll, author, 1)
    connection.execute("delete from soc_posts where id = %s", [poll])
    assert value(connection, "select count(*) from soc_poll_votes") == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"author_type": "robot"},
        {"content": "x" * 5001},
        {"content": " "},
        {"post_type": "story"},
        {"visibility": "friends"},
        {"post_type": "poll"},
        {"poll_options": '["a", "b"]'},
        {"post_type": "poll", "poll_options": '["a"]'},
        {"post_type": "poll", "poll_options": '{"a": "b"}'},
        {"post_type": "poll", "poll_options": '["a", 1]'},
        {"post_type": "poll", "poll_options": '["a", ""]'},
        {"poll_ends_at": "2030-01-01"},
        {"post_type": "shared"},
        {"is_deleted": True},
        {"deleted_at": "2024-01-01"},
        {"likes_count": -1},
        {"media_metadata": "[]"},
    ],
)
def test_a_post_refuses_nonsense(connection: Connection, columns: dict[str, Any]) -> None:
    with pytest.raises(errors.CheckViolation):
        post(connection, person(connection), **columns)


def test_a_share_shares_another_post(connection: Connection) -> None:
    author = person(connection)
    first = post(connection, author)
    refused(connection, errors.CheckViolation, "update soc_posts set post_type = 'shared' where id = %s", first)
    passed_on = share(connection, author, first)
    refused(connection, errors.CheckViolation, "update soc_posts set shared_post_id = id where id = %s", passed_on)
    connection.execute("delete from soc_posts where id = %s", [first])
    connection.execute("update soc_posts set post_type = 'shared', content = 'Gone' where id = %s", [passed_on])


@pytest.mark.parametrize("table", ["soc_post_likes", "soc_post_bookmarks"])
def test_a_person_does_it_once(connection: Connection, table: str) -> None:
    author = person(connection)
    made = post(connection, author)
    insert(connection, table, post_id=made, profile_id=author)
    with pytest.raises(errors.UniqueViolation):
        insert(connection, table, post_id=made, profile_id=author)


# ---------------------------------------------------------------------------------------------
# Connections, follows, blocks, suggestions


def connections(connection: Connection, *people: UUID) -> tuple[int, ...]:
    return tuple(counts(connection, "profiles", someone, "connections")[0] for someone in people)


def test_only_accepted_connections_count(connection: Connection) -> None:
    one, other, third = (person(connection) for _ in range(3))
    made = connect(connection, one, other, "pending")
    assert connections(connection, one, other) == (0, 0)
    for status, number in (("accepted", 1), ("declined", 0), ("accepted", 1), ("pending", 0), ("accepted", 1)):
        connection.execute("update soc_connections set status = %s where id = %s", [status, made])
        assert connections(connection, one, other) == (number, number)
    connect(connection, third, one)
    has = "select has_connections from usr_completeness_checks where profile_id = %s"
    assert (value(connection, has, third), value(connection, has, other)) == (True, True)
    connection.execute("delete from profiles where id = %s", [third])
    assert connections(connection, one, other) == (1, 1)
    connection.execute("delete from soc_connections where id = %s", [made])
    assert connections(connection, one, other) == (0, 0)
    assert value(connection, has, other) is False
    assert right(connection)


def test_the_answer_to_a_request_has_its_time(connection: Connection) -> None:
    made = connect(connection, person(connection), person(connection), "pending")
    answered = "select responded_at = now(), responded_at::date::text from soc_connections where id = %s"

    def change(statement: str) -> tuple[bool | None, str | None]:
        connection.execute(f"update soc_connections set {statement} where id = %s".encode(), [made])
        found = connection.execute(answered, [made]).fetchone()
        assert found is not None
        return found[0], found[1]

    assert change("requested_at = now()") == (None, None)
    assert change("status = 'declined', responded_at = '2024-01-01'") == (False, "2024-01-01")
    assert change("status = 'accepted'")[0] is True
    assert change("responded_at = '2024-02-01'") == (False, "2024-02-01")
    assert change("responded_at = null")[0] is True
    assert change("status = 'pending'") == (None, None)


def test_a_connection_is_between_two_of_whom_one_asked(connection: Connection) -> None:
    first, second, third = sorted(person(connection) for _ in range(3))
    statement = "insert into soc_connections (profile_id_1, profile_id_2, requested_by) values (%s, %s, %s)"
    refused(connection, errors.CheckViolation, statement, second, first, first)
    refused(connection, errors.CheckViolation, statement, first, first, first)
    refused(connection, errors.CheckViolation, statement, first, second, third)
    connection.execute(statement, [first, second, second])
    refused(connection, errors.UniqueViolation, statement, first, second, first)
    refused(connection, errors.CheckViolation, "update soc_connections set status = 'blocked'")


def test_a_follow_counts_for_who_is_followed_and_for_the_person_who_follows(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    farm, club = business(connection, one), organization(connection, one)
    people = ("individual", one), ("individual", other)
    made = follow(connection, *people)
    for pair in (
        (people[0], ("business", farm)),
        (("business", farm), people[1]),
        (("organization", club), ("business", farm)),
    ):
        follow(connection, *pair)
    follow(connection, people[1], ("organization", club))
    assert counts(connection, "profiles", one, "following", "followers") == (2, 0)
    assert counts(connection, "profiles", other, "following", "followers") == (1, 2)
    assert counts(connection, "biz_profiles", farm, "followers") == (2,)
    assert counts(connection, "org_profiles", club, "followers") == (1,)

    turn = "update soc_follows set following_type = 'business', following_id = %s where id = %s"
    connection.execute(turn, [business(connection, one), made])
    assert counts(connection, "profiles", other, "followers") == (1,)
    assert right(connection)
    connection.execute("delete from biz_profiles where id = %s", [farm])
    assert right(connection)
    connection.execute("delete from org_profiles where id = %s", [club])
    assert right(connection)
    connection.execute("delete from profiles where id = %s", [other])
    assert value(connection, "select count(*) from soc_follows") == 1
    assert right(connection)


@pytest.mark.parametrize("kind", ["individual", "business", "organization"])
def test_who_is_gone_neither_follows_nor_is_followed(connection: Connection, kind: str) -> None:
    owner = person(connection)
    makers: dict[str, tuple[str, Callable[[], UUID]]] = {
        "individual": ("profiles", lambda: person(connection)),
        "business": ("biz_profiles", lambda: business(connection, owner)),
        "organization": ("org_profiles", lambda: organization(connection, owner)),
    }
    table, make = makers[kind]
    one, other = make(), make()
    follow(connection, (kind, one), ("individual", owner))
    follow(connection, ("individual", owner), (kind, other))
    for gone, left in ((one, 1), (other, 0)):
        connection.execute(f"delete from {table} where id = %s".encode(), [gone])
        assert value(connection, "select count(*) from soc_follows") == left
        assert right(connection)


def test_a_follow_is_of_another_that_exists(connection: Connection) -> None:
    someone = person(connection)
    for follower, following, error in (
        (("individual", someone), ("individual", someone), errors.CheckViolation),
        (("robot", someone), ("individual", person(connection)), errors.CheckViolation),
        (("individual", someone), ("business", someone), errors.ForeignKeyViolation),
        (("individual", uuid4()), ("individual", someone), errors.ForeignKeyViolation),
    ):
        with pytest.raises(error), connection.transaction():
            follow(connection, follower, following)


def test_a_block_parts_the_two_and_nobody_else(connection: Connection) -> None:
    one, other, third = (person(connection) for _ in range(3))
    everybody = [(one, other), (other, one), (one, third), (third, other)]
    for follower, following in everybody:
        follow(connection, ("individual", follower), ("individual", following))
        suggestion = {"profile_id": follower, "suggested_profile_id": following, "reason": "same_role"}
        insert(connection, "soc_connection_suggestions", **suggestion)
    connect(connection, one, other)
    connect(connection, third, other)
    insert(connection, "soc_blocks", blocker_id=other, blocked_id=one, reason="spam")

    left = connection.execute("select follower_id, following_id from soc_follows").fetchall()
    assert sorted(left) == sorted(everybody[2:])
    assert value(connection, "select count(*) from soc_connection_suggestions") == 2
    assert connections(connection, one, other, third) == (0, 1, 1)
    connection.execute("update soc_blocks set blocked_id = %s", [third])
    assert connections(connection, one, other, third) == (0, 0, 0)
    assert right(connection)
    refused(connection, errors.CheckViolation, "update soc_blocks set blocked_id = blocker_id")


@pytest.mark.parametrize(
    "change",
    ["suggested_profile_id = profile_id", "score = 1.01", "score = -0.01", "reason = 'looks'", "status = 'new'"],
)
def test_a_suggestion_refuses_nonsense(connection: Connection, change: str) -> None:
    columns = {"profile_id": person(connection), "suggested_profile_id": person(connection)}
    insert(connection, "soc_connection_suggestions", reason="algorithm", score=1, **columns)
    refused(connection, errors.CheckViolation, f"update soc_connection_suggestions set {change}")


# ---------------------------------------------------------------------------------------------
# Every counter, after anything


def anything(connection: Connection, chance: random.Random, people: list[UUID], pages: list[tuple[str, UUID]]) -> None:
    """One change of some kind; the schema may refuse it."""
    one, other = chance.sample(people, 2)
    page, follower = chance.choice(pages), chance.choice(pages)

    def some(table: str) -> UUID | None:
        found: UUID | None = value(connection, f"select id from {table} order by random() limit 1")
        return found

    def change(table: str, assignment: str, *params: object) -> None:
        connection.execute(f"update {table} set {assignment} where id = %s".encode(), [*params, some(table)])

    def remove() -> None:
        table = chance.choice(["soc_posts", "soc_post_likes", "soc_post_comments", "soc_comment_likes", "soc_follows",
            "soc_connections", "soc_post_reports", "soc_blocks"])  # fmt: skip
        connection.execute(f"delete from {table} where id = %s".encode(), [some(table)])

    def trash() -> None:
        change(chance.choice(["soc_posts", "soc_post_comments"]), chance.choice([IN_THE_TRASH, OUT_OF_THE_TRASH]))

    def decide() -> None:
        change("soc_connections", "status = %s", chance.choice(["pending", "accepted", "declined"]))

    acts: list[Callable[[], object]] = [
        lambda: post(connection, page[1], page[0]),
        lambda: share(connection, one, some("soc_posts")),
        lambda: insert(connection, "soc_post_likes", post_id=some("soc_posts"), profile_id=one),
        lambda: insert(connection, "soc_post_likes", post_id=some("soc_posts"), profile_id=other),
        lambda: insert(connection, "soc_comment_likes", comment_id=some("soc_post_comments"), profile_id=one),
        lambda: insert(connection, "soc_post_comments", post_id=some("soc_posts"), profile_id=one, content="x"),
        lambda: insert(connection, "soc_post_reports", post_id=some("soc_posts"), reporter_id=one, reason="spam"),
        lambda: insert(connection, "soc_blocks", blocker_id=one, blocked_id=other),
        lambda: connect(connection, one, other, chance.choice(["pending", "accepted"])),
        lambda: follow(connection, follower, page),
        lambda: change("soc_post_likes", "post_id = %s", some("soc_posts")),
        lambda: change("soc_post_comments", "post_id = %s", some("soc_posts")),
        lambda: change("soc_follows", "following_type = %s, following_id = %s", *page),
        lambda: change("soc_posts", "shared_post_id = %s", some("soc_posts")),
        decide, trash, remove,
    ]  # fmt: skip
    chance.choice(acts)()


def test_every_counter_equals_its_recount_after_anything(connection: Connection) -> None:
    chance = random.Random(1)
    people = [person(connection) for _ in range(5)]
    pages = [("individual", someone) for someone in people]
    pages += [("business", business(connection, people[0])), ("organization", organization(connection, people[0]))]
    done = 0
    connection.execute("select setseed(0.1)")
    for _ in range(400):
        try:
            with connection.transaction():
                anything(connection, chance, people, pages)
            done += 1
        except errors.IntegrityError:
            pass  # done already, or not allowed
    assert done > 200
    assert right(connection)
    connection.execute("delete from profiles where id = any (%s)", [people[1:3]])
    connection.execute("delete from biz_profiles")
    connection.execute("delete from org_profiles")
    assert right(connection)
    assert value(connection, "select count(*) from soc_posts") > 0


def test_two_who_like_and_follow_each_other_do_not_wait_for_each_other(deployed: str) -> None:
    with psycopg.connect(deployed, autocommit=True) as connection:
        pair = [person(connection), person(connection)]
        posts = [post(connection, someone) for someone in pair]

        def act(mine: int) -> None:
            me, them = ("individual", pair[mine]), ("individual", pair[1 - mine])
            with psycopg.connect(deployed, autocommit=True) as session:
                session.execute("set deadlock_timeout = '20ms'")
                for _ in range(60):
                    like(session, posts[1 - mine], me[1])
                    follow(session, me, them)
                    session.execute("delete from soc_post_likes where profile_id = %s", [me[1]])
                    session.execute("delete from soc_follows where follower_id = %s", [me[1]])

        with meanwhile(lambda: act(0)):
            act(1)
        assert right(connection)
        connection.execute("delete from auth.users where id = any (%s)", [pair])
        connection.execute("delete from soc_posts")


@pytest.mark.parametrize(
    "act",
    [
        comment,
        lambda session, on, author: share(session, author, on),
        lambda session, on, author: session.execute(f"update soc_posts set {IN_THE_TRASH} where id = %s", [on]),
    ],
    ids=["comments", "shares", "trashes"],
)
def test_who_likes_a_post_and_its_author_do_not_wait_for_each_other(
    deployed: str, act: Callable[[Connection, UUID, UUID], object]
) -> None:
    """The liker comes first and waits for the author's numbers; the author then must not hold what the liker wants."""
    with (
        psycopg.connect(deployed) as holder,
        psycopg.connect(deployed, autocommit=True) as liker,
        psycopg.connect(deployed, autocommit=True) as writer,
        ThreadPoolExecutor(2) as threads,
    ):
        author, fan = person(holder), person(holder)
        on = post(holder, author)
        holder.commit()
        holder.execute("select from usr_stats where profile_id = %s for update", [author])
        liked = threads.submit(like, liker, on, fan)
        wait_for_a_lock(holder, liker)
        done = threads.submit(act, writer, on, author)
        wait_for_a_lock(holder, writer)
        holder.commit()
        liked.result(timeout=30)
        done.result(timeout=30)
        assert right(holder)
        holder.execute("delete from auth.users where id = any (%s)", [[author, fan]])
        holder.execute("delete from soc_posts")
