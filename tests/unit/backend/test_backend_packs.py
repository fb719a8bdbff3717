"""Several small files in one request: taken as by single PUTs, and refused as those are."""

import hashlib
import json
import re

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.backend.app import create_app
from reconciler.backend.datamaker.receiving import PACK_BYTES, PACK_FILES

CONTENTS = [b"one", b"two" * 100, b"three" * 1000]


def sha1(content):
    return hashlib.sha1(content).hexdigest()


def entries(backend, *contents, **extra):
    """What an index says of these contents."""
    files = [{"filename": f"f{index}.png", "size": len(one)} for index, one in enumerate(contents)]
    path = f"/v2/data-collections/{backend.collection()}/upload-urls/"
    slots = backend.ok("POST", path, json={"files": files, **extra})["files"]
    pairs = zip(slots, contents, strict=True)
    return [{"url": slot["presigned_url"], "size": len(one), "checksum": sha1(one)} for slot, one in pairs]


def pack(index, *contents, length=None):
    raw = json.dumps(index).encode() if not isinstance(index, bytes) else index
    return (len(raw) if length is None else length).to_bytes(4, "big") + raw + b"".join(contents)


def send(backend, body, **headers):
    """PUT without a token, for the URLs inside are the permission."""
    transport = httpx.WSGITransport(app=backend.app)
    with httpx.Client(transport=transport, base_url="http://embedded.local") as client:
        return client.put("/uploads/", content=body, headers=headers)


def staged(tmp_path):
    return sorted(path.read_bytes() for path in (tmp_path / "store" / "staging").iterdir())


def codes(answer):
    return [one.get("code", one["status"]) for one in answer.json()["results"]]


def test_pack_stages_every_file(backend, tmp_path):
    answer = send(backend, pack({"files": entries(backend, *CONTENTS)}, *CONTENTS))
    assert [one["etag"] for one in answer.json()["results"]] == [
        f'"{hashlib.md5(one).hexdigest()}"' for one in CONTENTS
    ]
    assert staged(tmp_path) == sorted(CONTENTS)


def test_pack_is_announced_over_http_alone(backend):
    path, body = f"/v2/data-collections/{backend.collection()}/upload-urls/", {"files": [{"filename": "a", "size": 1}]}
    assert "pack" not in backend.ok("POST", path, json=body)
    app = create_app(backend.app.store, takes_packs=True)
    with httpx.Client(transport=httpx.WSGITransport(app=app), headers=backend.client.headers) as client:
        told = client.post(f"http://here:81{path}", json=body).json()["data"]["pack"]
        assert "pack" not in client.post("http://x/data_files/presigned_upload/upload/", json=body).json()
    assert told == {"url": "http://here:81/uploads/", "files": PACK_FILES, "bytes": PACK_BYTES}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda e: {"url": e["url"].replace("signature=", "signature=0")}, "SignatureDoesNotMatch"),
        (lambda e: {"url": re.sub("signature=.*", "signature=" + "0" * 32, e["url"])}, "SignatureDoesNotMatch"),
        (lambda e: {"url": e["url"].replace("part=0", "part=1")}, "SignatureDoesNotMatch"),
        (lambda e: {"url": e["url"].replace("expires=1", "expires=2")}, "SignatureDoesNotMatch"),
        (lambda e: {"url": e["url"].replace("f1.png", "../../x")}, "SignatureDoesNotMatch"),
        (lambda _: {"url": "/etc/passwd"}, "SignatureDoesNotMatch"),
        (lambda _: {"checksum": sha1(b"other")}, "BadDigest"),
        (lambda _: {"checksum": ""}, "BadDigest"),
    ],
)
def test_forged_or_damaged_file_of_a_pack_is_refused_alone(backend, tmp_path, change, code):
    index = entries(backend, *CONTENTS)
    index[1] |= change(index[1])
    answer = send(backend, pack({"files": index}, *CONTENTS))
    assert codes(answer) == [200, code, 200]
    assert staged(tmp_path) == sorted([CONTENTS[0], CONTENTS[2]])


