"""The database's catalogue as sorted lines of text: to compare two builds of the schema, or keep a digest.

One line describes one thing of the schemas public and auth that no extension owns: a schema, table, view,
materialized view, sequence, composite type, column, constraint, index, trigger, rule, policy, extended
statistics, function, domain, enum, range, text search configuration or dictionary, a comment, a grant,
a default privilege. A line is `kind name: description`; kind and name are unique.

Left out on purpose, so that equal schemas give equal lines: OIDs, the owner's name (`the owner`), the order
of a table's columns (a column added later stands last), what the settings of a session change, partitions
(they come and go with their months), whether a view is filled, and the names of not-null constraints.
Two builds on one major version of PostgreSQL are comparable; two versions may word a definition differently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from os.path import commonprefix
from typing import TYPE_CHECKING, Any, LiteralString

if TYPE_CHECKING:
    from psycopg import Connection

# Settings that change how the server words a name, a constant or a definition. Only pg_catalog is in the
# path, so that every other name is written with its schema.
WORDING = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
}

WINDOW, BEFORE = 160, 40  # characters of a long description that a difference shows: a line or two

_OURS: LiteralString = """
with space as (
    select oid, nspname, nspowner, nspacl from pg_namespace where nspname in ('public', 'auth')
), relation as (
    select c.* from pg_class c
    where relnamespace in (select oid from space) and relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')
      and not relispartition
      and not exists (select from pg_depend d
                      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
), routine as (
    select p.* from pg_proc p
    where pronamespace in (select oid from space)
      and not exists (select from pg_depend d
                      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype in ('e', 'i'))
), kind as (
    select t.* from pg_type t
    where typnamespace in (select oid from space) and typtype in ('d', 'e', 'r')
      and not exists (select from pg_depend d
                      where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
), condition as (
    select k.* from pg_constraint k
    where contype not in ('n', 't')
      and (conrelid in (select oid from relation) or contypid in (select oid from kind))
), object (classid, objid) as (
    select 'pg_namespace'::regclass, oid from space
    union all select 'pg_class'::regclass, oid from relation
    union all select 'pg_class'::regclass, indexrelid from pg_index
        where indrelid in (select oid from relation)
    union all select 'pg_proc'::regclass, oid from routine
    union all select 'pg_type'::regclass, oid from kind
    union all select 'pg_constraint'::regclass, oid from condition
    union all select 'pg_trigger'::regclass, oid from pg_trigger
        where tgrelid in (select oid from relation) and not tgisinternal
    union all select 'pg_policy'::regclass, oid from pg_policy where polrelid in (select oid from relation)
)
"""

_SCHEMAS: LiteralString = """
select 'schema ' || nspname || ': present' from space
"""

_RELATIONS: LiteralString = """
select o.type || ' ' || o.identity || ': ' || concat_ws(', ',
    case relpersistence when 'u' then 'unlogged' else 'permanent' end,
    'partition by ' || pg_get_partkeydef(c.oid),
    (select 'inherits ' || string_agg(inhparent::regclass::text, ' ' order by inhseqno)
     from pg_inherits where inhrelid = c.oid),
    'with (' || array_to_string(reloptions, ', ') || ')',
    case when relrowsecurity then 'row security' end,
    case when relforcerowsecurity then 'forced row security' end,
    case when relkind in ('r', 'p') and relreplident <> 'd' then 'replica identity ' || relreplident::text
    end,
    case when relkind in ('v', 'm') then 'definition ' || md5(pg_get_viewdef(c.oid)) end,
    (select format('%s start %s step %s from %s to %s cache %s%s', seqtypid::regtype, seqstart, seqincrement,
                   seqmin, seqmax, seqcache, case when seqcycle then ' cycle' end)
     from pg_sequence where seqrelid = c.oid))
from relation c cross join lateral pg_identify_object('pg_class'::regclass, c.oid, 0) o
"""

_COLUMNS: LiteralString = """
select 'column ' || o.identity || ': ' || concat_ws(' ',
    format_type(a.atttypid, a.atttypmod),
    case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation end,
    case when a.attnotnull then 'not null' end,
    case a.attidentity when 'a' then 'generated always as identity'
                       when 'd' then 'generated by default as identity' end,
    case a.attgenerated when '' then 'default ' else 'generated (' || a.attgenerated::text || ') as ' end
        || pg_get_expr(d.adbin, d.adrelid))
from relation c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
cross join lateral pg_identify_object('pg_class'::regclass, c.oid, a.attnum) o
where c.relkind <> 'S'
"""

_ON_TABLES: LiteralString = """
select 'constraint ' || o.identity || ': ' || pg_get_constraintdef(k.oid)
from condition k cross join lateral pg_identify_object('pg_constraint'::regclass, k.oid, 0) o
union all
select 'index ' || o.identity || ': ' || pg_get_indexdef(indexrelid)
    || case when indisvalid then '' else ' (invalid)' end
from pg_index cross join lateral pg_identify_object('pg_class'::regclass, indexrelid, 0) o
where indrelid in (select oid from relation)
union all
select 'trigger ' || o.identity || ': ' || pg_get_triggerdef(t.oid)
    || case tgenabled when 'O' then '' when 'D' then ' (disabled)' else ' (' || tgenabled::text || ')' end
from pg_trigger t cross join lateral pg_identify_object('pg_trigger'::regclass, t.oid, 0) o
where tgrelid in (select oid from relation) and not tgisinternal
union all
select 'rule ' || o.identity || ': ' || pg_get_ruledef(r.oid)
from pg_rewrite r cross join lateral pg_identify_object('pg_rewrite'::regclass, r.oid, 0) o
where ev_class in (select oid from relation) and rulename <> '_RETURN'
union all
select 'policy ' || o.identity || ': ' || concat_ws(' ',
    case when polpermissive then 'permissive' else 'restrictive' end, polcmd::text,
    'to ' || array_to_string(array(select coalesce(rolname, 'public') from unnest(polroles) r
                                   left join pg_roles on oid = r order by 1), ', '),
    'using ' || pg_get_expr(polqual, polrelid), 'with check ' || pg_get_expr(polwithcheck, polrelid))
from pg_policy p cross join lateral pg_identify_object('pg_policy'::regclass, p.oid, 0) o
where polrelid in (select oid from relation)
union all
select 'statistics ' || o.identity || ': ' || pg_get_statisticsobjdef(s.oid)
from pg_statistic_ext s cross join lateral pg_identify_object('pg_statistic_ext'::regclass, s.oid, 0) o
where stxrelid in (select oid from relation)
"""

_ROUTINES: LiteralString = """
select 'function ' || o.identity || ': ' || concat_ws(', ',
    '(' || pg_get_function_arguments(p.oid) || ')',
    'returns ' || pg_get_function_result(p.oid),
    case prokind when 'f' then l.lanname when 'p' then 'procedure ' || l.lanname
                 when 'a' then 'aggregate' else 'window function' end,
    case provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
    case when proisstrict then 'strict' end,
    case when prosecdef then 'security definer' end,
    case when proleakproof then 'leakproof' end,
    'parallel ' || proparallel::text,
    format('cost %s rows %s', procost, prorows),
    'set ' || array_to_string(proconfig, ', '),
    'source ' || md5(coalesce(pg_get_function_sqlbody(p.oid), prosrc)))
from routine p join pg_language l on l.oid = prolang
cross join lateral pg_identify_object('pg_proc'::regclass, p.oid, 0) o
"""

_TYPES: LiteralString = """
select 'type ' || o.identity || ': ' || case typtype
    when 'd' then concat_ws(' ', 'domain over', format_type(typbasetype, typtypmod),
                            case when typnotnull then 'not null' end, 'default ' || typdefault)
    when 'e' then 'enum ' || (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)
                              from pg_enum where enumtypid = t.oid)
    else 'range over ' || (select format_type(rngsubtype, null) from pg_range where rngtypid = t.oid) end
from kind t cross join lateral pg_identify_object('pg_type'::regclass, t.oid, 0) o
union all
select 'text search dictionary ' || nspname || '.' || dictname || ': '
    || concat_ws(' ', 'template', tmplname, dictinitoption)
from pg_ts_dict d join space n on n.oid = dictnamespace join pg_ts_template m on m.oid = dicttemplate
where not exists (select from pg_depend x
                  where x.classid = 'pg_ts_dict'::regclass and x.objid = d.oid and x.deptype = 'e')
union all
select 'text search configuration ' || nspname || '.' || cfgname || ': ' || coalesce(
    (select string_agg(maptokentype || ' ' || mapdict::regdictionary, ', ' order by maptokentype, mapseqno)
     from pg_ts_config_map where mapcfg = c.oid), 'empty')
from pg_ts_config c join space n on n.oid = cfgnamespace
where not exists (select from pg_depend x
                  where x.classid = 'pg_ts_config'::regclass and x.objid = c.oid and x.deptype = 'e')
"""

_COMMENTS: LiteralString = """
select 'comment on ' || o.type || ' ' || o.identity || ': ' || d.description
from object join pg_description d on d.classoid = object.classid and d.objoid = object.objid
cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) o
"""

_GRANTS: LiteralString = """
select 'grant on ' || o.type || ' ' || o.identity || ' to ' || g.receiver || ': ' || g.privileges
from (
    select 'pg_namespace'::regclass as classid, oid as objid, 0 as part, nspowner as owner,
           coalesce(nspacl, acldefault('n', nspowner)) as acl from space
    union all
    select 'pg_class'::regclass, oid, 0, relowner,
           coalesce(relacl, acldefault(case relkind when 'S' then 's'::"char" else 'r' end, relowner))
    from relation where relkind <> 'c'
    union all
    select 'pg_class'::regclass, c.oid, attnum, relowner, attacl
    from relation c join pg_attribute on attrelid = c.oid and not attisdropped and attacl is not null
    union all
    select 'pg_proc'::regclass, oid, 0, proowner, coalesce(proacl, acldefault('f', proowner)) from routine
    union all
    select 'pg_type'::regclass, oid, 0, typowner, coalesce(typacl, acldefault('T', typowner)) from kind
) holder
cross join lateral (
    select case grantee when 0 then 'public' when holder.owner then 'the owner'
                        else pg_get_userbyid(grantee) end as receiver,
           string_agg(
               privilege_type || case when is_grantable and grantee <> holder.owner then '*' else '' end,
               ', ' order by privilege_type) as privileges
    from aclexplode(holder.acl) group by grantee
) g
cross join lateral pg_identify_object(holder.classid, holder.objid, holder.part) o
union all
select format('default privileges in %s on %s to %s: %s',
              coalesce((select nspname from space where oid = defaclnamespace), 'every schema'),
              case defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                                 when 'T' then 'types' else 'schemas' end,
              case grantee when 0 then 'public' when defaclrole then 'the owner'
                           else pg_get_userbyid(grantee) end,
              string_agg(privilege_type, ', ' order by privilege_type))
