-- 21_biz_details.sql: who works in a business and what it can do
--
-- Purpose  the team and the contact persons of a business, its certificates, and what farms and suppliers tell of themselves.
-- Grain    biz_farm_details, biz_supplier_details: one row per business that is one; the other grains stand in the comments.
-- Units    amounts are INR.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 20_biz_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- People

create table if not exists biz_team_members (
    id uuid not null default gen_random_uuid(),
    business_id uuid not null,
    profile_id uuid not null,
    role text not null,
    department text,
    is_admin boolean not null default false,
    permissions jsonb not null default '{}',
    is_active boolean not null default true,
    joined_at timestamptz not null default now(),
    left_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_biz_team_members primary key (id),
    constraint fk_biz_team_members_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint fk_biz_team_members_profile foreign key (profile_id) references profiles (id) on delete cascade,
    constraint uq_biz_team_members_business_profile unique (business_id, profile_id),
    constraint uq_biz_team_members_business_id unique (business_id, id),
    constraint ck_biz_team_members_role check (btrim(role) <> '' and length(role) <= 100),
    constraint ck_biz_team_members_department check (btrim(department) <> '' and length(department) <= 100),
    constraint ck_biz_team_members_permissions check (jsonb_typeof(permissions) = 'object'),
    constraint ck_biz_team_members_left check (left_at >= joined_at),
    constraint ck_biz_team_members_active check (not is_active or left_at is null)
);
create index if not exists idx_biz_team_members_profile on biz_team_members (profile_id);

comment on table biz_team_members is 'One row per business and person who works or worked there.';
comment on column biz_team_members.business_id is 'The business.';
comment on column biz_team_members.profile_id is 'The person.';
comment on column biz_team_members.role is 'What the person does there, in words.';
comment on column biz_team_members.department is 'Part of the business.';
comment on column biz_team_members.is_admin is 'Whether the person may do there all that the owner may.';
comment on column biz_team_members.permissions is 'What else the person may do there, as {"products": true}.';
comment on column biz_team_members.is_active is 'Whether the person works there now.';
comment on column biz_team_members.joined_at is 'When the person joined.';
comment on column biz_team_members.left_at is 'When the person left; empty while active.';
call finish_table('biz_team_members');
call keep_count('biz_team_members', 'biz_profiles', 'team_members_count', 'r.business_id', 'r.is_active');

create or replace function trg_fn_business_owner_joins() returns trigger
language plpgsql
as $$
begin
    insert into biz_team_members (business_id, profile_id, role, is_admin)
    values (new.id, new.owner_id, 'Owner', true)
    on conflict (business_id, profile_id) do update
    set role = excluded.role, is_admin = true, is_active = true, left_at = null;
    return null;
end
$$;
comment on function trg_fn_business_owner_joins() is
    'Trigger: the owner of a business, also a new one, joins its team as an admin. A former owner stays in the team.';
create or replace trigger trg_biz_profiles_owner_joins
    after insert or update of owner_id on biz_profiles
    for each row execute function trg_fn_business_owner_joins();

