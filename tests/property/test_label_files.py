"""LabelMe and Label Studio files with something wrong in them: never an exception, and accounts that add up."""

import copy
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.formats.annotations import Box, Document, MediaAnnotations
from reconciler.formats.brush_rle import decode_brush, encode_brush
from reconciler.formats.geometry import corners
from reconciler.formats.imported import imported_part
from reconciler.formats.labelme_write import LabelmeWriter
from reconciler.formats.labelstudio_write import LabelstudioOptions, LabelstudioWriter
from reconciler.formats.reading import Annotated
from tests.support.datasets import as_item, read_dataset, write_dataset
from tests.support.labelstudio_tasks import picture_task

LABELME = {
    "version": "5.5.0",
    "flags": {"night": True},
    "shapes": [
        {
            "label": "a",
            "points": [[1.0, 2.0], [8.0, 2.0], [3.0, 9.0]],
            "group_id": 1,
            "shape_type": "polygon",
            "flags": {},
        },
        {
            "label": "b",
            "points": [[1.0, 2.0], [8.0, 6.0]],
            "group_id": None,
            "shape_type": "circle",
            "flags": {"x": True},
        },
        {"label": "c", "points": [[1.0, 2.0], [8.0, 6.0]], "group_id": 1, "shape_type": "points", "description": "d"},
    ],
    "imagePath": "one.jpg",
    "imageHeight": 20,
    "imageWidth": 30,
}
WRONG = st.sampled_from([None, True, -1, 0, 1e300, "", "x", [], {}, [None], {"a": 1}, "\ud800", float("nan"), 10**30])


def _places(value, path=()):
    """Every place in a JSON value."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        if key != "rle":
            yield from _places(inner, (*path, key))


def _changed(value, path, wrong, *, drop):
    copied = copy.deepcopy(value)
    if not path:
        return wrong
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = wrong
    return copied


def _survives(value, format, writer):
    text = json.dumps(value)
    found, _ = read_dataset({"a.json": text.encode()}, format)
    items = [as_item(one) for one in found if one.name]
    if items:
        assert write_dataset(writer, items[:1])


@st.composite
def _damaged(draw, base):
    place = draw(st.sampled_from(list(_places(base))))
    return _changed(base, place, draw(WRONG), drop=draw(st.booleans()))


CALM = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@CALM
@given(_damaged(LABELME))
def test_damaged_labelme_file_never_costs_the_run(value):
    _survives(value, "labelme", LabelmeWriter())


@CALM
@given(_damaged(picture_task()))
def test_damaged_task_never_costs_the_run(task):
    _survives([task], "labelstudio", LabelstudioWriter())
    _survives([task], "labelstudio", LabelstudioWriter(LabelstudioOptions(form="json-min")))


@CALM
@given(st.data())
def test_damaged_record_of_an_import_never_costs_the_run(data):
    format, base, writer = data.draw(
        st.sampled_from([("labelme", LABELME, LabelmeWriter()), ("labelstudio", [picture_task()], LabelstudioWriter())])
    )
    found, _ = read_dataset({"a.json": json.dumps(base).encode()}, format)
    item = as_item(found[0])
    media = item.data["extra"]["image_1"]
    place = data.draw(st.sampled_from(list(_places(media[format]))))
    media[format] = _changed(media[format], place, data.draw(WRONG), drop=data.draw(st.booleans()))
    assert write_dataset(writer, [item])


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_brush_comes_back_pixel_by_pixel(width, height, data):
    pixels = data.draw(st.lists(st.booleans(), min_size=width * height, max_size=width * height))
    runs, at = [], 0
    while at < len(pixels):
        end = at
        while end < len(pixels) and pixels[end]:
            end += 1
        if end > at:
            runs.append((at, end - at))
        at = max(end, at + 1)
    assert decode_brush(encode_brush(tuple(runs), (width, height)), (width, height)) == tuple(runs)


SIDE = st.floats(1, 60, allow_nan=False)
BOXES = st.lists(st.tuples(SIDE, SIDE, SIDE, SIDE, st.floats(-3.1, 3.1, allow_nan=False)), min_size=1, max_size=5)


@CALM
@given(BOXES)
def test_turned_boxes_come_back_from_label_studio_within_a_millionth_of_a_pixel(sides):
    boxes = [Box(100 + x, 100 + y, width, height, turn) for x, y, width, height, turn in sides]
    parts = [imported_part(f"a{n}", "bounding_box", box, "c", {}) for n, box in enumerate(boxes)]
    media = MediaAnnotations("image_1", tuple(parts), 400, 300)
    item = as_item(Annotated("one.jpg", Document((media,))))
    written = write_dataset(LabelstudioWriter(), [item])
    found, problems = read_dataset({"tasks.json": written["tasks.json"]}, "labelstudio")
    assert problems == []
    for before, after in zip(boxes, found[0].document.media[0].annotations, strict=True):
        pairs = zip(corners(before), corners(after.shape), strict=True)
        assert all(abs(a - b) < 2e-6 for one, other in pairs for a, b in zip(one, other, strict=True))
