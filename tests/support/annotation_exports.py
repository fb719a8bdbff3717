"""A workspace with an export in every format of annotations, with and without versions, and what they published."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from reconciler.errors import ExitCode
from reconciler.formats.writers import OPTION_SCHEMAS
from tests.support.workspace import Bench, make_bench

# These hold files of other things, or need code or packages that not every environment has.
_OTHERS = {"custom", "manifest", "parquet"}
FORMATS = sorted(OPTION_SCHEMAS.keys() - _OTHERS)
VERSIONED = "versions"
NAMES = [*FORMATS, VERSIONED]


def make_exports(root: Path, items: int, payload: object) -> Bench:
    """Publish `items` items with one payload; the export `versions` keeps three versions in the raw format."""
    bench = make_bench(root, [f"unit_{number:05}" for number in range(items)], batch_rows=1000)
    bench.set("AnnotationProject", "p", title="P", collection="pics", category="image")
    bench.set("TaskSet", "tasks", project="p", assets="pics-2026")
    assert bench.apply().exit_code is ExitCode.OK
    annotate(bench, payload, *bench.owned()["TaskSet/tasks"])
    for name in NAMES:
        format = "synapse-json" if name == VERSIONED else name
        bench.set("Export", name, target="task", project="p", format=format, destination={"url": f"out/{name}"})
    bench.set("Export", VERSIONED, retain=3)
    assert bench.apply().exit_code is ExitCode.OK
    return bench


def annotate(bench: Bench, payload: object, *keys: str) -> None:
    """Give the tasks of these units a payload."""
    tasks = bench.owned()["TaskSet/tasks"]
    bench.with_provider(lambda provider: [provider.annotate(tasks[key], payload, submit=True) for key in keys])


def folder(bench: Bench, name: str) -> Path:
    """Where a reader finds the data of an export."""
    found = bench.root / "out" / name
    return (found / "latest").resolve() if name == VERSIONED else found


def tree(bench: Bench, name: str) -> dict[str, str]:
    """Path → SHA-256 of what a reader finds, which is what the manifest lists."""
    root = folder(bench, name)
    found = {path.relative_to(root).as_posix(): _sha256(path) for path in root.rglob("*") if path.is_file()}
    listed = json.loads((root / "metadata/export_manifest.json").read_text())["files"]
    assert {path: state["sha256"] for path, state in listed.items()} == {
        path: sha256 for path, sha256 in found.items() if path != "metadata/export_manifest.json"
    }
    return found


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
