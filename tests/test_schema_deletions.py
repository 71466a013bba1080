"""What becomes of the rows around a person, a business or an organization that is deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.counter_rules import danglers, offenders
from tests.schema_fill import COMPANIONS, fill, new_person, new_row
from tests.schema_rows import Connection, value
from tests.schema_world import KINDS, WHEN, Row, World

# What a deletion does to the rows whose foreign key names what is deleted.
FORBIDS = """
    adm_users.profile_id biz_profiles.owner_id job_postings.posted_by mkt_orders.buyer_id org_profiles.created_by
    res_resources.author_id
"""
FORGETS = """
    adm_moderation_queue.reported_by anl_profile_views.viewer_id anl_search_queries.profile_id audit_log.profile_id
    biz_certifications.verified_by biz_profiles.verified_by evt_speakers.profile_id evt_updates.created_by
    feedback.profile_id feedback.responded_by job_applications.reviewed_by media_uploads.uploaded_by
    msg_conversations.created_by msg_messages.sender_id nec_annotations.approved_by nec_price_revisions.changed_by
    org_announcements.created_by org_membership_applications.reviewed_by org_profiles.verified_by res_views.profile_id
    soc_post_reports.reviewed_by usr_badges.awarded_by usr_certifications.verified_by usr_profile_roles.verified_by
    usr_verifications.reviewed_by
"""
GOES = """
    adm_banned_users.profile_id anl_activity_log.profile_id anl_referrals.referred_id anl_referrals.referrer_id
    biz_certifications.business_id biz_contact_info.business_id biz_contact_persons.business_id
    biz_farm_details.business_id biz_locations.business_id biz_service_areas.business_id biz_stats.business_id
    biz_supplier_details.business_id biz_team_members.business_id biz_team_members.profile_id evt_attendees.profile_id
    evt_sponsors.business_id job_applications.applicant_id job_bookmarks.profile_id mkt_product_reviews.reviewer_id
    mkt_products.seller_id msg_participants.user_id msg_reactions.user_id msg_read_receipts.user_id
    nec_annotation_likes.profile_id nec_annotations.author_id ntf_notifications.recipient_id ntf_preferences.profile_id
    org_announcements.organization_id org_committees.organization_id org_contact_info.organization_id
    org_leadership.organization_id org_leadership.profile_id org_member_invitations.invited_by
    org_member_invitations.invitee_profile_id org_member_invitations.organization_id org_members.organization_id
    org_membership_applications.organization_id org_membership_history.organization_id
    org_membership_tiers.organization_id org_offices.organization_id org_resources.organization_id
    org_stats.organization_id res_bookmarks.profile_id res_comment_likes.profile_id res_comments.profile_id
    res_likes.profile_id saved_searches.profile_id soc_blocks.blocked_id soc_blocks.blocker_id
    soc_comment_likes.profile_id soc_connection_suggestions.profile_id soc_connection_suggestions.suggested_profile_id
    soc_connections.profile_id_1 soc_connections.profile_id_2 soc_poll_votes.profile_id soc_post_bookmarks.profile_id
    soc_post_comments.profile_id soc_post_likes.profile_id soc_post_reports.reporter_id usr_awards.profile_id
    usr_badges.profile_id usr_certifications.profile_id usr_completeness_checks.profile_id usr_education.profile_id
    usr_experiences.profile_id usr_languages.profile_id usr_preferences.profile_id usr_privacy_settings.profile_id
    usr_profile_roles.profile_id usr_profile_skills.profile_id usr_publications.profile_id
    usr_search_appearances.profile_id usr_skill_endorsements.endorser_id usr_skill_recommendations.profile_id
    usr_skill_recommendations.recommender_id usr_stats.profile_id usr_verifications.profile_id
