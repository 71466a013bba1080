"""What is handed out: the wheel carries the SQL and the notebooks and runs anywhere; pins and version agree."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import necc

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
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {_normal(line.split("==")[0]) for line in (PROJECT / "constraints.txt").read_text().splitlines()}
    assert {_normal(re.split(r"[\[<>=!~ ]", name)[0]) for name in wanted} - pinned == set()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    head = re.search(r"^## \[?(\d[\w.]*)", changelog, re.MULTILINE)
    assert head is not None
    assert head[1] == necc.__version__
