"""Any annotation document survives its payload, and any payload survives being read."""

import json

from hypothesis import given
from hypothesis import strategies as st

from reconciler.formats.annotations import (
    Annotation,
    Box,
    ClassForm,
    Classification,
    Dialect,
    Document,
    Group,
    Mask,
    MediaAnnotations,
    Point,
    Polygon,
    Polyline,
)
from reconciler.formats.coco_write import CocoWriter, write_coco
from reconciler.formats.dm import decode_payload, encode_payload
from reconciler.formats.items import ExportItem, MediaFile

NUMBERS = st.one_of(st.integers(-50, 250), st.floats(-50, 250, allow_nan=False))
SIDES = st.one_of(st.integers(0, 80), st.floats(0, 80, allow_nan=False))
PAIRS = st.tuples(NUMBERS, NUMBERS)
TEXTS = st.text(max_size=6)
WIDTH, HEIGHT = 40, 30


@st.composite
def _runs(draw):
    bits = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=6))
    runs, at = [], 0
    for gap, length in bits:
        if at + gap + length > WIDTH * HEIGHT:
            break
        runs.append((at + gap, length))
        at += gap + length
    return tuple(runs)


@st.composite
def _ring(draw, kind):
    points = tuple(draw(st.lists(PAIRS, max_size=6)))
    return kind(points, draw(st.sampled_from([None, tuple(f"p{i}" for i in range(len(points)))])) or None)


TOOLS = {
    "bounding_box": st.builds(Box, NUMBERS, NUMBERS, SIDES, SIDES, st.one_of(st.none(), st.floats(-4, 4))),
    "polygon": _ring(Polygon),
    "polyline": _ring(Polyline),
    "keypoint": st.builds(Point, NUMBERS, NUMBERS),
    "segmentation": st.builds(Mask, _runs()),
    "classification": st.just(Classification()),
}
ATTRIBUTES = st.dictionaries(st.sampled_from(["color", "occluded", "iscrowd"]), st.one_of(TEXTS, st.booleans()))


@st.composite
def _annotation(draw, number):
    tool = draw(st.sampled_from(sorted(TOOLS)))
    form = draw(st.sampled_from([ClassForm.OBJECT, ClassForm.OBJECT, ClassForm.TEXT, ClassForm.NULL]))
    named = form in (ClassForm.OBJECT, ClassForm.TEXT)
    name = draw(st.sampled_from(["car", "dog", "보행자"])) if named else None
    attributes = draw(ATTRIBUTES) if form is ClassForm.OBJECT else {}
    members = draw(st.fixed_dictionaries({}, optional={"isLocked": st.booleans(), "label": st.lists(TEXTS)}))
    return Annotation(f"a{number}", tool, draw(TOOLS[tool]), name, attributes, members, form=form)


@st.composite
def _documents(draw):
    count = draw(st.integers(0, 6))
    annotations = tuple(draw(_annotation(n)) for n in range(count))
    ids = [a.id for a in annotations]
    members = draw(st.lists(st.lists(st.sampled_from(ids), unique=True, min_size=1), max_size=2)) if ids else []
    groups = tuple(Group(f"g{i}", tuple(found)) for i, found in enumerate(members))
    media = MediaAnnotations("image_1", annotations, WIDTH, HEIGHT, groups, extra=draw(st.sampled_from([{}, {"k": 1}])))
    return Document((media,), head=draw(st.sampled_from([{}, {"assignmentId": 5}])))


@given(_documents())
def test_document_survives_the_sdk_payload(document):
    payload = json.loads(json.dumps(encode_payload(document)))
    assert decode_payload(payload).document == _with_dialect(document)


def _with_dialect(document):
    """A document without annotations has no dialect to tell."""
    return document if any(m.annotations for m in document.media) else Document(document.media, head=document.head)


@given(_documents(), st.sampled_from(list(Dialect)))
def test_payload_of_any_dialect_survives_being_read(document, dialect):
    payload = json.loads(json.dumps(encode_payload(Document(document.media, dialect, document.head))))
    assert encode_payload(decode_payload(payload).document) == payload


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["id", "tool", "type", "data", "annotations", "annotationsData", "image_1", "coordinate", "extra", "x"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_without_an_exception_and_given_back(payload):
    decoded = decode_payload(payload)
    if payload is not None:
        assert encode_payload(decoded.document) == payload


@given(_documents())
def test_export_accounts_for_every_annotation(document):
    item = ExportItem("k", "1", encode_payload(document), {"image_1": MediaFile("a.png")})
    account = CocoWriter().write_item(item).account
    assert account.read == account.written + account.dropped + account.failed == len(document.media[0].annotations)


@given(_documents())
def test_export_stays_in_the_picture_and_is_valid_json(document):
    item = ExportItem("k", "1", encode_payload(document), {"image_1": MediaFile("a.png")})
    written = write_coco([item])["annotations/instances.json"]
    for row in written["annotations"]:
        x, y, width, height = row["bbox"]
        assert -1e-5 <= x <= x + width <= WIDTH + 1e-5
        assert -1e-5 <= y <= y + height <= HEIGHT + 1e-5
        assert row["category_id"] in {c["id"] for c in written["categories"]}
