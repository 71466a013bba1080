-- 30_org_core.sql: organizations, their offices and who leads them
--
-- Purpose  the public page of an association, a cooperative, an institute or an authority, and how to reach it.
-- Grain    org_profiles: one row per organization; the other grains stand in the comments.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 10_usr_core.sql, 20_biz_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Organizations

create table if not exists org_profiles (
    id uuid not null default gen_random_uuid(),
    created_by uuid not null,
    organization_name text not null,
    display_name text,
    organization_slug text not null,
    organization_type_id uuid not null,
    logo_url text,
    cover_photo_url text,
    tagline text,
    mission text,
    vision text,
    about text,
    founded_year int,
    website_url text,
    members_count int not null default 0,
    followers_count int not null default 0,
    events_count int not null default 0,
    is_verified boolean not null default false,
    verified_at timestamptz,
    verified_by uuid,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    search tsvector generated always as (
        setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(organization_name), '') || ' '
            || coalesce(public.immutable_unaccent(display_name), '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(tagline), '')), 'B')
        || setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(mission), '') || ' '
            || coalesce(public.immutable_unaccent(about), '')), 'C')
    ) stored,
    constraint pk_org_profiles primary key (id),
    constraint fk_org_profiles_created_by foreign key (created_by) references profiles (id) on delete restrict,
    constraint fk_org_profiles_organization_type foreign key (organization_type_id)
        references ref_organization_types (id) on delete restrict,
    constraint fk_org_profiles_verified_by foreign key (verified_by) references profiles (id) on delete set null,
    constraint uq_org_profiles_organization_slug unique (organization_slug),
    constraint ck_org_profiles_organization_name check (btrim(organization_name) <> '' and length(organization_name) <= 200),
    constraint ck_org_profiles_display_name check (btrim(display_name) <> '' and length(display_name) <= 200),
    constraint ck_org_profiles_organization_slug
        check (organization_slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(organization_slug) <= 60),
    constraint ck_org_profiles_logo_url check (logo_url ~ '^https?://[^[:space:]]+$' and length(logo_url) <= 2000),
    constraint ck_org_profiles_cover_photo_url
        check (cover_photo_url ~ '^https?://[^[:space:]]+$' and length(cover_photo_url) <= 2000),
    constraint ck_org_profiles_tagline check (length(tagline) <= 200),
    constraint ck_org_profiles_mission check (length(mission) <= 1000),
    constraint ck_org_profiles_vision check (length(vision) <= 1000),
    constraint ck_org_profiles_about check (length(about) <= 2000),
    constraint ck_org_profiles_founded_year check (founded_year >= 1800),
    constraint ck_org_profiles_website_url check (website_url ~ '^https?://[^[:space:]]+$' and length(website_url) <= 2000),
    constraint ck_org_profiles_members_count check (members_count >= 0),
    constraint ck_org_profiles_followers_count check (followers_count >= 0),
    constraint ck_org_profiles_events_count check (events_count >= 0),
    constraint ck_org_profiles_verified check (is_verified = (verified_at is not null)),
    constraint ck_org_profiles_verified_by check (is_verified or verified_by is null)
);
create index if not exists idx_org_profiles_created_by on org_profiles (created_by);
create index if not exists idx_org_profiles_organization_type on org_profiles (organization_type_id);
create index if not exists idx_org_profiles_verified_by on org_profiles (verified_by) where verified_by is not null;
create index if not exists idx_org_profiles_listed on org_profiles (created_at desc) where is_active;
create index if not exists fts_org_profiles_search on org_profiles using gin (search);
create index if not exists gin_org_profiles_organization_name_trgm on org_profiles using gin (organization_name gin_trgm_ops);

