"""Shapes of every media in the forms of DM: typed, and given back key for key."""

import pytest

from reconciler.formats.annotations import Box, Dialect, Frame, Polygon, Raw, Track
from reconciler.formats.dm import decode_payload, encode_payload, encode_v1
from reconciler.formats.dm_v2 import encode_v2
from reconciler.formats.media_shapes import (
    Answer,
    Box3D,
    Content,
    Euler,
    Link,
    NamedEntity,
    Origin,
    PointSet,
    Prompt,
    Quaternion,
    TimeRange,
    TimeUnit,
)

AXES = {"x": 1, "y": 2.5, "z": -3}
PIECE = {"type": "text", "value": "why?", "changeHistory": []}
SQUARE = [{"x": 0, "y": 0}, {"x": 4, "y": 0}, {"x": 4, "y": 4}]
RING = ((0, 0), (4, 0), (4, 4))

# tool, media, fields of version 1, `data` of version 2, shape
SHAPES = [
    (
        "segmentation",
        "audio_1",
        {"section": {"start": 0.5, "end": 2}},
        {"start": 0.5, "end": 2},
        TimeRange(0.5, 2, TimeUnit.SECONDS),
    ),
    (
        "segmentation",
        "video_1",
        {"section": {"startFrame": 3, "endFrame": 9}},
        {"startFrame": 3, "endFrame": 9},
        TimeRange(3, 9, TimeUnit.FRAMES),
    ),
    (
        "time_range",
        "data_1",
        {"section": {"start": 1764201600000, "end": 1764201700000}, "excludedTracks": ["t1"]},
        {"start": 1764201600000, "end": 1764201700000, "excludedTracks": ["t1"]},
        TimeRange(1764201600000, 1764201700000, TimeUnit.AXIS, ("t1",)),
    ),
    (
        "named_entity",
        "text_1",
        {"ranges": [{"start": 3, "end": 8}], "content": "Seoul"},
        {"ranges": [{"start": 3, "end": 8}], "content": "Seoul"},
        NamedEntity(({"start": 3, "end": 8},), "Seoul"),
    ),
    (
        "3d_bounding_box",
        "pcd_1",
        {"psr": {"position": AXES, "scale": AXES, "rotation": AXES}},
        {"position": AXES, "scale": AXES, "rotation": AXES},
        Box3D((1, 2.5, -3), (1, 2.5, -3), Euler(1, 2.5, -3)),
    ),
    (
        "3d_bounding_box",
        "pcd_1",
        {"psr": {"position": AXES, "scale": AXES, "rotation": {"w": 1, "x": 0, "y": 0, "z": 0}}},
        {"position": AXES, "scale": AXES, "rotation": {"w": 1, "x": 0, "y": 0, "z": 0}},
        Box3D((1, 2.5, -3), (1, 2.5, -3), Quaternion(1, 0, 0, 0)),
    ),
    ("3d_segmentation", "pcd_1", {"points": [4, 2, 9]}, {"points": [4, 2, 9]}, PointSet((4, 2, 9))),
    ("relation", "text_1", {"annotationId": "p", "targetAnnotationId": "q"}, ["p", "q"], Link("p", "q")),
    (
        "prompt",
        "prompt_1",
        {"input": [PIECE], "model": "m", "timestamp": 5},
        {"input": [PIECE], "model": "m", "timestamp": 5},
        Prompt((Content("text", "why?", {"changeHistory": []}),), Origin("m", timestamp=5)),
    ),
    (
        "answer",
        "prompt_1",
        {"output": [PIECE], "model": "m", "displayName": "M", "generatedBy": "u", "promptAnnotationId": "p"},
        {"output": [PIECE], "model": "m", "displayName": "M", "generatedBy": "u", "promptAnnotationId": "p"},
        Answer((Content("text", "why?", {"changeHistory": []}),), Origin("m", "M", "u"), "p"),
    ),
    (
        "bounding_box",
        "video_1",
        {"coordinates": {"0": {"x": 1, "y": 2, "width": 3, "height": 4, "keyframe": True}}},
        {"0": {"x": 1, "y": 2, "width": 3, "height": 4, "keyframe": True}},
        Track((Frame(0, Box(1, 2, 3, 4), {"keyframe": True}),)),
    ),
    (
        "polygon",
        "video_1",
        {"coordinates": {"7": SQUARE, "12": SQUARE}},
        {"7": SQUARE, "12": SQUARE},
        Track((Frame(7, Polygon(RING)), Frame(12, Polygon(RING)))),
    ),
    (
        "polygon",
        "image_1",
        {"coordinate": SQUARE, "holes": [SQUARE]},
        None,
        Polygon(RING, None, (RING,)),
    ),
    ("classification", "video_1", {}, {}, None),
]


