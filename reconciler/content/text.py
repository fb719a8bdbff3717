"""Tells text from other bytes, and which kind of text: JSON, XML, SVG, HTML, PCD, … Pure."""

from __future__ import annotations

import re

# Whether a file is text, its first bytes tell.
_LOOKED_AT = 8192
_CONTROL = bytes(set(range(32)) - {7, 8, 9, 10, 11, 12, 13, 27}) + b"\x7f"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NAME = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_HTML = re.compile(rb"<!doctype html|<html[\s>]", re.I)
_PCD = re.compile(rb"(?:#[^\n]*\n|\s)*VERSION [ .\d]+\s+FIELDS ")
_META_IMAGE = re.compile(rb"(?:ObjectType|NDims|Comment)\s*=", re.I)


def is_text(head: bytes) -> bool:
    """True for text in UTF-8, UTF-16 with a mark, or a one-byte encoding; never for bytes with NUL or control codes."""
    if head[:2] in _UTF16:
        return True
    sample = head[:_LOOKED_AT]
    return bool(sample) and len(sample.translate(None, _CONTROL)) == len(sample)


def as_bytes(text: bytes) -> bytes:
    """Text with a byte order mark as UTF-8 without one; other text as it is."""
    if text[:2] in _UTF16:
        return text[: len(text) & ~1].decode("utf-16", "replace").encode("utf-8", "replace")
    return text.removeprefix(b"\xef\xbb\xbf")


def text_format(head: bytes) -> str:
    """The kind of text, "text" where nothing more is known, "" for what is no text.

    PCD and MetaImage files begin as text, and may end in data.
    """
    start = as_bytes(head[:_LOOKED_AT])
    if _PCD.match(start):
        return "pcd"
    if _META_IMAGE.match(start):
        return "metaimage"
    if not is_text(head):
        return ""
    body = start.lstrip()
    if body[:1] in (b"{", b"["):
        return "json"
    return _markup(body) if body[:1] == b"<" else "text"


def _markup(body: bytes) -> str:
    if _HTML.search(body[:1024]):
        return "html"
    root = _root(body)
    if root.lower() == b"svg":
        return "svg"
    return "xml" if root or body.startswith(b"<?xml") else "text"


def _root(body: bytes) -> bytes:
    """The local name of the first element, behind declarations and comments; b"" when there is none.

    Step by step: one expression for all of it would take for ever on hostile text.
    """
    at = 0
    while body[at : at + 2] in (b"<?", b"<!"):
        if body[at + 2 : at + 4] == b"--":
            end = b"-->"
        elif body[at + 1 : at + 2] == b"?":
            end = b"?>"
        else:
            end = b"]" if 0 <= body.find(b"[", at) < body.find(b">", at) else b">"
        found = body.find(end, at + 2)
        if found < 0:
            return b""
        at = found + len(end)
        while body[at : at + 1].isspace() or (end == b"]" and body[at : at + 1] == b">"):
            at += 1
    match = _NAME.match(body, at)
    return match[1] if match else b""
