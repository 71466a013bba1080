"""What the server says while it runs SQL files: errors as one line with their place, notices to the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from necc.errors import DatabaseError
from necc.sqlfiles import SqlFile, line_at, statements

# The notices of `if not exists`, by which a file says that it found its work done.
ALREADY_THERE = {"42P06", "42P07", "42701", "42710"}

Connection = psycopg.Connection[Any]


def words(error: psycopg.Error) -> str:
    """The server's message with its detail, hint and first line of context, in one line."""
    diag = error.diag
    context = (diag.context or "").split("\n", 1)[0]
    extra = "; ".join(filter(None, (diag.message_detail, diag.message_hint, context)))
    message = diag.message_primary or str(error)
    return " ".join((f"{message} ({extra})" if extra else message).split())


def place(connection: Connection, file: SqlFile, error: psycopg.Error) -> str:
    """Where a file failed: `schema/100_nec_core.sql line 12`, or its name alone if the line is unknown.

    The server points at the failing word of some errors; for the others the file is run once more, statement
    by statement, to find the one that fails (the transaction is left as it was).
    """
    position = error.diag.statement_position
    if position:
        return f"{file.name} line {line_at(file.text, int(position) - 1)}"
    if connection.broken or isinstance(error, psycopg.OperationalError):
        return file.name  # cancelled, out of disk, disconnected: no statement is to blame
    line = _failing_line(connection, file, error.sqlstate)
    return f"{file.name} line {line}" if line else file.name


def set_settings(connection: Connection) -> None:
    """What each file starts with, whatever the session, the role or the file before it has set."""
    connection.execute("select set_config('search_path', 'public', true), set_config('client_encoding', 'UTF8', true)")


@contextmanager
def errors_named(what: str) -> Iterator[None]:
    """Turn the driver's errors into a DatabaseError that begins with `what`."""
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseError(f"{what}: {words(error)}") from error


@contextmanager
def notices_logged(
    connection: Connection, log: logging.Logger, *, warnings_at: int = logging.WARNING
) -> Iterator[None]:
    """Send the server's warnings and notices to a log; `already exists, skipping` is only for debugging."""

    def to_log(diag: psycopg.errors.Diagnostic) -> None:
        log.log(_level(diag, warnings_at), "%s", diag.message_primary)

    connection.add_notice_handler(to_log)
    try:
        yield
    finally:
        connection.remove_notice_handler(to_log)


def _level(diag: psycopg.errors.Diagnostic, warnings_at: int) -> int:
    if diag.severity_nonlocalized == "WARNING":
        return warnings_at
    is_idle = diag.sqlstate in ALREADY_THERE or (diag.message_primary or "").endswith("skipping")
    return logging.DEBUG if is_idle else logging.INFO


def _failing_line(connection: Connection, file: SqlFile, sqlstate: str | None) -> int | None:
    with connection.transaction(force_rollback=True):
        set_settings(connection)
        for line, statement in statements(file.text):
            try:
                connection.execute(statement.encode(), prepare=False)
            except psycopg.Error as error:
                return line if error.sqlstate == sqlstate else None
    return None
