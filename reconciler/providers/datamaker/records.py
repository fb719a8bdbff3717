"""Records for exports: assignments or tasks with their payloads, and the unit and files each belongs to.

Assignments and tasks come from the v2 listings (ids only) and bulk calls (payloads); units with files from v1, by id,
so that memory is bounded by a batch: 200 records at a time, whatever the size of the project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import BackendError, Invalid
from reconciler.model.json import JSON
from reconciler.model.observed import AnnotationRecord
from reconciler.providers.base import NotModified, RecordListing
from reconciler.providers.datamaker import tasks, units
from reconciler.providers.datamaker.envelope import V1_PAGE, V2_PAGE, Page, Row, id_of, pages
from reconciler.providers.datamaker.filters import wire_filters
from reconciler.providers.datamaker.marker import unit_owner, without_marker
from reconciler.providers.datamaker.payloads import BATCH, bulk_fetch
from reconciler.providers.http import HttpClient, Params

_PATHS = {"assignment": "/v2/assignments/", "task": tasks.PATH}


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a listing says about a record. task_id: of an assignment; unit_id: of a task."""

    remote_id: str
    task_id: str | None
    unit_id: str | None


def records(
    client: HttpClient, target: str, scope: Mapping[str, str], filters: Mapping[str, JSON], etag: str | None
) -> RecordListing | NotModified:
    """List records of a project, ordered by id.

    Raises Invalid, before any request, for a target, scope or filter that the service does not have.
    """
    if target not in _PATHS:
        raise Invalid(f"records of target {target!r} are not available", fix=f"use one of: {', '.join(_PATHS)}")
    if "project" not in scope:
        raise Invalid(f"an export of target {target!r} needs a project", fix="set project")
    params = {**wire_filters(target, filters), "project": scope["project"], "per_page": V2_PAGE}
    listing = pages(client, _PATHS[target], params, etag=etag)
    first = next(listing)
    if first.not_modified:
        return NotModified()
    return RecordListing(first.etag, _stream(client, target, first, listing))


def _stream(client: HttpClient, target: str, first: Page, rest: Iterator[Page]) -> Iterator[AnnotationRecord]:
    path = _PATHS[target]
    entries = [_entry(row, path) for row in first.rows]
    for page in rest:
        entries += [_entry(row, path) for row in page.rows]
    entries.sort(key=lambda entry: (len(entry.remote_id), entry.remote_id))
    for start in range(0, len(entries), BATCH):
        yield from _batch(client, target, entries[start : start + BATCH])


def _entry(row: Row, path: str) -> _Entry:
    task_id, unit_id = row.get("task_id"), row.get("data_unit_id")
    return _Entry(
        id_of(row, f"GET {path}"),
        None if task_id is None else str(task_id),
        None if unit_id is None else str(unit_id),
    )


def _batch(client: HttpClient, target: str, entries: Sequence[_Entry]) -> Iterator[AnnotationRecord]:
    path = _PATHS[target]
    payloads = bulk_fetch(client, path, [entry.remote_id for entry in entries])
    unit_of = _units_of_records(client, entries, payloads)
    there = _units(client, sorted(set(unit_of.values()), key=lambda one: (len(one), one)))
    for entry in entries:
        row, unit_id = payloads.get(entry.remote_id), unit_of.get(entry.remote_id)
        if row is None or unit_id is None:
            continue  # deleted while it was listed
        unit = there.get(unit_id)
        if unit is None:
            raise BackendError(f"data unit {unit_id} cannot be read", operation=f"GET {units.V1_PATH}")
        yield _record(entry.remote_id, unit_id, row, unit)


def _units_of_records(client: HttpClient, entries: Sequence[_Entry], payloads: Mapping[str, Row]) -> dict[str, str]:
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
        found = bulk_fetch(client, tasks.PATH, sorted(set(by_task.values())))
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


def _record(remote_id: str, unit_id: str, row: Row, unit: Row) -> AnnotationRecord:
    meta = unit.get("meta")
    files = units.remote_files(unit.get("files"))
    owner = unit_owner(meta)
    tags = row.get("tags")
    return AnnotationRecord(
        remote_id=remote_id,
        unit_id=unit_id,
        key=(owner.key if owner else None) or units.unit_name(unit_id, meta, files),
        data=row.get("data"),
        files=files,
        unit_meta=without_marker(meta),
        tags=tuple(tag for tag in tags if isinstance(tag, int)) if isinstance(tags, list) else (),
    )
