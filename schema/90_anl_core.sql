-- 90_anl_core.sql: analytics, what people look at, look for and do
--
-- Purpose  the logs of views, searches and activities, the daily figures computed from them, and referrals.
-- Grain    a log: one row per event; the figures: one row per thing and day, or per day; referrals: one row per
--          person who was brought here.
-- Kept     profile views 180 days, activities 90 days; then the cleanup functions of 999_functions.sql remove them.
--          A log row outlives the person who acted where it says nothing but that it happened.
-- Needs    00, 01, 10, 20 and 30; posts, messages, events, resources, jobs and products are named where they are referred to.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Logs. They are long and come in the order of time, so a small BRIN index serves the cleanup.

create table if not exists anl_profile_views (
    id uuid not null default gen_random_uuid(),
    viewed_type text not null,
    viewed_id uuid not null,
    viewer_id uuid,
    source text,
    session_key text,
    user_agent text,
    ip_address inet,
    referrer text,
    created_at timestamptz not null default now(),
    constraint pk_anl_profile_views primary key (id),
    constraint fk_anl_profile_views_viewer foreign key (viewer_id) references profiles (id) on delete set null,
    constraint ck_anl_profile_views_viewed_type check (viewed_type in ('individual', 'business', 'organization')),
    constraint ck_anl_profile_views_not_own check (not (viewed_type = 'individual' and viewed_id = viewer_id)),
    constraint ck_anl_profile_views_source check (btrim(source) <> '' and length(source) <= 50),
    constraint ck_anl_profile_views_session_key check (btrim(session_key) <> '' and length(session_key) <= 128),
    constraint ck_anl_profile_views_user_agent check (length(user_agent) <= 1000),
    constraint ck_anl_profile_views_referrer check (length(referrer) <= 2000)
);
create index if not exists idx_anl_profile_views_viewed on anl_profile_views (viewed_type, viewed_id, created_at desc);
create index if not exists idx_anl_profile_views_viewer on anl_profile_views (viewer_id, created_at desc)
    where viewer_id is not null;
create index if not exists idx_anl_profile_views_created on anl_profile_views using brin (created_at);

comment on table anl_profile_views is
    'One row per view of a person''s, business''s or organization''s profile, for 180 days. Nobody views their own.';
comment on column anl_profile_views.viewed_type is 'Whose profile it is: individual, business or organization.';
comment on column anl_profile_views.viewed_id is 'The person, business or organization that was viewed.';
comment on column anl_profile_views.viewer_id is 'Who viewed it; empty for somebody not signed in, and once that person is gone.';
comment on column anl_profile_views.source is 'Where in the application the viewer came from, as in search or feed.';
comment on column anl_profile_views.session_key is 'The viewer''s session, as the application names it.';
comment on column anl_profile_views.user_agent is 'The viewer''s program, as it names itself.';
comment on column anl_profile_views.ip_address is 'Address of the viewer''s device.';
comment on column anl_profile_views.referrer is 'Address of the page that led here.';
call finish_table('anl_profile_views');
call attach_entity('anl_profile_views', 'viewed', 'delete', 'individual', 'business', 'organization');
call keep_count('anl_profile_views', 'usr_stats', 'profile_views_count', 'r.viewed_id', 'r.viewed_type = ''individual''',
    'profile_id');
call keep_count('anl_profile_views', 'biz_stats', 'profile_views_count', 'r.viewed_id', 'r.viewed_type = ''business''',
    'business_id');
call keep_count('anl_profile_views', 'org_stats', 'profile_views_count', 'r.viewed_id', 'r.viewed_type = ''organization''',
    'organization_id');

create table if not exists anl_search_queries (
    id uuid not null default gen_random_uuid(),
    profile_id uuid,
    query_text text not null,
    search_type text not null default 'all',
    results_count int not null default 0,
    filters jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint pk_anl_search_queries primary key (id),
    constraint fk_anl_search_queries_profile foreign key (profile_id) references profiles (id) on delete set null,
    constraint ck_anl_search_queries_query_text check (btrim(query_text) <> '' and length(query_text) <= 500),
    constraint ck_anl_search_queries_search_type check (
        search_type in ('people', 'businesses', 'organizations', 'posts', 'events', 'resources', 'all')),
    constraint ck_anl_search_queries_results_count check (results_count >= 0),
    constraint ck_anl_search_queries_filters check (jsonb_typeof(filters) = 'object')
);
create index if not exists idx_anl_search_queries_profile on anl_search_queries (profile_id, created_at desc)
    where profile_id is not null;
