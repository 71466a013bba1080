-- 100_nec_core.sql: NECC egg prices, what is known about them, and the predictions
--
-- Purpose  everything the price workbench stores: zones, quotes with provenance and revisions, the archive of
--          source pages, what the validator found, annotations, models and their predictions, monthly views.
-- Grain    nec_prices: one row per zone and day, a column per section; the other grains stand in the comments.
-- Units    prices are INR per 100 eggs (= paise per egg), ex zone; dates are days in Asia/Kolkata; instants are timestamptz.
-- Words    section: where the source prints a quote, suggested or prevailing. It belongs to (zone, day), never to the zone.
-- Needs    00_extensions.sql, 01_core_and_ref.sql. Zones and aliases come from seeds/01_reference_data.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Helpers

create or replace function nec_today() returns date
language sql stable parallel safe
as $$
    select coalesce(
        nullif(current_setting('necc.today', true), '')::date,
        (now() at time zone 'Asia/Kolkata')::date
    )
$$;
comment on function nec_today() is
    'The day in India at the start of the transaction, or the day that the setting necc.today says (tests, rehearsals).';

create or replace function nec_source_rank(p_source text) returns int
language sql immutable parallel safe
as $$ select case p_source when 'manual' then 3 when 'imported' then 2 when 'scraped' then 1 when 'demo' then 1 else 0 end $$;
comment on function nec_source_rank(text) is
    'Which source wins where two disagree: manual 3, imported 2, scraped and demo 1, none 0. A lower one never replaces a higher one.';

-- A no-break space of the page is a blank too, whatever the server's locale thinks of it. The bracket stays:
-- nothing is stripped to make a label match.
create or replace function nec_alias_key(p_label text) returns text
language sql immutable parallel safe
as $$
    select nullif(btrim(regexp_replace(
        replace(lower(public.immutable_unaccent(p_label) collate "C"), '.', ''),
        '[[:space:]\u00a0\u2007\u202f]+', ' ', 'g')), '')
$$;
comment on function nec_alias_key(text) is
    'A zone label as it is compared: lower case, no accents, no dots, one blank for many; NULL for an empty label.';

-- ---------------------------------------------------------------------------------------------
-- Zones and their names

create table if not exists nec_zones (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    description text,
    zone_type text not null,
    zone_code text,
    state text not null,
    state_id uuid,
    district text,
    city text,
    latitude numeric(9, 6),
    longitude numeric(9, 6),
    sort_order int not null default 0,
    is_active boolean not null default true,
    first_price_on date,
    last_price_on date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_zones primary key (id),
    constraint fk_nec_zones_state foreign key (state_id) references ref_states (id) on delete restrict,
    constraint uq_nec_zones_name unique (name),
    constraint uq_nec_zones_slug unique (slug),
    constraint uq_nec_zones_zone_code unique (zone_code),
    constraint ck_nec_zones_name check (btrim(name) = name and name <> '' and length(name) <= 100),
    constraint ck_nec_zones_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_nec_zones_zone_type check (zone_type in ('production_center', 'consumption_center')),
    constraint ck_nec_zones_zone_code check (zone_code ~ '^[A-Z]{2,5}$'),
    constraint ck_nec_zones_state check (btrim(state) <> ''),
    constraint ck_nec_zones_latitude check (latitude between 6 and 38),
    constraint ck_nec_zones_longitude check (longitude between 68 and 98),
    constraint ck_nec_zones_coordinates check ((latitude is null) = (longitude is null)),
    constraint ck_nec_zones_price_days check (first_price_on <= last_price_on)
);
create index if not exists idx_nec_zones_state_id on nec_zones (state_id);
create index if not exists idx_nec_zones_active on nec_zones (sort_order) where is_active;
create index if not exists idx_nec_zones_state_district on nec_zones (state, district);

comment on table nec_zones is 'One row per market that the source names. Zones are never made by a scraper.';
comment on column nec_zones.name is 'Canonical name of today, without the source''s suffix.';
comment on column nec_zones.slug is 'Name in code and addresses.';
comment on column nec_zones.description is 'What to know about the zone and its type.';
comment on column nec_zones.zone_type is
    'What the place is: production_center (laying belt) or consumption_center (market). It does not tell the section.';
comment on column nec_zones.zone_code is 'Short code of ours, two to five capitals.';
comment on column nec_zones.state is 'State or union territory of today, by name.';
comment on column nec_zones.state_id is 'The same state as an entry of ref_states.';
comment on column nec_zones.district is 'District of today.';
comment on column nec_zones.city is 'Main town.';
comment on column nec_zones.latitude is 'Degrees north of the town''s centre, approximate (about 0.05 degrees).';
comment on column nec_zones.longitude is 'Degrees east of the town''s centre, approximate (about 0.05 degrees).';
comment on column nec_zones.sort_order is 'Place in lists, small first.';
comment on column nec_zones.is_active is 'Whether the source still quotes it.';
comment on column nec_zones.first_price_on is 'First day with a stored price; kept by triggers.';
comment on column nec_zones.last_price_on is 'Last day with a stored price; kept by triggers.';
call finish_table('nec_zones', 'first_price_on', 'last_price_on');

create table if not exists nec_zone_aliases (
    id uuid not null default gen_random_uuid(),
    alias text not null,
    alias_key text not null generated always as (public.nec_alias_key(alias)) stored,
    zone_id uuid not null,
    kind text not null default 'spelling',
    first_seen_on date,
    last_seen_on date,
    source text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_zone_aliases primary key (id),
    constraint fk_nec_zone_aliases_zone foreign key (zone_id) references nec_zones (id) on delete cascade,
    constraint uq_nec_zone_aliases_alias_key unique (alias_key),
    constraint ck_nec_zone_aliases_alias check (btrim(alias) <> '' and length(alias) <= 100),
    constraint ck_nec_zone_aliases_kind check (kind in ('printed', 'historic', 'spelling', 'local')),
    constraint ck_nec_zone_aliases_seen check (first_seen_on <= last_seen_on)
);
create index if not exists idx_nec_zone_aliases_zone on nec_zone_aliases (zone_id);

comment on table nec_zone_aliases is
    'One row per way of writing a zone, its own name included. A label that is no alias here is unknown: it is reported, not guessed.';
comment on column nec_zone_aliases.alias is 'The label as printed, suffix and doubled blanks included.';
comment on column nec_zone_aliases.alias_key is 'The label as compared; see nec_alias_key().';
comment on column nec_zone_aliases.zone_id is 'The zone it means.';
comment on column nec_zone_aliases.kind is
    'printed (stands on the sheets), historic (an older name), spelling (another way of writing it), local (as people there say).';
comment on column nec_zone_aliases.first_seen_on is 'First day it is known to have been in use, if known.';
comment on column nec_zone_aliases.last_seen_on is 'Last day it is known to have been in use, if known.';
comment on column nec_zone_aliases.source is 'Where it is from.';
call finish_table('nec_zone_aliases');

create or replace function trg_fn_nec_zone_own_alias() returns trigger
language plpgsql
as $$
begin
    insert into nec_zone_aliases (alias, zone_id, kind, source)
    values (new.name, new.id, 'spelling', 'canonical name')
    on conflict (alias_key) do nothing;
    if not exists (
        select from nec_zone_aliases a where a.alias_key = nec_alias_key(new.name) and a.zone_id = new.id
    ) then
        raise exception 'zone name %: another zone is known by it', new.name
            using errcode = 'unique_violation', constraint = 'uq_nec_zone_aliases_alias_key';
    end if;
    return null;
end
$$;
comment on function trg_fn_nec_zone_own_alias() is 'Trigger: makes a zone''s name its own alias and refuses a name that means another zone.';
create or replace trigger trg_nec_zones_own_alias
    after insert or update of name on nec_zones
    for each row execute function trg_fn_nec_zone_own_alias();

create or replace function resolve_nec_zone(p_label text) returns uuid
language sql stable parallel safe
as $$ select a.zone_id from nec_zone_aliases a where a.alias_key = nec_alias_key(p_label) $$;
comment on function resolve_nec_zone(text) is 'The zone that a printed label means, NULL for an unknown one. Exact on alias_key.';

-- ---------------------------------------------------------------------------------------------
-- Runs and the archive of source pages

create table if not exists nec_scraper_logs (
    id uuid not null default gen_random_uuid(),
    execution_id text not null,
    mode text not null,
    target_from date,
    target_to date,
    status text not null default 'running',
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    heartbeat_at timestamptz not null default now(),
    sheets_count int not null default 0,
    zones_scraped int not null default 0,
    prices_inserted int not null default 0,
    prices_updated int not null default 0,
    prices_unchanged int not null default 0,
    prices_rejected int not null default 0,
    prices_held int not null default 0,
    errors_count int not null default 0,
    unknown_labels text[] not null default '{}',
    error_details jsonb,
    exit_code int,
    execution_time_ms int,
    parser_version text,
    retry_of uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_scraper_logs primary key (id),
    constraint fk_nec_scraper_logs_retry_of foreign key (retry_of) references nec_scraper_logs (id) on delete set null,
    constraint uq_nec_scraper_logs_execution_id unique (execution_id),
    constraint ck_nec_scraper_logs_execution_id check (execution_id <> ''),
    constraint ck_nec_scraper_logs_mode check (mode in ('CRON', 'MANUAL', 'BACKFILL')),
    constraint ck_nec_scraper_logs_targets check (target_from <= target_to),
    constraint ck_nec_scraper_logs_status check (status in ('running', 'success', 'partial', 'failed', 'abandoned')),
    constraint ck_nec_scraper_logs_finished check (case status
        when 'running' then finished_at is null
        when 'abandoned' then true
        else finished_at is not null end),
    constraint ck_nec_scraper_logs_order check (finished_at >= started_at),
    constraint ck_nec_scraper_logs_sheets_count check (sheets_count >= 0),
    constraint ck_nec_scraper_logs_zones_scraped check (zones_scraped >= 0),
    constraint ck_nec_scraper_logs_prices_inserted check (prices_inserted >= 0),
    constraint ck_nec_scraper_logs_prices_updated check (prices_updated >= 0),
    constraint ck_nec_scraper_logs_prices_unchanged check (prices_unchanged >= 0),
    constraint ck_nec_scraper_logs_prices_rejected check (prices_rejected >= 0),
    constraint ck_nec_scraper_logs_prices_held check (prices_held >= 0),
    constraint ck_nec_scraper_logs_errors_count check (errors_count >= 0),
    constraint ck_nec_scraper_logs_execution_time check (execution_time_ms >= 0)
);
create index if not exists idx_nec_scraper_logs_started on nec_scraper_logs (started_at desc);
create index if not exists idx_nec_scraper_logs_status on nec_scraper_logs (status);
create index if not exists idx_nec_scraper_logs_retry_of on nec_scraper_logs (retry_of) where retry_of is not null;

