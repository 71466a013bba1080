"""The words of an explanation: they can be quoted, claim nothing spurious, and add up."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from necc.attribution import Attribution
from necc.config import DEMO_LABEL
from necc.explanation import FACTS, Explanation, facts
from necc.feature_table import FEATURES

SUMMARY = """\
Namakkal (suggested), 14 days from 2025-06-30: 512 → 498.1 (−13.9), 80 % interval 470 to 520.3; INR per 100 eggs.
Season −9.2, momentum −6.1, neighbours +0.6; level and zone habit hardly moved it.\
 Measured from a usual day, on which the model expects +1.2.

  what moved it        INR   one number of it (usually)
  season              −9.2   of season: 1 (2)
  momentum            −6.1   of momentum: 1 (2)
  neighbours          +0.6   of neighbours: 1 (2)
  level               −0.4   of level: 1 (2)
  zone habit           0.0   of zone habit: 1 (2)
  a usual day         +1.2   mean of 100 days of this zone, 2022-07-01 to 2025-06-29
  together           −13.9

Closest of 5,593 past days, 2010-02-05 to 2025-05-30 (distance 0: the same, 1.4: two days at random):
  date          price  14 days later    change       %  distance
  2019-07-04    400.0          420.0     +20.0    +5.0      0.58
  2023-06-22    500.0          450.0     −50.0   −10.0      0.61
In the 14 days after the 2 closest past days the price changed by −10.0 % to +5.0 %: it fell once, rose once.\
 From 512 that would be 460.8 to 537.6.

This says what moved the model (pooled-changes 0123), not what moves the market."""


def reasons(**amounts: float) -> pd.DataFrame:
    groups = [name.replace("_", " ") for name in amounts]
    texts = [f"of {group}: 1 (2)" for group in groups]
    frame = pd.DataFrame({"group": groups, "contribution": list(amounts.values()), "fact": texts})
    return frame.assign(unit="INR per 100 eggs", flag="")


def situations(*ends: tuple[str, float, float, float]) -> pd.DataFrame:
    frame = pd.DataFrame(list(ends), columns=["date", "price", "price_later", "distance"])
    frame["date"] = pd.to_datetime(frame["date"])
    frame["target_date"] = frame["date"] + pd.Timedelta(days=14)
    frame["change"] = frame["price_later"] - frame["price"]
    frame["change_pct"] = 100 * frame["change"] / frame["price"]
    return frame.assign(unit="INR per 100 eggs", flag="")


WHY = Explanation(
    zone="namakkal",
    zone_name="Namakkal",
    section="suggested",
    issued_on=dt.date(2025, 6, 30),
    target_date=dt.date(2025, 7, 14),
    horizon_days=14,
    price=512.0,
    forecast=498.1,
    lower_80=470.0,
    upper_80=520.26,
    usual=513.2,
    usual_days=100,
    usual_from=dt.date(2022, 7, 1),
    usual_to=dt.date(2025, 6, 29),
    reasons=reasons(season=-9.21, momentum=-6.1, neighbours=0.6, level=-0.41, zone_habit=0.02),
    situations=situations(("2019-07-04", 400.0, 420.0, 0.583), ("2023-06-22", 500.0, 450.0, 0.612)),
    searched_days=5593,
    searched_from=dt.date(2010, 2, 5),
    searched_to=dt.date(2025, 5, 30),
    starts="",
    model="pooled-changes 0123",
    is_demo=False,
)


def test_the_whole_text() -> None:
    assert WHY.summary == SUMMARY


def test_its_sentences_alone_are_those_of_the_whole_text() -> None:
    lines, words = SUMMARY.splitlines(), WHY.words.splitlines()
    assert words[0] == lines[0]
    assert [" ".join(words[1:3]), " ".join(words[3:5]), *words[5:]] == [lines[1], lines[-3], lines[-1]]


def test_what_hardly_moved_it_has_no_number_in_the_sentence() -> None:
    quiet = replace(WHY, reasons=reasons(season=0.499, momentum=-0.2))
    said = "No group of features moved it by 0.5 or more. Measured from a usual day, on which the model expects +1.2."
    assert quiet.summary.splitlines()[1] == said
    loud = replace(WHY, reasons=reasons(season=0.5, momentum=-0.5))
    assert loud.summary.splitlines()[1].startswith("Season +0.5, momentum −0.5. Measured")


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (
            [502, 500, 490, 490, 450],
            "by −10.0 % to +0.4 %: it fell 3 times, rose once, stayed once. From 512 that would",
        ),
        ([510], "after the closest past day the price changed by +2.0 %: it rose once. From 512 that would be 522.2."),
        ([], "No past day lies far enough back to compare this one with."),
    ],
)
def test_the_range_of_what_followed(ends: list[float], said: str) -> None:
    found = replace(WHY, situations=situations(*[("2020-01-01", 500.0, float(end), 1.0) for end in ends]))
    assert said in found.summary


def test_one_day_is_one() -> None:
    lines = replace(WHY, horizon_days=1).summary.splitlines()
    assert lines[0].startswith("Namakkal (suggested), 1 day from")
    assert any("1 day later" in line for line in lines)


def test_what_is_given_instead_and_where_it_starts_and_made_up_data_are_said() -> None:
    told = replace(WHY, is_naive_given=True, starts="its price of 2025-06-27, flagged: jump", is_demo=True).summary
    lines = told.splitlines()
    assert lines[1:3] == [
        "It starts from its price of 2025-06-27, flagged: jump.",
        "Naive's price, 512, is given instead: it was closer over the last 26 weeks."
        " Explained is the model's own forecast.",
    ]
    assert lines[-1] == f"It is made from {DEMO_LABEL}."
    assert DEMO_LABEL not in WHY.summary


def test_the_same_for_machines() -> None:
    told = json.loads(json.dumps(WHY.as_dict(), allow_nan=False))
    assert (told["issued_on"], told["target_date"], told["unit"]) == ("2025-06-30", "2025-07-14", "INR per 100 eggs")
    assert told["reasons"][0] | {"fact": ""} == {
        "group": "season", "contribution": -9.21, "fact": "", "unit": "INR per 100 eggs", "flag": ""
    }  # fmt: skip
    assert told["usual"] + sum(row["contribution"] for row in told["reasons"]) == pytest.approx(498.1, abs=0.01)
    assert [row["date"] for row in told["situations"]] == ["2019-07-04", "2023-06-22"]
    assert (told["is_demo"], told["is_naive_given"]) == (False, False)
    nothing = replace(WHY, situations=situations(), searched_days=0, searched_from=None, searched_to=None).as_dict()
    assert (nothing["situations"], nothing["searched_from"]) == ([], None)


def test_a_fact_of_each_group_stands_beside_what_is_usual() -> None:
    today = {"change_7d": np.log(1.05), "national_gap_7d": -0.001, "level_vs_365d": 0.0, "rest_days": 3.0}
    usual = {**dict.fromkeys(today, 0.0), "rest_days": 1.6, "past_years_by_sun": np.log(0.9)}
    found = Attribution(512, 512, {}, pd.DatetimeIndex([]), {**today, "past_years_by_sun": np.nan}, usual)
    assert facts(found) == {
        "momentum": "its price over 7 days: +5.0 % (0.0 %)",
        "neighbours": "all zones over 7 days, less this one: −0.1 % (0.0 %)",
        "level": "its price against the mean of 365 days: 0.0 % (0.0 %)",
        "zone habit": "days since its price moved: 3 (2)",
        "season": "all zones over the same days of past years: not known (−10.0 %)",
    }
    assert [FEATURES[name].group for name, _ in FACTS.values()] == list(FACTS)
