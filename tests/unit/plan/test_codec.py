"""Plans as JSON and back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Location, Problem, Severity
from reconciler.model.address import Address, parse_address
from reconciler.model.change import MISSING, FieldChange
from reconciler.plan.codec import decode_change, encode_change
from reconciler.plan.header import PlanHeader, decode_header, encode_header, total
from reconciler.plan.values import Action, Change, Reason, RowCounts

names = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)
sides = json_values | st.just(MISSING)
field_changes = st.builds(FieldChange, st.lists(st.text(max_size=3), min_size=1, max_size=3).map(tuple), sides, sides)
changes = st.builds(
    Change,
    address=st.builds(Address, st.sampled_from(["Collection", "AssetSet"]), names),
    action=st.sampled_from(Action),
    reason=st.sampled_from(Reason),
    backend=names,
    fields=st.lists(field_changes, max_size=2).map(tuple),
    drift=st.lists(field_changes, max_size=2).map(tuple),
    desired=st.none() | st.dictionaries(st.text(min_size=1, max_size=3), json_values, min_size=1, max_size=2),
    remote_id=st.none() | names,
    rows=st.none() | st.builds(RowCounts, create=st.integers(0, 9), bytes=st.integers(0, 10**12)),
    deferred=st.booleans(),
    protect=st.booleans(),
    notes=st.lists(st.text(max_size=5), max_size=2).map(tuple),
)


@given(changes)
def test_change_decode_of_encode_is_the_change(change):
    text = json.dumps(encode_change(change))
    assert decode_change(json.loads(text)) == change


@given(st.builds(Address, st.just("AssetSet"), names, st.none() | st.text(max_size=6)))
def test_address_parse_of_text_is_the_address(address):
    assert parse_address(str(address)) == address


def test_header_decode_of_encode_is_the_header():
    problem = Problem("x", Location("a.yaml", 1, 2), "why", "do", Severity.WARNING)
    header = PlanHeader(
        "w", "prod", "lineage", 3, "cfg", "id", "2026-01-01T00:00:00+00:00", "0.1.0", True, ("Collection/x",),
        total([Change(Address("AssetSet", "s"), Action.REPLACE, Reason.CANNOT_UPDATE, rows=RowCounts(create=2))]),
        (problem,), (problem,),
    )  # fmt: skip
    assert decode_header(json.loads(json.dumps(encode_header(header)))) == header


def test_total_counts_a_replace_as_add_and_destroy_and_units_of_asset_sets_only():
    rows = RowCounts(create=2, files=3, bytes=4)
    counted = total(
        [
            Change(Address("Collection", "c"), Action.REPLACE, Reason.CANNOT_UPDATE),
            Change(Address("AssetSet", "a"), Action.UPDATE, Reason.FIELDS_DIFFER, rows=rows),
            Change(Address("TaskSet", "t"), Action.CREATE, Reason.NOT_REMOTE, rows=rows),
        ]
    )
    assert (counted.add, counted.change, counted.destroy) == (2, 1, 1)
    assert counted.units == rows
