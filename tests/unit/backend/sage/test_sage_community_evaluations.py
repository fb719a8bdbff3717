"""Evaluations: names, etags, projects, rights; submissions, their statuses, and who may submit."""

from __future__ import annotations

import json
from typing import Any

import pytest

P = "org.sagebionetworks.repo.model"
OWNER_ID, OTHER_ID = 3000001, 3000002


def make_evaluation(user: Any, name: str = "queue", **fields: Any) -> dict[str, Any]:
    project = fields.pop("project", None) or user.entity("Project", f"project of {name}")["id"]
    made: dict[str, Any] = user.ok("POST", "/evaluation", 201, json={"name": name, "contentSource": project, **fields})
    return made


def grant(user: Any, evaluation: dict[str, Any], principal: int, *access: str) -> None:
    acl = user.ok("GET", f"/evaluation/{evaluation['id']}/acl")
    kept = [one for one in acl["resourceAccess"] if one["principalId"] != principal]
    acl["resourceAccess"] = [*kept, {"principalId": principal, "accessType": list(access)}]
    user.ok("PUT", "/evaluation/acl", json=acl)


def make_file(user: Any, name: str = "data", **fields: Any) -> dict[str, Any]:
    project = user.entity("Project", f"project with {name}")
    handle = user.upload(name.encode())
    made: dict[str, Any] = user.entity("FileEntity", name, parentId=project["id"], dataFileHandleId=handle, **fields)
    return made


def submit(user: Any, evaluation: dict[str, Any], entity: dict[str, Any], query: str = "", **fields: Any) -> Any:
    body = {"evaluationId": evaluation["id"], "entityId": entity["id"], "versionNumber": 1, **fields}
    return user.ok("POST", f"/evaluation/submission?etag={entity['etag']}{query}", 201, json=body)


def status_of(user: Any, submission: dict[str, Any]) -> dict[str, Any]:
    got: dict[str, Any] = user.ok("GET", f"/evaluation/submission/{submission['id']}/status")
    return got


def test_evaluation_is_found_by_id_name_and_project(sage):
    made = make_evaluation(sage.owner, description="d", submissionReceiptMessage="thanks")
    assert sage.owner.ok("GET", f"/evaluation/{made['id']}") == made
    assert sage.owner.ok("GET", "/evaluation/name/queue") == made
    assert sage.owner.ok("GET", f"/entity/{made['contentSource']}/evaluation")["results"] == [made]
    assert (made["ownerId"], made["submissionReceiptMessage"]) == (str(OWNER_ID), "thanks")
    assert "submissionInstructionsMessage" not in made


def test_evaluation_that_is_not_there_is_404(sage):
    for path in ("/evaluation/77", "/evaluation/syn77", "/evaluation/name/none", "/evaluation/77/acl"):
        sage.owner.fails("GET", path, 404)


def test_name_of_an_evaluation_is_taken_for_everybody(sage):
    first = make_evaluation(sage.owner)
    project = sage.other.entity("Project", "theirs")["id"]
    sage.other.fails("POST", "/evaluation", 409, json={"name": "queue", "contentSource": project})
    second = make_evaluation(sage.owner, "second")
    sage.owner.fails("PUT", f"/evaluation/{second['id']}", 409, json={**second, "name": first["name"]})


def test_content_source_is_a_project_in_which_the_caller_may_create(sage):
    project = sage.owner.entity("Project", "p")
    folder = sage.owner.entity("Folder", "f", parentId=project["id"])
    sage.owner.fails("POST", "/evaluation", 400, json={"name": "q"})
    sage.owner.fails("POST", "/evaluation", 400, json={"name": "q", "contentSource": folder["id"]})
    sage.other.fails("POST", "/evaluation", 403, json={"name": "q", "contentSource": project["id"]})
    sage.owner.fails("POST", "/evaluation", 404, json={"name": "q", "contentSource": "syn77"})


