-- 80_res_core.sql: articles, guides and other resources to learn from
--
-- Purpose  the library: resources by subject, and what members do with them.
-- Grain    res_resources: one row per resource; the other grains stand in the comments.
-- Units    instants are timestamptz; reading time is in minutes.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 70_ntf_core.sql.
-- Growth   res_views is a log and is not partitioned. It would be by range of created_at, a partition per month: the primary
--          key then becomes (id, created_at). Nothing refers to it, so no foreign key is lost; before an old month is
--          dropped, views_count must stop to mean its rows.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Categories: a tree

create table if not exists res_categories (
    id uuid not null default gen_random_uuid(),
    parent_id uuid,
    name text not null,
    slug text not null,
    description text,
    icon text,
    display_order int not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_res_categories primary key (id),
    constraint fk_res_categories_parent foreign key (parent_id) references res_categories (id) on delete set null,
    constraint uq_res_categories_slug unique (slug),
    constraint ck_res_categories_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_res_categories_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_res_categories_description check (length(description) <= 500),
    constraint ck_res_categories_icon check (length(icon) <= 50)
);
create index if not exists idx_res_categories_parent on res_categories (parent_id);
comment on table res_categories is 'One row per subject of resources; subjects may have sub-subjects.';
comment on column res_categories.parent_id is 'The category above it; empty at the top, and when that one is deleted.';
comment on column res_categories.name is 'Name as shown to people.';
comment on column res_categories.slug is 'Name as it stands in addresses.';
comment on column res_categories.description is 'What belongs there, in a sentence.';
comment on column res_categories.icon is 'Name of its icon.';
comment on column res_categories.is_active is 'Whether it can be chosen; one in use is switched off, not deleted.';
call finish_table('res_categories');

create or replace function trg_fn_res_category_is_a_tree() returns trigger
language plpgsql
as $$
begin
    -- Two sessions could each make half of a circle: one at a time.
    perform pg_advisory_xact_lock('res_categories'::regclass::oid::int, 0);
    if exists (
        with recursive ancestors as (
            select new.parent_id as id
            union
            select c.parent_id from res_categories c join ancestors a on c.id = a.id
        )
        select from ancestors where id = new.id
    ) then
        raise exception 'resource category %: it would stand below itself', new.slug
            using errcode = 'check_violation', constraint = 'ck_res_categories_no_cycle', table = 'res_categories';
    end if;
    return new;
end
$$;
comment on function trg_fn_res_category_is_a_tree() is 'Trigger: refuses a category that would stand below itself.';
create or replace trigger trg_res_categories_tree
    before insert or update of parent_id on res_categories
    for each row when (new.parent_id is not null) execute function trg_fn_res_category_is_a_tree();

-- ---------------------------------------------------------------------------------------------
-- Resources

create table if not exists res_resources (
    id uuid not null default gen_random_uuid(),
    author_id uuid not null,
    title text not null,
    slug text not null,
    description text,
    content text,
    type text not null default 'article',
    category_id uuid,
    cover_image_url text,
    file_url text,
    video_url text,
    tags text[] not null default '{}',
    reading_time_minutes int,
    meta_title text,
    meta_description text,
    status text not null default 'draft',
    published_at timestamptz,
    views_count int not null default 0,
    likes_count int not null default 0,
    bookmarks_count int not null default 0,
    shares_count int not null default 0,
    comments_count int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    search tsvector generated always as (
        setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(title), '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(description), '')), 'B')
        || setweight(to_tsvector('simple'::regconfig, coalesce(public.immutable_unaccent(content), '')), 'C')
    ) stored,
    constraint pk_res_resources primary key (id),
    constraint fk_res_resources_author foreign key (author_id) references profiles (id) on delete restrict,
    constraint fk_res_resources_category foreign key (category_id) references res_categories (id) on delete restrict,
    constraint uq_res_resources_slug unique (slug),
    constraint ck_res_resources_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_res_resources_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_res_resources_description check (length(description) <= 500),
    -- 100 000 characters: a tsvector holds one megabyte, and a letter may take four bytes
    constraint ck_res_resources_content check (length(content) <= 100000),
    constraint ck_res_resources_type check (type in ('article', 'guide', 'video', 'infographic', 'document', 'tool')),
    constraint ck_res_resources_cover_image_url check (cover_image_url ~ '^https?://[^[:space:]]+$' and length(cover_image_url) <= 2000),
    constraint ck_res_resources_file_url check (file_url ~ '^https?://[^[:space:]]+$' and length(file_url) <= 2000),
    constraint ck_res_resources_video_url check (video_url ~ '^https?://[^[:space:]]+$' and length(video_url) <= 2000),
    constraint ck_res_resources_tags check (array_position(tags, null) is null and cardinality(tags) <= 50),
    constraint ck_res_resources_reading_time check (reading_time_minutes > 0),
    constraint ck_res_resources_meta_title check (length(meta_title) <= 200),
    constraint ck_res_resources_meta_description check (length(meta_description) <= 500),
    constraint ck_res_resources_status check (status in ('draft', 'published', 'archived')),
    constraint ck_res_resources_published check (case status
        when 'published' then published_at is not null
        when 'draft' then published_at is null
        else true end),
    constraint ck_res_resources_views_count check (views_count >= 0),
    constraint ck_res_resources_likes_count check (likes_count >= 0),
    constraint ck_res_resources_bookmarks_count check (bookmarks_count >= 0),
    constraint ck_res_resources_shares_count check (shares_count >= 0),
    constraint ck_res_resources_comments_count check (comments_count >= 0)
);
create index if not exists idx_res_resources_author on res_resources (author_id);
create index if not exists idx_res_resources_category on res_resources (category_id);
create index if not exists idx_res_resources_published on res_resources (published_at desc) where status = 'published';
create index if not exists gin_res_resources_tags on res_resources using gin (tags);
create index if not exists fts_res_resources_search on res_resources using gin (search);
create index if not exists gin_res_resources_title_trgm on res_resources using gin (title gin_trgm_ops);

