"""Tables, the state, and what an apply did."""

from reconciler.model.address import Address
from reconciler.plan.values import Action, Reason, RowCounts, Totals
from reconciler.render.owned import resource_text, row_text, state_document, state_text
from reconciler.render.report import Ending, apply_lines
from reconciler.render.summary import summary_lines
from reconciler.render.tables import table_text
from reconciler.render.words import LOOKS, ORDER, REASONS
from reconciler.state.values import OwnedResource, OwnedRow, Shape, Version

OWNED = OwnedResource(Address("Collection", "a"), "local", "12", {"title": "T"}, protect=True)
VERSION = Version("9b0e", 7)


def test_table_aligns_wide_characters_and_escapes_line_ends() -> None:
    assert table_text(("key", "n"), [("画像", 1), ("a\nb", None)]).splitlines() == ["key   n", "画像  1", "a\\nb"]


def test_words_cover_all_actions_and_reasons() -> None:
    assert set(LOOKS) == set(Action)
    assert set(REASONS) == set(Reason)
    assert {*ORDER, Action.NO_OP} == set(Action)


def test_summary_of_an_empty_plan_says_no_changes() -> None:
    assert summary_lines(Totals())[0].startswith("No changes.")


def test_summary_of_a_blocked_plan_does_not_say_no_changes() -> None:
    assert summary_lines(Totals(blocked=1)) == ["Plan: 0 to add, 0 to change, 0 to destroy, 1 blocked."]


def test_apply_lines_keep_terraforms_form() -> None:
    lines = apply_lines(Ending.COMPLETE, added=1, changed=2, destroyed=3, units=RowCounts(create=1234, adopt=1))
    assert lines == ["Apply complete! Resources: 1 added, 2 changed, 3 destroyed.", "Units: 1,234 added, 1 taken over."]


def test_apply_lines_of_a_failed_destroy_do_not_claim_completion() -> None:
    lines = apply_lines(Ending.PARTIAL, added=0, changed=0, destroyed=1, units=RowCounts(), destroy=True)
    assert lines == ["Destroy incomplete. Resources: 1 destroyed."]


def test_state_text_names_fields_protection_and_version() -> None:
    text = state_text(VERSION, [OWNED], {})
    assert 'title = "T"' in text
    assert "protected against deletion" in text
    assert text.endswith("Lineage 9b0e, serial 7.")
    assert state_text(VERSION, [], {}) == "The state is empty."


def test_resource_text_counts_its_rows() -> None:
    owned = OwnedResource(Address("TaskSet", "t"), "local", None, {})
    assert resource_text(owned, 1200).splitlines()[-1] == "    1,200 tasks"


def test_row_text_shows_whole_checksums() -> None:
    row = OwnedRow("k", "9", "c", "f", Shape(("age",), ("g",)), {"image_1": "ab" * 20})
    assert f"image_1 = {'ab' * 20}" in row_text(Address("AssetSet", "a"), row)


def test_state_document_has_terraforms_form() -> None:
    (resource,) = state_document(VERSION, [OWNED], {})["values"]["root_module"]["resources"]
    assert (resource["address"], resource["values"]) == ("Collection/a", {"id": "12", "title": "T"})
