"""Small databases whose every number can be counted by hand, written with SQL that the tests read back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import psycopg
from psycopg import sql

from necc.config import Settings
from necc.embedded import Cluster

SEEN = dt.datetime(2024, 6, 1, 9, tzinfo=dt.UTC)  # when prices were first seen, unless a test says otherwise


@dataclass(frozen=True)
class Book:
    """Writes prices and what is known about them into the database of a test."""

    settings: Settings

    def execute(self, query: str | sql.Composed, *params: object) -> list[Any]:
        """Run one statement and give its rows, if it has any."""
        assert self.settings.database_url
        with psycopg.connect(self.settings.database_url) as connection:
            cursor = connection.execute(query, params)
            return cursor.fetchall() if cursor.description else []

    def quotes(
        self,
        zone: str,
        section: str,
        first: str,
        prices: Sequence[float | None],
        *,
        source: str = "imported",
        seen_at: dt.datetime = SEEN,
    ) -> None:
        """Write one price a day from `first` on; None leaves a day out."""
        names = {name: sql.Identifier(f"{section}_{name}") for name in ("price", "source", "observed_at")}
        query = sql.SQL("""
            insert into nec_prices as p (zone_id, date, {price}, {source}, {observed_at})
            select zone.id, cast(%s as date) + cast(nth - 1 as int), price, %s, %s
            from nec_zones zone, unnest(cast(%s as numeric[])) with ordinality as day(price, nth)
            where zone.slug = %s and price is not null
            on conflict (zone_id, date) do update
                set {price} = excluded.{price}, {source} = excluded.{source},
                    {observed_at} = excluded.{observed_at}""").format(**names)
        exact = [None if price is None else Decimal(str(price)) for price in prices]
        self.execute(query, first, source, seen_at, exact, zone)

    def correct(self, zone: str, section: str, date: str, price: float, *, at: dt.datetime) -> None:
        """Replace a price, as if that had been done at a past moment."""
        self.quotes(zone, section, date, [price], seen_at=at)
        self._date_last_revision(at)

    def remove(self, zone: str, date: str, *, at: dt.datetime) -> None:
        """Delete the price of a zone and day, as if that had been done at a past moment."""
        self.execute(
            "delete from nec_prices using nec_zones z where z.id = zone_id and slug = %s and date = %s", zone, date
        )
        self._date_last_revision(at)

    def _date_last_revision(self, at: dt.datetime) -> None:
        self.execute(
            "update nec_price_revisions set changed_at = %s where id = (select max(id) from nec_price_revisions)", at
        )

    def page(
        self,
        year: int,
        month: int | None,
        *,
        notice: str | None = None,
        seen_at: dt.datetime = SEEN,
    ) -> UUID:
        """Archive a page: a month's daily sheet, or with no month the monthly averages of a year."""
        report = "daily" if month else "monthly"
        digest = f"{report}{year}{month}{notice}{seen_at:%Y%m%dT%H%M}".encode().hex()[:64].ljust(64, "0")
        rows = self.execute(
            """insert into nec_source_pages
                   (url, report, year, month, fetched_at, last_seen_at, sha256, body, notice, outcome)
               values ('http://127.0.0.1/', %s, %s, %s, %s, %s, %s, '', %s, 'stored') returning id""",
            *(report, year, month, seen_at, seen_at, digest, notice),
        )
        page_id: UUID = rows[0][0]
        return page_id

    def problem(
        self,
        zone: str,
        section: str | None,
        date: str | None,
        rule: str,
        verdict: str,
        *,
        page_id: UUID | None = None,
        found_at: dt.datetime = SEEN,
        released_at: dt.datetime | None = None,
    ) -> None:
        """Say what is doubtful; without a date it concerns the whole line of the page's month."""
        released = ("asha", "seen in print") if released_at else (None, None)
        self.execute(
            """insert into nec_price_problems (page_id, zone_id, raw_label, date, section, raw_text, rule,
                   verdict, found_at, released_at, released_by, release_reason)
               select %s, id, name, %s, %s, '?', %s, %s, %s, %s, %s, %s from nec_zones where slug = %s""",
            *(page_id, date, section, rule, verdict, found_at, released_at, *released, zone),
        )

    def refresh(self, today: str) -> None:
        """Bring the monthly views up to date as on a day in India."""
        assert self.settings.database_url
        with psycopg.connect(self.settings.database_url) as connection:
            connection.execute("select set_config('necc.today', %s, false)", [today])
            connection.execute("select refresh_nec_monthly_averages()")


def typed_out(columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> pd.DataFrame:
    """The frame that a test expects: these rows under these columns, in these types."""
    return pd.DataFrame(list(rows), columns=list(columns), dtype=object).astype(dict(columns))


@contextmanager
def book_on(cluster: Cluster, template: str, home: Path) -> Iterator[Book]:
    """A database for the tests of a whole module, made from `template` and dropped at the end."""
    name = f"book_{home.name}".replace("-", "_")
    target, source = sql.Identifier(name), sql.Identifier(template)
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template {}").format(target, source))
        yield Book(Settings(home=home, database_url=cluster.url(name)))
        connection.execute(sql.SQL("drop database {} with (force)").format(target))
