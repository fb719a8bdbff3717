"""Carry out an export: read its items, hand them to a publication, or take away what was published."""

from __future__ import annotations

from contextlib import closing
from functools import partial

from reconciler.engine.apply_objects import owned_resource
from reconciler.engine.export_items import CLASSES_PATH, ItemSet, collect_items, record_scope, writer_for
from reconciler.engine.export_places import open_export, open_recorded, recorded_place
from reconciler.engine.export_publication import Done, Publication
from reconciler.engine.report import Outcome
from reconciler.engine.running import Applying
from reconciler.errors import Conflict
from reconciler.formats.items import Writer
from reconciler.model.resource import Export, External, Reference
from reconciler.plan.values import Action, Change
from reconciler.providers.base import NotModified, Provider


def apply_export(run: Applying, change: Change) -> Outcome:
    """Bring one export up to date, or end it."""
    export = run.declared.get(change.address)
    if change.action is Action.NO_OP:
        return Outcome(change.address, change.action)
    if change.action in (Action.DELETE, Action.FORGET) or not isinstance(export, Export):
        return _end(run, change)
    destination = open_export(run.session, export)
    provider = run.session.provider(change.backend)
    with run.session.open_fragments() as fragments:
        standing = destination.inspect(str(change.address), fragments.stamps(change.address))
        writer = writer_for(export, run.declared, destination.read(CLASSES_PATH))
        with closing(_items(run, change, export, provider, writer)) as items:
            scope = record_scope(export, partial(_resolve, run))
            publication = Publication(run, export, provider, destination, standing, writer, fragments, items, scope)
            done = publication.publish(change.action.value)
            if done.intent is not None:
                _record(run, change, export, done)
    return Outcome(
        change.address, change.action, done.counts, tuple(done.failures), skipped=done.was_stopped, note=done.note
    )


def _record(run: Applying, change: Change, export: Export, done: Done) -> None:
    parent, place = _resolve(run, export.collection or export.project), recorded_place(run.session, export)
    owned = owned_resource(export, change.address, change.backend, change.desired or {}, place, parent_id=parent)
    run.store.save_resource(owned)
    run.store.save_rows(change.address, done.rows, drop=done.gone, intent=done.intent)


def _items(run: Applying, change: Change, export: Export, provider: Provider, writer: Writer) -> ItemSet:
    listing = provider.records(export.target, record_scope(export, partial(_resolve, run)), export.filter)
    assert not isinstance(listing, NotModified)  # no etag was sent
    items = collect_items(listing.records, export, writer, run.session.work_folder)
    if change.basis is not None and items.basis != change.basis:
        items.close()
        raise Conflict("what is exported changed since the plan was made", fix="plan again")
    return items


def _end(run: Applying, change: Change) -> Outcome:
    """Remove what we published (unless it is to be left behind), then forget the export."""
    owned = run.store.resource(change.address)
    if change.action is Action.DELETE and owned and owned.remote_id:
        destination = open_recorded(run.session, owned.backend, owned.remote_id, owned.fields.get("retain"))
        standing = destination.inspect(str(change.address), {})
        destination.remove(str(change.address), standing)
    run.store.drop_resource(change.address)
    return Outcome(change.address, change.action)


def _resolve(run: Applying, reference: Reference | None) -> str | None:
    if reference is None or isinstance(reference, External):
        return reference.id if reference else None
    return run.remote_id(reference.address)
