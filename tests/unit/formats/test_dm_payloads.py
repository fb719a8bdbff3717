"""Reading DM payloads of every dialect: nothing is lost, and one bad annotation never costs the document."""

import json
from pathlib import Path

import pytest

from reconciler.formats.annotations import (
    Box,
    ClassForm,
    Dialect,
    Joint,
    Mask,
    Point,
    Polygon,
    Raw,
    Relation,
    Skeleton,
    visibility,
)
from reconciler.formats.dm import decode_payload, encode_payload, encode_v1
from reconciler.formats.dm_v2 import encode_v2

DATA = Path(__file__).parents[2] / "data" / "dm_assignments"
FILES = sorted(str(p.relative_to(DATA)) for p in DATA.glob("*/*.jsonl"))


def _payloads(file):
    for line in (DATA / file).read_text().splitlines():
        row = json.loads(line)
        yield row.get("data", row.get("annotation_data"))


def _sdk(rows, data, **more):
    return {
        "annotations": {"image_1": rows},
        "annotationsData": {"image_1": data},
        "relations": {},
        "annotationGroups": {},
        "extra": {"image_1": {"width": 4, "height": 3}},
        **more,
    }


def _only(payload):
    decoded = decode_payload(payload)
    (annotation,) = decoded.document.media[0].annotations
    return annotation, decoded


@pytest.mark.parametrize("file", FILES)
def test_real_payload_is_typed_wholly_and_comes_back(file):
    for payload in _payloads(file):
        decoded = decode_payload(payload)
        assert decoded.problems == ()
        assert decoded.document.verbatim is None
        assert encode_payload(decoded.document) == payload


def test_real_sdk_payload_converts_to_the_official_version_2():
    for folder in ("instances_sdk", "keypoints_sdk", "masks_sdk"):
        first, second = (list(_payloads(f"{folder}/{name}.jsonl")) for name in ("assignments", "annotation_data_v2"))
        for payload, official in zip(first, second, strict=True):
            written = encode_v2(decode_payload(payload).document)
            for entry in written["images"]:
                entry.pop("group", None)  # the official converter leaves groups of polygons out
            assert written == official


SHAPES = [
    ("bounding_box", {"coordinate": {"x": 1, "y": 2.5, "width": 3, "height": 4}}, Box(1, 2.5, 3, 4)),
    (
        "boundingBox",
        {"coordinate": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0.5}},
        Box(1, 2, 3, 4, 0.5),
    ),
    (
        "polygon",
        {"coordinate": [{"x": 0, "y": 0, "id": "p"}, {"x": 1, "y": 0, "id": "q"}]},
        Polygon(((0, 0), (1, 0)), ("p", "q")),
    ),
    ("keypoint", {"coordinate": {"x": 1, "y": 2}}, Point(1, 2)),
    (
        "segmentation",
        {"pixel_indices": [[0, 2], [5, 1]], "isCompressed": True, "compressionFormat": "rle"},
        Mask(((0, 2), (5, 1))),
    ),
    (
        "segmentation",
        {"pixel_indices": [0, 1, 5], "isCompressed": False, "compressionFormat": None},
        Mask(((0, 2), (5, 1)), raw=True),
    ),
]


@pytest.mark.parametrize(("tool", "fields", "shape"), SHAPES)
def test_sdk_shape_is_read_and_written_back(tool, fields, shape):
    payload = _sdk([{"id": "a", "tool": tool, "classification": {"class": "x"}}], [{"id": "a", **fields}])
    annotation, decoded = _only(payload)
    assert annotation.shape == shape
    assert decoded.document.verbatim is None
    assert encode_payload(decoded.document) == payload


def test_seed_pose_is_one_skeleton():
    row = {"id": "a", "type": "keypoint", "data": [[1, 2], [0, 0]], "keypoints": ["n", "m"], "visibility": [2, 0]}
    annotation, _ = _only({"annotations": {"image_1": [{**row, "classification": "person"}]}})
    assert annotation.shape == Skeleton((Joint("n", 1, 2, 2), Joint("m", 0, 0, 0)))
    assert annotation.class_name == "person"


CLASSES = [
    ({"classification": {"class": "car", "color": "red"}}, "car", {"color": "red"}, ClassForm.OBJECT),
    ({"classification": "car"}, "car", {}, ClassForm.TEXT),
    ({"classification": None}, None, {}, ClassForm.NULL),
    ({}, None, {}, ClassForm.ABSENT),
]


@pytest.mark.parametrize(("members", "name", "attributes", "form"), CLASSES)
@pytest.mark.parametrize("dialect", [Dialect.SDK, Dialect.SEED])
def test_class_is_read_in_every_form(members, name, attributes, form, dialect):
    row = {"id": "a", "tool": "classification"} if dialect is Dialect.SDK else {"id": "a", "type": "bbox"}
    row |= {} if dialect is Dialect.SDK else {"data": [0, 0, 1, 1]}
    payload = _sdk([row | members], [{"id": "a"}] if dialect is Dialect.SDK else [row | members])
    annotation, decoded = _only(payload)
    assert (annotation.class_name, annotation.attributes, annotation.form) == (name, attributes, form)
    assert decoded.document.verbatim is None
    assert encode_payload(decoded.document) == payload


