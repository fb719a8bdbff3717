"""Put existing remote objects under our ownership: one by id, or everything that carries our marker."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.engine.apply_objects import apply_object, owned_resource
from reconciler.engine.apply_rows import apply_rows
from reconciler.engine.apply_tables import apply_holder, holds_rows
from reconciler.engine.context import PlanOptions
from reconciler.engine.leftovers import Leftovers, Parent, find_leftovers, parents, sets_of, units_with_task
from reconciler.engine.meta_tables import held_meta, meta_tables
from reconciler.engine.planning import ROW_KINDS, make_plan
from reconciler.engine.running import Applying, Control
from reconciler.engine.session import Session
from reconciler.engine.writing import DocumentWriter, Written
from reconciler.errors import Denied, NotFound, Problem, Severity, StateError, UsageError
from reconciler.graph import topological_order
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.kinds import OBJECT_KINDS
from reconciler.model.observed import Found
from reconciler.model.resource import AnnotationProject, Collection, Ref, TaskSet
from reconciler.model.workspace import Configuration
from reconciler.plan.values import Action, Change
from reconciler.providers.base import Provider
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource

_UNAUTHENTICATED = 401

# Kinds that have no id at a backend, and what to do instead.
_OTHERWISE = {
    "AssetSet": "its units are taken over by `reconciler import --all`, by onExists: adopt, or as spec.existing",
    "TaskSet": "its tasks are taken over by `reconciler import --all`",
    "Export": "`reconciler apply` writes it; what lies there already and is the same is kept",
    "MetadataSource": "it is only read; there is nothing to take over",
}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was taken over. rows: how many units and tasks. written: documents made for what nobody declared.

    failures: what could not be taken over. notes: warnings, as of kinds that the backend did not let us list.
    """

    resources: tuple[Address, ...]
    rows: int
    written: tuple[Path, ...] = ()
    failures: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    def with_more(self, other: ImportReport) -> ImportReport:
        """Both together."""
        return ImportReport(
            tuple(dict.fromkeys((*self.resources, *other.resources))),
            self.rows + other.rows,
            (*self.written, *other.written),
            (*self.failures, *other.failures),
            (*self.notes, *other.notes),
        )


@dataclass(frozen=True, slots=True)
class Writing:
    """How documents are made for what nobody declares.

    folder: where they go; the workspace must read it. reload: reads the configuration again. source: URL or path
    (from the working folder) of the files that units were made of; None when there is none.
    """

    folder: Path
    reload: Callable[[], Configuration]
    source: str | None = None


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
    if address.kind in _OTHERWISE:
        raise UsageError(f"{address} is not one remote object", fix=_OTHERWISE[address.kind])
    if store.resource(address):
        raise StateError(f"{address} is in the state already", fix=f"reconciler state rm {address}")
    found = session.provider(resource.head.backend).read(address, remote_id)
    if not isinstance(found, Found):
        raise NotFound(f"there is no {address.kind} with id {remote_id!r}", fix="look up the id at the backend")
    record = owned_resource(resource, address, resource.head.backend, {}, found.remote_id, found.etag)
    store.save_resource(record)
    return record


def import_all(session: Session, store: StateStore, writing: Writing | None = None) -> ImportReport:
    """Own everything that is declared and there, as after the loss of the state. The caller holds the lock.

    Nothing is created or deleted at the backend, and nothing changed but metadata of taken-over units that documents
    want otherwise. writing: make documents for what nobody declares, and take that over as well; None makes none.

    Raises:
        UsageError: the workspace does not read the documents where they were to be written; none is left behind.
    """
    report = _adopt_declared(session, store, PlanOptions())
    if writing is None:
        return report
    for write in (_write_objects, _write_asset_sets, _write_task_sets):
        made, notes = write(session, store, writing)
        if made:
            _read_again(session, writing, made)
            _bind(session, store, made)
            targets = tuple(written.address for written in made)
            report = report.with_more(_adopt_declared(session, store, PlanOptions(targets=targets)))
        bound = tuple(written.address for written in made if written.remote_id is not None)
        report = report.with_more(
            ImportReport(bound, 0, tuple(path for written in made for path in written.files), (), tuple(notes))
        )
    return report


def _adopt_declared(session: Session, store: StateStore, options: PlanOptions) -> ImportReport:
    options = replace(options, take_over=True)
    plan = make_plan(session, options, session.work_folder / "import.plan", store=store)
    declared = {resource.head.address: resource for resource in session.configuration.resources}
    run = Applying(session, store, plan, Control(), declared)
    owned: list[Address] = []
    rows = 0
    failures: list[Problem] = []
    for change in plan.changes():
        if change.action is Action.ADOPT:
            if holds_rows(change.address):
                rows += apply_holder(run, change, only_adopt=True).rows.adopt
            else:
                _take_over(run, change)
            owned.append(change.address)
        elif change.address.kind in ("AssetSet", "TaskSet") and change.rows and change.rows.adopt:
            outcome = apply_rows(run, change, only_adopt=True)
            rows += outcome.rows.adopt
            failures += outcome.failures
            owned.append(change.address)
    plan.close()
    return ImportReport(tuple(owned), rows, (), tuple(failures))


