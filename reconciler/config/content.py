"""`content` blocks of asset sets and of the workspace → the rules of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.config.decode import size_bytes
from reconciler.config.documents import Document
from reconciler.config.nodes import Node, find, to_json
from reconciler.errors import Severity
from reconciler.model.content import Check, ContentBlock, ContentRule
from reconciler.model.resource import AssetSet, Resource

_SEVERITY = {"fail": Severity.ERROR, "warn": Severity.WARNING, "off": None}
_PIXELS = ("minWidth", "maxWidth", "minHeight", "maxHeight")


def with_content(resource: Resource, document: Document, workspace: Node | None) -> Resource:
    """An asset set with the rules of the workspace and its own, the stronger ones last; others as they are.

    document: of the resource. workspace: `spec` of the workspace document.
    """
    if not isinstance(resource, AssetSet) or resource.existing is not None:
        return resource
    nodes = (find(workspace, "policies", "content"), find(document.node, "spec", "content"))
    return replace(resource, content=tuple(_block(to_json(node)) for node in nodes if node is not None))


def _block(item: Mapping[str, Any]) -> ContentBlock:
    return ContentBlock(
        rules=_rules(item),
        allow=tuple(item.get("allow", ())),
        types={name: _rules(rules) for name, rules in item.get("types", {}).items()},
        specifications={name: _rules(rules) for name, rules in item.get("specifications", {}).items()},
    )


def _rules(item: Mapping[str, Any]) -> tuple[ContentRule, ...]:
    return tuple(_rule(check, item[check.value]) for check in Check if check.value in item)


def _rule(check: Check, value: str | Mapping[str, Any]) -> ContentRule:
    item: Mapping[str, Any] = {"policy": value} if isinstance(value, str) else value
    policy, tags = item.get("policy", "fail"), item.get("tags")
    return ContentRule(
        check=check,
        severity=_SEVERITY[policy],
        allow=tuple(item.get("allow", ())),
        limits=_limits(item),
        tags=None if tags is None else tuple(tags),
        keep=tuple(item.get("keep", ())),
        accept_deidentified=item.get("acceptDeidentified", False),
    )


def _limits(item: Mapping[str, Any]) -> dict[str, int]:
    """Sizes in bytes and sides in pixels. `1.0` is an integer for JSON Schema."""
    given = {name: item[name] for name in ("min", "max", *_PIXELS) if name in item}
    sizes = {name: size_bytes(int(value) if isinstance(value, float) else value) for name, value in given.items()}
    return {name: value for name, value in sizes.items() if value is not None}
