"""The lock of the state."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import ExitCode, LockHeld
from reconciler.state.lock import StateLock, read_lock

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db.lock"


def test_lock_names_holder_and_operation_while_held(path):
    with StateLock(path, "apply", "id-1"):
        info = read_lock(path)
    assert (info.id, info.operation) == ("id-1", "apply")
    assert read_lock(path) is None


def test_lock_held_by_another_is_refused_with_its_name(path):
    with StateLock(path, "apply", "id-1"), pytest.raises(LockHeld, match=r"for 'apply'.*id-1") as error:
        StateLock(path, "destroy", "id-2").__enter__()
    assert error.value.exit_code is ExitCode.LOCK_HELD


def test_lock_of_a_killed_process_is_taken_over_at_once(path):
    code = (
        "import os, sys; from pathlib import Path; from reconciler.state.lock import StateLock\n"
        "StateLock(Path(sys.argv[1]), 'apply', 'dead').__enter__(); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert read_lock(path).id == "dead"
    with StateLock(path, "apply", "next") as info:
        assert info.id == "next"


@pytest.mark.parametrize(("age_s", "taken"), [(10, False), (120, True)])
def test_lock_of_another_machine_holds_until_its_lease_ends(path, age_s, taken):
    expires = NOW + timedelta(seconds=60)
    info = {"ID": "far", "Operation": "apply", "Who": "u@elsewhere", "Created": NOW.isoformat()}
    path.write_text(json.dumps({**info, "Expires": expires.isoformat()}))
    lock = StateLock(path, "apply", "here", now=lambda: NOW + timedelta(seconds=age_s))
    if taken:
        with lock as held:
            assert held.id == "here"
    else:
        with pytest.raises(LockHeld, match="u@elsewhere"):
            lock.__enter__()
