"""One PostgreSQL server process and its data directory: made, started, mended after a kill, stopped.

Whoever calls holds the cluster's start lock: nothing here guards against a second starter.
"""

from __future__ import annotations

import logging
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import psutil

from necc import pgbinaries
from necc.errors import DatabaseError
from necc.pgplaces import PORT, PRIVATE_DIR, SOCKET_FILE, Account, Layout

LOG = logging.getLogger("necc.embedded")
SUPERUSER = "necc"
INIT_TIMEOUT_S = 300.0
FAST_STOP_S = 60.0  # a clean stop writes what is in memory, seconds; it hangs if it meets a crash recovery
STOP_TIMEOUT_S = 60.0
TOOL_GRACE_S = 30.0  # a tool ends by its own time limit; this is for one that hangs
POLL_S = 0.05
LOG_LINES_QUOTED = 4
MAX_LOG_BYTES = 10_000_000  # the log of some years; one older file is kept
BUILTIN_LOCALE_MAJOR = 17  # from here on initdb knows a C.UTF-8 of its own, the same on every system
PID_LINE, STATUS_LINE = 0, 7  # of postmaster.pid; the status is starting, ready or stopping
SETTINGS = {  # given at every start: they do not depend on the machine, nor on an edited postgresql.conf
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
}


