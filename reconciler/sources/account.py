"""What became of every scanned file and metadata row, and what was wrong: values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.errors import Problem, Severity

# So many examples are kept for each rule or reason.
SAMPLES = 5
# So many findings of one kind are told one by one; the rest is counted.
MAX_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class Tally:
    """How many entries one rule or reason applies to. samples: the first few, as people know them."""

    label: str
    count: int
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """Where everything went: scanned == used + metadata_files + all of excluded + all of unmatched.

    used: files of units. metadata_files: sidecars that were read. excluded: files by rule. not_searched: folders that
    a rule left out whole; what lies in them was not scanned. unmatched: files by reason. incomplete_units: units left
    out, since a file is missing. unmatched_rows, units_without_row: per metadata source.
    """

    scanned: int = 0
    used: int = 0
    metadata_files: int = 0
    excluded: tuple[Tally, ...] = ()
    not_searched: tuple[Tally, ...] = ()
    unmatched: tuple[Tally, ...] = ()
    incomplete_units: int = 0
    unmatched_rows: tuple[Tally, ...] = ()
    units_without_row: tuple[Tally, ...] = ()


class Fault(StrEnum):
    """Kinds of findings. Closed set."""

    MISSING = "missing_required"
    EMPTY = "empty_file"
    AMBIGUOUS = "ambiguous"
    SEQUENCE = "sequence"
    TOO_LARGE = "too_large"
    NAME = "bad_name"
    UNREADABLE = "unreadable"
    UNMATCHED = "unmatched"
    NOT_JSON = "not_json"
    TABLE = "table"
    MANIFEST = "manifest"
    UNMATCHED_ROWS = "unmatched_rows"
    SIDECAR = "sidecar"
    CONFLICT = "metadata_conflict"
    VALUE = "metadata_value"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with what it concerns, for programs. paths: below the source root, or as shown to people."""

    fault: Fault
    problem: Problem
    key: str = ""
    specification: str = ""
    paths: tuple[str, ...] = ()


class Tallies:
    """Counts entries by label and keeps the first few samples of each."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._samples: dict[str, list[str]] = {}

    def add(self, label: str, sample: str, count: int = 1) -> None:
        """Count an entry."""
        self._counts[label] += count
        kept = self._samples.setdefault(label, [])
        if len(kept) < SAMPLES:
            kept.append(sample)

    def merge(self, other: Tallies, show: Callable[[str], str] = str) -> None:
        """Take over the entries of another; show: how its samples are written here."""
        for label in sorted(other._counts):
            for sample in other._samples[label]:
                self.add(label, show(sample), 0)
            self._counts[label] += other._counts[label]

    @property
    def total(self) -> int:
        """Number of all entries."""
        return self._counts.total()

    def freeze(self) -> tuple[Tally, ...]:
        """The tallies, most frequent first, then by label."""
        order = sorted(self._counts, key=lambda label: (-self._counts[label], label))
        return tuple(Tally(label, self._counts[label], tuple(self._samples[label])) for label in order)


@dataclass(slots=True)
class Findings:
    """Collects findings, at most `MAX_FINDINGS` of a kind; the others are counted."""

    address: str
    found: list[Finding] = field(default_factory=list)
    _counts: Counter[tuple[Fault, Severity]] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Record one finding."""
        group = (finding.fault, finding.problem.severity)
        self._counts[group] += 1
        if self._counts[group] <= MAX_FINDINGS:
            self.found.append(finding)

    @property
    def has_errors(self) -> bool:
        """True when any finding is an error."""
        return any(severity is Severity.ERROR for _, severity in self._counts)

    def freeze(self) -> tuple[Finding, ...]:
        """All findings in the order found, and one more for each kind that was cut short."""
        cut = [self._rest(*group) for group, count in sorted(self._counts.items()) if count > MAX_FINDINGS]
        return (*self.found, *cut)

    def _rest(self, fault: Fault, severity: Severity) -> Finding:
        more = self._counts[fault, severity] - MAX_FINDINGS
        what = f"{more:,} more of the kind {fault.value!r} are not listed"
        return Finding(fault, Problem(what, severity=severity, address=self.address))


def plural(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun: "1 file", "2,000 files"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(samples: tuple[str, ...], count: int) -> str:
    """Write samples for a sentence: "'a', 'b' and 3 more"."""
    shown = ", ".join(repr(sample) for sample in samples)
    return f"{shown} and {count - len(samples):,} more" if count > len(samples) else shown
