"""Presigned, multipart, direct and chunked uploads; what is refused; what the bytes are afterwards."""

import hashlib
import os

import pytest

PART = 1000


def urls(backend, collection, *sizes, **extra):
    files = [{"filename": f"f{index}.png", "size": size} for index, size in enumerate(sizes)]
    body = {"files": files, **extra}
    return backend.ok("POST", f"/v2/data-collections/{collection}/upload-urls/", json=body)["files"]


def finalize(backend, collection, *files):
    return backend.ok("POST", f"/v2/data-collections/{collection}/finalize-upload/", json={"files": list(files)})


@pytest.mark.parametrize("algorithm", ["sha1", "md5", "sha256"])
def test_upload_is_verified_by_any_of_three_checksums(backend, algorithm):
    collection, content = backend.collection(), b"bytes of " + algorithm.encode()
    [url] = urls(backend, collection, len(content))
    answer = backend.client.put(url["presigned_url"], content=content)
    assert answer.headers["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    checksum = hashlib.new(algorithm, content).hexdigest()
    done = finalize(backend, collection, {"file_key": url["file_key"], "checksum": checksum, "size": len(content)})
    assert (done["created_count"], done["results"][0]["created"]) == (1, True)
    shown = backend.ok("GET", f"/v2/data-files/?checksum={checksum}")
    assert [one["checksum"] for one in shown] == [hashlib.sha1(content).hexdigest()]


def test_finalize_fails_per_file_and_keeps_the_good_ones(backend):
    collection = backend.collection()
    good, wrong_sum, wrong_size, absent = urls(backend, collection, 4, 4, 4, 4)
    for url in (good, wrong_sum, wrong_size):
        backend.client.put(url["presigned_url"], content=url["file_key"][-8:-4].encode())
    content = good["file_key"][-8:-4].encode()
    sha1 = hashlib.sha1(content).hexdigest()
    done = finalize(
        backend,
        collection,
        {"file_key": good["file_key"], "checksum": sha1, "size": 4},
        {"file_key": wrong_sum["file_key"], "checksum": "0" * 40, "size": 4},
        {"file_key": wrong_size["file_key"], "checksum": sha1, "size": 5},
        {"file_key": absent["file_key"], "checksum": "1" * 40, "size": 4},
        {"file_key": "nonsense", "checksum": sha1, "size": 4},
    )
    assert [one["success"] for one in done["results"]] == [True, False, False, False, False]
    assert (done["created_count"], done["failed_count"]) == (1, 4)
    assert len(backend.ok("GET", "/v2/data-files/")) == 1


def test_finalize_repeated_gives_the_same_file(backend):
    collection = backend.collection()
    [url] = urls(backend, collection, 3)
    backend.client.put(url["presigned_url"], content=b"abc")
    file = {"file_key": url["file_key"], "checksum": hashlib.sha1(b"abc").hexdigest(), "size": 3}
    first, second = (finalize(backend, collection, file)["results"][0] for _ in range(2))
    assert (second["success"], second["created"], second["data_file_id"]) == (True, False, first["data_file_id"])


def test_same_bytes_twice_in_one_request_are_one_file(backend):
    collection = backend.collection()
    first, second = urls(backend, collection, 3, 3)
    for url in (first, second):
        backend.client.put(url["presigned_url"], content=b"abc")
    checksum = hashlib.sha1(b"abc").hexdigest()
    done = finalize(
        backend, collection, *({"file_key": u["file_key"], "checksum": checksum, "size": 3} for u in (first, second))
    )
    assert [one["created"] for one in done["results"]] == [True, False]
    assert done["results"][0]["data_file_id"] == done["results"][1]["data_file_id"]


def test_file_key_of_another_collection_is_unknown(backend):
    collection, other = backend.collection(), backend.collection(name="other")
    [url] = urls(backend, collection, 3)
    backend.client.put(url["presigned_url"], content=b"abc")
    file = {"file_key": url["file_key"], "checksum": hashlib.sha1(b"abc").hexdigest(), "size": 3}
    assert finalize(backend, other, file)["results"][0]["success"] is False


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda u: u.replace("signature=", "signature=0"), 403, "SignatureDoesNotMatch"),
        (lambda u: u.replace("part=0", "part=1"), 403, "SignatureDoesNotMatch"),
        (lambda u: u.replace("expires=1", "expires=2"), 403, "SignatureDoesNotMatch"),
        (lambda u: u.partition("?")[0], 403, "SignatureDoesNotMatch"),
        (lambda u: u.replace("f0.png", "../../x"), 403, "SignatureDoesNotMatch"),
    ],
)
def test_forged_upload_url_is_refused_as_object_stores_do(backend, change, status, code):
    [url] = urls(backend, backend.collection(), 3)
    answer = backend.client.put(change(url["presigned_url"]), content=b"abc")
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True)


