"""Breaking a lock whose holder is dead."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from reconciler.cli.settings import Settings
from reconciler.errors import LockHeld, StateError, UsageError
from reconciler.state.lock import read_lock


def break_lock(settings: Settings, path: Path, lock_id: str, *, force: bool) -> None:
    """Empty the lock file.

    Raises:
        StateError: nobody holds the lock, or it has another id. LockHeld: its process is alive on this machine.
        UsageError: nobody is there to confirm.
    """
    holder = read_lock(path)
    if holder is None:
        raise StateError("the state is not locked")
    if holder.id != lock_id:
        raise StateError(f"the lock has another id: {holder.id}, held by {holder.who} for {holder.operation!r}")
    if not force:
        _confirm(settings, f"{holder.who} holds the lock for {holder.operation!r} since {holder.created}.")
    _empty(path)


def _confirm(settings: Settings, who: str) -> None:
    if not settings.can_ask:
        raise UsageError("nobody is there to confirm", fix="add --force when the run that holds the lock is dead")
    settings.console.print(f"{who}\nBreak it only when that run is dead.\n  Only 'yes' will be accepted.\n")
    settings.console.prompt("  Enter a value: ")
    if sys.stdin.readline().strip() != "yes":
        raise StateError("the lock was left as it is")


def _empty(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
    except OSError as exc:
        raise LockHeld("the run that holds the lock is alive on this machine", fix="end it, or wait") from exc
    finally:
        os.close(descriptor)
