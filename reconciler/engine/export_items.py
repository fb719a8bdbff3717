"""From records of the backend to items of an export."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.errors import ConfigError, Problem
from reconciler.formats.items import ExportItem, MediaFile, Writer, item_digest
from reconciler.formats.naming import check_collisions
from reconciler.formats.splits import assign_split
from reconciler.formats.writers import open_writer, read_class_ids
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.observed import AnnotationRecord, RemoteFile
from reconciler.model.resource import AnnotationProject, Export, GroundTruthDataset, Ref, Reference, Resource
from reconciler.providers.base import Provider

CLASSES_PATH = "classes.json"


@dataclass(frozen=True, slots=True)
class SourceItem:
    """An item with what is needed to fetch its files. content: digest of all that decides its output."""

    item: ExportItem
    content: str
    files: tuple[RemoteFile, ...]

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
    project = resolve(export.project)
    return {"project": project} if project is not None else {}


def writer_for(export: Export, declared: Mapping[Address, Resource], published: bytes | None) -> Writer:
    """The writer of an export. published: its last `classes.json`, so that class ids stay."""
    project = _project(export, declared)
    classes: tuple[str, ...] = ()
    if isinstance(project, AnnotationProject) and project.classes:
        # Classes of keypoints name joints, which are parts of an object and no categories.
        tools = (names for tool, names in project.classes.items() if tool != "keypoint")
        classes = tuple(dict.fromkeys(name for names in tools for name in names))
    previous = read_class_ids(json.loads(published)) if published else {}
    return open_writer(export, classes=classes, reference=_reference(export), previous=previous)


def _project(export: Export, declared: Mapping[Address, Resource]) -> Resource | None:
    """The declared project whose classes count: the export's own, else that of its ground truth."""
    reference = export.project
    if reference is None and export.ground_truth is not None and isinstance(export.ground_truth.dataset, Ref):
        dataset = declared.get(export.ground_truth.dataset.address)
        reference = dataset.project if isinstance(dataset, GroundTruthDataset) else None
    return declared.get(reference.address) if isinstance(reference, Ref) else None


def _reference(export: Export) -> Mapping[str, JSON] | None:
    name = export.options.get("reference")
    if name is None:
        return None
    from reconciler.engine.reading import read_documents

    ((shown, raw),) = read_documents(str(name), export.head.folder, {}, suffixes=(".json",))
    try:
        value = json.loads(raw)
    except ValueError as exc:
        problem = Problem(f"{shown} is not valid JSON: {exc}", export.head.location, fix="repair options.reference")
        raise ConfigError([problem]) from exc
    return value if isinstance(value, Mapping) else None


def export_items(records: Iterable[AnnotationRecord], export: Export, writer: Writer) -> list[SourceItem]:
    """Items in key order, with unique keys and paths.

    Several records of one unit are told apart by their id (`key__id`).

    Raises:
        ConfigError: two items would be written to one path.
    """
    rows = list(records)
    repeated = {key for key, count in Counter(record.key for record in rows).items() if count > 1}
    items = []
    for record in rows:
        key = f"{record.key}__{record.remote_id}" if record.key in repeated else record.key
        item = _item(record, key, export)
        items.append(SourceItem(item, item_digest(item, writer), record.files))
    items.sort(key=lambda source: source.item.key)
    check_collisions((source.item.key, writer.paths(source.item)) for source in items)
    return items


def _item(record: AnnotationRecord, key: str, export: Export) -> ExportItem:
    media = {file.spec: _media(file) for file in record.files}
    split = assign_split(record.key, export.splits, record.category, record.unit_meta) if export.splits else None
    return ExportItem(key, record.remote_id, record.data, media, dict(record.unit_meta), split)


def _media(file: RemoteFile) -> MediaFile:
    return MediaFile(file.name, file.size_bytes, file.checksum, is_primary=file.is_primary)


def sized(source: SourceItem, provider: Provider) -> ExportItem:
    """The item with picture sizes; those the payload does not give are read from the picture's first bytes."""
    item = source.item
    known = _sizes_in(item.data)
    media = dict(item.media)
    for file in source.files:
        found = media[file.spec]
        if file.spec not in known and found.width is None and file.spec.startswith("image"):
            size = _probe(provider.fetch(file))
            if size:
                media[file.spec] = replace(found, width=size[0], height=size[1])
    return replace(item, media=media)


def _sizes_in(data: JSON) -> set[str]:
    extra = data.get("extra") if isinstance(data, Mapping) else None
    if not isinstance(extra, Mapping):
        return set()
    return {name for name, value in extra.items() if isinstance(value, Mapping) and {"width", "height"} <= value.keys()}


def _probe(chunks: Iterator[bytes]) -> tuple[int, int] | None:
    import io

    import imagesize

    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 64 * 1024:
            break
    width, height = imagesize.get(io.BytesIO(head))
    return (width, height) if width > 0 and height > 0 else None
