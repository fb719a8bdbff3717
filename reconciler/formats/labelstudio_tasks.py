"""Tasks of a Label Studio export: which of their annotations is read, and what a task is called.

JSON-MIN lists a task's data and, beside it, the values of each control; it is read as if it were the full form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.formats.labelstudio_rows import SAYING
from reconciler.formats.stable_ids import stable_id
from reconciler.model.json import JSON, JSONObject

LISTS: Final = ("annotations", "predictions")
_MIN: Final = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
_TEXTS: Final = {"choices": "choices", "textarea": "text"}
_UPLOADED: Final = re.compile(r"[0-9a-f]{8}-(?=.)")
_PATH: Final = re.compile(r"[^\s?]*[/\\]?[^\s/\\?]+\.[A-Za-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the results of a task stand that are read: the list, and the place in it."""

    list: str
    place: int


def choose(task: JSONObject) -> Slot | None:
    """Ground truth, else the first annotation that was not cancelled, else the first prediction."""
    annotations = _entries(task, "annotations")
    live = [place for place, row in annotations if not row.get("was_cancelled") and not row.get("skipped")]
    truth = [place for place, row in annotations if place in live and row.get("ground_truth") is True]
    if truth or live:
        return Slot("annotations", (truth or live)[0])
    predictions = _entries(task, "predictions")
    return Slot("predictions", predictions[0][0]) if predictions else None


def _entries(task: JSONObject, name: str) -> list[tuple[int, JSONObject]]:
    rows = task.get(name)
    found = enumerate(rows) if isinstance(rows, list) else ()
    return [(place, row) for place, row in found if isinstance(row, Mapping) and isinstance(row.get("result"), list)]


def count(task: JSONObject) -> int:
    """How many annotations with results a task has that were not cancelled."""
    return sum(1 for _, row in _entries(task, "annotations") if not row.get("was_cancelled"))


def task_name(task: JSONObject, key: str | None) -> str:
    """What a task is about: its `key` as an export writes it, the path of its file, else its number.

    key: of the file in `data`. Addresses lose their host, uploads the prefix that Label Studio gives them.
    """
    data = task.get("data")
    said = data.get("key") if isinstance(data, Mapping) else None
    if isinstance(said, str) and said:
        return said
    value = data.get(key) if isinstance(data, Mapping) and key is not None else None
    path = _path(value) if isinstance(value, str) else ""
    upload = task.get("file_upload")
    if not path and isinstance(upload, str) and not upload.endswith((".json", ".csv", ".tsv")):
        path = _UPLOADED.sub("", upload)
    return path or str(task.get("id", ""))


def _path(value: str) -> str:
    """The path of a file in an address; "" when the value is no address (a text, say)."""
    if len(value) > 4096 or "\n" in value:
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    if parts.path.startswith("/data/local-files") and parts.query.startswith("d="):
        return unquote(parts.query[2:].partition("&")[0]).lstrip("/")
    is_url = bool(parts.scheme and parts.netloc)
    path = unquote(parts.path) if is_url else value
    if not is_url and not _PATH.fullmatch(path) and "/" not in path:
        return ""
    if path.startswith("/data/upload/"):
        folder, _, leaf = path.rpartition("/")
        return f"{folder}/{_UPLOADED.sub('', leaf, count=1)}".lstrip("/")
    return path.lstrip("/")


def is_min(task: JSONObject) -> bool:
    """Whether a row is in the short form."""
    return "data" not in task and "annotations" not in task and ("annotation_id" in task or "annotator" in task)


def expand(task: JSONObject, controls: Mapping[str, tuple[str, str]]) -> JSONObject:
    """The full form of a row of JSON-MIN. controls: control → (type of its results, object), of the configuration."""
    rows: list[JSON] = []
    data: dict[str, JSON] = {}
    for name, value in task.items():
        if name in _MIN or name == "id":
            continue
        found = list(_results(name, value, controls))
        rows += found
        if not found:
            data[name] = value
    named = {"id": stable_id("min", task.get("id"), task.get("annotation_id"))}
    for place, row in enumerate(rows):
        row["id"] = stable_id(*named.values(), place)
    head = {k: task[k] for k in ("created_at", "updated_at", "lead_time") if k in task}
    annotation = {"id": task.get("annotation_id"), "completed_by": task.get("annotator"), "result": rows, **head}
    rest = {k: task[k] for k in ("id", "agreement") if k in task}
    return {**rest, "data": data, "annotations": [annotation]}


def _results(name: str, value: JSON, controls: Mapping[str, tuple[str, str]]) -> Iterator[dict[str, JSON]]:
    for one in value if isinstance(value, list) else [value]:
        type, to_name = controls.get(name, (None, None))
        if isinstance(one, Mapping):
            type = type if type in one else next((k for k in one if k.endswith("labels") or k in SAYING), type)
            if type is None:
                return
            inner = {k: v for k, v in one.items() if k not in ("original_width", "original_height")}
            sides = {k: one[k] for k in ("original_width", "original_height") if k in one}
        elif isinstance(one, str) and type in _TEXTS:
            inner, sides = {_TEXTS[type]: [one]}, {}
        else:
            return
        yield {"type": type, "from_name": name, "to_name": to_name or "image", "value": inner, **sides}


def shorten(task: JSONObject, rows: list[JSONObject]) -> JSONObject:
    """The row of JSON-MIN of a task. rows: the results that are read."""
    entries = [row for name in LISTS for row in task.get(name) or () if isinstance(row, Mapping)]
    annotation: JSONObject = next(iter(entries), {})
    by_control: dict[str, list[JSON]] = {}
    types: dict[str, str] = {}
    for row in rows:
        name, type = (row.get("from_name"), row.get("type")) if isinstance(row, Mapping) else (None, None)
        if isinstance(name, str) and isinstance(type, str) and isinstance(row.get("value"), Mapping):
            sides = {k: row[k] for k in ("original_width", "original_height") if k in row}
            types[name] = type
            by_control.setdefault(name, []).append(_short({**row["value"], **sides}, type))
    short = {name: v[0] if len(v) == 1 and types[name] in _TEXTS else v for name, v in by_control.items()}
    about = {
        "annotator": annotation.get("completed_by"),
        "annotation_id": annotation.get("id"),
        "created_at": annotation.get("created_at"),
        "updated_at": annotation.get("updated_at"),
        "lead_time": annotation.get("lead_time"),
    }
    return {**task["data"], "id": task["id"], **short, **about, **{k: task[k] for k in ("agreement",) if k in task}}


def _short(value: JSONObject, type: str) -> JSON:
    texts = value.get(_TEXTS.get(type, ""))
    return texts[0] if isinstance(texts, list) and len(texts) == 1 else value
