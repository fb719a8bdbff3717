"""Validation scripts: `/v2/validation-scripts/`. They are kept, never run."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import Row, containing, insert, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response

_LONGEST_TIMEOUT_S: Final = 60


def _find(call: Call, script: int) -> Row:
    return call.find(
        "The validation script",
        "SELECT * FROM validation_scripts WHERE id = ? AND tenant_id = ?",
        (script, call.tenant),
    )


def _wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "is_active": bool(row["is_active"]),
        "timeout": row["timeout"],
        "created": row["created"],
        "updated": row["updated"],
        "created_by_id": row["created_by"],
    }


def _detail(row: Row) -> dict[str, Any]:
    return {**_wire(row), "description": row["description"], "code": row["code"]}


def _fields(call: Call, writing: Writing) -> dict[str, Any]:
    fields = Fields(call.request.object(), writing)
    fields.text("name", shortest=1, longest=200, required=True)
    fields.text("description", default="")
    fields.text("code", shortest=1, longest=1_000_000, required=True)
    fields.boolean("is_active", default=True)
    fields.integer("timeout", most=_LONGEST_TIMEOUT_S, default=10)
    return fields.done() | {"updated": call.store.now()}


def list_v2(call: Call) -> Response:
    """`GET /v2/validation-scripts/`; `search` matches anywhere in name or description."""
    where, values = ["tenant_id = ?"], [call.tenant]
    if (active := call.query.boolean("is_active")) is not None:
        where.append("is_active = ?")
        values.append(int(active))
    if (text := call.query.text("search")) is not None:
        where.append("(lower(name) LIKE lower(?) ESCAPE '!' OR lower(description) LIKE lower(?) ESCAPE '!')")
        values += [containing(text)] * 2  # type: ignore[list-item]
    chosen = Selection("*", "validation_scripts", "id", tuple(where), tuple(values), ("name", "updated"))
    return v2_list(call, chosen, _wire)


def create(call: Call) -> Response:
    """`POST /v2/validation-scripts/`."""
    values = _fields(call, Writing.CREATE)
    values |= {"tenant_id": call.tenant, "created": values["updated"], "created_by": call.identity.user}
    made = insert(call.db, "validation_scripts", values)
    return call.reply(_detail(_find(call, made)), 201)


def get(call: Call) -> Response:
    """`GET /v2/validation-scripts/{id}/`."""
    return call.reply(_detail(_find(call, call.id())))


def replace(call: Call) -> Response:
    """`PUT /v2/validation-scripts/{id}/`."""
    return _update(call, Writing.REPLACE)


def patch(call: Call) -> Response:
    """`PATCH /v2/validation-scripts/{id}/`."""
    return _update(call, Writing.PATCH)


def _update(call: Call, writing: Writing) -> Response:
    script = _find(call, call.id())["id"]
    values = _fields(call, writing)
    call.db.execute(update_sql("validation_scripts", values), {"id": script, **values})
    return call.reply(_detail(_find(call, script)))


def delete(call: Call) -> Response:
    """`DELETE /v2/validation-scripts/{id}/`."""
    call.db.execute("DELETE FROM validation_scripts WHERE id = ?", (_find(call, call.id())["id"],))
    return NO_CONTENT


_BASE: Final = "/v2/validation-scripts/"
ROUTES = (
    Route("GET", _BASE, list_v2),
    Route("POST", _BASE, create, Work.WRITE, "create"),
    Route("GET", _BASE + "{id}/", get),
    Route("PUT", _BASE + "{id}/", replace, Work.WRITE, "update"),
    Route("PATCH", _BASE + "{id}/", patch, Work.WRITE, "update"),
    Route("DELETE", _BASE + "{id}/", delete, Work.WRITE, "destroy"),
)
