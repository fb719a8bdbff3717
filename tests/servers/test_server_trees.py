"""Published trees of all layouts with faults, read from servers: exactly what their truth says, as from the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.resource import Layout, Policy, SourceLocation
from reconciler.sources import survey
from tests.unit.sources.test_trees import _PATTERNS, _SHARED, _problems, _shared_trees, _sources

needs_trees = pytest.mark.skipif(
    not (_SHARED / "trees" / "assemble.py").exists(), reason="set RECONCILER_SHARED_DATA to the folder with trees/"
)


def _on_server(place: Any, root: Path) -> tuple[SourceLocation, ...]:
    """Put a tree on a server; returns its sources there."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            place.put(path.relative_to(root).as_posix(), path.read_bytes())
    return tuple(
        SourceLocation(f"{place.url}/{source.url}", options=place.options, specification=source.specification)
        for source in _sources(root.name)
    )


@needs_trees
@pytest.mark.parametrize("name", ["s3", "sftp"])
def test_published_trees_agree_with_their_truth(ws: Any, on: Any, tmp_path: Path, name: str) -> None:
    known = {"image_1": ws.image, "label_1": ws.label, "mask_1": ws.mask, "dicom_1": ws.dicom}
    for root in _shared_trees(tmp_path):
        layout = Layout.DIRECTORIES if root.name in ("nested", "deep") else Layout.STEMS
        asset_set = ws.asset_set(
            sources=_on_server(on(name), root), layout=layout, incomplete=Policy.WARN, unmatched=Policy.WARN
        )
        assembly = survey(asset_set, tuple(known[spec] for spec in _PATTERNS[root.name]), ()).assemble()
        found: dict[str, Any] = {}
        problems = _problems(assembly, asset_set, found)
        for line in (root / "expected.jsonl").read_text("utf-8").splitlines():
            unit = json.loads(line)
            wanted = {":".join(problem.split(":")[:2]) for problem in unit["problems"]}
            assert problems.get(unit["key"], set()) == wanted, (root.name, unit["key"])
            if wanted <= {"not_json:label_1"}:
                files = {spec: file.checksum.hex for spec, file in found.pop(unit["key"]).items()}
                assert files == {spec: file["sha256"] for spec, file in unit["files"].items()}
        assert found == {}
