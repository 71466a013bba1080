"""Quotes and problems -> `nec_` rows (pages.py has the pages). The caller owns the connection and its transaction.

Quotes are written set-wise with the rules of the SQL function `upsert_nec_price`: only the section at
hand is touched, a missing price never erases one, and a source of higher rank is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import sql

from necc.records import Month, Problem, Quote, Section, Verdict

if TYPE_CHECKING:
    import datetime as dt

    from psycopg import Connection

LATER_SHEET = "later sheet"  # who releases a problem that the month's next sheet no longer shows


@dataclass(frozen=True)
class Counts:
    """What became of quotes: cells, not rows."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_higher: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def changed(self) -> int:
        """Cells written: new ones and corrected ones."""
        return self.inserted + self.updated


def zone_ids(connection: Connection[Any], labels: Iterable[str]) -> dict[str, UUID]:
    """The zone of each printed label that some alias knows; unknown labels are absent."""
    query = """
        select label, resolve_nec_zone(label) as zone_id
        from unnest(%s::text[]) as printed (label)
        where resolve_nec_zone(label) is not null"""
    return dict(connection.execute(query, [sorted(set(labels))]).fetchall())


def aliases_digest(connection: Connection[Any]) -> str:
    """A short digest of the alias table: a page read with other aliases is read again."""
    query = """
        select left(md5(coalesce(string_agg(alias_key || '>' || zone_id, ',' order by alias_key), '')), 8)
        from nec_zone_aliases"""
    return str(_one(connection.execute(query).fetchone()))


def stored_cells(connection: Connection[Any]) -> dict[Month, dict[tuple[UUID, int], float]]:
    """Every stored price by month, as (zone, day of month) -> INR per 100 eggs."""
    query = """
        select year, month, zone_id, array_agg(day_of_month), array_agg(
                   coalesce(suggested_price, prevailing_price)::float8)
        from nec_prices group by year, month, zone_id"""
    months: dict[Month, dict[tuple[UUID, int], float]] = {}
    for year, month, zone_id, days, prices in connection.execute(query):
        cells = months.setdefault(Month(year, month), {})
        cells.update(((zone_id, day), price) for day, price in zip(days, prices, strict=True))
    return months


def monthly_means(connection: Connection[Any], year: int) -> dict[tuple[UUID, Section, int], float]:
    """Our own mean of the stored days of each month of a year, by (zone, section, month)."""
    query = """
        select zone_id, section, extract(month from date)::int, avg(price)::float8
        from nec_v_price_quotes
        where date >= make_date(%(year)s, 1, 1) and date < make_date(%(year)s + 1, 1, 1)
        group by 1, 2, 3"""
    rows = connection.execute(query, {"year": year})
    return {(zone_id, Section(section), month): mean for zone_id, section, month, mean in rows}


def upsert_quotes(
    connection: Connection[Any],
    quotes: Sequence[Quote],
    zones: Mapping[str, UUID],
    *,
    source: str,
    run_id: UUID,
    mode: str,
    observed_at: dt.datetime,
) -> Counts:
    """Write quotes section by section; a revision is kept of every price that is replaced."""
    total = Counts()
    for section in Section:
        chosen = [quote for quote in quotes if quote.section is section]
        if not chosen:
            continue
        values = {
            "zones": [zones[quote.label] for quote in chosen],
            "dates": [quote.date for quote in chosen],
            "prices": [quote.price for quote in chosen],
            "source": source,
            "run_id": run_id,
            "mode": mode if source == "scraped" else None,
            "observed_at": observed_at,
        }
        outcomes = dict(connection.execute(_upsert_statement(section), values).fetchall())
        total += Counts(**outcomes)
    return total


def _upsert_statement(section: Section) -> sql.Composed:
    names = ("price", "source", "run_id", "observed_at", "revision_no")
    columns = {name: sql.Identifier(f"{section}_{name}") for name in names}
    (other,) = set(Section) - {section}
    return sql.SQL("""
        with incoming as materialized (
            select * from unnest(%(zones)s::uuid[], %(dates)s::date[], %(prices)s::numeric[])
                as quote (zone_id, date, price)
        ), judged as materialized (
            select i.*, case
                when p.{price} is null then 'inserted'
                when p.{price} = i.price then 'unchanged'
                when nec_source_rank(p.{source}) > nec_source_rank(%(source)s) then 'kept_higher'
                else 'updated' end as outcome
            from incoming i left join nec_prices p on p.zone_id = i.zone_id and p.date = i.date
        ), written as (
            insert into nec_prices as p
                (zone_id, date, {price}, {source}, {run_id}, {observed_at}, {revision_no}, scraper_mode)
            select zone_id, date, price, %(source)s, %(run_id)s, %(observed_at)s, 1, %(mode)s
            from judged where outcome in ('inserted', 'updated')
            on conflict (zone_id, date) do update
                set {price} = excluded.{price}, {source} = excluded.{source}, {run_id} = excluded.{run_id},
                    {observed_at} = excluded.{observed_at},
                    scraper_mode = case when 'scraped' in (excluded.{source}, p.{other_source})
                        then coalesce(excluded.scraper_mode, p.scraper_mode) end
            returning 1
        )
        select outcome, count(*) from judged group by outcome""").format(
        **columns, other_source=sql.Identifier(f"{other}_source")
    )


