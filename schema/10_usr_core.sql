-- 10_usr_core.sql: what belongs to every profile, and what is derived from it
--
-- Purpose  roles of a person, settings, verifications, badges, completeness, strength, statistics.
-- Grain    one row per profile in usr_privacy_settings, usr_preferences, usr_completeness_checks and usr_stats, made
--          with the profile; the other grains stand in the comments.
-- Needs    00_extensions.sql, 01_core_and_ref.sql. Its functions read tables of later files, once these are there.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Roles

create table if not exists ref_roles (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    description text,
    category text not null default 'primary',
    icon text,
    permissions jsonb not null default '{}',
    is_active boolean not null default true,
    sort_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_roles primary key (id),
    constraint uq_ref_roles_name unique (name),
    constraint uq_ref_roles_slug unique (slug),
    constraint ck_ref_roles_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_roles_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_ref_roles_category check (category in ('primary', 'secondary')),
    constraint ck_ref_roles_permissions check (jsonb_typeof(permissions) = 'object')
);
comment on table ref_roles is 'One row per part that a person can play in the trade, as farmer or veterinarian.';
comment on column ref_roles.name is 'Name as shown to people.';
comment on column ref_roles.slug is 'Name as it stands in addresses and in code.';
comment on column ref_roles.description is 'What it means, in a sentence.';
comment on column ref_roles.category is 'primary (asked for when signing up) or secondary.';
comment on column ref_roles.icon is 'Name of its icon.';
comment on column ref_roles.permissions is 'What the application lets people of this role do, as an object.';
comment on column ref_roles.is_active is 'Whether it can be chosen; an entry in use is switched off, not deleted.';
comment on column ref_roles.sort_order is 'Place in lists, small first.';
call finish_table('ref_roles');

create table if not exists usr_profile_roles (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    role_id uuid not null,
    is_primary boolean not null default false,
    is_verified boolean not null default false,
    verified_at timestamptz,
    verified_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_profile_roles primary key (id),
    constraint fk_usr_profile_roles_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_usr_profile_roles_role foreign key (role_id) references ref_roles (id) on delete restrict,
    constraint fk_usr_profile_roles_verified_by foreign key (verified_by) references profiles (id) on delete set null,
    constraint uq_usr_profile_roles_profile_role unique (profile_id, role_id),
    constraint ck_usr_profile_roles_verified check (
        is_verified = (verified_at is not null) and (is_verified or verified_by is null))
);
create unique index if not exists uq_usr_profile_roles_primary on usr_profile_roles (profile_id) where is_primary;
create index if not exists idx_usr_profile_roles_role on usr_profile_roles (role_id);
create index if not exists idx_usr_profile_roles_verified on usr_profile_roles (role_id, profile_id) where is_verified;
create index if not exists idx_usr_profile_roles_verified_by on usr_profile_roles (verified_by) where verified_by is not null;
comment on table usr_profile_roles is 'One row per role of a profile; details of it stand in the usr_*_details tables.';
comment on column usr_profile_roles.profile_id is 'The person.';
comment on column usr_profile_roles.role_id is 'The role.';
comment on column usr_profile_roles.is_primary is 'Whether it is shown first; a profile has one primary role at most.';
comment on column usr_profile_roles.is_verified is 'Whether somebody has checked that the person has this role.';
comment on column usr_profile_roles.verified_at is 'When it was checked; set exactly for verified roles.';
comment on column usr_profile_roles.verified_by is 'Who checked it, as long as that profile exists.';
call finish_table('usr_profile_roles');

-- ---------------------------------------------------------------------------------------------
-- Settings

