-- 60_evt_core.sql: events, who comes, who speaks, who pays
--
-- Purpose  events of people, businesses and organizations, with their guests, hosts, speakers, sponsors and news.
-- Grain    evt_events: one row per event; the other grains stand in the comments.
-- Units    instants are timestamptz; fees and amounts are in the currency beside them.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 20_biz_core.sql, 30_org_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Events

create table if not exists evt_events (
    id uuid not null default gen_random_uuid(),
    organizer_type text not null,
    organizer_id uuid not null,
    title text not null,
    description text,
    event_type_id uuid not null,
    cover_image_url text,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    timezone text not null default 'Asia/Kolkata',
    location_type text not null default 'physical',
    venue_name text,
    venue_address text,
    city text,
    state text,
    country text not null default 'India',
    latitude numeric(9, 6),
    longitude numeric(9, 6),
    virtual_link text,
    virtual_platform text,
    is_registration_required boolean not null default false,
    registration_deadline_at timestamptz,
    max_attendees int,
    registration_fee numeric(12, 2) not null default 0,
    currency char(3) not null default 'INR',
    visibility text not null default 'public',
    status text not null default 'draft',
    attendees_count int not null default 0,
    interested_count int not null default 0,
    views_count int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    search tsvector generated always as (
        setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(title), '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(description), '')), 'B')
        || setweight(to_tsvector('simple'::regconfig,
            coalesce(public.immutable_unaccent(venue_name), '') || ' ' || coalesce(public.immutable_unaccent(city), '')), 'C')
    ) stored,
    constraint pk_evt_events primary key (id),
    constraint fk_evt_events_event_type foreign key (event_type_id) references ref_event_types (id) on delete restrict,
    constraint ck_evt_events_organizer_type check (organizer_type in ('individual', 'business', 'organization')),
    constraint ck_evt_events_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_evt_events_description check (length(description) <= 5000),
    constraint ck_evt_events_cover_image_url check (cover_image_url ~ '^https?://[^[:space:]]+$' and length(cover_image_url) <= 2000),
    constraint ck_evt_events_times check (ends_at > starts_at),
    -- the server itself refuses a time zone that it does not know (22023), whatever the moment
    constraint ck_evt_events_timezone check (length(timezone) <= 64 and (to_timestamp(0) at time zone timezone) is not null),
    constraint ck_evt_events_location_type check (location_type in ('physical', 'virtual', 'hybrid')),
    constraint ck_evt_events_venue_name check (length(venue_name) <= 200),
    constraint ck_evt_events_venue_address check (length(venue_address) <= 500),
    constraint ck_evt_events_city check (length(city) <= 100),
    constraint ck_evt_events_state check (length(state) <= 100),
    constraint ck_evt_events_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_evt_events_latitude check (latitude between -90 and 90),
    constraint ck_evt_events_longitude check (longitude between -180 and 180),
    constraint ck_evt_events_coordinates check ((latitude is null) = (longitude is null)),
    constraint ck_evt_events_virtual_link check (virtual_link ~ '^https?://[^[:space:]]+$' and length(virtual_link) <= 2000),
    constraint ck_evt_events_virtual_platform check (length(virtual_platform) <= 50),
    constraint ck_evt_events_registration_deadline check (registration_deadline_at <= ends_at),
    constraint ck_evt_events_max_attendees check (max_attendees > 0),
    constraint ck_evt_events_registration_fee check (registration_fee >= 0 and registration_fee <> 'NaN'),
    constraint ck_evt_events_currency check (currency ~ '^[A-Z]{3}$'),
    constraint ck_evt_events_visibility check (visibility in ('public', 'private', 'members_only')),
    constraint ck_evt_events_status check (status in ('draft', 'published', 'cancelled', 'completed')),
    constraint ck_evt_events_attendees_count check (attendees_count >= 0),
    constraint ck_evt_events_interested_count check (interested_count >= 0),
    constraint ck_evt_events_views_count check (views_count >= 0)
);
create index if not exists idx_evt_events_organizer on evt_events (organizer_type, organizer_id);
create index if not exists idx_evt_events_event_type on evt_events (event_type_id);
create index if not exists idx_evt_events_published on evt_events (starts_at) where status = 'published';
create index if not exists idx_evt_events_state_city on evt_events (state, city);
create index if not exists fts_evt_events_search on evt_events using gin (search);
create index if not exists gin_evt_events_title_trgm on evt_events using gin (title gin_trgm_ops);

