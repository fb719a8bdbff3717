"""Tables on the wire: an entity with columns, annotations and snapshots. Their rows are in `table_rows`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.address import Address
from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.http import HttpClient
from reconciler.providers.sage import columns, entities, jobs, queries, snapshots, values
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.columns import Column
from reconciler.providers.sage.described import (
    at_place,
    current,
    described,
    everywhere,
    read_as,
    rewrite,
    settled_annotations,
    writable,
)
from reconciler.providers.sage.wire import PREFIX, Row

KIND = "Table"
TYPE = PREFIX + "table.TableEntity"
FIXED = snapshots.FIXED
REMARKS: tuple[Remark, ...] = ()
REPLACES: frozenset[str] = frozenset()
NATURAL = False


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """A bundle, its columns, and its versions."""
    return read_as(calls.repo, remote_id, TYPE, lambda there: found_table(calls.repo, there))


def found_table(client: HttpClient, there: Row) -> Found:
    """What tables and views have in common: title and annotations, columns, snapshots."""
    entity = entities.object_of(there)
    remote_id = str(entity["id"])
    fields = described(there)
    fields["columns"] = [columns.from_wire(row) for row in columns.read(client, remote_id)]
    fields[snapshots.FIELD] = snapshots.read(client, remote_id)
    return Found(remote_id, fields, etag=str(entity.get("etag")))


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """The table of that name below its parent; none while the parent is to be made."""
    return at_place(calls.repo, desired, TYPE, lambda there: found_table(calls.repo, there))


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Renames that are done are no longer wanted; notes say which values are lost. Raises Invalid, see `columns`."""
    fields = settled_annotations(desired.fields)
    if fields.get("columns") is None:
        return Settled(fields)
    there = list((observed.fields if observed else {}).get("columns") or [])
    wanted = columns.settled(fields["columns"], there)
    notes = tuple(losses(calls.repo, observed.remote_id, wanted, there)) if observed else ()
    return Settled({**fields, "columns": wanted}, notes)


def losses(client: HttpClient, table_id: str, wanted: Sequence[Column], there: Sequence[Column]) -> Iterator[str]:
    """What becomes of the values of columns that go or change, with the number of rows concerned."""
    for before, after in columns.pairs(wanted, there):
        if before is None:
            continue
        name = str(before["name"])
        if after is None:
            what = "goes"
        else:
            what = columns.danger(before, after) or ""
            if name != after["name"]:
                yield f"column {name!r} is renamed to {after['name']!r}; its values stay"
        if what:
            count = queries.count_values(client, table_id, name)
            yield f"danger: column {name!r} {what}; {_rows(count)} a value there"


def _rows(count: int) -> str:
    return f"{count:,} {'row has' if count == 1 else 'rows have'}"


def create(calls: Calls, desired: Desired) -> Found:
    """`POST /entity/bundle2/create` with columns and annotations at once, then snapshots."""
    client, fields = calls.repo, desired.fields
    ids = columns.ids_of(client, [columns.completed(None, one) for one in fields.get("columns") or []])
    return found_table(client, make(client, {"concreteType": TYPE, "columnIds": ids}, fields))


def make(client: HttpClient, body: Row, fields: Mapping[str, JSON]) -> Row:
    """Create a table or view with its annotations, take its snapshots, and read its bundle. body: of its kind alone."""
    made = entities.create_bundle(client, body | writable(fields), values.to_wire(fields.get("annotations") or {}))
    remote_id = str(entities.object_of(made)["id"])
    snapshots.take(client, remote_id, {}, fields.get(snapshots.FIELD) or {})
    return entities.bundle(client, remote_id)


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
    """Write what changes: the entity, its annotations, its columns in one transaction, then snapshots."""
    client = calls.repo
    rewrite(client, current(client, desired, observed), observed, changes)
    change_columns(client, desired, observed, changes)
    change_snapshots(client, observed, changes)
    return found_table(client, entities.bundle(client, observed.remote_id))


def change_columns(client: HttpClient, desired: Desired, observed: Found, changes: Sequence[FieldChange]) -> None:
    """Bring the columns of a table or view to what is desired, when they are among the changes."""
    ours = [change for change in changes if change.path[0] == "columns"]
    if not ours:
        return
    there = columns.read(client, observed.remote_id)
    known = {str(row["name"]): str(row["id"]) for row in there}
    dropped: dict[str, list[str]] = {}
    for change in ours:
        if len(change.path) == 3 and isinstance(change.after, Missing):
            dropped.setdefault(change.path[1], []).append(change.path[2])
    found = [columns.from_wire(row) for row in there]
    steps, order = list[tuple[str | None, Column | None]](), list[Column]()
    for before, after in columns.pairs(desired.fields.get("columns") or [], found):
        whole = None if after is None else columns.completed(before, after, dropped.get(str(after["name"]), ()))
        order += [] if whole is None else [whole]
        if whole != before:
            steps.append((None if before is None else known[str(before["name"])], whole))
    ids = dict(zip([str(one["name"]) for one in order], columns.ids_of(client, order), strict=True))
    wire = [{"oldColumnId": old, "newColumnId": None if new is None else ids[str(new["name"])]} for old, new in steps]
    change_schema(client, observed.remote_id, wire, list(ids.values()))


def change_schema(client: HttpClient, entity_id: str, steps: Sequence[Row], order: Sequence[str]) -> None:
    """A `TableSchemaChangeRequest` in a transaction. steps: ids before and after; order: ids of all columns then."""
    table = PREFIX + "table."
    change: Row = {"concreteType": table + "TableSchemaChangeRequest", "entityId": entity_id}
    change |= {"changes": list(steps), "orderedColumnIds": list(order)}
    body = {"concreteType": table + "TableUpdateTransactionRequest", "entityId": entity_id, "changes": [change]}
    jobs.run(client, f"/entity/{entity_id}/table/transaction/async", body)


def change_snapshots(client: HttpClient, observed: Found, changes: Sequence[FieldChange]) -> None:
    """Take the snapshots that are among the changes."""
    before = dict(observed.fields.get(snapshots.FIELD) or {})
    after = dict(before)
    for change in changes:
        if change.path[0] == snapshots.FIELD:
            named = {change.path[1]: change.after} if len(change.path) > 1 else change.after
            for name, value in named.items() if isinstance(named, Mapping) else ():
                after.pop(name, None) if isinstance(value, Missing) else after.setdefault(name, value)
    snapshots.take(client, observed.remote_id, before, after)


def delete(calls: Calls, address: Address, remote_id: str) -> None:  # noqa: ARG001
    """To the trash, with rows and snapshots."""
    entities.delete(calls.repo, remote_id)


def discover(calls: Calls) -> Iterator[Found]:
    """All tables in projects and folders that can be read."""
    for remote_id in everywhere(calls.repo, "table", TYPE):
        yield found_table(calls.repo, entities.bundle(calls.repo, remote_id))


def dependents(calls: Calls, remote_id: str) -> Dependents:
    """Its snapshots and rows."""
    count = queries.count_rows(calls.repo, remote_id) if columns.read(calls.repo, remote_id) else 0
    notes = (f"danger: {count:,} row{'' if count == 1 else 's'} of the table go with it",) if count else ()
    return Dependents(versions=len(snapshots.read(calls.repo, remote_id)), notes=notes)
