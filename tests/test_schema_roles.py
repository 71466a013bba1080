"""What each role may do and what it may not; an analyst's annotations are the analyst's own."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, act_as, person, refresh, refused, run, upsert, value

OUR_RELATIONS = """
    select oid::regclass::text, relkind::text from pg_class
    where relnamespace in ('public'::regnamespace, 'auth'::regnamespace) and relkind in ('r', 'p', 'v', 'm')
        and relname !~ '^pg_stat_statements'"""
APPEND_ONLY = {"adm_actions_log", "org_membership_history", "nec_price_revisions"}
OWNERS = {"audit_log", "schema_versions"}  # written by triggers and runners
ROLES = ("app_ro", "app_rw", "app_scraper", "nec_analyst")
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
        ("app_rw", "soc_posts", "select insert update delete"),
        ("app_rw", "adm_actions_log", "select insert"),
        ("app_rw", "org_membership_history", "select insert"),
        ("app_rw", "audit_log", "select"),
        ("app_rw", "mv_popular_posts", "select"),
        ("app_scraper", "nec_prices", "select insert update delete"),
        ("app_scraper", "nec_zones", "select insert update delete"),
        ("app_scraper", "nec_price_revisions", "select insert"),
        ("app_scraper", "nec_monthly_averages", "select"),
        ("app_scraper", "ref_states", "select"),
        ("app_scraper", "profiles", ""),
        ("app_scraper", "auth.users", ""),
        ("app_scraper", "schema_versions", "select"),
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


def rights_of(connection: Connection, role: str, *rights: str) -> set[str]:
    """The relations on which a role has one of these rights, be it on single columns."""
    query = f"""
        select name from ({OUR_RELATIONS}) r (name, kind) where has_table_privilege(%(role)s, name, %(all)s)
            or kind <> 'm' and has_any_column_privilege(%(role)s, name, %(columns)s)"""
    columns = [right for right in rights if right in {"select", "insert", "update"}] or ["references"]
    parameters = {"role": role, "all": ", ".join(rights), "columns": ", ".join(columns)}
    return {row[0] for row in connection.execute(query.encode(), parameters)}


def relations(connection: Connection, kinds: str = "rpvm") -> set[str]:
    return {name for name, kind in connection.execute(OUR_RELATIONS) if kind in kinds}


def test_nobody_truncates_or_attaches_triggers(connection: Connection) -> None:
    for role in ROLES:
        assert rights_of(connection, role, "truncate", "trigger", "references") == set()


def test_a_reader_reads_all_but_identities_and_writes_nowhere(connection: Connection) -> None:
    assert rights_of(connection, "app_ro", "select") == relations(connection) - {"auth.users"}
    assert rights_of(connection, "app_ro", *WRITES) == set()


def test_the_application_writes_all_tables_but_changes_no_log(connection: Connection) -> None:
    tables = relations(connection, "r")
    assert rights_of(connection, "app_rw", "select") == relations(connection)
    assert rights_of(connection, "app_rw", "insert") == tables - OWNERS
    # of a prediction the price that came true may be filled in, and nothing else
    assert rights_of(connection, "app_rw", "update") == tables - OWNERS - APPEND_ONLY
    assert rights_of(connection, "app_rw", "delete") == tables - OWNERS - APPEND_ONLY - {"nec_predictions"}


def test_the_scraper_and_the_analyst_stay_with_prices(connection: Connection) -> None:
    prices = {name for name in relations(connection) if name.startswith("nec_")}
    lists = {name for name in relations(connection) if name.startswith("ref_")}
    assert rights_of(connection, "nec_analyst", "select") == prices | lists
    assert rights_of(connection, "app_scraper", "select") == prices | lists | {
        "profiles",  # the id: who has acted
        "schema_versions",  # whether the schema is that of its version
    }
    assert rights_of(connection, "app_scraper", *WRITES) == prices & relations(connection, "r")
    assert rights_of(connection, "nec_analyst", *WRITES) == {"nec_annotations"}


def test_functions_with_their_owners_rights_are_for_those_who_need_them(connection: Connection) -> None:
    query = """
        select p.oid::regprocedure::text, array(select r.rolname::text from pg_roles r
            where r.rolname = any (%s) and has_function_privilege(r.oid, p.oid, 'execute') order by 1)
        from pg_proc p where p.prosecdef and p.prorettype <> 'trigger'::regtype
            and p.pronamespace in ('public'::regnamespace, 'auth'::regnamespace)"""
    assert dict(connection.execute(query, [list(ROLES)]).fetchall()) == {
        "refresh_all_materialized_views()": ["app_rw"],
        "refresh_nec_monthly_averages()": ["app_rw", "app_scraper"],
    }


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
