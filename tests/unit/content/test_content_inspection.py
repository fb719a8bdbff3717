"""What is read and kept of a file for its rules, and what they find."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.content.detect import HEAD_BYTES
from reconciler.content.inspection import Inspection
from reconciler.content.judging import Breach, Subject
from reconciler.errors import Severity
from reconciler.model.content import Check, ContentBlock, ContentRule, rules_for

from .test_content_dicom import EXPLICIT, body, dicom, element

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x28\0\0\0\x14"
VOC = b"<annotation><object><name>x</name><bndbox/></object></annotation>"
REMOVED = element(0x00120062, "CS", b"YES ")


def judged(content: bytes, extension: str, *checks: Check, **options: Any) -> tuple[Breach, ...]:
    rules = {check: ContentRule(check, Severity.ERROR, **options) for check in checks}
    inspection = Inspection(rules, Subject("image", extension, len(content)))
    inspection.feed(content)
    return inspection.finish()


def test_size_is_judged_without_a_byte() -> None:
    rule = ContentRule(Check.SIZE, Severity.ERROR, limits={"min": 10, "max": 20})
    inspection = Inspection({Check.SIZE: rule}, Subject("image", ".png", 2000))
    assert not inspection.wants_more
    assert inspection.finish() == (Breach(Check.SIZE, "2,000 bytes", "at most 20 bytes"),)


@pytest.mark.parametrize("content", [bytes(5000), b" \r\n\t" * 9])
def test_file_of_nothing_is_blank(content: bytes) -> None:
    assert [breach.check for breach in judged(content, ".raw", Check.BLANK)] == [Check.BLANK]


def test_file_of_something_is_not_blank_and_read_no_further() -> None:
    inspection = Inspection({Check.BLANK: ContentRule(Check.BLANK, Severity.ERROR)}, Subject("data", "", 10**9))
    inspection.feed(bytes(100) + b"x")
    assert not inspection.wants_more


def test_type_is_told_with_what_is_allowed() -> None:
    assert judged(PNG, ".jpg", Check.TYPE) == (Breach(Check.TYPE, "png", "jpeg for .jpg"),)


def test_annotation_xml_breaks_no_rule() -> None:
    assert judged(VOC, ".xml", Check.TYPE, Check.EXECUTABLES, Check.CREDENTIALS, Check.IDENTITY) == ()


def test_dimensions_outside_are_told() -> None:
    limits = {"minWidth": 64, "maxWidth": 100, "minHeight": 20}
    expected = Breach(Check.DIMENSIONS, "40 x 20 pixels", "at least 64 pixels in width")
    assert judged(PNG, ".png", Check.DIMENSIONS, limits=limits) == (expected,)


def test_dimensions_that_are_not_shown_are_not_checked() -> None:
    (breach,) = judged(PNG[:12], ".png", Check.DIMENSIONS, limits={"minWidth": 64})
    assert breach.is_unchecked


def test_name_of_patient_is_told_without_its_value() -> None:
    (breach,) = judged(dicom(body(), EXPLICIT), ".dcm", Check.IDENTITY)
    assert breach.found == "PatientName (0010,0010)"
    assert "Doe" not in repr(breach)


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        (dicom(body(name=b"  "), EXPLICIT), {}, "an empty value names nobody"),
        (dicom(body(), EXPLICIT), {"keep": ("PatientName",)}, "the attribute may stay"),
        (dicom(body(), EXPLICIT), {"tags": ("0010,0030",)}, "other attributes are asked for"),
        (dicom(REMOVED + body(), EXPLICIT), {"accept_deidentified": True}, "the file says it was de-identified"),
        (PNG, {}, "no DICOM file"),
    ],
)
def test_files_that_pass_the_rule_on_identity(content: bytes, options: dict[str, Any], reason: str) -> None:
    assert judged(content, ".dcm", Check.IDENTITY, **options) == (), reason


def test_claim_of_deidentification_counts_only_when_accepted() -> None:
    assert judged(dicom(REMOVED + body(), EXPLICIT), ".dcm", Check.IDENTITY)


def test_head_is_enough_for_most_rules() -> None:
    rules = {check: ContentRule(check, Severity.ERROR) for check in (Check.TYPE, Check.EXECUTABLES, Check.IDENTITY)}
    inspection = Inspection(rules, Subject("image", ".png", 10**9))
    inspection.feed(PNG + bytes(HEAD_BYTES))
    assert not inspection.wants_more


def test_long_dicom_header_is_read_on_to_a_limit() -> None:
    rules = {Check.IDENTITY: ContentRule(Check.IDENTITY, Severity.ERROR)}
    inspection = Inspection(rules, Subject("data", ".dcm", 10**9))
    content = dicom(element(0x00080005, "UT", bytes(10**8)), EXPLICIT)
    fed = 0
    while inspection.wants_more:
        inspection.feed(content[fed : fed + HEAD_BYTES])
        fed += HEAD_BYTES
    assert fed == 4 * 1024 * 1024
    assert inspection.finish()[-1].is_unchecked


F, W = Severity.ERROR, Severity.WARNING


@pytest.mark.parametrize(
    ("blocks", "expected", "reason"),
    [
        ((), None, "nobody asked"),
        ((ContentBlock((ContentRule(Check.TYPE, F),)),), F, "the workspace's word"),
        (
            (ContentBlock((ContentRule(Check.TYPE, F),)), ContentBlock((ContentRule(Check.TYPE, W),))),
            W,
            "the set's word is stronger",
        ),
        (
            (ContentBlock((ContentRule(Check.TYPE, F),), types={"image": (ContentRule(Check.TYPE, W),)}),),
            W,
            "the type is stronger",
        ),
        (
            (
                ContentBlock(
                    types={"image": (ContentRule(Check.TYPE, W),)},
                    specifications={"image_1": (ContentRule(Check.TYPE, None),)},
                ),
            ),
            None,
            "the specification is strongest, and switches it off",
        ),
        ((ContentBlock(specifications={"label_1": (ContentRule(Check.TYPE, F),)}),), None, "of another specification"),
    ],
)
def test_strongest_word_on_a_rule_holds(
    blocks: tuple[ContentBlock, ...], expected: Severity | None, reason: str
) -> None:
    rules = rules_for(blocks, "image_1", "image")
    assert next((rule.severity for rule in rules), None) == expected, reason


def test_exceptions_of_all_blocks_add_up() -> None:
    blocks = (ContentBlock(allow=("a",)), ContentBlock((ContentRule(Check.TYPE, F, allow=("b",)),), allow=("c",)))
    assert rules_for(blocks, "image_1", "image")[0].allow == ("b", "a", "c")
