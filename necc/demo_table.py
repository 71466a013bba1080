"""Statistics of the real prices, the only input of the made-up ones. No price is in here."""

from __future__ import annotations

from typing import NamedTuple

from necc.records import Section

SUGGESTED, PREVAILING = Section.SUGGESTED, Section.PREVAILING
SOUTH, ANDHRA, NORTH, WEST, EAST = REGIONS = range(5)


class Zone(NamedTuple):
    """A line of the sheet and how it behaves."""

    section: Section
    label: str  # as the sheet prints it, blanks included
    region: int
    premium: float  # its usual price over the national one
    premium_sd: float  # how far that ratio strays
    fives: float  # share of its prices that are multiples of five
    change_pct: tuple[int, ...]  # chance of a new price, Monday to Sunday


ZONES = (
    Zone(SUGGESTED, "Ahmedabad", WEST, 1.021, 0.024, 0.97, (43, 46, 47, 43, 40, 42, 44)),
    Zone(SUGGESTED, "Ajmer", NORTH, 0.941, 0.041, 0.67, (51, 57, 57, 58, 52, 61, 56)),
    Zone(SUGGESTED, "Barwala", NORTH, 0.93, 0.044, 0.39, (53, 51, 52, 53, 47, 51, 52)),
    Zone(SUGGESTED, "Bengaluru (CC)", SOUTH, 1.042, 0.048, 1.0, (40, 37, 33, 38, 35, 31, 37)),
    Zone(SUGGESTED, "Brahmapur (OD)", ANDHRA, 0.995, 0.027, 0.74, (56, 50, 50, 45, 42, 47, 48)),
    Zone(SUGGESTED, "Chennai (CC)", SOUTH, 1.065, 0.054, 1.0, (19, 33, 12, 19, 28, 20, 31)),
    Zone(SUGGESTED, "Chittoor", SOUTH, 1.052, 0.054, 0.04, (19, 33, 12, 19, 28, 20, 31)),
    Zone(SUGGESTED, "Delhi (CC)", NORTH, 0.985, 0.046, 0.76, (41, 45, 40, 35, 43, 41, 42)),
    Zone(SUGGESTED, "E.Godavari", ANDHRA, 0.966, 0.022, 0.87, (55, 51, 51, 47, 42, 45, 47)),
    Zone(SUGGESTED, "Hospet", SOUTH, 0.948, 0.047, 1.0, (41, 37, 33, 39, 34, 31, 36)),
    Zone(SUGGESTED, "Hyderabad", ANDHRA, 0.945, 0.029, 0.92, (62, 55, 58, 52, 51, 50, 55)),
    Zone(SUGGESTED, "Jabalpur", WEST, 0.973, 0.023, 0.88, (45, 49, 50, 49, 51, 48, 51)),
    Zone(SUGGESTED, "Kolkata (WB)", EAST, 1.079, 0.039, 0.91, (53, 49, 45, 52, 49, 52, 48)),
    Zone(SUGGESTED, "Ludhiana", NORTH, 0.932, 0.042, 0.5, (48, 50, 46, 46, 46, 45, 50)),
    Zone(SUGGESTED, "Mumbai (CC)", WEST, 1.067, 0.028, 0.97, (55, 56, 56, 56, 51, 49, 51)),
    Zone(SUGGESTED, "Mysuru", SOUTH, 1.047, 0.05, 0.69, (42, 39, 31, 39, 35, 33, 37)),
    Zone(SUGGESTED, "Namakkal", SOUTH, 0.959, 0.049, 1.0, (46, 19, 20, 45, 15, 42, 17)),
    Zone(SUGGESTED, "Pune", WEST, 1.062, 0.031, 0.87, (57, 52, 51, 49, 52, 46, 49)),
    Zone(SUGGESTED, "Raipur", WEST, 0.968, 0.024, 0.87, (48, 49, 51, 49, 48, 52, 47)),
    Zone(SUGGESTED, "Surat", WEST, 1.042, 0.024, 0.99, (39, 44, 40, 42, 40, 41, 41)),
    Zone(SUGGESTED, "Vijayawada", ANDHRA, 0.979, 0.027, 0.9, (50, 45, 48, 45, 41, 46, 43)),
    Zone(SUGGESTED, "Vizag", ANDHRA, 0.986, 0.031, 0.96, (38, 35, 31, 29, 31, 31, 30)),
    Zone(SUGGESTED, "W.Godavari", ANDHRA, 0.966, 0.022, 0.87, (55, 51, 51, 47, 42, 45, 47)),
    Zone(SUGGESTED, "Warangal", ANDHRA, 0.949, 0.029, 0.02, (63, 55, 58, 52, 52, 50, 55)),
    Zone(PREVAILING, "Allahabad (CC)", NORTH, 1.033, 0.027, 0.22, (51, 52, 54, 54, 57, 54, 53)),
    Zone(PREVAILING, "Bhopal", WEST, 0.977, 0.029, 1.0, (45, 43, 41, 39, 47, 44, 36)),
    Zone(PREVAILING, "Indore (CC)", WEST, 0.975, 0.024, 1.0, (47, 51, 50, 54, 48, 45, 44)),
    Zone(PREVAILING, "Kanpur (CC)", NORTH, 1.014, 0.038, 0.24, (25, 27, 28, 30, 26, 29, 28)),
    Zone(PREVAILING, "Luknow (CC)", NORTH, 1.06, 0.039, 0.33, (33, 27, 27, 27, 31, 29, 30)),
    Zone(PREVAILING, "Muzaffurpur (CC)", EAST, 1.051, 0.036, 0.89, (52, 51, 45, 51, 47, 51, 50)),
    Zone(PREVAILING, "Nagpur", WEST, 0.996, 0.029, 0.99, (24, 57, 45, 43, 49, 51, 47)),
    Zone(PREVAILING, "Patna", EAST, 1.051, 0.036, 0.89, (50, 48, 47, 52, 46, 51, 49)),
    Zone(PREVAILING, "Ranchi  (CC)", EAST, 1.054, 0.029, 0.23, (45, 43, 43, 47, 46, 41, 41)),
    Zone(PREVAILING, "Varanasi (CC)", NORTH, 1.039, 0.037, 0.31, (45, 49, 47, 47, 47, 51, 52)),
)
# These zones always stand a fixed number of rupees from another one.
LINKS = {
    "E.Godavari": ("W.Godavari", 0),
    "Chittoor": ("Chennai (CC)", -7),
    "Warangal": ("Hyderabad", 2),
    "Patna": ("Muzaffurpur (CC)", 0),
}

LEVEL_2009 = 230.0  # INR per 100 eggs around the first day, its season aside
TREND_PER_YEAR = 0.053
SEASON = (1.097, 0.981, 0.893, 0.835, 0.930, 1.043, 0.999, 0.937, 1.006, 1.036, 1.133, 1.136)

MISSING_RATE = 0.00005  # per cell
SLIPS_PER_YEAR = 4.0  # typing errors
SLIP_ZONES, SLIP_SHARE = ("Ajmer", "Nagpur"), 0.6  # where most of them happen
