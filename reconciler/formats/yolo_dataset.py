"""What describes a YOLO data set: names of classes and joints, and which label file belongs to which picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from reconciler.errors import Problem
from reconciler.formats.categories import PERSON_JOINTS
from reconciler.formats.reading import Reading
from reconciler.formats.yolo_objects import Task
from reconciler.formats.yolo_parse import ParseRules
from reconciler.model.json import JSON

_PICTURE_FOLDERS: Final = ("images", "Images", "img", "imgs", "JPEGImages")
_LISTS: Final = ("obj.names", "classes.txt", "classes.names", "labels.txt")


@dataclass(frozen=True, slots=True)
class DatasetHead:
    """names: of classes by id. is_described: a file names them. rules: what rows mean."""

    names: Mapping[int, str]
    is_described: bool
    rules: ParseRules

    def name(self, index: int) -> str:
        """The class of an id, made up when no file names classes. Raises ValueError for one without a name."""
        if index in self.names:
            return self.names[index]
        if self.is_described:
            raise ValueError(f"class id {index} is not among the {len(self.names)} names of the data set")
        return f"class_{index}"

    def stray_labels(self, there: Collection[str], used: AbstractSet[str]) -> Iterator[str]:
        """Files that are labels by their place and belong to no picture."""
        for name in there:
            folders = PurePosixPath(name).parts[:-1]
            if name.endswith(".txt") and name not in used and any(_holds_labels(folder) for folder in folders):
                yield name


def _holds_labels(folder: str) -> bool:
    return folder == "labels" or (folder.startswith("obj_") and folder.endswith("_data"))


def label_of(picture: str, there: Collection[str]) -> str | None:
    """The label file of a picture: where `images` stands for `labels`, else beside it; None when there is none."""
    stem = picture.rpartition(".")[0]
    parts = stem.split("/")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] in _PICTURE_FOLDERS:
            found = "/".join((*parts[:at], "labels", *parts[at + 1 :])) + ".txt"
            if found in there:
                return found
    return f"{stem}.txt" if f"{stem}.txt" in there else None


def read_head(reading: Reading) -> DatasetHead:
    """Names and joints, from `data.yaml` (any YAML file on top that has names), else from a list of names.

    A file that gives none is passed over. What cannot be used is told to `reading.problem`.
    """
    wanted = reading.options.get("task")
    task = Task(str(wanted)) if wanted else None
    settings = _settings(reading)
    names = _names(settings) if settings else _listed(reading)
    joints, across = _joints(reading, settings or {})
    if joints and task is None:
        task = Task.POSE
    return DatasetHead(names or {}, names is not None, ParseRules(task, joints, across))


def read_names(reading: Reading) -> Mapping[int, str]:
    """Class id → name of a file alone: YAML with names, else a list of names."""
    settings = _settings(reading)
    return _names(settings) if settings else _name_list(reading, reading.files.names[0])


def _settings(reading: Reading) -> Mapping[str, JSON] | None:
    """The description of the data set; `data.yaml` before other names."""
    found = [n for n in reading.files.names if "/" not in n and n.endswith((".yaml", ".yml"))]
    for name in sorted(found, key=lambda n: (not n.startswith("data."), n)):
        value = reading.files.settings(name)
        if isinstance(value, Mapping) and ("names" in value or "nc" in value):
            return value
    return None


def _names(settings: Mapping[str, JSON]) -> Mapping[int, str]:
    """`names` as a list or an object; only their number `nc`: names like those of Ultralytics."""
    names = settings.get("names")
    if isinstance(names, Sequence) and not isinstance(names, str):
        return {index: str(name) for index, name in enumerate(names)}
    if isinstance(names, Mapping):
        return {int(index): str(name) for index, name in names.items() if str(index).isdecimal()}
    count = str(settings.get("nc", ""))
    return {index: f"class_{index}" for index in range(int(count) if count.isdecimal() else 0)}


def _listed(reading: Reading) -> Mapping[int, str] | None:
    """A list of one name per line: what `obj.data` points to, else one of the usual names."""
    there = reading.files.names
    pointed = [name for name in there if name.endswith(".names") and "/" not in name]
    for name in (*pointed, *_LISTS):
        if name in there:
            return _name_list(reading, name)
    return None


def _name_list(reading: Reading, name: str) -> Mapping[int, str]:
    """A name per line; empty lines at the end are none."""
    text = reading.files.read(name).decode("utf-8-sig", "replace")
    return dict(enumerate(line.strip() for line in text.rstrip().splitlines()))


def _joints(reading: Reading, settings: Mapping[str, JSON]) -> tuple[tuple[str, ...], int]:
    """Names of the joints and numbers per joint; (), 3 when the data set has no poses."""
    shape = settings.get("kpt_shape")
    if shape is None:
        return (), 3
    values = [int(v) for v in shape if str(v).isdecimal()] if isinstance(shape, list) else []
    if len(values) != 2 or values[0] < 1 or values[1] not in (2, 3):
        text = f"kpt_shape {shape!r} is not [number of joints, 2 or 3]"
        reading.problem(Problem(text, address=reading.files.shown("data.yaml"), fix="repair data.yaml"))
        return (), 3
    return _joint_names(settings.get("kpt_names"), values[0]), values[1]


def _joint_names(given: JSON, count: int) -> tuple[str, ...]:
    """Names as given (one list, or one per class of which the first counts), else COCO's for 17, else numbers."""
    names = next(iter(given.values()), None) if isinstance(given, Mapping) else given
    if isinstance(names, list) and len(names) == count == len(set(map(str, names))):
        return tuple(map(str, names))
    return PERSON_JOINTS if count == len(PERSON_JOINTS) else tuple(f"joint_{n + 1}" for n in range(count))
