"""What is handed out: the wheel carries the SQL and the notebooks and runs anywhere; pins and version agree."""

from __future__ import annotations

import ast
import importlib.metadata
import itertools
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import necc
from tests.conftest import new_open_folder

PROJECT = Path(necc.__file__).parent.parent
# Of what is installed as files, and where the wheel carries it.
CARRIED = {"schema": "necc/_data/schema", "seeds": "necc/_data/seeds", "notebooks": "necc/_data/notebooks"}
PIN = re.compile(r"^[A-Za-z0-9][\w.-]*==\d[\w.+!-]*$")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel; its build tools come from the package registry."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(PROJECT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "No matching distribution found for hatchling" in done.stdout + done.stderr:
        pytest.skip("the package registry cannot be reached for the build tools")
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("necc-*.whl"))


def test_the_wheel_carries_what_the_program_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
    for folder, inside in CARRIED.items():
        files = [path for path in (PROJECT / folder).rglob("*") if path.suffix in {".sql", ".sh", ".ipynb", ".csv"}]
        own = {f"{inside}/{path.relative_to(PROJECT / folder).as_posix()}" for path in files}
        assert own - {name for name in own if ".ipynb_checkpoints" in name} <= carried
    assert "necc/_data/schema/00_extensions.sql" in carried
    assert not [name for name in carried if name.startswith("tests/") or "__pycache__" in name]


def test_the_wheel_runs_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "a site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import necc.config, necc.cli; print(necc.__file__);"
        "print(*(necc.config.data_folder(name) for name in ('schema', 'seeds', 'notebooks')), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    inside = [site / "necc" / "__init__.py", *(site / folder for folder in CARRIED.values())]
    assert done.stdout.splitlines() == [str(path) for path in inside]


def test_constraints_are_names_and_versions_only() -> None:
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not PIN.match(line)] == []


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    pinned = {_normal(line.split("==")[0]) for line in (PROJECT / "constraints.txt").read_text().splitlines()}
    assert {_normal(re.split(r"[\[<>=!~ ]", name)[0]) for name in wanted} - pinned == set()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    head = re.search(r"^## \[?(\d[\w.]*)", changelog, re.MULTILINE)
    assert head is not None
    assert head[1] == necc.__version__


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Iterator[Path]:
    """The `necc` command of a clean environment that has the wheel, and the libraries of this one.

    The libraries are lent, not downloaded again; that the wheel asks for all of them is a test of its own.
    """
    with new_open_folder() as base:
        yield _install(wheel, base / "a clean environment")


def _install(wheel: Path, folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    lent = [path for path in sys.path if path.endswith("site-packages")]
    (site / "lent.pth").write_text("\n".join(lent), encoding="utf-8")
    (folder / "share").mkdir(exist_ok=True)
    (folder / "share" / "jupyter").symlink_to(Path(sys.prefix) / "share" / "jupyter")  # templates are no modules
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "bin" / "necc"


@pytest.mark.timeout(600)
def test_quickstart_of_the_wheel_does_the_same_from_any_folder(installed: Path, open_folder: Path) -> None:
    home = open_folder / "a home"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(open_folder), "NECC_HOME": str(home), "NECC_OFFLINE": "1"}
    command = [str(installed), "quickstart", "--months", "20"]
    done = subprocess.run(command, cwd=open_folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "made-up demo data" in done.stderr
    assert "20 stored" in done.stderr
    assert f"notebooks: {shlex.quote(os.path.relpath(installed, open_folder))} --demo lab" in done.stdout
    assert "pg_stat_statements" not in done.stderr  # nobody administers the embedded server
    carried = [path.stem for path in sorted((PROJECT / "notebooks").glob("*.ipynb"))]
    assert [path.stem for path in sorted((home / "reports").glob("*.html"))] == carried
    assert str(installed.parent.parent) in _module_of(installed)


def _module_of(installed: Path) -> str:
    code = "import necc; print(necc.__file__)"
    python = installed.with_name("python")
    return subprocess.run([str(python), "-c", code], cwd="/", capture_output=True, text=True, check=True).stdout


def test_every_library_that_is_imported_is_asked_for() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["bench"], *extras["cluster"]]  # they are loaded when they are asked for
    asked = {_normal(re.split(r"[\[<>=!~ ]", name)[0]) for name in wanted}
    provided = importlib.metadata.packages_distributions()
    imported = {
        name.split(".")[0]
        for path in (PROJECT / "necc").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _imports(node)
    } - set(sys.stdlib_module_names)
    missing = {name for name in imported if not {_normal(d) for d in provided.get(name, [name])} & asked}
    assert missing - {"necc"} == set()


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []
