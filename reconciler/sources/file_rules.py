"""The content rules of an asset set as they are applied to its files, where they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.content.expected import EXTENSIONS
from reconciler.content.inspection import Inspection
from reconciler.content.judging import VERSION, Breach, Subject
from reconciler.errors import Problem, Severity, SourceError
from reconciler.model.content import Check, ContentRule, rules_for
from reconciler.model.json import digest
from reconciler.model.resource import AssetSet, FileSpecification
from reconciler.model.unit import FileRef
from reconciler.sources.decoders import Decoders, find_decoders
from reconciler.sources.globs import compile_globs
from reconciler.sources.location import Place
from reconciler.sources.names import COMPOUND_SUFFIXES, nfc, split_suffix

_COMPOUND = COMPOUND_SUFFIXES | {extension for extension in EXTENSIONS if extension.count(".") > 1}


@dataclass(frozen=True, slots=True)
class SpecificationRules:
    """The rules for files of one specification. name: changes when verdicts of these rules may change.

    passed_over: by check, the paths that are allowed everything.
    """

    file_type: str
    rules: Mapping[Check, ContentRule]
    name: str
    passed_over: Mapping[Check, re.Pattern[str]]

    def severity(self, check: Check, path: str) -> Severity | None:
        """How a breach of a rule counts at a path; None where it is allowed."""
        pattern = self.passed_over.get(check)
        return None if pattern and pattern.fullmatch(nfc(path)) else self.rules[check].severity

    def looks_at(self, path: str) -> bool:
        """False when every rule passes over the path."""
        return not self.passed_over or any(self.severity(check, path) for check in self.rules)


@dataclass(frozen=True, slots=True)
class FileRules:
    """The rules by name of specification; those without rules are not in it. Can be sent to other processes."""

    specifications: Mapping[str, SpecificationRules]
    decoders: Decoders = field(default_factory=Decoders)

    def of(self, file: FileRef) -> SpecificationRules | None:
        """The rules for a file; None when nothing looks at it."""
        found = self.specifications.get(file.spec)
        return found if found and found.looks_at(file.path) else None

    def inspection(self, file: FileRef) -> Inspection | None:
        """What the bytes of a file shall be fed to; None when nothing looks at it."""
        found = self.of(file)
        if found is None:
            return None
        extension = split_suffix(file.path.rpartition("/")[2], _COMPOUND)[1]
        return Inspection(found.rules, Subject(found.file_type, extension, file.size_bytes))

    def finish(self, place: Place, file: FileRef, inspection: Inspection) -> tuple[Breach, ...]:
        """What is wrong with a file whose bytes were fed."""
        breaches = inspection.finish()
        if Check.DECODING not in self.specifications[file.spec].rules:
            return breaches
        local = place.below(file.path) if place.is_local else None
        flaw = self.decoders.flaw(inspection.detected.format, inspection.head, file.size_bytes, local)
        return (*breaches, flaw) if flaw else breaches

    @property
    def name(self) -> str:
        """Text that changes when verdicts may change; "" when there are no rules."""
        return digest({spec: rules.name for spec, rules in self.specifications.items()}) if self.specifications else ""


def file_rules(asset_set: AssetSet, specifications: Sequence[FileSpecification]) -> FileRules:
    """The rules of an asset set for each specification of its collection.

    Raises:
        SourceError: with every glob that cannot be used.
    """
    problems = list[Problem]()
    chosen = {s: {r.check: r for r in rules_for(asset_set.content, s.name, s.type)} for s in specifications}
    decoders = find_decoders() if any(Check.DECODING in rules for rules in chosen.values()) else Decoders()
    found: dict[str, SpecificationRules] = {}
    for specification, rules in chosen.items():
        if rules:
            name = _name(rules, specification.type, decoders)
            passed_over = _passed_over(rules, asset_set, problems)
            found[specification.name] = SpecificationRules(specification.type, rules, name, passed_over)
    if problems:
        raise SourceError(dict.fromkeys(problems))
    return FileRules(found, decoders)


def _name(rules: Mapping[Check, ContentRule], file_type: str, decoders: Decoders) -> str:
    """Digest of what verdicts depend on: not how a breach counts, nor where it is allowed."""
    plain = [replace(rule, severity=None, allow=()) for rule in rules.values()]
    told = [[r.check.value, dict(r.limits), list(r.tags or ()), list(r.keep), r.accept_deidentified] for r in plain]
    return digest([VERSION, file_type, told, decoders.name if Check.DECODING in rules else ""])[:16]


def _passed_over(
    rules: Mapping[Check, ContentRule], asset_set: AssetSet, problems: list[Problem]
) -> dict[Check, re.Pattern[str]]:
    patterns: dict[Check, re.Pattern[str]] = {}
    for check, rule in rules.items():
        try:
            if pattern := compile_globs(rule.allow):
                patterns[check] = pattern
        except (ValueError, re.error) as error:
            address = str(asset_set.head.address)
            problems.append(Problem(f"content.{check}.allow: {error}", asset_set.head.location, address=address))
    return patterns
