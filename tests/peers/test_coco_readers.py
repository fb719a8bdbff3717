"""Exports as COCO, read by pycocotools: the same pictures, the same pixels, and a perfect score against themselves."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.support.carrying import Carried, carry, pictures_of

DATA = Path(__file__).parents[1] / "data/coco_mini"
SETS = {"instances_val": "bbox segm", "instances_train": "bbox segm", "person_keypoints_val": "bbox segm keypoints"}
# What the reader adds to the rows that it has loaded.
PARTS = ("images", "categories", "annotations")


@pytest.fixture(scope="module", params=list(SETS))
def carried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Carried]:
    root = tmp_path_factory.mktemp("coco")
    source = DATA / f"{request.param}.json"
    (root / "given.json").write_bytes(source.read_bytes())
    given = {"format": "coco", "url": "given.json"}
    options = {"options": {"reference": "given.json"}, "geometry": "keep"}
    return request.param, carry(root, pictures_of(source), given, {"out": {"format": "coco", **options}})


def _loaded(path: Path) -> Any:
    from pycocotools.coco import COCO

    return COCO(str(path))


def _both(carried: Carried) -> tuple[Any, Any]:
    return _loaded(carried.root / "given.json"), _loaded(carried.exports["out"] / "annotations/instances.json")


def _by_id(rows: Any) -> dict[int, Any]:
    return {row["id"]: row for row in rows}


@pytest.mark.parametrize("part", PARTS)
def test_coco_rows_come_back_equal(carried: tuple[str, Carried], part: str) -> None:
    given, out = _both(carried[1])
    assert _by_id(out.dataset[part]) == _by_id(given.dataset[part])


def test_coco_masks_have_the_same_pixels(carried: tuple[str, Carried]) -> None:
    given, out = _both(carried[1])
    assert given.anns
    for number, row in given.anns.items():
        assert (out.annToMask(out.anns[number]) == given.annToMask(row)).all()


def test_coco_export_against_itself_scores_one(carried: tuple[str, Carried]) -> None:
    from pycocotools.cocoeval import COCOeval

    for kind in SETS[carried[0]].split():
        truth = _loaded(carried[1].exports["out"] / "annotations/instances.json")  # a score changes the rows
        rows = [row for row in truth.dataset["annotations"] if not row["iscrowd"]]
        rows = [row for row in rows if kind != "keypoints" or row["num_keypoints"]]
        scored = truth.loadRes([{**row, "score": 1.0} for row in copy.deepcopy(rows)])
        evaluation = COCOeval(truth, scored, kind)
        evaluation.params.maxDets = [20] if kind == "keypoints" else [1, 10, 1000]
        evaluation.evaluate()
        evaluation.accumulate()
        precision = evaluation.eval["precision"][:, :, :, 0, -1]  # objects of every size, as many as there are
        assert precision[precision > -1].size
        assert precision[precision > -1].min() == pytest.approx(1.0)
