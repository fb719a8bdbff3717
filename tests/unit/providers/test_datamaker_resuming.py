"""Going on with uploads of an earlier run, and what is done when the service no longer has them."""

from __future__ import annotations

import json
from collections import Counter

import httpx
import pytest

from reconciler.backend.app import create_app
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.provider import DatamakerProvider
from reconciler.providers.http import HttpClient
from reconciler.providers.in_process import InProcessTransport
from reconciler.providers.retry import Retry
from reconciler.state.transfers import TransferCache
from reconciler.testing.content import MemoryContent
from reconciler.testing.provider import COLLECTION, draft

MIB = 1024 * 1024


class Place:
    """An embedded backend with parts of 1 MiB, and a transport that counts the bytes of every part and may fail."""

    def __init__(self, folder):
        self.app = create_app(folder / "store", seed={"datamaker": {"multipartThreshold": MIB}})
        self.inner = InProcessTransport(self.app)
        self.notes = TransferCache(folder / "transfers.db")
        self.sent, self.calls, self.fails = Counter(), Counter(), lambda _: False
        self.content = MemoryContent()
        service = service_for(Credentials("http://embedded", self.app.store.local_token()), "fix")
        client = HttpClient(service, transport=self, retry=Retry(attempts=1))
        self.provider = DatamakerProvider(client, parallelism=1)
        self.collection = self.provider.create(COLLECTION).remote_id
        self.sent.clear()

    def handle_request(self, request):
        if self.fails(request):
            raise httpx.ConnectError("refused", request=request)
        self.calls[request.url.path.strip("/").rsplit("/", 1)[-1]] += 1
        if request.method == "PUT":
            self.sent[int(request.url.params["part"])] += int(request.headers["content-length"])
        return self.inner.handle_request(request)

    def close(self):
        self.provider.close()
        self.app.close()
        self.notes.close()

    def create(self, *drafts):
        self.sent.clear()
        self.calls.clear()
        return self.provider.create_units(self.collection, drafts, self.content, lambda _: None, self.notes)


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.close()


def large(place, key="a"):
    return draft(key, place.content.add("image_1", f"{key}.png", key.encode() * (3 * MIB + 5)))


def fails_at_part(number):
    return lambda request: request.url.params.get("part") == str(number)


def cut(place, unit, number=3):
    """A run that ends before a part."""
    place.fails = fails_at_part(number)
    [outcome] = place.create(unit)
    assert outcome.error is not None
    place.fails = lambda _: False


def test_upload_cut_in_its_parts_goes_on_with_the_next_part(place):
    unit = large(place)
    cut(place, unit)
    assert dict(place.sent) == {1: MIB, 2: MIB}
    [outcome] = place.create(unit)
    assert outcome.error is None
    assert dict(place.sent) == {3: MIB, 4: 5}
    assert place.calls["upload-urls"] == 0


def test_upload_whose_first_part_may_have_arrived_goes_on_at_the_same_address(place, tmp_path):
    """A part that nobody noted is sent over itself, so nothing is left behind at the service."""
    unit = large(place)
    cut(place, unit, number=1)
    [outcome] = place.create(unit)
    assert outcome.error is None
    assert place.calls["upload-urls"] == 0
    assert list((tmp_path / "store" / "staging").iterdir()) == []


def test_upload_that_the_service_dropped_begins_again(place, tmp_path):
    unit = large(place)
    cut(place, unit)
    for staged in (tmp_path / "store" / "staging").iterdir():
        staged.unlink()
    [outcome] = place.create(unit)
    assert outcome.error is None
    assert sum(place.sent.values()) == 3 * MIB + 5 + MIB + 5  # parts 3 and 4, and then all of them


def test_upload_whose_addresses_expired_begins_again(place, tmp_path):
    unit = large(place)
    cut(place, unit)
    (hex,) = [file.checksum.hex for file in unit.files]
    scope = f"http://embedded {place.collection}"
    noted = place.notes.recall(scope, [hex])[hex]
    place.notes.note(scope, {hex: {**noted, "expires": 1.0}})
    [outcome] = place.create(unit)
    assert outcome.error is None
    assert sum(place.sent.values()) == 3 * MIB + 5


def test_bytes_that_arrived_for_one_unit_are_not_sent_for_another(place):
    shared = place.content.add("data_1", "same.json", b"{}" * 100)
    first = draft("a", place.content.add("image_1", "a.png", b"a"), shared)
    second = draft("b", place.content.add("image_1", "b.png", b"b"), shared)
    place.create(first)
    [outcome] = place.create(second)
    assert outcome.error is None
    assert dict(place.sent) == {0: 1}


def test_bytes_that_the_service_lost_since_are_sent_after_all(place):
    unit = draft("a", place.content.add("image_1", "a.png", b"picture"))
    hexes = [file.checksum.hex for file in unit.files]
    place.notes.note(f"http://embedded {place.collection}", dict.fromkeys(hexes, True))
    [outcome] = place.create(unit)
    assert (outcome.error, dict(place.sent)) == (None, {0: 7})


def test_service_that_is_gone_is_not_asked_for_every_file(place):
    units = [draft(f"u{n}", place.content.add("image_1", f"{n}.png", b"%d" % n)) for n in range(5)]
    tried = []
    place.fails = lambda request: request.method == "PUT" and not tried.append(request.url)
    outcomes = place.create(*units)
    assert len(tried) == 1
    assert all(outcome.error is not None for outcome in outcomes)


def test_upload_that_arrived_as_other_bytes_fails(place):
    unit = draft("a", place.content.add("image_1", "a.png", b"picture"))
    genuine = place.inner.handle_request

    def damaged(request):
        response = genuine(request)
        if not request.url.path.endswith("/finalize-upload/"):
            return response
        answer = json.loads(response.read())
        answer["data"]["results"][0]["checksum"] = "0" * 40
        return httpx.Response(200, json=answer, request=request)

    place.inner.handle_request = damaged
    [outcome] = place.create(unit)
    assert "arrived as 0000" in str(outcome.error)
