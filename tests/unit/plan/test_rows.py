"""The three-way decision about one row."""

from __future__ import annotations

import pytest

from reconciler.plan.rows import Decision, Remote, RowDigests, RowRules, Stray, decide_row, pair_moves, settled_moves
from reconciler.plan.values import Action, Reason

D = RowDigests("c", "f")
O = RowDigests("c", "f", "1")  # noqa: E741
OLD_FIELDS = RowDigests("c", "old", "1")
OLD_CONTENT = RowDigests("old", "f", "1")
HERE, GONE = Remote.AS_OWNED, Remote.ABSENT
STAY = Decision(Action.NO_OP, Reason.UNCHANGED, remote_id="1")

CASES = [
    ("nothing there yet", D, None, GONE, {}, Decision(Action.CREATE, Reason.NOT_REMOTE)),
    ("all agree", D, O, HERE, {}, STAY),
    ("we changed the metadata", D, OLD_FIELDS, HERE, {}, Decision(Action.UPDATE, Reason.FIELDS_DIFFER, False, "1")),
    ("we changed the bytes", D, OLD_CONTENT, HERE, {}, Decision(Action.REPLACE, Reason.CONTENT_DIFFERS, False, "1")),
    (
        "others changed the metadata",
        D,
        O,
        RowDigests("c", "theirs", "1"),
        {},
        Decision(Action.UPDATE, Reason.CHANGED_OUTSIDE, True, "1"),
    ),
    ("others deleted it", D, O, GONE, {}, Decision(Action.CREATE, Reason.DELETED_OUTSIDE, True)),
    ("it left the source and stays", None, O, HERE, {}, Decision(Action.NO_OP, Reason.LEFT_SOURCE, False, "1")),
    (
        "it left the source, prune",
        None,
        O,
        HERE,
        {"prune": True},
        Decision(Action.DELETE, Reason.LEFT_SOURCE, False, "1"),
    ),
    ("it left the source and is gone", None, O, GONE, {"prune": True}, Decision(Action.FORGET, Reason.GONE, True)),
    ("destroy", D, O, HERE, {"destroy": True}, Decision(Action.DELETE, Reason.DESTROY, False, "1")),
    ("other parent", D, O, HERE, {"rebound": True}, Decision(Action.REPLACE, Reason.CANNOT_UPDATE, False, "1")),
    (
        "a cut create",
        D,
        None,
        Stray(O, ours=True),
        {},
        Decision(Action.ADOPT, Reason.MARKED_AS_OURS, False, "1"),
    ),
    (
        "a cut create, and the source changed since",
        D,
        None,
        Stray(OLD_CONTENT, ours=True),
        {},
        Decision(Action.REPLACE, Reason.CONTENT_DIFFERS, False, "1"),
    ),
    ("somebody else's", D, None, Stray(O, ours=False), {}, Decision(Action.BLOCKED, Reason.EXISTS_FOREIGN, False, "1")),
    (
        "somebody else's, adopt",
        D,
        None,
        Stray(O, ours=False),
        {"adopt": True},
        Decision(Action.ADOPT, Reason.EXISTS, False, "1"),
    ),
    (
        "annotators worked on it",
        D,
        O,
        RowDigests("c", "theirs", "1"),
        {"keeps_foreign_edits": True},
        Decision(Action.NO_OP, Reason.CHANGED_OUTSIDE, True, "1"),
    ),
    (
        "annotators worked on it and we changed too",
        D,
        OLD_FIELDS,
        RowDigests("c", "theirs", "1"),
        {"keeps_foreign_edits": True},
        Decision(Action.NO_OP, Reason.CHANGED_OUTSIDE, True, "1"),
    ),
]


@pytest.mark.parametrize(
    ("reason", "desired", "owned", "remote", "rules", "expected"), CASES, ids=[c[0] for c in CASES]
)
def test_decide_row(reason, desired, owned, remote, rules, expected):
    assert decide_row(desired, owned, remote, RowRules(**rules)) == expected, reason


def test_pair_moves_matches_equal_content_in_key_order():
    created = [("x", "new2"), ("x", "new1"), ("y", "new3")]
    left = [("x", "old2"), ("x", "old1"), ("z", "old3")]
    assert pair_moves(created, left) == {"new1": "old1", "new2": "old2"}


@pytest.mark.parametrize(
    ("pairs", "rewritten", "kept", "reason"),
    [
        ({"b": "a"}, (), {"b": "a"}, "a plain rename"),
        ({"a": "b", "b": "a"}, ("a", "b"), {"a": "b", "b": "a"}, "a swap"),
        ({"2": "1", "3": "2", "4": "3"}, ("2", "3"), {"2": "1", "3": "2", "4": "3"}, "numbered anew"),
        ({"b": "a"}, ("a",), {}, "a has new bytes and keeps its place"),
        ({"b": "a"}, ("b",), {}, "b was overwritten by a"),
        ({"2": "1", "3": "2", "x": "y"}, ("2", "3"), {"x": "y"}, "a chain that ends on an overwritten file"),
    ],
)
def test_settled_moves_keep_what_moving_alone_can_do(pairs, rewritten, kept, reason):
    assert settled_moves(pairs, rewritten) == kept, reason
