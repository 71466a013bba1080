"""Things of every kind that words are in, and the searches that should find them."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.schema_evt_rows import resource
from tests.schema_rows import Connection, business, organization, person
from tests.schema_soc_rows import post

# 105 more of a kind, each after one that is there
COPIES: dict[str, LiteralString] = {
    "profiles": """
        with users as (insert into auth.users (email)
            select 'quail' || n || '@example.org' from generate_series(1, 105) n returning id, email)
        insert into profiles (id, full_name, profile_slug, email)
        select id, 'Quailwright', split_part(email, '@', 1), email from users""",
    "posts": """
        insert into soc_posts (author_type, author_id, content)
        select author_type, author_id, 'quailwright' from soc_posts, generate_series(1, 105) where id = %(of)s""",
    "resources": """
        insert into res_resources (author_id, title, slug, status, published_at)
        select author_id, 'Quailwright', 'quailwright-' || n, status, published_at
        from res_resources, generate_series(1, 105) n where id = %(of)s""",
    "businesses": """
        insert into biz_profiles (owner_id, business_name, business_slug, business_type_id)
        select owner_id, 'Quailwright', 'quail-' || n, business_type_id
        from biz_profiles, generate_series(1, 105) n where id = %(of)s""",
    "organizations": """
        insert into org_profiles (created_by, organization_name, organization_slug, organization_type_id)
        select created_by, 'Quailwright', 'quail-' || n, organization_type_id
        from org_profiles, generate_series(1, 105) n where id = %(of)s""",
}


def search(
    connection: Connection,
    kind: str,
    query: str | None,
    limit: int | None = 20,
    sort: str = "relevance",
    **filters: str,
) -> list[UUID]:
    """The ids that a search gives, in its order."""
    statement = sql.SQL("select * from {}(%s, %s, %s, %s)").format(sql.Identifier(f"search_{kind}"))
    return [row[0] for row in connection.execute(statement, [query, limit, Jsonb(filters), sort]).fetchall()]


def change(connection: Connection, table: str, key: UUID, id_column: str = "id", **columns: Any) -> None:
    """Set columns of one row."""
    pairs = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns)
    statement = sql.SQL("update {} set {} where {} = %s").format(
        sql.Identifier(table), pairs, sql.Identifier(id_column)
    )
    assert connection.execute(statement, [*columns.values(), key]).rowcount == 1


def found_by(connection: Connection, kind: str, words: str) -> UUID:
    """Something of a kind that these words are in."""
    if kind == "posts":
        return post(connection, person(connection, "Somebody Else"), content=words)
    someone = person(connection, words if kind == "profiles" else "Somebody Else")
    if kind == "profiles":
        return someone
    if kind == "resources":
        made = resource(connection, someone)
        change(connection, "res_resources", made, title=words)
        return made
    return {"businesses": business, "organizations": organization}[kind](connection, someone, words)