create index if not exists idx_anl_search_queries_created on anl_search_queries using brin (created_at);

comment on table anl_search_queries is 'One row per search that somebody sent.';
comment on column anl_search_queries.profile_id is 'Who searched; empty for somebody not signed in, and once that person is gone.';
comment on column anl_search_queries.query_text is 'What was typed, at most 500 characters.';
comment on column anl_search_queries.search_type is
    'What was looked for: people, businesses, organizations, posts, events, resources or all.';
comment on column anl_search_queries.results_count is 'How many results it had.';
comment on column anl_search_queries.filters is 'The filters that were set, by name.';
call finish_table('anl_search_queries');

create table if not exists anl_activity_log (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    activity_type text not null,
    target_type text,
    target_id uuid,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint pk_anl_activity_log primary key (id),
    constraint fk_anl_activity_log_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_anl_activity_log_activity_type check (activity_type in (
        'login', 'logout', 'profile_update', 'profile_view', 'post_create', 'post_like', 'post_comment', 'post_share',
        'connection_request', 'connection_accept', 'message_send', 'event_create', 'event_rsvp', 'resource_view',
        'resource_like', 'search', 'other')),
    constraint ck_anl_activity_log_target_type check (target_type in (
        'individual', 'business', 'organization', 'post', 'comment', 'message', 'event', 'resource', 'job', 'product')),
    constraint ck_anl_activity_log_target check ((target_type is null) = (target_id is null)),
    constraint ck_anl_activity_log_metadata check (jsonb_typeof(metadata) = 'object')
);
create index if not exists idx_anl_activity_log_profile on anl_activity_log (profile_id, created_at desc);
create index if not exists idx_anl_activity_log_target on anl_activity_log (target_type, target_id) where target_id is not null;
create index if not exists idx_anl_activity_log_created on anl_activity_log using brin (created_at);

comment on table anl_activity_log is 'One row per thing that a person did, for 90 days.';
comment on column anl_activity_log.profile_id is 'Who did it.';
comment on column anl_activity_log.activity_type is
    'login, logout, profile_update, profile_view, post_create, post_like, post_comment, post_share, connection_request,'
    ' connection_accept, message_send, event_create, event_rsvp, resource_view, resource_like, search or other.';
comment on column anl_activity_log.target_type is
    'Kind of what it was done to: individual, business, organization, post, comment, message, event, resource, job or'
    ' product; empty if nothing, or once that is gone.';
comment on column anl_activity_log.target_id is 'What it was done to.';
comment on column anl_activity_log.metadata is 'What else is to know about it, by name.';
call finish_table('anl_activity_log');
call attach_entity('anl_activity_log', 'target', 'forget', 'individual', 'business', 'organization', 'post', 'comment',
    'message', 'event', 'resource');

-- ---------------------------------------------------------------------------------------------
-- Daily figures. compute_engagement_metrics() and compute_platform_metrics() write them; a day may be computed again.

create or replace function trg_fn_metrics_computed() returns trigger
language plpgsql
as $$
begin
    new.computed_at := now();
    return new;
end
$$;
comment on function trg_fn_metrics_computed() is 'Trigger: notes when the figures of a day were last computed.';

create table if not exists anl_engagement_metrics (
    id uuid not null default gen_random_uuid(),
    entity_type text not null,
    entity_id uuid not null,
    metric_date date not null,
    views_count int not null default 0,
    likes_count int not null default 0,
    comments_count int not null default 0,
    shares_count int not null default 0,
    bookmarks_count int not null default 0,
    -- a thing that is liked without being opened has more than 100 percent; beyond 999.99 nobody counts
    engagement_rate numeric(5, 2) generated always as (case when views_count > 0 then least(999.99, round(100.0
        * (likes_count::bigint + comments_count + shares_count + bookmarks_count) / views_count, 2)) end) stored,
    computed_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint pk_anl_engagement_metrics primary key (id),
    constraint uq_anl_engagement_metrics_entity_date unique (entity_type, entity_id, metric_date),
    constraint ck_anl_engagement_metrics_entity_type check (
        entity_type in ('individual', 'business', 'organization', 'post', 'event', 'resource')),
    constraint ck_anl_engagement_metrics_views_count check (views_count >= 0),
    constraint ck_anl_engagement_metrics_likes_count check (likes_count >= 0),
    constraint ck_anl_engagement_metrics_comments_count check (comments_count >= 0),
    constraint ck_anl_engagement_metrics_shares_count check (shares_count >= 0),
    constraint ck_anl_engagement_metrics_bookmarks_count check (bookmarks_count >= 0)
);
create index if not exists idx_anl_engagement_metrics_date on anl_engagement_metrics (metric_date);

