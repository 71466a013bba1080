"""File 120: postings of businesses and organizations, and applications for them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, business, organization, person, refused, value

LONG_AGO = "2020-01-01 00:00+00"


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def posting(
    connection: Connection, by: UUID, employer: UUID, kind: str = "business", *, title: str = "Farm Manager"
) -> UUID:
    query = """
        insert into job_postings (employer_type, employer_id, posted_by, title, description, category_id, job_type)
        select %s, %s, %s, %s, 'Runs the sheds', id, 'full_time' from ref_job_categories where slug = 'farm-management'
        returning id"""
    made: UUID = value(connection, query, kind, employer, by, title)
    return made


def a_posting(connection: Connection) -> UUID:
    owner = person(connection)
    return posting(connection, owner, business(connection, owner))


def apply(connection: Connection, job: UUID, applicant: UUID) -> UUID:
    query = "insert into job_applications (job_id, applicant_id) values (%s, %s) returning id"
    made: UUID = value(connection, query, job, applicant)
    return made


def applications(connection: Connection, *jobs: UUID) -> list[int]:
    query = "select applications_count from job_postings where id = %s"
    return [value(connection, query, job) for job in jobs]


def test_applications_are_counted_until_withdrawn(connection: Connection) -> None:
    one, other = a_posting(connection), a_posting(connection)
    first, second = apply(connection, one, person(connection)), apply(connection, one, person(connection))
    assert applications(connection, one, other) == [2, 0]
    connection.execute("update job_applications set status = 'shortlisted' where id = %s", [first])
    connection.execute("update job_applications set status = 'withdrawn' where id = %s", [second])
    assert applications(connection, one, other) == [1, 0]
    connection.execute("update job_applications set status = 'submitted', job_id = %s where id = %s", [other, second])
    assert applications(connection, one, other) == [1, 1]
    connection.execute("delete from job_applications where id = %s", [first])
    connection.execute("delete from profiles p using job_applications a where a.applicant_id = p.id")
    assert applications(connection, one, other) == [0, 0]


def test_a_person_applies_once(connection: Connection) -> None:
    job, someone = a_posting(connection), person(connection)
    apply(connection, job, someone)
    insert = "insert into job_applications (job_id, applicant_id) values (%s, %s)"
    refused(connection, errors.UniqueViolation, insert, job, someone)


@pytest.mark.parametrize("kind", ["business", "organization"])
def test_an_employer_with_postings_stays(connection: Connection, kind: str) -> None:
    owner, poster = person(connection), person(connection)
    employer = (business if kind == "business" else organization)(connection, owner)
    job = posting(connection, poster, employer, kind)

    remove = f"delete from {'biz' if kind == 'business' else 'org'}_profiles where id = %s"
    error = refused(connection, errors.ForeignKeyViolation, remove, employer)
    assert error.diag.table_name == "job_postings"
    refused(connection, errors.IntegrityError, "delete from profiles where id = %s", poster)
    connection.execute("delete from job_postings where id = %s", [job])
    connection.execute("delete from profiles where id = %s", [poster])
    assert connection.execute(remove, [employer]).rowcount == 1


def test_an_employer_exists_and_is_no_person(connection: Connection) -> None:
    one = person(connection)
    job = posting(connection, one, business(connection, one))
    change = "update job_postings set employer_type = %s, employer_id = %s where id = %s"
    refused(connection, errors.CheckViolation, change, "individual", one, job)
    refused(connection, errors.ForeignKeyViolation, change, "organization", one, job)


def test_what_belongs_to_a_posting_goes_with_it(connection: Connection) -> None:
    job, someone = a_posting(connection), person(connection)
    apply(connection, job, someone)
    connection.execute("insert into job_bookmarks (profile_id, job_id) values (%s, %s)", [someone, job])
    connection.execute(
        "insert into anl_activity_log (profile_id, activity_type, target_type, target_id)"
        " values (%s, 'other', 'job', %s)",
        [someone, job],
    )
    refused(
        connection,
        errors.UniqueViolation,
        "insert into job_bookmarks (profile_id, job_id) values (%s, %s)",
        someone,
        job,
    )
    connection.execute("delete from job_postings where id = %s", [job])
    assert value(connection, "select count(*) from job_applications") == 0
    assert value(connection, "select count(*) from job_bookmarks") == 0
    assert connection.execute("select target_type, target_id from anl_activity_log").fetchall() == [(None, None)]


def test_the_reviewer_may_go(connection: Connection) -> None:
    reviewer = person(connection)
    apply(connection, a_posting(connection), person(connection))
    change = "update job_applications set status = 'rejected', reviewed_by = %s"
    refused(connection, errors.CheckViolation, change, reviewer)
    connection.execute(change + ", reviewed_at = now()", [reviewer])
    connection.execute("delete from profiles where id = %s", [reviewer])
    assert connection.execute("select status, reviewed_by from job_applications").fetchall() == [("rejected", None)]


def test_a_posting_notes_when_it_was_published_first(connection: Connection) -> None:
    job = a_posting(connection)
    published = "select published_at from job_postings where id = %s"
    assert value(connection, published, job) is None
    connection.execute("update job_postings set status = 'published', published_at = %s", [LONG_AGO])
    connection.execute("update job_postings set status = 'closed'")
    connection.execute("update job_postings set status = 'published'")
    assert value(connection, published, job).year == 2020

    connection.execute("update job_postings set published_at = null")
    assert value(connection, published + " and published_at = now()", job) is not None


def test_counting_is_not_editing_a_posting(connection: Connection) -> None:
    job = a_posting(connection)
    connection.execute("update job_postings set updated_at = %s", [LONG_AGO])
    apply(connection, job, person(connection))
    connection.execute("update job_postings set views_count = views_count + 1")
    assert value(connection, "select updated_at from job_postings").year == 2020
    connection.execute("update job_postings set title = 'Shed Manager'")
    assert value(connection, "select updated_at = now() from job_postings") is True


def test_a_posting_is_found_by_its_words(connection: Connection) -> None:
    owner = person(connection)
    job = posting(connection, owner, business(connection, owner), title="Gérant de ferme")
    connection.execute("update job_postings set city = 'Nāmakkal', state = 'Tamil Nadu'")
    query = "select id from job_postings where search @@ websearch_to_tsquery('simple', %s)"
    assert [value(connection, query, words) for words in ("gerant", "namakkal", "sheds", "pune")] == [
        job,
        job,
        job,
        None,
    ]


@pytest.mark.parametrize(
    "change",
    [
        "title = ' '",
        "description = repeat('x', 5001)",
        "job_type = 'gig'",
        "location_type = 'moon'",
        "salary_min = 500, salary_max = 400, salary_period = 'monthly'",
        "salary_min = -1, salary_period = 'monthly'",
        "salary_max = 400",  # per what?
        "salary_currency = 'rs'",
        "salary_period = 'weekly'",
        "experience_min_years = 5, experience_max_years = 2",
        "experience_min_years = -1",
        "apply_email = 'nowhere'",
        "apply_url = 'javascript:alert(1)'",
        "status = 'open'",
        "applications_count = -1",
        "views_count = -1",
    ],
)
def test_a_posting_refuses_nonsense(connection: Connection, change: str) -> None:
    a_posting(connection)
    refused(connection, errors.CheckViolation, f"update job_postings set {change}")


@pytest.mark.parametrize(
    "change",
    ["cover_letter = repeat('x', 2001)", "status = 'hired'", "application_data = '[]'", "resume_url = 'cv.pdf'"],
)
def test_an_application_refuses_nonsense(connection: Connection, change: str) -> None:
    apply(connection, a_posting(connection), person(connection))
    refused(connection, errors.CheckViolation, f"update job_applications set {change}")
