"""Options of `format: yolo` and `format: imagefolder`: their schemas, and the writers that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.formats.categories import CategoryRules
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.imagefolder_write import ImageFolderOptions, ImageFolderWriter
from reconciler.formats.items import Writer
from reconciler.formats.yolo_layout import Layout
from reconciler.formats.yolo_objects import Task
from reconciler.formats.yolo_write import YoloOptions, YoloWriter
from reconciler.model.json import JSONObject
from reconciler.model.resource import Export

_UNCLASSIFIED: Final[JSONObject] = {
    "type": "string",
    "minLength": 1,
    "description": "Folder of pictures without a class; without it they are left out.",
}

YOLO_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "task": {
            "type": "string",
            "enum": ["detect", "segment", "pose", "obb", "classify"],
            "default": "detect",
            "description": "What is to be learned; it decides what a row of a label file holds.",
        },
        "layout": {
            "type": "string",
            "enum": ["ultralytics", "legacy"],
            "default": "ultralytics",
            "description": "images/, labels/ and data.yaml; or obj.data, obj.names and labels beside the pictures.",
        },
        "reference": {
            "type": "string",
            "description": "A data.yaml, or a list of names, whose class ids the export takes over.",
        },
        "path": {
            "type": "string",
            "minLength": 1,
            "description": "The member `path` of data.yaml; without it loaders take the folder of the file.",
        },
        "parts": {
            "type": "string",
            "enum": ["joined", "separate"],
            "default": "joined",
            "description": "An object of several parts: one row with bridges without width, or a row for each part.",
        },
        "crowds": {
            "type": "boolean",
            "default": False,
            "description": "Write regions of many things (iscrowd 1) like objects.",
        },
        "keypoints": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "uniqueItems": True,
            "description": "Joints of a pose, in order; default: in the order they are met.",
        },
        "flips": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
            "description": "Pairs of joints that a mirror swaps; default: those named left and right.",
        },
        "visibility": {
            "type": "boolean",
            "default": True,
            "description": "Write three numbers per joint; false: two, without the visibility.",
        },
        "unclassified": _UNCLASSIFIED,
    },
    "allOf": [
        {
            "if": {"properties": {"layout": {"const": "legacy"}}, "required": ["layout"]},
            "then": {"properties": {"task": {"const": "detect"}}},
        }
    ],
}

IMAGEFOLDER_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"unclassified": _UNCLASSIFIED},
}


def yolo_writer(export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]) -> Writer:
    """The writer of a task; see `writers.open_writer`."""
    options = export.options
    task = Task(options.get("task", "detect"))
    if task is Task.CLASSIFY:
        return ImageFolderWriter(_folders(export), "yolo")
    flips = options.get("flips")
    return YoloWriter(
        YoloOptions(
            task=task,
            layout=Layout(options.get("layout", "ultralytics")),
            geometry=EdgePolicy(export.geometry.mode, export.geometry.tolerance),
            originals=export.originals,
            categories=CategoryRules(order, reference.get("categories", ()), previous, first=0),
            joins=options.get("parts", "joined") == "joined",
            crowds=bool(options.get("crowds", False)),
            joints=tuple(options.get("keypoints", ())),
            flips=None if flips is None else tuple((a, b) for a, b in flips),
            has_visibility=bool(options.get("visibility", True)),
            root=options.get("path"),
            has_splits=export.splits is not None,
        )
    )


def imagefolder_writer(
    export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]
) -> Writer:
    """Loaders number the folders by name, whatever order or ids somebody declares."""
    del order, reference, previous
    return ImageFolderWriter(_folders(export))


def _folders(export: Export) -> ImageFolderOptions:
    return ImageFolderOptions(export.originals, export.options.get("unclassified"), export.splits is not None)
