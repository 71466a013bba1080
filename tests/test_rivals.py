"""Statsforecast's models beside ours: the same cells, no look ahead, their own numbers, a clear word without them."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from necc import rivals
from necc.backtesting import COLUMNS, backtest
from necc.baselines import NAIVE
from necc.errors import MissingExtraError, UsageError
from necc.panel import panel
from necc.skill import same_cells
from tests.series import long

statsforecast = pytest.importorskip("statsforecast.models", reason="the extra bench is not installed")

START = "2021-01-04"
DAYS = 800
ORIGINS = [dt.date(2023, 1, 11) + dt.timedelta(days=7 * week) for week in range(3)]  # from day 737 on
STEPS = np.random.default_rng(7).normal(0, 3, DAYS) * (np.random.default_rng(8).random(DAYS) < 0.5)
PRICES: list[float | None] = (450 + np.cumsum(STEPS)).round(2).tolist()


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return long({"delhi": PRICES, "pune": PRICES[::-1]}, START)


def run(prices: pd.DataFrame, models: tuple[str, ...], folder: Path | None = None, jobs: int = 1) -> pd.DataFrame:
    asked = {"models": models, "min_history_days": 365, "rival_step": 2, "folder": folder, "jobs": jobs}
    return backtest(prices, ORIGINS, (1, 30), **asked)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made(market: pd.DataFrame) -> pd.DataFrame:
    return run(market, (NAIVE, *rivals.RIVALS))


def test_each_forecasts_the_cells_of_every_so_manieth_origin(made: pd.DataFrame) -> None:
    assert list(made.columns) == COLUMNS
    counts = made.groupby("model").size().to_dict()
    assert counts == {NAIVE: 3 * 2 * 2, **dict.fromkeys(rivals.RIVALS, 2 * 2 * 2)}
    compared = same_cells(made)
    assert set(compared["origin"].dt.date) == {ORIGINS[0], ORIGINS[2]}
    keys = ["zone", "horizon", "section", "actual", "naive"]
    of_naive = compared.loc[compared["model"] == NAIVE, keys].reset_index(drop=True)
    for name in rivals.RIVALS:
        assert_frame_equal(compared.loc[compared["model"] == name, keys].reset_index(drop=True), of_naive)


def test_bounds_are_in_order_and_near_the_price(made: pd.DataFrame) -> None:
    theirs = made[made["model"].isin(rivals.RIVALS)]
    for lower, upper in (("lower_95", "lower_80"), ("lower_80", "upper_80"), ("upper_80", "upper_95")):
        assert (theirs[lower] <= theirs[upper]).all()
    assert theirs["predicted"].between(0.7 * theirs["naive"], 1.3 * theirs["naive"]).all()


def test_the_numbers_are_the_library_s_own(made: pd.DataFrame) -> None:
    known = np.array(PRICES[:738])
    told = statsforecast.Theta(season_length=7).forecast(known, 30, level=[80, 95])
    cell = (made["model"] == "Theta") & (made["zone"] == "delhi") & (made["origin"] == pd.Timestamp(ORIGINS[0]))
    found = made[cell & (made["horizon"] == 30)].iloc[0]
    wanted = [told[name][29] for name in ("mean", "lo-80", "hi-80", "lo-95", "hi-95")]
    assert found[["predicted", "lower_80", "upper_80", "lower_95", "upper_95"]].tolist() == wanted


def test_they_know_three_years_and_nothing_of_what_came_later() -> None:
    series = panel(long({"delhi": [100.0 + number for number in range(1300)]}, START))
    origin = series.observed.index[1200]
    (fit,) = rivals.fits(series, pd.DataFrame({"origin": [origin], "zone": ["delhi"]}), ["Theta"])
    assert fit.window["delhi"].tolist() == [100.0 + number for number in range(1201 - 1095, 1201)]


def test_a_long_gap_is_left_out_and_a_short_one_filled() -> None:
    prices: list[float | None] = [100.0 + number for number in range(60)]
    prices[10], prices[30:50] = None, [None] * 20
    series = panel(long({"delhi": prices}, START))
    cells = pd.DataFrame({"origin": [series.observed.index[-1]], "zone": ["delhi"]})
    (fit,) = rivals.fits(series, cells, ["Theta"])
    known = fit.window["delhi"].dropna().tolist()
    assert known == [*range(100, 110), 109, *range(111, 130), *[129] * 7, *range(150, 160)]
    assert len(fit.make(None)) == 30


def test_too_few_days_give_no_row_and_a_flat_price_stays() -> None:
    series = panel(long({"young": [None] * 750 + PRICES[:30], "flat": [400.0] * 780}, START))
    cells = pd.DataFrame({"origin": [series.observed.index[-1]] * 2, "zone": ["young", "flat"]})
    for fit in rivals.fits(series, cells, rivals.RIVALS):
        made = fit.make(None)
        assert made["zone"].tolist() == ["flat"] * 30
        assert made["predicted"].tolist() == pytest.approx([400] * 30)


def test_other_prices_another_name() -> None:
    cells = pd.DataFrame({"origin": [pd.Timestamp(START) + pd.Timedelta(days=99)], "zone": ["delhi"]})
    names = {
        fit.name
        for prices in (PRICES[:100], PRICES[1:101])
        for fit in rivals.fits(panel(long({"delhi": prices}, START)), cells, ["Theta", "AutoETS"])
    }
    assert len(names) == 4


def test_a_run_is_resumed(market: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(market, ("Theta",), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(rivals.Fit, "make", lambda *given: pytest.fail("it was fitted before"))
    assert_frame_equal(run(market, ("Theta",), tmp_path), first, check_exact=True)


def test_without_the_extra_it_is_said_before_anything_is_done(
    market: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    with pytest.raises(MissingExtraError, match=r"^Theta of statsforecast needs .*: pip install 'necc\[bench\]'$"):
        run(market, ("Theta",))
    assert set(run(market, (NAIVE,))["model"]) == {NAIVE}


def test_an_unknown_model_names_the_known_ones(market: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="model Prophet: wanted some of .*naive.*AutoETS, AutoARIMA, Theta, MSTL"):
        run(market, ("Prophet",))
