"""The order of the steps of a forecast, and nothing else: read, predict, keep; fill in what came, score; rehearse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg

from necc import analyse, backtesting, db, fallback, forecast_store, rivals, scorecard, skill
from necc import predict as model_room
from necc.config import Settings
from necc.errors import NoDataError, UsageError
from necc.predict import Issue, Model
from necc.tally import BacktestReport, ForecastReport, ScoreReport

# A fresh machine has no record: these days before the newest price are forecast as they would have been. Fifteen
# apart, so that the weekdays vary; all but the last have met their price at every horizon. More would take longer.
REPLAYED_DAYS_BACK = (60, 45, 30, 15)
REHEARSED_DAYS = 364  # a year of forecasts, unless told otherwise
RHYTHMS = {"weekly": "W-WED", "monthly": "WOM-1WED"}  # Wednesdays: every zone is printed then
REPLAY_HISTORY_DAYS = 730  # with less than two seasons to learn from, a record says little of the model in use


def predict(settings: Settings, *, as_of: dt.date | None = None) -> ForecastReport:
    """Forecast every live zone 1 to 30 days ahead from the newest price up to `as_of`, and keep it.

    A forecast that is kept is never changed; the same prices are not trained on twice. Where naive was closer
    over the last 26 weeks, by the scores that are filled in, its price is kept beside the model's, and given.

    Raises:
        NoDataError: too few prices to learn from.
        DatabaseError: the database cannot be used.
    """
    prices = analyse.prices(end=as_of or settings.today(), settings=settings)
    if prices.empty:
        raise NoDataError(f"no price up to {as_of or settings.today()}: scrape earlier months first")
    issued_on = prices["date"].max().date()
    name, version = model_room.MODEL_NAME, model_room.version_of(prices, issued_on)
    with db.connect(settings) as connection:
        if forecast_store.already_issued(connection, name, version, issued_on):
            return ForecastReport(issued_on, name, version, False, 0, {}, settings.demo)
        model = model_room.train(prices, issued_on)
        issue = model.predict(prices, issued_on)
        saved, won = _keep(connection, model, issue)
    return ForecastReport(
        issued_on, name, version, True, saved, issue.not_predicted, settings.demo, fallback.described(won), issue.starts
    )


def replay(settings: Settings, days_back: Sequence[int] = REPLAYED_DAYS_BACK) -> int:
    """Forecast past days as they would have been, by one model that knows no price after the first of them.

    Their prices have come, so there is something to score; `replayed_count` of the scores says what they are.

    Args:
        settings: which database.
        days_back: days before the newest price, in any order.

    Returns:
        How many forecasts were kept; 0 when called again.

    Raises:
        NoDataError: prices of fewer than REPLAY_HISTORY_DAYS days before the first day.
        DatabaseError: the database cannot be used.
    """
    prices = analyse.prices(end=settings.today(), settings=settings)
    days = [prices["date"].max().date() - dt.timedelta(days=back) for back in sorted(days_back, reverse=True)]
    known = prices.loc[prices["date"] <= pd.Timestamp(days[0]), "date"].nunique()
    if known < REPLAY_HISTORY_DAYS:
        raise NoDataError(f"prices of {known} days up to {days[0]}: wanted {REPLAY_HISTORY_DAYS} to replay forecasts")
    name, version = model_room.MODEL_NAME, model_room.version_of(prices, days[0])
    with db.connect(settings) as connection:
        missing = [day for day in days if not forecast_store.already_issued(connection, name, version, day)]
        if not missing:
            return 0
        model = model_room.train(prices, days[0])
        return sum(_keep(connection, model, model.predict(prices, day))[0] for day in missing)


def _keep(connection: psycopg.Connection[Any], model: Model, issue: Issue) -> tuple[int, pd.DataFrame]:
    """Keep an issue, all or nothing, and what is given instead of it; new rows of the model, cells that naive won."""
    record = scorecard.record(connection, model.run.name, issue.issued_on, days=fallback.WINDOW_DAYS)
    won = fallback.naive_won(record)
    instead = fallback.given_instead(issue.frame, won)
    with connection.transaction():
        saved = forecast_store.save(connection, model.run, issue.frame)
        if len(instead):
            run = fallback.run_of(model.run, instead)
            forecast_store.save(connection, run, instead, is_naive_fallback=True)
    return saved.predictions, instead[fallback.CELL]


def score(settings: Settings, *, up_to: dt.date | None = None) -> ScoreReport:
    """Fill in the prices that came up to a day (today by default), anew where revised, and tell how good it was.

    Raises:
        NoDataError: no price or no forecast is stored yet.
        DatabaseError: the database cannot be used.
    """
    day = up_to or settings.today()
    scorecard.scores(by="model", settings=settings)  # is there a schema, and anything to score?
    with db.connect(settings) as connection:
        filled = scorecard.fill_actuals(connection, day)
        record = scorecard.record(connection, model_room.MODEL_NAME, day, days=fallback.WINDOW_DAYS)
    card = scorecard.scores(by=("model", "horizon_days"), settings=settings)
    return ScoreReport(day, filled, card, fallback.described(fallback.naive_won(record)))


def backtest(
    settings: Settings,
    *,
    first: dt.date | None = None,
    last: dt.date | None = None,
    rhythm: str = "weekly",
    horizons: Sequence[int] = backtesting.SCORED_HORIZONS_DAYS,
    with_rivals: bool = False,
    jobs: int = 1,
    dask: str | None = None,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BacktestReport:
    """How good forecasts of past days would have been, on the stored prices. Nothing is stored.

    Args:
        settings: which database; held prices are neither known to a forecast nor its target.
        first: the first day that may be an origin; by default a year before `last`, but not so early that no zone
            has three years of prices.
        last: the last such day; by default the newest whose prices have come at every horizon.
        rhythm: of RHYTHMS: every Wednesday, or the first one of each month.
        horizons: days ahead, 1 to 30.
        with_rivals: four models of statsforecast too, on every eighth day (extra `bench`).
        jobs: models trained at a time, each in a process of its own.
        dask: the address of a dask cluster that trains them instead (extra `cluster`).
        folder: keeps what is finished, so that a run that was stopped goes on where it was.
        progress: called with the models trained and all models.

    Raises:
        UsageError: no such day between the two, a horizon or a day that cannot be.
        MissingExtraError: rivals or a cluster whose library is not installed.
        NoDataError: too few prices before the first day.
        DatabaseError: the database cannot be used.
        ClusterError: the cluster cannot be reached, or its workers are installed otherwise than this machine.
    """
    prices = analyse.prices(end=settings.today(), settings=settings)
    origins = _origins(prices, first, last, rhythm, max(horizons, default=1))
    models = (*backtesting.MODELS, *(rivals.RIVALS if with_rivals else ()))
    found = backtesting.backtest(
        prices, origins.date, horizons, models=models, jobs=jobs, dask=dask, folder=folder, progress=progress
    )
    kind = {"is_demo": settings.demo, "held_cells": prices.attrs["held_cells"]}
    card = _card(found[found["model"].isin(backtesting.MODELS)], prices, kind)
    beside = _card(skill.same_cells(found), prices, kind) if with_rivals else None
    own = found[found["model"] == backtesting.OWN]
    parts = {
        name: skill.scores(own, ("horizon", name), prices=prices) for name in ("year", "quarter", "section", "zone")
    }
    return BacktestReport(
        found["origin"].min().date(), found["origin"].max().date(), rhythm, found, card, parts, beside
    )


def _card(found: pd.DataFrame, prices: pd.DataFrame, kind: Mapping[str, object]) -> pd.DataFrame:
    card = skill.scores(found, prices=prices)
    card.attrs.update(kind)
    return card


def _origins(
    prices: pd.DataFrame, first: dt.date | None, last: dt.date | None, rhythm: str, longest_days: int
) -> pd.DatetimeIndex:
    day = dt.timedelta(days=1)
    end = last or prices["date"].max().date() - longest_days * day
    oldest = prices["date"].min().date() + backtesting.MIN_HISTORY_DAYS * day
    begin = first or max(end - REHEARSED_DAYS * day, min(oldest, end))
    found = pd.date_range(begin, end, freq=RHYTHMS[rhythm])
    if found.empty:
        which = "Wednesday" if rhythm == "weekly" else "first Wednesday of a month"
        raise UsageError(f"no {which} from {begin} to {end} to forecast on")
    return found
