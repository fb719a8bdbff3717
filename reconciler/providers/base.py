"""What a provider is: the only way from the engine to a backend.

Contract, checked by `reconciler.testing.provider` for every provider:

- every verb is safe to repeat: a create repeated with one key gives one object, deleting what is gone succeeds;
- errors come from `reconciler.errors` (`Denied`, `Invalid`, `Conflict`, `NotFound`, `Transient`), redacted;
- a provider keeps no record of its own: the engine remembers ids, digests and etags;
- ownership is written into the object (a marker naming address and key), so that state can be rebuilt; a provider
  whose objects are known by their place (`Capabilities.by_place`) writes none;
- fields that are not passed are not written; what others put beside ours stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, runtime_checkable
from urllib.parse import quote

from reconciler.errors import ReconcilerError
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.checksum import Algorithm
from reconciler.model.json import JSON
from reconciler.model.observed import (
    Absent,
    AnnotationRecord,
    Found,
    ObservedRow,
    ObservedTask,
    ObservedUnit,
    RemoteFile,
)
from reconciler.model.resource import LocalFile
from reconciler.model.unit import FileRef, Unit
from reconciler.plan.cost import CallCosts
from reconciler.plan.refusals import Fixed, Remark


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do; checked while planning.

    kinds: kinds it manages. checksum: the algorithm it compares file bytes by. replaces: kind → top-level fields that
    cannot change in place. fixed: kind → what can neither change in place nor be replaced. remarks: kind → what a plan
    points out. natural: kinds whose objects are nothing beyond what is declared of them (who holds which role where),
    so that one which exists is always taken over. targets: of exports, see `Provider.records`. unique_content: two
    units of one collection cannot have the same files. platform: the name of the platform block it honours.
    versioned_listings: listings carry an etag, so that reading one again is cheap. costs: requests it needs, for
    estimates. local: kind → fields that are used here and not kept by the backend.

    file_units: every file is a unit of its own, whose key is its path. by_place: a unit is known by its key, an object
    by its name, and no marker is written; listings are in outline, see `read_units`. versions_content: files change in
    place, as a new version. trash: what is deleted can be restored for a while. fit: brings a unit into the form that
    the backend gives back, and says what it cannot hold. is_outside: whether a text in a provenance names something at
    the backend or elsewhere, and no unit of ours; None where there is no provenance. cell: brings a value of a file
    into the form that a column of a table gives back, None for no value; raises ValueError, saying why, when it cannot.
    tabled: documents that an import writes declare the metadata of the units, in tables.
    """

    kinds: frozenset[str]
    checksum: Algorithm
    platform: str
    replaces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fixed: Mapping[str, tuple[Fixed, ...]] = field(default_factory=dict)
    remarks: Mapping[str, tuple[Remark, ...]] = field(default_factory=dict)
    natural: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset({"assignment", "task", "ground_truth"})
    unique_content: bool = False
    versioned_listings: bool = False
    costs: CallCosts = field(default_factory=CallCosts)
    local: Mapping[str, frozenset[str]] = field(default_factory=dict)
    file_units: bool = False
    by_place: bool = False
    versions_content: bool = False
    trash: bool = False
    fit: Callable[[Unit], tuple[Unit, tuple[str, ...]]] | None = None
    is_outside: Callable[[str], bool] | None = None
    cell: Callable[[Mapping[str, JSON], Any], str | None] | None = None
    tabled: bool = False


@dataclass(frozen=True, slots=True)
class NotModified:
    """The listing is exactly what it was when the engine last saw this etag."""


@dataclass(frozen=True, slots=True)
class UnitListing:
    """All units of a collection, page by page. etag: version of the whole listing, None when the backend has none."""

    etag: str | None
    pages: Iterator[list[ObservedUnit]]


@dataclass(frozen=True, slots=True)
class TaskListing:
    """All tasks of a project, page by page. etag: as for units."""

    etag: str | None
    pages: Iterator[list[ObservedTask]]


