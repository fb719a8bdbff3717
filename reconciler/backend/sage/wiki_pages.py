"""Wiki pages whose markdown is a file (`wiki2`): pages, their tree, its order, and their history."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.database import Row, one
from reconciler.backend.sage.body import plain_id
from reconciler.backend.sage.call import Call, empty, fresh_etag, reply
from reconciler.backend.sage.errors import bad, stale
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.wiki_owners import Owner, wiki_reads, wiki_writes
from reconciler.backend.sage.wiki_rows import (
    HEADER_COLUMNS,
    HEADERS,
    Content,
    add_page,
    asked_version,
    attachment_ids,
    change_page,
    find_page,
    header_wire,
    needed_root,
    page_wire,
    put_version,
    read_content,
)
from reconciler.backend.wire import Response

_TREE_PAGE: Final = 50
_MOST_ORDERED: Final = 100_000


def _wire(call: Call, row: Row) -> dict[str, Any]:
    return {**page_wire(call.db, row), "markdownFileHandleId": str(row["markdown_id"])}


def create(call: Call, owner: Owner) -> Response:
    """`POST …/wiki2`."""
    page = add_page(call, owner, call.body, read_content(call.body))
    return reply(_wire(call, find_page(call, owner, page)), 201)


def get_root(call: Call, owner: Owner) -> Response:
    """`GET …/wiki2`."""
    return reply(_wire(call, find_page(call, owner, needed_root(call.db, owner), asked_version(call))))


def get(call: Call, owner: Owner) -> Response:
    """`GET …/wiki2/{wiki}?wikiVersion=`."""
    return reply(_wire(call, find_page(call, owner, call.id("wiki"), asked_version(call))))


def put(call: Call, owner: Owner) -> Response:
    """`PUT …/wiki2/{wiki}`."""
    body, row = call.body, find_page(call, owner, call.id("wiki"))
    if body.integer("id", row["id"]) != row["id"]:
        raise bad("The id of the wiki page does not match the path.")
    change_page(call, owner, row, body, read_content(body))
    return reply(_wire(call, find_page(call, owner, row["id"])))


def restore(call: Call, owner: Owner) -> Response:
    """`PUT …/wiki2/{wiki}/{version}`: the content of an old version becomes a new one."""
    old = find_page(call, owner, call.id("wiki"), call.id("version"))
    put_version(call, old, Content(old["title"], old["markdown_id"], tuple(attachment_ids(call.db, old))))
    return reply(_wire(call, find_page(call, owner, old["id"])))


def delete(call: Call, owner: Owner) -> Response:
    """`DELETE …/wiki2/{wiki}`: with all pages below."""
    page = find_page(call, owner, call.id("wiki"))["id"]
    call.db.execute("DELETE FROM sage_wiki_pages WHERE id = ?", (page,))
    return empty()


def tree(call: Call, owner: Owner) -> Response:
    """`GET …/wikiheadertree2`: 404 when there is no wiki, by which clients know that they have to make one."""
    needed_root(call.db, owner)
    values = (owner.kind, owner.id)
    return page_query(call, HEADER_COLUMNS, HEADERS, "p.id", values, header_wire, most=_TREE_PAGE)


def key(call: Call, owner: Owner) -> Response:
    """`GET …/wikikey`."""
    root = needed_root(call.db, owner)
    return reply({"ownerObjectId": owner.wire_id, "ownerObjectType": owner.kind, "wikiPageId": str(root)})


def history(call: Call, owner: Owner) -> Response:
    """`GET …/wiki2/{wiki}/wikihistory`, latest first."""
    page = find_page(call, owner, call.id("wiki"))["id"]
    source = "sage_wiki_versions WHERE page_id = ?"
    return page_query(call, "version, modified_by, modified_on", source, "version DESC", (page,), _snapshot)


def _snapshot(row: Row) -> dict[str, Any]:
    return {
        "version": str(row["version"]),
        "modifiedBy": str(row["modified_by"]),
        "modifiedOn": row["modified_on"],
    }


def get_order(call: Call, owner: Owner) -> Response:
    """`GET …/wiki2orderhint`: no `idList` until somebody gave one."""
    return reply(_order(call, owner))


def _order(call: Call, owner: Owner) -> dict[str, Any]:
    row = one(call.db, "SELECT * FROM sage_wiki_orders WHERE root_id = ?", (needed_root(call.db, owner),))
    assert row is not None, "every wiki is made with one"
    ids = json.loads(row["page_ids"]) if row["page_ids"] else None
    return {"ownerId": owner.wire_id, "ownerObjectType": owner.kind, "idList": ids, "etag": row["etag"]}


def put_order(call: Call, owner: Owner) -> Response:
    """`PUT …/wiki2orderhint`."""
    body = call.body
    if body.text("etag") != _order(call, owner)["etag"]:
        raise stale(owner.wire_id)
    ids = [str(plain_id(str(one))) for one in body.items("idList", most=_MOST_ORDERED)]
    call.db.execute(
        "UPDATE sage_wiki_orders SET etag = ?, page_ids = ? WHERE root_id = ?",
        (fresh_etag(), json.dumps(ids), needed_root(call.db, owner)),
    )
    return reply(_order(call, owner))


ROUTES: Final = (
    *wiki_writes("POST", "/wiki2", create, "CREATE"),
    *wiki_reads("GET", "/wiki2", get_root),
    *wiki_reads("GET", "/wiki2/{wiki}", get),
    *wiki_writes("PUT", "/wiki2/{wiki}", put, "UPDATE"),
    *wiki_writes("PUT", "/wiki2/{wiki}/{version}", restore, "UPDATE"),
    *wiki_writes("DELETE", "/wiki2/{wiki}", delete, "DELETE"),
    *wiki_reads("GET", "/wikiheadertree2", tree),
    *wiki_reads("GET", "/wikikey", key),
    *wiki_reads("GET", "/wiki2/{wiki}/wikihistory", history),
    *wiki_reads("GET", "/wiki2orderhint", get_order),
    *wiki_writes("PUT", "/wiki2orderhint", put_order, "UPDATE"),
)