def _take_over(run: Applying, change: Change) -> None:
    """Own a declared object. Where there is no marker to write, nothing is written: a role that is missing is granted
    by an apply, and by nothing else."""
    kind = change.address.kind
    if kind not in run.session.provider(change.backend).capabilities.natural:
        apply_object(run, change)
        return
    declared = run.declared.get(change.address)
    run.store.save_resource(owned_resource(declared, change.address, change.backend, {}, change.remote_id))


def _discovered(provider: Provider, kind: str, notes: list[Problem]) -> Iterator[Found]:
    """All objects of a kind. A service that lacks the kind, or keeps it from us, is one without such objects."""
    try:
        yield from provider.discover(kind)
    except (NotFound, Denied) as error:
        if error.status == _UNAUTHENTICATED:
            raise
        text = f"{kind} is left out of the import: {error.message}"
        notes.append(_warning(text, "grant access to it, or go on without"))


def _read_again(session: Session, writing: Writing, made: Sequence[Written]) -> None:
    """Have the session go on with the new documents. What the workspace does not read must not stay in the state."""
    try:
        configuration = writing.reload()
        known = {resource.head.address for resource in configuration.resources}
        unread = [written for written in made if written.address not in known]
        if unread:
            raise UsageError(
                f"the workspace does not read documents in {writing.folder}",
                fix="name a folder with --out that spec.documents covers",
            )
    except BaseException:
        for path in [path for written in made for path in written.files]:
            path.unlink(missing_ok=True)
        raise
    session.configuration = configuration


def _bind(session: Session, store: StateStore, made: Sequence[Written]) -> None:
    """Own the objects that documents were made of, by their ids; sets are recorded anew, by what is declared now."""
    declared = {resource.head.address: resource for resource in session.configuration.resources}
    for written in made:
        if written.remote_id is None:
            store.drop_resource(written.address)
        else:
            resource = declared[written.address]
            record = store.resource(written.address)
            etag = record.etag if record else None
            fields = record.fields if record else {}
            backend = resource.head.backend
            store.save_resource(owned_resource(resource, written.address, backend, fields, written.remote_id, etag))


Made = tuple[list[Written], list[Problem]]


def _write_objects(session: Session, store: StateStore, writing: Writing) -> Made:
    """Documents for objects that nobody declares; one that the state knows keeps its address."""
    backend = session.configuration.workspace.default_backend
    provider, writer = session.provider(backend), _writer(session, store, writing)
    declared = {resource.head.address for resource in session.configuration.resources}
    records = [record for record in store.resources().values() if record.backend == backend]
    known = {(r.address.kind, r.remote_id) for r in records if r.address in declared}
    names = {(r.address.kind, r.remote_id): r.address.name for r in records if r.address not in declared}
    made: list[Written] = []
    notes: list[Problem] = []
    for kind in _in_order(provider.capabilities.kinds - ROW_KINDS):
        new = (found for found in _discovered(provider, kind, notes) if (kind, found.remote_id) not in known)
        made += [writer.write_object(kind, found, names.get((kind, found.remote_id))) for found in new]
    return made, notes


def _in_order(kinds: frozenset[str]) -> list[str]:
    """Collections first, then the kinds that nothing else names, so that references are written as names."""
    needs = {
        kind: [target for target in _targets(kind) if target in kinds and target != kind] for kind in sorted(kinds)
    }
    order = topological_order({Address(kind, "all"): [Address(n, "all") for n in needs[kind]] for kind in needs})
    return sorted((address.kind for address in order), key=lambda kind: kind != "Collection")


def _targets(kind: str) -> Iterator[str]:
    known = OBJECT_KINDS.get(kind)
    for name, target in known.references.items() if known else ():
        yield target
        yield from known.others.get(name, ()) if known else ()


def _write_asset_sets(session: Session, store: StateStore, writing: Writing) -> Made:
    """Documents for units that no declared set owns."""
    writer = _writer(session, store, writing)
    made: list[Written] = []
    notes: list[Problem] = []
    for collection in parents(session, store, Collection):
        left = find_leftovers(session, store, collection)
        made += _marked_sets(session, store, writer, left, notes)
        if left.unmarked:
            made += _unmarked_set(session, store, writing, writer, left, notes)
    return made, notes


def _marked_sets(
    session: Session, store: StateStore, writer: DocumentWriter, left: Leftovers, notes: list[Problem]
) -> Iterator[Written]:
    """Units that carry our marker go back to the set that it names."""
    for name in sorted({*left.sets, *left.recorded}):
        address = Address("AssetSet", name)
        if address in writer.taken:
            count, where = left.sets.get(name, 0), left.collection.address
            text = f"{count:,} units of {where} carry the marker of {address}, which does not take them"
            notes.append(_warning(text, f"check spec.collection and spec.existing of {address}"))
            continue
        if name not in left.recorded:
            yield writer.write_set(address, _existing_spec(left, unmarked=False))
            continue
        owners = (address, None) if left.unmarked else (address,)
        left.unmarked = 0
        yield from _existing_set(session, store, writer, left, address, owners, notes)


