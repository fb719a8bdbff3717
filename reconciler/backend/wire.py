"""Requests and responses as values, and the WSGI edge: what arrives is made clean here, once.

Every text that comes in is free of control characters and of lone surrogates, every number is finite, and every
mistake of the caller is an `ApiError`, rendered by the dialect that the path belongs to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, Any, Final
from urllib.parse import parse_qsl

JSON_LIMIT_BYTES: Final = 64 << 20  # one annotation payload may hold large masks; more than this is no document
CHUNK_BYTES: Final = 1 << 18

_FORBIDDEN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MAY_BE_FORBIDDEN = re.compile(rb"\\u00|\\u[dD][89a-fA-F]|\\[bf]|\x7f")
_DOUBLE_ENCODED = re.compile("%25[0-9A-Fa-f]{2}")
_BAD_PATH = re.compile(r"[?#%&\\]|\.\.|[\x00-\x1f\x7f]")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field. path: dotted, as in `units[3].meta`. extra: further keys for the detail entry."""

    path: str
    message: str
    extra: Mapping[str, Any] = field(default_factory=dict)


class ApiError(Exception):
    """The caller did something wrong; becomes an error response and rolls the transaction back."""

    def __init__(
        self, status: int, code: str, message: str, details: Iterable[FieldError] = (), *, allow: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.allow = allow


def invalid(details: Iterable[FieldError], message: str = "The request is not valid.") -> ApiError:
    """400 with every wrong field."""
    return ApiError(400, "VALIDATION_ERROR", message, details)


def invalid_field(name: str, message: str, **extra: Any) -> ApiError:
    """400 for one wrong field."""
    return invalid([FieldError(name, message, extra)], f"{name}: {message}")


def not_found(what: str) -> ApiError:
    """404; also for what belongs to another tenant, so that ids cannot be probed."""
    return ApiError(404, "NOT_FOUND", f"{what} was not found.")


def conflict(message: str, details: Iterable[FieldError] = ()) -> ApiError:
    """409: the request is fine, the state of the object forbids it."""
    return ApiError(409, "CONFLICT", message, details)


def denied(message: str) -> ApiError:
    """403: known, but not allowed."""
    return ApiError(403, "PERMISSION_DENIED", message)


def encode_json(value: Any) -> str:
    """Encode compactly. Raises `ApiError` 400 for numbers that JSON cannot hold."""
    try:
        return _encode(value)
    except ValueError as exc:
        raise ApiError(400, "VALIDATION_ERROR", "Numbers must be finite.") from exc


@dataclass(frozen=True, slots=True)
class Response:
    """status, headers and either a whole body or chunks of one."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    chunks: Iterable[bytes] | None = None


def json_response(text: str, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """Wrap encoded JSON text."""
    return Response(status, text.encode(), (("Content-Type", "application/json"), *headers))


class Query:
    """Query parameters: repeated keys kept, unknown keys ignored by whoever does not ask for them."""

    __slots__ = ("raw", "values")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.values: dict[str, list[str]] = {}
        for key, value in parse_qsl(raw, keep_blank_values=True):
            self.values.setdefault(key, []).append(value)

    def check(self) -> None:
        """Refuse control characters and double encoding. A cursor may be a whole URL, so it may hold escapes."""
        if _DOUBLE_ENCODED.search(self.raw):
            for pair in self.raw.split("&"):
                if _DOUBLE_ENCODED.search(pair) and not pair.startswith("cursor="):
                    raise invalid_field(pair.split("=", 1)[0], "is encoded twice")
        for key, values in self.values.items():
            if any(_FORBIDDEN_TEXT.search(v) for v in values) or _FORBIDDEN_TEXT.search(key):
                raise invalid_field("query", "holds control characters")

    def text(self, key: str) -> str | None:
        """The last value of a key, None when it is absent or empty."""
        values = self.values.get(key)
        return (values[-1] or None) if values else None

    def all(self, key: str) -> list[str]:
        """All values of a key, repeated or separated by commas."""
        return [part for value in self.values.get(key, ()) for part in value.split(",") if part]

    def integer(self, key: str) -> int | None:
        """A whole number; 400 when it is something else."""
        value = self.text(key)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,15}", value):
            raise invalid_field(key, "must be a whole number")
        return int(value)

    def integers(self, key: str) -> list[int] | None:
        """A list of whole numbers such as `1,2` or ranges such as `1-100,200`; None when absent."""
        parts = self.all(key)
        if not parts:
            return None
        numbers: list[int] = []
        for part in parts:
            if not (found := re.fullmatch(r"([0-9]{1,10})(?:-([0-9]{1,10}))?", part.strip())):
                raise invalid_field(key, "must be whole numbers, separated by commas")
            first, last = int(found[1]), int(found[2] or found[1])
            if last - first > 100_000:
                raise invalid_field(key, "the range is too wide")
            numbers.extend(range(first, last + 1))
        return numbers

    def boolean(self, key: str) -> bool | None:
        """A truth value in any case (`True`, `false`, `1`); None when absent; 400 when it is something else."""
        value = self.text(key)
        if value is None:
            return None
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        raise invalid_field(key, "must be true or false")


@dataclass(slots=True)
class Request:
    """One request. path: decoded, without trailing slash. base_url: scheme, host and mount point as the caller sees
    them, without trailing slash. params: what the path template captured."""

    method: str
    path: str
    query: Query
    environ: Mapping[str, Any]
    base_url: str
    params: dict[str, str] = field(default_factory=dict)
    _body: Any = None
    _has_body: bool = False

    def header(self, name: str) -> str | None:
        """A request header by its usual name."""
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        value = self.environ.get(key)
        return value if isinstance(value, str) and value else None

    def content_length(self) -> int | None:
        """The announced size of the body in bytes, None when it was not announced."""
        value = self.environ.get("CONTENT_LENGTH")
        return int(value) if value and re.fullmatch(r"[0-9]{1,18}", value) else None

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece; stops early when the connection ends early."""
        stream: IO[bytes] = self.environ["wsgi.input"]
        left = self.content_length()
        if left is None:
            # Without a length only a server that ends the stream itself (chunked transfer) may be read to the end.
            left = (1 << 62) if self.environ.get("wsgi.input_terminated") else 0
        while left > 0 and (piece := stream.read(min(CHUNK_BYTES, left))):
            left -= len(piece)
            yield piece

    def json(self) -> Any:
        """The body as JSON; None when it is empty. 400 when it is malformed or unclean, 413 when it is too large."""
        if not self._has_body:
            self._body = decode_json(self._read_small())
            self._has_body = True
        return self._body

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; 400 when it is something else."""
        value = self.json()
        if not isinstance(value, dict):
            raise invalid_field("body", "must be a JSON object")
        return value

    def _read_small(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        for piece in self.chunks():
            size += len(piece)
            if size > JSON_LIMIT_BYTES:
                raise ApiError(413, "REQUEST_TOO_LARGE", f"The body exceeds {JSON_LIMIT_BYTES} bytes.")
            pieces.append(piece)
        if size < (self.content_length() or 0):
            raise invalid_field("body", "is shorter than announced")
        return b"".join(pieces)


def decode_json(raw: bytes) -> Any:
    """Decode JSON strictly. Raises `ApiError` 400 for malformed text, NaN, control characters, absurd nesting."""
    if not raw.strip():
        return None
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise invalid_field("body", "is not valid JSON") from exc
    if _MAY_BE_FORBIDDEN.search(raw):
        _refuse_control(value, "body")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _refuse_control(value: Any, where: str) -> None:
    if isinstance(value, str):
        if _FORBIDDEN_TEXT.search(value):
            raise invalid_field(where, "holds control characters")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_control(key, where)
            _refuse_control(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_control(inner, f"{where}[{index}]")


StartResponse = Callable[..., Any]
Environ = dict[str, Any]


def from_environ(environ: Environ) -> Request:
    """Read a WSGI environment. The query is kept as it came; `Query.check` is for the API paths."""
    path = environ.get("PATH_INFO") or "/"
    with suppress(UnicodeError):
        path = path.encode("latin-1").decode()  # WSGI hands the bytes over as latin-1
    return Request(
        method=environ["REQUEST_METHOD"].upper(),
        path=path.rstrip("/") or "/",
        query=Query(environ.get("QUERY_STRING") or ""),
        environ=environ,
        base_url=_base_url(environ),
    )


def _base_url(environ: Environ) -> str:
    host = environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME', 'localhost')}:{environ.get('SERVER_PORT', '80')}"
    if not re.fullmatch(r"[A-Za-z0-9._\-\[\]:]{1,255}", host):
        host = "localhost"
    mount = (environ.get("SCRIPT_NAME") or "").rstrip("/")
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}{mount}"


def check_path(path: str) -> None:
    """Refuse what has no place in an identifier (`..`, `%`, `\\`, control characters) with 400."""
    if _BAD_PATH.search(path):
        raise invalid_field("path", "holds characters that are not allowed")


def send(response: Response, start_response: StartResponse, *, head: bool) -> Iterable[bytes]:
    """Hand a response to the WSGI server."""
    headers = list(response.headers)
    if response.chunks is None and response.status not in (204, 304):
        headers.append(("Content-Length", str(len(response.body))))
    start_response(f"{response.status} {_phrase(response.status)}", headers)
    if head or response.status in (204, 304):
        return ()
    return response.chunks if response.chunks is not None else (response.body,)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
