"""Every feature by name: what it says, in which unit, how far it looks back, and what kind of reason it is.

`log` is a difference of natural logarithms of prices (0.01 is about 1 %); `share` runs from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CHANGE_DAYS = (1, 2, 3, 5, 7, 10, 14, 28, 56)
TREND_DAYS = (2, 5, 15, 40)  # half-lives
LEADER_DAYS = (1, 2, 3, 5, 7)
NEIGHBOUR_DAYS = (1, 2, 3, 7)
SPREAD_DAYS = (14, 28, 91, 365)
PREMIUM_DAYS = (28, 91, 365)  # each one of SPREAD_DAYS
LEVEL_DAYS = (28, 91, 365, 730)
INDEX_DAYS = (1095, 1826)  # three and five years
WAVES = {"sun": (1, 2, 3), "moon": (1, 2, 3), "month": (1,)}  # swings in a year, or a month: wages come early in it
PAST_YEARS_DAYS = 8 * 366
MEMORY_DAYS = 730  # neighbours forget by half in 180 days; this holds nine tenths of what they know
GROUPS = ("momentum", "neighbours", "level", "zone habit", "season")
OBSERVANCES = (
    "ayyappa", "diwali", "kartik", "magh", "navratri", "ramadan", "sawan", "shradh", "southern_kartika",
    "southern_margashirsha", "southern_shravana", "spring_navratri", "year_end",
)  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """What a column of the matrix says.

    Args:
        text: in words; "the zone" is the row's.
        unit: log, share, days, moves, inr_per_100_eggs, weekday, wave (-1..1) or degree (0..1).
        look_back_days: the oldest price that it needs; what is known ahead (a calendar) looks back 0.
        group: one of GROUPS.
    """

    text: str
    unit: str
    look_back_days: int
    group: str


Rows = Iterator[tuple[str, Feature]]


def _momentum() -> Rows:
    for days in CHANGE_DAYS:
        yield f"change_{days}d", Feature(f"change of the zone over {_days(days)}", "log", days, "momentum")
        yield (
            f"national_{days}d",
            Feature(f"median over zones of their change over {_days(days)}", "log", days, "momentum"),
        )
    for days in TREND_DAYS:
        yield (
            f"trend_{days}d",
            Feature(f"mean daily change of the zone, half-life {days} days", "log", 10 * days, "momentum"),
        )
        text = f"mean daily change of all zones, half-life {days} days"
        yield f"national_trend_{days}d", Feature(text, "log", 10 * days, "momentum")
    for days in (1, 3, 7):
        text = f"mean over zones of their change over {_days(days)}, large ones cut"
        yield f"national_mean_{days}d", Feature(text, "log", days, "momentum")
        yield f"rising_{days}d", Feature(f"share of zones that rose, mean of {_days(days)}", "share", days, "momentum")
        yield f"falling_{days}d", Feature(f"share of zones that fell, mean of {_days(days)}", "share", days, "momentum")
    yield "national_turn_1d", Feature("national_mean_1d less yesterday's", "log", 2, "momentum")
    for days in (3, 7, 28):
        yield f"net_moves_{days}d", Feature(f"rises less falls of the zone in {days} days", "moves", days, "momentum")
    yield "run", Feature("moves of the zone in a row in one direction, signed, at most 10", "moves", 60, "momentum")
    yield "last_move", Feature("size of the zone's last move", "log", 60, "momentum")


def _neighbours() -> Rows:
    for days in CHANGE_DAYS:
        text = f"national change over {_days(days)} less the zone's"
        yield f"national_gap_{days}d", Feature(text, "log", days, "neighbours")
    for days in LEADER_DAYS:
        text = f"mean change of Barwala and Ajmer over {_days(days)}"
        yield f"leaders_{days}d", Feature(text, "log", days, "neighbours")
        yield f"leaders_gap_{days}d", Feature(f"{text}, less the zone's", "log", days, "neighbours")
    for days in NEIGHBOUR_DAYS:
        text = f"mean change over {_days(days)} of the zones that move with this one"
        yield f"neighbours_{days}d", Feature(text, "log", MEMORY_DAYS, "neighbours")
        yield f"neighbours_gap_{days}d", Feature(f"{text}, less the zone's", "log", MEMORY_DAYS, "neighbours")
    for days in (1, 3):
        text = f"mean change over {_days(days)} of the zones that move before this one"
        yield f"ahead_{days}d", Feature(text, "log", MEMORY_DAYS, "neighbours")
        yield f"ahead_gap_{days}d", Feature(f"{text}, less the zone's", "log", MEMORY_DAYS, "neighbours")
    for days in (28, 182):
        text = f"price against the zones that move with this one, less its own mean of {days} days"
        yield f"neighbours_spread_vs_{days}d", Feature(text, "log", MEMORY_DAYS, "neighbours")
    for days in (28, 91):
        text = f"price against Barwala and Ajmer, less its own mean of {days} days"
        yield f"leaders_spread_vs_{days}d", Feature(text, "log", days, "neighbours")
    yield "spread", Feature("price against the median zone of the day", "log", 0, "neighbours")
    for days in SPREAD_DAYS:
        yield f"spread_vs_{days}d", Feature(f"spread less its own mean of {days} days", "log", days, "neighbours")
    for days in PREMIUM_DAYS:
        text = f"spread_vs_{days}d, mean of the zones with a prevailing price less that of those with a suggested one"
        yield f"premium_vs_{days}d", Feature(text, "log", days, "neighbours")


def _level() -> Rows:
    for days in LEVEL_DAYS:
        yield f"level_vs_{days}d", Feature(f"price of the zone against its mean of {days} days", "log", days, "level")
        text = f"median over zones of level_vs_{days}d"
        yield f"national_level_vs_{days}d", Feature(text, "log", days, "level")
    for days in INDEX_DAYS:
        text = f"national price index against its mean of {days} days, or of what there is from a year on"
        yield f"national_index_vs_{days}d", Feature(text, "log", days, "level")
    yield "year_over_year", Feature("change of the zone over 364 days, 52 weeks", "log", 364, "level")
    yield "national_year_over_year", Feature("median over zones of year_over_year", "log", 364, "level")
    yield "below_high", Feature("median over zones of the price against its highest of 365 days", "log", 365, "level")
    yield "above_low", Feature("median over zones of the price against its lowest of 365 days", "log", 365, "level")


def _habit() -> Rows:
    for days in (28, 91):
        text = f"mean size of the zone's daily change over {days} days, each cut at 0.10"
        yield f"volatility_{days}d", Feature(text, "log", days, "zone habit")
        yield f"moves_{days}d", Feature(f"share of {days} days on which the zone moved", "share", days, "zone habit")
    yield "mean_volatility_91d", Feature("mean over zones of volatility_91d", "log", 91, "zone habit")
    yield "national_volatility_14d", Feature("mean size of the national daily change", "log", 14, "zone habit")
    yield "rest_days", Feature("days since the zone moved, at most 60", "days", 60, "zone habit")
    yield "usual_move", Feature("median size of the zone's moves in 180 days", "log", 180, "zone habit")
    yield "price_age_days", Feature("days since the zone's price was printed, 0 to 7", "days", 7, "zone habit")
    yield "past_multiple", Feature("price above the last multiple of five", "inr_per_100_eggs", 0, "zone habit")
    yield "weekday", Feature("of the origin: 0 Monday to 6 Sunday", "weekday", 0, "zone habit")
    for weeks in (52, 12):
        text = f"share of the last {weeks} of the target's weekday on which the zone moved"
        yield f"moves_on_target_{weeks}w", Feature(text, "share", 7 * weeks, "zone habit")
        text = f"sum of such shares over the days from origin to target, {weeks} weeks"
        yield f"moves_expected_{weeks}w", Feature(text, "moves", 7 * weeks, "zone habit")
        text = f"mean over zones of moves_on_target_{weeks}w"
        yield f"national_moves_on_target_{weeks}w", Feature(text, "share", 7 * weeks, "zone habit")


def _season() -> Rows:
    calendars = {"sun": "day of the year", "moon": "Hindu lunisolar year", "month": "calendar month"}
    for name, words in calendars.items():
        for wave in WAVES[name]:
            yield (
                f"{name}_sin_{wave}",
                Feature(f"sine of the origin's place in the {words}, {wave}×", "wave", 0, "season"),
            )
            yield f"{name}_cos_{wave}", Feature(f"cosine of the same, {wave}×", "wave", 0, "season")
    for name in OBSERVANCES:
        yield f"{name}_now", Feature(f"whether {name} is observed at the origin", "degree", 0, "season")
        yield f"{name}_to_target", Feature("the same at the target, less the origin's", "degree", 0, "season")
        yield (
            f"{name}_on_the_way",
            Feature("the same, mean of the days between, less the origin's", "degree", 0, "season"),
        )
    for name, words in (("sun", "solar"), ("moon", "lunisolar")):
        over = f"over the same horizon from the same {words} day"
        yield f"last_year_by_{name}", Feature(f"national change {over} a year ago", "log", 400, "season")
        yield f"recent_years_by_{name}", Feature("mean of the same, 3 years", "log", 3 * 366, "season")
        yield f"past_years_by_{name}", Feature("mean of the same, 8 years", "log", PAST_YEARS_DAYS, "season")
        yield (
            f"rose_by_{name}",
            Feature(f"share of 8 past years with a rise {over}", "share", PAST_YEARS_DAYS, "season"),
        )
        text = f"level usual on the target's {words} day less today's, each against the mean of its year"
        yield f"to_normal_by_{name}", Feature(text, "log", PAST_YEARS_DAYS, "season")
    yield "last_year_change", Feature("change of the zone over the horizon, 364 days earlier", "log", 364 + 7, "season")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


FEATURES: Mapping[str, Feature] = dict([*_momentum(), *_neighbours(), *_level(), *_habit(), *_season()])
