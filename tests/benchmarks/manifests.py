"""Validating a Sage manifest of 100,000 rows, beside the official reader at 20,000 and the bare CSV reader.

Run: `python -m tests.benchmarks.manifests`. RECONCILER_SAGE_PYTHON names an interpreter that has the official client.
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measuring import measure

ROWS, OFFICIAL_ROWS = 100_000, 20_000
_READ = """
import sys; from pathlib import Path
from reconciler.sources.manifest import read_local_manifest
from reconciler.sources.manifest_row import ManifestOptions
reading = read_local_manifest(Path(sys.argv[1]), ManifestOptions(sys.argv[2] == "strict", Path.cwd()))
assert not reading.problems, reading.problems[:3]
print(len(reading.rows))
"""
_OFFICIAL = """
import sys
from synapseclient.models.services import manifest
frame = manifest._clean_manifest(sys.argv[1])
manifest._validate_manifest(frame)
print(len(manifest._build_upload_files(frame.drop(columns=["used"]), True, False)))
"""


def main() -> None:
    """Print seconds and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder)
        for mode in ("strict", "compatible"):
            figure = measure([sys.executable, "-c", _READ, "m100000.csv", mode], folder)
            print(f"manifest, {ROWS:,} rows, {mode:10} {figure}")
        start = time.perf_counter()
        with (folder / f"m{ROWS}.csv").open(newline="") as stream:
            cells = sum(len(row) for row in csv.reader(stream))
        print(f"manifest, {ROWS:,} rows, bare csv   {time.perf_counter() - start:8.2f} s  {cells:,} cells")
        python = os.environ.get("RECONCILER_SAGE_PYTHON")
        if python:
            figure = measure([python, "-W", "ignore", "-c", _OFFICIAL, f"m{OFFICIAL_ROWS}.csv"], folder)
            print(f"manifest, {OFFICIAL_ROWS:,} rows, official   {figure}")


def _make(folder: Path) -> None:
    paths = [f"f/{number // 1000:03d}/s{number}.txt" for number in range(ROWS)]
    for number, path in enumerate(paths):
        if number % 1000 == 0:
            (folder / path).parent.mkdir(parents=True)
        (folder / path).write_bytes(b"x")
    for rows in (ROWS, OFFICIAL_ROWS):
        with (folder / f"m{rows}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["path", "parentId", "name", "used", "assay", "age", "score", "tags", "day"])
            writer.writerows(_row(number, path) for number, path in enumerate(paths[:rows]))


def _row(number: int, path: str) -> list[object]:
    parent, score = f"syn{1000 + number // 1000}", f"{number % 997 / 8:.3f}"
    used = "syn12345;https://x.org/y"
    return [path, parent, f"s{number}.txt", used, "rnaSeq", number % 90, score, "[a, b]", "2024-01-02T03:04:05Z"]


if __name__ == "__main__":
    main()
