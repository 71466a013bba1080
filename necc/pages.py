"""The archive: each sheet's raw pages as `nec_source_pages` has them, and what became of them.

The caller owns the connection and its transaction.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from necc.records import Month, Outcome, Page, Report, SheetKey

if TYPE_CHECKING:
    import datetime as dt

    from psycopg import Connection

NOT_READ = "fetched, not read to the end"


@dataclass(frozen=True)
class StoredPage:
    """The newest page of a sheet that was read to the end."""

    page_id: UUID
    sha256: str
    reader: str
    unknown_labels: tuple[str, ...]


def stored_pages(connection: Connection[Any]) -> dict[SheetKey, StoredPage]:
    """For every sheet the newest page that was read to the end."""
    query = """
        with newest as (
            select distinct on (report, year, month) id, report, year, month, sha256, parser_version
            from nec_source_pages
            where outcome in ('stored', 'unchanged')
            order by report, year, month, last_seen_at desc, fetched_at desc
        )
        select report, year, month, id, sha256, parser_version,
               coalesce((
                   select array_agg(distinct raw_label order by raw_label)
                   from nec_price_problems p
                   where p.page_id = newest.id and p.rule = 'unknown_label' and p.released_at is null
               ), '{}')
        from newest"""
    return {
        SheetKey(Report(report), year, month): StoredPage(page_id, sha256, reader, tuple(unknown))
        for report, year, month, page_id, sha256, reader, unknown in connection.execute(query)
    }


def complete_months(connection: Connection[Any]) -> set[Month]:
    """Months whose sheet was read, with a price on the last day and no cell refused: `--resume` skips them."""
    query = """
        select distinct s.year, s.month
        from nec_source_pages s
        where s.report = 'daily' and s.outcome in ('stored', 'unchanged')
          and exists (
              select from nec_prices p
              where p.date = (make_date(s.year, s.month, 1) + interval '1 month - 1 day')::date)
          and not exists (
              select from nec_price_problems q join nec_source_pages t on t.id = q.page_id
              where t.report = 'daily' and t.year = s.year and t.month = s.month
                and q.verdict = 'rejected' and q.released_at is null)"""
    return {Month(year, month) for year, month in connection.execute(query)}


def archive(connection: Connection[Any], run_id: UUID, key: SheetKey, page: Page) -> UUID:
    """Keep the raw page before anything is made of it; the same bytes again only move `last_seen_at`."""
    query = """
        insert into nec_source_pages (run_id, url, report, year, month, fetched_at, last_seen_at, http_status,
            content_type, sha256, byte_count, body, outcome, outcome_detail)
        values (%(run_id)s, %(url)s, %(report)s, %(year)s, %(month)s, %(fetched_at)s, %(fetched_at)s,
            %(http_status)s, %(content_type)s, %(sha256)s, %(byte_count)s, %(body)s, 'failed', %(detail)s)
        on conflict (report, year, month, sha256) do update
            set last_seen_at = excluded.last_seen_at, run_id = excluded.run_id,
                outcome = excluded.outcome, outcome_detail = excluded.outcome_detail
        returning id"""
    values = {
        "run_id": run_id,
        "url": page.url,
        "report": key.report,
        "year": key.year,
        "month": key.month,
        "fetched_at": page.fetched_at,
        "http_status": page.http_status or None,
        "content_type": page.content_type,
        "sha256": page.sha256,
        "byte_count": len(page.body),
        "body": zlib.compress(page.body),
        "detail": NOT_READ,
    }
    page_id: UUID
    ((page_id,),) = connection.execute(query, values).fetchall()
    return page_id


def finish_page(
    connection: Connection[Any],
    page_id: UUID,
    outcome: Outcome,
    *,
    detail: str = "",
    notice: str | None = None,
    reader: str | None = None,
) -> None:
    """Say what became of an archived page."""
    query = """
        update nec_source_pages
        set outcome = %s, outcome_detail = nullif(%s, ''), notice = coalesce(%s, notice),
            parser_version = coalesce(%s, parser_version)
        where id = %s"""
    connection.execute(query, [outcome, detail, notice, reader, page_id])


def seen_again(connection: Connection[Any], page_id: UUID, seen_at: dt.datetime) -> None:
    """The source still shows the same bytes."""
    connection.execute("update nec_source_pages set last_seen_at = %s where id = %s", [seen_at, page_id])
