"""The house has one direction: a room imports only from rooms before it, and nothing happens on entering."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import necc

PACKAGE = Path(necc.__file__).parent

# Each line imports only from the lines above it. The rooms of one line do not import each other; inside
# a room (one string) a module imports only from those before it.
ORDER = (
    ("errors",),
    ("records", "config", "units"),
    ("addresses fetch", "parse", "validate", "identity"),
    ("pgplaces pgbinaries pgserver embedded db",),
    ("queries frames reading",),
    (
        "sqlfiles servertalk scratch catalog_queries catalog migrate maintain schema_index",
        "store runlog",
        "pages",
        "forecast_store",
        "analyse",
        "scorecard",
    ),
    ("grids panel lunar", "fallback"),
    ("season", "neighbours", "habits", "feature_table"),
    ("features examples",),
    ("intervals", "columns nation turns linear boosted moves model spread"),
    ("learn",),
    ("versions",),
    ("predict",),
    ("model_card model_file kept_model",),
    ("splits", "baselines", "rivals", "dask_cluster workers", "skill"),
    ("backtesting",),
    ("attribution analogues",),
    ("explanation",),
    ("explaining",),
    ("looks traces panels accuracy show",),
    ("export", "report"),
    ("demo_table demo_prices demo",),
    (
        "sheets tally pipeline",
        "forecast_tally forecasting",
    ),
    ("lab",),
    ("cli_context db_cli forecast_cli cli",),
    ("__main__",),
)
# Only as a type: an error may carry the page that it is about.
TYPE_ONLY = {("errors", "records")}
HEAVY = {"bs4", "httpx", "lxml", "numpy", "pandas", "plotly", "psycopg", "scipy", "sklearn", "sqlalchemy"}
OF_EXTRAS = {"distributed", "statsforecast"}  # nobody has them who did not ask for them


def _place(module: str) -> tuple[int, str, int]:
    """Line, room and place in the room."""
    for number, rooms in enumerate(ORDER):
        for room in rooms:
            if module in room.split():
                return number, room, room.split().index(module)
    raise AssertionError(f"necc/{module}.py is not in ORDER: say where it stands")


def _may_import(module: str, other: str) -> bool:
    line, room, place = _place(module)
    other_line, other_room, other_place = _place(other)
    return other_line < line or (other_room == room and other_place < place)


def _modules() -> list[str]:
    found = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if "_data" not in path.parts}
    return sorted(".".join(path.with_suffix("").parts) for path in found if path.name != "__init__.py")


def _imported(source: str) -> set[str]:
    """The rooms that a module's source imports, at its top, in functions and for types alike."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        names.update(_named(node))
    return {name.removeprefix("necc.") for name in names if name.startswith("necc.")}


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from _named_from(node)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        yield from (str(part.value) for part in node.args if isinstance(part, ast.Constant))


def _named_from(node: ast.ImportFrom) -> Iterator[str]:
    base = ".".join(filter(None, ("necc" if node.level else "", node.module)))
    if base != "necc":
        yield base
        return
    for alias in node.names:
        if (PACKAGE / f"{alias.name}.py").is_file():
            yield f"necc.{alias.name}"
        elif alias.name in necc._ROOMS:  # a public function: its room is loaded
            yield necc._ROOMS[alias.name]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import necc.store", {"store"}),
        ("import pandas, necc.db as d", {"db"}),
        ("from necc import store, __version__", {"store"}),
        ("from necc.store import write", {"store"}),
        ("from . import store\nfrom .db import connect", {"store", "db"}),
        ("from necc import prices", {"analyse"}),
        ("def f():\n    from necc import db", {"db"}),
        ("if TYPE_CHECKING:\n    from necc.db import connect", {"db"}),
        ("importlib.import_module('necc.db')", {"db"}),
        ("import pandas\nfrom pathlib import Path\n'necc.db'", set()),
    ],
)
def test_every_way_to_import_is_seen(source: str, found: set[str]) -> None:
    assert _imported(source) == found


