"""The same files give the same schema and the same reference data under every locale and time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from necc import catalog, migrate
from necc.embedded import Cluster
from necc.scratch import scratch_database
from tests.test_migrate import _row_counts, _rows

Connection = psycopg.Connection[Any]
Templates = Callable[[Cluster], str]

# The tests' own databases are in C.UTF-8; the embedded server has no ICU.
LOCALES: dict[str, tuple[str, LiteralString]] = {
    "PostgreSQL 15, C": ("postgresql15", "locale_provider libc lc_collate 'C' lc_ctype 'C'"),
    "PostgreSQL 15, en_US": ("postgresql15", "locale_provider libc lc_collate 'en_US.UTF-8' lc_ctype 'en_US.UTF-8'"),
    "PostgreSQL 15, ICU": ("postgresql15", "locale_provider icu icu_locale 'en-IN' lc_collate 'C' lc_ctype 'C.UTF-8'"),
    "embedded, C": ("embedded", "locale_provider libc lc_collate 'C' lc_ctype 'C'"),
}
PROVIDER = """
    select datcollate, datctype, datlocprovider::text, to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'
    from pg_database d where datname = current_database()
"""
# What is derived from text when rows are written, and what a session asks for.
DERIVED = (
    'select slug, alias_key from nec_zone_aliases join nec_zones z on z.id = zone_id order by alias_key collate "C"',
    "select slugify(n) from unnest('{Ångström,İzmir,STRASSE,Straße,நாமக்கல்,नामक्कल,N. Kolkata (WB)}'::text[]) n",
    "select nec_alias_key(n) from unnest('{Ahmedabad,AHMEDABAD ,Bengaluru (CC),É.Godavari}'::text[]) n",
)


@pytest.fixture(params=LOCALES.values(), ids=list(LOCALES))
def place(request: pytest.FixtureRequest, clusters: Callable[[str], Cluster]) -> Iterator[tuple[Cluster, Connection]]:
    """A server, and a connection to an empty database on it that has another locale and is in India."""
    kind, locale = request.param
    cluster = clusters(kind)
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        try:
            admin.execute(sql.SQL("create database elsewhere template template0 encoding 'UTF8' " + locale))
        except errors.WrongObjectType as error:  # invalid locale name
            pytest.skip(f"this machine has none such: {error.diag.message_primary}")
        admin.execute("alter database elsewhere set timezone to 'Asia/Kolkata'")
        try:
            with psycopg.connect(cluster.url("elsewhere"), autocommit=True) as connection:
                yield cluster, connection
        finally:
            admin.execute("drop database elsewhere with (force)")


def test_another_locale_gives_the_same_schema_and_rows(place: tuple[Cluster, Connection], templates: Templates) -> None:
    cluster, connection = place
    migrate.deploy(connection)
    with psycopg.connect(cluster.url(templates(cluster))) as usual:
        here, there = catalog.snapshot(connection), catalog.snapshot(usual)
        assert catalog.differences(here, there, words=("in the other locale", "in the usual one")) == []
        assert catalog.digest(here) == catalog.digest(there)
        assert _row_counts(connection) == _row_counts(usual)
        for query in DERIVED:
            assert _rows(connection, query) == _rows(usual, query)


def test_a_scratch_database_has_the_locale_of_its_model(place: tuple[Cluster, Connection]) -> None:
    _, connection = place
    with scratch_database(connection) as scratch:
        assert _rows(scratch, PROVIDER) == _rows(connection, PROVIDER)
