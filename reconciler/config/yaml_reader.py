"""Strict YAML 1.2 reading: parser events → positioned JSON values. Nothing is guessed and nothing is lost silently.

Refused, each with its place: repeated keys, keys that are not text, tags, infinities, nesting deeper than `MAX_DEPTH`,
aliases that repeat more than `MAX_ALIASED_NODES` values. Allowed: anchors, aliases and merge keys (`<<`), as in YAML
1.1, because GitOps tools write them. The event stream is used, since loading can exhaust the C stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.config.nodes import ListNode, MapNode, Node, ScalarNode, shown, type_name
from reconciler.config.reading import Reading
from reconciler.config.scalars import NotJSON, Scalar, has_leading_zero, resolve
from reconciler.config.yaml_faults import syntax_problem
from reconciler.errors import Location, Problem, Severity

MAX_DEPTH = 100
MAX_ALIASED_NODES = 100_000

_TAG = "tag:yaml.org,2002:"
_TAGGED_TYPES: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}
_MERGE = "<<"
_LINE_BREAKS_OF_YAML_1_1 = ("\x85", "\u2028", "\u2029")


class _Abort(Exception):
    """Reading cannot go on; the problem is recorded."""


@dataclass(slots=True)
class _Extent:
    """How much a node expands to. nodes: with everything inside; height: nesting levels."""

    nodes: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class _Key:
    """A key whose value comes next. text: None when it was refused; merges: it is an unquoted `<<`."""

    text: str | None
    at: Location
    merges: bool = False


@dataclass(slots=True)
class _Frame:
    """A list or object that is being read."""

    at: Location
    anchor: str | None
    is_map: bool
    extent: _Extent = field(default_factory=_Extent)
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Location] = field(default_factory=dict)
    merges: list[Node] = field(default_factory=list)
    key: _Key | None = None


def read_yaml(text: str, file: str) -> Reading:
    """Read all documents of a YAML text. file: name for positions.

    A syntax error ends the reading; the documents before it are kept. Everything else is collected.
    Source: YAML 1.2.2 chapters 7 to 10.
    """
    return _Builder(file).read(text)


def parse_events(text: str) -> Iterator[Any]:
    """Give the events of PyYAML's parser: the C one, or the Python one where PyYAML was built without it."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(yaml.parse(text, Loader=loader))


