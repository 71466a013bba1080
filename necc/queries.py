"""The SQL behind the reading functions. Constants only: what a caller asks comes in as bound parameters.

Where a parameter is null it does not restrict. Texts are sorted by their bytes (collate "C"), so that an
answer has the same order on every server.
"""

from __future__ import annotations

# One row per zone, date and section with a stored price, the held ones too.
PRICES = """
select zone, zone_name, date, section, price::float8 as price, is_held, rules is not null as is_flagged,
       concat_ws(', ', cast(:demo_label as text), array_to_string(rules, ', ')) as flag
from nec_v_price_quotes
where (cast(:zones as text[]) is null or zone = any(cast(:zones as text[])))
  and (cast(:start as date) is null or date >= cast(:start as date))
  and (cast(:end as date) is null or date <= cast(:end as date))
  and (cast(:section as text) is null or section = cast(:section as text))
order by zone collate "C", date, section collate "C"
"""

# The same as it was known at `as_of`: a price that was replaced or removed since stands again, one that came
# later does not. Doubts count if they were open then; otherwise they concern cells as nec_v_problem_cells says.
PRICES_AS_OF = """
with replaced as (
    select distinct on (zone_id, date, section) zone_id, date, section, old_price as price
    from nec_price_revisions
    where old_price is not null and first_seen_at <= :as_of and changed_at > :as_of
    order by zone_id, date, section, changed_at, id
), present as (
    select zone_id, date, section, price from nec_v_price_quotes where observed_at <= :as_of
), known as (
    select * from replaced
    union all
    select * from present
    where not exists (
        select from replaced
        where (replaced.zone_id, replaced.date, replaced.section)
            = (present.zone_id, present.date, present.section)
    )
), doubts as (
    select problem.zone_id, problem.section, problem.rule, problem.verdict,
           coalesce(problem.date, month.first_day) as first_date,
           coalesce(problem.date, (month.first_day + interval '1 month')::date - 1) as last_date
    from nec_price_problems as problem
    left join nec_source_pages as page on page.id = problem.page_id
    left join lateral make_date(page.year, page.month, 1) as month(first_day) on true
    where problem.found_at <= :as_of and (problem.released_at is null or problem.released_at > :as_of)
      and (page.id is null or page.report = 'daily')
), doubted as (
    select known.zone_id, known.date, known.section, bool_or(doubts.verdict = 'held') as is_held,
           array_to_string(array_agg(distinct doubts.rule order by doubts.rule), ', ') as rules
    from known
    join doubts on doubts.zone_id = known.zone_id and known.date between doubts.first_date and doubts.last_date
        and coalesce(doubts.section, known.section) = known.section
    group by known.zone_id, known.date, known.section
)
select zone.slug as zone, zone.name as zone_name, known.date, known.section, known.price::float8 as price,
       coalesce(doubted.is_held, false) as is_held, doubted.rules is not null as is_flagged,
       concat_ws(', ', cast(:demo_label as text), doubted.rules) as flag
from known
join nec_zones as zone on zone.id = known.zone_id
left join doubted
    on (doubted.zone_id, doubted.date, doubted.section) = (known.zone_id, known.date, known.section)
where (cast(:zones as text[]) is null or zone.slug = any(cast(:zones as text[])))
  and (cast(:start as date) is null or known.date >= cast(:start as date))
  and (cast(:end as date) is null or known.date <= cast(:end as date))
  and (cast(:section as text) is null or known.section = cast(:section as text))
order by zone.slug collate "C", known.date, known.section collate "C"
"""

# One row per zone, month and series that has a price in it. A month belongs to the range by its first day.
# Complete is meant as in nec_monthly_averages (at most three days missing), but for each series by itself.
MONTHLY = """
select zone.slug as zone, zone.name as zone_name, averages.period_start as date, series.section,
       series.price::float8 as price, series.min_price::float8 as min_price,
       series.max_price::float8 as max_price, series.last_price::float8 as last_price, series.days_count,
       series.days_count >= averages.days_in_month - 3 as is_complete, averages.is_current,
       concat_ws(', ', cast(:demo_label as text),
                 case when series.section = 'reference' and averages.reference_section = 'mixed'
                      then 'mixed sections' end) as flag
from nec_monthly_averages as averages
join nec_zones as zone on zone.id = averages.zone_id
cross join lateral (values
    ('suggested', suggested_average, suggested_min, suggested_max, suggested_last_price,
     suggested_days_count),
    ('prevailing', prevailing_average, prevailing_min, prevailing_max, prevailing_last_price,
     prevailing_days_count),
    ('reference', reference_average, reference_min, reference_max, reference_last_price, reference_days_count)
) as series(section, price, min_price, max_price, last_price, days_count)
where series.price is not null
  and (cast(:zones as text[]) is null or zone.slug = any(cast(:zones as text[])))
  and (cast(:start as date) is null or averages.period_start >= cast(:start as date))
  and (cast(:end as date) is null or averages.period_start <= cast(:end as date))
  and (cast(:section as text) is null or series.section = cast(:section as text))
order by zone.slug collate "C", averages.period_start, series.section collate "C"
"""

