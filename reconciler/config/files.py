"""Read configuration files from disk or standard input and pick out the documents that are ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from reconciler.config.discovery import DEFAULT_GLOBS, Glob, Walk
from reconciler.config.documents import Document, classify, may_be_ours
from reconciler.config.nodes import MapNode
from reconciler.config.reading import SIZE_LIMIT_BYTES, Reading, read_bytes, read_text
from reconciler.errors import Location, Problem, Severity

STDIN = "-"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file. path: None for standard input. problems: those of our documents only."""

    label: str
    path: Path | None
    documents: tuple[Document, ...]
    problems: tuple[Problem, ...] = ()


def label_of(path: Path, root: Path) -> str:
    """How messages name a file: relative to the workspace when it is inside, else as it is."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def read_found(path: Path, label: str) -> ReadFile:
    """Read a file that the walk found; files that are not ours give nothing, whatever is wrong with them."""
    try:
        with path.open("rb") as stream:
            content = stream.read(SIZE_LIMIT_BYTES + 1)
    except OSError as exc:
        return ReadFile(label, path, (), (_unreadable(label, exc),))
    if not may_be_ours(content):
        return ReadFile(label, path, ())
    return _sorted_out(read_bytes(content, label), label, path, path.parent)


def read_given(names: Iterable[str], root: Path, stdin: Callable[[], str] | None) -> list[ReadFile]:
    """Read the files, folders and standard input (`-`) of `-f`, in order; a name that is given twice counts once.

    A file without any document of ours is a problem, since a plan of nothing would delete everything.
    """
    found: list[ReadFile] = []
    for name in dict.fromkeys(names):
        if name == STDIN:
            found.append(_read_stdin(root, stdin))
        elif Path(name).is_dir():
            found.extend(_read_folder(Path(name).absolute(), name, root))
        else:
            found.append(_read_named(Path(name).absolute(), name, root))
    return list({(file.path or file.label): file for file in found}.values())


def _read_stdin(root: Path, stdin: Callable[[], str] | None) -> ReadFile:
    text = stdin() if stdin else ""
    file = _sorted_out(read_text(text, STDIN), STDIN, None, root)
    return file if file.documents or file.problems else _without_documents(file)


def _read_named(path: Path, name: str, root: Path) -> ReadFile:
    label = label_of(Path(os.path.normpath(path)), root) if path.is_relative_to(root) else name
    try:
        with path.open("rb") as stream:
            content = stream.read(SIZE_LIMIT_BYTES + 1)
    except OSError as exc:
        return ReadFile(label, path, (), (_unreadable(label, exc),))
    file = _sorted_out(read_bytes(content, label), label, path, path.parent, given=True)
    return file if file.documents or file.problems else _without_documents(file)


def _read_folder(folder: Path, name: str, root: Path) -> list[ReadFile]:
    walk = Walk(folder, tuple(Glob(pattern) for pattern in (*DEFAULT_GLOBS, "**/*.json")))
    paths = sorted(path for level in walk.levels() for path in level)
    files = [read_found(path, label_of(path, root)) for path in paths]
    if any(file.documents or file.problems for file in files):
        return files
    return [_without_documents(ReadFile(name, folder, ()))]


def _sorted_out(reading: Reading, label: str, path: Path | None, folder: Path, *, given: bool = False) -> ReadFile:
    """Split a reading into documents of ours and problems with them."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for node in reading.documents:
        found = classify(node, label, folder)
        if isinstance(found, Document):
            documents.append(found)
        elif isinstance(found, Problem):
            problems.append(found)
    if given or documents or problems or not reading.documents:
        problems.extend(_concerning(reading, documents, given=given))
    return ReadFile(label, path, tuple(documents), tuple(problems))


def _concerning(reading: Reading, documents: list[Document], *, given: bool) -> list[Problem]:
    """Problems of the reader, without those inside documents of other programs in the same file."""
    if given or len(documents) == len(reading.documents):
        return list(reading.problems)
    starts = sorted(node.at for node in reading.documents)
    ours = {document.node.at for document in documents}
    concerning = [p for p in reading.problems if _start_before(starts, p.at) in ours]
    last = reading.problems[-1:] if reading.unfinished else ()
    return [*concerning, *(p for p in last if p not in concerning)]


def _start_before(starts: list[Location], at: Location | None) -> Location | None:
    return max((start for start in starts if at is not None and start <= at), default=None)


def _without_documents(file: ReadFile) -> ReadFile:
    what = "standard input" if file.label == STDIN else file.label
    problem = Problem(
        f"{what} holds no document of ours",
        Location(file.label),
        "Documents have 'apiVersion: reconciler.dev/v1' and a kind.",
        "check what is given with -f",
    )
    return ReadFile(file.label, file.path, (), (problem,))


def _unreadable(label: str, exc: OSError) -> Problem:
    reason = os.strerror(exc.errno) if exc.errno else "it cannot be read"
    return Problem(f"{label} cannot be read: {reason}", Location(label), fix="check the path and its rights")


def nested_workspace(folder: Path, root: Path) -> Problem:
    """Say that a folder below was left out because it is a workspace of its own."""
    label = label_of(folder, root)
    return Problem(
        f"the folder {label} is a workspace of its own and was not searched",
        Location(label),
        fix=f"run in it, or give it with -f {label}",
        severity=Severity.WARNING,
    )


def read_values(path: Path, label: str) -> tuple[MapNode | None, list[Problem]]:
    """Read a file of variable values: one object, name to value."""
    try:
        content = path.read_bytes()
    except OSError as exc:
        return None, [_unreadable(label, exc)]
    reading = read_bytes(content, label)
    problems = list(reading.problems)
    if reading.failed or not reading.documents:
        return None, problems
    node = reading.documents[0]
    if len(reading.documents) > 1 or not isinstance(node, MapNode):
        summary = "a file of variables holds one object, name to value"
        return None, [*problems, Problem(summary, node.at, fix="write lines 'name: value'")]
    return node, problems