MALFORMED = [
    ([{"id": "a", "tool": "bounding_box"}], [], "no geometry"),
    ([{"id": "a", "tool": "bounding_box"}], [{"id": "a", "coordinate": {"x": 1}}], "coordinate.y is None"),
    ([{"id": "a", "tool": "polygon"}], [{"id": "a", "coordinate": [{"x": "1", "y": 2}]}], "not a finite number"),
    ([{"id": "a", "tool": "segmentation"}], [{"id": "a", "pixel_indices": [[0, 2]]}], "isCompressed"),
    (
        [{"id": "a", "tool": "segmentation"}],
        [{"id": "a", "pixel_indices": [[0, 99]], "isCompressed": True, "compressionFormat": "rle"}],
        "reaches pixel 98",
    ),
    (
        [{"id": "a", "tool": "segmentation"}],
        [{"id": "a", "pixel_indices": [[0, 2], [1, 2]], "isCompressed": True, "compressionFormat": "rle"}],
        "overlaps",
    ),
    ([{"tool": "bounding_box"}], [], "text `id`"),
    (["what"], [], "text `id`"),
    ([{"id": "a"}], [], "neither `tool` nor `type`"),
]


@pytest.mark.parametrize(("rows", "data", "reason"), MALFORMED)
def test_bad_annotation_costs_only_itself(rows, data, reason):
    good = {"id": "g", "tool": "keypoint", "classification": {"class": "n"}}
    payload = _sdk([*rows, good], [*data, {"id": "g", "coordinate": {"x": 1, "y": 1}}])
    decoded = decode_payload(payload)
    bad, kept = decoded.document.media[0].annotations
    assert isinstance(bad.shape, Raw)
    assert kept.shape == Point(1, 1)
    assert reason in decoded.problems[0].detail
    assert encode_payload(decoded.document) == payload


def test_unknown_tool_is_kept_and_no_problem():
    row = {"id": "a", "tool": "magic_wand", "classification": {"class": "car"}}
    annotation, decoded = _only(_sdk([row], [{"id": "a", "radius": 4}]))
    assert annotation.shape == Raw("unsupported_tool", row, {"id": "a", "radius": 4})
    assert decoded.problems == ()


GROUPS = [
    ({"id": "g", "annotationIds": ["a", "b"]}, ("a", "b")),
    ({"id": "g", "annotationList": [{"annotationId": "a", "children": [{"annotationId": "b"}]}]}, ("a", "b")),
    ({"id": "g", "annotationList": [{"annotationId": "a", "children": []}, {"annotationId": "b", "x": 1}]}, ("a", "b")),
    ({"id": "g", "data": ["a", "b"], "classification": {"class": "pair"}}, ("a", "b")),
]


@pytest.mark.parametrize(("row", "members"), GROUPS)
def test_group_is_read_in_every_shape(row, members):
    payload = _sdk([], [], annotationGroups={"image_1": [row]})
    decoded = decode_payload(payload)
    assert decoded.document.media[0].groups[0].members == members
    assert decoded.document.verbatim is None
    assert encode_payload(decoded.document) == payload


def test_member_of_a_group_that_is_none_costs_only_itself():
    payload = _sdk([], [], annotationGroups={"image_1": [{"id": "g", "annotationIds": ["a", 5, {"x": 1}]}]})
    decoded = decode_payload(payload)
    assert decoded.document.media[0].groups[0].members == ("a",)
    assert [p.detail for p in decoded.problems] == ["2 of its members name no annotation"]
    assert encode_payload(decoded.document) == payload


def test_group_that_is_nested_without_end_is_read_as_deep_as_people_nest():
    row: dict[str, object] = {"annotationId": "last"}
    for number in range(300):
        row = {"annotationId": f"a{number}", "children": [row]}
    decoded = decode_payload(_sdk([], [], annotationGroups={"image_1": [{"id": "g", "annotationList": [row]}]}))
    assert len(decoded.document.media[0].groups[0].members) == 51
    assert [p.detail for p in decoded.problems] == ["1 of its members name no annotation"]


def test_relation_is_typed_and_a_bad_one_costs_only_itself():
    good = {"id": "r", "annotationId": "a", "targetAnnotationId": "b", "label": "holds"}
    payload = _sdk([], [], relations={"image_1": [good, {"id": "s", "annotationId": "a"}]})
    decoded = decode_payload(payload)
    assert decoded.document.media[0].relations == (Relation("r", "a", "b", {"label": "holds"}),)
    assert [p.summary for p in decoded.problems] == ["relations.image_1[1]: cannot be read"]
    assert encode_payload(decoded.document) == payload


