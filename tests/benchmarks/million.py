"""A million units on the embedded backend: seconds, peak memory, and the cost of a unit against a tenth of them.

One small file a unit, a thousand files a folder, every file with bytes of its own. The files are real, so a plan from
nothing reads and hashes each of them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measuring import RECONCILER, Figure, measure

PER_FOLDER = 1_000
ONE_CHANGED = "plan, one file changed"
WORKSPACE = """
apiVersion: reconciler.dev/v1
kind: Collection
metadata: {name: notes}
spec: {fileSpecifications: [{name: data_1, type: data, extensions: [.json], required: true, primary: true}]}
---
apiVersion: reconciler.dev/v1
kind: AssetSet
metadata: {name: all}
spec: {collection: notes, source: {url: data}}
"""


def make_tree(folder: Path, units: int) -> None:
    """Write the files of all units, and the workspace."""
    for start in range(0, units, PER_FOLDER):
        inner = folder / "data" / f"{start // PER_FOLDER:04}"
        inner.mkdir(parents=True)
        for number in range(start, min(start + PER_FOLDER, units)):
            (inner / f"note_{number:07}.json").write_bytes(b'{"number": %d}' % number)
    (folder / "main.yaml").write_text(WORKSPACE)


def run(units: int) -> dict[str, Figure]:
    """Measure one size; returns the figures by phase."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    try:
        make_tree(folder, units)
        print(f"\n{units:,} units, a file each", flush=True)
        plan, apply = [*RECONCILER, "plan"], [*RECONCILER, "apply", "--auto-approve"]
        phases: dict[str, Figure] = {}
        commands = {"plan": plan, "apply": apply, "first plan after it": plan, "no-op plan": plan, ONE_CHANGED: plan}
        for name, command in commands.items():
            if name == ONE_CHANGED:
                (folder / "data/0000/note_0000000.json").write_bytes(b'{"number": "changed"}')
                time.sleep(1)  # until its time of change is trusted
            phases[name] = measure(command, folder)
            figure, per_unit = phases[name], phases[name].seconds / units * 1e6
            print(f"  {name:27} {figure}   {figure.cpu_s:8.2f} s CPU   {per_unit:8.1f} µs a unit", flush=True)
        return phases
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """A hundred thousand and a million; or two sizes on the command line."""
    few, many = [int(text) for text in sys.argv[1:3]] or (100_000, 1_000_000)
    small, large = run(few), run(many)
    print(f"\ncost of a unit at {many:,} against {few:,} (aim 1.2), peak memory (aim below 500 MiB)")
    for name, figure in large.items():
        ratio = (figure.seconds / many) / (small[name].seconds / few)
        print(f"  {name:27} {ratio:.2f} ×   {figure.peak_mib:4.0f} MiB")


if __name__ == "__main__":
    main()
