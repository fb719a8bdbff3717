"""The pair `annotation_data` and `annotation_meta` that the platform's converter makes of version 1.

The first is version 2, the second what version 1 was. Both are read: version 2 says what is drawn, version 1 what
version 2 has no place for (names of media, sizes, order, flags, labels, names of points, relations, groups).
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.errors import Problem
from reconciler.formats.annotations import (
    Annotation,
    Dialect,
    Document,
    MediaAnnotations,
    Polygon,
    Polyline,
    Shape,
)
from reconciler.formats.dm_shapes import kind_of
from reconciler.formats.dm_v1 import decode_v1, write_v1
from reconciler.formats.dm_v2 import decode_v2, encode_v2, numbered, v2_row
from reconciler.formats.dm_values import Malformed, malformed, parse_text
from reconciler.model.json import JSONObject


def is_pair(value: JSONObject) -> bool:
    """True for the pair, each half an object or the text of one."""
    return "annotations" not in value and isinstance(value.get("annotation_data"), (dict, str))


def decode_pair(value: JSONObject, problems: list[Problem]) -> Document:
    """Read the pair: version 1 when its half is there, completed and corrected by version 2; else version 2 alone."""
    body = _half(value, "annotation_data", problems)
    meta = _half(value, "annotation_meta", problems)
    if not isinstance(meta.get("annotations"), dict):
        kept = decode_v1({"annotations": {}, "extra": meta.get("extra")}, problems)
        return decode_v2(body, problems, _sizes(kept))
    kept = decode_v1(meta, [])
    drawn = decode_v2(body, problems, _sizes(kept))
    names = numbered(m.media for m in kept.media)
    by_name = {m.media: m for m in kept.media}
    met = {names.get(m.media, m.media): m for m in drawn.media}
    media = [_joined(name, by_name.get(name), met[name]) for name in met]
    rest = [replace(m, annotations=()) for m in kept.media if m.media not in met]
    order = list(by_name)
    media = sorted([*media, *rest], key=lambda m: order.index(m.media) if m.media in by_name else len(order))
    return Document(tuple(media), Dialect.SDK, kept.head, paired=True)


def _half(value: JSONObject, key: str, problems: list[Problem]) -> JSONObject:
    try:
        half = parse_text(value.get(key))
    except Malformed as exc:
        problems.append(malformed(key, str(exc)))
        return {}
    if half is not None and type(half) is not dict:
        problems.append(malformed(key, f"expected an object, found a {type(half).__name__}"))
        return {}
    return half or {}


def _sizes(kept: Document) -> dict[str, tuple[int, int]]:
    by_name = {m.media: m.size for m in kept.media}
    return {number: size for number, name in numbered(by_name).items() if (size := by_name[name]) is not None}


def _joined(name: str, kept: MediaAnnotations | None, drawn: MediaAnnotations) -> MediaAnnotations:
    """One media: what version 2 draws, in the order of version 1, with what only version 1 knows."""
    if kept is None:
        return replace(drawn, media=name)
    before = {a.id: (index, a) for index, a in enumerate(kept.annotations) if a.id}
    found = [(before[a.id][0], _completed(a, before[a.id][1], kept)) for a in drawn.annotations if a.id in before]
    new = [a for a in drawn.annotations if a.id not in before]
    ordered = [a for _, a in sorted(found, key=lambda pair: pair[0])]
    known = {g.id for g in kept.groups}
    groups = (*kept.groups, *(g for g in drawn.groups if g.id not in known))
    return replace(kept, annotations=(*ordered, *new), groups=groups)


def _completed(drawn: Annotation, kept: Annotation, media: MediaAnnotations) -> Annotation:
    """The annotation of version 1 when version 2 says the same; else version 2's, with the other's flags."""
    groups = {m: g.id for g in media.groups for m in g.members}
    group = groups.get(kept.id)
    same = v2_row(replace(kept, members={}), group, Dialect.SDK) == v2_row(_plain(drawn), group, Dialect.SDK)
    if same and kind_of(drawn.tool) == kind_of(kept.tool):
        return kept
    return replace(
        drawn,
        shape=_named(drawn.shape, kept.shape),
        members=kept.members,
        data_members=kept.data_members,
        form=kept.form,
    )


def _plain(drawn: Annotation) -> Annotation:
    return replace(drawn, members={})


def _named(drawn: Shape, kept: Shape) -> Shape:
    """The shape with the names of its points, as long as there are as many."""
    if not isinstance(drawn, (Polygon, Polyline)) or not isinstance(kept, (Polygon, Polyline)):
        return drawn
    return replace(drawn, point_ids=kept.point_ids) if len(drawn.points) == len(kept.points) else drawn


def encode_pair(document: Document) -> JSONObject:
    """Write both halves."""
    return {"annotation_data": encode_v2(document), "annotation_meta": write_v1(document, Dialect.SDK)}
