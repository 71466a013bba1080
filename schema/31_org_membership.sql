-- 31_org_membership.sql: who belongs to an organization, on what terms, and how that came about
--
-- Purpose  membership of people and businesses: tiers, members, applications, invitations and the history of each membership.
-- Grain    org_members: one row per organization and member; the other grains stand in the comments.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 20_biz_core.sql, 30_org_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Tiers

create table if not exists org_membership_tiers (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    name text not null,
    description text,
    annual_fee numeric(12, 2) not null default 0,
    currency char(3) not null default 'INR',
    benefits text[] not null default '{}',
    max_members int,
    display_order int not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_membership_tiers primary key (id),
    constraint fk_org_membership_tiers_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint uq_org_membership_tiers_name unique (organization_id, name),
    constraint uq_org_membership_tiers_organization_id unique (organization_id, id),
    constraint ck_org_membership_tiers_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_org_membership_tiers_description check (length(description) <= 2000),
    constraint ck_org_membership_tiers_annual_fee check (annual_fee >= 0 and annual_fee <> 'NaN'),
    constraint ck_org_membership_tiers_currency check (currency ~ '^[A-Z]{3}$'),
    constraint ck_org_membership_tiers_max_members check (max_members > 0)
);
comment on table org_membership_tiers is 'One row per kind of membership that an organization offers.';
comment on column org_membership_tiers.organization_id is 'The organization.';
comment on column org_membership_tiers.name is 'Name of the tier, once in an organization.';
comment on column org_membership_tiers.description is 'For whom it is, in a sentence.';
comment on column org_membership_tiers.annual_fee is 'Fee for a year, in currency.';
comment on column org_membership_tiers.currency is 'ISO 4217 code of the currency.';
comment on column org_membership_tiers.benefits is 'What a member gets, in words.';
comment on column org_membership_tiers.max_members is 'Most active members it takes; empty for no limit.';
comment on column org_membership_tiers.is_active is 'Whether it is offered to new members.';
call finish_table('org_membership_tiers');

-- ---------------------------------------------------------------------------------------------
-- Members

create table if not exists org_members (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    member_type text not null,
    member_id uuid not null,
    tier_id uuid,
    membership_number text,
    role text not null default 'member',
    status text not null default 'active',
    joined_at timestamptz not null default now(),
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_members primary key (id),
    constraint fk_org_members_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint fk_org_members_tier foreign key (organization_id, tier_id)
        references org_membership_tiers (organization_id, id) on delete restrict,
    constraint uq_org_members_member unique (organization_id, member_type, member_id),
    constraint uq_org_members_membership_number unique (organization_id, membership_number),
    constraint uq_org_members_organization_id unique (organization_id, id),
    constraint ck_org_members_member_type check (member_type in ('individual', 'business')),
    constraint ck_org_members_membership_number check (btrim(membership_number) <> '' and length(membership_number) <= 50),
    constraint ck_org_members_role check (role in ('admin', 'moderator', 'member')),
    constraint ck_org_members_status check (status in ('active', 'inactive', 'suspended', 'expired')),
    constraint ck_org_members_expires check (expires_at > joined_at)
);
create index if not exists idx_org_members_member on org_members (member_type, member_id);
create index if not exists idx_org_members_tier on org_members (tier_id, organization_id);
create index if not exists idx_org_members_expiring on org_members (expires_at) where status = 'active';

comment on table org_members is 'One row per organization and person or business that belongs or belonged to it.';
comment on column org_members.organization_id is 'The organization; it stays, as the member does.';
comment on column org_members.member_type is 'individual or business.';
comment on column org_members.member_id is 'The person or business.';
comment on column org_members.tier_id is 'The kind of membership, of the same organization; empty where it has none.';
comment on column org_members.membership_number is 'Number that the organization gave, once in it.';
comment on column org_members.role is 'What the member may do there: admin, moderator or member.';
comment on column org_members.status is
    'active; inactive (has left); suspended (by the organization); expired (not renewed). Only active members count.';
comment on column org_members.joined_at is 'When the membership began.';
comment on column org_members.expires_at is 'When it ends unless renewed; empty for no end.';
call finish_table('org_members');
call attach_entity('org_members', 'member', 'delete', 'individual', 'business');
call keep_count('org_members', 'org_profiles', 'members_count', 'r.organization_id', 'r.status = ''active''');
call keep_count('org_members', 'org_stats', 'individual_members_count', 'r.organization_id',
    'r.status = ''active'' and r.member_type = ''individual''', 'organization_id');
