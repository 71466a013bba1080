-- 70_ntf_core.sql: notifications, what members want of them, and the queue of those that go out
--
-- Purpose  one place that tells a member what happened, and sends it by the ways the member chose.
-- Grain    ntf_notifications: one row per recipient and happening; the other grains stand in the comments.
-- Units    instants are timestamptz; quiet hours are times of day where the member lives.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 10_usr_core.sql, 20_biz_core.sql, 30_org_core.sql, 32_org_structure.sql,
--          40_soc_posts.sql, 41_soc_connections.sql, 50_msg_core.sql, 60_evt_core.sql.
-- Growth   ntf_notifications is not partitioned. It would be by range of created_at, a partition per month: the primary key
--          then becomes (id, created_at) and ntf_queue keeps notification_id without a foreign key. What was read
--          may be deleted at any time, so that the table need not grow for ever.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Notifications

create table if not exists ntf_notifications (
    id uuid not null default gen_random_uuid(),
    recipient_id uuid not null,
    notification_type_id uuid not null,
    actor_type text not null,
    actor_id uuid,
    title text not null,
    message text not null,
    action_type text,
    action_id uuid,
    action_url text,
    metadata jsonb not null default '{}',
    priority text not null default 'normal',
    show_in_app boolean not null default true,
    is_read boolean not null default false,
    read_at timestamptz,
    is_delivered_push boolean not null default false,
    is_delivered_email boolean not null default false,
    is_delivered_sms boolean not null default false,
    created_at timestamptz not null default now(),
    constraint pk_ntf_notifications primary key (id),
    constraint fk_ntf_notifications_recipient foreign key (recipient_id) references profiles (id) on delete cascade,
    constraint fk_ntf_notifications_type foreign key (notification_type_id)
        references ref_notification_types (id) on delete restrict,
    constraint ck_ntf_notifications_actor_type check (actor_type in ('individual', 'business', 'organization', 'system')),
    constraint ck_ntf_notifications_actor check ((actor_type = 'system') = (actor_id is null)),
    constraint ck_ntf_notifications_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_ntf_notifications_message check (btrim(message) <> '' and length(message) <= 1000),
    constraint ck_ntf_notifications_action_type check (action_type in ('individual', 'business', 'organization', 'post',
        'comment', 'message', 'event', 'resource', 'job', 'product', 'announcement')),
    constraint ck_ntf_notifications_action check ((action_type is null) = (action_id is null)),
    constraint ck_ntf_notifications_action_url check (btrim(action_url) <> '' and length(action_url) <= 2000),
    constraint ck_ntf_notifications_metadata check (jsonb_typeof(metadata) = 'object'),
    constraint ck_ntf_notifications_priority check (priority in ('low', 'normal', 'high', 'urgent')),
    constraint ck_ntf_notifications_read check (is_read = (read_at is not null))
);
create index if not exists idx_ntf_notifications_recipient on ntf_notifications (recipient_id, created_at desc);
create index if not exists idx_ntf_notifications_unread on ntf_notifications (recipient_id, created_at desc) where not is_read;
create index if not exists idx_ntf_notifications_type on ntf_notifications (notification_type_id);
create index if not exists idx_ntf_notifications_actor on ntf_notifications (actor_type, actor_id);
create index if not exists idx_ntf_notifications_action on ntf_notifications (action_type, action_id)
    where action_id is not null;

comment on table ntf_notifications is
    'One row per member and happening that the member is told of. It goes with the recipient, the actor and what it points to.';
comment on column ntf_notifications.recipient_id is 'Who is told.';
comment on column ntf_notifications.notification_type_id is 'What kind of happening it is.';
comment on column ntf_notifications.actor_type is 'Who did it: individual, business, organization, or system (the platform itself).';
comment on column ntf_notifications.actor_id is 'The profile, business or organization that did it; empty exactly for system.';
comment on column ntf_notifications.title is 'Headline, at most 200 characters.';
comment on column ntf_notifications.message is 'Text, at most 1000 characters.';
comment on column ntf_notifications.action_type is
    'What a tap opens: individual, business, organization, post, comment, message, event, resource, job, product or'
    ' announcement; empty for nothing of these.';