comment on table anl_engagement_metrics is
    'One row per thing and day in India on which somebody engaged with it. A day without any has no row.';
comment on column anl_engagement_metrics.entity_type is
    'Kind of the thing: individual, business, organization (of these three only the profile, not what they posted), post,'
    ' event or resource.';
comment on column anl_engagement_metrics.entity_id is 'The thing.';
comment on column anl_engagement_metrics.metric_date is 'The day in India.';
comment on column anl_engagement_metrics.views_count is 'Views of it on that day; 0 where views are not logged one by one.';
comment on column anl_engagement_metrics.likes_count is 'Likes given to it on that day.';
comment on column anl_engagement_metrics.comments_count is 'Comments written on it on that day, without deleted ones.';
comment on column anl_engagement_metrics.shares_count is 'Posts that share it, written on that day.';
comment on column anl_engagement_metrics.bookmarks_count is 'Bookmarks set on it on that day.';
comment on column anl_engagement_metrics.engagement_rate is
    'Likes, comments, shares and bookmarks in percent of the views, at most 999.99; empty without views.';
comment on column anl_engagement_metrics.computed_at is 'When the figures were last computed; kept by a trigger.';
call finish_table('anl_engagement_metrics');
call attach_entity('anl_engagement_metrics', 'entity', 'delete', 'individual', 'business', 'organization', 'post', 'event',
    'resource');
create or replace trigger trg_anl_engagement_metrics_computed
    before update on anl_engagement_metrics
    for each row execute function trg_fn_metrics_computed();

create table if not exists anl_platform_metrics (
    metric_date date not null,
    users_count int not null default 0,
    active_users_count int not null default 0,
    profiles_count int not null default 0,
    businesses_count int not null default 0,
    organizations_count int not null default 0,
    posts_count int not null default 0,
    events_count int not null default 0,
    resources_count int not null default 0,
    connections_count int not null default 0,
    messages_count int not null default 0,
    new_users_count int not null default 0,
    new_profiles_count int not null default 0,
    new_businesses_count int not null default 0,
    new_organizations_count int not null default 0,
    new_posts_count int not null default 0,
    new_events_count int not null default 0,
    new_resources_count int not null default 0,
    new_connections_count int not null default 0,
    new_messages_count int not null default 0,
    logins_count int not null default 0,
    searches_count int not null default 0,
    computed_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint pk_anl_platform_metrics primary key (metric_date),
    constraint ck_anl_platform_metrics_users_count check (users_count >= 0),
    constraint ck_anl_platform_metrics_active_users_count check (active_users_count >= 0),
    constraint ck_anl_platform_metrics_profiles_count check (profiles_count >= 0),
    constraint ck_anl_platform_metrics_businesses_count check (businesses_count >= 0),
    constraint ck_anl_platform_metrics_organizations_count check (organizations_count >= 0),
    constraint ck_anl_platform_metrics_posts_count check (posts_count >= 0),
    constraint ck_anl_platform_metrics_events_count check (events_count >= 0),
    constraint ck_anl_platform_metrics_resources_count check (resources_count >= 0),
    constraint ck_anl_platform_metrics_connections_count check (connections_count >= 0),
    constraint ck_anl_platform_metrics_messages_count check (messages_count >= 0),
    constraint ck_anl_platform_metrics_new_users_count check (new_users_count >= 0),
    constraint ck_anl_platform_metrics_new_profiles_count check (new_profiles_count >= 0),
    constraint ck_anl_platform_metrics_new_businesses_count check (new_businesses_count >= 0),
    constraint ck_anl_platform_metrics_new_organizations_count check (new_organizations_count >= 0),
    constraint ck_anl_platform_metrics_new_posts_count check (new_posts_count >= 0),
    constraint ck_anl_platform_metrics_new_events_count check (new_events_count >= 0),
    constraint ck_anl_platform_metrics_new_resources_count check (new_resources_count >= 0),
    constraint ck_anl_platform_metrics_new_connections_count check (new_connections_count >= 0),
    constraint ck_anl_platform_metrics_new_messages_count check (new_messages_count >= 0),
    constraint ck_anl_platform_metrics_logins_count check (logins_count >= 0),
    constraint ck_anl_platform_metrics_searches_count check (searches_count >= 0)
);

