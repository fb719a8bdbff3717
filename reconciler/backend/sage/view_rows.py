"""Rows of views: entities of a scope or of a list, their fields and annotations as cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from reconciler.backend.database import IDS, TEXTS, Row
from reconciler.backend.sage.body import entity_id
from reconciler.backend.sage.call import Call, P, syn
from reconciler.backend.sage.column_types import TYPES, read_cell
from reconciler.backend.sage.columns import Column
from reconciler.backend.sage.nodes import CURRENT, NODE, Node, readable_condition
from reconciler.backend.sage.relations import Record, in_batches
from reconciler.backend.sage.view_columns import ENTITY_FIELDS, PROJECT_BIT, mask_types
from reconciler.backend.wire import ApiError

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class _Shown:
    """An entity at a version with the row of its file handle, if it has one."""

    node: Node
    handle: Row | None


def view_records(call: Call, scope: Sequence[int], mask: int, columns: Sequence[Column]) -> Iterator[Record]:
    """The entities of a scope that the caller may read, by id."""
    return _records(call, _batches(call, scope_ids(call, scope, mask)), columns)


def dataset_records(call: Call, items: Sequence[dict[str, Any]], columns: Sequence[Column]) -> Iterator[Record]:
    """The entities of a dataset's list that the caller may read, at the versions that it names."""
    wanted = {entity_id(item["entityId"]): item.get("versionNumber") for item in items}
    return _records(call, _versions(call, wanted), columns)


def scope_ids(call: Call, scope: Sequence[int], mask: int) -> list[int]:
    """Ids of the entities in a scope that a view of a mask shows and the caller may read."""
    condition, values = readable_condition(call)
    listed, kinds = json.dumps(list(scope)), json.dumps(mask_types(mask))
    if mask == PROJECT_BIT:
        sql = f"SELECT e.id FROM sage_entities e WHERE e.id IN {IDS} AND e.type = 'project'"
        rows = call.db.execute(f"{sql} AND e.trash_root IS NULL AND {condition} ORDER BY e.id", (listed, *values))
        return [row["id"] for row in rows]
    rows = call.db.execute(
        f"WITH RECURSIVE places (id) AS (SELECT e.id FROM sage_entities e WHERE e.id IN {IDS}"
        " UNION SELECT e.id FROM sage_entities e JOIN places ON e.parent_id = places.id"
        " WHERE e.type = 'folder' AND e.trash_root IS NULL)"
        " SELECT e.id FROM sage_entities e JOIN places ON e.parent_id = places.id"
        f" WHERE e.trash_root IS NULL AND e.type IN {TEXTS} AND {condition} ORDER BY e.id",
        (listed, kinds, *values),
    )
    return [row["id"] for row in rows]


def _batches(call: Call, ids: Sequence[int]) -> Iterator[list[Node]]:
    for some in in_batches(ids, _BATCH):
        yield call.db.execute(
            f"SELECT {NODE} FROM {CURRENT} WHERE e.id IN {IDS} ORDER BY e.id", (json.dumps(some),)
        ).fetchall()


def _versions(call: Call, wanted: dict[int, int | None]) -> Iterator[list[Node]]:
    condition, values = readable_condition(call)
    for some in in_batches(sorted(wanted), _BATCH):
        rows = call.db.execute(
            f"SELECT {NODE} FROM sage_entities e JOIN sage_versions v ON v.entity_id = e.id"
            f" WHERE e.id IN {IDS} AND e.trash_root IS NULL AND {condition} ORDER BY e.id",
            (json.dumps(some), *values),
        )
        yield [row for row in rows if row["number"] == (wanted[row["id"]] or row["version"])]


def _records(call: Call, batches: Iterator[list[Node]], columns: Sequence[Column]) -> Iterator[Record]:
    places = _Places(call)
    names = {column["name"] for column in columns}
    for nodes in batches:
        for shown in _with_handles(call, nodes):
            node = shown.node
            fields = _fields(shown, places, names)
            annotations = json.loads(node["annotations"])
            cells = [_cell(column, fields, annotations) for column in columns]
            yield Record(node["id"], node["number"], node["etag"], node["benefactor_id"], cells)


