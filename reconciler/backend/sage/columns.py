"""Columns: values that never change, kept once for everybody, so that the same definition always has the same id."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from reconciler.backend.database import IDS, Connection, scalar
from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import Call, reply
from reconciler.backend.sage.column_types import DEFAULT_STRING, MAX_LIST, MAX_STRING, TYPES, column_width, read_cell
from reconciler.backend.sage.errors import bad, missing
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.wire import Response

MOST_COLUMNS: Final = 152
MOST_BYTES: Final = 64_000
RESERVED: Final = frozenset(
    {"ROW_ID", "ROW_VERSION", "ROW_ETAG", "ROW_BENEFACTOR", "ROW_SEARCH_CONTENT", "ROW_HASH_CODE"}
)
_MOST_ENUM: Final = 100
_PAGE_BYTES: Final = 512_000
_MOST_ROWS: Final = 100_000
_LEAST_WIDTH: Final = 8
_NAME: Final = re.compile(r"[^\x00-\x1f\"`]{1,256}")

Column = dict[str, Any]  # as the wire has it, with `id`


def read_column(body: Body) -> Column:
    """Check a column and fill in its defaults. Raises `ApiError` 400."""
    name = body.needed("name").strip()
    if not _NAME.fullmatch(name):
        raise bad("ColumnModel.name must have 1 to 256 characters, without quotes and line breaks.")
    if name.upper() in RESERVED:
        raise bad(f"The column name: {name} is a system reserved column name.")
    kind = body.needed("columnType")
    if kind not in TYPES:
        raise bad(f"Unknown columnType: {kind[:100]}. One of {', '.join(sorted(TYPES))}.")
    column: Column = {"name": name, "columnType": kind}
    column |= _size(body, kind)
    if TYPES[kind].element:
        column["maximumListLength"] = _between(body, "maximumListLength", MAX_LIST, MAX_LIST, kind)
    return column | _facet(body, kind) | _enum(body, column) | _default(body, column) | _parts(body, kind)


def _size(body: Body, kind: str) -> Column:
    if not TYPES[kind].is_sized:
        return {}
    return {"maximumSize": _between(body, "maximumSize", DEFAULT_STRING, MAX_STRING, kind)}


def _between(body: Body, key: str, default: int, most: int, kind: str) -> int:
    value = body.integer(key, default)
    assert value is not None
    short = "maxSize" if key == "maximumSize" else key
    shown = "STRING" if key == "maximumSize" else kind
    if value > most:
        raise bad(f"ColumnModel.{short} for a {shown} cannot exceed: {most}")
    if value < 1:
        raise bad(f"ColumnModel.{short} for a {shown} must be greater than 0")
    return value


def _facet(body: Body, kind: str) -> Column:
    facet = body.text("facetType")
    if facet is None:
        return {}
    if facet not in ("enumeration", "range"):
        raise bad(f"Unknown facetType: {facet[:100]}. One of enumeration, range.")
    if facet == "range" and kind not in ("DOUBLE", "INTEGER", "DATE"):
        raise bad(f"The FacetType range is not supported for the ColumnType {kind}.")
    if kind in ("MEDIUMTEXT", "LARGETEXT", "JSON"):
        raise bad(f"The FacetType {facet} is not supported for the ColumnType {kind}.")
    return {"facetType": facet}


def _enum(body: Body, column: Column) -> Column:
    values = body.items("enumValues", most=_MOST_ENUM)
    if not values:
        return {}
    if column["columnType"] not in ("STRING", "INTEGER", "ENTITYID"):
        raise bad(f"Columns of type {column['columnType']} cannot have enumValues.")
    return {"enumValues": [read_cell(column, value) for value in values]}


def _default(body: Body, column: Column) -> Column:
    value = body.values.get("defaultValue")
    if value is None or value == "":
        return {}
    if not TYPES[column["columnType"]].allows_default:
        raise bad(f"Columns of type {column['columnType']} cannot have default values.")
    if isinstance(value, dict):
        raise bad("ColumnModel.defaultValue must be a text or a list.")
    read_cell(column, value)
    return {"defaultValue": value if isinstance(value, str) else json.dumps(value)}


def _parts(body: Body, kind: str) -> Column:
    parts = body.objects("jsonSubColumns", most=MOST_COLUMNS)
    if not parts:
        return {}
    if kind != "JSON":
        raise bad("Only columns of type JSON can have jsonSubColumns.")
    return {"jsonSubColumns": [_part(part) for part in parts]}


def _part(body: Body) -> Column:
    kind = body.needed("columnType")
    if kind not in TYPES:
        raise bad(f"Unknown columnType: {kind[:100]}.")
    part = {"name": body.needed("name"), "columnType": kind, "jsonPath": body.needed("jsonPath")}
    return part | _facet(body, kind)


def keep_columns(db: Connection, columns: Iterable[Column]) -> list[Column]:
    """The columns with their ids; ones that were never seen get new ones."""
    return [_keep(db, column) for column in columns]


def _keep(db: Connection, column: Column) -> Column:
    bare = {key: value for key, value in column.items() if key != "id"}
    text = json.dumps(bare, sort_keys=True, ensure_ascii=False)
    hashed = hashlib.sha256(text.encode()).hexdigest()
    number = scalar(db, "SELECT id FROM sage_columns WHERE hash = ?", (hashed,))
    if number is None:
        sql = "INSERT INTO sage_columns (hash, name_key, body) VALUES (?, ?, ?) RETURNING id"
        number = scalar(db, sql, (hashed, bare["name"].lower(), text))
    return {"id": str(number), **bare}


def find_columns(db: Connection, ids: Sequence[int]) -> list[Column]:
    """Columns in the order of their ids. 404 when one does not exist."""
    rows = db.execute(f"SELECT id, body FROM sage_columns WHERE id IN {IDS}", (json.dumps(list(ids)),))
    found = {row["id"]: {"id": str(row["id"]), **json.loads(row["body"])} for row in rows}
    if lacking := [number for number in ids if number not in found]:
        raise missing(f"The column with the ID '{lacking[0]}' does not exist.")
    return [found[number] for number in ids]


def column_ids(values: Iterable[Any]) -> list[int]:
    """The numbers of column ids from the wire."""
    return [plain_id(str(value)) for value in values]


def check_schema(columns: Sequence[Column]) -> None:
    """What holds for the columns of one table together. Raises `ApiError` 400."""
    if len(columns) > MOST_COLUMNS:
        raise bad(f"Too many columns. The limit is {MOST_COLUMNS} columns per table")
    names: set[str] = set()
    for column in columns:
        if column["name"] in names:
            raise bad(f"Duplicate column name: '{column['name']}'")
        names.add(column["name"])
    width = sum(column_width(column) for column in columns if column["columnType"] not in ("LARGETEXT", "JSON"))
    if width > MOST_BYTES:
        raise bad(f"Too much data per column. The maximum size for a row is about {MOST_BYTES} bytes; this has {width}")


def rows_per_page(columns: Sequence[Column]) -> int:
    """How many rows fit into a page of results."""
    width = sum(column_width(column) for column in columns)
    return max(1, min(_MOST_ROWS, _PAGE_BYTES // max(width, _LEAST_WIDTH)))


def create(call: Call) -> Response:
    """`POST /column`."""
    return reply(keep_columns(call.db, [read_column(call.body)])[0], 201)


def create_batch(call: Call) -> Response:
    """`POST /column/batch`."""
    columns = [read_column(body) for body in call.body.objects("list", most=MOST_COLUMNS)]
    if not columns:
        raise bad("The list of columns is empty.")
    return reply(listed(keep_columns(call.db, columns)), 201)


def listed(columns: list[Column]) -> dict[str, Any]:
    """Columns as a list on the wire."""
    return {"concreteType": "org.sagebionetworks.repo.model.ListWrapper", "list": columns}


def get(call: Call) -> Response:
    """`GET /column/{id}`."""
    return reply(find_columns(call.db, [call.id()])[0])


def list_all(call: Call) -> Response:
    """`GET /column?prefix=`: all columns that anybody made, whose names begin like this, in any case."""
    prefix = (call.query.text("prefix") or "").lower()
    source, values = "sage_columns", ()
    if prefix:
        source, values = "sage_columns WHERE substr(name_key, 1, ?) = ?", (len(prefix), prefix)  # type: ignore[assignment]
    return page_query(call, "id, body", source, "name_key, id", values, _wire, most=100)


def _wire(row: Any) -> Column:
    return {"id": str(row["id"]), **json.loads(row["body"])}


ROUTES = (
    writes("POST", "/column", create),
    writes("POST", "/column/batch", create_batch),
    reads("GET", "/column", list_all, anonymous=True),
    reads("GET", "/column/{id}", get, anonymous=True),
)