create table if not exists usr_privacy_settings (
    profile_id uuid not null,
    profile_visibility text not null default 'public',
    show_email text not null default 'connections',
    show_phone text not null default 'connections',
    show_whatsapp text not null default 'connections',
    show_connections text not null default 'public',
    show_followers text not null default 'public',
    show_activity text not null default 'connections',
    allow_search_engines boolean not null default true,
    allow_discovery boolean not null default true,
    allow_messages_from text not null default 'everyone',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_privacy_settings primary key (profile_id),
    constraint fk_usr_privacy_settings_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_privacy_settings_profile_visibility check (profile_visibility in ('public', 'connections', 'private')),
    constraint ck_usr_privacy_settings_show_email check (show_email in ('public', 'connections', 'private')),
    constraint ck_usr_privacy_settings_show_phone check (show_phone in ('public', 'connections', 'private')),
    constraint ck_usr_privacy_settings_show_whatsapp check (show_whatsapp in ('public', 'connections', 'private')),
    constraint ck_usr_privacy_settings_show_connections check (show_connections in ('public', 'connections', 'private')),
    constraint ck_usr_privacy_settings_show_followers check (show_followers in ('public', 'connections', 'private')),
    constraint ck_usr_privacy_settings_show_activity check (show_activity in ('public', 'connections', 'private')),
    constraint ck_usr_privacy_settings_allow_messages_from check (allow_messages_from in ('everyone', 'connections', 'none'))
);
-- With both columns: a search asks it about each of its matches and never has to look into the table.
create index if not exists idx_usr_privacy_settings_hidden on usr_privacy_settings (profile_id)
    include (allow_discovery, profile_visibility) where not allow_discovery or profile_visibility <> 'public';
comment on table usr_privacy_settings is
    'One row per profile: who may see what. public is everybody, connections the accepted ones, private nobody else.';
comment on column usr_privacy_settings.profile_id is 'The person.';
comment on column usr_privacy_settings.profile_visibility is 'Who sees the profile at all: public, connections or private.';
comment on column usr_privacy_settings.show_email is 'Who sees the e-mail address: public, connections or private.';
comment on column usr_privacy_settings.show_phone is 'Who sees the phone number: public, connections or private.';
comment on column usr_privacy_settings.show_whatsapp is 'Who sees the WhatsApp number: public, connections or private.';
comment on column usr_privacy_settings.show_connections is 'Who sees the list of connections: public, connections or private.';
comment on column usr_privacy_settings.show_followers is 'Who sees the list of followers: public, connections or private.';
comment on column usr_privacy_settings.show_activity is 'Who sees what the person did lately: public, connections or private.';
comment on column usr_privacy_settings.allow_search_engines is 'Whether search engines may list the profile.';
comment on column usr_privacy_settings.allow_discovery is 'Whether search and recommendations here may bring the profile up.';
comment on column usr_privacy_settings.allow_messages_from is 'Who may start a conversation: everyone, connections or none.';
call finish_table('usr_privacy_settings');

create table if not exists usr_preferences (
    profile_id uuid not null,
    preferred_language text not null default 'en',
    preferred_timezone text not null default 'Asia/Kolkata',
    theme text not null default 'auto',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_preferences primary key (profile_id),
    constraint fk_usr_preferences_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_preferences_preferred_language check (preferred_language ~ '^[a-z]{2,3}(-[A-Z]{2})?$'),
    constraint ck_usr_preferences_preferred_timezone check (
        preferred_timezone ~ '^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$' and length(preferred_timezone) <= 60),
    constraint ck_usr_preferences_theme check (theme in ('light', 'dark', 'auto'))
);
comment on table usr_preferences is
    'One row per profile: how the application looks to the person. What is sent, and by which channel, is in ntf_preferences.';
comment on column usr_preferences.profile_id is 'The person.';
comment on column usr_preferences.preferred_language is 'Language of the pages, as in en or ta-IN.';
comment on column usr_preferences.preferred_timezone is 'Time zone in which times are shown, by its IANA name.';
comment on column usr_preferences.theme is 'light, dark or auto (as the device has it).';
call finish_table('usr_preferences');

-- ---------------------------------------------------------------------------------------------
-- Statistics

create or replace function trg_fn_stats_touched() returns trigger
language plpgsql
as $$
begin
    new.last_updated_at := now();
    return new;
