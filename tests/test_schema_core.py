"""Files 00 and 01: identities, slugs, profiles and the reference lists."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, act_as, person, refused, value

LONG_AGO = "2020-01-01 00:00+00"


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def sync(connection: Connection, sub: str, email: str, phone: str | None = None, **attributes: str) -> UUID:
    query = "select auth.sync_cognito_user(%s, %s, %s, 'cognito', %s::jsonb)"
    made: UUID = value(connection, query, sub, email, phone, json.dumps(attributes))
    return made


@pytest.mark.parametrize("setting", ["", "nobody", "123", "00000000-0000-0000-0000-00000000000g"])
def test_nobody_acts_where_the_setting_is_no_id(connection: Connection, setting: str) -> None:
    assert value(connection, "select auth.uid()") is None
    act_as(connection, setting)
    assert value(connection, "select auth.uid()") is None


def test_the_setting_says_who_acts(connection: Connection) -> None:
    someone = uuid4()
    act_as(connection, someone)
    assert value(connection, "select auth.uid()") == someone


def test_a_cognito_user_is_mirrored_once_and_updated_after(connection: Connection) -> None:
    first = sync(connection, "sub-1", "Asha@example.org", "+919800000001")
    assert sync(connection, "sub-1", "asha@example.org", email_verified="true") == first

    row = connection.execute(
        "select email, phone_number, email_confirmed_at is not null, phone_confirmed_at from auth.users where id = %s",
        [first],
    ).fetchone()
    assert row == ("asha@example.org", "+919800000001", True, None)  # what is not given is kept


def test_a_new_address_is_not_confirmed_by_the_old_one(connection: Connection) -> None:
    user = sync(connection, "sub-1", "asha@example.org", email_verified="true")
    sync(connection, "sub-1", "asha@example.com")

    assert value(connection, "select email_confirmed_at from auth.users where id = %s", user) is None


def test_two_cognito_users_cannot_share_an_address(connection: Connection) -> None:
    sync(connection, "sub-1", "asha@example.org")

    query = "select auth.sync_cognito_user('sub-2', 'ASHA@example.org')"
    error = refused(connection, errors.UniqueViolation, query)

    assert error.diag.constraint_name == "uq_users_email"
    assert "asha" not in str(error).lower()  # whose address it is stays private


@pytest.mark.parametrize("email", ["asha", "a b@example.org", "@example.org", "asha@", ""])
def test_what_is_no_address_is_refused(connection: Connection, email: str) -> None:
    refused(connection, errors.CheckViolation, "insert into auth.users (email) values (%s)", email)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Asha Rao", "asha-rao"),
        ("José Ñandú", "jose-nandu"),
        ("  --C++ & Eggs!  ", "c-eggs"),
        ("x" * 59 + " yz", "x" * 59),
        ("நாமக்கல்", None),
        ("🥚", None),
        ("", None),
        (None, None),
    ],
)
def test_a_slug_is_what_remains_readable(connection: Connection, text: str | None, slug: str | None) -> None:
    assert value(connection, "select slugify(%s)", text) == slug


def test_a_profile_slug_is_free_and_keeps_its_own(connection: Connection) -> None:
    first, second = person(connection), person(connection)
    connection.execute("update profiles set profile_slug = 'asha-rao-pune' where id = %s", [first])
    query = "select generate_profile_slug('Asha Rao', 'Pune', %s)"

    assert value(connection, query, first) == "asha-rao-pune"
    assert value(connection, query, second) == "asha-rao-pune-1"
    assert value(connection, query, None) == "asha-rao-pune-1"  # an unknown id excuses nobody
    assert value(connection, "select generate_profile_slug('Admin')") == "admin-1"


def test_a_profile_slug_stays_within_sixty_characters(connection: Connection) -> None:
    taken = person(connection)
    connection.execute("update profiles set profile_slug = repeat('x', 60) where id = %s", [taken])

    assert value(connection, "select generate_profile_slug(repeat('x', 200))") == "x" * 58 + "-1"


def test_fifty_of_one_name_at_once_get_fifty_slugs(deployed: str) -> None:
    """As the comment of the function says: the unique key decides, and the caller asks again."""

    def sign_up(number: int) -> str:
        with psycopg.connect(deployed, autocommit=True) as session:
            user = value(session, "insert into auth.users (email) values (%s) returning id", f"rao{number}@example.org")
            insert = "insert into profiles (id, full_name, profile_slug, email) values (%s, 'Asha Rao', %s, 'a@b.in')"
            while True:
                slug = str(value(session, "select generate_profile_slug('Asha Rao', 'Goa')"))
                with contextlib.suppress(errors.UniqueViolation):
                    session.execute(insert, [user, slug])
                    return slug

    with ThreadPoolExecutor(8) as pool:
        slugs = list(pool.map(sign_up, range(50)))
    with psycopg.connect(deployed) as connection:
        connection.execute("delete from auth.users where email ~ '^rao[0-9]+@'")

    assert sorted(slugs) == sorted(["asha-rao-goa", *(f"asha-rao-goa-{number}" for number in range(1, 50))])


def test_a_name_in_another_script_gets_a_slug_from_its_id(connection: Connection) -> None:
    query = "select generate_profile_slug('நாமக்கல்', null, 'abcdef01-0000-4000-8000-000000000000')"
    assert value(connection, query) == "member-abcdef01"
    assert value(connection, "select generate_profile_slug(null)") == "member-1"


@pytest.mark.parametrize(
    "change",
    [
        "full_name = '  '",
        "profile_slug = 'Asha Rao'",
        "headline = repeat('x', 151)",
        "bio = repeat('x', 501)",
        "phone = 'call me'",
        "email = 'nowhere'",
        "profile_strength = 101",
        "verification_level = 'vip'",
        "followers_count = -1",
        "onboarded_at = now()",  # without phone and state
        "onboarded_at = now(), phone = '+91 98000 00001'",
        "country_code = 'XX'",
    ],
)
def test_a_profile_refuses_nonsense(connection: Connection, change: str) -> None:
    someone = person(connection)
    refused(connection, errors.IntegrityError, f"update profiles set {change} where id = %s", someone)


def test_onboarding_needs_phone_and_state(connection: Connection) -> None:
    change = "update profiles set onboarded_at = now(), phone = '+91 98000 00001', location_state = 'Goa' where id = %s"
    assert connection.execute(change, [person(connection)]).rowcount == 1


def test_counting_is_not_editing(connection: Connection) -> None:
    someone = person(connection)
    connection.execute("update profiles set updated_at = %s where id = %s", [LONG_AGO, someone])
    stamps = "select updated_at::text, last_profile_update_at is null from profiles where id = %s"

    connection.execute("update profiles set followers_count = 5, profile_strength = 40 where id = %s", [someone])
    connection.execute("update profiles set full_name = full_name where id = %s", [someone])
    assert connection.execute(stamps, [someone]).fetchone() == ("2020-01-01 00:00:00+00", True)

    connection.execute("update profiles set headline = 'Layer farmer' where id = %s", [someone])
    moved = connection.execute(stamps, [someone]).fetchone()
    assert moved is not None
    assert moved[0] > "2024"
    assert moved[1] is False


def test_a_profile_is_found_by_its_words_without_accents(connection: Connection) -> None:
    someone = person(connection, "José Ñandú")
    connection.execute("update profiles set location_city = 'Nāmakkal' where id = %s", [someone])
    query = "select count(*) from profiles where search @@ websearch_to_tsquery('simple', %s) and id = %s"

    assert value(connection, query, "jose", someone) == 1
    assert value(connection, query, "namakkal", someone) == 1
    assert value(connection, query, "pune", someone) == 0


def test_a_person_takes_the_profile_along(connection: Connection) -> None:
    someone = person(connection)
    connection.execute("delete from auth.users where id = %s", [someone])
    assert value(connection, "select count(*) from profiles where id = %s", someone) == 0


def category(connection: Connection, slug: str, parent: UUID | None = None) -> UUID:
    query = "insert into ref_job_categories (slug, name, parent_id) values (%s, %s, %s) returning id"
    made: UUID = value(connection, query, slug, slug, parent)
    return made


def test_a_job_category_knows_its_place_and_takes_its_children_along(connection: Connection) -> None:
    top = category(connection, "farm")
    middle = category(connection, "layers", top)
    category(connection, "cages", middle)
    place = "select level, path from ref_job_categories where slug = 'cages'"
    assert connection.execute(place).fetchone() == (2, "farm/layers/cages")

    connection.execute("update ref_job_categories set slug = 'farms' where id = %s", [top])
    assert connection.execute(place).fetchone() == (2, "farms/layers/cages")

    connection.execute("update ref_job_categories set parent_id = null where id = %s", [middle])
    assert connection.execute(place).fetchone() == (1, "layers/cages")

    connection.execute("update ref_job_categories set level = 9, path = 'x' where slug = 'cages'")
    assert connection.execute(place).fetchone() == (1, "layers/cages")


def test_a_job_category_cannot_stand_below_itself(connection: Connection) -> None:
    top = category(connection, "farm")
    middle = category(connection, "layers", top)
    move = "update ref_job_categories set parent_id = %s where id = %s"

    error = refused(connection, errors.CheckViolation, move, middle, top)
    assert error.diag.constraint_name == "ck_ref_job_categories_no_cycle"
    refused(connection, errors.CheckViolation, move, top, top)
    refused(connection, errors.ForeignKeyViolation, move, uuid4(), top)
    refused(connection, errors.IntegrityError, "delete from ref_job_categories where id = %s", top)


@pytest.mark.parametrize(
    ("error", "statement"),
    [
        (errors.UniqueViolation, "insert into ref_skills (slug, name) values ('x', 'BIOSECURITY')"),
        (
            errors.UniqueViolation,
            "insert into ref_states (country_id, code, name) select country_id, 'XX', name from ref_states",
        ),
        (
            errors.UniqueViolation,
            "insert into ref_states (country_id, code, name) select country_id, code, 'x' from ref_states",
        ),
        (errors.CheckViolation, "insert into ref_skills (slug, name) values ('Big Slug', 'x')"),
        (errors.CheckViolation, "update ref_skills set usage_count = -1"),
        (errors.CheckViolation, "update ref_countries set code = 'in'"),
        (errors.CheckViolation, "update ref_notification_types set priority = 6"),
        (errors.CheckViolation, "update ref_business_types set category = 'fun'"),
        (errors.IntegrityError, "delete from ref_countries where code = 'IN'"),
    ],
)
def test_the_lists_refuse_nonsense(connection: Connection, error: type[psycopg.Error], statement: str) -> None:
    refused(connection, error, statement)
