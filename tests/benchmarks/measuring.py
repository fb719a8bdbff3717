"""Whole-process figures: wall seconds and peak memory of a command, as the operating system counted them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RECONCILER = (sys.executable, "-c", "from reconciler.cli.main import run; run()")


@dataclass(frozen=True)
class Figure:
    """One run. peak_mib: of the largest process. cpu_s: processor seconds, of user and system together."""

    seconds: float
    peak_mib: float
    output: str
    cpu_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.seconds:8.2f} s  {self.peak_mib:6.0f} MiB"


def measure(command: Sequence[str], folder: Path, *, expect: int | None = 0) -> Figure:
    """Run a command and measure it. Raises RuntimeError when it ends with another code than expected."""
    start = time.perf_counter()
    with (folder / "output.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        output = log.read()
    if expect is not None and process.returncode != expect:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}")
    return Figure(seconds, usage.ru_maxrss / 1024, output, usage.ru_utime + usage.ru_stime)


def best(command: Sequence[str], folder: Path, runs: int = 3) -> Figure:
    """The fastest of several runs."""
    return min((measure(command, folder) for _ in range(runs)), key=lambda figure: figure.seconds)
