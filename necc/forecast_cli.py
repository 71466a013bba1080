"""`necc predict`, `explain`, `score`, `backtest`: forecasts, why, how good. Parse, call, print, exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from necc.cli_context import say_of, settings_of
from necc.errors import UsageError

if TYPE_CHECKING:
    import datetime as dt

LONGEST_HORIZON_DAYS = 30
EXCLUSIVE = (("--replay", "--as-of"), ("--replay", "--model"), ("--save-model", "--model"))


@click.command()
@click.option("--as-of", help="Predict as of this day, YYYY-MM-DD; today if not given.")
@click.option("--replay", is_flag=True, help="First forecast a few past days as they would have been, for the record.")
@click.option("--save-model", "folder", type=click.Path(), help="Save the trained model in this folder, with its card.")
@click.option("--model", "saved", type=click.Path(), help="Predict with this saved model; train none.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_context
def predict(
    context: click.Context, *, as_of: str | None, replay: bool, folder: str | None, saved: str | None, as_json: bool
) -> None:
    """Predict every live zone 1 to 30 days ahead, with intervals, beside naive; keep the forecasts.

    The trained model is kept too, until the next one, so that `necc explain` need not train it again.
    """
    from necc import forecasting

    _refuse_both({"--replay": replay, "--as-of": as_of, "--model": saved, "--save-model": folder})
    settings, day = settings_of(context), _day(as_of)
    if replay:
        say_of(context)(
            f"replayed: {forecasting.replay(settings)} forecasts of past days, by a model that knew no later price"
        )
    if saved:
        issue = forecasting.predict_from(settings, Path(saved), as_of=day)
    else:
        issue = forecasting.predict(settings, as_of=day, folder=Path(folder) if folder else None)
    click.echo(json.dumps(issue.as_dict(), indent=2) if as_json else issue.summary)


def _refuse_both(asked: Mapping[str, object]) -> None:
    for one, other in EXCLUSIVE:
        if asked[one] and asked[other]:
            raise UsageError(f"choose one of {one} and {other}")


@click.command()
@click.argument("zone")
@click.option("--horizon", "horizon_days", default=14, show_default=True, help="Days ahead, 1 to 30.")
@click.option("--as-of", help="Explain the forecast as of this day, YYYY-MM-DD; today if not given.")
@click.option("--model", "saved", type=click.Path(), help="Explain this saved model's forecast; train none.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@click.pass_context
def explain(
    context: click.Context, *, zone: str, horizon_days: int, as_of: str | None, saved: str | None, as_json: bool
) -> None:
    """Say which groups of features moved the forecast of ZONE, and what followed the most similar days.

    After `necc predict` this takes seconds. On prices that it has not seen, the model is trained first: up to a
    minute. Nothing is stored. ZONE is a slug, a name, an alias or a printed label.
    """
    from necc import explaining, model_file

    settings, day = settings_of(context), _day(as_of)
    model = model_file.load(Path(saved), is_demo=settings.demo).model if saved else None
    why = explaining.explain(zone, horizon_days, as_of=day, model=model, settings=settings, say=say_of(context))
    click.echo(json.dumps(why.as_dict(), indent=2) if as_json else why.summary)


@click.command()
@click.option("--up-to", help="Fill in prices up to this day, YYYY-MM-DD; today if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores of every horizon as JSON.")
@click.pass_context
def score(context: click.Context, *, up_to: str | None, as_json: bool) -> None:
    """Fill in the prices that came, and say how good the kept forecasts were, beside naive."""
    from necc import forecasting

    report = forecasting.score(settings_of(context), up_to=_day(up_to))
    click.echo(json.dumps(report.as_dict(), indent=2) if as_json else report.summary)


@click.command()
@click.option("--from", "first", help="First day to forecast on, YYYY-MM-DD; a year before the last if not given.")
@click.option("--to", "last", help="Last such day; if not given, the newest whose prices have come at every horizon.")
@click.option(
    "--origins",
    type=click.Choice(["weekly", "monthly"]),
    default="weekly",
    show_default=True,
    help="Forecast on every Wednesday, or on the first one of each month.",
)
@click.option("--horizons", default="1,3,7,14,30", show_default=True, help="Days ahead, 1 to 30, commas between.")
@click.option("--with", "library", type=click.Choice(["statsforecast"]), help="Its models too, on every eighth day.")
@click.option("--jobs", type=click.IntRange(min=1), help="Train so many models at a time, each in its own process.")
@click.option("--dask", metavar="ADDRESS", help="Train on a dask cluster, one to be trusted: its scheduler's address.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON, also by year, quarter, section, zone.")
@click.option("--figure", type=click.Path(dir_okay=False), help="Write a figure to this .html file.")
@click.option("--resume", type=click.Path(file_okay=False), help="Folder that keeps what is done, to go on from.")
@click.pass_context
def backtest(context: click.Context, /, *, as_json: bool, figure: str | None, **choice: Any) -> None:
    """Say how good forecasts of past days would have been, beside naive, seasonal naive and drift.

    With statsforecast, also beside its AutoETS, AutoARIMA, Theta and MSTL (pip install 'necc[bench]'). With --dask
    the machines of a cluster do the work (pip install 'necc[cluster]'). Each forecast knows the prices up to its day
    and no later one. Nothing is stored in the database.
    """
    page = _page(figure)
    asked = _rehearsal(**choice)
    from necc import forecasting

    with _models_shown(context) as progress:
        report = forecasting.backtest(settings_of(context), **asked, progress=progress)
    if page:
        from necc import show

        show.backtest_lines(report.card if report.beside is None else report.beside).write_html(page)
        say_of(context)(f"wrote {page}")
    click.echo(json.dumps(report.as_dict(), indent=2) if as_json else report.summary)


def _page(name: str | None) -> Path | None:
    """Refused before a long run, not after it."""
    if name is None:
        return None
    page = Path(name)
    if page.suffix != ".html" or not page.parent.is_dir():
        raise UsageError(f"--figure {name}: wanted a file that ends in .html, in a folder that is there")
    return page


def _rehearsal(
    *,
    first: str | None,
    last: str | None,
    origins: str,
    horizons: str,
    library: str | None,
    jobs: int | None,
    dask: str | None,
    resume: str | None,
) -> dict[str, Any]:
    if jobs and dask:
        raise UsageError("choose one of --jobs and --dask")
    try:
        days = [int(text) for text in horizons.split(",")]
    except ValueError:
        days = []
    if not days or min(days) < 1 or max(days) > LONGEST_HORIZON_DAYS:
        raise UsageError(f"--horizons {horizons}: wanted days from 1 to {LONGEST_HORIZON_DAYS}, commas between")
    folder = Path(resume) if resume else None
    where = {"jobs": jobs or 1, "dask": dask, "folder": folder}
    span = {"first": _day(first), "last": _day(last), "rhythm": origins}
    return {**span, "horizons": days, "with_rivals": library is not None, **where}


@contextmanager
def _models_shown(context: click.Context) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal; elsewhere one line per model that is done."""
    if context.obj["quiet"]:
        yield lambda done, count: None
    elif sys.stderr.isatty():
        with click.progressbar(length=1, label="models", file=sys.stderr) as bar:

            def show(done: int, count: int) -> None:
                bar.length = count
                bar.update(done - bar.pos)

            yield show
    else:
        yield lambda done, count: click.echo(f"model {done} of {count}: trained, and its days forecast", err=True)


def _day(text: str | None) -> dt.date | None:
    import datetime as dt

    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"day {text!r}: wanted YYYY-MM-DD") from None
