"""JSON schemas: versions that never change, under names of organizations, and their forms for validation.

An id is `org-Name` or `org-Name-1.2.3`; the first means the latest version. A `$ref` to another schema is resolved when
a schema is made into its form for validation, which has all of them under `definitions`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from reconciler.backend.database import Row, insert, one, scalar
from reconciler.backend.routing import Work
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import NO_CONTENT, Call, P, Verbatim, reply
from reconciler.backend.sage.errors import bad, missing, taken
from reconciler.backend.sage.jobs import JobKind
from reconciler.backend.sage.paging import token_page, token_range
from reconciler.backend.sage.routes import VIEW_AND_MODIFY, reads, writes
from reconciler.backend.sage.schema_organizations import find_organization, require_right
from reconciler.backend.wire import Response, json_response

_ID: Final = re.compile(
    r"(?:.*/)?(?P<org>[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*)-(?P<name>[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*)"
    r"(?:-(?P<version>[0-9]+\.[0-9]+\.[0-9]+))?"
)
_MOST_BYTES: Final = 1 << 20
_MOST_PARTS: Final = 100
_ROW: Final = (
    "SELECT v.*, s.name, s.organization_id, o.name AS organization FROM sage_schema_versions v"
    " JOIN sage_schemas s ON s.id = v.schema_id JOIN sage_organizations o ON o.id = s.organization_id"
)


@dataclass(frozen=True, slots=True)
class SchemaId:
    """The parts of a schema's id. version: None for the latest."""

    organization: str
    name: str
    version: str | None


def read_id(text: str) -> SchemaId:
    """Take an id apart. Raises `ApiError` 400."""
    found = _ID.fullmatch(text[:1000])
    if not found:
        raise bad(f"Invalid '$id': {text[:300]}. It must be like org.name-SchemaName or org.name-SchemaName-1.0.1")
    if found["version"] == "0.0.0":
        raise bad("The semantic version must be greater than 0.0.0")
    return SchemaId(found["org"], found["name"], found["version"])


def find_version(call: Call, wanted: SchemaId) -> Row:
    """A version of a schema; 404 when there is none."""
    row = one(
        call.db,
        f"{_ROW} WHERE o.name_key = ? AND s.name_key = ? AND "
        + ("v.id = s.latest_id" if wanted.version is None else "v.semantic = ?"),
        (wanted.organization.lower(), wanted.name.lower(), *([wanted.version] if wanted.version else [])),
    )
    if row is None:
        shown = f" and version '{wanted.version}'" if wanted.version else ""
        raise missing(
            f"JSON Schema not found for organization name: '{wanted.organization}' and schema name:"
            f" '{wanted.name}'{shown}"
        )
    return row


def version_by_id(call: Call, number: int) -> Row:
    """A version by its own id."""
    row = one(call.db, f"{_ROW} WHERE v.id = ?", (number,))
    assert row is not None, "bindings keep their version"
    return row


def full_id(row: Row) -> str:
    """The `$id` of a version."""
    return f"{row['organization']}-{row['name']}" + (f"-{row['semantic']}" if row["semantic"] else "")


def version_wire(row: Row) -> dict[str, Any]:
    """`JsonSchemaVersionInfo`."""
    return {
        "organizationId": str(row["organization_id"]),
        "organizationName": row["organization"],
        "schemaId": str(row["schema_id"]),
        "schemaName": row["name"],
        "versionId": str(row["id"]),
        "$id": full_id(row),
        "semanticVersion": row["semantic"],
        "jsonSHA256Hex": row["content_hash"],
        "createdOn": row["created_on"],
        "createdBy": str(row["created_by"]),
    }


def validation_schema(call: Call, row: Row) -> dict[str, Any]:
    """A version with all that it refers to under `definitions`. Raises `ApiError` 404 for a reference to nothing."""
    known: dict[str, Any] = {}
    schema: dict[str, Any] = _resolved(call, json.loads(row["body"]), known, full_id(row))
    if known:
        schema["definitions"] = {**schema.get("definitions", {}), **known}
    return schema


