"""LabelMe and Label Studio files with something wrong in them: never an exception, and accounts that add up."""

import copy
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.formats.brush_rle import decode_brush, encode_brush
from reconciler.formats.labelme_write import LabelmeWriter
from reconciler.formats.labelstudio_write import LabelstudioOptions, LabelstudioWriter
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


def _survives(value, format, writer, raw=None):
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
