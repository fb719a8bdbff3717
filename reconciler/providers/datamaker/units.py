"""Data units: listing, edits in place, deletion. Creating them is in `unit_creation`.

Files of units are readable through v1 only, so listings use `GET /data_units/` (at most 100 a page); everything that
writes uses `/v2/data-units/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.errors import BackendError, NotFound, ReconcilerError
from reconciler.model.json import JSON
from reconciler.model.observed import ObservedUnit, RemoteFile
from reconciler.providers.base import NotModified, RowOutcome, UnitEdit, UnitListing
from reconciler.providers.datamaker.envelope import V1_PAGE, Page, Row, id_of, object_in, pages
from reconciler.providers.datamaker.groups import Groups
from reconciler.providers.datamaker.marker import MARKER, unit_marker, unit_owner, without_marker
from reconciler.providers.http import HttpClient, Params
from reconciler.providers.pool import Pool

PATH = "/v2/data-units/"
V1_PATH = "/data_units/"
_COMPRESSED = ("gz", "bz2", "xz", "zst")


def list_units(client: HttpClient, collection_id: str, etag: str | None) -> UnitListing | NotModified:
    """`GET /data_units/?data_collection=&expand=files`, page by page as they are taken.

    Asks for pages by key, since numbered pages get slow and shift when rows go; a service that knows only numbers
    ignores that, and its `next` is followed all the same.
    """
    params: Params = {
        "data_collection": collection_id,
        "expand": "files",
        "page_size": V1_PAGE,
        "pagination": "cursor",
        "ordering": "-id",
    }
    listing = pages(client, V1_PATH, params, etag=etag)
    first = next(listing)
    if first.not_modified:
        return NotModified()
    return UnitListing(first.etag, _observed(first, listing, collection_id))


def _observed(first: Page, rest: Iterator[Page], collection_id: str) -> Iterator[list[ObservedUnit]]:
    yield [from_wire(row, collection_id) for row in first.rows]
    for page in rest:
        yield [from_wire(row, collection_id) for row in page.rows]


def from_wire(row: Row, collection_id: str) -> ObservedUnit:
    """Read a v1 row. Raises BackendError when the service ignored the collection filter: foreign units look like ours
    to delete."""
    collection = row.get("data_collection")
    collection = collection.get("id") if isinstance(collection, Mapping) else collection
    if collection is not None and str(collection) != collection_id:
        raise BackendError("the listing holds units of another collection", operation=f"GET {V1_PATH}")
    meta, remote_id = row.get("meta"), id_of(row, f"GET {V1_PATH}")
    files = remote_files(row.get("files"))
    return ObservedUnit(
        remote_id=remote_id,
        owner=unit_owner(meta),
        checksums=checksums_in(row.get("files")),
        meta=without_marker(meta),
        name=unit_name(remote_id, meta, files),
        files=files,
    )


def checksums_in(files: JSON) -> dict[str, str]:
    """Checksums by specification; a sequential one joins its own with ",". {} as soon as one is not told."""
    result: dict[str, str] = {}
    for spec, entry in file_entries(files):
        checksum = entry.get("checksum")
        if not checksum:
            return {}
        result[spec] = f"{result[spec]},{checksum}" if spec in result else str(checksum)
    return result


def file_entries(files: JSON) -> Iterator[tuple[str, Row]]:
    """(specification, entry) pairs of `files`, which is a mapping by specification or a list that names them."""
    if isinstance(files, Mapping):
        for spec, entry in files.items():
            for item in entry if isinstance(entry, list) else [entry]:
                if isinstance(item, dict):
                    yield str(spec), item
    elif isinstance(files, list):
        for item in files:
            if isinstance(item, dict):
                spec = item.get("specification") or item.get("specification_name") or item.get("name")
                yield str(spec or ""), item


def unit_name(unit_id: str, meta: JSON, files: Sequence[RemoteFile]) -> str:
    """What to call a unit without our marker: `meta.dataset_key`, else the stem of its (primary) file, else its id."""
    named = meta.get("dataset_key") if isinstance(meta, Mapping) else None
    if isinstance(named, str) and named:
        return named
    main = next((file for file in files if file.is_primary), files[0] if files else None)
    return (_stem(main.name) if main else "") or unit_id


def _stem(name: str) -> str:
    """A file name without its suffix; compressed ones (".nii.gz") have two."""
    stem, dot, suffix = name.rpartition(".")
    if suffix in _COMPRESSED and "." in stem:
        stem = stem.rpartition(".")[0]
    return stem if dot else name


def remote_files(files: JSON) -> tuple[RemoteFile, ...]:
    """The files of a v1 row."""
    return tuple(_remote_file(spec, entry) for spec, entry in file_entries(files))


def _remote_file(spec: str, entry: Row) -> RemoteFile:
    """The leaf of the original path: what is before the last "/" or "\\" could lead out of a destination."""
    path = str(entry.get("path_original") or entry.get("file_name_original") or spec)
    size = entry.get("size", entry.get("file_size"))
    checksum = entry.get("checksum")
    return RemoteFile(
        spec=spec,
        name=path.replace("\\", "/").rsplit("/", 1)[-1] or spec,
        url=str(entry.get("url") or ""),
        size_bytes=size if isinstance(size, int) else None,
        checksum=str(checksum) if checksum else None,
        is_primary=bool(entry.get("is_primary")),
    )


def detail(client: HttpClient, remote_id: str) -> Row:
    """`GET /v2/data-units/{id}/`: meta and group, no files."""
    return object_in(client.get(f"{PATH}{remote_id}/"), f"GET {PATH}{remote_id}/")


def merged_meta(there: JSON, edit: UnitEdit) -> dict[str, JSON]:
    """Our values over what is there: keys we no longer declare go, what others wrote stays."""
    kept = {key: value for key, value in without_marker(there).items() if key not in edit.drop}
    return kept | dict(edit.meta) | {MARKER: unit_marker(edit.address)}


def update_units(client: HttpClient, pool: Pool, collection_id: str, edits: Sequence[UnitEdit]) -> list[RowOutcome]:
    """GET and PATCH each unit, several at a time; the service has no bulk call for it."""
    groups = Groups(client, collection_id)
    return pool.map(lambda edit: _update(client, groups, edit), edits)


def _update(client: HttpClient, groups: Groups, edit: UnitEdit) -> RowOutcome:
    key = edit.address.key or ""
    try:
        write_meta(client, detail(client, edit.remote_id), edit, groups)
    except ReconcilerError as error:
        return RowOutcome(key, error=error)
    return RowOutcome(key, edit.remote_id)


def write_meta(client: HttpClient, there: Row, edit: UnitEdit, groups: Groups) -> None:
    """`PATCH /v2/data-units/{id}/` with meta and group, if they differ from what is `there`."""
    body: dict[str, JSON] = {}
    meta = merged_meta(there.get("meta"), edit)
    if meta != there.get("meta"):
        body["meta"] = meta
    if edit.groups is not None:
        group = groups.leaf(edit.groups)
        if group != (there.get("group_id") or None):
            body["group"] = group
    if body:
        client.call("PATCH", f"{PATH}{edit.remote_id}/", body=body, repeatable=True)


def delete_units(client: HttpClient, pool: Pool, units: Mapping[str, str]) -> list[RowOutcome]:
    """`DELETE /v2/data-units/{id}/`, several at a time."""
    return delete_rows(client, pool, PATH, units)


def delete_rows(client: HttpClient, pool: Pool, path: str, rows: Mapping[str, str]) -> list[RowOutcome]:
    """Delete rows (key → remote id) below `path`; those already gone count as deleted."""

    def delete(item: tuple[str, str]) -> RowOutcome:
        key, remote_id = item
        try:
            client.call("DELETE", f"{path}{remote_id}/")
        except NotFound:
            pass
        except ReconcilerError as error:
            return RowOutcome(key, error=error)
        return RowOutcome(key, remote_id)

    return pool.map(delete, rows.items())
