-- 01_core_and_ref.sql: people's profiles and the reference lists
--
-- Purpose  what every module refers to: countries, states, kinds of things, and the profile of a person.
-- Grain    ref_*: one row per entry of the list; profiles: one row per signed-up person.
-- Needs    00_extensions.sql. The rows of the lists come from seeds/01_reference_data.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Slugs: the readable part of an address

create or replace function slugify(p_text text) returns text
language sql immutable parallel safe
as $$
    -- 60 characters: the longest slug a table takes. The "C" collation makes case and ranges the same on every server.
    select nullif(btrim(left(
        btrim(regexp_replace(lower(public.immutable_unaccent(p_text) collate "C"), '[^a-z0-9]+', '-', 'g'), '-'), 60), '-'), '')
$$;
comment on function slugify(text) is
    'Lower-case letters, digits and single hyphens of a text, at most 60 characters; NULL where nothing is left.';

create or replace function is_reserved_slug(p_slug text) returns boolean
language sql immutable parallel safe
as $$
    select p_slug = any ('{about,admin,api,app,auth,edit,explore,feed,help,home,jobs,login,logout,me,member,members,messages,'
        'network,new,news,notifications,privacy,profile,profiles,root,search,settings,signup,static,support,system,terms}'::text[])
$$;
comment on function is_reserved_slug(text) is 'Whether a slug is a word that the application needs for its own pages.';

-- ---------------------------------------------------------------------------------------------
-- Countries and states

create table if not exists ref_countries (
    id uuid not null default gen_random_uuid(),
    code char(2) not null,
    name text not null,
    phone_code text,
    currency char(3),
    is_active boolean not null default true,
    sort_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_countries primary key (id),
    constraint uq_ref_countries_code unique (code),
    constraint uq_ref_countries_name unique (name),
    constraint ck_ref_countries_code check (code ~ '^[A-Z]{2}$'),
    constraint ck_ref_countries_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_countries_phone_code check (phone_code ~ '^\+[0-9]{1,4}$'),
    constraint ck_ref_countries_currency check (currency ~ '^[A-Z]{3}$')
);
comment on table ref_countries is 'One row per country that the platform knows.';
comment on column ref_countries.code is 'ISO 3166-1 alpha-2 code.';
comment on column ref_countries.name is 'English short name.';
comment on column ref_countries.phone_code is 'International dialling code, as in +91.';
comment on column ref_countries.currency is 'ISO 4217 code of the currency.';
comment on column ref_countries.is_active is 'Whether members can choose it.';
comment on column ref_countries.sort_order is 'Place in lists, small first.';
call finish_table('ref_countries');

create table if not exists ref_states (
    id uuid not null default gen_random_uuid(),
    country_id uuid not null,
    name text not null,
    code text not null,
    type text not null default 'state',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_states primary key (id),
    constraint fk_ref_states_country foreign key (country_id) references ref_countries (id) on delete restrict,
    constraint uq_ref_states_country_name unique (country_id, name),
    constraint uq_ref_states_country_code unique (country_id, code),
    constraint ck_ref_states_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_states_code check (code ~ '^[A-Z0-9]{1,3}$'),
    constraint ck_ref_states_type check (type in ('state', 'union_territory'))
);
comment on table ref_states is 'One row per state or union territory of a country.';
comment on column ref_states.country_id is 'The country it belongs to.';
comment on column ref_states.name is 'English name.';
comment on column ref_states.code is 'ISO 3166-2 code without the country, as in TN for IN-TN.';
comment on column ref_states.type is 'state or union_territory.';
call finish_table('ref_states');

-- ---------------------------------------------------------------------------------------------
-- Kinds of businesses, organizations and events

create table if not exists ref_business_types (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    category text,
    description text,
    icon text,
    sort_order int not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_business_types primary key (id),
    constraint uq_ref_business_types_name unique (name),
    constraint uq_ref_business_types_slug unique (slug),
    constraint ck_ref_business_types_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_business_types_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_ref_business_types_category check (category in ('production', 'supply', 'service'))
);
comment on table ref_business_types is 'One row per kind of business.';
comment on column ref_business_types.category is 'Its part in the trade: production, supply or service.';
call finish_table('ref_business_types');