comment on table nec_scraper_logs is 'One row per invocation of the scraper, written when it starts and closed whatever happens.';
comment on column nec_scraper_logs.execution_id is 'The invocation''s own name.';
comment on column nec_scraper_logs.mode is 'CRON (unattended), MANUAL (a person) or BACKFILL (old months).';
comment on column nec_scraper_logs.target_from is 'First day of the first month asked for.';
comment on column nec_scraper_logs.target_to is 'First day of the last month asked for.';
comment on column nec_scraper_logs.status is
    'running; success (all that was asked is done); partial (something stored, something not); failed; abandoned (its process died).';
comment on column nec_scraper_logs.started_at is 'When the run began.';
comment on column nec_scraper_logs.finished_at is 'When the run ended; empty while it runs, and unknown if it was abandoned.';
comment on column nec_scraper_logs.heartbeat_at is 'When the run last showed that it lives.';
comment on column nec_scraper_logs.sheets_count is 'Sheets read.';
comment on column nec_scraper_logs.zones_scraped is 'Different zones with at least one price read.';
comment on column nec_scraper_logs.prices_inserted is 'Prices (zone, day, section) that were new.';
comment on column nec_scraper_logs.prices_updated is 'Prices that replaced another one.';
comment on column nec_scraper_logs.prices_unchanged is 'Prices that were known already.';
comment on column nec_scraper_logs.prices_rejected is 'Cells that were not stored because they are damaged or impossible.';
comment on column nec_scraper_logs.prices_held is 'Prices that were stored but are hidden until released.';
comment on column nec_scraper_logs.errors_count is 'Sheets or steps that failed.';
comment on column nec_scraper_logs.unknown_labels is 'Zone labels on the sheets that are no alias.';
comment on column nec_scraper_logs.error_details is 'What failed, by sheet.';
comment on column nec_scraper_logs.exit_code is 'Exit status of the process.';
comment on column nec_scraper_logs.execution_time_ms is 'How long the run took, in milliseconds.';
comment on column nec_scraper_logs.parser_version is 'Version of the parser that read the sheets.';
comment on column nec_scraper_logs.retry_of is 'The run that this one repeats.';
call finish_table('nec_scraper_logs', 'heartbeat_at');

create table if not exists nec_source_pages (
    id uuid not null default gen_random_uuid(),
    run_id uuid,
    url text not null,
    report text not null,
    year int not null,
    month int,
    fetched_at timestamptz not null,
    last_seen_at timestamptz not null default now(),
    http_status int,
    content_type text,
    sha256 char(64) not null,
    byte_count int not null default 0,
    body bytea,
    s3_bucket text,
    s3_key text,
    notice text,
    parser_version text,
    outcome text,
    outcome_detail text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_source_pages primary key (id),
    constraint fk_nec_source_pages_run foreign key (run_id) references nec_scraper_logs (id) on delete set null,
    constraint uq_nec_source_pages_sheet_sha256 unique nulls not distinct (report, year, month, sha256),
    constraint ck_nec_source_pages_url check (url <> ''),
    constraint ck_nec_source_pages_report check (report in ('daily', 'monthly')),
    constraint ck_nec_source_pages_year check (year between 2009 and 2200),
    constraint ck_nec_source_pages_month check (month between 1 and 12),
    constraint ck_nec_source_pages_report_month check ((report = 'daily') = (month is not null)),
    constraint ck_nec_source_pages_seen check (fetched_at <= last_seen_at),
    constraint ck_nec_source_pages_http_status check (http_status between 100 and 599),
    constraint ck_nec_source_pages_sha256 check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint ck_nec_source_pages_byte_count check (byte_count >= 0),
    constraint ck_nec_source_pages_one_place check (num_nonnulls(body, s3_key) = 1 and (s3_key is null) = (s3_bucket is null)),
    constraint ck_nec_source_pages_outcome check (outcome in ('stored', 'unchanged', 'refused', 'failed'))
);
create index if not exists idx_nec_source_pages_run on nec_source_pages (run_id);
create index if not exists idx_nec_source_pages_fetched on nec_source_pages using brin (fetched_at);
-- the loader has compressed the body already: a second try would only cost time
alter table nec_source_pages alter column body set storage external;

comment on table nec_source_pages is
    'One row per sheet and content of it ever received: the archive from which everything can be read again.';
comment on column nec_source_pages.run_id is 'The run that received it first.';
comment on column nec_source_pages.url is 'Where it came from.';
comment on column nec_source_pages.report is 'daily: one month''s prices by day; monthly: one year''s averages by month.';
comment on column nec_source_pages.year is 'Year of the sheet.';
comment on column nec_source_pages.month is 'Month of a daily sheet, 1 to 12; empty for the sheet of a year.';
comment on column nec_source_pages.fetched_at is 'When this content was received first.';
comment on column nec_source_pages.last_seen_at is 'When this content was received last; moves while the sheet stays the same.';
comment on column nec_source_pages.http_status is 'Status of the answer.';
comment on column nec_source_pages.content_type is 'Content type as answered.';
comment on column nec_source_pages.sha256 is 'Hex digest of the page as received, before compression.';
comment on column nec_source_pages.byte_count is 'Length of the page as received, in bytes.';
comment on column nec_source_pages.body is 'The page, compressed with zlib, unless it lies in S3.';
comment on column nec_source_pages.s3_bucket is 'Bucket, where the page lies in S3.';
comment on column nec_source_pages.s3_key is 'Key in that bucket.';
comment on column nec_source_pages.notice is 'The source''s clarification as printed on this page, word for word.';
comment on column nec_source_pages.parser_version is 'Version of the parser that read it.';
comment on column nec_source_pages.outcome is
    'stored (something was new), unchanged (nothing new), refused (not the sheet asked for), failed (not read); empty until it is judged.';
comment on column nec_source_pages.outcome_detail is 'Why it was refused or failed.';
call finish_table('nec_source_pages', 'last_seen_at');

-- ---------------------------------------------------------------------------------------------
-- Prices

create table if not exists nec_prices (
    id uuid not null default gen_random_uuid(),
    zone_id uuid not null,
    date date not null,
    year int not null generated always as (extract(year from date)::int) stored,
    month int not null generated always as (extract(month from date)::int) stored,
    day_of_month int not null generated always as (extract(day from date)::int) stored,
    suggested_price numeric(8, 2),
    prevailing_price numeric(8, 2),
    suggested_source text,
    prevailing_source text,
    suggested_run_id uuid,
    prevailing_run_id uuid,
    suggested_observed_at timestamptz,
    prevailing_observed_at timestamptz,
    suggested_revision_no int,
    prevailing_revision_no int,
    scraper_mode text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_prices primary key (id),
    constraint fk_nec_prices_zone foreign key (zone_id) references nec_zones (id) on delete restrict,
    constraint fk_nec_prices_suggested_run foreign key (suggested_run_id) references nec_scraper_logs (id) on delete set null,
    constraint fk_nec_prices_prevailing_run foreign key (prevailing_run_id) references nec_scraper_logs (id) on delete set null,
    constraint uq_nec_prices_zone_date unique (zone_id, date),
    constraint ck_nec_prices_some_price check (suggested_price is not null or prevailing_price is not null),
    constraint ck_nec_prices_suggested_price check (suggested_price > 0 and suggested_price <= 5000),
    constraint ck_nec_prices_prevailing_price check (prevailing_price > 0 and prevailing_price <= 5000),
    constraint ck_nec_prices_suggested_source check (suggested_source in ('scraped', 'manual', 'imported', 'demo')),
    constraint ck_nec_prices_prevailing_source check (prevailing_source in ('scraped', 'manual', 'imported', 'demo')),
    constraint ck_nec_prices_suggested_provenance check (case when suggested_price is null
        then num_nonnulls(suggested_source, suggested_run_id, suggested_observed_at, suggested_revision_no) = 0
        else num_nonnulls(suggested_source, suggested_observed_at, suggested_revision_no) = 3 end),
    constraint ck_nec_prices_prevailing_provenance check (case when prevailing_price is null
        then num_nonnulls(prevailing_source, prevailing_run_id, prevailing_observed_at, prevailing_revision_no) = 0
        else num_nonnulls(prevailing_source, prevailing_observed_at, prevailing_revision_no) = 3 end),
    constraint ck_nec_prices_suggested_revision_no check (suggested_revision_no >= 1),
    constraint ck_nec_prices_prevailing_revision_no check (prevailing_revision_no >= 1),
    constraint ck_nec_prices_scraper_mode check (scraper_mode is null or (
        scraper_mode in ('CRON', 'MANUAL', 'BACKFILL')
        and 'scraped' in (coalesce(suggested_source, ''), coalesce(prevailing_source, ''))))
);
create index if not exists idx_nec_prices_date_zone on nec_prices (date desc, zone_id);
create index if not exists idx_nec_prices_year_month on nec_prices (year, month);
create index if not exists idx_nec_prices_suggested_run on nec_prices (suggested_run_id) where suggested_run_id is not null;
create index if not exists idx_nec_prices_prevailing_run on nec_prices (prevailing_run_id) where prevailing_run_id is not null;

comment on table nec_prices is
    'One row per zone and day: the quotes in force, in INR per 100 eggs. A missing price is NULL or no row, never 0 and never yesterday''s.';
comment on column nec_prices.zone_id is 'The zone.';
comment on column nec_prices.date is 'The day in India on which the price is in force.';
comment on column nec_prices.year is 'Year of the date.';
comment on column nec_prices.month is 'Month of the date, 1 to 12.';
comment on column nec_prices.day_of_month is 'Day of the date, 1 to 31.';
comment on column nec_prices.suggested_price is 'Price that NECC suggests, INR per 100 eggs.';
comment on column nec_prices.prevailing_price is 'Price that trades where none is suggested, INR per 100 eggs.';
comment on column nec_prices.suggested_source is 'Where the suggested price is from: scraped, manual, imported or demo (made up).';
comment on column nec_prices.prevailing_source is 'Where the prevailing price is from: scraped, manual, imported or demo (made up).';
comment on column nec_prices.suggested_run_id is 'The run that wrote the suggested price.';
comment on column nec_prices.prevailing_run_id is 'The run that wrote the prevailing price.';
comment on column nec_prices.suggested_observed_at is 'When this suggested price was first seen.';
comment on column nec_prices.prevailing_observed_at is 'When this prevailing price was first seen.';
comment on column nec_prices.suggested_revision_no is '1 for the first suggested price of the day, one more for each change; kept by a trigger.';
comment on column nec_prices.prevailing_revision_no is '1 for the first prevailing price of the day, one more for each change; kept by a trigger.';
comment on column nec_prices.scraper_mode is 'Mode of the run that wrote the scraped price: CRON, MANUAL or BACKFILL.';
call finish_table('nec_prices', 'zone_id', 'date', 'suggested_source', 'prevailing_source', 'suggested_run_id',
    'prevailing_run_id', 'suggested_observed_at', 'prevailing_observed_at', 'suggested_revision_no',
    'prevailing_revision_no', 'scraper_mode');

