"""Options of `format: custom`: which code writes the items, and what it is told."""

from __future__ import annotations

from typing import Final

from reconciler.model.json import JSONObject

CUSTOM_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "function": {
            "type": "string",
            "pattern": r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
            "description": "Code that is run for every item: package.module:name of a function or an Exporter.",
            "examples": ["my_exports.crops:EXPORTER"],
        },
        "exporter": {
            "type": "string",
            "minLength": 1,
            "description": "Name of an installed exporter (entry point of the group reconciler.exporters).",
        },
        "path": {
            "type": "string",
            "minLength": 1,
            "description": "Folder that function is imported from, relative to the document.",
            "examples": ["exporters"],
        },
        "settings": {"type": "object", "default": {}, "description": "Handed to the exporter as it is."},
    },
    "oneOf": [{"required": ["function"]}, {"required": ["exporter"]}],
}
