"""Made-up egg prices that move like the real ones. None of them is a price of NECC.

Grain: one price per zone and day from 2009-01-01 on, INR per 100 eggs, made from the statistics of
demo_table alone. A past day never changes: each day takes its own stretch of one fixed stream of random
numbers and looks back only, so the prices up to a day are the same whatever day is the last.

A market rises in many small steps and falls in fewer, bigger ones. Here it has a direction, which it keeps
for days and turns the sooner the further the level has strayed from trend and season; that gives the level
its slowly fading deviation. Each zone follows the level times a premium of its own, on its own weekdays.
"""

from __future__ import annotations

import datetime as dt
import math
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from necc.demo_table import (
    LEVEL_2009,
    LINKS,
    MISSING_RATE,
    REGIONS,
    SEASON,
    SLIP_SHARE,
    SLIP_ZONES,
    SLIPS_PER_YEAR,
    TREND_PER_YEAR,
    ZONES,
)
from necc.errors import UsageError
from necc.records import FIRST_YEAR, Section

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
Prices = NDArray[np.int64]

FIRST_DAY = dt.date(FIRST_YEAR, 1, 1)
SEED = 2015  # another one is another market: every past day changes
NO_PRICE = 0  # in the arrays of numbers; a record says None

# The market. Chosen by trial so that the statistics asked for come out of the printed prices.
RISE_PER_DAY = 0.0085
FALL_PER_DAY = -0.0205
TURN_DOWN = 1 / 12  # chance that a rise ends today while the level is where it belongs
TURN_UP = 1 / 4.9  # the same of a fall: falls are shorter, as they are steeper
PULL = 10.0  # a level 7 % too high doubles the chance of turning down and halves that of turning up
AHEAD_DAYS = 12  # the season is no secret: the market aims at where the level belongs in so many days
STRAY_SD, STRAY_MEMORY = 0.06, 0.98  # where the level belongs wanders around trend and season
DAILY_NOISE = 0.002
LIVELY_MEMORY = 0.8  # correlation of one day's liveliness with the next
LIVELIEST = 1.5  # no day is quite dead, and none moves the whole market by more than a few per cent
LIVELY_SPEED = 0.3  # the level moves faster on lively days, when more zones move

# The zones.
SHARED_LIVELINESS = 0.3  # how much of a zone's urge to move is shared by all zones of the day
PREMIUM_MEMORY = 0.975  # with the unmoved days in between, the printed ratio keeps .90 from day to day
PREMIUM_SCALE = 0.9  # the rest of the ratio's spread comes from rounding and from unmoved days
REGION_SHARE = 0.7  # share of the premium's variance that a zone has in common with its region
CLOSING = 0.8  # share of the gap to its target that a move closes
FIVES_FROM, FIVES_TO, FIVES_LEAST = 150.0, 400.0, 0.2  # five rupees was a big step when 100 eggs cost 200

LONGEST_SLIP_DAYS = 3  # most stand for one day
LEAST_PRICE = 100  # a slip of the keyboard keeps the number of digits


class DemoPrice(NamedTuple):
    """One made-up cell of the sheet: INR per 100 eggs in force on `date`, None where the cell is empty."""

    date: dt.date
    section: Section
    label: str
    price: int | None


class TypingError(NamedTuple):
    """A cell that was mistyped on purpose; `meant` is the price it should have been."""

    date: dt.date
    section: Section
    label: str
    printed: int
    meant: int


def prices(first: dt.date, last: dt.date) -> tuple[DemoPrice, ...]:
    """Every cell of the days `first` to `last`, both included, by day and in the sheet's order.

    Raises:
        UsageError: the days are in the wrong order, or before 2009-01-01.
    """
    _require_order(first, last)
    rows = printed(last)[_days_before(first) :].tolist()
    return tuple(
        DemoPrice(first + dt.timedelta(days=offset), zone.section, zone.label, price or None)
        for offset, row in enumerate(rows)
        for zone, price in zip(ZONES, row, strict=True)
    )


def typing_errors(first: dt.date, last: dt.date) -> tuple[TypingError, ...]:
    """The mistyped cells of the days `first` to `last`, both included, by day: the truth for a validator.

    Raises:
        UsageError: the days are in the wrong order, or before 2009-01-01.
    """
    _require_order(first, last)
    meant, shown = _simulated(_days_before(last) + 1)
    found = []
    for day, column in np.argwhere((shown != meant) & (shown != NO_PRICE)).tolist():
        date, zone = FIRST_DAY + dt.timedelta(days=day), ZONES[column]
        if date >= first:
            cell = int(shown[day, column]), int(meant[day, column])
            found.append(TypingError(date, zone.section, zone.label, *cell))
    return tuple(found)


