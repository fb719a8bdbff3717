"""The columns of a Sage manifest: which dialect they are of, what each one means, and which are nearly right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.errors import Location, Problem, Severity
from reconciler.formats.manifest_cells import Dialect
from reconciler.formats.manifest_strict import KEY, MAX_KEYS, RESERVED_KEY
from reconciler.sources.manifest_text import Record, cell_column

_COMMON = (
    "path", "name", "synapseStore", "contentType", "used", "executed", "activityName", "activityDescription",
    "forceVersion",
)  # fmt: skip
PARENT = {Dialect.TSV: "parent", Dialect.CSV: "parentId"}
IDENTITY = {Dialect.TSV: "id", Dialect.CSV: "ID"}
# What the web interface and `get-download-list` add, for people; read by nobody.
IGNORED = {
    Dialect.TSV: frozenset[str](),
    Dialect.CSV: frozenset(
        ("versionNumber", "dataFileSizeBytes", "createdBy", "createdOn", "modifiedBy", "modifiedOn", "synapseURL",
         "dataFileMD5Hex")
    ),
}  # fmt: skip
ERROR = "error"


def reserved(dialect: Dialect) -> tuple[str, ...]:
    """Columns that are no annotations, in the order in which they are written."""
    return ("path", PARENT[dialect], "name", IDENTITY[dialect], *_COMMON[2:])


@dataclass(frozen=True, slots=True)
class Columns:
    """The header of a manifest. names: as the official reader calls them. positions: of reserved columns.

    annotations: (position, key) of the others. error: position of the column that marks failed downloads, or None.
    """

    dialect: Dialect
    line: int
    names: tuple[str, ...]
    positions: dict[str, int]
    annotations: tuple[tuple[int, str], ...]
    error: int | None = None

    def cell(self, cells: Sequence[str], name: str) -> str:
        """The cell of a reserved column, "" when the column is missing or the row is short."""
        position = self.positions.get(name)
        return cells[position] if position is not None and position < len(cells) else ""


@dataclass(slots=True)
class HeaderCheck:
    """Reads one header and reports what is wrong with it."""

    record: Record
    dialect: Dialect
    strict: bool
    shown: str
    report: Callable[[Problem], None]
    _names: list[str] = field(default_factory=list)

    def columns(self) -> Columns | None:
        """The columns; None when a required one is missing, so that rows make no sense."""
        self._names = self._unique_names()
        if self.strict:
            self._check_near_misses()
        positions = {n: i for i, n in enumerate(self._names) if n in reserved(self.dialect)}
        missing = [name for name in ("path", PARENT[self.dialect]) if name not in positions]
        for name in missing:
            self._missing(name)
        left_out = {*reserved(self.dialect), *IGNORED[self.dialect], *([ERROR] if self._has_errors else [])}
        annotations = tuple((i, name) for i, name in enumerate(self._names) if name not in left_out)
        self._check_keys(annotations)
        if missing:
            return None
        error = self._names.index(ERROR) if self._has_errors and ERROR in self._names else None
        return Columns(self.dialect, self.record.line, tuple(self._names), positions, annotations, error)

    @property
    def _has_errors(self) -> bool:
        return self.dialect is Dialect.CSV

    def _unique_names(self) -> list[str]:
        """Names as pandas makes them unique: "Unnamed: 3" for an empty one, "k.1" for a repeated one."""
        found: list[str] = []
        counts: dict[str, int] = {}
        for index, cell in enumerate(self.record.cells):
            name = cell or f"Unnamed: {index}"
            if not cell.strip():
                self._unnamed(index)
            elif cell in found:
                self._repeated(index, cell, found.index(cell))
            count = counts.get(name, 0)
            unique = name
            while unique in found:
                count += 1
                unique = f"{name}.{count}"
            counts[name] = count
            found.append(unique)
        return found

    def _unnamed(self, index: int) -> None:
        if index == len(self.record.cells) - 1 and not self.strict:
            return  # a delimiter at the end of all lines; harmless while the column is empty
        what = f"column {index + 1} has no name"
        detail = f"The official reader calls it 'Unnamed: {index}' and stores its cells as an annotation."
        self._problem(what, index, detail, "name the column, or delete it")

    def _repeated(self, index: int, name: str, first: int) -> None:
        what = f"header {name!r} is repeated"
        detail = f"It is the name of column {first + 1} too; the official reader calls the second one '{name}.1'."
        self._problem(what, index, detail, "rename or delete one of them")

    def _check_near_misses(self) -> None:
        known = {_folded(name): name for name in reserved(self.dialect)}
        other = Dialect.CSV if self.dialect is Dialect.TSV else Dialect.TSV
        foreign = {PARENT[other]: PARENT[self.dialect], IDENTITY[other]: IDENTITY[self.dialect]}
        for index, name in enumerate(self._names):
            if name in reserved(self.dialect):
                continue
            near = foreign.get(name) or known.get(_folded(name))
            if near is None and name != name.strip():
                what = f"header {name!r} begins or ends with a blank"
                self._problem(what, index, "It would be part of the annotation's key.", f"write {name.strip()!r}")
            elif near is not None:
                what = f"header {name!r} is nearly {near!r}"
                detail = f"In the {self.dialect.upper()} dialect it would become an annotation of that name."
                self._problem(what, index, detail, f"did you mean {near!r}?")

    def _missing(self, name: str) -> None:
        near = [n for n in self._names if _folded(n) in (_folded(name), _folded(name.removesuffix("Id")))]
        have = ", ".join(repr(n) for n in self._names[:12])
        fix = f"did you mean {near[0]!r}? Rename it to {name!r}" if near else f"add a column {name!r}"
        place = Location(self.shown, self.record.line)
        self.report(Problem(f"column {name!r} is missing", place, f"The header has {have}.", fix))

    def _check_keys(self, annotations: Sequence[tuple[int, str]]) -> None:
        near = {_folded(name) for name in reserved(self.dialect)} if self.strict else set()
        for index, name in annotations:
            if not self.record.cells[index].strip() or _folded(name) in near or name != name.strip():
                continue  # told already
            if not KEY.fullmatch(name) or name == RESERVED_KEY:
                fix = f"rename it, for example to {_legal(name)!r}"
                detail = "Keys are ASCII letters, digits, ',', '_' and '.'; the server refuses every row with this one."
                self._problem(f"{name!r} cannot be the key of an annotation", index, detail, fix)
        if len(annotations) > MAX_KEYS:
            what = f"{len(annotations)} columns are annotations"
            self._problem(what, annotations[MAX_KEYS][0], f"The server takes {MAX_KEYS} keys.", "remove some of them")

    def _problem(self, what: str, index: int, detail: str, fix: str) -> None:
        column = cell_column(self.record, index, self.dialect.delimiter)
        severity = Severity.ERROR if self.strict else Severity.WARNING
        self.report(Problem(what, Location(self.shown, self.record.line, column), detail, fix, severity))


def _folded(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _legal(name: str) -> str:
    text = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_.,") else "_" for sign in name.strip())
    return text.strip("_") or "key"


def dialect_of(header: str) -> Dialect:
    """The dialect of a file by its first line: a tab between two names makes it the legacy one."""
    return Dialect.TSV if "\t" in header else Dialect.CSV
