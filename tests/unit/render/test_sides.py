from reconciler.diff.fields import diff_fields
from reconciler.diff.rules import RULES
from reconciler.model.address import Address
from reconciler.model.change import MISSING, FieldChange
from reconciler.plan.values import Action, Change, Reason
from reconciler.render.sides import before_and_after, undo

ADDRESS = Address("Collection", "a")
RULE = RULES["Collection"]


def spec(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "type": "image", **more}


def test_undo_of_a_real_difference_gives_the_observed_value() -> None:
    observed = {
        "title": "old",
        "fileSpecifications": [spec("b"), spec("a", required=True), spec("gone")],
        "meta": {"x": 1},
    }
    desired = {
        "title": "new",
        "fileSpecifications": [spec("a", required=False), spec("b"), spec("new")],
        "meta": {"x": 2, "y": 3},
    }
    back = undo(desired, diff_fields(desired, observed, RULE), RULE)
    by_name = {item["name"]: item for item in back.pop("fileSpecifications")}
    assert back == {"title": "old", "meta": {"x": 1}}
    assert by_name == {item["name"]: item for item in observed["fileSpecifications"]}


def test_undo_of_a_change_of_order_restores_it() -> None:
    change = FieldChange(("fileSpecifications", "(order)"), ["b", "a"], ["a", "b"])
    assert undo({"fileSpecifications": [spec("a"), spec("b")]}, [change], RULE) == {
        "fileSpecifications": [spec("b"), spec("a")]
    }


def test_undo_leaves_its_input_alone() -> None:
    desired = {"meta": {"x": 2}}
    undo(desired, [FieldChange(("meta", "x"), MISSING, 2)], RULE)
    assert desired == {"meta": {"x": 2}}


def test_before_of_a_create_and_after_of_a_delete_are_nothing() -> None:
    create = Change(ADDRESS, Action.CREATE, Reason.NOT_REMOTE, desired={"title": "T"})
    delete = Change(ADDRESS, Action.DELETE, Reason.NOT_DECLARED, remote_id="12")
    assert before_and_after(create) == (None, {"title": "T"})
    assert before_and_after(delete) == ({"id": "12"}, None)