def test_file_of_a_pack_larger_than_announced_is_refused(backend, tmp_path):
    index = entries(backend, b"abc", b"def")
    index[0] |= {"size": 4, "checksum": sha1(b"abcd")}
    assert codes(send(backend, pack({"files": index}, b"abcd", b"def"))) == ["EntityTooLarge", 200]
    assert staged(tmp_path) == [b"def"]


def test_expired_address_in_a_pack_is_refused(backend):
    index = entries(backend, b"abc", expiration=60)
    backend.clock.now += 61
    assert codes(send(backend, pack({"files": index}, b"abc"))) == ["AccessDenied"]


def test_upload_in_parts_does_not_go_into_a_pack(open_backend):
    backend = open_backend(seed={"datamaker": {"multipartThreshold": 10}})
    files = {"files": [{"filename": "a.png", "size": 15}]}
    [slot] = backend.ok("POST", f"/v2/data-collections/{backend.collection()}/upload-urls/", json=files)["files"]
    entry = {"url": slot["multipart"]["parts"][0]["presigned_url"], "size": 10, "checksum": sha1(b"x" * 10)}
    assert codes(send(backend, pack({"files": [entry]}, b"x" * 10))) == ["SignatureDoesNotMatch"]


ENTRY = {"url": "x", "size": 3, "checksum": "y"}


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        (b"", "MalformedPack", "empty"),
        (b"\0\0", "MalformedPack", "shorter than a length"),
        (pack({"files": []}), "MalformedPack", "no file"),
        (pack({"files": [ENTRY] * (PACK_FILES + 1)}, b"abc" * (PACK_FILES + 1)), "MalformedPack", "too many files"),
        (pack({"files": [ENTRY]}, b"ab"), "MalformedPack", "fewer bytes than told"),
        (pack({"files": [ENTRY]}, b"abcd"), "MalformedPack", "more bytes than told"),
        (pack({"files": [ENTRY | {"size": -3}]}, b"abc"), "MalformedPack", "negative size"),
        (pack({"files": [ENTRY | {"size": True}]}, b"a"), "MalformedPack", "size of another type"),
        (pack({"files": [{"url": "x", "size": 3}]}, b"abc"), "MalformedPack", "no checksum"),
        (pack({"files": [7]}), "MalformedPack", "no object"),
        (pack([ENTRY], b"abc"), "MalformedPack", "a list"),
        (pack(b"{", b""), "MalformedPack", "no JSON"),
        (pack(b"[" * 100_000), "MalformedPack", "absurd nesting"),
        (pack({"files": [ENTRY]}, b"abc", length=0xFFFFFFFF), "MalformedPack", "index longer than the body"),
        (pack({"files": [ENTRY | {"size": PACK_BYTES + 1}]}, b"x" * (PACK_BYTES + 1)), "MalformedPack", "too large"),
        (b"x" * (2 * 1024 * 1024), "EntityTooLarge", "larger than any pack"),
    ],
)
def test_pack_that_cannot_be_read_is_refused_whole(backend, tmp_path, body, code, reason):
    answer = send(backend, body)
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (400, True), reason
    assert staged(tmp_path) == []


def test_pack_without_a_length_is_refused(backend):
    answer = send(backend, iter([b"abc"]))
    assert (answer.status_code, "<Code>MissingContentLength</Code>" in answer.text) == (411, True)


def test_pack_that_ends_early_is_refused(backend, tmp_path):
    whole = pack({"files": entries(backend, *CONTENTS)}, *CONTENTS)
    answer = send(backend, whole[:-1], **{"Content-Length": str(len(whole))})
    assert (answer.status_code, "<Code>IncompleteBody</Code>" in answer.text) == (400, True)
    assert staged(tmp_path) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_mangled_pack_never_fails_the_server_nor_stages_other_bytes(backend, tmp_path, data):
    whole = bytearray(pack({"files": entries(backend, *CONTENTS)}, *CONTENTS))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(whole)))
        whole[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    answer = send(backend, bytes(whole))
    assert answer.status_code in (200, 400)
    assert set(staged(tmp_path)) <= set(CONTENTS)
