-- 01_reference_data.sql: the entries of the reference lists, the staff's roles, the settings, the NECC zones and their names
--
-- Purpose  what an empty platform must know before the first person or price comes.
-- Needs    all files of schema/.
-- Applied  again and again: texts follow this file; what an administrator may have set (is_active, permissions, the value
--          of a setting) stays; and a row that is already as it should be is not touched.
-- Zones    37 markets, as the sheets from 2009 on name them. Which section prints them is not a property of theirs and
--          not here. Coordinates are the approximate centres of the towns (about 0.05 degrees). A zone printed with
--          "(CC)" is a consumption centre; without it the type is a judgement and says so. States and districts are
--          today's: the Andhra and Telangana zones belonged to one state until 2014.

-- ---------------------------------------------------------------------------------------------
-- Countries and states (ISO 3166-1 and 3166-2:IN)

insert into ref_countries as t (code, name, phone_code, currency, is_active, sort_order)
values
    ('IN', 'India', '+91', 'INR', true, 1),
    ('US', 'United States', '+1', 'USD', false, 2),
    ('GB', 'United Kingdom', '+44', 'GBP', false, 3)
on conflict (code) do update
set name = excluded.name, phone_code = excluded.phone_code, currency = excluded.currency, sort_order = excluded.sort_order
where (t.name, t.phone_code, t.currency, t.sort_order)
    is distinct from (excluded.name, excluded.phone_code, excluded.currency, excluded.sort_order);

insert into ref_states as t (country_id, code, name, type)
select c.id, s.code, s.name, s.type
from (values
    ('AP', 'Andhra Pradesh', 'state'),
    ('AR', 'Arunachal Pradesh', 'state'),
    ('AS', 'Assam', 'state'),
    ('BR', 'Bihar', 'state'),
    ('CG', 'Chhattisgarh', 'state'),
    ('GA', 'Goa', 'state'),
    ('GJ', 'Gujarat', 'state'),
    ('HR', 'Haryana', 'state'),
    ('HP', 'Himachal Pradesh', 'state'),
    ('JH', 'Jharkhand', 'state'),
    ('KA', 'Karnataka', 'state'),
    ('KL', 'Kerala', 'state'),
    ('MP', 'Madhya Pradesh', 'state'),
    ('MH', 'Maharashtra', 'state'),
    ('MN', 'Manipur', 'state'),
    ('ML', 'Meghalaya', 'state'),
    ('MZ', 'Mizoram', 'state'),
    ('NL', 'Nagaland', 'state'),
    ('OD', 'Odisha', 'state'),
    ('PB', 'Punjab', 'state'),
    ('RJ', 'Rajasthan', 'state'),
    ('SK', 'Sikkim', 'state'),
    ('TN', 'Tamil Nadu', 'state'),
    ('TS', 'Telangana', 'state'),
    ('TR', 'Tripura', 'state'),
    ('UP', 'Uttar Pradesh', 'state'),
    ('UK', 'Uttarakhand', 'state'),
    ('WB', 'West Bengal', 'state'),
    ('AN', 'Andaman and Nicobar Islands', 'union_territory'),
    ('CH', 'Chandigarh', 'union_territory'),
    ('DH', 'Dadra and Nagar Haveli and Daman and Diu', 'union_territory'),
    ('DL', 'Delhi', 'union_territory'),
    ('JK', 'Jammu and Kashmir', 'union_territory'),
    ('LA', 'Ladakh', 'union_territory'),
    ('LD', 'Lakshadweep', 'union_territory'),
    ('PY', 'Puducherry', 'union_territory')
) s (code, name, type)
join ref_countries c on c.code = 'IN'
on conflict (country_id, code) do update
set name = excluded.name, type = excluded.type
where (t.name, t.type) is distinct from (excluded.name, excluded.type);

-- ---------------------------------------------------------------------------------------------
-- Roles of people. The slugs are those that the detail tables ask for.

