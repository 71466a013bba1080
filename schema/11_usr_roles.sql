-- 11_usr_roles.sql: what is particular to a role of a person
--
-- Purpose  the details of farmers, veterinarians, suppliers, consultants, researchers, nutritionists, traders,
--          students and government officials.
-- Grain    one row per role of a profile (usr_profile_roles), in the table of that role; the row is optional.
-- Units    amounts are INR; years are whole years as the person says.
-- Needs    00_extensions.sql, 01_core_and_ref.sql, 10_usr_core.sql.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- A row of details stands in the table of its role, and the role stays what it is

create or replace function trg_fn_role_fits() returns trigger
language plpgsql
as $$
declare
    v_slug text;
begin
    select r.slug into v_slug
    from usr_profile_roles pr join ref_roles r on r.id = pr.role_id
    where pr.id = new.profile_role_id;
    if v_slug <> all (tg_argv) then -- a missing row is for the foreign key to refuse
        raise exception '%: the role is %, wanted %', tg_table_name, v_slug, array_to_string(tg_argv, ' or ')
            using errcode = 'check_violation', constraint = 'ck_' || tg_table_name || '_role', table = tg_table_name;
    end if;
    return new;
end
$$;
comment on function trg_fn_role_fits() is 'Trigger: details go to a role whose slug is one of the arguments.';

create or replace function trg_fn_role_is_fixed() returns trigger
language plpgsql
as $$
begin
    raise exception 'role % of profile % keeps its kind: delete it and add the other', old.id, old.profile_id
        using errcode = 'check_violation', constraint = 'ck_usr_profile_roles_role_is_fixed', table = tg_table_name;
end
$$;
comment on function trg_fn_role_is_fixed() is 'Trigger: a role of a profile cannot become another one under its details.';
create or replace trigger trg_usr_profile_roles_is_fixed
    before update of role_id on usr_profile_roles
    for each row when (old.role_id is distinct from new.role_id) execute function trg_fn_role_is_fixed();

-- ---------------------------------------------------------------------------------------------

create table if not exists usr_farmer_details (
    profile_role_id uuid not null,
    farm_name text,
    farm_size numeric(10, 2),
    farm_size_unit text,
    farm_type text,
    bird_capacity int,
    number_of_sheds int,
    years_farming int,
    farming_since date,
    specializations text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_farmer_details primary key (profile_role_id),
    constraint fk_usr_farmer_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_farmer_details_farm_name check (btrim(farm_name) <> '' and length(farm_name) <= 200),
    constraint ck_usr_farmer_details_farm_size check (
        farm_size >= 0 and farm_size <> 'NaN' and (farm_size is null) = (farm_size_unit is null)),
    constraint ck_usr_farmer_details_farm_size_unit check (
        farm_size_unit in ('acres', 'hectares', 'square_feet', 'square_meters')),
    constraint ck_usr_farmer_details_farm_type check (farm_type in ('broiler', 'layer', 'breeder', 'mixed')),
    constraint ck_usr_farmer_details_bird_capacity check (bird_capacity >= 0),
    constraint ck_usr_farmer_details_number_of_sheds check (number_of_sheds >= 0),
    constraint ck_usr_farmer_details_years_farming check (years_farming between 0 and 100),
    constraint ck_usr_farmer_details_farming_since check (farming_since between date '1900-01-01' and date '2199-12-31')
);
comment on table usr_farmer_details is 'One row per role as farmer: the farm.';
comment on column usr_farmer_details.profile_role_id is 'The role as farmer.';
comment on column usr_farmer_details.farm_name is 'Name of the farm.';
comment on column usr_farmer_details.farm_size is 'Size of the farm, in farm_size_unit.';
comment on column usr_farmer_details.farm_size_unit is 'acres, hectares, square_feet or square_meters.';
comment on column usr_farmer_details.farm_type is 'What is kept: broiler, layer, breeder or mixed.';
comment on column usr_farmer_details.bird_capacity is 'Birds that the sheds hold.';
comment on column usr_farmer_details.number_of_sheds is 'Sheds on the farm.';
comment on column usr_farmer_details.years_farming is 'Years as a farmer, as the person says.';
comment on column usr_farmer_details.farming_since is 'First day as a farmer; often only the year is meant.';
comment on column usr_farmer_details.specializations is 'What the farm is particular about, in the person''s words.';
call finish_table('usr_farmer_details');
create or replace trigger trg_usr_farmer_details_role
    before insert or update of profile_role_id on usr_farmer_details
    for each row execute function trg_fn_role_fits('farmer');

