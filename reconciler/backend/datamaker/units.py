"""Data units in v2: `/v2/data-units/`. Files are not shown here; they are what v1 reads (`units_v1`) are for."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.database import Row, insert, scalar, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.data_collections import find_collection
from reconciler.backend.datamaker.fields import Fields, Writing, check_bulk
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.datamaker.meta_schema import unit_meta_errors, unit_validator
from reconciler.backend.datamaker.revisions import (
    collection_etag,
    etag_headers,
    not_modified,
    touch_collection,
    touch_projects_of_units,
)
from reconciler.backend.datamaker.unit_creation import create_units
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response, invalid_field

BULK_LIMIT: Final = 1000
SOURCE: Final = "units u JOIN collections c ON c.id = u.collection_id"


def find_unit(call: Call, unit: int) -> Row:
    """Read a unit. Raises `ApiError` 404 when the tenant has none with this id."""
    return call.find(
        "The data unit", f"SELECT u.* FROM {SOURCE} WHERE u.id = ? AND c.tenant_id = ?", (unit, call.tenant)
    )


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "data_collection_id": row["collection_id"],
        "checksum": row["checksum"],
        "created": row["created"],
    }


def _detail(call: Call, unit: int) -> dict[str, Any]:
    row = find_unit(call, unit)
    return {**_summary(row), "group_id": call.optional_id(row["group_id"]), "meta": json.loads(row["meta"])}


def list_v2(call: Call) -> Response:
    """`GET /v2/data-units/`; with `data_collection` it carries an ETag and may answer 304."""
    columns = "u.id, u.collection_id, u.checksum, u.created"
    collection = call.query.integer("data_collection")
    if collection is None:
        return v2_list(call, Selection(columns, SOURCE, "u.id", ("c.tenant_id = ?",), (call.tenant,)), _summary)
    etag = collection_etag(call, collection)
    if etag is None:
        return v2_list(call, Selection(columns, SOURCE, "u.id", ("1 = 0",), ()), _summary)
    chosen = Selection(columns, "units u", "u.id", ("u.collection_id = ?",), (collection,))
    return not_modified(call, etag) or v2_list(call, chosen, _summary, headers=etag_headers(etag))


def get(call: Call) -> Response:
    """`GET /v2/data-units/{id}/`."""
    return call.reply(_detail(call, call.id()))


def _read(call: Call, writing: Writing, unit: Row | None) -> dict[str, Any]:
    """Column values of a single write, checked against the collection."""
    body = call.request.object()
    fields = Fields(body, writing)
    fields.integer("data_collection", required=True, column="collection_id")
    fields.integer("group", nullable=True, column="group_id")
    values = fields.done()
    owner = values.get("collection_id", unit["collection_id"] if unit else 0)
    if unit is not None and owner != unit["collection_id"]:
        raise invalid_field("data_collection", "cannot change: the unit's files follow its specifications")
    _check_group(call, owner, values.get("group_id"))
    if "meta" in body or unit is None:
        meta = {} if body.get("meta") is None else body["meta"]
        fields.errors.extend(
            unit_meta_errors(unit_validator(find_collection(call.db, call.tenant, owner)["meta"]), meta, "meta")
        )
        values["meta"] = json.dumps(meta, ensure_ascii=False, separators=(",", ":"))
    return fields.done()


def _check_group(call: Call, collection: int, group: int | None) -> None:
    sql = "SELECT 1 FROM unit_groups WHERE id = ? AND collection_id = ?"
    if group is not None and not scalar(call.db, sql, (group, collection)):
        raise invalid_field("group", "is no group of the data collection")


def create(call: Call) -> Response:
    """`POST /v2/data-units/`: a unit without files."""
    values = {**_read(call, Writing.CREATE, None), "checksum": "", "created": call.store.now()}
    find_collection(call.db, call.tenant, values["collection_id"])
    made = insert(call.db, "units", values)
    touch_collection(call.db, values["collection_id"])
    return call.reply(_detail(call, made), 201)


def replace(call: Call) -> Response:
    """`PUT /v2/data-units/{id}/`."""
    return _update(call, Writing.REPLACE)


def patch(call: Call) -> Response:
    """`PATCH /v2/data-units/{id}/`: `meta` is replaced as a whole."""
    return _update(call, Writing.PATCH)


def _update(call: Call, writing: Writing) -> Response:
    unit = find_unit(call, call.id())
    values = _read(call, writing, unit)
    if values:
        call.db.execute(update_sql("units", values), {"id": unit["id"], **values})
        touch_collection(call.db, unit["collection_id"])
        touch_projects_of_units(call.db, [unit["id"]])
    return call.reply(_detail(call, unit["id"]))


def delete(call: Call) -> Response:
    """`DELETE /v2/data-units/{id}/`: with its tasks and their assignments."""
    unit = find_unit(call, call.id())
    touch_projects_of_units(call.db, [unit["id"]])
    touch_collection(call.db, unit["collection_id"])
    call.db.execute("DELETE FROM units WHERE id = ?", (unit["id"],))
    return NO_CONTENT


def bulk_create(call: Call) -> Response:
    """`POST /v2/data-units/bulk-create/`."""
    body = call.request.object()
    fields = Fields(body)
    fields.integer("data_collection", required=True)
    units = body.get("units")
    if not isinstance(units, list):
        fields.fail("units", "must be a list")
    collection = fields.done()["data_collection"]
    assert isinstance(units, list)
    check_bulk("units", units, most=BULK_LIMIT)
    if not scalar(call.db, "SELECT 1 FROM collections WHERE id = ? AND tenant_id = ?", (collection, call.tenant)):
        raise invalid_field("data_collection", "is no data collection")
    made = create_units(call, collection, units)
    created = sum(one.is_new for one in made)
    return call.reply(
        {
            "results": [{"data_unit_id": m.id, "checksum": m.checksum, "created": m.is_new} for m in made],
            "created_count": created,
            "reused_count": len(made) - created,
        },
        201,
    )


ROUTES = (
    Route("GET", "/v2/data-units/", list_v2),
    Route("POST", "/v2/data-units/", create, Work.WRITE, "create"),
    Route("POST", "/v2/data-units/bulk-create/", bulk_create, Work.WRITE, "create"),
    Route("GET", "/v2/data-units/{id}/", get),
    Route("PUT", "/v2/data-units/{id}/", replace, Work.WRITE, "update"),
    Route("PATCH", "/v2/data-units/{id}/", patch, Work.WRITE, "update"),
    Route("DELETE", "/v2/data-units/{id}/", delete, Work.WRITE, "destroy"),
)
