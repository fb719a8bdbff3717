"""`Export.options` of `format: voc`: their schema, and the writer they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.formats.categories import CategoryRules
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import Writer
from reconciler.model.json import JSONObject
from reconciler.model.resource import Export

VOC_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "origin": {
            "type": "integer",
            "enum": [0, 1],
            "default": 0,
            "description": "1: pixels are numbered from 1, as in VOC; 0: corners are pixel edges, as in many tools.",
        },
        "coordinates": {
            "type": "string",
            "enum": ["whole", "exact"],
            "default": "whole",
            "description": "whole: rounded to pixel edges; exact: fractions are kept, which not all tools read.",
        },
        "attributes": {
            "type": "boolean",
            "default": True,
            "description": "Write attributes in an `attributes` element, as CVAT and datumaro do.",
        },
        "planes": {
            "type": "boolean",
            "default": True,
            "description": "Write SegmentationClass and SegmentationObject for pictures with polygons or masks.",
        },
        "border": {
            "type": "integer",
            "minimum": 0,
            "maximum": 50,
            "default": 0,
            "description": "Pixels on both sides of each outline that become void (255) in the planes.",
        },
        "classLists": {
            "type": "boolean",
            "default": False,
            "description": "Write ImageSets/Main/CLASS_SPLIT.txt, which also hold classifications.",
        },
    },
}


def make_voc(export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]) -> Writer:
    """The writer for an export; see `writers.open_writer`."""
    from reconciler.formats.voc_objects import VocRules
    from reconciler.formats.voc_write import VocOptions, VocWriter

    del reference
    options = export.options
    rules = VocRules(
        edges=EdgePolicy(export.geometry.mode, export.geometry.tolerance),
        origin=options.get("origin", 0),
        whole=options.get("coordinates", "whole") == "whole",
        attributes=bool(options.get("attributes", True)),
        class_lists=bool(options.get("classLists", False)),
        planes=bool(options.get("planes", True)),
    )
    return VocWriter(
        VocOptions(
            rules=rules,
            originals=export.originals,
            categories=CategoryRules(order, (), previous),
            border=int(options.get("border", 0)),
            has_splits=export.splits is not None,
        )
    )
