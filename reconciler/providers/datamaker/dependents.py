"""Counts what goes with an object or with some of its rows, so that a plan can say what is in danger. Lists only.

There is no filter by data unit, so the tasks of units are found in the listings of the collection's projects: a call
per 200 tasks. Assignments are asked for by task, and by project when there are many.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.providers.base import Dependents
from reconciler.providers.datamaker import groups, projects, tasks, truth, units
from reconciler.providers.datamaker.envelope import V2_PAGE, all_rows, id_of
from reconciler.providers.http import HttpClient, Params

_ASSIGNMENTS = "/v2/assignments/"
_TASKS_PER_QUERY = 200
_MOST_QUERIES = 5


def dependents(client: HttpClient, address: Address, remote_id: str, rows: Collection[str] | None) -> Dependents:
    """See `Provider.dependents`."""
    match address.kind:
        case "Collection" if rows is not None:
            return Dependents(units=groups.units_in(client, remote_id, rows))
        case "Collection":
            return _of_collection(client, remote_id)
        case "AnnotationProject":
            return replace(_of_projects(client, [remote_id]), projects=0)
        case "GroundTruthDataset":
            path, _ = truth.rows(remote_id)
            return Dependents(versions=_count(client, path, {}))
        case "AssetSet":
            return _of_units(client, remote_id, frozenset(rows or ()))
        case "TaskSet":
            return Dependents(assignments=_assignments(client, remote_id, frozenset(rows or ())))
        case _:
            return Dependents()


def _of_collection(client: HttpClient, collection_id: str) -> Dependents:
    inner = _of_projects(client, list(_projects_of(client, collection_id)))
    path, parameter = units.PATH, "data_collection"
    held = _count(client, path, {parameter: collection_id})
    return Dependents(held, inner.projects, inner.tasks, inner.assignments)


def _of_projects(client: HttpClient, project_ids: list[str]) -> Dependents:
    there = [{"project": project_id} for project_id in project_ids]
    made = sum(_count(client, tasks.PATH, params) for params in there)
    taken = sum(_count(client, _ASSIGNMENTS, params) for params in there) if made else 0
    return Dependents(projects=len(there), tasks=made, assignments=taken)


def _of_units(client: HttpClient, collection_id: str, unit_ids: frozenset[str]) -> Dependents:
    found = Dependents()
    for project_id in _projects_of(client, collection_id):
        rows = all_rows(client, tasks.PATH, {"project": project_id, "per_page": V2_PAGE})
        ours = frozenset(id_of(row, "GET /v2/tasks/") for row in rows if str(row.get("data_unit_id")) in unit_ids)
        if ours:
            taken = _assignments(client, project_id, ours)
            found = Dependents(
                projects=found.projects + 1, tasks=found.tasks + len(ours), assignments=found.assignments + taken
            )
    return found


def _projects_of(client: HttpClient, collection_id: str) -> Iterator[str]:
    """Projects with tasks. Where the listing does not say whose they are, its filter is trusted."""
    for row in all_rows(client, projects.PATH, {"data_collection": collection_id, "per_page": V2_PAGE}):
        whose: JSON = row.get("data_collection_id")
        if row.get("task_count") != 0 and str(whose or collection_id) == collection_id:
            yield id_of(row, f"GET {projects.PATH}")


def _assignments(client: HttpClient, project_id: str, task_ids: frozenset[str]) -> int:
    """Assignments of these tasks; rows of other tasks are not counted, whatever the service filters by."""
    ordered = sorted(task_ids)
    queries: list[Params] = [
        {"tasks": ",".join(ordered[start : start + _TASKS_PER_QUERY])}
        for start in range(0, len(ordered), _TASKS_PER_QUERY)
    ]
    if len(queries) > _MOST_QUERIES:
        queries = [{}]
    found = set[str]()
    for query in queries:
        params: Params = {"project": project_id, **query, "per_page": V2_PAGE}
        rows = all_rows(client, _ASSIGNMENTS, params)
        found |= {id_of(row, f"GET {_ASSIGNMENTS}") for row in rows if str(row.get("task_id")) in task_ids}
    return len(found)


def _count(client: HttpClient, path: str, params: Params) -> int:
    return sum(1 for _ in all_rows(client, path, {**params, "per_page": V2_PAGE}))
