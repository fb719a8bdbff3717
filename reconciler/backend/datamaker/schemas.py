"""What files and annotations each category knows: `/v2/schemas/…`, and the file types that unit creation enforces.

The real service decides a file's type by means that it does not publish. Here the name decides, and only a name that
clearly belongs to another type is refused: unknown extensions pass everywhere, `data` takes anything.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.datamaker.call import Call
from reconciler.backend.routing import Route
from reconciler.backend.wire import Response, invalid_field

CATEGORIES: Final = ("image", "video", "audio", "text", "pcd", "data")
PROJECT_CATEGORIES: Final = ("image", "video", "audio", "text", "pcd", "prompt", "time_series")
FUNCTION_TYPES: Final = ("main", "sub", "meta")

EXTENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "image": ("jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "webp", "avif", "heic", "heif", "jp2", "svg", "dcm"),
    "video": ("mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "flv", "3gp"),
    "audio": ("mp3", "wav", "flac", "ogg", "oga", "m4a", "aac", "opus", "wma", "aif", "aiff"),
    "text": ("txt", "md", "rst", "html", "htm", "srt", "vtt", "json", "jsonl", "csv", "tsv", "xml", "pdf"),
    "pcd": ("pcd", "ply", "las", "laz", "xyz", "bin", "e57"),
    "data": ("json", "jsonl", "csv", "tsv", "xml", "yaml", "yml", "txt", "parquet", "npy", "npz", "h5", "xlsx", "zip"),
}
_OWNERS: Final[dict[str, frozenset[str]]] = {
    extension: frozenset(kind for kind, known in EXTENSIONS.items() if extension in known)
    for known in EXTENSIONS.values()
    for extension in known
}

_BOX_LIKE = ("bounding_box", "polygon", "polyline", "keypoint")
_ANNOTATION_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "image": ("annotationGroup", "classification", *_BOX_LIKE, "relation", "segmentation"),
    "video": ("annotationGroup", "classification", "segmentation", "bounding_box"),
    "audio": ("annotationGroup", "classification", "segmentation"),
    "text": ("classification", "relation", "named_entity"),
    "pcd": ("3d_bounding_box", "3d_segmentation", "relation"),
    "prompt": ("classification", "prompt", "answer"),
}
_WIDGETS: Final = (("select", True), ("radio", True), ("multi_select", True), ("text", False))


def file_type_conflict(name: str, file_type: str) -> bool:
    """Whether a file name clearly belongs to another type than `file_type`."""
    if file_type == "data":
        return False
    leaf = name.rpartition("/")[2]
    owners = _OWNERS.get(leaf.rpartition(".")[2].lower()) if "." in leaf else None
    return owners is not None and file_type not in owners


def extensions(file_type: str) -> list[str]:
    """Extensions of a type with leading dots, as v1 collection reads show them."""
    return [f".{extension}" for extension in EXTENSIONS.get(file_type, ())]


def _chosen(call: Call, known: tuple[str, ...]) -> tuple[str, ...]:
    wanted = call.query.text("category")
    if wanted is not None and wanted not in known:
        raise invalid_field("category", f"must be one of {', '.join(known)}")
    return (wanted,) if wanted else known


def file_specifications(call: Call) -> Response:
    """`GET /v2/schemas/file-specifications/`."""
    categories = {name: _category(name) for name in _chosen(call, CATEGORIES)}
    return call.reply(
        {
            "categories": categories,
            "file_types": {kind: {"extensions": list(known)} for kind, known in EXTENSIONS.items()},
            "function_types": list(FUNCTION_TYPES),
            "validation_rules": {
                "name": "{key}_{index}, at most 50 characters, unique within the collection",
                "is_primary": "at most one",
                "function_type": "at most one main",
            },
            "payload_schema": {"type": "array", "items": {"type": "object", "required": ["name", "file_type"]}},
        }
    )


def _category(name: str) -> dict[str, Any]:
    main = {
        "file_type": name,
        "extensions": list(EXTENSIONS[name]),
        "is_sequential": False,
        "is_required": True,
        "is_primary": True,
        "function_type": "main",
    }
    meta = {
        "file_type": "data",
        "extensions": ["json"],
        "is_sequential": False,
        "is_required": False,
        "is_primary": False,
        "function_type": "meta",
    }
    return {"file_specifications": {name: main, "data_meta": meta}, "subsets": [[name], [name, "data_meta"]]}


def annotation_configurations(call: Call) -> Response:
    """`GET /v2/schemas/annotation-configurations/`."""
    known = tuple(_ANNOTATION_TYPES)
    return call.reply(
        {
            "categories": {
                name: {"annotation_types": [_annotation_type(one) for one in _ANNOTATION_TYPES[name]]}
                for name in _chosen(call, known)
            },
            "configuration_schema": {"type": "object"},
            "widget_types": [{"name": n, "description": n.replace("_", " "), "has_options": o} for n, o in _WIDGETS],
            "validation_rules": {},
            "payload_schema": {"type": "object"},
        }
    )


def _annotation_type(name: str) -> dict[str, Any]:
    return {"name": name, "name_display": name.replace("_", " "), "option_schema": None, "smart_tools": []}


ROUTES = (
    Route("GET", "/v2/schemas/file-specifications/", file_specifications),
    Route("GET", "/v2/schemas/annotation-configurations/", annotation_configurations),
)
