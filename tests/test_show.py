from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from necc import looks, show
from necc.config import DEMO_LABEL
from necc.errors import UsageError
from necc.units import LABELS
from tests.test_explanation import WHY

UNIT = LABELS["per_100"]
NAMES = {"namakkal": "Namakkal", "delhi": "Delhi (CC)"}


def frame(rows: list[dict[str, Any]], *, demo: bool = False, **common: Any) -> pd.DataFrame:
    """Rows with `date` and `zone` made into a frame as `necc` gives it."""
    made = pd.DataFrame([{"section": "suggested", "flag": "", "unit": UNIT, **common, **row} for row in rows])
    made["date"] = pd.to_datetime(made["date"])
    made["zone_name"] = made["zone"].map(NAMES)
    made["flag"] = [", ".join(part for part in (DEMO_LABEL if demo else "", flag) if part) for flag in made["flag"]]
    made = made.astype(dict.fromkeys(("zone", "zone_name", "section", "flag", "unit"), "string"))
    made.attrs.update(is_demo=demo, held_cells=0)
    return made


def daily(*, demo: bool = False, **changes: Any) -> pd.DataFrame:
    """Namakkal on 1, 2 and 5 June, Delhi on 1 and 2 June."""
    days = [("2025-06-01", 500), ("2025-06-02", 505), ("2025-06-05", 510)]
    rows = [{"date": day, "zone": "namakkal", "price": float(price)} for day, price in days]
    rows += [{"date": day, "zone": "delhi", "price": price + 50.0, "section": "prevailing"} for day, price in days[:2]]
    return frame(rows, demo=demo, **changes)


def months(*, demo: bool = False) -> pd.DataFrame:
    """Namakkal in March, April and June 2025 (running); both series, and Delhi in March."""
    rows = [
        {"date": day, "zone": zone, "section": section, "price": price, "days_count": days}
        for zone, day, price, days in [
            ("namakkal", "2025-03-01", 400.0, 31),
            ("namakkal", "2025-04-01", 410.0, 15),
            ("namakkal", "2025-06-01", 430.0, 3),
            ("delhi", "2025-03-01", 450.0, 31),
        ]
        for section in ("suggested", "reference")
    ]
    made = frame(rows, demo=demo)
    return made.assign(is_complete=made["days_count"] > 27, is_current=made["date"] == "2025-06-01")


def changes(*, demo: bool = False) -> pd.DataFrame:
    """One month: Namakkal fell by 10 %, Delhi rose by 5 %."""
    rows = [
        {"zone": "namakkal", "price": 450.0, "previous_price": 500.0, "change": -50.0, "change_pct": -10.0},
        {"zone": "delhi", "price": 525.0, "previous_price": 500.0, "change": 25.0, "change_pct": 5.0},
    ]
    common = {"date": "2025-05-01", "section": "reference", "days_count": 31, "previous_days_count": 31}
    return frame(rows, demo=demo, is_partial=False, is_mixed_section=False, **common)


def forecasts(*, demo: bool = False) -> pd.DataFrame:
    """Issued on 5 June for the two days after it, both zones."""
    rows = [
        {"zone": zone, "date": day, "price": 512.0, "naive_price": 510.0}
        for zone in NAMES
        for day in ("2025-06-06", "2025-06-07")
    ]
    bands = {"lower_95": 480.0, "lower_80": 490.0, "upper_80": 530.0, "upper_95": 540.0}
    made = frame(rows, demo=demo, model="pooled-1", actual_price=float("nan"), **bands)
    return made.assign(issued_on=pd.Timestamp("2025-06-05"))


def text_of(figure: go.Figure) -> str:
    return " | ".join(note.text for note in figure.layout.annotations)


def named(figure: go.Figure) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data if trace.name}


ALL = {
    "price_lines": (show.price_lines, daily),
    "monthly_lines": (show.monthly_lines, months),
    "monthly_heatmap": (show.monthly_heatmap, months),
    "coverage_heatmap": (show.coverage_heatmap, months),
    "yoy_bars": (show.yoy_bars, changes),
    "yoy_lines": (show.yoy_lines, changes),
    "forecast_fan": (show.forecast_fan, forecasts),
}
every_figure = pytest.mark.parametrize(("draw", "made"), ALL.values(), ids=ALL)


