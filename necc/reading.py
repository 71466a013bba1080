"""What every reading function first finds out: is the database ready, is it a demo, which zones are meant."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import pandas as pd

from necc import db
from necc.config import DEMO_LABEL, Settings
from necc.errors import NoDataError, UnknownZoneError, UsageError
from necc.frames import Ask, Zones

CLOSE_NAMES = 3  # how many suggestions an unknown zone's message carries

HOLDINGS = """
select current_database() as database, exists (select from nec_prices) as has_prices,
       exists (select from nec_prices
               where suggested_source = 'demo' or prevailing_source = 'demo') as is_demo
"""
# A slug is no alias, so both are tried; the alias must match as a whole, nothing is stripped from it.
RESOLVE = """
select asked.name, zone.slug
from unnest(cast(:names as text[])) as asked(name)
left join nec_zones as zone
  on zone.id = coalesce((select id from nec_zones where slug = lower(btrim(asked.name))),
                        resolve_nec_zone(asked.name))
"""
KNOWN_NAMES = """
select zone.name, known.spelling
from nec_zones as zone
cross join lateral (
    select zone.slug as spelling
    union select zone.name
    union select alias from nec_zone_aliases where zone_id = zone.id
) as known
order by zone.sort_order, zone.slug, known.spelling
"""


@dataclass(frozen=True)
class Holdings:
    """What a deployed database holds."""

    database: str
    has_prices: bool
    is_demo: bool

    @property
    def label(self) -> str | None:
        """What every row must say about its origin: made-up prices say so."""
        return DEMO_LABEL if self.is_demo else None

    @property
    def kind(self) -> str:
        """'demo', 'real' or 'empty'."""
        return "demo" if self.is_demo else "real" if self.has_prices else "empty"


def holdings(settings: Settings) -> Holdings:
    """What the database holds; empty is a fine answer.

    Raises:
        DatabaseError: it cannot be reached, or has no schema yet.
    """
    found = db.read_frame(settings, HOLDINGS, {}).iloc[0]
    return Holdings(str(found["database"]), bool(found["has_prices"]), bool(found["is_demo"]))


def holdings_with_prices(settings: Settings) -> Holdings:
    """What the database holds, where an answer needs at least one price.

    Raises:
        DatabaseError: it cannot be reached, or has no schema yet.
        NoDataError: no price is stored yet.
    """
    found = holdings(settings)
    if not found.has_prices:
        raise NoDataError(f"no prices stored yet in database {found.database}: run `necc scrape`, or `necc quickstart`")
    return found


@dataclass(frozen=True)
class Reader:
    """A database with prices, and the zones meant (slugs; None for all): asks it queries of necc.queries."""

    settings: Settings
    zones: list[str] | None
    holdings: Holdings

    @classmethod
    def open(cls, settings: Settings | None, zones: Zones) -> Reader:
        """Prove that there is something to read, and find the zones.

        Raises:
            DatabaseError, NoDataError: as `holdings_with_prices` does.
            UsageError: as `slugs` does.
        """
        settings = settings or Settings.load()
        found = holdings_with_prices(settings)
        return cls(settings, slugs(settings, zones), found)

    def rows(self, query: str, ask: Ask, **more: object) -> pd.DataFrame:
        """The rows of one query for these zones, `ask` and whatever `more` it binds."""
        params = {"zones": self.zones, "start": ask.start, "end": ask.end, "section": ask.section}
        return db.read_frame(self.settings, query, {**params, "demo_label": self.holdings.label, **more})


def slugs(settings: Settings, zones: Zones) -> list[str] | None:
    """The slugs of the zones that are meant; None for all.

    Args:
        settings: which database knows the zones.
        zones: one or several slugs, names, aliases or labels as printed; capitals, dots and blanks do not
            count, a suffix such as "(CC)" does.

    Raises:
        UnknownZoneError: a name that no zone has.
        UsageError: something that is not a name.
    """
    if zones is None:
        return None
    names = [zones] if isinstance(zones, str) else list(zones)
    strangers = [name for name in names if not isinstance(name, str)]
    if strangers:
        raise UsageError(f"zone {strangers[0]!r}: wanted a name, such as 'namakkal' or 'Delhi (CC)'")
    found = db.read_frame(settings, RESOLVE, {"names": names})
    unknown = found.loc[found["slug"].isna(), "name"]
    if len(unknown):
        name = str(unknown.iloc[0])
        raise UnknownZoneError(name, _close_names(settings, name))
    return list(found["slug"].unique())


def _close_names(settings: Settings, name: str) -> list[str]:
    """Zones with a slug, name or alias that looks like `name`, best first, each once."""
    known = db.read_frame(settings, KNOWN_NAMES, {})
    zone_of = dict(zip(known["spelling"].str.lower(), known["name"], strict=True))
    spellings = difflib.get_close_matches(name.lower().strip(), zone_of, n=len(zone_of) or 1)
    return list(dict.fromkeys(zone_of[spelling] for spelling in spellings))[:CLOSE_NAMES]
