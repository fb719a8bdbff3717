"""Files of a Sage project that others filled: imported, described, left alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ConfigError, ExitCode
from tests.support.sage_bench import EmbeddedSage, sage_bench, sage_call


@pytest.fixture
def sage() -> EmbeddedSage:
    return EmbeddedSage()


@pytest.fixture
def bench(tmp_path: Path, sage: EmbeddedSage) -> Any:
    """A workspace without documents, state and files, over a project that has some."""
    made = sage_bench(tmp_path, sage)
    made.set("AssetSet", "files", provenance={"name": "Made", "used": ["https://example.org/x"]})
    assert made.apply().exit_code is ExitCode.OK
    made.documents.clear()
    made.write()
    (tmp_path / ".reconciler/state.db").unlink()
    shutil.rmtree(tmp_path / "data")
    sage.log.clear()
    return made


def test_import_writes_documents_whose_plan_is_empty(bench: Any, sage: EmbeddedSage) -> None:
    report = bench.import_all()
    assert sorted(path.name for path in report.written) == [
        "assetset-lab-7.yaml", "collection-lab-7.yaml", "metadatasource-lab-7-jsonl.jsonl",
        "metadatasource-lab-7-jsonl.yaml", "metadatasource-lab-7.csv", "metadatasource-lab-7.yaml",
    ]  # fmt: skip
    assert (report.rows, sage.writes) == (4, [])
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_import_declares_annotations_in_tables(bench: Any) -> None:
    assert bench.import_all().notes == ()
    folder = bench.root / "imported"
    assert (folder / "metadatasource-lab-7.csv").read_text().splitlines()[:3] == [
        "path,age,site,when",
        "scans/a.txt,4,s1,2024-05-06",
        "scans/deep/er/d.txt,,s1,2024-05-06",
    ]
    assert "age:\n        type: integer" in (folder / "metadatasource-lab-7.yaml").read_text()
    assert '"doses": [1.5, 2.0]' in (folder / "metadatasource-lab-7-jsonl.jsonl").read_text()


def test_annotation_that_others_change_after_the_import_is_put_right(bench: Any, sage: EmbeddedSage) -> None:
    bench.import_all()
    path = f"/repo/v1/entity/{bench.owned()['AssetSet/lab-7']['scans/a.txt']}/annotations2"
    before = sage_call(bench, "GET", path)
    changed = {**before["annotations"], "doses": {"type": "LONG", "value": ["9"]}}
    sage_call(bench, "PUT", path, before | {"annotations": changed})
    sage.log.clear()
    assert bench.apply().exit_code is ExitCode.OK
    assert sage_call(bench, "GET", path)["annotations"] == before["annotations"]


def test_annotations_that_no_table_holds_are_told(bench: Any) -> None:
    remote_id = next(e["id"] for e in sage_call(bench, "POST", "/repo/v1/entity/children", _children(bench))["page"])
    path = f"/repo/v1/entity/{remote_id}/annotations2"
    before = sage_call(bench, "GET", path)
    blank = {"annotations": {**before["annotations"], "blank": {"type": "STRING", "value": [" "]}}}
    sage_call(bench, "PUT", path, before | blank)
    (note,) = bench.import_all().notes
    assert note.summary == "meta.blank of 1 units of AssetSet/lab-7 is in no table"
    assert bench.plan().is_empty


def _children(bench: Any) -> Any:
    """The request for the files of the folder `scans`."""
    project = sage_call(bench, "POST", "/repo/v1/entity/child", {"entityName": "Lab 7"})["id"]
    folder = sage_call(bench, "POST", "/repo/v1/entity/child", {"parentId": project, "entityName": "scans"})["id"]
    return {"parentId": folder, "includeTypes": ["file"]}


def test_import_under_a_schema_declares_no_annotations(bench: Any) -> None:
    bench.import_all()
    for path in (bench.root / "imported").iterdir():
        if not path.name.startswith("collection-"):
            path.unlink()
    (document,) = (bench.root / "imported").iterdir()
    document.write_text(document.read_text() + "  unitMetaSchema: {properties: {age: {type: string}}}\n")
    for path in (bench.root / ".reconciler").glob("state.db*"):
        path.unlink()
    report = bench.import_all()
    assert [path.name for path in report.written] == ["assetset-lab-7.yaml"]
    assert "stays undeclared" in report.notes[0].summary


def test_import_twice_writes_nothing_more(bench: Any) -> None:
    bench.import_all()
    assert bench.import_all().written == ()


def test_later_plans_ask_once_per_folder(bench: Any, sage: EmbeddedSage) -> None:
    bench.import_all()
    bench.plan()
    sage.log.clear()
    assert bench.plan().is_empty
    assert [path for _, path in sage.log if path.endswith("/children")] == ["/repo/v1/entity/children"] * 5
    assert len(sage.log) == 6  # the project besides


def test_metadata_of_existing_files_is_written_in_place(bench: Any, sage: EmbeddedSage) -> None:
    bench.import_all()
    for path in (bench.root / "imported").glob("assetset-*"):
        path.write_text(path.read_text() + "  meta: {reviewed: true}\n")
    sage.log.clear()
    assert bench.apply().exit_code is ExitCode.OK
    assert {path.rsplit("/", 1)[-1] for _, path in sage.writes} == {"annotations2"}
    found = sage_call(bench, "GET", f"/repo/v1/entity/{bench.owned()['AssetSet/lab-7']['scans/a.txt']}/annotations2")
    assert sorted(found["annotations"]) == ["age", "doses", "reviewed", "site", "when"]
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_file_that_others_changed_is_recorded_and_not_written(bench: Any, sage: EmbeddedSage) -> None:
    bench.import_all()
    remote_id = bench.owned()["AssetSet/lab-7"]["scans/a.txt"]
    entity = sage_call(bench, "GET", f"/repo/v1/entity/{remote_id}")
    sage_call(bench, "PUT", f"/repo/v1/entity/{remote_id}", entity | {"name": "z.txt"})
    sage.log.clear()
    assert bench.apply().exit_code is ExitCode.OK
    assert sage.writes == []
    assert "scans/z.txt" in bench.owned()["AssetSet/lab-7"]


def test_key_rule_of_existing_files_is_refused(bench: Any) -> None:
    bench.set("AssetSet", "all", collection={"id": "syn1"}, existing={"key": {"regex": "(.+)"}})
    with pytest.raises(ConfigError, match="knows files by their place"):
        bench.plan()
