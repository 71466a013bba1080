"""Notebooks to pages: executed in a fresh kernel, kept as HTML that opens without a network.

A page is one file: styles, figures and plotly.js are in it. It is made again when the data, the notebook
or this package changed, and replaces the earlier one in a single step, so a failure leaves that as it is.
The notebooks themselves are only read: in an installed wheel they may lie where nothing can be written.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from necc import __version__
from necc.config import DEMO_LABEL, Settings
from necc.errors import NeccError, NoDataError

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

log = logging.getLogger("necc.report")

CELL_TIMEOUT_S = 120  # a whole notebook takes seconds: a cell that needs this long hangs
STAMPS = "stamps.json"
FIGURE = "application/vnd.plotly.v1+json"
FIGURE_CONFIG = {"displaylogo": False, "responsive": True}
TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js_requirejs -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}{{ resources.necc_head }}{%- endblock -%}
"""
STYLE = """\
<style>
main { max-width: 1120px; margin: 0 auto; padding: 12px 20px 60px; }
.necc-banner { padding: 8px 12px; border-left: 4px solid #0072b2; background: #f3f6f9; color: #24292f; }
.necc-banner.demo { border-color: #d55e00; background: #fdf3ea; font-weight: 600; }
.jp-RenderedHTMLCommon blockquote { border-left: 3px solid #d0d7de; padding-left: 12px; color: #57606a; }
.jp-RenderedHTMLCommon table { margin-left: 0; font-size: 13px; }
</style>
"""


@dataclass(frozen=True)
class Result:
    """What became of one notebook."""

    name: str  # without its ending: 00_start_here
    path: Path  # of the page
    outcome: str  # "executed", or "unchanged": the page was kept
    seconds: float


def run(
    notebooks_dir: Path,
    out_dir: Path,
    *,
    environment: Mapping[str, str],
    fingerprint: str,
    progress: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Execute every notebook of a folder and keep each as an HTML page; skip those that would say the same.

    Args:
        notebooks_dir: holds `*.ipynb`; only read.
        out_dir: where the pages go, as `<notebook>.html`, with `stamps.json`; made if absent.
        environment: the kernel's whole environment; NECC_* in it say which database and which day.
        fingerprint: changes whenever the stored data do.
        progress: called after each notebook.

    Returns:
        One result per notebook, in the order of their names.

    Raises:
        NoDataError: the folder holds no notebook.
        NeccError: a cell failed; the message names it. Its earlier page, and those before it, stay.
    """
    notebooks = sorted(notebooks_dir.glob("*.ipynb"))
    if not notebooks:
        raise NoDataError(f"no notebook in {notebooks_dir}: wanted at least one *.ipynb")
    out_dir.mkdir(parents=True, exist_ok=True)
    settings = Settings.load(environment)
    made_from = f"{_code_digest()} {fingerprint} {settings.demo}"
    results = []
    for notebook in notebooks:
        results.append(_renew(notebook, out_dir, made_from, settings, environment))
        if progress:
            progress(results[-1])
    return results


def _renew(notebook: Path, out_dir: Path, made_from: str, settings: Settings, environment: Mapping[str, str]) -> Result:
    began = time.monotonic()
    page = out_dir / f"{notebook.stem}.html"
    stamp = hashlib.sha256(notebook.read_bytes() + made_from.encode()).hexdigest()
    if page.is_file() and _stamps(out_dir).get(notebook.stem) == stamp:
        return Result(notebook.stem, page, "unchanged", time.monotonic() - began)
    executed = _execute(notebook, environment)
    _write(page, _page(executed, settings))
    _write(out_dir / STAMPS, json.dumps({**_stamps(out_dir), notebook.stem: stamp}, indent=2))
    return Result(notebook.stem, page, "executed", time.monotonic() - began)


def _code_digest() -> str:
    """The version, and the code of a checkout where it changes more often than the version does."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return f"{__version__}+{hashlib.sha256(b''.join(file.read_bytes() for file in files)).hexdigest()}"


def _stamps(out_dir: Path) -> dict[str, str]:
    """Which page was made from what; a file that cannot be read only means that all are made again."""
    try:
        stamps = json.loads((out_dir / STAMPS).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _write(path: Path, text: str) -> None:
    """All or nothing: a reader, or a crash, never meets half a file."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _execute(path: Path, environment: Mapping[str, str]) -> NotebookNode:
    import nbformat

    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory(prefix="necc-report-") as folder:
        client = _client(notebook, Path(folder))
        try:
            client.execute(cleanup_kc=True, env=_kernel_environment(environment, Path(folder)))
        except Exception as error:  # whatever a cell or a kernel may raise, the message names the notebook
            raise NeccError(f"notebook {path.stem}: {_reason(notebook, error)}") from error
    return notebook


def _client(notebook: NotebookNode, folder: Path) -> NotebookClient:
    """A client on a kernel of this interpreter: a user's own kernels are not looked for."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    kernel = AsyncKernelManager(
        kernel_name=NATIVE_KERNEL_NAME,
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        connection_file=str(folder / "kernel.json"),
        transport_encryption="auto",  # other users of the machine can reach its loopback ports too
    )
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, km=kernel, timeout=CELL_TIMEOUT_S, resources=resources)


