-- 50_msg_core.sql: conversations and their messages
--
-- Purpose  direct and group messages, who has read what, reactions.
-- Grain    msg_conversations: one row per conversation; msg_participants: one row per conversation and person;
--          msg_messages: one row per message.
-- Order    each message has a number in its conversation, given under a lock of the conversation's row: a message with a
--          larger number was committed later. Times cannot say that, transactions overlap. What a person has read is a number too.
-- Locks    a message, then the conversation, then its participants; reading, leaving and coming back lock the participant alone.
-- Absent   who is typing: it lasts seconds and lies in the cache, by design.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 40_soc_posts.sql (trg_fn_refuse_change).
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Conversations

create table if not exists msg_conversations (
    id uuid not null default gen_random_uuid(),
    is_group boolean not null default false,
    group_name text,
    group_photo_url text,
    description text,
    direct_key text,
    created_by uuid,
    last_seq_no bigint not null default 0,
    last_message_at timestamptz,
    last_message_preview text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_msg_conversations primary key (id),
    constraint fk_msg_conversations_created_by foreign key (created_by) references profiles (id) on delete set null,
    constraint uq_msg_conversations_direct_key unique (direct_key),
    constraint ck_msg_conversations_group_name check (
        is_group = (group_name is not null) and btrim(group_name) <> '' and length(group_name) <= 100),
    constraint ck_msg_conversations_group_photo check (is_group or group_photo_url is null),
    constraint ck_msg_conversations_group_photo_url
        check (group_photo_url ~ '^https?://[^[:space:]]+$' and length(group_photo_url) <= 2000),
    constraint ck_msg_conversations_description check (length(description) <= 500),
    constraint ck_msg_conversations_direct_key check (
        direct_key is null or (not is_group and direct_key ~ '^[0-9a-f-]{36}:[0-9a-f-]{36}$')),
    constraint ck_msg_conversations_last_seq_no check (last_seq_no >= 0),
    constraint ck_msg_conversations_last_message check ((last_message_at is null) = (last_message_preview is null)),
    constraint ck_msg_conversations_last_message_preview check (length(last_message_preview) <= 200)
);
create index if not exists idx_msg_conversations_created_by on msg_conversations (created_by) where created_by is not null;

comment on table msg_conversations is 'One row per conversation, of two people or of a group. It outlives who began it.';
comment on column msg_conversations.is_group is 'Whether it is a group; else it is for two people at most.';
comment on column msg_conversations.group_name is 'Name of the group; empty exactly where it is none.';
comment on column msg_conversations.group_photo_url is 'Address of the group''s picture.';
comment on column msg_conversations.description is 'What the conversation is about, at most 500 characters.';
comment on column msg_conversations.direct_key is
    'For the one conversation of two people: their ids, the smaller one first, with a colon between; open_direct_conversation() sets it.';
comment on column msg_conversations.created_by is 'Who began it, as long as that profile exists.';
comment on column msg_conversations.last_seq_no is 'Number of its last message, deleted or not; 0 before the first. Kept by a trigger.';
comment on column msg_conversations.last_message_at is
    'When the newest message that is not deleted was sent; a message that arrives late does not move it back. Kept by triggers.';
comment on column msg_conversations.last_message_preview is
    'Beginning of that message, at most 200 characters, or its kind in brackets; kept by triggers.';
call finish_table('msg_conversations', 'last_seq_no', 'last_message_at', 'last_message_preview');

create or replace trigger trg_msg_conversations_kind_is_fixed
    before update of is_group on msg_conversations
    for each row when (old.is_group is distinct from new.is_group)
    execute function trg_fn_refuse_change('whether a conversation is a group');

-- ---------------------------------------------------------------------------------------------
-- Participants

