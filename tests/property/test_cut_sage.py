"""An apply on a Sage service cut at any request converges: content, versions and ownership as if nothing happened."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from tests.support.sage_bench import files_of, put, sage_bench
from tests.support.sage_service import Cut, SageService
from tests.support.workspace import Bench


def _new(root: Path, service: SageService) -> Bench:
    bench = sage_bench(root, service, batch_rows=2)
    bench.set("AssetSet", "files", metadata=[], provenance={"name": "n", "used": ["a.txt"]})
    return bench


def _change(bench: Bench) -> None:
    """Two names exchanged, a move, new bytes, a new file, a lost one, new metadata."""
    data = bench.root / "data"
    (data / "raw/b.txt").rename(data / "t")
    (data / "raw/c.txt").rename(data / "raw/b.txt")
    (data / "t").rename(data / "raw/c.txt")
    (data / "deep/er/d.txt").rename(data / "deep/moved.txt")
    put(bench, {"a.txt": b"new bytes", "new/e.txt": b"new file"})
    bench.set("AssetSet", "files", meta={"site": "s2"})


def _facts(service: SageService) -> dict[str, object]:
    """What there is, by path; ids aside, for each run has its own."""
    return {
        "files": {path: facts[1:] for path, facts in files_of(service).items()},
        "activities": {
            path: _activity(service, entity) for path, entity in service.tree().items() if entity["activity"]
        },
    }


def _activity(service: SageService, entity: dict[str, object]) -> list[object]:
    made = service.activities[str(entity["activity"])]
    return [made.get("name"), [item["reference"]["targetVersionNumber"] for item in made["used"]]]


def _copied(service: SageService) -> SageService:
    parts = {name: copy.deepcopy(getattr(service, name)) for name in ("entities", "handles", "uploads", "activities")}
    return SageService(**parts, _ids=copy.copy(service._ids), _clock=copy.copy(service._clock))


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """An uninterrupted run: facts after each phase, requests made in each, and everything between them."""
    root, service = tmp_path_factory.mktemp("reference") / "w", SageService()
    bench = _new(root, service)
    assert bench.apply().exit_code is ExitCode.OK
    first, requests = _facts(service), len(service.log)
    between = tmp_path_factory.mktemp("between") / "w"
    shutil.copytree(root, between, copy_function=shutil.copy2)
    kept = _copied(service)
    _change(bench)
    service.log.clear()
    assert bench.apply().exit_code is ExitCode.OK
    ids = {path: facts[0] for path, facts in files_of(service).items()}
    return {
        "first": first,
        "second": _facts(service),
        "ids": ids,
        "between": (between, kept),
        "requests": (requests, len(service.log)),
    }


def _check(bench: Bench, service: SageService, expected: object) -> None:
    service.cut_at = None
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report
    assert _facts(service) == expected
    assert sorted(bench.owned()["AssetSet/files"]) == sorted(files_of(service))
    planned = bench.plan()
    assert planned.is_empty, planned.text


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_first_apply_cut_at_every_request_converges(reference, tmp_path, after):
    for number in range(reference["requests"][0]):
        service = SageService(cut_at=number, cut_after=after)
        bench = _new(tmp_path / str(number), service)
        with pytest.raises(Cut):
            bench.apply()
        _check(bench, service, reference["first"])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_changing_apply_cut_at_every_request_converges(reference, tmp_path, after):
    between, kept = reference["between"]
    for number in range(reference["requests"][1]):
        service = _copied(kept)
        root = tmp_path / str(number)
        shutil.copytree(between, root, copy_function=shutil.copy2)
        template = _new(tmp_path / f"{number}-template", service)
        bench = Bench(root, template.documents, open_backend=service.open, batch_rows=2)
        _change(bench)
        service.cut_at, service.cut_after = number, after
        with pytest.raises(Cut):
            bench.apply()
        _check(bench, service, reference["second"])
        there = files_of(service)
        assert {path: there[path][0] for path in reference["ids"] if path != "new/e.txt"} == {
            path: number for path, number in reference["ids"].items() if path != "new/e.txt"
        }
