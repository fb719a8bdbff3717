"""Fuzz a server with schemathesis, by the OpenAPI document inside the official package.

Reads {"url", "token", "routes", "ids", "spare", "examples", "seed", "folder"} as JSON from stdin, prints
{"exit_code", "generated", "output"}. routes: [method, path] to fuzz; ids: parameter or field → numbers that exist;
spare: the same for deletion.

The document describes bodies without the envelope that the same document prescribes, and a few fields that the
service cannot fill as described; `adapt` says which.
"""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

from openapi import read

CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance"
ERROR = {
    "type": "object",
    "required": ["error", "meta"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {"type": "array", "nullable": True, "items": {"type": "object"}},
            },
        },
        "meta": {"$ref": "#/components/schemas/EnvelopeMeta"},
    },
}
META = {"type": "object", "required": ["request_id"], "properties": {"request_id": {"type": "string"}}}
DRY_RUN = {
    "type": "object",
    "required": ["dry_run", "action"],
    "properties": {"dry_run": {"type": "boolean"}, "action": {"type": "string"}},
}
V1_ERROR = {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
# 409 is what the document leaves open: deleting what is in use, and states that forbid a change.
ERROR_STATUSES = ("400", "401", "403", "404", "405", "409", "413", "415")


def resolve(document, schema):
    return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def envelope(document, schema):
    """What is really sent where the document shows the bare body."""
    body = resolve(document, schema)
    data = schema
    if set(body.get("properties", {})) == {"next", "previous", "results"}:
        data = body["properties"]["results"]
    return {
        "type": "object",
        "required": ["data", "meta"],
        "properties": {"data": {"anyOf": [DRY_RUN, data]}, "meta": {"$ref": "#/components/schemas/EnvelopeMeta"}},
    }


def adapt(document, given):
    """The document cut down to the routes, with what is really sent, and ids that exist."""
    wanted = {(method, path) for method, path in given["routes"]}
    document = copy.deepcopy(document)
    schemas = document["components"]["schemas"]
    schemas["EnvelopeMeta"] = META
    loosen(schemas)
    for path, methods in list(document["paths"].items()):
        for method in [one for one in methods if (one.upper(), path) not in wanted]:
            del methods[method]
        for method, operation in methods.items():
            adapt_operation(document, method, path, operation, given)
        if not methods:
            del document["paths"][path]
    for name, schema in schemas.items():
        if name.endswith("Request"):
            use_ids(schema, given["ids"])
    document.pop("security", None)
    return document


def adapt_operation(document, method, path, operation, given):
    operation.pop("security", None)
    is_v2 = path.startswith("/v2/")
    for status, response in operation["responses"].items():
        response.pop("examples", None)
        for kind in response.get("content", {}).values():
            kind.pop("examples", None)
            if status.startswith("2") and is_v2:
                kind["schema"] = envelope(document, kind["schema"])
    # What is documented without content has some all the same: a verdict, an acknowledgement, a stream of events.
    for status in [one for one in operation["responses"] if one.startswith("2") and one != "204"]:
        response = operation["responses"][status]
        if not response.get("content"):
            kind = "text/event-stream" if path.endswith("/tail_console_logs/") else "application/json"
            response["content"] = {kind: {"schema": {}}}
    if "204" in operation["responses"]:  # a dry run of a deletion has a body
        dry = {"type": "object", "properties": {"data": DRY_RUN, "meta": META}}
        operation["responses"].setdefault("200", {"description": "", "content": {"application/json": {"schema": dry}}})
    for status in ERROR_STATUSES:
        error = {"description": "", "content": {"application/json": {"schema": ERROR}}}
        operation["responses"][status] = error if is_v2 else V1_ERROR
    body = operation.get("requestBody", {}).get("content", {})
    for kind in [one for one in body if one != "application/json" and "application/json" in body]:
        del body[kind]  # forms, which the policy of the service advises against
    for kind in body.values():
        kind.pop("examples", None)
    numbers = given["spare"] if method == "delete" else given["ids"]
    for parameter in operation.get("parameters", ()):
        use_parameter(path, parameter, numbers)


def use_parameter(path, parameter, numbers):
    name = parameter["name"]
    if parameter["in"] == "path":
        before = path.split("{" + name + "}")[0].strip("/").rsplit("/", 1)[-1]
        name = f"{before}.id"
    if name in numbers:
        parameter["schema"] = {"enum": numbers[name]}


def use_ids(schema, ids):
    for name, one in schema.get("properties", {}).items():
        if name in ids and one.get("type") == "integer":
            one.clear()
            one["enum"] = ids[name]
        elif name in ids and one.get("type") == "array" and one["items"].get("type") == "integer":
            one["items"] = {"enum": ids[name]}


def loosen(schemas):
    """Fields whose description no service can meet: it contradicts another part of the same document."""
    for name, schema in schemas.items():
        for field, one in list(schema.get("properties", {}).items()):
            if field == "caution" and name.endswith("Detail"):
                schema["properties"][field] = {"type": "string"}  # requests may set the empty text
            if field == "data" and name.endswith(("BulkFetch", "BulkData", "Detail")):
                schema["properties"][field] = {}  # a payload is any JSON; declared as string or object
            if field == "files_manifest":
                schema["properties"][field] = {"type": "object", "nullable": True}  # null by its own description
            if field in ("queue", "error") and "$ref" in json.dumps(one):
                schema["properties"][field] = {
                    "anyOf": [one, {"type": "object", "nullable": True}]
                }  # no queue, no error
            if field == "multipart" and name == "PresignedUploadFileResponse":
                schema["properties"][field] = {"type": "object", "nullable": True}  # absent for a single part


def main():
    given = json.load(sys.stdin)
    path = Path(given["folder"]) / "openapi.json"
    path.write_text(json.dumps(adapt(read(), given)))
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", str(path), "--url", given["url"], "--checks", CHECKS,
        "-H", f"SYNAPSE-ACCESS-TOKEN: {given['token']}", "--max-examples", str(given["examples"]),
        "--seed", str(given["seed"]), "--phases", given["phases"], "--no-color", "--generation-database", "none",
        "--continue-on-failure", "--request-timeout", "30", "--suppress-health-check", "all",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=given["folder"])
    found = re.search(r"([0-9,]+) generated", done.stdout)
    generated = int(found[1].replace(",", "")) if found else 0
    print(json.dumps({"exit_code": done.returncode, "generated": generated, "output": done.stdout + done.stderr}))


if __name__ == "__main__":
    main()