create table if not exists nec_price_revisions (
    id bigint generated always as identity,
    zone_id uuid not null,
    date date not null,
    section text not null,
    old_price numeric(8, 2),
    new_price numeric(8, 2),
    first_seen_at timestamptz,
    last_seen_at timestamptz,
    changed_at timestamptz not null default now(),
    old_source text,
    new_source text,
    run_id uuid,
    changed_by uuid,
    reason text,
    constraint pk_nec_price_revisions primary key (id),
    constraint fk_nec_price_revisions_zone foreign key (zone_id) references nec_zones (id) on delete restrict,
    constraint fk_nec_price_revisions_run foreign key (run_id) references nec_scraper_logs (id) on delete set null,
    constraint fk_nec_price_revisions_changed_by foreign key (changed_by) references profiles (id) on delete set null,
    constraint ck_nec_price_revisions_section check (section in ('suggested', 'prevailing')),
    constraint ck_nec_price_revisions_change check (old_price is distinct from new_price),
    constraint ck_nec_price_revisions_seen check (first_seen_at <= last_seen_at)
);
create index if not exists idx_nec_price_revisions_cell on nec_price_revisions (zone_id, date, section);
create index if not exists idx_nec_price_revisions_changed on nec_price_revisions using brin (changed_at);
create index if not exists idx_nec_price_revisions_run on nec_price_revisions (run_id) where run_id is not null;
create index if not exists idx_nec_price_revisions_changed_by on nec_price_revisions (changed_by) where changed_by is not null;

comment on table nec_price_revisions is
    'One row per stored price that was later changed or removed: what was known when. Written by triggers, never altered.';
comment on column nec_price_revisions.id is 'Key of the row; rises with time.';
comment on column nec_price_revisions.zone_id is 'The zone.';
comment on column nec_price_revisions.date is 'The day in India of the price.';
comment on column nec_price_revisions.section is 'suggested or prevailing.';
comment on column nec_price_revisions.old_price is 'The price until then, INR per 100 eggs.';
comment on column nec_price_revisions.new_price is 'The price from then on, INR per 100 eggs; NULL where it was removed.';
comment on column nec_price_revisions.first_seen_at is 'When the old price was first seen.';
comment on column nec_price_revisions.last_seen_at is 'When the old price was last seen on a sheet of its month, else when it was first seen.';
comment on column nec_price_revisions.changed_at is 'When it was changed here.';
comment on column nec_price_revisions.old_source is 'Where the old price was from.';
comment on column nec_price_revisions.new_source is 'Where the new price is from.';
comment on column nec_price_revisions.run_id is 'The run that brought the new price.';
comment on column nec_price_revisions.changed_by is 'The person who changed it, if one did.';
comment on column nec_price_revisions.reason is 'Why, as the setting necc.reason said.';

-- The triggers of nec_prices. What can wait for the end of the statement does: a row-level trigger in PL/pgSQL
-- made a load of all years ten times slower. The row-level ones here run only on the rows that need them.

create or replace function trg_fn_nec_price_defaults() returns trigger
language plpgsql
as $$
begin
    if new.suggested_price is not null then
        new.suggested_observed_at := coalesce(new.suggested_observed_at, now());
        new.suggested_revision_no := coalesce(new.suggested_revision_no, 1);
    end if;
    if new.prevailing_price is not null then
        new.prevailing_observed_at := coalesce(new.prevailing_observed_at, now());
        new.prevailing_revision_no := coalesce(new.prevailing_revision_no, 1);
    end if;
    return new;
end
$$;
comment on function trg_fn_nec_price_defaults() is 'Trigger: a new price is first seen now and is its own first revision, unless it says otherwise.';
create or replace trigger trg_nec_prices_defaults
    before insert on nec_prices
    for each row when (
        (new.suggested_price is not null and (new.suggested_observed_at is null or new.suggested_revision_no is null))
        or (new.prevailing_price is not null and (new.prevailing_observed_at is null or new.prevailing_revision_no is null))
    )
    execute function trg_fn_nec_price_defaults();

create or replace function trg_fn_nec_price_changes() returns trigger
language plpgsql
as $$
begin
    if new.suggested_price is null then
        new.suggested_source := null;
        new.suggested_run_id := null;
        new.suggested_observed_at := null;
        new.suggested_revision_no := null;
    elsif new.suggested_price is distinct from old.suggested_price then
        new.suggested_revision_no := coalesce(old.suggested_revision_no, 0) + 1;
        if new.suggested_observed_at is not distinct from old.suggested_observed_at then
            new.suggested_observed_at := now();
        end if;
    end if;
    if new.prevailing_price is null then
        new.prevailing_source := null;
        new.prevailing_run_id := null;
        new.prevailing_observed_at := null;
        new.prevailing_revision_no := null;
    elsif new.prevailing_price is distinct from old.prevailing_price then
        new.prevailing_revision_no := coalesce(old.prevailing_revision_no, 0) + 1;
        if new.prevailing_observed_at is not distinct from old.prevailing_observed_at then
            new.prevailing_observed_at := now();
        end if;
    end if;
    if 'scraped' not in (coalesce(new.suggested_source, ''), coalesce(new.prevailing_source, '')) then
        new.scraper_mode := null;
    end if;
    return new;
end
$$;
comment on function trg_fn_nec_price_changes() is
    'Trigger: counts the revisions of a price and clears the provenance of a removed one. A changed price is first seen now'
    ' unless the statement says when.';
create or replace trigger trg_nec_prices_changes
    before update on nec_prices
    for each row when (
        old.suggested_price is distinct from new.suggested_price or old.prevailing_price is distinct from new.prevailing_price
    )
    execute function trg_fn_nec_price_changes();

create or replace function trg_fn_nec_price_key_is_fixed() returns trigger
language plpgsql
as $$
begin
    raise exception 'a price keeps its zone and its day: delete it and write it anew, so that its history stays true'
        using errcode = 'check_violation', constraint = 'ck_nec_prices_key_is_fixed';
end
$$;
comment on function trg_fn_nec_price_key_is_fixed() is 'Trigger: refuses to move a price to another zone or day.';
create or replace trigger trg_nec_prices_key_is_fixed
    before update of id, zone_id, date on nec_prices
    for each row when (old.id is distinct from new.id or old.zone_id is distinct from new.zone_id or old.date is distinct from new.date)
    execute function trg_fn_nec_price_key_is_fixed();

create or replace function trg_fn_nec_prices_inserted() returns trigger
language plpgsql
as $$
declare
    c_days_ahead constant int := 1; -- the evening's decision is printed under the next day
    v_latest date := nec_today() + c_days_ahead;
    v_future date := (select max(n.date) from new_rows n);
begin
    if v_future > v_latest then
        raise exception 'price for %: wanted a day up to %', v_future, v_latest
            using errcode = 'check_violation', constraint = 'ck_nec_prices_date_not_in_future';
    end if;

    with spans as (
        select n.zone_id, min(n.date) as first_on, max(n.date) as last_on
        from new_rows n
        group by n.zone_id
    ),
    wider as materialized (
        select z.id, s.first_on, s.last_on
        from nec_zones z
        join spans s on s.zone_id = z.id
        where z.first_price_on is null or s.first_on < z.first_price_on or s.last_on > z.last_price_on
        order by z.id -- two loads lock the zones in the same order
        for no key update of z
    )
    update nec_zones z
    set first_price_on = least(z.first_price_on, w.first_on), last_price_on = greatest(z.last_price_on, w.last_on)
    from wider w
    where z.id = w.id;
    return null;
end
$$;
comment on function trg_fn_nec_prices_inserted() is
    'Trigger, once per statement: refuses prices for days after tomorrow in India and widens the zones'' first and last day.';
create or replace trigger trg_nec_prices_inserted
    after insert on nec_prices
    referencing new table as new_rows
    for each statement execute function trg_fn_nec_prices_inserted();

create or replace function nec_acting_profile() returns uuid
language plpgsql stable
as $$
declare
    v_id uuid := auth.uid();
begin
    if v_id is null then
        return null;
    end if;
    return (select p.id from profiles p where p.id = v_id);
end
$$;
comment on function nec_acting_profile() is 'The profile of who is acting, NULL for a service or an unknown person.';

create or replace function nec_price_last_seen(p_date date, p_before timestamptz, p_not_run uuid) returns timestamptz
language sql stable parallel safe
as $$
    select max(s.last_seen_at)
    from nec_source_pages s
    where s.report = 'daily' and s.year = extract(year from p_date) and s.month = extract(month from p_date)
        and s.outcome in ('stored', 'unchanged')
        and s.last_seen_at < p_before
        and (p_not_run is null or s.run_id is distinct from p_not_run)
$$;
comment on function nec_price_last_seen(date, timestamptz, uuid) is
    'When a sheet of the day''s month was last read before a moment, leaving out what one run fetched.';

create or replace function trg_fn_nec_prices_updated() returns trigger
language plpgsql
as $$
begin
    insert into nec_price_revisions (
        zone_id, date, section, old_price, new_price, first_seen_at, last_seen_at,
        old_source, new_source, run_id, changed_by, reason
    )
    select c.zone_id, c.date, c.section, c.old_price, c.new_price, c.first_seen_at,
        greatest(c.first_seen_at, nec_price_last_seen(c.date, c.changed_at, c.run_id)),
        c.old_source, c.new_source, c.run_id, nec_acting_profile(), nullif(current_setting('necc.reason', true), '')
    from (
        select n.zone_id, n.date, 'suggested' as section, o.suggested_price as old_price, n.suggested_price as new_price,
            o.suggested_observed_at as first_seen_at, coalesce(n.suggested_observed_at, now()) as changed_at,
            o.suggested_source as old_source, n.suggested_source as new_source, n.suggested_run_id as run_id
        from old_rows o join new_rows n on n.id = o.id
        where o.suggested_price is distinct from n.suggested_price
        union all
        select n.zone_id, n.date, 'prevailing', o.prevailing_price, n.prevailing_price,
            o.prevailing_observed_at, coalesce(n.prevailing_observed_at, now()),
            o.prevailing_source, n.prevailing_source, n.prevailing_run_id
        from old_rows o join new_rows n on n.id = o.id
        where o.prevailing_price is distinct from n.prevailing_price
    ) c
    where c.old_price is not null -- the first price of a section corrects nothing
    order by c.zone_id, c.date, c.section;
    return null;
end
$$;
comment on function trg_fn_nec_prices_updated() is 'Trigger, once per statement: one revision per section whose price was changed or removed.';
create or replace trigger trg_nec_prices_updated
    after update on nec_prices
    referencing old table as old_rows new table as new_rows
    for each statement execute function trg_fn_nec_prices_updated();

