"""What goes wrong between provider and service: nothing is made twice, nothing is lost, nothing hangs."""

import contextlib
import random

import pytest

from reconciler.errors import BackendError, ReconcilerError, Throttled, Transient
from reconciler.providers.base import Desired
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.provider import DatamakerProvider
from reconciler.providers.http import HttpClient
from reconciler.providers.in_process import InProcessTransport
from reconciler.providers.retry import Clock, Retry
from reconciler.testing.content import MemoryContent
from reconciler.testing.faults import Fault, FaultTransport
from reconciler.testing.provider import COLLECTION, LABELS, PAYLOAD, draft, listed, listed_tasks

UNITS = 12


class Time:
    def __init__(self):
        self.now, self.slept = 0.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def opened(app):
    """Open a provider behind a transport with these faults: (provider, transport, time)."""
    made = []

    def run(faults=(), applies=lambda _: True, attempts=6):
        transport, time = FaultTransport(InProcessTransport(app), faults, applies), Time()
        client = HttpClient(
            service_for(Credentials("http://embedded", app.store.local_token()), "fix"),
            transport=transport,
            retry=Retry(attempts=attempts),
            clock=Clock(lambda: time.now, time.sleep, lambda: 0.5),
        )
        made.append(DatamakerProvider(client, parallelism=1))
        return made[-1], transport, time

    yield run
    for provider in made:
        provider.close()


def content():
    return MemoryContent()


def drafts(source):
    return [draft(f"u{n:02}", source.add("image_1", f"{n}.png", b"image %d" % n), meta={"n": n}) for n in range(UNITS)]


def to(method, end):
    return lambda request: request.method == method and request.url.path.endswith(end)


AFTER = [Fault.DROP_AFTER, Fault.TIME_OUT_AFTER, Fault.BROKEN_AFTER, Fault.TRUNCATED, Fault.HTML]
ALL = [fault for fault in Fault if fault is not Fault.NONE]
PASSING = [fault for fault in ALL if fault is not Fault.WRONG_SHAPE]  # what another attempt may heal


@pytest.mark.parametrize("fault", [*AFTER, Fault.REPEAT], ids=str)
def test_create_whose_answer_is_lost_finds_the_object_it_made(opened, fault):
    provider, transport, _ = opened([fault], to("POST", "/data-collections/"))
    made = provider.create(COLLECTION)
    assert [found.remote_id for found in provider.discover("Collection")] == [made.remote_id]
    assert transport.calls.count("POST /v2/data-collections/") == (2 if fault is Fault.REPEAT else 1)


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.UNAVAILABLE], ids=str)
def test_create_of_unknown_fate_is_not_repeated_and_a_rerun_makes_it(opened, fault):
    provider, _, _ = opened([fault], to("POST", "/data-collections/"))
    with pytest.raises(Transient):
        provider.create(COLLECTION)
    made = provider.create(COLLECTION)
    assert [found.remote_id for found in provider.discover("Collection")] == [made.remote_id]


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.THROTTLE, Fault.THROTTLE_SILENT], ids=str)
def test_create_that_was_turned_away_is_repeated(opened, fault):
    provider, _, _ = opened([fault], to("POST", "/data-collections/"))
    provider.create(COLLECTION)
    assert len(list(provider.discover("Collection"))) == 1


@pytest.mark.parametrize("fault", PASSING, ids=str)
@pytest.mark.parametrize("end", ["/upload-urls/", "/finalize-upload/", "/bulk-create/"])
def test_units_are_made_once_whatever_happens_to_a_bulk_call(opened, fault, end):
    provider, _, _ = opened([fault], to("POST", end))
    collection, source = provider.create(COLLECTION), content()
    outcomes = provider.create_units(collection.remote_id, drafts(source), source, lambda _: None)
    assert [outcome.error for outcome in outcomes] == [None] * UNITS
    assert sorted(unit.meta["n"] for unit in listed(provider, collection)) == list(range(UNITS))


@pytest.mark.parametrize("fault", ALL, ids=str)
def test_uploads_are_repeated_whatever_happens(opened, fault):
    provider, _, _ = opened([fault, fault], lambda request: request.method == "PUT")
    collection, source, sent = provider.create(COLLECTION), content(), []
    outcomes = provider.create_units(collection.remote_id, drafts(source), source, sent.append)
    assert [outcome.error for outcome in outcomes] == [None] * UNITS
    assert sum(sent) == sum(map(len, source.files.values()))


