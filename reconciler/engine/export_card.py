"""The data card of an export: which items stand on its contact sheets, and what it says of all."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.engine.export_items import ItemSet, SourceItem, declared_project
from reconciler.errors import MissingExtra, ReconcilerError
from reconciler.formats.account import Account
from reconciler.formats.card import CARD_PATH, CROISSANT_PATH, Facts, about_collection, build_card, build_croissant
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import Fragment, Writer
from reconciler.formats.naming import primary_media, safe_component
from reconciler.formats.pictures import draw
from reconciler.model.address import Address
from reconciler.model.json import JSONObject
from reconciler.model.resource import AnnotationProject, Collection, Export, Ref, Resource
from reconciler.providers.base import Provider

if TYPE_CHECKING:
    from reconciler.formats.contact_sheet import Cell

_LARGEST = 64 * 1024 * 1024  # bytes of a picture that is fetched for a sheet


@dataclass(slots=True)
class ClassCounts:
    """Counts objects by split and class while accounts pass by."""

    found: dict[str, Counter[str]] = field(default_factory=dict)

    def watch(self, fragments: Iterable[Fragment], writer: Writer) -> Iterator[Account]:
        """The account of each fragment."""
        for fragment in fragments:
            account = writer.account(fragment.text)
            self.found.setdefault(fragment.split or "", Counter()).update(account.classes)
            yield account


@dataclass(frozen=True, slots=True)
class Sheets:
    """Contact sheets, drawn. files: path → PNG. missing: why there are none, "" when none were wanted."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    missing: str = ""


def draw_sheets(export: Export, items: ItemSet, provider: Provider) -> Sheets:
    """A contact sheet per split, of the items whose hashed keys come first: new items change few of them."""
    if not export.card.sheet:
        return Sheets()
    from reconciler.formats.contact_sheet import draw_sheet

    policy = EdgePolicy(export.geometry.mode, export.geometry.tolerance)
    files: dict[str, bytes] = {}
    for split, (count, keys) in sorted(_samples(items, export.card.sheet).items()):
        cells = [cell for key in keys if (cell := _cell(items.item(key), provider)) is not None]
        if not cells:
            continue
        name = f"contact_sheet_{safe_component(split)}" if split else "contact_sheet"
        title = f"{export.head.address.name}{', ' if split else ''}{split}: {len(cells):,} of {count:,} items"
        try:
            files[f"metadata/{name}.png"] = draw_sheet(title, cells, policy)
        except MissingExtra as error:
            return Sheets(missing=f"{error.message} ({error.fix})")
    return Sheets(files, "" if files else "the export has no pictures that can be shown")


def _samples(items: ItemSet, size: int) -> dict[str, tuple[int, list[str]]]:
    """Split → number of its items with a picture, and the keys of some, in the order of their hashes."""
    heaps: dict[str, list[tuple[int, str]]] = {}
    counts: Counter[str] = Counter()
    for source in items.heads():
        if source.fault is not None or _picture_of(source) is None:
            continue
        split = source.item.split or ""
        counts[split] += 1
        rank = -int.from_bytes(hashlib.sha256(source.item.key.encode()).digest()[:8])
        heap = heaps.setdefault(split, [])
        if len(heap) < size:
            heapq.heappush(heap, (rank, source.item.key))
        elif rank > heap[0][0]:
            heapq.heapreplace(heap, (rank, source.item.key))
    return {split: (counts[split], [key for _, key in sorted(heap, reverse=True)]) for split, heap in heaps.items()}


def _picture_of(source: SourceItem) -> str | None:
    """The primary specification, when it is a picture of bearable size."""
    spec = primary_media(source.item)
    file = source.item.media.get(spec) if spec else None
    if spec is None or file is None or (file.size_bytes or 0) > _LARGEST:
        return None
    return spec if (file.type or "") == "image" or spec.startswith("image") else None


def _cell(source: SourceItem, provider: Provider) -> Cell | None:
    from reconciler.formats.contact_sheet import Cell

    spec = _picture_of(source)
    file = next((f for f in source.files if f.spec == spec), None)
    drawn = next((p for p in draw(source.item).pictures if p.media == spec), None)
    if file is None or drawn is None:
        return None
    try:
        return Cell(source.item.key, b"".join(provider.fetch(file)), drawn)
    except ReconcilerError:
        return None  # the sheet only shows some; that the file cannot be had is told where it is needed


def card_files(facts: Facts) -> dict[str, bytes]:
    """Path → bytes of the card for people and the one for machines."""
    return {CARD_PATH: build_card(facts), CROISSANT_PATH: build_croissant(facts)}


def card_facts(export: Export, declared: Mapping[Address, Resource], summary: JSONObject) -> Facts:
    """What is known of an export without looking at its items."""
    project = declared_project(export, declared)
    name = export.head.address.name
    if not isinstance(project, AnnotationProject):
        return Facts(export, summary, name)
    title = f"{project.title}: {name}" if project.title else name
    collection = declared.get(project.collection.address) if isinstance(project.collection, Ref) else None
    if not isinstance(collection, Collection):
        return Facts(export, summary, title)
    return Facts(export, summary, title, collection.description or "", about_collection(collection.meta or {}))
