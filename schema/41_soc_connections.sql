-- 41_soc_connections.sql: who knows, follows and blocks whom
--
-- Purpose  the network: connections between people, follows, blocks, and suggestions of people to connect with.
-- Grain    soc_connections: one row per pair of people, whoever asked; the others: one row per direction.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 10_usr_core.sql, 20_biz_core.sql, 30_org_core.sql, 40_soc_posts.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Connections

create table if not exists soc_connections (
    id uuid not null default gen_random_uuid(),
    profile_id_1 uuid not null,
    profile_id_2 uuid not null,
    status text not null default 'pending',
    requested_by uuid not null,
    requested_at timestamptz not null default now(),
    responded_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_soc_connections primary key (id),
    constraint fk_soc_connections_profile_1 foreign key (profile_id_1) references profiles (id) on delete cascade,
    constraint fk_soc_connections_profile_2 foreign key (profile_id_2) references profiles (id) on delete cascade,
    constraint uq_soc_connections_pair unique (profile_id_1, profile_id_2),
    constraint ck_soc_connections_pair check (profile_id_1 < profile_id_2),
    constraint ck_soc_connections_status check (status in ('pending', 'accepted', 'declined')),
    constraint ck_soc_connections_requested_by check (requested_by in (profile_id_1, profile_id_2)),
    constraint ck_soc_connections_responded check ((status = 'pending') = (responded_at is null))
);
create index if not exists idx_soc_connections_profile_2 on soc_connections (profile_id_2, profile_id_1);
create index if not exists idx_soc_connections_responded on soc_connections (responded_at) where status = 'accepted';

comment on table soc_connections is
    'One row per pair of people of whom one asked the other to connect. Blocks are not here but in soc_blocks.';
comment on column soc_connections.profile_id_1 is 'The person of the two with the smaller id.';
comment on column soc_connections.profile_id_2 is 'The person of the two with the larger id.';
comment on column soc_connections.status is 'pending, accepted or declined; only accepted ones count and show.';
comment on column soc_connections.requested_by is 'Which of the two asked.';
comment on column soc_connections.requested_at is 'When it was asked.';
comment on column soc_connections.responded_at is
    'When the other one accepted or declined; empty exactly while pending. A trigger fills it unless the statement does.';
call finish_table('soc_connections');

create or replace function trg_fn_connection_answered() returns trigger
language plpgsql
as $$
begin
    if new.status = 'pending' then
        new.responded_at := null;
    elsif tg_op = 'INSERT' then
        new.responded_at := coalesce(new.responded_at, now());
    elsif new.responded_at is null
        or (new.status <> old.status and new.responded_at is not distinct from old.responded_at)
    then
        new.responded_at := now();
    end if;
    return new;
end
$$;
comment on function trg_fn_connection_answered() is
    'Trigger: notes when a request to connect was answered; a request that is pending again has no answer.';
create or replace trigger trg_soc_connections_answered
    before insert or update of status, responded_at on soc_connections
    for each row execute function trg_fn_connection_answered();

-- The smaller id first, as in all that locks two profiles.
call keep_count('soc_connections', 'profiles', 'connections_count', 'r.profile_id_1', 'r.status = ''accepted''', 'id', '1');
call keep_count('soc_connections', 'profiles', 'connections_count', 'r.profile_id_2', 'r.status = ''accepted''', 'id', '2');
call keep_profile_derived('soc_connections', 'r.profile_id_1; r.profile_id_2', '{status}');

-- ---------------------------------------------------------------------------------------------
-- Follows

create table if not exists soc_follows (
    id uuid not null default gen_random_uuid(),
    follower_type text not null,
    follower_id uuid not null,
    following_type text not null,
    following_id uuid not null,
    created_at timestamptz not null default now(),
    constraint pk_soc_follows primary key (id),
    constraint uq_soc_follows_pair unique (follower_type, follower_id, following_type, following_id),
    constraint ck_soc_follows_follower_type check (follower_type in ('individual', 'business', 'organization')),
    constraint ck_soc_follows_following_type check (following_type in ('individual', 'business', 'organization')),
    constraint ck_soc_follows_not_itself check (follower_id <> following_id or follower_type <> following_type)
);
create index if not exists idx_soc_follows_following on soc_follows (following_type, following_id, created_at desc);

comment on table soc_follows is 'One row per follower and what it follows: people, businesses and organizations follow each other.';
comment on column soc_follows.follower_type is 'Who follows: individual, business or organization.';
comment on column soc_follows.follower_id is 'That person, business or organization.';
comment on column soc_follows.following_type is 'What is followed: individual, business or organization.';
comment on column soc_follows.following_id is 'That person, business or organization.';
call finish_table('soc_follows');

call attach_entity('soc_follows', 'follower', 'delete', 'individual', 'business', 'organization');
call attach_entity('soc_follows', 'following', 'delete', 'individual', 'business', 'organization');

