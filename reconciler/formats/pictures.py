"""The pictures of an item: what formats that know nothing but pictures write, and what they have to leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from reconciler.errors import Problem
from reconciler.formats.account import Account, Loss, Outcome, Tally, total
from reconciler.formats.annotations import Classification, DrawnShape, MediaAnnotations, Raw
from reconciler.formats.dm import decode_payload
from reconciler.formats.dm_values import malformed
from reconciler.formats.geometry import Size
from reconciler.formats.import_records import RECORD_KEY, kept_records
from reconciler.formats.items import ExportItem
from reconciler.formats.naming import primary_media
from reconciler.formats.objects import ImageObject, gather_objects
from reconciler.model.json import JSON

SHOWN: Final = frozenset((*get_args(DrawnShape), Classification))
"""Types of shapes that formats of pictures may hold."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of an item. drawn: its annotations. size: (width, height) in pixels, None when unknown.

    objects: of the annotations that mark something in a picture, or are about all of it. tally: its part of the item's
    account; other annotations, and the groups and relations that make no object, are in it already.
    """

    drawn: MediaAnnotations
    size: Size | None
    objects: tuple[ImageObject, ...]
    tally: Tally

    @property
    def media(self) -> str:
        """The file specification it belongs to."""
        return self.drawn.media

    @property
    def kept(self) -> Mapping[str, JSON]:
        """What an import kept about the picture; {} when it was not imported."""
        found = self.drawn.extra.get(RECORD_KEY)
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Drawn:
    """An item, decoded. pictures: the primary one always, others when something is drawn on them.

    refused: the account of what is drawn on other media. problems: what the payload's reader could not read.
    """

    pictures: tuple[Picture, ...]
    refused: tuple[Tally, ...]
    problems: tuple[Problem, ...]

    def account(self) -> Account:
        """Everything the tallies have been told."""
        return total(t.account() for t in (*(p.tally for p in self.pictures), *self.refused))


def draw(item: ExportItem, *, keeps_groups: bool = False) -> Drawn:
    """Decode an item's payload and gather the objects of each of its pictures.

    keeps_groups: the format can hold any group, so those that make no object are no loss.
    """
    decoded = decode_payload(item.data, lossless=False)
    by_media = {m.media: m for m in decoded.document.media}
    pictures = tuple(_picture(item, by_media.get(m, MediaAnnotations(m)), keeps_groups) for m in _names(item, by_media))
    others = tuple(_refused(item, m) for m in by_media.values() if not is_picture(item, m.media) and m.annotations)
    records = (
        malformed(place, "this is not what an import keeps") for m in by_media.values() for place in kept_records(m)[1]
    )
    return Drawn(pictures, others, tuple([placed_problem(p, item.key) for p in (*decoded.problems, *records)]))


def _names(item: ExportItem, by_media: Mapping[str, MediaAnnotations]) -> list[str]:
    primary = primary_media(item)
    drawn = [m for m, found in by_media.items() if found.annotations and is_picture(item, m)]
    first = [primary] if primary and is_picture(item, primary) else []
    return list(dict.fromkeys([*first, *sorted(drawn)]))


def is_picture(item: ExportItem, media: str) -> bool:
    """Whether a specification of an item is one of pictures."""
    file = item.media.get(media)
    return media.startswith("image") if file is None or file.type is None else file.type == "image"


def _picture(item: ExportItem, drawn: MediaAnnotations, keeps_groups: bool) -> Picture:
    tally = Tally(item.key, drawn.media, read=len(drawn.annotations))
    objects, loose = gather_objects(drawn)
    size = picture_size(item, drawn)
    shown = [found for found in objects if _is_shown(found, tally)]
    shaped = [a.id for a in drawn.annotations if not isinstance(a.shape, Classification)]
    if size is None and shaped:
        tally.note(Outcome.LOSSY, Loss.SIZE_UNKNOWN, *shaped)
    for group in () if keeps_groups else loose:
        tally.note(Outcome.LOSSY, Loss.GROUP, *group.members)
    if drawn.relations:
        tally.note(Outcome.LOSSY, Loss.RELATIONS)
    return Picture(drawn, size, tuple(shown), tally)


def _is_shown(found: ImageObject, tally: Tally) -> bool:
    """Whether a format of pictures may hold the object; the tally is told when none does."""
    shape = found.parts[0].shape
    if type(shape) in SHOWN:
        return True
    reason = Loss(shape.reason) if isinstance(shape, Raw) else Loss.UNSUPPORTED_TOOL
    tally.note(Outcome.DROPPED, reason, found.parts[0].id)
    return False


def picture_size(item: ExportItem, drawn: MediaAnnotations) -> Size | None:
    """(width, height) as the payload says, else as the file does; None when neither is known."""
    file = item.media.get(drawn.media)
    if drawn.size or file is None or file.width is None or file.height is None:
        return drawn.size
    return file.width, file.height


def _refused(item: ExportItem, drawn: MediaAnnotations) -> Tally:
    tally = Tally(item.key, drawn.media, read=len(drawn.annotations))
    tally.note(Outcome.DROPPED, Loss.UNSUPPORTED_MEDIA, *(a.id for a in drawn.annotations))
    return tally


def placed_problem(problem: Problem, key: str) -> Problem:
    """A problem of a payload, with the item it belongs to."""
    return Problem(f"{key}: {problem.summary}", problem.at, problem.detail, problem.fix, problem.severity)
