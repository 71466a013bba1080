"""Rows of events and resources, and of those who make them, written in the test's own transaction."""

from __future__ import annotations

import itertools
from uuid import UUID

from tests.schema_rows import Connection, person, value

_numbers = itertools.count(1)


def business(connection: Connection) -> UUID:
    """A business of an owner of its own."""
    query = """
        insert into biz_profiles (owner_id, business_name, business_slug, business_type_id)
        select %s, 'Rao Hatchery', %s, id from ref_business_types where slug = 'hatchery' returning id"""
    made: UUID = value(connection, query, person(connection), f"hatchery-{next(_numbers)}")
    return made


def organization(connection: Connection) -> UUID:
    """An organization that somebody founded."""
    query = """
        insert into org_profiles (created_by, organization_name, organization_slug, organization_type_id)
        select %s, 'Egg Farmers', %s, id from ref_organization_types where slug = 'ngo' returning id"""
    made: UUID = value(connection, query, person(connection), f"farmers-{next(_numbers)}")
    return made


def entity(connection: Connection, kind: str) -> UUID:
    """An individual, a business or an organization."""
    return {"individual": person, "business": business, "organization": organization}[kind](connection)


def event(
    connection: Connection,
    organizer: UUID | None = None,
    *,
    kind: str = "individual",
    status: str = "published",
    places: int | None = None,
) -> UUID:
    """An event of two hours, of an organizer of its own unless one is given."""
    query = """
        insert into evt_events
            (organizer_type, organizer_id, title, event_type_id, starts_at, ends_at, status, max_attendees)
        select %s, %s, 'Layer Meet', id, '2025-01-10 10:00+05:30', '2025-01-10 12:00+05:30', %s, %s
        from ref_event_types where slug = 'meetup' returning id"""
    made: UUID = value(connection, query, kind, organizer or entity(connection, kind), status, places)
    return made


def resource(connection: Connection, author: UUID | None = None) -> UUID:
    """A published article."""
    query = """
        insert into res_resources (author_id, title, slug, status, published_at)
        values (%s, 'Clean sheds', %s, 'published', '2025-01-10') returning id"""
    made: UUID = value(connection, query, author or person(connection), f"clean-sheds-{next(_numbers)}")
    return made
