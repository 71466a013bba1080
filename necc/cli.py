"""The `necc` command: parse, call, print, exit code. Only this module, db_cli and forecast_cli print.

Results go to stdout, progress and log to stderr. Exit codes are those of `necc.errors`.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from necc import __version__
from necc.cli_context import say_of, settings_of
from necc.config import DEFAULT_PAUSE_S
from necc.db_cli import database
from necc.errors import NeccError, UsageError
from necc.forecast_cli import backtest, explain, predict, score

if TYPE_CHECKING:
    import datetime as dt

    from necc.config import Settings
    from necc.records import Month, SheetKey
    from necc.sheets import SheetResult

INTERRUPTED = 130  # the shell's code for a command ended by Ctrl-C
LONG_RUN = 3  # sheets: a longer run announces its length first


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="necc")
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more; show tracebacks.")
@click.option("--demo", is_flag=True, help="Work with made-up demo data, in a database of its own.")
@click.pass_context
def cli(context: click.Context, *, quiet: bool, verbose: bool, demo: bool) -> None:
    """Indian egg prices: scrape the NECC sheets into PostgreSQL, analyse and predict them.

    Begin with `necc quickstart`.
    """
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING
    form = "necc: %(levelname)s: %(message)s" if verbose else "necc: %(message)s"
    context.with_resource(_logged_to_stderr(level, form))
    context.obj = {"demo": demo, "quiet": quiet, "verbose": verbose}


@contextmanager
def _logged_to_stderr(level: int, form: str) -> Iterator[None]:
    """Show the package's log for as long as a command runs; whoever imports the package keeps their own set-up."""
    logger = logging.getLogger("necc")
    before = logger.handlers, logger.propagate, logger.level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(form))
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])


@cli.command()
@click.option("--months", default=40, show_default=True, help="How many of the newest months to read.")
@click.pass_context
def quickstart(context: click.Context, *, months: int) -> None:
    """From nothing to prices, analysis and predictions; then say where to look."""
    from necc import lab

    if months < 1:
        raise UsageError(f"--months {months}: wanted 1 or more")
    settings = settings_of(context)
    _refuse_demo_by_environment(context, settings)
    with _sheets_shown(context, months) as progress:
        bench = lab.quickstart(settings, months=months, say=say_of(context), progress=progress)
    command = f"{_own_name()} --demo" if bench.settings.demo else _own_name()
    for result in bench.reports:
        click.echo(result.path)
    if not context.obj["quiet"]:
        click.echo(f"\nOpen a report above in a browser, or work with the notebooks: {command} lab")
        click.echo(f"All prices since 2009: {command} scrape --all --resume")
    _end(bench.scraped.exit_code)


def _own_name() -> str:
    """What to type for this very command: its name where the shell finds it under that, else its path."""
    here = Path(sys.argv[0])
    found = shutil.which(here.name)
    if found and Path(found).resolve() == here.resolve():
        return here.name
    return shlex.quote(os.path.relpath(here) if here.is_absolute() else str(here))


def _refuse_demo_by_environment(context: click.Context, settings: Settings) -> None:
    if settings.demo and settings.database_url and not context.obj["demo"]:
        raise UsageError("DATABASE_URL gets made-up demo data only with --demo, not by NECC_DEMO")


