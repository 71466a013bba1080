"""Intervals keep their promise, follow a market that changes, and know nothing of tomorrow."""

from __future__ import annotations

import numpy as np
import pytest

from necc.intervals import LEVELS, STEP, Scores, bounds

ORIGINS = 300


def steady(spread: float | np.ndarray = 1.0, horizon: int = 7, zones: int = 30) -> Scores:
    """Normal scores of many zones at every fifth day."""
    rng = np.random.default_rng(4)
    value = (rng.normal(0, 1, (ORIGINS, zones)) * np.reshape(np.broadcast_to(spread, ORIGINS), (-1, 1))).ravel()
    return Scores(np.repeat(np.arange(ORIGINS) * 5, zones), value, horizon)


def covered(scores: Scores, step: float, first: int, last: int) -> float:
    """The share of the scores of these origins inside the 80 % bounds that were made on their day."""
    days = np.unique(scores.origin)[first:last]
    reach = bounds(scores, days.tolist(), step=step)
    inside = [
        ((low <= came) & (came <= high)).mean()
        for day, (_, low, high, _) in zip(days, reach, strict=True)
        for came in (scores.between(int(day), int(day)),)
    ]
    return float(np.mean(inside))


def test_the_quantiles_of_the_scores_count() -> None:
    value = np.arange(-500.0, 501.0)
    reach = bounds(Scores(np.zeros(1001, dtype=np.int64), value, 1), [1], step=0)[0]
    assert reach == pytest.approx([-475, -400, 400, 475])


def test_the_bounds_enclose_the_prediction() -> None:
    zeros = np.zeros(1001, dtype=np.int64)
    assert bounds(Scores(zeros, np.arange(1.0, 1002), 1), [1])[0][:2].tolist() == [0, 0]
    assert bounds(Scores(zeros, -np.arange(1.0, 1002), 1), [1])[0][2:].tolist() == [0, 0]


def test_bounds_are_ascending() -> None:
    reach = bounds(steady(), range(300, 1500, 5))
    assert reach.shape == (240, len(LEVELS))
    assert (np.diff(reach, axis=1) >= 0).all()


def test_a_score_counts_once_its_price_has_come() -> None:
    early, late = np.zeros(200, dtype=np.int64), np.full(200, 10, dtype=np.int64)
    scores = Scores(np.concatenate([early, late]), np.concatenate([np.ones(200), np.full(200, 100.0)]), 7)
    assert np.isnan(bounds(scores, [6])[0]).all()
    reach = bounds(scores, [7, 16, 17], step=0)[:, -1]
    assert reach.tolist() == [1, 1, 100]


def test_scores_older_than_five_years_do_not_count() -> None:
    early, late = np.zeros(200, dtype=np.int64), np.full(200, 1700, dtype=np.int64)
    scores = Scores(np.concatenate([early, late]), np.concatenate([np.full(200, 9.0), np.ones(200)]), 7)
    assert bounds(scores, [1707, 1826, 1827], step=0)[:, -1].tolist() == [9, 9, 1]


def test_a_step_is_as_long_as_the_promise_was_wrong() -> None:
    """On the third day all prices come in above the bounds: of each level that had been promised, a step is added."""
    origin, value = np.repeat([0, 1, 2], 90), np.concatenate([np.linspace(-1, 1, 180), np.linspace(5, 6, 90)])
    before, after = bounds(Scores(origin, value, 1), [2, 3], step=0.02)
    assert before == pytest.approx(np.quantile(value[:180], [0.025, 0.1, 0.9, 0.975]))
    assert after[2:] == pytest.approx(np.quantile(value, [0.9 + 0.02 * 0.9, 0.975 + 0.02 * 0.975]))


def test_later_scores_change_nothing() -> None:
    scores = steady()
    later = scores.origin + scores.horizon_days > 1000
    noisy = Scores(scores.origin, np.where(later, 1e6, scores.value), scores.horizon_days)
    days = range(900, 1001, 5)
    assert np.array_equal(bounds(scores, days), bounds(noisy, days))


def test_a_steady_market_is_covered() -> None:
    assert covered(steady(), STEP, 60, ORIGINS) == pytest.approx(0.8, abs=0.02)


def test_a_market_that_became_wild_is_followed() -> None:
    wild = steady(np.where(np.arange(ORIGINS) < 150, 1.0, 2.5))
    assert covered(wild, 0, 150, 200) < 0.6
    assert covered(wild, STEP, 150, 200) > covered(wild, 0, 150, 200) + 0.05
    assert covered(wild, STEP, 200, ORIGINS) == pytest.approx(0.8, abs=0.05)


def test_falls_may_reach_further_than_rises() -> None:
    scores = steady()
    skewed = Scores(scores.origin, np.where(scores.value < 0, 3 * scores.value, scores.value), 7)
    lower, upper = bounds(skewed, [1400])[0][[1, 2]]
    assert -lower > 2 * upper
