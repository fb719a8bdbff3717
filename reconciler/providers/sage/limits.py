"""What the service can hold of a file, found while planning. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.errors import Invalid
from reconciler.model.json import JSON
from reconciler.model.unit import Unit
from reconciler.providers.sage.values import normal_meta

_NAME = re.compile(r"[\w ,.\-+()']{1,256}", re.ASCII)
_LENGTHS = {"description": 1000, "versionLabel": 256}
_DEPTH = 48


def fit(unit: Unit) -> tuple[Unit, tuple[str, ...]]:
    """Bring a unit into the form that the service gives back, and say what it cannot hold."""
    meta, flaws = normal_meta(unit.meta)
    return replace(unit, meta=meta), (*_place(unit.key), *flaws, *_attributes(unit), *_groups(unit))


def name_flaw(name: str) -> str:
    """Why an entity cannot have a name; "" when it can."""
    if not _NAME.fullmatch(name):
        odd = sorted({character for character in name if not _NAME.fullmatch(character)})
        return f"the name {name!r} has {''.join(odd)!r}" if odd else f"the name {name!r} has {len(name)} characters"
    return f"the name {name!r} begins or ends with a space" if name != name.strip() else ""


def checked_name(fields: Mapping[str, JSON]) -> str:
    """The title of an object, as a name that the service takes. Raises Invalid for any other."""
    name = str(fields.get("title", "-"))
    flaw = name_flaw(name)
    if flaw:
        raise Invalid(flaw, fix="change the title: 1 to 256 letters, digits, spaces and , _ . - + ( ) '")
    return name


def _place(key: str) -> Iterator[str]:
    names = key.split("/")
    for name in names:
        flaw = name_flaw(name)
        if flaw:
            yield f"{flaw}; names have 1 to 256 letters, digits, spaces and , _ . - + ( ) '"
    if len(names) > _DEPTH:
        yield f"it lies {len(names)} folders deep; at most {_DEPTH} are possible"


def _attributes(unit: Unit) -> Iterator[str]:
    for name, most in _LENGTHS.items():
        value = unit.attributes.get(name)
        if isinstance(value, str) and len(value) > most:
            yield f"{name} has {len(value)} characters; at most {most} are possible"


def _groups(unit: Unit) -> Iterator[str]:
    if unit.groups:
        yield "there are no groups on this backend; use folders or metadata"
