"""The kinds of documents, and what of the language this version does not do yet: data, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.config.nodes import Path
from reconciler.model.kinds import OBJECT_KINDS

API_VERSION = "reconciler.dev/v1"
API_GROUP = "reconciler.dev"

WORKSPACE = "Workspace"
RESOURCE_KINDS = (
    "Collection",
    "AssetSet",
    "MetadataSource",
    "AnnotationProject",
    "TaskSet",
    *OBJECT_KINDS,
    "Export",
)
KINDS = (WORKSPACE, *RESOURCE_KINDS)


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A part of the language that is refused for now.

    path: where it stands in the document. values: the texts that are refused there; empty: the key itself is.
    supported: what there is instead, in words.
    """

    kind: str
    path: Path
    values: tuple[str, ...]
    supported: str


UNSUPPORTED = (
    Unsupported("Group", ("spec", "members"), (), "title and description; who is in a group is set on the platform"),
)