comment on table evt_events is 'One row per event. It goes with its organizer.';
comment on column evt_events.organizer_type is 'Whose event it is: individual, business or organization.';
comment on column evt_events.organizer_id is 'The profile, business or organization whose event it is.';
comment on column evt_events.title is 'Its name, at most 200 characters.';
comment on column evt_events.description is 'What happens there, at most 5000 characters.';
comment on column evt_events.event_type_id is 'What kind of event it is.';
comment on column evt_events.cover_image_url is 'Address of its picture.';
comment on column evt_events.starts_at is 'When it begins.';
comment on column evt_events.ends_at is 'When it ends, later than it begins.';
comment on column evt_events.timezone is 'Time zone in which its times are shown, by IANA name as in Asia/Kolkata.';
comment on column evt_events.location_type is 'physical (at a place), virtual (online only) or hybrid (both).';
comment on column evt_events.venue_name is 'Name of the place.';
comment on column evt_events.venue_address is 'Street and number of the place.';
comment on column evt_events.city is 'Town or village of the place.';
comment on column evt_events.state is 'State of the place.';
comment on column evt_events.country is 'Country of the place, as shown.';
comment on column evt_events.latitude is 'Degrees north of the place.';
comment on column evt_events.longitude is 'Degrees east of the place.';
comment on column evt_events.virtual_link is 'Address at which it is joined online.';
comment on column evt_events.virtual_platform is 'With what it is joined online, as in Zoom.';
comment on column evt_events.is_registration_required is 'Whether guests must register first.';
comment on column evt_events.registration_deadline_at is 'Until when guests may register; empty for no limit.';
comment on column evt_events.max_attendees is
    'How many may go; empty for no limit. Lowering it below those who go sends nobody away, but lets nobody in.';
comment on column evt_events.registration_fee is 'What a guest pays, in the currency; 0 for nothing.';
comment on column evt_events.currency is 'ISO 4217 code of the currency of the fee and the sponsors'' amounts.';
comment on column evt_events.visibility is 'Who sees it: public, private (those invited) or members_only (members of the organizer).';
comment on column evt_events.status is 'draft, published, cancelled or completed.';
comment on column evt_events.attendees_count is 'Guests who say that they go; kept by triggers.';
comment on column evt_events.interested_count is 'Guests who say that they are interested; kept by triggers.';
comment on column evt_events.views_count is 'How often it was opened; counted by track_view().';
comment on column evt_events.search is 'Words of title (A), description (B), venue and town (C) without accents, for full-text search.';
call finish_table('evt_events');
call attach_entity('evt_events', 'organizer', 'delete', 'individual', 'business', 'organization');
call keep_count('evt_events', 'org_profiles', 'events_count', 'r.organizer_id',
    'r.organizer_type = ''organization'' and r.status = ''published''');

-- ---------------------------------------------------------------------------------------------
-- Guests

create table if not exists evt_attendees (
    id uuid not null default gen_random_uuid(),
    event_id uuid not null,
    profile_id uuid not null,
    rsvp text not null default 'going',
    registration jsonb not null default '{}',
    is_fee_paid boolean not null default false,
    payment_id text,
    is_checked_in boolean not null default false,
    checked_in_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_evt_attendees primary key (id),
    constraint fk_evt_attendees_event foreign key (event_id) references evt_events (id) on delete cascade,
    constraint fk_evt_attendees_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_evt_attendees_event_profile unique (event_id, profile_id),
    constraint ck_evt_attendees_rsvp check (rsvp in ('interested', 'going', 'not_going', 'maybe')),
    constraint ck_evt_attendees_registration check (jsonb_typeof(registration) = 'object'),
    constraint ck_evt_attendees_payment_id check (btrim(payment_id) <> '' and length(payment_id) <= 100),
    constraint ck_evt_attendees_checked_in check (is_checked_in = (checked_in_at is not null))
);
create index if not exists idx_evt_attendees_profile on evt_attendees (profile_id);
comment on table evt_attendees is 'One row per event and person who answered the invitation to it.';
comment on column evt_attendees.event_id is 'The event.';
comment on column evt_attendees.profile_id is 'Who answered.';
comment on column evt_attendees.rsvp is 'The answer: interested, going, not_going or maybe. Only going takes a place.';
comment on column evt_attendees.registration is 'What the person filled in when registering, by name of the field.';
comment on column evt_attendees.is_fee_paid is 'Whether the fee is paid.';
comment on column evt_attendees.payment_id is 'Name of the payment at the payment service.';
comment on column evt_attendees.is_checked_in is 'Whether the person has come.';
comment on column evt_attendees.checked_in_at is 'When the person came; set exactly when is_checked_in is.';
call finish_table('evt_attendees');
call keep_count('evt_attendees', 'evt_events', 'attendees_count', 'r.event_id', 'r.rsvp = ''going''');
call keep_count('evt_attendees', 'evt_events', 'interested_count', 'r.event_id', 'r.rsvp = ''interested''');

