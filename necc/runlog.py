"""One row of `nec_scraper_logs` per run: opened at the start, closed whatever happens; and the run's lock."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from necc.errors import LockedError
from necc.store import Counts

if TYPE_CHECKING:
    import datetime as dt
    from uuid import UUID

    from psycopg import Connection

LOCK_NAME = "necc scrape"  # one scraping run per database
HEARTBEAT_S = 5.0  # often enough to tell a slow run from a dead one, rare enough to cost nothing


@dataclass
class RunLog:
    """The row of a run in progress, and what it will say when it is closed."""

    connection: Connection[Any]
    run_id: UUID
    execution_id: str
    mode: str
    started: float = field(default_factory=time.monotonic)
    last_beat: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """Show that the run is alive."""
        if time.monotonic() - self.last_beat >= HEARTBEAT_S:
            query = "update nec_scraper_logs set heartbeat_at = clock_timestamp() where id = %s"
            self.connection.execute(query, [self.run_id])
            self.last_beat = time.monotonic()

    def close(
        self,
        *,
        status: str,
        exit_code: int,
        counts: Counts,
        problems: dict[str, int],
        sheets: int,
        zones: int,
        unknown_labels: list[str],
        errors: list[dict[str, str]],
    ) -> None:
        """Write the outcome. `problems` counts cells by verdict, `errors` names sheet, kind and message."""
        from psycopg.types.json import Jsonb

        query = """
            update nec_scraper_logs
            set status = %(status)s, finished_at = clock_timestamp(), heartbeat_at = clock_timestamp(),
                exit_code = %(exit_code)s, sheets_count = %(sheets)s, zones_scraped = %(zones)s,
                prices_inserted = %(inserted)s, prices_updated = %(updated)s,
                prices_unchanged = %(unchanged)s, prices_rejected = %(rejected)s, prices_held = %(held)s,
                errors_count = %(errors_count)s, unknown_labels = %(unknown_labels)s,
                error_details = %(errors)s, execution_time_ms = %(execution_time_ms)s
            where id = %(run_id)s"""
        values = {
            "run_id": self.run_id,
            "status": status,
            "exit_code": exit_code,
            "sheets": sheets,
            "zones": zones,
            "inserted": counts.inserted,
            "updated": counts.updated,
            "unchanged": counts.unchanged + counts.kept_higher,
            "rejected": problems.get("rejected", 0),
            "held": problems.get("held", 0),
            "errors_count": len(errors),
            "unknown_labels": unknown_labels,
            "errors": Jsonb(errors) if errors else None,
            "execution_time_ms": round((time.monotonic() - self.started) * 1000),
        }
        self.connection.execute(query, values)


def open_run(
    connection: Connection[Any],
    *,
    mode: str,
    first: dt.date,
    last: dt.date,
    reader: str,
) -> RunLog:
    """Write the row of a run that begins; rows of runs that died are marked abandoned.

    The caller holds the lock, so no other run can be alive.
    """
    connection.execute(
        "update nec_scraper_logs set status = 'abandoned', finished_at = coalesce(heartbeat_at, started_at) "
        "where status = 'running'"
    )
    execution_id = str(uuid.uuid4())
    query = """
        insert into nec_scraper_logs
            (execution_id, mode, target_from, target_to, status, started_at, heartbeat_at, parser_version)
        values (%s, %s, %s, %s, 'running', clock_timestamp(), clock_timestamp(), %s)
        returning id"""
    row = connection.execute(query, [execution_id, mode, first, last, reader]).fetchone()
    if row is None:
        raise AssertionError("insert returning gives one row")
    return RunLog(connection, row[0], execution_id, mode)


@contextmanager
def lock(connection: Connection[Any]) -> Iterator[None]:
    """Hold the database's scraping lock for the session.

    Raises:
        LockedError: another run holds it.
    """
    key = "hashtextextended(%s, 0)"
    row = connection.execute(f"select pg_try_advisory_lock({key})", [LOCK_NAME]).fetchone()  # noqa: S608
    if row is None or not row[0]:
        raise LockedError("another necc scrape is working on this database: wait until it is done")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(f"select pg_advisory_unlock({key})", [LOCK_NAME])  # noqa: S608
