"""The workbench from nothing: `quickstart` fills and opens it, `open_lab` starts JupyterLab on it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from necc import db, forecasting, pipeline, report, store
from necc.config import DEMO_LABEL, SOURCE_URL, Settings, data_folder
from necc.errors import FetchError, UsageError
from necc.records import FIRST_YEAR, Month, SheetKey

if TYPE_CHECKING:
    from necc.sheets import SheetResult
    from necc.tally import ScrapeReport

NEWEST_MONTHS = 40  # enough for three year-over-year comparisons and a first model; 80 s of polite requests
PROBE_TIMEOUT_S = 5.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Workbench:
    """What `quickstart` leaves behind."""

    settings: Settings
    scraped: ScrapeReport
    reports: list[report.Result]

    @property
    def reports_folder(self) -> Path:
        """Where the executed notebooks lie."""
        return self.settings.home / "reports"


def quickstart(
    settings: Settings,
    *,
    months: int = NEWEST_MONTHS,
    say: Say,
    progress: Callable[[SheetResult], None] | None = None,
) -> Workbench:
    """From an empty machine to scraped, analysed and predicted prices; a second run does only what is new.

    Raises:
        FetchError: the site does not answer, and made-up data must not go into the database named.
        NeccError: a step failed; what the steps before it stored stays.
    """
    settings = _choose_source(settings, say)
    deployed = pipeline.deploy(settings)
    say(f"database {db.described(settings)}: schema {_files(len(deployed.applied), len(deployed.unchanged))}")
    scraped = _scrape(settings, months, say, progress)
    say("predicting 1 to 30 days ahead")
    say(forecasting.predict(settings).summary)
    say(forecasting.score(settings).summary)
    say("executing the notebooks")
    results = _execute_notebooks(settings, say)
    return Workbench(settings, scraped, results)


def _choose_source(settings: Settings, say: Say) -> Settings:
    if settings.demo:
        say(f"{DEMO_LABEL}, as asked: no price below is a price of NECC")
        return settings
    if _is_reachable(settings):
        return settings
    if settings.database_url:
        raise FetchError(
            f"{settings.base_url} does not answer, and DATABASE_URL gets {DEMO_LABEL} only with --demo: try again later"
        )
    say(f"{settings.base_url} does not answer within {PROBE_TIMEOUT_S:.0f} s: using {DEMO_LABEL} instead")
    return replace(settings, demo=True)


def _is_reachable(settings: Settings) -> bool:
    from necc import fetch

    if settings.offline and settings.base_url == SOURCE_URL:
        return False
    return fetch.probe(settings.base_url, timeout=PROBE_TIMEOUT_S)


def _scrape(settings: Settings, months: int, say: Say, progress: Callable[[SheetResult], None] | None) -> ScrapeReport:
    today = settings.today()
    last = Month.of(today)
    first = max(last.plus(1 - months), Month(FIRST_YEAR, 1))
    keys = [SheetKey.daily(month) for month in first.through(last)]
    scraped = pipeline.scrape(settings, keys, mode="BACKFILL", resume=True, progress=progress)
    say(scraped.summary)
    for error in scraped.errors:
        say(f"  {error}")
    return scraped


def _execute_notebooks(settings: Settings, say: Say) -> list[report.Result]:
    with db.connect(settings) as connection:
        fingerprint = store.fingerprint(connection)
    return report.run(
        data_folder("notebooks"),
        settings.home / "reports",
        environment=kernel_environment(settings),
        fingerprint=fingerprint,
        progress=lambda result: say(f"notebook {result.name}: {result.outcome}"),
    )


def kernel_environment(settings: Settings) -> dict[str, str]:
    """The variables with which a kernel reads the same database as these settings."""
    wanted = {
        "NECC_HOME": str(settings.home),
        "NECC_DEMO": "1" if settings.demo else "0",
        "NECC_OFFLINE": "1",  # a notebook reads the database, never the site
        "DATABASE_URL": settings.database_url or "",
        "NECC_PG_BIN": str(settings.pg_bin or ""),
        "NECC_TODAY": settings.fixed_now.isoformat() if settings.fixed_now else "",
    }
    return {**os.environ, **wanted}


def notebooks_to_open(settings: Settings) -> Path:
    """The folder for JupyterLab: the checkout's own notebooks, or copies that may be edited."""
    source = data_folder("notebooks")
    if source.parent.name != "_data":
        return source
    folder = settings.home / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        if not (folder / notebook.name).exists():
            shutil.copyfile(notebook, folder / notebook.name)
    return folder


def open_lab(settings: Settings, *, port: int, open_browser: bool, run: Callable[..., object]) -> None:
    """Start JupyterLab on loopback with a fresh token; it runs until it is stopped.

    Args:
        settings: which database the kernels read.
        port: the TCP port on 127.0.0.1; JupyterLab takes the next free one.
        open_browser: whether to open the page.
        run: called with the command line and the environment, as `os.execve` is.

    Raises:
        UsageError: the port is not a port.
    """
    if not 1024 <= port <= 65535:
        raise UsageError(f"port {port}: wanted 1024 to 65535")
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command += [] if open_browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command.append(f"--ServerApp.root_dir={notebooks_to_open(settings)}")
    environment: Mapping[str, str] = kernel_environment(settings)
    run(sys.executable, command, environment)


def _files(applied: int, unchanged: int) -> str:
    return f"{applied} files applied" if applied else f"unchanged ({unchanged} files)"
