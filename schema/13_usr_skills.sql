-- 13_usr_skills.sql: what a person can do, and who says so
--
-- Purpose  skills of a profile, their endorsements and assessments, and recommendations.
-- Grain    usr_profile_skills: one row per profile and skill; the other grains stand in the comments.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 10_usr_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Skills of a profile

create table if not exists usr_profile_skills (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    skill_id uuid not null,
    proficiency text,
    years_experience int,
    endorsements_count int not null default 0,
    is_featured boolean not null default false,
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_profile_skills primary key (id),
    constraint fk_usr_profile_skills_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_usr_profile_skills_skill foreign key (skill_id) references ref_skills (id) on delete restrict,
    constraint uq_usr_profile_skills_profile_skill unique (profile_id, skill_id),
    constraint uq_usr_profile_skills_id_profile unique (id, profile_id), -- so that endorsements can name the owner
    constraint ck_usr_profile_skills_proficiency check (proficiency in ('beginner', 'intermediate', 'advanced', 'expert')),
    constraint ck_usr_profile_skills_years_experience check (years_experience between 0 and 100),
    constraint ck_usr_profile_skills_endorsements_count check (endorsements_count >= 0)
);
create index if not exists idx_usr_profile_skills_skill on usr_profile_skills (skill_id);
comment on table usr_profile_skills is 'One row per skill that a profile lists.';
comment on column usr_profile_skills.profile_id is 'The person.';
comment on column usr_profile_skills.skill_id is 'The skill.';
comment on column usr_profile_skills.proficiency is
    'beginner, intermediate, advanced or expert, as the person says; empty where they do not.';
comment on column usr_profile_skills.years_experience is 'Years with it, as the person says.';
comment on column usr_profile_skills.endorsements_count is 'How many people endorsed it; kept by triggers.';
comment on column usr_profile_skills.is_featured is 'Whether the person shows it first.';
call finish_table('usr_profile_skills');
call keep_count('usr_profile_skills', 'ref_skills', 'usage_count', 'r.skill_id');
call keep_profile_derived('usr_profile_skills', 'r.profile_id');

-- ---------------------------------------------------------------------------------------------
-- Endorsements. Each one names the owner of the skill: nobody can endorse their own, and the owner's numbers are
-- right even when the skill is deleted with its endorsements.

create table if not exists usr_skill_endorsements (
    id uuid not null default gen_random_uuid(),
    profile_skill_id uuid not null,
    profile_id uuid not null,
    endorser_id uuid not null,
    endorsement_text text,
    relationship text,
    created_at timestamptz not null default now(),
    constraint pk_usr_skill_endorsements primary key (id),
    constraint fk_usr_skill_endorsements_profile_skill foreign key (profile_skill_id, profile_id)
        references usr_profile_skills (id, profile_id) on update cascade on delete cascade,
    constraint fk_usr_skill_endorsements_endorser foreign key (endorser_id) references profiles (id) on delete cascade,
    constraint uq_usr_skill_endorsements_skill_endorser unique (profile_skill_id, endorser_id),
    constraint ck_usr_skill_endorsements_endorser check (endorser_id <> profile_id),
    constraint ck_usr_skill_endorsements_endorsement_text check (
        btrim(endorsement_text) <> '' and length(endorsement_text) <= 500),
    constraint ck_usr_skill_endorsements_relationship check (
        relationship in ('colleague', 'manager', 'client', 'mentor', 'other'))
);
create index if not exists idx_usr_skill_endorsements_profile on usr_skill_endorsements (profile_id, profile_skill_id);
create index if not exists idx_usr_skill_endorsements_endorser on usr_skill_endorsements (endorser_id);
comment on table usr_skill_endorsements is 'One row per person who endorses a skill of another.';
comment on column usr_skill_endorsements.profile_skill_id is 'The skill of the profile.';
comment on column usr_skill_endorsements.profile_id is 'Whose skill it is; filled by a trigger.';
comment on column usr_skill_endorsements.endorser_id is 'Who endorses it.';
comment on column usr_skill_endorsements.endorsement_text is 'A few words, at most 500 characters.';
comment on column usr_skill_endorsements.relationship is
    'What the endorser is to the owner: colleague, manager, client, mentor or other.';
call finish_table('usr_skill_endorsements');

create or replace function trg_fn_endorsement_owner() returns trigger
language plpgsql
as $$
begin
    select s.profile_id into new.profile_id from usr_profile_skills s where s.id = new.profile_skill_id;
    if new.profile_id is null then
        raise exception 'there is no skill of a profile with the id %', new.profile_skill_id
            using errcode = 'foreign_key_violation', constraint = 'fk_usr_skill_endorsements_profile_skill', table = tg_table_name;
    end if;
    return new;
