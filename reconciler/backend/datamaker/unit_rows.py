"""Units with their files as v1 shows them, written as JSON text straight from rows: lists of them are the hot path.

Two queries per page, whatever its size. Stored meta is JSON text already, so it is copied, not decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring
from typing import Final
from urllib.parse import quote

from reconciler.backend.database import IDS, Connection, Row
from reconciler.backend.signing import Signer
from reconciler.backend.wire import encode_json

UNIT_COLUMNS: Final = "u.id, u.collection_id, u.group_id, u.checksum, u.created, u.meta"

_NOTHING: Final = "{}"
_FILES: Final = f"""
SELECT uf.unit_id, s.name, s.file_type, s.is_primary, f.sha256, f.sha1, f.size, f.meta, uf.path
FROM unit_files uf JOIN specifications s ON s.id = uf.specification_id JOIN files f ON f.id = uf.file_id
WHERE uf.unit_id IN {IDS} ORDER BY uf.unit_id, uf.specification_id"""


class FileTexts:
    """Writes the files of units. base_url, signer: for their media URLs."""

    def __init__(self, db: Connection, base_url: str, signer: Signer) -> None:
        self._db = db
        self._base_url = base_url
        self._signer = signer

    def by_unit(self, units: Sequence[int]) -> dict[int, str]:
        """Unit → JSON object `{specification: file}` as text; units without files are left out."""
        return {unit: "{" + ",".join(f"{n}:{t}" for n, t in some) + "}" for unit, some in self._grouped(units).items()}

    def lists_by_unit(self, units: Sequence[int]) -> dict[int, str]:
        """Unit → JSON array of files, each with its `specification`, as text."""
        return {
            unit: "[" + ",".join(f'{{"specification":{n},{t[1:]}' for n, t in some) + "]"
            for unit, some in self._grouped(units).items()
        }

    def _grouped(self, units: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
        grouped: dict[int, list[tuple[str, str]]] = {}
        sign, base = self._signer.sign, self._base_url
        rows = self._db.execute(_FILES, (encode_json(list(units)),))
        for unit, name, file_type, is_primary, sha256, sha1, size, meta, path in rows:
            leaf = path.rpartition("/")[2] or "file"
            text = (
                f'{{"url":"{base}/media/{sha256}.{sign("media", sha256)}/{quote(leaf, safe="")}",'
                f'"file_name_original":{encode_basestring(leaf)},"path_original":{encode_basestring(path)},'
                f'"checksum":"{sha1}","size":{size},"is_primary":{"true" if is_primary else "false"},'
                f'"file_type":"{file_type}","meta":{_NOTHING if meta == "null" else meta}}}'
            )
            grouped.setdefault(unit, []).append((encode_basestring(name), text))
        return grouped


def unit_text(row: Row, files: str) -> str:
    """One unit as JSON text. row: of UNIT_COLUMNS; files: JSON text."""
    group = "null" if row["group_id"] is None else row["group_id"]
    return (
        f'{{"id":{row["id"]},"data_collection":{row["collection_id"]},"group":{group},'
        f'"checksum":"{row["checksum"]}","created":"{row["created"]}","meta":{row["meta"]},"files":{files}}}'
    )


def unit_texts(rows: Iterable[Row], files: FileTexts) -> list[str]:
    """Units as JSON texts, in order."""
    listed = list(rows)
    known = files.by_unit([row["id"] for row in listed])
    return [unit_text(row, known.get(row["id"], "{}")) for row in listed]
