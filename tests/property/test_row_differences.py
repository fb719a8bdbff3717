"""SQL set operations against a plain three-way comparison in Python."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.rowplan import Explanation, RowTally, row_changes
from reconciler.model.address import Address
from reconciler.plan.rows import Remote, RowDigests, RowRules, decide_row, pair_moves
from reconciler.plan.values import Action, Reason
from reconciler.state.differences import RowDifferences
from reconciler.state.populations import DesiredRow, PopulationCache
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource, OwnedRow, Shape

SET = Address("AssetSet", "s")
keys = st.text("ab가", min_size=1, max_size=2)
digests = st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("fg"))
sides = st.dictionaries(keys, digests, max_size=6)


@settings(max_examples=120, deadline=None)
@given(desired=sides, owned=sides, gone=st.sets(keys), prune=st.booleans())
def test_row_changes_equal_the_plain_comparison(desired, owned, gone, prune):
    rules = RowRules(prune=prune)
    with tempfile.TemporaryDirectory() as folder:
        store, cache, differences = _open(Path(folder), desired, owned)
        differences.saw(f"id-{key}" for key in owned if key not in gone)
        differences.finish_refresh()
        population = cache.find(SET, "p")
        tally = RowTally()
        changes = row_changes(differences, population, rules, lambda *_: Explanation(), tally)
        found = {change.key: (change.action, change.reason, change.previous_key) for change in changes}
        counts = tally.counts(len(desired))
        store.close()
        cache.close()
    expected = _expected(desired, owned, gone & owned.keys(), rules)
    shown = {key: value for key, value in expected.items() if value[0] is not Action.NO_OP}
    assert found == shown
    assert counts.kept == sum(
        value[1] is Reason.LEFT_SOURCE and value[0] is Action.NO_OP for value in expected.values()
    )


def _open(folder, desired, owned):
    store = StateStore(folder / "state.db", new_lineage=lambda: "l")
    store.save_resource(OwnedResource(SET, "b", None, {}))
    rows = [OwnedRow(key, f"id-{key}", c, f, Shape(), {}) for key, (c, f) in owned.items()]
    store.save_rows(SET, rows)
    cache = PopulationCache(folder / "cache.db")
    cache.build(SET, "p", [DesiredRow(key, c, f, json.dumps({"k": key})) for key, (c, f) in desired.items()], {})
    return store, cache, RowDifferences(store, cache, store.resource_id(SET))


def _expected(desired, owned, gone, rules):
    created = [(c, key) for key, (c, _) in desired.items() if key not in owned]
    left = [(c, key) for key, (c, _) in owned.items() if key not in desired and key not in gone]
    moves = pair_moves(created, left)
    result = {}
    for key in desired.keys() | owned.keys():
        if key in moves.values():
            continue
        if key in moves:
            result[key] = (Action.MOVE, Reason.RENAMED, moves[key])
            continue
        want = RowDigests(*desired[key]) if key in desired else None
        have = RowDigests(*owned[key], f"id-{key}") if key in owned else None
        remote = Remote.ABSENT if have is None or key in gone else Remote.AS_OWNED
        decision = decide_row(want, have, remote, rules)
        result[key] = (decision.action, decision.reason, None)
    return result
