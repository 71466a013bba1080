"""The order of the steps of a forecast, and nothing else: read, predict, keep; fill in what came, score; rehearse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg

from necc import analyse, backtesting, db, fallback, forecast_store, kept_model, model_file, rivals, scorecard, skill
from necc import predict as model_room
from necc.config import Settings
from necc.errors import ModelFileError, NoDataError, UsageError
from necc.forecast_tally import BacktestReport, ForecastReport, ScoreReport
from necc.model_card import OLD_WEEKS
from necc.model_file import ModelFile
from necc.predict import Issue, Model

# A fresh machine has no record: these days before the newest price are forecast as they would have been. Fifteen
# apart, so that the weekdays vary; all but the last have met their price at every horizon. More would take longer.
REPLAYED_DAYS_BACK = (60, 45, 30, 15)
REHEARSED_DAYS = 364  # a year of forecasts, unless told otherwise
RHYTHMS = {"weekly": "W-WED", "monthly": "WOM-1WED"}  # Wednesdays: every zone is printed then
REPLAY_HISTORY_DAYS = 730  # with less than two seasons to learn from, a record says little of the model in use


def predict(settings: Settings, *, as_of: dt.date | None = None, folder: Path | None = None) -> ForecastReport:
    """Forecast every live zone 1 to 30 days ahead from the newest price up to `as_of`, and keep it.

    A forecast that is kept is never changed; the same prices are not trained on twice. Where naive was closer
    over the last 26 weeks, by the scores that are filled in, its price is kept beside the model's, and given.
    The model stays in the home folder until the next one is trained, for `necc.explain`.

    Args:
        settings: which database, and whose home.
        as_of: a day in India; today if not given.
        folder: where to save the trained model, with its card; then it is trained anew in any case.

    Raises:
        NoDataError: too few prices to learn from.
        UsageError: the folder cannot be used.
        DatabaseError: the database cannot be used.
    """
    if folder:
        model_file.open_folder(folder)
    prices, issued_on = _known(settings, as_of)
    name, version = model_room.MODEL_NAME, model_room.version_of(prices, issued_on)
    with db.connect(settings, autocommit=True) as connection:
        if folder is None and forecast_store.already_issued(connection, name, version, issued_on):
            return ForecastReport(issued_on, name, version, False, 0, {}, settings.demo)
        model = model_room.train(prices, issued_on)
        report = _issued(settings, connection, model, prices, issued_on)
        notes = kept_model.keep(model, settings.home, is_demo=prices.attrs["is_demo"])
        if folder:
            saved = model_file.save(model, folder, is_demo=settings.demo)
            forecast_store.record_artefact(connection, model.run, path=saved.path.name, sha256=saved.sha256)
            notes += (f"the model is saved as {saved.path}, with its card beside it",)
    return replace(report, notes=notes)


def predict_from(settings: Settings, path: Path, *, as_of: dt.date | None = None) -> ForecastReport:
    """As `predict`, by a model that `predict` has saved; nothing is trained.

    Args:
        settings: which database: made-up prices for a model of made-up prices, real ones for one of real ones.
        path: the file of the model.
        as_of: a day in India, not before the model's cut-off; today if not given.

    Raises:
        NoDataError: no price to predict from.
        UsageError: the file cannot be read, the model knows later prices, or it is of made-up prices and these are not.
        ModelFileError: the file holds no model that can be used here, or another one than this database knows.
        DatabaseError: the database cannot be used.
    """
    saved = model_file.load(path, is_demo=settings.demo)
    prices, issued_on = _known(settings, as_of)
    with db.connect(settings, autocommit=True) as connection:
        _refuse_other_bytes(connection, saved)
        report = _issued(settings, connection, saved.model, prices, issued_on)
        forecast_store.record_artefact(connection, saved.model.run, path=path.name, sha256=saved.sha256)
    return replace(report, notes=_age(saved.model.run.training_cutoff, issued_on))


def _known(settings: Settings, as_of: dt.date | None) -> tuple[pd.DataFrame, dt.date]:
    """The prices up to a day, and the newest day that has any."""
    prices = analyse.prices(end=as_of or settings.today(), settings=settings)
    if prices.empty:
        raise NoDataError(f"no price up to {as_of or settings.today()}: scrape earlier months first")
    return prices, prices["date"].max().date()


def _refuse_other_bytes(connection: psycopg.Connection[Any], saved: ModelFile) -> None:
    """What is kept under a model's version was made by that model: a file that was changed since is not it."""
    name, sha256 = forecast_store.artefact(connection, saved.model.run)
    if name == saved.path.name and sha256 != saved.sha256:
        raise ModelFileError(
            f"model file {saved.path} is not the file that this database knows by its name: save it anew"
        )


def _age(cutoff: dt.date, issued_on: dt.date) -> tuple[str, ...]:
    days = (issued_on - cutoff).days
    if days <= 7 * OLD_WEEKS:
        return ()
    return (f"the model knows prices up to {cutoff} only, {days} days before: train a new one every {OLD_WEEKS} weeks",)


def _issued(
    settings: Settings, connection: psycopg.Connection[Any], model: Model, prices: pd.DataFrame, issued_on: dt.date
) -> ForecastReport:
    name, version = model.run.name, model.run.version
    if forecast_store.already_issued(connection, name, version, issued_on):
        return ForecastReport(issued_on, name, version, False, 0, {}, settings.demo)
    issue = model.predict(prices, issued_on)
    saved, won = _keep(connection, model, issue)
    given = fallback.described(won)
    return ForecastReport(
        issued_on, name, version, True, saved, issue.not_predicted, settings.demo, given, issue.starts
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
    with db.connect(settings, autocommit=True) as connection:
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
