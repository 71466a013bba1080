"""Organizations filled with rows, for the tests of files 30 to 32."""

from __future__ import annotations

from uuid import UUID

from tests.schema_rows import Connection, person, value

CHILDREN = (
    "org_contact_info", "org_stats", "org_offices", "org_leadership", "org_membership_tiers", "org_members",
    "org_membership_applications", "org_member_invitations", "org_membership_history", "org_committees",
    "org_committee_members", "org_resources", "org_announcements",
)  # fmt: skip
TIER = """insert into org_membership_tiers (organization_id, name, annual_fee, max_members)
    values (%s, %s, %s, %s) returning id"""
MEMBER = """insert into org_members (organization_id, member_type, member_id, tier_id, status)
    values (%s, %s, %s, %s, %s) returning id"""
APPLICATION = """insert into org_membership_applications (organization_id, applicant_type, applicant_id, tier_id)
    values (%s, %s, %s, %s)"""
INVITATION = """insert into org_member_invitations
    (organization_id, invited_by, invitee_email, token_hash, expires_at, tier_id)
    values (%s, %s, 'usha@example.org', repeat('a', 64), '2999-01-01', %s)"""
COMMITTEE = "insert into org_committees (organization_id, name) values (%s, %s) returning id"
SEAT = """insert into org_committee_members (organization_id, committee_id, member_id, role, start_date)
    values (%s, %s, %s, 'Treasurer', '2024-04-01')"""
RESOURCE = """insert into org_resources (organization_id, title, type, file_url, tags)
    values (%s, 'Rules', 'document', 'https://example.org/rules.pdf', '{rules}') returning id"""
ANNOUNCEMENT = (
    "insert into org_announcements (organization_id, title, content, created_by) values (%s, 'AGM', 'Come', %s)"
)
OFFICE = """insert into org_offices (organization_id, name, type, address, city, state, is_primary)
    values (%s, 'Head office', 'headquarters', 'Road 1', 'Pune', 'Maharashtra', true)"""
TERM = """insert into org_leadership (organization_id, profile_id, position, start_date)
    values (%s, %s, 'President', '2024-04-01')"""


def tier(connection: Connection, of: UUID, name: str = "Gold", fee: int = 0, places: int | None = None) -> UUID:
    """A tier of an organization."""
    made: UUID = value(connection, TIER, of, name, fee, places)
    return made


def member(
    connection: Connection,
    of: UUID,
    who: UUID | None = None,
    *,
    kind: str = "individual",
    in_tier: UUID | None = None,
    status: str = "active",
) -> UUID:
    """A membership in an organization, somebody new's unless said."""
    made: UUID = value(connection, MEMBER, of, kind, who or person(connection), in_tier, status)
    return made


def rows_of(connection: Connection, of: UUID) -> dict[str, int]:
    """How many rows each table has for an organization."""
    return {
        table: value(connection, f"select count(*) from {table} where organization_id = %s", of) for table in CHILDREN
    }


def fill(connection: Connection, of: UUID) -> None:
    """At least one row in every table for an organization."""
    someone, gold = person(connection), tier(connection, of)
    joined = member(connection, of, someone, in_tier=gold)
    connection.execute("update org_members set tier_id = %s where id = %s", [tier(connection, of, "Silver"), joined])
    connection.execute(SEAT, [of, value(connection, COMMITTEE, of, "Finance"), joined])
    connection.execute(APPLICATION, [of, "individual", someone, gold])
    connection.execute(INVITATION, [of, someone, gold])
    connection.execute(RESOURCE, [of])
    connection.execute(ANNOUNCEMENT, [of, someone])
    connection.execute(OFFICE, [of])
    connection.execute(TERM, [of, someone])