def _resolved(call: Call, node: Any, known: dict[str, Any], own: str) -> Any:
    if isinstance(node, list):
        return [_resolved(call, one, known, own) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _resolved(call, value, known, own) for key, value in node.items()}
    reference = node.get("$ref")
    if not isinstance(reference, str) or reference.startswith("#"):
        return found
    row = find_version(call, read_id(reference))
    key = full_id(row)
    if key not in known:
        if len(known) >= _MOST_PARTS:
            raise bad(f"A schema may refer to {_MOST_PARTS} others at most.")
        known[key] = True  # a schema that refers back to this one finds it taken
        known[key] = _resolved(call, json.loads(row["body"]), known, own)
    return found | {"$ref": "#/definitions/" + key.replace("~", "~0").replace("/", "~1")}


def create(call: Call, body: Body) -> dict[str, Any]:
    """`CreateSchemaRequest`: what is there already is not made again."""
    schema = body.object("schema")
    if schema is None:
        raise bad("schema is required.")
    wanted = read_id(schema.needed("$id"))
    organization = find_organization(call, wanted.organization)
    require_right(call, organization["id"], "CREATE")
    text = json.dumps(schema.values, sort_keys=True, ensure_ascii=False)
    if len(text) > _MOST_BYTES:
        raise bad(f"A schema may have {_MOST_BYTES} bytes at most.")
    _check(schema.values)
    number = _keep(call, organization["id"], wanted, text)
    row = version_by_id(call, number)
    answer = {
        "concreteType": f"{P}.schema.CreateSchemaResponse",
        "newVersionInfo": version_wire(row),
        "validationSchema": Verbatim(validation_schema(call, row)),
    }
    if body.boolean("dryRun"):
        raise DryRun(answer)
    return answer


