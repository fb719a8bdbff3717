"""Backends behind a network that drops, delays, repeats and truncates, by a seed, with time that costs nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

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
from reconciler.providers.sage.connection import clients_for, in_process_access
from reconciler.providers.sage.provider import SageProvider
from reconciler.testing.faults import Fault, FaultTransport

FAULTS = [fault for fault in Fault if fault is not Fault.NONE]


class Expiry(StrEnum):
    """What loses its validity in the middle of a run. Closed set."""

    NOTHING = "nothing expires"
    TOKEN = "expired token"
    UPLOAD = "expired upload address"


class _Expiring(httpx.BaseTransport):
    """From the n-th request with a token on, refuses the token for good; or refuses the n-th upload once."""

    def __init__(self, inner: httpx.BaseTransport, expiry: Expiry, at: int, met: Counter[str]) -> None:
        self._inner, self._expiry, self._left, self._met = inner, expiry, at, met

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_upload = request.method == "PUT" and "signature=" in str(request.url).lower()
        if self._expiry is Expiry.NOTHING or is_upload != (self._expiry is Expiry.UPLOAD):
            return self._inner.handle_request(request)
        self._left -= 1
        if self._left > 0 or (is_upload and self._left):
            return self._inner.handle_request(request)
        self._met[self._expiry] += 1
        if is_upload:
            return httpx.Response(403, text="<Error><Code>AccessDenied</Code><Message>Expired</Message></Error>")
        error = {"code": "AUTHENTICATION_REQUIRED", "message": "The token expired."}
        return httpx.Response(401, json={"error": error, "reason": "The token expired."})


@dataclass
class Storm:
    """Opens backends whose requests fail with this chance, besides what expires. met: how often what did.

    around: makes another transport out of that of the application, before anything goes wrong. faults: that may happen.
    """

    seed: int
    share: float = 0.1
    expiry: Expiry = Expiry.NOTHING
    attempts: int = 4
    around: Callable[[httpx.BaseTransport, str], httpx.BaseTransport] = lambda inner, _: inner
    faults: Sequence[Fault] = tuple(FAULTS)
    met: Counter[str] = field(default_factory=Counter)
    _now: float = field(default=0.0)

    def open(self, settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:
        """Open the embedded backend behind the storm."""
        del parallelism
        chance = random.Random(self.seed)
        store = open_store(root / str(settings.settings.get("path", ".reconciler/backend")), first_id=1000)
        token = store.local_token()
        inner = self.around(InProcessTransport(create_app(store)), token)
        faulty = FaultTransport(inner, self._faults(chance))
        provider = _provider(
            str(settings.settings.get("dialect", "datamaker")),
            token,
            transport=_Expiring(faulty, self.expiry, chance.randrange(2, 20), self.met),
            retry=Retry(attempts=self.attempts),
            clock=Clock(lambda: self._now, self._sleep, chance.random),
        )

        def close() -> None:
            provider.close()
            store.close()

        return provider, close

    def _faults(self, chance: random.Random) -> Iterator[Fault]:
        while True:
            fault = chance.choice(self.faults) if chance.random() < self.share else Fault.NONE
            if fault is not Fault.NONE:
                self.met[fault] += 1
            yield fault

    def _sleep(self, seconds: float) -> None:
        self._now += seconds


def _provider(dialect: str, token: str, **options: Any) -> Provider:
    """A provider whose clients have these options. One thread, so that a seed is one run."""
    if dialect == "sage":
        return SageProvider(clients_for(in_process_access("http://embedded", token), "fix", **options), parallelism=1)
    client = HttpClient(service_for(Credentials("http://embedded", token), "fix"), **options)
    return DatamakerProvider(client, parallelism=1)