create table if not exists usr_veterinarian_details (
    profile_role_id uuid not null,
    license_number text,
    license_state text,
    license_expiry_date date,
    practice_name text,
    practice_type text,
    years_experience int,
    specializations text[] not null default '{}',
    service_radius_km int,
    is_available_for_emergency boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_veterinarian_details primary key (profile_role_id),
    constraint fk_usr_veterinarian_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_veterinarian_details_license_number check (btrim(license_number) <> '' and length(license_number) <= 60),
    constraint ck_usr_veterinarian_details_license_state check (btrim(license_state) <> '' and length(license_state) <= 100),
    constraint ck_usr_veterinarian_details_practice_name check (btrim(practice_name) <> '' and length(practice_name) <= 200),
    constraint ck_usr_veterinarian_details_practice_type check (practice_type in ('clinic', 'field', 'hospital', 'consultant')),
    constraint ck_usr_veterinarian_details_years_experience check (years_experience between 0 and 100),
    constraint ck_usr_veterinarian_details_service_radius check (service_radius_km >= 0)
);
comment on table usr_veterinarian_details is 'One row per role as veterinarian: licence and practice.';
comment on column usr_veterinarian_details.profile_role_id is 'The role as veterinarian.';
comment on column usr_veterinarian_details.license_number is 'Number of the licence to practise.';
comment on column usr_veterinarian_details.license_state is 'State whose council gave the licence.';
comment on column usr_veterinarian_details.license_expiry_date is 'Last day on which the licence is valid.';
comment on column usr_veterinarian_details.practice_name is 'Name of the practice.';
comment on column usr_veterinarian_details.practice_type is 'clinic, field, hospital or consultant.';
comment on column usr_veterinarian_details.years_experience is 'Years in the profession, as the person says.';
comment on column usr_veterinarian_details.specializations is 'What the person is particular about, in their words.';
comment on column usr_veterinarian_details.service_radius_km is 'How far from home the person works, in kilometres.';
comment on column usr_veterinarian_details.is_available_for_emergency is 'Whether the person comes at any hour.';
call finish_table('usr_veterinarian_details');
create or replace trigger trg_usr_veterinarian_details_role
    before insert or update of profile_role_id on usr_veterinarian_details
    for each row execute function trg_fn_role_fits('veterinarian');

