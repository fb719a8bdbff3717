"""The files below a remote folder, one by one: pages of keys from object stores, folder by folder from the others."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from reconciler.errors import Location, Problem, SourceError
from reconciler.sources.advice import folder_instead
from reconciler.sources.location import Place, failure

Entry = tuple[str, dict[str, Any]]
Skips = Callable[[str], bool]
# A file with what is said of it, or a folder: its path with a final "/" and None.
_Found = tuple[str, dict[str, Any] | None]

_S3 = ("s3", "s3a")
# Stores without folders: one recursive listing costs far fewer calls than one for each common prefix.
_FLAT = ("gs", "gcs", "az", "abfs", "abfss", "adl")
# Its package knows no listing by prefix.
_UNSHARED = ("adl",)
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
    if is_flat(place):
        found = _flat(place, "", recursive)
        yield from _some(place, ((path, info) for path, info in found if info is not None))
    else:
        _check_root(place)
        yield from _walk(place, [""], skips, problems)


def level(place: Place, folder: str, skips: Skips, problems: list[Problem]) -> Iterator[Entry | str]:
    """Yield what one folder holds: files, and paths of folders that are to be searched, in the order of `entries`.

    folder: "" or a path with a final "/".
    """
    if is_flat(place):
        rows = sorted(_flat(place, folder, False), key=lambda row: row[0])
        yield from (path if info is None else (path, info) for path, info in rows)
        return
    below: list[str] = []
    yield from _scan(place, folder, below, skips, problems)
    yield from below


def entries_from(place: Place, starts: Sequence[str], skips: Skips, problems: list[Problem]) -> Iterator[Entry]:
    """Yield what `entries` does, of everything whose path begins with one of some texts, in their order.

    starts: folders with a final "/"; of object stores any texts of which none begins with another.

    Raises:
        SourceError: nothing begins with one of them, though it was found elsewhere.
    """
    place.filesystem.invalidate_cache()
    if not is_flat(place):
        yield from _walk(place, list(reversed(starts)), skips, problems)
        return
    for start in starts:
        found = ((path, info) for path, info in _flat(place, start, True) if info is not None)
        first = next(found, None)
        if first is None:
            _check_seen(place, start)
            continue
        yield first
        yield from found


def can_be_shared(place: Place) -> bool:
    """Whether parts of a listing can be had at their own cost. Those of an archive cannot: it is read as a whole."""
    return place.archive is None and not _is_one_of(place, _UNSHARED)


def is_flat(place: Place) -> bool:
    """Whether one listing gives everything below a folder, however deep."""
    return _is_one_of(place, (*_S3, *_FLAT))


def _is_one_of(place: Place, protocols: tuple[str, ...]) -> bool:
    protocol = place.filesystem.protocol
    return any(name in protocols for name in ((protocol,) if isinstance(protocol, str) else protocol))


def _flat(place: Place, start: str, recursive: bool) -> Iterator[_Found]:
    """What begins with `start`; not recursive: it is a folder, and only what lies in itself is given."""
    listed = _keys if _is_one_of(place, _S3) else _blobs
    for path, info in listed(place, start, recursive):
        if path.startswith(start) and (info is not None or path != start):
            yield path, info


def _keys(place: Place, start: str, recursive: bool) -> Iterator[_Found]:
    bucket, _, root = place.path.strip("/").partition("/")
    prefix = f"{root}/" if root else ""
    query: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix + start, "MaxKeys": _PAGE}
    if not recursive:
        query["Delimiter"] = "/"
    while True:
        page = place.filesystem.call_s3("list_objects_v2", **query)
        for row in page.get("Contents", ()):
            path = row["Key"].removeprefix(prefix)
            if path and not path.endswith("/"):
                yield path, {"size": row["Size"], "ETag": row.get("ETag")}
        yield from ((row["Prefix"].removeprefix(prefix), None) for row in page.get("CommonPrefixes", ()))
        if not page.get("IsTruncated"):
            return
        query["ContinuationToken"] = page["NextContinuationToken"]


def _blobs(place: Place, start: str, recursive: bool) -> Iterator[_Found]:
    root = place.path.strip("/") + "/"
    if recursive:
        found = place.filesystem.find(place.path, detail=True, **({"prefix": start} if start else {}))
    else:
        folder = place.below(start).rstrip("/") if start else place.path
        found = {row["name"]: row for row in place.filesystem.ls(folder, detail=True)}
    for full in sorted(found):
        path = full.lstrip("/").removeprefix(root)
        if not path or path == root[:-1]:
            continue
        if found[full].get("type") == "directory":
            yield path.rstrip("/") + "/", None
        elif not full.endswith("/"):
            yield path, found[full]


def _check_seen(place: Place, start: str) -> None:
    """Raise SourceError unless there is at least a folder of that name, which may hold nothing but a marker."""
    folder = start[:-1].rpartition("/")[0]
    near = level(place, folder and folder + "/", lambda _: False, [])
    if any((entry if isinstance(entry, str) else entry[0]).startswith(start) for entry in near):
        return
    what = f"{place.show(start)!r} is not seen by worker {platform.node()}"
    detail = "It was there a moment ago, when the command looked: the worker sees another store, or it was deleted."
    fix = "give every worker the same credentials and addresses, then run again; or use --executor local"
    raise SourceError([Problem(what, Location(place.shown), detail, fix)])


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


def _walk(place: Place, pending: list[str], skips: Skips, problems: list[Problem]) -> Iterator[Entry]:
    """Search folders, the last first, each before what it holds."""
    while pending:
        folder = pending.pop()
        below: list[str] = []
        yield from _scan(place, folder, below, skips, problems)
        pending.extend(reversed(below))


def _scan(place: Place, folder: str, below: list[str], skips: Skips, problems: list[Problem]) -> Iterator[Entry]:
    """The files of one folder. below: takes its folders that are to be searched."""
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
        below.clear()


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