end
$$;
comment on function trg_fn_stats_touched() is 'Trigger: notes when a row of statistics last changed.';

create table if not exists usr_stats (
    profile_id uuid not null,
    posts_count int not null default 0,
    comments_count int not null default 0,
    likes_given_count int not null default 0,
    likes_received_count int not null default 0,
    profile_views_count int not null default 0,
    search_appearances_count int not null default 0,
    endorsements_received_count int not null default 0,
    recommendations_received_count int not null default 0,
    last_updated_at timestamptz not null default now(),
    constraint pk_usr_stats primary key (profile_id),
    constraint fk_usr_stats_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_stats_posts_count check (posts_count >= 0),
    constraint ck_usr_stats_comments_count check (comments_count >= 0),
    constraint ck_usr_stats_likes_given_count check (likes_given_count >= 0),
    constraint ck_usr_stats_likes_received_count check (likes_received_count >= 0),
    constraint ck_usr_stats_profile_views_count check (profile_views_count >= 0),
    constraint ck_usr_stats_search_appearances_count check (search_appearances_count >= 0),
    constraint ck_usr_stats_endorsements_received_count check (endorsements_received_count >= 0),
    constraint ck_usr_stats_recommendations_received_count check (recommendations_received_count >= 0)
);
comment on table usr_stats is
    'One row per profile: what it did and received. Kept by the triggers of the tables that are counted; connections'
    ' and followers are counted in profiles.';
comment on column usr_stats.profile_id is 'The person.';
comment on column usr_stats.posts_count is 'Posts of the person that are not deleted.';
comment on column usr_stats.comments_count is 'Comments of the person on posts that are not deleted.';
comment on column usr_stats.likes_given_count is 'Likes that the person gave to posts.';
comment on column usr_stats.likes_received_count is 'Likes on posts of the person.';
comment on column usr_stats.profile_views_count is 'Views of the profile that are still stored.';
comment on column usr_stats.search_appearances_count is 'Appearances in search results that are still stored.';
comment on column usr_stats.endorsements_received_count is 'Endorsements of skills of the person.';
comment on column usr_stats.recommendations_received_count is 'Recommendations that the person accepted.';
comment on column usr_stats.last_updated_at is 'When one of the numbers last changed; kept by a trigger.';
create or replace trigger trg_usr_stats_touched
    before update on usr_stats
    for each row when (old is distinct from new) execute function trg_fn_stats_touched();

create or replace function refresh_usr_stats(p_profile uuid) returns void
language plpgsql
as $$
begin
    insert into usr_stats (profile_id) select id from profiles where id = p_profile on conflict (profile_id) do nothing;
    -- whoever counts at this moment has finished, or adds to what is written below
    perform from usr_stats where profile_id = p_profile for no key update;
    update usr_stats s
    set posts_count = n.posts, comments_count = n.comments, likes_given_count = n.likes_given,
        likes_received_count = n.likes_received, profile_views_count = n.profile_views,
        search_appearances_count = n.search_appearances, endorsements_received_count = n.endorsements,
        recommendations_received_count = n.recommendations
    from (
        select
            (select count(*) from soc_posts t
                where t.author_type = 'individual' and t.author_id = p_profile and not t.is_deleted) as posts,
            (select count(*) from soc_post_comments t where t.profile_id = p_profile and not t.is_deleted) as comments,
            (select count(*) from soc_post_likes t where t.profile_id = p_profile) as likes_given,
            (select count(*) from soc_post_likes t join soc_posts p on p.id = t.post_id
                where p.author_type = 'individual' and p.author_id = p_profile) as likes_received,
            (select count(*) from anl_profile_views t
                where t.viewed_type = 'individual' and t.viewed_id = p_profile) as profile_views,
            (select count(*) from usr_search_appearances t where t.profile_id = p_profile) as search_appearances,
            (select count(*) from usr_skill_endorsements t where t.profile_id = p_profile) as endorsements,
            (select count(*) from usr_skill_recommendations t
                where t.profile_id = p_profile and t.status = 'accepted') as recommendations
    ) n
    where s.profile_id = p_profile;
