-- 130_mkt_core.sql: the marketplace, what businesses sell and who buys it
--
-- Purpose  categories, products, reviews, orders and their items. mkt_ stands for marketplace.
-- Grain    mkt_order_items: one row per product in an order; the other grains stand in the comments.
-- Units    a price is for one unit of the product as described, in the row's currency.
-- Needs    00, 01, 20, 70 and 90.
-- Applied  again and again: a second pass changes nothing.

-- ---------------------------------------------------------------------------------------------
-- Categories

create table if not exists mkt_categories (
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
    constraint pk_mkt_categories primary key (id),
    constraint fk_mkt_categories_parent foreign key (parent_id) references mkt_categories (id) on delete restrict,
    constraint uq_mkt_categories_slug unique (slug),
    constraint uq_mkt_categories_parent_name unique nulls not distinct (parent_id, name),
    constraint ck_mkt_categories_name check (btrim(name) <> '' and length(name) <= 100),
    constraint ck_mkt_categories_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_mkt_categories_description check (length(description) <= 500),
    constraint ck_mkt_categories_icon check (length(icon) <= 50)
);

comment on table mkt_categories is 'One row per category of products; categories may have sub-categories.';
comment on column mkt_categories.parent_id is 'The category above it; empty at the top.';
comment on column mkt_categories.name is 'Name as shown to people; no two alike in one place.';
comment on column mkt_categories.slug is 'Name as it stands in addresses and in code.';
comment on column mkt_categories.description is 'What belongs in it, in a sentence.';
comment on column mkt_categories.icon is 'Name of its icon.';
comment on column mkt_categories.is_active is 'Whether it can be chosen; a category in use is switched off, not deleted.';
call finish_table('mkt_categories');

create or replace function trg_fn_product_category_no_cycle() returns trigger
language plpgsql
as $$
begin
    -- Two sessions could each make half of a circle: one at a time.
    perform pg_advisory_xact_lock('mkt_categories'::regclass::oid::int, 0);
    if exists (
        with recursive ancestors as (
            select new.parent_id as id
            union
            select c.parent_id from mkt_categories c join ancestors a on c.id = a.id
        )
        select from ancestors where id = new.id
    ) then
        raise exception 'product category %: it would stand below itself', new.slug
            using errcode = 'check_violation', constraint = 'ck_mkt_categories_no_cycle', table = 'mkt_categories';
    end if;
    return new;
end
$$;
comment on function trg_fn_product_category_no_cycle() is 'Trigger: refuses circles of product categories.';
create or replace trigger trg_mkt_categories_no_cycle
    before insert or update of id, parent_id on mkt_categories
    for each row when (new.parent_id is not null)
    execute function trg_fn_product_category_no_cycle();

-- ---------------------------------------------------------------------------------------------
-- Products

create table if not exists mkt_products (
    id uuid not null default gen_random_uuid(),
    seller_id uuid not null,
    name text not null,
    slug text not null,
    description text,
    category_id uuid not null,
    price numeric(10, 2) not null,
    currency char(3) not null default 'INR',
    stock_quantity int not null default 0,
    sku text,
    images text[] not null default '{}',
    specifications jsonb not null default '{}',
    status text not null default 'draft',
    views_count int not null default 0,
    orders_count int not null default 0,
    reviews_count int not null default 0,
    rating_avg numeric(3, 2) not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    search tsvector generated always as (
        setweight(to_tsvector('simple'::regconfig, public.immutable_unaccent(coalesce(name, ''))), 'A')
        || setweight(to_tsvector('simple'::regconfig, public.immutable_unaccent(coalesce(sku, ''))), 'B')
        || setweight(to_tsvector('simple'::regconfig, public.immutable_unaccent(coalesce(description, ''))), 'C')
    ) stored,
    constraint pk_mkt_products primary key (id),
    constraint fk_mkt_products_seller foreign key (seller_id) references biz_profiles (id) on delete cascade,
    constraint fk_mkt_products_category foreign key (category_id) references mkt_categories (id) on delete restrict,
    constraint uq_mkt_products_slug unique (slug),
    constraint uq_mkt_products_seller_sku unique (seller_id, sku),
    constraint ck_mkt_products_name check (btrim(name) <> '' and length(name) <= 200),
    constraint ck_mkt_products_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
    constraint ck_mkt_products_description check (length(description) <= 2000),
    constraint ck_mkt_products_price check (price >= 0 and price <> 'NaN'),
    constraint ck_mkt_products_currency check (currency ~ '^[A-Z]{3}$'),
    constraint ck_mkt_products_stock_quantity check (stock_quantity >= 0),
    constraint ck_mkt_products_sku check (btrim(sku) <> '' and length(sku) <= 64),
    constraint ck_mkt_products_specifications check (jsonb_typeof(specifications) = 'object'),
    constraint ck_mkt_products_status check (status in ('draft', 'published', 'out_of_stock', 'discontinued')),
    constraint ck_mkt_products_views_count check (views_count >= 0),
    constraint ck_mkt_products_orders_count check (orders_count >= 0),
    constraint ck_mkt_products_reviews_count check (reviews_count >= 0),
    constraint ck_mkt_products_rating_avg check (rating_avg between 0 and 5)
);
create index if not exists idx_mkt_products_category on mkt_products (category_id);
create index if not exists idx_mkt_products_published on mkt_products (created_at desc) where status = 'published';
create index if not exists gin_mkt_products_name_trgm on mkt_products using gin (name gin_trgm_ops);
create index if not exists fts_mkt_products_search on mkt_products using gin (search);

