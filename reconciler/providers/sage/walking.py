"""All projects with what lies in them, for imports: a call per project and folder, and 50 entries."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.providers.http import HttpClient
from reconciler.providers.sage import entities
from reconciler.providers.sage.wire import FOLDER, Row


def projects(client: HttpClient) -> Iterator[Row]:
    """Headers of all projects that can be read."""
    for page in entities.children(client, None, ("project",)):
        yield from page


def everything(client: HttpClient, types: tuple[str, ...]) -> Iterator[Row]:
    """Headers of all projects, of the folders below them, and of what else is there of these types."""
    waiting = list(projects(client))
    while waiting:
        row = waiting.pop(0)
        yield row
        for page in entities.children(client, str(row["id"]), ("folder", *types)):
            waiting += [child for child in page if child.get("type") == FOLDER]
            yield from (child for child in page if child.get("type") != FOLDER)