create table if not exists msg_participants (
    id uuid not null default gen_random_uuid(),
    conversation_id uuid not null,
    user_id uuid not null,
    is_admin boolean not null default false,
    is_active boolean not null default true,
    joined_at timestamptz not null default now(),
    left_at timestamptz,
    joined_seq_no bigint not null default 0,
    last_read_seq_no bigint not null default 0,
    last_read_at timestamptz,
    unread_count int not null default 0,
    is_muted boolean not null default false,
    muted_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_msg_participants primary key (id),
    constraint fk_msg_participants_conversation foreign key (conversation_id) references msg_conversations (id) on delete cascade,
    constraint fk_msg_participants_user foreign key (user_id) references profiles (id) on delete cascade,
    constraint uq_msg_participants_conversation_user unique (conversation_id, user_id),
    constraint ck_msg_participants_left check (is_active = (left_at is null)),
    constraint ck_msg_participants_joined_seq_no check (joined_seq_no >= 0),
    constraint ck_msg_participants_last_read_seq_no check (last_read_seq_no >= joined_seq_no),
    constraint ck_msg_participants_unread_count check (unread_count >= 0),
    constraint ck_msg_participants_muted check (is_muted or muted_until is null)
);
create index if not exists idx_msg_participants_user on msg_participants (user_id, conversation_id);
create index if not exists idx_msg_participants_unread on msg_participants (user_id) where unread_count > 0;

comment on table msg_participants is 'One row per conversation and person who takes part in it, or did.';
comment on column msg_participants.conversation_id is 'The conversation.';
comment on column msg_participants.user_id is 'The person.';
comment on column msg_participants.is_admin is 'Whether the person may manage the group.';
comment on column msg_participants.is_active is 'Whether the person takes part now; who left neither writes nor gets unread messages.';
comment on column msg_participants.joined_at is 'When the person joined, or came back.';
comment on column msg_participants.left_at is 'When the person left; empty exactly while active.';
comment on column msg_participants.joined_seq_no is
    'Number of the last message before the person joined or came back; earlier ones are never unread. Kept by a trigger.';
comment on column msg_participants.last_read_seq_no is
    'Messages up to this number are read; it cannot lie before joined_seq_no nor after the last message. mark_messages_as_read() moves it.';
comment on column msg_participants.last_read_at is 'When the person last read; for display only.';
comment on column msg_participants.unread_count is
    'Messages of others after last_read_seq_no that are not deleted for everyone; 0 for who left. Kept by triggers.';
comment on column msg_participants.is_muted is 'Whether new messages are not announced to the person.';
comment on column msg_participants.muted_until is 'Until when; empty if muted without end.';
call finish_table('msg_participants', 'joined_seq_no', 'last_read_seq_no', 'last_read_at');

create or replace trigger trg_msg_participants_is_fixed
    before update of conversation_id, user_id on msg_participants
    for each row when (old.conversation_id is distinct from new.conversation_id or old.user_id is distinct from new.user_id)
    execute function trg_fn_refuse_change('who takes part in which conversation');

-- ---------------------------------------------------------------------------------------------
-- Messages

create table if not exists msg_messages (
    id uuid not null default gen_random_uuid(),
    conversation_id uuid not null,
    seq_no bigint not null,
    sender_id uuid,
    content text,
    type text not null default 'text',
    media_urls text[] not null default '{}',
    reply_to_message_id uuid,
    forwarded_from_message_id uuid,
    delivered_at timestamptz,
    is_deleted boolean not null default false,
    is_deleted_for_everyone boolean not null default false,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_msg_messages primary key (id),
    constraint uq_msg_messages_conversation_seq_no unique (conversation_id, seq_no),
    constraint uq_msg_messages_conversation_id unique (conversation_id, id),
    constraint fk_msg_messages_conversation foreign key (conversation_id) references msg_conversations (id) on delete cascade,
    constraint fk_msg_messages_sender foreign key (sender_id) references profiles (id) on delete set null,
    -- the pair: an answer stands in the same conversation
    constraint fk_msg_messages_reply_to foreign key (conversation_id, reply_to_message_id)
        references msg_messages (conversation_id, id) on delete set null (reply_to_message_id),
    constraint fk_msg_messages_forwarded_from foreign key (forwarded_from_message_id) references msg_messages (id) on delete set null,
    constraint ck_msg_messages_seq_no check (seq_no >= 1),
    constraint ck_msg_messages_content check (length(content) <= 5000),
    constraint ck_msg_messages_has_content check (
        type not in ('text', 'system') or is_deleted_for_everyone or (content is not null and btrim(content) <> '')),
    constraint ck_msg_messages_type check (
        type in ('text', 'image', 'video', 'document', 'audio', 'location', 'contact', 'system')),
    constraint ck_msg_messages_reply_to check (reply_to_message_id <> id),
    constraint ck_msg_messages_forwarded_from check (forwarded_from_message_id <> id),
    constraint ck_msg_messages_deleted check (is_deleted = (deleted_at is not null)),
    constraint ck_msg_messages_deleted_for_everyone check (is_deleted or not is_deleted_for_everyone)
);
create index if not exists idx_msg_messages_newest on msg_messages (conversation_id, created_at desc, seq_no desc) where not is_deleted;
create index if not exists idx_msg_messages_sender on msg_messages (sender_id) where sender_id is not null;
create index if not exists idx_msg_messages_reply_to on msg_messages (reply_to_message_id, conversation_id)
    where reply_to_message_id is not null;
