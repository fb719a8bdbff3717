"""File specifications on the wire (`file_specifications` of `/v2/data-collections/`). Pure.

What the v2 model has no field for is kept in each specification's `configuration`, beside other people's keys:
`extensions`; `type`, when the declared type is sent under another name; `assumed`, the fields that the service demands
and nobody declared, so that they are not reported as declared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model.json import JSON

Fields = Mapping[str, JSON]

_WIRE_TYPES = {"document": "data", "medical": "data"}
_OURS = ("extensions", "type", "assumed")


def wire_type(declared: str) -> str:
    """The service's name of a file type."""
    return _WIRE_TYPES.get(declared, declared)


def to_wire(specs: Sequence[Fields], observed: Sequence[Fields] = ()) -> list[dict[str, JSON]]:
    """Give the full wire list (the service deletes what is not listed), in order, ids and foreign settings kept.

    The service wants exactly one primary specification and exactly one of function type "main". Where nobody declared
    them, the first specification is primary, the primary one is main and the others are "sub".
    """
    there = {str(spec.get("name")): spec for spec in observed}
    primary = next((s["name"] for s in specs if s.get("primary")), specs[0]["name"] if specs else None)
    has_main = any(spec.get("functionType") == "main" for spec in specs)
    return [
        _one_to_wire(spec, index, there.get(spec["name"], {}), spec["name"] == primary, has_main)
        for index, spec in enumerate(specs)
    ]


def _one_to_wire(spec: Fields, index: int, there: Fields, primary: bool, has_main: bool) -> dict[str, JSON]:
    assumed = ["is_primary"] if primary and not spec.get("primary") else []
    function_type = spec.get("functionType")
    if function_type is None:
        function_type = "main" if primary and not has_main else "sub"
        assumed.append("function_type")
    configuration = _foreign_configuration(there)
    configuration["extensions"] = list(spec.get("extensions") or ())
    if wire_type(spec["type"]) != spec["type"]:
        configuration["type"] = spec["type"]
    if assumed:
        configuration["assumed"] = assumed
    wire: dict[str, JSON] = {
        "name": spec["name"],
        "file_type": wire_type(spec["type"]),
        "description": spec.get("description") or "",
        "configuration": configuration,
        "is_required": bool(spec.get("required")),
        "is_primary": primary,
        "is_sequential": bool(spec.get("sequential")),
        "function_type": function_type,
        "index": index,
    }
    return {"id": there["id"], **wire} if "id" in there else wire


def _foreign_configuration(there: Fields) -> dict[str, JSON]:
    configuration = there.get("configuration")
    foreign = configuration if isinstance(configuration, Mapping) else {}
    return {key: value for key, value in foreign.items() if key not in _OURS}


def from_wire(wire: Sequence[Fields]) -> list[dict[str, JSON]]:
    """Give specifications in our vocabulary, in their order of `index`."""
    ordered = sorted(enumerate(wire), key=lambda pair: (_index(pair[1]), pair[0]))
    return [_one_from_wire(spec) for _, spec in ordered]


def _index(spec: Fields) -> int:
    index = spec.get("index")
    return index if isinstance(index, int) else 0


def _one_from_wire(spec: Fields) -> dict[str, JSON]:
    found = spec.get("configuration")
    configuration: Fields = found if isinstance(found, Mapping) else {}
    assumed = configuration.get("assumed") or ()
    kind, declared = spec.get("file_type"), configuration.get("type")
    known = isinstance(declared, str) and wire_type(declared) == kind
    fields: dict[str, JSON] = {
        "name": spec.get("name"),
        "type": declared if known else kind,
        "extensions": configuration.get("extensions") or spec.get("extensions") or [],
        "required": bool(spec.get("is_required")),
        "primary": bool(spec.get("is_primary")) and "is_primary" not in assumed,
        "sequential": bool(spec.get("is_sequential")),
        "description": spec.get("description"),
    }
    if spec.get("function_type") and "function_type" not in assumed:
        fields["functionType"] = spec["function_type"]
    return fields
