"""Wikis in both shapes: the tree, versions, order, files, and who may what."""

from __future__ import annotations

import gzip
import itertools
from typing import Any

import pytest

OTHER_ID = 3000002
_NAMES = itertools.count()


def make_project(user: Any, name: str = "p") -> str:
    return str(user.entity("Project", name)["id"])


def markdown_of(user: Any, text: str) -> str:
    name = f"markdown{next(_NAMES)}.md.gz"  # the same upload again would give the same handle
    handle: str = user.upload(gzip.compress(text.encode(), mtime=0), fileName=name)
    return handle


def make_page(user: Any, owner: str, title: str = "root", text: str = "text", **fields: Any) -> dict[str, Any]:
    body = {"title": title, "markdownFileHandleId": markdown_of(user, text), "attachmentFileHandleIds": [], **fields}
    made: dict[str, Any] = user.ok("POST", f"{owner}/wiki2", 201, json=body)
    return made


def share(user: Any, project: str, *access: str) -> None:
    acl = user.ok("GET", f"/entity/{project}/acl")
    acl["resourceAccess"].append({"principalId": OTHER_ID, "accessType": list(access)})
    user.ok("PUT", f"/entity/{project}/acl", json=acl)


def content(user: Any, path: str) -> bytes:
    return bytes(user.client.get(user.ok("GET", path)).content)


@pytest.fixture
def owner_path(sage: Any) -> str:
    return f"/entity/{make_project(sage.owner)}"


def test_tree_of_an_owner_without_a_wiki_is_404(sage, owner_path):
    for path in ("wikiheadertree2", "wikiheadertree", "wiki2", "wiki", "wiki2orderhint", "wikikey"):
        sage.owner.fails("GET", f"{owner_path}/{path}", 404)


def test_second_root_is_409(sage, owner_path):
    root = make_page(sage.owner, owner_path)
    assert "parentWikiId" not in root
    body = {"title": "x", "markdownFileHandleId": root["markdownFileHandleId"]}
    sage.owner.fails("POST", f"{owner_path}/wiki2", 409, json=body)
    sage.owner.fails("POST", f"{owner_path}/wiki", 409, json={"title": "x", "markdown": "x"})


def test_pages_are_listed_with_their_parents(sage, owner_path):
    root = make_page(sage.owner, owner_path)
    child = make_page(sage.owner, owner_path, "child", parentWikiId=root["id"])
    tree = sage.owner.ok("GET", f"{owner_path}/wikiheadertree2")
    wanted = [{"id": root["id"], "title": "root"}, {"id": child["id"], "title": "child", "parentId": root["id"]}]
    assert (tree["results"], tree["totalNumberOfResults"]) == (wanted, 2)
    assert sage.owner.ok("GET", f"{owner_path}/wikiheadertree2?offset=2")["results"] == []
    assert sage.owner.ok("GET", f"{owner_path}/wikikey")["wikiPageId"] == root["id"]


def test_page_is_found_only_below_its_owner(sage, owner_path):
    root = make_page(sage.owner, owner_path)
    elsewhere = f"/entity/{make_project(sage.owner, 'q')}"
    sage.owner.fails("GET", f"{elsewhere}/wiki2/{root['id']}", 404)
    body = {"title": "x", "markdownFileHandleId": root["markdownFileHandleId"], "parentWikiId": root["id"]}
    sage.owner.fails("POST", f"{elsewhere}/wiki2", 404, json=body)


def test_update_needs_the_etag_and_makes_a_version(sage, owner_path):
    root = make_page(sage.owner, owner_path)
    path = f"{owner_path}/wiki2/{root['id']}"
    changed = sage.owner.ok("PUT", path, json={**root, "title": "new"})
    assert (changed["title"], changed["etag"] != root["etag"]) == ("new", True)
    sage.owner.fails("PUT", path, 412, json={**root, "title": "newer"})
    sage.owner.fails("PUT", path, 400, json={**changed, "id": "77"})
    history = sage.owner.ok("GET", f"{path}/wikihistory")["results"]
    assert [one["version"] for one in history] == ["1", "0"]
    assert sage.owner.ok("GET", f"{path}?wikiVersion=0")["title"] == "root"
    sage.owner.fails("GET", f"{path}?wikiVersion=2", 404)


