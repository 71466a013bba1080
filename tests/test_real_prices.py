"""Acceptance on the real prices: what the stand-in site shows is stored, exactly, and no fault gets through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from necc import parse, pipeline, validate
from necc.config import INDIA, Settings
from necc.embedded import Cluster
from necc.records import Month, Report, SheetKey
from necc.tally import ScrapeReport
from tests import real_prices
from tests.conftest import temporary_database

pytestmark = pytest.mark.real

TODAY = dt.datetime(2025, 6, 30, 12, tzinfo=INDIA)
FIRST, LAST = Month(2009, 1), Month(2025, 6)
FAULTY_FIRST, FAULTY_LAST = Month(2019, 3), Month(2021, 2)  # holes, lockdown, Jabalpur's change of section


def run(settings: Settings, first: Month, last: Month, **options: Any) -> ScrapeReport:
    keys = pipeline.keys_between(first, last, [Report.DAILY], settings.today())
    return pipeline.scrape(settings, keys, **options)


@pytest.fixture(scope="module")
def backfilled(
    tmp_path_factory: pytest.TempPathFactory, clusters: Callable[[str], Cluster], templates: Callable[[Cluster], str]
) -> Iterator[tuple[Settings, ScrapeReport]]:
    """The whole archive, scraped once from the stand-in for the site."""
    cluster = clusters("embedded")
    for database in temporary_database(cluster, templates(cluster)):
        with real_prices.site() as url:
            home = tmp_path_factory.mktemp("backfilled")
            settings = Settings(home=home, database_url=database, pause_s=0.0, base_url=url, fixed_now=TODAY)
            yield settings, run(settings, FIRST, LAST)


@pytest.fixture
def connection(backfilled: tuple[Settings, ScrapeReport]) -> Iterator[psycopg.Connection[Any]]:
    settings, _ = backfilled
    assert settings.database_url
    with psycopg.connect(settings.database_url) as connection:
        yield connection


def test_the_whole_archive_is_stored_exactly(
    backfilled: tuple[Settings, ScrapeReport], connection: psycopg.Connection[Any]
) -> None:
    _, report = backfilled
    expected = real_prices.by_zone(connection, real_prices.published())
    found = real_prices.stored(connection)
    assert len(expected) > 180_000
    assert expected.keys() - found.keys() == set()
    assert found.keys() - expected.keys() == set()
    assert {k for k in expected if expected[k] != found[k]} == set()
    assert (report.exit_code, report.outcomes, report.verdicts) == (0, {"stored": 198}, {})
    assert report.counts.inserted == len(expected)


def test_jabalpur_is_one_zone_with_two_lives(connection: psycopg.Connection[Any]) -> None:
    spans = connection.execute(
        "select section, min(date), max(date) from nec_v_price_quotes where zone = 'jabalpur' group by 1 order by 1"
    ).fetchall()
    assert [(section, first, last) for section, first, last in spans] == [
        ("prevailing", dt.date(2009, 1, 1), dt.date(2020, 9, 30)),
        ("suggested", dt.date(2020, 10, 1), dt.date(2025, 6, 30)),
    ]


def test_a_repeat_reads_everything_and_writes_no_price(
    backfilled: tuple[Settings, ScrapeReport], connection: psycopg.Connection[Any]
) -> None:
    settings, first = backfilled
    counts = "select count(*), max(updated_at), (select count(*) from nec_price_revisions) from nec_prices"
    before = connection.execute(counts).fetchone()
    connection.rollback()
    again = run(settings, FIRST, LAST)
    assert (again.exit_code, again.outcomes, again.is_refreshed) == (0, {"unchanged": 198}, False)
    assert again.counts.changed == 0
    assert connection.execute(counts).fetchone() == before
    assert first.is_refreshed


def test_resume_asks_for_nothing_that_is_complete(backfilled: tuple[Settings, ScrapeReport]) -> None:
    settings, _ = backfilled
    report = run(settings, FIRST, LAST, resume=True)
    asked = {str(sheet.key) for sheet in report.sheets}
    assert asked == {"2010-01", "2025-06"}  # 2010-01 has no price on its last day; the last month may go on
    assert report.skipped == 196


def test_monthly_averages_equal_an_independent_recomputation(connection: psycopg.Connection[Any]) -> None:
    expected = _monthly_by_pandas(connection)
    rows = connection.execute(
        "select zone_id, year, month, suggested_average, prevailing_average from nec_monthly_averages"
    ).fetchall()
    found = {
        (zone, section, year, month): value
        for zone, year, month, suggested, prevailing in rows
        for section, value in (("suggested", suggested), ("prevailing", prevailing))
        if value is not None
    }
    assert found.keys() == expected.keys()
    assert max(abs(float(found[key]) - expected[key]) for key in found) <= 0.00501  # numeric(10,2) of the mean


def test_year_over_year_equals_an_independent_recomputation(connection: psycopg.Connection[Any]) -> None:
    means = _monthly_by_pandas(connection)
    rows = connection.execute(
        "select zone_id, year, month, suggested_change_pct, prevailing_change_pct from nec_yoy_comparison "
        "where not is_partial"
    ).fetchall()
    found = {
        (zone, section, year, month): float(value)
        for zone, year, month, suggested, prevailing in rows
        for section, value in (("suggested", suggested), ("prevailing", prevailing))
        if value is not None
    }
    pairs = {
        (z, s, y, m): (means[z, s, y, m], means[z, s, y - 1, m]) for z, s, y, m in means if (z, s, y - 1, m) in means
    }
    current = (2025, 6)
    expected = {k: 100 * (now / before - 1) for k, (now, before) in pairs.items() if k[2:] != current}
    found = {k: v for k, v in found.items() if k[2:] != current}
    assert found.keys() == expected.keys()
    # The averages are kept with two decimals, so that a percentage may be off by a rounding of its inputs.
    assert max(abs(found[key] - expected[key]) for key in found) <= 0.005 + 0.012


def _monthly_by_pandas(connection: psycopg.Connection[Any]) -> dict[tuple[Any, str, int, int], float]:
    cells = real_prices.by_zone(connection, real_prices.published())
    rows = [(zone, section, day.year, day.month, float(price)) for (zone, section, day), price in cells.items()]
    keys = ["zone", "section", "year", "month"]
    means = pd.DataFrame(rows, columns=[*keys, "price"]).groupby(keys, as_index=False)["price"].mean()
    return {(row.zone, row.section, row.year, row.month): row.price for row in means.itertuples()}


@pytest.mark.parametrize("name", ["2009_03", "2020_09", "2024_02"])
def test_a_real_page_parses_to_the_published_prices(name: str) -> None:
    year, month = map(int, name.split("_"))
    body = (real_prices.folder() / "source" / "raw" / f"egg_{name}.html").read_bytes()
    sheet = parse.read_sheet(body)
    assert (sheet.year, sheet.month, sheet.notice is not None) == (year, month, True)
    quotes, problems = validate.judge(sheet, Month(year, month))
    found = {(quote.label, str(quote.section), quote.date): quote.price for quote in quotes}
    assert found == real_prices.published(f"{year}-{month:02d}", f"{year}-{month:02d}")
    wrong_average = [("Namakkal", "printed_average", "466.29")] if name == "2020_09" else []
    assert [(p.label, p.rule, p.raw_text) for p in problems] == wrong_average


FAULTS = {
    "stale": ["--stale-rate", "0.4"],
    "stale-echo": ["--stale-rate", "0.4", "--stale-echo"],
    "error": ["--error-rate", "0.5"],
    "truncate": ["--truncate-rate", "0.3"],
    "garble": ["--garble-rate", "0.9"],
    "unpadded": ["--unpadded", "latest"],
    "need-button": ["--need-button"],
    "all": [
        "--stale-rate",
        ".15",
        "--stale-echo",
        "--error-rate",
        ".2",
        "--truncate-rate",
        ".15",
        "--garble-rate",
        ".4",
    ],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_stores_a_wrong_price_unflagged(fault: str, embedded_settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "faults.jsonl"
    with real_prices.site(*FAULTS[fault], "--seed", "3", fault_log=log) as url:
        settings = replace(embedded_settings, base_url=url, fixed_now=TODAY)
        report = run(settings, FAULTY_FIRST, FAULTY_LAST)
    answers = real_prices.answers(log)
    assert settings.database_url
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        _nothing_wrong_is_unflagged(connection)
        for month, answer in answers.items():
            _answer_was_treated_rightly(connection, report, month, answer)
        is_faulty = any(answer["faults"] for answer in answers.values())
        assert is_faulty == (fault not in {"unpadded", "need-button"})
        _a_clean_run_completes_the_series(connection, settings)


def _nothing_wrong_is_unflagged(connection: psycopg.Connection[Any]) -> None:
    expected = real_prices.by_zone(connection, real_prices.published())
    rows = connection.execute("select zone_id, section, date, price, rules from nec_v_price_quotes").fetchall()
    wrong = [row for row in rows if expected.get((row[0], row[1], row[2])) != row[3]]
    assert [row for row in wrong if not row[4]] == []


def _answer_was_treated_rightly(
    connection: psycopg.Connection[Any], report: ScrapeReport, month: str, answer: dict[str, Any]
) -> None:
    (result,) = [sheet for sheet in report.sheets if str(sheet.key) == month]
    is_wrong_page = answer["served"] not in {f"daily:{month}"} or any("truncate" in f for f in answer["faults"])
    stored = real_prices.stored(connection, month, month)
    if is_wrong_page:
        assert stored == {}, f"{month} was answered with {answer['served']} {answer['faults']}"
        assert result.error is not None
        return
    expected = real_prices.by_zone(connection, real_prices.published(month, month))
    assert {k for k in expected if k in stored and stored[k] != expected[k]} <= _flagged(connection, month)
    for garble in (f.removeprefix("garble:") for f in answer["faults"] if f.startswith("garble:")):
        before, _, bad = garble.partition("->")
        rejected = [p for p in result.problems if str(p.verdict) == "rejected"]
        if validate.is_readable(bad):
            assert (len(stored), rejected) == (len(expected), [])
            assert before == bad or [p.rule for p in result.problems] == ["printed_average"]
        else:
            assert [p.raw_text for p in rejected] == [bad.strip()]
            assert len(stored) == len(expected) - 1


def _flagged(connection: psycopg.Connection[Any], month: str) -> set[Any]:
    rows = connection.execute(
        "select zone_id, section, date, rules from nec_v_price_quotes where date between %s and %s",
        [Month.parse(month).first_day, Month.parse(month).last_day],
    )
    return {(zone, section, day) for zone, section, day, rules in rows if rules}


def _a_clean_run_completes_the_series(connection: psycopg.Connection[Any], settings: Settings) -> None:
    with real_prices.site() as url:
        report = run(replace(settings, base_url=url), FAULTY_FIRST, FAULTY_LAST)
    span = (str(FAULTY_FIRST), str(FAULTY_LAST))
    assert report.exit_code == 0
    assert real_prices.stored(connection, *span) == real_prices.by_zone(connection, real_prices.published(*span))
    open_problems = "select count(*) from nec_price_problems where released_at is null"
    assert connection.execute(open_problems).fetchone() == (0,)


@pytest.mark.parametrize("echo", [[], ["--stale-echo"]])
def test_the_first_sheet_of_an_empty_database_is_not_another_month(
    echo: list[str], embedded_settings: Settings
) -> None:
    with real_prices.site("--stale-rate", "1", *echo) as url:
        settings = replace(embedded_settings, base_url=url, fixed_now=TODAY)
        report = pipeline.scrape(settings, [SheetKey.daily(Month(2024, 6))])
    assert (report.exit_code, report.status) == (3, "failed")
    assert settings.database_url
    with psycopg.connect(settings.database_url) as connection:
        assert connection.execute("select count(*) from nec_prices").fetchone() == (0,)


def test_a_price_that_the_site_corrects_leaves_a_revision(embedded_settings: Settings) -> None:
    with real_prices.site("--garble-rate", "1", "--seed", "11") as url:
        settings = replace(embedded_settings, base_url=url, fixed_now=TODAY)
        run(settings, Month(2024, 1), Month(2024, 12))
    with real_prices.site() as url:
        report = run(replace(settings, base_url=url), Month(2024, 1), Month(2024, 12))
    assert settings.database_url
    with psycopg.connect(settings.database_url) as connection:
        revised = connection.execute("select count(*) from nec_price_revisions").fetchone()
    assert revised == (report.counts.updated,)
    assert report.counts.updated > 0
    assert report.counts.inserted > 0  # the damaged cells, which were refused before