def test_update_of_an_evaluation_needs_its_etag_and_keeps_what_never_changes(sage):
    made = make_evaluation(sage.owner)
    other = sage.owner.entity("Project", "elsewhere")["id"]
    body = {**made, "name": "renamed", "contentSource": other, "ownerId": "1", "createdOn": "2000-01-01T00:00:00.000Z"}
    changed = sage.owner.ok("PUT", f"/evaluation/{made['id']}", json=body)
    assert {**changed, "etag": "", "name": ""} == {**made, "etag": "", "name": ""}
    sage.owner.fails("PUT", f"/evaluation/{made['id']}", 412, json=made)
    sage.owner.fails("PUT", f"/evaluation/{made['id']}", 400, json={**changed, "id": "77"})


@pytest.mark.every_database
def test_evaluation_is_seen_changed_and_deleted_only_with_the_right(sage):
    made = make_evaluation(sage.owner)
    path = f"/evaluation/{made['id']}"
    for method, where, body in (
        ("GET", path, None),
        ("PUT", path, made),
        ("DELETE", path, None),
        ("GET", f"{path}/acl", None),
    ):
        sage.other.fails(method, where, 403, json=body)
    assert sage.other.ok("GET", "/evaluation")["results"] == []
    grant(sage.owner, made, OTHER_ID, "READ")
    sage.other.ok("GET", path)
    assert sage.other.ok("GET", "/evaluation")["results"] == [made]
    sage.other.fails("DELETE", path, 403)
    sage.owner.ok("DELETE", path, 204)
    sage.owner.fails("GET", path, 404)


def test_evaluations_are_narrowed_down_by_right_and_ids(sage):
    first, second = make_evaluation(sage.owner, "first"), make_evaluation(sage.owner, "second")
    grant(sage.owner, first, OTHER_ID, "READ")
    grant(sage.owner, second, OTHER_ID, "SUBMIT")
    names = [one["name"] for one in sage.other.ok("GET", "/evaluation?accessType=SUBMIT")["results"]]
    available = [one["name"] for one in sage.other.ok("GET", "/evaluation/available")["results"]]
    assert (names, available) == (["second"], ["second"])
    by_id = sage.owner.ok("GET", f"/evaluation?evaluationIds={second['id']}")
    assert (by_id["results"][0]["name"], by_id["totalNumberOfResults"]) == ("second", 1)
    sage.owner.fails("GET", "/evaluation?accessType=nothing", 400)
    assert sage.owner.ok("GET", "/evaluation?offset=5&limit=2")["results"] == []


def test_permissions_follow_the_access_list(sage):
    made = make_evaluation(sage.owner)
    path = f"/evaluation/{made['id']}/permissions"
    mine = sage.owner.ok("GET", path)
    assert (mine["canSubmit"], mine["canDeleteSubmissions"], mine["ownerPrincipalId"]) == (True, True, OWNER_ID)
    grant(sage.owner, made, OTHER_ID, "READ", "SUBMIT")
    theirs = sage.other.ok("GET", path)
    assert {key for key, value in theirs.items() if value is True} == {"canView", "canSubmit"}
    assert theirs["canPublicRead"] is False
    grant(sage.owner, made, 273949, "READ")
    assert sage.nobody.ok("GET", path)["canPublicRead"] is True


def test_access_list_of_an_evaluation_has_its_rules(sage):
    made = make_evaluation(sage.owner)
    acl = sage.owner.ok("GET", f"/evaluation/{made['id']}/acl")
    sage.other.fails("PUT", "/evaluation/acl", 403, json=acl)
    for principal, access in ((273949, ["SUBMIT"]), (273948, ["READ", "SUBMIT"]), (77, ["READ"]), (OTHER_ID, [])):
        rows = [*acl["resourceAccess"], {"principalId": principal, "accessType": access}]
        sage.owner.fails("PUT", "/evaluation/acl", 400, json={**acl, "resourceAccess": rows})
    sage.owner.ok("PUT", "/evaluation/acl", json=acl)
    sage.owner.fails("PUT", "/evaluation/acl", 412, json=acl)


def test_who_is_not_the_owner_cannot_give_up_the_right_to_change_the_list(sage):
    made = make_evaluation(sage.owner)
    grant(sage.owner, made, OTHER_ID, "READ", "CHANGE_PERMISSIONS")
    acl = sage.other.ok("GET", f"/evaluation/{made['id']}/acl")
    rows = [one for one in acl["resourceAccess"] if one["principalId"] != OTHER_ID]
    sage.other.fails("PUT", "/evaluation/acl", 400, json={**acl, "resourceAccess": rows})


