"""Collections and projects as objects: find, read, create, update, delete. The mapping is in their own modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from reconciler.errors import BackendError, Conflict, NotFound, Transient
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.providers.base import Desired
from reconciler.providers.datamaker import collections, projects
from reconciler.providers.datamaker.envelope import V2_PAGE, Row, all_rows, id_of, object_in
from reconciler.providers.http import HttpClient
from reconciler.providers.patching import patched


class ToWire(Protocol):
    """Mapping of fields to the service's JSON."""

    def __call__(
        self, fields: Mapping[str, JSON], address: Address, observed: Mapping[str, JSON] | None = None
    ) -> dict[str, JSON]: ...


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """How one kind is spoken of.

    name: wire field of the natural name, declared as `title`. rows: path and parameter that list what it holds.
    """

    path: str
    name: str
    from_wire: Callable[[Mapping[str, JSON]], Found]
    to_wire: ToWire
    keyed: Mapping[str, str]
    rows: tuple[str, str]


KINDS: Mapping[str, ObjectKind] = {
    module.KIND: ObjectKind(module.PATH, module.NAME, module.from_wire, module.to_wire, module.KEYED, module.ROWS)
    for module in (collections, projects)
}


def read(client: HttpClient, kind: ObjectKind, remote_id: str) -> Found | Absent:
    """`GET /v2/.../{id}/`."""
    try:
        return kind.from_wire(_detail(client, kind, remote_id))
    except NotFound:
        return Absent()


def find(client: HttpClient, kind: ObjectKind, desired: Desired) -> tuple[Found, ...]:
    """Objects of the desired name. Those with our marker, if there are any; else all of them.

    The service has no filter by name and its listings omit the marker, so this costs a page per 200 objects and one
    request per object of that name. Archived objects are passed over.
    """
    title = desired.fields.get("title")
    rows = (row for row in all_rows(client, kind.path, {"per_page": V2_PAGE}) if row.get(kind.name) == title)
    named = [read(client, kind, id_of(row, f"GET {kind.path}")) for row in rows if not row.get("is_archived")]
    found = tuple(item for item in named if isinstance(item, Found))
    ours = tuple(item for item in found if item.owner == str(desired.address))
    return ours or found


def create(client: HttpClient, kind: ObjectKind, desired: Desired) -> Found:
    """`POST /v2/.../`, unless an object with our marker is there.

    The service has no idempotency key, so what the POST did is settled by looking for the marker: an answer that was
    lost, or a request that the network delivered twice. When nothing is there, the error stands, since the service may
    still be at it.
    """
    there = _one_marked(client, kind, desired)
    if there:
        return there
    body = kind.to_wire(desired.fields, desired.address)
    failure: BackendError | None = None
    try:
        object_in(client.call("POST", kind.path, body=body), f"POST {kind.path}")
    except Transient as error:
        failure = error
    made = _one_marked(client, kind, desired)
    if not made:
        raise failure or Transient("what was created cannot be found", operation=f"POST {kind.path}")
    return made


def update(
    client: HttpClient, kind: ObjectKind, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]
) -> Found:
    """`PATCH /v2/.../{id}/` with the wire fields that these changes touch, read, modified and written.

    Raises Conflict when the object is not as it was observed; the service has no conditional writes, so a small window
    remains between the reading and the writing here.
    """
    there = _detail(client, kind, observed.remote_id)
    current = kind.from_wire(there)
    if observed.etag is not None and current.etag != observed.etag:
        operation = f"PATCH {kind.path}{observed.remote_id}/"
        raise Conflict("it changed since it was read", operation=operation, fix="plan again")
    before = kind.to_wire(current.fields, desired.address, there)
    after = kind.to_wire(patched(current.fields, changes, kind.keyed, desired.fields), desired.address, there)
    body = {key: value for key, value in after.items() if value != _wire_value(there, before, key)}
    if not body:
        return current
    client.call("PATCH", f"{kind.path}{observed.remote_id}/", body=body, repeatable=True)
    return kind.from_wire(_detail(client, kind, observed.remote_id))


def delete(client: HttpClient, kind: ObjectKind, remote_id: str) -> None:
    """`DELETE /v2/.../{id}/`; an object that is gone counts as deleted."""
    try:
        client.call("DELETE", f"{kind.path}{remote_id}/")
    except NotFound:
        return


def discover(client: HttpClient, kind: ObjectKind) -> Iterator[Found]:
    """All objects of the kind with their details."""
    for row in all_rows(client, kind.path, {"per_page": V2_PAGE}):
        found = read(client, kind, id_of(row, f"GET {kind.path}"))
        if isinstance(found, Found):
            yield found


def _one_marked(client: HttpClient, kind: ObjectKind, desired: Desired) -> Found | None:
    """The oldest object with our marker. Its doubles, equal in every field and still empty, are deleted: they come
    from a request that was delivered twice."""
    ours = [item for item in find(client, kind, desired) if item.owner == str(desired.address)]
    if not ours:
        return None
    first, *others = sorted(ours, key=lambda item: (len(item.remote_id), item.remote_id))
    for other in others:
        if other.etag == first.etag and _is_empty(client, kind, other.remote_id):
            delete(client, kind, other.remote_id)
    return first


def _is_empty(client: HttpClient, kind: ObjectKind, remote_id: str) -> bool:
    path, parameter = kind.rows
    return next(all_rows(client, path, {parameter: remote_id, "per_page": 1}), None) is None


def _detail(client: HttpClient, kind: ObjectKind, remote_id: str) -> Row:
    path = f"{kind.path}{remote_id}/"
    row = object_in(client.get(path), f"GET {path}")
    id_of(row, f"GET {path}")
    return row


def _wire_value(there: Mapping[str, JSON], before: Mapping[str, JSON], key: str) -> JSON:
    """What the service holds now, as far as it must be written.

    Free JSON is compared with what is there, for it gets the marker; everything else with what the same mapping makes
    of the observed fields, so that a mere difference in spelling is never written.
    """
    return there.get(key) if key in ("meta", "configuration") else before.get(key)
