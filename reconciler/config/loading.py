"""From a folder, files and variables to a checked configuration: the table of contents of this package."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.config.assembly import configuration_digest, used_backends, workspace_value
from reconciler.config.checks import check_documents
from reconciler.config.checks.backends import use_problems
from reconciler.config.checks.content import block_problems
from reconciler.config.checks.index import Index
from reconciler.config.content import with_content
from reconciler.config.decode import decode
from reconciler.config.discovery import WORKSPACE_FILES, Glob, Walk
from reconciler.config.documents import Document, is_workspace
from reconciler.config.files import ReadFile, label_of, nested_workspace, read_found, read_given, read_values
from reconciler.config.nodes import ScalarNode, find, map_at, text_at
from reconciler.config.preparation import Preparation, Prepared, patch_problems
from reconciler.config.schema_check import check_schema
from reconciler.config.secrets import SECRET_SETTINGS
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.config.variables import (
    Given,
    UnknownVariables,
    declared_variables,
    given_by_environment,
    given_by_node,
    given_on_command_line,
    resolve_variables,
)
from reconciler.config.workspace import (
    FilledWorkspace,
    Settings,
    choose_environment,
    default_backend,
    default_backend_problems,
    fill_workspace,
)
from reconciler.errors import ConfigError, Location, Problem, Severity, problem_order
from reconciler.model.workspace import Configuration

AUTO_VARIABLES = ".auto.vars.yaml"


def load(
    root: Path,
    *,
    files: Sequence[str] = (),
    environment: str | None = None,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
    environ: Mapping[str, str],
    stdin: Callable[[], str] | None = None,
) -> Configuration:
    """Read, check and decode a configuration.

    root: the workspace folder. files: what `-f` names, files, folders or "-", instead of searching the workspace.
    environment: `--env`. variables, var_files: `--var` and `--var-file`. environ: the process environment. stdin: gives
    the text of standard input.

    Raises:
        ConfigError: anything is wrong; it carries every error of every file.
    """
    run = _Run(Path(os.path.abspath(root)), files, environ)
    given = run.read_given(stdin)
    workspace = run.workspace(given, environment)
    layers = run.variable_layers(workspace, var_files, variables or {})
    filled = run.fill(workspace, layers)
    documents = run.documents(filled, given)
    index = run.check(filled, documents)
    run.stop_on_errors()
    return run.configuration(filled, documents, index)


@dataclass(slots=True)
class _Prepared:
    """A file with its documents prepared. excluded: folders that they name as source or destination."""

    file: ReadFile
    prepared: list[Prepared]
    excluded: set[Path]


@dataclass(slots=True)
class _Run:
    """One loading. Collects problems; nothing stops before everything was looked at.

    blind: the workspace file cannot be read, so nothing is known about variables and backends.
    """

    root: Path
    files: Sequence[str]
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    blind: bool = False

    def read_given(self, stdin: Callable[[], str] | None) -> list[ReadFile]:
        """Read what `-f` names."""
        if not self.root.is_dir():
            fix = "run in the folder of the workspace, or name it"
            raise ConfigError([Problem(f"the folder {self.root} does not exist", fix=fix)])
        return read_given(self.files, self.root, stdin)

    def workspace(self, given: Sequence[ReadFile], environment: str | None) -> Settings:
        """Find the workspace document: among what was given, else in `reconciler.yaml`."""
        found = [document for file in given for document in file.documents if is_workspace(document)]
        if not found:
            own = self._workspace_files()
            found = [document for file in own for document in file.documents if is_workspace(document)]
            self.blind = not found and any(p.severity is Severity.ERROR for file in own for p in file.problems)
        for extra in found[1:]:
            detail = f"The workspace is declared at {found[0].node.at} too."
            self.problems.append(Problem("a second Workspace", extra.node.at, detail, "keep one of them"))
        settings, problems = choose_environment(found[0] if found else None, environment)
        self.problems.extend([] if self.blind else problems)
        return settings

    def _workspace_files(self) -> list[ReadFile]:
        """Workspace files of the root; their problems are reported here, or by `documents` when it reads them again."""
        paths = [self.root / name for name in WORKSPACE_FILES if (self.root / name).is_file()]
        files = [read_found(path, path.name) for path in paths]
        if self.files:
            self.problems.extend(problem for file in files for problem in file.problems)
        return files

    def variable_layers(
        self, settings: Settings, var_files: Sequence[Path], variables: Mapping[str, str]
    ) -> Iterable[Given]:
        """Given values of variables, weakest first."""
        layers = [settings.given(), given_by_environment(self.environ)]
        auto = sorted(p for p in self.root.glob(f"*{AUTO_VARIABLES}") if p.is_file() and not p.name.startswith("."))
        for path in [*auto, *(Path(os.path.abspath(p)) for p in var_files)]:
            node, problems = read_values(path, label_of(path, self.root))
            self.problems.extend(problems)
            layers.append(given_by_node(node, unknown="warn"))
        return [*layers, given_on_command_line(variables)]

    def fill(self, settings: Settings, layers: Iterable[Given]) -> FilledWorkspace:
        """Resolve the variables and fill in the workspace."""
        resolved = resolve_variables(declared_variables(settings.spec), () if self.blind else layers)
        if self.blind:
            resolved.values = UnknownVariables()
        self.problems.extend(resolved.problems)
        filled = fill_workspace(settings, resolved.values, self.environ, self.root)
        self.problems.extend(filled.problems)
        if filled.settings.document is not None:
            self.problems.extend(check_schema(filled.settings.document, filled.unresolved))
        self.problems.extend(default_backend_problems(filled.settings))
        self.problems.extend(_plain_secrets(filled))
        self.problems.extend(_state_problems(filled.settings))
        self.problems.extend(block_problems(find(filled.settings.spec, "policies", "content")))
        self._preparation = Preparation(self.root, resolved.values, self.environ, filled.settings.patches())
        return filled

    def documents(self, filled: FilledWorkspace, given: Sequence[ReadFile]) -> list[Prepared]:
        """All resource documents, prepared; problems of files that do not count are dropped with them."""
        if self.files:
            files = [self._prepare(file) for file in given]
        else:
            files = self._kept(list(self._search(filled.settings)))
        prepared = [item for file in files for item in file.prepared]
        for file in files:
            self.problems.extend(file.file.problems)
        for item in prepared:
            self.problems.extend(item.problems)
        self.problems.extend(patch_problems(filled.settings.patches(), [item.label for item in prepared]))
        self.problems.extend(self._unused_variables(filled, prepared))
        if not prepared:
            self.problems.append(_nothing_found(self.root))
        return prepared

    def _search(self, settings: Settings) -> Iterator[_Prepared]:
        """Walk the workspace; folders that hold data are left out as soon as a document names them."""
        walk = Walk(self.root, tuple(Glob(pattern) for pattern in settings.globs()))
        own = [path for name in WORKSPACE_FILES if (path := self.root / name).is_file()]
        for depth, level in enumerate(self._levels(walk)):
            for path in sorted({*level, *own}) if depth == 0 else level:
                found = self._prepare(read_found(path, label_of(path, self.root)))
                walk.excluded |= found.excluded
                yield found
        self.problems.extend(nested_workspace(folder, self.root) for folder in walk.nested)

    def _levels(self, walk: Walk) -> Iterator[list[Path]]:
        try:
            yield from walk.levels()
        except OSError as exc:
            summary = f"the folder {self.root} cannot be listed: {exc.strerror}"
            raise ConfigError([Problem(summary, fix="check its rights")]) from exc

    def _prepare(self, file: ReadFile) -> _Prepared:
        prepared = [self._preparation.prepare(document) for document in file.documents if not is_workspace(document)]
        excluded = {folder for item in prepared for folder in data_folders(item.document)}
        if not self.files and file.label not in WORKSPACE_FILES:
            misplaced = [_misplaced(document) for document in file.documents if is_workspace(document)]
            file = replace(file, problems=(*file.problems, *misplaced))
        return _Prepared(file, prepared, excluded)

    def _kept(self, found: list[_Prepared]) -> list[_Prepared]:
        """Drop files inside the data folders of documents that count; shallow files decide first."""
        kept: list[_Prepared] = []
        for file in sorted(found, key=lambda f: (len(Path(f.file.label).parts), f.file.label)):
            if not _is_inside(file, kept):
                kept.append(file)
        return [file for file in kept if not _is_inside(file, kept)]

    def _unused_variables(self, filled: FilledWorkspace, prepared: Sequence[Prepared]) -> Iterator[Problem]:
        used = filled.used.union(*(item.used for item in prepared))
        if self.files:
            return
        for name, variable in filled.settings.declared().items():
            if name not in used:
                fix = f"remove it, or write ${{var.{name}}} where it belongs"
                yield Problem(f"the variable '{name}' is not used", variable.at, fix=fix, severity=Severity.WARNING)

    def check(self, filled: FilledWorkspace, documents: Sequence[Prepared]) -> Index:
        """Check every document, and that the backends that are used can be used."""
        for item in documents:
            self.problems.extend(check_schema(item.document, item.unresolved))
        default, at = default_backend(filled.settings)
        index = Index([item.document for item in documents], filled.backends, default, blind=self.blind)
        self.problems.extend(check_documents(index))
        if default not in filled.backends:
            detail = f"Declared: {listed(sorted(filled.backends))}."
            fix = did_you_mean(default, filled.backends, "declare it under spec.backends")
            self.problems.append(Problem(f"unknown backend '{default}'", at, detail, fix))
        for backend in used_backends(index):
            self.problems.extend(use_problems(backend))
        return index

    def stop_on_errors(self) -> None:
        """Raise with all errors. Warnings wait for a run that gets further."""
        errors = dict.fromkeys(p for p in self.problems if p.severity is Severity.ERROR)
        if errors:
            raise ConfigError(errors)

    def configuration(self, filled: FilledWorkspace, documents: Sequence[Prepared], index: Index) -> Configuration:
        """Decode everything."""
        spec = filled.settings.spec
        resources = [
            with_content(decode(item.document, index.backend_name(item.document)), item.document, spec)
            for item in documents
        ]
        secrets = frozenset().union(*(item.secrets for item in documents))
        warnings = sorted(dict.fromkeys(self.problems), key=problem_order)
        return Configuration(
            workspace=workspace_value(filled, index, self.root, secrets),
            resources=tuple(sorted(resources, key=lambda resource: resource.head.address)),
            digest=configuration_digest(filled, index, self.root),
            warnings=tuple(warnings),
        )

    _preparation: Preparation = field(init=False)


def data_folders(document: Document) -> Iterator[Path]:
    """Local folders that a document reads files from or writes a dataset to, unless the document lies inside."""
    urls = [text_at(document.node, "spec", "source", "url"), text_at(document.node, "spec", "destination", "url")]
    urls += [text_at(source, "url") for _, source in map_at(document.node, "spec", "sources")]
    for url in urls:
        folder = _local_folder(url, document.folder)
        if folder is not None and not document.folder.is_relative_to(folder):
            yield folder


def _local_folder(url: str | None, folder: Path) -> Path | None:
    if not url or "${" in url:
        return None
    url = url.removeprefix("file://")
    return None if "://" in url else Path(os.path.normpath(folder / Path(url).expanduser()))


def _is_inside(file: _Prepared, others: Sequence[_Prepared]) -> bool:
    path = file.file.path
    return path is not None and any(
        path.is_relative_to(folder) for other in others if other is not file for folder in other.excluded
    )


def _misplaced(document: Document) -> Problem:
    fix = f"move it into {WORKSPACE_FILES[0]} at the top of the workspace"
    return Problem("a Workspace outside of its file", document.node.at, fix=fix)


def _nothing_found(root: Path) -> Problem:
    detail = "Documents have 'apiVersion: reconciler.dev/v1' and a kind."
    fix = "run in the folder of the workspace, or begin with 'reconciler init'"
    return Problem("no documents found", Location(root.name), detail, fix, Severity.WARNING)


def _plain_secrets(filled: FilledWorkspace) -> Iterator[Problem]:
    for backend in filled.backends.values():
        for key in sorted(SECRET_SETTINGS):
            node = find(backend.node, key)
            if isinstance(node, ScalarNode) and not node.sensitive and node.at not in filled.unresolved:
                summary = f"the {key} of the backend '{backend.name}' stands in the file"
                detail = "Whoever reads the repository can use it."
                fix = f'write {key}: "${{env.NAME}}" and revoke the old one'
                yield Problem(summary, node.at, detail, fix, Severity.WARNING)


def _state_problems(settings: Settings) -> Iterator[Problem]:
    for block in (settings.spec, *(node for _, node in map_at(settings.spec, "environments"))):
        url, node = text_at(block, "state", "url"), find(block, "state", "url")
        if url and node and "://" in url:
            summary = f"state.url: {url.split('://')[0]}:// is not supported in this version"
            yield Problem(summary, node.at, "The state is a local file.", "write a path, such as .reconciler/state.db")
