"""What a trained model is, how good it was and what it does not know, as a page of Markdown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version

from necc import __version__
from necc.config import DEMO_LABEL
from necc.feature_table import FEATURES, GROUPS
from necc.forecast_store import ModelRun
from necc.panel import INPUT_FILL_DAYS

LIBRARIES = ("numpy", "pandas", "scikit-learn", "skops", "ephem", "hijridate")
OLD_WEEKS = 26  # backtests refit as often; how good an older model is was not measured
BY_HORIZON = re.compile(r"(?P<figure>\w+)_(?P<days>\d+)d")  # a score of one horizon: skill_7d
MEANING = {
    "skill": "1 less the mean absolute error over naive's, in log change, before the weight; 0 is as good as naive",
    "weight": "what the predicted changes are multiplied by, chosen on these errors; 0 is naive itself",
}
WHAT = (
    "Forecasts of NECC's egg prices, 1 to 30 days ahead, for all zones together: a price with an 80 % and a 95 %"
    " interval, in INR per 100 eggs."
)
DEMO = f"**{DEMO_LABEL.capitalize()}.** It was trained on invented prices: nothing here is about a market."
NOT_KNOWN = (
    "It knows NECC's published prices and two calendars. Feed prices, weather, disease, stocks, policy and news reach"
    " it only through the prices that they have moved already.",
    "NECC's prices are suggestions of a committee; what was paid in a market may differ.",
    "Something without a precedent since {first} (a ban, a lockdown, an outbreak) is no part of its intervals. They"
    " widen with the errors that were made, so they follow such a break by weeks.",
    "The scores above are of days before the cut-off, and the same years were looked at while the model was built:"
    " expect somewhat less. `necc score` says how good the forecasts made since have been, beside naive.",
    f"After {OLD_WEEKS} weeks it is older than any that was measured: train a new one.",
    f"A zone without a price of the last {INPUT_FILL_DAYS} days gets no forecast; days before the cut-off are refused.",
)
IN_PYTHON = """\
```python
from pathlib import Path

import necc
from necc import model_file

prices = necc.prices()
model = model_file.load(Path("{name}")).model
model.predict(prices, prices["date"].max().date()).frame
```"""


def releases() -> dict[str, str]:
    """The releases of the libraries that a forecast passes through."""
    return {name: version(name) for name in LIBRARIES}


def minor(release: str) -> str:
    """The part of a release that says whether fitted estimators can be read: 1.9.1 -> 1.9."""
    return ".".join(release.split(".")[:2])


def card(run: ModelRun, *, is_demo: bool, file_name: str, sha256: str | None = None) -> str:
    """The card of a trained model.

    Args:
        run: what is known of its training.
        is_demo: whether it was trained on made-up prices.
        file_name: of the saved model.
        sha256: of that file; the card inside the file cannot know it.
    """
    parts = [f"# {run.name} {run.version}", WHAT, *([DEMO] if is_demo else [])]
    parts.append(_table(("", ""), _training(run)))
    parts += ["## How good it was", *_scores(run.scores)]
    parts += ["## What it looks at", *_features(run.features)]
    parts += ["## What it does not know", "\n".join(f"- {line.format(first=run.training_from)}" for line in NOT_KNOWN)]
    parts += ["## How to use it", f"```sh\nnecc predict --model {file_name}\n```", IN_PYTHON.format(name=file_name)]
    parts.append(
        f"necc of the same code ({__version__}) and scikit-learn {minor(version('scikit-learn'))} read it, no others;"
        " nothing in it is executed. The same prices give the same forecasts."
    )
    parts += [f"sha256 of the file: `{sha256}`"] if sha256 else []
    return "\n\n".join(parts) + "\n"


def _training(run: ModelRun) -> Iterator[tuple[str, str]]:
    yield "trained on", f"{run.rows_count:,} examples (day, zone, days ahead) of {run.zones_count} zones"
    yield "first day", f"{run.training_from}"
    yield "cut-off", f"{run.training_cutoff}, the last day whose prices it knows"
    yield "version", f"{run.version}: a hash of its code, libraries, features, recipe, cut-off and prices"
    yield "trained in", f"{run.duration_ms / 1000:.0f} s"
    yield "made with", ", ".join(f"{name} {release}" for name, release in releases().items())


def _scores(scores: Mapping[str, float | str]) -> Iterator[str]:
    read = filter(None, map(BY_HORIZON.fullmatch, scores))
    named = {(found["figure"], int(found["days"])): scores[found[0]] for found in read}
    figures = list(dict.fromkeys(figure for figure, _ in named))
    rows = [
        (str(days), *(str(named.get((figure, days), "–")) for figure in figures))
        for days in sorted({days for _, days in named})
    ]
    yield (
        f"By days ahead, on the days from {scores.get('calibration_from')} to the cut-off, by trial models that had not"
        " seen them:"
    )
    yield _table(("days ahead", *figures), rows)
    yield "\n".join(f"- {name}: {MEANING[name]}." for name in figures if name in MEANING)


def _features(names: Sequence[str]) -> Iterator[str]:
    yield f"{len(names)} features; each looks backwards only, but for the calendars of sun and moon."
    own = {group: [name for name in names if FEATURES[name].group == group] for group in GROUPS}
    rows = [(group, str(len(found)), ", ".join(f"`{name}`" for name in found)) for group, found in own.items()]
    yield _table(("group", "features", "names (`necc/feature_table.py` says what each is)"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