create or replace function trg_fn_nec_prices_deleted() returns trigger
language plpgsql
as $$
begin
    insert into nec_price_revisions (
        zone_id, date, section, old_price, first_seen_at, last_seen_at, old_source, changed_by, reason
    )
    select o.zone_id, o.date, s.section, s.price, s.observed_at,
        greatest(s.observed_at, nec_price_last_seen(o.date, now(), null)),
        s.source, nec_acting_profile(), nullif(current_setting('necc.reason', true), '')
    from old_rows o
    cross join lateral (values
        ('suggested', o.suggested_price, o.suggested_source, o.suggested_observed_at),
        ('prevailing', o.prevailing_price, o.prevailing_source, o.prevailing_observed_at)
    ) s (section, price, source, observed_at)
    where s.price is not null
    order by o.zone_id, o.date, s.section;

    update nec_zones z
    set first_price_on = (select min(p.date) from nec_prices p where p.zone_id = z.id),
        last_price_on = (select max(p.date) from nec_prices p where p.zone_id = z.id)
    where exists (
        select from old_rows o where o.zone_id = z.id and (o.date = z.first_price_on or o.date = z.last_price_on)
    );
    return null;
end
$$;
comment on function trg_fn_nec_prices_deleted() is
    'Trigger, once per statement: one revision per removed price, and the zones'' first and last day again.';
create or replace trigger trg_nec_prices_deleted
    after delete on nec_prices
    referencing old table as old_rows
    for each statement execute function trg_fn_nec_prices_deleted();

create or replace function trg_fn_nec_prices_no_truncate() returns trigger
language plpgsql
as $$
begin
    raise exception 'nec_prices cannot be truncated, that would leave no revisions: use delete'
        using errcode = 'object_not_in_prerequisite_state';
end
$$;
comment on function trg_fn_nec_prices_no_truncate() is 'Trigger: refuses TRUNCATE, which would lose the history of the prices.';
create or replace trigger trg_nec_prices_no_truncate
    before truncate on nec_prices
    for each statement execute function trg_fn_nec_prices_no_truncate();

create or replace function upsert_nec_price(
    p_zone uuid, p_date date, p_section text, p_price numeric, p_source text, p_run uuid default null, p_force boolean default false
) returns text
language plpgsql
as $$
declare
    v_price numeric(8, 2) := p_price;
    v_old_price numeric(8, 2);
    v_old_source text;
    v_mode text := (select l.mode from nec_scraper_logs l where l.id = p_run and p_source = 'scraped');
begin
    if p_zone is null or p_date is null or coalesce(p_section, '') not in ('suggested', 'prevailing')
        or nec_source_rank(p_source) = 0 then
        raise exception 'price of zone %, day %, section %, source %: wanted a zone, a day, suggested or prevailing,'
            ' and scraped, manual, imported or demo', p_zone, p_date, p_section, p_source
            using errcode = 'invalid_parameter_value';
    end if;
    if v_price is null then
        return 'unchanged'; -- a missing price never erases one
    end if;

    loop -- a second time only if another session removes the row in between
        insert into nec_prices (
            zone_id, date, suggested_price, suggested_source, suggested_run_id,
            prevailing_price, prevailing_source, prevailing_run_id, scraper_mode
        )
        select p_zone, p_date,
            case when p_section = 'suggested' then v_price end,
            case when p_section = 'suggested' then p_source end,
            case when p_section = 'suggested' then p_run end,
            case when p_section = 'prevailing' then v_price end,
            case when p_section = 'prevailing' then p_source end,
            case when p_section = 'prevailing' then p_run end,
            v_mode
        on conflict (zone_id, date) do nothing;
        if found then
            return 'inserted';
        end if;
        select case p_section when 'suggested' then p.suggested_price else p.prevailing_price end,
            case p_section when 'suggested' then p.suggested_source else p.prevailing_source end
        into v_old_price, v_old_source
        from nec_prices p
        where p.zone_id = p_zone and p.date = p_date
        for update;
        exit when found;
    end loop;
    if v_old_price = v_price then
        return 'unchanged';
    end if;
    if nec_source_rank(v_old_source) > nec_source_rank(p_source) and not coalesce(p_force, false) then
        return 'kept_higher';
    end if;

    if p_section = 'suggested' then
        update nec_prices p
        set suggested_price = v_price, suggested_source = p_source, suggested_run_id = p_run, suggested_observed_at = now(),
            scraper_mode = case when 'scraped' in (p_source, p.prevailing_source) then coalesce(v_mode, p.scraper_mode) end
        where p.zone_id = p_zone and p.date = p_date;
    else
        update nec_prices p
        set prevailing_price = v_price, prevailing_source = p_source, prevailing_run_id = p_run, prevailing_observed_at = now(),
            scraper_mode = case when 'scraped' in (p_source, p.suggested_source) then coalesce(v_mode, p.scraper_mode) end
        where p.zone_id = p_zone and p.date = p_date;
    end if;
    return case when v_old_price is null then 'inserted' else 'updated' end;
end
$$;
comment on function upsert_nec_price(uuid, date, text, numeric, text, uuid, boolean) is
    'Writes one price (INR per 100 eggs) into one section and leaves the other alone. Gives inserted, updated, unchanged, or'
    ' kept_higher where a price of a higher source stands and p_force is false. A NULL price changes nothing.';

-- ---------------------------------------------------------------------------------------------
-- What the validator found

create table if not exists nec_price_problems (
    id bigint generated always as identity,
    run_id uuid,
    page_id uuid,
    zone_id uuid,
    raw_label text not null,
    date date,
    section text,
    raw_text text not null,
    price numeric(8, 2),
    rule text not null,
    verdict text not null,
    detail text,
    found_at timestamptz not null default now(),
    released_at timestamptz,
    released_by text,
    release_reason text,
    constraint pk_nec_price_problems primary key (id),
    constraint fk_nec_price_problems_run foreign key (run_id) references nec_scraper_logs (id) on delete set null,
    constraint fk_nec_price_problems_page foreign key (page_id) references nec_source_pages (id) on delete set null,
    constraint fk_nec_price_problems_zone foreign key (zone_id) references nec_zones (id) on delete set null,
    constraint uq_nec_price_problems_finding unique nulls not distinct (page_id, raw_label, date, section, rule),
    constraint ck_nec_price_problems_section check (section in ('suggested', 'prevailing')),
    constraint ck_nec_price_problems_rule check (rule <> ''),
    constraint ck_nec_price_problems_verdict check (verdict in ('rejected', 'held', 'flagged')),
    constraint ck_nec_price_problems_release check (num_nonnulls(released_at, released_by, release_reason) in (0, 3))
);
create index if not exists idx_nec_price_problems_run on nec_price_problems (run_id) where run_id is not null;
create index if not exists idx_nec_price_problems_zone on nec_price_problems (zone_id, date);
create index if not exists idx_nec_price_problems_held on nec_price_problems (zone_id, date, section)
    where verdict = 'held' and released_at is null;

comment on table nec_price_problems is
    'One row per doubtful thing on a page: rejected (not stored), held (stored, hidden until released) or flagged (stored and shown).';
comment on column nec_price_problems.id is 'Key of the row; rises with time.';
comment on column nec_price_problems.run_id is 'The run that found it.';
comment on column nec_price_problems.page_id is 'The page it stands on.';
comment on column nec_price_problems.zone_id is 'The zone; empty for an unknown label.';
comment on column nec_price_problems.raw_label is 'The zone''s label as printed.';
comment on column nec_price_problems.date is 'The day in India; empty where it concerns the whole line, that is every day of the page''s month.';
comment on column nec_price_problems.section is 'suggested or prevailing; empty where it concerns both.';
comment on column nec_price_problems.raw_text is 'What is printed there.';
comment on column nec_price_problems.price is 'The same as a price, INR per 100 eggs, where it can be read.';
comment on column nec_price_problems.rule is 'Name of the rule that found it.';
comment on column nec_price_problems.verdict is 'rejected, held or flagged.';
comment on column nec_price_problems.detail is 'What was expected and what was found.';
comment on column nec_price_problems.found_at is 'When it was found.';
comment on column nec_price_problems.released_at is 'When it was settled; empty while it is open.';
comment on column nec_price_problems.released_by is 'Who or which rule settled it.';
comment on column nec_price_problems.release_reason is 'Why it is settled.';

-- ---------------------------------------------------------------------------------------------
-- Views on the prices

create or replace view nec_v_problem_cells as
with open_problems as (
    select b.zone_id, b.section, b.rule, b.verdict,
        coalesce(b.date, make_date(s.year, s.month, 1)) as first_date,
        coalesce(b.date, (make_date(s.year, s.month, 1) + interval '1 month')::date - 1) as last_date
    from nec_price_problems b
    left join nec_source_pages s on s.id = b.page_id
    where b.released_at is null and b.zone_id is not null
        and (s.id is null or s.report = 'daily') -- a printed monthly average says nothing about one day
        and (b.date is not null or s.id is not null)
)
select o.zone_id, o.first_date + d.days as date, c.section,
    bool_or(o.verdict = 'held') as is_held,
    array_agg(distinct o.rule order by o.rule) as rules
from open_problems o
join generate_series(0, 30) d (days) on o.first_date + d.days <= o.last_date -- constants: the planner knows how many
join (values ('suggested'), ('prevailing')) c (section) on o.section is null or o.section = c.section
group by o.zone_id, o.first_date + d.days, c.section;
comment on view nec_v_problem_cells is
    'One row per zone, day and section that an open problem concerns, by itself or as part of its line; stored or not.';
comment on column nec_v_problem_cells.zone_id is 'The zone.';
comment on column nec_v_problem_cells.date is 'The day in India.';
comment on column nec_v_problem_cells.section is 'suggested or prevailing.';
comment on column nec_v_problem_cells.is_held is 'Whether one of the problems hides the price until it is released.';
comment on column nec_v_problem_cells.rules is 'Names of the rules that found them, in order.';

create or replace view nec_v_price_quotes as
with quotes as (
    select p.zone_id, p.date, 'suggested' as section, p.suggested_price as price, p.suggested_source as source,
        p.suggested_run_id as run_id, p.suggested_observed_at as observed_at, p.suggested_revision_no as revision_no
    from nec_prices p
    where p.suggested_price is not null
    union all
    select p.zone_id, p.date, 'prevailing' as section, p.prevailing_price, p.prevailing_source,
        p.prevailing_run_id, p.prevailing_observed_at, p.prevailing_revision_no
    from nec_prices p
    where p.prevailing_price is not null
)
select q.zone_id, z.slug as zone, z.name as zone_name, q.date, q.section, q.price, q.source, q.run_id, q.observed_at,
    q.revision_no, coalesce(c.is_held, false) as is_held, c.rules, q.source = 'demo' as is_demo
from quotes q
join nec_zones z on z.id = q.zone_id
left join nec_v_problem_cells c on c.zone_id = q.zone_id and c.date = q.date and c.section = q.section;
comment on view nec_v_price_quotes is
    'One row per zone, day and section that has a stored price, held ones included, with what is known against it.';
