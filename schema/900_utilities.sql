-- 900_utilities.sql: what no module owns, and the audit
--
-- Purpose  tags, uploaded files, saved searches, feedback, the queue of e-mails, and the log of audited changes.
-- Grain    audit_log: one row per change of a row of an audited table; the other grains stand in the comments.
-- Audit    adm_* (but for adm_actions_log, a log itself) and usr_verifications. Prices have nec_price_revisions.
-- Needs    00, 01, 10 and 110.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Tags. Posts and resources keep theirs as text; this is the list of the ones that are offered.

create table if not exists tags (
    id uuid not null default gen_random_uuid(),
    name text not null,
    slug text not null,
    description text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_tags primary key (id),
    constraint uq_tags_slug unique (slug),
    constraint ck_tags_name check (btrim(name) = name and name <> '' and length(name) <= 50),
    constraint ck_tags_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_tags_description check (length(description) <= 500)
);
create unique index if not exists uq_tags_name on tags (lower(name));
create index if not exists gin_tags_name_trgm on tags using gin (name gin_trgm_ops);

comment on table tags is 'One row per tag that is offered while somebody types; upper and lower case make no difference.';
comment on column tags.name is 'The tag as shown.';
comment on column tags.slug is 'The tag as it stands in addresses.';
comment on column tags.description is 'What it stands for, in a sentence.';
call finish_table('tags');

-- ---------------------------------------------------------------------------------------------
-- Uploaded files

create table if not exists media_uploads (
    id uuid not null default gen_random_uuid(),
    uploaded_by uuid,
    file_name text not null,
    file_url text not null,
    file_size bigint,
    file_type text,
    mime_type text,
    media_type text not null,
    width int,
    height int,
    duration_seconds int,
    s3_bucket text,
    s3_key text,
    status text not null default 'uploaded',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_media_uploads primary key (id),
    constraint fk_media_uploads_uploaded_by foreign key (uploaded_by) references profiles (id) on delete set null,
    constraint uq_media_uploads_s3 unique (s3_bucket, s3_key),
    constraint ck_media_uploads_file_name check (btrim(file_name) <> '' and length(file_name) <= 255),
    constraint ck_media_uploads_file_url check (btrim(file_url) <> '' and length(file_url) <= 2000),
    constraint ck_media_uploads_file_size check (file_size >= 0),
    constraint ck_media_uploads_file_type check (file_type ~ '^[a-z0-9]{1,10}$'),
    constraint ck_media_uploads_mime_type check (mime_type ~ '^[a-z]+/[a-z0-9][a-z0-9.+-]*$' and length(mime_type) <= 127),
    constraint ck_media_uploads_media_type check (media_type in ('image', 'video', 'document', 'audio', 'other')),
    constraint ck_media_uploads_width check (width > 0),
    constraint ck_media_uploads_height check (height > 0),
    constraint ck_media_uploads_duration_seconds check (duration_seconds >= 0),
    constraint ck_media_uploads_s3_both check ((s3_bucket is null) = (s3_key is null)),
    constraint ck_media_uploads_s3_bucket check (s3_bucket ~ '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'),
    constraint ck_media_uploads_s3_key check (s3_key <> '' and length(s3_key) <= 1024),
    constraint ck_media_uploads_status check (status in ('uploaded', 'processing', 'ready', 'failed', 'deleted'))
);
create index if not exists idx_media_uploads_uploaded_by on media_uploads (uploaded_by, created_at desc) where uploaded_by is not null;
create index if not exists idx_media_uploads_unfinished on media_uploads (created_at) where status in ('uploaded', 'processing');

comment on table media_uploads is 'One row per uploaded file.';
comment on column media_uploads.uploaded_by is 'Who uploaded it; empty once that person is gone, until the file is removed.';
comment on column media_uploads.file_name is 'Name of the file on the person''s device.';
comment on column media_uploads.file_url is 'Address that it is served from.';
comment on column media_uploads.file_size is 'Size in bytes.';
comment on column media_uploads.file_type is 'Ending of the file''s name, in small letters, as in jpg.';
comment on column media_uploads.mime_type is 'Media type, as in image/jpeg.';
comment on column media_uploads.media_type is 'image, video, document, audio or other.';
comment on column media_uploads.width is 'Width of a picture or film, in pixels.';
comment on column media_uploads.height is 'Height of a picture or film, in pixels.';
comment on column media_uploads.duration_seconds is 'Length of a film or sound, in seconds.';
comment on column media_uploads.s3_bucket is 'Bucket, where it lies in S3.';
comment on column media_uploads.s3_key is 'Key in that bucket.';
comment on column media_uploads.status is 'uploaded, processing, ready, failed or deleted (from where it lay; the row stays).';
call finish_table('media_uploads');

