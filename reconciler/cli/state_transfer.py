"""The whole state as one JSON text and back, for `state pull` and `state push`.

Form, version 1: `{"version", "lineage", "serial", "resources": [{"address", "backend", …, "rows": [{"key", …}]}]}`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.errors import StateError
from reconciler.model.address import Address, parse_address
from reconciler.model.json import JSON, canonical_json
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource, OwnedRow, Shape

VERSION = 1


def state_lines(store: StateStore) -> Iterator[str]:
    """The text in lines, one per resource and one per row, so that a large state needs no memory."""
    version = store.version
    head = {"version": VERSION, "lineage": version.lineage, "serial": version.serial}
    yield json.dumps(head)[:-1] + ', "resources": ['
    resources = list(store.resources().values())
    for number, resource in enumerate(resources):
        yield canonical_json(_encode_resource(resource))[:-1] + ',"rows":['
        comma = ""
        for row in store.rows(resource.address):
            yield comma + canonical_json(_encode_row(row))
            comma = ","
        yield "]}" + ("," if number < len(resources) - 1 else "")
    yield "]}"


def read_state_text(text: str, name: str) -> JSON:
    """Read what `state_lines` wrote. Raises StateError."""
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            raise StateError(f"{name} has state version {document['version']!r}; this program knows {VERSION}")
        str(document["lineage"]), int(document["serial"]), list(document["resources"])
    except (ValueError, KeyError, TypeError) as exc:
        raise StateError(f"{name} does not hold a state", fix="give a file written by `reconciler state pull`") from exc
    return document


def push_state(store: StateStore, document: JSON, *, force: bool) -> None:
    """Put a pulled state in place of the present one, at once or not at all; the present one is kept as a backup.

    Raises:
        StateError: another lineage, or not newer than the present state; `force` passes both by.
    """
    _check(store, document, force)
    with TemporaryDirectory(prefix="reconciler-") as folder:
        fresh = StateStore(Path(folder) / "state.db", new_lineage=lambda: str(document["lineage"]))
        try:
            for value in document["resources"]:
                _put(fresh, value)
            # A forced push of an old state continues the present count, so that plans made before it are stale.
            serial = max(int(document["serial"]), store.version.serial + 1 if force else 0)
            fresh.connection.execute("UPDATE header SET value = ? WHERE key = 'serial'", [str(serial)])
            _back_up(store)
            fresh.connection.backup(store.connection)
        finally:
            fresh.close()


def _check(store: StateStore, document: JSON, force: bool) -> None:
    version = store.version
    is_empty = version.serial == 0 and not store.resources()
    if force or is_empty:
        return
    fix = "look at both with `reconciler show`; --force replaces the present state"
    if document["lineage"] != version.lineage:
        raise StateError("the state to push has another lineage", fix=fix)
    if document["serial"] < version.serial:
        raise StateError(f"the state to push is older (serial {document['serial']}, now {version.serial})", fix=fix)
    if document["serial"] == version.serial and canonical_json(document) != canonical_json(_document(store)):
        raise StateError(f"the state to push differs though its serial is the same ({version.serial})", fix=fix)


def _document(store: StateStore) -> JSON:
    return json.loads("\n".join(state_lines(store)))


def _back_up(store: StateStore) -> None:
    """Copy the state file beside itself; its write-ahead log is folded in first."""
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy2(store.path, store.path.with_name(f"{store.path.name}.backup"))


def _encode_resource(resource: OwnedResource) -> dict[str, JSON]:
    return {
        "address": str(resource.address),
        "backend": resource.backend,
        "remote_id": resource.remote_id,
        "parent_id": resource.parent_id,
        "etag": resource.etag,
        "fields": dict(resource.fields),
        "protect": resource.protect,
        "orphan_on_delete": resource.orphan_on_delete,
        "depends": [str(address) for address in resource.depends],
    }


def _encode_row(row: OwnedRow) -> dict[str, JSON]:
    return {
        "key": row.key,
        "remote_id": row.remote_id,
        "content": row.content,
        "fields": row.fields,
        "keys": list(row.shape.keys),
        "groups": list(row.shape.groups),
        "files": dict(row.files),
        **({"attributes": [list(row.shape.attributes), row.attributes]} if row.shape.attributes else {}),
        **({} if row.shape.marked else {"marked": False}),
    }


def _put(store: StateStore, value: Mapping[str, JSON]) -> None:
    try:
        resource = OwnedResource(
            address=parse_address(value["address"]),
            backend=value["backend"],
            remote_id=value["remote_id"],
            fields=value["fields"],
            parent_id=value["parent_id"],
            etag=value["etag"],
            protect=value["protect"],
            orphan_on_delete=value["orphan_on_delete"],
            depends=tuple(parse_address(text) for text in value["depends"]),
        )
        rows = [_row(row) for row in value["rows"]]
    except (ValueError, KeyError, TypeError) as exc:
        shown = value.get("address", "?") if isinstance(value, Mapping) else "?"
        raise StateError(f"the state to push is damaged at {shown}: {exc}", fix="pull it again") from exc
    store.save_resource(resource)
    _save_rows(store, resource.address, rows)


def _save_rows(store: StateStore, address: Address, rows: list[OwnedRow]) -> None:
    if rows:
        store.save_rows(address, rows)


def _row(value: Mapping[str, JSON]) -> OwnedRow:
    names, attributes = value.get("attributes", ((), ""))
    shape = Shape(tuple(value["keys"]), tuple(value["groups"]), tuple(names), value.get("marked", True))
    digests = (value["content"], value["fields"])
    return OwnedRow(value["key"], value["remote_id"], *digests, shape, value["files"], attributes)
