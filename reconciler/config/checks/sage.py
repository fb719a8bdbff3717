"""What documents may say on Sage, where every file is a unit and collections are projects or folders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.nodes import find, locate_key, text_at
from reconciler.errors import Problem

PLATFORM = "sage"
_NAME = re.compile(r"[\w ,.\-+()']+", re.ASCII)
_OTHER_TITLE = 100
_NO_FILE_RULES = {
    "sources": "every file is a unit of its own there; use source, one AssetSet per place",
    "files": "every file is a unit of its own there; use include and exclude",
    "groups": "there are no groups there; use folders or metadata",
}


def check(index: Index) -> Iterator[Problem]:
    """Collections and asset sets, by the platform of their backend."""
    for document in index.documents if not index.blind else ():
        backend = index.backends.get(index.backend_name(document))
        on_sage = backend is not None and backend.platform == PLATFORM
        if document.kind == "Collection":
            yield from _title(document, on_sage=on_sage)
        if on_sage and document.kind == "Collection":
            yield from _placed(document)
        if not on_sage and document.kind == "AssetSet":
            at = locate_key(find(document.node, "spec"), "provenance")
            if at is not None:
                fix = "keep notes in meta, or name another backend in spec.backend"
                yield Problem("the backend keeps no provenance", at, fix=fix)
        if on_sage and document.kind == "AssetSet":
            yield from _asset_set(document)


def _title(document: Document, *, on_sage: bool) -> Iterator[Problem]:
    title, node = text_at(document.node, "spec", "title"), find(document.node, "spec", "title")
    if title is None or node is None:
        return
    if not on_sage:
        if len(title) > _OTHER_TITLE:
            fix = f"shorten it to {_OTHER_TITLE} characters"
            yield Problem(f"the title has {len(title)} characters", node.at, "The backend takes 100.", fix)
    elif not _NAME.fullmatch(title) or title != title.strip():
        detail = "It becomes the name of a project or folder: letters, digits, spaces and , _ . - + ( ) '"
        yield Problem(f"{title!r} cannot be a name on this backend", node.at, detail, "change the title")


def _placed(document: Document) -> Iterator[Problem]:
    block = find(document.node, "spec", PLATFORM)
    kind, parent = text_at(block, "type") or "project", find(block, "parent")
    place = find(block, "type") or block or document.node
    if kind == "folder" and parent is None:
        yield Problem("a folder needs a parent", place.at, fix="add parent: NAME or parent: {id: syn1}")
    if kind == "project" and parent is not None:
        yield Problem("a project has no parent", parent.at, fix="remove it, or set type: folder")
    alias = find(block, "alias")
    if kind == "folder" and alias is not None:
        yield Problem("a folder has no alias", alias.at, fix="remove it, or set type: project")


def _asset_set(document: Document) -> Iterator[Problem]:
    spec = find(document.node, "spec")
    for name, fix in _NO_FILE_RULES.items():
        at = locate_key(spec, name)
        if at is not None:
            yield Problem(f"the backend cannot honour '{name}'", at, fix=fix)
    rule = locate_key(find(spec, "existing"), "key")
    if rule is not None:
        yield Problem("the backend knows files by their place", rule, "That is their key.", "remove 'key'")
    layout = find(spec, "units", "layout")
    if layout is not None:
        yield Problem("the backend knows no layout", layout.at, "Every file is a unit of its own.", "remove it")
