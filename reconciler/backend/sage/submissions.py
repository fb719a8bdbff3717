"""Submissions: a version of an entity, handed in to an evaluation together with a picture of what it was then."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from reconciler.backend.database import Row, insert, one, scalar
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import NO_CONTENT, Call, fresh_etag, reply, syn, url_reply, without_nulls
from reconciler.backend.sage.downloads import needed_url
from reconciler.backend.sage.errors import bad, forbidden, missing
from reconciler.backend.sage.evaluations import evaluation_for, find_evaluation
from reconciler.backend.sage.file_handles import find_handle, handle_wire
from reconciler.backend.sage.nodes import Node, entity_wire, find_node, may, require
from reconciler.backend.sage.paging import limit_and_offset
from reconciler.backend.sage.principals import find_user
from reconciler.backend.sage.routes import DOWNLOAD, reads, writes
from reconciler.backend.sage.submission_eligibility import check_eligibility
from reconciler.backend.sage.submission_queue import (
    PRIVATE,
    RECEIVED,
    STATES,
    find_submission,
    sees_private,
    status_wire,
    submission_for,
    submission_wires,
)
from reconciler.backend.wire import Response, encode_json

_MOST: Final = 100
_MOST_CONTRIBUTORS: Final = 1000


def create(call: Call) -> Response:
    """`POST /evaluation/submission?etag=`: the etag is the entity's, so that nobody submits what they did not see."""
    body = call.body
    evaluation = evaluation_for(call, body.needed_integer("evaluationId"), "SUBMIT")["id"]
    node = _entity(call, body)
    team, people = body.integer("teamId"), _contributors(call, body)
    check_eligibility(call, evaluation, team, people, call.query.integer("submissionEligibilityHash"))
    has_file = node["file_handle_id"] is not None and may(call, node, "DOWNLOAD")
    values = {
        "evaluation_id": evaluation,
        "user_id": call.caller.id,
        "team_id": team,
        "entity_id": node["id"],
        "version": node["number"],
        "body": encode_json(_fields(call, body, node)),
        "bundle": encode_json(without_nulls(_bundle(call, node, has_file=has_file))),
        "file_handle_id": node["file_handle_id"] if has_file else None,
        "status": RECEIVED,
        "status_version": 0,
        "created_on": call.now,
        "modified_on": call.now,
        "etag": fresh_etag(),
    }
    number = insert(call.db, "sage_submissions", values)
    call.db.executemany(
        "INSERT INTO sage_contributors (submission_id, user_id, created_on) VALUES (?, ?, ?)",
        [(number, user, call.now) for user in sorted(people)],
    )
    call.db.execute("UPDATE sage_evaluations SET batch_token = NULL WHERE id = ?", (evaluation,))
    return _reply_one(call, number, 201)


def _reply_one(call: Call, number: int, status: int = 200) -> Response:
    return reply(submission_wires(call.db, [find_submission(call.db, number)])[0], status)


def _entity(call: Call, body: Body) -> Node:
    node = find_node(call.db, body.needed_entity("entityId"), body.integer("versionNumber"))
    require(call, node, "READ")
    if call.query.text("etag") != node["etag"]:
        raise bad(f"The supplied eTag is out of date. Please fetch Entity {syn(node['id'])} again.")
    return node


def _contributors(call: Call, body: Body) -> set[int]:
    named = {one.needed_integer("principalId") for one in body.objects("contributors", most=_MOST_CONTRIBUTORS)}
    return {find_user(call.db, user)["id"] for user in named} | {call.caller.id}


def _fields(call: Call, body: Body, node: Node) -> dict[str, Any]:
    values = {
        "name": body.text("name", longest=256) or node["name"],
        "submitterAlias": body.text("submitterAlias", longest=256),
        **_docker(call, body, node),
    }
    return {key: value for key, value in values.items() if value is not None}


def _docker(call: Call, body: Body, node: Node) -> dict[str, Any]:
    if node["type"] != "dockerrepo":
        return {}
    digest = body.needed("dockerDigest", longest=200)
    sql = "SELECT count(*) FROM sage_docker_commits WHERE entity_id = ? AND digest = ?"
    if not scalar(call.db, sql, (node["id"], digest)):
        raise bad(f"The given Docker Repository, {syn(node['id'])}, does not have digest {digest}")
    return {"dockerRepositoryName": json.loads(node["fields"]).get("repositoryName"), "dockerDigest": digest}


def _bundle(call: Call, node: Node, *, has_file: bool) -> dict[str, Any]:
    handles = [handle_wire(find_handle(call.db, node["file_handle_id"]))] if has_file else []
    annotations = {"id": syn(node["id"]), "etag": node["etag"], "annotations": json.loads(node["annotations"])}
    return {
        "entity": entity_wire(node),
        "entityType": node["type"],
        "annotations": annotations,
        "fileHandles": handles,
    }


def get(call: Call) -> Response:
    """`GET /evaluation/submission/{id}`."""
    return _reply_one(call, submission_for(call, call.id(), PRIVATE)["id"])


