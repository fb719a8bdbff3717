"""Keys of units that a backend holds: unique, and given to the one that has the best claim."""

from __future__ import annotations

from contextlib import closing

import pytest

from reconciler.state.inventory import HeldUnit, Inventory

RECORDED, MARKED, OTHER = range(3)


def unit(remote_id, key, rank=OTHER, recorded=None):
    return HeldUnit(remote_id, key, rank, recorded, f"content of {remote_id}", None, "{}", "[]")


def settled(*units):
    with closing(Inventory()) as inventory:
        inventory.add(units)
        inventory.settle_keys()
        return {found.remote_id: found.key for found in inventory.units()}


@pytest.mark.parametrize(
    ("units", "keys", "reason"),
    [
        ((unit("5", "a"), unit("6", "b")), {"5": "a", "6": "b"}, "no contest"),
        ((unit("12", "a"), unit("9", "a")), {"9": "a", "12": "a~12"}, "ids are numbers: 9 is older than 12"),
        ((unit("9", "a"), unit("12", "a", RECORDED, "a")), {"9": "a~9", "12": "a"}, "what is recorded stays"),
        ((unit("9", "a"), unit("12", "a", MARKED)), {"9": "a~9", "12": "a"}, "a marker is stronger than a name"),
        (
            (unit("1", "a"), unit("2", "a"), unit("3", "a~2")),
            {"1": "a", "2": "a~2", "3": "a~2~3"},
            "a made key may meet a real one",
        ),
        ((unit("5", "a"), unit("5", "a")), {"5": "a"}, "a listing that shifts shows a unit twice"),
    ],
)
def test_contested_key_goes_to_the_best_claim(units, keys, reason):
    assert settled(*units) == keys


def test_news_are_units_that_are_not_recorded_under_their_key():
    with closing(Inventory()) as inventory:
        inventory.add([unit("1", "a", RECORDED, "a"), unit("2", "b"), unit("3", "c", OTHER, "old")])
        inventory.settle_keys()
        inventory.want((found.remote_id, "fields", "{}", 0, 0) for found in inventory.units())
        assert [found.key for found, _, _ in inventory.news()] == ["b", "c"]
        assert [row.key for row in inventory.desired()] == ["a", "b", "c"]


def test_digest_changes_with_what_is_desired():
    digests = set()
    for fields in ("x", "y"):
        with closing(Inventory()) as inventory:
            inventory.add([unit("1", "a")])
            inventory.settle_keys()
            inventory.want([("1", fields, "{}", 0, 0)])
            digests.add(inventory.digest())
    assert len(digests) == 2
