from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx

from reconciler.providers.lanes import Lanes


def test_each_thread_keeps_a_client_of_its_own():
    lanes, together = Lanes(httpx.Client), Barrier(3)

    def twice(_: int) -> tuple[httpx.Client, httpx.Client]:
        together.wait(10)
        return lanes.client(), lanes.client()

    with ThreadPoolExecutor(3) as pool:
        pairs = list(pool.map(twice, range(3)))
    lanes.close()
    assert all(first is second for first, second in pairs)
    assert len({id(first) for first, _ in pairs}) == 3


def test_close_closes_every_client():
    lanes = Lanes(httpx.Client)
    client = lanes.client()
    lanes.close()
    assert client.is_closed
