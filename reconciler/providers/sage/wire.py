"""Names on the wire, and what is the same for all answers."""

from __future__ import annotations

from typing import Any

from reconciler.errors import BackendError
from reconciler.model.json import JSON
from reconciler.providers.http import Reply

PREFIX = "org.sagebionetworks.repo.model."
PROJECT, FOLDER, FILE = PREFIX + "Project", PREFIX + "Folder", PREFIX + "FileEntity"
LINK = PREFIX + "Link"
EXTERNAL = PREFIX + "file.ExternalFileHandle"
LINK = PREFIX + "Link"
UPLOAD = PREFIX + "file.MultipartUploadRequest"
USED_ENTITY, USED_URL = PREFIX + "provenance.UsedEntity", PREFIX + "provenance.UsedURL"
ROOT = "syn4489"

Row = dict[str, Any]


def object_in(reply: Reply, operation: str) -> Row:
    """The object that an answer consists of."""
    if not isinstance(reply.value, dict):
        raise BackendError("the answer is not an object", operation=operation)
    return reply.value


def text_in(row: Row, name: str, operation: str) -> str:
    """A member that must be there, as text."""
    value: JSON = row.get(name)
    if value is None:
        raise BackendError(f"the answer lacks {name}", operation=operation)
    return str(value)