LOST = [
    ({"annotationsData": {"image_1": [{"coordinate": {}}]}}, "annotationsData.image_1[0]"),
    ({"annotationsData": {"image_1": [{"id": "z"}]}}, "annotationsData.image_1"),
    ({"annotations": {"image_1": [{"id": "a", "tool": "classification"}] * 2}}, "annotations.image_1[1]"),
    (
        {"annotations": {"image_1": [{"id": "a", "tool": "classification", "classification": 5}]}},
        "annotations.image_1[0].classification",
    ),
    (
        {"annotations": {"image_1": [{"id": "a", "tool": "classification", "classification": {"class": 5}}]}},
        "annotations.image_1[0].classification.class",
    ),
    (
        {"annotations": {"image_1": [{"id": "a", "type": "bbox", "data": [0, 0, 1, 1], "attributes": 5}]}},
        "annotations.image_1[0].attributes",
    ),
    ({"extra": {"image_1": {"width": "640"}}}, "extra.image_1.width"),
    ({"images": [{"bounding_box": 5}]}, "images[0].bounding_box"),
    (
        {"images": [{"bounding_box": [{"id": "a", "data": [0, 0, 1, 1], "attrs": [5]}]}]},
        "images[0].bounding_box[0].attrs[0]",
    ),
    ({"images": [{"group": [{"id": "g"}]}]}, "images[0].group[0]"),
    ({"annotation_data": {"images": []}, "annotation_meta": 5}, "annotation_meta"),
    ({"annotation_data": "{"}, "annotation_data"),
]


@pytest.mark.parametrize(("payload", "place"), LOST)
def test_loss_is_a_problem_that_names_its_place(payload, place):
    decoded = decode_payload(payload)
    assert [p.summary for p in decoded.problems] == [f"{place}: cannot be read"]
    assert encode_payload(decoded.document) == payload


def test_first_row_of_another_dialect_changes_no_other_annotation():
    rows = [{"id": "s", "type": "bbox", "data": [0, 0, 1, 1]}, {"id": "a", "tool": "keypoint"}]
    payload = _sdk(rows, [{"id": "a", "coordinate": {"x": 1, "y": 1}, "score": 0.5}])
    decoded = decode_payload(payload)
    assert [a.shape for a in decoded.document.media[0].annotations] == [Box(0, 0, 1, 1), Point(1, 1)]
    assert decoded.document.media[0].annotations[1].data_members == {"score": 0.5}


WRAPPED = [
    json.dumps(_sdk([], [])),
    json.dumps(json.dumps(_sdk([], []))),
    {"id": 5, "data": json.dumps(_sdk([], []))},
    '{"annotations": {"image_1": [NaN]}}',
    '{"annotations": {"image_1": ["\\ud800"]}}',
    "[" * 100_000,
    {"annotation_data": json.dumps({"images": []}), "annotation_meta": json.dumps(_sdk([], []))},
    {"id": 5, "data": _sdk([], [])},
    None,
    {},
    [],
    "no json",
    5,
    {"annotations": 5},
    {"annotations": {"image_1": {}}},
    {"annotations": {"image_1": [None, 1]}, "extra": {"image_1": 3}, "annotationGroups": {"image_1": [1]}},
]


@pytest.mark.parametrize("payload", WRAPPED)
def test_any_payload_is_read_and_given_back(payload):
    assert encode_payload(decode_payload(payload).document) == ({} if payload is None else payload) or payload is None


def test_unknown_keys_are_kept_everywhere():
    payload = _sdk(
        [{"id": "a", "tool": "keypoint", "isLocked": True, "new": 1, "classification": {"class": "n"}}],
        [{"id": "a", "coordinate": {"x": 1, "y": 1}, "score": 0.5}],
        assignmentId="job-1",
        unknown={"deep": [1]},
        extra={"image_1": {"width": 4, "height": 3, "camera": "left"}},
    )
    annotation, decoded = _only(payload)
    assert annotation.members == {"isLocked": True, "new": 1}
    assert annotation.data_members == {"score": 0.5}
    assert decoded.document.head == {"assignmentId": "job-1", "unknown": {"deep": [1]}}
    assert encode_payload(decoded.document) == payload


def test_seed_document_is_written_in_the_sdk_dialect():
    row = {"id": "a", "type": "bbox", "data": [1, 2, 3, 4], "classification": "car", "attributes": {"iscrowd": 1}}
    written = encode_v1(decode_payload({"annotations": {"image_1": [row]}}).document)
    assert written["annotations"]["image_1"] == [
        {
            "id": "a",
            "tool": "bounding_box",
            "isLocked": False,
            "isVisible": True,
            "isValid": False,
            "isDrawCompleted": True,
            "label": [],
            "classification": {"class": "car", "iscrowd": 1},
        }
    ]
    assert written["annotationsData"]["image_1"] == [
        {"id": "a", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}
    ]


VISIBILITIES = [("visible", 2), ("occluded", 1), ("missing", 0), (1, 1), ("odd", None), (None, None), (True, None)]


@pytest.mark.parametrize(("value", "number"), VISIBILITIES)
def test_visibility_is_a_name_or_a_number(value, number):
    row = {"id": "a", "tool": "keypoint", "classification": {"class": "n", "visibility": value}}
    annotation, _ = _only(_sdk([row], [{"id": "a", "coordinate": {"x": 1, "y": 1}}]))
    assert visibility(annotation) == number
