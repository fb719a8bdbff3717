"""Bytes of a configuration file → positioned documents, or problems; picks the reader by the file's name."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.config.nodes import Node
from reconciler.errors import Location, Problem, Severity

SIZE_LIMIT_BYTES = 16 * 1024 * 1024

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text holds.

    documents: those that could be read, also when `problems` has errors. unfinished: the last problem ended it.
    """

    documents: tuple[Node, ...]
    problems: tuple[Problem, ...] = ()
    unfinished: bool = False

    @property
    def failed(self) -> bool:
        """Whether any problem is an error."""
        return any(p.severity is Severity.ERROR for p in self.problems)


def read_bytes(content: bytes, file: str) -> Reading:
    """Read the bytes of a file. file: its name for positions; `.json` selects the JSON reader."""
    decoded = decode_text(content, file)
    return decoded if isinstance(decoded, Reading) else read_text(decoded, file)


def decode_text(content: bytes, file: str) -> str | Reading:
    """Bytes → text: UTF-8, with or without byte order mark. A failed `Reading` when they are anything else."""
    if len(content) > SIZE_LIMIT_BYTES:
        return _failed(file, 0, 0, f"the file is larger than {SIZE_LIMIT_BYTES // 1024**2} MiB", "split it")
    if content.startswith(_UTF16):
        return _failed(file, 1, 1, "the file is UTF-16", "save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = content[: exc.start].decode("utf-8", "replace")
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        return _failed(file, line, column, f"byte 0x{content[exc.start]:02x} is not UTF-8", "save the file as UTF-8")


def read_text(text: str, file: str) -> Reading:
    """Read YAML, or JSON when the file is named `.json` or standard input holds a JSON object."""
    from reconciler.config import json_reader, yaml_reader

    text = text.removeprefix("\ufeff")
    if file.lower().endswith(".json"):
        return json_reader.read_json(text, file)
    if file == "-" and text.lstrip().startswith("{"):
        reading = json_reader.read_json(text, file)
        if not reading.failed:
            return reading
    return yaml_reader.read_yaml(text, file)


def _failed(file: str, line: int, column: int, summary: str, fix: str) -> Reading:
    return Reading((), (Problem(summary, Location(file, line, column), fix=fix),), unfinished=True)