comment on table org_profiles is 'One row per organization that has a page.';
comment on column org_profiles.created_by is 'The person who answers for the page; that profile cannot be deleted before it is handed on.';
comment on column org_profiles.organization_name is 'Registered name.';
comment on column org_profiles.display_name is 'Short name or abbreviation, where it is better known by that.';
comment on column org_profiles.organization_slug is 'Name in the address of the page; see generate_organization_slug().';
comment on column org_profiles.organization_type_id is 'What kind of organization it is.';
comment on column org_profiles.logo_url is 'Address of the logo.';
comment on column org_profiles.cover_photo_url is 'Address of the picture behind it.';
comment on column org_profiles.tagline is 'One line about the organization, at most 200 characters.';
comment on column org_profiles.mission is 'What it works for, at most 1000 characters.';
comment on column org_profiles.vision is 'What it hopes to see one day, at most 1000 characters.';
comment on column org_profiles.about is 'What it does, at most 2000 characters.';
comment on column org_profiles.founded_year is 'Year of its foundation, 1800 to this year.';
comment on column org_profiles.website_url is 'Address of its own website.';
comment on column org_profiles.members_count is 'Its active members, people and businesses; kept by triggers.';
comment on column org_profiles.followers_count is 'Who follows it; kept by triggers.';
comment on column org_profiles.events_count is 'Its published events; kept by triggers.';
comment on column org_profiles.is_verified is 'Whether somebody of the platform has checked that it exists.';
comment on column org_profiles.verified_at is 'When that was; empty if it is not verified.';
comment on column org_profiles.verified_by is 'Who checked it.';
comment on column org_profiles.is_active is 'Whether it still works; if not, its page says so.';
comment on column org_profiles.search is
    'Words of the names (A), tagline (B), mission and about (C) without accents, for full-text search.';
call finish_table('org_profiles', 'is_verified', 'verified_at', 'verified_by');

create or replace trigger trg_org_profiles_founded_in_the_past
    before insert or update of founded_year on org_profiles
    for each row when (new.founded_year is not null)
    execute function trg_fn_founded_in_the_past();

create or replace function generate_organization_slug(p_name text, p_city text default null, p_id uuid default null) returns text
language plpgsql stable
as $$
declare
    c_longest constant int := 60;
    v_base text := coalesce(
        slugify(concat_ws('-', p_name, p_city)),
        'org-' || left(replace(p_id::text, '-', ''), 8),
        'org'
    );
    v_slug text := v_base;
    v_number int := 0;
begin
    while is_reserved_slug(v_slug)
        or exists (select from org_profiles o where o.organization_slug = v_slug and o.id is distinct from p_id)
    loop
        v_number := v_number + 1;
        v_slug := rtrim(left(v_base, c_longest - length('-' || v_number)), '-') || '-' || v_number;
    end loop;
    return v_slug;
end
$$;
comment on function generate_organization_slug(text, text, uuid) is
    'A free slug from name and town, org- and the start of the id where nothing readable is left; the organization''s own'
    ' slug counts as free. Two sessions may get the same one: the unique key decides and the caller asks again.';

-- ---------------------------------------------------------------------------------------------
-- How to reach an organization

