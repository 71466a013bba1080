"""A second opinion on every counter and every derived column: each rule is a query for the rows that are wrong.

Nothing here reads the declarations of the schema: a rule says once more, in its own words, what is to be counted.
"""

from __future__ import annotations

import re
from typing import LiteralString

from tests.schema_rows import Connection
from tests.schema_world import KINDS

# table.counter -> the table's key, and one row with the key for each row that counts
COUNTERS: dict[str, tuple[LiteralString, LiteralString]] = {
    "profiles.connections_count": (
        "id",
        """select profile_id_1 from soc_connections where status = 'accepted'
            union all select profile_id_2 from soc_connections where status = 'accepted'""",
    ),
    "profiles.followers_count": ("id", "select following_id from soc_follows where following_type = 'individual'"),
    "profiles.following_count": ("id", "select follower_id from soc_follows where follower_type = 'individual'"),
    "biz_profiles.followers_count": ("id", "select following_id from soc_follows where following_type = 'business'"),
    "org_profiles.followers_count": (
        "id",
        "select following_id from soc_follows where following_type = 'organization'",
    ),
    "usr_profile_skills.endorsements_count": ("id", "select profile_skill_id from usr_skill_endorsements"),
    "ref_skills.usage_count": ("id", "select skill_id from usr_profile_skills"),
    "usr_stats.posts_count": (
        "profile_id",
        "select author_id from soc_posts where author_type = 'individual' and not is_deleted",
    ),
    "usr_stats.comments_count": ("profile_id", "select profile_id from soc_post_comments where not is_deleted"),
    "usr_stats.likes_given_count": ("profile_id", "select profile_id from soc_post_likes"),
    "usr_stats.likes_received_count": (
        "profile_id",
        """select p.author_id from soc_post_likes l join soc_posts p on p.id = l.post_id
            where p.author_type = 'individual'""",
    ),
    "usr_stats.profile_views_count": (
        "profile_id",
        "select viewed_id from anl_profile_views where viewed_type = 'individual'",
    ),
    "usr_stats.search_appearances_count": ("profile_id", "select profile_id from usr_search_appearances"),
    "usr_stats.endorsements_received_count": (
        "profile_id",
        "select s.profile_id from usr_skill_endorsements e join usr_profile_skills s on s.id = e.profile_skill_id",
    ),
    "usr_stats.recommendations_received_count": (
        "profile_id",
        "select profile_id from usr_skill_recommendations where status = 'accepted'",
    ),
    "biz_stats.posts_count": (
        "business_id",
        "select author_id from soc_posts where author_type = 'business' and not is_deleted",
    ),
    "biz_stats.profile_views_count": (
        "business_id",
        "select viewed_id from anl_profile_views where viewed_type = 'business'",
    ),
    "biz_profiles.team_members_count": ("id", "select business_id from biz_team_members where is_active"),
    "biz_profiles.products_count": ("id", "select seller_id from mkt_products where status = 'published'"),
    "org_stats.posts_count": (
        "organization_id",
        "select author_id from soc_posts where author_type = 'organization' and not is_deleted",
    ),
    "org_stats.profile_views_count": (
        "organization_id",
        "select viewed_id from anl_profile_views where viewed_type = 'organization'",
    ),
    "org_stats.resources_count": ("organization_id", "select organization_id from org_resources"),
    "org_stats.individual_members_count": (
        "organization_id",
        "select organization_id from org_members where status = 'active' and member_type = 'individual'",
    ),
    "org_stats.business_members_count": (
        "organization_id",
        "select organization_id from org_members where status = 'active' and member_type = 'business'",
    ),
    "org_profiles.members_count": ("id", "select organization_id from org_members where status = 'active'"),
    "org_profiles.events_count": (
        "id",
        "select organizer_id from evt_events where organizer_type = 'organization' and status = 'published'",
    ),
    "nec_annotations.likes_count": ("id", "select annotation_id from nec_annotation_likes"),
    "soc_posts.likes_count": ("id", "select post_id from soc_post_likes"),
    "soc_posts.comments_count": ("id", "select post_id from soc_post_comments where not is_deleted"),
    "soc_posts.shares_count": ("id", "select shared_post_id from soc_posts where not is_deleted"),
    "soc_post_comments.likes_count": ("id", "select comment_id from soc_comment_likes"),
    "evt_events.attendees_count": ("id", "select event_id from evt_attendees where rsvp = 'going'"),
    "evt_events.interested_count": ("id", "select event_id from evt_attendees where rsvp = 'interested'"),
    "res_resources.views_count": ("id", "select resource_id from res_views"),
    "res_resources.likes_count": ("id", "select resource_id from res_likes"),
    "res_resources.bookmarks_count": ("id", "select resource_id from res_bookmarks"),
    "res_resources.comments_count": ("id", "select resource_id from res_comments where not is_deleted"),
    "res_comments.likes_count": ("id", "select comment_id from res_comment_likes"),
    "job_postings.applications_count": ("id", "select job_id from job_applications where status <> 'withdrawn'"),
    "mkt_products.reviews_count": ("id", "select product_id from mkt_product_reviews where is_approved"),
    "mkt_products.orders_count": (
        "id",
        """select distinct i.product_id, o.id from mkt_order_items i join mkt_orders o on o.id = i.order_id
            where o.status <> 'cancelled'""",
    ),
    "msg_participants.unread_count": (
        "id",
        """select p.id from msg_participants p join msg_messages m on m.conversation_id = p.conversation_id
            where m.seq_no > p.last_read_seq_no and m.seq_no > p.joined_seq_no and not m.is_deleted_for_everyone
                and (m.sender_id is null or m.sender_id <> p.user_id)""",
    ),
}
# No rows feed these: functions count them up, or somebody writes them as they are.
NOT_COUNTED = re.compile(
    r"anl_(engagement|platform)_metrics\.|anl_search_queries\.results|nec_(model_runs|scraper_logs|source_pages)\."
    r"|(soc_posts|evt_events|job_postings|mkt_products|org_announcements)\.views|org_resources\.downloads"
    r"|res_resources\.shares|usr_publications\.citation|usr_researcher_details\.publications"
)
# These pairs x_type, x_id tell what happened, also to what is gone.
LOGS = {"adm_actions_log.target"}
DERIVED: dict[str, LiteralString] = {
    "usr_completeness_checks": """
        select p.id, c.* from profiles p left join usr_completeness_checks c on c.profile_id = p.id
        where (c.has_photo, c.has_headline, c.has_bio, c.has_experience, c.has_education, c.has_skills,
            c.has_connections, c.has_posts, c.has_endorsements) is distinct from (
            p.profile_photo_url ~ '[^ ]' is true, p.headline ~ '[^ ]' is true, p.bio ~ '[^ ]' is true,
            p.id in (select profile_id from usr_experiences), p.id in (select profile_id from usr_education),
            p.id in (select profile_id from usr_profile_skills),
            p.id in (select unnest(array[profile_id_1, profile_id_2]) from soc_connections where status = 'accepted'),
            p.id in (select author_id from soc_posts where author_type = 'individual' and not is_deleted),
            p.id in (select s.profile_id from usr_profile_skills s
                join usr_skill_endorsements e on e.profile_skill_id = s.id))
            or c.completeness_score <> 100 - case when c.has_photo then 0 else 10 end
                - case when c.has_headline then 0 else 10 end - case when c.has_bio then 0 else 10 end
                - case when c.has_experience then 0 else 15 end - case when c.has_education then 0 else 15 end
                - case when c.has_skills then 0 else 10 end - case when c.has_connections then 0 else 10 end
                - case when c.has_posts then 0 else 10 end - case when c.has_endorsements then 0 else 10 end""",
    "profiles.verification_level": """
        select p.id, p.verification_level, v.kinds
        from profiles p cross join lateral (
            select count(distinct verification_type) as kinds from usr_verifications
            where profile_id = p.id and status = 'approved') v
        where p.verification_level <> case v.kinds when 0 then 'basic' when 1 then 'verified' when 2 then 'verified'
            else 'trusted' end""",
    "profiles.profile_strength": """
        select id, profile_strength, calculate_profile_strength(id) from profiles
        where profile_strength <> calculate_profile_strength(id)""",
    "mkt_products.rating_avg": """
        select p.id, p.rating_avg
        from mkt_products p left join mkt_product_reviews r on r.product_id = p.id and r.is_approved
        group by p.id
        having p.rating_avg <> coalesce(round(sum(r.rating)::numeric / nullif(count(r.rating), 0), 2), 0)""",
    "mkt_order_items.is_cancelled": """
        select i.id from mkt_order_items i join mkt_orders o on o.id = i.order_id
        where i.is_cancelled <> (o.status = 'cancelled')""",
    "soc_posts.is_flagged": """
        select id from soc_posts
        where is_flagged <> (id in (select post_id from soc_post_reports where status = 'pending'))""",
    "msg_conversations.last_message": """
        select c.id, c.last_message_preview, m.content
        from msg_conversations c
        left join lateral (
            select * from msg_messages where conversation_id = c.id and not is_deleted
            order by created_at desc, seq_no desc limit 1) m on true
        where (c.last_message_at, c.last_message_preview) is distinct from
            (m.created_at,
                case when m.content ~ '[^ ]' then left(btrim(m.content), 200) else '[' || m.type || ']' end)""",
    "msg_conversations.last_seq_no": """
        select c.id from msg_conversations c join msg_messages m on m.conversation_id = c.id
        where m.seq_no > c.last_seq_no""",
    "companions": """
        select id from profiles where id not in (select profile_id from usr_stats)
            or id not in (select profile_id from usr_preferences) or id not in (select profile_id from ntf_preferences)
            or id not in (select profile_id from usr_privacy_settings)
        union all select id from biz_profiles where id not in (select business_id from biz_stats)
            or id not in (select business_id from biz_contact_info)
        union all select id from org_profiles where id not in (select organization_id from org_stats)
            or id not in (select organization_id from org_contact_info)""",
}


