-- 00_extensions.sql: the ground that every other file stands on
--
-- Purpose  extensions, the schema auth, the helpers of the other files, roles and the ledger.
-- Grain    schema_versions: one row per deployed file; auth.users: one row per signed-up person.
-- Needs    PostgreSQL 15 or later and nothing else; the owner of the database is enough, no superuser.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Extensions. Both are trusted: the owner of the database may create them.

create extension if not exists pg_trgm with schema public;
create extension if not exists unaccent with schema public;

-- It counts nothing unless the server loads it at start, and is then known by its settings.
do $statistics$
begin
    if not exists (select from pg_settings where name = 'pg_stat_statements.max') then
        raise warning 'pg_stat_statements is not preloaded by this server: skipped';
        return;
    end if;
    create extension if not exists pg_stat_statements with schema public;
exception
    when insufficient_privilege then
        raise warning 'pg_stat_statements needs a superuser to create it: skipped';
end
$statistics$;

create schema if not exists auth;
comment on schema auth is 'Identities, mirrored from Amazon Cognito; only the application reads it.';

-- ---------------------------------------------------------------------------------------------
-- Helpers of the other files

-- unaccent() itself is only stable, because its dictionary can be replaced. With the dictionary
-- pinned it may stand in generated columns; the schema is written out since a restore has no path.
create or replace function immutable_unaccent(p_text text) returns text
language sql immutable strict parallel safe
as $$ select public.unaccent('public.unaccent'::regdictionary, p_text) $$;
comment on function immutable_unaccent(text) is
    'Text without accents (é becomes e), usable in generated columns and indexes; NULL gives NULL.';

create or replace function update_updated_at_column() returns trigger
language plpgsql
as $$
begin
    new.updated_at := now();
    return new;
end
$$;
comment on function update_updated_at_column() is
    'Trigger: sets updated_at to the time of the transaction. finish_table() attaches it so that only content moves it.';

create or replace procedure finish_table(p_table regclass, variadic p_derived text[] default '{}')
language plpgsql
as $$
declare
    v_name text := (select relname from pg_class where oid = p_table);
    v_content text[] := (
        select array_agg(quote_ident(attname) order by attname)
        from pg_attribute
        where attrelid = p_table and attnum > 0 and not attisdropped and attgenerated = ''
            and attname <> all (p_derived || '{id,created_at,updated_at}'::text[])
            and attname !~ '_count$'
    );
    v_standard record;
begin
    for v_standard in
        select a.attname, d.description
        from (values
            ('id', 'Key of the row.'),
            ('created_at', 'When the row was written.'),
            ('updated_at', 'When the content of the row last changed; counters and derived columns do not move it.'),
            ('display_order', 'Place in lists, small first.'),
            ('is_deleted', 'Whether it was put into the trash; nobody sees it then.'),
            ('deleted_at', 'When it was put into the trash; it is purged 30 days later.')
        ) d (column_name, description)
        join pg_attribute a on a.attrelid = p_table and a.attname = d.column_name
    loop
        execute format('comment on column %s.%I is %L', p_table, v_standard.attname, v_standard.description);
    end loop;

    if exists (select from pg_attribute where attrelid = p_table and attname = 'updated_at') then
        execute format(
            'create or replace trigger %I before update of %s on %s for each row'
            ' when (%s) execute function update_updated_at_column()',
            'trg_' || v_name || '_updated_at', array_to_string(v_content, ', '), p_table,
            -- not (old.a, old.b) is distinct from (new.a, new.b): a dump would write that in another way
            (select string_agg(format('old.%1$s is distinct from new.%1$s', c), ' or ') from unnest(v_content) c)
        );
    end if;
end
$$;
comment on procedure finish_table(regclass, text[]) is
    'Gives a table what all have alike: comments on id, created_at, updated_at, display_order, is_deleted and deleted_at (a'
    ' comment after the call replaces one), and the updated_at trigger'
    ' on its content, which is every column but generated ones, *_count and those named here.';

-- ---------------------------------------------------------------------------------------------
-- Counters. Each one is declared once, beside the table that feeds it; the trigger below keeps it,
-- and recount_all_counters() reads the same declarations back from the catalogue.

