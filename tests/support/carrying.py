"""Real data carried through everything: a folder in, tasks on the embedded backend, a folder out for each export."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.errors import ExitCode
from tests.support.workspace import make_bench

COLLECTION = {
    "title": "Pictures",
    "fileSpecifications": [
        {"name": "image_1", "type": "image", "extensions": [".jpg", ".png"], "required": True, "primary": True}
    ],
}


@dataclass(frozen=True)
class Carried:
    """What came of it. root: of the workspace, with a folder for each export."""

    root: Path
    exports: Mapping[str, Path] = field(default_factory=dict)

    def summary(self, name: str) -> Mapping[str, Any]:
        """The export's own account of itself."""
        found: Mapping[str, Any] = json.loads((self.exports[name] / "metadata/export_summary.json").read_text())
        return found


def carry(
    root: Path,
    pictures: Mapping[str, bytes],
    annotations: Mapping[str, Any],
    exports: Mapping[str, Mapping[str, Any]],
) -> Carried:
    """Import pictures (file name → bytes) with annotations as tasks, and export the tasks.

    annotations: of the TaskSet, `url` relative to `root`. exports: name, also of its folder → members of the spec.
    """
    bench = make_bench(root, ())
    for path in root.joinpath("data").iterdir():
        path.unlink()
    for name, content in pictures.items():
        (root / "data" / name).write_bytes(content + name.encode())  # units of equal bytes would be one
    bench.documents = {("Collection", "pics"): COLLECTION}
    bench.set("AssetSet", "pics-2026", collection="pics", source={"url": "data"})
    bench.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    given = {"specification": "image_1", **annotations}
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=given)
    for name, spec in exports.items():
        where = {"destination": {"url": name}, "card": False}
        bench.set("Export", name, target="task", project="objects", **where, **spec)
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report
    assert bench.plan().is_empty
    carried = Carried(root, {name: root / name for name in exports})
    for name in exports:
        counts = carried.summary(name)["annotations"]
        assert counts["read"] == counts["written"] + counts["dropped"] + counts["failed"], (name, counts)
    return carried


def picture(width: int, height: int, format: str = "JPEG") -> bytes:
    """A grey picture of a size, in pixels."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (width, height), (90, 90, 90)).save(stream, format)
    return stream.getvalue()


def pictures_of(*coco: Path) -> dict[str, bytes]:
    """A picture for each that COCO files name, of its size."""
    rows = [row for path in coco for row in json.loads(path.read_text())["images"]]
    return {Path(row["file_name"]).name: picture(row["width"], row["height"]) for row in rows}
