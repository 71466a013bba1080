"""The map of the schema, schema/INDEX.md: read from a catalogue, written as Markdown with Mermaid diagrams.

    schema_index.render(schema_index.read(connection))

The text depends on nothing but the schema: not on names of OIDs, order of creation, rows, settings or the
server's version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

from psycopg.rows import namedtuple_row

if TYPE_CHECKING:
    from psycopg import Connection

# Prefix -> title, in the order of the files. Tables without one of the prefixes are the platform's own.
MODULES = {
    "auth": "Identities and the ledger",
    "ref": "Reference lists and profiles",
    "usr": "People: roles, careers, skills",
    "biz": "Businesses",
    "org": "Organizations",
    "soc": "Posts and connections",
    "msg": "Messages",
    "evt": "Events",
    "ntf": "Notifications",
    "res": "Resources",
    "anl": "Analytics",
    "nec": "Egg prices (NECC)",
    "adm": "Administration",
    "job": "Jobs",
    "mkt": "Marketplace",
    "": "Used by all modules",
}
PREFIXES = {"auth": "`auth.`", "ref": "`ref_`, `profiles`", "": ""}
ELSEWHERE = {"auth.users": "auth", "schema_versions": "auth", "profiles": "ref"}
MARK = re.compile(r" \[definition [0-9a-f]+\]$")  # what ensure_materialized_view() adds for itself
TIMING = {0: "after", 2: "before", 64: "instead of"}  # bits of pg_trigger.tgtype
EVENTS = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}

_OURS: LiteralString = """
with thing as (
    select c.oid, c.relkind, case nspname when 'public' then '' else nspname || '.' end || relname as name
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname in ('public', 'auth') and relkind in ('r', 'p', 'v', 'm') and not relispartition
        and not exists (select from pg_depend d
                        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
)
"""
_TABLES: LiteralString = """
select name, relkind::text as kind, obj_description(oid, 'pg_class') as comment,
    (select count(*) from pg_attribute where attrelid = oid and attnum > 0 and not attisdropped) as columns
from thing order by name collate "C"
"""
# May be empty: the referring column is nullable. One to one: the referring columns are a key of their own.
_KEYS: LiteralString = """
select child.name as child, parent.name as parent,
    (select string_agg(attname, ', ' order by attname collate "C") from pg_attribute
     where attrelid = k.conrelid and attnum = any (k.conkey)) as columns,
    exists (select from pg_attribute
            where attrelid = k.conrelid and attnum = any (k.conkey) and not attnotnull) as is_optional,
    exists (select from pg_index where indrelid = k.conrelid and indisunique and indpred is null and indexprs is null
            and (indkey::int2[])[0:indnkeyatts - 1] <@ k.conkey and indnkeyatts > 0) as is_single
from pg_constraint k join thing child on child.oid = k.conrelid join thing parent on parent.oid = k.confrelid
where contype = 'f' and conparentid = 0
"""
# attach_entity() leaves a trigger with the pair's name; the CHECK on x_type holds the kinds of things.
_PAIRS: LiteralString = """
select thing.name as child, public.entity_table(kind[1]) as parent, pair as columns, not attnotnull as is_optional,
    false as is_single
from pg_trigger t join thing on thing.oid = tgrelid
cross join lateral split_part(encode(tgargs, 'escape'), '\\000', 1) pair
join pg_attribute on attrelid = tgrelid and attname = pair || '_id'
join pg_constraint k on conrelid = tgrelid and contype = 'c' and conkey = array[
    (select attnum from pg_attribute where attrelid = tgrelid and attname = pair || '_type')]
cross join lateral regexp_matches(pg_get_constraintdef(k.oid), '''(\\w+)''', 'g') kind
where tgfoid = to_regproc('public.trg_fn_entity_exists') and public.entity_table(kind[1]) is not null
"""
_TRIGGERS: LiteralString = """
select thing.name as relation, tgname::text as name, tgtype::int as bits, tgfoid::regproc::text as function,
    array(select attname::text from unnest(tgattr::int2[]) with ordinality u (n, place)
          join pg_attribute on attrelid = tgrelid and attnum = n order by attname collate "C") as columns,
    string_to_array(encode(tgargs, 'escape'), '\\000') as arguments
from pg_trigger join thing on thing.oid = tgrelid where not tgisinternal
order by thing.name collate "C", tgname collate "C"
"""
_FUNCTIONS: LiteralString = """
select case nspname when 'public' then '' else nspname || '.' end || proname as name,
    pg_get_function_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as result,
    prorettype = 'trigger'::regtype as is_trigger, prosecdef as is_definer, obj_description(p.oid, 'pg_proc') as comment
from pg_proc p join pg_namespace n on n.oid = pronamespace
where nspname in ('public', 'auth')
    and not exists (select from pg_depend d
                    where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by nspname collate "C" desc, proname collate "C", pg_get_function_arguments(p.oid) collate "C"
"""


class Link(NamedTuple):
    """A reference from a child table to its parent; a foreign key, or a pair of type and id."""

    child: str
    parent: str
    columns: str
    is_optional: bool
    is_single: bool
    is_pair: bool


@dataclass(frozen=True)
class Schema:
    """What the map shows, as rows of the catalogue."""

    relations: list[Any]
    links: list[Link]
    triggers: list[Any]
    functions: list[Any]


def read(connection: Connection[Any]) -> Schema:
    """Read the schemas public and auth, without what extensions brought along. Changes nothing."""

    def rows(query: LiteralString) -> list[Any]:
        return connection.cursor(row_factory=namedtuple_row).execute(query).fetchall()

    with connection.transaction(force_rollback=True):
        connection.execute("select set_config('search_path', 'public', true)")
        has_pairs = rows("select to_regproc('public.trg_fn_entity_exists') is not null as it")[0].it
        links = {_link(key, is_pair=False) for key in rows(_OURS + _KEYS)}
        links |= {_link(pair, is_pair=True) for pair in rows(_OURS + _PAIRS)} if has_pairs else set()
        return Schema(rows(_OURS + _TABLES), sorted(links), rows(_OURS + _TRIGGERS), rows(_FUNCTIONS))


def _link(row: Any, *, is_pair: bool) -> Link:
    return Link(row.child, row.parent, row.columns, row.is_optional, row.is_single, is_pair)


def module_of(relation: str) -> str:
    """The module's prefix; empty for what all modules use."""
    prefix = re.split(r"[._]", relation, maxsplit=1)[0]
    return ELSEWHERE.get(relation) or (prefix if prefix in MODULES else "")


def render(schema: Schema) -> str:
    """The whole map as Markdown."""
    tables = [r for r in schema.relations if r.kind in "rp"]
    views = [r for r in schema.relations if r.kind in "vm"]
    functions = [f for f in schema.functions if not f.is_trigger]
    helpers = [f for f in schema.functions if f.is_trigger]
    parts = [
        _head(schema, tables, views),
        *(_module(name, tables, schema.links) for name in MODULES if any(module_of(t.name) == name for t in tables)),
        "## Views\n\n" + _table(("view", "kind", "what it shows"), map(_view, views)),
        "## Functions\n\n" + _table(("function", "returns", "what it does"), map(_function, functions)),
        "## Trigger functions\n\n"
        + _table(("function", "what it does"), ((_code(f.name), _text(f.comment)) for f in helpers)),
        "## Triggers\n\n" + _triggers(schema.triggers),
    ]
    return "\n\n".join(parts) + "\n"


# --- the parts ------------------------------------------------------------------------------------------


def _head(schema: Schema, tables: list[Any], views: list[Any]) -> str:
    callable_count = sum(not f.is_trigger for f in schema.functions)
    columns = sum(t.columns for t in tables)
    keys = sum(not link.is_pair for link in schema.links)
    counted = (
        f"{len(tables)} tables with {columns} columns and {keys} foreign keys, {len(views)} views"
        f" ({sum(v.kind == 'm' for v in views)} of them materialized), {callable_count} functions,"
        f" {len(schema.triggers)} triggers."
    )
    rows = (
        (f"[{title}](#{_anchor(title)})", PREFIXES.get(name, f"`{name}_`"), str(count))
        for name, title in MODULES.items()
        if (count := sum(module_of(t.name) == name for t in tables))
    )
    return (
        "# The schema\n\nWritten by `make docs` from the catalogue of a fresh build: edit the SQL, not this file.\n\n"
        f"{counted} How it is set up and kept: [README.md](README.md).\n\n"
        + _table(("module", "prefix", "tables"), rows)
        + "\n\nIn the diagrams a line is a foreign key (dotted: a pair `x_type`, `x_id`, which may refer to several"
        " tables), labelled with its columns; `o` means that it may be empty. A table of another module is a box"
        " without details."
    )


def _module(module: str, tables: list[Any], links: list[Link]) -> str:
    own = [table for table in tables if module_of(table.name) == module]
    rows = ((_code(t.name), str(t.columns), _text(t.comment)) for t in own)
    names = {table.name for table in own}
    return f"## {MODULES[module]}\n\n" + _table(("table", "columns", "grain"), rows) + "\n\n" + _diagram(names, links)


def _diagram(own: set[str], links: list[Link]) -> str:
    """Every reference of the module's tables, and every table."""
    lines = [_line(link) for link in links if link.child in own]
    linked = {name for link in links if link.child in own for name in (link.child, link.parent)}
    alone = [f"    {_entity(name)}" for name in sorted(own - linked)]
    return "\n".join(["```mermaid", "erDiagram", *lines, *alone, "```"])


def _line(link: Link) -> str:
    left, right = ("|o" if link.is_optional else "||"), ("o|" if link.is_single else "o{")
    line = ".." if link.is_pair else "--"
    return f'    {_entity(link.parent)} {left}{line}{right} {_entity(link.child)} : "{link.columns}"'


def _entity(name: str) -> str:
    return f'"{name}"' if "." in name else name


def _view(view: Any) -> tuple[str, ...]:
    return _code(view.name), "materialized" if view.kind == "m" else "plain", _text(view.comment)


def _function(function: Any) -> tuple[str, ...]:
    rights = " Runs with its owner's rights." if function.is_definer else ""
    result = _code(function.result) if function.result else "(procedure)"
    return _code(f"{function.name}({function.arguments})"), result, _text(function.comment) + rights


def _triggers(triggers: list[Any]) -> str:
    """One table per relation would be long: the relation stands in the first column, once."""
    rows = []
    for relation, group in groupby(triggers, key=lambda trigger: str(trigger.relation)):
        rows += [
            (_code(relation) if place == 0 else "", _code(t.name), _moment(t), _deed(t))
            for place, t in enumerate(group)
        ]
    return _table(("table", "trigger", "when", "does"), rows)


def _moment(trigger: Any) -> str:
    timing = TIMING[trigger.bits & 66]
    of = f" of {', '.join(trigger.columns)}" if trigger.columns and len(trigger.columns) <= 4 else ""
    events = " or ".join(word + (of if word == "update" else "") for bit, word in EVENTS.items() if trigger.bits & bit)
    return f"{timing} {events}" + ("" if trigger.bits & 1 else ", per statement")


def _deed(trigger: Any) -> str:
    """The function; for the schema's general ones also on what."""
    named: dict[str, Callable[..., str]] = {
        "trg_fn_keep_count": lambda parent, key, counter, *_: f"keeps `{parent}.{counter}`",
        "trg_fn_entity_exists": lambda pair, *_: f"`{pair}_type`, `{pair}_id` refer to something",
        "trg_fn_entity_gone": lambda kind, child, pair, action, *_: f"{action}: `{child}.{pair}_id`",
    }
    tell = named.get(trigger.function)
    return tell(*trigger.arguments) if tell else _code(trigger.function)


# --- Markdown -------------------------------------------------------------------------------------------


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text(comment: str | None) -> str:
    return MARK.sub("", comment or "").replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