comment on table res_resources is 'One row per resource. Its author''s profile cannot be deleted before it.';
comment on column res_resources.author_id is 'Who wrote it.';
comment on column res_resources.title is 'Its name, at most 200 characters.';
comment on column res_resources.slug is 'Name as it stands in addresses.';
comment on column res_resources.description is 'What it is about, at most 500 characters.';
comment on column res_resources.content is 'The text itself, at most 100 000 characters; empty where it is a file or a video.';
comment on column res_resources.type is 'article, guide, video, infographic, document or tool.';
comment on column res_resources.category_id is 'Its subject; empty where nobody has said.';
comment on column res_resources.cover_image_url is 'Address of its picture.';
comment on column res_resources.file_url is 'Address of the file, where it is one.';
comment on column res_resources.video_url is 'Address of the video, where it is one.';
comment on column res_resources.tags is 'Words to find it by.';
comment on column res_resources.reading_time_minutes is 'How long reading it takes, in minutes.';
comment on column res_resources.meta_title is 'Title for search engines, where it is another one.';
comment on column res_resources.meta_description is 'Description for search engines, where it is another one.';
comment on column res_resources.status is 'draft (only the author sees it), published or archived (no longer listed).';
comment on column res_resources.published_at is 'When it was published; empty for a draft, kept once it is archived.';
comment on column res_resources.views_count is 'Rows of res_views; kept by triggers.';
comment on column res_resources.likes_count is 'Rows of res_likes; kept by triggers.';
comment on column res_resources.bookmarks_count is 'Rows of res_bookmarks; kept by triggers.';
comment on column res_resources.shares_count is 'How often it was passed on; counted by track_share().';
comment on column res_resources.comments_count is 'Rows of res_comments that are not deleted; kept by triggers.';
comment on column res_resources.search is 'Words of title (A), description (B) and content (C) without accents, for full-text search.';
call finish_table('res_resources');
call attach_entity('ntf_notifications', 'action', 'delete', 'resource');

-- ---------------------------------------------------------------------------------------------
-- What members do with them

create table if not exists res_likes (
    id uuid not null default gen_random_uuid(),
    resource_id uuid not null,
    profile_id uuid not null,
    created_at timestamptz not null default now(),
    constraint pk_res_likes primary key (id),
    constraint fk_res_likes_resource foreign key (resource_id) references res_resources (id) on delete cascade,
    constraint fk_res_likes_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_res_likes_resource_profile unique (resource_id, profile_id)
);
create index if not exists idx_res_likes_profile on res_likes (profile_id);
comment on table res_likes is 'One row per person who likes a resource.';
comment on column res_likes.resource_id is 'What they like.';
comment on column res_likes.profile_id is 'Who likes it.';
call finish_table('res_likes');
call keep_count('res_likes', 'res_resources', 'likes_count', 'r.resource_id');

create table if not exists res_bookmarks (
    id uuid not null default gen_random_uuid(),
    resource_id uuid not null,
    profile_id uuid not null,
    collection_name text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_res_bookmarks primary key (id),
    constraint fk_res_bookmarks_resource foreign key (resource_id) references res_resources (id) on delete cascade,
    constraint fk_res_bookmarks_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_res_bookmarks_resource_profile unique (resource_id, profile_id),
    constraint ck_res_bookmarks_collection_name check (btrim(collection_name) <> '' and length(collection_name) <= 100)
);
create index if not exists idx_res_bookmarks_profile on res_bookmarks (profile_id, created_at desc);
comment on table res_bookmarks is 'One row per person who keeps a resource for later.';
comment on column res_bookmarks.resource_id is 'What they keep.';
comment on column res_bookmarks.profile_id is 'Who keeps it.';
comment on column res_bookmarks.collection_name is 'Under which heading of their own they keep it; empty for none.';
call finish_table('res_bookmarks');
call keep_count('res_bookmarks', 'res_resources', 'bookmarks_count', 'r.resource_id');

