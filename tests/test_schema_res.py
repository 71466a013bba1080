"""File 80: resources, their categories, and what members do with them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_evt_rows import resource
from tests.schema_rows import Connection, person, refused, value

LONG_AGO = "2020-01-01 00:00+00"


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def comment(connection: Connection, on: UUID, parent: UUID | None = None, author: UUID | None = None) -> UUID:
    query = "insert into res_comments (resource_id, profile_id, parent_id, content) values (%s, %s, %s, 'Well said.')"
    made: UUID = value(connection, f"{query} returning id", on, author or person(connection), parent)
    return made


def comments(connection: Connection, on: UUID) -> int:
    return int(value(connection, "select comments_count from res_resources where id = %s", on))


@pytest.mark.parametrize(
    ("table", "counter"),
    [("res_likes", "likes_count"), ("res_bookmarks", "bookmarks_count"), ("res_views", "views_count")],
)
def test_the_counters_follow_their_rows(connection: Connection, table: str, counter: str) -> None:
    one, other, gone = resource(connection), resource(connection), person(connection)
    name = sql.Identifier(table)
    insert = sql.SQL("insert into {} (resource_id, profile_id) values (%s, %s)").format(name)
    counts = f"select array(select {counter} from res_resources where id in (%s, %s) order by id = %s)"
    for someone in (gone, person(connection)):
        connection.execute(insert, [one, someone])
    assert value(connection, counts, one, other, other) == [2, 0]
    connection.execute(sql.SQL("update {} set resource_id = %s where profile_id = %s").format(name), [other, gone])
    assert value(connection, counts, one, other, other) == [1, 1]
    connection.execute("delete from profiles where id = %s", [gone])
    assert value(connection, counts, one, other, other) == [1, 1 if table == "res_views" else 0]
    connection.execute(sql.SQL("delete from {}").format(name))
    assert value(connection, counts, one, other, other) == [0, 0]


@pytest.mark.parametrize("table", ["res_likes", "res_bookmarks"])
def test_everybody_likes_and_keeps_a_resource_once(connection: Connection, table: str) -> None:
    made, someone = resource(connection), person(connection)
    insert = f"insert into {table} (resource_id, profile_id) values (%s, %s)"
    connection.execute(insert.encode(), [made, someone])
    refused(connection, errors.UniqueViolation, insert, made, someone)


def test_a_view_outlives_who_looked(connection: Connection) -> None:
    made, someone = resource(connection), person(connection)
    insert = "insert into res_views (resource_id, profile_id, ip_address) values (%s, %s, '::1'), (%s, null, null)"
    connection.execute(insert, [made, someone, made])
    connection.execute("delete from profiles where id = %s", [someone])
    assert connection.execute("select profile_id from res_views").fetchall() == [(None,), (None,)]
    connection.execute("delete from res_resources where id = %s", [made])
    assert value(connection, "select count(*) from res_views") == 0


def test_comments_count_while_they_are_visible(connection: Connection) -> None:
    one, other = resource(connection), resource(connection)
    first = comment(connection, one)
    reply, author = comment(connection, one, first), person(connection)
    comment(connection, one, reply, author)
    assert comments(connection, one) == 3

    delete = "update res_comments set is_deleted = %s, deleted_at = %s where id = %s"
    connection.execute(delete, [True, LONG_AGO, first])
    assert comments(connection, one) == 2
    connection.execute(delete, [False, None, first])
    assert comments(connection, one) == 3
    connection.execute("delete from profiles where id = %s", [author])
    assert comments(connection, one) == 2
    connection.execute("delete from res_comments where id = %s", [first])  # and what answers it
    assert comments(connection, one) == 0

    moved = comment(connection, one)
    connection.execute("update res_comments set resource_id = %s where id = %s", [other, moved])
    assert (comments(connection, one), comments(connection, other)) == (0, 1)


def test_a_reply_answers_a_comment_on_the_same_resource(connection: Connection) -> None:
    one, other = resource(connection), resource(connection)
    first, elsewhere, someone = comment(connection, one), comment(connection, other), person(connection)
    insert = "insert into res_comments (resource_id, profile_id, parent_id, content) values (%s, %s, %s, 'Yes.')"
    refused(connection, errors.ForeignKeyViolation, insert, one, someone, elsewhere)
    own = """insert into res_comments (id, resource_id, profile_id, parent_id, content)
        values ('00000000-0000-4000-8000-000000000001', %s, %s, '00000000-0000-4000-8000-000000000001', 'Yes.')"""
    refused(connection, errors.CheckViolation, own, one, someone)

    reply = comment(connection, one, first)
    for change in ("parent_id = null", f"parent_id = '{comment(connection, one)}'"):
        refused(connection, errors.CheckViolation, f"update res_comments set {change} where id = %s", reply)
    refused(
        connection, errors.ForeignKeyViolation, "update res_comments set resource_id = %s where id = %s", other, reply
    )


@pytest.mark.parametrize(
    "change", ["content = ' '", "content = repeat('x', 1001)", "is_deleted = true", "deleted_at = now()"]
)
def test_a_comment_refuses_nonsense(connection: Connection, change: str) -> None:
    made = comment(connection, resource(connection))
    refused(connection, errors.CheckViolation, f"update res_comments set {change} where id = %s", made)


def test_the_likes_of_a_comment_count(connection: Connection) -> None:
    made = resource(connection)
    one, other, someone = comment(connection, made), comment(connection, made), person(connection)
    insert = "insert into res_comment_likes (comment_id, profile_id) values (%s, %s)"
    counts = "select array(select likes_count from res_comments order by id = %s)"
    connection.execute(insert, [one, someone])
    connection.execute(insert, [one, person(connection)])
    refused(connection, errors.UniqueViolation, insert, one, someone)
    connection.execute("update res_comment_likes set comment_id = %s where profile_id = %s", [other, someone])
    assert value(connection, counts, other) == [1, 1]
    connection.execute("delete from profiles where id = %s", [someone])
    assert value(connection, counts, other) == [1, 0]
    connection.execute("delete from res_resources where id = %s", [made])
    assert value(connection, "select count(*) from res_comment_likes") == 0


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (errors.CheckViolation, "title = '  '"),
        (errors.CheckViolation, "slug = 'Clean Sheds'"),
        (errors.CheckViolation, "description = repeat('x', 501)"),
        (errors.CheckViolation, "content = repeat('x ', 50001)"),
        (errors.CheckViolation, "type = 'song'"),
        (errors.CheckViolation, "tags = array['eggs', null]"),
        (errors.CheckViolation, "reading_time_minutes = 0"),
        (errors.CheckViolation, "file_url = 'javascript:alert(1)'"),
        (errors.CheckViolation, "status = 'hidden'"),
        (errors.CheckViolation, "published_at = null"),
        (errors.CheckViolation, "status = 'draft'"),  # with a date
        (errors.CheckViolation, "shares_count = -1"),
        (errors.ForeignKeyViolation, "author_id = gen_random_uuid()"),
        (errors.ForeignKeyViolation, "category_id = gen_random_uuid()"),
    ],
)
def test_a_resource_refuses_nonsense(connection: Connection, error: type[psycopg.Error], change: str) -> None:
    refused(connection, error, f"update res_resources set {change} where id = %s", resource(connection))


def test_the_longest_content_can_be_searched(connection: Connection) -> None:
    made = resource(connection)
    letters = "(select string_agg(chr(131072 + n) || n, ' ') from generate_series(1, 13000) n)"  # four bytes each
    connection.execute(f"update res_resources set content = left({letters}, 100000) where id = %s".encode(), [made])
    assert value(connection, "select length(search) > 12000 from res_resources where id = %s", made) is True


def test_an_archived_resource_keeps_its_date(connection: Connection) -> None:
    made = resource(connection)
    connection.execute("update res_resources set status = 'archived' where id = %s", [made])
    connection.execute("update res_resources set status = 'draft', published_at = null where id = %s", [made])
    connection.execute("update res_resources set status = 'archived' where id = %s", [made])


def test_a_resource_is_found_by_its_words_without_accents(connection: Connection) -> None:
    made = resource(connection)
    connection.execute(
        "update res_resources set description = 'Für Café', content = 'biosecurity' where id = %s", [made]
    )
    query = "select count(*) from res_resources where search @@ websearch_to_tsquery('simple', %s) and id = %s"
    assert [value(connection, query, word, made) for word in ("sheds", "cafe", "biosecurity", "pune")] == [1, 1, 1, 0]


def test_an_author_cannot_go_before_the_resources(connection: Connection) -> None:
    author = person(connection)
    made = resource(connection, author)
    refused(connection, errors.IntegrityError, "delete from auth.users where id = %s", author)
    connection.execute("delete from res_resources where id = %s", [made])
    assert connection.execute("delete from auth.users where id = %s", [author]).rowcount == 1


def test_liking_is_not_editing(connection: Connection) -> None:
    made = resource(connection)
    connection.execute("update res_resources set updated_at = %s where id = %s", [LONG_AGO, made])
    moved = "select updated_at > %s from res_resources where id = %s"
    connection.execute("insert into res_likes (resource_id, profile_id) values (%s, %s)", [made, person(connection)])
    comment(connection, made)
    assert value(connection, moved, LONG_AGO, made) is False
    connection.execute("update res_resources set content = 'Wash them.' where id = %s", [made])
    assert value(connection, moved, LONG_AGO, made) is True


def category(connection: Connection, slug: str, parent: UUID | None = None) -> UUID:
    query = "insert into res_categories (slug, name, parent_id) values (%s, %s, %s) returning id"
    made: UUID = value(connection, query, slug, slug, parent)
    return made


def test_a_category_cannot_stand_below_itself(connection: Connection) -> None:
    top = category(connection, "test-health")
    middle = category(connection, "test-vaccines", top)
    bottom = category(connection, "test-lasota", middle)
    move = "update res_categories set parent_id = %s where id = %s"
    for below in (top, middle, bottom):
        error = refused(connection, errors.CheckViolation, move, below, top)
        assert error.diag.constraint_name == "ck_res_categories_no_cycle"
    refused(connection, errors.ForeignKeyViolation, move, uuid4(), top)
    connection.execute(move, [top, bottom])

    connection.execute("delete from res_categories where id = %s", [top])
    orphans = connection.execute(
        "select slug from res_categories where id in (%s, %s) and parent_id is null", [middle, bottom]
    )
    assert {row[0] for row in orphans} == {"test-vaccines", "test-lasota"}


def test_a_category_in_use_stays(connection: Connection) -> None:
    used, made = category(connection, "test-health"), resource(connection)
    connection.execute("update res_resources set category_id = %s where id = %s", [used, made])
    refused(connection, errors.IntegrityError, "delete from res_categories where id = %s", used)
