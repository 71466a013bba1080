"""Everything that can go wrong, as types; the command line turns each into its exit code.

NeccError
├── UsageError                2  the request itself is wrong (bad month, bad option)
│   ├── UnknownZoneError      2  no zone of that name; says which names are close
│   └── MissingExtraError     2  a library that only an extra brings is not installed
├── FetchError                1  the source did not answer after the retries
├── DatabaseError             1  the database cannot be reached or refuses
├── ModelFileError            1  a saved model is damaged, or made by another code or release
├── ClusterError              1  a cluster cannot be reached, or its workers cannot do the work
├── SheetRefusedError         1  a sheet is cut or contradicts what is stored: nothing of it is kept
├── StalePageError            3  the page is not the sheet that was asked for
├── NoDataError               3  the source (or the database) has nothing for what was asked
├── SourceChangedError        4  the page has an unknown layout
│   └── UnknownLabelError     4  the page names a zone that is in no alias
├── BlockedError              5  the source refuses us: 403, 429 or robots.txt
└── LockedError               6  another run holds the lock
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from necc.records import Page


class NeccError(Exception):
    """Base of all errors of this package; its text is one line for people."""

    exit_code = 1


class UsageError(NeccError):
    """The request is wrong in itself: a bad month, an impossible option."""

    exit_code = 2


class UnknownZoneError(UsageError):
    """No zone, alias or slug has this name.

    Args:
        name: what was asked for.
        close: known names that look like it, best first.
    """

    def __init__(self, name: str, close: Iterable[str] = ()) -> None:
        self.name = name
        self.close = tuple(close)
        hint = f"did you mean {', '.join(self.close)}?" if self.close else "see necc.zones() for all of them"
        super().__init__(f"unknown zone {name!r}: {hint}")


class MissingExtraError(UsageError):
    """What was asked for needs a library that is not installed with the package itself.

    Args:
        asked: what needs it, as it was asked for.
        extra: of the package, that brings the library.
    """

    def __init__(self, asked: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{asked} needs more than is installed: pip install 'necc[{extra}]'")


class FetchError(NeccError):
    """The source did not answer, or answered with an error, after the retries.

    Args:
        message: one line for people.
        page: the last answer, where there was one (an HTTP error), so that it can be archived.
    """

    def __init__(self, message: str, page: Page | None = None) -> None:
        self.page = page
        super().__init__(message)


class DatabaseError(NeccError):
    """The database cannot be reached, started or used."""


class ModelFileError(NeccError):
    """A saved model cannot be used here: damaged, no model, or of another format, code or release."""


class ClusterError(NeccError):
    """A cluster of workers cannot be reached, or would not give what this machine gives."""


class SheetRefusedError(NeccError):
    """A sheet is incomplete or contradicts what is known: nothing of it is stored."""


class StalePageError(NeccError):
    """The page is not the sheet that was asked for."""

    exit_code = 3


class NoDataError(NeccError):
    """There is nothing for what was asked: no prices printed, or none stored."""

    exit_code = 3


class SourceChangedError(NeccError):
    """The page's layout is not one that the parser knows."""

    exit_code = 4


class UnknownLabelError(SourceChangedError):
    """The page prints a zone label that no alias knows; the known zones are stored."""


class BlockedError(NeccError):
    """The source refuses access: 403, 429 or its robots.txt.

    Args:
        message: one line for people.
        page: the refusal itself, where it came as a page, so that it can be archived.
    """

    exit_code = 5

    def __init__(self, message: str, page: Page | None = None) -> None:
        self.page = page
        super().__init__(message)


class LockedError(NeccError):
    """Another run holds the lock."""

    exit_code = 6