def record_problems(
    connection: Connection[Any],
    run_id: UUID,
    page_id: UUID,
    problems: Sequence[Problem],
    zones: Mapping[str, UUID],
) -> None:
    """Write what is doubtful on a page, and release what an earlier reading of the sheet found.

    A problem that a person has released stays released while the source prints the same text.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_FOUND_BEFORE, {"page_id": page_id, "by": LATER_SHEET})
        if problems:
            rows = [_problem_values(problem, run_id, page_id, zones) for problem in problems]
            cursor.executemany(_RECORD_PROBLEM, rows)


_RELEASE_FOUND_BEFORE = """
    update nec_price_problems old
    set released_at = now(), released_by = %(by)s, release_reason = 'the sheet was read again'
    from nec_source_pages old_page, nec_source_pages page
    where page.id = %(page_id)s and old_page.id = old.page_id
      and old_page.report = page.report and old_page.year = page.year
      and old_page.month is not distinct from page.month and old.released_at is null"""

_RECORD_PROBLEM = """
    with page as (
        select report, year, month from nec_source_pages where id = %(page_id)s
    ), released as (
        select o.released_at, o.released_by, o.release_reason
        from nec_price_problems o
        join nec_source_pages s on s.id = o.page_id
        join page using (report, year)
        where s.month is not distinct from page.month and o.raw_label = %(label)s and o.rule = %(rule)s
          and o.section is not distinct from %(section)s and o.date is not distinct from %(date)s
          and o.raw_text = %(raw_text)s and o.released_at is not null and o.released_by <> %(by)s
        order by o.released_at desc limit 1
    )
    insert into nec_price_problems (run_id, page_id, zone_id, raw_label, date, section, raw_text, price, rule,
        verdict, detail, released_at, released_by, release_reason)
    select %(run_id)s, %(page_id)s, %(zone_id)s, %(label)s, %(date)s, %(section)s, %(raw_text)s, %(price)s,
        %(rule)s, %(verdict)s, %(detail)s, r.released_at, r.released_by, r.release_reason
    from (select) as always left join released r on true
    on conflict (page_id, raw_label, date, section, rule) do update
        set released_at = excluded.released_at, released_by = excluded.released_by,
            release_reason = excluded.release_reason, raw_text = excluded.raw_text,
            zone_id = excluded.zone_id, price = excluded.price, verdict = excluded.verdict,
            detail = excluded.detail"""


def _problem_values(problem: Problem, run_id: UUID, page_id: UUID, zones: Mapping[str, UUID]) -> dict[str, object]:
    return {
        "run_id": run_id,
        "page_id": page_id,
        "zone_id": zones.get(problem.label),
        "label": problem.label,
        "date": problem.date,
        "section": problem.section,
        "raw_text": problem.raw_text,
        "price": problem.price,
        "rule": problem.rule,
        "verdict": Verdict(problem.verdict),
        "detail": problem.detail,
        "by": LATER_SHEET,
    }


def has_price_on(connection: Connection[Any], day: dt.date) -> bool:
    """Whether any zone has a price for this day."""
    query = "select exists (select from nec_prices where date = %s)"
    return bool(_one(connection.execute(query, [day]).fetchone()))


def kinds_of_prices(connection: Connection[Any]) -> set[str]:
    """'demo' and/or 'real': what kinds of prices the database holds (one kind at most, if all is well)."""
    query = """
        select kind from (values ('demo'), ('real')) kinds (kind)
        where exists (
            select from nec_prices
            where (kind = 'demo') = (coalesce(suggested_source, prevailing_source) = 'demo'))"""
    return {kind for (kind,) in connection.execute(query)}


def fingerprint(connection: Connection[Any]) -> str:
    """A digest that changes when prices, problems or forecasts change."""
    query = """
        select md5(concat_ws('|',
            (select concat_ws(',', count(*), max(updated_at)) from nec_prices),
            (select concat_ws(',', count(*), max(found_at), max(released_at)) from nec_price_problems),
            (select concat_ws(',', count(*), max(created_at), max(actual_filled_at)) from nec_predictions)))"""
    return str(_one(connection.execute(query).fetchone()))


def refresh_views(connection: Connection[Any]) -> None:
    """Bring the monthly averages, then year over year, up to date; readers are not blocked."""
    connection.execute("select refresh_nec_monthly_averages()")


def _one(row: tuple[Any, ...] | None) -> Any:
    if row is None:
        raise AssertionError("the statement returns exactly one row")
    return row[0]