comment on column nec_v_price_quotes.zone_id is 'The zone.';
comment on column nec_v_price_quotes.zone is 'Slug of the zone.';
comment on column nec_v_price_quotes.zone_name is 'Name of the zone.';
comment on column nec_v_price_quotes.date is 'The day in India on which the price is in force.';
comment on column nec_v_price_quotes.section is 'suggested or prevailing.';
comment on column nec_v_price_quotes.price is 'The price, INR per 100 eggs.';
comment on column nec_v_price_quotes.source is 'scraped, manual, imported or demo.';
comment on column nec_v_price_quotes.run_id is 'The run that wrote it.';
comment on column nec_v_price_quotes.observed_at is 'When this price was first seen.';
comment on column nec_v_price_quotes.revision_no is '1 for the first price of the cell, one more for each change.';
comment on column nec_v_price_quotes.is_held is 'Whether an open problem hides it from the readers and the monthly views.';
comment on column nec_v_price_quotes.rules is 'Names of the open problems that concern the cell or its line; NULL if none.';
comment on column nec_v_price_quotes.is_demo is 'Whether the price is made up.';

create or replace view nec_v_shown_prices as
with shown as (
    select p.zone_id, p.date, p.year, p.month, p.day_of_month,
        case when hs.zone_id is null then p.suggested_price end as suggested_price,
        case when hp.zone_id is null then p.prevailing_price end as prevailing_price
    from nec_prices p
    left join nec_v_problem_cells hs
        on hs.zone_id = p.zone_id and hs.date = p.date and hs.section = 'suggested' and hs.is_held
    left join nec_v_problem_cells hp
        on hp.zone_id = p.zone_id and hp.date = p.date and hp.section = 'prevailing' and hp.is_held
)
select s.zone_id, s.date, s.year, s.month, s.day_of_month, s.suggested_price, s.prevailing_price,
    coalesce(s.suggested_price, s.prevailing_price) as reference_price,
    case when s.suggested_price is not null then 'suggested' else 'prevailing' end as reference_section
from shown s
where s.suggested_price is not null or s.prevailing_price is not null;
comment on view nec_v_shown_prices is
    'One row per zone and day with a price that is not held: what the readers and the monthly views count.';
comment on column nec_v_shown_prices.zone_id is 'The zone.';
comment on column nec_v_shown_prices.date is 'The day in India on which the prices are in force.';
comment on column nec_v_shown_prices.year is 'Year of the date.';
comment on column nec_v_shown_prices.month is 'Month of the date, 1 to 12.';
comment on column nec_v_shown_prices.day_of_month is 'Day of the date, 1 to 31.';
comment on column nec_v_shown_prices.suggested_price is 'Suggested price, INR per 100 eggs; NULL if none or held.';
comment on column nec_v_shown_prices.prevailing_price is 'Prevailing price, INR per 100 eggs; NULL if none or held.';
comment on column nec_v_shown_prices.reference_price is 'The suggested price, or the prevailing one where none is suggested; INR per 100 eggs.';
comment on column nec_v_shown_prices.reference_section is 'Which of the two the reference price is.';

create or replace view nec_zone_sections as
with quotes as (
    select p.zone_id, p.date, s.section
    from nec_prices p
    cross join lateral (values ('suggested', p.suggested_price), ('prevailing', p.prevailing_price)) s (section, price)
    where s.price is not null
),
starts as (
    select q.zone_id, q.section, q.date,
        -- a shorter gap is a hole in the series, a longer one is another life of it
        coalesce(q.date - lag(q.date) over (partition by q.zone_id, q.section order by q.date) > 45, true) as is_start
    from quotes q
),
spans as (
    select s.zone_id, s.section, s.date,
        count(*) filter (where s.is_start) over (partition by s.zone_id, s.section order by s.date) as span_no
    from starts s
)
select s.zone_id, z.slug as zone, z.name as zone_name, s.section,
    min(s.date) as first_date, max(s.date) as last_date, count(*)::int as days
from spans s
join nec_zones z on z.id = s.zone_id
group by s.zone_id, z.slug, z.name, s.section, s.span_no;
comment on view nec_zone_sections is
    'One row per zone, section and span of days in which it was quoted there; more than 45 days without a quote end a span.';
comment on column nec_zone_sections.zone_id is 'The zone.';
comment on column nec_zone_sections.zone is 'Slug of the zone.';
comment on column nec_zone_sections.zone_name is 'Name of the zone.';
comment on column nec_zone_sections.section is 'suggested or prevailing.';
comment on column nec_zone_sections.first_date is 'First day of the span.';
comment on column nec_zone_sections.last_date is 'Last day of the span.';
comment on column nec_zone_sections.days is 'Days of the span that have a price.';

-- ---------------------------------------------------------------------------------------------
-- Materialized views. They are refreshed by refresh_nec_monthly_averages(), in this order.

call ensure_materialized_view('nec_monthly_averages', $query$
with months as (
    select p.zone_id, p.year, p.month,
        make_date(p.year, p.month, 1) as period_start,
        (make_date(p.year, p.month, 1) + interval '1 month')::date - 1 as period_end,

        count(p.suggested_price)::int as suggested_days_count,
        round(avg(p.suggested_price), 2)::numeric(10, 2) as suggested_average,
        min(p.suggested_price) as suggested_min,
        max(p.suggested_price) as suggested_max,
        min(p.date) filter (where p.suggested_price is not null) as suggested_first_date,
        max(p.date) filter (where p.suggested_price is not null) as suggested_last_date,

        count(p.prevailing_price)::int as prevailing_days_count,
        round(avg(p.prevailing_price), 2)::numeric(10, 2) as prevailing_average,
        min(p.prevailing_price) as prevailing_min,
        max(p.prevailing_price) as prevailing_max,
        min(p.date) filter (where p.prevailing_price is not null) as prevailing_first_date,
        max(p.date) filter (where p.prevailing_price is not null) as prevailing_last_date,

        count(*)::int as reference_days_count,
        round(avg(p.reference_price), 2)::numeric(10, 2) as reference_average,
        min(p.reference_price) as reference_min,
        max(p.reference_price) as reference_max,
        min(p.date) as reference_first_date,
        max(p.date) as reference_last_date,
        case when min(p.reference_section) = max(p.reference_section) then min(p.reference_section) else 'mixed' end
            as reference_section
    from nec_v_shown_prices p
    group by p.zone_id, p.year, p.month
)
select m.zone_id, m.year, m.month, m.period_start, m.period_end,
    (m.period_end - m.period_start + 1) as days_in_month,
    m.suggested_days_count, m.suggested_average, m.suggested_min, m.suggested_max,
    m.suggested_first_date, m.suggested_last_date, s.suggested_price as suggested_last_price,
    m.prevailing_days_count, m.prevailing_average, m.prevailing_min, m.prevailing_max,
    m.prevailing_first_date, m.prevailing_last_date, p.prevailing_price as prevailing_last_price,
    m.reference_days_count, m.reference_average, m.reference_min, m.reference_max,
    m.reference_first_date, m.reference_last_date,
    case when m.suggested_last_date = m.reference_last_date then s.suggested_price else p.prevailing_price end as reference_last_price,
    m.reference_section,
    greatest(m.suggested_days_count, m.prevailing_days_count) >= m.period_end - m.period_start + 1 - 3 as is_complete,
    m.period_start = date_trunc('month', nec_today()::timestamp)::date as is_current
from months m
-- a last day is one whose price is shown: the table knows it by key
left join nec_prices s on s.zone_id = m.zone_id and s.date = m.suggested_last_date
left join nec_prices p on p.zone_id = m.zone_id and p.date = m.prevailing_last_date
$query$,
    'One row per zone and month with at least one price: averages in INR per 100 eggs, each section for itself, over the days'
    ' that have a price which is not held. True as of the last refresh_nec_monthly_averages().',
    'nec_yoy_comparison');
create unique index if not exists uq_nec_monthly_averages on nec_monthly_averages (zone_id, year, month);
create index if not exists idx_nec_monthly_averages_month on nec_monthly_averages (year desc, month desc, zone_id);

call ensure_materialized_view('nec_yoy_comparison', $query$
with means as (
    -- Unrounded: a change is rounded once, at the end.
    select p.zone_id, p.year, p.month, avg(p.suggested_price) as suggested, avg(p.prevailing_price) as prevailing,
        avg(p.reference_price) as reference
    from nec_v_shown_prices p
    group by p.zone_id, p.year, p.month
),
running as (
    -- A month that is not over is compared with the same days of a year ago: 1 up to the last day quoted in each section.
    -- That is the running one and, on the evening before it begins, the next one.
    select m.zone_id, m.year, m.month,
        avg(p.suggested_price) filter (where d.is_suggested_day) as suggested,
        count(p.suggested_price) filter (where d.is_suggested_day)::int as suggested_days_count,
        avg(p.prevailing_price) filter (where d.is_prevailing_day) as prevailing,
        count(p.prevailing_price) filter (where d.is_prevailing_day)::int as prevailing_days_count,
        avg(p.reference_price) filter (where d.is_reference_day) as reference,
        count(p.reference_price) filter (where d.is_reference_day)::int as reference_days_count,
        case when min(p.reference_section) filter (where d.is_reference_day)
                = max(p.reference_section) filter (where d.is_reference_day)
            then min(p.reference_section) filter (where d.is_reference_day) else 'mixed' end as reference_section
    from nec_monthly_averages m
    join nec_v_shown_prices p on p.zone_id = m.zone_id and p.year = m.year - 1 and p.month = m.month
    cross join lateral (
        select p.day_of_month <= extract(day from m.suggested_last_date) as is_suggested_day,
            p.day_of_month <= extract(day from m.prevailing_last_date) as is_prevailing_day,
            p.day_of_month <= extract(day from m.reference_last_date) as is_reference_day
    ) d
    where m.period_end >= nec_today()
    group by m.zone_id, m.year, m.month
),
previous as (
    select m.zone_id, m.year + 1 as year, m.month,
        b.suggested, m.suggested_days_count, b.prevailing, m.prevailing_days_count,
        b.reference, m.reference_days_count, m.reference_section
    from nec_monthly_averages m
    join means b on b.zone_id = m.zone_id and b.year = m.year and b.month = m.month
    where not exists (
        select from nec_monthly_averages c
        where c.zone_id = m.zone_id and c.year = m.year + 1 and c.month = m.month and c.period_end >= nec_today()
    )
    union all
    select * from running
),
pairs as (
    select m.*, b.suggested, b.prevailing, b.reference,
        p.suggested as suggested_before, coalesce(p.suggested_days_count, 0) as suggested_days_before,
        p.prevailing as prevailing_before, coalesce(p.prevailing_days_count, 0) as prevailing_days_before,
        p.reference as reference_before, coalesce(p.reference_days_count, 0) as reference_days_before,
        p.reference is not null and (m.reference_section = 'mixed' or m.reference_section <> p.reference_section)
            as is_mixed_section
    from nec_monthly_averages m
    left join means b on b.zone_id = m.zone_id and b.year = m.year and b.month = m.month
    left join previous p on p.zone_id = m.zone_id and p.year = m.year and p.month = m.month
)
select p.zone_id, p.year, p.month, p.period_start,
    p.suggested_average,
    round(p.suggested_before, 2)::numeric(10, 2) as suggested_previous_average,
    round(p.suggested - p.suggested_before, 2)::numeric(10, 2) as suggested_change,
    round(100 * (p.suggested / nullif(p.suggested_before, 0) - 1), 2)::numeric(8, 2) as suggested_change_pct,
    p.suggested_days_count,
    p.suggested_days_before as suggested_previous_days_count,
    p.prevailing_average,
    round(p.prevailing_before, 2)::numeric(10, 2) as prevailing_previous_average,
    round(p.prevailing - p.prevailing_before, 2)::numeric(10, 2) as prevailing_change,
    round(100 * (p.prevailing / nullif(p.prevailing_before, 0) - 1), 2)::numeric(8, 2) as prevailing_change_pct,
    p.prevailing_days_count,
    p.prevailing_days_before as prevailing_previous_days_count,
    p.reference_average,
    round(p.reference_before, 2)::numeric(10, 2) as reference_previous_average,
    round(p.reference - p.reference_before, 2)::numeric(10, 2) as reference_change,
    case when not p.is_mixed_section
        then round(100 * (p.reference / nullif(p.reference_before, 0) - 1), 2) end::numeric(8, 2) as reference_change_pct,
    p.reference_days_count,
    p.reference_days_before as reference_previous_days_count,
    p.is_mixed_section,
    p.period_end >= nec_today() as is_partial
from pairs p
$query$,
    'One row per zone and month of nec_monthly_averages: its averages beside those of the same month a year earlier, INR per'
    ' 100 eggs; a month that is not over beside the same days only. Refreshed after nec_monthly_averages, by the same function.');
