"""Tasks of a project: `/v2/tasks/`. One per project and unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.errors import Invalid
from reconciler.model.json import JSON, digest
from reconciler.model.observed import ObservedTask
from reconciler.providers.base import NotModified, TaskListing
from reconciler.providers.datamaker.envelope import V2_PAGE, Page, Row, all_rows, id_of, pages
from reconciler.providers.datamaker.payloads import FAULT, Payloads
from reconciler.providers.http import HttpClient

PATH = "/v2/tasks/"
PAYLOADS = Payloads(f"{PATH}bulk-fetch/")
BATCH = 1000
_LIST = f"GET {PATH}"


def list_tasks(client: HttpClient, project_id: str, etag: str | None) -> TaskListing | NotModified:
    """`GET /v2/tasks/?project=`, 200 a page, and one bulk call per page for the payloads' digests."""
    listing = pages(client, PATH, {"project": project_id, "per_page": V2_PAGE}, etag=etag)
    first = next(listing)
    if first.not_modified:
        return NotModified()
    return TaskListing(first.etag, _observed(client, first, listing))


def _observed(client: HttpClient, first: Page, rest: Iterator[Page]) -> Iterator[list[ObservedTask]]:
    yield _with_digests(client, first.rows)
    for page in rest:
        yield _with_digests(client, page.rows)


def _with_digests(client: HttpClient, rows: Sequence[Row]) -> list[ObservedTask]:
    annotated = [id_of(row, _LIST) for row in rows if row.get("has_data", True)]
    payloads = PAYLOADS.fetch(client, annotated)
    return [_from_wire(row, payloads.get(id_of(row, _LIST), {})) for row in rows]


def _from_wire(row: Row, payload: Row) -> ObservedTask:
    """A payload that cannot be had is one all the same, and not ours, so that nothing is written over it."""
    unit_id, data = id_of(row, _LIST, "data_unit_id"), payload.get("data")
    found = FAULT if FAULT in payload else None if data is None else digest(data)
    return ObservedTask(id_of(row, _LIST), unit_id, found)


def create_tasks(client: HttpClient, project_id: str, unit_ids: Sequence[str]) -> dict[str, str]:
    """`POST /v2/tasks/bulk-create/` (existing pairs are skipped), then a listing, since it returns no ids.

    Listings start with the newest, so reading stops as soon as all are found; tasks that others make meanwhile only
    repeat rows. Raises Invalid when a unit cannot have a task in this project.
    """
    for start in range(0, len(unit_ids), BATCH):
        units = [_number(unit_id) for unit_id in unit_ids[start : start + BATCH]]
        body = {"project": _number(project_id), "data_unit_ids": units}
        client.call("POST", f"{PATH}bulk-create/", body=body, repeatable=True)
    return _ids(client, project_id, unit_ids)


def _ids(client: HttpClient, project_id: str, unit_ids: Sequence[str]) -> dict[str, str]:
    missing, found = set(unit_ids), dict[str, str]()
    if not missing:
        return found
    for row in all_rows(client, PATH, {"project": project_id, "per_page": V2_PAGE}, one_version=False):
        unit_id = id_of(row, _LIST, "data_unit_id")
        if unit_id in missing:
            missing.remove(unit_id)
            found[unit_id] = id_of(row, _LIST)
            if not missing:
                return {unit: found[unit] for unit in unit_ids}
    example = ", ".join(sorted(missing)[:5])
    raise Invalid(
        f"no task was made for {len(missing)} units (such as {example})", operation=f"POST {PATH}bulk-create/"
    )


def annotate(client: HttpClient, task_id: str, payload: JSON, *, submit: bool, schema: str) -> None:
    """`PUT /v2/tasks/{id}/annotate-task-data/`. schema: `dm_schema_v1`, or `any` to have nothing checked."""
    body = {"action": "submit" if submit else "save", "data": payload}
    client.call("PUT", f"{PATH}{task_id}/annotate-task-data/", params={"schema": schema}, body=body)


def _number(remote_id: str) -> JSON:
    return int(remote_id) if remote_id.isdigit() else remote_id
