"""External handles, copies, swaps, storage locations, project settings, upload destinations, STS, bulk downloads."""

import hashlib
import io
import json
import zipfile

import pytest

P = "org.sagebionetworks.repo.model"
MD5 = hashlib.md5(b"abc").hexdigest()


def location(user, kind="ExternalS3StorageLocationSetting", **fields):
    return user.ok("POST", "/storageLocation", 201, json={"concreteType": f"{P}.project.{kind}", **fields})


def test_external_handle_has_what_was_given_and_says_what_was_not(sage):
    handle = sage.owner.ok("POST", "/externalFileHandle", json={"externalURL": "sftp://host/a.txt"})
    assert (handle["externalURL"], handle["fileName"], handle["contentType"]) == (
        "sftp://host/a.txt",
        "NOT_SET",
        "NOT_SET",
    )
    assert handle["concreteType"] == f"{P}.file.ExternalFileHandle"


def test_url_of_an_external_handle_is_the_external_one(sage):
    handle = sage.owner.ok("POST", "/externalFileHandle", json={"externalURL": "https://example.com/a"})
    assert sage.owner.ok("GET", f"/fileHandle/{handle['id']}/url?redirect=false") == "https://example.com/a"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "no URL"),
        ({"externalURL": "no url"}, "no scheme"),
        ({"externalURL": "http://[::1"}, "broken host"),
        ({"externalURL": 5}, "no text"),
        ({"externalURL": "https://e.org/", "contentMd5": 5}, "MD5 of another type"),
        ({"externalURL": "https://e.org/", "contentSize": -1}, "no size"),
        ({"concreteType": f"{P}.file.S3FileHandle"}, "a type that is made elsewhere"),
        ({"concreteType": f"{P}.file.ProxyFileHandle"}, "no location"),
    ],
)
def test_external_handle_that_makes_no_sense_is_refused(sage, body, reason):
    assert sage.owner.fails("POST", "/externalFileHandle", 400, json=body), reason


def test_object_store_handle_takes_the_place_from_its_location(sage):
    place = location(
        sage.owner, "ExternalObjectStorageLocationSetting", endpointUrl="https://store.example.com/", bucket="b"
    )
    body = {
        "concreteType": f"{P}.file.ExternalObjectStoreFileHandle",
        "fileKey": "k",
        "contentMd5": MD5,
        "contentSize": 3,
    }
    body["storageLocationId"] = place["storageLocationId"]
    handle = sage.owner.ok("POST", "/externalFileHandle", json=body)
    assert (handle["endpointUrl"], handle["bucket"], handle["fileKey"]) == ("https://store.example.com/", "b", "k")
    url = sage.owner.ok("GET", f"/fileHandle/{handle['id']}/url?redirect=false")
    assert url == "https://store.example.com/b/k"


def test_s3_handle_needs_a_location_of_ones_own_and_its_bucket(sage):
    place = location(sage.owner, bucket="b")["storageLocationId"]
    body = {"bucketName": "b", "key": "k", "contentMd5": MD5, "contentSize": 3, "storageLocationId": place}
    handle = sage.owner.ok("POST", "/externalFileHandle/s3", json=body)
    assert (handle["bucketName"], handle["key"], handle["concreteType"]) == ("b", "k", f"{P}.file.S3FileHandle")
    sage.owner.fails("POST", "/externalFileHandle/s3", 400, json={**body, "bucketName": "c"})
    sage.owner.fails("POST", "/externalFileHandle/s3", 400, json={**body, "storageLocationId": 1})
    sage.other.fails("POST", "/externalFileHandle/s3", 403, json=body)


