-- 999_functions.sql: what stands on all modules
--
-- Purpose  search, feed, recommendations, statistics, the three lists of the day, upkeep and recounts.
-- Grain    mv_popular_posts: one row per post; mv_trending_resources: one per resource; mv_active_users: one per profile.
-- Needs    all files before it.
-- Applied  again and again: a second pass changes nothing.
--
-- A limit that is missing is 20 (10 for recommendations) and never beyond 1..100; an offset is never below 0. An id that
-- is missing or unknown finds nothing. Days are days in India.

-- ---------------------------------------------------------------------------------------------
-- Small rules. The two validators are for forms, before anything is stored. The tables ask for less: something on both
-- sides of an @, and a phone number of any country or office, so that what Cognito let in is never refused here.

create or replace function is_valid_email(p_email text) returns boolean
language sql immutable strict parallel safe
as $$
    select length(p_email) <= 254
        and p_email ~ '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$'
        and p_email !~ '\n'
$$;
comment on function is_valid_email(text) is
    'Whether a text is an e-mail address as people write it: one @, no dot at an end or beside another, a top-level domain of'
    ' two letters or more, 254 characters at most; NULL for NULL.';

create or replace function is_valid_indian_phone(p_phone text) returns boolean
language sql immutable strict parallel safe
as $$
    select p_phone !~ '[^0-9 +-]' and regexp_replace(p_phone, '[ -]', '', 'g') ~ '^(\+91|0091|91|0)?[6-9][0-9]{9}$'
$$;
comment on function is_valid_indian_phone(text) is
    'Whether a text is an Indian mobile number: ten digits from 6, 7, 8 or 9 on, with +91, 0091, 91 or 0 before them or not;'
    ' blanks and hyphens do not matter; NULL for NULL.';

create or replace function generate_unique_slug(p_base text, p_table text, p_column text) returns text
language plpgsql stable
as $$
declare
    c_longest constant int := 60;
    -- what is not in this list is no place for a slug: the names go into a query
    c_places constant text[] := '{profiles.profile_slug,biz_profiles.business_slug,org_profiles.organization_slug,'
        'res_resources.slug,res_categories.slug,mkt_products.slug,mkt_categories.slug,tags.slug,ref_skills.slug}';
    v_place text := concat_ws('.', regexp_replace(p_table, '^public\.', ''), p_column);
    v_base text := coalesce(slugify(p_base), 'item');
    v_slug text := v_base;
    v_number int := 0;
    v_is_taken boolean;
begin
    if p_table is null or p_column is null or v_place <> all (c_places) then
        raise exception 'no slugs are made for %: wanted one of %', v_place, array_to_string(c_places, ', ')
            using errcode = 'invalid_parameter_value';
    end if;
    loop
        execute format('select exists (select from public.%I where %I = $1)', split_part(v_place, '.', 1), split_part(v_place, '.', 2))
            into v_is_taken using v_slug;
        exit when not v_is_taken and not is_reserved_slug(v_slug);
        v_number := v_number + 1;
        v_slug := rtrim(left(v_base, c_longest - length('-' || v_number)), '-') || '-' || v_number;
    end loop;
    return v_slug;
end
$$;
comment on function generate_unique_slug(text, text, text) is
    'A free slug for a table and its slug column, from a base text: -1, -2 and so on where it is taken. Two sessions may get the'
    ' same one: the unique key decides and the caller asks again.';

-- ---------------------------------------------------------------------------------------------
-- Who sees whom

create or replace function get_blocked_profiles(p_profile uuid) returns setof uuid
language sql stable parallel safe
as $$
    select b.blocked_id from soc_blocks b where b.blocker_id = p_profile
    union all
    select b.blocker_id from soc_blocks b where b.blocked_id = p_profile
$$;
comment on function get_blocked_profiles(uuid) is 'Whom a person has blocked, and who has blocked the person.';

create or replace function get_connected_profiles(p_profile uuid) returns setof uuid
language sql stable parallel safe
as $$
    select c.profile_id_2 from soc_connections c where c.profile_id_1 = p_profile and c.status = 'accepted'
    union all
    select c.profile_id_1 from soc_connections c where c.profile_id_2 = p_profile and c.status = 'accepted'
$$;
comment on function get_connected_profiles(uuid) is 'The accepted connections of a person.';

create or replace function get_banned_profiles() returns setof uuid
language sql stable parallel safe
as $$
    select b.profile_id from adm_banned_users b where b.is_active and (b.banned_until is null or b.banned_until > now())
$$;
comment on function get_banned_profiles() is 'Who is banned at this moment.';

create or replace function get_discoverable_profiles(p_viewer uuid) returns setof profiles
language sql stable parallel safe
as $$
    select p.*
    from profiles p
    where p.is_public
        and not exists (
            select from usr_privacy_settings s
            where s.profile_id = p.id
                -- who hides from somebody: few, found by an index of their own
                and (not s.allow_discovery or s.profile_visibility <> 'public')
                and (not s.allow_discovery or s.profile_visibility = 'private'
                    or s.profile_id not in (select * from get_connected_profiles(p_viewer)))
        )
        and p.id not in (select * from get_blocked_profiles(p_viewer))
        and p.id not in (select * from get_banned_profiles())
$$;
comment on function get_discoverable_profiles(uuid) is
    'The profiles that a viewer may come across: public, discoverable, not private, neither banned nor blocked either way; those'
    ' open to connections only for these. Without a viewer only what is open to all.';

create or replace function get_visible_posts(p_viewer uuid) returns setof soc_posts
language sql stable parallel safe
as $$
    select p.*
    from (
        -- each part by its own index: a single condition with "or" would read the whole table
        select p.* from soc_posts p
        where p.visibility = 'public' and not p.is_deleted
        union all
        select p.* from soc_posts p
        where p.author_type = 'individual' and p.author_id = p_viewer and p.visibility <> 'public' and not p.is_deleted
        union all
        select p.* from get_connected_profiles(p_viewer) c (id)
        join soc_posts p on p.author_type = 'individual' and p.author_id = c.id
        where p.visibility = 'connections' and not p.is_deleted
        union all
        select p.* from soc_follows f
        join soc_posts p on p.author_type = f.following_type and p.author_id = f.following_id
        where f.follower_type = 'individual' and f.follower_id = p_viewer and f.following_type <> 'individual'
            and p.visibility = 'connections' and not p.is_deleted
    ) p
    where not (p.author_type = 'individual' and p.author_id in (select * from get_blocked_profiles(p_viewer)))
        and not (p.author_type = 'individual' and p.author_id in (select * from get_banned_profiles()))
        and not (p.author_type = 'business' and p.author_id in (select b.id from biz_profiles b where b.is_deleted))
