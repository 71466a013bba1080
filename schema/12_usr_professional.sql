-- 12_usr_professional.sql: what a person has worked, learned and published
--
-- Purpose  jobs, schools, certificates, publications, awards and languages of a profile.
-- Grain    one row per entry of the list that the profile shows.
-- Units    dates are days; often only month and year are meant, and the first of it is written.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 10_usr_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------

create table if not exists usr_experiences (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    company_name text not null,
    company_type text,
    title text not null,
    employment_type text,
    start_date date not null,
    end_date date,
    is_current boolean not null generated always as (end_date is null) stored,
    city text,
    state text,
    country text,
    description text,
    key_achievements text[] not null default '{}',
    skills_used text[] not null default '{}',
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_experiences primary key (id),
    constraint fk_usr_experiences_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_experiences_company_name check (btrim(company_name) <> '' and length(company_name) <= 200),
    constraint ck_usr_experiences_company_type check (btrim(company_type) <> '' and length(company_type) <= 100),
    constraint ck_usr_experiences_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_usr_experiences_employment_type check (
        employment_type in ('full_time', 'part_time', 'contract', 'freelance', 'internship')),
    constraint ck_usr_experiences_start_date check (start_date between date '1900-01-01' and date '2199-12-31'),
    constraint ck_usr_experiences_end_date check (end_date between start_date and date '2199-12-31'),
    constraint ck_usr_experiences_city check (btrim(city) <> '' and length(city) <= 100),
    constraint ck_usr_experiences_state check (btrim(state) <> '' and length(state) <= 100),
    constraint ck_usr_experiences_country check (btrim(country) <> '' and length(country) <= 100),
    constraint ck_usr_experiences_description check (length(description) <= 2000)
);
create index if not exists idx_usr_experiences_profile on usr_experiences (profile_id, display_order);
comment on table usr_experiences is 'One row per job of a profile.';
comment on column usr_experiences.profile_id is 'The person.';
comment on column usr_experiences.company_name is 'Employer or own business.';
comment on column usr_experiences.company_type is 'What kind of business it is, in the person''s words.';
comment on column usr_experiences.title is 'What the person is called there.';
comment on column usr_experiences.employment_type is 'full_time, part_time, contract, freelance or internship.';
comment on column usr_experiences.start_date is 'First day of the job.';
comment on column usr_experiences.end_date is 'Last day of the job; empty while it lasts.';
comment on column usr_experiences.is_current is 'Whether the job lasts: no end date is given.';
comment on column usr_experiences.city is 'Town of the job, as typed.';
comment on column usr_experiences.state is 'State of the job, as typed.';
comment on column usr_experiences.country is 'Country of the job, as typed.';
comment on column usr_experiences.description is 'What the person does or did there, at most 2000 characters.';
comment on column usr_experiences.key_achievements is 'What came of it, one sentence each.';
comment on column usr_experiences.skills_used is 'Names of skills, as typed; the skills of the profile stand in usr_profile_skills.';
call finish_table('usr_experiences');

create table if not exists usr_education (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    institution_name text not null,
    institution_type text,
    degree text not null,
    field_of_study text,
    start_date date,
    end_date date,
    is_current boolean not null default false,
    grade text,
    description text,
    activities text[] not null default '{}',
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_education primary key (id),
    constraint fk_usr_education_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_education_institution_name check (btrim(institution_name) <> '' and length(institution_name) <= 200),
    constraint ck_usr_education_institution_type check (
        institution_type in ('university', 'college', 'institute', 'school', 'online')),
    constraint ck_usr_education_degree check (btrim(degree) <> '' and length(degree) <= 200),
    constraint ck_usr_education_field_of_study check (btrim(field_of_study) <> '' and length(field_of_study) <= 200),
    constraint ck_usr_education_start_date check (start_date between date '1900-01-01' and date '2199-12-31'),
    constraint ck_usr_education_end_date check (
        end_date >= start_date and end_date >= date '1900-01-01' and end_date <= date '2199-12-31'),
    constraint ck_usr_education_is_current check (not is_current or end_date is null),
    constraint ck_usr_education_grade check (btrim(grade) <> '' and length(grade) <= 50),
    constraint ck_usr_education_description check (length(description) <= 1000)
);
create index if not exists idx_usr_education_profile on usr_education (profile_id, display_order);
comment on table usr_education is 'One row per school or course of a profile.';
comment on column usr_education.profile_id is 'The person.';
comment on column usr_education.institution_name is 'School, college or other place of learning.';
comment on column usr_education.institution_type is 'university, college, institute, school or online.';
comment on column usr_education.degree is 'Degree or certificate, as in BVSc.';
comment on column usr_education.field_of_study is 'Field of it.';
comment on column usr_education.start_date is 'First day.';
comment on column usr_education.end_date is 'Last day; empty while it lasts, or where the person does not say.';
comment on column usr_education.is_current is 'Whether the person learns there now.';
comment on column usr_education.grade is 'Grade or class, as the institution writes it.';
comment on column usr_education.description is 'What was learned, at most 1000 characters.';
comment on column usr_education.activities is 'What the person did beside it, as typed.';
call finish_table('usr_education');

