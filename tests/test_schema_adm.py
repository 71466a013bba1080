"""File 110: the staff, what is reported to it, whom it bans, its log, its settings and its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, business, organization, person, refused, value


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def admin(connection: Connection, name: str = "Asha Rao") -> UUID:
    query = """
        insert into adm_users (profile_id, role_id) select %s, id from adm_roles where slug = 'moderator'
        returning id"""
    made: UUID = value(connection, query, person(connection, name))
    return made


def ban(connection: Connection, profile: UUID, by: UUID | None = None) -> UUID:
    query = """
        insert into adm_banned_users (profile_id, reason, ban_type, banned_by) values (%s, 'spam', 'permanent', %s)
        returning id"""
    made: UUID = value(connection, query, profile, by)
    return made


def report(connection: Connection, kind: str, content: UUID, by: UUID | None = None) -> UUID:
    query = """
        insert into adm_moderation_queue (content_type, content_id, reported_by, reason) values (%s, %s, %s, 'spam')
        returning id"""
    made: UUID = value(connection, query, kind, content, by)
    return made


def log(connection: Connection, by: UUID | None, name: str | None = None, *, target: UUID | None = None) -> UUID:
    query = """
        insert into adm_actions_log (admin_id, admin_name, action_type, target_type, target_id, description)
        values (%s, %s, 'other', %s, %s, 'Looked around') returning id"""
    made: UUID = value(connection, query, by, name, "individual" if target else None, target)
    return made


def test_the_staff_stays_until_it_leaves(connection: Connection) -> None:
    member = admin(connection)
    profile = value(connection, "select profile_id from adm_users where id = %s", member)
    refused(connection, errors.IntegrityError, "delete from auth.users where id = %s", profile)
    refused(connection, errors.IntegrityError, "delete from adm_roles where slug = 'moderator'")
    again = "insert into adm_users (profile_id, role_id) select %s, id from adm_roles where slug = 'support'"
    refused(connection, errors.UniqueViolation, again, profile)
    connection.execute("delete from adm_users where id = %s", [member])
    assert connection.execute("delete from auth.users where id = %s", [profile]).rowcount == 1


def test_what_the_staff_did_stays_when_a_member_leaves(connection: Connection) -> None:
    member, someone = admin(connection, "Usha Menon"), person(connection)
    ban(connection, someone, member)
    log(connection, member, "Somebody Else", target=someone)
    report(connection, "profile", someone, someone)
    connection.execute("update adm_moderation_queue set reviewed_by = %s", [member])
    connection.execute("update profiles set full_name = 'Usha Nair' where full_name = 'Usha Menon'")

    connection.execute("delete from adm_users where id = %s", [member])
    rows = "select banned_by, banned_by_name, is_active from adm_banned_users"
    assert connection.execute(rows).fetchall() == [(None, "Usha Menon", True)]
    assert connection.execute("select admin_id, admin_name from adm_actions_log").fetchall() == [(None, "Usha Menon")]
    assert value(connection, "select reviewed_by from adm_moderation_queue") is None


def test_the_name_follows_who_is_named_and_may_be_given_for_nobody(connection: Connection) -> None:
    ban(connection, person(connection))
    name = "select banned_by_name from adm_banned_users"
    assert value(connection, name) is None
    connection.execute("update adm_banned_users set banned_by = %s", [admin(connection, "Usha Menon")])
    assert value(connection, name) == "Usha Menon"
    connection.execute("update adm_banned_users set banned_by = %s", [admin(connection, "Ravi Nair")])
    assert value(connection, name) == "Ravi Nair"

    log(connection, None, "nightly job")
    refused(
        connection,
        errors.NotNullViolation,
        "insert into adm_actions_log (action_type, description) values ('other', 'x')",
    )
    insert = (
        "insert into adm_actions_log (admin_id, admin_name, action_type, description) values (%s, 'x', 'other', 'x')"
    )
    refused(connection, errors.ForeignKeyViolation, insert, uuid4())


@pytest.mark.parametrize(
    "change",
    [
        "description = 'x'",
        "admin_name = 'x'",
        "target_type = null, target_id = null",
        "created_at = 'epoch'",
        "metadata = '{\"x\": 1}'",
    ],
)
def test_a_row_of_the_log_is_never_changed(connection: Connection, change: str) -> None:
    log(connection, admin(connection), target=person(connection))
    refused(connection, errors.CheckViolation, f"update adm_actions_log set {change}")
    refused(connection, errors.CheckViolation, "update adm_actions_log set admin_id = %s", admin(connection))
    connection.execute("update adm_actions_log set description = description")


def test_the_application_adds_to_the_log_only(connection: Connection) -> None:
    member, someone = admin(connection), person(connection)
    connection.execute("set local role app_rw")
    log(connection, member, target=someone)
    refused(connection, errors.InsufficientPrivilege, "update adm_actions_log set description = 'x'")
    refused(connection, errors.InsufficientPrivilege, "delete from adm_actions_log")


def test_the_target_of_an_action_was_there_and_may_go(connection: Connection) -> None:
    someone = person(connection)
    log(connection, None, "nightly job", target=someone)
    connection.execute("delete from profiles where id = %s", [someone])
    assert value(connection, "select target_id from adm_actions_log") == someone
    insert = """
        insert into adm_actions_log (admin_name, action_type, target_type, target_id, description)
        values ('x', 'user_ban', %s, %s, 'x')"""
    refused(connection, errors.ForeignKeyViolation, insert, "individual", someone)
    refused(connection, errors.CheckViolation, insert, "individual", None)
    refused(connection, errors.CheckViolation, insert, "setting", someone)


def test_a_person_has_one_ban_at_a_time(connection: Connection) -> None:
    someone = person(connection)
    first = ban(connection, someone)
    insert = "insert into adm_banned_users (profile_id, reason, ban_type) values (%s, 'again', 'permanent')"
    refused(connection, errors.UniqueViolation, insert, someone)
    connection.execute("update adm_banned_users set is_active = false where id = %s", [first])
    connection.execute(insert, [someone])
    connection.execute("delete from profiles where id = %s", [someone])
    assert value(connection, "select count(*) from adm_banned_users") == 0


def test_a_ban_whose_time_is_over_makes_room_for_the_next(connection: Connection) -> None:
    someone, other = person(connection), person(connection)
    query = """
        insert into adm_banned_users (profile_id, reason, ban_type, banned_until)
        values (%s, 'spam', 'temporary', now() + make_interval(days => %s))"""
    for profile in (someone, other):
        connection.execute(query, [profile, -1])
    connection.execute(query, [someone, 1])
    bans = "select is_active from adm_banned_users where profile_id = %s order by banned_until"
    assert connection.execute(bans, [someone]).fetchall() == [(False,), (True,)]
    assert connection.execute(bans, [other]).fetchall() == [(True,)]
    refused(connection, errors.UniqueViolation, query, someone, 2)


@pytest.mark.parametrize(
    "change",
    [
        "ban_type = 'temporary'",  # until when?
        "banned_until = now()",
        "ban_type = 'shadow'",
        "reason = ' '",
    ],
)
def test_a_ban_refuses_nonsense(connection: Connection, change: str) -> None:
    ban(connection, person(connection))
    refused(connection, errors.CheckViolation, f"update adm_banned_users set {change}")
    whole = "update adm_banned_users set ban_type = 'temporary', banned_until = now() + interval '1 day'"
    assert connection.execute(whole).rowcount == 1


def test_a_person_reports_a_thing_once_while_it_is_open(connection: Connection) -> None:
    someone, other = person(connection), person(connection)
    report(connection, "profile", other, someone)
    report(connection, "profile", other, other)
    insert = """
        insert into adm_moderation_queue (content_type, content_id, reported_by, reason)
        values ('profile', %s, %s, 'again')"""
    refused(connection, errors.UniqueViolation, insert, other, someone)
    connection.execute("update adm_moderation_queue set status = 'dismissed', reviewed_at = now()")
    assert connection.execute(insert, [other, someone]).rowcount == 1


def test_a_report_stays_without_its_reporter_but_goes_with_its_subject(connection: Connection) -> None:
    owner, someone = person(connection), person(connection)
    farm, union = business(connection, owner), organization(connection, owner)
    for kind, content in (("business", farm), ("organization", union), ("profile", owner)):
        report(connection, kind, content, someone)
    connection.execute("delete from profiles where id = %s", [someone])
    count = "select count(*) from adm_moderation_queue where reported_by is null"
    assert value(connection, count) == 3
    connection.execute("delete from biz_profiles where id = %s", [farm])
    connection.execute("delete from org_profiles where id = %s", [union])
    assert value(connection, count) == 1
    connection.execute("delete from profiles where id = %s", [owner])
    assert value(connection, count) == 0


@pytest.mark.parametrize(
    "change",
    [
        "content_type = 'job'",
        "reason = ''",
        "priority = 'now'",
        "status = 'closed'",
        "status = 'resolved'",  # when?
        "reviewed_at = now()",
    ],
)
def test_the_queue_refuses_nonsense(connection: Connection, change: str) -> None:
    report(connection, "profile", person(connection))
    refused(connection, errors.CheckViolation, f"update adm_moderation_queue set {change}")
    refused(connection, errors.ForeignKeyViolation, "update adm_moderation_queue set content_type = 'event'")


@pytest.mark.parametrize(
    ("error", "statement"),
    [
        (errors.CheckViolation, "update adm_roles set level = -1"),
        (errors.CheckViolation, "update adm_roles set permissions = '[]'"),
        (errors.CheckViolation, "update adm_roles set slug = 'Big Slug'"),
        (errors.UniqueViolation, "update adm_roles set name = 'Support'"),
        (errors.CheckViolation, "update adm_system_settings set key = 'No Key'"),
        (errors.CheckViolation, "update adm_system_settings set category = ''"),
        (errors.NotNullViolation, "update adm_system_settings set value = null"),
        (
            errors.UniqueViolation,
            "insert into adm_system_settings (key, category, value) values ('seo.title', 'seo', '1')",
        ),
    ],
)
def test_roles_and_settings_refuse_nonsense(connection: Connection, error: type[psycopg.Error], statement: str) -> None:
    refused(connection, error, statement)


def test_a_job_is_queued_run_again_and_finished(connection: Connection) -> None:
    job = value(connection, "insert into adm_background_jobs (job_name) values ('refresh_views') returning id")
    for change in (
        "status = 'running', started_at = now(), attempts = 1",
        "status = 'queued', error = 'timed out', scheduled_at = now() + interval '1 minute'",
        "status = 'running', started_at = now(), attempts = 2",
        "status = 'succeeded', finished_at = now()",
    ):
        assert connection.execute(f"update adm_background_jobs set {change} where id = %s", [job]).rowcount == 1


@pytest.mark.parametrize(
    "change",
    [
        "status = 'running'",  # since when?
        "status = 'failed', started_at = now()",
        "finished_at = now()",
        "status = 'failed', started_at = now(), finished_at = now() - interval '1 second'",
        "attempts = 4",
        "attempts = -1",
        "max_attempts = 0",
        "status = 'done'",
        "payload = '[]'",
        "job_name = 'Refresh views'",
    ],
)
def test_a_job_refuses_nonsense(connection: Connection, change: str) -> None:
    connection.execute("insert into adm_background_jobs (job_name) values ('refresh_views')")
    refused(connection, errors.CheckViolation, f"update adm_background_jobs set {change}")
