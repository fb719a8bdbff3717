"""Rows of wiki pages and their versions: finding them, writing a new version, and what they look like on the wire.

Every change of a page is a new version, numbered from 0; the latest 100 are kept. Markdown and attachments are files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.backend.database import Connection, Row, insert, one, scalar
from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import Call, fresh_etag
from reconciler.backend.sage.errors import bad, missing, stale, taken
from reconciler.backend.sage.file_handles import find_handle, own_handle
from reconciler.backend.sage.wiki_owners import Owner

_KEPT_VERSIONS: Final = 100
_LONGEST_TITLE: Final = 256
_MOST_ATTACHMENTS: Final = 1000
_COLUMNS: Final = (
    "p.id, p.parent_id, p.etag, p.version, p.created_by, p.created_on, v.version AS number, v.title, v.markdown_id,"
    " v.modified_by, v.modified_on"
)
_JOINED: Final = "sage_wiki_pages p JOIN sage_wiki_versions v ON v.page_id = p.id"


@dataclass(frozen=True, slots=True)
class Content:
    """What a version of a page holds. markdown, attachments: ids of file handles."""

    title: str | None
    markdown: int
    attachments: tuple[int, ...]


def root_id(db: Connection, kind: str, owner: int) -> int | None:
    """The first page of an owner's wiki, None when there is no wiki."""
    sql = "SELECT id FROM sage_wiki_pages WHERE owner_kind = ? AND owner_id = ? AND parent_id IS NULL"
    found: int | None = scalar(db, sql, (kind, owner))
    return found


def needed_root(db: Connection, owner: Owner) -> int:
    """The first page of an owner's wiki; 404 when there is no wiki."""
    found = root_id(db, owner.kind, owner.id)
    if found is None:
        raise missing(f"A root wiki does not exist for ownerId: {owner.wire_id} and ownerType: {owner.kind}")
    return found


def find_page(call: Call, owner: Owner, page: int, version: int | None = None) -> Row:
    """A page of an owner with one of its versions, the latest when None; 404 when there is none."""
    wanted = "v.version = p.version" if version is None else "v.version = ?"
    values = (page, owner.kind, owner.id, *(() if version is None else (version,)))
    row = one(
        call.db,
        f"SELECT {_COLUMNS} FROM {_JOINED} WHERE p.id = ? AND p.owner_kind = ? AND p.owner_id = ? AND {wanted}",
        values,
    )
    if row is None:
        which = "" if version is None else f" and version: {version}"
        raise missing(f"No wiki page found with id: {page}{which}")
    return row


def asked_version(call: Call) -> int | None:
    """The version that the query names, None for the latest."""
    version = call.query.integer("wikiVersion")
    if version is not None and version < 0:
        raise bad("wikiVersion must be zero or more.")
    return version


def attachment_ids(db: Connection, row: Row) -> list[int]:
    """Ids of the file handles attached to a version."""
    sql = "SELECT file_handle_id FROM sage_wiki_attachments WHERE page_id = ? AND version = ? ORDER BY file_handle_id"
    return [one[0] for one in db.execute(sql, (row["id"], row["number"]))]


def page_wire(db: Connection, row: Row) -> dict[str, Any]:
    """A page as the wire has it, but for its markdown."""
    return {
        "id": str(row["id"]),
        "etag": row["etag"],
        "title": row["title"],
        "parentWikiId": None if row["parent_id"] is None else str(row["parent_id"]),
        "attachmentFileHandleIds": [str(one) for one in attachment_ids(db, row)],
        "createdBy": str(row["created_by"]),
        "createdOn": row["created_on"],
        "modifiedBy": str(row["modified_by"]),
        "modifiedOn": row["modified_on"],
    }


def header_wire(row: Row) -> dict[str, Any]:
    """A page as lists have it."""
    parent = None if row["parent_id"] is None else str(row["parent_id"])
    return {"id": str(row["id"]), "title": row["title"], "parentId": parent}


HEADERS: Final = f"{_JOINED} WHERE v.version = p.version AND p.owner_kind = ? AND p.owner_id = ?"
HEADER_COLUMNS: Final = "p.id, p.parent_id, v.title"


def read_title(body: Body) -> str | None:
    """The title that a body gives."""
    return body.text("title", longest=_LONGEST_TITLE)


def read_attachments(body: Body) -> tuple[int, ...]:
    """The attachments that a body names."""
    listed = body.items("attachmentFileHandleIds", most=_MOST_ATTACHMENTS)
    return tuple(sorted({plain_id(str(one)) for one in listed}))