comment on table mkt_products is
    'One row per product that a business sells. It goes with the business, but once it was ordered neither can be deleted.';
comment on column mkt_products.seller_id is 'The business that sells it.';
comment on column mkt_products.name is 'Name as shown to people, at most 200 characters.';
comment on column mkt_products.slug is 'Name in the address of the product.';
comment on column mkt_products.description is 'What it is, and what one unit of it is, at most 2000 characters.';
comment on column mkt_products.category_id is 'Its category.';
comment on column mkt_products.price is 'Price of one unit, in currency.';
comment on column mkt_products.currency is 'ISO 4217 code of the price''s currency.';
comment on column mkt_products.stock_quantity is 'Units that the seller has.';
comment on column mkt_products.sku is 'The seller''s own number for it, different for each of the seller''s products.';
comment on column mkt_products.images is 'Addresses of pictures, the first one first.';
comment on column mkt_products.specifications is 'Properties of it, by name.';
comment on column mkt_products.status is 'draft (seen by the seller only), published, out_of_stock or discontinued.';
comment on column mkt_products.views_count is 'How often it was opened; counted by track_view().';
comment on column mkt_products.orders_count is 'Orders with it that are not cancelled; kept by triggers.';
comment on column mkt_products.reviews_count is 'Approved reviews; kept by triggers.';
comment on column mkt_products.rating_avg is 'Mean rating of the approved reviews, 1 to 5, or 0 without any; kept by a trigger.';
comment on column mkt_products.search is 'Words of name (A), number (B) and description (C) without accents, for full-text search.';
call finish_table('mkt_products', 'rating_avg');
call keep_count('mkt_products', 'biz_profiles', 'products_count', 'r.seller_id', 'r.status = ''published''');

-- Activities and notifications may be about a product.
call attach_entity('ntf_notifications', 'action', 'delete', 'product');
call attach_entity('anl_activity_log', 'target', 'forget', 'product');

-- ---------------------------------------------------------------------------------------------
-- Reviews

create table if not exists mkt_product_reviews (
    id uuid not null default gen_random_uuid(),
    product_id uuid not null,
    reviewer_id uuid not null,
    rating int not null,
    review_text text,
    is_verified_purchase boolean not null default false,
    is_approved boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_mkt_product_reviews primary key (id),
    constraint fk_mkt_product_reviews_product foreign key (product_id) references mkt_products (id) on delete cascade,
    constraint fk_mkt_product_reviews_reviewer foreign key (reviewer_id) references profiles (id) on delete cascade,
    constraint uq_mkt_product_reviews_product_reviewer unique (product_id, reviewer_id),
    constraint ck_mkt_product_reviews_rating check (rating between 1 and 5),
    constraint ck_mkt_product_reviews_review_text check (length(review_text) <= 1000)
);
create index if not exists idx_mkt_product_reviews_reviewer on mkt_product_reviews (reviewer_id);

