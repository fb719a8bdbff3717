"""The rows of an asset set's manifest, whatever its form: which file each one names, and what it says about it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

from reconciler.errors import Location, Problem, Severity, SourceError
from reconciler.model.json import JSON
from reconciler.model.resource import AssetSet, External, ManifestFile
from reconciler.sources.location import Place, locate, translated
from reconciler.sources.manifest import ManifestReading, compatible_options, read_manifest
from reconciler.sources.manifest_entries import Entry, ManifestListing
from reconciler.sources.manifest_json import json_value
from reconciler.sources.manifest_row import CONTAINER, Link, LinkKind, ManifestOptions, ManifestRow, Paths
from reconciler.sources.manifest_units import UnitManifest
from reconciler.sources.names import nfc


def list_manifest(
    asset_set: AssetSet, manifest: ManifestFile, folder: Place, names: Sequence[str], kinds: dict[str, str]
) -> ManifestListing:
    """Read a manifest and look at every file that it names; no file is opened.

    folder: where the manifest lies. names: the collection's specifications. kinds: types that its schema declares.

    Raises:
        SourceError: the manifest is missing, or with every problem that it has.
    """
    place = locate(manifest.url, asset_set.head.folder, manifest.options)
    with translated(place, "cannot be read (manifest)"), closing(_open(place)) as stream:
        header = stream.readline()
    if _is_sage(manifest, place, header):
        if not place.is_local:
            where, fix = asset_set.head.location, "download it, or write a manifest with the columns unit and path"
            raise SourceError([Problem("a Sage manifest must lie on this machine", where, fix=fix)])
        return _list_sage(asset_set, manifest, place, folder)
    paths = Paths(folder.path, os.environ)
    return UnitManifest(manifest, place, folder, paths, names, kinds, lambda: _open(place)).listing()


def _open(place: Place) -> IO[bytes]:
    if place.is_local:
        return open(place.path, "rb")
    stream: IO[bytes] = place.filesystem.open(place.path, "rb")
    return stream


def _is_sage(manifest: ManifestFile, place: Place, header: bytes) -> bool:
    """A column for the parent makes it a Sage manifest, unless the document says which form it is."""
    if manifest.format != "auto":
        return manifest.format == "sage"
    if not place.path.lower().endswith((".csv", ".tsv", ".txt")):
        return False
    text = header.decode("utf-8", "replace").lstrip("\ufeff").strip("\r\n")
    cells = {cell.strip().strip('"').casefold() for cell in text.split("\t" if "\t" in text else ",")}
    return not cells.isdisjoint({"parent", "parentid"})


def manifest_options(manifest: ManifestFile, folder: Place) -> ManifestOptions:
    """How a Sage manifest of this document is read."""
    return ManifestOptions(strict=True, base=Path(folder.path)) if manifest.strict else compatible_options()


def _list_sage(asset_set: AssetSet, manifest: ManifestFile, place: Place, folder: Place) -> ManifestListing:
    options = manifest_options(manifest, folder)
    reading = read_manifest(lambda: _open(place), place.shown, options)
    if not reading.rows and not reading.has_errors:
        fix = "add a row for every file; to delete everything on purpose, remove the document"
        problem = Problem("the manifest names no file", Location(place.shown), "It has no rows.", fix)
        raise SourceError([*reading.problems, problem])
    if reading.has_errors:
        raise SourceError(reading.problems)
    listing = ManifestListing(place.shown, [*reading.problems, *_unused(reading, place)])
    keys = {row.path: row_key(row, asset_set) for row in reading.rows}
    for row in reading.rows:
        listing.add(_entry(row, asset_set, folder, keys))
    return listing


def _unused(reading: ManifestReading, place: Place) -> list[Problem]:
    """Columns that mean something to the official client alone."""
    found = next((row for row in reading.rows if row.id), None)
    if found is None:
        return []
    detail = "Which file is which follows from the state; a file of that id that nobody imported is not touched."
    fix = "take existing files over with `reconciler import`"
    return [Problem("ids in a manifest bind nothing", Location(place.shown, found.line), detail, fix, Severity.WARNING)]


def _entry(row: ManifestRow, asset_set: AssetSet, folder: Place, keys: dict[str, str]) -> Entry:
    root = folder.path.rstrip("/") + "/"
    inside = row.path.startswith(root)
    external = row.is_external or not row.store
    path = row.path[len(root) :] if inside else row.path.lstrip("/")
    return Entry(
        line=row.line,
        key=keys[row.path],
        specification="",
        source=0 if inside else 1,
        path=row.path if external else path,
        size_bytes=0 if external else row.size_bytes,
        stamp="" if external else row.stamp,
        meta={key: json_value(wire) for key, wire in row.annotations.items()},
        attributes=_attributes(row, asset_set, keys),
        external=external,
    )


def row_key(row: ManifestRow, asset_set: AssetSet) -> str:
    """The unit's key: its name, below the folder of the collection, or behind the parent when that is another one."""
    own = _own_parent(asset_set)
    folder = "" if row.parent == own else row.parent.removeprefix(f"{own}/") + "/"
    return nfc(folder + row.name)


def _own_parent(asset_set: AssetSet) -> str:
    reference = asset_set.collection
    return reference.id if isinstance(reference, External) else reference.address.name


def _attributes(row: ManifestRow, asset_set: AssetSet, keys: dict[str, str]) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    if CONTAINER.fullmatch(row.parent) and row.parent != _own_parent(asset_set):
        found |= {"parent": row.parent, "name": row.name}
    if row.content_type:
        found["contentType"] = row.content_type
    if row.is_external:
        found["externalURL"] = row.path
    elif not row.store:
        found["externalURL"] = Path(row.path).as_uri()
    if row.links:
        provenance = {
            "name": row.activity_name,
            "description": row.activity_description,
            "used": [_linked(link, keys) for link in row.used],
            "executed": [_linked(link, keys) for link in row.executed],
        }
        found["provenance"] = {name: value for name, value in provenance.items() if value}
    return found


def _linked(link: Link, keys: dict[str, str]) -> str:
    if link.kind is LinkKind.FILE:
        return keys[link.text]
    return link.text.replace(".", "@") if link.kind is LinkKind.ENTITY else link.text
