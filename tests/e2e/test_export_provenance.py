"""What an export says of its making: enough to find it again, and nothing that makes equal data differ."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from reconciler.errors import ExitCode
from tests.support.workspace import Bench, make_bench

SUMMARY = "out/metadata/export_summary.json"
BOX = {"id": "x", "type": "bbox", "data": [1, 2, 3, 4], "classification": "cat"}

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path)
    made.set("AnnotationProject", "p", title="P", collection="pics", category="image")
    made.set("TaskSet", "tasks", project="p", assets="pics-2026")
    made.set("Export", "out", target="task", project="p", format="coco", destination={"url": "out"})
    _git(made, "init", "-q")
    _commit(made)
    assert made.apply().exit_code is ExitCode.OK
    return made


def _git(bench: Bench, *arguments: str) -> str:
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=bench.root, check=True, capture_output=True, text=True).stdout.strip()


def _commit(bench: Bench) -> None:
    _git(bench, "add", "main.yaml")
    _git(bench, "commit", "-q", "--allow-empty", "-m", "Change")


def _provenance(bench: Bench) -> dict:
    return json.loads((bench.root / SUMMARY).read_text())["provenance"]


def _annotate(bench: Bench) -> None:
    task = bench.owned()["TaskSet/tasks"]["b"]
    payload = {"annotations": {"image_1": [BOX]}}
    bench.with_provider(lambda provider: provider.annotate(task, payload, submit=True))


def _files(bench: Bench) -> dict[str, tuple[int, int, bytes]]:
    found = (path for path in (bench.root / "out").rglob("*") if path.is_file())
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def test_summary_names_commit_plan_source_and_tool(bench):
    found = _provenance(bench)
    assert (found["commit"], found["uncommitted"]) == (_git(bench, "rev-parse", "HEAD"), False)
    assert found["source"]["project"] == bench.remote_id("AnnotationProject/p")
    assert (found["source"]["backend"], found["tool"].split()[0]) == ("local", "reconciler")
    assert len(found["plan"]) == len(found["configuration"])
    assert found["checksums"] == "metadata/export_manifest.json"
    assert found["commit"] in (bench.root / "out/README.md").read_text()


def test_new_commit_alone_writes_nothing(bench):
    before = _files(bench)
    _commit(bench)
    assert bench.plan().is_empty
    assert bench.apply().exit_code is ExitCode.OK
    assert _files(bench) == before


def test_repair_under_another_commit_gives_the_same_bytes_and_touches_only_the_damage(bench):
    before = _files(bench)
    lost = bench.root / "out/annotations/instances.json"
    lost.unlink()
    _commit(bench)
    assert bench.apply().exit_code is ExitCode.OK
    after = _files(bench)
    assert {path: content for path, (_, _, content) in after.items()} == {
        p: content for p, (_, _, content) in before.items()
    }
    assert [path for path in after if after[path] != before[path]] == [str(lost)]


def test_changed_data_tells_of_the_commit_that_wrote_it(bench):
    first = _provenance(bench)
    _annotate(bench)
    _commit(bench)
    assert bench.apply().exit_code is ExitCode.OK
    second = _provenance(bench)
    assert second["commit"] == _git(bench, "rev-parse", "HEAD") != first["commit"]
    assert second["plan"] != first["plan"]


def test_documents_that_differ_from_the_commit_are_told(bench):
    bench.set("Export", "out", classes=["cat"])
    _annotate(bench)
    assert bench.apply().exit_code is ExitCode.OK
    assert _provenance(bench)["uncommitted"] is True
    assert "and changes that were not committed" in (bench.root / "out/README.md").read_text()


def test_what_is_exported_into_the_repository_is_no_change_of_its_documents(bench):
    _annotate(bench)
    assert bench.apply().exit_code is ExitCode.OK
    assert _provenance(bench)["uncommitted"] is False


def test_workspace_in_no_repository_names_no_commit(bench):
    shutil.rmtree(bench.root / ".git")
    _annotate(bench)
    assert bench.apply().exit_code is ExitCode.OK
    assert "commit" not in _provenance(bench)


def test_same_data_at_two_places_is_the_same_but_for_the_name_of_the_export(bench):
    spec = bench.documents["Export", "out"]
    bench.set("Export", "two", **{**spec, "destination": {"url": "two"}})
    _commit(bench)
    bench.remove("Export", "two")
    bench.set("Export", "two", **{**spec, "destination": {"url": "two"}})
    assert bench.apply().exit_code is ExitCode.OK
    for name in ("annotations/instances.json", "images/a.jpg", "classes.json"):
        assert (bench.root / "out" / name).read_bytes() == (bench.root / "two" / name).read_bytes()
    one, two = (json.loads((bench.root / name / "metadata/export_summary.json").read_text()) for name in ("out", "two"))
    assert one["provenance"]["source"] == two["provenance"]["source"]
    assert one["provenance"]["plan"] == two["provenance"]["plan"]
