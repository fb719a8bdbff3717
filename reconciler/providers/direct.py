"""PUTs bytes over a kept connection with the standard library's HTTP, as httpx would, for a part of its cost.

There are as many uploads as files, and for a small one httpx takes more processor time than all that is done with its
bytes. What httpx does besides is done by httpx: `lanes` uses it where the environment names a proxy.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

import httpx

from reconciler.providers.answer import Answer

_LOG = logging.getLogger(__name__)
_IDLE_S = 5.0  # as httpx: what was idle for longer is not used again, for the other end may be closing it
_Origin = tuple[str, str, int | None]


class DirectLane:
    """One connection, for one thread. certificates: called when the first connection is secured."""

    def __init__(self, certificates: Callable[[], ssl.SSLContext], timeout: httpx.Timeout) -> None:
        self._certificates, self._timeout = certificates, timeout
        self._connection: HTTPConnection | None = None
        self._origin: _Origin = ("", "", None)
        self._used_at = 0.0

    def put(self, url: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]) -> Answer:
        """PUT bytes; redirects are not followed. headers: with `content-length`.

        Raises what `content` raises, or the exceptions of httpx for what goes wrong on the way.
        """
        target = httpx.URL(url)
        connection = self._connected(target)
        try:
            broken = self._send(connection, target.raw_path.decode("ascii"), headers, content)
            answer, is_kept = _answer(connection, broken)
        except BaseException:
            self.close()
            raise
        if broken is not None or not is_kept:
            self.close()
        _LOG.info("PUT %s %d", url.partition("?")[0], answer.status)  # what follows is a signature
        self._used_at = time.monotonic()
        return answer

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self, url: httpx.URL) -> HTTPConnection:
        origin = (url.scheme, url.raw_host.decode("ascii"), url.port)
        if self._connection is not None and (origin != self._origin or not self._is_usable(self._connection)):
            self.close()
        if self._connection is None:
            self._connection, self._origin = self._connect(origin), origin
        return self._connection

    def _is_usable(self, connection: HTTPConnection) -> bool:
        """Whether the other end has neither closed it nor said anything unasked."""
        if connection.sock is None or time.monotonic() - self._used_at > _IDLE_S:
            return False
        poll = select.poll()
        poll.register(connection.sock, select.POLLIN)
        return not poll.poll(0)

    def _connect(self, origin: _Origin) -> HTTPConnection:
        scheme, host, port = origin
        if scheme not in ("http", "https") or not host:
            raise httpx.UnsupportedProtocol(f"the URL needs http:// or https:// and a host, and has {scheme!r}")
        if port is not None and port > 65_535:  # the system would take the rest of a division
            raise httpx.InvalidURL(f"there is no port {port}")
        connection = (
            HTTPSConnection(host, port, timeout=self._timeout.connect, context=self._certificates())
            if scheme == "https"
            else HTTPConnection(host, port, timeout=self._timeout.connect)
        )
        try:
            connection.connect()
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        except UnicodeError as error:  # no name of a host
            raise httpx.InvalidURL(str(error)) from error
        connection.sock.settimeout(self._timeout.read)
        return connection

    def _send(
        self, connection: HTTPConnection, target: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]
    ) -> httpx.WriteError | None:
        """Send the request. Returns the error of a connection that broke: a server may answer before it read all."""
        connection.putrequest("PUT", target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        try:
            if isinstance(content, bytes):
                connection.endheaders(content)
                return None
            connection.endheaders()
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            return httpx.WriteError(str(error))
        return _stream(connection.sock, content)


def _stream(sock: socket.socket, content: Iterator[bytes]) -> httpx.WriteError | None:
    for chunk in content:  # what this raises is not the connection's
        try:
            sock.sendall(chunk)
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            return httpx.WriteError(str(error))
    return None


def _answer(connection: HTTPConnection, broken: httpx.WriteError | None) -> tuple[Answer, bool]:
    """What the server says, and whether it keeps the connection. broken: why the request did not get there whole."""
    try:
        response: HTTPResponse = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
    except TimeoutError as error:
        raise broken or httpx.ReadTimeout(str(error)) from error
    except ConnectionError as error:  # also http.client's own for an end without an answer
        raise broken or httpx.ReadError(str(error)) from error
    except HTTPException as error:
        raise broken or httpx.RemoteProtocolError(f"{type(error).__name__}: {error}") from error
    except OSError as error:
        raise broken or httpx.ReadError(str(error)) from error
    return answer, not response.will_close
