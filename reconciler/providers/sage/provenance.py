"""Provenance of a file: an activity of the service ↔ {name, description, used, executed}."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from reconciler.errors import Denied, NotFound
from reconciler.model.json import JSON
from reconciler.providers.http import HttpClient
from reconciler.providers.sage.wire import USED_ENTITY, USED_URL, Row, object_in, rows_in, text_in

_ENTITY = re.compile(r"(syn\d+)(?:[.@](\d+))?", re.IGNORECASE)


def is_entity(reference: str) -> bool:
    """Whether a text names an entity: `syn1`, `syn1@2` or `syn1.2`."""
    return _ENTITY.fullmatch(reference.strip()) is not None


def is_outside(reference: str) -> bool:
    """Whether a text names an entity or an address on the web, and no file of ours."""
    return is_entity(reference) or "://" in reference or reference.startswith("doi:")


def to_wire(provenance: Mapping[str, JSON]) -> Row:
    """The body of an activity."""
    used = [_item(text, executed=False) for text in provenance.get("used") or ()]
    items = used + [_item(text, executed=True) for text in provenance.get("executed") or ()]
    texts = {name: provenance[name] for name in ("name", "description") if provenance.get(name) is not None}
    return {**texts, "used": items}


def _item(reference: str, *, executed: bool) -> Row:
    match = _ENTITY.fullmatch(reference.strip())
    if match is None:
        return {"concreteType": USED_URL, "url": reference, "name": reference, "wasExecuted": executed}
    target: Row = {"targetId": match[1].lower()} | ({"targetVersionNumber": int(match[2])} if match[2] else {})
    return {"concreteType": USED_ENTITY, "reference": target, "wasExecuted": executed}


def from_wire(activity: JSON) -> dict[str, JSON]:
    """What an activity says; versions that the service has filled in stand behind an @."""
    there = activity if isinstance(activity, Mapping) else {}
    result: dict[str, JSON] = {name: there[name] for name in ("name", "description") if there.get(name)}
    for item in there.get("used") or ():
        list_name = "executed" if item.get("wasExecuted") else "used"
        result.setdefault(list_name, []).append(_reference(item))
    return result


def _reference(item: Mapping[str, JSON]) -> str:
    target = item.get("reference")
    if not isinstance(target, Mapping):
        return str(item.get("url"))
    version = target.get("targetVersionNumber")
    return f"{target.get('targetId')}@{version}" if version is not None else str(target.get("targetId"))


def agrees(activity: JSON, provenance: Mapping[str, JSON]) -> bool:
    """Whether an activity says what is declared; a reference without version fits any version."""
    there, wanted = from_wire(activity), from_wire(to_wire(provenance))
    texts = all((there.get(name) or "") == (wanted.get(name) or "") for name in ("name", "description"))
    return texts and all(_fit(there.get(name) or [], wanted.get(name) or []) for name in ("used", "executed"))


def _fit(there: list[str], wanted: list[str]) -> bool:
    left = Counter(there)
    for reference in sorted(wanted, key=lambda text: "@" not in text):  # those with a version choose first
        exact = next((one for one in left if left[one] and _matches(one, reference)), None)
        if exact is None:
            return False
        left[exact] -= 1
    return not left.total()


def _matches(there: str, wanted: str) -> bool:
    return there == wanted or (is_entity(wanted) and "@" not in wanted and there.partition("@")[0] == wanted)


def create(client: HttpClient, provenance: Mapping[str, JSON]) -> Row:
    """`POST /activity`. One that is made twice is of no consequence: nothing refers to the first."""
    made = object_in(client.call("POST", "/activity", body=to_wire(provenance), repeatable=True), "POST /activity")
    text_in(made, "id", "POST /activity")
    return made


def discard(client: HttpClient, activity: Row | None) -> None:
    """`DELETE /activity/{id}` of one that nothing came to refer to."""
    if activity is not None:
        client.call("DELETE", f"/activity/{activity['id']}")


def rewrite(client: HttpClient, activity: Row, provenance: Mapping[str, JSON]) -> Row | None:
    """`PUT /activity/{id}`; None when it is somebody else's, or made other things as well."""
    path = f"/activity/{activity['id']}"
    try:
        made = object_in(client.get(f"{path}/generated", {"limit": 2, "offset": 0}), f"GET {path}/generated")
        if len(rows_in(made, "results", f"GET {path}/generated")) > 1:
            return None
        body = to_wire(provenance) | {"id": activity["id"], "etag": activity.get("etag")}
        written = object_in(client.call("PUT", path, body=body), f"PUT {path}")
        text_in(written, "id", f"PUT {path}")
        return written
    except (Denied, NotFound):
        return None


def link(client: HttpClient, entity_id: str, activity: Row) -> None:
    """`PUT /entity/{id}/generatedBy`: of the current version."""
    activity_id = text_in(activity, "id", "POST /activity")
    client.call("PUT", f"/entity/{entity_id}/generatedBy", params={"generatedBy": activity_id})


def unlink(client: HttpClient, entity_id: str) -> None:
    """`DELETE /entity/{id}/generatedBy`: of the current version."""
    try:
        client.call("DELETE", f"/entity/{entity_id}/generatedBy")
    except NotFound:
        return
