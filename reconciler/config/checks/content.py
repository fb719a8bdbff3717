"""Content rules: limits that contradict each other, unknown DICOM attributes and specifications."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.checks.specifications import unknown_specifications
from reconciler.config.decode import size_bytes
from reconciler.config.nodes import MapNode, Node, ScalarNode, find, texts_at
from reconciler.config.suggestion import did_you_mean
from reconciler.content.dicom_tags import KNOWN, tag_number
from reconciler.errors import Location, Problem

_LIMITS = (("size", "min", "max"), ("dimensions", "minWidth", "maxWidth"), ("dimensions", "minHeight", "maxHeight"))


def check(index: Index) -> Iterator[Problem]:
    """The `content` block of every asset set."""
    for document in index.of_kind("AssetSet"):
        block = find(document.node, "spec", "content")
        yield from block_problems(block)
        named = find(block, "specifications")
        used = named.keys.items() if isinstance(named, MapNode) else ()
        yield from unknown_specifications(index, index.collection_of(document), used)


def block_problems(block: Node | None) -> Iterator[Problem]:
    """What the schema does not see in one `content` block."""
    for rules in (block, *_inner(find(block, "types")), *_inner(find(block, "specifications"))):
        for rule, low, high in _LIMITS:
            yield from _contradiction(find(rules, rule), low, high)
        for name in ("tags", "keep"):
            for text, at in texts_at(rules, "identity", name):
                yield from _unknown_tag(text, at)


def _inner(node: Node | None) -> Iterator[Node]:
    if isinstance(node, MapNode):
        yield from node.entries.values()


def _contradiction(rule: Node | None, low: str, high: str) -> Iterator[Problem]:
    least, most = _amount(find(rule, low)), _amount(find(rule, high))
    at = find(rule, low)
    if least is not None and most is not None and least > most and at is not None:
        detail = f"{least:,} is more than {most:,}; no file meets both."
        yield Problem(f"{low} is larger than {high}", at.at, detail, "swap them, or leave one out")


def _amount(node: Node | None) -> int | None:
    """A number, or a size; None for what the schema refuses."""
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return size_bytes(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _unknown_tag(text: str, at: Location) -> Iterator[Problem]:
    if tag_number(text) is None:
        detail = "Attributes are written by their name in the DICOM standard, or by number, such as '0010,0010'."
        fix = did_you_mean(text, KNOWN, "write its number; only the names in the documentation are known")
        yield Problem(f"unknown DICOM attribute '{text}'", at, detail, fix)
