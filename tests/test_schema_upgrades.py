"""The upgrade path of schema/README.md, on the project's own tables and with both runners."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from necc import migrate
from necc.config import data_folder
from necc.embedded import Cluster
from necc.errors import DatabaseError
from tests.test_migrate import embedded_only
from tests.test_run_schema import environment

Connection = psycopg.Connection[Any]
GUIDE = data_folder("schema") / "README.md"

pytestmark = embedded_only


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of schema/ and seeds/ in which a zone's district has become a varchar(80)."""
    for name in ("schema", "seeds"):
        shutil.copytree(data_folder(name), tmp_path / name)
    file = tmp_path / "schema" / "100_nec_core.sql"
    text = file.read_text(encoding="utf-8")
    assert text.count("    district text,\n") == 1
    file.write_text(text.replace("    district text,\n", "    district varchar(80),\n"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened


def write_the_guides_upgrade(folder: Path) -> str:
    """Write the upgrade file that the guide shows, under the next free number, and give its name."""
    match = re.search(
        r"```sql\n\s+-- (schema/upgrades/)\d+(\S+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert match
    there = len(list((folder / match[1]).glob("*.sql")))
    name = f"{match[1]}{there + 1:03}{match[2]}"
    (folder / name).write_text(match[3], encoding="utf-8")
    return name


def assert_differences(found: list[str]) -> None:
    assert found[0] == "column nec_zones.district: text here, character varying(80) in the files"
    assert [line.partition(":")[0] for line in found[1:]] == ["trigger trg_nec_zones_updated_at on nec_zones"]


def test_a_changed_type_is_refused_and_an_upgrade_file_does_it(connection: Connection, folder: Path) -> None:
    with pytest.raises(DatabaseError, match=r"needs a numbered file in schema/upgrades/") as caught:
        migrate.deploy(connection, schema_dir=folder / "schema")
    assert_differences([line.strip() for line in str(caught.value).splitlines()[1:]])
    upgrade = write_the_guides_upgrade(folder)
    report = migrate.deploy(connection, schema_dir=folder / "schema")
    assert report.applied == (upgrade, "schema/100_nec_core.sql")
    assert migrate.verify(connection, schema_dir=folder / "schema") == []


def test_with_psql_alone_it_is_told_to_go_unchecked(
    server: Cluster, connection: Connection, database: str, folder: Path
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [folder / "schema" / "run-schema.sh", *arguments]
        return subprocess.run(command, env=environment(server, database), capture_output=True, text=True, check=False)

    assert "Only `necc db deploy` can tell" in run().stderr
    done = run("--unchecked")
    assert done.returncode == 0
    assert_differences(migrate.verify(connection, schema_dir=folder / "schema"))
    upgrade = write_the_guides_upgrade(folder)
    connection.execute("update schema_versions set sha256 = repeat('0', 64) where file = 'schema/100_nec_core.sql'")
    assert run("--unchecked").stdout.splitlines()[:-1] == [f"applied {upgrade}", "applied schema/100_nec_core.sql"]
    assert migrate.verify(connection, schema_dir=folder / "schema") == []
