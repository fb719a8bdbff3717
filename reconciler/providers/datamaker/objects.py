"""Everything that is one object: find, read, create, update, delete. The mapping of each kind is in its own module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.diff.desired import declared_paths
from reconciler.errors import BackendError, Conflict, NotFound, Transient
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON, digest
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Desired
from reconciler.providers.datamaker.envelope import V2_PAGE, Row, all_rows, id_of, object_in
from reconciler.providers.datamaker.parts import Part, Rows, is_wanted, part_of, with_part, without_parts
from reconciler.providers.http import HttpClient, Params
from reconciler.providers.patching import patched

# Wire fields that hold the marker of some kind.
_MARKED = ("meta", "configuration", "description")


class ToWire(Protocol):
    """Mapping of fields to the service's JSON."""

    def __call__(
        self, fields: Mapping[str, JSON], address: Address, observed: Mapping[str, JSON] | None = None
    ) -> dict[str, JSON]: ...


@dataclass(frozen=True, slots=True)
class RestKind:
    """How one kind is spoken of that has an address for every object.

    name: wire field of the natural name, declared as `title`. rows: id → path and parameters that list what it holds,
    None when it holds nothing. parts: fields with calls of their own. fixed: what the service cannot change.
    remarks: what a plan points out.
    """

    path: str
    name: str
    from_wire: Callable[[Mapping[str, JSON]], Found]
    to_wire: ToWire
    keyed: Mapping[str, str] = field(default_factory=dict)
    rows: Callable[[str], tuple[str, Params]] | None = None
    parts: tuple[Part, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    remarks: tuple[Remark, ...] = ()


def read(client: HttpClient, kind: RestKind, remote_id: str, *, wanted: frozenset[str] | None = None) -> Found | Absent:
    """`GET /v2/.../{id}/`, and the calls of the parts that are wanted."""
    try:
        detail = _detail(client, kind, remote_id)
    except NotFound:
        return Absent()
    return _whole(client, kind, kind.from_wire(detail), wanted)


def _whole(client: HttpClient, kind: RestKind, found: Found, wanted: frozenset[str] | None) -> Found:
    """The object with its parts; the etag covers them.

    A service that lacks a part which nobody asked for is one without it. A part that was asked for and cannot be read
    is an error, and never absence.
    """
    for part in kind.parts:
        if is_wanted(part, wanted):
            try:
                found = _with(found, part, part.read(client, found.remote_id))
            except NotFound as error:
                if wanted is not None:
                    name = ".".join(part.field)
                    raise BackendError(f"{name} cannot be read: {error.message}") from error
    return found


def find(client: HttpClient, kind: RestKind, desired: Desired) -> tuple[Found, ...]:
    """Objects of the desired name. Those with our marker, if there are any; else all of them.

    The service has no filter by name and its listings omit the marker, so this costs a page per 200 objects and one
    request per object of that name. Archived objects are passed over.
    """
    title = desired.fields.get("title")
    rows = (row for row in all_rows(client, kind.path, {"per_page": V2_PAGE}) if row.get(kind.name) == title)
    ids = [id_of(row, f"GET {kind.path}") for row in rows if not row.get("is_archived")]
    named = [read(client, kind, remote_id, wanted=declared_paths(desired.fields)) for remote_id in ids]
    found = tuple(item for item in named if isinstance(item, Found))
    ours = tuple(item for item in found if item.owner == str(desired.address))
    return ours or found


def create(client: HttpClient, kind: RestKind, desired: Desired) -> Found:
    """`POST /v2/.../`, unless an object with our marker is there.

    The service has no idempotency key, so what the POST did is settled by looking for the marker: an answer that was
    lost, or a request that the network delivered twice. When nothing is there, the error stands, since the service may
    still be at it.
    """
    there = _one_marked(client, kind, desired)
    if there:
        return _completed(client, kind, desired, there)
    body = kind.to_wire(without_parts(desired.fields, kind.parts), desired.address)
    failure: BackendError | None = None
    try:
        object_in(client.call("POST", kind.path, body=body), f"POST {kind.path}")
    except Transient as error:
        failure = error
    made = _one_marked(client, kind, desired)
    if not made:
        raise failure or Transient("what was created cannot be found", operation=f"POST {kind.path}")
    return _completed(client, kind, desired, made)


def _completed(client: HttpClient, kind: RestKind, desired: Desired, made: Found) -> Found:
    """Add what the parts of a new object lack; an attempt that was cut may have made some of it."""
    for part in kind.parts:
        rows, there = part_of(desired.fields, part), part_of(made.fields, part) or {}
        if rows is not None and rows.keys() - there.keys():
            part.write(client, made.remote_id, there, rows | there)
            made = _with(made, part, part.read(client, made.remote_id))
    return made


def _with(found: Found, part: Part, rows: Rows) -> Found:
    fields = with_part(found.fields, part, rows)
    return replace(found, fields=fields, etag=digest([fields, found.owner]))


def update(
    client: HttpClient, kind: RestKind, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]
) -> Found:
    """`PATCH /v2/.../{id}/` with the wire fields that these changes touch, read, modified and written.

    An object that is being adopted loses its doubles, see `_one_marked`.

    Raises Conflict when the object is not as it was observed; the service has no conditional writes, so a small window
    remains between the reading and the writing here.
    """
    if desired.adopt:
        _one_marked(client, kind, desired)
    there = _detail(client, kind, observed.remote_id)
    seen = declared_paths(observed.fields)
    current = _whole(client, kind, kind.from_wire(there), seen)
    if observed.etag is not None and current.etag != observed.etag:
        operation = f"PATCH {kind.path}{observed.remote_id}/"
        raise Conflict("it changed since it was read", operation=operation, fix="plan again")
    fields = patched(current.fields, changes, kind.keyed, desired.fields)
    body = _touched(kind, desired.address, there, current.fields, fields)
    if not body and not _moved(kind, current.fields, fields):
        return current
    if body:
        client.call("PATCH", f"{kind.path}{observed.remote_id}/", body=body, repeatable=True)
    _write_parts(client, kind, observed.remote_id, current.fields, fields)
    return _whole(client, kind, kind.from_wire(_detail(client, kind, observed.remote_id)), seen)


