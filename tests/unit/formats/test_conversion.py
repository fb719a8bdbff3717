"""Items converted many at a time."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from reconciler.execution.processes import ProcessExecutor
from reconciler.formats.categories import CategoryRules
from reconciler.formats.coco_write import CocoOptions, CocoWriter
from reconciler.formats.conversion import Conversion, UnreadItem
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.synapse_json import SynapseJsonWriter
from reconciler.formats.voc_write import VocWriter
from reconciler.formats.yolo_write import YoloWriter

_RULES = CategoryRules(order=("cat",), previous={"cat": 7})


def _item(number: int, payload: object) -> UnreadItem:
    media = {"image_1": MediaFile(f"{number}.jpg", 10, is_primary=True)}
    return UnreadItem(ExportItem(f"item_{number}", str(number), None, media), json.dumps(payload))


def _drawn(x: float) -> object:
    row = {"id": "a", "tool": "bounding_box", "classification": {"class": "cat", "occluded": True}}
    box = {"id": "a", "coordinate": {"x": x, "y": 2, "width": 30, "height": 40}}
    size = {"image_1": {"width": 64, "height": 48}}
    return {"annotations": {"image_1": [row]}, "annotationsData": {"image_1": [box]}, "extra": size}


@pytest.mark.parametrize(
    "writer",
    [CocoWriter(CocoOptions(categories=_RULES)), VocWriter(), YoloWriter(), SynapseJsonWriter()],
    ids=lambda writer: writer.format,
)
def test_another_process_gives_what_this_one_gives(writer):
    items = [_item(number, _drawn(number + 0.5)) for number in range(20)]
    with closing(ProcessExecutor(1)) as executor:
        there = executor.submit(Conversion(writer), items).result()
    assert there == Conversion(writer)(items)
    assert [output.account.written for output in there] == [1] * 20


def test_outputs_stand_in_the_order_of_the_items():
    items = [_item(1, _drawn(1)), _item(2, "nothing that can be read"), _item(3, None)]
    outputs = Conversion(CocoWriter())(items)
    assert [output.account.read for output in outputs] == [1, 0, 0]
    assert [len(output.problems) for output in outputs] == [0, 1, 0]
