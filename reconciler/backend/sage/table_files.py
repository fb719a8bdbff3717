"""Files in cells of tables: who may put them there, and which ones a table has or ever had.

Whoever may download from a table gets the files in its cells, so that only their creators may put them there first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from reconciler.backend.database import IDS
from reconciler.backend.sage.body import entity_id
from reconciler.backend.sage.call import Call
from reconciler.backend.sage.errors import forbidden
from reconciler.backend.sage.nodes import find_node, require


def put_files(call: Call, table: int, handles: Iterable[int]) -> None:
    """Note that cells of a table get files. Raises `ApiError` 403 for files of others that the table never had."""
    wanted = set(handles)
    new = wanted - files_of(call, table, sorted(wanted))
    if not new:
        return
    if foreign := sorted(new - _own(call, sorted(new))):
        raise forbidden(f"Only its creator can put a FileHandle into a table. FileHandle ID: {foreign[0]}")
    call.db.executemany(
        "INSERT INTO sage_table_files (table_id, file_handle_id) VALUES (?, ?)", [(table, one) for one in sorted(new)]
    )


def files_of(call: Call, table: int, handles: Sequence[int]) -> set[int]:
    """Those of some handles that are, or once were, in cells of a table."""
    sql = f"SELECT file_handle_id FROM sage_table_files WHERE table_id = ? AND file_handle_id IN {IDS}"
    return {row["file_handle_id"] for row in call.db.execute(sql, (table, json.dumps(list(handles))))}


def _own(call: Call, handles: Sequence[int]) -> set[int]:
    condition, values = ("1 = 1", ()) if call.caller.is_admin else ("created_by = ?", (call.caller.id,))
    sql = f"SELECT id FROM sage_file_handles WHERE id IN {IDS} AND {condition}"
    return {row["id"] for row in call.db.execute(sql, (json.dumps(list(handles)), *values))}


def named_by_table(call: Call, named: str, handles: Sequence[int]) -> set[int]:
    """The cells of a table, past ones included; needs READ and DOWNLOAD, as its queries do."""
    node = find_node(call.db, entity_id(named))
    require(call, node, "READ", "DOWNLOAD")
    return files_of(call, node["id"], handles)
