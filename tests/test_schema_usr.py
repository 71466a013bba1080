"""Files 10 and 11: roles and their details, settings, verifications, statistics."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.config import data_folder
from necc.embedded import Cluster
from tests import schema_usr_refusals
from tests.conftest import temporary_database
from tests.schema_rows import Connection, person, refused, value
from tests.schema_usr_rows import approve, endorse, post, profile_role, profile_skill, refusals, role

ROWS_OF_A_PROFILE = ("usr_privacy_settings", "usr_preferences", "usr_completeness_checks", "usr_stats")
DETAILS = {
    "usr_farmer_details": ("farmer",),
    "usr_veterinarian_details": ("veterinarian",),
    "usr_supplier_details": ("feed-supplier", "equipment-supplier"),
    "usr_consultant_details": ("consultant",),
    "usr_researcher_details": ("researcher",),
    "usr_nutritionist_details": ("nutritionist",),
    "usr_trader_details": ("trader",),
    "usr_student_details": ("student",),
    "usr_government_official_details": ("government-official",),
}
STRENGTH = "select profile_strength from profiles where id = %s"
LEVEL = "select verification_level from profiles where id = %s"


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def rows_of(connection: Connection, profile: UUID) -> list[int]:
    return [value(connection, f"select count(*) from {t} where profile_id = %s", profile) for t in ROWS_OF_A_PROFILE]


def test_a_profile_begins_with_its_rows_and_takes_them_along(connection: Connection) -> None:
    someone = person(connection)
    assert rows_of(connection, someone) == [1, 1, 1, 1]
    assert value(connection, STRENGTH, someone) == 5  # the name
    connection.execute("delete from profiles where id = %s", [someone])
    assert rows_of(connection, someone) == [0, 0, 0, 0]


def test_a_profile_older_than_the_tables_gets_its_rows(connection: Connection) -> None:
    someone = person(connection)
    for table in ROWS_OF_A_PROFILE:
        connection.execute(f"delete from {table} where profile_id = %s", [someone])
    connection.execute((data_folder("schema") / "10_usr_core.sql").read_bytes())
    assert rows_of(connection, someone) == [1, 1, 1, 1]


def test_the_level_follows_the_approved_kinds_up_and_down(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    made = [approve(connection, one, kind) for kind in ("email", "phone", "identity")]
    assert value(connection, LEVEL, one) == "trusted"
    connection.execute("update usr_verifications set status = 'rejected' where id = %s", [made[0]])
    assert value(connection, LEVEL, one) == "verified"
    connection.execute("update usr_verifications set verification_type = 'address' where id = %s", [made[1]])
    connection.execute("update usr_verifications set profile_id = %s where id = %s", [other, made[2]])
    assert [value(connection, LEVEL, p) for p in (one, other)] == ["verified", "verified"]
    connection.execute("delete from usr_verifications")
    assert [value(connection, LEVEL, p) for p in (one, other)] == ["basic", "basic"]


def test_one_request_per_kind_is_open(connection: Connection) -> None:
    someone = person(connection)
    made = approve(connection, someone, "email")
    again = "insert into usr_verifications (profile_id, verification_type) values (%s, 'email')"
    refused(connection, errors.UniqueViolation, again, someone)
    connection.execute("update usr_verifications set status = 'rejected' where id = %s", [made])
    connection.execute(again, [someone])
    assert value(connection, LEVEL, someone) == "basic"


@pytest.mark.parametrize(("table", "slug"), [(table, slug) for table, slugs in DETAILS.items() for slug in slugs])
def test_details_stand_in_the_table_of_their_role(connection: Connection, table: str, slug: str) -> None:
    someone = person(connection)
    fitting = profile_role(connection, someone, slug)
    investor = profile_role(connection, someone, "investor")
    insert = f"insert into {table} (profile_role_id) values (%s)"

    error = refused(connection, errors.CheckViolation, insert, investor)
    assert error.diag.constraint_name == f"ck_{table}_role"
    refused(connection, errors.ForeignKeyViolation, insert, uuid4())
    connection.execute(insert, [fitting])
    refused(connection, errors.CheckViolation, f"update {table} set profile_role_id = %s", investor)
    refused(
        connection,
        errors.CheckViolation,
        "update usr_profile_roles set role_id = %s where id = %s",
        role(connection, "association-member"),
        fitting,
    )
    connection.execute("delete from usr_profile_roles where id = %s", [fitting])
    assert value(connection, f"select count(*) from {table}") == 0


def test_details_refuse_nonsense(connection: Connection) -> None:
    someone = person(connection)
    for table, slugs in DETAILS.items():
        connection.execute(
            f"insert into {table} (profile_role_id) values (%s)", [profile_role(connection, someone, slugs[0])]
        )
    assert refusals(connection, schema_usr_refusals.DETAILS, {}) == list(schema_usr_refusals.DETAILS)


def test_a_gst_number_is_taken_as_printed(connection: Connection) -> None:
    made = profile_role(connection, person(connection), "equipment-supplier")
    insert = "insert into usr_supplier_details (profile_role_id, gst_number) values (%s, '33AABCT1332L1ZU')"
    assert connection.execute(insert, [made]).rowcount == 1


def test_a_profile_has_one_primary_role_and_each_role_once(connection: Connection) -> None:
    someone = person(connection)
    profile_role(connection, someone, "farmer", is_primary=True)
    other = profile_role(connection, someone, "trader")
    refused(connection, errors.UniqueViolation, "update usr_profile_roles set is_primary = true where id = %s", other)
    again = "insert into usr_profile_roles (profile_id, role_id) values (%s, %s)"
    refused(connection, errors.UniqueViolation, again, someone, role(connection, "farmer"))
    refused(connection, errors.IntegrityError, "delete from ref_roles where slug = 'farmer'")


def test_who_verified_may_leave(connection: Connection) -> None:
    someone, reviewer = person(connection), person(connection)
    profile_role(connection, someone)
    approve(connection, someone, "email")
    connection.execute(
        "update usr_profile_roles set is_verified = true, verified_at = now(), verified_by = %s", [reviewer]
    )
    connection.execute("update usr_verifications set reviewed_by = %s", [reviewer])
    connection.execute(
        "insert into usr_badges (profile_id, badge_type, awarded_by) values (%s, 'mentor', %s)", [someone, reviewer]
    )

    connection.execute("delete from profiles where id = %s", [reviewer])
    left = """select r.is_verified, r.verified_by, v.status, v.reviewed_by, b.awarded_by
        from usr_profile_roles r join usr_verifications v using (profile_id) join usr_badges b using (profile_id)"""
    assert connection.execute(left).fetchall() == [(True, None, "approved", None, None)]


def test_nonsense_is_refused(connection: Connection) -> None:
    someone = person(connection)
    role(connection, "farmer")
    assert refusals(connection, schema_usr_refusals.PROFILES, {"p": someone}) == list(schema_usr_refusals.PROFILES)


def test_appearances_are_counted_and_the_row_says_when(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    for who in (one, other):
        connection.execute("delete from usr_stats where profile_id = %s", [who])
        connection.execute("insert into usr_stats (profile_id, last_updated_at) values (%s, 'epoch')", [who])
    counts = """select search_appearances_count, last_updated_at > 'epoch' from usr_stats
        where profile_id in (%s, %s) order by profile_id = %s"""

    def counted() -> list[tuple[int, bool]]:
        return connection.execute(counts, [one, other, other]).fetchall()

    connection.execute(
        "insert into usr_search_appearances (profile_id, query) values (%s, 'eggs'), (%s, 'hens')", [one, one]
    )
    assert counted() == [(2, True), (0, False)]
    connection.execute("update usr_search_appearances set profile_id = %s where query = 'hens'", [other])
    assert counted() == [(1, True), (1, True)]
    connection.execute("delete from usr_search_appearances where profile_id = %s", [one])
    assert counted() == [(0, True), (1, True)]


def test_a_full_recount_equals_what_the_triggers_kept(connection: Connection) -> None:
    someone, other = person(connection), person(connection)
    written = post(connection, someone)
    for query in (
        "insert into soc_post_likes (post_id, profile_id) values (%(post)s, %(p)s), (%(post)s, %(o)s)",
        "insert into soc_post_comments (post_id, profile_id, content) values (%(post)s, %(p)s, 'Yes')",
        "insert into usr_search_appearances (profile_id, query) values (%(p)s, 'eggs')",
        "insert into anl_profile_views (viewed_type, viewed_id) values ('individual', %(p)s)",
        """insert into usr_skill_recommendations (profile_id, recommender_id, content, status, accepted_at)
            values (%(p)s, %(o)s, 'Good', 'accepted', now())""",
    ):
        connection.execute(query, {"p": someone, "o": other, "post": written})
    endorse(connection, profile_skill(connection, someone), other)
    counts = """select posts_count, comments_count, likes_given_count, likes_received_count, profile_views_count,
        search_appearances_count, endorsements_received_count, recommendations_received_count
        from usr_stats where profile_id = %s"""
    kept = connection.execute(counts, [someone]).fetchone()
    assert kept == (1, 1, 1, 2, 1, 1, 1, 1)

    connection.execute(
        "update usr_stats set posts_count = 9, likes_received_count = 0 where profile_id = %s", [someone]
    )
    connection.execute("delete from usr_stats where profile_id = %s", [other])
    for who in (someone, other, uuid4(), None):
        connection.execute("select refresh_usr_stats(%s)", [who])
    assert connection.execute(counts, [someone]).fetchone() == kept
    assert connection.execute(counts, [other]).fetchone() == (0, 0, 1, 0, 0, 0, 0, 0)