create or replace function trg_fn_keep_count() returns trigger
language plpgsql
as $$
declare
    -- parent, its key, the counter, then two expressions over the row r: whose counter, and whether it counts
    c_pick constant text := format('select case when %s then (%s) end from (select ($1).*) r', tg_argv[4], tg_argv[3]);
    v_before uuid;
    v_after uuid;
begin
    if tg_op <> 'INSERT' then
        execute c_pick into v_before using old;
    end if;
    if tg_op <> 'DELETE' then
        execute c_pick into v_after using new;
    end if;
    if v_before is not distinct from v_after then
        return null;
    end if;
    if v_before is not null and v_after is not null then
        -- a move touches two parents: always in the order of their keys, so that two moves cannot wait for each other
        execute format('select from %1$s where %2$I in ($1, $2) order by %2$I for no key update', tg_argv[0], tg_argv[1])
            using v_before, v_after;
    end if;
    execute format('update %s set %2$I = %2$I + case when %3$I = $2 then 1 else -1 end where %3$I in ($1, $2)',
        tg_argv[0], tg_argv[2], tg_argv[1]) using v_before, v_after;
    return null;
end
$$;
comment on function trg_fn_keep_count() is
    'Trigger: keeps one counter of a parent equal to the rows that count for it; keep_count() attaches it. A counter never'
    ' goes below zero: its CHECK refuses. A parent that is gone is no error.';

create or replace procedure keep_count(
    p_child regclass, p_parent regclass, p_counter text, p_key text, p_where text default 'true',
    p_parent_key text default 'id', p_side text default null
)
language plpgsql
as $$
declare
    v_child text := (select relname from pg_class where oid = p_child);
    v_parent text := (select relname from pg_class where oid = p_parent);
    v_long text := concat_ws('_', 'trg', v_child, 'counts', v_parent, p_counter, p_side);
    v_short text := concat_ws('_', 'trg', v_child, 'counts', regexp_replace(p_counter, '_count$', ''), p_side);
    v_trigger text := case when length(v_long) <= 63 then v_long else v_short end;
    v_columns text := (
        select string_agg(distinct quote_ident(match[1]), ', ')
        from regexp_matches(p_key || ' ' || p_where, '\mr\.([a-z_][a-z0-9_]*)', 'g') match
    );
begin
    if length(v_trigger) > 63 then
        raise exception 'trigger name %: longer than 63 characters', v_trigger using errcode = 'name_too_long';
    end if;
    execute format(
        'create or replace trigger %I after insert or delete or update of %s on %s for each row'
        ' execute function trg_fn_keep_count(%L, %L, %L, %L, %L)',
        v_trigger, v_columns, p_child, v_parent, p_parent_key, p_counter, p_key, p_where
    );
end
$$;
comment on procedure keep_count(regclass, regclass, text, text, text, text, text) is
    'Declares a counter: in the parent''s row whose key is p_key, p_counter is the number of rows of p_child for which'
    ' p_where holds. Both are expressions over the row r, as in r.post_id and not r.is_deleted. p_side tells two'
    ' declarations of the same counter apart: their rows add up. The trigger is trg_<child>_counts_<parent>_<counter>, or'
    ' without the parent and without _count where that is too long for a name.';

-- ---------------------------------------------------------------------------------------------
-- Pairs x_type, x_id: a reference to a row of one of several tables, which no foreign key can hold

create or replace function entity_table(p_type text) returns text
language sql immutable strict parallel safe
as $$
    select case p_type
        when 'individual' then 'profiles' when 'profile' then 'profiles'
        when 'business' then 'biz_profiles' when 'organization' then 'org_profiles'
        when 'post' then 'soc_posts' when 'comment' then 'soc_post_comments' when 'message' then 'msg_messages'
        when 'event' then 'evt_events' when 'resource' then 'res_resources'
        when 'job' then 'job_postings' when 'product' then 'mkt_products'
        when 'announcement' then 'org_announcements'
    end
$$;
comment on function entity_table(text) is 'The table of a kind of thing, as post -> soc_posts; NULL for a kind without one.';

