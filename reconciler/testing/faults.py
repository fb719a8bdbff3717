"""A transport between a provider and a backend that goes wrong on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

import httpx


class Fault(StrEnum):
    """What happens to one request. Closed set."""

    NONE = "none"
    DROP_BEFORE = "drop before sending"
    REFUSE = "refuse the connection"
    DROP_AFTER = "drop after processing"
    TIME_OUT_AFTER = "answer too late"
    REPEAT = "deliver twice"
    THROTTLE = "429 with Retry-After"
    THROTTLE_SILENT = "429 without Retry-After"
    UNAVAILABLE = "503"
    BAD_GATEWAY_AFTER = "502 after processing"
    BROKEN_AFTER = "500 after processing"
    TRUNCATED = "truncated JSON"
    WRONG_SHAPE = "JSON of another shape"
    HTML = "a proxy's page instead of the answer"


class FaultTransport(httpx.BaseTransport):
    """Passes requests to `inner`, each with the next fault of `faults`; none any more when they are used up.

    applies: which requests are concerned; the others pass. calls: "METHOD path" of every request that reached `inner`.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        faults: Iterable[Fault],
        applies: Callable[[httpx.Request], bool] = lambda _: True,
    ) -> None:
        self._inner, self._applies = inner, applies
        self._faults: Iterator[Fault] = iter(faults)
        self.calls: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Serve one request as the next fault says."""
        fault = next(self._faults, Fault.NONE) if self._applies(request) else Fault.NONE
        if refused := _unprocessed(fault, request):
            return refused
        if fault is Fault.REPEAT:
            body = request.read()
            self._pass(httpx.Request(request.method, request.url, headers=request.headers, content=body)).read()
        return _spoilt(fault, self._pass(request), request)

    def _pass(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}")
        return self._inner.handle_request(request)


def _unprocessed(fault: Fault, request: httpx.Request) -> httpx.Response | None:
    """The answer to a request that the backend never saw; None when it is to see it."""
    match fault:
        case Fault.DROP_BEFORE:
            raise httpx.ReadError("connection reset", request=request)
        case Fault.REFUSE:
            raise httpx.ConnectError("connection refused", request=request)
        case Fault.THROTTLE:
            return httpx.Response(429, headers={"retry-after": "3"}, json=_error("RATE_LIMIT_EXCEEDED"))
        case Fault.THROTTLE_SILENT:
            return httpx.Response(429, json=_error("RATE_LIMIT_EXCEEDED"))
        case Fault.UNAVAILABLE:
            return httpx.Response(503, text="<html><body>Service Unavailable</body></html>")
        case _:
            return None


def _spoilt(fault: Fault, response: httpx.Response, request: httpx.Request) -> httpx.Response:
    """The answer to a request that the backend did process."""
    match fault:
        case Fault.DROP_AFTER:
            response.read()
            raise httpx.RemoteProtocolError("peer closed connection", request=request)
        case Fault.TIME_OUT_AFTER:
            response.read()
            raise httpx.ReadTimeout("timed out", request=request)
        case Fault.BROKEN_AFTER:
            response.read()
            return httpx.Response(500, json=_error("INTERNAL_ERROR"))
        case Fault.BAD_GATEWAY_AFTER:
            response.read()
            return httpx.Response(502, text="<html><body>Bad Gateway</body></html>")
        case Fault.WRONG_SHAPE:
            return httpx.Response(response.status_code, content=b'{"payload":[' + (response.read() or b"1") + b"]}")
        case Fault.TRUNCATED:
            return httpx.Response(response.status_code, content=response.read()[:-2] or b"{")
        case Fault.HTML:
            response.read()
            return httpx.Response(200, text="<html><body>One moment please</body></html>")
        case _:
            return response


def _error(code: str) -> dict[str, object]:
    return {"error": {"code": code, "message": code.lower(), "details": None}, "meta": {"request_id": "req_0"}}