end
$$;
comment on function refresh_usr_stats(uuid) is
    'Counts everything in a profile''s usr_stats anew and makes the row if it is missing; an unknown profile is left alone.';

-- ---------------------------------------------------------------------------------------------
-- Completeness and strength: what the profile has, derived from the tables that say so

create table if not exists usr_completeness_checks (
    profile_id uuid not null,
    has_photo boolean not null default false,
    has_headline boolean not null default false,
    has_bio boolean not null default false,
    has_experience boolean not null default false,
    has_education boolean not null default false,
    has_skills boolean not null default false,
    has_connections boolean not null default false,
    has_posts boolean not null default false,
    has_endorsements boolean not null default false,
    completeness_score int not null generated always as (
        10 * has_photo::int + 10 * has_headline::int + 10 * has_bio::int
        + 15 * has_experience::int + 15 * has_education::int + 10 * has_skills::int
        + 10 * has_connections::int + 10 * has_posts::int + 10 * has_endorsements::int
    ) stored,
    last_calculated_at timestamptz not null default now(),
    constraint pk_usr_completeness_checks primary key (profile_id),
    constraint fk_usr_completeness_checks_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_completeness_checks_completeness_score check (completeness_score between 0 and 100)
);
comment on table usr_completeness_checks is 'One row per profile: which parts it has. Derived; refresh_completeness() writes it.';
comment on column usr_completeness_checks.profile_id is 'The person.';
comment on column usr_completeness_checks.has_photo is 'Whether there is a portrait: 10 points.';
comment on column usr_completeness_checks.has_headline is 'Whether there is a headline: 10 points.';
comment on column usr_completeness_checks.has_bio is 'Whether there is a bio: 10 points.';
comment on column usr_completeness_checks.has_experience is 'Whether a job is listed: 15 points.';
comment on column usr_completeness_checks.has_education is 'Whether a school or course is listed: 15 points.';
comment on column usr_completeness_checks.has_skills is 'Whether a skill is listed: 10 points.';
comment on column usr_completeness_checks.has_connections is 'Whether there is an accepted connection: 10 points.';
comment on column usr_completeness_checks.has_posts is 'Whether there is a post that is not deleted: 10 points.';
comment on column usr_completeness_checks.has_endorsements is 'Whether somebody endorsed a skill: 10 points.';
comment on column usr_completeness_checks.completeness_score is 'Sum of the points, 0 to 100.';
comment on column usr_completeness_checks.last_calculated_at is
    'When the flags were last written; they are looked at with every change and written when one differs.';

create or replace function refresh_completeness(p_profile uuid) returns boolean
language plpgsql
as $$
begin
    -- one session at a time: two that each add a part would not see the other's
    perform from profiles where id = p_profile for no key update;
    if not found then
        return false;
    end if;
    update usr_completeness_checks c
    set has_photo = f.has_photo, has_headline = f.has_headline, has_bio = f.has_bio,
        has_experience = f.has_experience, has_education = f.has_education, has_skills = f.has_skills,
        has_connections = f.has_connections, has_posts = f.has_posts, has_endorsements = f.has_endorsements,
        last_calculated_at = now()
    from (
        select
            btrim(coalesce(p.profile_photo_url, '')) <> '' as has_photo,
            btrim(coalesce(p.headline, '')) <> '' as has_headline,
            btrim(coalesce(p.bio, '')) <> '' as has_bio,
            exists (select from usr_experiences t where t.profile_id = p.id) as has_experience,
            exists (select from usr_education t where t.profile_id = p.id) as has_education,
            exists (select from usr_profile_skills t where t.profile_id = p.id) as has_skills,
            exists (select from soc_connections t where t.profile_id_1 = p.id and t.status = 'accepted')
                or exists (select from soc_connections t where t.profile_id_2 = p.id and t.status = 'accepted') as has_connections,
            exists (select from soc_posts t
                where t.author_type = 'individual' and t.author_id = p.id and not t.is_deleted) as has_posts,
            exists (select from usr_skill_endorsements t where t.profile_id = p.id) as has_endorsements
        from profiles p
        where p.id = p_profile
    ) f
    where c.profile_id = p_profile and (
        c.has_photo, c.has_headline, c.has_bio, c.has_experience, c.has_education, c.has_skills, c.has_connections,
        c.has_posts, c.has_endorsements
    ) <> (
        f.has_photo, f.has_headline, f.has_bio, f.has_experience, f.has_education, f.has_skills, f.has_connections,
        f.has_posts, f.has_endorsements
    );
    return found;
