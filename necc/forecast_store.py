"""Forecasts as kept in `nec_predictions`: written once, never changed, read back beside naive.

Prices are INR per 100 eggs in the tables; days are days in India. `issued_on` is the last day whose prices
the forecast may have known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from necc import frames
from necc.config import Settings
from necc.errors import NoDataError, UnknownZoneError, UsageError
from necc.frames import DATE, PRICE, TEXT, Ask, Day, Zones
from necc.reading import Reader

if TYPE_CHECKING:
    from psycopg import Connection

# What `save` takes: one row per zone and target day of one issue.
KEPT_COLUMNS = {
    "zone": "text",
    "section": "text",
    "issued_on": "date",
    "target_date": "date",
    "predicted_price": "numeric",
    "lower_80": "numeric",
    "upper_80": "numeric",
    "lower_95": "numeric",
    "upper_95": "numeric",
    "naive_price": "numeric",
}
LONGEST_HORIZON_DAYS = 30
AMOUNTS = ("price", "lower_80", "upper_80", "lower_95", "upper_95", "naive_price", "actual_price")
# What `forecasts` gives.
READ_COLUMNS = {
    **frames.KEYS,
    "issued_on": DATE,
    "horizon_days": frames.COUNT,
    **dict.fromkeys(AMOUNTS, PRICE),
    "model": TEXT,
    "is_naive_fallback": frames.SWITCH,
    **frames.LABELS,
}

INSERT_RUN = """
insert into nec_model_runs (model_name, model_version, training_from, training_cutoff, horizons_days, zones_count,
                            rows_count, features, scores, duration_ms)
values (%(name)s, %(version)s, %(training_from)s, %(training_cutoff)s, %(horizons_days)s, %(zones_count)s,
        %(rows_count)s, %(features)s, %(scores)s, %(duration_ms)s)
on conflict (model_name, model_version) do nothing
"""
INSERT_PREDICTIONS = f"""
insert into nec_predictions (zone_id, section, issued_on, target_date, predicted_price, lower_80, upper_80, lower_95,
                             upper_95, naive_price, is_naive_fallback, model_run_id, model_name, model_version)
select zone.id, made.section, made.issued_on, made.target_date, made.predicted_price, made.lower_80, made.upper_80,
       made.lower_95, made.upper_95, made.naive_price, %(is_naive_fallback)s, run.id, run.model_name, run.model_version
from unnest({", ".join(f"cast(%({name})s as {kind}[])" for name, kind in KEPT_COLUMNS.items())})
    as made ({", ".join(KEPT_COLUMNS)})
join nec_zones as zone on zone.slug = made.zone
join nec_model_runs as run on run.model_name = %(model_name)s and run.model_version = %(model_version)s
on conflict (zone_id, section, target_date, issued_on, model_name, model_version) do nothing
"""  # noqa: S608 - built from the constants above
UNKNOWN_ZONES = """
select slug from unnest(%s::text[]) as asked(slug)
where not exists (select from nec_zones as zone where zone.slug = asked.slug)
order by slug
"""
RECORD_ARTEFACT = """
update nec_model_runs set artefact_path = %(path)s, artefact_sha256 = %(sha256)s
where model_name = %(name)s and model_version = %(version)s
  and (artefact_path, artefact_sha256) is distinct from (%(path)s, %(sha256)s)
"""
ARTEFACT = "select artefact_path, artefact_sha256 from nec_model_runs where model_name = %s and model_version = %s"
IS_ISSUED = """
select exists (select from nec_predictions
               where model_name = %s and model_version = %s and issued_on = %s)
