"""File rules made of names that a backend knows."""

from __future__ import annotations

import pytest

from reconciler.sources.rules import propose_rules

KNOWN = {"a.jpg": {"image_1"}, "b.jpg": {"image_1"}, "a.json": {"label_1"}, "m.json": {"data_1"}}


@pytest.mark.parametrize(
    ("files", "rules", "reason"),
    [
        (["a.jpg", "b.jpg", "a.json"], [("**/*.jpg", "image_1"), ("**/*.json", "label_1")], "extensions tell"),
        (
            ["gt/a.json", "more/m.json"],
            [("**/gt/*.json", "label_1"), ("**/more/*.json", "data_1")],
            "only folders tell",
        ),
        (["x/a.json", "x/m.json"], [], "neither tells"),
        (["unknown.jpg"], [], "nothing is known"),
    ],
)
def test_rules_follow_the_names_that_are_known(tmp_path, files, rules, reason):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert propose_rules(str(tmp_path), lambda name, _size: frozenset(KNOWN.get(name, ()))) == rules
