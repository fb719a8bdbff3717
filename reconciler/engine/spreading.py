"""Creates units on the workers of a cluster: bytes go from there to the backend, outcomes come back to be recorded.

A worker opens the backend anew, with the credentials that this process has. They travel with the task, over the
connections of the cluster, and are kept nowhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from reconciler.engine.session import Session
from reconciler.execution.base import Executor
from reconciler.model.resource import AssetSet
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Content, Provider, RowOutcome, UnitDraft
from reconciler.providers.registry import open_provider, with_credentials

# Creates units as `Provider.create_units` does: collection, drafts, content, progress.
CreateUnits = Callable[[str, Sequence[UnitDraft], Content, Callable[[int], None]], list[RowOutcome]]


def unit_creator(session: Session, provider: Provider, asset_set: AssetSet | None) -> CreateUnits:
    """What creates units of a set: the provider itself, or workers of the cluster in its place.

    asset_set: with places in all its sources; None when none of its files can be sent. A backend that is mounted in
    this process is nowhere else, so it is always written from here.

    Raises Denied when no credentials are found that could be given to workers.
    """
    if asset_set is None:
        return provider.create_units
    settings = session.configuration.workspace.backends[asset_set.head.backend]
    if not session.executor.is_remote or settings.type == "embedded" or session.open_backend is not None:
        return partial(provider.create_units, notes=session.transfers)
    # A unit that was made just before its worker was lost is found again by its content. Where units are known by
    # their place alone, nobody could tell it from a stranger's: then the journal keeps it for the next run.
    is_repeatable = provider.capabilities.unique_content
    return _Spread(session.executor, with_credentials(settings), asset_set, session.parallelism, is_repeatable).create


@dataclass(frozen=True, slots=True)
class _Spread:
    """Hands batches to the executor. parallelism: transfers at once, of one task."""

    executor: Executor
    backend: BackendSettings
    asset_set: AssetSet
    parallelism: int
    is_repeatable: bool

    def create(
        self, collection_id: str, drafts: Sequence[UnitDraft], content: Content, progress: Callable[[int], None]
    ) -> list[RowOutcome]:
        """Called from the threads of a `RowRunner`; waits for the worker."""
        del content  # the worker opens the sources itself
        work = Creation(self.backend, collection_id, self.asset_set, self.parallelism)
        created = self.executor.submit(work, tuple(drafts), repeatable=self.is_repeatable).result()
        progress(created.sent_bytes)
        return list(created.outcomes)


@dataclass(frozen=True, slots=True)
class Created:
    """What a worker gives back; outcomes in the order of the drafts."""

    outcomes: tuple[RowOutcome, ...]
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class Creation:
    """The task: everything a worker needs to create units of one set. backend: with credentials, in no repr."""

    backend: BackendSettings
    collection_id: str
    asset_set: AssetSet
    parallelism: int

    def __call__(self, drafts: Sequence[UnitDraft]) -> Created:
        from reconciler.sources import SourceContent, check_sources_visible

        check_sources_visible(self.asset_set)
        sent = _Sum()
        with closing(open_provider(self.backend, parallelism=self.parallelism)) as provider:
            content = SourceContent(self.asset_set)
            outcomes = provider.create_units(self.collection_id, drafts, content, sent.add)
        return Created(tuple(outcomes), sent.total)


@dataclass(slots=True)
class _Sum:
    """Counts from several threads."""

    total: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int) -> None:
        with self._lock:
            self.total += count
