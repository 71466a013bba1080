-- 20_biz_core.sql: businesses, where they are and whom they serve
--
-- Purpose  the public page of a farm, a hatchery, a supplier or a clinic, and how to reach it.
-- Grain    biz_profiles: one row per business; the other grains stand in the comments.
-- Units    amounts are INR.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 10_usr_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Checks that businesses and organizations share

create or replace function is_business_hours(p_hours jsonb) returns boolean
language sql immutable strict parallel safe
as $$
    select case when jsonb_typeof(p_hours) <> 'object' then false else not exists (
        select from jsonb_each(p_hours) d (day, hours)
        where d.day <> all ('{mon,tue,wed,thu,fri,sat,sun}'::text[])
            or case jsonb_typeof(d.hours)
                when 'null' then false
                when 'object' then not coalesce(
                    d.hours - '{open,close}'::text[] = '{}'
                    and d.hours ->> 'open' ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
                    and d.hours ->> 'close' ~ '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$'
                    and (d.hours ->> 'open') collate "C" < (d.hours ->> 'close') collate "C", false)
                else true
            end
    ) end
$$;
comment on function is_business_hours(jsonb) is
    'Whether opening hours have their shape: {"mon": {"open": "09:00", "close": "18:00"}, "sun": null}, days mon to sun, a day'
    ' that is null or missing is closed; NULL for NULL.';

create or replace function trg_fn_founded_in_the_past() returns trigger
language plpgsql
as $$
begin
    if new.founded_year > extract(year from now() at time zone 'Asia/Kolkata') then
        raise exception 'founded_year %: that year has not come yet', new.founded_year
            using errcode = 'check_violation', constraint = 'ck_' || tg_table_name || '_founded_in_the_past',
                table = tg_table_name, column = 'founded_year';
    end if;
    return new;
end
$$;
comment on function trg_fn_founded_in_the_past() is
    'Trigger: nothing was founded in a year to come. A CHECK must not ask the clock, so that a dump can always be restored.';

-- ---------------------------------------------------------------------------------------------
-- Businesses

create table if not exists biz_profiles (
    id uuid not null default gen_random_uuid(),
    owner_id uuid not null,
    business_name text not null,
    display_name text,
    business_slug text not null,
    business_type_id uuid not null,
    logo_url text,
    cover_photo_url text,
    tagline text,
    about text,
    company_size text,
    founded_year int,
    website_url text,
    is_verified boolean not null default false,
    verified_at timestamptz,
    verified_by uuid,
    followers_count int not null default 0,
    products_count int not null default 0,
    team_members_count int not null default 0,
    is_active boolean not null default true,
    is_deleted boolean not null default false,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    search tsvector generated always as (
        setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(business_name), '') || ' '
            || coalesce(public.immutable_unaccent(display_name), '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(tagline), '')), 'B')
        || setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(about), '')), 'C')
    ) stored,
    constraint pk_biz_profiles primary key (id),
    constraint fk_biz_profiles_owner foreign key (owner_id) references profiles (id) on delete restrict,
    constraint fk_biz_profiles_business_type foreign key (business_type_id) references ref_business_types (id) on delete restrict,
    constraint fk_biz_profiles_verified_by foreign key (verified_by) references profiles (id) on delete set null,
    constraint uq_biz_profiles_business_slug unique (business_slug),
    constraint ck_biz_profiles_business_name check (btrim(business_name) <> '' and length(business_name) <= 200),
    constraint ck_biz_profiles_display_name check (btrim(display_name) <> '' and length(display_name) <= 200),
    constraint ck_biz_profiles_business_slug check (business_slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(business_slug) <= 60),
    constraint ck_biz_profiles_logo_url check (logo_url ~ '^https?://[^[:space:]]+$' and length(logo_url) <= 2000),
    constraint ck_biz_profiles_cover_photo_url
        check (cover_photo_url ~ '^https?://[^[:space:]]+$' and length(cover_photo_url) <= 2000),
    constraint ck_biz_profiles_tagline check (length(tagline) <= 200),
    constraint ck_biz_profiles_about check (length(about) <= 2000),
    constraint ck_biz_profiles_company_size check (company_size in ('1-10', '11-50', '51-200', '201-500', '500+')),
    constraint ck_biz_profiles_founded_year check (founded_year >= 1800),
    constraint ck_biz_profiles_website_url check (website_url ~ '^https?://[^[:space:]]+$' and length(website_url) <= 2000),
    constraint ck_biz_profiles_verified check (is_verified = (verified_at is not null)),
    constraint ck_biz_profiles_verified_by check (is_verified or verified_by is null),
    constraint ck_biz_profiles_followers_count check (followers_count >= 0),
    constraint ck_biz_profiles_products_count check (products_count >= 0),
    constraint ck_biz_profiles_team_members_count check (team_members_count >= 0),
    constraint ck_biz_profiles_deleted check (is_deleted = (deleted_at is not null))
);
create index if not exists idx_biz_profiles_owner on biz_profiles (owner_id);
create index if not exists idx_biz_profiles_business_type on biz_profiles (business_type_id);
create index if not exists idx_biz_profiles_verified_by on biz_profiles (verified_by) where verified_by is not null;
create index if not exists idx_biz_profiles_deleted on biz_profiles (deleted_at) where is_deleted;
create index if not exists idx_biz_profiles_listed on biz_profiles (created_at desc) where is_active and not is_deleted;
create index if not exists fts_biz_profiles_search on biz_profiles using gin (search);
create index if not exists gin_biz_profiles_business_name_trgm on biz_profiles using gin (business_name gin_trgm_ops);

