"""A dask cluster as a place where joblib works: reached, looked at, and never waited for in vain."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from joblib.parallel import ParallelBackendBase

from necc.errors import ClusterError, MissingExtraError

WAIT_S = 10.0  # for a scheduler's answer, and for its first worker
WITHOUT_WORKER_S = 60.0  # who looks after a worker that is killed has it back within seconds
LOOK_S = 1.0
NO_WORKER = "no worker"


class Backend(ParallelBackendBase):  # type: ignore[misc]
    """A dask cluster behind `joblib.Parallel`.

    joblib has one of its own (`joblib._dask`), but that of 1.6 calls back only for what came back: where dask gives a
    piece up, because the workers at it were killed, or where a result cannot be read here, it tells nobody, and the run
    waits for ever. Where the cluster has one thread, joblib does the work on this machine. Here the future itself
    calls, whatever became of it.

    Args:
        client: of distributed, connected; left as it is.
    """

    supports_retrieve_callback = True

    def __init__(self, client: Any) -> None:
        super().__init__()
        self.client = client
        self._sent: list[Any] = []

    def effective_n_jobs(self, n_jobs: int) -> int:
        """The threads of the workers, but two at least: where it is one, joblib asks no backend."""
        threads: dict[str, int] = self.client.nthreads()
        return max(2, sum(threads.values()))

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None]) -> Any:
        """A future of distributed's, which calls when it is done, lost or given up."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # ten MB of prices, once per piece
            future = self.client.submit(func, pure=False)
        self._sent.append(future)
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """What came back, or the error that it ended with."""
        return out.result()

    def start_call(self) -> None:
        """Work is about to be sent."""
        self._watch = asyncio.run_coroutine_threadsafe(self._call_off(), self.client.loop.asyncio_loop)

    def stop_call(self) -> None:
        """All has come back, or an error."""
        self._watch.cancel()

    async def _call_off(self) -> None:
        """All that was sent, once the cluster has been without workers for long: dask would wait for new ones."""
        seen = time.monotonic()
        while time.monotonic() - seen < WITHOUT_WORKER_S:
            await asyncio.sleep(LOOK_S)
            if await self.client.nthreads(asynchronous=True):
                seen = time.monotonic()
        await self.client.cancel(self._sent, asynchronous=True, reason=NO_WORKER)


@contextmanager
def backend(address: str, libraries: Sequence[str]) -> Iterator[Backend]:
    """The cluster of the scheduler at this address, as a backend for `joblib.Parallel`; left when done.

    Args:
        address: of a scheduler that is trusted: what its workers send back is unpickled here.
        libraries: that every worker must have in the release of this machine.

    Raises:
        MissingExtraError: dask is not installed.
        ClusterError: it cannot be reached, has no worker or one that is installed otherwise than this machine; or,
            while it is used, its workers die at a piece of work, or all of them or the scheduler go away.
    """
    if find_spec("distributed") is None:
        raise MissingExtraError(f"dask at {address}", "cluster")
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    with _client(address) as client:
        _refuse_unlike(client, address, libraries)
        try:
            yield Backend(client)
        except KilledWorker as error:
            raise ClusterError(f"dask at {address}: workers died at a piece of work, one after the other") from error
        except (FutureCancelledError, OSError) as error:
            who = "workers are" if getattr(error, "reason", "") == NO_WORKER else "scheduler is"
            raise ClusterError(f"dask at {address}: the {who} gone") from error


def _client(address: str) -> Any:
    from distributed import Client

    try:
        _knock(address)
        return Client(address, timeout=WAIT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error) or f"not within {WAIT_S:g} s"
        raise ClusterError(f"dask at {address}: no scheduler answers: {reason}") from error


def _knock(address: str) -> None:
    """The client itself would wait for ever where something else listens."""
    from distributed.comm.core import connect

    async def knock() -> None:
        answered = await asyncio.wait_for(connect(address, timeout=WAIT_S), WAIT_S)
        answered.abort()

    with ThreadPoolExecutor(1) as aside:  # in a notebook this thread has a loop that runs
        aside.submit(asyncio.run, knock()).result()


def _refuse_unlike(client: Any, address: str, libraries: Sequence[str]) -> None:
    """The same numbers come from the same releases only."""
    try:
        client.wait_for_workers(1, timeout=WAIT_S)
    except TimeoutError as error:
        raise ClusterError(f"dask at {address}: the scheduler has no worker") from error
    for library in libraries:
        here = version(library)
        for worker, there in client.run(version, library, on_error="return").items():
            if there != here:
                has = f"has {library} {there}" if isinstance(there, str) else f"does not have {library}"
                raise ClusterError(f"dask at {address}: the worker {worker} {has}; install {here} as on this machine")
