"""The types of entities: their names on the wire, where they may be, and the fields that only they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.backend.sage.call import P
from reconciler.backend.sage.errors import bad

ROOT: Final = 4489
_IN_CONTAINERS: Final = frozenset({"project", "folder"})


@dataclass(frozen=True, slots=True)
class EntityType:
    """One type. name: in `entityType`; parents: types it may be in, empty for the root; fields: writable ones besides
    the common ones, name → what kind of JSON value. by_snapshot: versions come from snapshots only."""

    name: str
    concrete: str
    parents: frozenset[str] = _IN_CONTAINERS
    versioned: bool = False
    by_snapshot: bool = False
    fields: Mapping[str, type] = ()  # type: ignore[assignment]


def _tabular(name: str, short: str, **fields: type) -> EntityType:
    return EntityType(name, f"{P}.table.{short}", versioned=True, by_snapshot=True, fields=fields)


TYPES: Final = (
    EntityType("project", f"{P}.Project", frozenset(), fields={}),
    EntityType("folder", f"{P}.Folder", fields={}),
    EntityType("file", f"{P}.FileEntity", versioned=True, fields={}),
    EntityType("link", f"{P}.Link", fields={"linksTo": dict, "linksToClassName": str}),
    _tabular("table", "TableEntity", columnIds=list, isSearchEnabled=bool),
    _tabular("entityview", "EntityView", columnIds=list, scopeIds=list, viewTypeMask=int, isSearchEnabled=bool),
    _tabular("submissionview", "SubmissionView", columnIds=list, scopeIds=list, isSearchEnabled=bool),
    _tabular("dataset", "Dataset", columnIds=list, items=list, isSearchEnabled=bool),
    _tabular("datasetcollection", "DatasetCollection", columnIds=list, items=list, isSearchEnabled=bool),
    _tabular("materializedview", "MaterializedView", columnIds=list, definingSQL=str, isSearchEnabled=bool),
    _tabular("virtualtable", "VirtualTable", columnIds=list, definingSQL=str, isSearchEnabled=bool),
    EntityType("dockerrepo", f"{P}.docker.DockerRepository", frozenset({"project"}), fields={"repositoryName": str}),
)
BY_NAME: Final = {one.name: one for one in TYPES}
BY_CONCRETE: Final = {one.concrete: one for one in TYPES}


def type_of(concrete: str | None) -> EntityType:
    """The type that a body names; 400 when it names none."""
    if concrete is None:
        raise bad("concreteType is required.")
    found = BY_CONCRETE.get(concrete)
    if found is None:
        raise bad(f"Unknown concreteType: {concrete[:200]}")
    return found
