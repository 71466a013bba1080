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
    constraint ck_org_profiles_cover_photo_url check (cover_photo_url ~ '^https?://[^[:space:]]+$' and length(cover_photo_url) <= 2000),
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
