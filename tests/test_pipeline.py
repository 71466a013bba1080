"""A run as a whole: what is stored, what is refused, and what the log says of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from necc import pipeline
from necc.config import INDIA, Settings
from necc.errors import DatabaseError, LockedError, UsageError
from necc.records import Month, Report, SheetKey
from necc.runlog import lock
from necc.tally import ScrapeReport
from tests.site import Alter, altered, as_is

TODAY = dt.date(2024, 3, 15)
NOON = dt.datetime(2024, 3, 15, 12, tzinfo=INDIA)
JANUARY, FEBRUARY, MARCH = Month(2024, 1), Month(2024, 2), Month(2024, 3)


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    assert settings.database_url
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(query).fetchall()


def scrape(
    settings: Settings,
    *months: Month,
    alter: Alter = as_is,
    now: dt.datetime = NOON,
    today: dt.date = TODAY,
    robots: tuple[int, str] = (404, ""),
    **options: Any,
) -> ScrapeReport:
    with altered(today, alter, robots) as url:
        settings = replace(settings, base_url=url, fixed_now=now)
        return pipeline.scrape(settings, [SheetKey.daily(m) for m in months], **options)


def log_row(settings: Settings) -> tuple[Any, ...]:
    query = "select status, exit_code, finished_at is not null from nec_scraper_logs order by started_at desc limit 1"
    return rows(settings, query)[0]


def test_a_run_stores_its_sheets_and_says_so(settings: Settings) -> None:
    report = scrape(settings, JANUARY, FEBRUARY, MARCH)
    assert (report.exit_code, report.status, report.outcomes) == (0, "success", {"stored": 3})
    assert report.counts.inserted > 34 * 70
    assert report.is_refreshed
    assert log_row(settings) == ("success", 0, True)
    assert rows(settings, "select count(*) from nec_prices")[0][0] <= report.counts.inserted
    assert rows(settings, "select distinct outcome, notice is not null from nec_source_pages") == [("stored", True)]
    assert rows(settings, "select count(*) > 0 from nec_monthly_averages") == [(True,)]


def test_the_same_again_changes_nothing(settings: Settings) -> None:
    scrape(settings, JANUARY, FEBRUARY)
    state = "select count(*), max(updated_at), (select count(*) from nec_price_revisions) from nec_prices"
    before = rows(settings, state)
    report = scrape(settings, JANUARY, FEBRUARY)
    assert (report.outcomes, report.counts.changed, report.is_refreshed) == ({"unchanged": 2}, 0, False)
    assert rows(settings, state) == before


def test_a_dry_run_stores_nothing_but_tells_everything(settings: Settings) -> None:
    report = scrape(settings, JANUARY, FEBRUARY, dry_run=True)
    assert report.counts.inserted > 34 * 50
    for table in ("nec_prices", "nec_source_pages", "nec_scraper_logs", "nec_price_problems"):
        assert rows(settings, f"select count(*) from {table}") == [(0,)], table


def test_an_unknown_label_is_reported_and_the_known_zones_are_stored(settings: Settings) -> None:
    def with_new_zone(asked: str, text: str) -> tuple[int, str]:
        return 200, text.replace(">Ajmer<", ">Atlantis<")

    for outcome in ("stored", "unchanged"):  # an unchanged page must go on saying so
        report = scrape(settings, FEBRUARY, alter=with_new_zone)
        assert (report.exit_code, report.outcomes) == (4, {outcome: 1})
        assert report.unknown_labels == ["Atlantis"]
    assert log_row(settings)[:2] == ("failed", 4)
    assert rows(settings, "select count(distinct zone_id) from nec_prices") == [(33,)]
    assert rows(settings, "select raw_label, rule, verdict from nec_price_problems") == [
        ("Atlantis", "unknown_label", "rejected")
    ]


def test_an_alias_that_is_added_lets_the_same_page_be_read_again(settings: Settings) -> None:
    def with_new_name(asked: str, text: str) -> tuple[int, str]:
        return 200, text.replace(">Ajmer<", ">Ajayameru<")

    scrape(settings, FEBRUARY, alter=with_new_name)
    assert settings.database_url
    with psycopg.connect(settings.database_url) as connection:
        connection.execute(
            "insert into nec_zone_aliases (alias, zone_id, kind, source) "
            "select 'Ajayameru', id, 'historic', 'test' from nec_zones where slug = 'ajmer'"
        )
    report = scrape(settings, FEBRUARY, alter=with_new_name)
    assert (report.exit_code, report.counts.inserted) == (0, 29)
    assert rows(settings, "select count(*) from nec_price_problems where released_at is null") == [(0,)]


@pytest.mark.parametrize(
    ("status", "text", "code", "kind"),
    [
        (200, "<html><body>maintenance</body></html>", 4, "SourceChangedError"),
        (200, "<html><body><div id='pan2'><table><tr>", 1, "SheetRefusedError"),
        (403, "no", 5, "BlockedError"),
        (429, "slowly", 5, "BlockedError"),
        (500, "oops", 1, "FetchError"),
        (404, "where?", 1, "FetchError"),
    ],
)
def test_a_page_that_is_no_sheet_stores_nothing(
    embedded_settings: Settings, status: int, text: str, code: int, kind: str
) -> None:
    def broken(asked: str, page: str) -> tuple[int, str]:
        return (status, text) if asked else (200, page)

    report = scrape(embedded_settings, FEBRUARY, alter=broken)
    assert (report.exit_code, report.status, [type(e).__name__ for e in report.errors]) == (
        code,
        "failed",
        [kind],
    )
    assert "\n" not in str(report.errors[0])
    assert log_row(embedded_settings) == ("failed", code, True)
    assert rows(embedded_settings, "select count(*) from nec_prices") == [(0,)]


def test_the_raw_page_of_a_refused_sheet_is_kept(embedded_settings: Settings) -> None:
    def cut(asked: str, page: str) -> tuple[int, str]:
        return 200, page[: page.rindex("</table>")] if asked else page

    report = scrape(embedded_settings, FEBRUARY, alter=cut)
    assert report.exit_code == 1
    (page,) = rows(embedded_settings, "select outcome, outcome_detail, byte_count > 10000 from nec_source_pages")
    assert (page[0], "cut" in page[1], page[2]) == ("refused", True, True)


def test_robots_txt_is_obeyed(embedded_settings: Settings) -> None:
    report = scrape(embedded_settings, FEBRUARY, robots=(200, "User-agent: *\nDisallow: /home/"))
    assert (report.exit_code, report.sheets) == (5, [])
    assert "robots.txt" in str(report.errors[0])


def test_one_bad_sheet_among_good_ones_is_a_partial_run(embedded_settings: Settings) -> None:
    def february_is_stale(asked: str, page: str) -> tuple[int, str]:
        return 200, page.replace('value="02"', 'value="xx"') if asked == "2024-02" else page

    report = scrape(embedded_settings, JANUARY, FEBRUARY, MARCH, alter=february_is_stale)
    assert (report.exit_code, report.status, report.outcomes) == (3, "partial", {"stored": 2, "refused": 1})
    assert log_row(embedded_settings) == ("partial", 3, True)


@pytest.mark.parametrize(("hour", "code"), [(12, 0), (21, 3)])
def test_a_price_that_is_not_out_yet_is_no_error_before_the_evening(
    embedded_settings: Settings, hour: int, code: int
) -> None:
    now = NOON.replace(hour=hour)
    report = scrape(embedded_settings, MARCH, now=now, today=TODAY - dt.timedelta(days=1))
    assert (report.exit_code, report.status) == (code, "partial" if code else "success")
    assert bool(report.notes) == (code == 0)


def test_another_run_is_refused_while_one_works(embedded_settings: Settings) -> None:
    assert embedded_settings.database_url
    with (
        psycopg.connect(embedded_settings.database_url, autocommit=True) as other,
        lock(other),
        pytest.raises(LockedError),
    ):
        scrape(embedded_settings, FEBRUARY)
    assert rows(embedded_settings, "select count(*) from nec_scraper_logs") == [(0,)]


def test_real_and_made_up_prices_never_share_a_database(embedded_settings: Settings) -> None:
    demo_settings = replace(embedded_settings, demo=True, fixed_now=NOON)
    report = pipeline.scrape(demo_settings, [SheetKey.daily(FEBRUARY)])
    assert (report.exit_code, report.is_demo) == (0, True)
    assert rows(embedded_settings, "select distinct is_demo, source from nec_v_price_quotes") == [(True, "demo")]
    with pytest.raises(DatabaseError, match="made-up demo data"):
        scrape(embedded_settings, FEBRUARY)


def test_real_prices_keep_made_up_ones_out(embedded_settings: Settings) -> None:
    scrape(embedded_settings, FEBRUARY)
    with pytest.raises(DatabaseError, match="holds real prices"):
        pipeline.scrape(replace(embedded_settings, demo=True, fixed_now=NOON), [SheetKey.daily(FEBRUARY)])


def test_an_interrupted_run_closes_its_log_row(embedded_settings: Settings) -> None:
    def stop(result: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scrape(embedded_settings, JANUARY, FEBRUARY, progress=stop)
    assert log_row(embedded_settings) == ("partial", 1, True)
    assert rows(embedded_settings, "select count(distinct month) from nec_prices") == [(1,)]


def test_the_scraper_s_role_is_enough(embedded_settings: Settings) -> None:
    assert embedded_settings.database_url
    as_scraper = f"{embedded_settings.database_url}&options=-c%20role%3Dapp_scraper"
    report = scrape(replace(embedded_settings, database_url=as_scraper), FEBRUARY)
    assert report.errors == []
    assert rows(embedded_settings, "select count(*) > 0 from nec_monthly_averages") == [(True,)]


def test_a_database_without_schema_is_named(empty_database: str, embedded_settings: Settings) -> None:
    with pytest.raises(DatabaseError, match="necc db deploy"):
        scrape(replace(embedded_settings, database_url=empty_database), FEBRUARY)


@pytest.mark.parametrize(
    ("today", "months"),
    [(dt.date(2024, 3, 10), ["2024-02", "2024-03"]), (dt.date(2024, 3, 11), ["2024-03"])],
)
def test_the_previous_month_is_read_again_until_the_tenth(today: dt.date, months: list[str]) -> None:
    assert [str(key) for key in pipeline.default_keys(today)] == months


def test_a_range_is_checked_before_anything_is_asked() -> None:
    with pytest.raises(UsageError, match="earlier month first"):
        pipeline.keys_between(MARCH, JANUARY, [Report.DAILY], TODAY)
    with pytest.raises(UsageError, match="future"):
        pipeline.keys_between(MARCH, Month(2024, 4), [Report.DAILY], TODAY)
    keys = pipeline.keys_between(Month(2023, 12), JANUARY, [Report.DAILY, Report.MONTHLY], TODAY)
    assert [str(key) for key in keys] == ["2023-12", "2024-01", "averages 2023", "averages 2024"]


def test_the_yearly_sheet_is_compared_with_our_own_means(embedded_settings: Settings) -> None:
    scrape(embedded_settings, JANUARY, FEBRUARY)

    def namakkal_off_by_ten(asked: str, page: str) -> tuple[int, str]:
        head, _, tail = page.partition(">Namakkal</td><td>")
        average, _, rest = tail.partition("<")
        return 200, f"{head}>Namakkal</td><td>{float(average) + 10:.2f}<{rest}" if len(asked) == 4 else page

    with altered(TODAY, namakkal_off_by_ten) as url:
        settings = replace(embedded_settings, base_url=url, fixed_now=NOON)
        report = pipeline.scrape(settings, [SheetKey.averages(2024)])
    assert report.exit_code == 0
    assert [(p.label, p.rule, p.date) for s in report.sheets for p in s.problems] == [
        ("Namakkal", "monthly_average", dt.date(2024, 1, 1))
    ]
    assert rows(embedded_settings, "select count(*) from nec_v_price_quotes where rules is not null") == [(0,)]