$$;
comment on function get_visible_posts(uuid) is
    'The posts that a viewer may read: public ones, their own, those for connections from connections (from businesses and'
    ' organizations: for followers); none from people who are banned or blocked either way, nor from a business in the trash.';

-- ---------------------------------------------------------------------------------------------
-- Search. Words are looked up in the stored tsvector; where no word matches, a name that is spelt alike is.

create or replace function search_limit(p_limit int, p_default int default 20) returns int
language sql immutable parallel safe
as $$ select least(greatest(coalesce(p_limit, p_default), 1), 100) $$;
comment on function search_limit(int, int) is 'The number of rows that a reader gives: the one asked for, within 1..100.';

create or replace function search_words(p_query text) returns tsquery
language sql immutable parallel safe
as $$
    -- a query without a word does not get to websearch_to_tsquery(), which would tell the caller of it in a notice
    select case when to_tsvector('simple'::regconfig, q.words) <> '' then websearch_to_tsquery('simple'::regconfig, q.words) end
    from (select left(coalesce(public.immutable_unaccent(p_query), ''), 200) as words) q
$$;
comment on function search_words(text) is
    'A query as people type it, with "quotes", or and -minus, for the stored tsvectors; NULL where no word is in it.';

create or replace function search_profiles(
    p_query text, p_limit int default 20, p_filters jsonb default '{}', p_sort text default 'relevance'
) returns table (profile_id uuid, name text, profile_slug text, headline text, photo_url text, rank real)
language plpgsql stable parallel restricted
as $$
#variable_conflict use_column
declare
    v_viewer uuid := auth.uid();
    v_words tsquery := search_words(p_query);
    v_name text := left(btrim(p_query), 100);
    v_is_plain boolean := p_query !~ '"|(^|\s)-'; -- who quotes or leaves out a word means it to the letter
begin
    if coalesce(v_name, '') = '' then
        return;
    end if;
    return query
        with matches as (
            -- these columns and no more: a common word has thousands of matches
            select p.id, p.full_name, p.profile_slug, p.headline, p.profile_photo_url, p.location_state, p.location_district,
                p.verification_level, p.last_active_at, p.connections_count, ts_rank(p.search, v_words) as how_well
            from get_discoverable_profiles(v_viewer) p
            where p.search @@ v_words
        ), alike as (
            select p.id, p.full_name, p.profile_slug, p.headline, p.profile_photo_url, p.location_state, p.location_district,
                p.verification_level, p.last_active_at, p.connections_count,
                word_similarity(v_name, p.full_name) as how_well
            from get_discoverable_profiles(v_viewer) p
            where v_name <% p.full_name and v_is_plain and not exists (select from matches)
        )
        select f.id, f.full_name, f.profile_slug, f.headline, f.profile_photo_url, f.how_well
        from (select * from matches union all select * from alike) f
        where (p_filters ->> 'state' is null or lower(f.location_state) = lower(p_filters ->> 'state'))
            and (p_filters ->> 'district' is null or lower(f.location_district) = lower(p_filters ->> 'district'))
            and (p_filters ->> 'verification_level' is null or f.verification_level = p_filters ->> 'verification_level')
            and (p_filters ->> 'role' is null or exists (
                select from usr_profile_roles x join ref_roles r on r.id = x.role_id
                where x.profile_id = f.id and r.slug = p_filters ->> 'role'))
        order by
            case when p_sort = 'recent' then f.last_active_at end desc nulls last,
            case when p_sort = 'connections' then f.connections_count end desc nulls last,
            f.how_well desc, f.connections_count desc, f.id
        limit search_limit(p_limit);
end
$$;
comment on function search_profiles(text, int, jsonb, text) is
    'People by the words of name, headline, bio and town, or by a name that is spelt alike where no word matches; seen as'
    ' auth.uid(). Filters: state, district, role (slug), verification_level. Sorts: relevance, recent, connections. A blank'
    ' query finds nothing.';

create or replace function search_posts(
    p_query text, p_limit int default 20, p_filters jsonb default '{}', p_sort text default 'relevance'
) returns table (post_id uuid, author_type text, author_id uuid, snippet text, created_at timestamptz, rank real)
language sql stable parallel restricted
as $$
    select p.id, p.author_type, p.author_id, left(p.content, 200), p.created_at, ts_rank(p.search, search_words(p_query))
    from get_visible_posts(auth.uid()) p
    where p.search @@ search_words(p_query)
        and (p_filters ->> 'post_type' is null or p.post_type = p_filters ->> 'post_type')
        and (p_filters ->> 'author_type' is null or p.author_type = p_filters ->> 'author_type')
    order by
        case when p_sort = 'recent' then p.created_at end desc nulls last,
        case when p_sort = 'popular' then p.likes_count + p.comments_count end desc nulls last,
        ts_rank(p.search, search_words(p_query)) desc, p.created_at desc, p.id
    limit search_limit(p_limit)
$$;
comment on function search_posts(text, int, jsonb, text) is
    'Posts by their words, as far as auth.uid() may read them. Filters: post_type, author_type. Sorts: relevance, recent, popular.';

create or replace function search_resources(
    p_query text, p_limit int default 20, p_filters jsonb default '{}', p_sort text default 'relevance'
) returns table (resource_id uuid, title text, slug text, snippet text, published_at timestamptz, rank real)
language sql stable parallel restricted
as $$
    select r.id, r.title, r.slug, left(coalesce(r.description, r.content), 200), r.published_at,
        ts_rank(r.search, search_words(p_query))
    from res_resources r
    where r.status = 'published'
        and r.search @@ search_words(p_query)
        and r.author_id not in (select * from get_blocked_profiles(auth.uid()))
        and r.author_id not in (select * from get_banned_profiles())
        and (p_filters ->> 'type' is null or r.type = p_filters ->> 'type')
        and (p_filters ->> 'tag' is null or r.tags @> array[p_filters ->> 'tag'])
        and (p_filters ->> 'category' is null
            or r.category_id = (select c.id from res_categories c where c.slug = p_filters ->> 'category'))
    order by
        case when p_sort = 'recent' then r.published_at end desc nulls last,
        case when p_sort = 'popular' then r.views_count end desc nulls last,
        ts_rank(r.search, search_words(p_query)) desc, r.published_at desc, r.id
    limit search_limit(p_limit)
$$;
comment on function search_resources(text, int, jsonb, text) is
    'Published resources by their words. Filters: type, tag, category (slug). Sorts: relevance, recent, popular.';

