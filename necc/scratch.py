"""A scratch database: empty, on the server of a given connection, dropped whatever happens."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql

# Then the pid of the session that will drop it: where no such session lives, it is a leftover.
PREFIX = "necc_scratch_"
PROVIDERS: dict[str, LiteralString] = {"c": "libc", "i": "icu", "b": "builtin"}  # by pg_database.datlocprovider

Connection = psycopg.Connection[Any]


@contextmanager
def scratch_database(connection: Connection) -> Iterator[Connection]:
    """Create a database of the same locale from template0 and connect to it as the same user (autocommit).

    Databases that killed sessions of this role left behind are dropped first.

    Raises:
        psycopg.errors.InsufficientPrivilege: this user may not create databases.
    """
    with _sibling(connection, connection.info.dbname) as admin:
        _drop_leftovers(admin)
        name = f"{PREFIX}{admin.info.backend_pid}_{secrets.token_hex(4)}"
        try:
            _create(admin, name)
            with _sibling(connection, name) as scratch:
                yield scratch
        finally:
            _drop(admin, name)


def _create(admin: Connection, name: str) -> None:
    """The server named the column of the locale anew in version 17, hence the detour through JSON."""
    locale = """
        select datcollate, datctype, datlocprovider::text,
            coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
        from pg_database d where datname = current_database()
    """
    collate, ctype, letter, own = admin.execute(locale).fetchall()[0]
    provider = sql.SQL(PROVIDERS[letter])
    create = sql.SQL(
        "create database {} template template0 encoding 'UTF8' locale_provider {} lc_collate {} lc_ctype {}"
    )
    statement = create.format(sql.Identifier(name), provider, collate, ctype)
    if own:
        statement += sql.SQL(" {}_locale {}").format(provider, own)
    admin.execute(statement)


def _drop_leftovers(admin: Connection) -> None:
    dead = admin.execute(
        """
        select datname from pg_database join pg_roles on pg_roles.oid = datdba
        where rolname = current_user and datname ~ ('^' || %s || '[0-9]+_')
            and split_part(datname, '_', 3)::int not in (select pid from pg_stat_activity)
        """,
        (PREFIX,),
    ).fetchall()
    for (name,) in dead:
        _drop(admin, name)


def _drop(admin: Connection, name: str) -> None:
    admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _sibling(connection: Connection, database: str) -> Connection:
    """A second connection to the very server of this one: of several hosts, the one that answered."""
    info = connection.info
    own: dict[str, Any] = {"host": info.host, "port": info.port, "dbname": database}
    if info.password:  # the parameters leave it out
        own["password"] = info.password
    if "hostaddr" in info.get_parameters():
        own["hostaddr"] = info.hostaddr
    return psycopg.connect(autocommit=True, **{**info.get_parameters(), **own})
