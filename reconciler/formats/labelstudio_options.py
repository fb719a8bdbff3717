"""`Export.options` of `format: labelstudio`: their schema, and the writer they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import Writer
from reconciler.model.json import JSONObject
from reconciler.model.resource import Export

LABELSTUDIO_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "results": {
            "type": "string",
            "enum": ["annotations", "predictions"],
            "default": "annotations",
            "description": "Where results stand that were not imported: finished work, or proposals to correct.",
        },
        "prefix": {
            "type": "string",
            "default": "",
            "description": "Put in front of the paths of files in `data`.",
            "examples": ["/data/local-files/?d=dataset/"],
        },
        "form": {
            "type": "string",
            "enum": ["json", "json-min"],
            "default": "json",
            "description": "json: whole tasks, to be imported; json-min: the values of each control beside the data.",
        },
    },
}


def make_labelstudio(
    export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]
) -> Writer:
    """The writer for an export; see `writers.open_writer`."""
    from reconciler.formats.labelstudio_write import LabelstudioOptions, LabelstudioWriter

    del reference, previous  # labels have names alone
    options = export.options
    return LabelstudioWriter(
        LabelstudioOptions(
            geometry=EdgePolicy(export.geometry.mode, export.geometry.tolerance),
            originals=export.originals,
            results=options.get("results", "annotations"),
            prefix=options.get("prefix", ""),
            form=options.get("form", "json"),
            classes=order,
            has_splits=export.splits is not None,
        )
    )
