"""Frames to traces: the lines, bars, cells and bands that the figures of `necc.show` are put together from.

Dates lie on a complete axis, so a day or month without a price is a gap, never a line across it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from necc.explanation import signed
from necc.looks import DASHES, FALL, GRID, INK, MUTED, PALETTE, RISE, labels, rules

HISTORY_DAYS = 60  # twice the longest horizon: enough to see where a forecast comes from
CELL_TEXT_MONTHS = 14  # a heat map of more months has no room for figures in its cells
BAND = "rgba(0, 114, 178, {alpha})"  # the first colour of the palette
BANDS = (("95", 0.15), ("80", 0.3))
FULL, PALE = 0.9, 0.45
STEP_AIR = 0.12  # of the whole way, on both sides: room for the amounts beside the bars
PRICE_HOVER = "%{y:,.2f}"
Place = dict[str, int]


class Series(NamedTuple):
    """One zone and section of a frame, with its looks."""

    name: str
    color: str
    dash: str
    rows: pd.DataFrame


def each_series(frame: pd.DataFrame) -> Iterator[Series]:
    """Zones in the frame's order; a zone keeps its colour in both of its sections."""
    order = {zone: number for number, zone in enumerate(frame["zone"].drop_duplicates())}
    for (zone, _), rows in frame.groupby(["zone", "section"], sort=False, observed=True):
        turn, number = divmod(order[zone], len(PALETTE))
        yield Series(labels(rows).iloc[0], PALETTE[number], DASHES[turn % len(DASHES)], rows)


def line(figure: go.Figure, series: Series, value: str, step: str, *, shape: str = "linear") -> None:
    """A line with gaps; a point between two gaps gets a dot, since a line does not show it.

    Args:
        figure: gets the trace.
        series: what to draw.
        value: the column.
        step: "D" for days, "MS" for months.
        shape: "hv" for steps.
    """
    known = _complete(series.rows, step)
    alone = _alone(known[value])
    figure.add_scatter(
        x=known.index,
        y=known[value],
        name=series.name,
        connectgaps=False,
        mode="lines+markers" if alone.any() else "lines",
        line={"color": series.color, "dash": series.dash, "shape": shape, "width": 2},
        marker={"size": [5 if point else 0 for point in alone]} if alone.any() else None,
        hovertemplate=PRICE_HOVER,
    )


def mark(figure: go.Figure, rows: pd.DataFrame, value: str, name: str, symbol: str) -> None:
    """Put a named hollow symbol on some rows; hovering tells their flags."""
    if rows.empty:
        return
    figure.add_scatter(
        x=rows["date"],
        y=rows[value],
        mode="markers",
        name=name,
        text=rules(rows),
        marker={"symbol": symbol, "size": 8, "color": "white", "line": {"color": INK, "width": 1.5}},
        hovertemplate="%{text}<extra>" + name + "</extra>",
    )


def bars(figure: go.Figure, rows: pd.DataFrame, names: pd.Series[str]) -> None:
    """The percentage change of each row beside its name, first row on top; pale for the running month."""
    figure.add_bar(
        x=rows["change_pct"],
        y=names,
        orientation="h",
        marker_color=[RISE if change > 0 else FALL for change in rows["change_pct"]],
        marker_opacity=[PALE if pale else FULL for pale in rows["is_partial"]],
        text=[f"{change:+.1f} %" for change in rows["change_pct"]],
        textposition="outside",
        cliponaxis=False,
        customdata=rows[["previous_price", "price", "previous_days_count", "days_count"]].to_numpy(),
        hovertemplate="%{y}: %{text}<br>%{customdata[0]:,.2f} (%{customdata[2]} days) to "
        "%{customdata[1]:,.2f} (%{customdata[3]} days)<extra></extra>",
        showlegend=False,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)


def steps(figure: go.Figure, start: float, names: Sequence[str], amounts: Sequence[float]) -> None:
    """A bar per amount from where the last one ended, first on top; then one of all of them together, named last."""
    texts = [signed(amount) for amount in (*amounts, sum(amounts))]
    reached = start + np.cumsum([0.0, *amounts])
    air = max(STEP_AIR * np.ptp(reached), 1.0)
    figure.add_waterfall(
        orientation="h",
        base=start,
        x=[*amounts, 0],
        y=names,
        measure=["relative"] * len(amounts) + ["total"],
        text=texts,
        textposition="outside",
        cliponaxis=False,
        increasing={"marker": {"color": RISE}},
        decreasing={"marker": {"color": FALL}},
        totals={"marker": {"color": MUTED}},
        connector={"line": {"color": GRID, "width": 1}},
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=start, layer="below", line={"color": MUTED, "width": 1, "dash": "dash"})
    figure.update_xaxes(range=[reached.min() - air, reached.max() + air])
    figure.update_yaxes(autorange="reversed", showgrid=False)


