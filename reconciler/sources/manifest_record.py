"""Reads one record of a Sage manifest: checks every cell and gives the row as a value."""

from __future__ import annotations

import os
import re
import stat
from datetime import tzinfo
from functools import lru_cache
from typing import Any, Protocol

from reconciler.errors import Severity
from reconciler.formats.manifest_cells import CellTooComplex, Dialect, Wire, is_naive, is_url, parse_cell, wire_form
from reconciler.formats.manifest_columns import Value
from reconciler.formats.manifest_strict import Refusal, strict_cell
from reconciler.sources.manifest_columns import IDENTITY, PARENT, Columns
from reconciler.sources.manifest_links import LinkReader
from reconciler.sources.manifest_row import CONTAINER, ManifestOptions, ManifestRow, Paths
from reconciler.sources.manifest_text import Record
from reconciler.sources.names import nfc

_CLIENT_NAME = re.compile(r"[`\w \-+.()]{1,256}")
_SERVER_NAME = re.compile(r"[A-Za-z0-9 ,_.\-+()']{1,256}")
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:;.+)?")
_FOLDER = re.compile(r"[^/]+(?:/[^/]+)*")
_STATIC = ("name", "contentType", "activityName", "activityDescription", "used", "executed")


class Reading(Protocol):
    """What a record needs of the reading that it belongs to."""

    @property
    def options(self) -> ManifestOptions:
        """How the manifest is read."""

    @property
    def paths(self) -> Paths:
        """How its paths are read."""

    def value(self, index: int, text: str, /) -> Value:
        """A cell as the official table reader gives it."""

    def tell(
        self, what: str, record: Record, index: int, detail: str, fix: str, severity: Severity = Severity.ERROR
    ) -> None:
        """Report a problem of one cell."""

    def tell_once(
        self, group: str, name: str, record: Record, index: int, detail: str, fix: str, what: str, severity: Severity
    ) -> None:
        """Report a problem of a whole column once."""

    def is_taken(self, kind: str, key: Any, line: int, /) -> int:
        """Line of the row that has this path, (name, parent) or id already; 0 when this one is the first."""


