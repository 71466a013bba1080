"""Files 10 and 11: roles, settings, verifications, and what is derived of a profile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.config import data_folder
from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, person, refused, value
from tests.schema_usr_rows import (
    connect,
    endorse,
    job,
    not_refused,
    post,
    profile_role,
    profile_skill,
    role,
    school,
    skill,
)

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
SCORE = "select completeness_score from usr_completeness_checks where profile_id = %s"
STRENGTH = "select profile_strength from profiles where id = %s"
LEVEL = "select verification_level from profiles where id = %s"
LONG_BIO = "x" * 51


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


# What gives points: made by the function, with the points for completeness and for strength. All of it is 100.
Part = Callable[[Connection, UUID], object]
PARTS: dict[str, tuple[Part, int, int]] = {
    "photo": (lambda c, p: c.execute("update profiles set profile_photo_url = 'a.jpg' where id = %s", [p]), 10, 10),
    "headline": (lambda c, p: c.execute("update profiles set headline = 'Hens' where id = %s", [p]), 10, 10),
    "short bio": (lambda c, p: c.execute("update profiles set bio = repeat('x', 50) where id = %s", [p]), 10, 0),
    "bio": (lambda c, p: c.execute("update profiles set bio = %s where id = %s", [LONG_BIO, p]), 10, 10),
    "phone": (lambda c, p: c.execute("update profiles set phone = '+919800000001' where id = %s", [p]), 0, 5),
    "role": (lambda c, p: profile_role(c, p), 0, 10),
    "job": (lambda c, p: job(c, p), 15, 10),
    "school": (lambda c, p: school(c, p), 15, 10),
    "two skills": (lambda c, p: [profile_skill(c, p) for _ in range(2)], 10, 0),
    "three skills": (lambda c, p: [profile_skill(c, p) for _ in range(3)], 10, 10),
    "four connections": (lambda c, p: [connect(c, p) for _ in range(4)], 10, 0),
    "five connections": (lambda c, p: [connect(c, p) for _ in range(5)], 10, 5),
    "ten connections": (lambda c, p: [connect(c, p) for _ in range(10)], 10, 10),
    "post": (lambda c, p: post(c, p), 10, 0),
    "two verifications": (lambda c, p: [approve(c, p, kind) for kind in ("email", "phone")], 0, 5),
    "three verifications": (lambda c, p: [approve(c, p, kind) for kind in ("email", "phone", "identity")], 0, 10),
}
UNDO: tuple[LiteralString, ...] = (
    "update profiles set profile_photo_url = null, headline = ' ', bio = null, phone = null where id = %s",
    "delete from usr_profile_roles where profile_id = %s",
    "delete from usr_experiences where profile_id = %s",
    "delete from usr_education where profile_id = %s",
    "delete from usr_profile_skills where profile_id = %s",
    "delete from soc_connections where %s in (profile_id_1, profile_id_2)",
    "delete from soc_posts where author_id = %s",
    "delete from usr_verifications where profile_id = %s",
)


def approve(connection: Connection, profile: UUID, kind: str) -> UUID:
    query = """
        insert into usr_verifications (profile_id, verification_type, status, reviewed_at)
        values (%s, %s, 'approved', now()) returning id"""
    made: UUID = value(connection, query, profile, kind)
    return made


@pytest.mark.parametrize("name", PARTS)
def test_each_part_gives_its_points_and_takes_them_back(connection: Connection, name: str) -> None:
    make, completeness, strength = PARTS[name]
    someone = person(connection)
    make(connection, someone)
    assert (value(connection, SCORE, someone), value(connection, STRENGTH, someone)) == (completeness, 5 + strength)
    for statement in UNDO:
        connection.execute(statement, [someone])
    assert (value(connection, SCORE, someone), value(connection, STRENGTH, someone)) == (0, 5)


def test_all_parts_together_are_a_hundred(connection: Connection) -> None:
    someone = person(connection)
    whole = (
        "photo",
        "headline",
        "bio",
        "phone",
        "role",
        "job",
        "school",
        "ten connections",
        "post",
        "three verifications",
    )
    for name in whole:
        PARTS[name][0](connection, someone)
    for _ in range(3):
        endorse(connection, profile_skill(connection, someone))
    assert (value(connection, SCORE, someone), value(connection, STRENGTH, someone)) == (100, 100)
    assert value(connection, "select calculate_profile_strength(%s)", someone) == 100


def test_an_endorsement_counts_until_its_skill_is_gone(connection: Connection) -> None:
    someone, one = person(connection), skill(connection)
    made = endorse(connection, profile_skill(connection, someone, one))
    assert value(connection, SCORE, someone) == 20
    connection.execute("delete from usr_skill_endorsements where id = %s", [made])
    assert value(connection, SCORE, someone) == 10
    endorse(connection, profile_skill(connection, someone))
    connection.execute("delete from usr_profile_skills where profile_id = %s", [someone])
    assert value(connection, SCORE, someone) == 0


def test_what_is_taken_back_or_thrown_away_does_not_count(connection: Connection) -> None:
    someone = person(connection)
    link, written = connect(connection, someone), post(connection, someone)
    assert value(connection, SCORE, someone) == 20
    connection.execute("update soc_connections set status = 'pending', responded_at = null where id = %s", [link])
    connection.execute("update soc_posts set is_deleted = true, deleted_at = now() where id = %s", [written])
    assert value(connection, SCORE, someone) == 0


def test_a_row_that_moves_counts_for_its_new_owner(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    moved = job(connection, one)
    connection.execute("update usr_experiences set profile_id = %s where id = %s", [other, moved])
    assert [value(connection, SCORE, p) for p in (one, other)] == [0, 15]
    assert [value(connection, STRENGTH, p) for p in (one, other)] == [5, 15]


def test_derived_columns_are_no_edit_and_the_same_answer_is_not_written_again(connection: Connection) -> None:
    someone = person(connection)
    connection.execute("update profiles set updated_at = 'epoch' where id = %s", [someone])
    connection.execute(
        "update usr_completeness_checks set last_calculated_at = 'epoch' where profile_id = %s", [someone]
    )
    when = "select last_calculated_at = 'epoch' from usr_completeness_checks where profile_id = %s"

    profile_role(connection, someone)
    assert value(connection, STRENGTH, someone) == 15
    assert value(connection, "select updated_at = 'epoch' from profiles where id = %s", someone) is True
    assert value(connection, when, someone) is True
    job(connection, someone)
    assert value(connection, when, someone) is False


def test_the_refreshers_repair_and_leave_strangers_alone(connection: Connection) -> None:
    someone = person(connection)
    job(connection, someone)
    connection.execute("update usr_completeness_checks set has_experience = false, has_posts = true")
    connection.execute("update profiles set profile_strength = 99")
    for who in (someone, uuid4(), None):
        connection.execute("select refresh_completeness(%s), refresh_profile_strength(%s)", [who, who])
    assert (value(connection, SCORE, someone), value(connection, STRENGTH, someone)) == (15, 15)
    assert value(connection, "select calculate_profile_strength(%s)", uuid4()) == 0
    assert value(connection, "select calculate_profile_strength(null)") == 0


def test_two_sessions_that_add_a_part_each_see_both(database: str) -> None:
    with psycopg.connect(database) as one, psycopg.connect(database) as other:
        someone = person(one)
        profile_skill(one, someone)
        skills = [skill(one), skill(one)]
        one.commit()
        profile_skill(one, someone, skills[0])

        def add() -> None:
            profile_skill(other, someone, skills[1])
            other.commit()

        second = threading.Thread(target=add)
        second.start()
        second.join(0.2)  # it waits for the profile
        one.commit()
        second.join(30)

        assert value(one, "select count(*) from usr_profile_skills where profile_id = %s", someone) == 3
        assert value(one, STRENGTH, someone) == 15


def test_another_table_can_be_declared_to_count(connection: Connection) -> None:
    connection.execute("create table usr_facts (id int, one uuid, other uuid, is_gone boolean not null default false)")
    connection.execute(
        "call keep_profile_derived('usr_facts', 'r.one; case when r.is_gone then null else r.other end', '{id}')"
    )
    one, other, third = person(connection), person(connection), person(connection)

    def stirred(statement: LiteralString, *params: object) -> set[UUID]:
        connection.execute("update profiles set profile_strength = 99")
        connection.execute(statement, params)
        return {row[0] for row in connection.execute("select id from profiles where profile_strength = 5")}

    assert stirred("insert into usr_facts (id, one, other) values (1, %s, %s)", one, other) == {one, other}
    assert stirred("update usr_facts set one = %s", third) == {one, other, third}
    assert stirred("update usr_facts set is_gone = true") == {third, other}
    assert stirred("update usr_facts set id = 2") == {third}
    assert stirred("delete from usr_facts") == {third}
    long_name = "usr_" + "x" * 55
    connection.execute(f"create table {long_name} (id uuid)")
    refused(connection, errors.NameTooLong, f"call keep_profile_derived('{long_name}', 'r.id')")


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
    refused(connection, errors.CheckViolation, "update usr_profile_roles set role_id = %s where id = %s",
        role(connection, "association-member"), fitting)  # fmt: skip
    connection.execute("delete from usr_profile_roles where id = %s", [fitting])
    assert value(connection, f"select count(*) from {table}") == 0


REFUSED_DETAILS: tuple[LiteralString, ...] = (
    "update usr_farmer_details set bird_capacity = -1",
    "update usr_farmer_details set farm_size = 5",  # of what?
    "update usr_farmer_details set farm_size = -5, farm_size_unit = 'acres'",
    "update usr_farmer_details set farm_type = 'ducks'",
    "update usr_farmer_details set farming_since = 'infinity'",
    "update usr_veterinarian_details set practice_type = 'zoo'",
    "update usr_veterinarian_details set service_radius_km = -1",
    "update usr_supplier_details set gst_number = '33AAAAA0000A1Y5'",
    "update usr_supplier_details set minimum_order_value = -0.01",
    "update usr_consultant_details set daily_rate = -1",
    "update usr_researcher_details set publications_count = -1",
    "update usr_nutritionist_details set years_experience = 101",
    "update usr_trader_details set monthly_volume = 100",  # of what?
    "update usr_student_details set degree = ' '",
    "update usr_government_official_details set office_phone = 'ask'",
)


def test_details_refuse_nonsense(connection: Connection) -> None:
    someone = person(connection)
    for table, slugs in DETAILS.items():
        connection.execute(
            f"insert into {table} (profile_role_id) values (%s)", [profile_role(connection, someone, slugs[0])]
        )
    assert not_refused(connection, REFUSED_DETAILS, {}) == []


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


REFUSED: tuple[LiteralString, ...] = (
    "insert into usr_badges (profile_id, badge_type) values (%(p)s, 'mentor'), (%(p)s, 'mentor')",
    "insert into usr_badges (profile_id, badge_type) values (%(p)s, 'saint')",
    "insert into usr_badges (profile_id, badge_type, badge_level) values (%(p)s, 'mentor', 4)",
    "insert into usr_verifications (profile_id, verification_type, status) values (%(p)s, 'email', 'approved')",
    "insert into usr_verifications (profile_id, verification_type, reviewed_at) values (%(p)s, 'email', now())",
    "insert into usr_verifications (profile_id, verification_type, rejection_reason) values (%(p)s, 'email', 'x')",
    "insert into usr_verifications (profile_id, verification_type, reviewed_by) values (%(p)s, 'email', %(p)s)",
    "insert into usr_verifications (profile_id, verification_type) values (%(p)s, 'shoe size')",
    "insert into usr_profile_roles (profile_id, role_id, is_verified) select %(p)s, id, true from ref_roles",
    "insert into usr_profile_roles (profile_id, role_id, verified_by) select %(p)s, id, %(p)s from ref_roles",
    "update usr_privacy_settings set profile_visibility = 'friends'",
    "update usr_privacy_settings set allow_messages_from = 'public'",
    "update usr_preferences set theme = 'pink'",
    "update usr_preferences set preferred_language = 'English'",
    "update usr_preferences set preferred_timezone = 'half past five'",
    "update usr_stats set posts_count = -1",
    "insert into usr_search_appearances (profile_id, query) values (%(p)s, ' ')",
    "insert into usr_search_appearances (profile_id, query, position) values (%(p)s, 'eggs', 0)",
    "insert into usr_search_appearances (profile_id, query, filters) values (%(p)s, 'eggs', '[]')",
    "insert into usr_leaderboards (leaderboard_type, period, starts_on) values ('rising_stars', 'daily', '2024-01-01')",
    """insert into usr_leaderboards (leaderboard_type, period, starts_on, ends_on)
        values ('rising_stars', 'weekly', '2024-01-07', '2024-01-01')""",
    """insert into usr_leaderboards (leaderboard_type, period, starts_on, ends_on)
        values ('rising_stars', 'all_time', '2024-01-01', '2024-01-01')""",
    """insert into usr_leaderboards (leaderboard_type, period, starts_on, rankings)
        values ('rising_stars', 'all_time', '2024-01-01', '{}')""",
    """insert into usr_leaderboards (leaderboard_type, period, starts_on)
        values ('rising_stars', 'all_time', '2024-01-01'), ('rising_stars', 'all_time', '2024-01-01')""",
    "insert into ref_roles (name, slug, category) values ('x', 'x', 'tertiary')",
    "insert into ref_roles (name, slug, permissions) values ('x', 'x', '[]')",
)  # fmt: skip


def test_nonsense_is_refused(connection: Connection) -> None:
    someone = person(connection)
    role(connection, "farmer")
    assert not_refused(connection, REFUSED, {"p": someone}) == []


def test_appearances_are_counted_and_the_row_says_when(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    connection.execute("alter table usr_stats disable trigger trg_usr_stats_touched")
    connection.execute("update usr_stats set last_updated_at = 'epoch'")
    connection.execute("alter table usr_stats enable trigger trg_usr_stats_touched")
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
