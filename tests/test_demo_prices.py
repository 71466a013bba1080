"""The made-up prices: like the real ones in their statistics, and fixed for ever."""

from __future__ import annotations

import datetime as dt
import hashlib

import numpy as np
import pandas as pd
import pytest

from necc import demo
from necc.demo_prices import printed
from necc.demo_table import LINKS, SEASON, ZONES
from necc.errors import UsageError
from necc.records import Month, Section

FIRST, LAST = dt.date(2009, 1, 1), dt.date(2026, 12, 31)
RECENT = "2021-01-01"  # several of the statistics were taken from 2021 on
YEARS = 18.0
DAYS = pd.date_range(FIRST, LAST)


@pytest.fixture(scope="module")
def cells() -> tuple[demo.DemoPrice, ...]:
    return demo.prices(FIRST, LAST)


@pytest.fixture(scope="module")
def shown(cells: tuple[demo.DemoPrice, ...]) -> pd.DataFrame:
    """Every printed price, a row per day and a column per zone; missing is NaN."""
    table = np.reshape([cell.price or np.nan for cell in cells], (-1, len(ZONES)))
    return pd.DataFrame(table, DAYS, [zone.label for zone in ZONES])


@pytest.fixture(scope="module")
def meant(shown: pd.DataFrame) -> pd.DataFrame:
    """The same without the typing errors."""
    table = shown.copy()
    for error in demo.typing_errors(FIRST, LAST):
        table.loc[pd.Timestamp(error.date), error.label] = error.meant
    return table


@pytest.fixture(scope="module")
def steps(meant: pd.DataFrame) -> pd.DataFrame:
    return meant.diff().iloc[1:]


@pytest.fixture(scope="module")
def national(meant: pd.DataFrame) -> pd.Series[float]:
    """The log of the geometric mean over the zones."""
    return meant.apply(np.log).mean(axis=1)


def test_zones_are_those_of_the_sheet() -> None:
    sections = [zone.section for zone in ZONES]
    assert sections == [Section.SUGGESTED] * 24 + [Section.PREVAILING] * 10
    assert len({zone.label for zone in ZONES}) == 34
    assert "Ranchi  (CC)" in [zone.label for zone in ZONES]


def test_level_rises_from_about_200_to_about_575(meant: pd.DataFrame) -> None:
    yearly = meant.mean(axis=1).groupby(DAYS.year).mean()
    assert 200 < yearly[2009] < 260
    assert 530 < yearly[2025] < 610
    assert meant.min().min() > 130 and meant.max().max() < 1000


def test_trend_and_season(national: pd.Series[float]) -> None:
    months = national.groupby([DAYS.year, DAYS.month]).mean()
    years = np.arange(len(months)) / 12
    trend = np.polyfit(years, months, 1)[0]
    assert trend == pytest.approx(0.053, abs=0.006)
    season = (months - trend * years).groupby(level=1).mean()
    found = np.exp(season - season.mean())
    assert np.corrcoef(found, SEASON)[0, 1] > 0.97
    assert np.abs(found - np.array(SEASON)).max() < 0.05


def test_daily_returns_keep_their_direction_for_some_days(national: pd.Series[float]) -> None:
    returns = national.diff()
    assert returns.std() == pytest.approx(0.0115, abs=0.002)
    found = [returns.autocorr(lag) for lag in range(1, 6)]
    assert found == pytest.approx([0.70, 0.53, 0.32, 0.15, 0.05], abs=0.13)
    assert found[:2] == pytest.approx([0.70, 0.53], abs=0.05)


def test_weekly_returns(national: pd.Series[float]) -> None:
    returns = national.resample("W").mean().diff()
    assert returns.std() == pytest.approx(0.05, abs=0.005)
    assert returns.autocorr(1) == pytest.approx(0.35, abs=0.08)


def test_rises_are_many_and_small_falls_fewer_and_bigger(steps: pd.DataFrame) -> None:
    recent = steps.loc[RECENT:].to_numpy()
    rises, falls = recent[recent > 0], recent[recent < 0]
    assert len(rises) / (len(rises) + len(falls)) == pytest.approx(0.647, abs=0.02)
    assert rises.mean() == pytest.approx(8, abs=1)
    assert falls.mean() == pytest.approx(-15, abs=1.5)


def test_zones_change_on_their_weekdays(steps: pd.DataFrame) -> None:
    found = (steps != 0).groupby(DAYS.day_of_week[1:]).mean().to_numpy()
    wanted = np.array([zone.change_pct for zone in ZONES]).T / 100
    assert np.abs(found - wanted).mean() < 0.02
    assert np.abs(found - wanted).max() < 0.08
    namakkal = found[:, [zone.label for zone in ZONES].index("Namakkal")]
    assert namakkal[[0, 3, 5]].min() > 1.5 * namakkal[[1, 2, 4, 6]].max()


def test_days_are_lively_or_quiet(steps: pd.DataFrame) -> None:
    shares = (steps != 0).mean(axis=1)
    wanted = [0.09, 0.26, 0.41, 0.59, 0.85]
    assert shares.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).tolist() == pytest.approx(wanted, abs=0.07)


def test_most_movers_of_a_day_go_the_same_way(steps: pd.DataFrame) -> None:
    rises, falls = (steps > 0).sum(axis=1), (steps < 0).sum(axis=1)
    assert np.maximum(rises, falls).sum() / (rises + falls).sum() == pytest.approx(0.9, abs=0.04)


