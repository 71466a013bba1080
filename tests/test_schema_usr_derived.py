"""What is derived of a profile: its completeness and its strength."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, person, refused, value
from tests.schema_usr_rows import approve, connect, endorse, job, post, profile_role, profile_skill, school, skill

SCORE = "select completeness_score from usr_completeness_checks where profile_id = %s"
STRENGTH = "select profile_strength from profiles where id = %s"
LONG_BIO = "x" * 51


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


# What gives points: made by the function, with the points for completeness and for strength. All of it is 100.
Part = Callable[[Connection, UUID], object]
PARTS: dict[str, tuple[Part, int, int]] = {
    "photo": (
        lambda c, p: c.execute(
            "update profiles set profile_photo_url = 'https://example.org/a.jpg' where id = %s", [p]
        ),
        10,
        10,
    ),
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


@pytest.mark.parametrize(
    ("function", "spoil"),
    [
        ("refresh_completeness", "update usr_completeness_checks set has_experience = false, has_posts = true"),
        ("refresh_profile_strength", "update profiles set profile_strength = 99"),
        ("refresh_verification_level", "update profiles set verification_level = 'trusted'"),
    ],
)
def test_the_refreshers_mend_say_so_and_leave_strangers_alone(
    connection: Connection, function: str, spoil: LiteralString
) -> None:
    someone, other = person(connection), person(connection)
    job(connection, someone)
    approve(connection, someone, "email")
    connection.execute(spoil)
    refresh = f"select {function}(%s)"
    assert [value(connection, refresh, who) for who in (someone, someone, uuid4(), None)] == [True, False, False, False]
    derived = """select completeness_score, profile_strength, verification_level
        from profiles p join usr_completeness_checks c on c.profile_id = p.id where p.id = %s"""
    assert connection.execute(derived, [someone]).fetchone() == (15, 20, "verified")
    assert connection.execute(derived, [other]).fetchone() != (0, 5, "basic")  # still spoilt: nobody else was touched


def test_strangers_have_no_strength(connection: Connection) -> None:
    assert [value(connection, "select calculate_profile_strength(%s)", who) for who in (uuid4(), None)] == [0, 0]


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
