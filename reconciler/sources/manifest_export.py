"""`format: manifest`: the files below a collection as they are, and the Sage manifest that makes them again.

Every entity is an item. Its data, from `Provider.records` with the target `collection`: `kind` (file, folder, link,
other), `type`, `parent`, and of files and folders `version`, `meta` and `attributes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.errors import ConfigError, Problem
from reconciler.formats.account import Account, Entry, Loss, Outcome, decode_account, encode_account
from reconciler.formats.items import ExportItem, Fragment, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.manifest_cells import Dialect, is_url
from reconciler.formats.manifest_writing import Unwritable
from reconciler.formats.naming import safe_component, safe_path
from reconciler.model.json import JSON, canonical_json, digest
from reconciler.sources.manifest_back import outside_link
from reconciler.sources.manifest_json import wire_of
from reconciler.sources.manifest_row import ManifestRow
from reconciler.sources.manifest_write import manifest_text

ENTITIES_PATH: Final = "metadata/entities.jsonl"
_LOSSES: Final = {"link": Loss.LINK, "other": Loss.OTHER_KIND}


@dataclass(frozen=True, slots=True)
class ManifestWriter:
    """Pure; see `items.Writer`. root: how the manifest calls the collection, by name or id. names, parents: options."""

    root: str
    dialect: Dialect = Dialect.CSV
    names: str = "file"
    parents: str = "path"
    format: str = "manifest"

    @property
    def digest(self) -> str:
        """The other options concern the manifest alone, which is always made anew."""
        return digest([self.format, 1, self.names])

    def paths(self, item: ExportItem) -> ItemPaths:
        """`files/<folders>/<name>` for a file whose bytes are held; others have none."""
        media = item.media.get("file")
        if media is None:
            return ItemPaths()
        folder, _, name = item.key.rpartition("/")
        leaf = safe_component(name if self.names == "entity" else media.name)
        return ItemPaths({"file": f"files/{safe_path(folder)}/{leaf}" if folder else f"files/{leaf}"})

    def write_item(self, item: ExportItem) -> ItemOutput:
        """The line of the entity; a fragment holds it and the account."""
        data: Mapping[str, JSON] = item.data
        kind, attributes = str(data["kind"]), data.get("attributes") or {}
        local = self.paths(item).originals.get("file")
        media = item.media.get("file")
        line = {"path": item.key, "id": item.record_id, **data}
        line |= {"file": local} if local else {}
        line |= {"checksum": media.checksum, "size": media.size_bytes} if media else {}
        entries: tuple[Entry, ...] = ()
        if kind in _LOSSES:
            entries = (Entry(Outcome.DROPPED, _LOSSES[kind], (item.record_id,), key=item.key),)
        elif attributes.get("externalURL"):
            entries = (Entry(Outcome.LOSSY, Loss.EXTERNAL_FILE, (item.record_id,), key=item.key),)
        account = Account(1, int(kind not in _LOSSES), entries)
        return ItemOutput({}, canonical_json({"line": line, "account": encode_account(account)}), account)

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """The manifest, unless there is no file, and a line for every entity with all that is known of it.

        Raises:
            ConfigError: with every value that a manifest cannot hold.
        """
        rows = list(self._rows(fragments))
        if rows:
            name = f"manifest.{self.dialect}"
            yield OutputFile(name, iter([manifest_text(rows, self.dialect, name).encode()]))
        yield OutputFile(ENTITIES_PATH, (f"{canonical_json(_line(one))}\n".encode() for one in fragments()))

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(json.loads(fragment)["account"])

    def _rows(self, fragments: Fragments) -> Iterator[ManifestRow]:
        """Rows of all files. Content types are left out when some have none: a manifest has them for all or nobody."""
        problems: list[Problem] = []
        rows = [
            row
            for line in map(_line, fragments())
            if line["kind"] == "file" and (row := self._row(line, problems)) is not None
        ]
        if problems:
            raise ConfigError(problems)
        typed = all(row.content_type for row in rows)
        yield from rows if typed else (replace(row, content_type="") for row in rows)

    def _row(self, line: Mapping[str, JSON], problems: list[Problem]) -> ManifestRow | None:
        attributes, meta = line["attributes"], line["meta"]
        provenance = attributes.get("provenance") or {}
        folder, _, name = line["path"].rpartition("/")
        try:
            annotations = {key: wire_of(value) for key, value in meta.items()}
        except Unwritable as error:
            problems.append(Problem(f"annotations of {line['path']!r} cannot be written: {error}", fix="change them"))
            return None
        by_id = self.parents == "id"
        path = str(attributes.get("externalURL") or line["file"])
        return ManifestRow(
            line=0,
            path=path,
            parent=str(line["parent"]) if by_id else folder or self.root,
            name=name,
            id=str(line["id"]) if by_id else "",
            is_external=is_url(path),
            content_type=str(attributes.get("contentType") or ""),
            used=tuple(outside_link(str(item)) for item in provenance.get("used") or ()),
            executed=tuple(outside_link(str(item)) for item in provenance.get("executed") or ()),
            activity_name=str(provenance.get("name") or ""),
            activity_description=str(provenance.get("description") or ""),
            annotations=annotations,
        )


def _line(fragment: Fragment) -> Mapping[str, JSON]:
    found: Mapping[str, JSON] = json.loads(fragment.text)["line"]
    return found
