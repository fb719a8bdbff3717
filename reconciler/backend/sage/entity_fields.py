"""What a body says about an entity: the fields that callers write, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.backend.database import scalar
from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import Call
from reconciler.backend.sage.entity_types import ROOT, EntityType, type_of
from reconciler.backend.sage.errors import bad, taken

_NAME: Final = re.compile(r"[A-Za-z0-9,_.\-+()'` ]{1,256}")
_NAME_RULE: Final = (
    "Names may only contain: letters, numbers, spaces, underscores, hyphens, periods, plus signs, apostrophes,"
    " and parentheses"
)
_ALIAS: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_JSON_TYPES: Final = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
_LONGEST_DESCRIPTION: Final = 1000
_LONGEST_LABEL: Final = 256


@dataclass(frozen=True, slots=True)
class EntityFields:
    """The writable fields of an entity. name: None when the body has none; parent: the root for projects."""

    kind: EntityType
    name: str | None
    parent: int
    description: str | None
    label: str | None
    comment: str | None
    file_handle: int | None
    alias: str | None
    own: Mapping[str, Any]


def read_fields(body: Body) -> EntityFields:
    """Check the fields of a body. Raises `ApiError` 400."""
    kind = type_of(body.text("concreteType"))
    return EntityFields(
        kind=kind,
        name=_name(body),
        parent=_parent(body, kind),
        description=body.text("description", longest=_LONGEST_DESCRIPTION),
        label=_label(body, kind),
        comment=body.text("versionComment", longest=_LONGEST_LABEL) if kind.versioned else None,
        file_handle=_file_handle(body) if kind.name == "file" else None,
        alias=_alias(body) if kind.name == "project" else None,
        own={name: value for name, wanted in kind.fields.items() if (value := _own(body, name, wanted)) is not None},
    )


def _name(body: Body) -> str | None:
    name = body.text("name", longest=1_000_000)
    if name is None:
        return None
    name = name.strip()
    if not name:
        raise bad("Entity name must not be blank.")
    if len(name) > 256:
        raise bad(f"Entity name must be at most 256 characters long: it has {len(name)}.")
    if not _NAME.fullmatch(name):
        raise bad(f"Invalid Name: '{name}'. {_NAME_RULE}")
    return name


def _parent(body: Body, kind: EntityType) -> int:
    parent = body.entity("parentId")
    if not kind.parents:
        if parent not in (None, ROOT):
            raise bad("A project cannot have a parent.")
        return ROOT
    if parent is None:
        raise bad("parentId is required.")
    return parent


def _label(body: Body, kind: EntityType) -> str | None:
    label = body.text("versionLabel", longest=_LONGEST_LABEL) if kind.versioned else None
    return label or None


def _file_handle(body: Body) -> int:
    value = body.values.get("dataFileHandleId")
    if value is None:
        raise bad("FileEntity.dataFileHandleId cannot be null")
    if body.values.get("fileNameOverride") is not None:
        raise bad("fileNameOverride field can no longer be set.")
    return plain_id(str(value))


def _alias(body: Body) -> str | None:
    alias = body.text("alias")
    if alias is not None and not _ALIAS.fullmatch(alias):
        raise bad("An alias may hold letters, digits and underscores only, and at most 64 of them.")
    return alias


def _own(body: Body, name: str, wanted: type) -> Any:
    """A field that only this type has. Whole numbers may come as text."""
    value: Any = body.values.get(name)
    if wanted is int:
        return body.integer(name)
    if value is not None and type(value) is not wanted:
        raise bad(f"{name} must be {_JSON_TYPES[wanted]}.")
    return value


def check_alias(call: Call, alias: str, entity: int | None = None) -> None:
    """409 when another project has an alias, in any case."""
    owner = scalar(call.db, "SELECT id FROM sage_entities WHERE alias_key = ? AND trash_root IS NULL", (alias.lower(),))
    if owner is not None and owner != entity:
        raise taken(f"The project alias (URL alias) '{alias}' is already taken.")
