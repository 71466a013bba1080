"""Rules that the catalogue keeps, as queries for offenders, each with faults that it must find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

_OURS = "('public'::regnamespace, 'auth'::regnamespace)"
_OF_AN_EXTENSION = "select from pg_depend d where d.deptype = 'e' and d.objid"
_TABLE_COLUMNS = f"""pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relkind in ('r', 'p') and c.relnamespace in {_OURS} and a.attnum > 0 and not a.attisdropped"""
_FUNCTIONS = f"""pg_proc p where p.pronamespace in {_OURS}
    and not exists ({_OF_AN_EXTENSION} = p.oid and d.classid = 'pg_proc'::regclass)"""
_CLOCK = "(current_date|current_time|now\\(|clock_timestamp|nec_today)"
_NO_FOREIGN_KEY = "not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and"


@dataclass(frozen=True)
class Rule:
    """What must hold, a query that gives the offenders, and statements that plant an offender."""

    name: str
    offenders: LiteralString
    faults: tuple[LiteralString, ...]


RULES = (
    Rule(
        "every table has a primary key",
        f"""select c.oid::regclass::text from pg_class c where relkind in ('r', 'p') and relnamespace in {_OURS}
            and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p')""",
        ("create table nec_faults (x int)",),
    ),
    Rule(
        "every foreign key is indexed",
        f"""select k.conrelid::regclass::text || '.' || k.conname from pg_constraint k
            where k.contype = 'f' and k.connamespace in {_OURS} and not exists (
                select from pg_index i where i.indrelid = k.conrelid and i.indisvalid
                and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$')
                and (select array_agg(x) from unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) x)
                    @> k.conkey)""",
        (
            "create table nec_faults (id int primary key, zone_id uuid references nec_zones on delete cascade)",
            "drop index idx_nec_zone_aliases_zone",
            "drop index idx_nec_prices_suggested_run",
        ),
    ),
    Rule(
        "no foreign key sets a NOT NULL column to NULL",
        f"""select k.conrelid::regclass::text || '.' || a.attname from pg_constraint k
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (coalesce(k.confdelsetcols, k.conkey))
            where k.contype = 'f' and k.confdeltype = 'n' and a.attnotnull and k.connamespace in {_OURS}""",
        ("create table nec_faults (zone_id uuid not null references nec_zones on delete set null)",),
    ),
    Rule(
        "every foreign key says what a deletion does",
        f"""select k.conrelid::regclass::text || '.' || k.conname from pg_constraint k
            where k.contype = 'f' and k.confdeltype = 'a' and k.connamespace in {_OURS}""",
        ("create table nec_faults (zone_id uuid references nec_zones)",),
    ),
    Rule(
        "every table begins with the prefix of its module",
        """select relname::text from pg_class where relkind in ('r', 'p') and not relispartition
            and relnamespace = 'public'::regnamespace
            and relname !~ '^(ref|usr|biz|org|soc|msg|evt|ntf|res|anl|nec|adm|job|mkt)_[a-z][a-z0-9_]*$'
            and relname not in ('profiles', 'tags', 'media_uploads', 'saved_searches', 'feedback', 'email_queue',
                'audit_log', 'schema_versions')""",
        ("create table eggs (id int primary key)", 'create table "nec_Eggs" (id int primary key)'),
    ),
    Rule(
        "every table is a plural in small letters",
        f"""select relname::text from pg_class where relkind in ('r', 'p') and not relispartition
            and relnamespace in {_OURS} and (relname ~ '[^a-z0-9_]' or relname !~ 's$')
            and relname not in ('feedback', 'email_queue', 'audit_log', 'usr_education', 'biz_contact_info',
                'org_contact_info', 'org_leadership', 'org_membership_history', 'ntf_queue', 'anl_activity_log',
                'nec_annotation_metadata', 'adm_moderation_queue', 'adm_actions_log')""",
        ("create table nec_egg (id int primary key)", 'create table "nec_Eggs" (id int primary key)'),
    ),
    Rule(
        "every table, view and function is commented",
        f"""select c.oid::regclass::text from pg_class c
            where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace in {_OURS}
            and obj_description(c.oid, 'pg_class') is null
            and not exists ({_OF_AN_EXTENSION} = c.oid and d.classid = 'pg_class'::regclass)
            union all
            select p.oid::regprocedure::text from {_FUNCTIONS} and obj_description(p.oid, 'pg_proc') is null""",
        (
            "comment on table nec_prices is null",
            "create view nec_faults as select 1 as x",
            "comment on materialized view nec_yoy_comparison is null",
            "comment on function nec_today() is null",
            "comment on procedure finish_table(regclass, text[]) is null",
        ),
    ),
    Rule(
        "every column of a table or view is commented",
        f"""select c.oid::regclass::text || '.' || a.attname from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace in {_OURS}
            and col_description(c.oid, a.attnum) is null
            and not exists ({_OF_AN_EXTENSION} = c.oid and d.classid = 'pg_class'::regclass)""",
        (
            "alter table nec_zones add column mood text",
            "comment on column nec_v_price_quotes.price is null",
            "comment on column nec_monthly_averages.suggested_average is null",
        ),
    ),
    Rule(
        "no timestamp is without time zone, and *_at is one",
        f"""select c.oid::regclass::text || '.' || a.attname from {_TABLE_COLUMNS}
            and (a.atttypid = 'timestamp'::regtype or (a.attname ~ '_at$' and a.atttypid <> 'timestamptz'::regtype))""",
        ("alter table nec_zones add column moment timestamp", "alter table nec_zones add column seen_at date"),
    ),
    Rule(
        "updated_at has its trigger",
        f"""select c.oid::regclass::text from {_TABLE_COLUMNS} and a.attname = 'updated_at' and not exists (
                select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('O', 'A')
                and (t.tgtype::int & 19) = 19 and t.tgfoid::regproc::text ~ 'updated_at')""",
        (
            "drop trigger trg_nec_zones_updated_at on nec_zones",
            "alter table nec_prices disable trigger trg_nec_prices_updated_at",
        ),
    ),
    Rule(
        "every materialized view is filled and has a plain unique index",
        """select m.oid::regclass::text from pg_class m where m.relkind = 'm' and (not m.relispopulated or not exists (
                select from pg_index i where i.indrelid = m.oid and i.indisunique and i.indpred is null
                and i.indexprs is null and i.indisvalid))""",
        (
            "create materialized view nec_faults as select 1 as x",
            "drop index uq_nec_yoy_comparison",
            "refresh materialized view nec_yoy_comparison with no data",
        ),
    ),
    Rule(
        "a SECURITY DEFINER function has a fixed path and is not open to all",
        f"""select p.oid::regprocedure::text from {_FUNCTIONS} and p.prosecdef
            and (not exists (select from unnest(p.proconfig) s where s like 'search_path=%')
                or has_function_privilege('public', p.oid, 'execute'))""",
        (
            "create function nec_fault() returns int language sql security definer as 'select 1'",
            "alter function refresh_nec_monthly_averages() reset search_path",
            "grant execute on function refresh_nec_monthly_averages() to public",
        ),
    ),
    Rule(
        "readers are not volatile",
        f"""select p.oid::regprocedure::text from {_FUNCTIONS} and p.provolatile = 'v'
            and p.proname ~ '^(get_|search_|calculate_|generate_|resolve_|is_|uid$|nec_today$|slugify$)'""",
        (
            "create function get_fault() returns int language sql as 'select 1'",
            "alter function resolve_nec_zone(text) volatile",
        ),
    ),
    Rule(
        "no index repeats another",
        f"""select i.indexrelid::regclass::text from pg_index i
            join pg_index j on i.indrelid = j.indrelid and i.indexrelid <> j.indexrelid
            join pg_class ci on ci.oid = i.indexrelid join pg_class cj on cj.oid = j.indexrelid
            where ci.relnamespace in {_OURS} and ci.relam = cj.relam and i.indpred is null and j.indpred is null
            and i.indexprs is null and j.indexprs is null and not i.indisunique and i.indkey::text = j.indkey::text
            and (j.indisunique or i.indexrelid > j.indexrelid)""",
        (
            "create index idx_fault on nec_zones (slug)",
            "create index idx_fault on nec_prices (year, month)",
        ),
    ),
    Rule(
        "a counter is a NOT NULL int from 0 upwards",
        f"""select c.oid::regclass::text || '.' || a.attname from {_TABLE_COLUMNS}
            and (a.attname ~ '_count$' or (c.relname = 'nec_scraper_logs' and a.attname ~ '^(prices|zones)_'))
            and (not a.attnotnull or not a.atthasdef or a.atttypid <> 'int'::regtype or not exists (
                select from pg_constraint k
                where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey)
                and pg_get_constraintdef(k.oid) ~ ('\\m' || a.attname || ' >= 0')))""",
        (
            "alter table nec_zones add column visits_count int",
            "alter table nec_zones add column visits_count int not null default 0",
            "alter table nec_zones add column visits_count int not null default 0 check (visits_count < 9)",
            "alter table nec_annotations alter column likes_count drop not null",
            "alter table nec_scraper_logs drop constraint ck_nec_scraper_logs_prices_held",
        ),
    ),
    Rule(
        "no check, generated column or index asks the clock",
        f"""select k.conrelid::regclass::text || '.' || k.conname from pg_constraint k where k.connamespace in {_OURS}
            and k.contype = 'c'
            and pg_get_constraintdef(k.oid) ~* '{_CLOCK}'
            union all
            select d.adrelid::regclass::text from pg_attrdef d
            join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum and a.attgenerated <> ''
            where pg_get_expr(d.adbin, d.adrelid) ~* '{_CLOCK}'
            union all
            select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indexrelid
            where c.relnamespace in {_OURS} and pg_get_indexdef(i.indexrelid) ~* '{_CLOCK}'""",
        (
            "alter table nec_zones add constraint ck_fault check (created_at <= now())",
            "alter table nec_zones add constraint ck_fault check (first_price_on <= nec_today())",
            # The server itself refuses these, unless a function says of itself what is not true.
            "alter function nec_today() immutable;"
            " create index idx_fault on nec_zones (slug) where first_price_on < nec_today()",
            "alter function nec_today() immutable;"
            " alter table nec_zones add column today date generated always as (nec_today()) stored",
        ),
    ),
    Rule(
        "a boolean says is_, has_, can_, allow_ or show_",
        f"""select c.oid::regclass::text || '.' || a.attname from {_TABLE_COLUMNS} and a.atttypid = 'bool'::regtype
            and a.attname !~ '^(is|has|can|allow|show)_'""",
        ("alter table nec_zones add column active boolean",),
    ),
    Rule(
        "a pair of type and id is indexed together",
        f"""select c.oid::regclass::text || '.' || a.attname from pg_attribute b, {_TABLE_COLUMNS}
            and a.attname ~ '_type$' and b.attrelid = c.oid and b.attname = replace(a.attname, '_type', '_id')
            and b.atttypid = 'uuid'::regtype
            and {_NO_FOREIGN_KEY} b.attnum = any (k.conkey))
            and not exists (select from pg_index i where i.indrelid = c.oid
                and ((i.indkey[0] = a.attnum and i.indkey[1] = b.attnum)
                    or (i.indkey[1] = a.attnum and i.indkey[2] = b.attnum)))""",
        ("create table nec_faults (id int primary key, author_type text, author_id uuid)",),
    ),
    Rule(
        "prices are numeric and the parts of their date are generated",
        """select a.attname::text from pg_attribute a where a.attrelid = 'nec_prices'::regclass
            and ((a.attname in ('year', 'month', 'day_of_month') and a.attgenerated <> 's')
                or (a.attname ~ '_price$' and (a.atttypid <> 'numeric'::regtype or not exists (
                    select from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'c'
                    and a.attnum = any (k.conkey) and pg_get_constraintdef(k.oid) ~ '> \\(0\\)::numeric'))))""",
        (
            "alter table nec_prices alter column month drop expression",
            "alter table nec_prices drop constraint ck_nec_prices_prevailing_price",
        ),
    ),
    Rule(
        "full-text indexes stand on stored columns",
        """select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indexrelid
            join pg_am m on m.oid = c.relam
            where m.amname = 'gin' and i.indexprs is not null and c.relnamespace = 'public'::regnamespace""",
        ("create index fts_fault on profiles using gin (to_tsvector('simple', full_name))",),
    ),
    Rule(
        "every trigger function is used and every trigger is on",
        f"""select p.oid::regprocedure::text from {_FUNCTIONS} and p.prorettype = 'trigger'::regtype
            and not exists (select from pg_trigger t where t.tgfoid = p.oid)
            union all select t.tgname::text from pg_trigger t where not t.tgisinternal and t.tgenabled = 'D'""",
        (
            "create function trg_fn_fault() returns trigger language plpgsql as 'begin return null; end'",
            "alter table nec_prices disable trigger trg_nec_prices_updated",
        ),
    ),
    Rule(
        "a uuid *_id is a foreign key or half of a pair",
        f"""select c.oid::regclass::text || '.' || a.attname from {_TABLE_COLUMNS} and a.atttypid = 'uuid'::regtype
            and a.attname ~ '_id$' and c.relnamespace = 'public'::regnamespace
            and {_NO_FOREIGN_KEY} a.attnum = any (k.conkey))
            and not exists (select from pg_attribute b where b.attrelid = c.oid and not b.attisdropped
                and b.attname = regexp_replace(a.attname, '_id$', '_type'))
            and a.attname not in ('payment_id', 'record_id')""",
        ("alter table nec_zones add column country_id uuid",),
    ),
    Rule(
        "constraints, indexes and triggers are named after what they are",
        f"""select k.conname::text from pg_constraint k where k.connamespace in {_OURS} and k.conrelid <> 0
            and k.conname !~ (case k.contype when 'p' then '^pk_' when 'f' then '^fk_' when 'u' then '^uq_'
                when 'c' then '^ck_' else '' end)
            union all
            select c.relname::text
            from pg_class c join pg_index i on i.indexrelid = c.oid join pg_am m on m.oid = c.relam
            where c.relnamespace in {_OURS}
            and c.relname !~ (case when i.indisprimary then '^pk_' when i.indisunique then '^uq_'
                when m.amname = 'gin' then '^(gin|fts)_' else '^idx_' end)
            union all
            select t.tgname::text from pg_trigger t where not t.tgisinternal and t.tgname !~ '^trg_'""",
        (
            "alter table nec_zones add check (sort_order < 1000)",
            "create index on nec_zones (district)",
            "create index idx_fault on nec_zone_aliases using gin (alias gin_trgm_ops)",
            "create unique index idx_fault on nec_zones (sort_order, slug)",
            "create trigger fault before insert on nec_zones for each row execute function update_updated_at_column()",
        ),
    ),
)