def _with_handles(call: Call, nodes: list[Node]) -> list[_Shown]:
    ids = [node["file_handle_id"] for node in nodes if node["file_handle_id"] is not None]
    rows = call.db.execute(f"SELECT * FROM sage_file_handles WHERE id IN {IDS}", (json.dumps(ids),)) if ids else ()
    handles = {row["id"]: row for row in rows}
    return [_Shown(node, handles.get(node["file_handle_id"])) for node in nodes]


def _cell(column: Column, fields: dict[str, Any], annotations: dict[str, Any]) -> Any:
    name = column["name"]
    if name in ENTITY_FIELDS:
        return fitted(column, fields.get(name))
    return fitted(column, annotation_value(column, annotations))


def annotation_value(column: Column, annotations: dict[str, Any]) -> Any:
    """What an annotation says for a column of its name: all values for a list, else the first, None without one."""
    found = annotations.get(column["name"])
    if found is None or not found["value"]:
        return None
    return found["value"] if TYPES[column["columnType"]].element is not None else found["value"][0]


def fitted(column: Column, value: Any) -> Any:
    """A value as a cell; a view shows nothing where it does not fit."""
    if value is None:
        return None
    try:
        return read_cell(column, value)
    except ApiError:
        return None


def milliseconds(moment: str) -> int:
    """Milliseconds since 1970 of a time as the dialect writes it."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _fields(shown: _Shown, places: _Places, names: set[str]) -> dict[str, Any]:
    node = shown.node
    fields: dict[str, Any] = {
        "id": syn(node["id"]),
        "name": node["name"],
        "description": node["description"],
        "createdOn": milliseconds(node["created_on"]),
        "createdBy": node["created_by"],
        "etag": node["etag"],
        "modifiedOn": milliseconds(node["modified_on"]),
        "modifiedBy": node["modified_by"],
        "type": node["type"],
        "currentVersion": node["number"],
        "parentId": syn(node["parent_id"]),
        "benefactorId": syn(node["benefactor_id"]),
    }
    if names & {"path", "projectId"}:
        fields["path"], fields["projectId"] = places.find(node["id"])
    if shown.handle is not None:
        fields |= _handle_fields(shown.handle)
    if node["type"] == "dataset":
        own = json.loads(node["fields"])
        fields |= {"datasetSizeInBytes": own.get("size"), "datasetMD5Hex": own.get("checksum")}
        fields["datasetItemCount"] = own.get("count", 0)
    return fields


def _handle_fields(handle: Row) -> dict[str, Any]:
    details = json.loads(handle["details"])
    return {
        "dataFileHandleId": handle["id"],
        "dataFileName": handle["file_name"],
        "dataFileSizeBytes": handle["size"],
        "dataFileMD5Hex": handle["md5"],
        "dataFileConcreteType": f"{P}.file.{handle['kind']}",
        "dataFileBucket": details.get("bucketName") or details.get("bucket"),
        "dataFileKey": details.get("key") or details.get("fileKey"),
    }


class _Places:
    """Paths and projects of entities; what is above them is read once."""

    def __init__(self, call: Call) -> None:
        self._db = call.db
        self._known: dict[int, tuple[str, str]] = {}

    def find(self, entity: int) -> tuple[str | None, str | None]:
        """The path, such as `project/folder/file`, and the id of the project."""
        found = self._known.get(entity)
        if found is not None:
            return found
        row = self._db.execute("SELECT name, parent_id, type FROM sage_entities WHERE id = ?", (entity,)).fetchone()
        if row is None:
            return None, None
        if row["type"] == "project":
            self._known[entity] = row["name"], syn(entity)
            return self._known[entity]
        path, project = self.find(row["parent_id"])
        place = f"{path}/{row['name']}", str(project)
        if row["type"] == "folder":
            self._known[entity] = place
        return place