create index if not exists idx_msg_messages_forwarded_from on msg_messages (forwarded_from_message_id)
    where forwarded_from_message_id is not null;
create index if not exists idx_msg_messages_deleted on msg_messages (deleted_at) where is_deleted;

comment on table msg_messages is 'One row per message. It outlives its sender.';
comment on column msg_messages.conversation_id is 'The conversation; it cannot be changed.';
comment on column msg_messages.seq_no is 'Its number in the conversation, from 1; given by a trigger, rising in the order of commits, with gaps.';
comment on column msg_messages.sender_id is 'Who wrote it, as long as that profile exists; empty for the system.';
comment on column msg_messages.content is 'Its text, at most 5000 characters; a message of another kind may go without.';
comment on column msg_messages.type is 'text, image, video, document, audio, location, contact or system (as in: Asha has joined).';
comment on column msg_messages.media_urls is 'Addresses of what is sent along.';
comment on column msg_messages.reply_to_message_id is 'The message of the same conversation that it answers.';
comment on column msg_messages.forwarded_from_message_id is 'The message that it passes on, from whichever conversation.';
comment on column msg_messages.delivered_at is 'When it first reached a device of somebody else.';
comment on column msg_messages.is_deleted_for_everyone is 'Whether nobody sees it any more; it is not unread then either.';
call finish_table('msg_messages', 'seq_no', 'delivered_at');
comment on column msg_messages.is_deleted is
    'Whether it was deleted: it stands in no preview. Others still see it unless it is deleted for everyone.';
comment on column msg_messages.created_at is
    'When it was sent; a client that was offline may give an earlier time, never a later one than now.';

create or replace trigger trg_msg_messages_is_fixed
    before update of conversation_id, seq_no on msg_messages
    for each row when (old.conversation_id is distinct from new.conversation_id or old.seq_no is distinct from new.seq_no)
    execute function trg_fn_refuse_change('the place of a message in its conversation');

-- ---------------------------------------------------------------------------------------------
-- Joining, leaving, reading

create or replace function trg_fn_participant_joins() returns trigger
language plpgsql
as $$
declare
    v_is_group boolean;
    v_last bigint;
begin
    -- The lock makes this person see every message that is not theirs to count, and be seen by every later one.
    select c.is_group, c.last_seq_no into v_is_group, v_last
    from msg_conversations c where c.id = new.conversation_id for no key update;
    if not found then
        return new; -- the foreign key will refuse the row in its own words
    end if;
    if not v_is_group and (
        select count(*) from msg_participants p where p.conversation_id = new.conversation_id and p.user_id <> new.user_id
    ) >= 2 then
        raise exception 'conversation %: it is between two people', new.conversation_id
            using errcode = 'check_violation', constraint = 'ck_msg_participants_two', table = tg_table_name;
    end if;
    new.joined_seq_no := v_last;
    new.last_read_seq_no := v_last;
    new.unread_count := 0;
    if not new.is_active then
        new.left_at := coalesce(new.left_at, now());
    end if;
    return new;
end
$$;
comment on function trg_fn_participant_joins() is
    'Trigger: who joins begins after the last message; a conversation that is no group takes two people.';
create or replace trigger trg_msg_participants_joins
    before insert on msg_participants
    for each row execute function trg_fn_participant_joins();

create or replace function msg_unread_count(p_conversation uuid, p_user uuid, p_read_seq_no bigint) returns int
language sql stable parallel safe
as $$
    select count(*)::int from msg_messages m
    where m.conversation_id = p_conversation and m.seq_no > p_read_seq_no
        and m.sender_id is distinct from p_user and not m.is_deleted_for_everyone
