"""Options of the annotation tables: their schemas, and what no schema can say about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.table_columns import COLUMNS, NAMES, OPTION_CELLS, Column
from reconciler.model.json import JSONObject

_COLUMNS: Final[JSONObject] = {
    "type": "array",
    "description": "Further columns, in this order: metadata of the unit or attributes of the annotation.",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "description": "Name of the column."},
            "meta": {"type": "string", "minLength": 1, "description": "The metadata key that it shows."},
            "attribute": {"type": "string", "minLength": 1, "description": "The attribute that it shows."},
            "type": {
                "type": "string",
                "enum": [cell.value for cell in OPTION_CELLS],
                "default": "text",
                "description": "Type of its values; others leave the cell empty, which the account says.",
            },
        },
        "oneOf": [{"required": ["meta"]}, {"required": ["attribute"]}],
    },
}
_EMPTY_ITEMS: Final[JSONObject] = {
    "type": "boolean",
    "default": True,
    "description": "Write a row without annotation for items that have none.",
}
TABLE_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"columns": _COLUMNS, "emptyItems": _EMPTY_ITEMS},
}
CSV_SCHEMA: Final[JSONObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "rowIds": {
            "type": "boolean",
            "default": False,
            "description": "Of a query: write ROW_ID and ROW_VERSION in front of the columns.",
        },
        "columns": _COLUMNS,
        "emptyItems": _EMPTY_ITEMS,
        "spreadsheetSafe": {
            "type": "boolean",
            "default": False,
            "description": "Write ' before texts that a spreadsheet would run as a formula.",
        },
    },
}


@dataclass(frozen=True, slots=True)
class TableOptions:
    """options of `csv`, `parquet` and `jsonl`. columns: all, those of the options last. empty_items: items without
    annotations get a row. spreadsheet_safe: of CSV, see `table_text`. originals: specifications to copy.
    """

    geometry: EdgePolicy = field(default_factory=EdgePolicy)
    originals: bool | tuple[str, ...] = True
    columns: tuple[Column, ...] = COLUMNS
    empty_items: bool = True
    spreadsheet_safe: bool = False

    @property
    def added(self) -> tuple[Column, ...]:
        """The columns of the options."""
        return self.columns[len(COLUMNS) :]


def column_faults(added: tuple[Column, ...]) -> Iterator[str]:
    """What is wrong with the names of further columns."""
    met: set[str] = set()
    for column in added:
        if column.name in NAMES:
            yield f"the table has a column {column.name!r} of its own"
        elif column.name in met:
            yield f"two columns are named {column.name!r}"
        met.add(column.name)
