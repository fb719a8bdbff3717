"""What carrying out a change costs in requests, estimated from its counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.plan.values import Action, Change, RowCounts

# Rows of a table that are written at once.
ROWS = 2000


@dataclass(frozen=True, slots=True)
class CallCosts:
    """Requests a provider needs.

    object: to write one object, reads included. batch_rows: rows that one bulk call takes. unit_batch: bulk calls for
    one batch of new units; file: for each file sent. unit_edit, unit_delete: for one unit. task_batch: bulk calls for
    one batch of new tasks. row_batch: for a batch of rows of a table. annotation, task_delete: for one task.
    """

    object: int = 2
    batch_rows: int = 200
    unit_batch: int = 3
    file: int = 1
    unit_edit: int = 2
    unit_delete: int = 1
    task_batch: int = 2
    annotation: int = 1
    task_delete: int = 1
    row_batch: int = 3


def estimate_calls(change: Change, costs: CallCosts) -> int:
    """Requests to expect for a change, retries and multipart uploads aside.

    Exports count one request per item; 0 for what is settled while applying.
    """
    if change.action in (Action.NO_OP, Action.FORGET, Action.BLOCKED) or change.deferred:
        return 0
    rows = change.rows or RowCounts()
    match change.address.kind:
        case "AssetSet":
            batches = _batches(rows.create + rows.replace, costs)
            edits = rows.update + rows.move + rows.adopt
            gone = rows.delete + rows.replace
            sent = costs.file * rows.files
            return costs.unit_batch * batches + sent + costs.unit_edit * edits + costs.unit_delete * gone
        case "TaskSet":
            made = rows.create + rows.replace
            gone = rows.delete + rows.replace
            written = costs.annotation * rows.files
            return costs.task_batch * _batches(made, costs) + written + costs.task_delete * gone
        case "Export":
            return rows.create + rows.replace
        case _:
            written = rows.create + rows.update + rows.adopt
            batches = -(-written // ROWS) + -(-rows.delete // ROWS)
            return costs.object + costs.row_batch * batches


def _batches(rows: int, costs: CallCosts) -> int:
    return -(-rows // costs.batch_rows)
