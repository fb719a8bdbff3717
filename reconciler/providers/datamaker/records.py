"""Records for exports: assignments, tasks or ground truth events with their payloads, units and files.

Ids come from a listing (see `record_listings`), payloads in bulk, units with files from v1, by id: memory is bounded by
a batch of 200 records and the ids, whatever the size of the project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.errors import BackendError
from reconciler.model.json import JSON
from reconciler.model.observed import AnnotationRecord
from reconciler.providers.base import NotModified, RecordListing
from reconciler.providers.datamaker import tasks, units
from reconciler.providers.datamaker.envelope import V1_PAGE, Row, id_of, pages
from reconciler.providers.datamaker.marker import unit_owner, without_marker
from reconciler.providers.datamaker.payloads import BATCH, FAULT
from reconciler.providers.datamaker.record_listings import Entry, Listing, Target, list_entries
from reconciler.providers.http import HttpClient, Params


def records(
    client: HttpClient, target: str, scope: Mapping[str, str], filters: Mapping[str, JSON], etag: str | None
) -> RecordListing | NotModified:
    """List records of a project or of a ground truth version, ordered by id. Raises as `list_entries` does."""
    listing = list_entries(client, target, scope, filters, etag)
    return listing if isinstance(listing, NotModified) else RecordListing(listing.etag, _stream(client, listing))


def _stream(client: HttpClient, listing: Listing) -> Iterator[AnnotationRecord]:
    entries = sorted(listing.entries, key=lambda entry: (len(entry.remote_id), entry.remote_id))
    for start in range(0, len(entries), BATCH):
        for record in _batch(client, listing.target, entries[start : start + BATCH]):
            if listing.has_data is None or listing.has_data == (record.data is not None or record.fault is not None):
                yield record


def _batch(client: HttpClient, target: Target, entries: Sequence[Entry]) -> Iterator[AnnotationRecord]:
    payloads = target.payloads.fetch(client, [entry.remote_id for entry in entries])
    unit_of = _units_of_records(client, entries, payloads)
    there = _units(client, sorted(set(unit_of.values()), key=lambda one: (len(one), one)))
    for entry in entries:
        row, unit_id = payloads.get(entry.remote_id), unit_of.get(entry.remote_id)
        if row is None or unit_id is None:
            continue  # deleted while it was listed
        unit = there.get(unit_id)
        if unit is None:
            raise BackendError(f"data unit {unit_id} cannot be read", operation=f"GET {units.V1_PATH}")
        yield _record(entry, unit_id, row, unit)


def _units_of_records(client: HttpClient, entries: Sequence[Entry], payloads: Mapping[str, Row]) -> dict[str, str]:
    """Record id → unit id; assignments that do not tell it are resolved through their tasks."""
    result: dict[str, str] = {}
    by_task: dict[str, str] = {}
    for entry in entries:
        unit_id = entry.unit_id or payloads.get(entry.remote_id, {}).get("data_unit_id")
        if unit_id:
            result[entry.remote_id] = str(unit_id)
        elif entry.task_id:
            by_task[entry.remote_id] = entry.task_id
    if by_task:
        found = tasks.PAYLOADS.fetch(client, sorted(set(by_task.values())))
        result |= {
            record: str(found[task]["data_unit_id"])
            for record, task in by_task.items()
            if task in found and found[task].get("data_unit_id")
        }
    return result


def _units(client: HttpClient, ids: Sequence[str]) -> dict[str, Row]:
    """Units with meta and files: `GET /data_units/?ids=&expand=files`, singly where `ids` is not honoured."""
    result: dict[str, Row] = {}
    for start in range(0, len(ids), V1_PAGE):
        wanted = ids[start : start + V1_PAGE]
        params: Params = {"ids": ",".join(wanted), "expand": "files", "page_size": V1_PAGE}
        first = next(pages(client, units.V1_PATH, params))
        rows = {id_of(row, f"GET {units.V1_PATH}"): row for row in first.rows}
        result |= {one: rows[one] for one in wanted if one in rows}
    for one in ids:
        if one not in result:
            reply = client.get(f"{units.V1_PATH}{one}/", {"expand": "files"})
            if isinstance(reply.value, dict):
                result[one] = reply.value
    return result


def _record(entry: Entry, unit_id: str, row: Row, unit: Row) -> AnnotationRecord:
    meta = unit.get("meta")
    files = units.remote_files(unit.get("files"))
    owner = unit_owner(meta)
    tags = row.get("tags")
    return AnnotationRecord(
        remote_id=entry.remote_id,
        unit_id=unit_id,
        key=(owner.key if owner else None) or units.unit_name(unit_id, meta, files),
        data=row.get("data"),
        files=files,
        unit_meta=without_marker(meta),
        tags=tuple(tag for tag in tags if isinstance(tag, int)) if isinstance(tags, list) else (),
        category=entry.category,
        fault=str(row[FAULT]) if FAULT in row else None,
    )