def test_an_upload_that_never_succeeds_costs_its_unit_alone(opened):
    doomed = []

    def applies(request):
        if request.method != "PUT":
            return False
        doomed.append(request.url.path)
        return request.url.path == doomed[0]

    provider, _, _ = opened([Fault.UNAVAILABLE] * 99, applies)
    collection, source = provider.create(COLLECTION), content()
    outcomes = provider.create_units(collection.remote_id, drafts(source), source, lambda _: None)
    assert [type(o.error) for o in outcomes] == [Transient] + [type(None)] * (UNITS - 1)
    assert len(listed(provider, collection)) == UNITS - 1


def test_retry_after_is_waited_for(opened):
    provider, _, time = opened([Fault.THROTTLE, Fault.THROTTLE])
    provider.check()
    assert time.slept == [3.0, 3.0]


def test_throttling_without_end_is_told_as_such(opened):
    provider, _, _ = opened([Fault.THROTTLE] * 99)
    with pytest.raises(Throttled):
        provider.check()


def test_an_outage_while_reading_is_never_absence(opened):
    provider, _, _ = opened()
    collection = provider.create(COLLECTION)
    broken, _, _ = opened([Fault.UNAVAILABLE] * 99)
    with pytest.raises(Transient):
        broken.read(COLLECTION.address, collection.remote_id)
    with pytest.raises(Transient):
        broken.list_units(collection.remote_id)


def _everything(provider):
    """Do the whole job once; True when nothing failed."""
    source, good = content(), True
    collection = provider.create(COLLECTION)
    outcomes = provider.create_units(collection.remote_id, drafts(source), source, lambda _: None)
    good = not any(outcome.error for outcome in outcomes)
    ids = [outcome.remote_id for outcome in outcomes if outcome.remote_id]
    fields = {"title": "p", "category": "image", "collection": collection.remote_id, "classes": {"polygon": ["a"]}}
    project = provider.create(Desired(LABELS, fields))
    tasks = provider.create_tasks(project.remote_id, ids)
    for outcome in outcomes[:3]:
        if outcome.remote_id:
            provider.annotate(tasks[outcome.remote_id], PAYLOAD, submit=True)
    return good


def _content(provider):
    """All that is there, ids left out."""
    [collection] = provider.discover("Collection")
    [project] = provider.discover("AnnotationProject")
    units = {unit.remote_id: unit for unit in listed(provider, collection)}
    tasks = [(units[task.unit_id].owner.key, task.data_digest) for task in listed_tasks(provider, project)]
    return (
        dict(collection.fields),
        {key: value for key, value in project.fields.items() if key != "collection"},
        sorted((str(unit.owner), sorted(unit.checksums.items()), unit.meta["n"]) for unit in units.values()),
        sorted(tasks, key=str),
    )


@pytest.fixture
def calm(opened):
    provider, _, _ = opened()
    _everything(provider)
    return _content(provider)


@pytest.mark.parametrize("seed", range(40))
def test_a_stormy_run_and_one_calm_rerun_end_as_a_calm_run(tmp_path, opened, calm, seed):
    from reconciler.backend.app import create_app

    chance = random.Random(seed)
    store = create_app(tmp_path / "other")
    storm = [chance.choice(PASSING) if chance.random() < 0.3 else Fault.NONE for _ in range(400)]
    service = service_for(Credentials("http://embedded", store.store.local_token()), "fix")
    time = Time()
    transport = FaultTransport(InProcessTransport(store), storm)
    clock = Clock(lambda: time.now, time.sleep, chance.random)
    provider = DatamakerProvider(
        HttpClient(service, transport=transport, retry=Retry(attempts=3), clock=clock), parallelism=1
    )
    with contextlib.suppress(ReconcilerError):
        _everything(provider)
    rerun = DatamakerProvider(HttpClient(service, transport=InProcessTransport(store)), parallelism=1)
    assert _everything(rerun)
    assert _content(rerun) == calm
    provider.close()
    rerun.close()
    store.close()


@pytest.mark.parametrize("end", ["/upload-urls/", "/finalize-upload/", "/bulk-create/"])
def test_answer_of_another_shape_fails_the_units_and_a_rerun_makes_them_once(opened, end):
    provider, _, _ = opened([Fault.WRONG_SHAPE], to("POST", end))
    collection, source = provider.create(COLLECTION), content()
    wanted = drafts(source)
    failed = provider.create_units(collection.remote_id, wanted, source, lambda _: None)
    assert [isinstance(outcome.error, BackendError) for outcome in failed] == [True] * UNITS
    again = provider.create_units(collection.remote_id, wanted, source, lambda _: None)
    assert [outcome.error for outcome in again] == [None] * UNITS
    assert sorted(unit.meta["n"] for unit in listed(provider, collection)) == list(range(UNITS))
