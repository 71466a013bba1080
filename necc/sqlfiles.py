"""Numbered SQL files: folders read in numeric order, with checksums; the statements of a file by line.

Pure but for reading the folders: nothing here knows a database.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from necc.config import data_folder
from necc.errors import DatabaseError

NUMBERED = re.compile(r"^(\d+)_.*\.sql$")
# Comments, strings and quoted bodies, in which a semicolon ends nothing; and the semicolon that does.
TOKEN = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "[^"]*"
        | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ | ;""",
    re.DOTALL | re.VERBOSE,
)
BLANK = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
# `end` is not among them: it also closes the body of a function that begins with `begin atomic`.
TRANSACTION_WORDS = {"abort", "begin", "commit", "release", "rollback", "savepoint", "start"}

log = logging.getLogger("necc.sqlfiles")

Ledger = dict[str, str]  # file -> sha256


@dataclass(frozen=True)
class SqlFile:
    """One file: its name as `schema/00_extensions.sql`, its text, the sha256 of its bytes."""

    name: str
    number: int
    text: str
    sha256: str


@dataclass(frozen=True)
class Sources:
    """All files of a deployment, and which of them a ledger says are due."""

    upgrades: tuple[SqlFile, ...]
    files: tuple[SqlFile, ...]  # schema/, then seeds/

    @property
    def names(self) -> tuple[str, ...]:
        """Upgrades first."""
        return tuple(file.name for file in (*self.upgrades, *self.files))

    def due_upgrades(self, ledger: Ledger) -> list[SqlFile]:
        """Those that did not run yet; none of them on a fresh database, which they lead to."""
        return [file for file in self.upgrades if ledger and file.name not in ledger]

    def due_files(self, ledger: Ledger) -> list[SqlFile]:
        """Those that are new or have other content than was applied."""
        return [file for file in self.files if ledger.get(file.name) != file.sha256]


def read_sources(schema_dir: Path | None, seeds_dir: Path | None) -> Sources:
    """Read the project's files, or those of other folders; upgrades are in `upgrades` of the schema's.

    Raises:
        DatabaseError: as `read_folder`.
    """
    schema = schema_dir or data_folder("schema")
    upgrades = schema / "upgrades"
    return Sources(
        upgrades=read_folder(upgrades, "schema/upgrades") if any(upgrades.glob("*.sql")) else (),
        files=read_folder(schema, "schema") + read_folder(seeds_dir or data_folder("seeds"), "seeds"),
    )


def read_folder(folder: Path, label: str) -> tuple[SqlFile, ...]:
    """Read the numbered files of a folder in numeric order, so that 20 comes before 100.

    Args:
        folder: where they are; a *.sql file without a number is left out, with a warning.
        label: the folder's name in messages and in the files' names, as `schema`.

    Raises:
        DatabaseError: there is no such folder or no such file, two have one number, or one is not UTF-8.
    """
    if not folder.is_dir():
        raise DatabaseError(f"no folder {folder}: wanted the numbered SQL files of {label}/")
    by_number: dict[int, SqlFile] = {}
    for file in _numbered(folder, label):
        other = by_number.setdefault(file.number, file)
        if other is not file:
            raise DatabaseError(f"{other.name} and {file.name} have the same number: their order is unknown")
    if not by_number:
        raise DatabaseError(f"no numbered SQL file in {folder}: wanted files such as {label}/00_name.sql")
    return tuple(by_number[number] for number in sorted(by_number))


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each statement, from its first word on.

    Good for telling where something is; the server alone decides what a statement is. A function body of
    the form `begin atomic` counts as several.
    """
    start = 0
    ends = [token.end() for token in TOKEN.finditer(text) if token[0] == ";"]
    for end in (*ends, len(text)):
        first = _after_blank(text, start)
        if first < end and text[first] != ";":
            yield line_at(text, first), text[first:end]
        start = end


def line_at(text: str, offset: int) -> int:
    """The line, from 1, of the character at this offset."""
    return text.count("\n", 0, offset) + 1


def refuse_transaction_control(file: SqlFile) -> None:
    """Refuse a file with a `commit` of its own: what all files share would end there.

    Raises:
        DatabaseError: with file and line.
    """
    for line, statement in statements(file.text):
        word = re.split(r"\W", statement, maxsplit=1)[0].lower()
        if word in TRANSACTION_WORDS:
            raise DatabaseError(f"{file.name} line {line}: `{word}` in a file: all files share one transaction")


def _numbered(folder: Path, label: str) -> Iterator[SqlFile]:
    for path in sorted(folder.glob("*.sql")):
        name = f"{label}/{path.name}"
        if match := NUMBERED.match(path.name):
            yield _read_file(path, name, int(match[1]))
        else:
            log.warning("%s has no number in front: it is not applied", name)


def _read_file(path: Path, name: str, number: int) -> SqlFile:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatabaseError(f"{name} line {line}: not UTF-8 text") from error
    return SqlFile(name, number, text, hashlib.sha256(content).hexdigest())


def _after_blank(text: str, start: int) -> int:
    match = BLANK.match(text, start)
    return match.end() if match else start
