"""Reading request bodies field by field, so that every wrong field is reported at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, Final

from reconciler.backend.wire import FieldError, encode_json, invalid

MAX_ID: Final = (1 << 31) - 1


class Writing(Enum):
    """CREATE wants required fields and fills in defaults; REPLACE wants required fields; PATCH takes what is there."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"


class Fields:
    """Collects column values and errors from one JSON object. Unknown keys are ignored, as the real service does."""

    def __init__(self, body: Mapping[str, Any], writing: Writing = Writing.CREATE, *, where: str = "") -> None:
        self._body = body
        self._writing = writing
        self._where = where
        self.errors: list[FieldError] = []
        self.values: dict[str, Any] = {}

    def text(
        self,
        name: str,
        *,
        longest: int = 100_000,
        shortest: int = 0,
        choices: Collection[str] = (),
        default: str | None = None,
        required: bool = False,
        column: str = "",
    ) -> None:
        """A string of `shortest` to `longest` characters, one of `choices` if given."""
        if not self._take(name, column, default, required):
            return
        value = self._body[name]
        if not isinstance(value, str):
            self.fail(name, "must be a string")
        elif choices and value not in choices:
            self.fail(name, f"must be one of {', '.join(repr(c) for c in sorted(choices))}")
        elif not shortest <= len(value.strip() if shortest else value) or len(value) > longest:
            self.fail(name, f"must have {shortest} to {longest} characters")
        else:
            self.values[column or name] = value

    def integer(
        self,
        name: str,
        *,
        least: int = 0,
        most: int = MAX_ID,
        default: int | None = None,
        required: bool = False,
        nullable: bool = False,
        column: str = "",
    ) -> None:
        """A whole number, or null where that is allowed."""
        if not self._take(name, column, default, required):
            return
        value = self._body[name]
        if value is None and nullable:
            self.values[column or name] = None
        elif type(value) is not int or not least <= value <= most:
            self.fail(name, f"must be a whole number from {least} to {most}")
        else:
            self.values[column or name] = value

    def boolean(self, name: str, *, default: bool | None = None, column: str = "") -> None:
        """A truth value."""
        if not self._take(name, column, default, False):
            return
        value = self._body[name]
        if not isinstance(value, bool):
            self.fail(name, "must be true or false")
        else:
            self.values[column or name] = value

    def any(self, name: str, *, default: str | None = None, required: bool = False, column: str = "") -> None:
        """Any JSON value, kept as text. default: as JSON text."""
        if self._take(name, column, default, required):
            self.values[column or name] = encode_json(self._body[name])

    def fail(self, name: str, message: str, **extra: Any) -> None:
        """Note a wrong field."""
        self.errors.append(FieldError(self._where + name, message, extra))

    def done(self) -> dict[str, Any]:
        """Column → value of what was given or defaulted. Raises `ApiError` 400 with every wrong field."""
        if self.errors:
            raise invalid(self.errors)
        return self.values

    def _take(self, name: str, column: str, default: Any, required: bool) -> bool:
        if name in self._body:
            return True
        if required and self._writing is not Writing.PATCH:
            self.fail(name, "is required")
        elif default is not None and self._writing is Writing.CREATE:
            self.values[column or name] = default
        return False


def id_list(body: Mapping[str, Any], name: str, *, most: int, least: int = 0) -> list[int]:
    """A list of ids. Raises `ApiError` 400 when it is missing, malformed, or longer than `most`."""
    value = body.get(name)
    if not isinstance(value, list) or not all(type(v) is int and 0 <= v <= MAX_ID for v in value):
        raise invalid([FieldError(name, "must be a list of ids")])
    check_bulk(name, value, most=most, least=least)
    return value


def check_bulk(name: str, value: list[Any], *, most: int, least: int = 1) -> None:
    """Hold a bulk request to its size. Raises `ApiError` 400 `BULK_SIZE_EXCEEDED`, or `VALIDATION_ERROR` below it."""
    if len(value) > most:
        error = invalid([FieldError(name, f"at most {most}", {"received": len(value), "limit": most})])
        error.code = "BULK_SIZE_EXCEEDED"
        raise error
    if len(value) < least:
        raise invalid([FieldError(name, f"at least {least}")])