$$;
comment on function msg_unread_count(uuid, uuid, bigint) is
    'How many messages of a conversation are unread for a person who has read up to a number: those of others after it that'
    ' are not deleted for everyone.';

-- No lock of the conversation here: a message that is being written in another session has a larger number, and waits for
-- this person's row in order to count there.
create or replace function trg_fn_participant_reads() returns trigger
language plpgsql
as $$
declare
    v_last bigint := (select c.last_seq_no from msg_conversations c where c.id = new.conversation_id);
begin
    new.joined_seq_no := old.joined_seq_no;
    if new.is_active and old.is_active then
        new.last_read_seq_no := least(new.last_read_seq_no, v_last);
    else
        new.last_read_seq_no := v_last;
    end if;
    if new.is_active and not old.is_active then
        new.joined_seq_no := v_last;
        new.joined_at := case when new.joined_at is distinct from old.joined_at then new.joined_at else now() end;
        new.left_at := null;
    elsif not new.is_active then
        new.left_at := coalesce(new.left_at, now());
    end if;
    new.unread_count := msg_unread_count(new.conversation_id, new.user_id, new.last_read_seq_no);
    return new;
end
$$;
comment on function trg_fn_participant_reads() is
    'Trigger: counts anew what is unread when a person reads, leaves or comes back; who leaves or comes back has nothing unread.';
create or replace trigger trg_msg_participants_reads
    before update of is_active, joined_seq_no, last_read_seq_no on msg_participants
    for each row when (
        old.is_active is distinct from new.is_active or old.joined_seq_no is distinct from new.joined_seq_no
        or old.last_read_seq_no is distinct from new.last_read_seq_no
    )
    execute function trg_fn_participant_reads();

-- ---------------------------------------------------------------------------------------------
-- Writing and deleting

create or replace function trg_fn_message_is_numbered() returns trigger
language plpgsql
as $$
begin
    update msg_conversations c set last_seq_no = c.last_seq_no + 1
    where c.id = new.conversation_id
    returning c.last_seq_no into new.seq_no;
    if not found then
        new.seq_no := 1; -- the foreign key will refuse the row in its own words
        return new;
    end if;
    if new.sender_id is null and new.type <> 'system' then
        raise exception 'a message that is not of the system needs a sender'
            using errcode = 'check_violation', constraint = 'ck_msg_messages_sender', table = tg_table_name;
    end if;
    perform from msg_participants p
    where p.conversation_id = new.conversation_id and p.user_id = new.sender_id and p.is_active
    for share;
    if not found and new.sender_id is not null then
        raise exception 'sender %: not an active participant of the conversation %', new.sender_id, new.conversation_id
            using errcode = 'check_violation', constraint = 'ck_msg_messages_sender', table = tg_table_name;
    end if;
    -- now() is when the transaction began, and another one may have written since
    if new.created_at >= now() then
        new.created_at := clock_timestamp();
    end if;
    return new;
end
$$;
comment on function trg_fn_message_is_numbered() is
    'Trigger: gives a message its number under a lock of the conversation, and refuses one from who does not take part.';
create or replace trigger trg_msg_messages_numbered
    before insert on msg_messages
    for each row execute function trg_fn_message_is_numbered();

create or replace function trg_fn_message_sender() returns trigger
language plpgsql
as $$
begin
    if new.sender_id is not null or exists (select from profiles p where p.id = old.sender_id) then
        raise exception 'message %: its sender cannot be changed', old.id
            using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
    end if;
    return new;
end
$$;
comment on function trg_fn_message_sender() is 'Trigger: a message keeps its sender until that profile is gone.';
create or replace trigger trg_msg_messages_sender_is_fixed
    before update of sender_id on msg_messages
    for each row when (old.sender_id is distinct from new.sender_id)
    execute function trg_fn_message_sender();

create or replace function msg_preview(p_type text, p_content text) returns text
language sql immutable parallel safe
as $$ select left(coalesce(nullif(btrim(p_content), ''), '[' || p_type || ']'), 200) $$;
comment on function msg_preview(text, text) is
    'What stands for a message in the list of conversations: its first 200 characters, or its kind in brackets.';