create or replace trigger trg_soc_follows_both_sides
    after insert or delete on soc_follows
    for each row execute function trg_fn_lock_both('profiles', 'id',
        'case when r.follower_type = ''individual'' then r.follower_id end',
        'case when r.following_type = ''individual'' then r.following_id end');
call keep_count('soc_follows', 'profiles', 'following_count', 'r.follower_id', 'r.follower_type = ''individual''');
call keep_count('soc_follows', 'profiles', 'followers_count', 'r.following_id', 'r.following_type = ''individual''');
call keep_count('soc_follows', 'biz_profiles', 'followers_count', 'r.following_id', 'r.following_type = ''business''');
call keep_count('soc_follows', 'org_profiles', 'followers_count', 'r.following_id', 'r.following_type = ''organization''');

-- ---------------------------------------------------------------------------------------------
-- Suggestions

create table if not exists soc_connection_suggestions (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    suggested_profile_id uuid not null,
    reason text not null,
    score numeric(3, 2) not null default 0,
    status text not null default 'pending',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_soc_connection_suggestions primary key (id),
    constraint fk_soc_connection_suggestions_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_soc_connection_suggestions_suggested foreign key (suggested_profile_id) references profiles (id) on delete cascade,
    constraint uq_soc_connection_suggestions_pair unique (profile_id, suggested_profile_id),
    constraint ck_soc_connection_suggestions_not_oneself check (profile_id <> suggested_profile_id),
    constraint ck_soc_connection_suggestions_reason check (
        reason in ('mutual_connections', 'same_location', 'same_role', 'same_business_type', 'algorithm')),
    constraint ck_soc_connection_suggestions_score check (score between 0 and 1),
    constraint ck_soc_connection_suggestions_status check (status in ('pending', 'accepted', 'dismissed'))
);
create index if not exists idx_soc_connection_suggestions_suggested on soc_connection_suggestions (suggested_profile_id);
create index if not exists idx_soc_connection_suggestions_pending on soc_connection_suggestions (profile_id, score desc)
    where status = 'pending';

comment on table soc_connection_suggestions is 'One row per person and other person whom to connect with.';
comment on column soc_connection_suggestions.profile_id is 'To whom it is suggested.';
comment on column soc_connection_suggestions.suggested_profile_id is 'Whom it suggests.';
comment on column soc_connection_suggestions.reason is
    'mutual_connections, same_location, same_role, same_business_type or algorithm (another reckoning).';
comment on column soc_connection_suggestions.score is 'How well the two fit, 0 to 1, the best is 1.';
comment on column soc_connection_suggestions.status is 'pending, accepted (a request was sent) or dismissed (not to be shown again).';
call finish_table('soc_connection_suggestions');

-- ---------------------------------------------------------------------------------------------
-- Blocks

create table if not exists soc_blocks (
    id uuid not null default gen_random_uuid(),
    blocker_id uuid not null,
    blocked_id uuid not null,
    reason text,
    created_at timestamptz not null default now(),
    constraint pk_soc_blocks primary key (id),
    constraint fk_soc_blocks_blocker foreign key (blocker_id) references profiles (id) on delete cascade,
    constraint fk_soc_blocks_blocked foreign key (blocked_id) references profiles (id) on delete cascade,
    constraint uq_soc_blocks_blocker_blocked unique (blocker_id, blocked_id),
    constraint ck_soc_blocks_not_oneself check (blocker_id <> blocked_id),
    constraint ck_soc_blocks_reason check (btrim(reason) <> '' and length(reason) <= 500)
);
create index if not exists idx_soc_blocks_blocked on soc_blocks (blocked_id, blocker_id);

comment on table soc_blocks is
    'One row per person and other person whom they block. Neither sees the other; what joined the two is removed.';
comment on column soc_blocks.blocker_id is 'Who blocks.';
comment on column soc_blocks.blocked_id is 'Who is blocked, and is not told.';
comment on column soc_blocks.reason is 'Why, in the blocker''s words, at most 500 characters.';
call finish_table('soc_blocks');

create or replace function trg_fn_block_parts() returns trigger
language plpgsql
as $$
begin
    delete from soc_connections
    where profile_id_1 = least(new.blocker_id, new.blocked_id) and profile_id_2 = greatest(new.blocker_id, new.blocked_id);
    delete from soc_follows
    where follower_type = 'individual' and following_type = 'individual'
        and ((follower_id = new.blocker_id and following_id = new.blocked_id)
            or (follower_id = new.blocked_id and following_id = new.blocker_id));
    delete from soc_connection_suggestions
    where (profile_id = new.blocker_id and suggested_profile_id = new.blocked_id)
        or (profile_id = new.blocked_id and suggested_profile_id = new.blocker_id);
    return null;
end
$$;
comment on function trg_fn_block_parts() is
    'Trigger: a block removes the connection, the follows and the suggestions between the two, whichever way they go.';
create or replace trigger trg_soc_blocks_part
    after insert or update of blocker_id, blocked_id on soc_blocks
    for each row execute function trg_fn_block_parts();

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('soc');
