"""What a forecasting run did, for people and for machines: an issue of forecasts, their scoring, a backtest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from necc.config import DEMO_LABEL

if TYPE_CHECKING:
    import pandas as pd

SHOWN_HORIZONS_DAYS = (1, 3, 7, 14, 30)  # of a scorecard for people; machines get all


@dataclass(frozen=True)
class ForecastReport:
    """What an issue of forecasts did. `predictions` are new rows: one per zone and day ahead."""

    issued_on: dt.date
    model: str
    version: str
    is_new: bool
    predictions: int
    not_predicted: Mapping[str, str]  # zone -> why
    is_demo: bool
    given_instead: Mapping[str, str] = field(default_factory=dict)  # zone -> days ahead at which naive is given
    starts: Mapping[str, str] = field(default_factory=dict)  # zone -> the older or doubted price it starts from
    notes: tuple[str, ...] = ()  # of the model: where it was saved, how old it is

    @property
    def summary(self) -> str:
        """The report in a few lines for people."""
        made = f"{self.predictions} new" if self.is_new else "as before: no price has changed since"
        lines = [f"forecasts issued on {self.issued_on}, 1 to 30 days ahead, by {self.model} {self.version}: {made}"]
        lines += [f"  {zone} is not predicted: {reason}" for zone, reason in self.not_predicted.items()]
        lines += [f"  {zone} starts from {price}" for zone, price in self.starts.items()]
        if self.given_instead:
            lines.append("naive's price is given where it was closer over the last 26 weeks, days ahead:")
        lines += [f"  {zone} {days}" for zone, days in self.given_instead.items()]
        lines += self.notes
        if self.is_demo:
            lines.append(f"they are made from {DEMO_LABEL}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The report for machines."""
        mappings = {name: dict(getattr(self, name)) for name in ("not_predicted", "given_instead", "starts")}
        return {**asdict(self), "issued_on": self.issued_on.isoformat(), **mappings}


