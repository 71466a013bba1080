from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from necc import report
from necc.errors import NeccError, NoDataError

FIGURE = """\
import pandas as pd
from necc import show
days = pd.to_datetime(["2025-06-01", "2025-06-02"])
prices = pd.DataFrame({"date": days, "zone": "namakkal", "zone_name": "Namakkal", "section": "suggested",
                       "price": 500.0, "unit": "INR per 100 eggs", "flag": "made-up demo data"})
show.price_lines(prices)"""
WHERE = """\
import os, sys
print('PLACE', sys.executable, os.getcwd(), os.environ['IPYTHONDIR'], sep='|')
print('PLANTED', 'planted' in globals())"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for notebooks; pages go to `out` beside it."""
    notebooks = tmp_path / "note books"
    notebooks.mkdir()
    return notebooks


def write(folder: Path, *code: str, name: str = "00_tiny", question: str = "What did eggs cost?") -> None:
    cells = [new_markdown_cell(f"# {question}\n\nPrices.", id="text")]  # type: ignore[no-untyped-call]
    cells += [new_code_cell(text, id=f"c{number}") for number, text in enumerate(code)]  # type: ignore[no-untyped-call]
    nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")  # type: ignore[no-untyped-call]


def run(folder: Path, fingerprint: str = "data 1", **environment: str) -> list[report.Result]:
    given = {**os.environ, "NECC_TODAY": "2025-06-30", **environment}
    return report.run(folder, folder.parent / "out", environment=given, fingerprint=fingerprint)


def page(folder: Path, name: str = "00_tiny") -> str:
    return (folder.parent / "out" / f"{name}.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo_page(tmp_path_factory: pytest.TempPathFactory) -> BeautifulSoup:
    """A page of two figures, made in demo mode."""
    notebooks = tmp_path_factory.mktemp("report") / "notebooks"
    notebooks.mkdir()
    write(notebooks, FIGURE, FIGURE)
    run(notebooks, NECC_DEMO="1")
    return BeautifulSoup(page(notebooks), "lxml")


def test_a_page_refers_to_nothing_outside(demo_page: BeautifulSoup) -> None:
    assert demo_page.find_all("script", src=True) == []
    assert demo_page.find_all("link") == []
    assert [image for image in demo_page.find_all("img") if not str(image["src"]).startswith("data:")] == []
    styles = "".join(style.get_text() for style in demo_page.find_all("style"))
    assert not re.search(r"url\(\s*['\"]?https?:|@import", styles)


def test_a_page_holds_plotly_js_once_and_draws_every_figure(demo_page: BeautifulSoup) -> None:
    scripts = [script.get_text() for script in demo_page.find_all("script")]

    assert len([text for text in scripts if len(text) > 1_000_000]) == 1
    assert not [text for text in scripts if len(text) < 1_000_000 and re.search(r"import\W.{0,80}https?://", text)]
    assert [div["id"] for div in demo_page.select(".plotly-graph-div")] == ["figure-1", "figure-2"]
    assert len([text for text in scripts if "Plotly.newPlot" in text and len(text) < 1_000_000]) == 2


def test_made_up_data_are_named_in_the_title_and_before_anything_else(demo_page: BeautifulSoup) -> None:
    top = demo_page.select(".necc-banner.demo, h1")

    assert demo_page.title and demo_page.title.get_text() == "What did eggs cost? — made-up demo data"
    assert "as of 2025-06-30 12:00 in India · made-up demo data" in top[0].get_text()
    assert "What did eggs cost?" in top[1].get_text()


def test_real_data_are_not_called_made_up(folder: Path) -> None:
    write(folder, "1 + 1")
    run(folder)
    soup = BeautifulSoup(page(folder), "lxml")

    assert soup.title and soup.title.get_text() == "What did eggs cost?"
    assert "made-up" not in page(folder)
    assert soup.select_one(".necc-banner") and not soup.select_one(".necc-banner.demo")
    assert len(page(folder)) < 1_000_000, "no figure, no plotly.js"


def test_runs_again_only_when_data_kind_notebook_or_package_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "import uuid; print('token', uuid.uuid4().hex)")

    def outcome(fingerprint: str, **environment: str) -> tuple[str, str]:
        (result,) = run(folder, fingerprint, **environment)
        return result.outcome, re.findall(r"token (\w{32})", page(folder))[0]

    first = outcome("data 1")
    assert first[0] == "executed"
    assert outcome("data 1") == ("unchanged", first[1])
    second = outcome("data 2")
    assert (second[0], second[1] != first[1]) == ("executed", True)
    assert outcome("data 2", NECC_DEMO="1")[0] == "executed"
    write(folder, "import uuid; print('token', uuid.uuid4().hex)", question="Another one?")
    assert outcome("data 2", NECC_DEMO="1")[0] == "executed"
    monkeypatch.setattr(report, "__version__", "99.0")
    assert outcome("data 2", NECC_DEMO="1")[0] == "executed"
    assert outcome("data 2", NECC_DEMO="1")[0] == "unchanged"


