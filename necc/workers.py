"""Pieces of work -> what they gave: done here, in processes of this machine, or on a dask cluster; kept in a folder.

A piece holds all that it needs and gives the same wherever it is done. What is read from the folder and written to
it is read and written by the machine that asked, so that a cluster needs no disk in common with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

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
    if not pieces:
        return
    import joblib

    threads = None if jobs == 1 and not dask else 1
    tasks = (joblib.delayed(_do)(place, piece, threads) for place, piece in pieces.items())
    with _backend(pieces.values(), dask) as backend:
        # All are sent at once, so that workers that join a cluster later find something to do.
        ask = {"batch_size": 1, "pre_dispatch": "all", "return_as": "generator_unordered"}
        yield from joblib.Parallel(n_jobs=jobs, backend=backend, **ask)(tasks)


def _backend(pieces: Collection[Piece], dask: str | None) -> AbstractContextManager[Any]:
    """Where joblib works; None is this machine."""
    if not dask:
        return nullcontext()
    from necc import dask_cluster

    libraries = dict.fromkeys([*LIBRARIES, *(name for piece in pieces for name in piece.libraries)])
    return dask_cluster.backend(dask, tuple(libraries))


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
