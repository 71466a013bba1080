-- 110_adm_core.sql: administration, who runs the platform and what they did
--
-- Purpose  roles and members of the staff, the moderators' queue, bans, settings, background jobs, and the log of actions.
-- Grain    adm_actions_log: one row per action of an administrator; the other grains stand in the comments.
-- Audit    900_utilities.sql writes every change of these tables, but for the log itself, to audit_log.
-- Needs    00 and 01; what can be moderated is named where it is referred to.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Staff

create table if not exists adm_roles (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    description text,
    permissions jsonb not null,
    level int not null,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_adm_roles primary key (id),
    constraint uq_adm_roles_name unique (name),
    constraint uq_adm_roles_slug unique (slug),
    constraint ck_adm_roles_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_adm_roles_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_adm_roles_description check (length(description) <= 500),
    constraint ck_adm_roles_permissions check (jsonb_typeof(permissions) = 'object'),
    constraint ck_adm_roles_level check (level >= 0)
);

comment on table adm_roles is 'One row per role of the staff.';
comment on column adm_roles.name is 'Name as shown to people.';
comment on column adm_roles.slug is 'Name in code.';
comment on column adm_roles.description is 'What the role is for, in a sentence.';
comment on column adm_roles.permissions is
    'What it may do: users, content, settings, analytics and admin, each with a list out of view, create, edit, delete, ban and moderate.';
comment on column adm_roles.level is 'Rank: 0 is the highest, and nobody changes who stands above.';
comment on column adm_roles.is_active is 'Whether it can be given; a role in use is switched off, not deleted.';
call finish_table('adm_roles');

create table if not exists adm_users (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    role_id uuid not null,
    is_active boolean not null default true,
    assigned_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_adm_users primary key (id),
    constraint fk_adm_users_profile foreign key (profile_id) references profiles (id) on delete restrict,
    constraint fk_adm_users_role foreign key (role_id) references adm_roles (id) on delete restrict,
    constraint uq_adm_users_profile unique (profile_id)
);
create index if not exists idx_adm_users_role on adm_users (role_id);

comment on table adm_users is 'One row per member of the staff. Who is one cannot be deleted before leaving the staff.';
comment on column adm_users.profile_id is 'The person.';
comment on column adm_users.role_id is 'The role, exactly one.';
comment on column adm_users.is_active is 'Whether the person may act as staff now.';
comment on column adm_users.assigned_at is 'When the role was given.';
call finish_table('adm_users');

-- What a member of the staff did keeps the name of that time, for the day when the row of the person is gone.
create or replace function trg_fn_admin_name() returns trigger
language plpgsql
as $$
declare
    -- the column with the member of the staff, the column for the name
    v_admin uuid := (to_jsonb(new) ->> tg_argv[0])::uuid;
    v_name text := (
        select p.full_name from adm_users a join profiles p on p.id = a.profile_id where a.id = v_admin
    );
begin
    if v_name is not null then
        new := jsonb_populate_record(new, jsonb_build_object(tg_argv[1], v_name));
    end if;
    return new;
end
$$;
comment on function trg_fn_admin_name() is
    'Trigger: notes the name that a member of the staff had when the row named that person.';

-- ---------------------------------------------------------------------------------------------
-- Moderation

create table if not exists adm_moderation_queue (
    id uuid not null default gen_random_uuid(),
    content_type text not null,
    content_id uuid not null,
    reported_by uuid,
    reason text not null,
    description text,
    priority text not null default 'normal',
    status text not null default 'pending',
    reviewed_by uuid,
    reviewed_at timestamptz,
    resolution text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_adm_moderation_queue primary key (id),
    constraint fk_adm_moderation_queue_reported_by foreign key (reported_by) references profiles (id) on delete set null,
    constraint fk_adm_moderation_queue_reviewed_by foreign key (reviewed_by) references adm_users (id) on delete set null,
    constraint ck_adm_moderation_queue_content_type check (content_type in (
        'post', 'comment', 'resource', 'profile', 'business', 'organization', 'event', 'message')),
    constraint ck_adm_moderation_queue_reason check (btrim(reason) <> '' and length(reason) <= 200),
    constraint ck_adm_moderation_queue_description check (length(description) <= 2000),
    constraint ck_adm_moderation_queue_priority check (priority in ('low', 'normal', 'high', 'urgent')),
    constraint ck_adm_moderation_queue_status check (status in ('pending', 'in_review', 'resolved', 'dismissed')),
    constraint ck_adm_moderation_queue_reviewed_at check ((status in ('resolved', 'dismissed')) = (reviewed_at is not null)),
    constraint ck_adm_moderation_queue_resolution check (length(resolution) <= 2000)
);
create index if not exists idx_adm_moderation_queue_content on adm_moderation_queue (content_type, content_id);
create index if not exists idx_adm_moderation_queue_reported_by on adm_moderation_queue (reported_by) where reported_by is not null;
create index if not exists idx_adm_moderation_queue_reviewed_by on adm_moderation_queue (reviewed_by) where reviewed_by is not null;
create index if not exists idx_adm_moderation_queue_open on adm_moderation_queue (created_at)
    where status in ('pending', 'in_review');
