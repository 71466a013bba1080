"""The past days most like a day: known by then, apart from each other, close in every group of features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from necc import analogues
from necc.attribution import zone_rows
from necc.features import Daily
from necc.panel import panel
from tests.test_predict import made_up_market, without

ORIGIN = pd.Timestamp("2022-10-02")  # 640 days from the first
LATER = pd.Timestamp("2022-11-30")
DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    rows = made_up_market()
    return rows[rows["date"] <= LATER]


@pytest.fixture(scope="module")
def daily(market: pd.DataFrame) -> Daily:
    """It reaches beyond the origin: what lies there must not be looked at."""
    return Daily(panel(market))


@pytest.mark.parametrize("horizon_days", [1, 14, 30])
def test_what_followed_was_known_before_the_day(daily: Daily, horizon_days: int) -> None:
    found = analogues.closest(daily, "delhi", ORIGIN, horizon_days)
    prices = daily.series.observed["delhi"]
    assert len(found) == 5
    assert (found["target_date"] < ORIGIN).all()
    assert (found["target_date"] - found["date"] == horizon_days * DAY).all()
    assert found["price"].tolist() == prices[found["date"]].tolist()
    assert found["price_later"].tolist() == prices[found["target_date"]].tolist()
    assert found["change"].tolist() == (found["price_later"] - found["price"]).tolist()
    assert found["change_pct"].tolist() == pytest.approx(100 * (found["price_later"] / found["price"] - 1))
    last = ORIGIN - max(30, horizon_days + 1) * DAY
    assert (found.attrs["from"], found.attrs["to"]) == (pd.Timestamp("2021-08-02").date(), last.date())
    assert found.attrs["days"] == (last - pd.Timestamp("2021-08-02")).days + 1


def test_they_are_apart_from_each_other_and_from_the_day(daily: Daily) -> None:
    found = analogues.closest(daily, "pune", ORIGIN, 1)
    days = [*found["date"], ORIGIN]
    gaps = [abs((one - other).days) for place, one in enumerate(days) for other in days[:place]]
    assert min(gaps) >= 30


def test_the_closest_comes_first_and_none_that_is_left_out_is_closer(daily: Daily) -> None:
    found = analogues.closest(daily, "pune", ORIGIN, 14)
    every = analogues.closest(daily, "pune", ORIGIN, 14, count=1000)
    assert_frame_equal(every.head(5), found)
    assert found["distance"].is_monotonic_increasing
    past = pd.DatetimeIndex(pd.date_range(found.attrs["from"], found.attrs["to"]))
    order, distance = analogues._by_distance(zone_rows(daily, "pune", past, ORIGIN, 14))
    assert found["date"].iloc[0] == past[order[0]]
    free = [day for day in past[order] if ((found["date"] - day).abs() >= 30 * DAY).all()]
    at = dict(zip(past[order], distance, strict=True))
    assert all(at[day] >= found["distance"].iloc[-1] for day in free)


def test_later_prices_change_nothing(market: pd.DataFrame, daily: Daily) -> None:
    noise = np.random.default_rng(3).uniform(50, 2000, len(market))
    noisy = market.assign(price=market["price"].where(market["date"] <= ORIGIN, noise))
    for horizon_days in (1, 30):
        other = analogues.closest(Daily(panel(noisy)), "delhi", ORIGIN, horizon_days)
        assert_frame_equal(other, analogues.closest(daily, "delhi", ORIGIN, horizon_days))


def test_a_day_without_an_outcome_of_its_section_is_left_out(market: pd.DataFrame, daily: Daily) -> None:
    plain = analogues.closest(daily, "delhi", ORIGIN, 14)
    first, second = plain["date"].iloc[:2]
    gone = without(market, "delhi", (first + 14 * DAY).date(), (first + 14 * DAY).date())
    moved = (gone["zone"] == "delhi") & (gone["date"] == second + 14 * DAY)
    found = analogues.closest(
        Daily(panel(gone.assign(section=gone["section"].mask(moved, "prevailing")))), "delhi", ORIGIN, 14
    )
    assert not {first, second} & set(found["date"])
    assert found.attrs["days"] == plain.attrs["days"] - 3  # the day of the other section begins no situation either


def test_a_short_past_has_few_situations_or_none(market: pd.DataFrame) -> None:
    early = pd.Timestamp("2021-05-01")  # 120 days, of which the first 40 are left out
    few = analogues.closest(Daily(panel(market)), "delhi", early, 14)
    assert 1 <= len(few) <= 2
    none = analogues.closest(Daily(panel(market)), "delhi", pd.Timestamp("2021-02-01"), 30)
    assert (len(none), none.attrs) == (0, {"days": 0, "from": None, "to": None})
    assert list(none.columns) == list(few.columns)


# --- the distance -----------------------------------------------------------------------------------


def rows_of(**columns: list[float]) -> pd.DataFrame:
    """Past days in rows, the day itself last."""
    return pd.DataFrame(columns)


def test_a_group_counts_the_same_however_many_features_it_has() -> None:
    """Both past days are one deviation from the mean; the one differs in momentum, the other in habit."""
    rows = rows_of(change_7d=[1, -1, 0, 0, 0], change_14d=[5, -5, 0, 0, 0], rest_days=[0, 0, 3, -3, 0])
    order, distance = analogues._by_distance(rows)
    assert sorted(order) == [0, 1, 2, 3]
    assert distance == pytest.approx([np.sqrt(2 / 2)] * 4)  # √2 deviations: only half of the days differ


def test_two_days_at_random_are_as_far_apart_as_is_said() -> None:
    luck = np.random.default_rng(1).normal(size=(4000, 3))
    rows = pd.DataFrame(luck, columns=["change_7d", "change_14d", "rest_days"])
    points = analogues._points(rows)
    squares = ((points[:2000] - points[2000:]) ** 2).sum(axis=1)
    assert np.sqrt(squares.mean()) == pytest.approx(analogues.ANY_TWO_DAYS, rel=0.02)


def test_what_a_day_does_not_know_is_not_held_against_it() -> None:
    known = rows_of(change_7d=[0.1, 1, -1, 0], rest_days=[np.nan, 3, 1, 2])
    order, distance = analogues._by_distance(known)
    assert order[0] == 0
    assert distance[0] < 0.2
    more = known.assign(year_over_year=[1, 2, 3, np.nan])  # not known on the day itself
    assert analogues._by_distance(more)[1].tolist() == distance.tolist()


def test_one_wild_value_is_not_further_than_four_deviations() -> None:
    calm = [0.0, 1.0] * 50
    order, distance = analogues._by_distance(rows_of(change_7d=[*calm, 1e6, 0.5], rest_days=[*calm, 0.5, 0.5]))
    assert order[-1] == 100
    assert distance[-1] < 4.2


def test_a_feature_that_never_changes_tells_nothing() -> None:
    rows = rows_of(change_7d=[0.0, 1.0, 0.0], rest_days=[2.0, 2.0, 2.0])
    order, distance = analogues._by_distance(rows)
    assert order.tolist() == [0, 1]
    assert distance == pytest.approx([0, 2])
