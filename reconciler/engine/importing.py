"""Put existing remote objects under our ownership: one by id, or everything that carries our marker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.engine.apply_objects import apply_object, owned_resource
from reconciler.engine.apply_rows import apply_rows
from reconciler.engine.context import PlanOptions
from reconciler.engine.planning import ROW_KINDS, make_plan
from reconciler.engine.running import Applying, Control
from reconciler.engine.session import Session
from reconciler.engine.writing import write_document
from reconciler.errors import NotFound, Problem, StateError, UsageError
from reconciler.model.address import Address
from reconciler.model.observed import Found
from reconciler.plan.values import Action
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was taken over. rows: how many units and tasks. written: documents made for what nobody declared."""

    resources: tuple[Address, ...]
    rows: int
    written: tuple[Path, ...] = ()
    failures: tuple[Problem, ...] = ()


def import_object(session: Session, store: StateStore, address: Address, remote_id: str) -> OwnedResource:
    """Own the remote object of that id under an address that is declared. The caller holds the lock.

    Raises:
        UsageError: the address is not declared, or is not one remote object. StateError: it is owned already.
        NotFound: there is no such object.
    """
    declared = {resource.head.address: resource for resource in session.configuration.resources}
    resource = declared.get(address)
    if resource is None:
        raise UsageError(f"{address} is not declared", fix="write its document first, then import into it")
    if address.kind in ROW_KINDS:
        raise UsageError(
            f"{address} is not one remote object",
            fix="its units are taken over by `reconciler import --all`, or by onExists: adopt",
        )
    if store.resource(address):
        raise StateError(f"{address} is in the state already", fix=f"reconciler state rm {address}")
    found = session.provider(resource.head.backend).read(address, remote_id)
    if not isinstance(found, Found):
        raise NotFound(f"there is no {address.kind} with id {remote_id!r}", fix="look up the id at the backend")
    record = owned_resource(resource, address, resource.head.backend, {}, found.remote_id, found.etag)
    store.save_resource(record)
    return record


def import_all(session: Session, store: StateStore, folder: Path | None = None) -> ImportReport:
    """Own everything that carries our marker, as after the loss of the state. The caller holds the lock.

    Nothing is created, changed or deleted at the backend, but for metadata of taken-over units that differs.
    folder: where to write documents for remote objects that nobody declares; None writes none.
    """
    plan = make_plan(session, PlanOptions(take_over=True), session.work_folder / "import.plan", store=store)
    declared = {resource.head.address: resource for resource in session.configuration.resources}
    run = Applying(session, store, plan, Control(), declared)
    owned: list[Address] = []
    rows = 0
    failures: list[Problem] = []
    for change in plan.changes():
        if change.action is Action.ADOPT:
            apply_object(run, change)
            owned.append(change.address)
        elif change.address.kind in ("AssetSet", "TaskSet") and change.rows and change.rows.adopt:
            outcome = apply_rows(run, change, only_adopt=True)
            rows += outcome.rows.adopt
            failures += outcome.failures
            owned.append(change.address)
    written = tuple(_write_undeclared(session, store, folder)) if folder else ()
    return ImportReport(tuple(owned), rows, written, tuple(failures))


def _write_undeclared(session: Session, store: StateStore, folder: Path) -> Iterator[Path]:
    backend = session.configuration.workspace.default_backend
    provider = session.provider(backend)
    known = {record.remote_id for record in store.resources().values() if record.backend == backend}
    for kind in sorted(provider.capabilities.kinds - ROW_KINDS):
        for found in provider.discover(kind):
            if found.remote_id not in known:
                path, address = write_document(kind, found, folder)
                store.save_resource(owned_resource(None, address, backend, {}, found.remote_id, found.etag))
                yield path
