"""The same numbers wherever the work is done, and a clear word where a cluster cannot do it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from necc import dask_cluster, workers
from necc.backtesting import OWN, backtest
from necc.errors import ClusterError, MissingExtraError, NoDataError
from tests.test_predict import QUICK, day, made_up_market

distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")

ORIGINS = [day(number) for number in (600, 700)]  # each has a model of its own
TINY = replace(
    QUICK,
    anchors_days=(1, 30),
    calibrated_days=(1, 30),
    model={"chances": 2},
    spread={"iterations": 2, "smallest_leaf": 30},
    origin_step_days=5,
)


@contextlib.contextmanager
def local_cluster(workers_count: int) -> Iterator[Any]:
    """A scheduler in this process, and so many workers in processes of their own."""
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    web = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}  # its own port: another run may have the usual one
    with distributed.LocalCluster(n_workers=workers_count, scheduler_kwargs=web, **options) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    import dask

    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), local_cluster(2) as running:
        yield running.scheduler_address


@dataclass(frozen=True)
class Sum:
    """Tells where and with how many threads it was done."""

    number: int

    libraries = ()

    @property
    def name(self) -> str:
        return f"sum-{self.number}"

    def make(self, threads: int | None) -> pd.DataFrame:
        from threadpoolctl import threadpool_info

        if self.number < 0:
            raise NoDataError("no such number")
        np.ones((2, 2)) @ np.ones((2, 2))
        most = max(pool["num_threads"] for pool in threadpool_info())
        return pd.DataFrame({"origin": [pd.Timestamp("2021-01-04")], "sum": [self.number], "at": [os.getpid()]}).assign(
            asked=threads or 0, most=most
        )


class Death(Sum):
    """As a worker that runs out of memory ends."""

    def make(self, threads: int | None) -> pd.DataFrame:
        os._exit(1)


@dataclass(frozen=True)
class DeathOfOne(Sum):
    """Of the first worker that has it."""

    mark: Path

    def make(self, threads: int | None) -> pd.DataFrame:
        if not self.mark.exists():
            self.mark.touch()
            os._exit(1)
        return super().make(threads)


class Sleep(Sum):
    def make(self, threads: int | None) -> pd.DataFrame:
        time.sleep(self.number)
        return super().make(threads)


class Spread(Sum):
    """At the processes that do what it does in parallel."""

    def make(self, threads: int | None) -> pd.DataFrame:
        import joblib

        return pd.DataFrame({"at": joblib.Parallel(n_jobs=2)(joblib.delayed(os.getpid)() for _ in range(4))})


class Unreadable(Sum):
    """As what a worker with another release of a library sends."""

    def make(self, threads: int | None) -> pd.DataFrame:
        return pd.DataFrame({"sum": [Riddle()]})


class Riddle:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return int, ("no number",)


SUMS = [Sum(number) for number in range(4)]


def test_pieces_come_in_their_order_with_one_thread_each(cluster: str) -> None:
    made = pd.concat(workers.run(SUMS, dask=cluster))
    assert made["sum"].tolist() == [0, 1, 2, 3]
    assert set(made["asked"]) == set(made["most"]) == {1}
    assert os.getpid() not in set(made["at"])
    assert {int(frame["asked"].iloc[0]) for frame in workers.run(SUMS)} == {0}


def test_what_is_kept_is_not_done_again_and_stays_on_this_machine(cluster: str, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    first = workers.run(SUMS[:2], dask=cluster, folder=tmp_path / "kept")
    again = workers.run(
        SUMS, dask=cluster, folder=tmp_path / "kept", progress=lambda done, count: told.append((done, count))
    )
    assert_frame_equal(pd.concat(again[:2]), pd.concat(first), check_dtype=False)
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [f"sum-{number}.csv" for number in range(4)]
    assert told == [(2, 4), (3, 4), (4, 4)]


def test_an_error_on_a_worker_is_the_error_here(cluster: str) -> None:
    with pytest.raises(NoDataError, match="no such number"):
        workers.run([Sum(-1)], dask=cluster)


def test_what_a_piece_does_in_parallel_stays_on_its_worker(cluster: str) -> None:
    (made,) = workers.run([Spread(0)], dask=cluster)
    (at,) = set(made["at"])
    assert at != os.getpid()


def test_a_backtest_on_a_cluster_gives_the_same_numbers(cluster: str) -> None:
    market = made_up_market()
    asked: dict[str, Any] = {"models": [OWN], "refit_weeks": 10, "min_history_days": 365, "recipe": TINY}
    here = backtest(market, ORIGINS, (1, 30), **asked)
    assert_frame_equal(backtest(market, ORIGINS, (1, 30), dask=cluster, **asked), here, check_exact=True)


# --- clusters that cannot do it -------------------------------------------------------------------


def test_work_of_a_worker_that_dies_is_done_by_another(cluster: str, tmp_path: Path) -> None:
    made = pd.concat(workers.run([DeathOfOne(7, tmp_path / "died"), *SUMS], dask=cluster))
    assert made["sum"].tolist() == [7, 0, 1, 2, 3]


def test_a_piece_that_kills_its_workers_ends_the_run(cluster: str) -> None:
    with pytest.raises(ClusterError, match="workers died at a piece of work"):
        workers.run([Death(0)], dask=cluster)


def test_a_result_that_cannot_be_read_here_ends_the_run(cluster: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        workers.run([Unreadable(0)], dask=cluster)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Any]:
    """A cluster of one worker of one thread, that nobody looks after."""
    with local_cluster(0) as running, lone_worker(running.scheduler_address, Path(__file__).parents[1], tmp_path):
        yield running


def test_one_worker_of_one_thread_does_the_work_and_is_missed(alone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (at,) = set(pd.concat(workers.run(SUMS, dask=alone.scheduler_address))["at"])
    assert at != os.getpid()
    monkeypatch.setattr(dask_cluster, "WITHOUT_WORKER_S", 0.5)
    monkeypatch.setattr(dask_cluster, "LOOK_S", 0.1)
    with pytest.raises(ClusterError, match="the workers are gone$"):
        workers.run([Death(0)], dask=alone.scheduler_address)


def test_a_scheduler_that_goes_ends_the_run(alone: Any) -> None:
    with pytest.raises(ClusterError, match="the scheduler is gone$"):
        workers.run([Sum(0), Sleep(60)], dask=alone.scheduler_address, progress=lambda done, count: alone.close())


def refusal(address: str, monkeypatch: pytest.MonkeyPatch, wait_s: float = 0.3) -> str:
    monkeypatch.setattr(dask_cluster, "WAIT_S", wait_s)
    with pytest.raises(ClusterError) as caught:
        workers.run(SUMS, dask=address)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_scheduler_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        assert f"dask at {address}: no scheduler answers: " in refusal(address, monkeypatch)
        silent.listen()  # something is there, and says nothing
        assert refusal(address, monkeypatch) == f"dask at {address}: no scheduler answers: not within 0.3 s"
    assert "missing port number" in refusal("nowhere", monkeypatch)


def test_a_scheduler_without_workers_and_with_one_that_lacks_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with local_cluster(0) as running:
        address = running.scheduler_address
        assert refusal(address, monkeypatch, wait_s=2) == f"dask at {address}: the scheduler has no worker"
        with lone_worker(address, bare(tmp_path), tmp_path, "-S"):
            said = refusal(address, monkeypatch, wait_s=30)
    assert " does not have necc; install " in said


def bare(folder: Path) -> Path:
    """The libraries of this environment, but not this package."""
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "necc" not in path.name:
            (folder / path.name).symlink_to(path)
    return folder


@contextlib.contextmanager
def lone_worker(address: str, packages: Path, folder: Path, *options: str) -> Iterator[None]:
    """A worker of one thread that finds packages there, too; nobody starts it again when it is gone."""
    asked = ["--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard", "--death-timeout", "20"]
    command = [sys.executable, *options, "-m", "distributed.cli.dask_worker", address, *asked]
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.kill()  # at work, it would not hear anything else


def test_without_the_extra_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"^dask at there:1 needs .*: pip install 'necc\[cluster\]'$"):
        workers.run(SUMS, dask="there:1")