insert into ref_roles as t (slug, name, category, description, icon, sort_order)
values
    ('farmer', 'Farmer', 'primary', 'Keeps layers, broilers or breeders.', 'tractor', 1),
    ('feed-supplier', 'Feed Supplier', 'primary', 'Makes or sells feed.', 'wheat', 2),
    ('equipment-supplier', 'Equipment Supplier', 'primary', 'Sells cages, feeders and other equipment.', 'wrench', 3),
    ('veterinarian', 'Veterinarian', 'primary', 'Keeps flocks healthy.', 'stethoscope', 4),
    ('consultant', 'Consultant', 'primary', 'Advises farms and businesses.', 'lightbulb', 5),
    ('trader', 'Trader', 'primary', 'Buys and sells eggs, birds or inputs.', 'scale', 6),
    ('hatchery-owner', 'Hatchery Owner', 'secondary', 'Hatches and sells day-old chicks.', 'egg', 7),
    ('processing-unit-owner', 'Processing Unit Owner', 'secondary', 'Slaughters, packs or processes.', 'factory', 8),
    ('researcher', 'Researcher', 'secondary', 'Studies poultry and publishes what is found.', 'microscope', 9),
    ('student', 'Student', 'secondary', 'Learns poultry or veterinary science.', 'graduation-cap', 10),
    ('government-official', 'Government Official', 'secondary', 'Works for a department or board of a government.', 'landmark', 11),
    ('nutritionist', 'Nutritionist', 'secondary', 'Makes up rations.', 'flask', 12),
    ('association-member', 'Association Member', 'secondary', 'Is active in an association of the trade.', 'users', 13),
    ('investor', 'Investor', 'secondary', 'Puts money into farms and businesses.', 'coins', 14),
    ('service-provider', 'Service Provider', 'secondary', 'Carries, insures, builds or repairs for the trade.', 'truck', 15)
on conflict (slug) do update
set name = excluded.name, category = excluded.category, description = excluded.description, icon = excluded.icon,
    sort_order = excluded.sort_order
where (t.name, t.category, t.description, t.icon, t.sort_order)
    is distinct from (excluded.name, excluded.category, excluded.description, excluded.icon, excluded.sort_order);

-- ---------------------------------------------------------------------------------------------
-- Kinds of businesses, organizations, events and jobs

insert into ref_business_types as t (slug, name, category, description, sort_order)
values
    ('layer-farm', 'Layer Farm', 'production', 'Keeps hens for table eggs.', 1),
    ('broiler-farm', 'Broiler Farm', 'production', 'Raises chickens for meat.', 2),
    ('breeder-farm', 'Breeder Farm', 'production', 'Keeps parent stock for hatching eggs.', 3),
    ('hatchery', 'Hatchery', 'production', 'Hatches and sells day-old chicks.', 4),
    ('integrator', 'Integrator', 'production', 'Runs several stages from breeding to market.', 5),
    ('feed-mill', 'Feed Mill', 'supply', 'Makes and sells poultry feed.', 6),
    ('equipment-supplier', 'Equipment Supplier', 'supply', 'Sells cages, feeders and other farm equipment.', 7),
    ('trading-company', 'Trading Company', 'supply', 'Buys and sells eggs, birds or inputs.', 8),
    ('veterinary-clinic', 'Veterinary Clinic', 'service', 'Treats flocks and advises on their health.', 9),
    ('processing-plant', 'Processing Plant', 'service', 'Slaughters, packs or processes.', 10),
    ('consultancy', 'Consultancy', 'service', 'Advises on farms and business.', 11),
    ('laboratory', 'Laboratory', 'service', 'Tests feed, water and samples.', 12)
on conflict (slug) do update
set name = excluded.name, category = excluded.category, description = excluded.description, sort_order = excluded.sort_order
where (t.name, t.category, t.description, t.sort_order)
    is distinct from (excluded.name, excluded.category, excluded.description, excluded.sort_order);

insert into ref_organization_types as t (slug, name, description, sort_order)
values
    ('poultry-association', 'Poultry Association', 'Members of the trade who speak with one voice.', 1),
    ('cooperative-society', 'Cooperative Society', 'Owned by the members it buys for and sells for.', 2),
    ('research-institute', 'Research Institute', 'Studies poultry and publishes what it finds.', 3),
    ('educational-institute', 'Educational Institute', 'Teaches poultry or veterinary science.', 4),
    ('government-body', 'Government Body', 'A department or board of a government.', 5),
    ('ngo', 'NGO', 'Works for the public good, independent of the state.', 6),
    ('trade-union', 'Trade Union', 'Speaks for the people who work in the trade.', 7),
    ('professional-body', 'Professional Body', 'Sets standards for a profession.', 8)
