"""`necc predict` keeps its model in the home folder, and `necc explain` says by it what it says by one trained anew."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from necc import kept_model, model_file, predict
from necc.config import INDIA, Settings
from necc.embedded import Cluster
from necc.explaining import explain
from necc.model_file import ModelFile
from tests.command import Run, command_on
from tests.hand_made import Book, book_on
from tests.test_model_file import SMALL, Change, changed, edit_about
from tests.test_predict import CUTOFF, FIRST_DAY, ZONES, made_up_market, trained_quickly

TRAINING = "training the model that is explained: up to a minute"


@pytest.fixture(scope="module", autouse=True)
def quick_training() -> Iterator[None]:
    with trained_quickly(SMALL):
        yield


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return made_up_market()


@pytest.fixture(scope="module")
def book(
    market: pd.DataFrame,
    tmp_path_factory: pytest.TempPathFactory,
    clusters: Callable[[str], Cluster],
    templates: Callable[[Cluster], str],
) -> Iterator[Book]:
    cluster = clusters("embedded")
    with book_on(cluster, templates(cluster), tmp_path_factory.mktemp("kept")) as book:
        for zone, rows in market.groupby("zone"):
            book.quotes(str(zone), "suggested", FIRST_DAY.isoformat(), rows["price"].tolist())
        yield Book(replace(book.settings, fixed_now=dt.datetime.combine(CUTOFF, dt.time(12), INDIA)))


@pytest.fixture
def settings(book: Book, tmp_path: Path) -> Settings:
    """A home where nothing is kept yet, and a database without forecasts."""
    book.execute("truncate nec_predictions, nec_model_runs cascade")
    return replace(book.settings, home=tmp_path / "home")


@pytest.fixture
def necc(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_on(settings.database_url, settings.home, monkeypatch, capsys, CUTOFF)


def files(home: Path) -> list[str]:
    return [path.name for path in sorted((home / "models").iterdir())]


@pytest.fixture(scope="module")
def saved(market: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return model_file.save(predict.train(market, CUTOFF), tmp_path_factory.mktemp("saved"))


# --- predicted, then explained --------------------------------------------------------------------


def test_after_predict_nothing_is_trained_and_the_same_is_said(necc: Run, settings: Settings) -> None:
    trained = necc("explain", "pune")
    assert (trained[0], trained[2]) == (0, f"{TRAINING}\n")
    assert not settings.home.exists()  # explaining keeps nothing
    code, out, _ = necc("predict")
    assert (code, len(out.splitlines()), files(settings.home)) == (0, 1, ["necc.skops"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predict, "train", lambda *given, **options: pytest.fail("it was kept"))
        assert necc("explain", "pune") == (0, trained[1], "")
    assert "No group of features moved it" not in trained[1]


def test_only_the_newest_model_is_kept_and_other_prices_are_trained_on(necc: Run, settings: Settings) -> None:
    necc("predict", "--as-of", str(CUTOFF - dt.timedelta(days=5)))
    told: list[str] = []
    before = explain("pune", settings=settings, say=told.append)
    assert told == [TRAINING]
    necc("predict")
    assert files(settings.home) == ["necc.skops"]
    assert explain("pune", settings=settings, say=told.append).as_dict() == before.as_dict()
    assert told == [TRAINING]


def test_a_corrected_price_makes_another_model(necc: Run, book: Book, settings: Settings) -> None:
    necc("predict")
    told: list[str] = []
    explain("pune", settings=settings, say=told.append)
    book.quotes("delhi", "suggested", "2021-02-01", [451.0])
    explain("pune", settings=settings, say=told.append)
    assert told == [TRAINING]


def test_a_home_that_cannot_hold_it_fails_no_forecast(necc: Run, book: Book, settings: Settings) -> None:
    settings.home.mkdir()
    folder = settings.home / "models"
    folder.touch()
    code, out, err = necc("predict")
    assert (code, err) == (0, "")
    line = f"the model is not kept in {folder} (File exists): `necc explain` will train it again"
    assert out.splitlines()[1:] == [line]
    assert book.execute("select count(*) from nec_predictions") == [(30 * len(ZONES),)]
    assert necc("explain", "pune")[::2] == (0, f"{TRAINING}\n")


def test_a_damaged_file_is_no_failure_and_the_next_forecast_replaces_it(necc: Run, settings: Settings) -> None:
    necc("predict")
    path = settings.home / "models" / "necc.skops"
    before = necc("explain", "pune")
    path.write_bytes(path.read_bytes()[:-100])
    assert necc("explain", "pune") == (0, before[1], f"{TRAINING}\n")
    necc("predict", "--save-model", str(settings.home / "saved"))
    assert necc("explain", "pune") == before


# --- what is passed over --------------------------------------------------------------------------


def test_made_up_prices_and_real_ones_have_a_file_each(saved: ModelFile, tmp_path: Path) -> None:
    model, version = saved.model, saved.model.run.version
    assert kept_model.keep(model, tmp_path, is_demo=True) == ()
    assert kept_model.find(tmp_path, version, is_demo=True) is not None
    assert kept_model.find(tmp_path, version, is_demo=False) is None
    kept_model.keep(model, tmp_path, is_demo=False)
    assert files(tmp_path) == ["necc.skops", "necc_demo.skops"]
    demo, real = sorted(tmp_path.glob("models/*"), reverse=True)
    shutil.copyfile(demo, real)
    assert kept_model.find(tmp_path, version, is_demo=False) is None


@pytest.mark.parametrize(
    "change",
    [
        edit_about(code="0" * 64),
        edit_about(format=2),
        edit_about(releases={"scikit-learn": "2.9.0"}),
        lambda members: members.pop("schema.json"),
    ],
    ids=["other code", "other format", "other scikit-learn", "damaged"],
)
def test_a_file_that_cannot_be_used_here_is_passed_over(saved: ModelFile, tmp_path: Path, change: Change) -> None:
    version = saved.model.run.version
    (tmp_path / "models").mkdir()
    kept = tmp_path / "models" / "necc.skops"
    shutil.copyfile(saved.path, kept)
    assert kept_model.find(tmp_path, version, is_demo=False) is not None
    assert kept_model.find(tmp_path, "0" * 16, is_demo=False) is None
    changed(saved, tmp_path, change).replace(kept)
    assert kept_model.find(tmp_path, version, is_demo=False) is None