create table if not exists biz_contact_persons (
    id uuid not null default gen_random_uuid(),
    business_id uuid not null,
    team_member_id uuid,
    name text not null,
    designation text,
    department text,
    email text,
    phone text,
    whatsapp_number text,
    is_primary boolean not null default false,
    display_order int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_biz_contact_persons primary key (id),
    constraint fk_biz_contact_persons_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint fk_biz_contact_persons_team_member foreign key (business_id, team_member_id)
        references biz_team_members (business_id, id) on delete set null (team_member_id),
    constraint ck_biz_contact_persons_name check (btrim(name) <> '' and length(name) <= 200),
    constraint ck_biz_contact_persons_designation check (btrim(designation) <> '' and length(designation) <= 100),
    constraint ck_biz_contact_persons_department check (btrim(department) <> '' and length(department) <= 100),
    constraint ck_biz_contact_persons_email check (length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint ck_biz_contact_persons_phone check (phone ~ '^\+?[0-9][0-9 -]{6,19}$'),
    constraint ck_biz_contact_persons_whatsapp_number check (whatsapp_number ~ '^\+?[0-9][0-9 -]{6,19}$')
);
create index if not exists idx_biz_contact_persons_team_member on biz_contact_persons (business_id, team_member_id);
create unique index if not exists uq_biz_contact_persons_primary on biz_contact_persons (business_id) where is_primary;

comment on table biz_contact_persons is 'One row per person whom customers may turn to; it need not be somebody with a profile.';
comment on column biz_contact_persons.business_id is 'The business.';
comment on column biz_contact_persons.team_member_id is 'The same person as a team member of this business, where it is one.';
comment on column biz_contact_persons.name is 'Name of the person.';
comment on column biz_contact_persons.designation is 'Position, as on the visiting card.';
comment on column biz_contact_persons.department is 'Part of the business.';
comment on column biz_contact_persons.email is 'E-mail address for customers.';
comment on column biz_contact_persons.phone is 'Phone number for customers.';
comment on column biz_contact_persons.whatsapp_number is 'WhatsApp number, where it is another one.';
comment on column biz_contact_persons.is_primary is 'Whether it is the one to ask first; at most one of a business.';
call finish_table('biz_contact_persons');

-- ---------------------------------------------------------------------------------------------
-- Certificates

create table if not exists biz_certifications (
    id uuid not null default gen_random_uuid(),
    business_id uuid not null,
    name text not null,
    issuing_authority text not null,
    certificate_number text,
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
    constraint pk_biz_certifications primary key (id),
    constraint fk_biz_certifications_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint fk_biz_certifications_verified_by foreign key (verified_by) references profiles (id) on delete set null,
    constraint ck_biz_certifications_name check (btrim(name) <> '' and length(name) <= 200),
    constraint ck_biz_certifications_issuing_authority check (btrim(issuing_authority) <> '' and length(issuing_authority) <= 200),
    constraint ck_biz_certifications_certificate_number check (btrim(certificate_number) <> '' and length(certificate_number) <= 100),
    constraint ck_biz_certifications_credential_url
        check (credential_url ~ '^https?://[^[:space:]]+$' and length(credential_url) <= 2000),
    constraint ck_biz_certifications_expiry_date check (expiry_date >= issue_date),
    constraint ck_biz_certifications_permanent check (not is_permanent or expiry_date is null),
    constraint ck_biz_certifications_document_url check (document_url ~ '^https?://[^[:space:]]+$' and length(document_url) <= 2000),
    constraint ck_biz_certifications_verified check (is_verified = (verified_at is not null)),
    constraint ck_biz_certifications_verified_by check (is_verified or verified_by is null)
);
create index if not exists idx_biz_certifications_business on biz_certifications (business_id);
create index if not exists idx_biz_certifications_verified_by on biz_certifications (verified_by) where verified_by is not null;
create index if not exists idx_biz_certifications_expiry on biz_certifications (expiry_date) where expiry_date is not null;

comment on table biz_certifications is 'One row per certificate or licence of a business, as one of FSSAI or ISO.';
comment on column biz_certifications.business_id is 'The business.';
comment on column biz_certifications.name is 'What is certified.';
comment on column biz_certifications.issuing_authority is 'Who issued it.';
comment on column biz_certifications.certificate_number is 'Number on the certificate.';
comment on column biz_certifications.credential_url is 'Where the issuer confirms it.';
comment on column biz_certifications.issue_date is 'First day on which it is valid.';
comment on column biz_certifications.expiry_date is 'Last day on which it is valid; empty if permanent or not known.';
comment on column biz_certifications.is_permanent is 'Whether it never expires.';
comment on column biz_certifications.document_url is 'Address of a copy.';
comment on column biz_certifications.is_verified is 'Whether somebody of the platform has checked it.';
comment on column biz_certifications.verified_at is 'When that was; empty if it is not verified.';
comment on column biz_certifications.verified_by is 'Who checked it.';
call finish_table('biz_certifications', 'is_verified', 'verified_at', 'verified_by');

-- ---------------------------------------------------------------------------------------------
-- Farms and suppliers

create table if not exists biz_farm_details (
    business_id uuid not null,
    farm_type text,
    total_capacity int,
    number_of_sheds int,
    total_area_acres numeric(10, 2),
    monthly_production numeric(12, 2),
    monthly_production_unit text,
    farming_since date,
    breeds text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_biz_farm_details primary key (business_id),
    constraint fk_biz_farm_details_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint ck_biz_farm_details_farm_type check (farm_type in ('broiler', 'layer', 'breeder', 'mixed')),
    constraint ck_biz_farm_details_total_capacity check (total_capacity >= 0),
    constraint ck_biz_farm_details_number_of_sheds check (number_of_sheds >= 0),
    constraint ck_biz_farm_details_total_area_acres check (total_area_acres >= 0 and total_area_acres <> 'NaN'),
    constraint ck_biz_farm_details_monthly_production check (monthly_production >= 0 and monthly_production <> 'NaN'),
    constraint ck_biz_farm_details_monthly_production_unit check (monthly_production_unit in ('eggs', 'birds', 'kg')),
    constraint ck_biz_farm_details_production check ((monthly_production is null) = (monthly_production_unit is null))
);
comment on table biz_farm_details is 'One row per business that keeps birds and tells of it.';
comment on column biz_farm_details.business_id is 'The business.';
comment on column biz_farm_details.farm_type is 'broiler, layer, breeder or mixed.';
comment on column biz_farm_details.total_capacity is 'Birds that its sheds can hold.';
comment on column biz_farm_details.number_of_sheds is 'Sheds for birds.';
comment on column biz_farm_details.total_area_acres is 'Land, in acres.';
comment on column biz_farm_details.monthly_production is 'What it produces in an ordinary month, in monthly_production_unit.';
comment on column biz_farm_details.monthly_production_unit is 'eggs, birds or kg (live weight).';
comment on column biz_farm_details.farming_since is 'Since when it has kept birds.';
comment on column biz_farm_details.breeds is 'Breeds that it keeps, by name.';
call finish_table('biz_farm_details');

create table if not exists biz_supplier_details (
    business_id uuid not null,
    supplier_type text,
    product_categories text[] not null default '{}',
    brands_supplied text[] not null default '{}',
    minimum_order_value numeric(12, 2),
    delivery_time_days int,
    gst_number text,
    pan_number text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_biz_supplier_details primary key (business_id),
    constraint fk_biz_supplier_details_business foreign key (business_id) references biz_profiles (id) on delete cascade,
    constraint ck_biz_supplier_details_supplier_type check (supplier_type in ('feed', 'equipment', 'medication', 'chicks', 'other')),
    constraint ck_biz_supplier_details_minimum_order_value check (minimum_order_value >= 0 and minimum_order_value <> 'NaN'),
    constraint ck_biz_supplier_details_delivery_time_days check (delivery_time_days >= 0),
    constraint ck_biz_supplier_details_gst_number check (gst_number ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$'),
    constraint ck_biz_supplier_details_pan_number check (pan_number ~ '^[A-Z]{5}[0-9]{4}[A-Z]$')
);
comment on table biz_supplier_details is 'One row per business that supplies others and tells of it.';
comment on column biz_supplier_details.business_id is 'The business.';
comment on column biz_supplier_details.supplier_type is 'What it mainly supplies: feed, equipment, medication, chicks or other.';
comment on column biz_supplier_details.product_categories is 'Kinds of products, in words.';
comment on column biz_supplier_details.brands_supplied is 'Brands, by name.';
comment on column biz_supplier_details.minimum_order_value is 'Smallest order it takes, in INR.';
comment on column biz_supplier_details.delivery_time_days is 'Days from order to delivery, as a rule.';
comment on column biz_supplier_details.gst_number is 'GST identification number, 15 characters; the third to the twelfth are the PAN.';
comment on column biz_supplier_details.pan_number is 'Permanent account number of the income tax, 10 characters.';
call finish_table('biz_supplier_details');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('biz');
