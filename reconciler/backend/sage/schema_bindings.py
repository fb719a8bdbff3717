"""Schemas bound to entities: what is bound where, and whether entities are as their schema wants them.

A binding holds for all that is below, up to the next one. Entities are validated when somebody asks, as the JSON that
has fields and annotations side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.backend.database import Row, one
from reconciler.backend.sage.call import NO_CONTENT, Call, reply, syn
from reconciler.backend.sage.entity_annotations import annotations_of
from reconciler.backend.sage.errors import bad, missing
from reconciler.backend.sage.nodes import (
    CURRENT,
    NODE,
    Node,
    ancestors,
    entity_wire,
    readable_condition,
    readable_node,
)
from reconciler.backend.sage.paging import token_page, token_range
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.sage.schemas import (
    find_version,
    full_id,
    read_id,
    validation_schema,
    version_by_id,
    version_wire,
)
from reconciler.backend.wire import Response

_MOST_MESSAGES: Final = 50
_MOST_CHILDREN: Final = 10_000
_JSON_NAMES: Final = {
    "integer": "Integer", "number": "Number", "string": "String", "boolean": "Boolean", "array": "JSONArray",
    "object": "JSONObject", "null": "Null",
}  # fmt: skip
_NUMBERS: Final = frozenset({"LONG", "TIMESTAMP_MS"})


def _own_binding(call: Call, entity: int) -> Row | None:
    return one(call.db, "SELECT * FROM sage_schema_bindings WHERE entity_id = ?", (entity,))


def effective_binding(call: Call, entity: int) -> Row | None:
    """The binding of an entity or of the nearest one above it."""
    for row in ancestors(call.db, entity):
        if (found := _own_binding(call, row["id"])) is not None:
            return found
    return None


def _bound_version(call: Call, binding: Row) -> Row:
    if binding["version_id"] is not None:
        return version_by_id(call, binding["version_id"])
    latest = one(call.db, "SELECT latest_id FROM sage_schemas WHERE id = ?", (binding["schema_id"],))
    assert latest is not None, "schemas that are bound stay"
    return version_by_id(call, latest["latest_id"])


def _wire(call: Call, binding: Row) -> dict[str, Any]:
    return {
        "jsonSchemaVersionInfo": version_wire(_bound_version(call, binding)),
        "objectId": binding["entity_id"],
        "objectType": "entity",
        "createdOn": binding["created_on"],
        "createdBy": str(binding["created_by"]),
        "enableDerivedAnnotations": bool(binding["derives"]),
    }


def bind(call: Call) -> Response:
    """`PUT /entity/{id}/schema/binding`: replaces the one that there is."""
    node, body = readable_node(call, "UPDATE"), call.body
    if (named := body.entity("entityId")) is not None and named != node["id"]:
        raise bad("The entityId of the body is not the id of the path.")
    wanted = read_id(body.needed("schema$id"))
    version = find_version(call, wanted)
    values = (
        node["id"], version["schema_id"], version["id"] if wanted.version else None,
        int(body.boolean("enableDerivedAnnotations")), call.caller.id, call.now,
    )  # fmt: skip
    call.db.execute(
        "INSERT INTO sage_schema_bindings (entity_id, schema_id, version_id, derives, created_by, created_on)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (entity_id) DO UPDATE SET schema_id = excluded.schema_id,"
        " version_id = excluded.version_id, derives = excluded.derives, created_by = excluded.created_by,"
        " created_on = excluded.created_on",
        values,
    )
    return reply(_wire(call, _needed(call, node["id"])))


def _needed(call: Call, entity: int) -> Row:
    found = effective_binding(call, entity)
    if found is None:
        raise missing(f"No JSON schema found for '{syn(entity)}'")
    return found


def get_binding(call: Call) -> Response:
    """`GET /entity/{id}/schema/binding`: its own, or the nearest one above."""
    return reply(_wire(call, _needed(call, readable_node(call)["id"])))


def unbind(call: Call) -> Response:
    """`DELETE /entity/{id}/schema/binding`."""
    node = readable_node(call, "DELETE")
    if _own_binding(call, node["id"]) is None:
        raise missing(f"No JSON schema found for '{syn(node['id'])}'")
    call.db.execute("DELETE FROM sage_schema_bindings WHERE entity_id = ?", (node["id"],))
    return NO_CONTENT


def subject(node: Node, properties: Mapping[str, Any]) -> dict[str, Any]:
    """An entity as its schema sees it. properties: of the schema, which say where a single value is a list."""
    found = entity_wire(node)
    for key, annotation in annotations_of(node).items():
        values = [_plain(annotation["type"], value) for value in annotation["value"]]
        wanted = properties.get(key)
        is_list = len(values) != 1 or (isinstance(wanted, dict) and wanted.get("type") == "array")
        found[key] = values if is_list else values[0]
    return {key: value for key, value in found.items() if value is not None}


def _plain(kind: str, text: str) -> Any:
    if kind in _NUMBERS:
        return int(text)
    if kind == "DOUBLE":
        number = float(text)
        return number if number - number == 0 else text
    return text.lower() == "true" if kind == "BOOLEAN" else text


def derived(schema: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema says about an entity that says nothing itself: constants and defaults of properties, also of those
    parts whose condition holds."""
    made: dict[str, Any] = {}
    for part in _parts(schema, found, depth=0):
        for key, rule in part.get("properties", {}).items():
            if isinstance(rule, dict) and key not in found and key not in made:
                value = rule.get("const", rule.get("default"))
                if value is not None:
                    made[key] = value
    return made


