"""What a model is made of -> its version, a hash. Nothing is trained for it.

Two models of one version give the same forecasts; a change of the code, the libraries, the recipe, the cut-off or a
single price makes another version.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from necc.feature_table import FEATURES
from necc.learn import Recipe
from necc.panel import Panel

# The rooms that a forecast passes through, from prices to intervals.
ROOMS = (
    "panel", "grids", "lunar", "season", "neighbours", "habits", "feature_table", "features", "examples",
    "intervals", "columns", "nation", "turns", "linear", "boosted", "moves", "model", "spread", "learn", "versions",
    "predict",
)  # fmt: skip
LIBRARIES = ("scikit-learn", "ephem", "hijridate")


def code_digest() -> str:
    """A hash of the code that makes a forecast; another code may make another one of the same prices."""
    digest = hashlib.sha256()
    for name in ROOMS:
        text = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")  # line ends do not count
        digest.update(text.encode())
    return digest.hexdigest()


def of_panel(series: Panel, cutoff: dt.date, recipe: Recipe) -> str:
    """The version of a model of these prices: 16 hex digits."""
    digest = hashlib.sha256(code_digest().encode())
    releases = [version(name) for name in LIBRARIES]
    digest.update(repr((releases, tuple(FEATURES), asdict(recipe), cutoff.isoformat())).encode())
    digest.update(repr((tuple(series.observed.columns), series.observed.index[0])).encode())
    digest.update(series.observed.to_numpy(dtype=float).tobytes())
    digest.update(repr(series.section.to_numpy().tolist()).encode())
    return digest.hexdigest()[:16]
