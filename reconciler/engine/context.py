"""What planning works with: the declared and owned resources, and what was decided so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.engine.session import Session
from reconciler.errors import Problem
from reconciler.model.address import Address
from reconciler.model.resource import External, Reference, Resource
from reconciler.plan.cost import estimate_calls
from reconciler.plan.guard import Budget, DeleteLimit
from reconciler.plan.values import Action, Change
from reconciler.providers.base import Provider
from reconciler.state.planfile import PlanWriter
from reconciler.state.populations import Population
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource


class Refresh(StrEnum):
    """How much is read from the backend: everything, only what the configuration changed, or nothing."""

    FULL = "full"
    CHANGED = "changed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How to plan.

    targets: resources or units to limit the plan to, with what they need; empty means all. server_dry_run: have the
    backend check what will be written to single objects. take_over: what is at our places is ours, where the place is
    what identifies things; for an import. budget: what the run may cost; beyond the workspace's where it says so.
    """

    destroy: bool = False
    targets: tuple[Address, ...] = ()
    refresh: Refresh = Refresh.FULL
    delete_limit: DeleteLimit = field(default_factory=DeleteLimit)
    server_dry_run: bool = False
    take_over: bool = False
    budget: Budget = field(default_factory=Budget)

    def keys_of(self, address: Address) -> frozenset[str] | None:
        """The rows of a resource that were chosen, None for all of them."""
        if address in self.targets:
            return None
        keys = frozenset(t.key for t in self.targets if t.resource == address and t.key is not None)
        return keys or None


@dataclass(slots=True)
class Planning:
    """A plan in the making.

    refused: what policies forbid; the plan is shown with it, and not applied. adopted: row set → remote id → key, of
    rows that this plan takes into the state.
    """

    session: Session
    store: StateStore
    options: PlanOptions
    writer: PlanWriter
    declared: Mapping[Address, Resource]
    owned: Mapping[Address, OwnedResource]
    changes: dict[Address, Change] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    populations: dict[Address, Population] = field(default_factory=dict)
    adopted: dict[Address, dict[str, str]] = field(default_factory=dict)

    def remote_id(self, address: Address) -> str | None:
        """The id an address has now, None while it has none or is about to get another."""
        if address.key is not None:
            return next((row.remote_id for row in self.store.rows(address.resource, [address.key])), None)
        change = self.changes.get(address)
        if change is None:
            owned = self.owned.get(address)
            return owned.remote_id if owned else None
        return None if change.action in (Action.CREATE, Action.REPLACE, Action.DELETE) else change.remote_id

    def resolve(self, reference: Reference | None) -> str | None:
        """The remote id behind a reference, None when it is not known yet."""
        match reference:
            case None:
                return None
            case External(id=remote_id):
                return remote_id
            case _:
                return self.remote_id(reference.address)

    def was_cut(self, address: Address) -> bool:
        """Whether an apply was cut at it: how far that came, the state does not know."""
        return any(intent.address == address for intent in self.store.intents())

    def add(self, change: Change) -> None:
        """Put a decision into the plan, with the requests it will take."""
        if change.action not in (Action.NO_OP, Action.FORGET):
            costs = self.session.provider(change.backend).capabilities.costs
            change = replace(change, calls=estimate_calls(change, costs))
        self.changes[change.address] = change
        self.writer.add_change(change)

    def takes_over(self, provider: Provider) -> bool:
        """Whether what is at our places counts as ours."""
        return self.options.take_over and provider.capabilities.by_place

    def is_settled(self, address: Address) -> bool:
        """True when this plan leaves the resource as it is."""
        change = self.changes.get(address)
        return change is None or (change.action is Action.NO_OP and not change.deferred)