create or replace function trg_fn_entity_exists() returns trigger
language plpgsql
as $$
declare
    v_type text;
    v_id uuid;
    v_found int;
begin
    execute format('select ($1).%I, ($1).%I', tg_argv[0] || '_type', tg_argv[0] || '_id') into v_type, v_id using new;
    if v_id is null or entity_table(v_type) is null then
        return null; -- whether that is allowed is for the table's own constraints to say
    end if;
    -- the lock keeps another session from deleting it until this row is there for it to clean up
    execute format('select from %I where id = $1 for key share', entity_table(v_type)) using v_id;
    get diagnostics v_found = row_count;
    if v_found = 0 then
        raise exception '%: there is no % with the id %', tg_argv[0], v_type, v_id
            using errcode = 'foreign_key_violation', constraint = tg_name, table = tg_table_name;
    end if;
    return null;
end
$$;
comment on function trg_fn_entity_exists() is
    'Trigger: what a pair x_type, x_id refers to exists; attach_entity() attaches it.';

create or replace function trg_fn_entity_gone() returns trigger
language plpgsql
as $$
declare
    -- kind of the row that is gone, the table that refers to it, the name of the pair, what to do
    c_referring constant text := format('%I_type = $1 and %1$I_id = $2', tg_argv[2]);
    v_found int;
begin
    case tg_argv[3]
        when 'delete' then
            execute format('delete from %s where ', tg_argv[1]) || c_referring
                using tg_argv[0], old.id;
        when 'soft_delete' then
            execute format('update %s set is_deleted = true, deleted_at = now() where not is_deleted and ', tg_argv[1])
                || c_referring using tg_argv[0], old.id;
        when 'forget' then
            execute format('update %s set %2$I_id = null, %2$I_type = null where ', tg_argv[1], tg_argv[2])
                || c_referring using tg_argv[0], old.id;
        when 'restrict' then
            execute format('select from %s where ', tg_argv[1]) || c_referring || ' limit 1' using tg_argv[0], old.id;
            get diagnostics v_found = row_count;
            if v_found > 0 then
                raise exception '% % cannot be deleted: rows of % refer to it', tg_argv[0], old.id, tg_argv[1]
                    using errcode = 'foreign_key_violation', constraint = tg_name, table = tg_argv[1];
            end if;
    end case;
    return null;
end
$$;
comment on function trg_fn_entity_gone() is
    'Trigger: what referred to a deleted row through a pair x_type, x_id goes too, is marked as deleted, forgets it, or'
    ' forbids the deletion; attach_entity() attaches it.';

create or replace procedure attach_entity(p_table regclass, p_pair text, p_when_gone text, variadic p_types text[])
language plpgsql
as $$
declare
    v_table text := (select relname from pg_class where oid = p_table);
    v_type text;
    v_trigger text;
begin
    if p_when_gone <> all ('{delete,soft_delete,forget,restrict,keep}'::text[]) then
        raise exception 'p_when_gone %: wanted delete, soft_delete, forget, restrict or keep', p_when_gone
            using errcode = 'invalid_parameter_value';
    end if;
    execute format(
        'create or replace trigger %I after insert or update of %I, %I on %s for each row execute function trg_fn_entity_exists(%L)',
        concat_ws('_', 'trg', v_table, p_pair, 'exists'), p_pair || '_type', p_pair || '_id', p_table, p_pair
    );
    if p_when_gone = 'keep' then
        return;
    end if;
    foreach v_type in array p_types loop
        v_trigger := concat_ws('_', 'trg', entity_table(v_type), 'gone', v_table, p_pair);
        if length(v_trigger) > 63 then
            raise exception 'trigger name %: longer than 63 characters', v_trigger using errcode = 'name_too_long';
        end if;
        execute format(
            'create or replace trigger %I after delete on %I for each row execute function trg_fn_entity_gone(%L, %L, %L, %L)',
            v_trigger, entity_table(v_type), v_type, v_table, p_pair, p_when_gone
        );
    end loop;