@dataclass(frozen=True, slots=True)
class TableListing:
    """All rows of a table, page by page. etag: as for units."""

    etag: str | None
    pages: Iterator[list[ObservedRow]]


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table to write. remote_id: None to create it. cells: as `Capabilities.cell` gives them; cells of other
    columns stay."""

    key: str
    cells: Mapping[str, str | None]
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecordListing:
    """Records of an export target, streamed. etag: as for units."""

    etag: str | None
    records: Iterator[AnnotationRecord]


@dataclass(frozen=True, slots=True)
class UnitDraft:
    """A unit to create. address: AssetSet and key, for the marker. adopt: take over an unmarked equal unit.

    known: checksums (hex) whose bytes the backend holds already, so that they are not sent again. attributes: as
    `Unit.attributes`, with remote ids in place of keys.
    """

    address: Address
    files: tuple[FileRef, ...]
    meta: Mapping[str, JSON]
    groups: tuple[str, ...] = ()
    adopt: bool = False
    known: frozenset[str] = frozenset()
    attributes: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitEdit:
    """A unit to change in place. meta: our values now. drop: meta keys that we owned and no longer declare.

    groups: None leaves them alone. address: new marker (it changes when a unit moves). files: the content to have, None
    leaves it alone. attributes, drop_attributes: as meta and drop.
    """

    remote_id: str
    address: Address
    meta: Mapping[str, JSON]
    drop: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    files: tuple[FileRef, ...] | None = None
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    drop_attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row. remote_id: set when it succeeded. adopted: it existed already. error: why it failed.

    attributes: as the backend reports them now, when any were written. token: see `ObservedUnit`; None when unknown.
    """

    key: str
    remote_id: str | None = None
    adopted: bool = False
    error: ReconcilerError | None = None
    attributes: Mapping[str, JSON] | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Dependents:
    """How much hangs on something at the backend. notes: what else is to be said when it goes."""

    units: int = 0
    projects: int = 0
    tasks: int = 0
    assignments: int = 0
    versions: int = 0
    members: int = 0
    submissions: int = 0
    pages: int = 0
    notes: tuple[str, ...] = ()


class Content(Protocol):
    """Gives the bytes of source files to a provider."""

    def open(self, file: FileRef) -> BinaryIO:
        """Open for reading from the start; safe to call again for a retry, from several threads.

        Reading to the end raises `SourceError` when the bytes no longer have the planned checksum.
        """


class TransferNotes(Protocol):
    """Remembers for a provider, across runs, how far transfers came. May lose everything at any time.

    scope: names the place at the backend that the notes are about. Values are the provider's own, by checksum hex.
    """

    def recall(self, scope: str, checksums: Collection[str]) -> Mapping[str, JSON]:
        """What was noted of these."""

    def note(self, scope: str, values: Mapping[str, JSON]) -> None:
        """Remember; from any thread."""

    def forget(self, scope: str, checksums: Collection[str]) -> None:
        """Remember nothing of these."""


@dataclass(frozen=True, slots=True)
class Desired:
    """A resource to create or update: declared fields only, references replaced by remote ids.

    adopt: `lifecycle.onExists` is adopt. files: those that fields name, by name. secrets: as `RemoteObject.secrets`.
    """

    address: Address
    fields: Mapping[str, JSON]
    adopt: bool = False
    files: Mapping[str, LocalFile] = field(default_factory=dict)
    secrets: Mapping[str, JSON] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """Declared fields in the form in which the backend tells them. notes: what a plan points out about them."""

    fields: Mapping[str, JSON]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoragePlace:
    """A storage of the backend as fsspec knows it. root: URL without a slash at the end. options: hold credentials."""

    root: str
    options: Mapping[str, JSON] = field(default_factory=dict, repr=False)

    def below(self, path: str) -> str:
        """The URL of something on the storage; a plain path when the storage is a folder of this machine.

        Where URLs of the kind are decoded by who reads them, the path is encoded: `50%` is a name like any other.

        Raises:
            ValueError: the path leaves the storage.
        """
        if any(part == ".." for part in path.replace("\\", "/").split("/")):
            raise ValueError(f"{path!r} leaves the storage")
        if self.root.startswith("file://"):
            return f"{self.root.removeprefix('file://')}/{path.strip('/')}"
        encoded = self.root.partition("://")[0] in ("sftp", "smb", "http", "https")
        return f"{self.root}/{quote(path.strip('/')) if encoded else path.strip('/')}"


@runtime_checkable
class HasStorages(Protocol):
    """What a provider has besides whose backend lets clients at its storages."""

    def storage(self, storage_id: str, purpose: Literal["read", "write"] = "write") -> StoragePlace:
        """Where a storage is and how to get in. Raises Invalid when it cannot be reached from here."""


@runtime_checkable
class HasLocalFiles(Protocol):
    """What a provider has besides whose backend may be in this process."""

    def local_file(self, file: RemoteFile) -> Path | None:
        """Where the bytes of a remote file lie on this machine, to be read and never changed; None when they do not."""


@runtime_checkable
class HasTables(Protocol):
    """What a provider has besides whose backend keeps tables."""

    def list_rows(self, table_id: str, *, etag: str | None = None) -> TableListing | NotModified:
        """All rows of a table; NotModified when nothing changed since `etag`."""

    def write_rows(self, table_id: str, rows: Sequence[TableRow]) -> list[RowOutcome]:
        """Create and change rows. One bad row never costs the others. Not repeatable: creating twice makes two."""

    def delete_rows(self, table_id: str, rows: Mapping[str, str]) -> list[RowOutcome]:
        """Delete rows, key → remote id; those already gone count as deleted."""


