"""File 900: tags, uploads, saved searches, feedback, e-mails, and the audit of what administrators change."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, act_as, person, refused, value

# table -> what to insert, with %(person)s for somebody, and what to change
AUDITED = {
    "adm_roles": (
        "insert into adm_roles (name, slug, permissions, level) values ('Guest', 'guest', '{}', 9)",
        "level = 8",
    ),
    "adm_users": (
        "insert into adm_users (profile_id, role_id) select %(person)s, id from adm_roles where slug = 'support'",
        "is_active = false",
    ),
    "adm_moderation_queue": (
        "insert into adm_moderation_queue (content_type, content_id, reason) values ('profile', %(person)s, 'spam')",
        "priority = 'high'",
    ),
    "adm_banned_users": (
        "insert into adm_banned_users (profile_id, reason, ban_type) values (%(person)s, 'spam', 'permanent')",
        "is_active = false",
    ),
    "adm_system_settings": (
        "insert into adm_system_settings (key, category, value) values ('test.key', 'test', '1')",
        "value = '2'",
    ),
    "adm_background_jobs": ("insert into adm_background_jobs (job_name) values ('refresh_views')", "attempts = 1"),
    "usr_verifications": (
        "insert into usr_verifications (profile_id, verification_type) values (%(person)s, 'email')",
        "status = 'approved', reviewed_at = now()",
    ),
}
NEW_ROWS = (
    "select operation, old_data, new_data from audit_log where table_name = %s and created_at = now() order by id"
)


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def setting(connection: Connection, name: str, text: str) -> None:
    connection.execute("select set_config(%s, %s, true)", [name, text])


@pytest.mark.parametrize("table", AUDITED)
def test_every_change_of_an_audited_table_is_written_down(connection: Connection, table: str) -> None:
    insert, change = AUDITED[table]
    key = "key" if table == "adm_system_settings" else "id"
    row = connection.execute(f"{insert} returning to_jsonb({table})", {"person": person(connection)}).fetchall()[0][0]
    where = f"where {key}::text = '{row[key]}'"
    changed = value(connection, f"update {table} set {change} {where} returning to_jsonb({table})")
    connection.execute(f"update {table} set {change} {where}")  # changes nothing
    connection.execute(f"delete from {table} {where}")

    written = connection.execute(NEW_ROWS, [table]).fetchall()
    assert written == [("INSERT", None, row), ("UPDATE", row, changed), ("DELETE", changed, None)]
    ids = "select array_agg(distinct record_id) from audit_log where table_name = %s and created_at = now()"
    assert value(connection, ids, table) == [UUID(row["id"]) if "id" in row else None]


def test_audited_are_the_tables_of_the_staff_and_the_verifications(connection: Connection) -> None:
    tables = """
        select array_agg(tgrelid::regclass::text order by 1) from pg_trigger where tgfoid = 'trg_fn_audit'::regproc"""
    staff = "select array_agg(relname::text) from pg_class where relkind = 'r' and relname ~ '^adm_'"
    found = value(connection, tables)
    assert set(found) == set(AUDITED) == {*value(connection, staff), "usr_verifications"} - {"adm_actions_log"}


def change_a_setting(connection: Connection) -> tuple[UUID | None, str | None, str | None]:
    connection.execute("update adm_system_settings set value = '\"x\"' where key = 'seo.title'")
    query = "select profile_id, host(ip_address), user_agent from audit_log order by id desc limit 1"
    found: tuple[UUID | None, str | None, str | None] = connection.execute(query).fetchall()[0]
    return found


def test_the_audit_says_who_from_where_and_with_what(connection: Connection) -> None:
    someone = person(connection)
    act_as(connection, someone)
    setting(connection, "app.client_ip", "2001:db8::7")
    setting(connection, "app.user_agent", "Mozilla/5.0 " + "x" * 2000)
    who, address, program = change_a_setting(connection)
    assert (who, address) == (someone, "2001:db8::7")
    assert program is not None
    assert len(program) == 1000


@pytest.mark.parametrize(("user", "address"), [("", ""), ("nobody", "not an address"), (str(UUID(int=7)), "300.1.1.1")])
def test_what_is_not_known_stops_no_change(connection: Connection, user: str, address: str) -> None:
    act_as(connection, user)
    setting(connection, "app.client_ip", address)
    setting(connection, "app.user_agent", "")
    assert change_a_setting(connection) == (None, None, None)


def test_who_deletes_the_own_profile_is_audited_too(connection: Connection) -> None:
    someone = person(connection)
    act_as(connection, someone)
    connection.execute("insert into usr_verifications (profile_id, verification_type) values (%s, 'email')", [someone])
    connection.execute("delete from auth.users where id = %s", [someone])
    query = "select operation, profile_id from audit_log where table_name = 'usr_verifications' order by id"
    assert connection.execute(query).fetchall() == [("INSERT", None), ("DELETE", None)]


def test_the_application_is_audited_but_does_not_write_the_audit(connection: Connection) -> None:
    connection.execute("set local role app_rw")
    assert change_a_setting(connection) == (None, None, None)
    for statement in (
        "insert into audit_log (table_name, operation, new_data) values ('x', 'INSERT', '{}')",
        "update audit_log set user_agent = 'x'",
        "delete from audit_log",
        "select trg_fn_audit()",
    ):
        refused(connection, errors.InsufficientPrivilege, statement)
    connection.execute("reset role")
    assert value(connection, "select database_role = session_user from audit_log order by id desc limit 1") is True


@pytest.mark.parametrize(
    "change", ["new_data = '{}'", "operation = 'DELETE'", "created_at = 'epoch'", "table_name = 'x'", "profile_id = %s"]
)
def test_a_row_of_the_audit_is_never_changed(connection: Connection, change: str) -> None:
    change_a_setting(connection)
    params = [person(connection)] if "%s" in change else []
    refused(connection, errors.CheckViolation, f"update audit_log set {change} where created_at = now()", *params)


def test_the_audit_refuses_half_a_row(connection: Connection) -> None:
    insert = "insert into audit_log (table_name, operation, old_data) values ('x', %s, %s)"
    refused(connection, errors.CheckViolation, insert, "INSERT", "{}")
    refused(connection, errors.CheckViolation, insert, "UPDATE", "{}")
    refused(connection, errors.CheckViolation, insert, "DELETE", None)
    refused(connection, errors.CheckViolation, insert, "TRUNCATE", "{}")


def test_what_a_person_left_behind_stays_without_the_person(connection: Connection) -> None:
    someone = person(connection)
    connection.execute(
        "insert into media_uploads (uploaded_by, file_name, file_url, media_type, file_size)"
        " values (%s, 'hens.mp4', 'https://example.org/hens.mp4', 'video', 5000000000)",
        [someone],
    )
    connection.execute(
        "insert into feedback (profile_id, feedback_type, subject, message, response, responded_by, responded_at)"
        " values (%s, 'praise', 'Good', 'Good.', 'Thank you', %s, now())",
        [someone, someone],
    )
    connection.execute(
        "insert into saved_searches (profile_id, name, search_type, query) values (%s, 'mine', 'jobs', 'layers')",
        [someone],
    )
    connection.execute("delete from profiles where id = %s", [someone])
    assert connection.execute("select uploaded_by, file_size from media_uploads").fetchall() == [(None, 5_000_000_000)]
    assert connection.execute("select profile_id, responded_by, response from feedback").fetchall() == [
        (None, None, "Thank you")
    ]
    assert value(connection, "select count(*) from saved_searches") == 0


def test_names_are_taken_once(connection: Connection) -> None:
    someone = person(connection)
    connection.execute("insert into tags (name, slug) values ('Layers', 'layers')")
    refused(connection, errors.UniqueViolation, "insert into tags (name, slug) values ('LAYERS', 'other')")
    refused(connection, errors.UniqueViolation, "insert into tags (name, slug) values ('Other', 'layers')")
    search = "insert into saved_searches (profile_id, name, search_type, query) values (%s, 'mine', 'posts', 'x')"
    connection.execute(search, [someone])
    refused(connection, errors.UniqueViolation, search, someone)
    upload = """
        insert into media_uploads (file_name, file_url, media_type, s3_bucket, s3_key)
        values ('x', 'x', 'image', 'hens', 'x.jpg')"""
    connection.execute(upload)
    refused(connection, errors.UniqueViolation, upload)
    mail = (
        "insert into email_queue (to_email, subject, body_text, ses_message_id) values ('a@b.example', 'x', 'x', '1')"
    )
    connection.execute(mail)
    refused(connection, errors.UniqueViolation, mail)


def test_an_email_is_followed_to_its_end(connection: Connection) -> None:
    connection.execute(
        "insert into email_queue (to_email, subject, template_name) values ('a@b.example', 'Hello', 'welcome')"
    )
    for change in (
        "status = 'processing', attempts = 1",
        "status = 'sent', sent_at = now(), ses_message_id = '0100018'",
        "status = 'delivered', last_event_at = now()",
        "status = 'complained', last_event_at = now()",
    ):
        assert connection.execute(f"update email_queue set {change}").rowcount == 1


@pytest.mark.parametrize(
    "change",
    [
        "to_email = 'nowhere'",
        "subject = e'Hello\\nBcc: everybody@b.example'",
        "body_text = null",  # and nothing else to send
        "status = 'sent'",  # when?
        "status = 'bounced', sent_at = now()",
        "sent_at = now()",
        "status = 'lost'",
        "attempts = 4",
        "template_data = '[]'",
    ],
)
def test_an_email_refuses_nonsense(connection: Connection, change: str) -> None:
    connection.execute(
        "insert into email_queue (to_email, subject, body_text) values ('a@b.example', 'Hello', 'Hello')"
    )
    refused(connection, errors.CheckViolation, f"update email_queue set {change}")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into tags (name, slug) values (' layers', 'layers')",
        "insert into tags (name, slug) values ('layers', 'Big Slug')",
        "insert into media_uploads (file_name, file_url, media_type) values ('x', 'x', 'hologram')",
        "insert into media_uploads (file_name, file_url, media_type, file_size) values ('x', 'x', 'image', -1)",
        "insert into media_uploads (file_name, file_url, media_type, width) values ('x', 'x', 'image', 0)",
        "insert into media_uploads (file_name, file_url, media_type, s3_key) values ('x', 'x', 'image', 'k')",
        "insert into media_uploads (file_name, file_url, media_type, mime_type) values ('x', 'x', 'image', 'jpeg')",
        "insert into media_uploads (file_name, file_url, media_type, status) values ('x', 'x', 'image', 'gone')",
        "insert into saved_searches (profile_id, name, search_type) values (gen_random_uuid(), 'x', 'posts')",
        "insert into saved_searches (profile_id, name, search_type, query) values (gen_random_uuid(), 'x', 'all', 'x')",
        "insert into feedback (feedback_type, subject, message) values ('rant', 'x', 'x')",
        "insert into feedback (feedback_type, subject, message) values ('bug', 'x', repeat('x', 2001))",
        "insert into feedback (feedback_type, subject, message, email) values ('bug', 'x', 'x', 'nowhere')",
        "insert into feedback (feedback_type, subject, message, response) values ('bug', 'x', 'x', 'Thank you')",
    ],
)
def test_the_tables_refuse_nonsense(connection: Connection, statement: str) -> None:
    refused(connection, errors.CheckViolation, statement)
