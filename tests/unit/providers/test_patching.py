import pytest

from reconciler.model.change import MISSING, FieldChange
from reconciler.providers.patching import patched

OBSERVED = {"title": "t", "meta": {"a": {"b": 1}, "c": 2}, "specs": [{"name": "x", "on": 1}, {"name": "y", "on": 2}]}


def change(path, after):
    return FieldChange(tuple(path.split("/")), MISSING, after)


@pytest.mark.parametrize(
    ("path", "after", "expected"),
    [
        ("title", "u", {"title": "u"}),
        ("title", None, {"title": None}),
        ("meta/a/b", 3, {"meta": {"a": {"b": 3}, "c": 2}}),
        ("meta/c", MISSING, {"meta": {"a": {"b": 1}}}),
        ("meta/new/deep", 1, {"meta": {"a": {"b": 1}, "c": 2, "new": {"deep": 1}}}),
        ("meta/gone/deep", MISSING, {"meta": {"a": {"b": 1}, "c": 2, "gone": {}}}),
        ("specs/x/on", 9, {"specs": [{"name": "x", "on": 9}, {"name": "y", "on": 2}]}),
        ("specs/y", MISSING, {"specs": [{"name": "x", "on": 1}]}),
        ("specs/z", {"name": "z"}, {"specs": [*OBSERVED["specs"], {"name": "z"}]}),
        ("specs", [{"name": "z"}], {"specs": [{"name": "z"}]}),
        ("specs/(order)", ["y", "x"], {}),
    ],
)
def test_patched_applies_one_change_and_nothing_else(path, after, expected):
    assert patched(OBSERVED, [change(path, after)], {"specs": "name"}) == OBSERVED | expected


def test_patched_list_takes_the_desired_order_with_strangers_last():
    desired = {"specs": [{"name": "z"}, {"name": "y"}]}
    got = patched(OBSERVED, [change("specs/z", {"name": "z"})], {"specs": "name"}, desired)
    assert [item["name"] for item in got["specs"]] == ["z", "y", "x"]


def test_patched_list_that_does_not_change_keeps_its_order():
    desired = {"specs": [{"name": "y"}, {"name": "x"}]}
    assert patched(OBSERVED, [change("title", "u")], {"specs": "name"}, desired)["specs"] == OBSERVED["specs"]


def test_patched_leaves_its_argument_alone():
    before = str(OBSERVED)
    patched(OBSERVED, [change("meta/a/b", 5), change("specs/x/on", 7)], {"specs": "name"})
    assert str(OBSERVED) == before