@every_figure
def test_made_up_prices_are_named_in_title_caption_and_across_the_figure(draw: Any, made: Any) -> None:
    figure = draw(made(demo=True))

    assert figure.layout.title.text.endswith(" — made-up demo data")
    assert [note.textangle for note in figure.layout.annotations if note.text == DEMO_LABEL] == [-24]
    assert "made-up demo data, not NECC's prices" in text_of(figure)
    assert "Source: NECC" not in text_of(figure)


@every_figure
def test_real_prices_name_their_source_and_carry_no_demo_label(draw: Any, made: Any) -> None:
    figure = draw(made())

    assert DEMO_LABEL not in figure.to_json()
    assert "Source: NECC daily sheets" in text_of(figure)


@every_figure
def test_without_rows_the_figure_says_so(draw: Any, made: Any) -> None:
    figure = draw(made().iloc[:0])

    assert "no prices in this range" in text_of(figure)
    assert not any(len(trace.x) for trace in figure.data)


@every_figure
def test_either_the_attrs_or_a_flag_tell_that_prices_are_made_up(draw: Any, made: Any) -> None:
    by_flag, by_attrs = made(demo=True), made(demo=True).iloc[:0]
    by_flag.attrs.clear()
    by_attrs.attrs["is_demo"] = True

    assert draw(by_flag).layout.title.text.endswith(DEMO_LABEL)
    assert draw(by_attrs).layout.title.text.endswith(DEMO_LABEL)


def test_a_missing_day_is_a_gap_and_a_lonely_day_a_dot() -> None:
    trace = named(show.price_lines(daily()))["Namakkal · suggested"]

    assert [f"{day:%d}" for day in pd.to_datetime(trace.x)] == ["01", "02", "03", "04", "05"]
    assert [None if pd.isna(y) else y for y in trace.y] == [500, 505, None, None, 510]
    assert trace.connectgaps is False
    assert list(trace.marker.size) == [0, 0, 0, 0, 5]


def test_lines_name_zone_and_section_and_the_axis_its_unit() -> None:
    figure = show.price_lines(daily())

    assert list(named(figure)) == ["Namakkal · suggested", "Delhi (CC) · prevailing"]
    assert figure.layout.yaxis.title.text == "INR per 100 eggs"
    assert show.price_lines(daily(unit="INR per egg")).layout.yaxis.title.text == "INR per egg"
    assert "last date 05 June 2025" in text_of(figure)


def test_flagged_cells_are_marked_with_their_rule() -> None:
    prices = daily(demo=True)
    prices.loc[1, "flag"] = f"{DEMO_LABEL}, off_average"
    marks = named(show.price_lines(prices))["flagged"]

    assert (list(marks.y), list(marks.text)) == ([505.0], ["off_average"])
    assert "flagged" not in named(show.price_lines(daily(demo=True)))


def test_hidden_cells_are_counted_in_the_caption() -> None:
    prices = daily()
    prices.attrs["held_cells"] = 3

    assert "3 doubtful prices held back" in text_of(show.price_lines(prices))
    assert "held back" not in text_of(show.price_lines(daily()))


def test_months_draw_the_reference_series_once_and_incomplete_ones_hollow() -> None:
    figure = show.monthly_lines(months())

    assert list(named(figure)) == ["Namakkal · reference", "Delhi (CC) · reference", "month not complete"]
    line, hollow = named(figure)["Namakkal · reference"], named(figure)["month not complete"]
    assert [None if pd.isna(y) else y for y in line.y] == [400, 410, None, 430]
    assert list(hollow.y) == [410, 430]
    assert hollow.marker.color == "white"


def test_heat_map_has_a_line_per_zone_and_a_column_per_month() -> None:
    figure = show.monthly_heatmap(months())
    cells = figure.data[0]

    assert list(cells.y) == ["Namakkal", "Delhi (CC)"]
    assert [f"{month:%m}" for month in pd.to_datetime(cells.x)] == ["03", "04", "05", "06"]
    rows = [[None if pd.isna(z) else z for z in row] for row in cells.z]
    assert rows == [[400, 410, None, 430], [450, None, None, None]]
    assert cells.colorbar.title.text == "INR per 100 eggs"
    assert "the suggested price where there is one" in text_of(figure)