call keep_count('org_members', 'org_stats', 'business_members_count', 'r.organization_id',
    'r.status = ''active'' and r.member_type = ''business''', 'organization_id');

create or replace function trg_fn_membership_is_fixed() returns trigger
language plpgsql
as $$
begin
    raise exception 'membership %: it keeps its organization and its member; end it and begin another', old.id
        using errcode = 'check_violation', constraint = 'ck_org_members_is_fixed', table = tg_table_name;
end
$$;
comment on function trg_fn_membership_is_fixed() is
    'Trigger: a membership is that of one member in one organization for ever, so that its history stays true.';
create or replace trigger trg_org_members_is_fixed
    before update of organization_id, member_type, member_id on org_members
    for each row when (
        old.organization_id is distinct from new.organization_id
        or old.member_type is distinct from new.member_type or old.member_id is distinct from new.member_id
    )
    execute function trg_fn_membership_is_fixed();

create or replace function trg_fn_tier_has_room() returns trigger
language plpgsql
as $$
declare
    v_name text;
    v_places int;
begin
    -- the lock makes two sessions that want the last place wait for each other
    select t.name, t.max_members into v_name, v_places
    from org_membership_tiers t where t.id = new.tier_id and t.max_members is not null for no key update;
    if v_places <= (
        select count(*) from org_members m where m.tier_id = new.tier_id and m.status = 'active' and m.id <> new.id
    ) then
        raise exception 'tier %: all % places are taken', v_name, v_places
            using errcode = 'check_violation', constraint = 'ck_org_members_tier_has_room', table = tg_table_name;
    end if;
    return new;
end
$$;
comment on function trg_fn_tier_has_room() is
    'Trigger: no tier takes more active members than its max_members; a lowered limit sends nobody away.';
create or replace trigger trg_org_members_tier_has_room
    before insert or update of tier_id, status on org_members
    for each row when (new.tier_id is not null and new.status = 'active')
    execute function trg_fn_tier_has_room();

-- Members cannot outlive their tier's deletion, which is refused; only when the whole organization goes, the
-- foreign keys may reach the tiers before the members.
create or replace function trg_fn_tier_goes_with_organization() returns trigger
language plpgsql
as $$
begin
    if not exists (select from org_profiles o where o.id = old.organization_id) then
        delete from org_members where organization_id = old.organization_id;
    end if;
    return old;
end
$$;
comment on function trg_fn_tier_goes_with_organization() is
    'Trigger: when an organization is deleted its members go before its tiers, which are otherwise kept by their members.';
create or replace trigger trg_org_membership_tiers_goes_with_organization
    before delete on org_membership_tiers
    for each row execute function trg_fn_tier_goes_with_organization();

-- ---------------------------------------------------------------------------------------------
-- History of each membership

create table if not exists org_membership_history (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    member_id uuid not null,
    event text not null,
    old_tier_id uuid,
    new_tier_id uuid,
    notes text,
    created_at timestamptz not null default now(),
    constraint pk_org_membership_history primary key (id),
    constraint fk_org_membership_history_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint fk_org_membership_history_member foreign key (organization_id, member_id)
        references org_members (organization_id, id) on delete cascade,
    constraint fk_org_membership_history_old_tier foreign key (organization_id, old_tier_id)
        references org_membership_tiers (organization_id, id) on delete set null (old_tier_id),
    constraint fk_org_membership_history_new_tier foreign key (organization_id, new_tier_id)
        references org_membership_tiers (organization_id, id) on delete set null (new_tier_id),
    constraint ck_org_membership_history_event
        check (event in ('joined', 'renewed', 'upgraded', 'downgraded', 'suspended', 'expired', 'left')),
    constraint ck_org_membership_history_notes check (btrim(notes) <> '' and length(notes) <= 1000)
);
create index if not exists idx_org_membership_history_member on org_membership_history (organization_id, member_id, created_at);
create index if not exists idx_org_membership_history_old_tier on org_membership_history (old_tier_id, organization_id);
create index if not exists idx_org_membership_history_new_tier on org_membership_history (new_tier_id, organization_id);

comment on table org_membership_history is
    'One row per event in a membership. Written by a trigger of org_members, never altered; it goes with the membership.';
