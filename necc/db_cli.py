"""`necc db ...`: the database as an administrator works with it. Parses, calls, prints, sets the exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from necc.cli_context import settings_of
from necc.errors import UsageError

if TYPE_CHECKING:
    import psycopg

    from necc.config import Settings
    from necc.maintain import Step


@click.group(name="db")
def database() -> None:
    """The database: server, schema, maintenance."""


# --- the embedded server --------------------------------------------------------------------------------


@database.command()
@click.pass_context
def start(context: click.Context) -> None:
    """Start the embedded server and let it run until `necc db stop`."""
    from necc import db

    cluster = db.own_cluster(settings_of(context))
    cluster.start(pinned=True)
    click.echo(f"PostgreSQL runs in {cluster.status().data_dir}")


@database.command()
@click.option("--force", is_flag=True, help="Also under programs that still use it.")
@click.pass_context
def stop(context: click.Context, *, force: bool) -> None:
    """Stop the embedded server."""
    from necc import db

    cluster = db.own_cluster(settings_of(context))
    click.echo("stopped" if cluster.stop(force=force) else "was not running")


@database.command()
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    """Say whether the embedded server runs, and for whom."""
    from necc import db

    found = asdict(db.own_cluster(settings_of(context)).status())
    if as_json:
        _print_json(found)
        return
    for name, value in found.items():
        click.echo(f"{name}: {value}")


@database.command()
@click.pass_context
def url(context: click.Context) -> None:
    """Print the URL of the database; a password is never in it."""
    from necc import db

    click.echo(db.redacted(db.server_url(settings_of(context))))


@database.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def psql(context: click.Context, *, arguments: Sequence[str]) -> None:
    """Open psql on the database; further arguments are psql's own."""
    from necc import db

    context.exit(db.psql(settings_of(context), arguments))


# --- its schema -----------------------------------------------------------------------------------------


@database.command()
@click.pass_context
def deploy(context: click.Context) -> None:
    """Bring the schema and the reference data to this version, all or nothing."""
    from necc import pipeline

    report = pipeline.deploy(settings_of(context))
    for file in report.applied:
        click.echo(f"applied {file}")
    click.echo(f"{len(report.applied)} files applied, {len(report.unchanged)} unchanged")


@database.command()
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
@click.pass_context
def verify(context: click.Context, *, as_json: bool) -> None:
    """Compare the database with the files of this version: each difference is a line, and exit code 1.

    The files are built in a scratch database beside it, so this needs the right to create databases.
    """
    from necc import db, migrate

    with db.connect(settings_of(context), autocommit=True) as connection:
        found = migrate.verify(connection)
    _print_differences(context, found, as_json=as_json, same="the database is what the files say")


@database.command()
@click.argument("a", metavar="URL_A")
@click.argument("b", metavar="URL_B")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
@click.pass_context
def diff(context: click.Context, *, a: str, b: str, as_json: bool) -> None:
    """Compare the schemas of two databases: each difference is a line, and exit code 1.

    Passwords are better kept in ~/.pgpass than in the two URLs, which others see in ps.
    """
    from necc import catalog

    settings = settings_of(context)
    with ExitStack() as stack:
        both = [stack.enter_context(_side(settings, name, url)) for name, url in (("URL_A", a), ("URL_B", b))]
        majors = [connection.info.server_version // 10_000 for connection in both]
        found = catalog.differences(*map(catalog.snapshot, both), words=("in A", "in B"))
    if majors[0] != majors[1]:
        click.echo(
            f"necc: A is PostgreSQL {majors[0]}, B is {majors[1]}: they word some definitions differently", err=True
        )
    _print_differences(context, found, as_json=as_json, same="both have the same schema")


def _side(settings: Settings, name: str, url: str) -> psycopg.Connection[Any]:
    from necc import db

    try:
        return db.connect(replace(settings, database_url=url))
    except UsageError as error:
        raise UsageError(str(error).replace("DATABASE_URL", name)) from None


def _print_differences(context: click.Context, found: list[str], *, as_json: bool, same: str) -> None:
    if as_json:
        _print_json({"is_same": not found, "differences": found})
    else:
        click.echo("\n".join(found) or same)
    context.exit(1 if found else 0)


@database.command()
@click.pass_context
def index(context: click.Context) -> None:
    """Print a map of the database's schema as Markdown: tables, diagrams, views, functions, triggers."""
    from necc import db
    from necc.schema_index import read, render

    with db.connect(settings_of(context)) as connection:
        click.echo(render(read(connection)), nl=False)


# --- its upkeep -----------------------------------------------------------------------------------------


@database.command()
@click.option("--nightly", "is_nightly", is_flag=True, help="Cleanup, refresh of the views, analyze (the default).")
@click.option("--weekly", "is_weekly", is_flag=True, help="Also recount all counters and vacuum.")
@click.option("--dry-run", is_flag=True, help="Only count what would be removed or corrected.")
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
@click.pass_context
def maintain(context: click.Context, *, is_nightly: bool, is_weekly: bool, dry_run: bool, as_json: bool) -> None:
    """Remove what is past its time, refresh the views, keep the statistics fresh; for cron.

    A step that fails does not keep the others from running; the exit code is 1 then.
    """
    from necc import db
    from necc import maintain as upkeep

    if is_nightly and is_weekly:
        raise UsageError("choose one of --nightly and --weekly: weekly does all that nightly does")
    with db.connect(settings_of(context), autocommit=True) as connection:
        steps = upkeep.maintain(connection, is_weekly=is_weekly, is_dry_run=dry_run)
    if as_json:
        _print_json({"is_dry_run": dry_run, "steps": [asdict(step) for step in steps]})
    else:
        _print_steps(context, steps)
    context.exit(1 if any(step.error for step in steps) else 0)


def _print_steps(context: click.Context, steps: list[Step]) -> None:
    for step in steps:
        if step.error:
            click.echo(f"necc: {step.name}: {step.error}", err=True)
        elif not context.obj["quiet"]:
            click.echo(step.summary)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))
