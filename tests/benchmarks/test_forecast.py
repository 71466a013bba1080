"""How good the forecasts are, and how fast, on the real prices, beside others': `make bench-forecast` prints it all.

The protocol: forecasts on Wednesdays of the zones that are printed today and had three years of prices on that day,
by models refitted every 26 weeks. Observed prices alone are targets, known typing errors are none. DEV is the span
that choices were made on, TEST the span that they were not: `make bench-forecast SPAN=DEV` leaves it alone.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from necc import model_file, predict, skill
from necc.backtesting import MODELS, OWN, backtest
from necc.rivals import RIVALS
from tests import real_prices
from tests.benchmarks import memory

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]

LAST_DAY = dt.date(2025, 6, 30)
LIVE_SINCE = pd.Timestamp("2025-06-01")
SPANS = {"DEV": ("2020-04-01", "2023-02-22"), "TEST": ("2023-04-05", "2025-05-28")}
AIM = {
    "DEV": {1: 0.08, 3: 0.21, 7: 0.18, 14: 0.21, 30: 0.32},
    "TEST": {1: 0.06, 3: 0.13, 7: 0.17, 14: 0.31, 30: 0.46},
}
WIDTH_AIM = {7: 0.80, 14: 0.66, 30: 0.54}  # of the 80 % interval, against naive's
SHOWN = [
    "model", "horizon", "cells", "mae", "skill", "skill_low", "skill_high", "mase", "pinball_10", "pinball_50",
    "pinball_90", "coverage_80", "coverage_95", "width_80", "width_95",
]  # fmt: skip


def zone_of(label: str) -> str:
    """A slug of a printed label: Delhi (CC) -> delhi; one for both Jabalpurs."""
    return re.sub(r"\W+", "-", re.sub(r"\s*\(.*", "", label).strip().lower()).strip("-")


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    rows = [
        (pd.Timestamp(day), zone_of(label), section, float(price))
        for (label, section, day), price in real_prices.published().items()
    ]
    frame = pd.DataFrame(rows, columns=["date", "zone", "section", "price"])
    live = frame.loc[frame["date"] >= LIVE_SINCE, "zone"].unique()
    return frame[frame["zone"].isin(live)]


@pytest.fixture(scope="module")
def mistyped() -> pd.DataFrame:
    text = (real_prices.folder() / "source" / "known_source_typos.json").read_text(encoding="utf-8")
    rows = [
        {"date": pd.Timestamp(first) + pd.Timedelta(days=number), "zone": zone_of(label.partition("|")[2])}
        for first, label, _, _, values, _ in json.loads(text)
        for number in range(len(values))
    ]
    return pd.DataFrame(rows)


@contextmanager
def timed(figure: str, limit_s: float) -> Iterator[None]:
    started = time.perf_counter()
    yield
    took = time.perf_counter() - started
    print(f"\n{figure}: {took:.1f} s (promised {limit_s:g} s)")
    assert took <= limit_s


def test_training_and_predicting(prices: pd.DataFrame) -> None:
    with memory.watched() as peak:
        with timed("training of all zones, 30 horizons and intervals", 60):
            model = predict.train(prices, LAST_DAY)
        with timed("predicting them, features included", 5):
            model.predict(prices, LAST_DAY)
    print(f"\npeak memory, the processes that train included: {peak.mb:.0f} MB (promised 2048 MB)")
    assert peak.mb <= 2048


def test_predicting_from_a_saved_model(prices: pd.DataFrame, tmp_path: Path) -> None:
    saved = model_file.save(predict.train(prices, LAST_DAY), tmp_path)
    print(f"\nsaved model: {saved.path.stat().st_size / 1e6:.1f} MB")
    with timed("predicting all zones and 30 horizons from it, loading and features included", 5):
        model_file.load(saved.path).model.predict(prices, LAST_DAY)


@pytest.mark.parametrize("span", SPANS)
def test_skill_and_intervals(span: str, prices: pd.DataFrame, mistyped: pd.DataFrame) -> None:
    made, seconds = _forecast(span, prices, mistyped)
    ours_s = sum(seconds[name] for name in MODELS)
    print(f"\n{span} {SPANS[span][0]} .. {SPANS[span][1]}: {ours_s:.0f} s (promised 720 s)")
    card, own = skill.scores(made[made["model"].isin(MODELS)], prices=prices), made[made["model"] == OWN]
    print(card[SHOWN].round(3).to_string(index=False))
    for name in ("year", "quarter", "section", "zone"):
        found = skill.scores(own, ("horizon", name))
        for figure in ("skill", "coverage_80", "coverage_95"):
            table = found.pivot(index=name, columns="horizon", values=figure)  # noqa: PD010
            print(f"\n{figure} by {name}\n{table.round(3).to_string()}")
    _print_beside_aims(card, span)
    _print_beside_rivals(made, seconds)
    by_year = skill.scores(own, ("horizon", "year"))
    assert (by_year["skill"] > 0).all()
    assert ours_s <= 720


def _forecast(span: str, prices: pd.DataFrame, mistyped: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, float]]:
    """What each model forecast, and how long it took: one after the other, ours on all origins, RIVALS on each eighth.

    Ours trains on two threads, they fit on two processes: each has the machine for itself.
    """
    origins = pd.date_range(*SPANS[span], freq="W-WED").date
    parts, seconds = [], {}
    for name in (*MODELS, *RIVALS):
        started = time.perf_counter()
        jobs = os.cpu_count() or 1 if name in RIVALS else 1
        parts.append(backtest(prices, origins, models=[name], not_targets=mistyped, jobs=jobs))
        seconds[name] = time.perf_counter() - started
        print(f"{span} {name}: {seconds[name]:.0f} s")
    return pd.concat(parts, ignore_index=True), seconds


def _print_beside_rivals(made: pd.DataFrame, seconds: dict[str, float]) -> None:
    """Every model on the cells that all of them forecast; the time of all that each of them forecast."""
    alike = skill.same_cells(made)
    days = made.groupby("model")["origin"].nunique()
    print(f"\nskill on the same {alike['origin'].nunique()} days, {len(alike) // len(days)} prices")
    for figure in ("skill", "mae", "coverage_80", "coverage_95", "width_80"):
        table = skill.scores(alike).pivot(index="model", columns="horizon", values=figure).round(3)  # noqa: PD010
        if figure == "skill":
            table["seconds"] = pd.Series(seconds).round(1)
            table["days forecast"] = days
            table["seconds a day"] = (table["seconds"] / days).round(1)
        print(f"\n{figure} on the same prices\n{table.to_string()}")


def _print_beside_aims(card: pd.DataFrame, span: str) -> None:
    figures = {(str(row["model"]), row["horizon"]): row for row in card.to_dict("records")}
    for days, aim in AIM[span].items():
        own, naive = figures[OWN, days], figures["naive", days]
        width = f", 80 % width {own['width_80'] / naive['width_80']:.2f} of naive's"
        width += f" (wanted {WIDTH_AIM[days]})" if days in WIDTH_AIM else ""
        print(
            f"{days} days: skill {own['skill']:.3f} (wanted {aim}), coverage {own['coverage_80']:.3f} and"
            f" {own['coverage_95']:.3f} (wanted .78 to .82 and .94 to .96){width}"
        )