def test_bytes_in_a_bucket_out_of_reach_are_not_found(sage):
    place = location(sage.owner, bucket="b")["storageLocationId"]
    body = {"bucketName": "b", "key": "k", "contentMd5": MD5, "contentSize": 3, "storageLocationId": place}
    handle = sage.owner.ok("POST", "/externalFileHandle/s3", json=body)["id"]
    sage.owner.fails("GET", f"/fileHandle/{handle}/url", 404)
    wanted = {"requestedFiles": [{"fileHandleId": handle}], "includePreSignedURLs": True}
    answer = sage.owner.ok("POST", "/fileHandle/batch", 201, json=wanted)
    assert answer["requestedFiles"][0]["failureCode"] == "NOT_FOUND"


def test_proxy_handle_does_not_show_the_secret(sage):
    place = location(
        sage.owner,
        "ProxyStorageLocationSettings",
        proxyUrl="https://proxy.example.com",
        secretKey="hush",
        benefactorId="syn1",
    )
    body = {"filePath": "/a/b", "contentMd5": MD5, "contentSize": 3, "storageLocationId": place["storageLocationId"]}
    handle = sage.owner.ok("POST", "/externalFileHandle/proxy", json=body)
    assert handle["filePath"] == "/a/b"
    assert "hush" not in str(handle)
    assert "_proxyUrl" not in handle


def copies(user, *requests):
    return user.ok("POST", "/filehandles/copy", json={"copyRequests": list(requests)})["copyResults"]


def test_copy_has_the_same_bytes_and_another_name(sage):
    original = sage.owner.upload(b"abc")
    [result] = copies(
        sage.owner, {"originalFile": {"fileHandleId": original}, "newFileName": "n", "newContentType": "t/t"}
    )
    made = result["newFileHandle"]
    assert (made["fileName"], made["contentType"], made["contentMd5"]) == ("n", "t/t", MD5)
    sage.owner.ok("DELETE", f"/fileHandle/{original}")
    url = sage.owner.ok("GET", f"/fileHandle/{made['id']}/url?redirect=false")
    assert sage.nobody.send("GET", url).content == b"abc"


def test_copy_of_what_one_may_not_read_fails_for_that_file_alone(sage):
    mine, theirs = sage.owner.upload(b"abc"), sage.other.upload(b"x")
    results = copies(sage.owner, *({"originalFile": {"fileHandleId": one}} for one in (theirs, mine)))
    assert [one.get("failureCode") for one in results] == ["UNAUTHORIZED", None]


@pytest.mark.parametrize("count", [0, 2, 101], ids=["none", "twice the same", "too many"])
def test_copies_that_make_no_sense_are_refused(sage, count):
    body = {"copyRequests": [{"originalFile": {"fileHandleId": "1"}}] * count}
    sage.owner.fails("POST", "/filehandles/copy", 400, json=body)


def test_handle_of_a_version_is_swapped_in_place_for_one_of_the_same_md5(sage):
    old, other = sage.owner.upload(b"abc"), sage.owner.upload(b"xyz")
    [copied] = copies(sage.owner, {"originalFile": {"fileHandleId": old}})
    project = sage.owner.entity("Project", "p")["id"]
    entity = sage.owner.entity("FileEntity", "f", parentId=project, dataFileHandleId=old)
    path = f"/entity/{entity['id']}/version/1/filehandle"
    new = copied["newFileHandle"]["id"]
    sage.owner.fails("PUT", path, 412, json={"oldFileHandleId": old, "newFileHandleId": other})
    sage.owner.fails("PUT", path, 412, json={"oldFileHandleId": other, "newFileHandleId": new})
    sage.other.fails("PUT", path, 403, json={"oldFileHandleId": old, "newFileHandleId": new})
    assert sage.owner.ok("PUT", path, json={"oldFileHandleId": old, "newFileHandleId": new}) == ""
    after = sage.owner.ok("GET", f"/entity/{entity['id']}")
    assert (after["dataFileHandleId"], after["versionNumber"]) == (new, 1)
    assert after["etag"] != entity["etag"]


