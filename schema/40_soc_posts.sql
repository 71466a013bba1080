-- 40_soc_posts.sql: posts, and what people do with them
--
-- Purpose  the feed: posts, likes, comments, bookmarks, reports and votes in polls, with their counters.
-- Grain    soc_posts: one row per post; the others: one row per act of a person on a post or on a comment.
-- Words    author: the person, business or organization (author_type, author_id) in whose name a post stands.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 10_usr_core.sql, 20_biz_core.sql, 30_org_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Helpers of this file and of the next ones

create or replace function trg_fn_refuse_change() returns trigger
language plpgsql
as $$
begin
    raise exception '%: % cannot be changed', tg_table_name, tg_argv[0]
        using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
end
$$;
comment on function trg_fn_refuse_change() is
    'Trigger: refuses the update that its WHEN clause describes; the argument names what stays as it is.';

create or replace function trg_fn_lock_both() returns trigger
language plpgsql
as $$
declare
    -- parent, its key, then two expressions over the row r: the two rows of the parent that its counters will change
    c_lock constant text := format(
        'select from %1$I where %2$I in (select unnest(array[%3$s, %4$s]) from (select ($1).*) r) order by %2$I for no key update',
        tg_argv[0], tg_argv[1], tg_argv[2], tg_argv[3]
    );
begin
    if tg_op = 'INSERT' then
        execute c_lock using new;
    else
        execute c_lock using old;
    end if;
    return null;
end
$$;
comment on function trg_fn_lock_both() is
    'Trigger: locks the two rows that a row counts for, in the order of their keys, before its counters are kept. Else two'
    ' people who like or follow each other at the same moment would wait for each other.';

-- ---------------------------------------------------------------------------------------------
-- Posts

create table if not exists soc_posts (
    id uuid not null default gen_random_uuid(),
    author_type text not null,
    author_id uuid not null,
    content text,
    post_type text not null default 'text',
    media_urls text[] not null default '{}',
    media_metadata jsonb not null default '{}',
    poll_options jsonb,
    poll_ends_at timestamptz,
    shared_post_id uuid,
    visibility text not null default 'public',
    likes_count int not null default 0,
    comments_count int not null default 0,
    shares_count int not null default 0,
    views_count int not null default 0,
    is_flagged boolean not null default false,
    is_deleted boolean not null default false,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    search tsvector generated always as (
        setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(content), '')), 'A')
    ) stored,
    constraint pk_soc_posts primary key (id),
    constraint fk_soc_posts_shared_post foreign key (shared_post_id) references soc_posts (id) on delete set null,
    constraint ck_soc_posts_author_type check (author_type in ('individual', 'business', 'organization')),
    constraint ck_soc_posts_content check (length(content) <= 5000),
    constraint ck_soc_posts_has_content check (
        post_type not in ('text', 'poll', 'article') or (content is not null and btrim(content) <> '')),
    constraint ck_soc_posts_post_type check (post_type in ('text', 'image', 'video', 'poll', 'article', 'shared')),
    constraint ck_soc_posts_media_metadata check (jsonb_typeof(media_metadata) = 'object'),
    constraint ck_soc_posts_poll check ((post_type = 'poll') = (poll_options is not null)),
    constraint ck_soc_posts_poll_options check (case
        when jsonb_typeof(poll_options) <> 'array' then false
        else jsonb_array_length(poll_options) >= 2
            and not jsonb_path_exists(poll_options, '$[*] ? (@.type() != "string" || @ == "")') end),
    constraint ck_soc_posts_poll_ends check (poll_ends_at is null or post_type = 'poll'),
    constraint ck_soc_posts_shared_post check (shared_post_id is null or (post_type = 'shared' and shared_post_id <> id)),
    constraint ck_soc_posts_visibility check (visibility in ('public', 'connections', 'private')),
    constraint ck_soc_posts_likes_count check (likes_count >= 0),
    constraint ck_soc_posts_comments_count check (comments_count >= 0),
    constraint ck_soc_posts_shares_count check (shares_count >= 0),
    constraint ck_soc_posts_views_count check (views_count >= 0),
    constraint ck_soc_posts_deleted check (is_deleted = (deleted_at is not null))
);
create index if not exists idx_soc_posts_author on soc_posts (author_type, author_id, created_at desc) where not is_deleted;
create index if not exists idx_soc_posts_public on soc_posts (created_at desc) where visibility = 'public' and not is_deleted;
create index if not exists idx_soc_posts_shared_post on soc_posts (shared_post_id) where shared_post_id is not null;
create index if not exists idx_soc_posts_deleted on soc_posts (deleted_at) where is_deleted;
create index if not exists fts_soc_posts_search on soc_posts using gin (search);

