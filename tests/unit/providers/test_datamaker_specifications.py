import pytest

from reconciler.providers.datamaker.specifications import from_wire, to_wire


def spec(name="image_1", kind="image", **more):
    base = {"name": name, "type": kind, "extensions": [], "required": False, "primary": False, "sequential": False}
    return base | more


@pytest.mark.parametrize(("declared", "wire"), [("document", "data"), ("medical", "data"), ("pcd", "pcd")])
def test_declared_type_is_sent_as_the_service_knows_it_and_comes_back(declared, wire):
    [sent] = to_wire([spec(kind=declared)])
    assert sent["file_type"] == wire
    assert from_wire([sent])[0]["type"] == declared


def test_type_changed_by_others_wins_over_the_remembered_spelling():
    [sent] = to_wire([spec(kind="medical")])
    assert from_wire([{**sent, "file_type": "image"}])[0]["type"] == "image"


def test_extensions_are_kept_in_the_configuration():
    [sent] = to_wire([spec(extensions=[".nii.gz"])])
    assert sent["configuration"]["extensions"] == [".nii.gz"]
    assert from_wire([sent])[0]["extensions"] == [".nii.gz"]


def test_nothing_declared_primary_makes_the_first_primary_without_reporting_it():
    sent = to_wire([spec("a"), spec("b")])
    assert [(s["is_primary"], s["function_type"]) for s in sent] == [(True, "main"), (False, "sub")]
    assert [s["primary"] for s in from_wire(sent)] == [False, False]
    assert not any("functionType" in s for s in from_wire(sent))


def test_a_declared_main_leaves_the_primary_one_as_sub():
    sent = to_wire([spec("a", primary=True), spec("b", functionType="main")])
    assert [s["function_type"] for s in sent] == ["sub", "main"]


def test_ids_and_foreign_configuration_are_kept_on_update():
    there = [{"id": 7, "name": "a", "configuration": {"theirs": 1, "extensions": [".old"], "assumed": ["is_primary"]}}]
    [sent] = to_wire([spec("a", primary=True, functionType="main")], there)
    assert (sent["id"], sent["configuration"]) == (7, {"theirs": 1, "extensions": []})


def test_order_is_that_of_the_index():
    sent = to_wire([spec("b"), spec("a")])
    assert [s["name"] for s in from_wire(list(reversed(sent)))] == ["b", "a"]


def test_a_specification_made_by_others_is_read_with_defaults():
    wire = {"id": 1, "name": "image_1", "file_type": "image", "configuration": None, "is_primary": True}
    assert from_wire([wire]) == [spec(primary=True, description=None)]
