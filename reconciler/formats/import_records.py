"""What a COCO import kept about a picture, under `extra[media].coco`, as far as it is still what was kept.

The payload lies on a platform where people and programs may change it, so nothing in it is taken on trust: what no
import writes is told and left out, and the export computes that value anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from reconciler.formats.annotations import MediaAnnotations
from reconciler.formats.dm_values import LIMIT, NUMERIC
from reconciler.model.json import JSON, JSONObject

RECORD_KEY: Final = "coco"
"""Member of `extra[media]` under which an import keeps what DM has no place for."""

_MOST_JOINTS: Final = 10_000


def kept_records(media: MediaAnnotations) -> tuple[list[JSONObject], list[str]]:
    """The records of a picture's objects, and the places of those that no import has written."""
    kept = media.extra.get(RECORD_KEY)
    if kept is None:
        return [], []
    place = f"extra.{media.media}.{RECORD_KEY}"
    if not isinstance(kept, Mapping):
        return [], [place]
    rows, wrong = _sound(kept.get("objects"), f"{place}.objects", _is_record)
    return rows, wrong + _sound(kept.get("categories"), f"{place}.categories", _is_category)[1]


def kept_categories(kept: Mapping[str, JSON]) -> Mapping[int, JSONObject]:
    """The category rows that came with a picture, by their id there."""
    return {row["id"]: row for row in _sound(kept.get("categories"), "", _is_category)[0]}


def _sound(rows: JSON, place: str, is_sound: Callable[[JSON], bool]) -> tuple[list[JSONObject], list[str]]:
    if rows is None:
        return [], []
    if type(rows) is not list:
        return [], [place]
    wrong = [f"{place}[{index}]" for index, row in enumerate(rows) if not is_sound(row)]
    return [row for row in rows if is_sound(row)], wrong


def _is_record(row: JSON) -> bool:
    return (
        type(row) is dict
        and _are_texts(row.get("annotations"))
        and all(f(row[k]) for k, f in _FORM.items() if k in row)
    )


def _is_category(row: JSON) -> bool:
    if type(row) is not dict or not _is_id(row.get("id")) or type(row.get("name")) is not str:
        return False
    return bool(row["name"].strip()) and ("keypoints" not in row or _are_texts(row["keypoints"]))


def _is_id(value: JSON) -> bool:
    return type(value) is int


def _is_number(value: JSON) -> bool:
    return type(value) in NUMERIC and -LIMIT <= value <= LIMIT


def _are_texts(value: JSON) -> bool:
    return type(value) is list and all(type(v) is str for v in value)


def _is_box(value: JSON) -> bool:
    return type(value) is list and len(value) == 4 and all(map(_is_number, value))


def _are_joints(value: JSON) -> bool:
    if type(value) is not dict or type(value.get("count")) is not int or not 0 <= value["count"] <= _MOST_JOINTS:
        return False
    places = value.get("places")
    return type(places) is list and all(type(p) is int and 0 <= p < value["count"] for p in places)


_FORM: Final[Mapping[str, Callable[[JSON], bool]]] = {
    "id": _is_id,
    "category_id": _is_id,
    "area": _is_number,
    "num_keypoints": _is_id,
    "bbox": _is_box,
    "joints": _are_joints,
    "members": _are_texts,
    "rle": lambda value: type(value) is str,
    "shape": lambda value: type(value) is str,
}
