"""Run by the official client's interpreter: upload units, or read all units of a collection back. JSON in, JSON out."""

import hashlib
import json
import sys
from pathlib import Path

from synapse_sdk.clients.backend import BackendClient
from synapse_sdk.clients.backend_v2 import BackendClientV2


def upload(client, given):
    """One unit per picture of a folder, in the collection given; the picture's stem in its metadata."""
    paths = sorted(Path(given["folder"]).glob("*.jpg"))
    done = client.upload_files_bulk(paths)
    checksums = {Path(one.file_key).name: one.checksum for one in done.results if one.success}
    bodies = [
        {
            "data_collection": given["collection"],
            "files": {"image_1": {"checksum": checksums[path.name], "path": path.name}},
            "meta": {"name": path.stem},
        }
        for path in paths
    ]
    return len(client.create_data_units(bodies))


def read(client, given):
    """[metadata, specification → SHA-256 of the file as downloaded] of every unit."""
    rows, _ = client.list_data_units(params={"data_collection": given["collection"], "page_size": 100}, list_all=True)
    return [
        [
            row["meta"],
            {spec: hashlib.sha256(Path(f["path"]).read_bytes()).hexdigest() for spec, f in row["files"].items()},
        ]
        for row in rows
    ]


def access(client, given):
    """What the second client sees of groups, scripts, roles and groups of units; then it makes some of its own."""
    v2 = BackendClientV2(given["url"], access_token=given["token"], allow_insecure=True)
    collection = given["collection"]
    groups = {one.id: v2.groups.retrieve(one.id) for one in v2.groups.list(list_all=True)}
    scripts = [v2.validation_scripts.retrieve(one.id) for one in v2.validation_scripts.list(list_all=True)]
    units = v2.data_collections.groups(collection)
    seen = {
        "groups": [one.name for one in groups.values()],
        "scripts": [[one.name, one.code, one.timeout] for one in scripts],
        "units": sorted(one.name for one in units.list(list_all=True)),
        "roles": {
            groups[one["group"]].name: one["role"] for one in v2.data_collections.roles(collection)["group_roles"]
        },
    }
    theirs = v2.groups.create({"name": "Theirs", "description": "Made elsewhere"})
    v2.data_collections.invite(collection, {"group_roles": [{"group": theirs.id, "role": "viewer"}]})
    v2.validation_scripts.create({"name": "Their check", "code": "x = 1", "timeout": 3})
    units.create({"name": "their-units"})
    return seen


given = json.load(sys.stdin)
client = BackendClient(base_url=given["url"], access_token=given["token"])
print(json.dumps({"upload": upload, "read": read, "access": access}[given["do"]](client, given)))
