"""Read small files that documents name: annotation files and reference files, from any place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.errors import Problem, SourceError
from reconciler.model.json import JSON
from reconciler.sources.content import open_file
from reconciler.sources.location import Place, locate, translated


def read_documents(
    url: str, folder: Path, options: Mapping[str, JSON], *, suffixes: tuple[str, ...]
) -> list[tuple[str, bytes]]:
    """Read one file, or every file with such a suffix directly in a folder, sorted: (shown name, bytes).

    url: as written, relative to `folder` when local. Raises SourceError when there is nothing to read.
    """
    place = locate(url, folder, options)
    with translated(place, "cannot be read"):
        names = _names(place, suffixes)
        found = [(place.show(name) if name else place.shown, _read(place, name)) for name in names]
    if not found:
        wanted = " or ".join(suffixes)
        raise SourceError([Problem(f"{place.shown} holds no {wanted} file", fix="check the url")])
    return found


def _names(place: Place, suffixes: tuple[str, ...]) -> list[str]:
    """Names below the place; [""] when it is a file itself."""
    if place.is_local:
        path = Path(place.path)
        if not path.is_dir():
            return [""]
        return sorted(entry.name for entry in path.iterdir() if entry.is_file() and entry.name.endswith(suffixes))
    if not place.filesystem.isdir(place.path):
        return [""]
    entries = place.filesystem.ls(place.path, detail=False)
    return sorted(name for entry in entries if (name := str(entry).rstrip("/").rpartition("/")[2]).endswith(suffixes))


def _read(place: Place, name: str) -> bytes:
    if not name:
        parent, _, name = place.path.rpartition("/")
        place = replace(place, path=parent)
    with open_file(place, name) as stream:
        return stream.read()
