"""Small files at a served backend go together, and nothing of what is promised for one file is lost by it."""

import pytest

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.errors import SourceError, Transient
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.provider import DatamakerProvider
from reconciler.providers.datamaker.transfer import Transfer
from reconciler.providers.http import HttpClient
from reconciler.providers.in_process import InProcessTransport
from reconciler.providers.pool import Pool
from reconciler.providers.retry import Clock, Retry
from reconciler.testing.content import MemoryContent
from reconciler.testing.faults import Fault, FaultTransport
from reconciler.testing.provider import COLLECTION

CONTENTS = {f"{n}.png": b"image %d" % n * (n + 1) for n in range(12)}


class Site:
    """A transfer into a backend that takes packs, with faults on the way."""

    def __init__(self, folder, faults=(), applies=lambda request: request.url.path == "/uploads/", contents=CONTENTS):
        self.store = open_store(folder)
        transport = InProcessTransport(create_app(self.store, takes_packs=True))
        self.wire = FaultTransport(transport, faults, applies)
        service = service_for(Credentials("http://embedded", self.store.local_token()), "fix")
        clock = Clock(lambda: 0.0, lambda _: None, lambda: 0.5)
        self.client = HttpClient(service, transport=self.wire, retry=Retry(attempts=3), clock=clock)
        made = DatamakerProvider(self.client).create(COLLECTION)
        self.content, self.sent = MemoryContent(), []
        self.files = {}
        for name, content in contents.items():
            ref = self.content.add("image_1", name, content)
            self.files[ref.checksum.hex] = ref
        self.transfer = Transfer(self.client, Pool(3), made.remote_id, self.content, self.sent.append)
        self.wire.calls.clear()

    def stored(self):
        return self.transfer.store(self.files, frozenset())

    def puts(self):
        return [call.partition("/uploads/")[2] for call in self.wire.calls if call.startswith("PUT")]

    def close(self):
        self.client.close()
        self.store.close()


@pytest.fixture
def site(tmp_path):
    made = []

    def make(*arguments, **options):
        made.append(Site(tmp_path / "store", *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_small_files_go_in_one_request(site):
    there = site()
    stored = there.stored()
    assert (stored.errors, set(stored.checksums)) == ({}, set(there.files))
    assert there.puts() == [""]
    assert sum(there.sent) == sum(map(len, CONTENTS.values()))


def test_larger_files_go_by_themselves(site):
    contents = {**CONTENTS, "large.png": b"x" * 300_000}
    there = site(contents=contents)
    assert not there.stored().errors
    assert sorted(bool(key) for key in there.puts()) == [False, True]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.NONE], ids=str)
def test_pack_is_repeated_whatever_happens(site, fault):
    there = site([fault, fault])
    assert not there.stored().errors
    assert sum(there.sent) == sum(map(len, CONTENTS.values()))


def test_pack_that_never_arrives_leaves_the_files_to_go_one_by_one(site):
    there = site([Fault.UNAVAILABLE] * 99)
    assert not there.stored().errors
    assert len([key for key in there.puts() if key]) == len(CONTENTS)


def test_pack_to_a_service_that_is_gone_is_not_tried_file_by_file(site):
    there = site([Fault.DROP_BEFORE] * 99)
    stored = there.stored()
    assert {type(error) for error in stored.errors.values()} == {Transient}
    assert len(stored.errors) == len(CONTENTS)
    assert there.puts() == []


def test_file_that_changed_costs_itself_alone(site):
    there = site()
    changed = next(iter(there.files))
    name = there.files[changed].path
    there.content.files[name] = b"other" * 10
    stored = there.stored()
    assert [type(error) for error in stored.errors.values()] == [SourceError]
    assert set(stored.checksums) == set(there.files) - {changed}
