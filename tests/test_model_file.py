"""A model that was saved forecasts the same, in any process; what is no model, or another's, is refused unbuilt."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from pandas.testing import assert_frame_equal

from necc import features, model_card, model_file, predict
from necc.errors import ModelFileError, UsageError
from necc.feature_table import FEATURES, GROUPS
from necc.model_file import ModelFile
from necc.panel import panel
from necc.predict import Model
from tests.test_predict import CUTOFF, QUICK, made_up_market

PROJECT = Path(__file__).parent.parent
SMALL = replace(QUICK, anchors_days=(1, 30), calibrated_days=(1, 30), model={"chances": 3}, spread={"iterations": 3})
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return made_up_market()


@pytest.fixture(scope="module")
def model(market: pd.DataFrame) -> Model:
    return predict.train(market, CUTOFF, recipe=SMALL, jobs=1)


@pytest.fixture(scope="module")
def saved(model: Model, tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return model_file.save(model, tmp_path_factory.mktemp("models") / "made" / "here")


def changed(saved: ModelFile, folder: Path, change: Change) -> Path:
    """The file, written anew with other members."""
    with zipfile.ZipFile(saved.path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    path = folder / "changed.skops"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


# --- the same again -------------------------------------------------------------------------------

ELSEWHERE = """
import hashlib, sys
from pathlib import Path
from necc import features, model_file
from necc.panel import panel
from tests.test_predict import CUTOFF, made_up_market

market = made_up_market()
model = model_file.load(Path(sys.argv[1])).model
rows = features.matrix(features.Daily(panel(market)), [CUTOFF], 7)
digest = hashlib.sha256()
for anchor in model.anchors:
    digest.update(anchor.change.predict(rows).tobytes() + anchor.spread.predict(rows).tobytes())