on conflict (slug) do update
set name = excluded.name, description = excluded.description, sort_order = excluded.sort_order
where (t.name, t.description, t.sort_order) is distinct from (excluded.name, excluded.description, excluded.sort_order);

insert into ref_event_types as t (slug, name, description, sort_order)
values
    ('conference', 'Conference', 'Talks over one or more days.', 1),
    ('workshop', 'Workshop', 'A small group works on one matter.', 2),
    ('webinar', 'Webinar', 'A talk over the internet.', 3),
    ('trade-show', 'Trade Show', 'Suppliers show their goods.', 4),
    ('meetup', 'Meetup', 'People of the trade meet without a programme.', 5),
    ('farm-visit', 'Farm Visit', 'A farm opens its gates.', 6),
    ('training-program', 'Training Program', 'A course with a beginning and an end.', 7),
    ('agm', 'AGM', 'The yearly general meeting of an organization.', 8),
    ('auction', 'Auction', 'Goods go to the highest bidder.', 9),
    ('competition', 'Competition', 'Entries are judged.', 10)
on conflict (slug) do update
set name = excluded.name, description = excluded.description, sort_order = excluded.sort_order
where (t.name, t.description, t.sort_order) is distinct from (excluded.name, excluded.description, excluded.sort_order);

insert into ref_job_categories as t (slug, name, description, sort_order)
values
    ('farm-management', 'Farm Management', 'Running sheds and flocks.', 1),
    ('veterinary', 'Veterinary', 'Keeping flocks healthy.', 2),
    ('technical', 'Technical', 'Equipment, feed and hatching technique.', 3),
    ('sales-and-marketing', 'Sales & Marketing', 'Finding and keeping customers.', 4),
    ('operations', 'Operations', 'Logistics, stores and daily running.', 5),
    ('quality-control', 'Quality Control', 'Testing and grading.', 6),
    ('research-and-development', 'Research & Development', 'New breeds, feeds and methods.', 7),
    ('administration', 'Administration', 'Office and records.', 8),
    ('finance-and-accounts', 'Finance & Accounts', 'Books, credit and costs.', 9),
    ('human-resources', 'Human Resources', 'Hiring and looking after people.', 10)
on conflict (slug) do update
set name = excluded.name, description = excluded.description, sort_order = excluded.sort_order
where (t.name, t.description, t.sort_order) is distinct from (excluded.name, excluded.description, excluded.sort_order);

-- ---------------------------------------------------------------------------------------------
-- Skills

insert into ref_skills as t (slug, name, category, synonyms, sort_order)
values
    ('poultry-farming', 'Poultry Farming', 'technical', '{poultry,poultry rearing}'::text[], 1),
    ('layer-management', 'Layer Management', 'technical', '{layers,layer farming}', 2),
    ('broiler-management', 'Broiler Management', 'technical', '{broilers,broiler farming}', 3),
    ('hatchery-management', 'Hatchery Management', 'technical', '{hatching,incubation}', 4),
    ('feed-formulation', 'Feed Formulation', 'technical', '{feed making,ration formulation}', 5),
    ('disease-management', 'Disease Management', 'technical', '{disease control}', 6),
    ('biosecurity', 'Biosecurity', 'technical', '{bio-security,farm hygiene}', 7),
    ('vaccination', 'Vaccination', 'technical', '{immunization,vaccinating}', 8),
    ('breeding', 'Breeding', 'technical', '{genetics,breeder management}', 9),
    ('nutrition', 'Nutrition', 'technical', '{poultry nutrition,animal nutrition}', 10),
    ('farm-management', 'Farm Management', 'business', '{farm operations}', 11),
    ('business-planning', 'Business Planning', 'business', '{business plans}', 12),
    ('financial-management', 'Financial Management', 'business', '{finance,accounting}', 13),
    ('marketing', 'Marketing', 'business', '{branding}', 14),
    ('sales', 'Sales', 'business', '{selling}', 15),
    ('supply-chain', 'Supply Chain', 'business', '{logistics,supply chain management}', 16),
    ('leadership', 'Leadership', 'soft', '{leading people}', 17),
    ('team-management', 'Team Management', 'soft', '{managing teams}', 18),
    ('communication', 'Communication', 'soft', '{communication skills}', 19),
    ('problem-solving', 'Problem Solving', 'soft', '{troubleshooting}', 20)
