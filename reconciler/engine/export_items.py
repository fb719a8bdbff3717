"""From records of the backend to items of an export, through a spool: memory does not grow with their number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.engine.dataset_files import DatasetFolder, measured, open_dataset
from reconciler.errors import ConfigError, Problem, Severity
from reconciler.formats.items import ExportItem, MediaFile, Writer, item_digest
from reconciler.formats.naming import check_collisions, check_unique
from reconciler.formats.splits import assign_split
from reconciler.formats.writers import open_writer, payload_fault, places_by_payload, read_class_ids
from reconciler.model.address import Address
from reconciler.model.json import JSON, canonical_json, digest
from reconciler.model.observed import AnnotationRecord, RemoteFile
from reconciler.model.resource import TABLE_MARK, AnnotationProject, Export, Ref, Reference, RemoteObject, Resource
from reconciler.providers.base import Provider
from reconciler.state.spool import ItemSpool, SpooledItem

CLASSES_PATH = "classes.json"
_RENAME = "write options: {names: entity}, or rename one of them at the backend"


@dataclass(frozen=True, slots=True)
class SourceItem:
    """An item with what is needed to fetch its files. content: digest of all that decides its output.

    fault: why it cannot be written, None when it can. text: its payload as JSON, which `item` has, too.
    """

    item: ExportItem
    content: str
    files: tuple[RemoteFile, ...]
    fault: str | None = None
    text: str = "null"

    @property
    def checksums(self) -> dict[str, str]:
        """Specification → checksum of the original."""
        return {file.spec: file.checksum for file in self.files if file.checksum}


def record_scope(export: Export, resolve: Callable[[Reference | None], str | None]) -> dict[str, str]:
    """Where the records of an export are, as `Provider.records` wants it. resolve: reference → remote id."""
    truth = export.ground_truth
    if export.target == "ground_truth" and truth is not None:
        dataset = resolve(truth.dataset)
        return {"dataset": dataset, "version": truth.version} if dataset is not None else {}
    if export.query is not None:
        return _query_scope(export, export.query, resolve)
    if export.collection is not None:
        collection = resolve(export.collection)
        return {"collection": collection} if collection is not None else {}
    project = resolve(export.project)
    return {"project": project} if project is not None else {}


def _query_scope(export: Export, query: str, resolve: Callable[[Reference | None], str | None]) -> dict[str, str]:
    """The query with the id of its table in it."""
    if export.table is not None:
        query = query.replace(TABLE_MARK, resolve(export.table) or TABLE_MARK)
    return {"query": query, **({"rowIds": "yes"} if export.options.get("rowIds") else {})}


def writer_for(export: Export, declared: Mapping[Address, Resource], published: bytes | None) -> Writer:
    """The writer of an export. published: its last `classes.json`, so that class ids stay."""
    if export.format == "manifest":
        return _manifest_writer(export)
    if export.format == "custom":
        from reconciler.engine.custom_exporters import custom_writer

        return custom_writer(export)
    project = declared_project(export, declared)
    classes: tuple[str, ...] = ()
    if isinstance(project, AnnotationProject) and project.classes:
        # Classes of keypoints name joints, which are parts of an object and no categories.
        tools = (names for tool, names in project.classes.items() if tool != "keypoint")
        classes = tuple(dict.fromkeys(name for names in tools for name in names))
    previous = read_class_ids(json.loads(published)) if published else {}
    return open_writer(export, classes=classes, reference=_reference(export), previous=previous)


def _manifest_writer(export: Export) -> Writer:
    from reconciler.formats.manifest_cells import Dialect
    from reconciler.sources.manifest_export import ManifestWriter

    options, root = export.options, export.collection
    name = root.address.name if isinstance(root, Ref) else root.id if root else ""
    dialect = Dialect(options.get("dialect", "csv"))
    return ManifestWriter(name, dialect, options.get("names", "file"), options.get("parents", "path"))


def declared_project(export: Export, declared: Mapping[Address, Resource]) -> Resource | None:
    """The declared project whose classes count: the export's own, else that of its ground truth."""
    reference: object = export.project
    if reference is None and export.ground_truth is not None and isinstance(export.ground_truth.dataset, Ref):
        dataset = declared.get(export.ground_truth.dataset.address)
        reference = dataset.fields.get("project") if isinstance(dataset, RemoteObject) else None
    return declared.get(reference.address) if isinstance(reference, Ref) else None


