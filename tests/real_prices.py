"""The real prices, where they are given (NECC_REAL_DATA), and the stand-in server beside them."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from necc.records import Month

ROOT = Path(__file__).resolve().parent.parent
FIRST_PREVAILING = "Allahabad (CC)"  # the extract's first column of the second section
Cell = tuple[str, str, dt.date]  # label, section, day


def folder() -> Path:
    """The folder of the real data; the test is skipped where none is given."""
    given = os.environ.get("NECC_REAL_DATA")
    if not given:
        pytest.skip("NECC_REAL_DATA is not set: the real prices are not here")
    path = Path(given) if Path(given).is_absolute() else ROOT / given
    if not path.is_dir():
        pytest.fail(f"NECC_REAL_DATA={given!r}: no such folder")
    return path


def published(first: str = "2009-01", last: str = "2025-06") -> dict[Cell, Decimal]:
    """The published prices of a range of months: (label, section, day) -> INR per 100 eggs."""
    (path,) = sorted((folder() / "data").glob("necc_daily_*.csv"))
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        labels = next(rows)[1:]
        cut = labels.index(FIRST_PREVAILING)
        sections = ["suggested" if i < cut else "prevailing" for i in range(len(labels))]
        return {
            (label, section, day): Decimal(text)
            for day, texts in ((dt.datetime.strptime(r[0], "%d-%b-%Y").date(), r[1:]) for r in rows)  # noqa: DTZ007
            if first <= f"{day:%Y-%m}" <= last
            for label, section, text in zip(labels, sections, texts, strict=True)
            if text.strip() not in ("", "-")
        }


def stored(connection: psycopg.Connection[Any], first: str = "2009-01", last: str = "2025-06") -> dict[Any, Decimal]:
    """The stored prices of a range of months: (zone id, section, day) -> INR per 100 eggs."""
    rows = connection.execute(
        "select zone_id, section, date, price from nec_v_price_quotes where date between %s and %s",
        [Month.parse(first).first_day, Month.parse(last).last_day],
    )
    return {(zone_id, section, day): price for zone_id, section, day, price in rows}


def by_zone(connection: psycopg.Connection[Any], cells: dict[Cell, Decimal]) -> dict[Any, Decimal]:
    """The same cells under zone ids; every label must be known."""
    labels = sorted({label for label, _, _ in cells})
    known = dict(
        connection.execute("select l, resolve_nec_zone(l) from unnest(%s::text[]) as t (l)", [labels]).fetchall()
    )
    assert None not in known.values(), f"unknown labels: {[k for k, v in known.items() if v is None]}"
    return {(known[label], section, day): price for (label, section, day), price in cells.items()}


@contextmanager
def site(*options: str, fault_log: Path | None = None) -> Iterator[str]:
    """Run the stand-in for the site on a free loopback port; gives its base URL."""
    script = folder() / "source" / "serve_pages.py"
    command = [sys.executable, "-B", str(script), "0", *options]
    command += ["--fault-log", str(fault_log)] if fault_log else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split("/home/")[0]
            assert url.startswith("http://127.0.0.1:"), f"the stand-in did not start: {url!r}"
            yield url
        finally:
            process.terminate()


def answers(fault_log: Path) -> dict[str, dict[str, Any]]:
    """The last answer to each month asked for, from the server's log: the truth about faults."""
    last: dict[str, dict[str, Any]] = {}
    for line in fault_log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["asked"]:
            last[f"{entry['asked']['ddlYear']}-{entry['asked']['ddlMonth']}"] = entry
    return last