create table if not exists usr_certifications (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    name text not null,
    issuing_organization text not null,
    credential_id text,
    credential_url text,
    issue_date date not null,
    expiry_date date,
    is_permanent boolean not null default false,
    document_url text,
    is_verified boolean not null default false,
    verified_at timestamptz,
    verified_by uuid,
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_certifications primary key (id),
    constraint fk_usr_certifications_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_usr_certifications_verified_by foreign key (verified_by) references profiles (id) on delete set null,
    constraint ck_usr_certifications_name check (btrim(name) <> '' and length(name) <= 200),
    constraint ck_usr_certifications_issuing_organization check (
        btrim(issuing_organization) <> '' and length(issuing_organization) <= 200),
    constraint ck_usr_certifications_credential_id check (btrim(credential_id) <> '' and length(credential_id) <= 100),
    constraint ck_usr_certifications_credential_url check (
        credential_url ~ '^https?://[^[:space:]]+$' and length(credential_url) <= 2000),
    constraint ck_usr_certifications_issue_date check (issue_date between date '1900-01-01' and date '2199-12-31'),
    constraint ck_usr_certifications_expiry_date check (expiry_date between issue_date and date '2199-12-31'),
    constraint ck_usr_certifications_is_permanent check (not is_permanent or expiry_date is null),
    constraint ck_usr_certifications_document_url check (btrim(document_url) <> '' and length(document_url) <= 2000),
    constraint ck_usr_certifications_verified check (
        is_verified = (verified_at is not null) and (is_verified or verified_by is null))
);
create index if not exists idx_usr_certifications_profile on usr_certifications (profile_id, display_order);
create index if not exists idx_usr_certifications_expiry on usr_certifications (expiry_date) where expiry_date is not null;
create index if not exists idx_usr_certifications_verified_by on usr_certifications (verified_by) where verified_by is not null;
comment on table usr_certifications is 'One row per certificate of a profile.';
comment on column usr_certifications.profile_id is 'The person.';
comment on column usr_certifications.name is 'What is certified.';
comment on column usr_certifications.issuing_organization is 'Who certifies it.';
comment on column usr_certifications.credential_id is 'Number of the certificate.';
comment on column usr_certifications.credential_url is 'Page of the issuer that proves it.';
comment on column usr_certifications.issue_date is 'When it was given.';
comment on column usr_certifications.expiry_date is 'Last day on which it is valid, if it ends.';
comment on column usr_certifications.is_permanent is 'Whether it is known never to end; it then has no expiry date.';
comment on column usr_certifications.document_url is 'Address of a copy.';
comment on column usr_certifications.is_verified is 'Whether somebody has checked it.';
comment on column usr_certifications.verified_at is 'When it was checked; set exactly for verified ones.';
comment on column usr_certifications.verified_by is 'Who checked it, as long as that profile exists.';
call finish_table('usr_certifications');

