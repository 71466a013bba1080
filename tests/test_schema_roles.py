"""What each role may do and what it may not; an analyst's annotations are the analyst's own."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, act_as, person, refresh, refused, run, upsert, value

NEC_TABLES = "select relname::text from pg_class where relkind = 'r' and relname ~ '^nec_' order by 1"
WRITES = ("insert", "update", "delete")


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def be(connection: Connection, role: str) -> None:
    connection.execute(f"set local role {role}")


def may(connection: Connection, role: str, table: str, *rights: str) -> list[bool]:
    query = "select has_table_privilege(%s, %s, %s)"
    return [value(connection, query, role, table, right) for right in rights]


@pytest.mark.parametrize(
    ("role", "table", "rights"),
    [
        ("app_ro", "nec_prices", "select"),
        ("app_ro", "profiles", "select"),
        ("app_ro", "schema_versions", "select"),
        ("app_ro", "nec_yoy_comparison", "select"),
        ("app_ro", "auth.users", ""),
        ("app_rw", "nec_prices", "select insert update delete"),
        ("app_rw", "ref_skills", "select insert update delete"),
        ("app_rw", "profiles", "select insert update delete"),
        ("app_rw", "auth.users", "select insert update delete"),
        ("app_rw", "nec_price_revisions", "select insert"),
        ("app_rw", "nec_predictions", "select insert"),
        ("app_rw", "schema_versions", "select"),
        ("app_scraper", "nec_prices", "select insert update delete"),
        ("app_scraper", "nec_zones", "select insert update delete"),
        ("app_scraper", "nec_price_revisions", "select insert"),
        ("app_scraper", "nec_monthly_averages", "select"),
        ("app_scraper", "ref_states", "select"),
        ("app_scraper", "profiles", ""),
        ("app_scraper", "auth.users", ""),
        ("app_scraper", "schema_versions", ""),
        ("nec_analyst", "nec_prices", "select"),
        ("nec_analyst", "nec_v_price_quotes", "select"),
        ("nec_analyst", "nec_monthly_averages", "select"),
        ("nec_analyst", "ref_states", "select"),
        ("nec_analyst", "nec_annotations", "select delete"),  # and single columns of it
        ("nec_analyst", "profiles", ""),
        ("nec_analyst", "auth.users", ""),
    ],
)
def test_a_role_has_these_rights_and_no_others(connection: Connection, role: str, table: str, rights: str) -> None:
    granted = dict.fromkeys(("select", *WRITES, "truncate", "references", "trigger"), False)
    granted.update(dict.fromkeys(rights.split(), True))
    assert dict(zip(granted, may(connection, role, table, *granted), strict=True)) == granted


def test_nobody_but_the_scraper_and_the_application_writes_prices(connection: Connection) -> None:
    for (table,) in connection.execute(NEC_TABLES).fetchall():
        assert may(connection, "app_ro", table, "select", *WRITES) == [True, False, False, False]
        assert may(connection, "nec_analyst", table, "select", "insert", "update") == [True, False, False]
        assert may(connection, "app_scraper", table, "select", "insert") == [True, True]


def test_no_role_can_log_in(connection: Connection) -> None:
    query = (
        "select count(*) from pg_roles where rolname ~ '^(app_ro|app_rw|app_scraper|nec_analyst)$' and not rolcanlogin"
    )
    assert value(connection, query) == 4


def test_the_scraper_writes_prices_and_refreshes_the_views(connection: Connection) -> None:
    someone = person(connection)
    be(connection, "app_scraper")
    act_as(connection, someone)
    run_id = run(connection)
    upsert(connection, "pune", "2024-02-01", 400, run_id=run_id)
    upsert(connection, "pune", "2024-02-01", 405, run_id=run_id)
    refresh(connection)
    refresh(connection)

    assert value(connection, "select changed_by from nec_price_revisions") == someone
    assert value(connection, "select suggested_average from nec_monthly_averages") == 405
    assert value(connection, "select fill_nec_prediction_actuals()") == 0
    for statement in (
        "update nec_price_revisions set reason = 'x'",
        "delete from nec_price_revisions",
        "update nec_predictions set predicted_price = 1",
        "update ref_states set name = 'x'",
        "select email from profiles",
        "select * from auth.users",
        "truncate nec_annotations",
        "refresh materialized view nec_monthly_averages",
    ):
        refused(connection, errors.InsufficientPrivilege, statement)


def test_the_application_knows_who_acts(connection: Connection) -> None:
    someone = person(connection)
    for role in ("app_ro", "app_rw", "app_scraper", "nec_analyst"):
        be(connection, role)
        act_as(connection, someone)
        assert value(connection, "select auth.uid()") == someone
    be(connection, "app_rw")
    assert value(connection, "select auth.sync_cognito_user('sub', 'new@example.org')") is not None


@pytest.mark.parametrize("role", ["app_ro", "nec_analyst"])
def test_a_reader_reads_and_writes_nothing(connection: Connection, role: str) -> None:
    upsert(connection, "pune", "2024-02-01", 400)
    be(connection, role)
    for query in (
        "select count(*) from nec_v_price_quotes",
        "select count(*) from nec_zone_sections",
        "select count(*) from get_latest_nec_price((select id from nec_zones where slug = 'pune'))",
    ):
        assert value(connection, query) == 1
    assert value(connection, "select count(*) from get_nec_daily_board('2024-02-01')") == 34
    for statement in (
        "insert into nec_zones (name, slug, zone_type, state) values ('x', 'x', 'production_center', 'Goa')",
        "update nec_prices set suggested_price = 1",
        "delete from nec_prices",
        "select refresh_nec_monthly_averages()",
        "update ref_skills set name = 'x'",
    ):
        refused(connection, errors.InsufficientPrivilege, statement)


ANNOTATE = "insert into nec_annotations (date, title, content, author_id) values ('2024-02-01', 'Heat', 'Hot.', %s)"


def test_an_analyst_writes_in_their_own_name_only(connection: Connection) -> None:
    me, other = person(connection), person(connection)
    connection.execute(ANNOTATE, [other])
    be(connection, "nec_analyst")
    act_as(connection, me)
    connection.execute(ANNOTATE, [me])
    refused(connection, errors.InsufficientPrivilege, ANNOTATE, other)
    change = "update nec_annotations set title = 'Heat wave' where author_id = %s"
    assert connection.execute(change, [me]).rowcount == 1
    refused(connection, errors.InsufficientPrivilege, change, other)
    refused(connection, errors.InsufficientPrivilege, "delete from nec_annotations")
    refused(connection, errors.InsufficientPrivilege, "update nec_annotations set approved_at = now()")
    refused(connection, errors.InsufficientPrivilege, "update nec_annotations set author_id = author_id")
    refused(connection, errors.InsufficientPrivilege, "update nec_annotations set likes_count = 1000")
    assert connection.execute("delete from nec_annotations where author_id = %s", [me]).rowcount == 1
    act_as(connection, None)
    refused(connection, errors.InsufficientPrivilege, ANNOTATE, me)


def test_the_application_writes_in_anybodys_name(connection: Connection) -> None:
    someone = person(connection)
    be(connection, "app_rw")
    connection.execute(ANNOTATE, [someone])
    assert connection.execute("update nec_annotations set approved_at = now()").rowcount == 1
