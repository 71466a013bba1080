"""`necc predict --save-model` and `--model` on made-up prices: saved, recorded, read again, or refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from necc import predict
from necc.embedded import Cluster
from tests.command import Run, command_on
from tests.hand_made import Book, book_on
from tests.test_model_file import SMALL
from tests.test_predict import trained_quickly

ZONES = ("ajmer", "barwala", "chennai", "delhi", "namakkal", "pune")
FIRST_DAY = dt.date(2023, 1, 1)
DAYS = 900
CUTOFF = FIRST_DAY + dt.timedelta(days=699)  # 2024-11-30


@pytest.fixture(scope="module", autouse=True)
def quick_training() -> Iterator[None]:
    with trained_quickly(SMALL):
        yield


@pytest.fixture(scope="module")
def book(
    tmp_path_factory: pytest.TempPathFactory,
    clusters: Callable[[str], Cluster],
    templates: Callable[[Cluster], str],
) -> Iterator[Book]:
    """The tests below go on from each other, in their order."""
    cluster = clusters("embedded")
    rng = np.random.default_rng(5)
    prices = (450 * np.exp(np.cumsum(rng.normal(0, 0.004, (DAYS, len(ZONES))), axis=0))).round(2)
    with book_on(cluster, templates(cluster), tmp_path_factory.mktemp("saved")) as book:
        for zone, series in zip(ZONES, prices.T, strict=True):
            book.quotes(zone, "suggested", FIRST_DAY.isoformat(), series.tolist())
        yield book


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models") / "kept"


@pytest.fixture
def necc(book: Book, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    last_day = FIRST_DAY + dt.timedelta(days=DAYS - 1)
    return command_on(book.settings.database_url, book.settings.home, monkeypatch, capsys, last_day)


def kept(folder: Path) -> Path:
    (path,) = folder.glob("*.skops")
    return path


def issued(book: Book) -> list[tuple[dt.date, int]]:
    return book.execute("select issued_on, count(*) from nec_predictions group by 1 order by 1")


def test_a_folder_that_cannot_be_is_refused_before_the_training(
    necc: Run, book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "train", lambda *given, **options: pytest.fail("refused too late"))
    (tmp_path / "file").touch()
    code, out, err = necc("predict", "--save-model", str(tmp_path / "file"))
    assert (code, out, err) == (2, "", f"necc: folder {tmp_path / 'file'} for the model: File exists\n")
    assert issued(book) == []


def test_the_model_is_saved_with_its_card_and_recorded(necc: Run, book: Book, folder: Path) -> None:
    code, out, err = necc("predict", "--as-of", str(CUTOFF), "--save-model", str(folder))
    assert (code, err) == (0, "")
    path = kept(folder)
    assert out.splitlines()[-1] == f"the model is saved as {path}, with its card beside it"
    assert sorted(folder.iterdir()) == sorted([path, path.with_suffix(".md")])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    runs = book.execute("select model_version, artefact_path, artefact_sha256 from nec_model_runs")
    assert runs == [(path.stem.rpartition("-")[2], path.name, digest)]
    assert issued(book) == [(CUTOFF, 30 * len(ZONES))]


def test_it_is_saved_anew_where_its_forecasts_are_kept_already(necc: Run, book: Book, folder: Path) -> None:
    kept(folder).unlink()
    code, out, _ = necc("predict", "--as-of", str(CUTOFF), "--save-model", str(folder), "--json")
    told = json.loads(out)
    assert (code, told["is_new"], told["predictions"]) == (0, False, 0)
    assert told["notes"] == [f"the model is saved as {kept(folder)}, with its card beside it"]
    digest = hashlib.sha256(kept(folder).read_bytes()).hexdigest()
    assert book.execute("select artefact_sha256 from nec_model_runs") == [(digest,)]
    assert issued(book) == [(CUTOFF, 30 * len(ZONES))]


def test_a_later_day_is_predicted_without_training(
    necc: Run, book: Book, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "train", lambda *given, **options: pytest.fail("it was saved"))
    day = CUTOFF + dt.timedelta(days=182)
    code, out, err = necc("predict", "--as-of", str(day), "--model", str(kept(folder)))
    assert (code, err, len(out.splitlines())) == (0, "", 1), out
    assert out.startswith(f"forecasts issued on {day}, 1 to 30 days ahead, by {predict.MODEL_NAME} ")
    assert issued(book)[1:] == [(day, 30 * len(ZONES))]
    assert book.execute("select count(*) from nec_model_runs") == [(1,)]
    _, out, _ = necc("predict", "--as-of", str(day), "--model", str(kept(folder)))
    assert "as before: no price has changed since" in out


def test_a_model_of_more_than_26_weeks_is_said_to_be_old(necc: Run, folder: Path) -> None:
    day = CUTOFF + dt.timedelta(days=183)
    _, out, _ = necc("predict", "--as-of", str(day), "--model", str(kept(folder)))
    assert out.splitlines()[-1] == (
        f"the model knows prices up to {CUTOFF} only, 183 days before: train a new one every 26 weeks"
    )


def test_another_database_comes_to_know_the_file(necc: Run, book: Book, folder: Path) -> None:
    book.execute("update nec_model_runs set artefact_path = null, artefact_sha256 = null")
    necc("predict", "--as-of", str(CUTOFF + dt.timedelta(days=10)), "--model", str(kept(folder)))
    digest = hashlib.sha256(kept(folder).read_bytes()).hexdigest()
    assert book.execute("select artefact_path, artefact_sha256 from nec_model_runs") == [(kept(folder).name, digest)]


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ["--as-of", "2024-11-29", "--model", "MODEL"],
            2,
            "issued_on=2024-11-29: the model knows prices up to 2024-11-30",
        ),
        (["--model", "MODEL", "--save-model", "here"], 2, "choose one of --save-model and --model"),
        (["--model", "MODEL", "--replay"], 2, "choose one of --replay and --model"),
        (["--model", "nothing.skops"], 2, "model file nothing.skops: No such file or directory"),
        (["--model", "CARD"], 1, "is damaged, or no model of necc (BadZipFile)"),
    ],
)
def test_what_cannot_be_is_one_line(necc: Run, folder: Path, arguments: list[str], code: int, line: str) -> None:
    files = {"MODEL": str(kept(folder)), "CARD": str(kept(folder).with_suffix(".md"))}
    found, out, err = necc("predict", *(files.get(word, word) for word in arguments))
    assert (found, out, err.count("\n")) == (code, "", 1), err
    assert line in err


def test_a_model_of_real_prices_is_refused_for_made_up_ones(necc: Run, folder: Path) -> None:
    code, _, err = necc("--demo", "predict", "--model", str(kept(folder)))
    wanted = f"necc: model file {kept(folder)}: trained on NECC's prices, and these are made-up demo data\n"
    assert (code, err) == (2, wanted)


def test_its_forecast_is_explained_without_training(necc: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "train", lambda *given, **options: pytest.fail("it was saved"))
    model = ("--model", str(kept(folder)))
    code, out, err = necc("explain", "pune", "--horizon", "7", *model)
    assert (code, err) == (0, "")
    assert kept(folder).stem.rpartition("-")[2] in out
    code, _, err = necc("--demo", "explain", "pune", *model)
    assert (code, "trained on NECC's prices" in err) == (2, True)


def test_a_file_that_was_changed_since_is_refused(necc: Run, book: Book, folder: Path) -> None:
    book.execute("update nec_model_runs set artefact_sha256 = repeat('0', 64)")
    before = issued(book)
    code, _, err = necc("predict", "--model", str(kept(folder)))
    assert (code, err.count("\n")) == (1, 1)
    assert "is not the file that this database knows by its name: save it anew" in err
    assert issued(book) == before