comment on column ntf_notifications.action_id is 'The row that a tap opens.';
comment on column ntf_notifications.action_url is 'Address that a tap opens, where it is no row of ours or a place inside it.';
comment on column ntf_notifications.metadata is 'What else the application needs to show it, by name.';
comment on column ntf_notifications.priority is 'How urgent it is: low, normal, high or urgent.';
comment on column ntf_notifications.show_in_app is
    'Whether it stands in the member''s list; not, if it was only to be sent by push, e-mail or SMS.';
comment on column ntf_notifications.is_read is 'Whether the member has read it.';
comment on column ntf_notifications.read_at is 'When the member read it; set exactly when is_read is.';
comment on column ntf_notifications.is_delivered_push is 'Whether it went to the phone; kept by a trigger of ntf_queue.';
comment on column ntf_notifications.is_delivered_email is 'Whether it went out by e-mail; kept by a trigger of ntf_queue.';
comment on column ntf_notifications.is_delivered_sms is 'Whether it went out by SMS; kept by a trigger of ntf_queue.';
call finish_table('ntf_notifications');
call attach_entity('ntf_notifications', 'actor', 'delete', 'individual', 'business', 'organization');
-- The files of resources, jobs and products declare their kinds themselves: their tables come later.
call attach_entity('ntf_notifications', 'action', 'delete', 'individual', 'business', 'organization', 'post', 'comment',
    'message', 'event', 'announcement');

-- ---------------------------------------------------------------------------------------------
-- What members want

create or replace function is_notification_choice(p_choices jsonb) returns boolean
language sql immutable parallel safe
as $$
    select jsonb_typeof(p_choices) = 'object' and not exists (
        select from jsonb_each(case jsonb_typeof(p_choices) when 'object' then p_choices else '{}' end) g
        where g.key <> all ('{connections,messages,posts,comments,likes,events,resources,system}'::text[])
            or jsonb_typeof(g.value) <> 'object'
            or exists (
                select from jsonb_each(case jsonb_typeof(g.value) when 'object' then g.value else '{}' end) c
                where c.key <> all ('{push,email,sms}'::text[]) or jsonb_typeof(c.value) <> 'boolean'
            )
    )
$$;
comment on function is_notification_choice(jsonb) is
    'Whether a value has the shape of ntf_preferences.preferences: group -> push, email or sms -> true or false; NULL gives NULL.';

create table if not exists ntf_preferences (
    profile_id uuid not null,
    is_push_enabled boolean not null default true,
    is_email_enabled boolean not null default true,
    is_sms_enabled boolean not null default false,
    is_in_app_enabled boolean not null default true,
    preferences jsonb not null default '{}',
    quiet_hours_start time,
    quiet_hours_end time,
    has_daily_digest boolean not null default false,
    has_weekly_digest boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ntf_preferences primary key (profile_id),
    constraint fk_ntf_preferences_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_ntf_preferences_preferences check (is_notification_choice(preferences)),
    constraint ck_ntf_preferences_quiet_hours check (
        (quiet_hours_start is null) = (quiet_hours_end is null) and quiet_hours_start <> quiet_hours_end)
);
comment on table ntf_preferences is 'One row per member: by which ways and when notifications may reach them.';
comment on column ntf_preferences.profile_id is 'The member.';
comment on column ntf_preferences.is_push_enabled is 'Whether anything may go to the phone.';
comment on column ntf_preferences.is_email_enabled is 'Whether anything may go out by e-mail.';
comment on column ntf_preferences.is_sms_enabled is 'Whether anything may go out by SMS.';
comment on column ntf_preferences.is_in_app_enabled is 'Whether notifications stand in the list of the application.';
comment on column ntf_preferences.preferences is
    'The member''s own choices, by group (connections, messages, posts, comments, likes, events, resources, system) and way'
    ' (push, email, sms), as in {"likes": {"push": false}}. What is not in it follows the notification''s type; SMS is then off.';
