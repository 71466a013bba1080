"""The database's catalogue as sorted lines of text: to compare two builds of the schema, or keep a digest.

One line describes one thing of the schemas public and auth that no extension owns: a schema, table, view,
materialized view, sequence, composite type, column, constraint, index, trigger, rule, policy, extended
statistics, function, domain, enum, range, text search configuration or dictionary, a comment, a grant,
a default privilege of whoever deployed; and the two extensions that the files stand on. A line is
`kind name: description`; kind and name are unique.

Left out on purpose, so that equal schemas give equal lines: OIDs, the owner's name (`the owner`), the order
of a table's columns (a column added later stands last), what the settings of a session change, partitions
(they come and go with their months), whether a view is filled, and the names of not-null constraints.
Two builds on one major version of PostgreSQL are comparable; two versions may word a definition differently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from os.path import commonprefix
from typing import TYPE_CHECKING, Any

from necc.catalog_queries import OURS, QUERIES

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
        for query in QUERIES:
            lines += [_one_line(row[0]) for row in connection.execute(OURS + query)]
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