comment on table anl_platform_metrics is 'One row per day in India: the platform as a whole at the end of it, and what that day brought.';
comment on column anl_platform_metrics.metric_date is 'The day in India.';
comment on column anl_platform_metrics.users_count is 'Signed-up people at the end of the day.';
comment on column anl_platform_metrics.active_users_count is 'Different people with at least one activity on that day.';
comment on column anl_platform_metrics.profiles_count is 'Profiles at the end of the day.';
comment on column anl_platform_metrics.businesses_count is 'Businesses at the end of the day.';
comment on column anl_platform_metrics.organizations_count is 'Organizations at the end of the day.';
comment on column anl_platform_metrics.posts_count is 'Posts at the end of the day.';
comment on column anl_platform_metrics.events_count is 'Events at the end of the day.';
comment on column anl_platform_metrics.resources_count is 'Resources at the end of the day.';
comment on column anl_platform_metrics.connections_count is 'Accepted connections at the end of the day.';
comment on column anl_platform_metrics.messages_count is 'Messages at the end of the day.';
comment on column anl_platform_metrics.new_users_count is 'People who signed up on that day.';
comment on column anl_platform_metrics.new_profiles_count is 'Profiles made on that day.';
comment on column anl_platform_metrics.new_businesses_count is 'Businesses made on that day.';
comment on column anl_platform_metrics.new_organizations_count is 'Organizations made on that day.';
comment on column anl_platform_metrics.new_posts_count is 'Posts written on that day.';
comment on column anl_platform_metrics.new_events_count is 'Events made on that day.';
comment on column anl_platform_metrics.new_resources_count is 'Resources made on that day.';
comment on column anl_platform_metrics.new_connections_count is 'Connections accepted on that day.';
comment on column anl_platform_metrics.new_messages_count is 'Messages sent on that day.';
comment on column anl_platform_metrics.logins_count is 'Logins on that day.';
comment on column anl_platform_metrics.searches_count is 'Searches sent on that day.';
comment on column anl_platform_metrics.computed_at is 'When the figures were last computed; kept by a trigger.';
call finish_table('anl_platform_metrics');
create or replace trigger trg_anl_platform_metrics_computed
    before update on anl_platform_metrics
    for each row execute function trg_fn_metrics_computed();

-- ---------------------------------------------------------------------------------------------
-- Referrals

create table if not exists anl_referrals (
    id uuid not null default gen_random_uuid(),
    referrer_id uuid not null,
    referred_id uuid not null,
    code text not null,
    status text not null default 'pending',
    completed_at timestamptz,
    rewarded_at timestamptz,
    reward_amount numeric(12, 2),
    reward_currency char(3) not null default 'INR',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_anl_referrals primary key (id),
    constraint fk_anl_referrals_referrer foreign key (referrer_id) references profiles (id) on delete cascade,
    constraint fk_anl_referrals_referred foreign key (referred_id) references profiles (id) on delete cascade,
    constraint uq_anl_referrals_referred unique (referred_id),
    constraint ck_anl_referrals_not_oneself check (referrer_id <> referred_id),
    constraint ck_anl_referrals_code check (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{2,39}$'),
    constraint ck_anl_referrals_status check (status in ('pending', 'completed', 'rewarded')),
    constraint ck_anl_referrals_completed_at check ((status in ('completed', 'rewarded')) = (completed_at is not null)),
    constraint ck_anl_referrals_rewarded_at check ((status = 'rewarded') = (rewarded_at is not null)),
    constraint ck_anl_referrals_reward_amount check (reward_amount >= 0 and reward_amount <> 'NaN'),
    constraint ck_anl_referrals_reward_currency check (reward_currency ~ '^[A-Z]{3}$')
);
create index if not exists idx_anl_referrals_referrer on anl_referrals (referrer_id, created_at desc);
create index if not exists idx_anl_referrals_code on anl_referrals (code);

comment on table anl_referrals is 'One row per person who was brought here by another.';
comment on column anl_referrals.referrer_id is 'Who brought the other one.';
comment on column anl_referrals.referred_id is 'Who was brought; only once, and never by oneself.';
comment on column anl_referrals.code is 'The code that was passed on, 3 to 40 letters, digits, hyphens or underscores.';
comment on column anl_referrals.status is 'pending (signed up), completed (did what was asked) or rewarded.';
comment on column anl_referrals.completed_at is 'When it was completed; empty until then.';
comment on column anl_referrals.rewarded_at is 'When the reward was given; empty until then.';
comment on column anl_referrals.reward_amount is 'The reward, in reward_currency; empty where there is none.';
comment on column anl_referrals.reward_currency is 'ISO 4217 code of the reward''s currency.';
call finish_table('anl_referrals');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('anl');
