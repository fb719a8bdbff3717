"""Find out whether the files of a source are the units that a collection holds already, and how to declare them so.

Layouts that the source suggests are tried in turn; what matches is told by checksums. When files are not told apart by
folder or extension alone, rules are made from the names that the backend knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.engine.leftovers import Parent, unowned_units
from reconciler.engine.populate import unit_population
from reconciler.engine.session import Session
from reconciler.engine.unit_rows import UnitRules
from reconciler.engine.units import observed_specifications
from reconciler.errors import ConfigError, Location, Problem, Severity
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.observed import Found
from reconciler.model.resource import (
    AssetSet,
    External,
    FileRule,
    Head,
    KeyRule,
    Layout,
    Lifecycle,
    OnExists,
    Policy,
    SourceLocation,
)
from reconciler.model.unit import content_digest
from reconciler.state.holdings import Holdings, Overlap
from reconciler.state.store import StateStore


@dataclass(frozen=True, slots=True)
class Match:
    """What a source has to do with a collection. spec: of an AssetSet that declares it, None when nothing matches.

    matched: units of the collection that the source has. notes: what does not match, as warnings.
    """

    spec: Mapping[str, JSON] | None
    matched: int
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Try:
    """One way to declare the source, and how well it fits."""

    asset_set: AssetSet
    overlap: Overlap
    incomplete: int
    duplicates: int

    @property
    def rank(self) -> tuple[int, int, int]:
        """Much in common first, then little that is only in the source, then few rules."""
        return (self.overlap.common, -self.overlap.only_here, -len(self.asset_set.files))


def match_source(
    session: Session, store: StateStore, collection: Parent, address: Address, url: str, folder: Path
) -> Match:
    """Compare a source with the units of a collection that no set owns. Files are read for their checksums.

    address: of the AssetSet to be. url: from the working folder. folder: where the document will lie.

    Raises:
        SourceError: the source is missing, unreadable or empty.
    """
    from reconciler.sources import explore

    with closing(Holdings()) as holdings:
        for page in unowned_units(session, store, collection):
            free = [unit for unit, owner in page if unit.owner is None and owner is None]
            holdings.add_units((unit.remote_id, content_digest(unit.checksums)) for unit in free if unit.checksums)
            holdings.add_files((file.name, file.size_bytes or -1, file.spec) for unit in free for file in unit.files)
        provider = session.provider(collection.backend)
        found = provider.read(collection.address, collection.remote_id)
        assert isinstance(found, Found)
        capabilities = provider.capabilities
        schema = found.fields.get("unitMetaSchema")
        rules = UnitRules(observed_specifications(found), schema, capabilities.checksum, capabilities.unique_content)
        declared = _relative(url, folder)
        exploration = explore(url)
        plain = _plain(address, collection, declared, folder)
        layouts = [evidence.layout for evidence in exploration.layouts]
        problems: list[Problem] = []
        best = _best(session, holdings, _proposals(plain, layouts, holdings, url), rules, problems)
    if best is None or not best.overlap.common:
        return Match(None, 0, (_nothing(url, collection, best, problems),))
    return Match(_spec(best, collection), best.overlap.common, tuple(_differences(best, url, collection)))


def _relative(url: str, folder: Path) -> str:
    """The URL as a document in `folder` must write it."""
    if "://" in url:
        return url
    return Path(os.path.relpath(Path(url).expanduser().resolve(), folder.resolve())).as_posix()


def _plain(address: Address, collection: Parent, url: str, folder: Path) -> AssetSet:
    head = Head(
        address=address,
        location=Location(str(folder)),
        folder=folder.resolve(),
        backend=collection.backend,
        lifecycle=Lifecycle(on_exists=OnExists.ADOPT),
    )
    return AssetSet(
        head=head,
        collection=External("Collection", collection.remote_id),
        sources=(SourceLocation(url),),
        layout=Layout.STEMS,
        key_rule=None,
        case_sensitive=True,
        files=(),
        metadata=(),
        meta={},
        groups=(),
        incomplete=Policy.WARN,
        unmatched=Policy.WARN,
        duplicates=Policy.SKIP,
        max_file_size_bytes=None,
        prune=False,
        platform={},
    )


def _proposals(plain: AssetSet, layouts: Iterable[str], holdings: Holdings, url: str) -> Iterator[AssetSet]:
    """Ways to declare the source: every layout as it is, then with rules for its files."""
    from reconciler.sources.explore import FOLDERS_REGEX
    from reconciler.sources.rules import propose_rules

    ways = [
        replace(plain, key_rule=KeyRule(FOLDERS_REGEX))
        if layout == "folders"
        else replace(plain, layout=Layout(layout))
        for layout in layouts
    ]
    yield from ways
    rules = propose_rules(url, holdings.specifications_of)
    if rules:
        yield from (replace(way, files=tuple(FileRule(*rule) for rule in rules)) for way in ways)


def _best(
    session: Session, holdings: Holdings, proposals: Iterator[AssetSet], rules: UnitRules, problems: list[Problem]
) -> _Try | None:
    """The proposal that fits best; the first that fits exactly ends the search."""
    best: _Try | None = None
    for asset_set in proposals:
        try:
            population, _ = unit_population(session, asset_set, [], rules)
        except ConfigError as error:
            problems += error.problems
            continue
        rows = session.cache.rows(population)
        overlap = holdings.overlap((row.key, row.content) for row in rows)
        duplicates = len(population.summary["duplicates"])
        found = _Try(asset_set, overlap, population.summary["account"]["incomplete_units"], duplicates)
        if best is None or found.rank > best.rank:
            best = found
        if overlap.is_exact:
            break
    return best


def _spec(best: _Try, collection: Parent) -> dict[str, JSON]:
    """The spec of the AssetSet that declares the source this way; what is the default is left out."""
    asset_set = best.asset_set
    rule = asset_set.key_rule
    units = {"key": {"regex": rule.regex, "template": rule.template}} if rule else {"layout": asset_set.layout.value}
    spec: dict[str, JSON] = {
        "collection": collection.address.name,
        "source": {"url": asset_set.sources[0].url},
        "units": units,
    }
    if asset_set.files:
        spec["files"] = [{"match": item.match, "specification": item.specification} for item in asset_set.files]
    if best.incomplete:
        spec["incomplete"] = "warn"
    if best.duplicates:
        spec["duplicates"] = "skip"
    # Others made these units: they stay when the document goes.
    return spec | {"lifecycle": {"onExists": "adopt", "onDelete": "orphan"}}


def _differences(best: _Try, url: str, collection: Parent) -> Iterator[Problem]:
    overlap = best.overlap
    if overlap.only_here:
        text = f"{overlap.only_here:,} units of {url} are not in {collection.address}: {_listed(overlap)}"
        yield _warning(text, "the plan adds them; exclude their files if they are not meant")
    if overlap.only_there:
        text = f"{overlap.only_there:,} units of {collection.address} have other files than any unit of {url}"
        yield _warning(text, "they are declared as existing units; add their files to the source to declare them there")


def _listed(overlap: Overlap) -> str:
    more = overlap.only_here - len(overlap.samples)
    return ", ".join(map(repr, overlap.samples)) + (f" and {more:,} more" if more else "")


def _nothing(url: str, collection: Parent, best: _Try | None, problems: list[Problem]) -> Problem:
    text = f"no unit of {collection.address} has the files of a unit of {url}"
    detail = f"{problems[0].summary}." if best is None and problems else "Units are compared by the checksums of files."
    fix = "check the URL; the units are declared as they are"
    return Problem(text, detail=detail, fix=fix, severity=Severity.WARNING)


def _warning(text: str, fix: str) -> Problem:
    return Problem(text, fix=fix, severity=Severity.WARNING)
