"""The workspace document: the chosen environment, its variables and patches, and the backends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from reconciler.config.discovery import DEFAULT_GLOBS
from reconciler.config.documents import Document
from reconciler.config.interpolation import Fault, Interpolator, Lookups, Value
from reconciler.config.nodes import (
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    find,
    from_json,
    list_at,
    map_at,
    text_at,
    texts_at,
)
from reconciler.config.secrets import lookups, secrets_allowed
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.config.variables import Given, Variable, declaration_problems, declared_variables, given_by_node
from reconciler.errors import Location, Problem

LOCAL = "local"
STATE_URL = ".reconciler/state.db"
EMBEDDED_DEFAULTS: Mapping[str, str] = {"dialect": "datamaker", "path": ".reconciler/backend"}


@dataclass(frozen=True, slots=True)
class Patch:
    """A merge patch of the chosen environment. at: where its target is named."""

    kind: str
    name: str
    merge: Node
    at: Location


@dataclass(frozen=True, slots=True)
class Backend:
    """A declared backend. missing: values nobody gave; they matter only when the backend is used."""

    name: str
    node: MapNode
    at: Location
    missing: tuple[Problem, ...] = ()
    secrets: frozenset[str] = field(default_factory=frozenset, repr=False)

    @property
    def type(self) -> str:
        """The type as written, "" when there is none."""
        return text_at(self.node, "type") or ""

    @property
    def platform(self) -> str:
        """The name of the platform block that it honours."""
        if self.type != "embedded":
            return self.type
        return text_at(self.node, "dialect") or EMBEDDED_DEFAULTS["dialect"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The workspace after choosing an environment. document: None when there is no workspace file."""

    document: Document | None
    environment: str | None

    @property
    def spec(self) -> Node | None:
        """`spec` of the workspace."""
        return find(self.document.node, "spec") if self.document else None

    @property
    def chosen(self) -> Node | None:
        """The block of the chosen environment."""
        return find(self.spec, "environments", self.environment) if self.environment is not None else None

    def globs(self) -> tuple[str, ...]:
        """Patterns of document files."""
        return tuple(text for text, _ in texts_at(self.spec, "documents")) or DEFAULT_GLOBS

    def declared(self) -> dict[str, Variable]:
        """Declared variables."""
        return declared_variables(self.spec)

    def given(self) -> Given:
        """Variable values of the chosen environment."""
        return given_by_node(find(self.chosen, "variables"), unknown="error")

    def patches(self) -> tuple[Patch, ...]:
        """Patches of the chosen environment, in order; those of the wrong shape are left to the schema."""
        return tuple(patch for node in list_at(self.chosen, "patches") if (patch := _patch(node)))

    def state_url(self) -> str:
        """Where the state lies: the environment's word first.

        An environment that says nothing has a state of its own beside the default one (`state.prod.db`), since one
        state cannot tell two backends apart.
        """
        url = text_at(self.spec, "state", "url") or STATE_URL
        if self.environment is None:
            return url
        path = PurePosixPath(url)
        return text_at(self.chosen, "state", "url") or str(
            path.with_name(f"{path.stem}.{self.environment}{path.suffix}")
        )


def _patch(node: Node) -> Patch | None:
    kind, name, merge = text_at(node, "target", "kind"), text_at(node, "target", "name"), find(node, "merge")
    target = find(node, "target")
    if kind is None or name is None or target is None or not isinstance(merge, MapNode):
        return None
    return Patch(kind, name, merge, target.at)


def choose_environment(document: Document | None, environment: str | None) -> tuple[Settings, list[Problem]]:
    """Take the block of `--env`. An environment that is not declared is a problem."""
    settings = Settings(document, environment)
    if environment is None or settings.chosen is not None:
        return settings, []
    known = [name for name, _ in map_at(settings.spec, "environments")]
    detail = f"Declared: {listed(known)}." if known else "The workspace declares no environments."
    fix = did_you_mean(environment, known, "declare it under spec.environments of the workspace")
    return Settings(document, None), [Problem(f"unknown environment '{environment}'", Location("--env"), detail, fix)]


def default_backend(settings: Settings) -> tuple[str, Location | None]:
    """Name of the backend for documents that name none, and where that is written."""
    for block in (settings.chosen, settings.spec):
        node = find(block, "defaultBackend")
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            return node.value, node.at
    declared = [name for name, _ in map_at(settings.spec, "backends")]
    return (declared[0] if len(declared) == 1 else LOCAL), None


