"""Turns what went wrong on the wire into `reconciler.errors`, once: statuses, error bodies, httpx exceptions.

Three error dialects are read, in whichever part of a service they occur:

- `{"error": {"code", "message", "details": [{"field", "message"}]}, "meta": {...}}` (v2);
- `{"concreteType", "reason": "..."}` (Sage);
- Django REST framework: `{"detail": "..."}` or `{"field": ["...", ...]}`, or a list of such for batches (v1).

Anything else (a proxy's HTML page) is reduced to a short excerpt. Every text is redacted before it is raised.
"""

from __future__ import annotations

import email.utils
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.errors import (
    BackendError,
    Conflict,
    Denied,
    ExitCode,
    Invalid,
    NotFound,
    Problem,
    Throttled,
    TimedOut,
    Transient,
)
from reconciler.model.json import JSON
from reconciler.providers.redaction import excerpt, redact

if TYPE_CHECKING:
    import httpx

_SHOWN_DETAILS = 20


class NoAnswerInTime(Transient, TimedOut):
    """The backend did not answer within the time limit; repeating may help, and the exit code says timeout."""

    exit_code = ExitCode.TIMEOUT


class Unsent(Transient):
    """No connection could be made, so the backend has seen nothing: safe to repeat whatever was asked."""


# httpx exception → error class; `tests/unit/providers/test_faults.py` proves that none is missing.
HTTPX_ERRORS: Mapping[str, type[BackendError]] = {
    "ConnectTimeout": Unsent,
    "ConnectError": Unsent,
    "PoolTimeout": Unsent,
    "ReadTimeout": NoAnswerInTime,
    "WriteTimeout": NoAnswerInTime,
    "TimeoutException": NoAnswerInTime,
    "ReadError": Transient,
    "WriteError": Transient,
    "CloseError": Transient,
    "NetworkError": Transient,
    "RemoteProtocolError": Transient,
    "LocalProtocolError": Invalid,
    "ProtocolError": Transient,
    "ProxyError": Transient,
    "TransportError": Transient,
    "DecodingError": Transient,
    "TooManyRedirects": Invalid,
    "UnsupportedProtocol": Invalid,
    "InvalidURL": Invalid,
    "RequestError": Transient,
    "HTTPStatusError": Transient,
    "HTTPError": Transient,
    "CookieConflict": Invalid,
    "StreamConsumed": Transient,
    "StreamClosed": Transient,
    "ResponseNotRead": Transient,
    "RequestNotRead": Transient,
    "StreamError": Transient,
}


def error_of_exception(exc: Exception, operation: str, secrets: Iterable[str] = ()) -> BackendError:
    """Translate an httpx exception; the nearest class of its ancestry that the map names decides."""
    kind = next((HTTPX_ERRORS[c.__name__] for c in type(exc).__mro__ if c.__name__ in HTTPX_ERRORS), Transient)
    reason = redact(excerpt(str(exc)), secrets) or type(exc).__name__
    if kind is NoAnswerInTime:
        return NoAnswerInTime(f"no answer in time ({type(exc).__name__})", operation=operation)
    if kind is Unsent:
        fix = "check the backend's url and that it runs"
        return Unsent(f"the backend cannot be reached: {reason}", operation=operation, fix=fix)
    if kind is Invalid:
        return Invalid(f"the request cannot be sent: {reason}", operation=operation, fix="check the backend's url")
    return kind(f"the connection failed: {reason}", operation=operation)


def error_of_response(
    response: httpx.Response, operation: str, *, denied_fix: str = "", secrets: Iterable[str] = ()
) -> BackendError:
    """Translate an answer that is not a success. The body must have been read."""
    status = response.status_code
    message, details = read_error_body(response.content, lambda text: redact(text, secrets))
    text = f"{_MEANING.get(status, 'the backend answered')} ({status})"
    text += f": {message}" if message else ""
    error = _by_status(response, text, operation, denied_fix)
    error.problems = details
    return error


def _by_status(response: httpx.Response, text: str, operation: str, denied_fix: str) -> BackendError:
    status = response.status_code
    wait_s = retry_after_s(response.headers.get("retry-after"), datetime.now)
    if status in (401, 403):
        return Denied(text, operation=operation, status=status, fix=denied_fix)
    if status in (404, 410):
        return NotFound(text, operation=operation, status=status)
    if status in (409, 412):
        return Conflict(text, operation=operation, status=status)
    if status == 429 or (status == 503 and wait_s is not None):
        return Throttled(text, operation=operation, status=status, retry_after_s=wait_s)
    if status in (408, 425) or status >= 500:
        return Transient(text, operation=operation, status=status)
    return Invalid(text, operation=operation, status=status)


_MEANING = {
    400: "the backend rejects the request",
    401: "the backend does not accept the credentials",
    403: "the credentials do not allow this",
    404: "not found",
    409: "in conflict with what is there",
    410: "gone",
    412: "it changed meanwhile",
    413: "too large for the backend",
    422: "the backend rejects the request",
    429: "the backend asks to slow down",
    507: "the backend has no room left",
}


def retry_after_s(header: str | None, now: Callable[..., datetime]) -> float | None:
    """Read a `Retry-After` header, seconds or an HTTP date; None when absent or unreadable. Never negative."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header.strip())
    try:
        at = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now(UTC)).total_seconds())


def read_error_body(body: bytes, clean: Callable[[str], str]) -> tuple[str, tuple[Problem, ...]]:
    """Return a one-line message and the findings per field, from either dialect or from any other text."""
    try:
        value: JSON = json.loads(body) if body else None
    except ValueError:
        return clean(excerpt(body[:8192].decode("utf-8", "replace"))), ()
    message, pairs = _sage_error(value) or _v2_error(value) or _drf_error(value)
    details = tuple(Problem(clean(excerpt(text)), address=clean(field)) for field, text in pairs)
    shown = "; ".join(f"{d.address}: {d.summary}" if d.address else d.summary for d in details[:_SHOWN_DETAILS])
    return "; ".join(filter(None, (clean(excerpt(message)), excerpt(shown, 1000)))), details


_Pairs = list[tuple[str, str]]


def _sage_error(value: JSON) -> tuple[str, _Pairs] | None:
    reason = value.get("reason") if isinstance(value, dict) else None
    return (reason, []) if isinstance(reason, str) else None


def _v2_error(value: JSON) -> tuple[str, _Pairs] | None:
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, str):
        return error, []
    if not isinstance(error, dict):
        return None
    details = error.get("details")
    pairs = [_v2_detail(item) for item in details] if isinstance(details, list) else []
    return str(error.get("message") or error.get("code") or ""), pairs


def _v2_detail(item: JSON) -> tuple[str, str]:
    if not isinstance(item, dict):
        return "", str(item)
    return str(item.get("field") or ""), str(item.get("message") or item)


def _drf_error(value: JSON) -> tuple[str, _Pairs]:
    if isinstance(value, dict) and isinstance(value.get("detail"), str):
        return value["detail"], []
    if isinstance(value, str):
        return value, []
    return "", list(_flatten(value, ""))


def _flatten(value: JSON, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        texts = [item for item in value if isinstance(item, str)]
        if texts:
            yield path, " ".join(texts)
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)) and item:
                yield from _flatten(item, f"{path}[{index}]")
    elif value is not None:
        yield path, str(value)