create or replace function search_businesses(
    p_query text, p_limit int default 20, p_filters jsonb default '{}', p_sort text default 'relevance'
) returns table (business_id uuid, name text, business_slug text, tagline text, logo_url text, rank real)
language plpgsql stable parallel restricted
as $$
#variable_conflict use_column
declare
    v_words tsquery := search_words(p_query);
    v_name text := left(btrim(p_query), 100);
    v_is_plain boolean := p_query !~ '"|(^|\s)-'; -- who quotes or leaves out a word means it to the letter
begin
    if coalesce(v_name, '') = '' then
        return;
    end if;
    return query
        with matches as (
            select b.*, ts_rank(b.search, v_words) as how_well from biz_profiles b where b.search @@ v_words
        ), alike as (
            select b.*, word_similarity(v_name, b.business_name) as how_well from biz_profiles b
            where v_name <% b.business_name and v_is_plain and not exists (select from matches)
        )
        select f.id, f.business_name, f.business_slug, f.tagline, f.logo_url, f.how_well
        from (select * from matches union all select * from alike) f
        left join biz_contact_info c on c.business_id = f.id
        join ref_business_types t on t.id = f.business_type_id
        where f.is_active and not f.is_deleted
            and (p_filters ->> 'type' is null or t.slug = p_filters ->> 'type')
            and (p_filters ->> 'state' is null or lower(c.state) = lower(p_filters ->> 'state'))
            and (p_filters ->> 'city' is null or lower(c.city) = lower(p_filters ->> 'city'))
        order by
            case when p_sort = 'recent' then f.created_at end desc nulls last,
            case when p_sort = 'followers' then f.followers_count end desc nulls last,
            f.how_well desc, f.followers_count desc, f.id
        limit search_limit(p_limit);
end
$$;
comment on function search_businesses(text, int, jsonb, text) is
    'Active businesses by the words of name, tagline and description, or by a name that is spelt alike. Filters: type (slug),'
    ' state, city. Sorts: relevance, recent, followers.';

create or replace function search_organizations(
    p_query text, p_limit int default 20, p_filters jsonb default '{}', p_sort text default 'relevance'
) returns table (organization_id uuid, name text, organization_slug text, tagline text, logo_url text, rank real)
language plpgsql stable parallel restricted
as $$
#variable_conflict use_column
declare
    v_words tsquery := search_words(p_query);
    v_name text := left(btrim(p_query), 100);
    v_is_plain boolean := p_query !~ '"|(^|\s)-'; -- who quotes or leaves out a word means it to the letter
begin
    if coalesce(v_name, '') = '' then
        return;
    end if;
    return query
        with matches as (
            select o.*, ts_rank(o.search, v_words) as how_well from org_profiles o where o.search @@ v_words
        ), alike as (
            select o.*, word_similarity(v_name, o.organization_name) as how_well from org_profiles o
            where v_name <% o.organization_name and v_is_plain and not exists (select from matches)
        )
        select f.id, f.organization_name, f.organization_slug, f.tagline, f.logo_url, f.how_well
        from (select * from matches union all select * from alike) f
        left join org_contact_info c on c.organization_id = f.id
        join ref_organization_types t on t.id = f.organization_type_id
        where f.is_active
            and (p_filters ->> 'type' is null or t.slug = p_filters ->> 'type')
            and (p_filters ->> 'state' is null or lower(c.state) = lower(p_filters ->> 'state'))
            and (p_filters ->> 'city' is null or lower(c.city) = lower(p_filters ->> 'city'))
        order by
            case when p_sort = 'recent' then f.created_at end desc nulls last,
            case when p_sort = 'members' then f.members_count end desc nulls last,
            f.how_well desc, f.members_count desc, f.id
        limit search_limit(p_limit);
end
$$;
comment on function search_organizations(text, int, jsonb, text) is
    'Active organizations by the words of name, tagline and description, or by a name that is spelt alike. Filters: type (slug),'
    ' state, city. Sorts: relevance, recent, members.';

-- ---------------------------------------------------------------------------------------------
-- Feed. A post's score is (how near its author is + what others thought of it) x how fresh it is. The middle term stays
-- below the smallest difference of the first: it never lifts a post over one of the same age from somebody nearer.

create or replace function get_scored_posts(p_profile uuid, p_as_of timestamptz)
returns table (
    post_id uuid, author_type text, author_id uuid, content text, post_type text, created_at timestamptz,
    likes_count int, comments_count int, relevance_score double precision
)
language sql stable parallel safe
as $$
    select p.id, p.author_type, p.author_id, p.content, p.post_type, p.created_at, p.likes_count, p.comments_count,
        (
            case
                when p.author_type = 'individual' and p.author_id = p_profile then 1.0
                when p.author_type = 'individual' and p.author_id in (select * from get_connected_profiles(p_profile)) then 0.9
                when (p.author_type, p.author_id) in (
                    select f.following_type, f.following_id from soc_follows f
                    where f.follower_type = 'individual' and f.follower_id = p_profile) then 0.8
                else 0.5
            end
            -- likes count once, comments twice, shares three times; 50 of them are worth half of the 0.09
            + 0.09 * (p.likes_count + 2 * p.comments_count + 3 * p.shares_count)
                / (50.0 + p.likes_count + 2 * p.comments_count + 3 * p.shares_count)
        )::double precision
        -- half as much after two days; the order of two posts is therefore the same at every moment
        * power(0.5::double precision, extract(epoch from p_as_of - p.created_at)::double precision / (2 * 86400))
    from get_visible_posts(p_profile) p
    where p.created_at > p_as_of - interval '30 days' and p.created_at <= p_as_of
$$;
comment on function get_scored_posts(uuid, timestamptz) is
    'The posts of the 30 days before a moment that a person may read, with the score of the feed at that moment.';

create or replace function get_personalized_feed(p_profile uuid, p_limit int default 20, p_offset int default 0)
returns table (
    post_id uuid, author_type text, author_id uuid, content text, post_type text, created_at timestamptz,
    likes_count int, comments_count int, relevance_score double precision
)
language sql stable parallel safe
as $$
    select s.*
    from get_scored_posts(p_profile, now()) s
    where exists (select from profiles p where p.id = p_profile)
    order by s.relevance_score desc, s.created_at desc, s.post_id
    limit search_limit(p_limit) offset greatest(coalesce(p_offset, 0), 0)
$$;
comment on function get_personalized_feed(uuid, int, int) is
    'The posts of the last 30 days that a person may read, the most relevant first: own 1.0, connections 0.9, followed 0.8,'
    ' others 0.5, halved every two days, with a little for likes, comments and shares. For many pages in a row use'
    ' get_personalized_feed_after().';

