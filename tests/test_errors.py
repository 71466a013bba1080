"""Every error has the exit code that product conventions promise, and says its text in one line."""

from __future__ import annotations

import datetime as dt
import inspect

import pytest

from necc import errors
from necc.records import Page

EXIT_CODES = {
    "NeccError": 1,
    "UsageError": 2,
    "UnknownZoneError": 2,
    "MissingExtraError": 2,
    "FetchError": 1,
    "DatabaseError": 1,
    "ModelFileError": 1,
    "ClusterError": 1,
    "SheetRefusedError": 1,
    "StalePageError": 3,
    "NoDataError": 3,
    "SourceChangedError": 4,
    "UnknownLabelError": 4,
    "BlockedError": 5,
    "LockedError": 6,
}
FAMILY = {
    name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.NeccError)
}


def test_every_error_has_its_promised_exit_code() -> None:
    assert {name: kind.exit_code for name, kind in FAMILY.items()} == EXIT_CODES


def test_one_except_catches_them_all() -> None:
    defined = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == "necc.errors"}
    assert defined == set(FAMILY)


def test_the_tree_drawn_in_the_module_is_the_tree() -> None:
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        words = line.replace("│", "").replace("├──", "").replace("└──", "").split()
        if words and words[0] in FAMILY and len(words) > 1:
            drawn[words[0]] = int(words[1])
    assert drawn == {name: code for name, code in EXIT_CODES.items() if name != "NeccError"}
    assert issubclass(errors.UnknownZoneError, errors.UsageError)
    assert issubclass(errors.UnknownLabelError, errors.SourceChangedError)


@pytest.mark.parametrize(
    ("close", "text"),
    [
        (["Namakkal", "Nagpur"], "unknown zone 'Namakal': did you mean Namakkal, Nagpur?"),
        ([], "unknown zone 'Namakal': see necc.zones() for all of them"),
    ],
)
def test_an_unknown_zone_names_the_close_ones(close: list[str], text: str) -> None:
    error = errors.UnknownZoneError("Namakal", iter(close))
    assert str(error) == text
    assert (error.name, error.close) == ("Namakal", tuple(close))


@pytest.mark.parametrize("kind", [errors.FetchError, errors.BlockedError])
def test_an_answer_of_the_source_travels_with_its_error(
    kind: type[errors.FetchError | errors.BlockedError],
) -> None:
    page = Page("https://example.invalid", dt.datetime(2025, 1, 1, tzinfo=dt.UTC), 403, "text/html", b"no")
    assert kind("refused", page).page is page
    assert (kind("no answer").page, str(kind("no answer"))) == (None, "no answer")
