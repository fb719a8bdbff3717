"""A Label Studio task with every kind of result that pictures have, as its own frontend writes them."""

from __future__ import annotations

import copy
import json
from typing import Any

from reconciler.formats.brush_rle import encode_brush

WIDTH, HEIGHT = 200, 100


def _result(id: str, type: str, from_name: str, **value: Any) -> dict[str, Any]:
    return {
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": value,
        "id": id,
        "from_name": from_name,
        "to_name": "image",
        "type": type,
        "origin": "manual",
    }


RESULTS: list[dict[str, Any]] = [
    _result("box", "rectanglelabels", "l", x=10.0, y=20.0, width=20.0, height=30.0, rotation=30, rectanglelabels=["a"]),
    _result("box", "choices", "colour", x=10.0, y=20.0, width=20.0, height=30.0, rotation=30, choices=["red"]),
    _result("box", "textarea", "note", x=10.0, y=20.0, width=20.0, height=30.0, rotation=30, text=["old", "worn"]),
    _result("ring", "polygonlabels", "p", points=[[1, 1], [50, 1], [50, 50.5]], closed=True, polygonlabels=["a", "b"]),
    _result("line", "polygonlabels", "p", points=[[1, 1], [50, 1]], closed=False, polygonlabels=["b"]),
    {**_result("joint", "keypointlabels", "k", x=12.0, y=25.0, width=0.4, keypointlabels=["nose"]), "parentID": "box"},
    _result("round", "ellipselabels", "e", x=50, y=50, radiusX=10, radiusY=20, rotation=15, ellipselabels=["b"]),
    _result(
        "brush",
        "brushlabels",
        "m",
        format="rle",
        rle=encode_brush(((205, 10), (405, 20)), (WIDTH, HEIGHT)),
        brushlabels=["a"],
    ),
    _result("plain", "rectangle", "r", x=1, y=2, width=3, height=4, rotation=0),
    {"id": "whole", "type": "choices", "from_name": "scene", "to_name": "image", "value": {"choices": ["day", "wet"]}},
    {"id": "stars", "type": "rating", "from_name": "quality", "to_name": "image", "value": {"rating": 4}},
    {"from_id": "box", "to_id": "ring", "type": "relation", "direction": "left", "labels": ["on"]},
]


def picture_task(**changes: Any) -> dict[str, Any]:
    """A task about one picture. changes: members that differ."""
    annotation = {"id": 3, "completed_by": 1, "result": copy.deepcopy(RESULTS), "was_cancelled": False}
    task = {"id": 7, "data": {"image": "s3://bucket/set/one.jpg", "site": 5}, "annotations": [annotation], "meta": {}}
    return {**task, "predictions": [], **changes}


def task_file(*tasks: dict[str, Any]) -> dict[str, bytes]:
    """The file that Label Studio exports."""
    return {"export.json": json.dumps(list(tasks)).encode()}


def media_task(key: str, address: str, *results: dict[str, Any]) -> dict[str, Any]:
    """A task about another kind of media."""
    return {"id": 1, "data": {key: address}, "annotations": [{"id": 1, "result": list(results)}]}
