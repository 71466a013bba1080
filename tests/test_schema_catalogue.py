"""The catalogue keeps its rules, and each rule finds a planted offender."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from necc.config import data_folder
from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rules import RULES, Rule

FAULTS = [pytest.param(rule, fault, id=f"{rule.name}: {fault}") for rule in RULES for fault in rule.faults]
OUR_TABLES = {
    "auth.users", "schema_versions", "profiles",
    "ref_countries", "ref_states", "ref_business_types", "ref_organization_types", "ref_event_types",
    "ref_job_categories", "ref_skills", "ref_notification_types",
    "nec_zones", "nec_zone_aliases", "nec_prices", "nec_price_revisions", "nec_price_problems", "nec_annotations",
    "nec_annotation_likes", "nec_annotation_metadata", "nec_model_runs", "nec_predictions", "nec_scraper_logs",
    "nec_source_pages",
}  # fmt: skip


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def names(connection: psycopg.Connection[Any], query: LiteralString) -> set[str]:
    return {row[0] for row in connection.execute(query)}


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_the_catalogue_keeps_the_rule(connection: psycopg.Connection[Any], rule: Rule) -> None:
    assert names(connection, rule.offenders) == set()


@pytest.mark.parametrize(("rule", "fault"), FAULTS)
def test_the_rule_finds_an_offender(connection: psycopg.Connection[Any], rule: Rule, fault: LiteralString) -> None:
    connection.execute(fault)

    assert names(connection, rule.offenders) != set()


def test_the_tables_of_the_core_and_of_necc_are_there(connection: psycopg.Connection[Any]) -> None:
    tables = names(
        connection,
        """select case schemaname when 'auth' then 'auth.' else '' end || tablename from pg_tables
            where schemaname in ('public', 'auth')""",
    )

    assert tables >= OUR_TABLES
    modules = {table for table in tables if table.startswith(("auth.", "nec_"))}
    assert modules == {table for table in OUR_TABLES if table.startswith(("auth.", "nec_"))}


def test_the_materialized_views_are_those_of_the_files(connection: psycopg.Connection[Any]) -> None:
    files = "".join(path.read_text(encoding="utf-8") for path in data_folder("schema").glob("*.sql"))
    wanted = set(re.findall(r"call ensure_materialized_view\('(\w+)'", files))

    assert {"nec_monthly_averages", "nec_yoy_comparison"} <= wanted
    assert names(connection, "select matviewname::text from pg_matviews") == wanted