create or replace function get_personalized_feed_after(
    p_profile uuid, p_as_of timestamptz, p_limit int default 20, p_after_score double precision default null,
    p_after_created_at timestamptz default null, p_after_post uuid default null
)
returns table (
    post_id uuid, author_type text, author_id uuid, content text, post_type text, created_at timestamptz,
    likes_count int, comments_count int, relevance_score double precision
)
language sql stable parallel safe
as $$
    select s.*
    from get_scored_posts(p_profile, p_as_of) s
    where exists (select from profiles p where p.id = p_profile)
        and (p_after_score is null
            or s.relevance_score < p_after_score
            or (s.relevance_score = p_after_score and s.created_at < p_after_created_at)
            or (s.relevance_score = p_after_score and s.created_at = p_after_created_at and s.post_id > p_after_post))
    order by s.relevance_score desc, s.created_at desc, s.post_id
    limit search_limit(p_limit)
$$;
comment on function get_personalized_feed_after(uuid, timestamptz, int, double precision, timestamptz, uuid) is
    'A page of the feed as of one moment, after the last post of the page before (its score, time and id): posts written'
    ' meanwhile do not shift the pages.';

-- ---------------------------------------------------------------------------------------------
-- Recommendations

create or replace function get_connection_recommendations(p_profile uuid, p_limit int default 10)
returns table (
    profile_id uuid, name text, profile_slug text, headline text, photo_url text, mutual_count int, reason text
)
language sql stable parallel safe
as $$
    with known as (
        select p_profile as id
        union select c.profile_id_2 from soc_connections c where c.profile_id_1 = p_profile
        union select c.profile_id_1 from soc_connections c where c.profile_id_2 = p_profile
        union select s.suggested_profile_id from soc_connection_suggestions s
            where s.profile_id = p_profile and s.status = 'dismissed'
    ), friends_of_friends as (
        select f.id, count(*)::int as mutual_count
        from get_connected_profiles(p_profile) c (id), lateral get_connected_profiles(c.id) f (id)
        where f.id not in (select k.id from known k) and exists (select from profiles me where me.id = p_profile)
        group by f.id
    ), by_friends as (
        select p.id, f.mutual_count, 'mutual_connections' as reason, 1 as tier, p.profile_strength
        from friends_of_friends f join get_discoverable_profiles(p_profile) p on p.id = f.id
        order by f.mutual_count desc, p.profile_strength desc, p.id
        limit search_limit(p_limit, 10)
    ), by_role as (
        -- looked for only where the friends of friends, who are then all in by_friends, are too few
        select p.id, 0, 'same_role', 2, p.profile_strength
        from usr_profile_roles mine
        join usr_profile_roles theirs on theirs.role_id = mine.role_id and theirs.is_primary
        join get_discoverable_profiles(p_profile) p on p.id = theirs.profile_id
        where mine.profile_id = p_profile and mine.is_primary
            and (select count(*) from by_friends) < search_limit(p_limit, 10)
            and p.id not in (select k.id from known k union all select f.id from by_friends f)
        order by p.profile_strength desc, p.id
        limit search_limit(p_limit, 10)
    ), by_state as (
        select p.id, 0, 'same_location', 3, p.profile_strength
        from profiles me
        join get_discoverable_profiles(p_profile) p on p.location_state = me.location_state
        where me.id = p_profile
            and (select count(*) from by_friends) + (select count(*) from by_role) < search_limit(p_limit, 10)
            and p.id not in (
                select k.id from known k union all select f.id from by_friends f union all select r.id from by_role r)
        order by p.profile_strength desc, p.id
        limit search_limit(p_limit, 10)
    ), best as (
        select * from by_friends union all select * from by_role union all select * from by_state
    )
    select p.id, p.full_name, p.profile_slug, p.headline, p.profile_photo_url, b.mutual_count, b.reason
    from best b join profiles p on p.id = b.id
    order by b.tier, b.mutual_count desc, b.profile_strength desc, b.id
    limit search_limit(p_limit, 10)
$$;
comment on function get_connection_recommendations(uuid, int) is
    'Whom a person may want to know: first the connections of connections, by how many they share, then people with the same'
    ' primary role, then of the same state. Nobody who is connected, was asked, was dismissed, hides or is blocked. Reasons as in'
    ' soc_connection_suggestions.';

-- ---------------------------------------------------------------------------------------------
-- Statistics of one person

create or replace function get_user_engagement_stats(p_profile uuid, p_days int default 30)
returns table (posts int, comments int, likes_given int, profile_views int, connections_made int)
language sql stable parallel safe
as $$
    with since as (
        select now() - make_interval(days => least(greatest(coalesce(p_days, 30), 1), 365)) as moment
    )
    select
        (select count(*)::int from soc_posts p, since where p.author_type = 'individual' and p.author_id = p_profile
            and not p.is_deleted and p.created_at > since.moment),
        (select count(*)::int from soc_post_comments c, since where c.profile_id = p_profile
            and not c.is_deleted and c.created_at > since.moment),
        (select count(*)::int from soc_post_likes l, since where l.profile_id = p_profile and l.created_at > since.moment),
        (select count(*)::int from anl_profile_views v, since where v.viewed_type = 'individual' and v.viewed_id = p_profile
            and v.created_at > since.moment),
        (select count(*)::int from soc_connections c, since where p_profile in (c.profile_id_1, c.profile_id_2)
            and c.status = 'accepted' and c.responded_at > since.moment)
$$;
comment on function get_user_engagement_stats(uuid, int) is
    'What a person did and met with in the last days (1 to 365): one row, zeros for an unknown person. A connection counts when'
    ' it was accepted.';

create or replace function get_profile_analytics(p_profile uuid, p_days int default 30)
returns table (
    views int, searches int, new_connections int, new_followers int, posts int, average_daily_views numeric
)
language sql stable parallel safe
as $$
    with days as (
        select least(greatest(coalesce(p_days, 30), 1), 365) as number
    ), since as (
        select now() - make_interval(days => d.number) as moment from days d
    )
    select e.profile_views,
        (select count(*)::int from usr_search_appearances a, since where a.profile_id = p_profile and a.appeared_at > since.moment),
        e.connections_made,
        (select count(*)::int from soc_follows f, since where f.following_type = 'individual' and f.following_id = p_profile
            and f.created_at > since.moment),
        e.posts,
        round(e.profile_views::numeric / d.number, 2)
    from days d, get_user_engagement_stats(p_profile, d.number) e