create unique index if not exists uq_nec_yoy_comparison on nec_yoy_comparison (zone_id, year, month);
create index if not exists idx_nec_yoy_comparison_month on nec_yoy_comparison (year desc, month desc);

do $comments$
declare
    v_series text;
    v_means text;
    v_column record;
begin
    for v_series, v_means in
        values ('suggested', 'suggested prices'), ('prevailing', 'prevailing prices'),
            ('reference', 'suggested prices, prevailing ones where none is suggested')
    loop
        for v_column in
            select c.view_name, v_series || '_' || c.suffix as name, format(c.description, v_means) as description
            from (values
                ('nec_monthly_averages', 'days_count', 'Days with a price (%s).'),
                ('nec_monthly_averages', 'average', 'Mean over these days (%s), INR per 100 eggs.'),
                ('nec_monthly_averages', 'min', 'Lowest of the month (%s), INR per 100 eggs.'),
                ('nec_monthly_averages', 'max', 'Highest of the month (%s), INR per 100 eggs.'),
                ('nec_monthly_averages', 'first_date', 'First day with a price (%s).'),
                ('nec_monthly_averages', 'last_date', 'Last day with a price (%s).'),
                ('nec_monthly_averages', 'last_price', 'Price of that last day (%s), INR per 100 eggs.'),
                ('nec_yoy_comparison', 'average', 'Average of the month (%s), INR per 100 eggs.'),
                ('nec_yoy_comparison', 'previous_average', 'Average a year earlier (%s), INR per 100 eggs; NULL if not quoted.'),
                ('nec_yoy_comparison', 'change', 'This year less last year (%s), INR per 100 eggs.'),
                ('nec_yoy_comparison', 'change_pct', 'The same in percent of last year (%s).'),
                ('nec_yoy_comparison', 'days_count', 'Days with a price (%s).'),
                ('nec_yoy_comparison', 'previous_days_count', 'Days with a price a year earlier (%s), of those compared.')
            ) c (view_name, suffix, description)
        loop
            execute format('comment on column %I.%I is %L', v_column.view_name, v_column.name, v_column.description);
        end loop;
    end loop;
    for v_column in
        select * from (values
            ('nec_monthly_averages', 'zone_id', 'The zone.'),
            ('nec_monthly_averages', 'year', 'Year.'),
            ('nec_monthly_averages', 'month', 'Month, 1 to 12.'),
            ('nec_monthly_averages', 'period_start', 'First day of the month.'),
            ('nec_monthly_averages', 'period_end', 'Last day of the month.'),
            ('nec_monthly_averages', 'days_in_month', 'Days that the month has.'),
            ('nec_monthly_averages', 'reference_section', 'Which section the reference prices are: suggested, prevailing or mixed.'),
            ('nec_monthly_averages', 'is_complete', 'Whether the better covered section misses at most three days.'),
            ('nec_monthly_averages', 'is_current', 'Whether the month was running in India at the refresh.'),
            ('nec_yoy_comparison', 'zone_id', 'The zone.'),
            ('nec_yoy_comparison', 'year', 'Year.'),
            ('nec_yoy_comparison', 'month', 'Month, 1 to 12.'),
            ('nec_yoy_comparison', 'period_start', 'First day of the month.'),
            ('nec_yoy_comparison', 'is_mixed_section', 'Whether the two reference averages are of different sections: no percentage then.'),
            ('nec_yoy_comparison', 'is_partial', 'Whether the month was not over, and is compared on the same days: 1 to the last quoted one of each section.')
        ) c (view_name, name, description)
    loop
        execute format('comment on column %I.%I is %L', v_column.view_name, v_column.name, v_column.description);
    end loop;
end
$comments$;

create or replace function refresh_nec_monthly_averages() returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    v_view text;
    v_is_filled boolean;
begin
    foreach v_view in array '{nec_monthly_averages,nec_yoy_comparison}'::text[] loop
        v_is_filled := (select c.relispopulated from pg_class c where c.oid = to_regclass('public.' || v_view));
        execute format('refresh materialized view %s public.%I', case when v_is_filled then 'concurrently' else '' end, v_view);
    end loop;
end
$$;
comment on function refresh_nec_monthly_averages() is
    'Brings nec_monthly_averages and then nec_yoy_comparison up to date. Readers are not kept waiting, but for the very first fill.';
revoke execute on function refresh_nec_monthly_averages() from public;

-- ---------------------------------------------------------------------------------------------
-- Readers. None of them shows a held price. "Today" is India's.

create or replace function get_latest_nec_price(p_zone uuid)
returns table (date date, suggested_price numeric, prevailing_price numeric, section text, days_old int)
language sql stable parallel safe
as $$
    select p.date, p.suggested_price, p.prevailing_price, p.reference_section, nec_today() - p.date
    from nec_v_shown_prices p
    where p.zone_id = p_zone
    order by p.date desc
    limit 1
$$;
comment on function get_latest_nec_price(uuid) is
    'The newest day of a zone that has any price, INR per 100 eggs, and how many days ago that was; no row for an unknown zone.'
    ' section names the price to use: the suggested one if there is one.';

create or replace function get_nec_price_trend(p_zone uuid, p_days int default 30)
returns table (
    date date,
    suggested_price numeric, suggested_change numeric, suggested_change_pct numeric,
    prevailing_price numeric, prevailing_change numeric, prevailing_change_pct numeric
)
language sql stable parallel safe
as $$
    with days as (
        select nec_today() - back.days as date
        from nec_zones z
        cross join generate_series(0, least(greatest(coalesce(p_days, 30), 1), 3660) - 1) back (days)
        where z.id = p_zone
    ),
    suggested as (
        select p.date, p.suggested_price as price, lag(p.suggested_price) over (order by p.date) as previous
        from nec_v_shown_prices p
        where p.zone_id = p_zone and p.suggested_price is not null
    ),
    prevailing as (
        select p.date, p.prevailing_price as price, lag(p.prevailing_price) over (order by p.date) as previous
        from nec_v_shown_prices p
        where p.zone_id = p_zone and p.prevailing_price is not null
    )
    select d.date,
        s.price, s.price - s.previous, round(100 * (s.price / s.previous - 1), 2),
        v.price, v.price - v.previous, round(100 * (v.price / v.previous - 1), 2)
    from days d
    left join suggested s on s.date = d.date
    left join prevailing v on v.date = d.date
    order by d.date
$$;
comment on function get_nec_price_trend(uuid, int) is
    'One row per calendar day up to today, oldest first, 1 to 3660 of them (30 unless said): prices in INR per 100 eggs and the'
    ' change from the previous quoted day of the same section, be it before the first row. No row for an unknown zone.';

create or replace function get_nec_daily_board(p_date date default null)
returns table (
    zone_id uuid, zone text, zone_name text, zone_type text, section text,
    price numeric, price_date date, days_old int, is_stale boolean, change numeric
)
language sql stable parallel safe
as $$
    with held as materialized (
        select c.zone_id, c.date, c.section from nec_v_problem_cells c where c.is_held
    )
    select z.id, z.slug, z.name, z.zone_type, newest.section, newest.price, newest.date,
        day.asked - newest.date, coalesce(day.asked - newest.date > 7, true), newest.price - before.price
    from nec_zones z
    cross join (select coalesce(p_date, nec_today()) as asked) day
    -- straight from the table, newest first: a few rows of its index answer for a zone
    left join lateral (
        select p.date, q.section, q.price
        from nec_prices p
        cross join lateral (values (1, 'suggested', p.suggested_price), (2, 'prevailing', p.prevailing_price)) q (rank, section, price)
        where p.zone_id = z.id and p.date <= day.asked and q.price is not null
            and not exists (select from held h where h.zone_id = z.id and h.date = p.date and h.section = q.section)
        order by p.date desc, q.rank
        limit 1
    ) newest on true
    left join lateral (
        select q.price
        from nec_prices p
        cross join lateral (values ('suggested', p.suggested_price), ('prevailing', p.prevailing_price)) q (section, price)
        where p.zone_id = z.id and p.date < newest.date and q.section = newest.section and q.price is not null
            and not exists (select from held h where h.zone_id = z.id and h.date = p.date and h.section = q.section)
        order by p.date desc
        limit 1
    ) before on true
    where z.is_active
    order by z.sort_order, z.name
$$;
comment on function get_nec_daily_board(date) is
    'One row per active zone: its last known price on a day (today unless said), INR per 100 eggs, with the day it is from, whether'
    ' it is older than seven days, and the change from the previous quoted day of the same section. NULLs where it was never quoted.';

create or replace function get_nec_national_average(p_date date, p_section text default null)
returns table (average numeric, zones_count int)
language sql stable parallel safe
as $$
    select round(avg(q.price), 2), count(q.price)::int
    from nec_v_shown_prices p
    join nec_zones z on z.id = p.zone_id and z.is_active
    cross join lateral (
        select case coalesce(p_section, 'reference')
            when 'suggested' then p.suggested_price
            when 'prevailing' then p.prevailing_price
            when 'reference' then p.reference_price end as price
    ) q
    where p.date = p_date
$$;
comment on function get_nec_national_average(date, text) is
    'Plain mean over the active zones that quote on the day, INR per 100 eggs, and how many they are: of one section, or of the'
    ' reference prices where none is named. Ours, not a figure of NECC; the zones of a day are not those of another.';

