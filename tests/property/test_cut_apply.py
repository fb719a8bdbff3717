"""An apply cut at any request converges: one more apply, and content, ownership and plan are as if nothing happened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from tests.support.cutting import Cut, Cutter
from tests.support.workspace import Bench, make_bench

KEYS = [f"u{number}" for number in range(7)]


def _new(root: Path) -> Bench:
    bench = make_bench(root, KEYS, batch_rows=3)
    bench.set(
        "AnnotationProject",
        "objects",
        title="Objects",
        collection="pics",
        category="image",
        classes={"bounding_box": ["cat"]},
    )
    annotations = {"format": "coco", "url": "coco.json", "specification": "image_1"}
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    bench.set("AssetSet", "pics-2026", prune=True)
    images = [{"id": n, "file_name": f"{key}.jpg", "width": 10, "height": 10} for n, key in enumerate(KEYS[:4], 1)]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0} for n in range(1, 5)
    ]
    coco = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}]}
    (root / "coco.json").write_text(json.dumps(coco))
    return bench


def _change(bench: Bench) -> None:
    """A rename, a new picture, a changed label, new metadata, a lost unit, a new title."""
    data = bench.root / "data"
    for suffix in ("jpg", "json"):
        (data / f"u0.{suffix}").rename(data / f"z.{suffix}")
        (data / f"u1.{suffix}").unlink()
    (data / "u2.json").write_text('{"label": "changed"}')
    (data / "new.jpg").write_bytes(b"\xff\xd8\xff new")
    table = bench.root / "ages.csv"
    table.write_text(table.read_text().replace("u3,23", "u3,33"))
    bench.set("Collection", "pics", title="Other title")


def _content(bench: Bench) -> dict[str, object]:
    """Everything at the backend that is ours to decide, without ids and times."""
    units = bench.call("GET", "/data_units/?expand=files&page_size=100")["results"]
    tasks = bench.call("GET", "/v2/tasks/?per_page=200")["data"]
    keys = {unit["id"]: unit["meta"]["reconciler"]["key"] for unit in units}
    fetched = bench.call("POST", "/v2/tasks/bulk-fetch/", json={"ids": [task["id"] for task in tasks]})["data"]
    return {
        "units": sorted(
            json.dumps({"meta": u["meta"], "files": {s: f["checksum"] for s, f in u["files"].items()}}, sort_keys=True)
            for u in units
        ),
        "tasks": sorted(json.dumps([keys[t["data_unit_id"]], t["data"]], sort_keys=True) for t in fetched),
        "collections": [c["name"] for c in bench.call("GET", "/v2/data-collections/")["data"]],
        "projects": [p["title"] for p in bench.call("GET", "/v2/projects/")["data"]],
    }


def _owned_keys(bench: Bench) -> dict[str, list[str]]:
    return {address: sorted(rows) for address, rows in bench.owned().items()}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """An uninterrupted run: content after each phase, requests made in each, and the workspace between them."""
    root = tmp_path_factory.mktemp("reference")
    bench = _new(root)
    counters = [Cutter(), Cutter()]
    bench.open_backend = counters[0].open
    assert bench.apply().exit_code is ExitCode.OK
    first = (_content(bench), _owned_keys(bench))
    between = tmp_path_factory.mktemp("between") / "w"
    shutil.copytree(root, between)
    _change(bench)
    bench.open_backend = counters[1].open
    assert bench.apply().exit_code is ExitCode.OK
    second = (_content(bench), _owned_keys(bench))
    return {"first": first, "second": second, "between": between, "requests": [c.requests for c in counters]}


def _check(bench: Bench, expected: tuple[dict[str, object], dict[str, list[str]]]) -> None:
    bench.open_backend = Cutter().open
    assert bench.apply().exit_code is ExitCode.OK
    assert _content(bench) == expected[0]
    assert _owned_keys(bench) == expected[1]
    planned = bench.plan()
    assert planned.is_empty, planned.text


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_first_apply_cut_at_every_request_converges(reference, tmp_path, after):
    for number in range(reference["requests"][0]):
        bench = _new(_folder(tmp_path / str(number)))
        bench.open_backend = Cutter(number, after).open
        with pytest.raises(Cut):
            bench.apply()
        _check(bench, reference["first"])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_changing_apply_cut_at_every_request_converges(reference, tmp_path, after):
    for number in range(reference["requests"][1]):
        root = tmp_path / str(number)
        shutil.copytree(reference["between"], root)
        bench = _reopened(root)
        _change(bench)
        bench.open_backend = Cutter(number, after).open
        with pytest.raises(Cut):
            bench.apply()
        _check(bench, reference["second"])


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _reopened(root: Path) -> Bench:
    template = _new(_folder(root.with_name(f"{root.name}-template")))
    return Bench(root, template.documents, batch_rows=template.batch_rows)
