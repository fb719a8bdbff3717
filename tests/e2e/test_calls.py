"""How many HTTP calls a run makes: as many as pages and batches, whatever the number of units; uploads and edits aside.

Calls are counted at the transport and are the same in every run, so they are asserted; times are measured by
`make bench`.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.errors import ExitCode
from reconciler.providers.datamaker import unit_creation
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.envelope import V1_PAGE
from reconciler.providers.datamaker.provider import DatamakerProvider
from reconciler.providers.http import HttpClient
from reconciler.providers.in_process import InProcessTransport
from reconciler.testing.faults import FaultTransport
from tests.support.workspace import make_bench

UNITS, ROWS = 500, 50
PAGES, BATCHES = UNITS // V1_PAGE, UNITS // ROWS
CONSTANT = 8  # the collection itself: looked for, made, read back


class Counted:
    """Opens embedded backends and tallies their requests by method and route."""

    def __init__(self):
        self.calls = Counter()

    def open(self, settings, root, parallelism):
        del settings
        store = open_store(root / ".reconciler/backend", first_id=1000)
        transport = FaultTransport(InProcessTransport(create_app(store)), ())
        service = service_for(Credentials("http://embedded", store.local_token()), "fix")
        provider = DatamakerProvider(HttpClient(service, transport=transport), parallelism=parallelism)

        def close():
            provider.close()
            store.close()
            self.calls.update(_route(call) for call in transport.calls)

        return provider, close

    def of(self, work):
        """Calls of one run."""
        self.calls.clear()
        work()
        return Counter(self.calls)


def _route(call):
    return re.sub(r"/uploads/.*", "/uploads/{key}", re.sub(r"/[0-9]+(?=/|$)", "/{id}", call))


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def bench(tmp_path, counted):
    made = make_bench(tmp_path, [f"u{number:03}" for number in range(UNITS)], batch_rows=ROWS)
    made.open_backend = counted.open
    return made


def applied(bench):
    assert bench.apply().exit_code is ExitCode.OK


def besides(calls, *routes):
    """Calls that are none of these."""
    return calls.total() - sum(calls[route] for route in routes)


def test_first_apply_makes_three_bulk_calls_a_batch_and_one_upload_a_file(bench, counted):
    calls = counted.of(lambda: applied(bench))
    assert calls["PUT /uploads/{key}"] == 2 * UNITS
    assert calls["POST /v2/data-units/bulk-create/"] == BATCHES
    assert besides(calls, "PUT /uploads/{key}") <= 3 * BATCHES + CONSTANT
    assert ROWS <= unit_creation.BATCH


def test_full_refresh_makes_one_call_a_page(bench, counted):
    applied(bench)
    calls = counted.of(bench.plan)
    assert calls["GET /data_units/"] == PAGES
    assert calls.total() <= PAGES + CONSTANT


def test_plan_over_an_unchanged_listing_asks_once(bench, counted):
    applied(bench)
    bench.plan()
    calls = counted.of(bench.plan)
    assert calls["GET /data_units/"] == 1
    assert calls.total() <= CONSTANT


def test_small_change_costs_calls_by_its_own_size(bench, counted):
    applied(bench)
    for number in range(5):
        (bench.root / f"data/u{number:03}.json").write_text(f'{{"label": "changed {number}"}}')
    bench.plan()
    calls = counted.of(lambda: applied(bench))
    assert calls["PUT /uploads/{key}"] == calls["DELETE /v2/data-units/{id}/"] == 5
    assert besides(calls, "PUT /uploads/{key}", "DELETE /v2/data-units/{id}/") <= 3 + CONSTANT + PAGES
