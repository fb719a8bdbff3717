"""A backend whose n-th request is cut: the process "dies" just before the server acts, or just after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Provider
from reconciler.providers.registry import open_provider


class Cut(BaseException):
    """The process is gone; nothing of ours may catch this."""


@dataclass
class Cutter:
    """Opens backends that are cut. at: number of the request, from 0; None never cuts, and only counts."""

    at: int | None = None
    after: bool = False
    requests: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:
        """Open the embedded backend behind the cut."""
        store = open_store(root / str(settings.settings.get("path", ".reconciler/backend")), first_id=1000)
        app = create_app(store)

        def cut_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            number = self._next()
            if self.at is None or number < self.at:
                return app(environ, start_response)
            if self.after and number == self.at:
                list(app(environ, start_response))
            raise Cut  # later requests too: a dead process makes none

        provider = open_provider(settings, wsgi=(cut_app, store.local_token()), parallelism=parallelism)

        def close() -> None:
            provider.close()
            store.close()

        return provider, close

    def _next(self) -> int:
        with self._lock:
            self.requests += 1
            return self.requests - 1