create unique index if not exists uq_adm_moderation_queue_open_report
    on adm_moderation_queue (reported_by, content_type, content_id) where status in ('pending', 'in_review');

comment on table adm_moderation_queue is
    'One row per thing that a person, or a rule of the application, asked the moderators to look at. It goes with the thing;'
    ' what was decided stays in adm_actions_log.';
comment on column adm_moderation_queue.content_type is
    'Kind of the thing: post, comment, resource, profile, business, organization, event or message.';
comment on column adm_moderation_queue.content_id is 'The thing.';
comment on column adm_moderation_queue.reported_by is 'Who asked, once per thing while it is open; empty for a rule, and once that person is gone.';
comment on column adm_moderation_queue.reason is 'Why, in a few words.';
comment on column adm_moderation_queue.description is 'Why, at length.';
comment on column adm_moderation_queue.priority is 'low, normal, high or urgent.';
comment on column adm_moderation_queue.status is 'pending, in_review, resolved (something was done) or dismissed (nothing was wrong).';
comment on column adm_moderation_queue.reviewed_by is 'The member of the staff who looks or looked at it.';
comment on column adm_moderation_queue.reviewed_at is 'When it was resolved or dismissed; empty until then.';
comment on column adm_moderation_queue.resolution is 'What was decided.';
call finish_table('adm_moderation_queue');
call attach_entity('adm_moderation_queue', 'content', 'delete', 'post', 'comment', 'resource', 'profile', 'business',
    'organization', 'event', 'message');

create table if not exists adm_banned_users (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    reason text not null,
    ban_type text not null,
    banned_until timestamptz,
    banned_by uuid,
    banned_by_name text,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_adm_banned_users primary key (id),
    constraint fk_adm_banned_users_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_adm_banned_users_banned_by foreign key (banned_by) references adm_users (id) on delete set null,
    constraint ck_adm_banned_users_reason check (btrim(reason) <> '' and length(reason) <= 1000),
    constraint ck_adm_banned_users_ban_type check (ban_type in ('temporary', 'permanent')),
    constraint ck_adm_banned_users_banned_until check ((ban_type = 'temporary') = (banned_until is not null)),
    constraint ck_adm_banned_users_banned_by_name check (btrim(banned_by_name) <> '' and length(banned_by_name) <= 200)
);
create index if not exists idx_adm_banned_users_profile on adm_banned_users (profile_id, created_at desc);
create index if not exists idx_adm_banned_users_banned_by on adm_banned_users (banned_by) where banned_by is not null;
create unique index if not exists uq_adm_banned_users_active on adm_banned_users (profile_id) where is_active;

comment on table adm_banned_users is 'One row per ban of a person; one at a time is active, earlier ones stay.';
comment on column adm_banned_users.profile_id is 'Who is banned.';
comment on column adm_banned_users.reason is 'Why.';
comment on column adm_banned_users.ban_type is 'temporary (until banned_until) or permanent.';
comment on column adm_banned_users.banned_until is 'When a temporary ban ends by itself; empty for a permanent one.';
comment on column adm_banned_users.banned_by is 'The member of the staff who banned; empty for a rule, and once that member is gone.';
comment on column adm_banned_users.banned_by_name is 'Name of that member at the time; kept by a trigger.';
comment on column adm_banned_users.is_active is 'Whether the ban has not been lifted; a temporary one also ends by time.';
call finish_table('adm_banned_users', 'banned_by_name');
create or replace trigger trg_adm_banned_users_banned_by_name
    before insert or update of banned_by on adm_banned_users
    for each row when (new.banned_by is not null)
    execute function trg_fn_admin_name('banned_by', 'banned_by_name');

