"""File 999, upkeep: what is past its time goes, and counters come right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_evt_rows import event, resource
from tests.schema_org_rows import fill, member
from tests.schema_rows import Connection, business, organization, person, refused, value
from tests.schema_soc_rows import comment, connect, follow, group, insert, like, message, post
from tests.schema_usr_rows import endorse, profile_skill

AGO = "now() - interval '1 day' * %(days)s"
NOTE = """insert into ntf_notifications
    (recipient_id, notification_type_id, actor_type, title, message, is_read, read_at, created_at)
    select %(who)s, id, 'system', 'Hello', 'Hello', {read}, '2000-01-01' from ref_notification_types limit 1"""

# function -> days unless said, rows of an age that go once they are past it, rows that stay whatever their age
CLEANUPS: dict[str, tuple[int, LiteralString, LiteralString]] = {
    "cleanup_old_activity_logs": (
        90,
        f"insert into anl_activity_log (profile_id, activity_type, created_at) values (%(who)s, 'login', {AGO})",
        "",
    ),
    "cleanup_old_profile_views": (
        180,
        f"insert into anl_profile_views (viewed_type, viewed_id, created_at) values ('individual', %(who)s, {AGO})",
        "",
    ),
    "cleanup_search_appearances": (
        180,
        f"insert into usr_search_appearances (profile_id, query, appeared_at) values (%(who)s, 'eggs', {AGO})",
        "",
    ),
    "cleanup_read_notifications": (
        90,
        NOTE.format(read=f"true, {AGO}"),
        NOTE.format(read="false, null"),
    ),
    "cleanup_sent_queue": (
        30,
        f"""with n as ({NOTE.format(read="false, null")} returning id)
            insert into ntf_queue (notification_id, delivery_method, status, sent_at)
            select id, 'sms', 'sent', {AGO} from n""",
        f"""with n as ({NOTE.format(read="false, null")} returning id)
            insert into ntf_queue (notification_id, delivery_method, status, created_at)
            select id, 'sms', 'failed', '2000-01-01' from n""",
    ),
    "cleanup_expired_invitations": (
        30,
        f"""insert into org_member_invitations
                (organization_id, invited_by, invitee_email, token_hash, expires_at, created_at)
            values (%(of)s, %(who)s, 'usha@example.org', md5(random()::text) || md5(''), {AGO}, '2000-01-01')""",
        """insert into org_member_invitations
                (organization_id, invited_by, invitee_email, token_hash, status, responded_at, expires_at, created_at)
            values (%(of)s, %(who)s, 'asha@example.org', md5(random()::text) || md5(''), 'accepted', '2000-01-02',
                '2000-02-01', '2000-01-01')""",
    ),
    "purge_trash": (
        30,
        f"""insert into soc_posts (author_type, author_id, content, is_deleted, deleted_at)
            values ('individual', %(who)s, 'Rates', true, {AGO})""",
        """insert into soc_posts (author_type, author_id, content, created_at)
            values ('individual', %(who)s, 'Rates', '2000-01-01')""",
    ),
}

# what triggers derive otherwise than by counting -> how to make it wrong; a level that is mended mends the other two
# of its profile at once, so it is wrong for somebody else than they are
WRONG: dict[str, LiteralString] = {
    "profiles.verification_level": "update profiles set verification_level = 'trusted' where id = %(one)s",
    "profiles.profile_strength": "update profiles set profile_strength = 99 where id <> %(one)s",
    "usr_completeness_checks.completeness_score": "update usr_completeness_checks set has_education = not has_education"
    " where profile_id <> %(one)s",
    "mkt_products.rating_avg": "update mkt_products set rating_avg = 3",
}


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("function", CLEANUPS)
def test_what_is_past_its_time_goes(connection: Connection, function: str) -> None:
    days, goes, stays = CLEANUPS[function]
    someone = person(connection)
    about = {"who": someone, "of": organization(connection, someone)}
    for age in (days + 1, days - 1, 0):
        connection.execute(goes, about | {"days": age})
    if stays:
        connection.execute(stays, about)

    def call(*arguments: object) -> int:
        marks = ", ".join(["%s"] * len(arguments))
        return int(value(connection, f"select {function}({marks})", *arguments))

    assert [call(None, True), call(days, None), call(1, True), call(0, True), call(-5, True)] == [1, 1, 2, 2, 2]
    assert call(2_000_000_000, True) == 0
    assert [call(), call(), call(None, False)] == [1, 0, 0]
    assert [call(1), call(1, True)] == [1, 0]  # what is of today stays


def test_many_rows_go_in_batches(connection: Connection) -> None:
    connection.execute(
        "insert into anl_activity_log (profile_id, activity_type, created_at)"
        " select %s, 'login', '2020-01-01' from generate_series(1, 10001)",
        [person(connection)],
    )
    calls = [value(connection, f"select cleanup_old_activity_logs(90, {dry})") for dry in ("true", "false", "false")]
    assert calls == [10_001, 10_001, 0]


def test_the_trash_holds_posts_comments_and_messages(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    on, article = post(connection, one), resource(connection, one)
    comment(connection, on, other, comment(connection, on, one))
    insert(connection, "res_comments", resource_id=article, profile_id=other, content="Yes")
    message(connection, group(connection, one, other), one)
    for table in ("soc_posts", "soc_post_comments", "res_comments", "msg_messages"):
        connection.execute(f"update {table} set is_deleted = true, deleted_at = now() - interval '31 days'".encode())
    calls = [value(connection, f"select purge_trash({arguments})") for arguments in ("30, true", "", "")]
    assert calls == [5, 5, 0]
    assert value(connection, "select comments_count from usr_stats where profile_id = %s", other) == 0


@pytest.mark.parametrize("below", ["is_deleted = false, deleted_at = null", "deleted_at = now()"])
def test_a_comment_stays_until_all_that_answers_it_may_go(connection: Connection, below: LiteralString) -> None:
    one, other = person(connection), person(connection)
    on, article = post(connection, one), resource(connection, one)
    answered = comment(connection, on, one)
    comment(connection, on, other, comment(connection, on, one, answered))
    columns = {"resource_id": article, "profile_id": one, "content": "Yes"}
    insert(connection, "res_comments", **columns, parent_id=insert(connection, "res_comments", **columns))
    for table, last in (
        ("soc_post_comments", "profile_id = %(other)s"),
        ("res_comments", "parent_id is not null"),
    ):
        old = f"update {table} set is_deleted = true, deleted_at = now() - interval '31 days'"
        connection.execute(old.encode())
        connection.execute(f"update {table} set {below} where {last}".encode(), {"other": other})
    assert value(connection, "select purge_trash()") == 0
    connection.execute("delete from soc_post_comments where profile_id = %s", [other])
    connection.execute("delete from res_comments where parent_id is not null")
    assert value(connection, "select purge_trash()") == 3


def test_a_dry_run_and_a_cleanup_need_the_rights_of_a_delete(connection: Connection) -> None:
    connection.execute("set local role app_ro")
    assert value(connection, "select cleanup_old_activity_logs(90, true)") == 0
    refused(connection, errors.InsufficientPrivilege, "select cleanup_old_activity_logs()")
    refused(connection, errors.InsufficientPrivilege, "select * from refresh_all_materialized_views()")


def declared(connection: Connection) -> list[tuple[str, str]]:
    """(table, counter) of every counter that keep_count() declared."""
    return connection.execute("select distinct parent, counter from get_declared_counters() order by 1, 2").fetchall()


def full_database(connection: Connection) -> list[UUID]:
    """Rows that move many counters; gives the people."""
    people = [person(connection) for _ in range(3)]
    one, other, _ = people
    farm, of = business(connection, one), organization(connection, one)
    on = post(connection, one)
    like(connection, on, other)
    comment(connection, on, other)
    post(connection, farm, "business")
    post(connection, of, "organization")
    connect(connection, one, other)
    follow(connection, ("individual", other), ("business", farm))
    endorse(connection, profile_skill(connection, one))
    fill(connection, of)
    member(connection, of)
    message(connection, group(connection, *people), one)
    event(connection, one)
    insert(connection, "res_likes", resource_id=resource(connection, one), profile_id=other)
    insert(connection, "nec_annotations", date="2024-02-01", title="Heat", content="Hot", author_id=one)
    category = insert(connection, "mkt_categories", name="Quail feeders", slug="quail-feeders")
    insert(connection, "mkt_products", seller_id=farm, name="Feeder", slug="feeder", price=1, category_id=category)
    return people


def recount(connection: Connection) -> dict[str, int]:
    """What recount_all_counters() tells."""
    return dict(connection.execute("select * from recount_all_counters()").fetchall())


def test_every_planted_drift_is_mended_and_told(connection: Connection) -> None:
    one, *_ = full_database(connection)
    counters = declared(connection)
    told = recount(connection)
    assert set(told.values()) == {0}  # the triggers had left nothing to do
    assert {f"{table}.{counter}" for table, counter in counters} < set(told)
    shot = "select string_agg(t::text, '' order by t::text) from {} t"
    tables = sorted(
        {table for table, _ in counters} | {"nec_annotations", "msg_participants", "usr_completeness_checks"}
    )
    before = {table: value(connection, shot.format(table)) for table in tables}
    planted = {}
    connection.execute("set local session_replication_role = replica")  # as a load without triggers
    for table, counter in [*counters, ("nec_annotations", "likes_count"), ("msg_participants", "unread_count")]:
        name = sql.Identifier(table), sql.Identifier(counter)
        planted[f"{table}.{counter}"] = connection.execute(
            sql.SQL("update {0} set {1} = {1} + 1").format(*name)).rowcount  # fmt: skip
    planted |= {place: connection.execute(wrong, {"one": one}).rowcount for place, wrong in WRONG.items()}
    connection.execute("set local session_replication_role = origin")
    assert sum(planted.values()) > 60
    assert recount(connection) == planted
    assert {table: value(connection, shot.format(table)) for table in tables} == before
    assert set(recount(connection).values()) == {0}


def test_rows_that_a_load_left_out_are_made(connection: Connection) -> None:
    people = full_database(connection)
    stats: LiteralString = "select posts_count, comments_count, likes_given_count from usr_stats where profile_id = %s"
    beside = ("usr_privacy_settings", "usr_preferences", "usr_completeness_checks", "usr_stats", "ntf_preferences",
              "biz_stats", "org_stats")  # fmt: skip
    count = {table: value(connection, f"select count(*) from {table}") for table in beside}
    before = [connection.execute(stats, [someone]).fetchone() for someone in people]
    connection.execute("set local session_replication_role = replica")
    for table in beside:
        connection.execute(f"delete from {table}".encode())
    connection.execute("set local session_replication_role = origin")
    assert recount(connection)["usr_stats.posts_count"] == 1
    assert {table: value(connection, f"select count(*) from {table}") for table in beside} == count
    assert [connection.execute(stats, [someone]).fetchone() for someone in people] == before


def test_a_counter_that_is_not_declared_is_left_alone(connection: Connection) -> None:
    assert value(connection, "select recount_counter('profiles', 'id', 'profile_strength')") == 0
    assert value(connection, "select recount_counter(null, null, null)") == 0
