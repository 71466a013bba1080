"""Indian egg prices: scraped from the NECC sheets, kept in PostgreSQL, analysed and predicted.

The public functions are loaded when they are first used: importing this package opens nothing
and loads neither pandas nor a database driver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from necc.analyse import monthly as monthly
    from necc.analyse import notice as notice
    from necc.analyse import prices as prices
    from necc.analyse import status as status
    from necc.analyse import yoy as yoy
    from necc.analyse import zones as zones
    from necc.backtesting import backtest as backtest
    from necc.explaining import explain as explain
    from necc.forecast_store import forecasts as forecasts
    from necc.forecast_store import track_record as track_record
    from necc.scorecard import scores as scores

_ROOMS = {
    "backtest": "necc.backtesting",
    "explain": "necc.explaining",
    "forecasts": "necc.forecast_store",
    "monthly": "necc.analyse",
    "notice": "necc.analyse",
    "prices": "necc.analyse",
    "scores": "necc.scorecard",
    "status": "necc.analyse",
    "track_record": "necc.forecast_store",
    "yoy": "necc.analyse",
    "zones": "necc.analyse",
}

__all__ = [
    "__version__",
    "backtest",
    "explain",
    "forecasts",
    "monthly",
    "notice",
    "prices",
    "scores",
    "status",
    "track_record",
    "yoy",
    "zones",
]


def __getattr__(name: str) -> object:
    """Load a public function from its module on first use (PEP 562)."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'necc' has no attribute {name!r}")
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
