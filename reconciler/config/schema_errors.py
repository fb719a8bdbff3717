"""Errors of a JSON Schema validator → problems in the words of our language, with place and fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.config.nodes import (
    ListNode,
    MapNode,
    Node,
    Path,
    ScalarNode,
    find,
    locate_key,
    shown,
    type_name,
)
from reconciler.config.suggestion import did_you_mean, listed, nearest
from reconciler.errors import Location, Problem

_TYPE_NAMES = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "empty",
}
_YES = frozenset({"yes", "on", "y"})
_NO = frozenset({"no", "off", "n"})


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """Turns the errors about one document into problems.

    hidden: paths that have a better problem already. unresolved: places whose expression could not be filled in.
    """

    node: Node
    schema: Any
    hidden: Collection[Path] = ()
    unresolved: Collection[Location] = ()

    def problems(self, errors: Iterable[Any]) -> list[Problem]:
        """All problems, without repetitions, in no particular order."""
        found: dict[tuple[str, Location | None], Problem] = {}
        for error in errors:
            for problem in self._of(error):
                found.setdefault((problem.summary, problem.at), problem)
        return list(found.values())

    def _of(self, error: Any) -> Iterator[Problem]:
        path = tuple(error.absolute_path)
        if any(path[: len(hidden)] == hidden for hidden in self.hidden):
            return
        node = find(self.node, *path) if path else self.node
        if node is None or (isinstance(node, ScalarNode) and node.at in self.unresolved):
            return
        if "propertyNames" in error.relative_schema_path:
            yield self._bad_key(error, node)
            return
        match error.validator:
            case "additionalProperties" | "unevaluatedProperties":
                yield from self._unknown_keys(error, path, node)
            case "required":
                yield from self._missing_keys(error, path, node)
            case "oneOf" | "anyOf":
                yield from self._alternatives(error, path, node)
            case "dependentRequired":
                yield from self._dependents(error, path, node)
            case _:
                yield self._bad_value(error, path, node)

    def _unknown_keys(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        known = list(error.schema.get("properties", {}))
        where = f"{dotted(path)} has" if path else "a document has"
        for key in error.instance:
            if key not in known and (*path, key) not in self.hidden:
                fix = did_you_mean(key, known, "remove it, or see the schema of the kind")
                detail = f"{where} the keys {listed(known, 20)}."
                yield Problem(f"unknown key '{key}'", locate_key(node, key) or node.at, _sentence(detail), fix)

    def _missing_keys(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        unknown = [key for key in error.instance if key not in error.schema.get("properties", {})]
        misspelt = {nearest(key, error.schema.get("properties", {})) for key in unknown}
        for key in error.validator_value:
            if key not in error.instance and key not in misspelt:
                what = dotted((*path, key))
                yield Problem(f"{what} is missing", node.at, _about(error, key), f"add '{key}: ...'")

    def _dependents(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        for key, needed in error.validator_value.items():
            for other in needed:
                if key in error.instance and other not in error.instance and (*path, key) not in self.hidden:
                    place = locate_key(node, key) or node.at
                    yield Problem(f"{dotted((*path, key))} needs '{other}' beside it", place, fix=f"add '{other}: ...'")

    def _bad_key(self, error: Any, node: Node) -> Problem:
        key = str(error.instance)
        at, known = locate_key(node, key) or node.at, error.schema.get("enum")
        if known:
            return Problem(
                f"unknown key '{key}'", at, f"Allowed here: {listed(known, 20)}.", did_you_mean(key, known, "remove it")
            )
        detail = str(error.schema.get("description") or f"Keys here match {error.schema.get('pattern')}.")
        return Problem(f"'{key}' is not a valid key", at, detail, "rename it")

    def _alternatives(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        branches: Sequence[Any] = error.validator_value
        if all(set(branch) <= {"required"} for branch in branches):
            yield from self._exactly_one(branches, path, node)
            return
        index = next((i for i, branch in enumerate(branches) if self._accepts_type(branch, node)), None)
        if index is None:
            titles = " or ".join(str(branch.get("title", "")) for branch in branches)
            yield self._wrong_type(path, node, titles, [self._types(branch) for branch in branches])
            return
        for inner in error.context:
            if inner.relative_schema_path[0] == index:
                yield from self._of(inner)

    def _exactly_one(self, branches: Sequence[Any], path: Path, node: Node) -> Iterator[Problem]:
        keys = [key for branch in branches for key in branch["required"]]
        given = [key for key in keys if find(node, key) is not None]
        if not isinstance(node, MapNode) or any(hidden[:-1] == path for hidden in self.hidden):
            return
        if not given:
            yield Problem(f"{dotted(path)} needs one of {', '.join(keys)}", node.at, fix="add one of them")
        else:
            place = locate_key(node, given[1]) if len(given) > 1 else node.at
            summary = f"{' and '.join(given)} exclude each other"
            yield Problem(summary, place, f"Exactly one of {', '.join(keys)} is needed.", "keep one of them")

    def _bad_value(self, error: Any, path: Path, node: Node) -> Problem:
        what = dotted(path)
        limit = error.validator_value
        match error.validator:
            case "type":
                types = [limit] if isinstance(limit, str) else list(limit)
                wanted = " or ".join(_TYPE_NAMES.get(t, t) for t in types)
                return self._wrong_type(path, node, wanted, [types])
            case "enum":
                return self._not_listed(error, path, node)
            case "const":
                return Problem(f"{what} must be {limit!r}, not {shown(node)}", node.at, fix=f"write {limit}")
            case "pattern" | "format":
                detail = str(error.schema.get("description") or f"It must be {error.schema.get('title')}.")
                return Problem(f"{what} cannot be {shown(node)}", node.at, detail, "change the value")
            case _:
                return Problem(f"{what} {_limit(error)}", node.at, _value(node), "change the value")

    def _wrong_type(self, path: Path, node: Node, wanted: str, types: Sequence[Collection[str]]) -> Problem:
        what = dotted(path)
        every = {t for group in types for t in group}
        if isinstance(node, ScalarNode) and node.value is None:
            return Problem(f"{what} is empty", node.at, f"It must be {wanted}.", "give it a value, or remove the key")
        is_id = "{id: ...}" in wanted and isinstance(node, ScalarNode) and isinstance(node.value, int)
        fix = f"write {{id: {shown(node)}}}, or the name of a document" if is_id else _type_fix(node, every)
        return Problem(f"{what} must be {wanted}, not {type_name(node)}: {shown(node)}", node.at, fix=fix)

    def _not_listed(self, error: Any, path: Path, node: Node) -> Problem:
        allowed = [str(v) if v != "" else "''" for v in error.validator_value]
        value = node.value if isinstance(node, ScalarNode) and not node.sensitive else ""
        fix = did_you_mean(str(value), [str(v) for v in error.validator_value if v != ""], "write one of them")
        return Problem(f"{dotted(path)} cannot be {shown(node)}", node.at, f"Allowed: {listed(allowed)}.", fix)

    def _accepts_type(self, branch: Any, node: Node) -> bool:
        types = self._types(branch)
        match node:
            case MapNode():
                return "object" in types
            case ListNode():
                return "array" in types
            case ScalarNode(value=bool()):
                return "boolean" in types
            case ScalarNode(value=int()):
                return "integer" in types or "number" in types
            case ScalarNode(value=float()):
                return "number" in types
            case ScalarNode(value=str()):
                return "string" in types
            case _:
                return "null" in types

    def _types(self, branch: Any) -> list[str]:
        while "type" not in branch and str(branch.get("$ref", "")).startswith("#/$defs/"):
            branch = self.schema["$defs"][branch["$ref"].removeprefix("#/$defs/")]
        types = branch.get("type", [])
        return [types] if isinstance(types, str) else list(types)


def dotted(path: Path) -> str:
    """A path as people write it: `spec.files[0].match`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "the document"


