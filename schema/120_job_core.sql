-- 120_job_core.sql: jobs, who offers them and who applies
--
-- Purpose  postings of businesses and organizations, applications, bookmarks.
-- Grain    job_postings: one row per posting; job_applications: one row per person and posting.
-- Units    salaries are amounts of salary_currency per salary_period; experience is in years.
-- Needs    00, 01, 20, 30, 70 and 90.
-- Applied  again and again: a second pass changes nothing.

create table if not exists job_postings (
    id uuid not null default gen_random_uuid(),
    employer_type text not null,
    employer_id uuid not null,
    posted_by uuid not null,
    title text not null,
    description text not null,
    category_id uuid not null,
    job_type text not null,
    location_type text not null default 'on_site',
    city text,
    state text,
    country text not null default 'India',
    salary_min numeric(12, 2),
    salary_max numeric(12, 2),
    salary_currency char(3) not null default 'INR',
    salary_period text,
    experience_min_years int,
    experience_max_years int,
    education text,
    skills_required text[] not null default '{}',
    deadline_on date,
    apply_email text,
    apply_url text,
    status text not null default 'draft',
    published_at timestamptz,
    views_count int not null default 0,
    applications_count int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- 'simple' leaves words as they are: postings mix English with the languages of India
    search tsvector generated always as (
        setweight(to_tsvector('simple'::regconfig, public.immutable_unaccent(coalesce(title, ''))), 'A')
        || setweight(to_tsvector('simple'::regconfig,
            public.immutable_unaccent(coalesce(city, '') || ' ' || coalesce(state, ''))), 'B')
        || setweight(to_tsvector('simple'::regconfig, public.immutable_unaccent(coalesce(description, ''))), 'C')
    ) stored,
    constraint pk_job_postings primary key (id),
    constraint fk_job_postings_posted_by foreign key (posted_by) references profiles (id) on delete restrict,
    constraint fk_job_postings_category foreign key (category_id) references ref_job_categories (id) on delete restrict,
    constraint ck_job_postings_employer_type check (employer_type in ('business', 'organization')),
    constraint ck_job_postings_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_job_postings_description check (btrim(description) <> '' and length(description) <= 5000),
    constraint ck_job_postings_job_type check (job_type in ('full_time', 'part_time', 'contract', 'internship', 'temporary')),
    constraint ck_job_postings_location_type check (location_type in ('on_site', 'remote', 'hybrid')),
    constraint ck_job_postings_city check (btrim(city) <> '' and length(city) <= 100),
    constraint ck_job_postings_state check (btrim(state) <> '' and length(state) <= 100),
    constraint ck_job_postings_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_job_postings_salary_min check (salary_min >= 0 and salary_min <> 'NaN'),
    constraint ck_job_postings_salary_max check (salary_max >= 0 and salary_max <> 'NaN'),
    constraint ck_job_postings_salary_order check (salary_min <= salary_max),
    constraint ck_job_postings_salary_currency check (salary_currency ~ '^[A-Z]{3}$'),
    constraint ck_job_postings_salary_period check (salary_period in ('hourly', 'daily', 'monthly', 'yearly')),
    constraint ck_job_postings_salary_has_period check (num_nonnulls(salary_min, salary_max) = 0 or salary_period is not null),
    constraint ck_job_postings_experience_min_years check (experience_min_years between 0 and 60),
    constraint ck_job_postings_experience_max_years check (experience_max_years between 0 and 60),
    constraint ck_job_postings_experience_order check (experience_min_years <= experience_max_years),
    constraint ck_job_postings_education check (length(education) <= 200),
    constraint ck_job_postings_apply_email check (length(apply_email) <= 254 and apply_email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_job_postings_apply_url check (apply_url ~ '^https?://[^[:space:]]+$' and length(apply_url) <= 2000),
    constraint ck_job_postings_status check (status in ('draft', 'published', 'closed', 'filled')),
    constraint ck_job_postings_published_at check (status <> 'published' or published_at is not null),
    constraint ck_job_postings_views_count check (views_count >= 0),
    constraint ck_job_postings_applications_count check (applications_count >= 0)
);
create index if not exists idx_job_postings_employer on job_postings (employer_type, employer_id, created_at desc);
create index if not exists idx_job_postings_posted_by on job_postings (posted_by);
create index if not exists idx_job_postings_category on job_postings (category_id);
create index if not exists idx_job_postings_published on job_postings (published_at desc) where status = 'published';
create index if not exists idx_job_postings_place on job_postings (state, city) where status = 'published';
create index if not exists gin_job_postings_skills_required on job_postings using gin (skills_required);
create index if not exists gin_job_postings_title_trgm on job_postings using gin (title gin_trgm_ops);
create index if not exists fts_job_postings_search on job_postings using gin (search);

comment on table job_postings is
    'One row per job that a business or organization offers. An employer, or a person, with postings cannot be deleted.';
comment on column job_postings.employer_type is 'Kind of the employer: business or organization.';
comment on column job_postings.employer_id is 'The business or organization.';
comment on column job_postings.posted_by is 'The person who posted it.';
comment on column job_postings.title is 'What the job is called, at most 200 characters.';
comment on column job_postings.description is 'What the job is, at most 5000 characters.';
comment on column job_postings.category_id is 'Its category.';
comment on column job_postings.job_type is 'full_time, part_time, contract, internship or temporary.';
comment on column job_postings.location_type is 'Where the work is done: on_site, remote or hybrid.';
comment on column job_postings.city is 'Town or village, as typed.';
comment on column job_postings.state is 'State, as typed.';
comment on column job_postings.country is 'Country, as shown.';
comment on column job_postings.salary_min is 'Least pay, in salary_currency per salary_period; empty where it is not said.';
comment on column job_postings.salary_max is 'Most pay, in salary_currency per salary_period; empty where it is not said.';
comment on column job_postings.salary_currency is 'ISO 4217 code of the salary''s currency.';
comment on column job_postings.salary_period is 'What the pay is for: hourly, daily, monthly or yearly.';
comment on column job_postings.experience_min_years is 'Least experience asked for, in years.';
comment on column job_postings.experience_max_years is 'Most experience looked for, in years.';
comment on column job_postings.education is 'Schooling or degree asked for.';
comment on column job_postings.skills_required is 'Names of the skills asked for.';
comment on column job_postings.deadline_on is 'Last day in India to apply.';
comment on column job_postings.apply_email is 'Address to apply to, where not through the platform.';
comment on column job_postings.apply_url is 'Page to apply on, where not through the platform.';
comment on column job_postings.status is 'draft (seen by its employer only), published, closed (no more applications) or filled.';
comment on column job_postings.published_at is 'When it was first published; kept by a trigger unless said.';
comment on column job_postings.views_count is 'How often it was opened; counted by track_view().';
comment on column job_postings.applications_count is 'Applications that were not withdrawn; kept by triggers.';
comment on column job_postings.search is 'Words of title (A), town and state (B) and description (C) without accents, for full-text search.';
call finish_table('job_postings', 'published_at');
call attach_entity('job_postings', 'employer', 'restrict', 'business', 'organization');

create or replace function trg_fn_job_published() returns trigger
language plpgsql
as $$
begin
    new.published_at := now();
    return new;
end
$$;
comment on function trg_fn_job_published() is 'Trigger: notes when a posting is first published.';
create or replace trigger trg_job_postings_published
    before insert or update of status, published_at on job_postings
    for each row when (new.status = 'published' and new.published_at is null)
    execute function trg_fn_job_published();

create table if not exists job_applications (
    id uuid not null default gen_random_uuid(),
    job_id uuid not null,
    applicant_id uuid not null,
    cover_letter text,
    resume_url text,
    application_data jsonb not null default '{}',
    status text not null default 'submitted',
    reviewed_by uuid,
    reviewed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_job_applications primary key (id),
    constraint fk_job_applications_job foreign key (job_id) references job_postings (id) on delete cascade,
    constraint fk_job_applications_applicant foreign key (applicant_id) references profiles (id) on delete cascade,
    constraint fk_job_applications_reviewed_by foreign key (reviewed_by) references profiles (id) on delete set null,
    constraint uq_job_applications_job_applicant unique (job_id, applicant_id),
    constraint ck_job_applications_cover_letter check (length(cover_letter) <= 2000),
    constraint ck_job_applications_resume_url check (resume_url ~ '^https?://[^[:space:]]+$' and length(resume_url) <= 2000),
    constraint ck_job_applications_application_data check (jsonb_typeof(application_data) = 'object'),
    constraint ck_job_applications_status check (status in (
        'submitted', 'under_review', 'shortlisted', 'interviewed', 'offered', 'rejected', 'withdrawn')),
    constraint ck_job_applications_reviewed check (reviewed_by is null or reviewed_at is not null)
);
create index if not exists idx_job_applications_applicant on job_applications (applicant_id, created_at desc);
create index if not exists idx_job_applications_reviewed_by on job_applications (reviewed_by) where reviewed_by is not null;

comment on table job_applications is 'One row per person and posting that the person applied for.';
comment on column job_applications.job_id is 'The posting.';
comment on column job_applications.applicant_id is 'Who applies.';
comment on column job_applications.cover_letter is 'What the applicant writes, at most 2000 characters.';
comment on column job_applications.resume_url is 'Address of the curriculum vitae.';
comment on column job_applications.application_data is 'Answers to the posting''s own questions, by question.';
comment on column job_applications.status is
    'submitted, under_review, shortlisted, interviewed, offered, rejected or, by the applicant, withdrawn.';
comment on column job_applications.reviewed_by is 'Who last decided on it; empty until then, and once that person is gone.';
comment on column job_applications.reviewed_at is 'When it was last decided on.';
call finish_table('job_applications');
call keep_count('job_applications', 'job_postings', 'applications_count', 'r.job_id', 'r.status <> ''withdrawn''');

create table if not exists job_bookmarks (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    job_id uuid not null,
    created_at timestamptz not null default now(),
    constraint pk_job_bookmarks primary key (id),
    constraint fk_job_bookmarks_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_job_bookmarks_job foreign key (job_id) references job_postings (id) on delete cascade,
    constraint uq_job_bookmarks_profile_job unique (profile_id, job_id)
);
create index if not exists idx_job_bookmarks_job on job_bookmarks (job_id);

comment on table job_bookmarks is 'One row per posting that a person keeps for later.';
comment on column job_bookmarks.profile_id is 'Who keeps it.';
comment on column job_bookmarks.job_id is 'The posting.';
call finish_table('job_bookmarks');

-- Activities and notifications may be about a posting.
call attach_entity('ntf_notifications', 'action', 'delete', 'job');
call attach_entity('anl_activity_log', 'target', 'forget', 'job');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('job');
