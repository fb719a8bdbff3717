"""Checked documents → the frozen values of the model. Nothing is checked here: that is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.config.attachments import local_file
from reconciler.config.documents import Document
from reconciler.config.nodes import to_json
from reconciler.config.split_lists import assignments
from reconciler.model.address import Address
from reconciler.model.json import JSON, JSONObject
from reconciler.model.key_template import template_fields
from reconciler.model.kinds import OBJECT_KINDS, ObjectKind
from reconciler.model.resource import (
    AnnotationProject,
    AnnotationSource,
    AssetSet,
    CardSettings,
    Collection,
    ColumnRule,
    ConstantMetadata,
    Destination,
    Existing,
    Export,
    External,
    FileRule,
    FileSpecification,
    GeometryPolicy,
    Head,
    KeyRule,
    Layout,
    Lifecycle,
    LocalFile,
    ManifestFile,
    MetadataSource,
    OnDelete,
    OnExists,
    PathMetadata,
    Policy,
    Ref,
    Reference,
    RemoteObject,
    Resource,
    RowsFile,
    SidecarMetadata,
    SourceLocation,
    Splits,
    TableLimits,
    TableMetadata,
    TaskSet,
    TruthVersion,
)

PLATFORMS = ("datamaker", "sage")

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?((?:[KkMmGgTt][Ii]?)?[Bb]?)")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}

Spec = Mapping[str, Any]


def decode(document: Document, backend: str) -> Resource:
    """Turn one checked resource document into its value. backend: the name of its backend."""
    spec: Spec = to_json(document.node)["spec"]
    return _DECODERS[document.kind](_head(document, spec, backend), spec)


def _head(document: Document, spec: Spec, backend: str) -> Head:
    metadata = to_json(document.node)["metadata"]
    lifecycle = spec.get("lifecycle", {})
    return Head(
        address=Address(document.kind, document.name),
        location=document.node.at,
        folder=document.folder,
        backend=backend,
        lifecycle=Lifecycle(
            protect=lifecycle.get("protect", False),
            on_exists=OnExists(lifecycle.get("onExists", "fail")),
            on_delete=OnDelete(lifecycle.get("onDelete", "delete")),
        ),
        labels=metadata.get("labels", {}),
    )


def _collection(head: Head, spec: Spec) -> Collection:
    items = spec.get("fileSpecifications")
    return Collection(
        head=head,
        title=spec.get("title", head.address.name),
        description=spec.get("description"),
        file_specifications=None if items is None else tuple(_specification(item, len(items) == 1) for item in items),
        unit_meta_schema=spec.get("unitMetaSchema"),
        meta=spec.get("meta"),
        platform=_without_parent(_platform(spec)),
        parent=_reference("Collection", spec["sage"]["parent"]) if spec.get("sage", {}).get("parent") else None,
    )


def _without_parent(blocks: Mapping[str, JSONObject]) -> dict[str, JSONObject]:
    return {name: {key: value for key, value in block.items() if key != "parent"} for name, block in blocks.items()}


def _specification(item: Spec, alone: bool) -> FileSpecification:
    return FileSpecification(
        name=item["name"],
        type=item["type"],
        extensions=tuple(dict.fromkeys(_extension(e) for e in item.get("extensions", ()))),
        required=item.get("required", False),
        primary=item.get("primary", alone),
        sequential=item.get("sequential", False),
        description=item.get("description"),
        function_type=item.get("functionType"),
    )


def _extension(text: str) -> str:
    return "." + text.lower().removeprefix(".")


def _asset_set(head: Head, spec: Spec) -> AssetSet:
    units = spec.get("units", {})
    key = units.get("key")
    return AssetSet(
        head=_lenient(head, spec) if "existing" in spec else head,
        collection=_reference("Collection", spec["collection"]),
        sources=_sources(spec),
        layout=Layout(units.get("layout", "stems")),
        key_rule=KeyRule(key["regex"], key.get("template", "{1}")) if key else None,
        case_sensitive=units.get("caseSensitive", True),
        files=tuple(FileRule(rule["match"], rule["specification"]) for rule in spec.get("files", ())),
        metadata=tuple(Ref(Address("MetadataSource", name)) for name in spec.get("metadata", ())),
        meta=spec.get("meta", {}),
        groups=tuple(spec.get("groups", ())),
        incomplete=Policy(spec.get("incomplete", "fail")),
        unmatched=Policy(spec.get("unmatched", "warn")),
        duplicates=Policy(spec.get("duplicates", "fail")),
        max_file_size_bytes=size_bytes(spec.get("limits", {}).get("maxFileSize")),
        prune=spec.get("prune", False),
        platform=_platform(spec),
        manifest=_manifest(spec["manifest"]) if "manifest" in spec else None,
        provenance=_provenance(spec.get("provenance", {})),
        existing=_existing(spec["existing"]) if "existing" in spec else None,
    )


def _provenance(block: Spec) -> JSONObject:
    """References to files of other asset sets become addresses."""
    lists = {name: [_used(item) for item in block[name]] for name in ("used", "executed") if block.get(name)}
    return {**{name: block[name] for name in ("name", "description") if name in block}, **lists}


def _used(item: str | Spec) -> str:
    return item if isinstance(item, str) else str(Address("AssetSet", item["assets"], item["key"]))


def _lenient(head: Head, spec: Spec) -> Head:
    """Units that a set only found are left where they are when it goes, unless the document says otherwise."""
    if "onDelete" in spec.get("lifecycle", {}):
        return head
    return replace(head, lifecycle=replace(head.lifecycle, on_delete=OnDelete.ORPHAN))


def _existing(item: Spec) -> Existing:
    key = item.get("key")
    rule = KeyRule(key["regex"], key.get("template", "{1}")) if key else None
    return Existing(rule, item.get("unmarked", True))


def _manifest(item: Spec) -> ManifestFile:
    return ManifestFile(
        url=item["url"],
        strict=item.get("mode", "strict") == "strict",
        format=item.get("format", "auto"),
        columns=item.get("columns", {}),
        sheet=_integer(item.get("sheet", 1)),
        options=item.get("options", {}),
    )


def _sources(spec: Spec) -> tuple[SourceLocation, ...]:
    if "manifest" in spec:
        item = spec["manifest"]
        above = item["url"].rpartition("/")[0] or ("/" if item["url"].startswith("/") else ".")
        return SourceLocation(above, options=item.get("options", {})), SourceLocation("/")
    if "source" in spec:
        return (_source(spec["source"], None),)
    return tuple(_source(item, name) for name, item in spec.get("sources", {}).items())


def _source(item: Spec, specification: str | None) -> SourceLocation:
    storage = item.get("storage")
    return SourceLocation(
        url=item["url"] if storage is None else item["path"],
        recursive=item.get("recursive", True),
        include=tuple(item.get("include", ("**",))),
        exclude=tuple(item.get("exclude", ())),
        options=item.get("options", {}),
        specification=specification,
        storage=None if storage is None else str(_integer(storage)),
    )


def size_bytes(value: int | str | None) -> int | None:
    """`50MiB`, `1.5GB` or a number of bytes → bytes, rounded down; kB, MB are powers of 1000, KiB, MiB of 1024."""
    if value is None or isinstance(value, int):
        return value
    from fractions import Fraction  # slow to import

    match = _SIZE.fullmatch(value)
    if not match:
        raise ValueError(f"{value!r} is not a size")
    unit = match[2].lower().removesuffix("b")
    base = 1024 if unit.endswith("i") else 1000
    return int(Fraction(match[1]) * base ** _POWERS[unit.removesuffix("i")])


def _metadata_source(head: Head, spec: Spec) -> MetadataSource:
    unmatched, conflicts = (Policy(spec.get(name, "warn")) for name in ("unmatchedRows", "conflicts"))
    return MetadataSource(head, _origin(spec), unmatched, conflicts)


def _origin(spec: Spec) -> TableMetadata | PathMetadata | SidecarMetadata | ConstantMetadata:
    if "table" in spec:
        return _table(spec["table"])
    if "path" in spec:
        return PathMetadata(spec["path"]["regex"], spec["path"].get("types", {}))
    if "sidecar" in spec:
        return SidecarMetadata(spec["sidecar"]["file"])
    return ConstantMetadata(spec["constant"])


def _table(item: Spec) -> TableMetadata:
    key = item["key"]
    template = key["template"] if isinstance(key, Mapping) else ""
    return TableMetadata(
        url=item.get("url", ""),
        key=key if isinstance(key, str) else template_fields(template) if template else tuple(key),
        sheet=_integer(item.get("sheet", 1)),
        columns=tuple(
            ColumnRule(name, column.get("from", name), column.get("type"), column.get("default"))
            for name, column in item.get("columns", {}).items()
        ),
        unlisted=item.get("unlisted", "keep"),
        options=item.get("options", {}),
        key_template=template,
        header=_integer(item["header"]) if "header" in item else None,
        fill_merged=item.get("mergedCells") == "fill",
        limits=_table_limits(item.get("limits", {})),
    )


def _table_limits(item: Spec) -> TableLimits:
    sizes = {name: size_bytes(item.get(name)) for name in ("maxFileSize", "maxMemory")}
    return TableLimits(sizes["maxFileSize"], item.get("maxRows"), item.get("maxColumns"), sizes["maxMemory"])


def _annotation_project(head: Head, spec: Spec) -> AnnotationProject:
    classes = spec.get("classes")
    return AnnotationProject(
        head=head,
        title=spec.get("title", head.address.name),
        description=spec.get("description"),
        collection=_reference("Collection", spec["collection"]) if "collection" in spec else None,
        category=spec["category"],
        classes=None if classes is None else {kind: tuple(names) for kind, names in classes.items()},
        platform=_platform(spec),
    )


def _task_set(head: Head, spec: Spec) -> TaskSet:
    item = spec.get("annotations")
    return TaskSet(
        head=head,
        project=_reference("AnnotationProject", spec["project"]),
        assets=Ref(Address("AssetSet", spec["assets"])),
        annotations=AnnotationSource(
            item["format"],
            item["url"],
            item["specification"],
            item.get("submit", True),
            item.get("options", {}),
            item.get("formatOptions", {}),
        )
        if item
        else None,
    )


def _remote_object(head: Head, spec: Spec) -> RemoteObject:
    kind = OBJECT_KINDS[head.address.kind]
    fields: dict[str, JSON | Reference] = {"title": head.address.name} if kind.has_title else {}
    files: dict[str, LocalFile] = {}
    secrets: dict[str, JSON] = {}
    rows: RowsFile | None = None
    for key, value in spec.items():
        if key in kind.files:
            files |= {Path(path).name: local_file(head.folder / path) for path in value}
            fields[key] = {name: file.md5 for name, file in sorted(files.items())}
        elif key in kind.secrets:
            name = kind.secrets[key]
            secrets[key] = [item.get(name, {}) for item in value]
            fields[key] = [{inner: found for inner, found in item.items() if inner != name} for item in value]
        elif key == kind.holds:
            rows = _rows_file(value)
        elif key in kind.texts:
            fields[key] = value.strip()
        elif key not in ("backend", "lifecycle"):
            fields[key] = _with_references(kind, key, value)
    return RemoteObject(head, fields, files, secrets, rows)


def _rows_file(item: Spec) -> RowsFile:
    return RowsFile(item["url"], tuple(item.get("key", ())), item.get("prune", False), item.get("options", {}))


def _with_references(kind: ObjectKind, path: str, value: Any) -> JSON | Reference:
    """A value with references in the place of names. path: as in `ObjectKind.references`."""
    if path in kind.references:
        return _reference(kind.references[path], value)
    if not any(name.startswith(f"{path}.") for name in kind.references):
        return value
    if isinstance(value, Mapping):
        return {key: _with_references(kind, f"{path}.{key}", inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_references(kind, f"{path}.*", inner) for inner in value]
    return value


def _export(head: Head, spec: Spec) -> Export:
    project, originals, classes = spec.get("project"), spec.get("originals", True), spec.get("classes")
    return Export(
        head=head,
        target=_target(spec),
        collection=_reference("Collection", spec["collection"]) if "collection" in spec else None,
        query=spec.get("query"),
        table=_reference("Table", spec["table"]) if "table" in spec else None,
        project=None if project is None else _reference("AnnotationProject", project),
        ground_truth=_truth_version(spec["groundTruth"]) if "groundTruth" in spec else None,
        filter=spec.get("filter", {}),
        format=spec["format"],
        options=spec.get("options", {}),
        destination=_destination(spec["destination"]),
        originals=originals if isinstance(originals, bool) else tuple(originals),
        splits=_splits(spec["splits"], head) if "splits" in spec else None,
        classes=None if classes is None else tuple(classes),
        geometry=_geometry(spec.get("geometry", "clip")),
        card=_card(spec),
        retain=_integer(spec.get("retain")),
    )


def _card(spec: Spec) -> CardSettings:
    """Files and rows as they are have none: what is in them is not known here."""
    item = spec.get("card", True)
    if item is False or "collection" in spec or "query" in spec:
        return CardSettings(is_written=False, sheet=0)
    return CardSettings(sheet=int(item.get("contactSheet", 16))) if isinstance(item, dict) else CardSettings()


def _target(spec: Spec) -> str:
    """Files and tables are said by what is exported of them."""
    found: str = next((name for name in ("collection", "query") if name in spec), spec.get("target", "assignment"))
    return found


def _truth_version(item: Spec) -> TruthVersion:
    return TruthVersion(_reference("GroundTruthDataset", item["dataset"]), item["version"])


def _destination(item: Spec) -> Destination:
    storage = item.get("storage")
    return Destination(
        item.get("url"), None if storage is None else str(_integer(storage)), item.get("path"), item.get("options", {})
    )


def _splits(item: Spec, head: Head) -> Splits:
    if item.get("by") == "list":
        return Splits(by="list", assigned=assignments(item, head.folder))
    ratios = {name: float(share) for name, share in item.items() if name not in ("seed", "by")}
    return Splits(ratios, int(item.get("seed", 0)), item.get("by"))


def _geometry(item: str | Spec) -> GeometryPolicy:
    if isinstance(item, str):
        return GeometryPolicy(mode=item)  # type: ignore[arg-type]  # the schema lists the modes
    return GeometryPolicy(item.get("mode", "clip"), float(item.get("tolerance", 0)))


def _reference(kind: str, value: str | Spec) -> Reference:
    if isinstance(value, str):
        return Ref(Address(kind, value))
    if "assets" in value:
        return Ref(Address("AssetSet", value["assets"], value["key"]))
    if "name" in value:
        return Ref(Address(value.get("kind", kind), value["name"]))
    return External(kind, str(_integer(value["id"])))


def _integer(value: JSON) -> Any:
    """`1.0` is an integer for JSON Schema; text stays as it is."""
    return int(value) if isinstance(value, float) else value


def _platform(spec: Spec) -> Mapping[str, JSONObject]:
    return {name: spec[name] for name in PLATFORMS if name in spec}


_DECODERS: Mapping[str, Callable[[Head, Spec], Resource]] = {
    "Collection": _collection,
    "AssetSet": _asset_set,
    "MetadataSource": _metadata_source,
    "AnnotationProject": _annotation_project,
    "TaskSet": _task_set,
    "Export": _export,
    **dict.fromkeys(OBJECT_KINDS, _remote_object),
}
