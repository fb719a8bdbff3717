"""What every converter of the comparison shares: a line of JSON at the end with what it did. Needs no package."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path


def _cpu() -> float:
    """Processor time of this process and of those that it has waited for."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def run(convert: Callable[[str, Iterator[str], Path], int]) -> None:
    """Call the converter as the command line says: FORMAT LINES FOLDER COUNT; print what it took without imports."""
    name, lines, folder, count = sys.argv[1:5]
    with open(lines, encoding="utf-8") as source:
        start, cpu = time.perf_counter(), _cpu()
        done = convert(name, islice(source, int(count)), Path(folder))
        seconds = time.perf_counter() - start
        print(json.dumps({"items": done, "seconds": seconds, "cpu": _cpu() - cpu}))
