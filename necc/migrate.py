"""schema/ and seeds/ -> database: numbered SQL files in numeric order, checksummed, locked, all or nothing.

A deployment is one transaction that holds an advisory lock. Each file is noted in the ledger
`schema_versions` (made by file 00) as `schema/00_extensions.sql`, with the sha256 of its bytes.

* First deployment: every file of schema/, then of seeds/. The files of schema/upgrades/ are noted as applied
  without running: a fresh build is what they lead to.
* Later: files of schema/upgrades/ that the ledger does not know, once each and never again; then the files
  that are new or whose checksum changed (they are idempotent). If a schema file or upgrade was due, the
  catalogue is then compared with that of a fresh build in a scratch database; any difference (a changed
  type, a column that left its file) undoes everything, is listed, and needs an upgrade file. Where no
  database may be created the comparison is skipped with a warning.

An upgrade file runs before the changed files and perhaps on a database that never had its tables, so it says
`alter table if exists`. It may also rename or delete rows of the ledger: a file in the ledger that is not in
the folder (a newer program deployed here, or the file was renamed) is refused otherwise. An upgrade file is
never edited or removed once released; a changed one is not run again, with a warning.

The scratch build comes before the first change and is rolled back, so that neither transaction ever waits
for a role that the other one made. A *.sql file without a number is left out, with a warning.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from necc import catalog
from necc.errors import DatabaseError
from necc.scratch import scratch_database
from necc.servertalk import errors_named, notices_logged, place, set_settings, words
from necc.sqlfiles import Ledger, Sources, SqlFile, read_sources, refuse_transaction_control

OLDEST_SERVER = 150000  # unique nulls not distinct came with PostgreSQL 15
DEPLOY_LOCK = 0x6E656363  # "necc" in ASCII; schema/run-schema.sh takes the same lock

log = logging.getLogger("necc.migrate")

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class DeployReport:
    """What a deployment did: the files it ran, in that order; those that were up to date; its time."""

    applied: tuple[str, ...]
    unchanged: tuple[str, ...]
    duration_ms: int


def deploy(
    connection: Connection,
    *,
    schema_dir: Path | None = None,
    seeds_dir: Path | None = None,
    warnings_at: int = logging.WARNING,
) -> DeployReport:
    """Bring the database to the state of the files; a second deployment changes nothing.

    Args:
        connection: as the owner, not in a transaction. Its server must be PostgreSQL 15 or newer.
        schema_dir: instead of the project's schema/; upgrades are in its folder upgrades/.
        seeds_dir: instead of the project's seeds/.
        warnings_at: the level at which the server's warnings (an optional extension is missing) are logged.

    Raises:
        DatabaseError: the folders are unusable, a file fails (it names file and line), the database is newer
            than the files or cannot be brought to their state. Nothing was changed then.
    """
    started = time.monotonic()
    sources = read_sources(schema_dir, seeds_dir)
    _refuse_transaction(connection)
    _refuse_old(connection.info.server_version)
    with (
        errors_named("the schema is not deployed"),
        notices_logged(connection, log, warnings_at=warnings_at),
        connection.transaction(),
    ):
        # Whatever the session's default, the ledger is to be read as it is once the lock is ours.
        connection.execute("set transaction isolation level read committed, read write")
        connection.execute("select pg_advisory_xact_lock(%s)", (DEPLOY_LOCK,))
        applied = _bring_up_to_date(connection, sources)
    unchanged = tuple(name for name in sources.names if name not in applied)
    return DeployReport(applied, unchanged, _ms_since(started))


def pending(
    connection: Connection, *, schema_dir: Path | None = None, seeds_dir: Path | None = None
) -> tuple[str, ...]:
    """The files that `deploy` would run, in its order; the database is only read."""
    sources = read_sources(schema_dir, seeds_dir)
    ledger = _read_ledger(connection)
    return tuple(file.name for file in (*sources.due_upgrades(ledger), *sources.due_files(ledger)))


def is_deployed(connection: Connection, *, schema_dir: Path | None = None, seeds_dir: Path | None = None) -> bool:
    """Whether the ledger holds exactly these files with these checksums: `deploy` has nothing to do."""
    sources = read_sources(schema_dir, seeds_dir)
    ledger = _read_ledger(connection)
    due = [*sources.due_upgrades(ledger), *sources.due_files(ledger)]
    return bool(ledger) and not due and not _unknown(ledger, sources)


def verify(connection: Connection, *, schema_dir: Path | None = None, seeds_dir: Path | None = None) -> list[str]:
    """Compare a database with the files: the ledger, and the catalogue with that of a fresh build.

    Returns:
        one readable line per difference; empty if the database is what the files say. It is only read; the
        fresh build is in a scratch database beside it.

    Raises:
        DatabaseError: no database may be created, or the files cannot be built.
    """
    sources = read_sources(schema_dir, seeds_dir)
    _refuse_transaction(connection)
    ledger = _read_ledger(connection)
    with errors_named("the database is not compared with the files"):
        here, files = catalog.snapshot(connection), _fresh_catalogue(connection, sources)
    return [*_ledger_differences(ledger, sources), *catalog.differences(here, files)]


# --- the order of things --------------------------------------------------------------------------------


def _bring_up_to_date(connection: Connection, sources: Sources) -> tuple[str, ...]:
    ledger = _ledger(connection)
    if not ledger:
        _build(connection, sources)
        return tuple(file.name for file in sources.files)
    upgrades = sources.due_upgrades(ledger)
    if not upgrades:  # else they may settle it
        _refuse_unknown(ledger, sources)
    _warn_of_edited(ledger, sources.upgrades)
    expected = _expected_catalogue(connection, sources, [*upgrades, *sources.due_files(ledger)])
    _apply_all(connection, upgrades)
    ledger = _ledger(connection)
    _refuse_unknown(ledger, sources)
    files = sources.due_files(ledger)
    _apply_all(connection, files)
    if expected is not None:
        _refuse_differences(connection, expected)
    return tuple(file.name for file in (*upgrades, *files))


def _build(connection: Connection, sources: Sources) -> None:
    _apply_all(connection, sources.files)
    for upgrade in sources.upgrades:
        _note(connection, upgrade, duration_ms=0)


def _apply_all(connection: Connection, files: Iterable[SqlFile]) -> None:
    for file in files:
        _apply(connection, file)


def _apply(connection: Connection, file: SqlFile) -> None:
    """Run a file whole, under a savepoint so that a failing statement can be looked for."""
    refuse_transaction_control(file)
    started = time.monotonic()
    try:
        with connection.transaction():
            set_settings(connection)
            connection.execute(file.text.encode(), prepare=False)
    except psycopg.Error as error:
        where = place(connection, file, error)
        raise DatabaseError(f"{where}: {words(error)}; nothing was changed") from error
    _note(connection, file, duration_ms=_ms_since(started))
    log.info("applied %s in %d ms", file.name, _ms_since(started))


def _note(connection: Connection, file: SqlFile, *, duration_ms: int) -> None:
    connection.execute(
        """
        insert into public.schema_versions (file, sha256, applied_at, duration_ms, applied_by)
        values (%s, %s, clock_timestamp(), %s, session_user)
        on conflict (file) do update set (sha256, applied_at, duration_ms, applied_by)
            = row (excluded.sha256, excluded.applied_at, excluded.duration_ms, excluded.applied_by)
        """,
        (file.name, file.sha256, duration_ms),
    )


def _ledger(connection: Connection) -> Ledger:
    """What is noted as applied; empty where the ledger itself is not there yet."""
    cursor = connection.cursor(row_factory=tuple_row)
    if cursor.execute("select to_regclass('public.schema_versions')").fetchone() == (None,):
        return {}
    return dict(cursor.execute("select file, sha256 from public.schema_versions").fetchall())


def _read_ledger(connection: Connection) -> Ledger:
    # The block leaves no transaction open behind it.
    with errors_named("the ledger of the schema cannot be read"), connection.transaction():
        return _ledger(connection)


# --- refusals -------------------------------------------------------------------------------------------


def _refuse_old(version: int) -> None:
    if version < OLDEST_SERVER:
        major, minor = divmod(version, 10000)
        raise DatabaseError(f"the schema needs PostgreSQL 15 or newer; this server is {major}.{minor}")


def _refuse_transaction(connection: Connection) -> None:
    status = connection.info.transaction_status
    if status != TransactionStatus.IDLE:
        raise DatabaseError(f"a deployment needs a open connection without a transaction; this one is {status.name}")


def _unknown(ledger: Ledger, sources: Sources) -> list[str]:
    return sorted(ledger.keys() - set(sources.names))


def _refuse_unknown(ledger: Ledger, sources: Sources) -> None:
    if unknown := _unknown(ledger, sources):
        raise DatabaseError(
            f"the database was deployed with {', '.join(unknown)}, which this version of necc does not have: "
            "install the newer version (or, if a file was renamed, say so in schema/upgrades/); "
            "nothing was changed"
        )


def _ledger_differences(ledger: Ledger, sources: Sources) -> Iterator[str]:
    for file in (*sources.upgrades, *sources.files):
        if file.name not in ledger:
            yield f"file {file.name}: never applied here"
        elif ledger[file.name] != file.sha256 and file in sources.files:  # an upgrade ran as it then was
            yield f"file {file.name}: applied here with other content"
    for name in _unknown(ledger, sources):
        yield f"file {name}: applied here, not among the files"


def _warn_of_edited(ledger: Ledger, upgrades: Iterable[SqlFile]) -> None:
    for file in upgrades:
        if ledger.get(file.name, file.sha256) != file.sha256:
            log.warning("%s was changed after it ran here: an upgrade runs once, not again", file.name)


def _refuse_differences(connection: Connection, expected: tuple[str, ...]) -> None:
    found = catalog.differences(catalog.snapshot(connection), expected)
    if found:
        raise DatabaseError(
            "applying the changed files again does not lead to what they say; nothing was changed. Each "
            "difference needs a numbered file in schema/upgrades/ (a new column: `alter table ... add column if not "
            "exists` in its own file; what was made by hand: undo it by hand):\n  " + "\n  ".join(found)
        )


# --- the fresh build to compare with --------------------------------------------------------------------


def _expected_catalogue(connection: Connection, sources: Sources, due: Iterable[SqlFile]) -> tuple[str, ...] | None:
    """The catalogue of a fresh build; None where only seeds are due, or no database may be created."""
    if all(file.name.startswith("seeds/") for file in due):
        return None
    try:
        return _fresh_catalogue(connection, sources)
    except psycopg.errors.InsufficientPrivilege as error:
        log.warning("the database is not compared with a fresh build of the files: %s", words(error))
        return None


def _fresh_catalogue(connection: Connection, sources: Sources) -> tuple[str, ...]:
    with scratch_database(connection) as scratch, scratch.transaction(force_rollback=True):
        _build(scratch, sources)
        return catalog.snapshot(scratch)


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
