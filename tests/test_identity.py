"""A page proves that it is the sheet that was asked for, or nothing of it is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from necc import identity
from necc.errors import NoDataError, SheetRefusedError, StalePageError, UsageError
from necc.identity import KnownMonths
from necc.parse import read_sheet
from necc.records import Month, Quote, Report, Section, SheetKey
from necc.validate import judge
from tests import sheets

MAY, JUNE, JULY = Month(2024, 5), Month(2024, 6), Month(2024, 7)
FEBRUARY = Month(2023, 2)
TODAY = dt.date(2024, 6, 20)
YEARLY = sheets.averages_page(2024, [sheets.Line(Section.SUGGESTED, "Ajmer", ("400.00",) * 12)])


def claims(asked: Month, page: bytes) -> None:
    identity.check_claims(read_sheet(page), SheetKey.daily(asked))


def quotes(month: Month, *, until: int = 31, zones: Sequence[tuple[Section, str]] = sheets.ZONES) -> list[Quote]:
    page = sheets.daily_page(month, sheets.lines(month, until=until, zones=zones))
    return judge(read_sheet(page), month)[0]


def test_the_right_page_passes() -> None:
    claims(JUNE, sheets.daily_page(JUNE))


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (sheets.daily_page(MAY), "asked for sheet 2024-06, the page's form shows 2024-05"),
        (sheets.daily_page(Month(2023, 6)), "form shows 2023-06"),
        (sheets.daily_page(JUNE, report=Report.MONTHLY), "under the form's monthly choice"),
        (
            YEARLY.replace(b'value="DailyReport"', b'value="DailyReport" checked').replace(b'checked="checked"', b""),
            "monthly table",
        ),
        (sheets.daily_page(JUNE).replace(b"checked=", b"x="), "under the form's unreadable choice"),
        (sheets.daily_page(JUNE).replace(b"selected=", b"x="), "form shows \\?\\?\\?\\?"),
        (sheets.daily_page(MAY, shown=JUNE), "2024-06 has 30 days"),
        (
            YEARLY,
            "asked for sheet 2024-06, a daily one, the page shows a monthly table under the form's monthly choice",
        ),
    ],
)
def test_another_sheet_is_stale(page: bytes, message: str) -> None:
    with pytest.raises(StalePageError, match=message):
        claims(JUNE, page)


def test_a_short_month_may_have_empty_surplus_columns() -> None:
    claims(FEBRUARY, sheets.daily_page(FEBRUARY, columns=31))


def test_a_price_on_the_31st_of_june_is_stale() -> None:
    page = sheets.daily_page(JUNE, columns=31)
    last = page.rindex(b"<td> - </td>")
    with pytest.raises(StalePageError, match="prices or columns for 31"):
        claims(JUNE, page[:last] + b"<td>500</td>" + page[last + len(b"<td> - </td>") :])


def test_thirty_columns_are_no_february() -> None:
    with pytest.raises(StalePageError, match="columns for 30"):
        claims(FEBRUARY, sheets.daily_page(FEBRUARY, columns=30))


def test_the_yearly_sheet_is_asked_for_by_year_only() -> None:
    line = sheets.Line(Section.SUGGESTED, "Ajmer", ("400.00",) * 12)
    sheet = read_sheet(sheets.averages_page(2020, [line]))
    identity.check_claims(sheet, SheetKey.averages(2020))
    with pytest.raises(StalePageError, match="asked for sheet averages 2021, the page's form shows 2020"):
        identity.check_claims(sheet, SheetKey.averages(2021))
    with pytest.raises(StalePageError, match="a monthly table"):
        identity.check_claims(sheet, SheetKey.daily(Month(2020, 1)))


def test_days_of_a_month_that_is_over() -> None:
    identity.check_days(quotes(MAY), MAY, TODAY)
    identity.check_days(quotes(MAY, until=29), MAY, TODAY)  # the last two days are missing
    with pytest.raises(StalePageError, match="has prices for 12 zones, but from 2024-05-29 on for only 0"):
        identity.check_days(quotes(MAY, until=28), MAY, TODAY)


@pytest.mark.parametrize(("late", "is_stale"), [(6, False), (5, True)])
def test_half_of_the_zones_must_have_prices_at_the_end(late: int, is_stale: bool) -> None:
    early = quotes(MAY, until=20)
    some = [quote for quote in quotes(MAY) if quote.label in [label for _, label in sheets.ZONES[:late]]]
    if is_stale:
        with pytest.raises(StalePageError, match=f"for only {late}"):
            identity.check_days(early + some, MAY, TODAY)
    else:
        identity.check_days(early + some, MAY, TODAY)


def test_a_blank_sheet_of_a_past_month_is_no_data() -> None:
    with pytest.raises(NoDataError, match="blank"):
        identity.check_days([], MAY, TODAY)


def test_days_of_the_current_month() -> None:
    identity.check_days([], JUNE, TODAY)  # the morning of the first day
    identity.check_days(quotes(JUNE, until=3), JUNE, TODAY)  # late prices are no error here
    identity.check_days(quotes(JUNE, until=21), JUNE, TODAY)  # tomorrow's, printed in the evening
    with pytest.raises(SheetRefusedError, match="has prices up to 2024-06-22, but in India it is 2024-06-20"):
        identity.check_days(quotes(JUNE, until=22), JUNE, TODAY)


def test_a_future_month_is_a_wrong_question() -> None:
    with pytest.raises(UsageError, match="2024-07 lies in the future"):
        identity.check_days([], JULY, TODAY)
    identity.check_days([], JULY, dt.date(2024, 7, 1))


def known(*months: Month) -> KnownMonths:
    known_months = KnownMonths()
    for month in months:
        known_months.add(month, sheets.cells(month))
    return known_months


def test_nothing_known_proves_nothing() -> None:
    empty = KnownMonths()
    empty.add(MAY, {})
    empty.check_not_another(JUNE, sheets.cells(JUNE))
    empty.check_boundary(JUNE, sheets.cells(JUNE))
    known(MAY).check_not_another(JUNE, {})
    known(MAY).check_boundary(JUNE, {})


def test_the_prices_of_another_known_month_are_stale() -> None:
    with pytest.raises(StalePageError, match="asked for 2024-06, the page has the prices of 2024-05: 360 of 360"):
        known(JULY, MAY, FEBRUARY).check_not_another(
            JUNE, {place: price for place, price in sheets.cells(MAY).items() if place[1] <= 30}
        )


def test_a_month_is_not_compared_with_itself() -> None:
    months = known(MAY, JUNE, JULY)
    months.check_not_another(JUNE, sheets.cells(JUNE))
    months.check_boundary(JUNE, sheets.cells(JUNE))
    months.add(JUNE, sheets.cells(JUNE))
    months.check_not_another(JUNE, sheets.cells(JUNE))


def test_the_default_page_of_a_young_month_is_recognised() -> None:
    """One day, 40 zones: nothing else is known, and the same day stands on the page for another month."""
    young = {(zone, 1): 400.0 + zone for zone in range(40)}
    months = KnownMonths()
    months.add(JUNE, young)
    with pytest.raises(StalePageError, match="prices of 2024-06: 40 of 40"):
        months.check_not_another(MAY, young)


@pytest.mark.parametrize(
    ("shared", "equal", "is_stale"),
    [(300, 91, True), (300, 90, False), (299, 179, False), (299, 180, True), (30, 18, False), (29, 29, False)],
)
def test_few_shared_cells_prove_less(shared: int, equal: int, is_stale: bool) -> None:
    places = [(zone, day) for zone in range(30) for day in range(1, 11)][:shared]
    months = KnownMonths()
    months.add(MAY, dict.fromkeys(places, 400.0))
    cells = {place: 400.0 if number < equal else 401.0 for number, place in enumerate(places)}
    if is_stale:
        with pytest.raises(StalePageError, match=f"{equal} of {shared} cells"):
            months.check_not_another(JUNE, cells)
    else:
        months.check_not_another(JUNE, cells)


def test_a_month_that_is_stored_again_replaces_what_was_known() -> None:
    months = known(MAY)
    months.add(MAY, {place: price + 50 for place, price in sheets.cells(MAY).items()})
    months.check_not_another(JUNE, sheets.cells(MAY))
    with pytest.raises(SheetRefusedError):
        months.check_boundary(JUNE, sheets.cells(JUNE))


def moved(month: Month, factor: float) -> dict[tuple[str, int], float]:
    return {place: round(price * factor, 2) for place, price in sheets.cells(month).items()}


@pytest.mark.parametrize("neighbour", [MAY, JULY])
def test_the_prices_must_join_up_with_a_neighbour(neighbour: Month) -> None:
    months = known(neighbour)
    months.check_boundary(JUNE, sheets.cells(JUNE))
    for factor in (1.03, 0.97):
        months.check_boundary(JUNE, moved(JUNE, factor))
    for factor in (1.06, 0.94):
        with pytest.raises(SheetRefusedError, match=f"of 2024-06 do not join up with {neighbour}: .* 4.0% at most"):
            months.check_boundary(JUNE, moved(JUNE, factor))


def test_both_neighbours_are_asked_and_only_the_nearest() -> None:
    months = known(MAY, JULY)
    for distant in (Month(2024, 3), Month(2024, 4), Month(2024, 8)):
        months.add(distant, moved(distant, 5.0))
    months.check_boundary(JUNE, sheets.cells(JUNE))
    months.add(JULY, moved(JULY, 1.1))
    with pytest.raises(SheetRefusedError, match="with 2024-07"):
        months.check_boundary(JUNE, sheets.cells(JUNE))


def test_a_typing_error_at_the_boundary_does_not_refuse_a_sheet() -> None:
    cells = dict(sheets.cells(JUNE)) | {("Ajmer", 1): 4890.0}
    known(MAY).check_boundary(JUNE, cells)


def test_too_few_zones_prove_no_boundary() -> None:
    few = {place: price * 3 for place, price in sheets.cells(JUNE).items() if place[0] in ("Ajmer", "Pune")}
    known(MAY).check_boundary(JUNE, few)


@pytest.mark.parametrize(
    ("neighbour", "factor", "is_refused"),
    [
        (Month(2024, 4), 1.60, False),  # 32 days: 0.86
        (Month(2024, 4), 2.00, True),
        (Month(2024, 3), 2.00, False),  # 62 days: 1.06
        (Month(2024, 3), 2.20, True),
        (Month(2023, 6), 2.30, False),  # 337 days: 1.57
        (Month(2023, 6), 2.80, True),
        (Month(2014, 6), 3.00, False),  # 3 623 days: 2.49
        (Month(2014, 6), 4.50, True),
    ],
)
def test_distant_neighbours_allow_more(neighbour: Month, factor: float, is_refused: bool) -> None:
    months = KnownMonths()
    months.add(neighbour, {(f"zone {n}", day): 400.0 for n in range(9) for day in range(1, neighbour.days + 1)})
    cells = {(f"zone {n}", day): 400.0 * factor for n in range(9) for day in range(1, 31)}
    if is_refused:
        with pytest.raises(SheetRefusedError, match=f"with {neighbour}"):
            months.check_boundary(JUNE, cells)
    else:
        months.check_boundary(JUNE, cells)


@pytest.mark.parametrize(
    ("until", "allowed", "refused"),
    [(31, 1.03, 1.06), (30, 1.30, 1.40), (25, 1.55, 1.65), (10, 1.70, 1.80)],  # 1, 2, 7 and 22 days
)
def test_the_gap_is_counted_from_the_last_known_day(until: int, allowed: float, refused: float) -> None:
    months = KnownMonths()
    months.add(MAY, sheets.cells(MAY, until=until))
    months.check_boundary(JUNE, moved(JUNE, allowed))
    with pytest.raises(SheetRefusedError, match=f"between 2024-05-{until} and 2024-06-01"):
        months.check_boundary(JUNE, moved(JUNE, refused))


def test_a_month_in_which_prices_climb_does_not_contradict_itself() -> None:
    climbing = {(f"zone {n}", day): 400.0 + 5 * day for n in range(9) for day in range(1, 31)}
    months = KnownMonths()
    months.add(JUNE, climbing)
    months.check_boundary(JUNE, climbing)


def test_many_months_and_new_zones_are_kept_apart() -> None:
    """More months and zones than there was room for at first."""
    months = KnownMonths()
    everything = list(Month(2009, 1).through(Month(2018, 12)))
    for number, month in enumerate(everything):
        cells = {(zone, day): 100.0 + number for zone in range(1 + number) for day in range(1, 29)}
        months.check_not_another(month, cells)
        months.add(month, cells)
    for number in (11, 70, 119):
        cells = {(zone, day): 100.0 + number for zone in range(1 + number) for day in range(1, 29)}
        months.check_not_another(everything[number], cells)
        with pytest.raises(StalePageError, match=f"prices of {everything[number]}: {len(cells)} of {len(cells)}"):
            months.check_not_another(JUNE, cells)


def test_zones_may_be_any_hashable_and_quotes_any_price() -> None:
    months = KnownMonths()
    zones = [(Section.SUGGESTED, name) for name in "abcdefghijkl"]
    cells = {(zone, day): float(Decimal("512.25")) for zone in zones for day in range(1, 31)}
    months.add(MAY, cells)
    with pytest.raises(StalePageError, match="360 of 360"):
        months.check_not_another(JUNE, cells)


def test_a_page_without_its_form_claim_is_refused_for_the_year_too() -> None:
    sheet = replace(read_sheet(sheets.daily_page(JUNE)), year=None)
    with pytest.raises(StalePageError, match="form shows \\?\\?\\?\\?-06"):
        identity.check_claims(sheet, SheetKey.daily(JUNE))
