"""A real document with something wrong in it: never an exception, and only what is wrong is lost, with a problem."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.formats.annotations import Raw
from reconciler.formats.coco_read import read_coco
from reconciler.formats.coco_write import CocoOptions, CocoWriter
from reconciler.formats.dm import count_annotations, decode_payload, encode_payload, encode_v1
from reconciler.formats.dm_pair import encode_pair
from reconciler.formats.items import ExportItem, Fragment, MediaFile
from reconciler.formats.labelme_write import LabelmeWriter
from reconciler.formats.labelstudio_write import LabelstudioWriter
from reconciler.formats.synapse_json import SynapseJsonWriter

DATA = Path(__file__).parents[1] / "data"
ASSIGNMENTS = sorted(DATA.glob("dm_assignments/*/*.jsonl"))
WRITERS = [
    CocoWriter(),
    CocoWriter(CocoOptions(crowd_masks=True)),
    SynapseJsonWriter(),
    LabelmeWriter(),
    LabelstudioWriter(),
]
AXES = {"x": 1, "y": 2, "z": 3}
MIXED = {
    "video_1": ("bounding_box", {"coordinates": {"0": {"x": 1, "y": 2, "width": 3, "height": 4}}}),
    "video_2": ("segmentation", {"section": {"startFrame": 1, "endFrame": 2}}),
    "audio_1": ("segmentation", {"section": {"start": 0.5, "end": 2}}),
    "text_1": ("named_entity", {"ranges": [{"start": 1, "end": 2}], "content": "x"}),
    "pcd_1": ("3d_bounding_box", {"psr": {"position": AXES, "scale": AXES, "rotation": AXES}}),
    "pcd_2": ("3d_segmentation", {"points": [1, 2]}),
    "prompt_1": ("answer", {"output": [{"type": "text", "value": "v"}], "model": "m"}),
    "data_1": ("time_range", {"section": {"start": 1, "end": 2}, "excludedTracks": ["t"]}),
    "image_1": ("polygon", {"coordinate": [AXES, {"x": 4, "y": 0}, {"x": 0, "y": 5}], "holes": [[AXES] * 3]}),
    "image_2": ("relation", {"annotationId": "a", "targetAnnotationId": "b"}),
}


def mixed_media():
    label = {"classification": {"class": "c"}}
    rows = {m: [{"id": f"{m}{i}", "tool": tool, **label} for i in "ab"] for m, (tool, _) in MIXED.items()}
    data = {m: [{"id": f"{m}{i}", **copy.deepcopy(fields)} for i in "ab"] for m, (_, fields) in MIXED.items()}
    groups = {m: [{"id": "g", "annotationList": [{"annotationId": f"{m}a", "children": []}]}] for m in MIXED}
    relations = {m: [{"id": "r", "annotationId": f"{m}a", "targetAnnotationId": f"{m}b"}] for m in MIXED}
    extra = {m: {"width": 20, "height": 10} for m in MIXED}
    return {
        "annotations": rows,
        "annotationsData": data,
        "relations": relations,
        "annotationGroups": groups,
        "extra": extra,
    }


def _documents():
    """Small real documents of every dialect, the pair, COCO imports, and one of all media."""
    found = [mixed_media()]
    found.append(encode_pair(decode_payload(found[0]).document))
    for file in ASSIGNMENTS:
        row = json.loads(min(file.read_text().splitlines(), key=len))
        found.append(row.get("data", row.get("annotation_data")))
        if "_sdk" in file.parent.name:
            found.append(encode_pair(decode_payload(found[-1]).document))
    for name in ("instances_val", "person_keypoints_val", "captions_val"):
        dataset = read_coco(json.loads((DATA / "coco_mini" / f"{name}.json").read_text()))
        image = min((i for i in dataset.images if i.annotations), key=lambda i: len(json.dumps(i.annotations)))
        found.append(encode_v1(dataset.document(image, "image_1")))
    return json.loads(json.dumps(found))  # nothing is shared between two places


DOCUMENTS = _documents()
JUNK = [None, True, 0, 5, -1.5, 10**400, 1e300, "", "x", [], {}, [None], [5, 6], {"id": 5}, {"x": 1}, [[1, 2], [3]]]


def _places(value, path=()):
    """The path of every node below the top."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


PLACES = [list(_places(document)) for document in DOCUMENTS]


@st.composite
def _mutations(draw):
    """(number of a document, what happens to a node of it, the path of the node, what takes its place)."""
    number = draw(st.integers(0, len(DOCUMENTS) - 1))
    kind = draw(st.sampled_from(["drop", "replace", "replace", "repeat"]))
    return number, kind, draw(st.sampled_from(PLACES[number])), draw(st.sampled_from(JUNK))


def _changed(number, kind, path, junk):
    changed = copy.deepcopy(DOCUMENTS[number])
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if kind == "drop":
        del holder[path[-1]]
    elif kind == "replace":
        holder[path[-1]] = copy.deepcopy(junk)
    elif isinstance(holder, list):
        holder.insert(path[-1], copy.deepcopy(holder[path[-1]]))
    else:
        holder[path[-1]] = [holder[path[-1]]] * 2
    return changed


def _touched(document, path):
    """Ids in the row that a path leads into; None when it ends above all rows and may touch anything."""
    value = document
    for key in path:
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            return {value["id"]}
        value = value[key]
    return {value["id"]} if isinstance(value, dict) and isinstance(value.get("id"), str) else None


def _annotations(document):
    return {(m.media, a.id): a for m in document.media for a in m.annotations if a.id}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_mutations())
def test_one_wrong_node_costs_at_most_its_own_annotation(mutation):
    document, changed, path = DOCUMENTS[mutation[0]], _changed(*mutation), mutation[2]
    before, decoded = _annotations(decode_payload(document).document), decode_payload(changed)
    after, touched = _annotations(decoded.document), _touched(document, path)
    if touched is not None:
        others = {place: found for place, found in before.items() if place[1] not in touched}
        assert {place: after.get(place) for place in others} == others
    malformed = [a for m in decoded.document.media for a in m.annotations if a.shape.__class__ is Raw]
    assert len([a for a in malformed if a.shape.reason == "malformed"]) <= len(decoded.problems)
    assert encode_payload(decoded.document) == changed


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_mutations())
def test_every_row_is_an_annotation_whatever_is_wrong_with_it(mutation):
    changed = _changed(*mutation)
    read = sum(len(m.annotations) for m in decode_payload(changed).document.media)
    assert read == count_annotations(changed)


@pytest.mark.parametrize("writer", WRITERS, ids=["coco", "coco-crowds", "synapse-json", "labelme", "labelstudio"])
def test_every_writer_accounts_for_a_document_with_a_wrong_node(writer):
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(_mutations())
    def check(mutation):
        changed = _changed(*mutation)
        item = ExportItem("k", "1", changed, {"image_1": MediaFile("a.png")})
        output = writer.write_item(item)
        account = output.account
        assert account.read == account.written + account.dropped + account.failed
        assert writer.account(output.fragment) == account
        for file in writer.assemble(lambda: [Fragment("k", None, output.fragment)]):
            content = b"".join(file.chunks).decode()
            if file.path.endswith(".json"):
                json.loads(content)

    check()
