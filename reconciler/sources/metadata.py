"""Merges the metadata of one unit from constants, paths, sidecars and table rows; later sources win, key by key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.errors import Location, Problem, SourceError
from reconciler.model.json import JSON
from reconciler.model.resource import (
    AssetSet,
    ConstantMetadata,
    MetadataSource,
    PathMetadata,
    Policy,
    SidecarMetadata,
    TableMetadata,
)
from reconciler.sources.account import Fault, Finding, Tallies
from reconciler.sources.cells import coerce
from reconciler.sources.delimited import parse_json
from reconciler.sources.ledger import FileRow, Ledger, TableRow
from reconciler.sources.location import Place, failure
from reconciler.sources.metadata_conflicts import Conflicts, Piece
from reconciler.sources.names import nfc, split_suffix
from reconciler.sources.table import row_location

_SIDECAR_LIMIT_BYTES = 16 * 1024 * 1024
_FIELD = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class TableView:
    """How a read table is shown. number: its place among the metadata sources."""

    number: int
    shown: str
    sheet: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What metadata sources look at besides the unit. places: root of each source of the asset set."""

    asset_set: AssetSet
    places: tuple[Place, ...]
    ledger: Ledger
    kinds: dict[str, str]
    add: Callable[[Finding], None]


class Origin(Protocol):
    """One metadata source, opened. Called for units in order of key."""

    @property
    def address(self) -> str:
        """Address of the metadata source."""

    def piece(self, key: str, files: Sequence[FileRow], /) -> Piece | None:
        """What it says about this unit; None when it says nothing."""


class MetaMerger:
    """Merges metadata for units in order of key and remembers where the last unit's values came from."""

    def __init__(self, around: Surroundings, origins: Sequence[Origin]) -> None:
        self._origins = tuple(origins)
        constants = around.asset_set.meta
        head = around.asset_set.head
        self._base = Piece(dict(constants), head.location, f"meta of {head.address}", is_default=True)
        self._pieces: list[Piece] = []
        self._conflicts = Conflicts(around.add)
        self.without_row = Tallies()

    def merge(self, key: str, files: Sequence[FileRow]) -> dict[str, JSON]:
        """Return the metadata of one unit."""
        self._pieces = [self._base]
        for origin in self._origins:
            piece = origin.piece(key, files)
            if piece is None:
                self.without_row.add(origin.address, key)
            else:
                self._pieces.append(piece)
        merged: dict[str, JSON] = {}
        givers: dict[str, Piece] = {}
        for piece in self._pieces:
            if piece.conflicts is not Policy.SKIP:
                self._conflicts.note(key, piece, givers)
            if not piece.is_default:
                givers.update(dict.fromkeys(piece.values, piece))
            merged.update(piece.values)
        return merged

    def close(self) -> None:
        """Tell what sources disagreed on, and let go of them, for they read from the ledger."""
        self._origins = ()
        self._conflicts.report()

    def blame(self, path: str) -> Piece:
        """Where the last merged unit has a field from; the strongest source when nobody gave it.

        path: of the field or of something in it, such as "scan.kv"; names may hold dots themselves.
        """
        for piece in reversed(self._pieces):
            if any(path == name or path.startswith(f"{name}.") for name in piece.values):
                return piece
        return self._pieces[-1]


# -- constants


@dataclass(frozen=True, slots=True)
class ConstantOrigin:
    """The same values for every unit."""

    address: str
    at: Location
    values: dict[str, JSON]

    def piece(self, _key: str, _files: Sequence[FileRow]) -> Piece:
        """The constants."""
        return Piece(self.values, self.at, self.address, is_default=True)


# -- tables


class TableOrigin:
    """Rows of a table that the ledger has matched with units."""

    def __init__(self, address: str, view: TableView, rows: Iterator[TableRow], conflicts: Policy) -> None:
        self.address = address
        self._conflicts = conflicts
        self._view = view
        self._rows = rows
        self._next = next(rows, None)

    def piece(self, key: str, _files: Sequence[FileRow]) -> Piece | None:
        """The values of the first row that names the unit; repeated rows are reported elsewhere."""
        while self._next is not None and self._next.unit < key:
            self._next = next(self._rows, None)
        row = self._next
        if row is None or row.unit != key:
            return None
        inside = f"row {row.line} of sheet {self._view.sheet!r}" if self._view.sheet else f"row {row.line}"
        at = row_location(self._view.shown, self._view.sheet, row.line)
        return Piece(json.loads(row.data), at, inside, conflicts=self._conflicts, source=self.address)