comment on column ntf_preferences.quiet_hours_start is
    'Time of day, in the member''s time zone, from which nothing is sent; empty for no quiet hours.';
comment on column ntf_preferences.quiet_hours_end is 'Time of day at which sending goes on; earlier than the start: on the next day.';
comment on column ntf_preferences.has_daily_digest is 'Whether an e-mail sums up each day.';
comment on column ntf_preferences.has_weekly_digest is 'Whether an e-mail sums up each week.';
call finish_table('ntf_preferences');

create or replace function trg_fn_default_ntf_preferences() returns trigger
language plpgsql
as $$
begin
    insert into ntf_preferences (profile_id) values (new.id) on conflict (profile_id) do nothing;
    return null;
end
$$;
comment on function trg_fn_default_ntf_preferences() is 'Trigger: gives a new profile its preferences.';
create or replace trigger trg_profiles_default_ntf_preferences
    after insert on profiles
    for each row execute function trg_fn_default_ntf_preferences();

-- Profiles that were there before this file.
insert into ntf_preferences (profile_id)
select p.id from profiles p where not exists (select from ntf_preferences n where n.profile_id = p.id);

-- ---------------------------------------------------------------------------------------------
-- What goes out

create table if not exists ntf_queue (
    id uuid not null default gen_random_uuid(),
    notification_id uuid not null,
    delivery_method text not null,
    status text not null default 'pending',
    attempts int not null default 0,
    max_attempts int not null default 3,
    error text,
    scheduled_at timestamptz not null default now(),
    sent_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ntf_queue primary key (id),
    constraint fk_ntf_queue_notification foreign key (notification_id) references ntf_notifications (id) on delete cascade,
    constraint uq_ntf_queue_notification_method unique (notification_id, delivery_method),
    constraint ck_ntf_queue_delivery_method check (delivery_method in ('push', 'email', 'sms')),
    constraint ck_ntf_queue_status check (status in ('pending', 'processing', 'sent', 'failed')),
    constraint ck_ntf_queue_max_attempts check (max_attempts > 0),
    constraint ck_ntf_queue_attempts check (attempts between 0 and max_attempts),
    constraint ck_ntf_queue_error check (length(error) <= 2000),
    constraint ck_ntf_queue_sent check ((status = 'sent') = (sent_at is not null))
);
create index if not exists idx_ntf_queue_pending on ntf_queue (scheduled_at) where status = 'pending';
comment on table ntf_queue is
    'One row per notification and way by which it goes out. A worker takes pending rows whose time has come with'
    ' "for update skip locked", so that several workers never send the same one.';
comment on column ntf_queue.notification_id is 'What is sent.';
comment on column ntf_queue.delivery_method is 'By which way: push, email or sms.';
comment on column ntf_queue.status is 'pending (waits), processing (a worker has it), sent, or failed (given up).';
comment on column ntf_queue.attempts is 'How often it was tried.';
comment on column ntf_queue.max_attempts is 'After how many tries it is given up.';
comment on column ntf_queue.error is 'What went wrong at the last try.';
comment on column ntf_queue.scheduled_at is 'When it may be sent at the earliest: after quiet hours, or after a pause between tries.';
comment on column ntf_queue.sent_at is 'When it was sent; set exactly when the status is sent.';
call finish_table('ntf_queue');

create or replace function trg_fn_notification_delivered() returns trigger
language plpgsql
as $$
begin
    update ntf_notifications set
        is_delivered_push = is_delivered_push or new.delivery_method = 'push',
        is_delivered_email = is_delivered_email or new.delivery_method = 'email',
        is_delivered_sms = is_delivered_sms or new.delivery_method = 'sms'
    where id = new.notification_id;
    return null;
end
$$;
comment on function trg_fn_notification_delivered() is
    'Trigger: a notification notes by which ways it was sent. It still says so when its row leaves the queue.';
