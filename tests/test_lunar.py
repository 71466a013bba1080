"""The calendars of the moon against dates that were published, and against their own laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from necc import lunar

# First and last days as calendars of the region and the government's holiday lists printed them.
PUBLISHED = {
    "diwali": {
        2013: ("2013-11-03", "2013-11-03"),
        2018: ("2018-11-07", "2018-11-07"),
        2020: ("2020-11-14", "2020-11-14"),
        2022: ("2022-10-24", "2022-10-24"),
        2023: ("2023-11-12", "2023-11-12"),
        2024: ("2024-10-31", "2024-10-31"),
        2025: ("2025-10-20", "2025-10-20"),
    },
    "navratri": {
        2019: ("2019-09-29", "2019-10-07"),
        2020: ("2020-10-17", "2020-10-25"),
        2022: ("2022-09-26", "2022-10-04"),
        2023: ("2023-10-15", "2023-10-23"),
    },
    "spring_navratri": {2019: ("2019-04-06", "2019-04-14"), 2023: ("2023-03-22", "2023-03-30")},
    "sawan": {
        2019: ("2019-07-17", "2019-08-15"),
        2020: ("2020-07-06", "2020-08-03"),
        2022: ("2022-07-14", "2022-08-12"),
        2023: ("2023-07-04", "2023-08-31"),  # the extra month is part of it
        2024: ("2024-07-22", "2024-08-19"),
    },
    "ramadan": {
        2018: ("2018-05-17", "2018-06-15"),
        2020: ("2020-04-25", "2020-05-24"),
        2021: ("2021-04-14", "2021-05-13"),
        2023: ("2023-03-24", "2023-04-21"),
        2024: ("2024-03-12", "2024-04-10"),
    },
    "southern_kartika": {
        2022: ("2022-10-26", "2022-11-23"),
        2023: ("2023-11-14", "2023-12-12"),
        2024: ("2024-11-02", "2024-12-01"),
    },
    "southern_margashirsha": {2022: ("2022-11-24", "2022-12-23"), 2024: ("2024-12-02", "2024-12-30")},
    "southern_shravana": {
        2017: ("2017-07-24", "2017-08-21"),
        2020: ("2020-07-21", "2020-08-19"),
        2022: ("2022-07-29", "2022-08-27"),
        2023: ("2023-08-17", "2023-09-15"),  # the extra month, before it, is not
    },
}


@pytest.mark.parametrize(
    ("name", "year", "span"), [(name, year, span) for name, years in PUBLISHED.items() for year, span in years.items()]
)
def test_published_dates(name: str, year: int, span: tuple[str, str]) -> None:
    table = lunar.festivals(2012, 2026)
    found = table[(table["name"] == name) & (table["first_day"].dt.year == year)]
    assert [str(found[column].iloc[0].date()) for column in ("first_day", "last_day")] == list(span)
    assert len(found) == 1


def test_extra_months_of_seven_years() -> None:
    """Published: Ashadha 2015, Jyeshtha 2018, Ashvina 2020, Shravana 2023, Jyeshtha 2026."""
    table = lunar.moons(2014, 2026)
    extra = [(str(table.new[at])[:4], lunar.MONTHS[table.month[at]]) for at in np.flatnonzero(table.is_extra)]
    assert extra == [
        ("2015", "ashadha"), ("2018", "jyeshtha"), ("2020", "ashvina"), ("2023", "shravana"), ("2026", "jyeshtha"),
    ]  # fmt: skip


def test_the_position_runs_from_0_to_12_and_starts_with_chaitra() -> None:
    days = pd.date_range("2015-01-01", "2025-12-31")
    position = lunar.lunar_position(days)
    assert 0 <= position.min() < 0.05
    assert 11.95 < position.max() < 12
    turns = days[1:][np.diff(position) < 0]
    assert len(turns) == 11
    assert str(turns[8].date()) == "2023-03-22"  # the lunisolar new year of 2023
    assert np.diff(position)[np.diff(position) > 0].min() > 0.01  # an extra month slows it, and never stops it


def test_lunar_years_never_fall_back() -> None:
    years = lunar.lunar_years(pd.date_range("2009-01-01", "2026-12-31"))
    assert (np.diff(years) >= 0).all()
    assert years[-1] - years[0] == pytest.approx(18, abs=0.06)


def test_an_observance_is_smoothed_over_five_days() -> None:
    made = lunar.observance(pd.date_range("2022-10-20", "2022-10-28"))["diwali"]  # on the 24th
    assert made.tolist() == pytest.approx([0, 0, 0.2, 0.2, 0.2, 0.2, 0.2, 0, 0])
    sawan = lunar.observance(pd.date_range("2023-07-01", "2023-07-08"))["sawan"]  # from the 4th on
    assert sawan.tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1])
