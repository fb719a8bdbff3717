"""What `manifest convert` writes says the same: after an apply of the manifest, the plan of the documents is empty."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.console import Console
from reconciler.cli.main import execute
from reconciler.errors import ExitCode
from tests.support.sage_bench import EmbeddedSage, sage_bench

FOLDER = (
    "path\tparent\tage\tratio\tflag\twhen\tcode\n"
    "data/a.txt\tPARENT\t4\t1.5\ttrue\t2024-05-06T07:08:09Z\t'007'\n"
    "data/b.txt\tPARENT\t5\t2.5\tfalse\t2024-05-06T00:00:00Z\tx\n"
)
MANIFEST = (
    "path\tparent\tname\tused\tactivityName\tage\tdoses\n"
    "data/a.txt\tPARENT\tone.txt\t\t\t4\t[1.5, 2.5]\n"
    "data/b.txt\tPARENT\ttwo.txt\tdata/a.txt;https://example.org/x\tMade\t[5]\t\n"
    "https://example.org/c.txt\tPARENT\tc.txt\t\t\t\t\n"
)


@pytest.fixture
def sage() -> EmbeddedSage:
    return EmbeddedSage()


@pytest.fixture
def bench(tmp_path: Path, sage: EmbeddedSage) -> Any:
    """Two files and collections, applied."""
    made = sage_bench(tmp_path, sage, {"a.txt": b"first", "b.txt": b"second"})
    made.remove("AssetSet", "files")
    made.remove("MetadataSource", "ages")
    assert made.apply().exit_code is ExitCode.OK
    return made


@pytest.mark.parametrize(("text", "form"), [(FOLDER, "source: {"), (MANIFEST, "manifest: {")])
def test_plan_of_a_converted_manifest_is_empty(
    bench: Any, sage: EmbeddedSage, text: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = bench.remote_id("Collection/scans")
    (bench.root / "files.tsv").write_text(text.replace("PARENT", parent))
    bench.set("AssetSet", "files", collection={"id": parent}, manifest={"url": "files.tsv"})
    assert bench.apply().exit_code is ExitCode.OK

    monkeypatch.chdir(bench.root)
    err = io.StringIO()
    assert execute(("manifest", "convert", "files.tsv", "-o", "out"), Console(io.StringIO(), err, {})) == 0, err
    assert form in (bench.root / "out/files.yaml").read_text()
    bench.remove("AssetSet", "files")
    bench.write()
    sage.log.clear()
    planned = bench.plan()
    assert planned.is_empty, planned.text
