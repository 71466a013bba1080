"""A business filled with rows."""

from __future__ import annotations

from uuid import UUID

from tests.schema_rows import Connection, person, value

LOCATION = """insert into biz_locations (business_id, name, type, address, city, state, is_primary)
    values (%s, 'Farm', 'branch', 'Road 1', 'Pune', 'Maharashtra', true)"""
AREA = "insert into biz_service_areas (business_id, state) values (%s, 'Goa')"
CONTACT = """insert into biz_contact_persons (business_id, team_member_id, name, is_primary)
    values (%s, %s, 'Usha Rao', true)"""
CERTIFICATE = """insert into biz_certifications (business_id, name, issuing_authority, issue_date)
    values (%s, 'Licence', 'FSSAI', '2024-02-01')"""
FARM = "insert into biz_farm_details (business_id, monthly_production, monthly_production_unit) values (%s, 9, 'eggs')"
SUPPLIER = """insert into biz_supplier_details (business_id, gst_number, pan_number)
    values (%s, '27ABCDE1234F1Z5', 'ABCDE1234F')"""


def join(connection: Connection, of: UUID, who: UUID) -> UUID:
    """A manager of a business."""
    query = "insert into biz_team_members (business_id, profile_id, role) values (%s, %s, 'Manager') returning id"
    made: UUID = value(connection, query, of, who)
    return made


def fill(connection: Connection, of: UUID) -> None:
    """At least one row in every table for a business."""
    connection.execute(CONTACT, [of, join(connection, of, person(connection))])
    for statement in (LOCATION, AREA, CERTIFICATE, FARM, SUPPLIER):
        connection.execute(statement, [of])
