"""Any annotations → VOC or CVAT → reader: no exception, the account adds up, geometry within what is stated."""

import json
import xml.etree.ElementTree as ET
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.formats.annotations import Annotation, Box, Document, Mask, MediaAnnotations, Point, Polyline
from reconciler.formats.cvat_write import CvatOptions, CvatWriter
from reconciler.formats.dm import encode_v1
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.voc_objects import VocRules
from reconciler.formats.voc_write import VocOptions, VocWriter
from reconciler.formats.xml_tree import XmlFault, parse
from tests.support.datasets import read_dataset, write_dataset

WIDTH, HEIGHT = 24, 16
X, Y = st.floats(-8, WIDTH + 8), st.floats(-8, HEIGHT + 8)
PAIR = st.tuples(X, Y).map(list)
TEXT = st.text(max_size=5)
VALUE = st.one_of(TEXT, st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.none(), st.lists(TEXT, max_size=2))
NAMES = st.one_of(
    TEXT, st.sampled_from(["pose", "truncated", "part_of", "occluded", "z_order", "visibility", "actions"])
)
MODES = st.sampled_from(["clip", "keep", "drop", "fail"])


@st.composite
def _masks(draw):
    cuts = sorted(draw(st.sets(st.integers(0, WIDTH * HEIGHT), min_size=2, max_size=8)))
    return [[a, b - a] for a, b in zip(cuts[::2], cuts[1::2], strict=False)]


SHAPES = st.one_of(
    st.tuples(X, Y, st.floats(0, 20), st.floats(0, 20)).map(lambda box: {"type": "bbox", "data": list(box)}),
    st.tuples(X, Y, st.floats(1, 9), st.floats(1, 9), st.floats(-4, 4)).map(
        lambda box: {"type": "bbox", "data": list(box[:4]), "rotation": box[4]}
    ),
    st.lists(PAIR, max_size=6).map(lambda points: {"type": "polygon", "data": points}),
    st.lists(PAIR, max_size=6).map(lambda points: {"type": "polyline", "data": points}),
    PAIR.map(lambda point: {"type": "point", "data": point}),
    _masks().map(lambda runs: {"type": "segmentation", "data": runs, "isCompressed": True, "compressionFormat": "rle"}),
    st.just({"type": "classification"}),
    st.just({"type": "bbox", "data": "broken"}),
)


@st.composite
def _items(draw, key):
    rows = draw(st.lists(SHAPES, max_size=6))
    said = [
        {
            **row,
            "id": f"r{i}",
            "classification": {"class": draw(TEXT), **draw(st.dictionaries(NAMES, VALUE, max_size=2))},
        }
        for i, row in enumerate(rows)
    ]
    ids = [row["id"] for row in said]
    groups = draw(st.lists(st.lists(st.sampled_from(ids), max_size=3), max_size=2)) if ids else []
    payload = {
        "annotations": {"image_1": said},
        "annotationGroups": {"image_1": [{"id": f"g{i}", "annotationIds": g} for i, g in enumerate(groups)]},
        "extra": {"image_1": {"width": WIDTH, "height": HEIGHT}} if draw(st.booleans()) else {},
    }
    return ExportItem(key, "1", payload, {"image_1": MediaFile("a.png", is_primary=True)})


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.tuples(_items("a"), _items("b")), MODES, st.sampled_from([0, 1]), st.booleans(), st.integers(0, 2))
def test_any_annotations_make_a_voc_data_set_that_can_be_read(items, mode, origin, whole, border):
    rules = VocRules(EdgePolicy(mode), origin, whole, class_lists=True)
    files = write_dataset(VocWriter(VocOptions(rules, border=border)), list(items))
    found, problems = read_dataset(files, "voc", origin=origin)
    assert len(found) == 2
    assert mode == "keep" or [p for p in problems if "coordinates begin" not in p.summary] == []
    for name in (path for path in files if path.endswith(".xml")):
        assert mode == "keep" or all(_inside(box, origin) for box in ET.fromstring(files[name]).iter("bndbox"))


def _inside(box, origin):
    left, top, right, bottom = (float(corner.text) for corner in box)
    return left - origin <= right and top - origin <= bottom


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_items("a"), MODES)
def test_any_annotations_make_a_cvat_file_that_can_be_read(item, mode):
    writer = CvatWriter(CvatOptions(EdgePolicy(mode)))
    found, problems = read_dataset(write_dataset(writer, [item]), "cvat")
    assert problems == []
    assert (found[0].document.media[0].size is None) == (not item.data["extra"])


EXACT = st.one_of(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0.01, 9), st.floats(0.01, 7)).map(lambda b: Box(*b)),
    st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=3, max_size=5, unique=True).map(
        lambda points: Polyline(tuple(points))
    ),
    st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT)).map(lambda p: Point(*p)),
    _masks().filter(bool).map(lambda runs: Mask(tuple((start, length) for start, length in runs))),
)


@given(st.lists(EXACT, max_size=5))
def test_shapes_inside_come_back_from_cvat(shapes):
    tools = {Box: "bounding_box", Polyline: "polyline", Point: "keypoint", Mask: "segmentation"}
    rows = tuple(Annotation(f"r{i}", tools[type(s)], s, "car") for i, s in enumerate(shapes))
    document = Document((MediaAnnotations("image_1", rows, WIDTH, HEIGHT),))
    item = ExportItem("a", "1", json.loads(json.dumps(encode_v1(document))), {"image_1": MediaFile("a.png")})
    found, _ = read_dataset(write_dataset(CvatWriter(), [item]), "cvat")
    for given_shape, shape in zip(shapes, (a.shape for a in found[0].document.media[0].annotations), strict=True):
        assert _near(given_shape, shape)


def _near(a, b):
    if isinstance(a, Mask):
        return _pixels(a) == _pixels(b)
    return all(abs(x - y) < 1e-5 for x, y in zip(_values(a), _values(b), strict=True))


def _pixels(mask):
    return {index for start, length in mask.runs for index in range(start, start + length)}


def _values(shape):
    if isinstance(shape, Box):
        return shape.x, shape.y, shape.width, shape.height
    return (shape.x, shape.y) if isinstance(shape, Point) else [v for point in shape.points for v in point]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_tree_or_a_fault(raw):
    with suppress(XmlFault):
        assert parse(raw).tag
