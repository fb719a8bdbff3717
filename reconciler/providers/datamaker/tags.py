"""Task tags (`/v2/projects/{p}/tags/`) and review tags (`/v2/projects/{p}/review-tags/`) of projects.

In a project's fields they are mappings, so that tags which others made stay: `datamaker.tags` is category → name →
description and meta, `datamaker.review_tags` is name → colour and description. The category of a tag never changes,
which makes another category another tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import NotFound
from reconciler.model.json import JSON
from reconciler.providers.datamaker.envelope import V2_PAGE, Row, all_rows, id_of, object_in
from reconciler.providers.datamaker.parts import Rows, add_row, text_in
from reconciler.providers.http import HttpClient


@dataclass(frozen=True, slots=True)
class TaskTags:
    """The field `datamaker.tags`."""

    field: tuple[str, ...] = ("datamaker", "tags")

    def read(self, client: HttpClient, remote_id: str) -> Rows:
        """List the tags; where the listing leaves description or meta out, read each."""
        path = _path(remote_id, "tags")
        result: Rows = {}
        for row in _details(client, path, path, ("description", "meta")):
            result.setdefault(text_in(row, "category", f"GET {path}"), {})[_name(row, path)] = _members(
                row, ("description", "meta")
            )
        return result

    def write(self, client: HttpClient, remote_id: str, before: Rows, after: Rows) -> None:
        """POST, PATCH and DELETE single tags."""
        path = _path(remote_id, "tags")
        for category in sorted({*before, *after}):
            place = _Place(path, path, {"category": category})
            _sync(client, place, before.get(category) or {}, after.get(category) or {})


@dataclass(frozen=True, slots=True)
class ReviewTags:
    """The field `datamaker.review_tags`."""

    field: tuple[str, ...] = ("datamaker", "review_tags")

    def read(self, client: HttpClient, remote_id: str) -> Rows:
        """List the tags; where the listing leaves the description out, read each."""
        path, members = _path(remote_id, "review-tags"), ("background_color", "description")
        rows = _details(client, path, "/v2/review-tags/", members)
        return {_name(row, path): _members(row, members) for row in rows}

    def write(self, client: HttpClient, remote_id: str, before: Rows, after: Rows) -> None:
        """POST, PATCH and DELETE single tags."""
        _sync(client, _Place(_path(remote_id, "review-tags"), "/v2/review-tags/", {}), before, after)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where rows are: `listing` lists and makes them, `single` + id changes them. key: what they share."""

    listing: str
    single: str
    key: Mapping[str, JSON]


def _path(remote_id: str, leaf: str) -> str:
    return f"/v2/projects/{remote_id}/{leaf}/"


def _name(row: Row, path: str) -> str:
    return text_in(row, "name", f"GET {path}")


def _members(row: Row, names: tuple[str, ...]) -> dict[str, JSON]:
    return {name: row[name] for name in names if name in row}


def _details(client: HttpClient, listing: str, single: str, needed: tuple[str, ...]) -> list[Row]:
    """Rows of a listing, each read by itself when the listing does not give all that is needed."""
    rows = list(all_rows(client, listing, {"per_page": V2_PAGE}))
    result = []
    for row in rows:
        if all(name in row for name in needed):
            result.append(row)
        else:
            path = f"{single}{id_of(row, f'GET {listing}')}/"
            result.append({**row, **object_in(client.get(path), f"GET {path}")})
    return result


def _sync(client: HttpClient, place: _Place, before: Mapping[str, JSON], after: Mapping[str, JSON]) -> None:
    for name in after:
        if name not in before:
            add_row(client, place.listing, {**place.key, "name": name, **(after[name] or {})}, ("name", *place.key))
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    gone = before.keys() - after.keys()
    if not changed and not gone:
        return
    for row in list(all_rows(client, place.listing, {"per_page": V2_PAGE})):
        name = _name(row, place.listing)
        if any(row.get(key) != value for key, value in place.key.items()):
            continue
        path = f"{place.single}{id_of(row, f'GET {place.listing}')}/"
        if name in changed:
            client.call("PATCH", path, body=dict(after[name]), repeatable=True)
        elif name in gone:
            _delete(client, path)


def _delete(client: HttpClient, path: str) -> None:
    try:
        client.call("DELETE", path)
    except NotFound:
        return
