"""The scores that the database computes are those that pandas computes from the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg
import pytest

from necc.embedded import Cluster
from tests.conftest import temporary_database
from tests.schema_rows import Connection, value

GRAIN = ["model_name", "model_version", "horizon_days", "zone", "section", "target_month"]
MODELS = [("pooled", "a1"), ("pooled", "b2"), ("naive-fallback", "b2")]
HORIZONS = (1, 7, 30)
ISSUES = [dt.date(2024, 1, 20) + dt.timedelta(days=5 * number) for number in range(12)]
SEED = 20240201

INSERT_RUN = """
    insert into nec_model_runs (model_name, model_version, training_from, training_cutoff, horizons_days)
    values (%s, %s, '2009-01-01', '2024-01-01', '{1}') returning id"""
INSERT = """
    insert into nec_predictions (zone_id, section, target_date, issued_on, predicted_price, lower_80, upper_80,
        lower_95, upper_95, naive_price, is_naive_fallback, model_run_id, model_name, model_version, actual_price,
        actual_filled_at, created_at)
    select id, %(section)s, %(target_date)s, %(issued_on)s, %(predicted)s, %(predicted)s - %(half_80)s,
        %(predicted)s + %(half_80)s, %(predicted)s - %(half_95)s, %(predicted)s + %(half_95)s, %(naive)s,
        %(is_fallback)s, %(run_id)s, %(model_name)s, %(model_version)s, %(actual)s::numeric,
        case when %(actual)s::numeric is not null then now() end, %(created_at)s
    from nec_zones where slug = %(zone)s"""


def drawn(generator: np.random.Generator) -> list[dict[str, Any]]:
    """Predictions of three series; one in five has not met its price, and one series never moves."""
    rows = []
    for name, version in MODELS:
        for issued_on in ISSUES:
            for zone, section in (("delhi", "prevailing"), ("pune", "suggested"), ("pune", "prevailing")):
                for ahead in HORIZONS:
                    naive, change, came = 500, *generator.integers(-40, 41, size=2) / 4
                    came = 0 if (zone, section) == ("pune", "prevailing") else came
                    rows.append(
                        {
                            "model_name": name,
                            "model_version": version,
                            "zone": zone,
                            "section": section,
                            "issued_on": issued_on,
                            "target_date": issued_on + dt.timedelta(days=ahead),
                            "predicted": naive if name == "naive-fallback" else naive + change,
                            "naive": naive,
                            "is_fallback": name == "naive-fallback",
                            "half_80": generator.integers(1, 8),
                            "half_95": generator.integers(8, 12),
                            "actual": None if generator.random() < 0.2 else naive + came,
                            # written on the evening of the 10th in India, when in Greenwich it is still afternoon
                            "created_at": dt.datetime(2024, 2, 10, 19, tzinfo=dt.UTC),
                        }
                    )
    return rows


def recomputed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The view's rows from what was drawn: floats are exact here, every price is a multiple of a quarter."""
    frame = pd.DataFrame(rows).dropna(subset="actual")
    error = (frame["actual"] - frame["predicted"]).abs()
    made = pd.DataFrame(
        {
            **{name: frame[name] for name in ("model_name", "model_version", "zone", "section")},
            "horizon_days": (pd.to_datetime(frame["target_date"]) - pd.to_datetime(frame["issued_on"])).dt.days,
            "target_month": [day.replace(day=1) for day in frame["target_date"]],
            "forecasts_count": 1,
            "replayed_count": [day <= dt.date(2024, 2, 10) for day in frame["target_date"]],
            "mae": error,
            "naive_mae": (frame["actual"] - frame["naive"]).abs(),
            "coverage_80": error <= frame["half_80"],
            "coverage_95": error <= frame["half_95"],
            "mean_width_80": 2.0 * frame["half_80"],
            "mean_width_95": 2.0 * frame["half_95"],
        }
    )
    counts = dict.fromkeys(("forecasts_count", "replayed_count"), "sum")
    means = {name: "mean" for name in made.columns if name not in {*GRAIN, *counts}}
    pooled = made.groupby(GRAIN, as_index=False).agg({**counts, **means})
    pooled["skill"] = 1 - pooled["mae"] / pooled["naive_mae"].replace(0, np.nan)
    return pooled


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return drawn(np.random.default_rng(SEED))


@pytest.fixture(scope="module")
def connection(server: Cluster, template: str, rows: list[dict[str, Any]]) -> Iterator[Connection]:
    """Read by every test, changed by none."""
    for url in temporary_database(server, template):
        with psycopg.connect(url) as connection:
            runs = {model: value(connection, INSERT_RUN, *model) for model in MODELS}
            with connection.cursor() as cursor:
                cursor.executemany(INSERT, [_exact(row, runs) for row in rows])
            yield connection


def _exact(row: dict[str, Any], runs: dict[tuple[str, str], UUID]) -> dict[str, Any]:
    numbers = ("predicted", "naive", "half_80", "half_95", "actual")
    exact = {name: None if row[name] is None else Decimal(str(row[name])) for name in numbers}
    return {**row, **exact, "run_id": runs[row["model_name"], row["model_version"]]}


def read(connection: Connection) -> pd.DataFrame:
    columns = [*GRAIN, *("forecasts_count", "replayed_count", "mae", "naive_mae", "coverage_80", "coverage_95")]
    columns += ["mean_width_80", "mean_width_95", "skill"]
    found = connection.execute(f"select {', '.join(columns)} from nec_v_forecast_scores").fetchall()
    return pd.DataFrame(found, columns=columns)


def test_the_view_says_what_pandas_says(connection: Connection, rows: list[dict[str, Any]]) -> None:
    both = read(connection).merge(recomputed(rows), on=GRAIN, how="outer", suffixes=("", "_expected"), indicator=True)
    assert set(both["_merge"]) == {"both"}
    assert len(both) > 60
    for name in ("forecasts_count", "replayed_count", "mae", "naive_mae", "coverage_80", "coverage_95", "skill"):
        found, expected = both[name].astype(float), both[f"{name}_expected"].astype(float)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12, err_msg=name)
    for name in ("mean_width_80", "mean_width_95"):
        np.testing.assert_allclose(both[name].astype(float), both[f"{name}_expected"], rtol=1e-12, err_msg=name)


def test_the_draw_holds_every_case(rows: list[dict[str, Any]]) -> None:
    """Else the comparison above would prove less than it says."""
    expected = recomputed(rows)
    assert expected["skill"].isna().any()  # naive was never wrong
    assert (expected["skill"] < 0).any()
    assert (expected["forecasts_count"] > expected["replayed_count"]).any()
    assert expected["replayed_count"].any()
    assert (expected["forecasts_count"] >= 3).any()
    assert len({row["target_date"].month for row in rows}) == 4


def test_naive_instead_of_a_model_has_no_skill_and_does_not_touch_the_model_s(connection: Connection) -> None:
    found = read(connection)
    fallback = found[found["model_name"] == "naive-fallback"]
    assert set(fallback["skill"].dropna()) == {0}
    assert (found.loc[found["model_name"] == "pooled", "skill"].dropna() != 0).any()


def test_a_row_names_its_zone(connection: Connection) -> None:
    query = """select bool_and(z.id = s.zone_id and z.name = s.zone_name) from nec_v_forecast_scores s
        join nec_zones z on z.slug = s.zone"""
    assert value(connection, query) is True
