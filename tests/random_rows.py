"""Random changes of everything that is counted: rows come, move to another parent, change their state, and go.

An operation is made of chance and of the rows that are known, before anything is sent: the same seed makes the same
operations, and a batch that met a deadlock is sent again as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import errors, sql

from tests.schema_fill import Statement, fill, new_person, new_row
from tests.schema_rows import Connection
from tests.schema_world import WHEN, Row, World

Choice = Callable[[World], Row]

BATCH = 100  # operations between two looks at what there is
TRIES = 20  # each deadlock lets one of the two sessions go on
# What no operation may drive out of bounds: the ends of the names of their constraints.
COUNTED = ("_count", "rating_avg", "profile_strength", "completeness_score")


@dataclass(frozen=True)
class Operation:
    """What is tried at once: all of it is done or nothing."""

    name: str
    statements: Sequence[Statement]


@dataclass
class Tally:
    """How many operations of each name changed rows, found none to change, were refused, or met a deadlock."""

    done: Counter[str] = field(default_factory=Counter)
    idle: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)


Deed = Callable[[World, str], Operation]


def _to(column: str, table: str) -> Choice:
    return lambda w: {column: w.some(table)}


def _be(column: str, *values: Any) -> Choice:
    return lambda w: {column: w.one_of(*values)}


def _set(**columns: Any) -> Choice:
    return lambda w: columns


def _connect(world: World) -> Row:
    first, second = world.two("profiles")
    return {"profile_id_1": first, "profile_id_2": second, "requested_by": first}


def _reply(table: str, column: str) -> Choice:
    def choose(world: World) -> Row:
        parent, comment = world.pair(table)
        return {column: parent, "parent_id": comment}

    return choose


_TRASH = _set(is_deleted=True, deleted_at=WHEN)
_BACK = _set(is_deleted=False, deleted_at=None)
_PERSON = _to("profile_id", "profiles")

# What an update may set, by table; these tables also gain and lose rows.
CHANGES: dict[str, tuple[Choice, ...]] = {
    "profiles": (
        _be("profile_photo_url", "https://example.org/hen.jpg", None),
        _be("headline", "Hens", "", None),
        _be("bio", "Eggs", "x" * 51, None),
        _be("phone", "+919800000001", None),
    ),
    "usr_profile_roles": (_PERSON,),
    "usr_verifications": (
        lambda w: {"status": w.one_of("approved", "approved", "rejected"), "reviewed_at": WHEN},
        _set(status="pending", reviewed_at=None),
        _be("verification_type", "email", "phone", "identity", "address"),
        _PERSON,
    ),
    "usr_search_appearances": (_PERSON,),
    "usr_experiences": (_PERSON,),
    "usr_education": (_PERSON,),
    "usr_profile_skills": (_PERSON, _to("skill_id", "ref_skills")),
    "usr_skill_endorsements": (_to("profile_skill_id", "usr_profile_skills"), _to("endorser_id", "profiles")),
    "usr_skill_recommendations": (
        _set(status="accepted", accepted_at=WHEN),
        lambda w: {"status": w.one_of("pending", "declined"), "accepted_at": None},
        _PERSON,
    ),
    "biz_profiles": (_to("owner_id", "profiles"), _TRASH, _BACK),
    "biz_team_members": (
        _to("business_id", "biz_profiles"),
        _PERSON,
        _set(is_active=False),
        _set(is_active=True, left_at=None),
    ),
    "org_profiles": (_be("is_active", True, False),),
    "org_members": (
        _be("status", "active", "inactive", "suspended", "expired"),
        _to("tier_id", "org_membership_tiers"),
    ),
    "org_resources": (_to("organization_id", "org_profiles"),),
    "soc_posts": (_TRASH, _BACK, _to("shared_post_id", "soc_posts"), lambda w: w.which("author")),
    "soc_post_likes": (_to("post_id", "soc_posts"), _PERSON),
    "soc_post_comments": (_to("post_id", "soc_posts"), _PERSON, _TRASH, _BACK, _set(parent_id=None)),
    "soc_comment_likes": (_to("comment_id", "soc_post_comments"), _PERSON),
    "soc_post_reports": (
        _be("status", "pending"),
        lambda w: {"status": w.one_of("reviewed", "actioned", "dismissed"), "reviewed_at": WHEN},
        _set(status="pending", reviewed_at=None),
        _to("post_id", "soc_posts"),
    ),
    "soc_connections": (_be("status", "pending", "accepted", "accepted", "declined"), _connect),
    "soc_follows": (lambda w: w.which("follower"), lambda w: w.which("following")),
    "soc_blocks": (_to("blocked_id", "profiles"),),
    "msg_conversations": (_to("created_by", "profiles"),),
    "msg_participants": (
        _set(is_active=False),
        _set(is_active=True, left_at=None),
        lambda w: {"last_read_seq_no": w.rng.randint(0, 30)},
    ),
    "msg_messages": (
        _TRASH,
        _set(is_deleted=True, is_deleted_for_everyone=True, deleted_at=WHEN),
        _set(is_deleted=False, is_deleted_for_everyone=False, deleted_at=None),
        lambda w: {"content": w.word()},
    ),
    "evt_events": (_be("status", "draft", "published", "published", "cancelled"), lambda w: w.which("organizer")),
    "evt_attendees": (_be("rsvp", "interested", "going", "not_going"), _to("event_id", "evt_events"), _PERSON),
    "res_resources": (_to("author_id", "profiles"),),
    "res_likes": (_to("resource_id", "res_resources"), _PERSON),
    "res_bookmarks": (_to("resource_id", "res_resources"), _PERSON),
    "res_views": (_to("resource_id", "res_resources"), _be("profile_id", None)),
    "res_comments": (_to("resource_id", "res_resources"), _PERSON, _TRASH, _BACK),
    "res_comment_likes": (_to("comment_id", "res_comments"), _PERSON),
    "anl_profile_views": (lambda w: w.which("viewed"),),
    "nec_annotations": (_to("author_id", "profiles"),),
    "nec_annotation_likes": (_to("annotation_id", "nec_annotations"), _PERSON),
    "job_postings": (lambda w: w.which("employer", "business", "organization"),),
    "job_applications": (_be("status", "submitted", "withdrawn", "offered"), _to("job_id", "job_postings")),
    "mkt_products": (_be("status", "draft", "published", "published"), _to("seller_id", "biz_profiles")),
    "mkt_product_reviews": (
        _be("is_approved", True, False),
        _be("rating", 1, 2, 3, 4, 5),
        _to("product_id", "mkt_products"),
    ),
    "mkt_orders": (_be("status", "pending", "shipped", "cancelled"),),
    "mkt_order_items": (_to("product_id", "mkt_products"), _to("order_id", "mkt_orders"), _be("is_cancelled", True)),
}
# Other kinds of rows than the usual one of the table.
VARIANTS: dict[str, Choice] = {
    "soc_posts": lambda w: {"post_type": "shared", "content": None, "shared_post_id": w.some("soc_posts")},
    "soc_post_comments": _reply("soc_post_comments", "post_id"),
    "res_comments": _reply("res_comments", "resource_id"),
    "msg_participants": _set(is_active=False, left_at=WHEN),
    "msg_messages": _set(type="system", sender_id=None, content=" rates "),
}
# Much hangs on these rows: they come and go more rarely.
ROOTS = {
    "profiles", "biz_profiles", "org_profiles", "soc_posts", "msg_conversations", "evt_events", "res_resources",
    "nec_annotations", "job_postings", "mkt_products", "mkt_orders",
}  # fmt: skip
# What forbids a person to go, unless it goes first.
FIRST = (
    "delete from mkt_orders where buyer_id = %s",
    """delete from mkt_order_items where product_id in (
        select p.id from mkt_products p join biz_profiles b on b.id = p.seller_id where b.owner_id = %s)""",
    """delete from job_postings where %s in (posted_by,
        (select owner_id from biz_profiles where id = employer_id),
        (select created_by from org_profiles where id = employer_id))""",
    "delete from biz_profiles where owner_id = %s",
    "delete from org_profiles where created_by = %s",
    "delete from res_resources where author_id = %s",
    "delete from adm_users where profile_id = %s",
)


def begin(connection: Connection, world: World) -> None:
    """Some people, at least one row in every table, and more of what others hang on."""
    fill(connection, world, people=15)
    for table in sorted(ROOTS - {"profiles"}) * 4:
        connection.execute(*new_row(world, table))


def operations(world: World, number: int, tables: Iterable[str] = tuple(CHANGES)) -> list[Operation]:
    """So many operations on these tables."""
    menu = [(table, deed) for table in tables for deed in (_insert, _change, _delete, _call)]
    weights = [_weight(table, deed) for table, deed in menu]
    return [deed(world, table) for table, deed in world.rng.choices(menu, weights, k=number)]


def _weight(table: str, deed: Deed) -> float:
    if deed is _call:
        return 4 if table == "msg_participants" else 0
    if table == "profiles":
        weights: dict[Deed, float] = {_insert: 4, _change: 5, _delete: 2}
    elif table in ROOTS:
        weights = {_insert: 2.5, _change: 4, _delete: 1}
    else:
        weights = {_insert: 8, _change: 5, _delete: 2}
    return weights[deed]


def _insert(world: World, table: str) -> Operation:
    if table == "profiles":
        return Operation("profiles insert", new_person(world))
    variant = VARIANTS[table](world) if table in VARIANTS and world.rng.random() < 0.3 else None
    return Operation(f"{table} insert", [new_row(world, table, variant)])


def _change(world: World, table: str) -> Operation:
    row = world.rng.choice(CHANGES[table])(world)
    statement = sql.SQL("update {} set {} where id = %s").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in row),
    )
    return Operation(f"{table} {' '.join(row)}", [(statement, [*row.values(), world.some(table)])])


def _delete(world: World, table: str) -> Operation:
    gone = world.some(table)
    if table != "profiles":
        statement = sql.SQL("delete from {} where id = %s").format(sql.Identifier(table))
        return Operation(f"{table} delete", [(statement, [gone])])
    first = FIRST if world.rng.random() < 0.8 else ()
    last = world.one_of("delete from profiles where id = %s", "delete from auth.users where id = %s")
    return Operation("profiles delete", [(sql.SQL(text).format(), [gone]) for text in (*first, last)])


def _call(world: World, table: str) -> Operation:
    if world.rng.random() < 0.3:
        people = world.two("profiles")
        world.rng.shuffle(people)
        return Operation("open a conversation", [(sql.SQL("select open_direct_conversation(%s, %s)").format(), people)])
    call = sql.SQL("select mark_messages_as_read(%s, %s)").format()
    return Operation("read messages", [(call, list(world.pair(table)))])


def play(connection: Connection, todo: Sequence[Operation], tally: Tally) -> None:
    """Try each operation; what a constraint refuses is as if it had not been sent."""
    for operation in todo:
        try:
            with connection.transaction():
                rows = sum(connection.execute(*statement).rowcount for statement in operation.statements)
        except errors.IntegrityError as error:
            constraint = error.diag.constraint_name or ""
            assert not constraint.endswith(COUNTED), f"{operation}: {error}"
            tally.refused[operation.name] += 1
        else:
            (tally.done if rows else tally.idle)[operation.name] += 1


def play_batches(connection: Connection, world: World, number: int, in_one: int = BATCH) -> Tally:
    """So many operations, `in_one` in a transaction; a transaction that met a deadlock is tried again."""
    tally = Tally()
    for _ in range(number // BATCH):
        with connection.transaction():
            world.look(connection)
        todo = operations(world, BATCH)
        for first in range(0, BATCH, in_one):
            _play_until_done(connection, todo[first : first + in_one], tally)
    return tally


def _play_until_done(connection: Connection, todo: Sequence[Operation], tally: Tally) -> None:
    for _ in range(TRIES):
        batch = Tally()
        try:
            with connection.transaction():
                play(connection, todo, batch)
        except (errors.DeadlockDetected, errors.SerializationFailure):
            tally.retried[todo[0].name] += 1
            continue
        tally.done += batch.done
        tally.idle += batch.idle
        tally.refused += batch.refused
        return
    raise AssertionError(f"{TRIES} deadlocks one after the other")