end
$$;
comment on function refresh_completeness(uuid) is
    'Brings a profile''s row in usr_completeness_checks up to date; gives whether it was not. An unknown profile is left alone.';

create or replace function calculate_profile_strength(p_profile uuid) returns int
language plpgsql stable parallel safe
as $$
declare
    c_long_bio constant int := 50; -- characters; a shorter one says too little
    c_few constant int := 5;
    c_many constant int := 10;
    v_points int;
    v_skills int;
    v_connections int;
begin
    select count(*) into v_skills from usr_profile_skills t where t.profile_id = p_profile;
    select count(*) into v_connections from (
        select from soc_connections t
        where (t.profile_id_1 = p_profile or t.profile_id_2 = p_profile) and t.status = 'accepted'
        limit c_many
    ) k;
    select 5 * (btrim(p.full_name) <> '')::int
        + 10 * (btrim(coalesce(p.profile_photo_url, '')) <> '')::int
        + 10 * (btrim(coalesce(p.headline, '')) <> '')::int
        + 10 * (length(btrim(coalesce(p.bio, ''))) > c_long_bio)::int
        + 5 * (p.phone is not null)::int
        + 10 * exists (select from usr_profile_roles t where t.profile_id = p.id)::int
        + 10 * exists (select from usr_experiences t where t.profile_id = p.id)::int
        + 10 * exists (select from usr_education t where t.profile_id = p.id)::int
        + 10 * (v_skills >= 3)::int
        + case when v_connections >= c_many then 10 when v_connections >= c_few then 5 else 0 end
        + case p.verification_level when 'trusted' then 10 when 'verified' then 5 else 0 end
    into v_points
    from profiles p
    where p.id = p_profile;
    return coalesce(v_points, 0);
end
$$;
comment on function calculate_profile_strength(uuid) is
    'How strong a profile is, 0 to 100 points: name 5, portrait 10, headline 10, bio over 50 characters 10, phone 5, a'
    ' role 10, a job 10, a school 10, three skills 10, five accepted connections 5 or ten 10, verified 5 or trusted 10.'
    ' An unknown profile has 0.';

create or replace function refresh_profile_strength(p_profile uuid) returns boolean
language plpgsql
as $$
declare
    v_strength int;
begin
    -- as in refresh_completeness(): the lock first, then a statement that sees what others have written
    perform from profiles where id = p_profile for no key update;
    v_strength := calculate_profile_strength(p_profile);
    update profiles set profile_strength = v_strength where id = p_profile and profile_strength <> v_strength;
    return found;
end
$$;
comment on function refresh_profile_strength(uuid) is
    'Writes calculate_profile_strength() into profiles.profile_strength; gives whether that changed it.';

create or replace function trg_fn_profile_derived() returns trigger
language plpgsql
as $$
declare
    c_pick constant text := format('select array[%s]::uuid[] from (select ($1).*) r', tg_argv[0]);
    v_before uuid[] := '{}';
    v_after uuid[] := '{}';
    v_profile uuid;
begin
    if tg_op <> 'INSERT' then
        execute c_pick into v_before using old;
    end if;
    if tg_op <> 'DELETE' then
        execute c_pick into v_after using new;
    end if;
    -- in the order of their keys: two sessions cannot wait for each other
    for v_profile in select distinct p from unnest(v_before || v_after) p where p is not null order by p loop
        perform refresh_completeness(v_profile);
        perform refresh_profile_strength(v_profile);
    end loop;
    return null;
