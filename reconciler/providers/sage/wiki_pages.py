"""Wiki pages on the wire, in the form that carries markdown as text (`.../wiki`), with their attachments.

A page has the id `OWNER/PAGE`, such as `syn1/22`. It is known by its owner, its parent and its title; the page without
parent is the root, of which there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.diff.desired import KNOWN_AFTER_APPLY
from reconciler.errors import Conflict, Denied, Invalid, NotFound
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.patching import patched
from reconciler.providers.sage import attachments
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.paging import pages
from reconciler.providers.sage.walking import projects
from reconciler.providers.sage.wire import Row, object_in

KIND = "WikiPage"
FIXED: tuple[Fixed, ...] = ()
REMARKS: tuple[Remark, ...] = ()
REPLACES = frozenset({"of"})
NATURAL = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A page. owner: id of an entity or an evaluation."""

    owner: str
    page: str = ""

    @property
    def path(self) -> str:
        """Of all calls about the owner's wiki, without the last part."""
        return f"/{'entity' if self.owner.startswith('syn') else 'evaluation'}/{self.owner}"

    @property
    def remote_id(self) -> str:
        return f"{self.owner}/{self.page}"


def _parsed(remote_id: str) -> _Place:
    owner, _, page = remote_id.partition("/")
    if not (owner.removeprefix("syn").isdigit() and page.isdigit()):
        raise Invalid(f"{remote_id!r} is no id of a wiki page", fix="write it as syn1/22: of whom, and which page")
    return _Place(owner, page)


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """The page, and its attachments if it has any."""
    place = _parsed(remote_id)
    try:
        return _found(calls, place, _got(calls, place))
    except NotFound:
        return Absent()


def _got(calls: Calls, place: _Place) -> Row:
    path = f"{place.path}/wiki/{place.page}"
    return object_in(calls.repo.get(path), f"GET {path}")


def _found(calls: Calls, place: _Place, page: Row) -> Found:
    place = _Place(place.owner, str(page["id"]))
    fields: dict[str, JSON] = {
        "of": place.owner,
        "title": page.get("title") or "",
        "markdown": str(page.get("markdown") or "").strip(),
        "attachments": {name: row.get("contentMd5") for name, row in _handles(calls, place, page).items()},
    }
    if page.get("parentWikiId"):
        fields["parent"] = _Place(place.owner, str(page["parentWikiId"])).remote_id
    return Found(place.remote_id, fields, etag=str(page.get("etag")))


def _handles(calls: Calls, place: _Place, page: Row) -> dict[str, Row]:
    """File handles of a page by name; previews that the service made are not ours."""
    wanted = {str(number) for number in page.get("attachmentFileHandleIds") or []}
    if not wanted:
        return {}
    path = f"{place.path}/wiki/{place.page}/attachmenthandles"
    rows = object_in(calls.repo.get(path), f"GET {path}").get("list") or []
    return {str(row.get("fileName")): row for row in rows if str(row.get("id")) in wanted}