comment on table mkt_product_reviews is 'One row per product and person who judged it.';
comment on column mkt_product_reviews.product_id is 'The product.';
comment on column mkt_product_reviews.reviewer_id is 'Who judged it.';
comment on column mkt_product_reviews.rating is 'Stars: 1 is the worst, 5 the best.';
comment on column mkt_product_reviews.review_text is 'What the person writes, at most 1000 characters.';
comment on column mkt_product_reviews.is_verified_purchase is 'Whether the person is known to have bought it here.';
comment on column mkt_product_reviews.is_approved is 'Whether it is shown, and counts.';
call finish_table('mkt_product_reviews');
call keep_count('mkt_product_reviews', 'mkt_products', 'reviews_count', 'r.product_id', 'r.is_approved');

create or replace function trg_fn_product_rating() returns trigger
language plpgsql
as $$
declare
    v_products uuid[] := array[
        case when tg_op <> 'INSERT' then old.product_id end,
        case when tg_op <> 'DELETE' then new.product_id end
    ];
begin
    -- One session at a time per product, in the order of their keys; the mean is then taken over what all of them wrote.
    perform from mkt_products p where p.id = any (v_products) order by p.id for no key update;
    update mkt_products p
    set rating_avg = coalesce((
        select avg(r.rating) from mkt_product_reviews r where r.product_id = p.id and r.is_approved), 0)
    where p.id = any (v_products);
    return null;
end
$$;
comment on function trg_fn_product_rating() is
    'Trigger: keeps a product''s rating_avg equal to the mean of its approved reviews; recount_product_ratings() repairs it.';
create or replace trigger trg_mkt_product_reviews_rating
    after insert or delete or update of product_id, rating, is_approved on mkt_product_reviews
    for each row execute function trg_fn_product_rating();

create or replace function recount_product_ratings() returns bigint
language plpgsql
as $$
declare
    v_rows bigint;
begin
    update mkt_products p
    set rating_avg = m.rating_avg
    from (
        select t.id, coalesce(round(avg(r.rating) filter (where r.is_approved), 2), 0) as rating_avg
        from mkt_products t left join mkt_product_reviews r on r.product_id = t.id
        group by t.id
    ) m
    where p.id = m.id and p.rating_avg <> m.rating_avg;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function recount_product_ratings() is
    'Sets rating_avg of every product to the mean of its approved reviews and gives the number of rows changed: 0 if all were right.';

-- ---------------------------------------------------------------------------------------------
-- Orders

create table if not exists mkt_orders (
    id uuid not null default gen_random_uuid(),
    buyer_id uuid not null,
    order_number text not null,
    subtotal numeric(12, 2) not null default 0,
    tax numeric(12, 2) not null default 0,
    shipping numeric(12, 2) not null default 0,
    total numeric(12, 2) not null default 0,
    currency char(3) not null default 'INR',
    status text not null default 'pending',
    payment_status text not null default 'pending',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_mkt_orders primary key (id),
    constraint fk_mkt_orders_buyer foreign key (buyer_id) references profiles (id) on delete restrict,
    constraint uq_mkt_orders_order_number unique (order_number),
    constraint ck_mkt_orders_order_number check (order_number ~ '^[A-Z0-9][A-Z0-9-]*$' and length(order_number) <= 40),
    constraint ck_mkt_orders_subtotal check (subtotal >= 0 and subtotal <> 'NaN'),
    constraint ck_mkt_orders_tax check (tax >= 0 and tax <> 'NaN'),
    constraint ck_mkt_orders_shipping check (shipping >= 0 and shipping <> 'NaN'),
    constraint ck_mkt_orders_total check (total = subtotal + tax + shipping),
    constraint ck_mkt_orders_currency check (currency ~ '^[A-Z]{3}$'),
    constraint ck_mkt_orders_status check (status in (
        'pending', 'confirmed', 'processing', 'shipped', 'delivered', 'cancelled', 'refunded')),
    constraint ck_mkt_orders_payment_status check (payment_status in ('pending', 'paid', 'failed', 'refunded'))
);
create index if not exists idx_mkt_orders_buyer on mkt_orders (buyer_id, created_at desc);
create index if not exists idx_mkt_orders_open on mkt_orders (created_at)
    where status in ('pending', 'confirmed', 'processing', 'shipped');

comment on table mkt_orders is 'One row per order. A person with orders cannot be deleted.';
comment on column mkt_orders.buyer_id is 'Who ordered.';
comment on column mkt_orders.order_number is 'Number of the order as shown to people: capitals, digits and hyphens.';
comment on column mkt_orders.subtotal is 'Sum of the items, in currency.';
comment on column mkt_orders.tax is 'Tax, in currency.';
comment on column mkt_orders.shipping is 'Cost of the delivery, in currency.';
comment on column mkt_orders.total is 'What the buyer pays, in currency: subtotal, tax and shipping.';
comment on column mkt_orders.currency is 'ISO 4217 code of the amounts'' currency.';
comment on column mkt_orders.status is 'pending, confirmed, processing, shipped, delivered, cancelled or refunded.';
comment on column mkt_orders.payment_status is 'pending, paid, failed or refunded.';
call finish_table('mkt_orders');

