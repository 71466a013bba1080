"""Forecasts that know nothing of the future, stay in order, say what they leave out, and beat naive where they can."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from necc import examples, features, learn, predict
from necc.config import DEMO_LABEL
from necc.errors import NoDataError, UsageError
from necc.examples import Floats
from necc.feature_table import FEATURES
from necc.learn import HORIZONS_DAYS, Recipe
from necc.panel import panel
from necc.predict import Issue, Model

ZONES = ("ajmer", "barwala", "chennai", "delhi", "namakkal", "pune")
DAYS = 760
FIRST_DAY = dt.date(2021, 1, 1)
CUTOFF = FIRST_DAY + dt.timedelta(days=639)
QUICK = Recipe(
    anchors_days=(1, 7, 30),
    calibrated_days=(1, 7, 30),
    model={"chances": 20},
    spread={"iterations": 10, "smallest_leaf": 30},
)
train = partial(predict.train, jobs=1)  # other processes take longer to start than this to train
COLUMNS = {
    "zone": "str",
    "section": "str",
    "issued_on": "datetime64[ns]",
    "target_date": "datetime64[ns]",
    "horizon_days": "int64",
    "predicted_price": "float64",
    "lower_95": "float64",
    "lower_80": "float64",
    "upper_80": "float64",
    "upper_95": "float64",
    "naive_price": "float64",
    "last_price_on": "datetime64[ns]",
}


def day(number: int) -> dt.date:
    return FIRST_DAY + dt.timedelta(days=number)


def made_up_market(scale: float = 1.0) -> pd.DataFrame:
    """Six zones that follow one drift with a long memory, each with steps of its own."""
    rng = np.random.default_rng(5)
    drift = np.zeros(DAYS)
    for today in range(1, DAYS):
        drift[today] = 0.9 * drift[today - 1] + rng.normal(0, 0.003)
    own = rng.normal(0, 0.002, (DAYS, len(ZONES)))
    prices = scale * 450 * np.exp(np.cumsum(drift[:, None] + own, axis=0))
    wide = pd.DataFrame(prices.round(2), index=pd.date_range(FIRST_DAY, periods=DAYS), columns=list(ZONES))
    rows = wide.rename_axis("date").reset_index().melt("date", var_name="zone", value_name="price")
    return rows.assign(section="suggested", flag="", unit="INR per 100 eggs")


@contextmanager
def trained_quickly(recipe: Recipe = QUICK) -> Iterator[None]:
    """For tests of what is done with a model: `necc predict` trains as `recipe` says, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predict, "Recipe", lambda: recipe)
        patch.setattr(predict, "train", partial(predict.train, recipe=recipe, jobs=1))
        yield


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return made_up_market()


@pytest.fixture(scope="module")
def model(market: pd.DataFrame) -> Model:
    return train(market, CUTOFF, recipe=QUICK)


@pytest.fixture(scope="module")
def issue(model: Model, market: pd.DataFrame) -> Issue:
    return model.predict(market, CUTOFF)


def up_to(prices: pd.DataFrame, last: dt.date) -> pd.DataFrame:
    return prices[prices["date"] <= pd.Timestamp(last)]


def without(prices: pd.DataFrame, zone: str, first: dt.date, last: dt.date) -> pd.DataFrame:
    return prices[~((prices["zone"] == zone) & prices["date"].between(pd.Timestamp(first), pd.Timestamp(last)))]


# --- shape ----------------------------------------------------------------------------------------


def test_one_row_per_zone_and_day_ahead(issue: Issue) -> None:
    frame = issue.frame
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS
    assert frame["zone"].tolist() == [zone for zone in ZONES for _ in HORIZONS_DAYS]
    assert frame["horizon_days"].tolist() == [*range(1, 31)] * len(ZONES)
    assert (frame["issued_on"] == pd.Timestamp(CUTOFF)).all()
    assert ((frame["target_date"] - frame["issued_on"]).dt.days == frame["horizon_days"]).all()
    assert set(frame["section"]) == {"suggested"}
    assert (issue.issued_on, dict(issue.not_predicted), issue.notes, dict(issue.starts)) == (CUTOFF, {}, (), {})