-- ---------------------------------------------------------------------------------------------
-- Saved searches

create table if not exists saved_searches (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    name text not null,
    search_type text not null,
    query text,
    filters jsonb not null default '{}',
    is_notify_enabled boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_saved_searches primary key (id),
    constraint fk_saved_searches_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_saved_searches_profile_name unique (profile_id, name),
    constraint ck_saved_searches_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_saved_searches_search_type check (search_type in (
        'people', 'businesses', 'organizations', 'posts', 'events', 'resources', 'jobs', 'products')),
    constraint ck_saved_searches_query check (btrim(query) <> '' and length(query) <= 500),
    constraint ck_saved_searches_filters check (jsonb_typeof(filters) = 'object'),
    constraint ck_saved_searches_something check (query is not null or filters <> '{}')
);

comment on table saved_searches is 'One row per search that a person keeps under a name.';
comment on column saved_searches.profile_id is 'Who keeps it.';
comment on column saved_searches.name is 'The person''s name for it.';
comment on column saved_searches.search_type is
    'What it looks for: people, businesses, organizations, posts, events, resources, jobs or products.';
comment on column saved_searches.query is 'What was typed; empty where only filters are set.';
comment on column saved_searches.filters is 'The filters that are set, by name.';
comment on column saved_searches.is_notify_enabled is 'Whether the person wants to hear of new results.';
call finish_table('saved_searches');

-- ---------------------------------------------------------------------------------------------
-- Feedback

