"""Labels of a CVAT file: what its head says about classes and their attributes, read and written.

Source of the format: CVAT documentation, "CVAT for images 1.1" (`meta/task/labels`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from reconciler.formats.xml_text import allowed, number, render
from reconciler.formats.xml_tree import Node, from_json
from reconciler.model.json import JSON, JSONObject

_DEFAULTS: Final = {"checkbox": "false", "number": "0", "text": ""}


def input_type(value: JSON) -> str:
    """How CVAT edits such a value: checkbox, number or text."""
    if isinstance(value, bool):
        return "checkbox"
    return "number" if isinstance(value, (int, float)) else "text"


def value_text(value: JSON) -> str:
    """Text of a checkbox, number or text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value) if isinstance(value, (int, float)) else str(value)


@dataclass(slots=True)
class LabelTable:
    """Labels as they are met. trees: rows of imports, taken over. attributes: label → attribute → input type; joints:
    label of a skeleton → labels of its points."""

    order: list[str] = field(default_factory=list)
    trees: dict[str, Node] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    joints: dict[str, list[str]] = field(default_factory=dict)

    def meet(self, head: JSONObject) -> None:
        """Note the labels of one fragment, as `Used.head` gives them."""
        for name, said in head.items():
            tree = from_json(said.get("tree"))
            if tree is not None:
                self.trees.setdefault(name, tree)
            known = self.attributes.setdefault(name, {})
            for attribute, form in said["attributes"].items():
                known[attribute] = form if known.get(attribute, form) == form else "text"
            points = self.joints.setdefault(name, [])
            points += [joint for joint in said["joints"] if joint not in points]

    def lines(self, indent: str) -> Iterator[str]:
        """`<labels>`: those declared in their order, then the others by name."""
        yield f"{indent}<labels>"
        for name in dict.fromkeys([*self.order, *sorted(self.attributes)]):
            yield from render(self._label(name), f"{indent}  ")
            for joint in self.joints.get(name, ()):
                row = [_leaf("name", joint), _leaf("type", "points"), Node("attributes"), _leaf("parent", name)]
                yield from render(Node("label", children=row), f"{indent}  ")
        yield f"{indent}</labels>"

    def _label(self, name: str) -> Node:
        """The row of an import, with attributes that it lacks; else a new one."""
        rows = [_attribute(a, form) for a, form in sorted(self.attributes.get(name, {}).items())]
        given = self.trees.get(name)
        if given is None:
            form = "skeleton" if self.joints.get(name) else "any"
            return Node("label", children=[_leaf("name", name), _leaf("type", form), Node("attributes", children=rows)])
        known = given.child("attributes") or Node("attributes")
        named = {row.get("name") for row in known.children}
        more = [row for row in rows if row.get("name") not in named]
        others = [child for child in given.children if child.tag != "attributes"]
        return Node("label", children=[*others, Node("attributes", children=[*known.children, *more])])


def _leaf(tag: str, text: str) -> Node:
    return Node(tag, text=text)


def _attribute(name: str, form: str) -> Node:
    default = _leaf("default_value", _DEFAULTS[form])
    rows = [_leaf("name", name), _leaf("mutable", "False"), _leaf("input_type", form), default, _leaf("values", "")]
    return Node("attribute", children=rows)


@dataclass(slots=True)
class Used:
    """Labels that one item uses. trees: rows that came with its import, by name."""

    trees: Mapping[str, JSON] = field(default_factory=dict)
    rows: dict[str, dict[str, JSON]] = field(default_factory=dict)

    def use(self, name: str, attributes: Mapping[str, JSON], joints: Iterable[str] = ()) -> None:
        """Note a label with the values of its attributes and the labels of its points."""
        row = self.rows.setdefault(allowed(name), {"attributes": {}, "joints": []})
        if name in self.trees:
            row["tree"] = self.trees[name]
        for attribute, value in attributes.items():
            form = input_type(value)
            attribute = allowed(attribute)
            row["attributes"][attribute] = form if row["attributes"].get(attribute, form) == form else "text"
        row["joints"] += [joint for joint in map(allowed, joints) if joint not in row["joints"]]

    @property
    def head(self) -> JSONObject:
        """For the head of a fragment."""
        return self.rows


def read_labels(meta: Node) -> dict[str, Node]:
    """Rows of labels by name, wherever the head has them (task, job or project)."""
    found: dict[str, Node] = {}
    waiting = [meta]
    while waiting:
        node = waiting.pop()
        for child in node.children:
            name = child.get("name") if child.tag == "label" else None
            if name and child.child("parent") is None:
                found.setdefault(name, child)
            elif child.tag != "label":
                waiting.append(child)
    return found


def attribute_types(label: Node | None) -> dict[str, str]:
    """Attribute → input type of a label."""
    rows = label.child("attributes") if label is not None else None
    return {row.get("name") or "": row.get("input_type") or "text" for row in (rows.children if rows else ())}


def read_value(text: str, form: str) -> JSON:
    """The value of an attribute; a text that is no checkbox or number stays a text."""
    if form == "checkbox" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if form == "number":
        try:
            value = float(text)
        except ValueError:
            return text
        if isfinite(value) and value_text(int(value) if value.is_integer() else value) == text:
            return int(value) if value.is_integer() else value
    return text