end
$$;
comment on function trg_fn_profile_derived() is
    'Trigger: brings completeness and strength of the profiles that a row names up to date; keep_profile_derived() attaches it.';

create or replace procedure keep_profile_derived(p_table regclass, p_keys text, p_columns text[] default '{}')
language plpgsql
as $$
declare
    v_trigger text := concat_ws('_', 'trg', (select relname from pg_class where oid = p_table), 'derived');
    v_columns text := (
        select string_agg(distinct quote_ident(c), ', ')
        from unnest(p_columns || array(select m[1] from regexp_matches(p_keys, '\mr\.([a-z_][a-z0-9_]*)', 'g') m)) c
    );
begin
    if length(v_trigger) > 63 then
        raise exception 'trigger name %: longer than 63 characters', v_trigger using errcode = 'name_too_long';
    end if;
    execute format(
        'create or replace trigger %I after insert or delete or update of %s on %s for each row'
        ' execute function trg_fn_profile_derived(%L)',
        v_trigger, v_columns, p_table, replace(p_keys, ';', ', ')
    );
end
$$;
comment on procedure keep_profile_derived(regclass, text, text[]) is
    'Declares that rows of a table count for the completeness or strength of profiles: those that p_keys names, expressions'
    ' over the row r separated by semicolons. p_columns are further columns whose change matters.';

-- ---------------------------------------------------------------------------------------------
-- Verifications

create table if not exists usr_verifications (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    verification_type text not null,
    status text not null default 'pending',
    document_urls text[] not null default '{}',
    notes text,
    reviewed_by uuid,
    reviewed_at timestamptz,
    rejection_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_verifications primary key (id),
    constraint fk_usr_verifications_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_usr_verifications_reviewed_by foreign key (reviewed_by) references profiles (id) on delete set null,
    constraint ck_usr_verifications_verification_type check (
        verification_type in ('email', 'phone', 'identity', 'business', 'professional', 'address')),
    constraint ck_usr_verifications_status check (status in ('pending', 'approved', 'rejected')),
    constraint ck_usr_verifications_notes check (length(notes) <= 2000),
    constraint ck_usr_verifications_reviewed check ((status = 'pending') = (reviewed_at is null)),
    constraint ck_usr_verifications_reviewed_by check (reviewed_by is null or reviewed_at is not null),
    constraint ck_usr_verifications_rejection_reason check (
        rejection_reason is null or (status = 'rejected' and btrim(rejection_reason) <> '' and length(rejection_reason) <= 1000))
);
create unique index if not exists uq_usr_verifications_open on usr_verifications (profile_id, verification_type)
    where status in ('pending', 'approved');
create index if not exists idx_usr_verifications_profile on usr_verifications (profile_id);
create index if not exists idx_usr_verifications_pending on usr_verifications (created_at) where status = 'pending';
create index if not exists idx_usr_verifications_reviewed_by on usr_verifications (reviewed_by) where reviewed_by is not null;
comment on table usr_verifications is
    'One row per request of a person to have something verified; per type, one at most is pending or approved.';
comment on column usr_verifications.profile_id is 'Who asks.';
comment on column usr_verifications.verification_type is 'What is verified: email, phone, identity, business, professional or address.';
comment on column usr_verifications.status is 'pending, approved or rejected.';
comment on column usr_verifications.document_urls is 'Addresses of the documents handed in.';
comment on column usr_verifications.notes is 'What the person or the reviewer adds.';
comment on column usr_verifications.reviewed_by is 'Who decided, as long as that profile exists; empty if a machine did.';
comment on column usr_verifications.reviewed_at is 'When it was decided; empty exactly while it is pending.';
comment on column usr_verifications.rejection_reason is 'Why it was rejected.';
call finish_table('usr_verifications');

create or replace function refresh_verification_level(p_profile uuid) returns boolean
language plpgsql
as $$
declare
    v_types int;