def printed(last: dt.date) -> Prices:
    """All printed prices from 2009-01-01 to `last`, shape (days, zones of ZONES); NO_PRICE where empty.

    Raises:
        UsageError: the day is before 2009-01-01.
    """
    return _simulated(_days_before(last) + 1)[1]


def _require_order(first: dt.date, last: dt.date) -> None:
    if first > last:
        raise UsageError(f"made-up prices from {first} to {last}: the first day is after the last")


def _days_before(day: dt.date) -> int:
    if day < FIRST_DAY:
        raise UsageError(f"made-up prices on {day}: there are none before {FIRST_DAY}")
    return (day - FIRST_DAY).days


@lru_cache(maxsize=4)
def _simulated(days: int) -> tuple[Prices, Prices]:
    """The prices meant and the prices printed, each of shape (days, zones), read-only."""
    market, regions, own, urges, rounding, gaps, slips = _words(days)
    lively = np.clip(_fading(_normals(market[:, :1]), LIVELY_MEMORY), -LIVELIEST, LIVELIEST)
    anchor = _log_anchor(days) + STRAY_SD * _fading(_normals(market[:, 1:2]), STRAY_MEMORY)[:, 0]
    direction, level = _market(anchor, lively[:, 0], market[:, 2:])
    targets = np.exp(level[:, None] + _log_premiums(regions, own))
    meant = _walk(targets, direction, _moves(lively, urges), _uniforms(rounding))
    for follower, (leader, offset) in LINKS.items():
        meant[:, _column(follower)] = meant[:, _column(leader)] + offset
    shown = np.where(_uniforms(gaps) < MISSING_RATE, NO_PRICE, _mistyped(meant, _uniforms(slips)))
    for array in (meant, shown):
        array.flags.writeable = False
    return meant, shown


def _column(label: str) -> int:
    return [zone.label for zone in ZONES].index(label)


def _words(days: int) -> list[Words]:
    """Random words for each use, shape (days, width): a day gets the same ones however long the range."""
    zones = len(ZONES)
    widths = (4, len(REGIONS), zones, zones, zones, zones, 6)
    raw = np.random.Philox(SEED).random_raw(days * sum(widths)).reshape(days, sum(widths))
    return np.split(raw, np.cumsum(widths)[:-1], axis=1)


def _uniforms(words: Words) -> Floats:
    """Numbers from 0 to below 1."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _normals(words: Words) -> Floats:
    """Nearly normal numbers: the sum of a word's four quarters is exact, so equal on every machine."""
    quarters = np.ascontiguousarray(words).view(np.uint16).reshape(*words.shape, 4)
    centred: Prices = quarters.sum(axis=-1, dtype=np.int64) - 2 * 0xFFFF
    return centred / (0x10000 * math.sqrt(4 / 12))


def _fading(shocks: Floats, memory: float) -> Floats:
    """Each column an AR(1) series of variance one, shape (days, columns)."""
    series = np.zeros_like(shocks)
    before = series[0]
    for day, shock in enumerate(shocks):
        before = series[day] = memory * before + math.sqrt(1 - memory**2) * shock
    return series


def _log_anchor(days: int) -> Floats:
    """Where the log level belongs, trend and season, AHEAD_DAYS after each day; shape (days,)."""
    day = np.arange(AHEAD_DAYS, days + AHEAD_DAYS)
    dates = np.datetime64(FIRST_DAY) + day
    years = dates.astype("datetime64[Y]")
    part = (dates - years.astype(dates.dtype)).astype(np.int64) / 365.25
    season = np.interp(part, (np.arange(12) + 0.5) / 12, np.log(SEASON), period=1)
    anchor: Floats = math.log(LEVEL_2009) + TREND_PER_YEAR * day / 365.25 + season
    return anchor


