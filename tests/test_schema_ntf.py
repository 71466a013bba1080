"""File 70: notifications, what members want of them, quiet hours and the queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.config import data_folder
from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_evt_rows import entity, event, resource
from tests.schema_rows import Connection, person, refused, value

GROUPS = {
    "connection-request": "connections",
    "connection-accepted": "connections",
    "new-message": "messages",
    "post-like": "likes",
    "post-comment": "comments",
    "comment-reply": "comments",
    "post-mention": "comments",
    "event-invitation": "events",
    "event-reminder": "events",
    "resource-published": "resources",
    "job-application": "system",
    "profile-view": "connections",
    "system-update": "system",
}


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def tell(
    connection: Connection,
    recipient: UUID | None,
    actor: UUID | None = None,
    *,
    kind: str | None = "individual",
    slug: str | None = "new-message",
    action: tuple[str, UUID] | tuple[None, None] = (None, None),
    priority: str | None = "normal",
) -> UUID | None:
    query = "select create_notification(%s, %s, %s, 'News', 'Eggs are up.', %s, %s, %s, %s)"
    made: UUID | None = value(connection, query, recipient, kind, actor, *action, priority, slug)
    return made


def wants(connection: Connection, someone: UUID, **columns: object) -> None:
    """Change what a member wants; preferences is given as a dict."""
    for name, wanted in columns.items():
        shown = json.dumps(wanted) if isinstance(wanted, dict) else wanted
        connection.execute(f"update ntf_preferences set {name} = %s where profile_id = %s".encode(), [shown, someone])


def ways(connection: Connection, notification: UUID | None) -> list[str]:
    query = "select delivery_method from ntf_queue where notification_id = %s order by 1"
    return [row[0] for row in connection.execute(query, [notification])]


def count(connection: Connection) -> int:
    return int(value(connection, "select count(*) from ntf_notifications"))


def test_a_profile_begins_with_preferences_and_takes_them_along(connection: Connection) -> None:
    someone = person(connection)
    query = """select is_push_enabled, is_email_enabled, is_sms_enabled, is_in_app_enabled, preferences
        from ntf_preferences where profile_id = %s"""
    assert connection.execute(query, [someone]).fetchone() == (True, True, False, True, {})
    connection.execute("delete from profiles where id = %s", [someone])
    assert connection.execute(query, [someone]).fetchone() is None


def test_profiles_from_before_this_file_get_preferences(connection: Connection) -> None:
    someone, other = person(connection), person(connection)
    wants(connection, other, is_push_enabled=False)
    connection.execute("delete from ntf_preferences where profile_id = %s", [someone])
    connection.execute((data_folder("schema") / "70_ntf_core.sql").read_bytes())
    wanted = "select is_push_enabled from ntf_preferences where profile_id = %s"
    assert (value(connection, wanted, someone), value(connection, wanted, other)) == (True, False)


@pytest.mark.parametrize(
    ("choices", "is_one"),
    [
        ({}, True),
        ({"likes": {}}, True),
        ({"likes": {"push": False}, "system": {"push": True, "email": False, "sms": True}}, True),
        (dict.fromkeys(sorted(set(GROUPS.values()) | {"posts"}), {"sms": True}), True),
        ({"jobs": {"push": True}}, False),
        ({"likes": {"fax": True}}, False),
        ({"likes": {"push": "yes"}}, False),
        ({"likes": {"push": None}}, False),
        ({"likes": True}, False),
        ([], False),
        ("likes", False),
        (None, False),
    ],
)
def test_choices_have_a_shape(connection: Connection, choices: object, is_one: bool) -> None:
    assert value(connection, "select is_notification_choice(%s::jsonb)", json.dumps(choices)) is is_one
    change = "update ntf_preferences set preferences = %s where profile_id = %s"
    someone = person(connection)
    if is_one:
        connection.execute(change, [json.dumps(choices), someone])
    else:
        refused(connection, errors.CheckViolation, change, json.dumps(choices), someone)


@pytest.mark.parametrize(("start", "end"), [("22:00", None), (None, "07:00"), ("07:00", "07:00")])
def test_quiet_hours_have_two_different_ends(connection: Connection, start: str | None, end: str | None) -> None:
    change = "update ntf_preferences set quiet_hours_start = %s, quiet_hours_end = %s where profile_id = %s"
    refused(connection, errors.CheckViolation, change, start, end, person(connection))


def test_every_type_belongs_to_a_group(connection: Connection) -> None:
    query = "select slug, notification_group(slug) from ref_notification_types"
    assert dict(connection.execute(query).fetchall()) == GROUPS
    assert value(connection, "select notification_group('brand-new')") == "system"
    assert value(connection, "select notification_group(null)") == "system"


@pytest.mark.parametrize(
    ("slug", "wanted", "sent"),
    [
        ("new-message", {}, ["push"]),  # as its type says
        ("event-invitation", {}, ["email", "push"]),
        ("post-like", {}, []),
        ("new-message", {"is_push_enabled": False}, []),
        ("event-invitation", {"is_email_enabled": False}, ["push"]),
        ("new-message", {"preferences": {"messages": {"push": False}}}, []),
        ("new-message", {"preferences": {"messages": {"email": True}}}, ["email", "push"]),
        ("new-message", {"preferences": {"messages": {"sms": True}}}, ["push"]),  # SMS is off as a whole
        ("new-message", {"preferences": {"messages": {"sms": True}}, "is_sms_enabled": True}, ["push", "sms"]),
        ("new-message", {"is_sms_enabled": True}, ["push"]),  # nobody gets SMS unasked
        ("new-message", {"preferences": {"likes": {"push": False}}}, ["push"]),  # another group
        ("post-like", {"preferences": {"likes": {"push": True}}}, ["push"]),
        ("post-like", {"preferences": {"likes": {"push": True}}, "is_push_enabled": False}, []),
        (None, {}, ["push"]),  # system-update
    ],
)
def test_it_goes_out_by_the_ways_the_member_wants(
    connection: Connection, slug: str | None, wanted: dict[str, Any], sent: list[str]
) -> None:
    recipient = person(connection)
    wants(connection, recipient, **wanted)
    assert ways(connection, tell(connection, recipient, person(connection), slug=slug)) == sent


def test_it_keeps_what_it_was_told(connection: Connection) -> None:
    recipient, actor, made = person(connection), entity(connection, "business"), event(connection)
    notification = tell(connection, recipient, actor, kind="business", slug="event-reminder", action=("event", made))
    query = """select n.recipient_id, t.slug, n.actor_type, n.actor_id, n.title, n.message, n.action_type, n.action_id,
            n.priority, n.show_in_app, n.is_read
        from ntf_notifications n join ref_notification_types t on t.id = n.notification_type_id where n.id = %s"""
    told = (
        recipient,
        "event-reminder",
        "business",
        actor,
        "News",
        "Eggs are up.",
        "event",
        made,
        "normal",
        True,
        False,
    )
    assert connection.execute(query, [notification]).fetchone() == told


def test_what_is_left_out_has_its_default(connection: Connection) -> None:
    notification = value(connection, "select create_notification(%s, null, null, 'a', 'b')", person(connection))
    query = """select n.actor_type, n.priority, t.slug from ntf_notifications n
        join ref_notification_types t on t.id = n.notification_type_id where n.id = %s"""
    assert connection.execute(query, [notification]).fetchone() == ("system", "normal", "system-update")
    notification = tell(connection, person(connection), kind=None, slug=None, priority=None)
    assert connection.execute(query, [notification]).fetchone() == ("system", "normal", "system-update")


def test_nobody_is_told_in_vain(connection: Connection) -> None:
    recipient, actor = person(connection), person(connection)
    assert tell(connection, None, actor) is None
    assert tell(connection, recipient, recipient) is None
    connection.execute("update ref_notification_types set is_active = false where slug = 'new-message'")
    assert tell(connection, recipient, actor) is None
    wants(connection, recipient, is_in_app_enabled=False)
    assert tell(connection, recipient, actor, slug="post-like") is None  # it would go out by no way
    assert count(connection) == 0


def test_a_blocked_person_tells_nothing_but_may_be_told(connection: Connection) -> None:
    recipient, actor = person(connection), person(connection)
    connection.execute("insert into soc_blocks (blocker_id, blocked_id) values (%s, %s)", [recipient, actor])
    assert tell(connection, recipient, actor) is None
    assert tell(connection, actor, recipient) is not None


def test_who_wants_no_list_is_still_sent_to(connection: Connection) -> None:
    recipient = person(connection)
    wants(connection, recipient, is_in_app_enabled=False)
    notification = tell(connection, recipient, person(connection))
    assert value(connection, "select show_in_app from ntf_notifications where id = %s", notification) is False
    assert ways(connection, notification) == ["push"]


def test_a_member_without_a_row_of_preferences_is_told_as_usual(connection: Connection) -> None:
    recipient = person(connection)
    connection.execute("delete from ntf_preferences where profile_id = %s", [recipient])
    connection.execute("delete from usr_preferences where profile_id = %s", [recipient])
    assert ways(connection, tell(connection, recipient, slug="event-invitation", kind="system")) == ["email", "push"]


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (errors.InvalidParameterValue, "create_notification(%s, 'system', null, 'a', 'b', p_type_slug => 'gossip')"),
        (errors.ForeignKeyViolation, "create_notification(gen_random_uuid(), 'system', null, 'a', 'b')"),
        (errors.ForeignKeyViolation, "create_notification(%s, 'individual', gen_random_uuid(), 'a', 'b')"),
        (errors.ForeignKeyViolation, "create_notification(%s, 'system', null, 'a', 'b', 'post', gen_random_uuid())"),
        (errors.CheckViolation, "create_notification(%s, 'robot', gen_random_uuid(), 'a', 'b')"),
        (errors.CheckViolation, "create_notification(%s, 'individual', null, 'a', 'b')"),
        (errors.CheckViolation, "create_notification(%s, 'system', gen_random_uuid(), 'a', 'b')"),
        (errors.CheckViolation, "create_notification(%s, 'system', null, ' ', 'b')"),
        (errors.CheckViolation, "create_notification(%s, 'system', null, 'a', repeat('x', 1001))"),
        (errors.CheckViolation, "create_notification(%s, 'system', null, 'a', 'b', 'post', null)"),
        (errors.CheckViolation, "create_notification(%s, 'system', null, 'a', 'b', 'weather', gen_random_uuid())"),
        (errors.CheckViolation, "create_notification(%s, 'system', null, 'a', 'b', null, null, 'soon')"),
        (errors.NotNullViolation, "create_notification(%s, 'system', null, null, 'b')"),
    ],
)
def test_nonsense_is_refused(connection: Connection, error: type[psycopg.Error], call: str) -> None:
    arguments = [person(connection)] if "%s" in call else []
    refused(connection, error, f"select {call}", *arguments)


def test_a_notification_is_read_at_a_time(connection: Connection) -> None:
    notification = tell(connection, person(connection), kind="system")
    change = "update ntf_notifications set {} where id = %s"
    refused(connection, errors.CheckViolation, change.format("is_read = true"), notification)
    refused(connection, errors.CheckViolation, change.format("metadata = '[]'"), notification)
    connection.execute("update ntf_notifications set is_read = true, read_at = now() where id = %s", [notification])


@pytest.mark.parametrize(
    ("zone", "start", "end", "moment", "when"),
    [
        (None, "22:00", "07:00", "2025-01-10 21:59:59+05:30", "2025-01-10 21:59:59+05:30"),
        (None, "22:00", "07:00", "2025-01-10 22:00+05:30", "2025-01-11 07:00+05:30"),
        (None, "22:00", "07:00", "2025-01-11 00:30+05:30", "2025-01-11 07:00+05:30"),
        (None, "22:00", "07:00", "2025-01-11 06:59:59+05:30", "2025-01-11 07:00+05:30"),
        (None, "22:00", "07:00", "2025-01-11 07:00+05:30", "2025-01-11 07:00+05:30"),
        (None, "22:00", "07:00", "2025-01-10 18:45+00", "2025-01-11 07:00+05:30"),  # already tomorrow in India
        (None, "13:00", "14:30", "2025-01-10 13:15+05:30", "2025-01-10 14:30+05:30"),
        (None, "13:00", "14:30", "2025-01-10 12:59+05:30", "2025-01-10 12:59+05:30"),
        (None, "13:00", "14:30", "2025-01-10 14:31+05:30", "2025-01-10 14:31+05:30"),
        (None, "13:00", "14:30", "2025-01-10 23:00+05:30", "2025-01-10 23:00+05:30"),
        (None, "22:00", "00:00", "2025-01-10 23:00+05:30", "2025-01-11 00:00+05:30"),
        (None, "22:00", "00:00", "2025-01-11 00:00+05:30", "2025-01-11 00:00+05:30"),
        ("America/New_York", "22:00", "07:00", "2025-01-11 05:00+00", "2025-01-11 07:00-05:00"),
        ("America/New_York", "22:00", "07:00", "2025-03-09 04:00+00", "2025-03-09 07:00-04:00"),  # clocks go forward
        ("Asia/Namakkal", "22:00", "07:00", "2025-01-10 22:00+05:30", "2025-01-11 07:00+05:30"),  # unknown: as in India
        (None, None, None, "2025-01-10 23:00+05:30", "2025-01-10 23:00+05:30"),
        (None, "22:00", "07:00", "infinity", None),
        (None, "22:00", "07:00", None, None),
    ],
)
def test_quiet_hours_put_it_off_to_their_end(
    connection: Connection, zone: str | None, start: str | None, end: str | None, moment: str | None, when: str | None
) -> None:
    someone = person(connection)
    connection.execute(
        "update ntf_preferences set quiet_hours_start = %s, quiet_hours_end = %s where profile_id = %s",
        [start, end, someone],
    )
    if zone:
        change = "update usr_preferences set preferred_timezone = %s where profile_id = %s"
        assert connection.execute(change, [zone, someone]).rowcount == 1
    query = "select get_notification_time(%s, %s) is not distinct from %s::timestamptz"
    assert value(connection, query, someone, moment, when) is True


def test_quiet_hours_of_nobody_put_nothing_off(connection: Connection) -> None:
    for nobody in (uuid4(), None):
        assert value(connection, "select get_notification_time(%s) = now()", nobody) is True


def test_the_queue_waits_for_the_end_of_quiet_hours(connection: Connection) -> None:
    recipient = person(connection)
    connection.execute(
        """update ntf_preferences set quiet_hours_start = (now() at time zone 'Asia/Kolkata')::time - interval '1 hour',
            quiet_hours_end = (now() at time zone 'Asia/Kolkata')::time + interval '1 hour' where profile_id = %s""",
        [recipient],
    )
    notification = tell(connection, recipient, kind="system", slug="event-invitation")
    query = "select distinct scheduled_at - now() from ntf_queue where notification_id = %s"
    assert [row[0].total_seconds() for row in connection.execute(query, [notification])] == [3600]
    at_once = tell(connection, person(connection), kind="system")
    assert value(connection, "select scheduled_at = now() from ntf_queue where notification_id = %s", at_once) is True


def test_what_was_sent_is_noted_and_stays_noted(connection: Connection) -> None:
    notification = tell(connection, person(connection), kind="system", slug="event-invitation")
    delivered = (
        """select is_delivered_push, is_delivered_email, is_delivered_sms from ntf_notifications where id = %s"""
    )
    fail = "update ntf_queue set status = 'failed', attempts = 3, error = 'no device' where delivery_method = 'push'"
    connection.execute(fail)
    assert connection.execute(delivered, [notification]).fetchone() == (False, False, False)
    connection.execute("update ntf_queue set status = 'sent', sent_at = now() where delivery_method = 'email'")
    assert connection.execute(delivered, [notification]).fetchone() == (False, True, False)
    connection.execute("delete from ntf_queue")
    insert = (
        "insert into ntf_queue (notification_id, delivery_method, status, sent_at) values (%s, 'sms', 'sent', now())"
    )
    connection.execute(insert, [notification])
    assert connection.execute(delivered, [notification]).fetchone() == (False, True, True)


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (errors.CheckViolation, "delivery_method = 'fax'"),
        (errors.CheckViolation, "status = 'lost'"),
        (errors.CheckViolation, "status = 'sent'"),  # without a time
        (errors.CheckViolation, "sent_at = now()"),
        (errors.CheckViolation, "attempts = 4"),
        (errors.CheckViolation, "attempts = -1"),
        (errors.CheckViolation, "max_attempts = 0"),
        (errors.UniqueViolation, "delivery_method = 'email'"),  # it goes out by e-mail already
    ],
)
def test_the_queue_refuses_nonsense(connection: Connection, error: type[psycopg.Error], change: str) -> None:
    tell(connection, person(connection), kind="system", slug="event-invitation")
    refused(connection, error, f"update ntf_queue set {change} where delivery_method = 'push'")


@pytest.mark.parametrize("kind", ["individual", "business", "organization"])
def test_it_goes_with_the_actor(connection: Connection, kind: str) -> None:
    recipient, actor = person(connection), entity(connection, kind)
    tell(connection, recipient, actor, kind=kind)
    kept = tell(connection, recipient, person(connection))
    table = {"individual": "profiles", "business": "biz_profiles", "organization": "org_profiles"}[kind]
    connection.execute(f"delete from {table} where id = %s".encode(), [actor])
    assert connection.execute("select id from ntf_notifications").fetchall() == [(kept,)]
    assert ways(connection, kept) == ["push"]


def test_it_goes_with_what_it_points_to_and_with_the_recipient(connection: Connection) -> None:
    recipient, made, article = person(connection), event(connection), resource(connection)
    tell(connection, recipient, kind="system", action=("event", made))
    tell(connection, recipient, kind="system", action=("resource", article))
    tell(connection, recipient, kind="system")
    connection.execute("delete from evt_events where id = %s", [made])
    assert count(connection) == 2
    connection.execute("delete from res_resources where id = %s", [article])
    assert count(connection) == 1
    connection.execute("delete from profiles where id = %s", [recipient])
    assert count(connection) == 0
    assert value(connection, "select count(*) from ntf_queue") == 0


def test_a_type_in_use_stays(connection: Connection) -> None:
    tell(connection, person(connection), kind="system")
    refused(connection, errors.IntegrityError, "delete from ref_notification_types where slug = 'new-message'")


@pytest.mark.parametrize(
    ("error", "columns"),
    [
        (errors.UniqueViolation, {"name": "reminder"}),
        (errors.CheckViolation, {"title_template": " "}),
        (errors.CheckViolation, {"message_template": "x" * 1001}),
        (errors.CheckViolation, {"email_subject_template": "Soon"}),  # without a body
        (errors.CheckViolation, {"sms_template": "x" * 481}),
        (errors.CheckViolation, {"variables": ["actor", None]}),
    ],
)
def test_a_template_refuses_nonsense(
    connection: Connection, error: type[psycopg.Error], columns: dict[str, object]
) -> None:
    insert = """
        insert into ntf_templates (name, notification_type_id, title_template, message_template, email_subject_template,
            sms_template, variables)
        select %s, id, %s, %s, %s, %s, %s from ref_notification_types where slug = 'event-reminder'"""

    def row(**changed: object) -> list[object]:
        usual: dict[str, object] = {"name": "reminder", "title_template": "{object}", "message_template": "Soon."}
        usual |= {"email_subject_template": None, "sms_template": None, "variables": ["object"], **changed}
        return list(usual.values())

    connection.execute(insert, row())
    refused(connection, error, insert, *row(**({"name": "other"} | columns)))
