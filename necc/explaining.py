"""The order of the steps of an explanation: read, find or train the model, forecast, attribute, look for the like."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from necc import (
    analogues,
    analyse,
    attribution,
    db,
    explanation,
    fallback,
    forecast_store,
    frames,
    kept_model,
    panel,
    scorecard,
    units,
)
from necc import predict as model_room
from necc.attribution import Attribution
from necc.config import DEMO_LABEL, INDIA, Settings
from necc.errors import NoDataError, UsageError
from necc.explanation import Explanation
from necc.features import Daily
from necc.forecast_store import LONGEST_HORIZON_DAYS
from necc.frames import DATE, PERCENT, PRICE, TEXT, Day
from necc.panel import INPUT_FILL_DAYS
from necc.predict import Issue, Model
from necc.reading import Reader

REASONS = {"group": TEXT, "contribution": PRICE, "fact": TEXT, "unit": TEXT, "flag": TEXT}
SITUATIONS = {
    "date": DATE,
    "price": PRICE,
    "target_date": DATE,
    "price_later": PRICE,
    "change": PRICE,
    "change_pct": PERCENT,
    "distance": "float64",
    "unit": TEXT,
    "flag": TEXT,
}


def explain(
    zone: str,
    horizon_days: int = 14,
    *,
    as_of: Day | None = None,
    model: Model | None = None,
    settings: Settings | None = None,
    say: Callable[[str], None] | None = None,
) -> Explanation:
    """Say in words and numbers what moved a forecast, and what followed the past days that were most like its own.

    The forecast is the one that `necc predict` makes from the newest price, by the model that it has kept; where it
    has not, or on other prices, the same model is trained first. What moved the forecast is told by group of features
    (momentum, neighbours, level, zone habit, season) as exact Shapley values: they and the forecast of a usual day add
    up to it. They say what the model made of the prices, and nothing about causes in the market.

    Args:
        zone: slug, name, alias or printed label.
        horizon_days: 1 to 30.
        as_of: the last day (in India) whose prices are known; today if not given.
        model: another trained one, that knows no later price.
        settings: which database, and whose home; by default what the environment says.
        say: told before a model is trained: that takes up to a minute.

    Returns:
        An `Explanation`: `summary` in words, `reasons` and `situations` as frames, `as_dict()` for machines.

    Raises:
        UsageError: a bad horizon or day, a model that knows later prices; UnknownZoneError names close matches.
        NoDataError: no price of the zone within 7 days, or too few prices to learn from.
        DatabaseError: the database cannot be reached, or has no tables yet.

    Example:
        >>> why = necc.explain("Namakkal", horizon_days=14)
        >>> print(why.summary)
        >>> why.reasons[["group", "contribution"]]
    """
    from threadpoolctl import threadpool_limits

    if not 1 <= horizon_days <= LONGEST_HORIZON_DAYS:
        raise UsageError(f"horizon_days={horizon_days}: wanted 1 to {LONGEST_HORIZON_DAYS}")
    settings = settings or Settings.load()
    until = settings.today() if as_of is None else frames.instant(as_of).astimezone(INDIA).date()
    reader = Reader.open(settings, [zone])
    (slug,) = reader.zones or []
    prices = analyse.prices(end=until, settings=settings)
    issued_on = _issued_on(prices, slug, until)
    if model is None:
        model = _model_of(settings.home, prices, issued_on, say or (lambda text: None))
    with threadpool_limits(limits=1):  # a few thousand rows: on a busy machine threads only wait for each other
        found = of_prices(model, prices, slug, issued_on, horizon_days)
    cell = (slug, found.section, horizon_days)
    return replace(found, is_naive_given=_is_naive_given(settings, model, issued_on, cell))


def _issued_on(prices: pd.DataFrame, zone: str, until: dt.date) -> dt.date:
    """The day of the newest price; whether the zone has one near it is seen before anything is trained."""
    if prices.empty:
        raise NoDataError(f"no price up to {until}: scrape earlier months first")
    newest = prices["date"].max()
    last = prices.loc[prices["zone"] == zone, "date"].max()
    if pd.isna(last):
        raise NoDataError(f"{zone} is not predicted: no price up to {newest:%Y-%m-%d}")
    if (newest - last).days > INPUT_FILL_DAYS:
        raise NoDataError(
            f"{zone} is not predicted: last price on {last:%Y-%m-%d},"
            f" more than {INPUT_FILL_DAYS} days before {newest:%Y-%m-%d}"
        )
    return dt.date(newest.year, newest.month, newest.day)


def _model_of(home: Path, prices: pd.DataFrame, issued_on: dt.date, say: Callable[[str], None]) -> Model:
    """The model that `necc predict` makes of these prices: the kept one if it is that, else trained here."""
    version = model_room.version_of(prices, issued_on)
    kept = kept_model.find(home, version, is_demo=prices.attrs["is_demo"])
    if kept:
        return kept
    say("training the model that is explained: up to a minute")
    return model_room.train(prices, issued_on)


def of_prices(model: Model, prices: pd.DataFrame, zone: str, issued_on: dt.date, horizon_days: int) -> Explanation:
    """The explanation of the model's own forecast. Pure: what is given instead of it stands elsewhere.

    Args:
        model: a trained one that knows no price after `issued_on`.
        prices: of all zones, as `necc.prices()` gives them, in INR per 100 eggs; later ones are not looked at.
        zone: a slug of them.
        issued_on: the day of issue.
        horizon_days: 1 to 30.

    Raises:
        NoDataError: the zone cannot be predicted; the message says why.
        UsageError: the model knows later prices.
    """
    issue = model.predict(prices, issued_on)
    if zone not in set(issue.frame["zone"]):
        raise NoDataError(f"{zone} is not predicted: {issue.not_predicted.get(zone, 'it has no price')}")
    daily, origin = Daily(panel.panel(prices, until=issued_on)), pd.Timestamp(issued_on)
    found = attribution.attribute(model, daily, zone, origin, horizon_days)
    past = analogues.closest(daily, zone, origin, horizon_days)
    is_demo = bool(prices.attrs.get("is_demo"))
    labels = {"unit": units.label(units.STORED_UNIT), "flag": DEMO_LABEL if is_demo else ""}
    return Explanation(
        zone=zone,
        zone_name=str(prices.loc[prices["zone"] == zone, "zone_name"].iloc[-1]),
        **_forecast(issue, zone, horizon_days),
        **_usual(found),
        reasons=_reasons(found, labels),
        situations=frames.shape(past.assign(**labels), SITUATIONS),
        **{f"searched_{name}": past.attrs[name] for name in ("days", "from", "to")},
        model=f"{model.run.name} {model.run.version}",
        is_demo=is_demo,
    )


def _forecast(issue: Issue, zone: str, horizon_days: int) -> dict[str, Any]:
    frame = issue.frame
    made = frame[(frame["zone"] == zone) & (frame["horizon_days"] == horizon_days)].to_dict("records")[0]
    names = {"price": "naive_price", "forecast": "predicted_price", "lower_80": "lower_80", "upper_80": "upper_80"}
    return {
        **{name: float(made[column]) for name, column in names.items()},
        "section": str(made["section"]),
        "issued_on": issue.issued_on,
        "target_date": issue.issued_on + dt.timedelta(days=horizon_days),
        "horizon_days": horizon_days,
        "starts": issue.starts.get(zone, ""),
    }


def _usual(found: Attribution) -> dict[str, Any]:
    days = found.usual_days
    return {"usual": found.usual, "usual_days": len(days), "usual_from": days[0].date(), "usual_to": days[-1].date()}


def _reasons(found: Attribution, labels: Mapping[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(list(found.contributions.items()), columns=["group", "contribution"])
    frame = frame.assign(fact=frame["group"].map(explanation.facts(found)), **labels)
    return frames.shape(frame.sort_values("contribution", key=abs, ascending=False, kind="stable"), REASONS)


def _is_naive_given(settings: Settings, model: Model, issued_on: dt.date, cell: tuple[str, str, int]) -> bool:
    """As the kept forecast says; where none is kept yet, as the rule would say now."""
    zone, section, horizon_days = cell
    kept = forecast_store.forecasts([zone], issued_on, settings=settings)
    same = kept[(kept["horizon_days"] == horizon_days) & (kept["section"] == section)]
    if len(same):
        return bool(same["is_naive_fallback"].iloc[0])
    with db.connect(settings) as connection:
        record = scorecard.record(connection, model.run.name, issued_on, days=fallback.WINDOW_DAYS)
    return cell in set(fallback.naive_won(record).itertuples(index=False, name=None))
