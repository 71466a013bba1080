"""The same numbers wherever the work is done, and a clear word where a cluster cannot do it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from necc import workers
from necc.backtesting import OWN, backtest
from necc.errors import ClusterError, MissingExtraError, NoDataError
from tests.test_predict import QUICK, day, made_up_market

distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")

ORIGINS = [day(number) for number in (600, 700)]  # each has a model of its own
TINY = replace(
    QUICK,
    anchors_days=(1, 30),
    calibrated_days=(1, 30),
    model={"iterations": 2, "smallest_leaf": 30},
    trial={"iterations": 2},
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

    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), local_cluster(2) as running:
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


def test_a_backtest_on_a_cluster_gives_the_same_numbers(cluster: str) -> None:
    market = made_up_market()
    asked: dict[str, Any] = {"models": [OWN], "refit_weeks": 10, "min_history_days": 365, "recipe": TINY}
    here = backtest(market, ORIGINS, (1, 30), **asked)
    assert_frame_equal(backtest(market, ORIGINS, (1, 30), dask=cluster, **asked), here, check_exact=True)


# --- clusters that cannot do it -------------------------------------------------------------------


def test_a_worker_that_dies_ends_the_run(cluster: str) -> None:
    with pytest.raises(ClusterError, match="workers died at a piece of work"):
        workers.run([Death(0)], dask=cluster)


def refusal(address: str, monkeypatch: pytest.MonkeyPatch, wait_s: float = 0.3) -> str:
    monkeypatch.setattr(workers, "WAIT_S", wait_s)
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
        with bare_worker(address, tmp_path):
            said = refusal(address, monkeypatch, wait_s=30)
    assert " does not have necc; install " in said


@contextlib.contextmanager
def bare_worker(address: str, folder: Path) -> Iterator[None]:
    """A worker with the libraries of this environment, but not this package."""
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "necc" not in path.name:
            (folder / path.name).symlink_to(path)
    options = ["--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard", "--death-timeout", "20"]
    command = [sys.executable, "-S", "-m", "distributed.cli.dask_worker", address, *options]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def test_without_the_extra_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"^dask at there:1 needs .*: pip install 'necc\[cluster\]'$"):
        workers.run(SUMS, dask="there:1")
