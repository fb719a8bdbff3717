"""What tables and views have in common as entities: a place, a description, annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.providers.base import Desired
from reconciler.providers.http import HttpClient
from reconciler.providers.patching import patched
from reconciler.providers.sage import entities, values, walking
from reconciler.providers.sage.limits import name_flaw
from reconciler.providers.sage.wire import Row

_FIELDS = ("title", "description", "parent")
_OWN = ("name", "description", "parentId")


def described(there: Row) -> dict[str, JSON]:
    """Title, description, parent and annotations of a bundle."""
    entity = entities.object_of(there)
    return {
        "title": entity.get("name"),
        "description": entity.get("description") or "",
        "parent": entity.get("parentId"),
        "annotations": values.from_wire((there.get("annotations") or {}).get("annotations")),
    }


def settled_annotations(fields: Mapping[str, JSON]) -> dict[str, JSON]:
    """The fields with annotations as the service gives them back. Raises Invalid for what it cannot hold."""
    if flaw := name_flaw(str(fields.get("title"))):
        raise Invalid(flaw, fix="change the title: letters, digits, spaces and , _ . - + ( ) '")
    if fields.get("annotations") is None:
        return dict(fields)
    normal, flaws = values.normal_meta(fields["annotations"])
    if flaws:
        raise Invalid("; ".join(flaws).replace("meta", "annotations"), fix="change the annotations")
    return {**fields, "annotations": normal}


def writable(fields: Mapping[str, JSON]) -> Row:
    """The members of an entity that these fields say."""
    result: Row = {"name": fields["title"], "parentId": fields.get("parent")}
    return result | ({"description": fields["description"]} if fields.get("description") else {})


def read_as(client: HttpClient, remote_id: str, concrete_type: str, found: Callable[[Row], Found]) -> Found | Absent:
    """The entity of that id as `found` makes it of its bundle; Absent when it is gone or of another type."""
    try:
        there = entities.bundle(client, remote_id)
        return found(there) if entities.object_of(there).get("concreteType") == concrete_type else Absent()
    except NotFound:
        return Absent()


def at_place(
    client: HttpClient, desired: Desired, concrete_type: str, found: Callable[[Row], Found]
) -> tuple[Found, ...]:
    """The entity of that type and name below its parent; none while the parent is to be made.

    Raises Invalid when an entity of another type has the name.
    """
    parent, title = str(desired.fields.get("parent") or ""), str(desired.fields.get("title"))
    remote_id = entities.child(client, parent, title) if parent.startswith("syn") else None
    if remote_id is None:
        return ()
    try:
        there = entities.bundle(client, remote_id)
    except NotFound:
        return ()
    if entities.object_of(there).get("concreteType") != concrete_type:
        what = str(entities.object_of(there).get("concreteType")).rpartition(".")[2]
        raise Invalid(
            f"{title!r} is there and is a {what} ({remote_id})", fix="choose another title, or rename it there"
        )
    return (found(there),)


def current(client: HttpClient, desired: Desired, observed: Found) -> Row:
    """The bundle as it is now. Raises Conflict when it is not as observed."""
    there = entities.bundle(client, observed.remote_id)
    if observed.etag is not None and entities.object_of(there).get("etag") != observed.etag:
        raise Conflict(f"{desired.address} changed since it was read", status=412, fix="plan again")
    return there


def rewrite(
    client: HttpClient,
    there: Row,
    observed: Found,
    changes: Sequence[FieldChange],
    own: Mapping[str, JSON] | None = None,
) -> None:
    """Write the entity and its annotations, where these changes touch them. own: further members of the entity."""
    entity = entities.object_of(there)
    after = patched(
        observed.fields, [change for change in changes if change.path[0] in ("title", "description", "parent")]
    )
    wanted = {key: value for key, value in entity.items() if key != "description"} | writable(after) | dict(own or {})
    is_same = all((wanted.get(name) or None) == (entity.get(name) or None) for name in (*_OWN, *(own or {})))
    etag = str(entity["etag"]) if is_same else str(entities.put_entity(client, wanted)["etag"])
    ours = [change for change in changes if change.path[0] == "annotations"]
    if ours:
        before = dict((there.get("annotations") or {}).get("annotations") or {})
        entities.put_annotations(client, observed.remote_id, etag, _annotations(before, ours))


def _annotations(before: Row, changes: Sequence[FieldChange]) -> dict[str, JSON]:
    """The map of annotations after the changes; keys that are not among them stay exactly as they are."""
    result = {key: {"type": entry["type"], "value": entry["value"]} for key, entry in before.items()}
    for change in changes:
        named = {change.path[1]: change.after} if len(change.path) > 1 else change.after
        for key, value in named.items() if isinstance(named, Mapping) else ():
            result.pop(key, None)
            result |= {} if isinstance(value, Missing) else values.to_wire({key: value})
    return result


def everywhere(client: HttpClient, short_type: str, concrete_type: str) -> Iterator[str]:
    """Ids of all entities of a type in projects and folders that can be read."""
    for row in walking.everything(client, (short_type,)):
        if row.get("type") == concrete_type:
            yield str(row["id"])