def _market(anchor: Floats, lively: Floats, words: Words) -> tuple[list[int], Floats]:
    """Each day's direction (1 or -1) and the national log level, shape (days,)."""
    chances, noise = _uniforms(words[:, 0]).tolist(), _normals(words[:, 1:])[:, 0].tolist()
    speeds = np.exp(LIVELY_SPEED * lively - LIVELY_SPEED**2 / 2).tolist()
    direction, now = 1, float(anchor[0])
    directions, level = [], []
    for aim, speed, chance, shock in zip(anchor.tolist(), speeds, chances, noise, strict=True):
        strain = math.exp(direction * PULL * (now - aim))
        if chance < (TURN_DOWN if direction > 0 else TURN_UP) * strain:
            direction = -direction
        now += (RISE_PER_DAY if direction > 0 else FALL_PER_DAY) * speed + DAILY_NOISE * shock
        directions.append(direction)
        level.append(now)
    return directions, np.array(level)


def _log_premiums(regions: Words, own: Words) -> Floats:
    """Each zone's log ratio to the national level, shape (days, zones)."""
    shared = _fading(_normals(regions), PREMIUM_MEMORY)[:, [zone.region for zone in ZONES]]
    alone = _fading(_normals(own), PREMIUM_MEMORY)
    strays = math.sqrt(REGION_SHARE) * shared + math.sqrt(1 - REGION_SHARE) * alone
    usual = np.log([zone.premium for zone in ZONES])
    log_ratio: Floats = usual + PREMIUM_SCALE * np.array([zone.premium_sd for zone in ZONES]) * strays
    return log_ratio


def _moves(lively: Floats, urges: Words) -> NDArray[np.bool_]:
    """Which zones set a new price: as often as their weekday says, more of them on a lively day."""
    urge = math.sqrt(SHARED_LIVELINESS) * lively + math.sqrt(1 - SHARED_LIVELINESS) * _normals(urges)
    normal = NormalDist()
    barriers = np.array([[normal.inv_cdf(1 - pct / 100) for pct in zone.change_pct] for zone in ZONES])
    weekday = (np.arange(len(urges)) + FIRST_DAY.weekday()) % 7
    return np.asarray(urge > barriers.T[weekday])


def _walk(targets: Floats, directions: list[int], moves: NDArray[np.bool_], rounding: Floats) -> Prices:
    """Day by day: the movers go most of the way to their target, in round numbers."""
    easing = np.clip((targets.mean(axis=1) - FIVES_FROM) / (FIVES_TO - FIVES_FROM), FIVES_LEAST, 1.0)
    by_chance = 0.2  # of the other prices one in five is a multiple of five all the same
    habit = (np.array([zone.fives for zone in ZONES]) - by_chance) / (1 - by_chance)
    grains = np.where(rounding < easing[:, None] * habit, 5, 1)
    price = _round(targets[0], grains[0])
    walked = np.empty_like(targets)
    for day, (target, way, grain) in enumerate(zip(targets, directions, grains, strict=True)):
        wished = _round(price + CLOSING * (target - price), grain)
        least = _round(price + way * grain, grain)  # who is there already goes on with the market
        walked[day] = price = np.where(moves[day], np.where(wished == price, least, wished), price)
    return walked.astype(np.int64)


def _round(price: Floats, grain: NDArray[np.int64]) -> Floats:
    rounded: Floats = np.rint(price / grain) * grain
    return rounded


def _mistyped(meant: Prices, luck: Floats) -> Prices:
    """The prices with typing errors in them; linked zones keep their links."""
    linked = {*LINKS, *(leader for leader, _ in LINKS.values())}
    others = [zone.label for zone in ZONES if zone.label not in linked]
    shown = meant.copy()
    for day in np.flatnonzero(luck[:, 0] < SLIPS_PER_YEAR / 365.25):
        often, which, is_swap, length, is_up = luck[day, 1:]
        labels = SLIP_ZONES if often < SLIP_SHARE else others
        column = _column(labels[int(which * len(labels))])
        for cell in shown[day : day + 1 + int(length**3 * LONGEST_SLIP_DAYS), column : column + 1]:
            cell[0] = _slip(int(cell[0]), is_swap=is_swap < 0.5, is_up=is_up < 0.5)
    return shown


def _slip(price: int, *, is_swap: bool, is_up: bool) -> int:
    """The price with its first two digits swapped, or with a hundred too much or too little."""
    text = str(price)
    swapped = int(text[1] + text[0] + text[2:])
    if is_swap and swapped != price and swapped >= LEAST_PRICE:
        return swapped
    return price + 100 if is_up or price - 100 < LEAST_PRICE else price - 100
