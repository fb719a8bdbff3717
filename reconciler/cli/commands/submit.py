"""`reconciler submit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.settings import settings_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def submit(
    ctx: typer.Context,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- COMMAND...]", help="What the job runs; default: apply --auto-approve --executor ray."
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="URL", help="Dashboard of the cluster, such as http://HOST:8265."),
    ] = None,
    working_dir: Annotated[
        Path, typer.Option("--working-dir", metavar="DIR", help="Folder to run in; the cluster must see it.")
    ] = Path(),
    upload: Annotated[bool, typer.Option("--upload", help="Send a copy of the folder to the cluster.")] = False,
    pass_env: Annotated[
        list[str] | None,
        typer.Option("--pass-env", metavar="NAME", help="Give the job this environment variable; repeatable."),
    ] = None,
) -> int:
    """Run a command as a job of a Ray cluster, follow its log, and end with its exit code.

    Interrupted, it stops following; the job goes on.
    """
    from reconciler.cli.submitting import SubmitChoices, run_submit

    choices = SubmitChoices(arguments or (), address, working_dir, pass_env or (), upload)
    return run_submit(settings_of(ctx), choices)