def test_heat_map_of_two_sections_names_both() -> None:
    both = months()
    both = both[both["section"] == "suggested"].copy()
    both["section"] = both["section"].where(both["zone"] != "delhi", "prevailing")

    assert list(show.monthly_heatmap(both).data[0].y) == ["Namakkal · suggested", "Delhi (CC) · prevailing"]


def test_coverage_is_the_share_of_days_of_the_better_section() -> None:
    covered = months()
    covered.loc[(covered["section"] == "suggested") & (covered["zone"] == "delhi"), "days_count"] = 0
    cells = show.coverage_heatmap(covered).data[0]

    rows = [[None if pd.isna(z) else z for z in row] for row in cells.z]
    assert list(cells.y) == ["Delhi (CC)", "Namakkal"]
    assert rows == [[100, None, None, None], [100, 50, None, 10]]


def test_bars_are_sorted_largest_rise_first() -> None:
    figure = show.yoy_bars(changes())
    drawn = figure.data[0]

    assert figure.layout.title.text == "Egg prices, May 2025 against May 2024"
    assert (list(drawn.y), list(drawn.x)) == (["Delhi (CC)", "Namakkal"], [5, -10])
    assert list(drawn.text) == ["+5.0 %", "-10.0 %"]
    assert list(drawn.marker.color) == [looks.RISE, looks.FALL]
    assert figure.layout.yaxis.autorange == "reversed"
    assert "the suggested price where there is one" in text_of(figure)


def test_bars_say_what_is_left_out_and_what_is_partial() -> None:
    yoy = changes().assign(is_partial=True)
    yoy.loc[1, "change_pct"] = float("nan")
    figure = show.yoy_bars(yoy)

    assert list(figure.data[0].y) == ["Namakkal"]
    assert "1 left out: no price a year earlier, or in another section" in text_of(figure)
    assert "pale: running month: the same days of both years" in text_of(figure)
    assert list(figure.data[0].marker.opacity) == [0.45]


def test_bars_refuse_several_months() -> None:
    two = pd.concat([changes(), changes().assign(date=pd.Timestamp("2025-04-01"))])

    with pytest.raises(UsageError, match="one month, the frame holds 2"):
        show.yoy_bars(two)


def test_change_lines_mark_the_running_month() -> None:
    figure = show.yoy_lines(changes().assign(is_partial=[True, False]))

    assert list(named(figure)["running month: the same days of both years"].y) == [-10]
    assert figure.layout.yaxis.title.text == "% change of the average price"


def test_fan_shows_both_intervals_beside_naive_and_the_past() -> None:
    figure = show.forecast_fan(forecasts(), history=daily())
    titles = ["Namakkal · suggested", "Delhi (CC) · suggested"]

    assert figure.layout.title.text == "Egg price forecast, issued 05 June 2025"
    assert [note.text for note in figure.layout.annotations if note.text in titles] == titles
    parts = named(figure)
    assert set(parts) == {"95 % interval", "80 % interval", "naive: the last price stays", "forecast", "price"}
    assert (list(parts["95 % interval"].y), parts["95 % interval"].fill) == ([540, 540], "tonexty")
    assert parts["naive: the last price stays"].line.dash == "dash"
    assert "model pooled-1" in text_of(figure)
    past = [trace for trace in figure.data if trace.name == "price"][0]
    assert [None if pd.isna(y) else y for y in past.y] == [500, 505, None, None, 510]


def test_fan_names_each_part_once_in_the_legend() -> None:
    figure = show.forecast_fan(forecasts(), history=daily())
    shown = [trace.name for trace in figure.data if trace.showlegend]

    assert sorted(shown) == sorted(set(shown))
    assert len(shown) == 5


def test_fan_draws_the_prices_that_came() -> None:
    scored = forecasts().assign(actual_price=[511.0, float("nan")] * 2)
    came = named(show.forecast_fan(scored))["price that came"]

    assert came.mode == "markers"
    assert came.y[0] == 511


def test_fan_refuses_two_issues_of_one_zone() -> None:
    later = forecasts().assign(issued_on=pd.Timestamp("2025-06-04"))

    with pytest.raises(UsageError, match="Namakkal · suggested has 2"):
        show.forecast_fan(pd.concat([forecasts(), later]))


