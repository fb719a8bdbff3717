"""What a view shows of an entity or a submission by itself: its default columns, by name."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.sage.call import Call, reply
from reconciler.backend.sage.columns import Column, keep_columns, listed
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.routes import writes
from reconciler.backend.wire import Response

FILE_BIT: Final = 1
PROJECT_BIT: Final = 2
MASK_TYPES: Final = {
    1: ("file",), 2: ("project",), 4: ("table",), 8: ("folder",), 16: ("entityview",), 32: ("dockerrepo",),
    64: ("submissionview",), 128: ("dataset",), 256: ("datasetcollection",), 512: ("materializedview",),
}  # fmt: skip
_ALL_BITS: Final = sum(MASK_TYPES)


def _column(name: str, kind: str, size: int | None = None, facet: str | None = None) -> Column:
    column: dict[str, Any] = {"name": name, "columnType": kind}
    if size is not None:
        column["maximumSize"] = size
    if facet is not None:
        column["facetType"] = facet
    return column


_USER: Final = "enumeration"
_BASE: Final = (
    _column("id", "ENTITYID"),
    _column("name", "STRING", 256),
    _column("description", "STRING", 1000),
    _column("createdOn", "DATE", facet="range"),
    _column("createdBy", "USERID", facet=_USER),
    _column("etag", "STRING", 36),
    _column("modifiedOn", "DATE", facet="range"),
    _column("modifiedBy", "USERID", facet=_USER),
    _column("path", "STRING", 1000),
)
_FILE: Final = (
    _column("type", "STRING", 20, _USER),
    _column("currentVersion", "INTEGER"),
    _column("parentId", "ENTITYID", facet=_USER),
    _column("benefactorId", "ENTITYID"),
    _column("projectId", "ENTITYID", facet=_USER),
    _column("dataFileHandleId", "FILEHANDLEID"),
    _column("dataFileName", "STRING", 256),
    _column("dataFileSizeBytes", "INTEGER"),
    _column("dataFileMD5Hex", "STRING", 100),
    _column("dataFileConcreteType", "STRING", 65, _USER),
    _column("dataFileBucket", "STRING", 100, _USER),
    _column("dataFileKey", "STRING", 700),
)
_COLLECTION: Final = (
    _column("type", "STRING", 20, _USER),
    _column("currentVersion", "INTEGER"),
    _column("parentId", "ENTITYID", facet=_USER),
    _column("benefactorId", "ENTITYID"),
    _column("projectId", "ENTITYID", facet=_USER),
    _column("datasetSizeInBytes", "INTEGER"),
    _column("datasetMD5Hex", "STRING", 100),
    _column("datasetItemCount", "INTEGER"),
)
_SUBMISSION: Final = (
    _column("id", "SUBMISSIONID"),
    _column("name", "STRING", 256),
    _column("createdOn", "DATE", facet="range"),
    _column("createdBy", "USERID", facet=_USER),
    _column("etag", "STRING", 36),
    _column("modifiedOn", "DATE", facet="range"),
    _column("projectId", "ENTITYID", facet=_USER),
    _column("status", "STRING", 50, _USER),
    _column("evaluationid", "EVALUATIONID", facet=_USER),
    _column("entityid", "ENTITYID"),
    _column("entityversion", "INTEGER"),
    _column("submitterid", "USERID", facet=_USER),
    _column("submitteralias", "STRING", 256),
    _column("dockerrepositoryname", "STRING", 256),
    _column("dockerdigest", "STRING", 100),
)
ENTITY_FIELDS: Final = frozenset(column["name"] for column in (*_BASE, *_FILE, *_COLLECTION))
SUBMISSION_FIELDS: Final = frozenset(column["name"] for column in _SUBMISSION)


def default_columns(kind: str, mask: int) -> tuple[Column, ...]:
    """The columns that a view of a type begins with, without ids. mask: of entity views, see `check_mask`."""
    if kind == "submissionview":
        return _SUBMISSION
    if kind == "datasetcollection":
        return (*_BASE, *_COLLECTION)
    if kind == "dataset" or mask & FILE_BIT:
        return (*_BASE, *_FILE)
    return _BASE


def check_mask(mask: int | None) -> int:
    """The types that an entity view shows, one bit each. Raises `ApiError` 400."""
    if mask is None:
        raise bad("viewTypeMask is required.")
    if not 0 < mask <= _ALL_BITS:
        raise bad(f"The viewTypeMask {mask} names unknown types.")
    if mask & PROJECT_BIT and mask != PROJECT_BIT:
        raise bad("Projects cannot be combined with other types in a view.")
    return mask


def mask_types(mask: int) -> list[str]:
    """The types of entities that a mask names."""
    return [name for bit, names in MASK_TYPES.items() if mask & bit for name in names]


def get_defaults(call: Call) -> Response:
    """`GET /column/tableview/defaults?viewEntityType=&viewTypeMask=`."""
    kind = (call.query.text("viewEntityType") or "entityview").lower()
    if kind not in ("entityview", "submissionview", "dataset", "datasetcollection"):
        raise bad(f"Unknown viewEntityType: {kind[:100]}")
    mask = check_mask(call.query.integer("viewTypeMask")) if kind == "entityview" else 0
    return reply(listed(keep_columns(call.db, default_columns(kind, mask))))


# Columns get their ids when they are first asked for.
ROUTES = (writes("GET", "/column/tableview/defaults", get_defaults, scopes=frozenset({"view"})),)
