"""A trained model -> one file, and back, in any process: the same forecasts, bit for bit.

The file is skops' zip archive: arrays, plain values and names of classes, no code. Two members more are for
people and for the reader: `card.md` and `about.json`. Reading asks, in this order: is the file whole, is it one of
ours, does it fit this code and this scikit-learn, does it hold known types only? Nothing is built before that.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from necc import __version__, model_card
from necc.config import DEMO_LABEL
from necc.errors import ModelFileError, UsageError
from necc.forecast_store import ModelRun
from necc.intervals import Scores
from necc.learn import Anchor, Recipe
from necc.predict import Model
from necc.versions import code_digest

FORMAT = 1
SUFFIX = ".skops"
ABOUT, CARD = "about.json", "card.md"
PARTS = (Model, ModelRun, Recipe, Anchor, Scores)
TREES = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"  # skops leaves it to us: see _refuse_bad_trees
)


@dataclass(frozen=True)
class ModelFile:
    """A model and the file that it lies in.

    Args:
        path: of the file.
        sha256: hex digest of the file.
        is_demo: whether the model was trained on made-up prices.
        model: what is in it.
    """

    path: Path
    sha256: str
    is_demo: bool
    model: Model


def open_folder(folder: Path) -> None:
    """Make a folder that models are saved in: a bad one is refused before a training, not after it.

    Raises:
        UsageError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"folder {folder} for the model: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"folder {folder} for the model: it cannot be written to")


def save(model: Model, folder: Path, *, is_demo: bool = False) -> ModelFile:
    """Write a model and, beside it, its card; a file of this model that is there is replaced, whole or not at all.

    Raises:
        UsageError: the folder cannot be made or written to.
    """
    open_folder(folder)
    run = model.run
    path = folder / f"{run.name}-{run.training_cutoff}-{run.version}{SUFFIX}"
    digest = write(model, path, is_demo=is_demo)
    told = model_card.card(run, is_demo=is_demo, file_name=path.name, sha256=digest)
    _write(path.with_suffix(".md"), told.encode())
    return ModelFile(path, digest, is_demo, model)


def write(model: Model, path: Path, *, is_demo: bool = False) -> str:
    """Write a model to one file, whole or not at all; its card lies in it.

    Returns:
        The sha256 of the file, as hex digits.

    Raises:
        OSError: the file cannot be written.
    """
    content = _packed(model, path.name, is_demo)
    _write(path, content)
    return hashlib.sha256(content).hexdigest()


def _packed(model: Model, file_name: str, is_demo: bool) -> bytes:
    from skops.io import dump

    buffer = io.BytesIO()
    dump(model, buffer, compression=ZIP_DEFLATED)
    with ZipFile(buffer, "a", ZIP_DEFLATED) as archive:
        archive.writestr(ABOUT, json.dumps(_about(model, is_demo), indent=2))
        archive.writestr(CARD, model_card.card(model.run, is_demo=is_demo, file_name=file_name))
    return buffer.getvalue()


def _about(model: Model, is_demo: bool) -> dict[str, object]:
    return {
        "format": FORMAT,
        "name": model.run.name,
        "version": model.run.version,
        "training_cutoff": model.run.training_cutoff.isoformat(),
        "is_demo": is_demo,
        "code": code_digest(),
        "necc": __version__,
        "releases": model_card.releases(),
    }


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: Path, *, is_demo: bool | None = None) -> ModelFile:
    """Read a model that `save` has written.

    Args:
        path: of the file.
        is_demo: whether the prices that it will see are made up; None where any model will do.

    Raises:
        UsageError: there is no such file, it cannot be read, or its model is of made-up prices and these are not.
        ModelFileError: it is damaged, no model, of another format, code or release, or holds an unknown type.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"model file {path}: {error.strerror}") from None
    about = _read_about(path, content)
    _refuse_other_makers(path, about)
    with _damage_named(path):
        made_up = bool(about["is_demo"])
        model = _unpacked(path, content)
    if is_demo not in (None, made_up):
        kinds = {True: DEMO_LABEL, False: "NECC's prices"}
        raise UsageError(f"model file {path}: trained on {kinds[made_up]}, and these are {kinds[bool(is_demo)]}")
    return ModelFile(path, hashlib.sha256(content).hexdigest(), made_up, model)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """A file may be broken in any place, or by intent: whatever that sets off is the file's fault."""
    try:
        yield
    except ModelFileError:
        raise
    except Exception as error:
        raise ModelFileError(f"model file {path} is damaged, or no model of necc ({type(error).__name__})") from error


