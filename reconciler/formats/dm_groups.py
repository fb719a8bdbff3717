"""Groups and relations of DM payloads: every shape in which the platform lists what belongs together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.formats.annotations import Group, GroupForm, GroupNode, Relation
from reconciler.formats.dm_values import Malformed
from reconciler.model.json import JSON, JSONObject

_DEEPEST: Final = 50
"""Levels of a nested group that are read; what is deeper counts as one member that names nothing."""


def read_group(row: JSON) -> tuple[Group, str | None]:
    """A group in any of its three shapes, and what of its members could not be read (None: all was).

    Raises:
        Malformed: it has no text `id`, or no list of members.
    """
    if type(row) is dict and type(row.get("id")) is str:
        for form in GroupForm:
            if type(row.get(form.value)) is list:
                return _group(row, form)
    raise Malformed("expected a text `id` and a list of annotation ids")


def _group(row: JSONObject, form: GroupForm) -> tuple[Group, str | None]:
    values = row[form.value]
    rest = {k: v for k, v in row.items() if k not in ("id", form.value)}
    wrong: list[JSON] = []
    nodes = tuple(_nodes(values, wrong))
    if form is not GroupForm.TREE and any(n.children is not None for n in nodes):
        form = GroupForm.TREE  # nested under a key that holds plain ids elsewhere
    fault = f"{len(wrong)} of its members name no annotation" if wrong else None
    kept = nodes if form is GroupForm.TREE else ()
    return Group(row["id"], tuple(_flat(nodes)), rest, form=form, nodes=kept), fault


def _nodes(values: JSON, wrong: list[JSON], depth: int = 0) -> Iterator[GroupNode]:
    """The members that can be read; others go into `wrong`."""
    for value in values:
        if type(value) is str:
            yield GroupNode(value)
        elif type(value) is dict and type(value.get("annotationId")) is str:
            yield _node(value, wrong, depth)
        else:
            wrong.append(value)
            if type(value) is dict and type(value.get("children")) is list and depth < _DEEPEST:
                yield from _nodes(value["children"], wrong, depth + 1)


def _node(value: JSONObject, wrong: list[JSON], depth: int) -> GroupNode:
    rest = {k: v for k, v in value.items() if k not in ("annotationId", "children")}
    below = value.get("children", [])
    if type(below) is not list or (below and depth >= _DEEPEST):
        wrong.append(below)
        return GroupNode(value["annotationId"], None, rest)
    children = tuple(_nodes(below, wrong, depth + 1)) if "children" in value else None
    return GroupNode(value["annotationId"], children, rest)


def _flat(nodes: Sequence[GroupNode]) -> Iterator[str]:
    for node in nodes:
        yield node.annotation
        yield from _flat(node.children or ())


def write_group(group: Group, *, plain: bool = False) -> JSONObject:
    """A group in its own shape. plain: as `annotationIds`, which the platform's converter reads."""
    form = GroupForm.IDS if plain else group.form
    members = [_node_row(node) for node in group.nodes] if form is GroupForm.TREE else list(group.members)
    return {"id": group.id, form.value: members, **group.rest}


def _node_row(node: GroupNode) -> JSONObject:
    children = {} if node.children is None else {"children": [_node_row(child) for child in node.children]}
    return {"annotationId": node.annotation, **children, **node.rest}


def read_relation(row: JSON) -> Relation:
    """A relation of version 1's top level. Raises Malformed when it does not name two annotations."""
    if type(row) is not dict:
        raise Malformed("expected an object")
    ends: list[JSON] = [row.get(key) for key in ("id", "annotationId", "targetAnnotationId")]
    if not all(type(end) is str for end in ends):
        raise Malformed("expected the texts `id`, `annotationId` and `targetAnnotationId`")
    rest = {k: v for k, v in row.items() if k not in ("id", "annotationId", "targetAnnotationId")}
    return Relation(ends[0], ends[1], ends[2], rest)


def write_relation(relation: Relation) -> JSONObject:
    """The relation as version 1 has it."""
    return {
        "id": relation.id,
        "annotationId": relation.source,
        "targetAnnotationId": relation.target,
        **relation.rest,
    }
