"""Places on storages of the backend, of sources and of destinations."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.nodes import Node, find, locate_key, text_at
from reconciler.errors import Problem


def storage_problems(place: Node | None, role: str) -> Iterator[Problem]:
    """The backend says where its storage is and how to get in; a path on it stays on it. role: source, destination."""
    path, options = find(place, "path"), locate_key(place, "options")
    if find(place, "storage") is None:
        return
    if options is not None:
        fix = "remove them, or write a url"
        yield Problem(f"a {role} on a storage takes no options: the backend gives them", options, fix=fix)
    parts = (text_at(place, "path") or "").strip("/").split("/")
    if path is not None and any(part in ("", ".", "..") for part in parts):
        yield Problem("the path does not name a folder on the storage", path.at, fix="write it without '.' and '..'")