def read_content(body: Body) -> Content:
    """The content of a page whose markdown is uploaded already."""
    return Content(read_title(body), body.needed_integer("markdownFileHandleId"), read_attachments(body))


def add_page(call: Call, owner: Owner, body: Body, content: Content) -> int:
    """Make a page below the one that the body names, or the first page; returns its id."""
    parent = body.integer("parentWikiId")
    if parent is None and root_id(call.db, owner.kind, owner.id) is not None:
        raise taken(f"A root wiki already exists for ownerId: {owner.wire_id} and ownerType: {owner.kind}")
    if parent is not None:
        find_page(call, owner, parent)
    _check_files(call, content, known=frozenset())
    values = {
        "owner_kind": owner.kind,
        "owner_id": owner.id,
        "parent_id": parent,
        "etag": fresh_etag(),
        "version": 0,
        "created_by": call.caller.id,
        "created_on": call.now,
    }
    page = insert(call.db, "sage_wiki_pages", values)
    if parent is None:
        call.db.execute("INSERT INTO sage_wiki_orders (root_id, etag) VALUES (?, ?)", (page, fresh_etag()))
    _add_version(call, page, 0, content)
    return page


def change_page(call: Call, owner: Owner, row: Row, body: Body, content: Content) -> None:
    """Give a page a new version, below another parent if the body names one. Raises `ApiError` 412 for an old etag."""
    if body.text("etag") != row["etag"]:
        raise stale(str(row["id"]))
    put_version(call, row, content)
    parent = body.integer("parentWikiId")
    if parent not in (None, row["parent_id"]):
        _move(call, owner, row, parent)


def put_version(call: Call, row: Row, content: Content) -> None:
    """Give a page a new version and a fresh etag; versions that are too many go."""
    _check_files(call, content, known=_files_of(call.db, row["id"]))
    version = row["version"] + 1
    call.db.execute("UPDATE sage_wiki_pages SET etag = ?, version = ? WHERE id = ?", (fresh_etag(), version, row["id"]))
    _add_version(call, row["id"], version, content)
    oldest = version - _KEPT_VERSIONS
    call.db.execute("DELETE FROM sage_wiki_versions WHERE page_id = ? AND version <= ?", (row["id"], oldest))


def _move(call: Call, owner: Owner, row: Row, parent: int | None) -> None:
    if row["parent_id"] is None:
        raise bad("The root page of a wiki cannot have a parent.")
    above: int | None = parent
    while above is not None:
        if above == row["id"]:
            raise bad("There will be a cycle if this wiki is updated. Put in valid parentId")
        above = find_page(call, owner, above)["parent_id"]
    call.db.execute("UPDATE sage_wiki_pages SET parent_id = ? WHERE id = ?", (parent, row["id"]))


def _check_files(call: Call, content: Content, *, known: frozenset[int]) -> None:
    """Files that the page has already may be used by who may change the page; others only by who uploaded them."""
    for handle in (content.markdown, *content.attachments):
        if handle not in known:
            own_handle(call, handle)


def _files_of(db: Connection, page: int) -> frozenset[int]:
    rows = db.execute(
        "SELECT markdown_id FROM sage_wiki_versions WHERE page_id = ? UNION"
        " SELECT file_handle_id FROM sage_wiki_attachments WHERE page_id = ?",
        (page, page),
    )
    return frozenset(row[0] for row in rows)


def _add_version(call: Call, page: int, version: int, content: Content) -> None:
    values: Mapping[str, Any] = {
        "page_id": page,
        "version": version,
        "title": content.title,
        "markdown_id": content.markdown,
        "modified_by": call.caller.id,
        "modified_on": call.now,
    }
    call.db.execute(
        "INSERT INTO sage_wiki_versions (page_id, version, title, markdown_id, modified_by, modified_on)"
        " VALUES (:page_id, :version, :title, :markdown_id, :modified_by, :modified_on)",
        values,
    )
    call.db.executemany(
        "INSERT INTO sage_wiki_attachments (page_id, version, file_handle_id) VALUES (?, ?, ?)",
        [(page, version, handle) for handle in content.attachments],
    )


def attached(db: Connection, row: Row) -> Sequence[Row]:
    """The file handles attached to a version."""
    return [find_handle(db, handle) for handle in attachment_ids(db, row)]
