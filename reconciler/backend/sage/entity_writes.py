"""Creating and updating entities, and the rules by which versions come to be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.backend.database import insert, next_id, one
from reconciler.backend.sage.acls import write_acl
from reconciler.backend.sage.activity_links import check_activity
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, fresh_etag, syn
from reconciler.backend.sage.entity_fields import EntityFields, check_alias, read_fields
from reconciler.backend.sage.entity_types import ROOT
from reconciler.backend.sage.errors import CERTIFICATION_REQUIRED, bad, forbidden, stale
from reconciler.backend.sage.file_handles import lookup_handle, own_handle
from reconciler.backend.sage.hierarchy import check_depth, check_free, check_move, check_place, inherit
from reconciler.backend.sage.nodes import Node, find_node, parent_benefactor, require, touch
from reconciler.backend.sage.tabular import settle

MOST_VERSIONS: Final = 15_000
_OWNER: Final = frozenset(
    {"READ", "DOWNLOAD", "UPDATE", "DELETE", "CREATE", "CHANGE_PERMISSIONS", "CHANGE_SETTINGS", "MODERATE"}
)
_UNFINISHED: Final = "in progress"


def create_entity(call: Call, body: Body, activity: int | None = None) -> int:
    """Create the entity of a body; returns its id. activity: what generated it."""
    fields = read_fields(body)
    check_place(call, fields.kind, fields.parent)
    _check_certified(call, fields.kind.name)
    check_depth(call, fields.parent)
    if fields.file_handle is not None:
        own_handle(call, fields.file_handle)
    if activity is not None:
        check_activity(call, activity)
    entity = next_id(call.db, "sage_entities")
    name = fields.name or syn(entity)
    check_free(call.db, name, fields.parent)
    if fields.alias:
        check_alias(call, fields.alias)
    _insert_entity(call, entity, name, fields)
    _insert_version(call, entity, 1, fields, activity)
    settle(call, entity)
    return entity


def _insert_entity(call: Call, entity: int, name: str, fields: EntityFields) -> None:
    is_project = fields.parent == ROOT
    insert(
        call.db,
        "sage_entities",
        {
            "id": entity,
            "type": fields.kind.name,
            "name": name,
            "parent_id": fields.parent,
            "benefactor_id": entity if is_project else parent_benefactor(call.db, fields.parent),
            "etag": fresh_etag(),
            "version": 1,
            "max_version": 1,
            "alias": fields.alias,
            "alias_key": fields.alias.lower() if fields.alias else None,
            "created_by": call.caller.id,
            "created_on": call.now,
        },
    )
    if is_project:
        give_to_creator(call, entity)


def give_to_creator(call: Call, entity: int) -> None:
    """Give an entity the access list of a new project."""
    write_acl(call.db, "ENTITY", entity, {call.caller.id: _OWNER}, call.now)


def _insert_version(
    call: Call, entity: int, number: int, fields: EntityFields, activity: int | None, annotations: str = "{}"
) -> None:
    default = _UNFINISHED if fields.kind.by_snapshot else str(number)
    label = fields.label or default
    _check_label(call, entity, number, label)
    values: dict[str, Any] = {
        "entity_id": entity,
        "number": number,
        "label": label,
        "label_key": label.lower(),
        "comment": fields.comment or (_UNFINISHED if fields.kind.by_snapshot else None),
        "description": fields.description,
        "file_handle_id": fields.file_handle,
        "activity_id": activity,
        "fields": _own_text(fields.own),
        "annotations": annotations,
        "modified_by": call.caller.id,
        "modified_on": call.now,
    }
    marks = ", ".join("?" * len(values))
    call.db.execute(f"INSERT INTO sage_versions ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


def _own_text(own: Mapping[str, Any]) -> str:
    return json.dumps(own, sort_keys=True)


def update_entity(
    call: Call, entity: int, body: Body, *, wants_version: bool = False, activity: int | None = None
) -> None:
    """Replace the writable fields of an entity, in a new version when asked for or when the content changed."""
    node = find_node(call.db, entity)
    require(call, node, "UPDATE")
    fields = _update_fields(body, node)
    if body.needed("etag") != node["etag"]:
        raise stale(syn(entity))
    _check_certified(call, fields.kind.name)
    if fields.file_handle is not None and fields.file_handle != node["file_handle_id"]:
        own_handle(call, fields.file_handle)
    if activity is not None:
        check_activity(call, activity)
    _place(call, node, fields)
    if fields.kind.name == "file" and (wants_version or _is_other_content(call, node, fields)):
        _add_version(call, node, fields if wants_version else _unlabelled(fields), activity)
    else:
        _overwrite(call, node, fields, activity)
    settle(call, entity)
    touch(call, entity)


def _update_fields(body: Body, node: Node) -> EntityFields:
    fields = read_fields(body)
    if fields.kind.name != node["type"]:
        raise bad("The concreteType of an entity cannot be changed.")
    if fields.name is None:
        raise bad("name is required.")
    if fields.kind.name == "dockerrepo" and fields.own != json.loads(node["fields"]):
        raise bad("The repositoryName cannot be changed.")
    return fields


def _place(call: Call, node: Node, fields: EntityFields) -> None:
    """Take over name, parent and alias."""
    entity, name = node["id"], fields.name
    assert name is not None
    if fields.parent != node["parent_id"]:
        check_move(call, node, fields.kind, fields.parent)
    check_free(call.db, name, fields.parent, entity)
    if fields.alias != node["alias"]:
        require(call, node, "CHANGE_SETTINGS")
    if fields.alias:
        check_alias(call, fields.alias, entity)
    call.db.execute(
        "UPDATE sage_entities SET name = ?, parent_id = ?, alias = ?, alias_key = ? WHERE id = ?",
        (name, fields.parent, fields.alias, fields.alias.lower() if fields.alias else None, entity),
    )
    if fields.parent != node["parent_id"]:
        inherit(call.db, entity, fields.parent)


def _is_other_content(call: Call, node: Node, fields: EntityFields) -> bool:
    """Whether two file handles differ, other than by having the same known MD5."""
    if fields.file_handle == node["file_handle_id"]:
        return False
    before, after = (_md5(call, handle) for handle in (node["file_handle_id"], fields.file_handle))
    return before is None or before != after


def _md5(call: Call, handle: int | None) -> str | None:
    row = None if handle is None else lookup_handle(call.db, handle)
    return None if row is None else row["md5"]


def _unlabelled(fields: EntityFields) -> EntityFields:
    """A version that the server makes by itself does not take over label and comment."""
    return replace(fields, label=None, comment=None)


def _add_version(call: Call, node: Node, fields: EntityFields, activity: int | None) -> None:
    number = node["max_version"] + 1
    if number > MOST_VERSIONS:
        raise bad(f"Limit of {MOST_VERSIONS} versions exceeded for entity: {syn(node['id'])}")
    call.db.execute("UPDATE sage_entities SET version = ?, max_version = ? WHERE id = ?", (number, number, node["id"]))
    _insert_version(call, node["id"], number, fields, activity, node["annotations"])


def _overwrite(call: Call, node: Node, fields: EntityFields, activity: int | None) -> None:
    label = fields.label or node["label"]
    _check_label(call, node["id"], node["number"], label)
    call.db.execute(
        "UPDATE sage_versions SET label = ?, label_key = ?, comment = ?, description = ?, file_handle_id = ?,"
        " activity_id = ?, fields = ? WHERE entity_id = ? AND number = ?",
        (
            label,
            label.lower(),
            fields.comment,
            fields.description,
            fields.file_handle,
            node["activity_id"] if activity is None else activity,
            _own_text(fields.own),
            node["id"],
            node["number"],
        ),
    )


def _check_label(call: Call, entity: int, number: int, label: str) -> None:
    if one(
        call.db,
        "SELECT 1 FROM sage_versions WHERE entity_id = ? AND label_key = ? AND number <> ?",
        (entity, label.lower(), number),
    ):
        raise bad(f"Another version of {syn(entity)} has the label '{label}' already.")


def _check_certified(call: Call, kind: str) -> None:
    if kind != "project" and not call.caller.is_certified:
        raise forbidden("Only certified users may create content in Synapse.", CERTIFICATION_REQUIRED)
