import httpx
import pytest

from reconciler.errors import BackendError, Conflict, Transient
from reconciler.providers.datamaker.envelope import all_rows, next_params, pages
from reconciler.providers.http import HttpClient, Service
from reconciler.providers.retry import Clock, Retry


def client(serve):
    clock = Clock(now=lambda: 0.0, sleep=lambda _: None, chance=lambda: 0.0)
    service = Service("https://host/api", lambda _: {})
    return HttpClient(service, transport=httpx.MockTransport(serve), retry=Retry(attempts=2), clock=clock)


def v2_page(rows, cursor):
    return {"data": rows, "meta": {"request_id": "r", "pagination": {"next_cursor": cursor, "per_page": 2}}}


@pytest.mark.parametrize(
    "cursor",
    ["cD0yMDI2", "/9j/4AAQ", "/v2/things/?cursor=c2&per_page=2", "https://other/api/v2/things/?cursor=c2&per_page=2"],
    ids=["opaque", "opaque with slashes", "path", "absolute"],
)
def test_v2_listing_follows_a_cursor_of_any_form(cursor):
    asked = []

    def serve(request):
        asked.append((request.url.host, request.url.path, dict(request.url.params)))
        return httpx.Response(200, json=v2_page([{"id": len(asked)}], cursor if len(asked) == 1 else None))

    rows = list(all_rows(client(serve), "/v2/things/", {"project": "7", "per_page": 2}))
    sent = "c2" if "?" in cursor else cursor
    assert rows == [{"id": 1}, {"id": 2}]
    assert asked[1] == ("host", "/api/v2/things/", {"project": "7", "per_page": "2", "cursor": sent})


def test_v1_listing_follows_next_on_our_own_host():
    asked = []

    def serve(request):
        asked.append(str(request.url))
        following = "https://inner:8000/things/?page=2&expand=files&page_size=1" if len(asked) == 1 else None
        return httpx.Response(200, json={"count": 2, "next": following, "previous": None, "results": [{"id": 1}]})

    assert len(list(all_rows(client(serve), "/things/", {"page_size": 1}))) == 2
    assert asked[1].startswith("https://host/api/things/?")


def test_repeated_parameters_of_next_are_kept():
    assert next_params("/x/?cursor=1&expand=a&expand=b", {}) == {"cursor": "1", "expand": ["a", "b"]}


def test_listing_that_does_not_advance_is_given_up():
    def serve(_):
        return httpx.Response(200, json=v2_page([{"id": 1}], "same"))

    with pytest.raises(Transient, match="does not advance"):
        list(all_rows(client(serve), "/v2/things/", {}))


@pytest.mark.parametrize("second", [httpx.Response(200, json=v2_page([], None), headers={"etag": '"2"'}), 404])
def test_listing_that_changes_on_the_way_is_a_conflict(second):
    answers = [httpx.Response(200, json=v2_page([], "c"), headers={"etag": '"1"'})]
    answers.append(httpx.Response(404) if second == 404 else second)
    with pytest.raises(Conflict, match="changed while it was read"):
        list(pages(client(lambda _: answers.pop(0)), "/v2/things/", {}))


def test_listing_with_an_etag_that_holds_is_one_page_of_nothing():
    [page] = pages(client(lambda _: httpx.Response(304)), "/v2/things/", {}, etag='"1"')
    assert (page.not_modified, page.rows) == (True, [])


@pytest.mark.parametrize("body", [None, {}, {"data": {"id": 1}, "meta": {}}, {"results": 3}, ["x"], 7])
def test_listing_of_another_shape_is_an_error_not_an_empty_list(body):
    with pytest.raises(BackendError):
        list(all_rows(client(lambda _: httpx.Response(200, json=body)), "/v2/things/", {}))


@pytest.mark.parametrize("body", [b"[", b"<html>"])
def test_listing_of_broken_text_is_transient(body):
    with pytest.raises(Transient):
        list(all_rows(client(lambda _: httpx.Response(200, content=body)), "/v2/things/", {}))


@pytest.mark.parametrize(
    "answer",
    [[], [{"id": 1}], {}, {"data": []}, {"results": None}, {"data": {}, "meta": {}}, {"data": [1], "meta": {}}, None],
    ids=["bare empty list", "bare list", "empty object", "data alone", "null", "object", "no objects", "nothing"],
)
def test_answer_in_no_envelope_is_an_error_and_no_empty_listing(answer):
    with pytest.raises(BackendError, match="not a listing"):
        list(all_rows(client(lambda _: httpx.Response(200, json=answer)), "/v2/things/", {}))
