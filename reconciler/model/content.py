"""What the content of files may be: rules as a document or the workspace declares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.errors import Severity


class Check(StrEnum):
    """What a rule looks at. Closed set, in the order in which findings about one file are told."""

    SIZE = "size"
    BLANK = "blank"
    TYPE = "type"
    EXECUTABLES = "executables"
    CREDENTIALS = "credentials"
    IDENTITY = "identity"
    DIMENSIONS = "dimensions"
    DECODING = "decoding"


@dataclass(frozen=True, slots=True)
class ContentRule:
    """One rule. severity: an error refuses the plan; None switches the check off.

    allow: globs of paths that the rule passes over. limits: by their names in the language: `min`, `max` in bytes for
    SIZE; `minWidth`, `maxWidth`, `minHeight`, `maxHeight` in pixels for DIMENSIONS. For IDENTITY, tags: names or
    numbers of DICOM attributes instead of the usual ones; keep: those that may stay; accept_deidentified: a file that
    says that its patient's identity was removed passes.
    """

    check: Check
    severity: Severity | None
    allow: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    keep: tuple[str, ...] = ()
    accept_deidentified: bool = False


@dataclass(frozen=True, slots=True)
class ContentBlock:
    """The rules of one `content` block. allow: paths that none of them looks at.

    types, specifications: what is different for files of specifications of that type, or of that name.
    """

    rules: tuple[ContentRule, ...] = ()
    allow: tuple[str, ...] = ()
    types: Mapping[str, tuple[ContentRule, ...]] = field(default_factory=dict)
    specifications: Mapping[str, tuple[ContentRule, ...]] = field(default_factory=dict)


def rules_for(blocks: Iterable[ContentBlock], specification: str, file_type: str) -> tuple[ContentRule, ...]:
    """The rules that hold for files of one specification, in the order of `Check`; those that are off are left out.

    specification, file_type: its name and type. blocks: weakest first. Within one, the name of the specification is
    stronger than its type, and that than the rest; a stronger rule replaces a weaker one of the same check as a whole.
    `allow` of all blocks adds up.
    """
    chosen: dict[Check, ContentRule] = {}
    allow: tuple[str, ...] = ()
    for block in blocks:
        allow += block.allow
        named = block.specifications.get(specification, ())
        for rule in (*block.rules, *block.types.get(file_type, ()), *named):
            chosen[rule.check] = rule
    found = (chosen[check] for check in Check if check in chosen)
    return tuple(replace(rule, allow=(*rule.allow, *allow)) for rule in found if rule.severity is not None)
