"""`reconciler schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.settings import settings_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def schema(
    ctx: typer.Context,
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="Such as Collection; all kinds without it.")
    ] = None,
) -> int:
    """Print the JSON Schema of a kind, or the one of all kinds, for editors and checks."""
    from reconciler.config.schema import schema_text

    settings_of(ctx).console.print(schema_text(kind))
    return 0