begin
    -- as in refresh_completeness(): the lock first, then a statement that sees what others have written
    perform from profiles where id = p_profile for no key update;
    select count(distinct v.verification_type) into v_types
    from usr_verifications v where v.profile_id = p_profile and v.status = 'approved';
    update profiles p
    set verification_level = l.level
    from (select case when v_types >= 3 then 'trusted' when v_types >= 1 then 'verified' else 'basic' end as level) l
    where p.id = p_profile and p.verification_level <> l.level;
    return found;
end
$$;
comment on function refresh_verification_level(uuid) is
    'Brings profiles.verification_level up to date and says whether it was not: trusted with three kinds of approved'
    ' verification, verified with one, else basic. An unknown profile is left alone.';

create or replace function trg_fn_verification_level() returns trigger
language plpgsql
as $$
declare
    v_before uuid := case when tg_op <> 'INSERT' then old.profile_id end;
    v_after uuid := case when tg_op <> 'DELETE' then new.profile_id end;
    v_profile uuid;
begin
    -- in the order of their keys: two sessions cannot wait for each other
    for v_profile in select distinct p from unnest(array[v_before, v_after]) p where p is not null order by p loop
        perform refresh_verification_level(v_profile);
    end loop;
    return null;
end
$$;
comment on function trg_fn_verification_level() is
    'Trigger: brings the level of the profile that a verification is of up to date, of both when it moves.';
create or replace trigger trg_usr_verifications_level
    after insert or delete or update of profile_id, verification_type, status on usr_verifications
    for each row execute function trg_fn_verification_level();

-- ---------------------------------------------------------------------------------------------
-- Badges, appearances in search, leaderboards

create table if not exists usr_badges (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    badge_type text not null,
    badge_level int not null default 1,
    awarded_at timestamptz not null default now(),
    awarded_by uuid,
    reason text,
    is_displayed boolean not null default true,
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_badges primary key (id),
    constraint fk_usr_badges_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_usr_badges_awarded_by foreign key (awarded_by) references profiles (id) on delete set null,
    constraint uq_usr_badges_profile_type_level unique (profile_id, badge_type, badge_level),
    constraint ck_usr_badges_badge_type check (badge_type in (
        'early_adopter', 'verified', 'expert', 'contributor', 'mentor', 'top_poster', 'helpful', 'connector')),
    constraint ck_usr_badges_badge_level check (badge_level between 1 and 3),
    constraint ck_usr_badges_reason check (length(reason) <= 500)
);
create index if not exists idx_usr_badges_awarded_by on usr_badges (awarded_by) where awarded_by is not null;
comment on table usr_badges is 'One row per badge of a profile and level of it.';
comment on column usr_badges.profile_id is 'Who has it.';
comment on column usr_badges.badge_type is
    'early_adopter, verified, expert, contributor, mentor, top_poster, helpful or connector.';
comment on column usr_badges.badge_level is '1, 2 or 3; 3 is the highest.';
comment on column usr_badges.awarded_at is 'When it was given.';
comment on column usr_badges.awarded_by is 'Who gave it, as long as that profile exists; empty if the platform did.';
comment on column usr_badges.reason is 'What it was given for.';
comment on column usr_badges.is_displayed is 'Whether the person shows it on the profile.';
call finish_table('usr_badges');

