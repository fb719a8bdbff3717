"""What survives which format: docs/formats/matrix.md, made of real runs; RECONCILER_REWRITE_GOLDENS=1 writes it."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.engine.dataset_files import open_dataset
from reconciler.formats.account import Outcome
from reconciler.formats.annotations import Box, Mask, Point, Polygon, Polyline, Skeleton
from reconciler.formats.dm import decode_payload, encode_v1
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.readers import READERS
from reconciler.formats.reading import Reading
from reconciler.formats.writers import OPTION_SCHEMAS
from reconciler.model.resource import GeometryPolicy
from tests.support.every_format import NO_ANNOTATIONS, Variant, read, write
from tests.support.golden import assert_file_holds
from tests.support.shapes import DRAWN, extent
from tests.support.shared_data import COPIED

ROOT = Path(__file__).parents[3]
TASKS = [Variant("yolo", {"task": task}) for task in ("detect", "segment", "pose", "obb")]
# Parquet has the columns of JSONL and needs a package that these tests do without.
NAMES = sorted(set(OPTION_SCHEMAS) - set(NO_ANNOTATIONS) - {"yolo", "parquet"})
COLUMNS = [*(Variant(name, {}) for name in NAMES), *TASKS]
SIZE = (40, 30)

CAR = {"class": "car"}
BOX = {"x": 4, "y": 5, "width": 10.5, "height": 8}
RING = [{"x": 4, "y": 5}, {"x": 20, "y": 6}, {"x": 12, "y": 20.25}]
HOLE = [{"x": 10, "y": 8}, {"x": 14, "y": 8}, {"x": 12, "y": 12}]
RUNS = [[405, 10], [445, 10], [485, 4]]
MASK = {"pixel_indices": RUNS, "isCompressed": True, "compressionFormat": "rle"}
AXES = {"x": 1, "y": 2, "z": 3}
PLACE = {"position": AXES, "scale": AXES, "rotation": AXES}
ENTITY = {"ranges": [{"start": 1, "end": 2}], "content": "x"}


def _rows(*drawn, media="image_1", groups=(), relations=()):
    """A payload of (tool, geometry row, class or classification)."""
    rows = [
        {"id": f"a{n}", "tool": tool, "classification": {"class": of} if isinstance(of, str) else of}
        for n, (tool, _, of) in enumerate(drawn)
    ]
    return {
        "annotations": {media: rows},
        "annotationsData": {media: [{"id": f"a{n}", **data} for n, (_, data, _) in enumerate(drawn)]},
        "annotationGroups": {media: [{"id": f"g{n}", "annotationIds": list(ids)} for n, ids in enumerate(groups)]},
        "relations": {media: [{"id": "r", "annotationId": a, "targetAnnotationId": b} for a, b in relations]},
        "extra": {"image_1": {"width": SIZE[0], "height": SIZE[1]}},
    }


def _at(x, y, joint, **said):
    return "keypoint", {"coordinate": {"x": x, "y": y}}, {"class": joint, **said}


_BOX, _RING = ("bounding_box", {"coordinate": BOX}, "car"), ("polygon", {"coordinate": RING}, "car")
_OTHER = ("polygon", {"coordinate": [{"x": p["x"] + 20, "y": p["y"]} for p in RING]}, "car")
POSE = [_at(5, 6, "head", visibility="visible"), _at(7, 9, "hand", visibility="occluded")]
KINDS = {
    "box": _rows(_BOX),
    "turned box": _rows(("bounding_box", {"coordinate": {**BOX, "x": 12, "rotation": 0.5}}, "car")),
    "polygon": _rows(_RING),
    "polygon with a hole": _rows(("polygon", {"coordinate": RING, "holes": [HOLE]}, "car")),
    "polygons of one object (group)": _rows(_RING, _OTHER, groups=[("a0", "a1")]),
    "mask": _rows(("segmentation", MASK, "car")),
    "mask that is a crowd": _rows(("segmentation", MASK, {**CAR, "iscrowd": 1})),
    "polyline": _rows(("polyline", {"coordinate": RING}, "car")),
    "keypoint": _rows(_at(5.5, 6, "nose", visibility="visible")),
    "pose (box and joints in a group)": _rows(_BOX, *POSE, groups=[("a0", "a1", "a2")]),
    "classification": _rows(("classification", {}, "car")),
    "caption": _rows(("classification", {}, {"class": "caption", "caption": "A car."})),
    "attributes of a box": _rows(("bounding_box", {"coordinate": BOX}, {**CAR, "color": "red"})),
    "box without a class": _rows(("bounding_box", {"coordinate": BOX}, None)),
    "group of unlike things": _rows(_BOX, ("polygon", {"coordinate": RING}, "dog"), groups=[("a0", "a1")]),
    "relation": _rows(_BOX, _RING, relations=[("a0", "a1")]),
    "track of a video": _rows(("bounding_box", {"coordinates": {"0": BOX}}, "car"), media="video_1"),
    "stretch of audio": _rows(("segmentation", {"section": {"start": 0.5, "end": 2}}, "car"), media="audio_1"),
    "named entity": _rows(("named_entity", ENTITY, "car"), media="text_1"),
    "3D box": _rows(("3d_bounding_box", {"psr": PLACE}, "car"), media="pcd_1"),
    "prompt": _rows(("prompt", {"input": [{"type": "text", "value": "v"}], "model": "m"}, "car"), media="prompt_1"),
}


SUFFIXES = {"video_1": ".mp4", "audio_1": ".wav", "text_1": ".txt", "pcd_1": ".pcd", "prompt_1": ".json"}


def _item(payload, name="k.png", size=SIZE):
    media = {"image_1": MediaFile(name, width=size[0], height=size[1], type="image", is_primary=True)}
    for other in payload["annotations"].keys() & SUFFIXES.keys():
        media = {other: MediaFile(f"k{SUFFIXES[other]}", is_primary=True)}
    return ExportItem(Path(name).stem, "1", json.loads(json.dumps(payload)), media)


def _pictures(variant, *items):
    """What was written, and key → the annotations that its reader gives."""
    written = write(variant.writer(geometry=GeometryPolicy("keep")), *items)
    found = {}
    (specification,) = {spec for item in items for spec in item.media}
    for one in read(variant, written, specification)[0]:
        document = one.document or decode_payload(one.payload).document
        rows = [a for m in document.media for a in m.annotations]
        found.setdefault(Path(one.name).name.split(".")[0], []).extend(rows)
    return written, found


def _drawn(payload):
    return [a for m in decode_payload(payload).document.media for a in m.annotations]


def _said(annotation):
    """Attributes as texts, since some formats know nothing else."""
    return {k: str(v) for k, v in annotation.attributes.items()}


def _is_same(one, other, slack):
    """Whether two annotations are of one class and shape, no number further off than `slack` pixels."""
    if one.class_name != other.class_name or type(one.shape) is not type(other.shape):
        return False
    a, b = _numbers(one.shape), _numbers(other.shape)
    if a is None or b is None:
        return one.shape == other.shape
    return len(a) == len(b) and all(abs(x - y) <= slack for x, y in zip(a, b, strict=True))


def _numbers(shape):
    """Every edge and point in pixels; None for shapes that are compared as they are."""
    if isinstance(shape, Box):
        return [shape.x, shape.y, shape.x + shape.width, shape.y + shape.height, shape.rotation or 0]
    if isinstance(shape, Point):
        return [shape.x, shape.y]
    if isinstance(shape, (Polygon, Polyline)):
        rings = [shape.points, *getattr(shape, "holes", ())]
        return [v for ring in rings for point in ring for v in point]
    if isinstance(shape, Mask):
        return [i for start, length in shape.runs for i in range(start, start + length)]
    return None


def _cell(variant, payload):
    """How one kind comes out of a format: `=`, `≈`, or why not."""
    written, found = _pictures(variant, _item(payload))
    account, given = written.outputs[0].account, _drawn(payload)
    reasons = {e.reason.value for e in account.entries if e.annotations or account.read == account.written}
    if not account.written:
        return f"– {' '.join(sorted(reasons))}"
    back = found.get("k", [])
    for slack, mark in ((1e-5, "="), (0.5, "≈")):
        if all(any(_is_same(a, b, slack) and _said(a) == _said(b) for b in back) for a in given):
            return mark if not reasons else f"{mark} {' '.join(sorted(reasons))}"
    return f"~ {' '.join(sorted(reasons))}".strip()


SAMPLES = {
    "COCO, `coco_mini/instances_val.json`": ("coco", "coco_mini", "instances_val.json", {}),
    "COCO, `coco_mini/person_keypoints_val.json`": ("coco", "coco_mini", "person_keypoints_val.json", {}),
    "VOC, `voc/bccd`": ("voc", "voc/bccd", "", {}),
    "VOC, `voc/voc2007`": ("voc", "voc/voc2007", "", {}),
    "CVAT, `cvat/export_task`": ("cvat", "cvat/export_task", "", {}),
    "CVAT, `cvat/estop`": ("cvat", "cvat/estop", "", {}),
    "Label Studio, `labelstudio/test_export_coco`": ("labelstudio", "labelstudio/test_export_coco", "", {}),
    "Label Studio, `labelstudio/test_export_yolo`": ("labelstudio", "labelstudio/test_export_yolo", "", {}),
    "YOLO detect, `yolo/yolov8_detection`": ("yolo", "yolo/yolov8_detection", "", {}),
    "YOLO segment, `yolo/yolov8_segmentation`": ("yolo", "yolo/yolov8_segmentation", "", {}),
    "YOLO pose, `yolo/yolov8_pose`": ("yolo", "yolo/yolov8_pose", "", {}),
    "YOLO OBB, `yolo/yolov8_oriented_boxes`": ("yolo", "yolo/yolov8_oriented_boxes", "", {"task": "obb"}),
}
PAYLOADS = ("boxes_seed", "instances_sdk", "masks_sdk", "keypoints_seed")


def _sample(format, folder, name, options):
    files = open_dataset(str(COPIED / folder / name), Path("/"), {})
    for one in READERS[format](Reading(files, "image_1", lambda _: None, options)):
        media, leaf = one.document.media[0], Path(one.name).name
        name = leaf if Path(leaf).suffix else f"{leaf}.jpg"  # Label Studio may name a picture without one
        yield _item(encode_v1(one.document), name, media.size or files.picture_size(one.name) or SIZE)


def _payload_sample(kind):
    for number, line in enumerate((COPIED / "dm_assignments" / kind / "assignments.jsonl").read_text().splitlines()):
        payload = json.loads(line)["data"]
        media = decode_payload(payload).document.media[0]
        yield _item(payload, f"{number}.jpg", media.size or SIZE)


@dataclass
class _Fate:
    """What became of some annotations. changed: they come back as another shape that covers the same place."""

    same: int = 0
    changed: int = 0
    told: int = 0
    silent: list[str] = field(default_factory=list)


def _fate(variant, items):
    written, found = _pictures(variant, *items)
    fate = _Fate()
    for item, output in zip(sorted(items, key=lambda i: i.key), written.outputs, strict=True):
        back = list(found.get(item.key, []))
        entries = [e for e in output.account.entries if e.outcome is not Outcome.CLIPPED]
        touched = {i for e in entries for i in e.annotations}
        for annotation in _drawn(item.data):
            match = next((b for b in back if _is_same(annotation, b, 0.51)), None)
            if match is not None:
                back.remove(match)
                fate.same += 1
            elif annotation.id in touched:
                fate.told += 1
            elif any(_covers(b, annotation, item.media["image_1"].width) for b in back):
                fate.changed += 1
            else:
                fate.silent.append(f"{variant}: {item.key} {annotation}")
    return fate


def _covers(one, other, width):
    """Whether a shape reaches at least as far as another; joints have names of their own in place of the class."""
    if not isinstance(one.shape, DRAWN) or not isinstance(other.shape, DRAWN):
        return False
    if one.class_name != other.class_name and not isinstance(other.shape, Skeleton):
        return False
    if isinstance(other.shape, Skeleton):
        return isinstance(one.shape, (Point, Skeleton))
    a, b = extent(one.shape, width), extent(other.shape, width)
    return a[0] <= b[0] + 0.51 and a[1] <= b[1] + 0.51 and a[2] >= b[2] - 0.51 and a[3] >= b[3] - 0.51


def _row(title, items):
    fates = [_fate(variant, items) for variant in COLUMNS]
    assert [line for fate in fates for line in fate.silent] == []
    cells = [" / ".join(map(str, (fate.same, fate.changed, fate.told))) for fate in fates]
    return f"| {title} ({sum(len(_drawn(item.data)) for item in items)}) | " + " | ".join(cells) + " |"


def _table(first, rows):
    names = [f"`{v.options['task']}`" if v.options else f"`{v.format}`" for v in COLUMNS]
    return [f"| {first} | " + " | ".join(names) + " |", "| --- " * (len(COLUMNS) + 1) + "|", *rows]


INTRODUCTION = """# What survives which format

