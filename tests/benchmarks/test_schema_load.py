"""How quick the full platform is, how that grows, and that its queries go by the indexes: `make bench` prints it.

50 000 people, 200 000 posts of two years, 1 000 000 likes and 100 000 connections, some people with hundreds; and a
tenth of it. Medians over many people and words, each call in a transaction of its own, as the application calls; the
best of three rounds counts: what else the machine does is not the schema's.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import LiteralString

import psycopg
import pytest

from necc import migrate
from necc.embedded import Cluster
from tests.benchmarks.schema_load import FAMILY, GIVEN, TOWNS, TRADES, Load, load
from tests.benchmarks.test_speed import report
from tests.conftest import bin_dir_of, create_database, new_open_folder
from tests.schema_rows import Connection

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

CALLS = 60
ROUNDS = 3
FULL = {"people": 50_000, "posts": 200_000, "likes": 1_000_000, "connections": 100_000}
TENTH = {name: count // 10 for name, count in FULL.items()}


@dataclass(frozen=True)
class Platform:
    """A database that was loaded, counted and analysed."""

    connection: Connection
    load: Load
    rng: Random

    def somebody(self) -> str:
        """People at random, every fourth one of the best known."""
        among = self.load.people[:200] if self.rng.random() < 0.25 else self.load.people
        return str(self.rng.choice(among))

    def strangers(self) -> list[str]:
        """People who know nobody."""
        query = "select id::text from profiles where connections_count = 0 order by id"
        return [row[0] for row in self.connection.execute(query).fetchall()]

    def act_as(self, person: str) -> None:
        self.connection.execute("select set_config('app.current_user_id', %s, false)", [person])


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with new_open_folder() as folder, Cluster(folder / "bench", bin_dir_of("embedded")) as started:
        yield started


@pytest.fixture(scope="module")
def platforms(cluster: Cluster) -> Iterator[tuple[Platform, Platform]]:
    """A tenth, and the whole."""
    with filled(cluster, "tenth", TENTH) as tenth, filled(cluster, "full", FULL) as full:
        yield tenth, full


@contextmanager
def filled(cluster: Cluster, name: str, size: dict[str, int]) -> Iterator[Platform]:
    create_database(cluster, name)
    with psycopg.connect(cluster.url(name)) as connection:
        migrate.deploy(connection)
    with psycopg.connect(cluster.url(name), autocommit=True) as connection:
        started = time.perf_counter()
        loaded = load(connection, **size)
        loaded_s = time.perf_counter() - started
        counted_s = milliseconds(lambda: connection.execute("select * from recount_all_counters()").fetchall()) / 1000
        connection.execute("vacuum analyze")
        print(f"\n{name}: {size}; loaded in {loaded_s:.0f} s, counted in {counted_s:.0f} s")
        yield Platform(connection, loaded, Random(7))


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def median(platform: Platform, call: Callable[[Platform], object]) -> float:
    """The median time in ms of many calls, after a few that fill the caches, in the best of the rounds."""
    for _ in range(5):
        call(platform)
    return min(statistics.median(milliseconds(lambda: call(platform)) for _ in range(CALLS)) for _ in range(ROUNDS))


def compare(
    platforms: Sequence[Platform], figure: str, call: Callable[[Platform], object], promised: float | None = None
) -> None:
    """Measure both sizes and print how it grows; the full one has to keep the promise, if there is one."""
    small, full = (median(platform, call) for platform in platforms)
    print(
        f"\n{figure}: {small:.1f} ms at a tenth, {full:.1f} ms at full size, {full / small:.1f} times;"
        f" load of the machine {os.getloadavg()[0]:.1f}"
    )
    if promised is not None:
        report(figure, full, "ms", promised)


def plans(platform: Platform, statement: LiteralString, *arguments: object) -> str:
    """The plans of a statement and of all that runs inside the functions it calls."""
    seen: list[str] = []
    connection = platform.connection
    connection.execute("load 'auto_explain'")

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        seen.append(notice.message_primary or "")

    connection.add_notice_handler(keep)
    with connection.transaction():
        for name, setting in (
            ("auto_explain.log_min_duration", "0"),
            ("auto_explain.log_nested_statements", "on"),
            ("client_min_messages", "log"),
        ):
            connection.execute("select set_config(%s, %s, true)", [name, setting])
        connection.execute(statement, arguments).fetchall()
    connection.remove_notice_handler(keep)
    return "\n".join(seen)


def whole_tables(plan: str) -> set[str]:
    """The tables that a plan reads from end to end."""
    return set(re.findall(r"Seq Scan on (\w+)", plan))


WORDS: dict[str, Callable[[Random], str]] = {
    "a name": lambda rng: f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}",
    "half a name": lambda rng: rng.choice(GIVEN),
    "a trade and a town": lambda rng: f"{rng.choice(TRADES)} {rng.choice(TOWNS)}",
    "a name with a slip": lambda rng: (lambda name: name[:3] + name[4:])(rng.choice(GIVEN)) + " " + rng.choice(FAMILY),
}
SEARCH: LiteralString = "select * from search_profiles(%s)"


@pytest.mark.parametrize("kind", WORDS)
def test_search(platforms: tuple[Platform, Platform], kind: str) -> None:
    def search(platform: Platform) -> None:
        platform.act_as(platform.somebody())
        platform.connection.execute(SEARCH, [WORDS[kind](platform.rng)]).fetchall()

    compare(platforms, f"search_profiles, {kind}", search, 20)


def test_search_for_a_word_of_thousands(platforms: tuple[Platform, Platform]) -> None:
    """Two people in five have the word: all of them are ranked, which grows with them. Printed, not promised."""

    def search(platform: Platform) -> None:
        platform.connection.execute(SEARCH, [platform.rng.choice(TRADES)]).fetchall()

    compare(platforms, "search_profiles, a word of thousands", search)


def test_search_goes_by_the_indexes(platforms: tuple[Platform, Platform]) -> None:
    _, full = platforms
    for words, index in (("Ramesh Kumar", "fts_profiles_search"), ("Rmesh Kumr", "gin_profiles_full_name_trgm")):
        plan = plans(full, SEARCH, words)
        assert index in plan
        assert "profiles" not in whole_tables(plan)


def test_feed(platforms: tuple[Platform, Platform]) -> None:
    statement: LiteralString = "select * from get_personalized_feed(%s)"
    compare(
        platforms,
        "get_personalized_feed",
        lambda platform: platform.connection.execute(statement, [platform.somebody()]).fetchall(),
        60,
    )
    assert "soc_posts" not in whole_tables(plans(platforms[1], statement, platforms[1].somebody()))


def test_recommendations(platforms: tuple[Platform, Platform]) -> None:
    statement: LiteralString = "select * from get_connection_recommendations(%s)"
    alone = {id(platform): platform.strangers() for platform in platforms}
    compare(
        platforms,
        "get_connection_recommendations",
        lambda platform: platform.connection.execute(statement, [platform.somebody()]).fetchall(),
        80,
    )
    compare(
        platforms,
        "get_connection_recommendations, of somebody without connections",
        lambda platform: platform.connection.execute(statement, [platform.rng.choice(alone[id(platform)])]).fetchall(),
        80,
    )
    for person in (platforms[1].load.people[0], platforms[1].load.people[-1]):
        assert "soc_connections" not in whole_tables(plans(platforms[1], statement, str(person)))


def test_a_like(platforms: tuple[Platform, Platform]) -> None:
    """With its three counters. Until a commit is on the disk is the disk's time: printed beside that of a bare row."""

    def write(platform: Platform) -> None:
        platform.connection.execute("insert into bare_rows values (1)")

    def like(platform: Platform) -> None:
        post = platform.rng.choice(platform.load.posts)
        platform.connection.execute(
            "insert into soc_post_likes (post_id, profile_id) values (%s, %s) on conflict do nothing",
            [post, platform.somebody()],
        )

    for platform in platforms:
        platform.connection.execute("create table bare_rows (number int)")
    compare(platforms, "a row of a table without keys and triggers, on the disk", write)
    compare(platforms, "a like with its counters, on the disk", like)
    for platform in platforms:
        platform.connection.execute("set synchronous_commit = off")
    compare(platforms, "a like with its counters", like, 3)
    for platform in platforms:
        platform.connection.execute("reset synchronous_commit")


def test_the_refresh_of_the_views(platforms: tuple[Platform, Platform]) -> None:
    def refresh(platform: Platform) -> float:
        rows: list[tuple[str, int, bool, str | None]] = []
        statement = "select * from refresh_all_materialized_views()"
        taken = milliseconds(lambda: rows.extend(platform.connection.execute(statement).fetchall()))
        print(", ".join(f"{name} {ms} ms" for name, ms, _, _ in rows))
        assert all(ok for _, _, ok, _ in rows)
        return taken

    small, full = (refresh(platform) for platform in platforms)
    print(f"\nrefresh of the five views: {small / 1000:.2f} s at a tenth, {full / 1000:.2f} s at full size")
    report("refresh of the five views", full / 1000, "s", 5)