# -- paths


class PathOrigin:
    """Named groups of a regular expression, searched in the paths of the unit's files, else in its key."""

    def __init__(
        self, address: str, at: Location, origin: PathMetadata, around: Surroundings, conflicts: Policy
    ) -> None:
        self.address = address
        self._conflicts = conflicts
        self._around = around
        self._regex = _path_regex(address, at, origin)
        self._types = dict(origin.types)

    def piece(self, key: str, files: Sequence[FileRow]) -> Piece | None:
        """The groups that matched; files that disagree are a problem and the first one counts."""
        found: dict[str, str] = {}
        first = ""
        for file in files:
            match = self._regex.search(nfc(file.path))
            if match:
                shown = self._around.places[file.source].show(file.path)
                first = first or shown
                self._agree(key, found, _groups(match), shown, first)
        if not first and (match := self._regex.search(key)):
            found, first = _groups(match), key
        if not first:
            return None
        values = {name: self._value(key, name, text, first) for name, text in found.items()}
        return Piece(values, Location(first), self.address, conflicts=self._conflicts, source=self.address)

    def _agree(self, key: str, found: dict[str, str], other: dict[str, str], shown: str, first: str) -> None:
        for name, value in other.items():
            if found.setdefault(name, value) != value:
                what = f"the files of unit {key!r} give {name!r} as {found[name]!r} and as {value!r}"
                detail = f"{first!r} and {shown!r} disagree."
                problem = Problem(
                    what, Location(shown), detail, "narrow the regex to one of them", address=self.address
                )
                self._around.add(Finding(Fault.CONFLICT, problem, key, paths=(first, shown)))

    def _value(self, key: str, name: str, text: str, shown: str) -> JSON:
        declared = self._types.get(name)
        try:
            return coerce(text, declared or self._around.kinds.get(name))
        except ValueError:
            if declared:
                what = f"{text!r} is not of type {declared}"
                detail = f"It is {name!r} of unit {key!r}, taken from the path."
                problem = Problem(what, Location(shown), detail, "correct the regex or the type", address=self.address)
                self._around.add(Finding(Fault.VALUE, problem, key, paths=(shown,)))
            return text


def _groups(match: re.Match[str]) -> dict[str, str]:
    return {name: value for name, value in match.groupdict().items() if value is not None}


def check_path_regex(source: MetadataSource, origin: PathMetadata) -> None:
    """Raise SourceError when the regular expression cannot be used."""
    _path_regex(str(source.head.address), source.head.location, origin)


def _path_regex(address: str, at: Location, origin: PathMetadata) -> re.Pattern[str]:
    try:
        pattern = re.compile(nfc(origin.regex))
    except re.error as error:
        raise SourceError([Problem(f"path.regex cannot be used: {error}", at, address=address)]) from error
    if not pattern.groupindex:
        fix = "name what to keep, as in (?P<patient_id>P\\d+)"
        raise SourceError([Problem("path.regex has no named group", at, fix=fix, address=address)])
    return pattern


# -- sidecars


def sidecar_pattern(origin: SidecarMetadata) -> re.Pattern[str]:
    """The regular expression, for `search`, of paths that may be a sidecar."""
    text, parts, end = nfc(origin.file).removeprefix("./"), [], 0
    for match in _FIELD.finditer(text):
        parts += [re.escape(text[end : match.start()]), ".+" if match[1] in ("key", "stem") else re.escape(match[0])]
        end = match.end()
    return re.compile(rf"(?:^|/){''.join(parts)}{re.escape(text[end:])}$")