class RowReader:
    """Reads one record; problems go to the reading."""

    __slots__ = ("_cells", "_columns", "_options", "_reading", "_record")

    def __init__(self, reading: Reading, record: Record, columns: Columns) -> None:
        self._reading = reading
        self._record = record
        self._cells = record.cells
        self._columns = columns
        self._options = reading.options

    def row(self) -> ManifestRow | None:
        path, external = self._path()
        parent = self._parent()
        name = self._name(path, external, parent)
        entity = self._id()
        size, stamp = (0, "") if external or not path else self._status(path)
        links = LinkReader(self._reading.paths, self._columns.dialect, self._options.strict)
        used, executed = self._links(links, "used"), self._links(links, "executed")
        if not (path and parent and name):
            return None
        return ManifestRow(
            line=self._record.line,
            path=path,
            parent=parent,
            name=name,
            is_external=external,
            id=entity,
            store=self._store(external),
            content_type=self._content_type(),
            force_version=self._force_version(),
            used=used,
            executed=executed,
            activity_name=self._activity("activityName", bool(used or executed)),
            activity_description=self._activity("activityDescription", bool(used or executed)),
            annotations=self._annotations(),
            size_bytes=size,
            stamp=stamp,
        )

    # -- place

    def _path(self) -> tuple[str, bool]:
        text = self._text("path")
        if not text.strip():
            self._problem("the path is missing", "path", "Every row is one file.", "fill in the path or delete the row")
            return "", False
        if self._options.strict and text != text.strip():
            self._problem(f"path {text!r} begins or ends with a blank", "path", "", f"write {text.strip()!r}")
        external = is_url(text)
        path = text if external else self._reading.paths.absolute(text)
        first = self._reading.is_taken("path", nfc(path), self._record.line)
        if first:
            detail = f"The file is {path!r} in both rows." if path != text else ""
            self._problem(f"line {first} has this path too", "path", detail, "delete one of the rows")
        return path, external

    def _status(self, path: str) -> tuple[int, str]:
        try:
            found = os.stat(path)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            base = (
                f"Relative paths start from {self._options.base.name or '/'!r}." if path != self._text("path") else ""
            )
            fix = "correct the path; the file must be there"
            self._problem(f"{self._text('path')!r} cannot be read", "path", f"{why}. {base}".strip(), fix)
            return 0, ""
        if not stat.S_ISREG(found.st_mode):
            self._problem(f"{self._text('path')!r} is not a file", "path", "Rows are files.", "name the files in it")
        elif not found.st_size:
            self._problem(f"{self._text('path')!r} is empty (0 bytes)", "path", "No file may be empty.", "fill it")
        return found.st_size, f"{found.st_mtime_ns}.{found.st_ino}"

    def _parent(self) -> str:
        column = PARENT[self._columns.dialect]
        text = self._text(column)
        if not text.strip():
            detail = "The official client notices it only after it has stored other rows."
            self._problem("the parent is missing", column, detail, "write the id of a project or folder")
            return ""
        if not self._options.strict or CONTAINER.fullmatch(text):
            return text
        if re.fullmatch(r"syn[0-9]+\.[0-9]+", text):
            fix = f"write {text.partition('.')[0]!r}"
            self._problem(f"parent {text!r} has a version", column, "Containers are named without one.", fix)
        elif re.fullmatch(r"\s*syn[0-9]+\s*", text, re.IGNORECASE):
            self._problem(f"parent {text!r} is nearly an id", column, "", f"did you mean {text.strip().lower()!r}?")
        elif not _FOLDER.fullmatch(text) or text != text.strip():
            fix = "write an id such as 'syn123', the name of a Collection, or a folder below it such as 'raw/2026'"
            self._problem(f"parent {text!r} is no id and no folder", column, "", fix)
        return text

    def _name(self, path: str, external: bool, parent: str) -> str:
        text = self._text("name")
        name = text or os.path.basename(path)
        if not path:
            return name or "?"
        rule, why = (_SERVER_NAME, "ASCII letters, digits, blank , _ . - + ( ) and '") if self._options.strict else (
            _CLIENT_NAME, "letters, digits, blank _ - + . ( ) and `")  # fmt: skip
        column = "name" if text else "path"
        if not name:
            self._problem("the URL gives no name", column, "It ends in '/'.", "fill in the column 'name'")
        elif not rule.fullmatch(name):
            fix = "fill in the column 'name' with another one" if not text else "rename it"
            if external and not text:
                fix = "fill in the column 'name': the query of a URL counts as part of its name"
            self._problem(f"name {name[:80]!r} is not allowed", column, f"Names have 1 to 256 of {why}.", fix)
        elif self._options.strict and name != name.strip():
            detail = "The server takes it off, so that the next run would not find the file."
            self._problem(f"name {name!r} begins or ends with a blank", column, detail, f"write {name.strip()!r}")
        first = self._reading.is_taken("name", (nfc(name), parent), self._record.line) if name and parent else 0
        if first:
            detail = f"A folder holds one object of a name; {parent!r} would hold two."
            self._problem(f"line {first} has name {name!r} in this parent too", column, detail, "rename one of them")
        return name

    def _id(self) -> str:
        column = IDENTITY[self._columns.dialect]
        text = self._text(column)
        if text and not CONTAINER.fullmatch(text) and self._options.strict:
            fix = f"did you mean {text.strip().lower().partition('.')[0]!r}?" if "syn" in text.lower() else "remove it"
            self._problem(f"{text!r} is not the id of a file", column, "Ids look like 'syn123'.", fix)
        first = self._reading.is_taken("id", text, self._record.line) if text else 0
        if first:
            self._problem(f"line {first} has id {text!r} too", column, "One file cannot be two.", "correct one of them")
        return text

    # -- settings

    def _store(self, external: bool) -> bool:
        text = self._text("synapseStore")
        if not self._options.strict:
            return not external and self._cast("synapseStore", default=True)
        if not text.strip():
            return not external
        wanted = self._truth("synapseStore", text)
        if external and wanted:
            self._problem("a URL cannot be stored", "synapseStore", "It is kept as an external link.", "write false")
        return wanted and not external

    def _force_version(self) -> bool:
        text = self._text("forceVersion")
        if self._options.strict:
            return self._truth("forceVersion", text) if text.strip() else True
        if "forceVersion" not in self._columns.positions:
            return True
        value = self._value("forceVersion")
        if self._columns.dialect is Dialect.TSV:
            return bool(value)  # a blank cell is empty text, hence False
        return value if isinstance(value, bool) else str(value).lower() != "false"

    def _cast(self, name: str, *, default: bool) -> bool:
        """The whole column cast to truth values: any text that is not missing is True."""
        value = self._value(name) if name in self._columns.positions else None
        return default if value is None else bool(value)

    def _truth(self, name: str, text: str) -> bool:
        folded = text.strip().lower()
        if folded in ("true", "false"):
            return folded == "true"
        detail = "The official reader takes any other text as true."
        self._problem(f"{text!r} is neither true nor false", name, detail, "write true or false")
        return True

    def _content_type(self) -> str:
        text = self._text("contentType")
        if text and self._options.strict and not _CONTENT_TYPE.fullmatch(text):
            fix = "write a type such as 'text/plain', or leave the cell empty"
            self._problem(f"{text!r} is not a content type", "contentType", "", fix)
        return text

    def _activity(self, name: str, has_links: bool) -> str:
        text = self._text(name)
        if text and not has_links and self._options.strict:
            detail = "An activity needs 'used' or 'executed'; the official client drops this without a word."
            self._problem(f"{name} has nothing to describe", name, detail, "fill in used or executed, or clear it")
        return text

    def _links(self, links: LinkReader, name: str) -> tuple[Any, ...]:
        text = self._text(name)
        if not text.strip():
            return ()
        found, complaints = links.read(text)
        for what, detail, fix in complaints:
            self._problem(f"{name}: {what}", name, detail, fix)
        return found

    # -- annotations

    def _annotations(self) -> dict[str, Wire | None]:
        found: dict[str, Wire | None] = {}
        cells = self._cells
        for index, key in self._columns.annotations:
            if index < len(cells) and cells[index]:
                if self._options.strict:
                    self._strict(index, key, cells[index], found)
                else:
                    self._compatible(index, key, cells[index], found)
        return found

    def _strict(self, index: int, key: str, text: str, found: dict[str, Wire | None]) -> None:
        if not text.strip():
            return
        value = strict_cell(text)
        if isinstance(value, Refusal):
            self._reading.tell(f"cell {_cut(text)} in {key!r} is refused", self._record, index, value.reason, value.fix)
        else:
            found[key] = value

    def _compatible(self, index: int, key: str, text: str, found: dict[str, Wire | None]) -> None:
        value: Any = self._reading.value(index, text)
        if value is None or value == "":
            return
        if not isinstance(value, str):
            found[key] = wire_form(value, self._options.zone)
            return
        try:
            found[key], naive = _compatible_cell(value, self._columns.dialect, self._options.zone)
        except CellTooComplex as error:
            detail = f"The official reader fails: {error}."
            self._reading.tell(f"{_cut(text)} cannot be read", self._record, index, detail, "quote it with '…'")
            return
        if naive:
            detail, fix = "It is taken in the zone of this machine, as the official reader does.", "add the offset"
            what = f"{_cut(text)} in {key!r} is a time without offset"
            self._reading.tell_once("zone", key, self._record, index, detail, fix, what, Severity.WARNING)

    # -- cells

    def _text(self, name: str) -> str:
        """A reserved cell as text; in compatible mode what the table reader calls missing is empty."""
        text = self._columns.cell(self._cells, name)
        if self._options.strict or not text:
            return text
        value = self._value(name)
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if name in (*_STATIC, "path"):
            detail = "All cells of this column are numbers or truth values, which the official reader cannot take."
            what, fix = f"column {name!r} is not text", "set mode: strict, which reads every cell by itself"
            severity = Severity.ERROR
            self._reading.tell_once(
                "number", name, self._record, self._columns.positions[name], detail, fix, what, severity
            )
        return str(value)

    def _value(self, name: str) -> Value:
        index = self._columns.positions[name]
        return self._reading.value(index, self._columns.cell(self._cells, name))

    def _problem(self, what: str, name: str, detail: str, fix: str) -> None:
        index = self._columns.positions.get(name, self._columns.positions["path"])
        self._reading.tell(what, self._record, index, detail, fix)


@lru_cache(maxsize=16384)
def _compatible_cell(text: str, dialect: Dialect, zone: tzinfo) -> tuple[Wire | None, bool]:
    """The wire form of a text cell, and whether it depends on the zone."""
    parsed = parse_cell(text, dialect)
    return wire_form(parsed, zone), is_naive(parsed)


def _cut(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
