"""Days -> where they stand in the Hindu lunisolar and the Islamic calendar. Pure; the sky comes from ephem.

Egg demand follows fasts and feasts, and those follow the moon: a feast moves by up to a month against the solar
year, so a season learnt by day of the year alone is blurred. Months run from new moon to new moon and are named
by the sign that the sun enters in them; a month in which it enters none is an extra one and carries the name of
the next. North Indian months begin half a month earlier, at the full moon.

All instants are Indian time (UTC+5:30). Dates are those printed in northern calendars; a local sunrise or
sighting of the crescent may shift one by a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

INDIA = np.timedelta64(19_800, "s")
SUNRISE = np.timedelta64(6, "h")
DUSK_HOUR = 18
MONTHS = (
    "chaitra", "vaishakha", "jyeshtha", "ashadha", "shravana", "bhadrapada",
    "ashvina", "kartika", "margashirsha", "pausha", "magha", "phalguna",
)  # fmt: skip
NEW_YEAR_SIGN = 11  # the sun leaves Pisces, the twelfth sign, in Chaitra
LAHIRI_2000_DEG = 23.857  # how far the Indian zodiac lay behind the equinox at the start of 2000 ...
PRECESSION_DEG_PER_YEAR = 50.29 / 3600  # ... and how fast it falls back
EPHEM_2000 = 36_524.5  # ephem counts days from the last noon of 1899
LAST_LUNAR_DAY_DEG = 348.0  # the moon is in its last thirtieth before meeting the sun
CRESCENT_DAYS = 1  # India sees the crescent a day after the Umm al-Qura calendar in most years

Days = npt.NDArray[np.datetime64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moons:
    """Consecutive lunar months, new moon to new moon.

    Args:
        new: instants of the new moons, one more than months.
        full: instant of the full moon in each month.
        month: 0 chaitra .. 11 phalguna.
        is_extra: whether the month is the extra one of its name.
    """

    new: Days
    full: Days
    month: npt.NDArray[np.int64]
    is_extra: npt.NDArray[np.bool_]

    def named(self, name: str) -> npt.NDArray[np.int64]:
        """Indices of the regular months of this name."""
        return np.flatnonzero((self.month == MONTHS.index(name)) & ~self.is_extra)


@lru_cache(maxsize=8)
def moons(first_year: int, last_year: int) -> Moons:
    """The lunar months that touch these years."""
    import ephem

    now, end = ephem.Date(f"{first_year - 1}/11/1"), ephem.Date(f"{last_year + 1}/3/1")
    new, full = [], []
    while now < end:
        now = ephem.next_new_moon(now)
        new.append(now)
        full.append(ephem.next_full_moon(now))
    sign = np.array([_sign_of_the_sun(moment) for moment in new])
    month = (sign[:-1] - NEW_YEAR_SIGN) % len(MONTHS)
    return Moons(_instants(new), _instants(full[:-1]), month, sign[:-1] == sign[1:])


def _instants(moments: list[Any]) -> Days:
    greenwich: Days = np.array([moment.datetime() for moment in moments], dtype="datetime64[s]")
    return np.asarray(greenwich + INDIA)


def _sign_of_the_sun(moment: float) -> int:
    """0 Aries .. 11 Pisces, in the Indian zodiac."""
    import ephem

    longitude = np.degrees(float(ephem.Ecliptic(ephem.Sun(moment), epoch=moment).lon))
    years = (float(moment) - EPHEM_2000) / 365.25
    return int((longitude - LAHIRI_2000_DEG - PRECESSION_DEG_PER_YEAR * years) % 360 // 30)


def lunar_position(days: pd.DatetimeIndex) -> Floats:
    """Months since the start of the lunisolar year, 0 to 12, at noon; an extra month and its namesake share one."""
    table = moons(days[0].year, days[-1].year)
    noon: Days = np.asarray(days.to_numpy().astype("datetime64[s]") + np.timedelta64(12, "h"))
    at = np.searchsorted(table.new, noon, side="right") - 1
    part = (noon - table.new[at]) / (table.new[at + 1] - table.new[at])
    is_second = np.concatenate([[False], table.is_extra[:-1]])[at]
    shared = np.where(table.is_extra[at], part / 2, np.where(is_second, 0.5 + part / 2, part))
    return np.asarray(table.month[at] + shared, dtype=np.float64)


def lunar_years(days: pd.DatetimeIndex) -> Floats:
    """The same position as a count of years that never falls back."""
    position = lunar_position(days) / len(MONTHS)
    turns = np.concatenate([[0], np.cumsum(np.diff(position) < -0.5)])
    return np.asarray(np.maximum.accumulate(turns + position))


@lru_cache(maxsize=8)
def festivals(first_year: int, last_year: int) -> pd.DataFrame:
    """The spans that move the demand for eggs, one row each: name, first_day, last_day (both included), sorted.

    sawan (the northern month of Shiva, little meat and egg), shradh (the fortnight of the ancestors), navratri
    (autumn) and spring_navratri (nine nights), diwali (one day), kartik (the northern month), magh, ramadan,
    ayyappa (17 November to 14 January, the fast of the southern pilgrims), year_end (15 December to 1 January),
    southern_shravana, southern_kartika and southern_margashirsha (the months of fasts from Maharashtra southwards,
    from new moon to new moon; an extra month of the name is none).
    """
    table = moons(first_year, last_year)
    rows = [
        *_northern_months(table, "sawan", "shravana"),
        *_northern_months(table, "kartik", "kartika"),
        *_northern_months(table, "magh", "magha"),
        *_southern_months(table, "southern_shravana", "shravana"),
        *_southern_months(table, "southern_kartika", "kartika"),
        *_southern_months(table, "southern_margashirsha", "margashirsha"),
        *_nights(table, "navratri", "ashvina"),
        *_nights(table, "spring_navratri", "chaitra"),
        *_shradh(table),
        *_diwali(table),
        *_ramadan(first_year, last_year),
        *_fixed(first_year, last_year),
    ]
    made = pd.DataFrame(rows, columns=["name", "first_day", "last_day"])
    inside = made["last_day"].dt.year.ge(first_year) & made["first_day"].dt.year.le(last_year)
    kept: pd.DataFrame = made[inside].sort_values(["first_day", "name"], ignore_index=True)
    return kept


Span = tuple[str, pd.Timestamp, pd.Timestamp]


def _sunrise_after(instant: np.datetime64) -> pd.Timestamp:
    """The day of the first sunrise after an instant."""
    day = pd.Timestamp(instant).normalize()
    return day if instant < day.to_datetime64() + SUNRISE else day + pd.Timedelta(days=1)


def _day_before_sunrise(instant: np.datetime64) -> pd.Timestamp:
    return _sunrise_after(instant) - pd.Timedelta(days=1)


def _northern_months(table: Moons, name: str, month: str) -> list[Span]:
    """From the full moon before the month, extra one included, to its own."""
    begins = [at - 1 - int(at > 0 and table.is_extra[at - 1]) for at in table.named(month)]
    pairs = zip(begins, table.named(month), strict=True)
    return [
        (name, _sunrise_after(table.full[begin]), _day_before_sunrise(table.full[end]))
        for begin, end in pairs
        if begin >= 0
    ]


def _southern_months(table: Moons, name: str, month: str) -> list[Span]:
    """From the new moon to the next."""
    return [(name, _sunrise_after(table.new[at]), _day_before_sunrise(table.new[at + 1])) for at in table.named(month)]


def _nights(table: Moons, name: str, month: str) -> list[Span]:
    first = [_sunrise_after(table.new[at]) for at in table.named(month)]
    return [(name, day, day + pd.Timedelta(days=8)) for day in first]


def _shradh(table: Moons) -> list[Span]:
    return [
        ("shradh", _sunrise_after(table.full[at]), _day_before_sunrise(table.new[at + 1]))
        for at in table.named("bhadrapada")
    ]


def _diwali(table: Moons) -> list[Span]:
    days = [_diwali_day(table.new[at]) for at in table.named("kartika")]
    return [("diwali", day, day) for day in days]


def _diwali_day(new_moon: np.datetime64) -> pd.Timestamp:
    """The first evening on the moon's last day; the evening before the new moon where there is none."""
    latest = pd.Timestamp(new_moon - np.timedelta64(DUSK_HOUR, "h")).normalize()
    earlier = latest - pd.Timedelta(days=1)
    return earlier if _moon_ahead_of_sun(earlier + pd.Timedelta(hours=DUSK_HOUR)) >= LAST_LUNAR_DAY_DEG else latest


