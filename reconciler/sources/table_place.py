"""Which file a metadata table is, when its document names a folder, or nothing at all."""

from __future__ import annotations

import os
from dataclasses import replace

from reconciler.errors import Location, Problem, SourceError
from reconciler.model.resource import AssetSet, MetadataSource, SourceLocation, TableMetadata
from reconciler.sources.location import Place, locate, translated

# What the platform's documents call usual names, and the CSV that its client looks for as well.
USUAL_NAMES = ("meta.xlsx", "meta.xls", "meta.csv", "metadata.xlsx", "metadata.xls", "metadata.csv")


def found_table(source: MetadataSource, asset_set: AssetSet | None) -> MetadataSource:
    """The same source with the URL of a file.

    Without a URL, the table with a usual name in the only source of the asset set; with a URL that ends with "/", the
    one in that folder. Other sources are returned as they are.

    Raises:
        SourceError: no table has a usual name, or several have, or the set has several sources to look in.
        MissingExtra: the URL needs a package that is not installed.
    """
    origin = source.origin
    if not isinstance(origin, TableMetadata) or (origin.url and not origin.url.endswith("/")):
        return source
    folder, options = source.head.folder, origin.options
    url = origin.url
    if not url and asset_set is not None:
        beside = _only_source(source, asset_set)
        url, options, folder = beside.url, beside.options, asset_set.head.folder
    elif not url:
        raise _problem(source, "table.url is missing", "There is no source to look in.", "name the file")
    name = _found_name(source, locate(url, folder, options))
    head = replace(source.head, folder=folder)
    return replace(source, head=head, origin=replace(origin, url=f"{url.rstrip('/')}/{name}", options=options))


def _only_source(source: MetadataSource, asset_set: AssetSet) -> SourceLocation:
    if len(asset_set.sources) == 1 or asset_set.manifest is not None:
        return asset_set.sources[0]
    detail = f"{asset_set.head.address} has {len(asset_set.sources)} sources, and the table could be in any."
    raise _problem(source, "table.url is missing", detail, "name the file")


def _found_name(source: MetadataSource, place: Place) -> str:
    with translated(place, "cannot be searched for a metadata table"):
        found = [name for name in USUAL_NAMES if _is_file(place, name)]
    if len(found) == 1:
        return found[0]
    if found:
        what = f"{place.shown!r} holds {len(found)} files that could be the metadata table"
        detail = f"{', '.join(map(repr, found))}: which one counts is not said."
        raise _problem(source, what, detail, "name the file in table.url", place.shown)
    what = f"{place.shown!r} holds no metadata table"
    raise _problem(source, what, f"Looked for {', '.join(USUAL_NAMES)}.", "name the file in table.url", place.shown)


def _is_file(place: Place, name: str) -> bool:
    path = place.below(name)
    return os.path.isfile(path) if place.is_local else bool(place.filesystem.isfile(path))


def _problem(source: MetadataSource, what: str, detail: str, fix: str, shown: str = "") -> SourceError:
    at = Location(shown) if shown else source.head.location
    return SourceError([Problem(what, at, detail, fix, address=str(source.head.address))])
