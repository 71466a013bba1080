"""The upkeep of a database, for cron: yesterday's figures, rows past their time, counters, views, statistics.

What is past its time, how a counter is counted and in which order views stand on each other is the schema's
(schema/999_functions.sql); here is the order, one transaction per step, and a report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from necc.errors import DatabaseError, LockedError
from necc.servertalk import errors_named, words

MAINTAIN_LOCK = 0x6D61696E  # "main" in ASCII: one maintenance per database

PERIODS = ("daily", "weekly", "monthly", "all_time")  # of leaderboards

# Every cleanup of the schema, by its signature, and whether this role has its owner's rights; the trash last:
# it may hold what the others refer to.
CLEANUPS = """
    select proname, pg_get_userbyid(proowner), pg_has_role(proowner, 'usage') from pg_proc
    where pronamespace = to_regnamespace('public') and proargnames = '{p_days,p_dry_run}'
        and (starts_with(proname, 'cleanup_') or proname = 'purge_trash')
    order by proname = 'purge_trash', proname
"""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Step:
    """One step of a maintenance: how many rows it removed or corrected (None: it does not count), or why it failed.

    In a dry run the rows are those that it would remove or correct.
    """

    name: str
    rows: int | None = None
    duration_ms: int = 0
    error: str | None = None

    @property
    def summary(self) -> str:
        """One line for people."""
        counted = "" if self.rows is None else f"{self.rows} rows, "
        return f"{self.name}: {counted}{self.duration_ms} ms"


Work = Callable[[Connection], list[Step]]


def maintain(connection: Connection, *, is_weekly: bool = False, is_dry_run: bool = False) -> list[Step]:
    """Do all steps, also after one that failed.

    Args:
        connection: as the owner, in autocommit mode, not in a transaction.
        is_weekly: also recount every counter, and vacuum.
        is_dry_run: change nothing; only count what the cleanups would remove and the recount would correct.

    Raises:
        LockedError: another maintenance is at work.
        DatabaseError: the database has no functions for its upkeep or another owner, or is lost.
    """
    steps: list[Step] = []
    with _lock(connection):
        for name, work in _plan(_cleanups(connection), is_weekly=is_weekly, is_dry_run=is_dry_run):
            steps += _attempted(connection, name, work)
    return steps


def _plan(cleanups: Iterable[str], *, is_weekly: bool, is_dry_run: bool) -> Iterator[tuple[str, Work]]:
    """Figures are of rows that cleanups may remove; views come after what they count was made right."""
    if not is_dry_run:
        yield "compute_platform_metrics", _call("compute_platform_metrics", "select compute_platform_metrics()")
        yield "compute_engagement_metrics", _call("compute_engagement_metrics", "select compute_engagement_metrics()")
        for period in PERIODS:
            name = f"refresh_leaderboards {period}"
            yield name, _call(name, "select refresh_leaderboards(%s)", period)
    for function in cleanups:
        yield function, _cleanup(function, is_dry_run=is_dry_run)
    if is_weekly:
        yield "recount_all_counters", _recount(is_dry_run=is_dry_run)
    if not is_dry_run:
        yield "refresh_all_materialized_views", _refresh
        yield ("vacuum", _statistics("vacuum (analyze) {}")) if is_weekly else ("analyze", _statistics("analyze {}"))


def _cleanups(connection: Connection) -> list[str]:
    with errors_named("the maintenance cannot begin"):
        found = _rows(connection, sql.SQL(CLEANUPS))
    if not found:
        raise DatabaseError(
            "the database has no functions for its upkeep: the schema is missing or old, run `necc db deploy`"
        )
    if owners := {owner for _, owner, is_ours in found if not is_ours}:
        raise DatabaseError(f"the maintenance needs the rights of the schema's owner, {', '.join(sorted(owners))}")
    return [name for name, _, _ in found]


def _attempted(connection: Connection, name: str, work: Work) -> list[Step]:
    started = time.monotonic()
    try:
        return work(connection)
    except psycopg.Error as error:
        if connection.broken:
            raise DatabaseError(f"{name}: {words(error)}") from error
        return [Step(name, duration_ms=_ms_since(started), error=words(error))]


def _call(name: str, query: LiteralString, *values: object) -> Work:
    """Rows are what the function gives where that is a number."""

    def work(connection: Connection) -> list[Step]:
        started = time.monotonic()
        ((given,),) = _rows(connection, sql.SQL(query), values)
        return [Step(name, given if isinstance(given, int) else None, _ms_since(started))]

    return work


def _cleanup(function: str, *, is_dry_run: bool) -> Work:
    call = sql.SQL("select {}(p_dry_run => %s)").format(sql.Identifier(function))

    def work(connection: Connection) -> list[Step]:
        started = time.monotonic()
        ((rows,),) = _rows(connection, call, [is_dry_run])
        return [Step(function, rows, _ms_since(started))]

    return work


def _recount(*, is_dry_run: bool) -> Work:
    """One step for the whole, with one more for each counter that was wrong: it ought to be none."""

    def work(connection: Connection) -> list[Step]:
        started = time.monotonic()
        with connection.transaction(force_rollback=is_dry_run):
            counted = _rows(connection, sql.SQL("select counter, rows_changed from recount_all_counters()"))
        whole = Step("recount_all_counters", sum(rows for _, rows in counted), _ms_since(started))
        return [whole, *(Step(f"recount {counter}", rows) for counter, rows in counted if rows)]

    return work


def _refresh(connection: Connection) -> list[Step]:
    query = "select view_name, duration_ms, is_ok, error from refresh_all_materialized_views()"
    return [
        Step(f"refresh {view}", None, duration_ms, None if is_ok else error or "failed")
        for view, duration_ms, is_ok, error in _rows(connection, sql.SQL(query))
    ]


def _statistics(command: LiteralString) -> Work:
    """On our tables by name: on all, the server would warn of its own that only a superuser may touch."""

    def work(connection: Connection) -> list[Step]:
        started = time.monotonic()
        ours = """
            select schemaname, tablename from pg_tables
            where schemaname in ('public', 'auth') and pg_has_role(tableowner, 'usage')
            union all
            select schemaname, matviewname from pg_matviews
            where schemaname in ('public', 'auth') and pg_has_role(matviewowner, 'usage') and ispopulated
        """
        tables = sql.SQL(", ").join(sql.Identifier(*name) for name in _rows(connection, sql.SQL(ours)))
        connection.execute(sql.SQL(command).format(tables))
        return [Step(command.partition(" {}")[0], None, _ms_since(started))]

    return work


def _rows(
    connection: Connection, query: sql.SQL | sql.Composed, values: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    return connection.cursor(row_factory=tuple_row).execute(query, values).fetchall()


@contextmanager
def _lock(connection: Connection) -> Iterator[None]:
    """One maintenance per database; the lock goes with the session, so a killed one frees it."""
    if _rows(connection, sql.SQL("select pg_try_advisory_lock(%s)"), [MAINTAIN_LOCK]) != [(True,)]:
        raise LockedError("another necc db maintain is working on this database: wait until it is done")
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("select pg_advisory_unlock(%s)", [MAINTAIN_LOCK])


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
