"""Metadata sources: groups of path expressions, sidecar templates, types of defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.checks.patterns import compiled
from reconciler.config.documents import Document
from reconciler.config.nodes import MapNode, ScalarNode, find, map_at, shown, text_at
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.errors import Problem
from reconciler.model.key_template import template_fields, template_rest

_FIELD = re.compile(r"\{([^{}]*)\}")
_TEMPLATE = ("spec", "table", "key", "template")
_SIDECAR_FIELDS = ("key", "stem")
_DEFAULT_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "date": (str,),
    "datetime": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def check(index: Index) -> Iterator[Problem]:
    """Every metadata source."""
    for document in index.of_kind("MetadataSource"):
        yield from _path(document)
        yield from _sidecar(document)
        yield from _columns(document)
        yield from _key(document)


def _path(document: Document) -> Iterator[Problem]:
    path = find(document.node, "spec", "path")
    node = find(path, "regex")
    regex = compiled(node)
    if isinstance(regex, Problem):
        yield regex
    elif regex is not None and node is not None:
        if not regex.groupindex:
            fix = "name the parts: (?P<age>[0-9]+)"
            yield Problem(f"{regex.pattern!r} has no named groups", node.at, fix=fix)
        types = find(path, "types")
        for name in types.entries if isinstance(types, MapNode) else ():
            if name not in regex.groupindex and isinstance(types, MapNode):
                detail = f"Its named groups: {listed(regex.groupindex)}." if regex.groupindex else ""
                fix = did_you_mean(name, regex.groupindex, "use the name of a group")
                yield Problem(f"the expression has no group '{name}'", types.keys[name], detail, fix)


def _sidecar(document: Document) -> Iterator[Problem]:
    text, node = text_at(document.node, "spec", "sidecar", "file"), find(document.node, "spec", "sidecar", "file")
    if text is None or node is None:
        return
    fields = _FIELD.findall(text)
    for name in fields:
        if name not in _SIDECAR_FIELDS:
            fix = did_you_mean(name, _SIDECAR_FIELDS, "use {key} or {stem}")
            yield Problem(f"unknown field '{{{name}}}' in {text!r}", node.at, "Fields: {key}, {stem}.", fix)


def _columns(document: Document) -> Iterator[Problem]:
    for _, column in map_at(document.node, "spec", "table", "columns"):
        kind, default = text_at(column, "type"), find(column, "default")
        if kind not in _DEFAULT_TYPES or not isinstance(default, ScalarNode) or default.value is None:
            continue
        is_boolean = isinstance(default.value, bool)
        if not isinstance(default.value, _DEFAULT_TYPES[kind]) or is_boolean != (kind == "boolean"):
            summary = f"the default {shown(default)} is not of type {kind}"
            yield Problem(summary, default.at, fix="change the default or the type")


def _key(document: Document) -> Iterator[Problem]:
    """The template of a key names columns, and holds no other braces."""
    text, node = text_at(document.node, *_TEMPLATE), find(document.node, *_TEMPLATE)
    if text is None or node is None:
        return
    if not template_fields(text):
        yield Problem(f"{text!r} names no column", node.at, fix="write columns in braces: {site}-{number:04}")
    elif set(template_rest(text)) & set("{}"):
        detail = "A column stands in braces, padded or not: {number}, {number:04}."
        yield Problem(f"{text!r} has braces that name no column", node.at, detail, "close them, or leave them out")
