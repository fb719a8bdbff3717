"""What the provider makes of answers that the embedded backend does not give."""

import json

import httpx
import pytest

from reconciler.errors import BackendError, Invalid, Transient
from reconciler.model.address import Address
from reconciler.providers.base import NotModified, RecordListing, UnitListing
from reconciler.providers.datamaker import records, tasks, unit_creation, units
from reconciler.providers.http import HttpClient, Service
from reconciler.providers.pool import Pool
from reconciler.providers.retry import Clock, Retry
from reconciler.testing.content import MemoryContent
from reconciler.testing.provider import draft


def client(serve):
    clock = Clock(now=lambda: 0.0, sleep=lambda _: None, chance=lambda: 0.0)
    service = Service("https://host", lambda _: {})
    return HttpClient(service, transport=httpx.MockTransport(serve), retry=Retry(attempts=2), clock=clock)


def page(rows):
    return httpx.Response(200, json={"count": len(rows), "next": None, "previous": None, "results": rows})


def v2(value):
    return httpx.Response(200, json={"data": value, "meta": {"request_id": "r"}})


def list_all(rows):
    listing = units.list_units(client(lambda _: page(rows)), "7", None)
    assert isinstance(listing, UnitListing)
    return [unit for found in listing.pages for unit in found]


@pytest.mark.parametrize(
    ("files", "expected", "reason"),
    [
        ({"image_1": {"checksum": "a"}}, {"image_1": "a"}, "by specification"),
        ({"image_1": [{"checksum": "a"}, {"checksum": "b"}]}, {"image_1": "a,b"}, "a sequence"),
        ([{"specification": "i", "checksum": "a"}, {"name": "x", "checksum": "b"}], {"i": "a", "x": "b"}, "list"),
        ({"image_1": {"checksum": "a"}, "data_1": {"url": "u"}}, {}, "one checksum is not told"),
        (None, {}, "no files"),
    ],
)  # fmt: skip
def test_unit_checksums_are_read_in_any_shape(files, expected, reason):
    [unit] = list_all([{"id": 1, "data_collection": 7, "meta": None, "files": files}])
    assert unit.checksums == expected, reason


@pytest.mark.parametrize(
    ("meta", "owner"),
    [
        ({"reconciler": {"set": "scans", "key": "a"}, "x": 1}, Address("AssetSet", "scans", "a")),
        ({"reconciler": {"set": "scans"}, "x": 1}, None),
        ({"reconciler": "odd", "x": 1}, None),
        ({"x": 1}, None),
    ],
)
def test_unit_owner_is_read_from_a_marker_that_makes_sense(meta, owner):
    [unit] = list_all([{"id": 1, "data_collection": {"id": 7}, "meta": meta}])
    assert (unit.owner, unit.meta) == (owner, {"x": 1})


def test_units_of_another_collection_are_an_error():
    """The service ignores filters that it does not know; deleting by such a listing would be a disaster."""
    with pytest.raises(BackendError, match="another collection"):
        list_all([{"id": 1, "data_collection": 8, "meta": {}}])


class Collection:
    """A collection that refuses units whose meta says `bad`, whole batches at once; names them when `named`."""

    def __init__(self, named):
        self.named, self.calls, self.units = named, 0, []

    def __call__(self, request):
        if request.method == "PUT":
            return httpx.Response(200)
        body = json.loads(request.content)
        if request.url.path.endswith("/upload-urls/"):
            slots = [{"file_key": f"k{n}", "presigned_url": f"https://s/{n}"} for n, _ in enumerate(body["files"])]
            return v2({"files": slots})
        if request.url.path.endswith("/finalize-upload/"):
            return v2({"results": [{"file_key": f["file_key"], "success": True} for f in body["files"]]})
        return self._create(body["units"])

    def _create(self, wanted):
        self.calls += 1
        bad = [index for index, unit in enumerate(wanted) if unit["meta"].get("bad")]
        if bad:
            details = [{"field": f"units[{index}].meta", "message": "bad"} for index in bad] if self.named else None
            error = {"code": "VALIDATION_ERROR", "message": "no", "details": details}
            return httpx.Response(400, json={"error": error, "meta": {}})
        first = len(self.units)
        self.units += wanted
        return v2({"results": [{"data_unit_id": first + n, "created": True} for n, _ in enumerate(wanted)]})


