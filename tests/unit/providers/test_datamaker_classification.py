import re

import pytest

from reconciler.model.address import Address
from reconciler.providers.datamaker.classification import colour, expand, names_of

LABELS = Address("AnnotationProject", "labels")


def test_expand_is_read_back_as_declared():
    classes = {"bounding_box": ["nodule", "vessel"], "polygon": []}
    assert names_of(expand(classes, LABELS)) == classes


def test_expand_gives_the_same_ids_every_time_and_others_elsewhere():
    def ids(address):
        return [entry["id"] for entry in expand({"t": ["a", "b"]}, address)["t"]["classification_schema"]]

    assert ids(LABELS) == ids(LABELS)
    assert len({*ids(LABELS), *ids(Address("AnnotationProject", "other"))}) == 4


def test_expand_tells_apart_names_that_join_alike():
    block = expand({"a": ["b c"], "a b": ["c"]}, LABELS)
    assert block["a"]["classification_schema"][0]["id"] != block["a b"]["classification_schema"][0]["id"]


def test_expand_keeps_what_is_there():
    there = {"t": {"id": "X", "theirs": 1, "classification_schema": [{"id": "A", "name": "a", "value": "#000000"}]}}
    block = expand({"t": ["b", "a"]}, LABELS, there)["t"]
    assert (block["id"], block["theirs"]) == ("X", 1)
    assert block["classification_schema"][1] == {"id": "A", "name": "a", "value": "#000000"}


def test_entries_have_the_shape_of_the_service():
    [entry] = expand({"t": ["a"]}, LABELS)["t"]["classification_schema"]
    assert entry.keys() == {"id", "code", "name", "value", "is_default", "customFields", "attributes"}


@pytest.mark.parametrize("name", ["nodule", "結節", ""])
def test_colour_is_six_hex_digits_and_stable(name):
    assert re.fullmatch("#[0-9A-F]{6}", colour(name))
    assert colour(name) == colour(name)


@pytest.mark.parametrize("broken", [None, 3, {"t": None}, {"t": {"classification_schema": [3, {"code": "x"}]}}])
def test_names_of_anything_else_are_empty(broken):
    assert not any(names_of(broken).values())
