"""Files 20 and 21: businesses, their places and areas, their team, and what they tell of themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_biz_rows import AREA, CONTACT, FARM, LOCATION, fill, join
from tests.schema_rows import Connection, business, person, refused, value

LONG_AGO = "2020-01-01 00:00:00+00"
CHILDREN = (
    "biz_contact_info", "biz_stats", "biz_locations", "biz_service_areas", "biz_team_members", "biz_contact_persons",
    "biz_certifications", "biz_farm_details", "biz_supplier_details",
)  # fmt: skip


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
def farm(connection: Connection) -> UUID:
    return business(connection, person(connection))


def owner_of(connection: Connection, of: UUID) -> UUID:
    found: UUID = value(connection, "select owner_id from biz_profiles where id = %s", of)
    return found


def team_size(connection: Connection, of: UUID) -> int:
    return int(value(connection, "select team_members_count from biz_profiles where id = %s", of))


def rows_of(connection: Connection, of: UUID) -> dict[str, int]:
    """How many rows each table has for a business."""
    return {table: value(connection, f"select count(*) from {table} where business_id = %s", of) for table in CHILDREN}


def test_a_new_business_can_be_reached_is_counted_and_has_its_owner_as_admin(
    connection: Connection, farm: UUID
) -> None:
    made = {table for table, count in rows_of(connection, farm).items() if count}
    assert made == {"biz_contact_info", "biz_stats", "biz_team_members"}

    team = connection.execute(
        "select profile_id, is_admin, is_active from biz_team_members where business_id = %s", [farm]
    )
    assert team.fetchall() == [(owner_of(connection, farm), True, True)]
    assert team_size(connection, farm) == 1


def test_a_new_owner_joins_and_the_former_one_stays(connection: Connection, farm: UUID) -> None:
    manager = person(connection)
    join(connection, farm, manager)
    leave = "update biz_team_members set is_active = false, left_at = now() where profile_id = %s"
    connection.execute(leave, [manager])
    assert team_size(connection, farm) == 1

    connection.execute("update biz_profiles set owner_id = %s where id = %s", [manager, farm])

    query = "select role, is_admin, is_active, left_at from biz_team_members where profile_id = %s"
    assert connection.execute(query, [manager]).fetchone() == ("Owner", True, True, None)
    assert team_size(connection, farm) == 2


def test_only_active_team_members_count(connection: Connection, farm: UUID) -> None:
    other, someone = business(connection, person(connection)), person(connection)
    member = join(connection, farm, someone)
    connection.execute("update biz_team_members set business_id = %s where id = %s", [other, member])
    assert (team_size(connection, farm), team_size(connection, other)) == (1, 2)

    connection.execute("update biz_team_members set is_active = false where id = %s", [member])
    assert team_size(connection, other) == 1
    connection.execute("update biz_team_members set is_active = true where id = %s", [member])
    connection.execute("delete from profiles where id = %s", [someone])
    assert team_size(connection, other) == 1


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        ("'Rao Layers', 'Pune'", "rao-layers-pune-1"),  # taken by another business
        ("'Rao Layers', 'Pune', '{farm}'", "rao-layers-pune"),  # its own
        ("'Rao Layers', ''", "rao-layers"),
        ("'José Ñandú'", "jose-nandu"),
        ("'முட்டை', null, 'abcdef01-0000-4000-8000-000000000000'", "business-abcdef01"),
        ("null", "business"),
        ("'Support'", "support-1"),
        ("repeat('x', 200), 'Pune'", "x" * 60),
    ],
)
def test_a_business_slug_is_readable_and_free(connection: Connection, farm: UUID, arguments: str, slug: str) -> None:
    connection.execute("update biz_profiles set business_slug = 'rao-layers-pune' where id = %s", [farm])
    query = f"select generate_business_slug({arguments.replace('{farm}', str(farm))})"
    assert value(connection, query) == slug


def test_nothing_is_founded_in_the_future(connection: Connection, farm: UUID) -> None:
    this_year = value(connection, "select extract(year from now() at time zone 'Asia/Kolkata')::int")
    change = "update biz_profiles set founded_year = %s where id = %s"
    connection.execute(change, [this_year, farm])
    error = refused(connection, errors.CheckViolation, change, this_year + 1, farm)
    assert error.diag.constraint_name == "ck_biz_profiles_founded_in_the_past"

    copy = """insert into biz_profiles (owner_id, business_name, business_slug, business_type_id, founded_year)
        select owner_id, 'Rao Layers', 'rao', business_type_id, 9999 from biz_profiles where id = %s"""
    refused(connection, errors.CheckViolation, copy, farm)


@pytest.mark.parametrize(
    ("hours", "is_right"),
    [
        ({}, True),
        ({"mon": {"open": "09:00", "close": "18:00"}, "sun": None}, True),
        ({"sat": {"open": "00:00", "close": "24:00"}}, True),
        ({"monday": None}, False),
        ({"mon": {"open": "18:00", "close": "09:00"}}, False),
        ({"mon": {"open": "9:00", "close": "18:00"}}, False),
        ({"mon": {"open": "09:00", "close": "24:01"}}, False),
        ({"mon": {"open": "09:00"}}, False),
        ({"mon": {"open": "09:00", "close": "18:00", "note": "by call"}}, False),
        ({"mon": "09:00-18:00"}, False),
        ([], False),
        ("always", False),
    ],
)
def test_business_hours_have_one_shape(connection: Connection, farm: UUID, hours: object, is_right: bool) -> None:
    assert value(connection, "select is_business_hours(%s)", json.dumps(hours)) is is_right
    change = "update biz_contact_info set business_hours = %s where business_id = %s"
    if is_right:
        assert connection.execute(change, [json.dumps(hours), farm]).rowcount == 1
    else:
        refused(connection, errors.CheckViolation, change, json.dumps(hours), farm)


@pytest.mark.parametrize(
    "change",
    [
        "business_name = ' '",
        "business_slug = 'Rao Layers'",
        "business_slug = 'rao-'",
        "tagline = repeat('x', 201)",
        "about = repeat('x', 2001)",
        "company_size = '7'",
        "founded_year = 1799",
        "website_url = 'javascript:alert(1)'",
        "is_verified = true",  # since when?
        "verified_by = owner_id",
        "is_deleted = true",
        "deleted_at = now()",
        "followers_count = -1",
        "products_count = -1",
        "business_type_id = gen_random_uuid()",
        "owner_id = null",
    ],
)
def test_a_business_refuses_nonsense(connection: Connection, farm: UUID, change: str) -> None:
    refused(connection, errors.IntegrityError, f"update biz_profiles set {change} where id = %s", farm)


@pytest.mark.parametrize(
    "change",
    [
        "biz_contact_info set email = 'nowhere'",
        "biz_contact_info set whatsapp_number = 'call me'",
        "biz_contact_info set postal_code = '#'",
        "biz_locations set type = 'shop'",
        "biz_service_areas set state = null, district = 'Pune'",  # of which state?
        "biz_team_members set permissions = '[]'",
        "biz_team_members set left_at = now()",  # and still active?
        "biz_team_members set is_active = false, left_at = '2000-01-01'",
        "biz_certifications set expiry_date = '2024-01-31'",
        "biz_certifications set expiry_date = '2025-01-31', is_permanent = true",
        "biz_certifications set is_verified = true",
        "biz_certifications set verified_by = (select min(owner_id::text)::uuid from biz_profiles)",
        "biz_farm_details set farm_type = 'fish'",
        "biz_farm_details set monthly_production_unit = null",  # eggs or birds?
        "biz_supplier_details set supplier_type = 'eggs'",
        "biz_supplier_details set gst_number = '27ABCDE1234F1Z'",
        "biz_supplier_details set pan_number = 'abcde1234f'",
    ],
)
def test_what_belongs_to_a_business_refuses_nonsense(connection: Connection, farm: UUID, change: str) -> None:
    fill(connection, farm)
    refused(connection, errors.CheckViolation, f"update {change} where business_id = %s", farm)


@pytest.mark.parametrize(("latitude", "longitude"), [("90.1", "0"), ("0", "-180.1"), ("18.5", None), (None, "73.8")])
def test_a_location_is_on_the_globe(
    connection: Connection, farm: UUID, latitude: str | None, longitude: str | None
) -> None:
    connection.execute(LOCATION, [farm])
    change = "update biz_locations set latitude = %s::numeric, longitude = %s::numeric where business_id = %s"
    assert connection.execute(change, ["-90", "180", farm]).rowcount == 1
    refused(connection, errors.CheckViolation, change, latitude, longitude, farm)


def test_a_business_has_one_first_place_and_contact_and_each_area_once(connection: Connection, farm: UUID) -> None:
    other = business(connection, person(connection))
    for statement, params in ((LOCATION, ()), (CONTACT, (None,)), (AREA, ()), (FARM, ())):
        connection.execute(statement, [farm, *params])
        refused(connection, errors.UniqueViolation, statement, farm, *params)
        connection.execute(statement, [other, *params])


def test_a_contact_person_may_be_of_the_own_team_only_and_outlasts_it(connection: Connection, farm: UUID) -> None:
    stranger = join(connection, business(connection, person(connection)), person(connection))
    refused(connection, errors.ForeignKeyViolation, CONTACT, farm, stranger)

    member = join(connection, farm, person(connection))
    connection.execute(CONTACT, [farm, member])
    connection.execute("delete from biz_team_members where id = %s", [member])
    query = "select count(*) from biz_contact_persons where business_id = %s and team_member_id is null"
    assert value(connection, query, farm) == 1


def test_an_owner_cannot_be_deleted_and_a_verifier_is_forgotten(connection: Connection, farm: UUID) -> None:
    error = refused(connection, errors.IntegrityError, "delete from profiles where id = %s", owner_of(connection, farm))
    assert error.diag.constraint_name == "fk_biz_profiles_owner"

    verifier = person(connection)
    change = "update biz_profiles set is_verified = true, verified_at = now(), verified_by = %s where id = %s"
    connection.execute(change, [verifier, farm])
    connection.execute("delete from profiles where id = %s", [verifier])
    query = "select is_verified, verified_by from biz_profiles where id = %s"
    assert connection.execute(query, [farm]).fetchone() == (True, None)


def test_a_business_takes_along_what_belongs_to_it(connection: Connection, farm: UUID) -> None:
    fill(connection, farm)
    assert 0 not in rows_of(connection, farm).values()
    connection.execute("set local role app_rw")
    connection.execute("delete from biz_profiles where id = %s", [farm])
    assert set(rows_of(connection, farm).values()) == {0}


def test_a_business_is_found_by_its_words_and_names_weigh_most(connection: Connection, farm: UUID) -> None:
    change = "update biz_profiles set display_name = 'Pérlé', tagline = 'Fresh eggs', about = 'Cage-free' where id = %s"
    connection.execute(change, [farm])
    query = "select ts_filter(search, %s) @@ websearch_to_tsquery('simple', %s) from biz_profiles where id = %s"
    for weight, word in (("a", "layers"), ("a", "perle"), ("b", "eggs"), ("c", "cage-free")):
        assert value(connection, query, [weight], word, farm) is True
    assert value(connection, query, ["a"], "eggs", farm) is False


def test_counting_and_verifying_are_no_edits(connection: Connection, farm: UUID) -> None:
    connection.execute("update biz_profiles set updated_at = %s where id = %s", [LONG_AGO, farm])
    connection.execute("delete from biz_stats where business_id = %s", [farm])  # its trigger lets nobody turn it back
    connection.execute("insert into biz_stats (business_id, last_updated_at) values (%s, %s)", [farm, LONG_AGO])
    edited = "select updated_at > %s from biz_profiles where id = %s"
    touched = "select last_updated_at > %s from biz_stats where business_id = %s"

    join(connection, farm, person(connection))
    connection.execute("update biz_profiles set is_verified = true, verified_at = now() where id = %s", [farm])
    assert value(connection, edited, LONG_AGO, farm) is False
    connection.execute("update biz_profiles set tagline = 'Fresh eggs' where id = %s", [farm])
    assert value(connection, edited, LONG_AGO, farm) is True

    connection.execute("update biz_stats set posts_count = posts_count where business_id = %s", [farm])
    assert value(connection, touched, LONG_AGO, farm) is False
    connection.execute("update biz_stats set posts_count = 1 where business_id = %s", [farm])
    assert value(connection, touched, LONG_AGO, farm) is True
