"""Which module speaks of which kind of object.

A kind that is added has a module with these functions and a line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, cast

from reconciler.errors import Invalid
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed
from reconciler.providers.base import Dependents, Desired
from reconciler.providers.http import HttpClient
from reconciler.providers.sage import collections


class ObjectKind(Protocol):
    """What a module of a kind has; the functions are those of `Provider`, for one kind."""

    KIND: str
    FIXED: tuple[Fixed, ...]

    def read(self, client: HttpClient, address: Address, remote_id: str) -> Found | Absent: ...
    def find(self, client: HttpClient, desired: Desired) -> tuple[Found, ...]: ...
    def create(self, client: HttpClient, desired: Desired) -> Found: ...
    def update(
        self, client: HttpClient, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]
    ) -> Found: ...
    def delete(self, client: HttpClient, address: Address, remote_id: str) -> None: ...
    def discover(self, client: HttpClient) -> Iterator[Found]: ...
    def dependents(self, client: HttpClient, remote_id: str) -> Dependents: ...


KINDS: Mapping[str, ObjectKind] = {module.KIND: cast(ObjectKind, module) for module in (collections,)}


def kind(name: str) -> ObjectKind:
    """The module of a kind. Raises Invalid when the service has no such objects."""
    if name not in KINDS:
        raise Invalid(f"this backend has no objects of kind {name}")
    return KINDS[name]
