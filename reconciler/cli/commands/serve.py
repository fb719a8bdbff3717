"""`reconciler serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.group import Command

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def serve(
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Port 0 takes a free one.")
    ] = "127.0.0.1:0",
    store: Annotated[Path, typer.Option("--store", metavar="DIR", help="Where everything is kept.")] = Path(
        ".reconciler/backend"
    ),
    seed: Annotated[
        Path | None, typer.Option("--seed", metavar="FILE", help="Tenants, users and tokens to create.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="A database in PostgreSQL that several servers share, without the password: postgresql://USER@HOST/NAME.",
        ),
    ] = None,
) -> int:
    """Serve the embedded backend over HTTP, until SIGTERM or SIGINT. Prints a line with its address when ready."""
    import sys

    from reconciler.backend.serve import serve as run_server

    # The access token is printed once on purpose, so this goes past what hides secrets.
    return run_server(listen, store, seed, sys.stdout, database=_database(database))


def _database(url: str | None) -> str | None:
    """The URL given, which may hold no password, or that of the environment, which may."""
    import os

    from reconciler.backend.postgres import check_url

    if url is not None:
        return check_url(url, is_public=True)
    given = os.environ.get("RECONCILER_DATABASE")
    return check_url(given, is_public=False) if given else None
