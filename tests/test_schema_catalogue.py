"""The catalogue keeps its rules, and each rule finds a planted offender."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from necc.config import data_folder
from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rules import RULES, Rule

FAULTS = [pytest.param(rule, fault, id=f"{rule.name}: {fault}") for rule in RULES for fault in rule.faults]
# By module, in the order of the files.
TABLES = """
    auth.users profiles schema_versions
    ref_business_types ref_countries ref_event_types ref_job_categories ref_notification_types
    ref_organization_types ref_roles ref_skills ref_states
    usr_awards usr_badges usr_certifications usr_completeness_checks usr_consultant_details usr_education
    usr_experiences usr_farmer_details usr_government_official_details usr_languages usr_leaderboards
    usr_nutritionist_details usr_preferences usr_privacy_settings usr_profile_roles usr_profile_skills
    usr_publications usr_researcher_details usr_search_appearances usr_skill_assessments usr_skill_endorsements
    usr_skill_recommendations usr_stats usr_student_details usr_supplier_details usr_trader_details
    usr_verifications usr_veterinarian_details
    biz_certifications biz_contact_info biz_contact_persons biz_farm_details biz_locations biz_profiles
    biz_service_areas biz_stats biz_supplier_details biz_team_members
    org_announcements org_committee_members org_committees org_contact_info org_leadership org_member_invitations
    org_members org_membership_applications org_membership_history org_membership_tiers org_offices org_profiles
    org_resources org_stats
    soc_blocks soc_comment_likes soc_connection_suggestions soc_connections soc_follows soc_poll_votes
    soc_post_bookmarks soc_post_comments soc_post_likes soc_post_reports soc_posts
    msg_conversations msg_messages msg_participants msg_reactions msg_read_receipts
    evt_attendees evt_cohosts evt_events evt_speakers evt_sponsors evt_updates
    ntf_notifications ntf_preferences ntf_queue ntf_templates
    res_bookmarks res_categories res_comment_likes res_comments res_likes res_resources res_views
    anl_activity_log anl_engagement_metrics anl_platform_metrics anl_profile_views anl_referrals
    anl_search_queries
    nec_annotation_likes nec_annotation_metadata nec_annotations nec_model_runs nec_predictions nec_price_problems
    nec_price_revisions nec_prices nec_scraper_logs nec_source_pages nec_zone_aliases nec_zones
    adm_actions_log adm_background_jobs adm_banned_users adm_moderation_queue adm_roles adm_system_settings
    adm_users
    job_applications job_bookmarks job_postings
    mkt_categories mkt_order_items mkt_orders mkt_product_reviews mkt_products
    audit_log email_queue feedback media_uploads saved_searches tags
"""
# What the application calls; the helpers beside them are their own business.
FUNCTIONS = """
    auth.uid() auth.sync_cognito_user(text,text,text,text,jsonb)
    slugify(text) generate_unique_slug(text,text,text) generate_profile_slug(text,text,uuid)
    generate_business_slug(text,text,uuid) generate_organization_slug(text,text,uuid)
    is_valid_indian_phone(text) is_valid_email(text)
    calculate_profile_strength(uuid) refresh_profile_strength(uuid) refresh_usr_stats(uuid)
    calculate_total_experience(uuid) find_or_create_skill(text) get_top_skills(uuid,integer)
    get_personalized_feed(uuid,integer,integer) get_connection_recommendations(uuid,integer)
    search_profiles(text,integer,jsonb,text) search_posts(text,integer,jsonb,text)
    search_resources(text,integer,jsonb,text) search_businesses(text,integer,jsonb,text)
    search_organizations(text,integer,jsonb,text)
    get_user_engagement_stats(uuid,integer) get_profile_analytics(uuid,integer)
    track_profile_view(uuid,uuid,text) track_view(text,uuid)
    mark_messages_as_read(uuid,uuid) create_notification(uuid,text,uuid,text,text,text,uuid,text,text)
    refresh_all_materialized_views() recount_all_counters()
    cleanup_old_activity_logs(integer,boolean) cleanup_old_profile_views(integer,boolean)
    compute_platform_metrics(date) compute_engagement_metrics(date) refresh_leaderboards(text)
    refresh_nec_monthly_averages() get_latest_nec_price(uuid) get_nec_price_trend(uuid,integer)
    resolve_nec_zone(text) upsert_nec_price(uuid,date,text,numeric,text,uuid,boolean)
    get_nec_daily_board(date) get_nec_national_average(date,text) fill_nec_prediction_actuals(date)