def test_same_location_is_not_made_twice_by_the_same_user(sage):
    first, again = location(sage.owner, bucket="b"), location(sage.owner, bucket="b", stsEnabled=False)
    assert first["storageLocationId"] == again["storageLocationId"]
    assert location(sage.owner, bucket="c")["storageLocationId"] != first["storageLocationId"]
    assert location(sage.other, bucket="b")["storageLocationId"] != first["storageLocationId"]


def test_location_is_its_creators_only(sage):
    number = location(sage.owner, bucket="b")["storageLocationId"]
    assert sage.owner.ok("GET", f"/storageLocation/{number}")["bucket"] == "b"
    sage.other.fails("GET", f"/storageLocation/{number}", 403)
    assert [one["storageLocationId"] for one in sage.owner.ok("GET", "/storageLocation")["list"]] == [number]
    assert sage.other.ok("GET", "/storageLocation")["list"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"concreteType": "Nonsense"},
        {"concreteType": f"{P}.project.Nonsense"},
        {"concreteType": f"{P}.project.ExternalS3StorageLocationSetting"},
        {"concreteType": f"{P}.project.ExternalS3StorageLocationSetting", "bucket": 3},
        {"concreteType": f"{P}.project.ExternalS3StorageLocationSetting", "bucket": "b", "uploadType": "FAX"},
        [],
        None,
    ],
)
def test_location_that_makes_no_sense_is_refused(sage, body):
    sage.owner.fails("POST", "/storageLocation", 400, json=body)


def setting(user, entity, *locations, status=201):
    body = {
        "concreteType": f"{P}.project.UploadDestinationListSetting", "settingsType": "upload", "projectId": entity,
        "locations": list(locations),
    }  # fmt: skip
    return user.ok("POST", "/projectSettings", status, json=body)


@pytest.fixture
def tree(sage):
    project = sage.owner.entity("Project", "p")["id"]
    return project, sage.owner.entity("Folder", "f", parentId=project)["id"]


def test_without_a_setting_uploads_go_to_the_default_place(sage, tree):
    destination = sage.owner.ok("GET", f"/entity/{tree[1]}/uploadDestination")
    assert destination == {
        "concreteType": f"{P}.file.S3UploadDestination", "storageLocationId": 1, "uploadType": "S3",
    }  # fmt: skip
    assert sage.owner.ok("GET", f"/projectSettings/{tree[1]}/type/upload") == ""


def test_nearest_setting_counts(sage, tree):
    project, folder = tree
    far, near = (location(sage.owner, bucket=one)["storageLocationId"] for one in "ab")
    made = setting(sage.owner, project, far, near)
    assert sage.owner.ok("GET", f"/projectSettings/{folder}/type/upload") == made
    assert sage.owner.ok("GET", f"/entity/{folder}/uploadDestination")["bucket"] == "a"
    assert len(sage.owner.ok("GET", f"/entity/{folder}/uploadDestinations")["list"]) == 2
    assert len(sage.owner.ok("GET", f"/entity/{folder}/uploadDestinationLocations")["list"]) == 2
    setting(sage.owner, folder, near)
    assert sage.owner.ok("GET", f"/entity/{folder}/uploadDestination")["bucket"] == "b"
    assert sage.owner.ok("GET", f"/entity/{project}/uploadDestination/{near}")["bucket"] == "b"


def test_setting_is_changed_with_its_etag_and_removed(sage, tree):
    made = setting(sage.owner, tree[0], 1)
    number = location(sage.owner, bucket="a")["storageLocationId"]
    changed = {**made, "locations": [number]}
    assert sage.owner.ok("PUT", "/projectSettings", json=changed) == ""
    sage.owner.fails("PUT", "/projectSettings", 412, json=changed)
    assert sage.owner.ok("GET", f"/projectSettings/{made['id']}")["locations"] == [number]
    sage.owner.ok("DELETE", f"/projectSettings/{made['id']}", 204)
    sage.owner.fails("GET", f"/projectSettings/{made['id']}", 404)


