"""The manifest of a published export: which files are ours and what is in them. Values and their text; no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import ConfigError, Problem
from reconciler.model.json import JSON, canonical_json, digest

MANIFEST_PATH: Final = "metadata/export_manifest.json"
_KIND: Final = "reconciler-export-manifest/1"


@dataclass(frozen=True, slots=True)
class FileState:
    """Content of one published file. sha256: lower-case hex."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every file we published, but for the manifest itself. owner: address of the export, as text."""

    owner: str
    files: Mapping[str, FileState] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Digest of owner and contents; the engine remembers it to notice a manifest that others edited."""
        return digest([self.owner, {p: [f.size_bytes, f.sha256] for p, f in self.files.items()}])


def encode_manifest(manifest: Manifest) -> bytes:
    """One line per file, sorted by path, so that two versions can be compared as text."""
    rows = [
        f"{canonical_json(path)}:{canonical_json({'size': file.size_bytes, 'sha256': file.sha256})}"
        for path, file in sorted(manifest.files.items())
    ]
    body = ",\n".join(rows)
    head = f'{{"kind":{canonical_json(_KIND)},"owner":{canonical_json(manifest.owner)},"files":{{\n'
    return f"{head}{body}\n}}}}\n".encode()


def decode_manifest(text: bytes, place: str) -> Manifest:
    """Read what `encode_manifest` wrote. Raises ConfigError when it is damaged or foreign; `place` names it."""
    try:
        value = json.loads(text)
        files = {path: _file(path, row) for path, row in value["files"].items()}
        if value["kind"] != _KIND or not isinstance(value["owner"], str):
            raise ValueError("written by something else, or by a newer version")
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ConfigError([_damaged(place, str(exc))]) from exc
    return Manifest(value["owner"], files)


def _file(path: str, row: JSON) -> FileState:
    if not is_safe_path(path) or not isinstance(row["size"], int) or not isinstance(row["sha256"], str):
        raise ValueError(f"entry {path!r} is damaged")
    return FileState(row["size"], row["sha256"])


def _damaged(place: str, why: str) -> Problem:
    return Problem(
        f"{place}/{MANIFEST_PATH} cannot be read",
        detail=f"It tells which files of the destination are ours: {why}.",
        fix="restore it, or choose an empty destination",
    )


def is_safe_path(path: str) -> bool:
    """Whether a path stays below the destination: relative, "/"-separated, no empty, "." or ".." component."""
    return bool(path) and "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))
