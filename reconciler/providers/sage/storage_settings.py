"""Storage locations on the wire, with the setting that sends uploads of a project or folder there.

A location never changes: the same content of the same creator is the same location. So what is declared is the content,
and the object is the setting, which is known by its entity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.diff.desired import KNOWN_AFTER_APPLY
from reconciler.errors import Conflict, Denied, Invalid, NotFound
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.http import Reply
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.walking import everything
from reconciler.providers.sage.wire import PREFIX, Row, object_in, text_in

KIND = "StorageLocation"
FIXED: tuple[Fixed, ...] = ()
REMARKS = (Remark(("locations",), "it holds for new uploads only; files that are there stay there", only_changed=True),)
REPLACES = frozenset({"of"})
NATURAL = False
_SETTING = PREFIX + "project.UploadDestinationListSetting"
_PROXY = "proxy"

# Type in documents → wire type and how files get there.
_TYPES = {
    "s3": ("S3StorageLocationSetting", "S3"),
    "externalS3": ("ExternalS3StorageLocationSetting", "S3"),
    "externalGoogleCloud": ("ExternalGoogleCloudStorageLocationSetting", "GOOGLECLOUDSTORAGE"),
    "externalObject": ("ExternalObjectStorageLocationSetting", "S3"),
    "sftp": ("ExternalStorageLocationSetting", "SFTP"),
    _PROXY: ("ProxyStorageLocationSettings", "PROXYLOCAL"),
}
_MEMBERS = (
    "bucket", "baseKey", "endpointUrl", "stsEnabled", "url", "supportsSubfolders", "proxyUrl", "benefactorId",
    "banner", "description",
)  # fmt: skip
_DEFAULT_ID = "1"


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """The entity's own setting with its locations; one that it has from above is none."""
    if not remote_id.startswith("syn"):
        raise Invalid(f"{remote_id!r} is no id of a project or folder", fix="write the id of what the setting is of")
    try:
        setting = _setting(calls, remote_id)
    except NotFound:
        return Absent()
    if setting is None:
        return Absent()
    locations = [_location(calls, str(number)) for number in setting.get("locations") or []]
    return Found(remote_id, {"of": remote_id, "locations": locations}, etag=str(setting.get("etag")))


def _setting(calls: Calls, entity_id: str) -> Row | None:
    """`GET /projectSettings/{id}/type/upload`: an empty answer when there is none, or the one that counts."""
    path = f"/projectSettings/{entity_id}/type/upload"
    reply: Reply = calls.repo.get(path)
    if not reply.value:
        return None
    setting = object_in(reply, f"GET {path}")
    return setting if setting.get("projectId") == entity_id else None


def _location(calls: Calls, number: str) -> dict[str, JSON]:
    """A location as documents have it. One that others made is told by its id alone."""
    if number == _DEFAULT_ID:
        return {"id": number}
    path = f"/storageLocation/{number}"
    try:
        return _told(object_in(calls.repo.get(path), f"GET {path}"))
    except (Denied, NotFound):
        return {"id": number}


def _told(row: Row) -> dict[str, JSON]:
    short = str(row.get("concreteType")).rpartition(".")[2]
    kind = next((name for name, (wire, _) in _TYPES.items() if wire == short), None)
    if kind is None:
        return {"id": str(row["storageLocationId"])}
    return {"type": kind, **_plain({name: row.get(name) for name in _MEMBERS})}


