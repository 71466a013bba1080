"""Naive is given where it was closer for long enough, and nowhere else; the model's forecasts stay as they are."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from necc.config import NAIVE_FALLBACK
from necc.fallback import CELL, MIN_WEEKS, WINDOW_DAYS, described, given_instead, naive_won, run_of
from necc.forecast_store import KEPT_COLUMNS
from tests.test_forecast_store import RUN

Cell = tuple[str, str, int]
DELHI_1: Cell = ("delhi", "suggested", 1)


def record(*rows: tuple[Cell, int, float, float]) -> pd.DataFrame:
    """Cell, weeks, the model's mean absolute error and naive's."""
    columns = [*CELL, "weeks_count", "mae", "naive_mae"]
    return pd.DataFrame([(*cell, weeks, mae, naive) for cell, weeks, mae, naive in rows], columns=columns)


def won(*cells: Cell) -> pd.DataFrame:
    return pd.DataFrame(list(cells), columns=CELL).astype({"horizon_days": "int64"})


def made(price: float = 512.0, naive: float = 500.0) -> pd.DataFrame:
    """One and two days ahead for Delhi and Pune, all with the interval 505 (508) to (515) 520."""
    issued_on = dt.date(2025, 6, 5)
    rows = [
        {"zone": zone, "horizon_days": ahead, "target_date": issued_on + dt.timedelta(days=ahead)}
        for zone in ("delhi", "pune")
        for ahead in (1, 2)
    ]
    bounds = {"lower_95": 505.0, "lower_80": 508.0, "upper_80": 515.0, "upper_95": 520.0}
    frame = pd.DataFrame(rows).assign(section="suggested", issued_on=issued_on)
    return frame.assign(predicted_price=price, naive_price=naive, **bounds)


@pytest.mark.parametrize(
    ("weeks", "mae", "naive", "is_won"),
    [
        (MIN_WEEKS, 4.01, 4.0, True),
        (MIN_WEEKS - 1, 9.0, 4.0, False),  # too short a record to tell
        (26, 4.0, 4.0, False),  # a draw
        (26, 3.99, 4.0, False),
        (26, 0.0, 0.0, False),  # nothing moved
    ],
)
def test_naive_wins_where_it_was_closer_for_thirteen_weeks(weeks: int, mae: float, naive: float, is_won: bool) -> None:
    found = naive_won(record((DELHI_1, weeks, mae, naive)))
    assert list(found.itertuples(index=False, name=None)) == ([DELHI_1] if is_won else [])


def test_each_zone_section_and_horizon_is_judged_by_itself() -> None:
    cells: list[Cell] = [("pune", "suggested", 2), ("delhi", "prevailing", 1), ("delhi", "suggested", 1)]
    found = naive_won(record(*((cell, 26, 5.0, 4.0) for cell in cells), (("pune", "suggested", 1), 26, 3.0, 4.0)))
    assert list(found.itertuples(index=False, name=None)) == sorted(cells)


def test_no_record_is_no_verdict() -> None:
    assert naive_won(record()).empty
    assert given_instead(made(), naive_won(record())).empty
    assert described(naive_won(record())) == {}


def test_the_window_is_26_weeks_and_half_of_them_are_wanted() -> None:
    assert (WINDOW_DAYS, MIN_WEEKS) == (182, 13)


def test_what_is_given_instead_is_naive_s_price_in_these_cells_only() -> None:
    frame = made()
    before = frame.copy()
    instead = given_instead(frame, won(DELHI_1, ("pune", "prevailing", 2), ("ajmer", "suggested", 1)))
    assert list(instead[[*CELL, "predicted_price"]].itertuples(index=False, name=None)) == [(*DELHI_1, 500.0)]
    assert set(KEPT_COLUMNS) <= set(instead)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("naive", "bounds"),
    [
        (500.0, [500.0, 500.0, 515.0, 520.0]),  # below both intervals
        (506.0, [505.0, 506.0, 515.0, 520.0]),  # below the narrow one
        (512.0, [505.0, 508.0, 515.0, 520.0]),
        (517.0, [505.0, 508.0, 517.0, 520.0]),
        (530.0, [505.0, 508.0, 530.0, 530.0]),
    ],
)
def test_the_interval_is_stretched_to_hold_naive_and_never_narrowed(naive: float, bounds: list[float]) -> None:
    row = given_instead(made(naive=naive), won(DELHI_1)).iloc[0]
    assert [row[name] for name in ("lower_95", "lower_80", "upper_80", "upper_95")] == bounds


def test_the_run_names_the_model_it_stands_in_for_and_the_rule() -> None:
    run = run_of(RUN, given_instead(made(), won(DELHI_1, ("pune", "suggested", 2))))
    assert (run.name, run.version, run.training_cutoff) == (NAIVE_FALLBACK, RUN.version, RUN.training_cutoff)
    assert (run.horizons_days, run.features) == ((1, 2), ())
    assert dict(run.scores) == {"instead_of": RUN.name, "window_days": 182, "min_weeks": 13}


def test_horizons_are_told_as_spans() -> None:
    cells = [("pune", "suggested", 30), *(("delhi", "suggested", ahead) for ahead in (1, 2, 3, 7, 9, 10))]
    assert described(won(*cells)) == {"delhi": "1 to 3, 7, 9 to 10", "pune": "30"}