def default_backend_problems(settings: Settings) -> Iterator[Problem]:
    """Several backends, none called `local`, and no word on which is the default."""
    declared = [name for name, _ in map_at(settings.spec, "backends")]
    backends = find(settings.spec, "backends")
    if default_backend(settings)[1] is None and len(declared) > 1 and LOCAL not in declared and backends:
        yield Problem(
            "several backends and no default",
            backends.at,
            f"Declared: {listed(declared)}.",
            "add 'defaultBackend: ...'",
        )


@dataclass(slots=True)
class FilledWorkspace:
    """The workspace with its expressions filled in."""

    settings: Settings
    backends: dict[str, Backend]
    problems: list[Problem]
    unresolved: set[Location]
    used: set[str]


def fill_workspace(
    settings: Settings, variables: Mapping[str, Value | Fault], environ: Mapping[str, str], root: Path
) -> FilledWorkspace:
    """Fill in the expressions of the workspace.

    Values of variables are literal, patches are filled in with the documents they change, and what a backend lacks is
    kept apart.
    """
    filled = FilledWorkspace(settings, {LOCAL: _local(root)}, [], set(), set())
    document = settings.document
    if document is None or not isinstance(settings.spec, MapNode):
        return filled
    source = lookups(variables, environ, document.folder)
    entries = dict(settings.spec.entries)
    for key, node in settings.spec.entries.items():
        match key:
            case "variables" | "environments":
                filled.problems.extend(_expressions_in_values(node, under_variables=key == "variables"))
            case "backends" if isinstance(node, MapNode):
                entries[key] = _fill_backends(node, filled, source)
            case _:
                entries[key] = _fill(node, filled, source, key)
    spec = MapNode(entries, settings.spec.keys, settings.spec.at)
    whole = MapNode({**document.node.entries, "spec": spec}, document.node.keys, document.node.at)
    filled.settings = Settings(document.with_node(whole), settings.environment)
    filled.problems.extend(declaration_problems(settings.declared(), settings.spec))
    return filled


def _fill(node: Node, filled: FilledWorkspace, source: Lookups, key: str) -> Node:
    run = Interpolator(source, secrets_allowed("Workspace"))
    result = run.fill(node, ("spec", key))
    filled.problems.extend([*run.problems, *run.missing])
    filled.unresolved |= run.unresolved
    filled.used |= run.used
    return result


def _fill_backends(node: MapNode, filled: FilledWorkspace, source: Lookups) -> MapNode:
    entries: dict[str, Node] = {}
    for name, settings in node.entries.items():
        run = Interpolator(source, secrets_allowed("Workspace"))
        entries[name] = result = run.fill(settings, ("spec", "backends", name))
        filled.problems.extend(run.problems)
        filled.unresolved |= run.unresolved
        filled.used |= run.used
        if isinstance(result, MapNode):
            filled.backends[name] = Backend(name, result, node.keys[name], tuple(run.missing), frozenset(run.secrets))
    return MapNode(entries, node.keys, node.at)


def _local(root: Path) -> Backend:
    at = Location(root.name)
    node = from_json({"type": "embedded", **EMBEDDED_DEFAULTS}, at)
    assert isinstance(node, MapNode)
    return Backend(LOCAL, node, at)


def _expressions_in_values(node: Node, *, under_variables: bool) -> Iterator[Problem]:
    """Values of variables must be literal: they are needed before anything can be filled in."""
    blocks: Sequence[Node | None] = [node] if under_variables else [find(n, "variables") for _, n in map_at(node)]
    for block in blocks:
        for scalar in _scalars(block):
            if isinstance(scalar.value, str) and "${" in scalar.value.replace("$${", ""):
                fix = (
                    "give it with RECONCILER_VAR_NAME, --var or --var-file; write ${env.NAME} where a secret is needed"
                )
                yield Problem("values of variables are literal", scalar.at, "An expression cannot stand here.", fix)


def _scalars(node: Node | None) -> Iterator[ScalarNode]:
    match node:
        case ScalarNode():
            yield node
        case ListNode():
            for item in node.items:
                yield from _scalars(item)
        case MapNode():
            for value in node.entries.values():
                yield from _scalars(value)
        case None:
            return
