"""The embedded server over HTTP, under waitress, until SIGTERM or SIGINT."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final, TextIO

from reconciler.backend.app import App, create_app
from reconciler.backend.store import Store, open_store
from reconciler.errors import ExitCode, UsageError

DEFAULT_LISTEN: Final = "127.0.0.1:0"
THREADS: Final = 16
_RECEIVED_BYTES: Final = 256 * 1024  # at once; each time costs a turn of the accepting thread, which all wait for
_BODY_LIMIT_BYTES: Final = 1 << 40  # uploads are streamed to disk; annotation bodies have their own limit


def serve(listen: str, store: Path, seed_file: Path | None, out: TextIO, *, database: str | None = None) -> int:
    """Serve a store until SIGTERM or SIGINT; returns the exit code.

    listen: HOST:PORT, port 0 for a free one. out gets, flushed, a line with `http://HOST:PORT` once requests are
    accepted, and before it the generated token when there is no seed and none was generated before. database: see
    `open_store`.

    Raises UsageError for an address that cannot be used, ConfigError for a bad seed, StateError for a bad store or a
    database that cannot be reached, MissingExtra without the driver for PostgreSQL.
    """
    host, port = parse_listen(listen)
    seed = _read_seed(seed_file)
    if seed is None and not is_loopback(host):
        raise UsageError(
            f"{listen} can be reached from other machines, and there is no seed with tokens",
            fix="give --seed FILE with users and tokens, or listen on 127.0.0.1",
        )
    listener = _listen(host, port)
    try:
        opened = open_store(store, database=database, seed=seed)
        try:
            if seed is None:
                _announce_token(opened, out)
            return _run(create_app(opened, takes_packs=True), listener, host, out)
        finally:
            opened.close()
    finally:
        listener.close()


def parse_listen(listen: str) -> tuple[str, int]:
    """Take HOST:PORT apart; `[::1]:8080` and `:8080` (loopback) are fine too. Raises UsageError."""
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise UsageError(
            f"{listen!r} is no HOST:PORT", fix="for example 127.0.0.1:8080, or 127.0.0.1:0 for a free port"
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_seed(seed_file: Path | None) -> Mapping[str, Any] | None:
    if seed_file is None:
        return None
    from reconciler.backend.seed import parse_seed, read_seed

    document = read_seed(seed_file)
    if not parse_seed(document, name=str(seed_file)).has_tokens:
        raise UsageError(f"{seed_file} has no user with a token or password: nobody could get in")
    return document


def _announce_token(store: Store, out: TextIO) -> None:
    """Print the token when it is generated; later starts leave it in the store folder's `local-token`."""
    if not store.has_local_token():
        print(f"access token: {store.local_token()}", file=out, flush=True)
    else:
        store.local_token()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a restart waits for old connections
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        raise UsageError(f"cannot listen on {host}:{port}: {exc.strerror or exc}", fix="choose another port") from exc
    return listener


def _run(app: App, listener: socket.socket, host: str, out: TextIO) -> int:
    from waitress.server import create_server

    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        recv_bytes=_RECEIVED_BYTES,
        ident=None,
        max_request_body_size=_BODY_LIMIT_BYTES,
        connection_limit=500,
        channel_timeout=300,
        clear_untrusted_proxy_headers=True,
    )
    shown = f"[{host}]" if ":" in host else host
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns whenever all threads are busy
    try:
        with _stopped_by_signals():
            print(f"serving on http://{shown}:{listener.getsockname()[1]}", file=out, flush=True)
            server.run()
    except SystemExit:
        pass  # the signal came just outside waitress's loop
    finally:
        server.close()
    return int(ExitCode.OK)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGINT into a calm end, when called from the main thread."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)  # waitress ends its loop on this, after its threads finished their requests

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