comment on column org_membership_history.organization_id is 'The organization.';
comment on column org_membership_history.member_id is 'The membership, a row of org_members.';
comment on column org_membership_history.event is
    'joined; renewed (active again, a later end, or another tier at the same fee); upgraded, downgraded (a tier with a higher,'
    ' a lower fee); suspended; expired; left.';
comment on column org_membership_history.old_tier_id is 'The tier until then, while it exists.';
comment on column org_membership_history.new_tier_id is 'The tier from then on, while it exists.';
comment on column org_membership_history.notes is 'What else is to be said.';
call finish_table('org_membership_history');

create or replace function trg_fn_membership_history() returns trigger
language plpgsql
as $$
declare
    v_step text; -- what became of the status
    v_move text; -- what became of the tier
    v_old_tier uuid;
begin
    v_step := case new.status when 'inactive' then 'left' when 'active' then 'renewed' else new.status end;
    if tg_op = 'INSERT' then
        v_move := 'joined';
        v_step := nullif(v_step, 'renewed');
    else
        v_old_tier := old.tier_id;
        if new.status = old.status
            and not (new.status = 'active' and coalesce(new.expires_at, 'infinity') > coalesce(old.expires_at, 'infinity'))
        then
            v_step := null;
        end if;
        if new.tier_id is distinct from old.tier_id then
            -- to have a tier, even a free one, is more than to have none
            v_move := case sign(
                coalesce((select t.annual_fee from org_membership_tiers t where t.id = new.tier_id), -1)
                - coalesce((select t.annual_fee from org_membership_tiers t where t.id = old.tier_id), -1)
            ) when 1 then 'upgraded' when -1 then 'downgraded' else 'renewed' end;
        end if;
    end if;
    insert into org_membership_history (organization_id, member_id, event, old_tier_id, new_tier_id)
    select new.organization_id, new.id, e.event, v_old_tier, new.tier_id
    from (values (1, v_move), (2, nullif(v_step, v_move))) e (place, event)
    where e.event is not null
    order by e.place;
    return null;
end
$$;
comment on function trg_fn_membership_history() is 'Trigger: notes what happens to a membership in org_membership_history.';
create or replace trigger trg_org_members_history
    after insert or update of status, tier_id, expires_at on org_members
    for each row execute function trg_fn_membership_history();

-- ---------------------------------------------------------------------------------------------
-- Applications and invitations

create table if not exists org_membership_applications (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    applicant_type text not null,
    applicant_id uuid not null,
    tier_id uuid,
    message text,
    status text not null default 'pending',
    reviewed_by uuid,
    reviewed_at timestamptz,
    rejection_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_membership_applications primary key (id),
    constraint fk_org_membership_applications_organization foreign key (organization_id)
        references org_profiles (id) on delete cascade,
    constraint fk_org_membership_applications_tier foreign key (organization_id, tier_id)
        references org_membership_tiers (organization_id, id) on delete set null (tier_id),
    constraint fk_org_membership_applications_reviewed_by foreign key (reviewed_by) references profiles (id) on delete set null,
    constraint ck_org_membership_applications_applicant_type check (applicant_type in ('individual', 'business')),
    constraint ck_org_membership_applications_message check (length(message) <= 1000),
    constraint ck_org_membership_applications_status check (status in ('pending', 'approved', 'rejected')),
    constraint ck_org_membership_applications_reviewed check ((status = 'pending') = (reviewed_at is null)),
    constraint ck_org_membership_applications_reviewed_by check (reviewed_by is null or reviewed_at is not null),
    constraint ck_org_membership_applications_rejection_reason
        check (rejection_reason is null or (status = 'rejected' and length(rejection_reason) <= 1000))
);
create index if not exists idx_org_membership_applications_organization
    on org_membership_applications (organization_id, status, created_at);
create index if not exists idx_org_membership_applications_applicant on org_membership_applications (applicant_type, applicant_id);
create index if not exists idx_org_membership_applications_tier on org_membership_applications (tier_id, organization_id);
create index if not exists idx_org_membership_applications_reviewed_by on org_membership_applications (reviewed_by)
    where reviewed_by is not null;
create unique index if not exists uq_org_membership_applications_pending
    on org_membership_applications (organization_id, applicant_type, applicant_id) where status = 'pending';

comment on table org_membership_applications is
    'One row per application for membership; an applicant may have one pending in an organization.';
