"""What is declared of an object, in the terms of its backend: names of people become theirs, and so on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.errors import Invalid
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.observed import Found
from reconciler.model.resource import RemoteObject, Resource
from reconciler.providers.base import Desired, Provider


def desired_object(
    declared: Resource | None, address: Address, fields: Mapping[str, JSON], *, adopt: bool = False
) -> Desired:
    """What a provider gets of a declared object, with the files and secrets that its document names.

    fields: with remote ids in place of references.
    """
    if isinstance(declared, RemoteObject):
        return Desired(address, fields, adopt, declared.files, declared.secrets)
    return Desired(address, fields, adopt)


def settled(
    provider: Provider, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None = None
) -> Desired:
    """The same in the backend's own terms; see `Provider.settle`."""
    return replace(desired, fields=provider.settle(desired, observed, before).fields)


def settled_before(
    provider: Provider, desired: Desired, before: Mapping[str, JSON], observed: Found | None
) -> Mapping[str, JSON]:
    """What was applied last in the backend's own terms; nothing when the backend knows it no more (somebody left)."""
    try:
        return provider.settle(Desired(desired.address, before), observed).fields
    except Invalid:
        return {}
