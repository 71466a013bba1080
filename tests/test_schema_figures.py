"""File 999, figures: what is counted of a day in India, of a person, and of a view, and the small rules for texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_evt_rows import event, resource
from tests.schema_org_rows import ANNOUNCEMENT, RESOURCE
from tests.schema_rows import Connection, business, organization, person, refused, value
from tests.schema_soc_rows import comment, connect, follow, group, insert, like, meanwhile, message, post, share
from tests.schema_usr_rows import endorse, profile_skill

# 10 March 2025 in India, and the seconds beside it
THE_DAY = "2025-03-10"
BEFORE, FIRST, LAST, AFTER = (
    f"2025-03-{day} 18:{time}+00" for day, time in (("09", "29:59"), ("09", "30:00"), ("10", "29:59"), ("10", "30:00"))
)


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def figures(connection: Connection, day: str | None) -> dict[str, int]:
    """The figures of the platform of a day that are not zero."""
    connection.execute("select compute_platform_metrics(%s)", [day])
    query = """
        select to_jsonb(m) - '{metric_date,computed_at,created_at}'::text[] from anl_platform_metrics m
        where metric_date = %s"""
    return {name: count for name, count in value(connection, query, day).items() if count}


def test_the_platform_s_day_begins_and_ends_at_midnight_in_india(connection: Connection) -> None:
    people = [person(connection) for _ in range(4)]
    for someone, moment in zip(people, (BEFORE, FIRST, LAST, AFTER), strict=True):
        connection.execute("update auth.users set created_at = %s where id = %s", [moment, someone])
        connection.execute("update profiles set created_at = %s where id = %s", [moment, someone])
        post(connection, someone, created_at=moment)
        insert(connection, "anl_activity_log", profile_id=people[0], activity_type="login", created_at=moment)
        insert(connection, "anl_search_queries", query_text="eggs", created_at=moment)
        connection.execute(
            "update res_resources set published_at = %s where id = %s", [moment, resource(connection, someone)]
        )
        connection.execute("update evt_events set created_at = %s where id = %s", [moment, event(connection, someone)])
        for table, made in (
            ("biz_profiles", business(connection, someone)),
            ("org_profiles", organization(connection, someone)),
        ):
            connection.execute(f"update {table} set created_at = %s where id = %s".encode(), [moment, made])
    joined = connect(connection, people[0], people[1])
    connection.execute("update soc_connections set responded_at = %s where id = %s", [FIRST, joined])
    connect(connection, people[0], people[2], "pending")
    written = message(connection, group(connection, *people[:2]), people[0])
    connection.execute("update msg_messages set created_at = %s where id = %s", [LAST, written])
    things = ("users", "profiles", "businesses", "organizations", "posts", "events", "resources")
    both = {f"{name}_count": 3 for name in things} | {f"new_{name}_count": 2 for name in things}
    singles = {f"{prefix}{name}_count": 1 for name in ("connections", "messages") for prefix in ("", "new_")}
    wanted = both | singles | {"active_users_count": 1, "logins_count": 2, "searches_count": 2}
    assert figures(connection, THE_DAY) == wanted
    assert figures(connection, THE_DAY) == wanted
    assert value(connection, "select count(*) from anl_platform_metrics") == 1
    assert figures(connection, "2020-01-01") == {}


def test_yesterday_in_india_is_computed_unless_said(connection: Connection) -> None:
    connection.execute("set local necc.today = '2025-03-11'")
    assert str(value(connection, "select compute_platform_metrics()")) == THE_DAY
    like(connection, post(connection, person(connection)), person(connection))
    connection.execute("update soc_post_likes set created_at = %s", [LAST])
    assert value(connection, "select compute_engagement_metrics()") == 1


def test_what_a_post_a_resource_and_a_profile_met_with_on_a_day(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    on, article = post(connection, one), resource(connection, one)
    for moment in (BEFORE, FIRST, LAST, AFTER):
        someone = person(connection)
        insert(connection, "soc_post_likes", post_id=on, profile_id=someone, created_at=moment)
        insert(connection, "res_views", resource_id=article, profile_id=someone, created_at=moment)
        insert(connection, "anl_profile_views", viewed_type="individual", viewed_id=one, created_at=moment)
    for table in ("soc_post_bookmarks", "res_bookmarks", "res_likes"):
        key = {"post_id": on} if table.startswith("soc") else {"resource_id": article}
        insert(connection, table, **key, profile_id=other, created_at=FIRST)
    insert(connection, "res_comments", resource_id=article, profile_id=other, content="Yes", created_at=LAST)
    for made, gone in ((comment(connection, on, other), False), (comment(connection, on, other), True)):
        connection.execute(
            "update soc_post_comments set created_at = %s, is_deleted = %s, deleted_at = %s where id = %s",
            [LAST, gone, LAST if gone else None, made],
        )
    connection.execute("update soc_posts set created_at = %s where id = %s", [FIRST, share(connection, other, on)])
    wanted = [("individual", one, 2, 0, 0, 0, 0), ("post", on, 0, 2, 1, 1, 1), ("resource", article, 2, 1, 1, 0, 1)]
    for _ in range(2):
        assert value(connection, "select compute_engagement_metrics(%s)", THE_DAY) == 3
        rows = connection.execute("""
            select entity_type, entity_id, views_count, likes_count, comments_count, shares_count, bookmarks_count
            from anl_engagement_metrics order by entity_type""").fetchall()
        assert rows == wanted
    assert value(connection, "select compute_engagement_metrics('2020-01-01')") == 0


def rankings(connection: Connection, period: str) -> dict[str, list[tuple[Any, ...]]]:
    """(place, who, score) by leaderboard, those that nobody is in left out."""
    rows = connection.execute(
        "select leaderboard_type, rankings from usr_leaderboards where period = %s and rankings <> '[]'", [period]
    ).fetchall()
    return {kind: [(r["rank"], UUID(r["profile_id"]), r["score"]) for r in places] for kind, places in rows}


def test_leaderboards_rank_what_people_did_since_the_period_began(connection: Connection) -> None:
    connection.execute("set local necc.today = '2025-03-12'")  # a Wednesday
    one, other, hidden = (person(connection) for _ in range(3))
    connection.execute("update profiles set is_public = false where id = %s", [hidden])
    on = post(connection, one, created_at=FIRST)
    for author, moment in ((one, BEFORE), (one, BEFORE), (other, LAST), (hidden, LAST)):
        post(connection, author, created_at=moment)
    liked = comment(connection, on, one)
    insert(connection, "soc_comment_likes", comment_id=liked, profile_id=other)
    connect(connection, one, other)
    follow(connection, ("individual", other), ("individual", one))
    endorse(connection, profile_skill(connection, one))
    first, second = sorted((one, other))
    wanted = {
        "top_contributors": [(1, one, 2), (2, other, 1)],
        "top_experts": [(1, one, 1)],
        "most_helpful": [(1, one, 1)],
        "most_connected": [(1, first, 1), (2, second, 1)],
        "rising_stars": [(1, one, 1)],
    }
    calls = [value(connection, "select refresh_leaderboards('weekly')") for _ in range(2)]
    assert (calls, rankings(connection, "weekly")) == ([5, 0], wanted)
    for period, score in (("monthly", 4), ("all_time", 4), ("daily", 1)):
        connection.execute("select refresh_leaderboards(%s)", [period])
        assert rankings(connection, period)["top_contributors"][0] == (1, one, score)
    span = "select distinct period, starts_on || ' ' || coalesce(ends_on::text, '') from usr_leaderboards"
    spans = dict(connection.execute(span).fetchall())
    assert spans == {"daily": "2025-03-12 2025-03-12", "weekly": "2025-03-10 2025-03-16",
                     "monthly": "2025-03-01 2025-03-31", "all_time": "2000-01-01 "}  # fmt: skip
    post(connection, other)
    assert value(connection, "select refresh_leaderboards('weekly')") == 1
    assert value(connection, "select refresh_leaderboards(null)") == 0
    refused(connection, errors.InvalidParameterValue, "select refresh_leaderboards('yearly')")


def test_a_leaderboard_has_fifty_places(connection: Connection) -> None:
    connection.execute(
        "with p as (select id from unnest(%s::uuid[]) id) insert into soc_posts (author_type, author_id, content)"
        " select 'individual', id, 'Rates' from p", [[person(connection) for _ in range(51)]])  # fmt: skip
    connection.execute("select refresh_leaderboards('daily')")
    assert [row[0] for row in rankings(connection, "daily")["top_contributors"]] == list(range(1, 51))


def test_what_a_person_did_and_met_with(connection: Connection) -> None:
    me, other = person(connection), person(connection)
    ago = {days: value(connection, "select now() - make_interval(days => %s)", days) for days in (1, 20, 100)}
    for days in ago:
        on = post(connection, me, created_at=ago[days])
        insert(connection, "soc_post_likes", post_id=on, profile_id=me, created_at=ago[days])
        insert(connection, "anl_profile_views", viewed_type="individual", viewed_id=me, created_at=ago[days])
        insert(connection, "usr_search_appearances", profile_id=me, query="eggs", appeared_at=ago[days])
        insert(connection, "soc_post_comments", post_id=on, profile_id=me, content="Yes", created_at=ago[days])
    for gone in ("soc_post_comments", "soc_posts"):
        connection.execute(
            f"update {gone} set is_deleted = true, deleted_at = now() where created_at = %s".encode(), [ago[1]]
        )
    connect(connection, me, person(connection))
    joined = connect(connection, me, other)
    connection.execute("update soc_connections set responded_at = %s where id = %s", [ago[100], joined])
    connect(connection, me, person(connection), "pending")
    follow(connection, ("individual", other), ("individual", me))
    stats, analytics = "get_user_engagement_stats(%s, %s)", "get_profile_analytics(%s, %s)"
    # posts, comments, likes given, views, connections
    table = {
        None: (1, 1, 2, 2, 1),
        30: (1, 1, 2, 2, 1),
        0: (0, 0, 0, 0, 1),
        365: (2, 2, 3, 3, 2),
        9999: (2, 2, 3, 3, 2),
    }
    rows = {days: connection.execute(f"select * from {stats}".encode(), [me, days]).fetchone() for days in table}
    assert rows == table
    seen = connection.execute(f"select *, average_daily_views::text from {analytics}".encode(), [me, 30]).fetchone()
    assert seen is not None and (*seen[:5], seen[6]) == (2, 2, 1, 1, 1, "0.07")
    for nobody in (None, uuid4()):
        assert connection.execute(f"select * from {stats}".encode(), [nobody, 30]).fetchall() == [(0,) * 5]
        assert connection.execute(f"select * from {analytics}".encode(), [nobody, 30]).fetchall() == [(0,) * 6]


def test_a_profile_s_views_are_one_per_viewer_and_hour(connection: Connection) -> None:
    me, viewer = person(connection), person(connection)
    track = "select track_profile_view(%s, %s, %s)"
    views = "select array(select source from anl_profile_views where viewed_id = %s order by created_at, source)"
    for who in (viewer, viewer, me, uuid4()):
        connection.execute(track, [me, who, "feed"])
    assert value(connection, views, me) == ["feed"]
    connection.execute("update anl_profile_views set created_at = now() - interval '61 minutes'")
    connection.execute(track, [me, viewer, "x" * 80])
    for source in (None, " "):  # not signed in: each counts
        connection.execute(track, [me, None, source])
    assert value(connection, views, me) == ["feed", "x" * 50, None, None]
    assert value(connection, "select profile_views_count from usr_stats where profile_id = %s", me) == 4
    for nobody in (None, uuid4()):
        connection.execute(track, [nobody, viewer, None])
    assert value(connection, "select count(*) from anl_profile_views") == 4


def test_two_sessions_at_once_are_one_view(deployed: str) -> None:
    with psycopg.connect(deployed, autocommit=True) as watcher, psycopg.connect(deployed) as first:
        pair = [person(watcher), person(watcher)]
        first.execute("select track_profile_view(%s, %s)", pair)

        def second() -> None:
            with psycopg.connect(deployed) as session:
                session.execute("select track_profile_view(%s, %s)", pair)

        waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        with meanwhile(second):
            for _ in range(3000):
                if value(watcher, waits):
                    break
            else:
                pytest.fail("the second session did not wait")
            first.commit()
        assert value(watcher, "select count(*) from anl_profile_views where viewed_id = %s", pair[0]) == 1
        watcher.execute("delete from auth.users where id = any (%s)", [pair])


def test_views_shares_and_downloads_are_counted_one_by_one(connection: Connection) -> None:
    someone = person(connection)
    farm = business(connection, someone)
    of = organization(connection, someone)
    things = {
        "post": post(connection, someone),
        "event": event(connection, someone),
        "job": value(connection, """
            insert into job_postings (employer_type, employer_id, posted_by, title, description, category_id, job_type)
            select 'business', %s, %s, 'Manager', 'Sheds', id, 'full_time' from ref_job_categories limit 1
            returning id""",
            farm, someone),
        "product": insert(connection, "mkt_products", seller_id=farm, name="Feeder", slug="feeder", price=1,
                          category_id=insert(connection, "mkt_categories", name="Quail feeders", slug="quail-feeders")),
        "announcement": value(connection, f"{ANNOUNCEMENT} returning id", of, someone),
    }  # fmt: skip
    tables = {"post": "soc_posts", "event": "evt_events", "job": "job_postings", "product": "mkt_products",
              "announcement": "org_announcements"}  # fmt: skip
    for kind, thing in things.items():
        calls = [value(connection, "select track_view(%s, %s)", kind, which) for which in (thing, thing, uuid4(), None)]
        views = value(connection, f"select views_count from {tables[kind]} where id = %s", thing)
        assert (calls, views) == ([1, 1, 0, 0], 2), kind
    assert value(connection, "select track_view(null, %s)", things["post"]) == 0
    for kind in ("resource", "comment", "pg_class", ""):
        refused(connection, errors.InvalidParameterValue, "select track_view(%s, %s)", kind, things["post"])
    article, document = resource(connection, someone), value(connection, RESOURCE, of)
    counted = (
        ("track_share", "res_resources", "shares_count", article),
        ("track_download", "org_resources", "downloads_count", document),
    )
    for function, table, counter, thing in counted:
        calls = [value(connection, f"select {function}(%s)", which) for which in (thing, thing, uuid4(), None)]
        assert (calls, value(connection, f"select {counter} from {table} where id = %s", thing)) == ([1, 1, 0, 0], 2)
