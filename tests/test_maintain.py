"""`necc db maintain`: what is past its time goes, what is wrong becomes right, and every step is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from necc import maintain as upkeep
from necc.embedded import Cluster
from necc.errors import DatabaseError, LockedError
from necc.maintain import Step, maintain
from tests.command import Run
from tests.conftest import temporary_database
from tests.schema_rows import business, person, value
from tests.test_migrate import embedded_only
from tests.test_verify import necc as necc  # the fixture

Connection = psycopg.Connection[Any]

CLEANUPS = [
    "cleanup_expired_invitations",
    "cleanup_old_activity_logs",
    "cleanup_old_profile_views",
    "cleanup_read_notifications",
    "cleanup_search_appearances",
    "cleanup_sent_queue",
    "purge_trash",
]
VIEWS = ["mv_popular_posts", "mv_trending_resources", "mv_active_users", "nec_monthly_averages", "nec_yoy_comparison"]
OLD = "now() - interval '181 days'"


@pytest.fixture(scope="module")
def url(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """To a database in which one row of each of three kinds is past its time, and one counter is wrong."""
    with psycopg.connect(url, autocommit=True) as opened:
        with opened.transaction():
            someone = person(opened)
            for moment in (OLD, "now()"):
                opened.execute(
                    "insert into anl_activity_log (profile_id, activity_type, created_at)"
                    f" values (%s, 'login', {moment})".encode(),
                    [someone],
                )
                opened.execute(
                    "insert into anl_profile_views (viewed_type, viewed_id, created_at)"
                    f" values ('individual', %s, {moment})".encode(),
                    [someone],
                )
            opened.execute(
                "insert into soc_posts (author_type, author_id, content, is_deleted, deleted_at)"
                f" values ('individual', %s, 'Rates are up', true, {OLD})".encode(),
                [someone],
            )
            business(opened, someone)
            opened.execute("update biz_profiles set products_count = 5")
        yield opened
        opened.execute("delete from biz_profiles")
        opened.execute("delete from auth.users")


def rows_of(steps: list[Step]) -> dict[str, int | None]:
    assert [step for step in steps if step.error] == []
    return {step.name: step.rows for step in steps}


def past_their_time(connection: Connection) -> tuple[int, ...]:
    tables = ("anl_activity_log", "anl_profile_views", "soc_posts", "biz_profiles where products_count = 5")
    return tuple(value(connection, f"select count(*) from {table}") for table in tables)


def test_nightly_removes_what_is_past_its_time_and_refreshes(connection: Connection) -> None:
    steps = maintain(connection)
    rows = rows_of(steps)
    assert list(rows) == [
        "compute_platform_metrics",
        "compute_engagement_metrics",
        *(f"refresh_leaderboards {period}" for period in ("daily", "weekly", "monthly", "all_time")),
        *CLEANUPS,
        *(f"refresh {view}" for view in VIEWS),
        "analyze",
    ]
    assert {name: rows[name] for name in CLEANUPS if rows[name]} == {
        "cleanup_old_activity_logs": 1,
        "cleanup_old_profile_views": 1,
        "purge_trash": 1,
    }
    assert past_their_time(connection) == (1, 1, 0, 1)
    assert value(connection, "select count(*) from anl_platform_metrics") == 1
    assert value(connection, "select last_analyze is not null from pg_stat_user_tables where relname = 'profiles'")
    assert {name: rows for name, rows in rows_of(maintain(connection)).items() if name in CLEANUPS and rows} == {}


def test_weekly_also_recounts_and_vacuums(connection: Connection) -> None:
    rows = rows_of(maintain(connection, is_weekly=True))
    assert rows["recount_all_counters"] == 1
    assert rows["recount biz_profiles.products_count"] == 1
    assert list(rows)[-1] == "vacuum (analyze)"
    assert past_their_time(connection) == (1, 1, 0, 0)
    assert value(connection, "select last_vacuum is not null from pg_stat_user_tables where relname = 'soc_posts'")
    assert rows_of(maintain(connection, is_weekly=True))["recount_all_counters"] == 0


def test_a_dry_run_counts_the_same_and_changes_nothing(connection: Connection) -> None:
    rows = rows_of(maintain(connection, is_weekly=True, is_dry_run=True))
    assert list(rows) == [*CLEANUPS, "recount_all_counters", "recount biz_profiles.products_count"]
    assert {name for name, count in rows.items() if count} == {
        "cleanup_old_activity_logs",
        "cleanup_old_profile_views",
        "purge_trash",
        "recount_all_counters",
        "recount biz_profiles.products_count",
    }
    assert past_their_time(connection) == (2, 2, 1, 1)


@embedded_only
def test_a_step_that_fails_does_not_stop_the_others(necc: Run, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("""
            create or replace function cleanup_sent_queue(p_days int default 30, p_dry_run boolean default false)
            returns int language sql as 'select 1 / 0';
            drop materialized view mv_active_users;
        """)
    code, out, err = necc("db", "maintain", "--nightly")
    assert code == 1
    assert err.splitlines()[0].startswith("necc: cleanup_sent_queue: division by zero")
    assert err.splitlines()[1].startswith("necc: refresh mv_active_users: ")
    assert len(err.splitlines()) == 2
    assert "purge_trash: 0 rows, " in out
    assert "refresh nec_yoy_comparison: " in out
    assert out.splitlines()[-1].startswith("analyze: ")


@embedded_only
def test_the_command_tells_each_step(necc: Run) -> None:
    code, out, err = necc("db", "maintain", "--weekly", "--dry-run", "--json")
    told = json.loads(out)
    assert (code, err, told["is_dry_run"]) == (0, "", True)
    assert told["steps"][0].keys() == {"name", "rows", "duration_ms", "error"}
    assert [step["name"] for step in told["steps"]] == [*CLEANUPS, "recount_all_counters"]
    assert necc("-q", "db", "maintain") == (0, "", "")
    code, _, err = necc("db", "maintain", "--nightly", "--weekly")
    assert (code, err) == (2, "necc: choose one of --nightly and --weekly: weekly does all that nightly does\n")


@embedded_only
def test_one_maintenance_at_a_time(connection: Connection, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", [upkeep.MAINTAIN_LOCK])
        with pytest.raises(LockedError, match="another necc db maintain"):
            maintain(connection)
        other.execute("select pg_advisory_unlock_all()")
    assert rows_of(maintain(connection, is_dry_run=True))
    assert value(connection, "select count(*) from pg_locks where locktype = 'advisory'") == 0


@embedded_only
def test_another_role_than_the_owner_is_refused(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("set local role app_rw")
        with pytest.raises(DatabaseError, match=r"^the maintenance needs the rights of the schema's owner, necc$"):
            maintain(connection, is_weekly=True)


@embedded_only
def test_a_database_without_the_schema_is_told(empty_database: str) -> None:
    with (
        psycopg.connect(empty_database, autocommit=True) as connection,
        pytest.raises(DatabaseError, match="the schema is missing or old, run `necc db deploy`"),
    ):
        maintain(connection)
