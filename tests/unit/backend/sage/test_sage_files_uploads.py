"""Uploads in parts: what is checked, what is found again, what is refused, and what the bytes are afterwards."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

PART = 5 << 20
P = "org.sagebionetworks.repo.model.file"


def md5(content):
    return hashlib.md5(content).hexdigest()


def content_of(size):
    return hashlib.sha256(b"seed").digest() * (size // 32 + 1)


@pytest.fixture(scope="module")
def two_parts():
    return content_of(PART)[:PART] + b"the rest"


def test_upload_of_two_parts_gives_a_handle_with_all_fields(sage, two_parts):
    handle = sage.owner.ok("GET", f"/fileHandle/{sage.owner.upload(two_parts)}")
    assert handle["contentMd5"] == md5(two_parts)
    assert handle["contentSize"] == len(two_parts)
    assert handle["concreteType"] == f"{P}.S3FileHandle"
    assert set(handle) >= {"bucketName", "key", "status", "storageLocationId", "etag", "createdOn", "modifiedOn"}


def test_uploaded_bytes_come_back(sage, two_parts):
    url = sage.owner.ok("GET", f"/fileHandle/{sage.owner.upload(two_parts)}/url?redirect=false")
    assert sage.nobody.send("GET", url).content == two_parts


def test_parts_may_come_in_any_order(sage, two_parts):
    upload = sage.owner.begin(two_parts)["uploadId"]
    for part, piece in ((2, two_parts[PART:]), (1, two_parts[:PART])):
        sage.owner.send("PUT", sage.owner.part_urls(upload, part)[0], content=piece)
        sage.owner.add(upload, part, piece)
    assert sage.owner.ok("PUT", f"/file/multipart/{upload}/complete", 201)["state"] == "COMPLETED"


def test_same_request_resumes_with_the_parts_that_are_there(sage, two_parts):
    upload = sage.owner.begin(two_parts)["uploadId"]
    sage.owner.send("PUT", sage.owner.part_urls(upload, 2)[0], content=two_parts[PART:])
    sage.owner.add(upload, 2, two_parts[PART:])
    again = sage.owner.begin(two_parts)
    assert (again["uploadId"], again["partsState"], again["state"]) == (upload, "01", "UPLOADING")


def test_same_request_after_completion_gives_the_same_handle(sage):
    handle = sage.owner.upload(b"abc")
    again = sage.owner.begin(b"abc")
    assert (again["state"], again["partsState"], again["resultFileHandleId"]) == ("COMPLETED", "1", handle)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"fileName": "other.bin"}, "another name"), ({"generatePreview": False}, "any other key of the request")],
)
def test_request_that_differs_is_another_upload(sage, change, reason):
    sage.owner.upload(b"abc")
    assert sage.owner.begin(b"abc", **change)["state"] == "UPLOADING", reason


def test_same_request_of_another_user_is_another_upload(sage):
    sage.owner.upload(b"abc")
    assert sage.other.begin(b"abc")["state"] == "UPLOADING"


def test_forced_restart_forgets_the_former_upload(sage):
    handle = sage.owner.upload(b"abc")
    status = sage.owner.begin(b"abc", query="?forceRestart=true")
    assert (status["state"], status["partsState"]) == ("UPLOADING", "0")
    assert sage.owner.ok("GET", f"/fileHandle/{handle}")["contentMd5"] == md5(b"abc")


def test_deleted_handle_is_not_given_again(sage):
    sage.owner.ok("DELETE", f"/fileHandle/{sage.owner.upload(b'abc')}")
    assert sage.owner.begin(b"abc")["state"] == "UPLOADING"


def test_wrong_md5_of_a_part_fails_in_the_body(sage):
    upload = sage.owner.begin(b"abc")["uploadId"]
    sage.owner.send("PUT", sage.owner.part_urls(upload, 1)[0], content=b"abc")
    answer = sage.owner.add(upload, 1, b"abd")
    assert answer["addPartState"] == "ADD_FAILED"
    assert md5(b"abc") in answer["errorMessage"]


@pytest.mark.parametrize(("put", "reason"), [(None, "never put"), (b"ab", "shorter than announced")])
def test_part_that_did_not_come_whole_fails_in_the_body(sage, put, reason):
    upload = sage.owner.begin(b"abc")["uploadId"]
    if put is not None:
        sage.owner.send("PUT", sage.owner.part_urls(upload, 1)[0], content=put)
    assert sage.owner.add(upload, 1, put or b"abc")["addPartState"] == "ADD_FAILED", reason


@pytest.mark.parametrize("length", [1, PART + 1])
def test_header_before_the_announced_bytes_is_part_of_the_file(sage, length):
    header, content = b"a,b\n", b"x" * length
    upload = sage.owner.begin(content)["uploadId"]
    for part, piece in enumerate((header + content[:PART], content[PART:])[: 1 if length == 1 else 2], start=1):
        sage.owner.send("PUT", sage.owner.part_urls(upload, part)[0], content=piece)
        assert sage.owner.add(upload, part, piece)["addPartState"] == "ADD_SUCCESS"
    handle = sage.owner.ok("PUT", f"/file/multipart/{upload}/complete", 201)["resultFileHandleId"]
    found = sage.owner.ok("GET", f"/fileHandle/{handle}")
    assert (found["contentSize"], found["contentMd5"]) == (len(header) + length, md5(header + content))


def test_completing_without_all_parts_is_refused_with_their_number(sage, two_parts):
    upload = sage.owner.begin(two_parts)["uploadId"]
    assert "Missing 2 part(s)" in sage.owner.fails("PUT", f"/file/multipart/{upload}/complete", 400)


def test_completing_twice_gives_the_same_handle(sage):
    handle = sage.owner.upload(b"abc")
    upload = sage.owner.begin(b"abc")["uploadId"]
    assert sage.owner.ok("PUT", f"/file/multipart/{upload}/complete", 201)["resultFileHandleId"] == handle


def test_bytes_of_another_md5_than_announced_make_no_handle(sage):
    upload = sage.owner.begin(b"abc", contentMD5Hex=md5(b"xyz"))["uploadId"]
    sage.owner.send("PUT", sage.owner.part_urls(upload, 1)[0], content=b"abc")
    sage.owner.add(upload, 1, b"abc")
    assert md5(b"abc") in sage.owner.fails("PUT", f"/file/multipart/{upload}/complete", 400)


def test_parts_that_were_purged_are_asked_for_again(sage):
    upload = sage.owner.begin(b"abc")["uploadId"]
    sage.owner.send("PUT", sage.owner.part_urls(upload, 1)[0], content=b"abc")
    sage.owner.add(upload, 1, b"abc")
    sage.backend.app.store.blobs.discard(f"sage-{upload}.1")
    assert "Missing 1 part" in sage.owner.fails("PUT", f"/file/multipart/{upload}/complete", 400)
    assert sage.owner.begin(b"abc")["partsState"] == "0"


@pytest.mark.parametrize(
    "operation",
    [("POST", "presigned/url/batch", {"partNumbers": [1]}), ("PUT", f"add/1?partMD5Hex={'0' * 32}", None),
     ("PUT", "complete", None)],
)  # fmt: skip
def test_upload_of_somebody_else_is_forbidden(sage, operation):
    method, path, body = operation
    upload = sage.owner.begin(b"abc")["uploadId"]
    sage.other.fails(method, f"/file/multipart/{upload}/{path}", 403, json=body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fileSizeBytes": 0}, "empty file"),
        ({"fileSizeBytes": -1}, "negative size"),
        ({"fileSizeBytes": (5 << 40) + 1}, "more than 5 TiB"),
        ({"fileSizeBytes": "many"}, "no number"),
        ({"fileSizeBytes": True}, "a truth value"),
        ({"fileSizeBytes": 10**30}, "absurd size"),
        ({"partSizeBytes": PART - 1}, "part too small"),
        ({"partSizeBytes": (5 << 30) + 1}, "part too large"),
        ({"fileSizeBytes": PART * 10_001}, "too many parts"),
        ({"contentMD5Hex": "xyz"}, "no MD5"),
        ({"contentMD5Hex": None}, "MD5 missing"),
        ({"fileName": ""}, "no name"),
        ({"fileName": 3}, "name of another type"),
        ({"fileName": "x" * 5000}, "long name"),
        ({"concreteType": "Nonsense"}, "unknown type"),
        ({"concreteType": f"{P}.MultipartUploadCopyRequest"}, "copy of nothing"),
    ],
)
def test_upload_that_makes_no_sense_is_refused(sage, change, reason):
    body = {
        "fileName": "f", "fileSizeBytes": 1, "contentMD5Hex": md5(b"a"), "partSizeBytes": PART, **change,
    }  # fmt: skip
    assert sage.owner.fails("POST", "/file/multipart", 400, json=body), reason


def test_unknown_storage_location_is_not_found(sage):
    body = {"fileName": "f", "fileSizeBytes": 1, "contentMD5Hex": md5(b"a"), "partSizeBytes": PART}
    sage.owner.fails("POST", "/file/multipart", 404, json={**body, "storageLocationId": 12345678})


@pytest.mark.parametrize("parts", [[], [0], [2], ["x"], [None], [[1]], "1", [1.5]])
def test_part_numbers_that_do_not_exist_are_refused(sage, parts):
    upload = sage.owner.begin(b"abc")["uploadId"]
    sage.owner.fails("POST", f"/file/multipart/{upload}/presigned/url/batch", 400, json={"partNumbers": parts})


@pytest.mark.parametrize("path", ["7/complete", "7/add/1?partMD5Hex=00", "nonsense/complete", "7/add/x?partMD5Hex=00"])
def test_operations_on_unknown_uploads_are_the_callers_mistake(sage, path):
    assert sage.owner.send("PUT", f"/file/multipart/{path}").status_code in (400, 404)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..\\..\\x", "a/b/c", "..", "\u00e4\u4e2d \U0001f600.txt"]
)
def test_name_of_a_file_is_never_a_path(sage, name, tmp_path):
    before = {path for path in tmp_path.rglob("*") if "store" not in path.parts}
    handle = sage.owner.upload(b"abc", fileName=name)
    url = sage.owner.ok("GET", f"/fileHandle/{handle}/url?redirect=false")
    answer = sage.nobody.send("GET", url)
    assert answer.content == b"abc"
    assert "/etc" not in str(sage.backend.app.store.blobs.path(md5(b"abc")))
    assert {path for path in tmp_path.rglob("*") if "store" not in path.parts} == before
    assert sage.owner.ok("GET", f"/fileHandle/{handle}")["fileName"] == name


def copy(user, handle, **fields):
    source = {"fileHandleId": handle, "associateObjectType": "FileEntity", "associateObjectId": "syn1"}
    body = {"concreteType": f"{P}.MultipartUploadCopyRequest", "sourceFileHandleAssociation": source}
    return user.send("POST", "/file/multipart", json={**body, "partSizeBytes": PART, **fields})


def test_copying_upload_takes_empty_parts_and_gives_their_md5_as_xml(sage, two_parts):
    upload = copy(sage.owner, sage.owner.upload(two_parts), fileName="copied").json()["uploadId"]
    for part, url in enumerate(sage.owner.part_urls(upload, 1, 2), start=1):
        piece = two_parts[(part - 1) * PART : part * PART]
        answer = sage.nobody.send("PUT", url, content=b"")
        assert f"<ETag>&quot;{md5(piece)}&quot;</ETag>" in answer.text
        assert sage.owner.add(upload, part, piece)["addPartState"] == "ADD_SUCCESS"
    made = sage.owner.ok("PUT", f"/file/multipart/{upload}/complete", 201)["resultFileHandleId"]
    handle = sage.owner.ok("GET", f"/fileHandle/{made}")
    assert (handle["contentMd5"], handle["fileName"]) == (md5(two_parts), "copied")


def test_copying_what_one_may_not_read_is_forbidden(sage):
    assert copy(sage.other, sage.owner.upload(b"abc")).status_code == 403


def test_operations_without_a_token_are_refused(sage):
    sage.nobody.fails("POST", "/file/multipart", 401, json={})


def test_completing_at_the_same_time_makes_one_handle(sage, two_parts):
    upload = sage.owner.begin(two_parts)["uploadId"]
    for part, piece in ((1, two_parts[:PART]), (2, two_parts[PART:])):
        sage.owner.send("PUT", sage.owner.part_urls(upload, part)[0], content=piece)
        sage.owner.add(upload, part, piece)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sage.owner.send("PUT", f"/file/multipart/{upload}/complete"), range(8)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["resultFileHandleId"] for one in answers}) == 1
