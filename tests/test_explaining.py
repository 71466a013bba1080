"""`necc explain`: made-up prices in, a forecast with its reasons out, in words, frames and JSON."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd
import psycopg
import pytest

from necc import demo, explaining, predict
from necc.analyse import prices as read_prices
from necc.attribution import attribute
from necc.cli import run as run_command
from necc.config import DEMO_LABEL, INDIA
from necc.embedded import Cluster
from necc.errors import NoDataError, UnknownZoneError, UsageError
from necc.explaining import explain
from necc.explanation import Explanation
from necc.fallback import run_of
from necc.feature_table import GROUPS
from necc.features import Daily
from necc.forecast_store import ModelRun, save
from necc.learn import Recipe
from necc.panel import panel
from necc.predict import Issue, Model, train
from tests.hand_made import Book, book_on

LABELS = {"Ajmer": "ajmer", "Barwala": "barwala", "Delhi (CC)": "delhi", "Namakkal": "namakkal", "Pune": "pune"}
FIRST_DAY, LAST_DAY = dt.date(2023, 4, 1), dt.date(2025, 6, 15)
SILENT_SINCE = LAST_DAY - dt.timedelta(days=8)  # the last price of Pune
QUICK = Recipe(
    anchors_days=(1, 30),
    calibrated_days=(1, 30),
    model={"chances": 10},
    spread={"iterations": 5, "smallest_leaf": 30},
    folds=1,
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def series() -> dict[str, list[float | None]]:
    """Slug -> prices day by day of the demo, 27 months."""
    cells = demo.prices(FIRST_DAY, LAST_DAY)
    made: dict[str, list[float | None]] = {slug: [] for slug in LABELS.values()}
    for cell in cells:
        if cell.label in LABELS:
            is_there = cell.price and not (cell.label == "Pune" and cell.date > SILENT_SINCE)
            made[LABELS[cell.label]].append(float(cell.price) if cell.price and is_there else None)
    return made


@pytest.fixture(scope="module")
def book(
    series: dict[str, list[float | None]],
    tmp_path_factory: pytest.TempPathFactory,
    clusters: Callable[[str], Cluster],
    templates: Callable[[Cluster], str],
) -> Iterator[Book]:
    cluster = clusters("embedded")
    with book_on(cluster, templates(cluster), tmp_path_factory.mktemp("explaining")) as book:
        for zone, quotes in series.items():
            book.quotes(zone, "suggested", FIRST_DAY.isoformat(), quotes, source="demo")
        book.quotes("hospet", "suggested", (LAST_DAY - dt.timedelta(days=39)).isoformat(), [500] * 40, source="demo")
        noon = dt.datetime.combine(LAST_DAY, dt.time(12), INDIA)
        yield Book(replace(book.settings, fixed_now=noon))


@pytest.fixture(scope="module")
def market(book: Book) -> pd.DataFrame:
    return read_prices(settings=book.settings)


@pytest.fixture(scope="module")
def model(market: pd.DataFrame) -> Model:
    """Trained for good, and trusted whatever its trial said."""
    made = train(market, LAST_DAY, recipe=QUICK)
    return replace(made, anchors=tuple(replace(anchor, weight=1.0) for anchor in made.anchors))


@pytest.fixture(scope="module")
def issue(model: Model, market: pd.DataFrame) -> Issue:
    return model.predict(market, LAST_DAY)


@pytest.fixture(scope="module")
def why(book: Book, model: Model) -> Explanation:
    return explain("Namakkal", model=model, settings=book.settings)


# --- the numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zone", "horizon_days"), [("namakkal", 7), ("delhi", 14), ("ajmer", 30)])
def test_the_contributions_add_up_to_the_forecast(
    model: Model, market: pd.DataFrame, issue: Issue, zone: str, horizon_days: int
) -> None:
    daily = Daily(panel(market, until=LAST_DAY))
    found = attribute(model, daily, zone, pd.Timestamp(LAST_DAY), horizon_days)
    made = issue.frame[(issue.frame["zone"] == zone) & (issue.frame["horizon_days"] == horizon_days)].iloc[0]
    assert found.usual + sum(found.contributions.values()) == pytest.approx(made["predicted_price"], abs=0.01)
    assert max(abs(amount) for amount in found.contributions.values()) > 0.1


def test_the_forecast_is_the_one_of_the_issue(why: Explanation, issue: Issue) -> None:
    made = issue.frame[(issue.frame["zone"] == "namakkal") & (issue.frame["horizon_days"] == 14)].iloc[0]
    assert (why.forecast, why.price) == (made["predicted_price"], made["naive_price"])
    assert (why.lower_80, why.upper_80) == (made["lower_80"], made["upper_80"])
    assert pd.Timestamp(why.target_date) == made["target_date"]
    assert set(why.reasons["group"]) == set(GROUPS)
    assert why.reasons["contribution"].abs().is_monotonic_decreasing
    assert why.usual + why.reasons["contribution"].sum() == pytest.approx(why.forecast, abs=0.01)


def test_frames_say_their_unit_and_that_they_are_made_up(why: Explanation) -> None:
    for frame, columns in ((why.reasons, explaining.REASONS), (why.situations, explaining.SITUATIONS)):
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == columns
        assert set(frame["unit"]) == {"INR per 100 eggs"}
        assert set(frame["flag"]) == {DEMO_LABEL}
    assert len(why.situations) == 5
    assert (why.situations["target_date"] < pd.Timestamp(why.issued_on)).all()


def test_later_prices_change_nothing(why: Explanation, model: Model, market: pd.DataFrame) -> None:
    later = market.assign(date=market["date"] + pd.Timedelta(days=30), price=9999.0)
    later = later[later["date"] > pd.Timestamp(LAST_DAY)]
    noisy = pd.concat([market, later])
    noisy.attrs = market.attrs
    assert explaining.of_prices(model, noisy, "namakkal", LAST_DAY, 14).as_dict() == why.as_dict()


# --- what is asked of the database ----------------------------------------------------------------------


def test_the_model_of_the_day_is_trained_where_none_is_given(
    book: Book, model: Model, why: Explanation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dt.date]] = []
    told: list[str] = []

    def trained(prices: pd.DataFrame, cutoff: dt.date) -> Model:
        asked.append((predict.version_of(prices, cutoff, recipe=QUICK), cutoff))
        return model

    monkeypatch.setattr(predict, "train", trained)
    assert explain("NAMAKKAL ", settings=book.settings, say=told.append).as_dict() == why.as_dict()
    assert asked == [(model.run.version, LAST_DAY)]
    assert told == ["training the model that is explained: up to a minute"]


@pytest.mark.parametrize(
    ("zone", "horizon_days", "error", "message"),
    [
        ("namakal", 14, UnknownZoneError, "unknown zone 'namakal': did you mean Namakkal"),
        ("namakkal", 0, UsageError, "horizon_days=0: wanted 1 to 30"),
        ("namakkal", 31, UsageError, "horizon_days=31: wanted 1 to 30"),
        ("surat", 14, NoDataError, "surat is not predicted: no price up to 2025-06-15"),
        ("pune", 14, NoDataError, "pune is not predicted: last price on 2025-06-07, more than 7 days before 2025-06-1"),
    ],
)
def test_what_cannot_be_explained_is_said_before_anything_is_trained(
    book: Book, monkeypatch: pytest.MonkeyPatch, zone: str, horizon_days: int, error: type[Exception], message: str
) -> None:
    monkeypatch.setattr(predict, "train", lambda *given: pytest.fail("it was trained"))
    with pytest.raises(error, match=message):
        explain(zone, horizon_days, settings=book.settings)


def test_a_young_zone_and_a_day_that_the_model_knows_too_much_of(book: Book, model: Model) -> None:
    with pytest.raises(NoDataError, match="hospet is not predicted: only 40 prices, wanted 90"):
        explain("hospet", model=model, settings=book.settings)
    with pytest.raises(UsageError, match="the model knows prices up to 2025-06-15"):
        explain("delhi", as_of="2025-06-01", model=model, settings=book.settings)
    with pytest.raises(UsageError, match="as_of='yesterday': wanted a day as YYYY-MM-DD"):
        explain("delhi", as_of="yesterday", model=model, settings=book.settings)
    with pytest.raises(NoDataError, match="no price up to 2020-01-01"):
        explain("delhi", as_of="2020-01-01", model=model, settings=book.settings)


def weekly_losses(zone: str, horizon_days: int) -> pd.DataFrame:
    """A forecast a week for half a year, far off: naive was closer."""
    issued = [LAST_DAY - dt.timedelta(days=horizon_days + 7 * back) for back in range(26)]
    days = {"issued_on": issued, "target_date": [day + dt.timedelta(days=horizon_days) for day in issued]}
    bounds = {"lower_80": 1.0, "lower_95": 1.0, "upper_80": 3000.0, "upper_95": 3000.0}
    frame = pd.DataFrame(days).assign(zone=zone, section="suggested", naive_price=500.0, **bounds)
    return frame.assign(predicted_price=2000.0)


def is_naive_given(book: Book, model: Model, horizon_days: int) -> bool:
    return explaining._is_naive_given(book.settings, model, LAST_DAY, ("delhi", "suggested", horizon_days))


def test_naive_s_price_is_said_to_be_given(book: Book, model: Model, issue: Issue) -> None:
    """By the rule, while nothing of the day is kept; then by what is kept."""
    old = ModelRun(predict.MODEL_NAME, "an old version", FIRST_DAY, FIRST_DAY, (3,), 5, 1, (), {}, 0)
    assert book.settings.database_url
    with psycopg.connect(book.settings.database_url) as connection:
        save(connection, old, weekly_losses("delhi", 3))
        connection.execute("select fill_nec_prediction_actuals(%s)", [LAST_DAY])
    lost = explain("delhi", 3, model=model, settings=book.settings)
    assert lost.is_naive_given
    assert lost.summary.splitlines()[1] == (
        f"Naive's price, {lost.price:.0f}, is given instead: it was closer over the last 26 weeks."
        " Explained is the model's own forecast."
    )
    assert lost.forecast != lost.price
    assert not is_naive_given(book, model, 4)
    frame = issue.frame
    kept = frame[(frame["zone"] == "delhi") & frame["horizon_days"].isin([3, 4])]
    four = kept[kept["horizon_days"] == 4]
    with psycopg.connect(book.settings.database_url) as connection:
        save(connection, model.run, kept)
        save(connection, run_of(model.run, four), four.assign(predicted_price=four["naive_price"]),
             is_naive_fallback=True)  # fmt: skip
    assert [is_naive_given(book, model, days) for days in (3, 4)] == [False, True]


# --- the command ----------------------------------------------------------------------------------------


@pytest.fixture
def necc(book: Book, model: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("DATABASE_URL", book.settings.database_url or "")
    monkeypatch.setenv("NECC_HOME", str(book.settings.home))
    monkeypatch.setenv("NECC_TODAY", LAST_DAY.isoformat())
    monkeypatch.setattr(predict, "train", lambda prices, cutoff: model)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = run_command(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_command_tells_it_in_words_and_as_json(necc: Run, why: Explanation) -> None:
    code, out, err = necc("explain", "Namakkal")
    assert (code, out) == (0, why.summary + "\n")
    assert err == "training the model that is explained: up to a minute\n"
    code, out, err = necc("-q", "explain", "namakkal", "--horizon", "14", "--as-of", "2025-06-15", "--json")
    assert (code, json.loads(out), err) == (0, json.loads(json.dumps(why.as_dict())), "")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["namakal"], 2, "necc: unknown zone 'namakal': did you mean Namakkal"),
        (["namakkal", "--horizon", "31"], 2, "necc: horizon_days=31: wanted 1 to 30"),
        (["namakkal", "--as-of", "yesterday"], 2, "necc: day 'yesterday': wanted YYYY-MM-DD"),
        (["pune"], 3, "necc: pune is not predicted: last price on 2025-06-07"),
    ],
)
def test_a_wrong_request_is_one_line(necc: Run, arguments: list[str], code: int, line: str) -> None:
    found, out, err = necc("explain", *arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert err.startswith(line)