def test_second_setting_of_an_entity_is_a_conflict(sage, tree):
    setting(sage.owner, tree[0], 1)
    setting(sage.owner, tree[0], 1, status=409)


@pytest.mark.parametrize("locations", [[], [1] * 11, ["x"], "1", [None]])
def test_setting_with_strange_locations_is_refused(sage, tree, locations):
    body = {"projectId": tree[0], "locations": locations}
    sage.owner.fails("POST", "/projectSettings", 400, json=body)


def test_setting_needs_rights_and_ones_own_locations(sage, tree):
    setting(sage.other, tree[0], 1, status=403)
    theirs = location(sage.other, bucket="b")["storageLocationId"]
    setting(sage.owner, tree[0], theirs, status=403)
    sage.other.fails("GET", f"/entity/{tree[0]}/uploadDestination", 403)


def test_object_store_destination_has_a_fresh_prefix_each_time(sage, tree):
    place = location(
        sage.owner, "ExternalObjectStorageLocationSetting", endpointUrl="https://s.example.com", bucket="b"
    )
    setting(sage.owner, tree[0], place["storageLocationId"])
    asked = [sage.owner.ok("GET", f"/entity/{tree[0]}/uploadDestination")["keyPrefixUUID"] for _ in range(2)]
    assert asked[0] != asked[1]
    body = {"fileName": "f", "fileSizeBytes": 1, "contentMD5Hex": MD5, "partSizeBytes": 5 << 20}
    body["storageLocationId"] = place["storageLocationId"]
    assert "Nothing can be uploaded" in sage.owner.fails("POST", "/file/multipart", 400, json=body)


def test_sts_is_refused_with_a_reason(sage, tree):
    assert "STS-enabled" in sage.owner.fails("GET", f"/entity/{tree[1]}/sts?permission=read_only", 400)
    setting(sage.owner, tree[1], location(sage.owner, bucket="b", stsEnabled=True)["storageLocationId"])
    assert "no credentials" in sage.owner.fails("GET", f"/entity/{tree[1]}/sts?permission=read_write", 400)
    sage.owner.fails("GET", f"/entity/{tree[1]}/sts?permission=all", 400)


def bulk(user, *files, **fields):
    body = {"concreteType": f"{P}.file.BulkFileDownloadRequest", "requestedFiles": list(files), **fields}
    token = user.ok("POST", "/file/v1/file/bulk/async/start", 201, json=body)["token"]
    return user.ok("GET", f"/file/v1/file/bulk/async/get/{token}", 201)


def test_bulk_download_is_a_zip_of_what_one_may_read(sage):
    mine = [sage.owner.upload(one, fileName=name) for one, name in ((b"abc", "../a.txt"), (b"xyz", "b.txt"))]
    theirs = sage.other.upload(b"x")
    result = bulk(sage.owner, *({"fileHandleId": one} for one in (*mine, theirs, mine[0], "1")))
    codes = [one.get("failureCode") for one in result["fileSummary"]]
    assert codes == [None, None, "UNAUTHORIZED", "DUPLICATE", "UNAUTHORIZED"]
    url = sage.owner.ok("GET", f"/fileHandle/{result['resultZipFileHandleId']}/url?redirect=false")
    archive = zipfile.ZipFile(io.BytesIO(sage.nobody.send("GET", url).content))
    names = [one["zipEntryName"] for one in result["fileSummary"][:2]]
    assert [archive.read(name) for name in names] == [b"abc", b"xyz"]
    assert not any(".." in name for name in archive.namelist())


def test_bulk_download_of_nothing_readable_has_no_zip(sage):
    assert "resultZipFileHandleId" not in bulk(sage.owner, {"fileHandleId": "1"})


