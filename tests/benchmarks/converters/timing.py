"""What every converter of the comparison shares: a line of JSON at the end with what it did. Needs no package."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path


def run(convert: Callable[[str, Iterator[str], Path], int]) -> None:
    """Call the converter as the command line says: FORMAT LINES FOLDER COUNT; print what it took without imports."""
    name, lines, folder, count = sys.argv[1:5]
    with open(lines, encoding="utf-8") as source:
        start, cpu = time.perf_counter(), time.process_time()
        done = convert(name, islice(source, int(count)), Path(folder))
        seconds = time.perf_counter() - start
        print(json.dumps({"items": done, "seconds": seconds, "cpu": time.process_time() - cpu}))
