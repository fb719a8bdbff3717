"""`reconciler version`."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler import __version__
from reconciler.cli.group import Command
from reconciler.cli.settings import settings_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def version(ctx: typer.Context, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the version of the program and of what it runs on."""
    import platform
    import sqlite3

    console = settings_of(ctx).console
    if json:
        console.print_json(
            {
                "version": __version__,
                "platform": platform.platform(),
                "python": platform.python_version(),
                "sqlite": sqlite3.sqlite_version,
            }
        )
    else:
        console.print(f"reconciler {__version__}")
