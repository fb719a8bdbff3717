"""`reconciler explore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import JsonFlag
from reconciler.cli.settings import settings_of

if TYPE_CHECKING:
    from reconciler.model.json import JSON
    from reconciler.sources.explore import Exploration

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def explore(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="A folder, or any fsspec URL.")],
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="NAME=VALUE", help="Option of the file system; repeatable; s3.NAME for zip://::s3://."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Of more files than this, look at a sample.")] = 100_000,
    json: JsonFlag = False,
) -> int:
    """Show what a source holds, and print documents that declare it: save them and edit."""
    from reconciler.cli.settings import parse_variables
    from reconciler.render.sources import exploration_text
    from reconciler.sources import explore as look
    from reconciler.sources.declared_options import secrets_of

    console = settings_of(ctx).console
    options = _nested(parse_variables(option or ()), url)
    console.hide(secrets_of(options))
    found = look(url, options=options, limit=limit)
    if json:
        console.print_json(_document(found))
        return 0
    console.tell(exploration_text(found, style=console.err_style))
    console.print(found.as_yaml())
    return 0


def _nested(options: dict[str, str], url: str) -> dict[str, JSON]:
    """Options of the protocols of a chained URL: `s3.endpoint_url=…` for `zip://::s3://…`."""
    found: dict[str, JSON] = {}
    inner: dict[str, dict[str, JSON]] = {}
    for name, value in options.items():
        protocol, dot, rest = name.partition(".")
        if dot and f"::{protocol}://" in url:
            inner.setdefault(protocol, {})[rest] = value
        else:
            found[name] = value
    return {**found, **inner}


def _document(found: Exploration) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(found), "documents": found.as_yaml()}