def _reference(export: Export) -> Mapping[str, JSON] | None:
    name = export.options.get("reference")
    if name is None:
        return None
    files = open_dataset(str(name), export.head.folder, {})
    shown = files.place.show(files.names[0])
    if export.format == "yolo":
        return _class_list(files)
    try:
        value = json.loads(files.read(files.names[0]))
    except ValueError as exc:
        problem = Problem(f"{shown} is not valid JSON: {exc}", export.head.location, fix="repair options.reference")
        raise ConfigError([problem]) from exc
    return value if isinstance(value, Mapping) else None


def _class_list(files: DatasetFolder) -> Mapping[str, JSON]:
    """The class ids of a `data.yaml` or a list of names, as categories."""
    from reconciler.formats.reading import Reading
    from reconciler.formats.yolo_dataset import read_names

    names = read_names(Reading(files, "", lambda _: None))
    return {"categories": [{"id": number, "name": name} for number, name in names.items()]}


def collect_items(records: Iterable[AnnotationRecord], export: Export, writer: Writer, folder: Path) -> ItemSet:
    """Spool records as items with unique keys and paths. folder: for the spool. The caller closes the set.

    Several records of one unit are told apart by their id (`key__id`).

    Raises:
        ConfigError: two items would be written to one path.
    """
    items = ItemSet(ItemSpool(folder), export)
    try:
        items.spool.fill(_spooled(record, record.key, export, writer) for record in records)
        items.spool.rename(_renamed(one, export, writer) for one in items.spool.repeated())
        check_unique(items.spool.index())
        paths = ((source.item.key, writer.paths(source.item)) for source in items.placed())
        if export.format == "manifest":
            check_collisions(paths, ignore_case=True, fix=_RENAME)
        else:
            check_collisions(paths)
    except BaseException:
        items.close()
        raise
    return items


@dataclass(frozen=True, slots=True)
class ItemSet:
    """The items of an export, in key order; only the one at hand is in memory."""

    spool: ItemSpool
    export: Export

    def __iter__(self) -> Iterator[SourceItem]:
        return map(self._source, self.spool.items())

    def heads(self, *, faulty: bool = False) -> Iterator[SourceItem]:
        """Items without their payloads, which is much cheaper; or those that have none because of a fault."""
        return map(self._source, self.spool.heads(faulty=faulty))

    def placed(self) -> Iterator[SourceItem]:
        """Items with what their paths depend on, which is seldom the payload."""
        return iter(self) if places_by_payload(self.export) else self.heads()

    def _source(self, one: SpooledItem) -> SourceItem:
        record = replace(_decode_head(one.head), data=json.loads(one.data))
        return SourceItem(_item(record, one.key, self.export), one.content, record.files, one.fault, one.data)

    def item(self, key: str) -> SourceItem:
        """One item with its payload. Raises KeyError."""
        return self._source(self.spool.item(key))

    def __len__(self) -> int:
        return len(self.spool)

    @property
    def basis(self) -> str:
        """Digest of all items: equal for equal output."""
        found = hashlib.sha256()
        for key, content in self.spool.contents():
            found.update(f"{canonical_json([key, content])}\n".encode())
        return found.hexdigest()[:32]

    def has(self, key: str) -> bool:
        """Whether there is an item of this key."""
        return self.spool.has(key)

    def unlisted(self) -> list[str]:
        """Keys that the list of splits names and no item has, sorted."""
        splits = self.export.splits
        return sorted(splits.assigned.keys() - set(self.spool.names())) if splits and splits.assigned else []

    def close(self) -> None:
        """Give the space back."""
        self.spool.close()


