"""File 31: who joins an organization, on what terms, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_org_rows import APPLICATION, INVITATION, MEMBER, member, tier
from tests.schema_rows import Connection, business, organization, person, refused, value, wait_for_a_lock


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


def counts(connection: Connection, of: UUID) -> tuple[int, int, int]:
    """Members, of these people, of these businesses."""
    query = """select members_count, individual_members_count, business_members_count
        from org_profiles o join org_stats s on s.organization_id = o.id where o.id = %s"""
    row = connection.execute(query, [of]).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def history(connection: Connection, of: UUID) -> list[str]:
    """The events of a membership. Those of one transaction have one time, so the order is not told."""
    rows = connection.execute("select event from org_membership_history where member_id = %s", [of]).fetchall()
    return sorted(row[0] for row in rows)


def test_active_members_count_by_kind(connection: Connection, union: UUID) -> None:
    owner, someone = person(connection), person(connection)
    farm = business(connection, owner)
    joined = member(connection, union, someone)
    member(connection, union, farm, kind="business")
    member(connection, union, status="suspended")
    assert counts(connection, union) == (2, 1, 1)

    connection.execute("update org_members set status = 'expired' where id = %s", [joined])
    assert counts(connection, union) == (1, 0, 1)
    connection.execute("update org_members set status = 'active' where organization_id = %s", [union])
    assert counts(connection, union) == (3, 2, 1)

    connection.execute("delete from biz_profiles where id = %s", [farm])
    connection.execute("delete from profiles where id = %s", [someone])
    assert counts(connection, union) == (1, 1, 0)
    connection.execute("delete from org_members where organization_id = %s", [union])
    assert counts(connection, union) == (0, 0, 0)


def test_a_member_exists_and_joins_once(connection: Connection, union: UUID) -> None:
    someone = person(connection)
    member(connection, union, someone)
    refused(connection, errors.UniqueViolation, MEMBER, union, "individual", someone, None, "active")
    refused(connection, errors.ForeignKeyViolation, MEMBER, union, "business", someone, None, "active")
    refused(connection, errors.ForeignKeyViolation, MEMBER, union, "individual", uuid4(), None, "active")
    refused(connection, errors.CheckViolation, MEMBER, union, "organization", union, None, "active")
    refused(connection, errors.ForeignKeyViolation, APPLICATION, union, "individual", uuid4(), None)


@pytest.mark.parametrize("column", ["organization_id", "member_id"])
def test_a_membership_keeps_its_organization_and_its_member(connection: Connection, union: UUID, column: str) -> None:
    joined, someone = member(connection, union), person(connection)
    other = organization(connection, someone) if column == "organization_id" else someone
    error = refused(
        connection, errors.CheckViolation, f"update org_members set {column} = %s where id = %s", other, joined
    )
    assert error.diag.constraint_name == "ck_org_members_is_fixed"


def test_a_tier_is_of_the_same_organization_everywhere(connection: Connection, union: UUID) -> None:
    foreign, someone = tier(connection, organization(connection, person(connection))), person(connection)
    refused(connection, errors.ForeignKeyViolation, MEMBER, union, "individual", someone, foreign, "active")
    refused(connection, errors.ForeignKeyViolation, APPLICATION, union, "individual", someone, foreign)
    refused(connection, errors.ForeignKeyViolation, INVITATION, union, someone, foreign)


def test_a_tier_with_members_stays_and_one_without_is_forgotten(connection: Connection, union: UUID) -> None:
    gold, silver, someone = tier(connection, union), tier(connection, union, "Silver"), person(connection)
    joined = member(connection, union, someone, in_tier=gold)
    connection.execute(APPLICATION, [union, "individual", someone, gold])
    connection.execute(INVITATION, [union, someone, gold])
    refused(connection, errors.IntegrityError, "delete from org_membership_tiers where id = %s", gold)

    connection.execute("update org_members set tier_id = %s where id = %s", [silver, joined])
    connection.execute("delete from org_membership_tiers where id = %s", [gold])
    for table in ("org_membership_applications", "org_member_invitations"):
        assert (
            value(connection, f"select count(*) from {table} where organization_id = %s and tier_id is null", union)
            == 1
        )
    tiers = "select old_tier_id, new_tier_id from org_membership_history where member_id = %s and event = 'renewed'"
    assert connection.execute(tiers, [joined]).fetchall() == [(None, silver)]


def test_a_tier_takes_no_more_active_members_than_it_has_places(connection: Connection, union: UUID) -> None:
    gold = tier(connection, union, places=2)
    first = member(connection, union, in_tier=gold)
    member(connection, union, in_tier=gold)
    waiting = member(connection, union, in_tier=gold, status="inactive")
    activate = "update org_members set status = 'active' where id = %s"
    error = refused(connection, errors.CheckViolation, activate, waiting)
    assert error.diag.constraint_name == "ck_org_members_tier_has_room"
    refused(connection, errors.CheckViolation, MEMBER, union, "individual", person(connection), gold, "active")

    connection.execute(activate, [first])  # who has a place keeps it
    connection.execute("update org_members set status = 'expired' where id = %s", [first])
    connection.execute(activate, [waiting])


def test_two_sessions_cannot_both_take_the_last_place(database: str) -> None:
    with psycopg.connect(database) as one, psycopg.connect(database) as two, ThreadPoolExecutor(1) as thread:
        union = organization(one, person(one))
        gold, first, second = tier(one, union, places=1), person(one), person(one)
        one.commit()
        member(one, union, first, in_tier=gold)
        late = thread.submit(member, two, union, second, in_tier=gold)
        wait_for_a_lock(one, two)
        one.commit()
        with pytest.raises(errors.CheckViolation, match="all 1 places are taken"):
            late.result(timeout=30)


@pytest.mark.parametrize(
    ("change", "events"),
    [
        ("status = 'inactive'", ["left"]),
        ("status = 'suspended'", ["suspended"]),
        ("status = 'expired'", ["expired"]),
        ("expires_at = '2999-01-01'", ["renewed"]),
        ("expires_at = '2001-01-01', joined_at = '2000-01-01'", []),
        ("tier_id = '{dear}'", ["upgraded"]),
        ("tier_id = null", ["downgraded"]),
        ("tier_id = '{same}'", ["renewed"]),
        ("tier_id = '{same}', expires_at = null", ["renewed"]),
        ("tier_id = '{dear}', status = 'suspended'", ["suspended", "upgraded"]),
        ("status = status, tier_id = tier_id", []),
        ("role = 'admin'", []),
    ],
)
def test_the_history_tells_what_happened_to_a_membership(
    connection: Connection, union: UUID, change: str, events: list[str]
) -> None:
    gold, same = tier(connection, union, "Gold", 500), tier(connection, union, "Student gold", 500)
    joined = member(connection, union, in_tier=gold)
    connection.execute("update org_members set expires_at = '2998-01-01' where id = %s", [joined])
    assert history(connection, joined) == ["joined"]  # an end sooner than never is no renewal

    change = change.replace("{dear}", str(tier(connection, union, "Platinum", 900))).replace("{same}", str(same))
    connection.execute(f"update org_members set {change} where id = %s", [joined])
    assert history(connection, joined) == sorted(["joined", *events])


def test_the_history_tells_the_tiers_and_a_return(connection: Connection, union: UUID) -> None:
    gold, joined = tier(connection, union), member(connection, union, status="expired")
    connection.execute("update org_members set status = 'active', tier_id = %s where id = %s", [gold, joined])
    assert history(connection, joined) == ["expired", "joined", "renewed", "upgraded"]
    tiers = "select old_tier_id, new_tier_id from org_membership_history where member_id = %s and event = 'upgraded'"
    assert connection.execute(tiers, [joined]).fetchall() == [(None, gold)]


def test_the_application_writes_the_history_but_cannot_rewrite_it(connection: Connection, union: UUID) -> None:
    someone = person(connection)
    connection.execute("set local role app_rw")
    joined = member(connection, union, someone)
    assert history(connection, joined) == ["joined"]
    refused(connection, errors.InsufficientPrivilege, "update org_membership_history set notes = 'x'")
    refused(connection, errors.InsufficientPrivilege, "delete from org_membership_history")
    connection.execute("delete from org_members where id = %s", [joined])
    assert history(connection, joined) == []


def test_an_applicant_waits_once(connection: Connection, union: UUID) -> None:
    someone, reviewer = person(connection), person(connection)
    connection.execute(APPLICATION, [union, "individual", someone, None])
    refused(connection, errors.UniqueViolation, APPLICATION, union, "individual", someone, None)

    review = "update org_membership_applications set status = 'rejected', reviewed_at = now(), reviewed_by = %s"
    connection.execute(review, [reviewer])
    connection.execute(APPLICATION, [union, "individual", someone, None])
    connection.execute("delete from profiles where id = %s", [reviewer])
    left = "select status, reviewed_by from org_membership_applications where applicant_id = %s order by status"
    assert connection.execute(left, [someone]).fetchall() == [("pending", None), ("rejected", None)]

    connection.execute("delete from profiles where id = %s", [someone])
    assert connection.execute(left, [someone]).fetchall() == []
