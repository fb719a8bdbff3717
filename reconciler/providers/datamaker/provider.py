"""The Datamaker provider: the `Provider` interface over the service's two dialects. Delegates; holds no logic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from reconciler.errors import Invalid
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found, ObservedUnit, RemoteFile
from reconciler.providers.base import (
    Capabilities,
    Content,
    Dependents,
    Desired,
    NotModified,
    RecordListing,
    RowOutcome,
    Settled,
    StoragePlace,
    TaskListing,
    TransferNotes,
    UnitDraft,
    UnitEdit,
    UnitListing,
    ignore_bytes,
)
from reconciler.providers.datamaker import dependents as dependent_calls
from reconciler.providers.datamaker import records as record_calls
from reconciler.providers.datamaker import storages, unit_creation
from reconciler.providers.datamaker import tasks as task_calls
from reconciler.providers.datamaker import units as unit_calls
from reconciler.providers.datamaker.envelope import object_in
from reconciler.providers.datamaker.kinds import KINDS, Verbs
from reconciler.providers.http import HttpClient
from reconciler.providers.pool import Pool

CAPABILITIES = Capabilities(
    kinds=frozenset({"AssetSet", "TaskSet", "Export", *KINDS}),
    checksum="sha1",
    platform="datamaker",
    replaces={"AssetSet": frozenset({"collection"}), "TaskSet": frozenset({"project"})},
    fixed={name: verbs.fixed for name, verbs in KINDS.items() if verbs.fixed},
    remarks={name: verbs.remarks for name, verbs in KINDS.items() if verbs.remarks},
    natural=frozenset(name for name, verbs in KINDS.items() if verbs.natural),
    unique_content=True,
)


class DatamakerProvider:
    """Speaks to one Datamaker service.

    client: knows where it is and how to get in; closed with the provider. parallelism: transfers and single-unit calls
    at once. annotation_schema: what submitted annotations are checked against, `dm_schema_v1` or `any`.
    versioned_listings: the service is known to send ETags with listings.
    """

    name = "datamaker"

    def __init__(
        self,
        client: HttpClient,
        *,
        parallelism: int = 10,
        annotation_schema: str = "dm_schema_v1",
        versioned_listings: bool = False,
    ) -> None:
        self.capabilities = replace(CAPABILITIES, versioned_listings=versioned_listings)
        self._client = client
        self._pool = Pool(parallelism)
        self._annotation_schema = annotation_schema

    def check(self) -> str:
        """`GET /v2/users/me/`."""
        who = object_in(self._client.get("/v2/users/me/"), "GET /v2/users/me/")
        return f"{who.get('name') or who.get('email') or who.get('id')} at {self._client.service.base_url}"

    def read(self, address: Address, remote_id: str, *, wanted: frozenset[str] | None = None) -> Found | Absent:
        """See `Provider.read`."""
        return _verbs(address.kind).read(self._client, remote_id, wanted)

    def find(self, desired: Desired) -> tuple[Found, ...]:
        """See `Provider.find`."""
        return _verbs(desired.address.kind).find(self._client, desired)

    def settle(self, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None = None) -> Settled:  # noqa: ARG002
        """See `Provider.settle`; fields are told as they are declared."""
        return Settled(desired.fields)

    def create(self, desired: Desired) -> Found:
        """See `Provider.create`."""
        return _verbs(desired.address.kind).create(self._client, desired)

    def update(self, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
        """See `Provider.update`."""
        return _verbs(desired.address.kind).update(self._client, desired, observed, changes)

    def rehearse(self, desired: Desired, remote_id: str | None, changes: tuple[FieldChange, ...]) -> None:
        """See `Provider.rehearse`."""
        _verbs(desired.address.kind).rehearse(self._client, desired, remote_id, changes)

    def delete(self, address: Address, remote_id: str) -> None:
        """See `Provider.delete`."""
        _verbs(address.kind).delete(self._client, remote_id)

    def dependents(self, address: Address, remote_id: str, rows: Collection[str] | None = None) -> Dependents:
        """See `Provider.dependents`."""
        return dependent_calls.dependents(self._client, address, remote_id, rows)

    def discover(self, kind: str) -> Iterator[Found]:
        """See `Provider.discover`."""
        return _verbs(kind).discover(self._client)

    def list_units(self, collection_id: str, *, etag: str | None = None) -> UnitListing | NotModified:
        """See `Provider.list_units`."""
        return unit_calls.list_units(self._client, collection_id, etag)

    def create_units(
        self,
        collection_id: str,
        units: Sequence[UnitDraft],
        content: Content,
        progress: Callable[[int], None],
        notes: TransferNotes | None = None,
    ) -> list[RowOutcome]:
        """See `Provider.create_units`."""
        return unit_creation.create_units(self._client, self._pool, collection_id, units, content, progress, notes)

    def read_units(self, units: Sequence[ObservedUnit]) -> list[ObservedUnit]:
        """See `Provider.read_units`; listings are complete here."""
        return list(units)

    def update_units(
        self,
        collection_id: str,
        units: Sequence[UnitEdit],
        content: Content | None = None,  # noqa: ARG002
        progress: Callable[[int], None] = ignore_bytes,  # noqa: ARG002
    ) -> list[RowOutcome]:
        """See `Provider.update_units`; content cannot change in place here."""
        return unit_calls.update_units(self._client, self._pool, collection_id, units)

    def tidy_units(self, collection_id: str) -> None:
        """See `Provider.tidy_units`; there are no folders here."""

    def delete_units(self, units: Mapping[str, str]) -> list[RowOutcome]:
        """See `Provider.delete_units`."""
        return unit_calls.delete_units(self._client, self._pool, units)

    def list_tasks(self, project_id: str, *, etag: str | None = None) -> TaskListing | NotModified:
        """See `Provider.list_tasks`."""
        return task_calls.list_tasks(self._client, project_id, etag)

    def create_tasks(self, project_id: str, unit_ids: Sequence[str]) -> dict[str, str]:
        """See `Provider.create_tasks`."""
        return task_calls.create_tasks(self._client, project_id, unit_ids)

    def annotate(self, task_id: str, payload: JSON, *, submit: bool) -> None:
        """See `Provider.annotate`."""
        task_calls.annotate(self._client, task_id, payload, submit=submit, schema=self._annotation_schema)

    def delete_tasks(self, tasks: Mapping[str, str]) -> list[RowOutcome]:
        """See `Provider.delete_tasks`."""
        return unit_calls.delete_rows(self._client, self._pool, task_calls.PATH, tasks)

    def records(
        self, target: str, scope: Mapping[str, str], filters: Mapping[str, JSON], *, etag: str | None = None
    ) -> RecordListing | NotModified:
        """See `Provider.records`."""
        return record_calls.records(self._client, target, scope, filters, etag)

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """See `Provider.fetch`."""
        return self._client.download(file.url)

    def local_file(self, file: RemoteFile) -> Path | None:
        """See `HasLocalFiles.local_file`."""
        return self._client.local_file(file.url)

    def storage(self, storage_id: str, purpose: Literal["read", "write"] = "write") -> StoragePlace:
        """See `HasStorages.storage`."""
        return storages.storage_place(self._client, storage_id, purpose)

    def close(self) -> None:
        """See `Provider.close`."""
        self._pool.close()
        self._client.close()


def _verbs(kind: str) -> Verbs:
    if kind not in KINDS:
        raise Invalid(f"this backend has no objects of kind {kind}")
    return KINDS[kind]