def _headers(calls: Calls, owner: str) -> list[Row]:
    """All pages of an owner in outline; none when it has no wiki."""
    try:
        return [row for page in pages(calls.repo, f"{_Place(owner).path}/wikiheadertree2") for row in page]
    except NotFound:
        return []


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """Pages of that title below that parent, or the root, whatever its title."""
    owner, parent = str(desired.fields["of"]), str(desired.fields.get("parent") or "")
    if KNOWN_AFTER_APPLY in (owner, parent):
        return ()
    above = parent.partition("/")[2]
    title = desired.fields["title"]
    fits = [
        row
        for row in _headers(calls, owner)
        if str(row.get("parentId") or "") == above and (not above or row.get("title") == title)
    ]
    places = [_Place(owner, str(row["id"])) for row in fits]
    return tuple(_found(calls, place, _got(calls, place)) for place in places)


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Fields are told as they are declared. Raises Invalid for what cannot move or be kept."""
    parent = desired.fields.get("parent")
    is_known = parent not in (None, KNOWN_AFTER_APPLY)
    if is_known and not str(parent).startswith(f"{desired.fields.get('of')}/"):
        raise Invalid("the parent is a page of another wiki", fix="give both pages the same `of`")
    if observed is not None and desired.fields and (parent is None) != ("parent" not in observed.fields):
        raise Invalid("the root of a wiki stays the root, and no other page becomes it", fix="change `parent` back")
    for name, file in desired.files.items():
        if not file.size_bytes:
            raise Invalid(f"{name} is empty: the backend takes no files without bytes", fix="leave it out")
    return Settled(desired.fields)


def create(calls: Calls, desired: Desired) -> Found:
    """`POST .../wiki`. Raises Conflict when there is a root, or a page of that title."""
    if find(calls, desired):
        raise Conflict(f"{desired.address}: there is such a page", fix="set lifecycle.onExists: adopt, or import it")
    place = _Place(str(desired.fields["of"]))
    body = _body({}, desired.fields) | {"attachmentFileHandleIds": _attached(calls, place, desired, {}, desired.fields)}
    path = f"{place.path}/wiki"
    return _found(calls, place, object_in(calls.repo.call("POST", path, body=body), f"POST {path}"))


def _body(page: Row, fields: Mapping[str, JSON]) -> Row:
    body = page | {"title": fields["title"]}
    body |= {"markdown": f"{fields['markdown']}\n"} if fields.get("markdown") else {"markdown": ""}
    parent = str(fields.get("parent") or "").partition("/")[2]
    return body | ({"parentWikiId": parent} if parent else {})


def _attached(
    calls: Calls, place: _Place, desired: Desired, there: Mapping[str, Row], fields: Mapping[str, JSON]
) -> list[str]:
    """Ids of the file handles that a page shall have; only what is new or different is sent."""
    ids = []
    for name, md5 in sorted((fields.get("attachments") or {}).items()):
        if name in there and there[name].get("contentMd5") == md5:
            ids.append(str(there[name]["id"]))
        else:
            ids.append(attachments.send(calls.uploads, desired.files[name], _folder(calls, place)))
    return ids


def _folder(calls: Calls, place: _Place) -> str:
    """Whose storage location holds: the owner's, or that of the project of an evaluation."""
    if place.owner.startswith("syn"):
        return place.owner
    return str(object_in(calls.repo.get(place.path), f"GET {place.path}").get("contentSource"))


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
    """`PUT .../wiki/{id}` with the etag that it was read with; the service keeps the old version."""
    place = _parsed(observed.remote_id)
    page = _got(calls, place)
    if page.get("etag") != observed.etag:
        raise Conflict(f"{desired.address} changed since it was read", status=412, fix="plan again")
    after = patched(observed.fields, changes)
    ids = _attached(calls, place, desired, _handles(calls, place, page), after)
    path = f"{place.path}/wiki/{place.page}"
    body = _body(page, after) | {"attachmentFileHandleIds": ids}
    return _found(calls, place, object_in(calls.repo.call("PUT", path, body=body), f"PUT {path}"))


def delete(calls: Calls, address: Address, remote_id: str) -> None:  # noqa: ARG001
    """`DELETE .../wiki/{id}`, with all pages below it."""
    place = _parsed(remote_id)
    try:
        calls.repo.call("DELETE", f"{place.path}/wiki2/{place.page}")
    except NotFound:
        return


def discover(calls: Calls) -> Iterator[Found]:
    """Pages of all projects and of evaluations that we may change, each after the one above it."""
    for row in projects(calls.repo):
        yield from _pages_of(calls, str(row["id"]))
    for page in pages(calls.repo, "/evaluation", {"accessType": "UPDATE"}):
        for row in page:
            yield from _pages_of(calls, str(row["id"]))


def _pages_of(calls: Calls, owner: str) -> Iterator[Found]:
    try:
        headers = _headers(calls, owner)
    except Denied:
        return
    waiting = [row for row in headers if not row.get("parentId")]
    while waiting:
        row = waiting.pop(0)
        waiting += [below for below in headers if below.get("parentId") == row["id"]]
        place = _Place(owner, str(row["id"]))
        yield _found(calls, place, _got(calls, place))


def dependents(calls: Calls, remote_id: str) -> Dependents:
    """Pages below it."""
    place = _parsed(remote_id)
    headers = _headers(calls, place.owner)
    below: set[str] = set()
    waiting = [place.page]
    while waiting:
        above = waiting.pop()
        found = [str(row["id"]) for row in headers if str(row.get("parentId")) == above]
        below.update(found)
        waiting += found
    return Dependents(pages=len(below))
