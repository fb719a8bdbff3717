"""Collections on the wire: a project or a folder, with annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.errors import BackendError, Conflict, NotFound, Transient
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Bar, Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.patching import patched
from reconciler.providers.sage import entities, values
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.tree import ANY_TYPE, MARKER
from reconciler.providers.sage.wire import FOLDER, PROJECT, Row

KIND = "Collection"
BLOCK = "sage"
FIXED = (
    Fixed((BLOCK, "type"), Bar.CHANGE, "a project cannot become a folder, nor a folder a project; declare a new one"),
)
REMARKS: tuple[Remark, ...] = ()
REPLACES: frozenset[str] = frozenset()
NATURAL = False
_TYPES = {"project": PROJECT, "folder": FOLDER}


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """One bundle."""
    try:
        return from_bundle(entities.bundle(calls.repo, remote_id))
    except NotFound:
        return Absent()


def from_bundle(there: Row) -> Found:
    """Read a project or folder; its annotations stand under `meta` and in the block alike."""
    entity = entities.object_of(there)
    kind = next((name for name, wire in _TYPES.items() if wire == entity.get("concreteType")), None)
    if kind is None:
        raise NotFound(f"{entity.get('id')} is neither project nor folder")
    found = values.from_wire((there.get("annotations") or {}).get("annotations"))
    found.pop(MARKER, None)
    block: dict[str, JSON] = {"type": kind, "annotations": found}
    block |= {"alias": entity["alias"]} if entity.get("alias") else {}
    fields: dict[str, JSON] = {
        "title": entity.get("name"),
        "description": entity.get("description") or "",
        "meta": found,
        BLOCK: block,
    }
    fields |= {"parent": entity["parentId"]} if kind == "folder" else {}
    return Found(str(entity["id"]), fields, etag=str(entity.get("etag")))


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """The project of that name, or the folder of that name below its parent; none while the parent is to be made."""
    parent = desired.fields.get("parent")
    is_folder = _type(desired.fields) == "folder"
    if is_folder and not str(parent or "").startswith("syn"):
        return ()
    found = entities.child(calls.repo, str(parent) if is_folder else None, str(desired.fields.get("title")))
    if found is None:
        return ()
    try:
        return (from_bundle(entities.bundle(calls.repo, found)),)
    except NotFound:
        raise Conflict(
            f"{desired.fields.get('title')!r} is there and is no folder ({found})", fix="rename one"
        ) from None


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Fields are told as they are declared."""
    return Settled(desired.fields)


def create(calls: Calls, desired: Desired) -> Found:
    """`POST /entity/bundle2/create`. Raises Conflict when the name is taken.

    It is looked for first: what then turns out to be there came meanwhile, and may be what this very request made.
    """
    body: Row = {"concreteType": _TYPES[_type(desired.fields)], **_writable(desired.fields)}
    annotations = values.to_wire(_annotations(desired.fields))
    there = entities.child(calls.repo, body.get("parentId"), body["name"])
    if there is not None:
        fix = "set lifecycle.onExists: adopt to take it over"
        raise Conflict(f"{body['name']!r} is there already ({there})", fix=fix)
    try:
        return from_bundle(entities.create_bundle(calls.repo, body, annotations))
    except Conflict as taken:
        return _made_before(calls, body, annotations, taken)


def _made_before(calls: Calls, body: Row, annotations: Mapping[str, JSON], taken: Conflict) -> Found:
    """What has the name since a moment ago, when our request arrived twice: made by us, exactly as asked."""
    try:
        place = entities.child(calls.repo, body.get("parentId"), body["name"])
        there = entities.bundle(calls.repo, place) if place else {}
        entity = entities.object_of(there) if place else {}
        is_ours = str(entity.get("createdBy")) == calls.people.me()
    except NotFound:
        raise taken from None
    except BackendError as lost:
        unknown = f"it is not known whether {body['name']!r} was made: {lost.message}"
        raise Transient(unknown, status=lost.status) from lost
    held = (there.get("annotations") or {}).get("annotations") or {}
    if is_ours and held == annotations and all(entity.get(key) == value for key, value in body.items()):
        return from_bundle(there)
    raise taken


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
    """Write what changes: the entity, then its annotations, each with the etag of the answer before."""
    there = entities.bundle(calls.repo, observed.remote_id)
    entity = entities.object_of(there)
    if observed.etag is not None and entity.get("etag") != observed.etag:
        raise Conflict(f"{desired.address} changed since it was read", status=412, fix="plan again")
    after = patched(observed.fields, changes)
    wanted = {key: value for key, value in entity.items() if key not in ("alias", "description")} | _writable(after)
    written = entities.put_entity(calls.repo, wanted) if _differs(wanted, entity) else entity
    changed = {change.path for change in changes}
    if any(path[0] == "meta" or path[:2] == (BLOCK, "annotations") for path in changed):
        before = dict((there.get("annotations") or {}).get("annotations") or {})
        wire = _rewritten(before, changes)
        entities.put_annotations(calls.repo, observed.remote_id, str(written["etag"]), wire)
    return from_bundle(entities.bundle(calls.repo, observed.remote_id))


def _differs(wanted: Row, entity: Row) -> bool:
    names = ("name", "description", "parentId", "alias")
    return any((wanted.get(name) or None) != (entity.get(name) or None) for name in names)


def _rewritten(before: Row, changes: tuple[FieldChange, ...]) -> dict[str, JSON]:
    """The map of annotations after the changes; keys that are not among them stay exactly as they are."""
    result = {key: {"type": entry["type"], "value": entry["value"]} for key, entry in before.items()}
    for change in changes:
        depth = 1 if change.path[0] == "meta" else 2
        if change.path[0] != "meta" and change.path[:2] != (BLOCK, "annotations"):
            continue
        for key, value in _leaves(change, depth):
            result.pop(key, None)
            result |= values.to_wire({key: value} if value is not None else {})
    return result


def _leaves(change: FieldChange, depth: int) -> Iterator[tuple[str, JSON]]:
    after = None if not isinstance(change.after, (Mapping, list, str, int, float)) else change.after
    if len(change.path) > depth:
        yield change.path[depth], after
    elif isinstance(after, Mapping):
        yield from after.items()


def delete(calls: Calls, address: Address, remote_id: str) -> None:  # noqa: ARG001
    """To the trash, with all below it."""
    entities.delete(calls.repo, remote_id)


def discover(calls: Calls) -> Iterator[Found]:
    """All projects that can be read."""
    for page in entities.children(calls.repo, None, ("project",)):
        for row in page:
            yield from_bundle(entities.bundle(calls.repo, str(row["id"])))


def dependents(calls: Calls, remote_id: str) -> Dependents:
    """What lies directly below."""
    return Dependents(units=entities.child_count(calls.repo, remote_id, ANY_TYPE))


def _type(fields: Mapping[str, JSON]) -> str:
    return str((fields.get(BLOCK) or {}).get("type") or "project")


def _writable(fields: Mapping[str, JSON]) -> Row:
    result: Row = {"name": fields["title"]}
    if fields.get("description"):
        result["description"] = fields["description"]
    if fields.get("parent") is not None and _type(fields) == "folder":
        result["parentId"] = fields["parent"]
    alias = (fields.get(BLOCK) or {}).get("alias")
    return result | ({"alias": alias} if alias else {})


def _annotations(fields: Mapping[str, JSON]) -> dict[str, JSON]:
    return {**(fields.get("meta") or {}), **((fields.get(BLOCK) or {}).get("annotations") or {})}
