"""Pre-annotations of task sets: read a dataset file and find the payload of each unit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reconciler.engine.dataset_files import open_dataset
from reconciler.errors import Problem, Severity, SourceError
from reconciler.formats.dm import encode_v1
from reconciler.formats.readers import READERS
from reconciler.formats.reading import Reading
from reconciler.model.address import Address
from reconciler.model.json import JSON, digest
from reconciler.model.resource import TaskSet
from reconciler.state.populations import DesiredRow

_EXAMPLES = 5
_FORMAT = 1  # raise when payloads are made differently


@dataclass(slots=True)
class PreAnnotations:
    """Payloads by the file they describe. fingerprint: digest over the file's bytes and what is made of them."""

    address: Address
    specification: str
    submit: bool
    fingerprint: str
    payloads: Mapping[str, JSON]
    found: tuple[Problem, ...]
    _by_leaf: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.payloads:
            self._by_leaf.setdefault(PurePosixPath(name).name, []).append(name)

    def payload(self, key: str, unit: Mapping[str, JSON]) -> JSON:
        """The payload for a unit (as `model.body.encode_unit` writes it), None when there is none."""
        name = self._name_for(key, unit)
        return self.payloads[name] if name is not None else None

    def problems(self, units: Iterator[DesiredRow]) -> list[Problem]:
        """What was wrong in the file, and annotations that belong to no unit."""
        keys: list[str] = []
        used: set[str | None] = set()
        for unit in units:
            used.add(self._name_for(unit.key, json.loads(unit.body)))
            keys += [unit.key] if len(keys) < _EXAMPLES else []
        lost = sorted(self.payloads.keys() - used)
        return [*self.found, *([self._lost(lost, keys)] if lost else [])]

    def _lost(self, lost: list[str], keys: list[str]) -> Problem:
        """Some are left over when a set is a part of the data set; all of them, when it is another one."""
        is_all = len(lost) == len(self.payloads) and bool(keys)
        count = f"{'none of ' if is_all else ''}{len(lost)} annotated {'file' if len(lost) == 1 else 'files'}"
        belongs = "belongs to a unit" if is_all else "belongs to no unit" if len(lost) == 1 else "belong to no unit"
        units = f" Units are {', '.join(keys)}{', …' if len(keys) == _EXAMPLES else ''}." if is_all else ""
        return Problem(
            f"{count} {belongs}: {', '.join(lost[:_EXAMPLES])}{', …' if len(lost) > _EXAMPLES else ''}",
            address=str(self.address),
            detail=f"They are matched with the files of specification {self.specification!r} by name.{units}",
            fix="check annotations.url and the set in 'assets'"
            if is_all
            else "add their files to the set, or ignore this",
            severity=Severity.ERROR if is_all else Severity.WARNING,
        )

    def _name_for(self, key: str, unit: Mapping[str, JSON]) -> str | None:
        """By the unit's key, else by the path of its file: the longest agreeing end wins, ties are no match."""
        if key in self.payloads:
            return key
        for spec, _, path, _, _ in unit["files"]:
            if spec == self.specification:
                names = self._by_leaf.get(PurePosixPath(path).name, [])
                fits = [n for n in names if path == n or path.endswith("/" + n) or n.endswith("/" + path)]
                if len(fits or names) == 1:
                    return (fits or names)[0]
        return None


def read_annotations(task_set: TaskSet) -> PreAnnotations:
    """Read the annotations of a task set. Raises SourceError when the file cannot be read at all."""
    source = task_set.annotations
    assert source is not None
    files = open_dataset(source.url, task_set.head.folder, source.options)
    payloads: dict[str, JSON] = {}
    problems: list[Problem] = []
    for found in READERS[source.format](Reading(files, source.specification, problems.append, source.format_options)):
        if found.name in payloads:
            where = files.place.shown
            problems.append(Problem(f"{found.name!r} is annotated twice", address=where, fix="keep one of them"))
        payloads[found.name] = found.payload if found.document is None else encode_v1(found.document)
    if not payloads:
        text = f"{files.place.shown} holds no annotations of the format {source.format}"
        nothing = Problem(text, address=str(task_set.head.address), fix="check annotations.url and annotations.format")
        raise SourceError([nothing, *problems[:_EXAMPLES]])
    fingerprint = digest([_FORMAT, source.specification, source.submit, digest(payloads)])
    return PreAnnotations(
        task_set.head.address, source.specification, source.submit, fingerprint, payloads, tuple(problems)
    )
