"""The figures the product promises, measured as whole processes: `make bench` prints them.

Each line is `figure: measured (promised)`. A slow machine fails nothing but the promise itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from tests import real_prices
from tests.benchmarks import memory
from tests.conftest import new_open_folder

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

NECC = [sys.executable, "-m", "necc"]
BACKFILL = [*NECC, "scrape", "--from", "2009-01", "--to", "2025-06", "--json"]


@dataclass(frozen=True)
class Run:
    """One finished command."""

    wall_s: float
    peak_mb: float
    output: str


def measure(command: list[str], environment: dict[str, str] | None = None) -> Run:
    """Run a command to its end; the peak is that of the process and of those that it started, together."""
    started = time.perf_counter()
    with (
        subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdout=PIPE, stderr=DEVNULL, text=True
        ) as process,
        memory.watched(process.pid) as peak,
    ):
        output, _ = process.communicate()
        wall_s = time.perf_counter() - started
    assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return Run(wall_s, peak.mb, output)


def report(figure: str, measured: float, unit: str, promised: float) -> None:
    print(f"\n{figure}: {measured:.2f} {unit} (promised {promised:g} {unit})")
    assert measured <= promised


def best_of(runs: int, command: list[str]) -> float:
    return min(measure(command).wall_s for _ in range(runs))


@pytest.fixture(scope="module")
def scraped() -> tuple[Run, Run]:
    """A first backfill of 198 sheets, and a repeat of it with nothing changed."""
    with new_open_folder() as folder, real_prices.site("--prerender") as url:
        environment = {
            "NECC_HOME": str(folder / "home"),
            "NECC_BASE_URL": url,
            "NECC_PAUSE_S": "0",
            "NECC_TODAY": "2025-06-30",
        }
        measure([*NECC, "db", "deploy"], environment)
        subprocess.run([*NECC, "db", "start"], env={**os.environ, **environment}, check=True, capture_output=True)
        try:
            return measure(BACKFILL, environment), measure(BACKFILL, environment)
        finally:
            subprocess.run([*NECC, "db", "stop"], env={**os.environ, **environment}, check=True, capture_output=True)


def test_scrape_198_sheets(scraped: tuple[Run, Run]) -> None:
    first, _ = scraped
    outcome = json.loads(first.output)
    print("\ndivided:", {stage: round(seconds, 1) for stage, seconds in outcome["seconds"].items()})
    assert outcome["sheets"] == {"stored": 198}
    report("scrape 198 sheets", first.wall_s, "s", 20)
    report("peak memory of it", first.peak_mb, "MB", 300)


def test_scrape_again_with_nothing_changed(scraped: tuple[Run, Run]) -> None:
    _, again = scraped
    outcome = json.loads(again.output)
    assert outcome["sheets"] == {"unchanged": 198}
    assert outcome["prices"]["inserted"] + outcome["prices"]["updated"] == 0
    assert outcome["is_refreshed"] is False
    report("the same with nothing changed", again.wall_s, "s", 6)


def test_help_and_import() -> None:
    report("necc --help", best_of(5, [*NECC, "--help"]), "s", 0.4)
    bare = best_of(5, [sys.executable, "-c", "pass"])
    report(
        "import necc, beyond Python itself",
        best_of(5, [sys.executable, "-c", "import necc"]) - bare,
        "s",
        0.15,
    )


def test_quickstart_twice(open_folder: Path) -> None:
    environment = {"NECC_HOME": str(open_folder / "home"), "NECC_OFFLINE": "1"}
    report("quickstart after installation", measure([*NECC, "quickstart"], environment).wall_s, "s", 120)
    report("a second quickstart", measure([*NECC, "quickstart"], environment).wall_s, "s", 20)