create or replace function trg_fn_earlier_ban_over() returns trigger
language plpgsql
as $$
begin
    update adm_banned_users b set is_active = false
    where b.profile_id = new.profile_id and b.is_active and b.banned_until <= now();
    return new;
end
$$;
comment on function trg_fn_earlier_ban_over() is 'Trigger: a ban whose time is over makes room for the next one.';
create or replace trigger trg_adm_banned_users_earlier_over
    before insert on adm_banned_users
    for each row when (new.is_active) execute function trg_fn_earlier_ban_over();

-- ---------------------------------------------------------------------------------------------
-- The log of actions

create table if not exists adm_actions_log (
    id uuid not null default gen_random_uuid(),
    admin_id uuid,
    admin_name text not null,
    action_type text not null,
    target_type text,
    target_id uuid,
    description text not null,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint pk_adm_actions_log primary key (id),
    constraint fk_adm_actions_log_admin foreign key (admin_id) references adm_users (id) on delete set null,
    constraint ck_adm_actions_log_admin_name check (btrim(admin_name) <> '' and length(admin_name) <= 200),
    constraint ck_adm_actions_log_action_type check (action_type in (
        'user_suspend', 'user_ban', 'user_unban', 'content_remove', 'content_restore', 'profile_verify', 'profile_unverify',
        'role_assign', 'role_revoke', 'setting_update', 'other')),
    constraint ck_adm_actions_log_target_type check (target_type in (
        'individual', 'business', 'organization', 'post', 'comment', 'message', 'event', 'resource', 'job', 'product',
        'announcement')),
    constraint ck_adm_actions_log_target check ((target_type is null) = (target_id is null)),
    constraint ck_adm_actions_log_description check (btrim(description) <> '' and length(description) <= 2000),
    constraint ck_adm_actions_log_metadata check (jsonb_typeof(metadata) = 'object')
);
create index if not exists idx_adm_actions_log_admin on adm_actions_log (admin_id, created_at desc) where admin_id is not null;
create index if not exists idx_adm_actions_log_target on adm_actions_log (target_type, target_id) where target_id is not null;
create index if not exists idx_adm_actions_log_created on adm_actions_log (created_at desc);

comment on table adm_actions_log is
    'One row per action of a member of the staff, kept when the member and the target are gone. Written once, never altered.';
comment on column adm_actions_log.admin_id is 'Who acted; empty once that member is gone.';
comment on column adm_actions_log.admin_name is 'Name of that member at the time; kept by a trigger.';
comment on column adm_actions_log.action_type is
    'user_suspend, user_ban, user_unban, content_remove, content_restore, profile_verify, profile_unverify, role_assign,'
    ' role_revoke, setting_update or other.';
comment on column adm_actions_log.target_type is
    'Kind of what was acted on: individual, business, organization, post, comment, message, event, resource, job, product or'
    ' announcement; empty where it is none of these.';
comment on column adm_actions_log.target_id is 'What was acted on; it was there when the row was written and may be gone.';
comment on column adm_actions_log.description is 'What was done and why.';
comment on column adm_actions_log.metadata is 'What else is to know about it, as in the name of a setting.';
call finish_table('adm_actions_log');
call attach_entity('adm_actions_log', 'target', 'keep', 'individual', 'business', 'organization', 'post', 'comment',
    'message', 'event', 'resource', 'job', 'product', 'announcement');
create or replace trigger trg_adm_actions_log_admin_name
    before insert on adm_actions_log
    for each row when (new.admin_id is not null)
    execute function trg_fn_admin_name('admin_id', 'admin_name');

create or replace function trg_fn_log_is_final() returns trigger
language plpgsql
as $$
begin
    raise exception '% %: a row of a log is never changed', tg_table_name, old.id
        using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
end
$$;
comment on function trg_fn_log_is_final() is
    'Trigger: refuses a change of a log''s row, even to the owner. That the actor is gone may be noted; old rows may be removed by the owner.';