def _unmarked_set(
    session: Session, store: StateStore, writing: Writing, writer: DocumentWriter, left: Leftovers, notes: list[Problem]
) -> Iterator[Written]:
    """Units that nobody marked: of the source where they match it, else as they are."""
    rest = left.unmarked
    if writing.source is not None:
        from reconciler.engine.matching import match_source

        address = writer.free_address("AssetSet", left.collection.address.name, "source")
        match = match_source(session, store, left.collection, address, writing.source, writing.folder)
        notes += match.notes
        rest -= match.matched
        if match.spec is not None:
            yield writer.write_set(address, match.spec)
        else:
            writer.taken.discard(address)
    if rest:
        address = writer.free_address("AssetSet", left.collection.address.name, "existing")
        yield from _existing_set(session, store, writer, left, address, (None,), notes)


def _existing_set(
    session: Session,
    store: StateStore,
    writer: DocumentWriter,
    left: Leftovers,
    address: Address,
    owners: Sequence[Address | None],
    notes: list[Problem],
) -> Iterator[Written]:
    """A set of unmarked units, and tables of their metadata where the backend wants it declared."""
    tables = list(_write_tables(session, store, writer, left.collection, address, owners, notes))
    yield from tables
    metadata: dict[str, JSON] = {"metadata": [written.address.name for written in tables]} if tables else {}
    yield writer.write_set(address, _existing_spec(left, unmarked=True) | metadata)


def _write_tables(
    session: Session,
    store: StateStore,
    writer: DocumentWriter,
    collection: Parent,
    address: Address,
    owners: Sequence[Address | None],
    notes: list[Problem],
) -> Iterator[Written]:
    """Tables of the metadata that the units of a set have. A schema would give their values types of its own, so
    there are none under one."""
    capabilities = session.provider(collection.backend).capabilities
    if not capabilities.tabled:
        return
    declared = next(r for r in session.configuration.resources if r.head.address == collection.address)
    if isinstance(declared, Collection) and declared.unit_meta_schema:
        text = f"metadata of {address} stays undeclared, since {collection.address} has a unitMetaSchema"
        notes.append(_warning(text, "write a MetadataSource, if it shall be declared"))
        return
    found = meta_tables(held_meta(session, store, collection, owners), capabilities.fit)
    for table in found.tables:
        yield writer.write_table(address.name, table)
    fix = "declare it in meta or another MetadataSource, or leave it as it is"
    lost = {f"meta.{name}": count for name, count in found.left_out.items()}
    lost |= {"all metadata": found.unnamed} if found.unnamed else {}
    notes += [_warning(f"{name} of {n:,} units of {address} is in no table", fix) for name, n in lost.items()]


def _existing_spec(left: Leftovers, *, unmarked: bool) -> dict[str, JSON]:
    return {"collection": left.collection.address.name, "existing": {} if unmarked else {"unmarked": False}}


def _write_task_sets(session: Session, store: StateStore, writing: Writing) -> Made:
    """Documents for tasks of projects without a task set, where every unit of a set has one."""
    writer = _writer(session, store, writing)
    resources = {resource.head.address: resource for resource in session.configuration.resources}
    done = {resource.project for resource in resources.values() if isinstance(resource, TaskSet)}
    made: list[Written] = []
    notes: list[Problem] = []
    for project in parents(session, store, AnnotationProject):
        declared = resources[project.address]
        if Ref(project.address) in done or not isinstance(declared, AnnotationProject):
            continue
        for asset_set in sets_of(session, store, declared.collection):
            assets = asset_set.head.address
            tasks, units = units_with_task(session, store, project, assets), store.row_count(assets)
            if tasks and tasks == units:
                address = _recorded_tasks(store, project, resources) or writer.free_address(
                    "TaskSet", project.address.name, assets.name
                )
                made.append(writer.write_set(address, {"project": project.address.name, "assets": assets.name}))
            elif tasks:
                text = f"{project.address} has tasks for {tasks:,} of {units:,} units of {assets}"
                notes.append(_warning(text, "write a TaskSet, if the others shall have tasks as well"))
    return made, notes


def _recorded_tasks(store: StateStore, project: Parent, declared: Container[Address]) -> Address | None:
    """The task set that the state still has for a project, its document being lost."""
    records = (record for address, record in store.resources().items() if address.kind == "TaskSet")
    return next((r.address for r in records if r.parent_id == project.remote_id and r.address not in declared), None)


def _writer(session: Session, store: StateStore, writing: Writing) -> DocumentWriter:
    taken = {resource.head.address for resource in session.configuration.resources}
    names: dict[str, dict[str, str]] = {}
    for address, record in store.resources().items():
        if address in taken and record.remote_id:
            names.setdefault(address.kind, {})[record.remote_id] = address.name
    platform = session.provider(session.configuration.workspace.default_backend).capabilities.platform
    return DocumentWriter(writing.folder, taken, names, platform)


def _warning(text: str, fix: str) -> Problem:
    return Problem(text, fix=fix, severity=Severity.WARNING)