def test_next_change_has_mostly_the_same_sign(steps: pd.DataFrame) -> None:
    signs = [np.sign(steps[label][steps[label] != 0].dropna()) for label in steps]
    same = [(sign.to_numpy()[1:] == sign.to_numpy()[:-1]).mean() for sign in signs]
    assert np.mean(same) == pytest.approx(0.76, abs=0.05)


def test_premiums(meant: pd.DataFrame, national: pd.Series[float]) -> None:
    ratios = meant.apply(np.log).sub(national, axis=0)
    wanted = np.log([zone.premium for zone in ZONES])
    assert np.abs(ratios.mean() - (wanted - wanted.mean())).max() < 0.02
    assert np.median([ratios[label].autocorr(1) for label in ratios]) == pytest.approx(0.9, abs=0.03)
    spread = ratios.loc[RECENT:].std() / [zone.premium_sd for zone in ZONES]
    assert 0.7 < spread.median() < 1.3


def test_zones_move_together(meant: pd.DataFrame) -> None:
    weekly = meant.apply(np.log).iloc[::7].diff().corr().to_numpy()
    assert np.median(weekly[np.triu_indices(len(ZONES), 1)]) == pytest.approx(0.82, abs=0.06)


def test_premiums_of_a_region_stray_together(meant: pd.DataFrame) -> None:
    alike = meant.apply(np.log).sub(meant.apply(np.log).median(axis=1), axis=0).corr().to_numpy()
    regions = np.array([zone.region for zone in ZONES])
    same = regions[:, None] == regions
    others = ~np.eye(len(ZONES), dtype=bool)
    assert np.median(alike[same & others]) > 0.35
    assert np.median(alike[~same]) < 0.1


def test_multiples_of_five(meant: pd.DataFrame) -> None:
    found = (meant.loc[RECENT:] % 5 == 0).mean()
    assert np.abs(found - [zone.fives for zone in ZONES]).max() < 0.08


def test_links_are_exact(shown: pd.DataFrame) -> None:
    assert LINKS["Chittoor"] == ("Chennai (CC)", -7)
    assert LINKS["Warangal"] == ("Hyderabad", 2)
    assert LINKS["E.Godavari"] == ("W.Godavari", 0)
    assert LINKS["Patna"] == ("Muzaffurpur (CC)", 0)
    for follower, (leader, offset) in LINKS.items():
        both = shown[[follower, leader]].dropna()
        assert len(both) > 6500
        assert (both[follower] - both[leader] == offset).all()


def test_a_few_cells_are_missing(shown: pd.DataFrame) -> None:
    assert 4 <= shown.isna().sum().sum() <= 20  # 11 are expected


def test_about_four_typing_errors_a_year(shown: pd.DataFrame) -> None:
    errors = demo.typing_errors(FIRST, LAST)
    days = pd.DataFrame(errors).groupby("label").date
    spells = days.apply(lambda dates: (pd.to_datetime(dates).diff() != pd.Timedelta(days=1)).sum())
    assert 3 < spells.sum() / YEARS < 5.5
    assert spells[["Ajmer", "Nagpur"]].sum() > 0.5 * spells.sum()
    assert 1 < len(errors) / spells.sum() < 2
    for error in errors:
        assert shown.loc[pd.Timestamp(error.date), error.label] == error.printed
        assert abs(error.printed - error.meant) == 100 or (error.printed - error.meant) % 90 == 0


def test_no_month_looks_like_another_or_jumps_from_the_one_before() -> None:
    """The checks that prove a page's identity must let the made-up pages through for years to come."""
    last = dt.date(2032, 12, 31)
    days = pd.date_range(FIRST, last)
    table = pd.DataFrame(printed(last), days).replace(0, np.nan)
    change = table.pct_change(fill_method=None).median(axis=1).abs()
    assert change[days.day == 1].max() < 0.04
    months = list(Month(2009, 1).through(Month(2032, 12)))
    sheets = [table.loc[str(month.first_day) : str(month.last_day)].to_numpy() for month in months]
    for gap in (1, 12):
        for sheet, later in zip(sheets, sheets[gap:], strict=False):
            rows = min(len(sheet), len(later))
            assert (sheet[:rows] == later[:rows]).mean() < 0.2


@pytest.mark.parametrize("last", [dt.date(2009, 1, 1), dt.date(2012, 2, 29), dt.date(2016, 12, 31)])
def test_a_longer_range_changes_no_day(last: dt.date, cells: tuple[demo.DemoPrice, ...]) -> None:
    short = demo.prices(FIRST, last)
    assert cells[: len(short)] == short
    assert len(short) == ((last - FIRST).days + 1) * 34


def test_typing_errors_look_the_same_on_their_own_day() -> None:
    errors = demo.typing_errors(FIRST, LAST)
    for error in errors[::30]:
        assert error[:4] in demo.prices(error.date, error.date)
        assert error in demo.typing_errors(error.date, error.date)


def test_prices_are_these_for_ever(cells: tuple[demo.DemoPrice, ...]) -> None:
    """A change here changes the past of every demo database: it needs a new seed and a word to the users."""
    text = ",".join(str(cell.price) for cell in cells if cell.date < dt.date(2026, 1, 1))
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "a26e76371c37790142b70c5dd96f145990b38a066d3a46eebb8f102e7e6a5aa6"
    )


def test_ranges_that_cannot_be_made() -> None:
    with pytest.raises(UsageError, match="there are none before 2009-01-01"):
        demo.prices(dt.date(2008, 12, 31), LAST)
    with pytest.raises(UsageError, match="the first day is after the last"):
        demo.prices(dt.date(2024, 1, 2), dt.date(2024, 1, 1))
