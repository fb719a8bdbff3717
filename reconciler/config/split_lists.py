"""Lists that say which item belongs to which split: read, and checked line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.config.nodes import MapNode, Node, map_at, texts_at
from reconciler.config.reading import decode_text
from reconciler.config.suggestion import listed
from reconciler.errors import ConfigError, Location, Problem

COLUMNS: Final = ("key", "split")
_SHOWN: Final = 20  # problems of one list, by name


@dataclass(frozen=True, slots=True)
class SplitList:
    """Item key → split. problems: of the list, all of them up to a limit."""

    assigned: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_split_list(path: Path, label: str, at: Location | None = None) -> SplitList:
    """Read a CSV file, or TSV by its suffix, with the columns `key` and `split`; others are passed over.

    label: how messages name the file. at: where a document names it.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        summary = f"the list of splits {label} cannot be read: {exc.strerror}"
        return SplitList(problems=(Problem(summary, at, fix="paths are relative to the document's folder"),))
    text = decode_text(content, label)
    if not isinstance(text, str):
        return SplitList(problems=tuple(text.problems))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    try:
        return _gathered(_pairs(rows, label))
    except csv.Error as exc:
        problem = Problem(f"the list of splits cannot be read: {exc}", Location(label, rows.line_num, 1))
        return SplitList(problems=(problem,))


def split_list_of(keys: Node | None) -> SplitList:
    """The list that a document holds itself: split → keys of its items."""
    pairs = ((key, split, at) for split, node in map_at(keys) for key, at in texts_at(node))
    return _gathered(pairs if isinstance(keys, MapNode) else iter(()))


def assignments(item: Mapping[str, object], folder: Path) -> Mapping[str, str]:
    """Item key → split of `splits: {by: list}` as declared. Raises ConfigError when its file changed for the worse
    since it was checked."""
    keys = item.get("keys")
    if isinstance(keys, Mapping):
        return {key: split for split, found in keys.items() for key in found}
    name = item.get("file")
    if not isinstance(name, str):
        return {}
    found = read_split_list(folder / name, name)
    if found.problems:
        raise ConfigError(found.problems)
    return found.assigned


_Row = tuple[str, str, Location]


def _pairs(rows: Iterator[list[str]], label: str) -> Iterator[_Row | Problem]:
    """(key, split, where) of every row that holds anything."""
    head = [cell.strip() for cell in next(rows, [])]
    missing = [name for name in COLUMNS if name not in head]
    if missing:
        detail = f"It has {listed(head) or 'none'}."
        fix = "write a header with 'key' and 'split'"
        yield Problem(f"the list of splits lacks the column {missing[0]!r}", Location(label, 1, 1), detail, fix)
        return
    columns = [head.index(name) for name in COLUMNS]
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        key, split = (row[column] if column < len(row) else "" for column in columns)
        yield key, split, Location(label, number, 1)


def _gathered(rows: Iterator[_Row | Problem] | Iterator[_Row]) -> SplitList:
    assigned: dict[str, str] = {}
    problems: list[Problem] = []
    for row in rows:
        problem = row if isinstance(row, Problem) else _assign(assigned, *row)
        if problem is not None:
            problems.append(problem)
    return SplitList(assigned, tuple(problems[:_SHOWN]) + _more(problems))


def _assign(assigned: dict[str, str], key: str, split: str, at: Location) -> Problem | None:
    if not key or not split.strip():
        return Problem(f"a row of the list of splits has no {'split' if key else 'key'}", at, fix="fill it in")
    before = assigned.setdefault(key, split)
    if before != split:
        return Problem(f"the item {key!r} is in the splits {before!r} and {split!r}", at, fix="keep one of them")
    return None


def _more(problems: list[Problem]) -> tuple[Problem, ...]:
    left = len(problems) - _SHOWN
    return (Problem(f"{left} more problems in the list of splits", problems[_SHOWN].at),) if left > 0 else ()