def delete(call: Call) -> Response:
    """`DELETE /evaluation/submission/{id}`."""
    row = submission_for(call, call.id(), "DELETE_SUBMISSION")
    call.db.execute("DELETE FROM sage_submissions WHERE id = ?", (row["id"],))
    call.db.execute("UPDATE sage_evaluations SET batch_token = NULL WHERE id = ?", (row["evaluation_id"],))
    return NO_CONTENT


def add_contributor(call: Call) -> Response:
    """`POST /evaluation/submission/{id}/contributor`: for administrators."""
    if not call.caller.is_admin:
        raise forbidden("This service is only available to Synapse administrators.")
    row, user = find_submission(call.db, call.id()), find_user(call.db, call.body.needed_integer("principalId"))["id"]
    if one(call.db, "SELECT 1 FROM sage_contributors WHERE submission_id = ? AND user_id = ?", (row["id"], user)):
        raise bad(f"User {user} contributed to this submission already.")
    sql = "INSERT INTO sage_contributors (submission_id, user_id, created_on) VALUES (?, ?, ?)"
    call.db.execute(sql, (row["id"], user, call.now))
    return reply({"principalId": str(user), "createdOn": call.now}, 201)


def file_url(call: Call) -> Response:
    """`GET /evaluation/submission/{id}/file/{handle}`: for the evaluation's organizers."""
    row = submission_for(call, call.id(), PRIVATE)
    if row["file_handle_id"] != call.id("handle"):
        raise missing(f"Submission {row['id']} does not contain the requested FileHandle {call.id('handle')}")
    return url_reply(call, needed_url(call, find_handle(call.db, row["file_handle_id"])))


Wires = Callable[[Call, int, Sequence[Row]], list[dict[str, Any]]]


def _as_submissions(call: Call, _evaluation: int, rows: Sequence[Row]) -> list[dict[str, Any]]:
    return submission_wires(call.db, rows)


def _as_statuses(call: Call, evaluation: int, rows: Sequence[Row]) -> list[dict[str, Any]]:
    private = sees_private(call, evaluation)
    return [status_wire(row, private=private) for row in rows]


def _as_bundles(call: Call, evaluation: int, rows: Sequence[Row]) -> list[dict[str, Any]]:
    both = zip(_as_submissions(call, evaluation, rows), _as_statuses(call, evaluation, rows), strict=True)
    return [{"submission": submission, "submissionStatus": status} for submission, status in both]


def _own(wires: Wires) -> Callable[[Call], Response]:
    def listed(call: Call) -> Response:
        evaluation = find_evaluation(call.db, call.entity())["id"]
        return _page(call, evaluation, wires, "user_id = ?", (call.caller.id,))

    return listed


def _all(wires: Wires, access: str) -> Callable[[Call], Response]:
    def listed(call: Call) -> Response:
        evaluation = evaluation_for(call, call.entity(), access)["id"]
        state = call.query.text("status")
        if state is None:
            return _page(call, evaluation, wires, "1 = 1", ())
        if state not in STATES:
            raise bad(f"No enum constant for status: {state[:100]}. One of {', '.join(STATES)}.")
        return _page(call, evaluation, wires, "status = ?", (state,))

    return listed


def _page(call: Call, evaluation: int, wires: Wires, condition: str, values: tuple[Any, ...]) -> Response:
    limit, offset = limit_and_offset(call, most=_MOST)
    source = f"FROM sage_submissions WHERE evaluation_id = ? AND {condition}"
    total = scalar(call.db, f"SELECT count(*) {source}", (evaluation, *values))
    rows = call.db.execute(
        f"SELECT * {source} ORDER BY id LIMIT ? OFFSET ?", (evaluation, *values, limit, offset)
    ).fetchall()
    return reply({"results": wires(call, evaluation, rows), "totalNumberOfResults": total})


def count(call: Call) -> Response:
    """`GET /evaluation/{id}/submission/count`: a bare number."""
    evaluation = evaluation_for(call, call.entity(), PRIVATE)["id"]
    return reply(int(scalar(call.db, "SELECT count(*) FROM sage_submissions WHERE evaluation_id = ?", (evaluation,))))


ROUTES: Final = (
    writes("POST", "/evaluation/submission", create),
    reads("GET", "/evaluation/submission/{id}", get, anonymous=True),
    writes("DELETE", "/evaluation/submission/{id}", delete),
    writes("POST", "/evaluation/submission/{id}/contributor", add_contributor),
    reads("GET", "/evaluation/submission/{id}/file/{handle}", file_url, scopes=DOWNLOAD),
    reads("GET", "/evaluation/{id}/submission", _own(_as_submissions)),
    reads("GET", "/evaluation/{id}/submission/all", _all(_as_submissions, PRIVATE)),
    reads("GET", "/evaluation/{id}/submission/bundle", _own(_as_bundles)),
    reads("GET", "/evaluation/{id}/submission/bundle/all", _all(_as_bundles, PRIVATE)),
    reads("GET", "/evaluation/{id}/submission/status/all", _all(_as_statuses, "READ")),
    reads("GET", "/evaluation/{id}/submission/count", count),
)
