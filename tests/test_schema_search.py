"""File 999, search: what is found, in which order, how many, and who stays hidden from whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, act_as, business, organization, person, value
from tests.schema_search_rows import COPIES, change, found_by, search
from tests.schema_soc_rows import IN_THE_TRASH, connect, insert, like, post
from tests.schema_usr_rows import profile_role

KINDS = ("profiles", "posts", "resources", "businesses", "organizations")
NAMED = {"profiles": person, "businesses": business, "organizations": organization}
BLANK = [None, "", "  ", "\n", '"', "-", "!?", "or", "x" * 100_000]


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("kind", KINDS)
def test_words_find_what_they_are_in(connection: Connection, kind: str) -> None:
    jose = found_by(connection, kind, "José Quailwright, Nāmakkal")
    tamil, hindi = found_by(connection, kind, "முட்டை பண்ணை"), found_by(connection, kind, "राम किसान")
    for query in (
        "jose",
        "JOSÉ",
        "quailwright namakkal",
        '"jose quailwright"',
        "namakkal -hyderabad",
        "jose or nobody",
    ):
        assert search(connection, kind, query) == [jose], query
    for query in ("jose -quailwright", '"quailwright jose"', "zzzzzz", "' or true --", "%"):
        assert search(connection, kind, query) == [], query
    assert (search(connection, kind, "முட்டை"), search(connection, kind, "किसान")) == ([tamil], [hindi])


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_without_a_word_finds_nothing_and_says_nothing(connection: Connection, kind: str) -> None:
    notices: list[str | None] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    found_by(connection, kind, "Quailwright")
    assert {str(query): search(connection, kind, query) for query in BLANK} == {str(query): [] for query in BLANK}
    assert notices == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_stays_within_bounds(connection: Connection, kind: str) -> None:
    connection.execute(COPIES[kind], {"of": found_by(connection, kind, "Cold shed")})
    limits = {None: 20, 0: 1, -5: 1, 1: 1, 7: 7, 1000: 100}
    assert {limit: len(search(connection, kind, "quailwright", limit)) for limit in limits} == limits
    assert search(connection, kind, "quailwright", 5) == search(connection, kind, "quailwright", 100)[:5]


@pytest.mark.parametrize("kind", NAMED)
def test_a_misspelt_name_is_found_where_no_word_matches(connection: Connection, kind: str) -> None:
    one = found_by(connection, kind, "Venkateswaran Poultry")
    other = found_by(connection, kind, "Venkateswamy Breeders")
    assert set(search(connection, kind, "Venkatesw")) == {one, other}
    assert search(connection, kind, "Venkateswarn") == [one, other]
    assert search(connection, kind, "Venkateswaran") == [one]  # a word that matches leaves no room for what is alike


def test_people_are_found_by_name_headline_bio_and_town(connection: Connection) -> None:
    four = [person(connection, name) for name in ("Quailwright", "Asha Rao", "Bina Rao", "Chitra Rao")]
    change(connection, "profiles", four[1], headline="Quailwright of the year")
    change(connection, "profiles", four[2], bio="Once a quailwright")
    change(connection, "profiles", four[3], location_city="Quailwright", connections_count=7)
    assert search(connection, "profiles", "quailwright") == [*four[:2], four[3], four[2]]  # weight, then connections
    for column, sort in (("connections_count", "connections"), ("last_active_at", "recent")):
        for place, someone in enumerate(reversed(four)):
            stamp = place if sort == "connections" else f"2025-01-0{place + 1}"
            changed: dict[str, Any] = {column: stamp}
            change(connection, "profiles", someone, **changed)
        assert search(connection, "profiles", "quailwright", sort=sort) == four


def test_filters_narrow_people(connection: Connection) -> None:
    one, other = person(connection, "Quailwright"), person(connection, "Quailwright")
    change(connection, "profiles", one, location_state="Tamil Nadu", location_district="Namakkal")
    change(connection, "profiles", other, location_state="Kerala", verification_level="verified")
    profile_role(connection, one, "farmer")
    filters: dict[str, Any] = {
        "state": "tamil nadu",
        "district": "NAMAKKAL",
        "role": "farmer",
        "verification_level": "basic",
    }
    for name, wanted in filters.items():
        for query in ("quailwright", "quailwrigth"):  # by the word, and by a name that is only alike
            assert search(connection, "profiles", query, **{name: wanted}) == [one], name
    assert search(connection, "profiles", "quailwright", verification_level="verified") == [other]
    assert search(connection, "profiles", "quailwright", state="Kerala", role="farmer") == []


@pytest.mark.parametrize("query", ["quailwright", "quailwrigth"])
@pytest.mark.parametrize(
    ("hides", "stranger", "friend"),
    [
        ("nothing", True, True),
        ("is_public", False, False),
        ("allow_discovery", False, False),
        ("private", False, False),
        ("connections", False, True),
        ("blocks the viewer", False, False),
        ("is blocked by the viewer", False, False),
        ("is banned", False, False),
        ("was banned", True, True),
        ("ban was lifted", True, True),
    ],
)
def test_who_hides_is_not_found(connection: Connection, query: str, hides: str, stranger: bool, friend: bool) -> None:
    someone, unknown, known = (person(connection, name) for name in ("Quailwright", "Asha Rao", "Bina Rao"))
    connect(connection, known, someone)
    connect(connection, unknown, someone, "pending")
    hide(connection, someone, hides, (unknown, known))
    for viewer, sees in ((unknown, stranger), (known, friend)):
        act_as(connection, viewer)
        assert search(connection, "profiles", query) == ([someone] if sees else [])
    act_as(connection, None)  # a block is between two people; nobody is not one of them
    assert search(connection, "profiles", query) == ([someone] if stranger or "block" in hides else [])


def hide(connection: Connection, someone: UUID, how: str, viewers: tuple[UUID, ...]) -> None:
    """Let a person be out of sight in one way."""
    if how == "is_public":
        change(connection, "profiles", someone, is_public=False)
    elif how == "allow_discovery":
        change(connection, "usr_privacy_settings", someone, "profile_id", allow_discovery=False)
    elif how in ("private", "connections"):
        change(connection, "usr_privacy_settings", someone, "profile_id", profile_visibility=how)
    elif "ban" in how:
        until = "2020-01-01" if how == "was banned" else None
        kind = "temporary" if until else "permanent"
        active = how != "ban was lifted"
        columns = {
            "profile_id": someone,
            "reason": "Spam",
            "ban_type": kind,
            "banned_until": until,
            "is_active": active,
        }
        insert(connection, "adm_banned_users", **columns)
    elif "block" in how:
        for viewer in viewers:
            pair = (someone, viewer) if how == "blocks the viewer" else (viewer, someone)
            insert(connection, "soc_blocks", blocker_id=pair[0], blocked_id=pair[1])


@pytest.mark.parametrize("how", ["blocks the viewer", "is blocked by the viewer", "is banned"])
@pytest.mark.parametrize("kind", ["posts", "resources"])
def test_what_hidden_people_write_is_not_found(connection: Connection, kind: str, how: str) -> None:
    made, viewer = found_by(connection, kind, "Quailwright"), person(connection)
    author: UUID = value(connection, "select author_id from soc_posts where id = %s union all select author_id"
                         " from res_resources where id = %s", made, made)  # fmt: skip
    act_as(connection, viewer)
    assert search(connection, kind, "quailwright") == [made]
    hide(connection, author, how, (viewer,))
    assert search(connection, kind, "quailwright") == []


def test_posts_are_found_as_far_as_the_viewer_may_read_them(connection: Connection) -> None:
    author, friend = person(connection), person(connection)
    connect(connection, author, friend)
    texts = {seen: post(connection, author, content="quailwright", visibility=seen)
             for seen in ("private", "connections", "public")}  # fmt: skip
    gone = post(connection, author, content="quailwright")
    connection.execute(f"update soc_posts set {IN_THE_TRASH} where id = %s".encode(), [gone])
    wanted = {author: set(texts), friend: {"connections", "public"}, person(connection): {"public"}, None: {"public"}}
    for viewer, seen in wanted.items():
        act_as(connection, viewer)
        assert set(search(connection, "posts", "quailwright")) == {texts[name] for name in seen}


def test_filters_and_sorts_of_posts(connection: Connection) -> None:
    author = person(connection)
    farm = business(connection, author)
    loved = post(connection, author, content="quailwright", created_at="2025-01-01")
    fresh = post(
        connection, farm, "business", content="eggs of a quailwright in the cold shed", created_at="2025-01-02"
    )
    like(connection, loved, author)
    assert search(connection, "posts", "quailwright", sort="recent") == [fresh, loved]
    assert search(connection, "posts", "quailwright", sort="popular") == [loved, fresh]
    assert search(connection, "posts", "quailwright", author_type="business", post_type="text") == [fresh]
    assert search(connection, "posts", "quailwright", post_type="article") == []


def test_filters_and_sorts_of_resources(connection: Connection) -> None:
    one, other, draft = (found_by(connection, "resources", "Quailwright") for _ in range(3))
    category = insert(connection, "res_categories", name="Quails", slug="quails")
    change(connection, "res_resources", one, tags=["quail"], views_count=5, published_at="2025-01-01", type="guide")
    change(connection, "res_resources", other, category_id=category, published_at="2025-01-02", type="article")
    change(connection, "res_resources", draft, status="draft", published_at=None)
    assert search(connection, "resources", "quailwright", sort="recent") == [other, one]
    assert search(connection, "resources", "quailwright", sort="popular") == [one, other]
    assert search(connection, "resources", "quailwright", tag="quail", type="guide") == [one]
    assert search(connection, "resources", "quailwright", category="quails") == [other]
    assert search(connection, "resources", "quailwright", category="no-such") == []


@pytest.mark.parametrize(
    ("kind", "table", "contact", "key", "sort", "type_slug"),
    [
        ("businesses", "biz_profiles", "biz_contact_info", "business_id", "followers", "layer-farm"),
        ("organizations", "org_profiles", "org_contact_info", "organization_id", "members", "poultry-association"),
    ],
)
def test_filters_and_sorts_of_businesses_and_organizations(
    connection: Connection, kind: str, table: str, contact: str, key: str, sort: str, type_slug: str
) -> None:
    one, other, resting = (found_by(connection, kind, "Quailwright") for _ in range(3))
    change(connection, table, resting, is_active=False)
    counted: dict[str, Any] = {f"{sort}_count": 3}
    change(connection, table, one, created_at="2024-01-01", **counted)
    connection.execute(f"insert into {contact} ({key}) values (%s) on conflict do nothing".encode(), [one])
    change(connection, contact, one, key, city="Pune", state="Maharashtra")
    assert search(connection, kind, "quailwright") == [one, other]
    assert search(connection, kind, "quailwright", sort=sort) == [one, other]
    assert search(connection, kind, "quailwright", sort="recent") == [other, one]
    assert search(connection, kind, "quailwright", city="pune", state="MAHARASHTRA", type=type_slug) == [one]
    assert search(connection, kind, "quailwrigth", city="Pune") == [one]
    assert search(connection, kind, "quailwright", type="no-such") == []


def test_a_deleted_business_is_not_found(connection: Connection) -> None:
    farm = found_by(connection, "businesses", "Quailwright")
    change(connection, "biz_profiles", farm, is_deleted=True, deleted_at="2025-01-01")
    assert (search(connection, "businesses", "quailwright"), search(connection, "businesses", "quailwrigth")) == (
        [],
        [],
    )


def test_searches_use_their_index(connection: Connection) -> None:
    """Not by a plan beside them: by the scans of the index that the functions themselves make."""
    anybody = person(connection, "Quailwright")
    post(connection, anybody, content="quailwright")
    connection.execute("set local session_replication_role = replica")  # rows at once, without their triggers
    connection.execute("""
        insert into profiles (id, full_name, profile_slug, email)
        select gen_random_uuid(), md5(n::text) || ' Rao', 'many-' || n, 'many-' || n || '@example.org'
        from generate_series(1, 4000) n""")
    connection.execute(
        "insert into soc_posts (author_type, author_id, content)"
        " select 'individual', %s, md5(n::text) from generate_series(1, 4000) n",
        [anybody],
    )
    connection.execute("analyze profiles, soc_posts")
    for kind, index in (("profiles", "fts_profiles_search"), ("posts", "fts_soc_posts_search")):
        scans = "select pg_stat_get_xact_numscans(%s::regclass)"
        before = value(connection, scans, index)
        assert len(search(connection, kind, "quailwright")) == 1
        assert value(connection, scans, index) > before, index
