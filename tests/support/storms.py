"""Backends behind a network that drops, delays, repeats and truncates, by a seed, with time that costs nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Provider
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.provider import DatamakerProvider
from reconciler.providers.http import HttpClient
from reconciler.providers.in_process import InProcessTransport
from reconciler.providers.retry import Clock, Retry
from reconciler.testing.faults import Fault, FaultTransport

FAULTS = [fault for fault in Fault if fault is not Fault.NONE]


class _Expiring(httpx.BaseTransport):
    """Refuses one request, the n-th: an upload with an expired address, anything else with an expired token."""

    def __init__(self, inner: httpx.BaseTransport, at: int) -> None:
        self._inner, self._left = inner, at

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left:
            return self._inner.handle_request(request)
        if request.method == "PUT" and "?" in str(request.url):
            return httpx.Response(403, text="<Error><Code>AccessDenied</Code><Message>Expired</Message></Error>")
        return httpx.Response(401, json={"error": {"code": "AUTHENTICATION_REQUIRED", "message": "The token expired."}})


@dataclass
class Storm:
    """Opens backends whose requests fail with this chance. met: how many did.

    Every third seed has a token or an upload address expire once, too.
    """

    seed: int
    share: float = 0.1
    attempts: int = 4
    met: int = 0
    _now: float = field(default=0.0)

    def open(self, settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:
        """Open the embedded backend behind the storm. One thread, so that a seed is one run."""
        del parallelism
        chance = random.Random(self.seed)
        store = open_store(root / str(settings.settings.get("path", ".reconciler/backend")), first_id=1000)
        transport = FaultTransport(InProcessTransport(create_app(store)), self._faults(chance))
        expiring = _Expiring(transport, chance.randrange(20, 400) if self.seed % 3 == 0 else 0)
        client = HttpClient(
            service_for(Credentials("http://embedded", store.local_token()), "fix"),
            transport=expiring,
            retry=Retry(attempts=self.attempts),
            clock=Clock(lambda: self._now, self._sleep, chance.random),
        )
        provider = DatamakerProvider(client, parallelism=1)

        def close() -> None:
            provider.close()
            store.close()

        return provider, close

    def _faults(self, chance: random.Random) -> Iterator[Fault]:
        while True:
            fault = chance.choice(FAULTS) if chance.random() < self.share else Fault.NONE
            self.met += fault is not Fault.NONE
            yield fault

    def _sleep(self, seconds: float) -> None:
        self._now += seconds
