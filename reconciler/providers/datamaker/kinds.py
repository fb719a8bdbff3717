"""Which kinds of objects the service has, and how each is spoken of. A new kind is entered here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from reconciler.model.change import FieldChange
from reconciler.model.kinds import OBJECT_KINDS
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Desired
from reconciler.providers.datamaker import collections, objects, projects, truth
from reconciler.providers.datamaker.described import described
from reconciler.providers.datamaker.grants import Grants
from reconciler.providers.http import HttpClient


class Verbs(Protocol):
    """What can be done with the objects of one kind; see the verbs of `Provider`."""

    @property
    def fixed(self) -> tuple[Fixed, ...]:
        """What the service cannot do to them."""

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What a plan points out."""

    @property
    def natural(self) -> bool:
        """See `Capabilities.natural`."""

    def read(self, client: HttpClient, remote_id: str, wanted: frozenset[str] | None) -> Found | Absent:
        """See `Provider.read`."""

    def find(self, client: HttpClient, desired: Desired) -> tuple[Found, ...]:
        """See `Provider.find`."""

    def create(self, client: HttpClient, desired: Desired) -> Found:
        """See `Provider.create`."""

    def update(self, client: HttpClient, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
        """See `Provider.update`."""

    def rehearse(
        self, client: HttpClient, desired: Desired, remote_id: str | None, changes: tuple[FieldChange, ...]
    ) -> None:
        """See `Provider.rehearse`."""

    def delete(self, client: HttpClient, remote_id: str) -> None:
        """See `Provider.delete`."""

    def discover(self, client: HttpClient) -> Iterator[Found]:
        """See `Provider.discover`."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects that have an address of their own, `PATH/{id}/`."""

    kind: objects.RestKind

    @property
    def fixed(self) -> tuple[Fixed, ...]:
        """See `Verbs`."""
        return self.kind.fixed

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """See `Verbs`."""
        return self.kind.remarks

    @property
    def natural(self) -> bool:
        """See `Verbs`: they carry our marker."""
        return False

    def read(self, client: HttpClient, remote_id: str, wanted: frozenset[str] | None) -> Found | Absent:
        """See `Provider.read`."""
        return objects.read(client, self.kind, remote_id, wanted=wanted)

    def find(self, client: HttpClient, desired: Desired) -> tuple[Found, ...]:
        """See `Provider.find`."""
        return objects.find(client, self.kind, desired)

    def create(self, client: HttpClient, desired: Desired) -> Found:
        """See `Provider.create`."""
        return objects.create(client, self.kind, desired)

    def update(self, client: HttpClient, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
        """See `Provider.update`."""
        return objects.update(client, self.kind, desired, observed, changes)

    def rehearse(
        self, client: HttpClient, desired: Desired, remote_id: str | None, changes: tuple[FieldChange, ...]
    ) -> None:
        """See `Provider.rehearse`."""
        objects.rehearse(client, self.kind, desired, remote_id, changes)

    def delete(self, client: HttpClient, remote_id: str) -> None:
        """See `Provider.delete`."""
        objects.delete(client, self.kind, remote_id)

    def discover(self, client: HttpClient) -> Iterator[Found]:
        """See `Provider.discover`."""
        return objects.discover(client, self.kind)


def _of(module: ModuleType) -> objects.RestKind:
    """The kind that a module maps."""
    return objects.RestKind(
        module.PATH,
        module.NAME,
        module.from_wire,
        module.to_wire,
        module.KEYED,
        module.rows,
        module.PARTS,
        module.FIXED,
        module.REMARKS,
    )


KINDS: Mapping[str, Verbs] = {
    **{module.KIND: Objects(_of(module)) for module in (collections, projects, truth)},
    "Group": Objects(described("/v2/groups/")),
    "ValidationScript": Objects(
        described(
            "/v2/validation-scripts/",
            {"code": "code", "active": "is_active", "timeout": "timeout"},
            OBJECT_KINDS["ValidationScript"].texts,
        )
    ),
    "AccessGrant": Grants(),
}