def create(collection, drafts, content):
    pool = Pool(2)
    try:
        return unit_creation.create_units(client(collection), pool, "7", drafts, content, lambda _: None)
    finally:
        pool.close()


@pytest.mark.parametrize(("named", "calls"), [(True, 8), (False, 60)])
def test_bad_units_are_found_in_a_refused_batch_with_few_calls(named, calls):
    content, collection = MemoryContent(), Collection(named)
    drafts = [
        draft(f"u{n:03}", content.add("image_1", f"{n}.png", b"%d" % n), meta={"bad": n in (3, 500, 777)})
        for n in range(800)
    ]  # fmt: skip
    outcomes = create(collection, drafts, content)
    assert [outcome.key for outcome in outcomes if isinstance(outcome.error, Invalid)] == ["u003", "u500", "u777"]
    assert len(collection.units) == 797
    assert collection.calls <= calls


def test_more_than_a_thousand_units_go_in_batches():
    content, collection = MemoryContent(), Collection(named=True)
    drafts = [draft(f"u{n}", content.add("image_1", f"{n}.png", b"%d" % n)) for n in range(1001)]
    outcomes = create(collection, drafts, content)
    assert ([o.error for o in outcomes], collection.calls) == ([None] * 1001, 2)


@pytest.mark.parametrize(
    "answer",
    [
        {"files": []},
        {"files": [{"file_key": "k"}]},
        {"files": [{"presigned_url": "https://s/1"}]},
        {"files": [{"file_key": "k", "multipart": {"parts": [{}]}}]},
        {},
    ],
)
def test_upload_addresses_of_another_shape_fail_the_unit(answer):
    content = MemoryContent()
    [outcome] = create(lambda _: v2(answer), [draft("a", content.add("image_1", "a.png", b"a"))], content)
    assert isinstance(outcome.error, BackendError)


def test_a_file_that_is_not_accepted_fails_its_unit_with_the_reason():
    def serve(request):
        if request.url.path.endswith("/finalize-upload/"):
            return v2({"results": [{"file_key": "k0", "success": False, "error": "checksum differs"}]})
        return Collection(named=True)(request)

    content = MemoryContent()
    [outcome] = create(serve, [draft("a", content.add("image_1", "a.png", b"a"))], content)
    assert "checksum differs" in str(outcome.error)


PAYLOAD = {"annotations": {}}


@pytest.mark.parametrize(
    "data",
    [
        {"mode": "presigned", "presigned_url": "https://store/p?sig=1", "size": 3, "data_digest": "x"},
        {"mode": "inline", "truncated": True, "size": 3, "presigned_url": "https://store/p?sig=1"},
        {"mode": "inline", "truncated": True, "size": 3},
        PAYLOAD,
    ],
    ids=["presigned", "truncated with address", "truncated", "inline"],
)
def test_payload_is_whole_however_it_is_wrapped(data):
    def serve(request):
        if request.url.host == "store":
            return httpx.Response(200, json=PAYLOAD)
        if request.url.params["response_mode"] == "presigned":
            return v2([{"id": 1, "data": {"mode": "presigned", "presigned_url": "https://store/p"}}])
        return v2([{"id": 1, "data": data}])

    assert tasks.PAYLOADS.fetch(client(serve), ["1"])["1"]["data"] == PAYLOAD


