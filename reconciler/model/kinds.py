"""Kinds that are one remote object, and of which only their schema and their provider know more: data, in one place.

A kind that the engine looks into (a collection, a set of rows) has a class of its own in `model.resource`; every
other one needs an entry here, its schema in `specs/`, and a provider that speaks of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What is known of a version of ground truth: that it is there.
SNAPSHOT = "snapshot"
# What is known of a group of units.
PRESENT = "present"
# What is known of an invitation.
SENT = "sent"
# What is known of a role that somebody holds.
GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A kind whose fields are compared and written as they are declared.

    has_title: `title` is the name at the backend; default: the document's name. references: field → the kind that a
    plain name in it means; dots lead into objects, "*" stands for any item of a list. others: kinds that the same field
    names as `{kind: ..., name: ...}`. rows: fields that name a file of a set as well, as `{assets: ..., key: ...}`.
    order_only: references that order the plan and are not compared. waits_for_tasks: the reference to a project
    whose tasks must be there first. sets: field that lists names → what stands for each; compared name by name, and
    names that others added stay. keyed: list → what tells its items apart; it is compared item by item, and items that
    are not declared go. open: fields that providers tell as a mapping in which others keep keys of their own.
    texts: fields of text, also given as `{file: PATH}`; white space around it is nothing. files: fields that list paths
    of files; compared by name and MD5. secrets: members of list items that providers get and nobody else sees.
    unordered: lists whose order means nothing. holds: field that names a file with rows that the object holds; they are
    compared row by row. after_rows: fields that are written when the rows are there. shows: field that lists the
    collections whose content it shows.
    """

    name: str
    has_title: bool = True
    references: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: frozenset[str] = frozenset()
    order_only: frozenset[str] = frozenset()
    waits_for_tasks: str | None = None
    sets: Mapping[str, str] = field(default_factory=dict)
    keyed: Mapping[str, str] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    secrets: Mapping[str, str] = field(default_factory=dict)
    unordered: frozenset[str] = frozenset()
    holds: str | None = None
    after_rows: frozenset[str] = frozenset()
    shows: str | None = None


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
        ObjectKind("Group"),
        ObjectKind("ValidationScript", texts=frozenset({"code"})),
        ObjectKind(
            "AccessGrant",
            has_title=False,
            references={"collection": "Collection", "project": "AnnotationProject", "group": "Group"},
            sets={"roles": GRANTED},
        ),
        ObjectKind("Link", references={"parent": "Collection", "target": "Collection"}, rows=frozenset({"target"})),
        ObjectKind(
            "AccessPolicy",
            has_title=False,
            references={"of": "Collection", "entries.*.team": "Team"},
            others={"of": ("Evaluation",)},
            rows=frozenset({"of"}),
            keyed={"entries": "principal"},
        ),
        ObjectKind(
            "StorageLocation",
            has_title=False,
            references={"of": "Collection"},
            secrets={"locations": "credentials"},
        ),
        ObjectKind("Team", sets={"invitations": SENT}, open=frozenset({"members"})),
        ObjectKind("Evaluation", references={"project": "Collection"}),
        ObjectKind(
            "WikiPage",
            references={"of": "Collection", "parent": "WikiPage"},
            others={"of": ("Evaluation",)},
            open=frozenset({"attachments"}),
            texts=frozenset({"markdown"}),
            files=frozenset({"attachments"}),
        ),
        ObjectKind(
            "Table",
            references={"parent": "Collection"},
            sets={"snapshots": SNAPSHOT},
            keyed={"columns": "name"},
            open=frozenset({"annotations"}),
            holds="rows",
            after_rows=frozenset({"snapshots"}),
        ),
        ObjectKind(
            "EntityView",
            references={"parent": "Collection", "scope.*": "Collection"},
            shows="scope",
            sets={"snapshots": SNAPSHOT},
            keyed={"columns": "name"},
            open=frozenset({"annotations"}),
            unordered=frozenset({"scope", "include"}),
        ),
        ObjectKind("SchemaBinding", has_title=False, references={"of": "Collection"}, rows=frozenset({"of"})),
        # Kinds of tables follow here.
    )
}