def _plain(item: Mapping[str, JSON]) -> dict[str, JSON]:
    """Without what says nothing: no value, an empty text, false."""
    return {key: value for key, value in item.items() if value not in (None, "", False)}


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """The own setting of the entity."""
    target = str(desired.fields["of"])
    found = Absent() if target == KNOWN_AFTER_APPLY else read(calls, desired.address, target)
    return (found,) if isinstance(found, Found) else ()


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Locations by their content, also those that are named by id. Raises Invalid for a new proxy without key."""
    declared = desired.fields.get("locations") or ()
    locations = [_location(calls, str(item["id"])) if "id" in item else _plain(item) for item in declared]
    for index, item in enumerate(locations):
        if item.get("type") == _PROXY and not _secret(desired, index) and _known_id(calls, item) is None:
            fix = "add credentials: {secretKey: ...} with a value from the environment or a file"
            raise Invalid(f"locations[{index}] is a new proxy and has no secretKey", fix=fix)
    return Settled({**desired.fields, "locations": locations} if locations else desired.fields)


def _secret(desired: Desired, index: int) -> str:
    listed = desired.secrets.get("locations") or []
    return str(listed[index].get("secretKey") or "") if index < len(listed) else ""


def _known_id(calls: Calls, item: Mapping[str, JSON]) -> int | None:
    """The oldest of our locations that has this content."""
    answer = object_in(calls.repo.get("/storageLocation"), "GET /storageLocation")
    ids = [int(row["storageLocationId"]) for row in answer.get("list") or [] if _told(row) == item]
    return min(ids, default=None)


def create(calls: Calls, desired: Desired) -> Found:
    """`POST /storageLocation` for each, then `POST /projectSettings`. Raises Conflict when there is a setting."""
    body: Row = {
        "concreteType": _SETTING,
        "settingsType": "upload",
        "projectId": desired.fields["of"],
        "locations": _ids(calls, desired),
    }
    calls.repo.call("POST", "/projectSettings", body=body)
    return _there(calls, desired)


def _ids(calls: Calls, desired: Desired) -> list[int]:
    return [_id_of(calls, item, _secret(desired, n)) for n, item in enumerate(desired.fields["locations"])]


def _id_of(calls: Calls, item: Mapping[str, JSON], secret: str) -> int:
    """The id of a location, made when it is not there; making it twice is making it once."""
    if "id" in item:
        return int(item["id"])
    known = None if secret else _known_id(calls, item)
    if known is not None:
        return known
    wire, upload_type = _TYPES[str(item["type"])]
    body: Row = {"concreteType": f"{PREFIX}project.{wire}", "uploadType": upload_type}
    body |= {key: value for key, value in item.items() if key != "type"}
    body |= {"secretKey": secret} if secret else {}
    reply = calls.repo.call("POST", "/storageLocation", body=body, repeatable=True)
    return int(text_in(object_in(reply, "POST /storageLocation"), "storageLocationId", "POST /storageLocation"))


def _there(calls: Calls, desired: Desired) -> Found:
    found = read(calls, desired.address, str(desired.fields["of"]))
    if not isinstance(found, Found):
        raise Conflict(f"the setting of {desired.fields['of']} went away meanwhile", fix="plan again")
    return found


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:  # noqa: ARG001
    """`PUT /projectSettings` with the etag that it was read with."""
    setting = _setting(calls, observed.remote_id)
    if setting is None or setting.get("etag") != observed.etag:
        raise Conflict(f"{desired.address} changed since it was read", status=412, fix="plan again")
    calls.repo.call("PUT", "/projectSettings", body=setting | {"locations": _ids(calls, desired)})
    return _there(calls, desired)


def delete(calls: Calls, address: Address, remote_id: str) -> None:  # noqa: ARG001
    """`DELETE /projectSettings/{id}`; locations stay, for they cannot be deleted."""
    try:
        setting = _setting(calls, remote_id)
        if setting is not None:
            calls.repo.call("DELETE", f"/projectSettings/{setting['id']}")
    except NotFound:
        return


def discover(calls: Calls) -> Iterator[Found]:
    """Own settings of projects and folders."""
    for row in everything(calls.repo, ()):
        found = read(calls, Address(KIND, "any"), str(row["id"]))
        if isinstance(found, Found):
            yield found


def dependents(calls: Calls, remote_id: str) -> Dependents:  # noqa: ARG001
    """Where uploads go then."""
    return Dependents(notes=("new uploads go to the location of what lies above, or to the service's own",))