create or replace function trg_fn_event_has_room() returns trigger
language plpgsql
as $$
declare
    v_places int;
begin
    -- An upsert by somebody who goes already asks for no new place.
    if exists (
        select from evt_attendees a
        where a.event_id = new.event_id and a.profile_id = new.profile_id and a.rsvp = 'going'
    ) then
        return new;
    end if;
    -- The lock lets one guest in at a time. A move locks both events in the order of their keys, as the
    -- counters do, so that two moves cannot wait for each other.
    perform from evt_events e where e.id in (old.event_id, new.event_id) order by e.id for no key update;
    select e.max_attendees into v_places from evt_events e where e.id = new.event_id;
    if v_places <= (select count(*) from evt_attendees a where a.event_id = new.event_id and a.rsvp = 'going') then
        raise exception 'event %: all % places are taken', new.event_id, v_places
            using errcode = 'check_violation', constraint = 'ck_evt_attendees_room', table = 'evt_attendees';
    end if;
    return new;
end
$$;
comment on function trg_fn_event_has_room() is
    'Trigger: whoever goes needs one of the event''s max_attendees places; raises check_violation when all are taken.';
create or replace trigger trg_evt_attendees_room
    before insert or update of rsvp, event_id on evt_attendees
    for each row when (new.rsvp = 'going') execute function trg_fn_event_has_room();

-- ---------------------------------------------------------------------------------------------
-- Hosts, speakers, sponsors

create table if not exists evt_cohosts (
    id uuid not null default gen_random_uuid(),
    event_id uuid not null,
    cohost_type text not null,
    cohost_id uuid not null,
    can_edit boolean not null default false,
    can_manage_attendees boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_evt_cohosts primary key (id),
    constraint fk_evt_cohosts_event foreign key (event_id) references evt_events (id) on delete cascade,
    constraint uq_evt_cohosts_event_cohost unique (event_id, cohost_type, cohost_id),
    constraint ck_evt_cohosts_cohost_type check (cohost_type in ('individual', 'business', 'organization'))
);
create index if not exists idx_evt_cohosts_cohost on evt_cohosts (cohost_type, cohost_id);
comment on table evt_cohosts is 'One row per event and person, business or organization that holds it together with the organizer.';
comment on column evt_cohosts.event_id is 'The event.';
comment on column evt_cohosts.cohost_type is 'Who helps: individual, business or organization.';
comment on column evt_cohosts.cohost_id is 'The profile, business or organization that helps.';
comment on column evt_cohosts.can_edit is 'Whether they may change the event.';
comment on column evt_cohosts.can_manage_attendees is 'Whether they may invite guests and check them in.';
call finish_table('evt_cohosts');
call attach_entity('evt_cohosts', 'cohost', 'delete', 'individual', 'business', 'organization');

