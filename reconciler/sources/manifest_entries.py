"""What a manifest of either form says about files, kept small on the way to the units: one JSON line per row."""

from __future__ import annotations

import hashlib
import json
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from reconciler.errors import Problem
from reconciler.model.json import JSON

_SPOOL_BYTES = 32 * 1024 * 1024
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Entry(NamedTuple):
    """One row. key, specification: "" where the rules of the asset set decide. source, path: as in `FileRef`.

    external: the path is a URL that is linked to, not a file. attributes: as `Unit.attributes`.
    """

    line: int
    key: str
    specification: str
    source: int
    path: str
    size_bytes: int
    stamp: str
    meta: dict[str, JSON]
    attributes: dict[str, JSON]
    external: bool = False


class ManifestListing:
    """The rows of a manifest in file order, with a digest over all of them. Owns a temporary file.

    shown: the manifest as people know it. problems: warnings. owns_place: rows say where their file lies, so its key is
    complete.
    """

    def __init__(self, shown: str, problems: Sequence[Problem] = ()) -> None:
        self.shown = shown
        self.problems = tuple(problems)
        self.file_count = 0
        self.byte_count = 0
        self._digest = hashlib.sha256()
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - closed with self
        self._closer = weakref.finalize(self, self._spool.close)

    def add(self, entry: Entry) -> None:
        """Take one row."""
        line = _encode(entry).encode("utf-8", "surrogatepass") + b"\n"
        self._digest.update(line)
        self._spool.write(line)
        self.file_count += not entry.external
        self.byte_count += entry.size_bytes

    def hexdigest(self) -> str:
        """Digest over every row, with size and stamp of its file."""
        return self._digest.hexdigest()

    def entries(self) -> Iterator[Entry]:
        """Yield every row."""
        self._spool.seek(0)
        for line in self._spool:
            yield Entry(*json.loads(line))

    def close(self) -> None:
        """Give the temporary space back."""
        self._closer()
