"""Every action and reason in every format, byte for byte. RECONCILER_REWRITE_GOLDENS=1 rewrites the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reconciler.errors import Location, Problem, Severity
from reconciler.model.address import Address
from reconciler.model.change import MISSING, FieldChange
from reconciler.plan.values import Action, Change, Reason, RowChange, RowCounts
from reconciler.render.html import plan_html
from reconciler.render.markdown import plan_markdown
from reconciler.render.plan_json import plan_json
from reconciler.render.style import Style
from reconciler.render.text import plan_text
from reconciler.state.planfile import PlanFile
from tests.support.golden import assert_file_holds

CASES = Path(__file__).parent / "cases"
Entry = Change | tuple[Change, Sequence[RowChange]]

COLLECTION = Address("Collection", "chest-ct")
UNITS = Address("AssetSet", "ct-2026")
SPECIFICATIONS = [
    {"name": "image_1", "type": "image", "required": True, "extensions": [".png"]},
    {"name": "label_1", "type": "data", "required": False, "extensions": [".json"]},
]


def change(address: Address, action: Action, reason: Reason, **more: object) -> Change:
    return Change(address, action, reason, "local", **more)  # type: ignore[arg-type]


def first_apply() -> list[Entry]:
    fields = (
        FieldChange(("fileSpecifications",), MISSING, SPECIFICATIONS),
        FieldChange(("title",), MISSING, "Chest CT"),
    )
    desired = {"title": "Chest CT", "fileSpecifications": SPECIFICATIONS}
    rows = [RowChange(f"patient_{n:03}", Action.CREATE, Reason.NOT_REMOTE, files=2, bytes=1000) for n in range(25)]
    counts = RowCounts(create=25, files=50, bytes=25_000)
    return [
        change(COLLECTION, Action.CREATE, Reason.NOT_REMOTE, fields=fields, desired=desired),
        (
            change(
                UNITS, Action.CREATE, Reason.NOT_REMOTE, rows=counts, desired={"collection": {"$ref": str(COLLECTION)}}
            ),
            rows,
        ),
        change(
            Address("Export", "ct-coco"), Action.CREATE, Reason.NOT_REMOTE, deferred=True, desired={"format": "coco"}
        ),
    ]


def changes_in_place() -> list[Entry]:
    fields = (
        FieldChange(("fileSpecifications", "label_1", "required"), True, False),
        FieldChange(("fileSpecifications", "mask_1"), {"name": "mask_1", "type": "image"}, MISSING),
        FieldChange(("title",), "Chest", "Chest CT"),
    )
    drift = (FieldChange(("title",), "Chest CT", "Chest"), FieldChange(("meta", "owner"), "radiology", MISSING))
    license_line = ("meta.license", "unknown", "CC-BY-4.0")
    rows = [RowChange(f"u{n}", Action.UPDATE, Reason.FIELDS_DIFFER, f"{n}", detail=(license_line,)) for n in range(30)]
    rows += [
        RowChange(
            "v1", Action.UPDATE, Reason.CHANGED_OUTSIDE, "31", detail=(license_line, ("meta.age", 4, 5)), drift=True
        ),
        RowChange(
            "w1", Action.REPLACE, Reason.CONTENT_DIFFERS, "32", detail=(("image_1", "ab" * 20, "cd" * 20),),
            files=1, bytes=5_000_000,
        ),
        RowChange("x2", Action.MOVE, Reason.RENAMED, "33", previous_key="x1"),
        RowChange("y1", Action.DELETE, Reason.LEFT_SOURCE, "34"),
        RowChange("z1", Action.CREATE, Reason.DELETED_OUTSIDE, files=1, bytes=10, drift=True),
        RowChange("a`|<b>\n\x1b[31m", Action.ADOPT, Reason.EXISTS, "35"),
    ]  # fmt: skip
    counts = RowCounts(
        create=1, update=31, replace=1, delete=1, move=1, adopt=1, unchanged=900, kept=3, files=2, bytes=5_000_010
    )
    return [
        change(
            COLLECTION, Action.UPDATE, Reason.FIELDS_DIFFER, fields=fields, drift=drift, remote_id="12",
            desired={"title": "Chest CT", "fileSpecifications": SPECIFICATIONS},
        ),
        (
            change(
                UNITS, Action.UPDATE, Reason.FIELDS_DIFFER, rows=counts, row_drift=2,
                desired={"collection": {"$ref": str(COLLECTION)}},
                notes=("3 units left the source and are kept (prune: false)",),
            ),
            rows,
        ),
    ]  # fmt: skip


def every_reason() -> list[Entry]:
    """One resource for each reason, with the actions in turn, so that every word of both closed sets is printed."""
    actions = [action for action in Action if action is not Action.NO_OP]
    entries: list[Entry] = []
    for number, reason in enumerate(Reason):
        action = actions[number % len(actions)]
        moved = Address("Collection", f"old-{number}") if action is Action.MOVE else None
        address = Address("Collection", f"c{number:02}-{reason.value.replace('_', '-')}")
        new = action is Action.CREATE
        entries.append(
            change(
                address, action, reason, remote_id=None if new else str(number), previous=moved, desired={"title": "T"}
            )
        )
    return entries


def refused() -> list[Entry]:
    rows = [RowChange(f"u{n}", Action.DELETE, Reason.LEFT_SOURCE, f"{n}") for n in range(12)]
    rows.append(RowChange("dup", Action.BLOCKED, Reason.EXISTS_FOREIGN, "99"))
    return [
        change(COLLECTION, Action.BLOCKED, Reason.PROTECTED, remote_id="12", notes=("lifecycle.protect is set",)),
        (change(UNITS, Action.UPDATE, Reason.FIELDS_DIFFER, rows=RowCounts(delete=12, blocked=1, unchanged=8)), rows),
    ]


def nothing() -> list[Entry]:
    unchanged = change(COLLECTION, Action.NO_OP, Reason.UNCHANGED, remote_id="12", desired={"title": "Chest CT"})
    return [unchanged, change(UNITS, Action.NO_OP, Reason.UNCHANGED, rows=RowCounts(unchanged=1_000_000))]


WARNING = Problem("row 7 fits no unit", Location("meta.csv", 7), "key P9", "remove it", Severity.WARNING)
UNSAFE = Problem("12 of 20 units would be deleted", address=str(UNITS), fix="repeat with --max-delete 12")
PLANS: dict[str, tuple[Callable[[], list[Entry]], dict[str, object]]] = {
    "first-apply": (first_apply, {"environment": "prod", "problems": (WARNING,)}),
    "changes-in-place": (changes_in_place, {}),
    "every-reason": (every_reason, {}),
    "refused": (refused, {"unsafe": (UNSAFE,)}),
    "nothing": (nothing, {}),
    "destroy": (refused, {"destroy": True, "targets": ("AssetSet/ct-2026",)}),
}
FORMATS: dict[str, Callable[[PlanFile], str]] = {
    "txt": lambda plan: plan_text(plan) + "\n",
    "color.txt": lambda plan: plan_text(plan, style=Style(color=True), samples=2) + "\n",
    "json": plan_json,
    "md": plan_markdown,
    "html": plan_html,
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", PLANS)
def test_plan_rendered_equals_golden_file(make_plan: Callable[..., PlanFile], case: str, form: str) -> None:
    build, header = PLANS[case]
    got = FORMATS[form](make_plan(*build(), **header))
    golden = CASES / f"{case}.{form}"
    assert_file_holds(golden, got)


def test_golden_folder_holds_no_forgotten_file() -> None:
    expected = {f"{case}.{form}" for case in PLANS for form in FORMATS}
    assert {path.name for path in CASES.iterdir()} == expected