create or replace trigger trg_ntf_queue_delivered
    after insert or update of status on ntf_queue
    for each row when (new.status = 'sent') execute function trg_fn_notification_delivered();

create table if not exists ntf_templates (
    id uuid not null default gen_random_uuid(),
    name text not null,
    notification_type_id uuid not null,
    title_template text not null,
    message_template text not null,
    email_subject_template text,
    email_body_template text,
    sms_template text,
    variables text[] not null default '{}',
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_ntf_templates primary key (id),
    constraint fk_ntf_templates_type foreign key (notification_type_id) references ref_notification_types (id) on delete restrict,
    constraint uq_ntf_templates_name unique (name),
    constraint ck_ntf_templates_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_ntf_templates_title_template check (btrim(title_template) <> '' and length(title_template) <= 200),
    constraint ck_ntf_templates_message_template check (btrim(message_template) <> '' and length(message_template) <= 1000),
    constraint ck_ntf_templates_email_subject_template check (
        btrim(email_subject_template) <> '' and length(email_subject_template) <= 200),
    constraint ck_ntf_templates_email_body_template check (length(email_body_template) <= 50000),
    constraint ck_ntf_templates_email check ((email_subject_template is null) = (email_body_template is null)),
    constraint ck_ntf_templates_sms_template check (btrim(sms_template) <> '' and length(sms_template) <= 480),
    constraint ck_ntf_templates_variables check (array_position(variables, null) is null)
);
create index if not exists idx_ntf_templates_type on ntf_templates (notification_type_id);
comment on table ntf_templates is 'One row per wording of a kind of notification.';
comment on column ntf_templates.name is 'Its name in code.';
comment on column ntf_templates.notification_type_id is 'The kind of notification that it words.';
comment on column ntf_templates.title_template is 'Headline; {name} stands for the variable of that name, here and below.';
comment on column ntf_templates.message_template is 'Text.';
comment on column ntf_templates.email_subject_template is 'Subject of the e-mail; empty where none is sent.';
comment on column ntf_templates.email_body_template is 'Body of the e-mail, as HTML; empty where none is sent.';
comment on column ntf_templates.sms_template is 'Text of the SMS, at most 480 characters (three parts); empty where none is sent.';
comment on column ntf_templates.variables is 'Names of the variables in the texts.';
comment on column ntf_templates.is_active is 'Whether it is in use.';
call finish_table('ntf_templates');

-- ---------------------------------------------------------------------------------------------
-- Telling somebody something

create or replace function notification_group(p_type_slug text) returns text
language sql immutable parallel safe
as $$
    select case
        when p_type_slug in ('connection-request', 'connection-accepted', 'profile-view') then 'connections'
        when p_type_slug = 'new-message' then 'messages'
        when p_type_slug = 'post-like' then 'likes'
        when p_type_slug in ('post-comment', 'comment-reply', 'post-mention') then 'comments'
        when p_type_slug in ('event-invitation', 'event-reminder') then 'events'
        when p_type_slug = 'resource-published' then 'resources'
        else 'system'
    end
$$;
comment on function notification_group(text) is
    'The group of ntf_preferences.preferences that a notification type belongs to; system for one without a group of its own.';

create or replace function get_notification_time(p_profile uuid, p_moment timestamptz default now()) returns timestamptz
language plpgsql stable parallel safe
as $$
declare
    c_home constant text := 'Asia/Kolkata';
    v_timezone text := coalesce((select u.preferred_timezone from usr_preferences u where u.profile_id = p_profile), c_home);
    v_quiet ntf_preferences%rowtype;
    v_local timestamp;
    v_day date;
