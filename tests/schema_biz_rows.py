"""A business filled with rows, and a look for columns that take anything."""

from __future__ import annotations

from uuid import UUID

from psycopg import errors, sql

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
TOO_MUCH = (errors.CheckViolation, errors.StringDataRightTruncation)


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


def columns_that_take_anything(connection: Connection, tables: str) -> list[str]:
    """Columns of filled tables that take a text of any length, no text where one is needed, or a number below zero."""
    query = """
        select c.relname, a.attname, v.new from pg_attribute a join pg_class c on c.oid = a.attrelid
        join (values ('text', 'repeat(''x'', 100000)'), ('bpchar', 'repeat(''x'', 100000)'), ('text', ''' '''),
            ('int4', '-1'), ('int8', '-1'), ('numeric', '-1')) v (type, new) on a.atttypid = v.type::regtype
        where c.relkind = 'r' and c.relname ~ %s and a.attnum > 0
            and a.attname not in ('latitude', 'longitude', 'display_order') and (v.new <> ''' ''' or a.attnotnull)"""
    return [
        f"{table}.{column} = {new}"
        for table, column, new in connection.execute(query, [tables]).fetchall()
        if takes(connection, table, column, new)
    ]


def takes(connection: Connection, table: str, column: str, new: str) -> bool:
    """Whether all rows of a table, at least one, may have a value; they keep theirs."""
    parts = sql.Identifier(table), sql.Identifier(column), sql.SQL(new)
    try:
        with connection.transaction(force_rollback=True):
            assert connection.execute(sql.SQL("update {} set {} = {}").format(*parts)).rowcount > 0
    except TOO_MUCH:
        return False
    return True
