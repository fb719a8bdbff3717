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
        used = {self._name_for(unit.key, json.loads(unit.body)) for unit in units}
        lost = sorted(self.payloads.keys() - used)
        problems = list(self.found)
        if lost:
            shown = ", ".join(lost[:5]) + (", …" if len(lost) > 5 else "")
            problems.append(
                Problem(
                    f"{len(lost)} annotated files belong to no unit: {shown}",
                    address=str(self.address),
                    detail=f"They are matched with the files of specification {self.specification!r} by name.",
                    severity=Severity.WARNING,
                )
            )
        return problems

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
    if not payloads and not problems:
        text = f"{files.place.shown} holds no annotations of the format {source.format}"
        raise SourceError([Problem(text, address=files.place.shown, fix="check url and format")])
    fingerprint = digest([_FORMAT, source.specification, source.submit, digest(payloads)])
    return PreAnnotations(
        task_set.head.address, source.specification, source.submit, fingerprint, payloads, tuple(problems)
    )
