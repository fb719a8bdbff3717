import json
from collections.abc import Callable

import pytest

from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.plan.values import Action, Change, Reason, RowChange, RowCounts
from reconciler.render.plan_json import plan_json, tf_actions
from reconciler.state.planfile import PlanFile

MakePlan = Callable[..., PlanFile]
ADDRESS = Address("Collection", "a")


@pytest.mark.parametrize(
    ("action", "fields", "actions"),
    [
        (Action.CREATE, (), ["create"]),
        (Action.UPDATE, (), ["update"]),
        (Action.REPLACE, (), ["delete", "create"]),
        (Action.DELETE, (), ["delete"]),
        (Action.MOVE, (), ["no-op"]),
        (Action.ADOPT, (), ["no-op"]),
        (Action.ADOPT, (FieldChange(("title",), "a", "b"),), ["update"]),
        (Action.FORGET, (), ["forget"]),
        (Action.NO_OP, (), ["no-op"]),
        (Action.BLOCKED, (), ["no-op"]),
    ],
)
def test_action_in_terraforms_vocabulary(action: Action, fields: tuple[FieldChange, ...], actions: list[str]) -> None:
    assert tf_actions(Change(ADDRESS, action, Reason.UNCHANGED, fields=fields)) == actions


def test_plan_json_lists_units_up_to_a_limit_and_counts_the_others(make_plan: MakePlan) -> None:
    units = Address("AssetSet", "u")
    rows = [RowChange(f"k{n}", Action.CREATE, Reason.NOT_REMOTE) for n in range(5)]
    plan = make_plan((Change(units, Action.CREATE, Reason.NOT_REMOTE, rows=RowCounts(create=5)), rows))
    (resource,) = json.loads(plan_json(plan, units=2))["resource_changes"]
    assert [unit["key"] for unit in resource["units"]] == ["k0", "k1"]
    assert resource["units_omitted"] == 3


def test_plan_json_of_a_blocked_plan_is_not_applyable(make_plan: MakePlan) -> None:
    blocked = Change(ADDRESS, Action.BLOCKED, Reason.PROTECTED)
    document = json.loads(plan_json(make_plan(blocked)))
    assert (document["applyable"], document["errored"]) == (False, True)


def test_plan_json_of_a_replaced_resource_gives_the_reason_in_terraforms_words(make_plan: MakePlan) -> None:
    replaced = Change(ADDRESS, Action.REPLACE, Reason.CANNOT_UPDATE, remote_id="1", desired={"title": "b"})
    (resource,) = json.loads(plan_json(make_plan(replaced)))["resource_changes"]
    assert resource["action_reason"] == "replace_because_cannot_update"
    assert resource["change"]["after_unknown"] == {"id": True}