end
$$;
comment on procedure attach_entity(regclass, text, text, text[]) is
    'Declares a pair x_type, x_id: what it refers to must exist when it is written, and when that is deleted the row is'
    ' deleted (delete), marked (soft_delete), forgets it (forget), forbids it (restrict) or stays (keep: for logs).'
    ' p_types are the kinds with a table, as the CHECK on x_type has them.';

create or replace procedure ensure_materialized_view(
    p_name text, p_query text, p_comment text, variadic p_dependents text[] default '{}'
)
language plpgsql
as $$
declare
    v_mark text := '[definition ' || left(encode(sha256(convert_to(p_query, 'UTF8')), 'hex'), 16) || ']';
    v_view text;
begin
    if coalesce(obj_description(to_regclass(p_name), 'pg_class'), '') not like '%' || v_mark then
        foreach v_view in array p_dependents || p_name loop
            if to_regclass(v_view) is not null then
                execute format('drop materialized view %I', v_view);
            end if;
        end loop;
        execute format('create materialized view %I as %s', p_name, p_query);
    end if;
    execute format('comment on materialized view %I is %L', p_name, p_comment || ' ' || v_mark);
end
$$;
comment on procedure ensure_materialized_view(text, text, text, text[]) is
    'Creates a materialized view, and re-creates it only when its query differs from the one whose hash its comment'
    ' holds. The views that stand on it are named last, outermost first: they are dropped and made again by their own call.';

-- ---------------------------------------------------------------------------------------------
-- Roles. They belong to the cluster, so two databases may make them at the same moment.

do $roles$
declare
    c_tries constant int := 20; -- the other deployment needs one moment; a second is plenty
    v_role text;
    v_right text := case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end;
begin
    foreach v_role in array '{app_ro,app_rw,app_scraper,nec_analyst}'::text[] loop
        for v_try in 1 .. c_tries loop
            begin
                if not exists (select from pg_roles where rolname = v_role) then
                    execute format('create role %I nologin', v_role);
                end if;
                if not pg_has_role(current_user, v_role, v_right) then
                    execute format('grant %I to current_user', v_role);
                end if;
                exit;
            exception
                when duplicate_object or unique_violation or internal_error then
                    -- internal_error is "tuple concurrently updated"
                    if v_try = c_tries then
                        raise;
                    end if;
                    perform pg_sleep(0.05);
                when insufficient_privilege then
                    if exists (select from pg_roles where rolname = v_role) then
                        raise warning 'role % cannot be joined by %: let an administrator grant it', v_role, current_user;
                    else
                        raise warning 'role % cannot be made by %: let an administrator make it, then empty schema_versions'
                            ' and deploy again', v_role, current_user;
                    end if;
                    exit;
            end;
        end loop;
    end loop;
end
$roles$;

create or replace procedure grant_module_privileges(p_module text)
language plpgsql
as $$
declare
    -- Rows here are written once: nobody but the owner changes or removes them.
    c_append_only constant text[] := '{nec_price_revisions,adm_actions_log,org_membership_history}';
    c_owner_only constant text[] := '{schema_versions,audit_log}';
    v_relation record;
    v_grant record;
begin
    for v_relation in
        select c.oid::regclass as name, c.relname, c.relkind in ('r', 'p') as is_table,
            c.relname = any (c_append_only) as is_append_only, c.relname = any (c_owner_only) as is_owner_only
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
            and (c.relname = p_module or starts_with(c.relname, p_module || '_'))
            and pg_has_role(c.relowner, 'usage')
        order by c.relname
    loop
        for v_grant in
            select r.rolname, concat_ws(', ', 'select',
                case
                    when not v_relation.is_table or v_relation.is_owner_only then null
                    when r.rolname not in ('app_rw', 'app_scraper') then null
                    when r.rolname = 'app_scraper' and p_module <> 'nec' then null
                    when v_relation.is_append_only then 'insert'
                    else 'insert, update, delete'
                end) as rights,
                r.rolname in ('app_ro', 'app_rw') or p_module in ('nec', 'ref') as is_reader
            from pg_roles r
            where r.rolname in ('app_ro', 'app_rw', 'app_scraper', 'nec_analyst')
            order by r.rolname
        loop
            execute format('revoke all on %s from %I', v_relation.name, v_grant.rolname);
            if v_grant.is_reader then
                execute format('grant %s on %s to %I', v_grant.rights, v_relation.name, v_grant.rolname);
            end if;
        end loop;
    end loop;
