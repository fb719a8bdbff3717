"""The edge of the Sage dialect: roots, sign-in, scopes, errors, users and tokens, and input that means harm."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.backend.sage.services import ROUTES
from reconciler.errors import ConfigError
from tests.unit.backend.sage.conftest import OWNER, SEED, P, Sage

_HARM = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(1 << 80), max_value=1 << 80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "syn4489", "syn1", "9" * 30, "a\x00b", "\ud800", "../..", "%", "1.5", f"{P}.Project", "READ"]),
    st.text(max_size=20),
)
_KEYS = st.sampled_from(
    [
        "id", "etag", "name", "parentId", "concreteType", "entity", "annotations", "resourceAccess", "includeTypes",
        "used", "limit", "offset", "scope", "nextPageToken", "references", "principalId", "requestedFiles", "sql",
        "fileHandleId",
    ]
)  # fmt: skip
_BODIES = st.recursive(
    _HARM, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=8
)


@pytest.mark.parametrize("path", ["/repo/v1", "/auth/v1", "/file/v1", "/portal/www.synapse.org/", "/repo/v1/"])
def test_root_answers_without_a_token(sage: Sage, path: str) -> None:
    assert sage.nobody.client.get(path).status_code == 200


@pytest.mark.parametrize("header", ["Bearer wrong-token", "Basic abc", "Bearer", ""])
def test_bad_token_is_refused_with_a_challenge(sage: Sage, header: str) -> None:
    answer = sage.nobody.send("GET", "/personalAccessToken", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Synapse Repository Services"'
    assert answer.json()["concreteType"] == f"{P}.ErrorResponse"
    assert answer.json()["reason"]


def test_nobody_is_called_anonymous(sage: Sage) -> None:
    assert sage.nobody.ok("GET", "/userProfile")["userName"] == "anonymous"


def test_operation_answers_below_each_root_and_with_a_slash(sage: Sage) -> None:
    for root in ("/repo/v1", "/auth/v1", "/file/v1"):
        assert sage.owner.ok("GET", f"{root}/userProfile/")["ownerId"] == "3000001"


def test_unknown_path_is_missing_and_a_wrong_method_says_what_is_right(sage: Sage) -> None:
    sage.owner.fails("GET", "/nothing/here", 404)
    answer = sage.owner.send("PATCH", "/entity/syn1")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.json()["reason"]


@pytest.mark.parametrize("content", [b"{", b"[1]", b'"text"', b"", b"\xff", b'{"name": "a\\u0000b"}', b"[" * 100_000])
def test_body_that_is_no_object_is_refused(sage: Sage, content: bytes) -> None:
    assert sage.owner.send("POST", "/entity", content=content).status_code == 400


def test_token_is_limited_to_its_scopes(sage: Sage, anonymous: Callable[..., httpx.Client]) -> None:
    token = sage.owner.ok("POST", "/auth/v1/personalAccessToken", 201, json={"name": "read", "scope": ["view"]})[
        "token"
    ]
    made = sage.owner.entity("Project", "atlas")
    client = anonymous(sage.backend.app, Authorization=f"Bearer {token}")
    assert client.get(f"/repo/v1/entity/{made['id']}").status_code == 200
    assert client.put(f"/repo/v1/entity/{made['id']}", json=made).status_code == 403
    assert client.delete(f"/repo/v1/entity/{made['id']}").status_code == 403


def test_token_is_listed_without_its_text_and_can_be_deleted(
    sage: Sage, anonymous: Callable[..., httpx.Client]
) -> None:
    token = sage.owner.ok("POST", "/auth/v1/personalAccessToken", 201, json={"name": "n"})["token"]
    listed = sage.owner.ok("GET", "/auth/v1/personalAccessToken")["results"]
    assert token not in str(listed)
    number = next(one["id"] for one in listed if one["name"] == "n")
    sage.owner.ok("DELETE", f"/auth/v1/personalAccessToken/{number}", 204)
    client = anonymous(sage.backend.app, Authorization=f"Bearer {token}")
    assert client.get("/repo/v1/userProfile").status_code == 401


def test_profile_shows_mail_to_its_owner_only(sage: Sage) -> None:
    assert sage.owner.ok("GET", "/userProfile")["emails"] == ["owner@example.com"]
    assert "emails" not in sage.other.ok("GET", "/userProfile/3000001")
    sage.owner.fails("GET", "/userProfile/77", 404)


def test_profile_is_changed_with_its_etag(sage: Sage) -> None:
    own = sage.owner.ok("GET", "/userProfile")
    changed = sage.owner.ok("PUT", "/userProfile", json=own | {"firstName": "Ada", "userName": "ignored"})
    assert (changed["firstName"], changed["userName"]) == ("Ada", "owner")
    sage.owner.fails("PUT", "/userProfile", 412, json=own)


def test_users_are_found_by_prefix(sage: Sage) -> None:
    found = sage.owner.ok("GET", "/userGroupHeaders?prefix=OW")["children"]
    assert [(one["ownerId"], one["isIndividual"]) for one in found] == [("3000001", True)]
    assert sage.owner.ok("GET", "/userGroupHeaders?prefix=OW&offset=20")["children"] == []


def test_group_is_no_user(sage: Sage) -> None:
    sage.owner.fails("GET", "/user/273948/bundle?mask=1", 404)
    sage.owner.fails("GET", "/user/3000001/certifiedUserPassingRecord", 404)


def test_local_token_opens_both_dialects(sage: Sage, anonymous: Callable[..., httpx.Client]) -> None:
    token = sage.backend.app.store.local_token()
    sage_client = anonymous(sage.backend.app, Authorization=f"Bearer {token}")
    assert sage_client.get("/repo/v1/userProfile").json()["userName"] == "local"
    assert anonymous(sage.backend.app, Synapse_Access_Token=token).get("/v2/projects/").status_code == 200


def test_administrator_may_everything(sage: Sage) -> None:
    made = sage.owner.entity("Project", "atlas")
    assert sage.admin.ok("GET", f"/entity/{made['id']}")["name"] == "atlas"


def test_seed_applied_again_changes_nothing(sage: Sage, open_backend: Callable[..., Any]) -> None:
    before = sage.owner.ok("GET", "/userProfile")
    sage.backend.app.close()
    again = open_backend(seed=SEED).app
    client = httpx.Client(
        transport=httpx.WSGITransport(app=again),
        base_url="http://embedded.local",
        headers={"Authorization": f"Bearer {OWNER}"},
    )
    assert client.get("/repo/v1/userProfile").json() == before


def test_uncertified_user_makes_projects_only(open_backend: Callable[..., Any], anonymous: Any) -> None:
    user = {"userName": "novice", "certified": False, "tokens": ["pat-novice"]}
    app = open_backend(seed={"sage": {"users": [user]}}).app
    client = anonymous(app, Authorization="Bearer pat-novice")
    top = client.post("/repo/v1/entity", json={"concreteType": f"{P}.Project", "name": "a"})
    assert top.status_code == 201
    refused = client.post("/repo/v1/entity", json={"concreteType": f"{P}.Folder", "parentId": top.json()["id"]})
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "USER_CERTIFICATION_REQUIRED")


@pytest.mark.parametrize(
    "users",
    [
        [{"id": 1, "userName": "t"}],
        [{"userName": "t", "tokens": ["same-token"]}, {"userName": "u", "tokens": ["same-token"]}],
        [{"userName": "T"}, {"userName": "t"}],
        [{"id": "7", "userName": "t"}],
        [{"userName": "t", "admin": "yes"}],
        [{"userName": "a b"}],
        [{"userName": "t", "colour": "red"}],
    ],
    ids=["taken id", "same token", "same name", "id is text", "flag is text", "space in name", "unknown key"],
)
def test_seed_with_a_mistake_is_refused(open_backend: Callable[..., Any], users: list[dict[str, Any]]) -> None:
    with pytest.raises(ConfigError):
        open_backend(seed={"sage": {"users": users}})


def _path(template: str, values: list[str]) -> str:
    chosen = iter(values)
    return re.sub(r"\{[^}]*\}", lambda _: next(chosen, "1"), template)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_input_makes_the_server_fail(sage: Sage, data: st.DataObject) -> None:
    """Whatever is sent anywhere, the mistake is the caller's: below 500, not 429, and an error has a reason."""
    route = data.draw(st.sampled_from(ROUTES))
    part = st.sampled_from(["1", "syn4489", "3000001", "9" * 19, "9" * 30, "x", "-1", "a%00b", "273948"])
    path = _path(route.template, data.draw(st.lists(part, min_size=4, max_size=4)))
    query = data.draw(st.dictionaries(st.sampled_from(["limit", "offset", "generatedBy", "prefix", "ids"]), part))
    user = data.draw(st.sampled_from([sage.owner, sage.admin, sage.nobody]))
    request: dict[str, Any] = {"params": query}
    if route.method != "GET":
        request["json"] = data.draw(_BODIES)
    try:
        answer = user.client.request(route.method, f"/repo/v1{path}", **request)
    except UnicodeEncodeError:
        return  # the client itself cannot write a lone surrogate
    assert answer.status_code < 500, (route, answer.text)
    assert answer.status_code != 429
    if answer.status_code >= 400:
        assert isinstance(answer.json()["reason"], str)
