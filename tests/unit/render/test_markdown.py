from collections.abc import Callable

from reconciler.model.address import Address
from reconciler.model.change import MISSING, FieldChange
from reconciler.plan.values import Action, Change, Reason, RowChange, RowCounts
from reconciler.render.markdown import BUDGET, plan_markdown
from reconciler.state.planfile import PlanFile

MakePlan = Callable[..., PlanFile]


def many(count: int) -> list[Change]:
    fields = tuple(FieldChange((f"field{n}",), MISSING, "x" * 150) for n in range(20))
    return [
        Change(Address("Collection", f"c{n}"), Action.CREATE, Reason.NOT_REMOTE, fields=fields) for n in range(count)
    ]


def test_markdown_of_a_huge_plan_keeps_its_budget_and_exact_counts(make_plan: MakePlan) -> None:
    text = plan_markdown(make_plan(*many(500)))
    assert len(text) <= BUDGET
    assert "Plan: 500 to add, 0 to change, 0 to destroy." in text
    assert "Not shown for lack of room" in text


def test_markdown_of_many_warnings_keeps_its_budget(make_plan: MakePlan) -> None:
    from reconciler.errors import Problem, Severity

    problems = tuple(Problem("w" * 200, severity=Severity.WARNING) for _ in range(1000))
    assert len(plan_markdown(make_plan(*many(2), problems=problems))) <= BUDGET


def test_markdown_in_foreign_text_stays_text(make_plan: MakePlan) -> None:
    address = Address("AssetSet", "a")
    rows = [RowChange("```\n<script>|", Action.CREATE, Reason.NOT_REMOTE)]
    plan = make_plan((Change(address, Action.UPDATE, Reason.FIELDS_DIFFER, rows=RowCounts(create=1)), rows))
    text = plan_markdown(plan)
    assert "````diff" in text
    assert text.count("````") == 2
