"""Handing out URLs, serving bytes by them, and who gets neither."""

import hashlib
import re

import pytest

DATA = bytes(range(256)) * 4


def entity_with(user, handle, name="file", parent=None):
    parent = parent or user.entity("Project", f"project of {name}")["id"]
    return user.entity("FileEntity", name, parentId=parent, dataFileHandleId=handle)


def share(sage, entity, *accesses):
    """Let the other user do this with the project of an entity."""
    acl = {"resourceAccess": [
        {"principalId": 3000001, "accessType": ["READ", "DOWNLOAD", "UPDATE", "CREATE", "CHANGE_PERMISSIONS"]},
        {"principalId": 3000002, "accessType": list(accesses)},
    ]}  # fmt: skip
    project = entity["parentId"]
    etag = sage.owner.ok("GET", f"/entity/{project}/acl")["etag"]
    sage.owner.ok("PUT", f"/entity/{project}/acl", json={**acl, "id": project, "etag": etag})


def batch(user, *files, **flags):
    body = {"requestedFiles": list(files), "includeFileHandles": True, "includePreSignedURLs": True, **flags}
    return user.ok("POST", "/fileHandle/batch", 201, json=body)["requestedFiles"]


def asked(handle, entity=None):
    named = {} if entity is None else {"associateObjectId": entity["id"], "associateObjectType": "FileEntity"}
    return {"fileHandleId": handle, **named}


@pytest.fixture
def url(sage):
    handle = sage.owner.upload(DATA, fileName="my file.bin")
    return sage.owner.ok("GET", f"/fileHandle/{handle}/url?redirect=false")


def test_url_has_what_the_official_client_reads_from_it(url):
    assert re.search(r"X-Amz-Date=\d{8}T\d{6}Z", url)
    assert re.search(r"X-Amz-Expires=\d+", url)


def test_url_has_the_host_and_port_of_the_request(sage):
    handle = sage.owner.upload(DATA)
    path = f"http://elsewhere.local:8123/repo/v1/fileHandle/{handle}/url?redirect=false"
    assert sage.owner.ok("GET", path).startswith("http://elsewhere.local:8123/sage/")


def test_without_redirect_parameter_the_caller_is_sent_on(sage):
    handle = sage.owner.upload(DATA)
    answer = sage.owner.send("GET", f"/fileHandle/{handle}/url", follow_redirects=False)
    assert answer.status_code == 307
    assert sage.nobody.send("GET", answer.headers["Location"]).content == DATA


