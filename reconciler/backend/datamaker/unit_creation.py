"""Creating data units in bulk: all or none, reused by content, every mistake of the request named with its place.

A unit is identified within its collection by its composition, the set of (specification, bytes). A unit that exists
already is reused as it is: its meta, groups and paths are not touched (the real service does not document this).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.backend.database import TEXTS, Connection, Row, next_id
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.data_collections import find_collection, specifications
from reconciler.backend.datamaker.files import find_files
from reconciler.backend.datamaker.groups import GroupPaths
from reconciler.backend.datamaker.meta_schema import unit_meta_errors, unit_validator
from reconciler.backend.datamaker.revisions import touch_collection
from reconciler.backend.datamaker.schemas import file_type_conflict
from reconciler.backend.wire import FieldError, encode_json, invalid

_ERRORS_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """A unit that was found correct. files: (specification id, file id, path)."""

    checksum: str
    files: tuple[tuple[int, int, str], ...]
    meta: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A unit after creation. is_new: false when one with the same composition was there already."""

    id: int
    checksum: str
    is_new: bool


def create_units(call: Call, collection: int, wanted: Sequence[Any]) -> list[Made]:
    """Create units from wire objects `{files, meta, groups}`, in order. Raises `ApiError` 400 with every mistake."""
    owner = find_collection(call.db, call.tenant, collection)
    drafts = _Reader(call, owner, wanted).drafts()
    return _insert(call, collection, drafts)


class _Reader:
    """Checks the units of one request against the collection and the known files."""

    def __init__(self, call: Call, collection: Row, wanted: Sequence[Any]) -> None:
        self._wanted = wanted
        self._specifications = {row["name"]: row for row in specifications(call.db, collection["id"])}
        self._required = [name for name, row in self._specifications.items() if row["is_required"]]
        self._validator = unit_validator(collection["meta"])
        self._files = find_files(call.db, call.tenant, _checksums(wanted))
        self._errors: list[FieldError] = []

    def drafts(self) -> list[Draft]:
        """All units. Raises `ApiError` 400 when one of them is wrong."""
        found = [self._draft(unit, f"units[{index}]") for index, unit in enumerate(self._wanted)]
        if self._errors:
            count = len({error.path.split("]", 1)[0] for error in self._errors})
            raise invalid(self._errors[:_ERRORS_SHOWN], f"{count} of {len(found)} data units are not valid.")
        return [draft for draft in found if draft is not None]

    def _draft(self, unit: Any, where: str) -> Draft | None:
        if not isinstance(unit, dict):
            self._fail(where, "must be an object")
            return None
        before = len(self._errors)
        files = self._unit_files(unit.get("files"), f"{where}.files")
        meta = {} if unit.get("meta") is None else unit["meta"]
        self._errors.extend(unit_meta_errors(self._validator, meta, f"{where}.meta"))
        groups = self._groups(unit.get("groups"), f"{where}.groups")
        if len(self._errors) > before:
            return None
        return Draft(_composition(files), tuple((s["id"], f["id"], p) for s, f, p in files), encode_json(meta), groups)

    def _unit_files(self, files: Any, where: str) -> list[tuple[Row, Row, str]]:
        if not isinstance(files, dict) or not files:
            self._fail(where, "must be an object with a file per specification")
            return []
        for name in self._required:
            if name not in files:
                self._fail(f"{where}.{name}", "is required by the data collection")
        found = [self._unit_file(name, entry, f"{where}.{name}") for name, entry in files.items()]
        return [one for one in found if one is not None]

    def _unit_file(self, name: str, entry: Any, where: str) -> tuple[Row, Row, str] | None:
        specification = self._specifications.get(name)
        if specification is None:
            self._fail(where, f"is no file specification; there are {', '.join(self._specifications) or 'none'}")
            return None
        if specification["is_sequential"]:
            self._fail(where, "is a sequential specification, which bulk creation cannot fill")
            return None
        if not isinstance(entry, dict) or not isinstance(entry.get("checksum"), str):
            self._fail(where, "must be an object with a checksum")
            return None
        file = self._files.get(entry["checksum"].lower())
        if file is None:
            self._fail(f"{where}.checksum", "belongs to no known file")
            return None
        path = file["name"] if entry.get("path") is None else entry["path"]
        if not isinstance(path, str) or not 1 <= len(path) <= 1024:
            self._fail(f"{where}.path", "must be a string of 1 to 1024 characters")
            return None
        if file_type_conflict(path, specification["file_type"]):
            self._fail(f"{where}.path", f"is no file of type {specification['file_type']}")
            return None
        return specification, file, path

    def _groups(self, value: Any, where: str) -> tuple[str, ...]:
        if value is None:
            return ()
        # A bare string would otherwise be taken apart into one group per character.
        if not isinstance(value, list) or not all(isinstance(one, str) and 1 <= len(one) <= 255 for one in value):
            self._fail(where, "must be a list of strings of 1 to 255 characters")
            return ()
        return tuple(value)

    def _fail(self, where: str, message: str) -> None:
        self._errors.append(FieldError(where, message))


def _checksums(wanted: Sequence[Any]) -> set[str]:
    found = set()
    for unit in wanted:
        files = unit.get("files") if isinstance(unit, dict) else None
        for entry in files.values() if isinstance(files, dict) else ():
            checksum = entry.get("checksum") if isinstance(entry, dict) else None
            if isinstance(checksum, str):
                found.add(checksum.lower())
    return found


def _composition(files: Sequence[tuple[Row, Row, str]]) -> str:
    """SHA-1 over the sorted lines `specification <tab> SHA-256 of the file`."""
    lines = sorted(f"{specification['name']}\t{file['sha256']}\n" for specification, file, _ in files)
    return hashlib.sha1("".join(lines).encode(), usedforsecurity=False).hexdigest()


def _insert(call: Call, collection: int, drafts: list[Draft]) -> list[Made]:
    db, now = call.db, call.store.now()
    known = _known_units(db, collection, drafts)
    groups = GroupPaths(db, collection)
    first = next_id(db, "units")
    units: list[tuple[Any, ...]] = []
    files: list[tuple[Any, ...]] = []
    made = []
    for draft in drafts:
        is_new = draft.checksum not in known
        if is_new:
            unit = known[draft.checksum] = first + len(units)
            units.append((unit, collection, groups.leaf(draft.groups), draft.checksum, now, draft.meta))
            files.extend((unit, *one) for one in draft.files)
        made.append(Made(known[draft.checksum], draft.checksum, is_new))
    db.executemany(
        "INSERT INTO units (id, collection_id, group_id, checksum, created, meta) VALUES (?, ?, ?, ?, ?, ?)", units
    )
    db.executemany("INSERT INTO unit_files (unit_id, specification_id, file_id, path) VALUES (?, ?, ?, ?)", files)
    if units:
        touch_collection(db, collection)
    return made


def _known_units(db: Connection, collection: int, drafts: list[Draft]) -> dict[str, int]:
    rows = db.execute(
        f"SELECT checksum, id FROM units WHERE collection_id = ? AND checksum <> '' AND checksum IN {TEXTS}",
        (collection, encode_json([draft.checksum for draft in drafts])),
    )
    return {row["checksum"]: row["id"] for row in rows}
