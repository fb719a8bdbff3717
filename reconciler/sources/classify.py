"""Decides for every listed file: which unit and specification it belongs to, or why it belongs to none.

Pure: names in, decision out. Two files with the same claim are the business of `assembly`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.errors import Problem, SourceError
from reconciler.model.resource import AssetSet, FileSpecification, Layout
from reconciler.model.sequence import MARK, members
from reconciler.sources.globs import compile_glob
from reconciler.sources.keys import key_function, missing_key_reason
from reconciler.sources.mapping import Mapping
from reconciler.sources.names import is_text, nfc
from reconciler.sources.selection import Selection


class Leave(StrEnum):
    """Why a file is no file of a unit. Closed set."""

    EXCLUDED = "excluded"
    SIDECAR = "sidecar"
    UNMATCHED = "unmatched"
    AMBIGUOUS = "ambiguous"
    BAD_NAME = "bad name"


@dataclass(frozen=True, slots=True)
class Left:
    """A file that is no file of a unit. label: the rule or reason, as the account shows it."""

    leave: Leave
    label: str


# (key of the unit, index of the specification; of a sequence the number of specifications and its own on top)
Placed = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sequenced:
    """Numbered specifications that the files of a unit fill in natural order. indices: in order of their numbers."""

    pattern: str
    indices: tuple[int, ...]


_FITS, _AND = "fits ", " and "
_BAD_NAME = Left(Leave.BAD_NAME, "the name is not valid Unicode text")


class Classifier:
    """The rules of one asset set, compiled.

    sidecars: patterns of paths that hold metadata of units. tables: per source, paths of metadata tables.
    """

    def __init__(
        self,
        asset_set: AssetSet,
        specifications: Sequence[FileSpecification],
        selections: Sequence[Selection],
        *,
        sidecars: Sequence[tuple[str, re.Pattern[str]]] = (),
        tables: Map[int, frozenset[str]] | None = None,
    ) -> None:
        self.mapping = Mapping(specifications)
        self.key_of = key_function(asset_set)
        self.no_key = Left(Leave.UNMATCHED, missing_key_reason(asset_set))
        self.selections = tuple(selections)
        self.sidecars = tuple(sidecars)
        self.tables = tables or {}
        self.by_folders = asset_set.layout is Layout.DIRECTORIES and asset_set.key_rule is None
        self.rules, self.sequences = _compile_rules(asset_set, self.mapping.names)
        self.of_source = _source_specifications(asset_set, self.mapping.names)

    def folder(self, source: int, prefix: str) -> FolderRules:
        """The rules for the files directly in one folder."""
        return FolderRules(self, source, prefix)

    def accepted(self, index: int, suffix: str) -> int | Left:
        """The index, unless the specification, or one of the sequence, does not take the extension."""
        refusing = next((i for i in self.indices(index) if not self.mapping.accepts(i, suffix)), None)
        if refusing is None:
            return index
        shown = f"{suffix} files" if suffix else "files without extension"
        return Left(Leave.UNMATCHED, f"{self.mapping.names[refusing]} takes no {shown}")

    def is_open(self, index: int) -> bool:
        """Whether the specification, or all of the sequence, list no extensions: a rule may give them plain names."""
        return not any(self.mapping.lists_extensions(i) for i in self.indices(index))

    def indices(self, index: int) -> tuple[int, ...]:
        """The specifications that an index stands for: one, or those of a sequence in their order."""
        count = len(self.mapping.names)
        return (index,) if index < count else self.sequences[index - count].indices


class FolderRules:
    """Decides the files of one folder; what depends on the folder alone is worked out once per suffix."""

    def __init__(self, rules: Classifier, source: int, prefix: str) -> None:
        self._rules = rules
        self._prefix = prefix
        self._selection = rules.selections[source]
        self._tables = rules.tables.get(source, frozenset())
        self._fixed = rules.of_source[source]
        parts = prefix.split("/")[:-1]
        self._parts = parts[1:] if rules.by_folders else parts
        self._by_suffix: dict[str, int | Left | tuple[int, ...]] = {}
        self._is_text = is_text(prefix)

    def decide(self, name: str) -> Placed | Left:
        """Return (key, specification index) for a file of a unit, else why it is none."""
        path = self._prefix + name
        left = self._left_out(path, name)
        if left is not None:
            return left
        stem, suffix = self._rules.mapping.split(name)
        index = self._by_rule(path, suffix) if self._rules.rules else None
        if index is None:
            index = self._sidecar(path) or self._by_folder(stem, suffix)
        if isinstance(index, Left):
            return index
        key = self._rules.key_of(self._prefix, stem, name)
        return self._rules.no_key if not key else (key, index)

    def specification(self, name: str) -> int | Left:
        """The specification of a file that a manifest names: by rule, folder and extension; nothing is left out."""
        stem, suffix = self._rules.mapping.split(name)
        index = self._by_rule(self._prefix + name, suffix) if self._rules.rules else None
        return self._by_folder(stem, suffix) if index is None else index

    def _left_out(self, path: str, name: str) -> Left | None:
        rule = self._selection.excludes(path)
        if rule:
            return Left(Leave.EXCLUDED, rule)
        if path in self._tables:
            return Left(Leave.EXCLUDED, "metadata table")
        return None if self._is_text and is_text(name) else _BAD_NAME

    def _by_rule(self, path: str, suffix: str) -> int | Left | None:
        text = nfc(path)
        for glob, index in self._rules.rules:
            if glob.fullmatch(text):
                return index if not suffix and self._rules.is_open(index) else self._rules.accepted(index, suffix)
        return None

    def _sidecar(self, path: str) -> Left | None:
        if self._rules.sidecars:
            text = nfc(path)
            for name, pattern in self._rules.sidecars:
                if pattern.search(text):
                    return Left(Leave.SIDECAR, name)
        return None

    def _by_folder(self, stem: str, suffix: str) -> int | Left:
        found = self._by_suffix.get(suffix)
        if found is None:
            found = self._by_suffix[suffix] = self._candidates(suffix)
        return self._by_file_name(found, stem) if isinstance(found, tuple) else found

    def _candidates(self, suffix: str) -> int | Left | tuple[int, ...]:
        mapping = self._rules.mapping
        if self._fixed is not None:
            return self._rules.accepted(self._fixed, suffix)
        candidates = mapping.accepting(suffix)
        if not candidates:
            shown = f"{suffix} files" if suffix else "files without extension"
            return Left(Leave.UNMATCHED, f"no specification takes {shown}")
        narrowed = mapping.by_folder(candidates, self._parts)
        return narrowed[0] if len(narrowed) == 1 else narrowed

    def _by_file_name(self, candidates: tuple[int, ...], stem: str) -> int | Left:
        """Where folders are units, a file may be named like its specification: `p1/image.png`, `p1/mask.png`."""
        mapping = self._rules.mapping
        if self._rules.by_folders:
            candidates = mapping.by_folder(candidates, [stem])
        candidates = mapping.most_explicit(candidates)
        if len(candidates) == 1:
            return candidates[0]
        return Left(Leave.AMBIGUOUS, _FITS + _AND.join(mapping.names[i] for i in candidates))


def candidates_of(label: str) -> list[str]:
    """The names of the specifications in the label of an ambiguous file."""
    return label.removeprefix(_FITS).split(_AND)


Rules = list[tuple[re.Pattern[str], int]]


def _compile_rules(asset_set: AssetSet, names: tuple[str, ...]) -> tuple[Rules, tuple[Sequenced, ...]]:
    rules: Rules = []
    sequences: list[Sequenced] = []
    problems = []
    for rule in asset_set.files:
        try:
            glob = compile_glob(rule.match)
            if MARK in rule.specification:
                rules.append((glob, len(names) + _sequence(rule.specification, names, sequences)))
                continue
        except (ValueError, re.error) as error:
            what = f"files: {error}"
            problems.append(Problem(what, asset_set.head.location, address=str(asset_set.head.address)))
            continue
        if rule.specification in names:
            rules.append((glob, names.index(rule.specification)))
        else:
            problems.append(_unknown(asset_set, rule.specification, names))
    if problems:
        raise SourceError(problems)
    return rules, tuple(sequences)


def _sequence(pattern: str, names: tuple[str, ...], sequences: list[Sequenced]) -> int:
    """The number of a sequence; rules with one pattern fill one sequence."""
    found = Sequenced(pattern, tuple(names.index(name) for name in members(pattern, names)))
    if found not in sequences:
        sequences.append(found)
    return sequences.index(found)


def _source_specifications(asset_set: AssetSet, names: tuple[str, ...]) -> list[int | None]:
    wanted = [source.specification for source in asset_set.sources]
    problems = [_unknown(asset_set, name, names) for name in wanted if name is not None and name not in names]
    if problems:
        raise SourceError(problems)
    return [None if name is None else names.index(name) for name in wanted]


def _unknown(asset_set: AssetSet, name: str, names: tuple[str, ...]) -> Problem:
    near = difflib.get_close_matches(name, names, 1, 0.5)
    detail = f"The collection has {', '.join(names) or 'no specifications'}."
    fix = f"did you mean {near[0]!r}?" if near else "use one of the collection's file specifications"
    what = f"unknown file specification {name!r}"
    return Problem(what, asset_set.head.location, detail, fix, address=str(asset_set.head.address))
