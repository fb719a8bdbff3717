"""What happens to something that we own and that no document declares, when the backend cannot delete it."""

import pytest

from reconciler.model.address import Address
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Bar, Fixed
from reconciler.plan.resources import Owned, decide_undeclared

NEVER = (Fixed((), Bar.REMOVE, "stays for ever"),)
GROUP = Address("Group", "g")


def owned(**options):
    return Owned(Address("AccessGrant", "a"), "local", "1", {}, **options)


@pytest.mark.parametrize(
    ("record", "along", "destroy", "expected"),
    [
        (owned(), None, False, ("blocked", "unsupported", ("stays for ever",))),
        (owned(), None, True, ("blocked", "unsupported", ("stays for ever",))),
        (owned(), GROUP, False, ("forget", "gone_with", ("it goes with Group/g",))),
        (owned(orphan=True), None, False, ("forget", "orphaned", ())),
        (owned(orphan=True), None, True, ("forget", "orphaned", ())),
    ],
    ids=["left", "destroyed", "along", "orphaned", "orphaned in destroy"],
)
def test_what_cannot_be_deleted_is_blocked_or_forgotten(record, along, destroy, expected):
    change = decide_undeclared(record, Found("1"), destroy=destroy, fixed=NEVER, along=along)
    assert (change.action.value, change.reason.value, change.notes) == expected


def test_protection_comes_first():
    change = decide_undeclared(owned(protect=True), Found("1"), destroy=True, fixed=NEVER, along=GROUP)
    assert (change.action.value, change.reason.value) == ("blocked", "protected")


def test_what_is_gone_is_forgotten():
    change = decide_undeclared(owned(), Absent(), destroy=False, fixed=NEVER)
    assert (change.action.value, change.reason.value) == ("forget", "gone")


def test_rule_about_a_field_keeps_no_object_from_being_deleted():
    fixed = (Fixed(("roles", "*"), Bar.REMOVE, "stays"),)
    assert decide_undeclared(owned(), Found("1"), destroy=False, fixed=fixed).action.value == "delete"
