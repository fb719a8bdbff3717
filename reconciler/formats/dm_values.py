"""Values of DM payloads, checked on the way in, and the problems of those that are wrong."""

from __future__ import annotations

import json
from typing import Final

from reconciler.errors import Problem, Severity
from reconciler.formats.annotations import Pair
from reconciler.model.json import JSON, canonical_json

LIMIT: Final = 1e18
"""No coordinate or time is beyond; what is would turn into infinity as soon as it is multiplied."""

NUMERIC: Final = frozenset((int, float))
"""Types of JSON numbers (bool is none)."""


class Malformed(ValueError):
    """A row that cannot be read as the shape it claims to be; the message says why."""


def is_whole(value: JSON) -> bool:
    """True for a JSON integer (bool is none)."""
    return type(value) is int


def number(value: JSON, what: str) -> float:
    """Return a JSON number unchanged. Raises Malformed for anything else and beyond the limit, `what` naming it."""
    if type(value) not in NUMERIC or not -LIMIT <= value <= LIMIT:
        raise Malformed(f"{what} is {short(value)}, not a finite number")
    return value  # type: ignore[no-any-return]  # checked above


def numbers(value: JSON, count: int, what: str) -> tuple[float, ...]:
    """A list of so many numbers."""
    if type(value) is not list or len(value) != count:
        raise Malformed(f"`{what}` is not a list of {count} numbers")
    return tuple([number(v, f"{what}[{i}]") for i, v in enumerate(value)])


def pairs(value: JSON, what: str) -> tuple[Pair, ...]:
    """A list of [x, y]."""
    if type(value) is not list:
        raise Malformed(f"`{what}` is not a list of points")
    points: list[Pair] = []
    for i, pair in enumerate(value):
        x, y = numbers(pair, 2, f"{what}[{i}]")
        points.append((x, y))
    return tuple(points)


def named_points(value: JSON, what: str) -> tuple[tuple[Pair, ...], tuple[str | None, ...] | None]:
    """A list of {x, y, id}, and the ids when there are any."""
    if type(value) is not list:
        raise Malformed(f"`{what}` is not a list of points with x and y")
    points: list[Pair] = []
    ids: list[str | None] = []
    for i, point in enumerate(value):
        if type(point) is not dict:
            raise Malformed(f"`{what}` is not a list of points with x and y")
        x: JSON = point.get("x")
        y: JSON = point.get("y")
        name: JSON = point.get("id")
        if type(x) not in NUMERIC or type(y) not in NUMERIC or not (-LIMIT <= x <= LIMIT and -LIMIT <= y <= LIMIT):
            x, y = number(x, f"{what}[{i}].x"), number(y, f"{what}[{i}].y")
        points.append((x, y))
        ids.append(name if type(name) is str else None)
    return tuple(points), tuple(ids) if any(i is not None for i in ids) else None


def short(value: JSON) -> str:
    """A value in a message: cut to a readable length, without the insides of lists and objects."""
    if isinstance(value, (list, dict)):
        return f"a {type(value).__name__}"
    text = "a number of many digits" if type(value) is int and value.bit_length() > 128 else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def malformed(path: str, detail: str) -> Problem:
    """The problem of one place that could not be read; the rest of the document was."""
    return Problem(
        f"{path}: cannot be read",
        detail=detail,
        fix="correct it in the annotation tool; until then it is kept and not converted",
        severity=Severity.WARNING,
    )


def parse_text(value: JSON) -> JSON:
    """The value of a text that holds JSON; any other value as it is.

    Raises:
        Malformed: the text is no JSON, or holds numbers or half characters that no JSON file may hold.
    """
    if not isinstance(value, (str, bytes)):
        return value
    try:
        parsed = json.loads(value)
        canonical_json(parsed).encode()
    except (ValueError, RecursionError) as exc:
        raise Malformed(f"the payload is text and not JSON: {exc}") from exc
    return parsed
