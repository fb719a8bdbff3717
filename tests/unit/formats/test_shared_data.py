"""Every data set of the shared data: read, stored as tasks, written in its format and read again, it is the same."""

import json
from pathlib import Path

import pytest

from reconciler.engine.dataset_files import open_dataset
from reconciler.formats.dm import decode_payload, encode_v1
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.readers import READERS
from reconciler.formats.reading import Reading
from reconciler.model.resource import GeometryPolicy
from tests.support.every_format import Variant, read, write
from tests.support.shared_data import shared

YOLO = "formats/yolo_ultralytics/"
SETS = [
    ("coco", "coco_mini/annotations/instances_val.json", {}),
    ("coco", "coco_mini/annotations/instances_train.json", {}),
    ("coco", "coco_mini/annotations/person_keypoints_val.json", {}),
    ("coco", "coco_mini/annotations/person_keypoints_train.json", {}),
    ("coco", "coco_mini/annotations/captions_val.json", {}),
    ("coco", "coco_mini/upstream/val_instances.json", {}),
    ("coco", "coco_mini/upstream/train_instances.json", {}),
    ("coco", "labelme/instance_segmentation/data_dataset_coco/annotations.json", {}),
    ("coco", "formats/coco/coco_instances/annotations/instances_val.json", {}),
    ("coco", "formats/coco/coco_person_keypoints/annotations/person_keypoints_val.json", {}),
    ("voc", "bccd_voc", {}),
    ("voc", "formats/voc/voc_dataset1", {"classLists": True}),
    ("voc", "formats/voc/voc_dataset2", {}),
    ("voc", "formats/voc/voc_dataset3", {}),
    ("cvat", "formats/cvat/for_images/export_task", {}),
    ("cvat", "cvat_estop", {}),
    ("labelme", "labelme/instance_segmentation/data_annotated", {}),
    ("labelme", "labelme/primitives", {}),
    ("labelstudio", "labelstudio/test_export_coco", {}),
    ("labelstudio", "labelstudio/test_export_yolo", {}),
    ("labelstudio", "labelstudio/test_export_json_min", {}),
    ("yolo", YOLO + "yolo", {"layout": "legacy"}),
    ("yolo", YOLO + "yolov8_detection", {}),
    ("yolo", YOLO + "yolov8_detection_with_list_of_imgs", {}),
    ("yolo", YOLO + "yolov8_detection_with_list_of_names", {}),
    ("yolo", YOLO + "yolov8_segmentation", {"task": "segment"}),
    ("yolo", YOLO + "yolov8_pose", {"task": "pose"}),
    ("yolo", YOLO + "yolov8_oriented_boxes", {"task": "obb"}),
    ("yolo", YOLO + "yolov8_classification", {"task": "classify"}),
    ("imagefolder", YOLO + "yolov8_classification/train", {}),
]
READER_OPTIONS = {"yolov8_oriented_boxes": {"task": "obb"}}
PAYLOADS = [
    ("boxes_seed", "assignments", "data"),
    ("instances_seed", "assignments", "data"),
    ("keypoints_seed", "assignments", "data"),
    ("instances_sdk", "assignments", "data"),
    ("masks_sdk", "assignments", "data"),
    ("keypoints_sdk", "assignments", "data"),
    ("instances_sdk", "annotation_data_v2", "annotation_data"),
    ("masks_sdk", "annotation_data_v2", "annotation_data"),
    ("keypoints_sdk", "annotation_data_v2", "annotation_data"),
]


def _items(format, place):
    problems = []
    files = open_dataset(str(shared(place)), Path("/"), {})
    options = READER_OPTIONS.get(Path(place).name, {})
    for number, one in enumerate(READERS[format](Reading(files, "image_1", problems.append, options))):
        media, leaf = one.document.media[0], Path(one.name).name
        width, height = media.size or files.picture_size(one.name) or (None, None)
        name = leaf if Path(leaf).suffix else f"{leaf}.jpg"
        file = MediaFile(name, width=width, height=height, type="image", is_primary=True)
        payload = json.loads(json.dumps(encode_v1(one.document)))
        yield ExportItem(f"{number:05}", "1", payload, {"image_1": file})


def _rows(document):
    """Class, shape and attributes of every annotation, sorted; ids are the platform's."""
    rows = [a for media in document.media for a in media.annotations]
    return sorted((str(a.class_name), repr(_rounded(a.shape)), _said(a)) for a in rows)


def _said(annotation):
    """Attributes, but for the id of what it is a part of."""
    return sorted((name, "" if name == "part_of" else str(value)) for name, value in annotation.attributes.items())


def _rounded(shape):
    """As it is, with numbers to a ten thousandth of a pixel."""
    text = json.dumps(_plain(shape))
    return json.loads(text, parse_float=lambda number: round(float(number), 4), parse_int=float)


def _plain(shape):
    return [type(shape).__name__, *(getattr(shape, name) for name in shape.__slots__ if name != "point_ids")]


@pytest.mark.parametrize(("format", "place", "options"), SETS, ids=lambda v: v if isinstance(v, str) else "")
def test_data_set_is_the_same_after_it_was_tasks(format, place, options):
    items = list(_items(format, place))
    variant = Variant(format, options)
    written = write(variant.writer(geometry=GeometryPolicy("keep")), *items)
    for account in written.accounts:
        assert account.read == account.written + account.dropped + account.failed
    back = {}  # captions have a file of their own in COCO
    for one in read(variant, written)[0]:
        back.setdefault(Path(one.name).name.split(".")[0], []).extend(_rows(one.document))
    assert any(back.values())
    for item in items:
        assert back.get(item.key, []) == _rows(decode_payload(item.data).document)


@pytest.mark.parametrize(("kind", "name", "member"), PAYLOADS, ids=lambda value: str(value))
def test_payload_is_the_same_after_it_was_exported(kind, name, member):
    lines = shared(f"dm_assignments/{kind}/{name}.jsonl").read_text().splitlines()
    for line in lines:
        payload = json.loads(line)[member]
        written = write(Variant("synapse-json", {}).writer(), ExportItem("k", "1", payload))
        assert json.loads(written.files["annotations/k.json"]) == payload
        assert written.accounts[0].read == written.accounts[0].written