comment on column org_membership_applications.organization_id is 'The organization.';
comment on column org_membership_applications.applicant_type is 'individual or business.';
comment on column org_membership_applications.applicant_id is 'The person or business that wants to join.';
comment on column org_membership_applications.tier_id is 'The kind of membership asked for, of the same organization, while it exists.';
comment on column org_membership_applications.message is 'What the applicant says, at most 1000 characters.';
comment on column org_membership_applications.status is 'pending, approved or rejected.';
comment on column org_membership_applications.reviewed_by is 'Who decided.';
comment on column org_membership_applications.reviewed_at is 'When it was decided; empty while pending.';
comment on column org_membership_applications.rejection_reason is 'Why it was rejected.';
call finish_table('org_membership_applications');
call attach_entity('org_membership_applications', 'applicant', 'delete', 'individual', 'business');

create table if not exists org_member_invitations (
    id uuid not null default gen_random_uuid(),
    organization_id uuid not null,
    invited_by uuid not null,
    invitee_email text,
    invitee_phone text,
    invitee_profile_id uuid,
    tier_id uuid,
    message text,
    token_hash char(64) not null,
    status text not null default 'pending',
    expires_at timestamptz not null,
    responded_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_org_member_invitations primary key (id),
    constraint fk_org_member_invitations_organization foreign key (organization_id) references org_profiles (id) on delete cascade,
    constraint fk_org_member_invitations_invited_by foreign key (invited_by) references profiles (id) on delete cascade,
    constraint fk_org_member_invitations_invitee_profile foreign key (invitee_profile_id) references profiles (id) on delete cascade,
    constraint fk_org_member_invitations_tier foreign key (organization_id, tier_id)
        references org_membership_tiers (organization_id, id) on delete set null (tier_id),
    constraint uq_org_member_invitations_token_hash unique (token_hash),
    constraint ck_org_member_invitations_invitee check (num_nonnulls(invitee_email, invitee_phone, invitee_profile_id) > 0),
    constraint ck_org_member_invitations_invitee_email
        check (length(invitee_email) <= 254 and invitee_email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_org_member_invitations_invitee_phone check (invitee_phone ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_org_member_invitations_not_oneself check (invitee_profile_id <> invited_by),
    constraint ck_org_member_invitations_message check (length(message) <= 1000),
    constraint ck_org_member_invitations_token_hash check (token_hash ~ '^[0-9a-f]{64}$'),
    constraint ck_org_member_invitations_status check (status in ('pending', 'accepted', 'declined', 'expired')),
    constraint ck_org_member_invitations_expires check (expires_at > created_at),
    constraint ck_org_member_invitations_responded check ((status in ('accepted', 'declined')) = (responded_at is not null))
);
create index if not exists idx_org_member_invitations_organization on org_member_invitations (organization_id, status);
create index if not exists idx_org_member_invitations_invited_by on org_member_invitations (invited_by);
create index if not exists idx_org_member_invitations_invitee_profile on org_member_invitations (invitee_profile_id);
create index if not exists idx_org_member_invitations_tier on org_member_invitations (tier_id, organization_id);
create index if not exists idx_org_member_invitations_open on org_member_invitations (expires_at) where status = 'pending';

comment on table org_member_invitations is 'One row per invitation to join an organization.';
comment on column org_member_invitations.organization_id is 'The organization.';
comment on column org_member_invitations.invited_by is 'Who invites.';
comment on column org_member_invitations.invitee_email is 'E-mail address of whoever is invited; this, the phone or the profile is given.';
comment on column org_member_invitations.invitee_phone is 'Phone number of whoever is invited.';
comment on column org_member_invitations.invitee_profile_id is 'Profile of whoever is invited, if there is one.';
comment on column org_member_invitations.tier_id is 'The kind of membership offered, of the same organization, while it exists.';
comment on column org_member_invitations.message is 'What the invitation says, at most 1000 characters.';
comment on column org_member_invitations.token_hash is
    'SHA-256, in hex, of the secret in the invitation''s link; the secret itself is not kept.';
comment on column org_member_invitations.status is 'pending, accepted, declined or expired.';
comment on column org_member_invitations.expires_at is 'Until when it can be answered.';
comment on column org_member_invitations.responded_at is 'When it was accepted or declined.';
call finish_table('org_member_invitations');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('org');