def test_restored_version_is_a_new_one(sage, owner_path):
    root = make_page(sage.owner, owner_path)
    path = f"{owner_path}/wiki2/{root['id']}"
    changed = sage.owner.ok("PUT", path, json={**root, "title": "new"})
    restored = sage.owner.ok("PUT", f"{path}/0", json=changed)
    assert (restored["title"], restored["markdownFileHandleId"]) == ("root", root["markdownFileHandleId"])
    assert len(sage.owner.ok("GET", f"{path}/wikihistory")["results"]) == 3
    sage.owner.fails("PUT", f"{path}/9", 404, json=restored)


def test_hundred_versions_are_kept(sage, owner_path):
    page = make_page(sage.owner, owner_path)
    path = f"{owner_path}/wiki2/{page['id']}"
    for _ in range(101):
        page = sage.owner.ok("PUT", path, json=page)
    history = sage.owner.ok("GET", f"{path}/wikihistory?limit=1000")
    assert (history["totalNumberOfResults"], history["results"][-1]["version"]) == (100, "2")


def test_page_moves_below_another_but_never_below_itself(sage, owner_path):
    root = make_page(sage.owner, owner_path)
    one = make_page(sage.owner, owner_path, "one", parentWikiId=root["id"])
    two = make_page(sage.owner, owner_path, "two", parentWikiId=one["id"])
    sage.owner.fails("PUT", f"{owner_path}/wiki2/{one['id']}", 400, json={**one, "parentWikiId": two["id"]})
    sage.owner.fails("PUT", f"{owner_path}/wiki2/{root['id']}", 400, json={**root, "parentWikiId": two["id"]})
    moved = sage.owner.ok("PUT", f"{owner_path}/wiki2/{two['id']}", json={**two, "parentWikiId": root["id"]})
    assert moved["parentWikiId"] == root["id"]


def test_deleted_page_takes_those_below_along(sage, owner_path):
    root = make_page(sage.owner, owner_path)
    one = make_page(sage.owner, owner_path, "one", parentWikiId=root["id"])
    make_page(sage.owner, owner_path, "two", parentWikiId=one["id"])
    assert sage.owner.ok("DELETE", f"{owner_path}/wiki2/{one['id']}") == ""
    assert sage.owner.ok("GET", f"{owner_path}/wikiheadertree2")["totalNumberOfResults"] == 1
    sage.owner.ok("DELETE", f"{owner_path}/wiki2/{root['id']}")
    sage.owner.fails("GET", f"{owner_path}/wikiheadertree2", 404)
    make_page(sage.owner, owner_path)


def test_rights_on_the_owner_are_rights_on_its_wiki(sage):
    project = make_project(sage.owner)
    owner = f"/entity/{project}"
    root = make_page(sage.owner, owner)
    page = f"{owner}/wiki2/{root['id']}"
    for path in ("wiki2", "wiki", "wikiheadertree2", "wiki2orderhint", f"wiki2/{root['id']}/markdown"):
        sage.other.fails("GET", f"{owner}/{path}", 403)
    share(sage.owner, project, "READ", "DOWNLOAD")
    sage.other.ok("GET", page)
    body = {"title": "x", "markdownFileHandleId": markdown_of(sage.other, "x"), "parentWikiId": root["id"]}
    sage.other.fails("POST", f"{owner}/wiki2", 403, json=body)
    sage.other.fails("POST", f"{owner}/wiki", 403, json={"markdown": "x", "parentWikiId": root["id"]})
    sage.other.fails("PUT", page, 403, json=root)
    sage.other.fails("PUT", f"{page}/0", 403, json=root)
    sage.other.fails("PUT", f"{owner}/wiki/{root['id']}", 403, json=root)
    sage.other.fails("DELETE", page, 403)
    sage.other.fails("PUT", f"{owner}/wiki2orderhint", 403, json={})


def test_only_files_of_ones_own_get_into_a_page(sage, owner_path):
    theirs = markdown_of(sage.other, "secret")
    sage.owner.fails("POST", f"{owner_path}/wiki2", 403, json={"title": "x", "markdownFileHandleId": theirs})
    own = markdown_of(sage.owner, "x")
    body = {"title": "x", "markdownFileHandleId": own, "attachmentFileHandleIds": [theirs]}
    sage.owner.fails("POST", f"{owner_path}/wiki2", 403, json=body)
    sage.owner.fails("POST", f"{owner_path}/wiki", 403, json={"markdown": "x", "attachmentFileHandleIds": [theirs]})


