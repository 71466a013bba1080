"""File 999, feed: who reads what, in which order and in which pages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, business, organization, person, value
from tests.schema_soc_rows import IN_THE_TRASH, comment, connect, follow, insert, like, post, share

RELATIONS = ("oneself", "connected", "asked", "followed", "a stranger")
VISIBILITIES = ("public", "connections", "private")
OBSTACLES = ("nothing", "author blocks", "reader blocks", "banned", "was banned")
TIERS = {"oneself": 1.0, "connected": 0.9, "followed": 0.8, "asked": 0.5, "a stranger": 0.5}


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def feed(connection: Connection, reader: UUID | None, limit: int | None = 100, offset: int | None = 0) -> list[UUID]:
    """The posts of a reader's feed, in its order."""
    query = "select post_id from get_personalized_feed(%s, %s, %s)"
    return [row[0] for row in connection.execute(query, [reader, limit, offset]).fetchall()]


def relate(connection: Connection, reader: UUID, relation: str) -> UUID:
    """An author who is that to the reader."""
    if relation == "oneself":
        return reader
    author = person(connection, relation)
    if relation in ("connected", "asked"):
        connect(connection, author, reader, "accepted" if relation == "connected" else "pending")
    elif relation == "followed":
        follow(connection, ("individual", reader), ("individual", author))
    return author


def obstruct(connection: Connection, reader: UUID, author: UUID, obstacle: str) -> None:
    """Put something between an author and a reader, whatever is between them already."""
    connection.execute("set local session_replication_role = replica")  # a block would remove what joins the two
    if obstacle == "author blocks":
        insert(connection, "soc_blocks", blocker_id=author, blocked_id=reader)
    elif obstacle == "reader blocks":
        insert(connection, "soc_blocks", blocker_id=reader, blocked_id=author)
    elif obstacle != "nothing":
        over = {"ban_type": "temporary", "banned_until": "2020-01-01"} if obstacle == "was banned" else {}
        insert(
            connection, "adm_banned_users", **{"profile_id": author, "reason": "Spam", "ban_type": "permanent"} | over
        )
    connection.execute("set local session_replication_role = origin")


def test_who_reads_what(connection: Connection) -> None:
    """Every relation x visibility x obstacle, each with an author and a reader of its own."""
    wrong = []
    for relation, visibility, obstacle in product(RELATIONS, VISIBILITIES, OBSTACLES):
        if relation == "oneself" and "blocks" in obstacle:
            continue  # nobody blocks themselves
        with connection.transaction(force_rollback=True):
            reader = person(connection)
            author = relate(connection, reader, relation)
            written = post(connection, author, visibility=visibility)
            obstruct(connection, reader, author, obstacle)
            may_read = (
                visibility == "public"
                or relation == "oneself"
                or (visibility == "connections" and relation == "connected")
            ) and obstacle in ("nothing", "was banned")
            if feed(connection, reader) != ([written] if may_read else []):
                wrong.append((relation, visibility, obstacle, may_read))
    assert wrong == []


@pytest.mark.parametrize("kind", ["business", "organization"])
def test_followers_read_what_a_business_or_organization_writes_for_them(connection: Connection, kind: str) -> None:
    owner, follower, friend = person(connection), person(connection), person(connection)
    author = business(connection, owner) if kind == "business" else organization(connection, owner)
    follow(connection, ("individual", follower), (kind, author))
    connect(connection, owner, friend)
    follow(connection, ("individual", friend), ("individual", owner))
    posts = {seen: post(connection, author, kind, visibility=seen) for seen in VISIBILITIES}
    assert set(feed(connection, follower)) == {posts["public"], posts["connections"]}
    assert feed(connection, friend) == [posts["public"]]  # to know the owner is not to follow
    scores = "select relevance_score from get_personalized_feed(%s) where post_id = %s"
    assert value(connection, scores, follower, posts["public"]) == pytest.approx(0.8)
    assert value(connection, scores, friend, posts["public"]) == pytest.approx(0.5)


def test_nobody_reads_what_a_business_in_the_trash_wrote(connection: Connection) -> None:
    owner, follower = person(connection), person(connection)
    farm = business(connection, owner)
    follow(connection, ("individual", follower), ("business", farm))
    written = {post(connection, farm, "business", visibility=seen) for seen in ("public", "connections")}
    assert set(feed(connection, follower)) == written
    connection.execute(f"update biz_profiles set {IN_THE_TRASH} where id = %s", [farm])
    assert feed(connection, follower) == []


def test_a_share_is_read_as_a_post_of_who_shares_it(connection: Connection) -> None:
    reader, friend, stranger = person(connection), person(connection), person(connection)
    connect(connection, reader, friend)
    hidden = post(connection, stranger, visibility="private")
    passed_on = share(connection, friend, hidden)
    assert feed(connection, reader) == [passed_on]  # the share stands there; what it shares stays with its author
    row = connection.execute("select author_id, post_type, content from get_personalized_feed(%s)", [reader]).fetchone()
    assert row == (friend, "shared", None)