def _read_about(path: Path, content: bytes) -> dict[str, Any]:
    with _damage_named(path), ZipFile(io.BytesIO(content)) as archive:
        archive.read(CARD)  # for its checksum: skops reads all other members
        return dict(json.loads(archive.read(ABOUT)))


def _refuse_other_makers(path: Path, about: dict[str, Any]) -> None:
    """Another code would make other forecasts under the same version; another release cannot read the estimators."""
    if about.get("format") != FORMAT:
        raise ModelFileError(f"model file {path}: format {about.get('format')}, wanted {FORMAT}; train a new model")
    with _damage_named(path):
        made, here = about["releases"]["scikit-learn"], version("scikit-learn")
        if model_card.minor(made) != model_card.minor(here):
            raise ModelFileError(f"model file {path}: made with scikit-learn {made}, here is {here}; train a new model")
        if about["code"] != code_digest():
            makers = f"necc {about['necc']}, here is {__version__}"
            raise ModelFileError(f"model file {path}: made by other code, of {makers}; train a new model")


def _unpacked(path: Path, content: bytes) -> Model:
    from sklearn.exceptions import InconsistentVersionWarning
    from skops.io import get_untrusted_types, loads
    from skops.io.exceptions import UntrustedTypesFoundException

    trusted = _trusted()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # of a third number: judged above
            found = loads(content, trusted=trusted)
    except UntrustedTypesFoundException:
        unknown = ", ".join(sorted(set(get_untrusted_types(data=content)) - set(trusted)))
        raise ModelFileError(f"model file {path} is refused: it holds {unknown}, which no model does") from None
    if not isinstance(found, Model):
        raise ModelFileError(f"model file {path} holds no model, but {type(found).__name__}")
    _refuse_bad_trees(path, found)
    return found


def _trusted() -> list[str]:
    """What a model holds besides the types that skops vouches for: its parts, and the estimators of this package."""
    from sklearn.base import BaseEstimator

    import necc.model  # noqa: F401 - it brings them in
    import necc.spread  # noqa: F401

    estimators = [kind for kind in _below(BaseEstimator) if kind.__module__.startswith("necc.")]
    return [*(f"{kind.__module__}.{kind.__qualname__}" for kind in (*PARTS, dt.date, *estimators)), TREES]


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _below(sub)


def _refuse_bad_trees(path: Path, model: Model) -> None:
    """scikit-learn follows the numbers in a tree unchecked: bad ones would read foreign memory, or never end."""
    for forest in _forests(model, set()):
        for tree in (tree for stage in forest._predictors for tree in stage):
            if not _is_sound(tree.nodes, forest.n_features_in_):
                raise ModelFileError(f"model file {path} is refused: a tree in it leads nowhere")


def _forests(value: Any, seen: set[int]) -> Iterator[Any]:
    """Every gradient boosting within, however deep."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        yield value
        return
    parts = vars(value) if hasattr(value, "__dict__") else value
    if isinstance(parts, dict | list | tuple):
        for part in parts.values() if isinstance(parts, dict) else parts:
            yield from _forests(part, seen)


def _is_sound(nodes: Any, features_count: int) -> bool:
    """Each fork asks for a feature that there is, and leads to two later nodes, so that every way ends in a leaf."""
    place = np.flatnonzero(nodes["is_leaf"] == 0)
    forks = nodes[place]
    leads_on = all(((place < forks[side]) & (forks[side] < len(nodes))).all() for side in ("left", "right"))
    asks = (forks["feature_idx"] >= 0) & (forks["feature_idx"] < features_count)
    return bool(len(nodes) and leads_on and asks.all() and not forks["is_categorical"].any())