def test_editor_keeps_files_that_the_page_has_already(sage):
    project = make_project(sage.owner)
    root = make_page(sage.owner, f"/entity/{project}")
    share(sage.owner, project, "READ", "UPDATE")
    changed = sage.other.ok("PUT", f"/entity/{project}/wiki2/{root['id']}", json={**root, "title": "theirs"})
    assert (changed["title"], changed["modifiedBy"]) == ("theirs", str(OTHER_ID))


def test_order_hint_is_kept_by_its_etag(sage, owner_path):
    root = make_page(sage.owner, owner_path)
    hint = sage.owner.ok("GET", f"{owner_path}/wiki2orderhint")
    assert "idList" not in hint
    assert hint["ownerObjectType"] == "ENTITY"
    written = sage.owner.ok("PUT", f"{owner_path}/wiki2orderhint", json={**hint, "idList": [root["id"]]})
    assert written["idList"] == [root["id"]]
    assert sage.owner.ok("GET", f"{owner_path}/wiki2orderhint") == written
    sage.owner.fails("PUT", f"{owner_path}/wiki2orderhint", 412, json=hint)
    sage.owner.fails("PUT", f"{owner_path}/wiki2orderhint", 400, json={**written, "idList": ["x"]})


def test_markdown_and_attachments_are_handed_out_by_url(sage, owner_path):
    note = sage.owner.upload(b"note", fileName="note.txt")
    root = make_page(sage.owner, owner_path, text="# hello", attachmentFileHandleIds=[note])
    page = f"{owner_path}/wiki2/{root['id']}"
    assert gzip.decompress(content(sage.owner, f"{page}/markdown?redirect=false")) == b"# hello"
    assert content(sage.owner, f"{page}/attachment?fileName=note.txt&redirect=False") == b"note"
    assert sage.owner.send("GET", f"{page}/attachment?fileName=note.txt").status_code == 307
    preview = sage.owner.ok("GET", f"{page}/attachmentpreview?fileName=note.txt&redirect=false")
    assert 'filename="preview.txt"' in sage.owner.client.get(preview).headers["Content-Disposition"]
    listed = sage.owner.ok("GET", f"{page}/attachmenthandles")["list"]
    assert [one["fileName"] for one in listed] == ["note.txt"]
    sage.owner.fails("GET", f"{page}/attachment?fileName=other.txt&redirect=false", 404)
    sage.owner.fails("GET", f"{page}/attachment", 400)


def test_attachments_belong_to_versions(sage, owner_path):
    note = sage.owner.upload(b"note", fileName="note.txt")
    root = make_page(sage.owner, owner_path, attachmentFileHandleIds=[note])
    page = f"{owner_path}/wiki2/{root['id']}"
    sage.owner.ok("PUT", page, json={**root, "attachmentFileHandleIds": []})
    assert sage.owner.ok("GET", f"{page}/attachmenthandles")["list"] == []
    assert len(sage.owner.ok("GET", f"{page}/attachmenthandles?wikiVersion=0")["list"]) == 1


def test_files_of_a_wiki_are_read_by_its_readers_and_cannot_be_deleted(sage):
    project = make_project(sage.owner)
    root = make_page(sage.owner, f"/entity/{project}")
    handle = root["markdownFileHandleId"]
    asked = {"fileHandleId": handle, "associateObjectId": root["id"], "associateObjectType": "WikiMarkdown"}
    batch = {"requestedFiles": [asked], "includePreSignedURLs": True}

    def failure() -> Any:
        [found] = sage.other.ok("POST", "/file/v1/fileHandle/batch", 201, json=batch)["requestedFiles"]
        return found.get("failureCode")

    assert failure() == "UNAUTHORIZED"
    share(sage.owner, project, "READ")
    assert failure() is None
    asked["associateObjectType"] = "WikiAttachment"
    assert failure() == "UNAUTHORIZED"
    sage.owner.fails("DELETE", f"/file/v1/fileHandle/{handle}", 409)


