"""JSON values that remember where they were written; immutable, so patches and aliases can share them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.errors import Location
from reconciler.model.json import JSON

Path = tuple[str | int, ...]

_SHOWN_LENGTH = 60


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """None, a boolean, a number or a text. sensitive: holds a secret, so its value is never shown.

    plain: written without quotes.
    """

    value: bool | int | float | str | None = field(repr=False)
    at: Location
    plain: bool = False
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    at: Location


@dataclass(frozen=True, slots=True)
class MapNode:
    """An object. keys: where each key stands; same keys and order as `entries`."""

    entries: Mapping[str, Node]
    keys: Mapping[str, Location]
    at: Location


Node = ScalarNode | ListNode | MapNode


def to_json(node: Node) -> JSON:
    """Return the plain value; secrets included."""
    match node:
        case ScalarNode():
            return node.value
        case ListNode():
            return [to_json(item) for item in node.items]
        case MapNode():
            return {key: to_json(value) for key, value in node.entries.items()}


def from_json(value: JSON, at: Location) -> Node:
    """Wrap a plain value; every part of it stands at `at`."""
    if isinstance(value, Mapping):
        return MapNode({k: from_json(v, at) for k, v in value.items()}, dict.fromkeys(value, at), at)
    if isinstance(value, list | tuple):
        return ListNode(tuple(from_json(v, at) for v in value), at)
    return ScalarNode(value, at)


def find(node: Node | None, *path: str | int) -> Node | None:
    """Follow keys and indexes; None as soon as one is not there."""
    for step in path:
        if isinstance(node, MapNode) and isinstance(step, str):
            node = node.entries.get(step)
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def text_at(node: Node | None, *path: str | int) -> str | None:
    """The text at a path, None when there is none or it is no text."""
    found = find(node, *path)
    return found.value if isinstance(found, ScalarNode) and isinstance(found.value, str) else None


def map_at(node: Node | None, *path: str | int) -> Iterator[tuple[str, Node]]:
    """Entries of the object at a path; nothing when there is none."""
    found = find(node, *path)
    return iter(found.entries.items()) if isinstance(found, MapNode) else iter(())


def list_at(node: Node | None, *path: str | int) -> tuple[Node, ...]:
    """Items of the list at a path; nothing when there is none."""
    found = find(node, *path)
    return found.items if isinstance(found, ListNode) else ()


def texts_at(node: Node | None, *path: str | int) -> Iterator[tuple[str, Location]]:
    """The texts of the list at a path, with their places; other items are passed over."""
    for item in list_at(node, *path):
        if isinstance(item, ScalarNode) and isinstance(item.value, str):
            yield item.value, item.at


def locate(node: Node, path: Path) -> Location:
    """Where the value at `path` stands, or the deepest part of the path that exists."""
    for step in path:
        inner = find(node, step)
        if inner is None:
            break
        node = inner
    return node.at


def locate_key(node: Node | None, key: str) -> Location | None:
    """Where a key of an object stands."""
    return node.keys.get(key) if isinstance(node, MapNode) else None


def is_sensitive(node: Node) -> bool:
    """Whether any part holds a secret."""
    match node:
        case ScalarNode():
            return node.sensitive
        case ListNode():
            return any(is_sensitive(item) for item in node.items)
        case MapNode():
            return any(is_sensitive(value) for value in node.entries.values())


def shown(node: Node) -> str:
    """Short text of a value for a message; a secret is not shown."""
    if is_sensitive(node):
        return "(sensitive value)"
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        text = repr(node.value)
    else:
        text = json.dumps(to_json(node), ensure_ascii=False)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def type_name(node: Node) -> str:
    """The kind of value, in words."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "an object"
        case ScalarNode(value=None):
            return "empty"
        case ScalarNode(value=bool()):
            return "a boolean"
        case ScalarNode(value=int()):
            return "an integer"
        case ScalarNode(value=float()):
            return "a number"
        case _:
            return "text"