"""
VIEWS = "mv_popular_posts mv_trending_resources mv_active_users nec_monthly_averages nec_yoy_comparison"
# Rows of these pairs x_type, x_id are a log: they stay when what they are about is gone.
KEPT_PAIRS = {"adm_actions_log.target"}
PAIRS: LiteralString = r"""
    with pairs as (
        select t.attrelid, t.attrelid::regclass::text as child, left(t.attname, -5) as pair, m[1] as kind
        from pg_attribute t
        join pg_attribute i on i.attrelid = t.attrelid and i.attname = left(t.attname, -5) || '_id'
            and i.atttypid = 'uuid'::regtype and not i.attisdropped
        join pg_constraint k on k.conrelid = t.attrelid and k.contype = 'c' and k.conkey = array[t.attnum]
        cross join regexp_matches(pg_get_constraintdef(k.oid), $$'(\w+)'::text$$, 'g') m
        where t.attname ~ '_type$' and entity_table(m[1]) is not null
    ), declared as (
        select tgrelid, tgfoid::regproc::text as does,
            string_to_array(replace(encode(tgargs, 'escape'), '\000', ','), ',') as words
        from pg_trigger where tgfoid in ('trg_fn_entity_exists'::regproc, 'trg_fn_entity_gone'::regproc)
    )
    select p.child || '.' || p.pair || ': ' || p.kind,
        exists (select from declared d where d.does = 'trg_fn_entity_exists'
            and d.tgrelid = p.attrelid and d.words[1] = p.pair),
        exists (select from declared d where d.does = 'trg_fn_entity_gone'
            and d.tgrelid = entity_table(p.kind)::regclass and d.words[1:3] = array[p.kind, p.child, p.pair])
    from pairs p"""


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def names(connection: psycopg.Connection[Any], query: LiteralString) -> set[str]:
    return {row[0] for row in connection.execute(query)}


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_the_catalogue_keeps_the_rule(connection: psycopg.Connection[Any], rule: Rule) -> None:
    assert names(connection, rule.offenders) == set()


@pytest.mark.parametrize(("rule", "fault"), FAULTS)
def test_the_rule_finds_an_offender(connection: psycopg.Connection[Any], rule: Rule, fault: LiteralString) -> None:
    connection.execute(fault)

    assert names(connection, rule.offenders) != set()


def test_the_tables_are_those_of_the_list(connection: psycopg.Connection[Any]) -> None:
    query: LiteralString = """
        select case schemaname when 'auth' then 'auth.' else '' end || tablename from pg_tables
        where schemaname in ('public', 'auth')"""

    assert names(connection, query) == set(TABLES.split())
    assert len(TABLES.split()) >= 110


def test_the_functions_have_these_arguments(connection: psycopg.Connection[Any]) -> None:
    query: LiteralString = "select oid::regprocedure::text from pg_proc where prokind = 'f'"

    assert set(FUNCTIONS.split()) - names(connection, query) == set()


def test_there_are_no_fewer_indexes_and_triggers_than_promised(connection: psycopg.Connection[Any]) -> None:
    indexes = names(connection, "select indexname::text from pg_indexes where schemaname in ('public', 'auth')")
    triggers = names(connection, "select tgname::text from pg_trigger where not tgisinternal")

    assert len(indexes) >= 200
    assert len(triggers) >= 40


def test_the_materialized_views_are_these_five(connection: psycopg.Connection[Any]) -> None:
    files = "".join(path.read_text(encoding="utf-8") for path in data_folder("schema").glob("*.sql"))

    assert set(re.findall(r"call ensure_materialized_view\('(\w+)'", files)) == set(VIEWS.split())
    assert names(connection, "select matviewname::text from pg_matviews") == set(VIEWS.split())


def test_the_columns_are_commented_as_the_files_say(connection: psycopg.Connection[Any]) -> None:
    """A comment that stands before finish_table() may be replaced by its own."""
    files = "".join(path.read_text(encoding="utf-8") for path in data_folder("schema").glob("*.sql"))
    written = re.findall(r"^comment on column ([a-z_.]+) is\s+((?:'(?:[^']|'')*'\s*)+);", files, re.MULTILINE)
    query = """
        select attrelid::regclass || '.' || attname, col_description(attrelid, attnum)
        from pg_attribute where attnum > 0"""
    found = dict(connection.execute(query).fetchall())

    assert len(written) > 1000
    said = {name: re.sub(r"'\s+'", "", text.strip())[1:-1].replace("''", "'") for name, text in written}
    assert [name for name, text in said.items() if found[name] != text] == []


def test_each_kind_that_a_pair_may_name_is_checked_and_cleaned_up(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute(PAIRS).fetchall()

    assert len(found) > 60
    assert [pair for pair, is_checked, _ in found if not is_checked] == []
    assert {pair.partition(":")[0] for pair, _, is_cleaned_up in found if not is_cleaned_up} == KEPT_PAIRS
