"""The memory that a process takes together with those that it started: what a machine must have for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

LOOK_S = 0.1  # a look takes some milliseconds


@dataclass
class Peak:
    """The largest sum of resident memory that was seen, in MB; what processes share is counted in each of them."""

    mb: float = 0.0

    def look(self, process: psutil.Process) -> None:
        """What it is at this moment."""
        with suppress(psutil.NoSuchProcess):
            together = [process, *process.children(recursive=True)]
            self.mb = max(self.mb, sum(map(_resident_mb, together)))


def _resident_mb(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_info().rss / 2**20)
    return 0.0


@contextmanager
def watched(process_id: int | None = None) -> Iterator[Peak]:
    """The peak of a process and of all below it while the block runs; of this process if none is given."""
    peak, over, process = Peak(), threading.Event(), psutil.Process(process_id or os.getpid())

    def watch() -> None:
        while not over.wait(LOOK_S):
            peak.look(process)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()
