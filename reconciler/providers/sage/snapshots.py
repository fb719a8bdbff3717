"""Snapshots of tables and views: versions with a label, which can be taken and never be changed."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import Conflict, Invalid
from reconciler.model.json import JSON
from reconciler.model.kinds import SNAPSHOT
from reconciler.plan.refusals import Bar, Fixed
from reconciler.providers.http import HttpClient
from reconciler.providers.retry import Clock
from reconciler.providers.sage import jobs
from reconciler.providers.sage.paging import pages
from reconciler.providers.sage.wire import PREFIX, Row

FIELD = "snapshots"
FIXED = (
    Fixed(
        (FIELD, "*"),
        Bar.REMOVE,
        "a snapshot is a version that is never changed again; declare it again, or delete the whole table or view",
    ),
)


def read(client: HttpClient, entity_id: str) -> dict[str, JSON]:
    """`GET /entity/{id}/version`: labels, oldest first. What is not a snapshot yet is not listed there."""
    rows = [row for page in pages(client, f"/entity/{entity_id}/version") for row in page]
    return dict.fromkeys((str(row.get("versionLabel")) for row in reversed(rows)), SNAPSHOT)


def take(
    client: HttpClient,
    entity_id: str,
    before: Mapping[str, JSON],
    after: Mapping[str, JSON],
    clock: Clock | None = None,
) -> None:
    """Take every snapshot that is lacking, in order. Raises Invalid when one would have to go."""
    if gone := sorted(before.keys() - after.keys()):
        raise Invalid(f"snapshots cannot be deleted: {', '.join(gone)}", fix="declare them again")
    for label in after:
        if label not in before:
            _take_one(client, entity_id, label, clock)


def _take_one(client: HttpClient, entity_id: str, label: str, clock: Clock | None) -> None:
    """A transaction that does nothing else. Labels cannot repeat, so one that is taken already was ours and cut."""
    body: Row = {
        "concreteType": PREFIX + "table.TableUpdateTransactionRequest",
        "entityId": entity_id,
        "changes": [],
        "createSnapshot": True,
        "snapshotOptions": {"snapshotLabel": label},
    }
    try:
        jobs.run(client, f"/entity/{entity_id}/table/transaction/async", body, clock, repeatable=True)
    except (Conflict, Invalid):
        if label not in read(client, entity_id):
            raise