# One row per zone, month and series that has a price in it, beside the same month a year earlier. Only the
# reference series can compare different sections; it then keeps its prices and loses its percentage.
YOY = """
select zone.slug as zone, zone.name as zone_name, yearly.period_start as date, series.section,
       series.price::float8 as price, series.previous_price::float8 as previous_price,
       series.change::float8 as change,
       case when not series.is_mixed then series.change_pct end::float8 as change_pct,
       coalesce(series.days_count, 0) as days_count,
       coalesce(series.previous_days_count, 0) as previous_days_count,
       yearly.is_partial, series.is_mixed as is_mixed_section,
       concat_ws(', ', cast(:demo_label as text),
                 case when series.is_mixed then 'not like for like' end) as flag
from nec_yoy_comparison as yearly
join nec_zones as zone on zone.id = yearly.zone_id
cross join lateral (values
    ('suggested', suggested_average, suggested_previous_average, suggested_change, suggested_change_pct,
     suggested_days_count, suggested_previous_days_count, false),
    ('prevailing', prevailing_average, prevailing_previous_average, prevailing_change, prevailing_change_pct,
     prevailing_days_count, prevailing_previous_days_count, false),
    ('reference', reference_average, reference_previous_average, reference_change, reference_change_pct,
     reference_days_count, reference_previous_days_count, coalesce(is_mixed_section, false))
) as series(section, price, previous_price, change, change_pct, days_count, previous_days_count, is_mixed)
where series.price is not null
  and (cast(:zones as text[]) is null or zone.slug = any(cast(:zones as text[])))
  and (cast(:start as date) is null or yearly.period_start >= cast(:start as date))
  and (cast(:end as date) is null or yearly.period_start <= cast(:end as date))
  and (cast(:section as text) is null or series.section = cast(:section as text))
order by zone.slug collate "C", yearly.period_start, series.section collate "C"
"""

# How many held cells the averages of a range leave out; `years_back` also counts those of the months
# that the range is compared with.
HELD_CELLS = """
select count(*) as held_cells
from nec_v_price_quotes
where is_held
  and (cast(:zones as text[]) is null or zone = any(cast(:zones as text[])))
  and (cast(:section as text) is null or cast(:section as text) in (section, 'reference'))
  and exists (
      select from generate_series(0, cast(:years_back as int)) as back(years)
      cross join lateral date_trunc('month', date + make_interval(years => back.years)) as month(first_day)
      where (cast(:start as date) is null or month.first_day >= cast(:start as date))
        and (cast(:end as date) is null or month.first_day <= cast(:end as date))
  )
"""

# One row per zone, the ones without a price too.
ZONES = """
select zone.slug as zone, zone.name as zone_name, zone.zone_type, zone.state, zone.district, zone.city,
       zone.latitude::float8 as latitude, zone.longitude::float8 as longitude, zone.is_active,
       zone.first_price_on, zone.last_price_on,
       case when latest.suggested_price is not null then 'suggested'
            when latest.prevailing_price is not null then 'prevailing' else '' end as section,
       coalesce(known.labels, '') as labels,
       case when latest.id is not null then coalesce(cast(:demo_label as text), '') else '' end as flag
from nec_zones as zone
left join nec_prices as latest on latest.zone_id = zone.id and latest.date = zone.last_price_on
left join lateral (
    select string_agg(alias, ', ' order by alias collate "C") as labels
    from nec_zone_aliases where zone_id = zone.id
) as known on true
order by zone.slug collate "C"
"""

# The notice as printed on the page that was read last.
NOTICE = """
select notice from nec_source_pages
where notice <> ''
order by greatest(last_seen_at, fetched_at) desc, fetched_at desc
limit 1
"""

# What is stored (always one row), and how the newest run ended, if there was one.
STATUS = """
select quotes.*, run.started_at as last_run_started_at, run.status as last_run_status
from (
    select count(*) as prices, count(distinct zone_id) as zones,
           min(date) as first_price_on, max(date) as last_price_on,
           count(*) filter (where is_held) as held_cells,
           count(*) filter (where rules is not null and not is_held) as flagged_cells
    from nec_v_price_quotes
) as quotes
left join (select started_at, status from nec_scraper_logs order by started_at desc limit 1) as run on true
"""
