"""Turns a Sage manifest into documents: an asset set over a folder and a typed table where the paths show one, else an
asset set over a manifest that can be read in one way only. Every inference is said.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.formats.manifest_cells import Dialect, Wire, WireType
from reconciler.formats.manifest_writing import iso_time
from reconciler.model.json import JSON
from reconciler.sources.manifest import ManifestReading
from reconciler.sources.manifest_row import CONTAINER, Link, LinkKind, ManifestRow
from reconciler.sources.manifest_write import manifest_text

_TYPES = {
    WireType.STRING: "string", WireType.LONG: "integer", WireType.DOUBLE: "number", WireType.BOOLEAN: "boolean",
    WireType.TIMESTAMP: "datetime",
}  # fmt: skip
_KEY_COLUMN = "name"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a manifest becomes. files: name → text, the documents first. notes: what was inferred, a sentence each."""

    files: dict[str, str]
    notes: tuple[str, ...]


def convert_manifest(reading: ManifestReading, name: str, folder: Path) -> Conversion:
    """Convert a manifest that was read without errors. name: for the documents. folder: where they will lie."""
    obstacle = _obstacle(reading.rows)
    if obstacle:
        return _as_manifest(reading, name, folder, obstacle)
    return _as_source(reading.rows, name, folder)


def _obstacle(rows: Sequence[ManifestRow]) -> str:
    """Why the rows are not simply the files of one folder with metadata; "" when they are."""
    if not rows:
        return "it has no rows"
    if any(row.is_external or not row.store for row in rows):
        return "it links to URLs"
    if len({row.parent for row in rows}) > 1:
        return "its files go to several parents"
    if any(row.links or row.content_type or row.id or not row.force_version for row in rows):
        return "it holds provenance, content types, ids or versions"
    if any(row.name != os.path.basename(row.path) for row in rows):
        return "files get other names than they have"
    if any(_is_listed(value) for row in rows for value in row.annotations.values()):
        return "annotations hold lists or are cleared"
    folders = {os.path.dirname(row.path) for row in rows}
    if len(folders) > 1:
        return "its files lie in several folders"
    present = {entry.name for entry in os.scandir(folders.pop()) if entry.is_file()}
    return "" if present == {row.name for row in rows} else "its folder holds other files too"


def _is_listed(value: Wire | None) -> bool:
    return value is None or len(value.values) > 1


# -- a folder and a table


def _as_source(rows: Sequence[ManifestRow], name: str, folder: Path) -> Conversion:
    root = os.path.dirname(rows[0].path)
    url = Path(os.path.relpath(root, folder)).as_posix()
    keys = sorted({key for row in rows for key in row.annotations})
    types = {key: _column_type(rows, key) for key in keys}
    documents = [
        _collection(rows[0].parent, name),
        _asset_set(name, _collection_reference(rows[0].parent, name), [
            f"  source: {{url: {_yaml(url)}, recursive: false}}",
            "  units: {key: {regex: '([^/]+)$'}}",
            *([f"  metadata: [{name}]"] if keys else []),
        ]),
        _metadata(name, types) if keys else "",
    ]  # fmt: skip
    notes = [f"All {len(rows)} files lie in one folder and are all it holds: source {url!r}, the key is the file name."]
    notes += [f"Column {key!r} is {kind}." for key, kind in types.items()]
    files = {f"{name}.yaml": _joined(documents)}
    if keys:
        files[f"{name}.csv"] = _table(rows, keys, types)
    return Conversion(files, (*notes, *_parent_notes(rows)))


def _column_type(rows: Sequence[ManifestRow], key: str) -> str:
    kinds = {wire.type for row in rows if (wire := row.annotations.get(key)) is not None}
    return _TYPES[kinds.pop()] if len(kinds) == 1 else "string"


def _table(rows: Sequence[ManifestRow], keys: Sequence[str], types: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_KEY_COLUMN, *(_header(key) for key in keys)])
    for row in sorted(rows, key=lambda row: row.name):
        values = (_cell(row.annotations.get(key), types[key]) for key in keys)
        writer.writerow([row.name, *values])
    return out.getvalue()


