"""The files of wiki pages: handles and URLs of attachments, of what stands in for them, and of the markdown."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from reconciler.backend.database import Row
from reconciler.backend.sage.call import Call, reply, url_reply
from reconciler.backend.sage.downloads import needed_url
from reconciler.backend.sage.errors import bad, missing
from reconciler.backend.sage.file_handles import find_handle, handle_wire
from reconciler.backend.sage.routes import DOWNLOAD
from reconciler.backend.sage.wiki_owners import Owner, wiki_reads
from reconciler.backend.sage.wiki_rows import asked_version, attached, find_page
from reconciler.backend.wire import Response

_PREVIEW_NAME: Final = "preview.txt"


def _page(call: Call, owner: Owner) -> Row:
    return find_page(call, owner, call.id("wiki"), asked_version(call))


def handles(call: Call, owner: Owner) -> Response:
    """`GET …/attachmenthandles`."""
    return reply({"list": [handle_wire(row) for row in attached(call.db, _page(call, owner))]})


def _named(call: Call, owner: Owner) -> Row:
    name = call.query.text("fileName")
    if name is None:
        raise bad("fileName is required.")
    found = [row for row in attached(call.db, _page(call, owner)) if row["file_name"] == name]
    if not found:
        raise missing(
            f"Cannot find a wiki attachment for OwnerID: {owner.wire_id}, WikiPageId: {call.id('wiki')},"
            f" file name: {name[:300]}"
        )
    return found[-1]  # of two of the same name the one that came later counts


def attachment(call: Call, owner: Owner) -> Response:
    """`GET …/attachment?fileName=`."""
    return url_reply(call, needed_url(call, _named(call, owner)))


def preview(call: Call, owner: Owner) -> Response:
    """`GET …/attachmentpreview?fileName=`: the attachment itself, under the name that previews have."""
    url = needed_url(call, _named(call, owner))
    disposition = quote(f'attachment; filename="{_PREVIEW_NAME}"', safe="")
    return url_reply(call, f"{url}{'&' if '?' in url else '?'}response-content-disposition={disposition}")


def markdown(call: Call, owner: Owner) -> Response:
    """`GET …/wiki2/{wiki}/markdown`."""
    return url_reply(call, needed_url(call, find_handle(call.db, _page(call, owner)["markdown_id"])))


ROUTES: Final = (
    *(
        route
        for wiki in ("/wiki/{wiki}", "/wiki2/{wiki}")
        for route in (
            *wiki_reads("GET", f"{wiki}/attachmenthandles", handles),
            *wiki_reads("GET", f"{wiki}/attachment", attachment, scopes=DOWNLOAD),
            *wiki_reads("GET", f"{wiki}/attachmentpreview", preview, scopes=DOWNLOAD),
        )
    ),
    *wiki_reads("GET", "/wiki2/{wiki}/markdown", markdown, scopes=DOWNLOAD),
)
