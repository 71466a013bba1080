"""What the triggers of all tables have alike: content moves updated_at, and no trigger function is never called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.random_rows import begin, play_batches
from tests.schema_all_rows import ROWS
from tests.schema_fill import COMPANIONS
from tests.schema_rows import Connection
from tests.schema_world import World

# Columns beside counters, keys and the two times that do not move updated_at: what they say follows from elsewhere.
DERIVED = {
    "auth.users": "last_sign_in_at",
    "profiles": """is_phone_verified is_email_verified profile_strength verification_level onboarded_at last_active_at
        last_profile_update_at""",
    "ref_job_categories": "level path",
    "biz_profiles": "is_verified verified_at verified_by",
    "biz_certifications": "is_verified verified_at verified_by",
    "org_profiles": "is_verified verified_at verified_by",
    "soc_posts": "is_flagged",
    "soc_post_comments": "is_flagged",
    "msg_conversations": "last_seq_no last_message_at last_message_preview",
    "msg_messages": "seq_no delivered_at",
    "msg_participants": "joined_seq_no last_read_seq_no last_read_at",
    "res_comments": "is_flagged is_deleted deleted_at",
    "nec_annotations": "approved_at approved_by",
    "nec_predictions": "actual_filled_at",
    "nec_prices": """zone_id date suggested_source prevailing_source suggested_run_id prevailing_run_id
        suggested_observed_at prevailing_observed_at suggested_revision_no prevailing_revision_no scraper_mode""",
    "nec_scraper_logs": "heartbeat_at",
    "nec_source_pages": "last_seen_at",
    "nec_zones": "first_price_on last_price_on",
    "adm_banned_users": "banned_by_name",
    "job_postings": "published_at",
    "mkt_products": "rating_avg",
    "mkt_order_items": "is_cancelled",
}
# Another value of a column, by its type; what a constraint refuses is not tried any further.
OTHER = {
    "text": "coalesce({0}, '') || 'x'",
    "boolean": "not {0}",
    "integer": "coalesce({0}, 0) + 1",
    "smallint": "coalesce({0}, 0) + 1",
    "bigint": "coalesce({0}, 0) + 1",
    "numeric": "coalesce({0}, 0) + 1",
    "date": "coalesce({0}, '2025-01-01') + 1",
    "timestamp with time zone": "coalesce({0}, '2025-01-01') + interval '1 hour'",
    "jsonb": "jsonb_build_object('rate', 5)",
    "text[]": "coalesce({0}, '{{}}') || '{{hens}}'",
}
# Where no such value is allowed.
BY_HAND = {
    "mkt_orders": "payment_status = 'paid'",
    "msg_reactions": "reaction = 'wow'",
    "nec_predictions": "actual_price = 510, actual_filled_at = now()",
    "soc_poll_votes": "option_index = 0",
}
TABLES = [*ROWS, *COMPANIONS]
# Rows that are written once, and figures with a time of their own.
WITHOUT = """
    adm_actions_log anl_activity_log anl_engagement_metrics anl_platform_metrics anl_profile_views anl_search_queries
    audit_log biz_stats evt_updates job_bookmarks msg_read_receipts nec_annotation_likes nec_price_problems
    nec_price_revisions ntf_notifications org_membership_history org_stats res_comment_likes res_likes res_views
    soc_blocks soc_comment_likes soc_follows soc_post_likes usr_completeness_checks usr_search_appearances
    usr_skill_endorsements usr_stats
