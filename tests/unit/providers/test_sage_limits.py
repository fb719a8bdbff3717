"""What the service can hold of a file."""

import pytest

from reconciler.model.unit import Unit
from reconciler.providers.sage.limits import fit


@pytest.mark.parametrize(
    ("key", "flaw", "reason"),
    [
        ("a/b.txt", "", "plain"),
        ("it's (1), a+b-c_d.txt", "", "everything that is allowed"),
        ("a/b:c.txt", "has ':'", "a colon"),
        ("ä.txt", "has 'ä'", "no ASCII letter"),
        ("a/ b.txt", "begins or ends with a space", "the service would trim it"),
        ("x" * 257, "has 257 characters", "too long"),
        ("/".join(["d"] * 60), "folders deep", "too deep"),
    ],
)
def test_fit_judges_every_name_of_the_path(key, flaw, reason):
    flaws = fit(Unit(key, (), {}))[1]
    assert bool(flaws) == bool(flaw), reason
    assert flaw in "".join(flaws), reason


def test_fit_brings_metadata_into_the_form_that_comes_back():
    unit = Unit("a", (), {"k": [1], "none": None, "d": "2024-05-06T00:00:00Z"})
    assert fit(unit)[0].meta == {"k": 1, "d": "2024-05-06"}


def test_fit_refuses_groups_and_long_texts():
    flaws = fit(Unit("a", (), {}, ("g",), {"description": "x" * 1001}))[1]
    assert [flaw.split()[0] for flaw in flaws] == ["description", "there"]