@pytest.mark.parametrize(
    ("asked_range", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, 1024), ("bytes=-5", 1019, 1024), ("bytes=1000-5000", 1000, 1024)],
)
def test_range_is_206_with_just_these_bytes(sage, url, asked_range, start, stop):
    answer = sage.nobody.send("GET", url, headers={"Range": asked_range})
    assert answer.status_code == 206
    assert answer.content == DATA[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/1024"
    assert answer.headers["Content-Length"] == str(stop - start)


def test_range_past_the_end_is_416(sage, url):
    answer = sage.nobody.send("GET", url, headers={"Range": "bytes=1024-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */1024")


def test_head_tells_length_and_name_without_bytes(sage, url):
    answer = sage.nobody.send("HEAD", url)
    assert (answer.headers["Content-Length"], answer.content) == ("1024", b"")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my file.bin"'


def test_disposition_can_be_overridden(sage, url):
    answer = sage.nobody.send("GET", f"{url}&response-content-disposition=attachment%3B%20filename%3Dx")
    assert answer.headers["Content-Disposition"] == "attachment; filename=x"


@pytest.mark.parametrize("value", ["a%0d%0aSet-Cookie:%20x=1", "%00", "%ff" * 10, "x" * 5000])
def test_disposition_cannot_smuggle_headers_in(sage, url, value):
    answer = sage.nobody.send("GET", f"{url}&response-content-disposition={value}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my file.bin"'


def test_token_that_comes_along_is_neither_needed_nor_refused(sage, url):
    assert sage.nobody.send("GET", url, headers={"Authorization": "Bearer nonsense"}).content == DATA


def test_url_expires(sage, url):
    sage.backend.clock.now += 901
    answer = sage.nobody.send("GET", url)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (r"X-Amz-Expires=\d+", "X-Amz-Expires=999999", "a longer life"),
        (r"X-Amz-Date=\w+", "X-Amz-Date=20990101T000000Z", "another date"),
        (r"X-Amz-Date=\w+", "X-Amz-Date=nonsense", "no date"),
        (r"X-Amz-Signature=\w+", "X-Amz-Signature=" + "0" * 32, "another signature"),
        (r"&X-Amz-Signature=\w+", "", "no signature"),
        (r"/get/(\d+)/", "/get/1/", "another handle"),
        (r"/([0-9a-f]{64})/", f"/{'0' * 64}/", "another file"),
    ],
)
def test_forged_url_is_refused_as_an_object_store_does(sage, url, old, new, reason):
    answer = sage.nobody.send("GET", re.sub(old, new, url))
    assert (answer.status_code, "SignatureDoesNotMatch" in answer.text) == (403, True), reason


def test_url_for_a_download_is_none_for_an_upload(sage, url):
    assert sage.nobody.send("PUT", url, content=b"x").status_code in (404, 405)


def test_part_url_is_refused_when_forged_expired_or_for_another_part(sage):
    upload = sage.owner.begin(b"x" * ((5 << 20) + 1))["uploadId"]
    [url] = sage.owner.part_urls(upload, 1)
    assert sage.nobody.send("PUT", url.replace("/1?", "/2?"), content=b"x").status_code == 403
    sage.backend.clock.now += 901
    assert "expired" in sage.nobody.send("PUT", url, content=b"x").text


def test_part_url_takes_no_more_bytes_than_an_object_store_would(sage):
    upload = sage.owner.begin(b"abc")["uploadId"]
    headers = {"Content-Length": str((5 << 30) + 1)}
    answer = sage.nobody.send("PUT", sage.owner.part_urls(upload, 1)[0], content=b"abcd", headers=headers)
    assert (answer.status_code, "EntityTooLarge" in answer.text) == (400, True)


def test_part_url_of_a_complete_upload_takes_nothing(sage):
    sage.owner.upload(b"abc")
    upload = sage.owner.begin(b"abc")["uploadId"]
    assert sage.nobody.send("PUT", sage.owner.part_urls(upload, 1)[0], content=b"xyz").status_code == 404


def test_handle_is_its_creators_only(sage):
    handle = sage.owner.upload(DATA)
    for path in (f"/fileHandle/{handle}", f"/fileHandle/{handle}/url"):
        assert "Only the creator" in sage.other.fails("GET", path, 403)
    sage.other.fails("DELETE", f"/fileHandle/{handle}", 403)
    sage.nobody.fails("GET", f"/fileHandle/{handle}", 401)


def test_unknown_handle_is_not_found_and_deleting_it_is_fine(sage):
    sage.owner.fails("GET", "/fileHandle/1", 404)
    assert sage.owner.ok("DELETE", "/fileHandle/1") == ""


def test_linked_handle_cannot_be_deleted(sage):
    handle = sage.owner.upload(DATA)
    entity_with(sage.owner, handle)
    sage.owner.fails("DELETE", f"/fileHandle/{handle}", 409)


def test_deleted_handle_is_gone_and_so_is_its_url(sage):
    handle = sage.owner.upload(DATA)
    url = sage.owner.ok("GET", f"/fileHandle/{handle}/url?redirect=false")
    sage.owner.ok("DELETE", f"/fileHandle/{handle}")
    assert sage.nobody.send("GET", url).status_code == 404


def test_file_handles_count_as_names_of_blobs(sage):
    from reconciler.backend.housekeeping import sweep

    handle, store = sage.owner.upload(DATA), sage.backend.app.store
    assert sweep(store.blobs, store.reading, now=4e9) == 0
    sage.owner.ok("DELETE", f"/fileHandle/{handle}")
    assert sweep(store.blobs, store.reading, now=4e9) == 1


def test_batch_keeps_the_order_and_gives_each_its_failure(sage):
    mine, theirs = sage.owner.upload(DATA), sage.other.upload(b"theirs")
    entity = entity_with(sage.owner, mine)
    results = batch(sage.owner, asked(theirs), asked(mine, entity), asked("123", entity), asked(theirs, entity))
    codes = [one.get("failureCode") for one in results]
    assert codes == ["UNAUTHORIZED", None, "UNAUTHORIZED", "UNAUTHORIZED"]
    assert [one["fileHandleId"] for one in results] == [theirs, mine, "123", theirs]
    assert "fileHandle" not in results[0]


@pytest.mark.parametrize(
    ("accesses", "code"), [(("READ",), "UNAUTHORIZED"), (("READ", "DOWNLOAD"), None)], ids=["read", "download"]
)
def test_batch_needs_download_on_the_object(sage, accesses, code):
    handle = sage.owner.upload(DATA)
    entity = entity_with(sage.owner, handle)
    share(sage, entity, *accesses)
    assert batch(sage.other, asked(handle, entity))[0].get("failureCode") == code
    assert batch(sage.other, asked(handle))[0]["failureCode"] == "UNAUTHORIZED"


def test_batch_gives_what_it_is_asked_for(sage):
    handle = sage.owner.upload(DATA)
    [only_url] = batch(sage.owner, asked(handle), includeFileHandles=False)
    [only_handle] = batch(sage.owner, asked(handle), includePreSignedURLs=False)
    assert set(only_url) == {"fileHandleId", "preSignedURL"}
    assert set(only_handle) == {"fileHandleId", "fileHandle"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requestedFiles": []},
        {"requestedFiles": [{"fileHandleId": "1"}], "includeFileHandles": False},
        {"requestedFiles": [{"fileHandleId": "1"}] * 101, "includeFileHandles": True},
        {"requestedFiles": [{}], "includeFileHandles": True},
        {"requestedFiles": ["1"], "includeFileHandles": True},
        {"requestedFiles": {"fileHandleId": "1"}, "includeFileHandles": True},
        {"requestedFiles": [{"fileHandleId": "x"}], "includeFileHandles": True},
        {"requestedFiles": [{"fileHandleId": [1]}], "includeFileHandles": True},
        {"requestedFiles": [{"fileHandleId": "1", "associateObjectType": "FileEntity"}], "includeFileHandles": True},
        {"requestedFiles": [{"fileHandleId": "1", "associateObjectType": "X", "associateObjectId": "1"}],
         "includeFileHandles": True},
        {"requestedFiles": [{"fileHandleId": "1"}], "includeFileHandles": "yes"},
    ],
)  # fmt: skip
def test_batch_that_makes_no_sense_is_refused(sage, body):
    sage.owner.fails("POST", "/fileHandle/batch", 400, json=body)


