"""The writers there are, by the name of their format, and the option schemas of `Export.options`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigError, Problem
from reconciler.formats.account import Account, summarise
from reconciler.formats.categories import CategoryRules
from reconciler.formats.coco_write import CocoOptions, CocoWriter
from reconciler.formats.csv_rows import CsvWriter
from reconciler.formats.custom_options import CUSTOM_SCHEMA
from reconciler.formats.cvat_options import CVAT_SCHEMA, make_cvat
from reconciler.formats.dm import unreadable
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import Writer
from reconciler.formats.labelme_options import LABELME_SCHEMA, make_labelme
from reconciler.formats.labelstudio_options import LABELSTUDIO_SCHEMA, make_labelstudio
from reconciler.formats.synapse_json import SynapseJsonOptions, SynapseJsonWriter
from reconciler.formats.table_options import CSV_SCHEMA, TABLE_SCHEMA, TableOptions, column_faults
from reconciler.formats.voc_options import VOC_SCHEMA, make_voc
from reconciler.formats.yolo_options import IMAGEFOLDER_SCHEMA, YOLO_SCHEMA, imagefolder_writer, yolo_writer
from reconciler.model.json import JSON, JSONObject
from reconciler.model.resource import Export

if TYPE_CHECKING:
    from reconciler.formats.table_write import TableFormat

_COCO_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "reference": {
            "type": "string",
            "description": "COCO file whose info, licenses and categories (ids included) the export takes over.",
        },
        "info": {"type": "object", "description": "The `info` member of the files."},
        "crowdMasks": {
            "type": "boolean",
            "default": False,
            "description": "Masks that do not say so themselves are crowds (iscrowd 1).",
        },
        "skeletons": {
            "type": "object",
            "description": "Class to its joints in order (`keypoints`) and their links (`skeleton`, 1-based pairs).",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["keypoints"],
                "properties": {
                    "keypoints": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
                    "skeleton": {
                        "type": "array",
                        "items": {
                            "type": "array",
                            "items": {"type": "integer", "minimum": 1},
                            "minItems": 2,
                            "maxItems": 2,
                        },
                    },
                },
            },
        },
    },
}

_MANIFEST_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "dialect": {
            "type": "string",
            "enum": ["csv", "tsv"],
            "default": "csv",
            "description": "Form of the manifest: commas with parentId and ID, or tabs with parent and id.",
        },
        "names": {
            "type": "string",
            "enum": ["file", "entity"],
            "default": "file",
            "description": "What files are called on disk: as they were when uploaded, or as their entities.",
        },
        "parents": {
            "type": "string",
            "enum": ["id", "path"],
            "default": "path",
            "description": "How the manifest names folders: by id, or by their path below the collection.",
        },
    },
}

OPTION_SCHEMAS: Final[Mapping[str, JSONObject]] = {
    "coco": _COCO_SCHEMA,
    "csv": CSV_SCHEMA,
    "custom": CUSTOM_SCHEMA,
    "jsonl": TABLE_SCHEMA,
    "cvat": CVAT_SCHEMA,
    "imagefolder": IMAGEFOLDER_SCHEMA,
    "labelme": LABELME_SCHEMA,
    "labelstudio": LABELSTUDIO_SCHEMA,
    "manifest": _MANIFEST_SCHEMA,
    "parquet": TABLE_SCHEMA,
    "synapse-json": {"type": "object", "additionalProperties": False, "properties": {}},
    "voc": VOC_SCHEMA,
    "yolo": YOLO_SCHEMA,
}
"""Format → JSON Schema of `Export.options`."""


def open_writer(
    export: Export,
    *,
    classes: Iterable[str] = (),
    reference: JSONObject | None = None,
    previous: Mapping[str, int] | None = None,
) -> Writer:
    """The writer for an export.

    classes: the project's classes in order, used when the export names none. reference: the parsed COCO file that
    `options.reference` names. previous: class → id of the last publication (`read_class_ids`).

    Raises:
        ConfigError: no such format.
    """
    make = _MAKERS.get(export.format)
    if make is None:
        known = ", ".join(sorted(_MAKERS))
        raise ConfigError(
            [
                Problem(
                    f"format {export.format!r} cannot be written",
                    address=str(export.head.address),
                    fix=f"use one of: {known}",
                )
            ]
        )
    order = tuple(export.classes if export.classes is not None else classes)
    return make(export, order, reference or {}, previous or {})


def _coco(export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]) -> Writer:
    rows = [r for r in reference.get("categories", ()) if isinstance(r, Mapping) and isinstance(r.get("name"), str)]
    frame = {k: v for k, v in reference.items() if k not in ("images", "annotations", "categories")}
    if "info" in export.options:
        frame["info"] = export.options["info"]
    options = CocoOptions(
        geometry=EdgePolicy(export.geometry.mode, export.geometry.tolerance),
        originals=export.originals,
        categories=CategoryRules(order, rows, previous, export.options.get("skeletons", {})),
        frame=frame,
        crowd_masks=bool(export.options.get("crowdMasks", False)),
        has_splits=export.splits is not None,
    )
    return CocoWriter(options)


def _synapse_json(export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]) -> Writer:
    del order, reference, previous  # the raw payload needs none of them
    return SynapseJsonWriter(SynapseJsonOptions(export.originals))


def _csv(export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]) -> Writer:
    """Rows of a query as they come, or a table of annotations."""
    if export.query is not None:
        return CsvWriter(bool(export.options.get("rowIds", False)))
    return _table(export, order, reference, previous)


def _table(export: Export, order: tuple[str, ...], reference: JSONObject, previous: Mapping[str, int]) -> Writer:
    from reconciler.formats.table_columns import COLUMNS, option_columns
    from reconciler.formats.table_write import TableWriter

    del order, reference, previous  # rows name their classes
    if export.format == "parquet":
        from reconciler.formats.table_parquet import need_pyarrow

        need_pyarrow("writing Parquet files")
    added = option_columns(export.options)
    if faults := list(column_faults(added)):
        fix = "give each of options.columns a name of its own"
        raise ConfigError([Problem(fault, export.head.location, fix=fix) for fault in faults])
    options = TableOptions(
        geometry=EdgePolicy(export.geometry.mode, export.geometry.tolerance),
        originals=export.originals,
        columns=(*COLUMNS, *added),
        empty_items=bool(export.options.get("emptyItems", True)),
        spreadsheet_safe=bool(export.options.get("spreadsheetSafe", False)),
    )
    return TableWriter(_TABLES[export.format], options)


_TABLES: Final[Mapping[str, TableFormat]] = {"csv": "csv", "jsonl": "jsonl", "parquet": "parquet"}
_RAW: Final = frozenset({"manifest", "synapse-json"})  # formats that keep the payload as it is
_Maker = Callable[[Export, tuple[str, ...], JSONObject, Mapping[str, int]], Writer]
_MAKERS: Final[Mapping[str, _Maker]] = {
    "coco": _coco,
    "csv": _csv,
    "jsonl": _table,
    "parquet": _table,
    "cvat": make_cvat,
    "imagefolder": imagefolder_writer,
    "labelme": make_labelme,
    "labelstudio": make_labelstudio,
    "synapse-json": _synapse_json,
    "voc": make_voc,
    "yolo": yolo_writer,
}


def payload_fault(format: str, data: JSON) -> str | None:
    """Why a payload is no document that the format could convert, None when it is one or the format takes any."""
    return None if format in _RAW else unreadable(data)


def places_by_payload(export: Export) -> bool:
    """Whether `Writer.paths` needs an item's payload, because its class decides the folder."""
    return export.format == "imagefolder" or export.options.get("task") == "classify"


