"""What roles are granted on: the collection, project or data set behind each path of the membership family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.backend.database import scalar
from reconciler.backend.datamaker.assignments import find_assignment
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.data_collections import find_collection
from reconciler.backend.datamaker.projects import find_project
from reconciler.backend.datamaker.tasks import find_task
from reconciler.backend.datamaker.truth import find_version
from reconciler.backend.datamaker.truth_events import find_event
from reconciler.backend.datamaker.units import find_unit
from reconciler.backend.datamaker.workshops import find_seat, find_workshop
from reconciler.backend.wire import not_found


@dataclass(frozen=True, slots=True)
class Target:
    """What roles are granted on. kind: collection or project; app: how permissions are named."""

    kind: str
    id: int
    app: str


Find = Callable[[Call], Target]


def _collection(call: Call, collection: int) -> Target:
    return Target("collection", find_collection(call.db, call.tenant, collection)["id"], "data.datacollection")


def _project(call: Call, project: int) -> Target:
    return Target("project", find_project(call.db, call.tenant, project)["id"], "annotation.project")


def _dataset_version(call: Call) -> Target:
    row = find_version(call, call.id("ds"), call.id())
    return Target("dataset", row["ground_truth_dataset_id"], "ground_truth.dataset")


def _group(call: Call) -> Target:
    target = _collection(call, call.id("dc"))
    sql = "SELECT 1 FROM unit_groups WHERE id = ? AND collection_id = ?"
    if not scalar(call.db, sql, (call.id(), target.id)):
        raise not_found("The group")
    return target


def _tag(table: str) -> Find:
    def find(call: Call) -> Target:
        target = _project(call, call.id("p"))
        if not scalar(call.db, f"SELECT 1 FROM {table} WHERE id = ? AND project_id = ?", (call.id(), target.id)):
            raise not_found("The tag")
        return target

    return find


def _review_tag(call: Call) -> Target:
    sql = "SELECT project_id FROM review_tags WHERE id = ?"
    project = scalar(call.db, sql, (call.id(),))
    if project is None:
        raise not_found("The tag")
    return _project(call, project)


def _seat(role: str) -> Find:
    def find(call: Call) -> Target:
        return _project(call, find_seat(call, call.id("workshop"), call.id(), role)["project_id"])

    return find


def _event(call: Call) -> Target:
    return Target("dataset", find_event(call, call.id("pgh_id"))["dataset_id"], "ground_truth.dataset")


FAMILIES: Final[Mapping[str, Find]] = {
    "/v2/data-collections/": lambda call: _collection(call, call.id()),
    "/v2/projects/": lambda call: _project(call, call.id()),
}
CHILDREN: Final[Mapping[str, Find]] = {
    "/v2/data-collections/{dc}/groups/{id}/": _group,
    "/v2/data-units/{id}/": lambda call: _collection(call, find_unit(call, call.id())["collection_id"]),
    "/v2/projects/{p}/tags/{id}/": _tag("task_tags"),
    "/v2/projects/{p}/review-tags/{id}/": _tag("review_tags"),
    "/v2/review-tags/{id}/": _review_tag,
    "/v2/tasks/{id}/": lambda call: _project(call, find_task(call, call.id())["project_id"]),
    "/v2/assignments/{id}/": lambda call: _project(call, find_assignment(call, call.id())["project_id"]),
    "/v2/workshops/{id}/": lambda call: _project(call, find_workshop(call, call.id())["project_id"]),
    "/v2/workshops/{workshop}/workers/{id}/": _seat("labeler"),
    "/v2/workshops/{workshop}/reviewer-covers/{id}/": _seat("reviewer"),
    "/v2/ground-truth-datasets/{ds}/versions/{id}/": _dataset_version,
    "/v2/ground-truth-events/{pgh_id}/": _event,
}