def test_submission_holds_the_entity_as_it_was(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    submission = submit(sage.owner, made, entity, submitterAlias="us")
    bundle = json.loads(submission["entityBundleJSON"])
    assert (bundle["entity"], bundle["entityType"]) == (entity, "file")
    assert [one["id"] for one in bundle["fileHandles"]] == [entity["dataFileHandleId"]]
    assert (submission["name"], submission["submitterAlias"]) == ("data", "us")
    assert [one["principalId"] for one in submission["contributors"]] == [str(OWNER_ID)]
    assert sage.owner.ok("GET", f"/evaluation/submission/{submission['id']}") == submission


def test_submission_of_what_changed_meanwhile_is_400(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    sage.owner.ok("PUT", f"/entity/{entity['id']}", json={**entity, "description": "new"})
    body = {"evaluationId": made["id"], "entityId": entity["id"], "versionNumber": 1}
    reason = sage.owner.fails("POST", f"/evaluation/submission?etag={entity['etag']}", 400, json=body)
    assert "eTag is out of date" in reason
    sage.owner.fails("POST", "/evaluation/submission", 400, json=body)


def test_submitting_needs_the_right_on_the_evaluation_and_on_the_entity(sage):
    made, theirs = make_evaluation(sage.owner), make_file(sage.other, "theirs")
    body = {"evaluationId": made["id"], "entityId": theirs["id"], "versionNumber": 1}
    sage.other.fails("POST", f"/evaluation/submission?etag={theirs['etag']}", 403, json=body)
    sage.owner.fails("POST", f"/evaluation/submission?etag={theirs['etag']}", 403, json=body)
    grant(sage.owner, made, OTHER_ID, "SUBMIT")
    assert submit(sage.other, made, theirs)["userId"] == str(OTHER_ID)


def test_organizer_reads_submitted_files_that_are_not_shared_otherwise(sage):
    made, theirs = make_evaluation(sage.owner), make_file(sage.other, "theirs")
    grant(sage.owner, made, OTHER_ID, "SUBMIT")
    submission = submit(sage.other, made, theirs)
    handle = theirs["dataFileHandleId"]
    path = f"/evaluation/submission/{submission['id']}/file/{handle}?redirect=false"
    assert sage.nobody.client.get(sage.owner.ok("GET", path)).content == b"theirs"
    sage.other.fails("GET", path, 403)
    sage.owner.fails("GET", f"/evaluation/submission/{submission['id']}/file/77", 404)
    asked = {
        "fileHandleId": handle,
        "associateObjectId": submission["id"],
        "associateObjectType": "SubmissionAttachment",
    }
    batch = {"requestedFiles": [asked], "includeFileHandles": True, "includePreSignedURLs": True}
    results = [user.ok("POST", "/file/v1/fileHandle/batch", 201, json=batch) for user in (sage.owner, sage.admin)]
    assert [one["requestedFiles"][0].get("failureCode") for one in results] == [None, None]
    sage.other.fails("GET", f"/evaluation/submission/{submission['id']}", 403)


def test_own_submissions_are_listed_apart_from_all(sage):
    made, mine, theirs = make_evaluation(sage.owner), make_file(sage.owner), make_file(sage.other, "theirs")
    grant(sage.owner, made, OTHER_ID, "SUBMIT", "READ")
    first, second = submit(sage.owner, made, mine), submit(sage.other, made, theirs)
    path = f"/evaluation/{made['id']}/submission"
    assert sage.owner.ok("GET", path)["results"] == [first]
    assert sage.owner.ok("GET", f"{path}/all?limit=1&offset=1")["results"] == [second]
    assert sage.owner.ok("GET", f"{path}/all?offset=2")["results"] == []
    assert sage.owner.ok("GET", f"{path}/count") == 2
    bundles = sage.other.ok("GET", f"{path}/bundle")["results"]
    assert [(one["submission"]["id"], one["submissionStatus"]["status"]) for one in bundles] == [
        (second["id"], "RECEIVED")
    ]
    for private in ("all", "bundle/all", "count"):
        sage.other.fails("GET", f"{path}/{private}", 403)
    assert len(sage.other.ok("GET", f"{path}/status/all")["results"]) == 2


def test_submissions_are_filtered_by_a_known_status(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    submit(sage.owner, made, entity)
    path = f"/evaluation/{made['id']}/submission"
    assert len(sage.owner.ok("GET", f"{path}/all?status=RECEIVED")["results"]) == 1
    assert sage.owner.ok("GET", f"{path}/bundle/all?status=SCORED")["results"] == []
    sage.owner.fails("GET", f"{path}/all?status=NO_SUCH", 400)
    sage.owner.fails("GET", "/evaluation/77/submission/all", 404)
    sage.owner.fails("GET", "/evaluation/77/submission", 404)


def test_status_keeps_annotations_as_texts_and_counts_versions(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    status = status_of(sage.owner, submit(sage.owner, made, entity))
    new = {"annotations": {"n": {"type": "LONG", "value": [3]}, "d": {"type": "DOUBLE", "value": [1.5, "nan"]}}}
    body = {**status, "status": "SCORED", "score": 0.5, "submissionAnnotations": new}
    path = f"/evaluation/submission/{status['id']}/status"
    changed = sage.owner.ok("PUT", path, json=body)
    assert changed["submissionAnnotations"]["annotations"]["n"] == {"type": "LONG", "value": ["3"]}
    assert changed["submissionAnnotations"]["annotations"]["d"] == {"type": "DOUBLE", "value": ["1.5", "nan"]}
    assert (changed["status"], changed["score"], changed["statusVersion"]) == (
        "SCORED",
        0.5,
        status["statusVersion"] + 1,
    )
    assert status_of(sage.owner, status) == changed
    sage.owner.fails("PUT", path, 412, json=body)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "FINE"},
        {"score": 1.5},
        {"score": "x"},
        {"submissionAnnotations": {"annotations": {"n": {"type": "LONG", "value": ["x"]}}}},
        {"submissionAnnotations": {"annotations": {"n": {"type": "NUMBER", "value": []}}}},
        {"submissionAnnotations": {"annotations": {"n": 1}}},
        {"submissionAnnotations": {"annotations": {"n": {"type": "STRING", "value": ["x" * 501]}}}},
        {"annotations": {"longAnnos": [{"key": "k", "value": "x"}]}},
        {"annotations": {"stringAnnos": [{"key": "k"}, {"key": "k"}]}},
        {"id": "77"},
    ],
    ids=lambda change: str(change)[:50],
)
def test_status_that_breaks_a_rule_is_400_and_changes_nothing(sage, change):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    status = status_of(sage.owner, submit(sage.owner, made, entity))
    sage.owner.fails("PUT", f"/evaluation/submission/{status['id']}/status", 400, json={**status, **change})
    assert status_of(sage.owner, status) == status


def test_private_annotations_are_for_organizers_only(sage):
    made, theirs = make_evaluation(sage.owner), make_file(sage.other, "theirs")
    grant(sage.owner, made, OTHER_ID, "SUBMIT", "READ")
    status = status_of(sage.owner, submit(sage.other, made, theirs))
    old = {"stringAnnos": [{"key": "open", "value": "x", "isPrivate": False}, {"key": "closed", "value": "y"}]}
    new = {"annotations": {"a": {"type": "STRING", "value": ["z"]}}}
    path = f"/evaluation/submission/{status['id']}/status"
    sage.owner.ok("PUT", path, json={**status, "annotations": old, "submissionAnnotations": new})
    seen = status_of(sage.other, status)
    assert [one["key"] for one in seen["annotations"]["stringAnnos"]] == ["open"]
    assert "submissionAnnotations" not in seen
    assert len(status_of(sage.owner, status)["annotations"]["stringAnnos"]) == 2
    sage.other.fails("PUT", path, 403, json=seen)


def test_batch_of_statuses_is_all_or_none_and_chained_by_its_token(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    first, second = [status_of(sage.owner, submit(sage.owner, made, entity)) for _ in range(2)]
    path = f"/evaluation/{made['id']}/statusBatch"
    stale = {
        "statuses": [{**first, "status": "SCORED"}, {**second, "etag": "old"}],
        "isFirstBatch": True,
        "isLastBatch": False,
    }
    sage.owner.fails("PUT", path, 412, json=stale)
    assert status_of(sage.owner, first) == first
    batch = {"statuses": [{**first, "status": "SCORED"}], "isFirstBatch": True, "isLastBatch": False}
    token = sage.owner.ok("PUT", path, json=batch)["nextUploadToken"]
    last = {"statuses": [{**second, "status": "SCORED"}], "isFirstBatch": False, "isLastBatch": True}
    sage.owner.fails("PUT", path, 412, json={**last, "batchToken": "other"})
    assert sage.owner.ok("PUT", path, json={**last, "batchToken": token}) == {}
    assert status_of(sage.owner, second)["status"] == "SCORED"
    sage.other.fails("PUT", path, 403, json=batch)


def test_batch_of_statuses_has_its_limits(sage):
    made, other, entity = make_evaluation(sage.owner), make_evaluation(sage.owner, "other"), make_file(sage.owner)
    status = status_of(sage.owner, submit(sage.owner, made, entity))
    flags = {"isFirstBatch": True, "isLastBatch": True}
    path = f"/evaluation/{made['id']}/statusBatch"
    for statuses in ([], [status, status], [status] * 501):
        sage.owner.fails("PUT", path, 400, json={"statuses": statuses, **flags})
    sage.owner.fails("PUT", path, 400, json={"statuses": [status]})
    sage.owner.fails("PUT", f"/evaluation/{other['id']}/statusBatch", 400, json={"statuses": [status], **flags})


def test_cancelling_is_asked_for_by_the_submitter_when_it_is_allowed(sage):
    made, theirs = make_evaluation(sage.owner), make_file(sage.other, "theirs")
    grant(sage.owner, made, OTHER_ID, "SUBMIT", "READ")
    status = status_of(sage.owner, submit(sage.other, made, theirs))
    path = f"/evaluation/submission/{status['id']}"
    sage.other.fails("PUT", f"{path}/cancellation", 403)
    sage.owner.ok("PUT", f"{path}/status", json={**status, "canCancel": True})
    sage.owner.fails("PUT", f"{path}/cancellation", 403)
    sage.other.ok("PUT", f"{path}/cancellation", 204)
    assert status_of(sage.other, status)["cancelRequested"] is True


def test_deleting_a_submission_needs_the_right_and_takes_its_status_along(sage):
    made, theirs = make_evaluation(sage.owner), make_file(sage.other, "theirs")
    grant(sage.owner, made, OTHER_ID, "SUBMIT", "READ")
    submission = submit(sage.other, made, theirs)
    path = f"/evaluation/submission/{submission['id']}"
    sage.other.fails("DELETE", path, 403)
    sage.owner.ok("DELETE", path, 204)
    sage.owner.fails("GET", path, 404)
    sage.owner.fails("GET", f"{path}/status", 404)


def test_team_submits_with_the_hash_of_its_eligibility(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    team = sage.owner.ok("POST", "/team", 201, json={"name": "crew", "canPublicJoin": True})
    sage.other.fails("GET", f"/evaluation/{made['id']}/team/{team['id']}/submissionEligibility", 403)
    standing = sage.owner.ok("GET", f"/evaluation/{made['id']}/team/{team['id']}/submissionEligibility")
    sage.other.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    body = {"evaluationId": made["id"], "entityId": entity["id"], "versionNumber": 1, "teamId": team["id"]}
    path = f"/evaluation/submission?etag={entity['etag']}"
    sage.owner.fails("POST", path, 400, json=body)
    sage.owner.fails("POST", f"{path}&submissionEligibilityHash={standing['eligibilityStateHash']}", 403, json=body)
    now = sage.owner.ok("GET", f"/evaluation/{made['id']}/team/{team['id']}/submissionEligibility")
    query = f"&submissionEligibilityHash={now['eligibilityStateHash']}"
    submission = submit(
        sage.owner, made, entity, query, teamId=team["id"], contributors=[{"principalId": str(OTHER_ID)}]
    )
    assert [one["principalId"] for one in submission["contributors"]] == [str(OWNER_ID), str(OTHER_ID)]
    assert "part of a Team" in sage.owner.fails("POST", path, 403, json={**body, "teamId": None})
    sage.owner.fails("DELETE", f"/team/{team['id']}", 400)


def test_who_submitted_alone_cannot_contribute_to_a_team(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    team = sage.owner.ok("POST", "/team", 201, json={"name": "crew"})
    submit(sage.owner, made, entity)
    standing = sage.owner.ok("GET", f"/evaluation/{made['id']}/team/{team['id']}/submissionEligibility")
    assert standing["membersEligibility"][0]["hasConflictingSubmission"] is True
    body = {"evaluationId": made["id"], "entityId": entity["id"], "versionNumber": 1, "teamId": team["id"]}
    path = f"/evaluation/submission?etag={entity['etag']}&submissionEligibilityHash={standing['eligibilityStateHash']}"
    sage.owner.fails("POST", path, 403, json=body)


def test_individual_submission_has_no_other_contributors(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    body = {"evaluationId": made["id"], "entityId": entity["id"], "contributors": [{"principalId": str(OTHER_ID)}]}
    sage.owner.fails("POST", f"/evaluation/submission?etag={entity['etag']}", 400, json=body)


def test_contributors_are_added_by_administrators(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    submission = submit(sage.owner, made, entity)
    path = f"/evaluation/submission/{submission['id']}/contributor"
    sage.owner.fails("POST", path, 403, json={"principalId": str(OTHER_ID)})
    assert sage.admin.ok("POST", path, 201, json={"principalId": str(OTHER_ID)})["principalId"] == str(OTHER_ID)
    sage.admin.fails("POST", path, 400, json={"principalId": str(OTHER_ID)})


def test_docker_repository_is_submitted_with_a_digest_that_it_has(sage):
    made = make_evaluation(sage.owner)
    fields = {"parentId": made["contentSource"], "repositoryName": "docker.io/library/python"}
    repository = sage.owner.entity("docker.DockerRepository", "python", **fields)
    sage.owner.ok("POST", f"/entity/{repository['id']}/dockerCommit", 201, json={"tag": "3", "digest": "sha256:aa"})
    assert [one["tag"] for one in sage.owner.ok("GET", f"/entity/{repository['id']}/dockerTag")["results"]] == ["3"]
    repository = sage.owner.ok("GET", f"/entity/{repository['id']}")
    body = {"evaluationId": made["id"], "entityId": repository["id"], "dockerDigest": "sha256:bb"}
    sage.owner.fails("POST", f"/evaluation/submission?etag={repository['etag']}", 400, json=body)
    submission = submit(sage.owner, made, repository, dockerDigest="sha256:aa")
    assert (submission["dockerRepositoryName"], submission["dockerDigest"]) == ("docker.io/library/python", "sha256:aa")


def test_deleting_an_evaluation_takes_submissions_and_wiki_along(sage):
    made, entity = make_evaluation(sage.owner), make_file(sage.owner)
    submission = submit(sage.owner, made, entity)
    sage.owner.ok("POST", f"/evaluation/{made['id']}/wiki", 201, json={"title": "w", "markdown": "x"})
    sage.owner.ok("DELETE", f"/evaluation/{made['id']}", 204)
    sage.owner.fails("GET", f"/evaluation/submission/{submission['id']}", 404)
    make_evaluation(sage.owner, "queue", project=made["contentSource"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/evaluation", {"name": "a\nb", "contentSource": "syn1"}),
        ("POST", "/evaluation", {"name": "x" * 300, "contentSource": "syn1"}),
        ("POST", "/evaluation", {"name": {}, "contentSource": "syn1"}),
        ("POST", "/evaluation", {"name": "x", "contentSource": {}}),
        ("PUT", "/evaluation/acl", {"id": "x"}),
        ("POST", "/evaluation/submission?etag=1&submissionEligibilityHash=x", {"evaluationId": "x"}),
        ("PUT", "/evaluation/1e9/statusBatch", {}),
        ("PUT", "/evaluation/submission/x/status", {}),
        ("GET", "/evaluation?evaluationIds=x", None),
        ("GET", "/evaluation?limit=-1", None),
        ("GET", "/evaluation/submission/x", None),
    ],
)
def test_hostile_input_is_400(sage, method, path, body):
    sage.owner.fails(method, path, 400, json=body)