-- ---------------------------------------------------------------------------------------------
-- Annotations on the charts

create table if not exists nec_annotations (
    id uuid not null default gen_random_uuid(),
    zone_id uuid,
    date date not null,
    end_date date,
    title text not null,
    content text not null,
    annotation_type text not null default 'event',
    author_id uuid not null,
    approved_at timestamptz,
    is_approved boolean not null generated always as (approved_at is not null) stored,
    approved_by uuid,
    likes_count int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_annotations primary key (id),
    constraint fk_nec_annotations_zone foreign key (zone_id) references nec_zones (id) on delete cascade,
    constraint fk_nec_annotations_author foreign key (author_id) references profiles (id) on delete cascade,
    constraint fk_nec_annotations_approved_by foreign key (approved_by) references profiles (id) on delete set null,
    constraint ck_nec_annotations_date check (date between date '1900-01-01' and date '2199-12-31'),
    constraint ck_nec_annotations_end_date check (end_date >= date and end_date <= date '2199-12-31'),
    constraint ck_nec_annotations_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_nec_annotations_content check (btrim(content) <> '' and length(content) <= 1000),
    constraint ck_nec_annotations_annotation_type check (annotation_type in ('event', 'trend', 'alert', 'insight')),
    constraint ck_nec_annotations_approved_by check (approved_by is null or approved_at is not null),
    constraint ck_nec_annotations_likes_count check (likes_count >= 0)
);
create index if not exists idx_nec_annotations_zone_date on nec_annotations (zone_id, date desc);
create index if not exists idx_nec_annotations_author on nec_annotations (author_id);
create index if not exists idx_nec_annotations_approved_by on nec_annotations (approved_by) where approved_by is not null;
create index if not exists idx_nec_annotations_approved on nec_annotations (created_at desc) where approved_at is not null;

comment on table nec_annotations is 'One row per remark of a person on a day or a span of days of a zone''s chart.';
comment on column nec_annotations.zone_id is 'The zone; empty for a remark on the whole country.';
comment on column nec_annotations.date is 'First day in India that it concerns.';
comment on column nec_annotations.end_date is 'Last day that it concerns; empty for a single day.';
comment on column nec_annotations.title is 'Headline, at most 200 characters.';
comment on column nec_annotations.content is 'Text, at most 1000 characters.';
comment on column nec_annotations.annotation_type is 'event, trend, alert or insight.';
comment on column nec_annotations.author_id is 'Who wrote it.';
comment on column nec_annotations.approved_at is 'When it was approved for all to see; empty until then.';
comment on column nec_annotations.is_approved is 'Whether it is approved.';
comment on column nec_annotations.approved_by is 'Who approved it.';
comment on column nec_annotations.likes_count is 'Rows of nec_annotation_likes; kept by triggers.';
call finish_table('nec_annotations', 'approved_at', 'approved_by');

create or replace function trg_fn_nec_annotations_own() returns trigger
language plpgsql
as $$
declare
    v_uid uuid := auth.uid();
begin
    if pg_has_role(to_regrole('nec_analyst')::oid, 'usage')
        and not coalesce(pg_has_role(to_regrole('app_rw')::oid, 'usage'), false)
        and ((tg_op <> 'INSERT' and old.author_id is distinct from v_uid)
            or (tg_op <> 'DELETE' and new.author_id is distinct from v_uid))
    then
        raise exception 'an analyst may write annotations in their own name only: set app.current_user_id to author_id'
            using errcode = 'insufficient_privilege';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end
$$;
comment on function trg_fn_nec_annotations_own() is
    'Trigger: who has the role nec_analyst, and not app_rw, writes only annotations whose author is auth.uid().';
create or replace trigger trg_nec_annotations_own
    before insert or update or delete on nec_annotations
    for each row execute function trg_fn_nec_annotations_own();

create table if not exists nec_annotation_likes (
    id uuid not null default gen_random_uuid(),
    annotation_id uuid not null,
    profile_id uuid not null,
    created_at timestamptz not null default now(),
    constraint pk_nec_annotation_likes primary key (id),
    constraint fk_nec_annotation_likes_annotation foreign key (annotation_id) references nec_annotations (id) on delete cascade,
    constraint fk_nec_annotation_likes_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_nec_annotation_likes_once unique (annotation_id, profile_id)
);
create index if not exists idx_nec_annotation_likes_profile on nec_annotation_likes (profile_id);
comment on table nec_annotation_likes is 'One row per person who likes an annotation.';
comment on column nec_annotation_likes.annotation_id is 'What they like.';
comment on column nec_annotation_likes.profile_id is 'Who likes it.';
call finish_table('nec_annotation_likes');

create or replace function trg_fn_nec_annotation_likes_count() returns trigger
language plpgsql
as $$
begin
    if tg_op = 'TRUNCATE' then
        update nec_annotations set likes_count = 0 where likes_count <> 0;
        return null;
    end if;
    if tg_op in ('UPDATE', 'DELETE') then
        update nec_annotations set likes_count = likes_count - 1 where id = old.annotation_id;
    end if;
    if tg_op in ('INSERT', 'UPDATE') then
        update nec_annotations set likes_count = likes_count + 1 where id = new.annotation_id;
    end if;
    return null;
end
$$;
comment on function trg_fn_nec_annotation_likes_count() is 'Trigger: keeps nec_annotations.likes_count equal to the rows of nec_annotation_likes.';
create or replace trigger trg_nec_annotation_likes_count
    after insert or delete or update of annotation_id on nec_annotation_likes
    for each row execute function trg_fn_nec_annotation_likes_count();
create or replace trigger trg_nec_annotation_likes_truncated
    after truncate on nec_annotation_likes
    for each statement execute function trg_fn_nec_annotation_likes_count();

create table if not exists nec_annotation_metadata (
    annotation_id uuid not null,
    tags text[] not null default '{}',
    related_events text[] not null default '{}',
    impact_level text,
    meta_title text,
    meta_description text,
    source_url text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_annotation_metadata primary key (annotation_id),
    constraint fk_nec_annotation_metadata_annotation foreign key (annotation_id) references nec_annotations (id) on delete cascade,
    constraint ck_nec_annotation_metadata_impact_level check (impact_level in ('low', 'medium', 'high')),
    constraint ck_nec_annotation_metadata_meta_title check (length(meta_title) <= 200),
    constraint ck_nec_annotation_metadata_meta_description check (length(meta_description) <= 500),
    constraint ck_nec_annotation_metadata_source_url check (source_url ~ '^https?://[^[:space:]]+$' and length(source_url) <= 2000)
);
create index if not exists gin_nec_annotation_metadata_tags on nec_annotation_metadata using gin (tags);
comment on table nec_annotation_metadata is 'At most one row per annotation: what search engines and filters need of it.';
comment on column nec_annotation_metadata.annotation_id is 'The annotation.';
comment on column nec_annotation_metadata.tags is 'Words to find it by.';
comment on column nec_annotation_metadata.related_events is 'Names of events that it speaks of.';
comment on column nec_annotation_metadata.impact_level is 'How much it moved prices, by the author: low, medium or high.';
comment on column nec_annotation_metadata.meta_title is 'Title for search engines.';
comment on column nec_annotation_metadata.meta_description is 'Description for search engines.';
comment on column nec_annotation_metadata.source_url is 'Where to read about it.';
call finish_table('nec_annotation_metadata');

-- ---------------------------------------------------------------------------------------------
-- Models and predictions

create table if not exists nec_model_runs (
    id uuid not null default gen_random_uuid(),
    model_name text not null,
    model_version text not null,
    training_from date not null,
    training_cutoff date not null,
    horizons_days int[] not null,
    zones_count int not null default 0,
    rows_count int not null default 0,
    features jsonb not null default '[]',
    scores jsonb not null default '{}',
    duration_ms int,
    artefact_path text,
    artefact_sha256 char(64),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_model_runs primary key (id),
    constraint uq_nec_model_runs_name_version unique (model_name, model_version),
    constraint uq_nec_model_runs_identity unique (id, model_name, model_version),
    constraint ck_nec_model_runs_model_name check (model_name <> '' and length(model_name) <= 100),
    constraint ck_nec_model_runs_model_version check (model_version <> '' and length(model_version) <= 100),
    constraint ck_nec_model_runs_training_days check (training_from <= training_cutoff),
    constraint ck_nec_model_runs_horizons_days check (
        cardinality(horizons_days) > 0 and 1 <= all (horizons_days) and array_position(horizons_days, null) is null),
    constraint ck_nec_model_runs_zones_count check (zones_count >= 0),
    constraint ck_nec_model_runs_rows_count check (rows_count >= 0),
    constraint ck_nec_model_runs_duration check (duration_ms >= 0),
    constraint ck_nec_model_runs_artefact_sha256 check (artefact_sha256 ~ '^[0-9a-f]{64}$')
);
comment on table nec_model_runs is 'One row per training of a model.';
comment on column nec_model_runs.model_name is 'Name of the model.';
comment on column nec_model_runs.model_version is 'Hash of its code, its features and its training cut-off.';
comment on column nec_model_runs.training_from is 'First day of the prices it was trained on.';
comment on column nec_model_runs.training_cutoff is 'Last day of the prices it was trained on.';
comment on column nec_model_runs.horizons_days is 'How many days ahead it predicts.';
comment on column nec_model_runs.zones_count is 'Zones it was trained on.';
comment on column nec_model_runs.rows_count is 'Rows (zone, day, horizon) it was trained on.';
comment on column nec_model_runs.features is 'Names of its features.';
comment on column nec_model_runs.scores is 'Its scores at training, beside naive.';
comment on column nec_model_runs.duration_ms is 'How long the training took, in milliseconds.';
comment on column nec_model_runs.artefact_path is 'Where the trained model lies.';
comment on column nec_model_runs.artefact_sha256 is 'Hex digest of that file.';
call finish_table('nec_model_runs');

