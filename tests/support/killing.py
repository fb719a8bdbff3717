"""The command in a process of its own, killed at a random moment."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from pathlib import Path

from tests.support.serving import COMMAND
from tests.support.workspace import Bench

APPLY = ["apply", "--auto-approve", "--no-color"]


def run(bench: Bench, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the workspace."""
    return subprocess.run([*COMMAND, *arguments], cwd=bench.root, capture_output=True, text=True, check=False)


def apply_killed(bench: Bench, seed: int, calm_s: float) -> None:
    """An apply that is killed somewhere in the time that it takes when nobody does."""
    delay_s = random.Random(seed).uniform(0.15, 1.0) * calm_s
    process = subprocess.Popen([*COMMAND, *APPLY], cwd=bench.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def copied(template: Bench, root: Path) -> Bench:
    """A workspace of its own, with the times of files kept, so that cached digests count."""
    shutil.copytree(template.root, root, copy_function=shutil.copy2)
    return Bench(root, dict(template.documents))


def owned_keys(bench: Bench) -> dict[str, list[str]]:
    """Address → keys that the state owns."""
    return {address: sorted(rows) for address, rows in bench.owned().items()}