def _spooled(record: AnnotationRecord, key: str, export: Export, writer: Writer) -> SpooledItem:
    """A payload that cannot be had or read is a fault of its item; the item itself stays in sight."""
    fault = record.fault or payload_fault(export.format, record.data)
    try:
        text = "null" if fault else canonical_json(record.data)
        payload = hashlib.sha256(text.encode()).hexdigest()
    except (ValueError, RecursionError) as exc:  # NaN, infinity, half a surrogate pair, or nested too deep
        text, payload, fault = "null", "", f"the payload is not valid JSON: {exc}"
    content = digest(["unreadable", record.remote_id])
    if fault is None:
        content = item_digest(_item(record, key, export), writer, payload)
    return SpooledItem(key, record.key, record.remote_id, content, _encode_head(record), text, fault)


def _renamed(one: SpooledItem, export: Export, writer: Writer) -> SpooledItem:
    record = replace(_decode_head(one.head), data=json.loads(one.data), fault=one.fault)
    return _spooled(record, f"{one.name}__{one.record_id}", export, writer)


def unreadable_item(
    where: str,
    source: SourceItem,
    severity: Severity = Severity.ERROR,
    fix: str = "repair the annotation on the backend, then apply again",
) -> Problem:
    """The problem of an item that cannot be written. where: its address."""
    return Problem(
        f"record {source.item.record_id} cannot be exported: {source.fault}",
        detail="Its item is left out; what was published of it before stays.",
        fix=fix,
        severity=severity,
        address=where,
    )


def _encode_head(record: AnnotationRecord) -> str:
    files = [[f.spec, f.name, f.url, f.size_bytes, f.checksum, f.is_primary] for f in record.files]
    row = [record.remote_id, record.unit_id, record.key, files, dict(record.unit_meta), record.category]
    return json.dumps(row)


def _decode_head(head: str) -> AnnotationRecord:
    remote_id, unit_id, key, files, meta, category = json.loads(head)
    there = tuple(RemoteFile(*file) for file in files)
    return AnnotationRecord(remote_id, unit_id, key, None, there, meta, category=category)


def _item(record: AnnotationRecord, key: str, export: Export) -> ExportItem:
    media = {file.spec: _media(file) for file in record.files}
    split = assign_split(record.key, export.splits, record.category, record.unit_meta) if export.splits else None
    return ExportItem(key, record.remote_id, record.data, media, dict(record.unit_meta), split)


def _media(file: RemoteFile) -> MediaFile:
    return MediaFile(file.name, file.size_bytes, file.checksum, is_primary=file.is_primary)


def sized(source: SourceItem, provider: Provider) -> ExportItem:
    """The item with a way to its files, and picture sizes; those the payload does not give are read from the picture's
    first bytes."""
    item = source.item
    known = _sizes_in(item.data)
    media = dict(item.media)
    for file in source.files:
        found = media[file.spec]
        if file.spec not in known and found.width is None and file.spec.startswith("image"):
            size = _probe(provider.fetch(file))
            if size:
                media[file.spec] = replace(found, width=size[0], height=size[1])
    by_spec = {file.spec: file for file in source.files}
    return replace(item, media=media, chunks=lambda spec: provider.fetch(by_spec[spec]))


def _sizes_in(data: JSON) -> set[str]:
    extra = data.get("extra") if isinstance(data, Mapping) else None
    if not isinstance(extra, Mapping):
        return set()
    return {name for name, value in extra.items() if isinstance(value, Mapping) and _has_size(value)}


def _has_size(value: Mapping[str, JSON]) -> bool:
    return all(type(value.get(side)) in (int, float) for side in ("width", "height"))


def _probe(chunks: Iterator[bytes]) -> tuple[int, int] | None:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 64 * 1024:
            break
    return measured(head)