end
$$;
comment on function trg_fn_endorsement_owner() is 'Trigger: writes the owner of the endorsed skill into the endorsement.';
create or replace trigger trg_usr_skill_endorsements_owner
    before insert or update of profile_skill_id, profile_id on usr_skill_endorsements
    for each row execute function trg_fn_endorsement_owner();

call keep_count('usr_skill_endorsements', 'usr_profile_skills', 'endorsements_count', 'r.profile_skill_id');
-- The skill is named because an endorsement that moves to another one is counted anew: profile_id is then set by the
-- trigger above, not by the statement.
call keep_count('usr_skill_endorsements', 'usr_stats', 'endorsements_received_count',
    'r.profile_id', 'r.profile_skill_id is not null', 'profile_id');
call keep_profile_derived('usr_skill_endorsements', 'r.profile_id', '{profile_skill_id}');

-- ---------------------------------------------------------------------------------------------
-- Recommendations and assessments

create table if not exists usr_skill_recommendations (
    id uuid not null default gen_random_uuid(),
    profile_id uuid not null,
    recommender_id uuid not null,
    title text,
    content text not null,
    relationship text,
    position_at_time text,
    status text not null default 'pending',
    is_featured boolean not null default false,
    accepted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_skill_recommendations primary key (id),
    constraint fk_usr_skill_recommendations_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint fk_usr_skill_recommendations_recommender foreign key (recommender_id) references profiles (id) on delete cascade,
    constraint uq_usr_skill_recommendations_profile_recommender unique (profile_id, recommender_id),
    constraint ck_usr_skill_recommendations_recommender check (recommender_id <> profile_id),
    constraint ck_usr_skill_recommendations_title check (btrim(title) <> '' and length(title) <= 200),
    constraint ck_usr_skill_recommendations_content check (btrim(content) <> '' and length(content) <= 2000),
    constraint ck_usr_skill_recommendations_relationship check (
        relationship in ('colleague', 'manager', 'client', 'mentor', 'student', 'other')),
    constraint ck_usr_skill_recommendations_position_at_time check (
        btrim(position_at_time) <> '' and length(position_at_time) <= 200),
    constraint ck_usr_skill_recommendations_status check (status in ('pending', 'accepted', 'declined')),
    constraint ck_usr_skill_recommendations_accepted_at check ((status = 'accepted') = (accepted_at is not null))
);
create index if not exists idx_usr_skill_recommendations_recommender on usr_skill_recommendations (recommender_id);
comment on table usr_skill_recommendations is
    'One row per person who recommends another, in a text that the recommended one accepts before it is shown.';
comment on column usr_skill_recommendations.profile_id is 'Who is recommended.';
comment on column usr_skill_recommendations.recommender_id is 'Who recommends.';
comment on column usr_skill_recommendations.title is 'Its first line, at most 200 characters.';
comment on column usr_skill_recommendations.content is 'Its text, at most 2000 characters.';
comment on column usr_skill_recommendations.relationship is
    'What the recommender is to the other: colleague, manager, client, mentor, student or other.';
comment on column usr_skill_recommendations.position_at_time is 'What the recommended one was when they worked together.';
comment on column usr_skill_recommendations.status is 'pending, accepted or declined by the recommended one.';
comment on column usr_skill_recommendations.is_featured is 'Whether the recommended one shows it first.';
comment on column usr_skill_recommendations.accepted_at is 'When it was accepted; set exactly for accepted ones.';
call finish_table('usr_skill_recommendations');
call keep_count('usr_skill_recommendations', 'usr_stats', 'recommendations_received_count',
    'r.profile_id', 'r.status = ''accepted''', 'profile_id');

