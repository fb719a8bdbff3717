"""Checks the files that claim one unit: required ones there, none empty, too large or claimed twice.

Every finding names the unit and the files; the files of a unit that cannot be one are accounted for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from reconciler.errors import Location, Problem, Severity, SourceError
from reconciler.model.resource import AssetSet, FileSpecification, Policy
from reconciler.sources.account import Fault, Finding, Tallies, listed
from reconciler.sources.classify import Sequenced
from reconciler.sources.flaws import file_flaw, flaw_problem, is_checked
from reconciler.sources.ledger import FileRow
from reconciler.sources.location import Place
from reconciler.sources.names import natural_key, split_suffix

# Each remote file costs a round trip, and they are read one after the other.
_REMOTE_CONTENT_CHECKS = 1000
SEVERITY = {Policy.FAIL: Severity.ERROR, Policy.WARN: Severity.WARNING}


# Why files of a left-out unit are left out, for the account.
_MISSING = "its unit lacks a required file"
_AMBIGUOUS = "two files of its unit claim one specification"
_CROWDED = "its unit has more files than numbered specifications"
_NUMBERS = re.compile(r"\d+", re.ASCII)


class UnitChecks:
    """The checks of one assembly.

    sequences: their files have the numbers after those of the specifications. unmatched: takes the files of left-out
    units. add: takes findings.
    """

    def __init__(
        self,
        asset_set: AssetSet,
        specifications: tuple[FileSpecification, ...],
        sequences: tuple[Sequenced, ...],
        places: tuple[Place, ...],
        unmatched: Tallies,
        add: Callable[[Finding], None],
    ) -> None:
        self.incomplete_units = 0
        # Specifications that undecided files would fill; one error for the files says it all.
        self.undecided: frozenset[str] = frozenset()
        self._asset_set = asset_set
        self._specifications = specifications
        self._sequences = sequences
        self._places = places
        self._unmatched = unmatched
        self._add = add
        self._address = str(asset_set.head.address)
        self._remote_checks = 0
        self._order = sorted(range(len(specifications)), key=lambda i: specifications[i].name)

    def checked(self, key: str, rows: list[FileRow]) -> list[FileRow] | None:
        """The files of a unit in final order; None when it cannot be one. Reports why, and accounts for the files."""
        crowd: list[FileRow] = []
        if self._sequences:
            rows, crowd = self._sequenced(key, rows)
        if rows[0].spec < 0:
            return self._linked(key, rows)
        by_spec: dict[int, list[FileRow]] = {}
        for row in rows:
            by_spec.setdefault(row.spec, []).append(row)
        ambiguous = self._ambiguous_specs(key, by_spec)
        empty = self._empty_specs(key, by_spec)
        missing = [i for i, s in enumerate(self._specifications) if s.required and (i not in by_spec or i in empty)]
        for index in missing:
            if index not in by_spec:
                self._report_missing(key, index, rows)
        self._check_sizes(key, [*rows, *crowd])
        if ambiguous or missing or crowd:
            self.incomplete_units += bool(missing)
            label = _MISSING if missing else _AMBIGUOUS if ambiguous else _CROWDED
            for row in (*rows, *crowd):
                self._unmatched.add(label, self._places[row.source].show(row.path))
                self.check_content(key, row)
            return None
        for index in empty:
            for row in by_spec.pop(index):
                self._unmatched.add("empty (0 bytes)", self._places[row.source].show(row.path))
        return [row for index in self._order for row in in_order(by_spec.get(index, ()))] or None

    def _sequenced(self, key: str, rows: list[FileRow]) -> tuple[list[FileRow], list[FileRow]]:
        """The files with those of sequences at their specifications, and the files that are too many."""
        placed = [row for row in rows if row.spec < len(self._specifications)]
        crowd: list[FileRow] = []
        for number, sequence in enumerate(self._sequences, len(self._specifications)):
            found = in_order([row for row in rows if row.spec == number])
            placed += [row._replace(spec=index) for index, row in zip(sequence.indices, found, strict=False)]
            rest = [row._replace(spec=sequence.indices[-1]) for row in found[len(sequence.indices) :]]
            if rest:
                self._report_crowded(key, sequence, len(found), rest)
            elif is_uneven([row.path for row in found]):
                self._report_uneven(key, sequence, found)
            crowd += rest
        return placed, crowd

    def _report_crowded(self, key: str, sequence: Sequenced, count: int, rest: Sequence[FileRow]) -> None:
        names = [self._specifications[index].name for index in sequence.indices]
        what = f"{count} files are for the {len(names)} specifications {sequence.pattern} of unit {key!r}"
        detail = f"The collection has {names[0]} to {names[-1]}; {rest[0].path!r} is the first without one."
        fix = "add specifications, exclude files, or use one specification with sequential: true"
        self._report(Fault.SEQUENCE, Problem(what, self._at(rest[0]), detail, fix), key, rest[0].spec, rest[:5])

    def _report_uneven(self, key: str, sequence: Sequenced, rows: Sequence[FileRow]) -> None:
        what = f"the numbers of the files for {sequence.pattern} of unit {key!r} have a gap"
        detail = f"They fill the specifications in order: {listed(tuple(row.path for row in rows[:5]), len(rows))}."
        fix = "add what is missing, or correct the names"
        problem = Problem(what, self._at(rows[0]), detail, fix, Severity.WARNING)
        self._report(Fault.SEQUENCE, problem, key, sequence.indices[0], rows[:5])

    def _linked(self, key: str, rows: list[FileRow]) -> list[FileRow] | None:
        """No file at all: the unit is a link to a URL, which must be its only row."""
        if len(rows) == 1:
            return []
        what = f"unit {key!r} is a link to a URL and has other files too"
        problem = Problem(what, None, f"The URL is {rows[0].path!r}.", "give one of them another name")
        self._report(Fault.AMBIGUOUS, problem, key, max(row.spec for row in rows), rows)
        return None

    def check_content(self, key: str, row: FileRow) -> None:
        """Check a file that will not be hashed, so that all problems of a unit are told at once."""
        place = self._places[row.source]
        if not place.is_local and is_checked(row.path, row.size_bytes):
            self._remote_checks += 1
            if self._remote_checks > _REMOTE_CONTENT_CHECKS:
                return
        try:
            flaw = file_flaw(place, row.path, row.size_bytes)
        except SourceError as error:
            self._report(Fault.UNREADABLE, error.problems[0], key, row.spec, [row])
            return
        if flaw:
            name = self._specifications[row.spec].name
            problem = flaw_problem(place, row.path, name, key, flaw, self._address)
            self._report(Fault.NOT_JSON, problem, key, row.spec, [row])

    def _ambiguous_specs(self, key: str, by_spec: dict[int, list[FileRow]]) -> bool:
        found = False
        for index, rows in by_spec.items():
            if len(rows) > 1 and not self._specifications[index].sequential:
                self._report_ambiguous(key, index, rows)
                found = True
        return found

    def _empty_specs(self, key: str, by_spec: dict[int, list[FileRow]]) -> set[int]:
        empty = set()
        for index, rows in by_spec.items():
            if not all(row.size_bytes for row in rows):
                empty.add(index)
                self._report_empty(key, index, next(row for row in rows if not row.size_bytes))
        return empty

    def _check_sizes(self, key: str, rows: Sequence[FileRow]) -> None:
        limit = self._asset_set.max_file_size_bytes
        for row in rows:
            if limit is not None and row.size_bytes > limit:
                what = f"file of {row.size_bytes:,} bytes is larger than limits.maxFileSize"
                detail = f"The limit is {limit:,} bytes; the file belongs to unit {key!r}."
                problem = Problem(what, self._at(row), detail, "raise the limit or exclude the file")
                self._report(Fault.TOO_LARGE, problem, key, row.spec, [row])

    def _report_missing(self, key: str, index: int, rows: Sequence[FileRow]) -> None:
        severity = SEVERITY.get(self._asset_set.incomplete)
        name = self._specifications[index].name
        if severity and name not in self.undecided:
            what = f"unit {key!r} has no file for {name}"
            detail = f"{name} is required; the unit has {listed(tuple(row.path for row in rows[:3]), len(rows))}."
            fix = "add the file, or set incomplete: warn to leave such units out"
            self._report(Fault.MISSING, Problem(what, self._at(rows[0]), detail, fix, severity), key, index, rows)

    def _report_empty(self, key: str, index: int, row: FileRow) -> None:
        specification = self._specifications[index]
        severity = SEVERITY.get(self._asset_set.incomplete) if specification.required else Severity.WARNING
        if severity:
            what = f"{specification.name} of unit {key!r} is empty (0 bytes)"
            rest = "the unit is incomplete without it" if specification.required else "it is left out"
            detail = f"Backends do not take empty files; {rest}."
            fix = "restore the file, or delete it"
            self._report(Fault.EMPTY, Problem(what, self._at(row), detail, fix, severity), key, index, [row])

    def _report_ambiguous(self, key: str, index: int, rows: Sequence[FileRow]) -> None:
        name = self._specifications[index].name
        shown = tuple(self._places[row.source].show(row.path) for row in rows[:3])
        what = f"{len(rows)} files claim {name} of unit {key!r}"
        detail = f"{listed(shown, len(rows))}."
        fix = "exclude all but one, or tell them apart with 'files' rules or units.key"
        self._report(Fault.AMBIGUOUS, Problem(what, self._at(rows[0]), detail, fix), key, index, rows)

    def _at(self, row: FileRow) -> Location:
        return Location(self._places[row.source].show(row.path))

    def _report(self, fault: Fault, problem: Problem, key: str, index: int, rows: Sequence[FileRow]) -> None:
        named = Problem(problem.summary, problem.at, problem.detail, problem.fix, problem.severity, self._address)
        self._add(Finding(fault, named, key, self._specifications[index].name, tuple(row.path for row in rows)))


def is_uneven(paths: Sequence[str]) -> bool:
    """True when the last numbers in the names of ordered files do not rise by one step; names without say nothing."""
    stems = (split_suffix(path.rpartition("/")[2])[0] for path in paths)
    numbers = [int(found[-1]) for stem in stems if (found := _NUMBERS.findall(stem))]
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) == len(paths) and len(steps) > 1


def in_order(rows: Sequence[FileRow]) -> Sequence[FileRow]:
    """Files of one specification: in the order of a manifest's rows, else frame2 before frame10."""
    if len(rows) < 2:
        return rows
    return sorted(rows, key=lambda row: (row.position, natural_key(row.path), row.path, row.source))
