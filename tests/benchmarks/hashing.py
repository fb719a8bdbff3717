"""Checksums of files: ours beside `openssl dgst -sha1`, on the same files, warm in memory.

Ours is `hash_units`, as a plan calls it, cache of digests included; with one thread, and with one for each processor.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import best, measure
from tests.benchmarks.uploads import DOCUMENTS, LARGE_MIB, SMALL, write_large, write_small

OURS = """
import os, sys, time
from pathlib import Path
from reconciler.config import load
from reconciler.model.unit import FileRef, Unit
from reconciler.sources import DigestCache, hash_units
folder, threads, cache = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
(declared,) = (one for one in load(folder.parent, environ={}).resources if one.head.address.kind == "AssetSet")
names = sorted(os.listdir(folder))
Path(cache).unlink(missing_ok=True)
units = (Unit(name, (FileRef("data_1", 0, name, (folder / name).stat().st_size),), {}) for name in names)
known = DigestCache(Path(cache))
start, cpu = time.perf_counter(), time.process_time()
count = sum(1 for _ in hash_units(units, declared, "sha1", known, workers=threads))
print(count, time.perf_counter() - start, time.process_time() - cpu)
known.close()
"""


def _rates(name: str, seconds: float, cpu_s: float, size: int) -> tuple[float, float]:
    """Print and return MB/s, by the clock and by processor time."""
    rates = size / seconds / 1e6, size / cpu_s / 1e6
    print(f"  {name:22} {seconds:7.3f} s {cpu_s:7.3f} s CPU {rates[0]:7.0f} MB/s {rates[1]:7.0f} MB per CPU second")
    return rates


def _ours(folder: Path, threads: int, work: Path) -> tuple[float, float]:
    """Seconds and processor seconds of the fastest of three runs."""
    command = [sys.executable, "-c", OURS, str(folder), str(threads), str(work / "digests.db")]
    runs = (measure(command, work).output.split() for _ in range(3))
    _, seconds, cpu_s = min(runs, key=lambda run: float(run[1]))
    return float(seconds), float(cpu_s)


def run(name: str, folder: Path, work: Path) -> None:
    """Measure one folder. Ours is measured within the process; of openssl's, what it takes to start is left out."""
    files = sorted(str(path) for path in folder.iterdir())
    size = sum(os.path.getsize(path) for path in files)
    print(f"\n{name}: SHA-1 of {len(files):,} files, {size / 1e6:,.0f} MB")
    (work / "main.yaml").write_text(DOCUMENTS.replace("FOLDER", folder.name))
    found = {
        threads: _rates(f"ours, threads: {threads}", *_ours(folder, threads, work), size)
        for threads in sorted({1, os.cpu_count() or 1})
    }
    if not shutil.which("openssl"):
        print("  openssl is not on this machine: no comparison")
        return
    whole = best(["xargs", "-0", "-a", str(_listed(work, files)), "openssl", "dgst", "-sha1"], work)
    idle = best(["openssl", "version"], work)
    theirs = _rates("openssl dgst -sha1", whole.seconds - idle.seconds, whole.cpu_s - idle.cpu_s, size)
    for threads, (rate, per_cpu) in found.items():
        ratios = f"{rate / theirs[0]:.2f} × openssl by the clock, {per_cpu / theirs[1]:.2f} × per CPU second"
        print(f"  ours with threads: {threads}: {ratios}")


def _listed(work: Path, files: list[str]) -> Path:
    path = work / "files.list"
    path.write_bytes(b"\0".join(os.fsencode(name) for name in files))
    return path


def main() -> None:
    """Many small files, and a few large ones."""
    work = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    try:
        write_small(work / "small", SMALL)
        write_large(work / "large", 4, LARGE_MIB)
        run("small files", work / "small", work)
        run("large files", work / "large", work)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