create table if not exists org_contact_info (
    organization_id uuid not null,
    email text,
    phone text,
    whatsapp_number text,
    address_line1 text,
    address_line2 text,
    city text,
    district text,
    state text,
    postal_code text,
    country text not null default 'India',
    business_hours jsonb,
    facebook_url text,
    instagram_url text,
    linkedin_url text,
    twitter_url text,
    youtube_url text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_contact_info primary key (organization_id),
    constraint fk_org_contact_info_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint ck_org_contact_info_email check (length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_org_contact_info_phone check (phone ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_org_contact_info_whatsapp_number check (whatsapp_number ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_org_contact_info_address_line1 check (btrim(address_line1) <> '' and length(address_line1) <= 200),
    constraint ck_org_contact_info_address_line2 check (btrim(address_line2) <> '' and length(address_line2) <= 200),
    constraint ck_org_contact_info_city check (btrim(city) <> '' and length(city) <= 100),
    constraint ck_org_contact_info_district check (btrim(district) <> '' and length(district) <= 100),
    constraint ck_org_contact_info_state check (btrim(state) <> '' and length(state) <= 100),
    constraint ck_org_contact_info_postal_code check (postal_code ~ '^[A-Z0-9][A-Z0-9 -]{2,9}$'),
    constraint ck_org_contact_info_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_org_contact_info_business_hours check (is_business_hours(business_hours)),
    constraint ck_org_contact_info_facebook_url check (facebook_url ~ '^https?://[^[:space:]]+$' and length(facebook_url) <= 2000),
    constraint ck_org_contact_info_instagram_url check (instagram_url ~ '^https?://[^[:space:]]+$' and length(instagram_url) <= 2000),
    constraint ck_org_contact_info_linkedin_url check (linkedin_url ~ '^https?://[^[:space:]]+$' and length(linkedin_url) <= 2000),
    constraint ck_org_contact_info_twitter_url check (twitter_url ~ '^https?://[^[:space:]]+$' and length(twitter_url) <= 2000),
    constraint ck_org_contact_info_youtube_url check (youtube_url ~ '^https?://[^[:space:]]+$' and length(youtube_url) <= 2000)
);
create index if not exists idx_org_contact_info_state_city on org_contact_info (state, city);

comment on table org_contact_info is 'One row per organization, made with it: how to reach it.';
comment on column org_contact_info.organization_id is 'The organization.';
comment on column org_contact_info.email is 'E-mail address for everybody.';
comment on column org_contact_info.phone is 'Phone number for everybody.';
comment on column org_contact_info.whatsapp_number is 'WhatsApp number, where it is another one.';
comment on column org_contact_info.address_line1 is 'House and street, or the village road.';
comment on column org_contact_info.address_line2 is 'What else the address needs, as a landmark.';
comment on column org_contact_info.city is 'Town or village.';
comment on column org_contact_info.district is 'District.';
comment on column org_contact_info.state is 'State or union territory.';
comment on column org_contact_info.postal_code is 'Postal code, six digits in India.';
comment on column org_contact_info.country is 'Country, as shown.';
comment on column org_contact_info.business_hours is 'Opening hours by day, on the clock of the place; see is_business_hours().';
comment on column org_contact_info.facebook_url is 'Address of its page on Facebook.';
comment on column org_contact_info.instagram_url is 'Address of its page on Instagram.';
comment on column org_contact_info.linkedin_url is 'Address of its page on LinkedIn.';
comment on column org_contact_info.twitter_url is 'Address of its page on X, formerly Twitter.';
comment on column org_contact_info.youtube_url is 'Address of its channel on YouTube.';
call finish_table('org_contact_info');

create table if not exists org_offices (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    name text not null,
    type text not null,
    address text not null,
    city text not null,
    district text,
    state text not null,
    postal_code text,
    country text not null default 'India',
    phone text,
    email text,
    latitude numeric(9, 6),
    longitude numeric(9, 6),
    is_primary boolean not null default false,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_offices primary key (id),
    constraint fk_org_offices_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint ck_org_offices_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_org_offices_type check (type in ('headquarters', 'regional', 'branch', 'chapter')),
    constraint ck_org_offices_address check (btrim(address) <> '' and length(address) <= 500),
    constraint ck_org_offices_city check (btrim(city) <> '' and length(city) <= 100),
    constraint ck_org_offices_district check (btrim(district) <> '' and length(district) <= 100),
    constraint ck_org_offices_state check (btrim(state) <> '' and length(state) <= 100),
    constraint ck_org_offices_postal_code check (postal_code ~ '^[A-Z0-9][A-Z0-9 -]{2,9}$'),
    constraint ck_org_offices_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_org_offices_phone check (phone ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_org_offices_email check (length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_org_offices_latitude check (latitude between -90 and 90),
    constraint ck_org_offices_longitude check (longitude between -180 and 180),
    constraint ck_org_offices_coordinates check ((latitude is null) = (longitude is null))
);
create index if not exists idx_org_offices_organization on org_offices (organization_id);
create unique index if not exists uq_org_offices_primary on org_offices (organization_id) where is_primary;
create index if not exists idx_org_offices_state_city on org_offices (state, city);

comment on table org_offices is 'One row per office of an organization.';
comment on column org_offices.organization_id is 'The organization.';
comment on column org_offices.name is 'What the organization calls the office.';
comment on column org_offices.type is 'headquarters, regional, branch or chapter.';
comment on column org_offices.address is 'House and street, or the village road.';
comment on column org_offices.city is 'Town or village.';
comment on column org_offices.district is 'District.';
comment on column org_offices.state is 'State or union territory.';
comment on column org_offices.postal_code is 'Postal code, six digits in India.';
comment on column org_offices.country is 'Country, as shown.';
comment on column org_offices.phone is 'Phone number of the office.';
comment on column org_offices.email is 'E-mail address of the office.';
comment on column org_offices.latitude is 'Degrees north; negative is south.';
comment on column org_offices.longitude is 'Degrees east; negative is west.';
comment on column org_offices.is_primary is 'Whether it is the one shown first; at most one of an organization.';
comment on column org_offices.is_active is 'Whether the office is in use.';
call finish_table('org_offices');

-- ---------------------------------------------------------------------------------------------
-- Who leads it

create table if not exists org_leadership (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    profile_id uuid not null,
    position text not null,
    position_level int not null default 0,
    start_date date not null,
    end_date date,
    is_current boolean not null default true,
    responsibilities text[] not null default '{}',
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_leadership primary key (id),
    constraint fk_org_leadership_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint fk_org_leadership_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_org_leadership_term unique (organization_id, profile_id, position, start_date),
    constraint ck_org_leadership_position check (btrim(position) <> '' and length(position) <= 100),
    constraint ck_org_leadership_position_level check (position_level >= 0),
    constraint ck_org_leadership_end_date check (end_date >= start_date),
    constraint ck_org_leadership_current check (is_current = (end_date is null))
);
create index if not exists idx_org_leadership_profile on org_leadership (profile_id);
create index if not exists idx_org_leadership_current on org_leadership (organization_id, position_level) where is_current;

comment on table org_leadership is 'One row per person and term in an office of an organization, as its president or secretary.';
comment on column org_leadership.organization_id is 'The organization.';
comment on column org_leadership.profile_id is 'The person.';
comment on column org_leadership.position is 'The office held, in words.';
comment on column org_leadership.position_level is 'Rank of the office: 0 is the highest.';
comment on column org_leadership.start_date is 'First day of the term.';
comment on column org_leadership.end_date is 'Last day of the term; empty while it runs.';
comment on column org_leadership.is_current is 'Whether the term runs.';
comment on column org_leadership.responsibilities is 'What the person looks after, in words.';
call finish_table('org_leadership');

-- ---------------------------------------------------------------------------------------------
-- What happens on the page

create table if not exists org_stats (
    organization_id uuid not null,
    individual_members_count int not null default 0,
    business_members_count int not null default 0,
    posts_count int not null default 0,
    resources_count int not null default 0,
    profile_views_count int not null default 0,
    last_updated_at timestamptz not null default now(),
    constraint pk_org_stats primary key (organization_id),
    constraint fk_org_stats_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint ck_org_stats_individual_members_count check (individual_members_count >= 0),
    constraint ck_org_stats_business_members_count check (business_members_count >= 0),
    constraint ck_org_stats_posts_count check (posts_count >= 0),
    constraint ck_org_stats_resources_count check (resources_count >= 0),
    constraint ck_org_stats_profile_views_count check (profile_views_count >= 0)
);
comment on table org_stats is 'One row per organization, made with it: counters that move often, apart from its page.';
comment on column org_stats.organization_id is 'The organization.';
comment on column org_stats.individual_members_count is 'Its active members that are people; kept by triggers.';
comment on column org_stats.business_members_count is 'Its active members that are businesses; kept by triggers.';
comment on column org_stats.posts_count is 'Its posts that are not in the trash; kept by triggers.';
comment on column org_stats.resources_count is 'Its documents in org_resources; kept by triggers.';
comment on column org_stats.profile_views_count is 'Recorded views of its page, as far back as views are kept; kept by triggers.';
comment on column org_stats.last_updated_at is 'When a counter last moved; kept by a trigger.';

create or replace trigger trg_org_stats_touched
    before update on org_stats
    for each row when (old is distinct from new) execute function trg_fn_stats_touched();

create or replace function trg_fn_organization_companions() returns trigger
language plpgsql
as $$
begin
    insert into org_contact_info (organization_id) values (new.id);
    insert into org_stats (organization_id) values (new.id);
    return null;
end
$$;
comment on function trg_fn_organization_companions() is 'Trigger: a new organization gets its rows in org_contact_info and org_stats.';
create or replace trigger trg_org_profiles_companions
    after insert on org_profiles
    for each row execute function trg_fn_organization_companions();

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('org');