def ignore_bytes(size_bytes: int) -> None:
    """Take no notice of bytes that are sent."""


class Provider(Protocol):
    """Reads and writes one backend."""

    name: str
    capabilities: Capabilities

    def check(self) -> str:
        """Prove that the backend answers and lets us in; returns who we are, for `doctor`."""

    def read(self, address: Address, remote_id: str, *, wanted: frozenset[str] | None = None) -> Found | Absent:
        """Read one object by id. An outage raises `Transient`; it is never `Absent`.

        wanted: fields that matter, as `diff.desired.declared_paths` gives them; others may be left out where they cost
        further calls. None asks for all.
        """

    def find(self, desired: Desired) -> tuple[Found, ...]:
        """Objects that carry our marker for this address, else those whose natural name equals the desired one."""

    def settle(self, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None = None) -> Settled:
        """Bring declared fields into the form in which `read` tells them, as far as they can be reached now.

        observed: what is there, None while nothing is. before: the fields as last applied, as they were declared. What
        is settled is compared and passed to `create` and `update`. Raises Invalid for what cannot be.
        """

    def create(self, desired: Desired) -> Found:
        """Create with our marker. An object that already carries the marker is returned instead."""

    def update(self, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
        """Write exactly these changes (and the marker). Raises `Conflict` when the object changed since it was read."""

    def rehearse(self, desired: Desired, remote_id: str | None, changes: tuple[FieldChange, ...]) -> None:
        """Have the backend check a create (no id) or an update without doing it; a backend that cannot does nothing.

        Raises what the real call would: `Invalid`, `Denied`, ….
        """

    def delete(self, address: Address, remote_id: str) -> None:
        """Delete; succeeds when it is gone already."""

    def dependents(self, address: Address, remote_id: str, rows: Collection[str] | None = None) -> Dependents:
        """Count what would go with an object, by whoever made it; or with rows of a set.

        rows: ids of units (AssetSet) or tasks (TaskSet), or names of groups (Collection); remote_id is then that of the
        collection or project that they are in.
        """

    def discover(self, kind: str) -> Iterator[Found]:
        """All objects of a kind, for `import --all`."""

    def list_units(self, collection_id: str, *, etag: str | None = None) -> UnitListing | NotModified:
        """All units with checksums, meta and marker; NotModified when nothing changed since `etag`."""

    def create_units(
        self,
        collection_id: str,
        units: Sequence[UnitDraft],
        content: Content,
        progress: Callable[[int], None],
        notes: TransferNotes | None = None,
    ) -> list[RowOutcome]:
        """Upload what is missing, then create units in bulk. progress: called with bytes sent, from any thread.

        notes: where a provider whose backend does not tell how far an upload came remembers it.

        One bad unit never costs the others. A unit that exists with our marker is adopted; one with another owner, or
        without owner unless `adopt`, fails with `Conflict`.
        """

    def read_units(self, units: Sequence[ObservedUnit]) -> list[ObservedUnit]:
        """Complete units of a listing in outline; those gone meanwhile are left out."""

    def update_units(
        self,
        collection_id: str,
        units: Sequence[UnitEdit],
        content: Content | None = None,
        progress: Callable[[int], None] = ignore_bytes,
    ) -> list[RowOutcome]:
        """Change metadata, groups, marker or place, attributes and content in place; what others wrote beside our keys
        stays. content: gives the bytes of edits that have files."""

    def tidy_units(self, collection_id: str) -> None:
        """Remove folders that were made for units and that this provider has emptied."""

    def delete_units(self, units: Mapping[str, str]) -> list[RowOutcome]:
        """Delete units, key → remote id; those already gone count as deleted."""

    def list_tasks(self, project_id: str, *, etag: str | None = None) -> TaskListing | NotModified:
        """All tasks of a project with the digest of their data."""

    def create_tasks(self, project_id: str, unit_ids: Sequence[str]) -> dict[str, str]:
        """Create missing tasks in bulk; returns unit id → task id for all of them."""

    def annotate(self, task_id: str, payload: JSON, *, submit: bool) -> None:
        """Write a task's annotation payload."""

    def delete_tasks(self, tasks: Mapping[str, str]) -> list[RowOutcome]:
        """Delete tasks, key → remote id."""

    def records(
        self, target: str, scope: Mapping[str, str], filters: Mapping[str, JSON], *, etag: str | None = None
    ) -> RecordListing | NotModified:
        """Records of an export target, in an order that stays.

        scope: {"project": id}, {"dataset": id, "version": name}, {"collection": id} or {"query": text}, with
        "rowIds" when rows shall begin with their ids.
        """

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream the bytes of a remote file."""

    def close(self) -> None:
        """Release connections."""
