import gzip
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import httpx

from reconciler.providers.direct import DirectLane
from reconciler.providers.lanes import HttpxLane, Lane, Lanes, lane
from tests.support.answering import answering

make = partial(lane, httpx.create_ssl_context, httpx.Timeout(10))


def test_each_thread_keeps_a_lane_of_its_own():
    lanes, together = Lanes(make), Barrier(3)

    def twice(_: int) -> tuple[Lane, Lane]:
        together.wait(10)
        return lanes.lane(), lanes.lane()

    with ThreadPoolExecutor(3) as pool:
        pairs = list(pool.map(twice, range(3)))
    lanes.close()
    assert all(first is second for first, second in pairs)
    assert len({id(first) for first, _ in pairs}) == 3


def test_close_closes_every_lane():
    client = httpx.Client()
    lanes = Lanes(lambda: HttpxLane(client))
    lanes.lane()
    lanes.close()
    assert client.is_closed


def test_lane_is_direct_unless_the_environment_names_a_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    assert isinstance(make(), DirectLane)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    assert isinstance(make(), HttpxLane)


def test_upload_goes_through_the_proxy_that_the_environment_names(monkeypatch):
    with answering([b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        proxied = make()
        answer = proxied.put("http://store.example/key", {"content-length": "3"}, b"abc")
        proxied.close()
    assert answer.status == 200
    assert proxy.heads[0].startswith(b"PUT http://store.example/key HTTP/1.1")


def test_compressed_answer_is_read_once():
    packed = httpx.Response(403, headers={"content-encoding": "gzip"}, content=gzip.compress(b"<Code>x"))
    client = httpx.Client(transport=httpx.MockTransport(lambda _: packed))
    answer = HttpxLane(client).put("http://x/", {}, b"")
    assert httpx.Response(answer.status, headers=answer.headers, content=answer.body).content == answer.body