on conflict (slug) do update
set name = excluded.name, category = excluded.category, synonyms = excluded.synonyms, sort_order = excluded.sort_order
where (t.name, t.category, t.synonyms, t.sort_order)
    is distinct from (excluded.name, excluded.category, excluded.synonyms, excluded.sort_order);

-- ---------------------------------------------------------------------------------------------
-- Notification types

insert into ref_notification_types as t (
    slug, name, description, icon, color, priority, template, action_url_pattern, is_real_time, is_email, is_push
)
values
    ('connection-request', 'Connection Request', 'Somebody asks to be connected.', 'user-plus', '#1f77b4', 2,
        '{actor} would like to connect with you', '/network/requests/{id}', true, true, true),
    ('connection-accepted', 'Connection Accepted', 'Somebody accepted to be connected.', 'user-check', '#2ca02c', 3,
        '{actor} accepted your request to connect', '/profiles/{id}', true, false, true),
    ('new-message', 'New Message', 'A message arrived.', 'message', '#1f77b4', 1,
        '{actor} sent you a message', '/messages/{id}', true, false, true),
    ('post-like', 'Post Like', 'Somebody likes a post.', 'heart', '#d62728', 5,
        '{actor} likes your post', '/posts/{id}', true, false, false),
    ('post-comment', 'Post Comment', 'Somebody commented on a post.', 'comment', '#9467bd', 3,
        '{actor} commented on your post', '/posts/{id}', true, false, true),
    ('comment-reply', 'Comment Reply', 'Somebody answered a comment.', 'reply', '#9467bd', 3,
        '{actor} answered your comment', '/posts/{id}', true, false, true),
    ('post-mention', 'Post Mention', 'Somebody named the member in a post or comment.', 'at', '#ff7f0e', 2,
        '{actor} mentioned you', '/posts/{id}', true, false, true),
    ('event-invitation', 'Event Invitation', 'An invitation to an event.', 'calendar-plus', '#17becf', 2,
        '{actor} invites you to {object}', '/events/{id}', true, true, true),
    ('event-reminder', 'Event Reminder', 'An event is near.', 'bell', '#17becf', 2,
        '{object} begins soon', '/events/{id}', true, true, true),
    ('resource-published', 'Resource Published', 'Somebody whom the member follows published a resource.', 'book', '#8c564b', 4,
        '{actor} published {object}', '/resources/{id}', true, false, false),
    ('job-application', 'Job Application', 'An application came or moved on.', 'briefcase', '#bcbd22', 2,
        '{actor}: news of the application for {object}', '/jobs/applications/{id}', true, true, true),
    ('profile-view', 'Profile View', 'Somebody looked at the profile.', 'eye', '#7f7f7f', 5,
        '{actor} looked at your profile', '/profiles/{id}', false, false, false),
    ('system-update', 'System Update', 'News from the platform itself.', 'info', '#7f7f7f', 3,
        '{object}', '/updates/{id}', true, false, true)
on conflict (slug) do update
set name = excluded.name, description = excluded.description, icon = excluded.icon, color = excluded.color,
    priority = excluded.priority, template = excluded.template, action_url_pattern = excluded.action_url_pattern
where (t.name, t.description, t.icon, t.color, t.priority, t.template, t.action_url_pattern)
    is distinct from (excluded.name, excluded.description, excluded.icon, excluded.color, excluded.priority,
        excluded.template, excluded.action_url_pattern);

-- ---------------------------------------------------------------------------------------------
-- Subjects of resources

insert into res_categories as t (slug, name, display_order)
values
    ('layer-farming', 'Layer Farming', 1),
    ('broiler-farming', 'Broiler Farming', 2),
    ('breeding-and-hatching', 'Breeding & Hatching', 3),
    ('feed-and-nutrition', 'Feed & Nutrition', 4),
    ('health-and-biosecurity', 'Health & Biosecurity', 5),
    ('markets-and-prices', 'Markets & Prices', 6),
    ('farm-business', 'Farm Business', 7)
on conflict (slug) do update
set name = excluded.name, display_order = excluded.display_order
where (t.name, t.display_order) is distinct from (excluded.name, excluded.display_order);

