"""Workshops and their participants, request by request."""

import httpx
import pytest

from reconciler.errors import Conflict
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.workshops import Workshops
from reconciler.providers.http import HttpClient

LISTED = {"id": 5, "project_id": 1, "name": "readers", "status": 1, "is_reviewable": True}
SEAT = {"id": 9, "worker": {"id": 3, "user_id": 7}, "count_max_tasks": 2}
DETAIL = {**LISTED, "level_distribution": 0, "visibility": "private", "configuration": {}}


@pytest.fixture
def service():
    """A client of canned answers, and the writes it was asked for."""
    answers = {
        "/v2/workshops/": [LISTED],
        "/v2/workshops/5/": DETAIL,
        "/v2/workshops/5/workers/": [SEAT],
        "/v2/workshops/5/reviewer-covers/": [],
    }
    writes = []

    def answer(request):
        if request.method == "GET":
            body = {"data": answers[request.url.path], "meta": {"pagination": {"next_cursor": None}}}
            return httpx.Response(200, json=body)
        writes.append((request.method, request.url.path, request.content.decode()))
        if request.method == "DELETE" and request.url.path == "/v2/workshops/5/":
            return httpx.Response(409, json={"error": {"code": "CONFLICT", "message": "Somebody takes part."}})
        return httpx.Response(200, json={})

    client = HttpClient(service_for(Credentials("http://x", "t"), ""), transport=httpx.MockTransport(answer))
    yield client, writes
    client.close()


def test_workshops_are_read_with_their_participants_by_user(service):
    client, _ = service
    (shop,) = Workshops().read(client, "1").values()
    assert shop["workers"] == {"7": {"count_max_tasks": 2}}
    assert (shop["reviewers"], shop["level_distribution"]) == ({}, 0)


def test_changes_are_written_without_what_is_fixed(service):
    client, writes = service
    before = Workshops().read(client, "1")
    after = {"readers": {**before["readers"], "status": 2, "workers": {"7": {"count_max_tasks": 4}, "8": {}}}}
    Workshops().write(client, "1", before, after)
    assert writes == [
        ("PATCH", "/v2/workshops/5/", '{"status":2}'),
        ("PATCH", "/v2/workshops/5/workers/9/", '{"count_max_tasks":4}'),
        ("POST", "/v2/workshops/5/workers/", '{"user":8}'),
    ]


def test_worker_who_goes_is_sent_away_and_others_stay(service):
    client, writes = service
    before = Workshops().read(client, "1")
    Workshops().write(client, "1", before, {"readers": {**before["readers"], "workers": {}}})
    assert writes == [("DELETE", "/v2/workshops/5/workers/9/", "")]


def test_workshop_in_use_is_a_conflict_that_says_what_to_do(service):
    client, _ = service
    with pytest.raises(Conflict) as error:
        Workshops().write(client, "1", Workshops().read(client, "1"), {})
    assert "workers: []" in error.value.fix