def test_the_order_allows_what_is_before_and_nothing_else() -> None:
    assert _may_import("show", "analyse")
    assert not _may_import("analyse", "show")
    assert not _may_import("store", "migrate")  # of one line
    assert _may_import("migrate", "catalog")  # of one room
    assert not _may_import("catalog", "migrate")


def test_no_room_is_listed_twice() -> None:
    listed = " ".join(room for rooms in ORDER for room in rooms).split()
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("module", _modules())
def test_imports_point_one_way(module: str) -> None:
    source = (PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    against = {other for other in _imported(source) if not _may_import(module, other)}
    assert {(module, other) for other in against} - TYPE_ONLY == set()


def test_there_is_no_utils() -> None:
    assert not {"utils", "helpers", "common", "misc"} & set(_modules())


# --- what an import costs and does ----------------------------------------------------------------------


def _python(code: str, folder: Path, *arguments: str) -> str:
    """Run code in a fresh interpreter that finds nothing but this folder to write to; its output."""
    away = {name: str(folder) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, **away},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["necc", "necc.cli", "necc.config", "necc.records", "necc.errors"])
def test_nothing_heavy_is_loaded(module: str, tmp_path: Path) -> None:
    code = "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps(list(sys.modules)))"
    loaded = {name.partition(".")[0] for name in json.loads(_python(code, tmp_path, module))}
    assert "necc" in loaded
    assert loaded & HEAVY == set()


def test_no_room_needs_what_an_extra_brings(tmp_path: Path) -> None:
    load = "[importlib.import_module(name) for name in sys.argv[1:]]"
    code = f"import importlib, json, sys; {load}; print(json.dumps(list(sys.modules)))"
    loaded = json.loads(_python(code, tmp_path, *(f"necc.{module}" for module in _modules())))
    assert "necc.workers" in loaded
    assert {name.partition(".")[0] for name in loaded} & OF_EXTRAS == set()


WATCHED = """
import importlib, json, sys
deeds, now = [], [""]

def watch(event, details):
    writes = event == "open" and isinstance(details[2], int) and details[2] & 0o3  # O_WRONLY | O_RDWR
    reaches = event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename")
    if writes or reaches:
        deeds.append(f"{now[0]}: {event} {details[0]!r}")

sys.addaudithook(watch)
for now[0] in sys.argv[1:]:
    importlib.import_module(now[0])
print(json.dumps(deeds))
"""


def _deeds(folder: Path, *modules: str) -> list[str]:
    deeds: list[str] = json.loads(_python(WATCHED, folder, *modules))
    return deeds


def test_nothing_happens_at_import(tmp_path: Path) -> None:
    assert _deeds(tmp_path, *(f"necc.{module}" for module in _modules())) == []
    assert list(tmp_path.iterdir()) == []


def test_the_watch_sees_deeds(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(
        "import pathlib, socket\npathlib.Path('here').write_text('')\nsocket.socket().bind(('127.0.0.1', 0))\n"
    )
    deeds = _deeds(tmp_path, "busy")
    assert [deed.split()[1] for deed in deeds] == ["open", "socket.bind"]


# --- the public names -----------------------------------------------------------------------------------


def test_public_names_are_sorted_and_complete() -> None:
    assert necc.__all__ == sorted(necc.__all__)
    assert set(necc.__all__) == {"__version__", *necc._ROOMS}
    assert dir(necc) == necc.__all__


def test_public_names_are_there_for_type_checkers() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("necc.")
        for alias in node.names
    }
    assert typed == necc._ROOMS


def test_public_names_are_functions_whatever_was_imported_before(tmp_path: Path) -> None:
    """A module of the same name would hide its function once anybody imports it."""
    code = """
import importlib, json, necc
for room in necc._ROOMS.values():
    importlib.import_module(room)
print(json.dumps([name for name in necc._ROOMS if not callable(getattr(necc, name))]))
"""
    assert json.loads(_python(code, tmp_path)) == []


def test_no_room_has_the_name_of_a_public_function() -> None:
    assert set(_modules()) & set(necc._ROOMS) == set(), "whoever imports the room hides the function: rename the room"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'necc' has no attribute 'nothing'"):
        necc.nothing  # noqa: B018
