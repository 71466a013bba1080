"""File 60: events, their guests and room, hosts, speakers, sponsors and news."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_evt_rows import business, entity, event, organization
from tests.schema_rows import Connection, person, refused, value

GOES = "insert into evt_attendees (event_id, profile_id) values (%s, %s)"
ANSWER = "insert into evt_attendees (event_id, profile_id, rsvp) values (%s, %s, %s)"


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def guests(connection: Connection, of: UUID) -> tuple[int, int]:
    row = connection.execute("select attendees_count, interested_count from evt_events where id = %s", [of]).fetchone()
    assert row is not None
    return row[0], row[1]


def count(connection: Connection, table: str) -> int:
    return int(value(connection, f"select count(*) from {table}"))


def test_the_counters_follow_the_answers(connection: Connection) -> None:
    one, other = event(connection), event(connection)
    first, second, third = (person(connection) for _ in range(3))
    for guest, answer in ((first, "going"), (second, "interested"), (third, "maybe")):
        connection.execute(ANSWER, [one, guest, answer])
    assert guests(connection, one) == (1, 1)

    connection.execute("update evt_attendees set rsvp = 'going' where profile_id = %s", [second])
    connection.execute("update evt_attendees set rsvp = 'interested' where profile_id = %s", [third])
    assert guests(connection, one) == (2, 1)

    connection.execute("update evt_attendees set event_id = %s where profile_id = %s", [other, first])
    assert (guests(connection, one), guests(connection, other)) == ((1, 1), (1, 0))

    connection.execute("delete from auth.users where id in (%s, %s)", [first, third])
    assert (guests(connection, one), guests(connection, other)) == ((1, 0), (0, 0))


def test_an_organization_counts_its_published_events(connection: Connection) -> None:
    one, other = organization(connection), organization(connection)
    made = event(connection, one, kind="organization", status="draft")
    event(connection, person(connection))
    counts = "select array(select events_count from org_profiles where id in (%s, %s) order by id = %s)"

    assert value(connection, counts, one, other, other) == [0, 0]
    connection.execute("update evt_events set status = 'published' where id = %s", [made])
    assert value(connection, counts, one, other, other) == [1, 0]
    connection.execute("update evt_events set organizer_id = %s where id = %s", [other, made])
    assert value(connection, counts, one, other, other) == [0, 1]
    connection.execute("update evt_events set status = 'cancelled' where id = %s", [made])
    assert value(connection, counts, one, other, other) == [0, 0]
    connection.execute("update evt_events set status = 'published' where id = %s", [made])
    connection.execute("delete from evt_events where id = %s", [made])
    assert value(connection, counts, one, other, other) == [0, 0]


def test_a_full_event_lets_nobody_in_until_somebody_leaves(connection: Connection) -> None:
    full = event(connection, places=2)
    first, second, late = (person(connection) for _ in range(3))
    connection.execute(f"{GOES}, (%s, %s)", [full, first, full, second])

    error = refused(connection, errors.CheckViolation, GOES, full, late)
    assert error.diag.constraint_name == "ck_evt_attendees_room"
    assert "all 2 places are taken" in str(error)
    connection.execute(ANSWER, [full, late, "interested"])
    coming = "update evt_attendees set rsvp = 'going' where profile_id = %s"
    refused(connection, errors.CheckViolation, coming, late)

    connection.execute("update evt_attendees set rsvp = 'not_going' where profile_id = %s", [first])
    connection.execute(coming, [late])
    assert guests(connection, full) == (2, 0)


def test_one_statement_gets_no_more_places_than_there_are(connection: Connection) -> None:
    full = event(connection, places=1)
    pair = [full, person(connection), full, person(connection)]
    refused(connection, errors.CheckViolation, f"{GOES}, (%s, %s)", *pair)


def test_moving_to_a_full_event_is_refused(connection: Connection) -> None:
    full, other, guest = event(connection, places=1), event(connection), person(connection)
    connection.execute(GOES, [full, person(connection)])
    connection.execute(GOES, [other, guest])
    move = "update evt_attendees set event_id = %s where profile_id = %s"
    refused(connection, errors.CheckViolation, move, full, guest)


def test_whoever_has_a_place_keeps_it(connection: Connection) -> None:
    full = event(connection, places=2)
    first = person(connection)
    connection.execute(f"{GOES}, (%s, %s)", [full, first, full, person(connection)])
    connection.execute("update evt_events set max_attendees = 1 where id = %s", [full])

    connection.execute(f"{GOES} on conflict (event_id, profile_id) do update set rsvp = 'going'", [full, first])
    connection.execute("update evt_attendees set rsvp = 'going', is_fee_paid = true where profile_id = %s", [first])
    assert guests(connection, full) == (2, 0)


def test_two_sessions_do_not_share_the_last_place(deployed: str) -> None:
    with psycopg.connect(deployed) as one, psycopg.connect(deployed) as other:
        full, first, second = event(one, places=1), person(one), person(one)
        one.commit()
        outcome: list[str] = []

        def come_second() -> None:
            try:
                other.execute(GOES, [full, second])
                outcome.append("let in")
            except errors.CheckViolation:
                outcome.append("refused")

        try:
            one.execute(GOES, [full, first])
            thread = threading.Thread(target=come_second)
            thread.start()
            thread.join(0.2)
            assert outcome == []  # it waits for the first one
            one.commit()
            thread.join(30)
            assert outcome == ["refused"]
        finally:
            one.rollback()
            other.rollback()
            one.execute("delete from auth.users")  # and with them all that was committed
            one.commit()


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (errors.CheckViolation, "organizer_type = 'system'"),
        (errors.CheckViolation, "title = '  '"),
        (errors.CheckViolation, "description = repeat('x', 5001)"),
        (errors.CheckViolation, "ends_at = starts_at"),
        (errors.InvalidParameterValue, "timezone = 'Asia/Namakkal'"),
        (errors.CheckViolation, "location_type = 'moon'"),
        (errors.CheckViolation, "latitude = 11.2"),  # without longitude
        (errors.CheckViolation, "latitude = 91, longitude = 78"),
        (errors.CheckViolation, "virtual_link = 'javascript:alert(1)'"),
        (errors.CheckViolation, "registration_deadline_at = ends_at + interval '1 minute'"),
        (errors.CheckViolation, "max_attendees = 0"),
        (errors.CheckViolation, "registration_fee = -1"),
        (errors.CheckViolation, "currency = 'inr'"),
        (errors.CheckViolation, "visibility = 'secret'"),
        (errors.CheckViolation, "status = 'postponed'"),
        (errors.CheckViolation, "views_count = -1"),
        (errors.ForeignKeyViolation, "event_type_id = gen_random_uuid()"),
        (errors.ForeignKeyViolation, "organizer_id = gen_random_uuid()"),
        (errors.ForeignKeyViolation, "organizer_type = 'business'"),  # the id is a person's
    ],
)
def test_an_event_refuses_nonsense(connection: Connection, error: type[psycopg.Error], change: str) -> None:
    refused(connection, error, f"update evt_events set {change} where id = %s", event(connection))


def test_an_event_may_be_anywhere_in_the_world_or_nowhere(connection: Connection) -> None:
    change = """update evt_events set timezone = 'America/New_York', latitude = 40.7, longitude = -74,
        virtual_link = 'https://example.org/x', registration_deadline_at = starts_at where id = %s"""
    assert connection.execute(change, [event(connection)]).rowcount == 1


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (errors.CheckViolation, "rsvp = 'perhaps'"),
        (errors.CheckViolation, "registration = '[]'"),
        (errors.CheckViolation, "payment_id = ' '"),
        (errors.CheckViolation, "is_checked_in = true"),  # without a time
        (errors.CheckViolation, "checked_in_at = now()"),
    ],
)
def test_a_guest_refuses_nonsense(connection: Connection, error: type[psycopg.Error], change: str) -> None:
    connection.execute(GOES, [event(connection), person(connection)])
    refused(connection, error, f"update evt_attendees set {change}")


def test_everybody_answers_once(connection: Connection) -> None:
    made, guest = event(connection), person(connection)
    connection.execute(ANSWER, [made, guest, "interested"])
    refused(connection, errors.UniqueViolation, ANSWER, made, guest, "maybe")


@pytest.mark.parametrize("kind", ["individual", "business", "organization"])
def test_an_event_and_its_cohosts_go_with_those_who_held_them(connection: Connection, kind: str) -> None:
    holder, keeper = entity(connection, kind), person(connection)
    event(connection, holder, kind=kind)
    kept = event(connection, keeper)
    cohost = "insert into evt_cohosts (event_id, cohost_type, cohost_id) values (%s, %s, %s)"
    connection.execute(cohost, [kept, kind, holder])
    refused(connection, errors.UniqueViolation, cohost, kept, kind, holder)
    refused(connection, errors.ForeignKeyViolation, cohost, kept, kind, uuid4())
    table = {"individual": "profiles", "business": "biz_profiles", "organization": "org_profiles"}[kind]

    connection.execute(f"delete from {table} where id = %s", [holder])

    assert connection.execute("select id from evt_events").fetchall() == [(kept,)]
    assert count(connection, "evt_cohosts") == 0


def test_a_programme_and_its_news_outlive_their_people(connection: Connection) -> None:
    made, someone = event(connection), person(connection)
    connection.execute(
        "insert into evt_speakers (event_id, profile_id, speaker_name) values (%s, %s, 'Dr Rao')", [made, someone]
    )
    news = "insert into evt_updates (event_id, title, content, created_by) values (%s, 'News', 'More eggs.', %s)"
    connection.execute(news, [made, someone])

    connection.execute("delete from profiles where id = %s", [someone])

    assert connection.execute("select speaker_name, profile_id from evt_speakers").fetchall() == [("Dr Rao", None)]
    assert connection.execute("select title, created_by from evt_updates").fetchall() == [("News", None)]
    connection.execute("delete from evt_events where id = %s", [made])
    assert (count(connection, "evt_speakers"), count(connection, "evt_updates")) == (0, 0)


@pytest.mark.parametrize(
    ("start", "end", "is_refused"),
    [
        (None, None, False),
        ("2025-01-10 10:00+00", None, False),
        ("2025-01-10 10:00+00", "2025-01-10 10:30+00", False),
        ("2025-01-10 10:00+00", "2025-01-10 10:00+00", True),
        (None, "2025-01-10 10:30+00", True),
    ],
)
def test_a_session_ends_after_it_begins(connection: Connection, start: str, end: str, is_refused: bool) -> None:
    insert = """insert into evt_speakers (event_id, speaker_name, session_starts_at, session_ends_at)
        values (%s, 'Dr Rao', %s, %s)"""
    made = event(connection)
    if is_refused:
        refused(connection, errors.CheckViolation, insert, made, start, end)
    else:
        connection.execute(insert, [made, start, end])


def test_a_business_sponsors_an_event_once(connection: Connection) -> None:
    made, sponsor = event(connection), business(connection)
    insert = "insert into evt_sponsors (event_id, business_id, tier, amount) values (%s, %s, %s, %s)"
    refused(connection, errors.CheckViolation, insert, made, sponsor, "gold", -1)
    refused(connection, errors.CheckViolation, insert, made, sponsor, "tin", 1)
    connection.execute(insert, [made, sponsor, "gold", "5000.00"])
    refused(connection, errors.UniqueViolation, insert, made, sponsor, "silver", None)
    connection.execute("delete from biz_profiles where id = %s", [sponsor])
    assert count(connection, "evt_sponsors") == 0


def test_a_kind_of_event_in_use_stays(connection: Connection) -> None:
    event(connection)
    refused(connection, errors.IntegrityError, "delete from ref_event_types where slug = 'meetup'")


def test_an_event_is_found_by_its_words_without_accents(connection: Connection) -> None:
    made = event(connection)
    connection.execute("update evt_events set description = 'Café talks', city = 'Nāmakkal' where id = %s", [made])
    query = "select count(*) from evt_events where search @@ websearch_to_tsquery('simple', %s) and id = %s"
    found = [value(connection, query, word, made) for word in ("layer", "cafe", "namakkal", "pune")]
    assert found == [1, 1, 1, 0]


def test_an_answer_does_not_edit_the_event(connection: Connection) -> None:
    made = event(connection)
    connection.execute("update evt_events set updated_at = '2020-01-01 00:00+00' where id = %s", [made])
    moved = "select updated_at > '2020-01-01 00:00+00' from evt_events where id = %s"
    connection.execute(GOES, [made, person(connection)])
    assert value(connection, moved, made) is False
    connection.execute("update evt_events set title = 'Broiler Meet' where id = %s", [made])
    assert value(connection, moved, made) is True