end
$$;
comment on procedure grant_module_privileges(text) is
    'Gives the four roles their rights on the tables and views of one module (a table prefix, or one table''s name):'
    ' app_ro reads, app_rw writes, app_scraper writes nec_ and reads ref_, nec_analyst reads both. Called at the end of'
    ' each file, which then adds what is particular to it.';

-- What the owner creates from now on is open to the application at once; the files then refine it.
do $defaults$
declare
    v_role text;
begin
    for v_role in
        select rolname from pg_roles where rolname in ('app_ro', 'app_rw', 'app_scraper', 'nec_analyst') order by rolname
    loop
        if v_role in ('app_ro', 'app_rw') then
            execute format('alter default privileges in schema public grant select on tables to %I', v_role);
        end if;
        if v_role = 'app_rw' then
            execute format('alter default privileges in schema public grant insert, update, delete on tables to %I', v_role);
            execute format('alter default privileges in schema public grant usage, select on sequences to %I', v_role);
        end if;
        if not has_schema_privilege(v_role, 'public', 'usage') then
            execute format('grant usage on schema public to %I', v_role);
        end if;
        execute format('grant usage on schema auth to %I', v_role);
    end loop;
end
$defaults$;

-- ---------------------------------------------------------------------------------------------
-- The ledger of deployed files

create table if not exists schema_versions (
    file text not null,
    sha256 char(64) not null,
    applied_at timestamptz not null default now(),
    duration_ms int not null default 0,
    applied_by text not null default current_user,
    constraint pk_schema_versions primary key (file),
    constraint ck_schema_versions_file check (file <> ''),
    constraint ck_schema_versions_sha256 check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint ck_schema_versions_duration check (duration_ms >= 0)
);
comment on table schema_versions is
    'One row per deployed file of schema/ and seeds/: which content of it this database has.';
comment on column schema_versions.file is 'Folder and name, as in schema/00_extensions.sql.';
comment on column schema_versions.sha256 is 'Hex digest of the file as it was applied; another digest means: apply again.';
comment on column schema_versions.applied_at is 'When this content was applied.';
comment on column schema_versions.duration_ms is 'How long it took, in milliseconds.';
comment on column schema_versions.applied_by is 'The database role that applied it.';

call grant_module_privileges('schema_versions');

-- The scraper first looks whether the schema is that of its version.
do $ledger_rights$
begin
    if exists (select from pg_roles where rolname = 'app_scraper') then
        grant select on schema_versions to app_scraper;
    end if;
end
$ledger_rights$;

-- ---------------------------------------------------------------------------------------------
-- Identities

