"""A pytest plugin that gives notebooks a database: made-up prices up to a fixed day, with forecasts.

Use it as `python -m pytest -p tests.notebook_database --nbmake notebooks`. nbmake runs a notebook outside
of pytest's fixtures, so everything is prepared when the session starts; the kernels inherit the environment.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from pathlib import Path

import pytest

from necc import db, forecasting, pipeline
from necc.config import Settings
from necc.records import Month, Report

TODAY = "2025-06-17"  # a running month beside 26 whole ones, two of each for year over year
MONTHS = 27
STATE = pytest.StashKey[dict[str, str | None]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start a server in a temporary home, fill it, and tell the kernels where it is."""
    home = Path(tempfile.mkdtemp(prefix="necc-notebooks-"))
    home.chmod(0o755)  # our own new folder; root's service account must pass through it
    wanted = {"NECC_HOME": str(home), "NECC_DEMO": "1", "NECC_TODAY": TODAY, "NECC_OFFLINE": "1", "DATABASE_URL": ""}
    session.config.stash[STATE] = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        fill(Settings.load())
    except BaseException:
        _leave_nothing(session.config)  # pytest finishes no session that did not start
        raise


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the server and leave nothing behind."""
    if STATE in session.config.stash:
        _leave_nothing(session.config)


def _leave_nothing(config: pytest.Config) -> None:
    settings = Settings.load()
    db.own_cluster(settings).stop()
    shutil.rmtree(settings.home)
    for name, value in config.stash[STATE].items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    del config.stash[STATE]


def fill(settings: Settings) -> None:
    """Scrape made-up sheets, predict past days and the next ones from them, and score: `necc predict --replay`.

    Raises:
        NeccError: a sheet was not stored.
    """
    today = settings.today()
    last = Month.of(today)
    keys = pipeline.keys_between(last.plus(1 - MONTHS), last, [Report.DAILY], today)
    scraped = pipeline.scrape(settings, keys)
    for error in scraped.errors:
        raise error
    with warnings.catch_warnings():
        # Fits side by side share Python 3.11's one list of filters: scikit-learn may find it empty for a moment and
        # warn of that. Shown, but no error: what is tested here are the notebooks.
        warnings.simplefilter("default")
        forecasting.replay(settings)
        forecasting.predict(settings)
    forecasting.score(settings)
