"""An item as rows of an annotation table: one row for each annotation, whatever media it is on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.errors import Problem
from reconciler.formats.account import Account, Loss, Outcome, Tally, total
from reconciler.formats.annotations import (
    Annotation,
    Classification,
    GroupForm,
    Mask,
    MediaAnnotations,
    Polygon,
    Polyline,
    Raw,
    Shape,
)
from reconciler.formats.categories import class_key
from reconciler.formats.dm import decode_payload
from reconciler.formats.fitting import fit_object
from reconciler.formats.geometry import Size, fit_line
from reconciler.formats.items import ExportItem
from reconciler.formats.naming import primary_media, settle_paths
from reconciler.formats.objects import ImageObject, gather_objects
from reconciler.formats.pictures import SHOWN, is_picture, picture_size
from reconciler.formats.table_columns import Column, fits, is_integer
from reconciler.formats.table_options import TableOptions
from reconciler.formats.table_shapes import Cells, fitted_shapes, shape_cells, visibility_cells
from reconciler.model.json import JSON


@dataclass(frozen=True, slots=True)
class TableRows:
    """rows: cells in the order of the columns. problems: what the payload's reader could not read."""

    rows: tuple[list[JSON], ...]
    account: Account
    problems: tuple[Problem, ...]


def make_rows(item: ExportItem, options: TableOptions) -> TableRows:
    """The rows of an item, in the order of its media and annotations."""
    decoded = decode_payload(item.data, lossless=False)
    parts = [_MediaRows(item, media, options) for media in decoded.document.media]
    cells = [row for part in parts for row in part.rows()]
    if not cells and options.empty_items:
        parts.append(_MediaRows(item, _bare(item, decoded.document.media), options))
        cells = [parts[-1].head()]
    rows = tuple([row.get(column.name) for column in options.columns] for row in cells)
    account = total(part.tally.account() for part in parts)
    problems = tuple(replace(p, summary=f"{item.key}: {p.summary}") for p in decoded.problems)
    return TableRows(rows, account, problems)


def _bare(item: ExportItem, drawn: Sequence[MediaAnnotations]) -> MediaAnnotations:
    """The primary media of an item, without annotations."""
    name = primary_media(item) or (drawn[0].media if drawn else "")
    found = next((m for m in drawn if m.media == name), MediaAnnotations(name))
    return replace(found, annotations=(), relations=())


