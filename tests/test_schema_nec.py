"""Predictions, runs, source pages, annotations: what their tables refuse and what their triggers keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, page, person, problem, refused, run, series, value, zone


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        connection.execute("set local necc.today = '2024-02-10'")
        yield connection
        connection.rollback()


def model(connection: Connection, version: str = "1") -> UUID:
    query = """
        insert into nec_model_runs (model_name, model_version, training_from, training_cutoff, horizons_days)
        values ('pooled', %s, '2009-01-01', '2024-02-01', '{1,7}') returning id"""
    made: UUID = value(connection, query, version)
    return made


PREDICT = """
    insert into nec_predictions (zone_id, section, target_date, issued_on, predicted_price, lower_80, upper_80,
        lower_95, upper_95, naive_price, model_run_id, model_name, model_version)
    select id, %(section)s, %(target)s, %(issued)s, %(price)s, %(price)s - 10, %(price)s + 10, %(price)s - 20,
        %(price)s + 20, 400, %(run)s, 'pooled', %(version)s from nec_zones where slug = 'pune' returning id"""


def predict(connection: Connection, run_id: UUID, **changes: object) -> UUID:
    values = {"section": "suggested", "target": "2024-02-08", "issued": "2024-02-01", "price": 410, "version": "1"}
    row = connection.execute(PREDICT, {**values, "run": run_id, **changes}).fetchone()
    assert row is not None
    made: UUID = row[0]
    return made


def scores(connection: Connection, prediction: UUID) -> tuple[Any, ...] | None:
    columns = "horizon_days, actual_price, prediction_error, abs_pct_error, is_within_80, is_within_95"
    return connection.execute(f"select {columns} from nec_predictions where id = %s", [prediction]).fetchone()


def fill(connection: Connection, up_to: str | None = None) -> int:
    return int(value(connection, "select fill_nec_prediction_actuals(%s)", up_to))


def test_a_prediction_is_scored_when_the_price_of_its_section_comes(connection: Connection) -> None:
    prediction = predict(connection, model(connection))
    series(connection, "pune", "2024-02-08", [999], section="prevailing")
    assert fill(connection) == 0
    assert scores(connection, prediction) == (7, None, None, None, None, None)

    series(connection, "pune", "2024-02-08", [425])
    assert fill(connection, "2024-02-07") == 0
    assert fill(connection) == 1
    assert fill(connection) == 0
    assert scores(connection, prediction) == (7, 425, 15, Decimal("3.53"), False, True)


def test_a_revised_price_scores_the_prediction_anew(connection: Connection) -> None:
    prediction = predict(connection, model(connection))
    series(connection, "pune", "2024-02-08", [425])
    fill(connection)
    connection.execute("update nec_prices set suggested_price = 400")
    assert fill(connection) == 1
    assert scores(connection, prediction) == (7, 400, -10, Decimal("2.5"), True, True)


def test_a_held_price_scores_nothing(connection: Connection) -> None:
    prediction = predict(connection, model(connection))
    series(connection, "pune", "2024-02-08", [900])
    problem(connection, zone(connection, "pune"), "2024-02-08")
    assert fill(connection) == 0
    assert scores(connection, prediction) == (7, None, None, None, None, None)


def test_a_prediction_of_tomorrow_waits(connection: Connection) -> None:
    predict(connection, model(connection), target="2024-02-11", issued="2024-02-10")
    series(connection, "pune", "2024-02-11", [400])
    assert fill(connection) == 0
    assert fill(connection, "2024-02-11") == 1


def test_a_prediction_is_issued_once(connection: Connection) -> None:
    run_id = model(connection)
    predict(connection, run_id)
    with pytest.raises(errors.UniqueViolation), connection.transaction():
        predict(connection, run_id, price=420)
    with pytest.raises(errors.IntegrityError), connection.transaction():
        predict(connection, run_id, section="prevailing", version=None)
    with pytest.raises(errors.ForeignKeyViolation), connection.transaction():
        predict(connection, run_id, section="prevailing", version="2")  # not the version of that run
    predict(connection, run_id, section="prevailing")


@pytest.mark.parametrize(
    "change",
    [
        {"target": "2024-02-01"},
        {"target": "2024-01-31"},
        {"section": "middle"},
        {"price": -5},
        {"target": None},
    ],
)
def test_an_impossible_prediction_is_refused(connection: Connection, change: dict[str, object]) -> None:
    run_id = model(connection)
    with pytest.raises(errors.IntegrityError), connection.transaction():
        predict(connection, run_id, **change)


@pytest.mark.parametrize(
    ("number", "constraint"),
    [("%(price)s", "upper_95"), ("%(price)s + 20", "upper_95"), ("400", "naive_price")],
)
def test_no_number_of_a_prediction_is_nan(connection: Connection, number: str, constraint: str) -> None:
    statement = PREDICT.replace(number, "'NaN'::numeric" + number.removeprefix("%(price)s").removeprefix("400"))
    values = {"section": "suggested", "target": "2024-02-08", "issued": "2024-02-01", "price": 410, "version": "1"}
    with pytest.raises(errors.CheckViolation) as caught, connection.transaction():
        connection.execute(statement, {**values, "run": model(connection)})
    assert caught.value.diag.constraint_name == f"ck_nec_predictions_{constraint}"


@pytest.mark.parametrize(
    "change", ["predicted_price = 400", "upper_95 = 900", "issued_on = '2024-01-01'", "naive_price = 1"]
)
def test_a_prediction_is_never_changed(connection: Connection, change: str) -> None:
    predict(connection, model(connection))
    error = refused(connection, errors.CheckViolation, f"update nec_predictions set {change}")
    assert error.diag.constraint_name == "ck_nec_predictions_are_final"


def test_an_interval_holds_the_prediction(connection: Connection) -> None:
    predict(connection, model(connection))
    copied = PREDICT.replace("%(price)s - 10", "%(price)s + 1")
    values = {"section": "prevailing", "target": "2024-02-08", "issued": "2024-02-01", "price": 410, "version": "1"}
    with pytest.raises(errors.CheckViolation), connection.transaction():
        connection.execute(copied, {**values, "run": value(connection, "select id from nec_model_runs")})


def test_a_model_run_is_one_training(connection: Connection) -> None:
    model(connection)
    with pytest.raises(errors.UniqueViolation), connection.transaction():
        model(connection)
    for change in (
        "horizons_days = '{}'",
        "horizons_days = '{0,1}'",
        "horizons_days = '{1,null}'",
        "training_cutoff = '2008-01-01'",
        "model_version = ''",
    ):
        refused(connection, errors.CheckViolation, f"update nec_model_runs set {change}")
    predict(connection, value(connection, "select id from nec_model_runs"))
    refused(connection, errors.IntegrityError, "delete from nec_model_runs")


def test_a_run_goes_from_running_to_success(connection: Connection) -> None:
    run_id = run(connection)
    assert value(connection, "select status from nec_scraper_logs where id = %s", run_id) == "running"
    closing = "update nec_scraper_logs set status = 'success', {} where id = %s"
    refused(connection, errors.CheckViolation, closing.format("exit_code = 0"), run_id)
    connection.execute(closing.format("finished_at = now()"), [run_id])
    refused(connection, errors.CheckViolation, "update nec_scraper_logs set status = 'running'")
    connection.execute("update nec_scraper_logs set status = 'abandoned', finished_at = null")


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (errors.UniqueViolation, "execution_id = 'same'"),
        (errors.CheckViolation, "mode = 'cron'"),
        (errors.CheckViolation, "status = 'done', finished_at = now()"),
        (errors.CheckViolation, "finished_at = now()"),  # and still running?
        (errors.CheckViolation, "status = 'failed', finished_at = started_at - interval '1 s'"),
        (errors.CheckViolation, "prices_inserted = -1"),
        (errors.CheckViolation, "target_from = '2024-02-01', target_to = '2024-01-01'"),
    ],
)
def test_the_log_refuses_nonsense(connection: Connection, error: type[psycopg.Error], change: str) -> None:
    run(connection), run(connection)
    refused(connection, error, f"update nec_scraper_logs set {change}")


def test_a_sheet_keeps_each_content_once(connection: Connection) -> None:
    for report in ("daily", "monthly"):  # the yearly sheet has no month, and is still the same sheet
        first = page(connection, dt.date(2024, 2, 1), report=report)
        copy = """
            insert into nec_source_pages (url, report, year, month, fetched_at, sha256, body)
            select url, report, year, month, fetched_at, sha256, body from nec_source_pages where id = %s"""
        refused(connection, errors.UniqueViolation, copy, first)


@pytest.mark.parametrize(
    "change",
    [
        "month = null",
        "month = 13",
        "year = 1999",
        "report = 'weekly'",
        "sha256 = repeat('g', 64)",
        "body = null",
        "s3_key = 'k', s3_bucket = 'b'",
        "body = null, s3_key = 'k'",
        "outcome = 'fine'",
        "last_seen_at = '2000-01-01'",
    ],
)
def test_the_archive_refuses_nonsense(connection: Connection, change: str) -> None:
    page(connection, dt.date(2024, 2, 1))
    refused(connection, errors.CheckViolation, f"update nec_source_pages set {change}")


def test_a_finding_stands_once_even_for_a_whole_line(connection: Connection) -> None:
    for _ in range(2):
        problem(connection, None, None, section=None)  # its label is another one
    refused(connection, errors.UniqueViolation, "update nec_price_problems set raw_label = 'same'")
    for change in ("verdict = 'odd'", "section = 'middle'", "released_at = now()", "rule = ''"):
        refused(connection, errors.CheckViolation, f"update nec_price_problems set {change}")


def annotation(connection: Connection, author: UUID, zone_id: UUID | None = None) -> UUID:
    query = """
        insert into nec_annotations (zone_id, date, title, content, author_id)
        values (%s, '2024-02-01', 'Heat', 'It was hot.', %s) returning id"""
    made: UUID = value(connection, query, zone_id, author)
    return made


def test_likes_are_counted_and_count_as_no_edit(connection: Connection) -> None:
    author, reader = person(connection), person(connection)
    first, second = annotation(connection, author), annotation(connection, author)
    connection.execute("update nec_annotations set updated_at = '2020-01-01'")
    like = "insert into nec_annotation_likes (annotation_id, profile_id) values (%s, %s)"
    counts = "select array_agg(likes_count order by array_position(%s, id)) from nec_annotations"

    connection.execute(like, [first, author])
    connection.execute(like, [first, reader])
    refused(connection, errors.UniqueViolation, like, first, reader)
    assert value(connection, counts, [first, second]) == [2, 0]
    connection.execute("update nec_annotation_likes set annotation_id = %s where profile_id = %s", [second, reader])
    assert value(connection, counts, [first, second]) == [1, 1]
    connection.execute("delete from profiles where id = %s", [reader])
    assert value(connection, counts, [first, second]) == [1, 0]
    connection.execute("truncate nec_annotation_likes")
    assert value(connection, counts, [first, second]) == [0, 0]
    assert value(connection, "select max(updated_at) < '2020-01-03' from nec_annotations") is True
    connection.execute("update nec_annotations set title = 'Heat wave'")
    assert value(connection, "select min(updated_at) > '2020-01-03' from nec_annotations") is True


def test_an_annotation_goes_with_its_author_and_keeps_its_approval(connection: Connection) -> None:
    author, judge = person(connection), person(connection)
    made = annotation(connection, author, zone(connection, "pune"))
    connection.execute("insert into nec_annotation_metadata (annotation_id, tags) values (%s, '{heat}')", [made])
    connection.execute("update nec_annotations set approved_at = now(), approved_by = %s", [judge])
    connection.execute("delete from profiles where id = %s", [judge])
    assert connection.execute("select is_approved, approved_by from nec_annotations").fetchone() == (True, None)
    connection.execute("delete from profiles where id = %s", [author])
    assert value(connection, "select count(*) from nec_annotation_metadata") == 0


@pytest.mark.parametrize(
    "change",
    [
        "end_date = '2024-01-31'",
        "end_date = 'infinity'",
        "date = '-infinity'",
        "title = ' '",
        "title = repeat('x', 201)",
        "content = repeat('x', 1001)",
        "annotation_type = 'joke'",
        "approved_by = author_id",
        "likes_count = -1",
    ],
)
def test_an_annotation_refuses_nonsense(connection: Connection, change: str) -> None:
    annotation(connection, person(connection))
    refused(connection, errors.CheckViolation, f"update nec_annotations set {change}")
