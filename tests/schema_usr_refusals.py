"""Statements that the tables about people must refuse, each with the constraint that does it.

`%(p)s` is a person with a role of each kind, a job and one skill; `%(o)s` is somebody else.
"""

from __future__ import annotations

from tests.schema_usr_rows import Refusals

PROFILES: Refusals = (
    (
        "uq_usr_badges_profile_type_level",
        "insert into usr_badges (profile_id, badge_type) values (%(p)s, 'mentor'), (%(p)s, 'mentor')",
    ),
    ("ck_usr_badges_badge_type", "insert into usr_badges (profile_id, badge_type) values (%(p)s, 'saint')"),
    (
        "ck_usr_badges_badge_level",
        "insert into usr_badges (profile_id, badge_type, badge_level) values (%(p)s, 'mentor', 4)",
    ),
    (
        "ck_usr_verifications_reviewed",
        "insert into usr_verifications (profile_id, verification_type, status) values (%(p)s, 'email', 'approved')",
    ),
    (
        "ck_usr_verifications_reviewed",
        "insert into usr_verifications (profile_id, verification_type, reviewed_at) values (%(p)s, 'email', now())",
    ),
    (
        "ck_usr_verifications_rejection_reason",
        "insert into usr_verifications (profile_id, verification_type, rejection_reason) values (%(p)s, 'email', 'x')",
    ),
    (
        "ck_usr_verifications_reviewed_by",
        "insert into usr_verifications (profile_id, verification_type, reviewed_by) values (%(p)s, 'email', %(p)s)",
    ),
    (
        "ck_usr_verifications_verification_type",
        "insert into usr_verifications (profile_id, verification_type) values (%(p)s, 'shoe size')",
    ),
    (
        "ck_usr_profile_roles_verified",
        "insert into usr_profile_roles (profile_id, role_id, is_verified) select %(p)s, id, true from ref_roles",
    ),
    (
        "ck_usr_profile_roles_verified",
        "insert into usr_profile_roles (profile_id, role_id, verified_by) select %(p)s, id, %(p)s from ref_roles",
    ),
    ("ck_usr_privacy_settings_profile_visibility", "update usr_privacy_settings set profile_visibility = 'friends'"),
    ("ck_usr_privacy_settings_allow_messages_from", "update usr_privacy_settings set allow_messages_from = 'public'"),
    ("ck_usr_preferences_theme", "update usr_preferences set theme = 'pink'"),
    ("ck_usr_preferences_preferred_language", "update usr_preferences set preferred_language = 'English'"),
    ("ck_usr_preferences_preferred_timezone", "update usr_preferences set preferred_timezone = 'half past five'"),
    ("ck_usr_stats_posts_count", "update usr_stats set posts_count = -1"),
    ("ck_usr_search_appearances_query", "insert into usr_search_appearances (profile_id, query) values (%(p)s, ' ')"),
    (
        "ck_usr_search_appearances_position",
        "insert into usr_search_appearances (profile_id, query, position) values (%(p)s, 'eggs', 0)",
    ),
    (
        "ck_usr_search_appearances_filters",
        "insert into usr_search_appearances (profile_id, query, filters) values (%(p)s, 'eggs', '[]')",
    ),
    (
        "ck_usr_leaderboards_ends_on",
        """insert into usr_leaderboards (leaderboard_type, period, starts_on)
        values ('rising_stars', 'daily', '2024-01-01')""",
    ),
    (
        "ck_usr_leaderboards_ends_on",
        """insert into usr_leaderboards (leaderboard_type, period, starts_on, ends_on)
        values ('rising_stars', 'weekly', '2024-01-07', '2024-01-01')""",
    ),
    (
        "ck_usr_leaderboards_ends_on",
        """insert into usr_leaderboards (leaderboard_type, period, starts_on, ends_on)
        values ('rising_stars', 'all_time', '2024-01-01', '2024-01-01')""",
    ),
    (
        "ck_usr_leaderboards_rankings",
        """insert into usr_leaderboards (leaderboard_type, period, starts_on, rankings)
        values ('rising_stars', 'all_time', '2024-01-01', '{}')""",
    ),
    (
        "uq_usr_leaderboards_type_period_start",
        """insert into usr_leaderboards (leaderboard_type, period, starts_on)
        values ('rising_stars', 'all_time', '2024-01-01'), ('rising_stars', 'all_time', '2024-01-01')""",
    ),
    ("ck_ref_roles_category", "insert into ref_roles (name, slug, category) values ('x', 'x', 'tertiary')"),
    ("ck_ref_roles_permissions", "insert into ref_roles (name, slug, permissions) values ('x', 'x', '[]')"),
)

