"""The house style of figures, tables and notebook headers: looks and labels, no data and no charts.

Whatever leaves this module says its unit and its source; made-up prices are named in the title, in the
caption and across the figure.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pandas as pd
import plotly.graph_objects as go

from necc.config import DEMO_LABEL
from necc.units import LABELS, STORED_UNIT

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler
    from pandas.io.formats.style_render import CSSDict

# Okabe and Ito's colours, told apart with every common colour blindness; their yellow is too pale on white.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4b4f58")
DASHES = ("solid", "dash", "dot", "dashdot")  # after seven zones the colours come again, dashed
RISE, FALL = "#d55e00", "#0072b2"
INK, MUTED, GRID = "#24292f", "#6b7280", "#e5e7eb"
WATERMARK = "rgba(128, 128, 128, 0.26)"
FONT = "Segoe UI, Roboto, Helvetica, Arial, sans-serif"
SERIES_ABOVE = 5  # more names than this do not fit in the lines above the plot: they go to its right
LEAST_HEIGHT_PX = 480
FRAME_PX = 190  # title, legend, axis and caption together
CAPTION_PX = 54  # how far under the plot the caption begins: under the dates
X_TITLE_PX = 22
ROW_PX = 20  # a zone's line in bars and heat maps: the font and some air
NO_PRICES = "no prices in this range"
SOURCE = "Source: NECC daily sheets"
SECTION_NOTES = {"reference": "the suggested price where there is one, else the prevailing one"}
KINDS = {"real": "prices of NECC", "demo": DEMO_LABEL, "empty": "no prices yet"}  # of a database
TABLE_STYLES: list[CSSDict] = [
    {"selector": "caption", "props": "text-align: left"},
    {"selector": "td", "props": "white-space: nowrap"},  # a date broken in two is hard to read
]
FACT_NAMES = {"last_price_on": "as of (newest price)"}


@dataclass(frozen=True)
class Header:
    """The head of a notebook: what is in the database, as of when, and the source's own words."""

    facts: Mapping[str, object]
    notice: str

    def __str__(self) -> str:
        lines = [f"{name}: {value}" for name, value in self._named()]
        return "\n".join([*lines, f"{self._whose()}: {self.notice}"])

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._named()
        )
        notice = f"<p><b>{html.escape(self._whose())}</b></p><blockquote>{html.escape(self.notice)}</blockquote>"
        return f"<table>{cells}</table>{notice}"

    def _whose(self) -> str:
        """Whose words the notice is: a made-up page's words are not NECC's."""
        is_demo = self.facts.get("database") == "demo"
        return (
            f"Notice on the page read last ({DEMO_LABEL})" if is_demo else "Notice of the source, in NECC's own words"
        )

    def _named(self) -> list[tuple[str, str]]:
        return [(FACT_NAMES.get(name, name.replace("_", " ")), _fact(value)) for name, value in self.facts.items()]


def header(status: Mapping[str, object], notice: str) -> Header:
    """What a notebook shows first: the facts of `necc.status()`, and the source's notice marked as NECC's."""
    return Header(dict(status), notice)


def table(frame: pd.DataFrame, columns: Sequence[str] = (), *, caption: str = "") -> Styler:
    """A frame for reading: plain dates, two decimals, a dash for what is missing.

    Args:
        frame: any frame of `necc`.
        columns: which columns, in order; all of them by default. `flag` is added where a row has one.
        caption: what the table holds; the unit and "made-up demo data" are added.
    """
    shown = list(columns or frame.columns)
    if "flag" in frame and "flag" not in shown and frame["flag"].ne("").any():
        shown.append("flag")
    view = frame[shown].copy()
    for name in view.select_dtypes("datetime"):
        view[name] = view[name].dt.strftime("%Y-%m-%d")
    parts = (caption, unit_of(frame) if "unit" in frame else "", DEMO_LABEL if is_demo(frame) else "")
    text = html.escape(" · ".join(part for part in parts if part))
    plain = view.style.hide(axis="index").format(precision=2, na_rep="–")
    return plain.set_caption(text).set_table_styles(TABLE_STYLES)


def is_demo(frame: pd.DataFrame) -> bool:
    """Whether the frame holds made-up prices: by its attrs, or by any row's flag."""
    by_row = "flag" in frame and frame["flag"].astype("string").str.contains(DEMO_LABEL, regex=False).any()
    return bool(frame.attrs.get("is_demo")) or bool(by_row)


def unit_of(frame: pd.DataFrame) -> str:
    """The unit in words; that of stored prices where the frame has no row."""
    return ", ".join(frame["unit"].dropna().astype(str).unique()) or LABELS[STORED_UNIT]


def labels(frame: pd.DataFrame) -> pd.Series[str]:
    """Zone and section of each row, as legends name them."""
    return frame["zone_name"].astype(str) + " · " + frame["section"].astype(str)