create table if not exists evt_speakers (
    id uuid not null default gen_random_uuid(),
    event_id uuid not null,
    profile_id uuid,
    speaker_name text not null,
    speaker_title text,
    speaker_bio text,
    photo_url text,
    session_title text,
    session_description text,
    session_starts_at timestamptz,
    session_ends_at timestamptz,
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_evt_speakers primary key (id),
    constraint fk_evt_speakers_event foreign key (event_id) references evt_events (id) on delete cascade,
    constraint fk_evt_speakers_profile foreign key (profile_id) references profiles (id) on delete set null,
    constraint ck_evt_speakers_speaker_name check (btrim(speaker_name) <> '' and length(speaker_name) <= 200),
    constraint ck_evt_speakers_speaker_title check (length(speaker_title) <= 200),
    constraint ck_evt_speakers_speaker_bio check (length(speaker_bio) <= 1000),
    constraint ck_evt_speakers_photo_url check (photo_url ~ '^https?://[^[:space:]]+$' and length(photo_url) <= 2000),
    constraint ck_evt_speakers_session_title check (length(session_title) <= 200),
    constraint ck_evt_speakers_session_description check (length(session_description) <= 2000),
    constraint ck_evt_speakers_session check (
        session_ends_at > session_starts_at and (session_starts_at is not null or session_ends_at is null))
);
create index if not exists idx_evt_speakers_event on evt_speakers (event_id, display_order);
create index if not exists idx_evt_speakers_profile on evt_speakers (profile_id) where profile_id is not null;
comment on table evt_speakers is 'One row per session of a speaker at an event.';
comment on column evt_speakers.event_id is 'The event.';
comment on column evt_speakers.profile_id is 'The speaker''s profile; empty where there is none or it was deleted.';
comment on column evt_speakers.speaker_name is 'Name as the programme prints it; stays when the profile goes.';
comment on column evt_speakers.speaker_title is 'Position and house, as the programme prints them.';
comment on column evt_speakers.speaker_bio is 'A few sentences about the speaker, at most 1000 characters.';
comment on column evt_speakers.photo_url is 'Address of the portrait.';
comment on column evt_speakers.session_title is 'Name of the session.';
comment on column evt_speakers.session_description is 'What it is about, at most 2000 characters.';
comment on column evt_speakers.session_starts_at is 'When it begins; empty until it is planned.';
comment on column evt_speakers.session_ends_at is 'When it ends, later than it begins; empty until it is planned.';
call finish_table('evt_speakers');

create table if not exists evt_sponsors (
    id uuid not null default gen_random_uuid(),
    event_id uuid not null,
    business_id uuid not null,
    tier text not null default 'partner',
    amount numeric(12, 2),
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_evt_sponsors primary key (id),
    constraint fk_evt_sponsors_event foreign key (event_id) references evt_events (id) on delete cascade,
    constraint fk_evt_sponsors_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint uq_evt_sponsors_event_business unique (event_id, business_id),
    constraint ck_evt_sponsors_tier check (tier in ('title', 'platinum', 'gold', 'silver', 'bronze', 'partner')),
    constraint ck_evt_sponsors_amount check (amount >= 0 and amount <> 'NaN')
);
create index if not exists idx_evt_sponsors_business on evt_sponsors (business_id);
comment on table evt_sponsors is 'One row per event and business that pays towards it.';
comment on column evt_sponsors.event_id is 'The event.';
comment on column evt_sponsors.business_id is 'The business.';
comment on column evt_sponsors.tier is 'Rank among the sponsors: title, platinum, gold, silver, bronze or partner.';
comment on column evt_sponsors.amount is 'What it pays, in the event''s currency; empty where that is not said.';
call finish_table('evt_sponsors');

-- ---------------------------------------------------------------------------------------------
-- News of an event

create table if not exists evt_updates (
    id uuid not null default gen_random_uuid(),
    event_id uuid not null,
    title text not null,
    content text not null,
    created_by uuid,
    created_at timestamptz not null default now(),
    constraint pk_evt_updates primary key (id),
    constraint fk_evt_updates_event foreign key (event_id) references evt_events (id) on delete cascade,
    constraint fk_evt_updates_created_by foreign key (created_by) references profiles (id) on delete set null,
    constraint ck_evt_updates_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_evt_updates_content check (btrim(content) <> '' and length(content) <= 5000)
);
create index if not exists idx_evt_updates_event on evt_updates (event_id, created_at desc);
create index if not exists idx_evt_updates_created_by on evt_updates (created_by) where created_by is not null;
comment on table evt_updates is 'One row per piece of news that the hosts gave out about an event.';
comment on column evt_updates.event_id is 'The event.';
comment on column evt_updates.title is 'Headline, at most 200 characters.';
comment on column evt_updates.content is 'Text, at most 5000 characters.';
comment on column evt_updates.created_by is 'Who wrote it; empty once that profile is deleted.';
call finish_table('evt_updates');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('evt');