@cli.command()
@click.option("--month", help="One month, YYYY-MM.")
@click.option("--from", "first", help="First month of a range, YYYY-MM.")
@click.option("--to", "last", help="Last month of a range, YYYY-MM; the current month if not given.")
@click.option("--all", "everything", is_flag=True, help="Every month since 2009-01.")
@click.option("--report", type=click.Choice(["daily", "monthly", "both"]), default="daily", show_default=True)
@click.option("--resume", is_flag=True, help="Skip the months that are complete.")
@click.option("--dry-run", is_flag=True, help="Read and judge everything, store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_context
def scrape(context: click.Context, /, *, as_json: bool, resume: bool, dry_run: bool, **choice: Any) -> None:
    """Read sheets from the source into the database; the current month unless told otherwise.

    Until the tenth the previous month is read again with it: the source still corrects it then.
    """
    from necc import pipeline

    settings = settings_of(context)
    keys = _chosen_keys(settings.today(), **choice)
    _announce(context, settings, len(keys))
    with _sheets_shown(context, len(keys)) as progress:
        report = pipeline.scrape(
            settings, keys, mode=_mode(len(keys)), resume=resume, dry_run=dry_run, progress=progress
        )
    click.echo(json.dumps(report.as_dict(), indent=2) if as_json else report.summary)
    for error in report.errors:
        click.echo(f"necc: {error}", err=True)
    _end(report.exit_code)


def _chosen_keys(
    today: dt.date,
    *,
    month: str | None,
    first: str | None,
    last: str | None,
    everything: bool,
    report: str,
) -> list[SheetKey]:
    from necc import pipeline
    from necc.records import FIRST_YEAR, Month, Report

    if sum(map(bool, (month, first or last, everything))) > 1:
        raise UsageError("choose one of --month, --from/--to and --all")
    if last and not first:
        raise UsageError("--to needs --from")
    reports = [Report.DAILY, Report.MONTHLY] if report == "both" else [Report(report)]
    current = Month.of(today)
    if not (month or first or everything):
        keys = pipeline.default_keys(today)
        years = sorted({key.year for key in keys})
        averages = pipeline.keys_between(Month(years[0], 1), current, [Report.MONTHLY], today)
        return {"daily": keys, "monthly": averages, "both": keys + averages}[report]
    if everything:
        return pipeline.keys_between(Month(FIRST_YEAR, 1), current, reports, today)
    begin = Month.parse(month or first or "")
    return pipeline.keys_between(begin, _end_of_range(begin, month, last, current), reports, today)


def _end_of_range(begin: Month, month: str | None, last: str | None, current: Month) -> Month:
    from necc.records import Month

    if month:
        return begin
    return Month.parse(last) if last else current


def _announce(context: click.Context, settings: Settings, sheets: int) -> None:
    if sheets > LONG_RUN and not settings.demo and settings.pause_s:
        minutes = sheets * max(settings.pause_s, DEFAULT_PAUSE_S) / 60
        say_of(context)(f"{sheets} sheets, about {minutes:.0f} min at one request in {settings.pause_s:g} s")


def _mode(sheets: int) -> str:
    if sheets > LONG_RUN:
        return "BACKFILL"
    return "MANUAL" if sys.stderr.isatty() else "CRON"


@contextmanager
def _sheets_shown(context: click.Context, total: int) -> Iterator[Callable[[SheetResult], None]]:
    """A progress bar on a terminal; elsewhere one line per sheet that has news."""
    if context.obj["quiet"]:
        yield lambda result: None
    elif sys.stderr.isatty():
        with click.progressbar(length=total, label="sheets", file=sys.stderr) as bar:
            yield lambda result: bar.update(1)
    else:
        yield lambda result: click.echo(_line(result), err=True)


def _line(result: SheetResult) -> str:
    counts = result.counts
    news = f", {counts.inserted} new, {counts.updated} corrected" if counts.changed else ""
    return f"sheet {result.key}: {result.outcome}{news}" + (f": {result.detail}" if result.detail else "")


@cli.command()
@click.option("--port", default=8888, show_default=True, help="Port on 127.0.0.1.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page.")
@click.pass_context
def lab(context: click.Context, *, port: int, browser: bool) -> None:
    """Open the notebooks in JupyterLab, on this machine only and with a token."""
    from necc import lab as workbench

    workbench.open_lab(settings_of(context), port=port, open_browser=browser, run=os.execve)


for _command in (predict, explain, score, backtest, database):
    cli.add_command(_command)


def _end(code: int) -> None:
    if code:
        raise click.exceptions.Exit(code)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit with its code; every error is one line on stderr."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped cron job still closes its log row
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    is_verbose = any(a in {"-v", "--verbose"} for a in (sys.argv[1:] if arguments is None else arguments))
    try:
        return cli.main(arguments, prog_name="necc", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except NeccError as error:
        return _told(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _told("interrupted; what was stored stays", INTERRUPTED)
    except Exception as error:
        if is_verbose:
            raise
        return _told(_unexpected(error), 1)


def _unexpected(error: Exception) -> str:
    """One line. What the server says, as that a role may not write, is no riddle: its first line is enough."""
    line = str(error).partition("\n")[0]
    if type(error).__module__.startswith("psycopg"):
        return f"the database failed: {line}"
    return f"unexpected {type(error).__name__}: {line} (run again with -v for details)"


def _told(message: str, code: int) -> int:
    click.echo(f"necc: {message}", err=True)
    return code
