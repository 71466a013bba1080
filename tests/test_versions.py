"""A model's version changes with whatever may change a forecast."""

from __future__ import annotations

from necc import versions
from tests.test_imports import ORDER

NOT_OF_A_FORECAST = {"fallback"}  # what is given instead of it


def test_every_room_from_the_panel_to_the_prediction_counts() -> None:
    rooms = [line for line in ORDER if line[0] == "grids panel lunar" or line == ("predict",)]
    first, last = (ORDER.index(line) for line in rooms)
    modules = {module for line in ORDER[first : last + 1] for room in line for module in room.split()}

    assert modules - NOT_OF_A_FORECAST == set(versions.ROOMS)
