"""The streaming in-process transport gives what httpx.WSGITransport gives, without holding bodies in memory."""

import hashlib
import tracemalloc

import httpx
import pytest

from reconciler.providers.in_process import InProcessTransport


@pytest.fixture
def streaming(backend):
    headers = {"SYNAPSE-ACCESS-TOKEN": backend.app.store.local_token()}
    transport = InProcessTransport(backend.app)
    with httpx.Client(transport=transport, base_url="http://embedded.local", headers=headers) as client:
        yield client


@pytest.mark.parametrize("path", ["/v2/users/me/", "/v2/projects/?category=a%20b", "/nope/é/", "/v2/projects/..%2F/"])
def test_answers_equal_those_of_the_wsgi_transport(backend, streaming, path):
    ours, theirs = streaming.get(path), backend.client.get(path)
    assert (ours.status_code, ours.headers.get("content-type")) == (theirs.status_code, theirs.headers["content-type"])
    assert ours.json().get("data") == theirs.json().get("data")


def test_large_upload_and_download_are_streamed(backend, streaming):
    piece, count = b"x" * (1 << 20), 48
    collection = backend.collection()
    files = [{"filename": "big.bin", "size": len(piece) * count}]
    [url] = backend.ok("POST", f"/v2/data-collections/{collection}/upload-urls/", json={"files": files})["files"]
    checksum = hashlib.sha1(piece * count).hexdigest()
    tracemalloc.start()
    length = {"Content-Length": str(len(piece) * count)}
    answer = streaming.put(url["presigned_url"], content=(piece for _ in range(count)), headers=length)
    assert answer.status_code == 200
    file = {"file_key": url["file_key"], "checksum": checksum, "size": len(piece) * count}
    path = f"/v2/data-collections/{collection}/finalize-upload/"
    assert backend.ok("POST", path, json={"files": [file]})["failed_count"] == 0
    units = [{"files": {"image_1": {"checksum": checksum, "path": "big.png"}}, "data_collection": collection}]
    [unit] = backend.ok("POST", "/data_units/", 201, json=units)
    with streaming.stream("GET", unit["files"]["image_1"]["url"]) as response:
        assert sum(len(chunk) for chunk in response.iter_bytes()) == len(piece) * count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_upload_that_ends_early_is_incomplete(backend, streaming):
    files = [{"filename": "a", "size": 10}]
    [url] = backend.ok("POST", "/data_files/presigned_upload/upload/", json={"files": files})["files"]
    answer = streaming.put(url["presigned_url"], content=iter([b"abc"]), headers={"Content-Length": "10"})
    assert (answer.status_code, "<Code>IncompleteBody</Code>" in answer.text) == (400, True)