create table if not exists ref_organization_types (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    description text,
    icon text,
    sort_order int not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_organization_types primary key (id),
    constraint uq_ref_organization_types_name unique (name),
    constraint uq_ref_organization_types_slug unique (slug),
    constraint ck_ref_organization_types_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_organization_types_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60)
);
comment on table ref_organization_types is 'One row per kind of organization.';
call finish_table('ref_organization_types');

create table if not exists ref_event_types (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    description text,
    icon text,
    sort_order int not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_event_types primary key (id),
    constraint uq_ref_event_types_name unique (name),
    constraint uq_ref_event_types_slug unique (slug),
    constraint ck_ref_event_types_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_event_types_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60)
);
comment on table ref_event_types is 'One row per kind of event.';
call finish_table('ref_event_types');

-- ---------------------------------------------------------------------------------------------
-- Job categories: a tree whose levels and paths keep themselves

create table if not exists ref_job_categories (
    id uuid not null default gen_random_uuid(),
    parent_id uuid,
    name text not null,
    slug text not null,
    level int not null default 0,
    path text not null default '',
    description text,
    icon text,
    sort_order int not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_job_categories primary key (id),
    constraint fk_ref_job_categories_parent foreign key (parent_id) references ref_job_categories (id) on delete restrict,
    constraint uq_ref_job_categories_name unique (name),
    constraint uq_ref_job_categories_slug unique (slug),
    constraint ck_ref_job_categories_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_job_categories_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_ref_job_categories_level check (level >= 0)
);
create index if not exists idx_ref_job_categories_parent on ref_job_categories (parent_id);
comment on table ref_job_categories is 'One row per category of jobs; categories may have sub-categories.';
comment on column ref_job_categories.parent_id is 'The category above it; empty at the top.';
comment on column ref_job_categories.level is 'How many categories stand above it; kept by a trigger.';
comment on column ref_job_categories.path is 'Slugs from the top down to it, joined by a slash; kept by a trigger.';
call finish_table('ref_job_categories', 'level', 'path');

create or replace function trg_fn_job_category_place() returns trigger
language plpgsql
as $$
begin
    new.level := 0;
    new.path := new.slug;
    if new.parent_id is null then
        return new;
    end if;
    -- Two sessions could each make half of a circle: one at a time.
    perform pg_advisory_xact_lock('ref_job_categories'::regclass::oid::int, 0);
    if exists (
        with recursive ancestors as (
            select c.id, c.parent_id from ref_job_categories c where c.id = new.parent_id
            union
            select c.id, c.parent_id from ref_job_categories c join ancestors a on c.id = a.parent_id
        )
        select from ancestors where id = new.id
    ) or new.parent_id = new.id then
        raise exception 'job category %: it would stand below itself', new.slug
            using errcode = 'check_violation', constraint = 'ck_ref_job_categories_no_cycle';
    end if;
    select c.level + 1, c.path || '/' || new.slug into new.level, new.path
    from ref_job_categories c where c.id = new.parent_id;
    if not found then
        new.level := 0; -- the foreign key will refuse the row in its own words
        new.path := new.slug;
    end if;
    return new;
end
$$;
comment on function trg_fn_job_category_place() is 'Trigger: sets level and path of a job category and refuses circles.';
create or replace trigger trg_ref_job_categories_place
    before insert or update of parent_id, slug, level, path on ref_job_categories
    for each row execute function trg_fn_job_category_place();

create or replace function trg_fn_job_category_children() returns trigger
language plpgsql
as $$
begin
    update ref_job_categories set parent_id = parent_id where parent_id = new.id;
    return null;
end
$$;
comment on function trg_fn_job_category_children() is 'Trigger: a category that moved takes its sub-categories along.';
create or replace trigger trg_ref_job_categories_children
    after update on ref_job_categories
    for each row when (old.path is distinct from new.path or old.level is distinct from new.level)
    execute function trg_fn_job_category_children();

-- ---------------------------------------------------------------------------------------------
-- Skills

