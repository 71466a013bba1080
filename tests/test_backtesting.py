"""What would have been forecast: the right cells, nothing of the future, the same again after an interruption."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from necc import baselines, predict
from necc.backtesting import COLUMNS, MODELS, OWN, backtest
from necc.errors import NoDataError, UsageError
from necc.panel import panel
from tests.series import long
from tests.test_predict import QUICK, ZONES, day, made_up_market

ORIGINS = [day(number) for number in (600, 607, 614, 700)]  # the last one after the next refit
HORIZONS = (1, 7, 30)


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return made_up_market()


def run(prices: pd.DataFrame, folder: Path | None = None, jobs: int = 1) -> pd.DataFrame:
    return backtest(
        prices, ORIGINS, HORIZONS, refit_weeks=10, min_history_days=365, recipe=QUICK, folder=folder, jobs=jobs
    )


@pytest.fixture(scope="module")
def made(market: pd.DataFrame) -> pd.DataFrame:
    return run(market)


def test_one_row_per_origin_zone_horizon_and_model(made: pd.DataFrame) -> None:
    assert list(made.columns) == COLUMNS
    seasonal_and_drift_are_too_young = made["model"].isin([OWN, baselines.NAIVE])
    counts = made[seasonal_and_drift_are_too_young].groupby(["model", "horizon"]).size()
    assert counts.to_dict() == {
        (model, horizon): 4 * len(ZONES) for model in (OWN, baselines.NAIVE) for horizon in HORIZONS
    }
    assert not made.duplicated(["origin", "zone", "horizon", "model"]).any()
    assert set(made["section"]) == {"suggested"}


def test_actual_and_naive_are_the_prices(made: pd.DataFrame, market: pd.DataFrame) -> None:
    price = market.set_index(["zone", "date"])["price"]
    for column, days in (("naive", 0), ("actual", made["horizon"])):
        target = made["origin"] + pd.to_timedelta(days, unit="D")
        assert made[column].tolist() == price.loc[list(zip(made["zone"], target, strict=True))].tolist()


def test_it_is_what_a_model_of_that_day_would_have_said(made: pd.DataFrame, market: pd.DataFrame) -> None:
    """The third origin, forecast alone by the model of the first: in a block nothing leaks from one to the next."""
    model = predict.train(market, ORIGINS[0], recipe=QUICK)
    alone = model.predict(market, ORIGINS[2]).frame
    wanted = alone[alone["horizon_days"].isin(HORIZONS)]["predicted_price"].tolist()
    found = made[(made["model"] == OWN) & (made["origin"] == pd.Timestamp(ORIGINS[2]))]
    assert found.sort_values(["zone", "horizon"])["predicted"].tolist() == wanted


def test_noise_after_an_origin_changes_none_of_its_forecasts(made: pd.DataFrame, market: pd.DataFrame) -> None:
    last = pd.Timestamp(ORIGINS[2])
    noise = np.random.default_rng(1).uniform(50, 2000, len(market))
    noisy = market.assign(price=market["price"].where(market["date"] <= last, noise))
    columns = ["origin", "zone", "horizon", "model", "predicted", "lower_95", "upper_80"]
    told, again = (frame[frame["origin"] <= last][columns].reset_index(drop=True) for frame in (made, run(noisy)))
    assert_frame_equal(told, again)


def test_a_stopped_run_goes_on_where_it_was(
    made: pd.DataFrame, market: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_frame_equal(run(market, tmp_path), made)
    assert len(list(tmp_path.iterdir())) == 2
    max(tmp_path.iterdir()).unlink()
    trained: list[dt.date] = []
    real = predict.train

    def watched(prices: pd.DataFrame, cutoff: dt.date, **options: object) -> predict.Model:
        trained.append(cutoff)
        return real(prices, cutoff, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(predict, "train", watched)
    assert_frame_equal(run(market, tmp_path), made)
    assert len(trained) == 1


def test_other_prices_are_not_read_from_the_folder(market: pd.DataFrame, tmp_path: Path) -> None:
    for factor in (1, 2):
        dearer = market.assign(price=market["price"] * factor)
        backtest(dearer, ORIGINS[:1], [7], models=[OWN], min_history_days=365, recipe=QUICK, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_processes_change_nothing(made: pd.DataFrame, market: pd.DataFrame) -> None:
    assert_frame_equal(run(market, jobs=2), made)


def test_progress_counts_blocks(market: pd.DataFrame) -> None:
    seen: list[tuple[int, int]] = []
    backtest(
        market,
        [ORIGINS[0], ORIGINS[3]],
        [7],
        models=[OWN],
        refit_weeks=10,
        min_history_days=365,
        recipe=QUICK,
        progress=lambda done, count: seen.append((done, count)),
    )
    assert seen == [(1, 2), (2, 2)]


# --- which cells are scored -----------------------------------------------------------------------


def cells(prices: pd.DataFrame, **options: object) -> list[tuple[str, int]]:
    """(zone, horizon) that are scored at day 40 with at least 30 days of history."""
    origin = pd.Timestamp("2021-01-04") + pd.Timedelta(days=40)
    made = backtest(prices, [origin], [1, 3], models=[baselines.NAIVE], min_history_days=30, **options)  # type: ignore[arg-type]
    return list(zip(made["zone"], made["horizon"], strict=True))


def test_young_stopped_and_unprinted_cells_are_not_scored() -> None:
    prices = long(
        {
            "old": [100.0] * 50,
            "young": [None] * 11 + [100.0] * 39,
            "stopped": [100.0] * 33 + [None] * 17,
            "silent": [100.0] * 34 + [None] * 8 + [100.0] * 8,
        }
    )
    assert cells(prices) == [("old", 1), ("old", 3), ("silent", 3)]


def test_a_mistyped_price_is_no_target() -> None:
    prices = long({"delhi": [100.0] * 50, "pune": [100.0] * 50})
    mistyped = pd.DataFrame({"date": ["2021-02-14"], "zone": ["pune"]})  # the day after the origin
    assert cells(prices, not_targets=mistyped) == [("delhi", 1), ("delhi", 3), ("pune", 3)]


def test_a_price_of_another_section_is_no_target() -> None:
    first = long({"delhi": [100.0] * 42}, section="prevailing")
    then = long({"delhi": [None] * 42 + [90.0] * 8})
    assert cells(pd.concat([first, then])) == [("delhi", 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizons": [31]}, "wanted days from 1 to 30"),
        ({"horizons": []}, "wanted days from 1 to 30"),
        ({"models": ["oracle"]}, "model oracle: wanted some of"),
        ({"models": []}, "wanted some of"),
        ({"origins": [dt.date(2031, 1, 1)]}, "origins: wanted days from 2021-01-01 to the last price"),
    ],
)
def test_what_cannot_be_asked_is_refused(market: pd.DataFrame, options: dict[str, object], message: str) -> None:
    asked: dict[str, object] = {"origins": ORIGINS, "horizons": HORIZONS, **options}
    with pytest.raises(UsageError, match=message):
        backtest(market, **asked)  # type: ignore[arg-type]


def test_too_short_a_history_is_no_data(market: pd.DataFrame) -> None:
    with pytest.raises(NoDataError, match="no zone with 1095 days of history"):
        backtest(market, ORIGINS, HORIZONS, models=[baselines.NAIVE])


# --- the baselines --------------------------------------------------------------------------------


def test_baselines_count() -> None:
    start = pd.Timestamp("2018-01-01")
    prices = long({"delhi": [100 * 1.001**number for number in range(1200)]}, "2018-01-01")
    series, origin = panel(prices), pd.DatetimeIndex([start + pd.Timedelta(days=1150)])
    assert MODELS == (OWN, "naive", "seasonal naive", "drift")
    found = {name: baselines.forecasts(series, name, origin, 7)["predicted"][0, 0] for name in baselines.BASELINES}
    step = np.log(1.001)
    assert found == pytest.approx({"naive": 0, "seasonal naive": (7 - 364) * step, "drift": 7 * step})


def test_a_baseline_knows_its_errors_of_the_last_three_years() -> None:
    """A step of 10 % on day 1150 was an error of 60 origins; they are one in 18 of those that count."""
    series = panel(long({"delhi": [100.0] * 1150 + [110.0] * 1300}, "2015-01-01"))
    origins = pd.DatetimeIndex(series.observed.index[[1149, 1250, 1250 + 1095]])
    upper = baselines.forecasts(series, "naive", origins, 60)["upper_95"][:, 0]
    assert upper == pytest.approx([0, np.log(1.1), 0])
