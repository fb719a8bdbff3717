"""Reading `multipart/form-data` as a stream: a part's bytes pass through in chunks, never whole in memory.

Format: RFC 7578 with the delimiters of RFC 2046.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from reconciler.backend.wire import Request, invalid_field

_HEADER_LIMIT: Final = 16_384
_FIELD_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """One part. filename: None for a plain field. chunks: its bytes; read them before asking for the next part."""

    name: str
    filename: str | None
    chunks: Iterator[bytes]

    def text(self) -> str:
        """A plain field's value. Raises `ApiError` 400 when it is long or no UTF-8."""
        value = b""
        for chunk in self.chunks:
            value += chunk
            if len(value) > _FIELD_LIMIT:
                raise invalid_field(self.name, "is too long")
        try:
            return value.decode()
        except UnicodeError as exc:
            raise invalid_field(self.name, "is not UTF-8") from exc


def parts(request: Request) -> Iterator[Part]:
    """Yield the parts of a multipart request. Raises `ApiError` 400 when it is malformed or ends early."""
    message = Message()
    message["Content-Type"] = request.header("Content-Type") or ""
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/form-data" or not boundary:
        raise invalid_field("body", "must be multipart/form-data")
    delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
    buffer = _Buffer(request.chunks())
    _drain(buffer.until(delimiter))  # what stands before the first part
    while buffer.take(2) != b"--":
        name, filename = _headers(buffer)
        chunks = buffer.until(delimiter)
        yield Part(name, filename, chunks)
        _drain(chunks)


def _drain(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass


def _headers(buffer: _Buffer) -> tuple[str, str | None]:
    block = b""
    for chunk in buffer.until(b"\r\n\r\n"):
        block += chunk
        if len(block) > _HEADER_LIMIT:
            raise invalid_field("body", "has an overlong part header")
    text = block.decode("utf-8", "replace")
    name = re.search(r'(?i)content-disposition:.*?[;\s]name="((?:[^"\\]|\\.)*)"', text)
    filename = re.search(r'(?i)content-disposition:.*?[;\s]filename="((?:[^"\\]|\\.)*)"', text)
    return (name[1] if name else ""), (_unescape(filename[1]) if filename else None)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).replace("%22", '"')


class _Buffer:
    """Bytes that came and were not consumed yet."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray(b"\r\n")  # so that a delimiter at the very start is found like the others

    def take(self, size: int) -> bytes:
        """Consume exactly `size` bytes."""
        while len(self._held) < size:
            self._fill()
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def until(self, delimiter: bytes) -> Iterator[bytes]:
        """Consume up to and including a delimiter, giving what stands before it."""
        while (at := self._held.find(delimiter)) < 0:
            safe = len(self._held) - len(delimiter) + 1
            if safe > 0:
                yield self.take(safe)
            self._fill()
        if at:
            yield self.take(at)
        self.take(len(delimiter))

    def _fill(self) -> None:
        chunk = next(self._chunks, b"")
        if not chunk:
            raise invalid_field("body", "ends before its last boundary")
        self._held += chunk