def _parts(schema: Any, found: Mapping[str, Any], *, depth: int) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, dict) or depth > 20:
        return
    yield schema
    for part in schema.get("allOf", ()):
        yield from _parts(part, found, depth=depth + 1)
    if "if" in schema:
        branch = schema.get("then" if not _errors(schema["if"], found) else "else")
        yield from _parts(branch, found, depth=depth + 1)


def _errors(schema: Any, found: Mapping[str, Any]) -> list[Any]:
    from jsonschema import Draft7Validator

    return list(Draft7Validator(schema).iter_errors(dict(found)))


def validate(call: Call, node: Node, binding: Row) -> dict[str, Any]:
    """The validation results of an entity."""
    version = _bound_version(call, binding)
    schema = validation_schema(call, version)
    properties = schema.get("properties", {})
    found = subject(node, properties if isinstance(properties, dict) else {})
    if binding["derives"]:
        found = derived(schema, found) | found
    errors = sorted(_checked(schema, found), key=lambda error: (list(map(str, error.absolute_path)), error.message))
    messages = [f"#{''.join(f'/{part}' for part in error.absolute_path)}: {_message(error)}" for error in errors]
    result: dict[str, Any] = {
        "objectId": syn(node["id"]),
        "objectType": "entity",
        "objectEtag": node["etag"],
        "schema$id": f"{call.request.base_url}/repo/v1/schema/type/registered/{full_id(version)}",
        "isValid": not errors,
        "validatedOn": call.now,
    }
    if errors:
        head = messages[0] if len(messages) == 1 else f"{len(messages)} schema violations found"
        result["validationErrorMessage"] = head
        result["allValidationMessages"] = messages[:_MOST_MESSAGES]
        result["validationException"] = {
            "pointerToViolation": "#",
            "message": head,
            "schemaLocation": "#",
            "causingExceptions": [] if len(messages) == 1 else [_cause(error) for error in errors[:_MOST_MESSAGES]],
        }
    return result


def _checked(schema: dict[str, Any], found: dict[str, Any]) -> list[Any]:
    from referencing.exceptions import Unresolvable

    bare = {key: value for key, value in schema.items() if key != "$id"}
    try:
        return _errors(bare, found)
    except (Unresolvable, RecursionError) as exc:
        raise bad(f"The schema cannot be used: {type(exc).__name__}") from None


