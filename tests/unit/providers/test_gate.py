"""The gate of a client: halved by 429 and 503, once per round; grown slowly by successes."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest

from reconciler.errors import Invalid, Throttled, Transient
from reconciler.providers.gate import Gate


def raising(error):
    def call():
        raise error

    return call


def refuse(gate, error):
    with pytest.raises(type(error)):
        gate.run(raising(error))


@pytest.mark.parametrize(
    ("error", "limit", "reason"),
    [
        (Throttled("slow"), 4, "429"),
        (Transient("busy", status=503), 4, "503 without Retry-After"),
        (Transient("broken", status=500), 8, "500 says nothing of load"),
        (Invalid("wrong", status=400), 8, "the caller's mistake"),
    ],
)
def test_only_a_request_to_slow_down_halves_the_limit(error, limit, reason):
    gate = Gate(8)
    refuse(gate, error)
    assert gate.limit == limit, reason


def test_limit_never_falls_below_one():
    gate = Gate(8)
    for _ in range(20):
        refuse(gate, Throttled("slow"))
    assert gate.limit == 1
    assert gate.run(lambda: "served") == "served"


def test_a_round_of_successes_raises_the_limit_by_one_up_to_the_most():
    gate = Gate(8)
    refuse(gate, Throttled("slow"))
    for _ in range(5):
        gate.run(lambda: None)
    assert gate.limit == 5
    for _ in range(100):
        gate.run(lambda: None)
    assert gate.limit == 8


def test_requests_of_one_round_that_are_all_refused_halve_the_limit_once():
    gate, together = Gate(8), Barrier(8, timeout=10)

    def call():
        together.wait()
        raise Throttled("slow")

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(gate.run, call) for _ in range(8)]
    assert all(isinstance(result.exception(), Throttled) for result in results)
    assert gate.limit == 4


def test_no_more_calls_than_the_limit_are_under_way():
    gate, lock, seen = Gate(8), Lock(), []
    refuse(gate, Throttled("slow"))
    refuse(gate, Throttled("slow"))
    active = 0

    def call():
        nonlocal active
        with lock:
            active += 1
            seen.append((active, gate.limit))
        with lock:
            active -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: gate.run(call), range(200)))
    assert len(seen) == 200
    assert all(under_way <= limit for under_way, limit in seen)