@pytest.mark.parametrize("named", ["syn99999999", "nonsense", "", 7, None, {"a": 1}, "syn1; DROP TABLE x"])
def test_batch_with_a_strange_object_fails_for_that_file_alone(sage, named):
    handle = sage.other.upload(DATA)
    file = {"fileHandleId": handle, "associateObjectType": "FileEntity", "associateObjectId": named}
    answer = sage.owner.send("POST", "/fileHandle/batch", json={"requestedFiles": [file], "includeFileHandles": True})
    assert answer.status_code == 400 or answer.json()["requestedFiles"][0]["failureCode"] == "UNAUTHORIZED"


def test_file_of_an_entity_and_of_its_versions(sage):
    first, second = sage.owner.upload(b"one"), sage.owner.upload(b"two")
    entity = entity_with(sage.owner, first)
    changed = {**entity, "dataFileHandleId": second, "versionLabel": None}
    sage.owner.ok("PUT", f"/entity/{entity['id']}?newVersion=true", json=changed)
    for path, content in (("file", b"two"), ("version/1/file", b"one"), ("version/2/file", b"two")):
        url = sage.owner.ok("GET", f"/entity/{entity['id']}/{path}?redirect=false")
        assert sage.nobody.send("GET", url).content == content
    listed = sage.owner.ok("GET", f"/entity/{entity['id']}/version/1/filehandles")["list"]
    assert [one["id"] for one in listed] == [first]


def test_file_of_an_entity_needs_download(sage):
    entity = entity_with(sage.owner, sage.owner.upload(DATA))
    sage.other.fails("GET", f"/entity/{entity['id']}/file", 403)
    share(sage, entity, "READ")
    assert "DOWNLOAD" in sage.other.fails("GET", f"/entity/{entity['id']}/file", 403)
    assert sage.other.ok("GET", f"/entity/{entity['id']}/filehandles") == {"list": []}


def test_file_by_association(sage):
    handle = sage.owner.upload(DATA)
    entity = entity_with(sage.owner, handle)
    share(sage, entity, "READ", "DOWNLOAD")
    query = f"fileAssociateType=FileEntity&fileAssociateId={entity['id']}&redirect=false"
    assert sage.nobody.send("GET", sage.other.ok("GET", f"/file/{handle}?{query}")).content == DATA
    sage.other.fails("GET", f"/file/{handle}?redirect=false", 403)


def test_folder_has_no_file(sage):
    project = sage.owner.entity("Project", "p")
    sage.owner.fails("GET", f"/entity/{project['id']}/file", 404)


def test_md5_finds_every_version_that_one_may_read(sage):
    handle = sage.owner.upload(DATA)
    entity = entity_with(sage.owner, handle)
    path = f"/entity/md5/{hashlib.md5(DATA).hexdigest()}"
    found = sage.owner.ok("GET", path)["results"]
    assert [(one["id"], one["versionNumber"]) for one in found] == [(entity["id"], 1)]
    assert sage.other.ok("GET", path)["results"] == []
    sage.owner.ok("DELETE", f"/entity/{entity['id']}", 204)
    assert sage.owner.ok("GET", path)["results"] == []


def test_md5_that_is_none_is_refused(sage):
    sage.owner.fails("GET", "/entity/md5/nonsense", 400)
