"""Bodies of rows: the JSON that populations, plan files and applies pass along, by kind of row. Pure codecs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.checksum import Algorithm, Checksum
from reconciler.model.json import JSON, canonical_json, digest
from reconciler.model.unit import FileRef, Unit


def encode_unit(unit: Unit) -> str:
    """A hashed unit as JSON text: files as [specification, source, path, size, checksum hex], meta, groups.

    attributes: only when there are any.
    """
    files = [[f.spec, f.source, f.path, f.size_bytes, f.checksum.hex if f.checksum else ""] for f in unit.files]
    body: dict[str, JSON] = {"files": files, "meta": dict(unit.meta), "groups": list(unit.groups)}
    return canonical_json(body | ({"attributes": dict(unit.attributes)} if unit.attributes else {}))


def decode_unit(key: str, body: JSON, algorithm: Algorithm) -> Unit:
    """Inverse of `encode_unit`, from the parsed JSON."""
    files = tuple(FileRef(s, n, p, size, Checksum(algorithm, h)) for s, n, p, size, h in body["files"])
    return Unit(key, files, body["meta"], tuple(body["groups"]), body.get("attributes") or {})


def holds(body: str, meta: JSON) -> bool:
    """Whether observed metadata has all that a unit (as JSON text) wants. A wish for groups counts as not met: what
    groups a unit is in is not observed."""
    wanted, there = json.loads(body), meta or {}
    return not wanted["groups"] and all(key in there and there[key] == value for key, value in wanted["meta"].items())


def composition(unit: Unit) -> dict[str, str]:
    """Specification → checksum hex; the checksums of an ordered specification are joined by ","."""
    result: dict[str, str] = {}
    for file in unit.files:
        text = file.checksum.hex if file.checksum else ""
        result[file.spec] = f"{result[file.spec]},{text}" if file.spec in result else text
    return result


@dataclass(frozen=True, slots=True)
class CellsBody:
    """A row of a table to be. cells: column → value as the backend gives it back, None for none. was: column → the name
    under which it is compared, where that is another one (a column that is renamed)."""

    cells: Mapping[str, str | None]
    was: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which its cells are compared, sorted."""
        return tuple(sorted(self.was.get(name, name) for name in self.cells))

    @property
    def digest(self) -> str:
        """Tells its cells from others; none is like no such column."""
        return cells_digest({self.was.get(name, name): value for name, value in self.cells.items()})


def cells_digest(cells: Mapping[str, str | None]) -> str:
    """Digest of the cells that have a value."""
    return digest({name: value for name, value in cells.items() if value is not None})


def encode_cells(row: CellsBody) -> str:
    """A row of a table as JSON text."""
    return canonical_json({"cells": dict(row.cells)} | ({"was": dict(row.was)} if row.was else {}))


def decode_cells(body: JSON) -> CellsBody:
    """Inverse of `encode_cells`, from the parsed JSON."""
    return CellsBody(body["cells"], body.get("was") or {})


@dataclass(frozen=True, slots=True)
class TaskBody:
    """A task to be. unit_key: the data unit it is for. payload: annotation document to write, None for none."""

    unit_key: str
    payload: JSON = None
    submit: bool = True


def encode_task(task: TaskBody) -> str:
    """A task as JSON text."""
    return canonical_json({"unit": task.unit_key, "payload": task.payload, "submit": task.submit})


def decode_task(body: JSON) -> TaskBody:
    """Inverse of `encode_task`, from the parsed JSON."""
    return TaskBody(body["unit"], body["payload"], body["submit"])
