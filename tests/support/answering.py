"""A server on loopback that answers with bytes of the test's choice, and keeps what was asked."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CLOSE = b"\0close"  # ends the connection after what stands before it


@dataclass
class Answering:
    """heads, bodies: of the requests so far. connections: how many were made."""

    url: str
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0


@contextmanager
def answering(
    answers: list[bytes], *, reads_bodies: bool = True, context: ssl.SSLContext | None = None
) -> Iterator[Answering]:
    """Serve one answer per request, then close each connection. reads_bodies: answer only to whole requests."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        found = Answering(f"{'https' if context else 'http'}://{host}:{port}")
        left = iter(answers)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    found.connections += 1
                    with connection, suppress(OSError), _secured(connection, context) as one:
                        _talk(one, left, found, reads_bodies=reads_bodies)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _secured(connection: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    return context.wrap_socket(connection, server_side=True) if context else connection


def _talk(connection: socket.socket, left: Iterator[bytes], found: Answering, *, reads_bodies: bool) -> None:
    stream = connection.makefile("rb")
    while line := stream.readline():
        head = line
        while (line := stream.readline()).strip():
            head += line
        found.heads.append(head)
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if reads_bodies:
            found.bodies.append(stream.read(length))
        answer = next(left)
        connection.sendall(answer.removesuffix(CLOSE))
        if answer.endswith(CLOSE):
            return
