"""The entries of the reference lists, the staff's roles, the settings, and every way of writing a zone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from necc.config import data_folder
from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, refused, value

COUNTS = {
    "ref_countries": 3,
    "ref_states": 36,
    "ref_roles": 15,
    "ref_business_types": 12,
    "ref_organization_types": 8,
    "ref_event_types": 10,
    "ref_job_categories": 10,
    "ref_skills": 20,
    "ref_notification_types": 13,
    "res_categories": 7,
    "adm_roles": 4,
    "adm_system_settings": 18,
    "nec_zones": 37,
    "nec_zone_aliases": 82,
}
SUGGESTED_LABELS = [
    "Ahmedabad", "Ajmer", "Asansole", "Barwala", "Bengaluru (CC)", "Brahmapur (OD)", "Burdwan (CC)", "Chennai (CC)",
    "Chittoor", "Delhi (CC)", "E.Godavari", "Hospet", "Hyderabad", "Jabalpur", "Kolkata (WB)", "Ludhiana",
    "Midnapur (KOL)", "Mumbai (CC)", "Mysuru", "Namakkal", "Pune", "Raipur", "Surat", "Vijayawada", "Vizag",
    "W.Godavari", "Warangal",
]  # fmt: skip
PREVAILING_LABELS = [
    "Allahabad (CC)", "Bhopal", "Indore (CC)", "Jabalpur", "Kanpur (CC)", "Luknow (CC)", "Muzaffurpur (CC)", "Nagpur",
    "Patna", "Ranchi  (CC)", "Varanasi (CC)",
]  # fmt: skip
OTHER_SPELLINGS = {
    "Lucknow": "lucknow", "Muzaffarpur": "muzaffarpur", "Asansol": "asansol", "Prayagraj": "prayagraj",
    "Visakhapatnam": "visakhapatnam", "East Godavari": "east-godavari", "West godavari": "west-godavari",
    "W. Godavari": "west-godavari", "Hosapete": "hospet", "Bangalore": "bengaluru", "Banglore": "bengaluru",
    "Mysore": "mysuru", "Berhampur": "brahmapur", "Kolkata (CC)": "kolkata", "Burdwan": "bardhaman",
    "Bardhaman": "bardhaman", "Medinipur": "medinipur", "Ranchi (CC)": "ranchi", "NAMAKKAL": "namakkal",
    "\u00a0Delhi\u00a0(CC) ": "delhi", "Nāmakkal": "namakkal",
}  # fmt: skip
UNKNOWN = ["Bongaon", "Miraj", "Jabalpur (CC)", "Nagpur (CC)", "West", "Godavari", "", " ", None]


@pytest.fixture(scope="module")
def deployed(server: Cluster, template: str) -> Iterator[str]:
    yield from temporary_database(server, template)


@pytest.fixture
def connection(deployed: str) -> Iterator[Connection]:
    with psycopg.connect(deployed) as connection:
        yield connection
        connection.rollback()


def resolved(connection: Connection, label: str | None) -> str | None:
    slug: str | None = value(connection, "select slug from nec_zones where id = resolve_nec_zone(%s)", label)
    return slug


def test_every_list_has_its_entries(connection: Connection) -> None:
    assert {table: value(connection, f"select count(*) from {table}") for table in COUNTS} == COUNTS


def seed_again(connection: Connection) -> None:
    connection.execute((data_folder("seeds") / "01_reference_data.sql").read_text(encoding="utf-8"))


def touched(connection: Connection) -> set[str]:
    """The tables of the schema with rows that this transaction wrote."""
    tables = "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    written = "select exists (select from {} where xmin = pg_current_xact_id()::xid)"
    return {name for (name,) in connection.execute(tables).fetchall() if value(connection, written.format(name))}


def test_seeding_again_touches_no_row(connection: Connection) -> None:
    seed_again(connection)
    assert touched(connection) == set()


def test_seeding_again_mends_texts_and_keeps_what_an_administrator_set(connection: Connection) -> None:
    for table, text, kept in (
        ("ref_roles", "name = 'x' || name, icon = 'x'", "is_active = false"),
        ("res_categories", "name = 'x' || name", "is_active = false"),
        ("adm_roles", "name = 'x' || name, description = 'x'", "is_active = false, permissions = '{\"users\": []}'"),
        ("adm_system_settings", "description = 'x', category = 'x'", "is_public = false, value = '\"x\"'"),
    ):
        before = connection.execute(f"select * from {table} order by 1").fetchall()
        connection.execute(f"update {table} set {kept}")
        wanted = connection.execute(f"select * from {table} order by 1").fetchall()
        connection.execute(f"update {table} set {text}")
        seed_again(connection)
        assert connection.execute(f"select * from {table} order by 1").fetchall() == wanted
        assert wanted != before


def test_roles_of_people_are_first_or_second_ones(connection: Connection) -> None:
    query = "select category, array_agg(slug::text order by sort_order) from ref_roles group by 1 order by 1"
    assert connection.execute(query).fetchall() == [
        ("primary", ["farmer", "feed-supplier", "equipment-supplier", "veterinarian", "consultant", "trader"]),
        ("secondary", ["hatchery-owner", "processing-unit-owner", "researcher", "student", "government-official",
                       "nutritionist", "association-member", "investor", "service-provider"]),
    ]  # fmt: skip


def test_every_role_with_details_is_seeded(connection: Connection) -> None:
    """What a detail table asks for, by the argument of its trigger, is a role."""
    asked = """
        select distinct unnest(string_to_array(rtrim(encode(tgargs, 'escape'), '\\000'), '\\000'))
        from pg_trigger where tgfoid = 'trg_fn_role_fits'::regproc"""
    slugs = {slug for (slug,) in connection.execute(asked).fetchall()}
    assert len(slugs) == 10
    assert slugs <= {slug for (slug,) in connection.execute("select slug::text from ref_roles").fetchall()}


def test_the_staff_has_four_ranks(connection: Connection) -> None:
    query = """
        select level, slug::text, array(select jsonb_object_keys(permissions) order by 1) from adm_roles order by 1"""
    areas = ["admin", "analytics", "content", "settings", "users"]
    assert connection.execute(query).fetchall() == [
        (level, slug, areas) for level, slug in enumerate(["super-admin", "admin", "moderator", "support"])
    ]
    unknown = """
        select slug, action from adm_roles, jsonb_each(permissions) area, jsonb_array_elements_text(area.value) action
        where action not in ('view', 'create', 'edit', 'delete', 'ban', 'moderate')"""
    assert connection.execute(unknown).fetchall() == []
    more = """
        select low.slug from adm_roles low join adm_roles high on high.level = low.level - 1
        where not high.permissions @> low.permissions"""
    assert connection.execute(more).fetchall() == []  # nobody may do what those above may not


def test_the_settings_are_those_of_the_platform(connection: Connection) -> None:
    query = (
        "select category, count(*), bool_and(description is not null) from adm_system_settings group by 1 order by 1"
    )
    assert connection.execute(query).fetchall() == [
        ("email", 3, True), ("features", 5, True), ("limits", 4, True), ("platform", 4, True), ("seo", 2, True),
    ]  # fmt: skip
    off = "select array_agg(key) from adm_system_settings where category = 'features' and value = 'false'"
    assert value(connection, off) == ["features.marketplace"]
    misplaced = "select count(*) from adm_system_settings where split_part(key, '.', 1) <> category"
    assert value(connection, misplaced) == 0


@pytest.mark.parametrize(
    ("key", "table", "column"),
    [("limits.post_characters", "soc_posts", "content"), ("limits.message_characters", "msg_messages", "content")],
)
def test_a_limit_is_not_above_that_of_the_table(connection: Connection, key: str, table: str, column: str) -> None:
    limit = int(value(connection, "select value from adm_system_settings where key = %s", key))
    definition = """
        select string_agg(pg_get_constraintdef(oid), ' ') from pg_constraint
        where conrelid = %s::regclass and conname = 'ck_' || %s || '_' || %s"""
    check = value(connection, definition, table, table, column)
    (longest,) = re.findall(r"length\(content\) <= (\d+)", check)
    assert limit <= int(longest)


def test_india_has_its_states_by_iso_code(connection: Connection) -> None:
    query = """
        select s.type, count(*), string_agg(s.code, ' ' order by s.code)
        from ref_states s join ref_countries c on c.id = s.country_id and c.code = 'IN' group by 1 order by 1"""
    assert connection.execute(query).fetchall() == [
        ("state", 28, "AP AR AS BR CG GA GJ HP HR JH KA KL MH ML MN MP MZ NL OD PB RJ SK TN TR TS UK UP WB"),
        ("union_territory", 8, "AN CH DH DL JK LA LD PY"),
    ]
    assert value(connection, "select string_agg(code, ' ') from ref_countries where is_active") == "IN"
    assert value(connection, "select code from ref_countries where name = 'United Kingdom'") == "GB"


def test_the_lists_say_what_they_are_to_say(connection: Connection) -> None:
    slugs = "select array_agg(slug::text order by slug) from ref_notification_types"
    assert value(connection, slugs) == sorted(
        ["connection-request", "connection-accepted", "new-message", "post-like", "post-comment", "comment-reply",
         "post-mention", "event-invitation", "event-reminder", "resource-published", "job-application", "profile-view",
         "system-update"]
    )  # fmt: skip
    incomplete = (
        "select count(*) from ref_notification_types where num_nulls(description, template, action_url_pattern) > 0"
    )
    assert value(connection, incomplete) == 0
    kinds = "select array_agg(distinct category order by category) from "
    assert value(connection, kinds + "ref_business_types") == ["production", "service", "supply"]
    assert value(connection, kinds + "ref_skills") == ["business", "soft", "technical"]
    assert value(connection, "select array_agg(distinct path = slug and level = 0) from ref_job_categories") == [True]


def test_every_zone_is_complete_and_its_own_alias(connection: Connection) -> None:
    query = """
        select z.slug from nec_zones z left join ref_states s on s.id = z.state_id
        where s.name is distinct from z.state or resolve_nec_zone(z.name) is distinct from z.id
            or z.slug <> slugify(z.name) or num_nulls(z.latitude, z.longitude, z.zone_code, z.district, z.city) > 0"""
    assert connection.execute(query).fetchall() == []
    retired = "select array_agg(slug::text order by slug) from nec_zones where not is_active"
    assert value(connection, retired) == ["asansol", "bardhaman", "medinipur"]


def test_a_zone_printed_as_a_consumption_centre_is_one(connection: Connection) -> None:
    query = """
        select distinct z.slug from nec_zones z join nec_zone_aliases a on a.zone_id = z.id
        where a.kind = 'printed' and a.alias like '%(CC)' and z.zone_type <> 'consumption_center'"""
    assert connection.execute(query).fetchall() == []


def test_every_printed_label_means_a_zone_of_its_own(connection: Connection) -> None:
    labels = set(SUGGESTED_LABELS) | set(PREVAILING_LABELS)
    found = {label: resolved(connection, label) for label in labels}

    assert len(labels) == 37
    assert len(set(found.values()) - {None}) == 37
    printed = "select array_agg(alias) from nec_zone_aliases where kind = 'printed'"
    assert set(value(connection, printed)) == labels


@pytest.mark.parametrize(("spelling", "slug"), OTHER_SPELLINGS.items())
def test_other_spellings_mean_the_same_zones(connection: Connection, spelling: str, slug: str) -> None:
    assert resolved(connection, spelling) == slug


@pytest.mark.parametrize("label", UNKNOWN)
def test_an_unknown_label_is_unknown_and_makes_no_zone(connection: Connection, label: str | None) -> None:
    assert resolved(connection, label) is None
    assert value(connection, "select count(*) from nec_zones") == 37


def test_a_zone_cannot_take_the_name_of_another(connection: Connection) -> None:
    new = "insert into nec_zones (name, slug, zone_type, state) values (%s, 'new', 'production_center', 'Goa')"

    refused(connection, errors.UniqueViolation, new, "JABALPUR")
    refused(connection, errors.UniqueViolation, new, "Allahabad (CC)")
    connection.execute(new, ["Miraj"])
    assert resolved(connection, " miraj") == "new"


@pytest.mark.parametrize(
    "change",
    [
        "zone_type = 'CC'",
        "latitude = 5",
        "longitude = 99",
        "latitude = null",
        "zone_code = 'x'",
        "slug = 'A b'",
        "first_price_on = '2024-02-02', last_price_on = '2024-02-01'",
    ],
)
def test_a_zone_refuses_nonsense(connection: Connection, change: str) -> None:
    refused(connection, errors.CheckViolation, f"update nec_zones set {change} where slug = 'namakkal'")


def test_an_alias_is_never_empty_nor_shared(connection: Connection) -> None:
    new = "insert into nec_zone_aliases (alias, zone_id) select %s, id from nec_zones where slug = 'namakkal'"
    refused(connection, errors.IntegrityError, new, " . ")
    refused(connection, errors.UniqueViolation, new, "pune.")
    refused(connection, errors.CheckViolation, "update nec_zone_aliases set kind = 'guess'")
