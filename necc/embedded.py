"""The embedded PostgreSQL: our own start and stop of a private server, shared by all processes of a home.

    cluster = Cluster(home)
    cluster.start()            # shared: the first client starts the server, the last one stops it
    url = cluster.url("necc")  # a libpq URL without a password (that is in a 0600 file it names)

The data lie in `<home>/pg<major>`. Clients talk over a Unix socket in a private directory; no TCP port is
open. A client is counted by a file that it keeps locked: the kernel frees the lock of a killed one, so the
next clean exit still stops the server. A kill leaves nothing that the next start cannot mend.

Only Linux is tested.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import filelock

from necc import pgbinaries
from necc.errors import DatabaseError
from necc.pgplaces import PORT, Layout, layout
from necc.pgserver import SUPERUSER, Server

LOG = logging.getLogger("necc.embedded")
START_TIMEOUT_S = 300.0  # recovery after a crash takes minutes on a slow disk; a hung start is rare


@dataclass(frozen=True)
class Status:
    """What a cluster is doing. `clients` counts the live processes that hold it, this one included."""

    running: bool
    pid: int | None
    version: str
    data_dir: Path
    socket_dir: Path
    clients: int
    pinned: bool


class Cluster:
    """One embedded server of a home directory, shared by every process that names the same home.

    Args:
        home: the directory (NECC_HOME) in which, or for which, the data are kept.
        bin_dir: folder of the PostgreSQL programs; None takes the embedded package's, else the system's.
        options: server settings for the start, when this object is the one that starts the server.
            `fsync=off` also makes a new data directory without waiting for the disk (for tests).
        timeout_s: how long a start may take, recovery and waiting for another starter included.
    """

    def __init__(
        self,
        home: Path,
        bin_dir: Path | None = None,
        *,
        options: Mapping[str, str] | None = None,
        timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self.home = Path(home).resolve()
        self.bin_dir = (bin_dir or pgbinaries.find()).absolute()
        self.timeout_s = timeout_s
        self._options = dict(options or {})
        self._hold: filelock.BaseFileLock | None = None
        self._holder_pid = 0
        self._mutex = threading.RLock()

    def __enter__(self) -> Cluster:
        """Start and hold the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the hold back."""
        self.release()

    @property
    def data_dir(self) -> Path:
        """The server's data directory, there or not."""
        return self._files.data_dir

    def url(self, database: str = SUPERUSER) -> str:
        """The libpq URL of a database of this server; the password is in the 0600 file that it names."""
        where = f"host={quote(str(self._files.socket_dir()), safe='')}&port={PORT}"
        secret = f"passfile={quote(str(self._files.passfile), safe='')}"
        return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?{where}&{secret}"

    def start(self, *, pinned: bool = False) -> bool:
        """Have the server run, and hold it until release() or the end of this process.

        Args:
            pinned: hold nothing; the server stays until stop(), also without clients.

        Returns:
            Whether this call started the server (it may have run already).

        Raises:
            DatabaseError: it cannot be started; the last lines of its log are quoted.
        """
        with self._mutex, self._clear_errors():
            if self._is_held() and not pinned and self._server.process():
                return False
            with self._locked():
                return self._start_pinned() if pinned else self._start_held()

    def release(self) -> None:
        """Give this object's hold back; the last client's stops the server unless it is pinned."""
        with self._mutex, self._clear_errors():
            if not self._is_held():
                return
            with self._locked():
                self._drop_hold()
                if not self._files.pin.exists() and not self._live_clients(clean=True):
                    self._server.stop()

    def stop(self, *, force: bool = True) -> bool:
        """Stop the server and unpin it; this object's hold is given back.

        Args:
            force: also under other live clients: their connections break, and the server starts again
                when one of them next asks for it. False refuses while there are any.

        Returns:
            Whether a server was running.

        Raises:
            DatabaseError: other clients use it and `force` is False, or it does not stop.
        """
        with self._mutex, self._clear_errors():
            if not self._files.run_dir.is_dir():
                return False
            with self._locked():
                self._drop_hold()
                others = self._live_clients(clean=True)
                if others and not force:
                    raise DatabaseError(f"{others} other processes use the server in {self.data_dir}")
                self._files.pin.unlink(missing_ok=True)
                return self._server.stop()

    def status(self) -> Status:
        """What the server does now. Changes and creates nothing."""
        with self._clear_errors():
            process = self._server.process()
            return Status(
                running=process is not None,
                pid=process.pid if process else None,
                version=pgbinaries.version(self.bin_dir),
                data_dir=self._files.data_dir,
                socket_dir=self._files.socket_dir(),
                clients=self._live_clients(clean=False),
                pinned=self._files.pin.exists(),
            )

    @cached_property
    def _files(self) -> Layout:
        with self._clear_errors():
            return layout(self.home, f"pg{pgbinaries.major(self.bin_dir)}")

    @cached_property
    def _server(self) -> Server:
        return Server(self._files, self.bin_dir, self._options, self.timeout_s)

    @contextlib.contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """Whatever the system refuses becomes one DatabaseError."""
        what = f"the embedded PostgreSQL of {self.home}"
        try:
            yield
        except filelock.Timeout as error:
            raise DatabaseError(f"{what}: another process has held {error.lock_file} for too long") from error
        except subprocess.TimeoutExpired as error:
            raise DatabaseError(f"{what}: {error.cmd[0]} did not end in {error.timeout:.0f} s") from error
        except OSError as error:
            raise DatabaseError(f"{what}: {error}") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        self._files.make()
        with filelock.FileLock(self._files.start_lock, timeout=self.timeout_s):
            yield

    def _start_pinned(self) -> bool:
        started = self._server.ensure_running()
        self._files.pin.touch()
        return started

    def _start_held(self) -> bool:
        had_hold = self._is_held()
        try:
            if not had_hold:
                self._take_hold()
            return self._server.ensure_running()
        except BaseException:  # Ctrl-C too: who could not start the server does not use it
            if not had_hold:
                self._drop_hold()
            raise

    def _is_held(self) -> bool:
        """Whether this process holds the server; a forked child has inherited nothing."""
        return self._hold is not None and self._holder_pid == os.getpid()

    def _take_hold(self) -> None:
        file = self._files.clients_dir / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
        hold = filelock.FileLock(file, thread_local=False)
        hold.acquire(timeout=self.timeout_s)
        self._hold, self._holder_pid = hold, os.getpid()
        atexit.register(self._release_at_exit)

    def _drop_hold(self) -> None:
        if self._hold is not None and self._is_held():
            Path(self._hold.lock_file).unlink(missing_ok=True)
            self._hold.release()
            self._hold = None
            atexit.unregister(self._release_at_exit)

    def _release_at_exit(self) -> None:
        try:
            self.release()
        except DatabaseError as error:
            LOG.error("%s", error)

    def _live_clients(self, *, clean: bool) -> int:
        """How many processes hold the server. `clean` removes the files of dead ones: under the lock only."""
        files = list(self._files.clients_dir.glob("*.lock"))
        return sum(not _is_free(file, clean=clean) for file in files)


def _is_free(file: Path, *, clean: bool) -> bool:
    """Whether nobody holds the lock file any more."""
    probe = filelock.FileLock(file, thread_local=False)
    try:
        probe.acquire(timeout=0)
    except filelock.Timeout:
        return False
    if clean:
        file.unlink(missing_ok=True)
    probe.release()
    return True
