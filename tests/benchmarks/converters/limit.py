"""The limit: parse every payload and write as many bytes into as many files as the export has.

With orjson where the interpreter has it, which the last line says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.converters.timing import run

try:
    from orjson import loads
except ImportError:
    from json import loads

_BLOCK = 1 << 20


def convert(name: str, lines: Iterator[str], folder: Path) -> int:
    """`sys.argv[5]` is a file with the size and path of every file."""
    del name
    done = 0
    for line in lines:
        loads(line)
        done += 1
    zeros = bytes(_BLOCK)
    for path, size in json.loads(Path(sys.argv[5]).read_text()):
        with open(folder / path, "wb") as out:
            for start in range(0, size, _BLOCK):
                out.write(zeros[: min(_BLOCK, size - start)])
    return done


if __name__ == "__main__":
    for target, _ in json.loads(Path(sys.argv[5]).read_text()):
        (Path(sys.argv[3]) / target).parent.mkdir(parents=True, exist_ok=True)
    run(convert)
    print(loads.__module__)
