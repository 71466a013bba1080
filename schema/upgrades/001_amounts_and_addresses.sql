-- 001_amounts_and_addresses.sql: no amount is NaN, which a numeric column takes and a floor alone lets through; addresses of
-- pictures are addresses and texts about a place have an end; a remark lies on a day of our time; no horizon is missing.

alter table if exists profiles
    drop constraint if exists ck_profiles_location_state,
    drop constraint if exists ck_profiles_location_district,
    drop constraint if exists ck_profiles_location_city,
    drop constraint if exists ck_profiles_country,
    drop constraint if exists ck_profiles_profile_photo_url,
    drop constraint if exists ck_profiles_cover_photo_url,
    add constraint ck_profiles_location_state check (btrim(location_state) <> '' and length(location_state) <= 100),
    add constraint ck_profiles_location_district check (btrim(location_district) <> '' and length(location_district) <= 100),
    add constraint ck_profiles_location_city check (btrim(location_city) <> '' and length(location_city) <= 100),
    add constraint ck_profiles_country check (btrim(country) <> '' and length(country) <= 100),
    add constraint ck_profiles_profile_photo_url
        check (profile_photo_url ~ '^https?://[^[:space:]]+$' and length(profile_photo_url) <= 2000),
    add constraint ck_profiles_cover_photo_url
        check (cover_photo_url ~ '^https?://[^[:space:]]+$' and length(cover_photo_url) <= 2000);

alter table if exists msg_conversations
    drop constraint if exists ck_msg_conversations_group_photo_url,
    add constraint ck_msg_conversations_group_photo_url
        check (group_photo_url ~ '^https?://[^[:space:]]+$' and length(group_photo_url) <= 2000);

alter table if exists mkt_categories
    drop constraint if exists ck_mkt_categories_icon,
    add constraint ck_mkt_categories_icon check (length(icon) <= 50);

alter table if exists nec_annotations
    drop constraint if exists ck_nec_annotations_days,
    drop constraint if exists ck_nec_annotations_date,
    drop constraint if exists ck_nec_annotations_end_date,
    add constraint ck_nec_annotations_date check (date between date '1900-01-01' and date '2199-12-31'),
    add constraint ck_nec_annotations_end_date check (end_date >= date and end_date <= date '2199-12-31');

alter table if exists nec_annotation_metadata
    drop constraint if exists ck_nec_annotation_metadata_source_url,
    add constraint ck_nec_annotation_metadata_source_url
        check (source_url ~ '^https?://[^[:space:]]+$' and length(source_url) <= 2000);

alter table if exists nec_model_runs
    drop constraint if exists ck_nec_model_runs_horizons_days,
    add constraint ck_nec_model_runs_horizons_days check (
        cardinality(horizons_days) > 0 and 1 <= all (horizons_days) and array_position(horizons_days, null) is null);

alter table if exists nec_predictions
    drop constraint if exists ck_nec_predictions_upper_95,
    drop constraint if exists ck_nec_predictions_naive_price,
    drop constraint if exists ck_nec_predictions_actual_price,
    add constraint ck_nec_predictions_upper_95 check (upper_95 <> 'NaN'),
    add constraint ck_nec_predictions_naive_price check (naive_price > 0 and naive_price <> 'NaN'),
    add constraint ck_nec_predictions_actual_price check (actual_price > 0 and actual_price <> 'NaN');

alter table if exists usr_farmer_details
    drop constraint if exists ck_usr_farmer_details_farm_size,
    add constraint ck_usr_farmer_details_farm_size check (
        farm_size >= 0 and farm_size <> 'NaN' and (farm_size is null) = (farm_size_unit is null));

alter table if exists usr_trader_details
    drop constraint if exists ck_usr_trader_details_monthly_volume,
    add constraint ck_usr_trader_details_monthly_volume check (
        monthly_volume >= 0 and monthly_volume <> 'NaN' and (monthly_volume is null) = (monthly_volume_unit is null));

-- The others are a floor and no more.
do $amounts$
declare
    v_table text;
    v_column text;
begin
    for v_table, v_column in
        values ('usr_supplier_details', 'minimum_order_value'), ('usr_consultant_details', 'hourly_rate'),
            ('usr_consultant_details', 'daily_rate'), ('biz_service_areas', 'minimum_order_value'),
            ('biz_farm_details', 'total_area_acres'), ('biz_farm_details', 'monthly_production'),
            ('biz_supplier_details', 'minimum_order_value'), ('org_membership_tiers', 'annual_fee'),
            ('evt_events', 'registration_fee'), ('evt_sponsors', 'amount'), ('anl_referrals', 'reward_amount'),
            ('job_postings', 'salary_min'), ('job_postings', 'salary_max'), ('mkt_products', 'price'),
            ('mkt_orders', 'subtotal'), ('mkt_orders', 'tax'), ('mkt_orders', 'shipping'), ('mkt_order_items', 'unit_price')
    loop
        execute format('alter table if exists %1$I drop constraint if exists %2$I,'
            ' add constraint %2$I check (%3$I >= 0 and %3$I <> ''NaN'')', v_table, concat_ws('_', 'ck', v_table, v_column), v_column);
    end loop;
end
$amounts$;
