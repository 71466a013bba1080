"""Frames to plotly figures: looks only. Nothing is read, and no number is computed beyond layout.

Every figure says its unit on the axis, its sections in the legend, its source and last date in the
caption. Frames are those of `necc.prices()`, `necc.monthly()`, `necc.yoy()`, `necc.forecasts()` and `necc.explain()`;
where one has no row the figure says "no prices in this range". Where a frame of months holds the
reference series, only that is drawn: it repeats the sections beside it. The figures of how good the
forecasts were stand in `necc.accuracy`, and are called from here.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from necc.accuracy import backtest_lines, coverage_lines, error_lines, skill_heatmap, track_record
from necc.errors import UsageError
from necc.explanation import Explanation
from necc.looks import (
    MUTED,
    dress,
    header,
    height_for,
    lines_of,
    rules,
    table,
    unit_of,
)
from necc.panels import dress_panels, side_by_side
from necc.traces import Series, bars, each_series, fan, heatmap, line, mark, past, steps

__all__ = [
    "backtest_lines",
    "coverage_heatmap",
    "coverage_lines",
    "error_lines",
    "forecast_fan",
    "header",
    "monthly_heatmap",
    "monthly_lines",
    "price_lines",
    "reason_bars",
    "skill_heatmap",
    "table",
    "track_record",
    "yoy_bars",
    "yoy_lines",
]

RING_SHIFT = pd.Timedelta(days=9)  # a ring stands left in its month's cell, beside the figure
REFERENCE = "reference"
CHANGE = "% change of the average price"
UNFINISHED = "month not complete"
SMALL = f"font-size: 10px; color: {MUTED}"
PARTIAL = "running month: the same days of both years"
MIXED = "another section a year earlier"


def price_lines(prices: pd.DataFrame, *, title: str = "Egg prices") -> go.Figure:
    """Daily prices, a stepped line per zone and section: a price is in force until the next one."""
    figure = go.Figure()
    for series in each_series(prices):
        line(figure, series, "price", "D", shape="hv")
    mark(figure, prices[rules(prices).ne("")], "price", "flagged", "diamond")
    return dress(figure, prices, title=title, y_title=unit_of(prices))


def monthly_lines(monthly: pd.DataFrame, *, title: str = "Monthly average egg prices") -> go.Figure:
    """Monthly averages, a line per zone and section; months that are not complete are hollow."""
    frame, figure = _preferred(monthly), go.Figure()
    for series in each_series(frame):
        line(figure, series, "price", "MS")
    mark(figure, frame[_is_unfinished(frame)], "price", UNFINISHED, "circle")
    mark(figure, frame[rules(frame).ne("")], "price", "flagged", "diamond")
    return dress(figure, frame, title=title, y_title=f"average, {unit_of(frame)}")


def monthly_heatmap(monthly: pd.DataFrame, *, title: str = "Monthly average egg prices") -> go.Figure:
    """Monthly averages, zones by months; months that are not complete carry a ring."""
    frame = _preferred(monthly)
    names, note = lines_of(frame)
    frame = frame.assign(label=names, cell=frame["price"])
    return _cells(frame, title=title, colors="YlGnBu", unit=unit_of(frame), digits=",.0f", note=note)


def coverage_heatmap(monthly: pd.DataFrame, *, title: str = "Days with a price") -> go.Figure:
    """Share of each month's days that have a price, zones by months: the better of a zone's sections."""
    best = monthly.sort_values("days_count", kind="stable").drop_duplicates(["zone", "date"], keep="last")
    frame = best.sort_values(["zone", "date"])
    share = 100 * frame["days_count"] / frame["date"].dt.days_in_month
    frame = frame.assign(label=frame["zone_name"].astype(str), cell=share)
    return _cells(frame, title=title, colors="Blues", unit="% of days", digits=".0f", limits=(0, 100))


def yoy_bars(yoy: pd.DataFrame, *, title: str = "Egg prices") -> go.Figure:
    """The change of one month on the same month a year earlier, a bar per zone, largest rise first.

    Args:
        yoy: rows of one month.
        title: both months are added.

    Raises:
        UsageError: the frame holds more than one month.
    """
    frame = _preferred(yoy)
    months = frame["date"].drop_duplicates()
    if len(months) > 1:
        raise UsageError(f"yoy_bars draws one month, the frame holds {len(months)}: select one by its date")
    drawn = frame.dropna(subset=["change_pct"]).sort_values(["change_pct", "zone"], ascending=[False, True])
    if len(months):
        earlier = months.iloc[0] - pd.DateOffset(years=1)
        title = f"{title}, {months.iloc[0]:%B %Y} against {earlier:%B %Y}"
    figure = go.Figure()
    names, note = lines_of(drawn)
    bars(figure, drawn, names)
    notes = [note, *_yoy_notes(frame, left_out=len(frame) - len(drawn))]
    return dress(figure, drawn, title=title, x_title=CHANGE, notes=notes, height=height_for(len(drawn)))


def yoy_lines(yoy: pd.DataFrame, *, title: str = "Egg prices, change on a year earlier") -> go.Figure:
    """The change on the same month a year earlier, a line per zone and section."""
    frame, figure = _preferred(yoy), go.Figure()
    for series in each_series(frame):
        line(figure, series, "change_pct", "MS")
    mark(figure, frame[frame["is_partial"].astype(bool)], "change_pct", PARTIAL, "circle")
    figure.add_hline(y=0, line={"color": MUTED, "width": 1})
    notes = [f"gaps: {MIXED}" if frame["is_mixed_section"].any() else ""]
    return dress(figure, frame, title=title, y_title=CHANGE, notes=notes)


def forecast_fan(
    forecasts: pd.DataFrame, *, history: pd.DataFrame | None = None, title: str = "Egg price forecast"
) -> go.Figure:
    """Forecasts of one issue, a panel per zone: 80 % and 95 % intervals, beside naive.

    Args:
        forecasts: rows of one issue date per zone.
        history: prices of the same zones in the same unit; the last 60 days before the issue are drawn.
        title: the issue date is added.

    Raises:
        UsageError: a zone has forecasts of more than one issue date.
    """
    panels = [_of_one_issue(panel) for panel in each_series(forecasts)]
    figure, places = side_by_side([panel.name for panel in panels])
    for panel, place in zip(panels, places, strict=True):
        fan(figure, panel.rows, place)
        if history is not None:
            past(figure, panel.rows, history, place)
    if len(forecasts):
        title = f"{title}, issued {forecasts['issued_on'].max():%d %B %Y}"
    notes = [f"model {name}" for name in sorted(forecasts["model"].astype(str).unique())]
    return dress_panels(figure, forecasts, title=title, notes=notes)


def reason_bars(why: Explanation, *, title: str = "What moved the forecast") -> go.Figure:
    """From the last price to the model's forecast: what it expects on a usual day, then a step per group of features.

    Args:
        why: what `necc.explain` gives.
        title: zone and target day are added.
    """
    rows, figure = why.reasons, go.Figure()
    usual = f"mean of {why.usual_days} days, {why.usual_from} to {why.usual_to}"
    names = ["a usual day", *rows["group"], "together"]
    below = [usual, *rows["fact"], f"{why.price:,.1f} to {why.forecast:,.1f}"]
    lines = [f"{name}<br><span style='{SMALL}'>{more}</span>" for name, more in zip(names, below, strict=True)]
    steps(figure, why.price, lines, [why.usual - why.price, *rows["contribution"]])
    title = f"{title}, {why.zone_name}, {why.target_date:%d %B %Y}"
    notes = [f"{why.section} price, issued {why.issued_on:%d %B %Y}", f"model {why.model}"]
    dress(figure, rows, title=title, x_title=unit_of(rows), notes=notes)
    return figure.update_layout(title={"xref": "container", "x": 0.01})  # the names leave the plot little width


def _cells(
    frame: pd.DataFrame,
    *,
    title: str,
    colors: str,
    unit: str,
    digits: str,
    limits: tuple[int, int] | None = None,
    note: str = "",
) -> go.Figure:
    figure = go.Figure()
    heatmap(figure, frame, colors=colors, unit=unit, digits=digits, limits=limits)
    rings = frame[_is_unfinished(frame)]
    mark(figure, rings.assign(date=rings["date"] - RING_SHIFT), "label", UNFINISHED, "circle")
    return dress(figure, frame, title=title, notes=[note], height=height_for(frame["label"].nunique()))


def _of_one_issue(panel: Series) -> Series:
    issues = panel.rows["issued_on"].nunique()
    if issues > 1:
        raise UsageError(f"forecast_fan draws one issue date, {panel.name} has {issues}: select by issued_on")
    return panel


def _yoy_notes(frame: pd.DataFrame, *, left_out: int) -> list[str]:
    return [
        f"{left_out} left out: no price a year earlier, or in another section" if left_out else "",
        f"pale: {PARTIAL}" if frame["is_partial"].any() else "",
    ]


def _preferred(frame: pd.DataFrame) -> pd.DataFrame:
    is_reference = frame["section"].eq(REFERENCE)
    return frame[is_reference] if is_reference.any() else frame


def _is_unfinished(frame: pd.DataFrame) -> pd.Series[bool]:
    return ~frame["is_complete"].astype(bool) | frame["is_current"].astype(bool)
