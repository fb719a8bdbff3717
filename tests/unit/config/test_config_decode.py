"""Documents → values of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.config.decode import decode, size_bytes
from reconciler.config.documents import Document
from reconciler.config.nodes import MapNode, from_json
from reconciler.errors import Location
from reconciler.model.address import Address
from reconciler.model.resource import (
    AnnotationSource,
    ColumnRule,
    ConstantMetadata,
    Destination,
    Existing,
    External,
    FileRule,
    GeometryPolicy,
    KeyRule,
    Layout,
    Lifecycle,
    OnDelete,
    OnExists,
    PathMetadata,
    Policy,
    Ref,
    SidecarMetadata,
    SourceLocation,
    Splits,
    TableLimits,
    TableMetadata,
)


def decoded(kind: str, **spec: object) -> Any:
    node = from_json({"metadata": {"name": "x", "labels": {"site": "a"}}, "spec": spec}, Location("x.yaml", 3, 1))
    assert isinstance(node, MapNode)
    return decode(Document(kind, "x", node, "x.yaml", Path("/w")), "lab")


def test_decode_head_has_place_backend_and_lifecycle() -> None:
    head = decoded("Collection", lifecycle={"protect": True, "onExists": "adopt", "onDelete": "orphan"}).head
    assert (head.address, head.location, head.folder, head.backend) == (
        Address("Collection", "x"),
        Location("x.yaml", 3, 1),
        Path("/w"),
        "lab",
    )
    assert (head.labels, head.lifecycle) == ({"site": "a"}, Lifecycle(True, OnExists.ADOPT, OnDelete.ORPHAN))


def test_decode_empty_collection_declares_nothing() -> None:
    got = decoded("Collection")
    assert (got.title, got.description, got.file_specifications, got.unit_meta_schema, got.meta, got.platform) == (
        "x",
        None,
        None,
        None,
        None,
        {},
    )


def test_decode_extensions_are_lower_case_with_a_dot_and_once() -> None:
    items = [{"name": "a_1", "type": "image", "extensions": ["PNG", ".png", ".Nii.GZ"]}]
    (spec,) = decoded("Collection", fileSpecifications=items).file_specifications
    assert (spec.extensions, spec.primary) == ((".png", ".nii.gz"), True)


def test_decode_asset_set_defaults() -> None:
    got = decoded("AssetSet", collection="c", source={"url": "./d"})
    assert (got.collection, got.sources) == (Ref(Address("Collection", "c")), (SourceLocation("./d"),))
    assert (got.layout, got.key_rule, got.case_sensitive, got.files) == (Layout.STEMS, None, True, ())
    assert (got.incomplete, got.unmatched, got.duplicates, got.prune) == (Policy.FAIL, Policy.WARN, Policy.FAIL, False)
    assert (got.max_file_size_bytes, got.meta, got.groups, got.metadata) == (None, {}, (), ())


def test_decode_asset_set_with_everything() -> None:
    got = decoded(
        "AssetSet",
        collection={"id": 12.0},
        sources={"image_1": {"url": "a", "recursive": False}, "label_1": {"url": "s3://b", "options": {"k": 1}}},
        units={"key": {"regex": "(.+)/"}, "caseSensitive": False},
        files=[{"match": "*.png", "specification": "image_1"}],
        metadata=["m"],
        duplicates="skip",
        limits={"maxFileSize": "1.5KiB"},
    )
    assert got.collection == External("Collection", "12")
    assert [(s.specification, s.url, s.recursive, s.options) for s in got.sources] == [
        ("image_1", "a", False, {}),
        ("label_1", "s3://b", True, {"k": 1}),
    ]
    assert (got.key_rule, got.case_sensitive, got.files) == (
        KeyRule("(.+)/", "{1}"),
        False,
        (FileRule("*.png", "image_1"),),
    )
    assert (got.metadata, got.duplicates, got.max_file_size_bytes) == (
        (Ref(Address("MetadataSource", "m")),),
        Policy.SKIP,
        1536,
    )


SIZES = [(1000, 1000), ("1000", 1000), ("12B", 12), ("1kB", 1000), ("1KB", 1000)]
SIZES += [("50MiB", 52428800), ("1.5GB", 1_500_000_000), ("0.1 MB", 100_000), ("2TiB", 2 * 1024**4)]


@pytest.mark.parametrize(("text", "expected"), SIZES)
def test_size_bytes_knows_powers_of_1000_and_1024(text: int | str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["1QB", "fast", "1 Bk", "1i", "-1"])
def test_size_bytes_refuses_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        size_bytes(text)


def test_decode_metadata_origins() -> None:
    table = {"url": "m.csv", "key": "id", "columns": {"age": {"from": "Age", "type": "integer"}, "site": {}}}
    columns = (ColumnRule("age", "Age", "integer"), ColumnRule("site", "site"))
    assert decoded("MetadataSource", table=table).origin == TableMetadata("m.csv", "id", columns=columns)
    assert decoded("MetadataSource", path={"regex": "(?P<a>x)"}).origin == PathMetadata("(?P<a>x)", {})
    assert decoded("MetadataSource", sidecar={"file": "{key}.json"}).origin == SidecarMetadata("{key}.json")
    got = decoded("MetadataSource", constant={"a": 1}, unmatchedRows="fail")
    assert (got.origin, got.unmatched_rows) == (ConstantMetadata({"a": 1}), Policy.FAIL)


def test_decode_annotation_project_keeps_the_order_of_classes() -> None:
    got = decoded("AnnotationProject", category="image", classes={"polygon": ["z", "a"], "keypoint": []})
    assert (got.classes, list(got.classes)) == ({"polygon": ("z", "a"), "keypoint": ()}, ["polygon", "keypoint"])
    assert decoded("AnnotationProject", category="image").classes is None


def test_decode_task_set() -> None:
    source = {"format": "coco", "url": "i.json", "specification": "image_1", "submit": False}
    got = decoded("TaskSet", project={"id": "7"}, assets="a", annotations=source)
    assert (got.project, got.assets) == (External("AnnotationProject", "7"), Ref(Address("AssetSet", "a")))
    assert got.annotations == AnnotationSource("coco", "i.json", "image_1", False)
    assert decoded("TaskSet", project="p", assets="a").annotations is None


def test_decode_export_defaults() -> None:
    got = decoded("Export", project="p", format="coco", destination={"url": "out"})
    assert (got.target, got.filter, got.options, got.originals) == ("assignment", {}, {}, True)
    assert (got.destination, got.splits, got.classes, got.geometry) == (
        Destination("out"),
        None,
        None,
        GeometryPolicy(),
    )


def test_decode_export_with_everything() -> None:
    got = decoded(
        "Export",
        project="p",
        format="coco",
        destination={"storage": 11, "path": "x"},
        originals=["image_1"],
        splits={"train": 0.75, "val": 0.25, "seed": 7},
        classes=["b", "a"],
        geometry={"mode": "drop", "tolerance": 2},
    )
    assert (got.destination, got.originals) == (Destination(storage="11", path="x"), ("image_1",))
    assert (got.splits, got.classes) == (Splits({"train": 0.75, "val": 0.25}, 7), ("b", "a"))
    assert got.geometry == GeometryPolicy("drop", 2.0)
    assert decoded("Export", format="coco", destination={"url": "o"}, splits={"by": "meta.s"}).splits == Splits(
        by="meta.s"
    )


def test_ground_truth_keeps_the_order_of_versions_and_tells_none_from_empty() -> None:
    got = decoded("GroundTruthDataset", project="p", versions=["v2", "v1"])
    project = Ref(Address("AnnotationProject", "p"))
    assert got.fields == {"title": "x", "project": project, "versions": ["v2", "v1"]}
    assert decoded("GroundTruthDataset").fields == {"title": "x"}
    assert decoded("GroundTruthDataset", versions=[]).fields == {"title": "x", "versions": []}


def test_fields_of_a_kind_given_as_data_are_kept_as_declared() -> None:
    got = decoded("AccessGrant", collection="pics", user=3, roles=["viewer"])
    assert got.fields == {"collection": Ref(Address("Collection", "pics")), "user": 3, "roles": ["viewer"]}


def test_text_that_may_come_from_a_file_is_taken_without_white_space_around_it() -> None:
    assert decoded("ValidationScript", code="\n  a = 1\n\n", timeout=3).fields["code"] == "a = 1"


@pytest.mark.parametrize(
    ("spec", "on_delete", "existing", "reason"),
    [
        ({"existing": {}}, "orphan", Existing(), "what was there before stays"),
        ({"existing": {}, "lifecycle": {"onDelete": "delete"}}, "delete", Existing(), "unless the document says so"),
        ({"existing": {"unmarked": False}}, "orphan", Existing(None, unmarked=False), "only our marker"),
        ({"existing": {"key": {"regex": "(x)"}}}, "orphan", Existing(KeyRule("(x)")), "a rule for keys"),
        ({"source": {"url": "x"}}, "delete", None, "an ordinary set"),
    ],
)
def test_decode_existing_units_are_left_when_the_set_goes(spec, on_delete, existing, reason) -> None:
    found = decoded("AssetSet", collection="c", **spec)
    assert (found.head.lifecycle.on_delete, found.existing) == (on_delete, existing)


def test_decode_table_metadata_with_everything() -> None:
    limits = {"maxFileSize": "1KiB", "maxRows": 5, "maxColumns": 6, "maxMemory": 7}
    table = {"key": {"template": "{site}-{n:04}-{site}"}, "header": 3, "mergedCells": "fill", "limits": limits}
    got = decoded("MetadataSource", table=table, conflicts="fail")
    expected = TableMetadata(
        "", ("site", "n"), key_template="{site}-{n:04}-{site}", header=3, fill_merged=True,
        limits=TableLimits(1024, 5, 6, 7),
    )  # fmt: skip
    assert (got.origin, got.conflicts) == (expected, Policy.FAIL)
    assert decoded("MetadataSource", table={"url": "m.csv", "key": ["a", "b"]}).origin.key == ("a", "b")
