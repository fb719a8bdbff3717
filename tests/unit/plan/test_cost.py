"""Requests to expect."""

from __future__ import annotations

import pytest

from reconciler.model.address import Address
from reconciler.plan.cost import CallCosts, estimate_calls
from reconciler.plan.values import Action, Change, Reason, RowCounts

COSTS = CallCosts(batch_rows=100)


@pytest.mark.parametrize(
    ("kind", "action", "rows", "calls", "reason"),
    [
        ("Collection", Action.CREATE, None, 2, "one object, read and written"),
        ("Collection", Action.NO_OP, None, 0, "nothing to do"),
        ("AssetSet", Action.CREATE, RowCounts(create=201, files=402), 3 * 3 + 402, "three batches and every file"),
        ("AssetSet", Action.UPDATE, RowCounts(move=3, update=2), 10, "edits, and no file travels"),
        ("AssetSet", Action.UPDATE, RowCounts(replace=1, files=1), 3 + 1 + 1, "a new unit, its file, the old one gone"),
        ("TaskSet", Action.CREATE, RowCounts(create=100, files=40), 2 + 40, "one batch and the annotated ones"),
        ("Export", Action.UPDATE, RowCounts(create=2, replace=3), 5, "the items that change"),
    ],
)
def test_estimate_calls(kind, action, rows, calls, reason):
    change = Change(Address(kind, "x"), action, Reason.FIELDS_DIFFER, rows=rows)
    assert estimate_calls(change, COSTS) == calls, reason


def test_estimate_calls_deferred_is_not_guessed():
    change = Change(Address("Export", "x"), Action.CREATE, Reason.NOT_REMOTE, deferred=True)
    assert estimate_calls(change, COSTS) == 0
