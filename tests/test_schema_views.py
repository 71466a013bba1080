"""File 999, the lists of the day, and the refresh of every materialized view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_evt_rows import resource
from tests.schema_rows import Connection, person, series, value
from tests.schema_soc_rows import comment, insert, like, post

VIEWS = ("mv_popular_posts", "mv_trending_resources", "mv_active_users", "nec_monthly_averages", "nec_yoy_comparison")


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def refresh(connection: Connection) -> list[tuple[Any, ...]]:
    """(view, whether it is up to date) of each, in order."""
    return connection.execute("select view_name, is_ok from refresh_all_materialized_views()").fetchall()


ALL_FINE = [(view, True) for view in VIEWS]


def test_the_lists_of_the_day_hold_what_met_with_most(connection: Connection) -> None:
    one, other, idle, hidden = (person(connection) for _ in range(4))
    liked, discussed, plain = (post(connection, one) for _ in range(3))
    like(connection, liked, other)
    comment(connection, discussed, other)
    old = value(connection, "select now() - interval '8 days'")
    for left_out in ({"visibility": "connections"}, {"created_at": old}, {"is_deleted": True, "deleted_at": old}):
        post(connection, one, **left_out)
    seen, kept = resource(connection, one), resource(connection, one)
    connection.execute("update res_resources set published_at = now()")
    resource(connection, one)  # of 2025
    insert(connection, "res_views", resource_id=seen)
    insert(connection, "res_bookmarks", resource_id=kept, profile_id=other)
    connection.execute("update profiles set last_active_at = now() where id <> %s", [idle])
    connection.execute("update profiles set last_active_at = %s where id = %s", [old, idle])
    connection.execute("update profiles set is_public = false where id = %s", [hidden])
    assert refresh(connection) == ALL_FINE
    ordered = connection.execute("select id, engagement_score from mv_popular_posts order by engagement_score desc")
    assert ordered.fetchall() == [(discussed, 3), (liked, 2), (plain, 0)]
    ordered = connection.execute("select id, trending_score from mv_trending_resources order by trending_score desc")
    assert [(key, float(score)) for key, score in ordered.fetchall()] == [(kept, 3.0), (seen, 0.5)]
    ordered = connection.execute(
        "select id, posts_count, comments_count from mv_active_users order by posts_count desc"
    )
    assert ordered.fetchall() == [(one, 5, 0), (other, 0, 1)]  # each counted for itself, not one times the other


def test_the_lists_of_the_day_end_at_a_hundred_and_fifty(connection: Connection) -> None:
    someone = person(connection)
    connection.execute(
        "insert into soc_posts (author_type, author_id, content)"
        " select 'individual', %s, 'Rates' from generate_series(1, 101)", [someone])  # fmt: skip
    connection.execute(
        "insert into res_resources (author_id, title, slug, status, published_at)"
        " select %s, 'Sheds', 'sheds-' || n, 'published', now() from generate_series(1, 51) n", [someone])  # fmt: skip
    refresh(connection)
    assert value(connection, "select count(*) from mv_popular_posts") == 100
    assert value(connection, "select count(*) from mv_trending_resources") == 50


def test_views_without_rows_or_data_are_filled(connection: Connection) -> None:
    connection.execute("set local role app_rw")
    assert refresh(connection) == refresh(connection) == ALL_FINE
    connection.execute("reset role")
    for view in reversed(VIEWS):
        connection.execute(f"refresh materialized view {view} with no data".encode())
    series(connection, "namakkal", "2024-02-01", [500, 505])
    connection.execute("set local role app_rw")
    assert refresh(connection) == ALL_FINE
    assert value(connection, "select count(*) from nec_monthly_averages") == 1


def test_a_view_that_is_broken_does_not_keep_the_others(connection: Connection) -> None:
    connection.execute("drop materialized view mv_active_users")
    connection.execute("drop index uq_mv_trending_resources")  # without it nothing can be refreshed beside readers
    rows = connection.execute("select view_name, is_ok, error from refresh_all_materialized_views()").fetchall()
    assert [row[:2] for row in rows] == [(view, view not in VIEWS[1:3]) for view in VIEWS]
    assert "mv_active_users" in rows[2][2] and "concurrently" in rows[1][2]
    assert [row[2] for row in rows if row[1]] == [None] * 3


def test_readers_are_not_kept_waiting(deployed: str) -> None:
    with psycopg.connect(deployed) as reader, psycopg.connect(deployed, autocommit=True) as writer:
        for view in VIEWS:
            reader.execute(f"select count(*) from {view}".encode())  # holds its lock until the end
        writer.execute("set role app_rw")
        writer.execute("set lock_timeout = '2s'")
        assert refresh(writer) == refresh(writer) == ALL_FINE
