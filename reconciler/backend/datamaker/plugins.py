"""Plugins, their releases, and running them: `/v2/plugins/`, `/v2/plugin-releases/`, `/plugins/`, `/plugin_releases/`.

Nothing is executed here. A run makes a job that waits for whoever reports on it, and for upload and export plugins
the record that the histories show.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, Final

from reconciler.backend.database import IntegrityError, Row, insert, insert_sql, scalar, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.jobs import find_job, job_wire
from reconciler.backend.datamaker.listing import Selection, v1_list, v2_list
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import FieldError, Response, conflict, encode_json, invalid, invalid_field

CATEGORIES: Final = (
    "neural_net", "export", "upload", "smart_tool", "pre_annotation", "post_annotation", "data_validation", "converter",
)  # fmt: skip
TARGETS: Final = ("assignment", "ground_truth", "task")
_CODE: Final = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9]")
_RELEASES: Final = "plugin_releases r JOIN plugins p ON p.id = r.plugin_id JOIN users u ON u.id = r.author_id"
_RELEASE_COLUMNS: Final = "r.*, p.code, p.name, p.category, u.email, u.name AS author"


def _find(call: Call, key: str) -> Row:
    """A plugin by id or code."""
    sql = "SELECT * FROM plugins WHERE tenant_id = ? AND (code = ? OR id = ?)"
    return call.find("The plugin", sql, (call.tenant, key, int(key) if re.fullmatch("[0-9]{1,10}", key) else -1))


def _wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "code": row["code"],
        "name": row["name"],
        "category": row["category"],
        "is_active": bool(row["is_active"]),
        "created": row["created"],
    }


def _detail(row: Row) -> dict[str, Any]:
    fixed = {"system_only": False, "is_public": False}
    return {**_wire(row), "tenant_id": row["tenant_id"], "description": row["description"], **fixed}


def list_plugins(call: Call) -> Response:
    """`GET /v2/plugins/`."""
    where, values = ["tenant_id = ?"], [call.tenant]
    if (category := call.query.text("category")) is not None:
        where.append("category = ?")
        values.append(category)  # type: ignore[arg-type]
    if (active := call.query.boolean("is_active")) is not None:
        where.append("is_active = ?")
        values.append(int(active))
    return v2_list(call, Selection("*", "plugins", "id", tuple(where), tuple(values), ("name", "code")), _wire)


def create_plugin(call: Call) -> Response:
    """`POST /v2/plugins/`: with its first release, empty. `source=file` is refused: archives are not kept here."""
    body = call.request.object()
    fields = Fields(body)
    fields.text("code", shortest=1, longest=100, required=True)
    fields.text("name", shortest=1, longest=200, required=True)
    fields.text("category", choices=CATEGORIES, required=True)
    fields.text("description", default="")
    fields.text("source", choices=("scaffold",), default="scaffold")
    fields.text("version", shortest=1, longest=100, default="0.0.0")
    fields.text("readme", default="")
    fields.any("meta", default="null")
    fields.boolean("debug", default=False)
    values = fields.done()
    if not _CODE.fullmatch(values["code"]):
        raise invalid_field("code", "must be lower-case letters, digits and dashes between them")
    if scalar(call.db, "SELECT 1 FROM plugins WHERE code = ?", (values["code"],)):
        raise conflict("A plugin of this code exists.")
    if scalar(call.db, "SELECT 1 FROM plugins WHERE tenant_id = ? AND name = ?", (call.tenant, values["name"])):
        raise invalid_field("name", "a plugin of this name exists")
    own = {name: values[name] for name in ("code", "name", "category", "description")}
    own |= {"tenant_id": call.tenant, "created": call.store.now()}
    plugin = insert(call.db, "plugins", own)
    release = {name: values[name] for name in ("version", "readme", "meta", "debug")}
    release |= {"plugin_id": plugin, "author_id": call.identity.user, "created": own["created"]}
    made = insert(call.db, "plugin_releases", release)
    reference = {"id": made, "version": values["version"], "is_released": False}
    return call.reply({**_detail(_find(call, values["code"])), "release": reference}, 201)


def get_plugin(call: Call) -> Response:
    """`GET /v2/plugins/{id}/`, `GET /plugins/{id}/`."""
    return call.reply(_detail(_find(call, str(call.id()))))


def patch_plugin(call: Call) -> Response:
    """`PATCH /v2/plugins/{id}/`: name and description."""
    plugin = _find(call, str(call.id()))
    body = call.request.object()
    fixed = [FieldError(name, "cannot change") for name in ("code", "tenant", "category") if name in body]
    if fixed:
        raise invalid(fixed)
    fields = Fields(body, Writing.PATCH)
    fields.text("name", shortest=1, longest=200)
    fields.text("description")
    values = fields.done()
    try:
        if values:
            call.db.execute(update_sql("plugins", values), {"id": plugin["id"], **values})
    except IntegrityError as exc:
        raise invalid_field("name", "a plugin of this name exists") from exc
    return call.reply(_detail(_find(call, str(plugin["id"]))))


def _release(call: Call, condition: str, *values: Any) -> Row:
    sql = f"SELECT {_RELEASE_COLUMNS} FROM {_RELEASES} WHERE p.tenant_id = ? AND {condition} ORDER BY r.id DESC"
    return call.find("The plugin release", sql, (call.tenant, *values))


def _release_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "plugin_id": row["plugin_id"],
        "version": row["version"],
        "created": row["created"],
        "debug": bool(row["debug"]),
        "is_released": bool(row["is_released"]),
    }


def _plugin_of(row: Row) -> dict[str, Any]:
    return {"id": row["plugin_id"], "code": row["code"], "name": row["name"], "category": row["category"]}


def _release_detail(row: Row) -> dict[str, Any]:
    return {
        **_release_wire(row),
        "plugin": _plugin_of(row),
        "readme": row["readme"],
        "config": {},
        "run_schema": {},
        "installation_schema": {},
        "available_actions": [],
        "author_id": row["author_id"],
        "author": {"id": row["author_id"], "email": row["email"], "name": row["author"]},
        "meta": json.loads(row["meta"]),
    }


def _release_selection(call: Call) -> Selection:
    where, values = ["p.tenant_id = ?"], [call.tenant]
    if (plugin := call.query.text("plugin")) is not None:
        where.append("p.id = ?")
        values.append(call.query.integer("plugin") if call.is_v2 else _find(call, plugin)["id"])  # type: ignore[arg-type]
    if (debug := call.query.boolean("debug")) is not None:
        where.append("r.debug = ?")
        values.append(int(debug))
    return Selection(_RELEASE_COLUMNS, _RELEASES, "r.id", tuple(where), tuple(values))


def list_releases(call: Call) -> Response:
    """`GET /v2/plugin-releases/`."""
    return v2_list(call, _release_selection(call), _release_wire)


def list_releases_v1(call: Call) -> Response:
    """`GET /plugin_releases/`; `plugin` is an id or a code."""
    return v1_list(call, _release_selection(call), _release_wire)


def get_release(call: Call) -> Response:
    """`GET /v2/plugin-releases/{id}/`."""
    return call.reply(_release_detail(_release(call, "r.id = ?", call.id())))


def get_release_v1(call: Call) -> Response:
    """`GET /plugin_releases/{id or code@version}/`."""
    code, separator, version = call.request.params["key"].partition("@")
    row = (
        _release(call, "p.code = ? AND r.version = ?", code, version)
        if separator
        else _release(call, "r.id = ?", call.id("key"))
    )
    detail = _release_detail(row)
    if "plugin" not in call.query.all("expand"):
        detail["plugin"] = row["plugin_id"]
    return call.reply(detail)


def delete_release(call: Call) -> Response:
    """`DELETE /v2/plugin-releases/{id}/`: not once jobs ran it."""
    release = _release(call, "r.id = ?", call.id())["id"]
    if scalar(call.db, "SELECT 1 FROM jobs WHERE release_id = ? LIMIT 1", (release,)):
        raise conflict("Jobs ran this release.")
    call.db.execute("DELETE FROM plugin_releases WHERE id = ?", (release,))
    return NO_CONTENT


def release(call: Call) -> Response:
    """`POST /v2/plugin-releases/{id}/release/`: there is no way back."""
    found = _release(call, "r.id = ?", call.id())["id"]
    call.db.execute("UPDATE plugin_releases SET is_released = 1 WHERE id = ?", (found,))
    return call.reply(_release_detail(_release(call, "r.id = ?", found)))


def run(call: Call) -> Response:
    """`POST /plugins/{id or code}/run/`: a job, pending until somebody reports on it."""
    plugin = _find(call, call.request.params["key"])
    body = call.request.object()
    fields = Fields(body)
    fields.text("action", longest=100, default=str(plugin["category"]))
    fields.text("version", longest=100)
    given = fields.done()
    params = body.get("params") or {}
    if not isinstance(params, dict):
        raise invalid_field("params", "must be an object")
    version = given.get("version")
    found = _release(call, "p.id = ? AND (? IS NULL OR r.version = ?)", plugin["id"], version, version)
    now = call.store.now()
    job = {
        "uuid": str(uuid.uuid4()), "tenant_id": call.tenant, "user_id": call.identity.user, "release_id": found["id"],
        "action": given["action"], "params": encode_json(params), "created": now, "modified": now,
    }  # fmt: skip
    made = insert(call.db, "jobs", job)
    if plugin["category"] in ("upload", "export"):
        _record_run(call, plugin["category"], made, params, now)
    return call.reply(job_wire(find_job(call, job["uuid"])), 201)


def _record_run(call: Call, kind: str, job: int | None, params: dict[str, Any], now: str) -> None:
    fields = Fields(params, where="params.")
    fields.text("name", shortest=1, longest=200, required=True)
    fields.text("description", default="")
    fields.text("path", longest=4096, default="")
    fields.integer("storage", nullable=True, column="storage_id")
    fields.any("extra_params", default="null")
    if kind == "export":
        fields.text("target", choices=TARGETS, required=True)
        fields.any("filter", default="{}")
        fields.boolean("save_original_file", default=True, column="flag")
        found = params.get("filter")
        project = found.get("project") if isinstance(found, dict) else None
        fields.values["project_id"] = project if type(project) is int else None
    else:
        fields.integer("data_collection", required=True, column="collection_id")
        fields.integer("project", nullable=True, column="project_id")
        fields.boolean("is_recursive", default=True, column="flag")
    values = fields.done() | {"kind": kind, "job_id": job, "created": now}
    _check_owned(call, values)
    call.db.execute(insert_sql("runs", values), values)


def _check_owned(call: Call, values: dict[str, Any]) -> None:
    tables = {"storage_id": "storages", "collection_id": "collections", "project_id": "projects"}
    for column, table in tables.items():
        wanted = values.get(column)
        sql = f"SELECT 1 FROM {table} WHERE id = ? AND tenant_id = ?"
        if wanted is not None and not scalar(call.db, sql, (wanted, call.tenant)):
            raise invalid_field(f"params.{column.removesuffix('_id')}", "is unknown")


ROUTES = (
    Route("GET", "/v2/plugins/", list_plugins),
    Route("POST", "/v2/plugins/", create_plugin, Work.WRITE, "create"),
    Route("GET", "/v2/plugins/{id}/", get_plugin),
    Route("PATCH", "/v2/plugins/{id}/", patch_plugin, Work.WRITE, "update"),
    Route("GET", "/plugins/{id}/", get_plugin),
    Route("POST", "/plugins/{key}/run/", run, Work.WRITE, "create"),
    Route("GET", "/v2/plugin-releases/", list_releases),
    Route("GET", "/v2/plugin-releases/{id}/", get_release),
    Route("DELETE", "/v2/plugin-releases/{id}/", delete_release, Work.WRITE, "destroy"),
    Route("POST", "/v2/plugin-releases/{id}/release/", release, Work.WRITE, "release"),
    Route("GET", "/plugin_releases/", list_releases_v1),
    Route("GET", "/plugin_releases/{key}/", get_release_v1),
)