def test_only_posts_of_thirty_days_that_are_not_in_the_trash(connection: Connection) -> None:
    reader = person(connection)
    moments = ("now() - interval '29 days 23 hours'", "now() - interval '30 days 1 hour'", "now() + interval '1 hour'")
    made = [post(connection, reader, created_at=value(connection, f"select {moment}")) for moment in moments]
    gone = post(connection, reader)
    connection.execute(f"update soc_posts set {IN_THE_TRASH} where id = %s".encode(), [gone])
    assert feed(connection, reader) == made[:1]


def test_a_nearer_author_comes_first_whatever_the_others_have_earned(connection: Connection) -> None:
    reader = person(connection)
    posts = {relation: post(connection, relate(connection, reader, relation)) for relation in RELATIONS}
    for place, relation in enumerate(("oneself", "connected", "followed", "a stranger")):
        earned = 0 if place == 0 else 1_000_000
        connection.execute(
            "update soc_posts set likes_count = %s, comments_count = %s, shares_count = %s where id = %s",
            [earned, earned, earned, posts[relation]],
        )
    by_tier = [posts[relation] for relation in ("oneself", "connected", "followed", "a stranger", "asked")]
    assert feed(connection, reader) == by_tier
    connection.execute("update soc_posts set likes_count = 0, comments_count = 0, shares_count = 0")
    scores = dict(connection.execute("select post_id, relevance_score from get_personalized_feed(%s)", [reader]))
    assert {relation: scores[posts[relation]] for relation in RELATIONS} == pytest.approx(TIERS)


def test_a_score_halves_in_two_days_and_grows_with_comments_more_than_with_likes(connection: Connection) -> None:
    reader, stranger = person(connection), person(connection)
    old = post(connection, stranger, created_at=value(connection, "select now() - interval '2 days'"))
    liked, discussed, plain = (post(connection, stranger) for _ in range(3))
    like(connection, liked, stranger)
    comment(connection, discussed, stranger)
    rows = connection.execute("select post_id, relevance_score from get_personalized_feed(%s)", [reader]).fetchall()
    assert [row[0] for row in rows] == [discussed, liked, plain, old]
    assert [row[1] for row in rows] == pytest.approx([0.5 + 0.09 * 2 / 52, 0.5 + 0.09 / 51, 0.5, 0.25])


@pytest.mark.parametrize("reader", [None, UUID(int=7)])
def test_nobody_reads_nothing(connection: Connection, reader: UUID | None) -> None:
    post(connection, person(connection))
    assert feed(connection, reader) == []
    assert value(connection, "select count(*) from get_personalized_feed_after(%s, now())", reader) == 0
    assert value(connection, "select count(*) from get_connection_recommendations(%s)", reader) == 0


def many_posts(connection: Connection, number: int) -> UUID:
    """A reader with so many posts of a friend and a stranger to read, many of them of the same moment."""
    reader, friend, stranger = person(connection), person(connection), person(connection)
    connect(connection, reader, friend)
    connection.execute(
        "insert into soc_posts (author_type, author_id, content, created_at)"
        " select 'individual', case when n %% 2 = 0 then %s else %s end::uuid, 'Rates',"
        " now() - n / 7 * interval '1 hour' from generate_series(1, %s) n",
        [friend, stranger, number],
    )
    return reader


def test_limits_and_offsets_stay_within_bounds(connection: Connection) -> None:
    reader = many_posts(connection, 130)
    limits = {None: 20, 0: 1, -5: 1, 7: 7, 1000: 100}
    assert {limit: len(feed(connection, reader, limit)) for limit in limits} == limits
    assert feed(connection, reader, 5, -3) == feed(connection, reader, 5, None) == feed(connection, reader, 5)
    assert (len(feed(connection, reader, 100, 100)), feed(connection, reader, 5, 1000)) == (30, [])


def pages(connection: Connection, reader: UUID, as_of: Any, between: Any = lambda: None) -> list[UUID]:
    """The whole feed by pages of 7, each after the last post of the page before."""
    query = """select post_id, relevance_score, created_at
        from get_personalized_feed_after(%s, %s, 7, %s, %s, %s)"""
    found: list[UUID] = []
    last: tuple[Any, ...] = (None, None, None)
    while rows := connection.execute(query, [reader, as_of, last[1], last[2], last[0]]).fetchall():
        found += [row[0] for row in rows]
        last = rows[-1]
        between()
    return found


def test_pages_by_offset_and_by_last_post_give_the_same_complete_sequence(connection: Connection) -> None:
    reader = many_posts(connection, 60)
    whole = feed(connection, reader)
    assert len(set(whole)) == 60
    assert [each for offset in range(0, 63, 7) for each in feed(connection, reader, 7, offset)] == whole
    assert pages(connection, reader, value(connection, "select now()")) == whole


def test_posts_written_meanwhile_do_not_shift_the_pages_after_a_post(connection: Connection) -> None:
    reader = many_posts(connection, 30)
    as_of = value(connection, "select now()")
    whole = feed(connection, reader)
    later = "select now() + interval '1 second'"
    seen = pages(connection, reader, as_of, lambda: post(connection, reader, created_at=value(connection, later)))
    assert seen == whole
