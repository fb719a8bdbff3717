from collections.abc import Callable

from reconciler.model.address import Address
from reconciler.plan.values import Action, Change, Reason, RowChange, RowCounts
from reconciler.render.rows import row_groups, row_lines
from reconciler.state.planfile import PlanFile

UNITS = Address("AssetSet", "a")
CHANGE = Change(UNITS, Action.UPDATE, Reason.FIELDS_DIFFER, rows=RowCounts(update=1))
MakePlan = Callable[..., PlanFile]


def updated(key: str, *detail: tuple[str, object, object]) -> RowChange:
    return RowChange(key, Action.UPDATE, Reason.FIELDS_DIFFER, "1", detail=detail)


def lines(plan: PlanFile, samples: int = 3) -> list[str]:
    return [f"{'  ' * line.depth}{line.symbol} {line.text}" for line in row_lines(plan, UNITS, samples=samples)]


def test_row_lines_of_equal_changes_are_folded_with_their_count(make_plan: MakePlan) -> None:
    rows = [updated(f"k{n}", ("meta.site", "a", "b")) for n in range(1234)]
    assert lines(make_plan((CHANGE, rows))) == ['~ on 1,234 units: meta.site: "a" -> "b"']


def test_row_lines_of_a_fold_are_not_repeated_in_samples(make_plan: MakePlan) -> None:
    rows = [updated("a", ("x", 1, 2)), updated("b", ("x", 1, 2), ("y", 3, 4)), updated("c", ("x", 1, 2))]
    assert lines(make_plan((CHANGE, rows))) == ["~ on 3 units: x: 1 -> 2", '~ "b"', "    y: 3 -> 4"]


def test_row_lines_beyond_the_samples_are_counted_exactly(make_plan: MakePlan) -> None:
    rows = [RowChange(f"k{n:04}", Action.CREATE, Reason.NOT_REMOTE) for n in range(1237)]
    assert lines(make_plan((CHANGE, rows)))[-1] == "… and 1,234 more to add"


def test_row_lines_with_quotes_in_changes_fold_all_the_same(make_plan: MakePlan) -> None:
    rows = [updated(key, ("it's", 'a"b', "c'd")) for key in "ab"]
    assert lines(make_plan((CHANGE, rows))) == ['~ on 2 units: it\'s: "a\\"b" -> "c\'d"']


def test_row_groups_with_no_samples_count_everything(make_plan: MakePlan) -> None:
    rows = [updated("a", ("x", 1, 2)), updated("b", ("y", 1, 2)), RowChange("c", Action.NO_OP, Reason.CHANGED_OUTSIDE)]
    (group,) = row_groups(make_plan((CHANGE, rows)), UNITS, samples=0)
    assert (group.action, group.total, group.samples, group.omitted) == (Action.UPDATE, 2, (), 2)


def test_row_lines_of_one_key_that_goes_and_comes_show_both(make_plan: MakePlan) -> None:
    rows = [RowChange("a", Action.CREATE, Reason.NOT_REMOTE), RowChange("a", Action.DELETE, Reason.MARKED_AS_OURS, "7")]
    assert lines(make_plan((CHANGE, rows))) == ['+ "a"', '- "a"  (it carries our marker)']
