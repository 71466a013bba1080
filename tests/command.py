"""The command, as it is typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from necc import cli

Run = Callable[..., tuple[int, str, str]]


def command_on(
    database_url: str | None,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    today: dt.date | None = None,
) -> Run:
    """Run it with arguments on a database and a home, on that day; gives code, stdout, stderr."""
    monkeypatch.setenv("DATABASE_URL", database_url or "")
    monkeypatch.setenv("NECC_HOME", str(home))
    if today:
        monkeypatch.setenv("NECC_TODAY", today.isoformat())

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