comment on table soc_posts is 'One row per post. Whose author is deleted goes into the trash.';
comment on column soc_posts.author_type is 'In whose name it stands: individual, business or organization.';
comment on column soc_posts.author_id is 'That person, business or organization; it cannot be changed.';
comment on column soc_posts.content is 'Its text, at most 5000 characters; pictures, videos and shares may go without.';
comment on column soc_posts.post_type is 'text, image, video, poll, article or shared (passes another post on).';
comment on column soc_posts.media_urls is 'Addresses of its pictures and videos, in the order in which they are shown.';
comment on column soc_posts.media_metadata is 'What is known about the media, as width, height and duration: a JSON object.';
comment on column soc_posts.poll_options is
    'The choices of a poll: a JSON array of two or more texts. Fixed once somebody has voted; votes lie in soc_poll_votes.';
comment on column soc_posts.poll_ends_at is 'When the poll closes; empty if it stays open.';
comment on column soc_posts.shared_post_id is 'The post that it passes on; empty once that is purged.';
comment on column soc_posts.visibility is
    'Who sees it: public; connections of the author (followers, of a business or organization); private, the author alone.';
comment on column soc_posts.likes_count is 'People who like it; kept by triggers.';
comment on column soc_posts.comments_count is 'Comments that are not deleted; kept by triggers.';
comment on column soc_posts.shares_count is 'Posts that share it and are not deleted; kept by triggers.';
comment on column soc_posts.views_count is 'How often it was opened; raised by track_view().';
comment on column soc_posts.is_flagged is 'Whether a report about it is pending; kept by a trigger.';
comment on column soc_posts.search is 'Words of the text without accents, for full-text search.';
call finish_table('soc_posts', 'is_flagged');

call attach_entity('soc_posts', 'author', 'soft_delete', 'individual', 'business', 'organization');
call keep_count('soc_posts', 'usr_stats', 'posts_count',
    'r.author_id', 'r.author_type = ''individual'' and not r.is_deleted', 'profile_id');
call keep_count('soc_posts', 'biz_stats', 'posts_count',
    'r.author_id', 'r.author_type = ''business'' and not r.is_deleted', 'business_id');
call keep_count('soc_posts', 'org_stats', 'posts_count',
    'r.author_id', 'r.author_type = ''organization'' and not r.is_deleted', 'organization_id');
call keep_count('soc_posts', 'soc_posts', 'shares_count', 'r.shared_post_id', 'not r.is_deleted');
call keep_profile_derived('soc_posts', 'case when r.author_type = ''individual'' then r.author_id end', '{is_deleted}');

-- The likes that an author has received are found through the post.
create or replace trigger trg_soc_posts_author_is_fixed
    before update of author_type, author_id on soc_posts
    for each row when (old.author_type is distinct from new.author_type or old.author_id is distinct from new.author_id)
    execute function trg_fn_refuse_change('the author of a post');

create or replace trigger trg_soc_posts_undelete
    after update of is_deleted on soc_posts
    for each row when (old.is_deleted and not new.is_deleted)
    execute function trg_fn_entity_exists('author');

-- Not a CHECK: a share outlives the post that it passes on.
create or replace function trg_fn_post_passes_on() returns trigger
language plpgsql
as $$
begin
    if new.shared_post_id is null and (tg_op = 'INSERT' or old.post_type <> 'shared') then
        raise exception 'a shared post needs the post that it shares'
            using errcode = 'check_violation', constraint = 'ck_soc_posts_shares_something', table = tg_table_name;
    end if;
    return new;
end
$$;
comment on function trg_fn_post_passes_on() is 'Trigger: a new share names the post that it passes on.';
create or replace trigger trg_soc_posts_passes_on
    before insert or update of post_type on soc_posts
    for each row when (new.post_type = 'shared')
    execute function trg_fn_post_passes_on();

-- ---------------------------------------------------------------------------------------------
-- Likes

create table if not exists soc_post_likes (
    id uuid not null default gen_random_uuid(),
    post_id uuid not null,
    profile_id uuid not null,
    created_at timestamptz not null default now(),
    constraint pk_soc_post_likes primary key (id),
    constraint fk_soc_post_likes_post foreign key (post_id) references soc_posts (id) on delete cascade,
    constraint fk_soc_post_likes_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_soc_post_likes_post_profile unique (post_id, profile_id)
);
create index if not exists idx_soc_post_likes_profile on soc_post_likes (profile_id, created_at desc);