def _about(error: Any, key: str) -> str:
    described = error.schema.get("properties", {}).get(key, {})
    return str(described.get("description", ""))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("a ") else text


def _value(node: Node) -> str:
    return f"It is {shown(node)}." if isinstance(node, ScalarNode) else ""


def _type_fix(node: Node, wanted: Collection[str]) -> str:
    if not isinstance(node, ScalarNode):
        return "write a single value" if not {"array", "object"} & set(wanted) else "change the value"
    if isinstance(node.value, str):
        return _text_fix(node, wanted)
    if "string" in wanted:
        return "put it in quotes"
    return "write a list: [a, b]" if "array" in wanted else "change the value"


def _text_fix(node: ScalarNode, wanted: Collection[str]) -> str:
    text = str(node.value).lower()
    if "boolean" in wanted and text in _YES | _NO | {"true", "false"}:
        return f"write {'true' if text in _YES | {'true'} else 'false'} without quotes"
    if {"integer", "number"} & set(wanted) and text.lstrip("+-").isdigit() and not node.sensitive:
        return "remove the quotes"
    if "array" in wanted:
        return "put it in a list: [...]"
    return "change the value"


def _limit(error: Any) -> str:
    limit = error.validator_value
    words = {
        "minItems": f"needs at least {limit} {'item' if limit == 1 else 'items'}",
        "minLength": "must not be empty" if limit == 1 else f"needs at least {limit} characters",
        "maxLength": f"may have at most {limit} characters",
        "minProperties": "must not be empty",
        "maxProperties": f"may have at most {limit} keys" if limit else "must be empty here",
        "minimum": f"must be at least {limit}",
        "exclusiveMinimum": f"must be more than {limit}",
        "maximum": f"must be at most {limit}",
        "uniqueItems": "holds an item twice",
    }
    return words.get(error.validator, f"breaks the rule '{error.validator}'")
