"""Groups listed files into units, gives them metadata, checks them, and accounts for every file and row.

Data problems become findings; nothing is raised for them. Memory is bounded by the size of one unit: files and rows
are sorted in temporary tables.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from reconciler.errors import Location, Problem, Severity, SourceError
from reconciler.model.json import JSON, JSONObject
from reconciler.model.resource import AssetSet, FileSpecification, MetadataSource, TableMetadata
from reconciler.model.unit import FileRef, Unit
from reconciler.sources.account import Account, Fault, Finding, Findings, Tallies, listed, plural
from reconciler.sources.cells import schema_kinds
from reconciler.sources.classify import Classifier, Leave, Left, candidates_of
from reconciler.sources.flaws import is_checked
from reconciler.sources.keys import normalised_key
from reconciler.sources.ledger import MANIFEST_ATTRIBUTES, MANIFEST_META, FileRow, Ledger, encode_json
from reconciler.sources.listing import Listing
from reconciler.sources.location import Place
from reconciler.sources.manifest_entries import ManifestListing
from reconciler.sources.manifest_sorting import ManifestOrigin, ManifestSorter, RowValues, merged_values
from reconciler.sources.metadata import MetaMerger, Origin, Surroundings, TableView, open_origins
from reconciler.sources.schema import MetaValidator
from reconciler.sources.table import read_metadata
from reconciler.sources.unit_checks import SEVERITY, UnitChecks

# So many files are opened to complete the report of a run that has errors anyway.
_CONTENT_CHECKS = 20_000


@dataclass(frozen=True, slots=True)
class ListedRef(FileRef):
    """A file of an assembled unit. stamp: by which the digest cache recognises its content."""

    stamp: str = ""


class Assembly:
    """The units of an asset set as its sources have them.

    findings: problems with what they concern; problems: the same for people, errors and warnings.
    unit_count, file_count, byte_count: of the units that `units` yields: complete, unambiguous ones.
    is_separable: every file with a key is in a unit, and nothing was found but files without one; each unit then
    depends on its own files alone, as far as the files of sources go.
    """

    def __init__(
        self,
        asset_set: AssetSet,
        specifications: tuple[FileSpecification, ...],
        ledger: Ledger,
        account: Account,
        findings: tuple[Finding, ...],
        counts: Sequence[int],
        is_separable: bool,
    ) -> None:
        self.is_separable = is_separable
        self.account = account
        self.findings = findings
        self.problems: tuple[Problem, ...] = tuple(finding.problem for finding in findings)
        self.unit_count, self.file_count, self.byte_count = counts
        self._names = tuple(specification.name for specification in specifications)
        self._groups = asset_set.groups
        self._ledger = ledger
        self._closer = weakref.finalize(self, ledger.close)

    def units(self) -> Iterator[Unit]:
        """Yield the units, sorted by key in order of code points; checksums are None. Can be called again."""
        for key, files, meta, attributes in self._ledger.units():
            refs = tuple(
                ListedRef(self._names[spec], source, path, size, None, stamp)
                for spec, path, source, size, stamp in json.loads(files)
            )
            yield Unit(key, refs, json.loads(meta), self._groups, json.loads(attributes) if attributes else {})

    def close(self) -> None:
        """Give temporary space back; `units` cannot be called any more."""
        self._closer()


def assemble(
    asset_set: AssetSet,
    specifications: tuple[FileSpecification, ...],
    metadata: tuple[MetadataSource, ...],
    classifier: Classifier,
    places: tuple[Place, ...],
    listings: Sequence[Listing],
    validator: MetaValidator | None,
    schema: JSONObject | None,
    manifest: ManifestListing | None = None,
) -> Assembly:
    """Build the assembly of listed sources or of a manifest; called through `Survey.assemble`."""
    work = _Assembler(asset_set, specifications, classifier, places, Ledger())
    work.sort_files(listings)
    if manifest is not None:
        work.sort_manifest(manifest)
    tables = work.load_tables(metadata, schema_kinds(schema))
    around = Surroundings(asset_set, places, work.ledger, schema_kinds(schema), work.findings.add)
    merger = MetaMerger(around, [*work.manifest_origins(manifest), *open_origins(metadata, around, tables)])
    work.make_units(merger, validator)
    work.settle_sidecars()
    work.check_contents()
    account = work.account(merger)
    merger.close()
    findings = work.findings.freeze()
    is_separable = work.uses_all() and not account.units_without_row
    is_separable = is_separable and all(finding.fault is Fault.UNMATCHED for finding in findings)
    work.ledger.drop_files()
    return Assembly(asset_set, specifications, work.ledger, account, findings, work.counts, is_separable)


def describe(
    asset_set: AssetSet,
    metadata: Sequence[MetadataSource],
    files: Iterator[FileRow],
    *,
    schema: JSONObject | None = None,
    report: Callable[[Problem], None],
) -> Iterator[tuple[str, JSONObject]]:
    """Yield (key, metadata) for units whose files are known already, sorted by key in order of code points.

    metadata: in the order that the asset set names them. files: of every unit, with the paths that metadata sources
    shall see. report: called with what is wrong, after the last unit.

    Raises:
        SourceError: a metadata table cannot be read at all.
    """
    ledger, place, kinds = Ledger(), Place("", ""), schema_kinds(schema)
    work = _Assembler(asset_set, (), Classifier(asset_set, (), ()), (place,), ledger)
    try:
        ledger.add_files(files)
        tables = work.load_tables(metadata, kinds)
        around = Surroundings(asset_set, (place,), ledger, kinds, work.findings.add)
        merger = MetaMerger(around, list(open_origins(metadata, around, tables)))
        for key, rows in ledger.candidates():
            yield key, merger.merge(key, rows)
        merger.close()
    finally:
        ledger.close()
    for finding in work.findings.freeze():
        report(finding.problem)


class _Assembler:
    """The state of one assembly."""

    def __init__(
        self,
        asset_set: AssetSet,
        specifications: tuple[FileSpecification, ...],
        classifier: Classifier,
        places: tuple[Place, ...],
        ledger: Ledger,
    ) -> None:
        self.ledger = ledger
        self.findings = Findings(str(asset_set.head.address))
        self.counts = [0, 0, 0]
        self._asset_set = asset_set
        self._classifier = classifier
        self._places = places
        self._address = str(asset_set.head.address)
        self._excluded = Tallies()
        self._not_searched = Tallies()
        self._unmatched = Tallies()
        self._ambiguous = Tallies()
        self._bad_names = Tallies()
        self._unmatched_rows = Tallies()
        self._scanned = 0
        self._attributes: RowValues | None = None
        self.checks = UnitChecks(asset_set, specifications, classifier.sequences, places, self._unmatched, self._add)

    # -- files

    def sort_files(self, listings: Sequence[Listing]) -> None:
        """Classify every file; those of units go to the ledger, the others are counted."""
        for number, listing in enumerate(listings):
            self._count_skipped(number, listing)
            self.ledger.add_files(self._classified(number, listing))
        self._report_unmatched()

    def _classified(self, source: int, listing: Listing) -> Iterator[FileRow]:
        for prefix, rows in listing.folders():
            rules = self._classifier.folder(source, prefix)
            self._scanned += len(rows)
            for row in rows:
                name, size, stamp = row.split("/", 2)
                decision = rules.decide(name)
                if isinstance(decision, Left):
                    self._leave(decision, source, prefix + name, int(size))
                else:
                    yield FileRow(decision[0], decision[1], prefix + name, source, int(size), stamp)

    def _leave(self, left: Left, source: int, path: str, size_bytes: int) -> None:
        shown = self._places[source].show(path)
        match left.leave:
            case Leave.EXCLUDED:
                self._excluded.add(left.label, shown)
            case Leave.SIDECAR:
                self.ledger.add_sidecar(path, source, size_bytes)
            case Leave.UNMATCHED:
                self._unmatched.add(left.label, shown)
            case Leave.AMBIGUOUS:
                self._ambiguous.add(left.label, shown)
            case Leave.BAD_NAME:
                self._bad_names.add(left.label, _printable(shown))

    def _count_skipped(self, source: int, listing: Listing) -> None:
        """Take over what the walk left out: single files count as scanned, what lies in left-out folders does not."""
        place = self._places[source]
        self._scanned += listing.skipped.files.total
        self._excluded.merge(listing.skipped.files, lambda path: _printable(place.show(path)))
        self._not_searched.merge(listing.skipped.folders, lambda path: _printable(place.show(path)))

    def _report_unmatched(self) -> None:
        severity = SEVERITY.get(self._asset_set.unmatched)
        if severity:
            fix = "exclude them, add a 'files' rule, or set unmatched: skip"
            self._report_tallies(Fault.UNMATCHED, self._unmatched, severity, "left out", fix)
        # Units will seem to lack what these files are.
        self.checks.undecided = frozenset(n for t in self._ambiguous.freeze() for n in candidates_of(t.label))
        fix = "say which with a 'files' rule, a folder named like the specification, or one source per specification"
        self._report_tallies(Fault.AMBIGUOUS, self._ambiguous, Severity.ERROR, "not assigned", fix)
        fix = "rename them; names must be valid UTF-8"
        self._report_tallies(Fault.NAME, self._bad_names, Severity.ERROR, "not usable", fix)

    def _report_tallies(self, fault: Fault, tallies: Tallies, severity: Severity, what: str, fix: str) -> None:
        for tally in tallies.freeze():
            summary = f"{plural(tally.count, 'file')} {what}: {tally.label}"
            detail = f"{listed(tally.samples, tally.count)}."
            self._add(Finding(fault, Problem(summary, None, detail, fix, severity, self._address), paths=tally.samples))

    # -- manifest

    def sort_manifest(self, manifest: ManifestListing) -> None:
        """Give every row of a manifest its unit and specification."""
        for problem in manifest.problems:
            self._add(Finding(Fault.MANIFEST, problem))
        self.ledger.add_files(self._placed(manifest))
        self.ledger.match_manifest()
        self._report_unmatched()

    def _placed(self, manifest: ManifestListing) -> Iterator[FileRow]:
        rows = ManifestSorter(self._classifier, self._asset_set)
        for entry in manifest.entries():
            self._scanned += not entry.external
            decision = rows.decide(entry)
            if isinstance(decision, Left):
                self._leave(decision, entry.source, entry.path, entry.size_bytes)
                continue
            key, spec = decision
            if entry.meta or entry.attributes:
                self.ledger.hold_manifest_row(key, entry.line, entry.meta, entry.attributes)
            yield FileRow(key, spec, entry.path, entry.source, entry.size_bytes, entry.stamp, entry.line)

    def manifest_origins(self, manifest: ManifestListing | None) -> list[Origin]:
        """What the rows of the manifest say, as the weakest metadata source."""
        if manifest is None:
            return []
        address = f"manifest of {self._address}"
        rows = self.ledger.rows_by_unit(MANIFEST_META)
        self._attributes = RowValues(self.ledger.rows_by_unit(MANIFEST_ATTRIBUTES))
        return [ManifestOrigin(address, manifest.shown, rows, self._add)]

    # -- tables

    def load_tables(self, metadata: Sequence[MetadataSource], kinds: dict[str, str]) -> dict[int, TableView]:
        """Read every table into the ledger and match its rows with units."""
        views: dict[int, TableView] = {}
        problems: list[Problem] = []
        for number, source in enumerate(metadata):
            if isinstance(source.origin, TableMetadata):
                try:
                    views[number] = self._load_table(number, source, kinds)
                except SourceError as error:
                    problems += error.problems
        if problems:
            self.ledger.close()
            raise SourceError(problems)
        return views

    def _load_table(self, number: int, source: MetadataSource, kinds: dict[str, str]) -> TableView:
        table = read_metadata(source, kinds)
        normalise = partial(normalised_key, asset_set=self._asset_set)
        self.ledger.add_rows(number, ((normalise(row.key), row.line, row.values) for row in table.rows))
        self.ledger.match_rows(number, normalise)
        for problem in table.problems:
            self._add(Finding(Fault.TABLE, problem))
        address = str(source.head.address)
        for name, lines in self.ledger.repeated_rows(number):
            what = f"rows {lines[0]} and {lines[1]} both describe {name!r}"
            detail = f"{len(lines)} rows have this key." if len(lines) > 2 else ""
            fix = "keep one of them; which one counts must not depend on their order"
            self._add(Finding(Fault.TABLE, Problem(what, table.at(lines[1]), detail, fix, address=address), name))
        self._report_rows(number, source, table.shown)
        return TableView(number, table.shown, table.sheet)

    def _report_rows(self, number: int, source: MetadataSource, shown: str) -> None:
        rows = Tallies()
        address = str(source.head.address)
        for key, line in self.ledger.unmatched_rows(number):
            rows.add("", f"row {line} {key!r}" if key else f"row {line} without key")
            self._unmatched_rows.add(address, f"row {line} {key!r}" if key else f"row {line} without key")
        severity = SEVERITY.get(source.unmatched_rows)
        if severity and rows.total:
            tally = rows.freeze()[0]
            what = f"{plural(tally.count, 'row belongs', 'rows belong')} to no unit"
            detail = f"{', '.join(tally.samples)}{' …' if tally.count > len(tally.samples) else ''}."
            fix = "correct the keys, or set unmatchedRows: skip"
            self._add(Finding(Fault.UNMATCHED_ROWS, Problem(what, Location(shown), detail, fix, severity, address)))

    # -- units

    def make_units(self, merger: MetaMerger, validator: MetaValidator | None) -> None:
        """Check every candidate and write the good ones."""
        self.ledger.add_units(self._made(merger, validator))

    def _made(self, merger: MetaMerger, validator: MetaValidator | None) -> Iterator[tuple[str, str, str, str]]:
        for key, rows in self.ledger.candidates():
            files = self.checks.checked(key, rows)
            if files is None:
                continue
            meta = merger.merge(key, files)
            if validator and not validator.is_valid(meta):
                self._report_violations(key, meta, merger, validator)
            self.counts[0] += 1
            self.counts[1] += len(files)
            self.counts[2] += sum(file.size_bytes for file in files)
            packed = [(f.spec, f.path, f.source, f.size_bytes, f.stamp) for f in files]
            attributes = merged_values(self._attributes.of(key)) if self._attributes else {}
            yield key, encode_json(packed), encode_json(meta), encode_json(attributes) if attributes else ""

    def _report_violations(self, key: str, meta: dict[str, JSON], merger: MetaMerger, validator: MetaValidator) -> None:
        for path, message in validator.violations(meta):
            piece = merger.blame(path)
            where = f" ({piece.inside})" if piece.inside else ""
            what = f"{f'meta.{path}' if path else 'meta'} of unit {key!r}: {message}"
            detail = f"The collection's unitMetaSchema forbids it{where}."
            problem = Problem(what, piece.at, detail, "correct the value, or the schema", address=self._address)
            self._add(Finding(Fault.SCHEMA, problem, key))

    # -- the rest

    def settle_sidecars(self) -> None:
        """Account for sidecars that no unit asked for."""
        count = 0
        samples: list[str] = []
        for path, source in self.ledger.unused_sidecars():
            count += 1
            shown = self._places[source].show(path)
            self._unmatched.add("sidecar of no unit", shown)
            if len(samples) < 5:
                samples.append(shown)
        severity = SEVERITY.get(self._asset_set.unmatched)
        if count and severity:
            what = f"{plural(count, 'sidecar belongs', 'sidecars belong')} to no unit"
            fix = "rename them after a unit, exclude them, or set unmatched: skip"
            problem = Problem(what, None, f"{listed(tuple(samples), count)}.", fix, severity, self._address)
            self._add(Finding(Fault.SIDECAR, problem, paths=tuple(samples)))

    def check_contents(self) -> None:
        """When errors stop the run before anything is hashed, tell what content shows as well, up to a limit."""
        if not self.findings.has_errors:
            return
        rows = ((key, FileRow(key, *row)) for key, files, *_ in self.ledger.units() for row in json.loads(files))
        checked = ((key, row) for key, row in rows if is_checked(row.path, row.size_bytes))
        for key, row in islice(checked, _CONTENT_CHECKS):
            self.checks.check_content(key, row)

    def uses_all(self) -> bool:
        """Whether no file was lost with a unit that cannot be one."""
        return self.ledger.file_count() == self.counts[1]

    def account(self, merger: MetaMerger) -> Account:
        """Where everything went."""
        for tallies in (self._ambiguous, self._bad_names):
            self._unmatched.merge(tallies)
        return Account(
            scanned=self._scanned,
            used=self.counts[1],
            metadata_files=self.ledger.sidecar_count(),
            excluded=self._excluded.freeze(),
            not_searched=self._not_searched.freeze(),
            unmatched=self._unmatched.freeze(),
            incomplete_units=self.checks.incomplete_units,
            unmatched_rows=self._unmatched_rows.freeze(),
            units_without_row=merger.without_row.freeze(),
        )

    def _add(self, finding: Finding) -> None:
        self.findings.add(finding)


def _printable(path: str) -> str:
    """A path with bytes that are no text written as escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
