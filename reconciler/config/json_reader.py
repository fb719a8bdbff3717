"""JSON text → positioned values. Strict RFC 8259, and repeated keys are refused.

A reader of its own, since YAML readers refuse some JSON (escaped surrogate pairs, control characters) and explain
mistakes in the words of YAML.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in the source, not in the stubs

from reconciler.config.nodes import ListNode, MapNode, Node, ScalarNode
from reconciler.config.reading import Reading
from reconciler.config.scalars import NotJSON, resolve
from reconciler.errors import Location, Problem

MAX_DEPTH = 100

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![0-9A-Za-z_.+-])")
_WORD = re.compile(r"[-+.\w]+")
_WORDS = {"null": None, "true": True, "false": False}
_FIXES = {"'": "use double quotes", ",": "remove the comma", "/": "JSON has no comments", "#": "JSON has no comments"}


class _Stop(Exception):
    """Reading cannot go on. position: offset of the fault."""

    def __init__(self, position: int, summary: str, fix: str = "") -> None:
        super().__init__(summary)
        self.position = position
        self.summary = summary
        self.fix = fix


def read_json(text: str, file: str) -> Reading:
    """Read one JSON value. file: name for positions. A syntax error gives no document; repeated keys are collected."""
    reader = _Reader(text, file)
    try:
        document = reader.read()
    except _Stop as stop:
        return Reading(
            (), (*reader.problems, Problem(stop.summary, reader.place(stop.position), fix=stop.fix)), unfinished=True
        )
    return Reading((document,), tuple(reader.problems))


class _Reader:
    """Reads one text; not reusable."""

    def __init__(self, text: str, file: str) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._file = file
        self._lines = [0, *(m.end() for m in re.finditer("\n", text))]

    def read(self) -> Node:
        position = self._skip(0)
        node, position = self._value(position, 0)
        position = self._skip(position)
        if position < len(self._text):
            raise _Stop(position, "there is more text after the JSON value", "a .json file holds one document")
        return node

    def place(self, position: int) -> Location:
        line = bisect_right(self._lines, position)
        return Location(self._file, line, position - self._lines[line - 1] + 1)

    def _skip(self, position: int) -> int:
        match = _SPACE.match(self._text, position)
        return match.end() if match else position

    def _value(self, position: int, depth: int) -> tuple[Node, int]:
        if depth >= MAX_DEPTH:
            raise _Stop(position, f"values are nested deeper than {MAX_DEPTH} levels", "flatten the document")
        match self._text[position : position + 1]:
            case '"':
                text, end = self._string(position)
                return ScalarNode(text, self.place(position)), end
            case "{":
                return self._object(position, depth)
            case "[":
                return self._list(position, depth)
            case _:
                return self._scalar(position)

    def _scalar(self, position: int) -> tuple[Node, int]:
        if number := _NUMBER.match(self._text, position):
            try:
                return ScalarNode(resolve(number[0]), self.place(position)), number.end()
            except NotJSON as exc:
                raise _Stop(position, str(exc), "quote it if it is text") from exc
        word = _WORD.match(self._text, position)
        if word and word[0] in _WORDS:
            return ScalarNode(_WORDS[word[0]], self.place(position)), word.end()
        if word:
            raise _Stop(position, f"'{word[0]}' is not JSON", "put texts in double quotes")
        if position >= len(self._text):
            raise _Stop(position, "the text ends where a value was expected", "complete or remove the file")
        char = self._text[position]
        fix = {
            "'": "use double quotes",
            ",": "remove the comma",
            "/": "JSON has no comments",
            "#": "JSON has no comments",
        }
        raise _Stop(
            position, f"'{char}' cannot begin a JSON value", fix.get(char, "write a value, or remove the comma")
        )

    def _string(self, position: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self._text, position + 1, True)
        except json.JSONDecodeError as exc:
            summary = f"the text is not valid JSON: {exc.msg.lower().removesuffix(' starting at').removesuffix(' at')}"
            raise _Stop(exc.pos, summary, "close the quote, or escape the character") from exc
        if not text.isascii():
            self._check_surrogates(text, position)
        return text, end

    def _check_surrogates(self, text: str, position: int) -> None:
        try:
            text.encode()
        except UnicodeEncodeError as exc:
            raise _Stop(position, "the text holds half a surrogate pair", "write the character itself") from exc

    def _list(self, position: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        here = self._skip(position + 1)
        while self._text[here : here + 1] != "]" or items:
            node, here = self._value(here, depth + 1)
            items.append(node)
            here, more = self._next(here, "]", position)
            if not more:
                return ListNode(tuple(items), self.place(position)), here
        return ListNode((), self.place(position)), here + 1

    def _object(self, position: int, depth: int) -> tuple[Node, int]:
        entries: dict[str, Node] = {}
        keys: dict[str, Location] = {}
        here = self._skip(position + 1)
        while self._text[here : here + 1] != "}" or entries:
            key, at, here = self._key(here)
            node, here = self._value(here, depth + 1)
            if key in keys:
                detail = f"It stands at {keys[key]} too."
                self.problems.append(Problem(f"the key '{key}' is there twice", at, detail, "remove one of them"))
            entries.setdefault(key, node)
            keys.setdefault(key, at)
            here, more = self._next(here, "}", position)
            if not more:
                return MapNode(entries, keys, self.place(position)), here
        return MapNode(entries, keys, self.place(position)), here + 1

    def _key(self, position: int) -> tuple[str, Location, int]:
        if self._text[position : position + 1] != '"':
            fix = "write it in double quotes; a comma before '}' is not allowed"
            raise _Stop(position, "a key in double quotes was expected", fix)
        key, end = self._string(position)
        here = self._skip(end)
        if self._text[here : here + 1] != ":":
            raise _Stop(here, f"a ':' was expected after the key '{key}'", "write it")
        return key, self.place(position), self._skip(here + 1)

    def _next(self, position: int, close: str, opened: int) -> tuple[int, bool]:
        """After an item: past ',' to the next one, or past the closing bracket."""
        here = self._skip(position)
        match self._text[here : here + 1]:
            case ",":
                return self._skip(here + 1), True
            case char if char == close:
                return here + 1, False
            case _:
                raise _Stop(here, f"',' or '{close}' was expected", f"close what begins at {self.place(opened)}")
