import pytest

from reconciler.model.address import Address
from reconciler.providers.datamaker import collections, projects

CHEST = Address("Collection", "chest-ct")
LABELS = Address("AnnotationProject", "labels")


def test_collection_foreign_meta_stays_beside_ours():
    there = {"name": "t", "category": "image", "meta": {"theirs": 1, "reconciler": {"address": "x", "extra": 2}}}
    found = collections.from_wire({"id": 1, **there})
    sent = collections.to_wire(found.fields, CHEST, there)
    assert sent["meta"] == {"theirs": 1, "reconciler": {"address": "Collection/chest-ct", "version": 1, "extra": 2}}


@pytest.mark.parametrize("meta", [None, {}, [], "text", 3])
def test_collection_with_meta_of_any_kind_is_read(meta):
    assert collections.from_wire({"id": 1, "name": "t", "meta": meta}).fields["meta"] == {}


def test_collection_whose_meta_is_no_object_keeps_it():
    sent = collections.to_wire({"title": "t"}, CHEST, {"meta": ["theirs"], "category": "image"})
    assert sent["meta"]["value"] == ["theirs"]


def test_collection_schema_made_by_others_is_read_as_it_is():
    schema = {"additionalProperties": False, "maxProperties": 2}
    found = collections.from_wire({"id": 1, "name": "t", "meta": {"data_unit_meta_schema": schema}})
    assert found.fields["unitMetaSchema"] == schema


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ([], "data"),
        ([{"name": "a", "type": "video"}], "video"),
        ([{"name": "a", "type": "data"}, {"name": "b", "type": "medical", "primary": True}], "data"),
        ([{"name": "a", "type": "data"}, {"name": "b", "type": "pcd", "primary": True}], "pcd"),
    ],
)
def test_collection_category_comes_from_its_specifications(specs, expected):
    assert collections.to_wire({"title": "t", "fileSpecifications": specs}, CHEST)["category"] == expected


def test_collection_etag_follows_the_fields_and_nothing_volatile():
    wire = {"id": 1, "name": "t", "meta": {}}
    etags = {collections.from_wire({**wire, **more}).etag for more in ({}, {"count_projects": 9}, {"created": "now"})}
    assert len(etags) == 1
    assert collections.from_wire({**wire, "name": "u"}).etag not in etags


@pytest.mark.parametrize(("wire", "expected"), [(7, "7"), (0, None), (None, None)])
def test_project_collection_is_text_or_missing(wire, expected):
    found = projects.from_wire({"id": 1, "title": "p", "category": "image", "data_collection_id": wire})
    assert found.fields.get("collection") == expected


def test_project_foreign_configuration_stays():
    there = {"configuration": {"theirs": 1, "classification": {"x": {"classification_schema": [{"code": "unnamed"}]}}}}
    found = projects.from_wire({"id": 1, "title": "p", "category": "image", **there})
    sent = projects.to_wire(found.fields, LABELS, there)["configuration"]
    assert (sent["theirs"], sent["classification"]) == (1, there["configuration"]["classification"])


def test_project_is_sent_with_the_number_of_its_collection():
    fields = {"title": "p", "category": "image", "collection": "7", "datamaker": {"can_discard": True}}
    sent = projects.to_wire(fields, LABELS)
    assert (sent["data_collection"], sent["can_discard"]) == (7, True)