@dataclass(slots=True)
class _MediaRows:
    """The rows of one media of an item."""

    item: ExportItem
    media: MediaAnnotations
    options: TableOptions
    tally: Tally = field(init=False)
    size: Size | None = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(self.item.key, self.media.media, read=len(self.media.annotations))
        self.size = picture_size(self.item, self.media)

    def head(self) -> Cells:
        """What all rows of the media have."""
        item, name = self.item, self.media.media
        file = item.media.get(name)
        path = settle_paths(item, self.options.originals, annotation=None).originals.get(name) if file else None
        width, height = self.size or (None, None)
        cells: Cells = {
            "key": item.key,
            "record": item.record_id,
            "split": item.split,
            "media": name or None,
            "file_name": file.name if file else None,
            "path": path,
            "width": width,
            "height": height,
        }
        return cells | {c.name: self._added(c, item.meta.get(c.meta)) for c in self.options.added if c.meta is not None}

    def rows(self) -> Iterator[Cells]:
        if not self.media.annotations:
            return
        head, groups = self.head(), self._groups()
        shapes = self._shapes()
        for annotation in self.media.annotations:
            for number, shape in enumerate(shapes.get(id(annotation), ())):
                yield {
                    **head,
                    **self._cells(annotation, number),
                    "group": groups.get(annotation.id),
                    "tool": "polygon" if _is_turned(annotation, shape) else annotation.tool,
                    **shape_cells(shape, self.size),
                }

    def _cells(self, annotation: Annotation, number: int) -> Cells:
        """number: of the piece, when the policy cut a line into several."""
        kept = {"members": dict(annotation.members), "data": dict(annotation.data_members)}
        added = {
            c.name: self._added(c, annotation.attributes.get(c.attribute), annotation.id)
            for c in self.options.added
            if c.attribute is not None
        }
        return {
            "annotation": f"{annotation.id}#{number + 1}" if number else annotation.id,
            "class": annotation.class_name,
            **visibility_cells(annotation),
            "attributes": dict(annotation.attributes) or None,
            "extra": {name: value for name, value in kept.items() if value} or None,
            **added,
        }

    def _added(self, column: Column, value: JSON, *annotations: str) -> JSON:
        """The cell of a column of the options."""
        if value is None or fits(column, value):
            return value
        self.tally.note(Outcome.LOSSY, Loss.COLUMN_TYPE, *annotations)
        return None

    def _groups(self) -> dict[str, str]:
        """Annotation → its group. What one column cannot say of groups and relations is told."""
        found: dict[str, str] = {}
        for group in self.media.groups:
            is_nested = group.form is GroupForm.TREE and any(node.children for node in group.nodes)
            if is_nested or group.rest or any(found.get(m, group.id) != group.id for m in group.members):
                self.tally.note(Outcome.LOSSY, Loss.GROUP, *group.members)
            for member in group.members:
                found.setdefault(member, group.id)
        if self.media.relations:
            self.tally.note(Outcome.LOSSY, Loss.RELATIONS)
        return found

    def _shapes(self) -> dict[int, list[Shape]]:
        """id() of an annotation → what is written of it: pieces of a line, else one shape or none."""
        found: dict[int, list[Shape]] = {}
        for one in self._objects():
            shape = one.parts[0].shape
            if isinstance(shape, Raw) and shape.reason == Loss.MALFORMED:
                self.tally.note(Outcome.DROPPED, Loss.MALFORMED, *one.ids)
            elif isinstance(shape, Polyline):
                found[id(one.parts[0])] = self._line(one, shape)
            elif type(shape) not in SHOWN or isinstance(shape, Classification):
                self._count(one)
                found[id(one.parts[0])] = [shape]
            else:
                found |= self._fitted(one)
        return found

    def _objects(self) -> Sequence[ImageObject]:
        if not is_picture(self.item, self.media.media):
            return [ImageObject((annotation,)) for annotation in self.media.annotations]
        drawn = [a for a in self.media.annotations if type(a.shape) in SHOWN]
        if self.size is None and drawn:
            self.tally.note(Outcome.LOSSY, Loss.SIZE_UNKNOWN, *(a.id for a in drawn))
        return gather_objects(self.media)[0]

    def _count(self, one: ImageObject) -> None:
        names = Counter(class_key(p.class_name) for p in one.parts if p.class_name)
        self.tally.written += len(one.parts)
        self.tally.classes.update(names)

    def _line(self, one: ImageObject, shape: Polyline) -> list[Shape]:
        fit = fit_line(shape.points, self.size, self.options.geometry)
        if fit.shape is None:
            outcome = Outcome.FAILED if fit.failed else Outcome.DROPPED
            self.tally.note(outcome, fit.reason or Loss.EMPTY_SHAPE, *one.ids)
            return []
        if fit.clipped:
            self.tally.note(Outcome.CLIPPED, Loss.OUTSIDE_MEDIA, *one.ids)
        self._count(one)
        return [Polyline(piece) for piece in fit.shape]

    def _fitted(self, one: ImageObject) -> dict[int, list[Shape]]:
        fitted = fit_object(one, self.size, self.options.geometry)
        shapes = {i: s for i, s in fitted_shapes(fitted, self.size, self.options.geometry).items() if _is_storable(s)}
        if not shapes:
            fitted.leave_out(self.tally)
            return {}
        lost = {i: Loss.EMPTY_SHAPE for i in fitted.left if i not in shapes}
        replace(fitted, gone={**fitted.gone, **lost}, assumed=()).settle(self.tally, keeps_holes=True)
        turned = [p.id for p in one.parts if p.id in shapes and _is_turned(p, shapes[p.id])]
        if turned:
            self.tally.note(Outcome.LOSSY, Loss.ROTATION, *turned)
        return {id(p): [shapes[p.id]] for p in one.parts if p.id in shapes}


def _is_turned(annotation: Annotation, shape: Shape) -> bool:
    """Whether a turned box became the polygon that the policy left of it."""
    return isinstance(shape, Polygon) and not isinstance(annotation.shape, Polygon)


def _is_storable(shape: Shape) -> bool:
    """Pixels of a picture of unknown size can have any number; 64 bits hold those of pictures."""
    return not isinstance(shape, Mask) or all(is_integer(start + length) for start, length in shape.runs)


def meta_used(item: ExportItem, options: TableOptions) -> Mapping[str, JSON]:
    """The metadata that goes into the rows."""
    return {c.meta: item.meta[c.meta] for c in options.added if c.meta is not None and c.meta in item.meta}
