"""A valid row for every table, as the tests need them that look at all tables alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import LiteralString

from psycopg import sql

from tests.schema_world import WHEN, Row, World


def _role(slug: LiteralString) -> sql.SQL:
    """A role of somebody that has details in a table of its own."""
    return sql.SQL(
        "(select p.id from usr_profile_roles p join ref_roles r on r.id = p.role_id where r.slug = '"
        + slug
        + "' order by p.id limit 1)"
    )


def _pair(world: World, table: str, first: str, second: str) -> Row:
    return dict(zip((first, second), world.pair(table), strict=True))


def _connection(world: World) -> Row:
    first, second = world.two("profiles")
    status = world.one_of("pending", "accepted", "accepted", "declined")
    requester = world.one_of(first, second)
    return {"profile_id_1": first, "profile_id_2": second, "status": status, "requested_by": requester}


def _endorsement(world: World) -> Row:
    owner, skill = world.pair("usr_profile_skills")
    others = [person for person in world.ids["profiles"] if person != owner]
    return {"profile_skill_id": skill, "endorser_id": world.rng.choice(others)}


def _two(world: World, first: str, second: str) -> Row:
    one, other = world.two("profiles")
    return {first: one, second: other}


def _article(world: World) -> Row:
    return {"author_id": world.some("profiles"), "title": "Clean sheds", "slug": world.word()}


# In the order in which they can be made.
ROWS: dict[str, Callable[[World], Row]] = {
    "auth.users": lambda w: {"email": f"{w.word()}@example.org"},
    "profiles": lambda w: {
        "id": w.ids["auth.users"][-1], "full_name": "Asha Rao", "profile_slug": w.word(), "email": "asha@example.org"
    },
    "ref_countries": lambda w: {"code": "NP", "name": "Nepal"},
    "ref_states": lambda w: {"country_id": w.some("ref_countries"), "name": w.word(), "code": "ZZ"},
    "ref_business_types": lambda w: {"name": w.word(), "slug": w.word()},
    "ref_organization_types": lambda w: {"name": w.word(), "slug": w.word()},
    "ref_event_types": lambda w: {"name": w.word(), "slug": w.word()},
    "ref_job_categories": lambda w: {"name": w.word(), "slug": w.word()},
    "ref_skills": lambda w: {"name": w.word(), "slug": w.word()},
    "ref_notification_types": lambda w: {"name": w.word(), "slug": w.word()},
    "ref_roles": lambda w: {"name": w.word(), "slug": w.word()},
    "usr_profile_roles": lambda w: {"profile_id": w.some("profiles"), "role_id": w.some("ref_roles")},
    "usr_verifications": lambda w: {
        "profile_id": w.some("profiles"), "verification_type": w.one_of("email", "phone", "identity", "address"),
    },
    "usr_badges": lambda w: {"profile_id": w.some("profiles"), "badge_type": "expert"},
    "usr_search_appearances": lambda w: {"profile_id": w.some("profiles"), "query": "eggs"},
    "usr_leaderboards": lambda w: {"leaderboard_type": "top_experts", "period": "all_time", "starts_on": WHEN.date()},
    "usr_farmer_details": lambda w: {"profile_role_id": _role("farmer")},
    "usr_veterinarian_details": lambda w: {"profile_role_id": _role("veterinarian")},
    "usr_supplier_details": lambda w: {"profile_role_id": _role("feed-supplier")},
    "usr_consultant_details": lambda w: {"profile_role_id": _role("consultant")},
    "usr_researcher_details": lambda w: {"profile_role_id": _role("researcher")},
    "usr_nutritionist_details": lambda w: {"profile_role_id": _role("nutritionist")},
    "usr_trader_details": lambda w: {"profile_role_id": _role("trader")},
    "usr_student_details": lambda w: {"profile_role_id": _role("student")},
    "usr_government_official_details": lambda w: {"profile_role_id": _role("government-official")},
    "usr_experiences": lambda w: {
        "profile_id": w.some("profiles"), "company_name": "Farm", "title": "Manager", "start_date": WHEN.date()
    },
    "usr_education": lambda w: {"profile_id": w.some("profiles"), "institution_name": "TANUVAS", "degree": "BVSc"},
    "usr_certifications": lambda w: {
        "profile_id": w.some("profiles"), "name": "HACCP", "issuing_organization": "FSSAI", "issue_date": WHEN.date()
    },
    "usr_publications": lambda w: {"profile_id": w.some("profiles"), "title": "On shells"},
    "usr_awards": lambda w: {
        "profile_id": w.some("profiles"), "title": "Egg of the year", "issuer": "NECC", "issue_date": WHEN.date()
    },
    "usr_languages": lambda w: {"profile_id": w.some("profiles"), "language": w.word(), "proficiency": "native"},
    "usr_profile_skills": lambda w: {"profile_id": w.some("profiles"), "skill_id": w.some("ref_skills")},
    "usr_skill_endorsements": _endorsement,
    "usr_skill_recommendations": lambda w: _two(w, "profile_id", "recommender_id") | {"content": "She knows hens"},
    "usr_skill_assessments": lambda w: {"profile_skill_id": w.some("usr_profile_skills"), "assessment_type": "quiz"},
    "biz_profiles": lambda w: {
        "owner_id": w.some("profiles"), "business_name": "Rao Layers", "business_slug": w.word(),
        "business_type_id": w.some("ref_business_types"),
    },
    "biz_locations": lambda w: {
        "business_id": w.some("biz_profiles"), "name": "Farm", "type": "branch", "address": "Road 1", "city": "Pune",
        "state": "Maharashtra",
    },
    "biz_service_areas": lambda w: {"business_id": w.some("biz_profiles"), "state": w.word()},
    "biz_team_members": lambda w: {
        "business_id": w.some("biz_profiles"), "profile_id": w.some("profiles"), "role": "Manager"
    },
    "biz_contact_persons": lambda w: {"business_id": w.some("biz_profiles"), "name": "Usha Rao"},
    "biz_certifications": lambda w: {
        "business_id": w.some("biz_profiles"), "name": "Licence", "issuing_authority": "FSSAI",
        "issue_date": WHEN.date(),
    },
    "biz_farm_details": lambda w: {"business_id": w.some("biz_profiles")},
    "biz_supplier_details": lambda w: {"business_id": w.some("biz_profiles")},
    "org_profiles": lambda w: {
        "created_by": w.some("profiles"), "organization_name": "Egg Farmers", "organization_slug": w.word(),
        "organization_type_id": w.some("ref_organization_types"),
    },
    "org_offices": lambda w: {
        "organization_id": w.some("org_profiles"), "name": "Office", "type": "regional", "address": "Road 1",
        "city": "Pune", "state": "Maharashtra",
    },
    "org_leadership": lambda w: {
        "organization_id": w.some("org_profiles"), "profile_id": w.some("profiles"), "position": "President",
        "start_date": WHEN.date(),
    },
    "org_membership_tiers": lambda w: {"organization_id": w.some("org_profiles"), "name": w.word()},
    "org_members": lambda w: w.which("member", "individual", "business") | {
        "organization_id": w.some("org_profiles"), "status": w.one_of("active", "active", "suspended")
    },
    "org_membership_applications": lambda w: w.which("applicant", "individual", "business") | {
        "organization_id": w.some("org_profiles")
    },
    "org_member_invitations": lambda w: {
        "organization_id": w.some("org_profiles"), "invited_by": w.some("profiles"),
        "invitee_email": "usha@example.org", "token_hash": f"{w.rng.getrandbits(256):064x}",
        "expires_at": dt.datetime(2999, 1, 1, tzinfo=dt.UTC),
    },
    "org_committees": lambda w: {"organization_id": w.some("org_profiles"), "name": w.word()},
    "org_committee_members": lambda w: _pair(w, "org_members", "organization_id", "member_id") | {
        "committee_id": w.some("org_committees"), "role": "Treasurer", "start_date": WHEN.date()
    },
    "org_resources": lambda w: {
        "organization_id": w.some("org_profiles"), "title": "Rules", "type": "document",
        "file_url": "https://example.org/rules.pdf",
    },
    "org_announcements": lambda w: {"organization_id": w.some("org_profiles"), "title": "AGM", "content": "Come"},
    "soc_posts": lambda w: w.which("author") | {"content": "Rates are up"},
    "soc_post_likes": lambda w: {"post_id": w.some("soc_posts"), "profile_id": w.some("profiles")},
    "soc_post_comments": lambda w: {
        "post_id": w.some("soc_posts"), "profile_id": w.some("profiles"), "content": "Here too"
    },
    "soc_comment_likes": lambda w: {"comment_id": w.some("soc_post_comments"), "profile_id": w.some("profiles")},
    "soc_post_bookmarks": lambda w: {"post_id": w.some("soc_posts"), "profile_id": w.some("profiles")},
    "soc_post_reports": lambda w: {
        "post_id": w.some("soc_posts"), "reporter_id": w.some("profiles"), "reason": "spam"
    },
    "soc_poll_votes": lambda w: {
        "post_id": sql.SQL("(select id from soc_posts where post_type = 'poll' order by id limit 1)"),
        "profile_id": w.some("profiles"), "option_index": 1,
    },
    "soc_blocks": lambda w: _two(w, "blocker_id", "blocked_id"),  # it would part those who are connected
    "soc_connections": _connection,
    "soc_follows": lambda w: w.which("follower") | w.which("following"),
    "soc_connection_suggestions": lambda w: _two(w, "profile_id", "suggested_profile_id") | {"reason": "algorithm"},
    "msg_conversations": lambda w: {"is_group": True, "group_name": "Layers", "created_by": w.some("profiles")},
    "msg_participants": lambda w: {
        "conversation_id": w.some("msg_conversations"), "user_id": w.some("profiles")
    },
    "msg_messages": lambda w: _pair(w, "msg_participants", "conversation_id", "sender_id") | {"content": w.word()},
    "msg_reactions": lambda w: {
        "message_id": w.some("msg_messages"), "user_id": w.some("profiles"), "reaction": "like"
    },
    "msg_read_receipts": lambda w: {"message_id": w.some("msg_messages"), "user_id": w.some("profiles")},
    "evt_events": lambda w: w.which("organizer") | {
        "title": "Layer Meet", "event_type_id": w.some("ref_event_types"), "starts_at": WHEN,
        "ends_at": WHEN + dt.timedelta(hours=2), "status": w.one_of("draft", "published", "published"),
    },
    "evt_attendees": lambda w: {
        "event_id": w.some("evt_events"), "profile_id": w.some("profiles"), "rsvp": w.one_of("going", "interested"),
    },
    "evt_cohosts": lambda w: w.which("cohost") | {"event_id": w.some("evt_events")},
    "evt_speakers": lambda w: {"event_id": w.some("evt_events"), "speaker_name": "Usha Rao"},
    "evt_sponsors": lambda w: {"event_id": w.some("evt_events"), "business_id": w.some("biz_profiles")},
    "evt_updates": lambda w: {"event_id": w.some("evt_events"), "title": "News", "content": "The hall is larger"},
    "ntf_notifications": lambda w: w.which("actor") | {
        "recipient_id": w.some("profiles"), "notification_type_id": w.some("ref_notification_types"),
        "title": "Hello", "message": "A word",
    },
    "ntf_queue": lambda w: {"notification_id": w.some("ntf_notifications"), "delivery_method": "push"},
    "ntf_templates": lambda w: {
        "name": w.word(), "notification_type_id": w.some("ref_notification_types"), "title_template": "Hello",
        "message_template": "A word",
    },
    "res_categories": lambda w: {"name": w.word(), "slug": w.word()},
    "res_resources": _article,
    "res_likes": lambda w: {"resource_id": w.some("res_resources"), "profile_id": w.some("profiles")},
    "res_bookmarks": lambda w: {"resource_id": w.some("res_resources"), "profile_id": w.some("profiles")},
    "res_views": lambda w: {"resource_id": w.some("res_resources"), "profile_id": w.some("profiles")},
    "res_comments": lambda w: {
        "resource_id": w.some("res_resources"), "profile_id": w.some("profiles"), "content": "Thanks"
    },
    "res_comment_likes": lambda w: {"comment_id": w.some("res_comments"), "profile_id": w.some("profiles")},
    "anl_profile_views": lambda w: w.which("viewed"),
    "anl_search_queries": lambda w: {"profile_id": w.some("profiles"), "query_text": "eggs"},
    "anl_activity_log": lambda w: {"profile_id": w.some("profiles"), "activity_type": "login"},
    "anl_engagement_metrics": lambda w: w.which("entity") | {"metric_date": WHEN.date()},
    "anl_platform_metrics": lambda w: {"metric_date": WHEN.date()},
    "anl_referrals": lambda w: _two(w, "referrer_id", "referred_id") | {"code": "ASHA-1"},
    "nec_zones": lambda w: {"name": w.word(), "slug": w.word(), "zone_type": "production_center", "state": "Goa"},
    "nec_zone_aliases": lambda w: {"alias": w.word(), "zone_id": w.some("nec_zones")},
    "nec_scraper_logs": lambda w: {"execution_id": w.word(), "mode": "MANUAL"},
    "nec_source_pages": lambda w: {
        "url": "http://127.0.0.1/", "report": "daily", "year": 2024, "month": 1, "fetched_at": WHEN,
        "sha256": f"{w.rng.getrandbits(256):064x}", "body": b"x", "outcome": "stored",
    },
    "nec_prices": lambda w: {
        "zone_id": w.some("nec_zones"), "date": WHEN.date(), "suggested_price": 510, "suggested_source": "imported"
    },
    "nec_price_revisions": lambda w: {
        "zone_id": w.some("nec_zones"), "date": WHEN.date(), "section": "suggested", "old_price": 500, "new_price": 510
    },
    "nec_price_problems": lambda w: {"raw_label": "Pune", "raw_text": "5", "rule": "jump", "verdict": "rejected"},
    "nec_annotations": lambda w: {
        "author_id": w.some("profiles"), "date": WHEN.date(), "title": "Heat", "content": "Fewer eggs"
    },
    "nec_annotation_likes": lambda w: {"annotation_id": w.some("nec_annotations"), "profile_id": w.some("profiles")},
    "nec_annotation_metadata": lambda w: {"annotation_id": w.some("nec_annotations")},
    "nec_model_runs": lambda w: {
        "model_name": "ridge", "model_version": "1", "training_from": WHEN.date(), "training_cutoff": WHEN.date(),
        "horizons_days": [1],
    },
    "nec_predictions": lambda w: {
        "zone_id": w.some("nec_zones"), "section": "suggested", "target_date": dt.date(2025, 1, 12),
        "issued_on": dt.date(2025, 1, 10), "model_run_id": w.some("nec_model_runs"), "model_name": "ridge",
        "model_version": "1",
    } | dict.fromkeys(("predicted_price", "lower_80", "upper_80", "lower_95", "upper_95", "naive_price"), 500),
    "adm_roles": lambda w: {"name": w.word(), "slug": w.word(), "permissions": "{}", "level": 3},
    "adm_users": lambda w: {"profile_id": w.some("profiles"), "role_id": w.some("adm_roles")},
    "adm_moderation_queue": lambda w: w.which("content", "post") | {"reason": "Spam"},
    "adm_banned_users": lambda w: {"profile_id": w.some("profiles"), "reason": "Spam", "ban_type": "permanent"},
    "adm_actions_log": lambda w: {"admin_name": "Asha Rao", "action_type": "other", "description": "Looked"},
    "adm_system_settings": lambda w: {"key": w.word(), "value": "1", "category": "limits"},
    "adm_background_jobs": lambda w: {"job_name": "refresh"},
    "job_postings": lambda w: w.which("employer", "business", "organization") | {
        "posted_by": w.some("profiles"), "title": "Farm manager", "description": "Look after hens",
        "category_id": w.some("ref_job_categories"), "job_type": "full_time",
    },
    "job_applications": lambda w: {"job_id": w.some("job_postings"), "applicant_id": w.some("profiles")},
    "job_bookmarks": lambda w: {"job_id": w.some("job_postings"), "profile_id": w.some("profiles")},
    "mkt_categories": lambda w: {"name": w.word(), "slug": w.word()},
    "mkt_products": lambda w: {
        "seller_id": w.some("biz_profiles"), "name": "Feed", "slug": w.word(), "price": 10,
        "category_id": w.some("mkt_categories"), "status": w.one_of("draft", "published", "published"),
    },
    "mkt_product_reviews": lambda w: {
        "product_id": w.some("mkt_products"), "reviewer_id": w.some("profiles"), "rating": w.rng.randint(1, 5),
        "is_approved": w.one_of(True, True, False),
    },
    "mkt_orders": lambda w: {
        "buyer_id": w.some("profiles"), "order_number": w.word().upper(), "status": w.one_of("pending", "cancelled")
    },
    "mkt_order_items": lambda w: {
        "order_id": w.some("mkt_orders"), "product_id": w.some("mkt_products"), "quantity": 2, "unit_price": 10,
        "product_snapshot": "{}",
    },
    "tags": lambda w: {"name": w.word(), "slug": w.word()},
    "media_uploads": lambda w: {
        "uploaded_by": w.some("profiles"), "file_name": "hen.jpg", "file_url": "https://example.org/hen.jpg",
        "media_type": "image",
    },
    "saved_searches": lambda w: {
        "profile_id": w.some("profiles"), "name": w.word(), "search_type": "people", "query": "hens"
    },
    "feedback": lambda w: {
        "profile_id": w.some("profiles"), "feedback_type": "praise", "subject": "Thanks", "message": "Well done"
    },
    "email_queue": lambda w: {"to_email": "asha@example.org", "subject": "Hello", "body_text": "A word"},
    "audit_log": lambda w: {
        "profile_id": w.some("profiles"), "table_name": "adm_roles", "operation": "INSERT", "new_data": "{}"
    },
}  # fmt: skip