class DryRun(Exception):
    """Ends a dry run, whose transaction is not kept. answer: what it would have given."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__("dry run")
        self.answer = answer


def create_job(call: Call, body: Body) -> dict[str, Any]:
    """Create in a transaction, which a dry run undoes."""
    try:
        with call.store.writing() as call.connection:
            return create(call, body)
    except DryRun as done:
        return done.answer


def _check(schema: dict[str, Any]) -> None:
    """400 for what is no JSON schema of draft 7."""
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft7Validator.check_schema({key: value for key, value in schema.items() if key != "$id"})
    except SchemaError as exc:
        raise bad(f"The schema is not valid: {exc.message[:500]}") from None
    except RecursionError:
        raise bad("The schema is nested too deeply.") from None


def _keep(call: Call, organization: int, wanted: SchemaId, text: str) -> int:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    schema = _schema(call, organization, wanted.name)
    latest = one(
        call.db,
        "SELECT v.id, v.content_hash FROM sage_schemas s"
        " JOIN sage_schema_versions v ON v.id = s.latest_id WHERE s.id = ?",
        (schema,),
    )
    if wanted.version is not None:
        sql = "SELECT id, content_hash FROM sage_schema_versions WHERE schema_id = ? AND semantic = ?"
        same = one(call.db, sql, (schema, wanted.version))
        if same is not None and same["content_hash"] != sha256:
            raise taken(f"Semantic version: '{wanted.version}' already exists for the JSON schema '{wanted.name}'")
        latest = same
    if latest is not None and latest["content_hash"] == sha256:
        return int(latest["id"])
    values = {"schema_id": schema, "semantic": wanted.version, "content_hash": sha256, "body": text}
    number = insert(call.db, "sage_schema_versions", values | {"created_by": call.caller.id, "created_on": call.now})
    call.db.execute("UPDATE sage_schemas SET latest_id = ? WHERE id = ?", (number, schema))
    return number


def _schema(call: Call, organization: int, name: str) -> int:
    sql = "SELECT id FROM sage_schemas WHERE organization_id = ? AND name_key = ?"
    found = scalar(call.db, sql, (organization, name.lower()))
    if found is not None:
        return int(found)
    values = {"organization_id": organization, "name": name, "name_key": name.lower()}
    return insert(call.db, "sage_schemas", values | {"created_by": call.caller.id, "created_on": call.now})


def validation_job(call: Call, body: Body) -> dict[str, Any]:
    """`GetValidationSchemaRequest`."""
    row = find_version(call, read_id(body.needed("$id")))
    schema = validation_schema(call, row)
    return {"concreteType": f"{P}.schema.GetValidationSchemaResponse", "validationSchema": Verbatim(schema)}


def list_schemas(call: Call) -> Response:
    """`POST /schema/list`."""
    organization = find_organization(call, call.body.needed("organizationName"))
    limit, offset = token_range(call.body)
    rows = call.db.execute(
        "SELECT * FROM sage_schemas WHERE organization_id = ? ORDER BY id LIMIT ? OFFSET ?",
        (organization["id"], limit + 1, offset),
    ).fetchall()
    listed = [
        {
            "organizationId": str(organization["id"]),
            "organizationName": organization["name"],
            "schemaId": str(row["id"]),
            "schemaName": row["name"],
            "createdOn": row["created_on"],
            "createdBy": str(row["created_by"]),
        }
        for row in rows
    ]
    return reply(token_page(listed, limit, offset))


def list_versions(call: Call) -> Response:
    """`POST /schema/version/list`."""
    body = call.body
    organization = find_organization(call, body.needed("organizationName"))
    limit, offset = token_range(body)
    rows = call.db.execute(
        f"{_ROW} WHERE o.id = ? AND s.name_key = ? ORDER BY v.id LIMIT ? OFFSET ?",
        (organization["id"], body.needed("schemaName").lower(), limit + 1, offset),
    ).fetchall()
    return reply(token_page([version_wire(row) for row in rows], limit, offset))


def get(call: Call) -> Response:
    """`GET /schema/type/registered/{schema}`."""
    row = find_version(call, read_id(call.request.params["schema"]))
    return json_response(row["body"])  # as it was created, nulls included


def delete(call: Call) -> Response:
    """`DELETE /schema/type/registered/{schema}`: one version, or all when none is named; bound ones stay."""
    wanted = read_id(call.request.params["schema"])
    row = find_version(call, wanted)
    require_right(call, row["organization_id"], "DELETE")
    column, number = ("schema_id", row["schema_id"]) if wanted.version is None else ("version_id", row["id"])
    if scalar(call.db, f"SELECT 1 FROM sage_schema_bindings WHERE {column} = ? LIMIT 1", (number,)):
        raise bad("Cannot delete a schema that is bound to an object.")
    if wanted.version is None:
        call.db.execute("DELETE FROM sage_schemas WHERE id = ?", (number,))
        return NO_CONTENT
    call.db.execute("DELETE FROM sage_schema_versions WHERE id = ?", (number,))
    latest = scalar(call.db, "SELECT max(id) FROM sage_schema_versions WHERE schema_id = ?", (row["schema_id"],))
    if latest is None:
        call.db.execute("DELETE FROM sage_schemas WHERE id = ?", (row["schema_id"],))
    else:
        call.db.execute("UPDATE sage_schemas SET latest_id = ? WHERE id = ?", (latest, row["schema_id"]))
    return NO_CONTENT


JOBS: Final = (
    JobKind(
        "schema.CreateSchemaRequest", "/schema/type/create/async", create_job, work=Work.NONE, scopes=VIEW_AND_MODIFY
    ),
    JobKind("schema.GetValidationSchemaRequest", "/schema/type/validation/async", validation_job),
)
ROUTES = (
    reads("POST", "/schema/list", list_schemas, anonymous=True),
    reads("POST", "/schema/version/list", list_versions, anonymous=True),
    reads("GET", "/schema/type/registered/{schema}", get, anonymous=True),
    writes("DELETE", "/schema/type/registered/{schema}", delete),
)