"""
# A day may have been forecast twice, before and after its last price came in: the later one counts. What is
# given instead of a model's forecast is kept in the same moment, and goes before it.
FORECASTS = """
select * from (
    select distinct on (zone.slug, made.target_date)
           made.target_date as date, zone.slug as zone, zone.name as zone_name, made.section, made.issued_on,
           made.horizon_days, made.predicted_price::float8 as price, made.lower_80::float8 as lower_80,
           made.upper_80::float8 as upper_80, made.lower_95::float8 as lower_95, made.upper_95::float8 as upper_95,
           made.naive_price::float8 as naive_price, made.actual_price::float8 as actual_price,
           made.model_name || ' ' || made.model_version as model, made.is_naive_fallback,
           concat_ws(', ', cast(:demo_label as text),
                     case when made.is_naive_fallback then 'naive was closer lately' end) as flag
    from nec_predictions as made
    join nec_zones as zone on zone.id = made.zone_id
    where (cast(:issued_on as date) is null or made.issued_on = cast(:issued_on as date))
      and (cast(:horizon_days as int) is null or made.horizon_days = cast(:horizon_days as int))
      and (cast(:zones as text[]) is null or zone.slug = any(cast(:zones as text[])))
      and (cast(:start as date) is null or made.target_date >= cast(:start as date))
      and (cast(:end as date) is null or made.target_date <= cast(:end as date))
    order by zone.slug, made.target_date, made.created_at desc, made.is_naive_fallback desc, made.model_name,
             made.model_version
) as newest
order by zone collate "C", date
"""
NEWEST_ISSUE = "select max(issued_on) as issued_on from nec_predictions"


@dataclass(frozen=True)
class ModelRun:
    """One training of a model: what is kept of it.

    Args:
        name: of the model.
        version: a hash of its code, features, recipe, cut-off and prices: the same one forecasts the same.
        training_from: first day of the prices it learnt from.
        training_cutoff: last day of them.
        horizons_days: how many days ahead it forecasts.
        zones_count: zones it learnt from.
        rows_count: examples (origin, zone, horizon) it learnt from.
        features: names of its inputs.
        scores: how good it was on days it had not seen, beside naive.
        duration_ms: how long the training took.
    """

    name: str
    version: str
    training_from: dt.date
    training_cutoff: dt.date
    horizons_days: tuple[int, ...]
    zones_count: int
    rows_count: int
    features: tuple[str, ...]
    scores: Mapping[str, float | str]
    duration_ms: int


@dataclass(frozen=True)
class Saved:
    """How many rows were new."""

    model_runs: int
    predictions: int


def save(connection: Connection[Any], run: ModelRun, made: pd.DataFrame, *, is_naive_fallback: bool = False) -> Saved:
    """Keep a model's forecasts, all or none; what is kept already stays as it is.

    Args:
        connection: to a deployed database.
        run: the training that made them.
        made: one row per zone and target day; KEPT_COLUMNS in INR per 100 eggs, other columns are ignored.
        is_naive_fallback: whether they are naive's, given instead of a model's (`necc.fallback`).

    Returns:
        The numbers of rows inserted; 0 and 0 when called again.

    Raises:
        UnknownZoneError: a zone of the frame is in no row of `nec_zones`.
        UsageError: a column is missing.
    """
    missing = [name for name in KEPT_COLUMNS if name not in made]
    if missing:
        raise UsageError(f"forecasts: wanted the columns {', '.join(KEPT_COLUMNS)}; missing {', '.join(missing)}")
    with connection.transaction():
        _refuse_unknown_zones(connection, made)
        runs = connection.execute(INSERT_RUN, _run_row(run)).rowcount
        common = {"model_name": run.name, "model_version": run.version, "is_naive_fallback": is_naive_fallback}
        return Saved(runs, connection.execute(INSERT_PREDICTIONS, {**_arrays(made), **common}).rowcount)


def already_issued(connection: Connection[Any], name: str, version: str, issued_on: dt.date) -> bool:
    """Whether this version of the model has forecasts of that day: then there is nothing to train."""
    row = connection.execute(IS_ISSUED, [name, version, issued_on]).fetchone()
    return row is not None and bool(row[0])


def record_artefact(connection: Connection[Any], run: ModelRun, *, path: str, sha256: str) -> None:
    """Note where a kept model lies (the name of its file) and the digest of that file; the last one counts."""
    known = {"name": run.name, "version": run.version, "path": path, "sha256": sha256}
    connection.execute(RECORD_ARTEFACT, known)


def artefact(connection: Connection[Any], run: ModelRun) -> tuple[str | None, str | None]:
    """The name and the digest of the file that a model is known to lie in, if any."""
    row = connection.execute(ARTEFACT, [run.name, run.version]).fetchone()
    return (row[0], row[1]) if row else (None, None)


def forecasts(
    zones: Zones = None,
    issued_on: Day | None = None,
    *,
    unit: str = "per_100",
    settings: Settings | None = None,
) -> pd.DataFrame:
    """The forecasts of one issue day, one row per zone and target day.

    Args:
        zones: one or several zones by slug, name, alias or printed label; None for all.
        issued_on: the day of issue; None for the newest one stored.
        unit: per_100, egg, dozen, tray30, peti210 or box180.
        settings: which database; by default what the environment says.

    Returns:
        date (the day predicted, India), zone (slug), zone_name, section, issued_on, horizon_days (from issue
        to date), price (the prediction, in `unit`), lower_80, upper_80, lower_95, upper_95 (its intervals),
        naive_price (the last price known at the issue), actual_price (what came; missing until `necc score`
        has filled it in), model (name and version), is_naive_fallback (naive's price is given, since it was closer
        than the model's over the last 26 weeks), unit, flag ('made-up demo data' in a demo database). Empty where
        nothing was issued on the day asked for, or for no zone asked for. attrs: is_demo.

    Raises:
        UsageError: a bad date or unit; UnknownZoneError names close matches.
        NoDataError: no price or no forecast at all is stored yet.
        DatabaseError: the database cannot be reached, or has no tables yet.

    Example:
        >>> necc.forecasts("Namakkal", unit="egg")
    """
    ask = Ask.read(issued_on, None, None, unit, frames.SECTIONS)
    reader = Reader.open(settings, zones)
    issue = {"issued_on": ask.start or _newest_issue(reader, ask), "horizon_days": None, "start": None}
    return _given(reader, ask, issue)


def track_record(
    zones: Zones = None,
    start: Day | None = None,
    end: Day | None = None,
    *,
    horizon_days: int = 7,
    unit: str = "per_100",
    settings: Settings | None = None,
) -> pd.DataFrame:
    """What was forecast a fixed number of days ahead, beside what came, one row per zone and target day.

    Args:
        zones: one or several zones by slug, name, alias or printed label; None for all.
        start: the first target day (in India), included; 'YYYY-MM' is the first day of that month.
        end: the last target day, included; 'YYYY-MM' is the last day of that month.
        horizon_days: how many days before the target day the forecast was issued, 1 to 30.
        unit: per_100, egg, dozen, tray30, peti210 or box180.
        settings: which database; by default what the environment says.

    Returns:
        As `forecasts` does. Days on which no forecast of this horizon falls have no row.

    Raises:
        UsageError: a bad date, horizon or unit; UnknownZoneError names close matches.
        NoDataError: no price or no forecast at all is stored yet.
        DatabaseError: the database cannot be reached, or has no tables yet.

    Example:
        >>> necc.track_record("Namakkal", "2025-01", horizon_days=14)
    """
    ask = Ask.read(start, end, None, unit, frames.SECTIONS)
    if not 1 <= horizon_days <= LONGEST_HORIZON_DAYS:
        raise UsageError(f"horizon_days={horizon_days}: wanted 1 to {LONGEST_HORIZON_DAYS}")
    reader = Reader.open(settings, zones)
    _newest_issue(reader, ask)
    return _given(reader, ask, {"issued_on": None, "horizon_days": horizon_days})


def _given(reader: Reader, ask: Ask, chosen: Mapping[str, object]) -> pd.DataFrame:
    priced = frames.in_unit(reader.rows(FORECASTS, ask, **chosen), AMOUNTS, ask.unit)
    return frames.shape(priced, READ_COLUMNS, is_demo=reader.holdings.is_demo)


def _newest_issue(reader: Reader, ask: Ask) -> dt.date:
    newest = reader.rows(NEWEST_ISSUE, ask)["issued_on"].iloc[0]
    if newest is None:
        raise NoDataError(f"no forecasts stored yet in database {reader.holdings.database}: run `necc predict`")
    return pd.Timestamp(newest).date()


def _refuse_unknown_zones(connection: Connection[Any], made: pd.DataFrame) -> None:
    unknown = connection.execute(UNKNOWN_ZONES, [sorted(set(made["zone"].astype(str)))]).fetchall()
    if unknown:
        raise UnknownZoneError(unknown[0][0])


def _run_row(run: ModelRun) -> dict[str, object]:
    from psycopg.types.json import Jsonb

    kept = {name: getattr(run, name) for name in run.__dataclass_fields__}
    documents = {"features": Jsonb(list(run.features)), "scores": Jsonb(dict(run.scores))}
    return {**kept, **documents, "horizons_days": list(run.horizons_days)}


def _arrays(made: pd.DataFrame) -> dict[str, list[Any]]:
    days = made.assign(**{name: pd.to_datetime(made[name]).dt.date for name in ("issued_on", "target_date")})
    return {name: days[name].tolist() for name in KEPT_COLUMNS}
