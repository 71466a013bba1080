from __future__ import annotations

import ast
import re
import subprocess
import sys
from typing import Any

import nbformat
import pytest

import necc
from necc import show
from necc.config import data_folder

FOLDER = data_folder("notebooks")
NAMES = [
    "00_start_here",
    "01_monthly_averages",
    "02_year_over_year",
    "03_price_predictions",
    "04_forecast_accuracy",
]
MOST_BYTES = 20_000  # thin: text and calls only
FIGURES = set(show.__all__) - {"header", "table"}


def read(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]


def trees(notebook: Any) -> list[ast.Module]:
    return [ast.parse(cell.source) for cell in notebook.cells if cell.cell_type == "code"]


def calls(tree: ast.AST, module: str) -> list[str]:
    """Which functions of a module, as `module.name(...)`, are called."""
    return [
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == module
    ]


def texts(tree: ast.AST) -> list[str]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@pytest.fixture(params=NAMES)
def notebook(request: pytest.FixtureRequest) -> Any:
    return read(request.param)


def test_the_folder_holds_these_notebooks_and_no_others() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_is_stripped_and_thin(name: str) -> None:
    path = FOLDER / f"{name}.ipynb"
    verify = [sys.executable, "-m", "nbstripout", "--verify", str(path)]
    checked = subprocess.run(verify, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout
    assert path.stat().st_size < MOST_BYTES


def test_begins_with_its_question_then_the_grain_and_the_source(notebook: Any) -> None:
    first = notebook.cells[0]

    assert first.cell_type == "markdown"
    assert re.match(r"# .+\?\n", first.source)
    assert re.search(r"\nOne row per .+", first.source)
    assert "NECC's daily sheets" in first.source


def test_second_cell_holds_the_parameters_as_plain_values(notebook: Any) -> None:
    cell = notebook.cells[1]

    assert (cell.cell_type, cell.metadata.tags) == ("code", ["parameters"])
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)


def test_metadata_are_those_of_any_python_3(notebook: Any) -> None:
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def test_defines_nothing_and_imports_only_pandas_and_necc(notebook: Any) -> None:
    defining = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.With, ast.Try)
    imported = set()
    for node in (node for tree in trees(notebook) for node in ast.walk(tree)):
        assert not isinstance(node, defining), ast.unparse(node)
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(f"{node.module}.{node.names[0].name}")
    assert {"necc", "necc.show"} <= imported <= {"pandas", "necc", "necc.show"}


def test_holds_no_sql_no_path_and_no_address(notebook: Any) -> None:
    for text in (text for tree in trees(notebook) for text in texts(tree)):
        assert not re.search(r"\bselect\b.*\bfrom\b|://", text, re.IGNORECASE), text
        assert not re.match(r"/|~|[A-Za-z]:\\", text), text


def test_calls_only_what_is_public(notebook: Any) -> None:
    for tree in trees(notebook):
        assert set(calls(tree, "necc")) <= set(necc.__all__)
        assert set(calls(tree, "show")) <= set(show.__all__)


def test_shows_the_source_s_notice_before_any_number(notebook: Any) -> None:
    shown = [name for tree in trees(notebook) for name in calls(tree, "show")]
    header = next(tree for tree in trees(notebook) if "header" in calls(tree, "show"))

    assert shown[0] == "header"
    assert sorted(calls(header, "necc")) == ["notice", "status"]


def test_shows_one_thing_per_cell_and_tells_how_to_read_each_figure(notebook: Any) -> None:
    drawn = 0
    for cell, following in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type == "code":
            shown = calls(ast.parse(cell.source), "show")
            assert len(shown) <= 1, cell.source
            if set(shown) & FIGURES:
                drawn += 1
                assert following.cell_type == "markdown", cell.source
    assert drawn >= 1


def test_ends_with_asserting_what_the_text_claims(notebook: Any) -> None:
    last = notebook.cells[-1]

    assert last.cell_type == "code"
    assert isinstance(ast.parse(last.source).body[-1], ast.Assert)
    assert sum(isinstance(node, ast.Assert) for node in ast.parse(last.source).body) >= 3
