"""Pre-annotations of task sets: read a dataset file and find the payload of each unit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reconciler.errors import Problem, Severity, SourceError
from reconciler.model.address import Address
from reconciler.model.json import JSON, digest
from reconciler.model.resource import AnnotationSource, TaskSet
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
    files = _read_files(task_set, source)
    payloads: dict[str, JSON] = {}
    problems: list[Problem] = []
    for name, raw in files:
        reader = _coco if source.format == "coco" else _synapse
        for key, payload in reader(name, _parse(name, raw), source.specification, problems):
            if key in payloads:
                problems.append(Problem(f"{key!r} is annotated twice", address=name, fix="keep one of them"))
            payloads[key] = payload
    fingerprint = digest([_FORMAT, source.specification, source.submit, digest(payloads)])
    return PreAnnotations(
        task_set.head.address, source.specification, source.submit, fingerprint, payloads, tuple(problems)
    )


def _read_files(task_set: TaskSet, source: AnnotationSource) -> list[tuple[str, bytes]]:
    """(shown name, bytes) of the file, or of every .json and .jsonl file of the folder."""
    from reconciler.engine.reading import read_documents

    return read_documents(source.url, task_set.head.folder, source.options, suffixes=(".json", ".jsonl"))


def _parse(name: str, raw: bytes) -> JSON:
    try:
        if name.endswith(".jsonl"):
            return [json.loads(line) for line in raw.decode("utf-8-sig").splitlines() if line.strip()]
        return json.loads(raw.decode("utf-8-sig"))
    except ValueError as exc:
        problem = Problem(f"{name} is not valid JSON: {exc}", address=name, fix="repair the file or export it again")
        raise SourceError([problem]) from exc


def _coco(name: str, dataset: JSON, specification: str, problems: list[Problem]) -> Iterator[tuple[str, JSON]]:
    from reconciler.formats.coco_read import read_coco
    from reconciler.formats.dm import encode_v1

    coco = read_coco(dataset, name=name)
    problems.extend(coco.problems)
    for file_name, document in coco.documents(specification):
        yield file_name, encode_v1(document)


def _synapse(name: str, value: JSON, specification: str, problems: list[Problem]) -> Iterator[tuple[str, JSON]]:
    """One payload per file (named by its stem), or a list of records with `data` and a `file` or `key`."""
    del specification
    if not isinstance(value, list):
        yield PurePosixPath(name).stem, value
        return
    for number, record in enumerate(value, 1):
        key = _record_name(record)
        if key is None:
            text = f"record {number} names neither key nor file"
            problems.append(Problem(text, address=name, fix='give it "key" or "file": {"file_name_original": …}'))
        else:
            yield key, record.get("data")


def _record_name(record: JSON) -> str | None:
    if not isinstance(record, Mapping):
        return None
    file = record.get("file")
    name = record.get("key") or (file.get("file_name_original") if isinstance(file, Mapping) else None)
    return str(name) if name else None