create table if not exists ref_skills (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    category text,
    synonyms text[] not null default '{}',
    related_skills uuid[] not null default '{}',
    description text,
    icon text,
    sort_order int not null default 0,
    is_active boolean not null default true,
    usage_count int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_skills primary key (id),
    constraint uq_ref_skills_slug unique (slug),
    constraint ck_ref_skills_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_skills_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_ref_skills_category check (category in ('technical', 'business', 'management', 'soft')),
    constraint ck_ref_skills_usage_count check (usage_count >= 0)
);
create unique index if not exists uq_ref_skills_name on ref_skills (lower(name));
create index if not exists gin_ref_skills_synonyms on ref_skills using gin (synonyms);
create index if not exists gin_ref_skills_name_trgm on ref_skills using gin (name gin_trgm_ops);
comment on table ref_skills is 'One row per skill; upper and lower case make no difference.';
comment on column ref_skills.category is 'technical, business, management or soft; empty where nobody has said.';
comment on column ref_skills.synonyms is 'Other names of it, in lower case, that people may type.';
comment on column ref_skills.related_skills is 'Ids of skills that are suggested beside it.';
comment on column ref_skills.usage_count is 'How many profiles list it; kept by triggers.';
call finish_table('ref_skills');

-- ---------------------------------------------------------------------------------------------
-- Notification types

create table if not exists ref_notification_types (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    description text,
    icon text,
    color text,
    priority int not null default 3,
    template text,
    action_url_pattern text,
    is_real_time boolean not null default true,
    is_email boolean not null default false,
    is_push boolean not null default true,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ref_notification_types primary key (id),
    constraint uq_ref_notification_types_name unique (name),
    constraint uq_ref_notification_types_slug unique (slug),
    constraint ck_ref_notification_types_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ref_notification_types_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_ref_notification_types_color check (color ~ '^#[0-9a-f]{6}$'),
    constraint ck_ref_notification_types_priority check (priority between 1 and 5)
);
comment on table ref_notification_types is 'One row per kind of notification.';
comment on column ref_notification_types.color is 'Colour of its mark, as in #1f77b4.';
comment on column ref_notification_types.priority is 'How urgent it is: 1 is the highest, 5 the lowest.';
comment on column ref_notification_types.template is 'Its text; {actor} and {object} are put in when it is sent.';
comment on column ref_notification_types.action_url_pattern is 'Path that a tap opens; {id} is put in when it is sent.';
comment on column ref_notification_types.is_real_time is 'Whether it is shown at once in the open application.';
comment on column ref_notification_types.is_email is 'Whether it goes out by e-mail unless the member says otherwise.';
comment on column ref_notification_types.is_push is 'Whether it goes to the phone unless the member says otherwise.';
call finish_table('ref_notification_types');

-- The columns that the lists have alike.
do $comments$
declare
    v_column record;
begin
    for v_column in
        select c.oid::regclass as table_name, d.column_name, d.description
        from (values
            ('name', 'Name as shown to people.'),
            ('slug', 'Name as it stands in addresses and in code.'),
            ('description', 'What it means, in a sentence.'),
            ('icon', 'Name of its icon.'),
            ('sort_order', 'Place in lists, small first.'),
            ('is_active', 'Whether it can be chosen; an entry in use is switched off, not deleted.')
        ) d (column_name, description)
        join pg_attribute a on a.attname = d.column_name and not a.attisdropped
        join pg_class c on c.oid = a.attrelid and c.relnamespace = 'public'::regnamespace
            and c.relname in ('ref_business_types', 'ref_organization_types', 'ref_event_types', 'ref_job_categories',
                'ref_skills', 'ref_notification_types')
    loop
        execute format('comment on column %s.%I is %L', v_column.table_name, v_column.column_name, v_column.description);
    end loop;
end
$comments$;

-- ---------------------------------------------------------------------------------------------
-- Profiles