create table if not exists feedback (
    id uuid not null default gen_random_uuid(),
    profile_id uuid,
    feedback_type text not null,
    subject text not null,
    message text not null,
    email text,
    page_url text,
    status text not null default 'submitted',
    response text,
    responded_by uuid,
    responded_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_feedback primary key (id),
    constraint fk_feedback_profile foreign key (profile_id) references profiles (id) on delete set null,
    constraint fk_feedback_responded_by foreign key (responded_by) references profiles (id) on delete set null,
    constraint ck_feedback_feedback_type check (
        feedback_type in ('bug', 'feature_request', 'improvement', 'complaint', 'praise', 'other')),
    constraint ck_feedback_subject check (btrim(subject) <> '' and length(subject) <= 200),
    constraint ck_feedback_message check (btrim(message) <> '' and length(message) <= 2000),
    constraint ck_feedback_email check (length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_feedback_page_url check (length(page_url) <= 2000),
    constraint ck_feedback_status check (status in ('submitted', 'in_review', 'resolved', 'closed')),
    constraint ck_feedback_response check (btrim(response) <> '' and length(response) <= 2000),
    constraint ck_feedback_responded_at check ((response is null) = (responded_at is null)),
    constraint ck_feedback_responded_by check (responded_by is null or response is not null)
);
create index if not exists idx_feedback_profile on feedback (profile_id) where profile_id is not null;
create index if not exists idx_feedback_responded_by on feedback (responded_by) where responded_by is not null;
create index if not exists idx_feedback_open on feedback (created_at) where status in ('submitted', 'in_review');

comment on table feedback is 'One row per message to the people who run the platform.';
comment on column feedback.profile_id is 'Who wrote it; empty for somebody not signed in, and once that person is gone.';
comment on column feedback.feedback_type is 'bug, feature_request, improvement, complaint, praise or other.';
comment on column feedback.subject is 'What it is about, at most 200 characters.';
comment on column feedback.message is 'The message, at most 2000 characters.';
comment on column feedback.email is 'Address for the answer, where it is another one than the profile''s.';
comment on column feedback.page_url is 'The page that it was written on.';
comment on column feedback.status is 'submitted, in_review, resolved or closed (without doing anything).';
comment on column feedback.response is 'The answer.';
comment on column feedback.responded_by is 'Who answered; empty once that person is gone.';
comment on column feedback.responded_at is 'When it was answered.';
call finish_table('feedback');

-- ---------------------------------------------------------------------------------------------
-- E-mails. A worker takes a pending one with FOR UPDATE SKIP LOCKED; Amazon SES then reports what became of it.

create table if not exists email_queue (
    id uuid not null default gen_random_uuid(),
    to_email text not null,
    to_name text,
    subject text not null,
    body_html text,
    body_text text,
    template_name text,
    template_data jsonb not null default '{}',
    status text not null default 'pending',
    attempts int not null default 0,
    max_attempts int not null default 3,
    ses_message_id text,
    scheduled_at timestamptz not null default now(),
    sent_at timestamptz,
    last_event_at timestamptz,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_email_queue primary key (id),
    constraint uq_email_queue_ses_message_id unique (ses_message_id),
    constraint ck_email_queue_to_email check (length(to_email) <= 254 and to_email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_email_queue_to_name check (btrim(to_name) <> '' and length(to_name) <= 200),
    -- no line break: it would begin another header
    constraint ck_email_queue_subject check (btrim(subject) <> '' and length(subject) <= 200 and subject !~ '[\r\n]'),
    constraint ck_email_queue_content check (num_nonnulls(body_html, body_text, template_name) > 0),
    constraint ck_email_queue_body_html check (length(body_html) <= 500000),
    constraint ck_email_queue_body_text check (length(body_text) <= 500000),
    constraint ck_email_queue_template_name check (template_name ~ '^[A-Za-z0-9][A-Za-z0-9_-]*$' and length(template_name) <= 100),
    constraint ck_email_queue_template_data check (jsonb_typeof(template_data) = 'object'),
    constraint ck_email_queue_status check (status in (
        'pending', 'processing', 'sent', 'delivered', 'bounced', 'complained', 'failed')),
    constraint ck_email_queue_max_attempts check (max_attempts >= 1),
    constraint ck_email_queue_attempts check (attempts between 0 and max_attempts),
    constraint ck_email_queue_ses_message_id check (btrim(ses_message_id) <> '' and length(ses_message_id) <= 200),
    constraint ck_email_queue_sent_at check (
        (status in ('sent', 'delivered', 'bounced', 'complained')) = (sent_at is not null)),
    constraint ck_email_queue_last_event_at check (status not in ('delivered', 'bounced', 'complained') or last_event_at is not null),
    constraint ck_email_queue_error check (length(error) <= 5000)
);
create index if not exists idx_email_queue_pending on email_queue (scheduled_at) where status = 'pending';
create index if not exists idx_email_queue_to_email on email_queue (lower(to_email), created_at desc);

comment on table email_queue is 'One row per e-mail to one address: to be sent, being sent, or what became of it.';
comment on column email_queue.to_email is 'Address that it goes to.';
comment on column email_queue.to_name is 'Name of the person there.';
comment on column email_queue.subject is 'Subject, one line of at most 200 characters.';
comment on column email_queue.body_html is 'Text in HTML, where no template makes it.';
comment on column email_queue.body_text is 'Plain text, where no template makes it.';
comment on column email_queue.template_name is 'Template that makes the text.';
comment on column email_queue.template_data is 'What the template puts in, by name.';
comment on column email_queue.status is
    'pending, processing, sent (accepted by SES), delivered, bounced, complained (marked as spam) or failed (not sent).';
comment on column email_queue.attempts is 'How often it was tried to send.';
comment on column email_queue.max_attempts is 'How often it may be tried before it counts as failed.';
comment on column email_queue.ses_message_id is 'SES''s identifier, by which its reports are matched.';
comment on column email_queue.scheduled_at is 'When it may be sent at the earliest.';
comment on column email_queue.sent_at is 'When SES accepted it; empty until then.';
comment on column email_queue.last_event_at is 'When SES last reported on it.';
comment on column email_queue.error is 'What went wrong last.';
call finish_table('email_queue');

-- ---------------------------------------------------------------------------------------------
-- The audit

create table if not exists audit_log (
    id bigint generated always as identity,
    profile_id uuid,
    database_role text not null default session_user,
    table_name text not null,
    record_id uuid,
    operation text not null,
    old_data jsonb,
    new_data jsonb,
    ip_address inet,
    user_agent text,
    created_at timestamptz not null default now(),
    constraint pk_audit_log primary key (id),
    constraint fk_audit_log_profile foreign key (profile_id) references profiles (id) on delete set null,
    constraint ck_audit_log_table_name check (btrim(table_name) <> '' and length(table_name) <= 63),
    constraint ck_audit_log_operation check (operation in ('INSERT', 'UPDATE', 'DELETE')),
    constraint ck_audit_log_data check (case operation
        when 'INSERT' then old_data is null and new_data is not null
        when 'UPDATE' then old_data is not null and new_data is not null
        else old_data is not null and new_data is null end),
    constraint ck_audit_log_user_agent check (length(user_agent) <= 1000)
);
create index if not exists idx_audit_log_profile on audit_log (profile_id, created_at desc) where profile_id is not null;
create index if not exists idx_audit_log_record on audit_log (table_name, record_id, created_at desc);
create index if not exists idx_audit_log_created on audit_log using brin (created_at);

comment on table audit_log is
    'One row per change of a row of an audited table, in the order of id. Written by a trigger only, never altered.';
comment on column audit_log.profile_id is 'Who acted, as auth.uid() says; empty if nobody signed in did, and once that person is gone.';
comment on column audit_log.database_role is 'The database role that had logged in.';
comment on column audit_log.table_name is 'The audited table.';
comment on column audit_log.record_id is 'The id of the row; empty where the table''s key is another, which old_data and new_data tell.';
comment on column audit_log.operation is 'INSERT, UPDATE or DELETE.';
comment on column audit_log.old_data is 'The row before; empty for an INSERT.';
comment on column audit_log.new_data is 'The row after; empty for a DELETE.';
comment on column audit_log.ip_address is 'Address of the person''s device, as the setting app.client_ip said; empty if that was none.';
comment on column audit_log.user_agent is 'The person''s program, as the setting app.user_agent said.';
call finish_table('audit_log');
comment on column audit_log.id is 'Key of the row; rises with time.';

create or replace trigger trg_audit_log_is_final
    before update on audit_log
    for each row when (
        new.profile_id is not null and old.profile_id is distinct from new.profile_id
        or old.id is distinct from new.id or old.database_role is distinct from new.database_role
        or old.table_name is distinct from new.table_name or old.record_id is distinct from new.record_id
        or old.operation is distinct from new.operation or old.old_data is distinct from new.old_data
        or old.new_data is distinct from new.new_data or old.ip_address is distinct from new.ip_address
        or old.user_agent is distinct from new.user_agent or old.created_at is distinct from new.created_at
    )
    execute function trg_fn_log_is_final();

-- Definer, because nobody but the owner writes to the log.
create or replace function trg_fn_audit() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    v_before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    v_after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    v_ip inet;
begin
    if v_before = v_after then
        return null;
    end if;
    if current_setting('app.client_ip', true) <> '' then
        begin
            v_ip := current_setting('app.client_ip')::inet;
        exception
            when invalid_text_representation then
                null; -- what is no address must not stop what is audited
        end;
    end if;
    insert into audit_log (profile_id, table_name, record_id, operation, old_data, new_data, ip_address, user_agent)
    values (
        -- a person who is being deleted acts no more
        (select p.id from profiles p where p.id = auth.uid()),
        tg_table_name, (coalesce(v_after, v_before) ->> 'id')::uuid, tg_op, v_before, v_after,
        v_ip, nullif(left(current_setting('app.user_agent', true), 1000), '')
    );
    return null;
end
$$;
comment on function trg_fn_audit() is
    'Trigger: writes a change of a row to audit_log, with who acted, from where and with what; an update that changes nothing is none.';
revoke execute on function trg_fn_audit() from public;

create or replace trigger trg_adm_roles_audit
    after insert or update or delete on adm_roles for each row execute function trg_fn_audit();
create or replace trigger trg_adm_users_audit
    after insert or update or delete on adm_users for each row execute function trg_fn_audit();
create or replace trigger trg_adm_moderation_queue_audit
    after insert or update or delete on adm_moderation_queue for each row execute function trg_fn_audit();
create or replace trigger trg_adm_banned_users_audit
    after insert or update or delete on adm_banned_users for each row execute function trg_fn_audit();
create or replace trigger trg_adm_system_settings_audit
    after insert or update or delete on adm_system_settings for each row execute function trg_fn_audit();
create or replace trigger trg_adm_background_jobs_audit
    after insert or update or delete on adm_background_jobs for each row execute function trg_fn_audit();
create or replace trigger trg_usr_verifications_audit
    after insert or update or delete on usr_verifications for each row execute function trg_fn_audit();

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('tags');
call grant_module_privileges('media_uploads');
call grant_module_privileges('saved_searches');
call grant_module_privileges('feedback');
call grant_module_privileges('email_queue');
call grant_module_privileges('audit_log');