def _kernel_environment(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What the caller wants, without the start-up files and settings of whoever calls."""
    own = {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder),
        "PLOTLY_RENDERER": "plotly_mimetype",  # a figure comes as data; _drawn makes it a drawing
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger warns about frozen modules on stderr
    }
    return {**{name: text for name, text in environment.items() if name != "PYTHONSTARTUP"}, **own}


def _reason(notebook: NotebookNode, error: Exception) -> str:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                last = output.evalue.strip().splitlines()[-1:] or [""]
                return f"code cell {number} of {len(code)} failed: {output.ename}: {last[0]}"
    text = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {text[0]}"


def _page(notebook: NotebookNode, settings: Settings) -> str:
    from nbconvert import HTMLExporter

    title = f"{_question(notebook)} — {DEMO_LABEL}" if settings.demo else _question(notebook)
    figures = _draw_figures(notebook)
    notebook.metadata["title"] = title
    notebook.cells.insert(0, _banner(settings))
    head = STYLE + (_plotly_js() if figures else "")
    looks = {"raw_template": TEMPLATE, "exclude_input_prompt": True, "exclude_output_prompt": True}
    exporter = HTMLExporter(**looks)  # type: ignore[no-untyped-call]
    page: str = exporter.from_notebook_node(notebook, resources={"necc_head": head})[0]
    return page


def _question(notebook: NotebookNode) -> str:
    """The notebook's first line: by the notebook rules it is the question."""
    lines = "".join(cell.source for cell in notebook.cells[:1]).splitlines() or ["necc"]
    return lines[0].lstrip("# ")


def _banner(settings: Settings) -> NotebookNode:
    import nbformat

    demo = f" · {DEMO_LABEL}: no price on this page is a price of NECC" if settings.demo else ""
    text = f"necc {__version__} · as of {settings.now():%Y-%m-%d %H:%M} in India{demo}"
    kind = "necc-banner demo" if settings.demo else "necc-banner"
    source = f'<div class="{kind}">{escape(text)}</div>'
    cell: NotebookNode = nbformat.v4.new_markdown_cell(source)  # type: ignore[no-untyped-call]
    return cell


def _draw_figures(notebook: NotebookNode) -> int:
    """Turn the figures' data into drawings, in place; return how many there were."""
    found = [
        output.data for cell in notebook.cells for output in cell.get("outputs", []) if FIGURE in output.get("data", {})
    ]
    for number, data in enumerate(found, start=1):
        data["text/html"] = _drawn(data.pop(FIGURE), number)
    return len(found)


def _drawn(figure: Mapping[str, Any], number: int) -> str:
    from plotly.io import to_html

    drawing: str = to_html(
        {"data": figure["data"], "layout": figure["layout"]},
        config=FIGURE_CONFIG,
        include_plotlyjs=False,
        include_mathjax=False,
        full_html=False,
        default_height=figure["layout"].get("height", "100%"),
        validate=False,
        div_id=f"figure-{number}",
    )
    return drawing


def _plotly_js() -> str:
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>"