comment on table soc_post_likes is 'One row per post and person who likes it.';
comment on column soc_post_likes.post_id is 'The post.';
comment on column soc_post_likes.profile_id is 'The person who likes it.';
call finish_table('soc_post_likes');

-- Everything here locks posts before the numbers of people: an author may comment on a post, share it or put it into the
-- trash while somebody likes it. Triggers fire in the order of their names; this one stands between those two counters.
create or replace trigger trg_soc_post_likes_counts_stats_in_order
    after insert or delete on soc_post_likes
    for each row execute function trg_fn_lock_both('usr_stats', 'profile_id', 'r.profile_id',
        '(select p.author_id from soc_posts p where p.id = r.post_id and p.author_type = ''individual'')');
call keep_count('soc_post_likes', 'soc_posts', 'likes_count', 'r.post_id');
call keep_count('soc_post_likes', 'usr_stats', 'likes_given_count', 'r.profile_id', 'true', 'profile_id');
call keep_count('soc_post_likes', 'usr_stats', 'likes_received_count',
    '(select p.author_id from soc_posts p where p.id = r.post_id and p.author_type = ''individual'')', 'true', 'profile_id');

create or replace function trg_fn_post_takes_likes_along() returns trigger
language plpgsql
as $$
begin
    update usr_stats set likes_received_count = likes_received_count - old.likes_count where profile_id = old.author_id;
    return null;
end
$$;
comment on function trg_fn_post_takes_likes_along() is
    'Trigger: a deleted post takes the likes it counted from its author. The triggers of its likes cannot: when they run, the'
    ' post that says whose it was is gone.';
create or replace trigger trg_soc_posts_takes_likes_along
    after delete on soc_posts
    for each row when (old.author_type = 'individual' and old.likes_count > 0)
    execute function trg_fn_post_takes_likes_along();

-- ---------------------------------------------------------------------------------------------
-- Comments

create table if not exists soc_post_comments (
    id uuid not null default gen_random_uuid(),
    post_id uuid not null,
    profile_id uuid not null,
    parent_id uuid,
    content text not null,
    likes_count int not null default 0,
    is_flagged boolean not null default false,
    is_deleted boolean not null default false,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_soc_post_comments primary key (id),
    constraint uq_soc_post_comments_post_id unique (post_id, id),
    constraint fk_soc_post_comments_post foreign key (post_id) references soc_posts (id) on delete cascade,
    constraint fk_soc_post_comments_profile foreign key (profile_id) references profiles (id) on delete cascade,
    -- the pair: a reply stands under the same post, and moves with the comment that it answers
    constraint fk_soc_post_comments_parent foreign key (post_id, parent_id) references soc_post_comments (post_id, id)
        on delete cascade on update cascade,
    constraint ck_soc_post_comments_parent check (parent_id <> id),
    constraint ck_soc_post_comments_content check (btrim(content) <> '' and length(content) <= 1000),
    constraint ck_soc_post_comments_likes_count check (likes_count >= 0),
    constraint ck_soc_post_comments_deleted check (is_deleted = (deleted_at is not null))
);
create index if not exists idx_soc_post_comments_thread on soc_post_comments (post_id, created_at) where not is_deleted;
create index if not exists idx_soc_post_comments_parent on soc_post_comments (parent_id, post_id) where parent_id is not null;
create index if not exists idx_soc_post_comments_profile on soc_post_comments (profile_id, created_at desc);
create index if not exists idx_soc_post_comments_deleted on soc_post_comments (deleted_at) where is_deleted;

comment on table soc_post_comments is 'One row per comment on a post, or reply to a comment.';
comment on column soc_post_comments.post_id is 'The post.';
comment on column soc_post_comments.profile_id is 'The person who wrote it.';
comment on column soc_post_comments.parent_id is 'The comment under the same post that it answers; empty for one on the post itself.';
comment on column soc_post_comments.content is 'Its text, at most 1000 characters.';
comment on column soc_post_comments.likes_count is 'People who like it; kept by triggers.';
comment on column soc_post_comments.is_flagged is 'Whether a moderator should look at it.';
call finish_table('soc_post_comments', 'is_flagged');

call keep_count('soc_post_comments', 'soc_posts', 'comments_count', 'r.post_id', 'not r.is_deleted');
call keep_count('soc_post_comments', 'usr_stats', 'comments_count', 'r.profile_id', 'not r.is_deleted', 'profile_id');

