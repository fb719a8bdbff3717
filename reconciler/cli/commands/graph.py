"""`reconciler graph`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.settings import settings_of

if TYPE_CHECKING:
    from reconciler.render.graph import Graph

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class GraphFormat(StrEnum):
    """How the graph is written."""

    TEXT = "text"
    DOT = "dot"
    MERMAID = "mermaid"
    SVG = "svg"


@app.command(cls=Command)
def graph(
    ctx: typer.Context,
    format: Annotated[GraphFormat, typer.Option("--format", help="How to write the graph.")] = GraphFormat.TEXT,
) -> int:
    """Show resources and what they need; arrows lead from what is needed to what needs it."""
    from reconciler.graph import edges, topological_order

    settings = settings_of(ctx)
    needs = edges(settings.configuration().resources)
    settings.console.print(_written({address: needs[address] for address in topological_order(needs)}, format))
    return 0


def _written(graph: Graph, form: GraphFormat) -> str:
    from reconciler.render import graph as drawings

    match form:
        case GraphFormat.TEXT:
            return drawings.graph_text(graph)
        case GraphFormat.DOT:
            return drawings.graph_dot(graph)
        case GraphFormat.MERMAID:
            return drawings.graph_mermaid(graph)
        case GraphFormat.SVG:
            from reconciler.render.svg import graph_svg

            return graph_svg(graph)