def test_naive_is_the_last_price(issue: Issue, market: pd.DataFrame) -> None:
    last = market[market["date"] == pd.Timestamp(CUTOFF)].set_index("zone")["price"]
    assert issue.frame["naive_price"].tolist() == issue.frame["zone"].map(last).tolist()
    assert (issue.frame["last_price_on"] == pd.Timestamp(CUTOFF)).all()


def in_order(frame: pd.DataFrame) -> bool:
    ordered = frame[["lower_95", "lower_80", "predicted_price", "upper_80", "upper_95"]].to_numpy()
    return bool((np.diff(ordered, axis=1) >= 0).all() and (ordered > 0).all())


def test_intervals_enclose_the_prediction(issue: Issue) -> None:
    assert in_order(issue.frame)
    widths = (issue.frame["upper_80"] - issue.frame["lower_80"]).groupby(issue.frame["horizon_days"]).mean()
    assert 0 < widths.loc[1] < widths.loc[7] < widths.loc[30]
    amounts = issue.frame.filter(regex="price$|lower|upper")
    assert_frame_equal(amounts, amounts.round(2))


def test_intervals_stay_in_order_and_above_zero_for_the_cheapest_eggs() -> None:
    """At 0.02 INR rounding to 0.01 would reach zero."""
    cheap = made_up_market(scale=5e-5).assign(price=lambda rows: rows["price"].clip(lower=0.01))
    frame = train(cheap, CUTOFF, recipe=QUICK).predict(cheap, CUTOFF).frame
    assert in_order(frame)
    assert frame["lower_95"].min() == 0.01


def test_between_the_anchors_the_log_change_is_a_straight_line(issue: Issue) -> None:
    rows = issue.frame[issue.frame["zone"] == "delhi"].set_index("horizon_days")
    for column in ("predicted_price", "lower_80", "upper_95"):
        change = (rows[column] / rows["naive_price"]).map(np.log)
        assert change.loc[4] == pytest.approx((change.loc[1] + change.loc[7]) / 2, abs=5e-5)
        assert change.loc[15] == pytest.approx(change.loc[7] + (change.loc[30] - change.loc[7]) * 8 / 23, abs=5e-5)
    assert rows["predicted_price"].loc[1] != rows["predicted_price"].loc[30]


def test_interpolation_counts() -> None:
    values = learn.between((1, 3, 30), np.array([[10.0, 30.0, 300.0], [0.0, 2.0, 2.0]]), HORIZONS_DAYS)
    assert values[0] == pytest.approx([10 * horizon for horizon in HORIZONS_DAYS])
    assert values[1] == pytest.approx([0, 1, *[2] * 28])


def test_the_weight_is_the_multiple_that_came() -> None:
    made = np.array([0.02, -0.01, 0.04, 0.03])
    assert learn._weight(made, made * 0.5) == 0.5
    assert learn._weight(made, made * 3) == 1
    assert learn._weight(made, -made) == 0
    assert learn._weight(made * 0, made) == 0
    assert learn._skill(made, made * 2) == pytest.approx(0.5)
    assert learn._skill(made, made * 0) == 0


def test_without_trust_the_prediction_is_naive(model: Model, market: pd.DataFrame) -> None:
    distrusted = (
        replace(model, anchors=tuple(replace(part, weight=0.0) for part in model.anchors)).predict(market, CUTOFF).frame
    )
    assert distrusted["predicted_price"].tolist() == distrusted["naive_price"].tolist()
    assert in_order(distrusted)


@pytest.mark.parametrize("anchors", [(), (1, 7), (2, 30), (1, 30, 7), (1, 7, 7, 30), (1, 7, 31)])
def test_anchors_reach_from_1_to_30(anchors: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="wanted ascending days from 1 to 30"):
        Recipe(anchors_days=anchors)
    with pytest.raises(UsageError, match="wanted ascending days from 1 to 30"):
        Recipe(calibrated_days=anchors)