def _v1(tool, media, fields):
    row = {"id": "a", "tool": tool, "isLocked": False, "classification": {"class": "thing", "note": "n"}}
    return {
        "annotations": {media: [row]},
        "annotationsData": {media: [{"id": "a", **fields}]},
        "relations": {},
        "annotationGroups": {},
        "extra": {},
    }


def _shape(payload):
    decoded = decode_payload(payload)
    assert decoded.problems == ()
    assert decoded.document.verbatim is None
    return decoded.document.media[0].annotations[0].shape


@pytest.mark.parametrize(("tool", "media", "fields", "data", "shape"), SHAPES)
def test_version_1_shape_is_typed_and_given_back(tool, media, fields, data, shape):
    payload = _v1(tool, media, fields)
    assert shape is None or _shape(payload) == shape
    assert encode_payload(decode_payload(payload).document) == payload


@pytest.mark.parametrize(("tool", "media", "fields", "data", "shape"), [s for s in SHAPES if s[3] is not None])
def test_version_2_shape_is_typed_and_given_back(tool, media, fields, data, shape):
    row = {"id": "a", "classification": "thing", "attrs": [{"name": "note", "value": "n"}], "data": data}
    payload = {"classification": {tool: ["thing"]}, media.replace("_1", "s"): [{tool: [row]}]}
    assert shape is None or _shape(payload) == shape
    assert encode_payload(decode_payload(payload).document) == payload
    assert encode_v2(decode_payload(_v1(tool, media, fields)).document) == payload


@pytest.mark.parametrize(("tool", "media", "fields", "data", "shape"), [s for s in SHAPES if s[3]])
def test_seed_shape_is_typed_and_becomes_the_sdk_dialect(tool, media, fields, data, shape):
    row = {"id": "a", "type": tool, "data": data, "classification": {"class": "thing", "note": "n"}}
    payload = {**_v1(tool, media, {}), "annotations": {media: [row]}, "annotationsData": {media: [row]}}
    assert _shape(payload) == shape
    assert encode_payload(decode_payload(payload).document) == payload
    assert decode_payload(payload).document.dialect is Dialect.SEED
    assert encode_v1(decode_payload(payload).document)["annotationsData"] == _v1(tool, media, fields)["annotationsData"]


def test_rings_in_one_coordinate_are_an_outline_and_its_holes():
    payload = _v1("polygon", "image_1", {"coordinate": [SQUARE, SQUARE]})
    decoded = decode_payload(payload)
    assert decoded.document.media[0].annotations[0].shape == Polygon(RING, None, (RING,))
    assert encode_payload(decoded.document) == payload


def test_entity_tells_spans_where_its_ranges_do():
    entity = NamedEntity(({"start": 3, "end": 8}, [9, 12], {"from": 1}, "x"), "Seoul")
    assert list(entity.spans) == [(3, 8), (9, 12)]


MALFORMED = [
    ("segmentation", {"section": {"start": 1}}, "section.end"),
    ("segmentation", {"section": {"startFrame": 1.5, "endFrame": 2}}, "startFrame"),
    ("time_range", {}, "none of excludedTracks, section"),
    ("time_range", {"section": {"start": 1, "end": 2}, "excludedTracks": 5}, "excludedTracks"),
    ("named_entity", {"ranges": 5}, "`ranges`"),
    ("3d_bounding_box", {"psr": {"position": AXES}}, "`scale`"),
    ("3d_bounding_box", {"psr": {"position": AXES, "scale": AXES, "rotation": {"w": "x", **AXES}}}, "rotation.w"),
    ("3d_segmentation", {"points": [-1]}, "indices"),
    ("relation", {"annotationId": "p"}, "targetAnnotationId"),
    ("prompt", {"input": ["text"]}, "`input`"),
    ("answer", {"output": [PIECE], "model": 5}, "`model`"),
    ("bounding_box", {"coordinates": {"first": {}}}, "no frame number"),
    ("bounding_box", {"coordinates": {"0": {"x": 1}}}, "frame 0: coordinate.y"),
    ("bounding_box", {"coordinates": [1]}, "`coordinates`"),
    ("bounding_box", {"coordinate": {"x": 10**400, "y": 0, "width": 1, "height": 1}}, "many digits"),
    ("polygon", {"coordinate": SQUARE, "holes": 5}, "`holes`"),
]


@pytest.mark.parametrize(("tool", "fields", "reason"), MALFORMED)
def test_bad_shape_is_a_problem_and_kept(tool, fields, reason):
    payload = _v1(tool, "video_1", fields)
    decoded = decode_payload(payload)
    assert isinstance(decoded.document.media[0].annotations[0].shape, Raw)
    assert reason in decoded.problems[0].detail
    assert encode_payload(decoded.document) == payload
