"""Published trees of all layouts with faults, read from servers: exactly what their truth says, as from the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.model.resource import Layout, Policy, SourceLocation
from reconciler.sources import survey
from tests.unit.sources.test_trees import (
    _PATTERNS,
    SMALL,
    _assemble,
    _plant,
    _problems,
    _sources,
    check_truth,
    needs_trees,
    shared_trees,
)


def _on_server(place: Any, pattern: str, root: Path) -> tuple[SourceLocation, ...]:
    """Put a tree on a server; returns its sources there."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            place.put(path.relative_to(root).as_posix(), path.read_bytes())
    return tuple(
        SourceLocation(f"{place.url}/{source.url}", options=place.options, specification=source.specification)
        for source in _sources(pattern)
    )


@needs_trees
@pytest.mark.parametrize("name", ["s3", "sftp"])
@pytest.mark.parametrize("preset", SMALL)
def test_published_trees_agree_with_their_truth(ws: Any, on: Any, tmp_path: Path, name: str, preset: str) -> None:
    known = {"image_1": ws.image, "label_1": ws.label, "mask_1": ws.mask, "dicom_1": ws.dicom}
    for pattern, root in shared_trees(tmp_path, preset):
        layout = Layout.DIRECTORIES if pattern in ("nested", "deep") else Layout.STEMS
        asset_set = ws.asset_set(
            sources=_on_server(on(name), pattern, root), layout=layout, incomplete=Policy.WARN, unmatched=Policy.WARN
        )
        assembly = survey(asset_set, tuple(known[spec] for spec in _PATTERNS[pattern]), ()).assemble()
        assert check_truth(assembly, asset_set, root) > 0


@pytest.mark.parametrize("name", ["s3", "sftp"])
def test_own_tree_with_faults_is_that_of_the_disk(ws: Any, on: Any, name: str) -> None:
    _plant(ws, "nested", "accents", 5)
    assembly, asset_set = _assemble(ws, "nested")
    place = on(name)
    remote = ws.asset_set(
        sources=_on_server(place, "nested", ws.root), layout=Layout.DIRECTORIES,
        incomplete=Policy.WARN, unmatched=Policy.WARN,
    )  # fmt: skip
    there = survey(remote, (ws.image, ws.label, ws.dicom), ()).assemble()
    here_found: dict[str, Any] = {}
    there_found: dict[str, Any] = {}
    assert _problems(assembly, asset_set, here_found) == _problems(there, remote, there_found) != {}
    assert {k: {s: f.checksum for s, f in v.items()} for k, v in here_found.items()} == {
        k: {s: f.checksum for s, f in v.items()} for k, v in there_found.items()
    }