def _recount(counter: str) -> str:
    key, rows = COUNTERS[counter]
    table, column = counter.split(".")
    return f"""
        select p.{key}, p.{column}, coalesce(c.number, 0) from {table} p
        left join (select owner, count(*) as number from ({rows}) r (owner) group by owner) c on c.owner = p.{key}
        where p.{column} <> coalesce(c.number, 0)"""


RULES: dict[str, str] = {counter: _recount(counter) for counter in COUNTERS} | DERIVED
_ALL = " union all ".join(
    f"select '{name}', array_agg(o::text) from ({query}) o having count(*) > 0" for name, query in RULES.items()
)


def offenders(connection: Connection) -> dict[str, list[str]]:
    """The rows that are wrong, by rule."""
    return dict(connection.execute(_ALL.encode()).fetchall())


def danglers(connection: Connection) -> list[str]:
    """The pairs x_type, x_id of rows that refer to something that is gone; a log may, and what is in the trash."""
    pairs = connection.execute(
        """select t.attrelid::regclass::text, left(t.attname, -5), exists (
                select from pg_attribute d where d.attrelid = t.attrelid and d.attname = 'is_deleted')
            from pg_attribute t
            join pg_attribute i on i.attrelid = t.attrelid and i.attname = left(t.attname, -5) || '_id'
            join pg_class c on c.oid = t.attrelid
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and t.attname ~ '_type$'
                and i.atttypid = 'uuid'::regtype
                and not exists (
                    select from pg_constraint k
                    where k.conrelid = c.oid and k.contype = 'f' and i.attnum = any (k.conkey))"""
    ).fetchall()
    assert len(pairs) > 10
    question = " union all ".join(
        f"select '{table}.{pair}: {kind} ' || {pair}_id from {table} r where {pair}_type = '{kind}'"
        f" and not exists (select from {referred} t where t.id = r.{pair}_id)"
        + (" and not is_deleted" if trash else "")
        for table, pair, trash in pairs
        if f"{table}.{pair}" not in LOGS
        for kind, referred in KINDS.items()
    )
    return [row[0] for row in connection.execute(question.encode()).fetchall()]
