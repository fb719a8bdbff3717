"""The files below a remote folder, one by one: pages of keys from object stores, folder by folder from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from reconciler.errors import Location, Problem, SourceError
from reconciler.sources.advice import folder_instead
from reconciler.sources.location import Place, failure

Entry = tuple[str, dict[str, Any]]
Skips = Callable[[str], bool]

_S3 = ("s3", "s3a")
# Stores without folders: one recursive listing costs far fewer calls than one for each common prefix.
_FLAT = ("gs", "gcs", "az", "abfs", "abfss", "adl")
_MAX_DEPTH = 100
_PAGE = 1000


def entries(place: Place, recursive: bool, skips: Skips, problems: list[Problem]) -> Iterator[Entry]:
    """Yield (path below the place, what the file system says) of every file, in the order of the store.

    skips: says of a folder, given with its final "/", whether to leave it unsearched; object stores, whose keys know no
    folders, do not ask. problems: takes folders that cannot be read; fsspec's own walk passes over them silently.

    Raises:
        SourceError: the folder is missing, or is a file; and whatever the file system raises.
    """
    place.filesystem.invalidate_cache()
    if _is_one_of(place, _S3):
        yield from _some(place, _keys(place, recursive))
    elif _is_one_of(place, _FLAT):
        yield from _some(place, _found(place, recursive))
    else:
        _check_root(place)
        yield from _walk(place, skips, problems)


def is_flat(place: Place) -> bool:
    """Whether one listing gives everything below a folder, however deep."""
    return _is_one_of(place, (*_S3, *_FLAT))


def _is_one_of(place: Place, protocols: tuple[str, ...]) -> bool:
    protocol = place.filesystem.protocol
    return any(name in protocols for name in ((protocol,) if isinstance(protocol, str) else protocol))


def _keys(place: Place, recursive: bool) -> Iterator[Entry]:
    bucket, _, root = place.path.strip("/").partition("/")
    prefix = f"{root}/" if root else ""
    query: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": _PAGE}
    if not recursive:
        query["Delimiter"] = "/"
    while True:
        page = place.filesystem.call_s3("list_objects_v2", **query)
        for row in page.get("Contents", ()):
            path = row["Key"].removeprefix(prefix)
            if path and not path.endswith("/"):
                yield path, {"size": row["Size"], "ETag": row.get("ETag")}
        if not page.get("IsTruncated"):
            return
        query["ContinuationToken"] = page["NextContinuationToken"]


def _found(place: Place, recursive: bool) -> Iterator[Entry]:
    root = place.path.strip("/") + "/"
    if recursive:
        found = place.filesystem.find(place.path, detail=True)
    else:
        found = {row["name"]: row for row in place.filesystem.ls(place.path, detail=True)}
    for full in sorted(found):
        path = full.lstrip("/").removeprefix(root)
        if path and path != root[:-1] and not full.endswith("/") and found[full].get("type") != "directory":
            yield path, found[full]


def _some(place: Place, found: Iterator[Entry]) -> Iterator[Entry]:
    """The same, unless there is nothing: then the folder is missing or a file, since such stores have no folders."""
    try:
        first = next(found, None)
    except FileNotFoundError as error:
        raise SourceError([failure(place, "", "does not exist", error)]) from error
    if first is None:
        _check_root(place)
        return
    yield first
    yield from found


def _check_root(place: Place) -> None:
    try:
        info = place.filesystem.info(place.path)
    except FileNotFoundError as error:
        raise SourceError([failure(place, "", "does not exist", error)]) from error
    if info.get("type") == "file":
        fix = folder_instead(place.shown)
        raise SourceError([Problem(f"{place.shown!r} is not a folder", Location(place.shown), fix=fix)])


def _walk(place: Place, skips: Skips, problems: list[Problem]) -> Iterator[Entry]:
    pending = [""]
    while pending:
        folder = pending.pop()
        below: list[str] = []
        for name, row in _rows(place, folder, problems):
            path = folder + name
            kind = row.get("type")
            if kind == "directory":
                below += [] if skips(path + "/") else [path + "/"]
            elif kind == "link":
                yield from _linked(place, path, skips, problems)
            elif kind in ("file", None):
                yield path, row
        if folder.count("/") > _MAX_DEPTH:
            what = f"{place.show(folder)[:120]!r} is nested too deeply"
            problems.append(Problem(what, Location(place.shown), fix="exclude the folder"))
            continue
        pending.extend(reversed(below))


def _rows(place: Place, folder: str, problems: list[Problem]) -> list[Entry]:
    """Names and infos of one folder, sorted."""
    try:
        rows = place.filesystem.ls(place.below(folder).rstrip("/") if folder else place.path, detail=True)
    except OSError as error:
        if not folder:
            raise
        problems.append(failure(place, folder, "cannot be read", error))
        return []
    found = [(str(row["name"]).rstrip("/").rpartition("/")[2], row) for row in rows]
    return sorted(found, key=lambda entry: entry[0])


def _linked(place: Place, path: str, skips: Skips, problems: list[Problem]) -> Iterator[Entry]:
    """Look through a link to a file. Links to folders might go round, which cannot be seen from here."""
    try:
        row = place.filesystem.info(place.below(path))
    except OSError as error:
        problems.append(failure(place, path, "is a broken symbolic link", error))
        return
    if row.get("type") == "file":
        yield path, row
    elif not skips(path + "/"):
        shown, fix = place.show(path), "name the folder itself as a source, or exclude it"
        problems.append(Problem(f"{shown!r} is a link to a folder, which is not followed", Location(shown), fix=fix))