def heatmap(
    figure: go.Figure,
    frame: pd.DataFrame,
    *,
    colors: str,
    unit: str,
    digits: str,
    limits: tuple[int, int] | None = None,
) -> None:
    """The column `cell`, `label` by month; a month without a row stays blank.

    Args:
        figure: gets the trace.
        frame: one row per label and month.
        colors: name of a colour scale.
        unit: of the cells, beside the scale.
        digits: d3 format of a cell.
        limits: of the colour scale; the data's by default.
    """
    names = frame["label"].drop_duplicates()
    cells = frame.pivot(index="label", columns="date", values="cell")  # noqa: PD010 (the other one averages)
    cells = cells.reindex(names)
    if len(frame):
        cells = cells.reindex(columns=_axis(frame["date"], "MS"))
    low, high = limits or (None, None)
    figure.add_heatmap(
        x=cells.columns,
        y=cells.index,
        z=cells.to_numpy(),
        zmin=low,
        zmax=high,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        colorscale=colors,
        colorbar={"title": {"text": unit, "side": "right"}, "thickness": 14, "outlinewidth": 0},
        hovertemplate=f"%{{y}}, %{{x|%B %Y}}: %{{z:{digits}}}<extra></extra>",
        texttemplate=f"%{{z:{digits}}}" if len(cells.columns) <= CELL_TEXT_MONTHS else None,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, dtick=1)


def fan(figure: go.Figure, rows: pd.DataFrame, place: Place) -> None:
    """Both intervals, naive, the forecast and, where they are known, the prices that came."""
    for percent, alpha in BANDS:
        edge = {"x": rows["date"], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", **place}
        figure.add_scatter(y=rows[f"lower_{percent}"], **edge)
        band = {"fill": "tonexty", "fillcolor": BAND.format(alpha=alpha), "name": f"{percent} % interval"}
        figure.add_scatter(y=rows[f"upper_{percent}"], **band, **edge)
    for column, name, looks in (
        (
            "naive_price",
            "naive: the last price stays",
            {"line": {"color": MUTED, "dash": "dash", "width": 2}},
        ),
        ("price", "forecast", {"line": {"color": PALETTE[0], "width": 2.5}}),
        ("actual_price", "price that came", {"mode": "markers", "marker": {"color": INK, "size": 5}}),
    ):
        if rows[column].notna().any():
            values = {"x": rows["date"], "y": rows[column], "name": name, "hovertemplate": PRICE_HOVER}
            figure.add_scatter(**{"mode": "lines", **values, **looks}, **place)


def past(figure: go.Figure, rows: pd.DataFrame, history: pd.DataFrame, place: Place) -> None:
    """The prices of the forecast's zone and section in the 60 days up to its issue."""
    first = rows.iloc[0]
    same = history["zone"].eq(first["zone"]) & history["section"].eq(first["section"])
    recent = history["date"].between(first["issued_on"] - pd.Timedelta(days=HISTORY_DAYS), first["issued_on"])
    price_steps(figure, history[same & recent], place)


def price_steps(figure: go.Figure, prices: pd.DataFrame, place: Place) -> None:
    """The prices of one zone and section in a panel; a price is in force until the next one."""
    known = _complete(prices, "D")
    figure.add_scatter(
        x=known.index,
        y=known["price"],
        name="price",
        mode="lines",
        line={"color": INK, "width": 2, "shape": "hv"},
        connectgaps=False,
        hovertemplate=PRICE_HOVER,
        **place,
    )


def _complete(rows: pd.DataFrame, step: str) -> pd.DataFrame:
    by_date = rows.set_index("date")
    return by_date.reindex(_axis(rows["date"], step)) if len(rows) else by_date


def _axis(dates: pd.Series[pd.Timestamp], step: str) -> pd.DatetimeIndex:
    return pd.date_range(dates.min(), dates.max(), freq=step)


def _alone(values: pd.Series[float]) -> pd.Series[bool]:
    missing = values.isna()
    return ~missing & missing.shift(1, fill_value=True) & missing.shift(-1, fill_value=True)