comment on table biz_profiles is 'One row per business that has a page.';
comment on column biz_profiles.owner_id is 'The person it belongs to; that profile cannot be deleted before the business is handed on.';
comment on column biz_profiles.business_name is 'Registered name.';
comment on column biz_profiles.display_name is 'Name on the signboard, where it is another one.';
comment on column biz_profiles.business_slug is 'Name in the address of the page; see generate_business_slug().';
comment on column biz_profiles.business_type_id is 'What kind of business it is.';
comment on column biz_profiles.logo_url is 'Address of the logo.';
comment on column biz_profiles.cover_photo_url is 'Address of the picture behind it.';
comment on column biz_profiles.tagline is 'One line about the business, at most 200 characters.';
comment on column biz_profiles.about is 'What it does, at most 2000 characters.';
comment on column biz_profiles.company_size is 'People who work there: 1-10, 11-50, 51-200, 201-500 or 500+.';
comment on column biz_profiles.founded_year is 'Year of its foundation, 1800 to this year.';
comment on column biz_profiles.website_url is 'Address of its own website.';
comment on column biz_profiles.is_verified is 'Whether somebody of the platform has checked that it exists.';
comment on column biz_profiles.verified_at is 'When that was; empty if it is not verified.';
comment on column biz_profiles.verified_by is 'Who checked it.';
comment on column biz_profiles.followers_count is 'Who follows it; kept by triggers.';
comment on column biz_profiles.products_count is 'Its published products; kept by triggers.';
comment on column biz_profiles.team_members_count is 'Its active team members; kept by triggers.';
comment on column biz_profiles.is_active is 'Whether it is open for business; if not, its page says so.';
comment on column biz_profiles.search is 'Words of the names (A), tagline (B) and about (C) without accents, for full-text search.';
call finish_table('biz_profiles', 'is_verified', 'verified_at', 'verified_by');
comment on column biz_profiles.is_deleted is
    'Whether it was put into the trash; nobody finds it or reads its posts then.';
comment on column biz_profiles.deleted_at is
    'When it was put into the trash. It is not purged: its postings and the orders of its products refer to it.';

create or replace trigger trg_biz_profiles_founded_in_the_past
    before insert or update of founded_year on biz_profiles
    for each row when (new.founded_year is not null)
    execute function trg_fn_founded_in_the_past();

create or replace function generate_business_slug(p_name text, p_city text default null, p_id uuid default null) returns text
language plpgsql stable
as $$
declare
    c_longest constant int := 60;
    v_base text := coalesce(
        slugify(concat_ws('-', p_name, p_city)),
        'business-' || left(replace(p_id::text, '-', ''), 8),
        'business'
    );
    v_slug text := v_base;
    v_number int := 0;
begin
    while is_reserved_slug(v_slug)
        or exists (select from biz_profiles b where b.business_slug = v_slug and b.id is distinct from p_id)
    loop
        v_number := v_number + 1;
        v_slug := rtrim(left(v_base, c_longest - length('-' || v_number)), '-') || '-' || v_number;
    end loop;
    return v_slug;
end
$$;
comment on function generate_business_slug(text, text, uuid) is
    'A free slug from name and town, business- and the start of the id where nothing readable is left; the business''s own'
    ' slug counts as free. Two sessions may get the same one: the unique key decides and the caller asks again.';

-- ---------------------------------------------------------------------------------------------
-- How to reach a business

