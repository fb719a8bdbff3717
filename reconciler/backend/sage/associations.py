"""What makes a file readable by others than its creator: a right on an object, and that the object names the file.

A request names the object by type and id (`associateObjectType`, `associateObjectId`). Each type has a function that
gives, of some handles, those that the object names, and raises `ApiError` when the caller may not download from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.backend.database import IDS, Row, one
from reconciler.backend.sage.acls import has_right
from reconciler.backend.sage.body import Body, entity_id, plain_id
from reconciler.backend.sage.call import Call
from reconciler.backend.sage.community_files import named_by_markdown, named_by_page, named_by_submission
from reconciler.backend.sage.errors import bad, forbidden, missing
from reconciler.backend.sage.file_handles import is_owner, lookup_handle
from reconciler.backend.sage.nodes import find_node, require
from reconciler.backend.sage.table_files import named_by_table
from reconciler.backend.wire import ApiError, encode_json

NOT_FOUND: Final = "NOT_FOUND"
UNAUTHORIZED: Final = "UNAUTHORIZED"

Named = Callable[[Call, str, Sequence[int]], set[int]]


@dataclass(frozen=True, slots=True)
class Association:
    """A file as named by an object. kind, object: '' when the request names no object."""

    handle: int
    kind: str
    object: str


def read_association(body: Body) -> Association:
    """The file and the object that a body names; 400 for an unknown type of object."""
    kind, named = body.text("associateObjectType"), body.values.get("associateObjectId")
    if (kind is None) != (named is None):
        raise bad(f"{body.where}associateObjectType and associateObjectId belong together.")
    if kind is not None and kind not in ASSOCIATIONS:
        raise bad(f"Unknown associateObjectType: {kind[:100]}")
    return Association(body.needed_integer("fileHandleId"), kind or "", "" if named is None else str(named))


def resolve(call: Call, wanted: Sequence[Association]) -> list[Row | str]:
    """For each file its handle, or the code of why the caller does not get it.

    The right is looked at first, so that a handle that does not exist is UNAUTHORIZED too to who may not know.
    """
    allowed = _allowed(call, wanted)
    return [_one(call, asked, asked.handle in allowed[asked.kind, asked.object]) for asked in wanted]


def _one(call: Call, wanted: Association, is_named: bool) -> Row | str:
    row = lookup_handle(call.db, wanted.handle)
    if is_named or (row is not None and is_owner(call, row)):
        return NOT_FOUND if row is None else row
    return NOT_FOUND if row is None and call.caller.is_admin else UNAUTHORIZED


def _allowed(call: Call, wanted: Sequence[Association]) -> Mapping[tuple[str, str], set[int]]:
    """Object → handles that the caller may read because of it. Each object is asked once."""
    handles: dict[tuple[str, str], list[int]] = {}
    for asked in wanted:
        handles.setdefault((asked.kind, asked.object), []).append(asked.handle)
    return {key: _named(call, *key, some) for key, some in handles.items()}


def _named(call: Call, kind: str, named: str, handles: Sequence[int]) -> set[int]:
    if not kind:
        return set()
    try:
        return ASSOCIATIONS[kind](call, named, handles)
    except ApiError as error:
        if error.status not in (400, 403, 404):
            raise
        return set()


def named_by_file(call: Call, named: str, handles: Sequence[int]) -> set[int]:
    """A file entity, at any of its versions; needs DOWNLOAD."""
    node = find_node(call.db, entity_id(named))
    require(call, node, "DOWNLOAD")
    sql = f"SELECT file_handle_id FROM sage_versions WHERE entity_id = ? AND file_handle_id IN {IDS}"
    return {row[0] for row in call.db.execute(sql, (node["id"], encode_json(list(handles))))}


def named_by_message(call: Call, named: str, handles: Sequence[int]) -> set[int]:
    """The body of a message; for sender and recipients."""
    row = one(call.db, "SELECT * FROM sage_messages WHERE id = ?", (plain_id(named),))
    if row is None:
        raise missing(f"Message {named} does not exist.")
    if row["created_by"] != call.caller.id and f'"{call.caller.id}"' not in row["recipients"]:
        raise forbidden("Only sender and recipients may read a message.")
    return {row["file_handle_id"]} & set(handles)


def named_by_form(call: Call, named: str, handles: Sequence[int]) -> set[int]:
    """The data of a form; for its creator and the reviewers of its group."""
    row = one(call.db, "SELECT * FROM sage_form_data WHERE id = ?", (plain_id(named),))
    if row is None:
        raise missing(f"Form data {named} does not exist.")
    is_reviewer = has_right(call.db, call.caller, "FORM_GROUP", row["group_id"], "READ_PRIVATE_SUBMISSION")
    if row["created_by"] != call.caller.id and not is_reviewer:
        raise forbidden("Only its creator and reviewers may read the data of a form.")
    return {row["file_handle_id"]} & set(handles)


def named_by_nothing(_call: Call, _named: str, _handles: Sequence[int]) -> set[int]:
    """Types of objects whose files only their creators may read here."""
    return set()


ASSOCIATIONS: Final[dict[str, Named]] = {
    "FileEntity": named_by_file,
    "MessageAttachment": named_by_message,
    "FormData": named_by_form,
    "SubmissionAttachment": named_by_submission,
    "WikiAttachment": named_by_page,
    "WikiMarkdown": named_by_markdown,
    "TableEntity": named_by_table,
    **dict.fromkeys(
        (
            "UserProfileAttachment", "TeamAttachment", "VerificationSubmission", "AccessRequirementAttachment",
            "DataAccessRequestAttachment", "DataAccessSubmissionAttachment", "AccessApprovalAttachment",
        ),
        named_by_nothing,
    ),
}  # fmt: skip