create table if not exists nec_predictions (
    id uuid not null default gen_random_uuid(),
    zone_id uuid not null,
    section text not null,
    target_date date not null,
    issued_on date not null,
    horizon_days int not null generated always as (target_date - issued_on) stored,
    predicted_price numeric(8, 2) not null,
    lower_80 numeric(8, 2) not null,
    upper_80 numeric(8, 2) not null,
    lower_95 numeric(8, 2) not null,
    upper_95 numeric(8, 2) not null,
    naive_price numeric(8, 2) not null,
    is_naive_fallback boolean not null default false,
    model_run_id uuid not null,
    model_name text not null,
    model_version text not null,
    actual_price numeric(8, 2),
    actual_filled_at timestamptz,
    prediction_error numeric(8, 2) generated always as (actual_price - predicted_price) stored,
    abs_pct_error numeric(8, 2) generated always as (100 * abs(actual_price - predicted_price) / actual_price) stored,
    is_within_80 boolean generated always as (actual_price between lower_80 and upper_80) stored,
    is_within_95 boolean generated always as (actual_price between lower_95 and upper_95) stored,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_nec_predictions primary key (id),
    constraint fk_nec_predictions_zone foreign key (zone_id) references nec_zones (id) on delete restrict,
    constraint fk_nec_predictions_model_run foreign key (model_run_id, model_name, model_version)
        references nec_model_runs (id, model_name, model_version) on delete restrict,
    constraint uq_nec_predictions_issue unique (zone_id, section, target_date, issued_on, model_name, model_version),
    constraint ck_nec_predictions_section check (section in ('suggested', 'prevailing')),
    constraint ck_nec_predictions_horizon_days check (target_date > issued_on),
    -- NaN is larger than every number: with upper_95, none of the interval is one
    constraint ck_nec_predictions_predicted_price check (predicted_price > 0),
    constraint ck_nec_predictions_upper_95 check (upper_95 <> 'NaN'),
    constraint ck_nec_predictions_naive_price check (naive_price > 0 and naive_price <> 'NaN'),
    constraint ck_nec_predictions_actual_price check (actual_price > 0 and actual_price <> 'NaN'),
    constraint ck_nec_predictions_actual_filled_at check ((actual_price is null) = (actual_filled_at is null)),
    constraint ck_nec_predictions_interval check (
        lower_95 <= lower_80 and lower_80 <= predicted_price and predicted_price <= upper_80 and upper_80 <= upper_95)
);
create index if not exists idx_nec_predictions_zone_target on nec_predictions (zone_id, target_date desc);
create index if not exists idx_nec_predictions_model_run on nec_predictions (model_run_id, model_name, model_version);
create index if not exists idx_nec_predictions_model_target on nec_predictions (model_name, model_version, target_date);
create index if not exists idx_nec_predictions_open on nec_predictions (target_date) where actual_price is null;

comment on table nec_predictions is
    'One row per zone, section, target day, issue day and model version. Written before the target day, never changed but for the actual.';
comment on column nec_predictions.zone_id is 'The zone.';
comment on column nec_predictions.section is 'suggested or prevailing.';
comment on column nec_predictions.target_date is 'The day in India that is predicted.';
comment on column nec_predictions.issued_on is 'The day in India of the last price that was known.';
comment on column nec_predictions.horizon_days is 'Days from the issue to the target, 1 or more.';
comment on column nec_predictions.predicted_price is 'The prediction, INR per 100 eggs.';
comment on column nec_predictions.lower_80 is 'Lower end of the 80 % interval, INR per 100 eggs.';
comment on column nec_predictions.upper_80 is 'Upper end of the 80 % interval, INR per 100 eggs.';
comment on column nec_predictions.lower_95 is 'Lower end of the 95 % interval, INR per 100 eggs.';
comment on column nec_predictions.upper_95 is 'Upper end of the 95 % interval, INR per 100 eggs.';
comment on column nec_predictions.naive_price is 'What naive said: the last price known at the issue, INR per 100 eggs.';
comment on column nec_predictions.is_naive_fallback is
    'Whether this is naive''s price, given instead of the model''s where naive was closer of late; it has a model name of its own,'
    ' and the model''s own prediction of the same issue stands beside it, so that the model can be measured whatever is given.';
comment on column nec_predictions.model_run_id is 'The training of the model.';
comment on column nec_predictions.model_name is 'Name of the model.';
comment on column nec_predictions.model_version is 'Version of the model.';
comment on column nec_predictions.actual_price is 'The price that came, of the same section, INR per 100 eggs; empty until then.';
comment on column nec_predictions.actual_filled_at is 'When the actual price was filled in or last corrected.';
comment on column nec_predictions.prediction_error is 'Actual less predicted, INR per 100 eggs.';
comment on column nec_predictions.abs_pct_error is 'The error without its sign, in percent of the actual.';
comment on column nec_predictions.is_within_80 is 'Whether the actual lies in the 80 % interval; empty until it is known.';
comment on column nec_predictions.is_within_95 is 'Whether the actual lies in the 95 % interval; empty until it is known.';
call finish_table('nec_predictions', 'actual_filled_at');

create or replace function trg_fn_nec_predictions_are_final() returns trigger
language plpgsql
as $$
begin
    raise exception 'a prediction is never changed: only actual_price and actual_filled_at are filled in later'
        using errcode = 'check_violation', constraint = 'ck_nec_predictions_are_final';
end
$$;
comment on function trg_fn_nec_predictions_are_final() is 'Trigger: refuses every change of a prediction but that of its actual.';
create or replace trigger trg_nec_predictions_are_final
    before update on nec_predictions
    for each row when (
        old.id is distinct from new.id or old.zone_id is distinct from new.zone_id
        or old.section is distinct from new.section or old.target_date is distinct from new.target_date
        or old.issued_on is distinct from new.issued_on or old.predicted_price is distinct from new.predicted_price
        or old.lower_80 is distinct from new.lower_80 or old.upper_80 is distinct from new.upper_80
        or old.lower_95 is distinct from new.lower_95 or old.upper_95 is distinct from new.upper_95
        or old.naive_price is distinct from new.naive_price or old.is_naive_fallback is distinct from new.is_naive_fallback
        or old.model_run_id is distinct from new.model_run_id or old.model_name is distinct from new.model_name
        or old.model_version is distinct from new.model_version or old.created_at is distinct from new.created_at
    )
    execute function trg_fn_nec_predictions_are_final();

create or replace function fill_nec_prediction_actuals(p_up_to date default null) returns int
language plpgsql
as $$
declare
    v_rows int;
begin
    update nec_predictions f
    set actual_price = q.price, actual_filled_at = now()
    from nec_v_shown_prices p
    cross join lateral (values ('suggested', p.suggested_price), ('prevailing', p.prevailing_price)) q (section, price)
    where f.zone_id = p.zone_id and f.target_date = p.date and f.section = q.section
        and f.target_date <= coalesce(p_up_to, nec_today())
        and q.price is not null and f.actual_price is distinct from q.price;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function fill_nec_prediction_actuals(date) is
    'Gives predictions for days up to one (today unless said) the price of the same section that came, again where it was revised;'
    ' days without a price, and held prices, are left alone. Gives the number of rows changed: 0 when called again.';

-- Every prediction that has met its price counts, also the earlier of two of one day. What is given instead of a model's
-- prediction stands under another model name: here a model answers for its own predictions only.
create or replace view nec_v_forecast_scores as
with met as (
    select f.model_name, f.model_version, f.horizon_days, f.zone_id, f.section,
        date_trunc('month', f.target_date::timestamp)::date as target_month,
        abs(f.actual_price - f.predicted_price) as error, abs(f.actual_price - f.naive_price) as naive_error,
        f.is_within_80, f.is_within_95, f.upper_80 - f.lower_80 as width_80, f.upper_95 - f.lower_95 as width_95,
        (f.created_at at time zone 'Asia/Kolkata')::date > f.target_date as is_replayed
    from nec_predictions f
    where f.actual_price is not null
),
scored as (
    select m.model_name, m.model_version, m.horizon_days, m.zone_id, m.section, m.target_month,
        count(*)::int as forecasts_count, (count(*) filter (where m.is_replayed))::int as replayed_count,
        avg(m.error) as mae, avg(m.naive_error) as naive_mae,
        avg(m.is_within_80::int) as coverage_80, avg(m.is_within_95::int) as coverage_95,
        avg(m.width_80) as mean_width_80, avg(m.width_95) as mean_width_95
    from met m
    group by m.model_name, m.model_version, m.horizon_days, m.zone_id, m.section, m.target_month
)
select s.model_name, s.model_version, s.horizon_days, s.zone_id, z.slug as zone, z.name as zone_name, s.section,
    s.target_month, s.forecasts_count, s.replayed_count, s.mae, s.naive_mae, 1 - s.mae / nullif(s.naive_mae, 0) as skill,
    s.coverage_80, s.coverage_95, s.mean_width_80, s.mean_width_95
from scored s
join nec_zones z on z.id = s.zone_id;
comment on view nec_v_forecast_scores is
    'One row per model version, horizon, zone, section and month of the target days with a prediction whose price has come: how'
    ' good the predictions were, beside naive. Nothing is rounded: whoever pools rows weighs them by forecasts_count.';
comment on column nec_v_forecast_scores.model_name is 'Name of the model.';
comment on column nec_v_forecast_scores.model_version is 'Version of the model.';
comment on column nec_v_forecast_scores.horizon_days is 'Days from the issue to the target, 1 or more.';
comment on column nec_v_forecast_scores.zone_id is 'The zone.';
comment on column nec_v_forecast_scores.zone is 'Its slug.';
comment on column nec_v_forecast_scores.zone_name is 'Its name.';
comment on column nec_v_forecast_scores.section is 'suggested or prevailing.';
comment on column nec_v_forecast_scores.target_month is 'First day of the month in which the target days lie.';
comment on column nec_v_forecast_scores.forecasts_count is 'Predictions whose price has come, 1 or more.';
comment on column nec_v_forecast_scores.replayed_count is
    'How many of them were written after their target day in India, as of an earlier day: what the model would have said, not'
    ' what anybody could have read.';
comment on column nec_v_forecast_scores.mae is 'Mean absolute error, INR per 100 eggs.';
comment on column nec_v_forecast_scores.naive_mae is 'Mean absolute error of naive on the same days, INR per 100 eggs.';
comment on column nec_v_forecast_scores.skill is '1 less mae / naive_mae: above 0 is better than naive; NULL where naive was never wrong.';
comment on column nec_v_forecast_scores.coverage_80 is 'Share of the prices that came inside the 80 % interval, 0 to 1.';
comment on column nec_v_forecast_scores.coverage_95 is 'Share of the prices that came inside the 95 % interval, 0 to 1.';
comment on column nec_v_forecast_scores.mean_width_80 is 'Mean width of the 80 % interval, INR per 100 eggs.';
comment on column nec_v_forecast_scores.mean_width_95 is 'Mean width of the 95 % interval, INR per 100 eggs.';

-- ---------------------------------------------------------------------------------------------
-- Rights

call grant_module_privileges('nec');

do $nec_rights$
declare
    v_role text;
begin
    for v_role in select rolname from pg_roles where rolname in ('app_rw', 'app_scraper') order by rolname loop
        execute format('grant execute on function refresh_nec_monthly_averages() to %I', v_role);
        -- predictions are final: what remains is to fill in the actual
        execute format('revoke update, delete on nec_predictions from %I', v_role);
        execute format('grant update (actual_price, actual_filled_at) on nec_predictions to %I', v_role);
    end loop;
    if exists (select from pg_roles where rolname = 'nec_analyst') then
        -- no approving, no counting of one's own likes; whose they are is the trigger's business
        grant insert (id, zone_id, date, end_date, title, content, annotation_type, author_id),
            update (zone_id, date, end_date, title, content, annotation_type), delete
            on nec_annotations to nec_analyst;
    end if;
end
$nec_rights$;
