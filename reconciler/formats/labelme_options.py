"""`Export.options` of `format: labelme`: their schema, and the writer they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import Writer
from reconciler.model.json import JSONObject
from reconciler.model.resource import Export

LABELME_SCHEMA: Final[JSONObject] = {"type": "object", "additionalProperties": False, "properties": {}}


def make_labelme(export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]) -> Writer:
    """The writer for an export; see `writers.open_writer`."""
    from reconciler.formats.labelme_write import LabelmeOptions, LabelmeWriter

    del order, reference, previous  # labels have names alone
    edges = EdgePolicy(export.geometry.mode, export.geometry.tolerance)
    return LabelmeWriter(LabelmeOptions(edges, export.originals))