def _header(key: str) -> str:
    return f"{key}_" if key == _KEY_COLUMN else key


def _cell(wire: Wire | None, kind: str) -> JSON:
    if wire is None:
        return ""
    return wire.values[0] if kind != "datetime" else iso_time(int(wire.values[0]))


def _metadata(name: str, types: dict[str, str]) -> str:
    columns = "\n".join(
        f"      {_yaml(key)}: {{type: {kind}{', from: ' + _yaml(_header(key)) if _header(key) != key else ''}}}"
        for key, kind in types.items()
    )
    return (
        f"apiVersion: reconciler.dev/v1\nkind: MetadataSource\nmetadata: {{name: {name}}}\nspec:\n"
        f"  table:\n    url: {name}.csv\n    key: {_KEY_COLUMN}\n    columns:\n{columns}\n"
    )


# -- a manifest


def _as_manifest(reading: ManifestReading, name: str, folder: Path, obstacle: str) -> Conversion:
    suffix = "tsv" if reading.dialect is Dialect.TSV else "csv"
    rows = [_relative(row, folder) for row in reading.rows]
    parents = sorted({row.parent for row in reading.rows})
    first = parents[0] if parents else name
    lines = [f"  manifest: {{url: {name}.{suffix}, mode: strict}}"]
    documents = [_collection(first, name), _asset_set(name, _collection_reference(first, name), lines)]
    file = f"{name}.{suffix}"
    notes = [
        f"It stays a manifest, since {obstacle}; {file!r} says the same in cells that every reader reads alike.",
        *_type_notes(reading.rows),
        *_parent_notes(reading.rows),
    ]
    text = manifest_text(rows, reading.dialect, file)
    return Conversion({f"{name}.yaml": _joined(documents), file: text}, tuple(notes))


def _relative(row: ManifestRow, folder: Path) -> ManifestRow:
    path = row.path if row.is_external else _below(row.path, folder)
    return replace(
        row, path=path, used=_relative_links(row.used, folder), executed=_relative_links(row.executed, folder)
    )


def _below(path: str, folder: Path) -> str:
    """Paths below the documents are written from there, so that the folder can move; others stay absolute."""
    found = os.path.relpath(path, folder)
    return path if found.startswith("..") else Path(found).as_posix()


def _relative_links(links: Sequence[Link], folder: Path) -> tuple[Link, ...]:
    files = LinkKind.FILE
    return tuple(replace(link, text=_below(link.text, folder)) if link.kind is files else link for link in links)


def _type_notes(rows: Sequence[ManifestRow]) -> list[str]:
    keys = sorted({key for row in rows for key in row.annotations})
    return [f"Column {key!r} is {_column_type(rows, key)}." for key in keys]


def _parent_notes(rows: Sequence[ManifestRow]) -> list[str]:
    parents = sorted({row.parent for row in rows})
    if len(parents) > 1:
        return [f"The set belongs to {parents[0]!r}; rows of {len(parents) - 1} other parents keep theirs."]
    return []


# -- documents


def _collection(parent: str, name: str) -> str:
    if CONTAINER.fullmatch(parent):
        return ""
    return (
        f"apiVersion: reconciler.dev/v1\nkind: Collection\nmetadata: {{name: {_name(parent or name)}}}\nspec:\n"
        f"  title: {_yaml(parent or name)}\n"
    )


def _collection_reference(parent: str, name: str) -> str:
    return f"{{id: {parent}}}" if CONTAINER.fullmatch(parent) else _name(parent or name)


def _asset_set(name: str, collection: str, lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return (
        f"apiVersion: reconciler.dev/v1\nkind: AssetSet\nmetadata: {{name: {name}}}\nspec:\n"
        f"  collection: {collection}\n{body}\n"
    )


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._") or "manifest"


def _joined(documents: Sequence[str]) -> str:
    return "---\n".join(document for document in documents if document)


def _yaml(text: str) -> str:
    words = ("true", "false", "null", "yes", "no", "on", "off")
    plain = re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./-]*", text) and text.lower() not in words
    return text if plain else "'" + text.replace("'", "''") + "'"


document_name = _name