def lines_of(frame: pd.DataFrame) -> tuple[pd.Series[str], str]:
    """What to write beside a zone's line of a chart, and the note that names the section if all share it."""
    sections = frame["section"].astype(str).unique()
    if len(sections) != 1:
        return labels(frame), ""
    return frame["zone_name"].astype(str), SECTION_NOTES.get(sections[0], f"{sections[0]} prices")


def height_for(lines: int) -> int:
    """The height of a figure with a line per zone."""
    return max(LEAST_HEIGHT_PX, FRAME_PX + ROW_PX * lines)


def rules(frame: pd.DataFrame) -> pd.Series[str]:
    """Each row's flags without the demo label, which is no remark on a single cell."""
    return cast("pd.Series[str]", frame["flag"].astype(str).map(_rules_of))


def dress(
    figure: go.Figure,
    frame: pd.DataFrame,
    *,
    title: str,
    x_title: str = "",
    y_title: str = "",
    notes: Sequence[str] = (),
    height: int = LEAST_HEIGHT_PX,
    nothing: str = NO_PRICES,
) -> go.Figure:
    """Put on template, title, axis titles and caption; say `nothing` without a row, and whether prices are made up."""
    demo = is_demo(frame)
    names = {trace.name for trace in figure.data if trace.showlegend is not False and trace.type != "heatmap"}
    figure.update_layout(
        template=house_template(),
        title_text=f"{title} — {DEMO_LABEL}" if demo else title,
        height=height,
        showlegend=bool(names),
        hovermode="x unified" if 1 < len(names) <= SERIES_ABOVE else "closest",
    )
    if len(names) > SERIES_ABOVE:
        figure.update_layout(legend={"orientation": "v", "x": 1.02, "y": 1, "yanchor": "top"})
    for axes, text in ((figure.update_xaxes, x_title), (figure.update_yaxes, y_title)):
        if text:
            axes(title_text=text)
    _caption(figure, frame, notes, drop=CAPTION_PX + (X_TITLE_PX if x_title else 0))
    if frame.empty:
        _write_across(figure, nothing, size=20, color=MUTED, angle=0)
        figure.update_xaxes(visible=False).update_yaxes(visible=False)
    if demo:
        _write_across(figure, DEMO_LABEL, size=46, color=WATERMARK, angle=-24)
    return figure


def house_template() -> go.layout.Template:
    """One calm look: white paper, light horizontal lines, the palette above, the title on the left."""
    axis = {"linecolor": MUTED, "gridcolor": GRID, "zeroline": False, "ticks": "outside", "tickcolor": MUTED}
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK},
            "title": {
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": 0.97,
                "yanchor": "top",
                "font_size": 18,
            },
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "colorway": list(PALETTE),
            "xaxis": {**axis, "showgrid": False, "automargin": True},
            "yaxis": {**axis, "showline": False, "automargin": True, "separatethousands": True},
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font_size": 12},
            "margin": {"l": 70, "r": 30, "t": 90, "b": 100},
            "hoverlabel": {"font_family": FONT, "bgcolor": "white"},
        }
    )


def _caption(figure: go.Figure, frame: pd.DataFrame, notes: Sequence[str], *, drop: int) -> None:
    held = int(frame.attrs.get("held_cells") or 0)
    parts = (
        f"{DEMO_LABEL}, not NECC's prices" if is_demo(frame) else SOURCE,
        _last(frame),
        f"{held} doubtful prices held back" if held else "",
        *notes,
    )
    figure.add_annotation(
        text=" · ".join(part for part in parts if part),
        font={"size": 11, "color": MUTED},
        x=0,
        xref="paper",
        xanchor="left",
        y=0,
        yref="paper",
        yanchor="top",
        yshift=-drop,
        showarrow=False,
        align="left",
    )


def _last(frame: pd.DataFrame) -> str:
    if frame.empty or "date" not in frame:
        return ""
    last = frame["date"].max()
    if "issued_on" in frame:
        return f"forecasts up to {last:%d %B %Y}"
    return f"last month {last:%B %Y}" if "days_count" in frame else f"last date {last:%d %B %Y}"


def _write_across(figure: go.Figure, text: str, *, size: int, color: str, angle: int) -> None:
    figure.add_annotation(
        text=text,
        font={"size": size, "color": color},
        textangle=angle,
        x=0.5,
        xref="paper",
        y=0.5,
        yref="paper",
        showarrow=False,
    )


def _rules_of(flag: str) -> str:
    names = (name.strip() for name in flag.split(","))
    return ", ".join(name for name in names if name not in {"", DEMO_LABEL})


def _fact(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M %Z}"
    if isinstance(value, int):
        return f"{value:,}"
    return KINDS.get(str(value), str(value))