-- ---------------------------------------------------------------------------------------------
-- Roles of the staff

insert into adm_roles as t (slug, name, description, level, permissions)
values
    ('super-admin', 'Super Admin', 'May do everything, and decides who is on the staff.', 0, '{
        "users": ["view", "create", "edit", "delete", "ban"],
        "content": ["view", "create", "edit", "delete", "moderate"],
        "settings": ["view", "create", "edit", "delete"],
        "analytics": ["view"],
        "admin": ["view", "create", "edit", "delete"]}'::jsonb),
    ('admin', 'Admin', 'Runs the platform from day to day.', 1, '{
        "users": ["view", "create", "edit", "ban"],
        "content": ["view", "create", "edit", "delete", "moderate"],
        "settings": ["view", "edit"],
        "analytics": ["view"],
        "admin": ["view"]}'),
    ('moderator', 'Moderator', 'Looks at what was reported and decides on it.', 2, '{
        "users": ["view", "ban"],
        "content": ["view", "edit", "moderate"],
        "settings": [],
        "analytics": ["view"],
        "admin": []}'),
    ('support', 'Support', 'Helps people who write to the platform.', 3, '{
        "users": ["view"],
        "content": ["view"],
        "settings": [],
        "analytics": [],
        "admin": []}')
on conflict (slug) do update
set name = excluded.name, description = excluded.description, level = excluded.level
where (t.name, t.description, t.level) is distinct from (excluded.name, excluded.description, excluded.level);

-- ---------------------------------------------------------------------------------------------
-- Settings. The limits are those that the tables set, or less.

insert into adm_system_settings as t (key, category, value, is_public, description)
values
    ('platform.name', 'platform', '"PoultryCo"'::jsonb, true, 'Name of the platform.'),
    ('platform.tagline', 'platform', '"The network of the poultry trade"', true, 'One line about it.'),
    ('platform.version', 'platform', '"1.0.0"', true, 'Version that the application shows.'),
    ('platform.launch_date', 'platform', 'null', true, 'Day of the launch, as in 2025-01-31; null until it is decided.'),
    ('features.marketplace', 'features', 'false', true, 'Whether products can be offered and ordered.'),
    ('features.jobs', 'features', 'true', true, 'Whether jobs can be offered and applied for.'),
    ('features.events', 'features', 'true', true, 'Whether events can be made and attended.'),
    ('features.resources', 'features', 'true', true, 'Whether resources can be published.'),
    ('features.messaging', 'features', 'true', true, 'Whether people can write to each other.'),
    ('limits.connections', 'limits', '5000', true, 'Most connections that one person may have.'),
    ('limits.post_characters', 'limits', '5000', true, 'Longest post, in characters.'),
    ('limits.message_characters', 'limits', '5000', true, 'Longest message, in characters.'),
    ('limits.file_megabytes', 'limits', '10', true, 'Largest file that may be uploaded, in megabytes.'),
    ('email.from_address', 'email', '"noreply@example.org"', false, 'Address that e-mails come from.'),
    ('email.from_name', 'email', '"PoultryCo"', false, 'Name that e-mails come from.'),
    ('email.support_address', 'email', '"support@example.org"', true, 'Address that people write to for help.'),
    ('seo.title', 'seo', '"PoultryCo: the network of the poultry trade"', true, 'Title that search engines show.'),
    ('seo.description', 'seo', '"Farmers, veterinarians, suppliers and traders: people, prices, knowledge and jobs."', true,
        'Description that search engines show.')
on conflict (key) do update
set category = excluded.category, description = excluded.description
where (t.category, t.description) is distinct from (excluded.category, excluded.description);

-- ---------------------------------------------------------------------------------------------
-- NECC zones

insert into nec_zones as t (
    slug, name, zone_code, zone_type, state, state_id, district, city, latitude, longitude, sort_order, is_active, description
)
select z.slug, z.name, z.zone_code, z.place || '_center', s.name, s.id, z.district, z.city, z.latitude, z.longitude,
    row_number() over (order by z.name collate "C"), z.is_active, z.description
