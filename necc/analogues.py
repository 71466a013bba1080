"""The days in a zone's past that were most like a day, and what its price did after them. Pure.

Days are compared by the features of the forecast, each in standard deviations of the zone's own past; every group
of features counts the same, however many it has. Only days whose outcome was known by then are looked at.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from necc import learn
from necc.attribution import zone_rows
from necc.feature_table import FEATURES
from necc.features import Daily

COUNT = 5
# Days next to each other are one situation, told twice; so are those next to the day itself.
SPACING_DAYS = 30
# As the models do: a typing error is no further away than that.
LARGEST_DEVIATION = 4.0
ANY_TWO_DAYS = 2**0.5  # how far two days lie apart that were taken at random, in the mean of squares

Floats = npt.NDArray[np.float64]


def closest(daily: Daily, zone: str, origin: pd.Timestamp, horizon_days: int, count: int = COUNT) -> pd.DataFrame:
    """The past days most like `origin`, closest first, at least 30 days from each other and from it.

    Args:
        daily: of a panel that reaches to the origin or beyond; later days are not looked at.
        zone: a slug of the panel, with a price of at most 7 days before the origin.
        origin: the day that they are compared with.
        horizon_days: 1 to 30.
        count: how many; there are fewer where the past is short.

    Returns:
        date (of the situation), price (INR per 100 eggs, in force then), target_date (`horizon_days` later, before
        the origin), price_later (as printed), change, change_pct, distance (0: the same; ANY_TWO_DAYS: nothing in
        common). attrs: days, how many were searched, and the first (from) and last (to) of them, or None.
    """
    past = _past(daily, zone, origin, horizon_days)
    days = pd.DatetimeIndex(past["date"])
    order, distance = _by_distance(zone_rows(daily, zone, days, origin, horizon_days))
    chosen = _apart(days[order], count)
    found = past.iloc[order[chosen]].assign(distance=distance[chosen]).reset_index(drop=True)
    ends = (days[0].date(), days[-1].date()) if len(days) else (None, None)
    found.attrs = {"days": len(days), "from": ends[0], "to": ends[1]}
    return found


def _past(daily: Daily, zone: str, origin: pd.Timestamp, horizon_days: int) -> pd.DataFrame:
    """The days that may be chosen: their outcome is known before the origin, in the same section."""
    series, days = daily.series, daily.days
    section = series.filled_section[zone]
    frame = pd.DataFrame(
        {
            "date": days,
            "price": series.filled[zone].to_numpy(),
            "target_date": days + pd.Timedelta(days=horizon_days),
            "price_later": series.observed[zone].shift(-horizon_days).to_numpy(),
        }
    )
    frame["change"] = frame["price_later"] - frame["price"]
    frame["change_pct"] = 100 * frame["change"] / frame["price"]
    today = int(days.get_indexer(pd.DatetimeIndex([origin]))[0])
    is_over = (frame["target_date"] < origin) & (frame["date"] <= origin - pd.Timedelta(days=SPACING_DAYS))
    is_same = (series.section[zone].shift(-horizon_days) == section).to_numpy()
    is_warm = frame.index >= min(learn.WARM_UP_DAYS, today // 3)
    return frame[is_over & is_same & is_warm].dropna().reset_index(drop=True)


def _by_distance(rows: pd.DataFrame) -> tuple[npt.NDArray[np.int64], Floats]:
    """The places of all rows but the last, closest to the last first, and their distances from it."""
    from sklearn.neighbors import NearestNeighbors

    if len(rows) < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    points = _points(rows)
    # Where one of the two days knows less, this metric compares the rest and scales the distance up.
    near = NearestNeighbors(n_neighbors=len(points) - 1, metric="nan_euclidean").fit(points[:-1])
    distance, order = near.kneighbors(points[-1:])
    return order[0], distance[0]


def _points(rows: pd.DataFrame) -> Floats:
    """Standardised by all rows but the last; scaled so that groups count the same and chance gives ANY_TWO_DAYS."""
    from sklearn.preprocessing import StandardScaler

    past = rows.iloc[:-1]
    told = rows.columns[rows.iloc[-1].notna() & (past.max() > past.min())]
    values = StandardScaler().fit(past[told].astype(np.float64)).transform(rows[told].astype(np.float64))
    groups = pd.Series([FEATURES[str(name)].group for name in told], dtype="object")
    share = 1 / (groups.map(groups.value_counts()).to_numpy(dtype=np.float64) * groups.nunique())
    return np.asarray(np.clip(values, -LARGEST_DEVIATION, LARGEST_DEVIATION) * np.sqrt(share))


def _apart(days: pd.DatetimeIndex, count: int) -> list[int]:
    """The places of the first days that keep their distance in time, in the order given."""
    chosen: list[int] = []
    for place, day in enumerate(days):
        if len(chosen) == count:
            break
        if all(abs((day - days[other]).days) >= SPACING_DAYS for other in chosen):
            chosen.append(place)
    return chosen
