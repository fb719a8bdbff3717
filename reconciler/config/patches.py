"""JSON merge patches (RFC 7386) on positioned values; what a patch writes keeps its place in the patch."""

from __future__ import annotations

from reconciler.config.nodes import MapNode, Node, ScalarNode


def merge(target: Node | None, patch: Node) -> Node:
    """Apply a merge patch: objects are merged, null removes a key, anything else replaces."""
    if not isinstance(patch, MapNode):
        return patch
    base = target if isinstance(target, MapNode) else MapNode({}, {}, patch.at)
    entries, keys = dict(base.entries), dict(base.keys)
    for key, value in patch.entries.items():
        if isinstance(value, ScalarNode) and value.value is None:
            entries.pop(key, None)
            keys.pop(key, None)
            continue
        if key not in entries:
            keys[key] = patch.keys[key]
        entries[key] = merge(entries.get(key), value)
        if not isinstance(entries[key], MapNode):
            keys[key] = patch.keys[key]
    return MapNode(entries, keys, base.at)