create table if not exists profiles (
    id uuid not null,
    full_name text not null,
    profile_slug text not null,
    profile_photo_url text,
    cover_photo_url text,
    headline text,
    bio text,
    location_state text,
    location_district text,
    location_city text,
    state_id uuid,
    country text not null default 'India',
    country_code char(2),
    phone text,
    is_phone_verified boolean not null default false,
    whatsapp_number text,
    email text not null,
    is_email_verified boolean not null default false,
    profile_strength int not null default 0,
    verification_level text not null default 'basic',
    is_public boolean not null default true,
    connections_count int not null default 0,
    followers_count int not null default 0,
    following_count int not null default 0,
    onboarded_at timestamptz,
    last_active_at timestamptz,
    last_profile_update_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- 'simple' leaves names and towns as they are: stemming would join what differs
    search tsvector generated always as (
        setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(full_name), '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(headline), '')), 'B')
        || setweight(to_tsvector('simple'::regconfig,
            coalesce(public.immutable_unaccent(bio), '') || ' ' || coalesce(public.immutable_unaccent(location_city), '')), 'C')
    ) stored,
    constraint pk_profiles primary key (id),
    constraint fk_profiles_user foreign key (id) references auth.users (id) on delete cascade,
    constraint fk_profiles_state foreign key (state_id) references ref_states (id) on delete restrict,
    constraint fk_profiles_country foreign key (country_code) references ref_countries (code) on delete restrict,
    constraint uq_profiles_profile_slug unique (profile_slug),
    constraint ck_profiles_full_name check (btrim(full_name) <> '' and length(full_name) <= 200),
    constraint ck_profiles_profile_slug check (profile_slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(profile_slug) <= 60),
    constraint ck_profiles_profile_photo_url
        check (profile_photo_url ~ '^https?://[^[:space:]]+$' and length(profile_photo_url) <= 2000),
    constraint ck_profiles_cover_photo_url check (cover_photo_url ~ '^https?://[^[:space:]]+$' and length(cover_photo_url) <= 2000),
    constraint ck_profiles_headline check (length(headline) <= 150),
    constraint ck_profiles_bio check (length(bio) <= 500),
    constraint ck_profiles_location_state check (btrim(location_state) <> '' and length(location_state) <= 100),
    constraint ck_profiles_location_district check (btrim(location_district) <> '' and length(location_district) <= 100),
    constraint ck_profiles_location_city check (btrim(location_city) <> '' and length(location_city) <= 100),
    constraint ck_profiles_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_profiles_phone check (phone ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_profiles_whatsapp_number check (whatsapp_number ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_profiles_email check (length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_profiles_profile_strength check (profile_strength between 0 and 100),
    constraint ck_profiles_verification_level check (verification_level in ('basic', 'verified', 'trusted')),
    constraint ck_profiles_connections_count check (connections_count >= 0),
    constraint ck_profiles_followers_count check (followers_count >= 0),
    constraint ck_profiles_following_count check (following_count >= 0),
    constraint ck_profiles_onboarded check (onboarded_at is null or (phone is not null and location_state is not null))
);
create index if not exists idx_profiles_state_id on profiles (state_id);
create index if not exists idx_profiles_country_code on profiles (country_code);
create index if not exists idx_profiles_state_district on profiles (location_state, location_district);
create index if not exists idx_profiles_last_active on profiles (last_active_at desc);
create index if not exists idx_profiles_public on profiles (created_at desc) where is_public;
create index if not exists idx_profiles_strength on profiles (profile_strength desc, id) where is_public;
create index if not exists fts_profiles_search on profiles using gin (search);
create index if not exists gin_profiles_full_name_trgm on profiles using gin (full_name gin_trgm_ops);

comment on table profiles is 'One row per signed-up person who has a profile.';
comment on column profiles.full_name is 'Name as the person writes it.';
comment on column profiles.profile_slug is 'Name in the address of the profile; see generate_profile_slug().';
comment on column profiles.profile_photo_url is 'Address of the portrait.';
comment on column profiles.cover_photo_url is 'Address of the picture behind it.';
comment on column profiles.headline is 'One line about the person, at most 150 characters.';
comment on column profiles.bio is 'A few sentences about the person, at most 500 characters.';
comment on column profiles.location_state is 'State, as typed; needed once onboarded.';
comment on column profiles.location_district is 'District, as typed.';
comment on column profiles.location_city is 'Town or village, as typed.';
comment on column profiles.state_id is 'The state as an entry of ref_states, where it is known.';
comment on column profiles.country is 'Country, as shown.';
comment on column profiles.country_code is 'The country as a code of ref_countries, where it is known.';
comment on column profiles.phone is 'Phone number; needed once onboarded.';
comment on column profiles.is_phone_verified is 'Whether the phone number is proven to be theirs.';
comment on column profiles.whatsapp_number is 'WhatsApp number, where it is another one.';
comment on column profiles.email is 'E-mail address for contact.';
comment on column profiles.is_email_verified is 'Whether the e-mail address is proven to be theirs.';
comment on column profiles.profile_strength is 'How complete the profile is, 0 to 100 points; derived.';
comment on column profiles.verification_level is 'basic, verified or trusted, by the approved verifications; derived.';
comment on column profiles.is_public is 'Whether people who are not signed in may see it.';
comment on column profiles.connections_count is 'Accepted connections; kept by triggers.';
comment on column profiles.followers_count is 'Who follows this person; kept by triggers.';
comment on column profiles.following_count is 'Whom this person follows; kept by triggers.';
comment on column profiles.onboarded_at is 'When the first steps were finished; until then phone and state may be missing.';
comment on column profiles.last_active_at is 'When the person last did something here.';
comment on column profiles.last_profile_update_at is 'When the person last edited what others see of the profile; kept by a trigger.';
comment on column profiles.search is 'Words of name (A), headline (B), bio and town (C) without accents, for full-text search.';
call finish_table('profiles', 'is_phone_verified', 'is_email_verified', 'profile_strength', 'verification_level',
    'onboarded_at', 'last_active_at', 'last_profile_update_at');
comment on column profiles.id is 'The person: the same key as in auth.users.';

create or replace function trg_fn_profile_edited() returns trigger
language plpgsql
as $$
begin
    new.last_profile_update_at := now();
    return new;
end
$$;
comment on function trg_fn_profile_edited() is 'Trigger: notes when the person last edited what others see of the profile.';
create or replace trigger trg_profiles_edited
    before update of full_name, profile_slug, profile_photo_url, cover_photo_url, headline, bio, location_state,
        location_district, location_city, phone, whatsapp_number, email on profiles
    for each row when (
        old.full_name is distinct from new.full_name or old.profile_slug is distinct from new.profile_slug
        or old.profile_photo_url is distinct from new.profile_photo_url or old.cover_photo_url is distinct from new.cover_photo_url
        or old.headline is distinct from new.headline or old.bio is distinct from new.bio
        or old.location_state is distinct from new.location_state or old.location_district is distinct from new.location_district
        or old.location_city is distinct from new.location_city or old.phone is distinct from new.phone
        or old.whatsapp_number is distinct from new.whatsapp_number or old.email is distinct from new.email
    )
    execute function trg_fn_profile_edited();

create or replace function generate_profile_slug(p_name text, p_city text default null, p_id uuid default null) returns text
language plpgsql stable
as $$
declare
    c_longest constant int := 60;
    v_base text := coalesce(
        slugify(concat_ws('-', p_name, p_city)),
        rtrim('member-' || left(replace(p_id::text, '-', ''), 8), '-'),
        'member'
    );
    v_slug text := v_base;
    v_number int := 0;
begin
    while is_reserved_slug(v_slug)
        or exists (select from profiles p where p.profile_slug = v_slug and p.id is distinct from p_id)
    loop
        v_number := v_number + 1;
        v_slug := rtrim(left(v_base, c_longest - length('-' || v_number)), '-') || '-' || v_number;
    end loop;
    return v_slug;
end
$$;
comment on function generate_profile_slug(text, text, uuid) is
    'A free slug from name and town, member- and the start of the id where nothing readable is left; the profile''s own slug'
    ' counts as free. Two sessions may get the same one: the unique key decides and the caller asks again.';

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('ref');
call grant_module_privileges('profiles');

-- Whoever writes prices may be asked who did it.
do $author_rights$
begin
    if exists (select from pg_roles where rolname = 'app_scraper') then
        grant select (id) on profiles to app_scraper;
    end if;
end
$author_rights$;