$$;
comment on function get_profile_analytics(uuid, int) is
    'How a profile was met with in the last days (1 to 365): one row, zeros for an unknown person. The average is over days, not'
    ' over days with a view.';

-- ---------------------------------------------------------------------------------------------
-- Views and the counters that no table of events feeds

create or replace function track_profile_view(p_profile uuid, p_viewer uuid, p_source text default null) returns void
language plpgsql
as $$
begin
    if p_profile is null or p_profile = p_viewer or not exists (select from profiles p where p.id = p_profile) then
        return;
    end if;
    if p_viewer is not null then
        -- two page loads at once are one view
        perform pg_advisory_xact_lock(hashtextextended(p_profile::text || p_viewer::text, 0));
        if not exists (select from profiles p where p.id = p_viewer) or exists (
            select from anl_profile_views v
            where v.viewed_type = 'individual' and v.viewed_id = p_profile and v.viewer_id = p_viewer
                and v.created_at > now() - interval '1 hour'
        ) then
            return;
        end if;
    end if;
    insert into usr_stats (profile_id) values (p_profile) on conflict do nothing;
    insert into anl_profile_views (viewed_type, viewed_id, viewer_id, source)
    values ('individual', p_profile, p_viewer, nullif(left(btrim(p_source), 50), ''));
end
$$;
comment on function track_profile_view(uuid, uuid, text) is
    'Notes that a profile was looked at; one view per viewer and hour, none by oneself, each one of a viewer who is not signed in.';

create or replace function track_view(p_entity_type text, p_id uuid) returns int
language plpgsql
as $$
declare
    v_rows int;
begin
    if p_entity_type is null or p_id is null then
        return 0;
    end if;
    if p_entity_type <> all ('{post,event,job,product,announcement}'::text[]) then
        raise exception 'views of % are not counted here: wanted post, event, job, product or announcement', p_entity_type
            using errcode = 'invalid_parameter_value';
    end if;
    execute format('update %I set views_count = views_count + 1 where id = $1', entity_table(p_entity_type)) using p_id;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function track_view(text, uuid) is
    'Adds one view to a post, event, job, product or announcement; gives the number of rows counted: 0 for an unknown id.';

create or replace function track_share(p_resource uuid) returns int
language sql
as $$
    with counted as (
        update res_resources set shares_count = shares_count + 1 where id = p_resource returning id
    )
    select count(*)::int from counted
$$;
comment on function track_share(uuid) is 'Adds one share to a resource; gives 1, or 0 for an unknown one.';

create or replace function track_download(p_document uuid) returns int
language sql
as $$
    with counted as (
        update org_resources set downloads_count = downloads_count + 1 where id = p_document returning id
    )
    select count(*)::int from counted
$$;
comment on function track_download(uuid) is 'Adds one download to a document of an organization; gives 1, or 0 for an unknown one.';

-- ---------------------------------------------------------------------------------------------
-- The lists of the day. Their windows stand still from one refresh to the next, and what has been hidden or deleted since
-- then is still in them: readers join back to the table.

call ensure_materialized_view('mv_popular_posts', $query$
select p.id, p.author_type, p.author_id, p.created_at, p.likes_count, p.comments_count, p.shares_count,
    2 * p.likes_count + 3 * p.comments_count + 5 * p.shares_count as engagement_score, now() as refreshed_at
from soc_posts p
where p.visibility = 'public' and not p.is_deleted and p.created_at > now() - interval '7 days'
order by engagement_score desc, p.created_at desc, p.id
limit 100
$query$,
    'One row per post: the 100 public posts of seven days that met with most; join soc_posts to leave out what was hidden since.'
    ' Refreshed every 15 minutes.');
create unique index if not exists uq_mv_popular_posts on mv_popular_posts (id);
create index if not exists idx_mv_popular_posts_score on mv_popular_posts (engagement_score desc, created_at desc, id);

call ensure_materialized_view('mv_trending_resources', $query$
select r.id, r.title, r.slug, r.author_id, r.published_at, r.views_count, r.likes_count, r.bookmarks_count,
    0.5 * r.views_count + 2 * r.likes_count + 3 * r.bookmarks_count as trending_score, now() as refreshed_at
from res_resources r
where r.status = 'published' and r.published_at > now() - interval '30 days'
order by trending_score desc, r.published_at desc, r.id
limit 50
$query$,
    'One row per resource: the 50 of the last 30 days that met with most; join res_resources to leave out what was withdrawn'
    ' since. Refreshed hourly.');
create unique index if not exists uq_mv_trending_resources on mv_trending_resources (id);
create index if not exists idx_mv_trending_resources_score on mv_trending_resources (trending_score desc, published_at desc, id);

call ensure_materialized_view('mv_active_users', $query$
select p.id, p.full_name, p.profile_slug, p.last_active_at, p.connections_count, p.followers_count,
    (select count(*)::int from soc_posts s where s.author_type = 'individual' and s.author_id = p.id and not s.is_deleted
        and s.created_at > now() - interval '30 days') as posts_count,
    (select count(*)::int from soc_post_comments c where c.profile_id = p.id and not c.is_deleted
        and c.created_at > now() - interval '30 days') as comments_count,
    now() as refreshed_at
from profiles p
where p.is_public and p.last_active_at > now() - interval '7 days'
order by posts_count desc, comments_count desc, p.id
limit 100
$query$,
    'One row per profile: the 100 public people active in seven days who wrote most in 30; join profiles to leave out who hid'
    ' since. Refreshed hourly.');
create unique index if not exists uq_mv_active_users on mv_active_users (id);
create index if not exists idx_mv_active_users_posts on mv_active_users (posts_count desc, comments_count desc, id);

do $comments$
declare
    v_column record;
begin
    for v_column in
        select c.oid::regclass as view_name, d.column_name, d.description
        from (values
            ('id', 'Key of the post, the resource or the profile.'),
            ('author_type', 'individual, business or organization.'),
            ('author_id', 'Who wrote it.'),
            ('created_at', 'When it was written.'),
            ('title', 'Title.'),
            ('slug', 'Its name in its address.'),
            ('published_at', 'When it was published.'),
            ('full_name', 'Name as the person writes it.'),
            ('profile_slug', 'Name in the address of the profile.'),
            ('last_active_at', 'When the person last did something, as of the refresh.'),
            ('likes_count', 'Likes at the refresh.'),
            ('comments_count', 'Comments at the refresh; of a person: written in 30 days.'),
            ('shares_count', 'Shares at the refresh.'),
            ('views_count', 'Views at the refresh.'),
            ('bookmarks_count', 'Bookmarks at the refresh.'),
            ('posts_count', 'Posts written in 30 days.'),
            ('connections_count', 'Accepted connections at the refresh.'),
            ('followers_count', 'Followers at the refresh.'),
            ('engagement_score', '2 x likes + 3 x comments + 5 x shares.'),
            ('trending_score', 'Half of the views + 2 x likes + 3 x bookmarks.'),
            ('refreshed_at', 'When the list was made.')
        ) d (column_name, description)
        join pg_attribute a on a.attname = d.column_name and not a.attisdropped
        join pg_class c on c.oid = a.attrelid and c.relnamespace = 'public'::regnamespace
            and c.relname in ('mv_popular_posts', 'mv_trending_resources', 'mv_active_users')
    loop
        execute format('comment on column %s.%I is %L', v_column.view_name, v_column.column_name, v_column.description);
    end loop;
