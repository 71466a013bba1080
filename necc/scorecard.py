"""How good the kept forecasts were: prices that came are filled in, and the scores read back beside naive.

Every forecast that has met its price counts, also the earlier of two of one day. A model answers for its own
forecasts only: what was given instead of them is scored under a name of its own (`necc.fallback`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from necc import frames
from necc.config import Settings
from necc.errors import NoDataError, UsageError
from necc.frames import COUNT, DATE, PRICE, TEXT, Ask, Day, Zones
from necc.reading import Reader

if TYPE_CHECKING:
    from psycopg import Connection

SHARE = PRICE  # 0 to 1; below 0 for a skill that is worse than naive's
GRAIN = ("date", "zone", "section", "model", "horizon_days")
KEYS = {
    "date": DATE,
    "zone": TEXT,
    "zone_name": TEXT,
    "section": TEXT,
    "model": TEXT,
    "model_version": TEXT,
    "horizon_days": COUNT,
}
AMOUNTS = ("mae", "naive_mae", "mean_width_80", "mean_width_95")
MEASURES = {
    "forecasts_count": COUNT,
    "replayed_count": COUNT,
    "mae": PRICE,
    "naive_mae": PRICE,
    "skill": SHARE,
    "coverage_80": SHARE,
    "coverage_95": SHARE,
    "mean_width_80": PRICE,
    "mean_width_95": PRICE,
    **frames.LABELS,
}

FILL = "select fill_nec_prediction_actuals(%s)"
HAS_FORECASTS = "select exists (select from nec_predictions) as has_forecasts"
# What is not asked for by its key is pooled: means are weighed by how many forecasts they are of.
SCORES = """
with keyed as (
    select case when 'date' = any(cast(:by as text[])) then target_month end as date,
           case when 'zone' = any(cast(:by as text[])) then zone end as zone,
           case when 'zone' = any(cast(:by as text[])) then zone_name end as zone_name,
           case when 'section' = any(cast(:by as text[])) then section end as section,
           case when 'model' = any(cast(:by as text[])) then model_name end as model,
           case when 'model_version' = any(cast(:by as text[])) then model_version end as model_version,
           case when 'horizon_days' = any(cast(:by as text[])) then horizon_days end as horizon_days,
           forecasts_count as n, replayed_count, mae, naive_mae, coverage_80, coverage_95, mean_width_80,
           mean_width_95
    from nec_v_forecast_scores
    where (cast(:zones as text[]) is null or zone = any(cast(:zones as text[])))
      and (cast(:start as date) is null or target_month >= cast(:start as date))
      and (cast(:end as date) is null or target_month <= cast(:end as date))
      and (cast(:section as text) is null or section = cast(:section as text))
)
select date, zone, zone_name, section, model, model_version, horizon_days, sum(n)::int as forecasts_count,
       sum(replayed_count)::int as replayed_count, (sum(mae * n) / sum(n))::float8 as mae,
       (sum(naive_mae * n) / sum(n))::float8 as naive_mae,
       (1 - sum(mae * n) / nullif(sum(naive_mae * n), 0))::float8 as skill,
       (sum(coverage_80 * n) / sum(n))::float8 as coverage_80, (sum(coverage_95 * n) / sum(n))::float8 as coverage_95,
       (sum(mean_width_80 * n) / sum(n))::float8 as mean_width_80,
       (sum(mean_width_95 * n) / sum(n))::float8 as mean_width_95, coalesce(cast(:demo_label as text), '') as flag
from keyed
group by date, zone, zone_name, section, model, model_version, horizon_days
order by zone collate "C", date, section collate "C", model collate "C", model_version collate "C", horizon_days
"""
RECORD = """
select zone.slug as zone, made.section, made.horizon_days, count(*)::int as forecasts_count,
       count(distinct date_trunc('week', made.target_date::timestamp))::int as weeks_count,
       avg(abs(made.actual_price - made.predicted_price))::float8 as mae,
       avg(abs(made.actual_price - made.naive_price))::float8 as naive_mae
from nec_predictions as made
join nec_zones as zone on zone.id = made.zone_id
where made.model_name = %(model)s and not made.is_naive_fallback and made.actual_price is not null
  and made.target_date > cast(%(up_to)s as date) - cast(%(days)s as int) and made.target_date <= %(up_to)s
