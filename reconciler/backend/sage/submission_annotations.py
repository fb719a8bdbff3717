"""The annotations of a submission's status, in the two shapes that exist, checked.

The newer shape is that of entities: key to `{type, value: […]}`; numbers may come unquoted, and are kept as texts.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from reconciler.backend.sage.body import Body
from reconciler.backend.sage.errors import bad

_MOST_KEYS: Final = 100
_MOST_VALUES: Final = 100
_LONGEST: Final = 500
_KEY: Final = re.compile(r"[A-Za-z0-9_.]{1,256}")
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,19}")
_REAL: Final = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?|nan|[-+]?inf(inity)?", re.IGNORECASE)
_PATTERNS: Final = {
    "STRING": re.compile(".*", re.DOTALL),
    "LONG": _WHOLE,
    "DOUBLE": _REAL,
    "TIMESTAMP_MS": _WHOLE,
    "BOOLEAN": re.compile("true|false", re.IGNORECASE),
}
_OLD: Final = ("stringAnnos", "longAnnos", "doubleAnnos")


def read_annotations(body: Body) -> str | None:
    """`submissionAnnotations` of a status as JSON, None when there are none."""
    outer = body.object("submissionAnnotations")
    inner = outer.object("annotations") if outer else None
    if inner is None:
        return None
    if len(inner.values) > _MOST_KEYS:
        raise bad(f"Exceeded the maximum number of annotation keys: {_MOST_KEYS}.")
    read = {key: _read_one(inner, key) for key in inner.values}
    return json.dumps({key: one for key, one in read.items() if one["value"]}, ensure_ascii=False, sort_keys=True)


def _read_one(inner: Body, key: str) -> dict[str, Any]:
    if not _KEY.fullmatch(key.strip()):
        raise bad(f"Invalid annotation name: '{key[:100]}'")
    one = inner.object(key)
    kind = one.text("type") if one else None
    if one is None or kind not in _PATTERNS:
        raise bad(f"Annotation {key} must have a type, one of {', '.join(_PATTERNS)}.")
    values = [_text(value) for value in one.items("value", most=_MOST_VALUES)]
    for value in values:
        if not _PATTERNS[kind].fullmatch(value):
            raise bad(f"Value associated with key={key} is not valid for type={kind}: {value[:100]}")
    if sum(map(len, values)) > _LONGEST:
        raise bad(f"Annotation {key} has more than {_LONGEST} characters.")
    return {"type": kind, "value": values}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise bad("Values of annotations must be texts.")


def read_old_annotations(body: Body) -> str | None:
    """`annotations` of a status as JSON, None when there are none."""
    outer = body.object("annotations")
    if outer is None:
        return None
    read = {name: [_old(one) for one in outer.objects(name, most=_MOST_KEYS)] for name in _OLD}
    keys = [one["key"] for some in read.values() for one in some]
    if len(set(keys)) < len(keys):
        raise bad("Annotation keys must be unique.")
    return json.dumps({name: some for name, some in read.items() if some}, ensure_ascii=False, sort_keys=True)


def _old(one: Body) -> dict[str, Any]:
    value = one.values.get("value")
    kinds = {"stringAnnos": (str,), "longAnnos": (int,), "doubleAnnos": (int, float)}
    wanted = next(kinds[name] for name in _OLD if f"{name}[" in one.where)
    if value is not None and (type(value) not in wanted or len(str(value)) > _LONGEST):
        raise bad(f"{one.where}value is not valid.")
    entry = {"key": one.needed("key", longest=256), "isPrivate": one.boolean("isPrivate", True)}
    return entry if value is None else {**entry, "value": value}
