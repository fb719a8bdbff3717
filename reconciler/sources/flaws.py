"""Faults that only the content of a file shows; today: a `.json` file that is not JSON."""

from __future__ import annotations

from reconciler.errors import Location, Problem, Severity, SourceError
from reconciler.sources.content import open_file
from reconciler.sources.delimited import parse_json
from reconciler.sources.location import Place, failure

_JSON_LIMIT_BYTES = 32 * 1024 * 1024


def is_checked(path: str, size_bytes: int) -> bool:
    """True when the content of this file says whether it is whole."""
    return 0 < size_bytes <= _JSON_LIMIT_BYTES and path.lower().endswith(".json")


def content_flaw(content: bytes) -> str:
    """What is wrong with the content of a checked file, "" when nothing."""
    try:
        parse_json(content, unique_names=False)
    except ValueError as error:
        return f"not valid JSON: {error}"
    return ""


def file_flaw(place: Place, path: str, size_bytes: int) -> str:
    """Read a file that will not be hashed and say what is wrong with its content. Raises SourceError."""
    if not is_checked(path, size_bytes):
        return ""
    with open_file(place, path) as stream:
        try:
            content = stream.read()
        except Exception as error:  # every remote filesystem has an error tree of its own
            raise SourceError([failure(place, path, "cannot be read", error)]) from error
    return content_flaw(content)


def flaw_problem(place: Place, path: str, spec: str, key: str, flaw: str, address: str) -> Problem:
    """The warning about a flaw."""
    what = f"{spec} of unit {key!r} is {flaw}"
    detail = "Backends take it as it is; whoever reads it will not."
    return Problem(what, Location(place.show(path)), detail, "correct the file", Severity.WARNING, address)