create or replace function trg_fn_message_arrives() returns trigger
language plpgsql
as $$
begin
    -- For who has left, it counts as read at once: were it not, it would be unread when they come back.
    update msg_participants p
    set unread_count = p.unread_count + (p.is_active and not new.is_deleted_for_everyone)::int,
        last_read_seq_no = case when p.is_active then p.last_read_seq_no else new.seq_no end
    where p.conversation_id = new.conversation_id and p.user_id is distinct from new.sender_id;

    if not new.is_deleted then
        update msg_conversations c
        set last_message_at = new.created_at, last_message_preview = msg_preview(new.type, new.content)
        where c.id = new.conversation_id and (c.last_message_at is null or c.last_message_at <= new.created_at);
    end if;
    return null;
end
$$;
comment on function trg_fn_message_arrives() is
    'Trigger: a new message is unread for everybody else who takes part, and stands in the list of conversations if it is the newest.';
create or replace trigger trg_msg_messages_arrives
    after insert on msg_messages
    for each row execute function trg_fn_message_arrives();

create or replace function trg_fn_message_changes() returns trigger
language plpgsql
as $$
declare
    v_was_there boolean := not old.is_deleted_for_everyone;
    v_is_there boolean := tg_op = 'UPDATE' and not new.is_deleted_for_everyone;
begin
    -- first the lock, then the question: another session may delete the next newest message
    perform from msg_conversations c where c.id = old.conversation_id for no key update;
    if not found then
        return null; -- the whole conversation goes
    end if;
    if v_was_there <> v_is_there then
        update msg_participants p
        set unread_count = p.unread_count + case when v_is_there then 1 else -1 end
        where p.conversation_id = old.conversation_id and p.last_read_seq_no < old.seq_no
            and p.user_id is distinct from old.sender_id;
    end if;
    update msg_conversations c
    set last_message_at = n.created_at, last_message_preview = msg_preview(n.type, n.content)
    from (select) one
    left join lateral (
        select m.created_at, m.type, m.content
        from msg_messages m
        where m.conversation_id = old.conversation_id and not m.is_deleted
        order by m.created_at desc, m.seq_no desc
        limit 1
    ) n on true
    where c.id = old.conversation_id;
    return null;
end
$$;
comment on function trg_fn_message_changes() is
    'Trigger: a deleted message is unread for nobody and leaves the list of conversations to the newest one before it; one that'
    ' is edited or comes back is shown anew.';
create or replace trigger trg_msg_messages_changes
    after update of content, type, is_deleted, is_deleted_for_everyone, created_at on msg_messages
    for each row when (
        old.content is distinct from new.content or old.type is distinct from new.type
        or old.is_deleted is distinct from new.is_deleted
        or old.is_deleted_for_everyone is distinct from new.is_deleted_for_everyone
        or old.created_at is distinct from new.created_at
    )
    execute function trg_fn_message_changes();
create or replace trigger trg_msg_messages_goes
    after delete on msg_messages
    for each row execute function trg_fn_message_changes();

-- ---------------------------------------------------------------------------------------------
-- Reactions and receipts

create table if not exists msg_reactions (
    id uuid not null default gen_random_uuid(),
    message_id uuid not null,
    user_id uuid not null,
    reaction text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_msg_reactions primary key (id),
    constraint fk_msg_reactions_message foreign key (message_id) references msg_messages (id) on delete cascade,
    constraint fk_msg_reactions_user foreign key (user_id) references profiles (id) on delete cascade,
    constraint uq_msg_reactions_message_user unique (message_id, user_id),
    constraint ck_msg_reactions_reaction check (reaction in ('like', 'love', 'laugh', 'wow', 'sad', 'angry'))
);
create index if not exists idx_msg_reactions_user on msg_reactions (user_id);

comment on table msg_reactions is 'One row per message and person who reacted to it.';
comment on column msg_reactions.message_id is 'The message.';
comment on column msg_reactions.user_id is 'The person.';
comment on column msg_reactions.reaction is 'like, love, laugh, wow, sad or angry.';
call finish_table('msg_reactions');

create table if not exists msg_read_receipts (
    id uuid not null default gen_random_uuid(),
    message_id uuid not null,
    user_id uuid not null,
    read_at timestamptz not null default now(),
    constraint pk_msg_read_receipts primary key (id),
    constraint fk_msg_read_receipts_message foreign key (message_id) references msg_messages (id) on delete cascade,
    constraint fk_msg_read_receipts_user foreign key (user_id) references profiles (id) on delete cascade,
    constraint uq_msg_read_receipts_message_user unique (message_id, user_id)
);
create index if not exists idx_msg_read_receipts_user on msg_read_receipts (user_id);

