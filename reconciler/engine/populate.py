"""Desired rows of asset sets: scan, group, describe, hash, and keep the result in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.engine.events import Scanning
from reconciler.engine.origins import IsOutside, unit_references, with_provenance
from reconciler.engine.session import Session
from reconciler.engine.source_places import located
from reconciler.errors import ConfigError, Problem, Severity
from reconciler.model.address import Address
from reconciler.model.body import composition, encode_unit
from reconciler.model.checksum import Algorithm
from reconciler.model.json import JSON, digest
from reconciler.model.resource import AssetSet, FileSpecification, MetadataSource, Policy
from reconciler.model.unit import Unit, attributes_digest, content_digest, fields_digest
from reconciler.plan.header import decode_problem, encode_problem
from reconciler.state.populations import DesiredRow, Population

if TYPE_CHECKING:
    from reconciler.sources import FileRules, Verdicts

_FORMAT = 2  # raise when rows are computed differently, so that cached populations are not used


@dataclass(frozen=True, slots=True)
class UnitRules:
    """What the units of a set must fit. schema: JSON schema of unit metadata, or None.

    is_outside: see `Capabilities`. form, fit: name of the form in which the backend keeps units, and what brings a unit
    into it.
    """

    specifications: tuple[FileSpecification, ...]
    schema: Mapping[str, JSON] | None
    algorithm: Algorithm
    one_per_content: bool
    form: str = ""
    is_outside: IsOutside | None = None
    fit: Callable[[Unit], tuple[Unit, tuple[str, ...]]] | None = None


@dataclass(slots=True)
class _Progress:
    session: Session
    address: Address
    files: int
    total_bytes: int
    hashed: int = field(default=0)

    def __call__(self, size: int) -> None:
        self.hashed += size
        self.session.events(Scanning(self.address, self.files, self.hashed, self.total_bytes))


def unit_population(
    session: Session, asset_set: AssetSet, metadata: list[MetadataSource], rules: UnitRules
) -> tuple[Population, list[Problem]]:
    """Return the desired units of a set and the warnings found on the way.

    What the content rules refuse is in the summary of the population, under `refused`; it does not stop planning.

    An unchanged source is recognised by names, sizes, times and inodes alone; nothing is read again.

    Raises:
        SourceError: the source is missing, empty, unreadable or ambiguous; ConfigError: its data breaks a rule. All
        problems at once.
    """
    from reconciler.sources import file_rules, survey

    address = asset_set.head.address
    session.events(Scanning(address))
    asset_set = located(session, asset_set)
    executor = session.executor
    seen = survey(asset_set, rules.specifications, metadata, unit_meta_schema=rules.schema, executor=executor)
    content = file_rules(asset_set, rules.specifications)
    told = [_FORMAT, seen.fingerprint, rules.algorithm, rules.one_per_content, asset_set.duplicates.value, rules.form]
    name = digest([*told, content.name] if content.name else told)
    population = session.cache.find(address, name)
    if population is None:
        population = _build(session, asset_set, seen, name, rules, content)
    problems = [decode_problem(value) for value in population.summary["problems"]]
    problems += _duplicates(asset_set, population, rules)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise ConfigError(errors)
    return population, problems


def _build(
    session: Session, asset_set: AssetSet, seen: object, name: str, rules: UnitRules, content: FileRules
) -> Population:
    from reconciler.sources import DigestCache, Survey, Verdicts, hash_units

    assert isinstance(seen, Survey)
    assembly = seen.assemble()
    errors = [problem for problem in assembly.problems if problem.severity is Severity.ERROR]
    if errors:
        raise ConfigError(assembly.problems)
    address = asset_set.head.address
    progress = _Progress(session, address, assembly.file_count, assembly.byte_count)
    summary: dict[str, JSON] = {
        "units": assembly.unit_count,
        "files": assembly.file_count,
        "bytes": assembly.byte_count,
        "account": asdict(assembly.account),
        "problems": [encode_problem(problem) for problem in assembly.problems],
    }

    def report(problem: Problem) -> None:  # found while hashing, before `build` reads the summary
        summary["problems"].append(encode_problem(problem))

    with closing(DigestCache(session.work_folder / "digests.db")) as cache:
        verdicts = Verdicts(content, cache, asset_set) if content.specifications else None
        units = hash_units(
            assembly.units(),
            asset_set,
            rules.algorithm,
            cache,
            executor=session.executor,
            progress=progress,
            report=report,
            verdicts=verdicts,
        )
        if verdicts is not None:
            units = _judged(units, verdicts, summary)
        one = rules.one_per_content and asset_set.duplicates is not Policy.FAIL
        if rules.is_outside is not None:
            units = _noting_references(with_provenance(units, asset_set, rules.is_outside), summary, address, rules)
        fitted = _fitted(units, rules, address, report)
        return session.cache.build(address, name, _rows(fitted), summary, one_per_content=one)


def _judged(units: Iterator[Unit], verdicts: Verdicts, summary: dict[str, JSON]) -> Iterator[Unit]:
    """After the last unit, put into the summary what the content rules found."""
    yield from units
    verdicts.close()
    summary["problems"] += [encode_problem(problem) for problem in verdicts.warned]
    summary["refused"] = [encode_problem(problem) for problem in verdicts.refused]
    summary["content"] = verdicts.notes


def _noting_references(
    units: Iterator[Unit], summary: dict[str, JSON], address: Address, rules: UnitRules
) -> Iterator[Unit]:
    """Say in the summary whether any unit names another one."""
    assert rules.is_outside is not None
    for unit in units:
        if "provenance" in unit.attributes and not summary.get("refers"):
            summary["refers"] = bool(unit_references(unit.attributes["provenance"], address, rules.is_outside))
        yield unit


def _fitted(
    units: Iterator[Unit], rules: UnitRules, address: Address, report: Callable[[Problem], None]
) -> Iterator[Unit]:
    """Units in the form of the backend; what it cannot hold is reported."""
    if rules.fit is None:
        yield from _without_attributes(units, address, report)
        return
    for unit in units:
        fitted, flaws = rules.fit(unit)
        for flaw in flaws:
            report(Problem(flaw, address=str(address.row(unit.key)), fix="change the file's name or its metadata"))
        yield fitted


def _without_attributes(units: Iterator[Unit], address: Address, report: Callable[[Problem], None]) -> Iterator[Unit]:
    """Units for a backend that keeps metadata alone: what else they have is told once, and links are refused."""
    told: set[str] = set()
    for unit in units:
        if "externalURL" in unit.attributes:
            what, fix = "the backend keeps files, no links to URLs", "name a file, or use a backend that keeps links"
            report(Problem(what, address=str(address.row(unit.key)), fix=fix))
        for name in sorted(unit.attributes.keys() - told - {"externalURL", "parent", "name"}):
            told.add(name)
            what = f"the backend keeps no {name}; it is left out"
            fix = f"take {name} out, or keep it as metadata"
            report(Problem(what, address=str(address.row(unit.key)), fix=fix, severity=Severity.WARNING))
        yield replace(unit, attributes={}) if unit.attributes else unit


def _rows(units: Iterator[Unit]) -> Iterator[DesiredRow]:
    for unit in units:
        yield DesiredRow(
            key=unit.key,
            content=content_digest(composition(unit)),
            fields=fields_digest(unit.meta, unit.groups, attributes_digest(unit.attributes)),
            body=encode_unit(unit),
            files=len(unit.files),
            bytes=sum(file.size_bytes for file in unit.files),
        )


def _duplicates(asset_set: AssetSet, population: Population, rules: UnitRules) -> list[Problem]:
    pairs = population.summary["duplicates"] if rules.one_per_content else []
    severity = Severity.ERROR if asset_set.duplicates is Policy.FAIL else Severity.WARNING
    return [
        Problem(
            f"unit {key!r} has exactly the files of unit {first!r}",
            address=str(asset_set.head.address),
            detail="The backend holds units of equal files only once." if severity is Severity.ERROR else "Left out.",
            fix="exclude one of them, or set duplicates: skip",
            severity=severity,
        )
        for first, key in pairs
    ]
