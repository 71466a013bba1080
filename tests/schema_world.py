"""What the rows of all tables are chosen from: the keys there are, and chance."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any, LiteralString
from uuid import UUID

from tests.schema_rows import Connection

Row = dict[str, Any]

WHEN = dt.datetime(2025, 1, 10, 6, tzinfo=dt.UTC)
KINDS = {
    "individual": "profiles", "profile": "profiles", "business": "biz_profiles", "organization": "org_profiles",
    "post": "soc_posts", "comment": "soc_post_comments", "message": "msg_messages", "event": "evt_events",
    "resource": "res_resources", "job": "job_postings", "product": "mkt_products", "announcement": "org_announcements",
}  # fmt: skip
# Two columns of a row that another row has to agree with.
PAIRS = {
    "msg_participants": "conversation_id, user_id",
    "msg_messages": "conversation_id, id",
    "soc_post_comments": "post_id, id",
    "res_comments": "resource_id, id",
    "org_membership_tiers": "organization_id, id",
    "org_members": "organization_id, id",
    "org_committees": "organization_id, id",
    "biz_team_members": "business_id, id",
    "usr_profile_skills": "profile_id, id",
}


class World:
    """The rows there are, and chance to choose among them: the same seed makes the same choices."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = Random(seed)
        self.ids: dict[str, list[UUID]] = {}
        self.pairs: dict[str, list[tuple[UUID, UUID]]] = {}
        self._question = ""

    def look(self, connection: Connection) -> None:
        """Take note of all rows, in the order of their keys."""
        if not self._question:
            self._question = _question(connection)
        for table, ids in connection.execute(self._question.encode()).fetchall():
            self.ids[table] = ids
        for table, columns in PAIRS.items():
            self.pairs[table] = connection.execute(f"select {columns} from {table} order by id".encode()).fetchall()

    def new_id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)

    def some(self, table: str) -> UUID:
        """The key of one of the rows that were seen or made; of none, where there are none."""
        return self.rng.choice(self.ids[table]) if self.ids.get(table) else self.new_id()

    def two(self, table: str) -> list[UUID]:
        """Two rows in the order of their keys."""
        return sorted(self.rng.sample(self.ids[table], 2))

    def pair(self, table: str) -> tuple[UUID, UUID]:
        found = self.pairs[table]
        return self.rng.choice(found) if found else (self.new_id(), self.new_id())

    def one_of(self, *values: Any) -> Any:
        return self.rng.choice(values)

    def which(self, pair: str, *kinds: str) -> Row:
        """The two columns of a pair x_type, x_id."""
        kind = self.rng.choice(kinds or ("individual", "business", "organization"))
        return {f"{pair}_type": kind, f"{pair}_id": self.some(KINDS[kind])}

    def word(self) -> str:
        return f"x{self.rng.getrandbits(64):016x}"


def _question(connection: Connection) -> str:
    query: LiteralString = """
        select string_agg(format('select %L, array(select id from %s order by id)', name, name), ' union all ')
        from (
            select a.attrelid::regclass::text as name
            from pg_attribute a join pg_class c on c.oid = a.attrelid
            where a.attname = 'id' and a.atttypid = 'uuid'::regtype and c.relkind = 'r'
                and c.relnamespace in ('public'::regnamespace, 'auth'::regnamespace)
        ) t"""
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])
