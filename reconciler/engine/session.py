"""One run over one workspace: configuration, state, caches and providers, opened when first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from reconciler.engine.events import EventSink, ignore_events
from reconciler.engine.pace import unlimited
from reconciler.errors import ConfigError, Problem
from reconciler.execution.base import Executor
from reconciler.model.workspace import BackendSettings, Configuration, Execution
from reconciler.providers.base import Provider
from reconciler.state.fragments import FragmentCache
from reconciler.state.lock import StateLock
from reconciler.state.populations import PopulationCache
from reconciler.state.store import StateStore
from reconciler.state.transfers import TransferCache

# Opens the provider of a backend (its settings, the workspace's root, threads) and gives what closes it.
OpenBackend = Callable[[BackendSettings, Path, int], tuple[Provider, Callable[[], None]]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Session:
    """Everything a command works with. Close it, or use it as a context manager.

    now, new_id: the only clock and the only source of random ids; tests pass their own. parallelism: threads for
    hashing and transfer. batch_rows: rows written in one step. open_backend: another way to open backends, for tests.
    pace: told about bytes that are being sent, from their thread; waits as long as they are too many.
    execution: where heavy work runs, when not where the workspace says. open_executor: another way to open it.
    """

    configuration: Configuration
    events: EventSink = ignore_events
    parallelism: int = 10
    batch_rows: int = 200
    now: Callable[[], datetime] = _utc_now
    new_id: Callable[[], str] = lambda: str(uuid4())
    open_backend: OpenBackend | None = None
    pace: Callable[[int], None] = unlimited
    execution: Execution | None = None
    open_executor: Callable[[], Executor] | None = None
    _executor: Executor | None = None
    _providers: dict[str, Provider] = field(default_factory=dict)
    _stores: list[StateStore] = field(default_factory=list)
    _closers: list[Callable[[], None]] = field(default_factory=list)
    _cache: PopulationCache | None = None
    _transfers: TransferCache | None = None

    @property
    def state_path(self) -> Path:
        """The state file."""
        workspace = self.configuration.workspace
        return workspace.root / workspace.state_url

    @property
    def work_folder(self) -> Path:
        """Folder for caches; can be deleted at the cost of time."""
        return self.configuration.workspace.root / ".reconciler" / "cache"

    def open_state(self, *, read_only: bool = False) -> StateStore:
        """Open the state; closed with the session."""
        store = StateStore(self.state_path, new_lineage=self.new_id, read_only=read_only)
        self._stores.append(store)
        return store

    def lock(self, operation: str, timeout_s: float = 0.0) -> StateLock:
        """The lock that every writer of the state holds."""
        path = self.state_path.with_name(f"{self.state_path.name}.lock")
        return StateLock(path, operation, self.new_id(), timeout_s=timeout_s, now=self.now)

    @property
    def cache(self) -> PopulationCache:
        """The cache of desired rows."""
        if self._cache is None:
            self._cache = PopulationCache(self.work_folder / "populations.db")
        return self._cache

    @property
    def transfers(self) -> TransferCache:
        """What transfers remember between runs."""
        if self._transfers is None:
            self._transfers = TransferCache(self.work_folder / "transfers.db")
        return self._transfers

    @property
    def executor(self) -> Executor:
        """What carries out scanning, hashing and transfer."""
        if self._executor is None:
            self._executor = self.open_executor() if self.open_executor else self._configured_executor()
        return self._executor

    def _configured_executor(self) -> Executor:
        from reconciler.execution.opening import open_executor

        return open_executor(self.execution or self.configuration.workspace.execution, threads=self.parallelism)

    def open_fragments(self) -> FragmentCache:
        """The cache of converted export items; the caller closes it."""
        return FragmentCache(self.work_folder / "exports.db")

    def provider(self, backend: str) -> Provider:
        """The provider of a backend of the workspace."""
        if backend not in self._providers:
            workspace = self.configuration.workspace
            settings = workspace.backends.get(backend)
            if settings is None:
                known = ", ".join(sorted(workspace.backends))
                problem = Problem(f"there is no backend {backend!r}", workspace.location, f"declared: {known}")
                raise ConfigError([problem])
            opener = self.open_backend or open_backend
            provider, close = opener(settings, workspace.root, self.parallelism)
            self._providers[backend] = provider
            self._closers.append(close)
        return self._providers[backend]

    def close(self) -> None:
        """Close everything that was opened."""
        if self._executor:
            self._executor.close()
        for close in self._closers:
            close()
        for store in self._stores:
            store.close()
        if self._cache:
            self._cache.close()
        if self._transfers:
            self._transfers.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_backend(settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:
    """Open a provider, and what closes it with all that lies behind it; the embedded backend is mounted in process."""
    from reconciler.providers.registry import open_provider

    if settings.type != "embedded":
        provider = open_provider(settings, parallelism=parallelism)
        return provider, provider.close
    from reconciler.backend.app import create_app
    from reconciler.backend.seed import read_seed
    from reconciler.backend.store import open_store

    seed = settings.settings.get("seed")
    folder = root / str(settings.settings.get("path", ".reconciler/backend"))
    store = open_store(folder, seed=read_seed(root / str(seed)) if seed else None)
    provider = open_provider(settings, wsgi=(create_app(store), store.local_token()), parallelism=parallelism)

    def close() -> None:
        provider.close()
        store.close()

    return provider, close
