"""What actions and reasons are called, and how they look. Closed tables over the closed sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.plan.values import Action, Reason


@dataclass(frozen=True, slots=True)
class Look:
    """How an action is shown. symbol: at the start of a line. phrase: "KIND/NAME will be …". verb: "3 to …"."""

    symbol: str
    color: str
    phrase: str
    verb: str


LOOKS: Mapping[Action, Look] = {
    Action.CREATE: Look("+", "green", "will be created", "add"),
    Action.UPDATE: Look("~", "yellow", "will be updated in place", "change"),
    Action.REPLACE: Look("-/+", "red", "must be replaced", "replace"),
    Action.DELETE: Look("-", "red", "will be destroyed", "delete"),
    Action.MOVE: Look("->", "cyan", "will be moved", "move"),
    Action.ADOPT: Look("<-", "cyan", "will be taken over", "take over"),
    Action.FORGET: Look(".", "yellow", "will be forgotten and left where it is", "forget"),
    Action.NO_OP: Look(" ", "", "stays as it is", "keep"),
    Action.BLOCKED: Look("!", "red", "is blocked", "settle by hand"),
}

REASONS: Mapping[Reason, str] = {
    Reason.NOT_REMOTE: "it is declared and not there yet",
    Reason.DELETED_OUTSIDE: "it was deleted outside of the configuration",
    Reason.FIELDS_DIFFER: "declared fields differ",
    Reason.CHANGED_OUTSIDE: "it was changed outside of the configuration",
    Reason.CONTENT_DIFFERS: "the content of files differs",
    Reason.CANNOT_UPDATE: "the backend cannot change this in place",
    Reason.RENAMED: "the same content has another name",
    Reason.NOT_DECLARED: "no document declares it",
    Reason.LEFT_SOURCE: "it is no longer in the source",
    Reason.MARKED_AS_OURS: "it carries our marker",
    Reason.EXISTS: "it exists and may be adopted",
    Reason.EXISTS_FOREIGN: "an object of that name exists and is not ours",
    Reason.IN_USE: "something is in it",
    Reason.AMBIGUOUS: "several remote objects fit",
    Reason.GONE: "it is gone already",
    Reason.GONE_WITH: "it goes with what it hangs on",
    Reason.ORPHANED: "lifecycle.onDelete is orphan",
    Reason.PROTECTED: "lifecycle.protect is set",
    Reason.UNSUPPORTED: "the backend cannot do this",
    Reason.UPSTREAM_CHANGES: "what it depends on changes in this plan",
    Reason.UPSTREAM_REPLACED: "what it belongs to is replaced",
    Reason.DESTROY: "destroy was asked for",
    Reason.UNCHANGED: "nothing differs",
}

# The reason that goes without saying.
USUAL: Mapping[Action, Reason] = {
    Action.CREATE: Reason.NOT_REMOTE,
    Action.UPDATE: Reason.FIELDS_DIFFER,
    Action.REPLACE: Reason.CONTENT_DIFFERS,
    Action.MOVE: Reason.RENAMED,
    Action.DELETE: Reason.LEFT_SOURCE,
    Action.NO_OP: Reason.UNCHANGED,
}

# The order in which actions are listed.
ORDER = (
    Action.BLOCKED,
    Action.CREATE,
    Action.UPDATE,
    Action.REPLACE,
    Action.MOVE,
    Action.ADOPT,
    Action.DELETE,
    Action.FORGET,
)

_ROWS = {"AssetSet": ("unit", "units"), "TaskSet": ("task", "tasks"), "Export": ("item", "items")}


def row_noun(kind: str, count: int) -> str:
    """What the rows of a kind are called."""
    one, many = _ROWS.get(kind, ("row", "rows"))
    return one if count == 1 else many
