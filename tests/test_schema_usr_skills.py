"""Files 12 and 13: jobs, schools and the like, skills and who vouches for them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, person, refused, value
from tests.schema_usr_refusals import LISTS_AND_SKILLS
from tests.schema_usr_rows import endorse, job, profile_skill, refusals, skill

YEARS = "select calculate_total_experience(%s)"
FIND = "select find_or_create_skill(%s)"
ENDORSED = "select endorsements_count from usr_profile_skills where id = %s"
RECEIVED = "select endorsements_received_count from usr_stats where profile_id = %s"
RECOMMENDED = "select recommendations_received_count from usr_stats where profile_id = %s"
USED = "select usage_count from ref_skills where id = %s"


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    ("jobs", "years"),
    [
        ([], 0),
        ([("2020-01-01", "2022-12-31")], 3),
        ([("2020-01-01", "2022-12-30")], 2),
        ([("2020-01-01", "2021-12-31"), ("2021-01-01", "2022-12-31")], 3),  # at the same time: once
        ([("2020-01-01", "2020-06-30"), ("2020-07-01", "2020-12-31")], 1),  # one after the other
        ([("2020-01-01", "2020-06-30"), ("2022-01-01", "2022-06-30")], 1),  # with a gap
        ([("2019-01-17", "2019-07-31"), ("2021-01-01", "2021-06-16")], 1),  # two halves of a month
        ([("2020-02-29", "2021-02-27")], 0),
        ([("2020-02-29", "2021-02-28")], 1),
        ([("2199-01-01", None), ("2190-01-01", "2195-12-31")], 0),  # not begun
    ],
)
def test_years_of_work_count_each_day_once(
    connection: Connection, jobs: list[tuple[str, str | None]], years: int
) -> None:
    someone = person(connection)
    for first, last in jobs:
        job(connection, someone, first, last)
    assert value(connection, YEARS, someone) == years


def test_a_job_that_lasts_counts_to_today(connection: Connection) -> None:
    lasting, ending = person(connection), person(connection)
    begin = "select ((now() at time zone 'Asia/Kolkata')::date - interval '5 years')::date::text"
    first = value(connection, begin)
    job(connection, lasting, first)
    job(connection, ending, first, "2199-12-31")
    assert [value(connection, YEARS, p) for p in (lasting, ending)] == [5, 5]
    assert value(connection, YEARS, uuid4()) == 0
    assert value(connection, YEARS, None) == 0


def test_a_job_is_current_while_it_has_no_end(connection: Connection) -> None:
    made = job(connection, person(connection))
    current = "select is_current from usr_experiences where id = %s"
    assert value(connection, current, made) is True
    connection.execute("update usr_experiences set end_date = '2021-01-01' where id = %s", [made])
    assert value(connection, current, made) is False


def test_nonsense_is_refused(connection: Connection) -> None:
    someone, other = person(connection), person(connection)
    job(connection, someone)
    profile_skill(connection, someone)
    assert refusals(connection, LISTS_AND_SKILLS, {"p": someone, "o": other}) == list(LISTS_AND_SKILLS)


def test_the_person_takes_the_lists_along_and_the_verifier_does_not(connection: Connection) -> None:
    someone, other = person(connection), person(connection)
    for statement in (
        """insert into usr_certifications (profile_id, name, issuing_organization, issue_date, is_verified, verified_at,
            verified_by) values (%(p)s, 'x', 'x', '2020-01-01', true, now(), %(o)s)""",
        "insert into usr_publications (profile_id, title) values (%(p)s, 'x')",
        "insert into usr_awards (profile_id, title, issuer, issue_date) values (%(p)s, 'x', 'x', '2020-01-01')",
        "insert into usr_languages (profile_id, language, proficiency) values (%(p)s, 'Tamil', 'native')",
    ):
        connection.execute(statement, {"p": someone, "o": other})
    connection.execute("delete from profiles where id = %s", [other])
    verified = "select is_verified and verified_by is null from usr_certifications where profile_id = %s"
    assert value(connection, verified, someone) is True

    connection.execute("delete from profiles where id = %s", [someone])
    left = """select (select count(*) from usr_certifications) + (select count(*) from usr_publications)
        + (select count(*) from usr_awards) + (select count(*) from usr_languages)"""
    assert value(connection, left) == 0


def test_a_skill_counts_the_profiles_that_list_it(connection: Connection) -> None:
    someone, one, other = person(connection), skill(connection), skill(connection)
    made = profile_skill(connection, someone, one)
    profile_skill(connection, person(connection), one)
    assert value(connection, USED, one) == 2
    connection.execute("update usr_profile_skills set skill_id = %s where id = %s", [other, made])
    assert [value(connection, USED, s) for s in (one, other)] == [1, 1]
    connection.execute("delete from profiles where id = %s", [someone])
    assert [value(connection, USED, s) for s in (one, other)] == [1, 0]
    refused(connection, errors.IntegrityError, "delete from ref_skills where id = %s", one)


def test_endorsements_count_for_the_skill_and_for_its_owner(connection: Connection) -> None:
    owner, endorser = person(connection), person(connection)
    one, other = profile_skill(connection, owner), profile_skill(connection, owner)
    made = endorse(connection, one, endorser)
    endorse(connection, one)
    connection.execute("update usr_skill_endorsements set profile_skill_id = %s where id = %s", [other, made])
    assert [value(connection, ENDORSED, s) for s in (one, other)] == [1, 1]
    assert value(connection, RECEIVED, owner) == 2
    connection.execute("delete from profiles where id = %s", [endorser])
    assert value(connection, ENDORSED, other) == 0
    assert value(connection, RECEIVED, owner) == 1
    connection.execute("delete from usr_profile_skills where id = %s", [one])
    assert value(connection, RECEIVED, owner) == 0  # the skill took its endorsement along


def test_a_skill_that_changes_hands_takes_its_endorsements_along(connection: Connection) -> None:
    owner, heir, endorser = person(connection), person(connection), person(connection)
    made = profile_skill(connection, owner)
    endorse(connection, made, endorser)
    move = "update usr_profile_skills set profile_id = %s where id = %s"
    refused(connection, errors.CheckViolation, move, endorser, made)  # it would be their own
    connection.execute(move, [heir, made])
    assert [value(connection, RECEIVED, p) for p in (owner, heir)] == [0, 1]
    assert value(connection, ENDORSED, made) == 1
    has = "select has_endorsements and has_skills from usr_completeness_checks where profile_id = %s"
    assert [value(connection, has, p) for p in (owner, heir)] == [False, True]


def test_a_recommendation_counts_while_it_is_accepted(connection: Connection) -> None:
    one, other = person(connection), person(connection)
    insert = """insert into usr_skill_recommendations (profile_id, recommender_id, content)
        values (%s, %s, 'Good') returning id"""
    made: UUID = value(connection, insert, one, person(connection))
    assert value(connection, RECOMMENDED, one) == 0
    connection.execute(
        "update usr_skill_recommendations set status = 'accepted', accepted_at = now() where id = %s", [made]
    )
    assert value(connection, RECOMMENDED, one) == 1
    connection.execute("update usr_skill_recommendations set profile_id = %s where id = %s", [other, made])
    assert [value(connection, RECOMMENDED, p) for p in (one, other)] == [0, 1]
    connection.execute(
        "update usr_skill_recommendations set status = 'declined', accepted_at = null where id = %s", [made]
    )
    assert value(connection, RECOMMENDED, other) == 0
    connection.execute(
        "update usr_skill_recommendations set status = 'accepted', accepted_at = now() where id = %s", [made]
    )
    connection.execute("delete from usr_skill_recommendations where id = %s", [made])
    assert value(connection, RECOMMENDED, other) == 0


def test_a_skill_goes_with_its_assessments(connection: Connection) -> None:
    made = profile_skill(connection, person(connection))
    connection.execute(
        "insert into usr_skill_assessments (profile_skill_id, assessment_type) values (%s, 'quiz')", [made]
    )
    connection.execute("delete from usr_profile_skills where id = %s", [made])
    assert value(connection, "select count(*) from usr_skill_assessments") == 0


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("  layer   MANAGEMENT ", "layer-management"),
        ("Layer-Management", "layer-management"),
        ("Layer\u00a0Management", "layer-management"),
        ("poultry rearing", "poultry-farming"),  # a synonym
        ("Búsiness Plánning", "business-planning"),
    ],
)
def test_a_known_skill_is_found(connection: Connection, name: str, slug: str) -> None:
    before = value(connection, "select count(*) from ref_skills")
    assert value(connection, FIND, name) == value(connection, "select id from ref_skills where slug = %s", slug)
    assert value(connection, "select count(*) from ref_skills") == before


def test_skills_that_differ_stay_apart_in_any_order(connection: Connection) -> None:
    long = "x" * 70
    names = ["C++", "C", "C#", "தமிழ்", "हिन्दी", "தமிழ் C", "C हिन्दी", "!", long + "1", long + "2"]
    made = [value(connection, FIND, name) for name in names]
    assert len(set(made)) == len(names)
    assert [value(connection, FIND, name) for name in reversed(names)] == made[::-1]
    assert value(connection, FIND, "c") == made[1]
    assert value(connection, "select array_agg(slug order by slug) from ref_skills where id = any (%s)", made[:3]) == [
        "c",
        "c-plus-plus",
        "c-sharp",
    ]
    assert value(connection, "select sum(usage_count) from ref_skills where id = any (%s)", made) == 0


@pytest.mark.parametrize("name", [None, "", "  \u00a0\t\n", "x" * 101])
def test_a_skill_needs_a_name(connection: Connection, name: str | None) -> None:
    refused(connection, errors.InvalidParameterValue, FIND, name)


@pytest.mark.parametrize(
    ("name", "slug"),
    [(None, None), ("Egg Grading", "egg-grading"), ("C++", "c-plus-plus"), ("F#", "f-sharp"), ("José", "jose")],
)
def test_a_skill_slug_spells_signs_out(connection: Connection, name: str | None, slug: str | None) -> None:
    assert value(connection, "select skill_slug(%s)", name) == slug


def test_sessions_that_want_the_same_new_skills_get_the_same(database: str) -> None:
    names = [f"New Skill {n}" for n in range(20)]

    def ask(turn: int) -> list[UUID]:
        with psycopg.connect(database, autocommit=True) as session:
            turned = names[turn:] + names[:turn]
            return sorted(value(session, FIND, name) for name in turned)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len(answers[0]) == len(set(answers[0])) == 20
    assert all(answer == answers[0] for answer in answers)


def test_top_skills_come_in_the_order_of_the_profile(connection: Connection) -> None:
    someone = person(connection)
    for name, level, featured, order, endorsements in (
        ("Zoo", None, True, 0, 0),
        ("Often", "expert", False, 9, 2),
        ("Later", None, False, 2, 1),
        ("Bees", None, False, 1, 1),
        ("Ants", "beginner", False, 1, 1),
    ):
        one = value(connection, FIND, name)
        query = """insert into usr_profile_skills (profile_id, skill_id, proficiency, is_featured, display_order)
            values (%s, %s, %s, %s, %s) returning id"""
        made = value(connection, query, someone, one, level, featured, order)
        for _ in range(endorsements):
            endorse(connection, made)

    def top(*arguments: object) -> list[tuple[str, int, str | None]]:
        marks = ", ".join(["%s"] * len(arguments))
        return connection.execute(f"select * from get_top_skills({marks})", arguments).fetchall()

    assert top(someone) == [
        ("Zoo", 0, None),
        ("Often", 2, "expert"),
        ("Ants", 1, "beginner"),
        ("Bees", 1, None),
        ("Later", 1, None),
    ]
    assert [len(top(someone, limit)) for limit in (None, 2, 0, -5, 10**6)] == [5, 2, 1, 1, 5]
    assert top(uuid4()) == top(None) == []
