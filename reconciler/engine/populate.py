"""Desired rows of asset sets, kept in the cache: units whose files changed are made anew, all others taken over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.engine.events import Scanning
from reconciler.engine.session import Session
from reconciler.engine.source_places import located
from reconciler.engine.unit_rows import UnitRows, UnitRules
from reconciler.errors import ConfigError, Problem, Severity
from reconciler.model.json import JSON, digest
from reconciler.model.resource import AssetSet, MetadataSource, Policy
from reconciler.plan.header import decode_problem
from reconciler.state.bases import BasisStore, Block
from reconciler.state.populations import Population

if TYPE_CHECKING:
    from reconciler.sources import ChangedFolder, ChangedUnits, FileRules, Survey

_FORMAT = 2  # raise when rows are computed differently, so that cached populations are not used
_MOST_FILES = 50_000  # of the units to which changed files belong; they are held in memory


@dataclass(frozen=True, slots=True)
class _Building:
    """A population to be. basis: digest of its rules without files, "" when its units cannot be told apart."""

    session: Session
    asset_set: AssetSet
    seen: Survey
    name: str
    rules: UnitRules
    content: FileRules
    basis: str


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
    told = [rules.algorithm, rules.one_per_content, asset_set.duplicates.value, rules.form]
    told += [content.name] if content.name else []
    name = digest([_FORMAT, seen.fingerprint, *told])
    population = session.cache.find(address, name)
    if population is None:
        alone = seen.rules_digest
        basis = digest([_FORMAT, alone, *told]) if alone else ""
        building = _Building(session, asset_set, seen, name, rules, content, basis)
        population = (_derive(building) if basis else None) or _build(building)
    problems = [decode_problem(value) for value in population.summary["problems"]]
    problems += _duplicates(asset_set, population, rules)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise ConfigError(errors)
    return population, problems


def _build(building: _Building) -> Population:
    """All units, grouped and hashed; what was found is kept as a basis for the next time, if it can be one."""
    assembly = building.seen.assemble()
    errors = [problem for problem in assembly.problems if problem.severity is Severity.ERROR]
    if errors:
        raise ConfigError(assembly.problems)
    session, rules = building.session, building.rules
    made = UnitRows(session, building.asset_set, rules, building.content, assembly)
    one = rules.one_per_content and building.asset_set.duplicates is not Policy.FAIL
    address = building.asset_set.head.address
    population = session.cache.build(address, building.name, made.rows(), made.summary, one_per_content=one)
    if building.basis and assembly.is_separable and made.is_clean and not population.summary["duplicates"]:
        BasisStore(session.cache).record(population, building.basis, building.seen.blocks())
    return population


def _derive(building: _Building) -> Population | None:
    """The population that the basis was computed from, with the units anew to which changed files belong.

    None when there is no basis, or when not all that changed can be told unit by unit.
    """
    bases, seen = BasisStore(building.session.cache), building.seen
    basis = bases.find(building.asset_set.head.address, building.basis)
    if basis is None:
        return None
    folders: list[Block] = []
    with closing(bases.differing(basis, seen.blocks())) as differing:
        changed = seen.changed_units(_noted(differing, folders))
    if changed is None:
        return None
    before = bases.bodies(basis, changed.keys, most_files=_MOST_FILES)
    if before is None:
        return None
    files = {(source, path) for body in before.values() for _, source, path, *_ in body["files"]}
    with closing(seen.assemble_only((files - changed.gone) | changed.come)) as assembly:
        made = UnitRows(building.session, building.asset_set, building.rules, building.content, assembly)
        rows = list(made.rows()) if assembly.is_separable else []
        if not assembly.is_separable or not made.is_clean:
            return None
    summary = _renewed(basis.population.summary, list(before.values()), made.summary, changed)
    population = building.session.cache.derive(basis.population, building.name, before.keys(), rows, summary)
    if population is not None:
        bases.move(basis, population, folders)
    return population


def _noted(differing: Iterable[tuple[int, bytes, bytes, bytes]], folders: list[Block]) -> Iterator[ChangedFolder]:
    from reconciler.sources import ChangedFolder

    for source, prefix, before, now in differing:
        folders.append((source, prefix, now))
        yield ChangedFolder(source, prefix, before, now)


def _renewed(old: JSON, before: list[JSON], made: dict[str, JSON], changed: ChangedUnits) -> JSON:
    """The summary of a population in which some units were made anew; that of a separable one counts by unit."""
    lost = [file for body in before for file in body["files"]]
    more = len(changed.come) - len(changed.gone)
    account = old["account"]
    return {
        **old,
        "units": old["units"] - len(before) + made["units"],
        "files": old["files"] - len(lost) + made["files"],
        "bytes": old["bytes"] - sum(size for _, _, _, size, _ in lost) + made["bytes"],
        "account": {**account, "scanned": account["scanned"] + more, "used": account["used"] + more},
    } | ({"refers": old.get("refers") or made["refers"]} if "refers" in old or "refers" in made else {})


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
