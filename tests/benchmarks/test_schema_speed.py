"""How long the schema takes to arrive, and to find that it is there: `make bench` prints it.

On the embedded server as a user has it: with its own settings, the disk waited for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from necc import migrate
from necc.config import data_folder
from necc.embedded import Cluster
from tests.benchmarks.test_speed import report
from tests.conftest import bin_dir_of, new_open_folder
from tests.test_run_schema import environment

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

RUNS = 3  # the best one counts: what else the machine does is not the schema's


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with new_open_folder() as folder, Cluster(folder / "bench", bin_dir_of("embedded")) as started:
        yield started


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fresh(cluster: Cluster) -> str:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute("drop database if exists bench with (force)")
        admin.execute("create database bench")
    return cluster.url("bench")


def measured(cluster: Cluster, deploy: Callable[[str], Any]) -> tuple[float, float]:
    """The best time of a deployment to an empty database, and of the second one."""
    first, second = [], []
    for _ in range(RUNS):
        url = fresh(cluster)
        first.append(seconds(partial(deploy, url)))
        second.append(seconds(partial(deploy, url)))
    return min(first), min(second)


def by_library(url: str) -> None:
    with psycopg.connect(url) as connection:
        migrate.deploy(connection)


def test_the_library_deploys(cluster: Cluster) -> None:
    first, second = measured(cluster, by_library)
    report("deploy to an empty database", first, "s", 6)
    report("deploy again, nothing to do", second, "s", 1.5)


def test_all_files_again(cluster: Cluster) -> None:
    """A second pass over every file, as if all had changed; then with the comparison that follows a change."""
    url = fresh(cluster)
    by_library(url)
    with psycopg.connect(url, autocommit=True) as connection:
        files = [path for name in ("schema", "seeds") for path in sorted(data_folder(name).glob("*.sql"), key=_number)]
        texts = [path.read_bytes() for path in files]
        again = seconds(lambda: _run_all(connection, texts))
        connection.execute("update schema_versions set sha256 = repeat('0', 64)")
    report("run all files a second time", again, "s", 1.5)
    report("deploy all files changed, compared with a fresh build", seconds(lambda: by_library(url)), "s", 15)


def _number(path: Path) -> int:
    return int(path.name.partition("_")[0])


def _run_all(connection: psycopg.Connection[Any], texts: list[bytes]) -> None:
    with connection.transaction():
        for text in texts:
            connection.execute(text, prepare=False)


def test_the_command_and_psql_deploy(cluster: Cluster) -> None:
    def by_command(url: str) -> None:
        command = [sys.executable, "-m", "necc", "db", "deploy"]
        subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=True, capture_output=True)

    def by_psql(url: str) -> None:
        script = data_folder("schema") / "run-schema.sh"
        subprocess.run([script], env=environment(cluster, url), check=True, capture_output=True)

    for name, deploy in (("necc db deploy", by_command), ("run-schema.sh", by_psql)):
        first, second = measured(cluster, deploy)
        report(f"{name}: deploy to an empty database", first, "s", 6)
        report(f"{name}: again, nothing to do", second, "s", 1.5)
