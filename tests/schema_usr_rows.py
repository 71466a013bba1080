"""Rows about people for the tests of the schema: roles, skills, jobs, connections, posts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import LiteralString
from uuid import UUID

from psycopg import errors

from tests.schema_rows import Connection, person, value

Refusals = tuple[tuple[str, LiteralString], ...]  # a constraint, and a statement that it refuses

_numbers = itertools.count(1)


def role(connection: Connection, slug: str) -> UUID:
    """The id of a role; it is made if the seeds have none of that slug."""
    connection.execute(
        "insert into ref_roles (name, slug) values (%s, %s) on conflict do nothing", [slug.replace("-", " "), slug]
    )
    found: UUID = value(connection, "select id from ref_roles where slug = %s", slug)
    return found


def profile_role(connection: Connection, profile: UUID, slug: str = "farmer", *, is_primary: bool = False) -> UUID:
    """A role of a profile."""
    query = "insert into usr_profile_roles (profile_id, role_id, is_primary) values (%s, %s, %s) returning id"
    made: UUID = value(connection, query, profile, role(connection, slug), is_primary)
    return made


def skill(connection: Connection) -> UUID:
    """A skill that nobody has."""
    number = next(_numbers)
    query = "insert into ref_skills (name, slug) values (%s, %s) returning id"
    made: UUID = value(connection, query, f"Skill {number}", f"test-skill-{number}")
    return made


def profile_skill(connection: Connection, profile: UUID, skill_id: UUID | None = None) -> UUID:
    """A skill of a profile."""
    query = "insert into usr_profile_skills (profile_id, skill_id) values (%s, %s) returning id"
    made: UUID = value(connection, query, profile, skill_id or skill(connection))
    return made


def endorse(connection: Connection, profile_skill_id: UUID, endorser: UUID | None = None) -> UUID:
    """An endorsement of a profile's skill, by somebody new unless said."""
    query = "insert into usr_skill_endorsements (profile_skill_id, endorser_id) values (%s, %s) returning id"
    made: UUID = value(connection, query, profile_skill_id, endorser or person(connection))
    return made


def job(connection: Connection, profile: UUID, first: str = "2020-01-01", last: str | None = None) -> UUID:
    """A job of a profile; without a last day it lasts."""
    query = """
        insert into usr_experiences (profile_id, company_name, title, start_date, end_date)
        values (%s, 'Farm', 'Manager', %s, %s) returning id"""
    made: UUID = value(connection, query, profile, first, last)
    return made


def school(connection: Connection, profile: UUID) -> UUID:
    """A school of a profile."""
    query = (
        "insert into usr_education (profile_id, institution_name, degree) values (%s, 'TANUVAS', 'BVSc') returning id"
    )
    made: UUID = value(connection, query, profile)
    return made


def approve(connection: Connection, profile: UUID, kind: str) -> UUID:
    """An approved verification of a kind."""
    query = """
        insert into usr_verifications (profile_id, verification_type, status, reviewed_at)
        values (%s, %s, 'approved', now()) returning id"""
    made: UUID = value(connection, query, profile, kind)
    return made


def connect(connection: Connection, profile: UUID, other: UUID | None = None) -> UUID:
    """An accepted connection, with somebody new unless said."""
    first, second = sorted([profile, other or person(connection)])
    query = """
        insert into soc_connections (profile_id_1, profile_id_2, status, requested_by, responded_at)
        values (%s, %s, 'accepted', %s, now()) returning id"""
    made: UUID = value(connection, query, first, second, first)
    return made


def post(connection: Connection, author: UUID) -> UUID:
    """A post of a person."""
    query = (
        "insert into soc_posts (author_type, author_id, content) values ('individual', %s, 'Good eggs') returning id"
    )
    made: UUID = value(connection, query, author)
    return made


def refusals(connection: Connection, wanted: Refusals, params: Mapping[str, object]) -> list[tuple[str, LiteralString]]:
    """The statements of `wanted` with the constraint that refused each of them, or with 'nothing'."""
    found = []
    for _, statement in wanted:
        constraint = "nothing"
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(statement, params)
        except errors.IntegrityError as error:
            constraint = str(error.diag.constraint_name)
        found.append((constraint, statement))
    return found