def read_class_ids(classes_json: JSON) -> dict[str, int]:
    """Class → id from a published `classes.json`; {} when it is not one."""
    rows = classes_json if isinstance(classes_json, list) else []
    return {
        r["name"]: r["id"]
        for r in rows
        if isinstance(r, Mapping) and isinstance(r.get("name"), str) and isinstance(r.get("id"), int)
    }


def build_summary(
    export: Export,
    accounts: Iterable[Account],
    *,
    items: Mapping[str, int],
    provenance: JSONObject | None = None,
    unreadable: Sequence[JSONObject] = (),
    counted: str = "annotations",
    result: JSONObject | None = None,
    classes: Callable[[], Mapping[str, Mapping[str, int]]] = dict,
) -> JSONObject:
    """The content of `metadata/export_summary.json`.

    items: counts by what happened, such as {"read": 25, "written": 25}; by split under "split:NAME". provenance: what
    the export was made from (configuration digest, source versions). unreadable: `key`, `record` and `reason` of items
    that could not be read. counted: what the accounts count. result: of a query. No clock: unchanged
    input gives the same bytes.
    """
    return {
        "export": str(export.head.address),
        "format": export.format,
        "target": export.target,
        **({"geometry": _geometry(export)} if counted == "annotations" else {}),
        **({"result": dict(result)} if result else {}),
        "items": dict(sorted(items.items())),
        **summarise(accounts, counted),
        **({"classes": _sorted(found)} if (found := classes()) and any(found.values()) else {}),
        **({"unreadable": list(unreadable)} if unreadable else {}),
        **({"provenance": dict(provenance)} if provenance else {}),
    }


def left_out(summary: JSONObject) -> str:
    """How many annotations a data set does not have, in words; "" when it has all."""
    counts = summary.get("annotations", {})
    lost = counts.get("dropped", 0) + counts.get("failed", 0)
    return f"{lost:,} of {counts['read']:,} annotations left out" if lost else ""


def _sorted(classes: Mapping[str, Mapping[str, int]]) -> JSONObject:
    """By split when there are several, else by class alone."""
    counts = {split: dict(sorted(found.items())) for split, found in sorted(classes.items())}
    return counts[""] if list(counts) == [""] else counts


def _geometry(export: Export) -> JSONObject:
    return {"mode": export.geometry.mode, "tolerance": export.geometry.tolerance}
