"""Run by the official client's interpreter: upload units, or read all units of a collection back. JSON in, JSON out."""

import hashlib
import json
import sys
from pathlib import Path

from synapse_sdk.clients.backend import BackendClient


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


given = json.load(sys.stdin)
client = BackendClient(base_url=given["url"], access_token=given["token"])
print(json.dumps({"upload": upload, "read": read}[given["do"]](client, given)))
