"""Documents on their way from file to check: patched, filled in, and with the schemas they name read in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.config.documents import Document
from reconciler.config.files import label_of
from reconciler.config.interpolation import Fault, Interpolator, Value
from reconciler.config.kinds import RESOURCE_KINDS
from reconciler.config.nodes import MapNode, Node, ScalarNode, find, text_at
from reconciler.config.patches import merge
from reconciler.config.reading import decode_text, read_bytes
from reconciler.config.secrets import lookups, secrets_allowed
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.config.workspace import Patch
from reconciler.errors import Location, Problem
from reconciler.model.kinds import OBJECT_KINDS

_FIXED = ("apiVersion", "kind")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be checked.

    label: its kind and name as the file has them. unresolved: places whose expression has a problem already.
    """

    document: Document
    label: str
    problems: tuple[Problem, ...]
    unresolved: frozenset[Location]
    used: frozenset[str]
    secrets: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is needed to prepare documents."""

    root: Path
    variables: Mapping[str, Value | Fault]
    environ: Mapping[str, str]
    patches: Sequence[Patch]

    def prepare(self, document: Document) -> Prepared:
        """Patch, fill in and complete one document."""
        patched = self._patched(document)
        run = Interpolator(lookups(self.variables, self.environ, patched.folder), secrets_allowed(patched.kind))
        filled = run.fill(patched.node)
        assert isinstance(filled, MapNode)
        node, problems = _with_files(filled, patched.folder, self.root)
        return Prepared(
            patched.with_node(node),
            document.label,
            (*run.problems, *run.missing, *problems),
            frozenset(run.unresolved),
            frozenset(run.used),
            frozenset(run.secrets),
        )

    def _patched(self, document: Document) -> Document:
        node: Node = document.node
        for patch in self.patches:
            if (patch.kind, patch.name) == (document.kind, document.name):
                node = merge(node, patch.merge)
        assert isinstance(node, MapNode)
        return document.with_node(node)


def patch_problems(patches: Sequence[Patch], labels: Sequence[str]) -> Iterator[Problem]:
    """Patches without a target, and patches that would turn a document into another one."""
    for patch in patches:
        label = f"{patch.kind}/{patch.name}"
        if label not in labels:
            detail = f"Documents: {listed(sorted(labels))}." if labels else "There are no documents."
            fix = did_you_mean(label, labels, f"kinds that can be patched: {listed(RESOURCE_KINDS)}")
            yield Problem(f"the patch has no target: {label} is not declared", patch.at, detail, fix)
        for path in ((key,) for key in _FIXED):
            yield from _fixed(patch, path)
        yield from _fixed(patch, ("metadata", "name"))


def _fixed(patch: Patch, path: tuple[str, ...]) -> Iterator[Problem]:
    node = find(patch.merge, *path)
    if node is not None:
        fix = "remove it; declare another document instead"
        yield Problem(f"a patch cannot change {'.'.join(path)}", node.at, fix=fix)


def _with_files(node: MapNode, folder: Path, root: Path) -> tuple[MapNode, list[Problem]]:
    """Replace every `{file: PATH}` that stands for a schema or a text by what the file holds."""
    spec, kind = find(node, "spec"), text_at(node, "kind")
    if not isinstance(spec, MapNode):
        return node, []
    problems: list[Problem] = []
    entries = dict(spec.entries)
    for name in _file_fields(kind):
        named = entries.get(name)
        if isinstance(named, MapNode) and list(named.entries) == ["file"]:
            found, faults = _read_named(named, f"{name}.file", folder, root, is_schema=kind == "Collection")
            problems += faults
            entries[name] = found or named
    if entries == dict(spec.entries):
        return node, problems
    filled = MapNode(entries, spec.keys, spec.at)
    return MapNode({**node.entries, "spec": filled}, node.keys, node.at), problems


def _file_fields(kind: str | None) -> tuple[str, ...]:
    """Fields of `spec` that may name a file."""
    if kind == "Collection":
        return ("unitMetaSchema",)
    known = OBJECT_KINDS.get(kind or "")
    return tuple(sorted(known.texts)) if known else ()


def _read_named(
    node: MapNode, what: str, folder: Path, root: Path, *, is_schema: bool
) -> tuple[Node | None, list[Problem]]:
    at, path = node.entries["file"].at, text_at(node, "file")
    noun = "schema" if is_schema else "text"
    if path is None:
        return None, [Problem(f"{what} must be a path", at, fix=f"write the path of a {noun} file")]
    try:
        content = (folder / path).read_bytes()
    except OSError as exc:
        summary = f"the {noun} file {path} cannot be read: {exc.strerror}"
        return None, [Problem(summary, at, fix="paths are relative to the document's folder")]
    label = label_of((folder / path).absolute(), root)
    return _schema_in(content, label, path, at) if is_schema else _text_in(content, label, at)


def _text_in(content: bytes, label: str, at: Location) -> tuple[Node | None, list[Problem]]:
    text = decode_text(content, label)
    return (ScalarNode(text, at), []) if isinstance(text, str) else (None, list(text.problems))


def _schema_in(content: bytes, label: str, path: str, at: Location) -> tuple[Node | None, list[Problem]]:
    reading = read_bytes(content, label)
    problems = list(reading.problems)
    if reading.failed:
        return None, problems
    if len(reading.documents) != 1 or not isinstance(reading.documents[0], MapNode):
        return None, [*problems, Problem(f"the schema file {path} holds no JSON object", at, fix="name a JSON Schema")]
    return reading.documents[0], problems