-- Two comments could otherwise be made to answer each other.
create or replace trigger trg_soc_post_comments_parent_is_fixed
    before update of parent_id on soc_post_comments
    for each row when (new.parent_id is not null and old.parent_id is distinct from new.parent_id)
    execute function trg_fn_refuse_change('the comment that a reply answers');

create table if not exists soc_comment_likes (
    id uuid not null default gen_random_uuid(),
    comment_id uuid not null,
    profile_id uuid not null,
    created_at timestamptz not null default now(),
    constraint pk_soc_comment_likes primary key (id),
    constraint fk_soc_comment_likes_comment foreign key (comment_id) references soc_post_comments (id) on delete cascade,
    constraint fk_soc_comment_likes_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_soc_comment_likes_comment_profile unique (comment_id, profile_id)
);
create index if not exists idx_soc_comment_likes_profile on soc_comment_likes (profile_id);

comment on table soc_comment_likes is 'One row per comment and person who likes it.';
comment on column soc_comment_likes.comment_id is 'The comment.';
comment on column soc_comment_likes.profile_id is 'The person who likes it.';
call finish_table('soc_comment_likes');

call keep_count('soc_comment_likes', 'soc_post_comments', 'likes_count', 'r.comment_id');

-- ---------------------------------------------------------------------------------------------
-- Bookmarks

create table if not exists soc_post_bookmarks (
    id uuid not null default gen_random_uuid(),
    post_id uuid not null,
    profile_id uuid not null,
    collection_name text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_soc_post_bookmarks primary key (id),
    constraint fk_soc_post_bookmarks_post foreign key (post_id) references soc_posts (id) on delete cascade,
    constraint fk_soc_post_bookmarks_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_soc_post_bookmarks_post_profile unique (post_id, profile_id),
    constraint ck_soc_post_bookmarks_collection_name check (btrim(collection_name) <> '' and length(collection_name) <= 100)
);
create index if not exists idx_soc_post_bookmarks_profile on soc_post_bookmarks (profile_id, created_at desc);

comment on table soc_post_bookmarks is 'One row per post and person who keeps it for later.';
comment on column soc_post_bookmarks.post_id is 'The post.';
comment on column soc_post_bookmarks.profile_id is 'The person who keeps it; nobody else sees that.';
comment on column soc_post_bookmarks.collection_name is 'The person''s own name for a group of bookmarks; empty for none.';
call finish_table('soc_post_bookmarks');

-- ---------------------------------------------------------------------------------------------
-- Reports

create table if not exists soc_post_reports (
    id uuid not null default gen_random_uuid(),
    post_id uuid not null,
    reporter_id uuid not null,
    reason text not null,
    description text,
    status text not null default 'pending',
    reviewed_by uuid,
    reviewed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_soc_post_reports primary key (id),
    constraint fk_soc_post_reports_post foreign key (post_id) references soc_posts (id) on delete cascade,
    constraint fk_soc_post_reports_reporter foreign key (reporter_id) references profiles (id) on delete cascade,
    constraint fk_soc_post_reports_reviewed_by foreign key (reviewed_by) references profiles (id) on delete set null,
    constraint uq_soc_post_reports_post_reporter unique (post_id, reporter_id),
    constraint ck_soc_post_reports_reason check (reason in ('spam', 'harassment', 'inappropriate', 'misinformation', 'other')),
    constraint ck_soc_post_reports_description check (btrim(description) <> '' and length(description) <= 1000),
    constraint ck_soc_post_reports_status check (status in ('pending', 'reviewed', 'actioned', 'dismissed')),
    constraint ck_soc_post_reports_reviewed check ((status = 'pending') = (reviewed_at is null)),
    constraint ck_soc_post_reports_reviewed_by check (reviewed_by is null or reviewed_at is not null)
);
create index if not exists idx_soc_post_reports_reporter on soc_post_reports (reporter_id);
create index if not exists idx_soc_post_reports_reviewed_by on soc_post_reports (reviewed_by) where reviewed_by is not null;
create index if not exists idx_soc_post_reports_pending on soc_post_reports (created_at) where status = 'pending';

comment on table soc_post_reports is 'One row per post and person who reported it.';
comment on column soc_post_reports.post_id is 'The post.';
comment on column soc_post_reports.reporter_id is 'The person who reported it.';
comment on column soc_post_reports.reason is 'spam, harassment, inappropriate, misinformation or other.';
comment on column soc_post_reports.description is 'What the reporter says about it, at most 1000 characters.';
comment on column soc_post_reports.status is
    'pending; reviewed (seen, undecided), actioned (something was done about the post) or dismissed (nothing was).';