def test_both_shapes_show_the_same_pages(sage, owner_path):
    made = sage.owner.ok("POST", f"{owner_path}/wiki", 201, json={"title": "t", "markdown": "# ärger"})
    assert made["markdown"] == "# ärger"
    new = sage.owner.ok("GET", f"{owner_path}/wiki2/{made['id']}")
    assert (
        gzip.decompress(content(sage.owner, f"{owner_path}/wiki2/{made['id']}/markdown?redirect=false")).decode()
        == "# ärger"
    )
    sage.owner.ok(
        "PUT", f"{owner_path}/wiki2/{made['id']}", json={**new, "markdownFileHandleId": markdown_of(sage.owner, "x")}
    )
    assert sage.owner.ok("GET", f"{owner_path}/wiki/{made['id']}")["markdown"] == "x"


def test_text_page_is_updated_by_its_etag(sage, owner_path):
    made = sage.owner.ok("POST", f"{owner_path}/wiki", 201, json={"title": "t", "markdown": "a"})
    path = f"{owner_path}/wiki/{made['id']}"
    changed = sage.owner.ok("PUT", path, json={**made, "markdown": "b"})
    assert (changed["markdown"], sage.owner.ok("GET", f"{owner_path}/wiki")["id"]) == ("b", made["id"])
    sage.owner.fails("PUT", path, 412, json={**made, "markdown": "c"})
    sage.owner.ok("DELETE", path)
    sage.owner.fails("GET", path, 404)


def test_markdown_that_unpacks_to_too_much_or_is_no_text_is_left_out(sage, owner_path):
    bomb = sage.owner.upload(gzip.compress(b"\xff" * (1 << 20)), fileName="m.gz")
    made = sage.owner.ok("POST", f"{owner_path}/wiki2", 201, json={"title": "t", "markdownFileHandleId": bomb})
    assert "markdown" not in sage.owner.ok("GET", f"{owner_path}/wiki/{made['id']}")


def test_wiki_of_an_evaluation_follows_the_rights_on_it(sage):
    project = make_project(sage.owner)
    queue = sage.owner.ok("POST", "/evaluation", 201, json={"name": "q", "contentSource": project})
    owner = f"/evaluation/{queue['id']}"
    root = make_page(sage.owner, owner)
    assert sage.owner.ok("GET", f"{owner}/wiki2")["id"] == root["id"]
    assert sage.owner.ok("GET", f"{owner}/wiki2orderhint")["ownerObjectType"] == "EVALUATION"
    sage.other.fails("GET", f"{owner}/wiki2", 403)


def test_wiki_of_what_is_not_there_is_404(sage):
    for owner in ("/entity/syn77", "/evaluation/77", "/access_requirement/77"):
        sage.owner.fails("GET", f"{owner}/wiki2", 404)
        sage.owner.fails("POST", f"{owner}/wiki", 404, json={"markdown": "x"})


def test_wiki_of_an_entity_in_the_trash_is_404(sage):
    project = make_project(sage.owner)
    make_page(sage.owner, f"/entity/{project}")
    sage.owner.ok("DELETE", f"/entity/{project}", 204)
    assert "trash" in sage.owner.fails("GET", f"/entity/{project}/wiki2", 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"markdownFileHandleId": {}},
        {"markdownFileHandleId": "x"},
        {"markdownFileHandleId": "1", "title": 7},
        {"markdownFileHandleId": "1", "title": "x" * 300},
        {"markdownFileHandleId": "1", "attachmentFileHandleIds": ["x"]},
        {"markdownFileHandleId": "1", "attachmentFileHandleIds": 7},
        {"markdownFileHandleId": "1", "parentWikiId": "x"},
        [],
    ],
    ids=str,
)
def test_hostile_pages_are_400(sage, owner_path, body):
    sage.owner.fails("POST", f"{owner_path}/wiki2", 400, json=body)


@pytest.mark.parametrize("path", ["wiki2/x", "wiki2/1e3", "wiki2/1?wikiVersion=x", "wiki2/1?wikiVersion=-1", "wiki/x"])
def test_hostile_paths_of_pages_are_400(sage, owner_path, path):
    sage.owner.fails("GET", f"{owner_path}/{path}", 400)
