"""Documents on their way from file to check: patched, filled in, and with the schemas they name read in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.config.documents import Document
from reconciler.config.files import label_of
from reconciler.config.interpolation import Fault, Interpolator, Value
from reconciler.config.kinds import RESOURCE_KINDS
from reconciler.config.nodes import MapNode, Node, find, text_at
from reconciler.config.patches import merge
from reconciler.config.reading import read_bytes
from reconciler.config.secrets import lookups, secrets_allowed
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.config.workspace import Patch
from reconciler.errors import Location, Problem

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
        node, problems = _with_unit_schema(filled, patched.folder, self.root)
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


def _with_unit_schema(node: MapNode, folder: Path, root: Path) -> tuple[MapNode, list[Problem]]:
    """Replace `unitMetaSchema: {file: ...}` by what the file holds."""
    schema = find(node, "spec", "unitMetaSchema")
    if text_at(node, "kind") != "Collection" or not isinstance(schema, MapNode) or list(schema.entries) != ["file"]:
        return node, []
    name = text_at(schema, "file")
    if name is None:
        return node, [Problem("unitMetaSchema.file must be a path", schema.at, fix="write the path of a JSON Schema")]
    found, problems = _read_schema(folder / name, name, schema.entries["file"].at, root)
    spec = find(node, "spec")
    if found is None or not isinstance(spec, MapNode):
        return node, problems
    spec = MapNode({**spec.entries, "unitMetaSchema": found}, spec.keys, spec.at)
    return MapNode({**node.entries, "spec": spec}, node.keys, node.at), problems


def _read_schema(path: Path, name: str, at: Location, root: Path) -> tuple[MapNode | None, list[Problem]]:
    try:
        content = path.read_bytes()
    except OSError as exc:
        summary = f"the schema file {name} cannot be read: {exc.strerror}"
        return None, [Problem(summary, at, fix="paths are relative to the document's folder")]
    reading = read_bytes(content, label_of(path.absolute(), root))
    problems = list(reading.problems)
    if reading.failed:
        return None, problems
    if len(reading.documents) != 1 or not isinstance(reading.documents[0], MapNode):
        return None, [*problems, Problem(f"the schema file {name} holds no JSON object", at, fix="name a JSON Schema")]
    return reading.documents[0], problems
