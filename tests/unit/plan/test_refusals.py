"""What a backend cannot do is found in the plan, with the reason."""

import pytest

from reconciler.model.change import MISSING, FieldChange
from reconciler.plan.refusals import Bar, Fixed, Remark, refusals, remarks

VERSIONS = Fixed(("versions", "*"), Bar.REMOVE, "stays")
LEVELS = Fixed(("datamaker", "workshops", "*", "levels"), Bar.CHANGE, "is set once")


@pytest.mark.parametrize(
    ("path", "before", "after", "expected", "reason"),
    [
        (("versions", "v1"), "x", MISSING, ("versions.v1: stays",), "an item goes"),
        (("versions", "v1"), MISSING, "x", (), "an item comes"),
        (("versions",), {"a": 1, "b": 1}, MISSING, ("versions.a: stays", "versions.b: stays"), "all go"),
        (("versions",), {}, MISSING, (), "there were none"),
        (("title",), "x", MISSING, (), "another field"),
        (("datamaker", "workshops", "w", "levels"), 1, 2, ("datamaker.workshops.w.levels: is set once",), "a change"),
        (("datamaker", "workshops", "w", "levels"), MISSING, 2, (), "set for the first time"),
        (("datamaker", "workshops", "w"), {"levels": 1}, MISSING, (), "the whole item goes"),
        (("datamaker", "workshops", "w", "name"), 1, 2, (), "another member"),
    ],
)
def test_change_is_refused_as_the_rule_says(path, before, after, expected, reason):
    got = refusals([FieldChange(path, before, after)], [VERSIONS, LEVELS])
    assert got == expected, reason


@pytest.mark.parametrize(
    ("path", "before", "after", "expected", "reason"),
    [
        (("roles", "viewer"), MISSING, "x", ("stays",), "an item comes"),
        (("roles",), MISSING, {"viewer": "x"}, ("stays",), "the first ones come"),
        (("roles",), MISSING, {}, (), "none come"),
        (("roles", "viewer"), "x", MISSING, (), "an item goes"),
        (("platform", "level"), "private", "public", ("opens",), "the value it is about"),
        (("platform",), MISSING, {"level": "public"}, ("opens",), "the value, in a mapping that is new"),
        (("platform", "level"), "public", "private", ("closes",), "another value"),
        (("platform", "level"), MISSING, "private", (), "one that closes nothing, for it is new"),
        (("platform", "level"), "public", MISSING, (), "no value"),
        (("title",), "a", "public", (), "another field"),
    ],
)
def test_change_is_remarked_as_the_rule_says(path, before, after, expected, reason):
    level = ("platform", "level")
    rules = [
        Remark(("roles", "*"), "stays"),
        Remark(level, "opens", ("public",)),
        Remark(level, "closes", ("private",), only_changed=True),
    ]
    assert remarks([FieldChange(path, before, after)], rules) == expected, reason


def test_remark_is_made_once_for_several_changes():
    changes = [FieldChange(("roles", name), MISSING, "x") for name in "ab"]
    assert remarks(changes, [Remark(("roles", "*"), "stays")]) == ("stays",)
