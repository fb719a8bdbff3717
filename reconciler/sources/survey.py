"""Looks at all sources of an asset set without reading a file, and says whether anything changed.

A survey costs little more than the bare walk. Its fingerprint covers the rules and every name, size, time and inode;
while it stays equal, neither grouping nor hashing has to be repeated.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from reconciler.errors import Location, Problem, SourceError
from reconciler.execution.base import Executor
from reconciler.model.json import JSON, JSONObject, digest
from reconciler.model.resource import (
    AssetSet,
    ConstantMetadata,
    FileSpecification,
    ManifestFile,
    MetadataSource,
    PathMetadata,
    SidecarMetadata,
    TableMetadata,
)
from reconciler.sources.assembly import Assembly, assemble
from reconciler.sources.cells import schema_kinds
from reconciler.sources.changed import Block, ChangedFolder, ChangedUnits, find_changed, narrowed
from reconciler.sources.classify import Classifier
from reconciler.sources.listing import Listing
from reconciler.sources.local import list_local
from reconciler.sources.location import Place, failure, locate, translated
from reconciler.sources.manifest_entries import ManifestListing
from reconciler.sources.manifest_listing import list_manifest
from reconciler.sources.metadata import check_path_regex, sidecar_pattern
from reconciler.sources.remote import UNTRUSTED, list_remote, version_token
from reconciler.sources.schema import MetaValidator
from reconciler.sources.selection import Selection, selections
from reconciler.sources.spread_walk import list_spread
from reconciler.sources.table_place import found_table

Result = TypeVar("Result")

# Raised when grouping rules change, so that old fingerprints no longer fit.
_RULES_VERSION = 1
_SKIPPED_FIELDS = {"head", "options", "platform", "prune", "duplicates", "existing"}


class Survey:
    """The listed sources of one asset set. fingerprint: equal means that `assemble` gives the same as before."""

    def __init__(
        self, plan: SurveyPlan, listings: tuple[Listing, ...], manifest: ManifestListing | None = None
    ) -> None:
        self._plan = plan
        self._listings = listings
        self._manifest = manifest
        everything = listings if manifest is None else (manifest,)
        self.fingerprint = plan.fingerprint(everything)
        self.file_count = sum(listing.file_count for listing in everything)
        self.byte_count = sum(listing.byte_count for listing in everything)

    @property
    def rules_digest(self) -> str | None:
        """Digest of all but the files: of the rules, and of what the walk left out.

        None when a unit may depend on files or rows of others: with a manifest, tables or sidecars.
        """
        if self._manifest is not None or not self._plan.is_by_unit:
            return None
        return digest([self._plan.rules(), [listing.skipped_text() for listing in self._listings]])

    def blocks(self) -> Iterator[Block]:
        """Yield the listed folders of all sources."""
        for source, listing in enumerate(self._listings):
            for prefix, rows in listing.blocks():
                yield source, prefix, rows

    def changed_units(self, folders: Iterable[ChangedFolder]) -> ChangedUnits | None:
        """The units to which files belong that were listed otherwise before; see `find_changed`."""
        return find_changed(self._plan.classifier, folders, self.file_count)

    def assemble_only(self, files: Collection[tuple[int, str]]) -> Assembly:
        """The same as `assemble` for units that consist of exactly these files, as (source, path below it)."""
        listings = [narrowed(listing, source, files) for source, listing in enumerate(self._listings)]
        try:
            return self._assemble(listings)
        finally:
            for listing in listings:
                listing.close()

    def assemble(self) -> Assembly:
        """Group the files into units, merge metadata and check everything; finds, never raises, data problems.

        Raises:
            SourceError: a metadata table cannot be read at all.
        """
        return self._assemble(self._listings)

    def _assemble(self, listings: Sequence[Listing]) -> Assembly:
        plan = self._plan
        return assemble(
            plan.asset_set, plan.specifications, plan.metadata, plan.classifier, plan.places, listings,
            plan.validator, plan.schema, self._manifest,
        )  # fmt: skip

    def close(self) -> None:
        """Give temporary space back."""
        for listing in self._listings:
            listing.close()
        if self._manifest is not None:
            self._manifest.close()


def survey(
    asset_set: AssetSet,
    specifications: tuple[FileSpecification, ...],
    metadata: Sequence[MetadataSource],
    unit_meta_schema: JSONObject | None = None,
    executor: Executor | None = None,
) -> Survey:
    """Walk all sources; reads directory entries and file status only.

    metadata: the sources that the asset set names, in any order; others are passed over. executor: where trees are
    walked; None for here.

    Raises:
        SourceError: with every problem: sources missing, unreadable, empty (no file that the rules leave), broken
            links, metadata tables missing, rules that cannot be used. Never treats a failure as "no files".
        MissingExtra: a URL needs a package that is not installed.
    """
    plan = SurveyPlan(asset_set, specifications, _ordered(asset_set, metadata), unit_meta_schema)
    problems: list[Problem] = []
    walked = range(len(asset_set.sources)) if asset_set.manifest is None else range(0)
    listings = [_attempt(problems, partial(_list, plan, number, problems, executor)) for number in walked]
    manifest = _attempt(problems, partial(_list_manifest, plan, asset_set.manifest)) if asset_set.manifest else None
    for source in plan.tables:
        _attempt(problems, partial(table_identity, source))
    if problems:
        raise SourceError(_concerning(problems, asset_set))
    return Survey(plan, tuple(listing for listing in listings if listing is not None), manifest)


class SurveyPlan:
    """All rules of an asset set, resolved and compiled.

    Raises:
        SourceError: with every rule that cannot be used.
    """

    def __init__(
        self,
        asset_set: AssetSet,
        specifications: tuple[FileSpecification, ...],
        metadata: tuple[MetadataSource, ...],
        schema: JSONObject | None,
    ) -> None:
        self.asset_set = asset_set
        self.specifications = specifications
        self.schema = schema
        problems: list[Problem] = []
        named = [_attempt(problems, partial(found_table, source, asset_set)) for source in metadata]
        self.metadata = tuple(source for source in named if source is not None)
        folder, address = asset_set.head.folder, str(asset_set.head.address)
        places = [_attempt(problems, partial(locate, s.url, folder, s.options)) for s in asset_set.sources]
        self.selections = _attempt(problems, partial(selections, asset_set)) or ()
        for source in metadata:
            if isinstance(source.origin, PathMetadata):
                _attempt(problems, partial(check_path_regex, source, source.origin))
        validator = _attempt(problems, partial(MetaValidator, schema, address)) if schema is not None else None
        if problems:
            raise SourceError(_concerning(problems, asset_set))
        self.validator = validator
        self.places = tuple(place for place in places if place is not None)
        self.classifier = self._classifier()

    @property
    def tables(self) -> tuple[MetadataSource, ...]:
        """Metadata sources that are tables."""
        return tuple(source for source in self.metadata if isinstance(source.origin, TableMetadata))

    @property
    def is_by_unit(self) -> bool:
        """Whether all that is known of a unit follows from the names of its own files."""
        return all(isinstance(source.origin, PathMetadata | ConstantMetadata) for source in self.metadata)

    def fingerprint(self, listings: Sequence[Listing | ManifestListing]) -> str:
        """Digest over rules, listings and the identity of metadata tables."""
        total = hashlib.sha256(digest(self.rules()).encode())
        for listing in listings:
            total.update(listing.hexdigest().encode())
        for source in self.tables:
            total.update(f"{source.head.address}={table_identity(source)}\0".encode())
        return total.hexdigest()[:32]

    def rules(self) -> JSON:
        """Everything that units depend on but files and tables."""
        return {
            "version": _RULES_VERSION,
            "asset_set": _plain(self.asset_set),
            "specifications": _plain(self.specifications),
            "metadata": [_plain(source) for source in self.metadata],
            "schema": self.schema,
        }

    def _classifier(self) -> Classifier:
        sidecars = [
            (f"sidecar of {source.head.address}", sidecar_pattern(source.origin))
            for source in self.metadata
            if isinstance(source.origin, SidecarMetadata)
        ]
        tables = {number: self._tables_below(place) for number, place in enumerate(self.places)}
        return Classifier(self.asset_set, self.specifications, self.selections, sidecars=sidecars, tables=tables)

    def _tables_below(self, place: Place) -> frozenset[str]:
        """Paths below a source where metadata tables lie: they are no data files."""
        root, found = os.path.normpath(place.path), set()
        for source in self.tables:
            assert isinstance(source.origin, TableMetadata)
            table = locate(source.origin.url, source.head.folder, source.origin.options)
            path = os.path.normpath(table.path)
            if table.is_local == place.is_local and path.startswith(f"{root.rstrip('/')}/"):
                found.add(path[len(root.rstrip("/")) + 1 :])
        return frozenset(found)


def _ordered(asset_set: AssetSet, metadata: Sequence[MetadataSource]) -> tuple[MetadataSource, ...]:
    known = {source.head.address: source for source in metadata}
    missing = [ref.address for ref in asset_set.metadata if ref.address not in known]
    if missing:
        head = asset_set.head
        raise SourceError([Problem(f"{a} is not declared", head.location, address=str(head.address)) for a in missing])
    return tuple(known[ref.address] for ref in asset_set.metadata)


def _list(plan: SurveyPlan, number: int, problems: list[Problem], executor: Executor | None) -> Listing:
    source, place, selection = plan.asset_set.sources[number], plan.places[number], plan.selections[number]
    if executor is not None and executor.is_remote and place.is_local and source.recursive:
        listing, found = list_spread(place, selection, executor)
    else:
        list_source = list_local if place.is_local else list_remote
        listing, found = list_source(place, selection, recursive=source.recursive)
    problems += found
    if not found and not _has_usable_file(listing, selection):
        problems.append(_empty(place, listing))
    return listing


def _list_manifest(plan: SurveyPlan, manifest: ManifestFile) -> ManifestListing:
    names = [specification.name for specification in plan.specifications]
    return list_manifest(plan.asset_set, manifest, plan.places[0], names, schema_kinds(plan.schema))


def _has_usable_file(listing: Listing, selection: Selection) -> bool:
    if selection.takes_all:
        return listing.file_count > 0
    return any(not selection.excludes(file.prefix + file.name) for file in listing.files())


def _empty(place: Place, listing: Listing) -> Problem:
    skipped = listing.skipped.files.total + listing.skipped.folders.total
    if listing.file_count or skipped:
        detail = f"{listing.file_count + skipped:,} entries were found, and the rules leave out all of them."
        fix = "check include, exclude and recursive"
    else:
        detail, fix = "The folder holds no file.", "check that the data is there, and that the disk is mounted"
    return Problem(f"source {place.shown!r} is empty", Location(place.shown), detail, fix)


def table_identity(source: MetadataSource) -> str:
    """Text that changes when a metadata table may have changed. Raises SourceError when it is not there."""
    assert isinstance(source.origin, TableMetadata)
    place = locate(source.origin.url, source.head.folder, source.origin.options)
    if not place.is_local:
        with translated(place, "cannot be found"):
            info = place.filesystem.info(place.path)
        return f"{info.get('size')}/{version_token(info) or UNTRUSTED + os.urandom(12).hex()}"
    try:
        found = os.stat(place.path)
        if not stat.S_ISREG(found.st_mode) or not os.access(place.path, os.R_OK):
            raise PermissionError(errno.EACCES, "Not a file that can be read")
    except OSError as error:
        what = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be read"
        problem = failure(place, "", f"{what} (metadata table)", error)
        raise SourceError([dataclasses.replace(problem, address=str(source.head.address))]) from error
    return f"{found.st_size}/{found.st_mtime_ns}.{found.st_ino}"


def _attempt(problems: list[Problem], action: Callable[[], Result]) -> Result | None:
    """Run an action; problems of a SourceError are collected instead of raised."""
    try:
        return action()
    except SourceError as error:
        problems += error.problems
        return None


def _concerning(problems: Sequence[Problem], asset_set: AssetSet) -> list[Problem]:
    """Fill in the address of the asset set where a problem has none."""
    address = str(asset_set.head.address)
    return [problem if problem.address else dataclasses.replace(problem, address=address) for problem in problems]


def _plain(value: object) -> JSON:
    """The JSON value of a frozen value, without what does not bear on grouping, and without options (secrets)."""
    if dataclasses.is_dataclass(value):
        fields = (field.name for field in dataclasses.fields(value) if field.name not in _SKIPPED_FIELDS)
        return {name: _plain(getattr(value, name)) for name in fields}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value
