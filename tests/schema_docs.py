"""What is written from the catalogue of a fresh build: `python -m tests.schema_docs` (`make docs`) writes it anew.

* schema/INDEX.md: the map for people;
* tests/golden/catalogue.csv: every thing of the catalogue, so that a review sees what a change of the SQL does.

Both are those of the embedded server: another version words some definitions differently.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from necc import catalog, migrate, schema_index
from necc.embedded import Cluster

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "schema" / "INDEX.md"
GOLDEN = ROOT / "tests" / "golden" / "catalogue.csv"
# Of two words or more; every other line begins with a kind of one word.
LONG_KINDS = ("materialized view", "composite type", "text search configuration", "text search dictionary")


def golden(lines: Iterable[str]) -> str:
    """A snapshot as CSV: kind, name, description; sorted.

    The comments are left out: they would be a third of the file, and a change of theirs is seen in the SQL.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("kind", "name", "description"))
    writer.writerows(sorted(_cells(line) for line in lines if not line.startswith("comment on ")))
    return out.getvalue()


def _cells(line: str) -> tuple[str, str, str]:
    head, _, description = line.partition(": ")
    kind = next((kind for kind in LONG_KINDS if head.startswith(kind + " ")), head.partition(" ")[0])
    return kind, head.removeprefix(kind + " ").replace("public.", "", 1), description


def written(connection: psycopg.Connection[Any]) -> dict[Path, str]:
    """Path -> what it must hold, from a deployed database."""
    return {
        INDEX: schema_index.render(schema_index.read(connection)),
        GOLDEN: golden(catalog.snapshot(connection)),
    }


def main() -> None:
    """Build the schema on an embedded server of its own and write both files."""
    from tests.conftest import QUICK, bin_dir_of, new_open_folder

    with (
        new_open_folder() as folder,
        Cluster(folder / "docs", bin_dir_of("embedded"), options=QUICK) as cluster,
        psycopg.connect(cluster.url("postgres")) as connection,
    ):
        migrate.deploy(connection)
        for path, text in written(connection).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