def test_expired_upload_url_is_refused(backend):
    [url] = urls(backend, backend.collection(), 3, expiration=60)
    backend.clock.now += 61
    answer = backend.client.put(url["presigned_url"], content=b"abc")
    assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)


def test_upload_larger_than_announced_is_refused_and_leaves_nothing(backend, tmp_path):
    [url] = urls(backend, backend.collection(), 3)
    answer = backend.client.put(url["presigned_url"], content=b"abcd")
    assert (answer.status_code, "<Code>EntityTooLarge</Code>" in answer.text) == (400, True)
    assert list((tmp_path / "store" / "staging").iterdir()) == []


def test_presigned_urls_name_the_host_that_was_asked(backend):
    [url] = urls(backend, backend.collection(), 3)
    assert url["presigned_url"].startswith("http://embedded.local/uploads/")
    answer = backend.client.post("/data_files/presigned_upload/upload/", json={"files": [{"filename": "a", "size": 1}]},
                                 headers={"Host": "lab:81"})  # fmt: skip
    assert answer.json()["files"][0]["presigned_url"].startswith("http://lab:81/uploads/")


@pytest.fixture
def multipart(open_backend):
    return open_backend(seed={"datamaker": {"multipartThreshold": PART}})


def send_parts(backend, url, content):
    parts = []
    for part in url["multipart"]["parts"]:
        start = (part["part_number"] - 1) * PART
        answer = backend.client.put(part["presigned_url"], content=content[start : start + PART])
        parts.append({"part_number": part["part_number"], "etag": answer.headers["ETag"]})
    return parts


def test_large_file_is_uploaded_in_parts(multipart):
    content = bytes(range(256)) * 10
    collection = multipart.collection()
    [url] = urls(multipart, collection, len(content))
    assert (url["presigned_url"], len(url["multipart"]["parts"])) == (None, 3)
    parts = send_parts(multipart, url, content)
    file = {
        "file_key": url["file_key"],
        "checksum": hashlib.sha1(content).hexdigest(),
        "size": len(content),
        "multipart": {"upload_id": url["multipart"]["upload_id"], "parts": parts},
    }
    assert finalize(multipart, collection, file)["results"][0]["success"] is True
    assert finalize(multipart, collection, file)["results"][0]["created"] is False


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda parts: parts[:-1], "a part is missing"),
        (lambda parts: [{**p, "etag": '"0"'} for p in parts], "an etag is wrong"),
        (lambda _: None, "no parts at all"),
        (lambda _: [{"part_number": "x", "etag": 1}], "wrong types"),
    ],
)
def test_incomplete_multipart_fails_for_its_file(multipart, spoil, reason):
    content = b"x" * 2500
    collection = multipart.collection()
    [url] = urls(multipart, collection, len(content))
    parts = send_parts(multipart, url, content)
    file = {
        "file_key": url["file_key"],
        "checksum": hashlib.sha1(content).hexdigest(),
        "size": len(content),
        "multipart": {"upload_id": url["multipart"]["upload_id"], "parts": spoil(parts)},
    }
    assert finalize(multipart, collection, file)["results"][0]["success"] is False, reason


def test_stale_staged_upload_is_purged_at_start(backend, open_backend, tmp_path):
    [url] = urls(backend, backend.collection(), 3)
    backend.client.put(url["presigned_url"], content=b"abc")
    [staged] = (tmp_path / "store" / "staging").iterdir()
    os.utime(staged, (backend.clock.now, backend.clock.now))
    open_backend()
    assert staged.exists()
    os.utime(staged, (1, 1))
    open_backend()
    assert not staged.exists()


def test_dry_run_of_finalize_keeps_nothing(backend):
    collection = backend.collection()
    [url] = urls(backend, collection, 3)
    backend.client.put(url["presigned_url"], content=b"abc")
    file = {"file_key": url["file_key"], "checksum": hashlib.sha1(b"abc").hexdigest(), "size": 3}
    path = f"/v2/data-collections/{collection}/finalize-upload/?dry_run=true"
    assert backend.ok("POST", path, json={"files": [file]})["dry_run"] is True
    assert backend.ok("GET", "/v2/data-files/") == []