@dataclass(frozen=True)
class ScoreReport:
    """What scoring found.

    Args:
        up_to: the last target day (India) whose price was filled in.
        filled: forecasts that got a price, or a corrected one.
        card: `necc.scores(by=("model", "horizon_days"))`.
        naive_won: zone -> days ahead at which naive was closer than the model over the last 26 weeks.
    """

    up_to: dt.date
    filled: int
    card: pd.DataFrame
    naive_won: Mapping[str, str]

    @property
    def summary(self) -> str:
        """The report for people: per model one line per horizon."""
        lines = [f"prices that came up to {self.up_to}: {self.filled} filled in or corrected"]
        for model, card in self.card.groupby("model", sort=True):
            lines += ["", *_card_lines(str(model), card)]
        if self.card.empty:
            lines.append("no forecast has met its price yet")
        if self.naive_won:
            lines += ["", "naive was closer than the model over the last 26 weeks, days ahead:"]
        lines += [f"  {zone} {days}" for zone, days in self.naive_won.items()]
        if self.card.attrs["is_demo"]:
            lines += ["", f"they are made from {DEMO_LABEL}"]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The report for machines; what is not known is null."""
        return {
            "up_to": self.up_to.isoformat(),
            "filled": self.filled,
            "scores": _records(self.card),
            "naive_won": dict(self.naive_won),
            "is_demo": bool(self.card.attrs["is_demo"]),
        }


def _card_lines(model: str, card: pd.DataFrame) -> list[str]:
    count, replayed = card["forecasts_count"].sum(), card["replayed_count"].sum()
    note = f", {replayed} of them written after their day" if replayed else ""
    lines = [
        f"{model}: {count} forecasts scored{note}; errors in {card['unit'].iloc[0]}",
        "  days ahead  forecasts  skill over naive    error   naive's   inside 80 %   inside 95 %",
    ]
    shown = card[card["horizon_days"].isin(SHOWN_HORIZONS_DAYS)]
    return lines + [_card_line(row) for row in (shown if len(shown) else card).to_dict("records")]


def _card_line(row: Mapping[Hashable, float]) -> str:
    return (
        f"  {row['horizon_days']:10d} {row['forecasts_count']:10d} {_signed(row['skill']):>17}"
        f" {row['mae']:8.2f} {row['naive_mae']:9.2f} {row['coverage_80']:13.1%} {row['coverage_95']:13.1%}"
    )


@dataclass(frozen=True)
class BacktestReport:
    """How good forecasts of past days would have been.

    Args:
        first: the first origin (India) that was scored.
        last: the last one.
        rhythm: of the origins, "weekly" or "monthly".
        forecasts: what `necc.backtest` gives, one row per origin, zone, horizon and model.
        card: `skill.scores` of them, one row per model and horizon.
        parts: the same of the model alone, by horizon and year, quarter, section, zone.
        beside: the same of all models and rivals, on the forecasts that each of them made; None without rivals.
    """

    first: dt.date
    last: dt.date
    rhythm: str
    forecasts: pd.DataFrame
    card: pd.DataFrame
    parts: Mapping[str, pd.DataFrame]
    beside: pd.DataFrame | None = None

    @property
    def summary(self) -> str:
        """The report for people: per model a line per horizon, the model's skill by year and quarter, the rivals'."""
        days, zones = self.forecasts["origin"].nunique(), self.forecasts["zone"].nunique()
        lines = [
            f"forecasts of {zones} zones as they would have been made on {days} days from {self.first} to {self.last};"
            " errors in INR per 100 eggs"
        ]
        for model, card in self.card.groupby("model", sort=True):
            lines += ["", str(model), _BACKTEST_HEAD, *map(_backtest_line, card.to_dict("records"))]
        for name, title in (("year", "year from April"), ("quarter", "quarter of the year")):
            lines += [
                "",
                f"the model's skill over naive by {title}, days ahead:",
                *_skill_lines(self.parts[name], name),
            ]
        if self.beside is not None:
            lines += ["", "skill over naive where all of these forecast, days ahead:"]
            lines += _skill_lines(self.beside, "model")
        if self.card.attrs["is_demo"]:
            lines += ["", f"they are made from {DEMO_LABEL}"]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The report for machines; what is not known is null."""
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "rhythm": self.rhythm,
            "origins": int(self.forecasts["origin"].nunique()),
            "unit": "INR per 100 eggs",
            "is_demo": bool(self.card.attrs["is_demo"]),
            "scores": _records(self.card),
            **({} if self.beside is None else {"beside": _records(self.beside)}),
            **{f"by_{name}": _records(part) for name, part in self.parts.items()},
        }


_BACKTEST_HEAD = (
    "  days ahead   prices  skill over naive (nine tenths)    error    MASE   inside 80 %   inside 95 %   80 % wide"
)


def _backtest_line(row: Mapping[Hashable, float]) -> str:
    band = f"{_signed(row['skill'])} ({_signed(row['skill_low'])} to {_signed(row['skill_high'])})"
    return (
        f"  {row['horizon']:10d} {row['cells']:8,d} {band:>31} {row['mae']:8.2f} {row['mase']:7.2f}"
        f" {row['coverage_80']:13.1%} {row['coverage_95']:13.1%} {row['width_80']:11.1f}"
    )


def _skill_lines(part: pd.DataFrame, name: str) -> list[str]:
    table = part.pivot(index=name, columns="horizon", values="skill")  # noqa: PD010 (the other one averages)
    width = max([7, *(len(str(label)) for label in table.index)])
    lines = [f"  {'':{width}}" + "".join(f"{horizon:8d}" for horizon in table.columns)]
    return lines + [
        f"  {label!s:{width}}" + "".join(f"{_signed(value):>8}" for value in row)
        for label, row in zip(table.index, table.to_numpy(), strict=True)
    ]


def _signed(value: float) -> str:
    return format(value, "+.3f") if value == value else "–"  # it is not a number where naive was never wrong


def _records(frame: pd.DataFrame) -> list[dict[Hashable, object]]:
    known: list[dict[Hashable, object]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return known