class SidecarOrigin:
    """A JSON or YAML file beside the unit's files."""

    def __init__(self, address: str, origin: SidecarMetadata, around: Surroundings, conflicts: Policy) -> None:
        self.address = address
        self._conflicts = conflicts
        self._file = nfc(origin.file).removeprefix("./")
        self._around = around

    def piece(self, key: str, files: Sequence[FileRow]) -> Piece | None:
        """The content of the unit's sidecar; a second one is a problem."""
        found = [place for place in self._places(key, files) if self._around.ledger.take_sidecar(*place)]
        if len(found) > 1:
            self._report_second(key, found)
        return self._read(key, *found[0]) if found else None

    def _places(self, key: str, files: Sequence[FileRow]) -> list[tuple[str, int]]:
        """Where the unit's sidecar may be: beside its files, in its folder, and under its key from the top."""
        places: dict[tuple[str, int], None] = {}
        for file in files:
            folder, _, name = file.path.rpartition("/")
            filled = self._file.replace("{key}", key).replace("{stem}", split_suffix(name)[0])
            for above in (folder, file.path.partition("/")[0] if folder else "", ""):
                places[f"{above}/{filled}" if above else filled, file.source] = None
        return list(places)

    def _read(self, key: str, path: str, source: int) -> Piece | None:
        place = self._around.places[source]
        where = Location(place.show(path))
        try:
            values = _parse_sidecar(_read_file(place, path), where.file)
        except OSError as error:
            problem = failure(place, path, "cannot be read", error)
            self._around.add(Finding(Fault.SIDECAR, problem, key, paths=(path,)))
            return None
        except ValueError as error:
            fix = "write an object of names and values"
            what = f"{where.file!r} cannot be used as metadata of unit {key!r}"
            problem = Problem(what, where, f"{error}.", fix, address=self.address)
            self._around.add(Finding(Fault.SIDECAR, problem, key, paths=(path,)))
            return None
        return Piece(values, where, self.address, conflicts=self._conflicts, source=self.address)

    def _report_second(self, key: str, found: Sequence[tuple[str, int]]) -> None:
        paths = tuple(path for path, _ in found)
        what = f"unit {key!r} has {len(found)} sidecars"
        detail = f"{' and '.join(map(repr, paths))} both fit {self._file!r}."
        where = Location(self._around.places[found[0][1]].show(paths[0]))
        problem = Problem(what, where, detail, "keep one of them", address=self.address)
        self._around.add(Finding(Fault.SIDECAR, problem, key, paths=paths))


def _read_file(place: Place, path: str) -> bytes:
    full = place.below(path)
    with open(full, "rb") if place.is_local else place.filesystem.open(full, "rb") as stream:
        content: bytes = stream.read(_SIDECAR_LIMIT_BYTES + 1)
    if len(content) > _SIDECAR_LIMIT_BYTES:
        raise ValueError(f"it is larger than {_SIDECAR_LIMIT_BYTES:,} bytes")
    return content


def _parse_sidecar(content: bytes, file: str) -> dict[str, JSON]:
    value = _parse_yaml(content, file) if file.lower().endswith((".yaml", ".yml")) else parse_json(content)
    if not isinstance(value, dict):
        raise ValueError("it does not hold an object")
    return value


def _parse_yaml(content: bytes, file: str) -> JSON:
    from reconciler.config.nodes import to_json
    from reconciler.config.reading import read_bytes

    reading = read_bytes(content, file)
    if reading.failed:
        raise ValueError("; ".join(f"{problem.at}: {problem.summary}" for problem in reading.problems))
    if len(reading.documents) != 1:
        raise ValueError(f"it holds {len(reading.documents)} documents")
    return to_json(reading.documents[0])


# -- all of them


def open_origins(
    sources: Sequence[MetadataSource], around: Surroundings, tables: dict[int, TableView]
) -> Iterator[Origin]:
    """Open every metadata source in order; tables must be in the ledger already."""
    for number, source in enumerate(sources):
        address, at = str(source.head.address), source.head.location
        match source.origin:
            case TableMetadata():
                yield TableOrigin(address, tables[number], around.ledger.rows_by_unit(number), source.conflicts)
            case PathMetadata() as origin:
                yield PathOrigin(address, at, origin, around, source.conflicts)
            case SidecarMetadata() as origin:
                yield SidecarOrigin(address, origin, around, source.conflicts)
            case ConstantMetadata(values):
                yield ConstantOrigin(address, at, dict(values))
