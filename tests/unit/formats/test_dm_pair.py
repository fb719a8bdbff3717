"""The pair of version 2 and version 1: what only one of them knows is there, and edits of version 2 count."""

import copy
import json
from pathlib import Path

import pytest

from reconciler.formats.annotations import Box, Polygon
from reconciler.formats.dm import decode_payload, encode_payload, encode_v1
from reconciler.formats.dm_pair import encode_pair

DATA = Path(__file__).parents[2] / "data" / "dm_assignments"
FOLDERS = ["instances_sdk", "keypoints_sdk", "masks_sdk"]


def _payloads(folder):
    for line in (DATA / folder / "assignments.jsonl").read_text().splitlines():
        yield json.loads(line)["data"]


def _payload():
    flags = {"isLocked": True, "isVisible": True, "label": ["x"]}
    rows = [
        {"id": "p", "tool": "polygon", **flags, "classification": {"class": "car", "_internal": 1}},
        {"id": "b", "tool": "bounding_box", **flags, "classification": {"class": "car", "color": "red"}},
        {"id": "k", "tool": "keypoint", **flags, "classification": {"class": "tip", "visibility": "visible"}},
    ]
    ring = [{"x": 0, "y": 0, "id": "p1"}, {"x": 1, "y": 0, "id": "p2"}, {"x": 0, "y": 1, "id": "p3"}]
    shapes = [
        {"id": "p", "coordinate": ring},
        {"id": "b", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0.5}},
        {"id": "k", "coordinate": {"x": 1, "y": 2}},
    ]
    return {
        "assignmentId": 5,
        "annotations": {"image_10": [], "image_front": rows},
        "annotationsData": {"image_10": [], "image_front": shapes},
        "relations": {"image_front": [{"id": "r", "annotationId": "p", "targetAnnotationId": "b"}]},
        "annotationGroups": {"image_front": [{"id": "g", "annotationIds": ["p", "k"]}]},
        "extra": {"image_front": {"width": 20, "height": 10}},
    }


def _there_and_back(payload):
    return encode_v1(decode_payload(encode_pair(decode_payload(payload).document)).document)


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_payload_comes_back_through_the_pair(folder):
    for payload in _payloads(folder):
        assert _there_and_back(payload) == payload


def test_names_of_media_flags_order_groups_and_relations_come_back_through_the_pair():
    assert _there_and_back(_payload()) == _payload()


def test_pair_is_typed_wholly_and_given_back():
    pair = json.loads(json.dumps(encode_pair(decode_payload(_payload()).document)))
    decoded = decode_payload(pair)
    assert decoded.problems == ()
    assert decoded.document.verbatim is None
    assert encode_payload(decoded.document) == pair


def test_edit_in_version_2_counts_and_keeps_what_only_version_1_knows():
    pair = copy.deepcopy(encode_pair(decode_payload(_payload()).document))
    entry = pair["annotation_data"]["images"][1]
    entry["polygon"][0]["data"][2] = [0, 9]
    del entry["keypoint"]
    entry["bounding_box"].append({"id": "new", "classification": "dog", "attrs": [], "data": [0, 0, 1, 1]})
    found = decode_payload(pair).document.media[1].annotations
    assert [a.id for a in found] == ["p", "b", "new"]
    assert found[0].shape == Polygon(((0, 0), (1, 0), (0, 9)), ("p1", "p2", "p3"))
    assert found[0].members["label"] == ["x"]
    assert found[2].shape == Box(0, 0, 1, 1)


def test_half_of_the_pair_without_version_1_is_version_2_with_sizes():
    pair = encode_pair(decode_payload(_payload()).document)
    pair = {**pair, "annotation_meta": {"extra": {"image_9": {"width": 4, "height": 3}}}}
    (first, _) = decode_payload(pair).document.media
    assert (first.media, first.size) == ("image_1", (4, 3))
