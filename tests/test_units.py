"""Units: the factors typed out by hand, and no rounding beyond the one that a float needs."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from necc import units
from necc.errors import UsageError

# 550 INR per 100 eggs: 5.50 an egg; times 12, 30, 210 and 180
BY_HAND = {"per_100": 550.0, "egg": 5.5, "dozen": 66.0, "tray30": 165.0, "peti210": 1155.0, "box180": 990.0}


@pytest.mark.parametrize(("unit", "price"), BY_HAND.items())
def test_a_price_in_every_unit(unit: str, price: float) -> None:
    assert units.convert(550.0, unit) == price


def test_every_unit_has_a_factor_a_label_and_a_hand_made_case() -> None:
    assert set(units.EGGS) == set(units.LABELS) == set(BY_HAND)


def test_factors_are_exact() -> None:
    assert [units.factor(unit) for unit in units.EGGS] == [
        Fraction(1),
        Fraction(1, 100),
        Fraction(3, 25),
        Fraction(3, 10),
        Fraction(21, 10),
        Fraction(9, 5),
    ]


def test_labels_say_how_many_eggs() -> None:
    assert [units.label(unit) for unit in units.EGGS] == [
        "INR per 100 eggs",
        "INR per egg",
        "INR per dozen (12 eggs)",
        "INR per tray (30)",
        "INR per peti (210)",
        "INR per box (180)",
    ]


@pytest.mark.parametrize("unit", units.EGGS)
def test_every_whole_price_converts_to_the_nearest_float(unit: str) -> None:
    """Multiplying by 0.01 would miss 5.19-like values: 57 * 0.01 is 0.5700000000000001."""
    prices = np.arange(1, 5001, dtype=np.float64)
    exact = [float(Fraction(price) * units.EGGS[unit] / 100) for price in range(1, 5001)]
    assert units.convert(prices, unit).tolist() == exact


def test_a_decimal_stays_exact() -> None:
    assert units.convert(Decimal("545.25"), "dozen") == Decimal("65.43")


def test_a_series_keeps_its_index_and_its_gaps() -> None:
    series = pd.Series([400.0, np.nan, 425.0], index=[7, 8, 9], name="price")
    expected = pd.Series([4.0, np.nan, 4.25], index=[7, 8, 9], name="price")
    pd.testing.assert_series_equal(units.convert(series, "egg"), expected)
    assert series.tolist()[0] == 400.0  # the caller's own values are left alone


@pytest.mark.parametrize("unit", ["kg", "", "INR per egg", "EGG"])
def test_an_unknown_unit_names_the_known_ones(unit: str) -> None:
    for ask in (units.factor, units.label, lambda name: units.convert(1.0, name)):
        with pytest.raises(UsageError) as caught:
            ask(unit)
        assert str(caught.value) == (
            f"unknown unit {unit!r}: wanted one of per_100, egg, dozen, tray30, peti210, box180"
        )
