"""Label Studio in, DM schema 1 through JSON text, Label Studio out: the same content."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.labelstudio_write import LabelstudioOptions, LabelstudioWriter
from reconciler.formats.readers import READERS
from reconciler.formats.reading import Reading
from tests.support.datasets import FilesInMemory, as_item, folder_files, read_dataset, write_dataset
from tests.support.labelstudio_tasks import media_task, picture_task, task_file

DATA = Path(__file__).parents[2] / "data" / "labelstudio"
KEEP = LabelstudioOptions(originals=False, geometry=EdgePolicy("keep"))


def _read(files, specification, **options):
    problems = []
    reading = Reading(FilesInMemory(files, {}), specification, problems.append, options)
    return list(READERS["labelstudio"](reading)), [p.summary for p in problems]


def _items(found, specification="image_1"):
    for place, one in enumerate(found):
        item = as_item(one)
        yield replace(item, key=f"{place:03}", media={specification: item.media["image_1"]})


def _written(files, specification="image_1", options=KEEP, **reader):
    found, problems = _read(files, specification, **reader)
    written = write_dataset(LabelstudioWriter(options), list(_items(found, specification)))
    return json.loads(written["tasks.json"]), problems


REAL = {
    "test_export_coco/data.json": 0,
    "test_export_csv/csv_test.json": 0,
    "test_export_csv/csv_test2.json": 0,
    "test_export_json_min/data.json": 0,
    "test_export_yolo/data.json": 1,  # a task that two people annotated
}


@pytest.mark.parametrize(("name", "told"), REAL.items())
def test_real_export_imported_and_exported_is_equal(name, told):
    raw = (DATA / name).read_bytes()
    written, problems = _written({"export.json": raw})
    assert written == json.loads(raw)
    assert len(problems) == told


def test_every_kind_of_result_comes_back():
    task = picture_task()
    written, problems = _written(task_file(task))
    assert problems == []
    assert written == [task]


TEXT = {"id": "t", "from_name": "l", "to_name": "text", "type": "labels"}
HYPER = {"start": "/div[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 3, "endOffset": 9}
OTHER = [
    ("text_1", "text", "Ada met Bob.", {**TEXT, "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}),
    (
        "text_1",
        "text",
        "s3://b/page.html",
        {
            "id": "h",
            "from_name": "l",
            "to_name": "text",
            "type": "hypertextlabels",
            "value": {**HYPER, "text": "Bob", "globalOffsets": {"start": 8, "end": 11}, "hypertextlabels": ["PER"]},
        },
    ),
    (
        "audio_1",
        "audio",
        "s3://b/a.wav",
        {
            "id": "a",
            "from_name": "l",
            "to_name": "audio",
            "type": "labels",
            "original_length": 12.5,
            "value": {"start": 0.25, "end": 3.5, "channel": 1, "labels": ["speech"]},
        },
    ),
    (
        "series_1",
        "ts",
        "s3://b/t.csv",
        {
            "id": "s",
            "from_name": "l",
            "to_name": "ts",
            "type": "timeserieslabels",
            "value": {
                "start": 1592250751951.8074,
                "end": 1592251071946.7,
                "instant": False,
                "timeserieslabels": ["Run"],
            },
        },
    ),
    (
        "video_1",
        "video",
        "s3://b/v.mp4",
        {
            "id": "v",
            "from_name": "box",
            "to_name": "video",
            "type": "videorectangle",
            "origin": "manual",
            "value": {
                "framesCount": 30,
                "duration": 1.0,
                "sequence": [
                    {"frame": 1, "enabled": True, "rotation": 0, "x": 1, "y": 2, "width": 3, "height": 4, "time": 0.04},
                    {
                        "frame": 9,
                        "enabled": False,
                        "rotation": 45,
                        "x": 2,
                        "y": 2,
                        "width": 3,
                        "height": 4,
                        "time": 0.36,
                    },
                ],
                "labels": ["Car"],
            },
        },
    ),
    (
        "video_1",
        "video",
        "s3://b/v.mp4",
        {
            "id": "r",
            "from_name": "when",
            "to_name": "video",
            "type": "timelinelabels",
            "value": {"ranges": [{"start": 3, "end": 5}, {"start": 8, "end": 8}], "timelinelabels": ["Rain"]},
        },
    ),
]


@pytest.mark.parametrize(("specification", "key", "address", "result"), OTHER)
def test_results_of_other_media_come_back(specification, key, address, result):
    task = media_task(key, address, result)
    found, problems = _read(task_file(task), specification, size=[640, 480])
    assert problems == []
    item = next(_items(found, specification))
    item = replace(item, media={specification: replace(item.media[specification], type=None)})
    written = write_dataset(LabelstudioWriter(KEEP), [item])
    assert json.loads(written["tasks.json"]) == [task]


def test_prediction_is_read_where_nobody_annotated():
    result = picture_task()["annotations"][0]["result"]
    task = picture_task(annotations=[], predictions=[{"model_version": "m1", "score": 0.5, "result": result}])
    found, _ = _read(task_file(task), "image_1")
    assert len(found[0].document.media[0].annotations) == 10
    assert _written(task_file(task))[0] == [task]


def test_ground_truth_is_read_before_other_annotations():
    def annotation(label, **more):
        value = {"x": 0, "y": 0, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": [label]}
        row = {"id": label, "type": "rectanglelabels", "from_name": "l", "to_name": "image", "value": value}
        return {"result": [{**row, "original_width": 10, "original_height": 10}], **more}

    task = picture_task(annotations=[annotation("a"), annotation("b", ground_truth=True)])
    found, problems = _read(task_file(task), "image_1")
    assert [a.class_name for a in found[0].document.media[0].annotations] == ["b"]
    assert "several annotations" in problems[0]
    assert _written(task_file(task))[0] == [task]


def test_result_that_is_not_known_is_kept_as_it_is():
    odd = {"id": "q", "type": "magicwand", "from_name": "w", "to_name": "image", "value": {"imageDOMUrl": "data:,"}}
    task = picture_task(annotations=[{"id": 1, "result": [odd]}])
    written, problems = _written(task_file(task))
    assert written == [task]
    assert "magicwand" in problems[0]


def _min_files():
    shape = {"x": 1.5, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["a"]}
    row = {
        "image": "/data/upload/1/0123abcd-one.jpg",
        "id": 4,
        "label": [{**shape, "original_width": 200, "original_height": 100}],
        "scene": "day",
        "weather": {"choices": ["wet", "cold"]},
        "annotator": 1,
        "annotation_id": 9,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-02T00:00:00Z",
        "lead_time": 2.5,
    }
    config = b"""<View><Image name="image" value="$image"/><Choices name="scene" toName="image"><Choice value="day"/>
    </Choices><Choices name="weather" toName="image"/><RectangleLabels name="label" toName="image"/></View>"""
    return row, {"tasks.json": json.dumps([row]).encode(), "config.xml": config}


def test_short_form_comes_back_in_the_short_form():
    row, files = _min_files()
    found, problems = _read(files, "image_1")
    assert problems == []
    assert found[0].name == "data/upload/1/one.jpg"
    assert [a.class_name for a in found[0].document.media[0].annotations] == ["a", "day", "wet", "cold"]
    assert _written(files, options=replace(KEEP, form="json-min"))[0] == [row]


def test_choices_of_the_short_form_are_found_without_configuration_where_they_say_so():
    row, files = _min_files()
    del files["config.xml"]
    found, _ = _read(files, "image_1")
    assert [a.class_name for a in found[0].document.media[0].annotations] == ["a", "wet", "cold"]
    assert row["scene"] == "day"


def test_data_that_are_no_tasks_are_told():
    found, problems = read_dataset({"a.json": b'[{"x": 1}, 5]', "b.json": b"{"}, "labelstudio")
    assert found == []
    assert len(problems) == 3


def test_folder_of_real_exports_is_read_as_one_data_set():
    found, problems = read_dataset(folder_files(DATA / "test_export_coco"), "labelstudio")
    assert [one.name for one in found] == ["test_image1.jpg"]
    assert problems == []