def test_v1_presigned_round_trip(backend):
    body = {"files": [{"filename": "é ü.png", "size": 3, "content_type": None}], "expiration": 3600}
    [url] = backend.ok("POST", "/data_files/presigned_upload/upload/", json=body)["files"]
    assert backend.client.put(url["presigned_url"], content=b"abc").status_code == 200
    file = {"file_key": url["file_key"], "checksum": hashlib.sha1(b"abc").hexdigest(), "size": 3}
    done = backend.ok("POST", "/data_files/presigned_upload/confirm_upload/", json={"files": [file]})
    assert (done["created_count"], done["results"][0]["success"]) == (1, True)


def test_direct_upload_gives_url_that_needs_no_token(backend, anonymous):
    content = b"\r\n--" * 100_000
    made = backend.ok("POST", "/data_files/", 201, files={"file": ("a b.png", content)})
    assert made["checksum"] == hashlib.sha1(content).hexdigest()
    assert anonymous(backend.app).get(made["file"]).content == content


@pytest.mark.parametrize(
    ("span", "status", "content"),
    [
        ("bytes=2-3", 206, b"cd"),
        ("bytes=4-", 206, b"ef"),
        ("bytes=-1", 206, b"f"),
        ("bytes=9-", 416, b""),
        ("x", 200, b"abcdef"),
    ],
)
def test_media_honours_ranges(backend, span, status, content):
    made = backend.ok("POST", "/data_files/", 201, files={"file": ("a.bin", b"abcdef")})
    answer = backend.client.get(made["file"], headers={"Range": span})
    assert (answer.status_code, answer.content) == (status, content)


def test_media_url_cannot_be_made_from_a_checksum(backend, anonymous):
    backend.ok("POST", "/data_files/", 201, files={"file": ("a.bin", b"abcdef")})
    sha256 = hashlib.sha256(b"abcdef").hexdigest()
    assert anonymous(backend.app).get(f"/media/{sha256}.{'0' * 32}/a.bin").status_code == 404


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nab',
        ),
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x--"),
    ],
)
def test_malformed_multipart_is_400_and_leaves_nothing(backend, tmp_path, content_type, body):
    answer = backend.client.post("/data_files/", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert list((tmp_path / "store" / "staging").iterdir()) == []


def chunk(backend, path, content, start, stop):
    span = f"bytes {start}-{stop - 1}/{len(content)}"
    return backend.client.put(
        path,
        files={"file": ("file", content[start:stop])},
        data={"filename": "big.bin"},
        headers={"Content-Range": span},
    )


def test_chunked_upload_resumes_and_becomes_a_file(backend):
    content = bytes(range(256)) * 40
    first = chunk(backend, "/chunked_upload/", content, 0, 4000).json()
    wrong = chunk(backend, first["url"], content, 5000, 6000)
    assert (wrong.status_code, wrong.json()["expected_offset"]) == (400, 4000)
    assert chunk(backend, first["url"], content, 4000, len(content)).json()["offset"] == len(content)
    bad = backend.client.post(first["url"], json={"md5": "0" * 32})
    assert bad.status_code == 400
    done = backend.ok("POST", first["url"], json={"md5": hashlib.md5(content).hexdigest()})
    assert (done["status"], done["completed_at"] is not None) == (2, True)
    made = [backend.ok("POST", "/data_files/", 201, json={"chunked_upload": first["id"]}) for _ in range(2)]
    assert made[0]["id"] == made[1]["id"]
    assert made[0]["checksum"] == hashlib.sha1(content).hexdigest()


def test_chunked_upload_expires_after_a_day(backend):
    first = chunk(backend, "/chunked_upload/", b"abcdef", 0, 3).json()
    backend.clock.now += 86_401
    assert chunk(backend, first["url"], b"abcdef", 3, 6).status_code == 410


def test_verify_checksums_finds_md5(backend):
    backend.upload(backend.collection(), b"abc")
    known, unknown = hashlib.md5(b"abc").hexdigest(), "0" * 32
    body = {"checksums": [unknown, known, "no checksum"]}
    assert backend.ok("POST", "/data_files/verify_checksums/", json=body) == {"existing_checksums": [known]}