create table if not exists usr_supplier_details (
    profile_role_id uuid not null,
    supplier_type text,
    company_name text,
    product_categories text[] not null default '{}',
    brands_supplied text[] not null default '{}',
    has_delivery boolean not null default false,
    service_areas text[] not null default '{}',
    minimum_order_value numeric(12, 2),
    years_in_business int,
    gst_number text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_supplier_details primary key (profile_role_id),
    constraint fk_usr_supplier_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_supplier_details_supplier_type check (
        supplier_type in ('feed', 'equipment', 'medication', 'chicks', 'other')),
    constraint ck_usr_supplier_details_company_name check (btrim(company_name) <> '' and length(company_name) <= 200),
    constraint ck_usr_supplier_details_minimum_order_value check (minimum_order_value >= 0 and minimum_order_value <> 'NaN'),
    constraint ck_usr_supplier_details_years_in_business check (years_in_business between 0 and 300),
    constraint ck_usr_supplier_details_gst_number check (gst_number ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$')
);
comment on table usr_supplier_details is 'One row per role as supplier of feed or equipment: what is sold, and where.';
comment on column usr_supplier_details.profile_role_id is 'The role as supplier.';
comment on column usr_supplier_details.supplier_type is 'What is sold above all: feed, equipment, medication, chicks or other.';
comment on column usr_supplier_details.company_name is 'Name of the company.';
comment on column usr_supplier_details.product_categories is 'Kinds of products, in the person''s words.';
comment on column usr_supplier_details.brands_supplied is 'Brands that are sold.';
comment on column usr_supplier_details.has_delivery is 'Whether the goods are brought.';
comment on column usr_supplier_details.service_areas is 'States, districts or towns that are served.';
comment on column usr_supplier_details.minimum_order_value is 'Smallest order that is taken, in INR.';
comment on column usr_supplier_details.years_in_business is 'Age of the business in years, as the person says.';
comment on column usr_supplier_details.gst_number is 'GST identification number, 15 characters.';
call finish_table('usr_supplier_details');
create or replace trigger trg_usr_supplier_details_role
    before insert or update of profile_role_id on usr_supplier_details
    for each row execute function trg_fn_role_fits('feed-supplier', 'equipment-supplier');

create table if not exists usr_consultant_details (
    profile_role_id uuid not null,
    consultant_type text,
    years_experience int,
    specializations text[] not null default '{}',
    certifications text[] not null default '{}',
    hourly_rate numeric(12, 2),
    daily_rate numeric(12, 2),
    has_remote_service boolean not null default false,
    has_onsite_service boolean not null default false,
    service_areas text[] not null default '{}',
    languages_spoken text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_consultant_details primary key (profile_role_id),
    constraint fk_usr_consultant_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_consultant_details_consultant_type check (
        consultant_type in ('nutrition', 'management', 'technical', 'business', 'other')),
    constraint ck_usr_consultant_details_years_experience check (years_experience between 0 and 100),
    constraint ck_usr_consultant_details_hourly_rate check (hourly_rate >= 0 and hourly_rate <> 'NaN'),
    constraint ck_usr_consultant_details_daily_rate check (daily_rate >= 0 and daily_rate <> 'NaN')
);
comment on table usr_consultant_details is 'One row per role as consultant: what advice is given, where, and for how much.';
comment on column usr_consultant_details.profile_role_id is 'The role as consultant.';
comment on column usr_consultant_details.consultant_type is
    'What the advice is about: nutrition, management, technical, business or other.';
comment on column usr_consultant_details.years_experience is 'Years in the profession, as the person says.';
comment on column usr_consultant_details.specializations is 'What the person is particular about, in their words.';
comment on column usr_consultant_details.certifications is 'Names of certificates; proven ones stand in usr_certifications.';
comment on column usr_consultant_details.hourly_rate is 'Usual price of an hour, in INR.';
comment on column usr_consultant_details.daily_rate is 'Usual price of a day, in INR.';
comment on column usr_consultant_details.has_remote_service is 'Whether advice is given from afar.';
comment on column usr_consultant_details.has_onsite_service is 'Whether the person comes to the farm.';
comment on column usr_consultant_details.service_areas is 'States, districts or towns that are served.';
comment on column usr_consultant_details.languages_spoken is 'Languages in which advice is given.';
call finish_table('usr_consultant_details');
create or replace trigger trg_usr_consultant_details_role
    before insert or update of profile_role_id on usr_consultant_details
    for each row execute function trg_fn_role_fits('consultant');

create table if not exists usr_researcher_details (
    profile_role_id uuid not null,
    institution text,
    research_areas text[] not null default '{}',
    highest_degree text,
    field_of_study text,
    publications_count int not null default 0,
    h_index int,
    current_projects text[] not null default '{}',
    is_looking_for_collaboration boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_researcher_details primary key (profile_role_id),
    constraint fk_usr_researcher_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_researcher_details_institution check (btrim(institution) <> '' and length(institution) <= 200),
    constraint ck_usr_researcher_details_highest_degree check (btrim(highest_degree) <> '' and length(highest_degree) <= 200),
    constraint ck_usr_researcher_details_field_of_study check (btrim(field_of_study) <> '' and length(field_of_study) <= 200),
    constraint ck_usr_researcher_details_publications_count check (publications_count >= 0),
    constraint ck_usr_researcher_details_h_index check (h_index >= 0)
);
comment on table usr_researcher_details is 'One row per role as researcher: institution, field and record.';
comment on column usr_researcher_details.profile_role_id is 'The role as researcher.';
comment on column usr_researcher_details.institution is 'Where the person does research.';
comment on column usr_researcher_details.research_areas is 'What the research is about, in the person''s words.';
comment on column usr_researcher_details.highest_degree is 'Highest degree, as in PhD.';
comment on column usr_researcher_details.field_of_study is 'Field of that degree.';
comment on column usr_researcher_details.publications_count is 'Publications in all, as the person says; those listed here stand in usr_publications.';
comment on column usr_researcher_details.h_index is 'Hirsch index: so many publications with at least so many citations each.';
comment on column usr_researcher_details.current_projects is 'Projects that run, by name.';
comment on column usr_researcher_details.is_looking_for_collaboration is 'Whether the person looks for partners.';
call finish_table('usr_researcher_details');
create or replace trigger trg_usr_researcher_details_role
    before insert or update of profile_role_id on usr_researcher_details
    for each row execute function trg_fn_role_fits('researcher');

create table if not exists usr_nutritionist_details (
    profile_role_id uuid not null,
    license_number text,
    years_experience int,
    specializations text[] not null default '{}',
    has_formulation_service boolean not null default false,
    has_consultation_service boolean not null default false,
    has_training_service boolean not null default false,
    service_areas text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_nutritionist_details primary key (profile_role_id),
    constraint fk_usr_nutritionist_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_nutritionist_details_license_number check (btrim(license_number) <> '' and length(license_number) <= 60),
    constraint ck_usr_nutritionist_details_years_experience check (years_experience between 0 and 100)
);
comment on table usr_nutritionist_details is 'One row per role as nutritionist of poultry: what is offered, and where.';
comment on column usr_nutritionist_details.profile_role_id is 'The role as nutritionist.';
comment on column usr_nutritionist_details.license_number is 'Number of the licence or registration.';
comment on column usr_nutritionist_details.years_experience is 'Years in the profession, as the person says.';
comment on column usr_nutritionist_details.specializations is 'What the person is particular about, in their words.';
comment on column usr_nutritionist_details.has_formulation_service is 'Whether the person formulates feed for others.';
comment on column usr_nutritionist_details.has_consultation_service is 'Whether the person gives advice.';
comment on column usr_nutritionist_details.has_training_service is 'Whether the person trains others.';
comment on column usr_nutritionist_details.service_areas is 'States, districts or towns that are served.';
call finish_table('usr_nutritionist_details');
create or replace trigger trg_usr_nutritionist_details_role
    before insert or update of profile_role_id on usr_nutritionist_details
    for each row execute function trg_fn_role_fits('nutritionist');

create table if not exists usr_trader_details (
    profile_role_id uuid not null,
    trade_types text[] not null default '{}',
    states text[] not null default '{}',
    monthly_volume numeric(12, 2),
    monthly_volume_unit text,
    license_number text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_trader_details primary key (profile_role_id),
    constraint fk_usr_trader_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_trader_details_monthly_volume check (
        monthly_volume >= 0 and monthly_volume <> 'NaN' and (monthly_volume is null) = (monthly_volume_unit is null)),
    constraint ck_usr_trader_details_monthly_volume_unit check (monthly_volume_unit in ('eggs', 'birds', 'tonnes')),
    constraint ck_usr_trader_details_license_number check (btrim(license_number) <> '' and length(license_number) <= 60)
);
comment on table usr_trader_details is 'One row per role as trader: what is traded, where, and how much.';
comment on column usr_trader_details.profile_role_id is 'The role as trader.';
comment on column usr_trader_details.trade_types is 'What is traded, as in table eggs, in the person''s words.';
comment on column usr_trader_details.states is 'States in which the person trades, by name.';
comment on column usr_trader_details.monthly_volume is 'Usual trade of a month, in monthly_volume_unit.';
comment on column usr_trader_details.monthly_volume_unit is 'eggs (single ones), birds or tonnes.';
comment on column usr_trader_details.license_number is 'Number of the licence to trade.';
call finish_table('usr_trader_details');
create or replace trigger trg_usr_trader_details_role
    before insert or update of profile_role_id on usr_trader_details
    for each row execute function trg_fn_role_fits('trader');

create table if not exists usr_student_details (
    profile_role_id uuid not null,
    institution text,
    degree text,
    field_of_study text,
    expected_graduation_date date,
    interests text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_student_details primary key (profile_role_id),
    constraint fk_usr_student_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_student_details_institution check (btrim(institution) <> '' and length(institution) <= 200),
    constraint ck_usr_student_details_degree check (btrim(degree) <> '' and length(degree) <= 200),
    constraint ck_usr_student_details_field_of_study check (btrim(field_of_study) <> '' and length(field_of_study) <= 200),
    constraint ck_usr_student_details_expected_graduation_date check (
        expected_graduation_date between date '1900-01-01' and date '2199-12-31')
);
comment on table usr_student_details is 'One row per role as student: where and what the person studies.';
comment on column usr_student_details.profile_role_id is 'The role as student.';
comment on column usr_student_details.institution is 'University, college or institute.';
comment on column usr_student_details.degree is 'Degree that is aimed at, as in BVSc.';
comment on column usr_student_details.field_of_study is 'Field of that degree.';
comment on column usr_student_details.expected_graduation_date is 'When the studies should end; often only month and year are meant.';
comment on column usr_student_details.interests is 'What the person wants to work on, in their words.';
call finish_table('usr_student_details');
create or replace trigger trg_usr_student_details_role
    before insert or update of profile_role_id on usr_student_details
    for each row execute function trg_fn_role_fits('student');

create table if not exists usr_government_official_details (
    profile_role_id uuid not null,
    department text,
    designation text,
    jurisdiction_state text,
    jurisdiction_district text,
    employee_id text,
    office_phone text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_usr_government_official_details primary key (profile_role_id),
    constraint fk_usr_government_official_details_profile_role foreign key (profile_role_id)
        references usr_profile_roles (id) on delete cascade,
    constraint ck_usr_government_official_details_department check (btrim(department) <> '' and length(department) <= 200),
    constraint ck_usr_government_official_details_designation check (btrim(designation) <> '' and length(designation) <= 200),
    constraint ck_usr_government_official_details_jurisdiction_state check (
        btrim(jurisdiction_state) <> '' and length(jurisdiction_state) <= 100),
    constraint ck_usr_government_official_details_jurisdiction_district check (
        btrim(jurisdiction_district) <> '' and length(jurisdiction_district) <= 100),
    constraint ck_usr_government_official_details_employee_id check (btrim(employee_id) <> '' and length(employee_id) <= 60),
    constraint ck_usr_government_official_details_office_phone check (office_phone ~ '^\+?[0-9][0-9 -]{6,19}$')
);
comment on table usr_government_official_details is 'One row per role as government official: office and area.';
comment on column usr_government_official_details.profile_role_id is 'The role as government official.';
comment on column usr_government_official_details.department is 'Department or board.';
comment on column usr_government_official_details.designation is 'Office that the person holds.';
comment on column usr_government_official_details.jurisdiction_state is 'State that the office is for, by name.';
comment on column usr_government_official_details.jurisdiction_district is 'District that the office is for; empty for a whole state.';
comment on column usr_government_official_details.employee_id is 'The department''s number of the person.';
comment on column usr_government_official_details.office_phone is 'Phone number of the office.';
call finish_table('usr_government_official_details');
create or replace trigger trg_usr_government_official_details_role
    before insert or update of profile_role_id on usr_government_official_details
    for each row execute function trg_fn_role_fits('government-official');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('usr');