def test_steps_lead_from_the_price_to_the_forecast() -> None:
    figure = show.reason_bars(WHY)
    steps = figure.data[0]

    names = [line.partition("<br>")[0] for line in steps.y]
    assert names == ["a usual day", "season", "momentum", "neighbours", "level", "zone habit", "together"]
    assert steps.base + sum(steps.x) == pytest.approx(WHY.forecast)
    assert list(steps.measure) == ["relative"] * 6 + ["total"]
    assert list(steps.text) == ["+1.2", "−9.2", "−6.1", "+0.6", "−0.4", "0.0", "−13.9"]
    assert "of season: 1 (2)" in steps.y[1]
    assert "512.0 to 498.1" in steps.y[-1]
    assert figure.layout.xaxis.title.text == UNIT
    low, high = figure.layout.xaxis.range
    assert low < WHY.forecast < WHY.usual < high


def test_steps_say_whose_forecast_it_is_and_of_what() -> None:
    figure = show.reason_bars(WHY)

    assert figure.layout.title.text == "What moved the forecast, Namakkal, 14 July 2025"
    said = "Source: NECC daily sheets · suggested price, issued 30 June 2025 · model pooled-changes 0123"
    assert text_of(figure) == said
    assert DEMO_LABEL not in figure.to_json()
    made_up = show.reason_bars(replace(WHY, reasons=WHY.reasons.assign(flag=DEMO_LABEL)))
    assert made_up.layout.title.text.endswith(f" — {DEMO_LABEL}")
    assert text_of(made_up).startswith(f"{DEMO_LABEL}, not NECC's prices")


def test_steps_that_lead_nowhere_have_an_axis_all_the_same() -> None:
    still = replace(WHY, reasons=WHY.reasons.assign(contribution=0.0), usual=WHY.price, forecast=WHY.price)

    assert list(show.reason_bars(still).layout.xaxis.range) == [511, 513]


def test_eighth_zone_is_told_from_the_first_by_its_dash() -> None:
    zones = [f"z{number}" for number in range(8)]
    many = frame([{"date": "2025-06-01", "zone": zone, "price": 500.0} for zone in zones])
    traces = show.price_lines(many.assign(zone_name=many["zone"])).data

    assert traces[0].line.color == traces[7].line.color
    assert (traces[0].line.dash, traces[7].line.dash) == ("solid", "dash")


def test_table_shows_the_flag_of_made_up_prices_and_its_unit() -> None:
    shown = show.table(daily(demo=True), ["zone_name", "date", "price"], caption="Newest").to_html()

    assert "Newest · INR per 100 eggs · made-up demo data" in shown
    assert ">flag</th>" in shown
    assert ">2025-06-05</td>" in shown
    assert ">510.00</td>" in shown


def test_table_without_flags_has_no_flag_column_and_dashes_for_missing() -> None:
    prices = daily()
    prices.loc[0, "price"] = float("nan")
    shown = show.table(prices, ["zone_name", "price"]).to_html()

    assert "flag" not in shown
    assert ">–</td>" in shown


def test_header_tells_the_facts_and_marks_the_notice_as_necc_s() -> None:
    started = pd.Timestamp("2025-06-30 09:00", tz="UTC").to_pydatetime()
    facts = {
        "database": "real",
        "prices": 12345,
        "last_price_on": dt.date(2025, 6, 30),
        "last_run_started_at": started,
        "last_run_status": None,
    }
    head = show.header(facts, "a <placeholder> notice")

    assert str(head).splitlines() == [
        "database: prices of NECC",
        "prices: 12,345",
        "as of (newest price): 2025-06-30",
        "last run started at: 2025-06-30 09:00 UTC",
        "last run status: –",
        "Notice of the source, in NECC's own words: a <placeholder> notice",
    ]
    assert "in NECC&#x27;s own words</b>" in head._repr_html_()
    assert "a &lt;placeholder&gt; notice" in head._repr_html_()


def test_header_of_made_up_data_does_not_call_the_notice_necc_s() -> None:
    head = show.header({"database": "demo"}, "made-up words")

    assert str(head) == ("database: made-up demo data\nNotice on the page read last (made-up demo data): made-up words")
    assert "NECC" not in head._repr_html_()
