"""Settings of projects and folders, of which there is one, `upload`; where it sends uploads; and STS, which is not
here.

The setting that counts for an entity is its own, or the nearest ancestor's.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from reconciler.backend.database import Row, insert, one
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import NO_CONTENT, Call, P, empty, fresh_etag, reply, syn
from reconciler.backend.sage.errors import bad, missing, stale, taken
from reconciler.backend.sage.file_handles import DEFAULT_LOCATION
from reconciler.backend.sage.nodes import Node, ancestors, find_node, readable_node, require
from reconciler.backend.sage.routes import VIEW_AND_MODIFY, reads, writes
from reconciler.backend.sage.storage_locations import find_location, own_location
from reconciler.backend.wire import Response

UPLOAD: Final = "upload"
_LOCATIONS_LIMIT: Final = 10
_TYPE: Final = f"{P}.project.UploadDestinationListSetting"
_UNSET_TYPES: Final = frozenset({"external_sync", "requester_pays"})  # known to clients, never set

# Type of a location → type of the destination, and what of the location is told to whoever uploads.
_DESTINATIONS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "S3StorageLocationSetting": ("S3UploadDestination", ("baseKey", "stsEnabled")),
    "ExternalS3StorageLocationSetting": (
        "ExternalS3UploadDestination",
        ("bucket", "baseKey", "endpointUrl", "stsEnabled"),
    ),
    "ExternalGoogleCloudStorageLocationSetting": ("ExternalGoogleCloudUploadDestination", ("bucket", "baseKey")),
    "ExternalObjectStorageLocationSetting": ("ExternalObjectStoreUploadDestination", ("endpointUrl", "bucket")),
    "ExternalStorageLocationSetting": ("ExternalUploadDestination", ("url",)),
    "ProxyStorageLocationSettings": ("ExternalUploadDestination", ()),
}


def find_setting(call: Call, entity: int) -> Row | None:
    """The upload setting that counts for an entity, None when there is none."""
    for ancestor in ancestors(call.db, entity):
        row = one(
            call.db, "SELECT * FROM sage_project_settings WHERE entity_id = ? AND type = ?", (ancestor["id"], UPLOAD)
        )
        if row is not None:
            return row
    return None


def _wire(row: Row) -> dict[str, Any]:
    return {
        "concreteType": _TYPE,
        "id": str(row["id"]),
        "projectId": syn(row["entity_id"]),
        "settingsType": row["type"],
        "etag": row["etag"],
        "locations": json.loads(row["locations"]),
    }


def _read(call: Call, body: Body, access: str) -> tuple[Node, list[int]]:
    """The entity and the locations of a setting in a body. access: what the caller needs on the entity."""
    node = find_node(call.db, body.needed_entity("projectId"))
    require(call, node, access)
    if node["type"] not in ("project", "folder"):
        raise bad("Only projects and folders have settings.")
    if (body.text("settingsType") or UPLOAD) != UPLOAD or (body.text("concreteType") or _TYPE) != _TYPE:
        raise bad(f"The only settings there are have the settingsType {UPLOAD} and the concreteType {_TYPE}.")
    numbered = [Body({"location": one}, "locations") for one in body.items("locations", most=_LOCATIONS_LIMIT)]
    locations = [one.needed_integer("location") for one in numbered]
    if not locations:
        raise bad("locations must include at least one storage location.")
    for location in locations:
        own_location(call, location)
    return node, locations


def create_setting(call: Call) -> Response:
    """`POST /projectSettings`: one for each entity."""
    node, locations = _read(call, call.body, "CREATE")
    if one(call.db, "SELECT 1 FROM sage_project_settings WHERE entity_id = ? AND type = ?", (node["id"], UPLOAD)):
        raise taken(f"{syn(node['id'])} has a setting of the type {UPLOAD} already.")
    values = {"entity_id": node["id"], "type": UPLOAD, "etag": fresh_etag(), "locations": json.dumps(locations)}
    return reply(_wire(_setting(call, insert(call.db, "sage_project_settings", values))), 201)


def _setting(call: Call, number: int) -> Row:
    row = one(call.db, "SELECT * FROM sage_project_settings WHERE id = ?", (number,))
    if row is None:
        raise missing(f"The project setting {number} does not exist.")
    return row


def get_setting(call: Call) -> Response:
    """`GET /projectSettings/{id}`."""
    row = _setting(call, call.id())
    require(call, find_node(call.db, row["entity_id"]), "READ")
    return reply(_wire(row))


def setting_of_entity(call: Call) -> Response:
    """`GET /projectSettings/{id}/type/{type}`: the one that counts for an entity; nothing when there is none."""
    kind = call.request.params["type"]
    if kind != UPLOAD and kind not in _UNSET_TYPES:
        raise bad(f"Unknown type of project settings: {kind[:100]}")
    node = readable_node(call)
    row = find_setting(call, node["id"]) if kind == UPLOAD else None
    return empty() if row is None else reply(_wire(row))


def update_setting(call: Call) -> Response:
    """`PUT /projectSettings`: other locations."""
    body = call.body
    row = _setting(call, body.needed_integer("id"))
    node, locations = _read(call, body, "UPDATE")
    if node["id"] != row["entity_id"]:
        raise bad("The projectId of a setting cannot change.")
    if body.text("etag") != row["etag"]:
        raise stale(str(row["id"]))
    call.db.execute(
        "UPDATE sage_project_settings SET locations = ?, etag = ? WHERE id = ?",
        (json.dumps(locations), fresh_etag(), row["id"]),
    )
    return empty()


def delete_setting(call: Call) -> Response:
    """`DELETE /projectSettings/{id}`."""
    row = _setting(call, call.id())
    require(call, find_node(call.db, row["entity_id"]), "DELETE")
    call.db.execute("DELETE FROM sage_project_settings WHERE id = ?", (row["id"],))
    return NO_CONTENT


def _destination(location: Mapping[str, Any]) -> dict[str, Any]:
    kind, shown = _DESTINATIONS[location["concreteType"].rpartition(".")[2]]
    destination: dict[str, Any] = {
        "concreteType": f"{P}.file.{kind}",
        "storageLocationId": location["storageLocationId"],
        "uploadType": location["uploadType"],
        "banner": location.get("banner"),
        **{key: location.get(key) for key in shown},
    }
    if kind == "ExternalObjectStoreUploadDestination":
        destination["keyPrefixUUID"] = str(uuid.uuid4())
    if location["uploadType"] == "PROXYLOCAL":
        destination["url"] = location["proxyUrl"]
    return destination


def _locations(call: Call) -> list[Mapping[str, Any]]:
    setting = find_setting(call, readable_node(call)["id"])
    numbers = [DEFAULT_LOCATION] if setting is None else json.loads(setting["locations"])
    return [find_location(call, number) for number in numbers]


def upload_destination(call: Call) -> Response:
    """`GET /entity/{id}/uploadDestination`: the first of the locations that count."""
    return reply(_destination(_locations(call)[0]))


def chosen_destination(call: Call) -> Response:
    """`GET /entity/{id}/uploadDestination/{location}`."""
    readable_node(call)
    return reply(_destination(find_location(call, call.id("location"))))


def upload_destinations(call: Call) -> Response:
    """`GET /entity/{id}/uploadDestinations`: all of the locations that count."""
    return reply({"list": [_destination(one) for one in _locations(call)]})


def destination_locations(call: Call) -> Response:
    """`GET /entity/{id}/uploadDestinationLocations`: the same in short."""
    shown = ("storageLocationId", "uploadType", "banner", "description")
    return reply({"list": [{key: one.get(key) for key in shown} for one in _locations(call)]})


def sts_credentials(call: Call) -> Response:
    """`GET /entity/{id}/sts`: refused, as by a server for a place without STS; there is no bucket to give access to."""
    node = readable_node(call)
    if call.query.text("permission") not in ("read_only", "read_write"):
        raise bad("permission must be read_only or read_write.")
    setting = find_setting(call, node["id"])
    if setting is None or not find_location(call, json.loads(setting["locations"])[0]).get("stsEnabled"):
        raise bad("Entity must have an STS-enabled storage location.")
    raise bad("This server hands out no credentials for buckets: upload and download through its own URLs.")


ROUTES: Final = (
    writes("POST", "/projectSettings", create_setting),
    writes("PUT", "/projectSettings", update_setting),
    reads("GET", "/projectSettings/{id}", get_setting),
    writes("DELETE", "/projectSettings/{id}", delete_setting),
    reads("GET", "/projectSettings/{id}/type/{type}", setting_of_entity),
    reads("GET", "/entity/{id}/uploadDestination", upload_destination),
    reads("GET", "/entity/{id}/uploadDestination/{location}", chosen_destination),
    reads("GET", "/entity/{id}/uploadDestinations", upload_destinations),
    reads("GET", "/entity/{id}/uploadDestinationLocations", destination_locations),
    reads("GET", "/entity/{id}/sts", sts_credentials, scopes=VIEW_AND_MODIFY | {"download"}),
)