def _moon_ahead_of_sun(instant: pd.Timestamp) -> float:
    import ephem

    moment = ephem.Date((instant - pd.Timedelta(INDIA)).to_pydatetime())
    moon, sun = (ephem.Ecliptic(body(moment), epoch=moment).lon for body in (ephem.Moon, ephem.Sun))
    return float(np.degrees(float(moon) - float(sun)) % 360)


def _ramadan(first_year: int, last_year: int) -> list[Span]:
    from hijridate import Hijri

    spans = []
    for year in range((first_year - 622) * 33 // 32 - 1, (last_year - 621) * 33 // 32 + 2):
        month = Hijri(year, 9, 1)
        first = pd.Timestamp(month.to_gregorian()) + pd.Timedelta(days=CRESCENT_DAYS)
        spans.append(("ramadan", first, first + pd.Timedelta(days=month.month_length() - 1)))
    return spans


def _fixed(first_year: int, last_year: int) -> list[Span]:
    return [
        (name, pd.Timestamp(year, *begin), pd.Timestamp(year + 1, *end))
        for year in range(first_year - 1, last_year + 1)
        for name, begin, end in (("ayyappa", (11, 17), (1, 14)), ("year_end", (12, 15), (1, 1)))
    ]


def observance(days: pd.DatetimeIndex, smoothing_days: int = 5) -> pd.DataFrame:
    """How far each span covers the days around each day: 0 outside, 1 well inside, smoothed over so many days."""
    table = festivals(days[0].year - 1, days[-1].year + 1)
    width = smoothing_days // 2
    padded = pd.date_range(days[0] - pd.Timedelta(days=width), days[-1] + pd.Timedelta(days=width))
    inside = pd.DataFrame(0.0, index=padded, columns=sorted(set(table["name"])))
    for row in table.itertuples():
        inside.loc[row.first_day : row.last_day, row.name] = 1.0
    return inside.rolling(2 * width + 1, center=True).mean().loc[days]