create table if not exists mkt_order_items (
    id uuid not null default gen_random_uuid(),
    order_id uuid not null,
    product_id uuid not null,
    quantity int not null,
    unit_price numeric(10, 2) not null,
    subtotal numeric(12, 2) not null generated always as (quantity * unit_price) stored,
    product_snapshot jsonb not null,
    is_cancelled boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_mkt_order_items primary key (id),
    constraint fk_mkt_order_items_order foreign key (order_id) references mkt_orders (id) on delete cascade,
    constraint fk_mkt_order_items_product foreign key (product_id) references mkt_products (id) on delete restrict,
    constraint uq_mkt_order_items_order_product unique (order_id, product_id),
    constraint ck_mkt_order_items_quantity check (quantity > 0),
    constraint ck_mkt_order_items_unit_price check (unit_price >= 0 and unit_price <> 'NaN'),
    constraint ck_mkt_order_items_product_snapshot check (jsonb_typeof(product_snapshot) = 'object')
);
create index if not exists idx_mkt_order_items_product on mkt_order_items (product_id);

comment on table mkt_order_items is 'One row per product in an order.';
comment on column mkt_order_items.order_id is 'The order.';
comment on column mkt_order_items.product_id is 'The product; once in an order it cannot be deleted.';
comment on column mkt_order_items.quantity is 'Units ordered.';
comment on column mkt_order_items.unit_price is 'Price of one unit as agreed, in the order''s currency.';
comment on column mkt_order_items.subtotal is 'Price of the units together, in the order''s currency.';
comment on column mkt_order_items.product_snapshot is
    'The product as it was when it was ordered: name, slug, sku, price and currency unless said.';
comment on column mkt_order_items.is_cancelled is
    'Whether the order is cancelled; kept by triggers, so that the orders of a product can be counted.';
call finish_table('mkt_order_items', 'is_cancelled');

create or replace function trg_fn_order_item_state() returns trigger
language plpgsql
as $$
begin
    -- the lock keeps the order from being cancelled by another session before this item can be seen there
    new.is_cancelled := coalesce(
        (select o.status = 'cancelled' from mkt_orders o where o.id = new.order_id for share), false);
    if new.product_snapshot is null then
        new.product_snapshot := coalesce((
            select jsonb_build_object('name', p.name, 'slug', p.slug, 'sku', p.sku, 'price', p.price, 'currency', p.currency)
            from mkt_products p where p.id = new.product_id
        ), '{}');
    end if;
    return new;
end
$$;
comment on function trg_fn_order_item_state() is
    'Trigger: an item is cancelled when its order is, and keeps a picture of its product.';
create or replace trigger trg_mkt_order_items_state
    before insert or update of order_id, is_cancelled, product_snapshot on mkt_order_items
    for each row execute function trg_fn_order_item_state();

create or replace function trg_fn_order_cancelled() returns trigger
language plpgsql
as $$
begin
    -- in the order of the products, whose counters this moves: two orders with the same products cannot wait for each other
    perform from mkt_products p join mkt_order_items i on i.product_id = p.id where i.order_id = new.id
    order by p.id for no key update of p;
    update mkt_order_items i set is_cancelled = (new.status = 'cancelled') where i.order_id = new.id;
    return null;
end
$$;
comment on function trg_fn_order_cancelled() is 'Trigger: the items of an order are cancelled, or not, together with it.';
create or replace trigger trg_mkt_orders_cancelled
    after update of status on mkt_orders
    for each row when ((old.status = 'cancelled') <> (new.status = 'cancelled'))
    execute function trg_fn_order_cancelled();

-- An order has a product once, so its items are the distinct orders of the product. The order is named because an item
-- that moves to another one is counted anew: is_cancelled is then set by the trigger above, not by the statement.
call keep_count('mkt_order_items', 'mkt_products', 'orders_count', 'r.product_id',
    'not r.is_cancelled and r.order_id is not null');

-- ---------------------------------------------------------------------------------------------

call grant_module_privileges('mkt');
