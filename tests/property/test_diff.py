"""Properties of diff_fields."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.fields import diff_fields, same
from reconciler.diff.rules import Rules
from reconciler.model.change import Missing

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text("abé", max_size=3)
    | st.lists(st.integers(0, 3), max_size=3)
)
values = st.recursive(leaves, lambda inner: st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3))
objects = st.dictionaries(st.text("xyz", min_size=1, max_size=2), values, max_size=4)


def _apply(changes, observed):
    result = copy.deepcopy(observed)
    for change in changes:
        place = result
        for step in change.path[:-1]:
            place = place[step]
        if isinstance(change.after, Missing):
            place.pop(change.path[-1])
        else:
            place[change.path[-1]] = change.after
    return result


def _covers(observed, desired) -> bool:
    if isinstance(desired, dict):
        return isinstance(observed, dict) and all(k in observed and _covers(observed[k], v) for k, v in desired.items())
    return same(observed, desired)


@given(objects)
def test_diff_fields_of_equal_values_is_empty(value):
    assert diff_fields(value, copy.deepcopy(value), Rules(), owned=value) == ()


@given(objects, objects)
def test_diff_fields_applied_reaches_desired(desired, observed):
    after = _apply(diff_fields(desired, observed, Rules()), observed)
    assert _covers(after, desired)
    assert diff_fields(desired, after, Rules()) == ()


@given(objects, objects)
def test_diff_fields_never_touches_undeclared_keys(desired, observed):
    after = _apply(diff_fields(desired, observed, Rules()), observed)
    assert all(after[key] == observed[key] for key in observed if key not in desired)


@given(objects, objects, st.randoms())
def test_diff_fields_ignores_input_order(desired, observed, random):
    keys = list(desired)
    random.shuffle(keys)
    assert diff_fields({key: desired[key] for key in keys}, observed, Rules()) == diff_fields(
        desired, observed, Rules()
    )
