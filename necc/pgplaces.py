"""Where an embedded server lives on disk, and which account runs it.

PostgreSQL refuses to run as root, so root hands its tools to a service account. That account must be able
to reach the data; where it cannot (a home of mode 0700), a place below /var/lib is used instead. The mode
of a directory that is already there is never changed.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from errno import ENOTDIR
from pathlib import Path
from typing import Any

from necc.errors import DatabaseError

ROOT_PLACE = Path("/var/lib/necc")  # root's own: nobody else can put anything there beforehand
SERVICE_ACCOUNTS = ("postgres", "nobody")  # the first that the system has; none is ever created
MAX_SOCKET_PATH = 100  # bytes; Linux allows 107, macOS 103
PORT = 5432  # names the socket file only: the server opens no TCP port
SOCKET_FILE = f".s.PGSQL.{PORT}"
TOOL_TIMEOUT_S = 60.0
OPEN_DIR = 0o755  # the service account passes through
PASS_DIR = 0o711  # the same, without a listing
PRIVATE_DIR = 0o700


def is_root() -> bool:
    """Whether this process is root, for whom PostgreSQL will not start."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


@dataclass(frozen=True)
class Account:
    """The account that the server's tools run as; `switch` when root has to become it."""

    uid: int
    gid: int
    name: str
    switch: bool

    def run(self, *command: str | Path, timeout_s: float = TOOL_TIMEOUT_S) -> subprocess.CompletedProcess[str]:
        """Run a tool as this account with a clean environment; its stdout carries stderr too.

        The output goes through a file: a server that inherits a pipe would keep the reader waiting.
        """
        become: Mapping[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}
        line = [str(part) for part in command]
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            done = subprocess.run(  # noqa: S603  (the tools of the found PostgreSQL, no shell)
                line,
                cwd="/",  # this process's own folder may be closed to the account
                env=_tool_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
                **become,
            )
            output.seek(0)
            return subprocess.CompletedProcess(line, done.returncode, output.read(), "")

    def can_enter(self, folder: Path) -> bool:
        """Whether this account may pass through the folder; asked of the system, so that ACLs count."""
        if not self.switch:
            return True
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder).returncode == 0

    def own(self, path: Path) -> None:
        """Give a file or folder that root has just made to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


@dataclass(frozen=True)
class Layout:
    """The files of one cluster. `run_dir` holds what the clients share: locks, password, log, socket."""

    place: Path
    name: str
    account: Account

    @property
    def data_dir(self) -> Path:
        """The server's data directory."""
        return self.place / self.name

    @property
    def unfinished_dir(self) -> Path:
        """Where initdb works; renamed when it is done, so that a killed one leaves nothing half made."""
        return self.place / f"{self.name}.new"

    @property
    def run_dir(self) -> Path:
        """What is not PostgreSQL's: locks, password file, log, socket."""
        return self.place / f"{self.name}.run"

    @property
    def clients_dir(self) -> Path:
        """One locked file for each client process."""
        return self.run_dir / "clients"

    @property
    def start_lock(self) -> Path:
        """Held while the server is being started or stopped."""
        return self.run_dir / "start.lock"

    @property
    def passfile(self) -> Path:
        """The superuser's password in libpq's format, mode 0600; it is nowhere else."""
        return self.run_dir / "passfile"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.run_dir / "server.log"

    @property
    def pin(self) -> Path:
        """There while the server must outlive its clients."""
        return self.run_dir / "pinned"

    @property
    def short_socket_record(self) -> Path:
        """Names the private directory of the socket where the usual one has too long a path."""
        return self.run_dir / "socket_dir"

    def other_versions(self) -> list[Path]:
        """Data directories of other major versions beside this one."""
        found = [file.parent for file in self.place.glob("pg[0-9]*/PG_VERSION")]
        return sorted(folder for folder in found if folder not in (self.data_dir, self.unfinished_dir))

    def make(self) -> None:
        """Make the directories that are missing."""
        mode = PASS_DIR if self.account.switch else PRIVATE_DIR
        make_dir(self.place, OPEN_DIR if self.account.switch else None)
        make_dir(self.run_dir, mode)
        make_dir(self.clients_dir, PRIVATE_DIR)

    def socket_dir(self) -> Path:
        """The directory of the Unix socket, as it is recorded now."""
        usual = self.run_dir / "socket"
        if _fits_a_socket(usual):
            return usual
        try:
            return Path(self.short_socket_record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return usual

    def make_socket_dir(self) -> Path:
        """Make the socket's directory, private to the server's account, and prove that it is.

        Raises:
            DatabaseError: the directory is somebody else's or open to others.
        """
        folder = self.socket_dir()
        if not _fits_a_socket(folder) or (folder.parent != self.run_dir and not self._is_private(folder)):
            folder = self._make_short_socket_dir()
        elif make_dir(folder, PRIVATE_DIR):
            self.account.own(folder)
        if not self._is_private(folder):
            raise DatabaseError(f"{folder} must belong to {self.account.name} with mode 0700: remove it")
        return folder

    def _make_short_socket_dir(self) -> Path:
        base = ROOT_PLACE if self.account.switch else Path("/tmp")  # noqa: S108  (mkdtemp: new, private)
        if self.account.switch:
            make_dir(base, OPEN_DIR)
        folder = Path(tempfile.mkdtemp(prefix="necc-", dir=base if base.is_dir() else None))
        self.account.own(folder)
        self.short_socket_record.write_text(str(folder), encoding="utf-8")
        return folder

    def _is_private(self, folder: Path) -> bool:
        try:
            found = folder.lstat()
        except FileNotFoundError:
            return False
        return (
            stat.S_ISDIR(found.st_mode) and found.st_uid == self.account.uid and not stat.S_IMODE(found.st_mode) & 0o077
        )


def layout(home: Path, name: str) -> Layout:
    """Where the cluster `name` of this home is, or would be made. Nothing is created.

    Raises:
        DatabaseError: its directory belongs to somebody else, or the service account cannot reach it.
    """
    places = [home, stand_in(home)] if is_root() else [home]
    used = next((place for place in places if (place / name).exists()), None)
    account = _account_for(used / name if used else None)
    reachable = [place for place in ([used] if used else places) if account.can_enter(_existing(place))]
    if not reachable:
        raise DatabaseError(
            f"the account {account.name} cannot reach {used or ROOT_PLACE}: let it pass through the folders"
            " above (chmod o+x), or set NECC_HOME or DATABASE_URL"
        )
    return Layout(reachable[0], name, account)


def stand_in(home: Path) -> Path:
    """Root's place for the clusters of a home that the service account cannot reach."""
    return ROOT_PLACE / "clusters" / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def make_dir(folder: Path, mode: int | None) -> bool:
    """Make a folder and its missing parents; a mode is set on new ones only, whatever the umask is.

    Returns:
        Whether the folder was new.
    """
    if folder.is_dir():
        return False
    make_dir(folder.parent, mode)
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    if mode is not None:
        folder.chmod(mode)
    return True


def _account_for(data_dir: Path | None) -> Account:
    """Whoever owns the data directory; for a new one this user, or root's service account."""
    owner = data_dir.stat().st_uid if data_dir else None
    if not is_root():
        return _own_account(data_dir, owner)
    import pwd

    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid}
    for entry in known.values():
        if owner == entry.pw_uid:
            return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, switch=True)
    for name in SERVICE_ACCOUNTS:
        if owner in (None, 0) and name in known:
            return Account(known[name].pw_uid, known[name].pw_gid, name, switch=True)
    raise DatabaseError(
        f"root needs an account to run PostgreSQL, one of {', '.join(SERVICE_ACCOUNTS)}, and found none:"
        " run as an ordinary user or set DATABASE_URL"
    )


def _own_account(data_dir: Path | None, owner: int | None) -> Account:
    if not hasattr(os, "geteuid"):
        return Account(0, 0, "this user", switch=False)
    if owner is not None and owner != os.geteuid():
        raise DatabaseError(f"{data_dir} belongs to another account (uid {owner}): set NECC_HOME or DATABASE_URL")
    return Account(os.geteuid(), os.getegid(), "this user", switch=False)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(folder))
    return folder


def _fits_a_socket(folder: Path) -> bool:
    """Whether a socket in the folder can be named to libpq, which splits host names at commas."""
    return len(os.fsencode(folder / SOCKET_FILE)) <= MAX_SOCKET_PATH and "," not in str(folder)


def _tool_environment() -> dict[str, str]:
    """This environment without PG* variables, which would reach the server, and with English messages."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return {**kept, "LC_ALL": "C"}
