"""What the state owns, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.render.amounts import count_text
from reconciler.render.shown import safe_text, value_text
from reconciler.render.words import row_noun
from reconciler.state.values import OwnedResource, OwnedRow, Version


def state_text(version: Version, resources: Iterable[OwnedResource], rows: Mapping[Address, int]) -> str:
    """The whole state: every resource with its fields and the number of its rows."""
    found = list(resources)
    if not found:
        return "The state is empty."
    blocks = (resource_text(resource, rows.get(resource.address, 0)) for resource in found)
    return "\n\n".join(chain(blocks, [f"Lineage {version.lineage}, serial {version.serial}."]))


def resource_text(resource: OwnedResource, rows: int) -> str:
    """One resource as last applied."""
    lines = [f"{resource.address}", f"    id = {value_text(resource.remote_id)}"]
    lines.append(f"    backend = {value_text(resource.backend)}")
    lines += [f"    {name} = {value_text(value)}" for name, value in sorted(resource.fields.items())]
    if resource.protect:
        lines.append("    protected against deletion")
    if rows:
        lines.append(f"    {count_text(rows)} {row_noun(resource.address.kind, rows)}")
    return "\n".join(lines)


def row_text(address: Address, row: OwnedRow) -> str:
    """One owned row."""
    lines = [str(address.row(row.key)), f"    id = {value_text(row.remote_id)}"]
    lines += [f"    {safe_text(spec)} = {safe_text(checksum)}" for spec, checksum in sorted(row.files.items())]
    if row.shape.keys:
        lines.append(f"    our metadata: {safe_text(', '.join(row.shape.keys))}")
    if row.shape.groups:
        lines.append(f"    our groups: {safe_text(', '.join(row.shape.groups))}")
    return "\n".join(lines)


def resource_document(resource: OwnedResource, rows: int) -> dict[str, JSON]:
    """One resource in the form of Terraform's state values, with our members beside it."""
    return {
        "address": str(resource.address),
        "mode": "managed",
        "type": resource.address.kind,
        "name": resource.address.name,
        "provider_name": resource.backend,
        "values": {"id": resource.remote_id, **resource.fields},
        "depends_on": [str(address) for address in resource.depends],
        "protect": resource.protect,
        "rows": rows,
    }


def row_document(address: Address, row: OwnedRow) -> dict[str, JSON]:
    """One owned row."""
    return {
        "address": str(address.row(row.key)),
        "id": row.remote_id,
        "files": dict(row.files),
        "content": row.content,
        "fields": row.fields,
        "meta_keys": list(row.shape.keys),
        "groups": list(row.shape.groups),
    }


def state_document(
    version: Version, resources: Iterable[OwnedResource], rows: Mapping[Address, int]
) -> dict[str, JSON]:
    """The whole state, without its rows, which are counted."""
    found = [resource_document(resource, rows.get(resource.address, 0)) for resource in resources]
    return {
        "format_version": "1.0",
        "lineage": version.lineage,
        "serial": version.serial,
        "values": {"root_module": {"resources": found}},
    }
