"""A wire between a client and a server that counts what the client sends, and can be cut or watched at a byte."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

_RESET = struct.pack("ii", 1, 0)  # close without lingering: the peer sees a reset, as from a router that restarts


class Wire:
    """Passes connections on to a port of this machine.

    sent: bytes from clients so far. at: does something, once, when so many bytes have passed.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.sent = 0
        self._events: list[tuple[int, Callable[[], None]]] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def at(self, size: int, action: Callable[[], None]) -> None:
        """Do something when `size` more bytes have been sent; other connections go on meanwhile."""
        with self._lock:
            self._events = sorted([*self._events, (self.sent + size, action)], key=lambda event: event[0])

    def reset(self) -> None:
        """Reset all connections."""
        with self._lock:
            doomed, self._open = self._open, set()
        for one in doomed:
            _reset(one)

    def close(self) -> None:
        """Take no more connections, and end those that there are."""
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        try:
            while chunk := source.recv(16 * 1024):
                if counts:
                    self._count(len(chunk))
                target.sendall(chunk)
            if counts:
                target.shutdown(socket.SHUT_WR)
                return
        except OSError:
            pass
        _reset(source)
        _reset(target)

    def _count(self, size: int) -> None:
        with self._lock:
            self.sent += size
            due = [action for place, action in self._events if place <= self.sent]
            self._events = self._events[len(due) :]
        for action in due:
            action()


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it, which holds it open
    one.close()


@contextlib.contextmanager
def wired(target: int) -> Iterator[Wire]:
    """A wire to a port."""
    wire = Wire(target)
    try:
        yield wire
    finally:
        wire.close()
