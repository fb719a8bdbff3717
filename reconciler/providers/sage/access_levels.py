"""Named levels of access and the rights that they stand for. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.json import JSON

_VIEW = frozenset({"READ"})
_DOWNLOAD = _VIEW | {"DOWNLOAD"}
_EDIT = _DOWNLOAD | {"CREATE", "UPDATE"}
_EDIT_AND_DELETE = _EDIT | {"DELETE"}

# Of projects, folders and what lies in them. `admin` is what the creator of a project gets.
ENTITY: Mapping[str, frozenset[str]] = {
    "view": _VIEW,
    "download": _DOWNLOAD,
    "edit": _EDIT,
    "edit_and_delete": _EDIT_AND_DELETE,
    "admin": _EDIT_AND_DELETE | {"CHANGE_PERMISSIONS", "CHANGE_SETTINGS", "MODERATE"},
}

# Of evaluations. `admin` is what the creator gets.
EVALUATION: Mapping[str, frozenset[str]] = {
    "view": _VIEW,
    "submit": _VIEW | {"SUBMIT"},
    "score": _VIEW | {"READ_PRIVATE_SUBMISSION", "UPDATE_SUBMISSION"},
    "admin": _VIEW
    | {
        "CHANGE_PERMISSIONS",
        "CREATE",
        "DELETE",
        "DELETE_SUBMISSION",
        "READ_PRIVATE_SUBMISSION",
        "SUBMIT",
        "UPDATE",
        "UPDATE_SUBMISSION",
    },
}

# Of what is not there yet, so that nobody knows what it will be.
ANY: Mapping[str, frozenset[str]] = {**EVALUATION, **ENTITY}


def rights(access: JSON, levels: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The rights of a level or of a list of rights. Raises KeyError for a level that the target does not have."""
    return levels[access] if isinstance(access, str) else frozenset(access)


def level(granted: frozenset[str], levels: Mapping[str, frozenset[str]]) -> JSON:
    """The one way to write rights: the level that they are, else the sorted list."""
    named = next((name for name, members in levels.items() if members == granted), None)
    return named or sorted(granted)