create table if not exists usr_search_appearances (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    query text not null,
    filters jsonb not null default '{}',
    position int,
    is_clicked boolean not null default false,
    appeared_at timestamptz not null default now(),
    constraint pk_usr_search_appearances primary key (id),
    constraint fk_usr_search_appearances_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_search_appearances_query check (btrim(query) <> '' and length(query) <= 500),
    constraint ck_usr_search_appearances_filters check (jsonb_typeof(filters) = 'object'),
    constraint ck_usr_search_appearances_position check (position >= 1)
);
create index if not exists idx_usr_search_appearances_profile on usr_search_appearances (profile_id, appeared_at desc);
create index if not exists idx_usr_search_appearances_appeared on usr_search_appearances using brin (appeared_at);
comment on table usr_search_appearances is 'One row per time that a profile stood in somebody''s search results.';
comment on column usr_search_appearances.profile_id is 'Whose profile was shown.';
comment on column usr_search_appearances.query is 'What was searched for.';
comment on column usr_search_appearances.filters is 'The filters that were set, as an object.';
comment on column usr_search_appearances.position is 'Place in the results, 1 is the first.';
comment on column usr_search_appearances.is_clicked is 'Whether the searcher opened the profile.';
comment on column usr_search_appearances.appeared_at is 'When it was shown.';
call finish_table('usr_search_appearances');
call keep_count('usr_search_appearances', 'usr_stats', 'search_appearances_count', 'r.profile_id', 'true', 'profile_id');

create table if not exists usr_leaderboards (
    id uuid not null default gen_random_uuid(),
    leaderboard_type text not null,
    period text not null,
    starts_on date not null,
    ends_on date,
    rankings jsonb not null default '[]',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_leaderboards primary key (id),
    constraint uq_usr_leaderboards_type_period_start unique (leaderboard_type, period, starts_on),
    constraint ck_usr_leaderboards_leaderboard_type check (leaderboard_type in (
        'top_contributors', 'top_experts', 'most_helpful', 'most_connected', 'rising_stars')),
    constraint ck_usr_leaderboards_period check (period in ('daily', 'weekly', 'monthly', 'all_time')),
    constraint ck_usr_leaderboards_ends_on check ((ends_on is null) = (period = 'all_time') and ends_on >= starts_on),
    constraint ck_usr_leaderboards_rankings check (jsonb_typeof(rankings) = 'array')
);
comment on table usr_leaderboards is 'One row per list of the best and span of time; refresh_leaderboards() writes it.';
comment on column usr_leaderboards.leaderboard_type is
    'top_contributors, top_experts, most_helpful, most_connected or rising_stars.';
comment on column usr_leaderboards.period is 'daily, weekly, monthly or all_time.';
comment on column usr_leaderboards.starts_on is 'First day that counts, in India.';
comment on column usr_leaderboards.ends_on is 'Last day that counts, in India; empty exactly for all_time.';
comment on column usr_leaderboards.rankings is 'The profiles from the best down: an array of objects with rank, profile_id and score.';
call finish_table('usr_leaderboards');

-- ---------------------------------------------------------------------------------------------
-- What a new profile begins with

create or replace function trg_fn_profile_rows() returns trigger
language plpgsql
as $$
begin
    insert into usr_privacy_settings (profile_id) values (new.id) on conflict (profile_id) do nothing;
    insert into usr_preferences (profile_id) values (new.id) on conflict (profile_id) do nothing;
    insert into usr_completeness_checks (profile_id) values (new.id) on conflict (profile_id) do nothing;
    insert into usr_stats (profile_id) values (new.id) on conflict (profile_id) do nothing;
    return null;
end
$$;
comment on function trg_fn_profile_rows() is
    'Trigger: a new profile gets its rows of privacy settings, preferences, completeness and statistics.';
-- Triggers fire in the order of their names: the rows must be there before trg_profiles_derived fills them.
create or replace trigger trg_profiles_begin
    after insert on profiles
    for each row execute function trg_fn_profile_rows();

call keep_profile_derived('profiles', 'r.id',
    '{full_name,profile_photo_url,headline,bio,phone,verification_level}');
call keep_profile_derived('usr_profile_roles', 'r.profile_id');

-- Profiles that are older than these tables get their rows too.
insert into usr_privacy_settings (profile_id) select id from profiles on conflict (profile_id) do nothing;
insert into usr_preferences (profile_id) select id from profiles on conflict (profile_id) do nothing;
insert into usr_completeness_checks (profile_id) select id from profiles on conflict (profile_id) do nothing;
insert into usr_stats (profile_id) select id from profiles on conflict (profile_id) do nothing;

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('ref');
call grant_module_privileges('usr');
