"""Made-up prices that can be counted by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

START = "2021-01-04"  # a Monday
Prices = Sequence[float | None]


def long(series: Mapping[str, Prices], start: str = START, section: str = "suggested") -> pd.DataFrame:
    """Prices day by day from `start` on, as `necc.prices()` gives them; None leaves a day out."""
    rows = [
        (day, zone, section, float(price))
        for zone, prices in series.items()
        for day, price in zip(pd.date_range(start, periods=len(prices)), prices, strict=True)
        if price is not None
    ]
    return pd.DataFrame(rows, columns=["date", "zone", "section", "price"])
