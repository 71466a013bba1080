-- 32_org_structure.sql: committees of an organization, and what it hands out and announces
--
-- Purpose  the inner life of an organization: who sits on which committee, its documents, its announcements.
-- Grain    org_committee_members: one row per committee and member; the other grains stand in the comments.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 30_org_core.sql, 31_org_membership.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Committees

create table if not exists org_committees (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    name text not null,
    description text,
    display_order int not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_committees primary key (id),
    constraint fk_org_committees_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint uq_org_committees_name unique (organization_id, name),
    constraint uq_org_committees_organization_id unique (organization_id, id),
    constraint ck_org_committees_name check (btrim(name) <> '' and length(name) <= 200),
    constraint ck_org_committees_description check (length(description) <= 2000)
);
comment on table org_committees is 'One row per committee or working group of an organization.';
comment on column org_committees.organization_id is 'The organization.';
comment on column org_committees.name is 'Name of the committee, once in an organization.';
comment on column org_committees.description is 'What it looks after.';
comment on column org_committees.is_active is 'Whether it still meets.';
call finish_table('org_committees');

create table if not exists org_committee_members (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    committee_id uuid not null,
    member_id uuid not null,
    role text not null,
    is_chair boolean not null default false,
    start_date date not null,
    end_date date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_committee_members primary key (id),
    -- both keys hold the organization: only its own members sit on its committees
    constraint fk_org_committee_members_committee foreign key (organization_id, committee_id)
        references org_committees (organization_id, id) on delete cascade,
    constraint fk_org_committee_members_member foreign key (organization_id, member_id)
        references org_members (organization_id, id) on delete cascade,
    constraint uq_org_committee_members_member unique (committee_id, member_id),
    constraint ck_org_committee_members_role check (btrim(role) <> '' and length(role) <= 100),
    constraint ck_org_committee_members_end_date check (end_date >= start_date)
);
create index if not exists idx_org_committee_members_committee on org_committee_members (organization_id, committee_id);
create index if not exists idx_org_committee_members_member on org_committee_members (member_id, organization_id);

comment on table org_committee_members is 'One row per committee and member who sits or sat on it.';
comment on column org_committee_members.organization_id is 'The organization of both.';
comment on column org_committee_members.committee_id is 'The committee.';
comment on column org_committee_members.member_id is 'The membership, a row of org_members.';
comment on column org_committee_members.role is 'What the member does there, in words.';
comment on column org_committee_members.is_chair is 'Whether the member chairs the committee.';
comment on column org_committee_members.start_date is 'First day on the committee.';
comment on column org_committee_members.end_date is 'Last day on the committee; empty while it runs.';
call finish_table('org_committee_members');

-- ---------------------------------------------------------------------------------------------
-- Documents

create table if not exists org_resources (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    title text not null,
    description text,
    type text not null,
    file_url text not null,
    file_size bigint,
    access text not null default 'members',
    category text,
    tags text[] not null default '{}',
    downloads_count int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_resources primary key (id),
    constraint fk_org_resources_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint ck_org_resources_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_org_resources_description check (length(description) <= 2000),
    constraint ck_org_resources_type check (type in ('document', 'guideline', 'report', 'publication', 'form', 'other')),
    constraint ck_org_resources_file_url check (file_url ~ '^https?://[^[:space:]]+$' and length(file_url) <= 2000),
    constraint ck_org_resources_file_size check (file_size >= 0),
    constraint ck_org_resources_access check (access in ('public', 'members', 'leadership')),
    constraint ck_org_resources_category check (btrim(category) <> '' and length(category) <= 100),
    constraint ck_org_resources_downloads_count check (downloads_count >= 0)
);
create index if not exists idx_org_resources_organization on org_resources (organization_id, created_at desc);
create index if not exists gin_org_resources_tags on org_resources using gin (tags);

comment on table org_resources is 'One row per document that an organization hands out.';
comment on column org_resources.organization_id is 'The organization.';
comment on column org_resources.title is 'Title of the document.';
comment on column org_resources.description is 'What is in it.';
comment on column org_resources.type is 'document, guideline, report, publication, form or other.';
comment on column org_resources.file_url is 'Address of the file.';
comment on column org_resources.file_size is 'Length of the file, in bytes.';
comment on column org_resources.access is 'Who may open it: public, members (active ones) or leadership (current offices).';
comment on column org_resources.category is 'Shelf on which the organization puts it.';
comment on column org_resources.tags is 'Words to find it by.';
comment on column org_resources.downloads_count is 'How often it was opened; track_download() adds to it.';
call finish_table('org_resources');
call keep_count('org_resources', 'org_stats', 'resources_count', 'r.organization_id', 'true', 'organization_id');

-- ---------------------------------------------------------------------------------------------
-- Announcements

create table if not exists org_announcements (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    title text not null,
    content text not null,
    type text not null default 'general',
    audience text not null default 'members',
    is_pinned boolean not null default false,
    priority int not null default 3,
    published_at timestamptz,
    expires_at timestamptz,
    created_by uuid,
    views_count int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_announcements primary key (id),
    constraint fk_org_announcements_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint fk_org_announcements_created_by foreign key (created_by) references profiles (id) on delete set null,
    constraint ck_org_announcements_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_org_announcements_content check (btrim(content) <> '' and length(content) <= 5000),
    constraint ck_org_announcements_type check (type in ('general', 'event', 'policy', 'urgent')),
    constraint ck_org_announcements_audience check (audience in ('all', 'members', 'leadership')),
    constraint ck_org_announcements_priority check (priority between 1 and 5),
    constraint ck_org_announcements_expires check (expires_at > published_at),
    constraint ck_org_announcements_views_count check (views_count >= 0)
);
create index if not exists idx_org_announcements_organization on org_announcements (organization_id, published_at desc);
create index if not exists idx_org_announcements_created_by on org_announcements (created_by) where created_by is not null;

comment on table org_announcements is 'One row per announcement of an organization.';
comment on column org_announcements.organization_id is 'The organization.';
comment on column org_announcements.title is 'Title, at most 200 characters.';
comment on column org_announcements.content is 'Text, at most 5000 characters.';
comment on column org_announcements.type is 'general, event, policy or urgent.';
comment on column org_announcements.audience is 'Who sees it: all, members (active ones) or leadership (current offices).';
comment on column org_announcements.is_pinned is 'Whether it stays on top.';
comment on column org_announcements.priority is 'How urgent it is: 1 is the highest, 5 the lowest.';
comment on column org_announcements.published_at is 'From when on it is shown; empty for a draft.';
comment on column org_announcements.expires_at is 'Until when it is shown; empty for no end.';
comment on column org_announcements.created_by is 'Who wrote it, while that profile exists.';
comment on column org_announcements.views_count is 'How often it was opened; track_view() adds to it.';
call finish_table('org_announcements');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('org');
