"""Plan exports: which items are new, changed or gone, and what happened to the destination."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from reconciler.destinations.base import Standing
from reconciler.diff.desired import desired_fields
from reconciler.diff.fields import diff_fields
from reconciler.diff.rules import RULES
from reconciler.engine.context import Planning, Refresh
from reconciler.engine.export_items import (
    CLASSES_PATH,
    ItemSet,
    collect_items,
    record_scope,
    unreadable_item,
    writer_for,
)
from reconciler.engine.export_places import open_export
from reconciler.engine.rowplan import Explanation, RowTally, row_changes
from reconciler.errors import ConfigError, MissingExtra, Problem, Severity
from reconciler.formats.items import Writer
from reconciler.graph import edges, with_needs
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import canonical_json
from reconciler.model.resource import Export
from reconciler.plan.rows import RowRules
from reconciler.plan.values import Action, Change, Reason
from reconciler.providers.base import NotModified, Provider, RecordListing
from reconciler.state.differences import RowDifferences, RowSides
from reconciler.state.populations import DesiredRow, Population

_SHOWN = 10  # items that cannot be read, by name


def plan_export(planning: Planning, export: Export) -> Change:
    """Compare an export with what it was made of and what it wrote, and add the decision.

    When something it depends on changes in the same plan, its items are settled while applying.
    """
    address = export.head.address
    _check_target(export, planning.session.provider(export.head.backend))
    record = planning.owned.get(address)
    base = Change(
        address,
        Action.CREATE if record is None else Action.UPDATE,
        Reason.NOT_REMOTE if record is None else Reason.FIELDS_DIFFER,
        export.head.backend,
        desired=desired_fields(export),
        remote_id=record.remote_id if record else None,
        protect=export.head.lifecycle.protect,
    )
    with planning.session.open_fragments() as fragments:
        destination = open_export(planning.session, export)
        standing = destination.inspect(str(address), fragments.stamps(address))
        fragments.save_stamps(address, standing.stamps)
        published = destination.read(CLASSES_PATH)
    needs = edges(planning.declared.values())
    if not all(planning.is_settled(needed) for needed in with_needs(needs[address], needs)):
        if "reference" not in export.options:  # which another export may still have to write
            _writer(planning, export, published)  # missing code and packages are told before anything is done
        reason = base.reason if record is None else Reason.UPSTREAM_CHANGES
        drift = _drift(standing) if record is not None else ()
        change = replace(base, reason=reason, deferred=True, drift=drift, row_drift=len(drift))
    else:
        writer = _writer(planning, export, published)
        change = _settled(planning, export, base, standing, writer)
    planning.add(change)
    return change


def _check_target(export: Export, provider: Provider) -> None:
    known = provider.capabilities.targets
    if export.target not in known:
        what = f"the backend {export.head.backend!r} has nothing to export of the target {export.target}"
        fix = f"targets there: {', '.join(sorted(known))}; a collection and a query are targets by being named"
        raise ConfigError([Problem(what, export.head.location, fix=fix, address=str(export.head.address))])


def _writer(planning: Planning, export: Export, published: bytes | None) -> Writer:
    """Raises ConfigError when a package is missing: a plan may have many exports, so it says which one needs it."""
    try:
        return writer_for(export, planning.declared, published)
    except MissingExtra as error:
        raise ConfigError([Problem(error.message, export.head.location, fix=error.fix)]) from error


def _settled(planning: Planning, export: Export, base: Change, standing: Standing, writer: Writer) -> Change:
    address, record = export.head.address, planning.owned.get(export.head.address)
    population = _population(planning, export, writer)
    drift = _drift(standing) if record is not None else ()
    if population is None:  # nothing changed at the backend since we wrote it
        rows = RowTally().counts(planning.store.row_count(address))
        basis = None
    else:
        tally = RowTally()
        differences = RowDifferences(planning.store, planning.session.cache, planning.store.resource_id(address))
        changes = row_changes(differences, population, RowRules(prune=True), _explain, tally)
        planning.writer.add_rows(address, changes)
        rows, basis = tally.counts(differences.counts(population)[0]), population.name
    fields = diff_fields(base.desired or {}, record.fields if record else {}, RULES["Export"])
    change = replace(base, fields=fields, drift=drift, row_drift=len(drift), rows=rows, basis=basis)
    if record is None or fields or rows.changed:
        return change
    if standing.manifest is None or drift or planning.was_cut(address):
        return replace(change, reason=Reason.CHANGED_OUTSIDE)
    return replace(change, action=Action.NO_OP, reason=Reason.UNCHANGED)


def _population(planning: Planning, export: Export, writer: Writer) -> Population | None:
    """The items as rows; None when the backend says that nothing changed since they were last written."""
    address, cache = export.head.address, planning.session.cache
    record = planning.owned.get(address)
    version = planning.store.version
    known = cache.clean_listing(address, version.lineage, record.revision) if record else None
    certain = record is not None and not planning.was_cut(address)
    if certain and planning.options.refresh is Refresh.NONE:
        return None
    same = certain and record and not diff_fields(desired_fields(export), record.fields, RULES["Export"])
    provider = planning.session.provider(export.head.backend)
    listing = provider.records(
        export.target, record_scope(export, planning.resolve), export.filter, etag=known if same else None
    )
    if isinstance(listing, NotModified):
        return None
    with closing(collect_items(listing.records, export, writer, planning.session.work_folder)) as items:
        population = _cached(planning, address, items, writer)
        planning.problems.extend(_faults(export, items))
    _remember(planning, export, listing, population)
    return population


def _cached(planning: Planning, address: Address, items: ItemSet, writer: Writer) -> Population:
    """Items in the cache as rows; the name is the digest of all of them."""
    cache, name = planning.session.cache, items.basis
    return cache.find(address, name) or cache.build(address, name, _rows(items, writer), {})


def _faults(export: Export, items: ItemSet) -> Iterator[Problem]:
    """The first of the items that cannot be read, how many more there are, and what the list of splits has too much."""
    address = export.head.address
    found = list(items.heads(faulty=True))
    for source in found[:_SHOWN]:
        yield unreadable_item(str(address.row(source.item.key)), source, Severity.WARNING)
    if len(found) > _SHOWN:
        text = f"{len(found) - _SHOWN} more records cannot be exported"
        yield Problem(text, address=str(address), fix="repair the annotations", severity=Severity.WARNING)
    unlisted = items.unlisted()
    if unlisted:
        names = ", ".join(unlisted[:_SHOWN]) + (", …" if len(unlisted) > _SHOWN else "")
        text = f"the list of splits names {len(unlisted)} {'keys' if len(unlisted) > 1 else 'key'} that no item has"
        fix = "correct or remove them"
        yield Problem(text, export.head.location, names, fix, Severity.WARNING, address=str(address))


def _rows(items: ItemSet, writer: Writer) -> Iterator[DesiredRow]:
    """files, bytes: of the originals that the export copies."""
    for source in items.placed():
        body = canonical_json({"record": source.item.record_id})
        copied = writer.paths(source.item).originals
        size = sum(file.size_bytes or 0 for file in source.files if file.spec in copied)
        yield DesiredRow(source.item.key, source.content, "", body, len(copied), size)


def _remember(planning: Planning, export: Export, listing: RecordListing, population: Population) -> None:
    """An unchanged listing need not be read again, once its items are exactly what was written."""
    address = export.head.address
    record = planning.owned.get(address)
    if record is None or not listing.etag:
        return
    differences = RowDifferences(planning.store, planning.session.cache, planning.store.resource_id(address))
    if next(differences.rows(population), None) is None:
        version = planning.store.version
        planning.session.cache.record_clean_listing(address, version.lineage, record.revision, listing.etag)


def _drift(standing: Standing) -> tuple[FieldChange, ...]:
    lost = [(path, "missing") for path in standing.missing] + [(path, "altered") for path in standing.altered]
    return tuple(FieldChange(("files", path), "published", how) for path, how in sorted(lost))


def _explain(sides: RowSides, action: Action) -> Explanation:
    if sides.desired is None or action not in (Action.CREATE, Action.REPLACE):
        return Explanation()
    return Explanation(files=sides.desired.files, bytes=sides.desired.bytes)
