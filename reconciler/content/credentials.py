"""Credentials in text: private keys and tokens whose form gives them away. Pure.

Only kinds and lines are told, never a character of what was found. What has no telling form (passwords) is not found.
Sources: the services' documentation of their token formats; RFC 7468 and RFC 4880 for keys.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Longer than any match, so that nothing is lost where one chunk ends.
_OVERLAP_BYTES = 512


class _Kind(NamedTuple):
    """anchor: bytes that every match holds; searching for them is much faster than matching."""

    name: str
    anchor: bytes
    pattern: re.Pattern[bytes]


def _kind(name: str, anchor: bytes, pattern: bytes) -> _Kind:
    return _Kind(name, anchor, re.compile(pattern))


_EDGE, _END = rb"(?<![A-Za-z0-9_/+-])", rb"(?![A-Za-z0-9_])"
_KINDS = (
    # A header alone is documentation; a key has lines of base64 (in JSON after an escaped line end) or headers below.
    _kind(
        "private key",
        b"PRIVATE KEY",
        rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\r|\\n){1,8}"
        rb"(?:[A-Za-z][A-Za-z-]{1,30}: [^\r\n]{1,60}(?:\s|\\r|\\n){1,8}){0,3}[A-Za-z0-9+/=]{32}",
    ),
    # The service's documentation writes keys that end in EXAMPLE.
    *(
        _kind("AWS access key", prefix, _EDGE + prefix + rb"(?![A-Z2-7]{9}EXAMPLE)[A-Z2-7]{16}" + _END)
        for prefix in (b"AKIA", b"ASIA")
    ),
    *(
        _kind("GitHub token", prefix, _EDGE + prefix + rb"[A-Za-z0-9]{36,255}" + _END)
        for prefix in (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")
    ),
    _kind("GitHub token", b"github_pat_", _EDGE + rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}" + _END),
    _kind("GitLab token", b"glpat-", _EDGE + rb"glpat-[A-Za-z0-9_-]{20,}"),
    _kind("Slack token", b"xox", _EDGE + rb"xox[abeoprs]-[0-9]{1,13}-[A-Za-z0-9-]{10,}"),
    _kind("Google API key", b"AIza", _EDGE + rb"AIza[A-Za-z0-9_-]{35}" + _END),
    _kind("Azure storage key", b"AccountKey=", rb"AccountKey=[A-Za-z0-9+/]{86}=="),
    _kind("Stripe key", b"_live_", _EDGE + rb"[rs]k_live_[A-Za-z0-9]{24,}" + _END),
    _kind("npm token", b"npm_", _EDGE + rb"npm_[A-Za-z0-9]{36}" + _END),
    _kind("PyPI token", b"pypi-AgE", _EDGE + rb"pypi-AgE[A-Za-z0-9_-]{50,}"),
    _kind("Hugging Face token", b"hf_", _EDGE + rb"hf_[A-Za-z]{34}" + _END),
)


class Credential(NamedTuple):
    """A credential. line: where it begins, from 1."""

    kind: str
    line: int


class CredentialScan:
    """Searches text that comes in pieces. found: at most one of each kind, the first."""

    def __init__(self) -> None:
        self.found: list[Credential] = []
        self._tail = b""
        self._lines = 1

    def feed(self, chunk: bytes) -> None:
        """Search one more piece. Text in UTF-16 is searched as if it had no characters beyond ASCII."""
        text = self._tail + (chunk.replace(b"\0", b"") if b"\0" in chunk else chunk)
        for kind in _KINDS:
            if kind.anchor in text and (match := kind.pattern.search(text)):
                self._add(kind.name, self._lines + text.count(b"\n", 0, match.start()))
        self._tail = text[-_OVERLAP_BYTES:]
        self._lines += text.count(b"\n", 0, len(text) - len(self._tail))

    def _add(self, kind: str, line: int) -> None:
        if all(credential.kind != kind for credential in self.found):
            self.found.append(Credential(kind, line))
