"""Small services: messages, forms, the download list, docker tags, locks."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

P = "org.sagebionetworks.repo.model"
OWNER_ID, OTHER_ID = 3000001, 3000002


def make_file(user: Any, name: str = "data") -> dict[str, Any]:
    project = user.entity("Project", f"project with {name}")
    fields = {"parentId": project["id"], "dataFileHandleId": user.upload(name.encode())}
    made: dict[str, Any] = user.entity("FileEntity", name, **fields)
    return made


def send(user: Any, *recipients: Any, **fields: Any) -> dict[str, Any]:
    handle = user.upload(b"hello", fileName="message.txt")
    body = {"recipients": [str(one) for one in recipients], "subject": "s", "fileHandleId": handle, **fields}
    made: dict[str, Any] = user.ok("POST", "/message", 201, json=body)
    return made


def test_message_is_read_by_sender_and_recipients_only(sage):
    message = send(sage.owner, OTHER_ID)
    assert (message["recipients"], message["createdBy"]) == ([str(OTHER_ID)], str(OWNER_ID))
    assert sage.other.ok("GET", f"/message/{message['id']}") == message
    url = sage.other.ok("GET", f"/message/{message['id']}/file?redirect=false")
    assert sage.nobody.client.get(url).content == b"hello"
    sage.admin.fails("GET", f"/message/{message['id']}", 403)
    assert sage.owner.ok("GET", "/message/outbox")["results"] == [message]


def test_message_to_a_team_gets_to_its_members_and_is_marked(sage):
    team = sage.other.ok("POST", "/team", 201, json={"name": "crew"})
    message = send(sage.owner, team["id"])
    [got] = sage.other.ok("GET", "/message/inbox")["results"]
    assert (got["message"], got["status"]["status"]) == (message, "UNREAD")
    sage.other.ok("PUT", "/message/status", json={"messageId": message["id"], "status": "ARCHIVED"})
    assert sage.other.ok("GET", "/message/inbox")["results"] == []
    assert len(sage.other.ok("GET", "/message/inbox?inboxFilter=ARCHIVED")["results"]) == 1
    sage.owner.fails("PUT", "/message/status", 404, json={"messageId": message["id"], "status": "READ"})


@pytest.mark.parametrize(
    "change", [{"recipients": []}, {"recipients": ["77"]}, {"recipients": 7}, {"fileHandleId": "x"}]
)
def test_message_that_breaks_a_rule_is_400(sage, change):
    body = {"recipients": [str(OTHER_ID)], "fileHandleId": sage.owner.upload(b"x"), **change}
    sage.owner.fails("POST", "/message", 400, json=body)


def test_message_holds_a_file_of_the_sender(sage):
    theirs = sage.other.upload(b"secret")
    sage.owner.fails("POST", "/message", 403, json={"recipients": [str(OTHER_ID)], "fileHandleId": theirs})


def make_group(user: Any, name: str = "study") -> str:
    return str(user.ok("POST", f"/form/group?name={name}", 201)["groupId"])


def make_form(user: Any, group: str, name: str = "form") -> dict[str, Any]:
    body = {"name": name, "fileHandleId": user.upload(name.encode())}
    made: dict[str, Any] = user.ok("POST", f"/form/data?groupId={group}", 201, json=body)
    return made


def let_submit(sage: Any, group: str) -> None:
    acl = sage.owner.ok("GET", f"/form/group/{group}/acl")
    acl["resourceAccess"].append({"principalId": OTHER_ID, "accessType": ["READ", "SUBMIT"]})
    sage.owner.ok("PUT", f"/form/group/{group}/acl", json=acl)


def test_form_group_of_a_name_is_made_once(sage):
    group = make_group(sage.owner)
    assert make_group(sage.owner) == group
    sage.other.fails("POST", "/form/group?name=study", 400)
    sage.other.fails("GET", f"/form/group/{group}", 403)
    for name in ("", "ab", "x" * 257):
        sage.owner.fails("POST", f"/form/group?name={name}", 400)


def test_form_is_submitted_and_reviewed(sage):
    group = make_group(sage.owner)
    sage.other.fails("POST", f"/form/data?groupId={group}", 403, json={"name": "form", "fileHandleId": "1"})
    let_submit(sage, group)
    form = make_form(sage.other, group)
    path = f"/form/data/{form['formDataId']}"
    assert form["submissionStatus"] == {"state": "WAITING_FOR_SUBMISSION"}
    sage.owner.fails("PUT", f"{path}/accept", 400)
    sage.owner.fails("POST", f"{path}/submit", 403)
    submitted = sage.other.ok("POST", f"{path}/submit")
    assert submitted["submissionStatus"]["state"] == "SUBMITTED_WAITING_FOR_REVIEW"
    sage.other.fails("POST", f"{path}/submit", 400)
    sage.other.fails("PUT", path, 400, json={"fileHandleId": form["dataFileHandleId"]})
    sage.other.fails("PUT", f"{path}/accept", 403)
    rejected = sage.owner.ok("PUT", f"{path}/reject", json={"reason": "why"})["submissionStatus"]
    assert (rejected["state"], rejected["rejectionMessage"], rejected["reviewedBy"]) == (
        "REJECTED",
        "why",
        str(OWNER_ID),
    )
    changed = sage.other.ok("PUT", path, json={"fileHandleId": form["dataFileHandleId"]})
    assert changed["submissionStatus"] == {"state": "WAITING_FOR_SUBMISSION"}
    sage.other.ok("POST", f"{path}/submit")
    assert sage.owner.ok("PUT", f"{path}/accept")["submissionStatus"]["state"] == "ACCEPTED"


def test_forms_are_listed_for_creators_and_reviewers(sage):
    group = make_group(sage.owner)
    let_submit(sage, group)
    mine, theirs = make_form(sage.owner, group), make_form(sage.other, group, "other")
    sage.other.ok("POST", f"/form/data/{theirs['formDataId']}/submit")
    body = {"groupId": group, "filterByState": ["WAITING_FOR_SUBMISSION", "SUBMITTED_WAITING_FOR_REVIEW"]}
    assert sage.owner.ok("POST", "/form/data/list", json=body)["page"] == [mine]
    sage.owner.fails("POST", "/form/data/list/reviewer", 400, json=body)
    review = {"groupId": group, "filterByState": ["SUBMITTED_WAITING_FOR_REVIEW"]}
    sage.other.fails("POST", "/form/data/list/reviewer", 403, json=review)
    [found] = sage.owner.ok("POST", "/form/data/list/reviewer", json=review)["page"]
    assert found["formDataId"] == theirs["formDataId"]
    for states in ([], ["x"], "x"):
        sage.owner.fails("POST", "/form/data/list", 400, json={"groupId": group, "filterByState": states})


def test_form_is_deleted_by_its_creator(sage):
    group = make_group(sage.owner)
    form = make_form(sage.owner, group)
    sage.other.fails("DELETE", f"/form/data/{form['formDataId']}", 403)
    sage.owner.ok("DELETE", f"/form/data/{form['formDataId']}")
    sage.owner.fails("DELETE", f"/form/data/{form['formDataId']}", 404)


def test_access_list_of_a_form_group_needs_its_etag_and_keeps_its_caller(sage):
    group = make_group(sage.owner)
    acl = sage.owner.ok("GET", f"/form/group/{group}/acl")
    sage.owner.ok("PUT", f"/form/group/{group}/acl", json=acl)
    sage.owner.fails("PUT", f"/form/group/{group}/acl", 412, json=acl)
    now = sage.owner.ok("GET", f"/form/group/{group}/acl")
    sage.owner.fails("PUT", f"/form/group/{group}/acl", 400, json={**now, "resourceAccess": []})


def manifest(user: Any) -> list[dict[str, str]]:
    body = {"concreteType": f"{P}.download.DownloadListManifestRequest"}
    token = user.ok("POST", "/download/list/manifest/async/start", 201, json=body)["token"]
    handle = user.ok("GET", f"/download/list/manifest/async/get/{token}", 201)["resultFileHandleId"]
    url = user.ok("GET", f"/file/v1/fileHandle/{handle}/url?redirect=false")
    return list(csv.DictReader(io.StringIO(user.client.get(url).text)))


def test_download_list_counts_what_is_new_and_what_was_there(sage):
    file = make_file(sage.owner)
    item = {"fileEntityId": file["id"], "versionNumber": 1}
    folder = {"fileEntityId": file["parentId"], "versionNumber": 1}
    assert sage.owner.ok("POST", "/download/list/add", json={"batchToAdd": [item, folder]}) == {"numberOfFilesAdded": 1}
    assert sage.owner.ok("POST", "/download/list/add", json={"batchToAdd": [item]}) == {"numberOfFilesAdded": 0}
    [row] = manifest(sage.owner)
    assert (row["ID"], row["versionNumber"], row["dataFileSizeBytes"]) == (file["id"], "1", "4")
    removed = sage.owner.ok("POST", "/download/list/remove", json={"batchToRemove": [item]})
    assert removed == {"numberOfFilesRemoved": 1}


def test_download_list_is_ones_own_and_shows_only_what_one_may_download(sage):
    file = make_file(sage.owner)
    batch = {"batchToAdd": [{"fileEntityId": file["id"]}]}
    sage.owner.ok("POST", "/download/list/add", json=batch)
    sage.other.ok("POST", "/download/list/add", json=batch)
    assert len(manifest(sage.owner)) == 1
    body = {"concreteType": f"{P}.download.DownloadListManifestRequest"}
    token = sage.other.ok("POST", "/download/list/manifest/async/start", 201, json=body)["token"]
    reason = sage.other.fails("GET", f"/download/list/manifest/async/get/{token}", 400)
    assert reason.startswith("No files available for download")
    sage.other.ok("DELETE", "/download/list")
    assert len(manifest(sage.owner)) == 1


@pytest.mark.parametrize(
    "batch", [[], [{}], [{"fileEntityId": "x"}], [{"fileEntityId": "syn1", "versionNumber": "x"}], 7]
)
def test_hostile_batches_of_the_download_list_are_400(sage, batch):
    sage.owner.fails("POST", "/download/list/add", 400, json={"batchToAdd": batch})
    sage.owner.fails("POST", "/download/list/remove", 400, json={"batchToRemove": batch})


def test_batch_of_the_download_list_has_a_limit(sage):
    batch = [{"fileEntityId": f"syn{number}"} for number in range(1, 1002)]
    assert "'1001' exceeds" in sage.owner.fails("POST", "/download/list/add", 400, json={"batchToAdd": batch})


def test_docker_tag_means_its_latest_digest(sage):
    project = sage.owner.entity("Project", "p")
    fields = {"parentId": project["id"], "repositoryName": "docker.io/library/python"}
    repository = sage.owner.entity("docker.DockerRepository", "python", **fields)
    path = f"/entity/{repository['id']}"
    assert sage.owner.ok("GET", f"{path}/dockerTag") == {"results": [], "totalNumberOfResults": 0}
    for tag, digest in (("one", "a"), ("two", "b"), ("one", "c")):
        sage.owner.ok("POST", f"{path}/dockerCommit", 201, json={"tag": tag, "digest": digest})
    tags = sage.owner.ok("GET", f"{path}/dockerTag?sort=TAG&ascending=true")["results"]
    assert [(one["tag"], one["digest"]) for one in tags] == [("one", "c"), ("two", "b")]
    sage.other.fails("GET", f"{path}/dockerTag", 403)
    sage.other.fails("POST", f"{path}/dockerCommit", 403, json={"tag": "x", "digest": "y"})
    sage.owner.fails("GET", f"{path}/dockerTag?sort=x", 400)
    sage.owner.fails("GET", f"/entity/{project['id']}/dockerTag", 400)


def test_entity_is_locked_once_by_who_may_change_its_permissions(sage):
    project = sage.owner.entity("Project", "p")
    path = f"/entity/{project['id']}"
    assert sage.owner.ok("GET", f"{path}/accessRequirement?limit=10")["results"] == []
    sage.other.fails("POST", f"{path}/lockAccessRequirement", 403)
    lock = sage.owner.ok("POST", f"{path}/lockAccessRequirement", 201)
    assert lock["concreteType"] == f"{P}.LockAccessRequirement"
    sage.owner.fails("POST", f"{path}/lockAccessRequirement", 400)
    assert sage.owner.ok("GET", f"{path}/accessRequirement")["results"] == [lock]
    assert sage.owner.ok("GET", f"/accessRequirement/{lock['id']}") == lock
    sage.owner.fails("GET", "/accessRequirement/77", 404)


def test_lock_keeps_all_but_creators_and_administrators_from_the_files_below(sage):
    file = make_file(sage.owner)
    acl = sage.owner.ok("GET", f"/entity/{file['parentId']}/acl")
    acl["resourceAccess"].append({"principalId": OTHER_ID, "accessType": ["READ", "DOWNLOAD"]})
    sage.owner.ok("PUT", f"/entity/{file['parentId']}/acl", json=acl)
    path, mask = f"/entity/{file['id']}", {"includeRestrictionInformation": True}
    before = sage.other.ok("POST", f"{path}/bundle2", json=mask)["restrictionInformation"]
    sage.other.ok("GET", f"{path}/file?redirect=false")
    sage.owner.ok("POST", f"/entity/{file['parentId']}/lockAccessRequirement", 201)
    after = sage.other.ok("POST", f"{path}/bundle2", json=mask)["restrictionInformation"]
    assert [(one["restrictionLevel"], one["hasUnmetAccessRequirement"]) for one in (before, after)] == [
        ("OPEN", False),
        ("CONTROLLED_BY_ACT", True),
    ]
    sage.other.fails("GET", f"{path}/file?redirect=false", 403)
    for user in (sage.owner, sage.admin):
        user.ok("GET", f"{path}/file?redirect=false")


def test_bundle_names_the_root_page_of_the_wiki(sage):
    project = sage.owner.entity("Project", "p")
    path, mask = f"/entity/{project['id']}", {"includeRootWikiId": True}
    assert "rootWikiId" not in sage.owner.ok("POST", f"{path}/bundle2", json=mask)
    page = sage.owner.ok("POST", f"{path}/wiki", 201, json={"markdown": "x"})
    assert sage.owner.ok("POST", f"{path}/bundle2", json=mask)["rootWikiId"] == page["id"]
