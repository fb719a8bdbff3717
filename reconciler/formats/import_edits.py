"""What a row of an imported file said beyond what its export would say, and whether that still holds.

An import keeps, for each annotation, the members that the format's own writer would write otherwise, so that an
annotation that nobody edited is written again as it came. What was edited is written anew, from the model alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.formats.annotations import Annotation
from reconciler.formats.objects import shape_digest
from reconciler.model.json import JSON, JSONObject, digest


def edit_digest(parts: Iterable[Annotation]) -> str:
    """Digest of shape, class and attributes of the annotations that one row became."""
    found = list(parts)
    return digest([shape_digest(found), [[p.class_name, p.attributes] for p in found]])[:16]


def keep_row(given: JSONObject, written: JSONObject, parts: Iterable[Annotation], *own: str) -> JSONObject:
    """The record of a row, {} when the writer gives the same.

    written: what it gives. own: members it always decides.
    """
    other = {k: v for k, v in given.items() if k not in own and (k not in written or not _same(written[k], v))}
    without = sorted(k for k in written if k not in given and k not in own)
    if not other and not without:
        return {}
    record = {"set": other, "without": without, "digest": edit_digest(parts)}
    return {key: value for key, value in record.items() if value}


def _same(a: JSON, b: JSON) -> bool:
    """Equal, and written alike: 1 and 1.0 and true are three things."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


def restore_row(written: JSONObject, record: JSON, parts: Iterable[Annotation]) -> JSONObject:
    """The row as it came, when a record of `keep_row` says so and nobody edited the annotations since."""
    if not isinstance(record, Mapping) or record.get("digest") != edit_digest(parts):
        return written
    given, without = record.get("set", {}), record.get("without", [])
    if not isinstance(given, Mapping) or not isinstance(without, list):
        return written
    return {**{k: v for k, v in written.items() if k not in without}, **given}


def record_of(extra: Mapping[str, JSON], key: str) -> JSONObject:
    """What an import kept about a media under a format's name; {} without, or when it is no object."""
    found = extra.get(key)
    return found if isinstance(found, Mapping) else {}


def member(record: JSONObject, name: str) -> JSONObject:
    """An object inside a record; {} when it is missing or something else."""
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}
