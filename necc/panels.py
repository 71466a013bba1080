"""Several small charts in one figure, a panel per zone with its name above it and one legend for all."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from necc.looks import FRAME_PX, NO_PRICES, dress, unit_of
from necc.traces import Place

PANEL_PX = 270
LEGEND_PX = 26  # a panel's name stands between it and the legend
COLUMNS = 2
BETWEEN_PX = 85  # room for dates and the next panel's name


def side_by_side(names: Sequence[str]) -> tuple[go.Figure, list[Place]]:
    """An empty figure with a panel for each name, and where each panel is."""
    columns = min(COLUMNS, max(1, len(names)))
    lines = max(1, -(-len(names) // columns))
    figure = make_subplots(
        rows=lines,
        cols=columns,
        subplot_titles=list(names),
        vertical_spacing=BETWEEN_PX / (PANEL_PX * lines),
        horizontal_spacing=0.07,
    )
    figure.update_layout(height=FRAME_PX + LEGEND_PX + PANEL_PX * lines)
    return figure, [{"row": number // columns + 1, "col": number % columns + 1} for number in range(len(names))]


def dress_panels(
    figure: go.Figure, frame: pd.DataFrame, *, title: str, notes: Sequence[str], nothing: str = NO_PRICES
) -> go.Figure:
    """As `looks.dress`, for panels of prices in the frame's unit."""
    height = figure.layout.height
    _one_legend(figure)
    figure.update_yaxes(title_text=unit_of(frame), col=1)
    dress(figure, frame, title=title, notes=notes, height=height, nothing=nothing)
    return figure.update_layout(legend_y=1 + LEGEND_PX / (height - FRAME_PX - LEGEND_PX), margin_t=90 + LEGEND_PX)


def _one_legend(figure: go.Figure) -> None:
    """Panels repeat the same traces: each name stands in the legend once and switches all of them."""
    seen: set[str | None] = {None}
    for trace in figure.data:
        trace.update(legendgroup=trace.name, showlegend=trace.name not in seen)
        seen.add(trace.name)
