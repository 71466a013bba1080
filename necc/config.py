"""Settings, read once by the caller: flag > environment > .env > default. Nothing is read at import."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from necc.errors import UsageError

INDIA = ZoneInfo("Asia/Kolkata")
SOURCE_URL = "https://www.e2necc.com"
SHEET_PATH = "/home/eggprice"
DEFAULT_PAUSE_S = 2.0  # the least time between two requests to the real site
DATABASE_NAME = "necc"
DEMO_DATABASE_NAME = "necc_demo"  # made-up prices never share a database with real ones
DEMO_LABEL = "made-up demo data"
NAIVE_FALLBACK = "naive-fallback"  # the model name of naive's price where it is given instead of a model's
NOON = dt.time(12)
TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"", "0", "false", "no", "off"}


@dataclass(frozen=True)
class Settings:
    """What a run works with. `now` is fixed by NECC_TODAY, else None: the clock is asked when needed."""

    home: Path
    database_url: str | None = None
    pg_bin: Path | None = None
    base_url: str = SOURCE_URL
    user_agent: str = ""
    pause_s: float = DEFAULT_PAUSE_S
    offline: bool = False
    demo: bool = False
    fixed_now: dt.datetime | None = None

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **flags: object) -> Settings:
        """Read the environment and the .env file of the working directory; flags that are not None win.

        Raises:
            UsageError: a variable has a value that cannot be used.
        """
        values = {**_dotenv(), **(os.environ if environ is None else environ)}
        read: dict[str, object] = {
            "home": _path("NECC_HOME", values.get("NECC_HOME")) or default_home(),
            "database_url": values.get("DATABASE_URL") or None,
            "pg_bin": _path("NECC_PG_BIN", values.get("NECC_PG_BIN")),
            "base_url": (values.get("NECC_BASE_URL") or SOURCE_URL).rstrip("/"),
            "user_agent": values.get("NECC_USER_AGENT") or "",
            "pause_s": _seconds("NECC_PAUSE_S", values.get("NECC_PAUSE_S")),
            "offline": _switch("NECC_OFFLINE", values.get("NECC_OFFLINE", "")),
            "demo": _switch("NECC_DEMO", values.get("NECC_DEMO", "")),
            "fixed_now": _fixed_now(values.get("NECC_TODAY")),
        }
        return cls(**{**read, **{k: v for k, v in flags.items() if v is not None}})  # type: ignore[arg-type]

    @property
    def database_name(self) -> str:
        """The database of the embedded server that these settings work in."""
        return DEMO_DATABASE_NAME if self.demo else DATABASE_NAME

    def now(self) -> dt.datetime:
        """This moment in India, or the one that NECC_TODAY sets."""
        return self.fixed_now or dt.datetime.now(INDIA)

    def today(self) -> dt.date:
        """The day in India: between 18:30 and 24:00 UTC it is already tomorrow there."""
        return self.now().astimezone(INDIA).date()


def default_home() -> Path:
    """The data directory where NECC_HOME does not say: root's lies where a service account can reach it."""
    import platformdirs

    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return Path("/var/lib/necc") if is_root else platformdirs.user_data_path("necc", appauthor=False)


def data_folder(name: str) -> Path:
    """The folder `schema`, `seeds` or `notebooks`: inside an installed wheel, or beside the package."""
    package = Path(__file__).parent
    installed = package / "_data" / name
    return installed if installed.is_dir() else package.parent / name


def _dotenv() -> dict[str, str]:
    path = Path(".env")
    try:
        if not path.is_file():
            return {}
        from dotenv import dotenv_values

        return {key: value for key, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeError) as error:
        raise UsageError(f"the file .env of this folder cannot be read: {error}") from None


def _path(name: str, text: str | None) -> Path | None:
    """Absolute, so that it means the same in a notebook, which works in another folder."""
    if not text:
        return None
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # ~somebody who is not known here
        raise UsageError(f"{name}={text!r}: wanted a folder, found no such user") from None


def _seconds(name: str, text: str | None) -> float:
    if not text:
        return DEFAULT_PAUSE_S
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"{name}={text!r}: wanted a number of seconds, 0 or more")
    return value


def _switch(name: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise UsageError(f"{name}={text!r}: wanted 1 or 0")
    return word in TRUE_WORDS


def _fixed_now(text: str | None) -> dt.datetime | None:
    """A day alone means its noon in India; a time may follow, as in 2025-06-30T20:30."""
    if not text:
        return None
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"NECC_TODAY={text!r}: wanted YYYY-MM-DD, or YYYY-MM-DDTHH:MM in India") from None
    if len(text) <= len("2025-06-30"):
        value = dt.datetime.combine(value.date(), NOON)
    return value if value.tzinfo else value.replace(tzinfo=INDIA)
