"""Bindings of JSON schemas on the wire: what the annotations of an entity, and of all below it, must satisfy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.diff.desired import KNOWN_AFTER_APPLY
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON, digest
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.walking import everything
from reconciler.providers.sage.wire import Row, object_in

KIND = "SchemaBinding"
FIXED: tuple[Fixed, ...] = ()
REMARKS = (
    Remark(("schema",), "the service checks everything below anew; results come after a while", only_changed=True),
)
REPLACES = frozenset({"of"})
NATURAL = False


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """The entity's own binding; one that it has from above is none."""
    if not remote_id.startswith("syn"):
        raise Invalid(f"{remote_id!r} is no id of an entity", fix="write the id of what the schema is bound to")
    try:
        found = _bound(calls, remote_id)
    except NotFound:
        return Absent()
    return found or Absent()


def _bound(calls: Calls, entity_id: str) -> Found | None:
    path = f"/entity/{entity_id}/schema/binding"
    return _found(entity_id, object_in(calls.repo.get(path), f"GET {path}"))


def _found(entity_id: str, row: Row) -> Found | None:
    if str(row.get("objectId")).removeprefix("syn") != entity_id.removeprefix("syn"):
        return None
    version = row.get("jsonSchemaVersionInfo") or {}
    fields: dict[str, JSON] = {
        "of": entity_id,
        "schema": version.get("$id"),
        "derivedAnnotations": bool(row.get("enableDerivedAnnotations")),
    }
    return Found(entity_id, fields, etag=digest(fields))


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """What is bound to the entity itself."""
    target = str(desired.fields["of"])
    found = Absent() if target == KNOWN_AFTER_APPLY else read(calls, desired.address, target)
    return (found,) if isinstance(found, Found) else ()


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Fields are told as they are declared."""
    return Settled(desired.fields)


def create(calls: Calls, desired: Desired) -> Found:
    """`PUT /entity/{id}/schema/binding`. Raises Conflict when something is bound already."""
    if find(calls, desired):
        raise Conflict(f"a schema is bound to {desired.fields['of']} already", fix="set lifecycle.onExists: adopt")
    return _bind(calls, desired.fields)


def _bind(calls: Calls, fields: Mapping[str, JSON]) -> Found:
    entity_id = str(fields["of"])
    path = f"/entity/{entity_id}/schema/binding"
    body = {
        "entityId": entity_id,
        "schema$id": fields["schema"],
        "enableDerivedAnnotations": bool(fields.get("derivedAnnotations", False)),
    }
    found = _found(entity_id, object_in(calls.repo.call("PUT", path, body=body), f"PUT {path}"))
    if found is None:
        raise Conflict("the answer is about another entity", operation=f"PUT {path}")
    return found


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:  # noqa: ARG001
    """Bind another schema. The service has no etag here; a change since the reading is looked for."""
    there = read(calls, desired.address, observed.remote_id)
    if not isinstance(there, Found) or there.etag != observed.etag:
        raise Conflict(f"{desired.address} changed since it was read", fix="plan again")
    return _bind(calls, {**observed.fields, **desired.fields})


def delete(calls: Calls, address: Address, remote_id: str) -> None:
    """`DELETE /entity/{id}/schema/binding`; the schema itself stays."""
    if isinstance(read(calls, address, remote_id), Found):
        calls.repo.call("DELETE", f"/entity/{remote_id}/schema/binding")


def discover(calls: Calls) -> Iterator[Found]:
    """Own bindings of projects and folders."""
    for row in everything(calls.repo, ()):
        found = read(calls, Address(KIND, "any"), str(row["id"]))
        if isinstance(found, Found):
            yield found


def dependents(calls: Calls, remote_id: str) -> Dependents:  # noqa: ARG001
    """Nothing hangs on a binding; what was derived from the schema goes."""
    return Dependents()