def _touched(
    kind: RestKind, address: Address, there: Row, current: Mapping[str, JSON], fields: Mapping[str, JSON]
) -> dict[str, JSON]:
    """The wire fields that differ between what is `current` and `fields`, parts aside."""
    before = kind.to_wire(without_parts(current, kind.parts), address, there)
    after = kind.to_wire(without_parts(fields, kind.parts), address, there)
    return {key: value for key, value in after.items() if value != _wire_value(there, before, key)}


def rehearse(
    client: HttpClient, kind: RestKind, desired: Desired, remote_id: str | None, changes: tuple[FieldChange, ...]
) -> None:
    """Write with `?dry_run=true`: the service checks and writes nothing.

    Parts are rehearsed of an object that is there; a new one has no id yet by which its parts could be addressed.
    """
    trying = client.writing_with({"dry_run": "true"})
    if remote_id is None:
        body = kind.to_wire(without_parts(desired.fields, kind.parts), desired.address)
        trying.call("POST", kind.path, body=body, repeatable=True)
        return
    there = _detail(client, kind, remote_id)
    wanted = declared_paths(desired.fields) | {".".join(c.path[:n]) for c in changes for n in (1, 2)}
    current = _whole(client, kind, kind.from_wire(there), wanted).fields
    fields = patched(current, changes, kind.keyed, desired.fields)
    body = _touched(kind, desired.address, there, current, fields)
    if body:
        trying.call("PATCH", f"{kind.path}{remote_id}/", body=body, repeatable=True)
    _write_parts(trying, kind, remote_id, current, fields)


def _write_parts(
    client: HttpClient, kind: RestKind, remote_id: str, before: Mapping[str, JSON], after: Mapping[str, JSON]
) -> None:
    for part in _moved(kind, before, after):
        part.write(client, remote_id, part_of(before, part) or {}, part_of(after, part) or {})


def _moved(kind: RestKind, before: Mapping[str, JSON], after: Mapping[str, JSON]) -> list[Part]:
    return [part for part in kind.parts if part_of(before, part) != part_of(after, part)]


def delete(client: HttpClient, kind: RestKind, remote_id: str) -> None:
    """`DELETE /v2/.../{id}/`; an object that is gone counts as deleted."""
    try:
        client.call("DELETE", f"{kind.path}{remote_id}/")
    except NotFound:
        return


def discover(client: HttpClient, kind: RestKind) -> Iterator[Found]:
    """All objects of the kind with their details."""
    for row in all_rows(client, kind.path, {"per_page": V2_PAGE}):
        found = read(client, kind, id_of(row, f"GET {kind.path}"))
        if isinstance(found, Found):
            yield found


def _one_marked(client: HttpClient, kind: RestKind, desired: Desired) -> Found | None:
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


def _is_empty(client: HttpClient, kind: RestKind, remote_id: str) -> bool:
    if kind.rows is None:
        return True
    path, params = kind.rows(remote_id)
    return next(all_rows(client, path, {**params, "per_page": 1}), None) is None


def _detail(client: HttpClient, kind: RestKind, remote_id: str) -> Row:
    path = f"{kind.path}{remote_id}/"
    row = object_in(client.get(path), f"GET {path}")
    id_of(row, f"GET {path}")
    return row


def _wire_value(there: Mapping[str, JSON], before: Mapping[str, JSON], key: str) -> JSON:
    """What the service holds now, as far as it must be written.

    What gets the marker is compared with what is there; everything else with what the same mapping makes of the
    observed fields, so that a mere difference in spelling is never written.
    """
    return there.get(key) if key in _MARKED else before.get(key)
