"""`reconciler serve` in a process of its own."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

COMMAND = [sys.executable, "-c", "from reconciler.cli.main import run; run()"]


@contextlib.contextmanager
def served(folder: Path, seed: str) -> Iterator[str]:
    """Serve a store below `folder`, filled from the text of a seed; gives the URL."""
    (folder / "seed.yaml").write_text(seed)
    store = ["--store", str(folder / "store"), "--seed", str(folder / "seed.yaml")]
    process = subprocess.Popen(
        [*COMMAND, "serve", "--listen", "127.0.0.1:0", *store], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found
    try:
        yield found[0]
    finally:
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()
