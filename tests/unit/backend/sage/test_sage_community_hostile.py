"""Every operation of teams, evaluations, wikis and the small services takes whatever comes without failing itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reconciler.backend.sage import (
    docker,
    download_lists,
    evaluations,
    forms,
    memberships,
    messages,
    restrictions,
    submission_eligibility,
    submission_status,
    submissions,
    team_members,
    teams,
    wiki_files,
    wiki_pages,
    wiki_texts,
)
from reconciler.backend.sage.routes import SageRoute

_SERVICES = (
    docker, download_lists, evaluations, forms, memberships, messages, restrictions, submission_eligibility,
    submission_status, submissions, team_members, teams, wiki_files, wiki_pages, wiki_texts,
)  # fmt: skip
_ROUTES: tuple[SageRoute, ...] = tuple(route for service in _SERVICES for route in service.ROUTES)
_VALUES: tuple[Any, ...] = (
    None, True, -1, 1.5, 1 << 60, "", "x", "syn1", "1", "é\u202e", "9" * 30, [], ["x"], [None], [{}], {},
    {"a": {}}, [[[]]],
)  # fmt: skip
_IDS = ("1", "3000001", "syn1", "0", "9" * 15, "9" * 16, "x", "-1", "%00", "1.5", "é", "nan", "a b")
_KEYS = (
    "id", "etag", "name", "teamId", "inviteeId", "inviteeEmail", "userId", "recipients", "fileHandleId",
    "subject", "contentSource", "evaluationId", "entityId", "versionNumber", "contributors", "resourceAccess",
    "statuses", "status", "isFirstBatch", "isLastBatch", "annotations", "submissionAnnotations", "score",
    "title", "markdown", "idList", "markdownFileHandleId", "attachmentFileHandleIds", "parentWikiId",
    "groupId", "filterByState", "nextPageToken", "batchToAdd", "batchToRemove", "tag", "digest", "list",
    "principalId", "messageId", "reason", "expiresOn", "icon",
)  # fmt: skip
_QUERY = "?limit=3&offset=1&etag=x&isAdmin=x&wikiVersion=0&fileName=%25&groupId=1&name=abc&status=OPEN&fragment=%5C_"


def filled(route: SageRoute, value: str) -> str:
    return re.sub(r"\{[a-z]+\}", value, route.template)


@pytest.mark.parametrize("route", _ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_operation_never_fails_itself(sage, route):
    for value in _IDS:
        sage.owner.send(route.method, filled(route, value) + (_QUERY if value == "1" else ""), json={})
    path = filled(route, "1")
    for value in _VALUES:
        sage.admin.send(route.method, path, json=dict.fromkeys(_KEYS, value))
        sage.admin.send(route.method, path, json=value)
    sage.admin.send(route.method, path, content=b'{"name": "\\ud800"}')
    sage.admin.send(route.method, path, content=b"{" * 5000)


@pytest.mark.parametrize("key", _KEYS)
def test_one_wrong_value_never_fails_what_exists(sage, key):
    project = sage.owner.entity("Project", "p")
    team = sage.owner.ok("POST", "/team", 201, json={"name": "crew"})
    queue = sage.owner.ok("POST", "/evaluation", 201, json={"name": "q", "contentSource": project["id"]})
    page = sage.owner.ok("POST", f"/entity/{project['id']}/wiki", 201, json={"title": "t", "markdown": "m"})
    lists = [sage.owner.ok("GET", f"/{kind}/acl") for kind in (f"team/{team['id']}", f"evaluation/{queue['id']}")]
    targets = (
        ("/team", team), (f"/evaluation/{queue['id']}", queue), (f"/entity/{project['id']}/wiki/{page['id']}", page),
        ("/team/acl", lists[0]), ("/evaluation/acl", lists[1]),
    )  # fmt: skip
    for path, body in targets:
        for value in _VALUES:
            sage.owner.send("PUT", path, json={**body, key: value})
