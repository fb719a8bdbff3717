"""Kinds of the research side: what two documents cannot both say, and what does not fit what it is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.nodes import ScalarNode, find, list_at, locate_key, map_at, text_at, texts_at, to_json
from reconciler.errors import Location, Problem
from reconciler.model.json import JSON, canonical_json
from reconciler.model.kinds import OBJECT_KINDS

# Kind → fields that tell its objects apart at the service. `title` is the document's name where it is not written.
_IDENTITY: Mapping[str, tuple[str, ...]] = {
    "AccessPolicy": ("of",),
    "StorageLocation": ("of",),
    "SchemaBinding": ("of",),
    "Team": ("title",),
    "Evaluation": ("title",),
    "Link": ("parent", "title"),
    "Table": ("parent", "title"),
    "EntityView": ("parent", "title"),
    "WikiPage": ("of", "parent", "title"),
}

_SHOWN = ("type", "banner", "description")
# Type of a storage location → what is said of it.
_LOCATION_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "s3": (*_SHOWN, "baseKey", "stsEnabled"),
    "externalS3": (*_SHOWN, "bucket", "baseKey", "endpointUrl", "stsEnabled"),
    "externalGoogleCloud": (*_SHOWN, "bucket", "baseKey"),
    "externalObject": (*_SHOWN, "endpointUrl", "bucket"),
    "sftp": (*_SHOWN, "url", "supportsSubfolders"),
    "proxy": (*_SHOWN, "proxyUrl", "benefactorId", "credentials"),
}

_ENTITY_ONLY = ("download", "edit", "edit_and_delete")
_EVALUATION_ONLY = ("submit", "score")


def check(index: Index) -> Iterator[Problem]:
    """Every document of these kinds."""
    yield from _repeated(index)
    for document in index.of_kind("AccessPolicy"):
        yield from _inheritance(index, document)
        yield from _levels(document)
    for document in index.of_kind("StorageLocation"):
        yield from _locations(document)
    for document in index.of_kind("Evaluation"):
        yield from _of_project(index, document)
    for document in index.documents:
        kind = OBJECT_KINDS.get(document.kind)
        for name in sorted(kind.files) if kind else ():
            yield from _files(document, name)


def _repeated(index: Index) -> Iterator[Problem]:
    first: dict[str, Document] = {}
    for document in index.documents:
        names = _IDENTITY.get(document.kind)
        if names is None:
            continue
        key = canonical_json([document.kind, index.backend_name(document), _identity(document, names)])
        if key in first:
            detail = f"{first[key].label} at {first[key].node.at} is the same at the backend."
            summary = f"{document.label} declares what another document declares"
            yield Problem(summary, document.node.at, detail, "remove one of them")
        first.setdefault(key, document)


def _identity(document: Document, names: tuple[str, ...]) -> dict[str, JSON]:
    found = {name: to_json(node) for name in names if (node := find(document.node, "spec", name)) is not None}
    if document.kind == "WikiPage" and "parent" not in found:
        found.pop("title", None)  # there is one root
        return found
    return found if "title" in found or "title" not in names else {**found, "title": document.name}


def _inheritance(index: Index, document: Document) -> Iterator[Problem]:
    node = find(document.node, "spec", "inherit")
    is_project = _type(index.referred(document, "Collection", "spec", "of")) == "project"
    if isinstance(node, ScalarNode) and (is_project or find(document.node, "spec", "of", "kind") is not None):
        yield Problem(
            "it has nothing to inherit access from",
            node.at,
            "Only what lies in a project can be without a list of its own.",
            "write entries instead",
        )


def _levels(document: Document) -> Iterator[Problem]:
    """Levels that what the policy is of does not have, as far as the document tells what that is."""
    of = find(document.node, "spec", "of")
    foreign = _ENTITY_ONLY if text_at(of, "kind") == "Evaluation" else _EVALUATION_ONLY
    if find(of, "id") is not None:
        return
    for entry in list_at(document.node, "spec", "entries"):
        node, level = find(entry, "access"), text_at(entry, "access")
        if node is not None and level in foreign:
            owners = "entities" if foreign is _ENTITY_ONLY else "evaluations"
            fix = f"write another one; {', '.join(foreign)} are for {owners}"
            yield Problem(f"there is no access '{level}' here", node.at, fix=fix)


def _locations(document: Document) -> Iterator[Problem]:
    for node in list_at(document.node, "spec", "locations"):
        kind = "id" if find(node, "id") is not None else text_at(node, "type")
        known = _LOCATION_FIELDS.get(kind or "")
        for name, _ in map_at(node):
            at = locate_key(node, name)
            if known is not None and at is not None and name not in known:
                detail = f"It has: {', '.join(known)}."
                what = "a location that is named by id" if kind == "id" else f"a location of type {kind}"
                yield Problem(f"{what} has no '{name}'", at, detail, "remove it")


def _of_project(index: Index, document: Document) -> Iterator[Problem]:
    node = find(document.node, "spec", "project")
    if node is not None and _type(index.referred(document, "Collection", "spec", "project")) == "folder":
        yield Problem("an evaluation belongs to a project, not to a folder", node.at, fix="name the project")


def _type(collection: Document | None) -> str | None:
    """What a declared collection is on Sage; None when it is not declared here."""
    return None if collection is None else text_at(collection.node, "spec", "sage", "type") or "project"


def _files(document: Document, field: str) -> Iterator[Problem]:
    first: dict[str, Location] = {}
    for path, at in texts_at(document.node, "spec", field):
        name = PurePosixPath(path).name
        if name in first:
            detail = f"The one at {first[name]} has the same name."
            yield Problem(f"{field} has two files named {name!r}", at, detail, "rename one of them")
        first.setdefault(name, at)
        if not (document.folder / path).is_file():
            yield Problem(f"there is no file {path}", at, fix="paths are relative to the document's folder")
