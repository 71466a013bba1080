"""What a run did, for people and for machines: a scraping run, an issue of forecasts, their scoring, a backtest."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from necc.config import DEMO_LABEL
from necc.errors import NeccError
from necc.records import Outcome
from necc.sheets import SheetResult
from necc.store import Counts

if TYPE_CHECKING:
    import pandas as pd

SHOWN_HORIZONS_DAYS = (1, 3, 7, 14, 30)  # of a scorecard for people; machines get all


@dataclass
class ScrapeReport:
    """What a run did. `exit_code` and `status` follow the table in the README."""

    execution_id: str
    first: str
    last: str
    is_dry_run: bool
    is_demo: bool
    sheets: list[SheetResult] = field(default_factory=list)
    skipped: int = 0
    errors: list[NeccError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_refreshed: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def counts(self) -> Counts:
        """Cells inserted, updated, unchanged and kept, over all sheets."""
        return sum((sheet.counts for sheet in self.sheets), Counts())

    @property
    def outcomes(self) -> dict[str, int]:
        """Sheets by outcome."""
        return dict(Counter(str(sheet.outcome) for sheet in self.sheets))

    @property
    def verdicts(self) -> dict[str, int]:
        """Cells and lines that are doubtful, by verdict."""
        return dict(Counter(str(p.verdict) for sheet in self.sheets for p in sheet.problems))

    @property
    def unknown_labels(self) -> list[str]:
        """Printed zone names that no alias knows."""
        return sorted({label for sheet in self.sheets for label in sheet.unknown_labels})

    @property
    def exit_code(self) -> int:
        """0, or the highest of the reasons that occurred."""
        return max((error.exit_code for error in self.errors), default=0)

    @property
    def status(self) -> str:
        """What the log row says."""
        if not self.exit_code:
            return "success"
        return "partial" if any(s.outcome is Outcome.STORED for s in self.sheets) else "failed"

    @property
    def summary(self) -> str:
        """The report in a few lines for people."""
        counts, verdicts = self.counts, self.verdicts
        span = self.first if self.first == self.last else f"{self.first} .. {self.last}"
        sheets = ", ".join(f"{n} {name}" for name, n in sorted(self.outcomes.items())) or "none read"
        lines = [
            f"sheets {span}: {sheets}" + (f", {self.skipped} complete already" if self.skipped else ""),
            f"prices: {counts.inserted} new, {counts.updated} corrected, {counts.unchanged} as before",
        ]
        if verdicts:
            found = ", ".join(f"{n} {name}" for name, n in sorted(verdicts.items()))
            lines.append(f"doubtful: {found} (table nec_price_problems)")
        lines += self.notes
        if self.is_refreshed:
            lines.append("monthly averages and year over year are up to date")
        if self.is_dry_run:
            lines.append("dry run: nothing was stored")
        if self.is_demo:
            lines.append(f"these are {DEMO_LABEL}, no prices of NECC")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The report for machines."""
        return {
            "execution_id": self.execution_id,
            "status": self.status,
            "exit_code": self.exit_code,
            "first": self.first,
            "last": self.last,
            "is_dry_run": self.is_dry_run,
            "is_demo": self.is_demo,
            "is_refreshed": self.is_refreshed,
            "sheets_skipped": self.skipped,
            "sheets": self.outcomes,
            "prices": asdict(self.counts),
            "problems": self.verdicts,
            "unknown_labels": self.unknown_labels,
            "seconds": self.seconds,
            "notes": self.notes,
            "errors": [{"kind": type(e).__name__, "message": str(e)} for e in self.errors],
        }


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
