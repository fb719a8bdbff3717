"""A small workspace on a Sage service."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from tests.support.sage_service import SageService
from tests.support.workspace import Bench

WORKSPACE = """
apiVersion: reconciler.dev/v1
kind: Workspace
metadata: {name: lab}
spec:
  backends: {lab: {type: embedded, dialect: sage}}
  defaultBackend: lab
  safety: {maxChangeFraction: 1}
"""
FILES = {"a.txt": b"first", "raw/b.txt": b"second", "raw/c.txt": b"third", "deep/er/d.txt": b"fourth"}


def sage_bench(root: Path, service: SageService, files: dict[str, bytes] | None = None, **options: Any) -> Bench:
    """A project with a folder in it, whose files are those given; ages for two of them."""
    root.mkdir(exist_ok=True)
    (root / "reconciler.yaml").write_text(WORKSPACE)
    bench = Bench(root, {}, open_backend=service.open, **options)
    put(bench, FILES if files is None else files)
    (root / "ages.csv").write_text("file,age\na.txt,4\nraw/b.txt,5\n")
    bench.set("Collection", "lab", title="Lab 7", description="Ours", meta={"owner": "x"}, sage={"type": "project"})
    bench.set("Collection", "scans", title="scans", sage={"type": "folder", "parent": "lab"})
    columns = {"age": {"type": "integer"}}
    bench.set(
        "MetadataSource", "ages", table={"url": "ages.csv", "key": "file", "columns": columns}, unmatchedRows="skip"
    )
    bench.set(
        "AssetSet",
        "files",
        collection="scans",
        source={"url": "data"},
        metadata=["ages"],
        meta={"site": "s1", "when": "2024-05-06", "doses": [1.5, 2]},
        prune=True,
    )
    return bench


def put(bench: Bench, files: dict[str, bytes]) -> None:
    """Write source files."""
    for name, content in files.items():
        path = bench.root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def files_of(service: SageService) -> dict[str, Any]:
    """Path → (id, version, MD5, annotations) of every file below the folder."""
    found = {path.removeprefix("Lab 7/scans/"): entity for path, entity in service.tree().items()}
    return {
        path: (
            entity["id"],
            entity["versionNumber"],
            service.handles[entity["dataFileHandleId"]].get("contentMd5"),
            copy.deepcopy(entity["annotations"]),
        )
        for path, entity in sorted(found.items())
        if entity["concreteType"].endswith("FileEntity")
    }
