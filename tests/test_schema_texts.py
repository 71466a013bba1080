"""File 999, texts: free slugs, e-mail addresses and Indian phone numbers."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_evt_rows import resource
from tests.schema_rows import Connection, business, organization, person, refused, value
from tests.schema_soc_rows import insert
from tests.schema_usr_rows import skill

PLACES = {
    "profiles": "profile_slug",
    "biz_profiles": "business_slug",
    "org_profiles": "organization_slug",
    "res_resources": "slug",
    "res_categories": "slug",
    "mkt_products": "slug",
    "mkt_categories": "slug",
    "tags": "slug",
    "ref_skills": "slug",
}
EMAILS = {
    "asha@example.org": True,
    "a.b+c_d'e@sub-domain.example.co.in": True,
    "A@B.CO": True,
    "x" * 242 + "@example.org": True,  # 254 characters
    "x" * 243 + "@example.org": False,
    "a..b@example.org": False,
    ".a@example.org": False,
    "a.@example.org": False,
    "a@-b.co": False,
    "a@b-.co": False,
    "a@b..co": False,
    "a@b.c": False,
    "a@b.c0": False,
    "a@b": False,
    "@example.org": False,
    "a@b@example.org": False,
    "a b@example.org": False,
    "a@example.org\n": False,
    "a@example.org\nb@example.org": False,
    " a@example.org": False,
    "": False,
    f"a@{'b' * 63}.org": True,
    f"a@{'b' * 64}.org": False,
}
PHONES = {
    "9876543210": True,
    "6000000000": True,
    "+919876543210": True,
    "00919876543210": True,
    "919876543210": True,
    "09876543210": True,
    "+91 98765-43210": True,
    "5876543210": False,
    "987654321": False,
    "98765432101": False,
    "+929876543210": False,
    "+09876543210": False,
    "9876+543210": False,
    "98765\t43210": False,
    "9876543210\n": False,
    "9876543210\n9876543210": False,
    "९८७६५४३२१०": False,
    "(98765) 43210": False,
    "": False,
    " ": False,
}


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize(("function", "wanted"), [("is_valid_email", EMAILS), ("is_valid_indian_phone", PHONES)])
def test_which_texts_are_valid(connection: Connection, function: str, wanted: dict[str, bool]) -> None:
    query = sql.SQL("select t, {}(t) from unnest(%s::text[]) t").format(sql.Identifier(function))
    assert dict(connection.execute(query, [list(wanted)]).fetchall()) == wanted
    assert value(connection, f"select {function}(null)") is None


def take(connection: Connection, table: str, slug: str) -> None:
    """Give a slug to a new row of a table."""
    made = {
        "profiles": lambda: person(connection),
        "biz_profiles": lambda: business(connection, person(connection)),
        "org_profiles": lambda: organization(connection, person(connection)),
        "res_resources": lambda: resource(connection),
        "res_categories": lambda: insert(connection, table, name=f"Quails {slug}", slug="quails-x"),
        "mkt_categories": lambda: insert(connection, table, name=f"Quails {slug}", slug="quails-x"),
        "mkt_products": lambda: insert(
            connection, table, seller_id=business(connection, person(connection)), name="Feeder", slug="feeder-x",
            price=1,
            category_id=insert(connection, "mkt_categories", name=f"Quails {slug}", slug=f"c-{slug}"[:60].rstrip("-"))),
        "tags": lambda: insert(connection, table, name=slug[-50:], slug="quails-x"),
        "ref_skills": lambda: skill(connection),
    }[table]()  # fmt: skip
    statement = sql.SQL("update {} set {} = %s where id = %s").format(
        sql.Identifier(table), sql.Identifier(PLACES[table])
    )
    connection.execute(statement, [slug, made])


@pytest.mark.parametrize("table", PLACES)
def test_a_slug_is_free_in_its_table(connection: Connection, table: str) -> None:
    query = f"select generate_unique_slug(%s, '{table}', '{PLACES[table]}')"
    for wanted in ("jose-quailwright", "jose-quailwright-1", "jose-quailwright-2"):
        assert value(connection, query, "  José Quailwright! ") == wanted
        take(connection, table, wanted)
    longest = "q" * 60
    assert value(connection, query, "q" * 100) == longest
    take(connection, table, longest)
    assert value(connection, query, "q" * 100) == "q" * 58 + "-1"
    cut_at_a_hyphen = "q" * 57 + "-qq"
    take(connection, table, cut_at_a_hyphen)
    assert value(connection, query, cut_at_a_hyphen) == "q" * 57 + "-1"  # no hyphen twice


def test_reserved_words_and_texts_without_a_letter(connection: Connection) -> None:
    query = "select generate_unique_slug(%s, 'profiles', 'profile_slug')"
    wanted = {
        "Admin": "admin-1",
        "api": "api-1",
        "new": "new-1",
        "முட்டை": "item",
        "": "item",
        None: "item",
        "!!": "item",
    }
    assert {base: value(connection, query, base) for base in wanted} == wanted
    assert value(connection, "select generate_unique_slug('a', 'public.tags', 'slug')") == "a"


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("soc_posts", "slug"),
        ("profiles", "email"),
        ("auth.users", "email"),
        ("tags; drop table tags", "slug"),
        ("Tags", "slug"),
        ("", ""),
        (None, "slug"),
        ("tags", None),
        ("tags.slug", None),
        (None, "tags.slug"),
    ],
)
def test_no_slug_for_another_place(connection: Connection, table: str | None, column: str | None) -> None:
    refused(connection, errors.InvalidParameterValue, "select generate_unique_slug('a', %s, %s)", table, column)
