"""Takes secrets out of text that people or logs will see."""

from __future__ import annotations

import re
from collections.abc import Iterable

_QUERY = re.compile(r"(?P<url>(?:https?://|/)[^\s?\"'<>]+)\?[^\s\"'<>]+")
_USERINFO = re.compile(r"(https?://)[^\s/@]+@")
_TOKEN = re.compile(r"\b(?:syn_|pat-)[A-Za-z0-9_-]{6,}|(?<=Token )[A-Za-z0-9._-]{6,}|(?<=Bearer )[A-Za-z0-9._-]{6,}")
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]{0,400}>", re.I | re.S)

HIDDEN = "***"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Hide the given secrets, token-like words, user names in URLs and query strings (they hold signatures)."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _QUERY.sub(lambda match: f"{match['url']}?{HIDDEN}", text)
    text = _USERINFO.sub(rf"\1{HIDDEN}@", text)
    return _TOKEN.sub(HIDDEN, text)


def excerpt(text: str, limit: int = 300) -> str:
    """Give server text as one short line: markup removed, blanks joined, cut at `limit` characters."""
    plain = " ".join(_TAG.sub(" ", text[: 20 * limit]).split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"
