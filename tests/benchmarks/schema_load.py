"""A platform full of made-up people, posts, likes and connections, the same ones every time, loaded by COPY."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from psycopg import sql

from tests.schema_rows import Connection

DAYS = 730  # posts are spread over two years
GIVEN_NAMES = """
    Ramesh Suresh Lakshmi Meena Karthik Anitha Vijay Priya Arjun Kavitha Rahul Sunita Mohan Geetha Prakash Deepa Sanjay
    Rekha Ganesh Usha Rajesh Padma Vinod Shanti Murugan Selvi Anil Jyoti Senthil Radha Manoj Bhavani Harish Nirmala
    Dinesh Sarita Balaji Vasantha Naveen Pooja"""
FAMILY_NAMES = """
    Kumar Reddy Sharma Patel Naidu Gowda Singh Das Iyer Nair Rao Yadav Gupta Pillai Chowdhury Shetty Murthy Joshi Verma
    Khan Banerjee Mishra Patil Rathod Thakur Menon Babu Sethi Ghosh Kaur Desai Kulkarni Biswas Malik Prasad Raju Saini
    Mehta Bose Chauhan"""
TOWN_NAMES = """
    Namakkal Hyderabad Vijayawada Pune Barwala Ajmer Chittoor Hospet Mysuru Vizag Warangal Jabalpur Kanpur Raipur Surat
    Indore Erode Salem Karimnagar Guntur"""
STATE_NAMES = """
    Telangana Maharashtra Haryana Rajasthan Karnataka Punjab Gujarat Odisha Kerala Bihar Assam Goa Jharkhand Sikkim"""
TRADE_NAMES = """
    layer broiler breeder hatchery feed vaccine equipment egg pullet biosecurity nutrition trading cage ventilation
    lighting manure export cold logistics veterinary"""
OTHER_WORDS = """
    the price of today rates up down farm birds flock shed water week month market supply demand maize soya advice
    question mortality disease weight growth summer winter rain heat buyers sellers loan subsidy meeting training
    good morning thanks update report"""
GIVEN, FAMILY, TOWNS = GIVEN_NAMES.split(), FAMILY_NAMES.split(), TOWN_NAMES.split()
STATES, TRADES = STATE_NAMES.split(), TRADE_NAMES.split()
WORDS = TRADES + OTHER_WORDS.split()


@dataclass(frozen=True, slots=True)
class Load:
    """How much there is; `people` are all ids, those with much of everything first."""

    people: list[UUID]
    posts: list[UUID]
    likes: int
    connections: int


def load(connection: Connection, *, people: int, posts: int, likes: int, connections: int) -> Load:
    """Fill an empty deployed database and leave its counters to be counted; nothing is checked while it loads."""
    rng = Random(2024)
    profiles, written = _ids(rng, people), _ids(rng, posts)
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")  # neither triggers nor foreign keys
        _load_people(connection, rng, profiles)
        _load_posts(connection, rng, profiles, written)
        _copy(
            connection,
            "soc_post_likes",
            "post_id profile_id created_at",
            (
                (written[post], profiles[person], _moment(rng, 700))
                for post, person in _pairs(rng, likes, posts, people)
            ),
        )
        _load_network(connection, rng, profiles, connections)
        _load_prices(connection)
    return Load(profiles, written, likes, connections)


def _load_people(connection: Connection, rng: Random, people: Sequence[UUID]) -> None:
    _copy(connection, "auth.users", "id email", ((one, f"{one.hex}@example.org") for one in people))
    columns = (
        "id full_name profile_slug headline bio location_state location_city phone email is_public onboarded_at"
        " last_active_at created_at"
    )
    now = _moment(rng, 0)
    _copy(
        connection,
        "profiles",
        columns,
        (
            (
                one,
                f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}",
                one.hex,
                f"{rng.choice(TRADES)} {rng.choice(TRADES)} business",
                _text(rng, 25),
                STATES[_skewed(rng, len(STATES), 1.5)],
                TOWNS[_skewed(rng, len(TOWNS), 1.5)],
                "+91 98765 43210",
                f"{one.hex}@example.org",
                rng.random() < 0.9,
                now,
                _moment(rng, 90),
                _moment(rng, DAYS),
            )
            for one in people
        ),
    )
    _copy(
        connection,
        "usr_privacy_settings",
        "profile_id profile_visibility allow_discovery",
        (
            (one, rng.choices(("public", "connections", "private"), (90, 7, 3))[0], rng.random() < 0.95)
            for one in people
        ),
    )
    roles = [row[0] for row in connection.execute("select id from ref_roles order by sort_order").fetchall()]
    _copy(
        connection,
        "usr_profile_roles",
        "profile_id role_id is_primary",
        ((one, roles[_skewed(rng, len(roles), 2)], True) for one in people),
    )


def _load_posts(connection: Connection, rng: Random, people: Sequence[UUID], posts: Sequence[UUID]) -> None:
    moments = sorted(_moment(rng, DAYS) for _ in posts)  # written one after the other, as they are
    _copy(
        connection,
        "soc_posts",
        "id author_type author_id content visibility created_at",
        (
            (
                post,
                "individual",
                people[_skewed(rng, len(people), 1.5)],
                _text(rng, 25),
                rng.choices(("public", "connections", "private"), (80, 15, 5))[0],
                moment,
            )
            for post, moment in zip(posts, moments, strict=True)
        ),
    )


def _load_network(connection: Connection, rng: Random, people: Sequence[UUID], connections: int) -> None:
    pairs = (sorted((people[a], people[b])) for a, b in _pairs(rng, connections, len(people), len(people), once=True))
    _copy(
        connection,
        "soc_connections",
        "profile_id_1 profile_id_2 status requested_by requested_at responded_at",
        (
            (one, other, "accepted", one, _moment(rng, DAYS), _moment(rng, DAYS))
            if rng.random() < 0.9
            else (one, other, "pending", one, _moment(rng, 90), None)
            for one, other in pairs
        ),
    )
    _copy(
        connection,
        "soc_follows",
        "follower_type follower_id following_type following_id",
        (
            ("individual", people[follower], "individual", people[followed])
            for followed, follower in _pairs(rng, connections, len(people), len(people))
            if followed != follower
        ),
    )
    _copy(
        connection,
        "soc_blocks",
        "blocker_id blocked_id",
        (
            (people[blocker], people[blocked])
            for blocked, blocker in _pairs(rng, connections // 50, len(people), len(people))
            if blocked != blocker
        ),
    )


def _load_prices(connection: Connection) -> None:
    """Seventeen years of every zone: two of the five views are about prices."""
    connection.execute("""
        insert into nec_prices
            (zone_id, date, suggested_price, suggested_source, suggested_observed_at, suggested_revision_no)
        select z.id, d::date, 400 + 50 * sin(extract(doy from d) / 58.0) + extract(year from d) - 2009, 'demo', now(), 1
        from nec_zones z, generate_series(timestamp '2009-01-01', timestamp '2025-12-31', interval '1 day') d""")


def _copy(connection: Connection, table: str, columns: str, rows: Iterable[Iterable[object]]) -> None:
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns.split()))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(tuple(row))


def _ids(rng: Random, count: int) -> list[UUID]:
    return [UUID(int=rng.getrandbits(128), version=4) for _ in range(count)]


def _skewed(rng: Random, count: int, power: float) -> int:
    """A place below `count`, the small ones more often."""
    return int(count * rng.random() ** power)


def _pairs(rng: Random, wanted: int, popular: int, others: int, *, once: bool = False) -> Iterable[tuple[int, int]]:
    """Different pairs of a place of the popular ones, skewed, and one of the others; `once`: in one order, of two."""
    seen: set[tuple[int, int]] = set()
    while len(seen) < wanted:
        pair = (_skewed(rng, popular, 2), _skewed(rng, others, 1.2))
        key = (min(pair), max(pair)) if once else pair
        if key not in seen and not (once and pair[0] == pair[1]):
            seen.add(key)
            yield pair


def _text(rng: Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def _moment(rng: Random, days: int) -> dt.datetime:
    """Some moment of the last so many days."""
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=rng.random() * days * 86400)