from (values
    ('ahmedabad', 'Ahmedabad', 'AMD', 'production', 'GJ', 'Ahmedabad', 'Ahmedabad', 23.03, 72.58, true,
        'Printed without (CC); type by judgement.'),
    ('ajmer', 'Ajmer', 'AJM', 'production', 'RJ', 'Ajmer', 'Ajmer', 26.45, 74.64, true, 'Laying belt of Rajasthan.'),
    ('asansol', 'Asansol', 'ASN', 'production', 'WB', 'Paschim Bardhaman', 'Asansol', 23.68, 86.97, false,
        'Quoted from 2019 to August 2020; type by judgement.'),
    ('bardhaman', 'Bardhaman', 'BDN', 'consumption', 'WB', 'Purba Bardhaman', 'Bardhaman', 23.23, 87.86, false,
        'Quoted from 2019 to August 2020.'),
    ('barwala', 'Barwala', 'BWL', 'production', 'HR', 'Hisar', 'Barwala', 29.37, 75.91, true, 'Laying belt of Haryana.'),
    ('bengaluru', 'Bengaluru', 'BLR', 'consumption', 'KA', 'Bengaluru Urban', 'Bengaluru', 12.97, 77.59, true, 'Market.'),
    ('bhopal', 'Bhopal', 'BPL', 'consumption', 'MP', 'Bhopal', 'Bhopal', 23.26, 77.41, true,
        'Printed without (CC); type by judgement.'),
    ('brahmapur', 'Brahmapur', 'BRP', 'production', 'OD', 'Ganjam', 'Brahmapur', 19.31, 84.79, true,
        '(OD) on the sheet stands for Odisha.'),
    ('chennai', 'Chennai', 'CHE', 'consumption', 'TN', 'Chennai', 'Chennai', 13.08, 80.27, true, 'Market.'),
    ('chittoor', 'Chittoor', 'CTR', 'production', 'AP', 'Chittoor', 'Chittoor', 13.22, 79.10, true, 'Laying belt beside Chennai.'),
    ('delhi', 'Delhi', 'DEL', 'consumption', 'DL', 'Central Delhi', 'Delhi', 28.65, 77.22, true, 'Market.'),
    ('east-godavari', 'East Godavari', 'EGD', 'production', 'AP', 'East Godavari', 'Rajamahendravaram', 17.00, 81.80, true,
        'Laying belt; the district was larger until 2022.'),
    ('hospet', 'Hospet', 'HPT', 'production', 'KA', 'Vijayanagara', 'Hosapete', 15.27, 76.39, true,
        'Laying belt; in Ballari district until 2021.'),
    ('hyderabad', 'Hyderabad', 'HYD', 'consumption', 'TS', 'Hyderabad', 'Hyderabad', 17.39, 78.49, true,
        'City and laying belt at once; printed without (CC); type by judgement.'),
    ('indore', 'Indore', 'IDR', 'consumption', 'MP', 'Indore', 'Indore', 22.72, 75.86, true, 'Market.'),
    ('jabalpur', 'Jabalpur', 'JBP', 'production', 'MP', 'Jabalpur', 'Jabalpur', 23.17, 79.94, true,
        'Prevailing until 2020-09-30, suggested from 2020-10-01: one zone.'),
    ('kanpur', 'Kanpur', 'KNP', 'consumption', 'UP', 'Kanpur Nagar', 'Kanpur', 26.45, 80.33, true, 'Market.'),
    ('kolkata', 'Kolkata', 'KOL', 'consumption', 'WB', 'Kolkata', 'Kolkata', 22.57, 88.36, true,
        '(WB) on the sheet stands for West Bengal; older sheets say (CC).'),
    ('lucknow', 'Lucknow', 'LKO', 'consumption', 'UP', 'Lucknow', 'Lucknow', 26.85, 80.95, true, 'Market.'),
    ('ludhiana', 'Ludhiana', 'LDH', 'production', 'PB', 'Ludhiana', 'Ludhiana', 30.90, 75.86, true, 'Laying belt of Punjab.'),
    ('medinipur', 'Medinipur', 'MDP', 'production', 'WB', 'Paschim Medinipur', 'Medinipur', 22.42, 87.32, false,
        'Quoted from 2019 to August 2020; (KOL) on the sheet stands for the Kolkata group; type by judgement.'),
    ('mumbai', 'Mumbai', 'MUM', 'consumption', 'MH', 'Mumbai City', 'Mumbai', 19.08, 72.88, true, 'Market.'),
    ('muzaffarpur', 'Muzaffarpur', 'MZP', 'consumption', 'BR', 'Muzaffarpur', 'Muzaffarpur', 26.12, 85.39, true, 'Market.'),
    ('mysuru', 'Mysuru', 'MYS', 'production', 'KA', 'Mysuru', 'Mysuru', 12.30, 76.64, true, 'Laying belt of Karnataka.'),
    ('nagpur', 'Nagpur', 'NGP', 'production', 'MH', 'Nagpur', 'Nagpur', 21.15, 79.09, true,
        'Printed without (CC); type by judgement.'),
    ('namakkal', 'Namakkal', 'NKL', 'production', 'TN', 'Namakkal', 'Namakkal', 11.22, 78.17, true, 'Laying belt of Tamil Nadu.'),
    ('patna', 'Patna', 'PAT', 'consumption', 'BR', 'Patna', 'Patna', 25.59, 85.14, true,
        'Printed without (CC); type by judgement.'),
    ('prayagraj', 'Prayagraj', 'PRJ', 'consumption', 'UP', 'Prayagraj', 'Prayagraj', 25.44, 81.85, true,
        'Market; printed as Allahabad, its name until 2018.'),
    ('pune', 'Pune', 'PUN', 'production', 'MH', 'Pune', 'Pune', 18.52, 73.86, true,
        'Printed without (CC); type by judgement.'),
    ('raipur', 'Raipur', 'RPR', 'production', 'CG', 'Raipur', 'Raipur', 21.25, 81.63, true, 'Laying belt of Chhattisgarh.'),
    ('ranchi', 'Ranchi', 'RNC', 'consumption', 'JH', 'Ranchi', 'Ranchi', 23.34, 85.31, true, 'Market.'),
    ('surat', 'Surat', 'SRT', 'production', 'GJ', 'Surat', 'Surat', 21.17, 72.83, true,
        'Printed without (CC); type by judgement.'),
    ('varanasi', 'Varanasi', 'VNS', 'consumption', 'UP', 'Varanasi', 'Varanasi', 25.32, 82.99, true, 'Market.'),
    ('vijayawada', 'Vijayawada', 'VJA', 'production', 'AP', 'NTR', 'Vijayawada', 16.51, 80.65, true, 'Laying belt of the Krishna delta.'),
    ('visakhapatnam', 'Visakhapatnam', 'VSP', 'consumption', 'AP', 'Visakhapatnam', 'Visakhapatnam', 17.69, 83.22, true,
        'Printed without (CC); type by judgement.'),
    ('warangal', 'Warangal', 'WGL', 'production', 'TS', 'Warangal', 'Warangal', 17.97, 79.59, true, 'Laying belt of Telangana.'),
    ('west-godavari', 'West Godavari', 'WGD', 'production', 'AP', 'West Godavari', 'Eluru', 16.71, 81.10, true,
        'Laying belt; Eluru is a district of its own since 2022.')
) z (slug, name, zone_code, place, state_code, district, city, latitude, longitude, is_active, description)
join ref_countries c on c.code = 'IN'
join ref_states s on s.country_id = c.id and s.code = z.state_code
on conflict (slug) do update
set name = excluded.name, zone_code = excluded.zone_code, zone_type = excluded.zone_type, state = excluded.state,
    state_id = excluded.state_id, district = excluded.district, city = excluded.city, latitude = excluded.latitude,
    longitude = excluded.longitude, sort_order = excluded.sort_order, description = excluded.description