class Server:
    """The server of one cluster.

    Args:
        files: where it lives and as whom it runs.
        bin_dir: folder of the programs, as found; a copy is used where the account cannot run them there.
        options: further server settings for a start.
        timeout_s: how long a start may take, recovery after a crash included.
    """

    def __init__(self, files: Layout, bin_dir: Path, options: Mapping[str, str], timeout_s: float) -> None:
        self.files = files
        self.bin_dir = bin_dir
        self.options = options
        self.timeout_s = timeout_s

    @cached_property
    def _programs(self) -> Path:
        return pgbinaries.usable_by(self.files.account, self.bin_dir)

    def process(self) -> psutil.Process | None:
        """The running postmaster: not a zombie, and not another program that was given its old pid."""
        try:
            process = psutil.Process(int(self._pid_file_line(PID_LINE)))
        except (ValueError, psutil.NoSuchProcess):
            return None
        return process if self._has(process) else None

    def ensure_running(self) -> bool:
        """Have it run and accept connections.

        Returns:
            Whether this call started it.

        Raises:
            DatabaseError: it does not start; the last lines of its log are quoted.
        """
        if self._pid_file_line(STATUS_LINE) == "stopping":
            self.stop()  # whoever began to stop it was killed
        process = self.process()
        if process and self._becomes_ready(process):
            return False
        self._clear_stale_files()
        if not self.files.data_dir.exists():
            self._initialise()
        if not self.files.passfile.exists():
            raise DatabaseError(f"{self.files.passfile} is gone, the only copy of the password: restore it")
        self._start()
        return True

    def stop(self) -> bool:
        """Stop it: open transactions are rolled back. Returns whether it was running.

        Where a clean stop takes too long it is stopped at once; nothing committed is lost, the next start
        recovers it.
        """
        if self.process() is None:
            return False
        LOG.info("stopping the database server in %s", self.files.data_dir)
        stop = ("pg_ctl", "stop", "--silent", f"--pgdata={self.files.data_dir}")
        if self._tool(*stop, "--mode=fast", timeout_s=FAST_STOP_S).returncode and self.process():
            LOG.warning("the database server in %s does not stop: stopping it at once", self.files.data_dir)
            self._run(*stop, "--mode=immediate", timeout_s=STOP_TIMEOUT_S)
        return True

    def _pid_file_line(self, number: int) -> str:
        try:
            lines = (self.files.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return ""
        return lines[number].strip() if number < len(lines) else ""

    def _has(self, process: psutil.Process) -> bool:
        """Whether this is a live PostgreSQL process working in the data directory."""
        try:
            return (
                process.status() != psutil.STATUS_ZOMBIE
                and process.name().startswith("postgres")
                and Path(_working_directory(process, self.files.account)).samefile(self.files.data_dir)
            )
        except (psutil.Error, OSError):
            return False

    def _becomes_ready(self, process: psutil.Process) -> bool:
        """Wait for a server whose starter was killed; False when it has gone instead."""
        deadline = time.monotonic() + self.timeout_s
        while self._pid_file_line(STATUS_LINE) != "ready":
            if not self._has(process):
                return False
            if time.monotonic() > deadline:
                raise DatabaseError(f"the server in {self.files.data_dir} is not ready after {self.timeout_s:.0f} s")
            time.sleep(POLL_S)
        return True

    def _clear_stale_files(self) -> None:
        """Remove what a killed server left; PostgreSQL itself refuses where its old pid is in use again."""
        socket_file = self.files.socket_dir() / SOCKET_FILE
        pid_file = self.files.data_dir / "postmaster.pid"
        stale = [pid_file, socket_file, socket_file.with_name(f"{SOCKET_FILE}.lock")]
        if not any(path.exists() for path in stale):
            return
        if _answers(socket_file):
            raise DatabaseError(f"a server that cannot be seen from here (a container's?) uses {pid_file.parent}")
        self._outlast_orphans()
        for path in stale:
            path.unlink(missing_ok=True)

    def _outlast_orphans(self) -> None:
        """Wait for the children of a killed postmaster: they end by themselves as soon as they notice."""
        orphans = [process for process in psutil.process_iter() if self._has(process)]
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while orphans := [process for process in orphans if self._has(process)]:
            if time.monotonic() > deadline:
                pids = ", ".join(str(process.pid) for process in orphans)
                raise DatabaseError(f"processes of a dead server still use {self.files.data_dir}: end {pids}")
            time.sleep(POLL_S)

    def _initialise(self) -> None:
        """Make the data directory; it gets its name when it is complete."""
        files = self.files
        LOG.info("creating a database server in %s", files.data_dir)
        for other in files.other_versions():
            LOG.warning("the data in %s are of another PostgreSQL version and stay there", other)
        shutil.rmtree(files.unfinished_dir, ignore_errors=True)
        files.unfinished_dir.mkdir(mode=PRIVATE_DIR)
        files.account.own(files.unfinished_dir)
        password = secrets.token_urlsafe(32)
        _write_secret(files.passfile, f"*:*:*:{SUPERUSER}:{password}\n")
        first_password = files.run_dir / "password"
        try:
            _write_secret(first_password, password)
            files.account.own(first_password)
            self._run("initdb", *self._initdb_arguments(first_password), timeout_s=INIT_TIMEOUT_S)
        finally:
            first_password.unlink(missing_ok=True)
        files.unfinished_dir.rename(files.data_dir)

    def _initdb_arguments(self, password_file: Path) -> list[str]:
        """Passwords hashed, pages checksummed, and text that compares and folds alike on every machine."""
        has_builtin = pgbinaries.major(self.bin_dir) >= BUILTIN_LOCALE_MAJOR
        return [
            f"--pgdata={self.files.unfinished_dir}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--data-checksums",
            "--no-instructions",
            "--locale=C.UTF-8",
            *(["--locale-provider=builtin"] if has_builtin else []),
            *(["--no-sync"] if self.options.get("fsync") == "off" else []),
        ]

    def _start(self) -> None:
        files = self.files
        socket_dir = str(files.make_socket_dir()).replace('"', '""')
        settings = {**SETTINGS, "unix_socket_directories": f'"{socket_dir}"', **self.options}
        given = " ".join(f"-c {shlex.quote(f'{key}={value}')}" for key, value in settings.items())
        self._make_log()
        LOG.info("starting the database server in %s", files.data_dir)
        target = [f"--pgdata={files.data_dir}", f"--log={files.log}", f"--options={given}"]
        self._run("pg_ctl", "start", "--silent", *target, timeout_s=self.timeout_s)

    def _make_log(self) -> None:
        log = self.files.log
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
        log.touch(mode=0o600)
        self.files.account.own(log)

    def _run(self, tool: str, *arguments: str, timeout_s: float) -> None:
        """Run a tool to its end.

        Raises:
            DatabaseError: it failed; quotes what it said and the end of the server's new log lines.
        """
        seen = self.files.log.stat().st_size if self.files.log.exists() else 0
        done = self._tool(tool, *arguments, timeout_s=timeout_s)
        if done.returncode:
            said = [line.strip() for line in [*done.stdout.splitlines(), *_lines_after(self.files.log, seen)]]
            told = " | ".join([line for line in said if line][-LOG_LINES_QUOTED:])
            raise DatabaseError(f"{tool} failed for {self.files.data_dir}: {told or 'it said nothing'}")

    def _tool(self, tool: str, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
        waiting = ["--wait", f"--timeout={timeout_s:.0f}"] if tool == "pg_ctl" else []
        return self.files.account.run(self._programs / tool, *arguments, *waiting, timeout_s=timeout_s + TOOL_GRACE_S)


def _working_directory(process: psutil.Process, account: Account) -> str:
    """Where a process works; root without SYS_PTRACE (a container) has its owner look."""
    try:
        return process.cwd()
    except psutil.AccessDenied:
        if not account.switch:
            raise
        return account.run("readlink", f"/proc/{process.pid}/cwd").stdout.strip()


def _answers(socket_file: Path) -> bool:
    """Whether somebody listens at the socket: the last proof that nothing alive is cleared away."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_file))
        except OSError:
            return False
        return True


def _write_secret(file: Path, text: str) -> None:
    """Write a file that nobody else can read, and have it on the disk."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _lines_after(log: Path, seen: int) -> list[str]:
    """The lines of the log after the byte `seen`."""
    if not log.exists():
        return []
    with log.open("rb") as stream:
        stream.seek(seen)
        return stream.read().decode("utf-8", "replace").splitlines()
