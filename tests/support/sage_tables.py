"""A Sage service with a project in it, for tests of tables: the embedded backend, and calls to fill it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.engine.session import open_backend
from reconciler.model.workspace import BackendSettings
from reconciler.providers.sage import entities, jobs
from reconciler.providers.sage.connection import Clients
from reconciler.providers.sage.provider import SageProvider

MODEL = "org.sagebionetworks.repo.model."
SETTINGS = BackendSettings("lab", "embedded", {"dialect": "sage", "path": "store"})


@contextmanager
def sage_provider(root: Path) -> Iterator[SageProvider]:
    """A provider over the embedded backend, kept in `root`."""
    provider, close = open_backend(SETTINGS, root, 4)
    assert isinstance(provider, SageProvider)
    try:
        yield provider
    finally:
        close()


def clients_of(provider: SageProvider) -> Clients:
    """The clients behind a provider, to look at the service without it."""
    return provider._clients


def make(clients: Clients, kind: str, name: str, **fields: Any) -> str:
    """Create an entity; returns its id."""
    entity = {"concreteType": MODEL + kind, "name": name, **fields}
    return str(entities.create_bundle(clients.repo, entity, {})["entity"]["id"])


def make_columns(clients: Clients, *columns: Mapping[str, Any]) -> list[str]:
    """Create columns; returns their ids."""
    reply = clients.repo.call("POST", "/column/batch", body={"list": [dict(column) for column in columns]})
    return [str(column["id"]) for column in reply.value["list"]]


def add_rows(clients: Clients, table: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Append rows (column id → value; `rowId` changes one); returns their ids."""
    listed = [
        {"values": [{"key": key, "value": value} for key, value in row.items() if key != "rowId"]}
        | ({"rowId": row["rowId"]} if "rowId" in row else {})
        for row in rows
    ]
    added = {"concreteType": MODEL + "table.PartialRowSet", "tableId": table, "rows": listed}
    change = {"concreteType": MODEL + "table.AppendableRowSetRequest", "entityId": table, "toAppend": added}
    body = {"concreteType": MODEL + "table.TableUpdateTransactionRequest", "entityId": table, "changes": [change]}
    answer = jobs.run(clients.repo, f"/entity/{table}/table/transaction/async", body)
    return [int(row["rowId"]) for row in answer["results"][0]["rowReferenceSet"]["rows"]]