begin
    if not isfinite(p_moment) then
        return null;
    end if;
    select n.* into v_quiet from ntf_preferences n where n.profile_id = p_profile;
    if v_quiet.quiet_hours_start is null or p_moment is null then
        return p_moment;
    end if;
    begin
        v_local := p_moment at time zone v_timezone;
    exception
        when invalid_parameter_value then
            v_timezone := c_home; -- a zone that this server does not know must not keep anybody from being told
            v_local := p_moment at time zone v_timezone;
    end;
    v_day := v_local::date;
    if v_quiet.quiet_hours_start < v_quiet.quiet_hours_end then
        if v_local::time < v_quiet.quiet_hours_start or v_local::time >= v_quiet.quiet_hours_end then
            return p_moment;
        end if;
    elsif v_local::time >= v_quiet.quiet_hours_start then
        v_day := v_day + 1; -- they last over midnight
    elsif v_local::time >= v_quiet.quiet_hours_end then
        return p_moment;
    end if;
    return (v_day + v_quiet.quiet_hours_end) at time zone v_timezone;
end
$$;
comment on function get_notification_time(uuid, timestamptz) is
    'When something may be sent to a member: the moment itself, or the end of the quiet hours that it falls into, in the'
    ' member''s preferred time zone (Asia/Kolkata if none). Without quiet hours, or for nobody, the moment itself; NULL for'
    ' no moment or an infinite one.';

create or replace function create_notification(
    p_recipient uuid, p_actor_type text, p_actor_id uuid, p_title text, p_message text, p_action_type text default null,
    p_action_id uuid default null, p_priority text default 'normal', p_type_slug text default 'system-update'
) returns uuid
language plpgsql
as $$
declare
    v_slug text := coalesce(p_type_slug, 'system-update');
    v_type ref_notification_types%rowtype;
    v_wanted ntf_preferences%rowtype;
    v_ways text[];
    v_id uuid;
begin
    select t.* into v_type from ref_notification_types t where t.slug = v_slug;
    if not found then
        raise exception 'notification type %: there is none of this name', v_slug using errcode = 'invalid_parameter_value';
    end if;
    if p_recipient is null or not v_type.is_active or (p_actor_type = 'individual' and (
        p_actor_id = p_recipient
        or exists (select from soc_blocks b where b.blocker_id = p_recipient and b.blocked_id = p_actor_id)
    )) then
        return null;
    end if;

    select n.* into v_wanted from ntf_preferences n where n.profile_id = p_recipient;
    v_ways := array(
        select w.way
        from (values
            ('push', coalesce(v_wanted.is_push_enabled, true), v_type.is_push),
            ('email', coalesce(v_wanted.is_email_enabled, true), v_type.is_email),
            ('sms', coalesce(v_wanted.is_sms_enabled, false), false)
        ) w (way, is_allowed, is_usual)
        where w.is_allowed
            and coalesce((v_wanted.preferences -> notification_group(v_slug) ->> w.way)::boolean, w.is_usual)
    );
    if not coalesce(v_wanted.is_in_app_enabled, true) and v_ways = '{}' then
        return null;
    end if;

    insert into ntf_notifications (
        recipient_id, notification_type_id, actor_type, actor_id, title, message, action_type, action_id, priority, show_in_app
    )
    values (
        p_recipient, v_type.id, coalesce(p_actor_type, 'system'), p_actor_id, p_title, p_message, p_action_type, p_action_id,
        coalesce(p_priority, 'normal'), coalesce(v_wanted.is_in_app_enabled, true)
    )
    returning id into v_id;
    insert into ntf_queue (notification_id, delivery_method, scheduled_at)
    select v_id, w.way, get_notification_time(p_recipient)
    from unnest(v_ways) w (way);
    return v_id;
end
$$;
comment on function create_notification(uuid, text, uuid, text, text, text, uuid, text, text) is
    'Tells a member something and gives the notification''s id; puts it into ntf_queue once per way (push, email, sms) that'
    ' both the member''s preferences and, where the member has not chosen, its type allow, at the end of quiet hours. Gives'
    ' NULL and writes nothing where nobody is to be told: no recipient, one''s own doing, a blocked person, a type that is'
    ' switched off, or a member who wants it by no way. Raises invalid_parameter_value for an unknown type.';

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('ntf');
