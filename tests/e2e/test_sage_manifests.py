"""Sage manifests on a Sage server: rows become files with annotations and provenance, and stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ConfigError, ExitCode
from tests.support.sage_bench import files_of, sage_bench
from tests.support.sage_server import SageServer

ROWS = (
    "path\tparent\tname\tcontentType\tused\tactivityName\tage\twhen\tcode\n"
    "data/a.txt\tscans\tone.txt\ttext/plain\t\t\t4\t2024-05-06T07:08:09Z\t'007'\n"
    "data/raw/b.txt\tscans/raw\ttwo.txt\ttext/csv\tdata/a.txt;https://example.org/x\tMade\t[5]\t\tx\n"
    "https://example.org/c.txt\tscans\tc.txt\t\t\t\t\t\t[]\n"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SageServer]:
    server = SageServer(tmp_path / "server")
    yield server
    server.close()


@pytest.fixture
def bench(tmp_path: Path, server: SageServer) -> Any:
    """A set of files over a manifest, not applied."""
    made = sage_bench(tmp_path / "w", server)
    made.set("AssetSet", "files", source=None)
    return made


def _apply(bench: Any, name: str, text: str) -> None:
    (bench.root / name).write_text(text)
    bench.set("AssetSet", "files", manifest={"url": name}, metadata=None, meta=None)
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report


def test_rows_become_files_in_their_folders_with_typed_annotations(bench: Any, server: SageServer) -> None:
    _apply(bench, "files.tsv", ROWS)
    found = files_of(server)
    assert sorted(found) == ["c.txt", "one.txt", "raw/two.txt"]
    assert found["one.txt"][3] == {
        "age": {"type": "LONG", "value": ["4"]},
        "when": {"type": "TIMESTAMP_MS", "value": ["1714979289000"]},
        "code": {"type": "STRING", "value": ["007"]},
    }


def test_second_apply_of_a_manifest_makes_no_writing_call(bench: Any, server: SageServer) -> None:
    _apply(bench, "files.tsv", ROWS)
    server.log.clear()
    planned = bench.plan()
    assert planned.is_empty, planned.text
    assert bench.apply().exit_code is ExitCode.OK
    assert server.writes == []


def test_row_made_from_a_file_of_another_set_by_its_address_is_refused(bench: Any, server: Any) -> None:
    (bench.root / "files.tsv").write_text(ROWS.replace("data/a.txt;", "AssetSet/other[key];"))
    bench.set("AssetSet", "files", manifest={"url": "files.tsv"}, metadata=None, meta=None)
    with pytest.raises(ConfigError, match="neither an id, a URL, nor the file of a row"):
        bench.plan()
    assert server.writes == []


def test_row_with_another_parent_moves_its_file(bench: Any, server: SageServer) -> None:
    _apply(bench, "files.tsv", ROWS)
    before = files_of(server)
    server.sent_bytes = 0
    _apply(bench, "files.tsv", ROWS.replace("scans/raw\ttwo.txt", "scans\ttwo.txt"))
    after = files_of(server)
    assert after["two.txt"][:2] == before["raw/two.txt"][:2]
    assert server.sent_bytes == 0


@pytest.mark.parametrize("dialect", ["csv", "tsv"])
def test_written_manifest_gives_the_same_files(bench: Any, server: SageServer, dialect: str) -> None:
    from reconciler.config import load
    from reconciler.engine.units import FILE_UNITS
    from reconciler.formats.manifest_cells import Dialect
    from reconciler.sources import survey
    from reconciler.sources.location import locate
    from reconciler.sources.manifest_back import manifest_rows
    from reconciler.sources.manifest_write import manifest_text

    _apply(bench, "files.tsv", ROWS.replace("text/plain", "").replace("text/csv", ""))
    (asset_set,) = [r for r in load(bench.root, environ={}).resources if r.head.address.kind == "AssetSet"]
    units = survey(asset_set, FILE_UNITS, ()).assemble().units()
    places = [locate(source.url, asset_set.head.folder, {}) for source in asset_set.sources]
    name = f"again.{dialect}"
    (bench.root / name).write_text(manifest_text(manifest_rows(units, places, "scans", "x"), Dialect(dialect), name))
    bench.set("AssetSet", "files", manifest={"url": name})
    planned = bench.plan()
    assert planned.is_empty, planned.text