create table if not exists auth.users (
    id uuid not null default gen_random_uuid(),
    email text not null,
    email_confirmed_at timestamptz,
    phone_number text,
    phone_confirmed_at timestamptz,
    cognito_sub text,
    cognito_username text,
    provider text not null default 'cognito',
    provider_id text,
    last_sign_in_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_users primary key (id),
    constraint uq_users_cognito_sub unique (cognito_sub),
    constraint ck_users_email check (length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_users_phone_number check (phone_number ~ '[0-9]' and length(phone_number) <= 20),
    constraint ck_users_cognito_sub check (cognito_sub <> ''),
    constraint ck_users_provider check (provider in ('cognito', 'google', 'linkedin')),
    constraint ck_users_provider_id check (provider_id <> '')
);
create unique index if not exists uq_users_email on auth.users (lower(email));
create unique index if not exists uq_users_provider_provider_id on auth.users (provider, provider_id)
    where provider is not null and provider_id is not null;

comment on table auth.users is
    'One row per signed-up person: the mirror of the Cognito user pool. Passwords and tokens stay in Cognito.';
comment on column auth.users.email is 'E-mail address; upper and lower case make no difference.';
comment on column auth.users.email_confirmed_at is 'When Cognito first reported the address as verified; empty if it is not.';
comment on column auth.users.phone_number is 'Phone number as Cognito has it (E.164).';
comment on column auth.users.phone_confirmed_at is 'When Cognito first reported the number as verified; empty if it is not.';
comment on column auth.users.cognito_sub is 'Cognito''s lasting identifier of the person.';
comment on column auth.users.cognito_username is 'Cognito''s user name.';
comment on column auth.users.provider is 'Who vouches for the identity: cognito, google or linkedin.';
comment on column auth.users.provider_id is 'The person''s identifier at that provider.';
comment on column auth.users.last_sign_in_at is 'When the person last signed in.';
call finish_table('auth.users', 'last_sign_in_at');

do $auth_rights$
begin
    if exists (select from pg_roles where rolname = 'app_rw') then
        grant select, insert, update, delete on auth.users to app_rw;
    end if;
end
$auth_rights$;

create or replace function auth.uid() returns uuid
language plpgsql stable parallel restricted
as $$
begin
    return nullif(current_setting('app.current_user_id', true), '')::uuid;
exception
    when invalid_text_representation then
        return null;
end
$$;
comment on function auth.uid() is
    'Who is acting: the setting app.current_user_id, which the API sets for each transaction; NULL if unset or not a uuid.';

create or replace function auth.sync_cognito_user(
    p_sub text, p_email text, p_phone text default null, p_provider text default 'cognito',
    p_attributes jsonb default '{}'
) returns uuid
language plpgsql
as $$
declare
    v_sub text := nullif(btrim(p_sub), '');
    v_email text := nullif(btrim(p_email), '');
    v_phone text := nullif(btrim(p_phone), '');
    v_provider text := coalesce(nullif(lower(btrim(p_provider)), ''), 'cognito');
    v_attributes jsonb := coalesce(p_attributes, '{}');
    v_email_verified timestamptz := case when v_attributes ->> 'email_verified' = 'true' then now() end;
    v_phone_verified timestamptz := case when v_attributes ->> 'phone_number_verified' = 'true' then now() end;
    v_constraint text;
    v_id uuid;
begin
    if v_sub is null or v_email is null then
        raise exception 'a Cognito user needs a sub and an e-mail address' using errcode = 'invalid_parameter_value';
    end if;
    if v_provider not in ('cognito', 'google', 'linkedin') then
        raise exception 'provider %: wanted cognito, google or linkedin', v_provider using errcode = 'invalid_parameter_value';
    end if;

    insert into auth.users as u (
        cognito_sub, email, email_confirmed_at, phone_number, phone_confirmed_at, cognito_username, provider, provider_id
    )
    values (
        v_sub, v_email, v_email_verified, v_phone, case when v_phone is not null then v_phone_verified end,
        v_attributes ->> 'cognito:username', v_provider, nullif(v_attributes ->> 'provider_id', '')
    )
    on conflict (cognito_sub) do update set
        email = excluded.email,
        email_confirmed_at = case
            when lower(u.email) = lower(excluded.email) then coalesce(u.email_confirmed_at, excluded.email_confirmed_at)
            else excluded.email_confirmed_at
        end,
        phone_number = coalesce(excluded.phone_number, u.phone_number),
        phone_confirmed_at = case
            when excluded.phone_number is null or u.phone_number = excluded.phone_number
                then coalesce(u.phone_confirmed_at, excluded.phone_confirmed_at)
            else excluded.phone_confirmed_at
        end,
        cognito_username = coalesce(excluded.cognito_username, u.cognito_username),
        provider = excluded.provider,
        provider_id = coalesce(excluded.provider_id, u.provider_id)
    returning u.id into v_id;
    return v_id;
exception
    when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        if v_constraint = 'uq_users_email' then
            raise exception 'the e-mail address belongs to another Cognito user'
                using errcode = 'unique_violation', constraint = v_constraint, hint = 'link the two identities in Cognito first';
        end if;
        raise;
end
$$;
comment on function auth.sync_cognito_user(text, text, text, text, jsonb) is
    'For the post-confirmation Lambda: writes or updates the mirror of one Cognito user (attributes: email_verified,'
    ' phone_number_verified, cognito:username, provider_id) and gives its id. Calling it again changes nothing; what is'
    ' not given is kept. Raises unique_violation on uq_users_email when another user has the address.';
