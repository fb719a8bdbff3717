"""Ground truth data sets and their immutable versions: `/v2/ground-truth-datasets/`, and the v1 reads of versions.

A version is a snapshot of the data set: it holds the latest event of every ground truth of that moment.
"""

from __future__ import annotations

from typing import Any

from reconciler.backend.database import IntegrityError, Row, insert, one, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.listing import Selection, v1_list, v2_list
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response, invalid_field


def _find(call: Call, name: str = "id") -> Row:
    return call.find(
        "The ground truth data set",
        "SELECT * FROM truth_datasets WHERE id = ? AND tenant_id = ?",
        (call.id(name), call.tenant),
    )


def _detail(call: Call, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "tenant_id": row["tenant_id"],
        "project_id": call.optional_id(_project(call, row["id"])),
        "description": row["description"],
    }


def _project(call: Call, dataset: int) -> int | None:
    """The one project that all of a data set comes from, None when there is none, or more than one."""
    rows = call.db.execute("SELECT DISTINCT project_id FROM truths WHERE dataset_id = ? LIMIT 2", (dataset,)).fetchall()
    return int(rows[0][0]) if len(rows) == 1 else None


def _fields(call: Call, writing: Writing) -> dict[str, Any]:
    fields = Fields(call.request.object(), writing)
    fields.text("name", shortest=1, longest=200, required=True)
    fields.text("description", default="")
    return fields.done()


def list_datasets(call: Call) -> Response:
    """`GET /v2/ground-truth-datasets/`."""
    where, values = ["tenant_id = ?"], [call.tenant]
    if (project := call.query.integer("project")) not in (None, 0):
        where.append("id IN (SELECT dataset_id FROM truths WHERE project_id = ?)")
        values.append(project)
    chosen = Selection("id, name", "truth_datasets", "id", tuple(where), tuple(values), ("name",))
    return v2_list(call, chosen, lambda row: {"id": row["id"], "name": row["name"]})


def create_dataset(call: Call) -> Response:
    """`POST /v2/ground-truth-datasets/`."""
    values = _fields(call, Writing.CREATE) | {"tenant_id": call.tenant, "created": call.store.now()}
    made = insert(call.db, "truth_datasets", values)
    row = one(call.db, "SELECT * FROM truth_datasets WHERE id = ?", (made,))
    assert row is not None
    return call.reply(_detail(call, row), 201)


def get_dataset(call: Call) -> Response:
    """`GET /v2/ground-truth-datasets/{id}/`."""
    return call.reply(_detail(call, _find(call)))


def replace_dataset(call: Call) -> Response:
    """`PUT /v2/ground-truth-datasets/{id}/`."""
    return _update(call, Writing.REPLACE)


def patch_dataset(call: Call) -> Response:
    """`PATCH /v2/ground-truth-datasets/{id}/`."""
    return _update(call, Writing.PATCH)


def _update(call: Call, writing: Writing) -> Response:
    dataset = _find(call)["id"]
    values = _fields(call, writing)
    if values:
        call.db.execute(update_sql("truth_datasets", values), {"id": dataset, **values})
    return call.reply(_detail(call, _find(call)))


def delete_dataset(call: Call) -> Response:
    """`DELETE /v2/ground-truth-datasets/{id}/`: with its versions."""
    call.db.execute("DELETE FROM truth_datasets WHERE id = ?", (_find(call)["id"],))
    return NO_CONTENT


def _version_wire(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "version": row["version"], "created": row["created"]}


def list_versions(call: Call) -> Response:
    """`GET /v2/ground-truth-datasets/{ds}/versions/`."""
    dataset = _find(call, "ds")["id"]
    return v2_list(
        call, Selection("*", "truth_versions", "id", ("dataset_id = ?",), (dataset,), ("version",)), _version_wire
    )


