"""Kinds that are one remote object, and of which only their schema and their provider know more: data, in one place.

A kind that the engine looks into (a collection, a set of rows) has a class of its own in `model.resource`; every
other one needs an entry here, its schema in `specs/`, and a provider that speaks of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What is known of a version of ground truth: that it is there.
SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A kind whose fields are compared and written as they are declared.

    has_title: `title` is the name at the backend; default: the document's name. references: field → the kind that it
    names. order_only: references that order the plan and are not compared. waits_for_tasks: the reference to a project
    whose tasks must be there first. sets: field that lists names → what stands for each; compared name by name, and
    names that others added stay. texts: fields of text, also given as `{file: PATH}`; white space around it is nothing.
    """

    name: str
    has_title: bool = True
    references: Mapping[str, str] = field(default_factory=dict)
    order_only: frozenset[str] = frozenset()
    waits_for_tasks: str | None = None
    sets: Mapping[str, str] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()


OBJECT_KINDS: Mapping[str, ObjectKind] = {
    kind.name: kind
    for kind in (
        ObjectKind(
            "GroundTruthDataset",
            references={"project": "AnnotationProject"},
            order_only=frozenset({"project"}),  # no backend lets a client set it
            waits_for_tasks="project",
            sets={"versions": SNAPSHOT},
        ),
    )
}
