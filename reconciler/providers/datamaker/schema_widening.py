"""Lets unit meta schemas admit our marker, and takes that out again. Pure.

The service validates a unit's `meta` against the collection's schema. A schema that is closed (`additionalProperties:
false` and the like) would refuse the marker, so what is sent is `widen(schema)`; `narrow` is its exact inverse, so that
the declared schema is what is read back.

Every part that judges the whole object is treated: the top level, the branches of allOf, anyOf, oneOf, if/then/else,
not and dependentSchemas, and local definitions that these refer to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from reconciler.model.json import JSON
from reconciler.providers.datamaker.marker import MARKER

# Stands for the marker in widened schemas, and is recognised by `narrow`. The variant records that there was no
# `properties` keyword before.
_ADMIT: dict[str, JSON] = {"$comment": "reconciler: ownership marker"}
_ADMIT_ALONE: dict[str, JSON] = {"$comment": "reconciler: ownership marker, the only property"}
_NAME: dict[str, JSON] = {"const": MARKER, "$comment": "reconciler: ownership marker"}

# Around a pattern: not our key, and somewhere in the name the pattern itself.
_EXCEPT = rf"^(?!{MARKER}$)(?=[\s\S]*?(?:"
_END = "))"

_Level = dict[str, JSON]


def widen(schema: JSON) -> JSON:
    """Give a schema that accepts what `schema` accepts, with our marker beside it. Booleans pass unchanged."""
    return _at_levels(schema, _widen_level)


def narrow(schema: JSON) -> JSON:
    """Undo `widen`. Only for schemas that were widened."""
    return _at_levels(schema, _narrow_level)


def _at_levels(schema: JSON, change: Callable[[_Level], _Level]) -> JSON:
    """Apply `change` to every subschema that judges the whole object."""
    if not isinstance(schema, Mapping):
        return schema
    names = _referenced(schema)
    result = _branches(dict(schema), lambda level: change(_branches_deep(level, change)))
    for keyword, name in sorted(names):
        target = result[keyword][name]
        result[keyword] = {**result[keyword], name: change(_branches_deep(dict(target), change))}
    return change(result)


def _branches_deep(level: _Level, change: Callable[[_Level], _Level]) -> _Level:
    return _branches(level, lambda inner: change(_branches_deep(inner, change)))


def _branches(level: _Level, change: Callable[[_Level], _Level]) -> _Level:
    """Apply `change` to the direct branches of a level."""
    result = dict(level)
    for keyword in ("allOf", "anyOf", "oneOf"):
        if isinstance(result.get(keyword), list):
            result[keyword] = [_if_object(item, change) for item in result[keyword]]
    for keyword in ("if", "then", "else", "not"):
        if keyword in result:
            result[keyword] = _if_object(result[keyword], change)
    if isinstance(result.get("dependentSchemas"), Mapping):
        result["dependentSchemas"] = {k: _if_object(v, change) for k, v in result["dependentSchemas"].items()}
    return result


def _if_object(schema: JSON, change: Callable[[_Level], _Level]) -> JSON:
    return change(dict(schema)) if isinstance(schema, Mapping) else schema


def _referenced(schema: Mapping[str, JSON]) -> set[tuple[str, str]]:
    """Local definitions that judge the whole object, by reference from the top, through other definitions."""
    found: set[tuple[str, str]] = set()
    waiting: list[JSON] = [schema]
    while waiting:
        for reference in _references(waiting.pop()):
            match = re.fullmatch(r"#/(\$defs|definitions)/([^/~%]+)", reference)
            keyword, name = match.groups() if match else ("", "")
            definitions = schema.get(keyword)
            target = definitions.get(name) if isinstance(definitions, Mapping) else None
            if isinstance(target, Mapping) and (keyword, name) not in found:
                found.add((keyword, name))
                waiting.append(target)
    return found


def _references(schema: JSON) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    if isinstance(schema.get("$ref"), str):
        yield schema["$ref"]
    branches: list[JSON] = [schema.get(keyword) for keyword in ("if", "then", "else", "not")]
    for keyword in ("allOf", "anyOf", "oneOf"):
        branches += schema[keyword] if isinstance(schema.get(keyword), list) else []
    dependent = schema.get("dependentSchemas")
    branches += dependent.values() if isinstance(dependent, Mapping) else []
    for branch in branches:
        yield from _references(branch)


def _widen_level(level: _Level) -> _Level:
    properties = level.get("properties")
    named = isinstance(properties, Mapping) and MARKER in properties
    closed = any(level.get(keyword, True) is not True for keyword in ("additionalProperties", "unevaluatedProperties"))
    result = dict(level)
    if named:
        result["properties"] = {**level["properties"], MARKER: _or_admit(level["properties"][MARKER])}
    elif closed and isinstance(properties, Mapping):
        result["properties"] = {**properties, MARKER: _ADMIT}
    elif closed and "properties" not in level:
        result["properties"] = {MARKER: _ADMIT_ALONE}
    patterns = level.get("patternProperties")
    if isinstance(patterns, Mapping):
        result["patternProperties"] = {_but_marker(pattern): sub for pattern, sub in patterns.items()}
    if "propertyNames" in level:
        result["propertyNames"] = {"anyOf": [_NAME, level["propertyNames"]]}
    if _is_count(level.get("maxProperties")):
        result["maxProperties"] = level["maxProperties"] + 1
    return result


def _narrow_level(level: _Level) -> _Level:
    result = dict(level)
    properties = level.get("properties")
    if isinstance(properties, Mapping) and MARKER in properties:
        result["properties"] = _without_admit(properties)
        if properties[MARKER] == _ADMIT_ALONE and not result["properties"]:
            del result["properties"]
    patterns = level.get("patternProperties")
    if isinstance(patterns, Mapping):
        result["patternProperties"] = {_declared(pattern): sub for pattern, sub in patterns.items()}
    names = level.get("propertyNames")
    if isinstance(names, Mapping) and names.keys() == {"anyOf"} and names["anyOf"][:1] == [_NAME]:
        result["propertyNames"] = names["anyOf"][1]
    if _is_count(level.get("maxProperties")):
        result["maxProperties"] = level["maxProperties"] - 1
    return result


def _without_admit(properties: Mapping[str, JSON]) -> dict[str, JSON]:
    own = properties[MARKER]
    if own in (_ADMIT, _ADMIT_ALONE):
        return {name: sub for name, sub in properties.items() if name != MARKER}
    return {**properties, MARKER: _without_or(own)}


def _or_admit(schema: JSON) -> JSON:
    return {"anyOf": [_ADMIT, schema]}


def _without_or(schema: JSON) -> JSON:
    wrapped = isinstance(schema, Mapping) and schema.keys() == {"anyOf"} and schema["anyOf"][:1] == [_ADMIT]
    return schema["anyOf"][1] if wrapped else schema


def _but_marker(pattern: str) -> str:
    """A pattern that matches the same names, except our key; unchanged when it does not match that anyway."""
    try:
        found = re.search(pattern, MARKER)
    except re.error:
        return pattern
    return f"{_EXCEPT}{pattern}{_END}" if found else pattern


def _declared(pattern: str) -> str:
    ours = pattern.startswith(_EXCEPT) and pattern.endswith(_END)
    return pattern[len(_EXCEPT) : -len(_END)] if ours else pattern


def _is_count(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
