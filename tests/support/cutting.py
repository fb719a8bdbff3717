"""A backend whose n-th request is cut: the process "dies" just before the server acts, or just after."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.errors import ExitCode
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Provider
from reconciler.providers.registry import open_provider
from tests.support.workspace import Bench

B = TypeVar("B", bound=Bench)


class Cut(BaseException):
    """The process is gone; nothing of ours may catch this."""


@dataclass
class Cutter:
    """Opens backends that are cut. at: number of the request, from 0; None never cuts, and only counts.

    is_counted: which requests have a number; others always pass. None: all have one.
    """

    at: int | None = None
    after: bool = False
    is_counted: Callable[[dict[str, Any]], bool] | None = None
    requests: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:
        """Open the embedded backend behind the cut."""
        store = open_store(root / str(settings.settings.get("path", ".reconciler/backend")), first_id=1000)
        app = self.around(create_app(store))
        provider = open_provider(settings, wsgi=(app, store.local_token()), parallelism=parallelism)

        def close() -> None:
            provider.close()
            store.close()

        return provider, close

    def around(self, app: Any) -> Any:
        """The application behind the cut."""

        def cut_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if self.is_counted is not None and not self.is_counted(environ):
                return app(environ, start_response)
            number = self._next()
            if self.at is None or number < self.at:
                return app(environ, start_response)
            if self.after and number == self.at:
                list(app(environ, start_response))
            raise Cut  # later requests too: a dead process makes none

        return cut_app

    def _next(self) -> int:
        with self._lock:
            self.requests += 1
            return self.requests - 1


Cutting = Callable[[Bench, int | None, bool], Cutter]
"""Puts a backend in front of a workspace that is cut at a request, and gives what counts them."""


def cut_backend(bench: Bench, at: int | None, after: bool) -> Cutter:
    """Cut every kind of request of the embedded backend."""
    cutter = Cutter(at, after)
    bench.open_backend = cutter.open
    return cutter


def copied(bench: B, root: Path) -> B:
    """The workspace with its state and backend, at another place."""
    shutil.copytree(bench.root, root)
    return type(bench)(root, bench.documents)


def applied(bench: Bench, cutting: Cutting = cut_backend) -> int:
    """Requests that an apply takes."""
    counter = cutting(bench, None, False)
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report
    return counter.requests


def assert_cuts_converge(
    bench: B, folder: Path, content: Callable[[B], object], after: bool, cutting: Cutting = cut_backend
) -> None:
    """Cut an apply at each of its requests; the next one must end like one that was not cut, with an empty plan."""
    calm = copied(bench, folder / "calm")
    requests = applied(calm, cutting)
    expected = content(calm)
    assert calm.plan().is_empty
    for number in range(requests):
        again = copied(bench, folder / str(number))
        cutting(again, number, after)
        with pytest.raises(Cut):
            again.apply()
        applied(again, cutting)
        assert content(again) == expected, number
        assert again.plan().is_empty
        shutil.rmtree(again.root)