comment on column soc_post_reports.reviewed_by is 'The moderator who decided; empty while pending or once that profile is gone.';
comment on column soc_post_reports.reviewed_at is 'When it was decided; empty exactly while it is pending.';
call finish_table('soc_post_reports');

create or replace function trg_fn_post_is_flagged() returns trigger
language plpgsql
as $$
declare
    v_posts uuid[] := case tg_op
        when 'INSERT' then array[new.post_id]
        when 'DELETE' then array[old.post_id]
        else array[old.post_id, new.post_id]
    end;
begin
    -- first the lock, then the question: the last report may be decided while a new one comes in
    perform from soc_posts p where p.id = any (v_posts) order by p.id for no key update;
    update soc_posts p
    set is_flagged = not p.is_flagged
    where p.id = any (v_posts) and p.is_flagged <> exists (
        select from soc_post_reports r where r.post_id = p.id and r.status = 'pending'
    );
    return null;
end
$$;
comment on function trg_fn_post_is_flagged() is 'Trigger: a post is flagged while a report about it is pending.';
create or replace trigger trg_soc_post_reports_flags
    after insert or delete or update of post_id, status on soc_post_reports
    for each row execute function trg_fn_post_is_flagged();

-- ---------------------------------------------------------------------------------------------
-- Votes in polls

create table if not exists soc_poll_votes (
    id uuid not null default gen_random_uuid(),
    post_id uuid not null,
    profile_id uuid not null,
    option_index int not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_soc_poll_votes primary key (id),
    constraint fk_soc_poll_votes_post foreign key (post_id) references soc_posts (id) on delete cascade,
    constraint fk_soc_poll_votes_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_soc_poll_votes_post_profile unique (post_id, profile_id),
    constraint ck_soc_poll_votes_option_index check (option_index >= 0)
);
create index if not exists idx_soc_poll_votes_profile on soc_poll_votes (profile_id);

comment on table soc_poll_votes is 'One row per poll and person who voted. A vote can be changed until the poll closes.';
comment on column soc_poll_votes.post_id is 'The post with the poll.';
comment on column soc_poll_votes.profile_id is 'The person who voted.';
comment on column soc_poll_votes.option_index is 'The choice: its place in soc_posts.poll_options, from 0.';
call finish_table('soc_poll_votes');

create or replace function trg_fn_poll_takes_vote() returns trigger
language plpgsql
as $$
declare
    v_post record;
begin
    -- the lock keeps the choices from being rewritten until this vote is there to forbid it
    select p.post_type, p.poll_options, p.poll_ends_at, p.is_deleted into v_post
    from soc_posts p where p.id = new.post_id for no key update;
    if not found then
        return new; -- the foreign key will refuse the row in its own words
    end if;
    if v_post.post_type <> 'poll' then
        raise exception 'post %: it is no poll', new.post_id
            using errcode = 'check_violation', constraint = 'ck_soc_poll_votes_poll', table = tg_table_name;
    elsif v_post.is_deleted or v_post.poll_ends_at <= now() then
        raise exception 'post %: the poll is closed', new.post_id
            using errcode = 'check_violation', constraint = 'ck_soc_poll_votes_open', table = tg_table_name;
    elsif new.option_index >= jsonb_array_length(v_post.poll_options) then
        raise exception 'option %: the poll has the options 0 to %', new.option_index, jsonb_array_length(v_post.poll_options) - 1
            using errcode = 'check_violation', constraint = 'ck_soc_poll_votes_option_index', table = tg_table_name;
    end if;
    return new;
end
$$;
comment on function trg_fn_poll_takes_vote() is 'Trigger: a vote is for a choice of an open poll.';
create or replace trigger trg_soc_poll_votes_allowed
    before insert or update of post_id, option_index on soc_poll_votes
    for each row execute function trg_fn_poll_takes_vote();

create or replace function trg_fn_poll_options_are_fixed() returns trigger
language plpgsql
as $$
begin
    if exists (select from soc_poll_votes v where v.post_id = new.id) then
        raise exception 'post %: somebody has voted, the options stay as they are', new.id
            using errcode = 'check_violation', constraint = 'ck_soc_posts_poll_options_are_fixed', table = tg_table_name;
    end if;
    return new;
end
$$;
comment on function trg_fn_poll_options_are_fixed() is 'Trigger: the choices of a poll stay as they are once somebody has voted.';
create or replace trigger trg_soc_posts_poll_options_are_fixed
    before update of poll_options on soc_posts
    for each row when (old.poll_options is distinct from new.poll_options)
    execute function trg_fn_poll_options_are_fixed();

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('soc');
