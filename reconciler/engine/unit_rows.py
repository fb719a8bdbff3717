"""Makes desired rows of assembled units: hash, judge, note references, bring into the form of the backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.engine.events import Scanning
from reconciler.engine.origins import IsOutside, unit_references, with_provenance
from reconciler.engine.session import Session
from reconciler.errors import Problem, Severity
from reconciler.model.address import Address
from reconciler.model.body import composition, encode_unit
from reconciler.model.checksum import Algorithm
from reconciler.model.json import JSON
from reconciler.model.resource import AssetSet, FileSpecification
from reconciler.model.unit import FileRef, Unit, attributes_digest, content_digest, fields_digest
from reconciler.plan.header import encode_problem
from reconciler.state.populations import DesiredRow

if TYPE_CHECKING:
    from reconciler.sources import Assembly, FileRules, Verdicts


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


class UnitRows:
    """The rows of an assembly. summary: what there is to say of them, complete after the last row.

    is_clean: nothing was wrong with any file or unit, and no file has to be read again next time; after the last row.
    """

    def __init__(
        self, session: Session, asset_set: AssetSet, rules: UnitRules, content: FileRules, assembly: Assembly
    ) -> None:
        self.is_clean = True
        self.summary: dict[str, JSON] = {
            "units": assembly.unit_count,
            "files": assembly.file_count,
            "bytes": assembly.byte_count,
            "account": asdict(assembly.account),
            "problems": [encode_problem(problem) for problem in assembly.problems],
        }
        self._session = session
        self._asset_set = asset_set
        self._rules = rules
        self._content = content
        self._assembly = assembly

    def rows(self) -> Iterator[DesiredRow]:
        """Yield the rows, sorted by key; reads files that the digest cache does not know.

        Raises SourceError at the end, naming every file that could not be read.
        """
        from reconciler.sources import DigestCache, Verdicts, hash_units

        asset_set, rules, content = self._asset_set, self._rules, self._content
        address = asset_set.head.address
        with closing(DigestCache(self._session.work_folder / "digests.db")) as cache:
            verdicts = Verdicts(content, cache, asset_set) if content.specifications else None
            units = hash_units(
                self._assembly.units(),
                asset_set,
                rules.algorithm,
                cache,
                executor=self._session.executor,
                progress=_Progress(self._session, address, self._assembly.file_count, self._assembly.byte_count),
                report=self._report,
                verdicts=verdicts,
                unsettled=self._unsettled,
            )
            if verdicts is not None:
                units = self._judged(units, verdicts)
            if rules.is_outside is not None:
                units = _noting_references(
                    with_provenance(units, asset_set, rules.is_outside), self.summary, address, rules
                )
            yield from _desired(_fitted(units, rules, address, self._report))

    def _report(self, problem: Problem) -> None:
        self.is_clean = False
        self.summary["problems"].append(encode_problem(problem))

    def _unsettled(self, _: FileRef) -> None:
        self.is_clean = False

    def _judged(self, units: Iterator[Unit], verdicts: Verdicts) -> Iterator[Unit]:
        """After the last unit, put into the summary what the content rules found."""
        yield from units
        verdicts.close()
        self.summary["problems"] += [encode_problem(problem) for problem in verdicts.warned]
        self.summary["refused"] = [encode_problem(problem) for problem in verdicts.refused]
        self.summary["content"] = verdicts.notes
        self.is_clean = self.is_clean and not (verdicts.warned or verdicts.refused or verdicts.notes)


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


def _desired(units: Iterator[Unit]) -> Iterator[DesiredRow]:
    for unit in units:
        yield DesiredRow(
            key=unit.key,
            content=content_digest(composition(unit)),
            fields=fields_digest(unit.meta, unit.groups, attributes_digest(unit.attributes)),
            body=encode_unit(unit),
            files=len(unit.files),
            bytes=sum(file.size_bytes for file in unit.files),
        )
