"""Exports of the files below a collection of the embedded Sage backend, and the manifest that makes them again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ConfigError, ExitCode
from tests.support.sage_bench import EmbeddedSage, put, sage_bench, sage_call

PREFIX = "org.sagebionetworks.repo.model."


@pytest.fixture
def sage() -> EmbeddedSage:
    return EmbeddedSage()


@pytest.fixture
def bench(tmp_path: Path, sage: EmbeddedSage) -> Any:
    """A project of four files, exported."""
    made = sage_bench(tmp_path, sage)
    made.set("AssetSet", "files", provenance={"name": "Made", "used": ["https://example.org/x"]})
    made.set("Export", "dump", collection="lab", format="manifest", destination={"url": "out"})
    _apply(made)
    sage.log.clear()
    return made


def _apply(bench: Any) -> None:
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report


def _files(bench: Any) -> dict[str, bytes]:
    root = bench.root / "out" / "files"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def _rows(bench: Any, name: str = "manifest.csv") -> dict[str, dict[str, str]]:
    delimiter = "\t" if name.endswith("tsv") else ","
    with (bench.root / "out" / name).open(newline="") as stream:
        return {row["path"]: row for row in csv.DictReader(stream, delimiter=delimiter)}


def _account(bench: Any) -> Any:
    return json.loads((bench.root / "out/metadata/export_summary.json").read_text())


def _id(bench: Any, path: str) -> str:
    """The id of an entity, by names from the project on."""
    parent = None
    for name in ("Lab 7", *path.split("/")) if path else ("Lab 7",):
        body = {"entityName": name} | ({"parentId": parent} if parent else {})
        parent = sage_call(bench, "POST", "/repo/v1/entity/child", body)["id"]
    assert parent is not None
    return str(parent)


def test_export_has_the_tree_and_its_manifest(bench: Any) -> None:
    assert _files(bench) == {
        "scans/a.txt": b"first",
        "scans/deep/er/d.txt": b"fourth",
        "scans/raw/b.txt": b"second",
        "scans/raw/c.txt": b"third",
    }
    row = _rows(bench)["files/scans/raw/b.txt"]
    assert (row["parentId"], row["age"], row["doses"], row["used"]) == (
        "scans/raw",
        "[5]",
        "[1.5, 2.0]",
        "https://example.org/x",
    )


def test_entities_are_listed_with_all_that_is_known_of_them(bench: Any) -> None:
    lines = [json.loads(line) for line in (bench.root / "out/metadata/entities.jsonl").read_text().splitlines()]
    found = {line["path"]: line for line in lines}
    assert [found["scans"]["kind"], found["scans/raw/b.txt"]["version"]] == ["folder", 1]
    assert found["scans/raw/b.txt"]["meta"] == {"age": 5, "doses": [1.5, 2.0], "site": "s1", "when": "2024-05-06"}


def test_plan_of_what_did_not_change_asks_once_per_folder(bench: Any, sage: EmbeddedSage) -> None:
    assert bench.plan().is_empty
    sage.log.clear()
    assert bench.plan().is_empty
    listings = [path for _, path in sage.log if path.endswith("/children")]
    assert len(listings) == len(sage.log) - 2 == 4 + 5  # the files of the set, and all of the project


def test_changed_file_alone_is_downloaded_again(bench: Any, sage: EmbeddedSage) -> None:
    before = (bench.root / "out/files/scans/raw/b.txt").stat().st_ino
    put(bench, {"a.txt": b"other bytes"})
    _apply(bench)
    assert len([path for _, path in sage.log if path.endswith("/fileHandle/batch")]) == 1
    assert _files(bench)["scans/a.txt"] == b"other bytes"
    assert (bench.root / "out/files/scans/raw/b.txt").stat().st_ino == before


def test_changed_annotation_downloads_nothing(bench: Any, sage: EmbeddedSage) -> None:
    bench.set("AssetSet", "files", meta={"site": "s2"})
    _apply(bench)
    assert [path for _, path in sage.log if path.endswith("/fileHandle/batch")] == []
    assert {row["site"] for row in _rows(bench).values()} == {"s2"}


def test_file_that_is_gone_leaves_the_export(bench: Any) -> None:
    sage_call(bench, "DELETE", f"/repo/v1/entity/{_id(bench, 'scans/raw/b.txt')}")
    bench.remove("AssetSet", "files")
    bench.remove("MetadataSource", "ages")
    _apply(bench)
    assert "scans/raw/b.txt" not in _files(bench)
    assert "files/scans/raw/b.txt" not in _rows(bench)


def test_damage_at_the_destination_is_repaired(bench: Any) -> None:
    (bench.root / "out/files/scans/a.txt").write_bytes(b"FIRST")
    (bench.root / "out/files/scans/raw/c.txt").unlink()
    assert "changed outside" in bench.plan().text or not bench.plan().is_empty
    _apply(bench)
    assert (_files(bench)["scans/a.txt"], _files(bench)["scans/raw/c.txt"]) == (b"first", b"third")


@pytest.mark.parametrize("dialect", ["csv", "tsv"])
def test_manifest_read_back_over_its_collection_changes_nothing(bench: Any, sage: EmbeddedSage, dialect: str) -> None:
    bench.set("Export", "dump", collection="scans", options={"dialect": dialect})
    _apply(bench)
    sage.log.clear()
    bench.set("AssetSet", "files", source=None, meta=None, metadata=None, provenance=None)
    bench.set("AssetSet", "files", manifest={"url": f"out/manifest.{dialect}"}, lifecycle={"onExists": "adopt"})
    (bench.root / ".reconciler/state.db").unlink()
    bench.import_all(write=False)
    _apply(bench)
    assert sage.writes == []
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_links_and_tables_are_listed_and_not_followed(bench: Any) -> None:
    target = {"concreteType": PREFIX + "Link", "name": "shortcut", "parentId": _id(bench, "")}
    target |= {"linksTo": {"targetId": _id(bench, "scans/a.txt")}, "linksToClassName": PREFIX + "FileEntity"}
    sage_call(bench, "POST", "/repo/v1/entity", target)
    _apply(bench)
    reasons = {reason["reason"]: reason["examples"][0]["key"] for reason in _account(bench)["reasons"]}
    assert (reasons, _account(bench)["entities"]["dropped"]) == ({"link": "shortcut"}, 1)
    assert len(_files(bench)) == 4


def test_external_file_is_a_row_of_its_address(bench: Any) -> None:
    body = {"concreteType": PREFIX + "file.ExternalFileHandle", "externalURL": "https://example.org/far.csv"}
    handle = sage_call(bench, "POST", "/file/v1/externalFileHandle", body | {"fileName": "far.csv"})
    entity = {"concreteType": PREFIX + "FileEntity", "name": "far", "parentId": _id(bench, "")}
    sage_call(bench, "POST", "/repo/v1/entity", entity | {"dataFileHandleId": handle["id"]})
    _apply(bench)
    assert _rows(bench)["https://example.org/far.csv"]["name"] == "far"
    assert [reason["reason"] for reason in _account(bench)["reasons"]] == ["external_file"]


def _renamed(bench: Any, path: str, name: str) -> None:
    entity = sage_call(bench, "GET", f"/repo/v1/entity/{_id(bench, path)}")
    sage_call(bench, "PUT", f"/repo/v1/entity/{entity['id']}", entity | {"name": name})


def _same_bytes_and_name(bench: Any) -> None:
    """A second entity over the file handle of a first."""
    entity = sage_call(bench, "GET", f"/repo/v1/entity/{_id(bench, 'scans/raw/b.txt')}")
    body = {name: entity[name] for name in ("concreteType", "parentId", "dataFileHandleId")}
    sage_call(bench, "POST", "/repo/v1/entity", body | {"name": "twin.txt"})


def test_files_of_one_name_are_refused_before_anything_is_written(bench: Any) -> None:
    _same_bytes_and_name(bench)
    before = _files(bench)
    with pytest.raises(ConfigError) as error:
        bench.apply()
    assert "'scans/raw/b.txt' and 'scans/raw/twin.txt'" in str(error.value)
    assert "names: entity" in error.value.problems[0].fix
    assert _files(bench) == before


def test_names_of_entities_tell_files_of_one_name_apart(bench: Any) -> None:
    _same_bytes_and_name(bench)
    bench.set("Export", "dump", options={"names": "entity"})
    _apply(bench)
    assert _files(bench)["scans/raw/twin.txt"] == _files(bench)["scans/raw/b.txt"] == b"second"


def test_names_that_differ_in_case_alone_are_refused(bench: Any) -> None:
    _renamed(bench, "scans/raw/c.txt", "B.TXT")
    bench.set("Export", "dump", options={"names": "entity"})
    bench.remove("AssetSet", "files")
    bench.remove("MetadataSource", "ages")
    with pytest.raises(ConfigError, match="differ in case alone"):
        bench.plan()


def test_target_that_the_backend_lacks_is_refused(bench: Any) -> None:
    bench.remove("Export", "dump")
    bench.set("Export", "work", project={"id": 7}, format="coco", destination={"url": "work"})
    with pytest.raises(ConfigError, match="nothing to export of the target assignment"):
        bench.plan()
