"""What each command makes of the options that all share: its settings, and whether it may speak."""

from __future__ import annotations

from collections.abc import Callable

import click

from necc.config import Settings


def settings_of(context: click.Context) -> Settings:
    """The settings of this run: its flags, the environment, .env."""
    return Settings.load(demo=context.obj["demo"] or None)


def say_of(context: click.Context) -> Callable[[str], None]:
    """Tells people on stderr how far it is; with -q it tells nothing."""
    return (lambda text: None) if context.obj["quiet"] else lambda text: click.echo(text, err=True)
