"""What a plan is made of: actions, reasons, changes. Values only; closed vocabularies.

A resource has one `Change`. A resource that holds rows (AssetSet, TaskSet, Export) has `RowChange`s besides, which
are streamed from the plan file and never all in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON


class Action(StrEnum):
    """What is done to a resource or row. Closed set."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    MOVE = "move"
    ADOPT = "adopt"
    FORGET = "forget"
    NO_OP = "no-op"
    BLOCKED = "blocked"


class Reason(StrEnum):
    """Why. Closed set; people read it, code never branches on it."""

    NOT_REMOTE = "not_remote"  # declared, and nothing is there yet
    DELETED_OUTSIDE = "deleted_outside"  # we made it, someone else deleted it
    FIELDS_DIFFER = "fields_differ"  # declared fields differ from what we last applied
    CHANGED_OUTSIDE = "changed_outside"  # someone else changed a declared field
    CONTENT_DIFFERS = "content_differs"  # file bytes changed
    CANNOT_UPDATE = "cannot_update"  # the field cannot change in place
    RENAMED = "renamed"  # same bytes under another key or path
    NOT_DECLARED = "not_declared"  # we own it and no document declares it
    LEFT_SOURCE = "left_source"  # the unit is no longer in the source
    MARKED_AS_OURS = "marked_as_ours"  # remote marker names this address: recorded again after a cut or lost state
    EXISTS = "exists"  # an object of that name exists and may be adopted
    EXISTS_FOREIGN = "exists_foreign"  # an object of that name exists and must not be adopted
    IN_USE = "in_use"  # something that is in it would be lost
    AMBIGUOUS = "ambiguous"  # several remote objects fit
    GONE = "gone"  # owned, undeclared and already absent
    GONE_WITH = "gone_with"  # cannot be deleted, and goes with what it hangs on
    ORPHANED = "orphaned"  # lifecycle.onDelete: orphan
    PROTECTED = "protected"  # lifecycle.protect
    UNSUPPORTED = "unsupported"  # the backend cannot do it
    UPSTREAM_CHANGES = "upstream_changes"  # depends on changes of this plan; settled while applying
    UPSTREAM_REPLACED = "upstream_replaced"  # the object it hangs on gets a new identity
    DESTROY = "destroy"  # asked for by `destroy`
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Units (or tasks, or items) of one resource by what happens to them, with files and bytes to transfer.

    kept: rows that left the source and stay, since `prune` is off.
    """

    create: int = 0
    update: int = 0
    replace: int = 0
    delete: int = 0
    move: int = 0
    adopt: int = 0
    forget: int = 0
    blocked: int = 0
    unchanged: int = 0
    kept: int = 0
    files: int = 0
    bytes: int = 0

    @property
    def changed(self) -> int:
        """Rows that apply will touch."""
        return self.create + self.update + self.replace + self.delete + self.move + self.adopt + self.forget


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource.

    fields: declared fields that differ, what to write (before: observed). drift: fields that others changed since
    we applied (before: what we applied, after: observed). desired: declared fields with references in place of ids
    (see `diff.desired`). remote_id: of the bound object, None when there is none. backend: its name.
    deferred: rows are settled while applying, since they depend on changes of this plan.
    basis: digest of the input its rows were computed from, where apply reads that input again. protect:
    `lifecycle.protect`. previous: address it had before, for a move. notes: sentences for people. calls: requests to
    expect.
    """

    address: Address
    action: Action
    reason: Reason
    backend: str = ""
    fields: tuple[FieldChange, ...] = ()
    drift: tuple[FieldChange, ...] = ()
    desired: Mapping[str, JSON] | None = None
    remote_id: str | None = None
    rows: RowCounts | None = None
    row_drift: int = 0
    deferred: bool = False
    basis: str | None = None
    protect: bool = False
    previous: Address | None = None
    notes: tuple[str, ...] = ()
    calls: int = 0


@dataclass(frozen=True, slots=True)
class RowChange:
    """What happens to one row.

    remote_id: of the existing remote row. previous_key: for a move. body: what apply needs, as JSON text in the form
    of its kind (`reconciler.model.body`); None for deletes. detail: (what, before, after) lines for people, such as
    ("image_1", "sha1:12…", "sha1:ab…") or ("meta.age", 4, 5). drift: others changed it since we applied.
    files, bytes: to transfer. context: what apply must know besides the body, small.
    """

    key: str
    action: Action
    reason: Reason
    remote_id: str | None = None
    previous_key: str | None = None
    body: str | None = None
    detail: tuple[tuple[str, JSON, JSON], ...] = ()
    drift: bool = False
    files: int = 0
    bytes: int = 0
    context: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the summary lines count: resources, then units, files and bytes of asset sets. calls: requests to expect."""

    add: int = 0
    change: int = 0
    destroy: int = 0
    move: int = 0
    adopt: int = 0
    forget: int = 0
    blocked: int = 0
    calls: int = 0
    units: RowCounts = field(default_factory=RowCounts)

    @property
    def is_empty(self) -> bool:
        """True when applying would do nothing."""
        return not (self.add or self.change or self.destroy or self.move or self.adopt or self.forget)