create table if not exists usr_publications (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    title text not null,
    publication_type text not null default 'journal',
    journal text,
    publisher text,
    publication_date date,
    doi text,
    isbn text,
    url text,
    authors text[] not null default '{}',
    is_primary_author boolean not null default false,
    abstract text,
    keywords text[] not null default '{}',
    citation_count int not null default 0,
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_publications primary key (id),
    constraint fk_usr_publications_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_publications_title check (btrim(title) <> '' and length(title) <= 500),
    constraint ck_usr_publications_publication_type check (
        publication_type in ('journal', 'conference', 'book', 'chapter', 'thesis', 'patent')),
    constraint ck_usr_publications_journal check (btrim(journal) <> '' and length(journal) <= 200),
    constraint ck_usr_publications_publisher check (btrim(publisher) <> '' and length(publisher) <= 200),
    constraint ck_usr_publications_publication_date check (publication_date between date '1900-01-01' and date '2199-12-31'),
    constraint ck_usr_publications_doi check (doi ~ '^10\.[0-9]{4,9}/[^[:space:]]+$' and length(doi) <= 200),
    constraint ck_usr_publications_isbn check (isbn ~ '^[0-9][0-9-]{8,15}[0-9X]$'),
    constraint ck_usr_publications_url check (url ~ '^https?://[^[:space:]]+$' and length(url) <= 2000),
    constraint ck_usr_publications_abstract check (length(abstract) <= 2000),
    constraint ck_usr_publications_citation_count check (citation_count >= 0)
);
create index if not exists idx_usr_publications_profile on usr_publications (profile_id, display_order);
comment on table usr_publications is 'One row per publication that a profile lists; each author may list it.';
comment on column usr_publications.profile_id is 'The person who lists it.';
comment on column usr_publications.title is 'Its title.';
comment on column usr_publications.publication_type is 'journal, conference, book, chapter, thesis or patent.';
comment on column usr_publications.journal is 'Journal or proceedings.';
comment on column usr_publications.publisher is 'Publisher, or the office that granted a patent.';
comment on column usr_publications.publication_date is 'When it came out.';
comment on column usr_publications.doi is 'Digital object identifier, as in 10.1000/182, without an address before it.';
comment on column usr_publications.isbn is 'ISBN, with or without hyphens.';
comment on column usr_publications.url is 'Where it can be read.';
comment on column usr_publications.authors is 'Names of all authors, in the printed order.';
comment on column usr_publications.is_primary_author is 'Whether the person is its first author.';
comment on column usr_publications.abstract is 'Its summary, at most 2000 characters.';
comment on column usr_publications.keywords is 'Its keywords.';
comment on column usr_publications.citation_count is 'How often it is cited, as the person says.';
call finish_table('usr_publications');

create table if not exists usr_awards (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    title text not null,
    issuer text not null,
    issue_date date not null,
    description text,
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_awards primary key (id),
    constraint fk_usr_awards_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_awards_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_usr_awards_issuer check (btrim(issuer) <> '' and length(issuer) <= 200),
    constraint ck_usr_awards_issue_date check (issue_date between date '1900-01-01' and date '2199-12-31'),
    constraint ck_usr_awards_description check (length(description) <= 1000)
);
create index if not exists idx_usr_awards_profile on usr_awards (profile_id, display_order);
comment on table usr_awards is 'One row per award of a profile.';
comment on column usr_awards.profile_id is 'The person.';
comment on column usr_awards.title is 'Its name.';
comment on column usr_awards.issuer is 'Who gave it.';
comment on column usr_awards.issue_date is 'When it was given.';
comment on column usr_awards.description is 'What it was given for, at most 1000 characters.';
call finish_table('usr_awards');

create table if not exists usr_languages (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    language text not null,
    proficiency text not null,
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_languages primary key (id),
    constraint fk_usr_languages_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint ck_usr_languages_language check (btrim(language) <> '' and length(language) <= 60),
    constraint ck_usr_languages_proficiency check (
        proficiency in ('elementary', 'limited_working', 'professional_working', 'full_professional', 'native'))
);
create unique index if not exists uq_usr_languages_profile_language on usr_languages (profile_id, lower(language));
comment on table usr_languages is 'One row per language of a profile; upper and lower case make no difference.';
comment on column usr_languages.profile_id is 'The person.';
comment on column usr_languages.language is 'Its English name, as in Tamil.';
comment on column usr_languages.proficiency is
    'How well: elementary, limited_working, professional_working, full_professional or native.';
call finish_table('usr_languages');

-- ---------------------------------------------------------------------------------------------

call keep_profile_derived('usr_experiences', 'r.profile_id');
call keep_profile_derived('usr_education', 'r.profile_id');

create or replace function calculate_total_experience(p_profile uuid) returns int
language sql stable parallel safe
as $$
    with jobs as (
        -- joined where they overlap or touch, so that no day counts twice; what lies ahead does not count yet
        select unnest(range_agg(daterange(e.start_date, least(e.end_date, t.today), '[]'))) as span
        from usr_experiences e, (select (now() at time zone 'Asia/Kolkata')::date as today) t
        where e.profile_id = p_profile and e.start_date <= t.today
    )
    -- age() counts whole months, and days that are no month: of several spans they may add up to months
    select coalesce(floor((
        sum(extract(year from a.age) * 12 + extract(month from a.age)) + floor(sum(extract(day from a.age)) * 12 / 365.25)
    ) / 12), 0)::int
    from (select age(upper(j.span), lower(j.span)) from jobs j) a
$$;
comment on function calculate_total_experience(uuid) is
    'Whole years of work in a profile''s jobs up to today in India; jobs at the same time count once, jobs that last count'
    ' to today. 0 without jobs.';

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('usr');
