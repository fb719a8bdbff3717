"""Changes as JSON and back. `MISSING` is an absent key, so that None stays a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from reconciler.model.address import parse_address
from reconciler.model.change import MISSING, FieldChange, Missing
from reconciler.model.json import JSON
from reconciler.plan.values import Action, Change, Reason, RowChange, RowCounts


def encode_change(change: Change) -> dict[str, JSON]:
    """A resource change as JSON; members that are empty are left out."""
    value: dict[str, JSON] = {
        "address": str(change.address),
        "action": change.action.value,
        "reason": change.reason.value,
        "backend": change.backend,
        "fields": [_encode_field(field) for field in change.fields],
        "drift": [_encode_field(field) for field in change.drift],
        "desired": None if change.desired is None else dict(change.desired),
        "remote_id": change.remote_id,
        "rows": asdict(change.rows) if change.rows else None,
        "row_drift": change.row_drift,
        "deferred": change.deferred,
        "basis": change.basis,
        "protect": change.protect,
        "previous": str(change.previous) if change.previous else None,
        "notes": list(change.notes),
        "calls": change.calls,
    }
    return {key: item for key, item in value.items() if item not in (None, [], False, 0, "")}


def decode_change(value: Mapping[str, JSON]) -> Change:
    """Inverse of `encode_change`."""
    return Change(
        address=parse_address(value["address"]),
        action=Action(value["action"]),
        reason=Reason(value["reason"]),
        backend=value.get("backend", ""),
        fields=tuple(_decode_field(field) for field in value.get("fields", ())),
        drift=tuple(_decode_field(field) for field in value.get("drift", ())),
        desired=value.get("desired"),
        remote_id=value.get("remote_id"),
        rows=RowCounts(**value["rows"]) if value.get("rows") else None,
        row_drift=value.get("row_drift", 0),
        deferred=value.get("deferred", False),
        basis=value.get("basis"),
        protect=value.get("protect", False),
        previous=parse_address(value["previous"]) if value.get("previous") else None,
        notes=tuple(value.get("notes", ())),
        calls=value.get("calls", 0),
    )


def encode_row(row: RowChange) -> dict[str, JSON]:
    """A row change as JSON for people and machines: without the body."""
    value: dict[str, JSON] = {
        "key": row.key,
        "action": row.action.value,
        "reason": row.reason.value,
        "remote_id": row.remote_id,
        "previous_key": row.previous_key,
        "detail": [list(line) for line in row.detail],
        "drift": row.drift,
        "files": row.files,
        "bytes": row.bytes,
    }
    return {key: item for key, item in value.items() if item not in (None, [], False, 0)}


def _encode_field(change: FieldChange) -> dict[str, JSON]:
    value: dict[str, JSON] = {"path": list(change.path)}
    if not isinstance(change.before, Missing):
        value["before"] = change.before
    if not isinstance(change.after, Missing):
        value["after"] = change.after
    return value


def _decode_field(value: Mapping[str, JSON]) -> FieldChange:
    return FieldChange(tuple(value["path"]), value.get("before", MISSING), value.get("after", MISSING))
