"""Reading request bodies: every value has the type that the caller of these functions asks for, or it is a 400.

An explicit null counts as absent, and unknown keys are left alone.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast

from reconciler.backend.sage.errors import bad
from reconciler.backend.wire import Request

_SYN: Final = re.compile(r"\s*(?:syn)?([0-9]{1,15})(?:\.([0-9]{1,9}))?\s*", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_WIDEST: Final = 1 << 53


class Body:
    """A JSON object of a request. where: dotted place of the object, for error texts."""

    __slots__ = ("values", "where")

    def __init__(self, values: Any, where: str = "") -> None:
        if not isinstance(values, dict):
            raise bad(f"{where or 'The request body'} must be a JSON object.")
        self.values = cast("dict[str, Any]", values)
        self.where = f"{where}." if where else ""

    def _fail(self, key: str, rule: str) -> Exception:
        return bad(f"{self.where}{key} {rule}.")

    def text(self, key: str, *, longest: int = 10_000) -> str | None:
        """A text, None when absent."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._fail(key, "must be a string")
        if len(value) > longest:
            raise self._fail(key, f"must be at most {longest} characters long")
        return value

    def needed(self, key: str, *, longest: int = 10_000) -> str:
        """A text that must be there and not be empty."""
        value = self.text(key, longest=longest)
        if not value:
            raise self._fail(key, "is required")
        return value

    def integer(self, key: str, default: int | None = None) -> int | None:
        """A whole number; numbers written as text are taken too, as ids often come so."""
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = int(value)
        if type(value) is not int or not -_WIDEST <= value <= _WIDEST:
            raise self._fail(key, "must be a whole number")
        return value

    def needed_integer(self, key: str) -> int:
        """A whole number that must be there."""
        value = self.integer(key)
        if value is None:
            raise self._fail(key, "is required")
        return value

    def boolean(self, key: str, default: bool = False) -> bool:
        """A truth value."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._fail(key, "must be true or false")
        return value

    def items(self, key: str, *, most: int = 1_000_000) -> list[Any]:
        """A list, empty when absent."""
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._fail(key, "must be a list")
        if len(value) > most:
            raise self._fail(key, f"must have at most {most} elements")
        return value

    def object(self, key: str) -> Body | None:
        """An object, None when absent."""
        value = self.values.get(key)
        return None if value is None else Body(value, f"{self.where}{key}")

    def objects(self, key: str, *, most: int = 1_000_000) -> list[Body]:
        """A list of objects, empty when absent."""
        items = self.items(key, most=most)
        return [Body(item, f"{self.where}{key}[{index}]") for index, item in enumerate(items)]

    def entity(self, key: str) -> int | None:
        """An entity id such as `syn123` or `123`, None when absent."""
        value = self.values.get(key)
        return None if value is None else entity_id(value)

    def needed_entity(self, key: str) -> int:
        """An entity id that must be there."""
        value = self.entity(key)
        if value is None:
            raise self._fail(key, "is required")
        return value


def body_of(request: Request) -> Body:
    """The body of a request as an object."""
    return Body(request.json())


def entity_id(value: Any) -> int:
    """The number of an entity id such as `syn123`, `123` or `syn123.4`; 400 when it is none."""
    return entity_reference(value)[0]


def entity_reference(value: Any) -> tuple[int, int | None]:
    """The number and, if there is one, the version of `syn123.4`; 400 when it is none."""
    if type(value) is int and 0 <= value < _WIDEST:
        return value, None
    found = _SYN.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise bad(f"{str(value)[:100]} is not a valid Synapse ID.")
    return int(found[1]), int(found[2]) if found[2] else None


def plain_id(text: str) -> int:
    """The number of any other id; 400 when it is none."""
    if not _NUMBER.fullmatch(text):
        raise bad(f"{text[:100]} is not a valid ID.")
    return int(text)