"""
MOVED = sorted(set(TABLES) - set(WITHOUT.split()))
# What random operations on counted rows do not do; a trigger refuses many of these.
RARE: tuple[LiteralString, ...] = (
    "update usr_profile_roles set role_id = gen_random_uuid()",
    "update org_members set member_id = gen_random_uuid()",
    "update soc_posts set author_id = gen_random_uuid()",
    "update soc_posts set poll_options = null",
    "insert into soc_posts (author_type, author_id, post_type) select 'individual', id, 'shared' from profiles",
    "update biz_profiles set founded_year = 2000",
    "update ref_job_categories set slug = slug || '-x'",
    "update msg_messages set sender_id = null where sender_id is not null",
    "update res_comments set parent_id = gen_random_uuid()",
    "update res_categories set parent_id = id",
    "update mkt_categories set parent_id = id",
    "update ntf_queue set status = 'sent', sent_at = now()",
    "update job_postings set status = 'published', published_at = null",
    "update adm_banned_users set banned_by = (select id from adm_users limit 1)",
    "update adm_actions_log set description = 'Nothing'",
    "update anl_platform_metrics set metric_date = metric_date",
    "update nec_predictions set predicted_price = 1",
    "update nec_prices set date = date - 1",
    "update nec_prices set suggested_price = suggested_price + 1",
    "delete from nec_prices",
    "truncate nec_prices",
    "delete from org_membership_tiers",
    "delete from soc_posts where likes_count > 0",
)


@pytest.fixture(scope="module")
def filled(clusters: Callable[[str], Cluster], templates: Callable[[Cluster], str]) -> Iterator[Connection]:
    """One connection, for all tests, to a database in which some things have happened; calls are counted."""
    cluster, world = clusters("embedded"), World(5)
    for url in temporary_database(cluster, templates(cluster)):
        with psycopg.connect(url, options="-c track_functions=pl") as connection:
            begin(connection, world)
            connection.commit()
            yield connection


@pytest.fixture
def connection(filled: Connection) -> Iterator[Connection]:
    yield filled
    filled.rollback()


def columns(connection: Connection, table: str) -> dict[str, str]:
    """The columns that can be written, with their types."""
    query = """
        select attname::text, format_type(atttypid, null) from pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''
            and attname <> all ('{id,created_at,updated_at}')"""
    return dict(connection.execute(query, [table]).fetchall())


def changes(connection: Connection, table: str) -> dict[str, str]:
    """For each column that has another value, by its type or by hand, how that is set."""
    found = {
        column: f"{column} = {OTHER[kind].format(column)}"
        for column, kind in columns(connection, table).items()
        if kind in OTHER
    }
    return found | ({BY_HAND[table].split()[0]: BY_HAND[table]} if table in BY_HAND else {})


def moves(connection: Connection, table: str, change: str) -> bool | None:
    """Whether a change of one row moves updated_at to the time of this transaction; None if the change is refused."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"update {table} set updated_at = 'epoch'".encode())
            one = f"update {table} set {change} where ctid = (select ctid from {table} order by created_at limit 1)"
            assert connection.execute(one.encode()).rowcount == 1
            when = f"select updated_at = now() and updated_at > created_at from {table} where updated_at > 'epoch'"
            moved = [row[0] for row in connection.execute(when.encode()).fetchall()]
    except (errors.IntegrityError, errors.DataError):
        return None
    assert all(moved)
    return bool(moved)


# ---------------------------------------------------------------------------------------------
# updated_at


def test_every_table_that_has_it_is_tried(connection: Connection) -> None:
    query = """
        select a.attrelid::regclass::text from pg_attribute a join pg_class c on c.oid = a.attrelid
        where a.attname = 'updated_at' and c.relkind = 'r'
            and c.relnamespace in ('public'::regnamespace, 'auth'::regnamespace)"""
    there = {row[0] for row in connection.execute(query).fetchall()}

    assert there == set(MOVED)


@pytest.mark.parametrize("table", MOVED)
def test_content_moves_it_and_what_is_counted_or_derived_does_not(connection: Connection, table: str) -> None:
    tried = {column: moves(connection, table, change) for column, change in changes(connection, table).items()}
    moved = {column for column, has_moved in tried.items() if has_moved}
    stayed = {column for column, has_moved in tried.items() if has_moved is False}
    derived = {column for column in tried if column.endswith("_count")} | set(DERIVED.get(table, "").split())

    assert moved, tried
    assert moved & derived == set()
    assert stayed <= derived


@pytest.mark.parametrize("table", MOVED)
def test_writing_the_same_again_does_not_move_it(connection: Connection, table: str) -> None:
    same = ", ".join(f"{column} = {column}" for column in columns(connection, table))

    assert moves(connection, table, same) is False


# ---------------------------------------------------------------------------------------------
# All trigger functions


def test_no_trigger_function_is_never_called(filled: Connection) -> None:
    query = """
        select proname::text from pg_proc p join pg_language l on l.oid = prolang
        where prorettype = 'trigger'::regtype and lanname = 'plpgsql'
            and not exists (select from pg_stat_user_functions f where f.funcid = p.oid and f.calls > 0)"""
    refusing = refusals(filled)
    play_batches(filled, World(6), 1600)
    refusing |= refusals(filled)
    filled.execute("select pg_stat_force_next_flush()")
    filled.rollback()

    uncounted = {row[0] for row in filled.execute(query).fetchall()}

    assert len(refusing) > 5
    assert uncounted - refusing == set()


def refusals(connection: Connection) -> set[str]:
    """The functions that refuse a rare operation. All is taken back, but the calls are counted all the same."""
    found = {name for statement in RARE for name in refused_by(connection, statement)}
    connection.rollback()
    return found


def refused_by(connection: Connection, statement: LiteralString) -> list[str]:
    """The functions that refuse the statement: a call that ends with an error is not counted."""
    try:
        with connection.transaction():
            connection.execute(statement)
    except psycopg.DatabaseError as error:
        return re.findall(r"trg_fn_\w+", error.diag.context or "")
    return []
