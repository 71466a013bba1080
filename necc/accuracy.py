"""Figures of how good the forecasts were: looks only, of frames that `necc.scores` and `necc.track_record` give.

What was given instead of a model's forecast is naive itself, so it has no line of its own beside naive.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pandas as pd
import plotly.graph_objects as go

from necc.config import NAIVE_FALLBACK
from necc.errors import UsageError
from necc.looks import FALL, INK, MUTED, PALETTE, RISE, dress, height_for, lines_of, unit_of
from necc.panels import dress_panels, side_by_side
from necc.traces import PRICE_HOVER, Place, each_series, price_steps
from necc.units import LABELS, STORED_UNIT

NOTHING_YET = "no forecast has met its price yet"
AHEAD = "days ahead"
PROMISES = (("80", PALETTE[0]), ("95", PALETTE[2]))  # percent promised
SKILL_LIMIT = 60  # percent: beyond it the colours would tell no more
LOSS_TO_GAIN = [[0, RISE], [0.5, "white"], [1, FALL]]


def error_lines(scores: pd.DataFrame, *, title: str = "How far forecasts were off") -> go.Figure:
    """The mean absolute error by days ahead, beside naive's on the same days.

    Args:
        scores: one row per model and horizon: `by=("model", "horizon_days")`.
        title: of the figure.

    Raises:
        UsageError: a model has several rows of one horizon.
    """
    figure = go.Figure()
    for (model, rows), color in zip(_each_model(scores), cycle(PALETTE)):  # noqa: B905 (the palette comes again)
        for column, name, looks in (
            ("mae", f"forecasts by {model}", {"color": color, "width": 2.5}),
            ("naive_mae", f"naive on the days of {model}", {"color": color, "dash": "dash", "width": 2}),
        ):
            points = {"x": rows["horizon_days"], "y": rows[column], "name": name, "line": looks}
            figure.add_scatter(mode="lines", hovertemplate=PRICE_HOVER, **points)
    figure.update_yaxes(rangemode="tozero")
    y_title = f"mean absolute error, {unit_of(scores)}"
    notes = _counted(scores)
    return dress(figure, scores, title=title, x_title=AHEAD, y_title=y_title, notes=notes, nothing=NOTHING_YET)


def backtest_lines(
    card: pd.DataFrame, *, title: str = "How far forecasts of past days would have been off"
) -> go.Figure:
    """The mean absolute error by days ahead, a line per model and baseline.

    Args:
        card: scores of a backtest, one row per model and horizon.
        title: of the figure.

    Raises:
        UsageError: a model has several rows of one horizon.
    """
    _refuse_several(card, ["model", "horizon"])
    figure = go.Figure()
    for (model, rows), color in zip(card.groupby("model", sort=True), cycle(PALETTE)):  # noqa: B905 (as above)
        marks = {"name": str(model), "line": {"color": color, "width": 2.5}, "mode": "lines+markers"}
        figure.add_scatter(x=rows["horizon"], y=rows["mae"], hovertemplate=PRICE_HOVER, **marks)
    figure.update_yaxes(rangemode="tozero")
    y_title = f"mean absolute error, {LABELS[STORED_UNIT]}"
    notes = [f"{int(card['cells'].sum()):,} forecasts scored"]
    return dress(figure, card, title=title, x_title=AHEAD, y_title=y_title, notes=notes, nothing=NOTHING_YET)


def coverage_lines(scores: pd.DataFrame, *, title: str = "What the intervals promised and kept") -> go.Figure:
    """The share of prices inside the 80 % and the 95 % interval by days ahead; dashed: what was promised.

    Args:
        scores: one row per model and horizon: `by=("model", "horizon_days")`.
        title: of the figure.

    Raises:
        UsageError: a model has several rows of one horizon.
    """
    figure = go.Figure()
    for model, rows in _each_model(scores):
        for percent, color in PROMISES:
            figure.add_scatter(
                x=rows["horizon_days"],
                y=100 * rows[f"coverage_{percent}"],
                name=f"inside the {percent} % interval, {model}",
                mode="lines",
                line={"color": color, "width": 2.5},
                hovertemplate="%{y:.1f} %",
            )
    for percent, color in PROMISES if len(scores) else ():
        figure.add_hline(y=int(percent), line={"color": color, "dash": "dash", "width": 1.5})
    notes = ["dashed: promised", *_counted(scores)]
    dress(figure, scores, title=title, x_title=AHEAD, y_title="% of the prices", notes=notes, nothing=NOTHING_YET)
    return figure.update_yaxes(range=[0, 101]) if len(scores) else figure


def skill_heatmap(
    scores: pd.DataFrame, *, title: str = "Where forecasts gain on naive, and where they lose"
) -> go.Figure:
    """Skill over naive, zones by days ahead: blue where the model was closer, orange where naive was.

    Args:
        scores: of one model, one row per zone, section and horizon: `by=("zone", "section", "model", "horizon_days")`.
        title: of the figure.

    Raises:
        UsageError: several models, or several rows of one cell.
    """
    rows = scores[scores["model"] != NAIVE_FALLBACK]
    names, note = lines_of(rows)
    rows = rows.assign(label=names)
    _refuse_several(rows, ["label", "horizon_days"])
    cells = rows.pivot(index="label", columns="horizon_days", values="skill")  # noqa: PD010 (the other one averages)
    cells = cells.reindex(names.drop_duplicates())
    figure = go.Figure()
    figure.add_heatmap(
        x=cells.columns,
        y=cells.index,
        z=100 * cells.to_numpy(),
        zmin=-SKILL_LIMIT,
        zmax=SKILL_LIMIT,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        colorscale=LOSS_TO_GAIN,
        colorbar={"title": {"text": "% of naive's error saved", "side": "right"}, "thickness": 14, "outlinewidth": 0},
        hovertemplate="%{y}, %{x} days ahead: %{z:.0f} %<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, dtick=1)
    notes = [note, "orange: naive was closer", *_counted(rows)]
    height = height_for(len(cells))
    return dress(figure, rows, title=title, x_title=AHEAD, notes=notes, height=height, nothing=NOTHING_YET)


def track_record(
    record: pd.DataFrame, *, history: pd.DataFrame | None = None, title: str = "Forecasts beside what came"
) -> go.Figure:
    """Forecasts made a fixed number of days ahead at their target days, a panel per zone, on the prices that came.

    Args:
        record: rows of `necc.track_record`, of one horizon.
        history: prices of the same zones in the same unit, drawn as they are.
        title: the horizon is added.

    Raises:
        UsageError: several horizons.
    """
    ahead = record["horizon_days"].unique()
    if len(ahead) > 1:
        raise UsageError(f"track_record draws one horizon, the frame holds {len(ahead)}: select by horizon_days")
    panels = list(each_series(record))
    figure, places = side_by_side([panel.name for panel in panels])
    for panel, place in zip(panels, places, strict=True):
        if history is not None:
            same = history["zone"].eq(panel.rows["zone"].iloc[0]) & history["section"].eq(panel.rows["section"].iloc[0])
            price_steps(figure, history[same], place)
        _said(figure, panel.rows, place)
    title = f"{title}, made {_days(int(ahead[0]))} ahead" if len(ahead) else title
    return dress_panels(figure, record, title=title, notes=["bars: 80 % interval"], nothing="no forecast in this range")


def _said(figure: go.Figure, rows: pd.DataFrame, place: Place) -> None:
    """Naive's price and the forecast with its interval, at each target day."""
    common = {"x": rows["date"], "mode": "markers", "hovertemplate": PRICE_HOVER, **place}
    figure.add_scatter(
        y=rows["naive_price"],
        name="naive: the price of the day of issue",
        marker={"symbol": "line-ew-open", "size": 9, "color": MUTED, "line": {"width": 2}},
        **common,
    )
    above, below = rows["upper_80"] - rows["price"], rows["price"] - rows["lower_80"]
    interval = {"array": above, "arrayminus": below, "color": PALETTE[0], "thickness": 1.2, "width": 3}
    marker = {"size": 7, "color": PALETTE[0], "line": {"color": INK, "width": 0.5}}
    figure.add_scatter(y=rows["price"], name="forecast", error_y=interval, marker=marker, **common)


def _each_model(scores: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    _refuse_several(scores, ["model", "horizon_days"])
    for model, rows in scores[scores["model"] != NAIVE_FALLBACK].groupby("model", sort=True):
        yield str(model), rows


def _refuse_several(rows: pd.DataFrame, keys: list[str]) -> None:
    if rows.duplicated(keys).any():
        raise UsageError(f"one row per {' and '.join(keys)} is drawn, the frame holds several: pool them with by=")


def _counted(scores: pd.DataFrame) -> list[str]:
    rows = scores[scores["model"] != NAIVE_FALLBACK]
    replayed = int(rows["replayed_count"].sum())
    note = f", {replayed:,} of them written after their day" if replayed else ""
    return [f"{int(rows['forecasts_count'].sum()):,} forecasts scored{note}"]


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"