DETAILS: Refusals = (
    ("ck_usr_farmer_details_bird_capacity", "update usr_farmer_details set bird_capacity = -1"),
    ("ck_usr_farmer_details_farm_size", "update usr_farmer_details set farm_size = 5"),  # of what?
    ("ck_usr_farmer_details_farm_size", "update usr_farmer_details set farm_size = -5, farm_size_unit = 'acres'"),
    ("ck_usr_farmer_details_farm_type", "update usr_farmer_details set farm_type = 'ducks'"),
    ("ck_usr_farmer_details_farming_since", "update usr_farmer_details set farming_since = 'infinity'"),
    ("ck_usr_veterinarian_details_practice_type", "update usr_veterinarian_details set practice_type = 'zoo'"),
    ("ck_usr_veterinarian_details_service_radius", "update usr_veterinarian_details set service_radius_km = -1"),
    ("ck_usr_supplier_details_gst_number", "update usr_supplier_details set gst_number = '33AAAAA0000A1Y5'"),
    ("ck_usr_supplier_details_minimum_order_value", "update usr_supplier_details set minimum_order_value = -0.01"),
    ("ck_usr_consultant_details_daily_rate", "update usr_consultant_details set daily_rate = -1"),
    ("ck_usr_researcher_details_publications_count", "update usr_researcher_details set publications_count = -1"),
    ("ck_usr_nutritionist_details_years_experience", "update usr_nutritionist_details set years_experience = 101"),
    ("ck_usr_trader_details_monthly_volume", "update usr_trader_details set monthly_volume = 100"),  # of what?
    ("ck_usr_student_details_degree", "update usr_student_details set degree = ' '"),
    (
        "ck_usr_government_official_details_office_phone",
        "update usr_government_official_details set office_phone = 'ask'",
    ),
)

SKILL = "(select id from usr_profile_skills where profile_id = %(p)s)"

