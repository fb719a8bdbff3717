"""Names on the wire, and what is the same for all answers.

An answer of another shape is `Transient`: something in between spoilt it, and what became of the request is not known.
"""

from __future__ import annotations

from typing import Any

from reconciler.errors import Transient
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
        raise Transient("the answer is not an object", operation=operation)
    return reply.value


def text_in(row: Row, name: str, operation: str) -> str:
    """A member that must be there, as text."""
    value: JSON = row.get(name)
    if value is None:
        raise Transient(f"the answer lacks {name}", operation=operation)
    return str(value)


def rows_in(row: Row, name: str, operation: str) -> list[Row]:
    """A list of objects that must be there: an answer without it says nothing, least of all that there are none."""
    value: JSON = row.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Transient(f"the answer lacks a list of {name}", operation=operation)
    return value