group by zone.slug, made.section, made.horizon_days
order by zone.slug collate "C", made.section collate "C", made.horizon_days
"""
RECORD_COLUMNS = ("zone", "section", "horizon_days", "forecasts_count", "weeks_count", "mae", "naive_mae")


def fill_actuals(connection: Connection[Any], up_to: dt.date) -> int:
    """Give the kept forecasts the price of their section that came, anew where it was revised since.

    Returns:
        How many forecasts were changed: 0 when called again.
    """
    row = connection.execute(FILL, [up_to]).fetchone()
    return int(row[0]) if row else 0


def record(connection: Connection[Any], model: str, up_to: dt.date, *, days: int) -> pd.DataFrame:
    """A model's own forecasts of the last days, one row per zone, section and horizon.

    Nothing later than `up_to` is in it, so a past day can be judged by what was known then.

    Args:
        connection: to a deployed database; actual prices are as they were filled in last.
        model: its name, whatever the version.
        up_to: the last target day.
        days: how many target days, `up_to` included.

    Returns:
        zone (slug), section, horizon_days, forecasts_count (that have met their price), weeks_count (calendar
        weeks they fall into), mae and naive_mae (INR per 100 eggs).
    """
    rows = connection.execute(RECORD, {"model": model, "up_to": up_to, "days": days}).fetchall()
    return pd.DataFrame(rows, columns=list(RECORD_COLUMNS))


def scores(
    zones: Zones = None,
    start: Day | None = None,
    end: Day | None = None,
    *,
    section: str | None = None,
    by: str | Sequence[str] = GRAIN,
    unit: str = "per_100",
    settings: Settings | None = None,
) -> pd.DataFrame:
    """How good the forecasts were that have met their price, beside naive.

    Args:
        zones: one or several zones by slug, name, alias or printed label; None for all.
        start: a month is in the range when its first day is: from this day on.
        end: up to this day, included.
        section: 'suggested' or 'prevailing'; None for both.
        by: what to tell apart; the rest is pooled. Any of date (month of the target days), zone, section, model,
            model_version and horizon_days.
        unit: per_100, egg, dozen, tray30, peti210 or box180.
        settings: which database; by default what the environment says.

    Returns:
        One row for each that `by` tells apart: date (the month's first day), zone (slug), zone_name, section,
        model (its name; 'naive-fallback' is naive's price given instead of a model's), model_version and
        horizon_days, as far as asked for; forecasts_count, replayed_count (of them written after their target
        day: what the model would have said), mae and naive_mae (mean absolute errors, in `unit`), skill (1 less mae
        / naive_mae; missing where naive was never wrong), coverage_80 and coverage_95 (share of the prices that
        came inside), mean_width_80, mean_width_95 (in `unit`), unit, flag. Empty where no forecast has met its
        price. attrs: is_demo.

    Raises:
        UsageError: a bad date, section, key or unit; UnknownZoneError names close matches.
        NoDataError: no price or no forecast at all is stored yet.
        DatabaseError: the database cannot be reached, or has no tables yet.

    Example:
        >>> necc.scores("Namakkal", by="horizon_days")
    """
    ask = Ask.read(start, end, section, unit, frames.SECTIONS)
    told = _keys(by)
    reader = Reader.open(settings, zones)
    if not reader.rows(HAS_FORECASTS, ask)["has_forecasts"].iloc[0]:
        raise NoDataError(f"no forecasts stored yet in database {reader.holdings.database}: run `necc predict`")
    rows = reader.rows(SCORES, ask, by=told)
    priced = frames.in_unit(rows, AMOUNTS, unit)
    columns = {name: kind for name, kind in KEYS.items() if name.removesuffix("_name") in told}
    return frames.shape(priced, {**columns, **MEASURES}, is_demo=reader.holdings.is_demo)


def _keys(by: str | Sequence[str]) -> list[str]:
    asked = [by] if isinstance(by, str) else list(by)
    known = [name for name in KEYS if name != "zone_name"]
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise UsageError(f"by={by!r}: wanted one or more of {', '.join(known)}")
    return asked
