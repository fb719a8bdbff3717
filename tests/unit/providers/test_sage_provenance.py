"""Activities ↔ declared provenance."""

import pytest

from reconciler.providers.sage.provenance import agrees, from_wire, is_outside, to_wire


def _stored(provenance, version=3):
    """As the service gives it back: references without version get the current one."""
    wire = to_wire(provenance)
    for item in wire["used"]:
        item.get("reference", {}).setdefault("targetVersionNumber", version)
    return {"id": "1", "etag": "e", **wire}


@pytest.mark.parametrize(
    ("stored", "wanted", "equal", "reason"),
    [
        ({"used": ["syn1"]}, {"used": ["syn1"]}, True, "the version that the service filled in is no difference"),
        ({"used": ["syn1@2"]}, {"used": ["syn1.2"]}, True, "two ways to write a version"),
        ({"used": ["syn1@2"]}, {"used": ["syn1@3"]}, False, "another version"),
        ({"used": ["syn1"]}, {"executed": ["syn1"]}, False, "used is not executed"),
        ({"used": ["syn1", "syn2"]}, {"used": ["syn2", "syn1"]}, True, "the order means nothing"),
        ({"used": ["syn1", "syn1"]}, {"used": ["syn1"]}, False, "twice is not once"),
        ({"used": ["syn1@2", "syn1@5"]}, {"used": ["syn1", "syn1@2"]}, True, "the exact one is matched first"),
        ({"used": ["https://a.b/c"]}, {"used": ["https://a.b/c"]}, True, "a URL"),
        ({"name": "x"}, {}, False, "a name that is not declared"),
    ],
)
def test_agrees_compares_what_is_declared(stored, wanted, equal, reason):
    assert agrees(_stored(stored), wanted) is equal, reason


def test_from_wire_shows_versions_behind_an_at():
    assert from_wire(_stored({"name": "n", "used": ["syn1"], "executed": ["http://x"]})) == {
        "name": "n",
        "used": ["syn1@3"],
        "executed": ["http://x"],
    }


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("syn12", True),
        ("SYN12@3", True),
        ("syn12.3", True),
        ("doi:1/2", True),
        ("raw/a.csv", False),
        ("syn.csv", False),
    ],
)
def test_is_outside_tells_files_of_ours(text, outside):
    assert is_outside(text) is outside
