"""The units in which an egg price is spoken of, and the exact way from one to another.

Stored prices are INR per 100 eggs. Every other unit is a number of eggs, so its factor is an exact
fraction: 550 INR per 100 eggs are 5.5 INR per egg, 66 per dozen, 165 per tray, 1155 per peti, 990 per box.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Protocol, Self, TypeVar

from necc.errors import UsageError

STORED_EGGS = 100  # what a stored price pays for
STORED_UNIT = "per_100"

EGGS: Mapping[str, int] = MappingProxyType(
    {"per_100": 100, "egg": 1, "dozen": 12, "tray30": 30, "peti210": 210, "box180": 180}
)
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "per_100": "INR per 100 eggs",
        "egg": "INR per egg",
        "dozen": "INR per dozen (12 eggs)",
        "tray30": "INR per tray (30)",
        "peti210": "INR per peti (210)",
        "box180": "INR per box (180)",
    }
)


class Scalable(Protocol):
    """What `convert` takes: a number, or a pandas or numpy array of numbers."""

    def __mul__(self, number: int, /) -> Self:
        """Times a whole number."""

    def __truediv__(self, number: int, /) -> Self:
        """Divided by a whole number."""


Values = TypeVar("Values", bound=Scalable)


def factor(unit: str) -> Fraction:
    """By what a price per 100 eggs is multiplied to be a price in `unit`, exactly.

    Raises:
        UsageError: no such unit.
    """
    return Fraction(EGGS[_known(unit)], STORED_EGGS)


def label(unit: str) -> str:
    """The unit in words, as the `unit` column of every frame says it: 'INR per dozen (12 eggs)'.

    Raises:
        UsageError: no such unit.
    """
    return LABELS[_known(unit)]


def convert(values: Values, unit: str) -> Values:
    """Prices in INR per 100 eggs, as prices in `unit`; missing stays missing.

    Multiplies before it divides, so that a decimal price meets at most one rounding: 57 per 100 eggs
    are 0.57 per egg, not 0.5700000000000001.

    Args:
        values: a number, numpy array or pandas Series (an int gives a float, a Decimal stays exact).
        unit: per_100, egg, dozen, tray30, peti210 or box180.

    Raises:
        UsageError: no such unit.

    Example:
        >>> units.convert(550.0, "dozen")
        66.0
    """
    exact = factor(unit)
    return values * exact.numerator / exact.denominator


def _known(unit: str) -> str:
    if unit not in EGGS:
        raise UsageError(f"unknown unit {unit!r}: wanted one of {', '.join(EGGS)}")
    return unit
