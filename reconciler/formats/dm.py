"""DM schema payloads to and from the annotation model.

Reads all that the platform stores: version 1 in both dialects (see `dm_v1`), version 2 (see `dm_v2`), the pair that
the official converter makes (see `dm_pair`), and any of them as text or wrapped in a record. One bad annotation
becomes a problem and a `Raw` item; it never costs the document.

Source of the format: DM schema version 1 as the platform's SDK reads it; SEED as the platform's export guide shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from reconciler.errors import Problem
from reconciler.formats.annotations import Dialect, Document
from reconciler.formats.dm_pair import decode_pair, encode_pair, is_pair
from reconciler.formats.dm_v1 import TOP, count_v1, decode_v1, write_v1
from reconciler.formats.dm_v2 import count_v2, decode_v2, encode_v2, is_v2
from reconciler.formats.dm_values import Malformed, malformed, parse_text
from reconciler.model.json import JSON, JSONObject

_WRAPPINGS: Final = 8
"""Texts and records around a payload, at most; each platform layer that stores one adds one."""

_OWN: Final = frozenset(TOP)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A payload as far as it could be read. problems: in payload order; each names its place as a JSON path."""

    document: Document
    problems: tuple[Problem, ...] = ()


def decode_payload(payload: JSON, *, lossless: bool = True) -> Decoded:
    """Read a payload of any dialect; None gives an empty document.

    lossless: keep the payload beside the typed values when these alone would not reproduce it. Whoever only reads
    shapes saves half of the time without it.
    """
    problems: list[Problem] = []
    try:
        value = _unwrapped(payload)
    except Malformed as exc:
        return Decoded(Document(verbatim=payload), (malformed("$", str(exc)),))
    if is_pair(value):
        document = decode_pair(value, problems)
    elif is_v2(value):
        document = decode_v2(value, problems)
    else:
        document = decode_v1(value, problems)
    if lossless and not (value is payload and _is_whole(document, payload)):
        document = replace(document, verbatim=payload)
    return Decoded(document, tuple(problems))


def _is_whole(document: Document, payload: JSON) -> bool:
    """Whether the typed values alone give the payload back."""
    try:
        return bool(encode_payload(document) == payload)
    except RecursionError:
        return False


def unreadable(payload: JSON) -> str | None:
    """Why a payload is no document of any dialect, None when it is one. An absent payload is an empty document."""
    try:
        _unwrapped(payload)
    except Malformed as exc:
        return str(exc)
    return None


def count_annotations(payload: JSON) -> int:
    """How many rows of annotations a payload of any dialect has, wrapped or not, without interpreting them."""
    try:
        value = _unwrapped(payload)
        if is_pair(value):
            value = _unwrapped(value["annotation_data"])
    except Malformed:
        return 0
    return count_v2(value) if is_v2(value) else count_v1(value)


def encode_payload(document: Document) -> JSON:
    """The payload in the document's own dialect: what `decode_payload` read, key for key and value for value."""
    if document.verbatim is not None:
        return document.verbatim
    if document.paired:
        return encode_pair(document)
    return encode_v2(document) if document.dialect is Dialect.V2 else write_v1(document, document.dialect)


def encode_v1(document: Document) -> JSONObject:
    """Version 1 in the SDK dialect, as the platform stores it; used for imports."""
    given = document.verbatim
    if document.dialect is Dialect.SDK and not document.paired and type(given) is dict and _OWN & given.keys():
        return given
    return write_v1(document, Dialect.SDK)


def _unwrapped(payload: JSON) -> JSONObject:
    """The document inside texts and records. Raises Malformed when there is none."""
    value = payload
    for _ in range(_WRAPPINGS):
        if type(value) is dict and not _OWN & value.keys() and isinstance(value.get("data"), (dict, str)):
            value = value["data"]  # a whole record instead of its payload
        if not isinstance(value, (str, bytes)):
            break
        value = parse_text(value)
    if value is not None and type(value) is not dict:
        raise Malformed(f"the payload is a {type(value).__name__}, not an object")
    return value or {}