create table if not exists usr_skill_assessments (
    id uuid not null default gen_random_uuid(),
    profile_skill_id uuid not null,
    assessment_type text not null,
    provider text,
    score numeric(5, 2),
    percentile numeric(5, 2),
    certificate_url text,
    result_url text,
    completed_at timestamptz not null default now(),
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_skill_assessments primary key (id),
    constraint fk_usr_skill_assessments_profile_skill foreign key (profile_skill_id)
        references usr_profile_skills (id) on delete cascade,
    constraint ck_usr_skill_assessments_assessment_type check (
        assessment_type in ('quiz', 'practical', 'project', 'certification')),
    constraint ck_usr_skill_assessments_provider check (btrim(provider) <> '' and length(provider) <= 200),
    constraint ck_usr_skill_assessments_score check (score between 0 and 100),
    constraint ck_usr_skill_assessments_percentile check (percentile between 0 and 100),
    constraint ck_usr_skill_assessments_certificate_url check (
        certificate_url ~ '^https?://[^[:space:]]+$' and length(certificate_url) <= 2000),
    constraint ck_usr_skill_assessments_result_url check (
        result_url ~ '^https?://[^[:space:]]+$' and length(result_url) <= 2000),
    constraint ck_usr_skill_assessments_expires_at check (expires_at > completed_at)
);
create index if not exists idx_usr_skill_assessments_profile_skill on usr_skill_assessments (profile_skill_id);
comment on table usr_skill_assessments is 'One row per test of a skill that a person took.';
comment on column usr_skill_assessments.profile_skill_id is 'The skill of the profile.';
comment on column usr_skill_assessments.assessment_type is 'quiz, practical, project or certification.';
comment on column usr_skill_assessments.provider is 'Who tested.';
comment on column usr_skill_assessments.score is 'Result, 0 to 100 percent.';
comment on column usr_skill_assessments.percentile is 'Share of those tested who did no better, 0 to 100 percent.';
comment on column usr_skill_assessments.certificate_url is 'Address of the certificate.';
comment on column usr_skill_assessments.result_url is 'Address of the detailed result.';
comment on column usr_skill_assessments.completed_at is 'When the test was finished.';
comment on column usr_skill_assessments.expires_at is 'Until when the result is valid; empty if it does not end.';
call finish_table('usr_skill_assessments');

-- ---------------------------------------------------------------------------------------------
-- Functions

create or replace function skill_slug(p_name text) returns text
language sql immutable parallel safe
as $$
    -- C, C++ and C# are three skills. Where a slug cannot hold the whole name (another script, a long one),
    -- a part of the name's hash tells it from others.
    select case when n.is_whole then n.slug
        else concat_ws('-', coalesce(nullif(rtrim(left(n.slug, 47), '-'), ''), 'skill'),
            left(encode(sha256(convert_to(lower(p_name collate "C"), 'UTF8')), 'hex'), 12)) end
    from (
        select slugify(s.spelled) as slug,
            slugify(s.spelled) is not null and length(s.spelled) <= 60
                and public.immutable_unaccent(s.spelled) collate "C" ~ '^[ -~]*$' as is_whole
        from (select replace(replace(p_name, '+', ' plus '), '#', ' sharp ') as spelled) s
    ) n
    where p_name is not null
$$;
comment on function skill_slug(text) is
    'The slug of a skill''s name: like slugify(), but + and # are spelled out, and a name that does not fit gets a part of its'
    ' hash. Names with the same slug mean the same skill. NULL gives NULL.';

create or replace function find_or_create_skill(p_name text) returns uuid
language plpgsql
as $$
declare
    c_longest constant int := 100; -- as ck_ref_skills_name has it
    c_tries constant int := 5; -- each one fails only if another session adds or removes the skill just then
    v_name text := btrim(regexp_replace(p_name, '[[:space:]\u00a0]+', ' ', 'g'));
    v_slug text := skill_slug(v_name);
    v_id uuid;
begin
    if v_name is null or v_name = '' or length(v_name) > c_longest then
        raise exception 'skill name "%": wanted 1 to % characters', left(v_name, c_longest), c_longest
            using errcode = 'invalid_parameter_value';
    end if;
    for v_try in 1 .. c_tries loop
        select s.id into v_id
        from ref_skills s
        where lower(s.name) = lower(v_name) or s.synonyms @> array[lower(v_name)] or s.slug = v_slug
        order by lower(s.name) = lower(v_name) desc, s.synonyms @> array[lower(v_name)] desc, s.slug
        limit 1;
        if v_id is null then
            insert into ref_skills (name, slug) values (v_name, v_slug) on conflict do nothing returning id into v_id;
        end if;
        if v_id is not null then
            return v_id;
        end if;
    end loop;
    raise exception 'skill "%": another session keeps changing it', v_name using errcode = 'serialization_failure';
end
$$;
comment on function find_or_create_skill(text) is
    'The skill of that name, of that synonym or of that slug, in this order; a new one if there is none. Blanks at the ends'
    ' and case make no difference. Raises invalid_parameter_value for a name that is blank or longer than 100 characters.';

create or replace function get_top_skills(p_profile uuid, p_limit int default 5)
returns table (skill_name text, endorsements int, skill_level text)
language sql stable parallel safe
as $$
    select s.name, ps.endorsements_count, ps.proficiency
    from usr_profile_skills ps join ref_skills s on s.id = ps.skill_id
    where ps.profile_id = p_profile
    order by ps.is_featured desc, ps.endorsements_count desc, ps.display_order, s.name
    limit least(greatest(coalesce(p_limit, 5), 1), 100)
$$;
comment on function get_top_skills(uuid, int) is
    'Skills of a profile with their endorsements and level: featured ones first, then the most endorsed. p_limit: 1 to 100.';

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('usr');
