"""Data collections and their file specifications: `/v2/data-collections/`, and the v1 reads of them."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.database import Connection, Row, insert, insert_sql, one, scalar, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.listing import Selection, id_filters, v1_list, v2_list
from reconciler.backend.datamaker.meta_schema import META_SCHEMA_KEY, schema_problem
from reconciler.backend.datamaker.revisions import touch_collection, touch_projects_of_collection
from reconciler.backend.datamaker.schemas import CATEGORIES, FUNCTION_TYPES, extensions
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import FieldError, Response, conflict, not_found

ACCESS_LEVELS: Final = ("public", "partially_public", "private")
CAUTIONS: Final = ("sensitive_content", "")
_FLAGS: Final = ("is_sequential", "is_required", "is_primary")


def find_collection(db: Connection, tenant: int, collection: int) -> Row:
    """Read a collection. Raises `ApiError` 404 when the tenant has none with this id."""
    row = one(db, "SELECT * FROM collections WHERE id = ? AND tenant_id = ?", (collection, tenant))
    if row is None:
        raise not_found("The data collection")
    return row


def specifications(db: Connection, collection: int) -> list[Row]:
    """File specifications in their order."""
    sql = "SELECT * FROM specifications WHERE collection_id = ? ORDER BY position, id"
    return db.execute(sql, (collection,)).fetchall()


def _read_body(call: Call, writing: Writing) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """Column values of the collection, and its specifications when they were given."""
    body = call.request.object()
    fields = Fields(body, writing)
    fields.text("name", shortest=1, longest=100, required=True)
    fields.text("category", choices=CATEGORIES, required=True)
    fields.text("description", default="")
    fields.any("meta", default="null")
    # The typed official client refuses any other value in an answer, even the empty one.
    caution = "sensitive_content" if call.settings.sdk_compat else ""
    fields.text("caution", choices=CAUTIONS, default=caution)
    fields.text("access_level", choices=ACCESS_LEVELS, default="private")
    if (problem := schema_problem(body.get("meta"))) is not None:
        fields.fail(f"meta.{META_SCHEMA_KEY}", problem)
    listed = _read_specifications(body["file_specifications"], fields) if "file_specifications" in body else None
    return fields.done(), listed


def _read_specifications(value: Any, fields: Fields) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        fields.fail("file_specifications", "must be a list")
        return []
    found = [_read_specification(item, index, fields) for index, item in enumerate(value)]
    names = [one["name"] for one in found if "name" in one]
    for name in sorted({name for name in names if names.count(name) > 1}):
        fields.fail("file_specifications", f"{name!r} occurs more than once")
    if sum(bool(one.get("is_primary")) for one in found) > 1:
        fields.fail("file_specifications", "only one specification may be primary")
    if sum(one.get("function_type") == "main" for one in found) > 1:
        fields.fail("file_specifications", "only one specification may have function type main")
    return found


def _read_specification(item: Any, index: int, outer: Fields) -> dict[str, Any]:
    where = f"file_specifications[{index}]"
    if not isinstance(item, dict):
        outer.fail(where, "must be an object")
        return {}
    fields = Fields(item, where=f"{where}.")
    fields.text("name", shortest=1, longest=50, required=True)
    fields.text("file_type", choices=CATEGORIES, required=True)
    fields.text("description", default="")
    fields.any("configuration", default="null")
    for flag in _FLAGS:
        fields.boolean(flag, default=False)
    fields.text("function_type", choices=(*FUNCTION_TYPES, ""), default="")
    fields.integer("index", column="position")
    outer.errors.extend(fields.errors)
    fields.values.setdefault("position", index)
    return fields.values


def _store_specifications(db: Connection, collection: int, listed: list[dict[str, Any]]) -> None:
    """Get or create the listed specifications by name and delete the others, unless units use them."""
    existing = {row["name"]: row for row in specifications(db, collection)}
    _delete_specifications(db, [row for name, row in existing.items() if name not in {s["name"] for s in listed}])
    for values in listed:
        known = existing.get(values["name"])
        if known is None:
            db.execute(
                insert_sql("specifications", {"collection_id": 0, **values}), {"collection_id": collection, **values}
            )
            continue
        if known["file_type"] != values["file_type"] and _uses(db, known["id"]):
            raise conflict(f"File specification {values['name']!r} is in use: its file type cannot change.")
        db.execute(update_sql("specifications", values), {"id": known["id"], **values})


def _delete_specifications(db: Connection, unlisted: list[Row]) -> None:
    used = [row["name"] for row in unlisted if _uses(db, row["id"])]
    if used:
        details = [FieldError("file_specifications", f"{name!r} is used by data units") for name in used]
        raise conflict("File specifications that data units use cannot be removed.", details)
    db.executemany("DELETE FROM specifications WHERE id = ?", [(row["id"],) for row in unlisted])


def _uses(db: Connection, specification: int) -> bool:
    return scalar(db, "SELECT 1 FROM unit_files WHERE specification_id = ? LIMIT 1", (specification,)) is not None


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "category": row["category"],
        "category_display": row["category"].capitalize(),
        "access_level": row["access_level"],
        "is_archived": bool(row["is_archived"]),
        "created": row["created"],
        "count_projects": row["count_projects"],
    }


_COLUMNS: Final = "c.*, (SELECT count(*) FROM projects WHERE collection_id = c.id) AS count_projects"


def _detail(call: Call, collection: int) -> dict[str, Any]:
    row = one(
        call.db, f"SELECT {_COLUMNS} FROM collections c WHERE id = ? AND tenant_id = ?", (collection, call.tenant)
    )
    if row is None:
        raise not_found("The data collection")
    return {
        **_summary(row),
        "tenant_id": row["tenant_id"],
        "description": row["description"],
        "meta": json.loads(row["meta"]),
        "caution": row["caution"],
        "file_specifications": [_specification_wire(s) for s in specifications(call.db, collection)],
    }


def _specification_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "file_type": row["file_type"],
        "file_type_display": row["file_type"].capitalize(),
        "description": row["description"],
        "configuration": json.loads(row["configuration"]),
        **{flag: bool(row[flag]) for flag in _FLAGS},
        "function_type": row["function_type"],
        "index": row["position"],
    }


def list_v2(call: Call) -> Response:
    """`GET /v2/data-collections/`."""
    category = call.query.text("category")
    where = ("tenant_id = ?", *(("category = ?",) if category else ()))
    values = (call.tenant, *((category,) if category else ()))
    return v2_list(
        call, Selection(_COLUMNS, "collections c", "c.id", where, values, ("c.name", "c.category")), _summary
    )


def create(call: Call) -> Response:
    """`POST /v2/data-collections/`."""
    values, listed = _read_body(call, Writing.CREATE)
    values |= {"tenant_id": call.tenant, "created": call.store.now()}
    made = insert(call.db, "collections", values)
    _store_specifications(call.db, made, listed or [])
    return call.reply(_detail(call, made), 201)


def get(call: Call) -> Response:
    """`GET /v2/data-collections/{id}/`."""
    return call.reply(_detail(call, call.id()))


def replace(call: Call) -> Response:
    """`PUT /v2/data-collections/{id}/`."""
    return _update(call, Writing.REPLACE)


def patch(call: Call) -> Response:
    """`PATCH /v2/data-collections/{id}/`."""
    return _update(call, Writing.PATCH)


def _update(call: Call, writing: Writing) -> Response:
    collection = int(find_collection(call.db, call.tenant, call.id())["id"])
    values, listed = _read_body(call, writing)
    if values:
        call.db.execute(update_sql("collections", values), {"id": collection, **values})
    if listed is not None:
        _store_specifications(call.db, collection, listed)
        touch_collection(call.db, collection)  # rows of units name specifications, their types and the primary one
        touch_projects_of_collection(call.db, collection)
    return call.reply(_detail(call, collection))


def delete(call: Call) -> Response:
    """`DELETE /v2/data-collections/{id}/`: only when it is empty; what the real service does is not documented."""
    collection = find_collection(call.db, call.tenant, call.id())["id"]
    if scalar(call.db, "SELECT 1 FROM units WHERE collection_id = ? LIMIT 1", (collection,)):
        raise conflict("The data collection has data units: delete them first.")
    if scalar(call.db, "SELECT 1 FROM projects WHERE collection_id = ? LIMIT 1", (collection,)):
        raise conflict("Projects use the data collection: delete them first.")
    call.db.execute("DELETE FROM collections WHERE id = ?", (collection,))
    return NO_CONTENT


def _v1_wire(row: Row) -> dict[str, Any]:
    return {
        **_summary(row),
        "description": row["description"],
        "meta": json.loads(row["meta"]),
        "caution": row["caution"],
    }


def list_v1(call: Call) -> Response:
    """`GET /data_collections/`."""
    where, values = id_filters(call, "c.id")
    chosen = Selection(_COLUMNS, "collections c", "c.id", ("tenant_id = ?", *where), (call.tenant, *values))
    return v1_list(call, chosen, _v1_wire)


def get_v1(call: Call) -> Response:
    """`GET /data_collections/{id}/`; its specifications come with `expand=file_specifications`."""
    detail = _detail(call, call.id())
    listed = detail.pop("file_specifications")
    if "file_specifications" in call.query.all("expand"):
        detail["file_specifications"] = [{**one, "extensions": extensions(one["file_type"])} for one in listed]
    return call.reply(detail)


ROUTES = (
    Route("GET", "/v2/data-collections/", list_v2),
    Route("POST", "/v2/data-collections/", create, Work.WRITE, "create"),
    Route("GET", "/v2/data-collections/{id}/", get),
    Route("PUT", "/v2/data-collections/{id}/", replace, Work.WRITE, "update"),
    Route("PATCH", "/v2/data-collections/{id}/", patch, Work.WRITE, "update"),
    Route("DELETE", "/v2/data-collections/{id}/", delete, Work.WRITE, "destroy"),
    Route("GET", "/data_collections/", list_v1),
    Route("GET", "/data_collections/{id}/", get_v1),
)
