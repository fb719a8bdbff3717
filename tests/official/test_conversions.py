"""Between the versions of the DM schema: the official converter's result wherever it loses nothing.

Every difference that is taken out before comparing is a row in docs/formats.md.
"""

import json
import subprocess
from pathlib import Path

import pytest

from reconciler.formats.dm import decode_payload, encode_v1
from reconciler.formats.dm_pair import encode_pair
from tests.official.conftest import PYTHON
from tests.property.test_formats_mutations import mixed_media

DATA = Path(__file__).parents[1] / "data" / "dm_assignments"
FILES = sorted(DATA.glob("*_s*/assignments.jsonl"))

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="make official installs the client")


def _official(version, values):
    lines = "".join(json.dumps({"to": version, "value": value}) + "\n" for value in values)
    program = [PYTHON, Path(__file__).with_name("conversions.py")]
    run = subprocess.run(program, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def _real():
    """Version 1 in the SDK dialect, which is all that the converter reads; poses in one annotation are none of its."""
    for file in FILES:
        for line in file.read_text().splitlines():
            payload = encode_v1(decode_payload(json.loads(line)["data"]).document)
            if file.parent.name != "keypoints_seed":
                yield payload


def _drawn(pair):
    """Version 2 without groups of other shapes than keypoints, which the converter leaves out."""
    drawn = json.loads(json.dumps(pair["annotation_data"]))
    for entries in drawn.values():
        for entry in entries if isinstance(entries, list) else ():
            entry.pop("group", None)
    return drawn


def _comparable(payload):
    """Version 1 without media that have no annotation, and without names of points, which it draws at random."""
    payload = json.loads(json.dumps(payload))
    for part in ("annotations", "annotationsData"):
        payload[part] = {media: rows for media, rows in payload[part].items() if rows}
    for rows in payload["annotationsData"].values():
        for row in rows:
            points = row.get("coordinate")
            for point in points if isinstance(points, list) else ():
                point.pop("id", None)
    return payload


def test_real_documents_become_the_official_pair():
    payloads = list(_real())
    for payload, official in zip(payloads, _official(2, payloads), strict=True):
        pair = encode_pair(decode_payload(payload).document)
        assert _drawn(pair) == official["annotation_data"]
        assert {**pair["annotation_meta"], "assignmentId": payload.get("assignmentId")} == official["annotation_meta"]


def test_official_pairs_become_what_they_were_made_of():
    payloads = list(_real())
    pairs = _official(2, payloads)
    for payload, pair, official in zip(payloads, pairs, _official(1, pairs), strict=True):
        ours = encode_v1(decode_payload(pair).document)
        assert {**ours, "assignmentId": payload.get("assignmentId")} == {
            **payload,
            "assignmentId": payload.get("assignmentId"),
        }
        assert _comparable({**ours, "assignmentId": payload.get("assignmentId")}) == _comparable(official)


def test_shapes_of_every_media_become_the_official_version_2():
    payload = json.loads(json.dumps(mixed_media()))
    for part in payload.values():
        del part["video_1"]  # a track, of which the converter makes an empty box
    for row in payload["annotationsData"]["image_1"]:
        del row["holes"]  # of which it knows nothing
    (official,) = _official(2, [payload | {"annotationGroups": {}}])
    assert _drawn(encode_pair(decode_payload(payload).document)) == official["annotation_data"]
