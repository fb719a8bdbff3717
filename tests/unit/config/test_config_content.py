"""`content` blocks: what they become, and what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import config
from reconciler.errors import ConfigError, Severity
from reconciler.model.content import Check, ContentBlock, ContentRule
from reconciler.model.resource import AssetSet
from reconciler.model.workspace import Configuration

TEXT = """apiVersion: reconciler.dev/v1
kind: Workspace
metadata: {{name: w}}
spec: {{policies: {{content: {workspace}}}}}
---
apiVersion: reconciler.dev/v1
kind: Collection
metadata: {{name: c}}
spec: {{fileSpecifications: [{{name: image_1, type: image}}]}}
---
apiVersion: reconciler.dev/v1
kind: AssetSet
metadata: {{name: s}}
spec: {{collection: c, source: {{url: data}}, content: {own}}}
"""


def load(root: Path, own: str = "{}", workspace: str = "{}") -> Configuration:
    (root / "all.yaml").write_text(TEXT.format(own=own, workspace=workspace))
    return config.load(root, files=[str(root / "all.yaml")], environ={})


def blocks(configuration: Configuration) -> tuple[ContentBlock, ...]:
    (found,) = (resource for resource in configuration.resources if isinstance(resource, AssetSet))
    return found.content


def test_blocks_of_workspace_and_set_are_kept_apart_weakest_first(tmp_path: Path) -> None:
    weak, strong = blocks(load(tmp_path, "{type: warn, blank: off}", "{type: fail, allow: [x]}"))
    assert weak == ContentBlock((ContentRule(Check.TYPE, Severity.ERROR),), ("x",))
    assert strong.rules == (ContentRule(Check.BLANK, None), ContentRule(Check.TYPE, Severity.WARNING))


def test_limits_and_attributes_are_taken_over(tmp_path: Path) -> None:
    own = "{size: {min: 1KiB, max: 5}, identity: {tags: ['0010,0010'], keep: [PatientID], acceptDeidentified: true}}"
    with pytest.raises(ConfigError, match="min is larger than max"):
        load(tmp_path, own)
    size, identity = blocks(load(tmp_path, own.replace("max: 5", "max: 5MB")))[1].rules
    assert size.limits == {"min": 1024, "max": 5_000_000}
    expected = ContentRule(
        Check.IDENTITY, Severity.ERROR, tags=("0010,0010",), keep=("PatientID",), accept_deidentified=True
    )
    assert identity == expected


def test_rules_change_the_digest_of_the_configuration(tmp_path: Path) -> None:
    assert load(tmp_path, workspace="{type: fail}").digest != load(tmp_path, workspace="{type: warn}").digest


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("{type: fial}", "did you mean 'fail'"),
        ("{tpye: fail}", "did you mean 'type'"),
        ("{size: fail}", "spec.content.size"),
        ("{dimensions: {minWidth: 0}}", "must be at least 1"),
        ("{dimensions: {minWidth: 9, maxWidth: 8}}", "minWidth is larger than maxWidth"),
        ("{identity: {keep: [PatientNam]}}", "did you mean 'PatientName'"),
        ("{specifications: {imag_1: {type: off}}}", "did you mean 'image_1'"),
        ("{types: {image: {size: {min: 2, max: 1}}}}", "min is larger than max"),
    ],
)
def test_mistake_is_told_with_its_place(tmp_path: Path, own: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        load(tmp_path, own)
    assert all(problem.at is not None and problem.at.line == 14 for problem in error.value.problems)


def test_mistake_in_the_workspace_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown DICOM attribute"):
        load(tmp_path, workspace="{identity: {tags: [Name]}}")


def test_content_does_not_go_with_existing_units(tmp_path: Path) -> None:
    text = TEXT.format(own="{type: fail}", workspace="{}").replace("source: {url: data}", "existing: {}")
    (tmp_path / "all.yaml").write_text(text)
    with pytest.raises(ConfigError, match="'content' does not go with existing"):
        config.load(tmp_path, files=[str(tmp_path / "all.yaml")], environ={})
