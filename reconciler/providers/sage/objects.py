"""Which module speaks of which kind of object.

A kind that is added has a module with these names and a line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, cast

from reconciler.errors import Invalid
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.sage import (
    access_policies,
    collections,
    entity_views,
    evaluations,
    links,
    schema_bindings,
    storage_settings,
    tables,
    teams,
    wiki_pages,
)
from reconciler.providers.sage.calls import Calls


class ObjectKind(Protocol):
    """What a module of a kind has; the functions are those of `Provider`, for one kind.

    REPLACES: fields that cannot change in place, though the object can be made anew. NATURAL: see `Capabilities`.
    """

    KIND: str
    FIXED: tuple[Fixed, ...]
    REMARKS: tuple[Remark, ...]
    REPLACES: frozenset[str]
    NATURAL: bool

    def read(self, calls: Calls, address: Address, remote_id: str) -> Found | Absent: ...
    def find(self, calls: Calls, desired: Desired) -> tuple[Found, ...]: ...
    def settle(
        self, calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None
    ) -> Settled: ...
    def create(self, calls: Calls, desired: Desired) -> Found: ...
    def update(self, calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found: ...
    def delete(self, calls: Calls, address: Address, remote_id: str) -> None: ...
    def discover(self, calls: Calls) -> Iterator[Found]: ...
    def dependents(self, calls: Calls, remote_id: str) -> Dependents: ...


_MODULES = (
    collections,
    access_policies,
    entity_views,
    evaluations,
    links,
    schema_bindings,
    storage_settings,
    tables,
    teams,
    wiki_pages,
)

KINDS: Mapping[str, ObjectKind] = {module.KIND: cast(ObjectKind, module) for module in _MODULES}


def kind(name: str) -> ObjectKind:
    """The module of a kind. Raises Invalid when the service has no such objects."""
    if name not in KINDS:
        raise Invalid(f"this backend has no objects of kind {name}")
    return KINDS[name]