where (t.name, t.zone_code, t.zone_type, t.state, t.state_id, t.district, t.city, t.latitude, t.longitude, t.sort_order, t.description)
    is distinct from (excluded.name, excluded.zone_code, excluded.zone_type, excluded.state, excluded.state_id, excluded.district,
        excluded.city, excluded.latitude, excluded.longitude, excluded.sort_order, excluded.description);

-- Every way of writing them that a sheet or an older list has. A zone's own name is its alias already, by trigger;
-- it stands here again where the sheets print exactly that.
insert into nec_zone_aliases as t (alias, zone_id, kind, source)
select a.alias, z.id, a.kind,
    case a.kind when 'printed' then 'daily sheet' when 'historic' then 'older sheets and lists' else 'common spelling' end
from (values
    ('ahmedabad', 'Ahmedabad', 'printed'),
    ('ajmer', 'Ajmer', 'printed'),
    ('asansol', 'Asansole', 'printed'),
    ('bardhaman', 'Burdwan (CC)', 'printed'),
    ('bardhaman', 'Burdwan', 'historic'),
    ('bardhaman', 'Bardhaman (CC)', 'spelling'),
    ('barwala', 'Barwala', 'printed'),
    ('bengaluru', 'Bengaluru (CC)', 'printed'),
    ('bengaluru', 'Bangalore', 'historic'),
    ('bengaluru', 'Bangalore (CC)', 'historic'),
    ('bengaluru', 'Banglore', 'spelling'),
    ('bengaluru', 'Banglore (CC)', 'spelling'),
    ('bhopal', 'Bhopal', 'printed'),
    ('brahmapur', 'Brahmapur (OD)', 'printed'),
    ('brahmapur', 'Berhampur', 'historic'),
    ('brahmapur', 'Berhampur (OD)', 'spelling'),
    ('chennai', 'Chennai (CC)', 'printed'),
    ('chennai', 'Madras', 'historic'),
    ('chittoor', 'Chittoor', 'printed'),
    ('delhi', 'Delhi (CC)', 'printed'),
    ('east-godavari', 'E.Godavari', 'printed'),
    ('east-godavari', 'E Godavari', 'spelling'),
    ('hospet', 'Hospet', 'printed'),
    ('hospet', 'Hosapete', 'local'),
    ('hyderabad', 'Hyderabad', 'printed'),
    ('indore', 'Indore (CC)', 'printed'),
    ('jabalpur', 'Jabalpur', 'printed'),
    ('kanpur', 'Kanpur (CC)', 'printed'),
    ('kolkata', 'Kolkata (WB)', 'printed'),
    ('kolkata', 'Kolkata (CC)', 'historic'),
    ('kolkata', 'Calcutta', 'historic'),
    ('lucknow', 'Luknow (CC)', 'printed'),
    ('lucknow', 'Luknow', 'spelling'),
    ('lucknow', 'Lucknow (CC)', 'spelling'),
    ('ludhiana', 'Ludhiana', 'printed'),
    ('medinipur', 'Midnapur (KOL)', 'printed'),
    ('medinipur', 'Midnapur', 'historic'),
    ('medinipur', 'Medinipur (KOL)', 'spelling'),
    ('mumbai', 'Mumbai (CC)', 'printed'),
    ('mumbai', 'Bombay', 'historic'),
    ('muzaffarpur', 'Muzaffurpur (CC)', 'printed'),
    ('muzaffarpur', 'Muzaffurpur', 'spelling'),
    ('muzaffarpur', 'Muzaffarpur (CC)', 'spelling'),
    ('mysuru', 'Mysuru', 'printed'),
    ('mysuru', 'Mysore', 'historic'),
    ('nagpur', 'Nagpur', 'printed'),
    ('namakkal', 'Namakkal', 'printed'),
    ('patna', 'Patna', 'printed'),
    ('prayagraj', 'Allahabad (CC)', 'printed'),
    ('prayagraj', 'Allahabad', 'historic'),
    ('prayagraj', 'Prayagraj (CC)', 'spelling'),
    ('pune', 'Pune', 'printed'),
    ('pune', 'Poona', 'historic'),
    ('raipur', 'Raipur', 'printed'),
    ('ranchi', 'Ranchi  (CC)', 'printed'),
    ('surat', 'Surat', 'printed'),
    ('varanasi', 'Varanasi (CC)', 'printed'),
    ('varanasi', 'Banaras', 'local'),
    ('vijayawada', 'Vijayawada', 'printed'),
    ('visakhapatnam', 'Vizag', 'printed'),
    ('warangal', 'Warangal', 'printed'),
    ('west-godavari', 'W.Godavari', 'printed'),
    ('west-godavari', 'W Godavari', 'spelling')
) a (zone_slug, alias, kind)
join nec_zones z on z.slug = a.zone_slug
on conflict (alias_key) do update
set alias = excluded.alias, zone_id = excluded.zone_id, kind = excluded.kind, source = excluded.source
where (t.alias, t.zone_id, t.kind, t.source) is distinct from (excluded.alias, excluded.zone_id, excluded.kind, excluded.source);
