"""Read XML that nobody vouches for: no document types, hence no entities; bounded depth; one element at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from reconciler.model.json import JSON

_CHUNK: Final = 64 * 1024
_DEEPEST: Final = 100


class XmlFault(ValueError):
    """The text is no XML, or uses what is refused. line, column: from 1."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(reason)
        self.reason, self.line, self.column = reason, line, column


@dataclass(slots=True)
class Node:
    """One element. text: its own, before the first child, trimmed. line: where it begins, from 1."""

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)
    line: int = 0

    def child(self, tag: str) -> Node | None:
        """The first child of that name."""
        return next((c for c in self.children if c.tag == tag), None)

    def all(self, tag: str) -> Iterator[Node]:
        """The children of that name, in order."""
        return (c for c in self.children if c.tag == tag)

    def get(self, path: str) -> str | None:
        """Text of the first descendant by names with "/" between them, None when there is none."""
        found: Node | None = self
        for tag in path.split("/"):
            found = found.child(tag) if found is not None else None
        return found.text if found is not None else None


def parse(raw: bytes) -> Node:
    """The whole document. Raises XmlFault."""
    root = Node("")
    for node in iterate(raw):
        root.children.append(node) if isinstance(node, Node) else None
        if isinstance(node, Root):
            root.tag, root.attributes = node.tag, node.attributes
    return root


@dataclass(frozen=True, slots=True)
class Root:
    """The outermost element, before its children."""

    tag: str
    attributes: Mapping[str, str]


def iterate(raw: bytes) -> Iterator[Root | Node]:
    """The outermost element, then each of its children once it is whole; memory follows the largest child.

    Raises:
        XmlFault: at the place of the fault, after what came before it.
    """
    return _Reader().read(raw)


@dataclass(slots=True)
class _Reader:
    open: list[Node] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    ready: list[Root | Node] = field(default_factory=list)
    parser: expat.XMLParserType = field(init=False)

    def read(self, raw: bytes) -> Iterator[Root | Node]:
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        for at in range(0, len(raw) + 1, _CHUNK):
            try:
                parser.Parse(raw[at : at + _CHUNK], at + _CHUNK > len(raw))
            except expat.ExpatError as exc:
                yield from self._taken()
                raise XmlFault(expat.errors.messages[exc.code], exc.lineno, exc.offset + 1) from exc
            yield from self._taken()

    def _taken(self) -> list[Root | Node]:
        ready, self.ready = self.ready, []
        return ready

    def _fault(self, reason: str) -> XmlFault:
        return XmlFault(reason, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        del name, system, public, internal
        raise self._fault("a document type is declared; annotation files need none, and entities are not read")

    def _start(self, tag: str, said: dict[str, str]) -> None:
        if len(self.open) >= _DEEPEST:
            raise self._fault(f"elements are nested deeper than {_DEEPEST}")
        if not self.open:
            self.ready.append(Root(tag, said))
        self.open.append(Node(tag, said, line=self.parser.CurrentLineNumber))
        self.texts.append([])

    def _end(self, tag: str) -> None:
        del tag
        node = self.open.pop()
        node.text = "".join(self.texts.pop()).strip()
        if len(self.open) == 1:
            self.ready.append(node)
        elif self.open:
            self.open[-1].children.append(node)

    def _characters(self, text: str) -> None:
        self.texts[-1].append(text)


def to_json(node: Node) -> JSON:
    """A tree as JSON, to be kept: [tag, attributes, text, children]; `from_json` reads it."""
    return [node.tag, dict(node.attributes), node.text, [to_json(c) for c in node.children]]


def from_json(value: JSON) -> Node | None:
    """The tree that `to_json` wrote; None for anything else, such as what somebody edited."""
    match value:
        case [str(tag), dict(said), str(text), list(inner)] if _is_name(tag) and all(map(_is_name, said)):
            children = [from_json(c) for c in inner]
            texts = {k: v for k, v in said.items() if isinstance(v, str)}
            return Node(tag, texts, text, [c for c in children if c is not None])
    return None


def _is_name(text: str) -> bool:
    return (
        isinstance(text, str)
        and text.replace("_", "a").replace("-", "a").replace(".", "a").isalnum()
        and (text[0].isalpha() or text[0] == "_")
    )