comment on table msg_read_receipts is 'One row per message and other person who has read it; mark_messages_as_read() writes it.';
comment on column msg_read_receipts.message_id is 'The message.';
comment on column msg_read_receipts.user_id is 'Who has read it.';
comment on column msg_read_receipts.read_at is 'When.';
call finish_table('msg_read_receipts');

-- ---------------------------------------------------------------------------------------------
-- What the application calls

create or replace function open_direct_conversation(p_user uuid, p_other uuid) returns uuid
language plpgsql strict
as $$
declare
    v_key text := least(p_user, p_other) || ':' || greatest(p_user, p_other);
    v_id uuid;
begin
    if p_user = p_other then
        raise exception 'user %: a direct conversation needs two people', p_user using errcode = 'invalid_parameter_value';
    end if;
    insert into msg_conversations (direct_key, created_by) values (v_key, p_user)
    on conflict (direct_key) do nothing
    returning id into v_id;
    if v_id is null then
        select c.id into v_id from msg_conversations c where c.direct_key = v_key;
    end if;
    insert into msg_participants (conversation_id, user_id)
    select v_id, u from unnest(array[p_user, p_other]) u order by u
    on conflict (conversation_id, user_id) do update set is_active = true where not msg_participants.is_active;
    return v_id;
end
$$;
comment on function open_direct_conversation(uuid, uuid) is
    'The one conversation of two people, made if there is none; both take part in it, again if one had left. Missing ids give'
    ' NULL; raises invalid_parameter_value for one and the same person and foreign_key_violation for an unknown one.';

create or replace function mark_messages_as_read(p_conversation uuid, p_user uuid) returns int
language plpgsql
as $$
declare
    v_read bigint;
    v_last bigint;
    v_rows int;
begin
    select p.last_read_seq_no, c.last_seq_no into v_read, v_last
    from msg_participants p
    join msg_conversations c on c.id = p.conversation_id
    where p.conversation_id = p_conversation and p.user_id = p_user and p.is_active;
    if not found then
        return 0;
    end if;

    -- The messages before the participant: that is the order of locks in which a message is deleted.
    insert into msg_read_receipts (message_id, user_id)
    select m.id, p_user
    from msg_messages m
    where m.conversation_id = p_conversation and m.seq_no > v_read and m.seq_no <= v_last
        and m.sender_id is distinct from p_user and not m.is_deleted_for_everyone
    for key share
    on conflict (message_id, user_id) do nothing;
    get diagnostics v_rows = row_count;

    -- A message that came in meanwhile has a larger number and stays unread.
    update msg_participants p set last_read_seq_no = greatest(p.last_read_seq_no, v_last), last_read_at = now()
    where p.conversation_id = p_conversation and p.user_id = p_user and p.is_active;
    return v_rows;
end
$$;
comment on function mark_messages_as_read(uuid, uuid) is
    'Marks everything in a conversation as read by a person, with a receipt for each message of another that is read now, and'
    ' gives how many those are; 0 for somebody who does not take part.';

create or replace function recount_unread_counts() returns bigint
language plpgsql
as $$
declare
    v_participant uuid;
    v_changed bigint := 0;
    v_rows int;
begin
    for v_participant in
        select p.id from msg_participants p
        where p.unread_count <> msg_unread_count(p.conversation_id, p.user_id, p.last_read_seq_no)
        order by p.id
    loop
        -- counted again under a lock of the row: messages may have come in meanwhile
        perform from msg_participants p where p.id = v_participant for no key update;
        update msg_participants p
        set unread_count = msg_unread_count(p.conversation_id, p.user_id, p.last_read_seq_no)
        where p.id = v_participant and p.unread_count <> msg_unread_count(p.conversation_id, p.user_id, p.last_read_seq_no);
        get diagnostics v_rows = row_count;
        v_changed := v_changed + v_rows;
    end loop;
    return v_changed;
end
$$;
comment on function recount_unread_counts() is
    'Counts msg_participants.unread_count anew and gives how many rows were wrong: 0 unless triggers were off.';

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('msg');