def _message(error: Any) -> str:
    """What is wrong, in the words of the real service where clients look for them."""
    if error.validator == "type" and isinstance(error.validator_value, str):
        return f"expected type: {_JSON_NAMES[error.validator_value]}, found: {_found_name(error.instance)}"
    return str(error.message)[:300]


def _found_name(value: Any) -> str:
    for kind, name in ((bool, "Boolean"), (int, "Long"), (float, "BigDecimal"), (str, "String"), (list, "JSONArray")):
        if isinstance(value, kind):
            return name
    return "Null" if value is None else "JSONObject"


def _cause(error: Any) -> dict[str, Any]:
    return {
        "pointerToViolation": "#" + "".join(f"/{part}" for part in error.absolute_path),
        "message": _message(error),
        "keyword": str(error.validator),
        "schemaLocation": "#/" + "/".join(map(str, error.absolute_schema_path)),
        "causingExceptions": [],
    }


def get_validation(call: Call) -> Response:
    """`GET /entity/{id}/schema/validation`."""
    node = readable_node(call)
    binding = effective_binding(call, node["id"])
    if binding is None:
        raise missing(f"ValidationResults do not exist for objectId: '{syn(node['id'])}' and objectType: 'entity'")
    return reply(validate(call, node, binding))


def _children(call: Call, node: Node) -> Iterator[dict[str, Any] | None]:
    """Results of what is directly in a container and can be read; None for what has no schema."""
    condition, values = readable_condition(call)
    rows = call.db.execute(
        f"SELECT {NODE} FROM {CURRENT} WHERE e.parent_id = ? AND e.trash_root IS NULL AND {condition}"
        " ORDER BY e.id LIMIT ?",
        (node["id"], *values, _MOST_CHILDREN),
    ).fetchall()
    inherited = effective_binding(call, node["id"])
    for row in rows:
        binding = _own_binding(call, row["id"]) or inherited
        yield None if binding is None else validate(call, row, binding)


def get_statistics(call: Call) -> Response:
    """`GET /entity/{id}/schema/validation/statistics`."""
    node = readable_node(call)
    results = list(_children(call, node))
    valid = sum(1 for one in results if one is not None and one["isValid"])
    unknown = sum(1 for one in results if one is None)
    return reply(
        {
            "containerId": syn(node["id"]),
            "totalNumberOfChildren": len(results),
            "numberOfValidChildren": valid,
            "numberOfInvalidChildren": len(results) - valid - unknown,
            "numberOfUnknownChildren": unknown,
            "generatedOn": call.now,
        }
    )


def list_invalid(call: Call) -> Response:
    """`POST /entity/{id}/schema/validation/invalid`."""
    node, body = readable_node(call), call.body
    limit, offset = token_range(body)
    results = [one for one in _children(call, node) if one is not None and not one["isValid"]]
    return reply(token_page(results[offset : offset + limit + 1], limit, offset))


def derived_annotations(call: Call, node: Node) -> dict[str, Any]:
    """What the schema of an entity adds to its annotations; nothing unless its binding says so."""
    binding = effective_binding(call, node["id"])
    if binding is None or not binding["derives"]:
        return {}
    schema = validation_schema(call, _bound_version(call, binding))
    properties = schema.get("properties", {})
    return derived(schema, subject(node, properties if isinstance(properties, dict) else {}))


ROUTES = (
    writes("PUT", "/entity/{id}/schema/binding", bind),
    reads("GET", "/entity/{id}/schema/binding", get_binding, anonymous=True),
    writes("DELETE", "/entity/{id}/schema/binding", unbind),
    reads("GET", "/entity/{id}/schema/validation", get_validation, anonymous=True),
    reads("GET", "/entity/{id}/schema/validation/statistics", get_statistics, anonymous=True),
    reads("POST", "/entity/{id}/schema/validation/invalid", list_invalid, anonymous=True),
)
