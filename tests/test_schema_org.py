"""Files 30 and 32: organizations, who leads them, and what they hand out."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_org_rows import (
    ANNOUNCEMENT,
    COMMITTEE,
    INVITATION,
    OFFICE,
    RESOURCE,
    SEAT,
    TERM,
    fill,
    member,
    rows_of,
)
from tests.schema_rows import Connection, organization, person, refused, value

LONG_AGO = "2020-01-01 00:00:00+00"


@pytest.fixture(scope="module")
def session(server: Cluster, template: str) -> Iterator[Connection]:
    """One connection for all tests: what the server has compiled and looked up once is used again."""
    for url in temporary_database(server, template):
        with psycopg.connect(url) as session:
            yield session


@pytest.fixture
def connection(session: Connection) -> Iterator[Connection]:
    yield session
    session.rollback()


@pytest.fixture
def union(connection: Connection) -> UUID:
    return organization(connection, person(connection))


def test_a_new_organization_can_be_reached_and_is_counted(connection: Connection, union: UUID) -> None:
    made = {table for table, count in rows_of(connection, union).items() if count}
    assert made == {"org_contact_info", "org_stats"}


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        ("'Egg Union', 'Pune'", "egg-union-pune-1"),  # taken by another organization
        ("'Egg Union', 'Pune', '{union}'", "egg-union-pune"),  # its own
        ("'Œufs & Compagnie'", "oeufs-compagnie"),
        ("'अंडा संघ', null, 'abcdef01-0000-4000-8000-000000000000'", "org-abcdef01"),
        ("null", "org"),
        ("'Members'", "members-1"),
        ("repeat('x', 200), 'Pune'", "x" * 60),
    ],
)
def test_an_organization_slug_is_readable_and_free(
    connection: Connection, union: UUID, arguments: str, slug: str
) -> None:
    connection.execute("update org_profiles set organization_slug = 'egg-union-pune' where id = %s", [union])
    query = f"select generate_organization_slug({arguments.replace('{union}', str(union))})"
    assert value(connection, query) == slug


@pytest.mark.parametrize(
    "change",
    [
        "organization_name = ' '",
        "organization_slug = 'Egg Union'",
        "tagline = repeat('x', 201)",
        "mission = repeat('x', 1001)",
        "vision = repeat('x', 1001)",
        "about = repeat('x', 2001)",
        "founded_year = 1799",
        "founded_year = 9999",  # by the trigger: not yet
        "website_url = 'example.org'",
        "is_verified = true",  # since when?
        "verified_by = created_by",
        "members_count = -1",
        "followers_count = -1",
        "events_count = -1",
        "organization_type_id = gen_random_uuid()",
        "created_by = null",
    ],
)
def test_an_organization_refuses_nonsense(connection: Connection, union: UUID, change: str) -> None:
    refused(connection, errors.IntegrityError, f"update org_profiles set {change} where id = %s", union)


@pytest.mark.parametrize(
    ("error", "statement"),
    [
        (errors.CheckViolation, "update org_contact_info set phone = 'call me' where organization_id = %s"),
        (errors.CheckViolation, "update org_contact_info set business_hours = '[]' where organization_id = %s"),
        (errors.CheckViolation, "update org_offices set type = 'shop' where organization_id = %s"),
        (errors.CheckViolation, "update org_offices set latitude = 18.5 where organization_id = %s"),
        (errors.CheckViolation, "update org_leadership set is_current = false where organization_id = %s"),
        (errors.CheckViolation, "update org_leadership set end_date = '2025-03-31' where organization_id = %s"),
        (errors.CheckViolation, "update org_membership_tiers set max_members = 0 where organization_id = %s"),
        (errors.UniqueViolation, "update org_membership_tiers set name = 'Gold' where organization_id = %s"),
        (errors.CheckViolation, "update org_members set role = 'king' where organization_id = %s"),
        (errors.CheckViolation, "update org_members set status = 'gone' where organization_id = %s"),
        (errors.CheckViolation, "update org_members set expires_at = joined_at where organization_id = %s"),
        (
            errors.CheckViolation,
            "update org_membership_applications set status = 'approved' where organization_id = %s",
        ),
        (
            errors.CheckViolation,
            "update org_membership_applications set reviewed_at = now() where organization_id = %s",
        ),
        (
            errors.CheckViolation,
            "update org_membership_applications set rejection_reason = '-' where organization_id = %s",
        ),
        (errors.CheckViolation, "update org_member_invitations set invitee_email = null where organization_id = %s"),
        (
            errors.CheckViolation,
            "update org_member_invitations set invitee_profile_id = invited_by where organization_id = %s",
        ),
        (errors.CheckViolation, "update org_member_invitations set token_hash = 'secret' where organization_id = %s"),
        (errors.CheckViolation, "update org_member_invitations set status = 'accepted' where organization_id = %s"),
        (
            errors.CheckViolation,
            "update org_member_invitations set expires_at = '2000-01-01' where organization_id = %s",
        ),
        (errors.CheckViolation, "update org_membership_history set event = 'promoted' where organization_id = %s"),
        (errors.CheckViolation, "update org_committee_members set end_date = '2024-03-31' where organization_id = %s"),
        (errors.CheckViolation, "update org_resources set access = 'nobody' where organization_id = %s"),
        (errors.CheckViolation, "update org_announcements set priority = 6 where organization_id = %s"),
        (errors.CheckViolation, "update org_announcements set audience = 'nobody' where organization_id = %s"),
        (
            errors.CheckViolation,
            "update org_announcements set published_at = now(), expires_at = now() where organization_id = %s",
        ),
    ],
)
def test_what_belongs_to_an_organization_refuses_nonsense(
    connection: Connection, union: UUID, error: type[psycopg.Error], statement: str
) -> None:
    fill(connection, union)
    refused(connection, error, statement, union)


def test_an_organization_has_one_first_office_and_one_of_each_name_and_number(
    connection: Connection, union: UUID
) -> None:
    fill(connection, union)
    other = organization(connection, person(connection))
    for statement in (OFFICE, COMMITTEE):
        params = [["Finance"], []][statement is OFFICE]
        refused(connection, errors.UniqueViolation, statement, union, *params)
        connection.execute(statement, [other, *params])
    number = "update org_members set membership_number = '7' where id = %s"
    connection.execute(number, [member(connection, union)])
    refused(connection, errors.UniqueViolation, number, member(connection, union))
    connection.execute(number, [member(connection, other)])


def test_a_committee_takes_members_of_its_organization_only(connection: Connection, union: UUID) -> None:
    other = organization(connection, person(connection))
    stranger, finance = member(connection, other), value(connection, COMMITTEE, union, "Finance")
    refused(connection, errors.ForeignKeyViolation, SEAT, union, finance, stranger)
    refused(connection, errors.ForeignKeyViolation, SEAT, other, finance, stranger)

    joined = member(connection, union)
    connection.execute(SEAT, [union, finance, joined])
    refused(connection, errors.UniqueViolation, SEAT, union, finance, joined)


def test_documents_count_where_they_are(connection: Connection, union: UUID) -> None:
    other = organization(connection, person(connection))
    query = "select resources_count from org_stats where organization_id = %s"
    document = value(connection, RESOURCE, union)
    value(connection, RESOURCE, union)
    connection.execute("update org_resources set organization_id = %s where id = %s", [other, document])
    assert (value(connection, query, union), value(connection, query, other)) == (1, 1)
    connection.execute("delete from org_resources where id = %s", [document])
    assert value(connection, query, other) == 0


def test_who_set_it_up_cannot_be_deleted_and_who_wrote_is_forgotten(connection: Connection, union: UUID) -> None:
    creator = value(connection, "select created_by from org_profiles where id = %s", union)
    error = refused(connection, errors.IntegrityError, "delete from profiles where id = %s", creator)
    assert error.diag.constraint_name == "fk_org_profiles_created_by"

    writer = person(connection)
    connection.execute(ANNOUNCEMENT, [union, writer])
    connection.execute(TERM, [union, writer])
    connection.execute(INVITATION, [union, writer, None])
    connection.execute("delete from profiles where id = %s", [writer])
    left = {table for table, count in rows_of(connection, union).items() if count}
    assert left == {"org_contact_info", "org_stats", "org_announcements"}


def test_an_organization_takes_along_what_belongs_to_it(connection: Connection, union: UUID) -> None:
    fill(connection, union)
    assert 0 not in rows_of(connection, union).values()
    connection.execute("set local role app_rw")
    connection.execute("delete from org_profiles where id = %s", [union])
    connection.execute("reset role")
    assert set(rows_of(connection, union).values()) == {0}


def test_an_organization_is_found_by_its_words_and_names_weigh_most(connection: Connection, union: UUID) -> None:
    change = "update org_profiles set display_name = 'DÉA', tagline = 'Fair eggs', mission = 'Rates' where id = %s"
    connection.execute(change, [union])
    query = "select ts_filter(search, %s) @@ websearch_to_tsquery('simple', %s) from org_profiles where id = %s"
    for weight, word in (("a", "deccan"), ("a", "dea"), ("b", "eggs"), ("c", "rates")):
        assert value(connection, query, [weight], word, union) is True
    assert value(connection, query, ["a"], "rates", union) is False


def test_counting_is_no_edit(connection: Connection, union: UUID) -> None:
    connection.execute("update org_profiles set updated_at = %s where id = %s", [LONG_AGO, union])
    connection.execute("delete from org_stats where organization_id = %s", [union])  # nobody can turn its time back
    connection.execute("insert into org_stats (organization_id, last_updated_at) values (%s, %s)", [union, LONG_AGO])
    stamps = """select updated_at > %(then)s, last_updated_at > %(then)s
        from org_profiles o join org_stats s on s.organization_id = o.id where o.id = %(id)s"""
    params = {"then": LONG_AGO, "id": union}

    connection.execute("update org_stats set posts_count = posts_count where organization_id = %s", [union])
    assert connection.execute(stamps, params).fetchone() == (False, False)
    member(connection, union)
    assert connection.execute(stamps, params).fetchone() == (False, True)
    connection.execute("update org_profiles set vision = 'An egg a day' where id = %s", [union])
    assert connection.execute(stamps, params).fetchone() == (True, True)