def test_failed_job_answers_with_its_error(sage):
    token = sage.owner.ok("POST", "/file/bulk/async/start", 201, json={"requestedFiles": []})["token"]
    assert "requestedFiles" in sage.owner.fails("GET", f"/file/bulk/async/get/{token}", 400)
    assert sage.owner.ok("GET", f"/asynchronous/job/{token}")["jobState"] == "FAILED"


def test_job_is_seen_by_who_started_it_only(sage):
    token = sage.owner.ok("POST", "/file/bulk/async/start", 201, json={"requestedFiles": []})["token"]
    sage.other.fails("GET", f"/file/bulk/async/get/{token}", 403)
    sage.owner.fails("GET", "/file/bulk/async/get/1", 404)


def test_generic_job_finds_its_kind_by_the_type_of_the_request(sage):
    body = {
        "concreteType": f"{P}.file.BulkFileDownloadRequest",
        "requestedFiles": [{"fileHandleId": sage.owner.upload(b"a")}],
    }
    job = sage.owner.ok("POST", "/asynchronous/job", 201, json={"requestBody": body})
    assert (job["jobState"], job["responseBody"]["fileSummary"][0]["status"]) == ("COMPLETE", "SUCCESS")
    sage.owner.ok("GET", f"/asynchronous/job/{job['jobId']}/cancel", 204)
    sage.owner.fails("POST", "/asynchronous/job", 400, json={"requestBody": {"concreteType": "Nonsense"}})


HOSTILE = (None, [], {}, "x", 0, 1e300, {"a": None}, [[]], {"projectId": {}}, {"storageLocationId": {}},
           {"requestedFiles": [None]}, {"copyRequests": [None]}, {"copyRequests": [{"originalFile": None}]},
           {"partNumbers": {}}, {"fileSizeBytes": -(2**70)}, {"externalURL": "\ud800"}, {"contentMd5": []})  # fmt: skip
PATHS = (
    ("POST", "/fileHandle/batch"), ("POST", "/externalFileHandle"), ("POST", "/externalFileHandle/s3"),
    ("POST", "/externalFileHandle/googleCloud"), ("POST", "/externalFileHandle/proxy"), ("POST", "/filehandles/copy"),
    ("POST", "/file/multipart"), ("PUT", "/file/multipart/1/complete"), ("POST", "/storageLocation"),
    ("POST", "/projectSettings"), ("PUT", "/projectSettings"), ("PUT", "/entity/syn1/version/1/filehandle"),
    ("POST", "/file/bulk/async/start"), ("POST", "/asynchronous/job"), ("GET", "/fileHandle/99999999999999999999"),
    ("GET", "/entity/x/file"), ("GET", "/entity/syn1/version/x/file"), ("GET", "/storageLocation/-1"),
    ("GET", "/file/x"), ("GET", "/projectSettings/x/type/y"), ("GET", "/asynchronous/job/x"),
    ("DELETE", "/fileHandle/x"), ("DELETE", "/projectSettings/x"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_hostile_input_is_the_callers_mistake(sage, method, path):
    is_told_later = path.endswith("/start")  # by the job
    for body in HOSTILE if method in ("POST", "PUT") else (None,):
        status = sage.owner.send(method, path, content=json.dumps(body)).status_code
        assert 400 <= status < 500 or (is_told_later and status == 201), body


@pytest.mark.parametrize(
    "path", ["/sage/get/x/y/z", "/sage/get/1/../../etc", "/sage/put/x/y", "/sage", "/sage/nothing"]
)
def test_hostile_blob_paths_are_the_callers_mistake(sage, path):
    for method in ("GET", "PUT", "HEAD"):
        assert 400 <= sage.nobody.send(method, path).status_code < 500


def test_activity_may_name_a_url_with_a_space_in_it(sage):
    used = [{"concreteType": f"{P}.provenance.UsedURL", "name": "n", "url": "https://e.org/a b", "wasExecuted": True}]
    assert sage.owner.ok("POST", "/activity", 201, json={"name": "run", "used": used})["used"] == used
