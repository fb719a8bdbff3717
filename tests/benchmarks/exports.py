"""Whole exports from the embedded backend, from plan to publication.

Beside them the bare cost of parsing the same payloads and writing the same bytes.

Each item has ten boxes and polygons with attributes, in the platform's own dialect, and the size of its picture.
Payloads are put into the backend's store at once: a request for each would take longer than all that is measured.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import RECONCILER, Figure, measure
from tests.benchmarks.payloads import OBJECTS, drawn

WORKSPACE = """
apiVersion: reconciler.dev/v1
kind: Collection
metadata: {name: pictures}
spec:
  fileSpecifications: [{name: image_1, type: image, extensions: [.jpg], required: true, primary: true}]
---
apiVersion: reconciler.dev/v1
kind: AssetSet
metadata: {name: all}
spec: {collection: pictures, source: {url: data}}
---
apiVersion: reconciler.dev/v1
kind: AnnotationProject
metadata: {name: objects}
spec: {title: Objects, collection: pictures, category: image}
---
apiVersion: reconciler.dev/v1
kind: TaskSet
metadata: {name: tasks}
spec: {project: objects, assets: all}
"""
EXPORT = """
apiVersion: reconciler.dev/v1
kind: Export
metadata: {name: NAME}
spec: {target: task, project: objects, format: FORMAT, originals: false, destination: {url: out/NAME}}
"""
BARE = """
import json, sys
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        json.loads(line)
for path in open(sys.argv[2]).read().splitlines():
    with open(path, "rb") as old, open("copy", "wb") as new:
        while block := old.read(1 << 20):
            new.write(block)
"""


def prepare(folder: Path, items: int) -> None:
    """A workspace with annotated tasks, and the payloads in a file of lines."""
    (folder / "data").mkdir()
    for number in range(items):
        (folder / "data" / f"item_{number:06}.jpg").write_bytes(b"\xff\xd8\xff %d" % number)
    (folder / "main.yaml").write_text(WORKSPACE)
    measure([*RECONCILER, "apply", "--auto-approve"], folder)
    store = next((folder / ".reconciler/backend").glob("*.db"))
    with sqlite3.connect(store) as db, (folder / "payloads.jsonl").open("w") as lines:
        tasks = [row[0] for row in db.execute("SELECT id FROM tasks ORDER BY id")]
        for number, task in enumerate(tasks):
            text = drawn(number)
            db.execute("UPDATE tasks SET data = ?, has_data = 1 WHERE id = ?", (text, task))
            lines.write(text + "\n")
        db.execute("UPDATE projects SET revision = revision + 1")
    db.close()


def run(items: int, formats: tuple[str, ...] = ("coco", "yolo", "voc")) -> None:
    """Measure one size."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    try:
        prepare(folder, items)
        print(f"\nexport of {items:,} items, {items * OBJECTS:,} annotations, from the embedded backend")
        for name in formats:
            document = EXPORT.replace("NAME", name).replace("FORMAT", name)
            (folder / f"{name}.yaml").write_text(document)
            target = ["--target", f"Export/{name}"]
            figures = {
                "plan from nothing": measure([*RECONCILER, "plan", *target], folder),
                "plan and apply": measure([*RECONCILER, "apply", "--auto-approve", *target], folder),
                "no-op plan": measure([*RECONCILER, "plan", *target], folder),
            }
            written = [str(path) for path in (folder / "out" / name).rglob("*") if path.is_file()]
            (folder / "files.txt").write_text("\n".join(written))
            bare = measure([sys.executable, "-c", BARE, "payloads.jsonl", "files.txt"], folder)
            _show(name, items, figures, bare)
    finally:
        shutil.rmtree(folder)


def _show(name: str, items: int, figures: dict[str, Figure], bare: Figure) -> None:
    print(f"  {name}")
    print(f"    {'parse and write, bare':25} {bare}   {items / bare.seconds:9,.0f} items/s")
    for phase, figure in figures.items():
        times = figure.seconds / bare.seconds
        print(f"    {phase:25} {figure}   {items / figure.seconds:9,.0f} items/s   {times:6.1f} × bare")


def main() -> None:
    """Both sizes; the numbers of items on the command line instead."""
    for items in [int(text) for text in sys.argv[1:]] or (10_000, 100_000):
        run(items)


if __name__ == "__main__":
    main()
