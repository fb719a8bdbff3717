"""Which of the documents in a file are ours, and what is wrong with those that nearly are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.config.kinds import API_GROUP, API_VERSION, KINDS, WORKSPACE
from reconciler.config.nodes import MapNode, Node, find, shown, text_at, type_name
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.errors import Location, Problem

# Cheap test on the bytes of a file: a file that fails it holds no document of ours, near misses included.
_MARK = re.compile(rb"reconciler\.dev|\bkind[\"']?\s*:\s*[\"']?(?:" + "|".join(KINDS).encode() + rb")\b")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of ours. folder: absolute, where its relative paths begin. file: name for positions."""

    kind: str
    name: str
    node: MapNode
    file: str
    folder: Path

    @property
    def label(self) -> str:
        """`Kind/name`, for messages."""
        return f"{self.kind}/{self.name}"

    def with_node(self, node: MapNode) -> Document:
        """The same document with other content; its name may change with it."""
        return replace(self, node=node, name=text_at(node, "metadata", "name") or "")


def may_be_ours(content: bytes) -> bool:
    """Whether a file can hold documents of ours; data files are told apart without parsing them."""
    return _MARK.search(content) is not None


def classify(node: Node, file: str, folder: Path) -> Document | Problem | None:
    """A document of ours, a problem with one that nearly is, or None for anything else."""
    if not isinstance(node, MapNode):
        return None
    version, kind = text_at(node, "apiVersion"), text_at(node, "kind")
    if version == API_VERSION:
        return _ours(node, kind, file, folder)
    if kind in KINDS:
        return _wrong_version(node, kind)
    if version is not None and version.split("/")[0] == API_GROUP:
        return _wrong_version(node, kind or "a document")
    return None


def _ours(node: MapNode, kind: str | None, file: str, folder: Path) -> Document | Problem:
    if kind in KINDS:
        return Document(kind, text_at(node, "metadata", "name") or "", node, file, folder)
    at = _place(node, "kind")
    found = find(node, "kind")
    if found is None:
        return Problem("the document has no kind", node.at, f"Kinds: {listed(KINDS)}.", "add a line 'kind: ...'")
    summary = f"unknown kind {kind!r}" if kind is not None else f"the kind is {type_name(found)}: {shown(found)}"
    return Problem(summary, at, f"Kinds: {listed(KINDS)}.", did_you_mean(kind or "", KINDS, "write one of them"))


def _wrong_version(node: MapNode, kind: str) -> Problem | None:
    found = find(node, "apiVersion")
    if found is None:
        if find(node, "metadata") is None and find(node, "spec") is None:
            return None
        return Problem(f"{kind} has no apiVersion", node.at, fix=f"add a line 'apiVersion: {API_VERSION}'")
    return Problem(
        f"{kind} under apiVersion {shown(found)}",
        _place(node, "apiVersion"),
        f"Documents of this program have apiVersion {API_VERSION}.",
        f"write 'apiVersion: {API_VERSION}', or leave the file out with spec.documents if it belongs to something else",
    )


def _place(node: MapNode, key: str) -> Location:
    found = find(node, key)
    return found.at if found else node.at


def is_workspace(document: Document) -> bool:
    """Whether the document is the workspace."""
    return document.kind == WORKSPACE
