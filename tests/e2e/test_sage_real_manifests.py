"""Manifests that people wrote, applied twice to the embedded Sage backend: the second time nothing is written."""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ExitCode
from tests.support.sage_bench import EmbeddedSage, sage_bench

HERE = Path(__file__).parents[1] / "data" / "sage_manifests"
COPIED = ("dccvalidator_test_manifest.txt", "synapse-demo_manifest.tsv")
ELSEWHERE = ("mycbp2_alignment_SYNAPSE_METADATA_MANIFEST.tsv", "mycbp2_root_SYNAPSE_METADATA_MANIFEST.tsv")
SHARED = os.environ.get("RECONCILER_SHARED_DATA")
_ID = re.compile(r"syn\d+")


def _mapped(text: str, root: Path, known: str) -> str:
    """A manifest over files of this machine, folders of this collection, and an entity that is there."""
    rows = list(csv.reader(io.StringIO(text), delimiter="\t"))
    columns = {name: index for index, name in enumerate(rows[0])}
    parents = sorted({row[columns["parent"]] for row in rows[1:]})
    for number, row in enumerate(rows[1:]):
        path = root / "data" / str(number) / Path(row[columns["path"]]).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}")
        row[columns["path"]] = str(path.relative_to(root))
        row[columns["parent"]] = f"scans/{parents.index(row[columns['parent']])}"
        for name in {"used", "executed"} & columns.keys():
            row[columns[name]] = _ID.sub(known, row[columns[name]])
    return "".join("\t".join(row) + "\n" for row in rows)


def _bench(root: Path, sage: EmbeddedSage) -> Any:
    """Collections alone, applied."""
    made = sage_bench(root, sage, {})
    made.remove("AssetSet", "files")
    made.remove("MetadataSource", "ages")
    assert made.apply().exit_code is ExitCode.OK
    return made


def _applied_twice(bench: Any, sage: EmbeddedSage, name: str, mode: str) -> list[tuple[str, str]]:
    """Writing requests of the second apply."""
    bench.set("AssetSet", "files", collection="scans", manifest={"url": name, "mode": mode, "format": "sage"})
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report
    assert report.outcomes[-1].rows.create > 0
    planned = bench.plan()
    assert planned.is_empty, planned.text
    sage.log.clear()
    assert bench.apply().exit_code is ExitCode.OK
    return sage.writes


@pytest.mark.parametrize("name", [*COPIED, *ELSEWHERE])
def test_real_manifest_applied_twice_writes_nothing(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    path = HERE / name if name in COPIED else Path(SHARED or "") / "manifests" / name
    if not path.is_file():
        pytest.skip("set RECONCILER_SHARED_DATA to the folder with manifests/")
    sage = EmbeddedSage()
    bench = _bench(tmp_path, sage)
    known = bench.remote_id("Collection/scans")
    (tmp_path / "files.tsv").write_text(_mapped(path.read_text(), tmp_path, known))
    monkeypatch.chdir(tmp_path)  # where relative paths of the official reader start
    assert _applied_twice(bench, sage, "files.tsv", "compatible") == []


MIXED = (
    "path,parentId,name,contentType,used,executed,activityName,day,mixed,flag\n"
    'data/a.txt,scans,a.txt,text/plain,,,,"[\'2024-05-06\',]","[1.5, 2.5]",true\n'
    "data/b.txt,scans/raw,b.txt,text/csv,data/a.txt;https://example.org/x,https://example.org/n.py,Made,"
    "2024-05-06T00:00:00Z,[x],false\n"
    "https://example.org/c.txt,scans,c.txt,text/plain,data/b.txt,,From,,[3],\n"
)


def test_manifest_of_all_kinds_of_cells_applied_twice_writes_nothing(tmp_path: Path) -> None:
    sage = EmbeddedSage()
    bench = _bench(tmp_path, sage)
    (tmp_path / "data").mkdir(exist_ok=True)
    for name in ("a", "b"):
        (tmp_path / f"data/{name}.txt").write_text(name)
    (tmp_path / "files.csv").write_text(MIXED)
    assert _applied_twice(bench, sage, "files.csv", "strict") == []
