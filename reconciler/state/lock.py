"""The lock of a local state file: one writer at a time, with holder, operation and lease.

The lock file keeps Terraform's LockInfo keys plus `Expires`. An operating-system lock on it dies with the process,
so a killed run never blocks the next one on the same machine; on shared folders where that lock does not reach other
machines, the lease decides: it is renewed while the holder lives, and may be taken once it has expired.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.errors import LockHeld

LEASE_S = 60.0


@dataclass(frozen=True, slots=True)
class LockInfo:
    """Who holds the lock. created, expires: RFC 3339 UTC."""

    id: str
    operation: str
    who: str
    created: str
    expires: str

    def to_json(self) -> dict[str, Any]:
        """LockInfo in Terraform's spelling, with our additive `Expires`."""
        return {
            "ID": self.id,
            "Operation": self.operation,
            "Info": "",
            "Who": self.who,
            "Version": "1",
            "Created": self.created,
            "Path": "",
            "Expires": self.expires,
        }


class StateLock:
    """Context manager that holds the lock. Raises LockHeld, naming the holder, after `timeout_s`."""

    def __init__(
        self,
        path: Path,
        operation: str,
        lock_id: str,
        *,
        timeout_s: float = 0.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lease_s: float = LEASE_S,
    ) -> None:
        self._path = path
        self._operation = operation
        self._id = lock_id
        self._timeout_s = timeout_s
        self._now = now
        self._lease_s = lease_s
        self._fd = -1
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LockInfo:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        deadline = self._now() + timedelta(seconds=self._timeout_s)
        wait_s = 0.1
        while not self._acquire():
            if self._now() >= deadline:
                raise held_error(self._path)
            self._stop.wait(wait_s)
            wait_s = min(wait_s * 2, 2.0)
        info = self._write()
        self._thread = threading.Thread(target=self._heartbeat, daemon=True, name="state-lease")
        self._thread.start()
        return info

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
        os.ftruncate(self._fd, 0)
        os.close(self._fd)
        self._fd = -1

    def _acquire(self) -> bool:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        holder = read_lock(self._path)
        if holder and self._alive_elsewhere(holder):
            os.close(fd)
            return False
        self._fd = fd
        return True

    def _alive_elsewhere(self, holder: LockInfo) -> bool:
        """A holder on another machine whose lease runs; on this machine the operating-system lock tells."""
        if holder.who.rpartition("@")[2] == socket.gethostname():
            return False
        return datetime.fromisoformat(holder.expires) > self._now()

    def _write(self, created: str | None = None) -> LockInfo:
        now = self._now()
        info = LockInfo(
            self._id,
            self._operation,
            f"{getpass.getuser()}@{socket.gethostname()}",
            created or now.isoformat(),
            (now + timedelta(seconds=self._lease_s)).isoformat(),
        )
        text = json.dumps(info.to_json()).encode()
        os.pwrite(self._fd, text, 0)
        os.ftruncate(self._fd, len(text))
        self._created = info.created
        return info

    def _heartbeat(self) -> None:
        while not self._stop.wait(self._lease_s / 3):
            self._write(self._created)


def read_lock(path: Path) -> LockInfo | None:
    """Who the lock file names, or None when nobody holds it."""
    try:
        found = json.loads(path.read_text())
        return LockInfo(found["ID"], found["Operation"], found["Who"], found["Created"], found["Expires"])
    except (OSError, ValueError, KeyError):
        return None


def held_error(path: Path) -> LockHeld:
    """The error for a lock that someone else holds."""
    holder = read_lock(path)
    if holder is None:
        return LockHeld("the state is locked", fix="wait, or raise --lock-timeout")
    return LockHeld(
        f"the state is locked by {holder.who} for {holder.operation!r} since {holder.created} (lock {holder.id})",
        fix="wait, raise --lock-timeout, or, if that run is dead, `reconciler state unlock " + holder.id + "`",
    )