def create_version(call: Call) -> Response:
    """`POST /v2/ground-truth-datasets/{ds}/versions/`; there is no way to change or delete one."""
    dataset = _find(call, "ds")["id"]
    fields = Fields(call.request.object())
    fields.text("version", shortest=1, longest=100, required=True)
    fields.text("description", default="")
    values = fields.done() | {"dataset_id": dataset, "created": call.store.now()}
    try:
        made = insert(call.db, "truth_versions", values)
    except IntegrityError as exc:
        raise invalid_field("version", "exists in the data set") from exc
    call.db.execute(
        "INSERT INTO truth_version_events SELECT ?, max(e.id) FROM truth_events e JOIN truths t ON t.id = e.truth_id"
        " WHERE t.dataset_id = ? GROUP BY t.id",
        (made, dataset),
    )
    return call.reply(_version(call, dataset, made), 201)


def find_version(call: Call, dataset: int, version: int) -> dict[str, Any]:
    """A version of a data set in full. Raises `ApiError` 404 when the tenant has none with this id."""
    call.find(
        "The ground truth data set",
        "SELECT id FROM truth_datasets WHERE id = ? AND tenant_id = ?",
        (dataset, call.tenant),
    )
    return _version(call, dataset, version)


def _version(call: Call, dataset: int, version: int | None) -> dict[str, Any]:
    row = call.find("The version", "SELECT * FROM truth_versions WHERE id = ? AND dataset_id = ?", (version, dataset))
    return {
        **_version_wire(row),
        "ground_truth_dataset_id": row["dataset_id"],
        "description": row["description"],
        "is_archived": bool(row["is_archived"]),
    }


def get_version(call: Call) -> Response:
    """`GET /v2/ground-truth-datasets/{ds}/versions/{id}/`."""
    return call.reply(_version(call, _find(call, "ds")["id"], call.id()))


def list_versions_v1(call: Call) -> Response:
    """`GET /ground_truth_dataset_versions/`."""
    where, values = ["d.tenant_id = ?"], [call.tenant]
    if (dataset := call.query.integer("ground_truth_dataset")) is not None:
        where.append("v.dataset_id = ?")
        values.append(dataset)
    if (archived := call.query.boolean("is_archived")) is not None:
        where.append("v.is_archived = ?")
        values.append(int(archived))
    return v1_list(call, Selection("v.*", _V1_SOURCE, "v.id", tuple(where), tuple(values)), _version_v1)


def get_version_v1(call: Call) -> Response:
    """`GET /ground_truth_dataset_versions/{id}/`."""
    row = call.find(
        "The version", f"SELECT v.* FROM {_V1_SOURCE} WHERE v.id = ? AND d.tenant_id = ?", (call.id(), call.tenant)
    )
    return call.reply(_version_v1(row))


def _version_v1(row: Row) -> dict[str, Any]:
    return {
        **_version_wire(row),
        "ground_truth_dataset": row["dataset_id"],
        "description": row["description"],
        "is_archived": bool(row["is_archived"]),
    }


_V1_SOURCE = "truth_versions v JOIN truth_datasets d ON d.id = v.dataset_id"
_BASE = "/v2/ground-truth-datasets/"
ROUTES = (
    Route("GET", _BASE, list_datasets),
    Route("POST", _BASE, create_dataset, Work.WRITE, "create"),
    Route("GET", _BASE + "{id}/", get_dataset),
    Route("PUT", _BASE + "{id}/", replace_dataset, Work.WRITE, "update"),
    Route("PATCH", _BASE + "{id}/", patch_dataset, Work.WRITE, "update"),
    Route("DELETE", _BASE + "{id}/", delete_dataset, Work.WRITE, "destroy"),
    Route("GET", _BASE + "{ds}/versions/", list_versions),
    Route("POST", _BASE + "{ds}/versions/", create_version, Work.WRITE, "create"),
    Route("GET", _BASE + "{ds}/versions/{id}/", get_version),
    Route("GET", "/ground_truth_dataset_versions/", list_versions_v1),
    Route("GET", "/ground_truth_dataset_versions/{id}/", get_version_v1),
)
