"""Annotation tables as text: what rows say, what is accounted, and what comes back."""

import csv
import io
import json

import pytest

from reconciler.errors import ConfigError
from reconciler.formats.account import Loss
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile, item_digest
from reconciler.formats.table_columns import COLUMNS, Cell, Column
from reconciler.formats.table_options import TableOptions
from reconciler.formats.table_text import read_csv
from reconciler.formats.table_write import TableWriter
from reconciler.formats.writers import open_writer
from tests.support.exports import export_of
from tests.support.tables import documents, table

FLAGS = {"isLocked": False}


def payload(*rows, media="image_1", size=(40, 30), **parts):
    """rows: (tool, geometry fields) of annotations a0, a1, …"""
    return {
        "annotations": {media: [{"id": f"a{n}", "tool": tool, **FLAGS, "classification": {"class": "car"}}
                                for n, (tool, _) in enumerate(rows)]},
        "annotationsData": {media: [{"id": f"a{n}", **fields} for n, (_, fields) in enumerate(rows)]},
        "extra": {media: dict(zip(("width", "height"), size, strict=True))} if size else {},
        **parts,
    }  # fmt: skip


def item(data, key="k", **fields):
    return ExportItem(key, "7", data, fields.pop("media", {"image_1": MediaFile("a b.png")}), **fields)


def box(x=1, y=2, width=3, height=4, **more):
    return "bounding_box", {"coordinate": {"x": x, "y": y, "width": width, "height": height, **more}}


def rows_of(data, options=None, **fields):
    text = table("csv", [item(data, **fields)], options).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


SHAPES = [
    (box(rotation=0.5, x=10, y=10), {"x": "10", "w": "3", "rotation": "0.5"}, "a turned box is written as drawn"),
    (
        ("polygon", {"coordinate": [{"x": 1, "y": 2}, {"x": 5, "y": 2}, {"x": 5, "y": 9}]}),
        {"points": "[[1,2],[5,2],[5,9]]", "x": "1", "y": "2", "w": "4", "h": "7"},
        "a polygon has its tight box",
    ),
    (("keypoint", {"coordinate": {"x": 1.5, "y": 2}}), {"x": "1.5", "y": "2", "points": ""}, "a point is x and y"),
    (
        ("segmentation", {"pixel_indices": [[41, 2], [81, 3]], "isCompressed": True, "compressionFormat": "rle"}),
        {"mask": "[[41,2],[81,3]]", "x": "1", "y": "1", "w": "3", "h": "2"},
        "a mask is its runs",
    ),
    (("relation", {"annotationId": "p", "targetAnnotationId": "q"}),
     {"data": '{"annotationId":"p","targetAnnotationId":"q"}'}, "a link has no columns"),
    (("lasso", {"path": [1]}), {"tool": "lasso"}, "an unknown tool is kept as it is"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "cells", "reason"), SHAPES)
def test_shape_becomes_cells_and_comes_back(shape, cells, reason):
    (row,) = rows_of(payload(shape))
    assert {name: row[name] for name in cells} == cells, reason
    found, problems = documents("csv", table("csv", [item(payload(shape))]))
    again, _ = documents("jsonl", table("jsonl", [item(payload(shape))]))
    assert (problems, found) == ([], again)
    assert found["k"].media[0].annotations[0].tool == shape[0]


