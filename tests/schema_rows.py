"""Rows for the tests of the schema, written in the test's own transaction."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

Connection = psycopg.Connection[Any]

_numbers = itertools.count(1)


def value(connection: Connection, query: str, *params: object) -> Any:
    """The one value that a query gives, None if it gives no row."""
    row = connection.execute(query, params).fetchone()
    return row[0] if row else None


def refused(connection: Connection, error: type[psycopg.Error], statement: str, *params: object) -> psycopg.Error:
    """Assert that a statement raises the error; the transaction goes on as if it had not been sent."""
    with pytest.raises(error) as caught, connection.transaction():
        connection.execute(statement, params)
    return caught.value


def wait_for_a_lock(watcher: Connection, who: Connection) -> None:
    """Return when a session waits for another one's row."""
    query = "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s"
    deadline = time.monotonic() + 30
    while not value(watcher, query, who.info.backend_pid):
        assert time.monotonic() < deadline, "it waits for nobody"
        watcher.execute("select pg_stat_clear_snapshot()")
        time.sleep(0.01)


def zone(connection: Connection, slug: str) -> UUID:
    """The id of a seeded zone."""
    found: UUID = value(connection, "select id from nec_zones where slug = %s", slug)
    return found


def run(connection: Connection, mode: str = "MANUAL") -> UUID:
    """A running row of the scraper's log."""
    query = "insert into nec_scraper_logs (execution_id, mode) values (%s, %s) returning id"
    made: UUID = value(connection, query, f"run-{next(_numbers)}", mode)
    return made


def page(
    connection: Connection,
    day: dt.date,
    *,
    report: str = "daily",
    run_id: UUID | None = None,
    outcome: str = "stored",
    seen_at: dt.datetime = dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
) -> UUID:
    """A page of the sheet that a day is on."""
    query = """
        insert into nec_source_pages (run_id, url, report, year, month, fetched_at, last_seen_at, sha256, body, outcome)
        values (%s, 'http://127.0.0.1/', %s, %s, %s, '2009-01-01', %s, lpad(%s, 64, '0'), '\\x78', %s) returning id"""
    month = day.month if report == "daily" else None
    made: UUID = value(connection, query, run_id, report, day.year, month, seen_at, str(next(_numbers)), outcome)
    return made


def problem(
    connection: Connection,
    zone_id: UUID | None,
    day: dt.date | str | None,
    *,
    section: str | None = "suggested",
    verdict: str = "held",
    rule: str = "jump",
    page_id: UUID | None = None,
) -> int:
    """An open finding of the validator."""
    query = """
        insert into nec_price_problems (page_id, zone_id, raw_label, date, section, raw_text, rule, verdict)
        values (%s, %s, %s, %s, %s, '500', %s, %s) returning id"""
    label = f"label {next(_numbers)}"
    return int(value(connection, query, page_id, zone_id, label, day, section, rule, verdict))


def upsert(
    connection: Connection,
    slug: str,
    day: dt.date | str,
    price: float | None,
    *,
    section: str = "suggested",
    source: str = "scraped",
    run_id: UUID | None = None,
    force: bool = False,
) -> str:
    """Write a price with the database's own function and give its answer."""
    query = "select upsert_nec_price(%s, %s, %s, %s, %s, %s, %s)"
    exact = None if price is None else Decimal(str(price))
    return str(value(connection, query, zone(connection, slug), day, section, exact, source, run_id, force))


def person(connection: Connection, name: str = "Asha Rao") -> UUID:
    """A signed-up person with a profile."""
    number = next(_numbers)
    user: UUID = value(
        connection, "insert into auth.users (email) values (%s) returning id", f"person{number}@example.org"
    )
    connection.execute(
        "insert into profiles (id, full_name, profile_slug, email) values (%s, %s, %s, %s)",
        [user, name, f"person-{number}", f"person{number}@example.org"],
    )
    return user


def business(connection: Connection, owner: UUID, name: str = "Rao Layers") -> UUID:
    """A layer farm of a person."""
    query = """
        insert into biz_profiles (owner_id, business_name, business_slug, business_type_id)
        select %s, %s, %s, id from ref_business_types where slug = 'layer-farm' returning id"""
    made: UUID = value(connection, query, owner, name, f"business-{next(_numbers)}")
    return made


def organization(connection: Connection, creator: UUID, name: str = "Deccan Egg Association") -> UUID:
    """A poultry association that a person set up."""
    query = """
        insert into org_profiles (created_by, organization_name, organization_slug, organization_type_id)
        select %s, %s, %s, id from ref_organization_types where slug = 'poultry-association' returning id"""
    made: UUID = value(connection, query, creator, name, f"organization-{next(_numbers)}")
    return made


def act_as(connection: Connection, user: UUID | str | None) -> None:
    """Be somebody for the rest of the transaction, as the API does it."""
    connection.execute("select set_config('app.current_user_id', %s, true)", [str(user or "")])


def series(
    connection: Connection,
    slug: str,
    first: str,
    prices: Sequence[float | Decimal | None],
    *,
    section: str = "suggested",
) -> None:
    """One price a day from a day on; None leaves a day out."""
    columns = sql.Identifier(f"{section}_price"), sql.Identifier(f"{section}_source")
    statement = sql.SQL("""
        insert into nec_prices (zone_id, date, {0}, {1})
        select %s, %s::date + (nth - 1)::int, price, 'imported'
        from unnest(%s::numeric[]) with ordinality d (price, nth) where price is not null
        on conflict (zone_id, date) do update set {0} = excluded.{0}, {1} = excluded.{1}""").format(*columns)
    exact = [None if price is None else Decimal(str(price)) for price in prices]
    connection.execute(statement, [zone(connection, slug), first, exact])


def refresh(connection: Connection) -> None:
    """Bring both monthly views up to date."""
    connection.execute("select refresh_nec_monthly_averages()")
