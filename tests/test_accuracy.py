"""The figures of how good forecasts were draw what the scores say, and leave naive in the model's place out."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from necc import show
from necc.config import DEMO_LABEL
from necc.errors import UsageError
from tests.test_show import UNIT, daily, forecasts, named, text_of


def scored(rows: list[dict[str, Any]], *, demo: bool = False) -> pd.DataFrame:
    """Scores as `necc.scores` gives them, of ten forecasts each; three of them were written after their day."""
    made = pd.DataFrame(rows).assign(forecasts_count=10, replayed_count=3, unit=UNIT, flag=DEMO_LABEL if demo else "")
    made.attrs["is_demo"] = demo
    return made


def by_horizon(*, demo: bool = False) -> pd.DataFrame:
    """One and two days ahead by the model, and naive given once instead."""
    rows = [
        {"model": "naive-fallback", "horizon_days": 1, "mae": 9.0, "naive_mae": 9.0, "coverage_80": 0.1},
        {"model": "pooled", "horizon_days": 1, "mae": 4.0, "naive_mae": 5.0, "coverage_80": 0.75},
        {"model": "pooled", "horizon_days": 2, "mae": 8.0, "naive_mae": 10.0, "coverage_80": 0.85},
    ]
    return scored(rows, demo=demo).assign(coverage_95=0.925)


def by_zone(*, demo: bool = False) -> pd.DataFrame:
    """Delhi gains and loses; in Pune naive was never wrong one day ahead, and was given instead at two."""
    cells = [("delhi", "pooled", 1, 0.25), ("delhi", "pooled", 2, -0.5), ("pune", "pooled", 1, None)]
    cells += [("pune", "pooled", 2, 0.0), ("pune", "naive-fallback", 2, 0.125)]
    rows = [
        {"zone": zone, "model": model, "horizon_days": ahead, "skill": skill} for zone, model, ahead, skill in cells
    ]
    made = scored(rows, demo=demo)
    return made.assign(zone_name=made["zone"].str.title(), section="suggested", skill=made["skill"].astype(float))


def record(*, demo: bool = False) -> pd.DataFrame:
    """One day ahead, for 6 June."""
    made = forecasts(demo=demo)
    return made[made["date"] == "2025-06-06"].assign(horizon_days=1)


def of_a_backtest(*, demo: bool = False) -> pd.DataFrame:
    """A model and naive, one and seven days ahead."""
    rows = [("naive", 1, 5.0), ("naive", 7, 20.0), ("pooled", 1, 4.0), ("pooled", 7, 15.0)]
    made = pd.DataFrame(rows, columns=["model", "horizon", "mae"]).assign(cells=25)
    made.attrs["is_demo"] = demo
    return made


ALL = {
    "backtest_lines": (show.backtest_lines, of_a_backtest, "no forecast has met its price yet"),
    "error_lines": (show.error_lines, by_horizon, "no forecast has met its price yet"),
    "coverage_lines": (show.coverage_lines, by_horizon, "no forecast has met its price yet"),
    "skill_heatmap": (show.skill_heatmap, by_zone, "no forecast has met its price yet"),
    "track_record": (show.track_record, record, "no forecast in this range"),
}
every_figure = pytest.mark.parametrize(("draw", "made", "nothing"), ALL.values(), ids=ALL)


@every_figure
def test_made_up_prices_are_named_in_title_caption_and_across_the_figure(draw: Any, made: Any, nothing: str) -> None:
    figure = draw(made(demo=True))
    assert figure.layout.title.text.endswith(" — made-up demo data")
    assert [note.textangle for note in figure.layout.annotations if note.text == DEMO_LABEL] == [-24]
    assert "made-up demo data, not NECC's prices" in text_of(figure)


@every_figure
def test_real_prices_name_their_source_and_carry_no_demo_label(draw: Any, made: Any, nothing: str) -> None:
    figure = draw(made())
    assert DEMO_LABEL not in figure.to_json()
    assert "Source: NECC daily sheets" in text_of(figure)


@every_figure
def test_without_rows_the_figure_says_so(draw: Any, made: Any, nothing: str) -> None:
    figure = draw(made().iloc[:0])
    assert nothing in text_of(figure)
    assert not any(len(trace.x) for trace in figure.data)


def points(figure: go.Figure, name: str) -> dict[int, float]:
    trace = named(figure)[name]
    return dict(zip(trace.x, trace.y, strict=True))


def test_errors_stand_beside_naive_s_of_the_same_days() -> None:
    figure = show.error_lines(by_horizon())
    assert list(named(figure)) == ["forecasts by pooled", "naive on the days of pooled"]
    assert points(figure, "forecasts by pooled") == {1: 4.0, 2: 8.0}
    assert points(figure, "naive on the days of pooled") == {1: 5.0, 2: 10.0}
    assert figure.layout.yaxis.title.text == "mean absolute error, INR per 100 eggs"
    assert "20 forecasts scored, 6 of them written after their day" in text_of(figure)


def test_a_backtest_has_a_line_per_model() -> None:
    figure = show.backtest_lines(of_a_backtest())
    assert (points(figure, "naive"), points(figure, "pooled")) == ({1: 5.0, 7: 20.0}, {1: 4.0, 7: 15.0})
    assert figure.layout.yaxis.title.text == "mean absolute error, INR per 100 eggs"
    assert "100 forecasts scored" in text_of(figure)


def test_what_was_never_replayed_is_not_said_to_be() -> None:
    figure = show.error_lines(by_horizon().assign(replayed_count=0))
    assert "20 forecasts scored" in text_of(figure)
    assert "written after" not in text_of(figure)


def test_coverage_stands_beside_its_promise() -> None:
    figure = show.coverage_lines(by_horizon())
    assert points(figure, "inside the 80 % interval, pooled") == {1: 75.0, 2: 85.0}
    assert points(figure, "inside the 95 % interval, pooled") == {1: 92.5, 2: 92.5}
    assert [(line.y0, line.line.dash) for line in figure.layout.shapes] == [(80, "dash"), (95, "dash")]


def test_skill_has_a_line_per_zone_and_a_column_per_day_ahead() -> None:
    cells = show.skill_heatmap(by_zone()).data[0]
    assert (list(cells.y), list(cells.x)) == (["Delhi", "Pune"], [1, 2])
    assert [[None if pd.isna(z) else z for z in row] for row in cells.z] == [[25, -50], [None, 0]]
    assert cells.zmin == -cells.zmax  # white is as good as naive


@pytest.mark.parametrize(
    ("draw", "made"),
    [(show.error_lines, by_horizon), (show.coverage_lines, by_horizon), (show.backtest_lines, of_a_backtest)],
)
def test_several_rows_of_one_horizon_are_refused(draw: Any, made: Any) -> None:
    with pytest.raises(UsageError, match="one row per model and horizon"):
        draw(pd.concat([made(), made()]))


def test_two_models_in_one_heat_map_are_refused() -> None:
    with pytest.raises(UsageError, match="one row per label and horizon_days is drawn"):
        show.skill_heatmap(pd.concat([by_zone(), by_zone().assign(model="other")]))


def test_the_record_stands_on_its_days_with_its_interval_beside_naive_and_the_price() -> None:
    figure = show.track_record(record(), history=daily())
    assert figure.layout.title.text == "Forecasts beside what came, made 1 day ahead"
    parts = named(figure)
    assert set(parts) == {"price", "naive: the price of the day of issue", "forecast"}
    said = parts["forecast"]
    assert (list(said.y), list(said.error_y.array), list(said.error_y.arrayminus)) == ([512], [18], [22])
    assert list(parts["naive: the price of the day of issue"].y) == [510]
    prices = [trace for trace in figure.data if trace.name == "price"]
    assert [None if pd.isna(y) else y for y in prices[0].y] == [500, 505, None, None, 510]


def test_a_record_of_two_horizons_is_refused() -> None:
    with pytest.raises(UsageError, match="one horizon, the frame holds 2"):
        show.track_record(pd.concat([record(), record().assign(horizon_days=7)]))