create or replace trigger trg_adm_actions_log_is_final
    before update on adm_actions_log
    for each row when (
        new.admin_id is not null and old.admin_id is distinct from new.admin_id
        or old.id is distinct from new.id or old.admin_name is distinct from new.admin_name
        or old.action_type is distinct from new.action_type or old.target_type is distinct from new.target_type
        or old.target_id is distinct from new.target_id or old.description is distinct from new.description
        or old.metadata is distinct from new.metadata or old.created_at is distinct from new.created_at
    )
    execute function trg_fn_log_is_final();

-- ---------------------------------------------------------------------------------------------
-- Settings

create table if not exists adm_system_settings (
    key text not null,
    value jsonb not null,
    category text not null,
    description text,
    is_public boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_adm_system_settings primary key (key),
    constraint ck_adm_system_settings_key check (key ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$' and length(key) <= 100),
    constraint ck_adm_system_settings_category check (category ~ '^[a-z][a-z_]*$' and length(category) <= 50),
    constraint ck_adm_system_settings_description check (length(description) <= 500)
);

comment on table adm_system_settings is 'One row per setting of the platform. Secrets do not belong here.';
comment on column adm_system_settings.key is 'Name, as in limits.post_characters.';
comment on column adm_system_settings.value is 'Its value; JSON null where it is not decided.';
comment on column adm_system_settings.category is 'Group of settings: platform, features, limits, email or seo, or one of the administrators'' own.';
comment on column adm_system_settings.description is 'What it decides, with its unit.';
comment on column adm_system_settings.is_public is 'Whether people who are not signed in may read it.';
call finish_table('adm_system_settings');

-- ---------------------------------------------------------------------------------------------
-- Background jobs. A worker takes an open one with FOR UPDATE SKIP LOCKED.

create table if not exists adm_background_jobs (
    id uuid not null default gen_random_uuid(),
    job_name text not null,
    status text not null default 'queued',
    payload jsonb not null default '{}',
    attempts int not null default 0,
    max_attempts int not null default 3,
    scheduled_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    lambda_request_id text,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_adm_background_jobs primary key (id),
    constraint ck_adm_background_jobs_job_name check (job_name ~ '^[a-z][a-z0-9_.-]*$' and length(job_name) <= 100),
    constraint ck_adm_background_jobs_status check (status in ('queued', 'running', 'succeeded', 'failed')),
    constraint ck_adm_background_jobs_payload check (jsonb_typeof(payload) = 'object'),
    constraint ck_adm_background_jobs_max_attempts check (max_attempts >= 1),
    constraint ck_adm_background_jobs_attempts check (attempts between 0 and max_attempts),
    constraint ck_adm_background_jobs_started_at check (status = 'queued' or started_at is not null),
    constraint ck_adm_background_jobs_finished_at check ((status in ('succeeded', 'failed')) = (finished_at is not null)),
    constraint ck_adm_background_jobs_order check (finished_at >= started_at),
    constraint ck_adm_background_jobs_lambda_request_id check (btrim(lambda_request_id) <> '' and length(lambda_request_id) <= 100),
    constraint ck_adm_background_jobs_error check (length(error) <= 5000)
);
create index if not exists idx_adm_background_jobs_open on adm_background_jobs (scheduled_at)
    where status in ('queued', 'running');
create index if not exists idx_adm_background_jobs_name on adm_background_jobs (job_name, created_at desc);

comment on table adm_background_jobs is 'One row per piece of work that is done outside a request.';
comment on column adm_background_jobs.job_name is 'What is to be done, as in refresh_views.';
comment on column adm_background_jobs.status is 'queued (waiting, perhaps for another attempt), running, succeeded or failed.';
comment on column adm_background_jobs.payload is 'What it works on, by name.';
comment on column adm_background_jobs.attempts is 'How often it was started.';
comment on column adm_background_jobs.max_attempts is 'How often it may be started before it counts as failed.';
comment on column adm_background_jobs.scheduled_at is 'When it may start at the earliest.';
comment on column adm_background_jobs.started_at is 'When its last attempt began; empty before the first.';
comment on column adm_background_jobs.finished_at is 'When it succeeded or failed for good; empty until then.';
comment on column adm_background_jobs.lambda_request_id is 'Request of the Lambda function that runs it, to find its log by.';
comment on column adm_background_jobs.error is 'What went wrong in the last attempt that failed.';
call finish_table('adm_background_jobs');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('adm');