def test_a_lost_page_or_a_broken_stamp_file_is_made_anew(folder: Path) -> None:
    write(folder, "1")
    (made,) = run(folder)
    made.path.unlink()
    assert run(folder)[0].outcome == "executed"
    (made.path.parent / report.STAMPS).write_text("{ cut off", encoding="utf-8")
    assert run(folder)[0].outcome == "executed"


def test_a_failing_cell_is_named_and_the_earlier_page_kept(folder: Path) -> None:
    write(folder, "print('good')")
    run(folder)
    kept = page(folder)
    write(folder, "print('fine')", "raise ValueError('first line\\nno price for Atlantis')", "print('never')")

    with pytest.raises(
        NeccError, match=r"^notebook 00_tiny: code cell 2 of 3 failed: ValueError: no price for Atlantis$"
    ):
        run(folder)
    assert page(folder) == kept
    assert sorted(file.name for file in (folder.parent / "out").iterdir()) == ["00_tiny.html", report.STAMPS]
    with pytest.raises(NeccError):
        run(folder)


def test_pages_before_a_failing_notebook_stay_and_progress_hears_of_them(folder: Path) -> None:
    write(folder, "1 / 0", name="01_bad")
    write(folder, "1", name="00_good")
    heard: list[tuple[str, str]] = []

    with pytest.raises(NeccError, match="01_bad: code cell 1 of 1 failed: ZeroDivisionError: division by zero"):
        report.run(
            folder,
            folder.parent / "out",
            environment=dict(os.environ),
            fingerprint="x",
            progress=lambda result: heard.append((result.name, result.outcome)),
        )
    assert heard == [("00_good", "executed")]
    assert set(json.loads((folder.parent / "out" / report.STAMPS).read_text())) == {"00_good"}
    assert page(folder, "00_good")


def test_a_kernel_that_dies_is_named(folder: Path) -> None:
    write(folder, "import os; os._exit(3)")

    with pytest.raises(NeccError, match="notebook 00_tiny: DeadKernelError"):
        run(folder)


def test_a_page_that_cannot_be_written_leaves_nothing_half_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "1")
    run(folder)
    kept = page(folder)

    def full_disk(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="No space left"):
        broken.setattr(Path, "replace", full_disk)
        run(folder, "data 2")
    assert page(folder) == kept
    assert not list((folder.parent / "out").glob(".*"))


def test_the_kernel_is_this_interpreter_and_ignores_the_user_s_own_settings(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    spec = home / ".local" / "share" / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "theirs", "language": "python"}')
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("planted = 1")
    (home / "start.py").write_text("planted = 2")
    write(folder, WHERE)
    run(folder, HOME=str(home), PYTHONSTARTUP=str(home / "start.py"), IPYTHONDIR=str(home / ".ipython"))

    interpreter, folder_of_kernel, ipython = re.findall(r"PLACE\|(.+)\|(.+)\|(.+)", page(folder))[0]
    assert interpreter == sys.executable
    assert not Path(folder_of_kernel).exists(), "a temporary folder, gone again"
    assert str(home) not in ipython
    assert "PLANTED False" in page(folder)


def test_notebooks_are_only_read(folder: Path) -> None:
    write(folder, "open('left_here.txt', 'w').write('x')")
    before = (folder / "00_tiny.ipynb").read_bytes()
    folder.chmod(0o555)
    run(folder)
    folder.chmod(0o755)

    assert [file.name for file in folder.iterdir()] == ["00_tiny.ipynb"]
    assert (folder / "00_tiny.ipynb").read_bytes() == before


def test_a_folder_without_notebooks_is_an_error(folder: Path) -> None:
    with pytest.raises(NoDataError, match=r"wanted at least one \*\.ipynb"):
        run(folder)