Made by `tests/unit/formats/test_matrix.py` from runs of the writers and readers: what is written here is what they do.
`detect`, `segment`, `pose` and `obb` are the tasks of `yolo`. `parquet` is as `jsonl`.

## Kinds of annotations

Each kind is written under `geometry: keep` with the options at their defaults, and read again by the format's reader.

- `=` comes back as it was; `≈` with coordinates at most half a pixel off;
- `~` is written, and comes back as something else;
- `–` is left out.

Words are the [reasons](../exports.md#the-account) that the account gives.
"""
PAIRS = """
## From format to format

Real data sets of the left column: read, stored as tasks, written as the format above, read again. *a / b / c*:

- *a* annotations come back with the class and shape that they had, no edge further off than half a pixel;
- *b* come back as another shape in the same place, which the account does not call a loss: masks as outlines, polygons
  as pixels, several rings as one joined by lines without width, polygons of four corners as boxes, a pose in one
  annotation as its joints;
- *c* are changed or left out, and the account says why.
"""


@pytest.mark.slow
def test_table_of_what_survives_is_what_the_formats_do():
    kinds = [f"| {kind} | " + " | ".join(_cell(v, payload) for v in COLUMNS) + " |" for kind, payload in KINDS.items()]
    pairs = [_row(title, list(_sample(*sample))) for title, sample in SAMPLES.items()]
    pairs += [_row(f"DM, `dm_assignments/{kind}`", list(_payload_sample(kind))) for kind in PAYLOADS]
    parts = [INTRODUCTION, *_table("Kind", kinds), PAIRS, *_table("From (annotations)", pairs)]
    assert_file_holds(ROOT / "docs/formats/matrix.md", "\n".join(parts) + "\n")