print(digest.hexdigest())
print(model.predict(market, CUTOFF).frame.to_csv())
"""


def test_another_process_forecasts_the_same_bit_for_bit(saved: ModelFile, model: Model, market: pd.DataFrame) -> None:
    command = [sys.executable, "-W", "error", "-c", ELSEWHERE, str(saved.path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rows = features.matrix(features.Daily(panel(market)), [CUTOFF], 7)
    digest = hashlib.sha256()
    for anchor in model.anchors:
        digest.update(anchor.change.predict(rows).tobytes() + anchor.spread.predict(rows).tobytes())
    first, _, frame = done.stdout.partition("\n")
    assert first == digest.hexdigest()
    assert frame == model.predict(market, CUTOFF).frame.to_csv() + "\n"


def test_all_of_a_model_comes_back(saved: ModelFile, model: Model, market: pd.DataFrame) -> None:
    read = model_file.load(saved.path)
    assert (read.path, read.sha256, read.is_demo) == (saved.path, saved.sha256, False)
    assert (read.model.run, read.model.recipe) == (model.run, model.recipe)
    later = CUTOFF + dt.timedelta(days=100)  # its intervals have learnt since
    assert_frame_equal(read.model.predict(market, later).frame, model.predict(market, later).frame)
    with pytest.raises(UsageError, match="the model knows prices up to"):
        read.model.predict(market, CUTOFF - dt.timedelta(days=1))


def test_saving_again_replaces_the_file_and_leaves_nothing_else(model: Model, tmp_path: Path) -> None:
    for is_demo in (False, True):
        saved = model_file.save(model, tmp_path, is_demo=is_demo)
        assert {path.name for path in tmp_path.iterdir()} == {saved.path.name, saved.path.with_suffix(".md").name}
        assert model_file.load(saved.path).is_demo == is_demo


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    saved: ModelFile, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.path.read_bytes()

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        model_file.save(model, saved.path.parent)
    monkeypatch.undo()
    assert saved.path.read_bytes() == before
    assert len(list(saved.path.parent.iterdir())) == 2


# --- what is refused ------------------------------------------------------------------------------


def edit_about(**values: object) -> Change:
    def change(members: dict[str, bytes]) -> None:
        members["about.json"] = json.dumps({**json.loads(members["about.json"]), **values}).encode()

    return change


def hold(value: object) -> Change:
    """Another thing than a model, under the header of one."""

    def change(members: dict[str, bytes]) -> None:
        with zipfile.ZipFile(io.BytesIO(skops.io.dumps(value))) as archive:
            members.update({name: archive.read(name) for name in archive.namelist()})

    return change


def edit_schema(old: str, new: str) -> Change:
    def change(members: dict[str, bytes]) -> None:
        text = members["schema.json"].decode()
        assert old in text
        members["schema.json"] = text.replace(old, new).encode()

    return change


def turn_trees(field: str, value: int) -> Change:
    """The first fork of every tree asks for, or leads to, something that is not there."""

    def change(members: dict[str, bytes]) -> None:
        for name, content in members.items():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                if field in (array.dtype.names or ()):
                    array[field][0] = value
                    buffer = io.BytesIO()
                    np.save(buffer, array)
                    members[name] = buffer.getvalue()

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit_about(format=2), "format 2, wanted 1; train a new model"),
        (edit_about(releases={"scikit-learn": "2.9.0"}), "made with scikit-learn 2.9.0, here is"),
        (edit_about(code="0" * 64), "made by other code, of necc"),
        (edit_about(releases=None), "is damaged, or no model of necc"),
        (lambda members: members.pop("about.json"), "is damaged, or no model of necc"),
        (lambda members: members.pop("schema.json"), "is damaged, or no model of necc"),
        (lambda members: members.update({"schema.json": b"{}"}), "is damaged, or no model of necc"),
        (hold({"a": 1}), "holds no model, but dict"),
        (hold(re.compile("a")), "it holds re.*, which no model does"),
        (edit_schema('"Anchor"', '"Angler"'), "it holds necc.learn.Angler, which no model does"),
        (turn_trees("feature_idx", 10_000), "a tree in it leads nowhere"),
        (turn_trees("left", 0), "a tree in it leads nowhere"),
        (turn_trees("right", 10_000), "a tree in it leads nowhere"),
        (turn_trees("is_categorical", 1), "a tree in it leads nowhere"),
    ],
)
def test_another_file_is_refused_in_one_line(saved: ModelFile, tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(ModelFileError, match=message) as caught:
        model_file.load(changed(saved, tmp_path, change))
    assert "\n" not in str(caught.value)


def test_a_single_bad_tree_is_found_wherever_it_stands(saved: ModelFile, tmp_path: Path) -> None:
    """In a size, a chance or a spread: of each archive, one tree."""
    with zipfile.ZipFile(saved.path) as archive:
        arrays = {name: archive.read(name) for name in archive.namelist() if name.endswith(".npy")}
    trees = [name for name, content in arrays.items() if "is_leaf" in (np.load(io.BytesIO(content)).dtype.names or ())]
    assert len(trees) > 20
    for tree in trees:

        def turn(members: dict[str, bytes], tree: str = tree) -> None:
            one = {tree: members[tree]}
            turn_trees("left", 0)(one)
            members.update(one)

        with pytest.raises(ModelFileError, match="a tree in it leads nowhere"):
            model_file.load(changed(saved, tmp_path, turn))


def test_nothing_that_a_file_names_is_executed(saved: ModelFile, tmp_path: Path) -> None:
    """The call of a shell, in the shape of the date that a model holds."""
    trace = tmp_path / "executed"
    day = {"__class__": "date", "__module__": "datetime", "__loader__": "ConstructorFromReduceNode"}
    call = {"__class__": "system", "__module__": "os", "__loader__": "ConstructorFromReduceNode"}

    def change(members: dict[str, bytes]) -> None:
        schema = json.loads(members["schema.json"])
        run = schema["content"]["content"]["run"]["content"]["content"]
        assert run["training_cutoff"].items() >= day.items()
        word = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
        run["training_cutoff"].update(call)
        run["training_cutoff"]["content"]["content"] = [{**word, "content": json.dumps(f"touch {trace}")}]
        members["schema.json"] = json.dumps(schema).encode()

    with pytest.raises(ModelFileError, match="it holds os.system, which no model does"):
        model_file.load(changed(saved, tmp_path, change))
    assert not trace.exists()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_a_cut_file_is_damaged(saved: ModelFile, tmp_path: Path, share: float) -> None:
    content = saved.path.read_bytes()
    path = tmp_path / "cut.skops"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError, match="is damaged, or no model of necc"):
        model_file.load(path)


def test_a_changed_byte_is_damage(saved: ModelFile, tmp_path: Path) -> None:
    content = saved.path.read_bytes()
    with zipfile.ZipFile(saved.path) as archive:
        infos = archive.infolist()
    path = tmp_path / "bent.skops"
    for info in (*infos[:: len(infos) // 10], *infos[-2:]):  # the last two are ours
        bent = bytearray(content)
        bent[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0xFF
        path.write_bytes(bent)
        with pytest.raises(ModelFileError, match="is damaged"):
            model_file.load(path)


def test_a_file_or_folder_that_is_not_there_is_said(saved: ModelFile, model: Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model file .*nothing\.skops: No such file"):
        model_file.load(tmp_path / "nothing.skops")
    with pytest.raises(UsageError, match="model file .*: Is a directory"):
        model_file.load(tmp_path)
    with pytest.raises(UsageError, match="folder .* for the model: File exists"):
        model_file.save(model, saved.path)


def test_the_patch_release_of_scikit_learn_does_not_matter(saved: ModelFile, tmp_path: Path) -> None:
    about = model_card.releases()
    other = about["scikit-learn"] + "9"
    path = changed(saved, tmp_path, edit_about(releases={**about, "scikit-learn": other}))
    edited = changed(
        replace(saved, path=path), tmp_path, edit_schema(f'\\"{about["scikit-learn"]}\\"', f'\\"{other}\\"')
    )
    assert model_file.load(edited).model.run.version


# --- the card -------------------------------------------------------------------------------------


def test_the_card_says_what_the_model_is(saved: ModelFile, model: Model) -> None:
    card = saved.path.with_suffix(".md").read_text(encoding="utf-8")
    run = model.run
    for said in (
        f"# {run.name} {run.version}",
        f"| first day | {run.training_from} |",
        f"| cut-off | {run.training_cutoff}, the last day whose prices it knows |",
        f"{run.rows_count:,} examples (day, zone, days ahead) of 6 zones",
        f"| 30 | {run.scores['skill_30d']} | {run.scores['weight_30d']} |",
        f"on the days from {run.scores['calibration_from']} to the cut-off",
        f"necc predict --model {saved.path.name}",
        f"sha256 of the file: `{saved.sha256}`",
        "After 26 weeks it is older than any that was measured",
    ):
        assert said in card
    assert [
        line.split(" | ")[0] for line in card.splitlines() if line.startswith(tuple(f"| {g} |" for g in GROUPS))
    ] == [f"| {group}" for group in GROUPS]
    assert all(f"`{name}`" in card for name in FEATURES)
    assert "Made-up" not in card


def test_the_card_lies_in_the_file_too_without_its_digest(saved: ModelFile) -> None:
    with zipfile.ZipFile(saved.path) as archive:
        inside = archive.read("card.md").decode()
    beside = saved.path.with_suffix(".md").read_text(encoding="utf-8")
    assert beside.startswith(inside)
    assert "sha256 of the file" not in inside


def test_the_card_of_made_up_prices_says_so(model: Model) -> None:
    card = model_card.card(model.run, is_demo=True, file_name="a.skops")
    assert "**Made-up demo data.** It was trained on invented prices" in card
