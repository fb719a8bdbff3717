"""Which files pages of wikis and submissions name, for whoever may read these; see `associations`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.backend.database import IDS, one
from reconciler.backend.sage.body import plain_id
from reconciler.backend.sage.call import Call, syn
from reconciler.backend.sage.errors import missing
from reconciler.backend.sage.submission_queue import PRIVATE, submission_for
from reconciler.backend.sage.wiki_owners import ENTITY, find_owner
from reconciler.backend.wire import encode_json


def named_by_markdown(call: Call, named: str, handles: Sequence[int]) -> set[int]:
    """The markdown of a wiki page, at any of its versions; needs READ on what the wiki belongs to."""
    return _named_by_wiki(call, named, handles, "SELECT markdown_id FROM sage_wiki_versions WHERE page_id = ?")


def named_by_page(call: Call, named: str, handles: Sequence[int]) -> set[int]:
    """Attachments of a wiki page, at any of its versions; needs READ on what the wiki belongs to."""
    return _named_by_wiki(call, named, handles, "SELECT file_handle_id FROM sage_wiki_attachments WHERE page_id = ?")


def _named_by_wiki(call: Call, named: str, handles: Sequence[int], sql: str) -> set[int]:
    page = one(call.db, "SELECT * FROM sage_wiki_pages WHERE id = ?", (plain_id(named),))
    if page is None:
        raise missing(f"No wiki page found with id: {named[:100]}")
    owner = syn(page["owner_id"]) if page["owner_kind"] == ENTITY else str(page["owner_id"])
    find_owner(call, page["owner_kind"], owner, "READ")
    return {row[0] for row in call.db.execute(sql, (page["id"],))} & set(handles)


def named_by_submission(call: Call, named: str, handles: Sequence[int]) -> set[int]:
    """The file of a submission; for the organizers of its evaluation."""
    row = submission_for(call, plain_id(named), PRIVATE)
    sql = f"SELECT file_handle_id FROM sage_submissions WHERE id = ? AND file_handle_id IN {IDS}"
    return {found[0] for found in call.db.execute(sql, (row["id"], encode_json(list(handles))))}