def test_what_is_calibrated_is_an_anchor() -> None:
    with pytest.raises(UsageError, match=r"calibrated_days=\(1, 4, 30\): wanted days of"):
        Recipe(calibrated_days=(1, 4, 30))


# --- nothing of the future, and the same again ----------------------------------------------------


def test_prices_after_the_cutoff_change_nothing(market: pd.DataFrame, model: Model, issue: Issue) -> None:
    later = market["date"] > pd.Timestamp(CUTOFF)
    noise = np.random.default_rng(3).uniform(50, 2000, len(market))
    noisy = market.assign(
        price=market["price"].where(~later, noise), section=market["section"].where(~later, "prevailing")
    )
    newcomer = market[later & (market["zone"] == "delhi")].assign(zone="atlantis")
    other = train(pd.concat([noisy, newcomer]), CUTOFF, recipe=QUICK)
    assert other.run.version == model.run.version
    for mine, others in zip(model.anchors, other.anchors, strict=True):
        assert mine.scores is not None
        assert others.scores is not None
        assert np.array_equal(mine.scores.value, others.scores.value)
    assert other.run.scores == model.run.scores
    assert_frame_equal(other.predict(noisy, CUTOFF).frame, issue.frame)


def test_each_fold_is_tried_by_a_model_of_the_days_before(
    market: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[int, int, int, int]] = []
    real = learn._trial

    def watched(
        known: examples.Examples, days: examples.Examples, recipe: Recipe, horizon: int, split: int, end: int
    ) -> object:
        made = real(known, days, recipe, horizon, split, end)
        if horizon == 7:
            tried.append((split, end, int(made[0].origin.min()), int(made[0].origin.max())))
        return made

    monkeypatch.setattr(learn, "_trial", watched)
    run = train(market, CUTOFF, recipe=QUICK).run
    last = (CUTOFF - dt.date(1970, 1, 1)).days
    begin = last - 640 // 3  # a third of the history, as it is short
    second, third = last - 142, last - 71
    assert [(split, end) for split, end, _, _ in tried] == [(begin, second), (second, third), (third, last)]
    for split, end, first_origin, last_origin in tried:
        assert split < first_origin < last_origin <= end
    assert run.scores["calibration_from"] == str(CUTOFF - dt.timedelta(days=640 // 3 - 1))


def test_the_part_of_the_nation_grows_with_the_days_ahead() -> None:
    parts = {days: learn.nation_part(days) for days in (1, 3, 5, 7, 30)}
    assert parts == {1: 0, 3: 0.4, 5: 0.8, 7: 0.9, 30: 0.9}


def test_whether_a_price_moves_is_asked_for_a_few_days_ahead() -> None:
    shapes = {days: learn._arguments(learn.Recipe(model={"penalty": 9.0}), days) for days in (1, 5, 7, 14)}
    assert shapes == {
        1: {"moves": 0.8, "nation": 0, "penalty": 9},
        5: {"moves": 0.4, "nation": 0.8, "penalty": 9},
        7: {"moves": 0.2, "nation": 0.9, "penalty": 9},
        14: {"moves": 0, "nation": 0.9, "penalty": 9},
    }


def test_a_line_helps_with_the_spread_from_three_days_on(model: Model) -> None:
    assert {anchor.horizon_days: anchor.spread.line for anchor in model.anchors} == {1: 0.0, 7: 0.5, 30: 0.5}


def test_trial_rows_have_met_their_price_before_the_fold(market: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    from necc.model import ChangeModel

    seen: list[pd.Timestamp] = []
    told: list[pd.Timestamp] = []
    real = ChangeModel.fit

    def watched(
        self: ChangeModel, rows: pd.DataFrame, change: Floats, days: tuple[pd.DataFrame, Floats]
    ) -> ChangeModel:
        seen.append(rows.index.get_level_values("origin").max())
        told.append(days[0].index.max())
        return real(self, rows, change, days)

    monkeypatch.setattr(ChangeModel, "fit", watched)
    learn._learn_one(features.Daily(panel(market, until=CUTOFF)), QUICK, 30)
    final, first, second, third = seen
    cutoff = pd.Timestamp(CUTOFF)
    assert cutoff - pd.Timedelta(days=33) < final <= cutoff - pd.Timedelta(days=30)
    assert first <= cutoff - pd.Timedelta(days=640 // 3 + 30)
    assert second <= cutoff - pd.Timedelta(days=142 + 30)
    assert third <= cutoff - pd.Timedelta(days=71 + 30)
    assert told == [cutoff - pd.Timedelta(days=days + 30) for days in (0, 640 // 3, 142, 71)]


def test_a_trial_errs_more_than_the_model_will_from_a_week_ahead_on(
    market: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily, recipe = features.Daily(panel(market, until=CUTOFF)), replace(QUICK, folds=1)
    parts: list[tuple[examples.Examples, Floats, Floats]] = []
    real = learn._trial

    def watched(*asked: Any) -> object:
        parts.append(real(*asked))
        return parts[-1]

    monkeypatch.setattr(learn, "_trial", watched)
    for horizon, share in ((1, 1.0), (7, 0.95), (30, 0.95)):
        anchor = learn._learn_one(daily, recipe, horizon)
        fold, made, spread = parts.pop()
        assert anchor.scores is not None
        assert anchor.weight is not None
        assert anchor.scores.value == pytest.approx(share * (fold.change - anchor.weight * made) / spread)


def test_the_nation_is_told_every_day_and_the_zones_every_third(market: pd.DataFrame) -> None:
    anchor = learn._learn_one(features.Daily(panel(market, until=CUTOFF)), replace(QUICK, folds=1), 30)
    days = sum(len(kernel.X_fit_) for kernel in anchor.change.nation_.smooth_)
    assert days > 350
    assert anchor.rows_count == pytest.approx(days * len(ZONES) / 3, abs=2 * len(ZONES))


def test_the_same_input_gives_the_same_forecasts_on_any_number_of_processors(
    market: pd.DataFrame, model: Model, issue: Issue, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from necc.model import ChangeModel

    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    monkeypatch.setattr(ChangeModel, "fit", lambda *given: pytest.fail("fitted in this process, beside another"))
    filters = list(warnings.filters)
    again = predict.train(market.sample(frac=1, random_state=1), CUTOFF, recipe=QUICK)
    assert replace(again.run, duration_ms=0) == replace(model.run, duration_ms=0)
    assert_frame_equal(again.predict(market, CUTOFF).frame, issue.frame)
    assert (list(warnings.filters), capfd.readouterr().err) == (filters, "")


def test_the_version_is_known_before_training(market: pd.DataFrame, model: Model) -> None:
    assert predict.version_of(market, CUTOFF, recipe=QUICK) == model.run.version


def test_the_version_tells_prices_cutoff_and_recipe_apart(market: pd.DataFrame, model: Model) -> None:
    changed = market.assign(price=market["price"].where(market.index != 5, 451.0))
    moved = market.assign(section=market["section"].where(market.index != 5, "prevailing"))
    versions = [
        predict.version_of(changed, CUTOFF, recipe=QUICK),
        predict.version_of(moved, CUTOFF, recipe=QUICK),
        predict.version_of(market, CUTOFF - dt.timedelta(days=1), recipe=QUICK),
        predict.version_of(market, CUTOFF, recipe=replace(QUICK, model={"chances": 21})),
        predict.version_of(market, CUTOFF),
    ]
    assert len({model.run.version, *versions}) == 6


def test_what_is_kept_of_a_training(model: Model) -> None:
    run = model.run
    assert (run.name, run.training_from, run.training_cutoff) == (predict.MODEL_NAME, FIRST_DAY, CUTOFF)
    assert (run.zones_count, run.horizons_days) == (len(ZONES), HORIZONS_DAYS)
    assert run.features == tuple(FEATURES)
    kinds = {f"{kind}_{days}d" for kind in ("skill", "weight") for days in QUICK.anchors_days}
    assert set(run.scores) == {*kinds, "calibration_from"}


def test_a_model_is_not_asked_about_days_it_has_learnt_from(model: Model, market: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match=f"issued_on={CUTOFF - dt.timedelta(days=1)}: the model knows prices up to"):
        model.predict(market, CUTOFF - dt.timedelta(days=1))


# --- what cannot be predicted ---------------------------------------------------------------------


def test_too_short_a_history_is_said(market: pd.DataFrame) -> None:
    with pytest.raises(NoDataError, match="prices of 399 days up to 2022-02-03: wanted 400 or more"):
        train(market, day(398), recipe=QUICK)


def test_a_history_with_too_few_examples_is_said(market: pd.DataFrame) -> None:
    weekly = market[(market["zone"] == "delhi")]
    with pytest.raises(NoDataError, match="only .* examples of 1 days ahead, wanted 200"):
        train(weekly, CUTOFF, recipe=replace(QUICK, origin_step_days=30))


def test_a_stopped_zone_is_listed_and_not_predicted(model: Model, market: pd.DataFrame) -> None:
    prices = without(market, "pune", day(632), day(DAYS))
    made = model.predict(prices, CUTOFF)
    assert dict(made.not_predicted) == {"pune": f"last price on {day(631)}, more than 7 days before {CUTOFF}"}
    assert set(made.frame["zone"]) == set(ZONES) - {"pune"}


def test_a_zone_seven_days_silent_is_predicted_from_its_last_price(model: Model, market: pd.DataFrame) -> None:
    made = model.predict(without(market, "pune", day(633), day(DAYS)), CUTOFF)
    rows = made.frame[made.frame["zone"] == "pune"]
    last = market[(market["zone"] == "pune") & (market["date"] == pd.Timestamp(day(632)))]["price"].iloc[0]
    assert dict(made.not_predicted) == {}
    assert set(rows["naive_price"]) == {last}
    assert set(rows["last_price_on"]) == {pd.Timestamp(day(632))}
    assert dict(made.starts) == {"pune": f"its price of {day(632)}"}


def test_a_flagged_last_price_is_said(model: Model, market: pd.DataFrame) -> None:
    last = (market["zone"] == "delhi") & (market["date"] == pd.Timestamp(CUTOFF))
    every_row = market.assign(flag=DEMO_LABEL)
    flagged = every_row.assign(flag=every_row["flag"].mask(last, f"outside the usual range, {DEMO_LABEL}"))
    assert dict(model.predict(every_row, CUTOFF).starts) == {}
    made = model.predict(flagged, CUTOFF)
    assert dict(made.starts) == {"delhi": f"its price of {CUTOFF}, flagged: outside the usual range"}
    alone = market.assign(flag=market["flag"].mask(last, "jump"))
    assert dict(model.predict(alone, CUTOFF).starts) == {"delhi": f"its price of {CUTOFF}, flagged: jump"}


def test_a_rejected_last_price_leaves_the_one_before(model: Model, market: pd.DataFrame) -> None:
    made = model.predict(without(market, "delhi", CUTOFF, CUTOFF), CUTOFF)
    assert dict(made.starts) == {"delhi": f"its price of {CUTOFF - dt.timedelta(days=1)}"}


def test_a_young_zone_is_listed(model: Model, market: pd.DataFrame) -> None:
    made = model.predict(without(market, "pune", FIRST_DAY, day(550)), CUTOFF)
    assert dict(made.not_predicted) == {"pune": "only 89 prices, wanted 90"}
    grown = model.predict(without(market, "pune", FIRST_DAY, day(549)), CUTOFF)
    assert dict(grown.not_predicted) == {}


def test_all_zones_missing_is_no_data(model: Model, market: pd.DataFrame) -> None:
    prices = up_to(market, CUTOFF)
    later = CUTOFF + dt.timedelta(days=8)
    message = f"no zone has a price within 7 days up to {later}; the newest is of {CUTOFF}"
    with pytest.raises(NoDataError, match=message):
        model.predict(prices, later)
    assert len(model.predict(prices, CUTOFF + dt.timedelta(days=7)).frame) == 30 * len(ZONES)


def test_a_gap_of_weeks_is_learnt_around(market: pd.DataFrame) -> None:
    gap = market["date"].between(pd.Timestamp(day(400)), pd.Timestamp(day(420)))
    made = train(market[~gap], CUTOFF, recipe=QUICK)
    daily = features.Daily(panel(market[~gap], until=CUTOFF))
    one_day = examples.of_zones(daily, 1, daily.days)
    targets = pd.DatetimeIndex(one_day.rows.index.get_level_values("origin")) + pd.Timedelta(days=1)
    assert not targets.isin(pd.date_range(day(400), day(420))).any()
    origins = one_day.rows.index.get_level_values("origin")
    assert not ((origins > pd.Timestamp(day(406))) & (origins < pd.Timestamp(day(421)))).any()
    assert in_order(made.predict(market[~gap], CUTOFF).frame)


def test_the_nation_moves_by_the_mean_of_the_zones_whose_price_came(market: pd.DataFrame) -> None:
    gap = (market["zone"] != "pune") & market["date"].between(pd.Timestamp(day(500)), pd.Timestamp(day(510)))
    daily = features.Daily(panel(market[~gap], until=CUTOFF))
    zones, days = (kind(daily, 7, daily.days) for kind in (examples.of_zones, examples.of_days))
    mean = pd.Series(zones.change, index=zones.rows.index).groupby("origin").mean()
    assert days.change == pytest.approx(mean.to_numpy())
    assert days.origin.tolist() == sorted(set(zones.origin.tolist()))
    assert days.rows.index.equals(mean.index)
    shared = zones.rows.groupby("origin").first()[days.rows.columns]
    assert_frame_equal(days.rows, shared, check_freq=False)


def test_a_change_of_section_is_no_change_of_price(market: pd.DataFrame) -> None:
    """Pune is prevailing until day 299, and 10 % dearer then."""
    early = (market["zone"] == "pune") & (market["date"] < pd.Timestamp(day(300)))
    prices = market.assign(
        section=market["section"].where(~early, "prevailing"),
        price=market["price"].where(~early, market["price"] * 1.1),
    )
    daily = features.Daily(panel(prices, until=CUTOFF))
    made = examples.of_zones(daily, 7, daily.days)
    pune = made.rows.index.get_level_values("zone") == "pune"
    origins = made.rows.index.get_level_values("origin")[pune]
    assert not origins.isin(pd.date_range(day(293), day(299))).any()
    assert origins.isin([pd.Timestamp(day(292)), pd.Timestamp(day(300))]).sum() == 2
    issue = train(prices, CUTOFF, recipe=QUICK).predict(prices, CUTOFF)
    assert issue.notes[0].startswith("pune: sections spliced as one series: prevailing 2021-01-01 to 2021-10-27")
    assert set(issue.frame["section"]) == {"suggested"}


# --- is it any good -------------------------------------------------------------------------------


def test_it_beats_naive_where_prices_have_momentum(model: Model, market: pd.DataFrame) -> None:
    days = [pd.Timestamp(day(number)) for number in range(640, 730, 10)]
    made = model.forecasts(features.Daily(panel(market)), days)
    actual = market.set_index(["zone", "date"])["price"]
    came = actual.reindex(pd.MultiIndex.from_frame(made[["zone", "target_date"]])).to_numpy()
    week = (made["horizon_days"] == 7).to_numpy()
    error = np.abs(made["predicted_price"] - came)[week].mean()
    naive = np.abs(made["naive_price"] - came)[week].mean()
    assert error < 0.85 * naive
    within = ((made["lower_80"] <= came) & (came <= made["upper_80"]))[week].mean()
    assert within > 0.6
