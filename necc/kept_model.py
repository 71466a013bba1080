"""The model that `necc predict` trained last, kept in the home folder: to explain its forecast nothing is trained.

There is one file for NECC's prices and one for made-up ones, and a newer model takes the older one's place. Nothing
depends on it: where it is not the very model that would be trained, it is passed over.
"""

from __future__ import annotations

import logging
from pathlib import Path

from necc import model_file
from necc.config import DATABASE_NAME, DEMO_DATABASE_NAME
from necc.errors import ModelFileError, UsageError
from necc.predict import Model

log = logging.getLogger("necc.kept_model")

FOLDER = "models"


def keep(model: Model, home: Path, *, is_demo: bool) -> tuple[str, ...]:
    """Keep a model in place of the one before it; a home that cannot be written to is no failure.

    Args:
        model: just trained.
        home: the data directory.
        is_demo: whether it was trained on made-up prices.

    Returns:
        What hindered it, for people; nothing if it is kept.
    """
    path = _path(home, is_demo)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        model_file.write(model, path, is_demo=is_demo)
    except OSError as error:
        return (f"the model is not kept in {path.parent} ({error.strerror}): `necc explain` will train it again",)
    return ()


def find(home: Path, version: str, *, is_demo: bool) -> Model | None:
    """The kept model where it is of this version; None where it is not, is damaged, or is not there.

    Args:
        home: the data directory.
        version: as `predict.version_of` says of the prices: two models of one version forecast the same.
        is_demo: whether these prices are made up.
    """
    try:
        model = model_file.load(_path(home, is_demo), is_demo=is_demo).model
    except (UsageError, ModelFileError) as error:
        log.info("no kept model: %s", error)
        return None
    return model if model.run.version == version else None


def _path(home: Path, is_demo: bool) -> Path:
    return home / FOLDER / f"{DEMO_DATABASE_NAME if is_demo else DATABASE_NAME}{model_file.SUFFIX}"