OTHER_MEDIA = [
    ("audio_1", "segmentation", {"section": {"start": 0.5, "end": 2}}, {"time_end": "2", "time_unit": "seconds"}),
    ("video_1", "segmentation", {"section": {"startFrame": 3, "endFrame": 9}}, {"time_start": "3"}),
    ("text_1", "named_entity", {"ranges": [{"start": 4, "end": 9}], "content": "a,\n\"b\""}, {"text_end": "9"}),
    ("pcd_1", "3d_segmentation", {"points": [3, 1]}, {"data": '{"points":[3,1]}'}),
    ("video_1", "bounding_box", {"coordinates": {"4": {"x": 1, "y": 2, "width": 3, "height": 4}}}, {"x": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("media", "tool", "fields", "cells"), OTHER_MEDIA)
def test_annotation_of_other_media_is_written_and_comes_back(media, tool, fields, cells):
    data = payload((tool, fields), media=media, size=None)
    (row,) = rows_of(data, media={media: MediaFile("x")})
    assert {name: row[name] for name in cells} == cells
    found, problems = documents("csv", table("csv", [item(data, media={media: MediaFile("x")})]))
    assert problems == []
    assert table("csv", [item(data)]) == table("csv", [item(_sdk(found["k"]))])


def _sdk(document):
    from reconciler.formats.dm import encode_v1

    return encode_v1(document)


def test_header_is_the_documented_one():
    (header,) = table("csv", []).decode().splitlines()
    assert header.split(",") == [column.name for column in COLUMNS]


def test_item_without_annotations_has_a_row_unless_told_otherwise():
    (row,) = rows_of(payload())
    assert (row["key"], row["width"], row["tool"]) == ("k", "40", "")
    assert rows_of(payload(), TableOptions(empty_items=False)) == []


def test_row_names_the_file_and_where_it_is_copied():
    (row,) = rows_of(payload(box()), split="train", key="x/1")
    assert (row["file_name"], row["path"], row["split"]) == ("a b.png", "images/train/x/1.png", "train")
    (row,) = rows_of(payload(box()), TableOptions(originals=False))
    assert row["path"] == ""


def account_of(data, mode="clip"):
    return TableWriter("csv", TableOptions(geometry=EdgePolicy(mode))).write_item(item(data)).account


@pytest.mark.parametrize(
    ("mode", "written", "outcome"),
    [("clip", 1, "clipped"), ("keep", 1, None), ("drop", 0, "dropped"), ("fail", 0, "failed")]
)  # fmt: skip
@pytest.mark.parametrize("shape", [box(x=38), ("polyline", {"coordinate": [{"x": 1, "y": 1}, {"x": 60, "y": 1}]})])
def test_policy_has_its_verdict(mode, written, outcome, shape):
    account = account_of(payload(shape), mode)
    assert (account.read, account.written) == (1, written)
    assert [entry.outcome for entry in account.entries] == ([outcome] if outcome else [])


@pytest.mark.parametrize(("mode", "outcome"), [("clip", "dropped"), ("fail", "failed")])
def test_mask_larger_than_its_picture_is_not_written(mode, outcome):
    mask = "segmentation", {"data": [[1199, 2]], "encoding": "dm_rle", "isCompressed": True, "compressionFormat": "rle"}
    data = payload(mask, size=None)
    file = MediaFile("a.png", width=40, height=30)
    made = TableWriter("csv", TableOptions(geometry=EdgePolicy(mode))).write_item(item(data, media={"image_1": file}))
    assert [(e.outcome, e.reason) for e in made.account.entries] == [(outcome, Loss.OUTSIDE_MEDIA)]


def test_line_that_comes_back_has_a_row_for_each_piece():
    line = [{"x": 1, "y": 1}, {"x": 50, "y": 1}, {"x": 50, "y": 5}, {"x": 1, "y": 5}]
    rows = rows_of(payload(("polyline", {"coordinate": line})))
    assert [row["annotation"] for row in rows] == ["a0", "a0#2"]


def test_cut_turned_box_becomes_a_polygon_and_says_so():
    data = payload(box(x=36, y=10, width=8, height=8, rotation=0.5))
    (row,) = rows_of(data)
    assert row["tool"] == "polygon"
    assert Loss.ROTATION in {entry.reason for entry in account_of(data).entries}


def test_malformed_annotation_costs_only_itself():
    data = payload(box(), ("bounding_box", {}))
    account = account_of(data)
    assert (account.read, account.written, account.dropped) == (2, 1, 1)
    assert account.entries[0].reason is Loss.MALFORMED


def test_group_comes_back_and_what_a_column_cannot_say_is_told():
    groups = [{"id": "g", "annotationIds": ["a0", "a1"]}]
    data = payload(box(), box(), annotationGroups={"image_1": groups})
    found, _ = documents("jsonl", table("jsonl", [item(data)]))
    assert [(g.id, g.members) for g in found["k"].media[0].groups] == [("g", ("a0", "a1"))]
    data["annotationGroups"]["image_1"].append({"id": "h", "annotationIds": ["a1"]})
    assert [(e.reason, e.annotations) for e in account_of(data).entries] == [(Loss.GROUP, ("a1",))]


COLUMNS_ASKED = (Column("weather", Cell.TEXT, meta="w"), Column("age", Cell.INTEGER, meta="age"))


def test_columns_of_metadata_are_typed_and_wrong_values_are_told():
    options = TableOptions(columns=(*COLUMNS, *COLUMNS_ASKED))
    (row,) = rows_of(payload(box()), options, meta={"w": "rain", "age": "old"})
    assert (row["weather"], row["age"]) == ("rain", "")
    account = TableWriter("csv", options).write_item(item(payload(box()), meta={"age": "old"})).account
    assert [entry.reason for entry in account.entries] == [Loss.COLUMN_TYPE]


def test_only_metadata_that_a_column_shows_changes_the_item():
    writer = TableWriter("csv", TableOptions(columns=(*COLUMNS, *COLUMNS_ASKED)))
    first, other, changed = (item(payload(), meta=m) for m in ({"w": "a"}, {"w": "a", "z": 1}, {"w": "b"}))
    assert item_digest(first, writer, "p") == item_digest(other, writer, "p") != item_digest(changed, writer, "p")


@pytest.mark.parametrize("name", ["class", "twice"])
def test_column_of_a_name_that_is_taken_is_refused(name):
    columns = [{"name": name, "meta": "a"}, {"name": "twice", "meta": "b"}]
    with pytest.raises(ConfigError, match=name):
        open_writer(export_of(format="jsonl", options={"columns": columns}))


HOSTILE = ["=1+1", "'=1", "''@x", "-5", "\tx", "plain", "'quoted'",
           'a"b', "x\r\ny", "a\0b", "＝1", "..\\..", "나무", "é", "x" * 200_000]  # fmt: skip


@pytest.mark.parametrize("is_safe", [False, True])
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_text_of_any_kind_comes_back_from_csv(name, is_safe):
    data = payload(box())
    data["annotations"]["image_1"][0]["classification"] = {"class": name}
    content = table("csv", [item(data)], TableOptions(spreadsheet_safe=is_safe))
    found, problems = documents("csv", content, spreadsheetSafe=is_safe)
    assert problems == []
    assert found["k"].media[0].annotations[0].class_name == name


@pytest.mark.parametrize("name", ["=1+1", "@x", "+1", "-x", "\t=1", "\r=1", "＝1"])
def test_safe_csv_has_no_text_that_is_a_formula(name):
    data = payload(box())
    data["annotations"]["image_1"][0]["classification"] = {"class": name}
    text = table("csv", [item(data)], TableOptions(spreadsheet_safe=True)).decode()
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["class"] == f"'{name}"
    assert row["x"] == "1"


def test_csv_lines_end_as_the_standard_says():
    content = table("csv", [item(payload(box()))])
    assert content.count(b"\r\n") == content.count(b"\n") == 2


def test_jsonl_has_every_column_in_every_line():
    (row,) = map(json.loads, table("jsonl", [item(payload(box()))]).decode().splitlines())
    assert list(row) == [column.name for column in COLUMNS]
    assert (row["x"], row["attributes"], row["extra"]) == (1, None, {"members": FLAGS})


BROKEN = [
    ("csv", b"key,tool,x,y,w,h\r\nk,bounding_box,1,2,3\r\nm,bounding_box,1,2,3,4\r\n", "has 5 cells"),
    ("csv", b"key,tool,x,y,w,h\nk,bounding_box,one,2,3,4\nm,bounding_box,1,2,3,4\n", "'x': 'one' is not number"),
    ("csv", b"key,tool,x,y,w,h\nk,bounding_box,NaN,2,3,4\nm,bounding_box,1,2,3,4\n", "'x': 'NaN' is not number"),
    ("csv", b"key,tool,x,y,w,h\nk,bounding_box,1,2,3,\nm,bounding_box,1,2,3,4\n", "cannot be read"),
    ("csv", b'key,x\nm,\nk,"open\n', "a quote that is not closed"),
    ("csv", b"name,x\nm,1\n", "must name columns"),
    ("csv", b"\xff\xfe", "cannot be read"),
    ("jsonl", b'{"key":\n{"key":"m","tool":"classification"}\n', "not JSON"),
    ("jsonl", b'[1]\n{"key":"m","tool":"classification"}\n', "a list, not an object"),
    ("jsonl", b'{"tool":"classification"}\n{"key":"m","tool":"classification"}\n', "says which unit"),
]


@pytest.mark.parametrize(("format", "content", "part"), BROKEN)
def test_broken_row_is_told_and_costs_only_itself(format, content, part):
    found, problems = documents(format, content)
    assert part in "\n".join(map(str, problems))
    assert all(not m.annotations for key, d in found.items() if key != "m" for m in d.media)
    assert "m" in found or "cells" not in part


def test_table_made_by_hand_needs_few_columns():
    content = b"file_name,tool,class,x,y,w,h\na.png,bounding_box,car,1,2,3,4\na.png,bounding_box,bus,1.0,2,3,4\n"
    found, problems = documents("csv", content)
    (media,) = found["a.png"].media
    assert (problems, media.media, [a.class_name for a in media.annotations]) == ([], "image_1", ["car", "bus"])
    assert len({a.id for a in media.annotations}) == 2


def test_csv_reader_agrees_with_the_standard_library():
    text = 'a,b\r\n"x ""y""\r\n,",\r\n\r\n,\n"",z\rlast,one'
    theirs = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert [cells for _, cells in read_csv(text)] == theirs
    assert [line for line, _ in read_csv(text)] == [1, 2, 5, 6, 7]


def test_half_of_a_surrogate_pair_becomes_a_question_mark():
    data = payload(box())
    given = ExportItem("k", "1", data, {"image_1": MediaFile("\udcff.png")})
    assert "?.png" in open_writer(export_of(format="csv")).write_item(given).fragment