class _Builder:
    """Turns one event stream into nodes; not reusable."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._documents: list[Node] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, _Extent]] = {}
        self._aliased = 0

    def read(self, text: str) -> Reading:
        import yaml

        if self._has_foreign_breaks(text):
            return Reading((), tuple(self._problems), unfinished=True)
        unfinished = True
        try:
            for event in parse_events(text):
                self._take(event)
            unfinished = False
        except yaml.YAMLError as exc:
            self._problems.append(syntax_problem(exc, text, self._file))
        except _Abort:
            pass
        return Reading(tuple(self._documents), tuple(self._problems), unfinished)

    def _has_foreign_breaks(self, text: str) -> bool:
        """PyYAML breaks lines at characters that YAML 1.2 treats as text; the result would depend on the reader."""
        for char in _LINE_BREAKS_OF_YAML_1_1:
            position = text.find(char)
            if position >= 0:
                before = text[:position]
                at = Location(self._file, before.count("\n") + 1, position - before.rfind("\n"))
                self._report(
                    f"the character U+{ord(char):04X} is a line break for some readers and text for others",
                    at,
                    fix=f'remove it, or write "\\u{ord(char):04x}" in double quotes',
                )
                return True
        return False

    def _take(self, event: Any) -> None:
        match type(event).__name__:
            case "ScalarEvent":
                self._scalar(event)
            case "AliasEvent":
                self._alias(event)
            case "MappingStartEvent" | "SequenceStartEvent":
                self._open(event, is_map=type(event).__name__ == "MappingStartEvent")
            case "MappingEndEvent" | "SequenceEndEvent":
                self._close()
            case "DocumentStartEvent":
                self._anchors.clear()
            case _:
                pass

    def _scalar(self, event: Any) -> None:
        at = self._at(event)
        plain = bool(event.implicit[0])
        value: Scalar = event.value
        if plain:
            value = self._resolved(event.value, at)
        elif event.tag and event.tag != "!":
            value = self._tagged(event, at)
        self._add(ScalarNode(value, at, plain), _Extent(), event.anchor, written=event.value)

    def _resolved(self, text: str, at: Location) -> Scalar:
        try:
            value = resolve(text)
        except NotJSON as exc:
            self._report(str(exc), at, fix="quote it if it is text")
            return text
        if isinstance(value, int) and not isinstance(value, bool) and has_leading_zero(text):
            detail = "Leading zeros have no meaning in YAML 1.2; other readers take them for octal or text."
            fix = f"write {value}, or '{text}' to keep the zeros"
            summary = f"{text} is read as the number {value}"
            self._problems.append(Problem(summary, at, detail, fix, Severity.WARNING))
        return value

    def _tagged(self, event: Any, at: Location) -> Scalar:
        """`!!int 12` and the like are taken when the text fits; any other tag is a problem."""
        name = str(event.tag).removeprefix(_TAG)
        if name == "str":
            return str(event.value)
        wanted = _TAGGED_TYPES.get(name)
        if event.tag.startswith(_TAG) and wanted:
            value = self._resolved(event.value, at)
            if isinstance(value, wanted) and (name == "bool" or not isinstance(value, bool)):
                return float(value) if name == "float" and isinstance(value, int) else value
            self._report(f"{event.value!r} is not a value of type !!{name}", at, fix="remove the tag, or fix the value")
        else:
            self._refuse_tag(event.tag, at)
        return str(event.value)

    def _refuse_tag(self, tag: str, at: Location) -> None:
        written = "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
        self._report(
            f"the tag {written} is not allowed",
            at,
            "Documents hold JSON types only.",
            "remove the tag, or quote the value if it begins with '!'",
        )

    def _alias(self, event: Any) -> None:
        at = self._at(event)
        if any(frame.anchor == event.anchor for frame in self._stack):
            self._abort(f"the alias *{event.anchor} contains itself", at, "write the value out")
        if event.anchor not in self._anchors:
            self._abort(
                f"the alias *{event.anchor} has no anchor", at, "quote it if it is text, or define &anchor first"
            )
        node, extent = self._anchors[event.anchor]
        self._aliased += extent.nodes
        if self._aliased > MAX_ALIASED_NODES:
            self._abort(f"aliases expand to more than {MAX_ALIASED_NODES:,} values", at, "write the values out")
        if len(self._stack) + extent.height > MAX_DEPTH + 1:
            self._too_deep(at)
        self._add(node, extent, None, written=None)

    def _open(self, event: Any, *, is_map: bool) -> None:
        at = self._at(event)
        if len(self._stack) >= MAX_DEPTH:
            self._too_deep(at)
        if event.tag and event.tag not in ("!", _TAG + ("map" if is_map else "seq")):
            self._refuse_tag(event.tag, at)
        self._stack.append(_Frame(at, event.anchor, is_map))

    def _close(self) -> None:
        frame = self._stack.pop()
        node: Node
        if frame.is_map:
            self._merge(frame)
            node = MapNode(frame.entries, frame.keys, frame.at)
        else:
            node = ListNode(tuple(frame.items), frame.at)
        self._add(node, frame.extent, frame.anchor, written=None)

    def _add(self, node: Node, extent: _Extent, anchor: str | None, *, written: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, extent)
        if not self._stack:
            self._documents.append(node)
            return
        frame = self._stack[-1]
        frame.extent.nodes += extent.nodes
        frame.extent.height = max(frame.extent.height, extent.height + 1)
        if not frame.is_map:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = self._key(node, written)
        else:
            self._entry(frame, frame.key, node)
            frame.key = None

    def _key(self, node: Node, written: str | None) -> _Key:
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            return _Key(node.value, node.at, merges=node.plain and node.value == _MERGE)
        summary = f"the key {shown(node) if written is None else written} is {type_name(node)}, not text"
        fix = f"write it in quotes: '{written}'" if written else "use a text as key"
        self._report(summary, node.at, "Keys are text, as in JSON.", fix)
        return _Key(None, node.at)

    def _entry(self, frame: _Frame, key: _Key, node: Node) -> None:
        if key.text is None:
            return
        if key.merges:
            frame.merges.extend(self._merge_sources(node))
        elif key.text in frame.keys:
            detail = f"It stands at {frame.keys[key.text]} too."
            self._report(f"the key '{key.text}' is there twice", key.at, detail, "remove one of them")
        else:
            frame.entries[key.text] = node
            frame.keys[key.text] = key.at

    def _merge_sources(self, node: Node) -> list[Node]:
        sources: list[Node] = list(node.items) if isinstance(node, ListNode) else [node]
        for source in sources:
            if not isinstance(source, MapNode):
                self._report(f"'<<' merges objects, this is {type_name(source)}", source.at, fix="refer to an object")
        return sources

    def _merge(self, frame: _Frame) -> None:
        """Fill in merged keys: what is written wins, then earlier sources."""
        for source in frame.merges:
            if isinstance(source, MapNode):
                for key, node in source.entries.items():
                    frame.entries.setdefault(key, node)
                    frame.keys.setdefault(key, source.keys[key])

    def _at(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(self._file, mark.line + 1, mark.column + 1)

    def _report(self, summary: str, at: Location, detail: str = "", fix: str = "") -> None:
        self._problems.append(Problem(summary, at, detail, fix))

    def _too_deep(self, at: Location) -> None:
        self._abort(f"values are nested deeper than {MAX_DEPTH} levels", at, "flatten the document")

    def _abort(self, summary: str, at: Location, fix: str) -> None:
        self._report(summary, at, fix=fix)
        raise _Abort