"""
ENDS = {
    reference: end
    for end, references in (("forbids", FORBIDS), ("forgets", FORGETS), ("goes", GOES))
    for reference in references.split()
}
# The same for pairs x_type, x_id: table.pair -> what a deletion does, and which kinds the pair may name.
WHO = "individual business organization"
WHAT = f"{WHO} post comment message event resource job product"
PAIRS = {
    "adm_actions_log.target": ("stays", f"{WHAT} announcement"),
    "adm_moderation_queue.content": ("goes", "profile business organization post comment message event resource"),
    "anl_activity_log.target": ("forgets", WHAT),
    "anl_engagement_metrics.entity": ("goes", f"{WHO} post event resource"),
    "anl_profile_views.viewed": ("goes", WHO),
    "evt_cohosts.cohost": ("goes", WHO),
    "evt_events.organizer": ("goes", WHO),
    "job_postings.employer": ("forbids", "business organization"),
    "ntf_notifications.action": ("goes", f"{WHAT} announcement"),
    "ntf_notifications.actor": ("goes", WHO),
    "org_members.member": ("goes", "individual business"),
    "org_membership_applications.applicant": ("goes", "individual business"),
    "soc_follows.follower": ("goes", WHO),
    "soc_follows.following": ("goes", WHO),
    "soc_posts.author": ("goes to the trash", WHO),
}
FORBIDDEN = (errors.ForeignKeyViolation, errors.RestrictViolation)  # since PostgreSQL 18 it says which of the two
ACTIONS = {"goes": "delete", "forgets": "forget", "forbids": "restrict", "goes to the trash": "soft_delete"}
OWNERS = {"business": "biz_profiles", "seller": "biz_profiles", "organization": "org_profiles"}
# What a row needs beside the column, to be allowed to name somebody there.
_VERIFIED: Row = {"is_verified": True, "verified_at": WHEN}
BESIDE: dict[str, Row] = {
    "biz_certifications.verified_by": _VERIFIED,
    "biz_profiles.verified_by": _VERIFIED,
    "org_profiles.verified_by": _VERIFIED,
    "usr_certifications.verified_by": _VERIFIED,
    "usr_profile_roles.verified_by": _VERIFIED,
    "feedback.responded_by": {"response": "Thank you", "responded_at": WHEN},
    "job_applications.reviewed_by": {"reviewed_at": WHEN},
    "nec_annotations.approved_by": {"approved_at": WHEN},
    "org_membership_applications.reviewed_by": {"status": "approved", "reviewed_at": WHEN},
    "soc_post_reports.reviewed_by": {"status": "reviewed", "reviewed_at": WHEN},
    "usr_verifications.reviewed_by": {"status": "approved", "reviewed_at": WHEN},
}
# Rows that must be there before the row can be.
BEFORE = {
    "msg_messages.sender_id": "msg_participants.user_id",
    "org_membership_history.organization_id": "org_members.organization_id",
}
# The two of a connection are in the order of their keys.
EDGES = {"profile_id_1": UUID("00000000-0000-4000-8000-000000000000"), "profile_id_2": UUID("f" * 32)}


@pytest.fixture(scope="module")
def filled(clusters: Callable[[str], Cluster], templates: Callable[[Cluster], str]) -> Iterator[Connection]:
    """One connection, for all tests, to a database with some rows in every table."""
    cluster = clusters("embedded")
    for url in temporary_database(cluster, templates(cluster)):
        with psycopg.connect(url) as connection:
            fill(connection, World(3))
            connection.commit()
            yield connection


@pytest.fixture
def connection(filled: Connection) -> Iterator[Connection]:
    yield filled
    filled.rollback()


@pytest.fixture
def world(connection: Connection) -> World:
    """The rows there are; each test makes the same choices whatever ran before it."""
    world = World(4)  # another seed: what it makes is not there yet
    world.look(connection)
    return world


def key_of(connection: Connection, table: str) -> str:
    """The column of the primary key."""
    query = """
        select a.attname from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
        where k.contype = 'p' and k.conrelid = %s::regclass"""
    return str(value(connection, query, table))


def make(connection: Connection, world: World, table: str, column: str = "") -> UUID:
    """One more person, business, post or whatever is in the table, to which nothing refers yet."""
    for statement in new_person(world, EDGES.get(column)) if table == "profiles" else [new_row(world, table)]:
        connection.execute(*statement)
    return world.ids[table][-1]


def insert(connection: Connection, world: World, table: str, given: Row) -> Any:
    """One more row, and its key; where triggers have made the only row there can be, that one."""
    key = sql.Identifier(key_of(connection, table))
    if table in COMPANIONS:
        column, owner = next(iter(given.items()))
        query = sql.SQL("select {} from {} where {} = %s").format(key, sql.Identifier(table), sql.Identifier(column))
        return connection.execute(query, [owner]).fetchall()[0][0]
    for _ in range(20):
        statement, values = new_row(world, table, given)
        with contextlib.suppress(errors.UniqueViolation, errors.CheckViolation), connection.transaction():
            return connection.execute(statement + sql.SQL(" returning {}").format(key), values).fetchall()[0][0]
        world.look(connection)  # there is such a row already: somewhere else
    raise AssertionError(f"{table}: there is no place for {given}")


def delete(connection: Connection, table: str, key: UUID) -> None:
    connection.execute(sql.SQL("delete from {} where id = %s").format(sql.Identifier(table)), [key])


def named(connection: Connection, table: str, column: str, key: Any) -> list[Any]:
    """What the row names in the column, as a list of one; an empty list if the row is gone."""
    query = sql.SQL("select {} from {} where {} = %s").format(
        *map(sql.Identifier, (column, table, key_of(connection, table)))
    )
    return [row[0] for row in connection.execute(query, [key]).fetchall()]


# ---------------------------------------------------------------------------------------------
# Foreign keys


def test_every_foreign_key_to_these_three_is_expected(connection: Connection) -> None:
    query = """
        select k.conrelid::regclass || '.' || a.attname,
            case k.confdeltype when 'r' then 'forbids' when 'n' then 'forgets' when 'c' then 'goes' end
        from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
        where k.contype = 'f' and k.confrelid = any ('{profiles,biz_profiles,org_profiles}'::regclass[])"""

    assert dict(connection.execute(query).fetchall()) == ENDS


@pytest.mark.parametrize("reference", ENDS)
def test_a_deletion_reaches_the_rows_that_name_what_is_deleted(
    connection: Connection, world: World, reference: str
) -> None:
    table, column = reference.split(".")
    parent = OWNERS.get(column.removesuffix("_id"), "profiles")
    gone = make(connection, world, parent, column)
    if reference in BEFORE:
        first, _, owner = BEFORE[reference].partition(".")
        insert(connection, world, first, {owner: gone})
    row = insert(connection, world, table, {column: gone} | BESIDE.get(reference, {}))
    assert named(connection, table, column, row) == [gone]

    if ENDS[reference] == "forbids":
        with pytest.raises(FORBIDDEN) as refusal:
            delete(connection, parent, gone)
        assert refusal.value.diag.table_name == table
    else:
        delete(connection, parent, gone)
        assert named(connection, table, column, row) == {"forgets": [None], "goes": []}[ENDS[reference]]


# ---------------------------------------------------------------------------------------------
# Pairs x_type, x_id


def test_every_pair_is_expected(connection: Connection) -> None:
    there = """
        select distinct tgrelid::regclass || '.' || split_part(encode(tgargs, 'escape'), '\\000', 1) from pg_trigger
        where tgfoid = 'trg_fn_entity_exists'::regproc"""
    gone = """
        select a[2] || '.' || a[3], array_agg(distinct a[4]), array_agg(a[1])
        from pg_trigger, string_to_array(encode(tgargs, 'escape'), '\\000') a
        where tgfoid = 'trg_fn_entity_gone'::regproc group by 1"""

    assert {row[0] for row in connection.execute(there).fetchall()} == set(PAIRS)
    assert {pair: (actions, set(kinds)) for pair, actions, kinds in connection.execute(gone).fetchall()} == {
        pair: ([ACTIONS[end]], set(kinds.split())) for pair, (end, kinds) in PAIRS.items() if end != "stays"
    }


@pytest.mark.parametrize(("reference", "kind"), [(pair, kind) for pair in PAIRS for kind in PAIRS[pair][1].split()])
def test_a_deletion_reaches_the_rows_whose_pair_names_what_is_deleted(
    connection: Connection, world: World, reference: str, kind: str
) -> None:
    table, pair = reference.split(".")
    end = PAIRS[reference][0]
    gone = make(connection, world, KINDS[kind])
    row = insert(connection, world, table, {f"{pair}_type": kind, f"{pair}_id": gone})

    if end == "forbids":
        with pytest.raises(FORBIDDEN) as refusal:
            delete(connection, KINDS[kind], gone)
        assert refusal.value.diag.table_name == table
        return
    delete(connection, KINDS[kind], gone)
    if end == "goes to the trash":
        assert named(connection, table, "is_deleted", row) == [True]
    else:
        assert named(connection, table, f"{pair}_id", row) == {"goes": [], "forgets": [None], "stays": [gone]}[end]


# ---------------------------------------------------------------------------------------------
# All of it at once


@pytest.mark.parametrize("last", ["delete from profiles", "delete from auth.users"])
def test_when_everybody_goes_nothing_is_left_that_names_them(connection: Connection, last: LiteralString) -> None:
    for table in ("mkt_orders", "job_postings", "biz_profiles", "org_profiles", "res_resources", "adm_users"):
        with pytest.raises(FORBIDDEN), connection.transaction():
            connection.execute(last)
        connection.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))

    connection.execute(last)

    assert value(connection, "select count(*) from profiles") == 0
    assert danglers(connection) == []
    assert offenders(connection) == {}


def test_a_group_outlives_who_made_it(connection: Connection, world: World) -> None:
    creator, friend = make(connection, world, "profiles"), make(connection, world, "profiles")
    group = insert(connection, world, "msg_conversations", {"created_by": creator})
    for someone in (creator, friend):
        insert(connection, world, "msg_participants", {"conversation_id": group, "user_id": someone})
    said = {"conversation_id": group, "sender_id": creator, "content": "Rates are up"}
    message = insert(connection, world, "msg_messages", said)

    delete(connection, "profiles", creator)

    assert named(connection, "msg_conversations", "created_by", group) == [None]
    assert named(connection, "msg_messages", "sender_id", message) == [None]
    assert value(connection, "select user_id from msg_participants where conversation_id = %s", group) == friend


def test_the_books_outlive_the_administrator(connection: Connection, world: World) -> None:
    person = make(connection, world, "profiles")
    admin = insert(connection, world, "adm_users", {"profile_id": person})
    action = insert(connection, world, "adm_actions_log", {"admin_id": admin})
    audit = insert(connection, world, "audit_log", {"profile_id": person})

    delete(connection, "adm_users", admin)
    delete(connection, "profiles", person)

    assert named(connection, "adm_actions_log", "admin_id", action) == [None]
    assert named(connection, "adm_actions_log", "admin_name", action) == ["Asha Rao"]
    assert named(connection, "audit_log", "profile_id", audit) == [None]
    assert named(connection, "audit_log", "table_name", audit) == ["adm_roles"]
