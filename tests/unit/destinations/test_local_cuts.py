"""A process killed at any moment of a publication leaves the old or the new data set whole."""

import os
import signal
import subprocess
import sys
import time

import pytest

from reconciler.destinations.local import LocalDestination

OWNER = "Export/train"
WRITER = """
import sys
from pathlib import Path
from reconciler.destinations.local import LocalDestination
destination = LocalDestination(Path(sys.argv[1]))
print("ready", flush=True)
for version in range(1, 10_000):
    standing = destination.inspect("Export/train", {})
    staging = destination.open_staging("Export/train", standing)
    for number in range(20):
        staging.put(f"files/{number}", [str(version).encode()])
    staging.commit()
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay_ms", [3, 9, 17, 26, 38, 55, 71, 90])
def test_kill_at_any_moment_leaves_one_whole_version(tmp_path, delay_ms):
    destination = LocalDestination(tmp_path / "out")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(destination.root)], stdout=subprocess.PIPE)
    with writer:
        assert writer.stdout.readline() == b"ready\n"
        _spin(delay_ms / 1000)
        os.kill(writer.pid, signal.SIGKILL)
    standing = destination.inspect(OWNER, {})
    assert not standing.missing
    assert not standing.altered
    assert not standing.foreign
    if standing.manifest is not None:
        assert len({destination.read(path) for path in standing.manifest.files}) == 1
    destination.open_staging(OWNER, standing).abandon()
    assert {p.name for p in tmp_path.iterdir()} <= {"out", ".out.lock"}


def _spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
