"""The readers there are, by the name of their format in `TaskSet.annotations`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from reconciler.errors import Problem
from reconciler.formats.json_files import read_json
from reconciler.formats.reading import Annotated, Reader, Reading
from reconciler.model.json import JSON


def _json_files(reading: Reading) -> Iterator[str]:
    """JSON files directly in the folder."""
    return (n for n in reading.files.names if n.endswith((".json", ".jsonl")) and "/" not in n)


def _coco(reading: Reading) -> Iterator[Annotated]:
    from reconciler.formats.coco_read import read_coco

    for name in _json_files(reading):
        coco = read_coco(read_json(reading, name), name=reading.files.shown(name))
        for problem in coco.problems:
            reading.problem(problem)
        for file_name, document in coco.documents(reading.specification):
            yield Annotated(file_name, document)


def _synapse_json(reading: Reading) -> Iterator[Annotated]:
    """One payload per file (named by its stem), or a list of records with `data` and a `file` or `key`."""
    for name in _json_files(reading):
        value = read_json(reading, name)
        if not isinstance(value, list):
            yield Annotated(PurePosixPath(name).stem, payload=value)
            continue
        for number, record in enumerate(value, 1):
            key = _record_name(record)
            if key is None:
                text = f"record {number} names neither key nor file"
                fix = 'give it "key" or "file": {"file_name_original": …}'
                reading.problem(Problem(text, address=reading.files.shown(name), fix=fix))
            else:
                yield Annotated(key, payload=record.get("data"))


def _record_name(record: JSON) -> str | None:
    if not isinstance(record, Mapping):
        return None
    file = record.get("file")
    name = record.get("key") or (file.get("file_name_original") if isinstance(file, Mapping) else None)
    return str(name) if name else None


def _table(suffix: str) -> Reader:
    def read(reading: Reading) -> Iterator[Annotated]:
        from reconciler.formats.table_read import read_tables

        return read_tables(reading, suffix)

    return read


def _cvat(reading: Reading) -> Iterator[Annotated]:
    from reconciler.formats.cvat_read import read_cvat

    return read_cvat(reading)


def _labelme(reading: Reading) -> Iterator[Annotated]:
    from reconciler.formats.labelme_read import read_labelme

    return read_labelme(reading)


def _labelstudio(reading: Reading) -> Iterator[Annotated]:
    from reconciler.formats.labelstudio_read import read_labelstudio

    return read_labelstudio(reading)


def _voc(reading: Reading) -> Iterator[Annotated]:
    from reconciler.formats.voc_read import read_voc

    return read_voc(reading)


def _imagefolder(reading: Reading) -> Iterator[Annotated]:
    from reconciler.formats.imagefolder_read import read_imagefolder

    return read_imagefolder(reading)


def _yolo(reading: Reading) -> Iterator[Annotated]:
    from reconciler.formats.yolo_read import read_yolo

    return read_yolo(reading)


READERS: Final[Mapping[str, Reader]] = {
    "coco": _coco,
    "csv": _table(".csv"),
    "jsonl": _table(".jsonl"),
    "parquet": _table(".parquet"),
    "cvat": _cvat,
    "imagefolder": _imagefolder,
    "labelme": _labelme,
    "labelstudio": _labelstudio,
    "synapse-json": _synapse_json,
    "voc": _voc,
    "yolo": _yolo,
}
"""Format → its reader."""