LISTS_AND_SKILLS: Refusals = (
    ("ck_usr_experiences_end_date", "update usr_experiences set end_date = '2019-12-31'"),
    ("ck_usr_experiences_start_date", "update usr_experiences set start_date = '-infinity'"),
    ("ck_usr_experiences_title", "update usr_experiences set title = ' '"),
    ("ck_usr_experiences_employment_type", "update usr_experiences set employment_type = 'volunteer'"),
    ("ck_usr_experiences_description", "update usr_experiences set description = repeat('x', 2001)"),
    (
        "ck_usr_education_end_date",
        """insert into usr_education (profile_id, institution_name, degree, start_date, end_date)
        values (%(p)s, 'x', 'x', '2020-01-02', '2020-01-01')""",
    ),
    (
        "ck_usr_education_is_current",
        """insert into usr_education (profile_id, institution_name, degree, end_date, is_current)
        values (%(p)s, 'x', 'x', '2020-01-01', true)""",
    ),
    (
        "ck_usr_certifications_is_permanent",
        """insert into usr_certifications
            (profile_id, name, issuing_organization, issue_date, expiry_date, is_permanent)
        values (%(p)s, 'x', 'x', '2020-01-01', '2021-01-01', true)""",
    ),
    (
        "ck_usr_certifications_expiry_date",
        """insert into usr_certifications (profile_id, name, issuing_organization, issue_date, expiry_date)
        values (%(p)s, 'x', 'x', '2020-01-02', '2020-01-01')""",
    ),
    (
        "ck_usr_certifications_verified",
        """insert into usr_certifications (profile_id, name, issuing_organization, issue_date, is_verified)
        values (%(p)s, 'x', 'x', '2020-01-01', true)""",
    ),
    (
        "ck_usr_certifications_credential_url",
        """insert into usr_certifications (profile_id, name, issuing_organization, issue_date, credential_url)
        values (%(p)s, 'x', 'x', '2020-01-01', 'javascript:alert(1)')""",
    ),
    (
        "ck_usr_publications_publication_type",
        "insert into usr_publications (profile_id, title, publication_type) values (%(p)s, 'x', 'tweet')",
    ),
    (
        "ck_usr_publications_doi",
        "insert into usr_publications (profile_id, title, doi) values (%(p)s, 'x', 'https://doi.org/10.1000/182')",
    ),
    ("ck_usr_publications_isbn", "insert into usr_publications (profile_id, title, isbn) values (%(p)s, 'x', '12')"),
    (
        "ck_usr_publications_citation_count",
        "insert into usr_publications (profile_id, title, citation_count) values (%(p)s, 'x', -1)",
    ),
    (
        "ck_usr_awards_issuer",
        "insert into usr_awards (profile_id, title, issuer, issue_date) values (%(p)s, 'x', ' ', '2020-01-01')",
    ),
    (
        "uq_usr_languages_profile_language",
        """insert into usr_languages (profile_id, language, proficiency)
        values (%(p)s, 'Tamil', 'native'), (%(p)s, 'TAMIL', 'elementary')""",
    ),
    (
        "ck_usr_languages_proficiency",
        "insert into usr_languages (profile_id, language, proficiency) values (%(p)s, 'Tamil', 'good')",
    ),
    (
        "uq_usr_profile_skills_profile_skill",
        "insert into usr_profile_skills (profile_id, skill_id) select profile_id, skill_id from usr_profile_skills",
    ),
    ("ck_usr_profile_skills_proficiency", "update usr_profile_skills set proficiency = 'master'"),
    ("ck_usr_profile_skills_years_experience", "update usr_profile_skills set years_experience = -1"),
    (
        "ck_usr_skill_endorsements_endorser",
        f"insert into usr_skill_endorsements (profile_skill_id, endorser_id) values ({SKILL}, %(p)s)",
    ),
    (
        "ck_usr_skill_endorsements_endorser",
        f"""insert into usr_skill_endorsements (profile_skill_id, profile_id, endorser_id)
        values ({SKILL}, gen_random_uuid(), %(p)s)""",
    ),  # the owner is not the caller's to say
    (
        "uq_usr_skill_endorsements_skill_endorser",
        f"insert into usr_skill_endorsements (profile_skill_id, endorser_id) values ({SKILL}, %(o)s), ({SKILL}, %(o)s)",
    ),
    (
        "ck_usr_skill_endorsements_relationship",
        f"""insert into usr_skill_endorsements (profile_skill_id, endorser_id, relationship)
        values ({SKILL}, %(o)s, 'aunt')""",
    ),
    (
        "fk_usr_skill_endorsements_profile_skill",
        "insert into usr_skill_endorsements (profile_skill_id, endorser_id) values (gen_random_uuid(), %(o)s)",
    ),
    (
        "ck_usr_skill_recommendations_recommender",
        "insert into usr_skill_recommendations (profile_id, recommender_id, content) values (%(p)s, %(p)s, 'x')",
    ),
    (
        "uq_usr_skill_recommendations_profile_recommender",
        """insert into usr_skill_recommendations (profile_id, recommender_id, content)
        values (%(p)s, %(o)s, 'x'), (%(p)s, %(o)s, 'y')""",
    ),
    (
        "ck_usr_skill_recommendations_accepted_at",
        """insert into usr_skill_recommendations (profile_id, recommender_id, content, status)
        values (%(p)s, %(o)s, 'x', 'accepted')""",
    ),
    (
        "ck_usr_skill_assessments_score",
        f"""insert into usr_skill_assessments (profile_skill_id, assessment_type, score)
        values ({SKILL}, 'quiz', 100.01)""",
    ),
    (
        "ck_usr_skill_assessments_assessment_type",
        f"insert into usr_skill_assessments (profile_skill_id, assessment_type) values ({SKILL}, 'guess')",
    ),
    (
        "ck_usr_skill_assessments_expires_at",
        f"""insert into usr_skill_assessments (profile_skill_id, assessment_type, expires_at)
        values ({SKILL}, 'quiz', '2020-01-01')""",
    ),
)