create table if not exists res_views (
    id uuid not null default gen_random_uuid(),
    resource_id uuid not null,
    profile_id uuid,
    session_id text,
    user_agent text,
    ip_address inet,
    referrer text,
    created_at timestamptz not null default now(),
    constraint pk_res_views primary key (id),
    constraint fk_res_views_resource foreign key (resource_id) references res_resources (id) on delete cascade,
    constraint fk_res_views_profile foreign key (profile_id) references profiles (id) on delete set null,
    constraint ck_res_views_session_id check (btrim(session_id) <> '' and length(session_id) <= 100),
    constraint ck_res_views_user_agent check (length(user_agent) <= 1000),
    constraint ck_res_views_referrer check (length(referrer) <= 2000)
);
create index if not exists idx_res_views_resource on res_views (resource_id, created_at desc);
create index if not exists idx_res_views_profile on res_views (profile_id) where profile_id is not null;
create index if not exists idx_res_views_created on res_views using brin (created_at);
comment on table res_views is 'One row per time that somebody opened a resource. It outlives the profile of who did.';
comment on column res_views.resource_id is 'What was opened.';
comment on column res_views.profile_id is 'Who opened it; empty for somebody not signed in, and once that profile is deleted.';
comment on column res_views.session_id is 'The visit in which it was opened, by the application''s own name.';
comment on column res_views.user_agent is 'The browser, as it calls itself.';
comment on column res_views.ip_address is 'Address from which it was opened.';
comment on column res_views.referrer is 'Page from which the visitor came.';
call finish_table('res_views');
call keep_count('res_views', 'res_resources', 'views_count', 'r.resource_id');

-- ---------------------------------------------------------------------------------------------
-- Comments

create table if not exists res_comments (
    id uuid not null default gen_random_uuid(),
    resource_id uuid not null,
    profile_id uuid not null,
    parent_id uuid,
    content text not null,
    likes_count int not null default 0,
    is_flagged boolean not null default false,
    is_deleted boolean not null default false,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_res_comments primary key (id),
    constraint uq_res_comments_id_resource unique (id, resource_id),
    constraint fk_res_comments_resource foreign key (resource_id) references res_resources (id) on delete cascade,
    constraint fk_res_comments_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_res_comments_parent foreign key (parent_id, resource_id)
        references res_comments (id, resource_id) on delete cascade,
    constraint ck_res_comments_parent check (parent_id <> id),
    constraint ck_res_comments_content check (btrim(content) <> '' and length(content) <= 1000),
    constraint ck_res_comments_likes_count check (likes_count >= 0),
    constraint ck_res_comments_deleted check (is_deleted = (deleted_at is not null))
);
create index if not exists idx_res_comments_resource on res_comments (resource_id, created_at);
create index if not exists idx_res_comments_profile on res_comments (profile_id);
create index if not exists idx_res_comments_parent on res_comments (parent_id, resource_id);
comment on table res_comments is 'One row per comment on a resource, replies included.';
comment on column res_comments.resource_id is 'What it is about.';
comment on column res_comments.profile_id is 'Who wrote it.';
comment on column res_comments.parent_id is 'The comment of the same resource that it answers; empty for none. It never changes.';
comment on column res_comments.content is 'Text, at most 1000 characters.';
comment on column res_comments.likes_count is 'Rows of res_comment_likes; kept by triggers.';
comment on column res_comments.is_flagged is 'Whether somebody should look at it.';
call finish_table('res_comments', 'is_flagged', 'is_deleted', 'deleted_at');
call keep_count('res_comments', 'res_resources', 'comments_count', 'r.resource_id', 'not r.is_deleted');

create or replace function trg_fn_res_comment_parent_is_fixed() returns trigger
language plpgsql
as $$
begin
    raise exception 'comment %: what it answers cannot be changed', old.id
        using errcode = 'check_violation', constraint = 'ck_res_comments_parent_is_fixed', table = 'res_comments';
end
$$;
comment on function trg_fn_res_comment_parent_is_fixed() is
    'Trigger: what a comment answers stays what it was, so that no thread is turned into a circle.';
create or replace trigger trg_res_comments_parent_is_fixed
    before update of parent_id on res_comments
    for each row when (old.parent_id is distinct from new.parent_id) execute function trg_fn_res_comment_parent_is_fixed();

create table if not exists res_comment_likes (
    id uuid not null default gen_random_uuid(),
    comment_id uuid not null,
    profile_id uuid not null,
    created_at timestamptz not null default now(),
    constraint pk_res_comment_likes primary key (id),
    constraint fk_res_comment_likes_comment foreign key (comment_id) references res_comments (id) on delete cascade,
    constraint fk_res_comment_likes_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_res_comment_likes_comment_profile unique (comment_id, profile_id)
);
create index if not exists idx_res_comment_likes_profile on res_comment_likes (profile_id);
comment on table res_comment_likes is 'One row per person who likes a comment on a resource.';
comment on column res_comment_likes.comment_id is 'What they like.';
comment on column res_comment_likes.profile_id is 'Who likes it.';
call finish_table('res_comment_likes');
call keep_count('res_comment_likes', 'res_comments', 'likes_count', 'r.comment_id');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('res');