@pytest.mark.parametrize(
    ("wrapped", "status", "reason"),
    [
        ({"mode": "inline", "truncated": True}, 200, "too large and has no address"),
        ({"mode": "presigned", "presigned_url": "https://store/p"}, 403, "cannot be downloaded"),
        ({"mode": "presigned", "presigned_url": "https://store/p"}, 404, "cannot be downloaded"),
        ({"mode": "presigned", "presigned_url": "https://store/p"}, 200, "it is not JSON"),
    ],
)
def test_payload_that_cannot_be_had_is_a_fault_of_its_record_alone(wrapped, status, reason):
    def serve(request):
        if request.url.host == "store":
            return httpx.Response(status, text="oops")
        ids = json.loads(request.content)["ids"]
        return v2([{"id": one, "data": wrapped if one == 1 else PAYLOAD} for one in ids])

    rows = tasks.PAYLOADS.fetch(client(serve), ["1", "2"])
    assert (rows["1"]["data"], rows["2"]["data"]) == (None, PAYLOAD)
    assert reason in rows["1"]["fault"]


def test_payload_during_an_outage_is_an_error_of_the_run():
    def serve(request):
        if request.url.host == "store":
            return httpx.Response(503)
        return v2([{"id": 1, "data": {"mode": "presigned", "presigned_url": "https://store/p"}}])

    with pytest.raises(Transient):
        tasks.PAYLOADS.fetch(client(serve), ["1"])


@pytest.mark.parametrize("status", [400, 401, 403])
def test_expired_payload_address_is_asked_for_again_once(status):
    asked = []

    def serve(request):
        if request.url.host == "store":
            asked.append(request.url.path)
            return httpx.Response(200, json=PAYLOAD) if request.url.path == "/new" else httpx.Response(status)
        fresh = request.url.params["response_mode"] == "presigned"
        return v2(
            [{"id": 1, "data": {"mode": "presigned", "presigned_url": f"https://store/{'new' if fresh else 'old'}"}}]
        )

    assert tasks.PAYLOADS.fetch(client(serve), ["1"])["1"]["data"] == PAYLOAD
    assert asked == ["/old", "/new"]


def test_payloads_are_fetched_by_two_hundred():
    sizes = []

    def serve(request):
        ids = json.loads(request.content)["ids"]
        sizes.append(len(ids))
        return v2([{"id": one, "data": None} for one in ids])

    assert len(tasks.PAYLOADS.fetch(client(serve), [str(n) for n in range(450)])) == 450
    assert sizes == [200, 200, 50]


@pytest.mark.parametrize(
    ("unit", "key", "reason"),
    [
        ({"meta": {"reconciler": {"set": "s", "key": "k/1"}, "dataset_key": "d"}}, "k/1", "our marker"),
        ({"meta": {"dataset_key": "d"}}, "d", "the platform's own key"),
        ({"files": {"a": {"path_original": "o"}, "b": {"path_original": "p.nii.gz", "is_primary": True}}}, "p", "stem"),
        ({"files": {"a": {"file_name_original": "scan.v2.png"}}}, "scan.v2", "stem with a dot"),
        ({}, "5", "nothing but the id"),
    ],
)  # fmt: skip
def test_record_key_is_the_best_name_there_is(unit, key, reason):
    def serve(request):
        path = request.url.path
        if path == "/v2/tasks/":
            return v2([{"id": 1, "data_unit_id": 5}])
        if path == "/v2/tasks/bulk-fetch/":
            return v2([{"id": 1, "data_unit_id": 5, "data": None}])
        return page([{"id": 5, "meta": {}, "files": {}, **unit}])

    listing = records.records(client(serve), "task", {"project": "1"}, {}, None)
    assert isinstance(listing, RecordListing)
    assert [record.key for record in listing.records] == [key], reason