create table if not exists biz_contact_info (
    business_id uuid not null,
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
    constraint pk_biz_contact_info primary key (business_id),
    constraint fk_biz_contact_info_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint ck_biz_contact_info_email check (length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_biz_contact_info_phone check (phone ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_biz_contact_info_whatsapp_number check (whatsapp_number ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_biz_contact_info_address_line1 check (btrim(address_line1) <> '' and length(address_line1) <= 200),
    constraint ck_biz_contact_info_address_line2 check (btrim(address_line2) <> '' and length(address_line2) <= 200),
    constraint ck_biz_contact_info_city check (btrim(city) <> '' and length(city) <= 100),
    constraint ck_biz_contact_info_district check (btrim(district) <> '' and length(district) <= 100),
    constraint ck_biz_contact_info_state check (btrim(state) <> '' and length(state) <= 100),
    constraint ck_biz_contact_info_postal_code check (postal_code ~ '^[A-Z0-9][A-Z0-9 -]{2,9}$'),
    constraint ck_biz_contact_info_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_biz_contact_info_business_hours check (is_business_hours(business_hours)),
    constraint ck_biz_contact_info_facebook_url check (facebook_url ~ '^https?://[^[:space:]]+$' and length(facebook_url) <= 2000),
    constraint ck_biz_contact_info_instagram_url check (instagram_url ~ '^https?://[^[:space:]]+$' and length(instagram_url) <= 2000),
    constraint ck_biz_contact_info_linkedin_url check (linkedin_url ~ '^https?://[^[:space:]]+$' and length(linkedin_url) <= 2000),
    constraint ck_biz_contact_info_twitter_url check (twitter_url ~ '^https?://[^[:space:]]+$' and length(twitter_url) <= 2000),
    constraint ck_biz_contact_info_youtube_url check (youtube_url ~ '^https?://[^[:space:]]+$' and length(youtube_url) <= 2000)
);
create index if not exists idx_biz_contact_info_state_city on biz_contact_info (state, city);

comment on table biz_contact_info is 'One row per business, made with it: how to reach it.';
comment on column biz_contact_info.business_id is 'The business.';
comment on column biz_contact_info.email is 'E-mail address for customers.';
comment on column biz_contact_info.phone is 'Phone number for customers.';
comment on column biz_contact_info.whatsapp_number is 'WhatsApp number, where it is another one.';
comment on column biz_contact_info.address_line1 is 'House and street, or the village road.';
comment on column biz_contact_info.address_line2 is 'What else the address needs, as a landmark.';
comment on column biz_contact_info.city is 'Town or village.';
comment on column biz_contact_info.district is 'District.';
comment on column biz_contact_info.state is 'State or union territory.';
comment on column biz_contact_info.postal_code is 'Postal code, six digits in India.';
comment on column biz_contact_info.country is 'Country, as shown.';
comment on column biz_contact_info.business_hours is 'Opening hours by day, on the clock of the place; see is_business_hours().';
comment on column biz_contact_info.facebook_url is 'Address of its page on Facebook.';
comment on column biz_contact_info.instagram_url is 'Address of its page on Instagram.';
comment on column biz_contact_info.linkedin_url is 'Address of its page on LinkedIn.';
comment on column biz_contact_info.twitter_url is 'Address of its page on X, formerly Twitter.';
comment on column biz_contact_info.youtube_url is 'Address of its channel on YouTube.';
call finish_table('biz_contact_info');

create table if not exists biz_locations (
    id uuid not null default gen_random_uuid(),
    business_id uuid not null,
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
    constraint pk_biz_locations primary key (id),
    constraint fk_biz_locations_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint ck_biz_locations_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_biz_locations_type check (type in ('headquarters', 'branch', 'warehouse', 'factory', 'office')),
    constraint ck_biz_locations_address check (btrim(address) <> '' and length(address) <= 500),
    constraint ck_biz_locations_city check (btrim(city) <> '' and length(city) <= 100),
    constraint ck_biz_locations_district check (btrim(district) <> '' and length(district) <= 100),
    constraint ck_biz_locations_state check (btrim(state) <> '' and length(state) <= 100),
    constraint ck_biz_locations_postal_code check (postal_code ~ '^[A-Z0-9][A-Z0-9 -]{2,9}$'),
    constraint ck_biz_locations_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_biz_locations_phone check (phone ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_biz_locations_email check (length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_biz_locations_latitude check (latitude between -90 and 90),
    constraint ck_biz_locations_longitude check (longitude between -180 and 180),
    constraint ck_biz_locations_coordinates check ((latitude is null) = (longitude is null))
);
create index if not exists idx_biz_locations_business on biz_locations (business_id);
create unique index if not exists uq_biz_locations_primary on biz_locations (business_id) where is_primary;
create index if not exists idx_biz_locations_state_city on biz_locations (state, city);

comment on table biz_locations is 'One row per place where a business works.';
comment on column biz_locations.business_id is 'The business.';
comment on column biz_locations.name is 'What the business calls the place.';
comment on column biz_locations.type is 'headquarters, branch, warehouse, factory or office.';
comment on column biz_locations.address is 'House and street, or the village road.';
comment on column biz_locations.city is 'Town or village.';
comment on column biz_locations.district is 'District.';
comment on column biz_locations.state is 'State or union territory.';
comment on column biz_locations.postal_code is 'Postal code, six digits in India.';
comment on column biz_locations.country is 'Country, as shown.';
comment on column biz_locations.phone is 'Phone number of the place.';
comment on column biz_locations.email is 'E-mail address of the place.';
comment on column biz_locations.latitude is 'Degrees north; negative is south.';
comment on column biz_locations.longitude is 'Degrees east; negative is west.';
comment on column biz_locations.is_primary is 'Whether it is the one shown first; at most one of a business.';
comment on column biz_locations.is_active is 'Whether the place is in use.';
call finish_table('biz_locations');

create table if not exists biz_service_areas (
    id uuid not null default gen_random_uuid(),
    business_id uuid not null,
    country text not null default 'India',
    state text,
    district text,
    city text,
    has_delivery boolean not null default false,
    has_pickup boolean not null default false,
    delivery_days int,
    minimum_order_value numeric(12, 2),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_biz_service_areas primary key (id),
    constraint fk_biz_service_areas_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint uq_biz_service_areas_place unique nulls not distinct (business_id, country, state, district, city),
    constraint ck_biz_service_areas_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_biz_service_areas_state check (btrim(state) <> '' and length(state) <= 100),
    constraint ck_biz_service_areas_district check (btrim(district) <> '' and length(district) <= 100),
    constraint ck_biz_service_areas_city check (btrim(city) <> '' and length(city) <= 100),
    constraint ck_biz_service_areas_nesting check (state is not null or (district is null and city is null)),
    constraint ck_biz_service_areas_delivery_days check (delivery_days >= 0),
    constraint ck_biz_service_areas_minimum_order_value check (minimum_order_value >= 0 and minimum_order_value <> 'NaN')
);
create index if not exists idx_biz_service_areas_place on biz_service_areas (state, district, city);

comment on table biz_service_areas is
    'One row per area that a business serves: a country, a state, a district or a town. What is left empty means all of it.';
comment on column biz_service_areas.business_id is 'The business.';
comment on column biz_service_areas.country is 'Country, as shown.';
comment on column biz_service_areas.state is 'State or union territory; empty for the whole country.';
comment on column biz_service_areas.district is 'District; empty for the whole state.';
comment on column biz_service_areas.city is 'Town or village; empty for the whole district.';
comment on column biz_service_areas.has_delivery is 'Whether the business brings goods there.';
comment on column biz_service_areas.has_pickup is 'Whether it fetches goods from there.';
comment on column biz_service_areas.delivery_days is 'Days from order to delivery.';
comment on column biz_service_areas.minimum_order_value is 'Smallest order it takes from there, in INR.';
call finish_table('biz_service_areas');

-- ---------------------------------------------------------------------------------------------
-- What happens on the page

create table if not exists biz_stats (
    business_id uuid not null,
    posts_count int not null default 0,
    profile_views_count int not null default 0,
    last_updated_at timestamptz not null default now(),
    constraint pk_biz_stats primary key (business_id),
    constraint fk_biz_stats_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint ck_biz_stats_posts_count check (posts_count >= 0),
    constraint ck_biz_stats_profile_views_count check (profile_views_count >= 0)
);
comment on table biz_stats is 'One row per business, made with it: counters that move often, apart from its page.';
comment on column biz_stats.business_id is 'The business.';
comment on column biz_stats.posts_count is 'Its posts that are not in the trash; kept by triggers.';
comment on column biz_stats.profile_views_count is 'Recorded views of its page, as far back as views are kept; kept by triggers.';
comment on column biz_stats.last_updated_at is 'When a counter last moved; kept by a trigger.';

create or replace trigger trg_biz_stats_touched
    before update on biz_stats
    for each row when (old is distinct from new) execute function trg_fn_stats_touched();

create or replace function trg_fn_business_companions() returns trigger
language plpgsql
as $$
begin
    insert into biz_contact_info (business_id) values (new.id);
    insert into biz_stats (business_id) values (new.id);
    return null;
end
$$;
comment on function trg_fn_business_companions() is 'Trigger: a new business gets its rows in biz_contact_info and biz_stats.';
create or replace trigger trg_biz_profiles_companions
    after insert on biz_profiles
    for each row execute function trg_fn_business_companions();

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('biz');
