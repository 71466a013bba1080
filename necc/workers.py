"""Pieces of work -> what they gave: done here, in processes of this machine, or on a dask cluster; kept in a folder.

A piece holds all that it needs and gives the same wherever it is done. What is read from the folder and written to
it is read and written by the machine that asked, so that a cluster needs no disk in common with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from necc.errors import ClusterError, MissingExtraError

WAIT_S = 10.0  # for a scheduler's answer, and for its first worker
# The numbers come out of these; of another release they may be others.
LIBRARIES = ("necc", "numpy", "pandas", "scipy", "scikit-learn")


class Piece(Protocol):
    """Something to do, by itself."""

    @property
    def name(self) -> str:
        """Of the file that keeps what it gave: other input, another name."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """What it needs besides LIBRARIES, as it is installed."""

    def make(self, threads: int | None) -> pd.DataFrame:
        """Do it, on so many threads; None is as many as there are processors."""


def run(
    pieces: Sequence[Piece],
    *,
    jobs: int = 1,
    dask: str | None = None,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[pd.DataFrame]:
    """Do the pieces that the folder does not hold.

    Args:
        pieces: in any order; the first ones are begun first.
        jobs: pieces at a time, each in a process of its own; 1 does them here.
        dask: the address of a cluster's scheduler, which does them instead. Its workers run what they are sent, and
            what they send back is unpickled here: only one that is trusted.
        folder: keeps what each piece gave.
        progress: called with the pieces done and all pieces.

    Returns:
        What the pieces gave, in their order.

    Raises:
        MissingExtraError: a cluster is asked for, and dask is not installed.
        ClusterError: it cannot be reached, has no worker, or one that is installed otherwise than this machine.
    """
    files = [folder / f"{piece.name}.csv" if folder else None for piece in pieces]
    found = {place: _read(file) for place, file in enumerate(files) if file and file.exists()}
    missing = {place: piece for place, piece in enumerate(pieces) if place not in found}
    tell = progress or (lambda done, count: None)
    if found:
        tell(len(found), len(pieces))
    for place, made in _done(missing, jobs, dask):
        file = files[place]
        if file:
            _keep(made, file)
        found[place] = made
        tell(len(found), len(pieces))
    return [found[place] for place in range(len(pieces))]


def _done(pieces: Mapping[int, Piece], jobs: int, dask: str | None) -> Iterator[tuple[int, pd.DataFrame]]:
    """Place and what it gave, as they are finished."""
    if dask and pieces:
        yield from _done_on_cluster(pieces, dask)
    elif pieces:
        import joblib

        threads = None if jobs == 1 else 1
        parallel = joblib.Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
        yield from parallel(joblib.delayed(_do)(place, piece, threads) for place, piece in pieces.items())


def _do(place: int, piece: Piece, threads: int | None) -> tuple[int, pd.DataFrame]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=threads):
        return place, piece.make(threads)


def _read(file: Path) -> pd.DataFrame:
    found: pd.DataFrame = pd.read_csv(file, parse_dates=["origin"])
    return found


def _keep(made: pd.DataFrame, file: Path) -> None:
    """All or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    made.to_csv(partial, index=False)
    partial.replace(file)


# --- a cluster ------------------------------------------------------------------------------------


def _done_on_cluster(pieces: Mapping[int, Piece], address: str) -> Iterator[tuple[int, pd.DataFrame]]:
    # Not through joblib: its backend for dask (tried with 1.6) waits for ever for a piece whose worker was killed, for
    # its memory say, and does the work here where the cluster has one thread.
    if find_spec("distributed") is None:
        raise MissingExtraError(f"dask at {address}", "cluster")
    from distributed import KilledWorker, as_completed
    from distributed.client import FutureCancelledError

    libraries = dict.fromkeys([*LIBRARIES, *(name for piece in pieces.values() for name in piece.libraries)])
    with _client(address) as client:
        _refuse_unlike(client, address, tuple(libraries))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # ten MB of prices, once per piece
            futures = [client.submit(_do, place, piece, 1, pure=False) for place, piece in pieces.items()]
        try:
            for future in as_completed(futures, loop=client.loop):
                yield future.result()
        except KilledWorker as error:
            raise ClusterError(f"dask at {address}: workers died at a piece of work, one after the other") from error
        except (FutureCancelledError, OSError) as error:
            raise ClusterError(f"dask at {address}: the scheduler is gone") from error


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
    import asyncio

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
