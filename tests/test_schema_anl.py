"""File 90: logs of views, searches and activities, the figures of a day, and referrals."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, business, organization, person, refused, value

LONG_AGO = "2020-01-01 00:00+00"
STATS = {
    "individual": "select profile_views_count from usr_stats where profile_id = %s",
    "business": "select profile_views_count from biz_stats where business_id = %s",
    "organization": "select profile_views_count from org_stats where organization_id = %s",
}
TABLES = {"individual": "profiles", "business": "biz_profiles", "organization": "org_profiles"}


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def entity(connection: Connection, kind: str) -> UUID:
    if kind == "individual":
        return person(connection)
    return (business if kind == "business" else organization)(connection, person(connection))


def view(connection: Connection, kind: str, of: UUID, by: UUID | None = None) -> UUID:
    query = "insert into anl_profile_views (viewed_type, viewed_id, viewer_id) values (%s, %s, %s) returning id"
    made: UUID = value(connection, query, kind, of, by)
    return made


def post(connection: Connection, author: UUID) -> UUID:
    query = "insert into soc_posts (author_type, author_id, content) values ('individual', %s, 'Up again') returning id"
    made: UUID = value(connection, query, author)
    return made


def activity(connection: Connection, by: UUID, kind: str | None = None, target: UUID | None = None) -> UUID:
    query = """
        insert into anl_activity_log (profile_id, activity_type, target_type, target_id)
        values (%s, 'other', %s, %s) returning id"""
    made: UUID = value(connection, query, by, kind, target)
    return made


@pytest.mark.parametrize("kind", STATS)
def test_views_are_counted_where_they_belong(connection: Connection, kind: str) -> None:
    one, other = entity(connection, kind), entity(connection, kind)
    first = view(connection, kind, one)
    view(connection, kind, one, person(connection))
    assert (value(connection, STATS[kind], one), value(connection, STATS[kind], other)) == (2, 0)

    connection.execute("update anl_profile_views set viewed_id = %s where id = %s", [other, first])
    assert (value(connection, STATS[kind], one), value(connection, STATS[kind], other)) == (1, 1)

    connection.execute("delete from anl_profile_views where viewed_id = %s", [one])
    assert (value(connection, STATS[kind], one), value(connection, STATS[kind], other)) == (0, 1)


@pytest.mark.parametrize("kind", STATS)
def test_views_go_with_what_was_viewed(connection: Connection, kind: str) -> None:
    one = entity(connection, kind)
    view(connection, kind, one)
    view(connection, kind, entity(connection, kind))
    connection.execute(f"delete from {TABLES[kind]} where id = %s", [one])
    assert value(connection, "select count(*) from anl_profile_views") == 1


def test_a_view_stays_when_the_viewer_goes(connection: Connection) -> None:
    one, viewer = person(connection), person(connection)
    view(connection, "individual", one, viewer)
    connection.execute("delete from profiles where id = %s", [viewer])
    assert connection.execute("select viewed_id, viewer_id from anl_profile_views").fetchall() == [(one, None)]
    assert value(connection, STATS["individual"], one) == 1


def test_nobody_views_a_ghost_or_oneself(connection: Connection) -> None:
    one = person(connection)
    insert = "insert into anl_profile_views (viewed_type, viewed_id, viewer_id) values (%s, %s, %s)"
    refused(connection, errors.ForeignKeyViolation, insert, "business", one, None)
    refused(connection, errors.ForeignKeyViolation, insert, "individual", uuid4(), None)
    refused(connection, errors.CheckViolation, insert, "individual", one, one)
    refused(connection, errors.CheckViolation, insert, "post", one, None)


def test_a_search_stays_when_the_person_goes(connection: Connection) -> None:
    one = person(connection)
    connection.execute(
        "insert into anl_search_queries (profile_id, query_text) values (%s, 'layers in Namakkal')", [one]
    )
    connection.execute("delete from profiles where id = %s", [one])
    query = "select profile_id, query_text, search_type, results_count, filters from anl_search_queries"
    assert connection.execute(query).fetchall() == [(None, "layers in Namakkal", "all", 0, {})]


def test_an_activity_goes_with_the_person_and_forgets_its_target(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    kept = activity(connection, one, "individual", other)
    about_post = activity(connection, one, "post", post(connection, one))
    activity(connection, other)
    activity(connection, other, "individual", one)

    connection.execute("delete from soc_posts")
    connection.execute("delete from profiles where id = %s", [other])
    left = "select id, target_type, target_id from anl_activity_log order by id"
    assert connection.execute(left).fetchall() == sorted([(kept, None, None), (about_post, None, None)])


def test_an_activity_has_a_whole_target_or_none(connection: Connection) -> None:
    one = person(connection)
    insert = """
        insert into anl_activity_log (profile_id, activity_type, target_type, target_id)
        values (%s, 'post_like', %s, %s)"""
    refused(connection, errors.CheckViolation, insert, one, "post", None)
    refused(connection, errors.CheckViolation, insert, one, None, one)
    refused(connection, errors.ForeignKeyViolation, insert, one, "post", one)
    refused(connection, errors.ForeignKeyViolation, insert, uuid4(), None, None)


def test_the_rate_of_engagement_is_percent_of_views(connection: Connection) -> None:
    one = person(connection)
    insert = """
        insert into anl_engagement_metrics (entity_type, entity_id, metric_date, views_count, likes_count, shares_count)
        values ('individual', %s, %s, %s, %s, 1)"""
    for day, views, likes in (("2024-02-01", 0, 5), ("2024-02-02", 300, 1), ("2024-02-03", 1, 100)):
        connection.execute(insert, [one, day, views, likes])
    rates = "select array_agg(engagement_rate::text order by metric_date) from anl_engagement_metrics"
    assert value(connection, rates) == [None, "0.67", "999.99"]
    refused(connection, errors.UniqueViolation, insert, one, "2024-02-01", 0, 0)

    connection.execute("delete from profiles where id = %s", [one])
    assert value(connection, "select count(*) from anl_engagement_metrics") == 0


def test_figures_say_when_they_were_computed_last(connection: Connection) -> None:
    connection.execute(
        "insert into anl_platform_metrics (metric_date, computed_at) values ('2024-02-01', %s)", [LONG_AGO]
    )
    connection.execute(
        "insert into anl_engagement_metrics (entity_type, entity_id, metric_date, computed_at)"
        " values ('individual', %s, '2024-02-01', %s)",
        [person(connection), LONG_AGO],
    )
    for table in ("anl_platform_metrics", "anl_engagement_metrics"):
        fresh = f"select computed_at = now() from {table}"
        assert value(connection, fresh) is False
        counter = "posts_count" if table == "anl_platform_metrics" else "likes_count"
        connection.execute(f"update {table} set {counter} = 1")
        assert value(connection, fresh) is True


def test_a_day_has_one_row_of_the_platform(connection: Connection) -> None:
    insert = "insert into anl_platform_metrics (metric_date) values ('2024-02-01')"
    connection.execute(insert)
    refused(connection, errors.UniqueViolation, insert)
    refused(connection, errors.CheckViolation, "update anl_platform_metrics set new_posts_count = -1")


def test_a_person_is_brought_once_and_by_another(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    insert = "insert into anl_referrals (referrer_id, referred_id, code) values (%s, %s, 'ASHA-2024')"
    connection.execute(insert, [one, other])
    refused(connection, errors.UniqueViolation, insert, person(connection), other)
    refused(connection, errors.CheckViolation, insert, one, one)
    connection.execute("delete from profiles where id = %s", [one])
    assert value(connection, "select count(*) from anl_referrals") == 0


@pytest.mark.parametrize(
    "change",
    [
        "status = 'completed'",  # without saying when
        "status = 'rewarded', completed_at = now()",
        "completed_at = now()",
        "code = 'a b'",
        "reward_amount = -1",
        "reward_currency = 'inr'",
    ],
)
def test_a_referral_refuses_nonsense(connection: Connection, change: str) -> None:
    connection.execute(
        "insert into anl_referrals (referrer_id, referred_id, code) values (%s, %s, 'ASHA')",
        [person(connection), person(connection)],
    )
    refused(connection, errors.CheckViolation, f"update anl_referrals set {change}")
    whole = "status = 'rewarded', completed_at = now(), rewarded_at = now(), reward_amount = 100"
    assert connection.execute(f"update anl_referrals set {whole}").rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "insert into anl_search_queries (query_text) values ('  ')",
        "insert into anl_search_queries (query_text) values (repeat('x', 501))",
        "insert into anl_search_queries (query_text, search_type) values ('x', 'jobs')",
        "insert into anl_search_queries (query_text, results_count) values ('x', -1)",
        "insert into anl_search_queries (query_text, filters) values ('x', '[]')",
        "insert into anl_activity_log (profile_id, activity_type) values (gen_random_uuid(), 'sleep')",
        "insert into anl_engagement_metrics (entity_type, entity_id, metric_date)"
        " values ('job', gen_random_uuid(), '2024-02-01')",
    ],
)
def test_the_logs_refuse_nonsense(connection: Connection, statement: str) -> None:
    refused(connection, errors.CheckViolation, statement)
