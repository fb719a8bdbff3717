"""The Sage provider: the `Provider` interface over the service's REST interface. Delegates; holds no logic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from reconciler.errors import Invalid
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found, ObservedUnit, RemoteFile
from reconciler.plan.cost import CallCosts
from reconciler.providers.base import (
    Capabilities,
    Content,
    Dependents,
    Desired,
    NotModified,
    RecordListing,
    RowOutcome,
    Settled,
    TableListing,
    TableRow,
    TaskListing,
    TransferNotes,
    UnitDraft,
    UnitEdit,
    UnitListing,
    ignore_bytes,
)
from reconciler.providers.pool import Pool
from reconciler.providers.sage import cells, exports, objects, provenance, query_records, units
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.connection import Clients
from reconciler.providers.sage.limits import fit
from reconciler.providers.sage.people import People
from reconciler.providers.sage.table_rows import TableRows
from reconciler.providers.sage.tree import Tree
from reconciler.providers.sage.upload import Uploads
from reconciler.providers.sage.wire import object_in

CAPABILITIES = Capabilities(
    kinds=frozenset({"AssetSet", *objects.KINDS}),
    checksum="md5",
    platform="sage",
    replaces={
        "AssetSet": frozenset({"collection"}),
        **{name: kind.REPLACES for name, kind in objects.KINDS.items() if kind.REPLACES},
    },
    fixed={name: kind.FIXED for name, kind in objects.KINDS.items() if kind.FIXED},
    remarks={name: kind.REMARKS for name, kind in objects.KINDS.items() if kind.REMARKS},
    natural=frozenset(name for name, kind in objects.KINDS.items() if kind.NATURAL),
    # Per file: begin, address, bytes, add, complete, create.
    costs=CallCosts(batch_rows=1, unit_batch=1, file=5, unit_edit=3),
    local={"Collection": frozenset({"fileSpecifications", "unitMetaSchema"})},
    file_units=True,
    by_place=True,
    versions_content=True,
    trash=True,
    targets=frozenset({"collection", "query"}),
    fit=fit,
    is_outside=provenance.is_outside,
    cell=cells.fit,
    tabled=True,
)


class SageProvider:
    """Speaks to one Sage service. clients: closed with the provider. parallelism: files and parts at once."""

    name = "sage"
    capabilities = CAPABILITIES

    def __init__(self, clients: Clients, *, parallelism: int = 10) -> None:
        self._clients = clients
        self._repo = clients.repo
        self._pool = Pool(parallelism)
        self._parts = Pool(parallelism)
        self._uploads = Uploads(clients.file, self._parts)
        self._calls = Calls(clients.repo, self._uploads, People(clients.repo))
        self._trees: dict[str, Tree] = {}
        self._rows = TableRows(clients)

    def check(self) -> str:
        """`GET /userProfile`."""
        who = object_in(self._repo.get("/userProfile"), "GET /userProfile")
        return f"{who.get('userName') or who.get('ownerId')} at {self._repo.service.base_url}"

    def read(self, address: Address, remote_id: str, *, wanted: frozenset[str] | None = None) -> Found | Absent:  # noqa: ARG002
        """See `Provider.read`."""
        return objects.kind(address.kind).read(self._calls, address, remote_id)

    def find(self, desired: Desired) -> tuple[Found, ...]:
        """See `Provider.find`."""
        return objects.kind(desired.address.kind).find(self._calls, desired)

    def settle(self, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None = None) -> Settled:
        """See `Provider.settle`."""
        return objects.kind(desired.address.kind).settle(self._calls, desired, observed, before)

    def create(self, desired: Desired) -> Found:
        """See `Provider.create`."""
        return objects.kind(desired.address.kind).create(self._calls, desired)

    def update(self, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
        """See `Provider.update`."""
        return objects.kind(desired.address.kind).update(self._calls, desired, observed, changes)

    def rehearse(self, desired: Desired, remote_id: str | None, changes: tuple[FieldChange, ...]) -> None:
        """See `Provider.rehearse`; the service cannot."""

    def delete(self, address: Address, remote_id: str) -> None:
        """See `Provider.delete`."""
        objects.kind(address.kind).delete(self._calls, address, remote_id)

    def dependents(self, address: Address, remote_id: str, rows: Collection[str] | None = None) -> Dependents:
        """See `Provider.dependents`; nothing hangs on a file."""
        return Dependents() if rows is not None else objects.kind(address.kind).dependents(self._calls, remote_id)

    def discover(self, kind: str) -> Iterator[Found]:
        """See `Provider.discover`."""
        return objects.kind(kind).discover(self._calls)

    def list_units(self, collection_id: str, *, etag: str | None = None) -> UnitListing | NotModified:  # noqa: ARG002
        """See `Provider.list_units`: in outline, a call per folder and 50 entries."""
        return UnitListing(None, self._tree(collection_id).walk())

    def read_units(self, rows: Sequence[ObservedUnit]) -> list[ObservedUnit]:
        """See `Provider.read_units`: a call each."""
        found = self._pool.map(lambda unit: units.read_one(self._repo, unit), rows)
        return [unit for unit in found if unit is not None]

    def create_units(
        self,
        collection_id: str,
        rows: Sequence[UnitDraft],
        content: Content,
        progress: Callable[[int], None],
        notes: TransferNotes | None = None,  # noqa: ARG002
    ) -> list[RowOutcome]:
        """See `Provider.create_units`."""
        return self._pool.map(self._files(collection_id, content, progress).create, rows)

    def update_units(
        self,
        collection_id: str,
        rows: Sequence[UnitEdit],
        content: Content | None = None,
        progress: Callable[[int], None] = ignore_bytes,
    ) -> list[RowOutcome]:
        """See `Provider.update_units`."""
        return self._pool.map(self._files(collection_id, content, progress).edit, rows)

    def delete_units(self, rows: Mapping[str, str]) -> list[RowOutcome]:
        """See `Provider.delete_units`: to the trash."""
        outcomes = self._pool.map(lambda item: units.delete_one(self._repo, *item), rows.items())
        for outcome in outcomes:
            for tree in self._trees.values() if outcome.error is None else ():
                tree.left(outcome.key.rpartition("/")[0])
        return outcomes

    def tidy_units(self, collection_id: str) -> None:
        """See `Provider.tidy_units`."""
        self._tree(collection_id).tidy()

    def list_rows(self, table_id: str, *, etag: str | None = None) -> TableListing | NotModified:
        """See `HasTables.list_rows`."""
        return self._rows.read(table_id, etag)

    def write_rows(self, table_id: str, rows: Sequence[TableRow]) -> list[RowOutcome]:
        """See `HasTables.write_rows`."""
        return self._rows.write(table_id, rows)

    def delete_rows(self, table_id: str, rows: Mapping[str, str]) -> list[RowOutcome]:
        """See `HasTables.delete_rows`."""
        return self._rows.delete(table_id, rows)

    def list_tasks(self, project_id: str, *, etag: str | None = None) -> TaskListing | NotModified:  # noqa: ARG002
        """See `Provider.list_tasks`; there are none."""
        raise _no_tasks()

    def create_tasks(self, project_id: str, unit_ids: Sequence[str]) -> dict[str, str]:  # noqa: ARG002
        """See `Provider.create_tasks`; there are none."""
        raise _no_tasks()

    def annotate(self, task_id: str, payload: JSON, *, submit: bool) -> None:  # noqa: ARG002
        """See `Provider.annotate`; there are no tasks."""
        raise _no_tasks()

    def delete_tasks(self, tasks: Mapping[str, str]) -> list[RowOutcome]:  # noqa: ARG002
        """See `Provider.delete_tasks`; there are none."""
        raise _no_tasks()

    def records(
        self,
        target: str,
        scope: Mapping[str, str],
        filters: Mapping[str, JSON],  # noqa: ARG002
        *,
        etag: str | None = None,
    ) -> RecordListing | NotModified:
        """See `Provider.records`: of files below a collection, or of the rows of a query."""
        if target == "query":
            return query_records.records(self._clients, scope["query"], etag, row_ids="rowIds" in scope)
        return exports.below(self._clients, self._pool, scope["collection"], etag)

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """See `Provider.fetch`."""
        if file.spec == query_records.SPEC:
            return query_records.fetch(self._clients, file)
        return exports.fetch(self._clients.file, file)

    def close(self) -> None:
        """See `Provider.close`."""
        self._pool.close()
        self._parts.close()
        self._clients.close()

    def _tree(self, collection_id: str) -> Tree:
        if collection_id not in self._trees:
            self._trees[collection_id] = Tree(self._repo, self._pool, collection_id)
        return self._trees[collection_id]

    def _files(self, collection_id: str, content: Content | None, progress: Callable[[int], None]) -> units.Files:
        return units.Files(self._repo, self._uploads, self._tree(collection_id), content, progress)


def _no_tasks() -> Invalid:
    return Invalid("this backend has no tasks")
