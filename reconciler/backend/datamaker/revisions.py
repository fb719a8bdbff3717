"""Revisions of collections and projects, and the ETags of the listings below them.

Every write that can alter a listing raises the counter of its collection or project, in the same transaction. Beside
the counter stands a random stamp, drawn anew each time, so that no ETag ever names two contents: not after a restart,
not after a power cut took the last commits, not in a store made anew at the same place.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable

from reconciler.backend.database import IDS, Connection, one
from reconciler.backend.datamaker.call import Call
from reconciler.backend.wire import Response, encode_json

_RAISE = "UPDATE {} SET revision = revision + 1, stamp = ? WHERE id "


def touch_collection(db: Connection, collection: int) -> None:
    """Note that the listing of a collection's units changed."""
    db.execute(_RAISE.format("collections") + "= ?", (_stamp(), collection))


def touch_project(db: Connection, project: int) -> None:
    """Note that the listing of a project's tasks or assignments changed."""
    db.execute(_RAISE.format("projects") + "= ?", (_stamp(), project))


def touch_projects_of_units(db: Connection, units: Iterable[int]) -> None:
    """Note that tasks of these units change, or what they show of their units."""
    db.execute(
        _RAISE.format("projects") + f"IN (SELECT project_id FROM tasks WHERE unit_id IN {IDS})",
        (_stamp(), encode_json(list(units))),
    )


def touch_projects_of_collection(db: Connection, collection: int) -> None:
    """Note that something changed which all units of a collection show."""
    sql = _RAISE.format("projects") + "IN (SELECT id FROM projects WHERE collection_id = ?)"
    db.execute(sql, (_stamp(), collection))


def _stamp() -> str:
    return secrets.token_hex(8)


def collection_etag(call: Call, collection: int) -> str | None:
    """ETag of the listings of a collection's units; None when the caller cannot see the collection."""
    return _etag(call, "collections", collection)


def project_etag(call: Call, project: int) -> str | None:
    """ETag of the listings of a project's tasks and assignments; None when the caller cannot see the project."""
    return _etag(call, "projects", project)


def _etag(call: Call, table: str, owner: int) -> str | None:
    sql = f"SELECT revision, stamp FROM {table} WHERE id = ? AND tenant_id = ?"
    row = one(call.db, sql, (owner, call.tenant))
    if row is None:
        return None
    # Listings show absolute URLs, and 0 or null for missing ids: the same rows seen otherwise are another content.
    view = f"{call.request.base_url} {call.settings.sdk_compat}"
    return f'"{row["revision"]}-{row["stamp"]}-{hashlib.sha256(view.encode()).hexdigest()[:8]}"'


def not_modified(call: Call, etag: str | None) -> Response | None:
    """The 304 answer, when the caller holds exactly this content."""
    held = call.request.header("If-None-Match")
    if etag is None or held is None:
        return None
    tags = [tag.strip().removeprefix("W/") for tag in held.split(",")]
    return Response(304, headers=etag_headers(etag)) if etag in tags else None


def etag_headers(etag: str | None) -> tuple[tuple[str, str], ...]:
    """Headers that hand an ETag out."""
    return () if etag is None else (("ETag", etag), ("Cache-Control", "private, no-cache"))