from pg_default_acl cross join lateral aclexplode(defaclacl)
where defaclrole = (select oid from pg_roles where rolname = current_user)
    and (defaclnamespace = 0 or defaclnamespace in (select oid from space))
group by defaclnamespace, defaclobjtype, defaclrole, grantee
"""

_QUERIES: tuple[LiteralString, ...] = (
    _SCHEMAS,
    _RELATIONS,
    _COLUMNS,
    _ON_TABLES,
    _ROUTINES,
    _TYPES,
    _COMMENTS,
    _GRANTS,
)


def snapshot(connection: Connection[Any]) -> tuple[str, ...]:
    r"""Describe the schemas public and auth as this connection sees them, uncommitted changes included.

    Returns:
        one line per thing, sorted; a line break inside a comment or definition is written as `\n`.
        The connection's transaction, settings and data are left as they were.
    """
    lines: list[str] = []
    with connection.transaction(force_rollback=True):
        for name, value in WORDING.items():
            connection.execute("select set_config(%s, %s, true)", (name, value))
        for query in _QUERIES:
            lines += [_one_line(row[0]) for row in connection.execute(_OURS + query)]
    return tuple(sorted(lines))


def digest(lines: Iterable[str]) -> str:
    """The sha256 of a snapshot, in hexadecimal: equal for equal schemas."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def differences(
    here: Iterable[str], files: Iterable[str], *, words: tuple[str, str] = ("here", "in the files")
) -> list[str]:
    """Compare the snapshot of a database with that of its files, or of another database.

    Args:
        here: the one.
        files: the other.
        words: what the lines call the two.

    Returns:
        one readable line per difference, sorted by name, as `column nec_zones.x: text here, integer in the
        files`; empty if both describe the same schema.
    """
    ours, theirs = _by_name(here), _by_name(files)
    return [
        _difference(name, ours.get(name), theirs.get(name), words)
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")


def _by_name(lines: Iterable[str]) -> dict[str, str]:
    """Kind and name -> description; the schema public goes without saying."""
    parts = (line.partition(": ") for line in lines)
    return {name.replace(" public.", " "): description for name, _, description in parts}


def _difference(name: str, one: str | None, other: str | None, words: tuple[str, str]) -> str:
    if one is None:
        return f"{name}: missing {words[0]}, {_window(other or '')} {words[1]}"
    if other is None:
        return f"{name}: {_window(one)} {words[0]}, not {words[1]}"
    apart = len(commonprefix([one, other]))
    return f"{name}: {_window(one, apart)} {words[0]}, {_window(other, apart)} {words[1]}"


def _window(text: str, apart: int = 0) -> str:
    """A readable part of a long description: from a little before the place where two of them part."""
    if len(text) <= WINDOW:
        return text
    start = max(0, apart - BEFORE)
    part = text[start : start + WINDOW]
    return ("…" if start else "") + part + ("…" if start + WINDOW < len(text) else "")