def test_records_of_a_service_that_ignores_ids_are_read_singly():
    asked = []

    def serve(request):
        path = request.url.path
        asked.append(path)
        if path == "/v2/tasks/":
            return v2([{"id": 1, "data_unit_id": 5}])
        if path == "/v2/tasks/bulk-fetch/":
            return v2([{"id": 1, "data_unit_id": 5, "data": None}])
        if path == "/data_units/":
            return page([{"id": 99, "meta": {}, "files": {}}])
        return httpx.Response(200, json={"id": 5, "meta": {"dataset_key": "five"}, "files": {}})

    listing = records.records(client(serve), "task", {"project": "1"}, {}, None)
    assert [record.key for record in listing.records] == ["five"]
    assert asked[-1] == "/data_units/5/"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd"])
def test_record_file_names_lead_nowhere_else(name):
    def serve(request):
        if request.url.path == "/v2/tasks/":
            return v2([{"id": 1, "data_unit_id": 5}])
        if request.url.path == "/v2/tasks/bulk-fetch/":
            return v2([{"id": 1, "data_unit_id": 5, "data": None}])
        return page([{"id": 5, "meta": {}, "files": {"a": {"file_name_original": name, "url": "u"}}}])

    [record] = records.records(client(serve), "task", {"project": "1"}, {}, None).records
    assert record.files[0].name in ("passwd", "boot.ini")


def test_ground_truth_is_listed_by_version_and_read_in_bulk():
    asked = []

    def serve(request):
        path = request.url.path
        asked.append((path, dict(request.url.params)))
        if path == "/v2/ground-truth-datasets/4/versions/":
            return v2([{"id": 8, "version": "v1"}, {"id": 9, "version": "v2"}])
        if path == "/sdk/ground_truth_events/":
            events = [{"id": 1, "pgh_id": n, "category": "test", "data_unit": {"id": 5}} for n in (30, 4)]
            return httpx.Response(200, json={"next": None, "previous": None, "results": events})
        if path == "/v2/ground-truth-events/bulk-data/":
            return v2([{"id": 1, "pgh_id": n, "data_unit_id": 5, "data": PAYLOAD} for n in (4, 30)])
        return page([{"id": 5, "meta": {"dataset_key": "five"}, "files": {}}])

    scope = {"dataset": "4", "version": "v2"}
    listing = records.records(client(serve), "ground_truth", scope, {"category": "test"}, None)
    assert [(one.remote_id, one.category, one.data) for one in listing.records] == [
        ("4", "test", PAYLOAD),
        ("30", "test", PAYLOAD),
    ]
    assert asked[1][1] == {
        "category": "test",
        "fields": "id,pgh_id,category,data_unit",
        "pagination": "cursor",
        "ordering": "-pgh_id",
        "page_size": "100",
        "ground_truth_dataset_versions": "9",
    }
    asked.clear()
    again = records.records(client(serve), "ground_truth", scope, {"category": "test"}, listing.etag)
    assert isinstance(again, NotModified)
    assert [path for path, _ in asked] == ["/v2/ground-truth-datasets/4/versions/"]


@pytest.mark.parametrize(("target", "scope"), [("ground_truth", {"project": "1"}), ("task", {})])
def test_records_that_cannot_be_are_refused_before_any_call(target, scope):
    def serve(_):
        raise AssertionError("no call was expected")

    with pytest.raises(Invalid):
        records.records(client(serve), target, scope, {}, None)


def test_create_tasks_stops_listing_when_all_are_found():
    asked = []

    def serve(request):
        asked.append(request.method)
        if request.method == "POST":
            return v2({"created_count": 1, "skipped_count": 0})
        meta = {"request_id": "r", "pagination": {"next_cursor": f"c{len(asked)}"}}
        return httpx.Response(200, json={"data": [{"id": 9, "data_unit_id": 5}], "meta": meta})

    assert tasks.create_tasks(client(serve), "1", ["5"]) == {"5": "9"}
    assert asked == ["POST", "GET"]


def test_create_tasks_that_leaves_a_unit_without_task_says_so():
    def serve(request):
        return v2({"created_count": 0}) if request.method == "POST" else v2([])

    with pytest.raises(Invalid, match="no task was made for 1 units"):
        tasks.create_tasks(client(serve), "1", ["5"])