end
$comments$;

create or replace function refresh_all_materialized_views()
returns table (view_name text, duration_ms int, is_ok boolean, error text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    -- the two of NECC in this order: the second stands on the first
    c_views constant text[] := '{mv_popular_posts,mv_trending_resources,mv_active_users,nec_monthly_averages,nec_yoy_comparison}';
    v_started timestamptz;
    v_is_filled boolean;
begin
    foreach view_name in array c_views loop
        v_started := clock_timestamp();
        begin
            v_is_filled := (select c.relispopulated from pg_class c where c.oid = to_regclass('public.' || view_name));
            execute format('refresh materialized view %s public.%I', case when v_is_filled then 'concurrently' else '' end, view_name);
            is_ok := true;
            error := null;
        exception
            when others then -- the next ones are refreshed all the same; the caller is told
                is_ok := false;
                error := sqlerrm;
        end;
        duration_ms := round(1000 * extract(epoch from clock_timestamp() - v_started));
        return next;
    end loop;
end
$$;
comment on function refresh_all_materialized_views() is
    'Brings the five materialized views up to date, each for itself; one row per view with its time and, where it failed, why.'
    ' Readers are not kept waiting, but for the very first fill.';
revoke execute on function refresh_all_materialized_views() from public;

-- ---------------------------------------------------------------------------------------------
-- Figures of the day. Computing a day again gives the same figures as long as its rows are kept.

create or replace function compute_platform_metrics(p_date date default null) returns date
language plpgsql
as $$
declare
    v_date date := coalesce(p_date, nec_today() - 1);
    v_from timestamptz := v_date::timestamp at time zone 'Asia/Kolkata';
    v_to timestamptz := (v_date + 1)::timestamp at time zone 'Asia/Kolkata';
begin
    delete from anl_platform_metrics m where m.metric_date = v_date;
    insert into anl_platform_metrics (
        metric_date, users_count, new_users_count, profiles_count, new_profiles_count, businesses_count, new_businesses_count,
        organizations_count, new_organizations_count, posts_count, new_posts_count, events_count, new_events_count,
        resources_count, new_resources_count, connections_count, new_connections_count, messages_count, new_messages_count,
        active_users_count, logins_count, searches_count
    )
    select v_date, users.total, users.today, people.total, people.today, businesses.total, businesses.today, organizations.total,
        organizations.today, posts.total, posts.today, events.total, events.today, resources.total, resources.today,
        connections.total, connections.today, messages.total, messages.today, activity.people, activity.logins, searches.today
    from (select count(*) as total, count(*) filter (where created_at >= v_from) as today
            from auth.users where created_at < v_to) users,
        (select count(*) as total, count(*) filter (where created_at >= v_from) as today
            from profiles where created_at < v_to) people,
        (select count(*) as total, count(*) filter (where created_at >= v_from) as today
            from biz_profiles where created_at < v_to and not is_deleted) businesses,
        (select count(*) as total, count(*) filter (where created_at >= v_from) as today
            from org_profiles where created_at < v_to) organizations,
        (select count(*) as total, count(*) filter (where created_at >= v_from) as today
            from soc_posts where created_at < v_to and not is_deleted) posts,
        (select count(*) as total, count(*) filter (where created_at >= v_from) as today
            from evt_events where created_at < v_to) events,
        (select count(*) as total, count(*) filter (where published_at >= v_from) as today
            from res_resources where published_at < v_to and status = 'published') resources,
        (select count(*) as total, count(*) filter (where responded_at >= v_from) as today
            from soc_connections where responded_at < v_to and status = 'accepted') connections,
        (select count(*) as total, count(*) filter (where created_at >= v_from) as today
            from msg_messages where created_at < v_to and not is_deleted) messages,
        (select count(distinct profile_id) as people, count(*) filter (where activity_type = 'login') as logins
            from anl_activity_log where created_at >= v_from and created_at < v_to) activity,
        (select count(*) as today from anl_search_queries where created_at >= v_from and created_at < v_to) searches;
    return v_date;
end
$$;
comment on function compute_platform_metrics(date) is
    'Writes the platform''s figures of one day (yesterday unless said) anew and gives that day. Totals are what stood at its end'
    ' and is still there.';

create or replace function compute_engagement_metrics(p_date date default null) returns int
language plpgsql
as $$
declare
    v_date date := coalesce(p_date, nec_today() - 1);
    v_from timestamptz := v_date::timestamp at time zone 'Asia/Kolkata';
    v_to timestamptz := (v_date + 1)::timestamp at time zone 'Asia/Kolkata';
    v_rows int;
begin
    delete from anl_engagement_metrics m where m.metric_date = v_date;
    insert into anl_engagement_metrics (
        entity_type, entity_id, metric_date, views_count, likes_count, comments_count, shares_count, bookmarks_count
    )
    select e.entity_type, e.entity_id, v_date, count(*) filter (where e.what = 'view'), count(*) filter (where e.what = 'like'),
        count(*) filter (where e.what = 'comment'), count(*) filter (where e.what = 'share'),
        count(*) filter (where e.what = 'bookmark')
    from (
        select viewed_type as entity_type, viewed_id as entity_id, 'view' as what, created_at from anl_profile_views
        union all select 'post', post_id, 'like', created_at from soc_post_likes
        union all select 'post', post_id, 'comment', created_at from soc_post_comments where not is_deleted
        union all select 'post', shared_post_id, 'share', created_at from soc_posts
            where shared_post_id is not null and not is_deleted
        union all select 'post', post_id, 'bookmark', created_at from soc_post_bookmarks
        union all select 'resource', resource_id, 'view', created_at from res_views
        union all select 'resource', resource_id, 'like', created_at from res_likes
        union all select 'resource', resource_id, 'comment', created_at from res_comments where not is_deleted
        union all select 'resource', resource_id, 'bookmark', created_at from res_bookmarks
    ) e
    where e.created_at >= v_from and e.created_at < v_to
    group by e.entity_type, e.entity_id;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function compute_engagement_metrics(date) is
    'Writes what every profile, post and resource met with on one day (yesterday unless said) anew; gives the number of rows.';

create or replace function refresh_leaderboards(p_period text) returns int
language plpgsql
as $$
declare
    c_places constant int := 50;
    v_today date := nec_today();
    v_starts_on date := case p_period
        when 'daily' then v_today
        when 'weekly' then date_trunc('week', v_today)::date
        when 'monthly' then date_trunc('month', v_today)::date
        when 'all_time' then date '2000-01-01' -- before anything was written
    end;
    v_ends_on date := case p_period
        when 'daily' then v_today
        when 'weekly' then v_starts_on + 6
        when 'monthly' then (v_starts_on + interval '1 month')::date - 1
    end;
    v_from timestamptz := v_starts_on::timestamp at time zone 'Asia/Kolkata';
    v_rows int;
begin
    if p_period is null then
        return 0;
    end if;
    if v_starts_on is null then
        raise exception 'period %: wanted daily, weekly, monthly or all_time', p_period using errcode = 'invalid_parameter_value';
    end if;
    insert into usr_leaderboards as l (leaderboard_type, period, starts_on, ends_on, rankings)
    select t.leaderboard_type, p_period, v_starts_on, v_ends_on, coalesce(
        jsonb_agg(jsonb_build_object('rank', r.place, 'profile_id', r.profile_id, 'score', r.score) order by r.place)
            filter (where r.place <= c_places), '[]')
    from unnest('{top_contributors,top_experts,most_helpful,most_connected,rising_stars}'::text[]) t (leaderboard_type)
    left join (
        select s.leaderboard_type, s.profile_id, count(*) as score,
            row_number() over (partition by s.leaderboard_type order by count(*) desc, s.profile_id) as place
        from (
            select 'top_contributors' as leaderboard_type, author_id as profile_id, created_at as happened_at
                from soc_posts where author_type = 'individual' and not is_deleted
            union all select 'top_contributors', profile_id, created_at from soc_post_comments where not is_deleted
            union all select 'top_experts', profile_id, created_at from usr_skill_endorsements
            union all select 'most_helpful', c.profile_id, k.created_at
                from soc_comment_likes k join soc_post_comments c on c.id = k.comment_id and not c.is_deleted
            union all select 'most_connected', profile_id_1, responded_at from soc_connections where status = 'accepted'
            union all select 'most_connected', profile_id_2, responded_at from soc_connections where status = 'accepted'
            union all select 'rising_stars', following_id, created_at from soc_follows where following_type = 'individual'
        ) s
        join profiles p on p.id = s.profile_id and p.is_public
        where s.happened_at >= v_from
        group by s.leaderboard_type, s.profile_id
    ) r using (leaderboard_type)
    group by t.leaderboard_type
    on conflict (leaderboard_type, period, starts_on) do update
        set rankings = excluded.rankings, ends_on = excluded.ends_on
        where l.rankings <> excluded.rankings;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function refresh_leaderboards(text) is
    'Writes the five leaderboards of the running day, week, month or of all time; gives the number that changed: 0 when called'
    ' again. Contributors by posts and comments, experts by endorsements, helpful by likes of their comments, connected by new'
    ' connections, rising by new followers; public profiles only, the best 50.';

-- ---------------------------------------------------------------------------------------------
-- Upkeep. Each function gives the number of rows; a dry run counts them and changes nothing.

create or replace function delete_in_batches(p_table regclass, p_where text, p_before timestamptz, p_dry_run boolean) returns int
language plpgsql
as $$
declare
    c_batch constant int := 10000; -- rows a statement: short enough to stop, long enough to be quick
    v_rows int;
    v_total int := 0;
begin
    if p_dry_run then
        execute format('select count(*) from %s where %s', p_table, p_where) into v_total using p_before;
        return v_total;
    end if;
    loop
        execute format('delete from %s where ctid = any (array(select ctid from %1$s where %s limit %s))', p_table, p_where, c_batch)
            using p_before;
        get diagnostics v_rows = row_count;
        v_total := v_total + v_rows;
        exit when v_rows < c_batch;
    end loop;
    return v_total;
end
$$;
comment on function delete_in_batches(regclass, text, timestamptz, boolean) is
    'For the functions below: deletes the rows for which a condition over $1, the moment p_before, holds. Anybody may call it, and'
    ' it can do no more than a delete of theirs could.';

create or replace function days_ago(p_days int, p_default int) returns timestamptz
language sql stable parallel safe
as $$ select now() - make_interval(days => least(greatest(coalesce(p_days, p_default), 1), 3650)) $$;
comment on function days_ago(int, int) is 'The moment so many days (1 to 3650) ago.';

create or replace function cleanup_old_activity_logs(p_days int default 90, p_dry_run boolean default false) returns int
language sql
as $$ select delete_in_batches('anl_activity_log', 'created_at < $1', days_ago(p_days, 90), coalesce(p_dry_run, true)) $$;
comment on function cleanup_old_activity_logs(int, boolean) is 'Deletes what people did longer ago than so many days.';

create or replace function cleanup_old_profile_views(p_days int default 180, p_dry_run boolean default false) returns int
language sql
as $$ select delete_in_batches('anl_profile_views', 'created_at < $1', days_ago(p_days, 180), coalesce(p_dry_run, true)) $$;
comment on function cleanup_old_profile_views(int, boolean) is
    'Deletes views of profiles longer ago than so many days; the counters of views go down with them.';

create or replace function cleanup_search_appearances(p_days int default 180, p_dry_run boolean default false) returns int
language sql
as $$ select delete_in_batches('usr_search_appearances', 'appeared_at < $1', days_ago(p_days, 180), coalesce(p_dry_run, true)) $$;
comment on function cleanup_search_appearances(int, boolean) is
    'Deletes appearances in searches longer ago than so many days; the counters go down with them.';

create or replace function cleanup_read_notifications(p_days int default 90, p_dry_run boolean default false) returns int
language sql
as $$
    select delete_in_batches('ntf_notifications', 'is_read and read_at < $1', days_ago(p_days, 90), coalesce(p_dry_run, true))
$$;
comment on function cleanup_read_notifications(int, boolean) is 'Deletes notifications that were read longer ago than so many days.';

create or replace function cleanup_sent_queue(p_days int default 30, p_dry_run boolean default false) returns int
language sql
as $$
    select delete_in_batches('ntf_queue', 'status = ''sent'' and sent_at < $1', days_ago(p_days, 30), coalesce(p_dry_run, true))
$$;
comment on function cleanup_sent_queue(int, boolean) is 'Deletes deliveries that were sent longer ago than so many days.';

create or replace function cleanup_expired_invitations(p_days int default 30, p_dry_run boolean default false) returns int
language sql
as $$
    select delete_in_batches('org_member_invitations', 'status in (''pending'', ''expired'') and expires_at < $1',
        days_ago(p_days, 30), coalesce(p_dry_run, true))
$$;
comment on function cleanup_expired_invitations(int, boolean) is
    'Deletes invitations that nobody answered and that expired longer ago than so many days.';

create or replace function purge_trash(p_days int default 30, p_dry_run boolean default false) returns int
language sql
as $$
    select sum(delete_in_batches(
        t.name,
        'is_deleted and deleted_at < $1' || case when t.has_answers then format(
            -- what answers a comment goes with it: all of that must be past its time too
            ' and not exists (with recursive below as ('
            'select a.id, a.is_deleted, a.deleted_at from %1$s a where a.parent_id = %1$s.id'
            ' union all select a.id, a.is_deleted, a.deleted_at from %1$s a join below b on a.parent_id = b.id)'
            ' select from below where not is_deleted or deleted_at >= $1)', t.name) else '' end,
        days_ago(p_days, 30), coalesce(p_dry_run, true)))::int
    from (values
        ('soc_post_comments'::regclass, true), ('soc_posts', false), ('res_comments', true), ('msg_messages', false)
    ) t (name, has_answers)
$$;
comment on function purge_trash(int, boolean) is
    'Deletes posts, comments and messages that were put into the trash longer ago than so many days; a comment only together'
    ' with all that answers it.';

-- ---------------------------------------------------------------------------------------------
-- Recounts: the counters as keep_count() declared them, read back from the triggers

create or replace function recount_counter(p_parent text, p_parent_key text, p_counter text) returns bigint
language plpgsql
as $$
declare
    v_sources text := (
        select string_agg(format('select %s as key from %s r where %s', s.key, s.child, s.condition), ' union all ')
        from get_declared_counters() s
        where s.parent = p_parent and s.parent_key = p_parent_key and s.counter = p_counter
    );
    v_rows bigint;
begin
    if v_sources is null then
        return 0;
    end if;
    execute format(
        'with counted as (select key, count(*)::int as rows from (%s) s where key is not null group by key)'
        ' update %I p set %I = coalesce(c.rows, 0) from %2$I q left join counted c on c.key = q.%4$I'
        ' where p.%4$I = q.%4$I and p.%3$I <> coalesce(c.rows, 0)',
        v_sources, p_parent, p_counter, p_parent_key
    );
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function recount_counter(text, text, text) is
    'Counts one declared counter anew and mends the rows that differ; gives their number, 0 for a counter that is not declared.';

create or replace function get_declared_counters()
returns table (parent text, parent_key text, counter text, child text, key text, condition text)
language sql stable parallel safe
as $$
    -- tgargs holds the five arguments of the trigger, each ended by a zero byte
    select a.words[1], a.words[2], a.words[3], t.tgrelid::regclass::text, '(' || a.words[4] || ')', '(' || a.words[5] || ')'
    from pg_trigger t
    cross join lateral (
        select string_to_array(replace(encode(t.tgargs, 'escape'), '\000', chr(1)), chr(1)) as words
    ) a
    where t.tgfoid = 'public.trg_fn_keep_count()'::regprocedure and not t.tgisinternal
$$;
comment on function get_declared_counters() is
    'The counters as keep_count() declared them: one row per counter and table that feeds it.';

create or replace function recount_all_counters() returns table (counter text, rows_changed bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_declared record;
begin
    -- rows that a load without triggers has left out
    insert into usr_privacy_settings (profile_id) select id from profiles on conflict do nothing;
    insert into usr_preferences (profile_id) select id from profiles on conflict do nothing;
    insert into usr_completeness_checks (profile_id) select id from profiles on conflict do nothing;
    insert into usr_stats (profile_id) select id from profiles on conflict do nothing;
    insert into ntf_preferences (profile_id) select id from profiles on conflict do nothing;
    insert into biz_stats (business_id) select id from biz_profiles on conflict do nothing;
    insert into org_stats (organization_id) select id from org_profiles on conflict do nothing;
    for v_declared in
        select distinct d.parent, d.parent_key, d.counter from get_declared_counters() d order by d.parent, d.counter
    loop
        counter := v_declared.parent || '.' || v_declared.counter;
        rows_changed := recount_counter(v_declared.parent, v_declared.parent_key, v_declared.counter);
        return next;
    end loop;
    -- fed by a trigger of its own, which also knows TRUNCATE
    counter := 'nec_annotations.likes_count';
    update nec_annotations a set likes_count = c.rows
    from (select n.id, (select count(*)::int from nec_annotation_likes l where l.annotation_id = n.id) as rows from nec_annotations n) c
    where c.id = a.id and a.likes_count <> c.rows;
    get diagnostics rows_changed = row_count;
    return next;
    return query
        select 'profiles.verification_level', count(*) filter (where refresh_verification_level(p.id)) from profiles p
        union all select 'usr_completeness_checks.completeness_score', count(*) filter (where refresh_completeness(p.id)) from profiles p
        union all select 'profiles.profile_strength', count(*) filter (where refresh_profile_strength(p.id)) from profiles p
        union all select 'msg_participants.unread_count', recount_unread_counts()
        union all select 'mkt_products.rating_avg', recount_product_ratings();
end
$$;
comment on function recount_all_counters() is
    'Counts every counter and everything else that triggers derive anew, makes rows that are missing beside a profile, business or'
    ' organization, and mends what differs: one row per counter with the number of rows that were wrong.';

-- ---------------------------------------------------------------------------------------------
-- Rights

do $rights$
declare
    v_role text;
    v_view text;
begin
    for v_role in select rolname from pg_roles where rolname in ('app_ro', 'app_rw') order by rolname loop
        foreach v_view in array '{mv_popular_posts,mv_trending_resources,mv_active_users}'::text[] loop
            execute format('revoke all on %I from %I', v_view, v_role);
            execute format('grant select on %I to %I', v_view, v_role);
        end loop;
    end loop;
    if exists (select from pg_roles where rolname = 'app_rw') then
        grant execute on function refresh_all_materialized_views() to app_rw;
    end if;
end
$rights$;
