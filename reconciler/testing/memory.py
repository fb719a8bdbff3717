"""A provider that keeps everything in memory: a fake for tests of the engine. Passes the provider contract."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any

from reconciler.errors import Conflict, Invalid, NotFound, ReconcilerError
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.checksum import Algorithm
from reconciler.model.json import JSON, digest
from reconciler.model.observed import Absent, AnnotationRecord, Found, ObservedTask, ObservedUnit, RemoteFile
from reconciler.providers.base import (
    Capabilities,
    Content,
    Dependents,
    Desired,
    NotModified,
    RecordListing,
    RowOutcome,
    Settled,
    TaskListing,
    TransferNotes,
    UnitDraft,
    UnitEdit,
    UnitListing,
    ignore_bytes,
)
from reconciler.providers.patching import patched

_KEYED = {"fileSpecifications": "name"}
_FILTERS = {"has_data": lambda task, wanted: (task.data is not None) == wanted}
_PAGE = 100


@dataclass(slots=True)
class _Object:
    remote_id: str
    kind: str
    fields: dict[str, JSON]
    owner: str | None


@dataclass(slots=True)
class _Unit:
    remote_id: str
    collection_id: str
    owner: Address | None
    files: dict[str, tuple[str, str]]
    meta: dict[str, JSON]
    groups: tuple[str, ...]


@dataclass(slots=True)
class _Task:
    remote_id: str
    project_id: str
    unit_id: str
    data: JSON = None


@dataclass(slots=True)
class MemoryProvider:
    """See `Provider`. Everything it holds is open to the test; `revision` counts changes and is every etag.

    before: called with the name of every verb, so that a test can raise or stop there.
    """

    checksum: Algorithm = "sha1"
    before: Callable[[str], None] = lambda _: None
    name: str = "memory"
    revision: int = 0
    objects: dict[str, _Object] = field(default_factory=dict)
    units: dict[str, _Unit] = field(default_factory=dict)
    tasks: dict[str, _Task] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    _last_id: int = 0
    _lock: Any = field(default_factory=RLock)

    @property
    def capabilities(self) -> Capabilities:
        """As of a service with content identity."""
        kinds = frozenset({"Collection", "AssetSet", "AnnotationProject", "TaskSet", "Export"})
        return Capabilities(kinds, self.checksum, "memory", unique_content=True)

    def check(self) -> str:
        """See `Provider.check`."""
        self.before("check")
        return "memory"

    def read(self, address: Address, remote_id: str, *, wanted: frozenset[str] | None = None) -> Found | Absent:  # noqa: ARG002
        """See `Provider.read`."""
        self.before("read")
        there = self.objects.get(remote_id)
        return _found(there) if there and there.kind == address.kind else Absent()

    def find(self, desired: Desired) -> tuple[Found, ...]:
        """See `Provider.find`."""
        self.before("find")
        kind, title = desired.address.kind, desired.fields.get("title")
        alike = [o for o in self.objects.values() if o.kind == kind]
        ours = [o for o in alike if o.owner == str(desired.address)]
        return tuple(map(_found, ours or [o for o in alike if o.fields.get("title") == title]))

    def settle(self, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None = None) -> Settled:  # noqa: ARG002
        """See `Provider.settle`; fields are told as they are declared."""
        return Settled(desired.fields)

    def create(self, desired: Desired) -> Found:
        """See `Provider.create`."""
        self.before("create")
        address = desired.address
        with self._lock:
            for there in self.objects.values():
                if there.owner == str(address):
                    return _found(there)
            return _found(self.add_object(address.kind, desired.fields, str(address)))

    def add_object(self, kind: str, fields: Mapping[str, JSON], owner: str | None = None) -> _Object:
        """Put an object in, as someone else would."""
        made = _Object(self._next_id(), kind, dict(fields), owner)
        self.objects[made.remote_id] = made
        return made

    def update(self, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
        """See `Provider.update`."""
        self.before("update")
        with self._lock:
            there = self.objects.get(observed.remote_id)
            if there is None:
                raise NotFound(f"{observed.remote_id} is gone")
            if observed.etag != _found(there).etag:
                raise Conflict("it changed since it was read")
            there.fields, there.owner = patched(there.fields, changes, _KEYED, desired.fields), str(desired.address)
            self.revision += 1
            return _found(there)

    def rehearse(self, desired: Desired, remote_id: str | None, changes: tuple[FieldChange, ...]) -> None:  # noqa: ARG002
        """See `Provider.rehearse`; everything would do."""
        self.before("rehearse")

    def delete(self, address: Address, remote_id: str) -> None:  # noqa: ARG002
        """See `Provider.delete`; what hangs on the object goes with it."""
        self.before("delete")
        with self._lock:
            self.objects.pop(remote_id, None)
            self.units = {k: unit for k, unit in self.units.items() if unit.collection_id != remote_id}
            self.tasks = {k: task for k, task in self.tasks.items() if task.project_id != remote_id}
            self.revision += 1

    def dependents(self, address: Address, remote_id: str, rows: Collection[str] | None = None) -> Dependents:
        """See `Provider.dependents`; there are no assignments here."""
        self.before("dependents")
        if address.kind == "AssetSet":
            tasks = [task for task in self.tasks.values() if task.unit_id in (rows or ())]
            return Dependents(projects=len({task.project_id for task in tasks}), tasks=len(tasks))
        if address.kind == "AnnotationProject":
            return Dependents(tasks=sum(task.project_id == remote_id for task in self.tasks.values()))
        inner = [unit for unit in self.units.values() if unit.collection_id == remote_id]
        return Dependents(units=sum(rows is None or not set(unit.groups[-1:]).isdisjoint(rows) for unit in inner))

    def discover(self, kind: str) -> Iterator[Found]:
        """See `Provider.discover`."""
        self.before("discover")
        return iter([_found(there) for there in self.objects.values() if there.kind == kind])

    def list_units(self, collection_id: str, *, etag: str | None = None) -> UnitListing | NotModified:
        """See `Provider.list_units`."""
        self.before("list_units")
        if etag == self._etag:
            return NotModified()
        rows = [_observed(unit) for unit in self.units.values() if unit.collection_id == collection_id]
        return UnitListing(self._etag, _paged(rows))

    def create_units(
        self,
        collection_id: str,
        units: Sequence[UnitDraft],
        content: Content,
        progress: Callable[[int], None],
        notes: TransferNotes | None = None,  # noqa: ARG002
    ) -> list[RowOutcome]:
        """See `Provider.create_units`."""
        self.before("create_units")
        with self._lock:
            return [
                self._attempt(draft, lambda d: self._create(collection_id, d, content, progress)) for draft in units
            ]

    def read_units(self, units: Sequence[ObservedUnit]) -> list[ObservedUnit]:
        """See `Provider.read_units`; listings are complete here."""
        return list(units)

    def tidy_units(self, collection_id: str) -> None:
        """See `Provider.tidy_units`; there are no folders here."""

    def update_units(
        self,
        collection_id: str,  # noqa: ARG002
        units: Sequence[UnitEdit],
        content: Content | None = None,  # noqa: ARG002
        progress: Callable[[int], None] = ignore_bytes,  # noqa: ARG002
    ) -> list[RowOutcome]:
        """See `Provider.update_units`."""
        self.before("update_units")
        with self._lock:
            return [self._attempt(edit, self._edit) for edit in units]

    def delete_units(self, units: Mapping[str, str]) -> list[RowOutcome]:
        """See `Provider.delete_units`."""
        self.before("delete_units")
        return self._delete(self.units, units)

    def list_tasks(self, project_id: str, *, etag: str | None = None) -> TaskListing | NotModified:
        """See `Provider.list_tasks`."""
        self.before("list_tasks")
        if etag == self._etag:
            return NotModified()
        there = [task for task in self.tasks.values() if task.project_id == project_id]
        rows = [ObservedTask(t.remote_id, t.unit_id, None if t.data is None else digest(t.data)) for t in there]
        return TaskListing(self._etag, _paged(rows))

    def create_tasks(self, project_id: str, unit_ids: Sequence[str]) -> dict[str, str]:
        """See `Provider.create_tasks`."""
        self.before("create_tasks")
        with self._lock:
            if unknown := [unit_id for unit_id in unit_ids if unit_id not in self.units]:
                raise Invalid(f"unknown units: {', '.join(unknown)}")
            there = {t.unit_id: t.remote_id for t in self.tasks.values() if t.project_id == project_id}
            for unit_id in unit_ids:
                if unit_id not in there:
                    there[unit_id] = self._next_id()
                    self.tasks[there[unit_id]] = _Task(there[unit_id], project_id, unit_id)
            return {unit_id: there[unit_id] for unit_id in unit_ids}

    def annotate(self, task_id: str, payload: JSON, *, submit: bool) -> None:
        """See `Provider.annotate`; submitted or saved is the same here."""
        self.before("annotate" if submit else "save")
        if task_id not in self.tasks:
            raise NotFound(f"task {task_id} is gone")
        self.tasks[task_id].data = payload
        self.revision += 1

    def delete_tasks(self, tasks: Mapping[str, str]) -> list[RowOutcome]:
        """See `Provider.delete_tasks`."""
        self.before("delete_tasks")
        return self._delete(self.tasks, tasks)

    def records(
        self,
        target: str,  # noqa: ARG002
        scope: Mapping[str, str],
        filters: Mapping[str, JSON],
        *,
        etag: str | None = None,
    ) -> RecordListing | NotModified:
        """See `Provider.records`; every target gives the tasks."""
        self.before("records")
        if unknown := sorted(filters.keys() - _FILTERS.keys()):
            raise Invalid(f"unknown filters: {', '.join(unknown)}")
        if etag == self._etag:
            return NotModified()
        tasks = [task for task in self.tasks.values() if task.project_id == scope.get("project")]
        wanted = [task for task in tasks if all(_FILTERS[key](task, value) for key, value in filters.items())]
        wanted.sort(key=lambda task: int(task.remote_id))
        return RecordListing(self._etag, map(self._record, wanted))

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """See `Provider.fetch`."""
        self.before("fetch")
        return iter([self.blobs[file.url]])

    def close(self) -> None:
        """See `Provider.close`."""

    @property
    def _etag(self) -> str:
        return str(self.revision)

    def _next_id(self) -> str:
        with self._lock:
            self._last_id += 1
            self.revision += 1
            return str(self._last_id)

    def _attempt(self, row: Any, action: Callable[[Any], RowOutcome]) -> RowOutcome:
        try:
            return action(row)
        except ReconcilerError as error:
            return RowOutcome(row.address.key or "", error=error)

    def _create(
        self, collection_id: str, draft: UnitDraft, content: Content, progress: Callable[[int], None]
    ) -> RowOutcome:
        files = self._checked(collection_id, draft)
        for ref in draft.files:
            self._store(ref, draft, content, progress)
        for unit in self.units.values():
            if unit.collection_id == collection_id and _composition(unit.files) == _composition(files):
                return self._adopt(unit, draft)
        made = _Unit(self._next_id(), collection_id, draft.address, files, dict(draft.meta), draft.groups)
        self.units[made.remote_id] = made
        return RowOutcome(draft.address.key or "", made.remote_id)

    def _checked(self, collection_id: str, draft: UnitDraft) -> dict[str, tuple[str, str]]:
        """The unit's files by specification, when they fit the collection."""
        fields = self.objects[collection_id].fields
        specs = {spec["name"]: spec for spec in fields.get("fileSpecifications") or []}
        files = {ref.spec: (ref.path, ref.checksum.hex if ref.checksum else "") for ref in draft.files}
        missing = [name for name, spec in specs.items() if spec.get("required") and name not in files]
        if missing or files.keys() - specs.keys() or len(files) != len(draft.files):
            raise Invalid(f"the files do not fit the specifications {', '.join(specs)}")
        schema = fields.get("unitMetaSchema")
        if schema is not None:
            import jsonschema

            if error := jsonschema.exceptions.best_match(
                jsonschema.Draft202012Validator(schema).iter_errors(draft.meta)
            ):
                raise Invalid(error.message)
        return files

    def _store(self, ref: Any, draft: UnitDraft, content: Content, progress: Callable[[int], None]) -> None:
        planned = ref.checksum.hex
        if planned in self.blobs or planned in draft.known:
            return
        with content.open(ref) as stream:
            data = stream.read()
        if hashlib.new(self.checksum, data).hexdigest() != planned:
            raise Invalid(f"{ref.path} has another checksum")
        self.blobs[planned] = data
        progress(len(data))

    def _adopt(self, unit: _Unit, draft: UnitDraft) -> RowOutcome:
        if unit.owner != draft.address and (unit.owner is not None or not draft.adopt):
            raise Conflict(f"unit {unit.remote_id} has the same files and is {unit.owner or 'nobody'}'s")
        return replace(self._edit(UnitEdit(unit.remote_id, draft.address, draft.meta)), adopted=True)

    def _edit(self, edit: UnitEdit) -> RowOutcome:
        unit = self.units.get(edit.remote_id)
        if unit is None:
            raise NotFound(f"unit {edit.remote_id} is gone")
        kept = {key: value for key, value in unit.meta.items() if key not in edit.drop}
        new = replace(unit, owner=edit.address, meta=kept | dict(edit.meta))
        new.groups = unit.groups if edit.groups is None else edit.groups
        if new != unit:
            self.units[edit.remote_id] = new
            self.revision += 1
        return RowOutcome(edit.address.key or "", edit.remote_id)

    def _delete(self, rows: dict[str, Any], doomed: Mapping[str, str]) -> list[RowOutcome]:
        with self._lock:
            for remote_id in doomed.values():
                if rows.pop(remote_id, None) is not None:
                    self.revision += 1
        return [RowOutcome(key, remote_id) for key, remote_id in doomed.items()]

    def _files(self, unit: _Unit) -> tuple[RemoteFile, ...]:
        return tuple(
            RemoteFile(spec, path.rsplit("/", 1)[-1], checksum, len(self.blobs[checksum]), checksum)
            for spec, (path, checksum) in sorted(unit.files.items())
        )

    def _record(self, task: _Task) -> AnnotationRecord:
        unit = self.units[task.unit_id]
        files = self._files(unit)
        key = unit.owner.key if unit.owner and unit.owner.key else unit.remote_id
        return AnnotationRecord(task.remote_id, unit.remote_id, key, task.data, files, unit.meta)


def _found(there: _Object) -> Found:
    return Found(there.remote_id, there.fields, digest([there.fields, there.owner]), there.owner)


def _observed(unit: _Unit) -> ObservedUnit:
    return ObservedUnit(unit.remote_id, unit.owner, _composition(unit.files), dict(unit.meta))


def _composition(files: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {spec: checksum for spec, (_, checksum) in files.items()}


def _paged(rows: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(rows), _PAGE):
        yield rows[start : start + _PAGE]
